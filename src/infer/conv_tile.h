/* conv_tile: the tile kernels, written once and compiled for each instruction set. Included by conv_portable.c,
 * conv_avx2.c and conv_avx512.c, which define before:
 *   LANES, GROUP       filters of a vector, neighbouring pixels of a group
 *   vi, vf             vectors of LANES int32_t and float
 *   vi_load vi_store vi_add vi_spread(const void *)         spread: one 32-bit word to all lanes
 *   vi_dot16(acc, x, w)  acc + x.lo * w.lo + x.hi * w.hi    of the int16 halves of each lane
 *   vi_high16 vi_low16   v >> 16 (arithmetic), v & 0xffff
 *   vf_load vf_store vf_spread vf_fma(acc, x, w)            one rounding; portable: two
 *   finish_int(c, t, lo, hi) and finish_float(c, t, sum)    bias is in the sums; sums are [vector][pixel][lane]
 *   HAS_U8, and where it is 1, vi_dot8(acc, x, w)        four products of unsigned x and signed w
 *
 * A kernel is an inline function of constant P (pixels) and N (vectors), so its sums live in registers.
 */
#include "infer/conv_internal.h"

#include <math.h>
#include <string.h>

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
#define KERNEL static inline __attribute__((always_inline)) void
#define SUMS (SS_CONV_SUMS * SS_CONV_LANES)

typedef struct sums {
    _Alignas(64) int32_t lo[SUMS];
    _Alignas(64) int32_t hi[SUMS];
} sums;

#define EACH(i, n) \
    UNROLL \
    for (int i = 0; i < (n); i++)

/* A pointer that the compiler shall keep in a register rather than work out one for each pixel: there are too few. */
#define IN_REGISTER(p) __asm__("" : "+r"(p))
#define EACH_GROUP(g, P) EACH(g, ((P) + GROUP - 1) / GROUP)

/* The window of pixel p, whose group begins at q[p / GROUP]. */
#define WINDOW(q, p, step) ((q)[(p) / GROUP] + (p) % GROUP * (step))

KERNEL advance(const char **q, int64_t by, const int P) {
    EACH_GROUP(g, P) {
        q[g] += by;
        IN_REGISTER(q[g]);
    }
}

static inline vi dot(vi acc, vi x, vi w, const bool u8) {
#if HAS_U8
    if (u8) return vi_dot8(acc, x, w);
#endif
    (void)u8;
    return vi_dot16(acc, x, w);
}

/* One step: 32 bits of every pixel's window, k bytes on, against one lane-wide column of weights. */
KERNEL step_int(vi *acc, const char *const *q, int64_t step, int k, const char *w, const int P, const int N,
                const bool u8) {
    vi wv[SS_CONV_VECTORS];
    EACH(n, N) wv[n] = vi_load(w + (size_t)n * sizeof(vi));
    EACH(p, P) {
        const vi xv = vi_spread(WINDOW(q, p, step) + k);
        EACH(n, N) acc[n * P + p] = dot(acc[n * P + p], xv, wv[n], u8);
    }
}

/* `bytes` of every pixel's window; moves q and w behind them. */
KERNEL steps_int(vi *acc, const char **q, int64_t step, const char **w, int32_t bytes, const int P, const int N,
                 const bool u8) {
    const size_t column = (size_t)N * sizeof(vi);
    for (; bytes >= 16; bytes -= 16, *w += 4 * column) {
        EACH(u, 4) step_int(acc, q, step, u * 4, *w + (size_t)u * column, P, N, u8);
        advance(q, 16, P);
    }
    for (; bytes > 0; bytes -= 4, *w += column) {
        step_int(acc, q, step, 0, *w, P, N, u8);
        advance(q, 4, P);
    }
}

KERNEL spill(vi *acc, int32_t *hi, const int P, const int N) {
    EACH(i, N * P) {
        int32_t *h = hi + i * LANES;
        vi_store(h, vi_add(vi_load(h), vi_high16(acc[i])));
        acc[i] = vi_low16(acc[i]);
    }
}

/* Sums that fit 32 bits whatever the data. */
KERNEL tile_narrow(const ss_conv *c, const ss_conv_tile *t, sums *s, const int P, const int N, const bool u8) {
    vi acc[SS_CONV_SUMS];
    const char *q[SS_CONV_GROUPS], *w = t->w;
    const int64_t step = t->x_step;
    EACH_GROUP(g, P) q[g] = t->x[g];
    EACH(n, N) EACH(p, P) acc[n * P + p] = vi_load(c->bias_lo + t->filter + n * LANES);
    for (int32_t i = 0; i < c->n->win.kh; i++) {
        steps_int(acc, q, step, &w, c->run_bytes, P, N, u8);
        advance(q, c->row_bytes - c->run_bytes, P);
    }
    EACH(i, N * P) vi_store(s->lo + i * LANES, acc[i]);
}

