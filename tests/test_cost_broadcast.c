/* Cycles of the broadcast engine: the formula from the profile's statistics against the recurrences that the hardware meets to
 * the cycle (tests/rtl/broadcast.h). Patterns of which the formula is exact; random maps; and, where the data folder is,
 * real maps of ResNet-20. BROADCAST_TABLE=1 prints what was compared,
 * EVERY=1 compares every folding. */
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
static int *nonzeros_of(const ss_node *n, ss_shape in, const int16_t *map, const broadcast *b, int *out) {
    int k = n->win.kh * n->win.kw, ci = b->fold.ci, parts = b->p;
    for (int32_t pixel = 0; pixel < n->shape.h * n->shape.w; pixel++) {
        int32_t y0 = pixel / n->shape.w * n->win.sh - n->win.pt, x0 = pixel % n->shape.w * n->win.sw - n->win.pl;
        for (int c = 0; c < in.c; c += ci, out += ci * parts) {
            memset(out, 0, (size_t)(ci * parts) * sizeof *out);
            for (int l = 0; l < ci; l++)
                for (int i = 0; i < k; i++) {
                    int32_t y = y0 + i / n->win.kw, x = x0 + i % n->win.kw;
                    if (y < 0 || x < 0 || y >= in.h || x >= in.w) continue;
                    out[l * parts + broadcast_part(b, c / ci % b->fold.steps, i)] += map[(y * in.w + x) * in.c + c + l] != 0;
                }
        }
    }
    return out;
}

static int64_t cycles_of_hardware(const maps *m, const ss_node *n, const ss_config *cfg) {
    ss_shape in = ss_graph_in_shape(m->g, n);
    int cg = in.c / n->groups, fg = n->shape.c / n->groups, streams = cfg->ci * cfg->m, lists = n->shape.h * n->shape.w * n->groups;
    broadcast b = { .p = cfg->m, .sums = cfg->sums, .lists = cfg->lists, .queue = cfg->queue, .results = cfg->results };
    b.fold = (fold){ .w = 16, .k = n->win.kh * n->win.kw, .gr = 1, .ci = cfg->ci, .co = cfg->co, .m = 1, .passes = n->groups,
                     .steps = cg / cfg->ci, .folds = fg / cfg->co };
    int *nonzeros = malloc((size_t)IMAGES * (size_t)lists * (size_t)(b.fold.steps * streams) * sizeof *nonzeros), *at = nonzeros;
    for (int i = 0; i < IMAGES; i++) at = nonzeros_of(n, in, m->of[n->in[0]][i], &b, at);
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
        double nonzeros = 0;
        ss_lists_add(&t, out, &nonzeros);
        for (int32_t s = 0; s < l->n_parts * l->n_ci; s++) {
            double words = scale * l->channels / (double)l->ci[s % l->n_ci];
            for (int span = 0; span < SS_LIST_SPANS; span++) out[s].busiest[span] /= IMAGES, out[s].compaction[span] /= IMAGES;
            out[s].word /= IMAGES;
            ss_list_stats_settle(&out[s], 0, words, l->parts[s / l->n_ci] == l->k);
        }
    }
    return p;
}

typedef struct errors {
    double of[4096];
    int n;
} errors;

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Foldings of a layer, buffers by the rule; every co leaves another number of folds. */
static void compare_layer(const maps *m, const ss_cost *c, int32_t node, int every, errors *e) {
    const ss_cost_node *n = &c->nodes[node];
    for (int i = 0, number = 0; i < n->n_parts * n->n_ci; i++)
        for (int64_t folds = 1; folds <= 16 && n->fg % folds == 0; folds *= 2, number++) {
            ss_config cfg = { .engine = SS_ENGINE_BROADCAST, .gr = 1, .ci = (int32_t)n->ci[i % n->n_ci],
                              .m = n->parts[i / n->n_ci], .co = (int32_t)(n->fg / folds), .memory = SS_MEM_BRAM };
            if (cfg.ci * cfg.m > 64 || number % every) continue;
            ss_broadcast_size(n, 16, &cfg);
            double says = ss_broadcast_cycles(n, &cfg), is = (double)cycles_of_hardware(m, n->node, &cfg) / IMAGES;
            if (getenv("BROADCAST_TABLE"))
                printf("%-30s ci %3d P %d co %3d sums %3d queue %2d lists %d results %2d: %9.0f, is %9.0f, %+5.1f %%\n",
                       n->node->name, cfg.ci, cfg.m, cfg.co, cfg.sums, cfg.queue, cfg.lists, cfg.results, says, is,
                       100 * (says / is - 1));
            assert_true(e->n < 4096);
            e->of[e->n++] = fabs(says / is - 1);
        }
}

static bool data_path(char *path, size_t size, const char *name) {
    const char *root = getenv("SKIPSTREAM_DATA");
    snprintf(path, size, "%s/%s", root ? root : "../shared/data", name);
    FILE *f = fopen(path, "rb");
    if (f) fclose(f);
    else print_message("%s is not there: skipped\n", path);
    return f != NULL;
}

