/* The flow of a simulation: windows' beats from the integer engine, stages of each partition, their run, and
 * the cost model on the same images. */
#include "sim/parts.h"

#include <math.h>
#include <string.h>

static ss_status check_task(ss_ctx *ctx, const ss_sim_task *t) {
    if (t->images->n < 1)
        return ss_error(ctx, SS_AT("--images"), "give at least one image", "no images to simulate");
    return SS_OK;
}

/* ---- beats ---- */

static bool counted(const ss_rtl *r, int32_t i) {
    if (r->g->nodes[i].op != SS_OP_CONV) return false;
    const ss_rtl_fold f = ss_rtl_fold_of(r, i);
    return f.crossbar || f.broadcast;
}

static ss_status list_layers(const ss_rtl *r, int64_t images, beats *b) {
    *b = (beats){ .ctx = r->ctx,
                  .images = images,
                  .layer = ss_alloc(r->ctx, (size_t)r->g->n, sizeof *b->layer) };
    if (!b->layer) return SS_BAD;
    for (int32_t k = 0; k < r->n_parts; k++)
        for (int32_t i = r->parts[k].first; i <= r->parts[k].last; i++) {
            if (!counted(r, i)) continue;
            const ss_node *n = &r->g->nodes[i];
            const ss_rtl_fold f = ss_rtl_fold_of(r, i);
            const int64_t streams = f.gr * f.ci, channels = ss_graph_in_shape(r->g, n).c;
            struct beats_layer *l = &b->layer[b->layers++];
            *l = (struct beats_layer){ .node = i, .tensor = n->in[0], .streams = streams, .m = f.m };
            l->parts = f.broadcast ? f.m : 0;
            l->group = f.cg;
            l->period = f.broadcast ? channels * f.m : 1;
            l->words = (int64_t)n->shape.h * n->shape.w * (f.broadcast ? l->period : channels / streams);
        }
    return SS_OK;
}

/* ---- the cost model, fed with the images ---- */

typedef struct fed {
    ss_design *design;
    ss_cost *cost;
} fed;

static void fed_free(fed *f) {
    ss_design_free(f->design);
    ss_cost_free(f->cost);
}

static ss_status profile_of(ss_ctx *ctx, const ss_sim_task *t, int64_t from, int64_t to, ss_profile **out) {
    ss_dataset images = *t->images;
    images.n = to - from;
    images.labels += from;
    images.pixels += from * ss_shape_size(images.shape);
    return ss_design_profile(ctx, t->design, t->g, t->e, t->q, &images, t->norm, out);
}

static ss_status feed(ss_ctx *ctx, const ss_sim_task *t, int64_t from, int64_t to, fed *out) {
    ss_profile *p;
    if (profile_of(ctx, t, from, to, &p) != SS_OK) return SS_BAD;
    ss_status s = ss_estimate(ctx, t->design, t->g, p, &out->design);
    const ss_cost_opts opts = { .bits = t->design->bits, .tuning = t->design->tuning };
    if (s == SS_OK) s = ss_cost_new(ctx, t->g, p, &t->design->device, opts, &out->cost);
    ss_profile_free(p);
    return s;
}

/* ---- a tuned design ---- */

/* Cycles of the slowest engine that skips zeros, and of the slowest other node. */
static void slowest(const ss_design *d, const ss_sim_partition *p, double *sparse, double *other) {
    const ss_partition *of = &d->partitions[p->number - 1];
    *sparse = *other = 0;
    for (int32_t i = 0; i < p->n_nodes; i++) {
        const ss_config *c = &of->configs[p->nodes[i].node - of->first];
        double *to = c->engine == SS_ENGINE_NONE || c->engine == SS_ENGINE_DENSE ? other : sparse;
        *to = fmax(*to, c->cycles);
    }
}

#define SAME_INTERVAL 1.005 /* what the nodes that always take the same explain alone */

/* The factor on the engines that skip zeros with which the model gives the simulated interval. Where another
 * node is the slowest, they are known to be fast enough, no more: the factor does not grow. */
