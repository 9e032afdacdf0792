/* Test bench of the plain nodes: random and chosen shapes, lanes, scales and thresholds; what must come out is what the
 * reference's own operators (ss_op_run) make of the same tensors. Two images follow one another without a gap. Every case
 * runs once without stalls, where the cycles are limited, and once with stalls at all ends. */
#include "streams.h"

#include "infer/ops.h"

#include <math.h>

enum { IMAGES = 2, CHANNELS_MAX = 48, INPUTS_MAX = 16, PIPELINE = 60 };

typedef struct test {
    streams *s;
    const char *kind;             /* module: ss_node_KIND */
    int bits;
    ss_node nodes[INPUTS_MAX + 1]; /* the inputs, then the node under test */
    ss_qnode quant[INPUTS_MAX + 1];
    int lanes[INPUTS_MAX + 1];
    int depth[INPUTS_MAX];         /* of FIFOs */
    ss_graph graph;
    ss_node *node;
    ss_qnode *q;
    int32_t mult[128];
    uint8_t shift[128];
    int32_t thr[CHANNELS_MAX];
    int id;
} test;

static int between(test *t, int lo, int hi) { return (int)streams_between(t->s, lo, hi); }
static int chance(test *t) { return between(t, 0, 1); }
static int32_t top(const test *t) { return (int32_t)((1u << (t->bits - 1)) - 1); }

static int divisor(test *t, int n)
{
    int d;
    do d = between(t, 1, n);
    while (n % d);
    return d;
}

static void start(test *t, streams *s, const char *kind, ss_op op, int inputs)
{
    memset(t, 0, sizeof *t);
    t->s = s;
    t->kind = kind;
    t->id = s->sinks;
    t->bits = chance(t) ? 16 : 8;
    t->node = &t->nodes[inputs];
    t->q = &t->quant[inputs];
    t->graph = (ss_graph){ .nodes = t->nodes, .n = inputs + 1, .output = inputs };
    t->node->op = op;
    t->node->n_in = inputs;
    t->q->mult = t->mult;
    t->q->shift = t->shift;
    t->q->thr = t->thr;
    t->q->hi = top(t);
    for (int k = 0; k < inputs; k++) {
        t->nodes[k].op = SS_OP_INPUT;
        t->node->in[k] = k;
        t->quant[k].hi = top(t);
        t->quant[k].lo = chance(t) ? -top(t) - 1 : 0;
        t->depth[k] = op == SS_OP_ADD || op == SS_OP_CONCAT ? between(t, 0, 2) * between(t, 1, 9) : 0;
    }
}

/* Shape of input k, with lanes unless they are chosen already. */
static void input(test *t, int k, int c, int h, int w, int lanes)
{
    t->nodes[k].shape = (ss_shape){ c, h, w };
    t->lanes[k] = lanes ? lanes : divisor(t, c);
}

static void output(test *t, int c, int h, int w, int lanes)
{
    t->node->shape = (ss_shape){ c, h, w };
    t->lanes[t->node->n_in] = lanes ? lanes : divisor(t, c);
}

/* An activation half of the time, of every kind; then the output's least value. */
static void activation(test *t, bool always)
{
    bool negative = false;
    for (int k = 0; k < t->node->n_in; k++) negative |= t->quant[k].lo < 0;
    t->q->ceiling = top(t);
    const int kind = always ? between(t, 1, 3) : between(t, 0, 3);
    t->node->act.on = kind > 0;
    t->q->n_thr = kind == 0 ? 0 : kind == 3 ? t->node->shape.c : 1;
    for (int c = 0; c < t->q->n_thr; c++) t->thr[c] = kind == 1 ? 0 : between(t, 0, top(t) / 2);
    if (kind && between(t, 0, 2) == 0) t->q->ceiling = between(t, 0, top(t));
    t->q->lo = kind || !negative ? 0 : -top(t) - 1;
}

/* ---- scales ---- */

static int drop(int acc_bits) { return acc_bits > 27 ? acc_bits - 27 : 0; }

