/* See study_text.h. */
#include "cli/study_text.h"

#include <inttypes.h>
#include <stdio.h>

static bool asked(const ss_study *s, int k) {
    return (s->opts.hardware & 1u << k) != 0;
}

static void say_head(ss_cli *cli, const ss_study *s) {
    const ss_hw_result *r = &s->reference;
    char policies[64];
    ss_study_policies(s, policies);
    ss_say(cli, "%s, %d bits, %s, %s thresholds; search %" PRId64 " images\n", s->model_name, s->bits,
           s->device.name, policies, s->search_data.images);
    ss_say(cli,
           "reference (threshold 0): Top-1 %.2f %%, interval %.0f cycles, %.1f images/s (batch %" PRId64
           "), %d partition%s\n\n",
           s->points[0].top1, r->interval, r->throughput, s->opts.explore.batch, r->partitions,
           r->partitions == 1 ? "" : "s");
}

static bool is_best(const ss_study *s, int k, int32_t i) {
    for (int p = 0; p < SS_POLICIES; p++)
        if (s->best[p][k] == i) return true;
    return false;
}

static void say_point(ss_cli *cli, const ss_study *s, int32_t i) {
    const ss_study_point *p = &s->points[i];
    ss_say(cli, "%8.4f %7.2f %7.2f %6.2f..%-6.2f %6.1f", p->t, p->top1, p->loss, p->loss_lo, p->loss_hi,
           100 * p->zeros);
    for (int k = 0; k < SS_HARDWARE; k++)
        if (asked(s, k))
            ss_say(cli, "  %9.1f %6.3f%c", p->hw[k].throughput, p->hw[k].gain, is_best(s, k, i) ? '*' : ' ');
    if (p->judged < s->search_data.images) ss_say(cli, "  judged on the %" PRId64 " closest images", p->judged);
    ss_say(cli, "\n");
}

/* Which policy, and whose walk, the points from i on belong to; said where that changes. */
static void say_walk(ss_cli *cli, const ss_study *s, int32_t i) {
    const ss_study_point *p = &s->points[i];
    if (p->policy < 0 || (p[-1].policy == p->policy && p[-1].walk == p->walk)) return;
    ss_say(cli, "%s%s%s\n", ss_policy_names[p->policy], p->walk < 0 ? "" : ", steps chosen for ",
           p->walk < 0 ? "" : ss_hardware_names[p->walk]);
}

static void say_verdict(ss_cli *cli, const ss_study *s, int p, int k) {
    if (s->best[p][k] < 0) return;
    const ss_study_point *pt = &s->points[s->best[p][k]];
    const ss_test_result *t = &s->best_test[p][k];
    ss_say(cli, "%-13s %-9s point %d: throughput %+.1f %%, %.1f images/s; loss %.2f points on search",
           ss_policy_names[p], ss_hardware_names[k], (int)s->best[p][k], 100 * (pt->hw[k].gain - 1),
           pt->hw[k].throughput, pt->loss);
    if (s->tested) ss_say(cli, ", %.2f (%.2f..%.2f) on test: %.2f %%", t->loss, t->loss_lo, t->loss_hi, t->top1);
    ss_say(cli, "\n");
}

void ss_study_say(ss_cli *cli, const ss_study *s) {
    say_head(cli, s);
    ss_say(cli, "%8s %7s %7s %14s %6s", "t", "Top-1", "loss", "95 %", "zeros");
    for (int k = 0; k < SS_HARDWARE; k++)
        if (asked(s, k)) ss_say(cli, "  %9s %6s ", ss_hardware_names[k], "gain");
    ss_say(cli, "\n");
    for (int32_t i = 0; i < s->n_points; i++) {
        say_walk(cli, s, i);
        say_point(cli, s, i);
    }
    ss_say(cli, "* chosen: the fastest that loses at most %g points on the search split%s\n\n", s->opts.max_loss,
           s->opts.safe ? ", by the upper end of the interval" : "");
    if (s->tested)
        ss_say(cli, "test split, %" PRId64 " images: Top-1 %.2f %% at threshold 0\n", s->test_data.images,
               s->test_reference.top1);
    for (int p = 0; p < SS_POLICIES; p++)
        for (int k = 0; k < SS_HARDWARE; k++) say_verdict(cli, s, p, k);
}

/* ---- files ---- */

static ss_status save_thresholds(const ss_study *s, const ss_study_task *task, const char *dir, int k) {
    ss_buf path;
    ss_buf_init(&path, s->ctx);
    ss_buf_printf(&path, "%s/thresholds_%s.json", dir, ss_hardware_names[k]);
    ss_status status = path.failed ? SS_BAD : ss_study_put(s, task, s->chosen[k]);
    if (status == SS_OK) status = ss_thresholds_save(task->g, path.data);
    ss_buf_free(&path);
    return ss_study_put(s, task, 0) == SS_OK ? status : SS_BAD;
}

/* kind -1: the reference's. A design is saved with the biases corrected for its thresholds. */
static ss_status save_design(const ss_study *s, const ss_study_task *task, const char *model_path, const char *dir,
                             int kind) {
    bool reference = kind < 0 || !s->optimised_design;
    ss_design *d = reference ? s->reference_design : s->optimised_design;
    double t = reference ? 0 : s->points[s->chosen[kind]].t;
    ss_buf path;
    ss_buf_init(&path, s->ctx);
    ss_buf_printf(&path, "%s/design_%s.json", dir, kind < 0 ? "reference" : ss_hardware_names[kind]);
    snprintf(d->model_path, sizeof d->model_path, "%s", model_path);
    snprintf(d->profile_name, sizeof d->profile_name, "%.200s, threshold %g", s->search_data.source, t);
    ss_status status = path.failed ? SS_BAD : ss_study_put(s, task, reference ? 0 : s->chosen[kind]);
    if (status == SS_OK) status = ss_design_save(d, task->g, path.data);
    ss_buf_free(&path);
    return ss_study_put(s, task, 0) == SS_OK ? status : SS_BAD;
}

ss_status ss_study_save_chosen(const ss_study *s, const ss_study_task *task, const char *model_path, const char *dir) {
    ss_status status = ss_mkdirs(s->ctx, dir);
    for (int k = 0; status == SS_OK && k < SS_HARDWARE; k++)
        if (asked(s, k) && s->chosen[k] >= 0) status = save_thresholds(s, task, dir, k);
    if (status == SS_OK) status = save_design(s, task, model_path, dir, -1);
    if (status == SS_OK && asked(s, SS_HW_OPTIMISED))
        status = save_design(s, task, model_path, dir, SS_HW_OPTIMISED);
    return status;
}
