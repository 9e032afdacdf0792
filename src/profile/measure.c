/* Measured profiles: an observer on the integer engine.
 *
 * Method: for every tensor that a convolution reads or an activation writes, the observer makes a map of its
 * non-zeros and counts windows for each of its readers (count.c). Every thread has its own maps and counters;
 * at the end they are added up, which no order of images or number of threads can change: they are integers.
 */
#include "profile/build.h"
#include "profile/count.h"
#include "profile/lists.h"

#include <string.h>

/* What one thread owns. Entries of tensors that nobody counts have map.data == NULL. */
typedef struct tally {
    ss_map *maps;        /* [g->n], by the node that makes the tensor */
    ss_counter *zeros;   /* [g->n] */
    ss_windows *windows; /* [n_layers] */
    ss_lists *lists;     /* [n_layers] */
    ss_lists *own;       /* [n_layers]: of meter.folds, one each; sets NULL: none */
} tally;

typedef struct meter {
    ss_ctx *ctx;
    ss_arena *arena;
    const ss_graph *g;
    const ss_profile *p;
    int threads;
    tally *tallies;        /* [threads] */
    int32_t *first, *next; /* layers that read node i: first[i], then next[layer]; -1 ends */
    int32_t *conv;         /* [n_layers]: node of the layer */
    int32_t start;         /* tensors before it are not seen: their counts are those of `base` */
    const ss_profile *base;
    bool lists;
    const ss_profile_fold *folds; /* [g->n], or NULL */
} meter;

static void observe(void *user, int thread, int64_t image, int32_t node, ss_view v) {
    meter *m = user;
    tally *t = &m->tallies[thread];
    if (!t->maps[node].data) return;
    ss_count_map(&t->maps[node], v.data, v.stride, &t->zeros[node]);
    for (int32_t l = m->first[node]; l >= 0; l = m->next[l]) {
        ss_count_windows(&t->windows[l], &t->maps[node]);
        if (m->lists && image % SS_LISTS_EVERY == 0) ss_lists_count(&t->lists[l], &t->maps[node]);
        if (t->own[l].sets) ss_lists_count(&t->own[l], &t->maps[node]);
    }
}

/* ---- preparation ---- */

static ss_status list_readers(meter *m) {
    size_t n = (size_t)m->g->n;
    m->first = ss_arena_alloc(m->arena, n, sizeof *m->first);
    m->next = ss_arena_alloc(m->arena, n, sizeof *m->next);
    m->conv = ss_arena_alloc(m->arena, n, sizeof *m->conv);
    if (!m->first || !m->next || !m->conv) return SS_BAD;
    for (size_t i = 0; i < n; i++) m->first[i] = -1;
    for (int32_t i = 0, l = 0; i < m->g->n; i++) {
        if (m->g->nodes[i].op != SS_OP_CONV) continue;
        int32_t in = m->g->nodes[i].in[0];
        m->conv[l] = i;
        m->next[l] = m->first[in];
        m->first[in] = l++;
    }
    return SS_OK;
}

/* The map has room for the widest padding of all readers. */
static ss_status prepare_map(const meter *m, tally *t, int32_t node) {
    const ss_node *n = &m->g->nodes[node];
    ss_map *map = &t->maps[node];
    if (!n->act.on && m->first[node] < 0) return SS_OK;
    map->shape = n->shape;
    for (int32_t l = m->first[node]; l >= 0; l = m->next[l]) {
        const ss_node *reader = &m->g->nodes[m->conv[l]];
        const ss_window *w = &reader->win;
        int32_t right = (reader->shape.w - 1) * w->sw + w->kw - w->pl -
                        n->shape.w; /* floor division may leave pr unused */
        if (w->pl > map->left) map->left = w->pl;
        if (right > map->right) map->right = right;
    }
    size_t pitch = (size_t)(map->left + n->shape.w + map->right) * (size_t)n->shape.c;
    map->data = ss_arena_alloc(m->arena, (size_t)n->shape.h, pitch);
    if (!map->data || !ss_counter_init(&t->zeros[node], m->arena, 1, (size_t)n->shape.c)) return SS_BAD;
    return SS_OK;
}