/* Sums of 16-bit products by the tile's plan. */
KERNEL tile_wide(const ss_conv *c, const ss_conv_tile *t, sums *s, const int P, const int N) {
    vi acc[SS_CONV_SUMS];
    const char *q[SS_CONV_GROUPS], *w = t->w;
    const uint8_t *plan = t->plan;
    const int64_t step = t->x_step;
    EACH_GROUP(g, P) q[g] = t->x[g];
    EACH(n, N) EACH(p, P) {
        acc[n * P + p] = vi_load(c->bias_lo + t->filter + n * LANES);
        vi_store(s->hi + (n * P + p) * LANES, vi_load(c->bias_hi + t->filter + n * LANES));
    }
    const int32_t chunk = SS_CONV_CHUNK * 2;
    for (int32_t i = 0; i < c->n->win.kh; i++) {
        for (int32_t left = c->run_bytes, in_pixel = 0; left > 0;) {
            if (in_pixel == 0) in_pixel = c->cs * 2;
            const int32_t bytes = in_pixel < chunk ? in_pixel : chunk;
            const int what = *plan++;
            if (what == SS_SPILL_EVERY_STEP)
                for (int32_t k = 0; k < bytes; k += 4) {
                    spill(acc, s->hi, P, N);
                    steps_int(acc, q, step, &w, 4, P, N, false);
                }
            else {
                if (what == SS_SPILL_ONCE) spill(acc, s->hi, P, N);
                steps_int(acc, q, step, &w, bytes, P, N, false);
            }
            in_pixel -= bytes;
            left -= bytes;
        }
        advance(q, c->row_bytes - c->run_bytes, P);
    }
    spill(acc, s->hi, P, N);
    EACH(i, N * P) vi_store(s->lo + i * LANES, acc[i]);
}

KERNEL step_float(vf *acc, const char *const *q, int64_t step, int k, const char *w, const int P, const int N) {
    vf wv[SS_CONV_VECTORS];
    EACH(n, N) wv[n] = vf_load(w + (size_t)n * sizeof(vf));
    EACH(p, P) {
        const vf xv = vf_spread(WINDOW(q, p, step) + k);
        EACH(n, N) acc[n * P + p] = vf_fma(acc[n * P + p], xv, wv[n]);
    }
}

KERNEL tile_float(const ss_conv *c, const ss_conv_tile *t, float *sum, const int P, const int N) {
    vf acc[SS_CONV_SUMS];
    const char *q[SS_CONV_GROUPS], *w = t->w;
    const size_t column = (size_t)N * sizeof(vf);
    const int64_t step = t->x_step;
    EACH_GROUP(g, P) q[g] = t->x[g];
    EACH(n, N) EACH(p, P) acc[n * P + p] = vf_load(c->bias_f + t->filter + n * LANES);
    for (int32_t i = 0; i < c->n->win.kh; i++) {
        for (int32_t k = 0; k < c->run_bytes; k += 16, w += 4 * column) { /* a pixel is whole 4s */
            EACH(u, 4) step_float(acc, q, step, u * 4, w + (size_t)u * column, P, N);
            advance(q, 16, P);
        }
        advance(q, c->row_bytes - c->run_bytes, P);
    }
    EACH(i, N * P) vf_store(sum + i * LANES, acc[i]);
}

/* The pixels to be stored, p of group g. */
#define EACH_PIXEL(t, g, p) \
    for (int g = 0; g < (t)->groups; g++) \
        for (int p = 0; p < (t)->pixels[g]; p++)

static inline char *output(const ss_conv_tile *t, int g, int p) { return t->y[g] + p * t->y_step + t->y_at; }

static inline bool is_one_pixel(const ss_conv_tile *t) { return t->groups == 1 && t->pixels[0] == 1; }

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
        if (c->wide) tile_wide(c, t, &s, P, N); \
        else if (HAS_U8 && c->form == SS_FORM_U8) tile_narrow(c, t, &s, P, N, true); \
        else tile_narrow(c, t, &s, P, N, false); \
        finish_int(c, t, s.lo, s.hi, P); \
    }
