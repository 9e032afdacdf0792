/* Runs of words against words one by one: random pipelines of all kinds of stages, with forks that meet again, are
 * simulated both ways, and every stage must come to the same figures. What both ways do alike is compared with nothing there: that a
 * list's last word waits for the list eight before is held to recurrences. */
#include "sim/parts.h"
#include "util_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TESTS 600
#define IMAGES 3
#define LAYERS 24
#define COUNTS (1 << 19)

/* A pipeline in the making, and its stream: `deep` words a pixel of an h x w map. */
typedef struct line {
    sim sm;
    util_rng r;
    beats all;
    struct beats_layer layer[LAYERS];
    stage *fifos[16];
} line;

typedef struct stream {
    stage *s;
    int64_t h, w, deep;
} stream;

static uint16_t counts[COUNTS];
static const uint8_t *half(sim *sm, int64_t n) {
    uint8_t *keep = ss_arena_alloc(sm->arena, (size_t)n, 1);
    for (int64_t i = 0; i < n; i += 2) keep[i] = 1;
    return keep;
}

static stream with_deep(line *l, stream x, int64_t deep) {
    x.s = make_width(&l->sm, x.s, deep, x.deep);
    x.deep = deep;
    return x;
}

/* Bursts: stretches of windows that take long beside others that take a beat. */
static int32_t new_layer(line *l) {
    l->layer[l->all.layers].data = counts + util_rng_int(&l->r, 0, COUNTS / 2);
    return l->all.layers++;
}

static stream engine(line *l, stream x) {
    const int64_t folds = util_rng_int(&l->r, 1, 4);
    const bool dense = l->all.layers == LAYERS || util_rng_int(&l->r, 0, 1);
    engine_shape e = { .steps = x.deep, .folds = folds, .latency = util_rng_int(&l->r, 3, 9) };
    e.beats = dense ? util_rng_int(&l->r, 1, 6) : 0;
    e.layer = dense ? -1 : new_layer(l);
    for (e.results = 1; e.results < folds + e.latency + 2;) e.results *= 2;
    if (util_rng_int(&l->r, 0, 4) == 0) e.results = 128; /* in block RAM */
    x.s = make_engine(&l->sm, x.s, &e);
    x.deep = folds;
    return x;
}

/* Engines that take pixels in turn, with and without room before and behind each. */
static stage *side_by_side(line *l, stream x, broadcast_shape b, int64_t narrower) {
    const bool room = util_rng_int(&l->r, 0, 1);
    deal_shape d = { .words = x.deep, .row = x.w, .n = (int32_t)b.pixels };
    stage *way[SS_MOST_PIXELS];
    assert_int_equal(make_deal(&l->sm, x.s, &d, way), SS_OK);
    for (b.number = 0; b.number < b.pixels; b.number++) {
        stage *s = make_fifo(&l->sm, way[b.number], room ? util_rng_int(&l->r, 2, 3 * (int32_t)x.deep) : 0, false);
        s = make_broadcast(&l->sm, make_width(&l->sm, s, narrower, 1), &b);
        way[b.number] = make_fifo(&l->sm, s, util_rng_int(&l->r, 0, 1) ? util_rng_int(&l->r, 2, 9) : 0, util_rng_int(&l->r, 0, 1));
    }
    d.words = b.keep;
    return make_gather(&l->sm, way, &d);
}

static stream broadcast(line *l, stream x) {
    const int64_t pixels = util_rng_int(&l->r, 0, 1) ? util_rng_int(&l->r, 2, 4) : 1;
    const int64_t narrower = pixels > 1 && x.deep <= 9 ? util_rng_int(&l->r, 1, 3) : 1;
    broadcast_shape b = { .pixels = pixels, .row = x.w, .passes = 1, .kernel = 9, .parts = 1, .streams = util_rng_int(&l->r, 1, x.deep <= 9 ? 20 : 3),
                          .steps = x.deep * narrower, .folds = util_rng_int(&l->r, 1, 3), .beats = util_rng_int(&l->r, 1, 3),
                          .lists = util_rng_int(&l->r, 1, 3), .queue = util_rng_int(&l->r, 0, 4),
                          .results = util_rng_int(&l->r, 1, 5), .layer = new_layer(l) };
    if (util_rng_int(&l->r, 0, 4) == 0) b.queue = 32;
    if (util_rng_int(&l->r, 0, 3) == 0) b.lists = 12; /* more than may wait */
    b.keep = b.folds * b.beats;
    x.s = pixels > 1 ? side_by_side(l, x, b, narrower) : make_broadcast(&l->sm, x.s, &b);
    x.deep = b.keep;
    return x;
}

