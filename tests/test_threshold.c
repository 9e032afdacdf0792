/* Threshold studies on a small residual network whose own answers are the labels: every figure of a study is
 * checked against a separate run with the point's thresholds. */
#include "infer/infer.h"
#include "threshold/threshold.h"
#include "util_profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEARCH = 60, TEST = 60, CLASSES = 10 };

typedef struct fixture {
    ss_ctx *ctx;
    ss_graph *g;
    ss_quant *q;
    ss_engine *e;
    ss_dataset *search, *test;
    ss_norm norm;
    ss_device device;
    ss_study_task task;
    ss_study *shared; /* of the task as it is set up */
    float scores[SEARCH][CLASSES], before[SEARCH][CLASSES];
} fixture;

/* The label of an image is what the network says at threshold 0. */
static ss_status label(fixture *f, ss_dataset *d) {
    if (ss_engine_run(f->ctx, f->e, d, &f->norm, NULL, f->scores[0]) != SS_OK) return SS_BAD;
    for (int64_t i = 0; i < d->n; i++) {
        uint8_t *at, *pixels;
        ss_dataset_record(d, i, &at, &pixels);
        *at = 0;
        for (int c = 1; c < CLASSES; c++)
            if (f->scores[i][c] > f->scores[i][*at]) *at = (uint8_t)c;
    }
    return SS_OK;
}

static ss_status make(fixture *f) {
    ss_calib *calib = NULL;
    f->ctx = ss_ctx_new();
    f->g = util_small_resnet(f->ctx, 11);
    f->norm = util_norm(3);
    f->search = util_dataset(f->ctx, f->g->nodes[0].shape, CLASSES, SEARCH, 1);
    f->test = util_dataset(f->ctx, f->g->nodes[0].shape, CLASSES, TEST, 2);
    ss_status s = ss_calibrate(f->ctx, f->g, f->search, &f->norm, &calib);
    if (s == SS_OK) s = ss_quantise(f->ctx, f->g, calib, 16, &f->q);
    if (s == SS_OK) s = ss_engine_new(f->ctx, f->g, f->q, SS_ISA_AUTO, &f->e);
    if (s == SS_OK) s = label(f, f->search);
    if (s == SS_OK) s = label(f, f->test);
    if (s == SS_OK) s = ss_device_load(f->ctx, "zc706", &f->device);
    ss_calib_free(calib);
    return s;
}

static int start(void **state) {
    fixture *f = calloc(1, sizeof *f);
    ss_status s = make(f);
    f->device.total.r[SS_DSP] = 60; /* so small that every layer counts */
    f->task = (ss_study_task){ .g = f->g,
                               .q = f->q,
                               .e = f->e,
                               .search = f->search,
                               .test = f->test,
                               .norm = &f->norm,
                               .device = &f->device,
                               .calib_source = "c",
                               .search_data = { "s", 1, SEARCH },
                               .test_data = { "t", 2, TEST } };
    f->task.opts = (ss_study_opts){ .policies = 1u << SS_POLICY_UNIFORM,
                                    .hardware = 3,
                                    .max_loss = 8,
                                    .step = 0.1,
                                    .t_max = 2,
                                    .refine = 2,
                                    .engines = SS_ENGINES_ALL,
                                    .memory = 64 << 20,
                                    .explore = { .batch = 256, .target_gap = 0.02 } };
    if (s == SS_OK) s = ss_study_run(f->ctx, &f->task, &f->shared);
    *state = f;
    return s == SS_OK ? 0 : -1;
}

static int finish(void **state) {
    fixture *f = *state;
    ss_study_free(f->shared);
    ss_engine_free(f->e);
    ss_quant_free(f->q);
    ss_dataset_free(f->search);
    ss_dataset_free(f->test);
    ss_graph_free(f->g);
    ss_ctx_free(f->ctx);
    free(f);
    return 0;
}

/* What a test changed is put back. */
static int restore(void **state) {
    fixture *f = *state;
    f->task.test = f->test;
    f->task.opts = f->shared->opts;
    for (int32_t i = 0; i < f->g->n; i++) f->g->nodes[i].act.per_channel = NULL;
    ss_thresholds_uniform(f->g, 0);
    ss_diag_clear(f->ctx);
    return ss_quant_set_thresholds(f->q, f->g) == SS_OK ? 0 : -1;
}

static ss_study *study(fixture *f) {
    ss_study *s = NULL;
    assert_int_equal(ss_study_run(f->ctx, &f->task, &s), SS_OK);
    assert_non_null(s);
    return s;
}

