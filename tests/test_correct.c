/* Corrected biases: the fast pass against the plain way (the whole network once for every convolution), from any kept state,
 * for any number of threads and order of channels. */
#include "explore/explore.h"
#include "threshold/correct.h"
#include "util_infer.h"
#include "util_net.h"
#include "util_profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { IMAGES = 40, CLASSES = 10, CHANNELS = 4096 };

static ss_graph *resnet(ss_ctx *ctx) { return util_small_resnet(ctx, 5); }
static ss_graph *zoo(ss_ctx *ctx) { return util_zoo(ctx, false, 3); }

static void open_net(util_net *x, ss_graph *(*make)(ss_ctx *), int bits, int threads) {
    ss_ctx *ctx = ss_ctx_new();
    ss_ctx_set_threads(ctx, threads);
    assert_int_equal(util_net_open(x, ctx, make(ctx), util_norm(3), CLASSES, IMAGES, 1, bits), SS_OK);
}

static void requantise(util_net *x) {
    if (x->q) assert_int_equal(ss_quant_set_thresholds(x->q, x->g), SS_OK);
}

static ss_correction *correction(util_net *x, int64_t memory) {
    ss_correction *c;
    assert_int_equal(ss_correction_new(x->ctx, x->g, x->q, x->e, x->d, &x->norm, memory, &c), SS_OK);
    return c;
}

/* ---- the plain way ---- */

typedef struct means {
    size_t first[256];
    double sum[IMAGES][CHANNELS]; /* of each image, as the definition rounds it */
} means;

static void add_up(void *user, int thread, int64_t image, int32_t node, ss_view v) {
    means *m = user;
    (void)thread;
    for (int32_t c = 0; c < v.shape.c; c++) {
        double sum = 0;
        for (int64_t p = 0; p < (int64_t)v.shape.h * v.shape.w; p++)
            sum += v.is_float ? (double)((const float *)v.data)[p * v.stride + c]
                              : ((const int16_t *)v.data)[p * v.stride + c];
        m->sum[image][m->first[node] + (size_t)c] = v.is_float ? round(sum * 65536) : sum;
    }
}

static void measure(util_net *x, means *m, double *total) {
    ss_engine *e; /* packs the biases of now */
    for (int32_t i = 0; i < x->g->n; i++) m->first[i + 1] = m->first[i] + (size_t)x->g->nodes[i].shape.c;
    assert_true(m->first[x->g->n] <= CHANNELS);
    assert_int_equal(ss_engine_new(x->ctx, x->g, x->q, SS_ISA_AUTO, &e), SS_OK);
    const ss_run_opts opts = { .observer = add_up, .observer_user = m };
    assert_int_equal(ss_engine_run(x->ctx, e, x->d, &x->norm, &opts, NULL), SS_OK);
    ss_engine_free(e);
    for (size_t c = 0; c < m->first[x->g->n]; c++) {
        total[c] = 0;
        for (int i = 0; i < IMAGES; i++) total[c] += m->sum[i][c];
    }
}

static float plain_shift(const util_net *x, int32_t node, int32_t f, const double *before, const double *now) {
    const ss_node *n = &x->g->nodes[node];
    const ss_shape in = ss_graph_in_shape(x->g, n);
    const int32_t channels = in.c / n->groups, k = n->win.kh * n->win.kw, first = f / (n->shape.c / n->groups) * channels;
    const double count = (double)IMAGES * in.h * in.w;
    double sum = 0;
    for (int32_t c = 0; c < channels; c++) {
        double all = 0;
        const int32_t w = (f * channels + c) * k, at = first + c;
        for (int32_t i = 0; i < k; i++) all += x->q ? (double)x->q->nodes[node].weights[w + i] : (double)n->weights[w + i];
        if (x->q) sum += all * floor((now[at] - before[at]) * 16384 / count + 0.5);
        else sum += all * (now[at] / 65536 / count - before[at] / 65536 / count);
    }
    if (x->q) sum = sum / 16384 * x->q->nodes[node].unit[f];
    return (float)(-SS_CORRECT_SHARE * sum);
}

