/* trial: the machinery that every policy stands on. For threshold/ only.
 *
 * A policy proposes thresholds, one real number per ReLU; ss_trial measures and prices them and appends a
 * point to the study. Thresholds that stand in the study already, or in an interrupted one, are not run again. A trial is
 * judged on the images that decide (race.h) and priced on PRICED images; ss_trial_confirm runs the fastest that
 * promise to be within the loss allowed on all images, until one is. Policies differ only in what they propose next.
 */
#ifndef SS_TRIAL_H
#define SS_TRIAL_H

#include "threshold/race.h"
#include "threshold/threshold.h"

typedef struct ss_trials {
    ss_ctx *ctx;
    const ss_study_task *task;
    ss_study *study;
    int32_t *nodes;                   /* [n_relus]: the graph node of each ReLU */
    ss_act *own;                      /* [n_relus]: activations as the model has them */
    float *scores, *reference_scores; /* [search->n][classes]; test split: the same, by its own size */
    int32_t classes;
    ss_replay *replay;    /* of the search split; it keeps the reference's activations */
    ss_profile *profile;  /* the reference's */
    ss_race race;
    int64_t priced;       /* images that the profile of a trial is of */
    ss_profile *priced_reference; /* the reference's, of these */
    float *in_force;      /* [n_relus]: the reference's thresholds */
    ss_design *design;    /* the fastest optimised hardware that was confirmed here, and its thresholds */
    const float *designed;
    int32_t policy, walk; /* of the points to come */
    ss_study_point *known; /* of a study that was interrupted */
    int32_t n_known;
} ss_trials;

ss_status ss_trials_open(ss_ctx *ctx, const ss_study_task *task, ss_study *study,
                         ss_trials *r); /* appends point 0 */
void ss_trials_close(ss_trials *r);     /* puts the model's own thresholds back */
/* thresholds: [n_relus]; never below the model's own. *index: of the new point, points being in order of
 * trial. */
ss_status ss_trial(ss_trials *r, double t, const float *thresholds, int32_t *index);
/* Run a point on all images, unless it was. Every point with its thresholds says so afterwards. */
ss_status ss_trial_prove(ss_trials *r, int32_t point);
/* Afterwards the fastest point of a policy (-1: of all) that promises to be within the loss allowed has been run on all
 * images, and is. */
ss_status ss_trial_confirm(ss_trials *r, int32_t policy, ss_hardware kind);
/* Are profiles needed with what streams of broadcast engines do? */
bool ss_trial_lists(const ss_trials *r);
/* Put thresholds, and biases corrected for them, into graph and quantised network; the first node whose tensor they change
 * against `before` goes to *changed (the last node when none does): corrections change only what lies behind it.
 * Briefly: for one look, after which others are put that differ little from those put last in earnest; biases are corrected next to
 * the first change only. */
ss_status ss_trial_put(ss_trials *r, const float *before, const float *thresholds, int32_t *changed);
ss_status ss_trial_put_briefly(ss_trials *r, const float *before, const float *thresholds, int32_t *changed);
/* The design behind the optimised hardware of a point; one more run, when it is not at hand. */
ss_status ss_trial_design(ss_trials *r, int32_t point, ss_design **out);
/* One run over the test split under the thresholds of a point. */
ss_status ss_trial_test(ss_trials *r, int32_t point, float *scores, ss_test_result *out);

json_t *ss_study_settings(const ss_study *s); /* store.c: what a study was asked; NULL: out of memory */

/* The policies: propose until there is nothing left to gain. */
ss_status ss_policy_uniform(ss_trials *r);
ss_status ss_policy_latency_aware(ss_trials *r);
ss_status ss_policy_greedy_gain(ss_trials *r);

#endif
