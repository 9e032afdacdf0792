/* The fast convolutions against conv_ref, for every instruction set of this processor: random shapes, strides, pads and
 * groups; data and weights that are random, sparse, zero or as large as they can be, with signs that make sums as large
 * as they can be. Integers must be equal bit for bit, float nearly. Bytes behind the output must stay untouched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "infer/conv.h"
#include "infer/conv_internal.h"
#include "infer/ops.h"
#include "util_graph.h"

#define GUARD 64
#define CASES 500

static const ss_isa isas[] = { SS_ISA_PORTABLE, SS_ISA_AVX2, SS_ISA_AVX512 };
static const char *const isa_names[] = { "auto", "portable", "avx2", "avx512" };

typedef enum fill { FILL_RANDOM, FILL_SPARSE, FILL_ZERO, FILL_MAX, FILL_MIN, FILL_EXTREMES, FILLS } fill;

static int32_t fill_value(util_rng *r, fill how, int32_t lo, int32_t hi) {
    switch (how) {
    case FILL_RANDOM: return util_rng_int(r, lo, hi);
    case FILL_SPARSE: return util_rng_int(r, 0, 3) ? 0 : util_rng_int(r, lo / 16, hi / 16);
    case FILL_ZERO: return 0;
    case FILL_MAX: return hi;
    case FILL_MIN: return lo;
    default: return util_rng_int(r, 0, 1) ? hi : lo;
    }
}

/* ---- random convolutions ---- */

static int32_t pick(util_rng *r, const int32_t *from, int32_t n) { return from[util_rng_int(r, 0, n - 1)]; }

typedef struct shape_case {
    int32_t c, h, w;
    util_conv_spec s;
} shape_case;

static shape_case random_shape(util_rng *r) {
    static const int32_t kernels[] = { 1, 1, 3, 3, 3, 5, 7 }, groups[] = { 1, 1, 1, 1, 2, 3, 8, 0 };
    shape_case k = { .s = { .bias = util_rng_int(r, 0, 3) > 0 } };
    k.s.kh = pick(r, kernels, 7);
    k.s.kw = util_rng_int(r, 0, 3) ? k.s.kh : pick(r, kernels, 7);
    k.s.sh = util_rng_int(r, 1, 2);
    k.s.sw = util_rng_int(r, 0, 3) ? k.s.sh : util_rng_int(r, 1, 3);
    k.s.pt = util_rng_int(r, 0, k.s.kh / 2);
    k.s.pl = util_rng_int(r, 0, k.s.kw / 2);
    k.s.pb = util_rng_int(r, 0, 1) ? k.s.pt : util_rng_int(r, 0, k.s.kh / 2);
    k.s.pr = util_rng_int(r, 0, 1) ? k.s.pl : util_rng_int(r, 0, k.s.kw / 2);
    k.h = util_rng_int(r, k.s.kh, k.s.kh + 8);
    k.w = util_rng_int(r, k.s.kw, k.s.kw + 8);
    k.s.groups = pick(r, groups, 8);
    if (k.s.groups == 0) { /* depthwise, sometimes with two filters a channel */
        k.c = k.s.groups = util_rng_int(r, 2, 70);
        k.s.f = k.c * util_rng_int(r, 1, 2);
        return k;
    }
    const int32_t most = util_rng_int(r, 0, 9) ? 20 : 130;
    k.c = util_rng_int(r, 1, most / k.s.groups + 1) * k.s.groups;
    k.s.f = util_rng_int(r, 1, most / k.s.groups + 1) * k.s.groups;
    return k;
}

/* ---- integers ---- */

typedef struct int_case {
    ss_graph *g;
    const ss_node *n;
    ss_qnode q;
    int bits;
    int32_t in_lo, in_hi;
} int_case;

static void *room(ss_graph *g, int64_t n, size_t size) {
    void *p = ss_arena_alloc(g->arena, (size_t)n, size);
    assert_non_null(p);
    return p;
}