static double stall_of(const ss_design *plain, const ss_sim_partition *p, double before) {
    double sparse, other;
    slowest(plain, p, &sparse, &other);
    if (sparse == 0) return before;
    const double stall = fmax(1, p->sized_interval / sparse);
    return sparse < other && p->sized_interval <= SAME_INTERVAL * other ? fmin(before, stall) : stall;
}

static void note_tuning(const ss_graph *g, const ss_design *plain, ss_sim_partition *p, ss_tuning *t) {
    const ss_partition *of = &plain->partitions[p->number - 1];
    double before = 1;
    for (int32_t i = 0; i < p->n_nodes; i++) before = fmax(before, t[p->nodes[i].node].stall);
    p->stall = p->sized_interval > 0 ? stall_of(plain, p, before) : before;
    for (int32_t i = 0; i < p->n_nodes; i++) {
        const ss_sim_node *n = &p->nodes[i];
        const ss_config *c = &of->configs[n->node - of->first];
        if (g->nodes[n->node].op == SS_OP_CONV)
            t[n->node].stall = c->engine == SS_ENGINE_DENSE ? before : p->stall;
        for (int32_t k = 0; k < n->n_fifos; k++) t[n->node].room[k] = n->sized[k] * n->lanes[k];
    }
}

/* The design with what was learned. */
static ss_status design_tuned(ss_ctx *ctx, const ss_sim_task *t, const ss_profile *profile, ss_simulated *out) {
    ss_design plain = *t->design, with = *t->design, *estimated = NULL;
    ss_tuning *tuning = ss_arena_alloc(out->arena, (size_t)t->g->n, sizeof *tuning);
    if (!tuning) return SS_BAD;
    if (plain.tuning) memcpy(tuning, plain.tuning, (size_t)t->g->n * sizeof *tuning);
    plain.tuning = NULL;
    if (ss_estimate(ctx, &plain, t->g, profile, &estimated) != SS_OK) return SS_BAD;
    for (int32_t k = 0; k < out->n_partitions; k++) note_tuning(t->g, estimated, &out->partitions[k], tuning);
    ss_design_free(estimated);
    with.tuning = tuning;
    return ss_estimate(ctx, &with, t->g, profile, &out->tuned);
}

/* Fed with the images whose intervals were tuned for. */
static ss_status make_tuned(ss_ctx *ctx, const ss_sim_task *t, ss_simulated *out) {
    const int64_t n = t->images->n, from = sim_fill(n) + 1;
    ss_profile *p;
    if (profile_of(ctx, t, from < n ? from : 0, n, &p) != SS_OK) return SS_BAD;
    const ss_status s = design_tuned(ctx, t, p, out);
    ss_profile_free(p);
    return s;
}

/* As verify does: all images but the first for what lies between images, the first for the latency. */
static ss_status predict(ss_ctx *ctx, const ss_sim_task *t, ss_simulated *out) {
    fed steady = { NULL, NULL }, first = { NULL, NULL };
    const int64_t n = t->images->n;
    ss_status s = feed(ctx, t, 0, 1, &first);
    if (s == SS_OK) s = feed(ctx, t, n > 1, n, &steady);
    for (int32_t k = 0; k < out->n_partitions && s == SS_OK; k++) {
        ss_sim_partition *p = &out->partitions[k];
        const ss_partition *of = &steady.design->partitions[p->number - 1];
        for (int32_t i = 0; i < p->n_nodes; i++) {
            p->nodes[i].predicted = of->configs[p->nodes[i].node - of->first].cycles;
            p->predicted_interval = fmax(p->predicted_interval, p->nodes[i].predicted);
        }
        p->loss.waits -= p->loss.known ? p->predicted_interval : 0;
        const ss_partition *one = &first.design->partitions[p->number - 1];
        p->predicted_latency =
            ss_cost_latency(first.cost, p->first, p->last, &one->configs[p->first - one->first]);
    }
    fed_free(&steady);
    fed_free(&first);
    return s;
}

