/* Latency of a partition, and what it moves.
 *
 * Rows are followed along the graph: of each row of a node's output, when its first pixel is out and when its last is;
 * in between pixels come evenly. A pixel is out with its last word; its words leave over `spread` cycles before that.
 * A row of windows begins when the row before is done and its first window is there, which is when the last input row
 * that it needs has come as far, and it ends no sooner than the input that its last window needs. A node works T / rows
 * on each row, less where the kernel reaches over the border and the engine skips the zeros there. What comes late and in
 * bursts, as behind strides, or waits for the bottom rows that padding completes, is late here as it is in hardware.
 * Words overlap: an engine begins with the first words of a pixel, so that only what it cannot have done by the
 * time of the last word comes after it. Nothing is counted twice. */
#include "cost/node.h"

#include <math.h>

#define WINDOW_DEPTH 3     /* line buffer read, column register, window register */
#define ENGINE_DEPTH 5     /* select, value, operand, product, sum; the tree is counted by itself */
#define RESULT_DEPTH 1     /* FIFO of results */
#define BROADCAST_DEPTH 13 /* end of the list 2, end of the fold to the join 9, its bias and FIFO 2; list and tree by themselves */
#define PIXELS_DEPTH 3     /* before several engines a FIFO and a converter, behind them the turn */
#define RESCALE_DEPTH 6    /* ss_requantise, ss_relu */
#define PLAIN_DEPTH 2      /* any other node: its own register, register slice */
#define JOIN_DEPTH 4       /* and the FIFOs before it, the sum */
#define LOAD_STREAM_BITS 64
#define SLOPE_STEP 1e-4 /* of a node's cycles */

/* A tensor's way through a stream: of each row, when its first pixel is there, and its last. */
typedef struct flow {
    double *first, *last; /* [shape.h] */
    ss_shape shape;
    double spread; /* from a pixel's first word to its last */
} flow;

/* What a node takes: its cycles an image, and its depth. */
typedef struct effort {
    double cycles, depth;
} effort;

/* Of numbers; fmax and fmin are calls, which exploration for latency spends a fifth of its time in. */
static inline double later(double a, double b) { return a > b ? a : b; }
static inline double sooner(double a, double b) { return a < b ? a : b; }

static int32_t clamp(int32_t v, int32_t hi) { return v < 0 ? 0 : v < hi ? v : hi; }

static double arrival(const flow *f, int32_t row, int32_t column) {
    if (f->shape.w == 1) return f->last[row];
    return f->first[row] + (f->last[row] - f->first[row]) * column / (f->shape.w - 1);
}

/* Windows along an axis. */
typedef struct axis {
    int32_t kernel, stride, pad, in;
} axis;

/* The last input position that window i needs. */
static int32_t needs(axis a, int32_t i) { return clamp(i * a.stride - a.pad + a.kernel - 1, a.in - 1); }

/* How many of its positions lie in the map. */
static int32_t inside(axis a, int32_t i) {
    int32_t from = i * a.stride - a.pad, to = from + a.kernel;
    return (to < a.in ? to : a.in) - (from > 0 ? from : 0);
}

static bool is_window(const ss_window *w) { return w->kh > 1 || w->kw > 1 || w->sh > 1 || w->sw > 1; }

/* ---- convolutions ---- */

/* Words beside one another become words behind one another: so many more than one. */
static double unpacking(double wide, double narrow) { return wide > narrow ? wide / narrow - 1 : 0; }

static double conv_depth(const ss_cost_node *n, const ss_config *cfg) {
    double streams = (double)ss_window_lanes(cfg), lanes = (double)cfg->gr * cfg->co, depth = RESCALE_DEPTH;
    int levels = ss_log2_ceil((int64_t)cfg->ci * cfg->m);
    if (is_window(&n->node->win)) depth += WINDOW_DEPTH;
    if (cfg->lanes_in != streams) depth += 1 + unpacking(cfg->lanes_in, streams);
    if (cfg->engine != SS_ENGINE_BROADCAST) {
        if (cfg->lanes_out != lanes) depth += 1 + unpacking(lanes, cfg->lanes_out);
        return depth + ENGINE_DEPTH + levels + RESULT_DEPTH;
    }
    if (cfg->lanes_out != cfg->sums) depth += 1;
    if (cfg->pixels > 1) depth += PIXELS_DEPTH;
    return depth + BROADCAST_DEPTH + (levels < 2 ? 2 : levels) + later(lanes / cfg->sums - 1, unpacking(lanes, cfg->lanes_out));
}

typedef struct pace {
    double begun;  /* of a pixel's work, the most that can be done before its last word is there */
    double list;   /* broadcast: from then until its list is made */
    double spread; /* of the words that come out */
} pace;

