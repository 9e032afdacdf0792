/* replay: after a change behind some node, run only what lies behind that node.
 *
 * A *waist* is a node through which everything passes: no later node reads a tensor from before it (the end of a
 * residual block, every node of a plain chain). The integer tensors of some waists are kept for every image, as many
 * as the memory allows; a run begins behind the last kept waist before the change.
 *
 * Invariant: what is kept was computed under the thresholds of the last run with `keep`, for all images.
 */
#ifndef SS_REPLAY_H
#define SS_REPLAY_H

#include "infer/infer.h"

/* Choose waists to keep for so many images: those that save the most multiplications of later runs, all ReLUs being
 * equally likely to change. kept: [g->n], all false before. Returns their bytes, at most `memory`. */
int64_t ss_waists_choose(const ss_graph *g, int64_t images, size_t element, int64_t memory, bool *kept);
size_t ss_waist_bytes(const ss_graph *g, int32_t node, size_t element); /* of one image, slack included */

typedef struct ss_replay ss_replay;

/* Keeps nothing yet. memory: bytes for kept tensors, 0 for none. d and e must outlive it. */
ss_status ss_replay_new(ss_ctx *ctx, ss_engine *e, const ss_graph *g, const ss_dataset *d, const ss_norm *norm,
                        int64_t memory, ss_replay **out);
void ss_replay_free(ss_replay *r);
const ss_dataset *ss_replay_data(const ss_replay *r);
int64_t ss_replay_bytes(const ss_replay *r); /* what it keeps */
/* The first node that a run must compute when `changed` is the first whose result differs from what is kept. */
int32_t ss_replay_start(const ss_replay *r, int32_t changed);
/* Run images first..end-1 from ss_replay_start(changed) on; scores (those of image `first` first) and observer as
 * ss_engine_run. keep: what is computed becomes what is kept; needs all images. */
ss_status ss_replay_run(ss_replay *r, int32_t changed, int64_t first, int64_t end, bool keep, const ss_run_opts *opts,
                        float *scores);

#endif