static int bits_of(int64_t v) {
    int b = 1; /* the sign */
    for (; v; v >>= 1) b++;
    return b;
}

/* The accumulator's largest magnitude; fills pre and acc_bits. */
static void choose_pre(int_case *k, util_rng *r, int64_t per_filter) {
    const int64_t xmax = -(int64_t)k->in_lo > k->in_hi ? -(int64_t)k->in_lo : k->in_hi;
    int64_t most = 0;
    for (int32_t f = 0; f < k->n->shape.c; f++) {
        int64_t l1 = 0;
        for (int64_t i = 0; i < per_filter; i++) l1 += llabs(k->q.weights[f * per_filter + i]);
        const int64_t b = l1 * xmax + llabs(k->q.bias[f]);
        if (b > most) most = b;
    }
    k->q.acc_bits = bits_of(most);
    k->q.pre = k->q.acc_bits > 27 ? k->q.acc_bits - 27 : 0;
    if (util_rng_int(r, 0, 3) == 0) k->q.pre += util_rng_int(r, 0, 4);
}

static void random_scales(int_case *k, util_rng *r) {
    const int32_t f = k->n->shape.c;
    k->q.n_mult = util_rng_int(r, 0, 2) ? f : 1;
    int32_t *mult = room(k->g, f, sizeof *mult);
    uint8_t *shift = room(k->g, f, 1);
    const int left = (k->q.acc_bits - k->q.pre) + 17 - k->bits; /* a shift that just about saturates */
    for (int32_t i = 0; i < f; i++) {
        mult[i] = util_rng_int(r, 0, 9) ? util_rng_int(r, 1 << 16, (1 << 17) - 1) : util_rng_int(r, 0, 3);
        const int s = left - util_rng_int(r, -1, 8);
        shift[i] = (uint8_t)(s < 1 ? 1 : s > 46 ? 46 : s);
        if (util_rng_int(r, 0, 19) == 0) shift[i] = (uint8_t)util_rng_int(r, 1, 46);
    }
    k->q.mult = mult;
    k->q.shift = shift;
}

static void random_act(int_case *k, util_rng *r) {
    const int32_t top = (1 << (k->bits - 1)) - 1, f = k->n->shape.c;
    const int kind = util_rng_int(r, 0, 2);
    k->q.hi = k->q.ceiling = top;
    k->q.lo = kind ? 0 : -top - 1;
    k->q.n_thr = kind == 0 ? 0 : kind == 1 ? 1 : f;
    int32_t *thr = room(k->g, f, sizeof *thr);
    for (int32_t i = 0; i < f; i++) thr[i] = util_rng_int(r, 0, 1) ? 0 : util_rng_int(r, 0, top / 4);
    k->q.thr = thr;
    if (util_rng_int(r, 0, 3) == 0) k->q.ceiling = util_rng_int(r, 1, top);
}

static int_case random_int_case(ss_ctx *ctx, util_rng *r, int bits) {
    const shape_case s = random_shape(r);
    int_case k = { .bits = bits, .g = util_one_conv(ctx, s.c, s.h, s.w, s.s, false, (uint32_t)util_rng_next(r)) };
    assert_non_null(k.g);
    k.n = &k.g->nodes[k.g->output];
    const int32_t top = (1 << (bits - 1)) - 1;
    const int64_t count = ss_node_weight_count(k.g, k.n), per_filter = count / k.n->shape.c;
    const bool narrow = util_rng_int(r, 0, 3) == 0; /* often: small enough for 32-bit sums at 16 bits too */
    const fill how = (fill)util_rng_int(r, 0, FILLS - 1);
    int16_t *w = room(k.g, count, sizeof *w);
    for (int64_t i = 0; i < count; i++) w[i] = (int16_t)fill_value(r, how, narrow ? -3 : -top, narrow ? 3 : top);
    int64_t *bias = room(k.g, k.n->shape.c, sizeof *bias);
    for (int32_t f = 0; f < k.n->shape.c; f++)
        bias[f] = (int64_t)util_rng_int(r, -1000, 1000) * (util_rng_int(r, 0, 1) ? top : top * 16);
    k.q.weights = w;
    k.q.bias = bias;
    k.in_hi = top;
    k.in_lo = util_rng_int(r, 0, 1) ? 0 : -top - 1;
    choose_pre(&k, r, per_filter);
    random_scales(&k, r);
    random_act(&k, r);
    return k;
}

