/* engine_internal: what the ways to run a network share: image by image (engine.c), node by node (layers.c). */
#ifndef SS_ENGINE_INTERNAL_H
#define SS_ENGINE_INTERNAL_H

#include "infer/conv.h"
#include "infer/ops.h"

struct ss_engine {
    ss_ctx *ctx;
    const ss_graph *g;
    const ss_quant *q; /* NULL: float */
    ss_isa isa;        /* resolved: never AUTO */
    const ss_loops *loops;
    ss_conv **convs;   /* [g->n], packed; NULL where the node is no CONV */
    size_t *offset; /* [g->n] place of each tensor in the block of an image under way */
    size_t block;   /* bytes of that block */
    size_t scratch; /* bytes a thread needs beside it */
};

size_t ss_engine_element(const ss_engine *e); /* bytes */
ss_status ss_engine_check_input(ss_ctx *ctx, const ss_engine *e, const ss_dataset *d, const ss_norm *norm);
/* What each value of a pixel becomes, per channel: float or int16_t [c][256]. */
void *ss_engine_input_table(ss_ctx *ctx, const ss_engine *e, const ss_norm *norm, int32_t channels);
void ss_engine_load_image(const ss_engine *e, void *to, const void *table, const uint8_t *pixels);
/* Node i of one image, from the tensors that it reads. */
void ss_engine_step(const ss_engine *e, const void *const *tensor, int32_t i, void *out, void *scratch);
ss_view ss_engine_view(const ss_engine *e, const void *tensor, int32_t i);

#endif
