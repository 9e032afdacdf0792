/* Whole designs: what every design promises, files that come back as they went, and files that must be
 * refused. */
#include "explore/explore.h"
#include "util_explore.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const ss_explore_opts usual = { .batch = 256, .target_gap = 0.02, .bits = 16 };

static bool near(double a, double b) {
    return fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b));
}

/* ---- what every design promises ---- */

static void check_promises(const util_case *u, const ss_design *d) {
    int32_t next = 0;
    for (int32_t i = 0; i < d->n_partitions; i++) {
        const ss_partition *p = &d->partitions[i];
        ss_resources sum = ss_cost_partition_overhead(u->c);
        double slowest = 0;
        assert_int_equal(p->first, next);
        for (int32_t n = p->first; n <= p->last; n++) {
            ss_config fresh = p->configs[n - p->first];
            assert_int_equal(ss_cost_eval(u->ctx, u->c, n, p->target, &fresh), SS_OK);
            assert_memory_equal(&fresh.res, &p->configs[n - p->first].res, sizeof fresh.res);
            assert_true(near(fresh.cycles, p->configs[n - p->first].cycles));
            slowest = fmax(slowest, fresh.cycles);
            for (int k = 0; k < SS_RES_COUNT; k++) sum.r[k] += fresh.res.r[k];
        }
        for (int k = 0; k < SS_RES_COUNT; k++) {
            assert_true(sum.r[k] == p->res.r[k]);
            assert_true(sum.r[k] <= ss_device_budget(&u->dev, (ss_res)k));
        }
        assert_true(p->interval >= slowest && p->interval <= p->target);
        assert_true(p->bound <= p->interval && p->bound > 0);
        next = p->last + 1;
    }
    assert_int_equal(next, u->g->n);
    assert_true(d->throughput <= d->bound && d->throughput <= d->throughput_steady);
    assert_true(near(d->gap, d->bound / d->throughput - 1));
}

/* No single exchange gives the same interval for less: nothing is spent where it buys no speed. */
static void check_thrift(const util_case *u, const ss_partition *p) {
    static ss_config other[8192];
    for (int32_t n = p->first; n <= p->last; n++) {
        int count = ss_cost_configs(u->c, n, p->target, other, 8192);
        for (int i = 0; i < count; i++) {
            double change = 0;
            bool fits = true;
            for (int k = 0; k < SS_RES_COUNT; k++) {
                int64_t delta = other[i].res.r[k] - p->configs[n - p->first].res.r[k];
                double budget =
                    (double)(ss_device_budget(&u->dev, (ss_res)k) - ss_cost_partition_overhead(u->c).r[k]);
                fits = fits && p->res.r[k] + delta <= ss_device_budget(&u->dev, (ss_res)k);
                if (budget > 0) change += (double)delta / budget;
            }
            assert_false(fits && change < -1e-9);
        }
    }
}

static void test_promises(void **state) {
    (void)state;
    for (int t = 0; t < 12; t++) {
        ss_ctx *ctx = ss_ctx_new();
        util_case u;
        ss_graph *g = t % 2 ? util_small_resnet(ctx, (uint32_t)t) : util_straight_net(ctx, 4, (uint32_t)t);
        assert_true(util_case_open(&u, ctx, g, util_device(1 + t, t % 3 == 0), t < 6 ? 0.5 : -1));
        ss_explore_opts o = usual;
        o.batch = t % 4 ? 256 : 1000000;
        ss_design *d = util_case_explore(&u, o);
        assert_non_null(d);
        check_promises(&u, d);
        for (int32_t i = 0; i < d->n_partitions; i++) check_thrift(&u, &d->partitions[i]);
        ss_design_free(d);
        util_case_close(&u);
        ss_ctx_free(ctx);
    }
}

static void test_sparse_never_slower(void **state) {
    (void)state;
    int faster = 0;
    for (int t = 0; t < 10; t++) {
        ss_ctx *ctx = ss_ctx_new();
        double images[2];
        for (int sparse = 0; sparse < 2; sparse++) {
            util_case u;
            assert_true(util_case_open(&u, ctx, util_small_resnet(ctx, 7), util_device(0.7 + t, false),
                                       sparse ? 0.6 : -1));
            ss_design *d = util_case_explore(&u, usual);
            assert_non_null(d);
            images[sparse] = d->throughput;
            ss_design_free(d);
            util_case_close(&u);
        }
        assert_true(images[1] >= images[0] * (1 - 1e-12));
        faster += images[1] > 1.05 * images[0];
        ss_ctx_free(ctx);
    }
    assert_true(faster >= 3);
}

