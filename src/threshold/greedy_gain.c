/* The greedy-gain policy, in three legs.
 *
 * First, when no other policy is studied: as latency-aware, as a good place to start from; then, from the beginning,
 * in each step the thresholds rise that buy the most time for the accuracy they cost.
 *
 * A probe of one ReLU, raised by one step alone, says how much further the class probabilities move, and what becomes of
 * every node's cycles, as ratios. Its gain in any later state (of the slowest nodes' time: probe.h) follows from these
 * ratios without another run. So the search is lazy: of the candidates ranked by what was seen of them, only the best is
 * probed again, until the best is one just probed. It rises, and with it those that are nearly as good. Where several
 * nodes are equally slow, none of the thresholds before them gains alone: all of them together are one more candidate.
 *
 * Then, from the fastest point found so far, exchanges: while the class probabilities are further off than they were
 * there, the threshold is lowered whose step buys the most accuracy for the time it gives back, if that is cheaper than
 * what raising costs; otherwise thresholds rise as before. What was lowered is not raised again, nor the reverse.
 */
#include "threshold/walk.h"

#include <math.h>
#include <string.h>

#define CHEAPER 0.5      /* time given back for accuracy, of what raising pays for it */
#define NEARLY 0.75      /* of the best ratio */
#define LEAST_COST 1e-5  /* nats: below it, differences are rounding */
#define LEAST_GAIN 1e-6
#define EQUALLY_SLOW 0.97

typedef struct room {
    float *try;     /* [n_relus] */
    bool *used;     /* [n_relus] */
    double *rate;   /* [n_relus]: gain over cost; 0: not to be raised */
    double *cycles; /* [g->n] */
    double given, regained; /* time and divergence, by a look downwards */
} room;

static void lower(const ss_walk *w, float *thresholds, int32_t i) {
    thresholds[i] = fmaxf((float)((double)thresholds[i] - w->r->study->opts.step), w->r->own[i].threshold);
}

/* What one step of ReLU i does: up, or down. */
static ss_status look(ss_walk *w, room *m, int32_t i, bool down) {
    ss_sight *s = &w->sights[i];
    const ss_probe *p = &w->probe;
    double divergence;
    memcpy(m->try, w->now, (size_t)w->r->study->n_relus * sizeof *m->try);
    if (down) lower(w, m->try, i);
    else ss_walk_raise(w, m->try, i);
    if (ss_probe_try(&w->probe, m->try, m->cycles, &divergence) != SS_OK) return SS_BAD;
    if (down) {
        m->given = ss_probe_time(p, m->cycles) - 1;
        m->regained = p->divergence - divergence;
        return SS_OK;
    }
    for (int32_t n = 0; n < w->r->task->g->n; n++)
        s->cycles[n] = p->cycles[n] > 0 ? (float)(m->cycles[n] / p->cycles[n]) : 1;
    s->cost = fmax(divergence - p->divergence, LEAST_COST);
    s->seen = SS_FRESH;
    return SS_OK;
}

static double gain_of(const ss_walk *w, double *cycles) { return 1 - ss_probe_time(&w->probe, cycles); }

/* Gain over cost. What little images say of a cost is often too little, and the search would choose just these candidates:
 * none is taken to be cheaper than what was paid so far on average, for steps become dearer. */
static double rate(const ss_walk *w, double gain, double cost) {
    return gain > LEAST_GAIN ? gain / fmax(fmax(cost, LEAST_COST), gain * ss_probe_price(&w->probe)) : 0;
}

static double rate_of(const ss_walk *w, room *m, int32_t i) {
    const ss_sight *s = &w->sights[i];
    if (!ss_walk_free(w, i)) return 0;
    for (int32_t n = 0; n < w->r->task->g->n; n++) m->cycles[n] = w->probe.cycles[n] * (double)s->cycles[n];
    return rate(w, gain_of(w, m->cycles), s->cost);
}

/* The best single ReLU as a fresh look has it; -1: none gains. */
static ss_status best_single(ss_walk *w, room *m, int32_t *best) {
    const int32_t n = w->r->study->n_relus;
    for (int32_t i = 0; i < n; i++) {
        if (ss_walk_free(w, i) && w->sights[i].seen == SS_UNSEEN && look(w, m, i, false) != SS_OK) return SS_BAD;
        m->rate[i] = rate_of(w, m, i);
    }
    for (;;) {
        *best = -1;
        for (int32_t i = 0; i < n; i++)
            if (m->rate[i] > 0 && (*best < 0 || m->rate[i] > m->rate[*best])) *best = i;
        if (*best < 0 || w->sights[*best].seen == SS_FRESH) return SS_OK;
        if (look(w, m, *best, false) != SS_OK) return SS_BAD;
        m->rate[*best] = rate_of(w, m, *best);
    }
}

/* Every free ReLU before a node that is about as slow as its partition's slowest goes into used. */
static int32_t before_slowest(const ss_walk *w, bool *used) {
    const ss_design *d = w->probe.design;
    int32_t found = 0, n = w->r->study->n_relus;
    for (int32_t i = 0; i < n; i++) used[i] = false;
    for (int32_t k = 0; k < d->n_partitions; k++) {
        const ss_partition *p = &d->partitions[k];
        for (int32_t i = p->first; i <= p->last; i++)
            if (p->configs[i - p->first].cycles >= EQUALLY_SLOW * p->interval) ss_feeding_relus(w->r, i, used);
    }
    for (int32_t i = 0; i < n; i++) {
        used[i] = used[i] && ss_walk_free(w, i);
        found += used[i];
    }
    return found;
}

