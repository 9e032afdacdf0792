/* Plain stages: source, FIFO, pipeline, change of lanes, pads, filters, joins, forks. The times follow
 * rtl/ss_*.sv line by line; each kind says which. See parts.h for the protocol. */
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
                  .progress = &sm->progress,
                  .mark = -1,
                  .from = from,
                  .v = UNKNOWN,
                  .last = -1,
                  .last_in = -1,
                  .node = sm->now };
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

static void taken_nothing(stage *s, int64_t t) {
    (void)s;
    (void)t;
}

static bool accept_nothing(stage *s) {
    (void)s;
    return false;
}

/* ---- source: a word is always offered ---- */

typedef struct source {
    stage s;
    int64_t words;
} source;

static int64_t source_front(stage *s) {
    return s->out < ((source *)s)->words ? s->last + 1 : UNKNOWN;
}

static const kind source_kind = { "source", source_front, accept_nothing, taken_nothing };

stage *make_source(sim *sm, int64_t words) {
    source *s = (source *)stage_new(sm, &source_kind, sizeof *s, NULL);
    if (s) s->words = words;
    return (stage *)s;
}

/* ---- ss_fifo ----
 * Ready while fewer than `depth` words are inside: from the cycle after word in - depth left. A word can be
 * taken one cycle after it came; with block RAM, it is fetched, moved to the output register, and taken, a
 * cycle each at least. */

typedef struct fifo {
    stage s;
    int64_t depth;
    int64_t most;    /* words at once, up to the last that left: */
    int64_t seen;    /* of the words that have come, those counted in it */
    int64_t deepest; /* words inside, in the order of calls */
    bool block;
    int64_t fetched, moved; /* of the last word: left the memory, came to the output register */
    ring came, left;
} fifo;

