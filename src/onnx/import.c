/* Import: from the decoded model to graph nodes, in one walk over the nodes in order.
 *
 * Method: collect the values, order the nodes, create the INPUT, then for each node fetch its inputs, look it
 * up in the operator table and fold or lower it. A node that fails leaves an unknown value behind; where its
 * shape can be told all the same (same shape as the input, or stated in the file), a stand-in takes its place
 * so that the nodes behind it are checked too. A graph with stand-ins is never handed out as usable. */
#include "onnx/import.h"

#include <stdio.h>
#include <string.h>

/* ---- names ---- */

/* Length of the valid UTF-8 sequence at p (1..4), 0 when there is none or it is a control character. */
static size_t utf8_length(const unsigned char *p) {
    size_t n = *p < 0x80             ? 1
               : (*p & 0xe0) == 0xc0 ? 2
               : (*p & 0xf0) == 0xe0 ? 3
               : (*p & 0xf8) == 0xf0 ? 4
                                     : 0;
    if (n == 0 || *p < 0x20 || *p == 0x7f || *p == 0xc0 || *p == 0xc1 || *p > 0xf4) return 0;
    for (size_t k = 1; k < n; k++)
        if ((p[k] & 0xc0) != 0x80) return 0;
    bool overlong = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90);
    bool surrogate = *p == 0xed && p[1] >= 0xa0, beyond = *p == 0xf4 && p[1] >= 0x90;
    bool control = *p == 0xc2 && p[1] < 0xa0;
    return overlong || surrogate || beyond || control ? 0 : n;
}

const char *ss_clean_text(ss_importer *im, const char *text) {
    char *clean = ss_arena_strdup(im->g->arena, text);
    if (!clean) return "";
    for (unsigned char *p = (unsigned char *)clean; *p;) {
        size_t n = utf8_length(p);
        if (n == 0) *p = '?';
        p += n ? n : 1;
    }
    return clean;
}

const char *ss_import_name(ss_importer *im, const char *base, const char *suffix) {
    const char *name = ss_arena_printf(im->g->arena, "%s%s", base, suffix);
    for (int k = 2; name && ss_names_get(&im->node_names, name) >= 0; k++)
        name = ss_arena_printf(im->g->arena, "%s%s#%d", base, suffix, k);
    if (!name || !ss_names_put(&im->node_names, name, 0)) return NULL;
    return name;
}

static ss_status make_rows(ss_importer *im) {
    const Onnx__GraphProto *gp = im->model->graph;
    im->rows = ss_arena_alloc(im->g->arena, gp->n_node, sizeof *im->rows);
    if (!im->rows) return SS_BAD;
    for (size_t k = 0; k < gp->n_node; k++) {
        const Onnx__NodeProto *p = gp->node[k];
        ss_onnx_row *row = &im->rows[k];
        char suffix[24] = "";
        *row = (ss_onnx_row){ .status = "unused", .note = "the output does not need it", .node = -1 };
        row->op = ss_clean_text(im, p->op_type ? p->op_type : "");
        bool named = p->name && *p->name;
        if (!named || ss_names_get(&im->node_names, p->name) >= 0) snprintf(suffix, sizeof suffix, "_%zu", k);
        row->name = ss_import_name(im, named ? ss_clean_text(im, p->name) : row->op, suffix);
        if (!row->name) return SS_BAD;
    }
    return SS_OK;
}

/* ---- input and output of the network ---- */

static ss_status find_output(ss_importer *im) {
    const Onnx__GraphProto *gp = im->model->graph;
    if (gp->n_output != 1)
        return ss_error(im->ctx, SS_AT(im->g->name),
                        "export the network with its class scores as the only output",
                        "the network has %zu outputs; it must have one", gp->n_output);
    const char *name = gp->output[0]->name ? gp->output[0]->name : "";
    im->output = ss_names_get(&im->value_of, name);
    if (im->output < 0)
        return ss_error(im->ctx, SS_AT(im->g->name), "export it again", "nothing makes the output \"%.200s\"",
                        ss_clean_text(im, name));
    return SS_OK;
}

