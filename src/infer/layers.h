/* layers: a network run some nodes at a time, all images through these before the next: for whoever changes a node by what
 * all images have before it.
 *
 * Every image under way has a block of its own, so memory is the engine's block times the images. The tensors of some
 * waists (replay.h) are kept on top, so that a later pass can begin behind one. Scores are not computed.
 *
 * Invariant: what is kept was computed by passes with `keep`, each of which knew what had changed since the one before.
 */
#ifndef SS_LAYERS_H
#define SS_LAYERS_H

#include "infer/infer.h"

typedef struct ss_layers ss_layers;

/* memory: bytes for kept tensors. e must outlive it; the pixels of d as well. */
ss_status ss_layers_new(ss_ctx *ctx, const ss_engine *e, const ss_dataset *d, const ss_norm *norm, int64_t memory,
                        ss_layers **out);
void ss_layers_free(ss_layers *l);
/* Begin a pass when `changed` is the first node whose result differs from what is kept. Returns the first node to
 * run; from there on they are run in order, as far as is needed. keep: what is computed becomes what is kept. */
int32_t ss_layers_begin(ss_layers *l, int32_t changed, bool keep);
/* Nodes first..last of all images; the observer as in ss_run_opts. */
ss_status ss_layers_run(ss_layers *l, int32_t first, int32_t last, ss_observer observer, void *user);

#endif
