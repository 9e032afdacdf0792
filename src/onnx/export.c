/* Export: the model's own file with its thresholds in it, as standard operators, so that any ONNX runtime gives the
 * accuracy that skipstream reports.
 *
 * Method: the file is decoded again and every activation is found by its node's name. A Relu with one threshold becomes a
 * ThresholdedRelu; behind a Clip one is added; a threshold per channel becomes x * Cast(x > t). Behind a convolution whose
 * bias was corrected, or behind its BatchNormalization, stands an Add of the correction. All else, weights
 * included, is packed again as it was. The decoded model is not changed: new nodes stand in a copy of the node list.
 */
#include "onnx/import.h"

#include <math.h>
#include <string.h>

#define THRESHOLDED_RELU_OPSET 10

typedef struct exporter {
    ss_ctx *ctx;
    ss_arena *arena;
    const ss_graph *g;
    Onnx__GraphProto graph; /* a copy: own lists of nodes and initialisers */
    size_t room;
} exporter;

static char *suffixed(exporter *x, const char *name, const char *suffix) {
    return ss_arena_printf(x->arena, "%s%s", name, suffix);
}

static Onnx__NodeProto *new_node(exporter *x, const char *name, const char *op, char **in, size_t n_in, char *out) {
    Onnx__NodeProto *n = ss_arena_alloc(x->arena, 1, sizeof *n);
    char **outs = ss_arena_alloc(x->arena, 1, sizeof *outs);
    if (!n || !outs) return NULL;
    onnx__node_proto__init(n);
    outs[0] = out;
    n->name = ss_arena_strdup(x->arena, name);
    n->op_type = ss_arena_strdup(x->arena, op);
    n->input = in;
    n->n_input = n_in;
    n->output = outs;
    n->n_output = 1;
    return n->name && n->op_type && out ? n : NULL;
}

static char **inputs(exporter *x, char *a, char *b) {
    char **in = ss_arena_alloc(x->arena, 2, sizeof *in);
    if (!in) return NULL;
    in[0] = a;
    in[1] = b;
    return in;
}

static bool set_attribute(exporter *x, Onnx__NodeProto *n, const char *name, bool real, float f, int64_t i) {
    Onnx__AttributeProto *a = ss_arena_alloc(x->arena, 1, sizeof *a), **list = ss_arena_alloc(x->arena, 1, sizeof *list);
    if (!a || !list) return false;
    onnx__attribute_proto__init(a);
    a->name = ss_arena_strdup(x->arena, name);
    a->has_type = true;
    a->type = real ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT : ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    a->has_f = real;
    a->f = f;
    a->has_i = !real;
    a->i = i;
    list[0] = a;
    n->attribute = list;
    n->n_attribute = 1;
    return a->name != NULL;
}

static void push(exporter *x, Onnx__NodeProto *n) { x->graph.node[x->graph.n_node++] = n; }

/* ---- the three forms ---- */

/* y = ThresholdedRelu(alpha = t)(x) */
static bool thresholded(exporter *x, const char *name, char *in, char *out, float t) {
    Onnx__NodeProto *n = new_node(x, name, "ThresholdedRelu", inputs(x, in, NULL), 1, out);
    if (!n || !n->input || !set_attribute(x, n, "alpha", true, t, 0)) return false;
    push(x, n);
    return true;
}

/* A value a channel of n, in the model's own order of channels, as an initialiser of shape C x 1 x 1, which broadcasts
 * from the right over a map. */
static bool add_constant(exporter *x, char *name, const ss_node *n, const float *values, bool map) {
    const int32_t channels = n->shape.c;
    Onnx__TensorProto *p = ss_arena_alloc(x->arena, 1, sizeof *p);
    int64_t *dims = ss_arena_alloc(x->arena, 3, sizeof *dims);
    float *data = ss_arena_alloc(x->arena, (size_t)channels, sizeof *data);
    if (!p || !dims || !data || !name) return false;
    onnx__tensor_proto__init(p);
    for (int32_t c = 0; c < channels; c++) data[n->order ? n->order[c] : c] = values[c];
    dims[0] = channels;
    dims[1] = dims[2] = 1;
    p->name = name;
    p->dims = dims;
    p->n_dims = map ? 3 : 1;
    p->has_data_type = true;
    p->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    p->float_data = data;
    p->n_float_data = (size_t)channels;
    x->graph.initializer[x->graph.n_initializer++] = p;
    return true;
}

