/* Measured profiles on a small network with every kind of node, against counting in plain loops over the
 * tensors of the same run; the same profile from any number of threads; higher thresholds, more zeros. */
#include "util_net.h"
#include "util_profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { IMAGES = 13, NODES = 16 };

typedef struct fixture {
    util_net net;
    int16_t *tensor[IMAGES][NODES]; /* copies: [c][h][w] */
} fixture;

/* Residual blocks of both kinds, pools, groups, a fully connected end. */
static ss_graph *network(ss_ctx *ctx, util_rng *r) {
    ss_graph *g = ss_graph_new(ctx, "small.onnx");
    int32_t a = util_conv(g, r, "stem", util_add_input(g, 3, 12, 10), 8, 1, UTIL_WIN(3, 1, 1), "stem_relu");
    int32_t b = util_conv(g, r, "b", a, 8, 2, UTIL_WIN(3, 1, 1), "b_relu");
    int32_t c = util_join(g, "c", SS_OP_ADD, a, b, "c_relu");
    int32_t d = util_conv(g, r, "d", c, 12, 1, (ss_window){ 3, 3, 2, 2, 1, 1, 1, 1 }, "d_relu");
    int32_t down = util_conv(g, r, "down", c, 6, 1, UTIL_WIN(1, 2, 0), NULL);
    int32_t cat = util_join(g, "cat", SS_OP_CONCAT, d, down, NULL);
    int32_t pool = util_pool(g, "pool", SS_OP_MAXPOOL, cat, (ss_window){ 2, 2, 1, 1, 0, 0, 0, 0 });
    int32_t e = util_conv(g, r, "e", pool, 18, 18, (ss_window){ 2, 3, 1, 1, 1, 2, 0, 1 }, "e_relu");
    int32_t slice = util_add_slice(g, "slice", e, 0, 2, 0);
    int32_t pad = util_add_chanpad(g, "pad", slice, 1, 1);
    ss_shape s = g->nodes[pad].shape;
    util_conv(g, r, "fc", pad, 4, 1, (ss_window){ s.h, s.w, 1, 1, 0, 0, 0, 0 }, NULL);
    return g;
}

static int setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    util_rng rng = { 5 };
    ss_ctx *ctx = ss_ctx_new();
    ss_graph *g = network(ctx, &rng);
    *state = f;
    if (!g || ss_graph_verify(g, "test") != SS_OK) return -1;
    return util_net_open(&f->net, ctx, g, util_norm(3), 4, IMAGES, 9, 16) == SS_OK ? 0 : -1;
}

static int teardown(void **state) {
    fixture *f = *state;
    for (int i = 0; i < IMAGES * NODES; i++) free(f->tensor[i / NODES][i % NODES]);
    util_net_close(&f->net);
    free(f);
    return 0;
}

static void keep(void *user, int thread, int64_t image, int32_t node, ss_view v) {
    fixture *f = user;
    (void)thread;
    const int16_t *x = v.data;
    int16_t *to = f->tensor[image][node] = malloc((size_t)ss_shape_size(v.shape) * sizeof *to);
    for (int c = 0; c < v.shape.c; c++)
        for (int i = 0; i < v.shape.h * v.shape.w; i++) *to++ = x[i * v.stride + c];
}

static int nonzeros(const fixture *f, int image, const ss_node *n, int oy, int ox, int c) {
    ss_shape in = ss_graph_in_shape(f->net.g, n);
    int count = 0;
    for (int y = oy * n->win.sh - n->win.pt, i = 0; i < n->win.kh; i++, y++)
        for (int x = ox * n->win.sw - n->win.pl, j = 0; j < n->win.kw; j++, x++)
            if (y >= 0 && y < in.h && x >= 0 && x < in.w)
                count += f->tensor[image][n->in[0]][(c * in.h + y) * in.w + x] != 0;
    return count;
}

