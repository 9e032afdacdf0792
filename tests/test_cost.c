/* The cost model on whole nodes and networks: cycles against the engine walked step by step, every configuration
 * legal and reproducible. */
#include "util_cost.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MANY 20000
static ss_config list[MANY];

static const util_conv_spec same3x3 = { .f = 12, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1, .bias = true };

/* ---- cycles ---- */

static void dense_cycles_of_maps_that_are_not_square(void **state) {
    (void)state;
    util_cost b = util_cost_one(8, 5, 40, same3x3, -1);
    int32_t conv = ss_graph_find(b.g, "conv");
    /* 9/3 * 8/4 * 12/6 * 5*40 */
    assert_true(util_cost_cycles(&b, conv, util_cost_folding(SS_ENGINE_DENSE, 4, 6, 3, SS_MEM_BRAM)) == 3 * 2 * 2 * 200);
    /* all at once: the window takes 5*40*8 elements through two streams */
    assert_true(util_cost_cycles(&b, conv, util_cost_folding(SS_ENGINE_DENSE, 2, 12, 9, SS_MEM_LUT)) == 800);
    util_cost_free(&b);
}

static void strided_windows_take_their_input(void **state) {
    (void)state;
    util_cost b = util_cost_one(8, 16, 16, (util_conv_spec){ .f = 4, .kh = 1, .sh = 2, .sw = 2 }, -1);
    int32_t conv = ss_graph_find(b.g, "conv");
    /* the engine needs 8/2 * 4/4 * 64 = 256 cycles, the window 16*16*8/2 = 1024 */
    assert_true(util_cost_cycles(&b, conv, util_cost_folding(SS_ENGINE_DENSE, 2, 4, 1, SS_MEM_LUT)) == 1024);
    assert_true(util_cost_cycles(&b, conv, util_cost_folding(SS_ENGINE_DENSE, 2, 1, 1, SS_MEM_LUT)) == 1024);
    assert_true(util_cost_cycles(&b, conv, util_cost_folding(SS_ENGINE_DENSE, 8, 1, 1, SS_MEM_LUT)) == 256);
    util_cost_free(&b);
}

/* A profile made by hand from counts that the test draws itself, then the engine walked step by step. */
static void crossbar_cycles_equal_the_walk(void **state) {
    (void)state;
    enum { C = 6, PIXELS = 20, IMAGES = 3, K = 9 };
    static int32_t counts[IMAGES * PIXELS][C];
    static double max_hist[4][K + 1], hist[C][K + 1];
    static const int64_t divisors[4] = { 1, 2, 3, 6 };
    util_rng rng = { 11 };
    memset(max_hist, 0, sizeof max_hist);
    for (int i = 0; i < IMAGES * PIXELS; i++)
        for (int c = 0; c < C; c++) counts[i][c] = util_rng_int(&rng, 0, c % 3 ? K : 2);
    for (int d = 0; d < 4; d++)
        for (int i = 0; i < IMAGES * PIXELS; i++)
            for (int64_t s = 0; s < C; s += divisors[d]) {
                int32_t most = 0;
                for (int64_t c = s; c < s + divisors[d]; c++) most = counts[i][c] > most ? counts[i][c] : most;
                max_hist[d][most]++;
            }
    ss_layer_profile layer = { .name = "conv", .channels = C, .k = K, .groups = 1, .windows = IMAGES * PIXELS,
                               .hist = hist[0], .n_ci = 4, .ci = divisors, .max_hist = max_hist[0] };
    ss_profile p = { .layers = &layer, .n_layers = 1, .images = IMAGES, .bits = 16 };
    util_cost b = util_cost_one(C, 4, 5, same3x3, -1);
    ss_cost_free(b.c);
    assert_int_equal(ss_cost_new(b.ctx, b.g, &p, &b.dev, (ss_cost_opts){ .bits = 16, .engines = 0 }, &b.c), SS_OK);
    int32_t conv = ss_graph_find(b.g, "conv");
    for (int d = 0; d < 4; d++)
        for (int32_t m = 1; m < K; m++) {
            int64_t cycles = 0; /* one of 12/2 folds of the filters */
            for (int i = 0; i < IMAGES * PIXELS; i++)
                for (int64_t s = 0; s < C; s += divisors[d]) {
                    int32_t slowest = 1;
                    for (int64_t c = s; c < s + divisors[d]; c++) {
                        int32_t need = (counts[i][c] + m - 1) / m;
                        slowest = need > slowest ? need : slowest;
                    }
                    cycles += slowest;
                }
            double got = util_cost_cycles(&b, conv, util_cost_folding(SS_ENGINE_CROSSBAR, (int32_t)divisors[d], 2, m, SS_MEM_BRAM));
            assert_true(fabs(got - 6.0 * (double)cycles / IMAGES) < 1e-9 * got);
        }
    util_cost_free(&b);
}

