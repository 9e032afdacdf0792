/* rtl: memory images against rows worked out by hand, names, spans, the text of a top, and the folder: same
 * bytes again, nothing replaced that is not ours, nothing left behind by a failure. */
#include "rtl/gen.h"
#include "util_explore.h"
#include "util_infer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- images: weight of filter f, channel c of its group, position k is the number 0xfck, so that rows can
 * be read ---- */

typedef struct image {
    ss_ctx *ctx;
    ss_rtl r;
    ss_qnode nodes[2];
    ss_quant q;
    ss_partition part;
    ss_config configs[2];
    ss_design d;
    int16_t weights[64];
} image;

/* A 2x2 convolution of 16 bits, `channels` to 4 filters, in `groups`. */
static void image_open(image *x, int32_t channels, int32_t groups, ss_config fold) {
    *x = (image){ .ctx = ss_ctx_new() };
    util_conv_spec spec = { .f = 4, .kh = 2, .groups = groups };
    ss_graph *g = util_one_conv(x->ctx, channels, 5, 5, spec, false, 1);
    assert_non_null(g);
    int32_t cg = channels / groups;
    for (int32_t f = 0; f < 4; f++)
        for (int32_t c = 0; c < cg; c++)
            for (int32_t k = 0; k < 4; k++) x->weights[(f * cg + c) * 4 + k] = (int16_t)(f << 8 | c << 4 | k);
    x->nodes[1].weights = x->weights;
    x->q = (ss_quant){ .ctx = x->ctx, .bits = 16, .nodes = x->nodes, .n = 2 };
    x->configs[1] = fold;
    x->part = (ss_partition){ .first = 0, .last = 1, .configs = x->configs };
    x->d = (ss_design){ .ctx = x->ctx, .bits = 16, .partitions = &x->part, .n_partitions = 1 };
    x->r = (ss_rtl){ .ctx = x->ctx, .g = g, .q = &x->q, .d = &x->d };
}

static void image_close(image *x) {
    ss_graph_free((ss_graph *)(uintptr_t)x->r.g);
    ss_ctx_free(x->ctx);
}

static void assert_weights(image *x, int64_t memory, int64_t rows, const char *begins) {
    ss_buf text;
    ss_buf_init(&text, x->ctx);
    ss_rtl_weights(&x->r, 1, memory, &text, NULL);
    assert_non_null(text.data);
    if (strncmp(text.data, begins, strlen(begins)) != 0) print_error("%s\n", text.data);
    assert_memory_equal(text.data, begins, strlen(begins));
    int64_t lines = 0;
    for (const char *c = text.data; *c; c++) lines += *c == '\n';
    assert_int_equal(lines, rows);
    const ss_rtl_fold f = ss_rtl_fold_of(&x->r, 1);
    assert_int_equal(f.depth, rows);
    assert_int_equal((int64_t)text.len, rows * (f.width / 4 + 1));
    ss_buf_free(&text);
}

static ss_config folding(ss_engine_kind engine, int32_t gr, int32_t ci, int32_t co, int32_t m) {
    return (ss_config){ .engine = engine, .gr = gr, .ci = ci, .co = co, .m = m, .memory = SS_MEM_BRAM };
}

static void crossbar_rows_hold_whole_kernels(void **state) {
    (void)state;
    image x;
    image_open(&x, 2, 1, folding(SS_ENGINE_CROSSBAR, 1, 1, 2, 2));
    assert_weights(&x, 0, 4,
                   "01030102010101000003000200010000\n" /* channel 0, filters 1 and 0 */
                   "03030302030103000203020202010200\n" /* channel 0, filters 3 and 2 */
                   "01130112011101100013001200110010\n" /* channel 1 */
                   "03130312031103100213021202110210\n");
    ss_buf load;
    ss_buf_init(&load, x.ctx);
    ss_rtl_weights(&x.r, 1, 0, NULL, &load);
    static const char words[] = "0003000200010000\n0103010201010100\n0203020202010200\n";
    assert_memory_equal(load.data, words, sizeof words - 1);
    assert_int_equal((int64_t)load.len, 17 * 8);
    const ss_rtl_fold f = ss_rtl_fold_of(&x.r, 1);
    assert_int_equal(ss_rtl_load_words(&f), 8);
    ss_buf_free(&load);
    image_close(&x);
}

