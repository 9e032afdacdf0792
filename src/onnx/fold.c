/* Constant folding, part one: operators that make, move and reshape tensors without computing on their
 * elements. They do not care what the elements are, so each is written once over "copy element from to"
 * (struct mover). Shape and Size also take activations: their shapes are constants, the batch counting as
 * im->batch.
 *
 * Dimension rules (ss_dims_*, ss_slice_ranges) are shared with the lowering of the same operators on
 * activations. */
#include "onnx/import.h"

#include <string.h>

#define MAX_PRODUCT ((int64_t)1 << 56) /* of the dimensions of a reshape, those of 0 left out */

/* ---- results ---- */

typedef struct mover {
    const ss_tensor *from;
    float *f;
    int64_t *i;
} mover;

static bool fresh_like(ss_site *s, const ss_tensor *t, int rank, const int64_t *dims, mover *m) {
    m->from = t;
    return ss_site_constant(s, t->is_float, rank, dims, &m->f, &m->i);
}

static void move(mover *m, int64_t to, int64_t from) {
    if (m->from->is_float) m->f[to] = m->from->f[from];
    else m->i[to] = m->from->i[from];
}

/* The same elements under other dimensions. */
static bool reshaped(ss_site *s, const ss_tensor *t, int rank, const int64_t *dims) {
    s->out = (ss_value){ .kind = SS_VALUE_CONST, .t = *t };
    s->out.t.rank = rank;
    memset(s->out.t.dims, 0, sizeof s->out.t.dims);
    memcpy(s->out.t.dims, dims, (size_t)rank * sizeof *dims);
    return true;
}

static int64_t product(const int64_t *dims, int from, int to) {
    int64_t n = 1;
    for (int d = from; d < to; d++) n *= dims[d];
    return n;
}

/* ---- making constants ---- */

static bool list_of(ss_site *s, const Onnx__AttributeProto *a, bool is_float, bool scalar) {
    float *f = NULL;
    int64_t *i = NULL;
    int64_t n = (int64_t)(scalar ? 1 : is_float ? a->n_floats : a->n_ints);
    if (!ss_site_constant(s, is_float, scalar ? 0 : 1, &n, &f, &i)) return false;
    for (int64_t k = 0; k < n; k++) {
        if (is_float) f[k] = scalar ? a->f : a->floats[k];
        else i[k] = scalar ? a->i : a->ints[k];
    }
    return true;
}

static bool from_tensor(ss_site *s, const Onnx__TensorProto *p, ss_tensor *t) {
    bool unsupported;
    if (ss_tensor_decode(s->im, p, s->row->name, t, &unsupported)) return true;
    int32_t *counter = unsupported ? &s->im->n_unsupported : &s->im->n_invalid;
    (*counter)++;
    s->row->status = unsupported ? "unsupported" : "invalid";
    return false;
}

bool ss_fold_constant(ss_site *s) {
    const Onnx__AttributeProto *a;
    s->out = (ss_value){ .kind = SS_VALUE_CONST };
    if ((a = ss_attr(s, "value")) && a->t) return from_tensor(s, a->t, &s->out.t);
    if ((a = ss_attr(s, "value_int"))) return list_of(s, a, false, true);
    if ((a = ss_attr(s, "value_float"))) return list_of(s, a, true, true);
    if ((a = ss_attr(s, "value_ints"))) return list_of(s, a, false, false);
    if ((a = ss_attr(s, "value_floats"))) return list_of(s, a, true, false);
    return ss_refuse(s, "use dense numeric constants", "a constant without a numeric value");
}

bool ss_fold_constant_of_shape(ss_site *s) {
    const ss_tensor *shape = ss_site_const(s, 0);
    const Onnx__AttributeProto *a = ss_attr(s, "value");
    ss_tensor value = { 0 };
    float *f = NULL;
    int64_t *i = NULL;
    if (shape->is_float || shape->rank != 1) return ss_invalid(s, "the shape is not a list of integers");
    if (a && a->t && !from_tensor(s, a->t, &value)) return false;
    if (a && value.n != 1) return ss_invalid(s, "the value is not one number");
    bool is_float = !a || value.is_float;
    if (!ss_site_constant(s, is_float, (int)(shape->n > 64 ? 64 : shape->n), shape->i, &f, &i)) return false;
    for (int64_t k = 0; a && k < s->out.t.n; k++) {
        if (is_float) f[k] = value.f[0];
        else i[k] = value.i[0];
    }
    return true;
}

