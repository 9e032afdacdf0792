/* probe: a cheap look at thresholds, for policies that try many. For threshold/ only.
 *
 * A probe runs few images of the search split, those whose class is least certain at the reference (race.h) where there is
 * a race, and prices the profile on one design: for baseline hardware the reference design, for optimised hardware the
 * design explored for the probe's present state. Two figures come out of it: where the time goes, and the *divergence*: the
 * mean Kullback-Leibler divergence of the class probabilities from those at the reference's thresholds, in nats. Counting
 * errors on a few hundred images says nothing about a loss of a tenth of a point; the divergence, which every image
 * contributes to, does (docs/threshold.md).
 */
#ifndef SS_PROBE_H
#define SS_PROBE_H

#include "explore/needs.h"
#include "threshold/trial.h"

#define SS_PROBE_IMAGES 256

typedef struct ss_probe {
    ss_trials *r;
    ss_hardware kind;
    ss_dataset part, priced;
    ss_replay *replay, *pricing; /* pricing NULL: profiles are of `part` as well */
    ss_profile *profile; /* of the present state, as the next two */
    float *in_force;     /* [n_relus] */
    ss_design *design;   /* fed with `profile` */
    float *scores, *reference_scores;
    double divergence;
} ss_probe;

/* State: the reference's thresholds. apart: profiles are of the images that trials are priced on, where these are others. */
ss_status ss_probe_open(ss_trials *r, ss_hardware kind, bool apart, ss_probe *p);
void ss_probe_close(ss_probe *p);
/* These thresholds become the present state. */
ss_status ss_probe_settle(ss_probe *p, const float *thresholds);
/* What thresholds would give of which few differ from the present state's: the profile, and the divergence. Biases are corrected as by
 * ss_trial_put_briefly; where profiles are apart, what lies behind node `until` counts as in the present state. */
ss_status ss_probe_look(ss_probe *p, const float *thresholds, int32_t until, ss_profile **profile, double *divergence);
/* What a profile makes of the cycles of every node of the present design: [g->n]. */
ss_status ss_probe_cycles(const ss_probe *p, const ss_profile *profile, double *cycles);
/* Images/s of the hardware with such a profile. */
ss_status ss_probe_throughput(const ss_probe *p, const ss_profile *profile, double *out);
/* What the hardware that is explored for them needs under such profiles: [n]. */
ss_status ss_probe_needs(const ss_probe *p, const ss_profile *const *profiles, int32_t n, ss_needs **out);

/* The ReLUs through which `node` gets its zeros: that of its input, or, through forks, additions, concatenations, pools,
 * slices and pads, those before. used[i] is set for ReLU i (study order). Returns how many. */
int32_t ss_feeding_relus(const ss_trials *r, int32_t node, bool *used);

#endif