/* More of everything never makes it slower, and more zeros neither. */
static void test_monotone(void **state) {
    (void)state;
    double before[2] = { 0 };
    for (int t = 0; t < 8; t++) {
        ss_ctx *ctx = ss_ctx_new();
        util_case u;
        assert_true(util_case_open(&u, ctx, util_straight_net(ctx, 3, 1),
                                   util_device(0.6 * (1 + t / 2), true), t % 2 ? 0.8 : 0.4));
        ss_design *d = util_case_explore(&u, (ss_explore_opts){ .batch = 256, .target_gap = 0, .bits = 16 });
        assert_non_null(d);
        assert_true(d->bound >= before[t % 2] * (1 - 1e-9)); /* the same zeros, a smaller device */
        assert_true(t % 2 == 0 || d->bound >= before[0] * (1 - 1e-9));
        before[t % 2] = d->throughput;
        ss_design_free(d);
        util_case_close(&u);
        ss_ctx_free(ctx);
    }
}

/* 64 channels and 32 filters of 1x1, DSPs for 11 at a time: three folds of 11 are faster than what any divisor of 32 does. */
static void test_filters_that_do_not_divide(void **state) {
    (void)state;
    static ss_config all[8192];
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g = ss_graph_new(ctx, "wide");
    util_rng r = { 1 };
    int32_t x = util_add_input(g, 64, 8, 8);
    g->output = x = util_add_conv(g, "conv", x, (util_conv_spec){ .f = 32, .kh = 1 }, &r);
    assert_int_equal(ss_passes_run(g, NULL, NULL), SS_OK);
    ss_device dev = util_device(4, true);
    dev.total.r[SS_DSP] = 12;
    util_case u;
    assert_true(util_case_open(&u, ctx, g, dev, 0.5));
    ss_design *d = util_case_explore(&u, usual);
    assert_non_null(d);
    check_promises(&u, d);
    const int32_t conv = g->output;
    const ss_config *chosen = &d->partitions[0].configs[conv];
    assert_int_equal(chosen->engine, SS_ENGINE_BROADCAST);
    assert_int_not_equal(32 % chosen->co, 0);
    const int n = ss_cost_configs(u.c, conv, 1e12, all, 8192);
    assert_in_range(n, 1, 8191);
    for (int i = 0; i < n; i++)
        if (32 % all[i].co == 0 && all[i].res.r[SS_DSP] <= 12) assert_true(all[i].cycles > 1.2 * d->partitions[0].interval);
    ss_design_free(d);
    util_case_close(&u);
    ss_ctx_free(ctx);
}

/* ---- files ---- */

typedef struct saved {
    util_case u;
    ss_design *d;
    char dir[256], path[300];
} saved;

static int setup_saved(void **state) {
    saved *s = calloc(1, sizeof *s);
    ss_ctx *ctx = ss_ctx_new();
    *state = s;
    ss_device dev = util_device(0.6, true);
    dev.reconfiguration_s = 1e-7; /* several partitions */
    if (!util_case_open(&s->u, ctx, util_small_resnet(ctx, 11), dev, 0.5) || !util_temp_dir(s->dir))
        return -1;
    ss_explore_opts o = usual;
    o.batch = 100000;
    s->d = util_case_explore(&s->u, o);
    snprintf(s->path, sizeof s->path, "%s/design.json", s->dir);
    return s->d && s->d->n_partitions > 1 && ss_design_save(s->d, s->u.g, s->path) == SS_OK ? 0 : -1;
}

static int teardown_saved(void **state) {
    saved *s = *state;
    ss_ctx *ctx = s->u.ctx;
    ss_design_free(s->d);
    util_case_close(&s->u);
    ss_ctx_free(ctx);
    util_remove_dir(s->dir);
    free(s);
    return 0;
}

