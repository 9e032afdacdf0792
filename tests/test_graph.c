/* graph: shape inference and the verifier. Every refusal is provoked; every legal shape is a worked example. */
#include "util_graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int open_graph(void **state) {
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g = ctx ? ss_graph_new(ctx, "test.onnx") : NULL;
    *state = g;
    return g && util_add_input(g, 8, 16, 12) == 0 ? 0 : -1;
}

static int close_graph(void **state) {
    ss_graph *g = *state;
    ss_ctx *ctx = g->ctx;
    ss_graph_free(g);
    ss_ctx_free(ctx);
    return 0;
}

static ss_node conv_of(int32_t f, int32_t k) {
    return (ss_node){ .op = SS_OP_CONV, .name = "c", .n_in = 1, .shape.c = f, .groups = 1,
                      .win = { .kh = k, .kw = k, .sh = 1, .sw = 1 } };
}

static void expect_shape(ss_graph *g, ss_node n, int32_t c, int32_t h, int32_t w) {
    if (ss_graph_infer_shape(g, &n) != SS_OK) util_print_diags(g->ctx);
    assert_int_equal(ss_diag_errors(g->ctx), 0);
    assert_int_equal(n.shape.c, c);
    assert_int_equal(n.shape.h, h);
    assert_int_equal(n.shape.w, w);
}

static void expect_refusal(ss_graph *g, ss_node n, const char *message) {
    ss_diag_clear(g->ctx);
    n.name = "culprit";
    assert_int_equal(ss_graph_infer_shape(g, &n), SS_BAD);
    if (!util_has_error(g->ctx, message)) util_print_diags(g->ctx);
    assert_true(util_has_error(g->ctx, message));
    assert_true(util_has_error(g->ctx, "culprit"));
}

static void shapes_of_windows(void **state) {
    ss_graph *g = *state;
    ss_node n = conv_of(4, 3);
    expect_shape(g, n, 4, 14, 10);
    n.win = (ss_window){ 3, 3, 2, 2, 1, 1, 1, 1 };
    expect_shape(g, n, 4, 8, 6);
    n.win = (ss_window){ 5, 1, 3, 1, 2, 0, 1, 0 }; /* (16+3-5)/3+1 = 5 */
    expect_shape(g, n, 4, 5, 12);
    n.groups = 4;
    expect_shape(g, n, 4, 5, 12);
    n.op = SS_OP_MAXPOOL;
    expect_shape(g, n, 8, 5, 12);
    n = (ss_node){ .op = SS_OP_AVGPOOL, .name = "p", .n_in = 1, .win = { 16, 12, 1, 1, 0, 0, 0, 0 } };
    expect_shape(g, n, 8, 1, 1);
    n.win = (ss_window){ 3, 3, 2, 2, 0, 0, 1, 1 }; /* ceil mode: (16+1-3)/2+1 */
    expect_shape(g, n, 8, 8, 6);
}

static void shapes_of_the_rest(void **state) {
    ss_graph *g = *state;
    ss_node n = { .op = SS_OP_SLICE, .name = "s", .n_in = 1, .win = { .sh = 2, .sw = 5, .pt = 1, .pl = 0 } };
    expect_shape(g, n, 8, 8, 3); /* ceil(15/2), ceil(12/5) */
    n.win.pb = 2, n.win.pr = 2;
    expect_shape(g, n, 8, 7, 2);
    n = (ss_node){ .op = SS_OP_CHANPAD, .name = "p", .n_in = 1, .pad_before = 3, .pad_after = 4 };
    expect_shape(g, n, 15, 16, 12);
    n.op = SS_OP_FLATTEN;
    expect_shape(g, n, 8 * 16 * 12, 1, 1);
    n.op = SS_OP_RELU;
    expect_shape(g, n, 8, 16, 12);
    n.op = SS_OP_BATCHNORM;
    expect_shape(g, n, 8, 16, 12);
    n = (ss_node){ .op = SS_OP_ADD, .name = "a", .n_in = 2, .in = { 0, 0 } };
    expect_shape(g, n, 8, 16, 12);
    n.op = SS_OP_CONCAT;
    n.n_in = 3;
    expect_shape(g, n, 24, 16, 12);
}

