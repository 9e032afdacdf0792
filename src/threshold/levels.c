/* See levels.h. */
#include "threshold/levels.h"

#include "explore/needs.h"
#include "threshold/knapsack.h"

#include <math.h>
#include <string.h>

#define SLOWEST 1.03 /* times the present interval: where rungs begin, */
#define SHRINK 0.995 /* from one to the next, */
#define RUNGS 80     /* at the most */
#define WEIGHINGS 6
#define LOOSE 1e-3 /* exploration has the last word */

/* What one kind of hardware makes of levels, and the partition under way. */
typedef struct climber {
    const ss_levels *l;
    ss_arena *arena;
    ss_needs *needs;           /* optimised hardware; NULL: baseline, */
    double *cycles[SS_LEVELS]; /* [g->n]: of the design's nodes */
    ss_knapsack *knapsack;
    const ss_partition *part;
    double weights[SS_RES_COUNT]; /* of the interval before */
    double (*cost)[SS_LEVELS]; /* [n]: 0 where another partition decides */
    double (*need)[SS_LEVELS]; /* [n] */
    int8_t *pick;              /* [n] */
    int8_t *profile_of;        /* [g->n] */
} climber;

static bool feeds(const climber *c, int32_t relu, int32_t node) {
    return c->l->feeds[(size_t)relu * (size_t)c->l->probe->r->task->g->n + (size_t)node];
}

/* A ReLU belongs to the partition of the convolutions that it feeds; one that feeds none, to the first. */
static bool decides(const climber *c, int32_t relu) {
    bool any = false;
    for (int32_t node = 0; node < c->l->probe->r->task->g->n; node++) {
        if (!feeds(c, relu, node)) continue;
        any = true;
        if (node >= c->part->first && node <= c->part->last) return true;
    }
    return !any && c->part->first == c->l->probe->design->partitions[0].first;
}

static void enter(climber *c, const ss_partition *part) {
    c->part = part;
    for (int32_t i = 0; i < c->l->n; i++) {
        const bool own = decides(c, i);
        for (int k = 0; k < SS_LEVELS; k++)
            c->cost[i][k] = own ? c->l->cost[i][k] : k == SS_LEVEL_STAYS ? 0 : INFINITY;
    }
}

/* ---- one interval ---- */

/* Of several ReLUs before one convolution the first that moves stands for all. */
static void place(climber *c) {
    memset(c->profile_of, SS_LEVEL_STAYS, (size_t)c->l->probe->r->task->g->n);
    for (int32_t node = c->part->first; node <= c->part->last; node++)
        for (int32_t i = c->l->n - 1; i >= 0; i--)
            if (feeds(c, i, node) && c->pick[i] != SS_LEVEL_STAYS) c->profile_of[node] = c->pick[i];
}

/* What a node alone takes of the room that a knapsack has, at a level of its ReLU. */
static double need_of(climber *c, int level, int32_t node, double interval, const double *weights) {
    if (c->needs) return ss_needs_of(c->needs, level, node, interval, weights);
    return c->cycles[level][node] <= interval ? 0 : INFINITY;
}

/* Fills the needs of all ReLUs at all levels, as differences from the present one where several feed a node. *fixed: what nodes
 * need that no ReLU here feeds. */
static void weigh(climber *c, double interval, const double *weights, double *fixed) {
    memset(c->need, 0, (size_t)c->l->n * sizeof *c->need);
    *fixed = 0;
    for (int32_t node = c->part->first; node <= c->part->last; node++) {
        const double now = need_of(c, SS_LEVEL_STAYS, node, interval, weights);
        bool fed = false;
        for (int32_t i = 0; i < c->l->n; i++) {
            if (!feeds(c, i, node)) continue;
            const double before = fed && now < INFINITY ? now : 0;
            for (int k = 0; k < SS_LEVELS; k++)
                if (c->cost[i][k] < INFINITY) c->need[i][k] += need_of(c, k, node, interval, weights) - before;
            fed = true;
        }
        if (!fed) *fixed += now;
    }
}

static ss_status load_of(climber *c, double interval, double *weights, double *load) {
    place(c);
    return ss_needs_load(c->needs, c->part->first, c->part->last, c->profile_of, interval, weights, load);
}

/* The levels of least divergence with which the partition keeps up, in c->pick. *fits false: none do. */
static ss_status reach(climber *c, double interval, bool *fits) {
    double fixed, found[SS_RES_COUNT], load = 0;
    *fits = false;
    for (int i = 0; i < WEIGHINGS; i++) {
        weigh(c, interval, c->weights, &fixed);
        if (!ss_knapsack_solve(c->knapsack, c->need[0], c->cost[0], 1 - fixed, c->pick)) return SS_OK;
        if (c->needs && load_of(c, interval, found, &load) != SS_OK) return SS_BAD;
        *fits = load <= 1 + LOOSE;
        if (*fits) return SS_OK;
        for (int k = 0; load < INFINITY && k < SS_RES_COUNT; k++) c->weights[k] = (c->weights[k] + found[k]) / 2;
    }
    return SS_OK;
}

/* ---- one partition ---- */

typedef struct rungs {
    ss_rung *at;
    int32_t n, now;
} rungs;

