/* The public ONNX operator test vectors (Debian's libonnx-testdata) through importer, passes and float
 * engine.
 *
 * Every vector is tried in two ways. As an image: its first input is the image, all others become
 * initialisers. As constants: all inputs become initialisers, so that the constant folder must compute the
 * output, which leaves as the bias of an addition to an image of zeros. In each way a vector must either be
 * refused with an error or give the expected numbers (1e-4 relative); the counts of those that are right may
 * not shrink.
 *
 * Adaptations, none of which changes what an operator computes: vectors of opset 1 to 8 are read as opset 9;
 * images of 1 or 3 dimensions of purely elementwise models get a leading batch of 1. A final Softmax,
 * LogSoftmax or Sigmoid is dropped by the importer, so there only the order of the scores is compared. */
#include "infer/infer.h"
#include "util_onnx.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <dirent.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROOT "/usr/share/libonnx-testdata/data"
#define MAX_INPUTS 16

typedef struct numbers {
    double *x;
    size_t n;
} numbers;

typedef struct vector {
    char path[512];
    Onnx__ModelProto *model;
    Onnx__TensorProto *in[MAX_INPUTS];
    size_t n_in;
    Onnx__TensorProto *want;
} vector;

typedef enum outcome { REFUSED, RIGHT, WRONG } outcome;

/* ---- files ---- */

static uint8_t *slurp(const char *path, size_t *len) {
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (!f) return NULL;
    uint8_t *data = fstat(fileno(f), &st) == 0 ? malloc((size_t)st.st_size + 1) : NULL;
    *len = data ? fread(data, 1, (size_t)st.st_size, f) : 0;
    fclose(f);
    return data;
}

static Onnx__TensorProto *load_tensor(const char *folder, const char *kind, size_t k) {
    char path[640];
    size_t len;
    snprintf(path, sizeof path, "%s/test_data_set_0/%s_%zu.pb", folder, kind, k);
    uint8_t *data = slurp(path, &len);
    Onnx__TensorProto *t = data ? onnx__tensor_proto__unpack(NULL, len, data) : NULL;
    free(data);
    return t;
}

static bool load(vector *v) {
    char path[640];
    size_t len;
    snprintf(path, sizeof path, "%s/model.onnx", v->path);
    uint8_t *data = slurp(path, &len);
    v->model = data ? onnx__model_proto__unpack(NULL, len, data) : NULL;
    free(data);
    while (v->n_in < MAX_INPUTS && (v->in[v->n_in] = load_tensor(v->path, "input", v->n_in))) v->n_in++;
    v->want = load_tensor(v->path, "output", 0);
    return v->model && v->model->graph && v->want;
}

static void unload(vector *v) {
    if (v->model) onnx__model_proto__free_unpacked(v->model, NULL);
    for (size_t k = 0; k < v->n_in; k++)
        if (v->in[k]) onnx__tensor_proto__free_unpacked(v->in[k], NULL);
    if (v->want) onnx__tensor_proto__free_unpacked(v->want, NULL);
}

/* Elements of t; 0 when the file holds something else than a tensor (a sequence, say). */
static size_t elements(const Onnx__TensorProto *t) {
    size_t n = 1, typed = t->n_float_data + t->n_double_data + t->n_int64_data + t->n_int32_data;
    for (size_t d = 0; d < t->n_dims; d++)
        n = t->dims[d] < 0 || t->dims[d] > 1 << 20 ? 0 : n * (size_t)t->dims[d];
    return n <= (t->has_raw_data ? t->raw_data.len : typed) ? n : 0;
}

/* Read independently of the importer. n 0: another type. */
static numbers read_numbers(const Onnx__TensorProto *t) {
    size_t n = elements(t);
    numbers r = { calloc(n + 1, sizeof *r.x), n };
    for (size_t k = 0; k < n; k++) {
        const uint8_t *raw = t->has_raw_data ? t->raw_data.data : NULL;
        float f;
        int32_t i32;
        int64_t i64;
        switch (t->data_type) {
        case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
            if (raw) memcpy(&f, raw + 4 * k, 4);
            r.x[k] = (double)(raw ? f : t->float_data[k]);
            break;
        case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
            if (raw) memcpy(&r.x[k], raw + 8 * k, 8);
            else r.x[k] = t->double_data[k];
            break;
        case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
            if (raw) memcpy(&i64, raw + 8 * k, 8);
            r.x[k] = (double)(raw ? i64 : t->int64_data[k]);
            break;
        case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
            if (raw) memcpy(&i32, raw + 4 * k, 4);
            r.x[k] = raw ? i32 : t->int32_data[k];
            break;
        case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
            r.x[k] = raw ? raw[k] : t->int32_data[k];
            break;
        default:
            r.n = 0;
            return r;
        }
    }
    return r;
}

/* ---- changing the model ---- */

static void bind(Onnx__GraphProto *g, const char *name, Onnx__TensorProto **t) {
    g->initializer = realloc(g->initializer, (g->n_initializer + 1) * sizeof *g->initializer);
    g->initializer[g->n_initializer++] = *t;
    free((*t)->name);
    (*t)->name = strdup(name);
    *t = NULL; /* the model's now */
}