/* shift: [channels of all nodes]. The biases are the model's own before and afterwards. */
static void plain_way(util_net *x, const double *before, means *m, float *shift) {
    double *now = calloc(CHANNELS, sizeof *now);
    memset(shift, 0, CHANNELS * sizeof *shift);
    for (int32_t i = 0; i < x->g->n; i++) {
        ss_node *n = &x->g->nodes[i];
        if (n->op != SS_OP_CONV || x->g->nodes[n->in[0]].op == SS_OP_INPUT) continue;
        measure(x, m, now);
        const size_t in = m->first[n->in[0]];
        for (int32_t f = 0; f < n->shape.c; f++)
            shift[m->first[i] + (size_t)f] = plain_shift(x, i, f, before + in, now + in);
        n->bias_shift = shift + m->first[i];
        if (x->q) assert_int_equal(ss_quant_set_bias(x->q, x->g, i), SS_OK);
    }
    for (int32_t i = 0; i < x->g->n; i++) {
        if (!x->g->nodes[i].bias_shift) continue;
        x->g->nodes[i].bias_shift = NULL;
        if (x->q) assert_int_equal(ss_quant_set_bias(x->q, x->g, i), SS_OK);
    }
    free(now);
}

static float shift_of(const ss_node *n, int32_t f) { return n->bias_shift ? n->bias_shift[f] : 0; }


static void random_thresholds(util_net *x, util_rng *r, int32_t changes) {
    for (int32_t k = 0; k < changes; k++) {
        int32_t i = util_rng_int(r, 0, x->g->n - 1);
        while (!x->g->nodes[i].act.on) i = (i + 1) % x->g->n;
        x->g->nodes[i].act.threshold = 0.1f * (float)util_rng_int(r, 0, 8);
    }
    requantise(x);
}

/* Thresholds change here and there, a few at a time; some states are kept, some not. */
static void one_pass_is_the_plain_way_for(ss_graph *(*make)(ss_ctx *), int bits, int threads, int64_t memory) {
    util_net x;
    means *m = calloc(1, sizeof *m);
    double *before = calloc(CHANNELS, sizeof *before);
    float *shift = calloc(CHANNELS, sizeof *shift);
    util_rng r = { 77 };
    open_net(&x, make, bits, threads);
    measure(&x, m, before);
    ss_correction *c = correction(&x, memory);
    int32_t moved = 0;
    for (int turn = 0; turn < 12; turn++) {
        assert_int_equal(ss_correction_clear(c) | (turn % 4 ? ss_correction_put(c, true) : SS_OK), SS_OK);
        random_thresholds(&x, &r, turn == 0 ? 20 : 1);
        assert_int_equal(ss_correction_put(c, turn % 3 == 0), SS_OK);
        if (turn % 2) {
            random_thresholds(&x, &r, 1);
            assert_int_equal(ss_correction_put(c, false), SS_OK);
        }
        float *mine = calloc(CHANNELS, sizeof *mine);
        for (int32_t i = 0; i < x.g->n; i++)
            for (int32_t f = 0; f < x.g->nodes[i].shape.c; f++) mine[m->first[i] + (size_t)f] = shift_of(&x.g->nodes[i], f);
        assert_int_equal(ss_correction_clear(c), SS_OK);
        plain_way(&x, before, m, shift);
        for (size_t k = 0; k < m->first[x.g->n]; k++) {
            assert_true(mine[k] == shift[k]);
            moved += mine[k] != 0;
        }
        free(mine);
    }
    assert_true(moved > 100);
    ss_correction_free(c);
    util_net_close(&x);
    free(m);
    free(before);
    free(shift);
}

static void one_pass_is_the_plain_way(void **state) {
    (void)state;
    const int bits[] = { 0, 16, 8 };
    for (int b = 0; b < 3; b++)
        for (int k = 0; k < 3; k++) {
            one_pass_is_the_plain_way_for(resnet, bits[b], k + 1, k == 0 ? 0 : k == 1 ? 400000 : 64 << 20);
            one_pass_is_the_plain_way_for(zoo, bits[b], k + 1, k == 0 ? 0 : k == 1 ? 200000 : 64 << 20);
        }
}

/* A row of thresholds, some kept and some not: each gives what a fresh correction gives. */
static void any_kept_state_will_do(void **state) {
    (void)state;
    for (int64_t memory = 0; memory <= 64 << 20; memory += 16 << 20) {
        util_net x, y;
        util_rng r = { 5 };
        open_net(&x, resnet, 16, 2);
        open_net(&y, resnet, 16, 1);
        ss_correction *c = correction(&x, memory);
        for (int turn = 0; turn < 25; turn++) {
            random_thresholds(&x, &r, 1 + turn % 2);
            assert_int_equal(ss_correction_put(c, turn % 3 != 1), SS_OK);
            ss_thresholds_uniform(y.g, 0);
            requantise(&y);
            ss_correction *fresh = correction(&y, 0);
            for (int32_t i = 0; i < x.g->n; i++) y.g->nodes[i].act = x.g->nodes[i].act;
            requantise(&y);
            assert_int_equal(ss_correction_put(fresh, false), SS_OK);
            float a[IMAGES][CLASSES], b[IMAGES][CLASSES];
            assert_int_equal(ss_engine_run(x.ctx, x.e, x.d, &x.norm, NULL, a[0]), SS_OK);
            assert_int_equal(ss_engine_run(y.ctx, y.e, y.d, &y.norm, NULL, b[0]), SS_OK);
            assert_memory_equal(a, b, sizeof a);
            assert_int_equal(ss_correction_clear(fresh), SS_OK);
            ss_correction_free(fresh);
        }
        ss_correction_free(c);
        util_net_close(&x);
        util_net_close(&y);
    }
}

