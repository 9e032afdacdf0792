/* See ladder.h. */
#include "threshold/ladder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_COST 1e-5 /* nats: below it, differences are rounding */
#define LEAST_GAIN 1e-6
#define FASTER 1e-4     /* of the throughput, at the least */
#define NEARLY 0.02     /* below it: what may turn out to be faster when it is measured */
#define NEAREST 0.7     /* of the budget: what is priced */
#define FARTHEST 1.4

enum { DOWN, UP, WAYS };

/* One ReLU moved alone. */
typedef struct look {
    bool seen;
    double cost;              /* change of divergence */
    float *cycles;            /* [g->n]: of every node, as a ratio to those before */
    ss_layer_profile *layers; /* [n_layers]: of those that it feeds */
} look;

/* Thresholds at most one step off. */
typedef struct state {
    int8_t *level; /* [n_relus]: -1, 0, 1 */
    double divergence, throughput; /* predicted */
} state;

typedef struct ladder {
    ss_walk *w;
    double step, budget;
    ss_arena *arena;
    int32_t n, nodes, layers;
    bool *feeds;       /* [n][layers] */
    look *looks[WAYS]; /* [n] */
    float *try;        /* [n] */
    double *cycles;    /* [nodes] */
    ss_profile mixed;  /* the present one with other layers */
    state *states;
    int32_t n_states;
    int8_t *leading; /* [n]: levels of the last state within the budget on the way that was ordered last */
} ladder;

/* ---- looks ---- */

static ss_status find_feeds(ladder *l) {
    const ss_graph *g = l->w->r->task->g;
    bool *used = ss_arena_alloc(l->arena, (size_t)l->n, sizeof *used);
    if (!used) return SS_BAD;
    for (int32_t node = 0, layer = 0; node < g->n; node++) {
        if (g->nodes[node].op != SS_OP_CONV) continue;
        memset(used, 0, (size_t)l->n * sizeof *used);
        ss_feeding_relus(l->w->r, node, used);
        for (int32_t i = 0; i < l->n; i++) l->feeds[i * l->layers + layer] = used[i];
        layer++;
    }
    return SS_OK;
}

