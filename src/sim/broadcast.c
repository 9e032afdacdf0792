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

#define RING_LISTS 16   /* lists that can still be waited for: SS_LISTS_WAITING and the present one */

typedef struct lists { /* rows of RING_LISTS lists, of every stream */
    lane *first, *end; /* entries */
    lane *done;        /* when the last word was compacted */
    lane *last_fold;   /* when that was begun */
    lane *popped;      /* when it ended */
} lists;

typedef struct broadcast {
    stage s;
    broadcast_shape p;
    int64_t groups;         /* of a row */
    int64_t base;           /* rows have times from there on */
    const stage **far;      /* of the sim */
    int64_t words, step;    /* compacted; of the list in the making */
    int64_t pixel;          /* of the next word */
    int64_t made, replayed, fold, folds; /* lists made; replayed; folds of the one after them; folds of all */
    int64_t joined, joined_fold, joined_word; /* result words */
    int64_t kept;                             /* of them, those that go on */
    int64_t levels, read;
    ring came, free; /* of a word: when it came in; when all streams had taken it out of their queues */
    ring join;       /* of a result word */
    ring went, left; /* of one that goes on: from the join, out of the engine */
    ring fold_end;   /* of a fold: its last beat in any stream */
    lanes_word next; /* word; with when the last one was done and what it had written */
    lists list;
    lane *taken;     /* rows by word: out of the queue */
    /* a row each */
    lane *never, *room, *open; /* before all times; places; entries that find one at once */
    lane *ended, *busy;        /* the last fold's last beat; beats from the base on */
    int64_t *old, *beats;      /* the list whose places are being taken again; beats up to the base */
} broadcast;

static lane *row(const broadcast *b, lane *rows, int64_t n) {
    return rows + n * b->groups * LANES;
}

static int64_t words_a_pixel(const broadcast *b) {
    return b->p.passes * b->p.steps;
}

static int64_t slot(int64_t list) {
    return list & (RING_LISTS - 1);
}

/* ---- times of rows ---- */

#define FAR (1 << 29)

static void shift(const broadcast *b, lane *rows, int64_t n, int64_t by) {
    for (int64_t i = 0; i < n * b->groups * LANES; i++) rows[i] = (lane)later(-FAR, rows[i] - by);
}

/* Entries, too, are counted anew, from where all places have been taken once. */
static void shift_entries(broadcast *b) {
    for (int64_t i = 0; i < b->p.streams; i++) {
        const lane by = b->next.entries[i] - 2 * b->room[i];
        if (by <= 0) continue;
        b->next.entries[i] -= by;
        b->open[i] -= by;
        for (int64_t k = 0; k < RING_LISTS; k++) {
            row(b, b->list.first, k)[i] -= by;
            row(b, b->list.end, k)[i] -= by;
        }
    }
}

/* Is anything that is still to be worked on so early that from `base` on it could be told from what is past? */
static bool fits(const broadcast *b, int64_t base) {
    bool fit = b->words == b->s.in || ring_get(&b->came, b->words) - base > -FAR / 2;
    for (int64_t k = b->replayed; k < b->made; k++)
        for (int64_t i = 0; i < b->p.streams; i++)
            fit = fit && row(b, b->list.done, slot(k))[i] + b->base - base > -FAR / 2;
    return fit;
}

static void move_base(broadcast *b, int64_t t) {
    const int64_t by = t - b->base;
    lane *const times[] = { b->list.done, b->list.last_fold, b->list.popped };
    if (!fits(b, t)) *b->far = &b->s;
    b->base = t;
    shift(b, b->taken, b->free.mask + 1, by);
    shift(b, b->next.done, 1, by);
    shift(b, b->ended, 1, by);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) shift(b, times[i], RING_LISTS, by);
    shift_entries(b);
    for (int64_t i = 0; i < b->p.streams; i++) {
        b->beats[i] += b->busy[i];
        b->busy[i] = 0;
    }
}

/* A time as rows have them: up to 2 FAR behind the base, so that what is added to it fits. What is FAR before the base is past, and
 * the same as anything else that is. */
static lane in_rows(broadcast *b, int64_t t) {
    if (t - b->base >= 2 * (int64_t)FAR) move_base(b, t);
    return (lane)later(-FAR, t - b->base);
}

