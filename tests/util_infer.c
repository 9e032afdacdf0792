#include "util_infer.h"

#include <math.h>
#include <stdlib.h>

static int64_t at(ss_shape s, int32_t c, int32_t y, int32_t x) { return ((int64_t)c * s.h + y) * s.w + x; }
static bool inside(ss_shape s, int32_t y, int32_t x) { return y >= 0 && y < s.h && x >= 0 && x < s.w; }

/* One output element at a time: where in which input each operator looks. */
typedef struct spot {
    const ss_graph *g;
    const ss_node *n;
    ss_shape is;
    int32_t c, y, x;
} spot;

/* Input row and column under kernel position k. */
static int32_t row(const spot *p, int32_t k) { return p->y * p->n->win.sh - p->n->win.pt + k; }
static int32_t col(const spot *p, int32_t k) { return p->x * p->n->win.sw - p->n->win.pl + k; }

/* Channel c of a concatenation: the input that holds it, and where. */
static int32_t concat_source(const spot *p, int32_t *channel) {
    int32_t k = 0, c = p->c;
    while (c >= p->g->nodes[p->n->in[k]].shape.c) c -= p->g->nodes[p->n->in[k++]].shape.c;
    *channel = c;
    return k;
}

static double conv_float(const spot *p, const double *x) {
    const ss_node *n = p->n;
    const int32_t cg = p->is.c / n->groups, first = p->c / (n->shape.c / n->groups) * cg;
    double sum = n->bias ? (double)n->bias[p->c] : 0;
    for (int32_t c = 0; c < cg; c++)
        for (int32_t i = 0; i < n->win.kh; i++)
            for (int32_t j = 0; j < n->win.kw; j++)
                if (inside(p->is, row(p, i), col(p, j)))
                    sum += x[at(p->is, first + c, row(p, i), col(p, j))] *
                           (double)n->weights[((int64_t)(p->c * cg + c) * n->win.kh + i) * n->win.kw + j];
    return sum;
}

static double pool_float(const spot *p, const double *x) {
    const ss_node *n = p->n;
    double sum = 0, most = -INFINITY;
    int32_t count = 0;
    for (int32_t i = 0; i < n->win.kh; i++)
        for (int32_t j = 0; j < n->win.kw; j++)
            if (inside(p->is, row(p, i), col(p, j))) {
                const double v = x[at(p->is, p->c, row(p, i), col(p, j))];
                sum += v;
                most = fmax(most, v);
                count++;
            }
    return n->op == SS_OP_MAXPOOL ? most : sum / (n->count_pad ? n->win.kh * n->win.kw : count);
}

/* Where elements that are only moved come from; -1: a zero. */
static int64_t moved_from(const spot *p) {
    const ss_node *n = p->n;
    const int32_t c = p->c - n->pad_before;
    switch (n->op) {
    case SS_OP_SLICE: return at(p->is, p->c, n->win.pt + p->y * n->win.sh, n->win.pl + p->x * n->win.sw);
    case SS_OP_CHANPAD: return c >= 0 && c < p->is.c ? at(p->is, c, p->y, p->x) : -1;
    case SS_OP_FLATTEN: return p->c;
    default: return at(p->is, p->c, p->y, p->x);
    }
}

static double element_float(const spot *p, double **t) {
    const ss_node *n = p->n;
    const double *x = t[n->in[0]];
    const int64_t here = at(n->shape, p->c, p->y, p->x);
    int32_t channel;
    if (n->op == SS_OP_CONV) return conv_float(p, x);
    if (n->op == SS_OP_MAXPOOL || n->op == SS_OP_AVGPOOL) return pool_float(p, x);
    if (n->op == SS_OP_ADD) return x[here] + t[n->in[1]][here];
    if (n->op == SS_OP_CONCAT) {
        const int32_t k = concat_source(p, &channel);
        return t[n->in[k]][at(p->is, channel, p->y, p->x)];
    }
    return moved_from(p) < 0 ? 0 : x[moved_from(p)];
}

double **util_eval_float(const ss_graph *g, const double *image) {
    double **t = calloc((size_t)g->n, sizeof *t);
    for (int32_t i = 0; i < g->n; i++) {
        const ss_node *n = &g->nodes[i];
        const ss_act *a = &n->act;
        t[i] = calloc((size_t)ss_shape_size(n->shape), sizeof **t);
        for (int32_t c = 0; c < n->shape.c; c++)
            for (int32_t y = 0; y < n->shape.h; y++)
                for (int32_t x = 0; x < n->shape.w; x++) {
                    const int64_t here = at(n->shape, c, y, x);
                    const spot p = { g, n, i ? ss_graph_in_shape(g, n) : n->shape, c, y, x };
                    double v = i ? element_float(&p, t) : image[here];
                    const double limit = (double)(a->per_channel ? a->per_channel[c] : a->threshold);
                    if (a->on) v = v > limit ? fmin(v, (double)a->ceiling) : 0;
                    t[i][here] = v;
                }
    }
    return t;
}

