/* conv_bench: GMAC/s of the convolution kernels, layer by layer, on one thread: the shapes of ResNet-20 and ResNet-18
 * for CIFAR-10 with normal weights and half-normal, half zero activations. Usage: conv_bench [avx512|avx2|portable]
 */
#include "infer/conv.h"
#include "infer/ops.h"
#include "util_graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct layer {
    int32_t c, f, size, k, stride;
} layer;

static const layer layers[] = {
    { 3, 16, 32, 3, 1 },   { 16, 16, 32, 3, 1 },  { 32, 32, 16, 3, 1 },   { 64, 64, 8, 3, 1 },   { 3, 64, 32, 3, 1 },
    { 64, 64, 32, 3, 1 },  { 64, 128, 32, 3, 2 }, { 128, 128, 16, 3, 1 }, { 64, 128, 32, 1, 2 }, { 256, 256, 8, 3, 1 },
    { 512, 512, 4, 3, 1 }, { 512, 10, 1, 1, 1 },
};

/* Half-normal up to five deviations, half of it zero; at the full range of `bits`. */
static void fill_input(util_rng *r, void *x, int64_t n, int bits) {
    for (int64_t i = 0; i < n; i++) {
        float v = util_rng_normal(r) / 5;
        if (v < 0) v = 0;
        if (v > 1) v = 1;
        if (bits == 0) ((float *)x)[i] = v;
        else ((int16_t *)x)[i] = (int16_t)(v * (float)((1 << (bits - 1)) - 1));
    }
}

static void fill_qnode(util_rng *r, ss_graph *g, const ss_node *n, int bits, ss_qnode *q) {
    const int64_t count = ss_node_weight_count(g, n);
    const int32_t top = (1 << (bits - 1)) - 1, filters = n->shape.c;
    int16_t *w = ss_arena_alloc(g->arena, (size_t)count, sizeof *w);
    int32_t *mult = ss_arena_alloc(g->arena, (size_t)filters, sizeof *mult);
    uint8_t *shift = ss_arena_alloc(g->arena, (size_t)filters, 1);
    for (int64_t i = 0; i < count; i++) {
        const float v = util_rng_normal(r) / 4 * (float)top;
        w[i] = (int16_t)(v > (float)top ? (float)top : v < (float)-top ? (float)-top : v);
    }
    for (int32_t f = 0; f < filters; f++) mult[f] = 100000, shift[f] = (uint8_t)(bits == 8 ? 24 : 27);
    *q = (ss_qnode){ .lo = 0, .hi = top, .ceiling = top, .n_mult = filters, .mult = mult, .shift = shift, .weights = w };
    q->pre = bits == 8 ? 0 : 15;
    q->bias = ss_arena_alloc(g->arena, (size_t)filters, sizeof *q->bias);
    q->n_thr = 1;
    q->thr = ss_arena_alloc(g->arena, 1, sizeof *q->thr);
}

/* Seconds for one convolution: the best of five timings of at least 20 ms. */
static double seconds(const ss_conv *c, const void *x, int32_t is, void *y, int32_t os, void *scratch) {
    double best = 1e9;
    int reps = 1;
    for (int i = 0; i < 5;) {
        const double t = ss_seconds();
        for (int k = 0; k < reps; k++) ss_conv_run(c, x, is, y, os, scratch);
        const double took = ss_seconds() - t;
        if (took < 0.02) {
            reps *= 2;
            continue;
        }
        if (took / reps < best) best = took / reps;
        i++;
    }
    return best;
}

static double bench(ss_ctx *ctx, const layer *l, int bits, ss_isa isa) {
    util_rng r = { 1 };
    const util_conv_spec s = { .f = l->f, .kh = l->k, .sh = l->stride, .pt = l->k / 2, .pl = l->k / 2, .pb = l->k / 2,
                               .pr = l->k / 2, .bias = true };
    ss_graph *g = util_one_conv(ctx, l->c, l->size, l->size, s, true, 1);
    if (!g) return 0;
    const ss_node *n = &g->nodes[g->output];
    ss_qnode q;
    if (bits) fill_qnode(&r, g, n, bits, &q);
    const int32_t is = ss_stride(l->c), os = ss_stride(l->f);
    const int64_t in = (int64_t)l->size * l->size * is, out = (int64_t)n->shape.h * n->shape.w * os;
    void *x = ss_alloc_aligned(ctx, (size_t)in, 4), *y = ss_alloc_aligned(ctx, (size_t)out, 4);
    fill_input(&r, x, in, bits);
    ss_conv *c = NULL;
    double rate = 0;
    if (ss_conv_new(ctx, g, n, bits ? &q : NULL, bits, 0, (1 << (bits ? bits - 1 : 0)) - 1, isa, &c) == SS_OK) {
        void *scratch = ss_alloc_aligned(ctx, ss_conv_scratch(c), 1);
        rate = (double)ss_node_macs(g, n) / seconds(c, x, is, y, os, scratch) / 1e9;
        ss_free_aligned(ctx, scratch);
    }
    ss_conv_free(c);
    ss_free_aligned(ctx, x);
    ss_free_aligned(ctx, y);
    ss_graph_free(g);
    return rate;
}

int main(int argc, char **argv) {
    ss_isa isa = ss_isa_best();
    if (argc > 1) isa = !strcmp(argv[1], "portable") ? SS_ISA_PORTABLE : !strcmp(argv[1], "avx2") ? SS_ISA_AVX2 : isa;
    ss_ctx *ctx = ss_ctx_new();
    if (!ctx) return 1;
    printf("%-28s %8s %8s %8s  GMAC/s, one thread\n", "layer", "float", "16 bit", "8 bit");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const layer *l = &layers[i];
        char name[64];
        snprintf(name, sizeof name, "%dx%d %d->%d on %dx%d /%d", l->k, l->k, l->c, l->f, l->size, l->size, l->stride);
        printf("%-28s %8.1f %8.1f %8.1f\n", name, bench(ctx, l, 0, isa), bench(ctx, l, 16, isa), bench(ctx, l, 8, isa));
    }
    for (size_t i = 0; i < ss_diag_count(ctx); i++) fprintf(stderr, "%s\n", ss_diag_at(ctx, i)->cause);
    ss_ctx_free(ctx);
    return 0;
}
