/* correct: what thresholds remove has a mean; it goes into the biases behind, which costs no hardware.
 *
 * A convolution's output moves on average by its weights times the change of its input's channel means. SS_CORRECT_SHARE of
 * that is taken back in the bias, convolution by convolution in graph order, each measured with the thresholds in force
 * and with the corrections before it: corrections that do not know of one another add up to too much.
 *
 * Method: all images pass node by node (infer/layers.h), and a convolution is corrected as soon as the means of its input
 * are known: a pass costs what one run over the images costs. Thresholds up to the first that changed leave the corrections
 * before it as they were: a pass begins behind the last kept waist before it.
 *
 * On the integer network means are exact, and so is their product with the weights: corrections depend neither on the
 * number of threads nor on the instruction set, nor on the order in which channels were dealt. In float they do not
 * depend on the threads.
 *
 * Images need no labels. They must not be those on which accuracy is reported.
 */
#ifndef SS_CORRECT_H
#define SS_CORRECT_H

#include "infer/infer.h"

#define SS_CORRECT_SHARE 0.5 /* all of it overshoots where many thresholds are high (docs/threshold.md) */
#define SS_CORRECT_IMAGES 256
#define SS_CORRECT_MEMORY(study) ((study) / 8) /* bytes for a correction, of those for a study's activations */

typedef struct ss_correction ss_correction;

/* The means before thresholds are raised: those in force now are the reference, for which nothing is corrected. e: the
 * engine of g and q; q NULL: float. The first SS_CORRECT_IMAGES images of d are used.
 * memory: bytes for kept activations, beside the images under way. g, q, e and the images must outlive it. */
ss_status ss_correction_new(ss_ctx *ctx, ss_graph *g, ss_quant *q, ss_engine *e, const ss_dataset *d, const ss_norm *norm,
                            int64_t memory, ss_correction **out);
/* Biases are left as they are. */
void ss_correction_free(ss_correction *c);
/* After thresholds changed in graph and quantised network: correct the biases for them, in graph (bias_shift), quantised
 * network and engine. keep: a later call needs less the more of these thresholds it leaves as they are. */
ss_status ss_correction_put(ss_correction *c, bool keep);
/* The same for one look at thresholds of which few differ from those kept: only up to the last convolution that reads what changed first (or
 * the next one there is); behind it the biases are those kept. Nothing is kept. */
ss_status ss_correction_look(ss_correction *c);
/* The model's own biases again. */
ss_status ss_correction_clear(ss_correction *c);
const ss_dataset *ss_correction_data(const ss_correction *c); /* the images used */

#endif
