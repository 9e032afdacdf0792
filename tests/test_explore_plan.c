/* Intervals and partitionings against enumeration of everything, on networks and devices small enough for
 * that. */
#include "explore/plan.h"
#include "explore/figures.h"
#include "util_explore.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_CONFIGS 4096

/* ---- one segment: every target, every combination of configurations ---- */

typedef struct brute {
    const util_case *u;
    int32_t first, last;
    ss_config *configs[16];
    int n[16];
} brute;

static bool fits_from(const brute *b, int32_t i, ss_resources used) {
    if (i > b->last) return true;
    for (int j = 0; j < b->n[i]; j++) {
        ss_resources next = used;
        bool ok = true;
        for (int k = 0; k < SS_RES_COUNT; k++) {
            next.r[k] += b->configs[i][j].res.r[k];
            ok = ok && next.r[k] <= ss_device_budget(&b->u->dev, (ss_res)k);
        }
        if (ok && fits_from(b, i + 1, next)) return true;
    }
    return false;
}

static int by_value(const void *pa, const void *pb) {
    double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

/* The smallest target with any design that fits; INFINITY when there is none. */
static double smallest_interval(const util_case *u, int32_t first, int32_t last) {
    brute b = { .u = u, .first = first, .last = last };
    double *targets = malloc(16 * MAX_CONFIGS * sizeof *targets), best = INFINITY;
    int n = 0;
    for (int32_t i = first; i <= last; i++) {
        n += ss_cost_cycle_steps(u->c, i, targets + n, MAX_CONFIGS);
        b.configs[i] = malloc(MAX_CONFIGS * sizeof **b.configs);
    }
    qsort(targets, (size_t)n, sizeof *targets, by_value);
    for (int t = 0; t < n && best == INFINITY; t++) {
        for (int32_t i = first; i <= last; i++)
            b.n[i] = ss_cost_configs(u->c, i, targets[t], b.configs[i], MAX_CONFIGS);
        if (fits_from(&b, first, ss_cost_partition_overhead(u->c))) best = targets[t];
    }
    for (int32_t i = first; i <= last; i++) free(b.configs[i]);
    free(targets);
    return best;
}

static void test_segment_against_enumeration(void **state) {
    (void)state;
    int found = 0, none = 0;
    for (uint32_t seed = 0; seed < 24; seed++) {
        ss_ctx *ctx = ss_ctx_new();
        util_case u;
        ss_space *s;
        ss_segment r;
        ss_device dev = util_device(0.04 + 0.012 * seed, seed % 3 == 0);
        if (seed % 4 == 1) dev.total.r[SS_LUT] = 6500 + 150 * seed;
        assert_true(util_case_open(&u, ctx, util_short_net(ctx, seed), dev, seed % 2 ? 0.5 : -1));
        assert_int_equal(
            ss_space_new(ctx, u.c, u.g, &u.dev, (ss_explore_opts){ .batch = 256, .bits = 16 }, false, &s),
            SS_OK);
        ss_segment_init(s, 0, u.g->n - 1, &r);
        assert_int_equal(ss_segment_solve(s, &r), SS_OK);
        double best = smallest_interval(&u, 0, u.g->n - 1);
        if (best == INFINITY) {
            assert_null(r.design);
            assert_true(r.impossible);
            none++;
        } else {
            assert_non_null(r.design);
            assert_true(r.low <= best * (1 + 1e-12));
            assert_true(r.design->interval >= best * (1 - 1e-12));
            assert_true(r.design->interval <= best * 1.0000001); /* small enough to be solved exactly */
            for (int k = 0; k < SS_RES_COUNT; k++)
                assert_true(r.design->res.r[k] <= ss_device_budget(&u.dev, (ss_res)k));
            found++;
        }
        ss_space_free(s);
        util_case_close(&u);
        ss_ctx_free(ctx);
    }
    assert_true(found >= 8 && none >= 2);
}

/* What tables by band rest on: configurations of a smaller interval come first at a larger one, in the same
 * order, and cost the same within a band. */
static void test_configs_in_order(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    util_case u;
    static ss_config a[MAX_CONFIGS], b[MAX_CONFIGS];
    assert_true(util_case_open(&u, ctx, util_straight_net(ctx, 2, 3), util_device(4, true), 0.5));
    for (int32_t i = 0; i < u.g->n; i++) {
        double steps[MAX_CONFIGS];
        int n = ss_cost_cycle_steps(u.c, i, steps, MAX_CONFIGS);
        for (int t = 0; t + 1 < n; t++) {
            int na = ss_cost_configs(u.c, i, steps[t], a, MAX_CONFIGS);
            int nb = ss_cost_configs(u.c, i, steps[t + 1], b, MAX_CONFIGS);
            assert_true(na >= 1 && na <= nb && nb <= MAX_CONFIGS);
            for (int j = 0; j < na; j++) {
                assert_true(a[j].engine == b[j].engine && a[j].gr == b[j].gr && a[j].ci == b[j].ci);
                assert_true(a[j].co == b[j].co && a[j].m == b[j].m && a[j].memory == b[j].memory);
                bool same_lanes = a[j].lanes_in == b[j].lanes_in && a[j].lanes_out == b[j].lanes_out;
                if (same_lanes && u.g->nodes[i].n_in <= 1)
                    assert_memory_equal(&a[j].res, &b[j].res, sizeof a[j].res);
            }
        }
    }
    util_case_close(&u);
    ss_ctx_free(ctx);
}

static bool no_more(const ss_config *a, const ss_config *b) {
    bool less = a->cycles <= b->cycles;
    for (int k = 0; k < SS_RES_COUNT; k++) less = less && a->res.r[k] <= b->res.r[k];
    return less;
}

static bool same_folding(const ss_config *a, const ss_config *b) {
    return a->engine == b->engine && a->gr == b->gr && a->ci == b->ci && a->co == b->co && a->m == b->m &&
           a->memory == b->memory && a->pixels == b->pixels;
}

/* What is left out is undercut, and what is listed has the least of its figures at all intervals. */
static void check_useful(const util_case *u, int32_t node, bool dense, const double *intervals, int count) {
    static ss_config all[MAX_CONFIGS], useful[MAX_CONFIGS], one[MAX_CONFIGS];
    const int last = ss_cost_configs(u->c, node, intervals[count - 1], all, MAX_CONFIGS);
    const int n = ss_cost_useful(u->c, node, dense, &intervals[count - 1], 1, one, MAX_CONFIGS);
    assert_int_equal(n, ss_cost_useful(u->c, node, dense, intervals, count, useful, MAX_CONFIGS));
    assert_int_equal(n, ss_cost_useful(u->c, node, dense, intervals, count, NULL, 0));
    for (int i = 0; i < last; i++) {
        bool wanted = !dense || all[i].engine == SS_ENGINE_DENSE || all[i].engine == SS_ENGINE_NONE, undercut = !wanted;
        for (int j = 0; j < n && !undercut; j++) undercut = no_more(&one[j], &all[i]);
        assert_true(undercut);
    }
    for (int t = 0; t < count; t++) {
        const int listed = ss_cost_configs(u->c, node, intervals[t], all, MAX_CONFIGS);
        for (int i = 0; i < listed; i++)
            for (int j = 0; j < n; j++) {
                if (!same_folding(&all[i], &one[j])) continue;
                one[j].cycles = fmin(one[j].cycles, all[i].cycles);
                for (int k = 0; k < SS_RES_COUNT; k++)
                    if (all[i].res.r[k] < one[j].res.r[k]) one[j].res.r[k] = all[i].res.r[k];
            }
    }
    for (int j = 0; j < n; j++) {
        assert_true(same_folding(&one[j], &useful[j]) && one[j].cycles == useful[j].cycles);
        assert_memory_equal(&one[j].res, &useful[j].res, sizeof one[j].res);
    }
}

static void test_useful_configs(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    util_case u;
    assert_true(util_case_open(&u, ctx, util_straight_net(ctx, 2, 3), util_device(4, true), 0.5));
    for (int32_t i = 0; i < u.g->n; i++) {
        double steps[MAX_CONFIGS];
        int n = ss_cost_cycle_steps(u.c, i, steps, MAX_CONFIGS);
        const double some[] = { 0.9 * steps[0], steps[0], steps[n / 3], steps[n / 2], steps[n - 1] };
        for (int count = 2; count <= 5; count += 3) {
            check_useful(&u, i, false, some, count);
            check_useful(&u, i, true, some, count);
        }
    }
    util_case_close(&u);
    ss_ctx_free(ctx);
}

/* ---- partitions: every set of cuts ---- */

static double seconds_of_cuts(ss_space *s, const util_case *u, const int32_t *first, int32_t n, unsigned cuts,
                              int64_t batch) {
    double sum = 0;
    int32_t start = 0;
    for (int32_t b = 1; b <= n; b++) {
        ss_segment r;
        if (b < n && !(cuts >> (b - 1) & 1)) continue;
        ss_segment_init(s, first[start], (b < n ? first[b] : u->g->n) - 1, &r);
        assert_int_equal(ss_segment_solve(s, &r), SS_OK);
        if (!r.design) return INFINITY;
        sum += ss_partition_seconds(u->c, r.design, batch, cuts != 0);
        start = b;
    }
    return sum;
}

static int bits_set(unsigned x) {
    int n = 0;
    for (; x; x >>= 1) n += (int)(x & 1);
    return n;
}

static void test_plan_against_all_cuts(void **state) {
    (void)state;
    int several = 0;
    for (int t = 0; t < 12; t++) {
        ss_ctx *ctx = ss_ctx_new();
        util_case u;
        ss_space *s;
        ss_plan plan;
        int32_t first[32], most = t % 4 == 3 ? 2 : 0;
        int64_t batch = t % 2 ? 256 : 100000;
        ss_device dev = util_device(0.5 + 0.25 * (t % 3), t % 2);
        dev.reconfiguration_s = t % 3 ? 1e-5 : 1e-2;
        ss_explore_opts opts = { .batch = batch, .target_gap = 0.02, .bits = 16 };
        assert_true(util_case_open(&u, ctx, util_straight_net(ctx, 4, (uint32_t)t), dev, 0.5));
        assert_int_equal(ss_space_new(ctx, u.c, u.g, &u.dev, opts, false, &s), SS_OK);
        int32_t n = ss_plan_blocks(u.g, first);
        assert_true(n >= 4 && n <= 8);
        double best = INFINITY;
        for (unsigned cuts = 0; cuts < 1u << (n - 1); cuts++)
            if (most == 0 || bits_set(cuts) < most)
                best = fmin(best, seconds_of_cuts(s, &u, first, n, cuts, batch));
        assert_int_equal(ss_plan_make(s, batch, most, &plan), SS_OK);
        assert_true(best < INFINITY);
        assert_true(plan.bound <= best * (1 + 1e-12));
        assert_true(plan.seconds <= best * 1.02);
        assert_true(plan.seconds >= plan.bound);
        assert_true(most == 0 || plan.n <= most);
        several += plan.n > 1;
        ss_space_free(s);
        util_case_close(&u);
        ss_ctx_free(ctx);
    }
    assert_true(several >= 4);
}

/* ---- cut points ---- */

static int crossing_after(const ss_graph *g, int32_t after) {
    int n = 0;
    for (int32_t t = 0; t <= after; t++) {
        bool crosses = t == g->output;
        for (int32_t i = after + 1; i < g->n; i++)
            for (int32_t k = 0; k < g->nodes[i].n_in; k++) crosses = crosses || g->nodes[i].in[k] == t;
        n += crosses;
    }
    return n;
}

static void test_blocks_stay_whole(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g = util_small_resnet(ctx, 5);
    assert_non_null(g);
    int32_t first[64], n = ss_plan_blocks(g, first), b = 1;
    assert_int_equal(first[0], 0);
    for (int32_t after = 1; after + 1 < g->n; after++) {
        bool cut = b < n && first[b] == after + 1;
        assert_int_equal(cut, crossing_after(g, after) == 1);
        b += cut;
    }
    assert_int_equal(b, n);
    for (int32_t i = 0; i < g->n;
         i++) { /* both branches of an addition stand in its own block, or end before it */
        if (g->nodes[i].op != SS_OP_ADD) continue;
        for (b = n - 1; first[b] > i; b--) {
        }
        int outside = 0;
        for (int32_t j = first[b]; j <= i; j++)
            for (int32_t k = 0; k < g->nodes[j].n_in; k++) outside += g->nodes[j].in[k] < first[b] - 1;
        assert_int_equal(outside, 0);
    }
    ss_graph_free(g);
    ss_ctx_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment_against_enumeration),
        cmocka_unit_test(test_configs_in_order), cmocka_unit_test(test_useful_configs),
        cmocka_unit_test(test_plan_against_all_cuts),
        cmocka_unit_test(test_blocks_stay_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