/* ---- what goes with it ---- */

static void same_integers(const util_net *x, const ss_quant *a, const ss_quant *b) {
    for (int32_t i = 0; i < x->g->n; i++) {
        const ss_qnode *p = &a->nodes[i], *q = &b->nodes[i];
        const size_t f = (size_t)x->g->nodes[i].shape.c;
        assert_true(p->acc_bits == q->acc_bits && p->pre == q->pre && p->frac == q->frac);
        if (x->g->nodes[i].op != SS_OP_CONV) continue;
        assert_memory_equal(p->bias, q->bias, f * sizeof *p->bias);
        assert_memory_equal(p->mult, q->mult, f * sizeof *p->mult);
        assert_memory_equal(p->shift, q->shift, f);
        assert_memory_equal(p->filter_acc_bits, q->filter_acc_bits, f);
        assert_memory_equal(p->weights, q->weights, (size_t)ss_node_weight_count(x->g, &x->g->nodes[i]) * sizeof *p->weights);
    }
}

/* It makes no difference whether biases are corrected before or after quantisation; cleared, all is as before. */
static void biases_change_alone(void **state) {
    (void)state;
    for (int bits = 8; bits <= 16; bits += 8) {
        util_net x;
        ss_quant *own, *late;
        float before[IMAGES][CLASSES], with[IMAGES][CLASSES], after[IMAGES][CLASSES];
        open_net(&x, resnet, bits, 2);
        assert_int_equal(ss_quantise(x.ctx, x.g, x.calib, bits, &own), SS_OK);
        ss_correction *c = correction(&x, 0);
        assert_int_equal(ss_correction_put(c, true), SS_OK);
        for (int32_t i = 0; i < x.g->n; i++) assert_null(x.g->nodes[i].bias_shift); /* nothing was removed */
        ss_thresholds_uniform(x.g, 0.5f);
        requantise(&x);
        assert_int_equal(ss_engine_run(x.ctx, x.e, x.d, &x.norm, NULL, before[0]), SS_OK);
        assert_int_equal(ss_correction_put(c, true), SS_OK);
        assert_int_equal(ss_engine_run(x.ctx, x.e, x.d, &x.norm, NULL, with[0]), SS_OK);
        assert_true(memcmp(before, with, sizeof before) != 0);
        assert_int_equal(ss_quantise(x.ctx, x.g, x.calib, bits, &late), SS_OK);
        same_integers(&x, x.q, late);
        assert_int_equal(ss_correction_clear(c), SS_OK);
        same_integers(&x, x.q, own);
        assert_int_equal(ss_engine_run(x.ctx, x.e, x.d, &x.norm, NULL, after[0]), SS_OK);
        assert_memory_equal(before, after, sizeof before);
        ss_correction_free(c);
        ss_quant_free(own);
        ss_quant_free(late);
        util_net_close(&x);
    }
}

