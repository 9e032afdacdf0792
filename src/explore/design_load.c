/* Reading a design back. The file is not believed: the model's hash must agree, all nodes must stand there
 * once, in order, and read what they read in the model, every folding must be legal, and lanes, resources,
 * intervals and throughput must follow from the foldings by the cost model. Cycles of sparse engines depend
 * on the profile, which is not in the file: they must lie between what inputs of nothing but zeros and of none take.
 * All problems are reported, not only the first. */
#include "explore/explore.h"
#include "explore/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SAME 1e-9    /* relative; the same formulas on the same numbers */
#define SPARSE 0.05 /* relative: cycles of engines that skip zeros may exceed those without zeros. Measured statistics do not (lists.h),
                     * but buffers hold fewer cycles of work where lists are shorter; 0.7 % seen */

typedef struct reader {
    ss_ctx *ctx;
    const char *path;
    const ss_graph *g;
    json_t *root;
    ss_design *d;
} reader;

static const char *const again = "explore again";

/* ---- small pieces ---- */

static ss_status get_i32(reader *r, const json_t *o, const char *key, int32_t lo, int32_t hi, int32_t *out) {
    int64_t v;
    if (ss_json_get_int(r->ctx, r->path, o, key, lo, hi, &v) != SS_OK) return SS_BAD;
    *out = (int32_t)v;
    return SS_OK;
}

static ss_status get_positive(reader *r, const json_t *o, const char *key, double *out) {
    if (ss_json_get_real(r->ctx, r->path, o, key, out) != SS_OK) return SS_BAD;
    if (*out > 0 && *out < 1e18) return SS_OK;
    return ss_error(r->ctx, SS_AT(r->path), again, "\"%s\" is %g, not a positive number", key, *out);
}

static ss_status get_text(reader *r, const json_t *o, const char *key, char *out, size_t size) {
    const char *text;
    if (ss_json_get_str(r->ctx, r->path, o, key, &text) != SS_OK) return SS_BAD;
    if (strlen(text) >= size) return ss_error(r->ctx, SS_AT(r->path), again, "\"%s\" is too long", key);
    memcpy(out, text, strlen(text) + 1);
    return SS_OK;
}

static ss_status get_bool(reader *r, const json_t *o, const char *key, bool *out) {
    const json_t *v = json_object_get(o, key);
    if (!json_is_boolean(v))
        return ss_error(r->ctx, SS_AT(r->path), again, "\"%s\" is not true or false", key);
    *out = json_is_true(v);
    return SS_OK;
}

/* The index of a name in a table of n. */
static ss_status get_name(reader *r, const json_t *o, const char *key, const char *const *names, int n,
                          int *out) {
    const char *text;
    if (ss_json_get_str(r->ctx, r->path, o, key, &text) != SS_OK) return SS_BAD;
    for (*out = 0; *out < n; ++*out)
        if (strcmp(names[*out], text) == 0) return SS_OK;
    return ss_error(r->ctx, (ss_where){ r->path, NULL, text }, again, "\"%s\" has no such value", key);
}

static ss_status get_resources(reader *r, const json_t *o, const char *key, ss_resources *out) {
    json_t *res;
    ss_status s = ss_json_get_object(r->ctx, r->path, o, key, &res);
    for (int k = 0; s == SS_OK && k < SS_RES_COUNT; k++)
        s = ss_json_get_int(r->ctx, r->path, res, ss_res_names[k], 0, (int64_t)1 << 40, &out->r[k]);
    return s;
}

static bool same(double a, double b) {
    return fabs(a - b) <= SAME * fmax(fabs(a), fabs(b));
}

static ss_status expect(reader *r, const char *where, const char *what, double stored, double computed) {
    if (same(stored, computed)) return SS_OK;
    return ss_error(r->ctx, (ss_where){ where, NULL, NULL }, again,
                    "%s: \"%s\" is %.17g, but the foldings give %.17g", r->path, what, stored, computed);
}

static ss_status expect_resources(reader *r, const char *where, const ss_resources *stored,
                                  const ss_resources *computed) {
    ss_status s = SS_OK;
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (expect(r, where, ss_res_names[k], (double)stored->r[k], (double)computed->r[k]) != SS_OK)
            s = SS_BAD;
    return s;
}

/* ---- parsing ---- */