static ss_status find_input(ss_importer *im) {
    ss_status status = SS_OK;
    im->input = -1;
    for (int32_t k = 0; k < im->n_values; k++) {
        const ss_value *v = &im->values[k];
        if (v->kind != SS_VALUE_PENDING || v->producer >= 0 || v->readers == 0) continue;
        if (im->input >= 0)
            status = ss_error(im->ctx, SS_AT(ss_clean_text(im, v->name)),
                              "make every input but the image a constant",
                              "a second input beside \"%.200s\"; the network must have one, the image",
                              ss_clean_text(im, im->values[im->input].name));
        else im->input = k;
    }
    if (im->input >= 0) return status;
    return ss_error(im->ctx, SS_AT(im->g->name), "export it again",
                    "the output does not depend on any input");
}

static const Onnx__TypeProto__Tensor *tensor_type(const Onnx__ValueInfoProto *info) {
    const Onnx__TypeProto *t = info ? info->type : NULL;
    return t && t->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? t->tensor_type : NULL;
}

/* Dimensions as stated, 0 where dynamic. Returns the rank, or -1 when the file does not say. */
static int stated_dims(const Onnx__ValueInfoProto *info, int64_t dims[SS_MAX_RANK]) {
    const Onnx__TypeProto__Tensor *t = tensor_type(info);
    if (!t || !t->shape || t->shape->n_dim > SS_MAX_RANK) return -1;
    for (size_t d = 0; d < t->shape->n_dim; d++) {
        const Onnx__TensorShapeProto__Dimension *dim = t->shape->dim[d];
        bool fixed = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        dims[d] = fixed && dim->dim_value > 0 ? dim->dim_value : 0;
    }
    return (int)t->shape->n_dim;
}

/* Rank 4 or 2 behind any batch, every other dimension fixed and sensible. */
static bool image_shape(int rank, const int64_t *dims, ss_shape *out) {
    if (rank != 4 && rank != 2) return false;
    for (int d = 1; d < rank; d++)
        if (dims[d] < 1 || dims[d] > SS_MAX_DIM) return false;
    *out = (ss_shape){ (int32_t)dims[1], rank == 4 ? (int32_t)dims[2] : 1, rank == 4 ? (int32_t)dims[3] : 1 };
    return true;
}

static ss_status make_input(ss_importer *im) {
    ss_value *v = &im->values[im->input];
    const Onnx__TypeProto__Tensor *t = tensor_type(v->info);
    int64_t dims[SS_MAX_RANK] = { 0 };
    int rank = stated_dims(v->info, dims);
    char text[64] = "";
    ss_dims_text(rank > 0 ? rank : 0, dims, text);
    ss_where at = { ss_clean_text(im, v->name), "input", rank > 0 ? text : NULL };
    ss_node input = { .op = SS_OP_INPUT, .onnx_op = "input" };
    if (t && t->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT &&
        t->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE)
        return ss_error(im->ctx, at, "export the network in 32-bit float", "images of ONNX type %d",
                        t->elem_type);
    if (!image_shape(rank, dims, &input.shape))
        return ss_error(
            im->ctx, at, "export with fixed channels, height and width (only the batch may be dynamic)",
            "the image must be N x C x H x W or N x C%s", rank < 0 ? "; the file states no shape" : "");
    im->batch = dims[0] > 0 ? dims[0] : 1;
    if (im->batch > SS_MAX_DIM)
        return ss_error(im->ctx, at, "export with a dynamic batch", "the batch is too large");
    if (im->batch > 1)
        ss_note(im->ctx, at, "export with a dynamic batch to silence this",
                "batch %lld is ignored: images are independent", (long long)im->batch);
    input.name = ss_import_name(im, at.where, "");
    if (!input.name || ss_graph_infer_shape(im->g, &input) != SS_OK || ss_graph_add(im->g, &input) < 0)
        return SS_BAD;
    v->kind = SS_VALUE_ACT;
    v->node = 0;
    v->rank = rank;
    memcpy(v->dims, dims, sizeof v->dims);
    v->dims[0] = im->batch;
    return SS_OK;
}

/* ---- one node ---- */

static bool standard_domain(const Onnx__NodeProto *p) {
    return !p->domain || !*p->domain || strcmp(p->domain, "ai.onnx") == 0;
}

/* An initialiser is decoded when the first node reads it. */
static bool decode(ss_site *s, ss_value *v) {
    bool unsupported;
    if (v->kind != SS_VALUE_INIT) return true;
    v->kind = SS_VALUE_UNKNOWN;
    if (!ss_tensor_decode(s->im, v->init, ss_clean_text(s->im, v->name), &v->t, &unsupported)) {
        int32_t *counter = unsupported ? &s->im->n_unsupported : &s->im->n_invalid;
        (*counter)++;
        return false;
    }
    v->kind = SS_VALUE_CONST;
    return true;
}

