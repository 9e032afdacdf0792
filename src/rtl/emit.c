/* The top of a partition: ports, shell, one instance a node, and between them streams, forks, taps, stall
 * counters. */
#include "rtl/gen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool has_hardware(const ss_node *n) {
    return !ss_rtl_is_wire(n) && n->op != SS_OP_INPUT;
}

/* ---- who reads a stream ---- */

typedef struct top {
    const ss_rtl *r;
    const ss_rtl_part *part;
    ss_buf *b;
} top;

/* Readers of tensor t inside the partition, the way out last. FLATTENs are looked through. */
static int32_t readers_of(const top *t, int32_t tensor) {
    int32_t readers = tensor == t->part->output;
    for (int32_t i = t->part->first; i <= t->part->last; i++) {
        const ss_node *n = &t->r->g->nodes[i];
        for (int32_t k = 0; has_hardware(n) && k < n->n_in; k++)
            readers += ss_rtl_source(t->r->g, n->in[k]) == tensor;
    }
    return readers;
}

/* Which of its tensor's readers input `input` of node `node` is; node past the last: the way out. */
static int32_t reader_index(const top *t, int32_t tensor, int32_t node, int32_t input) {
    int32_t index = 0;
    for (int32_t i = t->part->first; i <= t->part->last; i++) {
        const ss_node *n = &t->r->g->nodes[i];
        for (int32_t k = 0; has_hardware(n) && k < n->n_in; k++) {
            if (i == node && k == input) return index;
            index += ss_rtl_source(t->r->g, n->in[k]) == tensor;
        }
    }
    return index;
}

static ss_rtl_stream stream_of(const top *t, int32_t tensor) {
    ss_rtl_stream s = { .lanes = ss_rtl_lanes(t->r, t->part, tensor) };
    snprintf(s.valid, sizeof s.valid, "t%d_valid", tensor);
    snprintf(s.ready, sizeof s.ready, "t%d_ready", tensor);
    snprintf(s.data, sizeof s.data, "t%d_data", tensor);
    return s;
}

/* The stream as a reader sees it: behind the fork when there is one. */
static ss_rtl_stream stream_into(const top *t, int32_t tensor, int32_t node, int32_t input) {
    ss_rtl_stream s = stream_of(t, tensor);
    if (readers_of(t, tensor) == 1) return s;
    int32_t index = reader_index(t, tensor, node, input);
    snprintf(s.valid, sizeof s.valid, "f%d_valid[%d]", tensor, index);
    snprintf(s.ready, sizeof s.ready, "f%d_ready[%d]", tensor, index);
    snprintf(s.data, sizeof s.data, "f%d_data", tensor);
    return s;
}

/* ---- pieces ---- */

static int64_t width_of(const top *t, int32_t tensor) {
    return (int64_t)ss_rtl_lanes(t->r, t->part, tensor) * t->r->q->bits;
}

/* Wires of a tensor, its fork and its tap. */
static void put_stream(const top *t, int32_t tensor, bool tapped) {
    const long long high = width_of(t, tensor) - 1;
    const int32_t readers = readers_of(t, tensor);
    ss_buf_printf(t->b, "    wire t%d_valid, t%d_ready;\n    wire [%lld:0] t%d_data;\n", tensor, tensor, high,
                  tensor);
    if (tapped)
        ss_buf_printf(
            t->b,
            "`ifdef SS_TAPS\n"
            "    ss_tap #(.ID(%d), .WIDTH(%lld)) tap%d (\n"
            "        .clk(clk), .rst(rst), .valid(t%d_valid), .ready(t%d_ready), .data(t%d_data)\n    );\n"
            "`endif\n",
            tensor, high + 1, tensor, tensor, tensor, tensor);
    if (readers == 1) return;
    ss_buf_printf(t->b, "    wire [%d:0] f%d_valid, f%d_ready;\n    wire [%lld:0] f%d_data;\n", readers - 1,
                  tensor, tensor, high, tensor);
    ss_buf_printf(t->b,
                  "    ss_fork #(.WIDTH(%lld), .N(%d)) fork%d (\n        .clk(clk), .rst(rst),\n"
                  "        .in_valid(t%d_valid), .in_ready(t%d_ready), .in_data(t%d_data),\n"
                  "        .out_valid(f%d_valid), .out_ready(f%d_ready), .out_data(f%d_data)\n    );\n",
                  high + 1, readers, tensor, tensor, tensor, tensor, tensor, tensor, tensor);
}