static ss_status read_device(reader *r, ss_device *d) {
    json_t *o, *cap;
    if (ss_json_get_object(r->ctx, r->path, r->root, "device", &o) != SS_OK) return SS_BAD;
    int bad = get_text(r, o, "name", d->name, sizeof d->name) != SS_OK;
    bad += get_text(r, o, "part", d->part, sizeof d->part) != SS_OK;
    bad += get_text(r, o, "family", d->family, sizeof d->family) != SS_OK;
    bad += get_resources(r, o, "total", &d->total) != SS_OK;
    bad += get_i32(r, o, "slrs", 1, 64, &d->slrs) != SS_OK;
    bad += get_positive(r, o, "clock_hz", &d->clock_hz) != SS_OK;
    bad += get_positive(r, o, "bandwidth_bits", &d->bandwidth_bits) != SS_OK;
    bad += ss_json_get_real(r->ctx, r->path, o, "reconfiguration_s", &d->reconfiguration_s) != SS_OK;
    bad += get_bool(r, o, "dsp58", &d->dsp58) != SS_OK;
    bad += get_bool(r, o, "uram_init", &d->uram_init) != SS_OK;
    for (int k = 0; bad == 0 && k < SS_RES_COUNT; k++)
        if (k != SS_URAM && d->total.r[k] < 1)
            bad += ss_error(r->ctx, SS_AT(r->path), again, "a device without %s cannot be",
                            ss_res_names[k]) != SS_OK;
    if (bad == 0 && !(d->reconfiguration_s >= 0))
        bad += ss_error(r->ctx, SS_AT(r->path), again, "\"reconfiguration_s\" is negative") != SS_OK;
    if (ss_json_get_object(r->ctx, r->path, o, "cap", &cap) != SS_OK) return SS_BAD;
    for (int k = 0; k < SS_RES_COUNT; k++) {
        bad += get_positive(r, cap, ss_res_names[k], &d->cap[k]) != SS_OK;
        if (d->cap[k] > 1) bad += ss_error(r->ctx, SS_AT(r->path), again, "a cap is above 1") != SS_OK;
    }
    return bad ? SS_BAD : SS_OK;
}

static ss_status read_model(reader *r) {
    json_t *o;
    const char *hash;
    char expected[20];
    ss_design *d = r->d;
    if (ss_json_get_object(r->ctx, r->path, r->root, "model", &o) != SS_OK) return SS_BAD;
    int bad = get_text(r, o, "name", d->model_name, sizeof d->model_name) != SS_OK;
    bad += get_text(r, o, "path", d->model_path, sizeof d->model_path) != SS_OK;
    if (ss_json_get_str(r->ctx, r->path, o, "hash", &hash) != SS_OK) return SS_BAD;
    snprintf(expected, sizeof expected, "%016llx", (unsigned long long)d->model);
    if (strcmp(hash, expected) != 0)
        return ss_error(r->ctx, SS_AT(r->path), "give the model that was explored, or explore this one",
                        "is a design of another model (%s, hash %s); %s has %s", d->model_name, hash,
                        r->g->name, expected);
    return bad ? SS_BAD : SS_OK;
}

/* One error in place of one for every figure that another calibration changes. */
static ss_status read_cost_model(reader *r) {
    uint64_t hash;
    if (ss_json_get_hash(r->ctx, r->path, r->root, "cost_model", &hash) != SS_OK) return SS_BAD;
    if (hash == ss_cost_calibration()) return SS_OK;
    return ss_error(r->ctx, SS_AT(r->path), again, "its figures come from another calibration of the cost model");
}

static ss_status read_profile(reader *r) {
    json_t *o, *thresholds;
    const json_t *zeros;
    ss_design *d = r->d;
    if (ss_json_get_object(r->ctx, r->path, r->root, "profile", &o) != SS_OK) return SS_BAD;
    if (get_text(r, o, "name", d->profile_name, sizeof d->profile_name) != SS_OK) return SS_BAD;
    zeros = json_object_get(o, "assumed_zeros");
    d->assumed_zeros = json_is_number(zeros) ? json_number_value(zeros) : -1;
    if (ss_json_get_object(r->ctx, r->path, r->root, "thresholds", &thresholds) != SS_OK) return SS_BAD;
    d->thresholds = ss_arena_alloc(d->arena, json_object_size(thresholds), sizeof *d->thresholds);
    if (!d->thresholds) return SS_BAD;
    const char *relu;
    json_t *t;
    json_object_foreach(thresholds, relu, t) {
        if (!json_is_number(t))
            return ss_error(r->ctx, SS_AT(relu), again, "%s: threshold is not a number", r->path);
        d->thresholds[d->n_thresholds].relu = ss_arena_strdup(d->arena, relu);
        d->thresholds[d->n_thresholds++].threshold = json_number_value(t);
    }
    return SS_OK;
}

