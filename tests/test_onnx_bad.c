/* Bad models: truncated, damaged and hostile files, broken ONNX rules, external data outside the model's
 * folder, and lack of memory. Each must end in SS_BAD or SS_NO with an error that says what is wrong, without
 * a graph, a leak or a crash. */
#include "graph/graph.h"
#include "util_graph.h"
#include "util_onnx.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INTS(...)                                                                                            \
    (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (int64_t[]) {                               \
        __VA_ARGS__                                                                                          \
    }

/* A model with most kinds of content: conv 3x3 with bias, BatchNorm, ReLU, shape arithmetic, Gemm. */
static util_onnx *small_model(void) {
    util_onnx *u = util_onnx_new(13);
    util_onnx_input(u, "x", "Nx2x6x6");
    util_onnx_output(u, "y");
    util_onnx_floats(u, "w", "4x2x3x3", NULL);
    util_onnx_floats(u, "bias", "4", NULL);
    util_onnx_floats(u, "gamma", "4", (float[]){ 1, 2, 1, 2 });
    util_onnx_floats(u, "var", "4", (float[]){ 1, 1, 2, 2 });
    util_onnx_floats(u, "fc", "16x3", NULL);
    util_onnx_ints(u, "zero", INTS(0));
    util_onnx_ints(u, "minus", INTS(-1));
    util_onnx_add(u, "Conv", "x w bias", "c");
    util_onnx_add(u, "BatchNormalization", "c gamma bias bias var", "n");
    util_onnx_add(u, "Relu", "n", "r");
    util_onnx_node *p = util_onnx_add(u, "MaxPool", "r", "p");
    util_onnx_attr_ints(u, p, "kernel_shape", INTS(2, 2));
    util_onnx_attr_ints(u, p, "strides", INTS(2, 2));
    util_onnx_add(u, "Shape", "p", "s");
    util_onnx_add(u, "Gather", "s zero", "batch");
    util_onnx_attr_int(u, util_onnx_add(u, "Concat", "batch minus", "shape"), "axis", 0);
    util_onnx_add(u, "Reshape", "p shape", "flat");
    util_onnx_add(u, "Gemm", "flat fc", "y");
    return u;
}

/* Import; whatever comes of it must be consistent. Accepted graphs go through the passes as well. */
static ss_status import_checked(ss_ctx *ctx, const uint8_t *data, size_t len) {
    ss_graph *g = NULL;
    ss_onnx_report report;
    ss_status s = ss_onnx_import_bytes(ctx, "bad.onnx", data, len, NULL, &g, &report);
    assert_true((s == SS_BAD) == (g == NULL));
    assert_true(s == SS_OK || ss_diag_errors(ctx) > 0);
    if (s == SS_OK) {
        assert_int_equal(ss_diag_errors(ctx), 0);
        if (ss_passes_run(g, NULL, NULL) == SS_OK) assert_int_equal(ss_graph_verify(g, "test"), SS_OK);
        else assert_true(ss_diag_errors(ctx) > 0);
    }
    ss_graph_free(g);
    return s;
}

/* The model is refused with SS_BAD, and one of the errors says so. */
static void expect_bad(util_onnx *u, const char *says) {
    ss_ctx *ctx = ss_ctx_new();
    size_t len;
    const uint8_t *data = util_onnx_pack(u, &len);
    assert_int_equal(import_checked(ctx, data, len), SS_BAD);
    if (!util_onnx_says(ctx, says)) fail_msg("no \"%s\" but \"%s\"", says, ss_diag_at(ctx, 0)->cause);
    ss_ctx_free(ctx);
    util_onnx_free(u);
}

/* ---- damaged bytes ---- */

static void not_a_model(void **state) {
    (void)state;
    static const char *const texts[] = { "", "hello, world", "\x0a", "\x3a\x00" };
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        ss_ctx *ctx = ss_ctx_new();
        assert_int_equal(import_checked(ctx, (const uint8_t *)texts[k], strlen(texts[k])), SS_BAD);
        assert_int_equal(ss_diag_errors(ctx), 1);
        ss_ctx_free(ctx);
    }
}

