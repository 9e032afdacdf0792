/* See shifts.h. */
#include "graph/shifts.h"

#include <math.h>

/* Which of the model's filters stands at position f. */
static int32_t own_filter(const ss_node *n, int32_t f) { return n->order ? n->order[f] : f; }

static bool add_node(json_t *all, const ss_node *n) {
    json_t *list = json_array();
    bool ok = list != NULL;
    for (int32_t f = 0; ok && f < n->shape.c; f++) ok = json_array_append_new(list, json_null()) == 0;
    for (int32_t f = 0; ok && f < n->shape.c; f++)
        ok = json_array_set_new(list, (size_t)own_filter(n, f), ss_json_float(n->bias_shift[f])) == 0;
    ok = json_object_set(all, n->name, list) == 0 && ok;
    json_decref(list);
    return ok;
}

bool ss_shifts_add(const ss_graph *g, json_t *o) {
    json_t *all = json_object();
    bool ok = all != NULL;
    for (int32_t i = 0; ok && i < g->n; i++)
        if (g->nodes[i].bias_shift) ok = add_node(all, &g->nodes[i]);
    if (ok && json_object_size(all) > 0) ok = json_object_set(o, SS_SHIFTS_KEY, all) == 0;
    json_decref(all);
    return ok;
}

static ss_status read_node(ss_graph *g, const char *path, const char *conv, const json_t *v, const float **shifts) {
    const int32_t i = ss_graph_find(g, conv);
    if (i < 0 || g->nodes[i].op != SS_OP_CONV)
        return ss_error(g->ctx, SS_AT(path), "`skipstream check` lists the convolutions of the model",
                        "\"%s\" is no convolution of %s", conv, g->name);
    const ss_node *n = &g->nodes[i];
    if (json_array_size(v) != (size_t)n->shape.c)
        return ss_error(g->ctx, SS_AT(path), "give one number for each filter", "\"%s\" has %zu shifts, but %d filters",
                        conv, json_array_size(v), n->shape.c);
    float *shift = ss_arena_alloc(g->arena, (size_t)n->shape.c, sizeof *shift);
    if (!shift) return SS_BAD;
    for (int32_t f = 0; f < n->shape.c; f++) {
        const json_t *x = json_array_get(v, (size_t)own_filter(n, f));
        shift[f] = (float)json_number_value(x);
        if (!json_is_number(x) || !isfinite(shift[f]))
            return ss_error(g->ctx, SS_AT(path), "give one number for each filter",
                            "\"%s\": the shift of filter %d is not a number", conv, own_filter(n, f));
    }
    shifts[i] = shift;
    return SS_OK;
}

ss_status ss_shifts_read(ss_graph *g, const char *path, json_t *list, const float **shifts) {
    const char *conv;
    json_t *v;
    ss_status s = SS_OK;
    json_object_foreach(list, conv, v)
        if (read_node(g, path, conv, v, shifts) != SS_OK) s = SS_BAD;
    return s;
}

ss_status ss_shifts_load(ss_graph *g, const char *path) {
    json_t *file, *list;
    const float **shifts = ss_alloc(g->ctx, (size_t)g->n, sizeof *shifts);
    if (!shifts) return SS_BAD;
    ss_status s = ss_json_load(g->ctx, path, NULL, INT32_MAX, &file);
    if (s == SS_OK) {
        if (json_object_get(file, SS_SHIFTS_KEY)) {
            s = ss_json_get_object(g->ctx, path, file, SS_SHIFTS_KEY, &list);
            if (s == SS_OK) s = ss_shifts_read(g, path, list, shifts);
        }
        json_decref(file);
    }
    for (int32_t i = 0; s == SS_OK && i < g->n; i++)
        if (shifts[i]) g->nodes[i].bias_shift = shifts[i];
    ss_free(g->ctx, shifts);
    return s;
}
