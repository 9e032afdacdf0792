/* Assumed profiles against closed forms and Monte Carlo, and profiles on disk. */
#include "profile/profile.h"
#include "util_profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
    ss_ctx *ctx;
    ss_graph *g;
    util_rng rng;
    char path[64];
} fixture;

static int setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    f->ctx = ss_ctx_new();
    f->g = ss_graph_new(f->ctx, "test.onnx");
    f->rng.state = 7;
    snprintf(f->path, sizeof f->path, "/tmp/skipstream-profile-%ld.json", (long)getpid());
    *state = f;
    return 0;
}

static int teardown(void **state) {
    fixture *f = *state;
    unlink(f->path);
    ss_graph_free(f->g);
    ss_ctx_free(f->ctx);
    free(f);
    return 0;
}

static ss_profile *assume(fixture *f, double zeros) {
    ss_profile *p = NULL;
    assert_int_equal(ss_profile_assume(f->ctx, f->g, zeros, 16, &p), SS_OK);
    return p;
}

static double choose(int n, int k) {
    double v = 1;
    for (int i = 0; i < k; i++) v = v * (n - i) / (i + 1);
    return v;
}

static double binomial(int n, int k, double p) {
    return k > n ? 0 : choose(n, k) * pow(p, k) * pow(1 - p, n - k);
}

/* 4x5 map, 3x3 window, padding 1: 6 inner windows of 9, 4 corners of 4, 10 edges of 6. */
static void border_windows_are_mixed_exactly(void **state) {
    fixture *f = *state;
    int32_t a = util_conv(f->g, &f->rng, "a", util_add_input(f->g, 3, 4, 5), 4, 1, UTIL_WIN(3, 1, 1), "r");
    util_conv(f->g, &f->rng, "b", a, 4, 1, UTIL_WIN(3, 1, 1), NULL);
    ss_profile *p = assume(f, 0.3);
    const ss_layer_profile *l = ss_profile_layer(p, "b");
    for (int c = 0; c < 4; c++)
        for (int j = 0; j <= 9; j++) {
            double want = 6 * binomial(9, j, 0.7) + 4 * binomial(4, j, 0.7) + 10 * binomial(6, j, 0.7);
            assert_near(l->hist[c * 10 + j], want, 1e-12);
        }
    ss_profile_free(p);
}

/* The network's input has no zeros but its padding: every count is the number of live positions. */
static void input_has_only_padding_zeros(void **state) {
    fixture *f = *state;
    util_conv(f->g, &f->rng, "a", util_add_input(f->g, 3, 4, 5), 4, 1, UTIL_WIN(3, 1, 1), "r");
    ss_profile *p = assume(f, 0.9);
    const ss_layer_profile *l = ss_profile_layer(p, "a");
    const double want[10] = { [4] = 4, [6] = 10, [9] = 6 };
    for (int c = 0; c < 3; c++)
        for (int j = 0; j < 10; j++) assert_near(l->hist[c * 10 + j], want[j], 0);
    assert_int_equal(l->n_ci, 2); /* 1 and 3 */
    for (int j = 0; j < 10; j++) assert_near(ss_profile_max_hist(l, 3)[j], want[j], 0);
    assert_near(l->zero_ratio, 0, 0);
    ss_profile_free(p);
}

/* 1x1: the largest of ci bits is 0 with probability zeros^ci. */
static void largest_of_ci_streams(void **state) {
    fixture *f = *state;
    int32_t a = util_conv(f->g, &f->rng, "a", util_add_input(f->g, 1, 2, 2), 12, 1, UTIL_WIN(1, 1, 0), "r");
    util_conv(f->g, &f->rng, "b", a, 4, 1, UTIL_WIN(1, 1, 0), NULL);
    ss_profile *p = assume(f, 0.6);
    const ss_layer_profile *l = ss_profile_layer(p, "b");
    const int64_t divisors[] = { 1, 2, 3, 4, 6, 12 };
    assert_int_equal(l->n_ci, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(l->ci[i], divisors[i]);
        double steps = 4 * 12.0 / (double)divisors[i], none = pow(0.6, (double)divisors[i]);
        assert_near(ss_profile_max_hist(l, divisors[i])[0], steps * none, 1e-12);
        assert_near(ss_profile_max_hist(l, divisors[i])[1], steps * (1 - none), 1e-12);
    }
    assert_null(ss_profile_max_hist(l, 5));
    ss_profile_free(p);
}

