/* quant: the rounding, ranges, weights, accumulator widths on adversarial inputs, extreme networks, thresholds, files. */
#include "quant/calib.h"
#include "util_infer.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- the rounding ---- */

static void requantise_rounds_half_up(void **state) {
    (void)state;
    /* acc / 4: 0.5 goes up, -0.5 goes up to 0 */
    static const int64_t acc[] = { 0, 1, 2, 3, 5, 6, -1, -2, -3, -5, -6, -7 };
    static const int32_t want[] = { 0, 0, 1, 1, 1, 2, 0, 0, -1, -1, -1, -2 };
    for (int i = 0; i < 12; i++) assert_int_equal(ss_requantise(acc[i], 0, 1, 2, -128, 127), want[i]);
}

static void requantise_saturates_and_drops(void **state) {
    (void)state;
    assert_int_equal(ss_requantise(1000, 0, 1, 1, -128, 127), 127);
    assert_int_equal(ss_requantise(-1000, 0, 1, 1, -128, 127), -128);
    assert_int_equal(ss_requantise(-1000, 0, 1, 1, 0, 127), 0);
    assert_int_equal(ss_requantise(7, 2, 2, 1, -128, 127), 1);   /* 7 >> 2 = 1 */
    assert_int_equal(ss_requantise(-7, 2, 2, 1, -128, 127), -2); /* rounds down */
}

/* Against exact division in 128 bits, over the whole legal range of its arguments. */
static void requantise_is_exact(void **state) {
    (void)state;
    util_rng r = { 1 };
    for (int i = 0; i < 200000; i++) {
        const int pre = util_rng_int(&r, 0, 21), shift = util_rng_int(&r, 1, 45);
        const int32_t mult = util_rng_int(&r, 0, (1 << 17) - 1);
        int64_t acc = (int64_t)(util_rng_next(&r) >> 1) >> util_rng_int(&r, 37 - pre, 62);
        if (util_rng_int(&r, 0, 1)) acc = -acc - 1;
        __int128 v = (__int128)(acc >> pre) * mult * 2 + ((__int128)1 << shift);
        const __int128 unit = (__int128)2 << shift;
        v = v / unit - (v % unit != 0 && v < 0);
        const int32_t want = v < -32768 ? -32768 : v > 32767 ? 32767 : (int32_t)v;
        assert_int_equal(ss_requantise(acc, pre, mult, shift, -32768, 32767), want);
    }
}

static void widths(void **state) {
    (void)state;
    assert_int_equal(ss_bits_for(0, 0), 1);
    assert_int_equal(ss_bits_for(-1, 0), 1);
    assert_int_equal(ss_bits_for(0, 1), 2);
    assert_int_equal(ss_bits_for(-128, 127), 8);
    assert_int_equal(ss_bits_for(-129, 0), 9);
    assert_int_equal(ss_bits_for(0, 128), 9);
    assert_int_equal(ss_bits_for(INT64_MIN, INT64_MAX), 64);
}

/* ---- ranges ---- */

static void ranges_do_not_depend_on_order(void **state) {
    (void)state;
    util_rng r = { 2 };
    float x[4096];
    for (int i = 0; i < 4096; i++) x[i] = i % 5 ? ldexpf(util_rng_float(&r, -1, 1), util_rng_int(&r, -20, 20)) : 0.0f;
    ss_range *all = calloc(4, sizeof *all), *a = all + 1, *b = all + 2, *other = all + 3;
    for (int i = 0; i < 4; i++) ss_range_init(&all[i]);
    ss_range_add(all, x, 1024, 4, 4);
    for (int i = 1023; i >= 0; i--) ss_range_add(i % 3 ? a : b, x + 4 * i, 1, 4, 4);
    ss_range_merge(other, b);
    ss_range_merge(other, a);
    assert_memory_equal(all, other, sizeof *all);
    uint64_t sum = all->zeros;
    for (int i = 0; i < SS_CALIB_BINS; i++) sum += all->bins[i];
    assert_int_equal(sum, 4096);
    assert_true(ldexp(SS_CALIB_BINS, all->exponent) > (double)ss_range_absmax(all));
    assert_true(ldexp(SS_CALIB_BINS, all->exponent - 1) <= (double)ss_range_absmax(all));
    free(all);
}