/* ADD and CONCAT: random left shifts, an accumulator that holds the result, one right shift of pre + shift. */
static void aligned(test *t, int most)
{
    int64_t lo = 0, hi = 0;
    int total = between(t, 1, 6);
    for (int k = 0; k < t->node->n_in; k++) {
        t->q->in_shift[k] = between(t, 0, most);
        if (most > 8 && t->q->in_shift[k] > total) total = t->q->in_shift[k];
        const int64_t unit = (int64_t)1 << t->q->in_shift[k], a = t->quant[k].lo * unit, b = t->quant[k].hi * unit;
        lo = t->node->op == SS_OP_ADD ? lo + a : a < lo ? a : lo;
        hi = t->node->op == SS_OP_ADD ? hi + b : b > hi ? b : hi;
    }
    t->q->acc_bits = ss_bits_for(lo, hi);
    t->q->pre = drop(t->q->acc_bits) < total - 1 ? drop(t->q->acc_bits) : total - 1;
    t->mult[0] = 1;
    t->shift[0] = (uint8_t)(total - t->q->pre);
    t->q->n_mult = 1;
}

/* AVGPOOL: multipliers for every number of elements, or for the whole window alone. */
static void averages(test *t, bool varies)
{
    const int area = t->node->win.kh * t->node->win.kw, finer = between(t, -2, 2);
    t->q->acc_bits = ss_bits_for((int64_t)t->quant[0].lo * area, (int64_t)t->quant[0].hi * area);
    t->q->pre = drop(t->q->acc_bits);
    t->q->n_mult = varies ? area + 1 : 1;
    t->mult[0] = 0;
    t->shift[0] = 1;
    for (int count = varies ? 1 : area; count <= area; count++) {
        int exponent;
        const double mantissa = frexp(ldexp(1.0 / count, finer + t->q->pre), &exponent);
        t->mult[varies ? count : 0] = (int32_t)floor(ldexp(mantissa, 17));
        t->shift[varies ? count : 0] = (uint8_t)(17 - exponent);
    }
}

/* ---- tensors and files ---- */

static int64_t elements(ss_shape s) { return (int64_t)s.h * s.w * s.c; }
static int words(const test *t, int node) { return (int)(elements(t->nodes[node].shape) / t->lanes[node]); }

static int16_t *tensor(ss_shape s)
{
    int16_t *x = calloc((size_t)s.h * (size_t)s.w * (size_t)ss_stride(s.c), sizeof *x);
    if (!x) {
        perror("gen_nodes");
        exit(2);
    }
    return x;
}

static void fill(test *t, int k, int16_t *x)
{
    const ss_shape s = t->nodes[k].shape;
    for (int p = 0; p < s.h * s.w; p++)
        for (int c = 0; c < s.c; c++) {
            const int64_t v = streams_element(t->s, t->bits);
            x[p * ss_stride(s.c) + c] = (int16_t)(v < t->quant[k].lo ? ~v : v);
        }
}

/* The words of an image, from pixel to pixel, channels ascending. */
static void write_words(FILE *f, const int16_t *x, ss_shape s, int lanes, int bits)
{
    for (int p = 0; p < s.h * s.w; p++)
        for (int c = 0; c < s.c; c += lanes) {
            int64_t lane[CHANNELS_MAX];
            for (int l = 0; l < lanes; l++) lane[l] = x[p * ss_stride(s.c) + c + l];
            bench_word(f, lane, lanes, bits);
        }
}

static void port_name(char name[60], const test *t, int stall, int k)
{
    if (k == t->node->n_in) snprintf(name, 60, "%s_%d_%d", t->kind, t->id, stall);
    else snprintf(name, 60, "%s_%d_%d_in%d", t->kind, t->id, stall, k);
}

