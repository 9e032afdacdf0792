/* See correct.h. */
#include "threshold/correct.h"

#include <math.h>
#include <string.h>

#define UNIT 65536.0 /* sums of an image are kept in 1/65536 */

struct ss_means {
    ss_ctx *ctx;
    int32_t n;
    size_t *first;  /* [n + 1]: where the channels of a node begin */
    int64_t *sums;  /* [threads][first[n]] */
    double *mean;   /* [first[n]] */
};

void ss_means_free(ss_means *m) {
    if (!m) return;
    ss_free(m->ctx, m->first);
    ss_free(m->ctx, m->sums);
    ss_free(m->ctx, m->mean);
    ss_free(m->ctx, m);
}

static void observe(void *user, int thread, int64_t image, int32_t node, ss_view v) {
    const ss_means *m = user;
    const float *x = v.data;
    int64_t *sums = m->sums + (size_t)thread * m->first[m->n] + m->first[node];
    (void)image;
    for (int32_t c = 0; c < v.shape.c; c++) {
        double sum = 0;
        for (int64_t p = 0; p < (int64_t)v.shape.h * v.shape.w; p++) sum += (double)x[p * v.stride + c];
        sums[c] += (int64_t)llround(sum * UNIT);
    }
}

static ss_status new_means(ss_ctx *ctx, const ss_graph *g, ss_means **out) {
    ss_means *m = ss_alloc(ctx, 1, sizeof *m);
    *out = m;
    if (!m) return SS_BAD;
    *m = (ss_means){ .ctx = ctx, .n = g->n };
    m->first = ss_alloc(ctx, (size_t)g->n + 1, sizeof *m->first);
    if (!m->first) return SS_BAD;
    for (int32_t i = 0; i < g->n; i++) m->first[i + 1] = m->first[i] + (size_t)g->nodes[i].shape.c;
    m->sums = ss_alloc(ctx, m->first[g->n], (size_t)ss_ctx_threads(ctx) * sizeof *m->sums);
    m->mean = ss_alloc(ctx, m->first[g->n], sizeof *m->mean);
    return m->sums && m->mean ? SS_OK : SS_BAD;
}

static ss_status run(ss_means *m, const ss_graph *g, const ss_dataset *d, const ss_norm *norm) {
    const int threads = ss_ctx_threads(m->ctx);
    const size_t all = m->first[m->n];
    ss_dataset part = *d;
    part.owner = NULL;
    if (part.n > SS_CORRECT_IMAGES) part.n = SS_CORRECT_IMAGES;
    memset(m->sums, 0, (size_t)threads * all * sizeof *m->sums);
    ss_engine *e;
    const ss_run_opts opts = { .observer = observe, .observer_user = m };
    if (ss_engine_new(m->ctx, g, NULL, SS_ISA_AUTO, &e) != SS_OK) return SS_BAD;
    ss_status s = ss_engine_run(m->ctx, e, &part, norm, &opts, NULL);
    ss_engine_free(e);
    for (int32_t i = 0; i < m->n; i++) {
        const ss_shape shape = g->nodes[i].shape;
        for (size_t c = m->first[i]; c < m->first[i + 1]; c++) {
            int64_t sum = 0;
            for (int t = 0; t < threads; t++) sum += m->sums[(size_t)t * all + c];
            m->mean[c] = (double)sum / UNIT / ((double)part.n * shape.h * shape.w);
        }
    }
    return s;
}

ss_status ss_means_measure(ss_ctx *ctx, const ss_graph *g, const ss_dataset *d, const ss_norm *norm, ss_means **out) {
    ss_means *m;
    ss_status s = new_means(ctx, g, &m);
    if (s == SS_OK) s = run(m, g, d, norm);
    *out = s == SS_OK ? m : NULL;
    if (s != SS_OK) ss_means_free(m);
    return s;
}

/* How far the output of filter f has moved on average. */
static double moved(const ss_graph *g, const ss_node *n, int32_t f, const double *before, const double *now) {
    const int32_t channels = ss_graph_in_shape(g, n).c / n->groups, k = n->win.kh * n->win.kw;
    const float *w = n->weights + (size_t)f * (size_t)channels * (size_t)k;
    const int32_t first = f / (n->shape.c / n->groups) * channels;
    double sum = 0;
    for (int32_t c = 0; c < channels; c++) {
        double all = 0;
        for (int32_t i = 0; i < k; i++) all += (double)w[(size_t)c * (size_t)k + (size_t)i];
        sum += all * (now[first + c] - before[first + c]);
    }
    return sum;
}

static ss_status correct_one(ss_graph *g, ss_node *n, const double *before, const double *now) {
    float *shift = ss_arena_alloc(g->arena, (size_t)n->shape.c, sizeof *shift);
    if (!shift) return SS_BAD;
    for (int32_t f = 0; f < n->shape.c; f++) shift[f] = (float)(-SS_CORRECT_SHARE * moved(g, n, f, before, now));
    n->bias_shift = shift;
    return SS_OK;
}

ss_status ss_correct_bias(ss_ctx *ctx, ss_graph *g, const ss_dataset *d, const ss_norm *norm, const ss_means *before) {
    ss_means *now;
    ss_status s = new_means(ctx, g, &now);
    for (int32_t i = 0; s == SS_OK && i < g->n; i++) {
        ss_node *n = &g->nodes[i];
        if (n->op != SS_OP_CONV || g->nodes[n->in[0]].op == SS_OP_INPUT) continue;
        s = run(now, g, d, norm);
        const size_t in = before->first[n->in[0]];
        if (s == SS_OK) s = correct_one(g, n, before->mean + in, now->mean + in);
    }
    ss_means_free(now);
    return s;
}
