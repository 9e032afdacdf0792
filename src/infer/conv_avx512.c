/* conv_avx512: the tile kernels for AVX-512 with VNNI. 12 pixels x 2 vectors of 16 filters, or 24 pixels x 1,
 * are 24 sums in registers; a step is one or two loads of weights, 12 or 24 broadcasts and 24 dot products.
 */
#include "infer/conv_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define LANES 16
#define GROUP 4
#define HAS_U8 1

typedef __m512i vi;
typedef __m512 vf;

static inline vi vi_load(const void *p) { return _mm512_loadu_si512(p); }
static inline void vi_store(void *p, vi v) { _mm512_storeu_si512(p, v); }
static inline vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
static inline vi vi_high16(vi v) { return _mm512_srai_epi32(v, 16); }
static inline vi vi_low16(vi v) { return _mm512_and_si512(v, _mm512_set1_epi32(0xffff)); }
static inline vi vi_spread(const char *p) {
    int32_t x;
    __builtin_memcpy(&x, p, sizeof x);
    return _mm512_set1_epi32(x);
}
static inline vi vi_dot16(vi acc, vi x, vi w) { return _mm512_dpwssd_epi32(acc, x, w); }
static inline vi vi_dot8(vi acc, vi x, vi w) { return _mm512_dpbusd_epi32(acc, x, w); }
static inline vf vf_load(const void *p) { return _mm512_loadu_ps(p); }
static inline void vf_store(void *p, vf v) { _mm512_storeu_ps(p, v); }
static inline vf vf_spread(const char *p) {
    float x;
    __builtin_memcpy(&x, p, sizeof x);
    return _mm512_set1_ps(x);
}
static inline vf vf_fma(vf acc, vf x, vf w) { return _mm512_fmadd_ps(x, w, acc); }

#include "infer/conv_tile.h"
#include "infer/loops.h"

/* Per-filter constants of one vector; _e and _o for its even and odd lanes, which multiply in 64 bits apart. */
typedef struct scale {
    vi a_lo, a_hi, mult_e, mult_o, half_e, half_o, shift_e, shift_o, q_lo, q_hi, thr, ceiling;
    bool act, floor; /* whether there is an activation, and values below lo to saturate */
    __m128i pre, up, down; /* total >> pre = (hi << up >> down) + (lo >> pre) */
} scale;

static inline scale scale_of(const ss_conv *c, const ss_conv_tile *t, int n) {
    scale s;
    const int32_t filter = t->filter + n * LANES;
    const vi one = _mm512_set1_epi64(1), shift = vi_load(c->shift + filter);
    const int pre = c->qn->pre;
    s.a_lo = vi_load(c->a_lo + filter);
    s.a_hi = vi_load(c->a_hi + filter);
    s.mult_e = vi_load((c->quick ? c->quick_mult : c->mult) + filter);
    s.mult_o = _mm512_srli_epi64(s.mult_e, 32);
    s.shift_e = _mm512_and_si512(shift, _mm512_set1_epi64(0xff));
    s.shift_o = _mm512_srli_epi64(shift, 32);
    s.half_e = _mm512_sllv_epi64(one, _mm512_sub_epi64(s.shift_e, one));
    s.half_o = _mm512_sllv_epi64(one, _mm512_sub_epi64(s.shift_o, one));
    s.q_lo = _mm512_set1_epi32(c->qn->lo);
    s.q_hi = _mm512_set1_epi32(c->qn->hi);
    s.thr = vi_load((const int32_t *)t->thr + n * LANES);
    s.ceiling = _mm512_set1_epi32(c->qn->ceiling);
    s.act = c->qn->n_thr > 0;
    s.floor = !s.act || c->qn->lo != 0;
    s.pre = _mm_cvtsi32_si128(pre);
    s.up = _mm_cvtsi32_si128(pre < 16 ? 16 - pre : 0);
    s.down = _mm_cvtsi32_si128(pre > 16 ? pre - 16 : 0);
    return s;
}

/* ss_requantise without the last saturation, on 16 values that were shifted right by pre. */
static inline vi requantise(vi a, const scale *s) {
    a = _mm512_max_epi32(_mm512_min_epi32(a, s->a_hi), s->a_lo);
    vi e = _mm512_mul_epi32(a, s->mult_e), o = _mm512_mul_epi32(_mm512_srli_epi64(a, 32), s->mult_o);
    e = _mm512_srav_epi64(_mm512_add_epi64(e, s->half_e), s->shift_e);
    o = _mm512_srav_epi64(_mm512_add_epi64(o, s->half_o), s->shift_o);
    return _mm512_mask_shuffle_epi32(e, 0xAAAA, o, _MM_PERM_CCAA);
}

