/* The stages of a partition: what ss_rtl_top instantiates, with the parameters that it chooses. */
#include "sim/parts.h"

static int levels(int64_t n) {
    int bits = 0;
    while (((int64_t)1 << bits) < n) bits++;
    return bits;
}

static bool takes_room(const ss_node *n) {
    return n->op != SS_OP_FLATTEN && n->op != SS_OP_INPUT;
}

/* ---- ends of nodes ---- */

/* ss_relu; lo: the least value that comes. */
static stage *relu(sim *sm, int32_t node, int32_t lo, stage *s) {
    const ss_qnode *q = &sm->r->q->nodes[node];
    const int32_t largest = (1 << (sm->r->q->bits - 1)) - 1;
    const bool file = ss_rtl_has_thresholds(sm->r, node);
    if (q->n_thr == 0 || (!file && q->thr[0] == 0 && lo >= 0 && q->ceiling >= largest)) return s;
    return make_pipe(sm, s, file ? 3 : 1);
}

/* ss_requantise */
static stage *rescale(sim *sm, int32_t node, stage *s) {
    const ss_qnode *q = &sm->r->q->nodes[node];
    return make_pipe(sm, s, ss_rtl_has_scale(sm->r, node) ? 5 : q->mult[0] != 1 ? 3 : 1);
}

static stage *slice(sim *sm, stage *s) {
    return make_slice(sm, s);
}

/* ---- windows ---- */

static stage *window(sim *sm, const ss_node *n, int64_t lanes, int64_t cycles, stage *s) {
    const ss_window *w = &n->win;
    const ss_shape in = ss_graph_in_shape(sm->r->g, n);
    const window_shape p = { .deep = in.c / lanes,
                             .h = in.h,
                             .w = in.w,
                             .kh = w->kh,
                             .kw = w->kw,
                             .sh = w->sh,
                             .sw = w->sw,
                             .pt = w->pt,
                             .pl = w->pl,
                             .ho = n->shape.h,
                             .wo = n->shape.w,
                             .rows = ss_window_rows(w, in, n->shape),
                             .cache = ss_window_keeps_columns(w, n->shape, cycles) };
    return s ? make_window(sm, s, &p) : NULL;
}

static int32_t layer_of(const sim *sm, int32_t node) {
    for (int32_t i = 0; i < sm->beats->layers; i++)
        if (sm->beats->layer[i].node == node) return i;
    return -1;
}

static stage *window_engine(sim *sm, int32_t node, const ss_rtl_fold *f, stage *s) {
    if (f->crossbar && ((f->k >= 25 && f->m >= 4) || f->k > 64))
        s = make_pipe(sm, make_pipe(sm, s, 1), 1); /* ss_rank */
    engine_shape e = { .steps = f->steps, .folds = f->folds, .beats = f->crossbar ? 0 : f->beats };
    e.layer = f->crossbar ? layer_of(sm, node) : -1;
    e.latency = 5 + levels(f->ci * f->m) + (f->crossbar && f->m == 1);
    e.results = (int64_t)1 << levels((f->steps > 1 ? f->folds : 1) + e.latency + 2);
    return make_engine(sm, s, &e);
}

static stage *broadcast_engine(sim *sm, int32_t node, const ss_rtl_fold *f, int64_t number, stage *s) {
    const broadcast_shape b = { .kernel = f->k,
                                .number = number,
                                .pixels = f->pixels,
                                .row = sm->r->g->nodes[node].shape.w,
                                .passes = f->passes,
                                .parts = f->m,
                                .streams = f->ci * f->m,
                                .steps = f->steps,
                                .folds = f->folds,
                                .beats = f->co / f->sums,
                                .keep = f->fg / f->sums,
                                .lists = f->lists,
                                .queue = f->queue,
                                .results = f->results,
                                .layer = layer_of(sm, node) };
    return make_broadcast(sm, s, &b);
}

/* ss_broadcast_pixels */
static stage *side_by_side(sim *sm, sim_node *sn, const ss_rtl_fold *f, stage *s) {
    const ss_rtl_pixels p = ss_rtl_pixels_of(sm->r, sn->node, f);
    deal_shape turns = { .words = f->passes * f->steps / f->pixels,
                         .row = sm->r->g->nodes[sn->node].shape.w,
                         .n = (int32_t)f->pixels };
    stage *way[SS_MOST_PIXELS];
    if (!s || make_deal(sm, s, &turns, way) != SS_OK) return NULL;
    for (int32_t i = 0; i < turns.n && !sm->failed; i++) {
        s = make_fifo(sm, way[i], p.waiting, p.waiting_mem == SS_MEM_BRAM);
        sn->engine[i] = broadcast_engine(sm, sn->node, f, i, make_width(sm, s, f->wide, f->ci));
        way[i] = make_fifo(sm, sn->engine[i], p.held, p.held_mem == SS_MEM_BRAM);
    }
    sn->n_engines = turns.n;
    turns.words = f->passes * (f->fg / f->sums);
    return sm->failed ? NULL : make_gather(sm, way, &turns);
}

