/* One trial: thresholds in, accuracy, zeros and throughput out. See trial.h.
 *
 * Method: thresholds are set in graph and quantised network; integer runs from the first change on give scores and
 * profile; the profile is priced on the reference design (ss_estimate) and by a new exploration (ss_explore). The
 * reference design is itself a design for the new profile, so when exploration stops at its gap below it, the
 * reference design is kept: optimised hardware is never slower than baseline hardware.
 */
#include "threshold/trial.h"

#include <math.h>
#include <string.h>

#define PRICED 256 /* images at the least: their zeros are those of all to about 1 % */

/* ---- thresholds in force ---- */

/* The first node whose threshold differs; the last node when none does. */
static int32_t first_changed(const ss_trials *r, const float *before, const float *thresholds) {
    for (int32_t i = 0; i < r->study->n_relus; i++)
        if (thresholds[i] != before[i]) return r->nodes[i];
    return r->task->g->n - 1;
}

static ss_status put(ss_trials *r, const float *before, const float *thresholds, int32_t *changed) {
    const ss_graph *g = r->task->g;
    for (int32_t i = 0; i < r->study->n_relus; i++) g->nodes[r->nodes[i]].act.threshold = thresholds[i];
    *changed = first_changed(r, before, thresholds);
    return ss_quant_set_thresholds(r->task->q, g);
}

ss_status ss_trial_put(ss_trials *r, const float *before, const float *thresholds, int32_t *changed) {
    ss_correction *c = r->task->correction;
    ss_status s = put(r, before, thresholds, changed);
    return s == SS_OK && c ? ss_correction_put(c, true) : s;
}

ss_status ss_trial_put_briefly(ss_trials *r, const float *before, const float *thresholds, int32_t *changed) {
    ss_correction *c = r->task->correction;
    ss_status s = put(r, before, thresholds, changed);
    if (s != SS_OK || !c) return s;
    return r->task->opts.whole ? ss_correction_put(c, false) : ss_correction_look(c);
}

static ss_status find_relus(ss_trials *r) {
    const ss_graph *g = r->task->g;
    ss_study *s = r->study;
    size_t n = (size_t)g->n;
    ss_status status = SS_OK;
    r->nodes = ss_arena_alloc(s->arena, n, sizeof *r->nodes);
    r->own = ss_arena_alloc(s->arena, n, sizeof *r->own);
    s->relus = ss_arena_alloc(s->arena, n, sizeof *s->relus);
    if (!r->nodes || !r->own || !s->relus) return SS_BAD;
    for (int32_t i = 0; i < g->n; i++) {
        const ss_act *a = &g->nodes[i].act;
        if (!a->on) continue;
        if (a->per_channel)
            status = ss_error(r->ctx, (ss_where){ a->name, "Relu", NULL }, "start from one threshold a layer",
                              "a study raises thresholds by layer; this one has them by channel");
        r->nodes[s->n_relus] = i;
        r->own[s->n_relus] = *a;
        if (!(s->relus[s->n_relus++] = ss_arena_strdup(s->arena, a->name))) return SS_BAD;
    }
    if (s->n_relus == 0)
        return ss_error(r->ctx, SS_AT(g->name), "take a network with ReLUs",
                        "no ReLU whose threshold could be raised");
    return status;
}

/* ---- points ---- */

static ss_study_point *append(ss_study *s) {
    if (s->n_points == s->cap_points) {
        int32_t cap = s->cap_points ? 2 * s->cap_points : 32;
        ss_study_point *grown = ss_arena_alloc(s->arena, (size_t)cap, sizeof *grown);
        if (!grown) return NULL;
        if (s->n_points) memcpy(grown, s->points, (size_t)s->n_points * sizeof *grown);
        s->points = grown;
        s->cap_points = cap;
    }
    return &s->points[s->n_points++];
}

