/* needs: what the nodes of one network need of a device to keep up with an interval, under several profiles side by side: each node under
 * the profile that the caller names. For searches that weigh profiles node by node before anything is explored (threshold/).
 *
 * A *need* is a weighted share of the device: the sum over resources of weight * use / budget, least over the configurations of at
 * most so many cycles; weights sum to 1. Needs of the nodes of a partition add up; under the weights of the linear
 * relaxation (choice.h) their sum is its load: above 1 nothing fits, at 1 or less a design usually does.
 */
#ifndef SS_NEEDS_H
#define SS_NEEDS_H

#include "explore/explore.h"

typedef struct ss_needs ss_needs;

/* profiles [n]: measured on g, channels in one order; they, g and dev must outlive it. cost.engines and cost.bits count. */
ss_status ss_needs_new(ss_ctx *ctx, const ss_graph *g, const ss_profile *const *profiles, int32_t n, const ss_device *dev,
                       ss_cost_opts cost, ss_needs **out);
void ss_needs_free(ss_needs *n);
/* INFINITY: no configuration is as fast, or memory ran out, which ss_needs_load reports. */
double ss_needs_of(ss_needs *n, int32_t profile, int32_t node, double interval, const double weights[SS_RES_COUNT]);
/* The load of nodes first..last at an interval, node i under profile profile_of[i], and the weights that it was found with. INFINITY:
 * some node is not as fast. */
ss_status ss_needs_load(ss_needs *n, int32_t first, int32_t last, const int8_t *profile_of, double interval,
                        double weights[SS_RES_COUNT], double *load);

#endif
