/* Plain stages: source, change of lanes, pads, filters. The times follow rtl/ss_*.sv line by line; each kind says
 * which. See parts.h for the protocol. */
#include "sim/parts.h"

#include <string.h>

stage *stage_new(sim *sm, const kind *ops, size_t size, stage *from) {
    if (sm->failed) return NULL;
    if (sm->n_stages == sm->cap_stages) {
        const int32_t cap = sm->cap_stages ? 2 * sm->cap_stages : 64;
        stage **grown = ss_arena_alloc(sm->arena, (size_t)cap, sizeof *grown);
        if (grown && sm->n_stages) memcpy(grown, sm->stages, (size_t)sm->n_stages * sizeof *grown);
        sm->failed = !grown;
        if (!grown) return NULL;
        sm->stages = grown;
        sm->cap_stages = cap;
    }
    stage *s = ss_arena_alloc(sm->arena, 1, size);
    sm->failed = !s;
    if (!s) return NULL;
    *s = (stage){ .ops = ops,
                  .all = &sm->all,
                  .vain = -1,
                  .mark = -1,
                  .from = from,
                  .v = UNKNOWN,
                  .last = -1,
                  .last_in = -1,
                  .node = sm->now,
                  .single = sm->lazy };
    if (from) from->reader = s;
    sm->stages[sm->n_stages++] = s;
    return s;
}

bool ring_make(sim *sm, ring *r, int64_t at_least) {
    int64_t size = 4;
    while (size < at_least) size *= 2;
    r->t = ss_arena_alloc(sm->arena, (size_t)size, sizeof *r->t);
    r->mask = size - 1;
    if (!r->t) sm->failed = true;
    return r->t != NULL;
}

void taken_nothing(stage *s, int64_t t) {
    (void)s;
    (void)t;
}

bool accept_nothing(stage *s) {
    (void)s;
    return false;
}

/* ---- source: a word is always offered ---- */

typedef struct source {
    stage s;
    int64_t words;
} source;

static int64_t source_front(stage *s) {
    s->dry = s->out == ((source *)s)->words;
    return s->dry ? UNKNOWN : s->last + 1;
}

static int64_t source_run(stage *s, int64_t n, int64_t *t) {
    const int64_t left = ((source *)s)->words - s->out;
    if (n > left) n = left;
    for (int64_t i = 0; i < n; i++) t[i] = s->last + 1 + i;
    s->dry = n == 0;
    if (s->dry) return UNKNOWN;
    went_out(s, n, t);
    return n;
}

static const kind source_kind = {
    .name = "source", .front = source_front, .accept = accept_nothing, .taken = taken_nothing, .run = source_run
};

stage *make_source(sim *sm, int64_t words) {
    source *s = (source *)stage_new(sm, &source_kind, sizeof *s, NULL);
    if (s) s->words = words;
    return (stage *)s;
}

/* ---- ss_width: a words of `in` units become b of `out` ----
 * A word is taken when fewer than `out` units would stay without it; what leaves in the same cycle does not
 * stay. */

typedef struct width {
    stage s;
    int64_t in, out; /* units a word */
    int64_t held;    /* units */
} width;

static bool width_accept(stage *s) {
    width *w = (width *)s;
    if (w->held >= w->out) return false; /* a word stands at the output */
    if (s->busy) return refuse(s);
    s->busy = true;
    const int64_t v = pull(s->from);
    s->busy = false;
    if (v < 0) return false;
    take_when(s, v, s->last);
    w->held += w->in;
    return true;
}

static int64_t width_front(stage *s) {
    const width *w = (const width *)s;
    while (w->held < w->out)
        if (!width_accept(s)) return UNKNOWN;
    return later(s->last_in, s->last) + 1;
}

static void width_taken(stage *s, int64_t t) {
    width *w = (width *)s;
    (void)t;
    w->held -= w->out;
}

