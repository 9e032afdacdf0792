/* predict: what the design and the cost model say about the cycles that are measured.
 *
 * The interval is that of the slowest node; off-chip bandwidth, which a design's own interval also heeds,
 * does not bind in simulation. The model is fed twice: with all images but the first for what is measured
 * between images, and with the first for its latency. */
#include "verify/parts.h"

#include <math.h>

/* Images from..to-1 of the task, as a dataset. */
static ss_dataset part_of(const ss_dataset *d, int64_t from, int64_t to) {
    ss_dataset view = *d;
    view.n = to - from;
    view.labels = d->labels + from;
    view.pixels = d->pixels + from * ss_shape_size(d->shape);
    return view;
}

/* The design's hardware fed with these images, and the cost model that says so. */
typedef struct fed {
    ss_design *design;
    ss_cost *cost;
} fed;

static void fed_free(fed *f) {
    ss_design_free(f->design);
    ss_cost_free(f->cost);
}

static ss_status feed(ss_ctx *ctx, const ss_verify_task *t, ss_dataset images, fed *out) {
    ss_profile *p;
    const ss_cost_opts opts = { .bits = t->design->bits, .tuning = t->design->tuning };
    *out = (fed){ NULL, NULL };
    if (ss_design_profile(ctx, t->design, t->g, t->e, t->q, &images, t->norm, &p) != SS_OK) return SS_BAD;
    ss_status s = ss_estimate(ctx, t->design, t->g, p, &out->design);
    if (s == SS_OK) s = ss_cost_new(ctx, t->g, p, &t->design->device, opts, &out->cost);
    ss_profile_free(p);
    return s;
}

static double node_cycles(const ss_partition *p, int32_t node) {
    return p->configs[node - p->first].cycles;
}

/* The slowest of the verified nodes. */
static double slowest(const ss_partition *p, const ss_verified_partition *v) {
    double cycles = 0;
    for (int32_t i = 0; i < v->n_nodes; i++) cycles = fmax(cycles, node_cycles(p, v->nodes[i].node));
    return cycles;
}

static double latency(const ss_cost *c, const ss_partition *p, const ss_verified_partition *v) {
    return ss_cost_latency(c, v->first, v->last, &p->configs[v->first - p->first]);
}

static void predict(const ss_verify_task *t, const fed *steady, const fed *first, int32_t k,
                    ss_verified_partition *v) {
    const ss_partition *designed = &t->design->partitions[k], *later = &steady->design->partitions[k];
    for (int32_t i = 0; i < v->n_nodes; i++) {
        v->nodes[i].designed = node_cycles(designed, v->nodes[i].node);
        v->nodes[i].predicted = node_cycles(later, v->nodes[i].node);
    }
    v->interval.designed = slowest(designed, v);
    v->interval.predicted = slowest(later, v);
    v->latency.designed = latency(first->cost, designed, v);
    v->latency.predicted = latency(first->cost, &first->design->partitions[k], v);
}

ss_status ss_predict(ss_ctx *ctx, const ss_verify_task *t, const ss_hw *hw, ss_verification *v) {
    fed steady = { NULL, NULL }, first = { NULL, NULL };
    const ss_dataset *d = t->images;
    ss_status s = feed(ctx, t, part_of(d, 0, 1), &first);
    if (s == SS_OK) s = feed(ctx, t, part_of(d, d->n > 1, d->n), &steady);
    for (int32_t i = 0; i < hw->n && s == SS_OK; i++)
        predict(t, &steady, &first, (int32_t)(hw->partitions[i].design - t->design->partitions),
                &v->partitions[i]);
    fed_free(&steady);
    fed_free(&first);
    return s;
}