static ss_status prepare_windows(const meter *m, tally *t, int32_t layer) {
    const ss_layer_profile *l = &m->p->layers[layer];
    const ss_node *n = &m->g->nodes[m->conv[layer]];
    const ss_map *map = &t->maps[n->in[0]];
    size_t n_ci = (size_t)l->n_ci, c = (size_t)l->channels;
    int32_t *parent = ss_arena_alloc(m->arena, n_ci, sizeof *parent);
    ss_windows *w = &t->windows[layer];
    *w = (ss_windows){
        .win = n->win, .oh = n->shape.h, .ow = n->shape.w, .n_ci = l->n_ci, .ci = l->ci, .parent = parent
    };
    w->hist = ss_arena_alloc(m->arena, 1, sizeof *w->hist);
    w->max_hist = ss_arena_alloc(m->arena, n_ci, sizeof *w->max_hist);
    w->column = ss_arena_alloc(m->arena, (size_t)(map->left + map->shape.w + map->right), c);
    w->steps = ss_arena_alloc(m->arena, n_ci, sizeof *w->steps);
    if (!parent || !w->hist || !w->max_hist || !w->column || !w->steps) return SS_BAD;
    if (!ss_counter_init(w->hist, m->arena, l->k, c)) return SS_BAD;
    for (int32_t i = 0; i < l->n_ci; i++) {
        for (int32_t j = 0; j < i; j++)
            if (l->ci[i] % l->ci[j] == 0) parent[i] = j;
        w->steps[i] = ss_arena_alloc(m->arena, (size_t)n->shape.w, c / (size_t)l->ci[i]);
        if (!w->steps[i] || !ss_counter_init(&w->max_hist[i], m->arena, l->k, 1)) return SS_BAD;
    }
    return ss_lists_init(&t->lists[layer], m->arena, l, n->win, n->shape.h, n->shape.w) ? SS_OK : SS_BAD;
}

/* Where the lists of a layer's folding stand among all; -1: it has none, or none that is counted. */
static int32_t place_of(const meter *m, int32_t layer) {
    const ss_layer_profile *l = &m->p->layers[layer];
    const ss_profile_fold *f = m->folds ? &m->folds[m->conv[layer]] : NULL;
    if (!f || f->parts == 0 || f->ci * f->parts > SS_PROFILE_MOST_STREAMS) return -1;
    for (int32_t i = 0; i < l->n_parts * l->n_ci; i++)
        if (l->parts[i / l->n_ci] == f->parts && l->ci[i % l->n_ci] == f->ci) return i;
    return -1;
}

static ss_status prepare_own(const meter *m, tally *t, int32_t layer) {
    const ss_node *n = &m->g->nodes[m->conv[layer]];
    ss_layer_profile one = m->p->layers[layer];
    if (place_of(m, layer) < 0) return SS_OK;
    one.n_ci = one.n_parts = 1;
    one.ci = &m->folds[m->conv[layer]].ci;
    one.parts = &m->folds[m->conv[layer]].parts;
    return ss_lists_init(&t->own[layer], m->arena, &one, n->win, n->shape.h, n->shape.w) ? SS_OK : SS_BAD;
}

