/* Calibration: ranges of every tensor, from a float run over images; kept as "skipstream.calib". */
#include "quant/calib.h"

#include "base/json.h"
#include "infer/infer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FORMAT "skipstream.calib"
#define VERSION 1

static ss_calib *new_calib(ss_ctx *ctx, const ss_graph *g) {
    ss_calib *c = ss_alloc(ctx, 1, sizeof *c);
    if (!c) return NULL;
    *c = (ss_calib){ .ctx = ctx, .g = g, .model = ss_graph_hash(g), .n = g->n };
    c->ranges = ss_alloc(ctx, (size_t)g->n, sizeof *c->ranges);
    if (!c->ranges) {
        ss_calib_free(c);
        return NULL;
    }
    for (int32_t i = 0; i < g->n; i++) ss_range_init(&c->ranges[i]);
    return c;
}

void ss_calib_free(ss_calib *c) {
    if (!c) return;
    ss_free(c->ctx, c->ranges);
    ss_free(c->ctx, c);
}

/* ---- measuring ---- */

typedef struct meter {
    ss_range *ranges; /* [threads][n] */
    int32_t n;
} meter;

static void observe(void *user, int thread, int64_t image, int32_t node, ss_view v) {
    (void)image;
    meter *m = user;
    ss_range_add(&m->ranges[(int64_t)thread * m->n + node], v.data, (int64_t)v.shape.h * v.shape.w, v.shape.c, v.stride);
}

static ss_status measure(ss_ctx *ctx, ss_engine *e, const ss_dataset *d, const ss_norm *norm, ss_calib *c) {
    const int32_t threads = ss_ctx_threads(ctx);
    const int32_t total = threads * c->n;
    meter m = { ss_alloc(ctx, (size_t)total, sizeof(ss_range)), c->n };
    if (!m.ranges) return SS_BAD;
    for (int32_t i = 0; i < total; i++) ss_range_init(&m.ranges[i]);
    ss_status s = ss_engine_run(ctx, e, d, norm, &(ss_run_opts){ .observer = observe, .observer_user = &m }, NULL);
    for (int32_t i = 0; i < total; i++) ss_range_merge(&c->ranges[i % c->n], &m.ranges[i]);
    ss_free(ctx, m.ranges);
    return s;
}

/* Values that are not numbers make every later figure meaningless: all nodes that have any are named. */
static ss_status check_finite(ss_ctx *ctx, const ss_graph *g, const ss_calib *c) {
    ss_status s = SS_OK;
    for (int32_t i = 0; i < c->n; i++) {
        char shape[40];
        ss_shape_text(g->nodes[i].shape, shape);
        if (c->ranges[i].bad)
            s = ss_error(ctx, (ss_where){ g->nodes[i].name, ss_op_name(g->nodes[i].op), shape },
                         "check the weights and the input normalisation",
                         "%" PRIu64 " values are not finite in the float run", c->ranges[i].bad);
    }
    return s;
}

ss_status ss_calibrate(ss_ctx *ctx, const ss_graph *g, const ss_dataset *d, const ss_norm *norm, ss_calib **out) {
    *out = NULL;
    ss_engine *e = NULL;
    ss_calib *c = new_calib(ctx, g);
    ss_status s = c ? ss_engine_new(ctx, g, NULL, SS_ISA_AUTO, &e) : SS_BAD;
    if (s == SS_OK) s = measure(ctx, e, d, norm, c);
    if (s == SS_OK) s = check_finite(ctx, g, c);
    ss_engine_free(e);
    if (s != SS_OK) {
        ss_calib_free(c);
        return SS_BAD;
    }
    c->images = d->n;
    *out = c;
    return SS_OK;
}

/* ---- file ---- */

static json_t *range_json(const char *name, const ss_range *r) {
    int used = SS_CALIB_BINS;
    while (used > 0 && r->bins[used - 1] == 0) used--;
    json_t *bins = json_array();
    for (int b = 0; b < used; b++) json_array_append_new(bins, json_integer((json_int_t)r->bins[b]));
    return json_pack("{s:s,s:f,s:f,s:i,s:I,s:I,s:o}", "name", name, "min", (double)r->min, "max", (double)r->max,
                     "exponent", r->exponent, "count", (json_int_t)r->count, "zeros", (json_int_t)r->zeros, "bins", bins);
}

ss_status ss_calib_save(const ss_calib *c, const char *path) {
    char model[17];
    snprintf(model, sizeof model, "%016" PRIx64, c->model);
    json_t *j = ss_json_new(FORMAT, VERSION), *tensors = json_array();
    for (int32_t i = 0; i < c->n; i++)
        json_array_append_new(tensors, range_json(c->g->nodes[i].name, &c->ranges[i]));
    json_object_set_new(j, "model", json_string(model));
    json_object_set_new(j, "images", json_integer(c->images));
    json_object_set_new(j, "tensors", tensors);
    const bool whole = json_array_size(tensors) == (size_t)c->n;
    ss_status s = whole ? ss_json_save(c->ctx, path, j)
                        : ss_error(c->ctx, SS_AT(path), "free some memory", "out of memory while writing JSON");
    json_decref(j);
    return s;
}

static ss_status bad_file(ss_ctx *ctx, const char *path, const char *name, const char *what) {
    return ss_error(ctx, (ss_where){ path, NULL, name }, "calibrate again", "%s", what);
}

