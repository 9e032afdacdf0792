/* What nodes do and what FIFOs hold in each of some hundred slices of a trace: for pictures (docs/formats.md).
 *
 * A signal keeps a value from one event to the next; each such piece is spread over the slices that it touches: cycles of a
 * state add up, of a level the most counts. */
#include "sim/trace.h"

#define SLICES 240

typedef struct slices {
    const trace *t;
    int64_t step;
    int32_t n;
    int32_t *value; /* [signals]: open spans, or a level */
    int32_t *shown; /* [signals]: of a level, or, at a node's first signal, its state */
    int64_t *since; /* [signals]: cycle from which it is shown */
    int64_t *sum;   /* [signals][n] */
} slices;

static void end_piece(slices *x, int32_t signal, int64_t to) {
    const bool level = x->t->signals[signal].fifo >= 0;
    const int32_t shown = x->shown[signal];
    int64_t from = x->since[signal];
    x->since[signal] = to;
    if (shown == 0) return;
    int64_t *sum = x->sum + (int64_t)(level ? signal : signal + shown - 1) * x->n;
    for (int64_t i = (from - x->t->from) / x->step; from < to; i++) {
        const int64_t end = x->t->from + (i + 1) * x->step, until = end < to ? end : to;
        if (level) sum[i] = later(sum[i], shown);
        else sum[i] += until - from;
        from = until;
    }
}

static void show(slices *x, int32_t signal, int64_t at) {
    const bool level = x->t->signals[signal].fifo >= 0;
    const int32_t id = level ? signal : trace_first_state(x->t, signal);
    const int32_t now = level ? x->value[signal] : trace_state(x->value + id);
    if (now == x->shown[id]) return;
    end_piece(x, id, at);
    x->shown[id] = now;
}

static void replay(slices *x) {
    const trace *t = x->t;
    for (int32_t i = 0; i < t->n_signals; i++) {
        x->value[i] = x->shown[i] = t->signals[i].start;
        x->since[i] = t->from;
    }
    for (size_t i = 0, begin = 0; i < t->n; begin = i) {
        const int64_t at = t->events[i].at;
        for (; i < t->n && t->events[i].at == at; i++) x->value[t->events[i].signal] += t->events[i].change;
        for (size_t k = begin; k < i; k++) show(x, t->events[k].signal, at);
    }
    for (int32_t i = 0; i < t->n_signals; i++) end_piece(x, i, t->to);
}

/* ---- JSON ---- */

static json_t *row(const slices *x, int32_t signal) {
    json_t *list = json_array();
    for (int32_t i = 0; list && i < x->n; i++) json_array_append_new(list, json_integer(x->sum[(int64_t)signal * x->n + i]));
    return list;
}

static json_t *node_json(const slices *x, int32_t *signal) {
    const wave *w = &x->t->signals[*signal];
    const ss_node *node = &w->g->nodes[w->node];
    json_t *fifos = json_array();
    json_t *j = json_pack("{s:s,s:s,s:o,s:o,s:o}", "name", node->name, "op", ss_op_name(node->op), "busy",
                          row(x, *signal + BUSY), "starved", row(x, *signal + STARVED), "blocked",
                          row(x, *signal + BLOCKED_BY_READER));
    for (*signal += STATES; *signal < x->t->n_signals; ++*signal) {
        const wave *f = &x->t->signals[*signal];
        if (f->fifo < 0) break;
        json_array_append_new(fifos, json_pack("{s:i,s:s,s:I,s:o}", "input", (int)f->fifo, "from",
                                               w->g->nodes[node->in[f->fifo]].name, "depth", (json_int_t)f->depth,
                                               "most", row(x, *signal)));
    }
    if (j) json_object_set_new(j, "fifos", fifos);
    else json_decref(fifos);
    return j;
}

static json_t *partition_json(const slices *x, const ss_simulated *s, int32_t *signal) {
    const int32_t number = x->t->signals[*signal].partition;
    json_t *nodes = json_array(), *ends = json_array();
    while (*signal < x->t->n_signals && x->t->signals[*signal].partition == number)
        json_array_append_new(nodes, node_json(x, signal));
    for (int32_t k = 0; k < s->n_partitions; k++)
        for (int64_t i = 0; s->partitions[k].number == number && !s->partitions[k].deadlock && i < s->images; i++)
            json_array_append_new(ends, json_integer(s->partitions[k].ends[i]));
    return json_pack("{s:i,s:o,s:o}", "partition", (int)number, "last_cycle", ends, "nodes", nodes);
}

static json_t *activity_json(const slices *x, const ss_simulated *s) {
    json_t *partitions = json_array(), *j = ss_json_new("skipstream.activity", 1);
    for (int32_t i = 0; partitions && i < x->t->n_signals;) json_array_append_new(partitions, partition_json(x, s, &i));
    json_t *body = json_pack("{s:I,s:I,s:I,s:i,s:o}", "first_cycle", (json_int_t)x->t->from, "end_cycle", (json_int_t)x->t->to,
                             "step", (json_int_t)x->step, "slices", (int)x->n, "partitions", partitions);
    const bool bad = !j || !body || json_object_update(j, body) != 0;
    json_decref(body);
    if (!bad) return j;
    json_decref(j);
    return NULL;
}

ss_status trace_activity(const trace *t, const ss_simulated *s, json_t **out) {
    slices x = { .t = t, .step = later(1, ss_ceil_div(t->to - t->from, SLICES)) };
    x.n = (int32_t)later(1, ss_ceil_div(t->to - t->from, x.step));
    const size_t n = (size_t)t->n_signals + 1;
    ss_arena *a = ss_arena_new(t->ctx);
    *out = NULL;
    if (!a || t->failed) return SS_BAD;
    x.value = ss_arena_alloc(a, n, sizeof *x.value);
    x.shown = ss_arena_alloc(a, n, sizeof *x.shown);
    x.since = ss_arena_alloc(a, n, sizeof *x.since);
    x.sum = ss_arena_alloc(a, n, (size_t)x.n * sizeof *x.sum);
    if (x.value && x.shown && x.since && x.sum) {
        replay(&x);
        *out = activity_json(&x, s);
        if (!*out) ss_error(t->ctx, SS_AT("--plot"), "free some memory", "out of memory");
    }
    ss_arena_free(a);
    return *out ? SS_OK : SS_BAD;
}
