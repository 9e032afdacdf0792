/* The objective latency: against enumeration of every design of tiny networks, against the fastest design of larger ones,
 * with a floor of throughput, through files. */
#include "explore/quickest.h"
#include "util_explore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_CONFIGS 4096
#define MAX_NODES 8
#define MAX_SIZES 64

static const ss_explore_opts fast = { .batch = 256, .target_gap = 0.02, .bits = 16 };
static const ss_explore_opts quick = { .objective = SS_OBJECTIVE_LATENCY, .batch = 256, .target_gap = 0.02, .bits = 16 };

/* ---- enumeration ---- */

typedef struct brute {
    const util_case *u;
    ss_config *ways[MAX_NODES];
    int n[MAX_NODES];
    ss_config now[MAX_NODES];
    double best;
    int64_t looked_at;
} brute;

/* The same engine with its weights elsewhere, and no less of anything. */
static bool no_better(const ss_config *x, const ss_config *than) {
    bool no = x->engine == than->engine && x->gr == than->gr && x->ci == than->ci && x->co == than->co && x->m == than->m;
    for (int k = 0; k < SS_RES_COUNT; k++) no = no && x->res.r[k] >= than->res.r[k];
    return no;
}

static void keep_useful(brute *b, int32_t node) {
    int kept = 0;
    ss_config *w = b->ways[node];
    for (int i = 0; i < b->n[node]; i++) {
        bool useful = true;
        for (int j = 0; j < b->n[node] && useful; j++)
            useful = j == i || !no_better(&w[i], &w[j]) || (j > i && no_better(&w[j], &w[i]));
        if (useful) b->now[0] = w[i], w[kept++] = b->now[0];
    }
    b->n[node] = kept;
}

static void descend(brute *b, int32_t i, ss_resources used) {
    if (i == b->u->g->n) {
        b->best = fmin(b->best, ss_cost_latency(b->u->c, 0, i - 1, b->now));
        b->looked_at++;
        return;
    }
    for (int j = 0; j < b->n[i]; j++) {
        ss_resources next = used;
        bool fits = true;
        for (int k = 0; k < SS_RES_COUNT; k++) {
            next.r[k] += b->ways[i][j].res.r[k];
            fits = fits && next.r[k] <= ss_device_budget(&b->u->dev, (ss_res)k);
        }
        if (!fits) continue;
        b->now[i] = b->ways[i][j];
        descend(b, i + 1, next);
    }
}

/* The intervals that streams may be sized for. */
static int list_sizes(const ss_graph *g, double *out) {
    int n = 0;
    for (int32_t i = 0; i < g->n; i++)
        for (int32_t d = 1; d <= g->nodes[i].shape.c; d++)
            if (g->nodes[i].shape.c % d == 0 && n < MAX_SIZES) out[n++] = (double)(ss_shape_size(g->nodes[i].shape) / d);
    return n;
}

static double least_latency(const util_case *u, int64_t *looked_at) {
    brute b = { .u = u, .best = INFINITY };
    double sizes[MAX_SIZES];
    int n = list_sizes(u->g, sizes);
    for (int32_t i = 0; i < u->g->n; i++) b.ways[i] = malloc(MAX_CONFIGS * sizeof **b.ways);
    for (int t = 0; t < n; t++) {
        for (int32_t i = 0; i < u->g->n; i++) {
            b.n[i] = ss_cost_configs_beside(u->c, i, sizes[t], INFINITY, b.ways[i], MAX_CONFIGS);
            assert_true(b.n[i] > 0 && b.n[i] <= MAX_CONFIGS);
            keep_useful(&b, i);
        }
        descend(&b, 0, ss_cost_partition_overhead(u->c));
    }
    for (int32_t i = 0; i < u->g->n; i++) free(b.ways[i]);
    *looked_at += b.looked_at;
    return b.best;
}

static void test_against_enumeration(void **state) {
    (void)state;
    int found = 0, gained = 0, exact = 0;
    int64_t designs = 0;
    double widest = 1;
    for (uint32_t seed = 0; seed < 12; seed++) {
        ss_ctx *ctx = ss_ctx_new();
        util_case u;
        ss_device dev = util_device(0.05 + 0.02 * seed, seed % 3 == 0);
        if (seed % 4 == 1) dev.total.r[SS_LUT] = 7500 + 150 * seed;
        assert_true(util_case_open(&u, ctx, util_short_net(ctx, seed), dev, seed % 2 ? 0.5 : -1));
        double best = least_latency(&u, &designs);
        if (best < INFINITY) {
            ss_design *d = util_case_explore(&u, quick), *batch = util_case_explore(&u, fast);
            assert_true(d && batch && d->n_partitions == 1);
            assert_true(d->partitions[0].latency >= best * (1 - 1e-12));
            widest = fmax(widest, d->partitions[0].latency / best);
            exact += d->partitions[0].latency <= best * 1.0000001;
            gained += batch->n_partitions > 1 || d->partitions[0].latency < 0.99 * batch->partitions[0].latency;
            ss_design_free(batch);
            ss_design_free(d);
            found++;
        }
        util_case_close(&u);
        ss_ctx_free(ctx);
    }
    print_message("%d networks, %lld designs, %d least, widest gap %.4f\n", found, (long long)designs, exact, widest - 1);
    assert_true(found >= 8 && gained >= 4 && designs > 10000);
    assert_true(exact >= found - 2 && widest < 1.005);
}

/* ---- promises ---- */

