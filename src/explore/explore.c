/* The exploration from end to end, and the same hardware under other data. See explore.h. */
#include "explore/explore.h"
#include "explore/figures.h"
#include "explore/plan.h"
#include "explore/quickest.h"

#include <math.h>
#include <string.h>

const char *const ss_objective_names[SS_OBJECTIVES] = { "throughput", "latency" };

static ss_status copy_configs(ss_design *d, const ss_partition *from, ss_partition *to) {
    size_t n = (size_t)(from->last - from->first + 1);
    *to = *from;
    to->configs = ss_arena_alloc(d->arena, n, sizeof *to->configs);
    if (!to->configs) return SS_BAD;
    memcpy(to->configs, from->configs, n * sizeof *to->configs);
    return SS_OK;
}

static ss_status design_of_plan(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, const ss_profile *p,
                                const ss_device *dev, const ss_explore_opts *o, const ss_plan *plan,
                                ss_design **out) {
    ss_design *d = *out = ss_design_new(ctx, g, p, dev, o->bits, o->batch, plan->n);
    if (!d || ss_design_set_tuning(d, g, ss_cost_tuning(c)) != SS_OK) return SS_BAD;
    for (int32_t i = 0; i < plan->n; i++)
        if (copy_configs(d, plan->parts[i], &d->partitions[i]) != SS_OK) return SS_BAD;
    d->objective = o->objective;
    d->bound = (double)o->batch / fmin(plan->bound, plan->seconds);
    d->nonzero_macs = ss_cost_nonzero_macs(c);
    ss_design_figures(c, d);
    return SS_OK;
}

static ss_status check_opts(ss_ctx *ctx, const ss_explore_opts *o) {
    if (o->batch < 1) ss_error(ctx, SS_AT("batch"), "take 256", "a batch holds at least one image");
    if (!(o->target_gap >= 0))
        ss_error(ctx, SS_AT("gap"), "take 0.02", "the gap is a fraction of at least 0");
    if (o->max_partitions < 0) ss_error(ctx, SS_AT("max-partitions"), "take 0 for any number", "is negative");
    bool bits = o->bits == 8 || o->bits == 16;
    if (!bits) ss_error(ctx, SS_AT("bits"), "take 16 or 8", "hardware of %d bits is not supported", o->bits);
    bool floor = o->min_throughput >= 0 && (o->min_throughput == 0 || o->objective == SS_OBJECTIVE_LATENCY);
    if (!floor)
        ss_error(ctx, SS_AT("min-throughput"), "take it with --objective latency", "a least throughput is a positive number "
                 "beside the objective latency");
    return o->batch < 1 || !(o->target_gap >= 0) || o->max_partitions < 0 || !bits || !floor ? SS_BAD : SS_OK;
}

/* The best plan of one space as a design. Nothing fits in the space of dense engines: SS_OK and NULL. */
static ss_status explore_space(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, const ss_profile *p,
                               const ss_device *dev, const ss_explore_opts *o, bool dense, ss_design **out) {
    ss_space *space;
    ss_plan plan;
    *out = NULL;
    if (ss_space_new(ctx, c, g, dev, *o, dense, &space) != SS_OK) return SS_BAD;
    ss_status s = ss_plan_make(space, o->batch, o->max_partitions, &plan);
    if (s == SS_OK && plan.n > 0) s = design_of_plan(ctx, c, g, p, dev, o, &plan, out);
    ss_space_free(space);
    if (s == SS_OK) return s;
    ss_design_free(*out);
    *out = NULL;
    return s;
}

/* Intervals being equal, dense engines alone may fill the pipeline a little sooner: then they are the answer,
 * so that leaving the choice free never costs anything. */
static ss_status prefer_dense_if_faster(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, const ss_profile *p,
                                        const ss_device *dev, const ss_explore_opts *o, ss_design **d) {
    ss_design *dense;
    if (explore_space(ctx, c, g, p, dev, o, true, &dense) != SS_OK) return SS_BAD;
    if (dense && dense->throughput > (*d)->throughput) {
        dense->bound = fmax((*d)->bound, dense->throughput);
        dense->gap = dense->bound / dense->throughput - 1;
        ss_design *slower = *d;
        *d = dense;
        dense = slower;
    }
    ss_design_free(dense);
    return SS_OK;
}