/* Zero weights are no zero activations: a network of zero weights on full data takes every cycle. */
static void zero_weights_save_nothing(void **state) {
    (void)state;
    util_cost b = util_cost_one(8, 8, 8, (util_conv_spec){ .f = 8, .kh = 3 }, 0);
    int32_t conv = ss_graph_find(b.g, "conv");
    memset((float *)(uintptr_t)b.g->nodes[conv].weights, 0, 8 * 8 * 9 * sizeof(float));
    for (int32_t m = 1; m <= 9; m++) {
        double want = (double)((9 + m - 1) / m) * (8.0 / 2) * (8.0 / 4) * 36; /* unpadded: 6x6 outputs, 9 non-zeros */
        if (m == 9) want += 6 * (8.0 / 2) * (3 - 2); /* a row's first window takes three columns, others two cycles */
        double intake = 8 * 8 * 8 / 2.0;
        double got = util_cost_cycles(&b, conv, util_cost_folding(SS_ENGINE_CROSSBAR, 2, 4, m, m == 1 ? SS_MEM_LUT : SS_MEM_BRAM));
        assert_true(fabs(got - fmax(want, intake)) < 1e-9 * got);
    }
    util_cost_free(&b);
}

/* ---- configurations ---- */

static bool same_figures(const ss_config *a, const ss_config *b) {
    return a->cycles == b->cycles && a->lanes_in == b->lanes_in && a->lanes_out == b->lanes_out &&
           memcmp(&a->res, &b->res, sizeof a->res) == 0;
}

static void check_config(const util_cost *b, int32_t node, double interval, int bits, const ss_config *cfg) {
    const ss_node *n = &b->g->nodes[node];
    assert_true(cfg->cycles <= interval);
    assert_int_equal(n->shape.c % cfg->lanes_out, 0);
    for (int r = 0; r < SS_RES_COUNT; r++) assert_true(cfg->res.r[r] >= 0);
    if (n->op == SS_OP_CONV) {
        int64_t k = (int64_t)n->win.kh * n->win.kw;
        assert_int_equal(n->groups % cfg->gr, 0);
        assert_int_equal(ss_graph_in_shape(b->g, n).c / n->groups % cfg->ci, 0);
        bool broadcast = cfg->engine == SS_ENGINE_BROADCAST;
        assert_int_equal(n->shape.c / n->groups % (broadcast ? cfg->sums : cfg->co), 0);
        assert_true(!broadcast || (cfg->co % cfg->sums == 0 && cfg->co <= n->shape.c / n->groups));
        assert_true(cfg->gr == 1 || cfg->ci * n->groups == ss_graph_in_shape(b->g, n).c);
        assert_true(cfg->gr == 1 || cfg->co * n->groups == n->shape.c);
        assert_true(cfg->m >= 1 && cfg->m <= k && (cfg->engine != SS_ENGINE_DENSE || k % cfg->m == 0));
        /* one DSP a multiplier, or for two of 8 bits, one a requantise lane */
        bool two = broadcast && bits == 8 && cfg->co % 2 == 0;
        assert_true(ss_pixels(cfg) == 1 || (broadcast && 2 * cfg->pixels <= n->shape.w));
        assert_int_equal(ss_graph_in_shape(b->g, n).c / n->groups % (cfg->ci * ss_pixels(cfg)), 0);
        int64_t multipliers = ss_window_lanes(cfg) * cfg->co * cfg->m;
        assert_int_equal(cfg->res.r[SS_DSP], (two ? multipliers / 2 : multipliers) + cfg->lanes_out);
    }
    ss_config again = *cfg;
    again.cycles = 0, again.lanes_in = again.lanes_out = 0, again.res = (ss_resources){ { 0 } };
    assert_int_equal(ss_cost_eval(b->ctx, b->c, node, interval, &again), SS_OK);
    assert_true(same_figures(cfg, &again));
}

