/* count: counting of non-zeros in windows, fast. For profile/ only.
 *
 * Everything is bytes: the non-zero map of a tensor (1 where an element is not zero), sums over windows (at
 * most 255 elements) and histogram counters, so that one vector instruction works on 16 or 32 channels.
 * Results do not depend on the instruction set.
 */
#ifndef SS_PROFILE_COUNT_H
#define SS_PROFILE_COUNT_H

#include "graph/graph.h"

#define SS_COUNT_MAX_K 255

/* Histograms of values 0..k, one for each of `period` interleaved sequences (channels; 1: one histogram). */
typedef struct ss_counter {
    int32_t k;
    size_t period;
    size_t lanes;    /* multiple of period and of the vector; 0: no byte counters (k > SS_COUNT_MAX_K) */
    uint8_t *acc;    /* [k][lanes]: how often value v < k was seen; the count of k follows from filled */
    int32_t filled;  /* rows of `lanes` values in acc, at most 255 */
    uint64_t *total; /* [period][k+1] */
} ss_counter;

bool ss_counter_init(ss_counter *c, ss_arena *arena, int32_t k, size_t period);
void ss_counter_flush(ss_counter *c); /* after the last values: total is complete */

/* Maps of non-zeros have `left` zero pixels in front of each row and `right` behind. */
typedef struct ss_map {
    uint8_t *data; /* [h][left + w + right][c] */
    ss_shape shape;
    int32_t left, right;
} ss_map;

/* Fill the map from integers at in[(y*w + x)*stride + c], and count its zeros per channel (k = 1). */
void ss_count_map(ss_map *m, const int16_t *in, int32_t stride, ss_counter *zeros);

/* Windows of one convolution over a map. */
typedef struct ss_windows {
    ss_window win;
    int32_t oh, ow;
    int32_t n_ci;
    const int64_t *ci;     /* ascending, ci[0] = 1 */
    const int32_t *parent; /* [n_ci]: the largest earlier divisor that divides ci[i] */
    ss_counter *hist;      /* period: channels */
    ss_counter *max_hist;  /* [n_ci], period 1; entry 0 is not used: it is the sum of hist */
    uint8_t *column;       /* scratch [left + w + right][c] */
    uint8_t **steps;       /* scratch [n_ci][ow * c / ci] */
} ss_windows;

void ss_count_windows(ss_windows *w, const ss_map *m);

#endif
