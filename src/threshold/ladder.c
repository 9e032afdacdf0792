/* See ladder.h. */
#include "threshold/ladder.h"
#include "threshold/levels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_COST 1e-5 /* nats: below it, differences are rounding */
#define FASTER 1e-4     /* of the throughput, at the least */
#define NEARLY 0.02     /* below it: what may turn out to be faster when it is priced */
#define APART 0.005     /* from one rung to the next: a trial may say so much less */
#define NEAREST 0.3     /* of the budget: what is priced */
#define FARTHEST 1.4
#define STAYS SS_LEVEL_STAYS
#define TOP (SS_LEVELS - 1)

/* Every threshold at some level. */
typedef struct state {
    int8_t *level; /* [n]: 0..SS_LEVELS-1 */
    double divergence, throughput; /* predicted */
} state;

typedef struct ladder {
    ss_walk *w;
    double step, budget;
    ss_arena *arena;
    int32_t n, nodes, layers;
    bool *feeds;                         /* [n][nodes] */
    int32_t *conv;                       /* [layers]: the node */
    double (*cost)[SS_LEVELS];           /* [n]: change of divergence; INFINITY: not looked at */
    ss_layer_profile *looks[SS_LEVELS];  /* [n][layers]: those that a ReLU feeds */
    float *try;                          /* [n] */
    ss_profile mixed;                    /* the present one with other layers */
    ss_profile all[SS_LEVELS];           /* mixed, every ReLU at that level */
    state *states;
    int32_t n_states;
} ladder;

/* ---- levels ---- */

static float moved(const ladder *l, int32_t i, int level) {
    if (level % 2 != STAYS % 2) return (moved(l, i, level - 1) + moved(l, i, level + 1)) / 2;
    const double t = (double)l->w->now[i] + (level - STAYS) * l->step;
    return fmaxf((float)t, l->w->r->own[i].threshold);
}

/* Is an even level a threshold that may be, and another than the next one towards the present? */
static bool exists(const ladder *l, int32_t i, int level) {
    if (level > STAYS) return ss_walk_free(l->w, i, (level - STAYS) * l->step);
    return moved(l, i, level) < moved(l, i, level + 2);
}

static void place(const ladder *l, const int8_t *level, float *thresholds) {
    for (int32_t i = 0; i < l->n; i++) thresholds[i] = level[i] == STAYS ? l->w->now[i] : moved(l, i, level[i]);
}

/* ---- looks ---- */

static ss_status find_feeds(ladder *l) {
    const ss_graph *g = l->w->r->task->g;
    bool *used = ss_arena_alloc(l->arena, (size_t)l->n, sizeof *used);
    if (!used) return SS_BAD;
    for (int32_t node = 0, layer = 0; node < g->n; node++) {
        if (g->nodes[node].op != SS_OP_CONV) continue;
        memset(used, 0, (size_t)l->n * sizeof *used);
        ss_feeding_relus(l->w->r, node, used);
        for (int32_t i = 0; i < l->n; i++) l->feeds[i * l->nodes + node] = used[i];
        l->conv[layer++] = node;
    }
    return SS_OK;
}

static bool feeds(const ladder *l, int32_t relu, int32_t layer) { return l->feeds[relu * l->nodes + l->conv[layer]]; }

