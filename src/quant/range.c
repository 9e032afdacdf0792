/* Histograms of one tensor's values. See calib.h. */
#include "quant/calib.h"

#include <float.h>
#include <math.h>

void ss_range_init(ss_range *r) { *r = (ss_range){ .exponent = SS_CALIB_MIN_EXPONENT }; }

float ss_range_absmax(const ss_range *r) { return -r->min > r->max ? -r->min : r->max; }

/* Widen the bins to 2^exponent. */
static void widen(ss_range *r, int exponent) {
    const int merge = exponent - r->exponent;
    if (merge <= 0) return;
    r->exponent = exponent;
    for (int b = 1; b < SS_CALIB_BINS; b++) {
        const uint64_t held = r->bins[b];
        r->bins[b] = 0;
        r->bins[merge > SS_CALIB_BINS_LOG2 ? 0 : b >> merge] += held;
    }
}

/* The smallest exponent for which absmax < BINS * 2^exponent. */
static int exponent_for(float absmax) {
    int k;
    frexpf(absmax, &k);
    k -= SS_CALIB_BINS_LOG2;
    return absmax > 0 && k > SS_CALIB_MIN_EXPONENT ? k : SS_CALIB_MIN_EXPONENT;
}

static void add_pixel(ss_range *r, const float *x, int32_t channels, float to_bin) {
    for (int32_t c = 0; c < channels; c++) {
        const float a = fabsf(x[c]);
        if (a == 0) r->zeros++;
        else if (a <= FLT_MAX) r->bins[(int)(a * to_bin)]++;
        else r->bad++;
    }
}

void ss_range_add(ss_range *r, const float *x, int64_t pixels, int32_t channels, int32_t stride) {
    float lo = r->min, hi = r->max;
    for (int64_t p = 0; p < pixels; p++)
        for (int32_t c = 0; c < channels; c++) {
            const float v = x[p * stride + c];
            lo = v < lo && v >= -FLT_MAX ? v : lo;
            hi = v > hi && v <= FLT_MAX ? v : hi;
        }
    r->min = lo;
    r->max = hi;
    widen(r, exponent_for(ss_range_absmax(r)));
    const float to_bin = ldexpf(1.0f, -r->exponent);
    for (int64_t p = 0; p < pixels; p++) add_pixel(r, x + p * stride, channels, to_bin);
    r->count += (uint64_t)pixels * (uint64_t)channels;
}

void ss_range_merge(ss_range *to, const ss_range *from) {
    ss_range other = *from;
    widen(to, other.exponent);
    widen(&other, to->exponent);
    if (other.min < to->min) to->min = other.min;
    if (other.max > to->max) to->max = other.max;
    to->count += other.count;
    to->zeros += other.zeros;
    to->bad += other.bad;
    for (int b = 0; b < SS_CALIB_BINS; b++) to->bins[b] += other.bins[b];
}

/* A bin counts as its centre plus the variance of values spread evenly over it. Zeros have no error. */
double ss_range_error(const ss_range *r, int frac, int32_t top) {
    const double width = ldexp(1.0, r->exponent), step = ldexp(1.0, -frac);
    double sum = 0;
    for (int b = 0; b < SS_CALIB_BINS; b++) {
        if (r->bins[b] == 0) continue;
        const double x = (b + 0.5) * width;
        const double error = x - fmin(floor(x / step + 0.5), top) * step;
        sum += (double)r->bins[b] * (error * error + width * width / 12);
    }
    return r->count ? sum / (double)r->count : 0;
}