/* The same where the multipliers are shifted so that the result is the high half of the product. */
static inline vi requantise_quick(vi a, const scale *s) {
    const vi half = _mm512_set1_epi64((int64_t)1 << 31);
    const vi e = _mm512_add_epi64(_mm512_mul_epi32(a, s->mult_e), half);
    const vi o = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(a, 32), s->mult_o), half);
    return _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(e, 32), o);
}

static inline void store16(char *y, vi v, int lanes) {
    const __m256i h = _mm512_cvtepi32_epi16(v);
    if (lanes == LANES) _mm256_storeu_si256((void *)y, h);
    else _mm256_mask_storeu_epi16(y, (__mmask16)((1u << lanes) - 1), h);
}

/* One vector of sums: requantised, saturated, activated. Behind an activation with lo = 0 the threshold stops values
 * below lo, so that they need no saturation. */
static inline vi finish_vector(vi a, vi high, const scale *s, const bool quick, const bool wide) {
    if (wide) {
        const vi h = _mm512_sra_epi32(_mm512_sll_epi32(high, s->up), s->down);
        a = _mm512_add_epi32(h, _mm512_srl_epi32(a, s->pre));
    } else {
        a = _mm512_sra_epi32(a, s->pre);
    }
    vi v = _mm512_min_epi32(quick ? requantise_quick(a, s) : requantise(a, s), s->q_hi);
    if (s->floor) v = _mm512_max_epi32(v, s->q_lo);
    if (s->act) {
        v = _mm512_maskz_min_epi32(_mm512_cmpgt_epi32_mask(v, s->thr), v, s->ceiling);
    }
    return v;
}

KERNEL finish_pixels(const ss_conv *c, const ss_conv_tile *t, const int32_t *lo, const int32_t *hi, int tile,
                     const bool quick, const bool wide) {
    for (int n = 0; n < t->vectors; n++) {
        const scale s = scale_of(c, t, n);
        const int64_t step = t->y_step;
        const int stored = t->stored[n];
        for (int g = 0; g < t->groups; g++) {
            char *y = output(t, g, 0) + n * LANES * 2;
            const int at = (n * tile + g * GROUP) * LANES, pixels = t->pixels[g];
            for (int p = 0; p < pixels; p++, y += step) {
                const vi high = wide ? vi_load(hi + at + p * LANES) : s.thr; /* unused */
                store16(y, finish_vector(vi_load(lo + at + p * LANES), high, &s, quick, wide), stored);
            }
        }
    }
}

static void finish_int(const ss_conv *c, const ss_conv_tile *t, const int32_t *lo, const int32_t *hi, int tile) {
    if (c->quick && c->wide) finish_pixels(c, t, lo, hi, tile, true, true);
    else if (c->quick) finish_pixels(c, t, lo, hi, tile, true, false);
    else if (c->wide) finish_pixels(c, t, lo, hi, tile, false, true);
    else finish_pixels(c, t, lo, hi, tile, false, false);
}

static void finish_float(const ss_conv *c, const ss_conv_tile *t, const float *sum, int tile) {
    const vf ceiling = _mm512_set1_ps(c->n->act.ceiling);
    for (int n = 0; n < t->vectors; n++) {
        const vf thr = vf_load((const float *)t->thr + n * LANES);
        const __mmask16 lanes = (__mmask16)((1u << t->stored[n]) - 1);
        EACH_PIXEL(t, g, p) {
            vf v = vf_load(sum + (n * tile + g * GROUP + p) * LANES);
            if (c->n->act.on) v = _mm512_maskz_min_ps(_mm512_cmp_ps_mask(v, thr, _CMP_GT_OQ), v, ceiling);
            _mm512_mask_storeu_ps(output(t, g, p) + n * LANES * 4, lanes, v);
        }
    }
}

TILE_OF(1, 1)
TILE_OF(1, 2)
TILE_OF(4, 1)
TILE_OF(4, 2)
TILE_OF(8, 1)
TILE_OF(8, 2)
TILE_OF(12, 1)
TILE_OF(12, 2)
TILE_OF(24, 1)

static void tile(const ss_conv *c, const ss_conv_tile *t) {
    static void (*const one[])(const ss_conv *, const ss_conv_tile *) = {
        tile_1_1, tile_4_1, tile_8_1, tile_12_1, tile_24_1, tile_24_1, tile_24_1
    };
    static void (*const two[])(const ss_conv *, const ss_conv_tile *) = { tile_1_2, tile_4_2, tile_8_2, tile_12_2 };
    const int groups = is_one_pixel(t) ? 0 : t->groups;
    t->vectors == 1 ? one[groups](c, t) : two[groups](c, t);
}

const ss_loops ss_loops_avx512 = { add, count_ends };
const ss_conv_kernels ss_conv_avx512 = { LANES, GROUP, 3, tile, to_bytes, row_squares, depth_int, depth_float };
#endif