static ss_status record_thresholds(ss_trials *r, const float *thresholds, const ss_profile *p, ss_study_point *pt) {
    ss_study *s = r->study;
    size_t n = (size_t)s->n_relus;
    float *real = ss_arena_alloc(s->arena, n, sizeof *real);
    int32_t *integer = ss_arena_alloc(s->arena, n, sizeof *integer);
    double *zeros = ss_arena_alloc(s->arena, n, sizeof *zeros), elements = 0;
    pt->zeros = 0;
    if (!real || !integer || !zeros) return SS_BAD;
    for (size_t i = 0; i < n; i++) {
        double size = (double)ss_shape_size(r->task->g->nodes[r->nodes[i]].shape);
        real[i] = thresholds[i];
        integer[i] = r->task->q->nodes[r->nodes[i]].thr[0];
        zeros[i] = p->relus[i].zero_ratio;
        pt->zeros += zeros[i] * size;
        elements += size;
    }
    pt->zeros /= elements;
    pt->thresholds = real;
    pt->integers = integer;
    pt->zero_ratio = zeros;
    return SS_OK;
}

static void record_accuracy(ss_trials *r, ss_study_point *pt) {
    const ss_dataset *d = r->task->search;
    ss_accuracy a;
    ss_accuracy_of(d, r->scores, r->classes, &a);
    pt->top1 = a.top1;
    pt->top5 = a.top5;
    ss_paired_loss(d, r->reference_scores, r->scores, r->classes, &pt->loss, &pt->loss_lo, &pt->loss_hi);
}

/* ---- price ---- */

static ss_hw_result price(const ss_design *d, double reference_throughput) {
    return (ss_hw_result){ .interval = ss_design_interval(d),
                           .throughput = d->throughput,
                           .throughput_steady = d->throughput_steady,
                           .gain = reference_throughput > 0 ? d->throughput / reference_throughput : 1,
                           .bound = d->bound,
                           .gap = d->gap,
                           .partitions = d->n_partitions,
                           .res = ss_design_peak(d) };
}

static ss_status explore(ss_trials *r, const ss_profile *p, ss_design **out) {
    const ss_study_task *t = r->task;
    ss_cost_opts cost = { .bits = t->q->bits, .engines = t->opts.engines };
    return ss_explore_graph(r->ctx, t->g, p, t->device, cost, t->opts.explore, out);
}

/* A profile on the reference design and, when asked for, on one explored anew. The better of the two is the optimised hardware: *best,
 * when best is not NULL. */
static ss_status price_point(ss_trials *r, const ss_profile *p, ss_study_point *pt, ss_design **best) {
    ss_study *s = r->study;
    bool optimise = s->opts.hardware & 1u << SS_HW_OPTIMISED;
    double reference = s->reference.throughput;
    ss_design *same, *fresh = NULL;
    if (ss_estimate(r->ctx, s->reference_design, r->task->g, p, &same) != SS_OK) return SS_BAD;
    if (optimise && explore(r, p, &fresh) != SS_OK) {
        ss_design_free(same);
        return SS_BAD;
    }
    if (s->opts.hardware & 1u << SS_HW_BASELINE) pt->hw[SS_HW_BASELINE] = price(same, reference);
    if (optimise) {
        ss_design **better = same->throughput > fresh->throughput ? &same : &fresh;
        pt->hw[SS_HW_OPTIMISED] = price(*better, reference);
        pt->hw[SS_HW_OPTIMISED].bound = fresh->bound;
        pt->hw[SS_HW_OPTIMISED].gap = fresh->bound / (*better)->throughput - 1;
        if (best) {
            *best = *better;
            *better = NULL;
        }
    }
    ss_design_free(same);
    ss_design_free(fresh);
    return SS_OK;
}

/* ---- trials ---- */

bool ss_trial_lists(const ss_trials *r) {
    const unsigned e = r->task->opts.engines;
    return e == 0 || e & 1u << SS_ENGINE_BROADCAST;
}

/* Thresholds in, scores and profile of all images out; what lies before the first change is not run again. */
static ss_status measure(ss_trials *r, const float *thresholds, float *scores, ss_profile **out) {
    const ss_study_task *t = r->task;
    int32_t changed;
    if (ss_trial_put(r, r->in_force, thresholds, &changed) != SS_OK) return SS_BAD;
    const ss_remeasure again = { .replay = r->replay, .images = t->search->n, .changed = changed, .base = r->profile,
                                 .keep = r->profile == NULL, .lists = ss_trial_lists(r) };
    return ss_profile_remeasure(r->ctx, t->g, t->q, &again, scores, out);
}

