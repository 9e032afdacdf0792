/* One instance a graph node: which module, with which parameters (tables in docs/hardware.md). */
#include "rtl/gen.h"

#include <stdio.h>
#include <string.h>

/* ---- parameters that several modules have ---- */

/* A file of the node's, or "" when it has none. */
static void put_file(const ss_rtl *r, int32_t node, const char *parameter, const char *kind, bool there,
                     ss_buf *b) {
    if (there) ss_buf_printf(b, ".%s(\"weights/%s.%s.mem\")", parameter, r->instance[node], kind);
    else ss_buf_printf(b, ".%s(\"\")", parameter);
}

/* Memories of a module that has no registers to offer. */
static const char *memory_style(ss_mem mem) {
    return mem == SS_MEM_URAM ? "ultra" : mem == SS_MEM_BRAM ? "block" : "distributed";
}

static const char *rom_style(const ss_rtl *r, int64_t width, int64_t depth) {
    return memory_style(ss_constants_style(&r->d->device, width, depth));
}

static const char *fifo_style(ss_mem mem) {
    return mem == SS_MEM_NONE ? "registers" : memory_style(mem);
}

static void put_act(const ss_rtl *r, int32_t node, ss_buf *b) {
    const ss_qnode *q = &r->q->nodes[node];
    if (q->n_thr == 0) {
        ss_buf_printf(b, "        .ACT(0),\n");
        return;
    }
    ss_buf_printf(b, "        .ACT(1), .CEILING(%d), .THR(%d), ", (int)q->ceiling,
                  q->n_thr == 1 ? (int)q->thr[0] : 0);
    put_file(r, node, "THR_FILE", "thr", ss_rtl_has_thresholds(r, node), b);
    ss_buf_printf(b, ",\n");
}

/* Kernel, stride and padding; line buffers of `lanes` elements a word; cycles that a window is held at least.
 */
static void put_window(const ss_rtl *r, const ss_node *n, int64_t lanes, int64_t cycles, ss_buf *b) {
    const ss_window *w = &n->win;
    ss_shape in = ss_graph_in_shape(r->g, n);
    ss_mem mem = ss_buffer_style(&r->d->device, lanes * r->q->bits, in.w * (in.c / lanes));
    ss_buf_printf(b, "        .H(%d), .WD(%d), .HO(%d), .WO(%d),\n", in.h, in.w, n->shape.h, n->shape.w);
    ss_buf_printf(b, "        .KH(%d), .KW(%d), .SH(%d), .SW(%d), .PT(%d), .PL(%d),\n", w->kh, w->kw, w->sh,
                  w->sw, w->pt, w->pl);
    ss_buf_printf(b, "        .ROWS(%d), .CACHE(%d), .ROW_STYLE(\"%s\"),\n", ss_window_rows(w, in, n->shape),
                  ss_window_keeps_columns(w, n->shape, cycles), memory_style(mem));
}

static void put_ports(const char *prefix, const ss_rtl_stream *s, ss_buf *b) {
    ss_buf_printf(b, ",\n        .%s_valid(%s), .%s_ready(%s), .%s_data(%s)", prefix, s->valid, prefix,
                  s->ready, prefix, s->data);
}

static void begin(const ss_rtl *r, const char *module, ss_buf *b) {
    ss_buf_printf(b, "    %s #(\n        .W(%d),\n", module, r->q->bits);
}

/* Takes the comma of the last parameter away. */
static void begin_ports(const ss_rtl *r, int32_t node, ss_buf *b) {
    if (!b->failed && b->len > 2) b->data[b->len -= 2] = '\0';
    ss_buf_printf(b, "\n    ) %s (\n        .clk(clk), .rst(rst)", r->instance[node]);
}

static void end_ports(const ss_rtl_stream *out, ss_buf *b) {
    put_ports("out", out, b);
    ss_buf_printf(b, "\n    );\n");
}

/* The least and the greatest shift of the multipliers from `first` on: what lies outside needs no hardware.
 */
static void put_shifts(const ss_qnode *q, int32_t first, ss_buf *b) {
    int least = 63, greatest = 1;
    for (int32_t i = first; i < q->n_mult; i++) {
        if (q->shift[i] < least) least = q->shift[i];
        if (q->shift[i] > greatest) greatest = q->shift[i];
    }
    ss_buf_printf(b, "        .SHIFT_LO(%d), .SHIFT_HI(%d),\n", least, greatest);
}

/* ---- convolution ---- */

