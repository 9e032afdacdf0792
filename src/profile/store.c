/* Profiles on disk: "skipstream.profile" version 3, or 4 with corrected biases, which a reader of version 3 would leave out.
 *
 *   model, data         identities, 16 hex digits
 *   bits, images, assumed, assumed_zeros, source
 *   channel_order       {node: [model's channel at each position]}, of dealt channels only (graph/deal.h)
 *   layers[]            name, channels, k, groups, windows, zero_ratio,
 *                       ci[], hist[channels][k+1], max_hist[ci][k+1], parts[], lists[parts][ci][]
 *   relus[]             name, threshold, thresholds[] (per-channel thresholds only), zero_ratio,
 *                       channel_zero_ratio[]
 *   bias_shift          {conv: [of each filter]}, only where biases were corrected (graph/shifts.h)
 *
 * Whole numbers (every count of a measured profile) are written as integers, others with 17 digits: what is
 * loaded is what was saved, bit for bit. Loading trusts nothing: layout must be the graph's, counts must be
 * finite, not negative, and add up to the number of windows.
 */
#include "base/json.h"
#include "profile/build.h"

#include <math.h>
#include <string.h>

#define FORMAT "skipstream.profile"
#define VERSION 4
#define OLDEST 3
#define EXACT 9007199254740992.0 /* 2^53 */

/* ---- saving ---- */

static json_t *number(double v) {
    return v == floor(v) && fabs(v) < EXACT ? json_integer((json_int_t)v) : json_real(v);
}

static json_t *row(const double *v, size_t n) {
    json_t *a = json_array();
    for (size_t i = 0; a && i < n; i++)
        if (json_array_append_new(a, number(v[i])) != 0) {
            json_decref(a);
            return NULL;
        }
    return a;
}

static json_t *rows(const double *v, size_t n, size_t width) {
    json_t *a = json_array();
    for (size_t i = 0; a && i < n; i++)
        if (json_array_append_new(a, row(v + i * width, width)) != 0) {
            json_decref(a);
            return NULL;
        }
    return a;
}

#define STATS (sizeof(ss_list_stats) / sizeof(double)) /* numbers of a row of "lists", in the order of the struct */

static json_t *lists(const ss_layer_profile *l) {
    json_t *a = json_array();
    for (int32_t p = 0; a && p < l->n_parts; p++)
        if (json_array_append_new(a, rows((const double *)&l->lists[p * l->n_ci], (size_t)l->n_ci, STATS)) != 0) {
            json_decref(a);
            return NULL;
        }
    return a;
}

static json_t *parts_list(const ss_layer_profile *l) {
    json_t *a = json_array();
    for (int32_t i = 0; a && i < l->n_parts; i++)
        if (json_array_append_new(a, json_integer(l->parts[i])) != 0) {
            json_decref(a);
            return NULL;
        }
    return a;
}

static json_t *ci_list(const ss_layer_profile *l) {
    json_t *a = json_array();
    for (int32_t i = 0; a && i < l->n_ci; i++)
        if (json_array_append_new(a, json_integer(l->ci[i])) != 0) {
            json_decref(a);
            return NULL;
        }
    return a;
}

static json_t *thresholds(const ss_relu_profile *r) {
    json_t *a = json_array();
    for (int32_t c = 0; a && c < r->channels; c++)
        if (json_array_append_new(a, ss_json_float(r->thresholds[c])) != 0) {
            json_decref(a);
            return NULL;
        }
    return a;
}

static json_t *pack_layer(const ss_layer_profile *l) {
    size_t bins = (size_t)l->k + 1;
    return json_pack("{s:s,s:i,s:i,s:i,s:o,s:f,s:o,s:o,s:o,s:o,s:o}", "name", l->name, "channels", (int)l->channels,
                     "k", (int)l->k, "groups", (int)l->groups, "windows", number(l->windows), "zero_ratio",
                     l->zero_ratio, "ci", ci_list(l), "hist", rows(l->hist, (size_t)l->channels, bins),
                     "max_hist", rows(l->max_hist, (size_t)l->n_ci, bins), "parts", parts_list(l), "lists", lists(l));
}

