/* An interrupted study, read back: its points, after everything that was asked has been compared. */
#include "threshold/trial.h"

#include <string.h>

#define FORMAT "skipstream.study"
#define VERSION 1

typedef struct loader {
    const ss_study *s;
    ss_ctx *ctx;
    const char *path;
} loader;

static bool real(const loader *l, const json_t *o, const char *key, double *out) {
    return ss_json_get_real(l->ctx, l->path, o, key, out) == SS_OK;
}

/* [n_relus] numbers; NULL: reported. */
static double *list(const loader *l, const json_t *o, const char *key) {
    json_t *a;
    size_t n = (size_t)l->s->n_relus;
    if (ss_json_get_array(l->ctx, l->path, o, key, &a) != SS_OK) return NULL;
    double *v = ss_arena_alloc(l->s->arena, n, sizeof *v);
    bool whole = v && json_array_size(a) == n;
    for (size_t i = 0; whole && i < n; i++) {
        const json_t *x = json_array_get(a, i);
        whole = json_is_number(x);
        v[i] = json_number_value(x);
    }
    if (whole) return v;
    ss_error(l->ctx, SS_AT(l->path), "begin the study anew", "\"%s\" of a point is no list of %zu numbers", key, n);
    return NULL;
}

static bool read_hw(const loader *l, const json_t *pt, int kind, ss_hw_result *h) {
    json_t *o, *res;
    int64_t partitions;
    if (!(l->s->opts.hardware & 1u << kind)) return true;
    if (ss_json_get_object(l->ctx, l->path, pt, ss_hardware_names[kind], &o) != SS_OK) return false;
    bool ok = real(l, o, "interval", &h->interval) && real(l, o, "throughput", &h->throughput) &&
              real(l, o, "throughput_steady", &h->throughput_steady) && real(l, o, "gain", &h->gain) &&
              real(l, o, "bound", &h->bound) && real(l, o, "gap", &h->gap) &&
              ss_json_get_int(l->ctx, l->path, o, "partitions", 1, INT32_MAX, &partitions) == SS_OK &&
              ss_json_get_object(l->ctx, l->path, o, "resources", &res) == SS_OK;
    for (int i = 0; ok && i < SS_RES_COUNT; i++)
        ok = ss_json_get_int(l->ctx, l->path, res, ss_res_names[i], 0, INT64_MAX, &h->res.r[i]) == SS_OK;
    if (ok) h->partitions = (int32_t)partitions;
    return ok;
}

/* Which of the names a point's key gives; -1: null. */
static bool read_name(const loader *l, const json_t *o, const char *key, const char *const *names, int32_t n,
                      int32_t *out) {
    const char *name = json_string_value(json_object_get(o, key));
    *out = -1;
    if (!name) return true;
    for (int32_t k = 0; k < n; k++)
        if (strcmp(name, names[k]) == 0) *out = k;
    if (*out >= 0) return true;
    ss_error(l->ctx, SS_AT(l->path), "begin the study anew", "no such %s: %s", key, name);
    return false;
}

