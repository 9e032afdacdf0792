/* correct: what thresholds remove has a mean; it goes into the biases behind, which costs no hardware.
 *
 * A convolution's output moves on average by its weights times the change of its input's channel means. SS_CORRECT_SHARE of
 * that is taken back in the bias, convolution by convolution in graph order, each measured with the thresholds in force
 * and with the corrections before it: corrections that do not know of one another add up to too much.
 * Means are float runs, added as integers: results do not depend on the number of threads.
 */
#ifndef SS_CORRECT_H
#define SS_CORRECT_H

#include "infer/infer.h"

#define SS_CORRECT_SHARE 0.5 /* all of it overshoots where many thresholds are high (docs/threshold.md) */
#define SS_CORRECT_IMAGES 256

typedef struct ss_means ss_means;

/* The channel means of every tensor on the first SS_CORRECT_IMAGES images of d: before thresholds are raised. */
ss_status ss_means_measure(ss_ctx *ctx, const ss_graph *g, const ss_dataset *d, const ss_norm *norm, ss_means **out);
void ss_means_free(ss_means *m);
/* After thresholds were raised: bias_shift of the nodes of g, in its arena. Quantise afterwards. */
ss_status ss_correct_bias(ss_ctx *ctx, ss_graph *g, const ss_dataset *d, const ss_norm *norm, const ss_means *before);

#endif
