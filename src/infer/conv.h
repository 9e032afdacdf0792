/* conv: one convolution of one image, packed for one instruction set. The inner part of infer/.
 *
 * Tensors are height x width x channel with a stride of whole 4s (>= channels); the lanes between channels and stride
 * are zero on input and must be written zero on output. Elements: float, or int16_t for 8 and 16 bits alike.
 * Fused into the store: bias, requantise, activation. Integer results are bit-identical to conv_ref.c.
 */
#ifndef SS_CONV_H
#define SS_CONV_H

#include "infer/infer.h"

typedef struct ss_conv ss_conv;

/* qn NULL: float. in_lo/in_hi: range of the input's integers (in_lo = 0 behind an activation). isa is resolved already
 * (not AUTO) and supported by this processor. graph and qn must outlive it; thresholds are read from them at run time. */
ss_status ss_conv_new(ss_ctx *ctx, const ss_graph *g, const ss_node *n, const ss_qnode *qn, int bits, int32_t in_lo,
                      int32_t in_hi, ss_isa isa, ss_conv **out);
void ss_conv_free(ss_conv *c);
size_t ss_conv_scratch(const ss_conv *c); /* bytes of 64-byte aligned scratch a thread needs */
void ss_conv_run(const ss_conv *c, const void *in, int32_t in_stride, void *out, int32_t out_stride, void *scratch);

/* conv_ref.c: the specification, in plain loops with 64-bit accumulators (float: fused order kh, kw, c). */
void ss_conv_ref_int(const ss_graph *g, const ss_node *n, const ss_qnode *qn, const int16_t *in, int32_t in_stride,
                     int16_t *out, int32_t out_stride);
void ss_conv_ref_float(const ss_graph *g, const ss_node *n, const float *in, int32_t in_stride, float *out,
                       int32_t out_stride);

bool ss_isa_supported(ss_isa isa);
ss_isa ss_isa_best(void);

#endif
