/* ONNX models built in memory. See util_onnx.h. */
#include "util_onnx.h"

#include "infer/infer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 256

typedef struct block {
    struct block *next;
    max_align_t data[];
} block;

struct util_onnx {
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    block *blocks;
};

void *util_onnx_keep(util_onnx *u, size_t bytes) {
    block *b = calloc(1, sizeof *b + bytes);
    if (!b) abort();
    b->next = u->blocks;
    u->blocks = b;
    return b->data;
}

static char *text_copy(util_onnx *u, const char *text) {
    char *copy = util_onnx_keep(u, strlen(text) + 1);
    memcpy(copy, text, strlen(text));
    return copy;
}

util_onnx *util_onnx_new(int64_t opset) {
    util_onnx *u = calloc(1, sizeof *u);
    if (!u) abort();
    onnx__model_proto__init(&u->model);
    onnx__graph_proto__init(&u->graph);
    u->model.graph = &u->graph;
    u->graph.name = text_copy(u, "test");
    u->graph.node = util_onnx_keep(u, MANY * sizeof *u->graph.node);
    u->graph.input = util_onnx_keep(u, MANY * sizeof *u->graph.input);
    u->graph.output = util_onnx_keep(u, MANY * sizeof *u->graph.output);
    u->graph.initializer = util_onnx_keep(u, MANY * sizeof *u->graph.initializer);
    Onnx__OperatorSetIdProto *o = util_onnx_keep(u, sizeof *o);
    onnx__operator_set_id_proto__init(o);
    o->has_version = 1;
    o->version = opset;
    u->model.opset_import = util_onnx_keep(u, sizeof *u->model.opset_import);
    u->model.opset_import[0] = o;
    u->model.n_opset_import = 1;
    return u;
}