static void check_quick(const util_case *u, const ss_design *d, const ss_design *batch) {
    assert_true(d->objective == SS_OBJECTIVE_LATENCY && batch->objective == SS_OBJECTIVE_THROUGHPUT);
    assert_true(d->n_partitions <= batch->n_partitions);
    if (d->n_partitions == batch->n_partitions) assert_true(d->latency_us <= batch->latency_us * (1 + 1e-12));
    assert_true(d->bound >= d->throughput && d->throughput <= batch->bound * (1 + 1e-12));
    for (int32_t i = 0; i < d->n_partitions; i++) {
        const ss_partition *p = &d->partitions[i];
        ss_resources sum = ss_cost_partition_overhead(u->c);
        for (int32_t n = p->first; n <= p->last; n++) {
            ss_config fresh = p->configs[n - p->first];
            assert_int_equal(ss_cost_eval(u->ctx, u->c, n, p->target, &fresh), SS_OK);
            assert_memory_equal(&fresh, &p->configs[n - p->first], sizeof fresh);
            for (int k = 0; k < SS_RES_COUNT; k++) sum.r[k] += fresh.res.r[k];
        }
        for (int k = 0; k < SS_RES_COUNT; k++)
            assert_true(sum.r[k] == p->res.r[k] && sum.r[k] <= ss_device_budget(&u->dev, (ss_res)k));
        assert_true(p->bound > 0 && p->bound <= p->interval);
    }
}

static void check_saved(const util_case *u, const ss_design *d) {
    char dir[256], path[300];
    ss_design *back;
    assert_true(util_temp_dir(dir));
    snprintf(path, sizeof path, "%s/d.json", dir);
    assert_int_equal(ss_design_save(d, u->g, path), SS_OK);
    assert_int_equal(ss_design_load(u->ctx, u->g, path, &back), SS_OK);
    json_t *a = ss_design_json(d, u->g), *b = ss_design_json(back, u->g);
    assert_true(json_equal(a, b));
    assert_string_equal(json_string_value(json_object_get(a, "objective")), "latency");
    json_decref(a);
    json_decref(b);
    ss_design_free(back);
    util_remove_dir(dir);
}

static void test_promises(void **state) {
    (void)state;
    int lower = 0, fewer = 0;
    for (int t = 0; t < 6; t++) {
        ss_ctx *ctx = ss_ctx_new();
        util_case u;
        ss_device dev = util_device(t < 3 ? 1 + t : 0.6, t % 3 == 0);
        dev.reconfiguration_s = t == 4 ? 1e-7 : 1e-4;
        ss_graph *g = t % 2 ? util_small_resnet(ctx, (uint32_t)t) : util_straight_net(ctx, 3, (uint32_t)t);
        assert_true(util_case_open(&u, ctx, g, dev, t < 4 ? 0.5 : -1));
        ss_explore_opts q = quick, b = fast;
        if (t >= 4) q.batch = b.batch = 1000000;
        ss_design *d = util_case_explore(&u, q), *again = util_case_explore(&u, q), *batch = util_case_explore(&u, b);
        assert_true(d && again && batch);
        check_quick(&u, d, batch);
        check_saved(&u, d);
        json_t *one = ss_design_json(d, g), *two = ss_design_json(again, g);
        assert_true(json_equal(one, two));
        json_decref(one);
        json_decref(two);
        lower += d->latency_us < 0.99 * batch->latency_us;
        fewer += d->n_partitions < batch->n_partitions;
        ss_design_free(d);
        ss_design_free(again);
        ss_design_free(batch);
        util_case_close(&u);
        ss_ctx_free(ctx);
    }
    assert_true(lower >= 2 && fewer >= 2);
}

static void test_floor(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    util_case u;
    assert_true(util_case_open(&u, ctx, util_straight_net(ctx, 3, 1), util_device(1.5, true), 0.5));
    ss_explore_opts o = quick;
    ss_design *batch = util_case_explore(&u, fast), *free_choice = util_case_explore(&u, quick), *d = NULL;
    assert_true(batch && free_choice);
    o.min_throughput = 0.999 * batch->throughput_steady;
    d = util_case_explore(&u, o);
    assert_non_null(d);
    check_quick(&u, d, batch);
    assert_true(d->throughput_steady >= o.min_throughput);
    assert_true(d->latency_us >= free_choice->latency_us * (1 - 1e-12));
    ss_design_free(d);
    o.min_throughput = 1.01 * batch->bound;
    assert_int_equal(ss_explore(ctx, u.c, u.g, u.p, &u.dev, o, &d), SS_BAD);
    assert_null(d);
    assert_true(util_has_error(ctx, "fastest design"));
    o = fast;
    o.min_throughput = 1;
    assert_int_equal(ss_explore(ctx, u.c, u.g, u.p, &u.dev, o, &d), SS_BAD);
    assert_true(util_has_error(ctx, "objective latency"));
    ss_design_free(batch);
    ss_design_free(free_choice);
    util_case_close(&u);
    ss_ctx_free(ctx);
}

/* ---- memory ---- */

static bool explore_all(ss_ctx *ctx) {
    util_rng r = { 5 };
    ss_graph *g = ss_graph_new(ctx, "one");
    if (g) g->output = util_add_conv(g, "a", util_add_input(g, 2, 2, 2), (util_conv_spec){ .f = 2, .kh = 1 }, &r);
    if (!g || g->output >= 0) return util_explore_dense(ctx, g, quick);
    ss_graph_free(g);
    return false;
}

static void test_out_of_memory(void **state) {
    (void)state;
    assert_true(util_oom_sweep(explore_all));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_enumeration),
        cmocka_unit_test(test_promises),
        cmocka_unit_test(test_floor),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
