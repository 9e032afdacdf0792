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
    int64_t joined, joined_fold, joined_word; /* result words; of the fold in joined_fold */
    int64_t list_word, last_join;             /* of them, of the list; when the last one was there */
    int64_t kept;                             /* those that go on */
    int64_t levels, read;
    ring came, free; /* of a word: when it stood there; when all streams had taken it out of their queues */
    ring join;       /* of a result word */
    ring went, left; /* of one that goes on: from the join, out of the engine */
    ring fold_end;   /* of a fold: its last beat in any stream */
    lanes_words next;
    lane queued;             /* cycles of a word in the queue, at least */
    bool crowded;            /* the list in the making may have to wait for places: word by word */
    int64_t oldest;          /* list whose places it can wait for */
    int64_t written_at;      /* when all streams are done with the last word */
    int64_t opened;          /* lists whose places are open in all streams */
    int64_t gone[RING_LISTS]; /* when the last stream had replayed it */
    lists list;
    /* a row each */
    lane *done, *entries;    /* when the last word was compacted; written in all */
    lane *next_done, *sum;   /* and with the next word; with the list */
    lane *room, *open;       /* places; entries that find one at once */
    lane *ended, *busy;      /* the last fold's last beat; beats from the base on */
    int64_t *beats;            /* beats up to the base */
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

static void shift(const broadcast *b, lane *rows, int64_t n, int64_t by) {
    for (int64_t i = 0; i < n * b->groups * LANES; i++) rows[i] = (lane)later(-FAR, rows[i] - by);
}