static void check_all(util_cost *b, int bits) {
    static const double intervals[] = { 1e9, 40000, 3000, 700, 256, 64, 1 };
    for (int32_t i = 0; i < b->g->n; i++) {
        int before = MANY;
        for (size_t t = 0; t < sizeof intervals / sizeof intervals[0]; t++) {
            int n = ss_cost_configs(b->c, i, intervals[t], list, MANY);
            assert_true(n <= before);
            assert_int_equal(n, ss_cost_configs(b->c, i, intervals[t], NULL, 0));
            assert_int_equal(n > 0, ss_cost_min_cycles(b->c, i) <= intervals[t]);
            for (int k = 0; k < n; k++) check_config(b, i, intervals[t], bits, &list[k]);
            before = n;
        }
    }
    assert_int_equal(ss_diag_count(b->ctx), 0);
}

static void configurations_are_legal_and_reproducible(void **state) {
    (void)state;
    for (int bits = 8; bits <= 16; bits += 8) {
        ss_ctx *ctx = ss_ctx_new();
        util_cost b = util_cost_new(ctx, util_small_resnet(ctx, 3), 0.5, bits, 0);
        check_all(&b, bits);
        util_cost_free(&b);
    }
    util_conv_spec grouped = { .f = 16, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1, .groups = 4 };
    util_cost b = util_cost_one(8, 6, 9, grouped, 0.5);
    check_all(&b, 16);
    util_cost_free(&b);
}

/* Every folding of one small layer is there, counted independently; weight depths decide which memories. */
static void no_configuration_is_missing(void **state) {
    (void)state;
    enum { F = 10 };
    util_cost b = util_cost_one(4, 8, 8, (util_conv_spec){ .f = F, .kh = 2 }, 0.5);
    int32_t conv = ss_graph_find(b.g, "conv");
    int want = 0;
    for (int32_t ci = 1; ci <= 4; ci *= 2)
        for (int32_t co = 1; co <= F; co++) {
            if (F % co != 0) continue;
            int32_t folds = 4 / ci * (F / co);
            for (int32_t m = 1; m <= 4; m++) {
                int32_t dense_depth = 4 / m * folds, crossbar_depth = m == 1 ? 4 * folds : folds;
                if (4 % m == 0) want += dense_depth > 1 ? 3 : 1; /* one word: constants; else LUT, BRAM, URAM */
                if (m < 4) want += crossbar_depth > 1 ? 3 : 1;
                /* broadcast: a memory a stream, any m; one engine or two, where two have lanes */
                want += (ci < 4 ? 2 : 1) * (ss_ceil_div(4 * (4 / ci), m) * (F / co) > 1 ? 3 : 1);
            }
        }
    want += 2 * 3 * 3; /* one engine or two: three folds of four filters, one or two sums at a time: lists of 16 elements, and two streams' of 8 */
    want += 2 * 3;     /* four folds of three, one sum at a time, in lists of 16 only */
    int n = ss_cost_configs(b.c, conv, 1e12, list, MANY);
    assert_int_equal(n, want);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            assert_false(list[i].engine == list[j].engine && list[i].ci == list[j].ci && list[i].co == list[j].co &&
                         list[i].m == list[j].m && list[i].memory == list[j].memory && list[i].pixels == list[j].pixels);
    util_cost_free(&b);
}

