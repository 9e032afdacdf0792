/* verify without a simulator: programs and their logs, manifests that do not fit, stimuli, results read back.
 */
#include "util_infer.h"
#include "util_net.h"
#include "verify/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
    util_net net;
    ss_design *design;
    char dir[256];
} fixture;

static int setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    ss_ctx *ctx = ss_ctx_new();
    *state = f;
    ss_status s = util_net_open(&f->net, ctx, util_small_resnet(ctx, 3), util_infer_norm(3), 10, 3, 4, 8);
    return s == SS_OK && util_net_design(&f->net, 4, &f->design) == SS_OK && util_temp_dir(f->dir) ? 0 : -1;
}

static int teardown(void **state) {
    fixture *f = *state;
    util_remove_dir(f->dir);
    ss_design_free(f->design);
    util_net_close(&f->net);
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
    assert_int_equal(ss_process_run(f->net.ctx, f->dir, argv, log, &code), SS_OK);
    assert_int_equal(code, 7);
    assert_int_equal(ss_process_failed(f->net.ctx, "sh", code, log), SS_BAD);
    assert_true(util_has_error(f->net.ctx, "exit 7"));
    assert_true(util_has_error(f->net.ctx, "line 14|line 15|line 16|line 17|line 18|line 19"));
    assert_true(util_has_error(f->net.ctx, log));
    assert_false(util_has_error(f->net.ctx, "line 13"));
    ss_diag_clear(f->net.ctx);
}

static void a_signal_is_told_from_an_exit(void **state) {
    fixture *f = *state;
    int code = -1;
    const char *const argv[] = { "sh", "-c", "kill -9 $$", NULL };
    assert_int_equal(ss_process_run(f->net.ctx, f->dir, argv, in_dir(f, "log"), &code), SS_OK);
    assert_int_equal(code, 128 + 9);
}

static void a_missing_program_names_its_package(void **state) {
    fixture *f = *state;
    assert_int_equal(ss_process_need(f->net.ctx, "sh", "dash"), SS_OK);
    assert_int_equal(ss_process_need(f->net.ctx, "no-such-simulator", "simulators"), SS_BAD);
    assert_true(util_has_error(f->net.ctx, "apt-get install simulators"));
    ss_diag_clear(f->net.ctx);
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
    return ss_hw_read(f->net.ctx, f->net.g, f->design, f->dir, hw);
}

static void a_manifest_lists_the_nodes(void **state) {
    fixture *f = *state;
    ss_hw *hw;
    char nodes[128];
    snprintf(nodes, sizeof nodes, "[{\"name\": \"%s\"}, {\"name\": \"%s\"}]", f->net.g->nodes[0].name,
             f->net.g->nodes[1].name);
    assert_int_equal(read_manifest(f, ss_graph_hash(f->net.g), 8, nodes, &hw), SS_OK);
    assert_int_equal(hw->n, 1);
    assert_int_equal(hw->partitions[0].n_nodes, 2);
    assert_int_equal(hw->partitions[0].nodes[1], 1);
    assert_ptr_equal(hw->partitions[0].design, &f->design->partitions[0]);
    ss_hw_free(hw);
}

static void manifests_that_do_not_fit_are_refused(void **state) {
    fixture *f = *state;
    const uint64_t model = ss_graph_hash(f->net.g);
    char order[128];
    snprintf(order, sizeof order, "[{\"name\": \"%s\"}, {\"name\": \"%s\"}]", f->net.g->nodes[1].name,
             f->net.g->nodes[0].name);
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
        assert_true(util_has_error(f->net.ctx, bad[i].message));
        ss_diag_clear(f->net.ctx);
    }
}

/* ---- stimuli ---- */

static void tensors_are_pixels_then_channels(void **state) {
    fixture *f = *state;
    ss_stimulus *s;
    const ss_verify_task task = {
        .g = f->net.g, .q = f->net.q, .e = f->net.e, .design = f->design, .images = f->net.d, .norm = &f->net.norm
    };
    assert_int_equal(ss_stimulus_make(f->net.ctx, &task, &s), SS_OK);
    const ss_shape in = f->net.g->nodes[0].shape;
    int64_t violations = 0;
    for (int64_t image = 0; image < f->net.d->n; image++) {
        int64_t *raw = calloc((size_t)ss_shape_size(in), sizeof *raw);
        for (int64_t c = 0; c < in.c; c++)
            for (int64_t i = 0; i < in.h * in.w; i++)
                raw[c * in.h * in.w + i] = s->tensors[0][image * ss_shape_size(in) + i * in.c + c];
        int64_t **want = util_eval_int(f->net.g, f->net.q, raw, &violations);
        for (int32_t t = 0; t < f->net.g->n; t++) {
            const ss_shape o = f->net.g->nodes[t].shape;
            const int16_t *got = s->tensors[t] + image * ss_shape_size(o);
            for (int64_t c = 0; c < o.c; c++)
                for (int64_t i = 0; i < o.h * o.w; i++)
                    assert_int_equal(got[i * o.c + c], want[t][c * o.h * o.w + i]);
        }
        util_free_tensors(f->net.g, want);
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
    ss_arena *a = ss_arena_new(f->net.ctx);
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
    assert_int_equal(ss_outcome_read(f->net.ctx, "result", j, a, &p), SS_OK);
    const ss_verified_node *culprit = ss_verified_culprit(&p);
    assert_ptr_equal(culprit, &nodes[1]); /* the earliest image, then the first node */
    assert_int_equal(culprit->stream.first.row, 7);
    assert_true(p.interval.measured == 11 && p.latency.measured == 10);
    json_decref(j);
    ss_arena_free(a);
}

static void results_of_other_nodes_are_refused(void **state) {
    fixture *f = *state;
    ss_arena *a = ss_arena_new(f->net.ctx);
    ss_verified_node node = { .node = 4 };
    ss_verified_partition p = { .top = "partition_1", .nodes = &node, .n_nodes = 1 };
    const char *const bad[] = { "", "{\"id\": 5}", "{\"id\": 4}",
                                "{\"id\": 4, \"instance\": \"a\", \"starved\": 1, \"blocked\": 2}" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *j = result(bad[i]);
        assert_int_equal(ss_outcome_read(f->net.ctx, "result", j, a, &p), SS_BAD);
        assert_true(ss_diag_errors(f->net.ctx) > 0);
        ss_diag_clear(f->net.ctx);
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
