/* The simulator's stages against registers and handshakes followed cycle by cycle, windows against the cycles
 * that docs/hardware.md gives, whole networks, and deadlocks. The comparison with the hardware itself is
 * tests/cli_simulate.sh. */
#include "rtl/broadcast.h"
#include "sim/lanes.h"
#include "sim/parts.h"
#include "util_explore.h"
#include "util_infer.h"
#include "util_net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- chains of plain stages, cycle by cycle ---- */

enum { FIFO, BLOCK_FIFO, PIPE, WIDTH, MODULES };

/* A module as its registers; `words` and `ready` as of rtl/. */
typedef struct module {
    int what;
    int64_t a, b; /* depth; stages; units in and out */
    int64_t level, waiting, held;
    bool fetched, out_valid, full[16];
    bool valid, ready; /* of this cycle: output valid, input ready */
} module;

static void set_valid(module *m) {
    switch (m->what) {
    case FIFO:
        m->valid = m->level > 0;
        break;
    case BLOCK_FIFO:
        m->valid = m->out_valid;
        break;
    case PIPE:
        m->valid = m->full[m->a - 1];
        break;
    default:
        m->valid = m->held >= m->b;
        break;
    }
}

static void set_ready(module *m, bool out_ready) {
    switch (m->what) {
    case FIFO:
    case BLOCK_FIFO:
        m->ready = m->level < m->a;
        break;
    case PIPE:
        m->ready = !m->valid || out_ready;
        break;
    default:
        m->ready = !m->valid || (out_ready && m->held < 2 * m->b);
        break;
    }
}

static void clock_module(module *m, bool push, bool out_ready) {
    const bool pop = m->valid && out_ready, take_out = !m->out_valid || out_ready;
    const bool fetch = m->waiting > 0 && (!m->fetched || take_out);
    if (m->what == BLOCK_FIFO) {
        if (take_out) m->out_valid = m->fetched;
        m->fetched = fetch || (m->fetched && !take_out);
        m->waiting += push - fetch;
    }
    if (m->what == PIPE && m->ready) {
        memmove(m->full + 1, m->full, 15 * sizeof *m->full);
        m->full[0] = push;
    }
    m->level += push - pop;
    m->held += (push ? m->a : 0) - (pop ? m->b : 0);
}

/* When the words leave a chain that is offered words all the time, and whose reader is ready in the cycles of
 * `open`. */
static void follow(module *m, int n, int64_t words, const uint8_t *open, int64_t cycles, int64_t *left) {
    int64_t offered = 0, out = 0;
    for (int64_t t = 0; t < cycles; t++) {
        for (int i = 0; i < n; i++) set_valid(&m[i]);
        bool ready = open[t];
        for (int i = n - 1; i >= 0; i--) {
            set_ready(&m[i], ready);
            ready = m[i].ready;
        }
        if (m[n - 1].valid && open[t]) left[out++] = t;
        for (int i = 0; i < n; i++) {
            const bool in_valid = i ? m[i - 1].valid : offered < words;
            const bool push = in_valid && m[i].ready;
            if (i == 0) offered += push;
            clock_module(&m[i], push, i + 1 < n ? m[i + 1].ready : open[t]);
        }
    }
}

static stage *make_of(sim *sm, const module *m, stage *from) {
    switch (m->what) {
    case PIPE:
        return make_pipe(sm, from, m->a);
    case WIDTH:
        return make_width(sm, from, m->a, m->b);
    default:
        return make_fifo(sm, from, m->a, m->what == BLOCK_FIFO);
    }
}

static module random_module(util_rng *r) {
    module m = { .what = util_rng_int(r, 0, MODULES - 1) };
    static const int8_t units[][2] = { { 1, 3 }, { 3, 1 }, { 2, 3 }, { 5, 2 }, { 3, 4 } };
    const int8_t *u = units[util_rng_int(r, 0, 4)];
    m.a = m.what == PIPE ? util_rng_int(r, 1, 5) : m.what == WIDTH ? u[0] : util_rng_int(r, 2, 6);
    m.b = m.what == WIDTH ? u[1] : 0;
    return m;
}

#define WORDS 600
#define CYCLES 60000

