/* FIFOs and slices. See parts.h for the protocol. */
#include "sim/fifo.h"

/* ---- ss_fifo ----
 * Ready while fewer than `depth` words are inside: from the cycle after word in - depth left. A word can be
 * taken one cycle after it came; with block RAM, it is fetched, moved to the output register, and taken, a
 * cycle each at least. */

static int64_t fifo_room(stage *s, int64_t n) {
    const fifo *f = (const fifo *)s;
    const int64_t empty = s->busy ? 0 : f->depth - (s->in - s->out);
    return room_by(s, &f->left, s->in - f->depth, n < empty ? n : empty);
}

static void fifo_took(stage *s, int64_t n, const int64_t *t) {
    fifo *f = (fifo *)s;
    ring_put(&f->came, s->in, n, t);
    came_in(s, n, t);
    f->deepest = later(f->deepest, s->in - s->out);
}

/* n words that it has room for. 0: not at once. */
static int64_t accept_run(stage *s, int64_t n) {
    int64_t t[RUN];
    if (n < 2) return 0;
    s->busy = true;
    n = run_from(s->from, n, t);
    s->busy = false;
    if (n > 0) fifo_took(s, n, t);
    return n;
}

bool fifo_accept(stage *s) {
    fifo *f = (fifo *)s;
    const int64_t freed = s->in - f->depth;
    if (freed >= s->out) return false;
    if (s->busy) return refuse(s);
    const int64_t many = accept_run(s, s->single ? 0 : fifo_room(s, RUN));
    if (many != 0) return many > 0;
    s->busy = true;
    const int64_t v = pull(s->from);
    s->busy = false;
    if (v < 0) return false;
    const int64_t ready = freed < 0 ? 0 : ring_get(&f->left, freed) + 1;
    const int64_t t = take_when(s, v, ready);
    ring_set(&f->came, s->in - 1, t);
    f->deepest = later(f->deepest, s->in - s->out);
    if (s->trace) trace_level(s, t + 1, 1);
    return true;
}

int64_t fifo_stands(fifo *f, int64_t first, int64_t n) {
    const int64_t more = f->block ? 3 : 1, out = f->s.out;
    if (n > f->s.in - out) n = f->s.in - out;
    if (f->s.v > first || f->s.last + 1 > first || f->moved + 2 > first) return 0;
    if (first - out < f->since || f->stood < out) f->stood = out;
    f->since = first - out;
    while (f->stood < out + n && ring_get(&f->came, f->stood) + more <= first + f->stood - out) f->stood++;
    return f->stood - out < n ? f->stood - out : n;
}

void fifo_fill(fifo *f, int64_t through) {
    const bool straight = !f->s.busy && !f->block && f->s.last <= f->s.last_in + 1 && !f->s.single;
    if (through <= f->depth || !straight || accept_run(&f->s, through) == 0) fifo_accept(&f->s);
}

/* Each word makes at most one more than ever before: when the word `most` before it was still there. Asked when it leaves, as then
 * it is known when all those before it have left. */
void fifo_leave(fifo *f, int64_t n, const int64_t *t) {
    const int64_t first = f->s.out;
    int64_t came[RUN], left[RUN];
    ring_put(&f->left, first, n, t);
    if (!f->s.ends) return;
    if (times_met(n, ring_span(&f->came, first, n, came), ring_span(&f->left, first - f->most, n, left)) == 0) return;
    for (int64_t i = first; i < first + n; i++)
        f->most += ring_get(&f->left, i - f->most) >= ring_get(&f->came, i);
}

static int64_t fifo_front(stage *s) {
    return s->in == s->out && !fifo_accept(s) ? UNKNOWN : fifo_next((fifo *)s);
}

static void fifo_taken(stage *s, int64_t t) {
    fifo_leave((fifo *)s, 1, &t);
    if (s->trace) trace_level(s, t + 1, -1);
}

static int64_t fifo_run(stage *s, int64_t n, int64_t *t) {
    fifo *f = (fifo *)s;
    if (s->in == s->out && !fifo_accept(s)) return UNKNOWN;
    if (n > s->in - s->out) n = s->in - s->out;
    for (int64_t i = 0; i < n; i++) {
        t[i] = fifo_next(f);
        fifo_leave(f, 1, t + i);
        went_out(s, 1, t + i);
    }
    return n;
}

/* Out of block RAM a word is fetched meanwhile. */
static int64_t fifo_known(stage *s, int64_t n, int64_t *from) {
    const fifo *f = (const fifo *)s;
    const int64_t fetch = f->block ? 2 : 0;
    if (s->in == s->out && !fifo_accept(s)) return UNKNOWN;
    if (n > s->in - s->out) n = s->in - s->out;
    const int64_t *const came = ring_span(&f->came, s->out, n, from);
    for (int64_t i = 0; i < n; i++) from[i] = came[i] + fetch;
    if (n > 0 && f->block) from[0] = later(from[0], later(f->fetched + 1, f->moved) + 1);
    return n;
}