/* y = x * Cast(x > t) */
static bool by_channel(exporter *x, const char *name, char *in, char *out, const ss_node *n) {
    char *t = suffixed(x, name, "/t"), *above = suffixed(x, name, "/above"), *keep = suffixed(x, name, "/keep");
    if (!t || !above || !keep || !add_constant(x, t, n, n->act.per_channel, n->shape.h * n->shape.w > 1))
        return false;
    Onnx__NodeProto *greater = new_node(x, above, "Greater", inputs(x, in, t), 2, above);
    Onnx__NodeProto *cast = new_node(x, keep, "Cast", inputs(x, above, NULL), 1, keep);
    Onnx__NodeProto *mul = new_node(x, name, "Mul", inputs(x, in, keep), 2, out);
    if (!greater || !cast || !mul || !greater->input || !cast->input || !mul->input) return false;
    if (!set_attribute(x, cast, "to", false, 0, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)) return false;
    push(x, greater);
    push(x, cast);
    push(x, mul);
    return true;
}

/* ---- corrected biases ---- */

/* The BatchNormalization that alone reads what n makes; NULL: none. */
static const Onnx__NodeProto *normalisation_behind(const Onnx__GraphProto *g, const Onnx__NodeProto *n) {
    const Onnx__NodeProto *found = NULL;
    size_t readers = 0;
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < g->node[i]->n_input; k++)
            if (strcmp(g->node[i]->input[k], n->output[0]) == 0) {
                readers++;
                found = g->node[i];
            }
    return readers == 1 && strcmp(found->op_type, "BatchNormalization") == 0 ? found : NULL;
}

/* y = n(x) + shift */
static bool shifted(exporter *x, Onnx__NodeProto *n, const ss_node *conv) {
    Onnx__NodeProto *first = ss_arena_alloc(x->arena, 1, sizeof *first);
    char **outs = ss_arena_alloc(x->arena, 1, sizeof *outs);
    char *before = suffixed(x, n->output[0], "/uncorrected"), *by = suffixed(x, n->output[0], "/correction");
    if (!first || !outs || !before || !by || !add_constant(x, by, conv, conv->bias_shift, !conv->fc)) return false;
    *first = *n;
    outs[0] = before;
    first->output = outs;
    Onnx__NodeProto *add = new_node(x, by, "Add", inputs(x, before, by), 2, n->output[0]);
    if (!add || !add->input) return false;
    push(x, first);
    push(x, add);
    return true;
}

/* The convolution whose correction is due behind n: n itself, or the one that n normalises; NULL: none. */
static const ss_node *correction_behind(const exporter *x, const Onnx__GraphProto *from, const ss_onnx_report *r, size_t at) {
    const Onnx__NodeProto *n = from->node[at];
    for (size_t i = 0; i <= at; i++) {
        const int32_t found = ss_graph_find(x->g, r->rows[i].name);
        if (found < 0 || !x->g->nodes[found].bias_shift || from->node[i]->n_output != 1) continue;
        const Onnx__NodeProto *last = normalisation_behind(from, from->node[i]);
        if ((last ? last : from->node[i]) == n) return &x->g->nodes[found];
    }
    return NULL;
}