/* A file has the biases in the model's own order, wherever its channels stand now. */
static void files_carry_biases(void **state) {
    (void)state;
    util_net x, y;
    char dir[256], path[300];
    float a[IMAGES][CLASSES], b[IMAGES][CLASSES];
    assert_true(util_temp_dir(dir));
    snprintf(path, sizeof path, "%s/t.json", dir);
    open_net(&x, resnet, 16, 1);
    open_net(&y, resnet, 16, 1);
    ss_correction *c = correction(&x, 0);
    ss_thresholds_uniform(x.g, 0.4f);
    requantise(&x);
    assert_int_equal(ss_correction_put(c, false), SS_OK);
    assert_int_equal(ss_engine_run(x.ctx, x.e, x.d, &x.norm, NULL, a[0]), SS_OK);
    assert_int_equal(ss_thresholds_save(x.g, path), SS_OK);
    assert_int_equal(ss_thresholds_load(y.g, path), SS_OK);
    ss_quant *q;
    ss_engine *e;
    assert_int_equal(ss_quantise(y.ctx, y.g, y.calib, 16, &q), SS_OK);
    assert_int_equal(ss_engine_new(y.ctx, y.g, q, SS_ISA_AUTO, &e), SS_OK);
    assert_int_equal(ss_engine_run(y.ctx, e, y.d, &y.norm, NULL, b[0]), SS_OK);
    assert_memory_equal(a, b, sizeof a);
    ss_engine_free(e);
    ss_quant_free(q);
    static const char *const wrong[] = { "{\"fc\": [1]}", "{\"nothing\": [1]}", "{\"stem_relu\": [1]}", "[1]",
                                         "{\"fc\": [0,0,0,0,\"x\",0,0,0,0,0]}", "{\"fc\": [0,0,0,0,1e99,0,0,0,0,0]}" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[300];
        snprintf(text, sizeof text, "{\"format\":\"skipstream.thresholds\",\"version\":1,\"layers\":{},\"bias_shift\":%s}",
                 wrong[i]);
        assert_true(util_write_text(path, text));
        const float *kept = y.g->nodes[y.g->output].bias_shift;
        assert_int_equal(ss_thresholds_load(y.g, path), SS_BAD);
        assert_ptr_equal(y.g->nodes[y.g->output].bias_shift, kept);
    }
    ss_correction_free(c);
    util_net_close(&x);
    util_net_close(&y);
    util_remove_dir(dir);
}

static int version_of(util_net *x, const char *path) {
    json_t *j;
    assert_int_equal(ss_json_load(x->ctx, path, NULL, INT32_MAX, &j), SS_OK);
    const int version = (int)json_integer_value(json_object_get(j, "version"));
    json_decref(j);
    return version;
}

static void set_version(util_net *x, const char *path, int version) {
    json_t *j;
    assert_int_equal(ss_json_load(x->ctx, path, NULL, INT32_MAX, &j), SS_OK);
    json_object_set_new(j, "version", json_integer(version));
    assert_int_equal(ss_json_save(x->ctx, path, j), SS_OK);
    json_decref(j);
}

static ss_profile *profile(util_net *x, const char *path, int version) {
    ss_profile *p, *again;
    assert_int_equal(ss_profile_measure(x->ctx, x->g, x->e, x->q, x->d, &x->norm, NULL, &p), SS_OK);
    assert_int_equal(ss_profile_save(p, path), SS_OK);
    assert_int_equal(version_of(x, path), version);
    assert_int_equal(ss_profile_load(x->ctx, x->g, path, &again), SS_OK);
    assert_true(ss_shifts_equal(&p->shifts, &again->shifts));
    ss_profile_free(again);
    return p;
}

static ss_design *design(util_net *x, const ss_profile *p, const char *path, int version) {
    ss_device dev;
    ss_design *d, *again;
    assert_int_equal(ss_device_load(x->ctx, "zcu104", &dev), SS_OK);
    assert_int_equal(ss_explore_graph(x->ctx, x->g, p, &dev, (ss_cost_opts){ .bits = 16, .engines = SS_ENGINES_ALL },
                                      (ss_explore_opts){ .batch = 16, .target_gap = 1 }, &d),
                     SS_OK);
    assert_int_equal(ss_design_save(d, x->g, path), SS_OK);
    assert_int_equal(version_of(x, path), version);
    assert_int_equal(ss_design_load(x->ctx, x->g, path, &again), SS_OK);
    assert_true(ss_shifts_equal(&d->shifts, &again->shifts) && ss_design_fits_profile(again, p));
    ss_design_free(again);
    return d;
}

/* What was profiled is what is built. Files with biases have a version that older programs refuse; the biases of files
 * from before that are read. */