static void fifo_left(stage *s, int64_t n, const int64_t *from, const int64_t *t) {
    fifo *f = (fifo *)s;
    for (int64_t i = 0; f->block && i < n; i++) fetch(f, ring_get(&f->came, s->out + i), i > 0 ? t[i - 1] : s->last);
    fifo_leave(f, n, t);
    wait_out(s, n, from, t);
}

const kind fifo_kind = {
    .name = "fifo", .front = fifo_front, .accept = fifo_accept, .taken = fifo_taken, .run = fifo_run,
    .room = fifo_room, .took = fifo_took, .known = fifo_known, .left = fifo_left
};

stage *make_fifo(sim *sm, stage *from, int64_t depth, bool block) {
    if (depth == 0) return from;
    fifo *f = (fifo *)stage_new(sm, &fifo_kind, sizeof *f, from);
    if (!f || !ring_make(sm, &f->came, depth + RUN) || !ring_make(sm, &f->left, depth + RUN)) return NULL;
    f->depth = depth > 2 ? depth : 2;
    f->block = block;
    f->fetched = f->moved = -1;
    return &f->s;
}

int64_t fifo_depth(const stage *s) {
    return ((const fifo *)s)->depth;
}
/* And of words inside those that had come when the last one left. */
int64_t fifo_most(const stage *s) {
    const fifo *f = (const fifo *)s;
    int64_t most = f->most;
    for (int64_t i = s->out; i < s->in && ring_get(&f->came, i) <= s->last; i++)
        most += i - most >= s->out || ring_get(&f->left, i - most) >= ring_get(&f->came, i);
    return most;
}
int64_t fifo_deepest(const stage *s) {
    return ((const fifo *)s)->deepest;
}

/* ---- ss_slice: a FIFO of two ---- */

typedef struct slice {
    stage s;
    int64_t came[2], left[2];
} slice;

static bool slice_accept(stage *s) {
    slice *f = (slice *)s;
    if (s->in - 2 >= s->out) return false;
    if (s->busy) return refuse(s);
    s->busy = true;
    const int64_t v = pull(s->from);
    s->busy = false;
    if (v < 0) return false;
    int64_t *came = &f->came[s->in & 1];
    *came = take_when(s, v, f->left[s->in & 1] + 1);
    return true;
}

static int64_t slice_front(stage *s) {
    if (s->in == s->out && !slice_accept(s)) return UNKNOWN;
    return later(((slice *)s)->came[s->out & 1], s->last) + 1;
}

static void slice_taken(stage *s, int64_t t) {
    ((slice *)s)->left[s->out & 1] = t;
}

/* Empty, and rid of its last word in time: each word goes through in a cycle. */
static int64_t slice_run(stage *s, int64_t n, int64_t *t) {
    slice *f = (slice *)s;
    if (s->busy || s->in != s->out || s->last > s->last_in + 1) return 0;
    s->busy = true;
    n = run_from(s->from, n, t);
    s->busy = false;
    if (n < 0) return UNKNOWN;
    came_in(s, n, t);
    for (int64_t i = 0; i < n; i++) t[i]++;
    went_out(s, n, t);
    f->left[(s->out - 1) & 1] = t[n - 1];
    f->left[s->out & 1] = n > 1 ? t[n - 2] : f->left[s->out & 1];
    return n;
}

/* What goes straight through, and two words that stay. */
static int64_t slice_room(stage *s, int64_t n) {
    if (s->busy || s->v >= 0 || s->in != s->out || s->last > s->last_in + 1) return 0;
    const int64_t most = room_of(s->reader, n) + 2;
    return n < most ? n : most;
}

static void slice_took(stage *s, int64_t n, const int64_t *t) {
    slice *f = (slice *)s;
    int64_t out[RUN], through = room_of(s->reader, n);
    for (int64_t i = 0; i < n; i++) f->came[(s->in + i) & 1] = t[i];
    came_in(s, n, t);
    for (int64_t i = 0; i < through; i++) {
        out[i] = t[i] + 1;
        f->left[(s->out + i) & 1] = out[i];
    }
    if (through == 0) return;
    went_out(s, through, out);
    s->reader->ops->took(s->reader, through, out);
}

static const kind slice_kind = {
    .name = "slice", .front = slice_front, .accept = slice_accept, .taken = slice_taken, .run = slice_run,
    .room = slice_room, .took = slice_took
};

stage *make_slice(sim *sm, stage *from) {
    slice *f = (slice *)stage_new(sm, &slice_kind, sizeof *f, from);
    if (!f) return NULL;
    f->left[0] = f->left[1] = -1;
    return &f->s;
}

