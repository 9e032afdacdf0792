/* The engine of a broadcast convolution, ss_broadcast_core: every stream takes its part of a window word by itself,
 * makes a list of a pixel's non-zeros, and replays it for each fold; a fold's sums leave when all streams have them.
 *
 * Of each word, list and fold it is a maximum of what it waits for, as in tests/rtl/broadcast.h, but no entry is
 * followed by itself: entries are written, and their places freed, one a cycle, so that of a word's entries that
 * wait for places of the same list only the first can wait.
 *
 * Times differ from stream to stream, but which word, list and fold comes next does not: nothing comes in before all
 * streams have taken the word before, as far as their queues go, and nothing leaves before all have the fold. So all
 * streams are followed word by word, list by list and fold by fold together, a row of times each (lanes.h). */
#include "base/share.h"
#include "sim/lanes.h"
#include "sim/parts.h"

#include <string.h>

#define JOIN_PLACES 32
#define RING_LISTS 16   /* lists that can still be waited for: SS_LISTS_WAITING and the present one */

typedef struct lists { /* rows of RING_LISTS lists, of every stream */
    int64_t *first, *end; /* entries */
    int64_t *done;        /* when the last word was compacted */
    int64_t *last_fold;   /* when that was begun */
    int64_t *popped;      /* when it ended */
} lists;

typedef struct broadcast {
    stage s;
    broadcast_shape p;
    const uint16_t *counts; /* [pixel][word][stream] */
    int64_t words, step;    /* compacted; of the list in the making */
    int64_t pixel;          /* of the next word */
    int64_t made, replayed, fold, folds; /* lists made; replayed; folds of the one after them; folds of all */
    int64_t joined, joined_fold, joined_word; /* result words */
    int64_t kept;                             /* of them, those that go on */
    int64_t levels, read;
    ring join;       /* of a result word */
    ring went, left; /* of one that goes on: from the join, out of the engine */
    ring fold_end;   /* of a fold: its last beat in any stream */
    /* a row each, of streams */
    int64_t *ready, *next, *done;   /* for the next word; scratch; when the last word was compacted */
    int64_t *entries, *room;        /* written; places */
    int64_t *old, *open;            /* the list whose places are being taken again; entries that find a place at once */
    int64_t *ended, *busy;          /* the last fold's last beat; beats */
    int64_t *pushed, *taken, mask;  /* rows by word: into the queue, out of it */
    lists list;
} broadcast;

static int64_t *row(const broadcast *b, int64_t *rows, int64_t n) {
    return rows + n * b->p.streams;
}

static int64_t slot(int64_t list) {
    return list % RING_LISTS;
}

/* ---- words into lists ---- */

/* When the next `entries` of a stream are written that find a place at `t` or later; UNKNOWN: a place is not free yet.
 * Lists before the last SS_LISTS_WAITING have been gone for long. */
static int64_t write_entries(broadcast *b, int64_t stream, int64_t entries, int64_t t) {
    int64_t place = b->entries[stream] - b->room[stream], *old = &b->old[stream];
    const int64_t end = place + entries;
    *old = later(*old, b->made - SS_LISTS_WAITING);
    if (end <= 0) return t + entries;
    if (place < 0) {
        t -= place;
        place = 0;
    }
    while (place < end) {
        const int64_t at = slot(*old) * b->p.streams + stream, first = b->list.first[at];
        int64_t to = b->list.end[at];
        if (*old < b->made && place >= to) {
            ++*old;
            continue;
        }
        if (*old < b->made && place >= first) {
            if (*old >= b->replayed) return UNKNOWN;
            t = later(t, b->list.last_fold[at] + place - first);
        } else to = first;
        if (to > end) to = end;
        t += to - place;
        place = to;
    }
    return t;
}

/* Lists that have been replayed by t wait for nothing any more: what their places can take finds one at once. */
static void open_places(broadcast *b, int64_t stream, int64_t t) {
    for (int64_t *old = &b->old[stream]; *old < b->replayed; ++*old) {
        const int64_t at = slot(*old) * b->p.streams + stream;
        if (b->list.popped[at] > t) return;
        b->open[stream] = b->list.end[at] + b->room[stream];
    }
}