/* ---- words into lists ---- */

/* When the next `entries` of a stream are written that find a place at `t` or later; UNKNOWN: a place is not free yet.
 * Lists before the last SS_LISTS_WAITING have been gone for long. */
static bool write_entries(broadcast *b, int64_t stream, lane entries, lane t) {
    lane place = b->next.entries[stream] - b->room[stream];
    int64_t *old = &b->old[stream];
    const lane end = place + entries;
    *old = later(*old, b->made - SS_LISTS_WAITING);
    if (place < 0) {
        t += end <= 0 ? entries : -place;
        place = end <= 0 ? end : 0;
    }
    while (place < end) {
        const int64_t at = slot(*old) * b->groups * LANES + stream;
        const lane first = b->list.first[at];
        lane to = b->list.end[at];
        if (*old < b->made && place >= to) {
            ++*old;
            continue;
        }
        if (*old < b->made && place >= first) {
            if (*old >= b->replayed) return false;
            if (t < b->list.last_fold[at] + place - first) t = b->list.last_fold[at] + place - first;
        } else to = first;
        if (to > end) to = end;
        t += to - place;
        place = to;
    }
    b->next.written[stream] = t;
    return true;
}

/* Lists that have been replayed by t wait for nothing any more: what their places can take finds one at once. */
static void open_places(broadcast *b, int64_t stream, lane t) {
    for (int64_t *old = &b->old[stream]; *old < b->replayed; ++*old) {
        const int64_t at = slot(*old) * b->groups * LANES + stream;
        if (b->list.popped[at] > t) return;
        b->open[stream] = b->list.end[at] + b->room[stream];
    }
}

/* Of those streams whose entries may wait for places. */
static bool write_crowded(broadcast *b) {
    const lanes_word *w = &b->next;
    for (int64_t i = 0; i < b->p.streams; i++) {
        const lane entries = w->count[i] > 0 ? w->count[i] : 1;
        if (w->entries[i] + entries <= w->open[i]) continue;
        if (!write_entries(b, i, entries, w->taken[i] > w->wait[i] ? w->taken[i] : w->wait[i])) return false;
        open_places(b, i, w->written[i]);
    }
    return true;
}

/* Of the next word, which has come in, what is not known from the one before. */
static void begin_word(broadcast *b) {
    const int64_t n = b->words, before = n - b->p.queue;
    b->next.v = in_rows(b, ring_get(&b->came, n));
    b->next.taken = row(b, b->taken, n & b->free.mask);
    if (b->p.queue > 0 && before >= 0) b->next.before = row(b, b->taken, before & b->free.mask);
}

/* What others have of the map is passed over. */
static void next_pixel(broadcast *b) {
    const int64_t from = b->pixel++;
    while (deal_of(b->pixel, b->p.row, b->p.pixels) != b->p.number) b->pixel++;
    b->next.count += (b->pixel - from - 1) * words_a_pixel(b) * b->p.streams;
}

static void end_word(broadcast *b) {
    lanes_word *w = &b->next;
    lane *const written = w->written, *const sum = w->sum;
    w->written = w->done;
    w->done = written;
    w->sum = w->entries;
    w->entries = sum;
    w->count += b->p.streams;
    if (++b->words % words_a_pixel(b) == 0) next_pixel(b);
}

static void keep(const broadcast *b, lane *rows, int64_t list, const lane *from) {
    memcpy(row(b, rows, slot(list)), from, (size_t)(b->groups * LANES) * sizeof *from);
}

/* The next word leaves the queues and is compacted. */
static bool compact(broadcast *b) {
    const bool last = b->step == b->p.steps - 1;
    if (last && b->replayed <= b->made - SS_LISTS_WAITING) return false;
    begin_word(b);
    b->next.wait = last && b->made >= SS_LISTS_WAITING ? row(b, b->list.popped, slot(b->made - SS_LISTS_WAITING)) : b->never;
    ring_set(&b->free, b->words, b->base + lanes_write(b->groups, &b->next));
    if (b->step == 0) keep(b, b->list.first, b->made, b->next.entries);
    if (b->next.crowded && !write_crowded(b)) return false;
    end_word(b);
    b->step = last ? 0 : b->step + 1;
    if (!last) return true;
    keep(b, b->list.done, b->made, b->next.done);
    keep(b, b->list.end, b->made, b->next.entries);
    b->made++;
    return true;
}

