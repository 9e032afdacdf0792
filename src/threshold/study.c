/* The protocol of a study: reference, policy, choice on the search split, one confirmation on the test split.
 */
#include "threshold/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STEPS 10000 /* each is a run over the search images */

const char *const ss_policy_names[SS_POLICIES] = { "uniform", "latency-aware", "greedy-gain" };
const char *const ss_hardware_names[SS_HARDWARE] = { "baseline", "optimised" };

static ss_status (*const policies[SS_POLICIES])(ss_trials *) = { ss_policy_uniform, ss_policy_latency_aware,
                                                                 ss_policy_greedy_gain };

/* ---- the task ---- */

ss_status ss_study_check_opts(ss_ctx *ctx, const ss_study_opts *o) {
    const size_t before = ss_diag_errors(ctx);
    if (!(o->max_loss >= 0 && o->max_loss <= 100))
        ss_error(ctx, SS_AT("max-loss"), "give Top-1 points, 1.0 for one", "%g is not between 0 and 100",
                 o->max_loss);
    if (!(o->step > 0 && o->t_max >= o->step))
        ss_error(ctx, SS_AT("step"), "raise --t-max or lower --step", "steps of %g up to %g are no steps",
                 o->step, o->t_max);
    else if (o->t_max / o->step > MAX_STEPS)
        ss_error(ctx, SS_AT("step"), "lower --t-max or raise --step", "steps of %g up to %g are more than %d",
                 o->step, o->t_max, MAX_STEPS);
    if (o->memory < 0)
        ss_error(ctx, SS_AT("memory"), "give a number of bytes", "%lld bytes are no memory", (long long)o->memory);
    if ((o->policies & ((1u << SS_POLICIES) - 1)) == 0)
        ss_error(ctx, SS_AT("policy"), "choose one of uniform, latency-aware, greedy-gain", "no policy to study");
    if ((o->hardware & ((1u << SS_HARDWARE) - 1)) == 0)
        ss_error(ctx, SS_AT("hardware"), "choose baseline, optimised or both", "no hardware to study");
    return ss_diag_errors(ctx) > before ? SS_BAD : SS_OK;
}

static ss_status check_task(ss_ctx *ctx, const ss_study_task *t) {
    const size_t before = ss_diag_errors(ctx);
    ss_study_check_opts(ctx, &t->opts);
    if (t->test && ss_dataset_overlaps(t->search, t->test))
        ss_error(
            ctx, SS_AT(t->test_data.source), "take disjoint splits",
            "shares images with the search split: thresholds would be chosen on the images that judge them");
    if (t->test && t->correction && ss_dataset_overlaps(ss_correction_data(t->correction), t->test))
        ss_error(ctx, SS_AT(t->correction_data.source), "take search or calibration images",
                 "shares images with the test split: biases would be corrected on the images that judge them");
    return ss_diag_errors(ctx) > before ? SS_BAD : SS_OK;
}

static ss_status copy_data(ss_study *s, const ss_study_data *from, ss_study_data *to) {
    *to = *from;
    to->source = ss_arena_strdup(s->arena, from->source ? from->source : "");
    return to->source ? SS_OK : SS_BAD;
}

static ss_study *new_study(ss_ctx *ctx, const ss_study_task *t) {
    ss_arena *arena = ss_arena_new(ctx);
    ss_study *s = arena ? ss_arena_alloc(arena, 1, sizeof *s) : NULL;
    if (!s) {
        ss_arena_free(arena);
        return NULL;
    }
    *s = (ss_study){ .ctx = ctx,
                     .arena = arena,
                     .model = ss_graph_hash(t->g),
                     .bits = t->q->bits,
                     .opts = t->opts,
                     .device = *t->device,
                     .chosen = { -1, -1 } };
    for (int p = 0; p < SS_POLICIES; p++) s->best[p][0] = s->best[p][1] = -1;
    s->model_name = ss_arena_strdup(arena, ss_base_name(t->g->name));
    s->calib_source = ss_arena_strdup(arena, t->calib_source ? t->calib_source : "");
    s->dealing = ss_arena_strdup(arena, t->dealing ? t->dealing : "");
    if (s->model_name && s->calib_source && s->dealing && copy_data(s, &t->search_data, &s->search_data) == SS_OK &&
        copy_data(s, &t->test_data, &s->test_data) == SS_OK &&
        copy_data(s, &t->correction_data, &s->correction_data) == SS_OK)
        return s;
    ss_study_free(s);
    return NULL;
}

void ss_study_free(ss_study *s) {
    if (!s) return;
    ss_design_free(s->reference_design);
    ss_design_free(s->optimised_design);
    ss_arena_free(s->arena);
}

void ss_study_apply(const ss_study *s, int32_t point, ss_graph *g) {
    for (int32_t i = 0; i < s->n_relus; i++) {
        int32_t node = ss_graph_find_act(g, s->relus[i]);
        if (node >= 0) ss_act_set_threshold(&g->nodes[node].act, s->points[point].thresholds[i]);
    }
}

ss_status ss_study_put(const ss_study *s, const ss_study_task *task, int32_t point) {
    ss_study_apply(s, point, task->g);
    ss_status status = ss_quant_set_thresholds(task->q, task->g);
    return status == SS_OK && task->correction ? ss_correction_put(task->correction, false) : status;
}

/* ---- choice and confirmation ---- */

