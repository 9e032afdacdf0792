/* Dealt graphs: every tensor is the model's, its channels in another place, in integers bit for bit; what is tied stays
 * tied; the identity, the thresholds and the orders themselves survive. */
#include "graph/deal.h"
#include "quant/calib.h"
#include "util_infer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const util_conv_spec same3 = { .f = 8, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1, .bias = true };

static util_conv_spec conv3(int32_t f, int32_t groups) {
    util_conv_spec s = same3;
    s.f = f;
    s.groups = groups;
    return s;
}

/* Two stages of an option-A residual network: the shortcut is sliced and padded with channels on both sides. */
static ss_graph *padded_shortcut(ss_ctx *ctx, uint32_t seed) {
    ss_graph *g = ss_graph_new(ctx, "padded.onnx");
    if (!g) return NULL;
    util_rng r = { seed };
    int32_t x = util_add_relu(g, "r0", util_add_conv(g, "stem", util_add_input(g, 3, 8, 8), conv3(8, 1), &r), 0, INFINITY);
    int32_t y = util_add_conv(g, "a", x, conv3(8, 1), &r);
    x = util_add_relu(g, "r1", util_add_simple(g, "add1", SS_OP_ADD, x, y), 0.1f, INFINITY);
    util_conv_spec down = conv3(16, 1);
    down.sh = down.sw = 2;
    y = util_add_relu(g, "r2", util_add_conv(g, "b", x, down, &r), 0, INFINITY);
    y = util_add_conv(g, "c", y, conv3(16, 1), &r);
    x = util_add_chanpad(g, "pad", util_add_slice(g, "slice", x, 0, 2, 0), 4, 4);
    x = util_add_relu(g, "r3", util_add_simple(g, "add2", SS_OP_ADD, x, y), 0, INFINITY);
    x = util_add_pool(g, "gap", SS_OP_AVGPOOL, x, 4, 4, 0);
    util_add_conv(g, "fc", x, (util_conv_spec){ .f = 10, .kh = 1, .bias = true, .fc = true }, &r);
    if (ss_passes_run(g, NULL, NULL) == SS_OK) return g;
    ss_graph_free(g);
    return NULL;
}

/* Concatenations of a tensor with itself and with others, read by grouped and depthwise convolutions and an addition. */
static ss_graph *concatenated(ss_ctx *ctx, uint32_t seed) {
    ss_graph *g = ss_graph_new(ctx, "concatenated.onnx");
    util_rng r = { seed };
    int32_t x = util_add_relu(g, "r0", util_add_conv(g, "a", util_add_input(g, 3, 6, 6), conv3(6, 1), &r), 0, INFINITY);
    int32_t twice = util_add_simple(g, "twice", SS_OP_CONCAT, x, x);
    int32_t b = util_add_conv(g, "b", x, conv3(12, 2), &r);
    int32_t sum = util_add_simple(g, "sum", SS_OP_ADD, twice, b);
    int32_t deep = util_add_relu(g, "r1", util_add_conv(g, "deep", sum, conv3(12, 12), &r), 0, INFINITY);
    int32_t c = util_add_relu(g, "r2", util_add_conv(g, "c", deep, conv3(8, 4), &r), 0, INFINITY);
    int32_t all = util_add_simple(g, "all", SS_OP_CONCAT, c, deep);
    int32_t wide = util_add_conv(g, "wide", all, conv3(40, 1), &r);
    util_add_conv(g, "fc", wide, (util_conv_spec){ .f = 5, .kh = 6, .bias = true, .fc = true }, &r);
    if (ss_passes_run(g, NULL, NULL) == SS_OK) return g;
    ss_graph_free(g);
    return NULL;
}

typedef ss_graph *(*maker)(ss_ctx *ctx, uint32_t seed);
static ss_graph *zoo(ss_ctx *ctx, uint32_t seed) { return util_zoo(ctx, false, seed); }
static ss_graph *zoo_flat(ss_ctx *ctx, uint32_t seed) { return util_zoo(ctx, true, seed); }
static ss_graph *chain(ss_ctx *ctx, uint32_t seed) { return util_chain(ctx, 4, seed); }
static const maker makers[] = { zoo, zoo_flat, chain, util_small_resnet, padded_shortcut, concatenated };
enum { MAKERS = sizeof makers / sizeof *makers, SEEDS = 4 };

/* ---- random orders ---- */