static void profiles_and_designs_carry_biases(void **state) {
    (void)state;
    util_net x;
    char dir[256], path[300];
    ss_shifts in_force;
    assert_true(util_temp_dir(dir));
    snprintf(path, sizeof path, "%s/a.json", dir);
    open_net(&x, resnet, 16, 1);
    ss_correction *c = correction(&x, 0);
    ss_thresholds_uniform(x.g, 0.4f);
    requantise(&x);
    ss_profile *plain = profile(&x, path, 3);
    ss_design *without = design(&x, plain, path, 1);
    assert_int_equal(ss_thresholds_save(x.g, path), SS_OK);
    assert_int_equal(version_of(&x, path), 1);
    assert_true(ss_shifts_none(&plain->shifts) && ss_shifts_none(&without->shifts));

    assert_int_equal(ss_correction_put(c, false), SS_OK);
    ss_profile *p = profile(&x, path, 4);
    ss_design *d = design(&x, p, path, 2);
    assert_int_equal(ss_graph_shifts(x.g, x.g->arena, &in_force), SS_OK);
    assert_true(!ss_shifts_none(&in_force) && ss_shifts_equal(&in_force, &p->shifts) && ss_shifts_equal(&in_force, &d->shifts));
    assert_false(ss_design_fits_profile(d, plain) || ss_design_fits_profile(without, p));
    set_version(&x, path, 1);
    ss_design *old;
    assert_int_equal(ss_design_load(x.ctx, x.g, path, &old), SS_OK);
    assert_true(ss_shifts_equal(&old->shifts, &in_force));

    assert_int_equal(ss_thresholds_save(x.g, path), SS_OK);
    assert_int_equal(version_of(&x, path), 2);
    set_version(&x, path, 1);
    assert_int_equal(ss_correction_clear(c), SS_OK);
    assert_int_equal(ss_thresholds_load(x.g, path), SS_OK);
    ss_shifts read;
    assert_int_equal(ss_graph_shifts(x.g, x.g->arena, &read), SS_OK);
    assert_true(ss_shifts_equal(&read, &in_force));
    ss_design_free(old);
    ss_design_free(d);
    ss_design_free(without);
    ss_profile_free(p);
    ss_profile_free(plain);
    ss_correction_free(c);
    util_net_close(&x);
    util_remove_dir(dir);
}

/* Channels in another order: the same biases in other places, to the bit. */
static void dealt_channels_have_the_same_biases(void **state) {
    (void)state;
    util_net x, y;
    float a[IMAGES][CLASSES], b[IMAGES][CLASSES];
    open_net(&x, resnet, 16, 1);
    open_net(&y, resnet, 16, 1);
    ss_arena *arena = ss_arena_new(y.ctx);
    ss_wires wires;
    ss_orders o;
    assert_int_equal(ss_wires_find(y.g, arena, &wires), SS_OK);
    int32_t *to = calloc((size_t)wires.n, sizeof *to);
    for (int32_t g = 0; g < wires.n_groups; g++) { /* each group backwards */
        int32_t lo = 0, hi = wires.n - 1;
        for (;; lo++, hi--) {
            while (lo < wires.n && wires.group[lo] != g) lo++;
            while (hi >= 0 && wires.group[hi] != g) hi--;
            if (lo >= wires.n || hi < 0) break;
            to[lo] = hi;
        }
    }
    assert_int_equal(ss_wires_orders(y.g, &wires, to, arena, &o), SS_OK);
    assert_int_equal(ss_graph_deal(y.g, &o), SS_OK);
    assert_false(ss_orders_none(&o));
    ss_engine_free(y.e);
    ss_quant_free(y.q);
    assert_int_equal(ss_quantise(y.ctx, y.g, y.calib, 16, &y.q), SS_OK);
    assert_int_equal(ss_engine_new(y.ctx, y.g, y.q, SS_ISA_AUTO, &y.e), SS_OK);
    util_net *both[] = { &x, &y };
    for (int k = 0; k < 2; k++) {
        ss_correction *c = correction(both[k], 0);
        ss_thresholds_uniform(both[k]->g, 0.4f);
        requantise(both[k]);
        assert_int_equal(ss_correction_put(c, false), SS_OK);
        ss_correction_free(c);
    }
    for (int32_t i = 0; i < x.g->n; i++)
        for (int32_t f = 0; f < x.g->nodes[i].shape.c; f++)
            assert_true(shift_of(&y.g->nodes[i], f) == shift_of(&x.g->nodes[i], ss_order_at(y.g->nodes[i].order, f)));
    assert_int_equal(ss_engine_run(x.ctx, x.e, x.d, &x.norm, NULL, a[0]), SS_OK);
    assert_int_equal(ss_engine_run(y.ctx, y.e, y.d, &y.norm, NULL, b[0]), SS_OK);
    assert_memory_equal(a, b, sizeof a);
    free(to);
    ss_arena_free(arena);
    util_net_close(&x);
    util_net_close(&y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_pass_is_the_plain_way),
        cmocka_unit_test(any_kept_state_will_do),
        cmocka_unit_test(biases_change_alone),
        cmocka_unit_test(files_carry_biases),
        cmocka_unit_test(profiles_and_designs_carry_biases),
        cmocka_unit_test(dealt_channels_have_the_same_biases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
