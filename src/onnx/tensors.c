/* Tensors: from TensorProto to numbers. Dimensions are multiplied with overflow checks and compared with the
 * bytes that are really there before anything is allocated. Raw data is little-endian, as ONNX says. */
#include "onnx/import.h"

#include <stdio.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "raw tensors are read as they lie in the file: this needs a little-endian machine"
#endif

static const char again[] = "the file is damaged; export it again";

void ss_dims_text(int rank, const int64_t *dims, char out[64]) {
    size_t at = 0;
    out[0] = '\0';
    for (int d = 0; d < rank && at < 63; d++) {
        int n = snprintf(out + at, 64 - at, "%s%lld", d ? "x" : "", (long long)dims[d]);
        at += n > 0 ? (size_t)n : 0;
    }
    if (rank == 0) snprintf(out, 64, "scalar");
}

double ss_tensor_at(const ss_tensor *t, int64_t k) {
    return t->is_float ? (double)t->f[k] : (double)t->i[k];
}

/* Elements of dims, or -1 when a dimension is negative or they would not fit in SS_CONST_BYTES. */
static int64_t count(int rank, const int64_t *dims) {
    int64_t n = 1;
    bool empty = false;
    for (int d = 0; d < rank; d++) {
        if (dims[d] < 0) return -1;
        if (dims[d] == 0) empty = true;
        else if (n > SS_CONST_BYTES / dims[d]) return -1;
        else n *= dims[d];
    }
    return empty ? 0 : n;
}

bool ss_tensor_new(ss_importer *im, ss_where at, bool is_float, int rank, const int64_t *dims, ss_tensor *t,
                   float **f, int64_t **i) {
    int64_t n = rank <= SS_MAX_RANK ? count(rank, dims) : -1;
    int64_t bytes = n * (is_float ? 4 : 8);
    if (n < 0 || bytes > im->const_left) {
        ss_error(im->ctx, at, "skipstream is for networks whose weights fit on a chip",
                 "a constant is too large: all constants together may take %lld bytes",
                 (long long)SS_CONST_BYTES);
        return false;
    }
    void *data = ss_arena_alloc(im->g->arena, (size_t)n, is_float ? sizeof **f : sizeof **i);
    if (!data) return false;
    im->const_left -= bytes;
    *t = (ss_tensor){ .is_float = is_float, .rank = rank, .n = n };
    if (rank) memcpy(t->dims, dims, (size_t)rank * sizeof *dims);
    if (is_float) t->f = *f = data;
    else t->i = *i = data;
    return true;
}

/* ---- element types ---- */

typedef struct elem {
    int32_t type;
    size_t bytes;
    bool is_float;
} elem;

static const elem *elem_of(int32_t type) {
    static const elem known[] = {
        { ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 4, true },
        { ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, 8, true },
        { ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 8, false },
        { ONNX__TENSOR_PROTO__DATA_TYPE__INT32, 4, false },
        { ONNX__TENSOR_PROTO__DATA_TYPE__INT16, 2, false },
        { ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 1, false },
        { ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, 1, false },
        { ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, 1, false },
    };
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
        if (known[k].type == type) return &known[k];
    return NULL;
}

static int64_t raw_int(const uint8_t *at, int32_t type) {
    int64_t v = 0;
    int32_t v32;
    int16_t v16;
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        memcpy(&v, at, 8);
        return v;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        memcpy(&v32, at, 4);
        return v32;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT16:
        memcpy(&v16, at, 2);
        return v16;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
        return (int8_t)*at;
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
        return *at != 0;
    default:
        return *at;
    }
}

static void from_raw(const elem *e, const uint8_t *raw, int64_t n, float *f, int64_t *i) {
    if (n == 0) return; /* raw may be NULL */
    if (e->type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT) {
        memcpy(f, raw, (size_t)n * sizeof *f);
        return;
    }
    for (int64_t k = 0; k < n; k++) {
        const uint8_t *at = raw + (size_t)k * e->bytes;
        double d;
        if (e->is_float) {
            memcpy(&d, at, sizeof d);
            f[k] = (float)d;
        } else {
            i[k] = raw_int(at, e->type);
        }
    }
}

