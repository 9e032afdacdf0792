/* Export: the written file read back has the thresholds, the weights and, bit for bit, the results. */
#include "util_onnx.h"
#include "util_profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* conv, relu, conv, clip, conv, relu: one activation of each form. */
static util_onnx *model(int64_t opset) {
    util_onnx *u = util_onnx_new(opset);
    util_onnx_input(u, "x", "Nx3x8x8");
    util_onnx_floats(u, "w1", "4x3x3x3", NULL);
    util_onnx_floats(u, "w2", "4x4x1x1", NULL);
    const float lo = 0, hi = 6;
    util_onnx_floats(u, "lo", "", &lo);
    util_onnx_floats(u, "hi", "", &hi);
    util_onnx_add(u, "Conv", "x w1", "c1");
    util_onnx_add(u, "Relu", "c1", "r1");
    util_onnx_add(u, "Conv", "r1 w2", "c2");
    util_onnx_add(u, "Clip", "c2 lo hi", "r2");
    util_onnx_add(u, "Conv", "r2 w2", "c3");
    util_onnx_add(u, "Relu", "c3", "y");
    util_onnx_output(u, "y");
    return u;
}

typedef struct files {
    char dir[256], in[300], out[300];
} files;

static void write_model(ss_ctx *ctx, util_onnx *u, files *f) {
    size_t len;
    assert_true(util_temp_dir(f->dir));
    snprintf(f->in, sizeof f->in, "%s/in.onnx", f->dir);
    snprintf(f->out, sizeof f->out, "%s/out.onnx", f->dir);
    uint8_t *bytes = util_onnx_pack(u, &len);
    assert_int_equal(ss_file_write(ctx, f->in, bytes, len), SS_OK);
}

static void fill(float *image, size_t n) {
    for (size_t i = 0; i < n; i++) image[i] = (float)((i * 37) % 101) / 20.0f - 2.0f;
}

static void same_results(ss_ctx *ctx, ss_graph *a, ss_graph *b) {
    float image[3 * 8 * 8];
    fill(image, sizeof image / sizeof *image);
    float *ya = util_onnx_run(ctx, a, image), *yb = util_onnx_run(ctx, b, image);
    assert_non_null(ya);
    assert_non_null(yb);
    assert_memory_equal(ya, yb, (size_t)ss_shape_size(a->nodes[a->output].shape) * sizeof *ya);
    free(ya);
    free(yb);
}

static void thresholds_come_back(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    util_onnx *u = model(13);
    files f;
    ss_graph *g, *back;
    float want[8];
    int32_t n = 0;
    write_model(ctx, u, &f);
    assert_int_equal(ss_model_load(ctx, f.in, &g), SS_OK);
    for (int32_t i = 0; i < g->n; i++)
        if (g->nodes[i].act.on) ss_act_set_threshold(&g->nodes[i].act, want[n] = 0.25f + 0.5f * (float)n), n++;
    assert_int_equal(n, 3);
    assert_int_equal(ss_onnx_export(g, f.in, f.out), SS_OK);
    assert_int_equal(ss_model_load(ctx, f.out, &back), SS_OK);
    int32_t seen = 0;
    for (int32_t i = 0; i < back->n; i++) {
        if (!back->nodes[i].act.on || back->nodes[i].act.threshold == 0) continue;
        assert_true(back->nodes[i].act.threshold == want[seen++]);
    }
    assert_int_equal(seen, n);
    same_results(ctx, g, back);
    ss_graph_free(g);
    ss_graph_free(back);
    util_onnx_free(u);
    util_remove_dir(f.dir);
    ss_ctx_free(ctx);
}

static void without_thresholds_nothing_changes(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    util_onnx *u = model(13);
    files f;
    ss_graph *g, *back;
    write_model(ctx, u, &f);
    assert_int_equal(ss_model_load(ctx, f.in, &g), SS_OK);
    assert_int_equal(ss_onnx_export(g, f.in, f.out), SS_OK);
    assert_int_equal(ss_model_load(ctx, f.out, &back), SS_OK);
    assert_true(ss_graph_hash(g) == ss_graph_hash(back));
    ss_graph_free(g);
    ss_graph_free(back);
    util_onnx_free(u);
    util_remove_dir(f.dir);
    ss_ctx_free(ctx);
}

/* Per channel: standard operators that skipstream does not read back; their number and order are checked here, their
 * results in another runtime by the command line test. */
static void a_threshold_per_channel_becomes_three_nodes(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    util_onnx *u = model(13);
    files f;
    ss_graph *g;
    uint8_t *data;
    size_t len;
    const float t[4] = { 0.1f, 0.2f, 0.3f, 0.4f };
    write_model(ctx, u, &f);
    assert_int_equal(ss_model_load(ctx, f.in, &g), SS_OK);
    int32_t relu = 0;
    while (!g->nodes[relu].act.on) relu++;
    g->nodes[relu].act.per_channel = t;
    assert_int_equal(ss_onnx_export(g, f.in, f.out), SS_OK);
    assert_int_equal(ss_file_read(ctx, f.out, 1 << 20, &data, &len), SS_OK);
    Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, len, data);
    assert_non_null(m);
    assert_int_equal(m->graph->n_node, 8);
    static const char *const ops[] = { "Conv", "Greater", "Cast", "Mul", "Conv" };
    for (int i = 0; i < 5; i++) assert_string_equal(m->graph->node[i]->op_type, ops[i]);
    assert_string_equal(m->graph->node[3]->output[0], "r1");
    onnx__model_proto__free_unpacked(m, NULL);
    ss_free(ctx, data);
    ss_graph_free(g);
    util_onnx_free(u);
    util_remove_dir(f.dir);
    ss_ctx_free(ctx);
}

static void an_old_opset_is_refused(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    util_onnx *u = util_onnx_new(9);
    files f;
    ss_graph *g;
    util_onnx_input(u, "x", "Nx3x8x8");
    util_onnx_floats(u, "w1", "4x3x3x3", NULL);
    util_onnx_add(u, "Conv", "x w1", "c1");
    util_onnx_add(u, "Relu", "c1", "y");
    util_onnx_output(u, "y");
    write_model(ctx, u, &f);
    assert_int_equal(ss_model_load(ctx, f.in, &g), SS_OK);
    assert_int_equal(ss_onnx_export(g, f.in, f.out), SS_BAD);
    assert_true(util_onnx_says(ctx, "opset 10"));
    ss_graph_free(g);
    util_onnx_free(u);
    util_remove_dir(f.dir);
    ss_ctx_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thresholds_come_back),
        cmocka_unit_test(without_thresholds_nothing_changes),
        cmocka_unit_test(a_threshold_per_channel_becomes_three_nodes),
        cmocka_unit_test(an_old_opset_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