/* Many words to one: whole runs come in, as each word that is complete leaves before the next comes. */
static int64_t gather(width *w, int64_t n, int64_t *t) {
    int64_t come[RUN], words = n * w->out - w->held, made = 0;
    w->s.busy = true;
    words = run_from(w->s.from, words < RUN ? words : RUN, come);
    w->s.busy = false;
    if (words < 0) return UNKNOWN;
    came_in(&w->s, words, come);
    for (int64_t i = w->out - w->held - 1; i < words; i += w->out) t[made++] = come[i] + 1;
    w->held += words - made * w->out;
    if (made > 0) went_out(&w->s, made, t);
    return made;
}

/* Words that complete a word of the output need room behind it, but for the last: that may stand there. */
static int64_t width_room(stage *s, int64_t n) {
    const width *w = (const width *)s;
    if (s->busy || s->v >= 0 || s->last > s->last_in + 1) return 0;
    if (w->in > 1) return w->held < w->out;
    const int64_t most = (room_of(s->reader, (w->held + n) / w->out) + 1) * w->out - w->held;
    return n < most ? n : most;
}

static void width_took(stage *s, int64_t n, const int64_t *t) {
    width *w = (width *)s;
    int64_t out[RUN], words = 0, i = w->out - w->held - 1;
    for (; w->in == 1 && i < n; i += w->out) out[words++] = (i < 0 ? s->last_in : t[i]) + 1;
    came_in(s, n, t);
    w->held += n * w->in;
    words = room_of(s->reader, words);
    if (words == 0) return;
    w->held -= words * w->out;
    went_out(s, words, out);
    s->reader->ops->took(s->reader, words, out);
}

/* Each of so many words `in` times, up to n in all; returns how many. */
static inline int64_t spread_by(const int64_t *come, int64_t n, int64_t in, int64_t words, int64_t *from) {
    int64_t made = 0;
    for (int64_t i = 0; i < words && made + in <= n; i++, made += in)
        for (int64_t k = 0; k < in; k++) from[made + k] = come[i];
    for (const int64_t last = smaller(n, words * in); made < last; made++) from[made] = come[words - 1];
    return made;
}

static int64_t spread(const int64_t *come, int64_t n, int64_t in, int64_t words, int64_t *from) {
    if (in == 2) return spread_by(come, n, 2, words, from);
    if (in == 4) return spread_by(come, n, 4, words, from);
    return spread_by(come, n, in, words, from);
}

/* One word to many, of which those behind the first are there. */
static int64_t width_known(stage *s, int64_t n, int64_t *from) {
    const width *w = (const width *)s;
    int64_t come[RUN], words = 0, units = w->held < n ? w->held : n;
    if (w->out > 1 || s->busy) return 0;
    for (int64_t i = 0; i < units; i++) from[i] = s->last_in;
    if (units < n) {
        s->busy = true;
        words = known_of(s->from, (n - units + w->in - 1) / w->in, come);
        s->busy = false;
    }
    for (int64_t i = 0; i < words; i++) come[i]++;
    if (words > 0) units += spread(come, n - units, w->in, words, from + units);
    return units > 0 ? units : words;
}

static void width_left(stage *s, int64_t n, const int64_t *from, const int64_t *t) {
    width *w = (width *)s;
    int64_t come[RUN], at[RUN], words = 0, i = w->held;
    if (i == 0) { /* behind those that were there, each comes when the one before has left */
        const int64_t ready = later(s->last, s->last_in + 1);
        come[0] = from[0] - 1;
        at[words++] = later(from[0], ready);
        s->starved += at[0] - ready;
        i = w->in;
    }
    int64_t starved = 0;
    for (; i < n; i += w->in) {
        come[words] = from[i] - 1;
        at[words] = later(from[i], t[i - 1]);
        starved += at[words++] - t[i - 1];
    }
    s->starved += starved;
    if (words > 0) s->last_in = at[words - 1];
    w->held = i - n;
    s->in += words;
    if (words > 0) s->from->ops->left(s->from, words, come, at);
    wait_out(s, n, from, t);
}