/* Exchange each wire with one of those of its group from it onward. */
static void shuffle_groups(const ss_wires *w, int32_t *to, util_rng *r) {
    for (int32_t i = 0; i < w->n; i++) to[i] = i;
    for (int32_t i = 0; i < w->n; i++) {
        int32_t left = 0, k = i;
        for (int32_t m = i; m < w->n; m++) left += w->group[m] == w->group[i];
        for (int32_t skip = util_rng_int(r, 0, left - 1); skip > 0; skip--)
            do k++;
            while (w->group[k] != w->group[i]);
        const int32_t t = to[i];
        to[i] = to[k];
        to[k] = t;
    }
}

static void random_orders(const ss_graph *g, ss_arena *arena, uint32_t seed, ss_orders *out) {
    util_rng r = { seed + 1000 };
    ss_wires w;
    assert_int_equal(ss_wires_find(g, arena, &w), SS_OK);
    int32_t *to = malloc((size_t)w.n * sizeof *to);
    shuffle_groups(&w, to, &r);
    assert_int_equal(ss_wires_orders(g, &w, to, arena, out), SS_OK);
    free(to);
}

/* ---- the dealt network computes the same ---- */

static ss_quant *quantise(ss_ctx *ctx, const ss_graph *own, const ss_graph *g, const ss_dataset *d, int bits) {
    const ss_norm norm = util_infer_norm(d->shape.c);
    ss_calib *c = NULL;
    ss_quant *q = NULL;
    assert_int_equal(ss_calibrate(ctx, own, d, &norm, &c), SS_OK);
    assert_int_equal(ss_quantise(ctx, g, c, bits, &q), SS_OK);
    ss_calib_free(c);
    return q;
}

/* Where element e of a tensor of the dealt graph is in the model's. */
static int64_t own_element(const ss_node *n, int64_t e) {
    const int64_t area = (int64_t)n->shape.h * n->shape.w;
    return ss_order_at(n->order, (int32_t)(e / area)) * area + e % area;
}

static void same_integers(ss_ctx *ctx, const ss_graph *own, const ss_graph *dealt, int bits, uint32_t seed) {
    ss_dataset *d = util_dataset(ctx, own->nodes[0].shape, 10, 4, seed);
    ss_quant *q = quantise(ctx, own, own, d, bits), *qd = quantise(ctx, own, dealt, d, bits);
    const int64_t size = ss_shape_size(own->nodes[0].shape);
    int64_t *image = malloc((size_t)size * sizeof *image), violations = 0;
    util_rng r = { seed };
    for (int64_t i = 0; i < size; i++) image[i] = util_rng_int(&r, -q->nodes[0].hi, q->nodes[0].hi);
    int64_t **a = util_eval_int(own, q, image, &violations), **b = util_eval_int(dealt, qd, image, &violations);
    for (int32_t i = 0; i < own->n; i++)
        for (int64_t e = 0; e < ss_shape_size(own->nodes[i].shape); e++)
            assert_true(b[i][e] == a[i][own_element(&dealt->nodes[i], e)]);
    assert_int_equal(violations, 0);
    util_free_tensors(own, a);
    util_free_tensors(own, b);
    free(image);
    ss_quant_free(q);
    ss_quant_free(qd);
    ss_dataset_free(d);
}

/* Sums run in another order, so reals are equal up to their rounding. */
static void same_floats(const ss_graph *own, const ss_graph *dealt, uint32_t seed) {
    const int64_t size = ss_shape_size(own->nodes[0].shape);
    double *image = malloc((size_t)size * sizeof *image);
    util_rng r = { seed };
    for (int64_t i = 0; i < size; i++) image[i] = (double)util_rng_normal(&r);
    double **a = util_eval_float(own, image), **b = util_eval_float(dealt, image);
    for (int32_t i = 0; i < own->n; i++)
        for (int64_t e = 0; e < ss_shape_size(own->nodes[i].shape); e++)
            assert_true(fabs(b[i][e] - a[i][own_element(&dealt->nodes[i], e)]) <= 1e-9 * (1 + fabs(b[i][e])));
    util_free_tensors(own, a);
    util_free_tensors(own, b);
    free(image);
}