/* The fastest design for a batch. */
static ss_status explore_throughput(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, const ss_profile *p,
                                    const ss_device *dev, const ss_explore_opts *o, ss_design **out) {
    if (explore_space(ctx, c, g, p, dev, o, false, out) != SS_OK) return SS_BAD;
    if (!p || prefer_dense_if_faster(ctx, c, g, p, dev, o, out) == SS_OK) return SS_OK;
    ss_design_free(*out);
    *out = NULL;
    return SS_BAD;
}

/* A single image waits for no reconfiguration if there is none: the fewest partitions that a batch of one wants. */
static ss_status plan_for_one(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, const ss_profile *p,
                              const ss_device *dev, const ss_explore_opts *o, ss_design **d) {
    ss_design *one;
    ss_explore_opts opts = *o;
    opts.batch = 1;
    if (explore_throughput(ctx, c, g, p, dev, &opts, &one) != SS_OK) return SS_BAD;
    one->batch = o->batch;
    one->bound = (*d)->bound;
    ss_design *batch = *d;
    *d = one;
    ss_design_free(batch);
    return SS_OK;
}

static ss_status check_floor(ss_ctx *ctx, const ss_design *d, const ss_explore_opts *o) {
    if (o->min_throughput <= d->throughput_steady && (o->min_throughput == 0 || d->n_partitions == 1)) return SS_OK;
    if (d->n_partitions > 1)
        return ss_error(ctx, SS_AT("min-throughput"), "take a larger device or fewer bits",
                        "%s does not fit %s in one partition, and reconfiguration bounds what single images a second there can be",
                        d->model_name, d->device.name);
    return ss_error(ctx, SS_AT("min-throughput"), "ask for less or take a larger device",
                    "the fastest design found on %s has %.1f images/s", d->device.name, d->throughput_steady);
}

/* From the fastest design to the quickest. */
static ss_status minimise_latency(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, const ss_profile *p,
                                  const ss_device *dev, const ss_explore_opts *o, ss_design **out) {
    if ((*out)->n_partitions > 1 && plan_for_one(ctx, c, g, p, dev, o, out) != SS_OK) return SS_BAD;
    ss_design *d = *out;
    if (check_floor(ctx, d, o) != SS_OK) return SS_BAD;
    double most = o->min_throughput > 0 ? dev->clock_hz / o->min_throughput : INFINITY;
    for (int32_t i = 0; i < d->n_partitions; i++)
        if (ss_quickest(ctx, c, g, dev, most, d->arena, &d->partitions[i]) != SS_OK) return SS_BAD;
    ss_design_figures(c, d);
    d->bound = fmax(d->bound, d->throughput);
    ss_design_figures(c, d);
    return SS_OK;
}

ss_status ss_explore(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, const ss_profile *p,
                     const ss_device *dev, ss_explore_opts opts, ss_design **out) {
    double started = ss_seconds();
    *out = NULL;
    if (opts.bits == 0 && p) opts.bits = p->bits;
    if (check_opts(ctx, &opts) != SS_OK) return SS_BAD;
    if (explore_throughput(ctx, c, g, p, dev, &opts, out) != SS_OK) return SS_BAD;
    if (opts.objective == SS_OBJECTIVE_LATENCY && minimise_latency(ctx, c, g, p, dev, &opts, out) != SS_OK) {
        ss_design_free(*out);
        *out = NULL;
        return SS_BAD;
    }
    (*out)->seconds = ss_seconds() - started;
    return SS_OK;
}

ss_status ss_explore_graph(ss_ctx *ctx, const ss_graph *g, const ss_profile *p, const ss_device *dev,
                           ss_cost_opts cost, ss_explore_opts opts, ss_design **out) {
    ss_cost *c;
    *out = NULL;
    opts.bits = cost.bits;
    if (ss_cost_new(ctx, g, p, dev, cost, &c) != SS_OK) return SS_BAD;
    ss_status s = ss_explore(ctx, c, g, p, dev, opts, out);
    ss_cost_free(c);
    return s;
}