/* Zeros through pools, additions, concatenation, slices, padded channels and convolutions without activation.
 */
static void zeros_are_carried_through(void **state) {
    fixture *f = *state;
    ss_graph *g = f->g;
    int32_t a = util_conv(g, &f->rng, "a", util_add_input(g, 3, 8, 8), 4, 1, UTIL_WIN(3, 1, 1), "ra");
    int32_t b = util_conv(g, &f->rng, "b", a, 4, 1, UTIL_WIN(3, 1, 1), NULL); /* no zeros */
    int32_t sum = util_join(g, "sum", SS_OP_ADD, a, a, NULL);                 /* .25 */
    int32_t pool = util_pool(g, "pool", SS_OP_MAXPOOL, a, UTIL_WIN(2, 2, 0)); /* .0625 */
    int32_t mean = util_pool(g, "mean", SS_OP_AVGPOOL, a, UTIL_WIN(2, 2, 0)); /* .0625 */
    int32_t slice = util_add_slice(g, "slice", a, 0, 2, 0);                             /* .5 */
    int32_t wide = util_add_chanpad(g, "wide", slice, 1, 3);                      /* (4*.5 + 4)/8 */
    int32_t both = util_join(g, "both", SS_OP_CONCAT, wide, pool, NULL);      /* (6 + 4*.0625)/12 */
    const struct {
        const char *name;
        int32_t in;
        double zeros;
    } want[] = { { "of_b", b, 0 },
                 { "of_sum", sum, 0.25 },
                 { "of_pool", pool, 0.0625 },
                 { "of_mean", mean, 0.0625 },
                 { "of_slice", slice, 0.5 },
                 { "of_wide", wide, 0.75 },
                 { "of_both", both, 6.25 / 12 } };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        util_conv(g, &f->rng, want[i].name, want[i].in, 2, 1, UTIL_WIN(1, 1, 0), NULL);
    ss_profile *p = assume(f, 0.5);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const ss_layer_profile *l = ss_profile_layer(p, want[i].name);
        assert_near(l->zero_ratio, want[i].zeros, 1e-12);
        assert_near(1 - ss_profile_mean_nonzeros(l), want[i].zeros, 1e-12);
    }
    const ss_layer_profile *w =
        ss_profile_layer(p, "of_wide"); /* step 0 = padded, live; step 3 = padded, padded */
    assert_near(ss_profile_max_hist(w, 2)[0], 16 * (0.5 + 0.25 + 0.5 + 1), 1e-12);
    ss_profile_free(p);
}

/* Stride 2, unequal padding, mixed probabilities within a step, groups: against 20,000 random maps. */
static void monte_carlo(void **state) {
    fixture *f = *state;
    enum { C = 6, H = 7, W = 6, K = 6, N = 20000 };
    int32_t a = util_conv(f->g, &f->rng, "a", util_add_input(f->g, 1, H, W), 4, 1, UTIL_WIN(3, 1, 1), "ra");
    int32_t pad = util_add_chanpad(f->g, "pad", a, 1, 1);
    ss_window win = { .kh = 3, .kw = 2, .sh = 2, .sw = 1, .pt = 1, .pl = 1, .pb = 0, .pr = 0 };
    util_conv(f->g, &f->rng, "b", pad, 4, 2, win, NULL);
    const ss_shape out = f->g->nodes[f->g->output].shape;
    ss_profile *p = assume(f, 0.4);
    const ss_layer_profile *l = ss_profile_layer(p, "b");
    assert_int_equal(l->n_ci, 2); /* C/groups = 3 */
    double hist[C][K + 1] = { { 0 } }, max3[K + 1] = { 0 };
    for (int n = 0; n < N; n++) {
        bool live[C][H][W];
        for (int c = 0; c < C; c++)
            for (int i = 0; i < H * W; i++)
                live[c][i / W][i % W] = c > 0 && c < C - 1 && util_rng_float(&f->rng, 0, 1) >= 0.4f;
        for (int y = 0; y < out.h; y++)
            for (int x = 0; x < out.w; x++)
                for (int c = 0, largest = 0; c < C; c++) {
                    int nnz = 0;
                    for (int i = 0; i < 3; i++)
                        for (int j = 0; j < 2; j++) {
                            int r = 2 * y - 1 + i, s = x - 1 + j;
                            if (r >= 0 && r < H && s >= 0 && s < W) nnz += live[c][r][s];
                        }
                    hist[c][nnz]++;
                    largest = c % 3 == 0 || nnz > largest ? nnz : largest;
                    if (c % 3 == 2) max3[largest]++;
                }
    }
    double windows = (double)out.h * out.w;
    for (int j = 0; j <= K; j++) {
        for (int c = 0; c < C; c++) assert_near(hist[c][j] / N, l->hist[c * (K + 1) + j], 0.01 * windows);
        assert_near(max3[j] / N, ss_profile_max_hist(l, 3)[j], 0.01 * windows);
    }
    ss_profile_free(p);
}