static void print_case(const int_case *k, ss_isa isa, int32_t at) {
    const ss_window *w = &k->n->win;
    const ss_shape i = ss_graph_in_shape(k->g, k->n);
    print_error("%s %d bit: %dx%dx%d -> %d, kernel %dx%d stride %dx%d pad %d,%d,%d,%d groups %d pre %d: element %d\n",
                isa_names[isa], k->bits, i.c, i.h, i.w, k->n->shape.c, w->kh, w->kw, w->sh, w->sw, w->pt, w->pl, w->pb,
                w->pr, k->n->groups, k->q.pre, at);
}

/* Input in a random stride, lanes behind the channels zero. */
static int16_t *random_input(const int_case *k, util_rng *r, int32_t stride) {
    const ss_shape s = ss_graph_in_shape(k->g, k->n);
    const fill how = (fill)util_rng_int(r, 0, FILLS - 1);
    int16_t *x = room(k->g, (int64_t)s.h * s.w * stride, sizeof *x);
    for (int32_t p = 0; p < s.h * s.w; p++)
        for (int32_t c = 0; c < s.c; c++) x[p * stride + c] = (int16_t)fill_value(r, how, k->in_lo, k->in_hi);
    return x;
}

static void check_int_case(ss_ctx *ctx, const int_case *k, util_rng *r, ss_isa isa) {
    const ss_shape in = ss_graph_in_shape(k->g, k->n), out = k->n->shape;
    const int32_t in_stride = ss_stride(in.c) + (util_rng_int(r, 0, 4) ? 0 : 4);
    const int32_t out_stride = ss_stride(out.c) + (util_rng_int(r, 0, 4) ? 0 : 4 * util_rng_int(r, 1, 6));
    const int32_t n = out.h * out.w * out_stride;
    int16_t *x = random_input(k, r, in_stride), *want = room(k->g, n, 2), *got = room(k->g, n + GUARD, 2);
    memset(got, 0x5a, ((size_t)n + GUARD) * 2);
    ss_conv_ref_int(k->g, k->n, &k->q, x, in_stride, want, out_stride);
    ss_conv *c;
    assert_int_equal(ss_conv_new(ctx, k->g, k->n, &k->q, k->bits, k->in_lo, k->in_hi, isa, &c), SS_OK);
    void *scratch = ss_alloc_aligned(ctx, ss_conv_scratch(c), 1);
    memset(scratch, 0x7f, ss_conv_scratch(c));
    ss_conv_run(c, x, in_stride, got, out_stride, scratch);
    for (int32_t i = 0; i < n; i++) {
        if (got[i] != want[i]) print_case(k, isa, i);
        assert_int_equal(got[i], want[i]);
    }
    for (int32_t i = n; i < n + GUARD; i++) assert_int_equal(got[i], 0x5a5a);
    ss_free_aligned(ctx, scratch);
    ss_conv_free(c);
}

static void sweep_int(int bits) {
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        if (!ss_isa_supported(isas[i])) {
            print_message("# %s: not on this processor\n", isa_names[isas[i]]);
            continue;
        }
        util_rng r = { (uint64_t)bits };
        for (int n = 0; n < CASES; n++) {
            ss_ctx *ctx = ss_ctx_new();
            int_case k = random_int_case(ctx, &r, bits);
            check_int_case(ctx, &k, &r, isas[i]);
            ss_graph_free(k.g);
            ss_ctx_free(ctx);
        }
    }
}

static void test_int16(void **state) {
    (void)state;
    sweep_int(16);
}

static void test_int8(void **state) {
    (void)state;
    sweep_int(8);
}