/* Is raising all of m->used at once better than `single`? Looked at only when what was seen of each promises it. */
static ss_status joint(ss_walk *w, room *m, double single, bool *better) {
    const int32_t n = w->r->study->n_relus;
    double cost = 0, divergence;
    memcpy(m->try, w->now, (size_t)n * sizeof *m->try);
    memcpy(m->cycles, w->probe.cycles, (size_t)w->r->task->g->n * sizeof *m->cycles);
    for (int32_t i = 0; i < n; i++) {
        if (!m->used[i]) continue;
        ss_walk_raise(w, m->try, i);
        cost += w->sights[i].cost;
        for (int32_t k = 0; k < w->r->task->g->n; k++) m->cycles[k] *= (double)w->sights[i].cycles[k];
    }
    *better = false;
    if (rate(w, gain_of(w, m->cycles), cost) <= single) return SS_OK;
    if (ss_probe_try(&w->probe, m->try, m->cycles, &divergence) != SS_OK) return SS_BAD;
    *better = rate(w, gain_of(w, m->cycles), divergence - w->probe.divergence) > single;
    return SS_OK;
}

/* What was seen of ReLU i, after a step that moved it or others. */
static void age(ss_walk *w, int32_t i, bool itself) {
    ss_sight *s = &w->sights[i];
    if (itself || w->r->study->opts.whole) s->seen = SS_UNSEEN;
    else if (s->seen == SS_FRESH) s->seen = SS_STALE;
}

/* The ReLU whose lowering buys the most accuracy for the time it gives back, if cheaper than raising at `single`. */
static ss_status cheapest_down(ss_walk *w, room *m, double single, int32_t *best) {
    double least = CHEAPER * single;
    *best = -1;
    for (int32_t i = 0; i < w->r->study->n_relus; i++) {
        if (w->held[i] || !(w->now[i] > w->r->own[i].threshold)) continue;
        if (look(w, m, i, true) != SS_OK) return SS_BAD;
        if (!(m->regained > LEAST_COST) || fmax(m->given, 0) / m->regained >= least) continue;
        least = fmax(m->given, 0) / m->regained;
        *best = i;
    }
    return SS_OK;
}

static ss_status choose(ss_walk *w, room *m, bool exchange, bool *moved) {
    const int32_t n = w->r->study->n_relus;
    int32_t best, down = -1;
    bool together = false;
    if (best_single(w, m, &best) != SS_OK) return SS_BAD;
    const double single = best < 0 ? 0 : m->rate[best];
    if (exchange && w->probe.divergence >= w->budget && cheapest_down(w, m, single, &down) != SS_OK) return SS_BAD;
    if (down < 0 && before_slowest(w, m->used) > 1 && joint(w, m, single, &together) != SS_OK) return SS_BAD;
    if (down >= 0) {
        lower(w, w->now, down);
        w->banned[down] = true;
        *moved = true;
    }
    for (int32_t i = 0; i < n; i++) {
        const bool raise = down < 0 && (together ? m->used[i] : m->rate[i] > 0 && m->rate[i] >= NEARLY * single);
        age(w, i, raise || i == down);
        if (!raise) continue;
        ss_walk_raise(w, w->now, i);
        w->held[i] = true;
        *moved = true;
    }
    return SS_OK;
}

static ss_status step(ss_walk *w, bool exchange, bool *moved) {
    ss_ctx *ctx = w->r->ctx;
    const size_t n = (size_t)w->r->study->n_relus;
    room m = { .try = ss_alloc(ctx, n, sizeof *m.try),
               .used = ss_alloc(ctx, n, sizeof *m.used),
               .rate = ss_alloc(ctx, n, sizeof *m.rate),
               .cycles = ss_alloc(ctx, (size_t)w->r->task->g->n, sizeof *m.cycles) };
    *moved = false;
    ss_status s = m.try && m.used && m.rate && m.cycles ? choose(w, &m, exchange, moved) : SS_BAD;
    ss_free(ctx, m.try);
    ss_free(ctx, m.used);
    ss_free(ctx, m.rate);
    ss_free(ctx, m.cycles);
    return s;
}

static ss_status gain_step(ss_walk *w, bool *moved) { return step(w, false, moved); }

static ss_status exchange_step(ss_walk *w, bool *moved) { return step(w, true, moved); }

/* From the beginning it never came as far as other policies did, in no study so far (docs/threshold.md). */
ss_status ss_policy_greedy_gain(ss_trials *r) {
    static const ss_leg legs[] = {
        { ss_latency_step, 1, false }, { gain_step, 1, false }, { exchange_step, 2, true }, { exchange_step, 2, true }
    };
    const int32_t n = (int32_t)(sizeof legs / sizeof *legs);
    const int32_t first = (r->study->opts.policies & ~(1u << SS_POLICY_GREEDY)) != 0 ? 2 : 0;
    return ss_walk_run(r, legs + first, n - first);
}