static void dense_rows_hold_a_beat(void **state) {
    (void)state;
    image x;
    image_open(&x, 2, 1, folding(SS_ENGINE_DENSE, 1, 2, 1, 2));
    assert_weights(&x, 0, 8,
                   "0011001000010000\n" /* filter 0, positions 0 and 1; channel 1 above channel 0 */
                   "0013001200030002\n"
                   "0111011001010100\n");
    x.configs[1].engine = SS_ENGINE_CROSSBAR; /* m = K is dense whatever the engine says */
    x.configs[1].m = 4;
    assert_weights(&x, 0, 4, "00130012001100100003000200010000\n01130112011101100103010201010100\n");
    image_close(&x);
}

/* Parts of three and of one position; filters 1 and 0, then 3 and 2, for each of them channels 0 and 1. */
static void broadcast_streams_have_memories_of_their_own(void **state) {
    (void)state;
    image x;
    image_open(&x, 2, 1, folding(SS_ENGINE_BROADCAST, 1, 1, 2, 3));
    x.configs[1].sums = 1;
    assert_weights(&x, 0, 8, "01000000\n01030003\n01100010\n01130013\n03000200\n03030203\n03100210\n");
    const ss_rtl_fold f = ss_rtl_fold_of(&x.r, 1);
    assert_true(f.broadcast && !f.crossbar && f.memories == 3 && f.lanes == 1);
    assert_int_equal(ss_rtl_load_words(&f), 8 + 4 + 4);
    ss_buf text;
    ss_buf_init(&text, x.ctx);
    ss_rtl_weights(&x.r, 1, 2, &text, NULL);
    assert_string_equal(text.data, "01020002\n01120012\n03020202\n03120212\n");
    ss_buf_free(&text);
    image_close(&x);
}

static void single_multipliers_address_positions(void **state) {
    (void)state;
    image x;
    image_open(&x, 2, 1, folding(SS_ENGINE_CROSSBAR, 1, 2, 2, 1));
    assert_int_equal(ss_rtl_fold_of(&x.r, 1).memories, 2);
    assert_weights(&x, 0, 8, "01000000\n01010001\n01020002\n01030003\n03000200\n");
    assert_weights(&x, 1, 8, "01100010\n01110011\n01120012\n01130013\n03100210\n");
    image_close(&x);
}

static void groups_lie_side_by_side_or_one_after_another(void **state) {
    (void)state;
    image x;
    image_open(&x, 4, 2, folding(SS_ENGINE_DENSE, 2, 2, 2, 4));
    assert_weights(&x, 0, 1,
                   "0313031203110310"
                   "0213021202110210"
                   "0303030203010300"
                   "0203020202010200" /* group 1 */
                   "0113011201110110"
                   "0013001200110010"
                   "0103010201010100"
                   "0003000200010000\n");
    image_close(&x);
    image_open(&x, 4, 2, folding(SS_ENGINE_DENSE, 1, 1, 1, 4));
    assert_weights(&x, 0, 8,
                   "0003000200010000\n0103010201010100\n0013001200110010\n0113011201110110\n"
                   "0203020202010200\n0303030203010300\n0213021202110210\n0313031203110310\n");
    image_close(&x);
}

static void assert_text(ss_buf *text, const char *want) {
    assert_non_null(text->data);
    assert_string_equal(text->data, want);
    ss_buf_free(text);
}