/* A run of its own under a point's thresholds. */
static ss_profile *run_point(fixture *f, const ss_study *s, int32_t i, const ss_dataset *d) {
    ss_profile *p;
    ss_study_apply(s, i, f->g);
    assert_int_equal(ss_quant_set_thresholds(f->q, f->g), SS_OK);
    assert_int_equal(ss_profile_measure(f->ctx, f->g, f->e, f->q, d, &f->norm, f->scores[0], &p), SS_OK);
    return p;
}

/* Every figure of every point against a run of its own. */
static void check_points(fixture *f, const ss_study *s) {
    ss_profile_free(run_point(f, s, 0, f->search));
    memcpy(f->before, f->scores, sizeof f->before);
    for (int32_t i = 0; i < s->n_points; i++) {
        const ss_study_point *pt = &s->points[i];
        ss_profile *p = run_point(f, s, i, f->search);
        ss_accuracy a;
        double loss, lo, hi;
        ss_accuracy_of(f->search, f->scores[0], CLASSES, &a);
        ss_paired_loss(f->search, f->before[0], f->scores[0], CLASSES, &loss, &lo, &hi);
        assert_true(pt->top1 == a.top1 && pt->loss == loss && pt->loss_lo == lo && pt->loss_hi == hi);
        for (int32_t k = 0; k < s->n_relus; k++) {
            assert_true(pt->zero_ratio[k] == p->relus[k].zero_ratio);
            if (pt->policy == SS_POLICY_UNIFORM) assert_true(pt->thresholds[k] == (float)pt->t);
        }
        ss_design *same;
        assert_int_equal(ss_estimate(f->ctx, s->reference_design, f->g, p, &same), SS_OK);
        assert_true(pt->hw[SS_HW_BASELINE].throughput == same->throughput);
        assert_true(pt->hw[SS_HW_OPTIMISED].throughput >= same->throughput);
        assert_near(pt->hw[SS_HW_BASELINE].gain, same->throughput / s->reference.throughput, 1e-12);
        ss_design_free(same);
        ss_profile_free(p);
    }
}

static void every_point_can_be_reproduced(void **state) {
    fixture *f = *state;
    check_points(f, f->shared);
}

/* Policies that walk: steps accumulate, points belong to their walks, every walk ends beyond the loss or at t_max. */
static void check_walks(fixture *f, ss_policy policy, double step) {
    f->task.opts.policies = 1u << policy;
    f->task.opts.step = step; /* few trials */
    ss_study *s = study(f);
    check_points(f, s);
    int32_t points[SS_HARDWARE] = { 0 }, over[SS_HARDWARE] = { 0 };
    for (int32_t i = 1; i < s->n_points; i++) {
        const ss_study_point *pt = &s->points[i];
        float most = 0;
        assert_true(pt->walk >= 0 && pt->walk < SS_HARDWARE && pt->t >= 1);
        points[pt->walk]++;
        over[pt->walk] += pt->loss > s->opts.max_loss;
        for (int32_t k = 0; k < s->n_relus; k++) {
            double steps = (double)pt->thresholds[k] / s->opts.step;
            assert_true(fabs(steps - round(steps)) < 1e-3);
            most = fmaxf(most, pt->thresholds[k]);
        }
        assert_true(most > 0 && most <= (float)s->opts.t_max * 1.0001f);
    }
    for (int k = 0; k < SS_HARDWARE; k++) {
        assert_true(points[k] > 1 && over[k] > 0);
        assert_true(s->points[s->chosen[k]].loss <= s->opts.max_loss);
        assert_true(s->points[s->chosen[k]].hw[k].gain > 1);
    }
    ss_study_free(s);
}

static void latency_aware_walks(void **state) { check_walks(*state, SS_POLICY_LATENCY, 0.25); }
static void greedy_gain_walks(void **state) { check_walks(*state, SS_POLICY_GREEDY, 0.5); }

/* ---- latency-aware, step by step ---- */

/* ReLUs that a tensor's zeros come from, written down again: backwards until one is met. */
static void feeders(const ss_graph *g, int32_t tensor, bool *node) {
    if (g->nodes[tensor].act.on) node[tensor] = true;
    else if (g->nodes[tensor].op != SS_OP_CONV)
        for (int32_t k = 0; k < g->nodes[tensor].n_in; k++) feeders(g, g->nodes[tensor].in[k], node);
}

static bool skips_zeros(const ss_graph *g, int32_t node, const ss_config *c) {
    const ss_window *w = &g->nodes[node].win;
    return g->nodes[node].op == SS_OP_CONV &&
           (c->engine == SS_ENGINE_BROADCAST || (c->engine == SS_ENGINE_CROSSBAR && c->m < w->kh * w->kw));
}

