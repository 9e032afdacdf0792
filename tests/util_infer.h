/* Test helpers: a second evaluator of graphs, written for clarity alone, and networks with every operator. Tensors are
 * channel-major arrays of their own; nothing is shared with src/infer. Integers are checked for overflow of the stated
 * accumulator width as they are summed. */
#ifndef UTIL_INFER_H
#define UTIL_INFER_H

#include "infer/infer.h"
#include "util_graph.h"

/* All tensors of one image: [g->n], each c*h*w channel-major. `image`: the input tensor. Free with util_free_tensors. */
double **util_eval_float(const ss_graph *g, const double *image);
/* *violations counts sums that leave acc_bits (partial sums included), summed in 128 bits. */
int64_t **util_eval_int(const ss_graph *g, const ss_quant *q, const int64_t *image, int64_t *violations);
void util_free_tensors(const ss_graph *g, void *tensors);

/* Input 3x9x7 with every operator of a canonical graph: grouped and depthwise and strided convolutions, max pool with
 * padding, average pools with and without padding in the divisor, a per-channel threshold, a ceiling, add, concat of
 * three, slice, channel pad, a ReLU of its own, and a flatten at the end when asked for. */
ss_graph *util_zoo(ss_ctx *ctx, bool flatten, uint32_t seed);

ss_norm util_infer_norm(int32_t channels);
/* Calibrated on d and quantised. NULL on failure. */
ss_quant *util_infer_quantise(ss_ctx *ctx, const ss_graph *g, const ss_dataset *d, int bits);

#endif
