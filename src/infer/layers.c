/* See layers.h. */
#include "infer/layers.h"

#include "infer/engine_internal.h"
#include "infer/replay.h"

#include <omp.h>
#include <string.h>

typedef struct waist {
    int32_t node;
    size_t bytes;
    char *kept; /* [images][bytes] */
    bool valid;
} waist;

struct ss_layers {
    ss_ctx *ctx;
    const ss_engine *e;
    ss_dataset d;
    void *table;
    char *blocks;         /* [images][e->block] */
    const void **tensor;  /* [images][nodes]: where each tensor is */
    char *scratch;        /* [threads][scratch_bytes] */
    size_t scratch_bytes;
    waist *waists;        /* ascending */
    int32_t n;
    bool keep;            /* this pass */
};

static size_t nodes_of(const ss_layers *l) { return (size_t)l->e->g->n; }

static char *block_of(const ss_layers *l, int64_t image) { return l->blocks + (size_t)image * l->e->block; }

static ss_status keep_waists(ss_layers *l, int64_t memory) {
    const ss_graph *g = l->e->g;
    const size_t element = ss_engine_element(l->e);
    bool *kept = ss_alloc(l->ctx, nodes_of(l), sizeof *kept);
    ss_status s = kept ? SS_OK : SS_BAD;
    if (s == SS_OK) ss_waists_choose(g, l->d.n, element, memory, kept);
    for (int32_t i = 0; s == SS_OK && i < g->n; i++) {
        if (!kept[i]) continue;
        waist *w = &l->waists[l->n++];
        *w = (waist){ .node = i, .bytes = ss_waist_bytes(g, i, element) };
        w->kept = ss_alloc_aligned(l->ctx, (size_t)l->d.n, w->bytes);
        if (!w->kept) s = SS_BAD;
    }
    ss_free(l->ctx, kept);
    return s;
}

ss_status ss_layers_new(ss_ctx *ctx, const ss_engine *e, const ss_dataset *d, const ss_norm *norm, int64_t memory,
                        ss_layers **out) {
    *out = NULL;
    if (ss_engine_check_input(ctx, e, d, norm) != SS_OK) return SS_BAD;
    ss_layers *l = ss_alloc(ctx, 1, sizeof *l);
    if (!l) return SS_BAD;
    *l = (ss_layers){ .ctx = ctx, .e = e, .d = *d };
    l->d.owner = NULL;
    l->table = ss_engine_input_table(ctx, e, norm, d->shape.c);
    l->blocks = ss_alloc_aligned(ctx, (size_t)d->n, e->block);
    l->tensor = ss_alloc(ctx, (size_t)d->n, nodes_of(l) * sizeof *l->tensor);
    l->waists = ss_alloc(ctx, nodes_of(l), sizeof *l->waists);
    if (l->table && l->blocks && l->tensor && l->waists && keep_waists(l, memory) == SS_OK) {
        *out = l;
        return SS_OK;
    }
    ss_layers_free(l);
    return SS_BAD;
}

void ss_layers_free(ss_layers *l) {
    if (!l) return;
    for (int32_t i = 0; i < l->n; i++) ss_free_aligned(l->ctx, l->waists[i].kept);
    ss_free(l->ctx, l->waists);
    ss_free(l->ctx, l->tensor);
    ss_free_aligned(l->ctx, l->blocks);
    ss_free_aligned(l->ctx, l->scratch);
    ss_free(l->ctx, l->table);
    ss_free(l->ctx, l);
}

int32_t ss_layers_begin(ss_layers *l, int32_t changed, bool keep) {
    const waist *from = NULL;
    for (int32_t i = 0; i < l->n && l->waists[i].node < changed && l->waists[i].valid; i++) from = &l->waists[i];
    l->keep = keep;
    for (int32_t i = 0; keep && i < l->n; i++)
        if (l->waists[i].node >= changed) l->waists[i].valid = false;
    for (int64_t k = 0; k < l->d.n; k++) {
        const void **tensor = l->tensor + (size_t)k * nodes_of(l);
        for (int32_t i = 0; i < l->e->g->n; i++) tensor[i] = block_of(l, k) + l->e->offset[i];
        if (from) tensor[from->node] = from->kept + (size_t)k * from->bytes;
    }
    return from ? from->node + 1 : 0;
}

/* Biases may have changed since the last run, and scratch with them. */
static ss_status make_scratch(ss_layers *l) {
    const size_t need = (l->e->scratch + 64 + 63) / 64 * 64;
    if (l->scratch && need <= l->scratch_bytes) return SS_OK;
    ss_free_aligned(l->ctx, l->scratch);
    l->scratch = ss_alloc_aligned(l->ctx, (size_t)ss_ctx_threads(l->ctx), need);
    l->scratch_bytes = need;
    return l->scratch ? SS_OK : SS_BAD;
}

static void step(const ss_layers *l, int32_t node, int64_t image, int thread) {
    const ss_engine *e = l->e;
    const size_t pixels = (size_t)ss_shape_size(l->d.shape);
    char *out = block_of(l, image) + e->offset[node];
    if (e->g->nodes[node].op == SS_OP_INPUT)
        ss_engine_load_image(e, out, l->table, l->d.pixels + (size_t)image * pixels);
    else
        ss_engine_step(e, l->tensor + (size_t)image * nodes_of(l), node, out,
                       l->scratch + (size_t)thread * l->scratch_bytes);
    for (int32_t i = 0; l->keep && i < l->n; i++) {
        const waist *w = &l->waists[i];
        if (w->node == node) memcpy(w->kept + (size_t)image * w->bytes, out, w->bytes - SS_TENSOR_SLACK);
    }
}

ss_status ss_layers_run(ss_layers *l, int32_t first, int32_t last, ss_observer observer, void *user) {
    if (make_scratch(l) != SS_OK) return SS_BAD;
#pragma omp parallel for num_threads(ss_ctx_threads(l->ctx)) schedule(dynamic, 4)
    for (int64_t k = 0; k < l->d.n; k++) {
        const int thread = omp_get_thread_num();
        for (int32_t i = first; i <= last; i++) {
            step(l, i, k, thread);
            observer(user, thread, k, i, ss_engine_view(l->e, block_of(l, k) + l->e->offset[i], i));
        }
    }
    for (int32_t i = 0; l->keep && i < l->n; i++)
        if (l->waists[i].node >= first && l->waists[i].node <= last) l->waists[i].valid = true;
    return SS_OK;
}
