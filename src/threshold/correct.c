/* See correct.h. */
#include "threshold/correct.h"

#include "infer/layers.h"

#include <math.h>
#include <string.h>

#define FLOAT_UNIT 65536.0 /* sums of a float image are kept in 1/65536 */
#define MEAN_BITS 14       /* means of integers are kept in 2^-14: sums with weights stay below 2^62 (accumulators: 2^47) */

struct ss_correction {
    ss_ctx *ctx;
    ss_graph *g;
    ss_quant *q; /* NULL: float */
    ss_engine *e;
    ss_layers *layers;
    ss_dataset d;
    int32_t last;   /* convolution */
    size_t *first;  /* [n + 1]: where the channels of a node begin in the arrays below */
    bool *wanted;   /* [n]: read by a convolution that is corrected */
    int64_t *sums;  /* [threads][channels], of the nodes under way */
    /* Sums over all images: for the reference, for the thresholds that were last kept, for those in force. */
    int64_t *before, *kept, *now;
    float *kept_shift, *shift;
    float *kept_threshold; /* [n]; NAN: unknown */
    double *moved;         /* [channels] scratch: of the input's means */
};

/* ---- means ---- */

static void observe(void *user, int thread, int64_t image, int32_t node, ss_view v) {
    const ss_correction *c = user;
    int64_t *sums = c->sums + (size_t)thread * c->first[c->g->n] + c->first[node];
    (void)image;
    if (!c->wanted[node]) return;
    const int64_t pixels = (int64_t)v.shape.h * v.shape.w;
    for (int32_t k = 0; k < v.shape.c; k++) {
        if (v.is_float) {
            const float *x = v.data;
            double sum = 0;
            for (int64_t p = 0; p < pixels; p++) sum += (double)x[p * v.stride + k];
            sums[k] += (int64_t)llround(sum * FLOAT_UNIT);
        } else {
            const int16_t *x = v.data;
            int64_t sum = 0;
            for (int64_t p = 0; p < pixels; p++) sum += x[p * v.stride + k];
            sums[k] += sum;
        }
    }
}

/* Nodes first..last of all images, and the sums of those that are wanted into c->now. */
static ss_status run(ss_correction *c, int32_t first, int32_t last) {
    const size_t all = c->first[c->g->n], from = c->first[first], channels = c->first[last + 1] - from;
    const int threads = ss_ctx_threads(c->ctx);
    for (int t = 0; t < threads; t++) memset(c->sums + (size_t)t * all + from, 0, channels * sizeof *c->sums);
    if (ss_layers_run(c->layers, first, last, observe, c) != SS_OK) return SS_BAD;
    for (size_t k = from; k < from + channels; k++) {
        c->now[k] = 0;
        for (int t = 0; t < threads; t++) c->now[k] += c->sums[(size_t)t * all + k];
    }
    return SS_OK;
}

/* ---- biases ---- */

static ss_status apply(ss_correction *c, int32_t node, const float *shift) {
    ss_node *n = &c->g->nodes[node];
    float *mine = c->shift + c->first[node];
    if (memcmp(mine, shift, (size_t)n->shape.c * sizeof *mine) == 0) return SS_OK;
    memcpy(mine, shift, (size_t)n->shape.c * sizeof *mine);
    n->bias_shift = NULL;
    for (int32_t f = 0; f < n->shape.c; f++)
        if (mine[f] != 0) n->bias_shift = mine;
    if (c->q && ss_quant_set_bias(c->q, c->g, node) != SS_OK) return SS_BAD;
    return ss_engine_rebias(c->e, node);
}

/* What becomes of the output of filter f when the input's means move. */
static double float_effect(const ss_correction *c, const ss_node *n, int32_t f, int32_t channels, int64_t k) {
    const float *w = n->weights + f * channels * k;
    const double *moved = c->moved + f / (n->shape.c / n->groups) * channels;
    double sum = 0;
    for (int32_t i = 0; i < channels; i++) {
        double all = 0;
        for (int64_t j = 0; j < k; j++) all += (double)w[i * k + j];
        sum += all * moved[i];
    }
    return sum;
}