static void sums_and_order(void **state) {
    fixture *f = *state;
    int32_t a = util_conv(f->g, &f->rng, "a", util_add_input(f->g, 3, 9, 9), 8, 1, UTIL_WIN(3, 1, 1), "ra");
    util_conv(f->g, &f->rng, "b", a, 4, 1, UTIL_WIN(5, 2, 2), NULL);
    double last = 26;
    for (double zeros = 0; zeros <= 1; zeros += 0.125) {
        ss_profile *p = assume(f, zeros);
        const ss_layer_profile *l = ss_profile_layer(p, "b");
        double before = -1;
        for (int i = 0; i < l->n_ci; i++) { /* more streams: a larger largest */
            const double *h = ss_profile_max_hist(l, l->ci[i]);
            double sum = 0, mean = ss_profile_mean(h, l->k);
            for (int j = 0; j <= l->k; j++) sum += h[j];
            assert_near(sum, l->windows * 8 / (double)l->ci[i], 1e-9);
            assert_true(mean >= before - 1e-12);
            before = mean;
        }
        assert_true(ss_profile_mean_nonzeros(l) < last); /* more zeros: fewer non-zeros */
        last = ss_profile_mean_nonzeros(l);
        ss_profile_free(p);
    }
    assert_near(last, 0, 0);
}

static void saved_is_loaded_bit_for_bit(void **state) {
    fixture *f = *state;
    int32_t a = util_conv(f->g, &f->rng, "a", util_add_input(f->g, 3, 9, 9), 8, 1, UTIL_WIN(3, 1, 1), "ra");
    util_conv(f->g, &f->rng, "b", a, 4, 1, UTIL_WIN(3, 2, 1), "rb");
    const float t[4] = { 0.125f, 0.3f, 0, 1 };
    f->g->nodes[f->g->output].act.per_channel = t;
    f->g->nodes[a].act.threshold = 0.1f;
    ss_profile *p = assume(f, 1.0 / 3), *q = NULL;
    assert_int_equal(ss_profile_set_source(p, "some images"), SS_OK);
    p->data = 0xfedcba9876543210u;
    assert_int_equal(ss_profile_save(p, f->path), SS_OK);
    assert_int_equal(ss_profile_load(f->ctx, f->g, f->path, &q), SS_OK);
    assert_true(q->model == p->model && q->data == p->data && q->bits == 16 && q->assumed && q->images == 1);
    assert_true(q->assumed_zeros == p->assumed_zeros);
    assert_string_equal(q->source, "some images");
    for (int i = 0; i < p->n_layers; i++) {
        const ss_layer_profile *x = &p->layers[i], *y = &q->layers[i];
        size_t bins = (size_t)x->k + 1;
        assert_memory_equal(x->hist, y->hist, (size_t)x->channels * bins * sizeof(double));
        assert_memory_equal(x->max_hist, y->max_hist, (size_t)x->n_ci * bins * sizeof(double));
        assert_memory_equal(x->lists, y->lists, (size_t)(x->n_parts * x->n_ci) * sizeof *x->lists);
        assert_true(x->windows == y->windows && x->zero_ratio == y->zero_ratio);
    }
    assert_true(q->relus[0].threshold == 0.1f && !q->relus[0].thresholds);
    assert_memory_equal(q->relus[1].thresholds, t, sizeof t);
    assert_true(q->relus[1].zero_ratio == p->relus[1].zero_ratio);
    ss_profile_free(p);
    ss_profile_free(q);
}