static stage *engine(sim *sm, sim_node *sn, const ss_rtl_fold *f, stage *s) {
    if (f->pixels > 1) return side_by_side(sm, sn, f, s);
    sn->n_engines = 1;
    return sn->engine[0] = f->broadcast ? broadcast_engine(sm, sn->node, f, 0, s) : window_engine(sm, sn->node, f, s);
}

static stage *convolution(sim *sm, sim_node *sn, int64_t lanes_in, int64_t lanes_out, stage *s) {
    const ss_node *n = &sm->r->g->nodes[sn->node];
    const ss_rtl_fold f = ss_rtl_fold_of(sm->r, sn->node);
    const int64_t held = ss_window_held(f.k, f.fg, ss_rtl_config(sm->r, sn->node));
    s = engine(sm, sn, &f, window(sm, n, f.wide, held, make_width(sm, s, lanes_in, f.wide)));
    sn->broadcast = f.broadcast;
    return relu(sm, sn->node, sm->r->q->nodes[sn->node].lo, rescale(sm, sn->node, make_width(sm, s, f.lanes, lanes_out)));
}

static stage *pool(sim *sm, int32_t node, int64_t lanes_in, int64_t lanes_out, stage *s) {
    const ss_node *n = &sm->r->g->nodes[node];
    const ss_window *w = &n->win;
    const ss_shape in = ss_graph_in_shape(sm->r->g, n);
    const int64_t lanes = later(lanes_in, lanes_out);
    s = make_width(sm, s, lanes_in, lanes);
    if (n->shape.h == 1 && n->shape.w == 1)
        s = make_pool_global(sm, s, in.c / lanes, in, smaller(w->kh - w->pt, in.h),
                             smaller(w->kw - w->pl, in.w));
    else s = make_pipe(sm, window(sm, n, lanes, 1, s), levels((int64_t)w->kh * w->kw));
    if (n->op == SS_OP_AVGPOOL && ss_rtl_has_scale(sm->r, node)) s = rescale(sm, node, s);
    s = make_width(sm, s, lanes, lanes_out);
    if (n->op == SS_OP_AVGPOOL && !ss_rtl_has_scale(sm->r, node)) s = rescale(sm, node, s);
    return slice(
        sm,
        relu(sm, node, n->op == SS_OP_AVGPOOL ? sm->r->q->nodes[node].lo : sm->r->q->nodes[n->in[0]].lo, s));
}

/* ---- the others ---- */

static const uint8_t *kept(sim *sm, int32_t size, int32_t offset, int32_t stride, int32_t count) {
    uint8_t *keep = ss_arena_alloc(sm->arena, (size_t)size, 1);
    sm->failed = sm->failed || !keep;
    for (int32_t i = 0; keep && i < count; i++) keep[offset + i * stride] = 1;
    return keep;
}

static stage *strided(sim *sm, const ss_node *n, int64_t lanes_in, int64_t lanes_out, stage *s) {
    const ss_shape in = ss_graph_in_shape(sm->r->g, n);
    const ss_window *w = &n->win;
    const bool even = w->sh > 1 && n->shape.h > 1 && n->shape.w * lanes_in > in.w * lanes_out;
    s = make_filter(sm, s, in.c / lanes_in, in, kept(sm, in.h, w->pt, w->sh, n->shape.h),
                    kept(sm, in.w, w->pl, w->sw, n->shape.w));
    s = make_fifo(sm, s, even ? n->shape.w * (in.c / lanes_in) : 0, false);
    return slice(sm, make_width(sm, s, lanes_in, lanes_out));
}

/* The least common divisor of all `of` that is not below least; 0: there is none. */
static int64_t common_step(const int64_t *of, int32_t n, int64_t least, int64_t most) {
    for (int64_t step = least; step <= most; step++) {
        bool fits = true;
        for (int32_t i = 0; i < n; i++) fits = fits && of[i] % step == 0;
        if (fits) return step;
    }
    return 0;
}

