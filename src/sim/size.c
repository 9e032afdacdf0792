/* How deep the FIFOs of joins have to be.
 *
 * Least: where a fork's branches meet again, the branch that needs fewer words for its first one must hold what
 * the other one still needs. Which words a stage takes before it makes its next one depends on shapes and
 * foldings alone, never on the data; so whether FIFOs of given depths ever stop everything depends on neither
 * data nor times (docs/simulate.md). A run in which no join's FIFO takes a word that the end of the pipeline does not
 * wait for shows depths that are enough, of all at once; where the stages before a FIFO hold words, too, a few less
 * are, which is tried out.
 *
 * Throughput: from the least depths towards the most words that a run with FIFOs without end holds, all by the same
 * share, which doubles; then each by itself back towards its least, as far as the others allow it. That takes many runs: of many
 * images, on the first; then all depths grow until they are enough for the others, too. */
#include "sim/parts.h"

#define LAZY_IMAGES 3 /* the second begins on what the first leaves, the third is as the second */
#define FIRST_IMAGES 40
#define SHARES 12 /* the smallest is 2^-11 of what lies between */
#define STEP 16   /* a depth is left within this part of the smallest */

typedef struct sizing {
    trial x;
    ss_arena *a;
    int32_t n;
    ss_rtl_depth *depth;
    int64_t *least, *most;
    double limit; /* cycles an image */
} sizing;

/* A FIFO's words in words of the stream before it; at least what an ss_fifo has. */
static int64_t stream_words(const trial_fifo *f, int64_t words) {
    return later(2, ss_ceil_div(words * f->inside, f->lanes));
}

static ss_status run_with(const sizing *z, double *interval) {
    ss_arena *a = ss_arena_new(z->x.r->ctx);
    trial x = z->x;
    trial_result v = { 0 };
    x.depths = z->depth;
    x.n = z->n;
    ss_status s = a ? trial_run(&x, a, &v) : SS_BAD;
    *interval = v.interval;
    ss_arena_free(a);
    return s;
}

/* SS_OK: the depths are good enough; SS_NO: they are not. */
static ss_status good(const sizing *z, double *interval) {
    const ss_status s = run_with(z, interval);
    return s == SS_OK && *interval > z->limit ? SS_NO : s;
}

static void set_share(const sizing *z, int64_t share) {
    for (int32_t i = 0; i < z->n; i++)
        z->depth[i].words = z->least[i] + (share ? (z->most[i] - z->least[i]) >> (SHARES - share) : 0);
}

/* One FIFO by itself, by halving. */
static ss_status lower(const sizing *z, int32_t i, double *interval) {
    int64_t bad = z->least[i] - 1, enough = z->depth[i].words;
    while (enough - bad > 1 + enough / STEP || (enough - bad > 1 && bad < z->least[i])) {
        z->depth[i].words = bad < z->least[i] ? z->least[i] : bad + (enough - bad) / 2;
        const ss_status s = good(z, interval);
        if (s == SS_BAD) return s;
        *(s == SS_OK ? &enough : &bad) = z->depth[i].words;
    }
    z->depth[i].words = enough;
    return SS_OK;
}

static ss_status choose(const sizing *z, double *interval) {
    int64_t bad = -1, enough = SHARES;
    while (enough - bad > 1) {
        const int64_t share = bad + (enough - bad) / 2;
        set_share(z, share);
        const ss_status s = good(z, interval);
        if (s == SS_BAD) return s;
        *(s == SS_OK ? &enough : &bad) = share;
    }
    set_share(z, enough);
    for (int32_t i = 0; i < z->n; i++)
        if (lower(z, i, interval) == SS_BAD) return SS_BAD;
    return run_with(z, interval);
}

