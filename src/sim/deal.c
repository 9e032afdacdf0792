/* ss_deal and ss_gather: one stream to several readers in turn, a pixel to each, and together again. See parts.h for the protocol.
 * A reader that is asked before its turn lets those before it take what they have room for: nothing else can bring it its word. */
#include "sim/parts.h"

#include <string.h>

/* ss_turn */
typedef struct turns {
    int64_t words, word, pixel; /* of a pixel; of the present one; of all */
    int32_t n, whose;
    int64_t row;
} turns;

/* n words have passed, of one pixel. */
static void pass(turns *t, int64_t n) {
    t->word += n;
    if (t->word < t->words) return;
    t->word = 0;
    t->whose = (int32_t)deal_of(++t->pixel, t->row, t->n);
}

typedef struct deal {
    stage *from;
    turns at;
    bool asking;
    stage *reader[SS_MOST_PIXELS];
} deal;

typedef struct dealt {
    stage s;
    deal *d;
    int32_t number;
} dealt;

static bool has_turn(const dealt *b) {
    deal *d = b->d;
    while (d->at.whose != b->number) {
        stage *reader = d->reader[d->at.whose]->reader;
        if (!reader->ops->accept(reader)) return false;
    }
    return !d->asking || refuse(&b->s);
}

static int64_t dealt_front(stage *s) {
    deal *d = ((dealt *)s)->d;
    if (!has_turn((dealt *)s)) return UNKNOWN;
    d->asking = true;
    const int64_t v = pull(d->from);
    d->asking = false;
    s->dry = d->from->dry;
    return v;
}

static void dealt_taken(stage *s, int64_t t) {
    deal *d = ((dealt *)s)->d;
    take(d->from, t);
    pass(&d->at, 1);
}

static int64_t left_of_pixel(const turns *t, int64_t n) {
    return n < t->words - t->word ? n : t->words - t->word;
}

static int64_t dealt_run(stage *s, int64_t n, int64_t *t) {
    deal *d = ((dealt *)s)->d;
    if (!has_turn((dealt *)s)) return UNKNOWN;
    d->asking = true;
    n = run_from(d->from, left_of_pixel(&d->at, n), t);
    d->asking = false;
    s->dry = d->from->dry;
    if (n < 0) return UNKNOWN;
    went_out(s, n, t);
    pass(&d->at, n);
    return n;
}

static const kind dealt_kind = { .name = "deal", .front = dealt_front, .accept = accept_nothing, .taken = dealt_taken, .run = dealt_run };

ss_status make_deal(sim *sm, stage *from, const deal_shape *p, stage **out) {
    deal *d = ss_arena_alloc(sm->arena, 1, sizeof *d);
    if (!d) return SS_BAD;
    *d = (deal){ .from = from, .at = { .words = p->words, .n = p->n, .row = p->row } };
    for (int32_t i = 0; i < p->n; i++) {
        dealt *b = (dealt *)stage_new(sm, &dealt_kind, sizeof *b, NULL);
        if (!b) return SS_BAD;
        b->d = d;
        b->number = i;
        out[i] = d->reader[i] = &b->s;
    }
    return SS_OK;
}

typedef struct gather {
    stage s;
    turns at;
    stage *input[SS_MOST_PIXELS];
} gather;

static int64_t gather_front(stage *s) {
    gather *g = (gather *)s;
    const int64_t v = pull(g->input[g->at.whose]);
    if (v < 0) return UNKNOWN;
    const int64_t t = later(v, s->last);
    take(g->input[g->at.whose], t);
    s->last_in = t;
    s->in++;
    pass(&g->at, 1);
    return t + 1;
}

/* Of the same pixel. */
static int64_t take_more(gather *g, int64_t n, int64_t *t) {
    n = run_from(g->input[g->at.whose], n, t);
    if (n < 0) return UNKNOWN;
    g->s.in += n;
    g->s.last_in = t[n - 1];
    for (int64_t i = 0; i < n; i++) t[i]++;
    pass(&g->at, n);
    return n;
}

/* A pixel's first word may have waited for its turn; those behind it come after it. */
static int64_t gather_run(stage *s, int64_t n, int64_t *t) {
    gather *g = (gather *)s;
    int64_t moved = 0;
    if (s->last > s->last_in + 1) return 0;
    while (moved < n) {
        int64_t *out = t + moved, some = 1;
        if (g->at.word == 0) *out = gather_front(s);
        else some = take_more(g, left_of_pixel(&g->at, n - moved), out);
        if (some < 0 || *out < 0) break;
        went_out(s, some, out);
        moved += some;
    }
    return moved > 0 ? moved : UNKNOWN;
}

/* Pixels of inputs that have not been asked yet. */
static int64_t gather_known(stage *s, int64_t n, int64_t *from) {
    gather *g = (gather *)s;
    turns at = g->at;
    int64_t known = 0, some = 0;
    for (uint64_t asked = 0; known < n && !(asked >> at.whose & 1); known += some) {
        stage *input = g->input[at.whose];
        const bool first = at.word == 0;
        asked |= (uint64_t)1 << at.whose;
        some = known_of(input, left_of_pixel(&at, n - known), from + known);
        if (some <= 0) break;
        if (first) from[known] = later(from[known], input->last);
        pass(&at, some);
        if (at.word > 0) asked = UINT64_MAX;
    }
    for (int64_t i = 0; i < known; i++) from[i]++;
    return known > 0 ? known : some;
}

static void gather_left(stage *s, int64_t n, const int64_t *from, const int64_t *t) {
    gather *g = (gather *)s;
    int64_t come[RUN], at[RUN];
    for (int64_t i = 0; i < n; i++) {
        come[i] = from[i] - 1;
        s->last_in = at[i] = later(from[i], i > 0 ? t[i - 1] : s->last);
    }
    for (int64_t i = 0, some; i < n; i += some) {
        stage *input = g->input[g->at.whose];
        some = left_of_pixel(&g->at, n - i);
        input->ops->left(input, some, come + i, at + i);
        pass(&g->at, some);
    }
    s->in += n;
    wait_out(s, n, from, t);
}

static const kind gather_kind = {
    .name = "gather", .front = gather_front, .accept = accept_nothing, .taken = taken_nothing, .run = gather_run,
    .known = gather_known, .left = gather_left
};

stage *make_gather(sim *sm, stage **from, const deal_shape *p) {
    gather *g = (gather *)stage_new(sm, &gather_kind, sizeof *g, NULL);
    if (!g) return NULL;
    g->at = (turns){ .words = p->words, .n = p->n, .row = p->row };
    memcpy(g->input, from, (size_t)p->n * sizeof *from);
    return &g->s;
}