static void per_channel_rows(void **state) {
    (void)state;
    static int64_t bias[] = { 1, -1, 2, -2 };
    static int32_t mult[] = { 1, 0x1ffff, 0x10000, 3 };
    static uint8_t shift[] = { 1, 45, 17, 20 };
    int32_t thr[] = { 0, 0x7fff, 5, 6 };
    image x;
    image_open(&x, 2, 1, folding(SS_ENGINE_DENSE, 1, 1, 2, 4));
    assert_false(ss_rtl_has_bias(&x.r, 1));
    x.nodes[1] = (ss_qnode){ .weights = x.weights,
                             .bias = bias,
                             .acc_bits = 20,
                             .n_mult = 4,
                             .mult = mult,
                             .shift = shift,
                             .n_thr = 4,
                             .thr = thr };
    assert_true(ss_rtl_has_bias(&x.r, 1) && ss_rtl_has_scale(&x.r, 1) && ss_rtl_has_thresholds(&x.r, 1));
    ss_buf text;
    ss_buf_init(&text, x.ctx);
    ss_rtl_bias(&x.r, 1, &text);
    assert_text(&text, "fffff00001\nffffe00002\n");
    ss_rtl_scale(&x.r, 1, 2, &text); /* 23 bits a lane: shift above 17 bits of multiplier */
    assert_text(&text, "2dffff820001\n140001a30000\n");
    ss_rtl_scale(&x.r, 1, 1, &text);
    assert_text(&text, "020001\n5bffff\n230000\n280003\n");
    ss_rtl_thresholds(&x.r, 1, 4, &text);
    assert_text(&text, "000600057fff0000\n");
    image_close(&x);
}

/* ---- a design of a network ---- */

typedef struct fixture {
    ss_ctx *ctx;
    ss_graph *g;
    ss_quant *q;
    ss_profile *p;
    ss_design *d;
} fixture;

/* zeros < 0: dense engines only; max_partitions 0: any number. */
static bool fixture_open(fixture *x, ss_ctx *ctx, ss_graph *g, double scale, double zeros) {
    *x = (fixture){ .ctx = ctx, .g = g };
    if (!g) return false;
    ss_device dev = util_device(scale, true);
    ss_dataset *images = util_dataset(ctx, g->nodes[0].shape, 3, 2, 7);
    if (images) x->q = util_infer_quantise(ctx, g, images, 16);
    ss_dataset_free(images);
    if (!x->q) return false;
    if (zeros >= 0 && ss_profile_assume(ctx, g, zeros, 16, &x->p) != SS_OK) return false;
    ss_cost_opts cost = { .bits = 16, .engines = 1u << SS_ENGINE_DENSE };
    if (zeros >= 0) cost.engines |= 1u << SS_ENGINE_CROSSBAR; /* broadcast engines: see below */
    ss_explore_opts opts = { .batch = 1, .target_gap = 0.1, .bits = 16 };
    return ss_explore_graph(ctx, g, x->p, &dev, cost, opts, &x->d) == SS_OK;
}

static void fixture_close(fixture *x) {
    ss_design_free(x->d);
    ss_profile_free(x->p);
    ss_quant_free(x->q);
    ss_graph_free(x->g);
}

/* A folder of empty modules and templates in place of the hand-written ones. */
static void stub_folder(const char *dir) {
    static const char *const modules[] = { "conv",         "node_add",  "node_concat", "node_maxpool",
                                           "node_avgpool", "node_relu", "node_slice",  "node_chanpad",
                                           "shell",        "fork",      "tap" };
    static const char *const others[] = { "sim/tb.cpp", "sim/tb_icarus.sv.in", "sim/Makefile.in",
                                          "vivado/synth.tcl.in", "vivado/package_ip.tcl.in" };
    char path[400], text[200];
    snprintf(path, sizeof path, "%s/sim", dir);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/vivado", dir);
    mkdir(path, 0777);
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        snprintf(path, sizeof path, "%s/ss_%s.sv", dir, modules[i]);
        snprintf(text, sizeof text, "// not ss_other\nmodule ss_%s; %s endmodule\n", modules[i],
                 i ? "" : "ss_inner i ();");
        assert_true(util_write_text(path, text));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, others[i]);
        assert_true(util_write_text(path, "@TOP@ @PART@ user@example @NOTHING@\n"));
    }
    snprintf(path, sizeof path, "%s/ss_inner.sv", dir);
    assert_true(util_write_text(path, "module ss_inner; endmodule\n"));
    snprintf(path, sizeof path, "%s/ss_other.sv", dir);
    assert_true(util_write_text(path, "module ss_other; endmodule\n"));
}