/* A 3 x 3 or a 1 x 1 window, which with a stride has a sieve, and an engine. */
static stream convolution(line *l, stream x, int64_t stride) {
    const int64_t k = util_rng_int(&l->r, 0, 1) ? 3 : 1, pad = k / 2;
    window_shape p = { .deep = x.deep, .h = x.h, .w = x.w, .kh = k, .kw = k, .sh = stride, .sw = stride, .pt = pad,
                       .pl = pad, .cache = util_rng_int(&l->r, 0, 1) };
    p.ho = (x.h + 2 * pad - k) / stride + 1;
    p.wo = (x.w + 2 * pad - k) / stride + 1;
    const int32_t kk = (int32_t)k, st = (int32_t)stride, pp = (int32_t)pad;
    p.rows = ss_window_rows(&(ss_window){ kk, kk, st, st, pp, pp, pp, pp }, (ss_shape){ 1, (int32_t)x.h, (int32_t)x.w },
                            (ss_shape){ 1, (int32_t)p.ho, (int32_t)p.wo });
    x.s = make_window(&l->sm, x.s, &p);
    x.h = p.ho;
    x.w = p.wo;
    return l->all.layers < LAYERS && util_rng_int(&l->r, 0, 2) == 0 ? broadcast(l, x) : engine(l, x);
}

static stream plain(line *l, stream x) {
    util_rng *r = &l->r;
    static const int8_t deeps[] = { 1, 2, 3, 4, 6, 8 };
    switch (util_rng_int(r, 0, 4)) {
    case 0:
        x.s = make_slice(&l->sm, x.s);
        return x;
    case 1:
        x.s = make_pipe(&l->sm, x.s, util_rng_int(r, 1, 4));
        return x;
    case 2:
        x.s = make_fifo(&l->sm, x.s, util_rng_int(r, 2, 80), util_rng_int(r, 0, 1));
        return x;
    case 3:
        if (x.deep > 4) return x;
        const int64_t before = util_rng_int(r, 0, 2), after = util_rng_int(r, 0, 2);
        x.s = make_chanpad(&l->sm, x.s, before, x.deep, after);
        x.deep += before + after;
        return x;
    default:
        return with_deep(l, x, deeps[util_rng_int(r, 0, 5)]);
    }
}

static stream strided(line *l, stream x) {
    const ss_shape map = { .h = (int32_t)x.h, .w = (int32_t)x.w };
    x.s = make_filter(&l->sm, x.s, x.deep, map, half(&l->sm, x.h), half(&l->sm, x.w));
    x.h = (x.h + 1) / 2;
    x.w = (x.w + 1) / 2;
    return x;
}

/* One of a fork's branches; with a stride, by a convolution or by a filter. */
static stream branch(line *l, stream x, int64_t stride, bool computes) {
    for (int32_t n = util_rng_int(&l->r, 0, 2); n > 0; n--) x = plain(l, x);
    if (computes) x = convolution(l, x, stride);
    else if (stride > 1) x = strided(l, x);
    for (int32_t n = util_rng_int(&l->r, 0, 2); n > 0; n--) x = plain(l, x);
    return computes && util_rng_int(&l->r, 0, 1) ? convolution(l, x, 1) : x;
}

static stage *join_fifo(line *l, stage *s, int64_t depth) {
    s = make_fifo(&l->sm, s, depth, util_rng_int(&l->r, 0, 1));
    s->ends = true;
    return l->sm.fifos[l->sm.n_fifos++] = s;
}

enum { ADD, WIRES, TURNS }; /* what joins */

static stream join(line *l, int what, stage **in, const int64_t *words, int32_t n, stream y) {
    y.deep = words[0];
    if (what == TURNS) {
        for (int32_t k = 1; k < n; k++) y.deep += words[k];
        y.s = make_turns(&l->sm, in, words, n);
    } else y.s = make_together(&l->sm, in, n, what == ADD);
    y.s = make_slice(&l->sm, make_pipe(&l->sm, y.s, 1));
    return y;
}