static void ranges_survive_what_is_not_a_number(void **state) {
    (void)state;
    const float x[8] = { NAN, INFINITY, -INFINITY, 1.0f, -2.0f, 0.0f, FLT_MAX, FLT_MIN };
    ss_range *r = calloc(1, sizeof *r);
    ss_range_init(r);
    ss_range_add(r, x, 2, 3, 4); /* the fourth of each pixel is padding */
    assert_int_equal(r->count, 6);
    assert_int_equal(r->bad, 3);
    assert_int_equal(r->zeros, 1);
    assert_true(r->max == FLT_MAX && r->min == -2.0f);
    free(r);
}

static void range_error_is_rounding_plus_saturation(void **state) {
    (void)state;
    util_rng rng = { 3 };
    float *x = calloc(100000, sizeof *x);
    ss_range *r = calloc(1, sizeof *r);
    ss_range_init(r);
    for (int i = 0; i < 100000; i++) x[i] = util_rng_normal(&rng);
    ss_range_add(r, x, 100000, 1, 1);
    for (int frac = 3; frac <= 7; frac++) {
        double want = 0;
        for (int i = 0; i < 100000; i++) {
            const double v = fabs((double)x[i]), e = v - fmin(floor(ldexp(v, frac) + 0.5), 127) * ldexp(1, -frac);
            want += e * e / 100000;
        }
        assert_true(fabs(ss_range_error(r, frac, 127) - want) < 0.02 * want);
    }
    free(x);
    free(r);
}

/* ---- networks ---- */

static ss_ctx *new_ctx(void) {
    ss_ctx *ctx = ss_ctx_new();
    assert_non_null(ctx);
    ss_ctx_set_threads(ctx, 2);
    return ctx;
}

/* Weights and bias come back from the integers: output = acc * mult * 2^-shift * 2^-pre, in units of 2^-frac. */
static void check_conv(const ss_graph *g, const ss_quant *q, int32_t i) {
    const ss_node *n = &g->nodes[i];
    const ss_qnode *qn = &q->nodes[i];
    const int64_t each = ss_node_weight_count(g, n) / n->shape.c;
    const int in_frac = q->nodes[n->in[0]].frac;
    for (int32_t f = 0; f < n->shape.c; f++) {
        assert_true(qn->mult[f] >= 1 << 16 && qn->mult[f] < 1 << 17);
        assert_true(qn->shift[f] >= 1);
        const double unit = ldexp(qn->mult[f], -qn->shift[f] + in_frac - qn->frac - qn->pre); /* of a weight */
        double most = 0, error = 0;
        for (int64_t k = 0; k < each; k++) {
            const double w = (double)n->weights[f * each + k];
            most = fmax(most, fabs(w));
            error = fmax(error, fabs(qn->weights[f * each + k] * unit - w));
        }
        assert_true(error <= (q->bits == 16 ? 0.5001 * unit : 0.45 * most));
        const double bias = n->bias ? (double)n->bias[f] : 0;
        assert_true(fabs(ldexp((double)qn->bias[f] * unit, -in_frac) - bias) <= ldexp(unit, -in_frac) + 1e-5 * fabs(bias));
    }
    assert_true(qn->acc_bits - qn->pre <= 27);
}

static void weights_come_back(void **state) {
    (void)state;
    ss_ctx *ctx = new_ctx();
    ss_graph *g = util_small_resnet(ctx, 7);
    ss_dataset *d = util_dataset(ctx, g->nodes[0].shape, 10, 8, 8);
    for (int bits = 8; bits <= 16; bits += 8) {
        ss_quant *q = util_infer_quantise(ctx, g, d, bits);
        assert_non_null(q);
        for (int32_t i = 0; i < g->n; i++) {
            const ss_qnode *qn = &q->nodes[i];
            assert_int_equal(qn->hi, (1 << (bits - 1)) - 1);
            if (g->nodes[i].act.on) assert_int_equal(qn->lo, 0);
            assert_true(qn->lo == 0 || qn->lo == -qn->hi - 1);
            if (g->nodes[i].op == SS_OP_CONV) check_conv(g, q, i);
        }
        ss_quant_free(q);
    }
    ss_dataset_free(d);
    ss_graph_free(g);
    ss_ctx_free(ctx);
}

/* Inputs at the ends of the range, each with the sign that drives the sum to one side: stays within the width of the
 * filter, in any order of summation; and one bit less would not hold it. */
