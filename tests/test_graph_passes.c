/* The passes: each keeps what the network computes (compared with the plain evaluator on random images) and leaves what
 * graph.h promises. Random networks of all operators try what nobody thought of. */
#include "util_eval.h"
#include "util_graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A graph under construction and its source of random numbers. */
typedef struct bench {
    ss_ctx *ctx;
    ss_graph *g;
    util_rng r;
} bench;

static bench now; /* one test at a time */

static void open_bench(uint32_t seed, int32_t c, int32_t h, int32_t w) {
    now.ctx = ss_ctx_new();
    now.g = ss_graph_new(now.ctx, "test.onnx");
    now.r = (util_rng){ seed };
    assert_int_equal(util_add_input(now.g, c, h, w), 0);
}

static void close_bench(void) {
    ss_graph_free(now.g);
    ss_ctx_free(now.ctx);
}

static float *random_image(void) {
    int64_t n = ss_shape_size(now.g->nodes[0].shape);
    float *v = malloc((size_t)n * sizeof *v);
    for (int64_t i = 0; v && i < n; i++) v[i] = util_rng_normal(&now.r);
    assert_non_null(v);
    return v;
}

typedef struct evals {
    const float *image;
    const double *want;
    int64_t n;
    int passes;
} evals;

static void same_result(void *user, const char *pass, const ss_graph *g) {
    evals *e = user;
    double *got = util_eval(g, e->image);
    assert_non_null(got);
    assert_string_equal(pass, ss_pass_names[e->passes++]);
    assert_int_equal(ss_shape_size(g->nodes[g->output].shape), e->n);
    for (int64_t i = 0; i < e->n; i++)
        if (!(fabs(got[i] - e->want[i]) <= 1e-5 * (1 + fabs(e->want[i]))))
            fail_msg("after %s: element %lld is %.9g, it was %.9g", pass, (long long)i, got[i], e->want[i]);
    free(got);
}

/* Run all passes; after each, the output is what it was before the first. */
static void run_passes(void) {
    float *image = random_image();
    double *want = util_eval(now.g, image);
    assert_non_null(want);
    evals e = { .image = image, .want = want, .n = ss_shape_size(now.g->nodes[now.g->output].shape) };
    ss_status s = ss_passes_run(now.g, same_result, &e);
    if (s != SS_OK) util_print_diags(now.ctx);
    assert_int_equal(s, SS_OK);
    assert_null(ss_pass_names[e.passes]);
    free(want);
    free(image);
}

static int32_t count_op(ss_op op) {
    int32_t n = 0;
    for (int32_t i = 0; i < now.g->n; i++) n += now.g->nodes[i].op == op;
    return n;
}

static const util_conv_spec conv3 = { .f = 6, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1, .bias = true };

static int32_t conv(const char *name, int32_t in) { return util_add_conv(now.g, name, in, conv3, &now.r); }

static void flatten_before_fc_vanishes(void **state) {
    (void)state;
    open_bench(1, 5, 4, 3);
    int32_t x = util_add_simple(now.g, "flatten", SS_OP_FLATTEN, 0, -1);
    x = util_add_conv(now.g, "fc1", x, (util_conv_spec){ .f = 7, .kh = 1, .bias = true, .fc = true }, &now.r);
    x = util_add_simple(now.g, "again", SS_OP_FLATTEN, x, -1);
    util_add_conv(now.g, "fc2", x, (util_conv_spec){ .f = 3, .kh = 1, .fc = true }, &now.r);
    run_passes();
    assert_int_equal(now.g->n, 3);
    assert_int_equal(now.g->nodes[1].win.kh, 4);
    assert_int_equal(now.g->nodes[1].win.kw, 3);
    assert_true(now.g->nodes[1].fc);
    assert_int_equal(now.g->nodes[2].win.kh, 1);
    close_bench();
}

static void relu_behind_flatten_moves_in_front(void **state) {
    (void)state;
    open_bench(2, 5, 4, 4);
    int32_t x = conv("conv", 0);
    x = util_add_simple(now.g, "flatten", SS_OP_FLATTEN, x, -1);
    x = util_add_relu(now.g, "relu", x, 0.25f, INFINITY);
    util_add_conv(now.g, "fc", x, (util_conv_spec){ .f = 3, .kh = 1, .fc = true }, &now.r);
    run_passes();
    assert_int_equal(now.g->n, 3);
    assert_string_equal(now.g->nodes[1].act.name, "relu");
    close_bench();
}