static void test_same_function(void **state) {
    int32_t moved = 0;
    (void)state;
    for (uint32_t seed = 1; seed <= SEEDS; seed++)
        for (int m = 0; m < MAKERS; m++) {
            ss_ctx *ctx = ss_ctx_new();
            ss_graph *own = makers[m](ctx, seed), *dealt = makers[m](ctx, seed);
            ss_arena *arena = ss_arena_new(ctx);
            ss_orders o;
            assert_non_null(own);
            random_orders(own, arena, seed, &o);
            assert_int_equal(ss_graph_deal(dealt, &o), SS_OK);
            for (int32_t i = 0; i < own->n; i++) moved += dealt->nodes[i].order != NULL;
            same_integers(ctx, own, dealt, 16, seed);
            same_integers(ctx, own, dealt, 8, seed);
            same_floats(own, dealt, seed);
            assert_true(ss_graph_hash(own) == ss_graph_hash(dealt));
            ss_arena_free(arena);
            ss_graph_free(own);
            ss_graph_free(dealt);
            ss_ctx_free(ctx);
        }
    assert_true(moved > 80);
}

/* ---- what may move ---- */

static int32_t group_size(const ss_wires *w, int32_t wire) {
    int32_t n = 0;
    for (int32_t i = 0; i < w->n; i++) n += w->group[i] == w->group[wire];
    return n;
}

static int32_t movable(const ss_graph *g, const ss_wires *w, const char *node, int32_t channel) {
    return group_size(w, w->of[ss_graph_find(g, node)][channel]);
}

static void test_groups(void **state) {
    ss_ctx *ctx = ss_ctx_new();
    ss_arena *arena = ss_arena_new(ctx);
    ss_graph *g = padded_shortcut(ctx, 1);
    ss_wires w;
    (void)state;
    assert_int_equal(ss_wires_find(g, arena, &w), SS_OK);
    assert_int_equal(movable(g, &w, "stem", 0), 8);  /* the first stage, and the middle of the second */
    assert_int_equal(movable(g, &w, "c", 4), 8);
    assert_true(w.of[ss_graph_find(g, "c")][4] == w.of[ss_graph_find(g, "a")][0]);
    assert_int_equal(movable(g, &w, "c", 0), 8);     /* those in front and behind may be exchanged */
    assert_true(w.group[w.of[ss_graph_find(g, "c")][0]] == w.group[w.of[ss_graph_find(g, "c")][15]]);
    assert_int_equal(movable(g, &w, "b", 3), 16);
    assert_int_equal(movable(g, &w, "fc", 3), 1);
    assert_int_equal(group_size(&w, w.of[0][1]), 1);
    ss_graph_free(g);
    g = concatenated(ctx, 1);
    assert_int_equal(ss_wires_find(g, arena, &w), SS_OK);
    assert_int_equal(movable(g, &w, "a", 0), 3); /* a grouped reader takes three each */
    assert_int_equal(movable(g, &w, "c", 0), 2); /* two filters a group */
    ss_graph_free(g);
    ss_arena_free(arena);
    ss_ctx_free(ctx);
}

/* ---- refusals ---- */

static void refuses(ss_ctx *ctx, ss_graph *g, ss_orders *o, const char *node, int32_t *order, const char *cause) {
    memset(o->of, 0, (size_t)o->n * sizeof *o->of);
    o->of[ss_graph_find(g, node)] = order;
    ss_diag_clear(ctx);
    const ss_node *before = g->nodes;
    assert_int_equal(ss_graph_deal(g, o), SS_BAD);
    assert_true(util_has_error(ctx, cause) && util_has_error(ctx, node));
    assert_true(g->nodes == before && g->identity == 0);
}

static void test_refusals(void **state) {
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g = concatenated(ctx, 1);
    const int32_t *of[64] = { NULL };
    ss_orders o = { .n = g->n, .of = of };
    int32_t swap[40], bad[40];
    (void)state;
    for (int32_t p = 0; p < 40; p++) swap[p] = bad[p] = p;
    swap[0] = 1;
    swap[1] = 0;
    bad[3] = 2;
    refuses(ctx, g, &o, "fc", swap, "input and output");
    refuses(ctx, g, &o, "a", swap, "order of its inputs'");
    refuses(ctx, g, &o, "wide", bad, "each of its channels once");
    refuses(ctx, g, &o, "c", swap, "not in the order");
    for (int32_t p = 0; p < 40; p++) bad[p] = p ^ 2; /* filters of two groups */
    refuses(ctx, g, &o, "c", bad, "takes its groups apart");
    memset(of, 0, sizeof of);
    of[ss_graph_find(g, "wide")] = swap;
    assert_int_equal(ss_graph_deal(g, &o), SS_OK);
    ss_diag_clear(ctx);
    assert_int_equal(ss_graph_deal(g, &o), SS_BAD);
    assert_true(util_has_error(ctx, "dealt already"));
    ss_graph_free(g);
    ss_ctx_free(ctx);
}