/* Counter `at` of the shell: an input that waits for a word, an output that waits for its reader. */
static void put_stalls(const top *t, int32_t node, int at) {
    const ss_node *n = &t->r->g->nodes[node];
    ss_buf_printf(t->b, "    assign starved[%d] = ", at);
    for (int32_t k = 0; k < n->n_in; k++) {
        ss_rtl_stream s = stream_into(t, ss_rtl_source(t->r->g, n->in[k]), node, k);
        ss_buf_printf(t->b, "%s(%s && !%s)", k ? " || " : "", s.ready, s.valid);
    }
    if (n->n_in == 0) ss_buf_printf(t->b, "t%d_ready && !t%d_valid", node, node);
    ss_buf_printf(t->b, ";\n    assign blocked[%d] = t%d_valid && !t%d_ready;\n", at, node, node);
}

static void put_node(const top *t, int32_t node, int at) {
    const ss_node *n = &t->r->g->nodes[node];
    char shape[40];
    ss_shape_text(n->shape, shape);
    ss_buf_printf(t->b, "\n    // ---- node %d: %s, %s ----\n", node, ss_op_name(n->op), shape);
    put_stream(t, node, true);
    put_stalls(t, node, at);
    if (!has_hardware(n)) return;
    ss_rtl_stream in[SS_MAX_INPUTS], out = stream_of(t, node);
    for (int32_t k = 0; k < n->n_in; k++) in[k] = stream_into(t, ss_rtl_source(t->r->g, n->in[k]), node, k);
    ss_rtl_instance(t->r, node, in, &out, t->b);
}

static void put_nodes(const top *t) {
    int at = 0;
    if (t->part->input < t->part->first) {
        ss_buf_printf(t->b, "\n    // ---- input: the tensor of node %d ----\n", t->part->input);
        put_stream(t, t->part->input, false);
    }
    for (int32_t i = t->part->first; i <= t->part->last; i++)
        if (!ss_rtl_is_wire(&t->r->g->nodes[i])) put_node(t, i, at++);
}

/* The load bus through all convolutions in node order; in other styles than UltraRAM it passes through. */
static void put_load_bus(const top *t) {
    char from[24] = "load", loaded[24] = "1'b1";
    ss_buf_printf(t->b, "\n    // ---- load bus ----\n    wire [65:0] load;\n");
    for (int32_t i = t->part->first; i <= t->part->last; i++) {
        if (t->r->g->nodes[i].op != SS_OP_CONV) continue;
        ss_buf_printf(t->b, "    wire [65:0] l%d_out;\n    wire [65:0] l%d_in = %s;\n", i, i, from);
        ss_buf_printf(t->b, "    wire l%d_loaded;\n    wire l%d_all = %s && l%d_loaded;\n", i, i, loaded, i);
        snprintf(from, sizeof from, "l%d_out", i);
        snprintf(loaded, sizeof loaded, "l%d_all", i);
    }
    ss_buf_printf(t->b, "    wire unused_ok = &{1'b0, %s};\n    wire loaded = %s;\n", from, loaded);
}

static int count_nodes(const top *t) {
    int n = 0;
    for (int32_t i = t->part->first; i <= t->part->last; i++) n += !ss_rtl_is_wire(&t->r->g->nodes[i]);
    return n;
}

