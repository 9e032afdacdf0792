/* choice: the multiple-choice knapsack inside the exploration: one option per group so that the sums of all
 * resources fit their budgets. Knows nothing of networks.
 *
 * Method
 *  - Relaxation: for weights w >= 0, sum over groups of min w.r > w.budget proves that nothing fits. The best
 *    weights are the dual of the linear relaxation, solved by the simplex method over six rows with columns
 *    generated on demand (Dantzig-Wolfe).
 *  - Search: the fractional choice is rounded and repaired; where that fails, depth first with the reduced
 * costs of the relaxation as bound, for a while; where that ends open, the options of one group are split in
 * two and both halves are visited in the same way, up to a limit of nodes. So the answer is yes (with the
 * choice), no (proven) or open.
 *  - Every "no" rests on weights alone, summed in double with a margin of 1e-9, whatever the simplex method
 * did. Resource counts are integers held in doubles: their sums are exact. Everything is deterministic.
 */
#ifndef SS_CHOICE_H
#define SS_CHOICE_H

#include "device/device.h"

typedef struct ss_option {
    double r[SS_RES_COUNT]; /* whole numbers */
    int32_t id;             /* the caller's */
} ss_option;

typedef struct ss_group {
    const ss_option *options;
    int32_t n;
} ss_group;

/* Options are pruned: none exceeds a budget alone. A group without options makes the answer no, without
 * weights. */
typedef struct ss_choice_problem {
    const ss_group *groups;
    int32_t n;
    double budget[SS_RES_COUNT];
} ss_choice_problem;

typedef enum ss_answer { SS_FITS_NOT, SS_FITS, SS_FITS_OPEN } ss_answer;

/* What the relaxation says. weights: per unit of resource over its budget, >= 0, sum 1: the share of each
 * resource in what binds. load: the largest fraction of a budget that the best fractional choice needs (an
 * upper bound of the optimum). fits: load <= 1. */
typedef struct ss_relaxation {
    bool fits_not;
    double weights[SS_RES_COUNT];
    double bound; /* proven: no choice keeps every resource below bound * budget */
    double load;
} ss_relaxation;

typedef struct ss_chooser ss_chooser; /* scratch memory, reused from problem to problem */
ss_status ss_chooser_new(ss_ctx *ctx, int32_t max_groups, ss_chooser **out);
void ss_chooser_free(ss_chooser *c);
bool ss_chooser_failed(const ss_chooser *c); /* memory ran out in a question since it was made */

/* Drop, in place, the options that exceed a budget alone or that another one dominates (no more of anything);
 * returns how many are left. Of equal options the one with the smallest id stays. Order: ascending LUT, then
 * the others, then id. */
int32_t ss_option_prune(ss_option *o, int32_t n, const double budget[SS_RES_COUNT]);

/* The relaxation alone. `quick` stops as soon as fits or fits_not is known. */
void ss_choice_relax(ss_chooser *c, const ss_choice_problem *p, bool quick, ss_relaxation *out);
/* The full question; pick[n] receives option indices when it fits. nodes: the limit of the tree, >= 1. out:
 * at its root. */
ss_answer ss_choice_solve(ss_chooser *c, const ss_choice_problem *p, int64_t nodes, int32_t *pick,
                          ss_relaxation *out);
/* Of a choice that fits, a choice that fits with a smaller sum of utilisations (resource / budget): local
 * search over single and paired exchanges. */
void ss_choice_improve(ss_chooser *c, const ss_choice_problem *p, const double weights[SS_RES_COUNT],
                       int32_t *pick);

#endif
