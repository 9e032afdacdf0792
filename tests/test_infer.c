/* The executor against a second evaluator (util_infer.c), in float and in integers; its independence of threads and
 * instruction sets; its observer; accuracy and intervals. */
#include "infer/conv.h"
#include "util_infer.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IMAGES 6

typedef struct fixture {
    ss_ctx *ctx;
    ss_graph *g;
    ss_dataset *d;
    ss_norm norm;
} fixture;

static fixture *setup_graph(ss_graph *(*make)(ss_ctx *, uint32_t), uint32_t seed, int64_t images) {
    fixture *f = calloc(1, sizeof *f);
    f->ctx = ss_ctx_new();
    ss_ctx_set_threads(f->ctx, 2);
    f->g = make(f->ctx, seed);
    if (!f->g) util_print_diags(f->ctx);
    assert_non_null(f->g);
    f->d = util_dataset(f->ctx, f->g->nodes[0].shape, 7, images, seed + 1);
    f->norm = util_infer_norm(f->g->nodes[0].shape.c);
    assert_non_null(f->d);
    return f;
}

static void teardown(fixture *f) {
    ss_dataset_free(f->d);
    ss_graph_free(f->g);
    ss_ctx_free(f->ctx);
    free(f);
}

static ss_graph *zoo(ss_ctx *ctx, uint32_t seed) { return util_zoo(ctx, false, seed); }
static ss_graph *zoo_flat(ss_ctx *ctx, uint32_t seed) { return util_zoo(ctx, true, seed); }
static ss_graph *chain(ss_ctx *ctx, uint32_t seed) { return util_chain(ctx, 3, seed); }

/* ---- every tensor of every image, through the observer ---- */

typedef struct recorder {
    const ss_graph *g;
    double **tensors;    /* [images * n], channel-major */
    int64_t *next;       /* [images]: the node expected next */
    int64_t out_of_order, dirty_lanes;
} recorder;

static double element(ss_view v, int64_t i) {
    return v.is_float ? (double)((const float *)v.data)[i] : (double)((const int16_t *)v.data)[i];
}

static void record(void *user, int thread, int64_t image, int32_t node, ss_view v) {
    recorder *r = user;
    const int64_t size = (int64_t)v.shape.h * v.shape.w;
    double *to = calloc((size_t)ss_shape_size(v.shape), sizeof *to);
    int64_t dirty = 0;
    for (int64_t p = 0; p < size; p++)
        for (int32_t c = 0; c < v.stride; c++) {
            if (c < v.shape.c) to[c * size + p] = element(v, p * v.stride + c);
            else dirty += element(v, p * v.stride + c) != 0;
        }
    r->tensors[image * r->g->n + node] = to;
#pragma omp critical
    {
        if (r->next[image]++ != node || thread < 0 || thread > 63) r->out_of_order++;
        r->dirty_lanes += dirty;
    }
}

static recorder run_recorded(fixture *f, const ss_quant *q, ss_isa isa, float *scores) {
    recorder r = { .g = f->g };
    r.tensors = calloc((size_t)(f->d->n * f->g->n), sizeof *r.tensors);
    r.next = calloc((size_t)f->d->n, sizeof *r.next);
    ss_engine *e;
    assert_int_equal(ss_engine_new(f->ctx, f->g, q, isa, &e), SS_OK);
    assert_int_equal(ss_engine_run(f->ctx, e, f->d, &f->norm, &(ss_run_opts){ .observer = record, .observer_user = &r }, scores), SS_OK);
    ss_engine_free(e);
    for (int64_t i = 0; i < f->d->n; i++) assert_int_equal(r.next[i], f->g->n);
    assert_int_equal(r.out_of_order, 0);
    assert_int_equal(r.dirty_lanes, 0);
    return r;
}

static void free_recorder(fixture *f, recorder *r) {
    for (int64_t i = 0; i < f->d->n * f->g->n; i++) free(r->tensors[i]);
    free(r->tensors);
    free(r->next);
}

/* ---- float ---- */

static void float_matches(fixture *f) {
    recorder r = run_recorded(f, NULL, SS_ISA_AUTO, NULL);
    for (int64_t i = 0; i < f->d->n; i++) {
        double **want = util_eval_float(f->g, r.tensors[i * f->g->n]);
        for (int32_t k = 0; k < f->g->n; k++)
            for (int64_t j = 0; j < ss_shape_size(f->g->nodes[k].shape); j++) {
                const double got = r.tensors[i * f->g->n + k][j], error = fabs(got - want[k][j]);
                if (error > 1e-4 * (1 + fabs(want[k][j])))
                    fail_msg("%s element %d: %g, not %g", f->g->nodes[k].name, (int)j, got, want[k][j]);
            }
        util_free_tensors(f->g, want);
    }
    free_recorder(f, &r);
    teardown(f);
}