/* Of those streams whose entries may wait for places. */
static bool write_crowded(broadcast *b, const uint16_t *count, const int64_t *from) {
    for (int64_t i = 0; i < b->p.streams; i++) {
        const int64_t entries = count[i] > 0 ? count[i] : 1;
        if (b->entries[i] + entries <= b->open[i]) continue;
        b->next[i] = write_entries(b, i, entries, from[i]);
        if (b->next[i] < 0) return false;
        open_places(b, i, b->next[i]);
    }
    return true;
}

static void next_pixel(broadcast *b) {
    do b->pixel++;
    while (deal_of(b->pixel, b->p.row, b->p.pixels) != b->p.number);
}

/* The next word leaves the queues and is compacted. */
static bool compact(broadcast *b) {
    const int64_t n = b->p.streams;
    const int64_t each = b->p.passes * b->p.steps;
    const uint16_t *count = b->counts + (b->pixel * each + b->words % each) * n;
    int64_t *taken = row(b, b->taken, b->words & b->mask), *from = taken;
    const bool last = b->step == b->p.steps - 1;
    if (last && b->replayed <= b->made - SS_LISTS_WAITING) return false;
    lanes_later(n, row(b, b->pushed, b->words & b->mask), b->p.queue > 0, b->done, taken);
    if (last && b->made >= SS_LISTS_WAITING) {
        from = b->ready; /* scratch */
        lanes_later(n, taken, 0, row(b, b->list.popped, slot(b->made - SS_LISTS_WAITING)), from);
    }
    if (b->step == 0) memcpy(row(b, b->list.first, slot(b->made)), b->entries, (size_t)n * sizeof *b->entries);
    if (lanes_write(n, count, from, b->entries, b->open, b->next) && !write_crowded(b, count, from)) return false;
    lanes_add(n, count, b->entries);
    memcpy(b->done, b->next, (size_t)n * sizeof *b->done);
    if (++b->words % each == 0) next_pixel(b);
    b->step = last ? 0 : b->step + 1;
    if (!last) return true;
    memcpy(row(b, b->list.done, slot(b->made)), b->done, (size_t)n * sizeof *b->done);
    memcpy(row(b, b->list.end, slot(b->made)), b->entries, (size_t)n * sizeof *b->entries);
    b->made++;
    return true;
}

/* ---- lists into folds ---- */

/* The next fold, once it has a place behind the engine. */
static bool replay(broadcast *b) {
    const int64_t frees = (b->folds - b->p.results + 1) * b->p.beats - 1, n = b->p.streams, at = slot(b->replayed);
    if (frees >= b->joined) return false;
    const lanes_fold f = { .from = frees >= 0 ? ring_get(&b->join, frees) + 1 : 0,
                           .least = b->p.beats,
                           .made = row(b, b->list.done, at),
                           .first = row(b, b->list.first, at),
                           .end = row(b, b->list.end, at),
                           .start = row(b, b->list.last_fold, at),
                           .ended = b->ended,
                           .busy = b->busy };
    ring_set(&b->fold_end, b->folds++, lanes_replay(n, &f));
    for (int64_t i = 0; b->s.trace && i < n; i++) trace_busy(&b->s, f.start[i], f.ended[i] + 1);
    if (++b->fold < b->p.folds) return true;
    memcpy(row(b, b->list.popped, at), b->ended, (size_t)n * sizeof *b->ended);
    b->fold = 0;
    b->replayed++;
    return true;
}

static bool join_word(broadcast *b) {
    const int64_t n = b->joined, freed = b->kept - JOIN_PLACES;
    if (freed >= b->s.out || b->joined_fold == b->folds) return false;
    int64_t t = ring_get(&b->fold_end, b->joined_fold) + 8 + b->joined_word + b->read;
    if (n > 0) t = later(t, ring_get(&b->join, n - 1) + 1);
    if (freed >= 0) t = later(t, ring_get(&b->left, freed) + 1);
    ring_set(&b->join, b->joined++, t);
    if (n % (b->p.folds * b->p.beats) < b->p.keep) ring_set(&b->went, b->kept++, t);
    if (++b->joined_word < b->p.beats) return true;
    b->joined_fold++;
    b->joined_word = 0;
    return true;
}

/* As far as is known. */
static void advance(broadcast *b) {
    for (bool moved = true; moved;) {
        moved = false;
        while (b->words < b->s.in && compact(b)) moved = true;
        while (b->replayed < b->made && replay(b)) moved = true;
        while (join_word(b)) moved = true;
    }
}

/* ---- the stage ---- */