/* ---- artefacts ---- */

static void test_json(void **state) {
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g = util_small_resnet(ctx, 3);
    ss_arena *arena = ss_arena_new(ctx);
    ss_orders o, back, none = { 0 };
    (void)state;
    random_orders(g, arena, 3, &o);
    json_t *j = ss_orders_json(&o);
    assert_int_equal(ss_orders_read(g, "file", j, arena, &back), SS_OK);
    assert_true(ss_orders_equal(g, &o, &back) && !ss_orders_equal(g, &o, &none) && ss_orders_none(&none));
    assert_int_equal(ss_graph_deal(g, &o), SS_OK);
    assert_int_equal(ss_graph_orders(g, arena, &back), SS_OK);
    assert_true(ss_orders_equal(g, &o, &back));
    json_object_set_new(j, "nobody", json_array());
    assert_int_equal(ss_orders_read(g, "file", j, arena, &back), SS_BAD);
    assert_true(util_has_error(ctx, "nobody"));
    json_object_del(j, "nobody");
    json_t *first = json_object_iter_value(json_object_iter(j));
    json_array_set_new(first, 0, json_string("x"));
    assert_int_equal(ss_orders_read(g, "file", j, arena, &back), SS_BAD);
    assert_true(util_has_error(ctx, "each of its channels once"));
    json_array_remove(first, 0);
    assert_int_equal(ss_orders_read(g, "file", j, arena, &back), SS_BAD);
    assert_true(util_has_error(ctx, "does not list"));
    json_decref(j);
    ss_arena_free(arena);
    ss_graph_free(g);
    ss_ctx_free(ctx);
}

/* A thresholds file is in the model's order, whether it is read or written by a dealt graph. */
static void test_thresholds(void **state) {
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *own = zoo(ctx, 5), *dealt = zoo(ctx, 5);
    ss_arena *arena = ss_arena_new(ctx);
    ss_orders o;
    char dir[256], a[300], b[300];
    uint8_t *x, *y;
    size_t nx, ny;
    (void)state;
    random_orders(own, arena, 9, &o);
    assert_int_equal(ss_graph_deal(dealt, &o), SS_OK);
    const ss_node *n = &dealt->nodes[ss_graph_find_act(dealt, "c_relu")];
    assert_non_null(n->order);
    assert_true(util_temp_dir(dir));
    snprintf(a, sizeof a, "%s/a", dir);
    snprintf(b, sizeof b, "%s/b", dir);
    assert_int_equal(ss_thresholds_save(own, a), SS_OK);
    assert_int_equal(ss_thresholds_save(dealt, b), SS_OK);
    assert_int_equal(ss_file_read(ctx, a, 1 << 20, &x, &nx), SS_OK);
    assert_int_equal(ss_file_read(ctx, b, 1 << 20, &y, &ny), SS_OK);
    assert_true(nx == ny && memcmp(x, y, nx) == 0);
    const float *before = n->act.per_channel;
    assert_int_equal(ss_thresholds_load(dealt, a), SS_OK);
    assert_true(n->act.per_channel != before);
    assert_memory_equal(n->act.per_channel, before, (size_t)n->shape.c * sizeof *before);
    ss_free(ctx, x);
    ss_free(ctx, y);
    util_remove_dir(dir);
    ss_arena_free(arena);
    ss_graph_free(own);
    ss_graph_free(dealt);
    ss_ctx_free(ctx);
}

static bool deal_once(ss_ctx *ctx) {
    ss_graph *g = padded_shortcut(ctx, 2);
    ss_arena *arena = ss_arena_new(ctx);
    ss_wires w;
    ss_orders o;
    int32_t to[64];
    util_rng r = { 4 };
    bool ok = g && arena && ss_wires_find(g, arena, &w) == SS_OK && w.n <= 64;
    if (ok) shuffle_groups(&w, to, &r);
    ok = ok && ss_wires_orders(g, &w, to, arena, &o) == SS_OK && ss_graph_deal(g, &o) == SS_OK;
    if (arena) ss_arena_free(arena);
    ss_graph_free(g);
    return ok;
}

static void test_out_of_memory(void **state) {
    (void)state;
    assert_true(util_oom_sweep(deal_once));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_function), cmocka_unit_test(test_groups),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_json),          cmocka_unit_test(test_thresholds), cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