static void check_width(const ss_qnode *qn, const ss_qnode *in, int64_t each, int32_t f) {
    __int128 most = 0, least = 0;
    for (int64_t k = 0; k < each; k++) {
        const __int128 a = (__int128)qn->weights[f * each + k] * in->lo, b = (__int128)qn->weights[f * each + k] * in->hi;
        most += a > b ? a : b;
        least += a < b ? a : b;
    }
    const __int128 bias = qn->bias[f], limit = (__int128)1 << (qn->filter_acc_bits[f] - 1);
    const __int128 top = bias > 0 ? most + bias : most, bottom = bias < 0 ? least + bias : least;
    assert_true(top < limit && bottom >= -limit);
    assert_true(qn->filter_acc_bits[f] == 1 || top >= limit / 2 || bottom < -limit / 2);
    assert_true(qn->filter_acc_bits[f] <= qn->acc_bits);
    assert_true((top >> qn->pre) < (__int128)1 << 26 && (bottom >> qn->pre) >= -((__int128)1 << 26));
}

static void accumulators_hold_adversarial_inputs(void **state) {
    (void)state;
    ss_ctx *ctx = new_ctx();
    for (uint32_t seed = 0; seed < 4; seed++) {
        ss_graph *g = seed % 2 ? util_small_resnet(ctx, seed) : util_zoo(ctx, false, seed);
        ss_dataset *d = util_dataset(ctx, g->nodes[0].shape, 7, 4, seed);
        ss_quant *q = util_infer_quantise(ctx, g, d, seed < 2 ? 8 : 16);
        int32_t convs = 0;
        for (int32_t i = 0; i < g->n; i++) {
            const ss_node *n = &g->nodes[i];
            if (n->op != SS_OP_CONV) continue;
            for (int32_t f = 0; f < n->shape.c; f++)
                check_width(&q->nodes[i], &q->nodes[n->in[0]], ss_node_weight_count(g, n) / n->shape.c, f);
            convs++;
        }
        assert_true(convs > 3);
        ss_quant_free(q);
        ss_dataset_free(d);
        ss_graph_free(g);
    }
    ss_ctx_free(ctx);
}

/* ---- extremes ---- */

/* Run g's integers against its float: the largest difference, in units of the float output's largest value. */
static double relative_error(ss_ctx *ctx, const ss_graph *g, const ss_dataset *d, int bits) {
    const int64_t n = d->n * ss_shape_size(g->nodes[g->output].shape);
    const ss_norm norm = util_infer_norm(d->shape.c);
    float *real = calloc((size_t)n, sizeof *real), *got = calloc((size_t)n, sizeof *got);
    ss_quant *q = util_infer_quantise(ctx, g, d, bits);
    if (!q) util_print_diags(ctx);
    assert_non_null(q);
    for (int integers = 0; integers < 2; integers++) {
        ss_engine *e;
        assert_int_equal(ss_engine_new(ctx, g, integers ? q : NULL, SS_ISA_AUTO, &e), SS_OK);
        assert_int_equal(ss_engine_run(ctx, e, d, &norm, NULL, integers ? got : real), SS_OK);
        ss_engine_free(e);
    }
    double error = 0, most = 0;
    for (int64_t i = 0; i < n; i++) {
        error = fmax(error, fabs((double)real[i] - (double)got[i]));
        most = fmax(most, fabs((double)real[i]));
    }
    free(real);
    free(got);
    ss_quant_free(q);
    return most > 0 ? error / most : error;
}

/* A convolution 3x3 to 4 filters whose weights are scaled by 2^scale (filter 0 by 2^-20 more), and bias. */
static double one_conv_error(int scale, float bias, bool relu, int bits) {
    ss_ctx *ctx = new_ctx();
    ss_graph *g = util_one_conv(ctx, 3, 6, 6, (util_conv_spec){ .f = 4, .kh = 3, .bias = true }, relu, 5);
    assert_non_null(g);
    float w[4 * 27], b[4] = { bias, -bias, bias, 0 };
    for (int i = 0; i < 4 * 27; i++) w[i] = ldexpf(g->nodes[1].weights[i], i < 27 ? scale - 20 : scale);
    g->nodes[1].weights = w;
    g->nodes[1].bias = b;
    ss_dataset *d = util_dataset(ctx, g->nodes[0].shape, 7, 16, 9);
    const double error = relative_error(ctx, g, d, bits);
    ss_dataset_free(d);
    ss_graph_free(g);
    ss_ctx_free(ctx);
    return error;
}

