/* The greedy-gain policy: from the fastest point of the study so far, thresholds are exchanged, round after round: those whose
 * lowering buys much accuracy for little time go down, others up in their place, all that pay at once (ladder.h). The divergence of that
 * point, and as much more as its loss leaves room for, is the budget. A round ends with trials on its ladder; the next begins at the fastest
 * point again. A round that gained nothing is followed by one of half the step, and that one is the last.
 *
 * When no other policy is studied, it first looks for one threshold for all, as uniform does: a good place to begin.
 */
#include "threshold/ladder.h"

#include <string.h>

#define ROUNDS 6
#define STEPS 6  /* to the mean threshold: what suits one network is much or nothing for another */
#define ROOM 1.5 /* times what the best point diverges, at the most, where it loses less than it may */

/* The fastest point within the loss so far, whichever policy found it; the reference at the least. */
static int32_t best_so_far(const ss_walk *w) {
    const ss_study *s = w->r->study;
    const ss_hardware k = w->probe.kind;
    int32_t best = 0;
    for (int32_t i = 1; i < s->n_points; i++)
        if (ss_study_within(s, &s->points[i]) && s->points[i].hw[k].throughput > s->points[best].hw[k].throughput) best = i;
    return best;
}

/* The best point becomes this policy's as well; the probe goes there. */
static ss_status begin(ss_walk *w, int32_t best) {
    const ss_study_point *pt = &w->r->study->points[best];
    const bool own = best == 0 || (pt->policy == w->r->policy && pt->walk == w->r->walk);
    int32_t index;
    memcpy(w->now, pt->thresholds, (size_t)w->r->study->n_relus * sizeof *w->now);
    if (!own && ss_trial(w->r, w->taken++, w->now, &index) != SS_OK) return SS_BAD;
    return ss_probe_settle(&w->probe, w->now);
}

/* Loss grows about as the divergence does. */
static double room_of(const ss_study *s, int32_t point) {
    const ss_study_point *pt = &s->points[point];
    const double loss = s->opts.safe ? pt->loss_hi : pt->loss, most = s->opts.max_loss;
    return loss * ROOM <= most ? ROOM : most / loss;
}

static double step_of(const ss_walk *w) {
    const int32_t n = w->r->study->n_relus;
    double sum = 0;
    for (int32_t i = 0; i < n; i++) sum += (double)w->now[i];
    return sum > 0 ? sum / n / STEPS : w->r->study->opts.step;
}

static ss_status round_of(ss_walk *w, double step, int32_t best) {
    const ss_study *s = w->r->study;
    ss_path p = { 0 };
    int32_t start;
    const double budget = w->probe.divergence * room_of(s, best), least = s->points[best].hw[w->probe.kind].throughput;
    ss_status status = ss_ladder_build(w, step, budget, least, &p, &start);
    if (status == SS_OK) status = ss_walk_climb(w, &p, start);
    ss_path_free(w, &p);
    return status;
}

static ss_status exchange(ss_walk *w) {
    bool idle = false;
    double reached = 0;
    for (int32_t i = 0; i < ROUNDS; i++) {
        if (ss_trial_confirm(w->r, -1, w->probe.kind) != SS_OK) return SS_BAD;
        const int32_t best = best_so_far(w);
        const double now = w->r->study->points[best].hw[w->probe.kind].throughput;
        if (idle && now <= reached) break;
        idle = now <= reached;
        reached = now;
        if (begin(w, best) != SS_OK) return SS_BAD;
        if (round_of(w, idle ? step_of(w) / 2 : step_of(w), best) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

ss_status ss_policy_greedy_gain(ss_trials *r) {
    if ((r->study->opts.policies & ~(1u << SS_POLICY_GREEDY)) == 0 && ss_policy_uniform(r) != SS_OK) return SS_BAD;
    return ss_walk_each(r, true, exchange);
}