static void truncated_anywhere(void **state) {
    (void)state;
    util_onnx *u = small_model();
    size_t len, accepted = 0;
    const uint8_t *data = util_onnx_pack(u, &len);
    for (size_t n = 0; n <= len; n++) {
        ss_ctx *ctx = ss_ctx_new();
        uint8_t *part = malloc(n + 1); /* its own block, so that a sanitizer sees what is read beyond */
        memcpy(part, data, n);
        accepted += import_checked(ctx, part, n) == SS_OK;
        free(part);
        ss_ctx_free(ctx);
    }
    assert_int_equal(accepted, 1); /* the whole */
    util_onnx_free(u);
}

/* No allocation above 64 MiB: what a flipped bit in a dimension asks for need not be had. */
static void *small_alloc(void *user, void *ptr, size_t size) {
    (void)user;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return size > (size_t)64 << 20 ? NULL : realloc(ptr, size);
}

static void flipped_bytes(void **state) {
    (void)state;
    util_onnx *u = small_model();
    size_t len;
    const uint8_t *data = util_onnx_pack(u, &len);
    uint8_t *copy = malloc(len);
    util_rng r = { 2024 };
    int outcomes[3] = { 0 };
    for (int k = 0; k < 4000; k++) {
        memcpy(copy, data, len);
        int flips = util_rng_int(&r, 1, 3);
        for (int j = 0; j < flips; j++)
            copy[util_rng_int(&r, 0, (int32_t)len - 1)] = (uint8_t)util_rng_int(&r, 0, 255);
        ss_ctx *ctx = ss_ctx_new_with(small_alloc, NULL);
        outcomes[import_checked(ctx, copy, len)]++;
        ss_ctx_free(ctx);
    }
    printf("# 4000 damaged models: %d accepted, %d unsupported, %d refused\n", outcomes[SS_OK],
           outcomes[SS_NO], outcomes[SS_BAD]);
    assert_true(outcomes[SS_OK] > 0 && outcomes[SS_BAD] > 0);
    free(copy);
    util_onnx_free(u);
}

/* A model whose input's type is a sequence of sequences of ... */
static void import_nested(ss_ctx *ctx, size_t depth) {
    size_t cap = 16 * depth + 64, at = cap;
    uint8_t *b = malloc(cap);
    static const uint8_t tags[] = { 0x0a, 0x22 };        /* Sequence.elem_type, TypeProto.sequence_type */
    static const uint8_t outer[] = { 0x12, 0x5a, 0x3a }; /* ValueInfo.type, Graph.input, Model.graph */
    for (size_t k = 0; k < 2 * depth + 3; k++) {
        size_t len = cap - at, n = 0;
        uint8_t varint[5];
        do varint[n++] = (uint8_t)((len & 0x7f) | (len > 0x7f ? 0x80 : 0));
        while (len >>= 7);
        at -= n;
        memcpy(b + at, varint, n);
        b[--at] = k < 2 * depth ? tags[k % 2] : outer[k - 2 * depth];
    }
    assert_int_equal(import_checked(ctx, b + at, cap - at), SS_BAD);
    free(b);
}

/* protobuf-c decodes nested messages by recursion. */
static void nested_too_deep(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    import_nested(ctx, 4);
    assert_true(util_onnx_says(ctx, "opset 0")); /* decoded; wrong for another reason */
    ss_diag_clear(ctx);
    import_nested(ctx, 100000);
    assert_true(util_onnx_says(ctx, "not a readable ONNX model"));
    ss_ctx_free(ctx);
}

