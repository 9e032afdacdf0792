/* The uniform policy: one threshold for all ReLUs, raised step by step.
 *
 * Accuracy is not monotone in the threshold, so the sweep goes on until the loss is too large at PATIENCE
 * steps in a row (or t_max is reached); then the step in which the loss was first exceeded for good is
 * bisected. What stands at its lower end is run on all images; when it loses too much there, what promises next is
 * the lower end.
 */
#include "threshold/trial.h"

#include <math.h>

#define PATIENCE 2

static ss_status propose(ss_trials *r, double t, bool *promising) {
    ss_study *s = r->study;
    int32_t index = -1;
    float *all = ss_alloc(r->ctx, (size_t)s->n_relus, sizeof *all);
    if (!all) return SS_BAD;
    for (int32_t i = 0; i < s->n_relus; i++) all[i] = (float)t;
    ss_status status = ss_trial(r, t, all, &index);
    if (status == SS_OK) *promising = ss_study_promising(s, &s->points[index]);
    ss_free(r->ctx, all);
    return status;
}

/* The largest t below `below` that promises to be within the loss; NULL: none. */
static const ss_study_point *last_promising(const ss_trials *r, double below) {
    const ss_study *s = r->study;
    const ss_study_point *found = NULL;
    for (int32_t i = 0; i < s->n_points; i++) {
        const ss_study_point *pt = &s->points[i];
        if (pt->policy == r->policy && pt->t < below && ss_study_promising(s, pt) && (!found || pt->t > found->t))
            found = pt;
    }
    return found;
}

/* Halve the step between lo and hi `refine` times, and prove its lower end; when that fails, go on below it. */
static ss_status narrow(ss_trials *r, double lo, double hi) {
    ss_study *s = r->study;
    const double least = ldexp(s->opts.step, -s->opts.refine) * (1 + 1e-6);
    for (;;) {
        while (hi - lo > least) {
            bool promising;
            if (propose(r, (lo + hi) / 2, &promising) != SS_OK) return SS_BAD;
            *(promising ? &lo : &hi) = (lo + hi) / 2;
        }
        const ss_study_point *end = last_promising(r, hi);
        if (!end) return SS_OK;
        if (ss_trial_prove(r, (int32_t)(end - s->points)) != SS_OK) return SS_BAD;
        if (ss_study_promising(s, end)) return SS_OK;
        hi = end->t;
        end = last_promising(r, hi);
        lo = end ? end->t : 0;
    }
}

ss_status ss_policy_uniform(ss_trials *r) {
    const ss_study_opts *o = &r->study->opts;
    double lo = 0, hi = INFINITY; /* the largest t within the loss, and the next one tried after it */
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
    return narrow(r, lo, isinf(hi) || hi < lo ? nextafter(lo, INFINITY) : hi);
}