static pace conv_pace(const ss_cost_node *n, const ss_config *cfg, double pixel, double spread) {
    double steps = (double)(n->cg / cfg->ci), folds = (double)ss_ceil_div(n->fg, cfg->co), passes = (double)(n->groups / cfg->gr);
    double words = n->node->shape.c / cfg->lanes_out - 1;
    pace p = { 0, 0, 0 };
    if (cfg->engine == SS_ENGINE_BROADCAST) {
        double list = ss_broadcast_list_cycles(n, cfg);
        p.list = later(list - spread, list / steps);
        p.spread = pixel * (1 - 1 / (passes * folds));
    } else {
        p.begun = sooner(spread, pixel * (1 - 1 / (passes * steps)));
        p.spread = pixel * (1 - (1 - (1 - 1 / folds) / steps) / passes);
    }
    p.spread = later(p.spread, words);
    return p;
}

static void conv_flow(const ss_cost_node *n, const ss_config *cfg, effort e, const flow *in, flow *out) {
    const ss_window *w = &n->node->win;
    axis ay = { w->kh, w->sh, w->pt, in->shape.h }, ax = { w->kw, w->sw, w->pl, in->shape.w };
    bool skips = cfg->engine == SS_ENGINE_CROSSBAR || cfg->engine == SS_ENGINE_BROADCAST;
    int32_t rows = out->shape.h, columns = out->shape.w, x = 0, covered = 0;
    while (x + 1 < columns && needs(ax, x) < in->shape.w - 1) x++; /* windows from x on wait for the last column */
    for (int32_t y = 0; y < rows; y++) covered += inside(ay, y);
    double mean = e.cycles / ((double)rows * columns), done = 0;
    pace p = conv_pace(n, cfg, mean, in->spread);
    double behind = p.list + e.depth + mean * (double)(ss_pixels(cfg) - 1); /* several pixels at once: each takes longer */
    for (int32_t y = 0; y < rows; y++) {
        double pixel = skips ? mean * inside(ay, y) * rows / covered : mean;
        int32_t row = needs(ay, y);
        double begin = later(done, arrival(in, row, needs(ax, 0)) - p.begun);
        done = later(begin + pixel * columns, arrival(in, row, in->shape.w - 1) - p.begun + pixel * (columns - x));
        out->first[y] = begin + pixel + behind;
        out->last[y] = done + behind;
    }
    out->spread = p.spread;
}

/* ---- other nodes ---- */

/* They work as their input passes. */
static void plain_flow(const ss_node *v, effort e, const flow *in, flow *out) {
    const ss_window *w = &v->win;
    bool windowed = v->op == SS_OP_MAXPOOL || v->op == SS_OP_AVGPOOL, strided = v->op == SS_OP_SLICE;
    axis ay = { 1, 1, 0, in->shape.h }, ax = { 1, 1, 0, in->shape.w };
    if (windowed) ay = (axis){ w->kh, w->sh, w->pt, in->shape.h }, ax = (axis){ w->kw, w->sw, w->pl, in->shape.w };
    if (strided) ay = (axis){ 1, w->sh, -w->pt, in->shape.h }, ax = (axis){ 1, w->sw, -w->pl, in->shape.w };
    double row_work = e.cycles / in->shape.h, done = 0;
    for (int32_t y = 0, taken = 0; y < out->shape.h; y++) {
        int32_t row = needs(ay, y);
        double first = 0;
        for (; taken <= row; taken++) {
            first = later(done + row_work / in->shape.w, arrival(in, taken, needs(ax, 0)));
            done = later(done + row_work, in->last[taken]);
        }
        out->first[y] = (out->shape.w > 1 ? sooner(first, done) : done) + e.depth;
        out->last[y] = done + e.depth;
    }
    out->spread = in->spread;
}

/* A tensor from outside the partition streams in as fast as its reader takes it. */
static void outside(double cycles, flow *out) {
    double row = cycles / out->shape.h, pixel = row / out->shape.w;
    for (int32_t y = 0; y < out->shape.h; y++) {
        out->first[y] = row * y + pixel;
        out->last[y] = row * (y + 1);
    }
    out->spread = pixel - 1;
}

/* ---- the partition ---- */

double ss_cost_depth(const ss_cost *c, int32_t node, const ss_config *cfg) {
    const ss_cost_node *n = &c->nodes[node];
    const ss_node *v = n->node;
    if (v->op == SS_OP_CONV) return conv_depth(n, cfg);
    if (v->op == SS_OP_ADD || v->op == SS_OP_CONCAT) return JOIN_DEPTH;
    bool windowed = v->op == SS_OP_MAXPOOL || v->op == SS_OP_AVGPOOL;
    return PLAIN_DEPTH + (windowed ? WINDOW_DEPTH : 0);
}

typedef struct follower {
    const ss_cost *c;
    int32_t first, last;
    const ss_config *configs;
    double *scratch; /* flows, and what they point at */
    flow *flows;     /* of first..last */
    flow met, from; /* scratch: of all inputs, of one from outside */
} follower;