static void too_many_messages(void **state) {
    (void)state;
    size_t n = 3 << 20;
    uint8_t *b = malloc(n + 16), *p = b;
    *p++ = 0x3a; /* Model.graph */
    for (size_t len = n; len || p == b + 1; len >>= 7)
        *p++ = (uint8_t)((len & 0x7f) | (len > 0x7f ? 0x80 : 0));
    for (size_t k = 0; k < n; k += 2) *p++ = 0x0a, *p++ = 0x00; /* Graph.node, empty */
    ss_ctx *ctx = ss_ctx_new_with(small_alloc, NULL);
    assert_int_equal(import_checked(ctx, b, (size_t)(p - b)), SS_BAD);
    assert_true(util_onnx_says(ctx, "not a readable ONNX model"));
    ss_ctx_free(ctx);
    free(b);
}

static void real_file_truncated(void **state) {
    (void)state;
    const char *folder = getenv("SKIPSTREAM_DATA");
    char path[512];
    uint8_t *data;
    size_t len;
    snprintf(path, sizeof path, "%s/resnet20_cifar10.onnx", folder ? folder : "../shared/data");
    ss_ctx *ctx = ss_ctx_new();
    if (access(path, R_OK) != 0) {
        ss_ctx_free(ctx);
        printf("# no %s\n", path);
        skip();
    }
    assert_int_equal(ss_file_read(ctx, path, 1 << 24, &data, &len), SS_OK);
    assert_int_equal(import_checked(ctx, data, len), SS_OK);
    for (size_t n = 1; n < len; n += n < 5000 ? 61 : len / 97) {
        assert_int_equal(import_checked(ctx, data, n), SS_BAD);
        ss_diag_clear(ctx);
    }
    ss_free(ctx, data);
    ss_ctx_free(ctx);
}

/* ---- broken rules ---- */

static Onnx__GraphProto *graph_of(util_onnx *u) {
    return util_onnx_model(u)->graph;
}
static Onnx__TensorProto *initialiser(util_onnx *u, const char *name) {
    for (size_t k = 0; k < graph_of(u)->n_initializer; k++)
        if (strcmp(graph_of(u)->initializer[k]->name, name) == 0) return graph_of(u)->initializer[k];
    fail_msg("no initialiser %s", name);
    return NULL;
}

static void broken_structure(void **state) {
    (void)state;
    util_onnx *u = small_model();
    graph_of(u)->node[0]->input[0] = graph_of(u)->node[2]->output[0];
    expect_bad(u, "depends on its own output");
    u = small_model();
    graph_of(u)->node[2]->input[0] = (char[]){ "nobody" };
    expect_bad(u, "\"nobody\", which nothing makes");
    u = small_model();
    graph_of(u)->node[2]->output[0] = graph_of(u)->node[0]->output[0];
    expect_bad(u, "two nodes or constants make this value");
    u = small_model();
    graph_of(u)->output[0]->name = (char[]){ "nobody" };
    expect_bad(u, "nothing makes the output");
    u = small_model();
    util_onnx_output(u, "r");
    expect_bad(u, "2 outputs");
    u = small_model();
    graph_of(u)->n_output = 0;
    expect_bad(u, "0 outputs");
    u = small_model();
    graph_of(u)->output[0]->name = (char[]){ "zero" };
    expect_bad(u, "does not depend on any input");
    u = small_model();
    graph_of(u)->node[1]->n_input = 4;
    expect_bad(u, "input 5 is missing");
    u = small_model();
    graph_of(u)->node[2]->n_input = 2;
    graph_of(u)->node[2]->input[1] = (char[]){ "w" };
    expect_bad(u, "2 inputs; it takes at most 1");
}

static void broken_inputs(void **state) {
    (void)state;
    util_onnx *u = small_model();
    graph_of(u)->input[0] = graph_of(u)->input[--graph_of(u)->n_input];
    expect_bad(u, "which nothing makes");
    u = small_model();
    util_onnx_input(u, "x2", "Nx4x4x4");
    util_onnx_add(u, "Add", "c x2", "sum");
    graph_of(u)->node[1]->input[0] = (char[]){ "sum" };
    expect_bad(u, "a second input");
    static const char *const shapes[] = { "Nx2xNx6", "6", "Nx2x6x6x6", "Nx2000000x6x6", "99999999999x2x6x6" };
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        u = small_model();
        graph_of(u)->n_input = 0;
        util_onnx_input(u, "x", shapes[k]);
        expect_bad(u, k == 4 ? "the batch is too large" : "N x C x H x W");
    }
    u = small_model();
    graph_of(u)->input[0]->type = NULL;
    expect_bad(u, "states no shape");
    u = small_model();
    graph_of(u)->input[0]->type->tensor_type->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
    expect_bad(u, "images of ONNX type 2");
}

