/* ReLU thresholds, and the biases corrected for them: uniform, and to and from JSON.
 *
 *   {"format": "skipstream.thresholds", "version": 2, "layers": {"RELU": 0.25, "OTHER": [0.1, 0.2, ...]},
 *    "bias_shift": {"CONV": [0.01, ...]}}
 *
 * A number holds for the whole layer, an array has one number per channel, in the model's own order. ReLUs that a file does
 * not name keep the threshold they have. bias_shift may be missing: then biases stay as they are, and version 1 is written.
 * A file is applied as a whole or, when anything in it is wrong, not at all. */
#include "graph/shifts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "skipstream.thresholds"
#define VERSION 2 /* with biases, which a reader of version 1 would leave out unnoticed */

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

/* "FILE:12" names point 12 of a study: *at is the colon, or NULL. */
static const char *point_of(const char *path, size_t *point) {
    const char *at = strrchr(path, ':');
    char *end;
    if (!at || at[1] < '0' || at[1] > '9') return NULL;
    *point = (size_t)strtoull(at + 1, &end, 10);
    return *end == '\0' ? at : NULL;
}

/* The thresholds of a study's point, as "layers" has them: a new reference. */
static ss_status study_layers(ss_graph *g, const char *path, const json_t *study, size_t point, json_t **layers) {
    json_t *relus, *points, *values;
    uint64_t model;
    if (ss_json_get_hash(g->ctx, path, study, "model", &model) != SS_OK ||
        ss_json_get_array(g->ctx, path, study, "relus", &relus) != SS_OK ||
        ss_json_get_array(g->ctx, path, study, "points", &points) != SS_OK)
        return SS_BAD;
    if (model != ss_graph_hash(g))
        return ss_error(g->ctx, SS_AT(path), "take the study of this model", "is the study of another model than %s",
                        g->name);
    if (point >= json_array_size(points))
        return ss_error(g->ctx, SS_AT(path), "points count from 0, the reference", "the study has %zu points, no point %zu",
                        json_array_size(points), point);
    if (ss_json_get_array(g->ctx, path, json_array_get(points, point), "thresholds", &values) != SS_OK) return SS_BAD;
    if (json_array_size(values) != json_array_size(relus))
        return ss_error(g->ctx, SS_AT(path), "write the study again", "point %zu has %zu thresholds for %zu ReLUs", point,
                        json_array_size(values), json_array_size(relus));
    *layers = json_object();
    for (size_t i = 0; i < json_array_size(relus); i++) {
        const char *name = json_string_value(json_array_get(relus, i));
        if (json_object_set(*layers, name ? name : "", json_array_get(values, i)) != 0) return SS_BAD;
    }
    return SS_OK;
}

static ss_status open_study(ss_graph *g, const char *path, size_t length, size_t point, json_t **layers) {
    char *file = ss_alloc(g->ctx, length + 1, 1);
    json_t *study;
    if (!file) return SS_BAD;
    memcpy(file, path, length);
    ss_status s = ss_json_load(g->ctx, file, "skipstream.study", 1, &study);
    if (s == SS_OK) {
        s = study_layers(g, file, study, point, layers);
        json_decref(study);
    }
    ss_free(g->ctx, file);
    return s;
}

/* *layers, *shifts: new references; the latter may be NULL. */
static ss_status open_layers(ss_graph *g, const char *path, json_t **layers, json_t **shifts) {
    size_t point;
    const char *colon = point_of(path, &point);
    json_t *file;
    if (colon) return open_study(g, path, (size_t)(colon - path), point, layers);
    if (ss_json_load(g->ctx, path, FORMAT, VERSION, &file) != SS_OK) return SS_BAD;
    ss_status s = ss_json_get_object(g->ctx, path, file, "layers", layers);
    if (s == SS_OK) json_incref(*layers);
    if (s == SS_OK) *shifts = json_incref(json_object_get(file, SS_SHIFTS_KEY));
    json_decref(file);
    return s;
}

ss_status ss_thresholds_load(ss_graph *g, const char *path) {
    json_t *layers = NULL, *list = NULL;
    ss_act *acts = ss_alloc(g->ctx, (size_t)g->n, sizeof *acts);
    ss_shifts shifts;
    ss_status s = acts ? open_layers(g, path, &layers, &list) : SS_BAD;
    for (int32_t i = 0; s == SS_OK && i < g->n; i++) acts[i] = g->nodes[i].act;
    if (s == SS_OK) {
        s = read_layers(g, path, layers, acts);
        if (ss_shifts_read(g, path, list, g->arena, &shifts) != SS_OK) s = SS_BAD;
    }
    if (s == SS_OK) s = ss_shifts_put(&shifts, g);
    for (int32_t i = 0; s == SS_OK && i < g->n; i++) g->nodes[i].act = acts[i];
    ss_free(g->ctx, acts);
    json_decref(layers);
    json_decref(list);
    return s;
}

ss_status ss_thresholds_correction(ss_ctx *ctx, const char *path, uint64_t *images) {
    size_t point;
    json_t *study, *o;
    const char *colon = point_of(path, &point);
    *images = 0;
    if (!colon) return SS_OK;
    char *file = ss_alloc(ctx, (size_t)(colon - path) + 1, 1);
    if (!file) return SS_BAD;
    memcpy(file, path, (size_t)(colon - path));
    ss_status s = ss_json_load(ctx, file, "skipstream.study", 1, &study);
    if (s == SS_OK) {
        const json_t *given = json_object_get(study, "correction");
        if (given && !json_is_null(given)) s = ss_json_get_object(ctx, file, study, "correction", &o);
        else o = NULL;
        if (s == SS_OK && o) s = ss_json_get_hash(ctx, file, o, "hash", images);
        json_decref(study);
    }
    ss_free(ctx, file);
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

static ss_status save(const ss_graph *g, const ss_shifts *shifts, const char *path) {
    json_t *file = ss_json_new(FORMAT, ss_shifts_none(shifts) ? 1 : VERSION), *layers = json_object();
    bool ok = json_object_set_new(file, "layers", layers) == 0;
    for (int32_t i = 0; ok && i < g->n; i++) {
        const ss_node *n = &g->nodes[i];
        if (n->act.on) ok = json_object_set_new(layers, n->act.name, act_json(n)) == 0;
    }
    ok = ok && ss_shifts_add(shifts, file);
    ss_status s = ok ? ss_json_save(g->ctx, path, file)
                     : ss_error(g->ctx, SS_AT(path), "give the nodes of the model names in UTF-8, or free some memory",
                                "the thresholds cannot be written as JSON");
    json_decref(file);
    return s;
}

ss_status ss_thresholds_save(const ss_graph *g, const char *path) {
    ss_shifts shifts;
    ss_arena *arena = ss_arena_new(g->ctx);
    ss_status s = arena ? ss_graph_shifts(g, arena, &shifts) : SS_BAD;
    if (s == SS_OK) s = save(g, &shifts, path);
    ss_arena_free(arena);
    return s;
}