/* All inputs' words at once: the later of them. */
static const flow *meet(follower *f, int32_t node) {
    const ss_cost_node *n = &f->c->nodes[node];
    const ss_node *v = n->node;
    const flow *in = NULL;
    for (int32_t k = 0; k < v->n_in; k++) {
        const flow *one = &f->from;
        if (v->in[k] >= f->first) {
            one = &f->flows[v->in[k] - f->first];
        } else {
            f->from.shape = f->c->g->nodes[v->in[k]].shape;
            outside((double)(n->in_elems[k] / f->configs[node - f->first].lanes_in), &f->from);
        }
        if (v->n_in == 1) return one;
        f->met.shape = one->shape;
        f->met.spread = in ? later(in->spread, one->spread) : one->spread;
        for (int32_t y = 0; y < one->shape.h; y++) {
            f->met.first[y] = in ? later(in->first[y], one->first[y]) : one->first[y];
            f->met.last[y] = in ? later(in->last[y], one->last[y]) : one->last[y];
        }
        in = &f->met;
    }
    return in;
}

static double follow_node(follower *f, int32_t node, effort e) {
    const ss_cost_node *n = &f->c->nodes[node];
    flow *out = &f->flows[node - f->first];
    if (n->node->op == SS_OP_INPUT) outside(e.cycles, out);
    else if (n->node->op == SS_OP_CONV) conv_flow(n, &f->configs[node - f->first], e, meet(f, node), out);
    else plain_flow(n->node, e, meet(f, node), out);
    return out->last[out->shape.h - 1];
}

/* The latency, of which the node `bumped` takes `more` than its configuration says. */
static double follow(follower *f, int32_t bumped, effort more) {
    double latest = 0;
    for (int32_t i = f->first; i <= f->last; i++) {
        const ss_config *cfg = &f->configs[i - f->first];
        effort e = { cfg->cycles, ss_cost_depth(f->c, i, cfg) };
        if (i == bumped) e = (effort){ e.cycles + more.cycles, e.depth + more.depth };
        latest = later(latest, follow_node(f, i, e));
    }
    return latest;
}

#define FEW 4096 /* numbers: networks of some fifty nodes */

/* The scratch of a follower in `few` where that is large enough. */
static ss_status follower_new(follower *f, double *few) {
    size_t n = (size_t)(f->last - f->first + 1), rows = 0, most = 1;
    for (int32_t i = 0; i <= f->last; i++) {
        size_t h = (size_t)f->c->g->nodes[i].shape.h;
        if (i >= f->first) rows += h;
        most = h > most ? h : most;
    }
    size_t heads = n * ((sizeof *f->flows + sizeof *few - 1) / sizeof *few), all = heads + 2 * rows + 4 * most;
    f->scratch = all <= FEW ? few : ss_alloc(f->c->ctx, all, sizeof *few);
    if (!f->scratch) return SS_BAD;
    double *at = f->scratch + heads;
    f->flows = (flow *)(void *)f->scratch;
    f->met = (flow){ .first = at, .last = at + most };
    f->from = (flow){ .first = at + 2 * most, .last = at + 3 * most };
    at += 4 * most;
    for (int32_t i = f->first; i <= f->last; i++) {
        ss_shape shape = f->c->g->nodes[i].shape;
        f->flows[i - f->first] = (flow){ .first = at, .last = at + shape.h, .shape = shape };
        at += 2 * (size_t)shape.h;
    }
    return SS_OK;
}

static void follower_free(follower *f, const double *few) {
    if (f->scratch != few) ss_free(f->c->ctx, f->scratch);
}

double ss_cost_latency(const ss_cost *c, int32_t first, int32_t last, const ss_config *configs) {
    double few[FEW];
    follower f = { .c = c, .first = first, .last = last, .configs = configs };
    if (follower_new(&f, few) != SS_OK) return NAN;
    double latency = follow(&f, -1, (effort){ 0, 0 });
    follower_free(&f, few);
    return latency;
}

/* The latency is piecewise linear: a small step says the slope. */
ss_status ss_cost_latency_slopes(const ss_cost *c, int32_t first, int32_t last, const ss_config *configs, double *cycles,
                                 double *depth) {
    double few[FEW];
    follower f = { .c = c, .first = first, .last = last, .configs = configs };
    if (follower_new(&f, few) != SS_OK) return SS_BAD;
    double latency = follow(&f, -1, (effort){ 0, 0 });
    for (int32_t i = first; i <= last; i++) {
        double step = SLOPE_STEP * configs[i - first].cycles;
        cycles[i - first] = (latency - follow(&f, i, (effort){ -step, 0 })) / step;
        depth[i - first] = latency - follow(&f, i, (effort){ 0, -1 });
    }
    follower_free(&f, few);
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
    double fill = later(0, latency - interval); /* the first image's interval is in interval * batch already */
    double seconds = (interval * (double)batch + fill) / c->dev->clock_hz;
    double load_rate = sooner(c->dev->bandwidth_bits, LOAD_STREAM_BITS * c->dev->clock_hz);
    if (reconfigure) seconds += c->dev->reconfiguration_s + (double)load_bits / load_rate;
    return seconds;
}