/* A fork whose branches meet again. */
static stream block(line *l, stream x) {
    const int32_t n = util_rng_int(&l->r, 2, 3), what = util_rng_int(&l->r, ADD, TURNS);
    const int64_t stride = x.h > 4 ? util_rng_int(&l->r, 1, 2) : 1, deep = util_rng_int(&l->r, 1, 3);
    const bool shallow = util_rng_int(&l->r, 0, 5) == 0; /* may be a deadlock */
    stage *reader[3] = { NULL }, *in[3];
    int64_t words[3];
    assert_int_equal(make_fork(&l->sm, x.s, n, reader), SS_OK);
    stream y = x;
    for (int32_t k = 0; k < n; k++) {
        x.s = reader[k];
        y = branch(l, x, stride, k == 0 || util_rng_int(&l->r, 0, 2) == 0);
        if (util_rng_int(&l->r, 0, 1)) y = with_deep(l, y, deep);
        y.s = join_fifo(l, y.s, shallow ? util_rng_int(&l->r, 2, 9) : y.h * y.w * y.deep + 8);
        if (what != TURNS) y = with_deep(l, y, deep);
        in[k] = y.s;
        words[k] = y.deep;
    }
    return join(l, what, in, words, n, y);
}

/* The same for the same seed. */
static ss_status simulate(uint64_t seed, bool single, line *l, ss_sim_partition *p) {
    memset(l, 0, sizeof *l);
    l->r = (util_rng){ seed };
    l->all = (beats){ .images = IMAGES, .layer = l->layer };
    ss_ctx *ctx = ss_ctx_new();
    l->sm = (sim){ .ctx = ctx, .arena = ss_arena_new(ctx), .images = IMAGES, .beats = &l->all, .fifos = l->fifos };
    stream x = { .h = util_rng_int(&l->r, 3, 12), .w = util_rng_int(&l->r, 3, 12), .deep = util_rng_int(&l->r, 1, 6) };
    l->sm.words_in = x.h * x.w * x.deep;
    l->sm.starts = ss_arena_alloc(l->sm.arena, IMAGES, sizeof *l->sm.starts);
    x.s = l->sm.source = make_source(&l->sm, l->sm.words_in * IMAGES);
    if (util_rng_int(&l->r, 0, 1)) x = plain(l, x);
    for (int32_t n = util_rng_int(&l->r, 1, 4); n > 0; n--) {
        if (util_rng_int(&l->r, 0, 1)) x = convolution(l, x, 1);
        x = block(l, x);
    }
    if (util_rng_int(&l->r, 0, 1)) x = engine(l, x);
    l->sm.sink = make_slice(&l->sm, x.s);
    l->sm.words_out = x.h * x.w * x.deep;
    assert_false(l->sm.failed);
    for (int32_t i = 0; i < l->sm.n_stages; i++) l->sm.stages[i]->single = single;
    *p = (ss_sim_partition){ 0 };
    return sim_run(&l->sm, p);
}

static void end(line *l) {
    ss_ctx *ctx = l->sm.ctx;
    ss_arena_free(l->sm.arena);
    ss_ctx_free(ctx);
}

static bool follows_pipe(const stage *s) {
    return s && s->from && s->ops == s->from->ops && strcmp(s->ops->name, "pipe") == 0;
}

/* Of pipelines behind one another only the ends are followed while nothing waits. */
static void same_figures(const line *l, const line *m) {
    assert_int_equal(l->sm.n_stages, m->sm.n_stages);
    for (int32_t i = 0; i < l->sm.n_stages; i++) {
        const stage *a = l->sm.stages[i], *b = m->sm.stages[i];
        assert_int_equal(a->blocked, b->blocked);
        if (!follows_pipe(a)) assert_int_equal(a->starved, b->starved);
        if (follows_pipe(a->reader)) continue;
        assert_int_equal(a->in, b->in);
        assert_int_equal(a->last_in, b->last_in);
        assert_int_equal(a->out, b->out);
        assert_int_equal(a->last, b->last);
    }
    for (int32_t i = 0; i < l->sm.n_fifos; i++)
        assert_int_equal(fifo_most(l->sm.fifos[i]), fifo_most(m->sm.fifos[i]));
}

