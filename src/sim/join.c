/* Joins and forks. See parts.h for the protocol. */
#include "sim/fifo.h"

#include <string.h>

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

/* How many of the next words that come to input k, which is empty, find those of all others there already, so that
 * they go straight through its FIFO. */
static int64_t others_wait(const join *j, int32_t k, int64_t n) {
    const int64_t first = j->input[k]->last_in + 2;
    if (j->s.last > first) return 0;
    for (int32_t i = 0; i < j->n; i++)
        if (i != k) n = fifo_stands((fifo *)j->input[i], first, n);
    return n;
}

/* n words that are in all its FIFOs, and have all been taken at the same times. */
static void take_all(join *j, int64_t n, int64_t *t) {
    int64_t from[SS_MAX_INPUTS][RUN], first[RUN], latest[RUN], at[RUN];
    for (int32_t k = 0; k < j->n; k++) j->input[k]->ops->known(j->input[k], n, from[k]);
    memcpy(first, from[0], (size_t)n * sizeof *first);
    memcpy(latest, from[0], (size_t)n * sizeof *latest);
    for (int32_t k = 1; k < j->n; k++) times_spread(n, from[k], first, latest);
    j->waited += times_join(n, first, latest, j->input[0]->last, j->s.last, at, t);
    for (int32_t k = 0; k < j->n; k++) j->input[k]->ops->left(j->input[k], n, from[k], at);
    j->s.in += n;
    went_out(&j->s, n, t);
}

/* Of FIFOs right before it, what is in all of them. */
static int64_t together_run(stage *s, int64_t n, int64_t *t) {
    join *j = (join *)s;
    if (!j->registered) return 0;
    for (int32_t k = 0; k < j->n; k++)
        if (j->input[k]->ops != &fifo_kind || j->input[k]->v >= 0) return 0;
    for (int32_t k = 0; k < j->n; k++) {
        stage *f = j->input[k];
        if (f->in == f->out) fifo_fill((fifo *)f, others_wait(j, k, n));
    }
    for (int32_t k = 0; k < j->n; k++)
        if (n > j->input[k]->in - j->input[k]->out) n = j->input[k]->in - j->input[k]->out;
    for (int32_t k = 0; k < j->n; k++) s->dry = s->dry || j->input[k]->dry;
    if (n == 0) return UNKNOWN;
    take_all(j, n, t);
    return n;
}

static const kind together_kind = {
    .name = "together", .front = together_front, .accept = accept_nothing, .taken = together_taken,
    .run = together_run
};
static const kind turns_kind = { .name = "turns", .front = turns_front, .accept = accept_nothing, .taken = taken_nothing };

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

/* Can the fork be asked for the branch's next word? Not before all others have the one that it has taken. */
static bool has_next(fork *f, const stage *s) {
    if (s->out > f->words && f->helping) return refuse(s);
    if (s->out > f->words) help_others(f, s);
    if (f->asking) return refuse(s);
    return s->out <= f->words;
}

static int64_t branch_front(stage *s) {
    fork *f = ((branch *)s)->f;
    if (!has_next(f, s)) return UNKNOWN;
    f->asking = true;
    const int64_t v = pull(f->from);
    f->asking = false;
    s->dry = f->from->dry;
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

/* Words that all readers take at once. */
static int64_t branch_run(stage *s, int64_t n, int64_t *t) {
    fork *f = ((branch *)s)->f;
    if (!has_next(f, s)) return UNKNOWN;
    if (f->left < f->n) return 0;
    for (int32_t i = 0; i < f->n; i++)
        if (f->reader[i] != s) n = f->reader[i]->v < 0 ? room_of(f->reader[i]->reader, n) : 0;
    if (n <= 0) return 0;
    f->asking = true;
    n = run_from(f->from, n, t);
    f->asking = false;
    s->dry = f->from->dry;
    if (n < 0) return UNKNOWN;
    f->words += n;
    f->latest = t[n - 1];
    for (int32_t i = 0; i < f->n; i++) {
        stage *reader = f->reader[i]->reader;
        went_out(f->reader[i], n, t);
        if (f->reader[i] != s) reader->ops->took(reader, n, t);
    }
    return n;
}

static const kind branch_kind = {
    .name = "fork", .front = branch_front, .accept = accept_nothing, .taken = branch_taken, .run = branch_run
};

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