bool ss_study_promising(const ss_study *s, const ss_study_point *pt) {
    return (s->opts.safe ? pt->loss_hi : pt->loss) <= s->opts.max_loss;
}

bool ss_study_within(const ss_study *s, const ss_study_point *pt) {
    return pt->judged == s->search_data.images && ss_study_promising(s, pt);
}

static int by_walk(const void *a, const void *b) {
    const ss_study_point *p = a, *q = b;
    if (p->policy != q->policy) return p->policy < q->policy ? -1 : 1;
    if (p->walk != q->walk) return p->walk < q->walk ? -1 : 1;
    return (p->t > q->t) - (p->t < q->t);
}

void ss_study_policies(const ss_study *s, char out[64]) {
    size_t at = 0;
    out[0] = '\0';
    for (int p = 0; p < SS_POLICIES; p++)
        if (s->opts.policies & 1u << p)
            at += (size_t)snprintf(out + at, 64 - at, "%s%s", at ? "," : "", ss_policy_names[p]);
}

static bool faster(const ss_study *s, int k, int32_t than, int32_t point) {
    return than < 0 || s->points[point].hw[k].throughput > s->points[than].hw[k].throughput;
}

/* The fastest within the loss allowed; of equals the first. The reference belongs to every policy. */
static void choose(ss_study *s) {
    qsort(s->points, (size_t)s->n_points, sizeof *s->points, by_walk);
    for (int k = 0; k < SS_HARDWARE; k++) {
        if (!(s->opts.hardware & 1u << k)) continue;
        for (int p = 0; p < SS_POLICIES; p++) {
            if (!(s->opts.policies & 1u << p)) continue;
            int32_t *best = &s->best[p][k];
            for (int32_t i = 0; i < s->n_points; i++) {
                const ss_study_point *pt = &s->points[i];
                if ((pt->policy == p || i == 0) && ss_study_within(s, pt) && faster(s, k, *best, i)) *best = i;
            }
            if (*best >= 0 && faster(s, k, s->chosen[k], *best)) s->chosen[k] = *best;
        }
    }
}

/* What the test split says of these thresholds, when it has been asked already. */
static const ss_test_result *confirmed(const ss_study *s, int32_t point) {
    const float *t = s->points[point].thresholds;
    for (int p = 0; p < SS_POLICIES; p++)
        for (int k = 0; k < SS_HARDWARE; k++) {
            int32_t i = s->best[p][k];
            if (i >= 0 && s->best_test[p][k].top1 > 0 &&
                memcmp(s->points[i].thresholds, t, (size_t)s->n_relus * sizeof *t) == 0)
                return &s->best_test[p][k];
        }
    return NULL;
}

static ss_status confirm_one(ss_trials *r, int32_t point, const float *before, float *after, ss_test_result *out) {
    const ss_test_result *known = confirmed(r->study, point);
    if (known) {
        *out = *known;
        return SS_OK;
    }
    if (ss_trial_test(r, point, after, out) != SS_OK) return SS_BAD;
    ss_paired_loss(r->task->test, before, after, r->classes, &out->loss, &out->loss_lo, &out->loss_hi);
    return SS_OK;
}

/* The only use of the test split: once for each of what was chosen. */
static ss_status confirm(ss_trials *r) {
    ss_study *s = r->study;
    size_t images = (size_t)r->task->test->n, row = (size_t)r->classes * sizeof(float);
    float *before = ss_alloc(r->ctx, images, row), *after = ss_alloc(r->ctx, images, row);
    ss_status status = before && after ? ss_trial_test(r, 0, before, &s->test_reference) : SS_BAD;
    for (int p = 0; p < SS_POLICIES; p++)
        for (int k = 0; status == SS_OK && k < SS_HARDWARE; k++) {
            if (s->best[p][k] < 0) continue;
            status = confirm_one(r, s->best[p][k], before, after, &s->best_test[p][k]);
            if (s->best[p][k] == s->chosen[k]) s->test[k] = s->best_test[p][k];
        }
    s->tested = status == SS_OK;
    ss_free(r->ctx, before);
    ss_free(r->ctx, after);
    return status;
}

static ss_status run_policies(ss_trials *r) {
    ss_status status = SS_OK;
    for (int p = 0; status == SS_OK && p < SS_POLICIES; p++) {
        if (!(r->study->opts.policies & 1u << p)) continue;
        r->policy = p;
        r->walk = -1;
        status = policies[p](r);
        for (int k = 0; status == SS_OK && k < SS_HARDWARE; k++)
            if (r->study->opts.hardware & 1u << k) status = ss_trial_confirm(r, p, (ss_hardware)k);
    }
    return status;
}

ss_status ss_study_run(ss_ctx *ctx, const ss_study_task *task, ss_study **out) {
    *out = NULL;
    if (check_task(ctx, task) != SS_OK) return SS_BAD;
    ss_study *s = new_study(ctx, task);
    if (!s) return SS_BAD;
    ss_trials r;
    ss_status status = ss_trials_open(ctx, task, s, &r);
    if (status == SS_OK) status = run_policies(&r);
    if (status == SS_OK) choose(s);
    int32_t fastest = s->chosen[SS_HW_OPTIMISED];
    if (status == SS_OK && fastest > 0) status = ss_trial_design(&r, fastest, &s->optimised_design);
    if (status == SS_OK && task->test) status = confirm(&r);
    ss_trials_close(&r);
    s->complete = status == SS_OK;
    if (status == SS_OK) *out = s;
    else ss_study_free(s);
    return status;
}
