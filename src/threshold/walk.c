/* See walk.h. */
#include "threshold/walk.h"

#include <math.h>
#include <string.h>

#define STRIDE 6
#define PATIENCE 2
#define FAR 2       /* times the last trial's divergence, */
#define NEAR 0.01   /* and this much more, nats */

/* The thresholds after each step; path[0] is where a round begins. */
typedef struct path {
    float *at;   /* [cap][n_relus] */
    int32_t *point; /* [cap]: of the study; -1: no trial */
    int32_t n, cap;
    int32_t good, bad; /* steps: the last trial within the loss, the first beyond it (0: none) */
} path;

static size_t row(const ss_walk *w) { return (size_t)w->r->study->n_relus; }

static float *path_at(const ss_walk *w, const path *p, int32_t step) { return p->at + (size_t)step * row(w); }

static ss_status path_push(ss_walk *w, path *p) {
    if (p->n == p->cap) {
        int32_t cap = p->cap ? 2 * p->cap : 64;
        float *grown = ss_realloc(w->r->ctx, p->at, (size_t)cap * row(w), sizeof *grown);
        if (grown) p->at = grown;
        int32_t *points = ss_realloc(w->r->ctx, p->point, (size_t)cap, sizeof *points);
        if (points) p->point = points;
        if (!grown || !points) return SS_BAD;
        p->cap = cap;
    }
    p->point[p->n] = -1;
    memcpy(path_at(w, p, p->n++), w->now, row(w) * sizeof *w->now);
    return SS_OK;
}

bool ss_walk_free(const ss_walk *w, int32_t i) {
    const ss_study_opts *o = &w->r->study->opts;
    return !w->banned[i] && (double)w->now[i] + o->step <= o->t_max * (1 + 1e-6);
}

void ss_walk_raise(ss_walk *w, float *thresholds, int32_t i) {
    thresholds[i] = (float)((double)thresholds[i] + w->r->study->opts.step);
}

/* ---- trials along the path ---- */

static ss_status try_step(ss_walk *w, path *p, int32_t step, double taken, bool *within) {
    int32_t index;
    if (ss_trial(w->r, taken + step, path_at(w, p, step), &index) != SS_OK) return SS_BAD;
    p->point[step] = index;
    *within = ss_study_promising(w->r->study, &w->r->study->points[index]);
    if (*within && step > p->good) p->good = step;
    if (!*within && (p->bad == 0 || step < p->bad)) p->bad = step;
    if (p->bad < p->good) p->bad = 0; /* the loss is not monotone: what came later counts */
    return SS_OK;
}

/* A trial every STRIDE steps, or sooner where the scores have moved far since the last one: past a cliff, steps are
 * wasted. */
static bool due(const ss_walk *w, const path *p, int32_t tried, double divergence) {
    return w->r->study->opts.whole || p->n - 1 - tried >= STRIDE || w->probe.divergence > FAR * divergence + NEAR;
}

static ss_status walk_on(ss_walk *w, path *p, ss_step_fn step, double taken) {
    bool moved = true, within;
    int32_t over = 0, tried = 0;
    double divergence = w->probe.divergence;
    while (over < PATIENCE) {
        if (step(w, &moved) != SS_OK) return SS_BAD;
        if (!moved) break;
        if (path_push(w, p) != SS_OK || ss_probe_settle(&w->probe, w->now) != SS_OK) return SS_BAD;
        if (!due(w, p, tried, divergence)) continue;
        tried = p->n - 1;
        divergence = w->probe.divergence;
        if (try_step(w, p, tried, taken, &within) != SS_OK) return SS_BAD;
        over = within ? 0 : over + 1;
    }
    return p->n - 1 > tried ? try_step(w, p, p->n - 1, taken, &within) : SS_OK;
}

/* Would the policy choose this point rather than what is proven of it? */
static bool leads(const ss_walk *w, int32_t point) {
    const ss_study *s = w->r->study;
    const ss_hardware k = w->probe.kind;
    for (int32_t i = 1; i < s->n_points; i++)
        if (s->points[i].policy == w->r->policy && i != point && ss_study_within(s, &s->points[i]) &&
            s->points[i].hw[k].throughput >= s->points[point].hw[k].throughput)
            return false;
    return s->points[point].hw[k].throughput > s->points[0].hw[k].throughput;
}

/* Bisect the steps between the last trial within the loss and the next; prove: on all images, when it matters. What fails
 * there is beyond the loss, and what promised before it is within. */
static ss_status narrow(ss_walk *w, path *p, double taken, bool prove) {
    const ss_study *s = w->r->study;
    for (;;) {
        bool within;
        while (p->bad > p->good + 1)
            if (try_step(w, p, (p->good + p->bad) / 2, taken, &within) != SS_OK) return SS_BAD;
        if (!prove || p->good == 0 || !leads(w, p->point[p->good])) return SS_OK;
        if (ss_trial_prove(w->r, p->point[p->good]) != SS_OK) return SS_BAD;
        if (ss_study_within(s, &s->points[p->point[p->good]])) return SS_OK;
        p->bad = p->good;
        do p->good--;
        while (p->good > 0 && (p->point[p->good] < 0 || !ss_study_promising(s, &s->points[p->point[p->good]])));
    }
}

