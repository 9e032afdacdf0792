/* The greedy-gain policy: from the fastest point of the study so far, thresholds are exchanged, round after round: those whose
 * lowering buys much accuracy for little time go down, others up in their place, all that pay at once (ladder.h). The divergence of that
 * point is the budget. A round ends with trials on its ladder; the next goes on from where the time that its measure knows of is least, for
 * exploration turns what many thresholds save into speed in leaps. The last begins at the fastest point again.
 *
 * When no other policy is studied, it first looks for one threshold for all, as uniform does: a good place to begin.
 */
#include "threshold/ladder.h"

#include <string.h>

#define ROUNDS 3
#define ROOM 1.5 /* times what the best point diverges, at the most, where it loses less than it may */
static const double strides[ROUNDS] = { 2, 2, 1 }; /* times the study's step */

/* The fastest point within the loss so far, whichever policy found it; the reference at the least. */
static int32_t best_so_far(const ss_walk *w) {
    const ss_study *s = w->r->study;
    const ss_hardware k = w->probe.kind;
    int32_t best = 0;
    for (int32_t i = 1; i < s->n_points; i++)
        if (ss_study_within(s, &s->points[i]) && s->points[i].hw[k].throughput > s->points[best].hw[k].throughput) best = i;
    return best;
}

/* The best point is this policy's as well; the probe goes there. */
static ss_status begin(ss_walk *w, int32_t best) {
    int32_t index;
    memcpy(w->now, w->r->study->points[best].thresholds, (size_t)w->r->study->n_relus * sizeof *w->now);
    if (best > 0 && ss_trial(w->r, w->taken++, w->now, &index) != SS_OK) return SS_BAD;
    return ss_probe_settle(&w->probe, w->now);
}

/* Loss grows about as the divergence does. */
static double room_of(const ss_study *s, int32_t point) {
    const ss_study_point *pt = &s->points[point];
    const double loss = s->opts.safe ? pt->loss_hi : pt->loss, most = s->opts.max_loss;
    return loss * ROOM <= most ? ROOM : most / loss;
}

/* *done: no threshold would move. */
static ss_status round_of(ss_walk *w, double step, double budget, double least, bool *done) {
    ss_path p = { 0 };
    const size_t row = (size_t)w->r->study->n_relus * sizeof *w->now;
    int32_t start;
    ss_status s = ss_ladder_build(w, step, budget, least, &p, &start);
    *done = s == SS_OK && memcmp(w->now, p.at, row) == 0;
    if (s == SS_OK) s = ss_walk_climb(w, &p, start);
    ss_path_free(w, &p);
    return s == SS_OK && !*done ? ss_probe_settle(&w->probe, w->now) : s;
}

static ss_status exchange(ss_walk *w) {
    double budget = 0;
    int32_t from = -1;
    bool done = true;
    for (int32_t i = 0; i < ROUNDS; i++) {
        if (done || i == ROUNDS - 1) {
            if (ss_trial_confirm(w->r, -1, w->probe.kind) != SS_OK) return SS_BAD;
            const int32_t best = best_so_far(w);
            if (done && best == from) break; /* nothing would move from there */
            if (begin(w, best) != SS_OK) return SS_BAD;
            from = best;
            budget = w->probe.divergence * room_of(w->r->study, best);
        }
        const double least = w->r->study->points[best_so_far(w)].hw[w->probe.kind].throughput;
        if (round_of(w, strides[i] * w->r->study->opts.step, budget, least, &done) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

ss_status ss_policy_greedy_gain(ss_trials *r) {
    if ((r->study->opts.policies & ~(1u << SS_POLICY_GREEDY)) == 0 && ss_policy_uniform(r) != SS_OK) return SS_BAD;
    return ss_walk_each(r, exchange);
}