/* ---- lists into folds ---- */

/* The next fold, once it has a place behind the engine. */
static bool replay(broadcast *b) {
    const int64_t frees = (b->folds - b->p.results + 1) * b->p.beats - 1, at = slot(b->replayed);
    if (frees >= b->joined) return false;
    const lanes_fold f = { .from = frees >= 0 ? in_rows(b, ring_get(&b->join, frees) + 1) : -FAR,
                           .least = (lane)b->p.beats,
                           .made = row(b, b->list.done, at),
                           .first = row(b, b->list.first, at),
                           .end = row(b, b->list.end, at),
                           .start = row(b, b->list.last_fold, at),
                           .ended = b->ended,
                           .busy = b->busy };
    ring_set(&b->fold_end, b->folds++, b->base + lanes_replay(b->groups, &f));
    for (int64_t i = 0; b->s.trace && i < b->p.streams; i++)
        trace_busy(&b->s, b->base + f.start[i], b->base + f.ended[i] + 1);
    if (++b->fold < b->p.folds) return true;
    keep(b, b->list.popped, b->replayed, b->ended);
    b->fold = 0;
    b->replayed++;
    return true;
}

static bool join_word(broadcast *b) {
    if (b->joined_fold == b->folds) return false;
    const int64_t n = b->joined, freed = b->kept - SS_JOIN_PLACES;
    if (freed >= b->s.out) return false;
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
    bool moved;
    do {
        moved = false;
        while (b->words < b->s.in && compact(b)) {
        }
        while (b->replayed < b->made && replay(b)) moved = true;
        while (join_word(b)) moved = true;
    } while (moved);
}

/* ---- the stage ---- */

/* From when all streams take another word, or UNKNOWN: when they have taken that which frees its place out of their queues; without
 * one, when the word before is compacted. */
static int64_t all_ready(broadcast *b) {
    const int64_t n = b->s.in - b->p.queue;
    if (n < 0) return 0;
    if (b->words < n) return UNKNOWN;
    if (b->p.queue == 0) return b->base + lanes_latest(b->groups, b->next.done);
    if (n < b->words) return ring_get(&b->free, n) + 1;
    begin_word(b);
    return b->base + lanes_take(b->groups, &b->next) + 1;
}

static int64_t broadcast_room(stage *s, int64_t n) {
    const broadcast *b = (const broadcast *)s;
    const int64_t first = s->in - b->p.queue; /* frees the next word's place */
    if (s->busy || b->p.queue == 0) return 0;
    return room_by(s, &b->free, first, n < b->words - first ? n : b->words - first);
}

static void broadcast_took(stage *s, int64_t n, const int64_t *t) {
    broadcast *b = (broadcast *)s;
    if (t[0] - b->base < -FAR / 2) *b->far = s;
    for (int64_t i = 0; i < n; i++) ring_set(&b->came, s->in + i, t[i]);
    came_in(s, n, t);
}

static bool take_word(broadcast *b) {
    stage *s = &b->s;
    const int64_t ready = s->busy ? UNKNOWN : all_ready(b);
    if (ready < 0) return false;
    s->busy = true;
    const int64_t v = pull(s->from);
    s->busy = false;
    if (v < 0) return false;
    if (v - b->base < -FAR / 2) *b->far = s;
    ring_set(&b->came, s->in, v);
    take_when(s, v, ready);
    return true;
}

static bool take_words(broadcast *b) {
    int64_t t[RUN], n = b->s.single ? 0 : broadcast_room(&b->s, RUN);
    if (n < 2) return take_word(b);
    b->s.busy = true;
    n = run_from(b->s.from, n, t);
    b->s.busy = false;
    if (n > 0) broadcast_took(&b->s, n, t);
    return n > 0;
}

static bool broadcast_accept(stage *s) {
    advance((broadcast *)s);
    return take_words((broadcast *)s);
}

static int64_t broadcast_front(stage *s) {
    broadcast *b = (broadcast *)s;
    if (b->kept == s->out) advance(b);
    while (b->kept == s->out) {
        if (!take_words(b)) return UNKNOWN;
        advance(b);
    }
    return later(ring_get(&b->went, s->out) + b->levels + 2, s->last + 1);
}