static void dims_of(const ss_site *s, int *rank, const int64_t **dims) {
    const ss_value *v = s->in[0];
    *rank = v->kind == SS_VALUE_CONST ? v->t.rank : v->rank;
    *dims = v->kind == SS_VALUE_CONST ? v->t.dims : v->dims;
}

static int clamp_axis(int64_t axis, int rank) {
    if (axis < 0) axis += rank;
    return axis < 0 ? 0 : axis > rank ? rank : (int)axis;
}

bool ss_fold_shape(ss_site *s) {
    int rank;
    const int64_t *dims;
    int64_t start, end, *i = NULL;
    float *f;
    dims_of(s, &rank, &dims);
    if (!ss_attr_int(s, "start", 0, &start) || !ss_attr_int(s, "end", rank, &end)) return false;
    int from = clamp_axis(start, rank), to = clamp_axis(end, rank);
    int64_t n = to > from ? to - from : 0;
    if (!ss_site_constant(s, false, 1, &n, &f, &i)) return false;
    for (int64_t k = 0; k < n; k++) i[k] = dims[from + k];
    return true;
}

bool ss_fold_size(ss_site *s) {
    int rank;
    const int64_t *dims;
    int64_t *i = NULL;
    float *f;
    dims_of(s, &rank, &dims);
    if (!ss_site_constant(s, false, 0, NULL, &f, &i)) return false;
    i[0] = product(dims, 0, rank);
    return true;
}

bool ss_fold_range(ss_site *s) {
    const ss_tensor *start = ss_site_const(s, 0), *limit = ss_site_const(s, 1), *delta = ss_site_const(s, 2);
    if (start->is_float || limit->is_float || delta->is_float || start->n != 1 || limit->n != 1 ||
        delta->n != 1)
        return ss_refuse(s, "export with constant sizes", "only ranges of integers are supported");
    const int64_t bound = (int64_t)1 << 40;
    int64_t a = start->i[0], b = limit->i[0], d = delta->i[0];
    if (d == 0 || a > bound || a < -bound || b > bound || b < -bound || d > bound || d < -bound)
        return ss_invalid(s, "a range from %lld to %lld in steps of %lld", (long long)a, (long long)b,
                          (long long)d);
    int64_t n = d > 0 ? ss_ceil_div(b - a, d) : ss_ceil_div(a - b, -d), *i = NULL;
    float *f;
    if ((d > 0 && b <= a) || (d < 0 && b >= a)) n = 0;
    if (!ss_site_constant(s, false, 1, &n, &f, &i)) return false;
    for (int64_t k = 0; k < n; k++) i[k] = a + k * d;
    return true;
}

/* ---- other dimensions, same elements ---- */

/* Axes of Squeeze and Unsqueeze as a mask over `rank` dimensions; *given: there are any. */
static bool axes_mask(ss_site *s, int rank, bool mask[SS_MAX_RANK], bool *given, int *count) {
    const int64_t *axes;
    int n, axis;
    memset(mask, 0, SS_MAX_RANK * sizeof *mask);
    if (!ss_site_ints(s, 1, "axes", &axes, &n)) return false;
    *given = n >= 0;
    *count = n < 0 ? 0 : n;
    if (rank < 0) rank = -rank + *count; /* Unsqueeze: axes count in the result */
    if (rank > SS_MAX_RANK)
        return ss_refuse(s, "export the network again", "a tensor of %d dimensions", rank);
    for (int k = 0; k < n; k++) {
        if (!ss_axis(s, axes[k], rank, &axis)) return false;
        if (mask[axis]) return ss_invalid(s, "axis %d given twice", axis);
        mask[axis] = true;
    }
    return true;
}

bool ss_dims_squeeze(ss_site *s, int rank, const int64_t *dims, int *out_rank, int64_t *out) {
    bool mask[SS_MAX_RANK], given;
    int count;
    if (!axes_mask(s, rank, mask, &given, &count)) return false;
    *out_rank = 0;
    for (int d = 0; d < rank; d++) {
        bool drop = given ? mask[d] : dims[d] == 1;
        if (drop && dims[d] != 1)
            return ss_invalid(s, "axis %d has %lld entries, not 1", d, (long long)dims[d]);
        if (!drop) out[(*out_rank)++] = dims[d];
    }
    return true;
}