/* Five of twelve filters at a time take three folds, as four do: the same cycles, the lanes of five, sums for twelve. */
static void last_folds_may_have_fewer_filters(void **state) {
    (void)state;
    util_cost b = util_cost_one(64, 8, 8, same3x3, 0.5);
    int32_t conv = ss_graph_find(b.g, "conv");
    ss_config four = util_cost_folding(SS_ENGINE_BROADCAST, 4, 4, 3, SS_MEM_BRAM), five;
    four.sums = 1, four.lists = 2, four.results = 8;
    five = four;
    five.co = 5;
    assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 1e6, &four), SS_OK);
    assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 1e6, &five), SS_OK);
    assert_true(five.cycles == four.cycles);
    assert_int_equal(five.res.r[SS_DSP] - four.res.r[SS_DSP], 4 * 3);
    assert_true(five.res.r[SS_LUT] > four.res.r[SS_LUT]);
    ss_config six = five; /* and six only two */
    six.co = 6;
    assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 1e6, &six), SS_OK);
    assert_true(six.cycles < five.cycles);
    util_cost_free(&b);
}

static void engines_can_be_chosen(void **state) {
    (void)state;
    for (unsigned kind = SS_ENGINE_DENSE; kind <= SS_ENGINE_BROADCAST; kind++) {
        ss_ctx *ctx = ss_ctx_new();
        util_cost b = util_cost_new(ctx, util_chain(ctx, 3, 1), 0.5, 16, 1u << kind);
        for (int32_t i = 0; i < b.g->n; i++) {
            int n = ss_cost_configs(b.c, i, 1e12, list, MANY);
            assert_true(n > 0);
            for (int k = 0; k < n; k++)
                assert_int_equal(list[k].engine, b.g->nodes[i].op == SS_OP_CONV ? kind : (unsigned)SS_ENGINE_NONE);
        }
        util_cost_free(&b);
    }
}

static void cycle_steps_are_what_configurations_reach(void **state) {
    (void)state;
    static double steps[MANY];
    ss_ctx *ctx = ss_ctx_new();
    util_cost b = util_cost_new(ctx, util_small_resnet(ctx, 3), 0.6, 16, 0);
    for (int32_t i = 0; i < b.g->n; i++) {
        int n = ss_cost_cycle_steps(b.c, i, steps, MANY);
        assert_int_equal(n, ss_cost_cycle_steps(b.c, i, NULL, 0));
        assert_true(n > 0 && n < MANY && steps[0] == ss_cost_min_cycles(b.c, i));
        for (int s = 0; s < n; s++) {
            assert_true(s == 0 || steps[s] > steps[s - 1]);
            int count = ss_cost_configs(b.c, i, steps[s], list, MANY);
            assert_true(count > 0);
            double slowest = 0;
            for (int k = 0; k < count; k++) slowest = fmax(slowest, list[k].cycles);
            assert_true(slowest <= steps[s]);
            if (s > 0) { /* nothing changes between two steps */
                double between = steps[s - 1] + 0.99 * (steps[s] - steps[s - 1]);
                assert_int_equal(ss_cost_configs(b.c, i, between, NULL, 0),
                                 ss_cost_configs(b.c, i, steps[s - 1], NULL, 0));
            }
        }
    }
    util_cost_free(&b);
}

/* A faster interval never makes the same folding cheaper. */
static void resources_follow_the_interval(void **state) {
    (void)state;
    util_cost b = util_cost_one(32, 16, 16, (util_conv_spec){ .f = 64, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1 }, 0.5);
    int32_t conv = ss_graph_find(b.g, "conv");
    ss_config before = { .res = { { 0 } } };
    for (double interval = 20000; interval > 1000; interval /= 2) {
        ss_config cfg = util_cost_folding(SS_ENGINE_CROSSBAR, 4, 8, 2, SS_MEM_BRAM);
        assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, interval, &cfg), SS_OK);
        assert_true(cfg.lanes_out >= before.lanes_out && cfg.res.r[SS_DSP] >= before.res.r[SS_DSP]);
        before = cfg;
    }
    assert_true(before.lanes_out > 1);
    util_cost_free(&b);
}

