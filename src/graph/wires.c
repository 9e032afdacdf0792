/* Wires: which channels of a network may be exchanged, and the orders that an exchange makes. See deal.h.
 *
 * Method: every channel of every tensor is an element; the ties between tensors (an addition's channel is its inputs'
 * channel, a concatenation's is that of a part, ...) join elements, and what is joined is a wire. Two wires may be
 * exchanged when they occur in the same tensors, equally often, and no grouped convolution tells them apart. Groups
 * start as one and are split tensor by tensor. The channels of the network's input and output are groups of their own.
 */
#include "graph/deal.h"

#include <stdlib.h>
#include <string.h>

typedef struct finder {
    const ss_graph *g;
    int64_t *first;  /* [g->n]: the element of channel 0 of a node */
    int32_t *parent; /* of elements; a root points at itself */
    int32_t *wire;   /* [elements] */
    int32_t *group;  /* [wires] */
    int32_t n_groups;
    struct key {
        int32_t group, count, wire;
    } *keys;
} finder;

/* ---- ties ---- */

static int32_t root(finder *f, int32_t e) {
    while (f->parent[e] != e) {
        f->parent[e] = f->parent[f->parent[e]];
        e = f->parent[e];
    }
    return e;
}

/* Channels at.. of a node are the channels of another. The smaller element becomes the root. */
static void tie(finder *f, int32_t node, int32_t at, int32_t other) {
    for (int32_t c = 0; c < f->g->nodes[other].shape.c; c++) {
        const int32_t a = root(f, (int32_t)f->first[node] + at + c), b = root(f, (int32_t)f->first[other] + c);
        f->parent[a > b ? a : b] = a > b ? b : a;
    }
}

static bool is_depthwise(const ss_graph *g, const ss_node *n) {
    return n->op == SS_OP_CONV && n->groups > 1 && n->groups == n->shape.c && n->groups == ss_graph_in_shape(g, n).c;
}

static void tie_node(finder *f, int32_t node) {
    const ss_node *n = &f->g->nodes[node];
    int32_t at = n->pad_before;
    if ((n->op == SS_OP_CONV && !is_depthwise(f->g, n)) || n->op == SS_OP_FLATTEN) return;
    for (int32_t k = 0; k < n->n_in; k++) {
        tie(f, node, at, n->in[k]);
        if (n->op == SS_OP_CONCAT) at += f->g->nodes[n->in[k]].shape.c;
    }
}

/* ---- groups ---- */

static int by_key(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    if (x->count != y->count) return x->count < y->count ? -1 : 1;
    return x->wire < y->wire ? -1 : x->wire > y->wire;
}

static int by_wire(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    return x->wire < y->wire ? -1 : x->wire > y->wire;
}

/* Split groups: the wires at n positions from `at` leave the rest, those that occur equally often stay together. */
static void split(finder *f, int64_t at, int32_t n) {
    int32_t distinct = 0;
    for (int32_t p = 0; p < n; p++) f->keys[p] = (struct key){ .count = 1, .wire = f->wire[at + p] };
    qsort(f->keys, (size_t)n, sizeof *f->keys, by_wire);
    for (int32_t p = 0; p < n; p++) {
        if (distinct > 0 && f->keys[distinct - 1].wire == f->keys[p].wire) f->keys[distinct - 1].count++;
        else f->keys[distinct++] = f->keys[p];
    }
    for (int32_t i = 0; i < distinct; i++) f->keys[i].group = f->group[f->keys[i].wire];
    qsort(f->keys, (size_t)distinct, sizeof *f->keys, by_key);
    for (int32_t i = 0; i < distinct; i++) {
        const struct key *k = &f->keys[i];
        if (i == 0 || k->group != k[-1].group || k->count != k[-1].count) f->n_groups++;
        f->group[k->wire] = f->n_groups - 1;
    }
}

static void split_evenly(finder *f, int32_t node, int32_t parts) {
    const int32_t n = f->g->nodes[node].shape.c / parts;
    for (int32_t i = 0; i < parts; i++) split(f, f->first[node] + (int64_t)i * n, n);
}

static void split_node(finder *f, int32_t node) {
    const ss_node *n = &f->g->nodes[node];
    split_evenly(f, node, 1);
    if (node == 0 || node == f->g->output) split_evenly(f, node, n->shape.c);
    if (n->op == SS_OP_FLATTEN) split_evenly(f, n->in[0], f->g->nodes[n->in[0]].shape.c);
    if (n->op != SS_OP_CONV || n->groups == 1 || is_depthwise(f->g, n)) return;
    split_evenly(f, node, n->groups);
    split_evenly(f, n->in[0], n->groups);
}

