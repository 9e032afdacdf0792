/* The text form and threshold files: what is written reads back equal, and hostile text is refused with a message. */
#include "util_graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static ss_ctx *ctx;
static char dir[256], path[512];

static int open_test(void **state) {
    (void)state;
    ctx = ss_ctx_new();
    if (!ctx || !util_temp_dir(dir)) return -1;
    snprintf(path, sizeof path, "%s/t.json", dir);
    return 0;
}

static int close_test(void **state) {
    (void)state;
    util_remove_dir(dir);
    ss_ctx_free(ctx);
    return 0;
}

/* Every operator and every field, before any pass. */
static ss_graph *all_operators(ss_ctx *c) {
    ss_graph *g = ss_graph_new(c, "all \"ops\"\n\\.onnx");
    if (!g) return NULL;
    util_rng r = { 5 };
    util_conv_spec wide = { .f = 6, .kh = 3, .kw = 1, .sh = 2, .sw = 1, .pt = 1, .pb = 2, .groups = 3 };
    int32_t x = util_add_conv(g, "conv # \xc3\xa4", util_add_input(g, 3, 9, 8), wide, &r);
    x = util_add_batchnorm(g, "bn", x, &r);
    x = util_add_relu(g, "relu", x, 0.1f, 6);
    int32_t y = util_add_pool(g, "avg", SS_OP_AVGPOOL, x, 3, 1, 1);
    if (y >= 0) g->nodes[y].count_pad = true;
    y = util_add_simple(g, "add", SS_OP_ADD, util_add_pool(g, "max", SS_OP_MAXPOOL, y, 3, 1, 1), x);
    y = util_add_relu(g, "relu2", y, 0, INFINITY);
    y = util_add_simple(g, "cat", SS_OP_CONCAT, y, x);
    y = util_add_chanpad(g, "pad", util_add_slice(g, "slice", y, 1, 2, 1), 2, 1);
    y = util_add_simple(g, "flat", SS_OP_FLATTEN, y, -1);
    y = util_add_conv(g, "fc", y, (util_conv_spec){ .f = 4, .kh = 1, .fc = true, .bias = true }, &r);
    float *t = ss_arena_alloc(g->arena, 6, sizeof *t);
    if (y < 0 || !t) {
        ss_graph_free(g);
        return NULL;
    }
    for (int i = 0; i < 6; i++) t[i] = (float)i / 7;
    g->nodes[ss_graph_find(g, "relu2")].act.per_channel = t;
    return g;
}

static char *text_of(const ss_graph *g, bool weights) {
    ss_buf b;
    ss_buf_init(&b, g->ctx);
    if (ss_graph_dump(g, weights, &b) == SS_OK) return b.data;
    ss_buf_free(&b);
    return NULL;
}

static void round_trip(ss_graph *g) {
    for (int weights = 0; weights < 2; weights++) {
        ss_graph *back;
        char *text = text_of(g, weights);
        assert_non_null(text);
        if (ss_graph_read(ctx, "text", text, &back) != SS_OK) util_print_diags(ctx);
        assert_non_null(back);
        char *again = text_of(back, weights);
        assert_string_equal(text, again);
        assert_int_equal(back->structure_only, !weights);
        assert_string_equal(back->name, g->name);
        if (weights) assert_true(ss_graph_hash(back) == ss_graph_hash(g));
        ss_free(ctx, text);
        ss_free(ctx, again);
        ss_graph_free(back);
    }
}

static void text_reads_back(void **state) {
    (void)state;
    ss_graph *nets[] = { all_operators(ctx), util_small_resnet(ctx, 1), util_chain(ctx, 4, 2) };
    for (size_t i = 0; i < 3; i++) {
        assert_non_null(nets[i]);
        round_trip(nets[i]);
    }
    assert_int_equal(ss_passes_run(nets[0], NULL, NULL), SS_OK);
    round_trip(nets[0]);
    for (size_t i = 0; i < 3; i++) ss_graph_free(nets[i]);
}

static void structure_alone_goes_through_the_passes(void **state) {
    (void)state;
    ss_graph *g = all_operators(ctx), *bare;
    char *text = text_of(g, false);
    assert_int_equal(ss_graph_read(ctx, "text", text, &bare), SS_OK);
    assert_int_equal(ss_passes_run(bare, NULL, NULL), SS_OK);
    assert_int_equal(ss_passes_run(g, NULL, NULL), SS_OK);
    ss_free(ctx, text);
    text = text_of(g, false);
    char *other = text_of(bare, true); /* nothing there to write */
    assert_string_equal(text, other);
    ss_free(ctx, text);
    ss_free(ctx, other);
    ss_graph_free(g);
    ss_graph_free(bare);
}