static void misfits_of_windows(void **state) {
    ss_graph *g = *state;
    ss_node n = conv_of(4, 17);
    expect_refusal(g, n, "a kernel height of 17 does not fit 16 plus padding 0");
    assert_true(util_has_error(g->ctx, "a kernel width of 17 does not fit 12")); /* both are said */
    assert_true(util_has_error(g->ctx, "8x16x12"));
    n = conv_of(4, 0);
    expect_refusal(g, n, "the kernel height is 0");
    n = conv_of(4, 3), n.win.sw = 0;
    expect_refusal(g, n, "the horizontal stride is 0");
    n = conv_of(4, 3), n.win.pb = -1;
    expect_refusal(g, n, "the bottom padding is -1");
    n = conv_of(4, 3), n.win.pt = INT32_MAX;
    expect_refusal(g, n, "the top padding is 2147483647");
    n = conv_of(4, 3), n.groups = 3;
    expect_refusal(g, n, "3 groups do not divide 8 input channels");
    assert_true(util_has_error(g->ctx, "3 groups do not divide 4 filters"));
    n = conv_of(4, 3), n.groups = 0;
    expect_refusal(g, n, "the number of groups is 0");
    n = conv_of(0, 3);
    expect_refusal(g, n, "the number of filters is 0");
    n = conv_of(1 << 20, 1), n.win = (ss_window){ 1 << 10, 1 << 10, 1, 1, 1 << 19, 1 << 19, 0, 0 };
    expect_refusal(g, n, "too many weights");
    n = conv_of(4, 3), n.fc = true;
    expect_refusal(g, n, "must cover its 8x16x12 input exactly");
    n = (ss_node){ .op = SS_OP_MAXPOOL, .n_in = 1, .win = { 2, 2, 2, 2, 2, 0, 0, 0 } };
    expect_refusal(g, n, "nothing but padding");
    n.win = (ss_window){ 2, 2, 2, 2, 0, 0, 4, 0 };
    expect_refusal(g, n, "nothing but padding");
}

static void misfits_of_the_rest(void **state) {
    ss_graph *g = *state;
    int32_t small = util_add_slice(g, "small", 0, 0, 2, 0);
    ss_node n = { .op = SS_OP_ADD, .n_in = 2, .in = { 0, small } };
    expect_refusal(g, n, "input 2 is 8x8x6, input 1 is 8x16x12");
    n.op = SS_OP_CONCAT;
    expect_refusal(g, n, "input 2 is 8x6, input 1 is 16x12");
    n.op = SS_OP_ADD, n.n_in = 1;
    expect_refusal(g, n, "the number of inputs is 1");
    n.op = SS_OP_RELU, n.n_in = 2;
    expect_refusal(g, n, "the number of inputs is 2");
    n.op = SS_OP_CONCAT, n.n_in = SS_MAX_INPUTS + 1;
    expect_refusal(g, n, "the number of inputs is 17");
    n.op = SS_OP_RELU, n.n_in = 1, n.in[0] = 2;
    expect_refusal(g, n, "the index of an input is 2");
    n.in[0] = -1;
    expect_refusal(g, n, "the index of an input is -1");
    n = (ss_node){ .op = SS_OP_SLICE, .n_in = 1, .win = { .sh = 1, .sw = 1, .pt = 15, .pb = 1 } };
    expect_refusal(g, n, "nothing is left of 16x12");
    n = (ss_node){ .op = SS_OP_CHANPAD, .n_in = 1, .pad_after = SS_MAX_DIM };
    expect_refusal(g, n, "the number of output channels is 1048584");
    n.pad_after = -1;
    expect_refusal(g, n, "the channel padding behind is -1");
    n = (ss_node){ .op = SS_OP_INPUT, .shape = { 3, 0, 32 } };
    expect_refusal(g, n, "the output height is 0");
    n.shape = (ss_shape){ SS_MAX_DIM, SS_MAX_DIM, SS_MAX_DIM };
    expect_refusal(g, n, "elements is too large");
    n.op = SS_OP_COUNT, n.n_in = 1;
    expect_refusal(g, n, "does not exist");
}

/* ---- the verifier: break one thing at a time in a good network ---- */

typedef void (*vandal)(ss_graph *g);

static void break_order(ss_graph *g) { g->nodes[1].in[0] = 2; }
static void break_self(ss_graph *g) { g->nodes[1].in[0] = 1; }
static void break_input(ss_graph *g) { g->nodes[2].op = SS_OP_INPUT; }
static void break_first(ss_graph *g) { g->nodes[0].op = SS_OP_RELU; }
static void break_shape(ss_graph *g) { g->nodes[1].shape.h++; }
static void break_name(ss_graph *g) { g->nodes[2].name = g->nodes[1].name; }
static void break_no_name(ss_graph *g) { g->nodes[2].name = ""; }
static void break_act_name(ss_graph *g) { g->nodes[2].act.name = g->nodes[1].act.name; }
static void break_act_unnamed(ss_graph *g) { g->nodes[1].act.name = NULL; }
static void break_threshold(ss_graph *g) { g->nodes[1].act.threshold = -1; }
static void break_threshold_nan(ss_graph *g) { g->nodes[1].act.threshold = NAN; }
static void break_ceiling(ss_graph *g) { g->nodes[1].act.ceiling = 0; }
static void break_weights(ss_graph *g) { g->nodes[1].weights = NULL; }
static void break_stray(ss_graph *g) { g->nodes[3].weights = g->nodes[1].weights; }
static void break_output(ss_graph *g) { g->output = g->n; }
static void break_reach(ss_graph *g) { g->output = 1; }
static void break_place(ss_graph *g) { g->nodes[0].act = g->nodes[1].act, g->nodes[0].act.name = "x"; }

static void break_values(ss_graph *g) {
    float *w = ss_arena_alloc(g->arena, (size_t)ss_node_weight_count(g, &g->nodes[1]), sizeof *w);
    w[5] = INFINITY;
    g->nodes[1].weights = w;
}

