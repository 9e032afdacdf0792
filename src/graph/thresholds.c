/* ReLU thresholds: uniform, and to and from JSON.
 *
 *   {"format": "skipstream.thresholds", "version": 1, "layers": {"RELU": 0.25, "OTHER": [0.1, 0.2, ...]}}
 *
 * A number holds for the whole layer, an array has one number per channel, in the model's own order. ReLUs that a file does not name keep
 * the threshold they have. A file is applied as a whole or, when anything in it is wrong, not at all. */
#include "base/json.h"
#include "graph/graph.h"

#include <math.h>

#define FORMAT "skipstream.thresholds"
#define VERSION 1

void ss_thresholds_uniform(ss_graph *g, float t) {
    for (int32_t i = 0; i < g->n; i++)
        if (g->nodes[i].act.on) ss_act_set_threshold(&g->nodes[i].act, t);
}

/* Which of the model's channels stands at position c. */
static int32_t own_channel(const ss_node *n, int32_t c) { return n->order ? n->order[c] : c; }

/* ---- load ---- */

/* Conversion to float may overflow to infinity: that is refused too. */
static bool to_threshold(const json_t *v, float *t) {
    if (!json_is_number(v)) return false;
    *t = (float)json_number_value(v);
    return isfinite(*t) && *t >= 0;
}

static ss_status refuse(ss_graph *g, const char *path, const char *relu, const char *what) {
    return ss_error(g->ctx, SS_AT(path), "give one number >= 0, or one for each channel", "\"%s\": %s", relu, what);
}

static ss_status read_channels(ss_graph *g, const char *path, const char *relu, const json_t *v, const ss_node *n,
                               const float **out) {
    const int32_t channels = n->shape.c;
    if (json_array_size(v) != (size_t)channels)
        return ss_error(g->ctx, SS_AT(path), "give one number >= 0, or one for each channel",
                        "\"%s\" has %zu thresholds, but %d channels", relu, json_array_size(v), channels);
    float *t = ss_arena_alloc(g->arena, (size_t)channels, sizeof *t);
    if (!t) return SS_BAD;
    for (int32_t c = 0; c < channels; c++)
        if (!to_threshold(json_array_get(v, (size_t)own_channel(n, c)), &t[c]))
            return ss_error(g->ctx, SS_AT(path), "give one number >= 0, or one for each channel",
                            "\"%s\": the threshold of channel %d is not a number >= 0", relu, own_channel(n, c));
    *out = t;
    return SS_OK;
}

/* The act that one entry of the file makes of node's act. */
static ss_status read_entry(ss_graph *g, const char *path, const char *relu, const json_t *v, ss_act *act,
                            const ss_node *n) {
    if (json_is_array(v)) return read_channels(g, path, relu, v, n, &act->per_channel);
    act->per_channel = NULL;
    return to_threshold(v, &act->threshold) ? SS_OK : refuse(g, path, relu, "the threshold is not a number >= 0");
}

static ss_status read_layers(ss_graph *g, const char *path, json_t *layers, ss_act *acts) {
    const char *relu;
    json_t *v;
    ss_status s = SS_OK;
    json_object_foreach(layers, relu, v) {
        int32_t i = ss_graph_find_act(g, relu);
        if (i < 0)
            s = ss_error(g->ctx, SS_AT(path), "`skipstream check` lists the ReLUs of the model",
                         "\"%s\" is no ReLU of %s", relu, g->name);
        else if (read_entry(g, path, relu, v, &acts[i], &g->nodes[i]) != SS_OK)
            s = SS_BAD;
    }
    return s;
}

ss_status ss_thresholds_load(ss_graph *g, const char *path) {
    json_t *file, *layers;
    if (ss_json_load(g->ctx, path, FORMAT, VERSION, &file) != SS_OK) return SS_BAD;
    ss_act *acts = NULL;
    ss_status s = ss_json_get_object(g->ctx, path, file, "layers", &layers);
    if (s == SS_OK && !(acts = ss_alloc(g->ctx, (size_t)g->n, sizeof *acts))) s = SS_BAD;
    for (int32_t i = 0; s == SS_OK && i < g->n; i++) acts[i] = g->nodes[i].act;
    if (s == SS_OK) s = read_layers(g, path, layers, acts);
    for (int32_t i = 0; s == SS_OK && i < g->n; i++) g->nodes[i].act = acts[i];
    ss_free(g->ctx, acts);
    json_decref(file);
    return s;
}

/* ---- save ---- */

static json_t *act_json(const ss_node *n) {
    const ss_act *a = &n->act;
    if (!a->per_channel) return ss_json_float(a->threshold);
    json_t *list = json_array();
    bool ok = list != NULL;
    for (int32_t c = 0; ok && c < n->shape.c; c++) ok = json_array_append_new(list, json_null()) == 0;
    for (int32_t c = 0; ok && c < n->shape.c; c++)
        ok = json_array_set_new(list, (size_t)own_channel(n, c), ss_json_float(a->per_channel[c])) == 0;
    if (ok) return list;
    json_decref(list);
    return NULL;
}

ss_status ss_thresholds_save(const ss_graph *g, const char *path) {
    json_t *file = ss_json_new(FORMAT, VERSION), *layers = json_object();
    bool ok = json_object_set_new(file, "layers", layers) == 0;
    for (int32_t i = 0; ok && i < g->n; i++) {
        const ss_node *n = &g->nodes[i];
        if (n->act.on) ok = json_object_set_new(layers, n->act.name, act_json(n)) == 0;
    }
    ss_status s = ok ? ss_json_save(g->ctx, path, file)
                     : ss_error(g->ctx, SS_AT(path), "give the ReLUs of the model names in UTF-8, or free some memory",
                                "the thresholds cannot be written as JSON");
    json_decref(file);
    return s;
}