static void comments_and_blanks_are_free(void **state) {
    (void)state;
    static const char text[] = "skipstream.graph 1 # a\n name\t\"x\"\r\nweights no\n\n# b\n"
                               "node 0 input \"i # no comment\"  shape=3x4x5 # c\n\n output 0";
    ss_graph *g;
    assert_int_equal(ss_graph_read(ctx, "text", text, &g), SS_OK);
    assert_string_equal(g->nodes[0].name, "i # no comment");
    ss_graph_free(g);
}

#define HEAD "skipstream.graph 1\nname \"x\"\nweights yes\n"
#define INPUT "node 0 input \"i\" shape=2x3x3\n"
#define CONV "node 1 conv \"c\" in=0 shape=1x1x1 kernel=3x3 stride=1x1 groups=1"

static void bad_text_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "", "expected skipstream.graph" },
        { "skipstream.graph 2\n", "version 1" },
        { "skipstream.graphs 1\n", "expected skipstream.graph" },
        { "skipstream.graph 1\nname x\n", "expected '\"', found \"x\"" },
        { "skipstream.graph 1\nname \"x\"\nweights maybe\n", "yes or no" },
        { HEAD INPUT, "truncated" },
        { HEAD "output 0\n", "the graph is empty" },
        { HEAD INPUT "output 1\n", "there is no output node" },
        { HEAD INPUT "output 0\noutput 0\n", "nothing behind the output line" },
        { HEAD INPUT "output 0 0\n", "expected end of line" },
        { HEAD "node 1 input \"i\" shape=2x3x3\n", "without gaps" },
        { HEAD "node 0 inputs \"i\" shape=2x3x3\n", "a known operator" },
        { HEAD "node 0 input \"i shape=2x3x3\n", "the rest of a string" },
        { HEAD "node 0 input \"i\\q\" shape=2x3x3\n", "the rest of a string" },
        { HEAD "node 0 input \"i\\x00\" shape=2x3x3\n", "the rest of a string" },
        { HEAD "node 0 input \"i\" shape=2x3\n", "expected 'x'" },
        { HEAD "node 0 input \"i\" shape=2x3x99999999999\n", "32 bits" },
        { HEAD "node 0 input \"i\" shape=2x3x-1\n", "output width is -1" },
        { HEAD "node 0 input \"i\" shape=2x3x3 shape=2x3x3\n", "each field once" },
        { HEAD "node 0 input \"i\" colour=2\n", "a known field" },
        { HEAD "node 0 input \"i\" in=0 shape=2x3x3\n", "number of inputs is 1" },
        { HEAD INPUT "node 1 relu \"r\" in=1 shape=2x3x3 act=\"r\"\n", "index of an input is 1" },
        { HEAD INPUT "node 1 relu \"r\" in=0,0 shape=2x3x3 act=\"r\"\n", "number of inputs is 2" },
        { HEAD INPUT "node 1 relu \"r\" in=0 shape=2x3x3\noutput 1\n", "a ReLU without activation" },
        { HEAD INPUT "node 1 relu \"r\" in=0 shape=2x3x4 act=\"r\"\n", "follows from the inputs" },
        { HEAD INPUT "node 1 relu \"r\" in=0 shape=2x3x3 threshold=1\n", "act before it" },
        { HEAD INPUT "node 1 relu \"r\" in=0 shape=2x3x3 act=\"r\" threshold=nan\n", "a number" },
        { HEAD INPUT "node 1 relu \"r\" in=0 shape=2x3x3 act=\"r\" threshold=1e99\noutput 1\n", "inf is not a number" },
        { HEAD INPUT "node 1 relu \"r\" in=0 shape=2x3x3 act=\"r\" thresholds=1\n", "expected ','" },
        { HEAD INPUT "node 1 relu \"r\" in=0 shape=99999x3x3 act=\"r\" thresholds=1\n", "act and shape before it" },
        { HEAD INPUT "node 1 concat \"r\" in=0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0 shape=9x3x3\n", "no more than 16" },
        { HEAD "weights 1 3f800000\n", "no values here" },
        { HEAD INPUT "weights 1 3f800000\n", "no values here" },
        { HEAD INPUT CONV "\noutput 1\n", "no weights" },
        { HEAD INPUT CONV "\nweights 17 3f800000\n", "as many values" },
        { HEAD INPUT CONV "\nweights 18 3f800000\n", "8 hexadecimal digits" },
        { HEAD INPUT CONV "\nbias 1 3f80000g\n", "8 hexadecimal digits" },
        { HEAD INPUT CONV "\nbias 1 3f800000\nbias 1 3f800000\n", "as many values" },
        { HEAD INPUT CONV "\nbias 1 7f800000\noutput 1\n", "no weights" },
        { "skipstream.graph 1\nname \"x\"\nweights no\n" INPUT CONV "\nbias 1 3f800000\n", "no values here" },
        { HEAD INPUT "node 1 conv \"c\" in=0 shape=1048576x1x1 kernel=3x3 stride=1x1 groups=1\nweights 18874368 0\n",
          "8 hexadecimal digits" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ss_graph *g;
        ss_diag_clear(ctx);
        assert_int_equal(ss_graph_read(ctx, "text", cases[i].text, &g), SS_BAD);
        assert_null(g);
        if (!util_has_error(ctx, cases[i].message)) {
            fprintf(stderr, "case %zu wants: %s\n", i, cases[i].message);
            util_print_diags(ctx);
        }
        assert_true(util_has_error(ctx, cases[i].message));
    }
}