/* The node reads what it reads in the model. */
static ss_status check_inputs(reader *r, const json_t *o, const ss_node *n) {
    json_t *names;
    if (ss_json_get_array(r->ctx, r->path, o, "inputs", &names) != SS_OK) return SS_BAD;
    if (json_array_size(names) != (size_t)n->n_in)
        return ss_error(r->ctx, SS_AT(n->name), again, "%s: \"inputs\" names %zu nodes; in the model it reads %d",
                        r->path, json_array_size(names), (int)n->n_in);
    ss_status s = SS_OK;
    for (int32_t i = 0; i < n->n_in; i++) {
        const char *name = json_string_value(json_array_get(names, (size_t)i));
        const char *expected = r->g->nodes[n->in[i]].name;
        if (!name || strcmp(name, expected) != 0)
            s = ss_error(r->ctx, SS_AT(n->name), again,
                         "%s: \"inputs\" has \"%s\" where the model has \"%s\"", r->path, name ? name : "",
                         expected);
    }
    return s;
}

/* Whether they are legal is for ss_cost_eval to say. */
static ss_status read_broadcast(reader *r, const json_t *o, ss_config *c) {
    int bad = get_i32(r, o, "sums", 0, INT32_MAX, &c->sums) != SS_OK;
    bad += get_i32(r, o, "queue", 0, INT32_MAX, &c->queue) != SS_OK;
    bad += get_i32(r, o, "lists", 0, INT32_MAX, &c->lists) != SS_OK;
    bad += get_i32(r, o, "results", 0, INT32_MAX, &c->results) != SS_OK;
    c->pixels = 1; /* of designs from before there were several */
    if (json_object_get(o, "pixels")) bad += get_i32(r, o, "pixels", 1, INT32_MAX, &c->pixels) != SS_OK;
    return bad ? SS_BAD : SS_OK;
}

#define MOST_STALL 100
#define MOST_ROOM ((int64_t)1 << 32) /* elements of a FIFO */

static ss_status read_rooms(reader *r, const json_t *rooms, int32_t node, ss_tuning *t) {
    const ss_node *n = &r->g->nodes[node];
    bool good = (n->op == SS_OP_ADD || n->op == SS_OP_CONCAT) && json_array_size(rooms) == (size_t)n->n_in;
    for (int32_t k = 0; good && k < n->n_in; k++) {
        const json_t *v = json_array_get(rooms, (size_t)k);
        t->room[k] = json_integer_value(v);
        good = json_is_integer(v) && t->room[k] >= 0 && t->room[k] <= MOST_ROOM;
    }
    if (good) return SS_OK;
    return ss_error(r->ctx, SS_AT(n->name), again, "%s: \"rooms\" are not the elements of a join's FIFOs",
                    r->path);
}

/* The keys of a design that was tuned by simulation. */
static ss_status read_tuning(reader *r, const json_t *o, int32_t node) {
    const json_t *stall = json_object_get(o, "stall"), *rooms = json_object_get(o, "rooms");
    ss_design *d = r->d;
    if (!stall && !rooms) return SS_OK;
    if (!d->tuning) d->tuning = ss_arena_alloc(d->arena, (size_t)r->g->n, sizeof *d->tuning);
    if (!d->tuning) return SS_BAD;
    ss_tuning *t = &d->tuning[node];
    if (rooms && read_rooms(r, rooms, node, t) != SS_OK) return SS_BAD;
    if (!stall) return SS_OK;
    t->stall = json_number_value(stall);
    if (r->g->nodes[node].op == SS_OP_CONV && json_is_number(stall) && t->stall >= 1 && t->stall <= MOST_STALL)
        return SS_OK;
    return ss_error(r->ctx, SS_AT(r->g->nodes[node].name), again, "%s: \"stall\" is no factor of a convolution",
                    r->path);
}