static bool read_point(const loader *l, const json_t *o, ss_study_point *pt) {
    json_t *interval;
    double *t = list(l, o, "thresholds"), *integers = list(l, o, "integers");
    size_t n = (size_t)l->s->n_relus;
    float *real_t = ss_arena_alloc(l->s->arena, n, sizeof *real_t);
    int32_t *whole_t = ss_arena_alloc(l->s->arena, n, sizeof *whole_t);
    pt->zero_ratio = list(l, o, "zero_ratio");
    if (!t || !integers || !real_t || !whole_t || !pt->zero_ratio) return false;
    for (size_t i = 0; i < n; i++) {
        real_t[i] = (float)t[i];
        whole_t[i] = (int32_t)integers[i];
    }
    pt->thresholds = real_t;
    pt->integers = whole_t;
    if (ss_json_get_array(l->ctx, l->path, o, "loss_interval", &interval) != SS_OK) return false;
    pt->loss_lo = json_number_value(json_array_get(interval, 0));
    pt->loss_hi = json_number_value(json_array_get(interval, 1));
    return real(l, o, "t", &pt->t) && real(l, o, "zeros", &pt->zeros) && real(l, o, "top1", &pt->top1) &&
           real(l, o, "top5", &pt->top5) && real(l, o, "loss", &pt->loss) &&
           ss_json_get_int(l->ctx, l->path, o, "images", 1, INT64_MAX, &pt->images) == SS_OK &&
           ss_json_get_int(l->ctx, l->path, o, "judged", 1, INT64_MAX, &pt->judged) == SS_OK &&
           read_name(l, o, "policy", ss_policy_names, SS_POLICIES, &pt->policy) &&
           read_name(l, o, "walk", ss_hardware_names, SS_HARDWARE, &pt->walk) &&
           read_hw(l, o, SS_HW_BASELINE, &pt->hw[SS_HW_BASELINE]) &&
           read_hw(l, o, SS_HW_OPTIMISED, &pt->hw[SS_HW_OPTIMISED]);
}

/* Every key of what is asked now must be asked in the file with the same value, but the policies: whoever proposed them,
 * trials are the same. */
static ss_status compare(const loader *l, const json_t *file) {
    json_t *asked = ss_study_settings(l->s), *value;
    const char *key;
    ss_status s = asked ? SS_OK : SS_BAD;
    json_object_foreach(asked, key, value) {
        const json_t *there = json_object_get(file, key);
        if (strcmp(key, "policy") == 0 || json_equal(value, there) || (json_is_null(value) && !there)) continue;
        s = ss_error(l->ctx, SS_AT(l->path), "give the same options and files, or begin anew without --resume",
                     "the study there was asked another \"%s\"", key);
    }
    json_decref(asked);
    return s;
}

static bool same_hw(const ss_hw_result *a, const ss_hw_result *b) {
    return a->throughput == b->throughput && a->interval == b->interval && a->bound == b->bound;
}

/* What was asked may be the same and yet something else have changed: files with the same names, the program. */
static ss_status compare_reference(const loader *l, const ss_study_point *file) {
    const ss_study_point *now = &l->s->points[0];
    const size_t n = (size_t)l->s->n_relus;
    bool same = file->top1 == now->top1 && file->top5 == now->top5;
    for (size_t i = 0; same && i < n; i++)
        same = file->thresholds[i] == now->thresholds[i] && file->zero_ratio[i] == now->zero_ratio[i];
    for (int k = 0; same && k < SS_HARDWARE; k++) same = same_hw(&file->hw[k], &now->hw[k]);
    if (same) return SS_OK;
    return ss_error(l->ctx, SS_AT(l->path), "begin anew without --resume",
                    "the reference of the study there has other figures: another calibration, normalisation or program");
}

static ss_status read_points(const loader *l, const json_t *file, ss_study_point **points, int32_t *n) {
    json_t *list_of;
    if (compare(l, file) != SS_OK) return SS_BAD;
    if (ss_json_get_array(l->ctx, l->path, file, "points", &list_of) != SS_OK) return SS_BAD;
    size_t count = json_array_size(list_of);
    *points = ss_arena_alloc(l->s->arena, count, sizeof **points);
    for (size_t i = 0; *points && i < count; i++)
        if (!read_point(l, json_array_get(list_of, i), &(*points)[i])) return SS_BAD;
    *n = (int32_t)count;
    if (!*points) return SS_BAD;
    return count > 0 ? compare_reference(l, &(*points)[0]) : SS_OK;
}

ss_status ss_study_load_points(const ss_study *s, const char *path, ss_study_point **points, int32_t *n) {
    const loader l = { s, s->ctx, path };
    json_t *file;
    *points = NULL;
    *n = 0;
    if (ss_json_load(s->ctx, path, FORMAT, VERSION, &file) != SS_OK) return SS_BAD;
    ss_status status = read_points(&l, file, points, n);
    json_decref(file);
    return status;
}