static void tiny_and_huge_weights(void **state) {
    (void)state;
    static const int scales[] = { 0, -60, -100, 40, 90 };
    for (int i = 0; i < 5; i++) {
        assert_true(one_conv_error(scales[i], 0, false, 16) < 0.001);
        assert_true(one_conv_error(scales[i], 0, true, 16) < 0.001);
        assert_true(one_conv_error(scales[i], 0, false, 8) < 0.05);
    }
    assert_true(one_conv_error(-40, 3, false, 16) < 0.001); /* the bias is all there is */
    assert_true(one_conv_error(-100, 1e4f, true, 16) < 0.001);
    assert_true(one_conv_error(0, 1e4f, false, 16) < 0.001);
    assert_true(one_conv_error(0, 1e-30f, false, 16) < 0.001);
}

/* Filters without weights, and tensors that are always zero. */
static void zero_filters_and_tensors(void **state) {
    (void)state;
    ss_ctx *ctx = new_ctx();
    ss_graph *g = util_small_resnet(ctx, 3);
    const int32_t b = ss_graph_find(g, "b1_conv1"), c = ss_graph_find(g, "b2_conv2"), s = ss_graph_find(g, "stem");
    float *zeros = calloc(16 * 16 * 9, sizeof *zeros);
    float *stem = calloc(8 * 27, sizeof *stem);
    memcpy(stem + 27, g->nodes[s].weights + 27, 7 * 27 * sizeof *stem);
    g->nodes[s].weights = stem;                        /* filter 0 has its bias alone */
    g->nodes[b].weights = g->nodes[b].bias = zeros;    /* a tensor of zeros into a convolution */
    g->nodes[c].weights = g->nodes[c].bias = zeros;    /* a tensor of zeros into an add */
    ss_dataset *d = util_dataset(ctx, g->nodes[0].shape, 7, 16, 9);
    assert_true(relative_error(ctx, g, d, 16) < 0.002);
    assert_true(relative_error(ctx, g, d, 8) < 0.15);
    ss_quant *q = util_infer_quantise(ctx, g, d, 8);
    assert_true(fabs(ldexp(ss_requantise(q->nodes[s].bias[0], q->nodes[s].pre, q->nodes[s].mult[0], q->nodes[s].shift[0],
                                         -128, 127), -q->nodes[s].frac) - (double)g->nodes[s].bias[0]) <=
                ldexp(0.51, -q->nodes[s].frac));
    ss_quant_free(q);
    ss_dataset_free(d);
    ss_graph_free(g);
    free(zeros);
    free(stem);
    ss_ctx_free(ctx);
}

/* x + (-x): an add whose output is always zero. */
static void cancelling_add(void **state) {
    (void)state;
    ss_ctx *ctx = new_ctx();
    ss_graph *g = util_small_resnet(ctx, 4);
    const int32_t a = ss_graph_find(g, "b2_conv2"), b = ss_graph_find(g, "b2_shortcut");
    float *zeros = calloc(16 * 16 * 9, sizeof *zeros), plus[16], minus[16];
    for (int i = 0; i < 16; i++) minus[i] = -(plus[i] = 1.0f + (float)i);
    g->nodes[a].weights = g->nodes[b].weights = zeros;
    g->nodes[a].bias = plus;
    g->nodes[b].bias = minus;
    ss_dataset *d = util_dataset(ctx, g->nodes[0].shape, 7, 4, 9);
    assert_true(relative_error(ctx, g, d, 16) < 0.001);
    assert_true(relative_error(ctx, g, d, 8) < 0.05);
    ss_dataset_free(d);
    ss_graph_free(g);
    free(zeros);
    ss_ctx_free(ctx);
}

