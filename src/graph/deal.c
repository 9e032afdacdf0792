/* Orders of channels: their rules, and the graph that follows them. See deal.h. */
#include "graph/deal.h"

#include <string.h>

/* ---- rules ---- */

static ss_status untied(const ss_graph *g, const ss_node *n, const char *cause) {
    return ss_error(g->ctx, (ss_where){ n->name, ss_op_name(n->op), NULL }, "profile the model again", "%s", cause);
}

static bool is_permutation(const int32_t *order, int32_t c, uint8_t *seen) {
    memset(seen, 0, (size_t)c);
    for (int32_t p = 0; p < c; p++) {
        if (order[p] < 0 || order[p] >= c || seen[order[p]]) return false;
        seen[order[p]] = 1;
    }
    return true;
}

/* Do positions first.. of `order` hold what `in`, of c channels, has in its order? */
static bool follows(const int32_t *order, int32_t first, const int32_t *in, int32_t c) {
    for (int32_t p = 0; p < c; p++)
        if (ss_order_at(order, first + p) != first + ss_order_at(in, p)) return false;
    return true;
}

/* The filters of a group read the channels that they read in the model. */
static bool groups_hold(const ss_node *n, int32_t channels, const int32_t *order, const int32_t *in) {
    const int32_t filters = n->shape.c / n->groups, width = channels / n->groups;
    for (int32_t f = 0; f < n->shape.c; f++) {
        const int32_t group = ss_order_at(order, f) / filters, first = f / filters * width;
        for (int32_t c = first; c < first + width; c++)
            if (ss_order_at(in, c) / width != group) return false;
    }
    return true;
}

static ss_status check_node(const ss_graph *g, const ss_orders *o, int32_t node) {
    const ss_node *n = &g->nodes[node];
    const int32_t *order = ss_order_of(o, node);
    bool holds = true;
    int32_t first = n->pad_before;
    if ((node == 0 || node == g->output || n->op == SS_OP_FLATTEN) && order)
        return untied(g, n, "the network's input and output keep the order of their channels");
    if (n->op == SS_OP_INPUT) return SS_OK;
    if (n->op == SS_OP_CONV)
        return n->groups == 1 || groups_hold(n, ss_graph_in_shape(g, n).c, order, ss_order_of(o, n->in[0]))
                   ? SS_OK
                   : untied(g, n, "the order of channels takes its groups apart");
    for (int32_t k = 0; k < n->n_in && holds; k++) {
        const int32_t c = g->nodes[n->in[k]].shape.c;
        if (n->op == SS_OP_FLATTEN) holds = !ss_order_of(o, n->in[k]);
        else holds = follows(order, first, ss_order_of(o, n->in[k]), c);
        if (n->op == SS_OP_CONCAT) first += c;
    }
    return holds ? SS_OK : untied(g, n, "its channels are not in the order of its inputs'");
}

ss_status ss_orders_check(const ss_graph *g, const ss_orders *o) {
    ss_status s = SS_OK;
    int32_t widest = 1;
    if (ss_orders_none(o)) return SS_OK;
    if (o->n != g->n) return ss_error(g->ctx, SS_AT(g->name), "profile this model", "orders of another model");
    for (int32_t i = 0; i < g->n; i++)
        if (g->nodes[i].shape.c > widest) widest = g->nodes[i].shape.c;
    uint8_t *seen = ss_alloc(g->ctx, (size_t)widest, 1);
    if (!seen) return SS_BAD;
    for (int32_t i = 0; i < g->n; i++)
        if (o->of[i] && !is_permutation(o->of[i], g->nodes[i].shape.c, seen))
            s = untied(g, &g->nodes[i], "its order does not name each of its channels once");
    ss_free(g->ctx, seen);
    for (int32_t i = 0; s == SS_OK && i < g->n; i++) s = check_node(g, o, i);
    return s;
}

bool ss_orders_none(const ss_orders *o) {
    for (int32_t i = 0; i < o->n; i++)
        if (o->of[i]) return false;
    return true;
}

bool ss_orders_equal(const ss_graph *g, const ss_orders *a, const ss_orders *b) {
    for (int32_t i = 0; i < g->n; i++) {
        const int32_t *x = ss_order_of(a, i), *y = ss_order_of(b, i);
        for (int32_t p = 0; (x || y) && p < g->nodes[i].shape.c; p++)
            if (ss_order_at(x, p) != ss_order_at(y, p)) return false;
    }
    return true;
}

/* ---- copies ---- */

/* NULL for a tensor in its own order, so that there is one way only to say so. */
static ss_status copy_order(ss_arena *arena, const int32_t *order, int32_t c, const int32_t **out) {
    int32_t p = 0, *copy;
    *out = NULL;
    while (order && p < c && order[p] == p) p++;
    if (!order || p == c) return SS_OK;
    if (!(copy = ss_arena_alloc(arena, (size_t)c, sizeof *copy))) return SS_BAD;
    memcpy(copy, order, (size_t)c * sizeof *copy);
    *out = copy;
    return SS_OK;
}