/* Each hostile edit of a good file is refused with one error that says why. */
/* Whatever is counted lies in the middle; of a layer and itself it is the layer. */
static void means_lie_in_the_middle(void **state) {
    fixture *f = *state;
    int32_t first = util_conv(f->g, &f->rng, "a", util_add_input(f->g, 3, 4, 5), 4, 1, UTIL_WIN(3, 1, 1), "r");
    util_conv(f->g, &f->rng, "b", first, 4, 1, UTIL_WIN(3, 1, 1), NULL);
    ss_profile *a = assume(f, 0.3), *b = assume(f, 0.6), *p = assume(f, 0.1);
    const ss_layer_profile *x = &a->layers[1], *y = &b->layers[1], *m = &p->layers[1];
    const size_t hist = (size_t)x->channels * ((size_t)x->k + 1), max_hist = (size_t)x->n_ci * ((size_t)x->k + 1);
    assert_int_equal(ss_profile_copy_layer(p, &p->layers[1], x), SS_OK);
    assert_memory_equal(m->hist, x->hist, hist * sizeof *m->hist);
    assert_memory_equal(m->lists, x->lists, (size_t)x->n_parts * (size_t)x->n_ci * sizeof *m->lists);
    assert_int_equal(ss_profile_mean_layer(p, &p->layers[1], x, y), SS_OK);
    for (size_t i = 0; i < hist; i++) assert_true(m->hist[i] == (x->hist[i] + y->hist[i]) / 2);
    for (size_t i = 0; i < max_hist; i++) assert_true(m->max_hist[i] == (x->max_hist[i] + y->max_hist[i]) / 2);
    for (int32_t i = 0; i < x->n_parts * x->n_ci; i++) {
        assert_true(m->lists[i].word == (x->lists[i].word + y->lists[i].word) / 2);
        for (int s = 0; s < SS_LIST_SPANS; s++) {
            assert_true(m->lists[i].busiest[s] == (x->lists[i].busiest[s] + y->lists[i].busiest[s]) / 2);
            assert_true(m->lists[i].compaction[s] == (x->lists[i].compaction[s] + y->lists[i].compaction[s]) / 2);
        }
    }
    assert_true(m->zero_ratio == (x->zero_ratio + y->zero_ratio) / 2 && m->windows == x->windows);
    ss_profile_free(a);
    ss_profile_free(b);
    ss_profile_free(p);
}

static void bad_files_are_refused(void **state) {
    fixture *f = *state;
    int32_t a = util_conv(f->g, &f->rng, "a", util_add_input(f->g, 1, 3, 3), 2, 1, UTIL_WIN(1, 1, 0), "ra");
    util_conv(f->g, &f->rng, "b", a, 2, 1, UTIL_WIN(1, 1, 0), NULL);
    ss_profile *p = assume(f, 0.5);
    assert_int_equal(ss_profile_save(p, f->path), SS_OK);
    uint8_t *good;
    size_t len;
    assert_int_equal(ss_file_read(f->ctx, f->path, 1 << 20, &good, &len), SS_OK);
    const struct {
        const char *from, *to, *why;
    } edits[] = { { "\"version\": 3", "\"version\": 5", "version 5" },
                  { "\"version\": 3", "\"version\": 2", "older version" },
                  { "skipstream.profile", "skipstream.design!", "not a" },
                  { "\"name\": \"b\"", "\"name\": \"c\"", "does not match" },
                  { "\"name\": \"ra\"", "\"name\": \"rb\"", "does not match" },
                  { "4.5", "4.9", "add up" },
                  { "4.5", "-45", "add up" },
                  { "4.5", "[4]", "add up" },
                  { "\"windows\": 9", "\"windows\": 0", "out of range" },
                  { "\"channels\"", "\"channelz\"", "missing" },
                  { "\"hist\"", "\"hisu\"", "hist" },
                  { "\"parts\"", "\"partz\"", "parts" },
                  { "\"lists\"", "\"listz\"", "lists" },
                  { "}", "", "JSON" } };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        char *at = strstr((char *)good, edits[i].from);
        assert_non_null(at);
        size_t cut = (size_t)(at - (char *)good);
        ss_buf b;
        ss_buf_init(&b, f->ctx);
        ss_buf_add(&b, (char *)good, cut);
        if (*edits[i].to) ss_buf_printf(&b, "%s%s", edits[i].to, at + strlen(edits[i].from));
        assert_int_equal(ss_file_write(f->ctx, f->path, b.data, b.len), SS_OK);
        ss_profile *q;
        ss_diag_clear(f->ctx);
        assert_int_equal(ss_profile_load(f->ctx, f->g, f->path, &q), SS_BAD);
        assert_null(q);
        assert_int_equal(ss_diag_errors(f->ctx), 1);
        assert_non_null(strstr(ss_diag_at(f->ctx, 0)->cause, edits[i].why));
        ss_buf_free(&b);
    }
    ss_free(f->ctx, good);
    ss_profile_free(p);
}

