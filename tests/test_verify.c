/* verify without a simulator: programs and their logs, manifests that do not fit, stimuli, results read back.
 */
#include "util_infer.h"
#include "util_explore.h"
#include "verify/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
    ss_ctx *ctx;
    ss_graph *g;
    ss_dataset *d;
    ss_norm norm;
    ss_quant *q;
    ss_engine *e;
    ss_design *design;
    char dir[256];
} fixture;

static int setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    ss_profile *p = NULL;
    *state = f;
    f->ctx = ss_ctx_new();
    f->g = util_small_resnet(f->ctx, 3);
    f->d = util_dataset(f->ctx, f->g->nodes[0].shape, 10, 3, 4);
    f->norm = util_infer_norm(3);
    f->q = util_infer_quantise(f->ctx, f->g, f->d, 8);
    ss_device device = util_device(4, true);
    ss_status s = f->q && util_temp_dir(f->dir) ? SS_OK : SS_BAD;
    if (s == SS_OK) s = ss_engine_new(f->ctx, f->g, f->q, SS_ISA_AUTO, &f->e);
    if (s == SS_OK) s = ss_profile_assume(f->ctx, f->g, 0.5, 8, &p);
    if (s == SS_OK)
        s = ss_explore_graph(f->ctx, f->g, p, &device, (ss_cost_opts){ .bits = 8 },
                             (ss_explore_opts){ .batch = 16, .target_gap = 0.02, .max_partitions = 1 },
                             &f->design);
    ss_profile_free(p);
    if (s != SS_OK) util_print_diags(f->ctx);
    return s == SS_OK ? 0 : -1;
}

static int teardown(void **state) {
    fixture *f = *state;
    util_remove_dir(f->dir);
    ss_design_free(f->design);
    ss_engine_free(f->e);
    ss_quant_free(f->q);
    ss_dataset_free(f->d);
    ss_graph_free(f->g);
    ss_ctx_free(f->ctx);
    free(f);
    return 0;
}

static const char *in_dir(const fixture *f, const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    return path;
}

/* ---- programs ---- */

static void programs_run_in_a_folder_with_a_log(void **state) {
    fixture *f = *state;
    char log[512];
    int code = -1;
    snprintf(log, sizeof log, "%s", in_dir(f, "log"));
    const char *const argv[] = {
        "sh", "-c", "pwd; i=0; while [ $i -lt 20 ]; do echo line $i >&2; i=$((i+1)); done; exit 7", NULL
    };
    assert_int_equal(ss_process_run(f->ctx, f->dir, argv, log, &code), SS_OK);
    assert_int_equal(code, 7);
    assert_int_equal(ss_process_failed(f->ctx, "sh", code, log), SS_BAD);
    assert_true(util_has_error(f->ctx, "exit 7"));
    assert_true(util_has_error(f->ctx, "line 14|line 15|line 16|line 17|line 18|line 19"));
    assert_true(util_has_error(f->ctx, log));
    assert_false(util_has_error(f->ctx, "line 13"));
    ss_diag_clear(f->ctx);
}

static void a_signal_is_told_from_an_exit(void **state) {
    fixture *f = *state;
    int code = -1;
    const char *const argv[] = { "sh", "-c", "kill -9 $$", NULL };
    assert_int_equal(ss_process_run(f->ctx, f->dir, argv, in_dir(f, "log"), &code), SS_OK);
    assert_int_equal(code, 128 + 9);
}

static void a_missing_program_names_its_package(void **state) {
    fixture *f = *state;
    assert_int_equal(ss_process_need(f->ctx, "sh", "dash"), SS_OK);
    assert_int_equal(ss_process_need(f->ctx, "no-such-simulator", "simulators"), SS_BAD);
    assert_true(util_has_error(f->ctx, "apt-get install simulators"));
    ss_diag_clear(f->ctx);
}

/* ---- manifests ---- */

