/* Tables of what every node offers, by bands of the interval. See space.h. */
#include "explore/space.h"

#include <math.h>
#include <stdlib.h>

typedef struct entry {
    double cycles;
    ss_option o;
} entry;

static int by_resources(const void *pa, const void *pb) {
    const entry *a = pa, *b = pb;
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (a->o.r[k] != b->o.r[k]) return a->o.r[k] < b->o.r[k] ? -1 : 1;
    return (a->o.id > b->o.id) - (a->o.id < b->o.id);
}

static bool covers(const ss_option *a, const double *limit) {
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (a->r[k] > limit[k]) return false;
    return true;
}

/* Of entries by ascending cycles, keep those that nothing at least as fast undercuts. */
static int32_t prune(entry *e, int32_t n) {
    int32_t kept = 0;
    for (int32_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && e[to].cycles == e[from].cycles; to++) {}
        qsort(&e[from], (size_t)(to - from), sizeof *e, by_resources);
        for (int32_t i = from; i < to; i++) {
            bool useful = true;
            for (int32_t j = kept - 1; useful && j >= 0; j--) useful = !covers(&e[j].o, e[i].o.r);
            if (useful) e[kept++] = e[i];
        }
    }
    return kept;
}

/* ---- bands ---- */

static int by_value(const void *pa, const void *pb) {
    double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

/* The intervals at which a tensor can do with fewer lanes. */
static int32_t add_points(ss_shape shape, double *out, int32_t n) {
    for (int32_t d = 1; d <= shape.c; d++)
        if (shape.c % d == 0) out[n++] = (double)(ss_shape_size(shape) / d);
    return n;
}

static int64_t count_points(int32_t channels) {
    int64_t n = 0;
    for (int32_t d = 1; d <= channels; d++) n += channels % d == 0;
    return n;
}

static ss_status load_bands(ss_space *s, int32_t node) {
    const ss_node *v = &s->graph->nodes[node];
    ss_node_space *t = &s->nodes[node];
    int64_t room = count_points(v->shape.c);
    for (int32_t k = 0; k < v->n_in; k++) room += count_points(s->graph->nodes[v->in[k]].shape.c);
    double *points = ss_alloc(s->ctx, (size_t)room, sizeof *points);
    t->bands = ss_arena_alloc(s->arena, (size_t)room, sizeof *t->bands);
    if (!points || !t->bands) {
        ss_free(s->ctx, points);
        return SS_BAD;
    }
    int32_t n = add_points(v->shape, points, 0);
    for (int32_t k = 0; k < v->n_in; k++) n = add_points(s->graph->nodes[v->in[k]].shape, points, n);
    qsort(points, (size_t)n, sizeof *points, by_value);
    for (int32_t i = 0; i < n; i++) {
        if (i > 0 && points[i] == points[i - 1]) continue;
        if (t->n_bands > 0) t->bands[t->n_bands - 1].top = nextafter(points[i], 0);
        t->bands[t->n_bands++] = (ss_band){ .from = points[i], .top = fmax(s->slowest, points[i]) };
    }
    ss_free(s->ctx, points);
    return SS_OK;
}

static ss_status keep_table(ss_space *s, entry *e, int32_t n, ss_table *t) {
    t->n = n = prune(e, n);
    t->cycles = ss_arena_alloc(s->arena, (size_t)n + 1, sizeof *t->cycles);
    t->options = ss_arena_alloc(s->arena, (size_t)n + 1, sizeof *t->options);
    if (!t->cycles || !t->options) return SS_BAD;
    for (int32_t i = 0; i < n; i++) {
        t->cycles[i] = e[i].cycles;
        t->options[i] = e[i].o;
    }
    return SS_OK;
}

/* The table of a node's configurations, which stay in s->configs, at the least of the intervals; those above a budget alone
 * are left out. */
static ss_status build_table(ss_space *s, int32_t node, const double *intervals, int32_t count, ss_table *t) {
    int32_t n = ss_cost_useful(s->cost, node, s->dense, intervals, count, s->configs, s->configs_cap), within = 0;
    entry *e = n >= 0 ? ss_alloc(s->ctx, (size_t)n + 1, sizeof *e) : NULL;
    if (!e) return SS_BAD;
    for (int32_t i = 0; i < n; i++) {
        entry *to = &e[within];
        *to = (entry){ .cycles = s->configs[i].cycles, .o.id = i };
        for (int k = 0; k < SS_RES_COUNT; k++) to->o.r[k] = (double)s->configs[i].res.r[k];
        within += covers(&to->o, s->budget);
    }
    ss_status status = keep_table(s, e, within, t);
    ss_free(s->ctx, e);
    return status;
}

static ss_status build_band(ss_space *s, int32_t node, int32_t band) {
    ss_node_space *t = &s->nodes[node];
    ss_band *b = &t->bands[band];
    double *tops = ss_alloc(s->ctx, (size_t)band + 1, sizeof *tops);
    if (!tops) return SS_BAD;
    for (int32_t j = 0; j <= band; j++) tops[j] = t->bands[j].top;
    ss_status status = build_table(s, node, tops, band + 1, &b->least);
    if (status == SS_OK) status = build_table(s, node, &tops[band], 1, &b->exact);
    if (status == SS_OK) b->configs = ss_arena_alloc(s->arena, (size_t)b->exact.n + 1, sizeof *b->configs);
    if (!b->configs) status = SS_BAD;
    for (int32_t i = 0; status == SS_OK && i < b->exact.n; i++) {
        b->configs[i] = s->configs[b->exact.options[i].id];
        b->exact.options[i].id = i;
    }
    ss_free(s->ctx, tops);
    b->built = status == SS_OK;
    return status;
}

const ss_band *ss_space_band(ss_space *s, int32_t node, double interval) {
    ss_node_space *t = &s->nodes[node];
    int32_t lo = 0, hi = t->n_bands;
    while (lo < hi) {
        int32_t mid = lo + (hi - lo) / 2;
        if (t->bands[mid].from <= interval) lo = mid + 1;
        else hi = mid;
    }
    if (lo == 0) return NULL;
    if (!t->bands[lo - 1].built && build_band(s, node, lo - 1) != SS_OK) {
        s->failed = true;
        return NULL;
    }
    return &t->bands[lo - 1];
}

int32_t ss_table_within(const ss_table *t, double interval) {
    int32_t lo = 0, hi = t->n;
    while (lo < hi) {
        int32_t mid = lo + (hi - lo) / 2;
        if (t->cycles[mid] <= interval) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

ss_group ss_table_group(const ss_table *t, double interval) {
    return t ? (ss_group){ t->options, ss_table_within(t, interval) } : (ss_group){ NULL, 0 };
}

/* ---- the whole ---- */

static ss_status load_steps(ss_space *s, int32_t node) {
    ss_node_space *t = &s->nodes[node];
    int n = ss_cost_cycle_steps(s->cost, node, NULL, 0);
    t->steps = ss_arena_alloc(s->arena, (size_t)n + 1, sizeof *t->steps);
    if (!t->steps) return SS_BAD;
    t->n_steps = ss_cost_cycle_steps(s->cost, node, t->steps, n);
    if (t->n_steps) s->slowest = fmax(s->slowest, t->steps[t->n_steps - 1]);
    return SS_OK;
}

static ss_status load_nodes(ss_space *s) {
    ss_resources shell = ss_cost_partition_overhead(s->cost);
    for (int k = 0; k < SS_RES_COUNT; k++)
        s->budget[k] = fmax(0, (double)(ss_device_budget(s->device, (ss_res)k) - shell.r[k]));
    for (int32_t i = 0; i < s->graph->n; i++)
        if (load_steps(s, i) != SS_OK) return SS_BAD;
    for (int32_t i = 0; i < s->graph->n; i++) {
        if (load_bands(s, i) != SS_OK) return SS_BAD;
        int32_t n = ss_cost_useful(s->cost, i, s->dense, &s->slowest, 1, NULL, 0);
        s->configs_cap = n > s->configs_cap ? n : s->configs_cap;
    }
    s->configs = ss_alloc(s->ctx, (size_t)s->configs_cap, sizeof *s->configs);
    return s->configs ? SS_OK : SS_BAD;
}

ss_status ss_space_new(ss_ctx *ctx, const ss_cost *cost, const ss_graph *g, const ss_device *dev,
                       ss_explore_opts opts, bool dense, ss_space **out) {
    ss_space *s = *out = ss_alloc(ctx, 1, sizeof *s);
    if (!s) return SS_BAD;
    *s = (ss_space){ ctx, cost, g, dev, .target_gap = opts.target_gap, .bits = opts.bits, .dense = dense };
    size_t n = (size_t)g->n;
    bool ok = (s->arena = ss_arena_new(ctx)) && (s->nodes = ss_arena_alloc(s->arena, n, sizeof *s->nodes)) &&
              (s->groups = ss_arena_alloc(s->arena, n, sizeof *s->groups)) &&
              (s->pick = ss_arena_alloc(s->arena, n, sizeof *s->pick)) &&
              ss_chooser_new(ctx, g->n, &s->chooser) == SS_OK && load_nodes(s) == SS_OK;
    if (ok) return SS_OK;
    ss_space_free(s);
    *out = NULL;
    return SS_BAD;
}

void ss_space_free(ss_space *s) {
    if (!s) return;
    ss_chooser_free(s->chooser);
    ss_free(s->ctx, s->configs);
    ss_free(s->ctx, s->options);
    if (s->arena) ss_arena_free(s->arena);
    ss_free(s->ctx, s);
}