static char dir[256], out[300];

static int open_folders(void **state) {
    (void)state;
    if (!util_temp_dir(dir)) return -1;
    snprintf(out, sizeof out, "%s/rtl", dir);
    mkdir(out, 0777);
    stub_folder(out);
    setenv("SKIPSTREAM_RTL", out, 1);
    snprintf(out, sizeof out, "%s/out", dir);
    return 0;
}

static int close_folders(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    ss_remove_tree(ctx, dir);
    ss_ctx_free(ctx);
    unsetenv("SKIPSTREAM_RTL");
    return 0;
}

static char *file_text(ss_ctx *ctx, const char *name) {
    char path[600];
    uint8_t *data;
    size_t len;
    snprintf(path, sizeof path, "%s/%s", out, name);
    assert_int_equal(ss_file_read(ctx, path, 1 << 24, &data, &len), SS_OK);
    return (char *)data;
}

static bool exists(const char *name) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", out, name);
    return access(path, F_OK) == 0;
}

static ss_status generate(fixture *x, ss_rtl_opts opts) {
    return ss_rtl_generate(x->ctx, x->g, x->q, x->d, opts, out);
}

static const ss_rtl_opts whole = { .last = -1 };

static int count(const char *text, const char *what) {
    int n = 0;
    const size_t len = strlen(what);
    for (; *text; text++) n += strncmp(text, what, len) == 0;
    return n;
}

/* ---- names ---- */

static void names_are_legal_and_unique(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g = ss_graph_new(ctx, "names");
    ss_arena *a = ss_arena_new(ctx);
    char longest[400];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const names[] = { "/a/b.1/Conv", "a_b_1_Conv", "a/b/1/Conv_2", "a b 1 Conv", "module",
                                  "3x3",         "",           "\xc3\xa9\n",   longest,      longest };
    static const char *const want[] = {
        "u_a_b_1_Conv", "u_a_b_1_Conv_2", "u_a_b_1_Conv_2_2", "u_a_b_1_Conv_3", "u_module", "u_3x3", "u_",
        "u__2"
    };
    const char **got;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(ss_graph_add(g, &(ss_node){ .op = SS_OP_INPUT, .name = names[i] }), i);
    assert_int_equal(ss_rtl_names(a, g, &got), SS_OK);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) assert_string_equal(got[i], want[i]);
    assert_true(strlen(got[9]) <= 120);
    assert_string_not_equal(got[8], got[9]);
    ss_arena_free(a);
    ss_graph_free(g);
    ss_ctx_free(ctx);
}

/* ---- spans ---- */

static void assert_span(fixture *x, const char *text, int32_t first, int32_t last) {
    ss_rtl_opts o = whole;
    assert_int_equal(ss_rtl_span(x->ctx, x->g, x->d, text, &o), SS_OK);
    assert_int_equal(o.first, first);
    assert_int_equal(o.last, last);
}

static void refuse_span(fixture *x, const char *text, const char *says) {
    ss_rtl_opts o = whole;
    ss_diag_clear(x->ctx);
    assert_int_equal(ss_rtl_span(x->ctx, x->g, x->d, text, &o), SS_BAD);
    if (!util_has_error(x->ctx, says)) util_print_diags(x->ctx);
    assert_true(util_has_error(x->ctx, says));
}

