/* calib: ranges of tensors, for quant/ only.
 *
 * A range counts |x| in SS_CALIB_BINS bins whose width is a power of two: the smallest for which the largest value
 * fits. Growing merges neighbouring bins, which is exact, so a range does not depend on the order of its values.
 */
#ifndef SS_CALIB_H
#define SS_CALIB_H

#include "quant/quant.h"

#define SS_CALIB_BINS 2048
#define SS_CALIB_BINS_LOG2 11
#define SS_CALIB_MIN_EXPONENT (-126)
#define SS_CALIB_MAX_EXPONENT 117

typedef struct ss_range {
    float min, max;    /* of the values; 0, 0 before the first */
    int exponent;      /* bin b holds |x| in [b, b+1) * 2^exponent */
    uint64_t count;    /* values, zeros included */
    uint64_t zeros;    /* exact zeros; they are in no bin */
    uint64_t bad;      /* NaN and infinities; they are in no bin */
    uint64_t bins[SS_CALIB_BINS];
} ss_range;

struct ss_calib {
    ss_ctx *ctx;
    const ss_graph *g;
    uint64_t model;   /* ss_graph_hash */
    int64_t images;
    int32_t n;
    ss_range *ranges; /* [n], by node */
};

void ss_range_init(ss_range *r);
/* height*width pixels of `channels` values, `stride` apart. */
void ss_range_add(ss_range *r, const float *x, int64_t pixels, int32_t channels, int32_t stride);
void ss_range_merge(ss_range *to, const ss_range *from);
/* Largest |x| seen. */
float ss_range_absmax(const ss_range *r);
/* Mean squared error of the values when they are rounded to multiples of 2^-frac and saturated to +-top * 2^-frac. */
double ss_range_error(const ss_range *r, int frac, int32_t top);

#endif