bool ss_dims_unsqueeze(ss_site *s, int rank, const int64_t *dims, int *out_rank, int64_t *out) {
    bool mask[SS_MAX_RANK], given;
    int count, from = 0;
    if (rank == 0) { /* axes_mask counts in the result, which a scalar's rank cannot tell by its sign */
        const int64_t *axes;
        if (!ss_site_ints(s, 1, "axes", &axes, &count)) return false;
        if (count < 1 || count > SS_MAX_RANK) return ss_invalid(s, "it needs axes");
        *out_rank = count;
        for (int d = 0; d < count; d++) out[d] = 1;
        return true;
    }
    if (!axes_mask(s, -rank, mask, &given, &count)) return false;
    if (!given) return ss_invalid(s, "it needs axes");
    *out_rank = rank + count;
    for (int d = 0; d < *out_rank; d++) out[d] = mask[d] ? 1 : dims[from++];
    return true;
}

bool ss_dims_reshape(ss_site *s, int rank, const int64_t *dims, int *out_rank, int64_t *out) {
    const int64_t *want, total = product(dims, 0, rank);
    int64_t allow_zero, known = 1, not_zero = 1;
    int n, hole = -1;
    if (!ss_site_ints(s, 1, NULL, &want, &n) || !ss_attr_int(s, "allowzero", 0, &allow_zero)) return false;
    if (n > SS_MAX_RANK) return ss_refuse(s, "export the network again", "a tensor of %d dimensions", n);
    for (int d = 0; d < n; d++) {
        out[d] = want[d] == 0 && !allow_zero ? (d < rank ? dims[d] : -2) : want[d];
        if (out[d] < -1 || (out[d] == -1 && hole >= 0) || (out[d] > 0 && not_zero > MAX_PRODUCT / out[d]))
            return ss_invalid(s, "dimension %d of the new shape makes no sense", d);
        if (out[d] == -1) hole = d;
        else known *= out[d];
        if (out[d] > 0) not_zero *= out[d];
    }
    if (hole >= 0) out[hole] = known > 0 ? total / known : 0;
    if (product(out, 0, n) != total) return ss_invalid(s, "the new shape has another number of elements");
    *out_rank = n;
    return true;
}

bool ss_dims_flatten(ss_site *s, int rank, const int64_t *dims, int *out_rank, int64_t *out) {
    int64_t axis;
    if (!ss_attr_int(s, "axis", 1, &axis)) return false;
    if (axis < -rank || axis > rank)
        return ss_invalid(s, "axis %lld of %d dimensions", (long long)axis, rank);
    int at = (int)(axis < 0 ? axis + rank : axis);
    *out_rank = 2;
    out[0] = product(dims, 0, at);
    out[1] = product(dims, at, rank);
    return true;
}

typedef bool (*dims_fn)(ss_site *s, int rank, const int64_t *dims, int *out_rank, int64_t *out);

static bool fold_dims(ss_site *s, dims_fn fn) {
    const ss_tensor *t = ss_site_const(s, 0);
    int64_t dims[SS_MAX_RANK];
    int rank = 0;
    return fn(s, t->rank, t->dims, &rank, dims) && reshaped(s, t, rank, dims);
}

bool ss_fold_squeeze(ss_site *s) {
    return fold_dims(s, ss_dims_squeeze);
}
bool ss_fold_unsqueeze(ss_site *s) {
    return fold_dims(s, ss_dims_unsqueeze);
}
bool ss_fold_reshape(ss_site *s) {
    return fold_dims(s, ss_dims_reshape);
}
bool ss_fold_flatten(ss_site *s) {
    return fold_dims(s, ss_dims_flatten);
}

/* ---- moving elements ---- */