static void spans(void **state) {
    (void)state;
    fixture x;
    ss_ctx *ctx = ss_ctx_new();
    assert_true(fixture_open(&x, ctx, util_small_resnet(ctx, 3), 20, 0.5));
    int32_t stem = ss_graph_find(x.g, "stem"), add = ss_graph_find(x.g, "b1_add"),
            conv2 = ss_graph_find(x.g, "b1_conv2");
    assert_span(&x, "stem", stem, stem);
    assert_span(&x, "b1_conv1..b1_add", ss_graph_find(x.g, "b1_conv1"), add);
    assert_span(&x, "b1_conv1..b1_conv2", ss_graph_find(x.g, "b1_conv1"), conv2);
    assert_span(&x, "input..fc", 0, x.g->n - 1);
    refuse_span(&x, "b1_conv2..b1_add",
                "2 tensors go into nodes \"b1_conv2\" to \"b1_add\": \"stem\", \"b1_conv1\"");
    refuse_span(&x, "b2_conv1..b2_shortcut", "2 tensors come out of");
    refuse_span(&x, "b1_add..stem", "\"stem\" stands before \"b1_add\"");
    refuse_span(&x, "nothing..stem", "no node \"nothing\"");
    refuse_span(&x, "stem..", "no node \"\"");
    refuse_span(&x, "nothing", "no node \"nothing\"");
    fixture_close(&x);
    ss_ctx_free(ctx);
}

/* Cuts the design's one partition behind node `at`. */
static void cut(fixture *x, int32_t at, ss_partition parts[2]) {
    parts[0] = parts[1] = x->d->partitions[0];
    parts[0].last = at;
    parts[1].first = at + 1;
    parts[1].configs += at + 1;
    x->d->partitions = parts;
    x->d->n_partitions = 2;
}

static void spans_stay_in_a_partition(void **state) {
    (void)state;
    fixture x;
    ss_partition parts[2];
    ss_ctx *ctx = ss_ctx_new();
    assert_true(fixture_open(&x, ctx, util_straight_net(ctx, 3, 3), 20, -1));
    cut(&x, ss_graph_find(x.g, "conv1"), parts);
    refuse_span(&x, "conv0..fc", "\"conv0\" lies in partition 1, \"fc\" in partition 2");
    assert_span(&x, "conv2..fc", ss_graph_find(x.g, "conv2"), ss_graph_find(x.g, "fc"));
    fixture_close(&x);
    ss_ctx_free(ctx);
}

/* ---- the top ---- */

static void a_top_has_an_instance_a_node(void **state) {
    (void)state;
    fixture x;
    ss_ctx *ctx = ss_ctx_new();
    assert_true(fixture_open(&x, ctx, util_small_resnet(ctx, 3), 20, 0.5));
    assert_int_equal(generate(&x, whole), SS_OK);
    char *top = file_text(ctx, "partition_1/partition_1.sv");
    assert_int_equal(count(top, "ss_conv #("), 7);
    assert_int_equal(count(top, "ss_node_add #("), 2);
    assert_int_equal(count(top, "ss_fork #("), 2); /* the stem and the first block are read twice */
    assert_int_equal(count(top, "ss_tap #("), x.g->n);
    assert_int_equal(count(top, "assign starved["), x.g->n);
    assert_int_equal(count(top, ") u_b1_add ("), 1);
    assert_non_null(strstr(top, ".b_valid(f1_valid[1]), .b_ready(f1_ready[1]), .b_data(f1_data)"));
    assert_null(strstr(top, "s_load_tvalid,"));
    ss_free(ctx, top);
    char *config = file_text(ctx, "partition_1/sim/config.h");
    assert_int_equal(count(config, "    { "), x.g->n);
    ss_free(ctx, config);
    fixture_close(&x);
    ss_ctx_free(ctx);
}

/* Every operator, with a FLATTEN at the end that leaves no instance. */
static void every_operator_has_its_module(void **state) {
    (void)state;
    static const char *const modules[] = { "ss_conv #(",         "ss_node_add #(",     "ss_node_concat #(",
                                           "ss_node_maxpool #(", "ss_node_avgpool #(", "ss_node_relu #(",
                                           "ss_node_slice #(",   "ss_node_chanpad #(" };
    fixture x;
    ss_ctx *ctx = ss_ctx_new();
    assert_true(fixture_open(&x, ctx, util_zoo(ctx, true, 5), 20, 0.5));
    assert_int_equal(generate(&x, whole), SS_OK);
    char *top = file_text(ctx, "partition_1/partition_1.sv");
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) assert_true(count(top, modules[i]) > 0);
    assert_int_equal(count(top, "flat"), 1); /* in the table alone */
    assert_int_equal(count(top, "ss_tap #("), x.g->n - 1);
    ss_free(ctx, top);
    assert_true(exists("partition_1/weights/u_c.thr.mem"));
    assert_true(exists("partition_1/weights/u_a.bias.mem"));
    fixture_close(&x);
    ss_ctx_free(ctx);
}

