/* What nodes do and what FIFOs hold, over a span of cycles: taking it down, a waveform, and a table of levels. See
 * trace.h. */
#include "sim/trace.h"

#include <stdlib.h>
#include <string.h>

trace *trace_new(ss_ctx *ctx, int64_t from, int64_t to) {
    trace *t = ss_alloc(ctx, 1, sizeof *t);
    if (t) *t = (trace){ .ctx = ctx, .from = from, .to = to };
    return t;
}

void trace_free(trace *t) {
    if (!t) return;
    ss_free(t->ctx, t->events);
    ss_free(t->ctx, t->signals);
    ss_free(t->ctx, t);
}

/* Room for one more; NULL: out of memory. */
static void *grown(trace *t, void *list, size_t n, size_t *cap, size_t size) {
    if (t->failed || n < *cap) return t->failed ? NULL : list;
    const size_t wanted = *cap ? 2 * *cap : 1024;
    void *more = ss_realloc(t->ctx, list, wanted, size);
    t->failed = !more;
    if (more) *cap = wanted;
    return more;
}

static void change(trace *t, int64_t at, int32_t signal, int32_t by) {
    event *room = grown(t, t->events, t->n, &t->cap, sizeof *room);
    if (!room) return;
    t->events = room;
    t->events[t->n++] = (event){ at, signal, by };
}

static void span(trace *t, int32_t signal, int64_t from, int64_t to) {
    from = later(from, t->from);
    if (to > t->to) to = t->to;
    if (from >= to) return;
    change(t, from, signal, 1);
    change(t, to, signal, -1);
}

void trace_busy(const stage *s, int64_t from, int64_t to) {
    if (s->traced & TRACE_BUSY) span(s->trace, s->signal + BUSY, from, to);
}

void trace_starved(const stage *s, int64_t from, int64_t to) {
    if (s->traced & TRACE_STARVED) span(s->trace, s->signal + STARVED, from, to);
}

/* The word that stands since s->v moves at t. */
void trace_taken(const stage *s, int64_t t) {
    if (s->traced & TRACE_BLOCKED) span(s->trace, s->signal + BLOCKED_BY_READER, s->v, t);
    if (s->traced & TRACE_WORDS) span(s->trace, s->signal + BUSY, t, t + 1);
}

void trace_level(const stage *s, int64_t at, int32_t by) {
    trace *t = s->trace;
    if (!(s->traced & TRACE_LEVEL) || t->failed) return;
    if (at <= t->from) t->signals[s->level_signal].start += by;
    else if (at < t->to) change(t, at, s->level_signal, by);
}

static int32_t new_signal(trace *t, const ss_graph *g, int32_t partition, int32_t node, int32_t fifo) {
    wave *room = grown(t, t->signals, (size_t)t->n_signals, &t->cap_signals, sizeof *room);
    if (!room) return 0;
    t->signals = room;
    t->signals[t->n_signals] = (wave){ .g = g, .partition = partition, .node = node, .fifo = fifo };
    return t->n_signals++;
}

static void attach(trace *t, stage *s, int32_t signal, unsigned what) {
    s->trace = t;
    s->traced |= what;
    s->signal = signal;
}

ss_status trace_attach(trace *t, sim *sm) {
    for (int32_t i = 0; i < sm->n_stages; i++) sm->stages[i]->single = true;
    for (int32_t i = 0; i < sm->n_nodes; i++) {
        const sim_node *sn = &sm->nodes[i];
        int32_t at = 0;
        for (int32_t k = 0; k < STATES; k++) {
            const int32_t made = new_signal(t, sm->r->g, sm->part->number, sn->node, -1);
            if (k == 0) at = made;
        }
        attach(t, sn->last, at, TRACE_BLOCKED | (sn->n_engines ? 0 : TRACE_WORDS));
        for (int32_t k = 0; k < sn->n_engines; k++) attach(t, sn->engine[k], at, TRACE_BUSY);
        for (int32_t k = 0; k < sn->n_first; k++) attach(t, sn->first[k], at, TRACE_STARVED);
        for (int32_t k = 0; k < SS_MAX_INPUTS && sn->fifo[k]; k++) {
            attach(t, sn->fifo[k], at, TRACE_LEVEL);
            const int32_t level = new_signal(t, sm->r->g, sm->part->number, sn->node, k);
            sn->fifo[k]->level_signal = level;
            if (!t->failed) t->signals[level].depth = fifo_depth(sn->fifo[k]);
        }
    }
    return t->failed ? SS_BAD : SS_OK;
}

