/* knapsack: of every group one option, so that needs sum to no more than there is room for and costs are least. For threshold/ only.
 *
 * Dynamic programming over room in SS_KNAPSACK_PARTS parts; a need counts in whole parts, rounded up, so that what is found fits. It
 * is the best but for that rounding. Costs may be negative. INFINITY as cost or need: not an option.
 */
#ifndef SS_KNAPSACK_H
#define SS_KNAPSACK_H

#include "base/base.h"

#define SS_KNAPSACK_PARTS 1000

typedef struct ss_knapsack ss_knapsack; /* memory, reused from question to question */

ss_status ss_knapsack_new(ss_ctx *ctx, int32_t groups, int32_t options, ss_knapsack **out);
void ss_knapsack_free(ss_knapsack *k);
/* need, cost: [groups][options]. pick: [groups], the options taken. false: nothing fits, and pick is as it was. */
bool ss_knapsack_solve(ss_knapsack *k, const double *need, const double *cost, double room, int8_t *pick);

#endif