static void flatten_at_the_output(void **state) {
    (void)state;
    open_bench(3, 5, 4, 4);
    util_add_simple(now.g, "flatten", SS_OP_FLATTEN, conv("conv", 0), -1);
    run_passes();
    assert_int_equal(count_op(SS_OP_FLATTEN), 1); /* a map stays a flattened map */
    close_bench();
    open_bench(3, 5, 4, 4);
    int32_t x = util_add_pool(now.g, "gap", SS_OP_AVGPOOL, conv("conv", 0), 4, 1, 0);
    util_add_simple(now.g, "flatten", SS_OP_FLATTEN, x, -1);
    run_passes();
    assert_int_equal(now.g->n, 3);
    assert_int_equal(now.g->output, 2);
    close_bench();
}

static void flatten_elsewhere_is_refused(void **state) {
    (void)state;
    open_bench(4, 5, 4, 4);
    int32_t x = util_add_simple(now.g, "flatten", SS_OP_FLATTEN, 0, -1);
    util_add_simple(now.g, "sum", SS_OP_ADD, x, x);
    assert_int_equal(ss_passes_run(now.g, NULL, NULL), SS_BAD);
    assert_true(util_has_error(now.ctx, "reads a flattened map (flatten)"));
    assert_true(util_has_error(now.ctx, "5x4x4"));
    close_bench();
}

static void batchnorm_folds(void **state) {
    (void)state;
    open_bench(5, 3, 6, 6);
    int32_t x = conv("conv", 0); /* with bias */
    x = util_add_batchnorm(now.g, "bn1", x, &now.r);
    x = util_add_batchnorm(now.g, "bn2", x, &now.r);
    x = util_add_relu(now.g, "relu", x, 0, INFINITY);
    x = util_add_conv(now.g, "depthwise", x, (util_conv_spec){ .f = 6, .kh = 3, .groups = 6 }, &now.r);
    util_add_batchnorm(now.g, "bn3", x, &now.r);
    run_passes();
    assert_int_equal(now.g->n, 3);
    assert_non_null(now.g->nodes[2].bias);
    close_bench();
}

static void batchnorm_elsewhere_becomes_depthwise(void **state) {
    (void)state;
    open_bench(6, 3, 6, 6);
    int32_t x = util_add_batchnorm(now.g, "first", 0, &now.r); /* on the input */
    x = util_add_batchnorm(now.g, "second", x, &now.r);        /* folds into the first */
    int32_t y = conv("conv", x);
    int32_t z = util_add_batchnorm(now.g, "third", y, &now.r); /* conv has two readers */
    util_add_simple(now.g, "sum", SS_OP_ADD, y, z);
    run_passes();
    assert_int_equal(now.g->n, 5);
    assert_int_equal(now.g->nodes[1].groups, 3);
    assert_int_equal(now.g->nodes[3].groups, 6);
    assert_int_equal(count_op(SS_OP_BATCHNORM), 0);
    close_bench();
}

static void relu_fuses_with_its_only_writer(void **state) {
    (void)state;
    open_bench(7, 3, 6, 6);
    int32_t x = util_add_relu(now.g, "r1", conv("c1", 0), 0.125f, 6);
    int32_t y = util_add_relu(now.g, "r2", util_add_pool(now.g, "p", SS_OP_MAXPOOL, x, 3, 1, 1), 0.5f, INFINITY);
    int32_t z = util_add_relu(now.g, "r3", util_add_simple(now.g, "sum", SS_OP_ADD, x, y), 0, INFINITY);
    util_add_relu(now.g, "r4", util_add_simple(now.g, "cat", SS_OP_CONCAT, z, x), 0, INFINITY);
    run_passes();
    assert_int_equal(count_op(SS_OP_RELU), 0);
    assert_int_equal(now.g->n, 5);
    assert_true(now.g->nodes[1].act.threshold == 0.125f && now.g->nodes[1].act.ceiling == 6);
    assert_int_equal(ss_graph_find_act(now.g, "r4"), now.g->output);
    close_bench();
}

