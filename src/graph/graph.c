/* Construction, look-up and identity of graphs. See graph.h for the representation. */
#include "graph/graph.h"

#include <stdio.h>
#include <string.h>

ss_graph *ss_graph_new(ss_ctx *ctx, const char *name) {
    ss_arena *arena = ss_arena_new(ctx);
    if (!arena) return NULL;
    ss_graph *g = ss_arena_alloc(arena, 1, sizeof *g);
    if (!g) {
        ss_arena_free(arena);
        return NULL;
    }
    g->ctx = ctx;
    g->arena = arena;
    g->name = ss_arena_strdup(arena, name);
    if (!g->name) {
        ss_arena_free(arena);
        return NULL;
    }
    g->output = -1;
    return g;
}

void ss_graph_free(ss_graph *g) {
    if (g) ss_arena_free(g->arena);
}

int32_t ss_graph_add(ss_graph *g, const ss_node *proto) {
    if (g->n == g->cap) {
        int32_t cap = g->cap ? 2 * g->cap : 64;
        ss_node *nodes = ss_arena_alloc(g->arena, (size_t)cap, sizeof *nodes);
        if (!nodes) return -1;
        if (g->n) memcpy(nodes, g->nodes, (size_t)g->n * sizeof *nodes);
        g->nodes = nodes;
        g->cap = cap;
    }
    g->nodes[g->n] = *proto;
    return g->n++;
}

const char *ss_op_name(ss_op op) {
    static const char *const names[SS_OP_COUNT] = { "input", "conv",   "batchnorm", "relu",    "maxpool", "avgpool",
                                                    "add",   "concat", "slice",     "chanpad", "flatten" };
    return (unsigned)op < SS_OP_COUNT ? names[op] : "?";
}

int32_t ss_graph_find(const ss_graph *g, const char *name) {
    for (int32_t i = 0; i < g->n; i++)
        if (strcmp(g->nodes[i].name, name) == 0) return i;
    return -1;
}

int32_t ss_graph_find_act(const ss_graph *g, const char *relu) {
    for (int32_t i = 0; i < g->n; i++)
        if (g->nodes[i].act.on && strcmp(g->nodes[i].act.name, relu) == 0) return i;
    return -1;
}

int32_t ss_graph_readers(const ss_graph *g, int32_t node) {
    int32_t readers = node == g->output ? 1 : 0;
    for (int32_t i = 0; i < g->n; i++)
        for (int32_t k = 0; k < g->nodes[i].n_in; k++)
            if (g->nodes[i].in[k] == node) readers++;
    return readers;
}

int64_t ss_node_weight_count(const ss_graph *g, const ss_node *n) {
    if (n->op != SS_OP_CONV) return 0;
    return (int64_t)n->shape.c * (ss_graph_in_shape(g, n).c / n->groups) * n->win.kh * n->win.kw;
}

int64_t ss_node_macs(const ss_graph *g, const ss_node *n) {
    return ss_node_weight_count(g, n) * n->shape.h * n->shape.w;
}

void ss_shape_text(ss_shape s, char out[40]) { snprintf(out, 40, "%dx%dx%d", s.c, s.h, s.w); }

static uint64_t hash_node(const ss_graph *g, const ss_node *n, uint64_t h) {
    const int32_t head[] = { (int32_t)n->op, n->n_in,   n->shape.c, n->shape.h, n->shape.w,   n->win.kh,
                             n->win.kw,      n->win.sh, n->win.sw,  n->win.pt,  n->win.pl,    n->win.pb,
                             n->win.pr,      n->groups, n->fc,      n->count_pad, n->pad_before, n->pad_after,
                             n->act.on };
    h = ss_hash(head, sizeof head, h);
    h = ss_hash(n->name, strlen(n->name), h);
    h = ss_hash(n->in, (size_t)n->n_in * sizeof n->in[0], h);
    if (n->act.on) h = ss_hash(&n->act.ceiling, sizeof n->act.ceiling, h);
    int64_t weights = n->op == SS_OP_BATCHNORM ? n->shape.c : ss_node_weight_count(g, n);
    if (n->weights) h = ss_hash(n->weights, (size_t)weights * sizeof(float), h);
    if (n->bias) h = ss_hash(n->bias, (size_t)n->shape.c * sizeof(float), h);
    return h;
}

uint64_t ss_graph_hash(const ss_graph *g) {
    uint64_t h = 0;
    if (g->identity) return g->identity;
    for (int32_t i = 0; i < g->n; i++) h = hash_node(g, &g->nodes[i], h);
    return h;
}