/* In every partition, of the nodes that skip zeros and whose ReLUs may rise, the slowest: these ReLUs go into rise. */
static void expect_rise(const fixture *f, const ss_study *s, const ss_design *d, const float *t, bool *rise) {
    for (int32_t k = 0; k < d->n_partitions; k++) {
        const ss_partition *p = &d->partitions[k];
        bool best[64] = { false };
        double most = 0;
        for (int32_t i = p->first; i <= p->last; i++) {
            bool from[64] = { false }, any = false;
            if (!skips_zeros(f->g, i, &p->configs[i - p->first]) || p->configs[i - p->first].cycles <= most) continue;
            feeders(f->g, f->g->nodes[i].in[0], from);
            for (int32_t r = 0; r < s->n_relus; r++) {
                bool *mine = &from[ss_graph_find_act(f->g, s->relus[r])];
                *mine = *mine && (double)t[r] + s->opts.step <= s->opts.t_max * (1 + 1e-6);
                any = any || *mine;
            }
            if (!any) continue;
            most = p->configs[i - p->first].cycles;
            memcpy(best, from, sizeof best);
        }
        for (int32_t r = 0; r < s->n_relus; r++) rise[r] = rise[r] || best[ss_graph_find_act(f->g, s->relus[r])];
    }
}

/* A device so small that the network is cut: every step raises what feeds the slowest of every partition, no more. */
static void every_partition_has_its_step(void **state) {
    fixture *f = *state;
    const ss_device whole = f->device;
    f->device.total.r[SS_DSP] = 24;
    f->device.total.r[SS_LUT] = 9000;
    f->task.opts.policies = 1u << SS_POLICY_LATENCY;
    f->task.opts.hardware = 1u << SS_HW_BASELINE;
    f->task.opts.max_loss = 100; /* to the end */
    f->task.opts.step = 0.5;
    f->task.opts.whole = true; /* a trial at each step */
    f->task.opts.explore.batch = 1000000;
    ss_study *s = study(f);
    assert_true(s->reference.partitions >= 2);
    assert_true(s->n_points > 4);
    int32_t several = 0;
    for (int32_t i = 1; i < s->n_points; i++) {
        const ss_study_point *before = &s->points[i - 1], *pt = &s->points[i];
        bool rise[64] = { false };
        ss_design *d;
        ss_profile *p = run_point(f, s, i - 1, f->search);
        assert_int_equal(ss_estimate(f->ctx, s->reference_design, f->g, p, &d), SS_OK);
        expect_rise(f, s, d, before->thresholds, rise);
        int32_t rose = 0;
        for (int32_t r = 0; r < s->n_relus; r++) {
            assert_near((double)(pt->thresholds[r] - before->thresholds[r]), rise[r] ? 0.5 : 0, 1e-6);
            rose += rise[r];
        }
        assert_true(rose > 0 && pt->t == i);
        several += rose > 1;
        ss_design_free(d);
        ss_profile_free(p);
    }
    assert_true(several > 0);
    /* And the end is one: nothing that could rise is left. */
    bool rise[64] = { false }, any = false;
    ss_design *d;
    ss_profile *p = run_point(f, s, s->n_points - 1, f->search);
    assert_int_equal(ss_estimate(f->ctx, s->reference_design, f->g, p, &d), SS_OK);
    expect_rise(f, s, d, s->points[s->n_points - 1].thresholds, rise);
    for (int32_t r = 0; r < s->n_relus; r++) any = any || rise[r];
    assert_false(any);
    ss_design_free(d);
    ss_profile_free(p);
    ss_study_free(s);
    f->device = whole;
}

static void study_text(const ss_study *s, char **text) {
    json_t *j = ss_study_json(s);
    assert_non_null(j);
    *text = json_dumps(j, 0);
    json_decref(j);
}

static void memory_changes_no_result(void **state) {
    fixture *f = *state;
    char *with, *without;
    f->task.opts.policies = 1u << SS_POLICY_LATENCY;
    f->task.opts.step = 0.25;
    f->task.opts.memory = 64 << 20;
    ss_study *s = study(f);
    study_text(s, &with);
    ss_study_free(s);
    f->task.opts.memory = 0;
    s = study(f);
    study_text(s, &without);
    ss_study_free(s);
    assert_string_equal(with, without);
    free(with);
    free(without);
}

