/* Latency of a partition, and what it moves.
 *
 * Three times are followed along the graph: `first`, when a node's first pixel is out, `last`, when its last is, and
 * `step`, from one pixel to the next: arrival(p) = min(last, first + p * step). The pixels that padding completes
 * follow the last input in a burst, so step is not (last - first)/(P - 1). With T the node's own cycles an image, P
 * its output pixels, `lead` the index of the input pixel that completes the first window, `tail` the number of output
 * pixels that wait for the last input pixel, and D the pipeline's depth:
 *   convolution  first = arrival(lead) + T/P + D          last = max(first + T*(P-1)/P, arrival(end) + T*tail/P + D)
 *   streaming    first = max(arrival(lead), T*(lead+1)/pixels after the first arrival) + D
 *                last  = max(arrival(end), first arrival + T) + D
 *   both         step  = max(T/P, the input's step * input pixels / P)
 * Nothing is counted twice: a fully connected layer is a convolution of one pixel, so first = last = arrival(end) +
 * T + D. */
#include "cost/node.h"

#include <math.h>

#define WINDOW_DEPTH 3   /* line buffer read, column register, window register */
#define ENGINE_DEPTH 7   /* select, value, operand, product, sum, result FIFO and its output */
#define BROADCAST_DEPTH 15 /* fork, end of the list, fold to result 9, join and bias 2, its FIFO, besides making the list */
#define RESCALE_DEPTH 6  /* ss_requantise, ss_relu */
#define PLAIN_DEPTH 3    /* any other node: its own register, rounding, register slice */
#define LOAD_STREAM_BITS 64
#define SLOPE_STEP 1e-4 /* of a node's cycles */

typedef struct span {
    double first, step, last;
} span;

/* What a node takes: its cycles an image, and its depth. */
typedef struct effort {
    double cycles, depth;
} effort;

static double arrival(span s, double pixel) { return fmin(s.last, s.first + pixel * s.step); }

static int32_t clamp(int32_t v, int32_t hi) { return v < 0 ? 0 : v < hi ? v : hi; }

/* First output position along an axis whose window reaches the last input position. */
static int32_t reaching(int32_t kernel, int32_t stride, int32_t pad, int32_t size, int32_t outputs) {
    int32_t need = size - 1 + pad - (kernel - 1);
    return clamp(need > 0 ? (need + stride - 1) / stride : 0, outputs - 1);
}

static bool windowed(const ss_node *v) {
    return v->op == SS_OP_CONV || v->op == SS_OP_MAXPOOL || v->op == SS_OP_AVGPOOL;
}

static double depth_of(const ss_cost_node *n, const ss_config *cfg) {
    if (n->node->op != SS_OP_CONV) return PLAIN_DEPTH + (windowed(n->node) ? WINDOW_DEPTH : 0);
    int levels = ss_log2_ceil((int64_t)cfg->ci * cfg->m);
    if (cfg->engine == SS_ENGINE_BROADCAST)
        return WINDOW_DEPTH + BROADCAST_DEPTH + ss_broadcast_list_cycles(n, cfg) + (levels < 2 ? 2 : levels) + RESCALE_DEPTH;
    return WINDOW_DEPTH + ENGINE_DEPTH + levels + RESCALE_DEPTH;
}

static span conv_span(const ss_node *v, effort e, ss_shape in, span from) {
    double pixels = (double)in.h * in.w, outputs = (double)v->shape.h * v->shape.w;
    int32_t y = clamp(v->win.kh - 1 - v->win.pt, in.h - 1), x = clamp(v->win.kw - 1 - v->win.pl, in.w - 1);
    int32_t ty = reaching(v->win.kh, v->win.sh, v->win.pt, in.h, v->shape.h);
    int32_t tx = reaching(v->win.kw, v->win.sw, v->win.pl, in.w, v->shape.w);
    double tail = outputs - ((double)ty * v->shape.w + tx), pixel = e.cycles / outputs;
    span s;
    s.first = arrival(from, (double)y * in.w + x) + pixel + e.depth;
    s.step = fmax(pixel, from.step * pixels / outputs);
    s.last = fmax(s.first + pixel * (outputs - 1), from.last + pixel * tail + e.depth);
    return s;
}

static span plain_span(const ss_node *v, effort e, ss_shape in, span from) {
    double pixels = (double)in.h * in.w, outputs = (double)v->shape.h * v->shape.w, lead = 0;
    if (windowed(v)) {
        int32_t y = clamp(v->win.kh - 1 - v->win.pt, in.h - 1), x = clamp(v->win.kw - 1 - v->win.pl, in.w - 1);
        lead = (double)y * in.w + x;
    }
    /* `from.first` is the end of the first pixel: its own share of the work has passed by then at the latest. */
    double work = e.cycles / pixels;
    span s;
    s.first = fmax(arrival(from, lead), from.first + work * lead) + e.depth;
    s.step = fmax(e.cycles, from.step * pixels) / outputs;
    s.last = fmax(fmax(from.last, from.first + work * (pixels - 1)) + e.depth, s.first);
    return s;
}

