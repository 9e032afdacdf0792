/* The artefact "skipstream.design": what ss_design holds, as JSON. Keys stand in a fixed order,
 * numbers are exact (17 digits), and nothing depends on time or place, so that equal designs are equal bytes.
 */
#include "explore/explore.h"

#include <stdio.h>

static json_t *resources_json(const ss_resources *r) {
    json_t *o = json_object();
    for (int k = 0; k < SS_RES_COUNT; k++) json_object_set_new(o, ss_res_names[k], json_integer(r->r[k]));
    return o;
}

/* Used over what the device has (not over the capped budget), as a vendor tool reports it. */
static json_t *utilisation_json(const ss_resources *r, const ss_device *dev) {
    json_t *o = json_object();
    for (int k = 0; k < SS_RES_COUNT; k++) {
        double total = (double)dev->total.r[k];
        json_object_set_new(o, ss_res_names[k], json_real(total > 0 ? (double)r->r[k] / total : 0));
    }
    return o;
}

static json_t *device_json(const ss_device *d) {
    json_t *cap = json_object();
    for (int k = 0; k < SS_RES_COUNT; k++) json_object_set_new(cap, ss_res_names[k], json_real(d->cap[k]));
    return json_pack("{s:s,s:s,s:s,s:o,s:o,s:i,s:f,s:f,s:f,s:b,s:b}", "name", d->name, "part", d->part,
                     "family", d->family, "total", resources_json(&d->total), "cap", cap, "slrs",
                     (int)d->slrs, "clock_hz", d->clock_hz, "bandwidth_bits", d->bandwidth_bits,
                     "reconfiguration_s", d->reconfiguration_s, "dsp58", d->dsp58, "uram_init", d->uram_init);
}

/* The names of the nodes that a node reads, in the order of its inputs. */
static json_t *inputs_json(const ss_graph *g, const ss_node *n) {
    json_t *names = json_array();
    for (int32_t i = 0; i < n->n_in; i++) json_array_append_new(names, json_string(g->nodes[n->in[i]].name));
    return names;
}

/* What a broadcast engine has besides its folding. */
static int add_broadcast(json_t *o, const ss_config *c) {
    json_t *more = json_pack("{s:i,s:i,s:i,s:i,s:i}", "pixels", (int)ss_pixels(c), "sums", (int)c->sums, "queue", (int)c->queue, "lists", (int)c->lists,
                             "results", (int)c->results);
    int bad = json_object_update(o, more);
    json_decref(more);
    return bad;
}

/* What simulation taught: "stall" of an engine, "rooms" of a join. */
static int add_tuning(json_t *o, const ss_node *n, const ss_tuning *t) {
    json_t *rooms = json_array();
    bool any = false;
    int bad = !rooms || (t->stall > 0 && json_object_set_new(o, "stall", json_real(t->stall)) != 0);
    for (int32_t k = 0; rooms && k < n->n_in; k++) {
        json_array_append_new(rooms, json_integer(t->room[k]));
        any = any || t->room[k] > 0;
    }
    if (any && json_object_set(o, "rooms", rooms) != 0) bad = 1;
    json_decref(rooms);
    return bad;
}

static json_t *node_json(const ss_graph *g, const ss_node *n, const ss_config *c, const ss_tuning *t) {
    json_t *o = json_pack("{s:s,s:s,s:o,s:s,s:i,s:i,s:i,s:i,s:s,s:i,s:i,s:f,s:o}", "name", n->name, "op",
                     ss_op_name(n->op), "inputs", inputs_json(g, n), "engine",
                     ss_engine_kind_names[c->engine], "gr", (int)c->gr, "ci", (int)c->ci, "co", (int)c->co,
                     "m", (int)c->m, "memory", ss_mem_names[c->memory], "lanes_in", (int)c->lanes_in,
                     "lanes_out", (int)c->lanes_out, "cycles", c->cycles, "resources",
                     resources_json(&c->res));
    if ((c->engine != SS_ENGINE_BROADCAST || add_broadcast(o, c) == 0) && (!t || add_tuning(o, n, t) == 0))
        return o;
    json_decref(o);
    return NULL;
}