static bool is_whole(const ss_trials *r, const ss_study_point *pt) { return pt->judged == r->task->search->n; }

static bool same_thresholds(const ss_trials *r, const ss_study_point *pt, const float *thresholds) {
    return memcmp(pt->thresholds, thresholds, (size_t)r->study->n_relus * sizeof *thresholds) == 0;
}

/* A trial of the same thresholds in the interrupted study, run as far; NULL: none. */
static const ss_study_point *known(const ss_trials *r, const float *thresholds, bool whole) {
    for (int32_t i = 0; i < r->n_known; i++)
        if (same_thresholds(r, &r->known[i], thresholds) && is_whole(r, &r->known[i]) == whole) return &r->known[i];
    return NULL;
}

/* A trial of the same thresholds, in this study or in the interrupted one; NULL: none. */
static const ss_study_point *recall(const ss_trials *r, const float *thresholds) {
    for (int32_t i = 0; i < r->study->n_points; i++)
        if (same_thresholds(r, &r->study->points[i], thresholds)) return &r->study->points[i];
    return known(r, thresholds, r->race.n == 0);
}

static ss_status checkpoint(const ss_trials *r) {
    return r->task->checkpoint ? ss_study_save(r->study, r->task->checkpoint) : SS_OK;
}

/* What was measured, its price included; p: of the first `images`. */
static ss_status record(ss_trials *r, const float *thresholds, const ss_profile *p, int64_t judged, ss_study_point *pt,
                        ss_design **best) {
    pt->judged = judged;
    pt->images = p->images;
    if (record_thresholds(r, thresholds, p, pt) != SS_OK) return SS_BAD;
    record_accuracy(r, pt);
    return price_point(r, p, pt, best);
}

/* The profile that a trial is priced by. */
static ss_status measure_priced(ss_trials *r, int32_t changed, ss_profile **out) {
    const ss_study_task *k = r->task;
    const bool race = r->race.n > 0;
    const ss_remeasure again = { .replay = r->replay, .images = race ? r->priced : k->search->n, .changed = changed,
                                 .base = race ? r->priced_reference : r->profile, .lists = ss_trial_lists(r) };
    return ss_profile_remeasure(r->ctx, k->g, k->q, &again, NULL, out);
}

/* Judged by the race, priced on few images. */
static ss_status run_race(ss_trials *r, const float *thresholds, ss_study_point *pt) {
    const ss_study_task *k = r->task;
    ss_profile *p;
    int32_t changed;
    int64_t judged;
    if (ss_trial_put(r, r->in_force, thresholds, &changed) != SS_OK) return SS_BAD;
    const ss_race_limit limit = { k->opts.max_loss, k->opts.safe };
    if (ss_race_run(&r->race, changed, limit, r->scores, &judged) != SS_OK) return SS_BAD;
    if (measure_priced(r, changed, &p) != SS_OK) return SS_BAD;
    ss_status status = record(r, thresholds, p, judged, pt, NULL);
    ss_profile_free(p);
    return status;
}

static ss_status run_whole(ss_trials *r, const float *thresholds, ss_study_point *pt, ss_design **best) {
    ss_profile *p;
    if (measure(r, thresholds, r->scores, &p) != SS_OK) return SS_BAD;
    ss_status status = record(r, thresholds, p, r->task->search->n, pt, best);
    ss_profile_free(p);
    return status;
}

static ss_status run_trial(ss_trials *r, double t, const float *thresholds) {
    ss_study_point *pt = append(r->study);
    if (!pt) return SS_BAD;
    *pt = (ss_study_point){ .t = t, .policy = r->policy, .walk = r->walk };
    ss_status status = r->race.n > 0 ? run_race(r, thresholds, pt) : run_whole(r, thresholds, pt, NULL);
    return status == SS_OK ? checkpoint(r) : status;
}