static ss_status read_bins(ss_ctx *ctx, const char *path, const char *name, const json_t *bins, ss_range *r) {
    uint64_t sum = r->zeros;
    if (json_array_size(bins) > SS_CALIB_BINS) return bad_file(ctx, path, name, "the histogram has too many bins");
    for (size_t b = 0; b < json_array_size(bins); b++) {
        const json_t *v = json_array_get(bins, b);
        if (!json_is_integer(v) || json_integer_value(v) < 0)
            return bad_file(ctx, path, name, "the histogram has a bin that is not a count");
        r->bins[b] = (uint64_t)json_integer_value(v);
        sum += r->bins[b];
    }
    return sum == r->count ? SS_OK : bad_file(ctx, path, name, "the histogram does not add up to its count");
}

static ss_status read_range(ss_ctx *ctx, const char *path, const char *node, const json_t *j, ss_range *r) {
    const char *name;
    json_t *bins;
    double min, max;
    int64_t exponent, count, zeros;
    if (ss_json_get_str(ctx, path, j, "name", &name) != SS_OK || ss_json_get_real(ctx, path, j, "min", &min) != SS_OK ||
        ss_json_get_real(ctx, path, j, "max", &max) != SS_OK ||
        ss_json_get_int(ctx, path, j, "exponent", SS_CALIB_MIN_EXPONENT, SS_CALIB_MAX_EXPONENT, &exponent) != SS_OK ||
        ss_json_get_int(ctx, path, j, "count", 0, INT64_MAX, &count) != SS_OK ||
        ss_json_get_int(ctx, path, j, "zeros", 0, count, &zeros) != SS_OK ||
        ss_json_get_array(ctx, path, j, "bins", &bins) != SS_OK)
        return SS_BAD;
    if (strcmp(name, node) != 0) return bad_file(ctx, path, node, "the file has another tensor in its place");
    r->min = (float)min;
    r->max = (float)max;
    r->exponent = (int)exponent;
    r->count = (uint64_t)count;
    r->zeros = (uint64_t)zeros;
    const double top = ldexp(SS_CALIB_BINS, r->exponent);
    if (!(min <= 0 && max >= 0 && -min <= top && max <= top))
        return bad_file(ctx, path, node, "the range does not fit its histogram");
    return read_bins(ctx, path, node, bins, r);
}

static ss_status read_calib(ss_ctx *ctx, const char *path, const json_t *j, ss_calib *c) {
    const char *model;
    char own[17];
    json_t *tensors;
    snprintf(own, sizeof own, "%016" PRIx64, c->model);
    if (ss_json_get_str(ctx, path, j, "model", &model) != SS_OK ||
        ss_json_get_int(ctx, path, j, "images", 1, INT64_MAX, &c->images) != SS_OK ||
        ss_json_get_array(ctx, path, j, "tensors", &tensors) != SS_OK)
        return SS_BAD;
    if (strcmp(model, own) != 0)
        return ss_error(ctx, SS_AT(path), "calibrate this model", "was measured on another model than %s", c->g->name);
    if (json_array_size(tensors) != (size_t)c->n) return bad_file(ctx, path, NULL, "has the wrong number of tensors");
    ss_status s = SS_OK;
    for (int32_t i = 0; i < c->n; i++)
        if (read_range(ctx, path, c->g->nodes[i].name, json_array_get(tensors, (size_t)i), &c->ranges[i]) != SS_OK)
            s = SS_BAD;
    return s;
}

ss_status ss_calib_load(ss_ctx *ctx, const ss_graph *g, const char *path, ss_calib **out) {
    json_t *j;
    *out = NULL;
    if (ss_json_load(ctx, path, FORMAT, VERSION, &j) != SS_OK) return SS_BAD;
    ss_calib *c = new_calib(ctx, g);
    ss_status s = c ? read_calib(ctx, path, j, c) : SS_BAD;
    json_decref(j);
    if (s == SS_OK) *out = c;
    else ss_calib_free(c);
    return s;
}

/* ---- --calib ---- */

ss_status ss_calib_obtain(ss_ctx *ctx, const ss_graph *g, const char *spec, const ss_dataset *d, const ss_norm *norm,
                          ss_calib **out) {
    *out = NULL;
    const size_t len = spec ? strlen(spec) : 0;
    if (len > 5 && strcmp(spec + len - 5, ".json") == 0) return ss_calib_load(ctx, g, spec, out);
    if (!spec) {
        ss_dataset first = *d;
        if (first.n > SS_CALIB_IMAGES) first.n = SS_CALIB_IMAGES;
        ss_note(ctx, SS_AT("calib"), "give --calib to use others",
                "value ranges were measured on the first %lld images of the data", (long long)first.n);
        return ss_calibrate(ctx, g, &first, norm, out);
    }
    ss_dataset *own;
    const int64_t classes = ss_shape_size(g->nodes[g->output].shape);
    if (ss_dataset_load(ctx, spec, g->nodes[0].shape, (int32_t)(classes < 256 ? classes : 256), SS_CALIB_IMAGES, &own) !=
        SS_OK)
        return SS_BAD;
    ss_status s = ss_calibrate(ctx, g, own, norm, out);
    ss_dataset_free(own);
    return s;
}
