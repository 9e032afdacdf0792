/* outcome: what the bench wrote, read back. */
#include "verify/parts.h"

#include <string.h>

/* Where a value is read from. */
typedef struct source {
    ss_ctx *ctx;
    const char *path;
} source;

static ss_status get(const source *s, const json_t *o, const char *key, int64_t *out) {
    return ss_json_get_int(s->ctx, s->path, o, key, INT64_MIN, INT64_MAX, out);
}

static ss_status read_mismatch(const source *s, const json_t *o, ss_mismatch *m) {
    json_t *f;
    int64_t expected, got;
    if (ss_json_get_object(s->ctx, s->path, o, "first", &f) != SS_OK) return SS_BAD;
    if (get(s, f, "image", &m->image) != SS_OK || get(s, f, "row", &m->row) != SS_OK ||
        get(s, f, "column", &m->column) != SS_OK || get(s, f, "channel", &m->channel) != SS_OK ||
        get(s, f, "expected", &expected) != SS_OK || get(s, f, "got", &got) != SS_OK)
        return SS_BAD;
    m->expected = (int32_t)expected;
    m->got = (int32_t)got;
    return SS_OK;
}

static ss_status read_stream(const source *s, const json_t *o, ss_stream_result *r) {
    json_t *last;
    if (get(s, o, "words", &r->words) != SS_OK || get(s, o, "wanted", &r->wanted) != SS_OK ||
        get(s, o, "surplus", &r->surplus) != SS_OK || get(s, o, "mismatches", &r->mismatches) != SS_OK ||
        ss_json_get_array(s->ctx, s->path, o, "last_cycle", &last) != SS_OK)
        return SS_BAD;
    const size_t n = json_array_size(last);
    r->first_last = n ? (int64_t)json_integer_value(json_array_get(last, 0)) : -1;
    if (n > 1)
        r->interval =
            (double)(json_integer_value(json_array_get(last, n - 1)) - r->first_last) / (double)(n - 1);
    return r->mismatches ? read_mismatch(s, o, &r->first) : SS_OK;
}

static ss_status read_node(const source *s, const json_t *o, ss_arena *a, ss_verified_node *n) {
    const char *instance, *state = "";
    if (ss_json_get_str(s->ctx, s->path, o, "instance", &instance) != SS_OK ||
        get(s, o, "starved", &n->starved) != SS_OK || get(s, o, "blocked", &n->blocked) != SS_OK)
        return SS_BAD;
    if (json_object_get(o, "state") && ss_json_get_str(s->ctx, s->path, o, "state", &state) != SS_OK)
        return SS_BAD;
    n->instance = ss_arena_strdup(a, instance);
    n->state = ss_arena_strdup(a, state);
    return n->instance && n->state ? read_stream(s, o, &n->stream) : SS_BAD;
}

/* The bench's nodes are those of the manifest, in its order. */
static ss_status read_nodes(const source *s, const json_t *j, ss_arena *a, ss_verified_partition *p) {
    json_t *list;
    if (ss_json_get_array(s->ctx, s->path, j, "nodes", &list) != SS_OK) return SS_BAD;
    ss_status status = json_array_size(list) == (size_t)p->n_nodes ? SS_OK : SS_BAD;
    for (int32_t i = 0; i < p->n_nodes && status == SS_OK; i++) {
        const json_t *o = json_array_get(list, (size_t)i);
        int64_t id;
        if (get(s, o, "id", &id) != SS_OK) return SS_BAD;
        if (id != p->nodes[i].node) status = SS_BAD;
        else if (read_node(s, o, a, &p->nodes[i]) != SS_OK) return SS_BAD;
    }
    if (status == SS_OK) return SS_OK;
    return ss_error(s->ctx, SS_AT(s->path), "generate again",
                    "the bench of %s and the manifest list other nodes", p->top);
}

static ss_status read_counters(const source *s, const json_t *j, ss_verified_partition *p) {
    json_t *counters, *input;
    if (ss_json_get_object(s->ctx, s->path, j, "counters", &counters) != SS_OK ||
        ss_json_get_object(s->ctx, s->path, j, "input", &input) != SS_OK)
        return SS_BAD;
    if (get(s, counters, "cycles", &p->counted_cycles) != SS_OK ||
        get(s, counters, "images_in", &p->images_in) != SS_OK ||
        get(s, counters, "images_out", &p->images_out) != SS_OK)
        return SS_BAD;
    if (get(s, input, "words", &p->in_words) != SS_OK || get(s, input, "wanted", &p->in_wanted) != SS_OK)
        return SS_BAD;
    return SS_OK;
}

ss_status ss_outcome_read(ss_ctx *ctx, const char *path, const json_t *j, ss_arena *a,
                          ss_verified_partition *p) {
    const source s = { ctx, path };
    json_t *output;
    p->good = json_is_true(json_object_get(j, "good"));
    p->hang = json_is_true(json_object_get(j, "hang"));
    if (get(&s, j, "cycles", &p->cycles) != SS_OK ||
        ss_json_get_real(ctx, path, j, "seconds", &p->run_seconds) != SS_OK ||
        ss_json_get_object(ctx, path, j, "output", &output) != SS_OK ||
        read_stream(&s, output, &p->output) != SS_OK || read_counters(&s, j, p) != SS_OK ||
        read_nodes(&s, j, a, p) != SS_OK)
        return SS_BAD;
    p->interval.measured = p->output.interval;
    p->latency.measured = p->output.first_last >= 0 ? (double)p->output.first_last + 1 : 0;
    return SS_OK;
}