/* More multipliers, more LUTs, at the same streams and memory; with m = K the crossbar is gone. */
static void luts_rise_with_multipliers(void **state) {
    (void)state;
    util_cost b = util_cost_one(64, 16, 16, (util_conv_spec){ .f = 64, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1 }, 0.5);
    int32_t conv = ss_graph_find(b.g, "conv");
    int64_t before = 0, last = 0;
    for (int32_t m = 1; m <= 9; m++) {
        ss_config cfg = util_cost_folding(SS_ENGINE_CROSSBAR, 4, 8, m, SS_MEM_BRAM);
        assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 1e6, &cfg), SS_OK);
        if (m < 9) assert_true(cfg.res.r[SS_LUT] > before);
        last = before;
        before = cfg.res.r[SS_LUT];
    }
    assert_true(before < last);
    util_cost_free(&b);
}

static void weight_memories_by_hand(void **state) {
    (void)state;
    util_cost b = util_cost_one(64, 8, 8, (util_conv_spec){ .f = 128, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1 }, 0.5);
    int32_t conv = ss_graph_find(b.g, "conv");
    static const struct {
        ss_engine_kind engine;
        int32_t ci, co, m;
        int64_t uram;
    } cases[] = {
        { SS_ENGINE_DENSE, 4, 64, 3, 171 },    /* 12288 bits, 3 * 16 * 2 = 96 deep */
        { SS_ENGINE_DENSE, 1, 1, 1, 18 },      /* 16 bits, 9 * 64 * 128 = 73728 deep */
        { SS_ENGINE_CROSSBAR, 4, 8, 2, 64 },   /* K-wide words: 4 * 8 * 9 * 16 = 4608 bits, 16 * 16 deep */
        { SS_ENGINE_CROSSBAR, 4, 8, 5, 64 },   /* the same: any m of the K */
        { SS_ENGINE_CROSSBAR, 4, 8, 1, 8 },    /* four memories of 8 * 16 = 128 bits, 9 * 16 * 16 = 2304 deep */
        { SS_ENGINE_CROSSBAR, 4, 8, 9, 64 },   /* as dense with m = K */
        { SS_ENGINE_DENSE, 4, 8, 9, 64 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ss_config cfg = util_cost_folding(cases[i].engine, cases[i].ci, cases[i].co, cases[i].m, SS_MEM_URAM);
        assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 1e9, &cfg), SS_OK);
        assert_int_equal(cfg.res.r[SS_URAM], cases[i].uram);
        int64_t bits =
            64 * 128 * 9 * 16 * (i == 1 ? 4 : 1); /* a row of 16 bits takes a whole word of the load stream */
        assert_int_equal(ss_cost_load_bits(b.c, conv, conv, &cfg), bits);
        cfg.memory = SS_MEM_BRAM;
        assert_int_equal(ss_cost_load_bits(b.c, conv, conv, &cfg), 0);
    }
    util_cost_free(&b);
}

/* 4 groups of 2 channels and 4 filters: parallel groups are whole, and all of those foldings are listed. */
static void parallel_groups_are_whole(void **state) {
    (void)state;
    util_conv_spec spec = { .f = 16, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1, .groups = 4 };
    util_cost b = util_cost_one(8, 6, 6, spec, 0.5);
    int32_t conv = ss_graph_find(b.g, "conv");
    int n = ss_cost_configs(b.c, conv, 1e9, list, MANY), parallel[5] = { 0 };
    for (int i = 0; i < n; i++) parallel[list[i].gr] += list[i].engine == SS_ENGINE_DENSE;
    assert_int_equal(parallel[2], 9); /* m = 1, 3, 9, each in three memories: two words deep at least */
    assert_int_equal(parallel[4], 7); /* m = 9 leaves one word: constants */
    ss_config cfg = util_cost_folding(SS_ENGINE_DENSE, 1, 4, 3, SS_MEM_BRAM);
    cfg.gr = 2;
    assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 1e6, &cfg), SS_BAD);
    assert_true(util_has_error(b.ctx, "gr = 2 needs ci = 2 and co = 4, not 1 and 4"));
    cfg.ci = 2;
    assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 1e6, &cfg), SS_OK);
    util_cost_free(&b);
}

