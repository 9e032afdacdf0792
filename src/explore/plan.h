/* plan: where to cut the network into partitions.
 *
 * A cut is legal after a node where exactly one tensor crosses, so residual blocks stay whole; the nodes
 * between two neighbouring cuts are a block. The best plan is the shortest path over blocks, a range of
 * blocks costing its seconds for the batch. Ranges are known by proven lower bounds at first; the shortest
 * path under what is known is sharpened range by range until all of it is solved: then no other plan can be
 * better than its bound, and most ranges were never looked at closely.
 */
#ifndef SS_PLAN_H
#define SS_PLAN_H

#include "explore/space.h"

typedef struct ss_plan {
    int32_t n;            /* partitions */
    ss_partition **parts; /* in order; owned by the space */
    double seconds;       /* of the batch */
    double bound;         /* proven: no plan takes fewer seconds */
} ss_plan;

/* First node of every block, ascending, into out[g->n]; returns how many. */
int32_t ss_plan_blocks(const ss_graph *g, int32_t *out);
/* Nothing fits: an error for every block that does not, or, in a space of dense engines, only an empty plan.
 */
ss_status ss_plan_make(ss_space *s, int64_t batch, int32_t max_partitions, ss_plan *out);

#endif