/* Each partition has a top of its own, and the tensor at the cut the lanes of either side's interval. */
static void two_partitions(void **state) {
    (void)state;
    fixture x;
    ss_partition parts[2];
    ss_ctx *ctx = ss_ctx_new();
    assert_true(fixture_open(&x, ctx, util_straight_net(ctx, 2, 3), 20, -1));
    cut(&x, ss_graph_find(x.g, "conv0"), parts);
    parts[1].target = 8 * 8 * 8 / 4; /* 8 x 8 pixels of 8 channels, 4 a word */
    assert_int_equal(generate(&x, whole), SS_OK);
    char *config = file_text(ctx, "partition_2/sim/config.h"),
         *top = file_text(ctx, "partition_2/partition_2.sv");
    assert_non_null(strstr(config, "#define SS_IN_LANES 4\n"));
    assert_non_null(strstr(config, "#define SS_IN_WORDS 128\n"));
    assert_int_equal(count(top, "ss_tap #("), parts[1].last - parts[1].first + 1);
    assert_true(exists("partition_1/weights/u_conv0.weights.mem") &&
                exists("partition_2/weights/u_conv1.weights.mem"));
    ss_free(ctx, config);
    ss_free(ctx, top);
    assert_int_equal(generate(&x, (ss_rtl_opts){ .first = parts[1].first, .last = parts[1].first }), SS_OK);
    assert_false(exists("partition_1"));
    assert_false(exists("partition_2/weights/u_fc.weights.mem"));
    fixture_close(&x);
    ss_ctx_free(ctx);
}

static void ultraram_is_loaded(void **state) {
    (void)state;
    fixture x;
    ss_ctx *ctx = ss_ctx_new();
    assert_true(fixture_open(&x, ctx, util_straight_net(ctx, 2, 3), 20, -1));
    ss_config *c = &x.d->partitions[0].configs[ss_graph_find(x.g, "conv1")];
    c->memory = SS_MEM_URAM;
    assert_int_equal(generate(&x, whole), SS_OK);
    assert_false(exists("partition_1/weights/u_conv1.weights.mem"));
    assert_true(exists("partition_1/weights/u_conv0.weights.mem"));
    const int64_t streams = (int64_t)c->ci * c->co * c->m, rows = (int64_t)8 * 12 * 9 / streams;
    char *load = file_text(ctx, "partition_1/load.mem"), text[64];
    assert_int_equal(count(load, "\n"), rows * ss_ceil_div(streams * 16, 64));
    snprintf(text, sizeof text, "#define SS_LOAD_WORDS %d\n", count(load, "\n"));
    char *config = file_text(ctx, "partition_1/sim/config.h"),
         *top = file_text(ctx, "partition_1/partition_1.sv");
    assert_non_null(strstr(config, text));
    assert_non_null(strstr(top, "input  wire s_load_tvalid,"));
    ss_free(ctx, load);
    ss_free(ctx, config);
    ss_free(ctx, top);
    fixture_close(&x);
    ss_ctx_free(ctx);
}

/* ---- the folder ---- */

static uint64_t hash_file(ss_ctx *ctx, const char *name) {
    char *text = file_text(ctx, name);
    uint64_t h = ss_hash(text, strlen(text), 0);
    ss_free(ctx, text);
    return h;
}