static ss_status prepare(meter *m) {
    size_t n = (size_t)m->g->n;
    m->tallies = ss_arena_alloc(m->arena, (size_t)m->threads, sizeof *m->tallies);
    if (!m->tallies || list_readers(m) != SS_OK) return SS_BAD;
    for (int i = 0; i < m->threads; i++) {
        tally *t = &m->tallies[i];
        t->maps = ss_arena_alloc(m->arena, n, sizeof *t->maps);
        t->zeros = ss_arena_alloc(m->arena, n, sizeof *t->zeros);
        t->windows = ss_arena_alloc(m->arena, n, sizeof *t->windows);
        t->lists = ss_arena_alloc(m->arena, n, sizeof *t->lists);
        t->own = ss_arena_alloc(m->arena, n, sizeof *t->own);
        if (!t->maps || !t->zeros || !t->windows || !t->lists || !t->own) return SS_BAD;
        for (int32_t node = 0; node < m->g->n; node++)
            if (prepare_map(m, t, node) != SS_OK) return SS_BAD;
        for (int32_t l = 0; l < m->p->n_layers; l++)
            if (prepare_windows(m, t, l) != SS_OK || prepare_own(m, t, l) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

/* ---- the sum of all threads ---- */

static void add_counter(double *out, ss_counter *c) {
    ss_counter_flush(c);
    size_t n = c->period * ((size_t)c->k + 1);
    for (size_t i = 0; i < n; i++) out[i] += (double)c->total[i];
}

/* [channels][2]: how many elements of a tensor are zero, and how many are not; NULL: out of memory. */
static double *zero_counts(const meter *m, int32_t node) {
    double *counts = ss_arena_alloc(m->arena, (size_t)m->g->nodes[node].shape.c, 2 * sizeof *counts);
    for (int i = 0; counts && i < m->threads; i++) add_counter(counts, &m->tallies[i].zeros[node]);
    return counts;
}

static void collect_own(const meter *m, const ss_layer_profile *l, int32_t layer, ss_list_stats *lists) {
    const int32_t at = place_of(m, layer);
    double seen = 0;
    if (at < 0) return;
    lists[at] = (ss_list_stats){ .word = 0 };
    for (int i = 0; i < m->threads; i++) ss_lists_add(&m->tallies[i].own[layer], &lists[at], &seen);
    ss_lists_settle(l, l->ci[at % l->n_ci], l->parts[at / l->n_ci], &lists[at]);
}

static ss_status collect_layer(const meter *m, ss_profile *p, int32_t layer) {
    ss_layer_profile *l = &p->layers[layer];
    const ss_node *n = &m->g->nodes[m->conv[layer]];
    if (n->in[0] < m->start) return ss_profile_copy_layer(p, l, &m->base->layers[layer]);
    double *hist, *max_hist, seen = 0, zero = 0, *counts = zero_counts(m, n->in[0]);
    size_t bins = (size_t)l->k + 1, channels = (size_t)l->channels;
    ss_list_stats *lists = ss_profile_alloc_lists(p, l);
    ss_list_stats *full = ss_arena_alloc(m->arena, (size_t)(l->n_parts * l->n_ci), sizeof *full);
    if (!counts || !lists || !full || !ss_profile_alloc_hist(p, l, &hist, &max_hist)) return SS_BAD;
    if (m->lists && !ss_lists_full(m->ctx, l, n, ss_graph_in_shape(m->g, n), full)) return SS_BAD;
    for (int i = 0; i < m->threads; i++) {
        ss_windows *w = &m->tallies[i].windows[layer];
        add_counter(hist, w->hist);
        for (int32_t j = 1; j < l->n_ci; j++) add_counter(max_hist + (size_t)j * bins, &w->max_hist[j]);
        ss_lists_add(&m->tallies[i].lists[layer], lists, &seen);
    }
    for (size_t i = 0; i < channels * bins; i++)
        max_hist[i % bins] += hist[i]; /* one stream: every window is a step */
    for (size_t c = 0; c < channels; c++) zero += counts[2 * c];
    l->windows = (double)p->images * n->shape.h * n->shape.w;
    ss_lists_finish(l, p->images, seen, full, lists);
    collect_own(m, l, layer, lists);
    l->zero_ratio = zero / ((double)p->images * (double)ss_shape_size(ss_graph_in_shape(m->g, n)));
    return SS_OK;
}

static ss_status collect_relu(const meter *m, ss_profile *p, int32_t relu, int32_t node) {
    ss_relu_profile *r = &p->relus[relu];
    ss_shape s = m->g->nodes[node].shape;
    double *counts = zero_counts(m, node), *ratios = ss_profile_alloc_ratios(p, r);
    if (!counts || !ratios) return SS_BAD;
    if (node < m->start) {
        memcpy(ratios, m->base->relus[relu].channel_zero_ratio, (size_t)s.c * sizeof *ratios);
        r->zero_ratio = m->base->relus[relu].zero_ratio;
        return SS_OK;
    }
    for (int32_t c = 0; c < s.c; c++) {
        ratios[c] = counts[2 * c] / ((double)p->images * s.h * s.w);
        r->zero_ratio += counts[2 * c] / ((double)p->images * (double)ss_shape_size(s));
    }
    return SS_OK;
}

static ss_status collect(const meter *m, ss_profile *p) {
    ss_status s = SS_OK;
    for (int32_t l = 0; s == SS_OK && l < p->n_layers; l++) s = collect_layer(m, p, l);
    for (int32_t i = 0, r = 0; s == SS_OK && i < m->g->n; i++)
        if (m->g->nodes[i].act.on) s = collect_relu(m, p, r++, i);
    return s;
}

/* What is run, and how, for one profile. */
typedef struct source {
    const ss_dataset *d;
    ss_engine *e; /* the whole network */
    const ss_norm *norm;
    ss_replay *replay; /* or NULL */
    int32_t changed;
    bool keep, lists;
    const ss_profile_fold *folds; /* or NULL */
} source;

static ss_status run(ss_ctx *ctx, const source *from, meter *m, float *scores) {
    ss_run_opts opts = { .observer = observe, .observer_user = m };
    if (from->replay) return ss_replay_run(from->replay, from->changed, 0, from->d->n, from->keep, &opts, scores);
    return ss_engine_run(ctx, from->e, from->d, from->norm, &opts, scores);
}

static ss_status measure(ss_ctx *ctx, const ss_graph *g, const ss_quant *q, const source *from,
                         const ss_profile *base, float *scores, ss_profile **out) {
    meter m = { .ctx = ctx, .arena = ss_arena_new(ctx), .g = g, .threads = ss_ctx_threads(ctx), .base = base,
                .lists = from->lists, .folds = from->folds };
    ss_profile *p = m.arena ? ss_profile_new(ctx, g, q->bits) : NULL;
    m.p = p;
    if (base) m.start = ss_replay_start(from->replay, from->changed);
    ss_status s = p ? prepare(&m) : SS_BAD;
    if (s == SS_OK) s = run(ctx, from, &m, scores);
    if (s == SS_OK) {
        p->images = from->d->n;
        p->data = ss_dataset_hash(from->d);
        s = collect(&m, p);
    }
    ss_arena_free(m.arena);
    if (s == SS_OK) *out = p;
    else ss_profile_free(p);
    return s;
}

ss_status ss_profile_measure(ss_ctx *ctx, const ss_graph *g, ss_engine *e, const ss_quant *q,
                             const ss_dataset *d, const ss_norm *norm, float *scores, ss_profile **out) {
    *out = NULL;
    if (!q)
        return ss_error(ctx, SS_AT("profile"), "choose 16 or 8 bits",
                        "profiles are measured on the integer network");
    return measure(ctx, g, q, &(source){ .d = d, .e = e, .norm = norm, .lists = true }, NULL, scores, out);
}

ss_status ss_profile_measure_folds(ss_ctx *ctx, const ss_graph *g, ss_engine *e, const ss_quant *q, const ss_dataset *d,
                                   const ss_norm *norm, const ss_profile_fold *folds, ss_profile **out) {
    *out = NULL;
    return measure(ctx, g, q, &(source){ .d = d, .e = e, .norm = norm, .lists = true, .folds = folds }, NULL, NULL, out);
}

ss_status ss_profile_remeasure(ss_ctx *ctx, const ss_graph *g, const ss_quant *q, ss_replay *r, int32_t changed,
                               int64_t images, bool keep, bool lists, const ss_profile *base, float *scores,
                               ss_profile **out) {
    ss_dataset part = *ss_replay_data(r);
    part.n = images;
    *out = NULL;
    source from = { .d = &part, .replay = r, .changed = base ? changed : 0, .keep = keep, .lists = lists };
    return measure(ctx, g, q, &from, base, scores, out);
}