static void chains_move_as_registers_do(void **state) {
    (void)state;
    util_rng r = { 7 };
    static uint8_t open[CYCLES];
    static int64_t left[CYCLES];
    for (int test = 0; test < 60; test++) {
        module m[5];
        const int n = util_rng_int(&r, 1, 5), share = util_rng_int(&r, 1, 10);
        ss_ctx *ctx = ss_ctx_new();
        sim sm = { .ctx = ctx, .arena = ss_arena_new(ctx), .images = 1 };
        stage *s = make_source(&sm, WORDS);
        for (int i = 0; i < n; i++) {
            m[i] = random_module(&r);
            s = make_of(&sm, &m[i], s);
        }
        for (int64_t t = 0; t < CYCLES; t++) open[t] = util_rng_int(&r, 1, 10) <= share;
        memset(left, -1, sizeof left);
        follow(m, n, WORDS, open, CYCLES, left);
        for (int64_t i = 0; left[i] >= 0; i++) {
            int64_t t = pull(s);
            assert_true(t >= 0);
            while (!open[t]) t++;
            assert_int_equal(t, left[i]);
            take(s, t);
        }
        assert_true(s->out > 0);
        assert_int_equal(pull(s), UNKNOWN); /* no more words than registers hand out */
        ss_arena_free(sm.arena);
        ss_ctx_free(ctx);
    }
}

/* ---- windows: cycles an image in a steady flow, as docs/hardware.md says ---- */

static int64_t window_interval(const window_shape *p) {
    ss_ctx *ctx = ss_ctx_new();
    const int64_t images = 4, words = p->ho * p->wo * p->deep;
    int64_t ends[4] = { 0 };
    sim sm = { .ctx = ctx, .arena = ss_arena_new(ctx), .images = images };
    stage *source = make_source(&sm, p->h * p->w * p->deep * images), *s = make_window(&sm, source, p);
    while (s->out < words * images) {
        int64_t t = pull(s);
        if (t < 0) { /* behind the last image nothing comes */
            assert_true(stage_is_window(s) && window_undecided(s) >= 0);
            window_decide_no(s);
            t = pull(s);
        }
        assert_true(t >= 0);
        if ((s->out + 1) % words == 0) ends[s->out / words] = t;
        take(s, t);
    }
    ss_arena_free(sm.arena);
    ss_ctx_free(ctx);
    return ends[3] - ends[2];
}

static window_shape shape_of(int64_t h, int64_t w, int64_t deep, int64_t k, int64_t s, int64_t pad,
                             bool cache) {
    window_shape p = {
        .deep = deep, .h = h, .w = w, .kh = k, .kw = k, .sh = s, .sw = s, .pt = pad, .pl = pad, .cache = cache
    };
    p.ho = (h + 2 * pad - k) / s + 1;
    p.wo = (w + 2 * pad - k) / s + 1;
    const int32_t kk = (int32_t)k, st = (int32_t)s, pp = (int32_t)pad;
    p.rows = ss_window_rows(&(ss_window){ kk, kk, st, st, pp, pp, pp, pp },
                            (ss_shape){ 1, (int32_t)h, (int32_t)w },
                            (ss_shape){ 1, (int32_t)p.ho, (int32_t)p.wo });
    return p;
}

static void windows_take_their_cycles(void **state) {
    (void)state;
    for (int64_t deep = 1; deep <= 3; deep++) {
        window_shape p = shape_of(8, 7, deep, 3, 1, 1, true); /* "same": a column a window */
        assert_int_equal(window_interval(&p), 8 * 7 * deep);
        p = shape_of(8, 7, deep, 3, 1, 1, false); /* three columns, less that of padding in front */
        assert_int_equal(window_interval(&p), 8 * deep * (7 * 3 - 1));
        p = shape_of(8, 8, deep, 3, 2, 1, true);
        assert_int_equal(window_interval(&p), 8 * 8 * deep);
        p = shape_of(6, 6, deep, 1, 1, 0, true); /* wires */
        assert_int_equal(window_interval(&p), 6 * 6 * deep);
        p = shape_of(6, 6, deep, 1, 2, 0, true);
        assert_int_equal(window_interval(&p), 6 * 6 * deep);
    }
}

/* ---- broadcast engines: the recurrences of the test benches, entry by entry ---- */

static broadcast random_broadcast(util_rng *r) {
    broadcast b = { .fold = { .w = 16, .k = util_rng_int(r, 1, 12), .gr = 1, .ci = util_rng_int(r, 1, 3), .m = 1,
                              .passes = 1, .steps = util_rng_int(r, 1, 5), .folds = util_rng_int(r, 1, 6) } };
    b.p = util_rng_int(r, 1, b.fold.k);
    b.sums = util_rng_int(r, 1, 3);
    b.fold.co = b.sums * util_rng_int(r, 1, 4);
    b.keep = broadcast_words(&b) - util_rng_int(r, 0, broadcast_beats(&b) - 1);
    b.lists = util_rng_int(r, 1, 3);
    b.queue = util_rng_int(r, 0, 5);
    b.results = util_rng_int(r, 1, 24);
    return b;
}