/* Random images through the reference, into the ports' files. */
static void images(test *t, int stall)
{
    FILE *file[INPUTS_MAX + 1];
    ss_op_args a = { .g = &t->graph, .n = t->node, .q = t->q, .loops = ss_loops_of(SS_ISA_PORTABLE) };
    int16_t *x[INPUTS_MAX + 1];
    char name[60];
    for (int k = 0; k <= t->node->n_in; k++) {
        port_name(name, t, stall, k);
        file[k] = streams_file(t->s, name);
        x[k] = tensor(t->nodes[k].shape);
        if (k < t->node->n_in) a.in[k] = x[k];
    }
    a.out = x[t->node->n_in];
    a.scratch = calloc(1, ss_op_scratch(t->node) + 64);
    if (!a.scratch) exit(2);
    for (int image = 0; image < IMAGES; image++) {
        for (int k = 0; k < t->node->n_in; k++) fill(t, k, x[k]);
        ss_op_run(&a);
        for (int k = 0; k <= t->node->n_in; k++)
            write_words(file[k], x[k], t->nodes[k].shape, t->lanes[k], t->bits);
    }
    for (int k = 0; k <= t->node->n_in; k++) {
        bench_close(file[k]);
        free(x[k]);
    }
    free(a.scratch);
}

static void write_thresholds(const test *t)
{
    char name[60];
    const int lanes = t->lanes[t->node->n_in];
    snprintf(name, sizeof name, "thr_%d", t->id);
    FILE *f = streams_file(t->s, name);
    for (int c = 0; c < t->q->n_thr; c += lanes) {
        int64_t lane[CHANNELS_MAX];
        for (int l = 0; l < lanes; l++) lane[l] = t->thr[c + l];
        bench_word(f, lane, lanes, t->bits);
    }
    bench_close(f);
}

static void write_scales(const test *t)
{
    char name[60];
    snprintf(name, sizeof name, "scale_%d", t->id);
    FILE *f = streams_file(t->s, name);
    for (int i = 0; i < t->q->n_mult; i++) {
        const int64_t row = (int64_t)t->shift[i] << 17 | t->mult[i];
        bench_word(f, &row, 1, 23);
    }
    bench_close(f);
}

/* ---- parameters ---- */

static void emit_activation(const test *t)
{
    const bool copies = t->node->op == SS_OP_RELU || t->node->op == SS_OP_MAXPOOL;
    streams_emit(t->s, ".ACT(%d), .CEILING(%d), .LO(%d), .ROM_STYLE(\"%s\"), ", t->node->act.on, t->q->ceiling,
                 copies ? t->quant[0].lo : t->q->lo, t->id % 4 < 2 ? "block" : "distributed");
    if (t->q->n_thr > 1) streams_emit(t->s, ".THR_FILE(\"thr_%d.mem\"),\n        ", t->id);
    else streams_emit(t->s, ".THR(%d),\n        ", t->q->n_thr ? t->thr[0] : 0);
}

static void emit_window(const test *t)
{
    const ss_window *w = &t->node->win;
    streams_emit(t->s, ".H(%d), .WD(%d), .HO(%d), .WO(%d), .KH(%d), .KW(%d), .SH(%d), .SW(%d), .PT(%d), .PL(%d), ",
                 t->nodes[0].shape.h, t->nodes[0].shape.w, t->node->shape.h, t->node->shape.w, w->kh, w->kw, w->sh, w->sw,
                 w->pt, w->pl);
}

static void emit_accumulator(const test *t)
{
    streams_emit(t->s, ".ACC(%d), .PRE(%d), .SHIFT(%d), .HI(%d), ", t->q->acc_bits, t->q->pre, t->shift[0], t->q->hi);
}

static void emit_scale(const test *t)
{
    emit_accumulator(t);
    if (t->q->n_mult == 1) {
        streams_emit(t->s, ".MULT(%d), ", t->mult[0]);
        return;
    }
    int lo = 45, hi = 1;
    for (int i = 1; i < t->q->n_mult; i++) {
        if (t->shift[i] < lo) lo = t->shift[i];
        if (t->shift[i] > hi) hi = t->shift[i];
    }
    streams_emit(t->s, ".SCALE_FILE(\"scale_%d.mem\"), .SHIFT_LO(%d), .SHIFT_HI(%d), ", t->id, lo, hi);
}

static const char *const styles[] = { "registers", "distributed", "block" };

static void emit_add(const test *t)
{
    emit_accumulator(t);
    for (int k = 0; k < 2; k++)
        streams_emit(t->s, ".%c_LANES(%d), .%c_SHIFT(%d), .%c_DEPTH(%d), .%c_STYLE(\"%s\"), ", "AB"[k], t->lanes[k],
                     "AB"[k], t->q->in_shift[k], "AB"[k], t->depth[k], "AB"[k], styles[(t->id + k) % 3]);
}

