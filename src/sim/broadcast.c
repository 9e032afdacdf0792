/* The engine of a broadcast convolution, ss_broadcast_core: every stream takes its part of a window word by itself,
 * makes a list of a pixel's non-zeros, and replays it for each fold; a fold's sums leave when all streams have them.
 *
 * Of each word, list and fold it is a maximum of what it waits for, as in tests/rtl/broadcast.h, but no entry is
 * followed by itself: entries are written, and their places freed, one a cycle, so that of a word's entries that
 * wait for places of the same list only the first can wait.
 *
 * Streams go on as far as is known (advance); what they wait for is a place behind the join, which the reader frees. */
#include "base/share.h"
#include "sim/parts.h"

#define LISTS_WAITING 8 /* lists of any length in a stream */
#define JOIN_PLACES 32
#define RING_LISTS 16   /* lists that can still be waited for: LISTS_WAITING and the present one */

typedef struct list {
    int64_t first, count; /* entries */
    int64_t done;         /* when its last word was compacted */
    int64_t last_fold;    /* when that was begun */
    int64_t popped;       /* when it ended */
} list;

typedef struct flow { /* of one stream */
    int64_t room;           /* entries */
    int64_t words, step;    /* compacted; of the list in the making */
    int64_t done;           /* when the last word was compacted */
    int64_t entries, made;  /* written; lists made */
    int64_t old;            /* the list whose places are being taken again */
    int64_t replayed, fold; /* lists; folds of the one after them */
    int64_t folds, fold_end, busy;
    list list[RING_LISTS];
    ring pushed, taken; /* a word: into the queue, out of it */
} flow;

typedef struct broadcast {
    stage s;
    broadcast_shape p;
    const uint16_t *counts; /* [word][stream] */
    flow *flows;
    int64_t joined, joined_fold, joined_word; /* result words */
    int64_t levels, read;
    ring join, left;    /* of a result word */
    ring fold_end, with; /* of a fold: its last beat in any stream; streams that have it */
} broadcast;

/* ---- a stream ---- */

static list *list_at(flow *f, int64_t n) {
    return &f->list[n % RING_LISTS];
}

/* When the next `entries` are written that find a place at `t` or later; UNKNOWN: a place is not free yet. Lists
 * before the last LISTS_WAITING have been gone for long. */
static int64_t write_entries(flow *f, int64_t entries, int64_t t) {
    if (f->old < f->made - LISTS_WAITING) f->old = f->made - LISTS_WAITING;
    int64_t place = f->entries - f->room;
    const int64_t end = place + entries;
    if (end <= 0) return t + entries;
    if (place < 0) {
        t -= place;
        place = 0;
    }
    while (place < end) {
        const list *l = list_at(f, f->old);
        int64_t to = l->first + l->count;
        if (f->old < f->made && place >= to) {
            f->old++;
            continue;
        }
        if (f->old < f->made && place >= l->first) {
            if (f->old >= f->replayed) return UNKNOWN;
            t = later(t, l->last_fold + place - l->first);
        } else {
            to = l->first;
        }
        if (to > end) to = end;
        t += to - place;
        place = to;
    }
    return t;
}

/* The next word leaves the queue and is compacted. */
static bool compact(broadcast *b, flow *f, int64_t stream) {
    const int64_t count = b->counts[f->words * b->p.streams + stream];
    const bool last = f->step == b->p.steps - 1;
    const int64_t taken = later(ring_get(&f->pushed, f->words) + (b->p.queue > 0), f->done);
    int64_t t = taken;
    list *l = list_at(f, f->made);
    if (last && f->made >= LISTS_WAITING) {
        if (f->replayed <= f->made - LISTS_WAITING) return false;
        t = later(t, list_at(f, f->made - LISTS_WAITING)->popped);
    }
    if (f->step == 0) *l = (list){ .first = f->entries };
    t = write_entries(f, count > 0 ? count : 1, t);
    if (t < 0) return false;
    ring_set(&f->taken, f->words++, taken);
    f->entries += count;
    f->done = l->done = t;
    l->count += count;
    f->step = last ? 0 : f->step + 1;
    f->made += last;
    return true;
}

/* The next fold, once it has a place behind the engine. */
static bool replay(broadcast *b, flow *f) {
    list *l = list_at(f, f->replayed);
    const int64_t frees = (f->folds - b->p.results + 1) * b->p.beats - 1;
    if (frees >= b->joined) return false;
    int64_t start = later(f->fold_end + 1, l->done + 2);
    if (frees >= 0) start = later(start, ring_get(&b->join, frees) + 1);
    const int64_t cycles = later(l->count, b->p.beats), end = start + cycles - 1;
    ring_set(&b->fold_end, f->folds, later(ring_get(&b->fold_end, f->folds), end));
    ring_set(&b->with, f->folds, ring_get(&b->with, f->folds) + 1);
    f->folds++;
    f->fold_end = end;
    f->busy += cycles;
    if (++f->fold < b->p.folds) return true;
    l->last_fold = start;
    l->popped = end;
    f->fold = 0;
    f->replayed++;
    return true;
}