static void float_zoo(void **state) {
    (void)state;
    float_matches(setup_graph(zoo, 11, IMAGES));
    float_matches(setup_graph(zoo_flat, 12, IMAGES));
}

static void float_networks(void **state) {
    (void)state;
    float_matches(setup_graph(util_small_resnet, 21, IMAGES));
    float_matches(setup_graph(chain, 22, IMAGES));
}

static void input_is_normalised(void **state) {
    (void)state;
    fixture *f = setup_graph(zoo, 13, 1);
    recorder r = run_recorded(f, NULL, SS_ISA_AUTO, NULL);
    const int64_t size = 9 * 7;
    for (int64_t i = 0; i < 3 * size; i++) {
        const int64_t c = i / size;
        const double want = ((double)f->d->pixels[i] / 255 - (double)f->norm.mean[c]) / (double)f->norm.std[c];
        assert_true(fabs(r.tensors[0][i] - want) < 1e-5);
    }
    free_recorder(f, &r);
    teardown(f);
}

/* ---- integers ---- */

static void integers_match(fixture *f, int bits, ss_isa isa) {
    ss_quant *q = util_infer_quantise(f->ctx, f->g, f->d, bits);
    assert_non_null(q);
    recorder r = run_recorded(f, q, isa, NULL);
    for (int64_t i = 0; i < f->d->n; i++) {
        int64_t image[3 * 16 * 16], violations = 0;
        for (int64_t j = 0; j < ss_shape_size(f->d->shape); j++) image[j] = (int64_t)r.tensors[i * f->g->n][j];
        int64_t **want = util_eval_int(f->g, q, image, &violations);
        for (int32_t k = 0; k < f->g->n; k++)
            for (int64_t j = 0; j < ss_shape_size(f->g->nodes[k].shape); j++)
                if (r.tensors[i * f->g->n + k][j] != (double)want[k][j])
                    fail_msg("%s element %d: %g, not %d", f->g->nodes[k].name, (int)j, r.tensors[i * f->g->n + k][j],
                             (int)want[k][j]);
        assert_int_equal(violations, 0);
        util_free_tensors(f->g, want);
    }
    free_recorder(f, &r);
    ss_quant_free(q);
}

static void integers_on_every_isa(fixture *f) {
    for (int bits = 8; bits <= 16; bits += 8)
        for (ss_isa isa = SS_ISA_AUTO; isa <= SS_ISA_AVX512; isa++)
            if (isa == SS_ISA_AUTO || ss_isa_supported(isa)) integers_match(f, bits, isa);
    teardown(f);
}

static void integer_zoo(void **state) {
    (void)state;
    integers_on_every_isa(setup_graph(zoo, 31, IMAGES));
    integers_on_every_isa(setup_graph(zoo_flat, 32, IMAGES));
}

static void integer_networks(void **state) {
    (void)state;
    integers_on_every_isa(setup_graph(util_small_resnet, 41, IMAGES));
    integers_on_every_isa(setup_graph(chain, 42, IMAGES));
}

/* Largest difference of the scores, relative to their spread. */
static double distance(const fixture *f, const float *a, const float *b, int64_t classes) {
    double worst = 0, most = -INFINITY, least = INFINITY;
    for (int64_t i = 0; i < f->d->n * classes; i++) {
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
        most = fmax(most, (double)a[i]);
        least = fmin(least, (double)a[i]);
    }
    return worst / (most - least);
}

static void run_scores(fixture *f, const ss_quant *q, float *scores) {
    ss_engine *e;
    assert_int_equal(ss_engine_new(f->ctx, f->g, q, SS_ISA_AUTO, &e), SS_OK);
    assert_int_equal(ss_engine_run(f->ctx, e, f->d, &f->norm, NULL, scores), SS_OK);
    ss_engine_free(e);
}

static void integers_are_close_to_float(void **state) {
    (void)state;
    static const double limit[2] = { 0.15, 0.002 }; /* 8 and 16 bits */
    fixture *f = setup_graph(util_small_resnet, 51, 64);
    const int64_t classes = 10;
    float *real = calloc((size_t)(f->d->n * classes), sizeof *real), *got = calloc((size_t)(f->d->n * classes), sizeof *got);
    run_scores(f, NULL, real);
    for (int i = 0; i < 2; i++) {
        ss_quant *q = util_infer_quantise(f->ctx, f->g, f->d, 8 + 8 * i);
        run_scores(f, q, got);
        const double error = distance(f, real, got, classes);
        if (error > limit[i]) fail_msg("%d bits: %g", 8 + 8 * i, error);
        ss_quant_free(q);
    }
    free(real);
    free(got);
    teardown(f);
}