static void wrong_opsets(void **state) {
    (void)state;
    static const int64_t versions[] = { 0, 8, 19, -1, INT64_MAX };
    for (size_t k = 0; k < sizeof versions / sizeof versions[0]; k++) {
        util_onnx *u = small_model();
        util_onnx_model(u)->opset_import[0]->version = versions[k];
        expect_bad(u, "is not supported");
    }
}

static void broken_tensors(void **state) {
    (void)state;
    util_onnx *u = small_model();
    initialiser(u, "w")->raw_data.len -= 4;
    expect_bad(u, "dimensions need 288 bytes, the file has 284");
    u = small_model();
    initialiser(u, "w")->dims[0] = INT64_MAX;
    expect_bad(u, "make no sense");
    u = small_model();
    initialiser(u, "w")->dims[0] = -4;
    expect_bad(u, "make no sense");
    u = small_model();
    initialiser(u, "w")->has_raw_data = 0;
    expect_bad(u, "need 72 numbers, the file has 0");
    u = small_model();
    float bad = NAN;
    memcpy(initialiser(u, "w")->raw_data.data, &bad, sizeof bad);
    expect_bad(u, "NaN");
    u = small_model();
    bad = -1;
    memcpy(initialiser(u, "var")->raw_data.data, &bad, sizeof bad); /* sqrt(-1 + eps) */
    expect_bad(u, "NaN");
    u = small_model();
    initialiser(u, "bias")->dims[0] = 3;
    initialiser(u, "bias")->raw_data.len = 12;
    expect_bad(u, "the bias must be 4 floats");
    u = small_model();
    initialiser(u, "w")->dims[1] = 1;
    initialiser(u, "w")->dims[0] = 8;
    expect_bad(u, "do not fit 2 channels");
    u = small_model();
    initialiser(u, "fc")->dims[0] = 8;
    initialiser(u, "fc")->dims[1] = 6;
    expect_bad(u, "weights for 8 inputs on 16");
}

static void half_precision_is_unsupported(void **state) {
    (void)state;
    util_onnx *u = small_model();
    ss_ctx *ctx = ss_ctx_new();
    size_t len;
    initialiser(u, "w")->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
    const uint8_t *data = util_onnx_pack(u, &len);
    assert_int_equal(import_checked(ctx, data, len), SS_NO);
    assert_int_equal(ss_diag_errors(ctx), 1); /* nothing about the nodes behind */
    assert_true(util_onnx_says(ctx, "32-bit float"));
    ss_ctx_free(ctx);
    util_onnx_free(u);
}

static void broken_attributes(void **state) {
    (void)state;
    util_onnx *u = small_model();
    util_onnx_attr_text(u, graph_of(u)->node[0], "group", "one");
    expect_bad(u, "attribute group is not an integer");
    u = small_model();
    util_onnx_attr_int(u, graph_of(u)->node[0], "group", INT64_MIN);
    expect_bad(u, "do not fit");
    u = small_model();
    util_onnx_attr_ints(u, graph_of(u)->node[0], "strides", INTS(0, 1));
    expect_bad(u, "strides is 0");
    u = small_model();
    util_onnx_attr_ints(u, graph_of(u)->node[0], "kernel_shape", INTS(5, 5));
    expect_bad(u, "kernel_shape is not that of the weights");
    u = small_model();
    util_onnx_attr_text(u, graph_of(u)->node[0], "auto_pad", "SOME");
    expect_bad(u, "auto_pad");
    u = small_model();
    graph_of(u)->node[3]->attribute[0]->ints[0] = 7; /* MaxPool 7x2 on 4x4 */
    expect_bad(u, "does not fit");
}