/* ---- partitions ---- */

static ss_status run_partition(const ss_rtl *r, int32_t k, const beats *b, trace *t, ss_simulated *out) {
    sim sm = {
        .ctx = r->ctx, .arena = out->arena, .r = r, .part = &r->parts[k], .images = b->images, .beats = b
    };
    ss_sim_partition *p = &out->partitions[k];
    *p = (ss_sim_partition){ .number = sm.part->number, .first = sm.part->first, .last = sm.part->last };
    ss_status s = sim_build(&sm);
    if (s == SS_OK && t) s = trace_attach(t, &sm);
    if (s == SS_OK) s = sim_run(&sm, p);
    if (!p->deadlock) return s;
    out->deadlock = true;
    return s == SS_BAD ? SS_BAD : p->cure.node < 0 ? SS_OK : sim_find_cure(r, k, b, &p->cure);
}

static ss_status run(const ss_sim_task *t, const ss_rtl *r, ss_simulated *out) {
    beats b;
    const double began = ss_seconds();
    ss_status s = list_layers(r, t->images->n, &b);
    if (s == SS_OK) s = beats_make(r->ctx, t, &b);
    out->engine_seconds = ss_seconds() - began;
    out->n_partitions = r->n_parts;
    out->partitions = ss_arena_alloc(out->arena, (size_t)r->n_parts, sizeof *out->partitions);
    trace *traced = NULL;
    if ((t->trace.waveform || t->trace.levels || t->trace.activity) && !(traced = trace_new(r->ctx, t->trace.from, t->trace.to)))
        s = SS_BAD;
    if (!out->partitions) s = SS_BAD;
    for (int32_t k = 0; k < r->n_parts && s == SS_OK; k++) {
        ss_progress(r->ctx, "partitions", (uint64_t)k, (uint64_t)r->n_parts);
        s = run_partition(r, k, &b, traced, out);
        if (s == SS_OK && t->split_loss && !out->partitions[k].deadlock)
            s = sim_split_loss(r, k, &b, &out->partitions[k]);
        if (s == SS_OK && t->tune && !out->deadlock) s = sim_size(r, k, &b, t->within, &out->partitions[k]);
    }
    beats_free(&b);
    if (traced) trace_end(traced);
    if (s == SS_OK && traced) s = trace_write(traced, t->trace.waveform, t->trace.levels);
    if (s == SS_OK && t->trace.activity) s = trace_activity(traced, out, &out->activity);
    trace_free(traced);
    if (s == SS_OK) s = predict(r->ctx, t, out);
    return s == SS_OK && t->tune && !out->deadlock ? make_tuned(r->ctx, t, out) : s;
}

ss_status ss_sim_run(ss_ctx *ctx, const ss_sim_task *task, ss_simulated **out) {
    ss_rtl r;
    ss_rtl_opts opts = task->opts;
    *out = NULL;
    opts.no_vivado = true;
    if (check_task(ctx, task) != SS_OK) return SS_BAD;
    ss_status s = ss_rtl_begin(ctx, task->g, task->q, task->design, opts, &r);
    ss_arena *a = ss_arena_new(ctx);
    ss_simulated *v = a ? ss_arena_alloc(a, 1, sizeof *v) : NULL;
    if (!v) s = SS_BAD;
    if (s == SS_OK) {
        *v = (ss_simulated){ .arena = a, .g = task->g, .images = task->images->n };
        s = run(task, &r, v);
    }
    ss_rtl_end(&r);
    if (s != SS_OK) {
        if (v) ss_design_free(v->tuned);
        if (v) json_decref(v->activity);
        ss_arena_free(a);
        return s;
    }
    *out = v;
    return v->deadlock ? SS_NO : SS_OK;
}

void ss_simulated_free(ss_simulated *s) {
    if (!s) return;
    ss_design_free(s->tuned);
    json_decref(s->activity);
    ss_arena_free(s->arena);
}

