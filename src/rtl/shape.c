/* The numbers behind the modules' parameters, from folding and shapes (formulas: docs/hardware.md). */
#include "base/share.h"
#include "rtl/gen.h"

const ss_config *ss_rtl_config(const ss_rtl *r, int32_t node) {
    const ss_partition *p = &r->d->partitions[ss_rtl_partition_of(r->d, node)];
    return &p->configs[node - p->first];
}

/* Inside its own partition a tensor has the lanes of its node; into another one, those that meet that one's
 * interval. */
int32_t ss_rtl_lanes(const ss_rtl *r, const ss_rtl_part *part, int32_t tensor) {
    ss_shape s = ss_rtl_shape(r, tensor);
    if (tensor >= part->p->first) return ss_rtl_config(r, tensor)->lanes_out;
    return ss_lanes(ss_shape_size(s), s.c, part->p->target);
}

static void set_memories(ss_rtl_fold *f, int64_t bits) {
    const int64_t rows = f->passes * f->steps * f->folds, lane = f->co * bits, streams = f->gr * f->ci;
    f->memories = 1;
    if (f->broadcast) {
        f->memories = streams * f->m;
        f->width = lane;
        f->depth = f->passes * f->folds * ss_share_rows(f->steps, f->k, f->m);
    } else if (f->crossbar && f->m == 1) {
        f->memories = streams;
        f->width = lane;
        f->depth = rows * f->k;
    } else {
        f->width = streams * lane * (f->crossbar ? f->k : f->m);
        f->depth = rows * f->beats;
    }
}

ss_rtl_fold ss_rtl_fold_of(const ss_rtl *r, int32_t node) {
    const ss_node *n = &r->g->nodes[node];
    const ss_config *c = ss_rtl_config(r, node);
    ss_rtl_fold f = { .k = (int64_t)n->win.kh * n->win.kw,
                      .groups = n->groups,
                      .gr = c->gr,
                      .ci = c->ci,
                      .co = c->co,
                      .m = c->m,
                      .sums = c->sums,
                      .queue = c->queue,
                      .lists = c->lists,
                      .results = c->results,
                      .pixels = ss_pixels(c),
                      .wide = ss_window_lanes(c) };
    f.cg = ss_graph_in_shape(r->g, n).c / n->groups;
    f.fg = n->shape.c / n->groups;
    f.broadcast = c->engine == SS_ENGINE_BROADCAST;
    f.crossbar = c->engine == SS_ENGINE_CROSSBAR && f.m < f.k;
    f.passes = f.groups / f.gr;
    f.steps = f.cg / f.ci;
    f.folds = ss_ceil_div(f.fg, f.co); /* of a broadcast engine, the last may have fewer filters */
    f.beats = f.crossbar ? 1 : f.k / f.m;
    f.lanes = f.broadcast ? f.sums : f.gr * f.co;
    set_memories(&f, r->q->bits);
    return f;
}

ss_rtl_pixels ss_rtl_pixels_of(const ss_rtl *r, int32_t node, const ss_rtl_fold *f) {
    const ss_device *dev = &r->d->device;
    const int64_t bits = r->q->bits, result = r->q->nodes[node].acc_bits - r->q->nodes[node].pre;
    ss_rtl_pixels p = { .waiting = ss_cost_pixel_waiting(f->groups * f->cg / f->wide),
                        .held = ss_cost_pixel_held(f->groups * f->fg / f->sums) };
    p.waiting_mem = ss_buffer_style(dev, f->wide * f->k * bits, p.waiting);
    p.held_mem = ss_buffer_style(dev, f->sums * result, p.held);
    return p;
}