/* From when the streams take another word, into b->ready: when all do, or UNKNOWN. */
static int64_t all_ready(broadcast *b) {
    const int64_t n = b->s.in - b->p.queue, streams = b->p.streams; /* must have left the queue; without one, the word
                                                                     * before is compacted */
    if (b->words < n) return UNKNOWN;
    if (b->p.queue == 0) return lanes_latest(streams, b->done, 0, b->ready);
    if (n < 0) return lanes_latest(streams, NULL, 0, b->ready);
    int64_t *taken = row(b, b->taken, n & b->mask);
    if (n == b->words) lanes_later(streams, row(b, b->pushed, n & b->mask), 1, b->done, taken);
    return lanes_latest(streams, taken, 1, b->ready);
}

static bool broadcast_accept(stage *s) {
    broadcast *b = (broadcast *)s;
    advance(b);
    const int64_t ready = all_ready(b);
    if (ready < 0) return false;
    const int64_t v = pull(s->from);
    if (v < 0) return false;
    lanes_raise(b->p.streams, b->ready, v, row(b, b->pushed, s->in & b->mask));
    take_when(s, v, ready);
    return true;
}

static int64_t broadcast_front(stage *s) {
    broadcast *b = (broadcast *)s;
    if (b->kept == s->out) advance(b);
    while (b->kept == s->out) {
        if (!broadcast_accept(s)) return UNKNOWN;
        advance(b);
    }
    return later(ring_get(&b->went, s->out) + b->levels + 2, s->last + 1);
}

static void broadcast_taken(stage *s, int64_t t) {
    ring_set(&((broadcast *)s)->left, s->out, t);
}

static const kind broadcast_kind = { "broadcast", broadcast_front, broadcast_accept, broadcast_taken, NULL, NULL, NULL };

/* ---- making one ---- */

static bool rows(sim *sm, const broadcast *b, int64_t n, int64_t **to) {
    *to = ss_arena_alloc(sm->arena, (size_t)n, (size_t)b->p.streams * sizeof **to);
    if (!*to) sm->failed = true;
    return *to != NULL;
}

static bool make_rows(sim *sm, broadcast *b) {
    int64_t **const one[] = { &b->ready, &b->next, &b->done, &b->entries, &b->room, &b->old, &b->open, &b->ended, &b->busy };
    int64_t **const ring_of[] = { &b->list.first, &b->list.end, &b->list.done, &b->list.last_fold, &b->list.popped };
    int64_t words = 4;
    while (words < b->p.queue + 2) words *= 2;
    b->mask = words - 1;
    for (size_t i = 0; i < sizeof one / sizeof *one; i++)
        if (!rows(sm, b, 1, one[i])) return false;
    for (size_t i = 0; i < sizeof ring_of / sizeof *ring_of; i++)
        if (!rows(sm, b, RING_LISTS, ring_of[i])) return false;
    return rows(sm, b, words, &b->pushed) && rows(sm, b, words, &b->taken);
}

stage *make_broadcast(sim *sm, stage *from, const broadcast_shape *p) {
    broadcast *b = (broadcast *)stage_new(sm, &broadcast_kind, sizeof *b, from);
    if (!b || !ring_make(sm, &b->join, later((p->results + 3) * p->beats, 2 * JOIN_PLACES)) ||
        !ring_make(sm, &b->went, JOIN_PLACES + 1) || !ring_make(sm, &b->left, JOIN_PLACES + 1) ||
        !ring_make(sm, &b->fold_end, p->results + 3))
        return NULL;
    b->p = *p;
    b->pixel = p->number;
    b->counts = sm->beats->layer[p->layer].data;
    if (p->queue == 1) b->p.queue = 2; /* the least that an ss_fifo has */
    b->read = p->results * p->beats > 64 ? 3 : 1;
    while (((int64_t)1 << b->levels) < p->streams) b->levels++;
    b->levels = later(b->levels, 2);
    if (!make_rows(sm, b)) return NULL;
    for (int64_t i = 0; i < p->streams; i++)
        b->room[i] = b->open[i] = p->lists * ss_share_rows(p->steps, p->kernel, p->parts);
    return &b->s;
}

int64_t broadcast_busy(const stage *s) {
    const broadcast *b = (const broadcast *)s;
    int64_t most = 0;
    for (int64_t i = 0; i < b->p.streams; i++) most = later(most, b->busy[i]);
    return most;
}