/* ---- decoding ---- */

static size_t typed_count(const Onnx__TensorProto *p, int32_t type) {
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        return p->n_float_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return p->n_double_data;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return p->n_int64_data;
    default:
        return p->n_int32_data;
    }
}

static void from_typed(const Onnx__TensorProto *p, int32_t type, int64_t n, float *f, int64_t *i) {
    for (int64_t k = 0; k < n; k++) {
        switch (type) {
        case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
            f[k] = p->float_data[k];
            break;
        case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
            f[k] = (float)p->double_data[k];
            break;
        case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
            i[k] = p->int64_data[k];
            break;
        default:
            i[k] = p->int32_data[k];
        }
    }
}

static bool is_external(const Onnx__TensorProto *p) {
    return p->has_data_location && p->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

/* Size and place of the data are checked before there is memory for it. */
static bool from_external(ss_importer *im, const Onnx__TensorProto *p, ss_where at, const elem *e, int64_t n,
                          ss_tensor *t) {
    float *f = NULL;
    int64_t *i = NULL;
    size_t bytes = (size_t)n * e->bytes; /* n is bounded by SS_CONST_BYTES */
    int fd = ss_external_open(im, p, at.where, bytes);
    if (fd < 0) return false;
    uint8_t *raw = ss_alloc(im->ctx, bytes, 1);
    bool ok = raw && ss_external_read(im, at.where, fd, raw, bytes);
    ok = ok && ss_tensor_new(im, at, e->is_float, (int)p->n_dims, p->dims, t, &f, &i);
    if (ok) from_raw(e, raw, n, f, i);
    ss_free(im->ctx, raw);
    return ok;
}

/* The data that the dimensions promise is there, all of it and no more. */
static bool size_right(ss_importer *im, const Onnx__TensorProto *p, ss_where at, const elem *e, int64_t n) {
    if (n < 0) {
        ss_error(im->ctx, at, again, "its dimensions make no sense");
        return false;
    }
    if (is_external(p)) return true;
    size_t have = p->has_raw_data ? p->raw_data.len : typed_count(p, e->type);
    size_t need = p->has_raw_data ? (size_t)n * e->bytes : (size_t)n;
    if (have == need) return true;
    ss_error(im->ctx, at, again, "its dimensions need %zu %s, the file has %zu", need,
             p->has_raw_data ? "bytes" : "numbers", have);
    return false;
}

bool ss_tensor_decode(ss_importer *im, const Onnx__TensorProto *p, const char *name, ss_tensor *t,
                      bool *unsupported) {
    char text[64];
    bool rank_ok = p->n_dims <= SS_MAX_RANK;
    ss_dims_text(rank_ok ? (int)p->n_dims : 0, p->dims, text);
    ss_where at = { name, "constant", rank_ok ? text : NULL };
    const elem *e = elem_of(p->data_type);
    *unsupported = false;
    if (!e || !rank_ok || p->segment) {
        *unsupported = true;
        const char *remedy = e ? "export the network again" : "export the network in 32-bit float";
        if (!e) ss_error(im->ctx, at, remedy, "elements of ONNX type %d are not supported", p->data_type);
        else
            ss_error(im->ctx, at, remedy,
                     "tensors in segments or of more than %d dimensions are not supported", SS_MAX_RANK);
        return false;
    }
    float *f = NULL;
    int64_t *i = NULL;
    int64_t n = count((int)p->n_dims, p->dims);
    if (!size_right(im, p, at, e, n)) return false;
    if (is_external(p)) return from_external(im, p, at, e, n, t);
    if (!ss_tensor_new(im, at, e->is_float, (int)p->n_dims, p->dims, t, &f, &i)) return false;
    if (p->has_raw_data) from_raw(e, p->raw_data.data, n, f, i);
    else from_typed(p, e->type, n, f, i);
    return true;
}