/* Densities change from list to list, so that some wait for places and some for entries. */
static void random_counts(util_rng *r, const broadcast *b, int lists, int *nonzeros, uint16_t *counts) {
    const int streams = broadcast_streams(b);
    for (int list = 0; list < lists; list++) {
        const int most = util_rng_int(r, 0, 12);
        for (int n = 0; n < b->fold.steps * streams; n++) {
            const int at = list * b->fold.steps * streams + n, all = broadcast_positions(b, n / streams, n % b->p);
            nonzeros[at] = util_rng_int(r, 0, most < all ? most : all);
            counts[at] = (uint16_t)nonzeros[at];
        }
    }
}

static void broadcast_engines_follow_the_recurrences(void **state) {
    (void)state;
    enum { LISTS = 40, MOST = LISTS * 5 * 36 };
    static int nonzeros[MOST];
    static uint16_t counts[MOST + LANES];
    util_rng r = { 5 };
    for (int test = 0; test < 300; test++) {
        const broadcast b = random_broadcast(&r);
        struct beats_layer layer = { .data = counts };
        const beats all = { .images = 1, .layers = 1, .layer = &layer };
        ss_ctx *ctx = ss_ctx_new();
        sim sm = { .ctx = ctx, .arena = ss_arena_new(ctx), .images = 1, .beats = &all };
        random_counts(&r, &b, LISTS, nonzeros, counts);
        const broadcast_shape p = { .pixels = 1, .row = 1, .passes = 1, .kernel = b.fold.k, .parts = b.p, .streams = broadcast_streams(&b),
                                    .steps = b.fold.steps, .folds = b.fold.folds, .beats = broadcast_beats(&b),
                                    .keep = broadcast_keep(&b), .lists = b.lists, .queue = b.queue, .results = b.results };
        stage *source = make_source(&sm, LISTS * b.fold.steps), *s = make_broadcast(&sm, source, &p);
        const int64_t begin = test % 2 ? ((int64_t)1 << 30) - util_rng_int(&r, 0, 2000) : 0; /* 32 bits do not hold the end */
        source->last = begin - 1;
        for (int64_t n = LISTS * p.keep; n > 0; n--) {
            const int64_t t = pull(s);
            assert_true(t >= 0);
            take(s, t);
        }
        int64_t busy;
        const int64_t last = broadcast_cycles(&b, nonzeros, LISTS, &busy);
        assert_int_equal(s->last + 1 - begin, last); /* there the first word comes in cycle 1 */
        assert_null(sm.far);
        assert_int_equal(broadcast_busy(s), busy);
        assert_int_equal(pull(s), UNKNOWN);
        ss_arena_free(sm.arena);
        ss_ctx_free(ctx);
    }
}

/* ---- networks ---- */

typedef struct fixture {
    util_net net;
    ss_design *design;
} fixture;

static int setup_on(void **state, double scale) {
    fixture *f = calloc(1, sizeof *f);
    ss_ctx *ctx = ss_ctx_new();
    *state = f;
    ss_status s = util_net_open(&f->net, ctx, util_small_resnet(ctx, 3), util_infer_norm(3), 10, 6, 4, 8);
    return s == SS_OK && util_net_design(&f->net, scale, &f->design) == SS_OK ? 0 : -1;
}

static int setup(void **state) { return setup_on(state, 4); }
static int setup_fast(void **state) { return setup_on(state, 40); } /* a row of 16 pixels in some 30 cycles */

static int teardown(void **state) {
    fixture *f = *state;
    ss_design_free(f->design);
    util_net_close(&f->net);
    free(f);
    return 0;
}

static ss_sim_task task_of(const fixture *f) {
    return (ss_sim_task){ .g = f->net.g,
                          .q = f->net.q,
                          .e = f->net.e,
                          .design = f->design,
                          .images = f->net.d,
                          .norm = &f->net.norm,
                          .opts = { .last = -1 } };
}

static ss_status simulate(fixture *f, const ss_rtl_depth *depths, int32_t n, ss_simulated **out) {
    ss_sim_task task = task_of(f);
    task.opts.depths = depths;
    task.opts.n_depths = n;
    task.split_loss = true;
    return ss_sim_run(f->net.ctx, &task, out);
}