/* A convolution of calibrate/points.py, as its row in the measurements has it. */
typedef struct whole {
    int bits, lanes, lanes_out, crossbar;
    ss_config cfg;
    int64_t res[SS_RES_COUNT];
} whole;

static bool read_folding(const char *line, whole *w) {
    ss_config *f = &w->cfg;
    *f = util_cost_folding(SS_ENGINE_DENSE, 0, 0, 0, SS_MEM_BRAM);
    if (sscanf(line, "ss_conv,W=%d LANES_IN=%d LANES_OUT=%d CI=%d CO=%d M=%d CROSSBAR=%d", &w->bits, &w->lanes,
               &w->lanes_out, &f->ci, &f->co, &f->m, &w->crossbar) == 7) {
        if (w->crossbar) f->engine = SS_ENGINE_CROSSBAR;
        return true;
    }
    f->engine = SS_ENGINE_BROADCAST;
    return sscanf(line, "ss_conv_broadcast,W=%d LANES_IN=%d LANES_OUT=%d LANES=%d PIXELS=%d P=%d CO=%d SUMS=%d QUEUE=%d LISTS=%d RESULTS=%d",
                  &w->bits, &w->lanes, &w->lanes_out, &f->ci, &f->pixels, &f->m, &f->co, &f->sums, &f->queue, &f->lists, &f->results) == 11;
}

static bool read_whole(FILE *f, whole *w) {
    char line[1000];
    while (fgets(line, sizeof line, f)) {
        long long lut, lutram, carry, ff, dsp, bram18, uram;
        const char *figures = strstr(line, ",whole,");
        if (!figures) continue;
        assert_true(read_folding(line, w));
        assert_int_equal(sscanf(figures, ",whole,%*[0-9a-f],%lld,%lld,%lld,%lld,%lld,%lld,%lld", &lut, &lutram,
                                &carry, &ff, &dsp, &bram18, &uram),
                         7);
        const int64_t res[] = { lut, ff, dsp, bram18, uram };
        memcpy(w->res, res, sizeof res);
        return true;
    }
    return false;
}

/* Modules that are synthesised together share and simplify a little: LUTs and registers within 10 % of their sum. */
static void whole_convolutions_are_the_sum_of_their_modules(void **state) {
    (void)state;
    FILE *f = fopen(SS_DEVICE_DIR "/../calibrate/measurements.csv", "r");
    assert_non_null(f);
    int rows = 0;
    for (whole w; read_whole(f, &w); rows++) {
        ss_ctx *ctx = ss_ctx_new();
        util_conv_spec spec = { .f = 16, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1, .bias = true };
        util_cost b = util_cost_new(ctx, util_one_conv(ctx, 16, 16, 16, spec, false, 5), 0.5, w.bits, 0);
        int32_t conv = ss_graph_find(b.g, "conv");
        ss_cost_free(b.c);
        b.g->nodes[conv].weights = NULL; /* accumulators for any weights */
        assert_int_equal(ss_cost_new(ctx, b.g, b.p, &b.dev, (ss_cost_opts){ .bits = w.bits, .engines = 0 }, &b.c), SS_OK);
        ss_config cfg = w.cfg;
        assert_int_equal(ss_cost_eval(ctx, b.c, conv, 4096.0 / w.lanes, &cfg), SS_OK);
        assert_int_equal(cfg.lanes_out, w.lanes_out);
        ss_res_add(&cfg.res, ss_part_counters(), -1);
        for (int r = 0; r < SS_RES_COUNT; r++) {
            double error = 100 * ((double)cfg.res.r[r] - (double)w.res[r]) / fmax((double)w.res[r], 1);
            if (fabs(error) > (r == SS_LUT || r == SS_FF ? 10 : 0))
                fail_msg("%d bits, %d x %d x %d: %lld %s, measured %lld (%+.1f %%)", w.bits, cfg.ci, cfg.co, cfg.m,
                         (long long)cfg.res.r[r], ss_res_names[r], (long long)w.res[r], error);
        }
        util_cost_free(&b);
    }
    fclose(f);
    assert_int_equal(rows, 8);
}