static void relu_stays_where_others_read(void **state) {
    (void)state;
    open_bench(8, 3, 6, 6);
    int32_t x = conv("c1", 0);
    int32_t r = util_add_relu(now.g, "r1", x, 0, INFINITY);
    util_add_simple(now.g, "sum", SS_OP_ADD, x, r);
    run_passes();
    assert_int_equal(count_op(SS_OP_RELU), 1);
    assert_false(now.g->nodes[1].act.on);
    close_bench();
    open_bench(8, 3, 6, 6);
    util_add_relu(now.g, "r1", conv("c1", 0), 0, INFINITY);
    now.g->output = 1; /* the convolution itself: the ReLU is dead */
    run_passes();
    assert_int_equal(now.g->n, 2);
    assert_false(now.g->nodes[1].act.on);
    close_bench();
    open_bench(8, 3, 6, 6);
    util_add_relu(now.g, "r1", util_add_slice(now.g, "s", 0, 0, 2, 0), 0, INFINITY);
    run_passes();
    assert_int_equal(count_op(SS_OP_RELU), 1); /* a slice has no activation of its own */
    close_bench();
}

static void relu_of_relu(void **state) {
    (void)state;
    static const struct {
        float t1, c1, t2, c2;
        int32_t left;
    } cases[] = {
        { 0, INFINITY, 0.5f, INFINITY, 0 }, { 0.5f, INFINITY, 0, INFINITY, 0 }, { 0, 1, 0.5f, INFINITY, 0 },
        { 0, INFINITY, 0.25f, 1, 0 },       { 0.5f, 1, 0.25f, 0.75f, 0 },       { 0, 0.5f, 0.75f, INFINITY, 1 },
        { 0, 0.5f, 0.5f, INFINITY, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_bench(9 + (uint32_t)i, 3, 6, 6);
        int32_t x = util_add_relu(now.g, "r1", conv("c1", 0), cases[i].t1, cases[i].c1);
        util_add_relu(now.g, "r2", x, cases[i].t2, cases[i].c2);
        run_passes();
        assert_int_equal(count_op(SS_OP_RELU), cases[i].left);
        assert_string_equal(now.g->nodes[1].act.name, "r1");
        close_bench();
    }
}

static void slices_merge(void **state) {
    (void)state;
    for (uint32_t seed = 0; seed < 50; seed++) {
        open_bench(seed, 2, 23, 17);
        int32_t x = 0;
        for (int i = 0; i < 3; i++) {
            char name[16];
            snprintf(name, sizeof name, "s%d", i);
            x = util_add_slice(now.g, name, x, util_rng_int(&now.r, 0, 1), util_rng_int(&now.r, 1, 2),
                               util_rng_int(&now.r, 0, 1));
        }
        conv("conv", x);
        run_passes();
        assert_true(now.g->n <= 3);
        close_bench();
    }
}

static void identities_vanish(void **state) {
    (void)state;
    open_bench(11, 4, 6, 6);
    int32_t x = util_add_chanpad(now.g, "pad0", 0, 0, 0);
    x = util_add_slice(now.g, "slice1", x, 0, 1, 0);
    x = util_add_pool(now.g, "pool1", SS_OP_AVGPOOL, x, 1, 1, 0);
    x = util_add_simple(now.g, "concat1", SS_OP_CONCAT, x, -1);
    int32_t y = util_add_slice(now.g, "slice2", x, 0, 2, 0); /* not one */
    y = util_add_chanpad(now.g, "pad1", y, 1, 2);            /* nor this */
    util_add_pool(now.g, "pool2", SS_OP_MAXPOOL, y, 1, 1, 0);
    run_passes();
    assert_int_equal(now.g->n, 3);
    assert_int_equal(now.g->output, 2);
    close_bench();
}

static void dead_nodes_vanish(void **state) {
    (void)state;
    open_bench(12, 3, 6, 6);
    int32_t x = conv("live1", 0);
    conv("dead1", x);
    int32_t y = conv("live2", x);
    util_add_simple(now.g, "dead2", SS_OP_ADD, x, y);
    now.g->output = y;
    run_passes();
    assert_int_equal(now.g->n, 3);
    assert_string_equal(now.g->nodes[2].name, "live2");
    close_bench();
}

/* ---- random networks ---- */

static int32_t random_node(const char *name, int32_t in) {
    util_rng *r = &now.r;
    ss_shape s = now.g->nodes[in].shape;
    switch (util_rng_int(r, 0, 8)) {
    case 0: return util_add_conv(now.g, name, in, (util_conv_spec){ .f = util_rng_int(r, 1, 6), .kh = 1 }, r);
    case 1: return conv(name, in);
    case 2: return util_add_conv(now.g, name, in, (util_conv_spec){ .f = s.c, .kh = 1, .groups = s.c }, r);
    case 3: return util_add_batchnorm(now.g, name, in, r);
    case 4: return util_add_relu(now.g, name, in, util_rng_float(r, 0, 0.5f), util_rng_float(r, 0.25f, 6));
    case 5: return util_add_pool(now.g, name, util_rng_int(r, 0, 1) ? SS_OP_MAXPOOL : SS_OP_AVGPOOL, in, 3, 1, 1);
    case 6: return s.h > 3 && s.w > 3 ? util_add_slice(now.g, name, in, util_rng_int(r, 0, 1), 2, 0) : in;
    case 7: return util_add_chanpad(now.g, name, in, util_rng_int(r, 0, 1), util_rng_int(r, 0, 1));
    default: { /* join with an earlier tensor of the same map */
        int32_t other = util_rng_int(r, 0, now.g->n - 1);
        ss_shape o = now.g->nodes[other].shape;
        if (o.h != s.h || o.w != s.w || o.c + s.c > 40) return in;
        return util_add_simple(now.g, name, o.c == s.c ? SS_OP_ADD : SS_OP_CONCAT, in, other);
    }
    }
}

static void random_networks_keep_their_meaning(void **state) {
    (void)state;
    for (uint32_t seed = 0; seed < 300; seed++) {
        open_bench(1000 + seed, 3, 9, 8);
        int32_t x = 0, nodes = util_rng_int(&now.r, 1, 14);
        for (int32_t i = 0; i < nodes; i++) {
            char name[16];
            snprintf(name, sizeof name, "n%d", i);
            int32_t from = util_rng_int(&now.r, 0, 3) ? x : util_rng_int(&now.r, 0, now.g->n - 1);
            x = random_node(name, from);
            assert_true(x >= 0);
        }
        if (util_rng_int(&now.r, 0, 1)) {
            x = util_add_simple(now.g, "flatten", SS_OP_FLATTEN, x, -1);
            util_add_conv(now.g, "fc", x, (util_conv_spec){ .f = 4, .kh = 1, .fc = true, .bias = true }, &now.r);
        }
        run_passes();
        assert_int_equal(count_op(SS_OP_BATCHNORM) + count_op(SS_OP_FLATTEN), 0);
        uint64_t hash = ss_graph_hash(now.g);
        run_passes(); /* a canonical graph stays as it is */
        assert_true(ss_graph_hash(now.g) == hash);
        close_bench();
    }
}

static void small_resnet_is_canonical(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g = util_small_resnet(ctx, 3);
    assert_non_null(g);
    int32_t acts = 0;
    for (int32_t i = 0; i < g->n; i++) {
        assert_true(g->nodes[i].op != SS_OP_RELU);
        acts += g->nodes[i].act.on;
    }
    assert_int_equal(acts, 5);
    assert_int_equal(g->n, 11);
    ss_graph_free(g);
    ss_ctx_free(ctx);
}

/* ---- out of memory: building and all passes, each allocation fails in its turn ---- */

static bool build_and_run_passes(ss_ctx *ctx) {
    ss_graph *g = util_small_resnet(ctx, 3);
    ss_graph_free(g);
    return g != NULL;
}

static void passes_survive_lack_of_memory(void **state) {
    (void)state;
    assert_true(util_oom_sweep(build_and_run_passes));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flatten_before_fc_vanishes),
        cmocka_unit_test(relu_behind_flatten_moves_in_front),
        cmocka_unit_test(flatten_at_the_output),
        cmocka_unit_test(flatten_elsewhere_is_refused),
        cmocka_unit_test(batchnorm_folds),
        cmocka_unit_test(batchnorm_elsewhere_becomes_depthwise),
        cmocka_unit_test(relu_fuses_with_its_only_writer),
        cmocka_unit_test(relu_stays_where_others_read),
        cmocka_unit_test(relu_of_relu),
        cmocka_unit_test(slices_merge),
        cmocka_unit_test(identities_vanish),
        cmocka_unit_test(dead_nodes_vanish),
        cmocka_unit_test(random_networks_keep_their_meaning),
        cmocka_unit_test(small_resnet_is_canonical),
        cmocka_unit_test(passes_survive_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