static json_t *pack_relu(const ss_relu_profile *r) {
    json_t *j =
        json_pack("{s:s,s:f,s:f,s:o}", "name", r->name, "threshold", (double)r->threshold, "zero_ratio",
                  r->zero_ratio, "channel_zero_ratio", row(r->channel_zero_ratio, (size_t)r->channels));
    if (j && r->thresholds && json_object_set_new(j, "thresholds", thresholds(r)) != 0) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static json_t *pack(const ss_profile *p) {
    json_t *j = ss_json_new(FORMAT, ss_shifts_none(&p->shifts) ? OLDEST : VERSION), *layers = json_array(), *relus = json_array();
    int bad = !j || !layers || !relus;
    for (int32_t i = 0; !bad && i < p->n_layers; i++)
        bad = json_array_append_new(layers, pack_layer(&p->layers[i]));
    for (int32_t i = 0; !bad && i < p->n_relus; i++)
        bad = json_array_append_new(relus, pack_relu(&p->relus[i]));
    json_t *body = json_pack("{s:o,s:i,s:b,s:f,s:I,s:s,s:o,s:o,s:o}", "model", ss_json_hash(p->model), "bits",
                             p->bits, "assumed", (int)p->assumed, "assumed_zeros", p->assumed_zeros, "images",
                             (json_int_t)p->images, "source", p->source, "data", ss_json_hash(p->data),
                             "layers", layers, "relus", relus);
    if (body && !ss_orders_none(&p->orders)) bad |= json_object_set_new(body, SS_ORDERS_KEY, ss_orders_json(&p->orders));
    if (bad || !body || json_object_update(j, body) != 0 || !ss_shifts_add(&p->shifts, j)) {
        json_decref(j);
        j = NULL;
    }
    json_decref(body);
    return j;
}

ss_status ss_profile_save(const ss_profile *p, const char *path) {
    json_t *j = pack(p);
    if (!j)
        return ss_error(p->ctx, SS_AT(path), "free some memory", "out of memory while writing the profile");
    ss_status s = ss_json_save(p->ctx, path, j);
    json_decref(j);
    return s;
}

/* ---- loading ---- */

typedef struct loader {
    ss_ctx *ctx;
    const char *path;
    const ss_graph *g;
    ss_profile *p;
} loader;

static ss_status malformed(const loader *ld, const char *name, const char *cause) {
    return ss_error(ld->ctx, (ss_where){ ld->path, NULL, name }, "write the profile again", "%s", cause);
}

/* n numbers in lo..hi; false when it is anything else. */
static bool read_row(const json_t *a, size_t n, double lo, double hi, double *out, double *sum) {
    if (!json_is_array(a) || json_array_size(a) != n) return false;
    *sum = 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(a, i);
        out[i] = json_number_value(v);
        if (!json_is_number(v) || !(out[i] >= lo && out[i] <= hi)) return false;
        *sum += out[i];
    }
    return true;
}

/* n rows of `bins` counts; row i must add up to total / divide[i] (divide NULL: total). */
static bool read_counts(const json_t *a, size_t n, size_t bins, double total, const int64_t *divide,
                        double *out) {
    if (!json_is_array(a) || json_array_size(a) != n) return false;
    for (size_t i = 0; i < n; i++) {
        double sum, want = divide ? total / (double)divide[i] : total;
        if (!read_row(json_array_get(a, i), bins, 0, EXACT, out + i * bins, &sum)) return false;
        if (fabs(sum - want) > 1e-6 * want) return false;
    }
    return true;
}

static ss_status check_layout(const loader *ld, const json_t *j, const ss_layer_profile *l) {
    const char *name;
    int64_t channels, k, groups;
    if (ss_json_get_str(ld->ctx, ld->path, j, "name", &name) != SS_OK) return SS_BAD;
    if (ss_json_get_int(ld->ctx, ld->path, j, "channels", 1, INT32_MAX, &channels) != SS_OK ||
        ss_json_get_int(ld->ctx, ld->path, j, "k", 1, SS_PROFILE_MAX_K, &k) != SS_OK ||
        ss_json_get_int(ld->ctx, ld->path, j, "groups", 1, INT32_MAX, &groups) != SS_OK)
        return SS_BAD;
    if (strcmp(name, l->name) != 0 || channels != l->channels || k != l->k || groups != l->groups)
        return malformed(ld, l->name, "the layer does not match the model's");
    const json_t *ci = json_object_get(j, "ci");
    bool same = json_array_size(ci) == (size_t)l->n_ci;
    for (size_t i = 0; same && i < (size_t)l->n_ci; i++)
        same = json_integer_value(json_array_get(ci, i)) == l->ci[i];
    if (!same) return malformed(ld, l->name, "\"ci\" is not the list of divisors of channels/groups");
    const json_t *parts = json_object_get(j, "parts");
    same = json_array_size(parts) == (size_t)l->n_parts;
    for (size_t i = 0; same && i < (size_t)l->n_parts; i++)
        same = json_integer_value(json_array_get(parts, i)) == l->parts[i];
    return same ? SS_OK : malformed(ld, l->name, "\"parts\" is not what broadcast engines may have");
}