static stage *channel_pad(sim *sm, const ss_node *n, int64_t lanes_in, int64_t lanes_out, stage *s) {
    const int64_t c = ss_graph_in_shape(sm->r->g, n).c, of[3] = { c, n->pad_before, n->pad_after };
    const int64_t step = common_step(of, 3, lanes_out, c);
    if (step == 0) return slice(sm, make_width(sm, make_width(sm, s, lanes_in, c), n->shape.c, lanes_out));
    s = make_width(sm, s, lanes_in, step);
    s = make_fifo(sm, s, c / step, false);
    s = make_chanpad(sm, s, n->pad_before / step, c / step, n->pad_after / step);
    return slice(sm, make_width(sm, s, step, lanes_out));
}

static stage *join_fifo(sim *sm, sim_node *sn, int32_t k, int64_t lanes, int64_t depth, bool block, stage *s) {
    sn->inside[k] = lanes;
    s = make_fifo(sm, s, depth, block);
    if (s) s->ends = true;
    return sn->fifo[k] = sm->fifos[sm->n_fifos++] = s;
}

static stage *add(sim *sm, sim_node *sn, const int64_t *lanes, int64_t lanes_out, stage **in) {
    stage *wide[2];
    for (int32_t k = 0; k < 2; k++) {
        ss_mem mem;
        const int64_t depth = ss_rtl_skip_depth(sm->r, sn->node, k, (int32_t)lanes[k], &mem);
        wide[k] = make_width(sm, join_fifo(sm, sn, k, lanes[k], depth, mem == SS_MEM_BRAM, in[k]), lanes[k], lanes_out);
    }
    if (sm->failed) return NULL;
    stage *s = make_pipe(sm, sn->join = make_together(sm, wide, 2, true), 1);
    return slice(sm, relu(sm, sn->node, sm->r->q->nodes[sn->node].lo, s));
}

static stage *concat(sim *sm, sim_node *sn, const int64_t *lanes, int64_t lanes_out, stage **in) {
    const ss_node *n = &sm->r->g->nodes[sn->node];
    int64_t channels[SS_MAX_INPUTS], words[SS_MAX_INPUTS];
    stage *wide[SS_MAX_INPUTS];
    for (int32_t k = 0; k < n->n_in; k++) channels[k] = sm->r->g->nodes[n->in[k]].shape.c;
    const int64_t step = common_step(channels, n->n_in, lanes_out, n->shape.c);
    for (int32_t k = 0; k < n->n_in; k++) {
        ss_mem mem;
        const int64_t depth = ss_rtl_skip_depth(sm->r, sn->node, k, (int32_t)lanes[k], &mem);
        const int64_t into = step ? step : channels[k], pixel = lanes[k] < into ? channels[k] / into : 0;
        const bool block = mem == SS_MEM_BRAM;
        words[k] = channels[k] / into;
        if (step)
            wide[k] = join_fifo(sm, sn, k, into, ss_ceil_div(depth * lanes[k], into) + pixel, block,
                                make_width(sm, in[k], lanes[k], into));
        else wide[k] = make_width(sm, join_fifo(sm, sn, k, lanes[k], depth, block, in[k]), lanes[k], into);
    }
    if (sm->failed) return NULL;
    stage *s = step ? make_turns(sm, wide, words, n->n_in)
                    : (sn->join = make_together(sm, wide, n->n_in, false));
    s = make_pipe(sm, make_width(sm, s, step ? step : n->shape.c, lanes_out), 1);
    return slice(sm, relu(sm, sn->node, sm->r->q->nodes[sn->node].lo, s));
}

/* ---- the partition ---- */

typedef struct streams {
    stage ***reader; /* [tensor][reader]: what stands before each */
    int32_t *next;   /* [tensor]: readers that have theirs */
} streams;

static int32_t readers_of(const sim *sm, int32_t tensor) {
    int32_t n = tensor == sm->part->output;
    for (int32_t i = sm->part->first; i <= sm->part->last; i++) {
        const ss_node *node = &sm->r->g->nodes[i];
        for (int32_t k = 0; takes_room(node) && k < node->n_in; k++)
            n += ss_rtl_source(sm->r->g, node->in[k]) == tensor;
    }
    return n;
}

static ss_status publish(sim *sm, streams *st, int32_t tensor, stage *s) {
    const int32_t n = readers_of(sm, tensor);
    st->reader[tensor] = ss_arena_alloc(sm->arena, (size_t)n + 1, sizeof **st->reader);
    if (!s || !st->reader[tensor]) return SS_BAD;
    if (n > 1) return make_fork(sm, s, n, st->reader[tensor]);
    st->reader[tensor][0] = s;
    return SS_OK;
}

