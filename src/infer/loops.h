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