/* Exact: moved holds whole numbers of 2^-MEAN_BITS. */
static double integer_effect(const ss_correction *c, const ss_node *n, int32_t f, int32_t channels, int64_t k) {
    const ss_qnode *qn = &c->q->nodes[n - c->g->nodes];
    const int16_t *w = qn->weights + f * channels * k;
    const double *moved = c->moved + f / (n->shape.c / n->groups) * channels;
    int64_t sum = 0;
    for (int32_t i = 0; i < channels; i++) {
        int64_t all = 0;
        for (int64_t j = 0; j < k; j++) all += w[i * k + j];
        sum += all * (int64_t)moved[i];
    }
    return ldexp((double)sum, -MEAN_BITS) * qn->unit[f];
}

static void measure_moved(const ss_correction *c, int32_t in) {
    const ss_shape s = c->g->nodes[in].shape;
    const int64_t *before = c->before + c->first[in], *now = c->now + c->first[in];
    const double count = (double)c->d.n * s.h * s.w;
    for (int32_t k = 0; k < s.c; k++) {
        if (c->q) c->moved[k] = floor(ldexp((double)(now[k] - before[k]), MEAN_BITS) / count + 0.5);
        else c->moved[k] = (double)now[k] / FLOAT_UNIT / count - (double)before[k] / FLOAT_UNIT / count;
    }
}

static ss_status correct(ss_correction *c, int32_t node) {
    const ss_node *n = &c->g->nodes[node];
    const int32_t channels = ss_graph_in_shape(c->g, n).c / n->groups;
    const int64_t k = (int64_t)n->win.kh * n->win.kw;
    float *shift = ss_alloc(c->ctx, (size_t)n->shape.c, sizeof *shift);
    if (!shift) return SS_BAD;
    measure_moved(c, n->in[0]);
#pragma omp parallel for num_threads(ss_ctx_threads(c->ctx)) schedule(static) if (ss_node_weight_count(c->g, n) > 1 << 18)
    for (int32_t f = 0; f < n->shape.c; f++) {
        const double effect = c->q ? integer_effect(c, n, f, channels, k) : float_effect(c, n, f, channels, k);
        shift[f] = (float)(0 - SS_CORRECT_SHARE * effect); /* never -0, which is not 0 to memcmp */
    }
    ss_status s = apply(c, node, shift);
    ss_free(c->ctx, shift);
    return s;
}

/* ---- a pass ---- */

static bool corrected(const ss_graph *g, int32_t node) {
    const ss_node *n = &g->nodes[node];
    return n->op == SS_OP_CONV && g->nodes[n->in[0]].op != SS_OP_INPUT;
}

/* The first node whose threshold is another than the one kept; behind the last node: none. */
static int32_t first_change(const ss_correction *c) {
    int32_t i = 0;
    for (; i < c->g->n; i++) {
        const ss_act *a = &c->g->nodes[i].act;
        if (a->on && (a->per_channel || !(a->threshold == c->kept_threshold[i]))) break;
    }
    return i;
}

static void keep_state(ss_correction *c) {
    const size_t all = c->first[c->g->n];
    memcpy(c->kept, c->now, all * sizeof *c->kept);
    memcpy(c->kept_shift, c->shift, all * sizeof *c->kept_shift);
    for (int32_t i = 0; i < c->g->n; i++) {
        const ss_act *a = &c->g->nodes[i].act;
        c->kept_threshold[i] = a->per_channel ? NAN : a->threshold;
    }
}

/* From one correction to the next, all images pass the nodes between. */
static ss_status pass(ss_correction *c, int32_t changed, int32_t last, bool keep) {
    ss_status s = SS_OK;
    memcpy(c->now, c->kept, c->first[c->g->n] * sizeof *c->now);
    for (int32_t i = ss_layers_begin(c->layers, changed, keep), next; s == SS_OK && i < last; i = next) {
        for (next = i + 1; next < last && !(next > changed && corrected(c->g, next));) next++;
        s = run(c, i, next - 1);
        if (s == SS_OK && next > changed) s = correct(c, next);
    }
    if (s == SS_OK && keep) keep_state(c);
    return s;
}

/* Correct convolutions behind `changed` up to the last; the others get back what was kept. */
static ss_status put(ss_correction *c, int32_t changed, int32_t last, bool keep) {
    ss_status s = SS_OK;
    for (int32_t i = 0; s == SS_OK && i < c->g->n; i++)
        if (corrected(c->g, i) && (i <= changed || i > last)) s = apply(c, i, c->kept_shift + c->first[i]);
    return s == SS_OK && changed < c->g->n ? pass(c, changed, last, keep) : s;
}

ss_status ss_correction_put(ss_correction *c, bool keep) { return put(c, first_change(c), c->last, keep); }

