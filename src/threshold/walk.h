/* walk: what policies that raise thresholds one step after another share. For threshold/ only.
 *
 * A walk belongs to one kind of hardware. Steps are chosen on probes (probe.h); every STRIDE steps, or sooner where
 * the scores move far, the thresholds reached are a trial on the whole search split. When PATIENCE trials in a row lose
 * too much, or no step is left, the steps between the last trial within the loss and the next one are bisected. A policy with `rounds` > 1 then goes
 * back to the last point within the loss, may raise what the step that broke it raised no further, and walks on.
 * Deterministic: nothing depends on time.
 */
#ifndef SS_WALK_H
#define SS_WALK_H

#include "threshold/probe.h"

/* What a probe saw of one ReLU raised by one step. */
typedef struct ss_sight {
    enum { SS_UNSEEN, SS_STALE, SS_FRESH } seen; /* stale: other thresholds have changed since */
    double cost;   /* divergence */
    float *cycles; /* [g->n]: of every node, as a ratio to those before */
} ss_sight;

typedef struct ss_walk {
    ss_trials *r;
    ss_probe probe;
    float *now;   /* [n_relus]: thresholds reached; a step raises them */
    bool *banned; /* [n_relus]: not to be raised any more in this leg */
    bool *held;   /* [n_relus]: not to be lowered any more in this leg */
    double budget; /* divergence where the leg began */
    ss_sight *sights; /* [n_relus] */
    int32_t from; /* the point where the last leg from the best began; -1: none yet */
} ss_walk;

/* Raise w->now by one step; *moved false when nothing is left that could be raised. */
typedef ss_status (*ss_step_fn)(ss_walk *w, bool *moved);

/* A walk is a row of legs, each from the model's own thresholds or from the fastest point of the study so far. */
typedef struct ss_leg {
    ss_step_fn step;
    int32_t rounds;
    bool from_best;
} ss_leg;

/* One walk for each kind of hardware that the study asks for. */
ss_status ss_walk_run(ss_trials *r, const ss_leg *legs, int32_t n);
ss_status ss_latency_step(ss_walk *w, bool *moved); /* latency_aware.c */
/* May ReLU i rise by one step? */
bool ss_walk_free(const ss_walk *w, int32_t i);
void ss_walk_raise(ss_walk *w, float *thresholds, int32_t i);

#endif