static void all_bad_nodes_are_named(void **state) {
    (void)state;
    ss_ctx *ctx = new_ctx();
    ss_graph *g = util_chain(ctx, 3, 5);
    ss_dataset *d = util_dataset(ctx, g->nodes[0].shape, 7, 2, 9);
    const ss_norm norm = util_infer_norm(3);
    ss_calib *c;
    ss_quant *q;
    float bad[20];
    for (int i = 0; i < 20; i++) bad[i] = NAN; /* a ReLU hides it from the ranges */
    const int32_t one = ss_graph_find(g, "conv1"), three = ss_graph_find(g, "conv3");
    g->nodes[one].bias = g->nodes[three].bias = bad;
    assert_int_equal(ss_calibrate(ctx, g, d, &norm, &c), SS_OK);
    assert_int_equal(ss_quantise(ctx, g, c, 8, &q), SS_BAD);
    assert_null(q);
    assert_true(util_has_error(ctx, "conv1") && util_has_error(ctx, "conv3") && util_has_error(ctx, "not finite"));
    ss_calib_free(c);
    ss_diag_clear(ctx);
    for (int i = 0; i < 20; i++) bad[i] = INFINITY;
    assert_int_equal(ss_calibrate(ctx, g, d, &norm, &c), SS_BAD);
    assert_true(util_has_error(ctx, "conv1") && util_has_error(ctx, "fc") && util_has_error(ctx, "not finite"));
    ss_dataset_free(d);
    ss_graph_free(g);
    ss_ctx_free(ctx);
}

/* ---- thresholds ---- */

static void thresholds_are_exact(void **state) {
    (void)state;
    ss_ctx *ctx = new_ctx();
    ss_graph *g = util_zoo(ctx, false, 6);
    ss_dataset *d = util_dataset(ctx, g->nodes[0].shape, 7, 8, 9);
    util_rng r = { 4 };
    for (int bits = 8; bits <= 16; bits += 8) {
        ss_quant *q = util_infer_quantise(ctx, g, d, bits);
        const int32_t i = ss_graph_find_act(g, "sum_relu"), per_channel = ss_graph_find_act(g, "c_relu");
        const ss_qnode *qn = &q->nodes[i];
        assert_int_equal(q->nodes[per_channel].n_thr, 6);
        assert_int_equal(qn->n_thr, 1);
        assert_int_equal(qn->ceiling, (int32_t)fmin(ldexp(1.5, qn->frac), qn->hi));
        for (int k = 0; k < 200; k++) {
            const float t = k == 0 ? 0 : k == 1 ? 1e30f : ldexpf((float)util_rng_int(&r, 0, 2 * qn->hi), -qn->frac - k % 2);
            g->nodes[i].act.threshold = t;
            assert_int_equal(ss_quant_set_thresholds(q, g), SS_OK);
            for (int32_t y = qn->thr[0] - 2; y <= qn->thr[0] + 2; y++)
                if (y <= qn->hi && y >= 0) assert_true((y > qn->thr[0]) == (ldexp(y, -qn->frac) > (double)t));
            assert_true(qn->thr[0] <= qn->hi);
        }
        g->nodes[i].act.threshold = NAN;
        assert_int_equal(ss_quant_set_thresholds(q, g), SS_BAD);
        assert_true(util_has_error(ctx, "sum_relu"));
        ss_diag_clear(ctx);
        g->nodes[i].act.threshold = 0;
        ss_quant_free(q);
    }
    ss_dataset_free(d);
    ss_graph_free(g);
    ss_ctx_free(ctx);
}

/* ---- files ---- */

static void expect_refused(ss_ctx *ctx, const ss_graph *g, const char *path, const char *message) {
    ss_calib *c;
    ss_diag_clear(ctx);
    assert_int_equal(ss_calib_load(ctx, g, path, &c), SS_BAD);
    assert_null(c);
    if (!util_has_error(ctx, message)) util_print_diags(ctx);
    assert_true(util_has_error(ctx, message));
}

static void same_integers(const ss_graph *g, const ss_quant *a, const ss_quant *b) {
    for (int32_t i = 0; i < g->n; i++) {
        assert_int_equal(a->nodes[i].frac, b->nodes[i].frac);
        assert_int_equal(a->nodes[i].acc_bits, b->nodes[i].acc_bits);
        if (g->nodes[i].op == SS_OP_CONV)
            assert_memory_equal(a->nodes[i].weights, b->nodes[i].weights,
                                (size_t)ss_node_weight_count(g, &g->nodes[i]) * sizeof(int16_t));
    }
}

/* Replace the first `from` in the file by `to`. */
static void edit(const char *path, const char *from, const char *to) {
    char *text = calloc(1, 1 << 20);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    char *at = strstr(text, from);
    assert_non_null(at);
    f = fopen(path, "wb");
    fwrite(text, 1, (size_t)(at - text), f);
    fprintf(f, "%s%s", to, at + strlen(from));
    fclose(f);
    free(text);
}