static void threads_do_not_matter(void **state) {
    (void)state;
    fixture *f = setup_graph(util_small_resnet, 61, 33);
    ss_quant *q = util_infer_quantise(f->ctx, f->g, f->d, 8);
    float one[33 * 10], many[33 * 10];
    ss_ctx_set_threads(f->ctx, 1);
    run_scores(f, q, one);
    for (int threads = 2; threads <= 5; threads++) {
        ss_ctx_set_threads(f->ctx, threads);
        memset(many, 0, sizeof many);
        run_scores(f, q, many);
        assert_memory_equal(one, many, sizeof one);
    }
    ss_ctx_set_threads(f->ctx, 64); /* more than images */
    run_scores(f, q, many);
    assert_memory_equal(one, many, sizeof one);
    ss_quant_free(q);
    teardown(f);
}

/* ---- raw images ---- */

static void raw_images(void **state) {
    (void)state;
    fixture *f = setup_graph(zoo, 71, 1);
    recorder r = run_recorded(f, NULL, SS_ISA_AUTO, NULL);
    const int64_t in = ss_shape_size(f->g->nodes[0].shape), out = ss_shape_size(f->g->nodes[f->g->output].shape);
    float image[3 * 9 * 7], result[64];
    for (int64_t i = 0; i < in; i++) image[i] = (float)r.tensors[0][i];
    ss_engine *e;
    assert_int_equal(ss_engine_new(f->ctx, f->g, NULL, SS_ISA_AUTO, &e), SS_OK);
    assert_int_equal(ss_engine_run_raw(f->ctx, e, image, result), SS_OK);
    ss_engine_free(e);
    for (int64_t i = 0; i < out; i++) assert_true((double)result[i] == r.tensors[f->g->output][i]);
    free_recorder(f, &r);
    teardown(f);
}

/* ---- thresholds ---- */

static void thresholds_are_read_at_each_run(void **state) {
    (void)state;
    fixture *f = setup_graph(chain, 81, 4);
    ss_quant *q = util_infer_quantise(f->ctx, f->g, f->d, 16);
    ss_engine *e;
    float before[4 * 10], after[4 * 10];
    for (int integers = 0; integers < 2; integers++) {
        ss_thresholds_uniform(f->g, 0);
        assert_int_equal(ss_quant_set_thresholds(q, f->g), SS_OK);
        assert_int_equal(ss_engine_new(f->ctx, f->g, integers ? q : NULL, SS_ISA_AUTO, &e), SS_OK);
        assert_int_equal(ss_engine_run(f->ctx, e, f->d, &f->norm, NULL, before), SS_OK);
        ss_thresholds_uniform(f->g, 1e6f); /* nothing passes: the bias of the last layer is left */
        assert_int_equal(ss_quant_set_thresholds(q, f->g), SS_OK);
        assert_int_equal(ss_engine_run(f->ctx, e, f->d, &f->norm, NULL, after), SS_OK);
        assert_memory_not_equal(before, after, sizeof before);
        const ss_node *fc = &f->g->nodes[f->g->output];
        for (int c = 0; c < 10; c++) assert_true(fabsf(after[c] - fc->bias[c]) < 1e-3f);
        ss_engine_free(e);
    }
    ss_quant_free(q);
    teardown(f);
}

/* ---- misuse and lack of memory ---- */

static void wrong_images_are_refused(void **state) {
    (void)state;
    fixture *f = setup_graph(chain, 91, 1);
    ss_dataset *other = util_dataset(f->ctx, (ss_shape){ 3, 15, 16 }, 7, 2, 1);
    ss_engine *e;
    assert_int_equal(ss_engine_new(f->ctx, f->g, NULL, SS_ISA_AUTO, &e), SS_OK);
    assert_int_equal(ss_engine_run(f->ctx, e, other, &f->norm, NULL, NULL), SS_BAD);
    assert_true(util_has_error(f->ctx, "3x15x16"));
    ss_diag_clear(f->ctx);
    const ss_norm grey = util_infer_norm(1);
    assert_int_equal(ss_engine_run(f->ctx, e, f->d, &grey, NULL, NULL), SS_BAD);
    assert_true(util_has_error(f->ctx, "1 channels"));
    ss_engine_free(e);
    ss_dataset_free(other);
    teardown(f);
}