/* A tensor that comes from outside the partition streams in as fast as its reader takes it. */
static span outside(double cycles, ss_shape shape) {
    double step = cycles / ((double)shape.h * shape.w);
    return (span){ step, step, cycles };
}

static span node_span(const ss_cost *c, int32_t i, int32_t first, const ss_config *cfg, effort e, const span *spans) {
    const ss_cost_node *n = &c->nodes[i];
    const ss_node *v = n->node;
    if (v->op == SS_OP_INPUT) return outside(e.cycles, v->shape);
    span from = { 0, 0, 0 };
    for (int32_t k = 0; k < v->n_in; k++) {
        ss_shape shape = c->g->nodes[v->in[k]].shape;
        span s = v->in[k] >= first ? spans[v->in[k] - first]
                                   : outside((double)(n->in_elems[k] / cfg->lanes_in), shape);
        from.first = fmax(from.first, s.first);
        from.step = fmax(from.step, s.step);
        from.last = fmax(from.last, s.last);
    }
    ss_shape in = ss_graph_in_shape(c->g, v);
    return v->op == SS_OP_CONV ? conv_span(v, e, in, from) : plain_span(v, e, in, from);
}

double ss_cost_depth(const ss_cost *c, int32_t node, const ss_config *cfg) { return depth_of(&c->nodes[node], cfg); }

/* Nodes first..last, of which the node `bumped` takes `more` than its configuration says. */
static double follow(const ss_cost *c, int32_t first, int32_t last, const ss_config *configs, int32_t bumped, effort more,
                     span *spans) {
    double latest = 0;
    for (int32_t i = first; i <= last; i++) {
        const ss_config *cfg = &configs[i - first];
        effort e = { cfg->cycles, depth_of(&c->nodes[i], cfg) };
        if (i == bumped) e = (effort){ e.cycles + more.cycles, e.depth + more.depth };
        spans[i - first] = node_span(c, i, first, cfg, e, spans);
        latest = fmax(latest, spans[i - first].last);
    }
    return latest;
}

double ss_cost_latency(const ss_cost *c, int32_t first, int32_t last, const ss_config *configs) {
    span few[256], *spans = few;
    if (last - first >= 256 && !(spans = ss_alloc(c->ctx, (size_t)(last - first) + 1, sizeof *spans))) return NAN;
    double latency = follow(c, first, last, configs, -1, (effort){ 0, 0 }, spans);
    if (spans != few) ss_free(c->ctx, spans);
    return latency;
}

/* The latency is piecewise linear: a small step says the slope. */
ss_status ss_cost_latency_slopes(const ss_cost *c, int32_t first, int32_t last, const ss_config *configs, double *cycles,
                                 double *depth) {
    span *spans = ss_alloc(c->ctx, (size_t)(last - first) + 1, sizeof *spans);
    if (!spans) return SS_BAD;
    double latency = follow(c, first, last, configs, -1, (effort){ 0, 0 }, spans);
    for (int32_t i = first; i <= last; i++) {
        double step = SLOPE_STEP * configs[i - first].cycles;
        cycles[i - first] = (latency - follow(c, first, last, configs, i, (effort){ -step, 0 }, spans)) / step;
        depth[i - first] = latency - follow(c, first, last, configs, i, (effort){ 0, -1 }, spans);
    }
    ss_free(c->ctx, spans);
    return SS_OK;
}

int64_t ss_cost_load_bits(const ss_cost *c, int32_t first, int32_t last, const ss_config *configs) {
    int64_t bits = 0;
    for (int32_t i = first; i <= last; i++)
        if (configs[i - first].memory == SS_MEM_URAM && !c->dev->uram_init)
            bits += ss_fold_load_bits(c, &c->nodes[i], &configs[i - first]);
    return bits;
}

int64_t ss_cost_io_bits(const ss_cost *c, int32_t first, int32_t last) {
    const ss_graph *g = c->g;
    int64_t elements = 0;
    for (int32_t t = 0; t < g->n; t++) { /* tensors by their makers: once each, however many read them */
        bool made = t >= first && t <= last, read_here = false, read_later = t == g->output;
        for (int32_t i = t + 1; i < g->n; i++)
            for (int32_t k = 0; k < g->nodes[i].n_in; k++) {
                if (g->nodes[i].in[k] != t) continue;
                read_here = read_here || (i >= first && i <= last);
                read_later = read_later || i > last;
            }
        bool in = (!made && t < first && read_here) || (made && g->nodes[t].op == SS_OP_INPUT);
        bool out = made && read_later;
        elements += ss_shape_size(g->nodes[t].shape) * ((in ? 1 : 0) + (out ? 1 : 0));
    }
    return elements * c->opts.bits;
}

double ss_cost_partition_seconds(const ss_cost *c, double interval, double latency, int64_t load_bits, int64_t batch,
                                 bool reconfigure) {
    double fill = fmax(0, latency - interval); /* the first image's interval is in interval * batch already */
    double seconds = (interval * (double)batch + fill) / c->dev->clock_hz;
    double load_rate = fmin(c->dev->bandwidth_bits, LOAD_STREAM_BITS * c->dev->clock_hz);
    if (reconfigure) seconds += c->dev->reconfiguration_s + (double)load_bits / load_rate;
    return seconds;
}