/* Whatever trials an interrupted study still holds, going on gives the study that was never interrupted. */
static void resumed_studies_are_the_same(void **state) {
    fixture *f = *state;
    char dir[256], path[300], *whole, *again;
    assert_true(util_temp_dir(dir));
    snprintf(path, sizeof path, "%s/study.json", dir);
    f->task.opts.policies = 1u << SS_POLICY_LATENCY;
    f->task.opts.step = 0.25;
    f->task.checkpoint = path;
    ss_study *s = study(f);
    study_text(s, &whole);
    const int32_t kept[] = { 1, s->n_points / 2, s->n_points };
    f->task.resume = true;
    for (int i = 0; i < 3; i++) {
        int32_t n = s->n_points;
        s->n_points = kept[i];
        s->complete = false;
        assert_int_equal(ss_study_save(s, path), SS_OK);
        s->n_points = n;
        ss_study *resumed = study(f);
        study_text(resumed, &again);
        assert_string_equal(whole, again);
        free(again);
        ss_study_free(resumed);
    }
    ss_study_free(s);
    free(whole);
    f->task.opts.max_loss = 3; /* another question */
    assert_int_equal(ss_study_run(f->ctx, &f->task, &s), SS_BAD);
    assert_non_null(strstr(ss_diag_at(f->ctx, 0)->cause, "max_loss"));
    f->task.checkpoint = NULL;
    f->task.resume = false;
    util_remove_dir(dir);
}

static void curve_rises_and_stops(void **state) {
    fixture *f = *state;
    ss_study *s = f->shared;
    assert_true(s->n_points > 4);
    assert_true(s->points[0].t == 0 && s->points[0].loss == 0 && s->points[0].hw[SS_HW_BASELINE].gain == 1);
    assert_near(s->points[0].top1, 100, 1e-9);
    int32_t coarse = 0;
    double largest = 0;
    for (int32_t i = 1; i < s->n_points; i++) {
        assert_true(s->points[i].t > s->points[i - 1].t);
        assert_true(s->points[i].zeros > s->points[i - 1].zeros);
        assert_true(s->points[i].integers[0] > s->points[i - 1].integers[0]);
        coarse += fabs(s->points[i].t / 0.1 - round(s->points[i].t / 0.1)) < 1e-6;
        if (s->points[i].loss <= 8) largest = s->points[i].t;
    }
    /* Two steps too far, and two bisections that narrow the limit to a quarter of a step. */
    assert_int_equal(s->n_points, 1 + coarse + 2);
    assert_true(s->points[s->n_points - 1].loss > 8 && s->points[s->n_points - 2].loss > 8);
    assert_true(largest > 0 && s->points[s->n_points - 1].t - largest < 0.2 + 1e-9);
}

static void fastest_within_the_loss_is_chosen_and_confirmed(void **state) {
    fixture *f = *state;
    ss_study *s = f->shared;
    for (int k = 0; k < SS_HARDWARE; k++) {
        const ss_study_point *best = &s->points[s->chosen[k]];
        assert_true(best->loss <= 8);
        for (int32_t i = 0; i < s->n_points; i++)
            assert_true(s->points[i].loss > 8 || s->points[i].hw[k].throughput <= best->hw[k].throughput);
        ss_accuracy a;
        ss_profile_free(run_point(f, s, s->chosen[k], f->test));
        ss_accuracy_of(f->test, f->scores[0], CLASSES, &a);
        assert_true(s->tested && s->test[k].top1 == a.top1);
        assert_near(s->test[k].loss, s->test_reference.top1 - a.top1, 1e-9);
        assert_true(s->test[k].loss_lo <= s->test[k].loss && s->test[k].loss <= s->test[k].loss_hi);
    }
    assert_true(s->points[s->chosen[SS_HW_OPTIMISED]].hw[SS_HW_OPTIMISED].gain > 1);
    assert_non_null(s->optimised_design);
    assert_true(s->optimised_design->throughput ==
                s->points[s->chosen[SS_HW_OPTIMISED]].hw[SS_HW_OPTIMISED].throughput);
}

static void thresholds_of_the_model_are_kept_and_put_back(void **state) {
    fixture *f = *state;
    int32_t own = ss_graph_find_act(f->g, "b1_relu1");
    f->g->nodes[own].act.threshold = 0.35f;
    f->task.opts.t_max = 0.5;
    ss_study *s = study(f);
    for (int32_t k = 0; k < s->n_relus; k++)
        for (int32_t i = 0; i < s->n_points; i++) {
            float least = strcmp(s->relus[k], "b1_relu1") == 0 ? 0.35f : 0;
            assert_true(s->points[i].thresholds[k] == fmaxf((float)s->points[i].t, least));
        }
    for (int32_t i = 0; i < f->g->n; i++)
        if (f->g->nodes[i].act.on) assert_true(f->g->nodes[i].act.threshold == (i == own ? 0.35f : 0));
    assert_int_equal(f->q->nodes[own].thr[0], (int32_t)floor((double)0.35f * pow(2, f->q->nodes[own].frac)));
    ss_study_free(s);
}