/* Build, calibrate, quantise and run with the n-th allocation failing, for every n: an error each time, no leak. */
static void memory_may_run_out(void **state) {
    (void)state;
    util_oom oom = { 0 };
    int64_t failures = 0;
    for (bool done = false; !done;) {
        oom = (util_oom){ .fail_at = failures + 1 };
        ss_ctx *ctx = ss_ctx_new_with(util_oom_alloc, &oom);
        if (ctx) {
            ss_ctx_set_threads(ctx, 2);
            ss_graph *g = util_chain(ctx, 1, 5);
            ss_dataset *d = g ? util_dataset(ctx, g->nodes[0].shape, 7, 3, 6) : NULL;
            ss_quant *q = d ? util_infer_quantise(ctx, g, d, 8) : NULL;
            ss_engine *e = NULL;
            float scores[3 * 10];
            const ss_norm norm = util_infer_norm(3);
            done = q && ss_engine_new(ctx, g, q, SS_ISA_AUTO, &e) == SS_OK &&
                   ss_engine_run(ctx, e, d, &norm, NULL, scores) == SS_OK;
            assert_true(done == (ss_diag_errors(ctx) == 0));
            ss_engine_free(e);
            ss_quant_free(q);
            ss_dataset_free(d);
            ss_graph_free(g);
            ss_ctx_free(ctx);
        }
        assert_int_equal(oom.live, 0);
        failures += !done;
        assert_true(failures < 1000);
    }
    assert_true(failures > 20);
}

/* ---- accuracy ---- */

static void accuracy_and_interval(void **state) {
    (void)state;
    const uint8_t labels[4] = { 0, 1, 5, 2 };
    const ss_dataset d = { .shape = { 1, 1, 1 }, .n = 4, .labels = labels };
    const float scores[4 * 6] = {
        9, 1, 2, 3, 4, 5, /* right */
        1, 1, 0, 0, 0, 0, /* a tie: class 0 wins; label 1 is second */
        9, 8, 7, 6, 5, 4, /* sixth */
        0, 0, 1, 0, 0, 0, /* right */
    };
    ss_accuracy a;
    ss_accuracy_of(&d, scores, 6, &a);
    assert_int_equal(a.images, 4);
    assert_int_equal(a.top1_hits, 2);
    assert_int_equal(a.top5_hits, 3);
    assert_true(fabs(a.top1 - 50) < 1e-12 && fabs(a.top5 - 75) < 1e-12);
    /* Wilson 1927, 2 of 4 and 3 of 4 */
    assert_true(fabs(a.top1_lo - 15.0036) < 1e-3 && fabs(a.top1_hi - 84.9964) < 1e-3);
    assert_true(fabs(a.top5_lo - 30.0642) < 1e-3 && fabs(a.top5_hi - 95.4413) < 1e-3);
}

static void paired_loss(void **state) {
    (void)state;
    uint8_t labels[100];
    float a[200], b[200];
    for (int i = 0; i < 100; i++) {
        labels[i] = 0;
        a[2 * i] = i < 90 ? 1.0f : -1.0f; /* 90 right */
        b[2 * i] = i >= 4 && i < 91 ? 1.0f : -1.0f; /* loses 4, wins 1 */
        a[2 * i + 1] = b[2 * i + 1] = 0;
    }
    const ss_dataset d = { .shape = { 1, 1, 1 }, .n = 100, .labels = labels };
    double loss, lo, hi;
    ss_paired_loss(&d, a, b, 2, &loss, &lo, &hi);
    const double half = 1.959963984540054 * sqrt(5 - 9.0 / 100); /* in images, of 100 */
    assert_true(fabs(loss - 3) < 1e-12 && fabs(lo - (3 - half)) < 1e-9 && fabs(hi - (3 + half)) < 1e-9);
    ss_paired_loss(&d, a, a, 2, &loss, &lo, &hi);
    assert_true(fabs(loss) + fabs(lo) + fabs(hi) < 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float_zoo),
        cmocka_unit_test(float_networks),
        cmocka_unit_test(input_is_normalised),
        cmocka_unit_test(integer_zoo),
        cmocka_unit_test(integer_networks),
        cmocka_unit_test(integers_are_close_to_float),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(raw_images),
        cmocka_unit_test(thresholds_are_read_at_each_run),
        cmocka_unit_test(wrong_images_are_refused),
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(accuracy_and_interval),
        cmocka_unit_test(paired_loss),
    };
    return cmocka_run_group_tests_name("infer", tests, NULL, NULL);
}
