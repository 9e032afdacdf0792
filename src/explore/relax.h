/* relax: the linear relaxation of the multiple-choice knapsack, with its fractional solution. Inside of
 * choice. */
#ifndef SS_RELAX_H
#define SS_RELAX_H

#include "explore/choice.h"

#define SS_BASIS (SS_RES_COUNT + 1)

/* The fractional solution: a convex combination of whole choices. */
typedef struct ss_columns {
    int32_t *pick[SS_BASIS]; /* [groups] each */
    double share[SS_BASIS];  /* 0: not part of it */
} ss_columns;

/* Every group has options, none of which needs a resource whose budget is 0. spare is a seventh array of
 * picks; it changes places with those of the columns. */
void ss_relax(const ss_choice_problem *p, bool quick, ss_columns *cols, int32_t **spare, ss_relaxation *out);
/* Sum over the groups of the smallest w.r; w per unit of resource. pick and sum may be NULL. */
double ss_relax_oracle(const ss_choice_problem *p, const double w[SS_RES_COUNT], int32_t *pick,
                       double sum[SS_RES_COUNT]);

#endif