/* Splitting leaves numbers unused: count anew, by first wire. map: [n_groups] scratch. */
static void renumber(finder *f, int32_t wires, int32_t *map) {
    int32_t used = 0;
    for (int32_t i = 0; i < f->n_groups; i++) map[i] = -1;
    for (int32_t w = 0; w < wires; w++) {
        int32_t *to = &map[f->group[w]];
        if (*to < 0) *to = used++;
        f->group[w] = *to;
    }
    f->n_groups = used;
}

/* ---- all of it ---- */

static ss_status number_elements(finder *f, ss_arena *arena, int32_t *elements) {
    int64_t sum = 0;
    if (!(f->first = ss_arena_alloc(arena, (size_t)f->g->n, sizeof *f->first))) return SS_BAD;
    for (int32_t i = 0; i < f->g->n; i++) {
        f->first[i] = sum;
        sum += f->g->nodes[i].shape.c;
    }
    if (sum > INT32_MAX / 4)
        return ss_error(f->g->ctx, SS_AT(f->g->name), "keep the channels in the model's order",
                        "%lld channels in all are too many to be dealt", (long long)sum);
    *elements = (int32_t)sum;
    return SS_OK;
}

static int32_t number_wires(finder *f, int32_t elements) {
    int32_t wires = 0;
    for (int32_t e = 0; e < elements; e++) f->wire[e] = root(f, e) == e ? wires++ : f->wire[root(f, e)];
    return wires;
}

ss_status ss_wires_find(const ss_graph *g, ss_arena *arena, ss_wires *out) {
    finder f = { .g = g, .n_groups = 1 };
    int32_t elements = 0;
    *out = (ss_wires){ 0 };
    if (number_elements(&f, arena, &elements) != SS_OK) return SS_BAD;
    const size_t n = (size_t)elements;
    f.parent = ss_arena_alloc(arena, n, sizeof *f.parent);
    f.wire = ss_arena_alloc(arena, n, sizeof *f.wire);
    f.group = ss_arena_alloc(arena, n, sizeof *f.group);
    f.keys = ss_arena_alloc(arena, n, sizeof *f.keys);
    out->of = ss_arena_alloc(arena, (size_t)g->n, sizeof *out->of);
    if (!f.parent || !f.wire || !f.group || !f.keys || !out->of) return SS_BAD;
    for (int32_t e = 0; e < elements; e++) f.parent[e] = e;
    for (int32_t i = 0; i < g->n; i++) tie_node(&f, i);
    out->n = number_wires(&f, elements);
    for (int32_t i = 0; i < g->n; i++) {
        split_node(&f, i);
        out->of[i] = f.wire + f.first[i];
    }
    int32_t *map = ss_arena_alloc(arena, (size_t)f.n_groups, sizeof *map);
    if (!map) return SS_BAD;
    renumber(&f, out->n, map);
    out->group = f.group;
    out->n_groups = f.n_groups;
    return SS_OK;
}

/* A wire that occurs several times in a tensor does so in an order that all wires of its group share, so its n-th
 * place is taken by the n-th place of the wire that comes. */
static void order_node(const int32_t *wires, int32_t c, const int32_t *to, int32_t *next, int32_t *head,
                       int32_t *order) {
    for (int32_t p = c - 1; p >= 0; p--) { /* head: a wire's first place; next: the place after */
        next[p] = head[wires[p]];
        head[wires[p]] = p;
    }
    for (int32_t p = 0; p < c; p++) {
        int32_t *place = &head[to[wires[p]]];
        order[p] = *place;
        *place = next[*place];
    }
}

ss_status ss_wires_orders(const ss_graph *g, const ss_wires *w, const int32_t *to, ss_arena *arena, ss_orders *out) {
    ss_orders o = { .n = g->n, .of = ss_arena_alloc(arena, (size_t)g->n, sizeof *o.of) };
    int32_t *head = ss_arena_alloc(arena, (size_t)w->n, sizeof *head);
    *out = (ss_orders){ 0 };
    if (!o.of || !head) return SS_BAD;
    for (int32_t i = 0; i < w->n; i++) head[i] = -1;
    for (int32_t i = 0; i < g->n; i++) {
        const size_t c = (size_t)g->nodes[i].shape.c;
        int32_t *order = ss_arena_alloc(arena, c, sizeof *order), *next = ss_arena_alloc(arena, c, sizeof *next);
        if (!order || !next) return SS_BAD;
        order_node(w->of[i], (int32_t)c, to, next, head, order);
        o.of[i] = order;
    }
    return ss_orders_copy(g, &o, arena, out);
}