static void check_layer(const fixture *f, const ss_profile *p, const ss_node *n) {
    const ss_layer_profile *l = ss_profile_layer(p, n->name);
    size_t bins = (size_t)l->k + 1, channels = (size_t)l->channels;
    double *hist = calloc(channels * bins, sizeof *hist),
           *max_hist = calloc((size_t)l->n_ci * bins, sizeof *hist);
    for (int image = 0; image < IMAGES; image++)
        for (int i = 0; i < n->shape.h * n->shape.w; i++)
            for (int j = 0; j < l->n_ci; j++)
                for (int c = 0, largest = 0; c < l->channels; c++) {
                    int v = nonzeros(f, image, n, i / n->shape.w, i % n->shape.w, c);
                    if (j == 0) hist[(size_t)c * bins + (size_t)v]++;
                    largest = c % l->ci[j] == 0 || v > largest ? v : largest;
                    if ((c + 1) % l->ci[j] == 0) max_hist[(size_t)j * bins + (size_t)largest]++;
                }
    assert_memory_equal(l->hist, hist, channels * bins * sizeof *hist);
    assert_memory_equal(l->max_hist, max_hist, (size_t)l->n_ci * bins * sizeof *hist);
    assert_true(l->windows == (double)IMAGES * n->shape.h * n->shape.w);
    free(hist);
    free(max_hist);
}

static void agrees_with_plain_loops(void **state) {
    fixture *f = *state;
    ss_run_opts opts = { .observer = keep, .observer_user = f };
    ss_profile *p;
    float scores[IMAGES * 4], again[IMAGES * 4];
    assert_int_equal(ss_engine_run(f->net.ctx, f->net.e, f->net.d, &f->net.norm, &opts, scores), SS_OK);
    assert_int_equal(ss_profile_measure(f->net.ctx, f->net.g, f->net.e, f->net.q, f->net.d, &f->net.norm, again, &p), SS_OK);
    assert_memory_equal(scores, again, sizeof scores);
    assert_true(p->images == IMAGES && p->bits == 16 && !p->assumed && p->data == ss_dataset_hash(f->net.d));
    assert_int_equal(p->n_layers, 6);
    assert_int_equal(p->n_relus, 5);
    for (int i = 0, relu = 0; i < f->net.g->n; i++) {
        const ss_node *n = &f->net.g->nodes[i];
        if (n->op == SS_OP_CONV) check_layer(f, p, n);
        if (!n->act.on) continue;
        const ss_relu_profile *r = &p->relus[relu++];
        assert_string_equal(r->name, n->act.name);
        double zero = 0, of_channel = 0;
        int pixels = n->shape.h * n->shape.w, size = pixels * n->shape.c;
        for (int k = 0; k < IMAGES * size; k++) {
            bool is_zero = f->tensor[k / size][i][k % size] == 0;
            zero += is_zero;
            of_channel += is_zero && k % size / pixels == 2;
        }
        assert_near(r->zero_ratio, zero / (IMAGES * size), 1e-12);
        assert_near(r->channel_zero_ratio[2], of_channel / (IMAGES * pixels), 1e-12);
    }
    ss_profile_free(p);
}

static void same_for_any_number_of_threads(void **state) {
    fixture *f = *state;
    ss_profile *p, *q;
    ss_ctx_set_threads(f->net.ctx, 1);
    assert_int_equal(ss_profile_measure(f->net.ctx, f->net.g, f->net.e, f->net.q, f->net.d, &f->net.norm, NULL, &p), SS_OK);
    for (int threads = 2; threads <= 5; threads++) {
        ss_ctx_set_threads(f->net.ctx, threads);
        assert_int_equal(ss_profile_measure(f->net.ctx, f->net.g, f->net.e, f->net.q, f->net.d, &f->net.norm, NULL, &q), SS_OK);
        for (int i = 0; i < p->n_layers; i++) {
            const ss_layer_profile *x = &p->layers[i], *y = &q->layers[i];
            size_t row = ((size_t)x->k + 1) * sizeof(double);
            assert_memory_equal(x->hist, y->hist, (size_t)x->channels * row);
            assert_memory_equal(x->max_hist, y->max_hist, (size_t)x->n_ci * row);
            assert_true(x->zero_ratio == y->zero_ratio);
        }
        for (int i = 0; i < p->n_relus; i++) assert_true(p->relus[i].zero_ratio == q->relus[i].zero_ratio);
        ss_profile_free(q);
    }
    ss_profile_free(p);
}