static void illegal_foldings_list_the_legal_values(void **state) {
    (void)state;
    util_cost b = util_cost_one(64, 8, 8, same3x3, 0.5);
    int32_t conv = ss_graph_find(b.g, "conv");
    ss_config cfg = util_cost_folding(SS_ENGINE_DENSE, 5, 7, 2, SS_MEM_BRAM);
    cfg.gr = 2;
    assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 1e6, &cfg), SS_BAD);
    assert_true(util_has_error(b.ctx, "ci = 5 does not divide 64; legal: 1 2 4 8 16 32 64"));
    assert_true(util_has_error(b.ctx, "co = 7 does not divide 12; legal: 1 2 3 4 6 12"));
    assert_true(util_has_error(b.ctx, "m = 2 does not divide 9; legal: 1 3 9"));
    assert_true(util_has_error(b.ctx, "gr = 2 does not divide 1; legal: 1"));
    assert_int_equal(ss_diag_errors(b.ctx), 4);
    const struct {
        ss_config cfg;
        const char *says;
    } cases[] = {
        { util_cost_folding(SS_ENGINE_CROSSBAR, 1, 1, 10, SS_MEM_BRAM), "m = 10 is outside the kernel; legal: 1..9" },
        { util_cost_folding(SS_ENGINE_CROSSBAR, 0, 1, 1, SS_MEM_BRAM), "ci = 0 does not divide 64" },
        { util_cost_folding(SS_ENGINE_NONE, 1, 1, 1, SS_MEM_BRAM), "legal: dense crossbar broadcast" },
        { util_cost_folding(SS_ENGINE_DENSE, 1, 1, 1, SS_MEM_NONE),
          "6912 words deep cannot be \"none\" on u250; legal: bram uram" },
        { util_cost_folding(SS_ENGINE_DENSE, 1, 1, 1, SS_MEM_LUT), "legal: bram uram" },
        { util_cost_folding(SS_ENGINE_DENSE, 64, 12, 9, SS_MEM_BRAM), "1 words deep cannot be \"bram\" on u250; legal: lut" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ss_diag_clear(b.ctx);
        cfg = cases[i].cfg;
        assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 1e6, &cfg), SS_BAD);
        if (!util_has_error(b.ctx, cases[i].says)) fail_msg("no error says: %s", cases[i].says);
        assert_int_equal(ss_diag_errors(b.ctx), 1);
    }
    ss_diag_clear(b.ctx);
    cfg = util_cost_folding(SS_ENGINE_DENSE, 1, 1, 1, SS_MEM_BRAM);
    assert_int_equal(ss_cost_eval(b.ctx, b.c, 0, 1e6, &cfg), SS_BAD); /* the input has no folding */
    assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 0, &cfg), SS_BAD);
    assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, NAN, &cfg), SS_BAD);
    util_cost_free(&b);
}

static void broadcast_foldings_list_the_legal_values(void **state) {
    (void)state;
    util_cost b = util_cost_one(64, 8, 8, same3x3, 0.5);
    int32_t conv = ss_graph_find(b.g, "conv");
    ss_config cfg = util_cost_folding(SS_ENGINE_BROADCAST, 4, 6, 3, SS_MEM_BRAM);
    cfg.sums = 2, cfg.lists = 2, cfg.results = 8;
    assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 1e6, &cfg), SS_OK);
    assert_int_equal(cfg.res.r[SS_DSP], 4 * 6 * 3 + cfg.lanes_out);
    cfg = util_cost_folding(SS_ENGINE_BROADCAST, 4, 6, 10, SS_MEM_BRAM);
    cfg.sums = 4, cfg.queue = -1;
    assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 1e6, &cfg), SS_BAD);
    assert_true(util_has_error(b.ctx, "m = 10 parts of the kernel; legal: 1..9"));
    assert_true(util_has_error(b.ctx, "sums = 4; legal: the divisors of co and of the filters"));
    assert_true(util_has_error(b.ctx, "queue = -1; legal: 0..4096"));
    assert_true(util_has_error(b.ctx, "lists = 0; legal: 1..4096"));
    assert_true(util_has_error(b.ctx, "results = 0; legal: 1..4096"));
    assert_int_equal(ss_diag_errors(b.ctx), 5);
    for (int32_t co = 0; co <= 13; co += 13) {
        ss_diag_clear(b.ctx);
        cfg = util_cost_folding(SS_ENGINE_BROADCAST, 4, co, 3, SS_MEM_BRAM);
        cfg.sums = cfg.lists = cfg.results = 1;
        assert_int_equal(ss_cost_eval(b.ctx, b.c, conv, 1e6, &cfg), SS_BAD);
        assert_true(util_has_error(b.ctx, "filters at a time; legal: 1..12"));
        assert_int_equal(ss_diag_errors(b.ctx), 1);
    }
    util_cost_free(&b);
}

