/* Studies on disk: "skipstream.study" version 1; docs/formats.md has the keys. */
#include "base/json.h"
#include "threshold/trial.h"

#define FORMAT "skipstream.study"
#define VERSION 1

/* Steals v; false (and v released) when it could not be added. */
static bool push(json_t *list, json_t *v) {
    return json_array_append_new(list, v) == 0;
}

static json_t *data_json(const ss_study_data *d) {
    if (d->images == 0) return json_null();
    return json_pack("{s:s,s:o,s:I}", "source", d->source, "hash", ss_json_hash(d->hash), "images",
                     (json_int_t)d->images);
}

static json_t *resources_json(const ss_resources *r) {
    json_t *o = json_object();
    for (int i = 0; i < SS_RES_COUNT; i++) json_object_set_new(o, ss_res_names[i], json_integer(r->r[i]));
    return o;
}

static json_t *hw_json(const ss_hw_result *h) {
    return json_pack("{s:f,s:f,s:f,s:f,s:f,s:f,s:i,s:o}", "interval", h->interval, "throughput",
                     h->throughput, "throughput_steady", h->throughput_steady, "gain", h->gain, "bound",
                     h->bound, "gap", h->gap, "partitions", (int)h->partitions, "resources",
                     resources_json(&h->res));
}

static json_t *test_json(const ss_test_result *t) {
    return json_pack("{s:f,s:f,s:f,s:[f,f]}", "top1", t->top1, "top5", t->top5, "loss", t->loss,
                     "loss_interval", t->loss_lo, t->loss_hi);
}

static json_t *name_json(const char *const *names, int32_t i) { return i < 0 ? json_null() : json_string(names[i]); }

static json_t *point_json(const ss_study *s, const ss_study_point *pt) {
    json_t *thresholds = json_array(), *integers = json_array(), *zeros = json_array();
    for (int32_t i = 0; i < s->n_relus; i++)
        if (!push(thresholds, ss_json_float(pt->thresholds[i])) ||
            !push(integers, json_integer(pt->integers[i])) || !push(zeros, json_real(pt->zero_ratio[i])))
            break; /* a short list is noticed by the caller: json_pack below still owns all three */
    json_t *j = json_pack("{s:o,s:o,s:f,s:I,s:I,s:o,s:o,s:o,s:f,s:f,s:f,s:f,s:[f,f]}", "policy",
                          name_json(ss_policy_names, pt->policy), "walk", name_json(ss_hardware_names, pt->walk), "t",
                          pt->t, "images", (json_int_t)pt->images, "judged", (json_int_t)pt->judged, "thresholds", thresholds, "integers", integers,
                          "zero_ratio", zeros, "zeros", pt->zeros, "top1", pt->top1,
                          "top5", pt->top5, "loss", pt->loss, "loss_interval", pt->loss_lo, pt->loss_hi);
    bool whole = j && json_array_size(json_object_get(j, "zero_ratio")) == (size_t)s->n_relus;
    for (int k = 0; whole && k < SS_HARDWARE; k++)
        if (s->opts.hardware & 1u << k)
            whole = json_object_set_new(j, ss_hardware_names[k], hw_json(&pt->hw[k])) == 0;
    if (whole) return j;
    json_decref(j);
    return NULL;
}

/* {"baseline": f(0), "optimised": f(1)} for the kinds that were asked for. */
static bool add_kinds(const ss_study *s, json_t *o, json_t *(*of)(const ss_study *, int)) {
    for (int k = 0; k < SS_HARDWARE; k++)
        if ((s->opts.hardware & 1u << k) && json_object_set_new(o, ss_hardware_names[k], of(s, k)) != 0)
            return false;
    return true;
}

static json_t *chosen_of(const ss_study *s, int k) {
    return json_integer(s->chosen[k]);
}
static json_t *test_of(const ss_study *s, int k) {
    return test_json(&s->test[k]);
}