static ss_status repeat_trial(ss_trials *r, double t, const ss_study_point *earlier) {
    ss_study_point copy = *earlier; /* appending may move it */
    ss_study_point *pt = append(r->study);
    if (!pt) return SS_BAD;
    *pt = copy;
    pt->t = t;
    pt->policy = r->policy;
    pt->walk = r->walk;
    return SS_OK;
}

ss_status ss_trial(ss_trials *r, double t, const float *thresholds, int32_t *index) {
    ss_study *s = r->study;
    float *raised = ss_alloc(r->ctx, (size_t)s->n_relus, sizeof *raised);
    if (!raised) return SS_BAD;
    for (int32_t i = 0; i < s->n_relus; i++) raised[i] = fmaxf(thresholds[i], r->own[i].threshold);
    const ss_study_point *earlier = recall(r, raised);
    ss_status status = earlier ? repeat_trial(r, t, earlier) : run_trial(r, t, raised);
    *index = s->n_points - 1;
    ss_free(r->ctx, raised);
    return status;
}

/* ---- confirmation ---- */

static int32_t fastest_promising(const ss_study *s, int32_t policy, ss_hardware kind) {
    int32_t best = 0;
    for (int32_t i = 1; i < s->n_points; i++) {
        const ss_study_point *pt = &s->points[i];
        if ((policy < 0 || pt->policy == policy) && ss_study_promising(s, pt) &&
            pt->hw[kind].throughput > s->points[best].hw[kind].throughput)
            best = i;
    }
    return best;
}

/* The design of the fastest point is asked for in the end. */
static ss_status run_and_keep_design(ss_trials *r, ss_study_point *pt) {
    ss_design *d = NULL;
    if (run_whole(r, pt->thresholds, pt, &d) != SS_OK) return SS_BAD;
    if (d && ss_study_within(r->study, pt) && (!r->design || d->throughput > r->design->throughput)) {
        ss_design_free(r->design);
        r->design = d;
        r->designed = pt->thresholds;
    } else {
        ss_design_free(d);
    }
    return SS_OK;
}

ss_status ss_trial_prove(ss_trials *r, int32_t point) {
    ss_study *s = r->study;
    ss_study_point now = s->points[point];
    if (is_whole(r, &now)) return SS_OK;
    const ss_study_point *earlier = known(r, now.thresholds, true);
    if (earlier) now = *earlier;
    else if (run_and_keep_design(r, &now) != SS_OK) return SS_BAD;
    for (int32_t i = 0; i < s->n_points; i++) {
        ss_study_point *pt = &s->points[i];
        if (!same_thresholds(r, pt, now.thresholds)) continue;
        now.t = pt->t;
        now.policy = pt->policy;
        now.walk = pt->walk;
        *pt = now;
    }
    return checkpoint(r);
}

ss_status ss_trial_confirm(ss_trials *r, int32_t policy, ss_hardware kind) {
    for (;;) {
        const int32_t best = fastest_promising(r->study, policy, kind);
        if (is_whole(r, &r->study->points[best])) return SS_OK;
        if (ss_trial_prove(r, best) != SS_OK) return SS_BAD;
    }
}

ss_status ss_trial_design(ss_trials *r, int32_t point, ss_design **out) {
    ss_study_point again = r->study->points[point];
    if (r->design && same_thresholds(r, &again, r->designed)) {
        *out = r->design;
        r->design = NULL;
        return SS_OK;
    }
    return run_whole(r, again.thresholds, &again, out);
}

/* The reference: the model's own thresholds, and the sparse design explored for its zeros. */
static ss_status open_reference(ss_trials *r) {
    ss_study *s = r->study;
    float *own = ss_alloc(r->ctx, (size_t)s->n_relus, sizeof *own);
    if (!own) return SS_BAD;
    for (int32_t i = 0; i < s->n_relus; i++) own[i] = r->in_force[i] = r->own[i].threshold;
    ss_status status = measure(r, own, r->reference_scores, &r->profile);
    if (status == SS_OK) status = ss_profile_set_source(r->profile, s->search_data.source);
    if (status == SS_OK) status = explore(r, r->profile, &s->reference_design);
    ss_study_point *pt = status == SS_OK ? append(s) : NULL;
    if (pt) status = record_thresholds(r, own, r->profile, pt);
    ss_free(r->ctx, own);
    if (!pt || status != SS_OK) return SS_BAD;
    pt->policy = pt->walk = -1;
    pt->images = pt->judged = r->task->search->n;
    ss_accuracy a;
    ss_accuracy_of(r->task->search, r->reference_scores, r->classes, &a);
    pt->top1 = a.top1;
    pt->top5 = a.top5;
    s->reference = price(s->reference_design, s->reference_design->throughput);
    for (int k = 0; k < SS_HARDWARE; k++)
        if (s->opts.hardware & 1u << k) pt->hw[k] = s->reference;
    return SS_OK;
}