static void run_network(ss_ctx *ctx, const char *model, const char *data, maps *m) {
    ss_dataset *d = NULL;
    ss_norm norm;
    ss_calib *calib = NULL;
    ss_quant *quant = NULL;
    ss_engine *e = NULL;
    ss_run_opts opts = { .observer = keep, .observer_user = m };
    bool ok = ss_norm_load(ctx, model, NULL, NULL, 3, &norm) == SS_OK &&
              ss_dataset_load(ctx, data, m->g->nodes[0].shape, 10, IMAGES, &d) == SS_OK &&
              ss_calib_obtain(ctx, m->g, NULL, d, &norm, &calib) == SS_OK &&
              ss_quantise(ctx, m->g, calib, 16, &quant) == SS_OK &&
              ss_engine_new(ctx, m->g, quant, SS_ISA_AUTO, &e) == SS_OK &&
              ss_engine_run(ctx, e, d, &norm, &opts, NULL) == SS_OK;
    if (!ok) util_print_diags(ctx);
    assert_true(ok);
    ss_engine_free(e);
    ss_quant_free(quant);
    ss_calib_free(calib);
    ss_dataset_free(d);
}

static ss_cost *cost_of(ss_ctx *ctx, const maps *m, const ss_profile *p) {
    ss_device dev;
    ss_cost *c;
    assert_int_equal(ss_device_load(ctx, "u250", &dev), SS_OK);
    assert_int_equal(ss_cost_new(ctx, m->g, p, &dev, (ss_cost_opts){ .bits = 16 }, &c), SS_OK);
    return c;
}

static void free_maps(maps *m) {
    for (int i = 0; i < 64; i++)
        for (int k = 0; k < IMAGES; k++) free(m->of[i][k]);
}

static void real_maps(void **state) {
    (void)state;
    char model[512], data[512];
    if (!data_path(model, sizeof model, "resnet20_cifar10.onnx") || !data_path(data, sizeof data, "cifar10/calib_batch.bin"))
        skip();
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g;
    assert_int_equal(ss_model_load(ctx, model, &g), SS_OK);
    maps m = { .g = g };
    run_network(ctx, model, data, &m);
    ss_profile *p = profile_of(ctx, &m);
    ss_cost *c = cost_of(ctx, &m, p);
    errors all = { .n = 0 };
    int every = getenv("EVERY") ? atoi(getenv("EVERY")) : 7;
    for (int32_t i = 0; i < g->n; i++)
        if (g->nodes[i].op == SS_OP_CONV && g->nodes[i].shape.h > 1 && g->nodes[i].in[0] > 0)
            compare_layer(&m, c, i, every, &all);
    qsort(all.of, (size_t)all.n, sizeof *all.of, by_size);
    print_message("%d foldings: errors median %.2f %%, nine of ten within %.2f %%, all within %.2f %%\n", all.n,
                  100 * all.of[all.n / 2], 100 * all.of[all.n * 9 / 10], 100 * all.of[all.n - 1]);
    assert_true(all.n > 100 && all.of[all.n / 2] < 0.01 && all.of[all.n * 9 / 10] < 0.04 && all.of[all.n - 1] < 0.16);
    ss_cost_free(c);
    ss_profile_free(p);
    free_maps(&m);
    ss_graph_free(g);
    ss_ctx_free(ctx);
}

/* Maps of which all pixels are alike: nothing drifts, and the formula is exact but for filling and draining. */
static void alike_pixels_are_exact(void **state) {
    (void)state;
    static const struct {
        int32_t c, kernel, every; /* every so many channels are not zero; 0: none is */
    } cases[] = { { 16, 1, 1 }, { 16, 1, 2 }, { 16, 1, 0 }, { 8, 3, 1 }, { 8, 3, 4 }, { 8, 3, 0 } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ss_ctx *ctx = ss_ctx_new();
        ss_graph *g = ss_graph_new(ctx, "alike");
        util_rng rng = { 3 };
        int32_t x = util_add_input(g, cases[k].c, 12, 12);
        int32_t conv = util_conv(g, &rng, "conv", x, 16, 1, UTIL_WIN(cases[k].kernel, 1, 0), NULL);
        maps m = { .g = g };
        for (int i = 0; i < IMAGES; i++) {
            int16_t *map = m.of[x][i] = calloc((size_t)(12 * 12 * cases[k].c), sizeof *map);
            for (int32_t e = 0; e < 12 * 12 * cases[k].c; e++)
                map[e] = cases[k].every && e % cases[k].c % cases[k].every == 0;
        }
        ss_profile *p = profile_of(ctx, &m);
        ss_cost *c = cost_of(ctx, &m, p);
        const ss_cost_node *n = &c->nodes[conv];
        for (int i = 0; i < n->n_parts * n->n_ci; i++)
            for (int32_t co = 1; co <= 16; co *= 2) {
                ss_config cfg = { .engine = SS_ENGINE_BROADCAST, .gr = 1, .ci = (int32_t)n->ci[i % n->n_ci],
                                  .m = n->parts[i / n->n_ci], .co = co, .memory = SS_MEM_BRAM };
                ss_broadcast_size(n, 16, &cfg);
                double says = ss_broadcast_cycles(n, &cfg), is = (double)cycles_of_hardware(&m, n->node, &cfg) / IMAGES;
                double list = says / (n->node->shape.h * n->node->shape.w); /* the first is made, the last drains */
                if (says > is || says + list + 40 < is)
                    fail_msg("case %zu, ci %d, P %d, co %d: formula %g, hardware %g", k, cfg.ci, cfg.m, co, says, is);
            }
        ss_cost_free(c);
        ss_profile_free(p);
        free_maps(&m);
        ss_graph_free(g);
        ss_ctx_free(ctx);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(alike_pixels_are_exact), cmocka_unit_test(real_maps) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