/* Cut and mutated dumps: a graph that verifies or an error, never anything else. */
static void damaged_text_is_survived(void **state) {
    (void)state;
    ss_graph *g = all_operators(ctx), *back;
    util_rng r = { 3 };
    int read = 0;
    char *text = text_of(g, true);
    size_t len = strlen(text);
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    for (int i = 0; i < 4000; i++) {
        memcpy(copy, text, len + 1);
        if (i % 4 == 0) copy[util_rng_int(&r, 0, (int32_t)len - 1)] = '\0';
        for (int k = util_rng_int(&r, 1, 4); k > 0; k--) {
            char *at = &copy[util_rng_int(&r, 0, (int32_t)len - 1)];
            *at = util_rng_int(&r, 0, 1) ? text[util_rng_int(&r, 0, (int32_t)len - 1)]
                                         : (char)util_rng_int(&r, 1, 255);
        }
        ss_diag_clear(ctx);
        ss_status s = ss_graph_read(ctx, "text", copy, &back);
        assert_true((s == SS_OK) == (back != NULL) && (s == SS_OK) == (ss_diag_errors(ctx) == 0));
        if (s == SS_OK) assert_int_equal(ss_graph_verify(back, NULL), SS_OK);
        read += s == SS_OK;
        ss_graph_free(back);
    }
    assert_true(read > 0 && read < 4000);
    free(copy);
    ss_free(ctx, text);
    ss_graph_free(g);
}

static bool write_and_read(ss_ctx *c) {
    ss_graph *g = all_operators(c), *back = NULL;
    char *text = NULL;
    if (g && ss_passes_run(g, NULL, NULL) == SS_OK) text = text_of(g, true);
    bool done = text && ss_graph_read(c, "text", text, &back) == SS_OK;
    ss_free(c, text);
    ss_graph_free(back);
    ss_graph_free(g);
    return done;
}

static void text_survives_lack_of_memory(void **state) {
    (void)state;
    assert_true(util_oom_sweep(write_and_read));
}

/* ---- thresholds ---- */

static const ss_act *act_of(const ss_graph *g, const char *relu) { return &g->nodes[ss_graph_find_act(g, relu)].act; }

