/* Orders of channels from joint statistics: they are orders of the network, make streams and lanes wait less, and follow
 * from the images alone. */
#include "profile/joint.h"
#include "profile/profile.h"
#include "util_infer.h"
#include "util_profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct network {
    ss_ctx *ctx;
    ss_graph *g;
    ss_dataset *d;
    ss_quant *q;
    ss_engine *e;
    ss_norm norm;
} network;

static void stop(network *n) {
    ss_engine_free(n->e);
    ss_quant_free(n->q);
    ss_dataset_free(n->d);
    ss_graph_free(n->g);
}

static bool start(ss_ctx *ctx, bool zoo, int64_t images, network *n) {
    *n = (network){ .ctx = ctx, .g = zoo ? util_zoo(ctx, false, 3) : util_small_resnet(ctx, 3), .norm = util_infer_norm(3) };
    if (n->g) n->d = util_dataset(ctx, n->g->nodes[0].shape, 10, images, 2);
    if (n->d) n->q = util_infer_quantise(ctx, n->g, n->d, 16);
    return n->q && ss_engine_new(ctx, n->g, n->q, SS_ISA_AUTO, &n->e) == SS_OK;
}

/* Counts are the profile's: the sample's mean is near the mean over everything. */
static void test_sample(void **state) {
    ss_ctx *ctx = ss_ctx_new();
    network n;
    ss_joint *j;
    ss_profile *p;
    (void)state;
    assert_true(start(ctx, false, 40, &n));
    assert_int_equal(ss_joint_measure(ctx, n.g, n.e, n.d, &n.norm, &j), SS_OK);
    assert_int_equal(ss_profile_measure(ctx, n.g, n.e, n.q, n.d, &n.norm, NULL, &p), SS_OK);
    assert_int_equal(j->samples, SS_JOINT_SAMPLES / 40 * 40);
    assert_int_equal(j->n_layers, p->n_layers);
    for (int32_t l = 0; l < j->n_layers; l++) {
        double sum = 0, mean = ss_profile_mean_nonzeros(&p->layers[l]);
        const size_t size = (size_t)j->layers[l].channels * (size_t)j->samples;
        for (size_t i = 0; i < size; i++) sum += j->layers[l].counts[i];
        if (j->layers[l].k <= 255) assert_true(sum / (double)size > 0.9 * mean && sum / (double)size < 1.1 * mean);
    }
    ss_profile_free(p);
    ss_joint_free(j);
    stop(&n);
    ss_ctx_free(ctx);
}

/* Largest counts and fullest lanes, each over what it would be if all streams had equal shares, summed over layers. */
static void waits(ss_ctx *ctx, const ss_orders *o, double *steps, double *lanes) {
    network n;
    ss_engine *e;
    ss_profile *p;
    assert_true(start(ctx, false, 40, &n));
    ss_calib *c;
    assert_int_equal(ss_calibrate(ctx, n.g, n.d, &n.norm, &c), SS_OK);
    ss_quant *q;
    assert_int_equal(ss_graph_deal(n.g, o), SS_OK);
    assert_int_equal(ss_quantise(ctx, n.g, c, 16, &q), SS_OK);
    assert_int_equal(ss_engine_new(ctx, n.g, q, SS_ISA_AUTO, &e), SS_OK);
    assert_int_equal(ss_profile_measure(ctx, n.g, e, q, n.d, &n.norm, NULL, &p), SS_OK);
    *steps = *lanes = 0;
    for (int32_t l = 1; l < p->n_layers; l++)
        for (int32_t i = 1; i < p->layers[l].n_ci && p->layers[l].k > 1; i++) {
            const ss_layer_profile *y = &p->layers[l];
            const double share = ss_profile_mean_nonzeros(y) * y->windows * y->channels / (double)y->ci[i];
            *steps += ss_profile_mean(ss_profile_max_hist(y, y->ci[i]), y->k) / ss_profile_mean_nonzeros(y);
            *lanes += y->lists[i].busiest[0] / share;
        }
    ss_profile_free(p);
    ss_engine_free(e);
    ss_quant_free(q);
    ss_calib_free(c);
    stop(&n);
}

static void test_waits_less(void **state) {
    ss_ctx *ctx = ss_ctx_new();
    ss_arena *arena = ss_arena_new(ctx);
    double steps[SS_DEALINGS], lanes[SS_DEALINGS];
    network n;
    ss_joint *j;
    (void)state;
    assert_true(start(ctx, false, 40, &n));
    assert_int_equal(ss_joint_measure(ctx, n.g, n.e, n.d, &n.norm, &j), SS_OK);
    for (int k = 0; k < SS_DEALINGS; k++) {
        ss_orders o, again;
        assert_int_equal(ss_joint_orders(j, n.g, (ss_dealing)k, arena, &o), SS_OK);
        assert_int_equal(ss_joint_orders(j, n.g, (ss_dealing)k, arena, &again), SS_OK);
        assert_true(ss_orders_equal(n.g, &o, &again));
        assert_true(ss_orders_none(&o) == (k == SS_DEAL_NONE));
        waits(ctx, &o, &steps[k], &lanes[k]);
    }
    assert_true(steps[SS_DEAL_JOINT] < steps[SS_DEAL_MEANS] && steps[SS_DEAL_MEANS] < steps[SS_DEAL_NONE]);
    assert_true(lanes[SS_DEAL_JOINT] < lanes[SS_DEAL_NONE]);
    ss_joint_free(j);
    stop(&n);
    ss_arena_free(arena);
    ss_ctx_free(ctx);
}

/* Groups, ties of every kind, windows larger than a byte's count: what comes out is an order of the network. */
static bool choose(ss_ctx *ctx) {
    network n;
    ss_joint *j = NULL;
    ss_orders o;
    ss_arena *arena = ss_arena_new(ctx);
    bool ok = arena && start(ctx, true, 3, &n);
    if (!arena) return false;
    ok = ok && ss_joint_measure(ctx, n.g, n.e, n.d, &n.norm, &j) == SS_OK;
    ok = ok && ss_joint_orders(j, n.g, SS_DEAL_JOINT, arena, &o) == SS_OK;
    ok = ok && ss_orders_check(n.g, &o) == SS_OK;
    ss_joint_free(j);
    stop(&n);
    ss_arena_free(arena);
    return ok;
}

static void test_out_of_memory(void **state) {
    (void)state;
    assert_true(util_oom_sweep(choose));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_waits_less),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
