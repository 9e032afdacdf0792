/* What depends on the interval: the lanes of every stream, and with them converters, requantisers, activations, and
 * the whole of the nodes that have no engine of their own. */
#include "cost/modules.h"
#include "cost/node.h"

#define FIFO_DEPTH 2
#define MEAN_SHIFT 22   /* of the multiplier of an average over some 64 elements */
#define ADD_ALIGNMENT 3 /* bits that a sum of two is wider than an element: one, and a shift to one scale */

static double slower(double a, double b) { return a > b ? a : b; }

ss_streams ss_node_streams(const ss_cost_node *n, double interval) {
    ss_streams s = { .cycles = 0 };
    for (int32_t k = 0; k < n->n_in; k++) {
        s.lanes[k] = ss_lanes(n->in_elems[k], n->in_c[k], interval);
        s.cycles = slower(s.cycles, (double)(n->in_elems[k] / s.lanes[k]));
    }
    s.out = ss_lanes(n->out_elems, n->node->shape.c, interval);
    s.cycles = slower(s.cycles, (double)(n->out_elems / s.out));
    return s;
}

/* Bits of a sum over the window, and what the requantiser's `pre` shift leaves of it. */
static int64_t pool_sum_bits(const ss_cost_node *n, int bits) {
    return bits + ss_log2_ceil((int64_t)n->node->win.kh * n->node->win.kw);
}

/* The average's divisor is a constant, but where padding does not count in it. */
static bool divisor_varies(const ss_node *v) {
    return v->op == SS_OP_AVGPOOL && !v->count_pad && (v->win.pt || v->win.pl || v->win.pb || v->win.pr);
}

/* A pool works on as many channels at once as its busier side has lanes. One window an image needs no line buffer,
 * only a running value a channel. */
static void add_pool(const ss_cost *c, const ss_cost_node *n, const ss_streams *s, ss_resources *res) {
    const ss_window *w = &n->node->win;
    ss_shape in = c->g->nodes[n->node->in[0]].shape;
    int bits = c->opts.bits;
    bool average = n->node->op == SS_OP_AVGPOOL, varies = divisor_varies(n->node);
    int64_t lanes = s->lanes[0] > s->out ? s->lanes[0] : s->out, k = (int64_t)w->kh * w->kw;
    int64_t sum = average ? pool_sum_bits(n, bits) : bits, kept = sum < 27 ? sum : 27;
    if (n->node->shape.h == 1 && n->node->shape.w == 1) {
        ss_res_add(res, SS_COST_OF(SS_MOD_POOL_GLOBAL, lanes, bits, in.c / lanes, in.h, in.w, !average), 1);
    } else {
        ss_window_form form = ss_window_form_of(c->dev, w, in, n->node->shape, lanes, bits, 1);
        ss_res_add(res, ss_part_window(in, n->node, lanes, bits, form), 1);
        ss_res_add(res, average ? SS_COST_OF(SS_MOD_POOL_AVG, lanes, bits, k, varies)
                                : SS_COST_OF(SS_MOD_POOL_MAX, lanes, bits, k), 1);
    }
    ss_res_add(res, ss_part_converter(s->lanes[0], lanes, bits), 1);
    ss_res_add(res, ss_part_converter(lanes, s->out, average && !varies ? (int)kept : bits), 1);
    if (varies) ss_res_add(res, ss_part_requantise(SS_MEM_LUT, lanes, lanes, (int)kept, bits), 1);
    else if (average) ss_res_add(res, SS_COST_OF(SS_MOD_SCALE, s->out, kept, bits, MEAN_SHIFT), 1);
    ss_res_add(res, ss_part_slice(s->out, bits), 1);
}

static double longest_lag(const ss_cost *c, const ss_cost_node *n) {
    double longest = 0;
    for (int32_t k = 0; k < n->n_in; k++) longest = slower(longest, c->nodes[n->node->in[k]].lag);
    return longest;
}