static void constant_bombs(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        util_onnx *u = util_onnx_new(13);
        util_onnx_input(u, "x", "Nx1x1x1");
        util_onnx_output(u, "y");
        if (k) util_onnx_ints(u, "shape", INTS(1 << 20, 1 << 20));
        else util_onnx_ints(u, "shape", INTS(INT64_MAX, INT64_MAX, 0, INT64_MAX));
        util_onnx_add(u, "ConstantOfShape", "shape", "huge");
        util_onnx_add(u, "Add", "x huge", "y");
        ss_ctx *ctx = ss_ctx_new_with(small_alloc, NULL);
        size_t len;
        const uint8_t *data = util_onnx_pack(u, &len);
        assert_int_equal(import_checked(ctx, data, len), SS_NO);
        assert_true(util_onnx_says(ctx, "too large"));
        ss_ctx_free(ctx);
        util_onnx_free(u);
    }
}

/* ---- memory ---- */

static void every_allocation_may_fail(void **state) {
    (void)state;
    util_onnx *u = small_model();
    size_t len;
    const uint8_t *data = util_onnx_pack(u, &len);
    bool done = false;
    int64_t n = 1;
    for (; !done && n < 5000; n++) {
        util_oom oom = { .fail_at = n };
        ss_ctx *ctx = ss_ctx_new_with(util_oom_alloc, &oom);
        if (!ctx) continue; /* the context itself found none */
        ss_graph *g = NULL;
        ss_status s = ss_onnx_import_bytes(ctx, "test.onnx", data, len, NULL, &g, NULL);
        done = oom.count < n; /* the whole import needs fewer */
        assert_int_equal(s, done ? SS_OK : SS_BAD);
        assert_true(done || ss_diag_errors(ctx) > 0);
        ss_graph_free(g);
        ss_ctx_free(ctx);
        assert_int_equal(oom.live, 0);
    }
    assert_true(done && n > 20);
    util_onnx_free(u);
}

/* ---- external data ---- */

static void set_external(util_onnx *u, Onnx__TensorProto *t, const char *location, const char *offset,
                         const char *length) {
    const char *const pairs[3][2] = { { "location", location }, { "offset", offset }, { "length", length } };
    t->has_raw_data = 0;
    t->has_data_location = 1;
    t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    t->external_data = util_onnx_keep(u, 3 * sizeof *t->external_data);
    t->n_external_data = 0;
    for (int k = 0; k < 3; k++) {
        if (!pairs[k][1]) continue;
        Onnx__StringStringEntryProto *e = util_onnx_keep(u, sizeof *e);
        onnx__string_string_entry_proto__init(e);
        e->key = util_onnx_keep(u, 16);
        e->value = util_onnx_keep(u, strlen(pairs[k][1]) + 1);
        strcpy(e->key, pairs[k][0]);
        strcpy(e->value, pairs[k][1]);
        t->external_data[t->n_external_data++] = e;
    }
}

/* The weights of small_model, 288 bytes behind 10 others, in data.bin, in sub/data.bin and outside; links to
 * them. */
static void make_files(const char *dir, util_onnx *u) {
    uint8_t bytes[298] = { 0 };
    char path[400], target[400];
    memcpy(bytes + 10, initialiser(u, "w")->raw_data.data, 288);
    ss_ctx *ctx = ss_ctx_new();
    static const char *const files[] = { "model/data.bin", "model/sub/data.bin", "outside.bin" };
    snprintf(path, sizeof path, "%s/model/sub", dir);
    assert_int_equal(ss_mkdirs(ctx, path), SS_OK);
    for (int k = 0; k < 3; k++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[k]);
        assert_int_equal(ss_file_write(ctx, path, bytes, sizeof bytes), SS_OK);
    }
    snprintf(path, sizeof path, "%s/model/link.bin", dir);
    snprintf(target, sizeof target, "%s/outside.bin", dir);
    assert_int_equal(symlink(target, path), 0);
    snprintf(path, sizeof path, "%s/model/up", dir);
    assert_int_equal(symlink("..", path), 0);
    ss_ctx_free(ctx);
}

