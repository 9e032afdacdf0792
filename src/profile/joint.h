/* joint: how non-zeros of different channels go together, and the orders of channels that follow.
 *
 * Streams that advance together take ci neighbouring channels at a time and wait for the fullest window among them.
 * How full that is depends on which channels are neighbours: alike ones lose little. A mean for each channel cannot say
 * what is alike; so windows of all channels at the same pixels of the same images are kept, as a sample, and orders are
 * judged by what the streams would have waited on it.
 */
#ifndef SS_JOINT_H
#define SS_JOINT_H

#include "graph/deal.h"
#include "infer/infer.h"

/* Windows of one convolution. */
typedef struct ss_joint_layer {
    int32_t node; /* the CONV */
    int32_t channels, k;
    const uint8_t *counts; /* [channels][samples]: non-zeros, at most 255 (counted in shares of k where k is larger) */
} ss_joint_layer;

typedef struct ss_joint {
    ss_ctx *ctx;
    ss_arena *arena;
    int32_t samples; /* windows of each channel */
    ss_joint_layer *layers;
    int32_t n_layers;
} ss_joint;

/* One integer run over the first SS_JOINT_IMAGES images of d. Which pixels are looked at follows from the image's number
 * and the layer alone. */
#define SS_JOINT_IMAGES 256
#define SS_JOINT_SAMPLES 1024
ss_status ss_joint_measure(ss_ctx *ctx, const ss_graph *g, ss_engine *e, const ss_dataset *d, const ss_norm *norm,
                           ss_joint **out);
void ss_joint_free(ss_joint *j);

typedef enum ss_dealing {
    SS_DEAL_NONE,  /* the model's own order */
    SS_DEAL_MEANS, /* by the mean of non-zeros: what marginal statistics can do */
    SS_DEAL_JOINT, /* by what streams waited for on the sample */
    SS_DEALINGS
} ss_dealing;
extern const char *const ss_dealing_names[SS_DEALINGS]; /* "none", "means", "joint" */

/* The same orders on any number of threads. They live in `arena`. */
ss_status ss_joint_orders(const ss_joint *j, const ss_graph *g, ss_dealing dealing, ss_arena *arena, ss_orders *out);

#endif