static ss_status read_node(reader *r, const json_t *o, int32_t node, ss_config *c) {
    const char *name;
    int engine = 0, memory = 0;
    if (ss_json_get_str(r->ctx, r->path, o, "name", &name) != SS_OK) return SS_BAD;
    if (strcmp(name, r->g->nodes[node].name) != 0)
        return ss_error(r->ctx, SS_AT(r->path), again, "node \"%s\" stands where \"%s\" belongs", name,
                        r->g->nodes[node].name);
    int bad = check_inputs(r, o, &r->g->nodes[node]) != SS_OK;
    bad += get_name(r, o, "engine", ss_engine_kind_names, SS_ENGINE_KINDS, &engine) != SS_OK;
    bad += get_name(r, o, "memory", ss_mem_names, SS_MEM_KINDS, &memory) != SS_OK;
    bad += get_i32(r, o, "gr", 0, INT32_MAX, &c->gr) != SS_OK;
    bad += get_i32(r, o, "ci", 0, INT32_MAX, &c->ci) != SS_OK;
    bad += get_i32(r, o, "co", 0, INT32_MAX, &c->co) != SS_OK;
    bad += get_i32(r, o, "m", 0, INT32_MAX, &c->m) != SS_OK;
    bad += get_i32(r, o, "lanes_in", 0, INT32_MAX, &c->lanes_in) != SS_OK;
    bad += get_i32(r, o, "lanes_out", 0, INT32_MAX, &c->lanes_out) != SS_OK;
    if (engine == SS_ENGINE_BROADCAST) bad += read_broadcast(r, o, c) != SS_OK;
    bad += read_tuning(r, o, node) != SS_OK;
    bad += ss_json_get_real(r->ctx, r->path, o, "cycles", &c->cycles) != SS_OK;
    bad += get_resources(r, o, "resources", &c->res) != SS_OK;
    c->engine = (ss_engine_kind)engine;
    c->memory = (ss_mem)memory;
    return bad ? SS_BAD : SS_OK;
}

static ss_status read_binding(reader *r, const json_t *o, ss_res *out) {
    const char *names[SS_RES_COUNT + 1];
    int at = 0;
    for (int k = 0; k <= SS_RES_COUNT; k++) names[k] = ss_binding_name((ss_res)k);
    ss_status s = get_name(r, o, "binding", names, SS_RES_COUNT + 1, &at);
    *out = (ss_res)at;
    return s;
}

static ss_status read_partition(reader *r, const json_t *o, int32_t first, ss_partition *p) {
    json_t *nodes;
    const char *slowest;
    p->first = first;
    int bad = get_positive(r, o, "interval", &p->interval) != SS_OK;
    bad += get_positive(r, o, "bound", &p->bound) != SS_OK;
    bad += get_positive(r, o, "target", &p->target) != SS_OK;
    bad += get_positive(r, o, "latency", &p->latency) != SS_OK;
    bad += ss_json_get_int(r->ctx, r->path, o, "load_bits", 0, INT64_MAX, &p->load_bits) != SS_OK;
    bad += get_resources(r, o, "resources", &p->res) != SS_OK;
    bad += read_binding(r, o, &p->binding) != SS_OK;
    if (ss_json_get_str(r->ctx, r->path, o, "slowest", &slowest) != SS_OK) return SS_BAD;
    if (ss_json_get_array(r->ctx, r->path, o, "nodes", &nodes) != SS_OK) return SS_BAD;
    size_t n = json_array_size(nodes);
    if (n == 0 || n > (size_t)(r->g->n - first))
        return ss_error(r->ctx, SS_AT(r->path), again,
                        "a partition has %zu nodes where the model has %d left", n, (int)(r->g->n - first));
    p->last = first + (int32_t)n - 1;
    p->configs = ss_arena_alloc(r->d->arena, n, sizeof *p->configs);
    if (!p->configs) return SS_BAD;
    for (size_t i = 0; i < n; i++) {
        bad += read_node(r, json_array_get(nodes, i), first + (int32_t)i, &p->configs[i]) != SS_OK;
        if (strcmp(r->g->nodes[first + (int32_t)i].name, slowest) == 0) p->slowest = first + (int32_t)i;
    }
    return bad ? SS_BAD : SS_OK;
}

static ss_status read_partitions(reader *r, const json_t *parts) {
    int32_t next = 0;
    for (int32_t i = 0; i < r->d->n_partitions; i++) {
        if (next >= r->g->n) return ss_error(r->ctx, SS_AT(r->path), again, "has more nodes than the model");
        if (read_partition(r, json_array_get(parts, (size_t)i), next, &r->d->partitions[i]) != SS_OK)
            return SS_BAD;
        next = r->d->partitions[i].last + 1;
    }
    if (next == r->g->n) return SS_OK;
    return ss_error(r->ctx, SS_AT(r->path), again, "lacks node \"%s\" and all behind it",
                    r->g->nodes[next].name);
}