static void runs_are_words_in_a_row(void **state) {
    (void)state;
    static line by_word, by_run;
    util_rng r = { 3 };
    int32_t through = 0, stopped = 0;
    for (int32_t i = 0; i < COUNTS; i++) counts[i] = (uint16_t)util_rng_int(&r, 1, i / 64 % 5 ? 1 : 9);
    for (uint64_t seed = 1; seed <= TESTS; seed++) {
        ss_sim_partition p, q;
        const ss_status s = simulate(seed, true, &by_word, &p), t = simulate(seed, false, &by_run, &q);
        assert_int_equal(s, t);
        for (int64_t i = 0; s == SS_OK && i < IMAGES; i++) assert_int_equal(p.ends[i], q.ends[i]);
        if (s == SS_OK) same_figures(&by_word, &by_run);
        through += s == SS_OK;
        stopped += s == SS_NO;
        end(&by_word);
        end(&by_run);
    }
    assert_true(through > TESTS / 2 && stopped > TESTS / 50 && through + stopped == TESTS);
}

/* ---- the last word of a list waits until the list eight before it has been replayed ---- */

enum { LISTS = 40, WAITING = 8, STEPS = 5 };

static int64_t at(const int64_t *t, int64_t i) {
    return i < 0 ? -1 : t[i];
}

/* When the last word is taken of lists of so many words, each of one entry, where a replay takes `fold` cycles and there are places for
 * more lists than may wait. */
static int64_t last_taken(int64_t steps, int64_t fold, int64_t queue) {
    int64_t pushed[LISTS * STEPS], taken[LISTS * STEPS], popped[LISTS], done = 0;
    for (int64_t n = 0; n < LISTS * steps; n++) {
        const int64_t list = n / steps, stands = n > 0 ? pushed[n - 1] + 1 : 0;
        const bool last = n % steps == steps - 1;
        pushed[n] = queue > 0 ? later(stands, at(taken, n - queue) + 1) : stands;
        taken[n] = later(pushed[n] + (queue > 0), done);
        if (queue == 0) pushed[n] = taken[n];
        done = later(taken[n], last ? at(popped, list - WAITING) : -1) + 1;
        if (last) popped[list] = later(at(popped, list - 1) + 1, done + 2) + fold - 1;
    }
    return pushed[LISTS * steps - 1];
}

static int64_t simulate_last_taken(const broadcast_shape *p, bool single) {
    static uint16_t ones[LISTS * STEPS + 64];
    for (int32_t i = 0; i < LISTS * STEPS; i++) ones[i] = 1;
    struct beats_layer layer = { .data = ones };
    const beats all = { .images = 1, .layers = 1, .layer = &layer };
    ss_ctx *ctx = ss_ctx_new();
    sim sm = { .ctx = ctx, .arena = ss_arena_new(ctx), .images = 1, .beats = &all };
    stage *source = make_source(&sm, LISTS * p->steps), *s = make_broadcast(&sm, source, p);
    source->single = s->single = single;
    for (int64_t n = LISTS * p->keep; n > 0; n--) {
        const int64_t t = pull(s);
        assert_true(t >= 0);
        take(s, t);
    }
    assert_int_equal(s->in, LISTS * p->steps);
    const int64_t last = s->last_in;
    ss_arena_free(sm.arena);
    ss_ctx_free(ctx);
    return last;
}

static void last_words_wait_for_lists(void **state) {
    (void)state;
    static const int64_t queues[] = { 0, 2, 32 };
    for (int64_t steps = 1; steps <= STEPS; steps++)
        for (int64_t fold = 16; fold <= 48; fold += 16)
            for (int32_t q = 0; q < 3; q++) {
                const broadcast_shape p = { .pixels = 1, .row = 1, .passes = 1, .kernel = 1, .parts = 1, .streams = 1, .steps = steps, .folds = 1,
                                            .beats = fold, .keep = fold, .lists = 2 * WAITING, .queue = queues[q], .results = 8 };
                const int64_t last = last_taken(steps, fold, queues[q]);
                assert_int_equal(simulate_last_taken(&p, true), last);
                assert_int_equal(simulate_last_taken(&p, false), last);
            }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(runs_are_words_in_a_row), cmocka_unit_test(last_words_wait_for_lists) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
