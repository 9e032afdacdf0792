/* quickest: the least latency of one image through a range of nodes that is one partition.
 *
 * Latency is no sum of cycles: a node counts in proportion to the part of its image that later nodes wait for, which
 * differs from node to node and with the choice itself (cost/latency.c). So every node may take a time of its own, while
 * streams are sized for one interval, as everywhere: the lane counts that there are give a short list of those.
 *
 * Method, for each of them and for several limits to what one node may take (since all behind the slowest node wait for
 * its pixels, a cycle there costs more than anywhere else)
 *  - Prices: every node takes the configuration of least slope * cycles + slope * depth + sum of price * resource. Prices
 *    rise where a budget is exceeded and fall where it is not (multiplicative weights); slopes, what a cycle less at each
 *    node brings, are those of the choice so made, averaged over the rounds, since the critical path jumps.
 *  - What exceeds a budget is repaired by the exchanges that cost least latency for what they free.
 *  - The best of these starts: exchanges by the latency itself, of one node, then of a node that gets faster with one that
 *    pays for it; of equal latency, what takes less. Then again from choices near the best.
 * Invariant: a design that fits is held throughout and only ever replaced by one of less latency. Deterministic. */
#ifndef SS_QUICKEST_H
#define SS_QUICKEST_H

#include "explore/explore.h"

/* p: a design that fits, of nodes p->first..p->last. It becomes the one of least latency found among those whose nodes
 * take at most `most` cycles; the arena owns what it is made of. */
ss_status ss_quickest(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, const ss_device *dev, double most, ss_arena *arena,
                      ss_partition *p);

#endif