/* 32 bits an input, input 0 lowest. */
static void emit_packed(const test *t, const char *name, int (*value)(const test *t, int k))
{
    streams_emit(t->s, ".%s({", name);
    for (int k = t->node->n_in - 1; k >= 0; k--) streams_emit(t->s, "32'd%d%s", value(t, k), k ? ", " : "}), ");
}

static int channels_of(const test *t, int k) { return t->nodes[k].shape.c; }
static int lanes_of(const test *t, int k) { return t->lanes[k]; }
static int shift_of(const test *t, int k) { return t->q->in_shift[k]; }
static int depth_of(const test *t, int k) { return t->depth[k]; }
static int style_of(const test *t, int k) { return (t->id + k) % 3; }

static void emit_concat(const test *t)
{
    emit_accumulator(t);
    streams_emit(t->s, ".N(%d), ", t->node->n_in);
    emit_packed(t, "CHANNELS", channels_of);
    emit_packed(t, "LANES", lanes_of);
    emit_packed(t, "SHIFTS", shift_of);
    emit_packed(t, "DEPTHS", depth_of);
    emit_packed(t, "STYLES", style_of);
}

static void emit_parameters(const test *t)
{
    const ss_node *n = t->node;
    if (n->op != SS_OP_SLICE && n->op != SS_OP_CHANPAD) emit_activation(t);
    switch (n->op) {
    case SS_OP_ADD: emit_add(t); break;
    case SS_OP_CONCAT: emit_concat(t); break;
    case SS_OP_MAXPOOL: emit_window(t); break;
    case SS_OP_AVGPOOL:
        emit_window(t);
        emit_scale(t);
        break;
    case SS_OP_SLICE:
        streams_emit(t->s, ".H(%d), .WD(%d), .HO(%d), .WO(%d), .OH(%d), .OW(%d), .SH(%d), .SW(%d), ", t->nodes[0].shape.h,
                     t->nodes[0].shape.w, n->shape.h, n->shape.w, n->win.pt, n->win.pl, n->win.sh, n->win.sw);
        break;
    case SS_OP_CHANPAD: streams_emit(t->s, ".BEFORE(%d), .AFTER(%d), ", n->pad_before, n->pad_after); break;
    default: break;
    }
    if (n->op != SS_OP_ADD && n->op != SS_OP_CONCAT) streams_emit(t->s, ".LANES_IN(%d), ", t->lanes[0]);
    if (n->op != SS_OP_CONCAT) streams_emit(t->s, ".C(%d), ", t->nodes[0].shape.c);
    streams_emit(t->s, ".W(%d), .LANES_OUT(%d)) ", t->bits, t->lanes[n->n_in]);
}

/* ---- instances ---- */

/* NAME_SUFFIX of every input, the last one first. */
static void emit_each(const test *t, int stall, char suffix)
{
    char name[60];
    for (int k = t->node->n_in - 1; k >= 0; k--) {
        port_name(name, t, stall, k);
        streams_emit(t->s, "%s_%c%s", name, suffix, k ? ", " : "");
    }
}

static void emit_ports(const test *t, int stall)
{
    char a[60], b[60], out[60];
    port_name(a, t, stall, 0);
    port_name(b, t, stall, 1);
    port_name(out, t, stall, t->node->n_in);
    if (t->node->op == SS_OP_ADD) {
        streams_emit(t->s, "%s_dut (.clk(clk), .rst(rst), .a_valid(%s_v), .a_ready(%s_r), .a_data(%s_d), .b_valid(%s_v),\n"
                           "        .b_ready(%s_r), .b_data(%s_d), .out_valid(%s_v), .out_ready(%s_r), .out_data(%s_d));\n",
                     out, a, a, a, b, b, b, out, out, out);
        return;
    }
    streams_emit(t->s, "%s_dut (.clk(clk), .rst(rst), .in_valid({", out);
    emit_each(t, stall, 'v');
    streams_emit(t->s, "}), .in_ready({");
    emit_each(t, stall, 'r');
    streams_emit(t->s, "}),\n        .in_data({");
    emit_each(t, stall, 'd');
    streams_emit(t->s, "}), .out_valid(%s_v), .out_ready(%s_r), .out_data(%s_d));\n", out, out, out);
}

