/* loops: plain loops that are written once and compiled for each instruction set, where the compiler turns them into
 * vectors. Included by conv_portable.c, conv_avx2.c and conv_avx512.c.
 */
#include "infer/conv_internal.h"
#include "infer/ops.h"

#include <math.h>
#include <string.h>

/* Only kernels with a form U8 use it. */
__attribute__((unused)) static void to_bytes(const int16_t *x, int32_t n, int32_t offset, uint8_t *y) {
    for (int32_t i = 0; i < n; i++) y[i] = (uint8_t)(x[i] + offset);
}

/* Sum of squares / 32, rounded up, of at most SS_CONV_CHUNK values: at most 2^30 + 32. */
static inline int32_t square_sum(const int16_t *x, int32_t n) {
    int32_t sum = n;
    for (int32_t i = 0; i < n; i++) sum += (x[i] * x[i]) >> 5;
    return sum;
}

#ifdef __AVX2__
/* The squares of 16 or 32 values, in pairs / 32 (a pair is at most 2^31, unsigned): eight sums, rounded down. */
static inline __m256i pair_squares(const int16_t *x, bool two) {
    const __m256i a = _mm256_loadu_si256((const void *)x);
    const __m256i s = _mm256_srli_epi32(_mm256_madd_epi16(a, a), 5);
    if (!two) return s;
    const __m256i b = _mm256_loadu_si256((const void *)(x + 16));
    return _mm256_add_epi32(s, _mm256_srli_epi32(_mm256_madd_epi16(b, b), 5));
}

/* The largest square_sum of a chunk of 16 or 32 values over 4 or more pixels, four at a time; the last four again. */
static inline int32_t largest_square_sum(const int16_t *x, int32_t pixels, int32_t cs, bool two) {
    __m128i max = _mm_setzero_si128();
    for (int32_t p = 0; p < pixels; p += 4) {
        const int16_t *at = x + (int64_t)(p + 4 <= pixels ? p : pixels - 4) * cs;
        const __m256i a = _mm256_hadd_epi32(pair_squares(at, two), pair_squares(at + cs, two));
        const __m256i b = _mm256_hadd_epi32(pair_squares(at + 2 * cs, two), pair_squares(at + 3 * cs, two));
        const __m256i ab = _mm256_hadd_epi32(a, b);
        max = _mm_max_epi32(max, _mm_add_epi32(_mm256_castsi256_si128(ab), _mm256_extracti128_si256(ab, 1)));
    }
    max = _mm_max_epi32(max, _mm_shuffle_epi32(max, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(max, _mm_shuffle_epi32(max, 0xb1))) + SS_CONV_CHUNK;
}
#endif

static void row_squares(const int16_t *row, int32_t pixels, int32_t cs, int32_t *max) {
    for (int32_t from = 0; from < cs; from += SS_CONV_CHUNK, max++) {
        const int32_t n = cs - from < SS_CONV_CHUNK ? cs - from : SS_CONV_CHUNK;
#ifdef __AVX2__
        if (pixels >= 4 && n % 16 == 0) {
            *max = largest_square_sum(row + from, pixels, cs, n == 32);
            continue;
        }
#endif
        *max = 0;
        for (int32_t p = 0; p < pixels; p++) {
            const int32_t s = square_sum(row + (int64_t)p * cs + from, n);
            if (s > *max) *max = s;
        }
    }
}

static void depth_int(int64_t *acc, const int16_t *x, const int16_t *w, int32_t groups, int32_t per_group) {
    if (per_group == 1) {
        for (int32_t f = 0; f < groups; f++) acc[f] += x[f] * w[f];
        return;
    }
    for (int32_t f = 0; f < groups * per_group; f++) acc[f] += x[f / per_group] * w[f];
}

/* One rounding where the processor can; a call would cost tenfold. */
static inline float multiply_add(float x, float w, float acc) {
#ifdef __FMA__
    return fmaf(x, w, acc);
#else
    return acc + x * w;
#endif
}

static void depth_float(float *acc, const float *x, const float *w, int32_t groups, int32_t per_group) {
    if (per_group == 1) {
        for (int32_t f = 0; f < groups; f++) acc[f] = multiply_add(x[f], w[f], acc[f]);
        return;
    }
    for (int32_t f = 0; f < groups * per_group; f++) acc[f] = multiply_add(x[f / per_group], w[f], acc[f]);
}

static inline int32_t shift_left(int16_t v, int by) { return (int32_t)((uint32_t)(int32_t)v << by); }

static void add(const ss_qnode *q, const int16_t *restrict a, const int16_t *restrict b, int64_t n,
                int16_t *restrict y) {
    const int sa = q->in_shift[0], sb = q->in_shift[1], pre = q->pre, shift = q->shift[0];
    const int32_t half = 1 << (shift - 1), lo = q->lo, hi = q->n_thr ? q->ceiling : q->hi;
    const int32_t t = q->n_thr ? q->thr[0] : INT32_MIN; /* without an activation everything passes */
    for (int64_t i = 0; i < n; i++) {
        int32_t v = (((shift_left(a[i], sa) + shift_left(b[i], sb)) >> pre) + half) >> shift;
        v = v < lo ? lo : v;
        v = v > t ? v : 0;
        y[i] = (int16_t)(v > hi ? hi : v);
    }
}

static int64_t count_ends(const int16_t *x, int64_t n, int16_t lo, int16_t hi) {
    int64_t count = 0;
    for (int64_t from = 0; from < n; from += 4096) {
        const int64_t to = from + 4096 < n ? from + 4096 : n;
        uint16_t here = 0; /* 16 bits, so that compilers count in full vectors */
        if (lo < 0)
            for (int64_t i = from; i < to; i++) here = (uint16_t)(here + (x[i] == hi || x[i] == lo));
        else
            for (int64_t i = from; i < to; i++) here = (uint16_t)(here + (x[i] == hi));
        count += here;
    }
    return count;
}
