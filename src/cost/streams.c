/* What depends on the interval: the lanes of every stream, and with them converters, requantisers, activations, and
 * the whole of the nodes that have no engine of their own. */
#include "cost/node.h"

#define FIFO_DEPTH 2

static bool is_pool(const ss_node *n) { return n->op == SS_OP_MAXPOOL || n->op == SS_OP_AVGPOOL; }

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

/* A pool works on as many channels at once as its busier side has lanes. A window over the whole map needs no line
 * buffer, only one running value a channel. */
static void add_pool(const ss_cost *c, const ss_cost_node *n, const ss_streams *s, ss_resources *res) {
    const ss_window *w = &n->node->win;
    ss_shape in = c->g->nodes[n->node->in[0]].shape;
    int bits = c->opts.bits;
    bool average = n->node->op == SS_OP_AVGPOOL;
    int64_t lanes = s->lanes[0] > s->out ? s->lanes[0] : s->out, deep = in.c / lanes, k = (int64_t)w->kh * w->kw;
    if (n->node->shape.h == 1 && n->node->shape.w == 1) {
        int width = bits + (average ? ss_log2_ceil(k) : 0);
        ss_res_add(res, ss_part_accumulator(c->dev, lanes, width, deep), 1);
    } else {
        ss_res_add(res, ss_part_window(c->dev, w->kh, w->kw, in.w, deep, lanes, bits), 1);
        ss_res_add(res, ss_part_pool(lanes, k, bits, average), 1);
    }
    ss_res_add(res, ss_part_converter(s->lanes[0], lanes, bits), 1);
    ss_res_add(res, ss_part_converter(lanes, s->out, bits), 1);
    if (average) ss_res_add(res, ss_part_requantise(c->dev, s->out, s->out, bits, true), 1);
    ss_res_add(res, ss_part_control(3), 1);
}

/* Branches that meet differ in how much of an image they hold (lag), and the FIFO of the branch that holds less must
 * hold that much of its own tensor, or the fork before them stops for ever; one row more lets them run unevenly. */
static int64_t skip_depth(const ss_cost *c, const ss_cost_node *n, int32_t k, int64_t words, double longest) {
    int32_t from = n->node->in[k];
    double ahead = longest - c->nodes[from].lag;
    if (!(ahead > 0)) return FIFO_DEPTH;
    return (int64_t)(ahead * (double)words) + words / c->g->nodes[from].shape.h + FIFO_DEPTH;
}

static double longest_lag(const ss_cost *c, const ss_cost_node *n) {
    double longest = 0;
    for (int32_t k = 0; k < n->n_in; k++) longest = slower(longest, c->nodes[n->node->in[k]].lag);
    return longest;
}

int64_t ss_cost_skip_depth(const ss_cost *c, int32_t node, int32_t input, int32_t lanes) {
    const ss_cost_node *n = &c->nodes[node];
    return skip_depth(c, n, input, n->in_elems[input] / lanes, longest_lag(c, n));
}

static void add_join(const ss_cost *c, const ss_cost_node *n, const ss_streams *s, ss_resources *res) {
    int bits = c->opts.bits;
    for (int32_t k = 0; k < n->n_in; k++) {
        int64_t depth = ss_cost_skip_depth(c, (int32_t)(n - c->nodes), k, s->lanes[k]);
        ss_res_add(res, ss_memory_buffer(c->dev, (int64_t)s->lanes[k] * bits, depth), 1);
        ss_res_add(res, ss_part_converter(s->lanes[k], s->out, bits), 1);
    }
    if (n->node->op == SS_OP_ADD) ss_res_add(res, ss_part_adder_tree(2, bits), s->out);
    ss_res_add(res, ss_part_requantise(c->dev, s->out, s->out, bits, false), 1);
    ss_res_add(res, ss_part_control(n->node->op == SS_OP_CONCAT ? 2 : 0), 1);
}

static void add_conv(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg, const ss_streams *s,
                     ss_resources *res) {
    int bits = c->opts.bits, result = ss_result_bits(n);
    ss_res_add(res, ss_part_converter(s->lanes[0], (int64_t)cfg->gr * cfg->ci, bits), 1);
    ss_res_add(res, ss_part_converter((int64_t)cfg->gr * cfg->co, s->out, result), 1);
    ss_res_add(res, ss_part_requantise(c->dev, s->out, n->f, bits, true), 1);
}

ss_resources ss_stream_resources(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg, const ss_streams *s) {
    ss_resources res = ss_part_stream(s->out, c->opts.bits);
    if (n->node->act.on) ss_res_add(&res, ss_part_activation(s->out, c->opts.bits), 1);
    if (n->readers > 1) ss_res_add(&res, ss_part_fork(n->readers), 1);
    if (n->node->op == SS_OP_CONV) {
        add_conv(c, n, cfg, s, &res);
    } else if (is_pool(n->node)) {
        add_pool(c, n, s, &res);
    } else if (n->n_in > 1) {
        add_join(c, n, s, &res);
    } else {
        ss_res_add(&res, ss_part_converter(s->lanes[0], s->out, c->opts.bits), 1);
        ss_res_add(&res, ss_part_control(2), 1);
    }
    if (n->node->op == SS_OP_FLATTEN && n->out_elems > n->in_c[0]) /* pixel order to channel order: two maps */
        ss_res_add(&res, ss_memory_buffer(c->dev, (int64_t)s->out * c->opts.bits, 2 * n->out_elems / s->out), 1);
    return res;
}