/* As far as is known; true: something is left. */
static bool go_on(broadcast *b, flow *f, int64_t stream) {
    bool moved = true;
    while (moved) {
        moved = false;
        while (f->words < b->s.in && compact(b, f, stream)) moved = true;
        while (f->replayed < f->made && replay(b, f)) moved = true;
    }
    return f->words < b->s.in || f->replayed < f->made;
}

/* ---- all of them ---- */

static bool join_word(broadcast *b) {
    const int64_t n = b->joined, freed = n - JOIN_PLACES;
    if (freed >= b->s.out || ring_get(&b->with, b->joined_fold) < b->p.streams) return false;
    int64_t t = ring_get(&b->fold_end, b->joined_fold) + 8 + b->joined_word + b->read;
    if (n > 0) t = later(t, ring_get(&b->join, n - 1) + 1);
    if (freed >= 0) t = later(t, ring_get(&b->left, freed) + 1);
    ring_set(&b->join, b->joined++, t);
    if (++b->joined_word < b->p.beats) return true;
    ring_set(&b->with, b->joined_fold, 0);
    ring_set(&b->fold_end, b->joined_fold++, 0);
    b->joined_word = 0;
    return true;
}

static void advance(broadcast *b) {
    for (bool again = true; again;) {
        bool left = false;
        const int64_t before = b->joined;
        for (int64_t i = 0; i < b->p.streams; i++)
            if (go_on(b, &b->flows[i], i)) left = true;
        while (join_word(b)) {
        }
        again = left && b->joined > before;
    }
}

/* From when stream f takes another word; UNKNOWN. */
static int64_t ready_of(const broadcast *b, const flow *f) {
    const int64_t n = b->s.in - b->p.queue; /* must have left the queue; without one, the word before is compacted */
    if (f->words < n) return UNKNOWN;
    if (b->p.queue == 0) return f->done;
    if (n < 0) return 0;
    const int64_t taken =
        n < f->words ? ring_get(&f->taken, n) : later(ring_get(&f->pushed, n) + 1, f->done);
    return taken + 1;
}

static bool broadcast_accept(stage *s) {
    broadcast *b = (broadcast *)s;
    int64_t ready = 0;
    advance(b);
    for (int64_t i = 0; i < b->p.streams; i++) {
        const int64_t own = ready_of(b, &b->flows[i]);
        if (own < 0) return false;
        ready = later(ready, own);
    }
    const int64_t v = pull(s->from);
    if (v < 0) return false;
    for (int64_t i = 0; i < b->p.streams; i++)
        ring_set(&b->flows[i].pushed, s->in, later(v, ready_of(b, &b->flows[i])));
    take_when(s, v, ready);
    return true;
}

static int64_t broadcast_front(stage *s) {
    broadcast *b = (broadcast *)s;
    while (b->joined == s->out) {
        advance(b);
        if (b->joined == s->out && !broadcast_accept(s)) return UNKNOWN;
    }
    return later(ring_get(&b->join, s->out) + b->levels + 2, s->last + 1);
}

static void broadcast_taken(stage *s, int64_t t) {
    ring_set(&((broadcast *)s)->left, s->out, t);
}

static const kind broadcast_kind = { "broadcast", broadcast_front, broadcast_accept, broadcast_taken };

static bool make_flow(sim *sm, const broadcast *b, flow *f) {
    const broadcast_shape *p = &b->p;
    *f = (flow){ .room = p->lists * ss_share_rows(p->steps, p->kernel, p->parts) };
    return ring_make(sm, &f->pushed, p->queue + 2) && ring_make(sm, &f->taken, p->queue + 2);
}

stage *make_broadcast(sim *sm, stage *from, const broadcast_shape *p) {
    broadcast *b = (broadcast *)stage_new(sm, &broadcast_kind, sizeof *b, from);
    if (!b || !ring_make(sm, &b->join, later((p->results + 3) * p->beats, 2 * JOIN_PLACES)) || !ring_make(sm, &b->left, JOIN_PLACES + 1) ||
        !ring_make(sm, &b->fold_end, p->results + 3) || !ring_make(sm, &b->with, p->results + 3))
        return NULL;
    b->p = *p;
    b->counts = sm->beats->layer[p->layer].data;
    if (p->queue == 1) b->p.queue = 2; /* the least that an ss_fifo has */
    b->read = p->results * p->beats > 64 ? 3 : 1;
    while (((int64_t)1 << b->levels) < p->streams) b->levels++;
    b->levels = later(b->levels, 2);
    b->flows = ss_arena_alloc(sm->arena, (size_t)p->streams, sizeof *b->flows);
    sm->failed = sm->failed || !b->flows;
    for (int64_t i = 0; b->flows && i < p->streams; i++)
        if (!make_flow(sm, b, &b->flows[i])) return NULL;
    return sm->failed ? NULL : &b->s;
}

int64_t broadcast_busy(const stage *s) {
    const broadcast *b = (const broadcast *)s;
    int64_t most = 0;
    for (int64_t i = 0; i < b->p.streams; i++) most = later(most, b->flows[i].busy);
    return most;
}