/* Longer blocks of lists wait less: what a row says must fall, and be no less than a fair share of all non-zeros. */
static bool plausible(const ss_list_stats *s, double share) {
    bool falls = s->busiest[SS_LIST_SPANS - 1] >= share * (1 - 1e-6);
    for (int i = 0; i + 1 < SS_LIST_SPANS; i++)
        falls = falls && s->busiest[i] >= s->busiest[i + 1] * (1 - 1e-9) &&
                s->compaction[i] >= s->compaction[i + 1] * (1 - 1e-9);
    return falls;
}

static bool read_lists(const json_t *a, const ss_layer_profile *l, ss_list_stats *out) {
    double sum, nonzeros = ss_profile_mean_nonzeros(l) * l->windows * l->channels;
    if (!json_is_array(a) || json_array_size(a) != (size_t)l->n_parts) return false;
    for (int32_t p = 0; p < l->n_parts; p++) {
        const json_t *rows = json_array_get(a, (size_t)p);
        if (!json_is_array(rows) || json_array_size(rows) != (size_t)l->n_ci) return false;
        for (int32_t i = 0; i < l->n_ci; i++) {
            ss_list_stats *s = &out[p * l->n_ci + i];
            int64_t streams = l->ci[i] * l->parts[p];
            if (!read_row(json_array_get(rows, (size_t)i), STATS, 0, EXACT, (double *)s, &sum)) return false;
            if (streams <= SS_PROFILE_MOST_STREAMS && !plausible(s, nonzeros / (double)streams)) return false;
        }
    }
    return true;
}

static ss_status load_layer(const loader *ld, const json_t *j, ss_layer_profile *l) {
    double *hist, *max_hist;
    if (check_layout(ld, j, l) != SS_OK) return SS_BAD;
    if (ss_json_get_real(ld->ctx, ld->path, j, "windows", &l->windows) != SS_OK) return SS_BAD;
    if (ss_json_get_real(ld->ctx, ld->path, j, "zero_ratio", &l->zero_ratio) != SS_OK) return SS_BAD;
    if (!(l->windows > 0 && l->windows < EXACT) || !(l->zero_ratio >= 0 && l->zero_ratio <= 1 + 1e-9))
        return malformed(ld, l->name, "\"windows\" or \"zero_ratio\" is out of range");
    if (!ss_profile_alloc_hist(ld->p, l, &hist, &max_hist)) return SS_BAD;
    size_t bins = (size_t)l->k + 1;
    if (!read_counts(json_object_get(j, "hist"), (size_t)l->channels, bins, l->windows, NULL, hist))
        return malformed(ld, l->name, "\"hist\" is not channels x (k+1) counts that add up to \"windows\"");
    if (!read_counts(json_object_get(j, "max_hist"), (size_t)l->n_ci, bins, l->windows * l->channels, l->ci,
                     max_hist))
        return malformed(ld, l->name, "\"max_hist\" is not counts that add up to windows x channels / ci");
    ss_list_stats *stats = ss_profile_alloc_lists(ld->p, l);
    if (!stats) return SS_BAD;
    if (!read_lists(json_object_get(j, "lists"), l, stats))
        return malformed(ld, l->name, "\"lists\" is not parts x ci rows of what streams can have");
    return SS_OK;
}

static ss_status load_relu(const loader *ld, const json_t *j, ss_relu_profile *r) {
    const char *name;
    double t, sum;
    if (ss_json_get_str(ld->ctx, ld->path, j, "name", &name) != SS_OK) return SS_BAD;
    if (strcmp(name, r->name) != 0) return malformed(ld, r->name, "the ReLU does not match the model's");
    if (ss_json_get_real(ld->ctx, ld->path, j, "threshold", &t) != SS_OK) return SS_BAD;
    if (ss_json_get_real(ld->ctx, ld->path, j, "zero_ratio", &r->zero_ratio) != SS_OK) return SS_BAD;
    r->threshold = (float)t;
    r->thresholds = NULL;
    double *ratios = ss_profile_alloc_ratios(ld->p, r);
    if (!ratios) return SS_BAD;
    size_t n = (size_t)r->channels;
    if (!read_row(json_object_get(j, "channel_zero_ratio"), n, 0, 1, ratios, &sum) || !(t >= 0) ||
        !(r->zero_ratio >= 0 && r->zero_ratio <= 1))
        return malformed(ld, r->name, "a threshold or zero ratio is missing or out of range");
    const json_t *list = json_object_get(j, "thresholds");
    if (!list) return SS_OK;
    double *wide = ss_arena_alloc(ld->p->arena, n, sizeof *wide);
    float *narrow = ss_arena_alloc(ld->p->arena, n, sizeof *narrow);
    if (!wide || !narrow) return SS_BAD;
    if (!read_row(list, n, 0, 3e38, wide, &sum))
        return malformed(ld, r->name, "\"thresholds\" is not one per channel");
    for (size_t c = 0; c < n; c++) narrow[c] = (float)wide[c];
    r->thresholds = narrow;
    return SS_OK;
}