/* Entries, too, are counted anew, from where all places have been taken once. */
static void shift_entries(broadcast *b) {
    for (int64_t i = 0; i < b->p.streams; i++) {
        const lane by = b->entries[i] - 2 * b->room[i];
        if (by <= 0) continue;
        b->entries[i] -= by;
        b->sum[i] -= by;
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
    shift(b, b->done, 1, by);
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

/* Lists that have been replayed wait for nothing any more: what their places can take finds one at once. */
static void open_places(broadcast *b) {
    b->opened = later(b->opened, b->made - SS_LISTS_WAITING - 1);
    bool all = true;
    for (int64_t k = later(b->opened, 0); k < b->replayed; k++) {
        all = lanes_open(b->groups, row(b, b->list.popped, slot(k)), row(b, b->list.end, slot(k)), b->room, b->done, b->open) && all;
        if (all) b->opened = k + 1;
    }
}

static void keep(const broadcast *b, lane *rows, int64_t list, const lane *from) {
    memcpy(row(b, rows, slot(list)), from, (size_t)(b->groups * LANES) * sizeof *from);
}

static void swap(lane **a, lane **b) {
    lane *const t = *a;
    *a = *b;
    *b = t;
}

/* What others have of the map is passed over. The pixel's counts are wanted soon, and nobody has read them yet. */
static void next_pixel(broadcast *b) {
    const int64_t from = b->pixel++, counts = words_a_pixel(b) * b->p.streams;
    while (deal_of(b->pixel, b->p.row, b->p.pixels) != b->p.number) b->pixel++;
    b->next.count += (b->pixel - from - 1) * counts;
    for (int64_t i = 0; i < counts; i += 32) __builtin_prefetch(b->next.count + i);
}

static void end_list(broadcast *b) {
    swap(&b->entries, &b->sum);
    keep(b, b->list.done, b->made, b->done);
    keep(b, b->list.end, b->made, b->entries);
    b->made++;
    b->step = 0;
    if (b->words % words_a_pixel(b) == 0) next_pixel(b);
}

static void end_words(broadcast *b, int64_t n) {
    b->words += n;
    b->next.count += n * b->p.streams;
    b->step += n;
    if (b->step == b->p.steps) end_list(b);
}

/* What the list will have written, if it finds places at once. */
static void begin_list(broadcast *b) {
    const lanes_words all = { b->next.count, b->next.mask, b->p.steps, b->p.streams };
    keep(b, b->list.first, b->made, b->entries);
    b->crowded = lanes_sum(b->groups, &all, b->entries, b->open, b->sum) >= 0;
    if (!b->crowded) return;
    open_places(b);
    b->crowded = false;
    for (int64_t i = 0; i < b->p.streams; i++) b->crowded = b->crowded || b->sum[i] >= b->open[i];
}

/* Lists whose places the next words can wait for; those before the last SS_LISTS_WAITING have been gone for long. */
static void old_lists(broadcast *b, lanes_lists *l) {
    b->oldest = later(b->oldest, b->made - SS_LISTS_WAITING);
    while (b->oldest < b->replayed &&
           lanes_past(b->groups, &b->next, b->entries, b->room, row(b, b->list.end, slot(b->oldest)))) b->oldest++;
    l->n = 0;
    l->first[0] = row(b, b->list.first, slot(b->oldest));
    for (int64_t k = b->oldest; k < b->replayed; k++, l->n++) {
        l->first[l->n] = row(b, b->list.first, slot(k));
        l->end[l->n] = row(b, b->list.end, slot(k));
        l->last_fold[l->n] = row(b, b->list.last_fold, slot(k));
    }
    l->places = b->room;
    l->entries = b->entries;
    l->done = b->done;
    l->next = b->next_done;
}

/* The next word, which may have to wait for places; false: it is not known until when. */
static bool write_crowded(broadcast *b, const lanes_lists *l, const lanes_words *word, int64_t v) {
    lane latest;
    if (!lanes_squeeze(b->groups, word, in_rows(b, v), l, &latest)) return false;
    b->written_at = b->base + latest;
    return true;
}

/* Words that have come, at `came`, into the lists, which may have to wait; those that could. */
static int64_t write_each(broadcast *b, const int64_t *came, int64_t *taken) {
    lanes_words word = b->next;
    lanes_lists l;
    old_lists(b, &l);
    for (int64_t k = 0; k < b->next.n; k++, word.count += word.streams) {
        const int64_t before = b->written_at, v = later(came[k], b->base - FAR) + b->queued;
        if (!write_crowded(b, &l, &word, v)) return k;
        taken[k] = later(v, before);
    }
    return b->next.n;
}

/* Words leave the queues and are compacted: all of a list that are there, the last alone where it may have to wait. */
static bool compact(broadcast *b) {
    const int64_t left = b->p.steps - b->step, before = b->made - SS_LISTS_WAITING;
    int64_t room[RUN], taken[RUN], n = smaller(smaller(b->s.in - b->words, left), RUN);
    if (n == left && b->replayed <= before) n--;
    if (n == 0) return false;
    if (b->step == 0) begin_list(b);
    if (n == left && before >= 0 && b->gone[slot(before)] > ring_get(&b->came, b->words + n - 1)) {
        if (n == 1) lanes_wait(b->groups, row(b, b->list.popped, slot(before)), b->done);
        else n--;
    }
    const int64_t *const came = ring_span(&b->came, b->words, n, room);
    in_rows(b, came[n - 1]); /* only the last can move the base */
    b->next.n = n;
    if (b->crowded) n = write_each(b, came, taken);
    else b->written_at = lanes_write(b->groups, &b->next, b->base, came, b->queued, b->written_at, b->done, taken);
    if (n == 0) return false;
    ring_put(&b->free, b->words, n, taken);
    end_words(b, n);
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
    b->gone[at] = ring_get(&b->fold_end, b->folds - 1);
    b->fold = 0;
    b->replayed++;
    return true;
}

/* Of a fold's words, there from `from` on, all go on, a cycle apart: where the last finds the place of that SS_JOIN_PLACES before it,
 * all do. */
static bool join_fold(broadcast *b, int64_t from) {
    const int64_t n = b->p.beats, list = b->p.folds * n, freed = b->kept + n - 1 - SS_JOIN_PLACES, start = later(from, b->last_join + 1);
    const ring went = b->went, join = b->join;
    if (b->joined_word > 0 || b->p.keep < list || freed >= b->s.out) return false;
    if (freed >= 0 && ring_get(&b->left, freed) >= start + n - 1) return false;
    for (int64_t i = 0; i < n; i++) {
        ring_set(&join, b->joined + i, start + i);
        ring_set(&went, b->kept + i, start + i);
    }
    b->joined += n;
    b->kept += n;
    b->last_join = start + n - 1;
    b->list_word = b->list_word + n == list ? 0 : b->list_word + n;
    b->joined_fold++;
    return true;
}

/* Of the next fold, what finds a place behind the join. */
static bool join_words(broadcast *b) {
    if (b->joined_fold == b->folds) return false;
    const int64_t from = ring_get(&b->fold_end, b->joined_fold) + 8 + b->read, list = b->p.folds * b->p.beats, out = b->s.out;
    if (join_fold(b, from)) return true;
    const ring left = b->left, went = b->went, join = b->join;
    int64_t last = b->last_join, kept = b->kept, word = b->joined_word, of_list = b->list_word, freed = kept - SS_JOIN_PLACES;
    for (; word < b->p.beats && freed < out; word++, freed = kept - SS_JOIN_PLACES) {
        last = later(from + word, last + 1);
        if (freed >= 0) last = later(last, ring_get(&left, freed) + 1);
        ring_set(&join, b->joined++, last);
        if (of_list < b->p.keep) ring_set(&went, kept++, last);
        if (++of_list == list) of_list = 0;
    }
    b->last_join = last;
    b->kept = kept;
    b->joined_word = word;
    b->list_word = of_list;
    if (word < b->p.beats) return false;
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
        while (join_words(b)) moved = true;
    } while (moved);
}

/* ---- the stage ---- */

/* From when all streams take another word, or UNKNOWN: when they have taken that which frees its place out of their queues; without
 * one, when the word before is compacted. A stream that has room for it takes it as soon as it stands there, whatever others do;
 * from a queue of two or more it gets it no later for that. */
static int64_t all_ready(const broadcast *b) {
    const int64_t n = b->s.in - b->p.queue;
    if (n < 0) return 0;
    if (b->words < n) return UNKNOWN;
    if (b->p.queue == 0) return b->written_at;
    if (n < b->words) return ring_get(&b->free, n) + 1;
    return later(ring_get(&b->came, n) + 1, b->written_at) + 1;
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
    const int64_t ready = all_ready(b);
    if (ready < 0) return false;
    if (s->busy) return refuse(s);
    s->busy = true;
    const int64_t v = pull(s->from);
    s->busy = false;
    if (v < 0) return false;
    if (v - b->base < -FAR / 2) *b->far = s;
    ring_set(&b->came, s->in, v);
    take_when(s, v, ready);
    return true;
}

/* Words that are known into the lists, which may have to wait; those taken. The last may be still to be compacted, as *written are. */
static int64_t take_each(broadcast *b, const int64_t *from, int64_t *taken, int64_t *written) {
    lanes_words word = b->next;
    lanes_lists l;
    int64_t before = b->s.from->last, k = 0;
    old_lists(b, &l);
    for (*written = 0; *written == k && k < b->next.n; k++, word.count += word.streams) {
        const int64_t v = later(from[k], before) + 1;
        taken[k] = before = later(v, b->written_at);
        b->s.starved += before - b->written_at;
        ring_set(&b->came, b->s.in + k, v);
        *written += write_crowded(b, &l, &word, v);
    }
    return k;
}

/* Without a queue, words of a list that are known: when they are taken is when they are done. 0: not at once, UNKNOWN: none is there. */
static int64_t take_known(broadcast *b) {
    stage *s = &b->s;
    int64_t from[RUN], taken[RUN];
    const int64_t before = b->made - SS_LISTS_WAITING, left = b->p.steps - b->step;
    const bool waits = before >= 0 && (before >= b->replayed || b->gone[slot(before)] > s->last_in);
    if (s->busy || s->single || b->words < s->in || s->from->busy || left == waits) return 0;
    s->busy = true;
    int64_t n = b->next.n = known_of(s->from, smaller(left - waits, RUN), from);
    s->busy = false;
    if (n <= 0) return n;
    if (b->step == 0) begin_list(b);
    if (later(*from, s->from->last) - b->base < -FAR / 2) *b->far = s;
    in_rows(b, later(b->written_at, from[n - 1]));
    int64_t written = n;
    if (b->crowded) n = take_each(b, from, taken, &written);
    else b->written_at = lanes_take(b->groups, &b->next, b->base, from, s->from->last, b->written_at, b->done, taken, &s->starved);
    s->last_in = taken[n - 1];
    s->in += n;
    s->from->ops->left(s->from, n, from, taken);
    if (written > 0) end_words(b, written);
    return n;
}

/* Without a queue, up to the end of a list. */
static bool take_list(broadcast *b) {
    bool took = false;
    for (;;) {
        const int64_t known = take_known(b);
        took = took || known > 0;
        if (known < 0 || (known > 0 && b->step == 0)) break;
        if (known > 0) continue;
        if (!take_word(b)) break;
        took = true;
        if (!compact(b) || b->step == 0) break;
    }
    return took;
}

static bool take_words(broadcast *b) {
    if (b->p.queue == 0) return take_list(b);
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

/* A result word, as soon as one is known. */
static bool have_word(broadcast *b) {
    if (b->kept == b->s.out) advance(b);
    while (b->kept == b->s.out) {
        if (!take_words(b)) return false;
        advance(b);
    }
    return true;
}

static int64_t broadcast_front(stage *s) {
    broadcast *b = (broadcast *)s;
    return have_word(b) ? later(ring_get(&b->went, s->out) + b->levels + 2, s->last + 1) : UNKNOWN;
}

static void broadcast_taken(stage *s, int64_t t) {
    ring_set(&((broadcast *)s)->left, s->out, t);
}

static int64_t broadcast_run(stage *s, int64_t n, int64_t *t) {
    broadcast *b = (broadcast *)s;
    int64_t moved = 0;
    while (moved < n && have_word(b)) {
        const int64_t more = smaller(n - moved, b->kept - s->out);
        int64_t last = s->last;
        for (int64_t i = 0; i < more; i++) {
            last = later(ring_get(&b->went, s->out + i) + b->levels + 2, last + 1);
            ring_set(&b->left, s->out + i, last);
            t[moved + i] = last;
        }
        went_out(s, more, t + moved);
        moved += more;
    }
    return moved > 0 ? moved : UNKNOWN;
}

static int64_t broadcast_known(stage *s, int64_t n, int64_t *from) {
    broadcast *b = (broadcast *)s;
    if (!have_word(b)) return UNKNOWN;
    n = smaller(n, b->kept - s->out);
    for (int64_t i = 0; i < n; i++) from[i] = ring_get(&b->went, s->out + i) + b->levels + 1;
    return n;
}

static void broadcast_left(stage *s, int64_t n, const int64_t *from, const int64_t *t) {
    for (int64_t i = 0; i < n; i++) ring_set(&((broadcast *)s)->left, s->out + i, t[i]);
    wait_out(s, n, from, t);
}

static const kind broadcast_kind = {
    .name = "broadcast", .known = broadcast_known, .left = broadcast_left, .front = broadcast_front, .accept = broadcast_accept, .taken = broadcast_taken,
    .run = broadcast_run, .room = broadcast_room, .took = broadcast_took
};

/* ---- making one ---- */

static lane *rows(sim *sm, const broadcast *b, int64_t n) {
    lane *all = ss_arena_alloc(sm->arena, (size_t)n, (size_t)(b->groups * LANES) * sizeof *all);
    if (!all) sm->failed = true;
    return all;
}

static bool make_rows(sim *sm, broadcast *b) {
    lane **const one[] = { &b->done, &b->next_done, &b->entries, &b->sum, &b->room, &b->open, &b->ended, &b->busy };
    lane **const of_lists[] = { &b->list.first, &b->list.end, &b->list.done, &b->list.last_fold, &b->list.popped };
    b->groups = ss_ceil_div(b->p.streams, LANES);
    const size_t all = (size_t)(b->groups * LANES);
    uint16_t *mask;
    for (size_t i = 0; i < sizeof one / sizeof *one; i++) *one[i] = rows(sm, b, 1);
    for (size_t i = 0; i < sizeof of_lists / sizeof *of_lists; i++) *of_lists[i] = rows(sm, b, RING_LISTS);
    mask = ss_arena_alloc(sm->arena, all, sizeof *mask);
    b->beats = ss_arena_alloc(sm->arena, all, sizeof *b->beats);
    sm->failed = sm->failed || !mask || !b->beats;
    if (sm->failed) return false;
    memset(mask, 0xff, (size_t)b->p.streams * sizeof *mask);
    b->next.mask = mask;
    return true;
}

static void set_rows(broadcast *b, const uint16_t *counts) {
    const lane room = (lane)(b->p.lists * ss_share_rows(b->p.steps, b->p.kernel, b->p.parts));
    for (int64_t i = 0; i < b->groups * LANES; i++) b->room[i] = b->open[i] = room;
    b->pixel = b->p.number;
    b->next.count = counts + b->pixel * words_a_pixel(b) * b->p.streams;
    b->next.streams = b->p.streams;
    b->queued = b->p.queue > 0;
    b->last_join = -1;
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