static void put_conv_numbers(const ss_rtl *r, int32_t node, ss_buf *b) {
    const ss_qnode *q = &r->q->nodes[node];
    ss_buf_printf(b, "        .ACC(%d), .PRE(%d), .LO(%d), .HI(%d),\n", q->acc_bits, q->pre, (int)q->lo,
                  (int)q->hi);
    put_act(r, node, b);
    if (ss_rtl_has_scale(r, node)) put_shifts(q, 0, b);
    else ss_buf_printf(b, "        .MULT(%d), .SHIFT(%d),\n", (int)q->mult[0], q->shift[0]);
}

static void put_conv_memories(const ss_rtl *r, int32_t node, ss_buf *b) {
    ss_buf_printf(b, "        .WEIGHT_STYLE(\"%s\"), .WEIGHT_FILE(\"weights/%s.weights\"),\n        ",
                  memory_style(ss_rtl_config(r, node)->memory), r->instance[node]);
    put_file(r, node, "BIAS_FILE", "bias", ss_rtl_has_bias(r, node), b);
    ss_buf_printf(b, ",\n        ");
    put_file(r, node, "SCALE_FILE", "scale", ss_rtl_has_scale(r, node), b);
    ss_buf_printf(b, ",\n        .ROM_STYLE(\"%s\"),\n",
                  memory_style(ss_cost_rom_style(r->cost, node, ss_rtl_config(r, node))));
}

/* Engines side by side, and the FIFOs around each. */
static void put_pixels(const ss_rtl *r, int32_t node, const ss_rtl_fold *f, ss_buf *b) {
    const ss_rtl_pixels p = ss_rtl_pixels_of(r, node, f);
    ss_buf_printf(b, "        .PIXELS(%d), .PIXEL_DEPTH(%lld), .PIXEL_STYLE(\"%s\"), .HELD(%lld), .HELD_STYLE(\"%s\"),\n", (int)f->pixels,
                  (long long)p.waiting, fifo_style(p.waiting_mem), (long long)p.held, fifo_style(p.held_mem));
}

static void put_folding(const ss_rtl *r, int32_t node, const ss_rtl_fold *f, ss_buf *b) {
    if (f->pixels > 1) put_pixels(r, node, f, b);
    if (f->broadcast)
        ss_buf_printf(b,
                      "        .LANES(%d), .P(%d), .CO(%d), .SUMS(%d), .LISTS(%d), .QUEUE(%d), "
                      ".RESULTS(%d),\n",
                      (int)f->ci, (int)f->m, (int)f->co, (int)f->sums, (int)f->lists, (int)f->queue,
                      (int)f->results);
    else
        ss_buf_printf(b, "        .GR(%d), .CI(%d), .CO(%d), .M(%d), .CROSSBAR(%d),\n", (int)f->gr,
                      (int)f->ci, (int)f->co, (int)f->m, f->crossbar);
}

static void put_conv(const ss_rtl *r, int32_t node, const ss_rtl_stream *in, const ss_rtl_stream *out,
                     ss_buf *b) {
    const ss_node *n = &r->g->nodes[node];
    const ss_rtl_fold f = ss_rtl_fold_of(r, node);
    ss_shape s = ss_graph_in_shape(r->g, n);
    begin(r, f.broadcast ? "ss_conv_broadcast" : "ss_conv", b);
    ss_buf_printf(b, "        .C(%d), .F(%d), .G(%d),\n", s.c, n->shape.c, n->groups);
    put_window(r, n, f.wide, ss_window_held(f.k, f.fg, ss_rtl_config(r, node)), b);
    ss_buf_printf(b, "        .LANES_IN(%d), .LANES_OUT(%d),\n", in->lanes, out->lanes);
    put_folding(r, node, &f, b);
    put_conv_numbers(r, node, b);
    put_conv_memories(r, node, b);
    begin_ports(r, node, b);
    put_ports("in", in, b);
    ss_buf_printf(b, ",\n        .load_in(l%d_in), .load_out(l%d_out), .loaded(l%d_loaded)", node, node,
                  node);
    end_ports(out, b);
}

/* ---- nodes with one input ---- */

static void put_lanes(const ss_rtl *r, int32_t node, const ss_rtl_stream *in, const ss_rtl_stream *out,
                      ss_buf *b) {
    ss_shape s = ss_graph_in_shape(r->g, &r->g->nodes[node]);
    ss_buf_printf(b, "        .C(%d), .LANES_IN(%d), .LANES_OUT(%d),\n", s.c, in->lanes, out->lanes);
}

static int32_t input_lo(const ss_rtl *r, const ss_node *n) {
    return r->q->nodes[n->in[0]].lo;
}

static void put_relu(const ss_rtl *r, int32_t node, const ss_rtl_stream *out, ss_buf *b) {
    const ss_node *n = &r->g->nodes[node];
    ss_buf_printf(b, "        .LO(%d),\n", (int)input_lo(r, n));
    put_act(r, node, b);
    ss_buf_printf(b, "        .ROM_STYLE(\"%s\"),\n",
                  rom_style(r, (int64_t)out->lanes * r->q->bits, n->shape.c / out->lanes));
}