static bool is_bound(const Onnx__GraphProto *g, const char *name) {
    for (size_t k = 0; k < g->n_initializer; k++)
        if (g->initializer[k]->name && strcmp(g->initializer[k]->name, name) == 0) return true;
    return false;
}

/* Inputs number `from`.. that the vector has data for become initialisers. */
static void bind_from(vector *v, size_t from) {
    size_t at = 0;
    for (size_t k = 0; k < v->model->graph->n_input && at < v->n_in; k++) {
        const char *name = v->model->graph->input[k]->name;
        if (is_bound(v->model->graph, name)) continue;
        if (at >= from && v->in[at]) bind(v->model->graph, name, &v->in[at]);
        at++;
    }
}

static void raise_opset(Onnx__ModelProto *m) {
    for (size_t k = 0; k < m->n_opset_import; k++)
        if (m->opset_import[k]->version >= 1 && m->opset_import[k]->version < 9)
            m->opset_import[k]->version = 9;
}

static bool elementwise(const Onnx__GraphProto *g) {
    static const char *const ops[] = { "Relu", "ThresholdedRelu", "Clip", "Add",     "Sub",     "Mul",
                                       "Div",  "Identity",        "Sum",  "Dropout", "Constant" };
    for (size_t n = 0; n < g->n_node; n++) {
        bool known = false;
        for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++)
            known |= strcmp(g->node[n]->op_type, ops[k]) == 0;
        if (!known) return false;
    }
    return true;
}

static void lead_with_batch(Onnx__GraphProto *g) {
    Onnx__TypeProto *t = g->n_input ? g->input[0]->type : NULL;
    if (!elementwise(g) || !t || t->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ||
        !t->tensor_type->shape)
        return;
    Onnx__TensorShapeProto *s = t->tensor_type->shape;
    if (s->n_dim != 1 && s->n_dim != 3) return;
    Onnx__TensorShapeProto__Dimension *one = malloc(sizeof *one);
    onnx__tensor_shape_proto__dimension__init(one);
    one->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    one->dim_value = 1;
    s->dim = realloc(s->dim, (s->n_dim + 1) * sizeof *s->dim);
    memmove(s->dim + 1, s->dim, s->n_dim * sizeof *s->dim);
    s->dim[0] = one;
    s->n_dim++;
}

/* ---- comparing ---- */

static bool close_to(double got, double want) {
    return fabs(got - want) <= 1e-4 * fmax(1, fabs(want)) || got == want;
}

/* order: the larger of any two expected scores is also the larger one here. */
static bool agree(const float *got, const double *want, size_t n, bool order) {
    for (size_t k = 0; k < n; k++) {
        if (!order && !close_to((double)got[k], want[k])) return false;
        for (size_t j = 0; order && j < k; j++)
            if ((want[k] - want[j]) * (double)(got[k] - got[j]) < 0) return false;
    }
    return true;
}

static bool drops_scores(const ss_onnx_report *r) {
    for (size_t k = 0; k < r->n; k++)
        if (strncmp(r->rows[k].note, "dropped", 7) == 0) return true;
    return false;
}

/* All images of `image` through the graph, against want. */
static outcome run_images(ss_ctx *ctx, ss_graph *g, numbers image, numbers want, bool order) {
    size_t in = (size_t)ss_shape_size(g->nodes[0].shape), images = image.n / in, done = 0, out = 0;
    float *x = calloc(in, sizeof *x);
    outcome o = image.n % in == 0 && images && want.n % images == 0 ? RIGHT : WRONG;
    ss_engine *e = NULL;
    if (o == RIGHT &&
        (ss_passes_run(g, NULL, NULL) != SS_OK || ss_engine_new(ctx, g, NULL, SS_ISA_AUTO, &e) != SS_OK))
        o = WRONG;
    if (o == RIGHT) out = (size_t)ss_shape_size(g->nodes[g->output].shape);
    float *y = calloc(out + 1, sizeof *y);
    if (out * images != want.n) o = WRONG;
    for (; o == RIGHT && done < images; done++) {
        for (size_t k = 0; k < in; k++) x[k] = (float)image.x[done * in + k];
        if (ss_engine_run_raw(ctx, e, x, y) != SS_OK || !agree(y, want.x + done * out, out, order)) o = WRONG;
    }
    ss_engine_free(e);
    free(x);
    free(y);
    return o;
}

static outcome import_and_run(Onnx__ModelProto *m, numbers image, numbers want, char why[256]) {
    size_t len = onnx__model_proto__get_packed_size(m);
    uint8_t *bytes = malloc(len + 1);
    onnx__model_proto__pack(m, bytes);
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g = NULL;
    ss_onnx_report report;
    outcome o = REFUSED;
    ss_ctx_set_threads(ctx, 1);
    ss_status s = ss_onnx_import_bytes(ctx, "vector", bytes, len, NULL, &g, &report);
    if (s == SS_OK) o = run_images(ctx, g, image, want, drops_scores(&report));
    else if (ss_diag_errors(ctx) == 0) o = WRONG; /* refused without saying why */
    size_t last = ss_diag_count(ctx);
    snprintf(why, 256, "%s", last ? ss_diag_at(ctx, last - 1)->cause : "");
    ss_graph_free(g);
    ss_ctx_free(ctx);
    free(bytes);
    return o;
}