/* {"uniform": {"baseline": {"chosen": 3, "test": {...}}, ...}, ...} */
static json_t *policies_json(const ss_study *s) {
    json_t *all = json_object();
    for (int p = 0; p < SS_POLICIES; p++) {
        if (!(s->opts.policies & 1u << p)) continue;
        json_t *one = json_object();
        for (int k = 0; k < SS_HARDWARE; k++) {
            if (!(s->opts.hardware & 1u << k)) continue;
            bool tested = s->tested && s->best[p][k] >= 0;
            json_object_set_new(one, ss_hardware_names[k],
                                json_pack("{s:i,s:o}", "chosen", (int)s->best[p][k], "test",
                                          tested ? test_json(&s->best_test[p][k]) : json_null()));
        }
        json_object_set_new(all, ss_policy_names[p], one);
    }
    return all;
}

json_t *ss_study_settings(const ss_study *s) {
    json_t *hardware = json_array(), *cap = json_object(), *engines = json_array();
    for (int k = 0; k < SS_ENGINE_KINDS; k++)
        if ((s->opts.engines ? s->opts.engines : SS_ENGINES_ALL) & 1u << k)
            json_array_append_new(engines, json_string(ss_engine_kind_names[k]));
    for (int k = 0; k < SS_HARDWARE; k++)
        if (s->opts.hardware & 1u << k) json_array_append_new(hardware, json_string(ss_hardware_names[k]));
    for (int i = 0; i < SS_RES_COUNT; i++)
        json_object_set_new(cap, ss_res_names[i], json_real(s->device.cap[i]));
    char policies[64];
    ss_study_policies(s, policies);
    json_t *correction = data_json(&s->correction_data);
    if (json_is_object(correction)) json_object_set_new(correction, "share", json_real(SS_CORRECT_SHARE));
    return json_pack("{s:o,s:s,s:i,s:s,s:s,s:o,s:f,s:b,s:b,s:f,s:f,s:i,s:o,s:s,s:I,s:o,s:o,s:{s:{s:s},s:o,s:o}}", "model",
                     ss_json_hash(s->model), "model_name", s->model_name, "bits", s->bits, "deal", s->dealing, "policy",
                     policies, "hardware", hardware, "max_loss", s->opts.max_loss, "safe", (int)s->opts.safe, "whole",
                     (int)s->opts.whole,
                     "step", s->opts.step, "t_max", s->opts.t_max, "refine", (int)s->opts.refine, "engines", engines, "device",
                     s->device.name, "batch", (json_int_t)s->opts.explore.batch, "cap", cap, "correction", correction, "data",
                     "calibration", "source", s->calib_source, "search", data_json(&s->search_data), "test",
                     data_json(&s->test_data));
}

static bool add_curve(const ss_study *s, json_t *j) {
    json_t *relus = json_array(), *points = json_array(), *chosen = json_object(), *test = json_object();
    bool ok = relus && points && chosen && test;
    for (int32_t i = 0; ok && i < s->n_relus; i++) ok = push(relus, json_string(s->relus[i]));
    for (int32_t i = 0; ok && i < s->n_points; i++) ok = push(points, point_json(s, &s->points[i]));
    ok = ok && add_kinds(s, chosen, chosen_of);
    ok = ok && json_object_set_new(test, "reference", test_json(&s->test_reference)) == 0 &&
         add_kinds(s, test, test_of);
    ok = json_object_set_new(j, "complete", json_boolean(s->complete)) == 0 && ok;
    ok = json_object_set_new(j, "relus", relus) == 0 && ok;
    ok = json_object_set_new(j, "reference", hw_json(&s->reference)) == 0 && ok;
    ok = json_object_set_new(j, "points", points) == 0 && ok;
    ok = json_object_set_new(j, "chosen", chosen) == 0 && ok;
    ok = json_object_set_new(j, "policies", policies_json(s)) == 0 && ok;
    ok = json_object_set(j, "test", s->tested ? test : json_null()) == 0 && ok;
    json_decref(test);
    return ok;
}

json_t *ss_study_json(const ss_study *s) {
    json_t *j = ss_json_new(FORMAT, VERSION), *settings = ss_study_settings(s);
    bool ok = j && settings && json_object_update(j, settings) == 0 && add_curve(s, j);
    json_decref(settings);
    if (ok) return j;
    json_decref(j);
    return NULL;
}

ss_status ss_study_save(const ss_study *s, const char *path) {
    json_t *j = ss_study_json(s);
    if (!j) return ss_error(s->ctx, SS_AT(path), "free some memory", "out of memory while writing the study");
    ss_status status = ss_json_save(s->ctx, path, j);
    json_decref(j);
    return status;
}
