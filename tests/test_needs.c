/* What nodes need at an interval, and the knapsack over it: against explorations and against enumeration. */
#include "explore/needs.h"
#include "threshold/knapsack.h"
#include "util_explore.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- knapsack ---- */

enum { GROUPS = 6, OPTIONS = 4, CHOICES = 4096 };

/* Least cost of all ways; INFINITY: none fits. */
static double enumerate(const double *need, const double *cost, double room) {
    double best = INFINITY;
    for (int way = 0; way < CHOICES; way++) {
        double needs = 0, costs = 0;
        for (int g = 0, rest = way; g < GROUPS; g++, rest /= OPTIONS) {
            needs += need[g * OPTIONS + rest % OPTIONS];
            costs += cost[g * OPTIONS + rest % OPTIONS];
        }
        if (needs <= room && costs < best) best = costs;
    }
    return best;
}

static void knapsack_finds_the_least(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    ss_knapsack *k;
    util_rng r = { 5 };
    int fits = 0, infinite = 0;
    assert_int_equal(ss_knapsack_new(ctx, GROUPS, OPTIONS, &k), SS_OK);
    for (int round = 0; round < 200; round++) {
        double need[GROUPS * OPTIONS], cost[GROUPS * OPTIONS], needs = 0, costs = 0;
        for (int i = 0; i < GROUPS * OPTIONS; i++) {
            need[i] = (double)util_rng_int(&r, 0, 49) / 100;
            cost[i] = (double)util_rng_int(&r, 0, 2000) - 1000;
            if (util_rng_int(&r, 0, 5) == 0) *(util_rng_int(&r, 0, 1) ? &need[i] : &cost[i]) = INFINITY;
        }
        const double room = (double)util_rng_int(&r, 0, 249) / 100 + 0.005; /* no sum lies at the edge */
        int8_t pick[GROUPS];
        memset(pick, 77, sizeof pick);
        const double best = enumerate(need, cost, room);
        /* Rounding up may take away what fills more than all but GROUPS parts of the room. */
        const double sure = enumerate(need, cost, room * (1 - (double)GROUPS / SS_KNAPSACK_PARTS));
        if (!ss_knapsack_solve(k, need, cost, room, pick)) {
            assert_true(best == INFINITY && pick[0] == 77);
            infinite++;
            continue;
        }
        for (int g = 0; g < GROUPS; g++) {
            needs += need[g * OPTIONS + pick[g]];
            costs += cost[g * OPTIONS + pick[g]];
        }
        assert_true(needs <= room && costs >= best && costs <= sure);
        fits++;
    }
    assert_true(fits > 50 && infinite > 5);
    ss_knapsack_free(k);
    ss_ctx_free(ctx);
}

/* ---- needs ---- */

static double load_at(ss_needs *n, const ss_partition *p, const int8_t *profile_of, double interval) {
    double weights[SS_RES_COUNT], load, sum = 0, needs = 0;
    assert_int_equal(ss_needs_load(n, p->first, p->last, profile_of, interval, weights, &load), SS_OK);
    if (!(load < INFINITY)) return load;
    for (int k = 0; k < SS_RES_COUNT; k++) {
        assert_true(weights[k] >= 0);
        sum += weights[k];
    }
    for (int32_t i = p->first; i <= p->last; i++) needs += ss_needs_of(n, profile_of[i], i, interval, weights);
    assert_true(fabs(sum - 1) < 1e-9 && fabs(needs - load) < 1e-6 * load);
    return load;
}

/* An explored design fits at its interval; what is proven out of reach has a load above one; with sparser nodes loads are lower, the more
 * of them there are. */
static void loads_agree_with_exploration(void **state) {
    (void)state;
    const ss_explore_opts opts = { .batch = 1000000, .target_gap = 0.001, .max_partitions = 1, .bits = 16 };
    const ss_cost_opts cost = { .bits = 16 };
    for (uint32_t seed = 0; seed < 6; seed++) {
        ss_ctx *ctx = ss_ctx_new();
        util_case u;
        assert_true(util_case_open(&u, ctx, util_straight_net(ctx, 4, seed), util_device(4 + seed, seed % 2), 0.3));
        ss_profile *sparse;
        assert_int_equal(ss_profile_assume(ctx, u.g, 0.7, 16, &sparse), SS_OK);
        ss_design *d = util_case_explore(&u, opts);
        assert_non_null(d);
        const ss_partition *p = &d->partitions[0];
        const ss_profile *both[2] = { u.p, sparse };
        ss_needs *n;
        assert_int_equal(ss_needs_new(ctx, u.g, both, 2, &u.dev, cost, &n), SS_OK);
        int8_t of[64] = { 0 };
        assert_true(u.g->n <= 64 && load_at(n, p, of, p->target) <= 1 + 1e-9);
        if (p->bound < p->interval) assert_true(load_at(n, p, of, p->bound * 0.98) > 1);
        double last = load_at(n, p, of, p->target);
        const double first = last;
        for (int32_t i = p->last; i >= p->first; i--) {
            of[i] = 1;
            const double load = load_at(n, p, of, p->target);
            assert_true(load <= last * (1 + 1e-6));
            last = load;
        }
        assert_true(last < first);
        ss_needs_free(n);
        ss_profile_free(sparse);
        ss_design_free(d);
        util_case_close(&u);
        ss_ctx_free(ctx);
    }
}

static bool ask(ss_ctx *ctx) {
    const ss_cost_opts cost = { .bits = 16 };
    util_case u;
    if (!util_case_open(&u, ctx, util_straight_net(ctx, 2, 1), util_device(4, false), 0.3)) return false;
    const ss_profile *both[2] = { u.p, u.p };
    const int8_t of[64] = { 0 };
    double weights[SS_RES_COUNT], load;
    ss_needs *n = NULL;
    ss_knapsack *k = NULL;
    ss_status s = ss_needs_new(ctx, u.g, both, 2, &u.dev, cost, &n);
    if (s == SS_OK) s = ss_needs_load(n, 0, u.g->n - 1, of, 1e5, weights, &load);
    if (s == SS_OK) s = ss_knapsack_new(ctx, GROUPS, OPTIONS, &k);
    ss_knapsack_free(k);
    ss_needs_free(n);
    util_case_close(&u);
    return s == SS_OK;
}

static void memory_may_run_out(void **state) {
    (void)state;
    assert_true(util_oom_sweep(ask));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knapsack_finds_the_least),
        cmocka_unit_test(loads_agree_with_exploration),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