/* What the step behind the last good one raised is raised no further. */
static bool ban(ss_walk *w, const path *p) {
    if (p->bad == 0) return false;
    const float *good = path_at(w, p, p->good), *bad = path_at(w, p, p->good + 1);
    for (size_t i = 0; i < row(w); i++) w->banned[i] |= bad[i] > good[i];
    memcpy(w->now, good, row(w) * sizeof *good);
    return true;
}

/* *taken: the steps of the walk before, and with this leg. */
static ss_status walk_leg(ss_walk *w, const ss_leg *leg, bool prove, double *taken) {
    path p = { 0 };
    ss_status s = ss_probe_settle(&w->probe, w->now);
    w->budget = w->probe.divergence;
    for (int32_t round = 0; s == SS_OK && round < leg->rounds; round++) {
        p.n = p.good = p.bad = 0;
        s = path_push(w, &p);
        if (s == SS_OK) s = walk_on(w, &p, leg->step, *taken);
        if (s == SS_OK) s = narrow(w, &p, *taken, prove);
        const bool again = s == SS_OK && ban(w, &p);
        *taken += p.n - 1;
        if (!again) break;
        s = ss_probe_settle(&w->probe, w->now);
    }
    ss_free(w->r->ctx, p.at);
    ss_free(w->r->ctx, p.point);
    return s;
}

/* The fastest point within the loss so far, whichever policy found it; the reference at the least. */
static int32_t best_so_far(const ss_walk *w) {
    const ss_study *s = w->r->study;
    const ss_hardware k = w->probe.kind;
    int32_t best = 0;
    for (int32_t i = 1; i < s->n_points; i++)
        if (ss_study_within(s, &s->points[i]) && s->points[i].hw[k].throughput > s->points[best].hw[k].throughput) best = i;
    return best;
}

/* Where a leg begins; from_best: that point is this policy's as well. *again: a leg began there before, and another would
 * go the same way. */
static ss_status begin(ss_walk *w, const ss_leg *leg, double taken, bool *again) {
    const ss_study *s = w->r->study;
    for (size_t i = 0; i < row(w); i++) {
        w->now[i] = w->r->own[i].threshold;
        w->banned[i] = w->held[i] = false;
        w->sights[i].seen = SS_UNSEEN;
    }
    *again = false;
    if (!leg->from_best) return SS_OK;
    if (ss_trial_confirm(w->r, -1, w->probe.kind) != SS_OK) return SS_BAD;
    int32_t index, best = best_so_far(w);
    *again = best == w->from;
    if (*again) return SS_OK;
    w->from = best;
    memcpy(w->now, s->points[best].thresholds, row(w) * sizeof *w->now);
    return best > 0 ? ss_trial(w->r, taken, w->now, &index) : SS_OK;
}

static ss_status open_sights(ss_walk *w) {
    const size_t nodes = (size_t)w->r->task->g->n;
    w->sights = ss_alloc(w->r->ctx, row(w), sizeof *w->sights);
    float *cycles = w->sights ? ss_alloc(w->r->ctx, row(w) * nodes, sizeof *cycles) : NULL;
    for (size_t i = 0; cycles && i < row(w); i++) w->sights[i].cycles = cycles + i * nodes;
    return cycles ? SS_OK : SS_BAD;
}

static ss_status walk(ss_walk *w, ss_hardware kind, const ss_leg *legs, int32_t n) {
    ss_trials *r = w->r;
    const size_t relus = row(w);
    double taken = 0;
    w->now = ss_alloc(r->ctx, relus, sizeof *w->now);
    w->banned = ss_alloc(r->ctx, relus, sizeof *w->banned);
    w->held = ss_alloc(r->ctx, relus, sizeof *w->held);
    if (!w->now || !w->banned || !w->held || open_sights(w) != SS_OK) return SS_BAD;
    ss_status s = ss_probe_open(r, kind, &w->probe);
    for (int32_t i = 0; s == SS_OK && i < n; i++) {
        bool again;
        s = begin(w, &legs[i], taken, &again);
        const bool prove = i == n - 1 || legs[i].from_best; /* others only lead to the next leg */
        if (s == SS_OK && !again) s = walk_leg(w, &legs[i], prove, &taken);
    }
    return s;
}

static void close_walk(ss_walk *w) {
    ss_ctx *ctx = w->r->ctx;
    if (w->probe.r) ss_probe_close(&w->probe);
    ss_free(ctx, w->now);
    ss_free(ctx, w->banned);
    ss_free(ctx, w->held);
    if (w->sights) ss_free(ctx, w->sights[0].cycles);
    ss_free(ctx, w->sights);
}

ss_status ss_walk_run(ss_trials *r, const ss_leg *legs, int32_t n) {
    ss_status s = SS_OK;
    for (int32_t kind = 0; s == SS_OK && kind < SS_HARDWARE; kind++) {
        if (!(r->study->opts.hardware & 1u << kind)) continue;
        ss_walk w = { .r = r, .from = -1 };
        r->walk = kind;
        s = walk(&w, (ss_hardware)kind, legs, n);
        close_walk(&w);
    }
    return s;
}