static char *text_of(const ss_design *d, const ss_graph *g) {
    json_t *j = ss_design_json(d, g);
    char *text = json_dumps(j, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(j);
    return text;
}

static void assert_same_design(const ss_design *a, const ss_design *b, const ss_graph *g) {
    char *ta = text_of(a, g), *tb = text_of(b, g);
    assert_non_null(ta);
    assert_string_equal(ta, tb);
    free(ta);
    free(tb);
}

static void test_round_trip(void **state) {
    saved *s = *state;
    ss_design *back = NULL;
    ss_status status = ss_design_load(s->u.ctx, s->u.g, s->path, &back);
    if (status != SS_OK) util_print_diags(s->u.ctx);
    assert_int_equal(status, SS_OK);
    assert_same_design(s->d, back, s->u.g);
    ss_design_free(back);
}

/* The design tells the whole graph: who reads whom, in order. */
static void test_inputs(void **state) {
    saved *s = *state;
    json_t *j = ss_design_json(s->d, s->u.g), *part, *node, *inputs;
    size_t i, k, several = 0;
    int32_t at = 0;
    assert_non_null(j);
    json_array_foreach(json_object_get(j, "partitions"), i, part) {
        json_array_foreach(json_object_get(part, "nodes"), k, node) {
            const ss_node *n = &s->u.g->nodes[at++];
            inputs = json_object_get(node, "inputs");
            assert_int_equal(json_array_size(inputs), n->n_in);
            several += n->n_in > 1;
            for (int32_t e = 0; e < n->n_in; e++)
                assert_string_equal(json_string_value(json_array_get(inputs, (size_t)e)),
                                    s->u.g->nodes[n->in[e]].name);
        }
    }
    assert_int_equal(at, s->u.g->n);
    assert_int_equal(several, 2); /* two residual additions */
    json_decref(j);
}

static void test_deterministic(void **state) {
    saved *s = *state;
    ss_explore_opts o = usual;
    o.batch = 100000;
    ss_design *again = util_case_explore(&s->u, o);
    assert_non_null(again);
    assert_same_design(s->d, again, s->u.g);
    ss_design_free(again);
}

static void test_estimate(void **state) {
    saved *s = *state;
    ss_design *same = NULL, *more = NULL;
    ss_profile *p = NULL;
    assert_int_equal(ss_estimate(s->u.ctx, s->d, s->u.g, s->u.p, &same), SS_OK);
    assert_true(near(same->throughput, s->d->throughput) && near(same->latency_us, s->d->latency_us));
    assert_int_equal(ss_profile_assume(s->u.ctx, s->u.g, 0.8, 16, &p), SS_OK);
    assert_int_equal(ss_estimate(s->u.ctx, s->d, s->u.g, p, &more), SS_OK);
    assert_true(more->throughput >= s->d->throughput);
    for (int32_t i = 0; i < s->d->n_partitions; i++) {
        const ss_partition *a = &s->d->partitions[i], *b = &same->partitions[i], *c = &more->partitions[i];
        assert_true(near(a->interval, b->interval) && a->slowest == b->slowest);
        assert_true(c->interval <= a->interval);
        assert_memory_equal(&a->res, &b->res, sizeof a->res);
        assert_memory_equal(&a->res, &c->res, sizeof a->res);
    }
    ss_profile_free(p);
    ss_design_free(same);
    ss_design_free(more);
}

static void test_model_path(void **state) {
    saved *s = *state;
    char *model = NULL, path[320];
    snprintf(s->d->model_path, sizeof s->d->model_path, "some/where.onnx");
    snprintf(path, sizeof path, "%s/path.json", s->dir);
    assert_int_equal(ss_design_save(s->d, s->u.g, path), SS_OK);
    assert_int_equal(ss_design_model_path(s->u.ctx, path, &model), SS_OK);
    assert_string_equal(model, "some/where.onnx");
    ss_free(s->u.ctx, model);
    s->d->model_path[0] = '\0';
}

/* ---- files that must be refused ---- */

static json_t *partition(json_t *j, size_t i) {
    return json_array_get(json_object_get(j, "partitions"), i);
}

static json_t *conv_node(json_t *j) {
    json_t *nodes = json_object_get(partition(j, 0), "nodes"), *n;
    size_t i;
    json_array_foreach(nodes, i,
                       n) if (strcmp(json_string_value(json_object_get(n, "op")), "conv") == 0) return n;
    return NULL;
}

static void half(json_t *o, const char *key) {
    json_object_set_new(o, key, json_real(json_number_value(json_object_get(o, key)) / 2));
}

static void bump(json_t *o, const char *key) {
    json_object_set_new(o, key, json_integer(json_integer_value(json_object_get(o, key)) + 1));
}

static void edit_hash(json_t *j) {
    json_object_set_new(json_object_get(j, "model"), "hash", json_string("0123456789abcdef"));
}
static void edit_interval(json_t *j) {
    half(partition(j, 0), "interval");
}
static void edit_latency(json_t *j) {
    half(partition(j, 0), "latency");
}
static void edit_throughput(json_t *j) {
    half(j, "throughput");
}
static void edit_bound(json_t *j) {
    json_object_set_new(partition(j, 0), "bound", json_real(1e15));
}
static void edit_slowest(json_t *j) {
    json_object_set_new(partition(j, 0), "slowest", json_string("input"));
}
static void edit_lut(json_t *j) {
    bump(json_object_get(conv_node(j), "resources"), "lut");
}
static void edit_total(json_t *j) {
    bump(json_object_get(partition(j, 0), "resources"), "dsp");
}
static void edit_fold(json_t *j) {
    json_object_set_new(conv_node(j), "ci", json_integer(5));
}
static void edit_cycles(json_t *j) {
    for (int i = 0; i < 3; i++) half(conv_node(j), "cycles"); /* fewer than listing the words takes */
}
static void edit_engine(json_t *j) {
    json_object_set_new(conv_node(j), "engine", json_string("optical"));
}
static void edit_name(json_t *j) {
    json_object_set_new(conv_node(j), "name", json_string("other"));
}
static json_t *inputs_of(json_t *j) {
    return json_object_get(conv_node(j), "inputs");
}
static void edit_inputs(json_t *j) {
    json_array_set_new(inputs_of(j), 0, json_string("elsewhere"));
}
static void edit_inputs_type(json_t *j) {
    json_array_set_new(inputs_of(j), 0, json_integer(0));
}
static void edit_inputs_more(json_t *j) {
    json_array_append_new(inputs_of(j), json_string("elsewhere"));
}
static void edit_inputs_none(json_t *j) {
    json_object_del(conv_node(j), "inputs");
}
static void edit_drop_node(json_t *j) {
    json_array_remove(json_object_get(partition(j, 0), "nodes"), 1);
}
static void edit_drop_partition(json_t *j) {
    json_t *parts = json_object_get(j, "partitions");
    json_array_remove(parts, json_array_size(parts) - 1);
}
static void edit_repeat_partition(json_t *j) {
    json_array_append_new(json_object_get(j, "partitions"), json_deep_copy(partition(j, 0)));
}
static void edit_bits(json_t *j) {
    json_object_set_new(j, "bits", json_integer(12));
}
static void edit_batch(json_t *j) {
    json_object_set_new(j, "batch", json_integer(0));
}
static void edit_device(json_t *j) {
    json_object_del(json_object_get(j, "device"), "clock_hz");
}
static void edit_memory(json_t *j) {
    json_object_set_new(json_object_get(json_object_get(j, "device"), "total"), "bram18", json_integer(0));
}
static void edit_utilisation(json_t *j) {
    half(json_object_get(partition(j, 0), "utilisation"), "dsp");
}
static void edit_extra(json_t *j) {
    json_object_set_new(j, "speed", json_string("high"));
}
static void edit_type(json_t *j) {
    json_object_set_new(j, "partitions", json_string("none"));
}
static void edit_nodes(json_t *j) {
    json_object_set_new(partition(j, 0), "nodes", json_integer(3));
}
static void edit_version(json_t *j) {
    json_object_set_new(j, "version", json_integer(SS_DESIGN_VERSION + 1));
}
static void edit_format(json_t *j) {
    json_object_set_new(j, "format", json_string("skipstream.profile"));
}

static void test_refused(void **state) {
    static const struct {
        void (*edit)(json_t *);
        const char *says;
    } cases[] = {
        { edit_hash, "another model" },
        { edit_interval, "interval" },
        { edit_latency, "latency" },
        { edit_throughput, "throughput" },
        { edit_bound, "bound" },
        { edit_slowest, "slowest" },
        { edit_lut, "lut" },
        { edit_total, "dsp" },
        { edit_fold, "legal" },
        { edit_cycles, "cycles" },
        { edit_engine, "engine" },
        { edit_name, "other" },
        { edit_inputs, "\"elsewhere\" where the model has" },
        { edit_inputs_type, "\"\" where the model has" },
        { edit_inputs_more, "names 2 nodes" },
        { edit_inputs_none, "\"inputs\" is missing" },
        { edit_drop_node, "belongs" },
        { edit_drop_partition, "lacks" },
        { edit_repeat_partition, "more nodes" },
        { edit_bits, "bits" },
        { edit_batch, "batch" },
        { edit_device, "clock_hz" },
        { edit_type, "partitions" },
        { edit_nodes, "nodes" },
        { edit_version, "version" },
        { edit_format, "skipstream.profile" },
        { edit_memory, "bram18" },
        { edit_utilisation, "utilisations" },
        { edit_extra, "keys" },
    };
    saved *s = *state;
    char path[320];
    snprintf(path, sizeof path, "%s/edited.json", s->dir);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ss_design *d = NULL;
        json_t *j = ss_design_json(s->d, s->u.g);
        cases[i].edit(j);
        assert_int_equal(ss_json_save(s->u.ctx, path, j), SS_OK);
        json_decref(j);
        ss_diag_clear(s->u.ctx);
        assert_int_equal(ss_design_load(s->u.ctx, s->u.g, path, &d), SS_BAD);
        assert_null(d);
        if (!util_has_error(s->u.ctx, cases[i].says)) util_print_diags(s->u.ctx);
        assert_true(util_has_error(s->u.ctx, cases[i].says));
    }
    ss_diag_clear(s->u.ctx);
}