static void calibration_reads_back(void **state) {
    (void)state;
    ss_ctx *ctx = new_ctx();
    char dir[256], path[300];
    assert_true(util_temp_dir(dir));
    snprintf(path, sizeof path, "%s/c.json", dir);
    ss_graph *g = util_chain(ctx, 2, 5), *other = util_chain(ctx, 2, 6);
    ss_dataset *d = util_dataset(ctx, g->nodes[0].shape, 7, 5, 9);
    const ss_norm norm = util_infer_norm(3);
    ss_calib *c, *again;
    assert_int_equal(ss_calibrate(ctx, g, d, &norm, &c), SS_OK);
    assert_int_equal(ss_calib_save(c, path), SS_OK);
    assert_int_equal(ss_calib_obtain(ctx, g, path, d, &norm, &again), SS_OK);
    assert_memory_equal(c->ranges, again->ranges, (size_t)c->n * sizeof *c->ranges);
    assert_int_equal(again->images, 5);
    ss_quant *p, *q;
    assert_int_equal(ss_quantise(ctx, g, c, 8, &p), SS_OK);
    assert_int_equal(ss_quantise(ctx, g, again, 8, &q), SS_OK);
    same_integers(g, p, q);
    ss_quant_free(q);
    assert_int_equal(ss_quantise(ctx, other, c, 8, &q), SS_BAD);
    expect_refused(ctx, other, path, "another model");
    edit(path, "\"zeros\": ", "\"zeros\": 1");
    expect_refused(ctx, g, path, "add up");
    edit(path, "\"conv1\"", "\"conv7\"");
    expect_refused(ctx, g, path, "conv1");
    edit(path, "\"exponent\": -", "\"exponent\": -99");
    expect_refused(ctx, g, path, "exponent");
    edit(path, "\"version\": 1", "\"version\": 2");
    expect_refused(ctx, g, path, "version 2");
    edit(path, "{", "");
    expect_refused(ctx, g, path, "JSON");
    ss_quant_free(p);
    ss_calib_free(c);
    ss_calib_free(again);
    ss_dataset_free(d);
    ss_graph_free(g);
    ss_graph_free(other);
    util_remove_dir(dir);
    ss_ctx_free(ctx);
}

/* The same ranges from one thread and from several, saved byte for byte alike. */
static void calibration_is_deterministic(void **state) {
    (void)state;
    ss_ctx *ctx = new_ctx();
    ss_graph *g = util_small_resnet(ctx, 5);
    ss_dataset *d = util_dataset(ctx, g->nodes[0].shape, 7, 9, 9);
    const ss_norm norm = util_infer_norm(3);
    ss_calib *a, *b;
    ss_ctx_set_threads(ctx, 1);
    assert_int_equal(ss_calibrate(ctx, g, d, &norm, &a), SS_OK);
    ss_ctx_set_threads(ctx, 3);
    assert_int_equal(ss_calibrate(ctx, g, d, &norm, &b), SS_OK);
    assert_memory_equal(a->ranges, b->ranges, (size_t)a->n * sizeof *a->ranges);
    ss_calib_free(a);
    ss_calib_free(b);
    ss_dataset_free(d);
    ss_graph_free(g);
    ss_ctx_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requantise_rounds_half_up),
        cmocka_unit_test(requantise_saturates_and_drops),
        cmocka_unit_test(requantise_is_exact),
        cmocka_unit_test(widths),
        cmocka_unit_test(ranges_do_not_depend_on_order),
        cmocka_unit_test(ranges_survive_what_is_not_a_number),
        cmocka_unit_test(range_error_is_rounding_plus_saturation),
        cmocka_unit_test(weights_come_back),
        cmocka_unit_test(accumulators_hold_adversarial_inputs),
        cmocka_unit_test(tiny_and_huge_weights),
        cmocka_unit_test(zero_filters_and_tensors),
        cmocka_unit_test(cancelling_add),
        cmocka_unit_test(all_bad_nodes_are_named),
        cmocka_unit_test(thresholds_are_exact),
        cmocka_unit_test(calibration_reads_back),
        cmocka_unit_test(calibration_is_deterministic),
    };
    return cmocka_run_group_tests_name("quant", tests, NULL, NULL);
}