/* Branches that meet differ in how much of an image they hold (lag), and the FIFO of the branch that holds less must
 * hold that much of its own tensor, or the fork before them stops for ever. One row more lets them run unevenly, and where
 * rows pass in fewer cycles than a pixel takes through the longer branch, a word for each of these cycles. */
static int64_t skip_depth(const ss_cost *c, const ss_cost_node *n, int32_t k, int64_t words) {
    const ss_cost_node *from = &c->nodes[n->node->in[k]];
    double ahead = longest_lag(c, n) - from->lag, behind = 0;
    if (!(ahead > 0)) return FIFO_DEPTH;
    for (int32_t i = 0; i < n->n_in; i++) behind = slower(behind, c->nodes[n->node->in[i]].behind - from->behind);
    const double row = (double)(words / from->node->shape.h);
    return (int64_t)(ahead * (double)words) + (int64_t)slower(row, behind) + FIFO_DEPTH;
}

static int64_t at_least_two(int64_t n) { return n < FIFO_DEPTH ? FIFO_DEPTH : n; }

int64_t ss_safe_room(const ss_cost *c, const ss_cost_node *n, int32_t k) {
    double ahead = longest_lag(c, n) - c->nodes[n->node->in[k]].lag;
    return ahead > 0 ? (int64_t)(ahead * (double)n->in_elems[k]) + FIFO_DEPTH * n->in_c[k] : 0;
}

int64_t ss_cost_skip_depth(const ss_cost *c, int32_t node, int32_t input, int32_t lanes) {
    const ss_cost_node *n = &c->nodes[node];
    if (n->tuning.room[input] > 0) return at_least_two(ss_ceil_div(n->tuning.room[input], lanes));
    return skip_depth(c, n, input, n->in_elems[input] / lanes);
}

/* Words that are joined: LANES_OUT lanes or the next number that divides the channels of all parts; 0: there is
 * none, and whole pixels are joined. */
static int64_t join_lanes(const int64_t *parts, int n, int64_t least) {
    int64_t most = parts[0];
    for (int64_t lanes = least; lanes <= most; lanes++) {
        bool fits = true;
        for (int i = 0; i < n; i++) fits = fits && parts[i] % lanes == 0;
        if (fits) return lanes;
    }
    return 0;
}

static void add_concat(const ss_cost *c, const ss_cost_node *n, const ss_streams *s, ss_resources *res) {
    int bits = c->opts.bits;
    int64_t parts[SS_MAX_INPUTS] = { 0 }, channels = n->node->shape.c;
    for (int32_t k = 0; k < n->n_in; k++) parts[k] = n->in_c[k];
    int64_t lanes = join_lanes(parts, n->n_in, s->out), joined = lanes ? lanes : channels;
    for (int32_t k = 0; k < n->n_in; k++) {
        int64_t wide = lanes ? lanes : n->in_c[k],
                depth = ss_cost_skip_depth(c, (int32_t)(n - c->nodes), k, s->lanes[k]);
        if (lanes) depth = ss_ceil_div(depth * s->lanes[k], wide) + (s->lanes[k] < wide ? n->in_c[k] / wide : 0);
        ss_res_add(res, ss_part_fifo(c->dev, (lanes ? wide : s->lanes[k]) * bits, at_least_two(depth)), 1);
        ss_res_add(res, ss_part_converter(s->lanes[k], wide, bits), 1);
    }
    if (lanes) ss_res_add(res, SS_COST_OF(SS_MOD_CONCAT, n->n_in, lanes, bits), 1);
    ss_res_add(res, ss_part_converter(joined, s->out, bits + 1), 1);
    ss_res_add(res, SS_COST_OF(SS_MOD_ADD, s->out, bits, bits + 1), 1);
}

static void add_add(const ss_cost *c, const ss_cost_node *n, const ss_streams *s, ss_resources *res) {
    int bits = c->opts.bits;
    for (int32_t k = 0; k < n->n_in; k++) {
        int64_t depth = ss_cost_skip_depth(c, (int32_t)(n - c->nodes), k, s->lanes[k]);
        ss_res_add(res, ss_part_fifo(c->dev, (int64_t)s->lanes[k] * bits, depth), 1);
        ss_res_add(res, ss_part_converter(s->lanes[k], s->out, bits), 1);
    }
    ss_res_add(res, SS_COST_OF(SS_MOD_ADD, s->out, bits, bits + ADD_ALIGNMENT), 1);
}