static bool fifo_accept(stage *s) {
    fifo *f = (fifo *)s;
    const int64_t freed = s->in - f->depth;
    if (freed >= s->out || s->busy) return false;
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

static int64_t fifo_front(stage *s) {
    fifo *f = (fifo *)s;
    if (s->in == s->out && !fifo_accept(s)) return UNKNOWN;
    const int64_t came = ring_get(&f->came, s->out);
    if (!f->block) return later(came, s->last) + 1;
    f->fetched = later(came + 1, later(f->fetched + 1, f->moved));
    f->moved = later(f->fetched + 1, s->last);
    return f->moved + 1;
}

/* A word may come in at a time that is long past for those that have left already: words are asked for in
 * another order. Each makes at most one more than ever before: when the word `most` before it was still there. */
static void fifo_taken(stage *s, int64_t t) {
    fifo *f = (fifo *)s;
    for (; f->seen < s->in && ring_get(&f->came, f->seen) <= t; f->seen++) {
        const int64_t before = f->seen - f->most;
        if (before >= s->out || ring_get(&f->left, before) >= ring_get(&f->came, f->seen)) f->most++;
    }
    ring_set(&f->left, s->out, t);
    if (s->trace) trace_level(s, t + 1, -1);
}

static const kind fifo_kind = { "fifo", fifo_front, fifo_accept, fifo_taken };

stage *make_fifo(sim *sm, stage *from, int64_t depth, bool block) {
    if (depth == 0) return from;
    fifo *f = (fifo *)stage_new(sm, &fifo_kind, sizeof *f, from);
    if (!f || !ring_make(sm, &f->came, depth + 1) || !ring_make(sm, &f->left, depth + 1)) return NULL;
    f->depth = depth > 2 ? depth : 2;
    f->block = block;
    f->fetched = f->moved = -1;
    return &f->s;
}

int64_t fifo_depth(const stage *s) {
    return ((const fifo *)s)->depth;
}
int64_t fifo_most(const stage *s) {
    return ((const fifo *)s)->most;
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
    if (s->in - 2 >= s->out || s->busy) return false;
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

static const kind slice_kind = { "slice", slice_front, slice_accept, slice_taken };

stage *make_slice(sim *sm, stage *from) {
    slice *f = (slice *)stage_new(sm, &slice_kind, sizeof *f, from);
    if (!f) return NULL;
    f->left[0] = f->left[1] = -1;
    return &f->s;
}

/* ---- ss_pipe: registers that stall as a whole ----
 * They move in every cycle but those in which a word stands at the output and is not taken. A word comes in
 * in a cycle of movement, and stands at the output after `stages` of them. `stall`: the waits at the output
 * that a word still inside, or one to come, can meet.
 *
 * Pipelines of one node behind one another are a chain. While it is smooth, nothing is in it but the word that stands
 * at its end, and none waits: then only its ends are followed, and those between catch up (settle) when a word has
 * to wait, or when one of them is asked by itself. */

#define MOST_STAGES 24

typedef struct pipe_stage {
    stage s;
    int64_t stages;
    int32_t n_stalls;
    bool smooth;                     /* the chain that ends here */
    struct pipe_stage *head, *tail;  /* of the chain, which may be this one alone */
    int64_t through;                 /* stages of the chain up to here */
    struct {
        int64_t from, to;
    } stall[MOST_STAGES];
    ring came;
} pipe_stage;

/* As if all words had gone through the chain's pipelines one by one. */
static void settle(pipe_stage *tail) {
    const int64_t words = tail->head->s.in, came = tail->head->s.last_in;
    tail->smooth = false;
    if (words == 0) return;
    for (pipe_stage *p = tail;; p = (pipe_stage *)p->s.from) {
        p->s.in = words;
        p->s.last_in = came + p->through - p->stages;
        ring_set(&p->came, words - 1, p->s.last_in);
        if (p != tail) {
            p->s.out = words;
            p->s.last = came + p->through;
        }
        if (p == tail->head) return;
    }
}

static bool can_be_smooth(const pipe_stage *tail) {
    for (const pipe_stage *p = tail;; p = (const pipe_stage *)p->s.from) {
        if (p->s.in != p->s.out || p->n_stalls > 0) return false;
        if (p == tail->head) return true;
    }
}

static bool pipe_accept(stage *s) {
    pipe_stage *p = (pipe_stage *)s;
    if (p->tail->smooth) settle(p->tail);
    const int64_t v = pull(s->from);
    if (v < 0) return false;
    int64_t ready = 0;
    for (int32_t i = 0; i < p->n_stalls; i++)
        if (later(v, ready) >= p->stall[i].from && later(v, ready) < p->stall[i].to) ready = p->stall[i].to;
    /* Behind a word that is still inside others come in only before it stands at the output. */
    if (s->in > s->out && (s->v < 0 || later(v, ready) >= s->v)) return false;
    const int64_t t = take_when(s, v, ready);
    ring_set(&p->came, s->in - 1, t);
    return true;
}

static int64_t through_chain(const pipe_stage *p) {
    stage *head = &p->head->s;
    const int64_t v = pull(head->from);
    return v < 0 ? UNKNOWN : take_when(head, v, 0) + p->through;
}

static int64_t pipe_front(stage *s) {
    pipe_stage *p = (pipe_stage *)s;
    if (p->tail == p) {
        if (!p->smooth) p->smooth = can_be_smooth(p);
        if (p->smooth) return through_chain(p);
    }
    if (s->in == s->out && !pipe_accept(s)) return UNKNOWN;
    const int64_t came = ring_get(&p->came, s->out);
    int64_t v = came + p->stages;
    for (int32_t i = 0; i < p->n_stalls; i++)
        if (p->stall[i].from > came) v += p->stall[i].to - p->stall[i].from;
    return v;
}

static void pipe_taken(stage *s, int64_t t) {
    pipe_stage *p = (pipe_stage *)s;
    if (t == s->v && (p->smooth || p->n_stalls == 0)) return;
    if (p->smooth) settle(p);
    const int64_t came = ring_get(&p->came, s->out);
    int32_t n = 0;
    for (int32_t i = 0; i < p->n_stalls; i++)
        if (p->stall[i].to > came) p->stall[n++] = p->stall[i];
    if (t > s->v) {
        p->stall[n].from = s->v;
        p->stall[n++].to = t;
    }
    p->n_stalls = n;
}

static const kind pipe_kind = { "pipe", pipe_front, pipe_accept, pipe_taken };

stage *make_pipe(sim *sm, stage *from, int64_t stages) {
    if (stages == 0) return from;
    const bool chained = from && from->ops == &pipe_kind && from->node == sm->now;
    pipe_stage *p = (pipe_stage *)stage_new(sm, &pipe_kind, sizeof *p, from), *before = (pipe_stage *)from;
    if (!p || !ring_make(sm, &p->came, stages + 1)) return NULL;
    p->stages = p->through = stages;
    p->head = p->tail = p;
    if (!chained) return &p->s;
    p->head = before->head;
    p->through += before->through;
    for (; before->tail != p; before = (pipe_stage *)before->s.from) {
        before->tail = p;
        if (before == p->head) break;
    }
    return &p->s;
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
    const int64_t v = pull(s->from);
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

static const kind width_kind = { "width", width_front, width_accept, width_taken };

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

static const kind chanpad_kind = { "chanpad", chanpad_front, accept_nothing, chanpad_taken };

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

/* The window's last pixel waits for the output register. */
static bool pool_accept(stage *s) {
    pool_global *p = (pool_global *)s;
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

static const kind pool_kind = { "global pool", pool_front, pool_accept, taken_nothing };

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

static int64_t filter_front(stage *s) {
    filter *f = (filter *)s;
    for (;;) {
        const int64_t v = pull(s->from);
        if (v < 0 || (f->keep_row[f->at.y] && f->keep_column[f->at.x])) return v;
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

static const kind filter_kind = { "filter", filter_front, filter_accept, filter_taken };

stage *make_filter(sim *sm, stage *from, int64_t deep, ss_shape map, const uint8_t *keep_row,
                   const uint8_t *keep_column) {
    filter *f = (filter *)stage_new(sm, &filter_kind, sizeof *f, from);
    if (!f) return NULL;
    f->at = (place){ .deep = deep, .h = map.h, .w = map.w };
    f->keep_row = keep_row;
    f->keep_column = keep_column;
    return &f->s;
}

/* ---- joins: ss_add, and concat of whole pixels, take all inputs at once; ss_concat takes turns ---- */

typedef struct join {
    stage s;
    int32_t n, turn;
    bool registered;
    int64_t word;   /* of the turn */
    int64_t waited; /* cycles with a word of one input and none of another */
    stage *input[SS_MAX_INPUTS];
    int64_t words[SS_MAX_INPUTS];
} join;

static int64_t all_there(join *j) {
    int64_t v = 0, first = NEVER;
    bool known = true;
    for (int32_t k = 0; k < j->n; k++) {
        const int64_t at = pull(j->input[k]); /* each is asked, so that each goes on */
        known = known && at >= 0;
        v = later(v, at);
        if (at < first) first = at;
    }
    if (!known) return UNKNOWN;
    first = later(first, j->s.last + 1);
    if (v > first) j->waited += v - first;
    return v;
}

static int64_t together_front(stage *s) {
    join *j = (join *)s;
    const int64_t v = all_there(j);
    if (v < 0) return UNKNOWN;
    if (!j->registered) return later(v, s->last + 1);
    const int64_t t = later(v, s->last);
    for (int32_t k = 0; k < j->n; k++) take(j->input[k], t);
    s->in++;
    return t + 1;
}

static void together_taken(stage *s, int64_t t) {
    const join *j = (const join *)s;
    for (int32_t k = 0; !j->registered && k < j->n; k++) take(j->input[k], t);
}

static int64_t turns_front(stage *s) {
    join *j = (join *)s;
    const int64_t v = pull(j->input[j->turn]);
    if (v < 0) return UNKNOWN;
    const int64_t t = later(v, s->last);
    take(j->input[j->turn], t);
    s->in++;
    if (++j->word == j->words[j->turn]) {
        j->word = 0;
        j->turn = j->turn + 1 == j->n ? 0 : j->turn + 1;
    }
    return t + 1;
}

static const kind together_kind = { "together", together_front, accept_nothing, together_taken };
static const kind turns_kind = { "turns", turns_front, accept_nothing, taken_nothing };

static join *make_join(sim *sm, const kind *ops, stage **from, int32_t n) {
    join *j = (join *)stage_new(sm, ops, sizeof *j, NULL);
    if (!j) return NULL;
    j->n = n;
    memcpy(j->input, from, (size_t)n * sizeof *from);
    return j;
}

stage *make_together(sim *sm, stage **from, int32_t n, bool registered) {
    join *j = make_join(sm, &together_kind, from, n);
    if (j) j->registered = registered;
    return (stage *)j;
}

int64_t together_waited(const stage *s) {
    return ((const join *)s)->waited;
}

stage *make_turns(sim *sm, stage **from, const int64_t *words, int32_t n) {
    join *j = make_join(sm, &turns_kind, from, n);
    for (int32_t k = 0; j && k < n; k++) j->words[k] = words[k];
    return (stage *)j;
}

/* ---- ss_fork: every reader takes its copy when it likes; the next word when all have ----
 * A reader that is ahead lets the others go on before it gives up. */

typedef struct fork {
    stage *from;
    int64_t words, latest; /* whole words moved; when the present one was taken last */
    int32_t n, left;       /* readers; those that lack the present word */
    bool asking, helping;
    stage **reader;
} fork;

typedef struct branch {
    stage s;
    fork *f;
} branch;

bool reader_helped(stage *s) {
    for (s = s->reader; s; s = s->reader) {
        if (stage_is_window(s) && window_write_ahead(s)) return true;
        if (s->ends) return fifo_accept(s);
    }
    return false;
}

static void help_others(fork *f, const stage *s) {
    f->helping = true;
    for (int32_t i = 0; i < f->n; i++)
        while (s->out > f->words && f->reader[i]->out <= f->words && reader_helped(f->reader[i])) {
        }
    f->helping = false;
}

static int64_t branch_front(stage *s) {
    fork *f = ((branch *)s)->f;
    if (s->out > f->words && !f->helping) help_others(f, s);
    if (s->out > f->words || f->asking) return UNKNOWN;
    f->asking = true;
    const int64_t v = pull(f->from);
    f->asking = false;
    return v;
}

static void branch_taken(stage *s, int64_t t) {
    fork *f = ((branch *)s)->f;
    f->latest = later(f->latest, t);
    if (--f->left) return;
    take(f->from, f->latest);
    f->words++;
    f->left = f->n;
}

static const kind branch_kind = { "fork", branch_front, accept_nothing, branch_taken };

bool fork_waits_for(const stage *s) {
    const fork *f = ((const branch *)s)->f;
    return s->ops == &branch_kind && s->out == f->words && f->left < f->n;
}

ss_status make_fork(sim *sm, stage *from, int32_t n, stage **out) {
    fork *f = ss_arena_alloc(sm->arena, 1, sizeof *f);
    if (!f) return SS_BAD;
    *f = (fork){
        .from = from, .n = n, .left = n, .reader = ss_arena_alloc(sm->arena, (size_t)n, sizeof *f->reader)
    };
    if (!f->reader) return SS_BAD;
    for (int32_t i = 0; i < n; i++) {
        branch *b = (branch *)stage_new(sm, &branch_kind, sizeof *b, NULL);
        if (!b) return SS_BAD;
        b->f = f;
        out[i] = f->reader[i] = &b->s;
    }
    return SS_OK;
}
