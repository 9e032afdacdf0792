/* See run_summary.h. */
#include "cli/run_summary.h"

#include <stdio.h>

static const char *const designs[][2] = { { "dense", "design_dense.json" },
                                          { "sparse", "design_sparse.json" },
                                          { "thresholded", "design_optimised.json" },
                                          { "tuned", "design_tuned.json" } };
enum { DESIGNS = sizeof designs / sizeof *designs };

static ss_status load_json(ss_job *j, const char *dir, const char *name, const char *format, json_t **out) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return ss_json_load(j->ctx, path, format, 1, out);
}

/* ---- accuracy ---- */

static ss_status summarise_eval(ss_job *j, const char *dir, json_t *result) {
    json_t *e;
    double top1[2] = { 0 };
    if (load_json(j, dir, "eval.json", "skipstream.eval", &e) != SS_OK) return SS_BAD;
    const char *const kinds[2] = { "float", "integer" };
    for (int k = 0; k < 2; k++)
        top1[k] = json_real_value(json_object_get(json_object_get(e, kinds[k]), "top1"));
    ss_say(j->cli, "\naccuracy on %lld test images: Top-1 %.2f %% in float, %.2f %% in %d bits\n",
           (long long)json_integer_value(json_object_get(json_object_get(e, "data"), "images")), top1[0],
           top1[1], j->bits);
    json_object_set(result, "eval", e);
    json_decref(e);
    return SS_OK;
}

/* ---- designs ---- */

static void say_partition(ss_job *j, const char *label, const ss_design *d, int32_t i) {
    const ss_partition *p = &d->partitions[i];
    const int64_t *r = p->res.r;
    ss_say(j->cli, "%-12s %2d/%-2d %11.0f  %-30.30s %6lld %8lld %6lld %5lld %-7s", i == 0 ? label : "", i + 1,
           d->n_partitions, p->interval, j->g->nodes[p->slowest].name, (long long)r[SS_DSP],
           (long long)r[SS_LUT], (long long)r[SS_BRAM18], (long long)r[SS_URAM],
           p->binding < SS_RES_COUNT ? ss_binding_name(p->binding) : "-");
    if (i == 0) ss_say(j->cli, " %10.1f %6.2f", d->throughput, 100 * d->gap);
    ss_say(j->cli, "\n");
}

static json_t *design_json(const ss_design *d) {
    return json_pack("{s:f,s:f,s:f,s:f,s:f,s:i}", "throughput", d->throughput, "throughput_steady",
                     d->throughput_steady, "latency_us", d->latency_us, "bound", d->bound, "gap", d->gap,
                     "partitions", (int)d->n_partitions);
}

static ss_status summarise_designs(ss_job *j, const char *dir, int n, json_t *result) {
    ss_say(j->cli, "\n%-12s %5s %11s  %-30s %6s %8s %6s %5s %-7s %10s %6s\n", "design", "part", "interval",
           "slowest node", "dsp", "lut", "bram18", "uram", "binding", "images/s", "gap %");
    for (int k = 0; k < n; k++) {
        char path[4096];
        ss_design *d;
        snprintf(path, sizeof path, "%s/%s", dir, designs[k][1]);
        if (ss_design_load(j->ctx, j->g, path, &d) != SS_OK) return SS_BAD;
        for (int32_t i = 0; i < d->n_partitions; i++) say_partition(j, designs[k][0], d, i);
        json_object_set_new(result, designs[k][0], design_json(d));
        ss_design_free(d);
    }
    return SS_OK;
}

/* ---- thresholds ---- */

static double real_of(const json_t *o, const char *key) {
    return json_number_value(json_object_get(o, key));
}

static void say_kind(ss_job *j, const json_t *study, int k) {
    const char *name = ss_hardware_names[k];
    json_int_t chosen = json_integer_value(json_object_get(json_object_get(study, "chosen"), name));
    const json_t *pt = json_array_get(json_object_get(study, "points"), (size_t)chosen);
    const json_t *hw = json_object_get(pt, name),
                 *test = json_object_get(json_object_get(study, "test"), name);
    const json_t *ci = json_object_get(test, "loss_interval");
    ss_say(j->cli,
           "  %-10s t %-7.4g %10.1f images/s %+6.1f %%   Top-1 loss %5.2f on search, %5.2f (%.2f..%.2f) on "
           "test\n",
           name, real_of(pt, "t"), real_of(hw, "throughput"), 100 * (real_of(hw, "gain") - 1),
           real_of(pt, "loss"), real_of(test, "loss"), json_number_value(json_array_get(ci, 0)),
           json_number_value(json_array_get(ci, 1)));
}

static ss_status summarise_study(ss_job *j, const char *dir, json_t *result) {
    json_t *study;
    if (load_json(j, dir, "study.json", "skipstream.study", &study) != SS_OK) return SS_BAD;
    ss_say(j->cli,
           "\nthresholds, at most %g points of loss on search, against the sparse design at threshold 0:\n",
           real_of(study, "max_loss"));
    const json_t *by = json_object_get(study, "correction");
    if (json_is_object(by))
        ss_say(j->cli, "  with biases corrected by %lld images of %s\n", (long long)json_integer_value(json_object_get(by, "images")),
               json_string_value(json_object_get(by, "source")));
    for (int k = 0; k < SS_HARDWARE; k++) say_kind(j, study, k);
    json_object_set(result, "study", study);
    json_decref(study);
    return SS_OK;
}

ss_status ss_run_summary(ss_job *j, const char *dir, bool tuned) {
    json_t *result = json_pack("{s:s,s:s}", "model", j->name, "folder", dir);
    ss_status s = summarise_eval(j, dir, result);
    if (s == SS_OK) s = summarise_designs(j, dir, tuned ? DESIGNS : DESIGNS - 1, result);
    if (s == SS_OK) s = summarise_study(j, dir, result);
    ss_cli_result(j->cli, result);
    return s;
}
