/* One node of the file while it is worked on: its inputs, attributes and results. */
#include "onnx/import.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- errors ---- */

/* The dimensions of the first input that has some, for messages. */
static void shape_text(const ss_site *s, char out[64]) {
    out[0] = '\0';
    for (int k = 0; k < s->n_in && !out[0]; k++) {
        const ss_value *v = s->in[k];
        if (v && v->kind == SS_VALUE_ACT) ss_dims_text(v->rank, v->dims, out);
        else if (v && v->kind == SS_VALUE_CONST) ss_dims_text(v->t.rank, v->t.dims, out);
    }
}

/* An error at this node; why receives the cause as text. */
static void node_error(ss_site *s, const char *remedy, const char *cause, va_list ap, char why[512]) {
    char shape[64];
    vsnprintf(why, 512, cause, ap);
    shape_text(s, shape);
    ss_error(s->im->ctx, (ss_where){ s->row->name, s->row->op, shape }, remedy, "%s", why);
}

bool ss_refuse(ss_site *s, const char *remedy, const char *cause, ...) {
    char why[512];
    va_list ap;
    va_start(ap, cause);
    node_error(s, remedy, cause, ap, why);
    va_end(ap);
    const char *note = ss_arena_strdup(s->im->g->arena, why);
    s->row->status = "unsupported";
    s->row->note = note ? note : "";
    s->im->n_unsupported++;
    return false;
}

bool ss_invalid(ss_site *s, const char *cause, ...) {
    char why[512];
    va_list ap;
    va_start(ap, cause);
    node_error(s, "the file breaks the ONNX rules; export it again", cause, ap, why);
    va_end(ap);
    s->row->status = "invalid";
    s->im->n_invalid++;
    return false;
}

/* ---- inputs ---- */

bool ss_site_has(const ss_site *s, int k) {
    return k < s->n_in && s->in[k];
}

const ss_tensor *ss_site_const(const ss_site *s, int k) {
    return ss_site_has(s, k) && s->in[k]->kind == SS_VALUE_CONST ? &s->in[k]->t : NULL;
}

ss_value *ss_site_act(const ss_site *s, int k) {
    return ss_site_has(s, k) && s->in[k]->kind == SS_VALUE_ACT ? s->in[k] : NULL;
}

bool ss_site_ints(ss_site *s, int k, const char *attr, const int64_t **ints, int *n) {
    *n = -1;
    if (!ss_site_has(s, k)) return attr ? ss_attr_ints(s, attr, ints, n) : true;
    const ss_tensor *t = ss_site_const(s, k);
    if (!t) return ss_refuse(s, "export with constant sizes", "input %d must be a constant", k + 1);
    if (t->is_float || t->rank > 1) return ss_invalid(s, "input %d is not a list of integers", k + 1);
    if (t->n > 64) return ss_invalid(s, "input %d has %lld entries", k + 1, (long long)t->n);
    *ints = t->i;
    *n = (int)t->n;
    return true;
}