/* Cycles in which both images must have passed: what the busiest stream, or the window, takes, and a filling. */
static int cycles(const test *t)
{
    const ss_shape in = t->nodes[0].shape;
    int64_t most = words(t, t->node->n_in), filling = 0;
    for (int k = 0; k < t->node->n_in; k++)
        if (words(t, k) > most) most = words(t, k);
    if (t->node->op == SS_OP_MAXPOOL || t->node->op == SS_OP_AVGPOOL) {
        const int64_t lanes = t->lanes[0] > t->lanes[1] ? t->lanes[0] : t->lanes[1], deep = in.c / lanes;
        const int64_t windows = (int64_t)t->node->shape.h * (t->node->shape.w + t->node->win.kw) * deep;
        if (windows > most) most = windows;
        filling = (int64_t)(t->node->win.kh + 1) * in.w * in.c / t->lanes[0];
    }
    return (int)(IMAGES * most + filling + PIPELINE + in.c);
}

/* From the first word in to the first word out where all widths are equal and nothing waits in a FIFO. */
static int latency(const test *t)
{
    const bool cuts = t->q->ceiling < top(t), wires = t->q->lo >= 0 && !t->thr[0] && !cuts;
    int act = t->q->n_thr > 1 ? 3 : t->q->n_thr == 1 && !wires ? 1 : 0;
    if (t->node->op == SS_OP_RELU && t->q->n_thr == 1) act = wires && t->quant[0].lo >= 0 ? 0 : 1;
    for (int k = 0; k < t->node->n_in; k++)
        if (t->lanes[k] != t->lanes[t->node->n_in] || t->depth[k]) return STREAMS_ANY;
    switch (t->node->op) {
    case SS_OP_RELU: return act + 1;
    case SS_OP_ADD: return act + 3;
    case SS_OP_SLICE: return t->node->win.pt || t->node->win.pl ? STREAMS_ANY : 1;
    default: return STREAMS_ANY;
    }
}

static void run(test *t)
{
    char name[60];
    const int n = t->node->n_in;
    if (t->q->n_thr > 1) write_thresholds(t);
    if (t->q->n_mult > 1) write_scales(t);
    for (int stall = 0; stall < STREAMS_STALLS; stall += 3) {
        images(t, stall);
        for (int k = 0; k < n; k++) {
            port_name(name, t, stall, k);
            streams_source(t->s, name, t->lanes[k] * t->bits, IMAGES * words(t, k), streams_stalls[stall][0]);
        }
        port_name(name, t, stall, n);
        streams_sink(t->s, name, t->lanes[n] * t->bits, IMAGES * words(t, n), streams_stalls[stall][1],
                     stall ? STREAMS_ANY : latency(t), STREAMS_ANY, stall ? STREAMS_ANY : cycles(t));
        streams_emit(t->s, "    ss_node_%s #(", t->kind);
        emit_parameters(t);
        emit_ports(t, stall);
    }
}

/* ---- cases; 0: at random ---- */

static void relu(streams *s, int c, int in, int out)
{
    test t;
    start(&t, s, "relu", SS_OP_RELU, 1);
    input(&t, 0, c, 3, 5, in);
    output(&t, c, 3, 5, out);
    activation(&t, true);
    run(&t);
}

static void add(streams *s, int c, int a, int b, int out, int most)
{
    test t;
    start(&t, s, "add", SS_OP_ADD, 2);
    input(&t, 0, c, 4, 3, a);
    input(&t, 1, c, 4, 3, b);
    output(&t, c, 4, 3, out);
    activation(&t, false);
    aligned(&t, most);
    run(&t);
}

static void concat(streams *s, int n, const int *channels, const int *lanes, int out, int most)
{
    test t;
    int c = 0;
    start(&t, s, "concat", SS_OP_CONCAT, n);
    for (int k = 0; k < n; k++) {
        input(&t, k, channels[k], 3, 4, lanes[k]);
        c += channels[k];
    }
    output(&t, c, 3, 4, out);
    activation(&t, false);
    aligned(&t, most);
    run(&t);
}