static ss_status read_results(reader *r) {
    ss_design *d = r->d;
    int bad = get_positive(r, r->root, "throughput", &d->throughput) != SS_OK;
    bad += get_positive(r, r->root, "throughput_steady", &d->throughput_steady) != SS_OK;
    bad += get_positive(r, r->root, "bound", &d->bound) != SS_OK;
    bad += ss_json_get_real(r->ctx, r->path, r->root, "gap", &d->gap) != SS_OK;
    bad += get_positive(r, r->root, "latency_us", &d->latency_us) != SS_OK;
    bad += ss_json_get_real(r->ctx, r->path, r->root, "nonzero_macs", &d->nonzero_macs) != SS_OK;
    if (bad == 0 && !(d->nonzero_macs >= 0 && d->nonzero_macs < 1e18))
        bad += ss_error(r->ctx, SS_AT(r->path), again, "\"nonzero_macs\" is no number of multiplications") != SS_OK;
    return bad ? SS_BAD : SS_OK;
}

/* ---- checking ---- */

static ss_status check_node(reader *r, const ss_cost *c, int32_t node, double target,
                            const ss_config *stored) {
    const char *name = r->g->nodes[node].name;
    ss_config fresh = *stored;
    if (ss_cost_eval(r->ctx, c, node, target, &fresh) != SS_OK) return SS_BAD;
    ss_status s = expect_resources(r, name, &stored->res, &fresh.res);
    if (expect(r, name, "lanes_in", stored->lanes_in, fresh.lanes_in) != SS_OK) s = SS_BAD;
    if (expect(r, name, "lanes_out", stored->lanes_out, fresh.lanes_out) != SS_OK) s = SS_BAD;
    if (stored->engine != SS_ENGINE_CROSSBAR && stored->engine != SS_ENGINE_BROADCAST)
        return expect(r, name, "cycles", stored->cycles, fresh.cycles) | s;
    double least = ss_cost_least_cycles(c, node, stored);
    if (stored->cycles >= least * (1 - SAME) && stored->cycles <= fresh.cycles * (1 + SPARSE)) return s;
    return ss_error(r->ctx, SS_AT(name), again, "%s: %g cycles, outside %g..%g", r->path, stored->cycles, least, fresh.cycles);
}

static ss_status check_partition(reader *r, const ss_cost *c, const ss_partition *p) {
    ss_status s = SS_OK;
    for (int32_t i = p->first; i <= p->last; i++)
        if (check_node(r, c, i, p->target, &p->configs[i - p->first]) != SS_OK) s = SS_BAD;
    if (s != SS_OK) return s;
    ss_partition fresh = *p;
    const char *where = r->g->nodes[p->first].name;
    if (ss_partition_figures(c, &r->d->device, &fresh) != SS_OK) return SS_BAD;
    if (expect(r, where, "interval", p->interval, fresh.interval) != SS_OK) s = SS_BAD;
    if (expect(r, where, "latency", p->latency, fresh.latency) != SS_OK) s = SS_BAD;
    if (expect(r, where, "load_bits", (double)p->load_bits, (double)fresh.load_bits) != SS_OK) s = SS_BAD;
    if (expect_resources(r, where, &p->res, &fresh.res) != SS_OK) s = SS_BAD;
    if (p->slowest != fresh.slowest)
        s = ss_error(r->ctx, SS_AT(where), again, "%s: \"slowest\" should be \"%s\"", r->path,
                     r->g->nodes[fresh.slowest].name);
    if (p->bound > p->interval * (1 + SAME))
        s = ss_error(r->ctx, SS_AT(where), again, "%s: \"bound\" is above the interval", r->path);
    return s;
}

static ss_status check_totals(reader *r, const ss_cost *c) {
    ss_design *d = r->d, fresh = *d;
    ss_design_figures(c, &fresh);
    ss_status s = SS_OK;
    if (expect(r, "design", "throughput", d->throughput, fresh.throughput) != SS_OK) s = SS_BAD;
    if (expect(r, "design", "throughput_steady", d->throughput_steady, fresh.throughput_steady) != SS_OK)
        s = SS_BAD;
    if (expect(r, "design", "latency_us", d->latency_us, fresh.latency_us) != SS_OK) s = SS_BAD;
    if (fabs(d->gap - fresh.gap) > SAME) s = expect(r, "design", "gap", d->gap, fresh.gap);
    return s;
}