static void add_conv(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg, const ss_streams *s,
                     ss_resources *res) {
    int bits = c->opts.bits, result = ss_result_bits(n);
    ss_res_add(res, ss_part_converter(s->lanes[0], ss_window_lanes(cfg), bits), 1);
    ss_res_add(res, ss_part_converter(ss_result_lanes(cfg), s->out, result), 1);
    ss_res_add(res, ss_part_requantise(ss_fold_rom_style(c, n, cfg), s->out, n->f, result, bits), 1);
    if (c->dev->family[0] == '7' && result > 25) res->r[SS_DSP] += s->out; /* a DSP48E1 multiplies 25 x 18 bits */
}

static void add_slice(const ss_cost *c, const ss_cost_node *n, const ss_streams *s, ss_resources *res) {
    int bits = c->opts.bits;
    ss_shape in = c->g->nodes[n->node->in[0]].shape;
    ss_res_add(res, SS_COST_OF(SS_MOD_SLICE_SPACE, s->lanes[0] * bits, in.c / s->lanes[0], in.h, in.w), 1);
    ss_res_add(res, ss_part_converter(s->lanes[0], s->out, bits), 1);
    ss_res_add(res, ss_part_slice(s->out, bits), 1);
}

static void add_chanpad(const ss_cost *c, const ss_cost_node *n, const ss_streams *s, ss_resources *res) {
    int bits = c->opts.bits;
    const ss_node *v = n->node;
    int64_t parts[] = { n->in_c[0], v->pad_before, v->pad_after }, lanes = join_lanes(parts, 3, s->out);
    int64_t in = lanes ? lanes : n->in_c[0], out = lanes ? lanes : v->shape.c;
    ss_res_add(res, ss_part_converter(s->lanes[0], in, bits), 1);
    if (lanes) {
        ss_res_add(res, ss_part_fifo(c->dev, lanes * bits, at_least_two(parts[0] / lanes)), 1);
        ss_res_add(
            res, SS_COST_OF(SS_MOD_CHANPAD, lanes * bits, parts[1] / lanes, parts[0] / lanes, parts[2] / lanes), 1);
    }
    ss_res_add(res, ss_part_converter(out, s->out, bits), 1);
    ss_res_add(res, ss_part_slice(s->out, bits), 1);
}

static int64_t thresholds_of(const ss_cost_node *n) {
    return !n->node->act.on ? 0 : n->node->act.per_channel ? n->node->shape.c : 1;
}

ss_resources ss_stream_resources(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg, const ss_streams *s) {
    ss_resources res = ss_part_activation(c->dev, s->out, thresholds_of(n), c->opts.bits);
    if (n->node->op == SS_OP_INPUT) return res; /* the shell's stream */
    if (n->readers > 1) ss_res_add(&res, ss_part_fork(s->out, c->opts.bits, n->readers), 1);
    ss_res_add(&res, ss_part_counters(), 1);
    switch (n->node->op) {
    case SS_OP_CONV: add_conv(c, n, cfg, s, &res); break;
    case SS_OP_MAXPOOL:
    case SS_OP_AVGPOOL: add_pool(c, n, s, &res); break;
    case SS_OP_ADD: add_add(c, n, s, &res); break;
    case SS_OP_CONCAT: add_concat(c, n, s, &res); break;
    case SS_OP_SLICE: add_slice(c, n, s, &res); break;
    case SS_OP_CHANPAD: add_chanpad(c, n, s, &res); break;
    case SS_OP_RELU:
        ss_res_add(&res, ss_part_converter(s->lanes[0], s->out, c->opts.bits), 1);
        ss_res_add(&res, ss_part_slice(s->out, c->opts.bits), 1);
        break;
    default: break; /* a FLATTEN is wires */
    }
    return res;
}