static void remove_files(const char *dir) {
    static const char *const all[] = { "model/data.bin",
                                       "model/sub/data.bin",
                                       "outside.bin",
                                       "model/link.bin",
                                       "model/up",
                                       "model/m.onnx",
                                       "model/sub",
                                       "model",
                                       "" };
    char path[400];
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        snprintf(path, sizeof path, "%s/%s", dir, all[k]);
        remove(path);
    }
}

static void external_data(void **state) {
    (void)state;
    static const struct {
        const char *location, *offset, *length, *says; /* says NULL: right */
    } cases[] = {
        { "data.bin", "10", "288", NULL },
        { "sub/data.bin", "10", NULL, NULL },
        { "./data.bin", "10", "288", NULL },
        { "data.bin", "11", NULL, "are needed from 11 on" },
        { "data.bin", "9223372036854775807", NULL, "are needed from" },
        { "data.bin", "-1", NULL, "is no size" },
        { "data.bin", "99999999999999999999", NULL, "is no size" },
        { "data.bin", "10", "287", "its external data has 287" },
        { "missing.bin", NULL, NULL, "cannot open" },
        { "", NULL, NULL, "without a location" },
        { NULL, "10", NULL, "without a location" },
        { "sub", NULL, NULL, "not a regular file" },
        { "../outside.bin", "10", NULL, "outside the model's folder" },
        { "sub/../../outside.bin", "10", NULL, "outside the model's folder" },
        { "/etc/hostname", NULL, NULL, "outside the model's folder" },
        { "link.bin", "10", NULL, "not a plain file or folder" },
        { "up/outside.bin", "10", NULL, "not a plain file or folder" },
    };
    char dir[256], path[400];
    assert_true(util_temp_dir(dir));
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        util_onnx *u = small_model();
        ss_ctx *ctx = ss_ctx_new();
        ss_graph *g = NULL;
        size_t len;
        if (k == 0) make_files(dir, u);
        float first;
        memcpy(&first, initialiser(u, "w")->raw_data.data, sizeof first);
        set_external(u, initialiser(u, "w"), cases[k].location, cases[k].offset, cases[k].length);
        const uint8_t *bytes = util_onnx_pack(u, &len);
        snprintf(path, sizeof path, "%s/model/m.onnx", dir);
        assert_int_equal(ss_file_write(ctx, path, bytes, len), SS_OK);
        ss_status s = ss_onnx_import(ctx, path, &g, NULL);
        if (s == SS_OK && !cases[k].says) assert_float_equal(g->nodes[1].weights[0], first, 0);
        else if (!cases[k].says || !util_onnx_says(ctx, cases[k].says))
            fail_msg("case %zu: status %d, %s", k, (int)s,
                     ss_diag_count(ctx) ? ss_diag_at(ctx, 0)->cause : "silent");
        if (cases[k].says) assert_int_equal(s, SS_BAD);
        ss_graph_free(g);
        ss_ctx_free(ctx);
        util_onnx_free(u);
    }
    remove_files(dir);
}

static void external_data_in_memory(void **state) {
    (void)state;
    util_onnx *u = small_model();
    set_external(u, initialiser(u, "w"), "data.bin", NULL, NULL);
    expect_bad(u, "not a file");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_a_model),
        cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(flipped_bytes),
        cmocka_unit_test(nested_too_deep),
        cmocka_unit_test(too_many_messages),
        cmocka_unit_test(real_file_truncated),
        cmocka_unit_test(broken_structure),
        cmocka_unit_test(broken_inputs),
        cmocka_unit_test(wrong_opsets),
        cmocka_unit_test(broken_tensors),
        cmocka_unit_test(half_precision_is_unsupported),
        cmocka_unit_test(broken_attributes),
        cmocka_unit_test(constant_bombs),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(external_data),
        cmocka_unit_test(external_data_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
