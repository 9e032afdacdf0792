/* Cycles of the broadcast engine: the formula from the profile's statistics against the recurrences that the hardware meets to
 * the cycle (tests/rtl/broadcast.h). Patterns of which the formula is exact; random maps; and, where the data folder is,
 * real maps of ResNet-20. BROADCAST_TABLE=1 prints what was compared. */
#include "cost/cost.h"
#include "cost/node.h"
#include "infer/infer.h"
#include "onnx/onnx.h"
#include "profile/build.h"
#include "profile/lists.h"
#include "quant/quant.h"
#include "rtl/broadcast.h"
#include "util_profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { IMAGES = 2 };

typedef struct maps {
    int16_t *of[64][IMAGES]; /* by node: height x width x channel, or NULL */
    const ss_graph *g;
} maps;

static void keep(void *user, int thread, int64_t image, int32_t node, ss_view v) {
    maps *m = user;
    (void)thread;
    bool read = false;
    for (int32_t i = node + 1; i < m->g->n; i++) read = read || (m->g->nodes[i].op == SS_OP_CONV && m->g->nodes[i].in[0] == node);
    if (!read) return;
    const int16_t *in = v.data;
    int16_t *out = m->of[node][image] = malloc((size_t)ss_shape_size(v.shape) * sizeof *out);
    for (int32_t p = 0; p < v.shape.h * v.shape.w; p++)
        for (int32_t c = 0; c < v.shape.c; c++) *out++ = in[p * v.stride + c];
}

/* [list][step][stream] of one image. */
static int *nonzeros_of(const ss_node *n, ss_shape in, const int16_t *map, int ci, int parts, int *out) {
    int cg = in.c / n->groups, k = n->win.kh * n->win.kw;
    for (int32_t pixel = 0; pixel < n->shape.h * n->shape.w; pixel++) {
        int32_t y0 = pixel / n->shape.w * n->win.sh - n->win.pt, x0 = pixel % n->shape.w * n->win.sw - n->win.pl;
        for (int c = 0; c < in.c; c += ci, out += ci * parts) {
            memset(out, 0, (size_t)(ci * parts) * sizeof *out);
            for (int l = 0; l < ci; l++)
                for (int i = 0; i < k; i++) {
                    int32_t y = y0 + i / n->win.kw, x = x0 + i % n->win.kw;
                    if (y < 0 || x < 0 || y >= in.h || x >= in.w) continue;
                    out[l * parts + i % parts] += map[(y * in.w + x) * in.c + c + l] != 0;
                }
        }
    }
    (void)cg;
    return out;
}

static int64_t cycles_of_hardware(const maps *m, const ss_node *n, const ss_config *cfg) {
    ss_shape in = ss_graph_in_shape(m->g, n);
    int cg = in.c / n->groups, fg = n->shape.c / n->groups, streams = cfg->ci * cfg->m, lists = n->shape.h * n->shape.w * n->groups;
    broadcast b = { .p = cfg->m, .sums = cfg->sums, .lists = cfg->lists, .queue = cfg->queue, .results = cfg->results };
    b.fold = (fold){ .w = 16, .k = n->win.kh * n->win.kw, .gr = 1, .ci = cfg->ci, .co = cfg->co, .m = 1, .passes = n->groups,
                     .steps = cg / cfg->ci, .folds = fg / cfg->co };
    int *nonzeros = malloc((size_t)IMAGES * (size_t)lists * (size_t)(b.fold.steps * streams) * sizeof *nonzeros), *at = nonzeros;
    for (int i = 0; i < IMAGES; i++) at = nonzeros_of(n, in, m->of[n->in[0]][i], cfg->ci, cfg->m, at);
    int64_t busy, last = broadcast_cycles(&b, nonzeros, IMAGES * lists, &busy);
    free(nonzeros);
    return last;
}

