/* The parts of the cost model: expected cycles and lanes against enumeration, memories and modules against cases
 * counted by hand. tests/cli_calibration.sh compares the modules with measurements. */
#include "cost/modules.h"
#include "util_graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const ss_device board = { .name = "board", .family = "ultrascale+",
                                 .total = { { 400000, 800000, 2000, 1000, 0 } } };

/* ---- cycles ---- */

static void expected_cycles_equal_enumeration(void **state) {
    (void)state;
    static const int32_t kernels[] = { 1, 2, 9, 25, 49 };
    util_rng rng = { 7 };
    for (size_t t = 0; t < sizeof kernels / sizeof kernels[0]; t++) {
        int32_t k = kernels[t], windows = 500;
        double hist[50] = { 0 }, out[49];
        int32_t counts[500];
        for (int32_t i = 0; i < windows; i++) hist[counts[i] = util_rng_int(&rng, 0, k)]++;
        ss_expected_cycles(hist, k, out);
        for (int32_t m = 1; m <= k; m++) {
            int64_t cycles = 0;
            for (int32_t i = 0; i < windows; i++) {
                int32_t left = counts[i];
                do { /* as the engine does it: at least one cycle, m non-zeros a cycle */
                    left -= m;
                    cycles++;
                } while (left > 0);
            }
            assert_true(out[m - 1] == (double)cycles);
        }
    }
}

static void ceil_is_taken_before_the_mean(void **state) {
    (void)state;
    double hist[10] = { [1] = 50, [9] = 50 }, out[9]; /* mean 5; with m = 5 a window takes 1 or 2 cycles, not 1 */
    ss_expected_cycles(hist, 9, out);
    assert_true(out[4] == 150);
    assert_true(out[0] == 500 && out[8] == 100 && out[3] == 50 + 150);
}

static void lanes_are_the_fewest_that_keep_up(void **state) {
    (void)state;
    util_rng rng = { 3 };
    for (int t = 0; t < 3000; t++) {
        int32_t channels = util_rng_int(&rng, 1, 96), pixels = util_rng_int(&rng, 1, 900);
        int64_t elements = (int64_t)channels * pixels;
        double interval = t % 3 ? (double)util_rng_int(&rng, 1, 90000) : (double)util_rng_float(&rng, 0.5f, 9000.0f);
        int32_t want = channels;
        for (int32_t l = channels; l >= 1; l--)
            if (channels % l == 0 && (double)elements / l <= interval) want = l;
        assert_int_equal(ss_lanes(elements, channels, interval), want);
    }
}

/* ---- memories ---- */

static void memories_by_hand(void **state) {
    (void)state;
    static const struct {
        int64_t width, depth, bram18, uram, lut;
    } cases[] = {
        { 36, 512, 1, 1, 36 * 9 },      /* 8 LUTs a bit and one to choose between two fours */
        { 18, 1024, 1, 1, 18 * 17 },    { 9, 2048, 1, 1, 9 * 35 },
        { 4, 4096, 1, 1, 4 * 69 },      { 2, 8192, 1, 2, 2 * 139 },
        { 1, 16384, 1, 4, 277 },        { 72, 512, 2, 1, 72 * 9 },
        { 72, 4096, 16, 1, 72 * 69 },   { 73, 4096, 17, 2, 73 * 69 }, /* 16 for 72 bits, one 4Kx4 for the last */
        { 37, 1024, 3, 1, 37 * 17 },    /* two 512x36 and one 1Kx18, or 18 + 18 + 1 */
        { 40, 2048, 5, 1, 40 * 35 },    /* four 512x36 and one 4Kx4 */
        { 18, 1536, 2, 1, 18 * 26 },    /* 24 LUTs and two to choose among six fours */
        { 36, 768, 2, 1, 36 * 13 },     { 16, 16, 1, 1, 16 },
        { 16, 33, 1, 1, 16 },           { 100, 4, 3, 2, 8 },   /* 16 columns of four bits, and half of them the others' complements */
        { 12288, 1, 342, 171, 0 },      /* constants */
        { 12288, 48, 342, 171, 12288 }, { 12288, 192, 342, 171, 12288 * 3 },
        { 12288, 768, 683, 171, 12288 * 13 }, /* 682 full 1Kx18 and one for the last 12 bits */
        { 12288, 3072, 2049, 171, 12288 * 52 }, /* 2046 for 12276 bits, three for the last 12 */
        { 12288, 4097, 3073, 342, 12288 * 71 }, /* 341 x 9 and four for the last 12 bits */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t w = cases[i].width, d = cases[i].depth;
        int64_t bram = ss_bram18_blocks(w, d), uram = ss_uram_blocks(w, d), lut = ss_lut_rom(w, d);
        if (bram != cases[i].bram18 || uram != cases[i].uram || lut != cases[i].lut)
            fail_msg("%lld x %lld: %lld RAMB18, %lld URAM, %lld LUT", (long long)w, (long long)d, (long long)bram,
                     (long long)uram, (long long)lut);
        ss_resources r = ss_memory_map(SS_MEM_BRAM, w, d);
        assert_int_equal(r.r[SS_BRAM18], bram);
        assert_int_equal(r.r[SS_URAM] + r.r[SS_LUT], 0);
    }
}