bool ss_axis(ss_site *s, int64_t axis, int rank, int *out) {
    if (axis < -rank || axis >= rank)
        return ss_invalid(s, "axis %lld of a tensor of %d dimensions", (long long)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return true;
}

/* ---- attributes ---- */

const Onnx__AttributeProto *ss_attr(const ss_site *s, const char *name) {
    for (size_t k = 0; k < s->p->n_attribute; k++)
        if (s->p->attribute[k]->name && strcmp(s->p->attribute[k]->name, name) == 0)
            return s->p->attribute[k];
    return NULL;
}

static bool mistyped(ss_site *s, const char *name, const char *want) {
    return ss_invalid(s, "attribute %s is not %s", name, want);
}

bool ss_attr_int(ss_site *s, const char *name, int64_t fallback, int64_t *out) {
    const Onnx__AttributeProto *a = ss_attr(s, name);
    *out = a ? a->i : fallback;
    return !a || a->has_i || mistyped(s, name, "an integer");
}

bool ss_attr_float(ss_site *s, const char *name, float fallback, float *out) {
    const Onnx__AttributeProto *a = ss_attr(s, name);
    *out = a ? a->f : fallback;
    return !a || (a->has_f && !isnan(a->f)) || mistyped(s, name, "a number");
}

bool ss_attr_is(const ss_site *s, const char *name, const char *text) {
    const Onnx__AttributeProto *a = ss_attr(s, name);
    return a && a->has_s && a->s.len == strlen(text) && memcmp(a->s.data, text, a->s.len) == 0;
}

bool ss_attr_ints(ss_site *s, const char *name, const int64_t **ints, int *n) {
    const Onnx__AttributeProto *a = ss_attr(s, name);
    *n = a ? 0 : -1;
    if (!a || a->n_ints == 0)
        return !a || !a->has_type || a->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS ||
               mistyped(s, name, "a list of integers");
    if (a->n_ints > 64) return ss_invalid(s, "attribute %s has %zu entries", name, a->n_ints);
    *ints = a->ints;
    *n = (int)a->n_ints;
    return true;
}

/* ---- results ---- */

ss_shape ss_act_shape(const ss_site *s, const ss_value *v) {
    return s->im->g->nodes[v->node].shape;
}

static bool all_finite(const float *x, int64_t n) {
    bool ok = true;
    for (int64_t k = 0; x && k < n; k++) ok &= isfinite(x[k]) != 0;
    return ok;
}

static bool numbers_finite(const ss_site *s, const ss_node *n) {
    int64_t weights = n->op == SS_OP_CONV ? ss_node_weight_count(s->im->g, n) : n->shape.c;
    return all_finite(n->weights, weights) && all_finite(n->bias, n->shape.c);
}

bool ss_site_emit(ss_site *s, ss_node *node, const char *suffix) {
    ss_importer *im = s->im;
    node->name = suffix ? ss_import_name(im, s->row->name, suffix) : s->row->name;
    node->onnx_op = s->row->op;
    if (!node->name) return false;
    if (ss_graph_infer_shape(im->g, node) != SS_OK) {
        s->row->status = "invalid";
        im->n_invalid++;
        return false;
    }
    if (!numbers_finite(s, node)) return ss_invalid(s, "weights or bias hold infinities or NaN");
    int32_t at = ss_graph_add(im->g, node);
    if (at < 0) return false;
    s->row->node = at;
    s->out = (ss_value){ .kind = SS_VALUE_ACT,
                         .node = at,
                         .rank = 4,
                         .dims = { im->batch, node->shape.c, node->shape.h, node->shape.w } };
    return true;
}

bool ss_site_emit_like(ss_site *s, ss_node *node, const ss_value *x) {
    if (!ss_site_emit(s, node, NULL)) return false;
    s->out.rank = x->rank;
    memcpy(s->out.dims, x->dims, sizeof s->out.dims);
    return true;
}

bool ss_site_constant(ss_site *s, bool is_float, int rank, const int64_t *dims, float **f, int64_t **i) {
    ss_where at = { s->row->name, s->row->op, NULL };
    s->out = (ss_value){ .kind = SS_VALUE_CONST };
    if (rank > SS_MAX_RANK)
        return ss_refuse(s, "export the network again", "a tensor of %d dimensions", rank);
    if (ss_tensor_new(s->im, at, is_float, rank, dims, &s->out.t, f, i)) return true;
    s->im->n_unsupported++; /* reported by ss_tensor_new */
    s->row->status = "unsupported";
    s->row->note = "the constant is too large";
    return false;
}

void ss_site_pass(ss_site *s, const ss_value *v, const char *note) {
    s->out = *v;
    if (v->kind == SS_VALUE_ACT) s->row->status = "fused";
    if (v->kind == SS_VALUE_ACT) s->row->note = note;
}

static bool equal_dims(int rank, const int64_t *a, const int64_t *b) {
    return rank == 0 || memcmp(a, b, (size_t)rank * sizeof *a) == 0;
}

/* Do dims behind the batch say c (x ones), c*h*w (x ones)? */
static bool is_column(int rank, const int64_t *dims, int64_t c) {
    for (int d = 2; d < rank; d++)
        if (dims[d] != 1) return false;
    return rank >= 2 && dims[1] == c;
}

bool ss_site_reshape(ss_site *s, const ss_value *v, int rank, const int64_t *dims) {
    ss_shape in = ss_act_shape(s, v);
    const int64_t full[] = { s->im->batch, in.c, in.h, in.w },
                  map[] = { s->im->batch, in.c, (int64_t)in.h * in.w };
    char text[64];
    ss_value seen = *v;
    seen.rank = rank;
    memcpy(seen.dims, dims, (size_t)rank * sizeof *dims);
    bool same = (rank == 4 && equal_dims(4, dims, full)) || (rank == 3 && equal_dims(3, dims, map));
    if (in.h == 1 && in.w == 1) same |= dims[0] == s->im->batch && is_column(rank, dims, in.c);
    if (same) return ss_site_pass(s, &seen, "changes nothing"), true;
    if (dims[0] == s->im->batch && is_column(rank, dims, ss_shape_size(in))) {
        ss_node flat = { .op = SS_OP_FLATTEN, .n_in = 1, .in = { v->node } };
        if (!ss_site_emit(s, &flat, NULL)) return false;
        s->out.rank = rank;
        memcpy(s->out.dims, dims, (size_t)rank * sizeof *dims);
        return true;
    }
    ss_dims_text(rank, dims, text);
    return ss_refuse(s, "flatten the map to [N, C*H*W] in front of the classifier, and reshape nothing else",
                     "a reshape to %s is not supported", text);
}
