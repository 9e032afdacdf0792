/* See shifts.h. */
#include "graph/shifts.h"

#include <math.h>
#include <string.h>

static ss_status make(int32_t n, ss_arena *arena, ss_shifts *out) {
    *out = (ss_shifts){ .n = n,
                        .of = ss_arena_alloc(arena, (size_t)n, sizeof *out->of),
                        .names = ss_arena_alloc(arena, (size_t)n, sizeof *out->names),
                        .filters = ss_arena_alloc(arena, (size_t)n, sizeof *out->filters) };
    return out->of && out->names && out->filters ? SS_OK : SS_BAD;
}

/* Room for the shifts of one node; NULL: out of memory. */
static float *add(ss_shifts *s, int32_t node, const char *name, int32_t filters, ss_arena *arena) {
    float *shift = ss_arena_alloc(arena, (size_t)filters, sizeof *shift);
    s->of[node] = shift;
    s->names[node] = ss_arena_strdup(arena, name);
    s->filters[node] = filters;
    return s->names[node] ? shift : NULL;
}

/* None is said in one way only. */
static ss_status settle(ss_status status, ss_shifts *s) {
    int32_t i = 0;
    while (status == SS_OK && i < s->n && !s->of[i]) i++;
    if (status != SS_OK || i == s->n) *s = (ss_shifts){ 0 };
    return status;
}

bool ss_shifts_equal(const ss_shifts *a, const ss_shifts *b) {
    if (a->n != b->n) return false;
    for (int32_t i = 0; i < a->n; i++) {
        if (!a->of[i] != !b->of[i]) return false;
        if (a->of[i] && memcmp(a->of[i], b->of[i], (size_t)a->filters[i] * sizeof *a->of[i]) != 0) return false;
    }
    return true;
}

/* ---- graph ---- */

ss_status ss_graph_shifts(const ss_graph *g, ss_arena *arena, ss_shifts *out) {
    ss_status s = make(g->n, arena, out);
    for (int32_t i = 0; s == SS_OK && i < g->n; i++) {
        const ss_node *n = &g->nodes[i];
        if (!n->bias_shift) continue;
        float *shift = add(out, i, n->name, n->shape.c, arena);
        for (int32_t f = 0; shift && f < n->shape.c; f++) shift[n->order ? n->order[f] : f] = n->bias_shift[f];
        if (!shift) s = SS_BAD;
    }
    return settle(s, out);
}

ss_status ss_shifts_copy(const ss_shifts *from, ss_arena *arena, ss_shifts *out) {
    *out = (ss_shifts){ 0 };
    if (ss_shifts_none(from)) return SS_OK;
    ss_status s = make(from->n, arena, out);
    for (int32_t i = 0; s == SS_OK && i < from->n; i++) {
        if (!from->of[i]) continue;
        float *shift = add(out, i, from->names[i], from->filters[i], arena);
        if (shift) memcpy(shift, from->of[i], (size_t)from->filters[i] * sizeof *shift);
        else s = SS_BAD;
    }
    return settle(s, out);
}

ss_status ss_shifts_put(const ss_shifts *s, ss_graph *g) {
    for (int32_t i = 0; i < s->n; i++) {
        ss_node *n = &g->nodes[i];
        if (!s->of[i]) continue;
        float *shift = ss_arena_alloc(g->arena, (size_t)n->shape.c, sizeof *shift);
        if (!shift) return SS_BAD;
        for (int32_t f = 0; f < n->shape.c; f++) shift[f] = s->of[i][n->order ? n->order[f] : f];
        n->bias_shift = shift;
    }
    return SS_OK;
}

/* ---- JSON ---- */

static bool add_node(json_t *all, const char *name, const float *shift, int32_t filters) {
    json_t *list = json_array();
    bool ok = list != NULL;
    for (int32_t f = 0; ok && f < filters; f++) ok = json_array_append_new(list, ss_json_float(shift[f])) == 0;
    ok = ok && json_object_set(all, name, list) == 0;
    json_decref(list);
    return ok;
}

bool ss_shifts_add(const ss_shifts *s, json_t *o) {
    if (ss_shifts_none(s)) return true;
    json_t *all = json_object();
    bool ok = all != NULL;
    for (int32_t i = 0; ok && i < s->n; i++)
        if (s->of[i]) ok = add_node(all, s->names[i], s->of[i], s->filters[i]);
    ok = ok && json_object_set(o, SS_SHIFTS_KEY, all) == 0;
    json_decref(all);
    return ok;
}

static ss_status read_node(const ss_graph *g, const char *path, const char *conv, const json_t *v, ss_arena *arena,
                           ss_shifts *out) {
    const int32_t i = ss_graph_find(g, conv);
    if (i < 0 || g->nodes[i].op != SS_OP_CONV)
        return ss_error(g->ctx, SS_AT(path), "`skipstream check` lists the convolutions of the model",
                        "\"%s\" is no convolution of %s", conv, g->name);
    const int32_t filters = g->nodes[i].shape.c;
    if (json_array_size(v) != (size_t)filters)
        return ss_error(g->ctx, SS_AT(path), "give one number for each filter", "\"%s\" has %zu shifts, but %d filters",
                        conv, json_array_size(v), filters);
    float *shift = add(out, i, conv, filters, arena);
    if (!shift) return SS_BAD;
    for (int32_t f = 0; f < filters; f++) {
        const json_t *x = json_array_get(v, (size_t)f);
        shift[f] = (float)json_number_value(x);
        if (!json_is_number(x) || !isfinite(shift[f]))
            return ss_error(g->ctx, SS_AT(path), "give one number for each filter",
                            "\"%s\": the shift of filter %d is not a number", conv, f);
    }
    return SS_OK;
}

ss_status ss_shifts_read(const ss_graph *g, const char *path, json_t *list, ss_arena *arena, ss_shifts *out) {
    const char *conv;
    json_t *v;
    *out = (ss_shifts){ 0 };
    if (!list) return SS_OK;
    if (!json_is_object(list))
        return ss_error(g->ctx, SS_AT(path), "write the file again", "\"" SS_SHIFTS_KEY "\" is no object");
    ss_status s = make(g->n, arena, out);
    json_object_foreach(list, conv, v)
        if (s != SS_OK || read_node(g, path, conv, v, arena, out) != SS_OK) s = SS_BAD;
    return settle(s, out);
}
