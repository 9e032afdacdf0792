/* Orders of channels in artefacts. See deal.h. */
#include "graph/deal.h"

static json_t *order_json(const int32_t *order, int32_t c) {
    json_t *a = json_array();
    for (int32_t p = 0; a && p < c; p++)
        if (json_array_append_new(a, json_integer(order[p])) != 0) {
            json_decref(a);
            return NULL;
        }
    return a;
}

json_t *ss_orders_json(const ss_orders *o) {
    json_t *j = json_object();
    for (int32_t i = 0; j && i < o->n; i++) {
        const int32_t *order = o->of[i];
        if (order && json_object_set_new(j, o->names[i], order_json(order, o->channels[i])) != 0) {
            json_decref(j);
            return NULL;
        }
    }
    return j;
}

static ss_status read_order(const ss_graph *g, const char *path, const char *name, const json_t *a, ss_arena *arena,
                            ss_orders *o) {
    const int32_t node = ss_graph_find(g, name);
    if (node < 0)
        return ss_error(g->ctx, SS_AT(path), "profile this model", "an order for \"%s\", which %s does not have", name,
                        g->name);
    const int32_t c = g->nodes[node].shape.c;
    int32_t *order = ss_arena_alloc(arena, (size_t)c, sizeof *order);
    if (!order) return SS_BAD;
    if (json_array_size(a) != (size_t)c)
        return ss_error(g->ctx, SS_AT(path), "profile the model again", "the order of \"%s\" does not list %d channels",
                        name, c);
    for (int32_t p = 0; p < c; p++) {
        const json_t *v = json_array_get(a, (size_t)p);
        const json_int_t channel = json_is_integer(v) ? json_integer_value(v) : -1;
        order[p] = channel >= 0 && channel < c ? (int32_t)channel : -1;
    }
    o->of[node] = order;
    return SS_OK;
}

ss_status ss_orders_read(const ss_graph *g, const char *path, json_t *j, ss_arena *arena, ss_orders *out) {
    ss_orders o = { .n = g->n };
    const char *name;
    json_t *a;
    ss_status s = SS_OK;
    *out = (ss_orders){ 0 };
    if (!j) return SS_OK;
    if (!json_is_object(j))
        return ss_error(g->ctx, SS_AT(path), "profile the model again", "\"" SS_ORDERS_KEY "\" is no object");
    if (!(o.of = ss_arena_alloc(arena, (size_t)g->n, sizeof *o.of))) return SS_BAD;
    json_object_foreach(j, name, a)
        if (read_order(g, path, name, a, arena, &o) != SS_OK) s = SS_BAD;
    if (s == SS_OK) s = ss_orders_check(g, &o);
    return s == SS_OK ? ss_orders_copy(g, &o, arena, out) : s;
}

ss_status ss_orders_load(const ss_graph *g, const char *path, ss_arena *arena, ss_orders *out) {
    json_t *root;
    *out = (ss_orders){ 0 };
    if (ss_json_load(g->ctx, path, NULL, INT32_MAX, &root) != SS_OK) return SS_BAD;
    ss_status s = ss_orders_read(g, path, json_object_get(root, SS_ORDERS_KEY), arena, out);
    json_decref(root);
    return s;
}