/* Inputs of the site. False: some of them are unknown. */
static bool fetch(ss_site *s) {
    bool known = true;
    s->in = ss_arena_alloc(s->im->g->arena, s->p->n_input, sizeof *s->in);
    if (!s->in) return false;
    s->n_in = (int)s->p->n_input;
    for (int k = 0; k < s->n_in; k++) {
        if (!*s->p->input[k]) continue;
        s->in[k] = ss_value_of(s->im, s->p->input[k]);
        if (!decode(s, s->in[k]) || s->in[k]->kind == SS_VALUE_UNKNOWN) known = false;
    }
    while (s->n_in > 0 && !s->in[s->n_in - 1]) s->n_in--;
    return known;
}

static bool arity_right(ss_site *s) {
    if (s->n_in > s->op->max_in)
        return ss_invalid(s, "%d inputs; it takes at most %d", s->n_in, s->op->max_in);
    for (int k = 0; k < s->op->min_in; k++)
        if (!ss_site_has(s, k)) return ss_invalid(s, "input %d is missing", k + 1);
    return true;
}

/* What v carries cannot be taken up by `reader`: said once for each node that such values come from. */
static void refuse_carry(ss_importer *im, const ss_value *v, const char *reader) {
    ss_site origin = { .im = im, .row = &im->rows[v->origin] };
    if (strcmp(origin.row->status, "unsupported") == 0) return; /* said already, to another reader */
    if (v->carry == SS_CARRY_PAD)
        ss_refuse(&origin, "use the padding of the convolution or pool instead",
                  "padding that does not go straight into a Conv or a pool (but into %s)", reader);
    else
        ss_refuse(&origin, "end the network at the class scores in front of it",
                  "only as the last node of the network (%s reads it)", reader);
}

/* An input that carries what this operator cannot take up is the fault of the node it comes from. */
static bool carries_taken(ss_site *s) {
    bool ok = true;
    for (int k = 0; k < s->n_in; k++) {
        const ss_value *v = ss_site_act(s, k);
        if (!v || v->carry == SS_CARRY_NONE || (s->op->takes & (1u << v->carry))) continue;
        refuse_carry(s->im, v, s->row->name);
        ok = false;
    }
    if (!ok) s->row->status = "unchecked";
    return ok;
}

static bool extra_outputs_unused(ss_site *s) {
    for (size_t k = 1; k < s->p->n_output; k++) {
        const ss_value *v = *s->p->output[k] ? ss_value_of(s->im, s->p->output[k]) : NULL;
        if (v && v->readers)
            return ss_refuse(s, "use the first output only", "its output %zu is used", k + 1);
    }
    return true;
}

static bool any_act(const ss_site *s) {
    for (int k = 0; k < s->n_in; k++)
        if (ss_site_act(s, k)) return true;
    return false;
}

static bool translate(ss_site *s) {
    if (!s->op)
        return ss_refuse(s,
                         standard_domain(s->p)
                             ? "replace the operator, or see the documentation for those supported"
                             : "export with standard ONNX operators only",
                         "this operator is not supported");
    if (!s->op->lower && !s->op->fold) return ss_refuse(s, s->op->remedy, "this operator is not supported");
    if (!arity_right(s) || !extra_outputs_unused(s)) return false;
    if (any_act(s)) {
        if (!carries_taken(s)) return false;
        if (!s->op->lower)
            return ss_refuse(s, s->op->remedy, "this operator is not supported on activations");
        return s->op->lower(s);
    }
    if (s->op->fold) return s->op->fold(s);
    return ss_refuse(s, "run the exporter's constant folding first",
                     "this operator is not supported on constants");
}

/* The shape that a failed node's output has all the same, when it can be told. */
static bool guess_shape(const ss_site *s, const ss_value *out, ss_shape *shape, int *rank) {
    int64_t dims[SS_MAX_RANK] = { 0 };
    const ss_value *v = ss_site_act(s, 0);
    if (s->op && s->op->same_shape && v) {
        *shape = ss_act_shape(s, v);
        *rank = v->rank;
        return true;
    }
    *rank = stated_dims(out->info, dims);
    return image_shape(*rank, dims, shape);
}