ss_status ss_orders_copy(const ss_graph *g, const ss_orders *from, ss_arena *arena, ss_orders *out) {
    const size_t n = (size_t)g->n;
    *out = (ss_orders){ .n = g->n,
                        .of = ss_arena_alloc(arena, n, sizeof *out->of),
                        .names = ss_arena_alloc(arena, n, sizeof *out->names),
                        .channels = ss_arena_alloc(arena, n, sizeof *out->channels) };
    ss_status s = out->of && out->names && out->channels ? SS_OK : SS_BAD;
    for (int32_t i = 0; s == SS_OK && i < g->n; i++) {
        out->channels[i] = g->nodes[i].shape.c;
        s = copy_order(arena, ss_order_of(from, i), out->channels[i], &out->of[i]);
        if (s == SS_OK && out->of[i] && !(out->names[i] = ss_arena_strdup(arena, g->nodes[i].name))) s = SS_BAD;
    }
    if (s != SS_OK || ss_orders_none(out)) *out = (ss_orders){ 0 };
    return s;
}

ss_status ss_graph_orders(const ss_graph *g, ss_arena *arena, ss_orders *out) {
    ss_orders o = { .n = g->n, .of = ss_alloc(g->ctx, (size_t)g->n, sizeof *o.of) };
    if (!o.of) return SS_BAD;
    for (int32_t i = 0; i < g->n; i++) o.of[i] = g->nodes[i].order;
    ss_status s = ss_orders_copy(g, &o, arena, out);
    ss_free(g->ctx, o.of);
    return s;
}

/* ---- the dealt graph ---- */

static ss_status deal_floats(ss_graph *g, const float **v, const int32_t *order, int32_t c) {
    if (!*v || !order) return SS_OK;
    float *dealt = ss_arena_alloc(g->arena, (size_t)c, sizeof *dealt);
    if (!dealt) return SS_BAD;
    for (int32_t p = 0; p < c; p++) dealt[p] = (*v)[order[p]];
    *v = dealt;
    return SS_OK;
}

/* Filter f of the dealt node is the model's filter order[f], its channels in the order of the input. */
static ss_status deal_weights(ss_graph *g, ss_node *n, const int32_t *order, const int32_t *in) {
    const int32_t filters = n->shape.c / n->groups, width = ss_graph_in_shape(g, n).c / n->groups;
    const size_t k = (size_t)n->win.kh * (size_t)n->win.kw;
    if (!n->weights || (!order && !in)) return SS_OK;
    float *dealt = ss_arena_alloc(g->arena, (size_t)ss_node_weight_count(g, n), sizeof *dealt);
    if (!dealt) return SS_BAD;
    for (int32_t f = 0; f < n->shape.c; f++)
        for (int32_t c = 0; c < width; c++) {
            const size_t from = (size_t)ss_order_at(order, f) * (size_t)width +
                                (size_t)(ss_order_at(in, f / filters * width + c) % width);
            memcpy(dealt + ((size_t)f * (size_t)width + (size_t)c) * k, n->weights + from * k, k * sizeof *dealt);
        }
    n->weights = dealt;
    return SS_OK;
}

static ss_status deal_node(ss_graph *g, ss_node *n, const ss_orders *o, int32_t node) {
    n->order = ss_order_of(o, node);
    if (n->op == SS_OP_CONV && deal_weights(g, n, n->order, ss_order_of(o, n->in[0])) != SS_OK) return SS_BAD;
    if (n->op == SS_OP_CONV && deal_floats(g, &n->bias, n->order, n->shape.c) != SS_OK) return SS_BAD;
    if (deal_floats(g, &n->bias_shift, n->order, n->shape.c) != SS_OK) return SS_BAD;
    return deal_floats(g, &n->act.per_channel, n->order, n->shape.c);
}

ss_status ss_graph_deal(ss_graph *g, const ss_orders *o) {
    ss_orders kept;
    if (ss_orders_none(o)) return SS_OK;
    if (g->identity) return ss_error(g->ctx, SS_AT(g->name), "load the model again", "its channels were dealt already");
    if (ss_orders_check(g, o) != SS_OK || ss_orders_copy(g, o, g->arena, &kept) != SS_OK) return SS_BAD;
    const uint64_t identity = ss_graph_hash(g);
    ss_node *own = g->nodes, *nodes = ss_arena_alloc(g->arena, (size_t)g->cap, sizeof *nodes);
    ss_status s = nodes ? SS_OK : SS_BAD;
    if (s == SS_OK) memcpy(nodes, own, (size_t)g->n * sizeof *nodes);
    for (int32_t i = 0; s == SS_OK && i < g->n; i++) s = deal_node(g, &nodes[i], &kept, i);
    if (s == SS_OK) {
        g->nodes = nodes;
        s = ss_graph_verify(g, "deal");
    }
    if (s == SS_OK) g->identity = identity;
    else g->nodes = own;
    return s;
}