ss_status ss_correction_look(ss_correction *c) {
    const int32_t changed = first_change(c);
    int32_t last = changed;
    for (int32_t i = c->g->n - 1; i > changed && last == changed; i--)
        if (corrected(c->g, i) && c->g->nodes[i].in[0] == changed) last = i;
    for (int32_t i = changed + 1; i < c->g->n && last == changed; i++)
        if (corrected(c->g, i)) last = i;
    return put(c, changed, last, false);
}

ss_status ss_correction_clear(ss_correction *c) {
    ss_status s = SS_OK;
    memset(c->kept_shift, 0, c->first[c->g->n] * sizeof *c->kept_shift);
    for (int32_t i = 0; i < c->g->n; i++) {
        c->kept_threshold[i] = NAN;
        if (corrected(c->g, i) && apply(c, i, c->kept_shift + c->first[i]) != SS_OK) s = SS_BAD;
    }
    return s;
}

/* ---- construction ---- */

static ss_status make_arrays(ss_correction *c) {
    const ss_graph *g = c->g;
    const size_t n = (size_t)g->n;
    c->first = ss_alloc(c->ctx, n + 1, sizeof *c->first);
    c->wanted = ss_alloc(c->ctx, n, sizeof *c->wanted);
    c->kept_threshold = ss_alloc(c->ctx, n, sizeof *c->kept_threshold);
    if (!c->first || !c->wanted || !c->kept_threshold) return SS_BAD;
    for (int32_t i = 0; i < g->n; i++) {
        c->first[i + 1] = c->first[i] + (size_t)g->nodes[i].shape.c;
        c->kept_threshold[i] = NAN;
        if (!corrected(g, i)) continue;
        c->last = i;
        c->wanted[g->nodes[i].in[0]] = true;
    }
    const size_t all = c->first[n];
    c->sums = ss_alloc(c->ctx, all, (size_t)ss_ctx_threads(c->ctx) * sizeof *c->sums);
    c->before = ss_alloc(c->ctx, all, sizeof *c->before);
    c->kept = ss_alloc(c->ctx, all, sizeof *c->kept);
    c->now = ss_alloc(c->ctx, all, sizeof *c->now);
    c->kept_shift = ss_alloc(c->ctx, all, sizeof *c->kept_shift);
    c->shift = ss_arena_alloc(c->g->arena, all, sizeof *c->shift); /* the graph's nodes point there */
    c->moved = ss_alloc(c->ctx, all, sizeof *c->moved);
    return c->sums && c->before && c->kept && c->now && c->kept_shift && c->shift && c->moved ? SS_OK : SS_BAD;
}

/* The reference is what is kept first. */
static ss_status measure_reference(ss_correction *c) {
    ss_status s = SS_OK;
    const int32_t first = ss_layers_begin(c->layers, 0, true);
    if (c->last > 0) s = run(c, first, c->last - 1);
    memcpy(c->before, c->now, c->first[c->g->n] * sizeof *c->before);
    keep_state(c);
    return s;
}

ss_status ss_correction_new(ss_ctx *ctx, ss_graph *g, ss_quant *q, ss_engine *e, const ss_dataset *d, const ss_norm *norm,
                            int64_t memory, ss_correction **out) {
    *out = NULL;
    ss_correction *c = ss_alloc(ctx, 1, sizeof *c);
    if (!c) return SS_BAD;
    *c = (ss_correction){ .ctx = ctx, .g = g, .q = q, .e = e, .d = *d };
    c->d.owner = NULL;
    if (c->d.n > SS_CORRECT_IMAGES) c->d.n = SS_CORRECT_IMAGES;
    ss_status s = make_arrays(c);
    if (s == SS_OK) s = ss_layers_new(ctx, e, &c->d, norm, memory, &c->layers);
    if (s == SS_OK) s = measure_reference(c);
    if (s == SS_OK) *out = c;
    else ss_correction_free(c);
    return s;
}

void ss_correction_free(ss_correction *c) {
    if (!c) return;
    ss_layers_free(c->layers);
    void *const arrays[] = { c->first, c->wanted, c->kept_threshold, c->sums, c->before, c->kept, c->now, c->kept_shift, c->moved };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) ss_free(c->ctx, arrays[i]);
    ss_free(c->ctx, c);
}

const ss_dataset *ss_correction_data(const ss_correction *c) { return &c->d; }