static ss_status keep_layers(ladder *l, int32_t relu, int level, const ss_profile *p) {
    for (int32_t layer = 0; layer < l->layers; layer++) {
        if (!feeds(l, relu, layer)) continue;
        ss_layer_profile *to = &l->looks[level][relu * l->layers + layer];
        *to = l->w->probe.profile->layers[layer];
        if (ss_profile_copy_layer(&l->mixed, to, &p->layers[layer]) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

/* The last tensor that a convolution which ReLU i feeds reads; where there is none, its own. */
static int32_t last_read(const ladder *l, int32_t i) {
    int32_t last = l->w->r->nodes[i];
    for (int32_t layer = 0; layer < l->layers; layer++) {
        const int32_t in = l->w->r->task->g->nodes[l->conv[layer]].in[0];
        if (feeds(l, i, layer) && in > last) last = in;
    }
    return last;
}

/* One ReLU moved alone. */
static ss_status look(ladder *l, int32_t i, int level) {
    ss_profile *profile;
    double divergence;
    memcpy(l->try, l->w->now, (size_t)l->n * sizeof *l->try);
    l->try[i] = moved(l, i, level);
    if (ss_probe_look(&l->w->probe, l->try, last_read(l, i), &profile, &divergence) != SS_OK) return SS_BAD;
    l->cost[i][level] = divergence - l->w->probe.divergence;
    ss_status s = keep_layers(l, i, level, profile);
    ss_profile_free(profile);
    return s;
}

static ss_status look_all(ladder *l, int level) {
    for (int32_t i = 0; i < l->n; i++)
        if (exists(l, i, level) && look(l, i, level) != SS_OK) return SS_BAD;
    return SS_OK;
}

static const ss_layer_profile *seen(const ladder *l, int32_t i, int level, int32_t layer) {
    return level == STAYS ? &l->w->probe.profile->layers[layer] : &l->looks[level][i * l->layers + layer];
}

/* Levels between two that were looked at are their means. */
static ss_status fill_in(ladder *l) {
    for (int level = 1; level < SS_LEVELS; level += 2)
        for (int32_t i = 0; i < l->n; i++) {
            l->cost[i][level] = (l->cost[i][level - 1] + l->cost[i][level + 1]) / 2;
            for (int32_t layer = 0; l->cost[i][level] < INFINITY && layer < l->layers; layer++) {
                if (!feeds(l, i, layer)) continue;
                ss_layer_profile *to = &l->looks[level][i * l->layers + layer];
                *to = l->w->probe.profile->layers[layer];
                if (ss_profile_mean_layer(&l->mixed, to, seen(l, i, level - 1, layer), seen(l, i, level + 1, layer)) != SS_OK)
                    return SS_BAD;
            }
        }
    return SS_OK;
}

/* ---- prices ---- */

/* The profile of several moves, in l->mixed: of several ReLUs before one convolution the first that moved stands for all. */
static void mix(ladder *l, const int8_t *level) {
    memcpy(l->mixed.layers, l->w->probe.profile->layers, (size_t)l->layers * sizeof *l->mixed.layers);
    for (int32_t i = l->n - 1; i >= 0; i--)
        for (int32_t layer = 0; level[i] != STAYS && layer < l->layers; layer++)
            if (feeds(l, i, layer)) l->mixed.layers[layer] = *seen(l, i, level[i], layer);
}

static ss_status price(ladder *l, state *s) {
    mix(l, s->level);
    return ss_probe_throughput(&l->w->probe, &l->mixed, &s->throughput);
}

/* Everything at one level, as far as it was looked at. */
static void level_all(const ladder *l, int level, int8_t *out) {
    for (int32_t i = 0; i < l->n; i++) out[i] = (int8_t)(l->cost[i][level] < INFINITY ? level : STAYS);
}

/* Would the hardware be faster with every threshold at the top? */
static ss_status worthwhile(ladder *l, bool *yes) {
    state top = { .level = ss_arena_alloc(l->arena, (size_t)l->n, 1) };
    if (!top.level) return SS_BAD;
    level_all(l, TOP, top.level);
    ss_status s = price(l, &top);
    *yes = s == SS_OK && top.throughput > l->w->probe.design->throughput * (1 + FASTER);
    return s;
}

/* ---- rungs ---- */

/* Every ReLU at one level, and what convolutions count then. */
static ss_status profile_all(ladder *l, int level, int8_t *scratch, const ss_profile **out) {
    ss_profile *p = &l->all[level];
    level_all(l, level, scratch);
    mix(l, scratch);
    *p = l->mixed;
    p->layers = ss_arena_alloc(l->arena, (size_t)l->layers, sizeof *p->layers);
    if (!p->layers) return SS_BAD;
    memcpy(p->layers, l->mixed.layers, (size_t)l->layers * sizeof *p->layers);
    *out = p;
    return SS_OK;
}

/* The rungs of all intervals become states. */
static ss_status find_states(ladder *l) {
    ss_levels task = { .probe = &l->w->probe, .n = l->n, .feeds = l->feeds, .cost = l->cost };
    int8_t *scratch = ss_arena_alloc(l->arena, (size_t)l->n, 1);
    const ss_probe *now = &l->w->probe;
    ss_rung *rungs;
    if (!scratch) return SS_BAD;
    for (int k = 0; k < SS_LEVELS; k++)
        if (profile_all(l, k, scratch, &task.profiles[k]) != SS_OK) return SS_BAD;
    if (ss_levels_climb(&task, l->arena, &rungs, &l->n_states) != SS_OK) return SS_BAD;
    l->states = ss_arena_alloc(l->arena, (size_t)l->n_states, sizeof *l->states);
    if (!l->states) return SS_BAD;
    for (int32_t i = 0; i < l->n_states; i++)
        l->states[i] = (state){ .level = rungs[i].level, .divergence = now->divergence + rungs[i].cost,
                                .throughput = now->design->throughput * ss_design_interval(now->design) / rungs[i].cycles };
    return SS_OK;
}

static int by_divergence(const void *a, const void *b) {
    const state *p = a, *q = b;
    if (p->divergence != q->divergence) return p->divergence < q->divergence ? -1 : 1;
    return (p->throughput < q->throughput) - (p->throughput > q->throughput);
}

static bool stands(const ladder *l, int32_t n, const state *s) {
    for (int32_t i = 0; i < n; i++)
        if (memcmp(l->states[i].level, s->level, (size_t)l->n) == 0) return true;
    return false;
}

/* Of the first n states those that are faster than `least` and than all that diverge less. Returns how many. */
static int32_t rising(ladder *l, int32_t n, double least) {
    int32_t kept = 0;
    if (n > 0) qsort(l->states, (size_t)n, sizeof *l->states, by_divergence);
    for (int32_t i = 0; i < n; i++) {
        if (l->states[i].throughput <= least * (1 + APART)) continue;
        least = l->states[i].throughput;
        l->states[kept++] = l->states[i];
    }
    return kept;
}

/* About as far from the reference as the budget, and fast enough by its rung? */
static bool worth_pricing(const ladder *l, const state *s, double least) {
    if (s->throughput < least * (1 - NEARLY)) return false;
    return l->budget <= LEAST_COST || (s->divergence >= NEAREST * l->budget && s->divergence <= FARTHEST * l->budget);
}

/* States that are worth it are priced; those that promise to be faster become the ladder. */
static ss_status climb(ladder *l, double least, ss_path *p, int32_t *start) {
    int32_t near = 0;
    for (int32_t i = 0; i < l->n_states; i++) {
        state s = l->states[i];
        if (!worth_pricing(l, &s, least) || stands(l, near, &s)) continue;
        if (price(l, &s) != SS_OK) return SS_BAD;
        l->states[near++] = s;
    }
    near = rising(l, near, least);
    *start = 1;
    for (int32_t i = 0; i < near; i++) {
        place(l, l->states[i].level, l->try);
        if (ss_path_push(l->w, p, l->try) != SS_OK) return SS_BAD;
        if (l->states[i].divergence <= l->budget) *start = p->n - 1;
    }
    return SS_OK;
}

/* ---- the whole ---- */

static ss_status open_ladder(ladder *l) {
    const ss_profile *p = l->w->probe.profile;
    const size_t n = (size_t)l->n, layers = (size_t)l->layers;
    l->mixed = *p;
    l->mixed.arena = l->arena;
    l->mixed.layers = ss_arena_alloc(l->arena, layers, sizeof *l->mixed.layers);
    l->feeds = ss_arena_alloc(l->arena, n * (size_t)l->nodes, sizeof *l->feeds);
    l->conv = ss_arena_alloc(l->arena, layers, sizeof *l->conv);
    l->cost = ss_arena_alloc(l->arena, n, sizeof *l->cost);
    l->try = ss_arena_alloc(l->arena, n, sizeof *l->try);
    if (!l->mixed.layers || !l->feeds || !l->conv || !l->cost || !l->try) return SS_BAD;
    for (int k = 0; k < SS_LEVELS; k++) {
        l->looks[k] = ss_arena_alloc(l->arena, n * layers, sizeof *l->looks[k]);
        if (!l->looks[k]) return SS_BAD;
        for (size_t i = 0; i < n; i++) l->cost[i][k] = k == STAYS ? 0 : INFINITY;
    }
    return find_feeds(l);
}

/* Everything that is known before anything is tried: looks, and the states that follow from them. */
static ss_status survey(ladder *l) {
    bool yes;
    if (look_all(l, TOP) != SS_OK || worthwhile(l, &yes) != SS_OK) return SS_BAD;
    if (!yes) return SS_OK;
    for (int level = 0; level < TOP; level += 2)
        if (level != STAYS && look_all(l, level) != SS_OK) return SS_BAD;
    return fill_in(l) == SS_OK ? find_states(l) : SS_BAD;
}

ss_status ss_ladder_build(ss_walk *w, double step, double budget, double least, ss_path *p, int32_t *start) {
    ladder l = { .w = w, .step = step, .budget = budget, .arena = ss_arena_new(w->r->ctx), .n = w->r->study->n_relus,
                 .nodes = w->r->task->g->n, .layers = w->probe.profile->n_layers };
    int32_t changed;
    ss_status s = l.arena ? open_ladder(&l) : SS_BAD;
    if (s == SS_OK) s = ss_trial_put(w->r, w->probe.in_force, w->now, &changed); /* trials came between */
    if (s == SS_OK) s = ss_path_push(w, p, w->now);
    if (s == SS_OK) s = survey(&l);
    if (s == SS_OK) s = climb(&l, least, p, start);
    ss_arena_free(l.arena);
    return s;
}