static json_t *partition_json(const ss_design *d, const ss_graph *g, const ss_partition *p) {
    json_t *nodes = json_array();
    for (int32_t i = p->first; i <= p->last; i++)
        json_array_append_new(nodes, node_json(g, &g->nodes[i], &p->configs[i - p->first],
                                               d->tuning ? &d->tuning[i] : NULL));
    return json_pack("{s:f,s:f,s:f,s:s,s:f,s:I,s:o,s:o,s:s,s:o}", "interval", p->interval, "bound", p->bound,
                     "target", p->target, "slowest", g->nodes[p->slowest].name, "latency", p->latency,
                     "load_bits", (json_int_t)p->load_bits, "resources", resources_json(&p->res),
                     "utilisation", utilisation_json(&p->res, &d->device), "binding",
                     ss_binding_name(p->binding), "nodes", nodes);
}

static json_t *header_json(const ss_design *d) {
    char hash[20];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)d->model);
    json_t *zeros = d->assumed_zeros < 0 ? json_null() : json_real(d->assumed_zeros);
    return json_pack("{s:{s:s,s:s,s:s},s:i,s:I,s:s,s:o,s:o,s:{s:s,s:o}}", "model", "name", d->model_name, "path",
                     d->model_path, "hash", hash, "bits", d->bits, "batch", (json_int_t)d->batch, "objective",
                     ss_objective_names[d->objective], "cost_model", ss_json_hash(ss_cost_calibration()), "device",
                     device_json(&d->device), "profile", "name", d->profile_name, "assumed_zeros", zeros);
}

/* How many convolutions have which kind of engine. */
static json_t *engines_json(const ss_design *d) {
    int64_t count[SS_ENGINE_KINDS] = { 0 };
    for (int32_t i = 0; i < d->n_partitions; i++)
        for (int32_t n = 0; n <= d->partitions[i].last - d->partitions[i].first; n++)
            count[d->partitions[i].configs[n].engine]++;
    json_t *o = json_object();
    for (int k = SS_ENGINE_DENSE; k < SS_ENGINE_KINDS; k++)
        json_object_set_new(o, ss_engine_kind_names[k], json_integer(count[k]));
    return o;
}

static json_t *results_json(const ss_design *d, const ss_graph *g) {
    json_t *thresholds = json_object(), *parts = json_array();
    for (int32_t i = 0; i < d->n_thresholds; i++)
        json_object_set_new(thresholds, d->thresholds[i].relu, json_real(d->thresholds[i].threshold));
    for (int32_t i = 0; i < d->n_partitions; i++)
        json_array_append_new(parts, partition_json(d, g, &d->partitions[i]));
    json_t *o = json_pack("{s:o,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:o,s:o}", "thresholds", thresholds, "throughput", d->throughput,
                     "throughput_steady", d->throughput_steady, "bound", d->bound, "gap", d->gap,
                     "latency_us", d->latency_us, "nonzero_macs", d->nonzero_macs, "skip_efficiency",
                     ss_design_skip_efficiency(d), "images_per_second_per_dsp",
                     d->throughput / (double)ss_design_peak(d).r[SS_DSP], "engines", engines_json(d), "partitions", parts);
    if (ss_orders_none(&d->orders) || json_object_set_new(o, SS_ORDERS_KEY, ss_orders_json(&d->orders)) == 0) return o;
    json_decref(o);
    return NULL;
}

json_t *ss_design_json(const ss_design *d, const ss_graph *g) {
    json_t *j = ss_json_new("skipstream.design", ss_shifts_none(&d->shifts) ? 1 : SS_DESIGN_VERSION), *head = header_json(d), *tail = results_json(d, g);
    bool ok = j && head && tail && json_object_update(j, head) == 0 && json_object_update(j, tail) == 0 &&
              ss_shifts_add(&d->shifts, j);
    json_decref(head);
    json_decref(tail);
    if (ok) return j;
    json_decref(j);
    return NULL;
}

ss_status ss_design_save(const ss_design *d, const ss_graph *g, const char *path) {
    json_t *j = ss_design_json(d, g);
    if (!j)
        return ss_error(d->ctx, SS_AT(path), "free some memory", "out of memory while writing the design");
    ss_status s = ss_json_save(d->ctx, path, j);
    json_decref(j);
    return s;
}