static void modules_and_templates(void **state) {
    (void)state;
    fixture x;
    ss_ctx *ctx = ss_ctx_new();
    assert_true(fixture_open(&x, ctx, util_straight_net(ctx, 1, 3), 20, -1));
    assert_int_equal(generate(&x, whole), SS_OK);
    assert_true(exists("rtl/ss_inner.sv"));  /* used by a module that is used */
    assert_false(exists("rtl/ss_other.sv")); /* named in a comment only */
    assert_false(exists("rtl/ss_node_add.sv"));
    char *list = file_text(ctx, "partition_1/filelist.f"),
         *tcl = file_text(ctx, "partition_1/vivado/synth.tcl");
    assert_string_equal(
        list, "../rtl/ss_conv.sv\n../rtl/ss_inner.sv\n../rtl/ss_node_avgpool.sv\n../rtl/ss_shell.sv\n"
              "../rtl/ss_tap.sv\npartition_1.sv\n");
    assert_string_equal(tcl, "partition_1 none user@example @NOTHING@\n");
    ss_free(ctx, list);
    ss_free(ctx, tcl);
    fixture_close(&x);
    ss_ctx_free(ctx);
}

static void same_input_same_bytes_and_only_ours_is_replaced(void **state) {
    (void)state;
    static const char *const files[] = { "manifest.json", "README.md", "partition_1/partition_1.sv",
                                         "partition_1/sim/config.h",
                                         "partition_1/weights/u_conv0.weights.mem" };
    enum { FILES = sizeof files / sizeof *files };
    uint64_t first[FILES];
    fixture x;
    ss_ctx *ctx = ss_ctx_new();
    assert_true(fixture_open(&x, ctx, util_straight_net(ctx, 1, 3), 20, -1));
    assert_int_equal(generate(&x, whole), SS_OK);
    for (int i = 0; i < FILES; i++) first[i] = hash_file(ctx, files[i]);
    char stale[400];
    snprintf(stale, sizeof stale, "%s/stale", out);
    assert_true(util_write_text(stale, "of an earlier version"));
    assert_int_equal(generate(&x, whole), SS_OK);
    assert_false(exists("stale"));
    for (int i = 0; i < FILES; i++) assert_true(hash_file(ctx, files[i]) == first[i]);
    assert_int_equal(ss_diag_errors(ctx), 0);

    snprintf(stale, sizeof stale, "%s/manifest.json", out);
    assert_true(util_write_text(stale, "{\"format\": \"skipstream.design\", \"version\": 1}"));
    assert_int_equal(generate(&x, whole), SS_BAD);
    unlink(stale);
    assert_int_equal(generate(&x, whole), SS_BAD);
    assert_true(util_has_error(ctx, "was not written by generate"));
    assert_true(exists("partition_1/partition_1.sv"));
    fixture_close(&x);
    ss_ctx_free(ctx);
}

static void bad_requests_leave_nothing(void **state) {
    (void)state;
    fixture x;
    ss_ctx *ctx = ss_ctx_new();
    char path[400];
    assert_true(fixture_open(&x, ctx, util_straight_net(ctx, 1, 3), 20, -1));
    x.d->device.part[0] = '\0';
    assert_int_equal(generate(&x, whole), SS_BAD);
    assert_true(util_has_error(ctx, "names no part"));
    assert_int_equal(generate(&x, (ss_rtl_opts){ .last = -1, .no_vivado = true }), SS_OK);
    assert_false(exists("partition_1/vivado"));
    assert_int_equal(ss_remove_tree(ctx, out), SS_OK);

    snprintf(path, sizeof path, "%s/rtl/ss_conv.sv", dir);
    unlink(path);
    assert_int_equal(generate(&x, (ss_rtl_opts){ .last = -1, .no_vivado = true }), SS_BAD);
    assert_true(util_has_error(ctx, "the module \"ss_conv\" has no file"));
    assert_false(exists(""));
    setenv("SKIPSTREAM_RTL", "/nowhere", 1);
    assert_int_equal(generate(&x, (ss_rtl_opts){ .last = -1, .no_vivado = true }), SS_BAD);
    assert_true(util_has_error(ctx, "the folder of the SystemVerilog modules is not there"));
    x.q->bits = 8;
    assert_int_equal(generate(&x, whole), SS_BAD);
    assert_true(util_has_error(ctx, "the network has 8 bits, the design 16"));
    x.d->model++;
    x.q->bits = 16;
    assert_int_equal(generate(&x, whole), SS_BAD);
    assert_true(util_has_error(ctx, "the design is of another model"));
    fixture_close(&x);
    ss_ctx_free(ctx);
}