static void put_maxpool(const ss_rtl *r, int32_t node, const ss_rtl_stream *in, const ss_rtl_stream *out,
                        ss_buf *b) {
    const ss_node *n = &r->g->nodes[node];
    put_window(r, n, in->lanes > out->lanes ? in->lanes : out->lanes, 1, b);
    put_relu(r, node, out, b);
}

/* Multipliers by the number of elements inside the map stand in a file of one lane, the first of them for
 * none and 0; a single one is a constant. */
static void put_average(const ss_rtl *r, int32_t node, ss_buf *b) {
    const ss_qnode *q = &r->q->nodes[node];
    ss_buf_printf(b, "        ");
    put_file(r, node, "SCALE_FILE", "scale", ss_rtl_has_scale(r, node), b);
    ss_buf_printf(b, ",\n");
    if (ss_rtl_has_scale(r, node)) put_shifts(q, 1, b);
    else ss_buf_printf(b, "        .MULT(%d), .SHIFT(%d),\n", (int)q->mult[0], q->shift[0]);
}

static void put_range(const ss_rtl *r, int32_t node, ss_buf *b) {
    const ss_qnode *q = &r->q->nodes[node];
    ss_buf_printf(b, "        .LO(%d), .HI(%d), .ACC(%d), .PRE(%d),\n", (int)q->lo, (int)q->hi, q->acc_bits,
                  q->pre);
}

static void put_avgpool(const ss_rtl *r, int32_t node, const ss_rtl_stream *in, const ss_rtl_stream *out,
                        ss_buf *b) {
    const ss_node *n = &r->g->nodes[node];
    put_window(r, n, in->lanes > out->lanes ? in->lanes : out->lanes, 1, b);
    put_range(r, node, b);
    put_average(r, node, b);
    put_act(r, node, b);
    ss_buf_printf(b, "        .ROM_STYLE(\"%s\"),\n",
                  rom_style(r, SS_RTL_SCALE_BITS, r->q->nodes[node].n_mult));
}

static void put_slice(const ss_rtl *r, const ss_node *n, ss_buf *b) {
    ss_shape in = ss_graph_in_shape(r->g, n);
    ss_buf_printf(b, "        .H(%d), .WD(%d), .HO(%d), .WO(%d), .OH(%d), .OW(%d), .SH(%d), .SW(%d),\n", in.h,
                  in.w, n->shape.h, n->shape.w, n->win.pt, n->win.pl, n->win.sh, n->win.sw);
}

static const char *const modules[SS_OP_COUNT] = {
    [SS_OP_RELU] = "ss_node_relu",       [SS_OP_MAXPOOL] = "ss_node_maxpool",
    [SS_OP_AVGPOOL] = "ss_node_avgpool", [SS_OP_ADD] = "ss_node_add",
    [SS_OP_CONCAT] = "ss_node_concat",   [SS_OP_SLICE] = "ss_node_slice",
    [SS_OP_CHANPAD] = "ss_node_chanpad",
};

static void put_plain(const ss_rtl *r, int32_t node, const ss_rtl_stream *in, const ss_rtl_stream *out,
                      ss_buf *b) {
    const ss_node *n = &r->g->nodes[node];
    begin(r, modules[n->op], b);
    put_lanes(r, node, in, out, b);
    if (n->op == SS_OP_RELU) put_relu(r, node, out, b);
    if (n->op == SS_OP_MAXPOOL) put_maxpool(r, node, in, out, b);
    if (n->op == SS_OP_AVGPOOL) put_avgpool(r, node, in, out, b);
    if (n->op == SS_OP_SLICE) put_slice(r, n, b);
    if (n->op == SS_OP_CHANPAD)
        ss_buf_printf(b, "        .BEFORE(%d), .AFTER(%d),\n", n->pad_before, n->pad_after);
    begin_ports(r, node, b);
    put_ports("in", in, b);
    end_ports(out, b);
}

/* ---- joins ---- */

int64_t ss_rtl_skip_depth(const ss_rtl *r, int32_t node, int32_t k, int32_t lanes, ss_mem *mem) {
    int64_t depth = ss_cost_skip_depth(r->cost, node, k, lanes);
    for (int32_t i = 0; i < r->opts.n_depths; i++)
        if (r->opts.depths[i].node == node && (r->opts.depths[i].input < 0 || r->opts.depths[i].input == k))
            depth = r->opts.depths[i].words;
    *mem = ss_buffer_style(&r->d->device, (int64_t)lanes * r->q->bits, depth);
    return depth;
}