bool ss_fold_gather(ss_site *s) {
    const ss_tensor *t = ss_site_const(s, 0), *index = ss_site_const(s, 1);
    int64_t attr, dims[2 * SS_MAX_RANK];
    int axis, rank = 0;
    mover m = { 0 };
    if (index->is_float) return ss_invalid(s, "the indices are not integers");
    if (!ss_attr_int(s, "axis", 0, &attr) || !ss_axis(s, attr, t->rank, &axis)) return false;
    for (int d = 0; d < axis; d++) dims[rank++] = t->dims[d];
    for (int d = 0; d < index->rank; d++) dims[rank++] = index->dims[d];
    for (int d = axis + 1; d < t->rank; d++) dims[rank++] = t->dims[d];
    if (!fresh_like(s, t, rank, dims, &m)) return false;
    int64_t outer = product(t->dims, 0, axis), inner = product(t->dims, axis + 1, t->rank),
            size = t->dims[axis], to = 0;
    for (int64_t o = 0; o < outer && s->out.t.n; o++)
        for (int64_t k = 0; k < index->n; k++) {
            int64_t at = index->i[k] < 0 ? index->i[k] + size : index->i[k];
            if (at < 0 || at >= size)
                return ss_invalid(s, "index %lld of %lld", (long long)index->i[k], (long long)size);
            for (int64_t j = 0; j < inner; j++) move(&m, to++, (o * size + at) * inner + j);
        }
    return true;
}

bool ss_fold_concat(ss_site *s) {
    const ss_tensor *first = ss_site_const(s, 0);
    int64_t attr, dims[SS_MAX_RANK];
    int axis;
    mover m = { 0 };
    if (!ss_attr_int(s, "axis", 1, &attr) || !ss_axis(s, attr, first->rank, &axis)) return false;
    memcpy(dims, first->dims, sizeof dims);
    dims[axis] = 0;
    for (int k = 0; k < s->n_in; k++) {
        const ss_tensor *t = ss_site_const(s, k);
        if (!t || t->rank != first->rank || t->is_float != first->is_float)
            return ss_invalid(s, "input %d does not fit input 1", k + 1);
        for (int d = 0; d < t->rank; d++)
            if (d != axis && t->dims[d] != first->dims[d])
                return ss_invalid(s, "input %d does not fit input 1", k + 1);
        dims[axis] += t->dims[axis];
    }
    if (!fresh_like(s, first, first->rank, dims, &m)) return false;
    int64_t outer = product(dims, 0, axis), to = 0;
    for (int64_t o = 0; o < outer && s->out.t.n; o++)
        for (int k = 0; k < s->n_in; k++) {
            m.from = ss_site_const(s, k);
            int64_t run = product(m.from->dims, axis, m.from->rank);
            for (int64_t j = 0; j < run; j++) move(&m, to++, o * run + j);
        }
    return true;
}

static bool one_range(ss_site *s, int64_t size, int64_t start, int64_t end, int64_t step, ss_range *r) {
    if (step == 0 || step == INT64_MIN) return ss_invalid(s, "a step of %lld", (long long)step);
    int64_t lo = step > 0 ? 0 : -1, hi = step > 0 ? size : size - 1; /* where an index may stand */
    if (start < 0) start += size;
    if (end < 0 && end >= -size) end += size;
    else if (end < 0) end = -1;
    start = start < 0 ? 0 : start > hi ? hi : start;
    end = end < lo ? lo : end > size ? size : end;
    if (step > 0 && end < 0) end = 0;
    int64_t span = step > 0 ? end - start : start - end, stride = step > 0 ? step : -step;
    if (stride > size) stride = size + 1; /* one element at most; keeps the arithmetic small */
    *r = (ss_range){ start, step > 0 ? stride : -stride, span > 0 ? ss_ceil_div(span, stride) : 0 };
    return true;
}

/* Attributes until opset 9, inputs from 10 on. */
bool ss_slice_ranges(ss_site *s, int rank, const int64_t *dims, ss_range *out) {
    const int64_t *starts, *ends, *axes, *steps;
    int n, n_ends, n_axes, n_steps, axis;
    if (!ss_site_ints(s, 1, "starts", &starts, &n) || !ss_site_ints(s, 2, "ends", &ends, &n_ends))
        return false;
    if (!ss_site_ints(s, 3, "axes", &axes, &n_axes) || !ss_site_ints(s, 4, NULL, &steps, &n_steps))
        return false;
    if (n < 0 || n_ends != n || (n_axes >= 0 && n_axes != n) || (n_steps >= 0 && n_steps != n) || n > rank)
        return ss_invalid(s, "starts, ends, axes and steps do not belong together");
    for (int d = 0; d < rank; d++) out[d] = (ss_range){ 0, 1, dims[d] };
    for (int k = 0; k < n; k++) {
        if (!ss_axis(s, n_axes < 0 ? k : axes[k], rank, &axis)) return false;
        if (!one_range(s, dims[axis], starts[k], ends[k], n_steps < 0 ? 1 : steps[k], &out[axis]))
            return false;
    }
    return true;
}