static void a_network_runs_through(void **state) {
    fixture *f = *state;
    ss_simulated *v, *again;
    assert_int_equal(simulate(f, NULL, 0, &v), SS_OK);
    assert_int_equal(simulate(f, NULL, 0, &again), SS_OK);
    const ss_sim_partition *p = &v->partitions[0];
    assert_int_equal(p->n_nodes, f->net.g->n);
    double slowest = 0;
    int64_t joining = 0;
    for (int32_t i = 0; i < p->n_nodes; i++) {
        const ss_sim_node *n = &p->nodes[i];
        assert_true(n->busy > 0 && n->busy <= p->cycles && n->blocked <= p->cycles &&
                    n->starved <= p->cycles && n->joining <= n->starved + p->cycles / 2);
        if (f->net.g->nodes[i].op != SS_OP_ADD) assert_int_equal(n->joining, 0);
        joining += n->joining;
        for (int32_t k = 0; k < n->n_fifos; k++) assert_true(n->held[k] >= 1 && n->held[k] <= n->depth[k]);
        slowest = fmax(slowest, (double)n->busy / (double)f->net.d->n);
    }
    assert_true(joining > 0); /* a skip waits for the branch that computes */
    const ss_sim_loss *l = &p->loss;
    assert_true(l->known);
    assert_true(fabs(l->waits + l->images + l->bursts + l->joins - (p->interval.mean - p->predicted_interval)) <
                1e-6 * p->interval.mean);
    assert_true(p->interval.mean > 0 && p->latency.least > 0);
    assert_true((double)p->cycles >= slowest * (double)f->net.d->n);
    assert_true(p->interval.p5 <= p->interval.p95);
    for (int64_t i = 0; i < f->net.d->n; i++) assert_int_equal(p->ends[i], again->partitions[0].ends[i]);
    ss_simulated_free(v);
    ss_simulated_free(again);
}

/* Where rows pass faster than a pixel through the modules, FIFOs of joins have room for the pixels in these. */
static void joins_do_not_hold_up_a_fast_network(void **state) {
    fixture *f = *state;
    ss_simulated *v;
    assert_int_equal(simulate(f, NULL, 0, &v), SS_OK);
    const ss_sim_partition *p = &v->partitions[0];
    assert_true(p->loss.known && p->loss.joins <= 0.02 * p->interval.mean);
    ss_simulated_free(v);
}

static int32_t first_join(const ss_graph *g) {
    for (int32_t i = 0; i < g->n; i++)
        if (g->nodes[i].op == SS_OP_ADD) return i;
    return -1;
}

static void a_starved_skip_is_a_deadlock(void **state) {
    fixture *f = *state;
    ss_simulated *v;
    const ss_rtl_depth shallow = { .node = first_join(f->net.g), .input = -1, .words = 2 };
    assert_int_equal(simulate(f, &shallow, 1, &v), SS_NO);
    assert_true(v->deadlock && v->partitions[0].deadlock);
    assert_non_null(strstr(v->partitions[0].why, f->net.g->nodes[shallow.node].name));
    assert_non_null(strstr(v->partitions[0].why, "is full"));
    assert_non_null(strstr(v->partitions[0].why, "is empty"));
    ss_rtl_depth cure = v->partitions[0].cure; /* flows, and one less does not */
    ss_simulated_free(v);
    assert_true(cure.node == shallow.node && cure.words > 2);
    assert_int_equal(simulate(f, &cure, 1, &v), SS_OK);
    ss_simulated_free(v);
    cure.words--;
    assert_int_equal(simulate(f, &cure, 1, &v), SS_NO);
    ss_simulated_free(v);
}

/* ---- tuning ---- */

static ss_status tune(fixture *f, ss_simulated **out) {
    ss_sim_task task = task_of(f);
    task.tune = true;
    task.within = 0.95;
    return ss_sim_run(f->net.ctx, &task, out);
}

static void with_other_images(fixture *f, unsigned seed) {
    ss_dataset_free(f->net.d);
    f->net.d = util_dataset(f->net.ctx, f->net.g->nodes[0].shape, 10, 6, seed);
}

/* Data decides times, not whether everything stops: with the least depths no data does, with one word less all
 * data does. */