static ss_profile *profile_of(ss_ctx *ctx, const maps *m) {
    ss_profile *p;
    assert_int_equal(ss_profile_assume(ctx, m->g, 0.5, 16, &p), SS_OK); /* its layout; what is counted replaces it */
    for (int32_t i = 0, layer = 0; i < m->g->n; i++) {
        const ss_node *n = &m->g->nodes[i];
        if (n->op != SS_OP_CONV) continue;
        ss_layer_profile *l = &p->layers[layer++];
        ss_shape in = ss_graph_in_shape(m->g, n);
        int32_t right = (n->shape.w - 1) * n->win.sw + n->win.kw - n->win.pl - in.w;
        ss_map map = { .shape = in, .left = n->win.pl, .right = right > 0 ? right : 0 };
        map.data = ss_arena_alloc(p->arena, (size_t)in.h, (size_t)(map.left + in.w + map.right) * (size_t)in.c);
        ss_counter zeros;
        ss_lists t;
        assert_true(ss_counter_init(&zeros, p->arena, 1, (size_t)in.c));
        assert_true(ss_lists_init(&t, p->arena, l, n->win, n->shape.h, n->shape.w));
        for (int k = 0; k < IMAGES; k++) {
            ss_count_map(&map, m->of[n->in[0]][k], in.c, &zeros);
            ss_lists_count(&t, &map);
        }
        ss_list_stats *out = ss_profile_alloc_lists(p, l);
        double scale = l->windows;
        ss_lists_add(&t, out);
        for (int32_t s = 0; s < l->n_parts * l->n_ci; s++) {
            double words = scale * l->channels / (double)l->ci[s % l->n_ci];
            for (int span = 0; span < SS_LIST_SPANS; span++) out[s].busiest[span] /= IMAGES, out[s].compaction[span] /= IMAGES;
            out[s].word /= IMAGES;
            ss_list_stats_settle(&out[s], 0, words, l->parts[s / l->n_ci] == l->k);
        }
    }
    return p;
}

static void dump(const maps *m, const ss_profile *p) {
    for (int32_t i = 0, layer = 0; i < m->g->n; i++) {
        const ss_node *n = &m->g->nodes[i];
        if (n->op != SS_OP_CONV) continue;
        const ss_layer_profile *l = &p->layers[layer++];
        if (l->channels < 8 || layer % 2) continue;
        for (int32_t a = 0; a < l->n_parts; a++)
            for (int32_t c = 0; c < l->n_ci; c++)
                for (int folds = 1; folds <= 16; folds *= folds == 1 ? 2 : 4) {
                    int ci = (int)l->ci[c], parts = l->parts[a];
                    if (ci * parts > 64) continue;
                    static const int knobs[][3] = { { 0, 2, 2 }, { 32, 2, 2 }, { 8, 2, 8 }, { 0, 2, 32 }, { 32, 4, 32 } };
                    for (size_t q = 0; q < sizeof knobs / sizeof *knobs; q++) {
                        ss_config cfg = { .ci = ci, .m = parts, .co = n->shape.c / folds, .queue = knobs[q][0], .lists = knobs[q][1],
                                          .results = knobs[q][2] > 2 ? knobs[q][2] : 2 * folds };
                        cfg.sums = cfg.co;
                        const ss_list_stats *s = ss_profile_lists(l, ci, parts);
                        printf("ROW %d %d %d %d %d %d %d %d %g", layer, ci, parts, folds, cfg.queue, cfg.lists, cfg.results, l->channels / ci, l->windows);
                        for (int v = 0; v < 11; v++) printf(" %.6g", ((const double *)s)[v]);
                        printf(" %.6g\n", (double)cycles_of_hardware(m, n, &cfg) / IMAGES);
                    }
                }
    }
}

static void real_maps(void **state) {
    (void)state;
    const char *root = getenv("SKIPSTREAM_DATA");
    char path[512];
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g;
    ss_dataset *d;
    ss_norm norm;
    ss_calib *calib;
    ss_quant *quant;
    ss_engine *e;
    snprintf(path, sizeof path, "%s/%s.onnx", root ? root : "../shared/data", getenv("NET") ? getenv("NET") : "resnet20_cifar10");
    assert_int_equal(ss_model_load(ctx, path, &g), SS_OK);
    assert_int_equal(ss_norm_load(ctx, path, NULL, NULL, 3, &norm), SS_OK);
    snprintf(path, sizeof path, "%s/cifar10/calib_batch.bin", root ? root : "../shared/data");
    assert_int_equal(ss_dataset_load(ctx, path, g->nodes[0].shape, 10, IMAGES, &d), SS_OK);
    assert_int_equal(ss_calib_obtain(ctx, g, NULL, d, &norm, &calib), SS_OK);
    assert_int_equal(ss_quantise(ctx, g, calib, 16, &quant), SS_OK);
    assert_int_equal(ss_engine_new(ctx, g, quant, SS_ISA_AUTO, &e), SS_OK);
    maps m = { .g = g };
    ss_run_opts opts = { .observer = keep, .observer_user = &m };
    assert_int_equal(ss_engine_run(ctx, e, d, &norm, &opts, NULL), SS_OK);
    ss_profile *p = profile_of(ctx, &m);
    dump(&m, p);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(real_maps) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
