/* hardware: what a generated folder holds, from its manifest, and whether it is that of the design. */
#include "verify/parts.h"

#include <stdio.h>

/* The design's partition that node i lies in. */
static const ss_partition *home_of(const ss_design *d, int32_t i) {
    for (int32_t k = 0; k < d->n_partitions; k++)
        if (i >= d->partitions[k].first && i <= d->partitions[k].last) return &d->partitions[k];
    return NULL;
}

static ss_status read_nodes(ss_ctx *ctx, const ss_graph *g, const ss_design *d, const char *path,
                            const json_t *j, ss_arena *a, ss_hw_partition *p) {
    json_t *list;
    if (ss_json_get_array(ctx, path, j, "nodes", &list) != SS_OK) return SS_BAD;
    p->n_nodes = (int32_t)json_array_size(list);
    int32_t *nodes = ss_arena_alloc(a, (size_t)p->n_nodes + 1, sizeof *nodes);
    if (!nodes) return SS_BAD;
    p->nodes = nodes;
    for (int32_t i = 0; i < p->n_nodes; i++) {
        const char *name;
        if (ss_json_get_str(ctx, path, json_array_get(list, (size_t)i), "name", &name) != SS_OK)
            return SS_BAD;
        nodes[i] = ss_graph_find(g, name);
        if (nodes[i] < 0 || (i > 0 && nodes[i] <= nodes[i - 1]))
            return ss_error(ctx, SS_AT(path), "generate again",
                            "node \"%s\" of %s is not where the network has it", name, p->top);
    }
    p->design = p->n_nodes ? home_of(d, nodes[0]) : NULL;
    if (p->design && home_of(d, nodes[p->n_nodes - 1]) == p->design) return SS_OK;
    return ss_error(ctx, SS_AT(path), "generate again from this design",
                    "%s is no part of a partition of the design", p->top);
}

static ss_status read_partition(ss_ctx *ctx, const ss_graph *g, const ss_design *d, const char *path,
                                const json_t *j, ss_arena *a, ss_hw_partition *p) {
    const char *top;
    if (ss_json_get_str(ctx, path, j, "top", &top) != SS_OK) return SS_BAD;
    p->top = ss_arena_strdup(a, top);
    if (!p->top) return SS_BAD;
    return read_nodes(ctx, g, d, path, j, a, p);
}

static ss_status check_design(ss_ctx *ctx, const ss_graph *g, const ss_design *d, const char *path,
                              const json_t *j) {
    uint64_t model;
    int64_t bits;
    if (ss_json_get_hash(ctx, path, j, "model", &model) != SS_OK) return SS_BAD;
    if (ss_json_get_int(ctx, path, j, "bits", 8, 16, &bits) != SS_OK) return SS_BAD;
    if (model != ss_graph_hash(g))
        return ss_error(ctx, SS_AT(path), "generate again from this design",
                        "the hardware is of another model");
    if (bits != d->bits)
        return ss_error(ctx, SS_AT(path), "generate again from this design",
                        "the hardware has %d bits, the design %d", (int)bits, d->bits);
    return SS_OK;
}

static ss_status read_all(ss_ctx *ctx, const ss_graph *g, const ss_design *d, const char *path,
                          const json_t *j, ss_hw *hw) {
    json_t *list;
    if (check_design(ctx, g, d, path, j) != SS_OK) return SS_BAD;
    if (ss_json_get_array(ctx, path, j, "partitions", &list) != SS_OK) return SS_BAD;
    hw->n = (int32_t)json_array_size(list);
    hw->partitions = ss_arena_alloc(hw->arena, (size_t)hw->n + 1, sizeof *hw->partitions);
    if (!hw->partitions) return SS_BAD;
    if (hw->n == 0) return ss_error(ctx, SS_AT(path), "generate again", "lists no partitions");
    for (int32_t i = 0; i < hw->n; i++)
        if (read_partition(ctx, g, d, path, json_array_get(list, (size_t)i), hw->arena, &hw->partitions[i]) !=
            SS_OK)
            return SS_BAD;
    return SS_OK;
}

ss_status ss_hw_read(ss_ctx *ctx, const ss_graph *g, const ss_design *d, const char *dir, ss_hw **out) {
    char path[4200];
    json_t *j = NULL;
    *out = NULL;
    snprintf(path, sizeof path, "%.4000s/manifest.json", dir);
    if (ss_json_load(ctx, path, "skipstream.rtl", 1, &j) != SS_OK) return SS_BAD;
    ss_arena *a = ss_arena_new(ctx);
    ss_hw *hw = a ? ss_arena_alloc(a, 1, sizeof *hw) : NULL;
    ss_status s = hw ? SS_OK : SS_BAD;
    if (s == SS_OK) {
        hw->arena = a;
        s = read_all(ctx, g, d, path, j, hw);
    }
    json_decref(j);
    if (s == SS_OK) *out = hw;
    else ss_arena_free(a);
    return s;
}

void ss_hw_free(ss_hw *hw) {
    if (hw) ss_arena_free(hw->arena);
}