/* A deeper or wider memory never takes fewer blocks, no tiling beats the bits, none is worse than the best single
 * shape; and packing two memories that share the address never costs more than keeping them apart. */
static void block_counts_are_sane(void **state) {
    (void)state;
    static const int64_t depths[] = { 512, 1024, 2048, 4096, 8192, 16384 }, widths[] = { 36, 18, 9, 4, 2, 1 };
    static const int64_t try_depth[] = { 1, 48, 511, 512, 513, 700, 1024, 1025, 1536, 2047,
                                         2304, 4608, 5000, 9216, 16385, 40000 };
    for (size_t i = 0; i < sizeof try_depth / sizeof try_depth[0]; i++)
        for (int64_t w = 1; w <= 160; w++) {
            int64_t d = try_depth[i], blocks = ss_bram18_blocks(w, d), single = INT64_MAX;
            for (int s = 0; s < 6; s++) {
                int64_t n = ss_ceil_div(w, widths[s]) * ss_ceil_div(d, depths[s]);
                if (n < single) single = n;
            }
            assert_true(blocks <= single);
            assert_true(blocks * 18432 >= w * d);
            if (blocks > ss_bram18_blocks(w + 1, d) || blocks > ss_bram18_blocks(w, d + 1))
                fail_msg("not monotone at %lld x %lld", (long long)w, (long long)d);
            assert_true(ss_bram18_blocks(2 * w, d) <= 2 * blocks);
        }
}

static void buffers_go_where_they_are_cheap(void **state) {
    (void)state;
    /* 400 LUTs a RAMB18 on this board: up to 200 are spent to save one. */
    assert_int_equal(ss_lut_ram(16, 16), 16);  /* 14 bits of 32 words in eight LUTs */
    assert_int_equal(ss_lut_ram(14, 64), 16);  /* 7 bits of 64 words in eight */
    assert_int_equal(ss_lut_ram(14, 65), 24); /* three banks of 32 */
    assert_int_equal(ss_buffer_style(&board, 16, 16), SS_MEM_LUT);
    assert_int_equal(ss_buffer_style(&board, 16, 4096), SS_MEM_BRAM);
    assert_int_equal(ss_buffer_style(&board, 16, 1), SS_MEM_NONE);
    assert_int_equal(ss_constants_style(&board, 16, 512), SS_MEM_LUT);
    assert_int_equal(ss_constants_style(&board, 32, 512), SS_MEM_BRAM);
}

/* ---- modules ---- */

/* The reference tool's estimate falls when multipliers are added; ours must rise wherever there is a crossbar. */
static void crossbar_luts_rise_with_multipliers(void **state) {
    (void)state;
    for (int bits = 8; bits <= 16; bits += 8)
        for (int64_t k = 4; k <= 49; k++) {
            ss_resources before = { { 0 } };
            for (int64_t m = 1; m < k; m++) {
                ss_resources r = SS_COST_OF(SS_MOD_FRONT_SPARSE, bits, k, m, 1, 16, 4, 1, 16);
                if (m > 1) ss_res_add(&r, SS_COST_OF(SS_MOD_CROSSBAR, k, m, bits), 1);
                ss_res_add(&r, SS_COST_OF(SS_MOD_DOT, bits, 1, 1, 1, m, 48), 1);
                if (r.r[SS_LUT] <= before.r[SS_LUT] || r.r[SS_FF] <= before.r[SS_FF])
                    fail_msg("K %lld, m %lld, %d bits: %lld LUT, %lld FF", (long long)k, (long long)m, bits,
                             (long long)r.r[SS_LUT], (long long)r.r[SS_FF]);
                assert_int_equal(r.r[SS_DSP], m);
                before = r;
            }
        }
}