static void stand_in(ss_site *s, ss_value *out) {
    ss_node node = { .op = SS_OP_INPUT, .onnx_op = s->row->op };
    int rank;
    if (s->im->n_invalid || !guess_shape(s, out, &node.shape, &rank)) return;
    node.name = ss_import_name(s->im, s->row->name, "#out");
    int32_t at = node.name ? ss_graph_add(s->im->g, &node) : -1;
    if (at < 0) return;
    s->row->node = at;
    s->out = (ss_value){ .kind = SS_VALUE_ACT,
                         .node = at,
                         .rank = rank,
                         .dims = { s->im->batch, node.shape.c, node.shape.h, node.shape.w } };
}

/* The result takes the place of the pending value; what belongs to the name stays. */
static void store(ss_value *slot, const ss_value *result) {
    ss_value v = *result;
    v.name = slot->name;
    v.info = slot->info;
    v.producer = slot->producer;
    v.readers = slot->readers;
    *slot = v;
}

static void work_on(ss_importer *im, int32_t index) {
    const Onnx__NodeProto *p = im->model->graph->node[index];
    ss_site s = { .im = im, .p = p, .index = index, .row = &im->rows[index] };
    ss_value *slot = p->n_output && *p->output[0] ? ss_value_of(im, p->output[0]) : NULL;
    s.row->status = "ok";
    s.row->note = "";
    s.op = standard_domain(p) && p->op_type ? ss_op_find(p->op_type) : NULL;
    s.out.kind = SS_VALUE_UNKNOWN;
    bool known = fetch(&s);
    if (!known && s.op && (s.op->lower || s.op->fold)) {
        s.row->status = "unchecked";
        s.row->note = "behind an unsupported node";
    } else {
        known = translate(&s);
    }
    if (!known) s.out.kind = SS_VALUE_UNKNOWN;
    if (!known && slot) stand_in(&s, slot);
    if (s.out.kind == SS_VALUE_CONST) s.row->status = "folded";
    for (size_t k = 1; k < p->n_output; k++) {
        ss_value *other = *p->output[k] ? ss_value_of(im, p->output[k]) : NULL;
        if (other) other->kind = SS_VALUE_UNKNOWN;
    }
    if (slot) store(slot, &s.out);
}

/* ---- the whole ---- */

static ss_status set_output(ss_importer *im) {
    ss_value *v = &im->values[im->output];
    if (v->kind == SS_VALUE_UNKNOWN) return SS_OK; /* counted already */
    if (v->kind != SS_VALUE_ACT)
        return ss_error(im->ctx, SS_AT(im->g->name), "export it again",
                        "the output does not depend on the input");
    if (v->carry == SS_CARRY_PAD) refuse_carry(im, v, "the output");
    if (v->carry == SS_CARRY_SOFTMAX) {
        const ss_onnx_row *row = &im->rows[v->origin];
        ss_note(im->ctx, (ss_where){ row->name, row->op, NULL }, "",
                "dropped: it does not change the order of the scores");
    }
    im->g->output = v->node;
    return SS_OK;
}

static ss_status check_opset(ss_importer *im) {
    for (size_t k = 0; k < im->model->n_opset_import; k++) {
        const Onnx__OperatorSetIdProto *o = im->model->opset_import[k];
        if (!o->domain || !*o->domain || strcmp(o->domain, "ai.onnx") == 0) im->opset = o->version;
    }
    if (im->opset >= 9 && im->opset <= 18) return SS_OK;
    return ss_error(im->ctx, SS_AT(im->g->name), "export with an opset_version from 9 to 18",
                    "ONNX opset %lld is not supported", (long long)im->opset);
}

ss_status ss_import_model(ss_importer *im) {
    const Onnx__GraphProto *gp = im->model->graph;
    if (!gp || gp->n_node > INT32_MAX)
        return ss_error(im->ctx, SS_AT(im->g->name), "name a trained network", "holds no network");
    im->const_left = SS_CONST_BYTES;
    if (check_opset(im) != SS_OK || make_rows(im) != SS_OK || ss_values_collect(im) != SS_OK) return SS_BAD;
    if (find_output(im) != SS_OK || ss_values_order(im) != SS_OK) return SS_BAD;
    if (find_input(im) != SS_OK || make_input(im) != SS_OK) return SS_BAD;
    for (int32_t k = 0; k < im->n_order; k++) work_on(im, im->order[k]);
    if (set_output(im) != SS_OK || im->n_invalid) return SS_BAD;
    if (im->n_unsupported) return SS_NO;
    return ss_diag_errors(im->ctx) > im->errors_before ? SS_BAD : SS_OK; /* memory ran out on the way */
}