static void one_kind_of_hardware(void **state) {
    fixture *f = *state;
    f->task.opts.hardware = 1u << SS_HW_BASELINE;
    f->task.test = NULL;
    ss_study *s = study(f);
    assert_true(s->chosen[SS_HW_BASELINE] >= 0 && s->chosen[SS_HW_OPTIMISED] == -1);
    assert_true(s->points[1].hw[SS_HW_OPTIMISED].throughput == 0 && !s->tested && !s->optimised_design);
    ss_study_free(s);
}

static void saved_study(void **state) {
    fixture *f = *state;
    char dir[256], path[300];
    json_t *j;
    ss_study *s = f->shared;
    assert_true(util_temp_dir(dir));
    snprintf(path, sizeof path, "%s/study.json", dir);
    assert_int_equal(ss_study_save(s, path), SS_OK);
    assert_int_equal(ss_json_load(f->ctx, path, "skipstream.study", 1, &j), SS_OK);
    const json_t *points = json_object_get(j, "points");
    assert_int_equal(json_array_size(points), (size_t)s->n_points);
    assert_int_equal(json_array_size(json_object_get(j, "relus")), 5);
    for (int32_t i = 0; i < s->n_points; i++) {
        const json_t *pt = json_array_get(points, (size_t)i);
        assert_true(json_real_value(json_object_get(pt, "loss")) == s->points[i].loss);
        assert_true((float)json_real_value(json_array_get(json_object_get(pt, "thresholds"), 4)) ==
                    s->points[i].thresholds[4]);
        assert_true(json_real_value(json_object_get(json_object_get(pt, "baseline"), "throughput")) ==
                    s->points[i].hw[SS_HW_BASELINE].throughput);
    }
    assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "chosen"), "optimised")),
                     s->chosen[SS_HW_OPTIMISED]);
    assert_true(json_is_object(json_object_get(json_object_get(j, "test"), "reference")));
    json_decref(j);
    util_remove_dir(dir);
}

static void refused(fixture *f, const char *why) {
    ss_study *s;
    ss_diag_clear(f->ctx);
    assert_int_equal(ss_study_run(f->ctx, &f->task, &s), SS_BAD);
    assert_null(s);
    assert_int_equal(ss_diag_errors(f->ctx), 1);
    assert_non_null(strstr(ss_diag_at(f->ctx, 0)->cause, why));
}

static void bad_tasks_are_refused(void **state) {
    fixture *f = *state;
    const ss_study_task good = f->task;
    f->task.test = f->search;
    refused(f, "shares images");
    f->task = good;
    f->task.opts.max_loss = -0.5;
    refused(f, "not between 0 and 100");
    f->task = good;
    f->task.opts.max_loss = NAN;
    refused(f, "not between 0 and 100");
    f->task = good;
    f->task.opts.step = 3;
    refused(f, "no steps");
    f->task = good;
    f->task.opts.hardware = 0;
    refused(f, "no hardware");
    f->task = good;
    float t[64] = { 0 };
    f->g->nodes[ss_graph_find_act(f->g, "stem_relu")].act.per_channel = t;
    refused(f, "by channel");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_point_can_be_reproduced, restore, restore),
        cmocka_unit_test_setup_teardown(every_partition_has_its_step, restore, restore),
        cmocka_unit_test_setup_teardown(latency_aware_walks, restore, restore),
        cmocka_unit_test_setup_teardown(greedy_gain_walks, restore, restore),
        cmocka_unit_test_setup_teardown(memory_changes_no_result, restore, restore),
        cmocka_unit_test_setup_teardown(resumed_studies_are_the_same, restore, restore),
        cmocka_unit_test_setup_teardown(curve_rises_and_stops, restore, restore),
        cmocka_unit_test_setup_teardown(fastest_within_the_loss_is_chosen_and_confirmed, restore, restore),
        cmocka_unit_test_setup_teardown(thresholds_of_the_model_are_kept_and_put_back, restore, restore),
        cmocka_unit_test_setup_teardown(one_kind_of_hardware, restore, restore),
        cmocka_unit_test_setup_teardown(saved_study, restore, restore),
        cmocka_unit_test_setup_teardown(bad_tasks_are_refused, restore, restore),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