/* A rung for every interval that can be kept; where a shorter one costs no more, it takes the place of those above. */
static ss_status climb(climber *c, rungs *out) {
    const size_t n = (size_t)c->l->n;
    out->at = ss_arena_alloc(c->arena, RUNGS, sizeof *out->at);
    if (!out->at) return SS_BAD;
    double interval = SLOWEST * c->part->interval, load;
    memset(c->pick, SS_LEVEL_STAYS, n);
    if (c->needs && load_of(c, interval, c->weights, &load) != SS_OK) return SS_BAD;
    for (int i = 0; i < RUNGS; i++, interval *= SHRINK) {
        bool fits;
        if (reach(c, interval, &fits) != SS_OK) return SS_BAD;
        if (!fits) continue;
        ss_rung r = { .level = ss_arena_alloc(c->arena, n, 1), .cycles = interval };
        if (!r.level) return SS_BAD;
        memcpy(r.level, c->pick, n);
        for (size_t k = 0; k < n; k++) r.cost += c->cost[k][c->pick[k]];
        while (out->n > 0 && out->at[out->n - 1].cost >= r.cost) out->n--;
        out->at[out->n++] = r;
    }
    return SS_OK;
}

/* ---- all partitions ---- */

/* The partition whose way on gains most cycles for its divergence: how far it goes, in *to. -1: all are at their ends. */
static int32_t steepest(const rungs *r, int32_t parts, int32_t *to) {
    double most = 0;
    int32_t best = -1;
    for (int32_t p = 0; p < parts; p++)
        for (int32_t j = r[p].now + 1; j < r[p].n; j++) {
            const ss_rung *a = &r[p].at[r[p].now], *b = &r[p].at[j];
            const double rate = (a->cycles - b->cycles) / (b->cost - a->cost);
            if (rate <= most) continue;
            most = rate;
            best = p;
            *to = j;
        }
    return best;
}

/* What the partitions' present rungs are together. */
static ss_status add_rung(const climber *c, const rungs *r, int32_t parts, ss_rung *out) {
    *out = (ss_rung){ .level = ss_arena_alloc(c->arena, (size_t)c->l->n, 1) };
    if (!out->level) return SS_BAD;
    memset(out->level, SS_LEVEL_STAYS, (size_t)c->l->n);
    for (int32_t p = 0; p < parts; p++) {
        if (r[p].n == 0) return SS_OK;
        const ss_rung *a = &r[p].at[r[p].now];
        for (int32_t i = 0; i < c->l->n; i++)
            if (a->level[i] != SS_LEVEL_STAYS) out->level[i] = a->level[i];
        out->cost += a->cost;
        out->cycles += a->cycles;
    }
    return SS_OK;
}

static ss_status join(const climber *c, rungs *r, int32_t parts, ss_rung **out, int32_t *n) {
    *n = 0;
    *out = ss_arena_alloc(c->arena, (size_t)parts * RUNGS + 1, sizeof **out);
    if (!*out) return SS_BAD;
    for (int32_t p = 0; p < parts; p++)
        if (r[p].n == 0) return SS_OK;
    if (add_rung(c, r, parts, &(*out)[(*n)++]) != SS_OK) return SS_BAD;
    for (int32_t to, p; (p = steepest(r, parts, &to)) >= 0;)
        while (r[p].now < to) {
            r[p].now++;
            if (add_rung(c, r, parts, &(*out)[(*n)++]) != SS_OK) return SS_BAD;
        }
    return SS_OK;
}

static ss_status open_climber(climber *c) {
    const ss_probe *p = c->l->probe;
    const size_t n = (size_t)c->l->n, nodes = (size_t)p->r->task->g->n;
    c->cost = ss_arena_alloc(c->arena, n, sizeof *c->cost);
    c->need = ss_arena_alloc(c->arena, n, sizeof *c->need);
    c->pick = ss_arena_alloc(c->arena, n, 1);
    c->profile_of = ss_arena_alloc(c->arena, nodes, 1);
    if (!c->cost || !c->need || !c->pick || !c->profile_of) return SS_BAD;
    if (ss_knapsack_new(p->r->ctx, c->l->n, SS_LEVELS, &c->knapsack) != SS_OK) return SS_BAD;
    if (p->kind == SS_HW_OPTIMISED) return ss_probe_needs(p, c->l->profiles, SS_LEVELS, &c->needs);
    for (int k = 0; k < SS_LEVELS; k++) {
        c->cycles[k] = ss_arena_alloc(c->arena, nodes, sizeof *c->cycles[k]);
        if (!c->cycles[k] || ss_probe_cycles(p, c->l->profiles[k], c->cycles[k]) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

ss_status ss_levels_climb(const ss_levels *l, ss_arena *arena, ss_rung **out, int32_t *n) {
    climber c = { .l = l, .arena = arena };
    const ss_design *d = l->probe->design;
    const int32_t parts = d->n_partitions;
    rungs *r = ss_arena_alloc(arena, (size_t)parts, sizeof *r);
    ss_status s = r ? open_climber(&c) : SS_BAD;
    for (int32_t p = 0; s == SS_OK && p < parts; p++) {
        enter(&c, &d->partitions[p]);
        s = climb(&c, &r[p]);
    }
    if (s == SS_OK) s = join(&c, r, parts, out, n);
    ss_knapsack_free(c.knapsack);
    ss_needs_free(c.needs);
    return s;
}
