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
    int32_t n, cap;
    int32_t good, bad; /* steps: the last trial within the loss, the first beyond it (0: none) */
} path;

static size_t row(const ss_walk *w) { return (size_t)w->r->study->n_relus; }

static float *path_at(const ss_walk *w, const path *p, int32_t step) { return p->at + (size_t)step * row(w); }

static ss_status path_push(ss_walk *w, path *p) {
    if (p->n == p->cap) {
        int32_t cap = p->cap ? 2 * p->cap : 64;
        float *grown = ss_realloc(w->r->ctx, p->at, (size_t)cap * row(w), sizeof *grown);
        if (!grown) return SS_BAD;
        p->at = grown;
        p->cap = cap;
    }
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
    *within = ss_study_within(w->r->study, &w->r->study->points[index]);
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
    if (p->n - 1 > tried && try_step(w, p, p->n - 1, taken, &within) != SS_OK) return SS_BAD;
    while (p->bad > p->good + 1)
        if (try_step(w, p, (p->good + p->bad) / 2, taken, &within) != SS_OK) return SS_BAD;
    return SS_OK;
}

/* What the step behind the last good one raised is raised no further. */
static bool ban(ss_walk *w, const path *p) {
    if (p->bad == 0) return false;
    const float *good = path_at(w, p, p->good), *bad = path_at(w, p, p->good + 1);
    for (size_t i = 0; i < row(w); i++) w->banned[i] |= bad[i] > good[i];
    memcpy(w->now, good, row(w) * sizeof *good);
    return true;
}

static ss_status walk(ss_walk *w, ss_step_fn step, int32_t rounds) {
    path p = { 0 };
    double taken = 0;
    ss_status s = ss_probe_settle(&w->probe, w->now);
    for (int32_t round = 0; s == SS_OK && round < rounds; round++) {
        p.n = p.good = p.bad = 0;
        s = path_push(w, &p);
        if (s == SS_OK) s = walk_on(w, &p, step, taken);
        if (s != SS_OK || !ban(w, &p)) break;
        taken += p.n - 1;
        s = ss_probe_settle(&w->probe, w->now);
    }
    ss_free(w->r->ctx, p.at);
    return s;
}

static ss_status open_sights(ss_walk *w) {
    const size_t nodes = (size_t)w->r->task->g->n;
    w->sights = ss_alloc(w->r->ctx, row(w), sizeof *w->sights);
    float *cycles = w->sights ? ss_alloc(w->r->ctx, row(w) * nodes, sizeof *cycles) : NULL;
    for (size_t i = 0; cycles && i < row(w); i++) w->sights[i].cycles = cycles + i * nodes;
    return cycles ? SS_OK : SS_BAD;
}

ss_status ss_walk_run(ss_trials *r, ss_step_fn step, int32_t rounds) {
    ss_status s = SS_OK;
    for (int32_t kind = 0; s == SS_OK && kind < SS_HARDWARE; kind++) {
        if (!(r->study->opts.hardware & 1u << kind)) continue;
        ss_walk w = { .r = r };
        size_t n = (size_t)r->study->n_relus;
        r->walk = kind;
        w.now = ss_alloc(r->ctx, n, sizeof *w.now);
        w.banned = ss_alloc(r->ctx, n, sizeof *w.banned);
        s = w.now && w.banned && open_sights(&w) == SS_OK ? ss_probe_open(r, (ss_hardware)kind, &w.probe) : SS_BAD;
        for (size_t i = 0; s == SS_OK && i < n; i++) w.now[i] = r->own[i].threshold;
        if (s == SS_OK) s = walk(&w, step, rounds);
        if (w.probe.r) ss_probe_close(&w.probe);
        ss_free(r->ctx, w.now);
        ss_free(r->ctx, w.banned);
        if (w.sights) ss_free(r->ctx, w.sights[0].cycles);
        ss_free(r->ctx, w.sights);
    }
    return s;
}
