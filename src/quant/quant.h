/* quant: post-training fixed point. The numeric contract in one place: C reference == cycle simulator == RTL.
 *
 * Tensor of node i: real value = q * 2^-frac, q signed `bits` wide (8 or 16).
 * Convolution: acc = sum(w_q * x_q) + bias_q, exact in acc_bits bits (from each filter's own weights and the
 * range of its input, so it cannot overflow); then ss_requantise; then the activation.
 * Weights: per output channel one real scale; w_q in [-(2^(bits-1)-1), 2^(bits-1)-1].
 * Every other node ends in ss_requantise too (add, concat, avgpool align and shift), or copies (maxpool,
 * slice, chanpad keep their input's frac).
 */
#ifndef SS_QUANT_H
#define SS_QUANT_H

#include "data/data.h"
#include "graph/graph.h"

/* The one rounding: drop `pre` low bits (arithmetic shift), multiply by mult (< 2^17, so that one 27x18 DSP
 * does it: the accumulator has at most 27 bits after `pre`), add half, arithmetic shift right, saturate to lo..hi.
 * shift >= 1. rtl: requantise. */
static inline int32_t ss_requantise(int64_t acc, int pre, int32_t mult, int shift, int32_t lo, int32_t hi) {
    int64_t v = (((acc >> pre) * mult) + ((int64_t)1 << (shift - 1))) >> shift;
    return v < lo ? lo : v > hi ? hi : (int32_t)v;
}

/* y > t ? min(y, ceiling) : 0; strict. rtl: relu. */
static inline int32_t ss_act_int(int32_t y, int32_t t, int32_t ceiling) {
    return y > t ? (y < ceiling ? y : ceiling) : 0;
}

typedef struct ss_qnode {
    int frac;           /* of this node's output */
    int32_t lo, hi;     /* range of the output: 0..2^(bits-1)-1 behind an activation or where no input of an add, concat,
                         * pool, slice or channel pad can be negative; else -2^(bits-1)..2^(bits-1)-1 */
    int acc_bits;       /* signed width of the accumulator, worst filter: holds every partial sum, in any order */
    int pre;            /* low bits dropped before the multiplier */
    int32_t n_mult;     /* 0 (copies), 1, or one per output channel; AVGPOOL that leaves padding out of its divisor:
                         * kh*kw + 1, by the number of elements inside the map */
    int32_t *mult;
    uint8_t *shift;
    const int16_t *weights; /* CONV: [f][c/groups][kh][kw] */
    const double *unit;     /* CONV: [f], what 1 in the accumulator is as a real number */
    int64_t *bias;          /* CONV: [f], in units */
    uint8_t *filter_acc_bits; /* CONV: [f] */
    int32_t n_thr;          /* 0 (no activation), 1, or channels */
    int32_t *thr;           /* floor(t * 2^frac), at most hi; room for one per channel */
    int32_t ceiling;        /* hi when there is none */
    int in_shift[SS_MAX_INPUTS]; /* ADD, CONCAT: left shift that aligns input k to the common frac; mult is 1 there */
} ss_qnode;

typedef struct ss_quant {
    ss_ctx *ctx;
    ss_arena *arena;
    int bits;
    ss_qnode *nodes; /* [g->n], same indices as the graph */
    int32_t n;
} ss_quant;

/* Ranges of every tensor, measured on a float run over calibration images: what quantisation needs, kept so that
 * 16 and 8 bits come from one measurement. */
typedef struct ss_calib ss_calib;
ss_status ss_calibrate(ss_ctx *ctx, const ss_graph *g, const ss_dataset *d, const ss_norm *norm, ss_calib **out);
void ss_calib_free(ss_calib *c);
ss_status ss_calib_save(const ss_calib *c, const char *path);
ss_status ss_calib_load(ss_ctx *ctx, const ss_graph *g, const char *path, ss_calib **out);
/* What --calib means, for every command that takes it: spec is a saved calibration (*.json) or images (file or folder);
 * NULL: the first images of d, for ranges only, and a note says so. At most SS_CALIB_IMAGES images are run. Measure with
 * the thresholds that the model came with, before others are set. */
#define SS_CALIB_IMAGES 500
ss_status ss_calib_obtain(ss_ctx *ctx, const ss_graph *g, const char *spec, const ss_dataset *d, const ss_norm *norm,
                          ss_calib **out);

/* 16 bits: frac covers the largest value seen with a margin of 1/4. 8 bits: frac with the least expected squared error
 * (rounding and saturation) over the histogram. Reports every node that cannot be represented. */
ss_status ss_quantise(ss_ctx *ctx, const ss_graph *g, const ss_calib *c, int bits, ss_quant **out);
void ss_quant_free(ss_quant *q);
/* Recompute thr of every activation from the graph's thresholds (after they changed); scales stay as they are. */
ss_status ss_quant_set_thresholds(ss_quant *q, const ss_graph *g);
/* The same for the bias of one convolution, with all that depends on it: accumulators, pre, mult, shift. Weights and their
 * scales stay: they follow from the model's own bias, so that it makes no difference whether a bias is corrected before
 * or after quantisation. */
ss_status ss_quant_set_bias(ss_quant *q, const ss_graph *g, int32_t node);
/* Smallest signed width that holds lo..hi (lo <= hi). */
int ss_bits_for(int64_t lo, int64_t hi);

#endif