/* Some vectors hold random doubles up to 1e161. */
static bool fits_float(numbers r) {
    for (size_t k = 0; k < r.n; k++)
        if (fabs(r.x[k]) > (double)FLT_MAX) return false;
    return r.n > 0;
}

/* ---- the two ways ---- */

static outcome as_image(vector *v, char why[256]) {
    if (!load(v) || v->n_in == 0) return REFUSED;
    numbers image = read_numbers(v->in[0]), want = read_numbers(v->want);
    raise_opset(v->model);
    lead_with_batch(v->model->graph);
    bind_from(v, 1);
    outcome o = fits_float(image) && fits_float(want) ? import_and_run(v->model, image, want, why) : REFUSED;
    free(image.x);
    free(want.x);
    return o;
}

/* The model's output y becomes: zeros image + Reshape(Cast(y, float), [1, n]). */
static outcome as_constants(vector *v, char why[256]) {
    if (!load(v)) return REFUSED;
    numbers want = read_numbers(v->want), image = { calloc(want.n + 1, sizeof *image.x), want.n };
    util_onnx *u = util_onnx_new(9);
    Onnx__GraphProto *g = v->model->graph, *tail = util_onnx_model(u)->graph;
    char dims[32], name[256] = "";
    outcome o = REFUSED;
    if (g->n_output == 1) snprintf(name, sizeof name, "%s", g->output[0]->name);
    snprintf(dims, sizeof dims, "1x%zu", want.n);
    bind_from(v, 0);
    bool whole = g->n_output == 1 && want.n;
    for (size_t k = 0; k < g->n_input; k++) whole &= is_bound(g, g->input[k]->name);
    util_onnx_input(u, "skipstream_zeros", dims);
    util_onnx_output(u, "skipstream_sum");
    util_onnx_ints(u, "skipstream_shape", 2, (const int64_t[]){ 1, (int64_t)want.n });
    for (size_t k = 0; k < g->n_node; k++) tail->node[tail->n_node++] = g->node[k];
    for (size_t k = 0; k < g->n_initializer; k++)
        tail->initializer[tail->n_initializer++] = g->initializer[k];
    util_onnx_attr_int(u, util_onnx_add(u, "Cast", name, "skipstream_cast"), "to", 1);
    util_onnx_add(u, "Reshape", "skipstream_cast skipstream_shape", "skipstream_flat");
    util_onnx_add(u, "Add", "skipstream_zeros skipstream_flat", "skipstream_sum");
    raise_opset(v->model);
    util_onnx_model(u)->opset_import[0]->version = v->model->opset_import[0]->version;
    if (whole) o = import_and_run(util_onnx_model(u), image, want, why);
    util_onnx_free(u);
    free(image.x);
    free(want.x);
    return o;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}
static int is_test(const struct dirent *d) {
    return strncmp(d->d_name, "test_", 5) == 0;
}

/* Run one folder; right ones are counted, wrong ones named. */
static void run_folder(const char *folder, outcome (*way)(vector *, char *), int *right, int *wrong,
                       int *tried) {
    struct dirent **list;
    char path[256];
    snprintf(path, sizeof path, "%s/%s", ROOT, folder);
    int n = scandir(path, &list, is_test, by_name);
    for (int k = 0; k < n; k++) {
        vector v = { .path = "" };
        char why[256] = "";
        snprintf(v.path, sizeof v.path, "%s/%s", path, list[k]->d_name);
        outcome o = way(&v, why);
        *right += o == RIGHT;
        *wrong += o == WRONG;
        (*tried)++;
        if (o == WRONG || getenv("SKIPSTREAM_VERBOSE"))
            printf("# %s %s/%s: %s\n",
                   o == RIGHT   ? "right"
                   : o == WRONG ? "WRONG"
                                : "refused",
                   folder, list[k]->d_name, why);
        unload(&v);
        free(list[k]);
    }
    if (n >= 0) free(list);
}

static void run_all(outcome (*way)(vector *, char *), const char *what, int at_least) {
    static const char *const folders[] = { "node", "pytorch-converted", "pytorch-operator", "simple" };
    int right = 0, wrong = 0, tried = 0;
    for (size_t k = 0; k < sizeof folders / sizeof folders[0]; k++)
        run_folder(folders[k], way, &right, &wrong, &tried);
    printf("# %s: %d of %d vectors apply and are right, %d wrong\n", what, right, tried, wrong);
    if (tried == 0) skip(); /* libonnx-testdata is not installed */
    assert_int_equal(wrong, 0);
    assert_true(right >= at_least);
}

static void test_images(void **state) {
    (void)state;
    run_all(as_image, "as images", 90);
}

static void test_constants(void **state) {
    (void)state;
    run_all(as_constants, "as constants", 176);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_images), cmocka_unit_test(test_constants) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