void util_onnx_free(util_onnx *u) {
    for (block *b = u->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(u);
}

Onnx__ModelProto *util_onnx_model(util_onnx *u) {
    return &u->model;
}

static void *grow(void **list, size_t *n, void *item) {
    if (*n == MANY) abort();
    list[(*n)++] = item;
    return item;
}

/* ---- values ---- */

static size_t parse_dims(const char *text, int64_t dims[8]) {
    size_t n = 0;
    for (const char *p = text; *p && n < 8; n++) {
        char *end;
        dims[n] = *p == 'N' ? 0 : strtoll(p, &end, 10);
        p = *p == 'N' ? p + 1 : end;
        if (*p == 'x') p++;
    }
    return n;
}

static Onnx__ValueInfoProto *value_info(util_onnx *u, const char *name, const char *text) {
    int64_t dims[8];
    size_t n = parse_dims(text, dims);
    Onnx__ValueInfoProto *v = util_onnx_keep(u, sizeof *v);
    Onnx__TypeProto *t = util_onnx_keep(u, sizeof *t);
    Onnx__TypeProto__Tensor *tensor = util_onnx_keep(u, sizeof *tensor);
    Onnx__TensorShapeProto *shape = util_onnx_keep(u, sizeof *shape);
    onnx__value_info_proto__init(v);
    onnx__type_proto__init(t);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    v->name = text_copy(u, name);
    v->type = t;
    t->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    t->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = shape;
    shape->dim = util_onnx_keep(u, n * sizeof *shape->dim);
    shape->n_dim = n;
    for (size_t d = 0; d < n; d++) {
        Onnx__TensorShapeProto__Dimension *dim = util_onnx_keep(u, sizeof *dim);
        onnx__tensor_shape_proto__dimension__init(dim);
        dim->value_case = dims[d] ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
                                  : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        if (dims[d]) dim->dim_value = dims[d];
        else dim->dim_param = text_copy(u, "N");
        shape->dim[d] = dim;
    }
    return v;
}

void util_onnx_input(util_onnx *u, const char *name, const char *dims) {
    grow((void **)u->graph.input, &u->graph.n_input, value_info(u, name, dims));
}

void util_onnx_output(util_onnx *u, const char *name) {
    grow((void **)u->graph.output, &u->graph.n_output, value_info(u, name, ""));
}

static Onnx__TensorProto *tensor(util_onnx *u, const char *name, size_t rank, const int64_t *dims,
                                 int32_t type, size_t bytes) {
    Onnx__TensorProto *t = util_onnx_keep(u, sizeof *t);
    onnx__tensor_proto__init(t);
    t->name = text_copy(u, name);
    t->n_dims = rank;
    t->dims = util_onnx_keep(u, rank * sizeof *t->dims);
    memcpy(t->dims, dims, rank * sizeof *t->dims);
    t->has_data_type = 1;
    t->data_type = type;
    t->has_raw_data = 1;
    t->raw_data.len = bytes;
    t->raw_data.data = util_onnx_keep(u, bytes);
    return grow((void **)u->graph.initializer, &u->graph.n_initializer, t);
}

Onnx__TensorProto *util_onnx_floats(util_onnx *u, const char *name, const char *text, const float *data) {
    int64_t dims[8];
    size_t rank = parse_dims(text, dims), n = 1;
    for (size_t d = 0; d < rank; d++) n *= (size_t)dims[d];
    Onnx__TensorProto *t =
        tensor(u, name, rank, dims, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, n * sizeof *data);
    for (size_t k = 0; k < n; k++) {
        float v = data ? data[k] : (float)((k * 7 + (unsigned char)name[0]) % 17) / 8.0f - 1.0f;
        memcpy(t->raw_data.data + k * sizeof v, &v, sizeof v);
    }
    return t;
}

Onnx__TensorProto *util_onnx_ints(util_onnx *u, const char *name, int n, const int64_t *data) {
    int64_t dims = n;
    Onnx__TensorProto *t =
        tensor(u, name, 1, &dims, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, (size_t)n * sizeof *data);
    if (n) memcpy(t->raw_data.data, data, (size_t)n * sizeof *data);
    return t;
}

/* ---- nodes ---- */

util_onnx_node *util_onnx_add(util_onnx *u, const char *op, const char *inputs, const char *output) {
    util_onnx_node *n = util_onnx_keep(u, sizeof *n);
    onnx__node_proto__init(n);
    n->op_type = text_copy(u, op);
    n->output = util_onnx_keep(u, sizeof *n->output);
    n->output[0] = text_copy(u, output);
    n->n_output = 1;
    n->input = util_onnx_keep(u, MANY * sizeof *n->input);
    n->attribute = util_onnx_keep(u, MANY * sizeof *n->attribute);
    char *list = text_copy(u, inputs), *rest = NULL;
    for (char *one = strtok_r(list, " ", &rest); one; one = strtok_r(NULL, " ", &rest))
        grow((void **)n->input, &n->n_input, strcmp(one, "-") == 0 ? text_copy(u, "") : one);
    return grow((void **)u->graph.node, &u->graph.n_node, n);
}

static Onnx__AttributeProto *attribute(util_onnx *u, util_onnx_node *n, const char *name, int type) {
    Onnx__AttributeProto *a = util_onnx_keep(u, sizeof *a);
    onnx__attribute_proto__init(a);
    a->name = text_copy(u, name);
    a->has_type = 1;
    a->type = (Onnx__AttributeProto__AttributeType)type;
    return grow((void **)n->attribute, &n->n_attribute, a);
}

void util_onnx_attr_int(util_onnx *u, util_onnx_node *n, const char *name, int64_t v) {
    Onnx__AttributeProto *a = attribute(u, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    a->has_i = 1;
    a->i = v;
}

void util_onnx_attr_float(util_onnx *u, util_onnx_node *n, const char *name, float v) {
    Onnx__AttributeProto *a = attribute(u, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    a->has_f = 1;
    a->f = v;
}

void util_onnx_attr_text(util_onnx *u, util_onnx_node *n, const char *name, const char *v) {
    Onnx__AttributeProto *a = attribute(u, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    a->has_s = 1;
    a->s.data = (uint8_t *)text_copy(u, v);
    a->s.len = strlen(v);
}

void util_onnx_attr_ints(util_onnx *u, util_onnx_node *n, const char *name, int count, const int64_t *v) {
    Onnx__AttributeProto *a = attribute(u, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    a->n_ints = (size_t)count;
    a->ints = util_onnx_keep(u, (size_t)count * sizeof *v);
    memcpy(a->ints, v, (size_t)count * sizeof *v);
}

void util_onnx_attr_tensor(util_onnx *u, util_onnx_node *n, const char *name, Onnx__TensorProto *t) {
    attribute(u, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR)->t = t;
}

/* ---- use ---- */

uint8_t *util_onnx_pack(util_onnx *u, size_t *len) {
    *len = onnx__model_proto__get_packed_size(&u->model);
    uint8_t *bytes = util_onnx_keep(u, *len);
    onnx__model_proto__pack(&u->model, bytes);
    return bytes;
}

ss_status util_onnx_import(util_onnx *u, ss_ctx *ctx, ss_graph **out, ss_onnx_report *report) {
    size_t len;
    const uint8_t *bytes = util_onnx_pack(u, &len);
    return ss_onnx_import_bytes(ctx, "test.onnx", bytes, len, NULL, out, report);
}

float *util_onnx_run(ss_ctx *ctx, ss_graph *g, const float *image) {
    ss_engine *e = NULL;
    if (ss_passes_run(g, NULL, NULL) != SS_OK || ss_engine_new(ctx, g, NULL, SS_ISA_PORTABLE, &e) != SS_OK)
        return NULL;
    int64_t n = ss_shape_size(g->nodes[g->output].shape);
    float *out = calloc((size_t)n, sizeof *out);
    if (out && ss_engine_run_raw(ctx, e, image, out) != SS_OK) {
        free(out);
        out = NULL;
    }
    ss_engine_free(e);
    return out;
}

bool util_onnx_says(const ss_ctx *ctx, const char *text) {
    for (size_t k = 0; k < ss_diag_count(ctx); k++) {
        const ss_diag *d = ss_diag_at(ctx, k);
        if (strstr(d->cause, text) || strstr(d->remedy, text)) return true;
    }
    return false;
}
