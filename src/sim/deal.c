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

static void next_word(turns *t) {
    if (++t->word < t->words) return;
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

static int64_t dealt_front(stage *s) {
    const int32_t number = ((dealt *)s)->number;
    deal *d = ((dealt *)s)->d;
    while (d->at.whose != number) {
        stage *reader = d->reader[d->at.whose]->reader;
        if (!reader->ops->accept(reader)) return UNKNOWN;
    }
    if (d->asking) return UNKNOWN;
    d->asking = true;
    const int64_t v = pull(d->from);
    d->asking = false;
    s->dry = d->from->dry;
    return v;
}

static void dealt_taken(stage *s, int64_t t) {
    deal *d = ((dealt *)s)->d;
    take(d->from, t);
    next_word(&d->at);
}

static const kind dealt_kind = { .name = "deal", .front = dealt_front, .accept = accept_nothing, .taken = dealt_taken };

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
    s->in++;
    next_word(&g->at);
    return t + 1;
}

static const kind gather_kind = { .name = "gather", .front = gather_front, .accept = accept_nothing, .taken = taken_nothing };

stage *make_gather(sim *sm, stage **from, const deal_shape *p) {
    gather *g = (gather *)stage_new(sm, &gather_kind, sizeof *g, NULL);
    if (!g) return NULL;
    g->at = (turns){ .words = p->words, .n = p->n, .row = p->row };
    memcpy(g->input, from, (size_t)p->n * sizeof *from);
    return &g->s;
}