static ss_status load_head(const loader *ld, const json_t *j) {
    ss_profile *p = ld->p;
    uint64_t model;
    int64_t bits;
    const char *source;
    if (ss_json_get_hash(ld->ctx, ld->path, j, "model", &model) != SS_OK) return SS_BAD;
    if (model != p->model)
        return ss_error(ld->ctx, SS_AT(ld->path), "profile this model", "a profile of another model");
    if (ss_json_get_int(ld->ctx, ld->path, j, "bits", 8, 16, &bits) != SS_OK ||
        ss_json_get_int(ld->ctx, ld->path, j, "images", 1, INT64_MAX, &p->images) != SS_OK ||
        ss_json_get_real(ld->ctx, ld->path, j, "assumed_zeros", &p->assumed_zeros) != SS_OK ||
        ss_json_get_str(ld->ctx, ld->path, j, "source", &source) != SS_OK ||
        ss_json_get_hash(ld->ctx, ld->path, j, "data", &p->data) != SS_OK)
        return SS_BAD;
    p->bits = (int)bits;
    p->assumed = json_is_true(json_object_get(j, "assumed"));
    return ss_profile_set_source(p, source);
}

static ss_status load_body(const loader *ld, const json_t *j) {
    json_t *layers, *relus;
    if (load_head(ld, j) != SS_OK) return SS_BAD;
    if (ss_orders_read(ld->g, ld->path, json_object_get(j, SS_ORDERS_KEY), ld->p->arena, &ld->p->orders) != SS_OK)
        return SS_BAD;
    if (ss_shifts_read(ld->g, ld->path, json_object_get(j, SS_SHIFTS_KEY), ld->p->arena, &ld->p->shifts) != SS_OK) return SS_BAD;
    if (ss_json_get_array(ld->ctx, ld->path, j, "layers", &layers) != SS_OK) return SS_BAD;
    if (ss_json_get_array(ld->ctx, ld->path, j, "relus", &relus) != SS_OK) return SS_BAD;
    if (json_array_size(layers) != (size_t)ld->p->n_layers ||
        json_array_size(relus) != (size_t)ld->p->n_relus)
        return malformed(ld, "layers, relus", "not as many as the model has");
    ss_status s = SS_OK;
    for (int32_t i = 0; i < ld->p->n_layers; i++)
        if (load_layer(ld, json_array_get(layers, (size_t)i), &ld->p->layers[i]) != SS_OK) s = SS_BAD;
    for (int32_t i = 0; i < ld->p->n_relus; i++)
        if (load_relu(ld, json_array_get(relus, (size_t)i), &ld->p->relus[i]) != SS_OK) s = SS_BAD;
    return s;
}

/* What streams of broadcast engines have was not known before version 2, and is shared otherwise since version 3. */
static bool is_present(const loader *ld, const json_t *j) {
    if (json_integer_value(json_object_get(j, "version")) >= OLDEST) return true;
    ss_error(ld->ctx, SS_AT(ld->path), "profile again",
             "an older version wrote it: streams of broadcast engines share kernels otherwise now");
    return false;
}

ss_status ss_profile_load(ss_ctx *ctx, const ss_graph *g, const char *path, ss_profile **out) {
    json_t *j;
    *out = NULL;
    if (ss_json_load(ctx, path, FORMAT, VERSION, &j) != SS_OK) return SS_BAD;
    loader ld = { .ctx = ctx, .path = path, .g = g, .p = ss_profile_new(ctx, g, 16) };
    ss_status s = ld.p && is_present(&ld, j) ? load_body(&ld, j) : SS_BAD;
    json_decref(j);
    if (s == SS_OK) *out = ld.p;
    else ss_profile_free(ld.p);
    return s;
}