static void test_truncated(void **state) {
    saved *s = *state;
    char path[320], *text = text_of(s->d, s->u.g);
    size_t len = strlen(text);
    snprintf(path, sizeof path, "%s/cut.json", s->dir);
    for (size_t cut = 0; cut < len; cut += len / 7 + 1) {
        ss_design *d = NULL;
        assert_int_equal(ss_file_write(s->u.ctx, path, text, cut), SS_OK);
        assert_int_equal(ss_design_load(s->u.ctx, s->u.g, path, &d), SS_BAD);
        assert_null(d);
    }
    free(text);
    ss_diag_clear(s->u.ctx);
}

/* ---- what cannot be ---- */

static void test_too_small(void **state) {
    (void)state;
    static const struct {
        ss_res res;
        int64_t total;
        const char *says;
    } cases[] = { { SS_DSP, 3, "dsp" }, { SS_LUT, 900, "lut" }, { SS_FF, 900, "ff" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ss_ctx *ctx = ss_ctx_new();
        util_case u;
        ss_design *d = NULL;
        ss_device dev = util_device(2, true);
        dev.total.r[cases[i].res] = cases[i].total;
        assert_true(util_case_open(&u, ctx, util_small_resnet(ctx, 2), dev, 0.5));
        assert_int_equal(ss_explore(ctx, u.c, u.g, u.p, &u.dev, usual, &d), SS_BAD);
        assert_null(d);
        assert_true(util_has_error(ctx, cases[i].says));
        util_case_close(&u);
        ss_ctx_free(ctx);
    }
}

static void test_bad_options(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    util_case u;
    ss_design *d = NULL;
    assert_true(util_case_open(&u, ctx, util_straight_net(ctx, 2, 2), util_device(2, true), 0.5));
    ss_explore_opts bad = { .batch = 0, .target_gap = -1, .max_partitions = -1, .bits = 12 };
    assert_int_equal(ss_explore(ctx, u.c, u.g, u.p, &u.dev, bad, &d), SS_BAD);
    assert_null(d);
    assert_int_equal(ss_diag_errors(ctx), 4);
    util_case_close(&u);
    ss_ctx_free(ctx);
}

static bool explore_all(ss_ctx *ctx) { return util_explore_dense(ctx, util_straight_net(ctx, 1, 4), usual); }

static void test_out_of_memory(void **state) {
    (void)state;
    assert_true(util_oom_sweep(explore_all));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promises),
        cmocka_unit_test(test_sparse_never_slower),
        cmocka_unit_test(test_monotone),
        cmocka_unit_test(test_filters_that_do_not_divide),
        cmocka_unit_test_setup_teardown(test_round_trip, setup_saved, teardown_saved),
        cmocka_unit_test_setup_teardown(test_inputs, setup_saved, teardown_saved),
        cmocka_unit_test_setup_teardown(test_deterministic, setup_saved, teardown_saved),
        cmocka_unit_test_setup_teardown(test_estimate, setup_saved, teardown_saved),
        cmocka_unit_test_setup_teardown(test_model_path, setup_saved, teardown_saved),
        cmocka_unit_test_setup_teardown(test_refused, setup_saved, teardown_saved),
        cmocka_unit_test_setup_teardown(test_truncated, setup_saved, teardown_saved),
        cmocka_unit_test(test_too_small),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