/* ---- files ---- */

static int by_time(const void *va, const void *vb) {
    const event *a = va, *b = vb;
    if (a->at != b->at) return a->at < b->at ? -1 : 1;
    return a->signal - b->signal;
}

/* Identifiers of a waveform: printable characters, as digits of a number. */
static void put_id(ss_buf *b, int32_t signal) {
    do {
        ss_buf_printf(b, "%c", '!' + signal % 94);
        signal /= 94;
    } while (signal > 0);
}

static void put_bits(ss_buf *b, int32_t value, int bits, int32_t signal) {
    ss_buf_printf(b, "b");
    for (int i = bits - 1; i >= 0; i--) ss_buf_printf(b, "%d", (int)((uint32_t)value >> i & 1));
    ss_buf_printf(b, " ");
    put_id(b, signal);
    ss_buf_printf(b, "\n");
}

static void put_name(ss_buf *b, const char *name) {
    bool gap = false, any = false;
    for (; *name; name++) {
        const bool plain = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
                           (*name >= '0' && *name <= '9');
        if (plain && gap && any) ss_buf_printf(b, "_");
        if (plain) ss_buf_printf(b, "%c", *name);
        any = any || plain;
        gap = !plain;
    }
}

#define LEVEL_BITS 32

static void put_header(const trace *t, ss_buf *b) {
    int32_t partition = -1, node = -1;
    ss_buf_printf(b, "$comment one unit of time is a clock cycle; state: 0 idle, 1 busy, 2 starved, 3 blocked $end\n"
                     "$timescale 1 ns $end\n");
    for (int32_t i = 0; i < t->n_signals; i++) {
        const wave *s = &t->signals[i];
        const bool next = s->node != node || s->partition != partition;
        if (next && node >= 0) ss_buf_printf(b, "$upscope $end\n");
        if (s->partition != partition)
            ss_buf_printf(b, "%s$scope module partition_%d $end\n", partition < 0 ? "" : "$upscope $end\n",
                          (int)s->partition);
        if (next) {
            ss_buf_printf(b, "$scope module ");
            put_name(b, s->g->nodes[s->node].name);
            ss_buf_printf(b, " $end\n$var wire 2 ");
            put_id(b, i);
            ss_buf_printf(b, " state [1:0] $end\n");
        }
        if (s->fifo >= 0) {
            ss_buf_printf(b, "$var wire %d ", LEVEL_BITS);
            put_id(b, i);
            ss_buf_printf(b, " level_%d [%d:0] $end\n", (int)s->fifo, LEVEL_BITS - 1);
        }
        partition = s->partition;
        node = s->node;
    }
    ss_buf_printf(b, "%s$enddefinitions $end\n", node < 0 ? "" : "$upscope $end\n$upscope $end\n");
}

int32_t trace_state(const int32_t *open) {
    return open[BLOCKED_BY_READER] ? 3 : open[BUSY] ? 1 : open[STARVED] ? 2 : 0;
}

/* The first signal of the node that signal i is a state of. */
int32_t trace_first_state(const trace *t, int32_t i) {
    while (i > 0 && t->signals[i - 1].fifo < 0 && t->signals[i - 1].node == t->signals[i].node &&
           t->signals[i - 1].partition == t->signals[i].partition)
        i--;
    return i;
}

/* value: what is open or inside, by signal; shown: as last written. */
static void put_changes(const trace *t, int32_t *value, int32_t *shown, const int32_t *state, ss_buf *b) {
    for (size_t i = 0; i < t->n;) {
        const int64_t at = t->events[i].at;
        const size_t begin = i;
        for (; i < t->n && t->events[i].at == at; i++) value[t->events[i].signal] += t->events[i].change;
        bool stamped = at == t->from; /* as the first values are */
        for (size_t k = begin; k < i; k++) {
            const int32_t s = t->events[k].signal;
            const bool level = t->signals[s].fifo >= 0;
            const int32_t id = level ? s : state[s], now = level ? value[s] : trace_state(value + id);
            if (now == shown[id]) continue;
            if (!stamped) ss_buf_printf(b, "#%lld\n", (long long)at);
            stamped = true;
            put_bits(b, now, level ? LEVEL_BITS : 2, id);
            shown[id] = now;
        }
    }
}