static ss_status keep_layers(ladder *l, int32_t relu, const ss_profile *p, look *k) {
    for (int32_t i = 0; i < l->layers; i++) {
        if (!l->feeds[relu * l->layers + i]) continue;
        k->layers[i] = l->w->probe.profile->layers[i];
        if (ss_profile_copy_layer(&l->mixed, &k->layers[i], &p->layers[i]) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

static float moved(const ladder *l, int32_t i, int level) {
    const double t = (double)l->w->now[i] + level * l->step;
    return fmaxf((float)t, l->w->r->own[i].threshold);
}

static void place(const ladder *l, const int8_t *level, float *thresholds) {
    for (int32_t i = 0; i < l->n; i++) thresholds[i] = level[i] == 0 ? l->w->now[i] : moved(l, i, level[i]);
}

static ss_status see(ladder *l, int32_t i, int way) {
    const ss_probe *p = &l->w->probe;
    look *k = &l->looks[way][i];
    ss_profile *profile;
    double divergence;
    memcpy(l->try, l->w->now, (size_t)l->n * sizeof *l->try);
    l->try[i] = moved(l, i, way == UP ? 1 : -1);
    if (ss_probe_try(&l->w->probe, l->try, true, &profile, &divergence) != SS_OK) return SS_BAD;
    ss_status s = ss_probe_cycles(p, profile, l->cycles);
    for (int32_t n = 0; n < l->nodes; n++)
        k->cycles[n] = p->cycles[n] > 0 ? (float)(l->cycles[n] / p->cycles[n]) : 1;
    k->cost = divergence - p->divergence;
    k->seen = way == UP || k->cost < -LEAST_COST; /* what gives back no accuracy need not go down */
    if (s == SS_OK) s = keep_layers(l, i, profile, k);
    ss_profile_free(profile);
    return s;
}

static ss_status see_all(ladder *l, int way) {
    for (int32_t i = 0; i < l->n; i++) {
        const bool can = way == UP ? ss_walk_free(l->w, i, l->step) : l->w->now[i] > l->w->r->own[i].threshold;
        if (can && see(l, i, way) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

/* ---- states ---- */

/* The look of ReLU i that a level stands for; NULL: as it is. */
static const look *look_of(const ladder *l, const state *s, int32_t i) {
    return s->level[i] == 0 ? NULL : &l->looks[s->level[i] > 0 ? UP : DOWN][i];
}

/* Of several ReLUs before one convolution the first that moved stands for all. */
static ss_status price(ladder *l, state *s) {
    memcpy(l->mixed.layers, l->w->probe.profile->layers, (size_t)l->layers * sizeof *l->mixed.layers);
    for (int32_t i = l->n - 1; i >= 0; i--) {
        const look *k = look_of(l, s, i);
        for (int32_t layer = 0; k && layer < l->layers; layer++)
            if (l->feeds[i * l->layers + layer]) l->mixed.layers[layer] = k->layers[layer];
    }
    return ss_probe_throughput(&l->w->probe, &l->mixed, &s->throughput);
}

static bool add_state(ladder *l, const state *s) {
    state *to = &l->states[l->n_states++];
    *to = *s;
    to->level = ss_arena_alloc(l->arena, (size_t)l->n, sizeof *to->level);
    if (to->level) memcpy(to->level, s->level, (size_t)l->n * sizeof *to->level);
    return to->level != NULL;
}

/* One level up of ReLU i: what becomes of the cycles, and of the divergence. */
static double rise(const ladder *l, const state *s, int32_t i, const double *cycles, double *out) {
    const look *k = &l->looks[s->level[i] < 0 ? DOWN : UP][i];
    for (int32_t n = 0; n < l->nodes; n++) {
        const double ratio = fmax((double)k->cycles[n], LEAST_GAIN);
        out[n] = s->level[i] < 0 ? cycles[n] / ratio : cycles[n] * ratio;
    }
    return s->level[i] < 0 ? -k->cost : k->cost;
}

static bool can_rise(const ladder *l, const state *s, int32_t i) {
    return s->level[i] < 0 || (s->level[i] == 0 && l->looks[UP][i].seen);
}

/* The ReLU to rise next; -1: none gains. */
static int32_t next(const ladder *l, ss_measure m, const state *s, const double *cycles, double *scratch) {
    const double time = ss_probe_time(&l->w->probe, m, cycles);
    double most = 0;
    int32_t best = -1;
    for (int32_t i = 0; i < l->n; i++) {
        if (!can_rise(l, s, i)) continue;
        const double cost = rise(l, s, i, cycles, scratch);
        const double gain = 1 - ss_probe_time(&l->w->probe, m, scratch) / time, rate = gain / fmax(cost, LEAST_COST);
        if (gain <= LEAST_GAIN || rate <= most) continue;
        most = rate;
        best = i;
    }
    return best;
}

/* From all down to all up; every state on the way is kept. */
static ss_status order_by(ladder *l, ss_measure m) {
    const ss_probe *p = &l->w->probe;
    const size_t nodes = (size_t)l->nodes;
    state s = { .level = ss_arena_alloc(l->arena, (size_t)l->n, sizeof *s.level), .divergence = p->divergence };
    double *cycles = ss_arena_alloc(l->arena, nodes, sizeof *cycles), *scratch = ss_arena_alloc(l->arena, nodes, sizeof *scratch);
    if (!s.level || !cycles || !scratch) return SS_BAD;
    memcpy(cycles, p->cycles, nodes * sizeof *cycles);
    for (int32_t i = 0; i < l->n; i++) {
        const look *k = &l->looks[DOWN][i];
        s.level[i] = k->seen ? -1 : 0;
        if (k->seen) s.divergence += k->cost;
        for (size_t n = 0; k->seen && n < nodes; n++) cycles[n] *= (double)k->cycles[n];
    }
    memset(l->leading, 0, (size_t)l->n * sizeof *l->leading);
    for (int32_t i; (i = next(l, m, &s, cycles, scratch)) >= 0;) {
        s.divergence += rise(l, &s, i, cycles, scratch);
        memcpy(cycles, scratch, nodes * sizeof *cycles);
        s.level[i]++;
        if (s.divergence <= l->budget) memcpy(l->leading, s.level, (size_t)l->n * sizeof *s.level);
        if (!add_state(l, &s)) return SS_BAD;
    }
    return SS_OK;
}

/* ---- the ladder ---- */

static int by_divergence(const void *a, const void *b) {
    const state *p = a, *q = b;
    if (p->divergence != q->divergence) return p->divergence < q->divergence ? -1 : 1;
    return (p->throughput < q->throughput) - (p->throughput > q->throughput);
}

/* What was predicted of a state, measured: composed profiles leave out what thresholds do further behind, and designs that get faster in
 * leaps depend on the images: these are a trial's. */
static ss_status measure(ladder *l, state *s) {
    ss_walk *w = l->w;
    ss_profile *profile;
    place(l, s->level, l->try);
    if (ss_probe_try(&w->probe, l->try, false, &profile, &s->divergence) != SS_OK) return SS_BAD;
    ss_profile_free(profile);
    return ss_trial_price(w->r, l->try, w->probe.kind, &s->throughput);
}

static bool stands(const ladder *l, int32_t n, const state *s) {
    for (int32_t i = 0; i < n; i++)
        if (memcmp(l->states[i].level, s->level, (size_t)l->n * sizeof *s->level) == 0) return true;
    return false;
}

/* Of the first n states those that are faster than `least` and than all that diverge less. Returns how many. */
static int32_t rising(ladder *l, int32_t n, double least) {
    int32_t kept = 0;
    if (n > 0) qsort(l->states, (size_t)n, sizeof *l->states, by_divergence);
    for (int32_t i = 0; i < n; i++) {
        if (l->states[i].throughput <= least * (1 + FASTER)) continue;
        least = l->states[i].throughput;
        l->states[kept++] = l->states[i];
    }
    return kept;
}

/* States about as far from the reference as the budget are priced; of those that promise to be faster it is measured whether they are. */
static ss_status climb(ladder *l, double least, ss_path *p, int32_t *start) {
    int32_t near = 0;
    for (int32_t i = 0; i < l->n_states; i++) {
        state s = l->states[i];
        if (l->budget > LEAST_COST && (s.divergence < NEAREST * l->budget || s.divergence > FARTHEST * l->budget)) continue;
        if (stands(l, near, &s)) continue;
        if (price(l, &s) != SS_OK) return SS_BAD;
        l->states[near++] = s;
    }
    near = rising(l, near, least * (1 - NEARLY));
    for (int32_t i = 0; i < near; i++)
        if (measure(l, &l->states[i]) != SS_OK) return SS_BAD;
    near = rising(l, near, least);
    *start = 1;
    for (int32_t i = 0; i < near; i++) {
        place(l, l->states[i].level, l->try);
        if (ss_path_push(l->w, p, l->try) != SS_OK) return SS_BAD;
        if (l->states[i].divergence <= l->budget) *start = p->n - 1;
    }
    return SS_OK;
}

/* Would the hardware be faster with every threshold one step up? */
static ss_status worthwhile(ladder *l, bool *yes) {
    state all = { .level = ss_arena_alloc(l->arena, (size_t)l->n, sizeof *all.level) };
    if (!all.level) return SS_BAD;
    for (int32_t i = 0; i < l->n; i++) all.level[i] = l->looks[UP][i].seen;
    ss_status s = price(l, &all);
    *yes = s == SS_OK && all.throughput > l->w->probe.design->throughput * (1 + FASTER);
    return s;
}

static ss_status open_ladder(ladder *l) {
    const ss_profile *p = l->w->probe.profile;
    const size_t n = (size_t)l->n, layers = (size_t)l->layers, nodes = (size_t)l->nodes;
    l->mixed = *p;
    l->mixed.arena = l->arena;
    l->mixed.layers = ss_arena_alloc(l->arena, layers, sizeof *l->mixed.layers);
    l->feeds = ss_arena_alloc(l->arena, n * layers, sizeof *l->feeds);
    l->try = ss_arena_alloc(l->arena, n, sizeof *l->try);
    l->cycles = ss_arena_alloc(l->arena, nodes, sizeof *l->cycles);
    l->states = ss_arena_alloc(l->arena, 2 * n * SS_MEASURES, sizeof *l->states);
    l->leading = ss_arena_alloc(l->arena, n, sizeof *l->leading);
    if (!l->mixed.layers || !l->feeds || !l->try || !l->cycles || !l->states || !l->leading) return SS_BAD;
    for (int way = 0; way < WAYS; way++) {
        look *k = l->looks[way] = ss_arena_alloc(l->arena, n, sizeof *k);
        for (size_t i = 0; k && i < n; i++) {
            k[i].cycles = ss_arena_alloc(l->arena, nodes, sizeof *k[i].cycles);
            k[i].layers = ss_arena_alloc(l->arena, layers, sizeof *k[i].layers);
            if (!k[i].cycles || !k[i].layers) return SS_BAD;
        }
        if (!k) return SS_BAD;
    }
    return find_feeds(l);
}

ss_status ss_ladder_build(ss_walk *w, double step, double budget, double least, ss_path *p, int32_t *start) {
    ladder l = { .w = w, .step = step, .budget = budget, .arena = ss_arena_new(w->r->ctx), .n = w->r->study->n_relus,
                 .nodes = w->r->task->g->n, .layers = w->probe.profile->n_layers };
    const int measures = w->probe.kind == SS_HW_OPTIMISED ? SS_MEASURES : SS_MEASURE_SLOWEST + 1;
    bool yes = false;
    int32_t changed;
    ss_status s = l.arena ? open_ladder(&l) : SS_BAD;
    if (s == SS_OK) s = ss_trial_put(w->r, w->probe.in_force, w->now, &changed); /* trials came between */
    if (s == SS_OK) s = ss_path_push(w, p, w->now);
    if (s == SS_OK) s = see_all(&l, UP);
    if (s == SS_OK) s = worthwhile(&l, &yes);
    if (s == SS_OK && yes) s = see_all(&l, DOWN);
    for (int m = 0; s == SS_OK && yes && m < measures; m++) s = order_by(&l, (ss_measure)m);
    if (s == SS_OK) s = climb(&l, least, p, start);
    if (s == SS_OK) {
        place(&l, l.leading, l.try);
        memcpy(w->now, l.try, (size_t)l.n * sizeof *l.try);
    }
    ss_arena_free(l.arena);
    return s;
}