static int64_t width_run(stage *s, int64_t n, int64_t *t) {
    width *w = (width *)s;
    int64_t made = 0;
    while (made == 0 && w->in == 1 && w->held < w->out && s->last <= s->last_in + 1) {
        made = gather(w, n, t);
        if (made < 0) return UNKNOWN;
    }
    if (made == 0 && w->out == 1) made = run_known(s, n, t);
    if (made < 0) return UNKNOWN;
    while (made < n && (made == 0 || w->in > 1 || w->held >= w->out)) {
        while (w->held < w->out)
            if (!width_accept(s)) return made > 0 ? made : UNKNOWN;
        int64_t at = later(s->last_in, s->last), more = 0;
        for (; made + more < n && w->held >= w->out; w->held -= w->out) t[made + more++] = ++at;
        went_out(s, more, t + made);
        made += more;
    }
    return made;
}

static const kind width_kind = {
    .name = "width", .front = width_front, .accept = width_accept, .taken = width_taken, .run = width_run,
    .room = width_room, .took = width_took, .known = width_known, .left = width_left
};

static int64_t gcd(int64_t a, int64_t b) {
    return b ? gcd(b, a % b) : a;
}

stage *make_width(sim *sm, stage *from, int64_t in, int64_t out) {
    if (in == out) return from;
    width *w = (width *)stage_new(sm, &width_kind, sizeof *w, from);
    if (!w) return NULL;
    w->in = in / gcd(in, out);
    w->out = out / gcd(in, out);
    return &w->s;
}

/* ---- ss_chanpad: words of zeros around a pixel's; no register on the way ---- */

typedef struct chanpad {
    stage s;
    int64_t before, words, all, at;
} chanpad;

static int64_t chanpad_front(stage *s) {
    const chanpad *c = (const chanpad *)s;
    if (c->at >= c->before + c->words) return s->last + 1;
    const int64_t v = pull(s->from);
    return v < 0 ? UNKNOWN : later(v, s->last + 1);
}

static void chanpad_taken(stage *s, int64_t t) {
    chanpad *c = (chanpad *)s;
    if (c->at >= c->before && c->at < c->before + c->words) {
        take(s->from, t);
        s->in++;
    }
    c->at = c->at + 1 == c->all ? 0 : c->at + 1;
}

static int64_t chanpad_run(stage *s, int64_t n, int64_t *t) {
    return run_fronts(s, n, t, chanpad_front, chanpad_taken);
}

static const kind chanpad_kind = {
    .name = "chanpad", .front = chanpad_front, .accept = accept_nothing, .taken = chanpad_taken, .run = chanpad_run
};

stage *make_chanpad(sim *sm, stage *from, int64_t before, int64_t words, int64_t after) {
    chanpad *c = (chanpad *)stage_new(sm, &chanpad_kind, sizeof *c, from);
    if (!c) return NULL;
    c->before = before;
    c->words = words;
    c->all = before + words + after;
    return &c->s;
}

/* ---- where a word lies in its image ---- */

typedef struct place {
    int64_t deep, h, w, word, x, y;
} place;

static void place_next(place *p) {
    if (++p->word < p->deep) return;
    p->word = 0;
    if (++p->x < p->w) return;
    p->x = 0;
    p->y = p->y + 1 == p->h ? 0 : p->y + 1;
}

/* ---- ss_pool_global: takes every word; those of the window's last pixel make the output ---- */

typedef struct pool_global {
    stage s;
    place at;
    int64_t tall, broad;
} pool_global;

/* Words before the window's last pixel. */
static int64_t pool_words(const pool_global *p) {
    const int64_t at = (p->at.y * p->at.w + p->at.x) * p->at.deep + p->at.word;
    const int64_t last = ((p->tall - 1) * p->at.w + p->broad - 1) * p->at.deep;
    return last - at + (at < last + p->at.deep ? 0 : p->at.h * p->at.w * p->at.deep);
}

