/* See walk.h. */
#include "threshold/walk.h"

#include <math.h>
#include <string.h>

#define STRIDE 6
#define PATIENCE 2
#define FAR 2       /* times the last trial's divergence, */
#define NEAR 0.01   /* and this much more, nats */

static size_t row(const ss_walk *w) { return (size_t)w->r->study->n_relus; }

static float *path_at(const ss_walk *w, const ss_path *p, int32_t step) { return p->at + (size_t)step * row(w); }

ss_status ss_path_push(const ss_walk *w, ss_path *p, const float *thresholds) {
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
    memcpy(path_at(w, p, p->n++), thresholds, row(w) * sizeof *thresholds);
    return SS_OK;
}

void ss_path_free(const ss_walk *w, ss_path *p) {
    ss_free(w->r->ctx, p->at);
    ss_free(w->r->ctx, p->point);
}

bool ss_walk_free(const ss_walk *w, int32_t i, double step) {
    return (double)w->now[i] + step <= w->r->study->opts.t_max * (1 + 1e-6);
}

/* ---- trials along the path ---- */

static ss_status try_step(ss_walk *w, ss_path *p, int32_t step, bool *within) {
    int32_t index;
    if (ss_trial(w->r, w->taken + step, path_at(w, p, step), &index) != SS_OK) return SS_BAD;
    p->point[step] = index;
    *within = ss_study_promising(w->r->study, &w->r->study->points[index]);
    if (*within && step > p->good) p->good = step;
    if (!*within && (p->bad == 0 || step < p->bad)) p->bad = step;
    if (p->bad < p->good) p->bad = 0; /* the loss is not monotone: what came later counts */
    return SS_OK;
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

/* Bisect the steps between the last trial within the loss and the next; then prove it on all images, when it matters. What fails
 * there is beyond the loss, and what promised before it is within. */
static ss_status narrow(ss_walk *w, ss_path *p) {
    const ss_study *s = w->r->study;
    for (;;) {
        bool within;
        while (p->bad > p->good + 1)
            if (try_step(w, p, (p->good + p->bad) / 2, &within) != SS_OK) return SS_BAD;
        if (p->good == 0 || !leads(w, p->point[p->good])) return SS_OK;
        if (ss_trial_prove(w->r, p->point[p->good]) != SS_OK) return SS_BAD;
        if (ss_study_within(s, &s->points[p->point[p->good]])) return SS_OK;
        p->bad = p->good;
        do p->good--;
        while (p->good > 0 && (p->point[p->good] < 0 || !ss_study_promising(s, &s->points[p->point[p->good]])));
    }
}

/* A trial every STRIDE steps, or sooner where the scores have moved far since the last one: past a cliff, steps are
 * wasted. */
static bool due(const ss_walk *w, const ss_path *p, int32_t tried, double divergence) {
    return w->r->study->opts.whole || p->n - 1 - tried >= STRIDE || w->probe.divergence > FAR * divergence + NEAR;
}

static ss_status walk_on(ss_walk *w, ss_path *p, ss_step_fn step) {
    bool moved = true, within;
    int32_t over = 0, tried = 0;
    double divergence = w->probe.divergence;
    while (over < PATIENCE) {
        if (step(w, &moved) != SS_OK) return SS_BAD;
        if (!moved) break;
        if (ss_path_push(w, p, w->now) != SS_OK || ss_probe_settle(&w->probe, w->now) != SS_OK) return SS_BAD;
        if (!due(w, p, tried, divergence)) continue;
        tried = p->n - 1;
        divergence = w->probe.divergence;
        if (try_step(w, p, tried, &within) != SS_OK) return SS_BAD;
        over = within ? 0 : over + 1;
    }
    return p->n - 1 > tried ? try_step(w, p, p->n - 1, &within) : SS_OK;
}

ss_status ss_walk_steps(ss_walk *w, ss_step_fn step) {
    ss_path p = { 0 };
    ss_status s = ss_probe_settle(&w->probe, w->now);
    if (s == SS_OK) s = ss_path_push(w, &p, w->now);
    if (s == SS_OK) s = walk_on(w, &p, step);
    if (s == SS_OK) s = narrow(w, &p);
    w->taken += p.n - 1;
    ss_path_free(w, &p);
    return s;
}

ss_status ss_walk_climb(ss_walk *w, ss_path *p, int32_t start) {
    bool within = true;
    for (int32_t step = start, wide = 1; within && step < p->n; wide *= 2) {
        if (try_step(w, p, step, &within) != SS_OK) return SS_BAD;
        step = step + wide < p->n || step == p->n - 1 ? step + wide : p->n - 1;
    }
    ss_status s = narrow(w, p);
    w->taken += p->n - 1;
    return s;
}

/* ---- one walk for each kind of hardware ---- */

static ss_status open_walk(ss_walk *w, ss_trials *r, ss_hardware kind, bool apart) {
    *w = (ss_walk){ .r = r };
    w->now = ss_alloc(r->ctx, row(w), sizeof *w->now);
    if (!w->now) return SS_BAD;
    for (size_t i = 0; i < row(w); i++) w->now[i] = r->own[i].threshold;
    return ss_probe_open(r, kind, apart, &w->probe);
}

ss_status ss_walk_each(ss_trials *r, bool apart, ss_status (*one)(ss_walk *w)) {
    ss_status s = SS_OK;
    for (int32_t kind = 0; s == SS_OK && kind < SS_HARDWARE; kind++) {
        if (!(r->study->opts.hardware & 1u << kind)) continue;
        ss_walk w;
        r->walk = kind;
        s = open_walk(&w, r, (ss_hardware)kind, apart);
        if (s == SS_OK) s = one(&w);
        if (w.probe.r) ss_probe_close(&w.probe);
        ss_free(r->ctx, w.now);
    }
    return s;
}