/* A manifest with one partition that has these nodes (JSON). */
static ss_status read_manifest(fixture *f, uint64_t model, int bits, const char *nodes, ss_hw **hw) {
    char text[2048];
    snprintf(text, sizeof text,
             "{\"format\": \"skipstream.rtl\", \"version\": 1, \"model\": \"%016llx\", \"bits\": %d, "
             "\"partitions\": "
             "[{\"top\": \"partition_1\", \"nodes\": %s}]}",
             (unsigned long long)model, bits, nodes);
    assert_true(util_write_text(in_dir(f, "manifest.json"), text));
    return ss_hw_read(f->ctx, f->g, f->design, f->dir, hw);
}

static void a_manifest_lists_the_nodes(void **state) {
    fixture *f = *state;
    ss_hw *hw;
    char nodes[128];
    snprintf(nodes, sizeof nodes, "[{\"name\": \"%s\"}, {\"name\": \"%s\"}]", f->g->nodes[0].name,
             f->g->nodes[1].name);
    assert_int_equal(read_manifest(f, ss_graph_hash(f->g), 8, nodes, &hw), SS_OK);
    assert_int_equal(hw->n, 1);
    assert_int_equal(hw->partitions[0].n_nodes, 2);
    assert_int_equal(hw->partitions[0].nodes[1], 1);
    assert_ptr_equal(hw->partitions[0].design, &f->design->partitions[0]);
    ss_hw_free(hw);
}

static void manifests_that_do_not_fit_are_refused(void **state) {
    fixture *f = *state;
    const uint64_t model = ss_graph_hash(f->g);
    char order[128];
    snprintf(order, sizeof order, "[{\"name\": \"%s\"}, {\"name\": \"%s\"}]", f->g->nodes[1].name,
             f->g->nodes[0].name);
    const struct {
        uint64_t model;
        int bits;
        const char *nodes, *message;
    } bad[] = { { model + 1, 8, "[]", "another model" },
                { model, 16, "[]", "the hardware has 16 bits" },
                { model, 8, "[]", "no part of a partition" },
                { model, 8, "[{\"name\": \"elsewhere\"}]", "\"elsewhere\"" },
                { model, 8, order, "is not where the network has it" },
                { model, 8, "[{}]", "name" },
                { model, 8, "7", "nodes" } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ss_hw *hw;
        assert_int_equal(read_manifest(f, bad[i].model, bad[i].bits, bad[i].nodes, &hw), SS_BAD);
        assert_null(hw);
        assert_true(util_has_error(f->ctx, bad[i].message));
        ss_diag_clear(f->ctx);
    }
}

/* ---- stimuli ---- */

static void tensors_are_pixels_then_channels(void **state) {
    fixture *f = *state;
    ss_stimulus *s;
    const ss_verify_task task = {
        .g = f->g, .q = f->q, .e = f->e, .design = f->design, .images = f->d, .norm = &f->norm
    };
    assert_int_equal(ss_stimulus_make(f->ctx, &task, &s), SS_OK);
    const ss_shape in = f->g->nodes[0].shape;
    int64_t violations = 0;
    for (int64_t image = 0; image < f->d->n; image++) {
        int64_t *raw = calloc((size_t)ss_shape_size(in), sizeof *raw);
        for (int64_t c = 0; c < in.c; c++)
            for (int64_t i = 0; i < in.h * in.w; i++)
                raw[c * in.h * in.w + i] = s->tensors[0][image * ss_shape_size(in) + i * in.c + c];
        int64_t **want = util_eval_int(f->g, f->q, raw, &violations);
        for (int32_t t = 0; t < f->g->n; t++) {
            const ss_shape o = f->g->nodes[t].shape;
            const int16_t *got = s->tensors[t] + image * ss_shape_size(o);
            for (int64_t c = 0; c < o.c; c++)
                for (int64_t i = 0; i < o.h * o.w; i++)
                    assert_int_equal(got[i * o.c + c], want[t][c * o.h * o.w + i]);
        }
        util_free_tensors(f->g, want);
        free(raw);
    }
    ss_stimulus_free(s);
}

/* ---- results ---- */