/* No module that has anything in it costs nothing, and none costs less than its memories and multipliers. */
static void modules_cost_what_is_in_them(void **state) {
    (void)state;
    int64_t ones[SS_PARAMS];
    for (int i = 0; i < SS_PARAMS; i++) ones[i] = 4;
    for (int m = 0; m < SS_MODULES; m++) {
        ss_resources r = ss_module_cost((ss_module)m, ones), exact = { { 0 } };
        if (ss_module_specs[m].exact) exact = ss_module_specs[m].exact(ones);
        int64_t sum = 0;
        for (int k = 0; k < SS_RES_COUNT; k++) {
            sum += r.r[k];
            assert_true(r.r[k] >= exact.r[k]);
        }
        if (sum == 0) fail_msg("%s costs nothing", ss_module_specs[m].title);
    }
}

/* Columns that hold the engine up at the left edge: none where padding at the right of the row above hides them. */
static void first_windows_by_hand(void **state) {
    (void)state;
    static const struct {
        ss_window w;
        int32_t in, out;
        int64_t loads;
    } cases[] = {
        { { .kh = 3, .kw = 3, .sh = 1, .sw = 1, .pt = 1, .pl = 1 }, 32, 32, 1 },
        { { .kh = 3, .kw = 3, .sh = 1, .sw = 1 }, 8, 6, 3 },
        { { .kh = 5, .kw = 5, .sh = 1, .sw = 1 }, 28, 24, 5 },
        { { .kh = 7, .kw = 7, .sh = 2, .sw = 2, .pt = 3, .pl = 3 }, 224, 112, 2 }, /* two columns a window anyway */
        { { .kh = 3, .kw = 3, .sh = 2, .sw = 2, .pt = 1, .pl = 1 }, 32, 16, 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ss_shape in = { 1, cases[i].in, cases[i].in }, out = { 1, cases[i].out, cases[i].out };
        assert_int_equal(ss_window_first_loads(&cases[i].w, in, out), cases[i].loads);
    }
}

static void memories_of_modules_by_hand(void **state) {
    (void)state;
    /* 3 banks of 128 words: 2 x 64 words of 64 bits in ten times eight LUTs each; 6 columns of 192 bits kept, 4
     * words */
    const int64_t window[] = { 4, 16, 4, 32, 32, 3, 3, 1, 1, 32, 32, 3, 1, SS_STYLE_LUT };
    assert_int_equal(ss_module_specs[SS_MOD_WINDOW].exact(window).r[SS_LUT],
                     3 * 2 * 80 + 8 * ss_ceil_div(2 * 192, 14));
    const int64_t block[] = { 4, 16, 16, 32, 32, 3, 3, 1, 1, 32, 32, 3, 0, SS_STYLE_BLOCK };
    assert_int_equal(ss_module_specs[SS_MOD_WINDOW].exact(block).r[SS_BRAM18], 3 * 2); /* 64 bits x 512 */
    assert_int_equal(SS_COST_OF(SS_MOD_DOT, 16, 2, 3, 4, 5, 40).r[SS_DSP], 2 * 3 * 4 * 5);
    assert_int_equal(SS_COST_OF(SS_MOD_WEIGHTS_ULTRA, 144, 5000).r[SS_URAM], 4);
    const int64_t sums[] = { 4, 40, 13, 16, 8, 1, SS_STYLE_LUT };
    assert_int_equal(ss_module_specs[SS_MOD_ACCUMULATE].exact(sums).r[SS_LUT],
                     4 * 8 * 3); /* 40 bits, three times 14 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expected_cycles_equal_enumeration), cmocka_unit_test(ceil_is_taken_before_the_mean),
        cmocka_unit_test(lanes_are_the_fewest_that_keep_up), cmocka_unit_test(memories_by_hand),
        cmocka_unit_test(block_counts_are_sane),             cmocka_unit_test(buffers_go_where_they_are_cheap),
        cmocka_unit_test(crossbar_luts_rise_with_multipliers),
        cmocka_unit_test(modules_cost_what_is_in_them),      cmocka_unit_test(memories_of_modules_by_hand),
        cmocka_unit_test(first_windows_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
