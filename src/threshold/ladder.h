/* ladder: from one place, the thresholds that had best move together. For threshold/ only.
 *
 * Every ReLU is looked at alone, up to four steps up and down (at every second; what lies between is taken as the mean): by a probe,
 * which says how the divergence changes and what the convolutions that the ReLU feeds count. Divergences of several moves add up; and
 * the profile of several moves is put together from those of each, convolution by convolution, so that it is known without
 * another run what hardware would give. For ever shorter intervals those moves are chosen with which the hardware keeps up and the divergence is
 * least (levels.h). They are explored, and what promises to be faster than what is known is the ladder.
 */
#ifndef SS_LADDER_H
#define SS_LADDER_H

#include "threshold/walk.h"

/* The walk's probe stands at w->now. p becomes the ladder from there: w->now, then thresholds that promise to be faster than `least`
 * (images/s), with rising divergence, all near the budget. *start: the last of them that diverges no more than budget; at the least 1. Nothing
 * promises to be faster: p->n is 1. */
ss_status ss_ladder_build(ss_walk *w, double step, double budget, double least, ss_path *p, int32_t *start);

#endif