/* The window's last pixel waits for the output register. */
static bool pool_accept(stage *s) {
    pool_global *p = (pool_global *)s;
    int64_t t[RUN], n = s->single ? 0 : pool_words(p);
    if (n > 1) {
        n = run_from(s->from, n < RUN ? n : RUN, t);
        for (int64_t i = 0; i < n; i++) place_next(&p->at);
        return n > 0;
    }
    const bool last = p->at.x == p->broad - 1 && p->at.y == p->tall - 1;
    if (last && s->in > s->out) return false;
    const int64_t v = pull(s->from);
    if (v < 0) return false;
    take(s->from, last ? later(v, s->last) : v);
    place_next(&p->at);
    if (!last) return true;
    s->last_in = later(v, s->last);
    s->in++;
    return true;
}

static int64_t pool_front(stage *s) {
    while (s->in == s->out)
        if (!pool_accept(s)) return UNKNOWN;
    return s->last_in + 1;
}

static const kind pool_kind = { .name = "global pool", .front = pool_front, .accept = pool_accept, .taken = taken_nothing };

stage *make_pool_global(sim *sm, stage *from, int64_t deep, ss_shape map, int64_t tall, int64_t broad) {
    pool_global *p = (pool_global *)stage_new(sm, &pool_kind, sizeof *p, from);
    if (!p) return NULL;
    p->at = (place){ .deep = deep, .h = map.h, .w = map.w };
    p->tall = tall;
    p->broad = broad;
    return &p->s;
}

/* ---- ss_slice_space, ss_window_sieve: what is dropped is taken as it comes; no register on the way ---- */

typedef struct filter {
    stage s;
    place at;
    const uint8_t *keep_row, *keep_column;
} filter;

static bool keeps(const filter *f, const place *at) {
    return f->keep_row[at->y] && f->keep_column[at->x];
}

static int64_t filter_front(stage *s) {
    filter *f = (filter *)s;
    for (;;) {
        const int64_t v = pull(s->from);
        if (v < 0 || keeps(f, &f->at)) return v;
        take(s->from, v);
        place_next(&f->at);
    }
}

static void filter_taken(stage *s, int64_t t) {
    take(s->from, t);
    s->in++;
    place_next(&((filter *)s)->at);
}

static bool filter_accept(stage *s) {
    const int64_t before = s->from->out;
    pull(s);
    return s->from->out > before;
}

static int64_t filter_run(stage *s, int64_t n, int64_t *t) {
    filter *f = (filter *)s;
    int64_t kept = 0;
    while (kept == 0) {
        const int64_t some = run_from(s->from, n, t);
        if (some < 0) return UNKNOWN;
        for (int64_t i = 0; i < some; i++) {
            if (keeps(f, &f->at)) t[kept++] = t[i];
            place_next(&f->at);
        }
    }
    s->in += kept;
    went_out(s, kept, t);
    return kept;
}

static int64_t filter_room(stage *s, int64_t n) {
    const filter *f = (const filter *)s;
    place at = f->at;
    int64_t kept = s->v < 0 ? room_of(s->reader, n) : 0, fit = 0;
    for (; fit < n && (!keeps(f, &at) || kept > 0); fit++) {
        kept -= keeps(f, &at);
        place_next(&at);
    }
    return fit;
}

static void filter_took(stage *s, int64_t n, const int64_t *t) {
    filter *f = (filter *)s;
    int64_t out[RUN], kept = 0;
    for (int64_t i = 0; i < n; i++) {
        if (keeps(f, &f->at)) out[kept++] = t[i];
        place_next(&f->at);
    }
    if (kept == 0) return;
    s->in += kept;
    went_out(s, kept, out);
    s->reader->ops->took(s->reader, kept, out);
}

static const kind filter_kind = {
    .name = "filter", .run = filter_run, .front = filter_front, .accept = filter_accept, .taken = filter_taken, .room = filter_room,
    .took = filter_took
};

stage *make_filter(sim *sm, stage *from, int64_t deep, ss_shape map, const uint8_t *keep_row,
                   const uint8_t *keep_column) {
    filter *f = (filter *)stage_new(sm, &filter_kind, sizeof *f, from);
    if (!f) return NULL;
    f->at = (place){ .deep = deep, .h = map.h, .w = map.w };
    f->keep_row = keep_row;
    f->keep_column = keep_column;
    return &f->s;
}

