/* The importer's translation of single operators and of their combinations: what numbers the network gives,
 * what becomes of each node, and what is refused. Images are small whole numbers, so that expected values can
 * be read off. */
#include "util_onnx.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTS(...)                                                                                            \
    (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (int64_t[]) {                               \
        __VA_ARGS__                                                                                          \
    }

/* One test's model, context and result. */
typedef struct fixture {
    util_onnx *u;
    ss_ctx *ctx;
    ss_graph *g;
    ss_onnx_report report;
    float *y;
} fixture;

static fixture begin(int64_t opset, const char *input) {
    fixture f = { .u = util_onnx_new(opset), .ctx = ss_ctx_new() };
    ss_ctx_set_threads(f.ctx, 1);
    util_onnx_input(f.u, "x", input);
    util_onnx_output(f.u, "y");
    return f;
}

static void end(fixture *f) {
    free(f->y);
    ss_graph_free(f->g);
    ss_ctx_free(f->ctx);
    util_onnx_free(f->u);
}

static ss_status import(fixture *f) {
    ss_status s = util_onnx_import(f->u, f->ctx, &f->g, &f->report);
    for (size_t k = 0; s == SS_BAD && k < ss_diag_count(f->ctx); k++)
        printf("# %s\n", ss_diag_at(f->ctx, k)->cause);
    return s;
}

static void run(fixture *f, const float *image) {
    assert_int_equal(import(f), SS_OK);
    f->y = util_onnx_run(f->ctx, f->g, image);
    for (size_t k = 0; !f->y && k < ss_diag_count(f->ctx); k++)
        printf("# %s\n", ss_diag_at(f->ctx, k)->cause);
    assert_non_null(f->y);
}

/* Run on 0, 1, 2, ... minus `shift`, expect these numbers. */
static void expect(fixture *f, float shift, size_t n, const float *want) {
    float image[1024];
    for (int k = 0; k < 1024; k++) image[k] = (float)k - shift;
    run(f, image);
    assert_int_equal(ss_shape_size(f->g->nodes[f->g->output].shape), n);
    for (size_t k = 0; k < n; k++) assert_float_equal(f->y[k], want[k], 1e-4f * fmaxf(1, fabsf(want[k])));
}
#define EXPECT(f, shift, ...)                                                                                \
    expect(f, shift, sizeof((float[]){ __VA_ARGS__ }) / sizeof(float), (float[]){ __VA_ARGS__ })

static void expect_refused(fixture *f, const char *says) {
    assert_int_equal(import(f), SS_NO);
    assert_true(ss_diag_errors(f->ctx) >= 1);
    assert_true(util_onnx_says(f->ctx, says));
}

static const ss_onnx_row *row(const fixture *f, const char *op) {
    for (size_t k = 0; k < f->report.n; k++)
        if (strcmp(f->report.rows[k].op, op) == 0) return &f->report.rows[k];
    fail_msg("no row for %s", op);
    return NULL;
}

/* ---- padding ---- */

static void pad_goes_into_conv(void **state) {
    (void)state;
    fixture f = begin(13, "1x1x2x2");
    util_onnx_ints(f.u, "pads", INTS(0, 0, 1, 0, 0, 0, 0, 2));
    util_onnx_floats(f.u, "w", "1x1x2x2", (float[]){ 1, 10, 100, 1000 });
    util_onnx_add(f.u, "Pad", "x pads", "p");
    util_onnx_add(f.u, "Conv", "p w", "y");
    /* rows 0 0 0 0 / 1 2 0 0 / 3 4 0 0 */
    EXPECT(&f, -1, 2100, 200, 0, 4321, 402, 0);
    assert_string_equal(row(&f, "Pad")->status, "fused");
    end(&f);
}

static void pads_add_up(void **state) {
    (void)state;
    fixture f = begin(11, "1x1x1x1");
    util_onnx_ints(f.u, "a", INTS(0, 0, 1, 1, 0, 0, 0, 0));
    util_onnx_ints(f.u, "b", INTS(0, 0, 0, 0, 0, 0, 1, 1));
    util_onnx_add(f.u, "Pad", "x a", "p");
    util_onnx_add(f.u, "Pad", "p b", "q");
    util_onnx_attr_ints(f.u, util_onnx_add(f.u, "AveragePool", "q", "y"), "kernel_shape", INTS(3, 3));
    EXPECT(&f, -18, 2); /* the zeros of Pad count in the divisor */
    end(&f);
}

static void pad_before_maxpool(void **state) {
    (void)state;
    for (int relu = 0; relu < 2; relu++) {
        fixture f = begin(13, "1x1x2x2");
        util_onnx_ints(f.u, "pads", INTS(0, 0, 1, 1, 0, 0, 0, 0));
        if (relu) util_onnx_add(f.u, "Relu", "x", "r");
        util_onnx_add(f.u, "Pad", relu ? "r pads" : "x pads", "p");
        util_onnx_attr_ints(f.u, util_onnx_add(f.u, "MaxPool", "p", "y"), "kernel_shape", INTS(2, 2));
        if (relu) EXPECT(&f, 2, 0, 0, 0, 1);
        else expect_refused(&f, "may be negative");
        end(&f);
    }
}

static void pad_elsewhere_is_refused_once(void **state) {
    (void)state;
    fixture f = begin(13, "1x1x2x2");
    util_onnx_ints(f.u, "pads", INTS(0, 0, 1, 1, 0, 0, 0, 0));
    util_onnx_add(f.u, "Pad", "x pads", "p");
    util_onnx_add(f.u, "Relu", "p", "a");
    util_onnx_add(f.u, "Relu", "p", "b");
    util_onnx_add(f.u, "Add", "a b", "y");
    expect_refused(&f, "straight into a Conv or a pool");
    assert_int_equal(ss_diag_errors(f.ctx), 1);
    assert_string_equal(row(&f, "Pad")->status, "unsupported");
    assert_string_equal(row(&f, "Relu")->status, "unchecked");
    end(&f);
}

static void channel_pad(void **state) {
    (void)state;
    fixture f = begin(18, "1x1x1x2");
    util_onnx_ints(f.u, "pads", INTS(1, 2));
    util_onnx_ints(f.u, "axes", INTS(1));
    util_onnx_add(f.u, "Pad", "x pads - axes", "y");
    EXPECT(&f, -5, 0, 0, 5, 6, 0, 0, 0, 0);
    end(&f);
}

static void zero_pad_vanishes(void **state) {
    (void)state;
    fixture f = begin(9, "1x1x1x2");
    util_onnx_attr_ints(f.u, util_onnx_add(f.u, "Pad", "x", "p"), "pads", INTS(0, 0, 0, 0, 0, 0, 0, 0));
    util_onnx_add(f.u, "Relu", "p", "y");
    EXPECT(&f, 0, 0, 1);
    end(&f);
}

/* ---- slices ---- */

static void slice_chain(void **state) {
    (void)state;
    fixture f = begin(13, "1x1x4x6");
    util_onnx_ints(f.u, "one", INTS(1));
    util_onnx_ints(f.u, "two", INTS(2));
    util_onnx_ints(f.u, "three", INTS(3));
    util_onnx_ints(f.u, "max", INTS(INT64_MAX));
    util_onnx_add(f.u, "Slice", "x one max two two", "a");   /* rows 1, 3 */
    util_onnx_add(f.u, "Slice", "a one max three two", "b"); /* columns 1, 3, 5 */
    util_onnx_add(f.u, "Slice", "b one max three one", "y"); /* columns 3, 5 */
    EXPECT(&f, 0, 9, 11, 21, 23);
    assert_int_equal(f.g->n, 2); /* the input and one slice */
    end(&f);
}

static void slice_to_an_end(void **state) {
    (void)state;
    fixture f = begin(13, "1x1x1x9");
    util_onnx_ints(f.u, "start", INTS(1));
    util_onnx_ints(f.u, "end", INTS(-3)); /* up to column 5 */
    util_onnx_ints(f.u, "axis", INTS(-1));
    util_onnx_ints(f.u, "step", INTS(2));
    util_onnx_add(f.u, "Slice", "x start end axis step", "y");
    EXPECT(&f, 0, 1, 3, 5);
    end(&f);
}

static void slice_of_channels_is_refused(void **state) {
    (void)state;
    fixture f = begin(9, "1x4x1x1");
    util_onnx_node *n = util_onnx_add(f.u, "Slice", "x", "y");
    util_onnx_attr_ints(f.u, n, "starts", INTS(0));
    util_onnx_attr_ints(f.u, n, "ends", INTS(2));
    util_onnx_attr_ints(f.u, n, "axes", INTS(1));
    expect_refused(&f, "height and width only");
    end(&f);
}

/* ---- fully connected, shapes ---- */

static void gemm_folds_alpha_and_beta(void **state) {
    (void)state;
    fixture f = begin(13, "Nx1x1x2");
    util_onnx_floats(f.u, "w", "2x3", (float[]){ 1, 2, 3, 4, 5, 6 });
    util_onnx_floats(f.u, "b", "3", (float[]){ 10, 20, 30 });
    util_onnx_add(f.u, "Flatten", "x", "flat");
    util_onnx_node *n = util_onnx_add(f.u, "Gemm", "flat w b", "y");
    util_onnx_attr_float(f.u, n, "alpha", 2);
    util_onnx_attr_float(f.u, n, "beta", 0.5f);
    EXPECT(&f, -1, 2 * (1 + 8) + 5, 2 * (2 + 10) + 10, 2 * (3 + 12) + 15);
    end(&f);
}

static void matmul_with_bias(void **state) {
    (void)state;
    fixture f = begin(13, "Nx2");
    util_onnx_floats(f.u, "w", "2x3", (float[]){ 1, 2, 3, 4, 5, 6 });
    util_onnx_floats(f.u, "b", "3", (float[]){ 10, 20, 30 });
    util_onnx_add(f.u, "MatMul", "x w", "m");
    util_onnx_add(f.u, "Add", "b m", "y");
    EXPECT(&f, -1, 19, 32, 45);
    assert_int_equal(f.g->n, 2); /* the bias went into the layer */
    end(&f);
}

/* x.view(x.size(0), -1) with a dynamic batch: Shape, Gather, Unsqueeze, Concat, Reshape. */
static void view_by_batch(void **state) {
    (void)state;
    fixture f = begin(13, "Nx2x2x2");
    util_onnx_ints(f.u, "zero", INTS(0));
    util_onnx_ints(f.u, "minus", INTS(-1));
    Onnx__TensorProto *index = util_onnx_ints(f.u, "index", INTS(0));
    index->n_dims = 0; /* a scalar */
    util_onnx_floats(f.u, "w", "8x1", (float[]){ 1, 0, 0, 0, 0, 0, 0, 100 });
    util_onnx_add(f.u, "Shape", "x", "s");
    util_onnx_add(f.u, "Gather", "s index", "n");
    util_onnx_add(f.u, "Unsqueeze", "n zero", "n1");
    util_onnx_attr_int(f.u, util_onnx_add(f.u, "Concat", "n1 minus", "shape"), "axis", 0);
    util_onnx_add(f.u, "Reshape", "x shape", "flat");
    util_onnx_add(f.u, "MatMul", "flat w", "y");
    EXPECT(&f, -1, 801);
    assert_string_equal(row(&f, "Gather")->status, "folded");
    end(&f);
}

/* x.view(n, c, -1).mean(2), a common way to write global pooling. */
static void mean_of_a_view(void **state) {
    (void)state;
    fixture f = begin(13, "Nx2x1x2");
    util_onnx_ints(f.u, "shape", INTS(0, 0, -1));
    util_onnx_add(f.u, "Reshape", "x shape", "v");
    util_onnx_node *n = util_onnx_add(f.u, "ReduceMean", "v", "y");
    util_onnx_attr_ints(f.u, n, "axes", INTS(2));
    util_onnx_attr_int(f.u, n, "keepdims", 0);
    EXPECT(&f, 0, 0.5f, 2.5f);
    end(&f);
}

static void mean_with_axes_as_input(void **state) {
    (void)state;
    fixture f = begin(18, "Nx2x1x2");
    util_onnx_ints(f.u, "axes", INTS(-1, -2));
    util_onnx_add(f.u, "ReduceMean", "x axes", "y");
    EXPECT(&f, 0, 0.5f, 2.5f);
    end(&f);
}

static void global_pools(void **state) {
    (void)state;
    fixture f = begin(13, "Nx1x2x2");
    util_onnx_add(f.u, "GlobalMaxPool", "x", "a");
    util_onnx_add(f.u, "GlobalAveragePool", "x", "b");
    util_onnx_add(f.u, "Sum", "a b a", "s");
    util_onnx_attr_ints(f.u, util_onnx_add(f.u, "Squeeze", "s", "y"), "axes", INTS(2, 3));
    EXPECT(&f, 0, 7.5f);
    end(&f);
}

static void concat_of_many(void **state) {
    (void)state;
    fixture f = begin(13, "Nx1x1x1");
    char inputs[256] = "";
    float want[40];
    for (int k = 0; k < 40; k++) {
        strcat(inputs, k % 2 ? "x " : "r ");
        want[k] = k % 2 ? -3 : 0;
    }
    util_onnx_add(f.u, "Relu", "x", "r");
    util_onnx_attr_int(f.u, util_onnx_add(f.u, "Concat", inputs, "y"), "axis", -3);
    expect(&f, 3, 40, want);
    end(&f);
}

/* ---- pools ---- */

static void ceil_mode_drops_windows_in_the_padding(void **state) {
    (void)state;
    fixture f = begin(13, "1x1x1x4");
    util_onnx_node *n = util_onnx_add(f.u, "MaxPool", "x", "y");
    util_onnx_attr_ints(f.u, n, "kernel_shape", INTS(1, 1));
    util_onnx_attr_ints(f.u, n, "strides", INTS(1, 3));
    util_onnx_attr_ints(f.u, n, "pads", INTS(0, 0, 0, 1));
    util_onnx_attr_int(f.u, n, "ceil_mode", 1);
    EXPECT(&f, 0, 0, 3); /* a third window would start behind the image */
    end(&f);
}

/* nn.AvgPool2d(2, ceil_mode=True): count_include_pad is set, but there is no padding to count. */
static void ceil_mode_of_averages(void **state) {
    (void)state;
    fixture f = begin(13, "1x1x1x5");
    util_onnx_node *n = util_onnx_add(f.u, "AveragePool", "x", "y");
    util_onnx_attr_ints(f.u, n, "kernel_shape", INTS(1, 2));
    util_onnx_attr_ints(f.u, n, "strides", INTS(1, 2));
    util_onnx_attr_int(f.u, n, "ceil_mode", 1);
    util_onnx_attr_int(f.u, n, "count_include_pad", 1);
    EXPECT(&f, 0, 0.5f, 2.5f, 4);
    end(&f);
}

static void ceil_mode_with_counted_padding_is_refused(void **state) {
    (void)state;
    fixture f = begin(13, "1x1x4x4");
    util_onnx_node *n = util_onnx_add(f.u, "AveragePool", "x", "y");
    util_onnx_attr_ints(f.u, n, "kernel_shape", INTS(3, 3));
    util_onnx_attr_ints(f.u, n, "strides", INTS(2, 2));
    util_onnx_attr_ints(f.u, n, "pads", INTS(1, 1, 1, 1));
    util_onnx_attr_int(f.u, n, "ceil_mode", 1);
    util_onnx_attr_int(f.u, n, "count_include_pad", 1);
    expect_refused(&f, "ceil_mode");
    end(&f);
}

/* ---- pointwise ---- */

static void clip_forms(void **state) {
    (void)state;
    fixture f = begin(9, "1x1x1x4");
    util_onnx_node *n = util_onnx_add(f.u, "Clip", "x", "y");
    util_onnx_attr_float(f.u, n, "min", 0);
    util_onnx_attr_float(f.u, n, "max", 1);
    EXPECT(&f, 1, 0, 0, 1, 1);
    end(&f);
    f = begin(11, "1x1x1x4");
    util_onnx_floats(f.u, "lo", "", (float[]){ 0 });
    util_onnx_floats(f.u, "hi", "", (float[]){ 1.5f });
    util_onnx_add(f.u, "Clip", "x lo hi", "y");
    EXPECT(&f, 1, 0, 0, 1, 1.5f);
    end(&f);
    f = begin(11, "1x1x1x4");
    util_onnx_floats(f.u, "lo", "", (float[]){ -1 });
    util_onnx_add(f.u, "Clip", "x lo", "y");
    expect_refused(&f, "ReLU6");
    end(&f);
}

static void threshold_is_strict(void **state) {
    (void)state;
    fixture f = begin(10, "1x1x1x4");
    util_onnx_attr_float(f.u, util_onnx_add(f.u, "ThresholdedRelu", "x", "y"), "alpha", 2);
    EXPECT(&f, 0, 0, 0, 0, 3);
    assert_int_equal(f.g->nodes[1].act.threshold, 2);
    end(&f);
}

/* (5 - x) * w / 4 with one w a channel. */
static void arithmetic_with_constants(void **state) {
    (void)state;
    fixture f = begin(13, "1x2x1x1");
    util_onnx_floats(f.u, "five", "", (float[]){ 5 });
    util_onnx_floats(f.u, "w", "1x2x1x1", (float[]){ 2, -3 });
    util_onnx_floats(f.u, "four", "1", (float[]){ 4 });
    util_onnx_add(f.u, "Sub", "five x", "a");
    util_onnx_add(f.u, "Mul", "a w", "b");
    util_onnx_add(f.u, "Div", "b four", "y");
    EXPECT(&f, 0, 2.5f, -3);
    end(&f);
}

static void constants_per_pixel_are_refused(void **state) {
    (void)state;
    fixture f = begin(13, "1x2x1x3");
    util_onnx_floats(f.u, "c", "3", NULL);
    util_onnx_add(f.u, "Add", "x c", "y");
    expect_refused(&f, "one per channel");
    end(&f);
}

static void softmax_only_at_the_end(void **state) {
    (void)state;
    fixture f = begin(13, "Nx4");
    util_onnx_attr_int(f.u, util_onnx_add(f.u, "Softmax", "x", "s"), "axis", 1);
    util_onnx_add(f.u, "Identity", "s", "y");
    EXPECT(&f, 0, 0, 1, 2, 3); /* the scores themselves */
    assert_true(util_onnx_says(f.ctx, "does not change the order"));
    end(&f);
    f = begin(13, "Nx4");
    util_onnx_add(f.u, "Softmax", "x", "s");
    util_onnx_add(f.u, "Relu", "s", "y");
    expect_refused(&f, "last node");
    end(&f);
}

/* ---- constants in every form ---- */

static void typed_data(void **state) {
    (void)state;
    fixture f = begin(13, "1x3x1x1");
    Onnx__TensorProto *scale = util_onnx_floats(f.u, "scale", "1x3x1x1", NULL);
    scale->has_raw_data = 0;
    scale->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    scale->n_double_data = 3;
    scale->double_data = (double[]){ 1, 2, 3 };
    Onnx__TensorProto *shift = util_onnx_floats(f.u, "shift", "1x3x1x1", NULL);
    shift->has_raw_data = 0;
    shift->n_float_data = 3;
    shift->float_data = (float[]){ 0.5f, 0, -1 };
    Onnx__TensorProto *axes = util_onnx_ints(f.u, "axes", INTS(2, 3));
    axes->has_raw_data = 0;
    axes->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT32;
    axes->n_int32_data = 2;
    axes->int32_data = (int32_t[]){ 2, 3 };
    util_onnx_add(f.u, "Mul", "x scale", "a");
    util_onnx_add(f.u, "Add", "a shift", "b");
    util_onnx_add(f.u, "Squeeze", "b axes", "y");
    EXPECT(&f, -1, 1.5f, 4, 8);
    end(&f);
}

static void constant_nodes(void **state) {
    (void)state;
    fixture f = begin(13, "1x2x1x1");
    util_onnx_attr_float(f.u, util_onnx_add(f.u, "Constant", "", "two"), "value_float", 2);
    util_onnx_attr_ints(f.u, util_onnx_add(f.u, "Constant", "", "shape"), "value_ints", INTS(2));
    util_onnx_add(f.u, "ConstantOfShape", "shape", "zeros"); /* float zeros without a value */
    util_onnx_attr_ints(f.u, util_onnx_add(f.u, "Constant", "", "axes"), "value_ints", INTS(1, 2));
    util_onnx_add(f.u, "Unsqueeze", "zeros axes", "z");
    util_onnx_add(f.u, "Mul", "x two", "a");
    util_onnx_add(f.u, "Add", "a z", "y");
    EXPECT(&f, -1, 2, 4);
    end(&f);
}

/* ---- the file as a whole ---- */

static void names_are_made_unique(void **state) {
    (void)state;
    fixture f = begin(13, "1x1x1x1");
    util_onnx_node *a = util_onnx_add(f.u, "Relu", "x", "a"), *b = util_onnx_add(f.u, "Relu", "a", "b");
    a->name = b->name = (char[]){ "same" };
    util_onnx_add(f.u, "Relu", "b", "c");
    util_onnx_add(f.u, "Relu", "c", "d");
    util_onnx_add(f.u, "Relu", "d", "y")->name = (char[]){ "x\n\xff" };
    assert_int_equal(import(&f), SS_OK);
    for (int32_t k = 0; k < f.g->n; k++) {
        assert_int_equal(ss_graph_find(f.g, f.g->nodes[k].name), k);
        assert_true(f.g->nodes[k].name[0] != '\0');
    }
    assert_string_equal(f.g->nodes[1].name, "same");
    assert_string_equal(f.g->nodes[3].name, "Relu_2");
    assert_string_equal(f.g->nodes[5].name, "x??"); /* printable */
    end(&f);
}

static void nodes_in_any_order(void **state) {
    (void)state;
    fixture f = begin(13, "1x1x1x2");
    util_onnx_add(f.u, "Relu", "b", "y");
    util_onnx_add(f.u, "Neg", "one", "minus");
    util_onnx_add(f.u, "Mul", "x minus", "b");
    util_onnx_floats(f.u, "one", "", (float[]){ 1 });
    EXPECT(&f, 3, 3, 2);
    end(&f);
}

static void unused_nodes_do_not_matter(void **state) {
    (void)state;
    fixture f = begin(13, "1x1x1x2");
    util_onnx_add(f.u, "Relu", "x", "y");
    util_onnx_add(f.u, "Frobnicate", "y", "z");
    EXPECT(&f, 1, 0, 0);
    assert_string_equal(row(&f, "Frobnicate")->status, "unused");
    end(&f);
}

static void all_unsupported_at_once(void **state) {
    (void)state;
    fixture f = begin(13, "1x2x8x8");
    util_onnx_floats(f.u, "w", "2x2x3x3", NULL);
    util_onnx_floats(f.u, "slope", "2x1x1", NULL);
    util_onnx_add(f.u, "Tanh", "x", "a");                       /* same shape behind it */
    util_onnx_add(f.u, "PRelu", "a slope", "b");                /* so this is seen */
    util_onnx_node *c = util_onnx_add(f.u, "Conv", "b w", "c"); /* and this */
    util_onnx_attr_ints(f.u, c, "dilations", INTS(2, 2));
    util_onnx_add(f.u, "Relu", "c", "d");       /* unknown shape: silent */
    util_onnx_add(f.u, "Frobnicate", "d", "e"); /* no such operator, whatever the shape */
    util_onnx_add(f.u, "Relu", "e", "y");
    assert_int_equal(import(&f), SS_NO);
    assert_int_equal(ss_diag_errors(f.ctx), 4);
    for (size_t k = 0; k < ss_diag_count(f.ctx); k++) assert_true(*ss_diag_at(f.ctx, k)->remedy != '\0');
    assert_string_equal(ss_diag_at(f.ctx, 2)->op, "Conv");
    assert_string_equal(ss_diag_at(f.ctx, 2)->shape, "1x2x8x8");
    assert_string_equal(row(&f, "Frobnicate")->status, "unsupported");
    end(&f);
    f = begin(13, "1x2x8x8"); /* without a report there is no graph either */
    util_onnx_add(f.u, "Tanh", "x", "y");
    assert_int_equal(util_onnx_import(f.u, f.ctx, &f.g, NULL), SS_NO);
    assert_null(f.g);
    end(&f);
}

static void fixed_batch_is_noted(void **state) {
    (void)state;
    fixture f = begin(13, "8x1x2x2");
    util_onnx_ints(f.u, "shape", INTS(8, 4));
    util_onnx_add(f.u, "Reshape", "x shape", "y");
    EXPECT(&f, 0, 0, 1, 2, 3);
    assert_true(util_onnx_says(f.ctx, "batch 8 is ignored"));
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pad_goes_into_conv),
        cmocka_unit_test(pads_add_up),
        cmocka_unit_test(pad_before_maxpool),
        cmocka_unit_test(pad_elsewhere_is_refused_once),
        cmocka_unit_test(channel_pad),
        cmocka_unit_test(zero_pad_vanishes),
        cmocka_unit_test(slice_chain),
        cmocka_unit_test(slice_to_an_end),
        cmocka_unit_test(slice_of_channels_is_refused),
        cmocka_unit_test(gemm_folds_alpha_and_beta),
        cmocka_unit_test(matmul_with_bias),
        cmocka_unit_test(view_by_batch),
        cmocka_unit_test(mean_of_a_view),
        cmocka_unit_test(mean_with_axes_as_input),
        cmocka_unit_test(global_pools),
        cmocka_unit_test(concat_of_many),
        cmocka_unit_test(ceil_mode_drops_windows_in_the_padding),
        cmocka_unit_test(ceil_mode_of_averages),
        cmocka_unit_test(ceil_mode_with_counted_padding_is_refused),
        cmocka_unit_test(clip_forms),
        cmocka_unit_test(threshold_is_strict),
        cmocka_unit_test(arithmetic_with_constants),
        cmocka_unit_test(constants_per_pixel_are_refused),
        cmocka_unit_test(softmax_only_at_the_end),
        cmocka_unit_test(typed_data),
        cmocka_unit_test(constant_nodes),
        cmocka_unit_test(names_are_made_unique),
        cmocka_unit_test(nodes_in_any_order),
        cmocka_unit_test(unused_nodes_do_not_matter),
        cmocka_unit_test(all_unsupported_at_once),
        cmocka_unit_test(fixed_batch_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