static void least_depths_hold_for_all_data(void **state) {
    fixture *f = *state;
    ss_simulated *v, *w;
    assert_int_equal(tune(f, &v), SS_OK);
    ss_rtl_depth all[32];
    int32_t n = 0, deep = 0;
    for (int32_t i = 0; i < v->partitions[0].n_nodes; i++)
        for (int32_t k = 0; k < v->partitions[0].nodes[i].n_fifos; k++) {
            const ss_sim_node *at = &v->partitions[0].nodes[i];
            assert_true(at->least[k] >= 2 && at->sized[k] >= at->least[k]);
            all[n++] = (ss_rtl_depth){ .node = at->node, .input = k, .words = at->least[k] };
        }
    assert_true(n >= 4);
    for (unsigned seed = 1; seed <= 3; seed++) {
        with_other_images(f, seed);
        assert_int_equal(simulate(f, all, n, &w), SS_OK);
        ss_simulated_free(w);
        for (int32_t i = 0; i < n; i++) {
            if (all[i].words == 2) continue;
            deep++;
            all[i].words--;
            assert_int_equal(simulate(f, all, n, &w), SS_NO);
            ss_simulated_free(w);
            all[i].words++;
        }
    }
    assert_true(deep >= 3);
    ss_simulated_free(v);
}

static void a_tuned_design_is_what_was_found(void **state) {
    fixture *f = *state;
    ss_simulated *v, *w;
    ss_design *back;
    char dir[256], path[300];
    assert_true(util_temp_dir(dir));
    assert_int_equal(tune(f, &v), SS_OK);
    const ss_sim_partition *p = &v->partitions[0];
    assert_true(p->sized_interval * 0.95 <= p->endless_interval * (1 + 1e-9));
    assert_true(p->stall >= 1);
    snprintf(path, sizeof path, "%s/design.json", dir);
    assert_int_equal(ss_design_save(v->tuned, f->net.g, path), SS_OK);
    assert_int_equal(ss_design_load(f->net.ctx, f->net.g, path, &back), SS_OK);
    ss_design *before = f->design;
    f->design = back;
    assert_int_equal(simulate(f, NULL, 0, &w), SS_OK);
    for (int32_t i = 0; i < p->n_nodes; i++)
        for (int32_t k = 0; k < p->nodes[i].n_fifos; k++)
            assert_int_equal(w->partitions[0].nodes[i].depth[k], p->nodes[i].sized[k]);
    /* Behind the first image, which finds an empty pipeline. */
    const int64_t *ends = w->partitions[0].ends;
    assert_true(fabs((double)(ends[5] - ends[1]) / 4 - p->sized_interval) < 1e-6);
    /* The model now says what the simulation does. */
    if (p->stall > 1)
        assert_true(fabs(v->tuned->partitions[0].interval - p->sized_interval) < 0.001 * p->sized_interval);
    f->design = before;
    ss_design_free(back);
    ss_simulated_free(v);
    ss_simulated_free(w);
    remove(path);
    rmdir(dir);
}

/* ---- --depth ---- */

static void depths_are_read(void **state) {
    fixture *f = *state;
    ss_rtl_depth d[3];
    int32_t n;
    char text[128];
    const int32_t join = first_join(f->net.g);
    snprintf(text, sizeof text, "%s=7,%s:1=9", f->net.g->nodes[join].name, f->net.g->nodes[join].name);
    assert_int_equal(ss_rtl_depths(f->net.ctx, f->net.g, text, d, &n), SS_OK);
    assert_int_equal(n, 2);
    assert_true(d[0].node == join && d[0].input == -1 && d[0].words == 7);
    assert_true(d[1].node == join && d[1].input == 1 && d[1].words == 9);
    static const char *const bad[] = { "x=3",        "stem=4",      "b1_add=1",  "b1_add",   "b1_add=",
                                       "b1_add:2=4", "b1_add:-1=4", "b1_add:=4", "b1_add=3x" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (ss_rtl_depths(f->net.ctx, f->net.g, bad[i], d, &n) != SS_BAD) print_error("%s\n", bad[i]);
        assert_int_equal(ss_rtl_depths(f->net.ctx, f->net.g, bad[i], d, &n), SS_BAD);
    }
    ss_diag_clear(f->net.ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_move_as_registers_do),
        cmocka_unit_test(windows_take_their_cycles),
        cmocka_unit_test(broadcast_engines_follow_the_recurrences),
        cmocka_unit_test_setup_teardown(a_network_runs_through, setup, teardown),
        cmocka_unit_test_setup_teardown(joins_do_not_hold_up_a_fast_network, setup_fast, teardown),
        cmocka_unit_test_setup_teardown(a_starved_skip_is_a_deadlock, setup, teardown),
        cmocka_unit_test_setup_teardown(least_depths_hold_for_all_data, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tuned_design_is_what_was_found, setup, teardown),
        cmocka_unit_test_setup_teardown(depths_are_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
