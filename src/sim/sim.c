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
    return r->g->nodes[i].op == SS_OP_CONV && ss_rtl_fold_of(r, i).crossbar;
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
            const int64_t streams = f.gr * f.ci;
            b->layer[b->layers++] = (struct beats_layer){ .node = i,
                                                          .tensor = n->in[0],
                                                          .streams = streams,
                                                          .m = f.m,
                                                          .words = (int64_t)n->shape.h * n->shape.w *
                                                                   (ss_graph_in_shape(r->g, n).c / streams) };
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

static ss_status feed(ss_ctx *ctx, const ss_sim_task *t, int64_t from, int64_t to, fed *out) {
    ss_dataset images = *t->images;
    ss_profile *p;
    images.n = to - from;
    images.labels += from;
    images.pixels += from * ss_shape_size(images.shape);
    if (ss_profile_measure(ctx, t->g, t->e, t->q, &images, t->norm, NULL, &p) != SS_OK) return SS_BAD;
    ss_status s = ss_estimate(ctx, t->design, t->g, p, &out->design);
    const ss_cost_opts opts = { .bits = t->design->bits };
    if (s == SS_OK) s = ss_cost_new(ctx, t->g, p, &t->design->device, opts, &out->cost);
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
        const ss_partition *one = &first.design->partitions[p->number - 1];
        p->predicted_latency =
            ss_cost_latency(first.cost, p->first, p->last, &one->configs[p->first - one->first]);
    }
    fed_free(&steady);
    fed_free(&first);
    return s;
}

/* ---- partitions ---- */

/* ---- how deep the full FIFO of a deadlock has to be ---- */

#define CURE_IMAGES 2 /* the second shows what the first leaves behind */

typedef struct trial {
    const ss_rtl *r;
    int32_t part;
    const beats *b;
    ss_rtl_depth at;
} trial;

/* SS_OK: nothing stops with `words`; SS_NO: it does. */
static ss_status flows(trial *x, int64_t words) {
    ss_rtl r = *x->r;
    ss_arena *a = ss_arena_new(r.ctx);
    const int32_t n = r.opts.n_depths;
    ss_rtl_depth *depths = a ? ss_arena_alloc(a, (size_t)n + 1, sizeof *depths) : NULL;
    ss_status s = depths ? SS_OK : SS_BAD;
    if (s == SS_OK) {
        if (n) memcpy(depths, r.opts.depths, (size_t)n * sizeof *depths);
        depths[n] = x->at;
        depths[n].words = words;
        r.opts.depths = depths;
        r.opts.n_depths = n + 1;
        sim sm = { .ctx = r.ctx,
                   .arena = a,
                   .r = &r,
                   .part = &r.parts[x->part],
                   .beats = x->b,
                   .images = x->b->images < CURE_IMAGES ? x->b->images : CURE_IMAGES };
        ss_sim_partition p = { 0 };
        s = sim_build(&sm);
        if (s == SS_OK) s = sim_run(&sm, &p);
    }
    ss_arena_free(a);
    return s;
}

/* The least depth with which the images flow, by doubling and halving, up to a whole image. */
static ss_status find_cure(trial *x, ss_rtl_depth *cure) {
    const ss_rtl_part *part = &x->r->parts[x->part];
    const int32_t tensor = ss_rtl_source(x->r->g, x->r->g->nodes[cure->node].in[cure->input]);
    const int32_t lanes = ss_rtl_lanes(x->r, part, tensor);
    const int64_t most = ss_rtl_words(x->r, part, tensor);
    ss_mem mem;
    int64_t bad = ss_rtl_skip_depth(x->r, cure->node, cure->input, lanes, &mem), good = bad;
    ss_status s = SS_NO;
    x->at = *cure;
    while (s == SS_NO && good < most) {
        bad = good;
        good = 2 * good < most ? 2 * good : most;
        s = flows(x, good);
    }
    if (s != SS_OK) return s == SS_NO ? SS_OK : s;
    while (good - bad > 1) {
        const int64_t middle = bad + (good - bad) / 2;
        s = flows(x, middle);
        if (s == SS_BAD) return s;
        if (s == SS_OK) good = middle;
        else bad = middle;
    }
    cure->words = good;
    return SS_OK;
}