/* ---- float ---- */

static void check_float_case(ss_ctx *ctx, util_rng *r, ss_isa isa) {
    const shape_case s = random_shape(r);
    ss_graph *g = util_one_conv(ctx, s.c, s.h, s.w, s.s, util_rng_int(r, 0, 1) != 0, (uint32_t)util_rng_next(r));
    assert_non_null(g);
    ss_node *n = &g->nodes[g->output];
    if (n->act.on) n->act.threshold = util_rng_float(r, 0, 0.5f);
    if (n->act.on && util_rng_int(r, 0, 2) == 0) n->act.ceiling = 1.0f;
    const ss_shape in = ss_graph_in_shape(g, n);
    const int32_t is = ss_stride(in.c), os = ss_stride(n->shape.c), size = n->shape.h * n->shape.w * os;
    float *x = room(g, (int64_t)in.h * in.w * is, 4), *want = room(g, size, 4), *got = room(g, size + GUARD, 4);
    for (int32_t p = 0; p < in.h * in.w; p++)
        for (int32_t c = 0; c < in.c; c++) x[p * is + c] = util_rng_normal(r);
    for (int32_t i = 0; i < size + GUARD; i++) got[i] = -77;
    ss_conv_ref_float(g, n, x, is, want, os);
    ss_conv *c;
    assert_int_equal(ss_conv_new(ctx, g, n, NULL, 0, 0, 0, isa, &c), SS_OK);
    void *scratch = ss_alloc_aligned(ctx, ss_conv_scratch(c), 1);
    memset(scratch, 0xff, ss_conv_scratch(c)); /* not-a-numbers: nothing stale may be read */
    ss_conv_run(c, x, is, got, os, scratch);
    for (int32_t i = 0; i < size; i++) {
        /* A sum on the threshold may fall to either side. */
        const bool edge = n->act.on && fabsf((got[i] != 0 ? got[i] : want[i]) - n->act.threshold) < 1e-4f;
        if (!edge) assert_true(fabsf(got[i] - want[i]) <= 2e-5f * (1 + fabsf(want[i])));
    }
    for (int32_t i = size; i < size + GUARD; i++) assert_true(got[i] == -77.0f);
    ss_free_aligned(ctx, scratch);
    ss_conv_free(c);
    ss_graph_free(g);
}

static void test_float(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        util_rng r = { 3 };
        for (int n = 0; n < CASES / 2 && ss_isa_supported(isas[i]); n++) {
            ss_ctx *ctx = ss_ctx_new();
            check_float_case(ctx, &r, isas[i]);
            ss_ctx_free(ctx);
        }
    }
}

/* ---- what the kernels cannot run exactly is refused ---- */

static void expect_refusal(const int_case *k, ss_qnode q, const char *what) {
    ss_ctx *ctx = k->g->ctx;
    ss_diag_clear(ctx);
    ss_conv *c;
    assert_int_equal(ss_conv_new(ctx, k->g, k->n, &q, 16, 0, 32767, SS_ISA_PORTABLE, &c), SS_BAD);
    assert_null(c);
    assert_true(util_has_error(ctx, what));
}

static void test_refusals(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    util_rng r = { 9 };
    int_case k = random_int_case(ctx, &r, 16);
    ss_qnode q = k.q;
    int32_t mult[] = { 1 << 17 };
    uint8_t shift[] = { 0 };
    q.n_mult = 1;
    q.mult = mult;
    expect_refusal(&k, q, "multiplier");
    q = k.q;
    q.n_mult = 1;
    q.shift = shift;
    expect_refusal(&k, q, "shift");
    q = k.q;
    int64_t *bias = room(k.g, k.n->shape.c, sizeof *bias);
    bias[0] = INT64_MAX / 3;
    q.bias = bias;
    expect_refusal(&k, q, "largest sum");
    ss_graph_free(k.g);
    ss_ctx_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_int16),
        cmocka_unit_test(test_int8),
        cmocka_unit_test(test_float),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
