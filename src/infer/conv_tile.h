/* conv_tile: the tile kernels, written once and compiled for each instruction set. Included by conv_portable.c,
 * conv_avx2.c and conv_avx512.c, which define before:
 *   LANES, PIXELS      filters of a vector, pixels of a full tile
 *   vi, vf             vectors of LANES int32_t and float
 *   vi_load vi_store vi_add vi_spread(const void *)         spread: one 32-bit word to all lanes
 *   vi_dot16(acc, x, w)  acc + x.lo * w.lo + x.hi * w.hi    of the int16 halves of each lane
 *   vi_high16 vi_low16   v >> 16 (arithmetic), v & 0xffff
 *   vf_load vf_store vf_spread vf_fma(acc, x, w)            one rounding
 *   finish_int(c, t, lo, hi) and finish_float(c, t, sum)    bias is in the sums; sums are [vector][pixel][lane]
 *   and, where HAS_U8 is defined, vi_dot8(acc, x, w)        four products of unsigned x and signed w
 *
 * A kernel is an inline function of constant P (pixels) and N (vectors), so its sums live in registers.
 */
#include "infer/conv_internal.h"

#include <math.h>
#include <string.h>

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define KERNEL static inline __attribute__((always_inline)) void
#define SUMS (SS_CONV_VECTORS * SS_CONV_PIXELS * SS_CONV_LANES)

typedef struct sums {
    _Alignas(64) int32_t lo[SUMS];
    _Alignas(64) int32_t hi[SUMS];
} sums;

#define EACH(i, n) \
    UNROLL \
    for (int i = 0; i < (n); i++)

/* One step: 32 bits of every pixel's window against one lane-wide column of weights. */
KERNEL step16(vi acc[][PIXELS], const char *const *x, int64_t k, const char *w, const int P, const int N) {
    vi wv[SS_CONV_VECTORS];
    EACH(n, N) wv[n] = vi_load(w + (size_t)n * sizeof(vi));
    EACH(p, P) {
        const vi xv = vi_spread(x[p] + k);
        EACH(n, N) acc[n][p] = vi_dot16(acc[n][p], xv, wv[n]);
    }
}

KERNEL spill(vi acc[][PIXELS], int32_t *hi, const int P, const int N) {
    EACH(n, N) EACH(p, P) {
        int32_t *h = hi + (n * P + p) * LANES;
        vi_store(h, vi_add(vi_load(h), vi_high16(acc[n][p])));
        acc[n][p] = vi_low16(acc[n][p]);
    }
}

/* Sums of 16-bit products that fit 32 bits whatever the data. */
KERNEL tile16(const ss_conv *c, const ss_conv_tile *t, sums *s, const int P, const int N) {
    vi acc[SS_CONV_VECTORS][PIXELS];
    const char *x[PIXELS], *w = t->w;
    EACH(p, P) x[p] = t->x[p];
    EACH(n, N) EACH(p, P) acc[n][p] = vi_load(c->bias_lo + t->filter + n * LANES);
    for (int32_t i = 0; i < c->n->win.kh; i++) {
        for (int64_t k = 0; k < c->run_bytes; k += 4, w += (size_t)N * sizeof(vi)) step16(acc, x, k, w, P, N);
        EACH(p, P) x[p] += c->row_bytes;
    }
    EACH(n, N) EACH(p, P) vi_store(s->lo + (n * P + p) * LANES, acc[n][p]);
}

/* Sums of 16-bit products by the tile's plan. */
KERNEL tile16_wide(const ss_conv *c, const ss_conv_tile *t, sums *s, const int P, const int N) {
    vi acc[SS_CONV_VECTORS][PIXELS];
    const char *x[PIXELS], *w = t->w;
    const uint8_t *plan = t->plan;
    EACH(p, P) x[p] = t->x[p];
    EACH(n, N) EACH(p, P) {
        acc[n][p] = vi_load(c->bias_lo + t->filter + n * LANES);
        vi_store(s->hi + (n * P + p) * LANES, vi_load(c->bias_hi + t->filter + n * LANES));
    }
    const int32_t pixel = c->cs * 2, chunk = SS_CONV_CHUNK * 2;
    for (int32_t i = 0; i < c->n->win.kh; i++) {
        int64_t k = 0;
        for (int32_t left = c->run_bytes; left > 0;) {
            for (int32_t in_pixel = pixel; in_pixel > 0; in_pixel -= chunk) {
                const int64_t end = k + (in_pixel < chunk ? in_pixel : chunk);
                const int what = *plan++;
                if (what == SS_SPILL_EVERY_STEP)
                    for (; k < end; k += 4, w += (size_t)N * sizeof(vi)) {
                        spill(acc, s->hi, P, N);
                        step16(acc, x, k, w, P, N);
                    }
                else if (what == SS_SPILL_ONCE) spill(acc, s->hi, P, N);
                for (; k < end; k += 4, w += (size_t)N * sizeof(vi)) step16(acc, x, k, w, P, N);
            }
            left -= pixel;
        }
        EACH(p, P) x[p] += c->row_bytes;
    }
    spill(acc, s->hi, P, N);
    EACH(n, N) EACH(p, P) vi_store(s->lo + (n * P + p) * LANES, acc[n][p]);
}