static void broadcast_taken(stage *s, int64_t t) {
    ring_set(&((broadcast *)s)->left, s->out, t);
}

static int64_t broadcast_run(stage *s, int64_t n, int64_t *t) {
    return run_fronts(s, n, t, broadcast_front, broadcast_taken);
}

static const kind broadcast_kind = { "broadcast", broadcast_front, broadcast_accept, broadcast_taken,
                                     broadcast_run, broadcast_room, broadcast_took };

/* ---- making one ---- */

static lane *rows(sim *sm, const broadcast *b, int64_t n) {
    lane *all = ss_arena_alloc(sm->arena, (size_t)n, (size_t)(b->groups * LANES) * sizeof *all);
    if (!all) sm->failed = true;
    return all;
}

static bool make_rows(sim *sm, broadcast *b) {
    lanes_word *w = &b->next;
    lane **const one[] = { &b->never, &b->room, &b->open, &b->ended, &b->busy, &w->done, &w->written, &w->entries, &w->sum };
    lane **const of_lists[] = { &b->list.first, &b->list.end, &b->list.done, &b->list.last_fold, &b->list.popped };
    b->groups = ss_ceil_div(b->p.streams, LANES);
    const size_t all = (size_t)(b->groups * LANES);
    for (size_t i = 0; i < sizeof one / sizeof *one; i++) *one[i] = rows(sm, b, 1);
    for (size_t i = 0; i < sizeof of_lists / sizeof *of_lists; i++) *of_lists[i] = rows(sm, b, RING_LISTS);
    b->taken = rows(sm, b, b->free.mask + 1);
    w->mask = ss_arena_alloc(sm->arena, all, sizeof *w->mask);
    b->old = ss_arena_alloc(sm->arena, all, sizeof *b->old);
    b->beats = ss_arena_alloc(sm->arena, all, sizeof *b->beats);
    sm->failed = sm->failed || !w->mask || !b->old || !b->beats;
    return !sm->failed;
}

static void set_rows(broadcast *b, const uint16_t *counts) {
    const lane room = (lane)(b->p.lists * ss_share_rows(b->p.steps, b->p.kernel, b->p.parts));
    for (int64_t i = 0; i < b->groups * LANES; i++) {
        b->never[i] = -2 * FAR;
        b->room[i] = b->open[i] = room;
    }
    memset(b->next.mask, 0xff, (size_t)b->p.streams * sizeof *b->next.mask);
    b->pixel = b->p.number;
    b->next.count = counts + b->pixel * words_a_pixel(b) * b->p.streams;
    b->next.before = b->never;
    b->next.open = b->open;
    b->next.queued = b->p.queue > 0;
}

stage *make_broadcast(sim *sm, stage *from, const broadcast_shape *p) {
    broadcast *b = (broadcast *)stage_new(sm, &broadcast_kind, sizeof *b, from);
    if (!b || !ring_make(sm, &b->join, later((p->results + 3) * p->beats, 2 * SS_JOIN_PLACES)) ||
        !ring_make(sm, &b->went, SS_JOIN_PLACES + 1) || !ring_make(sm, &b->left, SS_JOIN_PLACES + 1) ||
        !ring_make(sm, &b->fold_end, p->results + 3) || !ring_make(sm, &b->came, p->queue + 3) ||
        !ring_make(sm, &b->free, p->queue + 3))
        return NULL;
    b->p = *p;
    b->far = &sm->far;
    if (p->queue == 1) b->p.queue = 2; /* the least that an ss_fifo has */
    b->read = p->results * p->beats > 64 ? 3 : 1;
    while (((int64_t)1 << b->levels) < p->streams) b->levels++;
    b->levels = later(b->levels, 2);
    if (!make_rows(sm, b)) return NULL;
    set_rows(b, sm->beats->layer[p->layer].data);
    return &b->s;
}

int64_t broadcast_busy(const stage *s) {
    const broadcast *b = (const broadcast *)s;
    int64_t most = 0;
    for (int64_t i = 0; i < b->p.streams; i++) most = later(most, b->beats[i] + b->busy[i]);
    return most;
}
