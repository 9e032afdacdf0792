/* The cost model: latency against a pixel-by-pixel run, what crosses a partition's border, seconds of a batch. */
#include "util_cost.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MANY 20000
static ss_config list[MANY];
static const util_conv_spec same3x3 = { .f = 12, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1, .bias = true };

/* ---- latency ---- */

/* A node that takes `cycles` an image, run pixel by pixel: output p waits for its window's last input pixel. Of `engines` each takes
 * so many times as long for the pixels that are its turn. */
static void run_pixels(const ss_graph *g, int32_t i, double cycles, int64_t engines, double *const *in, double *out) {
    const ss_node *n = &g->nodes[i];
    ss_shape s = ss_graph_in_shape(g, n), o = n->shape;
    bool conv = n->op == SS_OP_CONV, pool = n->op == SS_OP_MAXPOOL || n->op == SS_OP_AVGPOOL;
    double taken = 0, done = 0, free[SS_MOST_PIXELS] = { 0 };
    for (int32_t p = 0, eaten = 0; p < o.h * o.w; p++) {
        int32_t y = p / o.w, x = p % o.w;
        if (conv || pool) {
            y = y * n->win.sh - n->win.pt + n->win.kh - 1;
            x = x * n->win.sw - n->win.pl + n->win.kw - 1;
            y = y < 0 ? 0 : y >= s.h ? s.h - 1 : y;
            x = x < 0 ? 0 : x >= s.w ? s.w - 1 : x;
        }
        double ready = 0;
        for (; eaten <= y * s.w + x; eaten++) { /* a pool works as its input passes */
            for (int32_t k = 0; k < n->n_in; k++) ready = fmax(ready, in[k][eaten]);
            if (!conv) taken = fmax(taken + cycles / (s.h * s.w), ready);
        }
        if (conv) {
            for (int32_t k = 0; k < n->n_in; k++) ready = fmax(ready, in[k][y * s.w + x]);
            double *own = &free[p % engines];
            *own = fmax(*own, ready) + (double)engines * cycles / (o.h * o.w);
            done = fmax(done, *own);
        } else {
            done = taken;
        }
        out[p] = done;
    }
}

static double pixel_latency(const util_cost *b, const ss_config *cfg) {
    static double time[64][32 * 32];
    double latest = 0;
    for (int32_t i = 0; i < b->g->n; i++) {
        const ss_node *n = &b->g->nodes[i];
        int32_t pixels = n->shape.h * n->shape.w;
        double *in[SS_MAX_INPUTS];
        for (int32_t k = 0; k < n->n_in; k++) in[k] = time[n->in[k]];
        if (n->op == SS_OP_INPUT)
            for (int32_t p = 0; p < pixels; p++) time[i][p] = cfg[i].cycles * (p + 1) / pixels;
        else run_pixels(b->g, i, cfg[i].cycles, ss_pixels(&cfg[i]), in, time[i]);
        latest = fmax(latest, time[i][pixels - 1]);
    }
    return latest;
}

/* Random configurations (a fast node behind a slow one and the other way round): nine of ten within 3 %, all within
 * 10 %. The pixel run knows neither that words of a pixel overlap, nor of less work at borders, nor of pipeline depths,
 * which are some cycles a node. */
static void latency_follows_the_pixels(void **state) {
    (void)state;
    util_rng rng = { 21 };
    int close = 0;
    for (int net = 0; net < 3; net++) {
        ss_ctx *ctx = ss_ctx_new();
        ss_graph *g = net == 0 ? util_small_resnet(ctx, 3) : util_chain(ctx, net == 1 ? 3 : 6, 9);
        util_cost b = util_cost_new(ctx, g, 0.5, 16, 0);
        ss_config cfg[64];
        for (int trial = 0; trial < 200; trial++) {
            for (int32_t i = 0; i < b.g->n; i++) {
                int n = ss_cost_configs(b.c, i, trial % 2 ? 20000 : 1e12, list, MANY);
                cfg[i] = list[util_rng_int(&rng, 0, n - 1)];
            }
            double got = ss_cost_latency(b.c, 0, b.g->n - 1, cfg), want = pixel_latency(&b, cfg);
            close += fabs(got - want) <= 0.03 * want + 25.0 * b.g->n;
            if (fabs(got - want) > 0.1 * want + 25.0 * b.g->n)
                fail_msg("network %d, trial %d: %.0f cycles, pixel by pixel %.0f", net, trial, got, want);
        }
        util_cost_free(&b);
    }
    assert_true(close >= 540); /* of 600 */
}

/* The reference tool counts the fill of a fully connected layer twice. Here: it works once, from the first word of its
 * input on. */
static void fully_connected_fill_is_counted_once(void **state) {
    (void)state;
    util_cost b = util_cost_one(256, 1, 1, (util_conv_spec){ .f = 100, .kh = 1, .fc = true }, -1);
    ss_config cfg[8];
    int32_t conv = ss_graph_find(b.g, "conv");
    assert_int_equal(b.g->n, 2);
    assert_int_equal(ss_cost_configs(b.c, 0, 25600, cfg, 1), 1);
    cfg[conv] = util_cost_folding(SS_ENGINE_DENSE, 1, 1, 1, SS_MEM_BRAM);
    assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 25600, &cfg[conv]), SS_OK);
    double latency = ss_cost_latency(b.c, 0, 1, cfg);
    assert_true(latency >= 25600 && latency < 25600 + 256);
    util_cost_free(&b);
}

/* ---- borders of partitions ---- */

static void bits_across_a_border(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    util_cost b = util_cost_new(ctx, util_small_resnet(ctx, 3), 0.5, 16, 0);
    int32_t last = b.g->n - 1, add = -1;
    for (int32_t i = last; i >= 0; i--)
        if (b.g->nodes[i].op == SS_OP_ADD) add = i; /* the first block's */
    int64_t cut = ss_shape_size(b.g->nodes[add].shape) * 16;
    assert_int_equal(ss_cost_io_bits(b.c, 0, last), (3 * 16 * 16 + 10) * 16);
    assert_int_equal(ss_cost_io_bits(b.c, 0, add), 3 * 16 * 16 * 16 + cut);
    assert_int_equal(ss_cost_io_bits(b.c, add + 1, last), cut + 10 * 16); /* read twice, moved once */
    util_cost_free(&b);
}

static void seconds_of_a_batch(void **state) {
    (void)state;
    util_cost b = util_cost_one(4, 8, 8, same3x3, -1);
    double clock = b.dev.clock_hz;
    double s = ss_cost_partition_seconds(b.c, 1000, 5000, 0, 256, false);
    assert_true(fabs(s - (255 * 1000 + 5000) / clock) < 1e-12); /* first image after 5000, 255 more follow */
    s = ss_cost_partition_seconds(b.c, 1000, 10, 0, 1, false);
    assert_true(fabs(s - 1000 / clock) < 1e-12);
    double loaded = ss_cost_partition_seconds(b.c, 1000, 1000, 6400000, 1, true);
    assert_true(fabs(loaded - (1000 + 100000) / clock - b.dev.reconfiguration_s) < 1e-12);
    assert_true(ss_cost_partition_overhead(b.c).r[SS_LUT] > 0);
    util_cost_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latency_follows_the_pixels),
        cmocka_unit_test(fully_connected_fill_is_counted_once),
        cmocka_unit_test(bits_across_a_border),
        cmocka_unit_test(seconds_of_a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