static void thresholds_read_back(void **state) {
    (void)state;
    ss_graph *g = util_small_resnet(ctx, 1), *h = util_small_resnet(ctx, 1);
    ss_thresholds_uniform(g, 0.1f);
    assert_true(act_of(g, "b2_relu2")->threshold == 0.1f);
    float *t = ss_arena_alloc(g->arena, 8, sizeof *t);
    for (int i = 0; i < 8; i++) t[i] = (float)i / 3;
    g->nodes[ss_graph_find_act(g, "b1_relu1")].act.per_channel = t;
    assert_int_equal(ss_thresholds_save(g, path), SS_OK);
    assert_int_equal(ss_thresholds_load(h, path), SS_OK);
    for (int32_t i = 0; i < g->n; i++) {
        const ss_act *a = &g->nodes[i].act, *b = &h->nodes[i].act;
        assert_true(a->threshold == b->threshold || a->per_channel);
        assert_true((a->per_channel != NULL) == (b->per_channel != NULL));
        if (a->per_channel) assert_memory_equal(a->per_channel, b->per_channel, 8 * sizeof(float));
    }
    ss_thresholds_uniform(h, 2);
    assert_null(act_of(h, "b1_relu1")->per_channel);
    assert_true(act_of(h, "b1_relu1")->threshold == 2);
    uint8_t *text;
    size_t len;
    assert_int_equal(ss_file_read(ctx, path, 10000, &text, &len), SS_OK);
    assert_non_null(strstr((char *)text, "\"stem_relu\": 0.1,")); /* not 0.100000001 */
    ss_free(ctx, text);
    ss_graph_free(g);
    ss_graph_free(h);
}

#define FORMAT "{\"format\":\"skipstream.thresholds\",\"version\":1,\"layers\":"

static void threshold_files_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "{\"format\":\"skipstream.thresholds\",\"version\":1}", "\"layers\" is missing" },
        { "{\"format\":\"skipstream.thresholds\",\"version\":3,\"layers\":{}}", "version 3" },
        { "{\"format\":\"skipstream.profile\",\"version\":1}", "holds a \"skipstream.profile\"" },
        { "[1]", "not a skipstream artefact" },
        { FORMAT "{\"stem_relu\":0.5", "not valid JSON" },
        { FORMAT "[]}", "\"layers\" is not an object" },
        { FORMAT "{\"stem_relu\":0.5,\"relu9\":1}}", "\"relu9\" is no ReLU of small_resnet.onnx" },
        { FORMAT "{\"stem_relu\":-0.5}}", "\"stem_relu\": the threshold is not a number >= 0" },
        { FORMAT "{\"stem_relu\":\"x\"}}", "the threshold is not a number >= 0" },
        { FORMAT "{\"stem_relu\":1e300}}", "the threshold is not a number >= 0" },
        { FORMAT "{\"stem_relu\":[1,2]}}", "\"stem_relu\" has 2 thresholds, but 8 channels" },
        { FORMAT "{\"stem_relu\":[1,2,3,4,5,6,7,-8]}}", "the threshold of channel 7 is not" },
    };
    ss_graph *g = util_small_resnet(ctx, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ss_diag_clear(ctx);
        assert_true(util_write_text(path, cases[i].text));
        assert_int_equal(ss_thresholds_load(g, path), SS_BAD);
        if (!util_has_error(ctx, cases[i].message)) util_print_diags(ctx);
        assert_true(util_has_error(ctx, cases[i].message));
        assert_true(act_of(g, "stem_relu")->threshold == 0); /* all or nothing */
    }
    assert_true(util_write_text(path, FORMAT "{\"a\":1,\"stem_relu\":-1,\"b\":1}}"));
    ss_diag_clear(ctx);
    ss_thresholds_load(g, path);
    assert_int_equal(ss_diag_errors(ctx), 3); /* all of them */
    ss_graph_free(g);
}

static bool load_and_save(ss_ctx *c) {
    char out[600];
    snprintf(out, sizeof out, "%s/out.json", dir);
    ss_graph *g = util_small_resnet(c, 1);
    bool done = g && ss_thresholds_load(g, path) == SS_OK && ss_thresholds_save(g, out) == SS_OK;
    ss_graph_free(g);
    return done;
}

static void thresholds_survive_lack_of_memory(void **state) {
    (void)state;
    assert_true(util_write_text(path, FORMAT "{\"stem_relu\":[1,2,3,4,5,6,7,8],\"b1_relu1\":1}}"));
    assert_true(util_oom_sweep(load_and_save));
}

#define TEXT_TEST(f) cmocka_unit_test_setup_teardown(f, open_test, close_test)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEXT_TEST(text_reads_back),
        TEXT_TEST(structure_alone_goes_through_the_passes),
        TEXT_TEST(comments_and_blanks_are_free),
        TEXT_TEST(bad_text_is_refused),
        TEXT_TEST(damaged_text_is_survived),
        TEXT_TEST(text_survives_lack_of_memory),
        TEXT_TEST(thresholds_read_back),
        TEXT_TEST(threshold_files_are_checked),
        TEXT_TEST(thresholds_survive_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