static ss_status check(reader *r) {
    ss_design *d = r->d;
    ss_profile *p = NULL;
    ss_cost *c = NULL;
    ss_cost_opts opts = { .bits = d->bits, .engines = SS_ENGINES_ALL, .tuning = d->tuning };
    ss_status s = ss_profile_assume(r->ctx, r->g, 0, d->bits, &p);
    if (s == SS_OK) s = ss_cost_new(r->ctx, r->g, p, &d->device, opts, &c);
    for (int32_t i = 0; c && i < d->n_partitions; i++)
        if (check_partition(r, c, &d->partitions[i]) != SS_OK) s = SS_BAD;
    if (s == SS_OK) s = check_totals(r, c);
    ss_cost_free(c);
    ss_profile_free(p);
    return s;
}

/* ---- the whole ---- */

static ss_status read_all(reader *r) {
    ss_device dev = { .slrs = 1 };
    int64_t bits, batch;
    json_t *parts;
    int bad = read_device(r, &dev) != SS_OK;
    bad += ss_json_get_int(r->ctx, r->path, r->root, "bits", 8, 16, &bits) != SS_OK;
    bad += ss_json_get_int(r->ctx, r->path, r->root, "batch", 1, (int64_t)1 << 40, &batch) != SS_OK;
    bad += ss_json_get_array(r->ctx, r->path, r->root, "partitions", &parts) != SS_OK;
    if (bad) return SS_BAD;
    size_t n = json_array_size(parts);
    if (n == 0 || n > (size_t)r->g->n || (bits != 8 && bits != 16))
        return ss_error(r->ctx, SS_AT(r->path), again, "%zu partitions at %d bits cannot be", n, (int)bits);
    r->d = ss_design_new(r->ctx, r->g, NULL, &dev, (int)bits, batch, (int32_t)n);
    if (!r->d || read_model(r) != SS_OK || read_cost_model(r) != SS_OK) return SS_BAD;
    int objective;
    if (get_name(r, r->root, "objective", ss_objective_names, SS_OBJECTIVES, &objective) != SS_OK) return SS_BAD;
    r->d->objective = (ss_objective)objective;
    bad = read_profile(r) != SS_OK;
    bad += ss_orders_read(r->g, r->path, json_object_get(r->root, SS_ORDERS_KEY), r->d->arena, &r->d->orders) != SS_OK;
    bad += ss_shifts_read(r->g, r->path, json_object_get(r->root, SS_SHIFTS_KEY), r->d->arena, &r->d->shifts) != SS_OK;
    bad += read_results(r) != SS_OK;
    bad += read_partitions(r, parts) != SS_OK;
    return bad ? SS_BAD : check(r);
}

/* What was read must be what would be written: nothing ignored, nothing left that does not follow. */
static ss_status check_complete(reader *r) {
    json_t *written = ss_design_json(r->d, r->g);
    if (!written) return ss_error(r->ctx, SS_AT(r->path), "free some memory", "out of memory while reading");
    json_object_set(written, "version", json_object_get(r->root, "version")); /* version 1 had biases, too, once */
    bool equal = json_equal(r->root, written);
    json_decref(written);
    if (equal) return SS_OK;
    return ss_error(r->ctx, SS_AT(r->path), again,
                    "holds keys or utilisations that do not belong to this design");
}

ss_status ss_design_load(ss_ctx *ctx, const ss_graph *g, const char *path, ss_design **out) {
    reader r = { .ctx = ctx, .path = path, .g = g };
    *out = NULL;
    if (ss_json_load(ctx, path, "skipstream.design", SS_DESIGN_VERSION, &r.root) != SS_OK) return SS_BAD;
    ss_status s = read_all(&r);
    if (s == SS_OK) s = check_complete(&r);
    json_decref(r.root);
    if (s == SS_OK) *out = r.d;
    else ss_design_free(r.d);
    return s;
}

ss_status ss_design_model_path(ss_ctx *ctx, const char *path, char **model) {
    json_t *root, *o;
    const char *text;
    *model = NULL;
    if (ss_json_load(ctx, path, "skipstream.design", SS_DESIGN_VERSION, &root) != SS_OK) return SS_BAD;
    ss_status s = ss_json_get_object(ctx, path, root, "model", &o);
    if (s == SS_OK) s = ss_json_get_str(ctx, path, o, "path", &text);
    if (s == SS_OK && !(*model = ss_strdup(ctx, text))) s = SS_BAD;
    json_decref(root);
    return s;
}
