/* ladder: from one place, the thresholds that had best move together. For threshold/ only.
 *
 * Every ReLU is looked at alone, one step up and one step down: by a probe, which says how the divergence changes, what becomes
 * of the cycles of every node, and what the convolutions that it feeds count. Divergences of several moves add up; cycles
 * multiply; and the profile of several moves is put together from those of each, convolution by convolution, so that
 * exploration can say what the hardware would give without another run. Thresholds that each are at most one step
 * off are then ordered twice: from all down to all up, always the ReLU next that saves the most time for its divergence,
 * with time taken as either measure (probe.h). Of all states on these two ways those stay that are predicted to be faster
 * than all with less divergence: the ladder.
 */
#ifndef SS_LADDER_H
#define SS_LADDER_H

#include "threshold/walk.h"

/* The walk's probe stands at w->now. p becomes the ladder from there: w->now, then thresholds predicted to be faster than `least`
 * (images/s), with rising divergence. *start: the last of them predicted to diverge no more than budget; at the least 1. w->now becomes the
 * state within the budget that saves the most time by the measure that counts: where to look next, though exploration may not turn it into
 * speed yet. Nothing promises to be faster: p->n is 1, and w->now stays. */
ss_status ss_ladder_build(ss_walk *w, double step, double budget, double least, ss_path *p, int32_t *start);

#endif
