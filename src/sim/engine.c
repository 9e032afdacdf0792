/* The engine of a convolution, ss_conv_core: a cycle a beat, and nothing behind the front ever stalls.
 *
 * A window is taken with its first beat. In a pixel's last step every fold makes a result, whose beats wait
 * until the result FIFO has a place: the result `results` before it has left. `latency` cycles after its last
 * beat a result comes into the FIFO, and can be taken one cycle later, three when it is block RAM. */
#include "sim/parts.h"

typedef struct engine {
    stage s;
    engine_shape p;
    const uint16_t *beats; /* of all images' windows, one behind another; NULL: dense */
    int64_t windows;       /* taken */
    int64_t step, fold;    /* fold: of the present window's results, 0: the next window is to come */
    int64_t now;           /* beats of the present window's folds */
    int64_t free_at;       /* first cycle without a beat */
    int64_t busy;
    bool block;
    int64_t results; /* begun and done */
    int64_t fetched, moved;
    ring came, left;
} engine;

/* From when result number e->results has a place; UNKNOWN: its place has not been left. */
static int64_t place(const engine *e) {
    const int64_t freed = e->results - e->p.results;
    if (freed >= e->s.out) return UNKNOWN;
    return freed < 0 ? 0 : ring_get(&e->left, freed) + 1;
}

static void result(engine *e, int64_t start) {
    const int64_t end = start + e->now - 1;
    ring_set(&e->came, e->results++, end + e->p.latency);
    e->free_at = end + 1;
    if (e->s.trace) trace_busy(&e->s, start, end + 1);
    e->fold = e->fold + 1 == e->p.folds ? 0 : e->fold + 1;
}

static bool take_window(engine *e) {
    stage *s = &e->s;
    const bool last = e->step == e->p.steps - 1;
    const int64_t has_place = last ? place(e) : 0;
    if (has_place < 0) return false;
    const int64_t v = pull(s->from);
    if (v < 0) return false;
    e->now = e->beats ? e->beats[e->windows] : e->p.beats;
    e->windows++;
    const int64_t start = take_when(s, v, later(e->free_at, has_place));
    e->busy += e->now * e->p.folds;
    e->step = last ? 0 : e->step + 1;
    if (last) result(e, start);
    else {
        e->free_at = start + e->p.folds * e->now;
        if (s->trace) trace_busy(s, start, e->free_at);
    }
    return true;
}

static bool engine_accept(stage *s) {
    engine *e = (engine *)s;
    if (e->fold == 0) return take_window(e);
    const int64_t has_place = place(e);
    if (has_place < 0) return false;
    result(e, later(e->free_at, has_place));
    return true;
}

static int64_t engine_front(stage *s) {
    engine *e = (engine *)s;
    while (e->results == s->out)
        if (!engine_accept(s)) return UNKNOWN;
    const int64_t came = ring_get(&e->came, s->out);
    if (!e->block) return later(came, s->last) + 1;
    e->fetched = later(came + 1, later(e->fetched + 1, e->moved));
    e->moved = later(e->fetched + 1, s->last);
    return e->moved + 1;
}

static void engine_taken(stage *s, int64_t t) {
    ring_set(&((engine *)s)->left, s->out, t);
}

static int64_t engine_run(stage *s, int64_t n, int64_t *t) {
    return run_fronts(s, n, t, engine_front, engine_taken);
}

static const kind engine_kind = {
    .name = "engine", .front = engine_front, .accept = engine_accept, .taken = engine_taken, .run = engine_run
};

stage *make_engine(sim *sm, stage *from, const engine_shape *p) {
    engine *e = (engine *)stage_new(sm, &engine_kind, sizeof *e, from);
    if (!e || !ring_make(sm, &e->came, p->results + 1) || !ring_make(sm, &e->left, p->results + 1))
        return NULL;
    e->p = *p;
    e->beats = p->beats ? NULL : sm->beats->layer[p->layer].data;
    e->block = p->results > 64;
    e->fetched = e->moved = -1;
    return &e->s;
}

int64_t engine_busy(const stage *s) {
    return ((const engine *)s)->busy;
}