/* ---- bad input ---- */

static void profiles_of_other_models_are_refused(void **state) {
    (void)state;
    util_cost a = util_cost_one(4, 8, 8, same3x3, 0.5), b = util_cost_one(8, 8, 8, same3x3, 0.5);
    ss_cost *c;
    assert_int_equal(ss_cost_new(b.ctx, b.g, a.p, &b.dev, (ss_cost_opts){ .bits = 16, .engines = 0 }, &c), SS_BAD);
    assert_null(c);
    assert_true(util_has_error(b.ctx, "describes another layer"));
    a.p->layers[0].name = "other";
    assert_int_equal(ss_cost_new(b.ctx, b.g, a.p, &b.dev, (ss_cost_opts){ .bits = 16, .engines = 0 }, &c), SS_BAD);
    assert_true(util_has_error(b.ctx, "has no such layer"));
    assert_int_equal(ss_cost_new(b.ctx, b.g, NULL, &b.dev, (ss_cost_opts){ .bits = 12, .engines = 0 }, &c), SS_BAD);
    assert_int_equal(ss_cost_new(b.ctx, b.g, NULL, &b.dev, (ss_cost_opts){ .bits = 16, .engines = 1u << SS_ENGINE_CROSSBAR }, &c),
                     SS_BAD);
    util_cost_free(&a);
    util_cost_free(&b);
}

static void running_out_of_memory_is_clean(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    util_cost b = util_cost_new(ctx, util_small_resnet(ctx, 3), 0.5, 16, 0);
    for (int64_t fail = 1;; fail++) {
        util_oom oom = { .fail_at = fail };
        ss_ctx *tight = ss_ctx_new_with(util_oom_alloc, &oom);
        ss_cost *c = NULL;
        if (tight) {
            ss_status s = ss_cost_new(tight, b.g, b.p, &b.dev, (ss_cost_opts){ .bits = 16, .engines = 0 }, &c);
            assert_true((s == SS_OK) == (c != NULL));
        }
        bool done = c != NULL;
        ss_cost_free(c);
        ss_ctx_free(tight);
        assert_int_equal(oom.live, 0);
        if (done) break;
        assert_true(fail < 1000);
    }
    util_cost_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_cycles_of_maps_that_are_not_square),
        cmocka_unit_test(strided_windows_take_their_input),
        cmocka_unit_test(crossbar_cycles_equal_the_walk),
        cmocka_unit_test(zero_weights_save_nothing),
        cmocka_unit_test(configurations_are_legal_and_reproducible),
        cmocka_unit_test(no_configuration_is_missing),
        cmocka_unit_test(last_folds_may_have_fewer_filters),
        cmocka_unit_test(engines_can_be_chosen),
        cmocka_unit_test(cycle_steps_are_what_configurations_reach),
        cmocka_unit_test(resources_follow_the_interval),
        cmocka_unit_test(luts_rise_with_multipliers),
        cmocka_unit_test(weight_memories_by_hand),
        cmocka_unit_test(parallel_groups_are_whole),
        cmocka_unit_test(whole_convolutions_are_the_sum_of_their_modules),
        cmocka_unit_test(illegal_foldings_list_the_legal_values),
        cmocka_unit_test(broadcast_foldings_list_the_legal_values),
        cmocka_unit_test(profiles_of_other_models_are_refused),
        cmocka_unit_test(running_out_of_memory_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