static ss_status put_waveform(const trace *t, ss_arena *a, ss_buf *b) {
    const size_t n = (size_t)t->n_signals + 1;
    int32_t *value = ss_arena_alloc(a, n, sizeof *value), *shown = ss_arena_alloc(a, n, sizeof *shown),
            *state = ss_arena_alloc(a, n, sizeof *state);
    if (!value || !shown || !state) return SS_BAD;
    put_header(t, b);
    ss_buf_printf(b, "#%lld\n$dumpvars\n", (long long)t->from);
    for (int32_t i = 0; i < t->n_signals; i++) {
        state[i] = trace_first_state(t, i);
        value[i] = shown[i] = t->signals[i].start;
        if (t->signals[i].fifo >= 0) put_bits(b, value[i], LEVEL_BITS, i);
        else if (state[i] == i) put_bits(b, 0, 2, i);
    }
    ss_buf_printf(b, "$end\n");
    put_changes(t, value, shown, state, b);
    ss_buf_printf(b, "#%lld\n", (long long)t->to);
    return b->failed ? SS_BAD : SS_OK;
}

#define ROWS 1000 /* of the table of levels */

static ss_status put_levels(const trace *t, ss_arena *a, ss_buf *b) {
    const size_t n = (size_t)t->n_signals + 1;
    int32_t *value = ss_arena_alloc(a, n, sizeof *value), *most = ss_arena_alloc(a, n, sizeof *most);
    if (!value || !most) return SS_BAD;
    for (int32_t s = 0; s < t->n_signals; s++) value[s] = t->signals[s].start;
    ss_buf_printf(b, "cycle");
    for (int32_t s = 0; s < t->n_signals; s++)
        if (t->signals[s].fifo >= 0)
            ss_buf_printf(b, "\t\"%s:%d\"", t->signals[s].g->nodes[t->signals[s].node].name, (int)t->signals[s].fifo);
    ss_buf_printf(b, "\n");
    const int64_t step = later(1, ss_ceil_div(t->to - t->from, ROWS));
    size_t i = 0;
    for (int64_t at = t->from; at < t->to; at += step) {
        memcpy(most, value, n * sizeof *most);
        for (; i < t->n && t->events[i].at < at + step; i++) {
            const int32_t s = t->events[i].signal;
            value[s] += t->events[i].change;
            if (value[s] > most[s]) most[s] = value[s];
        }
        ss_buf_printf(b, "%lld", (long long)at);
        for (int32_t s = 0; s < t->n_signals; s++)
            if (t->signals[s].fifo >= 0) ss_buf_printf(b, "\t%d", (int)most[s]);
        ss_buf_printf(b, "\n");
    }
    return b->failed ? SS_BAD : SS_OK;
}

/* The span ends with the last event where the run is shorter. */
void trace_end(trace *t) {
    if (t->n) qsort(t->events, t->n, sizeof *t->events, by_time);
    if (t->n && t->events[t->n - 1].at < t->to) t->to = t->events[t->n - 1].at + 1;
}

ss_status trace_write(trace *t, const char *waveform, const char *levels) {
    if (t->failed) return SS_BAD;
    ss_arena *a = ss_arena_new(t->ctx);
    ss_status s = a ? SS_OK : SS_BAD;
    for (int k = 0; k < 2 && s == SS_OK; k++) {
        const char *path = k ? levels : waveform;
        ss_buf b;
        if (!path) continue;
        ss_buf_init(&b, t->ctx);
        s = k ? put_levels(t, a, &b) : put_waveform(t, a, &b);
        if (s == SS_OK) s = ss_file_write(t->ctx, path, b.data, b.len);
        ss_buf_free(&b);
    }
    ss_arena_free(a);
    return s;
}