static void another_models_profile_is_refused(void **state) {
    fixture *f = *state;
    int32_t a = util_conv(f->g, &f->rng, "a", util_add_input(f->g, 1, 3, 3), 2, 1, UTIL_WIN(1, 1, 0), "ra");
    ss_profile *p = assume(f, 0.5), *q;
    assert_int_equal(ss_profile_save(p, f->path), SS_OK);
    float other[] = { 1, 2 };
    f->g->nodes[a].bias = other;
    assert_int_equal(ss_profile_load(f->ctx, f->g, f->path, &q), SS_BAD);
    assert_non_null(strstr(ss_diag_at(f->ctx, 0)->cause, "another model"));
    assert_int_equal(ss_profile_assume(f->ctx, f->g, 1.5, 16, &q), SS_BAD);
    ss_profile_free(p);
}

/* Whichever allocation fails: an error, nothing left behind. */
static void out_of_memory(void **state) {
    fixture *f = *state;
    int32_t a = util_conv(f->g, &f->rng, "a", util_add_input(f->g, 3, 5, 5), 8, 1, UTIL_WIN(3, 1, 1), "ra");
    util_conv(f->g, &f->rng, "b", a, 4, 1, UTIL_WIN(3, 2, 1), "rb");
    ss_profile *p = assume(f, 0.5), *q;
    assert_int_equal(ss_profile_save(p, f->path), SS_OK);
    ss_profile_free(p);
    ss_status s = SS_BAD;
    for (int64_t fail = 2; s != SS_OK; fail++) {
        assert_true(fail < 1000);
        util_oom oom = { .fail_at = fail };
        ss_ctx *ctx = ss_ctx_new_with(util_oom_alloc, &oom);
        s = ss_profile_assume(ctx, f->g, 0.5, 16, &p);
        if (s == SS_OK) s = ss_profile_load(ctx, f->g, f->path, &q);
        if (s == SS_OK) ss_profile_free(q);
        assert_true(s == SS_OK || ss_diag_errors(ctx) > 0);
        ss_profile_free(p);
        ss_ctx_free(ctx);
        assert_int_equal(oom.live, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(border_windows_are_mixed_exactly, setup, teardown),
        cmocka_unit_test_setup_teardown(input_has_only_padding_zeros, setup, teardown),
        cmocka_unit_test_setup_teardown(largest_of_ci_streams, setup, teardown),
        cmocka_unit_test_setup_teardown(zeros_are_carried_through, setup, teardown),
        cmocka_unit_test_setup_teardown(monte_carlo, setup, teardown),
        cmocka_unit_test_setup_teardown(sums_and_order, setup, teardown),
        cmocka_unit_test_setup_teardown(saved_is_loaded_bit_for_bit, setup, teardown),
        cmocka_unit_test_setup_teardown(means_lie_in_the_middle, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_files_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(another_models_profile_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(out_of_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