static ss_status feed(ss_ctx *ctx, const ss_cost *c, const ss_design *d, ss_design *e) {
    memcpy(e->model_path, d->model_path, sizeof e->model_path);
    e->objective = d->objective;
    for (int32_t i = 0; i < d->n_partitions; i++) {
        ss_partition *to = &e->partitions[i];
        if (copy_configs(e, &d->partitions[i], to) != SS_OK) return SS_BAD;
        for (int32_t n = to->first; n <= to->last; n++)
            if (ss_cost_eval(ctx, c, n, to->target, &to->configs[n - to->first]) != SS_OK) return SS_BAD;
        if (ss_partition_figures(c, &d->device, to) != SS_OK) return SS_BAD;
        to->bound = to->interval; /* the hardware is given: it takes what it takes */
    }
    e->nonzero_macs = ss_cost_nonzero_macs(c);
    ss_design_figures(c, e);
    e->bound = e->throughput;
    e->gap = 0;
    return SS_OK;
}

static bool skips_zeros(const ss_design *d) {
    for (int32_t i = 0; i < d->n_partitions; i++) {
        const ss_partition *p = &d->partitions[i];
        for (int32_t n = p->first; n <= p->last; n++) {
            const ss_engine_kind kind = p->configs[n - p->first].engine;
            if (kind == SS_ENGINE_CROSSBAR || kind == SS_ENGINE_BROADCAST) return true;
        }
    }
    return false;
}

/* What streams wait for depends on which channels go together; of assumed zeros all channels have the same. */
static ss_status check_orders(ss_ctx *ctx, const ss_design *d, const ss_graph *g, const ss_profile *p) {
    if (!p || p->assumed || !skips_zeros(d) || ss_orders_equal(g, &d->orders, &p->orders)) return SS_OK;
    return ss_error(ctx, SS_AT("profile"), "profile with --order and the design's file",
                    "its channels stand in another order than the design's");
}

ss_status ss_design_profile(ss_ctx *ctx, const ss_design *d, const ss_graph *g, ss_engine *e, const ss_quant *q,
                            const ss_dataset *images, const ss_norm *norm, ss_profile **out) {
    ss_profile_fold *folds = ss_alloc(ctx, (size_t)g->n, sizeof *folds);
    *out = NULL;
    if (!folds) return SS_BAD;
    for (int32_t i = 0; i < d->n_partitions; i++) {
        const ss_partition *p = &d->partitions[i];
        for (int32_t n = p->first; n <= p->last; n++) {
            const ss_config *c = &p->configs[n - p->first];
            if (c->engine == SS_ENGINE_BROADCAST) folds[n] = (ss_profile_fold){ .ci = c->ci, .parts = c->m };
        }
    }
    const ss_status s = ss_profile_measure_folds(ctx, g, e, q, images, norm, folds, out);
    ss_free(ctx, folds);
    return s;
}

ss_status ss_estimate(ss_ctx *ctx, const ss_design *d, const ss_graph *g, const ss_profile *p,
                      ss_design **out) {
    ss_cost *c;
    ss_cost_opts opts = { .bits = d->bits, .engines = SS_ENGINES_ALL, .tuning = d->tuning };
    *out = NULL;
    if (check_orders(ctx, d, g, p) != SS_OK) return SS_BAD;
    if (ss_cost_new(ctx, g, p, &d->device, opts, &c) != SS_OK) return SS_BAD;
    ss_design *e = ss_design_new(ctx, g, p, &d->device, d->bits, d->batch, d->n_partitions);
    ss_status s = e ? ss_design_set_tuning(e, g, d->tuning) : SS_BAD;
    if (s == SS_OK) s = ss_orders_copy(g, &d->orders, e->arena, &e->orders);
    if (s == SS_OK) s = feed(ctx, c, d, e);
    ss_cost_free(c);
    if (s == SS_OK) *out = e;
    else ss_design_free(e);
    return s;
}