/* ---- integers ---- */

typedef struct sum {
    __int128 value;
    int bits;
    int64_t violations;
} sum;

static void accumulate(sum *s, __int128 term) {
    s->value += term;
    const __int128 limit = (__int128)1 << (s->bits - 1);
    if (s->value < -limit || s->value >= limit) s->violations++;
}

/* Divisions that round down in place of shifts. */
static __int128 floor_div(__int128 a, __int128 b) { return a / b - (a % b != 0 && a < 0); }

static int64_t requantised(const ss_qnode *q, __int128 acc, int32_t m) {
    const __int128 dropped = floor_div(acc, (__int128)1 << q->pre);
    const __int128 unit = (__int128)1 << q->shift[m];
    const __int128 v = floor_div(dropped * q->mult[m] * 2 + unit, 2 * unit);
    return v < q->lo ? q->lo : v > q->hi ? q->hi : (int64_t)v;
}

static void conv_int(const spot *p, const ss_qnode *q, const int64_t *x, sum *s) {
    const ss_node *n = p->n;
    const int32_t cg = p->is.c / n->groups, first = p->c / (n->shape.c / n->groups) * cg;
    s->bits = q->filter_acc_bits[p->c];
    accumulate(s, q->bias[p->c]);
    for (int32_t c = 0; c < cg; c++)
        for (int32_t i = 0; i < n->win.kh; i++)
            for (int32_t j = 0; j < n->win.kw; j++)
                if (inside(p->is, row(p, i), col(p, j)))
                    accumulate(s, (__int128)x[at(p->is, first + c, row(p, i), col(p, j))] *
                                      q->weights[((int64_t)(p->c * cg + c) * n->win.kh + i) * n->win.kw + j]);
}

static int64_t pool_int(const spot *p, const ss_qnode *q, const int64_t *x, sum *s) {
    const ss_node *n = p->n;
    int64_t most = INT64_MIN;
    int32_t count = 0;
    s->bits = n->op == SS_OP_AVGPOOL ? q->acc_bits : 64;
    for (int32_t i = 0; i < n->win.kh; i++)
        for (int32_t j = 0; j < n->win.kw; j++)
            if (inside(p->is, row(p, i), col(p, j))) {
                const int64_t v = x[at(p->is, p->c, row(p, i), col(p, j))];
                accumulate(s, v);
                most = v > most ? v : most;
                count++;
            }
    return n->op == SS_OP_MAXPOOL ? most : requantised(q, s->value, q->n_mult == 1 ? 0 : count);
}

static int64_t element_int(const spot *p, const ss_qnode *q, int64_t **t, sum *s) {
    const ss_node *n = p->n;
    const int64_t *x = t[n->in[0]], here = at(n->shape, p->c, p->y, p->x);
    int32_t channel;
    switch (n->op) {
    case SS_OP_CONV: conv_int(p, q, x, s); return requantised(q, s->value, q->n_mult == 1 ? 0 : p->c);
    case SS_OP_MAXPOOL:
    case SS_OP_AVGPOOL: return pool_int(p, q, x, s);
    case SS_OP_ADD:
        s->bits = q->acc_bits;
        accumulate(s, (__int128)x[here] * ((__int128)1 << q->in_shift[0]));
        accumulate(s, (__int128)t[n->in[1]][here] * ((__int128)1 << q->in_shift[1]));
        return requantised(q, s->value, 0);
    case SS_OP_CONCAT: {
        const int32_t k = concat_source(p, &channel);
        s->bits = q->acc_bits;
        accumulate(s, (__int128)t[n->in[k]][at(p->is, channel, p->y, p->x)] * ((__int128)1 << q->in_shift[k]));
        return requantised(q, s->value, 0);
    }
    default: return moved_from(p) < 0 ? 0 : x[moved_from(p)];
    }
}

