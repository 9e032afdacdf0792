/* The parts of the cost model: expected cycles and lanes against enumeration, memories against cases counted by hand,
 * engines against the prototypes' synthesis results. */
#include "cost/parts.h"
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
        { 36, 768, 2, 1, 36 * 13 },     { 16, 16, 1, 1, 8 },
        { 16, 33, 1, 1, 16 },           { 16, 32, 1, 1, 8 },
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
    ss_resources r = ss_memory_buffer(&board, 16, 16); /* SRL16: two a LUT, 4 address bits */
    assert_int_equal(r.r[SS_LUT], 8 + 12);
    assert_int_equal(r.r[SS_BRAM18], 0);
    r = ss_memory_buffer(&board, 14, 64); /* two RAM64M8 */
    assert_int_equal(r.r[SS_LUT], 16 + 18);
    r = ss_memory_buffer(&board, 16, 4096);
    assert_int_equal(r.r[SS_BRAM18], 4);
    assert_int_equal(r.r[SS_LUT], 36);
    r = ss_memory_buffer(&board, 16, 1);
    assert_int_equal(r.r[SS_FF], 16);
    assert_int_equal(r.r[SS_LUT], 0);
}

/* ---- modules against prototypes ---- */

/* docs/cost.md states these bounds: the crossbar within 7 % for K = 9 and 12 % for K = 25; m = 1 (which the prototype
 * built with a weight multiplexer that is not needed) within 1 % for K = 9. */
static void crossbars_match_the_prototypes(void **state) {
    (void)state;
    static const struct {
        int64_t k, m;
        int bits;
        double lut, percent;
    } rows[] = {
        { 9, 2, 16, 242, 7 },    { 9, 3, 16, 348, 7 },  { 9, 4, 16, 418, 7 },   { 9, 6, 16, 529, 7 },
        { 9, 8, 16, 605, 7 },    { 9, 2, 8, 143, 7 },   { 9, 3, 8, 200, 7 },    { 9, 4, 8, 239, 7 },
        { 9, 6, 8, 308, 7 },     { 9, 8, 8, 350, 7 },   { 25, 2, 16, 894, 12 }, { 25, 4, 16, 1584, 12 },
        { 25, 8, 16, 2924, 12 }, { 25, 12, 16, 3792, 12 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double lut = (double)ss_part_crossbar_select(rows[i].k, rows[i].m, rows[i].bits) +
                     (double)ss_part_crossbar_weights(rows[i].k, rows[i].m, rows[i].bits).r[SS_LUT];
        double error = 100 * (lut / rows[i].lut - 1);
        if (fabs(error) > rows[i].percent)
            fail_msg("K %lld, m %lld, %d bits: %.0f LUT, measured %.0f (%+.1f %%)", (long long)rows[i].k,
                     (long long)rows[i].m, rows[i].bits, lut, rows[i].lut, error);
    }
}

static ss_resources whole_engine(int64_t m, int bits) {
    ss_resources r = ss_part_crossbar_front(9, m, bits);
    ss_res_add(&r, ss_part_crossbar_weights(9, m, bits), 1);
    ss_res_add(&r, ss_part_adder_tree(m, 2 * bits), 1);
    ss_res_add(&r, ss_part_accumulator(&board, 1, 2 * bits + 4, 1), 1);
    return r;
}

static void whole_engines_match_the_prototypes(void **state) {
    (void)state;
    static const struct {
        int64_t m;
        int bits;
        double lut;
    } rows[] = { { 2, 16, 372 }, { 3, 16, 494 }, { 4, 16, 616 }, { 6, 16, 834 },
                 { 2, 8, 228 },  { 3, 8, 303 },  { 4, 8, 364 },  { 6, 8, 479 } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ss_resources r = whole_engine(rows[i].m, rows[i].bits);
        double error = 100 * ((double)r.r[SS_LUT] / rows[i].lut - 1);
        if (fabs(error) > 7)
            fail_msg("m %lld, %d bits: %lld LUT, measured %.0f (%+.1f %%)", (long long)rows[i].m, rows[i].bits,
                     (long long)r.r[SS_LUT], rows[i].lut, error);
    }
}

/* The reference tool's estimate falls when multipliers are added; ours must rise wherever there is a crossbar. */
static void crossbar_luts_rise_with_multipliers(void **state) {
    (void)state;
    for (int bits = 8; bits <= 16; bits += 8)
        for (int64_t k = 4; k <= 49; k++) {
            ss_resources before = { { 0 } };
            for (int64_t m = 1; m < k; m++) {
                ss_resources r = ss_part_crossbar_front(k, m, bits);
                ss_res_add(&r, ss_part_crossbar_weights(k, m, bits), 1);
                ss_res_add(&r, ss_part_adder_tree(m, 2 * bits - 1), 1);
                assert_true(r.r[SS_LUT] > before.r[SS_LUT] && r.r[SS_FF] > before.r[SS_FF]);
                before = r;
            }
        }
}

static void adder_trees_by_hand(void **state) {
    (void)state;
    assert_int_equal(ss_part_adder_tree(1, 31).r[SS_LUT], 0);
    assert_int_equal(ss_part_adder_tree(2, 31).r[SS_LUT], 32);
    assert_int_equal(ss_part_adder_tree(8, 31).r[SS_LUT], 4 * 32 + 2 * 33 + 34);
    assert_int_equal(ss_part_adder_tree(9, 31).r[SS_LUT], 4 * 32 + 2 * 33 + 34 + 35);
    assert_int_equal(ss_part_adder_tree(9, 31).r[SS_FF], 5 * 32 + 3 * 33 + 2 * 34 + 35);
}

static void requantise_needs_two_dsp48e1(void **state) {
    (void)state;
    ss_device old = board;
    snprintf(old.family, sizeof old.family, "7series");
    assert_int_equal(ss_part_requantise(&board, 4, 64, 16, true).r[SS_DSP], 4);
    assert_int_equal(ss_part_requantise(&old, 4, 64, 16, true).r[SS_DSP], 8);
    assert_int_equal(ss_part_requantise(&board, 4, 64, 16, false).r[SS_DSP], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expected_cycles_equal_enumeration), cmocka_unit_test(ceil_is_taken_before_the_mean),
        cmocka_unit_test(lanes_are_the_fewest_that_keep_up), cmocka_unit_test(memories_by_hand),
        cmocka_unit_test(block_counts_are_sane),             cmocka_unit_test(buffers_go_where_they_are_cheap),
        cmocka_unit_test(crossbars_match_the_prototypes),    cmocka_unit_test(whole_engines_match_the_prototypes),
        cmocka_unit_test(crossbar_luts_rise_with_multipliers), cmocka_unit_test(adder_trees_by_hand),
        cmocka_unit_test(requantise_needs_two_dsp48e1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