static void higher_thresholds_more_zeros(void **state) {
    fixture *f = *state;
    double first = -1, total = -1;
    for (int step = 0; step < 8; step++) {
        ss_profile *p;
        double sum = 0;
        ss_thresholds_uniform(f->net.g, 0.1f * (float)step);
        assert_int_equal(ss_quant_set_thresholds(f->net.q, f->net.g), SS_OK);
        assert_int_equal(ss_profile_measure(f->net.ctx, f->net.g, f->net.e, f->net.q, f->net.d, &f->net.norm, NULL, &p), SS_OK);
        for (int i = 0; i < p->n_relus; i++) sum += p->relus[i].zero_ratio;
        assert_true(p->relus[0].zero_ratio > first && sum > total);
        assert_true(p->relus[0].threshold == 0.1f * (float)step);
        first = p->relus[0].zero_ratio;
        total = sum;
        ss_profile_free(p);
    }
}

static bool same_lists(const ss_list_stats *a, const ss_list_stats *b) {
    bool same = fabs(a->word - b->word) <= 1e-9 * b->word;
    for (int i = 0; i < SS_LIST_SPANS; i++)
        same = same && fabs(a->busiest[i] - b->busiest[i]) <= 1e-9 * b->busiest[i] &&
               fabs(a->compaction[i] - b->compaction[i]) <= 1e-9 * b->compaction[i];
    return same;
}

/* Of a folding that is asked for, what streams wait for is that of all images, each measured by itself; of others, what a profile
 * says that looks at some images only. */
static void foldings_are_counted_on_all_images(void **state) {
    fixture *f = *state;
    ss_profile_fold folds[NODES] = { { 0 } };
    ss_profile *some, *all, *one;
    int differ = 0;
    for (int i = 0, parts = 1; i < f->net.g->n; i++)
        if (f->net.g->nodes[i].op == SS_OP_CONV) folds[i] = (ss_profile_fold){ .ci = 1, .parts = parts++ % 4 };
    assert_int_equal(ss_profile_measure(f->net.ctx, f->net.g, f->net.e, f->net.q, f->net.d, &f->net.norm, NULL, &some), SS_OK);
    assert_int_equal(ss_profile_measure_folds(f->net.ctx, f->net.g, f->net.e, f->net.q, f->net.d, &f->net.norm, folds, &all), SS_OK);
    ss_list_stats sum[NODES] = { { .word = 0 } };
    for (int image = 0; image < IMAGES; image++) {
        const ss_dataset part = ss_dataset_part(f->net.d, image, image + 1);
        assert_int_equal(ss_profile_measure(f->net.ctx, f->net.g, f->net.e, f->net.q, &part, &f->net.norm, NULL, &one), SS_OK);
        for (int i = 0, l = 0; i < f->net.g->n; i++) {
            const ss_list_stats *s = folds[i].ci ? ss_profile_lists(&one->layers[l++], 1, folds[i].parts) : NULL;
            for (int k = 0; s && k < SS_LIST_SPANS; k++) {
                sum[i].busiest[k] += s->busiest[k];
                sum[i].compaction[k] += s->compaction[k];
            }
            sum[i].word += s ? s->word : 0;
        }
        ss_profile_free(one);
    }
    for (int i = 0, l = -1; i < f->net.g->n; i++) {
        if (!folds[i].ci) continue;
        const ss_layer_profile *a = &all->layers[++l], *b = &some->layers[l];
        for (int k = 0; k < a->n_parts * a->n_ci; k++) {
            const bool own = k % a->n_ci == 0 && a->parts[k / a->n_ci] == folds[i].parts;
            if (!own) assert_memory_equal(&a->lists[k], &b->lists[k], sizeof *a->lists);
            if (own) assert_true(same_lists(&a->lists[k], &sum[i]));
            if (own) differ += !same_lists(&a->lists[k], &b->lists[k]);
        }
    }
    assert_true(differ >= 2);
    ss_profile_free(some);
    ss_profile_free(all);
}

static void float_engine_is_refused(void **state) {
    fixture *f = *state;
    ss_profile *p;
    assert_int_equal(ss_profile_measure(f->net.ctx, f->net.g, f->net.e, NULL, f->net.d, &f->net.norm, NULL, &p), SS_BAD);
    assert_int_equal(ss_diag_errors(f->net.ctx), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(agrees_with_plain_loops, setup, teardown),
        cmocka_unit_test_setup_teardown(same_for_any_number_of_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(higher_thresholds_more_zeros, setup, teardown),
        cmocka_unit_test_setup_teardown(foldings_are_counted_on_all_images, setup, teardown),
        cmocka_unit_test_setup_teardown(float_engine_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