/* Behind the reference: what trials are compared with where they are not whole. */
static ss_status open_race(ss_trials *r) {
    const ss_study_task *k = r->task;
    if (k->opts.whole) return SS_OK;
    if (ss_race_open(r->ctx, k->e, k->g, k->search, k->norm, k->opts.memory / 4, r->reference_scores, r->classes,
                     &r->race) != SS_OK)
        return SS_BAD;
    r->priced = k->search->n / 16 > PRICED ? k->search->n / 16 : PRICED;
    if (r->race.n == 0) return SS_OK;
    const ss_remeasure again = { .replay = r->replay, .images = r->priced, .changed = k->g->n - 1, .lists = ss_trial_lists(r) };
    return ss_profile_remeasure(r->ctx, k->g, k->q, &again, NULL, &r->priced_reference);
}

ss_status ss_trials_open(ss_ctx *ctx, const ss_study_task *task, ss_study *study, ss_trials *r) {
    *r = (ss_trials){ .ctx = ctx, .task = task, .study = study, .policy = -1, .walk = -1 };
    r->classes = (int32_t)ss_shape_size(task->g->nodes[task->g->output].shape);
    if (find_relus(r) != SS_OK) return SS_BAD;
    size_t images = (size_t)task->search->n, row = (size_t)r->classes * sizeof(float);
    r->scores = ss_alloc(ctx, images, row);
    r->reference_scores = ss_alloc(ctx, images, row);
    r->in_force = ss_alloc(ctx, (size_t)study->n_relus, sizeof *r->in_force);
    if (!r->scores || !r->reference_scores || !r->in_force) return SS_BAD;
    if (ss_replay_new(ctx, task->e, task->g, task->search, task->norm,
                      task->opts.whole ? 0 : task->opts.memory / 2, &r->replay) != SS_OK)
        return SS_BAD;
    if (open_reference(r) != SS_OK || open_race(r) != SS_OK) return SS_BAD;
    if (!task->resume || !task->checkpoint) return checkpoint(r);
    return ss_study_load_points(study, task->checkpoint, &r->known, &r->n_known);
}

void ss_trials_close(ss_trials *r) {
    for (int32_t i = 0; r->own && i < r->study->n_relus; i++) r->task->g->nodes[r->nodes[i]].act = r->own[i];
    if (r->own) ss_quant_set_thresholds(r->task->q, r->task->g);
    if (r->own && r->task->correction) ss_correction_clear(r->task->correction);
    ss_profile_free(r->profile);
    ss_profile_free(r->priced_reference);
    ss_design_free(r->design);
    ss_race_close(&r->race);
    ss_replay_free(r->replay);
    ss_free(r->ctx, r->in_force);
    ss_free(r->ctx, r->scores);
    ss_free(r->ctx, r->reference_scores);
}

ss_status ss_trial_test(ss_trials *r, int32_t point, float *scores, ss_test_result *out) {
    const ss_study_task *t = r->task;
    ss_accuracy a;
    int32_t changed;
    if (ss_trial_put(r, r->in_force, r->study->points[point].thresholds, &changed) != SS_OK) return SS_BAD;
    if (ss_engine_run(r->ctx, t->e, t->test, t->norm, NULL, scores) != SS_OK) return SS_BAD;
    ss_accuracy_of(t->test, scores, r->classes, &a);
    *out = (ss_test_result){ .top1 = a.top1, .top5 = a.top5 };
    return SS_OK;
}