/* Kernel 3: "same" padding; none; stride 2; a kernel that covers the map; 1x1 with stride. */
static void rows_and_columns_of_windows(void **state) {
    (void)state;
    static const struct {
        ss_window w;
        int32_t in, out, rows;
        bool keeps_at_2;
    } cases[] = {
        { { 3, 3, 1, 1, 1, 1, 1, 1 }, 8, 8, 3, true },  { { 3, 3, 1, 1, 0, 0, 0, 0 }, 8, 6, 5, true },
        { { 3, 3, 2, 2, 1, 1, 1, 1 }, 8, 4, 4, true },  { { 8, 8, 1, 1, 0, 0, 0, 0 }, 8, 1, 16, false },
        { { 1, 1, 2, 2, 0, 0, 0, 0 }, 8, 4, 1, false }, { { 2, 2, 2, 2, 0, 0, 0, 0 }, 8, 4, 3, false },
        { { 5, 5, 1, 1, 2, 2, 2, 2 }, 4, 4, 6, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ss_shape in = { 4, cases[i].in, cases[i].in }, to = { 4, cases[i].out, cases[i].out };
        assert_int_equal(ss_window_rows(&cases[i].w, in, to), cases[i].rows);
        assert_int_equal(ss_window_keeps_columns(&cases[i].w, to, 2), cases[i].keeps_at_2);
        assert_false(ss_window_keeps_columns(&cases[i].w, to, cases[i].w.kw));
    }
}

/* ---- lack of memory ---- */

static bool generate_small(ss_ctx *ctx) {
    fixture x;
    bool done = fixture_open(&x, ctx, util_short_net(ctx, 1), 20, 0.5) &&
                ss_rtl_generate(ctx, x.g, x.q, x.d, whole, out) == SS_OK;
    fixture_close(&x);
    return done;
}

/* A generation allocates thousands of times and writes files each time: every 37th is tried. */
static void lack_of_memory_is_reported(void **state) {
    (void)state;
    bool done = false;
    for (int64_t n = 1; !done; n += 37) {
        util_oom oom = { .fail_at = n, .for_good = n % 2 };
        ss_ctx *ctx = ss_ctx_new_with(util_oom_alloc, &oom);
        if (!ctx) continue;
        done = generate_small(ctx);
        assert_true(done != (ss_diag_errors(ctx) > 0));
        ss_ctx_free(ctx);
        assert_int_equal(oom.live, 0);
        assert_true(n < 100000);
    }
}

#define FOLDER_TEST(f) cmocka_unit_test_setup_teardown(f, open_folders, close_folders)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crossbar_rows_hold_whole_kernels),
        cmocka_unit_test(dense_rows_hold_a_beat),
        cmocka_unit_test(broadcast_streams_have_memories_of_their_own),
        cmocka_unit_test(single_multipliers_address_positions),
        cmocka_unit_test(groups_lie_side_by_side_or_one_after_another),
        cmocka_unit_test(per_channel_rows),
        cmocka_unit_test(names_are_legal_and_unique),
        cmocka_unit_test(rows_and_columns_of_windows),
        cmocka_unit_test(spans),
        cmocka_unit_test(spans_stay_in_a_partition),
        FOLDER_TEST(a_top_has_an_instance_a_node),
        FOLDER_TEST(every_operator_has_its_module),
        FOLDER_TEST(two_partitions),
        FOLDER_TEST(ultraram_is_loaded),
        FOLDER_TEST(modules_and_templates),
        FOLDER_TEST(same_input_same_bytes_and_only_ours_is_replaced),
        FOLDER_TEST(bad_requests_leave_nothing),
        FOLDER_TEST(lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