static bool export_node(exporter *x, Onnx__NodeProto *n, const char *name) {
    int32_t at = ss_graph_find_act(x->g, name);
    const ss_node *node = at >= 0 ? &x->g->nodes[at] : NULL;
    if (!node || (node->act.threshold == 0 && !node->act.per_channel) || n->n_output != 1) {
        push(x, n);
        return true;
    }
    char *in = n->input[0];
    if (isfinite(node->act.ceiling)) { /* the clip first, its result under another name */
        Onnx__NodeProto *clip = ss_arena_alloc(x->arena, 1, sizeof *clip);
        char **outs = ss_arena_alloc(x->arena, 1, sizeof *outs);
        if (!clip || !outs || !(in = suffixed(x, n->output[0], "/clipped"))) return false;
        *clip = *n;
        outs[0] = in;
        clip->output = outs;
        push(x, clip);
    }
    char *label = isfinite(node->act.ceiling) ? suffixed(x, name, "/threshold") : suffixed(x, name, "");
    if (!label) return false;
    if (node->act.per_channel) return by_channel(x, label, in, n->output[0], node);
    return thresholded(x, label, in, n->output[0], node->act.threshold);
}

/* ---- the whole model ---- */

static bool copy_lists(exporter *x, const Onnx__GraphProto *from) {
    x->graph = *from;
    x->graph.node = ss_arena_alloc(x->arena, 4 * from->n_node, sizeof *x->graph.node);
    x->graph.initializer = ss_arena_alloc(x->arena, from->n_initializer + from->n_node, sizeof *x->graph.initializer);
    if (!x->graph.node || !x->graph.initializer) return false;
    if (from->n_initializer)
        memcpy(x->graph.initializer, from->initializer, from->n_initializer * sizeof *x->graph.initializer);
    x->graph.n_node = 0;
    return true;
}

static bool has_external(const Onnx__GraphProto *g) {
    for (size_t i = 0; i < g->n_initializer; i++)
        if (g->initializer[i]->n_external_data > 0) return true;
    return false;
}

static ss_status write_model(exporter *x, const Onnx__ModelProto *m, const char *out) {
    Onnx__ModelProto model = *m;
    model.graph = &x->graph;
    size_t len = onnx__model_proto__get_packed_size(&model);
    uint8_t *bytes = ss_alloc(x->ctx, len, 1);
    if (!bytes) return SS_BAD;
    onnx__model_proto__pack(&model, bytes);
    ss_status s = ss_file_write(x->ctx, out, bytes, len);
    ss_free(x->ctx, bytes);
    return s;
}

static ss_status export_model(ss_ctx *ctx, const ss_graph *g, const Onnx__ModelProto *m, const ss_onnx_report *r,
                              const char *out) {
    if (r->opset < THRESHOLDED_RELU_OPSET)
        return ss_error(ctx, SS_AT(out), "convert the model to opset 10 or later first",
                        "ThresholdedRelu needs opset 10, the model has %lld", (long long)r->opset);
    if (has_external(m->graph))
        return ss_error(ctx, SS_AT(out), "save the model with its weights inside", "the model's weights lie in other files");
    exporter x = { .ctx = ctx, .arena = ss_arena_new(ctx), .g = g };
    bool ok = x.arena && copy_lists(&x, m->graph);
    for (size_t i = 0; ok && i < m->graph->n_node; i++) {
        const ss_node *conv = correction_behind(&x, m->graph, r, i);
        ok = conv ? shifted(&x, m->graph->node[i], conv) : export_node(&x, m->graph->node[i], r->rows[i].name);
    }
    ss_status s = ok ? write_model(&x, m, out) : SS_BAD;
    ss_arena_free(x.arena);
    return s;
}

ss_status ss_onnx_export(const ss_graph *g, const char *path, const char *out) {
    ss_ctx *ctx = g->ctx;
    uint8_t *data;
    size_t len;
    ss_graph *raw;
    ss_onnx_report report;
    if (ss_onnx_import(ctx, path, &raw, &report) != SS_OK) return SS_BAD;
    ss_status s = ss_file_read(ctx, path, SS_MODEL_BYTES, &data, &len);
    Onnx__ModelProto *m = s == SS_OK ? ss_onnx_decode(ctx, path, data, len) : NULL;
    s = m ? export_model(ctx, g, m, &report, out) : SS_BAD;
    ss_onnx_decoded_free(ctx, m);
    ss_free(ctx, data);
    ss_graph_free(raw);
    return s;
}
