/* Text form of a graph, writing side; read.c is the reading side.
 *
 *   skipstream.graph 1
 *   name "net.onnx"
 *   weights yes
 *   node 0 input "image" onnx="" shape=3x32x32
 *   node 1 conv "conv1" onnx="Conv" in=0 shape=16x32x32 kernel=3x3 stride=1x1 pad=1,1,1,1 groups=1 act="relu1"
 *       threshold=0 ceiling=inf # 432 weights, 442368 MACs        (all on one line)
 *   weights 432 3f8000003f800000...
 *   bias 16 00000000...
 *   output 1
 *
 * One line a node, fields that are all zero left out, everything behind # a comment. pad is top,left,bottom,right (for
 * slice: offsets, then what is cut off behind), channels=before,after belongs to chanpad. Values of weights and bias
 * follow their node, each as the 8 hexadecimal digits of its IEEE single: exact, and free of locale and byte
 * order. Without weights the values are left out, and the graph that reads back is structure_only. */
#include "graph/graph.h"

#include <string.h>

static void add_quoted(ss_buf *b, const char *s) {
    ss_buf_add(b, "\"", 1);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') ss_buf_printf(b, "\\x%02x", c);
        else ss_buf_add(b, s, 1);
    }
    ss_buf_add(b, "\"", 1);
}

static void add_inputs(ss_buf *b, const ss_node *n) {
    for (int32_t k = 0; k < n->n_in; k++) ss_buf_printf(b, "%s%d", k ? "," : " in=", n->in[k]);
}

static void add_window(ss_buf *b, const ss_window *w) {
    if (w->kh || w->kw) ss_buf_printf(b, " kernel=%dx%d", w->kh, w->kw);
    if (w->sh || w->sw) ss_buf_printf(b, " stride=%dx%d", w->sh, w->sw);
    if (w->pt || w->pl || w->pb || w->pr) ss_buf_printf(b, " pad=%d,%d,%d,%d", w->pt, w->pl, w->pb, w->pr);
}

/* Nine digits bring every float back. */
static void add_act(ss_buf *b, const ss_act *a, int32_t channels) {
    if (!a->on) return;
    ss_buf_printf(b, " act=");
    add_quoted(b, a->name);
    ss_buf_printf(b, " threshold=%.9g ceiling=%.9g", (double)a->threshold, (double)a->ceiling);
    for (int32_t c = 0; a->per_channel && c < channels; c++)
        ss_buf_printf(b, "%s%.9g", c ? "," : " thresholds=", (double)a->per_channel[c]);
}

static void add_node(ss_buf *b, const ss_graph *g, int32_t i) {
    const ss_node *n = &g->nodes[i];
    ss_buf_printf(b, "node %d %s ", i, ss_op_name(n->op));
    add_quoted(b, n->name);
    ss_buf_printf(b, " onnx=");
    add_quoted(b, n->onnx_op ? n->onnx_op : "");
    add_inputs(b, n);
    ss_buf_printf(b, " shape=%dx%dx%d", n->shape.c, n->shape.h, n->shape.w);
    add_window(b, &n->win);
    if (n->groups) ss_buf_printf(b, " groups=%d", n->groups);
    if (n->pad_before || n->pad_after) ss_buf_printf(b, " channels=%d,%d", n->pad_before, n->pad_after);
    if (n->fc) ss_buf_printf(b, " fc");
    if (n->count_pad) ss_buf_printf(b, " count_pad");
    add_act(b, &n->act, n->shape.c);
    if (n->op == SS_OP_CONV)
        ss_buf_printf(b, " # %lld weights, %lld MACs", (long long)ss_node_weight_count(g, n),
                      (long long)ss_node_macs(g, n));
    ss_buf_add(b, "\n", 1);
}

static void add_values(ss_buf *b, const char *what, const float *v, int64_t count) {
    static const char digits[] = "0123456789abcdef";
    if (!v) return;
    ss_buf_printf(b, "%s %lld ", what, (long long)count);
    for (int64_t i = 0; i < count && !b->failed; i++) {
        uint32_t bits;
        char text[8];
        memcpy(&bits, &v[i], sizeof bits);
        for (int k = 7; k >= 0; k--, bits >>= 4) text[k] = digits[bits & 15];
        ss_buf_add(b, text, sizeof text);
    }
    ss_buf_add(b, "\n", 1);
}

ss_status ss_graph_dump(const ss_graph *g, bool with_weights, ss_buf *out) {
    bool values = with_weights && !g->structure_only;
    ss_buf_printf(out, "skipstream.graph 1\nname ");
    add_quoted(out, g->name);
    ss_buf_printf(out, "\nweights %s\n", values ? "yes" : "no");
    for (int32_t i = 0; i < g->n; i++) {
        const ss_node *n = &g->nodes[i];
        add_node(out, g, i);
        if (!values) continue;
        add_values(out, "weights", n->weights, n->op == SS_OP_CONV ? ss_node_weight_count(g, n) : n->shape.c);
        add_values(out, "bias", n->bias, n->shape.c);
    }
    ss_buf_printf(out, "output %d\n", g->output);
    return out->failed ? SS_BAD : SS_OK;
}
