/* ss_pipe: registers that stall as a whole. See parts.h for the protocol.
 * They move in every cycle but those in which a word stands at the output and is not taken. A word comes in
 * in a cycle of movement, and stands at the output after `stages` of them. `stall`: the waits at the output
 * that a word still inside, or one to come, can meet.
 *
 * Pipelines of one node behind one another are a chain. While it is smooth, nothing is in it but the word that stands
 * at its end, and none waits: then only its ends are followed, and those between catch up (settle) when a word has
 * to wait, or when one of them is asked by itself. */

#include "sim/parts.h"

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
    if (v < 0) p->tail->s.dry = head->from->dry;
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

static int64_t pipe_run(stage *s, int64_t n, int64_t *t) {
    pipe_stage *p = (pipe_stage *)s;
    if (p->tail != p) return 0;
    if (!p->smooth) p->smooth = can_be_smooth(p);
    if (!p->smooth) return 0;
    n = run_from(p->head->s.from, n, t);
    if (n < 0) s->dry = p->head->s.from->dry;
    if (n < 0) return UNKNOWN;
    came_in(&p->head->s, n, t);
    for (int64_t i = 0; i < n; i++) t[i] += p->through;
    went_out(s, n, t);
    return n;
}

static const kind pipe_kind = {
    .name = "pipe", .front = pipe_front, .accept = pipe_accept, .taken = pipe_taken, .run = pipe_run
};

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

