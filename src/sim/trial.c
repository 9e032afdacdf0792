/* The partition once more, with other FIFOs, other beats, or in another order: what deadlocks, sizes and
 * losses are found with. */
#include "sim/parts.h"

#include <string.h>

#define FILL 10 /* images in a pipeline of any depth, and some more */

/* The first image finds an empty pipeline and leaves it sooner than those that wait behind others: between it and one of these
 * lies more than intervals. */
int64_t sim_fill(int64_t images) { return smaller(FILL, images / 4); }

static double interval_of(const sim *sm, const trial *x, const ss_sim_partition *p) {
    const int64_t last = sm->images - 1, from = x->filled ? sim_fill(sm->images) : 0;
    return last > from ? (double)(p->ends[last] - p->ends[from]) / (double)(last - from) : 0;
}

static ss_status describe(const sim *sm, const trial *x, const ss_sim_partition *p, ss_arena *a, trial_result *out) {
    *out = (trial_result){ .interval = interval_of(sm, x, p),
                           .fifos = ss_arena_alloc(a, (size_t)sm->n_fifos + 1, sizeof *out->fifos) };
    if (!out->fifos) return SS_BAD;
    for (int32_t i = 0; i < sm->n_nodes; i++) {
        const sim_node *sn = &sm->nodes[i];
        for (int32_t k = 0; k < SS_MAX_INPUTS && sn->fifo[k]; k++) {
            out->fifos[out->n_fifos++] = (trial_fifo){ .node = sn->node,
                                                       .input = k,
                                                       .lanes = sn->lanes[k],
                                                       .inside = sn->inside[k],
                                                       .most = fifo_most(sn->fifo[k]),
                                                       .deepest = fifo_deepest(sn->fifo[k]) };
        }
    }
    return SS_OK;
}

/* Those of r, then those of x, which go before. */
static const ss_rtl_depth *all_depths(const trial *x, ss_arena *a, int32_t *n) {
    const ss_rtl_opts *o = &x->r->opts;
    ss_rtl_depth *d = ss_arena_alloc(a, (size_t)(o->n_depths + x->n) + 1, sizeof *d);
    *n = o->n_depths + x->n;
    if (d && o->n_depths) memcpy(d, o->depths, (size_t)o->n_depths * sizeof *d);
    if (d && x->n) memcpy(d + o->n_depths, x->depths, (size_t)x->n * sizeof *d);
    return d;
}

ss_status trial_run(const trial *x, ss_arena *a, trial_result *out) {
    ss_rtl r = *x->r;
    ss_arena *own = ss_arena_new(r.ctx);
    if (!own) return SS_BAD;
    sim sm = { .ctx = r.ctx,
               .arena = own,
               .r = &r,
               .part = &r.parts[x->part],
               .beats = x->b,
               .images = x->images < x->b->images ? x->images : x->b->images,
               .lazy = x->lazy };
    ss_sim_partition p = { 0 };
    r.opts.depths = all_depths(x, own, &r.opts.n_depths);
    ss_status s = r.opts.depths ? sim_build(&sm) : SS_BAD;
    if (s == SS_OK) s = sim_run(&sm, &p);
    if (s == SS_OK) s = describe(&sm, x, &p, a, out);
    ss_arena_free(own);
    return s;
}

ss_status trial_endless(const trial *x, ss_arena *a, ss_rtl_depth **depths, int32_t *n) {
    const ss_graph *g = x->r->g;
    const ss_rtl_part *part = &x->r->parts[x->part];
    *n = 0;
    for (int32_t i = part->first; i <= part->last; i++) *n += g->nodes[i].n_in;
    *depths = ss_arena_alloc(a, (size_t)*n + 1, sizeof **depths);
    if (!*depths) return SS_BAD;
    *n = 0;
    for (int32_t i = part->first; i <= part->last; i++)
        for (int32_t k = 0; ss_rtl_is_join(&g->nodes[i]) && k < g->nodes[i].n_in; k++)
            (*depths)[(*n)++] = (ss_rtl_depth){
                .node = i, .input = k, .words = 2 * ss_rtl_words(x->r, part, ss_rtl_source(g, g->nodes[i].in[k])) + 2
            };
    return SS_OK;
}

/* ---- how deep the full FIFO of a deadlock has to be ---- */

#define CURE_IMAGES 2 /* the second shows what the first leaves behind */

static ss_status flows(const ss_rtl *r, int32_t part, const beats *b, const ss_rtl_depth *at) {
    const trial x = { .r = r, .part = part, .b = b, .images = CURE_IMAGES, .depths = at, .n = 1 };
    trial_result none;
    ss_arena *a = ss_arena_new(r->ctx);
    const ss_status s = a ? trial_run(&x, a, &none) : SS_BAD;
    ss_arena_free(a);
    return s;
}

/* By doubling and halving, up to a whole image. */
ss_status sim_find_cure(const ss_rtl *r, int32_t k, const beats *b, ss_rtl_depth *cure) {
    const ss_rtl_part *part = &r->parts[k];
    const int32_t tensor = ss_rtl_source(r->g, r->g->nodes[cure->node].in[cure->input]);
    const int64_t most = ss_rtl_words(r, part, tensor);
    ss_rtl_depth at = *cure;
    ss_mem mem;
    int64_t bad = ss_rtl_skip_depth(r, cure->node, cure->input, ss_rtl_lanes(r, part, tensor), &mem);
    ss_status s = SS_NO;
    for (at.words = bad; s == SS_NO && at.words < most;) {
        bad = at.words;
        at.words = 2 * bad < most ? 2 * bad : most;
        s = flows(r, k, b, &at);
    }
    if (s != SS_OK) return s == SS_NO ? SS_OK : s;
    cure->words = at.words;
    while (cure->words - bad > 1) {
        at.words = bad + (cure->words - bad) / 2;
        s = flows(r, k, b, &at);
        if (s == SS_BAD) return s;
        if (s == SS_OK) cure->words = at.words;
        else bad = at.words;
    }
    return SS_OK;
}