static void slice(streams *s, int c, int h, int w, ss_window win, int in, int out)
{
    test t;
    start(&t, s, "slice", SS_OP_SLICE, 1);
    input(&t, 0, c, h, w, in);
    t.node->win = win;
    output(&t, c, (h - win.pt - win.pb + win.sh - 1) / win.sh, (w - win.pl - win.pr + win.sw - 1) / win.sw, out);
    run(&t);
}

static void chanpad(streams *s, int c, int before, int after, int in, int out)
{
    test t;
    start(&t, s, "chanpad", SS_OP_CHANPAD, 1);
    input(&t, 0, c, 3, 4, in);
    t.node->pad_before = before;
    t.node->pad_after = after;
    output(&t, before + c + after, 3, 4, out);
    run(&t);
}

/* average: 0 maximum, 1 padding counts, 2 padding does not. */
static void pool(streams *s, int average, int c, int h, int w, ss_window win, int in, int out)
{
    test t;
    start(&t, s, average ? "avgpool" : "maxpool", average ? SS_OP_AVGPOOL : SS_OP_MAXPOOL, 1);
    input(&t, 0, c, h, w, in);
    t.node->win = win;
    t.node->count_pad = average == 1;
    output(&t, c, (h + win.pt + win.pb - win.kh) / win.sh + 1, (w + win.pl + win.pr - win.kw) / win.sw + 1, out);
    activation(&t, false);
    if (average) averages(&t, average == 2 && (win.pt || win.pl || win.pb || win.pr));
    run(&t);
}

/* A window at random, padded less than the kernel, none of padding alone, on a map of h x w. */
static ss_window window(test *t, int h, int w)
{
    ss_window v;
    do {
        v = (ss_window){ .kh = between(t, 1, 4), .kw = between(t, 1, 4), .sh = between(t, 1, 3), .sw = between(t, 1, 3) };
        v.pt = between(t, 0, v.kh - 1);
        v.pl = between(t, 0, v.kw - 1);
        v.pb = between(t, 0, v.kh - 1);
        v.pr = between(t, 0, v.kw - 1);
    } while (h + v.pt + v.pb < v.kh || w + v.pl + v.pr < v.kw ||
             (h + v.pt + v.pb - v.kh) / v.sh * v.sh - v.pt >= h || (w + v.pl + v.pr - v.kw) / v.sw * v.sw - v.pl >= w);
    return v;
}

/* One of each kind that differs in structure: what a simulator that compiles can afford. */
static void some(streams *s)
{
    relu(s, 12, 4, 6);
    add(s, 12, 4, 6, 3, 4);
    add(s, 8, 2, 2, 2, 25);
    concat(s, 2, (int[]){ 8, 8 }, (int[]){ 1, 1 }, 2, 4); /* narrow inputs must fill their FIFOs out of turn */
    concat(s, 2, (int[]){ 3, 5 }, (int[]){ 3, 1 }, 4, 4); /* no common divisor */
    slice(s, 4, 7, 5, (ss_window){ .sh = 2, .sw = 1, .pt = 1, .pl = 2, .pb = 3 }, 2, 4);
    chanpad(s, 16, 8, 8, 1, 2);
    chanpad(s, 5, 1, 2, 5, 1);
    pool(s, 0, 4, 7, 6, (ss_window){ 3, 3, 2, 2, 1, 1, 1, 1 }, 4, 2);
    pool(s, 0, 6, 4, 4, (ss_window){ 4, 4, 1, 1, 0, 0, 0, 0 }, 3, 1);
    pool(s, 1, 4, 8, 8, (ss_window){ 2, 2, 2, 2, 0, 0, 0, 0 }, 4, 1);
    pool(s, 2, 6, 6, 7, (ss_window){ 3, 3, 2, 2, 1, 1, 1, 1 }, 2, 3);
    pool(s, 2, 4, 3, 5, (ss_window){ 3, 5, 4, 4, 1, 0, 0, 1 }, 4, 4); /* one window, some of it padding, some dropped */
}