static void put_shell(const top *t, uint64_t identity) {
    const ss_rtl_part *p = t->part;
    const bool loads = p->load_words > 0;
    ss_rtl_stream in = stream_of(t, p->input), out = stream_into(t, p->output, INT32_MAX, 0);
    ss_buf_printf(t->b,
                  "    ss_shell #(\n        .LANES_IN(%d), .W_IN(%d), .WORDS_IN(%" PRId64 "),\n"
                  "        .LANES_OUT(%d), .W_OUT(%d), .WORDS_OUT(%" PRId64 "),\n"
                  "        .NODES(%d), .LOAD_WORDS(%" PRId64 "), .DESIGN(32'h%08" PRIx32 ")\n    ) shell (\n",
                  in.lanes, t->r->q->bits, ss_rtl_words(t->r, p, p->input), out.lanes, t->r->q->bits,
                  ss_rtl_words(t->r, p, p->output), count_nodes(t), p->load_words, (uint32_t)identity);
    static const char *const same[] = {
        "clk",           "rst",           "s_axis_tvalid", "s_axis_tready", "s_axis_tdata",  "s_axis_tlast",
        "m_axis_tvalid", "m_axis_tready", "m_axis_tdata",  "m_axis_tlast",  "s_axi_awvalid", "s_axi_awready",
        "s_axi_awaddr",  "s_axi_wvalid",  "s_axi_wready",  "s_axi_wdata",   "s_axi_wstrb",   "s_axi_bvalid",
        "s_axi_bready",  "s_axi_bresp",   "s_axi_arvalid", "s_axi_arready", "s_axi_araddr",  "s_axi_rvalid",
        "s_axi_rready",  "s_axi_rdata",   "s_axi_rresp",   "starved",       "blocked",       "load",
        "loaded",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        ss_buf_printf(t->b, "        .%s(%s),\n", same[i], same[i]);
    if (loads)
        ss_buf_printf(t->b, "        .s_load_tvalid(s_load_tvalid), .s_load_tready(s_load_tready), "
                            ".s_load_tdata(s_load_tdata),\n");
    else
        ss_buf_printf(t->b,
                      "        .s_load_tvalid(1'b0), .s_load_tready(load_ready), .s_load_tdata(64'd0),\n");
    ss_buf_printf(t->b, "        .in_valid(%s), .in_ready(%s), .in_data(%s),\n", in.valid, in.ready, in.data);
    ss_buf_printf(t->b, "        .out_valid(%s), .out_ready(%s), .out_data(%s)\n    );\n", out.valid,
                  out.ready, out.data);
}

static void put_ports(const top *t) {
    const ss_rtl_part *p = t->part;
    ss_buf_printf(t->b,
                  "module partition_%d (\n"
                  "    input  wire clk,\n    input  wire rst,\n"
                  "    input  wire s_axis_tvalid,\n    output wire s_axis_tready,\n"
                  "    input  wire [%" PRId64 ":0] s_axis_tdata,\n    input  wire s_axis_tlast,\n"
                  "    output wire m_axis_tvalid,\n    input  wire m_axis_tready,\n"
                  "    output wire [%" PRId64 ":0] m_axis_tdata,\n    output wire m_axis_tlast,\n",
                  p->number, width_of(t, p->input) - 1, width_of(t, p->output) - 1);
    if (p->load_words > 0)
        ss_buf_printf(t->b, "    input  wire s_load_tvalid,\n    output wire s_load_tready,\n"
                            "    input  wire [63:0] s_load_tdata,\n");
    ss_buf_printf(
        t->b,
        "    input  wire s_axi_awvalid,\n    output wire s_axi_awready,\n    input  wire [15:0] "
        "s_axi_awaddr,\n"
        "    input  wire s_axi_wvalid,\n    output wire s_axi_wready,\n    input  wire [31:0] s_axi_wdata,\n"
        "    input  wire [3:0] s_axi_wstrb,\n"
        "    output wire s_axi_bvalid,\n    input  wire s_axi_bready,\n    output wire [1:0] s_axi_bresp,\n"
        "    input  wire s_axi_arvalid,\n    output wire s_axi_arready,\n    input  wire [15:0] "
        "s_axi_araddr,\n"
        "    output wire s_axi_rvalid,\n    input  wire s_axi_rready,\n    output wire [31:0] s_axi_rdata,\n"
        "    output wire [1:0] s_axi_rresp\n);\n");
}

/* A name in a comment: nothing that could end it or hide what follows. */
static void put_comment(ss_buf *b, const char *name) {
    for (; *name; name++) ss_buf_add(b, *name >= 32 && *name < 127 && *name != '\\' ? name : "?", 1);
}

static void put_table(const top *t) {
    ss_buf_printf(t->b, "// node  instance: ONNX name\n");
    for (int32_t i = t->part->first; i <= t->part->last; i++) {
        const ss_node *n = &t->r->g->nodes[i];
        const char *instance = ss_rtl_is_wire(n)      ? "a wire"
                               : n->op == SS_OP_INPUT ? "shell"
                                                      : t->r->instance[i];
        ss_buf_printf(t->b, "// %4d  %s: ", i, instance);
        put_comment(t->b, n->name);
        ss_buf_printf(t->b, "\n");
    }
}

/* The nodes are written first: their text, with the weights' hash, is the identity that the control block
 * tells. */
void ss_rtl_top(const ss_rtl *r, const ss_rtl_part *part, ss_buf *out) {
    ss_buf nodes;
    ss_buf_init(&nodes, r->ctx);
    top t = { r, part, &nodes };
    put_load_bus(&t);
    put_nodes(&t);
    uint64_t identity = ss_hash(nodes.data ? nodes.data : "", nodes.len, ss_graph_hash(r->g));
    t.b = out;
    ss_buf_printf(out, "// partition_%d of ", part->number);
    put_comment(out, ss_base_name(r->g->name));
    ss_buf_printf(out, ", written by skipstream generate: generate again, do not edit.\n");
    put_table(&t);
    put_ports(&t);
    ss_buf_printf(out, "    wire [%d:0] starved, blocked;\n", count_nodes(&t) - 1);
    if (part->load_words == 0)
        ss_buf_printf(out, "    wire load_ready;\n    wire unused_load = &{1'b0, load_ready};\n");
    if (nodes.data) ss_buf_add(out, nodes.data, nodes.len);
    ss_buf_printf(out, "\n    // ---- shell ----\n");
    put_shell(&t, identity);
    ss_buf_printf(out, "endmodule\n");
    if (nodes.failed) out->failed = true;
    ss_buf_free(&nodes);
}