static stage *build_node(sim *sm, sim_node *sn, stage **in, const int64_t *lanes, int64_t out) {
    const ss_node *n = &sm->r->g->nodes[sn->node];
    switch (n->op) {
    case SS_OP_CONV:
        return convolution(sm, sn, lanes[0], out, in[0]);
    case SS_OP_RELU:
        return slice(sm,
                     relu(sm, sn->node, sm->r->q->nodes[n->in[0]].lo, make_width(sm, in[0], lanes[0], out)));
    case SS_OP_MAXPOOL:
    case SS_OP_AVGPOOL:
        return pool(sm, sn->node, lanes[0], out, in[0]);
    case SS_OP_SLICE:
        return strided(sm, n, lanes[0], out, in[0]);
    case SS_OP_CHANPAD:
        return channel_pad(sm, n, lanes[0], out, in[0]);
    case SS_OP_ADD:
        return add(sm, sn, lanes, out, in);
    case SS_OP_CONCAT:
        return concat(sm, sn, lanes, out, in);
    default:
        return NULL;
    }
}

static ss_status add_node(sim *sm, streams *st, int32_t i) {
    const ss_node *n = &sm->r->g->nodes[i];
    sim_node *sn = &sm->nodes[sm->n_nodes++];
    int64_t lanes[SS_MAX_INPUTS];
    stage *in[SS_MAX_INPUTS];
    *sn = (sim_node){ .node = i,
                      .words = ss_rtl_words(sm->r, sm->part, i),
                      .ends = ss_arena_alloc(sm->arena, (size_t)sm->images, sizeof *sn->ends) };
    if (!sn->ends) return SS_BAD;
    sm->now = i;
    const int32_t before = sm->n_stages;
    if (n->op == SS_OP_INPUT) {
        sn->first[sn->n_first++] = sn->last = slice(sm, sm->source);
        return publish(sm, st, i, sn->last);
    }
    for (int32_t k = 0; k < n->n_in; k++) {
        const int32_t tensor = ss_rtl_source(sm->r->g, n->in[k]);
        sn->lanes[k] = lanes[k] = ss_rtl_lanes(sm->r, sm->part, tensor);
        in[k] = st->reader[tensor][st->next[tensor]++];
        if (readers_of(sm, tensor) > 1) sn->branch[k] = in[k];
    }
    sn->last = build_node(sm, sn, in, lanes, ss_rtl_lanes(sm->r, sm->part, i));
    if (sm->failed || !sn->last) return SS_BAD;
    for (int32_t j = before; j < sm->n_stages; j++)
        for (int32_t k = 0; k < n->n_in; k++)
            if (sm->stages[j]->from == in[k]) sn->first[sn->n_first++] = sm->stages[j];
    return publish(sm, st, i, sn->last);
}

ss_status sim_build(sim *sm) {
    const int32_t n = sm->r->g->n;
    const ss_rtl_part *p = sm->part;
    streams st = { .reader = ss_arena_alloc(sm->arena, (size_t)n, sizeof *st.reader),
                   .next = ss_arena_alloc(sm->arena, (size_t)n, sizeof *st.next) };
    sm->nodes = ss_arena_alloc(sm->arena, (size_t)n, sizeof *sm->nodes);
    sm->fifos = ss_arena_alloc(sm->arena, (size_t)n * SS_MAX_INPUTS, sizeof *sm->fifos);
    sm->starts = ss_arena_alloc(sm->arena, (size_t)sm->images, sizeof *sm->starts);
    if (!st.reader || !st.next || !sm->nodes || !sm->fifos || !sm->starts) return SS_BAD;
    sm->now = p->input;
    sm->words_in = ss_rtl_words(sm->r, p, p->input);
    sm->words_out = ss_rtl_words(sm->r, p, p->output);
    sm->source = make_source(sm, sm->words_in * sm->images);
    if (!sm->source) return SS_BAD;
    if (p->input < p->first && publish(sm, &st, p->input, slice(sm, sm->source)) != SS_OK) return SS_BAD;
    for (int32_t i = p->first; i <= p->last; i++)
        if (!ss_rtl_is_wire(&sm->r->g->nodes[i]) && add_node(sm, &st, i) != SS_OK) return SS_BAD;
    sm->now = p->output;
    sm->sink = slice(sm, st.reader[p->output][st.next[p->output]]);
    return sm->sink && !sm->failed ? SS_OK : SS_BAD;
}