int64_t **util_eval_int(const ss_graph *g, const ss_quant *q, const int64_t *image, int64_t *violations) {
    int64_t **t = calloc((size_t)g->n, sizeof *t);
    for (int32_t i = 0; i < g->n; i++) {
        const ss_node *n = &g->nodes[i];
        const ss_qnode *qn = &q->nodes[i];
        t[i] = calloc((size_t)ss_shape_size(n->shape), sizeof **t);
        for (int32_t c = 0; c < n->shape.c; c++)
            for (int32_t y = 0; y < n->shape.h; y++)
                for (int32_t x = 0; x < n->shape.w; x++) {
                    const int64_t here = at(n->shape, c, y, x);
                    const spot p = { g, n, i ? ss_graph_in_shape(g, n) : n->shape, c, y, x };
                    sum s = { 0, 64, 0 };
                    int64_t v = i ? element_int(&p, qn, t, &s) : image[here];
                    if (qn->n_thr) v = v > qn->thr[qn->n_thr == 1 ? 0 : c] ? (v < qn->ceiling ? v : qn->ceiling) : 0;
                    *violations += s.violations;
                    t[i][here] = v;
                }
    }
    return t;
}

void util_free_tensors(const ss_graph *g, void *tensors) {
    void **t = tensors;
    for (int32_t i = 0; t && i < g->n; i++) free(t[i]);
    free(t);
}

/* ---- networks ---- */

static const float zoo_thresholds[6] = { 0.0f, 0.1f, 0.25f, 0.5f, 1.0f, 2.0f };

static int32_t zoo_pools(ss_graph *g, int32_t x) {
    int32_t most = util_add_pool(g, "max", SS_OP_MAXPOOL, x, 3, 2, 1);
    int32_t mean = util_add_pool(g, "mean", SS_OP_AVGPOOL, x, 3, 2, 1);
    int32_t mean_pad = util_add_pool(g, "mean_pad", SS_OP_AVGPOOL, x, 3, 2, 1);
    if (mean_pad < 0) return -1;
    g->nodes[mean_pad].count_pad = true;
    return ss_graph_add(g, &(ss_node){ .op = SS_OP_CONCAT, .name = "concat", .onnx_op = "Concat", .n_in = 3,
                                       .in = { most, mean, mean_pad }, .shape = { 18, 5, 4 } });
}

ss_graph *util_zoo(ss_ctx *ctx, bool flatten, uint32_t seed) {
    ss_graph *g = ss_graph_new(ctx, "zoo.onnx");
    if (!g) return NULL;
    util_rng r = { seed };
    int32_t in = util_add_input(g, 3, 9, 7);
    int32_t a = util_add_conv(g, "a", in, (util_conv_spec){ .f = 6, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1,
                                                            .bias = true }, &r);
    int32_t a_relu = util_add_relu(g, "a_relu", a, 0.1f, INFINITY); /* a has two readers: stays a node */
    int32_t b = util_add_conv(g, "b", a_relu, (util_conv_spec){ .f = 6, .kh = 3, .kw = 1, .pt = 1, .pb = 1,
                                                                .groups = 6 }, &r);
    int32_t total = util_add_relu(g, "sum_relu", util_add_simple(g, "sum", SS_OP_ADD, a, b), 0.0f, 1.5f);
    int32_t pools = zoo_pools(g, total);
    int32_t c = util_add_conv(g, "c", pools, (util_conv_spec){ .f = 6, .kh = 3, .sh = 1, .pt = 0, .pl = 1, .pb = 1,
                                                               .pr = 0, .groups = 2, .bias = true }, &r);
    int32_t c_relu = util_add_relu(g, "c_relu", c, 0.0f, INFINITY);
    if (c_relu >= 0) g->nodes[c_relu].act.per_channel = zoo_thresholds;
    int32_t pad = util_add_chanpad(g, "pad", util_add_slice(g, "slice", c_relu, 1, 2, 0), 1, 2);
    int32_t d = util_add_conv(g, "d", pad, (util_conv_spec){ .f = 7, .kh = 1, .bias = true }, &r);
    int32_t last = flatten ? util_add_simple(g, "flat", SS_OP_FLATTEN, d, -1) : d;
    if (last >= 0 && ss_passes_run(g, NULL, NULL) == SS_OK) return g;
    ss_graph_free(g);
    return NULL;
}

ss_norm util_infer_norm(int32_t channels) {
    ss_norm n = { .channels = channels };
    for (int32_t c = 0; c < channels; c++) {
        n.mean[c] = 0.4f + 0.05f * (float)c;
        n.std[c] = 0.2f + 0.02f * (float)c;
    }
    return n;
}

ss_quant *util_infer_quantise(ss_ctx *ctx, const ss_graph *g, const ss_dataset *d, int bits) {
    const ss_norm norm = util_infer_norm(d->shape.c);
    ss_calib *c = NULL;
    ss_quant *q = NULL;
    if (ss_calibrate(ctx, g, d, &norm, &c) == SS_OK) ss_quantise(ctx, g, c, bits, &q);
    ss_calib_free(c);
    return q;
}