#ifdef HAS_U8
KERNEL tile8(const ss_conv *c, const ss_conv_tile *t, sums *s, const int P, const int N) {
    vi acc[SS_CONV_VECTORS][PIXELS];
    const char *x[PIXELS], *w = t->w;
    EACH(p, P) x[p] = t->x[p];
    EACH(n, N) EACH(p, P) acc[n][p] = vi_load(c->bias_lo + t->filter + n * LANES);
    for (int32_t i = 0; i < c->n->win.kh; i++) {
        for (int64_t k = 0; k < c->run_bytes; k += 4, w += (size_t)N * sizeof(vi)) {
            vi wv[SS_CONV_VECTORS];
            EACH(n, N) wv[n] = vi_load(w + (size_t)n * sizeof(vi));
            EACH(p, P) {
                const vi xv = vi_spread(x[p] + k);
                EACH(n, N) acc[n][p] = vi_dot8(acc[n][p], xv, wv[n]);
            }
        }
        EACH(p, P) x[p] += c->row_bytes;
    }
    EACH(n, N) EACH(p, P) vi_store(s->lo + (n * P + p) * LANES, acc[n][p]);
}
#endif

KERNEL tile_float(const ss_conv *c, const ss_conv_tile *t, float *sum, const int P, const int N) {
    vf acc[SS_CONV_VECTORS][PIXELS];
    const char *x[PIXELS], *w = t->w;
    EACH(p, P) x[p] = t->x[p];
    EACH(n, N) EACH(p, P) acc[n][p] = vf_load(c->bias_f + t->filter + n * LANES);
    for (int32_t i = 0; i < c->n->win.kh; i++) {
        for (int64_t k = 0; k < c->run_bytes; k += 4, w += (size_t)N * sizeof(vf)) {
            vf wv[SS_CONV_VECTORS];
            EACH(n, N) wv[n] = vf_load(w + (size_t)n * sizeof(vf));
            EACH(p, P) {
                const vf xv = vf_spread(x[p] + k);
                EACH(n, N) acc[n][p] = vf_fma(acc[n][p], xv, wv[n]);
            }
        }
        EACH(p, P) x[p] += c->row_bytes;
    }
    EACH(n, N) EACH(p, P) vf_store(sum + (n * P + p) * LANES, acc[n][p]);
}

/* One size of tile, all forms. */
#define TILE_OF(P, N) \
    static void tile_##P##_##N(const ss_conv *c, const ss_conv_tile *t) { \
        sums s; \
        float *f = (float *)(void *)s.lo; \
        if (c->form == SS_FORM_FLOAT) { \
            tile_float(c, t, f, P, N); \
            finish_float(c, t, f, P); \
            return; \
        } \
        TILE8(c, t, &s, P, N) \
        if (c->wide) tile16_wide(c, t, &s, P, N); \
        else tile16(c, t, &s, P, N); \
        finish_int(c, t, s.lo, s.hi, P); \
    }
#ifdef HAS_U8
#define TILE8(c, t, s, P, N) \
    if (c->form == SS_FORM_U8) tile8(c, t, s, P, N); \
    else
#else
#define TILE8(c, t, s, P, N)
#endif

#ifdef HAS_U8
static void to_bytes(const int16_t *x, int32_t n, int32_t offset, uint8_t *y) {
    for (int32_t i = 0; i < n; i++) y[i] = (uint8_t)(x[i] + offset);
}
#endif

/* Sum of squares / 32, rounded up, of at most SS_CONV_CHUNK values: at most 2^30 + 32. */
static inline int32_t square_sum(const int16_t *x, int32_t n) {
    int32_t sum = n, i = 0;
#ifdef __AVX2__
    __m256i v = _mm256_setzero_si256();
    for (; i + 16 <= n; i += 16) {
        const __m256i a = _mm256_loadu_si256((const void *)(x + i));
        v = _mm256_add_epi32(v, _mm256_srli_epi32(_mm256_madd_epi16(a, a), 5)); /* pairs: at most 2^31, unsigned */
    }
    __m128i h = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0x4e));
    sum += _mm_cvtsi128_si32(_mm_add_epi32(h, _mm_shuffle_epi32(h, 0xb1)));
#endif
    for (; i < n; i++) sum += (x[i] * x[i]) >> 5;
    return sum;
}

static void row_squares(const int16_t *row, int32_t pixels, int32_t cs, int32_t *max) {
    const int32_t chunks = (cs + SS_CONV_CHUNK - 1) / SS_CONV_CHUNK;
    memset(max, 0, (size_t)chunks * sizeof *max);
    for (int32_t p = 0; p < pixels; p++, row += cs)
        for (int32_t i = 0; i < chunks; i++) {
            const int16_t *x = row + i * SS_CONV_CHUNK;
            const int32_t left = cs - i * SS_CONV_CHUNK;
            const int32_t s = square_sum(x, left < SS_CONV_CHUNK ? left : SS_CONV_CHUNK);
            if (s > max[i]) max[i] = s;
        }
}

static void depth_int(int64_t *acc, const int16_t *x, const int16_t *w, int32_t groups, int32_t per_group) {
    if (per_group == 1) {
        for (int32_t f = 0; f < groups; f++) acc[f] += x[f] * w[f];
        return;
    }
    for (int32_t f = 0; f < groups * per_group; f++) acc[f] += x[f / per_group] * w[f];
}

static void depth_float(float *acc, const float *x, const float *w, int32_t groups, int32_t per_group) {
    if (per_group == 1) {
        for (int32_t f = 0; f < groups; f++) acc[f] = fmaf(x[f], w[f], acc[f]);
        return;
    }
    for (int32_t f = 0; f < groups * per_group; f++) acc[f] = fmaf(x[f / per_group], w[f], acc[f]);
}