static void more(streams *s)
{
    relu(s, 12, 3, 3);
    for (int i = 0; i < 6; i++) add(s, 8, 4, 4, 4, 4);
    add(s, 8, 8, 1, 2, 4);
    concat(s, 2, (int[]){ 8, 8 }, (int[]){ 2, 2 }, 2, 4);
    concat(s, 3, (int[]){ 16, 4, 12 }, (int[]){ 8, 2, 1 }, 4, 4);
    concat(s, 3, (int[]){ 16, 8, 8 }, (int[]){ 4, 4, 4 }, 4, 20);
    concat(s, 2, (int[]){ 32, 16 }, (int[]){ 2, 2 }, 3, 4); /* steps of 4 lanes for words of 3 */
    concat(s, 1, (int[]){ 6 }, (int[]){ 2 }, 3, 4);
    concat(s, 16, (int[]){ 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1 },
           (int[]){ 1, 1, 1, 1, 2, 3, 1, 2, 3, 1, 1, 1, 1, 1, 1, 1 }, 1, 2);
    slice(s, 8, 8, 8, (ss_window){ .sh = 2, .sw = 2 }, 4, 2);
    slice(s, 21, 7, 8, (ss_window){ .sh = 2, .sw = 2, .pl = 1, .pr = 2 }, 7, 1); /* rows go out more slowly than they come */
    slice(s, 6, 5, 6, (ss_window){ .sh = 3, .sw = 4, .pr = 1, .pl = 1 }, 6, 3);
    slice(s, 2, 4, 4, (ss_window){ .sh = 1, .sw = 1 }, 1, 1);
    chanpad(s, 16, 8, 8, 4, 4);
    chanpad(s, 16, 8, 8, 16, 32);
    chanpad(s, 4, 0, 4, 2, 2);
    chanpad(s, 6, 2, 0, 3, 4);
    pool(s, 0, 4, 8, 8, (ss_window){ 2, 2, 2, 2, 0, 0, 0, 0 }, 4, 1);
    pool(s, 0, 4, 5, 5, (ss_window){ 3, 3, 1, 1, 1, 1, 1, 1 }, 1, 2);
    pool(s, 0, 2, 6, 6, (ss_window){ 1, 1, 2, 2, 0, 0, 0, 0 }, 1, 1);
    for (int average = 1; average <= 2; average++) {
        pool(s, average, 12, 4, 4, (ss_window){ 4, 4, 1, 1, 0, 0, 0, 0 }, 6, 2);
        pool(s, average, 8, 5, 4, (ss_window){ 2, 2, 4, 4, 0, 0, 0, 0 }, 1, 2);
    }
}

static void random_cases(streams *s, int n)
{
    for (int i = 0; i < n; i++) {
        test t = { .s = s };
        const int c = between(&t, 1, 24), h = between(&t, 1, 7), w = between(&t, 1, 7);
        int channels[5], lanes[5];
        pool(s, i % 3, c, h, w, window(&t, h, w), 0, 0);
        add(s, c, 0, 0, 0, i % 4 ? 5 : 24);
        chanpad(s, c, between(&t, 0, 12), between(&t, 0, 12), 0, 0);
        slice(s, c, h + 1, w + 2, (ss_window){ .sh = between(&t, 1, 3), .sw = between(&t, 1, 3), .pt = between(&t, 0, 1),
                                               .pl = between(&t, 0, 1), .pr = between(&t, 0, 1) }, 0, 0);
        for (int k = 0; k < 5; k++) {
            channels[k] = between(&t, 1, 6) * (i % 2 ? 1 : between(&t, 1, 4));
            if (channels[k] > 9) channels[k] = 8;
            lanes[k] = 0;
        }
        concat(s, between(&t, 1, 5), channels, lanes, 0, i % 4 ? 3 : 22);
        relu(s, c, 0, 0);
    }
}

int main(int argc, char **argv)
{
    const bool all = argc == 3 && !strcmp(argv[2], "all");
    if (argc != 3 || (!all && strcmp(argv[2], "some"))) {
        fprintf(stderr, "usage: gen_nodes DIR some|all\n");
        return 2;
    }
    streams s = streams_open(argv[1], 2);
    some(&s);
    if (all) more(&s);
    if (all) random_cases(&s, getenv("RTL_FULL") ? 24 : 2);
    streams_close(&s);
    return 0;
}