#define STREAM(words, mismatches, rest)                                                                      \
    "\"words\": " #words ", \"wanted\": 8, \"surplus\": 0, \"mismatches\": " #mismatches                     \
    ", \"first_cycle\": [2, 12, 22],"                                                                        \
    "\"last_cycle\": [9, 20, 31]" rest

static json_t *result(const char *nodes) {
    char text[2048];
    snprintf(text, sizeof text,
             "{\"good\": false, \"hang\": false, \"cycles\": 40, \"seconds\": 0.5, \"counters\": "
             "{\"images_in\": 3, "
             "\"images_out\": 3, \"cycles\": 32}, \"input\": {\"words\": 8, \"wanted\": 8}, \"output\": "
             "{%s}, \"nodes\": [%s]}",
             STREAM(8, 0, ""), nodes);
    return json_loads(text, 0, NULL);
}

static void results_name_the_first_layer(void **state) {
    fixture *f = *state;
    ss_arena *a = ss_arena_new(f->ctx);
    ss_verified_node nodes[3] = { { .node = 4 }, { .node = 5 }, { .node = 6 } };
    ss_verified_partition p = { .top = "partition_1", .nodes = nodes, .n_nodes = 3 };
    json_t *j = result("{\"id\": 4, \"instance\": \"a\", \"starved\": 1, \"blocked\": 2, " STREAM(
        8, 5,
        ", \"first\": {\"image\": 1, \"row\": 2, \"column\": 3, \"channel\": 4, \"expected\": -5, \"got\": "
        "6}") "},"
              "{\"id\": 5, \"instance\": \"b\", \"starved\": 1, \"blocked\": 2, " STREAM(
                  8, 9,
                  ", \"first\": {\"image\": 0, \"row\": 7, \"column\": 8, \"channel\": 9, \"expected\": 1, "
                  "\"got\": 0}") "},"
                                 "{\"id\": 6, \"instance\": \"c\", \"starved\": 1, \"blocked\": 2, " STREAM(
                                     8, 9,
                                     ", \"first\": {\"image\": 0, \"row\": 1, \"column\": 1, \"channel\": 1, "
                                     "\"expected\": 1, \"got\": 0}") "}");
    assert_non_null(j);
    assert_int_equal(ss_outcome_read(f->ctx, "result", j, a, &p), SS_OK);
    const ss_verified_node *culprit = ss_verified_culprit(&p);
    assert_ptr_equal(culprit, &nodes[1]); /* the earliest image, then the first node */
    assert_int_equal(culprit->stream.first.row, 7);
    assert_true(p.interval.measured == 11 && p.latency.measured == 10);
    json_decref(j);
    ss_arena_free(a);
}

static void results_of_other_nodes_are_refused(void **state) {
    fixture *f = *state;
    ss_arena *a = ss_arena_new(f->ctx);
    ss_verified_node node = { .node = 4 };
    ss_verified_partition p = { .top = "partition_1", .nodes = &node, .n_nodes = 1 };
    const char *const bad[] = { "", "{\"id\": 5}", "{\"id\": 4}",
                                "{\"id\": 4, \"instance\": \"a\", \"starved\": 1, \"blocked\": 2}" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *j = result(bad[i]);
        assert_int_equal(ss_outcome_read(f->ctx, "result", j, a, &p), SS_BAD);
        assert_true(ss_diag_errors(f->ctx) > 0);
        ss_diag_clear(f->ctx);
        json_decref(j);
    }
    ss_arena_free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_run_in_a_folder_with_a_log),
        cmocka_unit_test(a_signal_is_told_from_an_exit),
        cmocka_unit_test(a_missing_program_names_its_package),
        cmocka_unit_test(a_manifest_lists_the_nodes),
        cmocka_unit_test(manifests_that_do_not_fit_are_refused),
        cmocka_unit_test(tensors_are_pixels_then_channels),
        cmocka_unit_test(results_name_the_first_layer),
        cmocka_unit_test(results_of_other_nodes_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