/* Visit the elements of a result of the given dims, the source index moving by stride[d] along dimension d.
 */
static void gather_strided(mover *m, int rank, const int64_t *dims, const int64_t *stride, int64_t from) {
    int64_t index[SS_MAX_RANK] = { 0 }, n = product(dims, 0, rank);
    for (int64_t to = 0; to < n; to++) {
        move(m, to, from);
        for (int d = rank - 1; d >= 0; d--) {
            from += stride[d];
            if (++index[d] < dims[d]) break;
            from -= stride[d] * dims[d];
            index[d] = 0;
        }
    }
}

bool ss_fold_slice(ss_site *s) {
    const ss_tensor *t = ss_site_const(s, 0);
    ss_range r[SS_MAX_RANK];
    int64_t dims[SS_MAX_RANK], stride[SS_MAX_RANK], from = 0;
    mover m = { 0 };
    if (!ss_slice_ranges(s, t->rank, t->dims, r)) return false;
    for (int d = 0; d < t->rank; d++) {
        int64_t pitch = product(t->dims, d + 1, t->rank);
        dims[d] = r[d].count;
        stride[d] = r[d].step * pitch;
        from += r[d].start * pitch;
    }
    if (!fresh_like(s, t, t->rank, dims, &m)) return false;
    if (s->out.t.n) gather_strided(&m, t->rank, dims, stride, from);
    return true;
}

bool ss_fold_transpose(ss_site *s) {
    const ss_tensor *t = ss_site_const(s, 0);
    const int64_t *perm;
    int64_t dims[SS_MAX_RANK], stride[SS_MAX_RANK];
    bool seen[SS_MAX_RANK] = { false };
    int n;
    mover m = { 0 };
    if (!ss_attr_ints(s, "perm", &perm, &n)) return false;
    if (n >= 0 && n != t->rank) return ss_invalid(s, "perm has %d entries for %d dimensions", n, t->rank);
    for (int d = 0; d < t->rank; d++) {
        int64_t from = n < 0 ? t->rank - 1 - d : perm[d];
        if (from < 0 || from >= t->rank || seen[from]) return ss_invalid(s, "perm is not a permutation");
        seen[from] = true;
        dims[d] = t->dims[from];
        stride[d] = product(t->dims, (int)from + 1, t->rank);
    }
    if (!fresh_like(s, t, t->rank, dims, &m)) return false;
    if (t->n) gather_strided(&m, t->rank, dims, stride, 0);
    return true;
}

bool ss_fold_expand(ss_site *s) {
    const ss_tensor *t = ss_site_const(s, 0);
    const int64_t *want;
    int64_t dims[SS_MAX_RANK], stride[SS_MAX_RANK];
    int n;
    mover m = { 0 };
    if (!ss_site_ints(s, 1, NULL, &want, &n)) return false;
    int rank = n > t->rank ? n : t->rank;
    if (rank > SS_MAX_RANK)
        return ss_refuse(s, "export the network again", "a tensor of %d dimensions", rank);
    for (int d = 0; d < rank; d++) {
        int own = d - (rank - t->rank), other = d - (rank - n);
        int64_t a = own >= 0 ? t->dims[own] : 1, b = other >= 0 ? want[other] : 1;
        if (a != b && a != 1 && b != 1)
            return ss_invalid(s, "%lld and %lld do not broadcast", (long long)a, (long long)b);
        dims[d] = a == 1 ? b : a;
        stride[d] = own >= 0 && a != 1 ? product(t->dims, own + 1, t->rank) : 0;
    }
    if (!fresh_like(s, t, rank, dims, &m)) return false;
    if (s->out.t.n) gather_strided(&m, rank, dims, stride, 0);
    return true;
}
