/* The uniform policy: one threshold for all ReLUs, raised step by step.
 *
 * Accuracy is not monotone in the threshold, so the sweep goes on until the loss is too large at PATIENCE
 * steps in a row (or t_max is reached); then the step in which the loss was first exceeded for good is
 * bisected.
 */
#include "threshold/trial.h"

#define PATIENCE 2

static ss_status propose(ss_trials *r, double t, bool *within) {
    ss_study *s = r->study;
    int32_t index = -1;
    float *all = ss_alloc(r->ctx, (size_t)s->n_relus, sizeof *all);
    if (!all) return SS_BAD;
    for (int32_t i = 0; i < s->n_relus; i++) all[i] = (float)t;
    ss_status status = ss_trial(r, t, all, &index);
    if (status == SS_OK) *within = ss_study_promising(s, &s->points[index]);
    ss_free(r->ctx, all);
    return status;
}

ss_status ss_policy_uniform(ss_trials *r) {
    const ss_study_opts *o = &r->study->opts;
    double lo = 0, hi = 0; /* the largest t within the loss, and the next one tried after it */
    bool within;
    int over = 0;
    for (int64_t i = 1; over < PATIENCE; i++) {
        double t = o->step * (double)i;
        if (t > o->t_max * (1 + 1e-9)) break;
        if (propose(r, t, &within) != SS_OK) return SS_BAD;
        over = within ? 0 : over + 1;
        if (within) lo = t;
        else if (over == 1) hi = t;
    }
    for (int32_t i = 0; i < o->refine && hi > lo; i++) {
        double mid = (lo + hi) / 2;
        if (propose(r, mid, &within) != SS_OK) return SS_BAD;
        *(within ? &lo : &hi) = mid;
    }
    return SS_OK;
}
