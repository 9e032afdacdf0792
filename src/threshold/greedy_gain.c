/* The greedy-gain policy: in each step the thresholds rise that buy the most time for the accuracy they cost.
 *
 * Each ReLU, raised by one step alone, is probed: how much time it saves (probe.h: the slowest nodes' on baseline
 * hardware, resource times cycles on optimised hardware) over how much further the class probabilities move. The best
 * one rises, and with it those that are nearly as good: moves of different layers hardly interact within a step. On baseline
 * hardware where several nodes are equally slow, all thresholds before them are one more candidate, since none of
 * them gains alone. When the loss is reached, what broke it is left alone and the walk goes on from before.
 */
#include "threshold/walk.h"

#include <math.h>
#include <string.h>

#define ROUNDS 4         /* of going back */
#define NEARLY 0.75      /* of the best ratio */
#define LEAST_COST 1e-5  /* nats: below it, differences are rounding */
#define LEAST_GAIN 1e-6
#define EQUALLY_SLOW 0.97

typedef struct candidate {
    double gain, ratio;
} candidate;

static ss_status probe(ss_walk *w, const float *thresholds, candidate *c) {
    double time, divergence;
    if (ss_probe_try(&w->probe, thresholds, &time, &divergence) != SS_OK) return SS_BAD;
    c->gain = 1 - time;
    c->ratio = c->gain / fmax(divergence - w->probe.divergence, LEAST_COST);
    return SS_OK;
}

/* Every free ReLU before a node of `d` that is about as slow as its partition's slowest. */
static int32_t raise_slowest(ss_walk *w, float *thresholds, bool *used) {
    const ss_design *d = w->probe.design;
    int32_t raised = 0, n = w->r->study->n_relus;
    memset(used, 0, (size_t)n * sizeof *used);
    for (int32_t k = 0; k < d->n_partitions; k++) {
        const ss_partition *p = &d->partitions[k];
        for (int32_t i = p->first; i <= p->last; i++)
            if (p->configs[i - p->first].cycles >= EQUALLY_SLOW * p->interval) ss_feeding_relus(w->r, i, used);
    }
    for (int32_t i = 0; i < n; i++) {
        if (!used[i] || !ss_walk_free(w, i)) continue;
        ss_walk_raise(w, thresholds, i);
        raised++;
    }
    return raised;
}

/* The candidates of single ReLUs; returns the best ratio. */
static ss_status probe_singles(ss_walk *w, float *try, candidate *c, double *best) {
    *best = 0;
    for (int32_t i = 0; i < w->r->study->n_relus; i++) {
        c[i] = (candidate){ 0 };
        if (!ss_walk_free(w, i)) continue;
        float before = try[i];
        ss_walk_raise(w, try, i);
        if (probe(w, try, &c[i]) != SS_OK) return SS_BAD;
        try[i] = before;
        if (c[i].gain > LEAST_GAIN && c[i].ratio > *best) *best = c[i].ratio;
    }
    return SS_OK;
}

static ss_status choose(ss_walk *w, float *try, bool *used, candidate *c, bool *moved) {
    size_t n = (size_t)w->r->study->n_relus;
    candidate together = { 0 };
    double best;
    if (probe_singles(w, try, c, &best) != SS_OK) return SS_BAD;
    if (w->probe.kind == SS_HW_BASELINE && raise_slowest(w, try, used) > 1 && probe(w, try, &together) != SS_OK)
        return SS_BAD;
    if (together.gain > LEAST_GAIN && together.ratio > best) {
        memcpy(w->now, try, n * sizeof *try);
        *moved = true;
        return SS_OK;
    }
    for (size_t i = 0; i < n; i++) {
        if (!(c[i].gain > LEAST_GAIN) || c[i].ratio < NEARLY * best) continue;
        ss_walk_raise(w, w->now, (int32_t)i);
        *moved = true;
    }
    return SS_OK;
}

static ss_status step(ss_walk *w, bool *moved) {
    size_t n = (size_t)w->r->study->n_relus;
    float *try = ss_alloc(w->r->ctx, n, sizeof *try);
    bool *used = ss_alloc(w->r->ctx, n, sizeof *used);
    candidate *c = ss_alloc(w->r->ctx, n, sizeof *c);
    ss_status s = SS_BAD;
    *moved = false;
    if (try && used && c) {
        memcpy(try, w->now, n * sizeof *try);
        s = choose(w, try, used, c, moved);
    }
    ss_free(w->r->ctx, try);
    ss_free(w->r->ctx, used);
    ss_free(w->r->ctx, c);
    return s;
}

ss_status ss_policy_greedy_gain(ss_trials *r) { return ss_walk_run(r, step, ROUNDS); }
