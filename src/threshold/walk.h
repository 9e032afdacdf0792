/* walk: what policies share that move thresholds one at a time. For threshold/ only.
 *
 * A walk belongs to one kind of hardware; it follows a *path*, a row of thresholds that begins at a point of the study. On some
 * of them there are trials, on the whole search split; between the last one within the loss and the next one beyond it the
 * path is bisected, and what stands at the lower end is run on all images. Deterministic: nothing depends on time.
 */
#ifndef SS_WALK_H
#define SS_WALK_H

#include "threshold/probe.h"

typedef struct ss_walk {
    ss_trials *r;
    ss_probe probe;
    float *now;   /* [n_relus]: thresholds reached */
    double taken; /* the t of the points to come: steps of paths that lie behind */
} ss_walk;

typedef struct ss_path {
    float *at;      /* [cap][n_relus]; the first: where it begins */
    int32_t *point; /* [cap]: of the study; -1: no trial */
    int32_t n, cap;
    int32_t good, bad; /* steps: the last trial within the loss, the first beyond it (0: none) */
} ss_path;

/* Raise w->now by one step; *moved false when nothing is left that could be raised. */
typedef ss_status (*ss_step_fn)(ss_walk *w, bool *moved);

/* `one` for each kind of hardware that the study asks for, with a walk at the model's own thresholds. apart: as ss_probe_open. */
ss_status ss_walk_each(ss_trials *r, bool apart, ss_status (*one)(ss_walk *w));
/* Step by step from w->now on; a trial every few steps, or sooner where the scores move far, until several in a row lose too
 * much or no step is left. */
ss_status ss_walk_steps(ss_walk *w, ss_step_fn step);
/* Along a path that is there already, whose thresholds lose more and more: trials from step `start` on. */
ss_status ss_walk_climb(ss_walk *w, ss_path *p, int32_t start);
/* thresholds [n_relus] become the next step of p. */
ss_status ss_path_push(const ss_walk *w, ss_path *p, const float *thresholds);
void ss_path_free(const ss_walk *w, ss_path *p);
/* May ReLU i rise by this much? */
bool ss_walk_free(const ss_walk *w, int32_t i, double step);

#endif
