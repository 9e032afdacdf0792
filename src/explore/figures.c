/* What follows from a choice of configurations. See figures.h. */
#include "explore/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

ss_status ss_partition_figures(const ss_cost *c, const ss_device *dev, ss_partition *d) {
    double traffic = (double)ss_cost_io_bits(c, d->first, d->last) * dev->clock_hz / dev->bandwidth_bits;
    d->slowest = d->first;
    d->res = ss_cost_partition_overhead(c);
    double most = -1;
    for (int32_t i = d->first; i <= d->last; i++) {
        const ss_config *cfg = &d->configs[i - d->first];
        if (cfg->cycles > most) {
            most = cfg->cycles;
            d->slowest = i;
        }
        for (int k = 0; k < SS_RES_COUNT; k++) d->res.r[k] += cfg->res.r[k];
    }
    d->interval = fmax(traffic, most);
    d->latency = ss_cost_latency(c, d->first, d->last, d->configs);
    d->load_bits = ss_cost_load_bits(c, d->first, d->last, d->configs);
    return isnan(d->latency) ? SS_BAD : SS_OK;
}

double ss_partition_seconds(const ss_cost *c, const ss_partition *d, int64_t batch, bool reconfigure) {
    return ss_cost_partition_seconds(c, d->interval, d->latency, d->load_bits, batch, reconfigure);
}

double ss_design_interval(const ss_design *d) {
    double cycles = 0;
    for (int32_t i = 0; i < d->n_partitions; i++) cycles += d->partitions[i].interval;
    return cycles;
}

double ss_design_skip_efficiency(const ss_design *d) {
    double slots = 0;
    for (int32_t i = 0; i < d->n_partitions; i++) {
        const ss_partition *p = &d->partitions[i];
        for (int32_t n = p->first; n <= p->last; n++) {
            const ss_config *c = &p->configs[n - p->first];
            if (c->engine != SS_ENGINE_NONE) slots += p->interval * (double)(ss_window_lanes(c) * c->co) * c->m;
        }
    }
    return slots > 0 ? d->nonzero_macs / slots : 0;
}

ss_resources ss_design_peak(const ss_design *d) {
    ss_resources most = { { 0 } };
    for (int32_t i = 0; i < d->n_partitions; i++)
        for (int k = 0; k < SS_RES_COUNT; k++)
            if (d->partitions[i].res.r[k] > most.r[k]) most.r[k] = d->partitions[i].res.r[k];
    return most;
}

bool ss_design_fits(const ss_design *d) {
    const ss_resources most = ss_design_peak(d);
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (most.r[k] > ss_device_budget(&d->device, (ss_res)k)) return false;
    return true;
}

void ss_design_figures(const ss_cost *c, ss_design *d) {
    double seconds = 0, latency = 0;
    for (int32_t i = 0; i < d->n_partitions; i++) {
        const ss_partition *p = &d->partitions[i];
        seconds += ss_partition_seconds(c, p, d->batch, d->n_partitions > 1);
        latency += p->latency;
    }
    d->throughput = (double)d->batch / seconds;
    d->throughput_steady = d->device.clock_hz / ss_design_interval(d);
    d->latency_us = 1e6 * latency / d->device.clock_hz;
    d->gap = d->bound / d->throughput - 1;
}

static bool keep_thresholds(ss_design *d, const ss_profile *p) {
    int32_t n = p ? p->n_relus : 0;
    d->thresholds = ss_arena_alloc(d->arena, (size_t)n, sizeof *d->thresholds);
    if (!d->thresholds) return false;
    for (int32_t i = 0; i < n; i++) {
        d->thresholds[i].relu = ss_arena_strdup(d->arena, p->relus[i].name);
        d->thresholds[i].threshold = (double)p->relus[i].threshold;
        if (!d->thresholds[i].relu) return false;
    }
    d->n_thresholds = n;
    return true;
}

ss_design *ss_design_new(ss_ctx *ctx, const ss_graph *g, const ss_profile *p, const ss_device *dev, int bits,
                         int64_t batch, int32_t n_partitions) {
    ss_arena *arena = ss_arena_new(ctx);
    ss_design *d = arena ? ss_arena_alloc(arena, 1, sizeof *d) : NULL;
    if (!d) {
        if (arena) ss_arena_free(arena);
        return NULL;
    }
    d->ctx = ctx;
    d->arena = arena;
    d->model = ss_graph_hash(g);
    snprintf(d->model_name, sizeof d->model_name, "%s", g->name);
    d->bits = bits;
    d->batch = batch;
    d->device = *dev;
    d->assumed_zeros = p && p->assumed ? p->assumed_zeros : -1;
    snprintf(d->profile_name, sizeof d->profile_name, "%s",
             !p           ? "dense"
             : p->assumed ? "assumed"
                          : "measured");
    d->n_partitions = n_partitions;
    d->partitions = ss_arena_alloc(arena, (size_t)n_partitions, sizeof *d->partitions);
    if (d->partitions && keep_thresholds(d, p) &&
        (!p || (ss_shifts_copy(&p->shifts, arena, &d->shifts) == SS_OK && ss_orders_copy(g, &p->orders, arena, &d->orders) == SS_OK)))
        return d;
    ss_design_free(d);
    return NULL;
}

ss_status ss_design_check_orders(ss_ctx *ctx, const ss_design *d, const ss_graph *g) {
    ss_orders now;
    ss_arena *arena = ss_arena_new(ctx);
    ss_status s = arena ? ss_graph_orders(g, arena, &now) : SS_BAD;
    if (s == SS_OK && !ss_orders_equal(g, &now, &d->orders))
        s = ss_error(ctx, SS_AT(g->name), "deal the network's channels as the design has them",
                     "its channels stand in another order than in the design");
    ss_arena_free(arena);
    return s;
}

bool ss_design_fits_profile(const ss_design *d, const ss_profile *p) {
    bool same = d->n_thresholds == p->n_relus && ss_shifts_equal(&d->shifts, &p->shifts);
    for (int32_t i = 0; same && i < p->n_relus; i++)
        same = strcmp(d->thresholds[i].relu, p->relus[i].name) == 0 && (float)d->thresholds[i].threshold == p->relus[i].threshold;
    return same;
}

ss_status ss_design_set_tuning(ss_design *d, const ss_graph *g, const ss_tuning *t) {
    d->tuning = NULL;
    if (!t) return SS_OK;
    d->tuning = ss_arena_alloc(d->arena, (size_t)g->n, sizeof *d->tuning);
    if (!d->tuning) return SS_BAD;
    memcpy(d->tuning, t, (size_t)g->n * sizeof *t);
    return SS_OK;
}

void ss_design_free(ss_design *d) {
    if (d) ss_arena_free(d->arena);
}

const char *ss_binding_name(ss_res binding) {
    return (unsigned)binding < SS_RES_COUNT ? ss_res_names[binding] : "none";
}
