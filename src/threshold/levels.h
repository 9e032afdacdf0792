/* levels: which thresholds to move, and how far, so that hardware keeps up with a shorter interval and accuracy suffers least. For
 * threshold/ only.
 *
 * Every ReLU may stand at one of SS_LEVELS thresholds around the present one. Of each level it is known how it alone changes the
 * divergence, and what the convolutions that it feeds then count. Of a partition and an interval this asks:
 *
 *     least sum of divergences, so that the partition's nodes keep up with the interval.
 *
 * Baseline hardware keeps up when every node does, each for itself. Optimised hardware does when needs (explore/needs.h) sum to
 * no more than the device: a knapsack with one item of each group, solved by dynamic programming. Its weights are those of the
 * relaxation at the present levels; what comes out is relaxed again, and where it does not fit, weights in between are tried. So the
 * leaps of foldings count: a ReLU goes no higher than to where its convolutions get by with fewer multipliers.
 *
 * From the interval of the present design, intervals shrink step by step; each has its rung. Several partitions: always that one goes on that
 * gains most cycles for its divergence.
 */
#ifndef SS_LEVELS_H
#define SS_LEVELS_H

#include "threshold/probe.h"

#define SS_LEVELS 9 /* four steps down to four up */
#define SS_LEVEL_STAYS 4

typedef struct ss_levels {
    const ss_probe *probe; /* stands at the level that stays */
    int32_t n;             /* ReLUs */
    const bool *feeds;     /* [n][g->n]: ReLU, convolution */
    double (*cost)[SS_LEVELS]; /* [n]: change of divergence; INFINITY: no such level */
    const ss_profile *profiles[SS_LEVELS]; /* all ReLUs at that level, those without it as they are */
} ss_levels;

typedef struct ss_rung {
    int8_t *level; /* [n]: 0..SS_LEVELS-1 */
    double cost;   /* of all together */
    double cycles; /* an image, over the partitions; predicted */
} ss_rung;

/* The rungs, by falling cycles: [*n], of the arena, as is *out. */
ss_status ss_levels_climb(const ss_levels *l, ss_arena *arena, ss_rung **out, int32_t *n);

#endif
