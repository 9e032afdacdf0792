/* exchange: local search over a choice: swap one group's option, or two groups' together, while that helps.
 * Helping means less excess over the budgets, then a smaller sum of utilisations. Inside of choice. */
#ifndef SS_EXCHANGE_H
#define SS_EXCHANGE_H

#include "explore/choice.h"

/* Exchanges until everything fits; false when stuck, with pick as far as it came. */
bool ss_exchange_repair(const ss_choice_problem *p, int32_t *pick, bool pairs);

/* Of a choice that fits, one that fits with a smaller sum of utilisations. trial: scratch, [groups]. */
void ss_exchange_improve(const ss_choice_problem *p, const double weights[SS_RES_COUNT], int32_t *trial,
                         int32_t *pick);

#endif