/* ---- JSON ---- */

static json_t *spread_json(const ss_spread *s, double predicted) {
    if (s->most == 0) return json_null();
    return json_pack("{s:f,s:f,s:f,s:I,s:I,s:f,s:f}", "mean", s->mean, "p5", s->p5, "p95", s->p95, "min",
                     (json_int_t)s->least, "max", (json_int_t)s->most, "predicted", predicted,
                     "over_predicted_percent", 100 * (s->mean / predicted - 1));
}

static json_t *node_json(const ss_graph *g, const ss_sim_node *n) {
    json_t *fifos = json_array();
    for (int32_t k = 0; fifos && k < n->n_fifos; k++) {
        json_t *f = json_pack("{s:I,s:I}", "depth", (json_int_t)n->depth[k], "most", (json_int_t)n->held[k]);
        if (f && n->sized[k]) json_object_set_new(f, "least", json_integer(n->least[k]));
        if (f && n->sized[k]) json_object_set_new(f, "sized", json_integer(n->sized[k]));
        json_array_append_new(fifos, f);
    }
    return json_pack("{s:s,s:s,s:f,s:f,s:I,s:I,s:I,s:I,s:o}", "name", g->nodes[n->node].name, "op",
                     ss_op_name(g->nodes[n->node].op), "interval", n->interval, "cycles_predicted",
                     n->predicted, "busy", (json_int_t)n->busy, "starved", (json_int_t)n->starved, "blocked",
                     (json_int_t)n->blocked, "joining", (json_int_t)n->joining, "fifos", fifos);
}

static json_t *partition_json(const ss_simulated *s, const ss_sim_partition *p) {
    json_t *nodes = json_array(), *ends = json_array();
    for (int32_t i = 0; nodes && i < p->n_nodes; i++)
        json_array_append_new(nodes, node_json(s->g, &p->nodes[i]));
    for (int64_t i = 0; ends && !p->deadlock && i < s->images; i++)
        json_array_append_new(ends, json_integer(p->ends[i]));
    json_t *j = json_pack("{s:i,s:s,s:s,s:b,s:I,s:o,s:o,s:I,s:o,s:f,s:o}", "partition", (int)p->number, "first",
                          s->g->nodes[p->first].name, "last", s->g->nodes[p->last].name, "deadlock",
                          (int)p->deadlock, "cycles", (json_int_t)p->cycles, "interval",
                          spread_json(&p->interval, p->predicted_interval), "latency",
                          spread_json(&p->latency, p->predicted_latency), "first_latency",
                          (json_int_t)p->first_latency, "last_cycle", ends, "seconds",
                          p->seconds, "nodes", nodes);
    if (j && p->loss.known)
        json_object_set_new(j, "loss",
                            json_pack("{s:f,s:f,s:f,s:f}", "waits", p->loss.waits, "images", p->loss.images,
                                      "bursts", p->loss.bursts, "joins", p->loss.joins));
    if (j && p->sized_interval > 0)
        json_object_set_new(j, "tuned",
                            json_pack("{s:f,s:f,s:f}", "endless_interval", p->endless_interval, "interval",
                                      p->sized_interval, "stall", p->stall));
    if (j && p->deadlock) json_object_set_new(j, "why", json_string(p->why));
    if (j && p->cure.words)
        json_object_set_new(j, "cure",
                            json_pack("{s:s,s:i,s:I}", "node", s->g->nodes[p->cure.node].name, "input",
                                      (int)p->cure.input, "depth", (json_int_t)p->cure.words));
    return j;
}

json_t *ss_simulated_json(const ss_simulated *s) {
    json_t *list = json_array();
    for (int32_t i = 0; list && i < s->n_partitions; i++)
        json_array_append_new(list, partition_json(s, &s->partitions[i]));
    return json_pack("{s:b,s:I,s:f,s:o}", "deadlock", (int)s->deadlock, "images", (json_int_t)s->images,
                     "engine_seconds", s->engine_seconds, "partitions", list);
}