/* One least depth as far down as nothing stops; it is near, so in steps that double. */
static ss_status trim(sizing *z, int32_t i) {
    sizing few = *z;
    int64_t bad = 1, step = 1;
    double none;
    few.x.images = LAZY_IMAGES;
    for (int32_t k = 0; k < z->n; k++) z->depth[k].words = z->least[k];
    while (z->least[i] - bad > 1) {
        const int64_t words = z->depth[i].words = later(bad + 1, z->least[i] - step);
        const ss_status s = run_with(&few, &none);
        if (s == SS_BAD) return s;
        if (s == SS_OK) z->least[i] = words;
        else bad = words;
        step = s == SS_OK ? 2 * step : later(1, (z->least[i] - bad) / 2);
    }
    return SS_OK;
}

static ss_status find_least(sizing *z) {
    trial lazy = z->x;
    trial_result v;
    ss_status s = trial_endless(&lazy, z->a, &z->depth, &lazy.n);
    lazy.depths = z->depth;
    lazy.images = LAZY_IMAGES;
    lazy.lazy = true;
    z->n = lazy.n;
    z->least = ss_arena_alloc(z->a, (size_t)z->n + 1, sizeof *z->least);
    z->most = ss_arena_alloc(z->a, (size_t)z->n + 1, sizeof *z->most);
    if (s != SS_OK || !z->least || !z->most) return SS_BAD;
    s = trial_run(&lazy, z->a, &v);
    for (int32_t i = 0; s == SS_OK && i < v.n_fifos; i++)
        z->least[i] = stream_words(&v.fifos[i], v.fifos[i].deepest);
    for (int32_t i = 0; i < z->n && s == SS_OK; i++) s = trim(z, i);
    return s;
}

/* With FIFOs without end, on the first `images`: what the depths are to be compared with. */
static ss_status find_most(sizing *z, int64_t images, double within, double *endless) {
    trial deep = z->x;
    trial_result v;
    ss_rtl_depth *depths;
    z->x.images = deep.images = images;
    ss_status s = trial_endless(&deep, z->a, &depths, &deep.n);
    deep.depths = depths;
    if (s == SS_OK) s = trial_run(&deep, z->a, &v);
    for (int32_t i = 0; s == SS_OK && i < v.n_fifos; i++)
        z->most[i] = later(z->least[i], stream_words(&v.fifos[i], v.fifos[i].most));
    if (s == SS_OK) *endless = v.interval;
    z->limit = *endless / within;
    return s;
}

static ss_status find_depths(sizing *z, double within, double *endless, double *interval) {
    const int64_t all = z->x.images, few = smaller(all, FIRST_IMAGES);
    ss_status s = find_least(z);
    if (s == SS_OK) s = find_most(z, few, within, endless);
    if (s == SS_OK) s = choose(z, interval);
    if (s != SS_OK || few == all) return s;
    s = find_most(z, all, within, endless);
    if (s == SS_OK) s = good(z, interval);
    while (s == SS_NO) {
        for (int32_t i = 0; i < z->n; i++) z->depth[i].words += ss_ceil_div(later(0, z->most[i] - z->depth[i].words), 8);
        s = good(z, interval);
    }
    return s;
}

ss_status sim_size(const ss_rtl *r, int32_t part, const beats *b, double within, ss_sim_partition *p) {
    sizing z = { .x = { .r = r, .part = part, .b = b, .images = b->images, .filled = true }, .a = ss_arena_new(r->ctx) };
    ss_status s = z.a ? find_depths(&z, within, &p->endless_interval, &p->sized_interval) : SS_BAD;
    int32_t at = 0;
    for (int32_t i = 0; s == SS_OK && i < p->n_nodes; i++)
        for (int32_t k = 0; k < p->nodes[i].n_fifos; k++, at++) {
            ss_sim_node *n = &p->nodes[i];
            n->least[k] = z.least[at];
            n->sized[k] = z.depth[at].words;
            n->lanes[k] = ss_rtl_lanes(r, &r->parts[part], ss_rtl_source(r->g, r->g->nodes[n->node].in[k]));
        }
    ss_arena_free(z.a);
    return s;
}