static ss_status run_partition(const ss_rtl *r, int32_t k, const beats *b, ss_simulated *out) {
    sim sm = {
        .ctx = r->ctx, .arena = out->arena, .r = r, .part = &r->parts[k], .images = b->images, .beats = b
    };
    ss_sim_partition *p = &out->partitions[k];
    *p = (ss_sim_partition){ .number = sm.part->number, .first = sm.part->first, .last = sm.part->last };
    ss_status s = sim_build(&sm);
    if (s == SS_OK) s = sim_run(&sm, p);
    if (!p->deadlock) return s;
    out->deadlock = true;
    trial x = { .r = r, .part = k, .b = b };
    return s == SS_BAD ? SS_BAD : p->cure.node < 0 ? SS_OK : find_cure(&x, &p->cure);
}

static ss_status run(const ss_sim_task *t, const ss_rtl *r, ss_simulated *out) {
    beats b;
    const double began = ss_seconds();
    ss_status s = list_layers(r, t->images->n, &b);
    if (s == SS_OK) s = beats_make(r->ctx, t, &b);
    out->engine_seconds = ss_seconds() - began;
    out->n_partitions = r->n_parts;
    out->partitions = ss_arena_alloc(out->arena, (size_t)r->n_parts, sizeof *out->partitions);
    if (!out->partitions) s = SS_BAD;
    for (int32_t k = 0; k < r->n_parts && s == SS_OK; k++) {
        ss_progress(r->ctx, "partitions", (uint64_t)k, (uint64_t)r->n_parts);
        s = run_partition(r, k, &b, out);
    }
    beats_free(&b);
    return s == SS_OK ? predict(r->ctx, t, out) : s;
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
        ss_arena_free(a);
        return s;
    }
    *out = v;
    return v->deadlock ? SS_NO : SS_OK;
}

void ss_simulated_free(ss_simulated *s) {
    if (s) ss_arena_free(s->arena);
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
    for (int32_t k = 0; fifos && k < n->n_fifos; k++)
        json_array_append_new(
            fifos, json_pack("{s:I,s:I}", "depth", (json_int_t)n->depth[k], "most", (json_int_t)n->held[k]));
    return json_pack("{s:s,s:s,s:f,s:f,s:I,s:I,s:I,s:o}", "name", g->nodes[n->node].name, "op",
                     ss_op_name(g->nodes[n->node].op), "interval", n->interval, "cycles_predicted",
                     n->predicted, "busy", (json_int_t)n->busy, "starved", (json_int_t)n->starved, "blocked",
                     (json_int_t)n->blocked, "fifos", fifos);
}

static json_t *partition_json(const ss_simulated *s, const ss_sim_partition *p) {
    json_t *nodes = json_array(), *ends = json_array();
    for (int32_t i = 0; nodes && i < p->n_nodes; i++)
        json_array_append_new(nodes, node_json(s->g, &p->nodes[i]));
    for (int64_t i = 0; ends && !p->deadlock && i < s->images; i++)
        json_array_append_new(ends, json_integer(p->ends[i]));
    json_t *j = json_pack("{s:i,s:s,s:s,s:b,s:I,s:o,s:o,s:o,s:f,s:o}", "partition", (int)p->number, "first",
                          s->g->nodes[p->first].name, "last", s->g->nodes[p->last].name, "deadlock",
                          (int)p->deadlock, "cycles", (json_int_t)p->cycles, "interval",
                          spread_json(&p->interval, p->predicted_interval), "latency",
                          spread_json(&p->latency, p->predicted_latency), "last_cycle", ends, "seconds",
                          p->seconds, "nodes", nodes);
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