static void break_per_channel(ss_graph *g) {
    float *t = ss_arena_alloc(g->arena, 8, sizeof *t);
    t[7] = -0.5f;
    g->nodes[1].act.per_channel = t;
}

static void verifier_finds(void **state) {
    (void)state;
    static const struct {
        vandal spoil;
        const char *message;
    } cases[] = {
        { break_order, "which is not before it" },   { break_self, "which is not before it" },
        { break_input, "node 0 alone must be" },     { break_first, "node 0 alone must be" },
        { break_shape, "from the inputs follows" },  { break_name, "two nodes are called" },
        { break_no_name, "has no name" },            { break_act_name, "two activations are called" },
        { break_act_unnamed, "without a name" },     { break_threshold, "threshold -1 is not" },
        { break_threshold_nan, "nan is not" },       { break_ceiling, "ceiling 0 is not above" },
        { break_weights, "no weights" },             { break_stray, "weights where none can be" },
        { break_output, "there is no output node" }, { break_reach, "does not reach the output" },
        { break_place, "activation where none" },    { break_values, "weight 5 is inf" },
        { break_per_channel, "-0.5 of channel 7" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ss_ctx *ctx = ss_ctx_new();
        ss_graph *g = util_chain(ctx, 3, 1);
        assert_non_null(g);
        assert_int_equal(ss_graph_verify(g, "good"), SS_OK);
        cases[i].spoil(g);
        assert_int_equal(ss_graph_verify(g, "vandalism"), SS_BAD);
        if (!util_has_error(ctx, cases[i].message)) util_print_diags(ctx);
        assert_true(util_has_error(ctx, cases[i].message));
        assert_true(util_has_error(ctx, "after vandalism: "));
        ss_graph_free(g);
        ss_ctx_free(ctx);
    }
}

static void unread_nodes_are_allowed_at_import(void **state) {
    ss_graph *g = *state;
    util_add_slice(g, "unread", 0, 0, 2, 0);
    util_add_slice(g, "read", 0, 1, 2, 0);
    assert_int_equal(ss_graph_verify(g, NULL), SS_OK);
    assert_int_equal(ss_graph_verify(g, "x"), SS_BAD);
    ss_diag_clear(g->ctx);
    assert_int_equal(ss_graph_sweep(g), SS_OK);
    assert_int_equal(ss_graph_verify(g, "x"), SS_OK);
    assert_int_equal(g->n, 2);
    assert_string_equal(g->nodes[g->output].name, "read");
}

static void empty_graph_is_refused(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g = ss_graph_new(ctx, "empty.onnx");
    assert_int_equal(ss_graph_verify(g, "x"), SS_BAD);
    assert_true(util_has_error(ctx, "the graph is empty"));
    ss_graph_free(g);
    ss_ctx_free(ctx);
}

static void counts_and_names(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g = util_small_resnet(ctx, 7);
    assert_non_null(g);
    const ss_node *stem = &g->nodes[ss_graph_find(g, "stem")];
    assert_int_equal(ss_node_weight_count(g, stem), 8 * 3 * 9);
    assert_int_equal(ss_node_macs(g, stem), 8 * 3 * 9 * 256);
    assert_int_equal(ss_graph_find(g, "nothing"), -1);
    assert_int_equal(ss_graph_find_act(g, "b1_relu2"), ss_graph_find(g, "b1_add"));
    assert_int_equal(ss_graph_readers(g, ss_graph_find(g, "stem")), 2);
    assert_int_equal(ss_graph_readers(g, g->output), 1);
    assert_string_equal(ss_op_name(SS_OP_CHANPAD), "chanpad");
    assert_string_equal(ss_op_name((ss_op)99), "?");
    ss_graph_free(g);
    ss_ctx_free(ctx);
}

static void hash_is_identity(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *a = util_small_resnet(ctx, 7), *b = util_small_resnet(ctx, 7), *c = util_small_resnet(ctx, 8);
    assert_true(ss_graph_hash(a) == ss_graph_hash(b));
    assert_true(ss_graph_hash(a) != ss_graph_hash(c));
    ss_thresholds_uniform(b, 0.5f);
    assert_true(ss_graph_hash(a) == ss_graph_hash(b));
    b->nodes[1].win.pt = 0;
    assert_true(ss_graph_hash(a) != ss_graph_hash(b));
    ss_graph_free(a);
    ss_graph_free(b);
    ss_graph_free(c);
    ss_ctx_free(ctx);
}

#define GRAPH_TEST(f) cmocka_unit_test_setup_teardown(f, open_graph, close_graph)

int main(void) {
    const struct CMUnitTest tests[] = {
        GRAPH_TEST(shapes_of_windows),
        GRAPH_TEST(shapes_of_the_rest),
        GRAPH_TEST(misfits_of_windows),
        GRAPH_TEST(misfits_of_the_rest),
        cmocka_unit_test(verifier_finds),
        GRAPH_TEST(unread_nodes_are_allowed_at_import),
        cmocka_unit_test(empty_graph_is_refused),
        cmocka_unit_test(counts_and_names),
        cmocka_unit_test(hash_is_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