static void put_join_numbers(const ss_rtl *r, int32_t node, const ss_rtl_stream *out, ss_buf *b) {
    put_range(r, node, b);
    ss_buf_printf(b, "        .SHIFT(%d),\n", r->q->nodes[node].shift[0]);
    put_act(r, node, b);
    ss_buf_printf(b, "        .ROM_STYLE(\"%s\"),\n",
                  rom_style(r, (int64_t)out->lanes * r->q->bits, r->g->nodes[node].shape.c / out->lanes));
}

static void put_add(const ss_rtl *r, int32_t node, const ss_rtl_stream *in, const ss_rtl_stream *out,
                    ss_buf *b) {
    const ss_qnode *q = &r->q->nodes[node];
    begin(r, "ss_node_add", b);
    ss_buf_printf(b, "        .C(%d), .A_LANES(%d), .B_LANES(%d), .LANES_OUT(%d),\n",
                  r->g->nodes[node].shape.c, in[0].lanes, in[1].lanes, out->lanes);
    for (int32_t k = 0; k < 2; k++) {
        ss_mem mem;
        int64_t depth = ss_rtl_skip_depth(r, node, k, in[k].lanes, &mem);
        ss_buf_printf(b, "        .%c_SHIFT(%d), .%c_DEPTH(%lld), .%c_STYLE(\"%s\"),\n", "AB"[k],
                      q->in_shift[k], "AB"[k], (long long)depth, "AB"[k], fifo_style(mem));
    }
    put_join_numbers(r, node, out, b);
    begin_ports(r, node, b);
    put_ports("a", &in[0], b);
    put_ports("b", &in[1], b);
    end_ports(out, b);
}

/* `.NAME({32'dLAST, ..., 32'dFIRST})`: 32 bits an input, input 0 lowest. */
static void put_list(const char *name, const int64_t *values, int32_t n, ss_buf *b) {
    ss_buf_printf(b, "        .%s({", name);
    for (int32_t k = n - 1; k >= 0; k--)
        ss_buf_printf(b, "32'd%lld%s", (long long)values[k], k ? ", " : "}),\n");
}

static void put_signals(const char *port, const ss_rtl_stream *in, size_t member, int32_t n, ss_buf *b) {
    ss_buf_printf(b, ",\n        .in_%s({", port);
    for (int32_t k = n - 1; k >= 0; k--)
        ss_buf_printf(b, "%s%s", (const char *)&in[k] + member, k ? ", " : "})");
}

static void put_concat(const ss_rtl *r, int32_t node, const ss_rtl_stream *in, const ss_rtl_stream *out,
                       ss_buf *b) {
    const ss_node *n = &r->g->nodes[node];
    int64_t channels[SS_MAX_INPUTS], lanes[SS_MAX_INPUTS], shifts[SS_MAX_INPUTS], depths[SS_MAX_INPUTS],
        styles[SS_MAX_INPUTS], all = 0;
    for (int32_t k = 0; k < n->n_in; k++) {
        ss_mem mem;
        channels[k] = r->g->nodes[n->in[k]].shape.c;
        lanes[k] = in[k].lanes;
        all += lanes[k];
        shifts[k] = r->q->nodes[node].in_shift[k];
        depths[k] = ss_rtl_skip_depth(r, node, k, in[k].lanes, &mem);
        styles[k] = mem == SS_MEM_NONE ? 0 : mem == SS_MEM_BRAM ? 2 : 1;
    }
    begin(r, "ss_node_concat", b);
    ss_buf_printf(b, "        .N(%d), .IN(%d), .LANES_OUT(%d),\n", n->n_in, (int)all, out->lanes);
    put_list("CHANNELS", channels, n->n_in, b);
    put_list("LANES", lanes, n->n_in, b);
    put_list("SHIFTS", shifts, n->n_in, b);
    put_list("DEPTHS", depths, n->n_in, b);
    put_list("STYLES", styles, n->n_in, b);
    put_join_numbers(r, node, out, b);
    begin_ports(r, node, b);
    put_signals("valid", in, offsetof(ss_rtl_stream, valid), n->n_in, b);
    put_signals("ready", in, offsetof(ss_rtl_stream, ready), n->n_in, b);
    put_signals("data", in, offsetof(ss_rtl_stream, data), n->n_in, b);
    end_ports(out, b);
}

void ss_rtl_instance(const ss_rtl *r, int32_t node, const ss_rtl_stream *in, const ss_rtl_stream *out,
                     ss_buf *b) {
    switch (r->g->nodes[node].op) {
    case SS_OP_CONV:
        put_conv(r, node, in, out, b);
        break;
    case SS_OP_ADD:
        put_add(r, node, in, out, b);
        break;
    case SS_OP_CONCAT:
        put_concat(r, node, in, out, b);
        break;
    default:
        put_plain(r, node, in, out, b);
        break;
    }
}
