/* Lowering: operators that work on each element by itself, and those that vanish. Activations with a
 * threshold become RELU; arithmetic with per-channel constants becomes BATCHNORM (y = scale * x + bias),
 * which the graph passes fold into a convolution. */
#include "onnx/import.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- activations ---- */

static bool emit_relu(ss_site *s, const ss_value *x, float threshold, float ceiling) {
    ss_node n = { .op = SS_OP_RELU,
                  .n_in = 1,
                  .in = { x->node },
                  .act = { .on = true, .name = s->row->name, .threshold = threshold, .ceiling = ceiling } };
    return ss_site_emit_like(s, &n, x);
}

bool ss_lower_relu(ss_site *s) {
    float alpha = 0;
    if (strcmp(s->row->op, "ThresholdedRelu") == 0 && !ss_attr_float(s, "alpha", 1, &alpha)) return false;
    if (!(alpha >= 0) || isinf(alpha))
        return ss_refuse(s, "use a threshold of 0 or more", "a threshold of %g", (double)alpha);
    return emit_relu(s, ss_site_act(s, 0), alpha, INFINITY);
}

/* A bound of Clip: input k (from opset 11 on) or an attribute. */
static bool bound(ss_site *s, int k, const char *attr, float fallback, float *out) {
    *out = fallback;
    if (!ss_site_has(s, k)) return ss_attr_float(s, attr, fallback, out);
    const ss_tensor *t = ss_site_const(s, k);
    if (!t) return ss_refuse(s, "use constant bounds", "its bounds are computed at run time");
    if (t->n != 1 || isnan(ss_tensor_at(t, 0))) return ss_invalid(s, "a bound that is not one number");
    *out = (float)ss_tensor_at(t, 0);
    return true;
}

bool ss_lower_clip(ss_site *s) {
    const ss_value *x = ss_site_act(s, 0);
    float lo, hi;
    if (!x) return ss_refuse(s, "use constant bounds", "its bounds are computed at run time");
    if (!bound(s, 1, "min", -FLT_MAX, &lo) || !bound(s, 2, "max", FLT_MAX, &hi)) return false;
    if (lo != 0 || !(hi > 0))
        return ss_refuse(s, "use ReLU or ReLU6 (min 0, max above 0)", "a clip to %g .. %g", (double)lo,
                         (double)hi);
    return emit_relu(s, x, 0, hi >= FLT_MAX ? INFINITY : hi);
}

/* ---- arithmetic ---- */

/* t as one float per channel of x, into a new array; NULL: reported. It may vary along axis 1 only. */
static float *per_channel(ss_site *s, const ss_value *x, const ss_tensor *t) {
    int32_t c = ss_act_shape(s, x).c;
    int axis = 1 - (x->rank - t->rank); /* of t, the one that meets the channels */
    bool fits = t->rank <= x->rank;
    for (int d = 0; d < t->rank; d++) fits &= t->dims[d] == 1 || (d == axis && t->dims[d] == c);
    if (!fits) {
        char text[64];
        ss_dims_text(t->rank, t->dims, text);
        ss_refuse(s, "use one constant, or one per channel (1 x C x 1 x 1)", "a constant operand of %s",
                  text);
        return NULL;
    }
    float *v = ss_arena_alloc(s->im->g->arena, (size_t)c, sizeof *v);
    for (int32_t k = 0; v && k < c; k++) v[k] = (float)ss_tensor_at(t, t->n == 1 ? 0 : k);
    return v;
}

/* x op t, or t op x when swapped, as scale and bias. */
static bool emit_affine(ss_site *s, const ss_value *x, const ss_tensor *t, bool swapped) {
    char op = s->row->op[0]; /* Add, Sub, Mul, Div */
    int32_t c = ss_act_shape(s, x).c;
    if (op == 'D' && swapped) return ss_refuse(s, "divide by a constant only", "a division by an activation");
    float *v = per_channel(s, x, t), *one = ss_arena_alloc(s->im->g->arena, (size_t)c, sizeof *one);
    if (!v || !one) return false;
    bool additive = op == 'A' || op == 'S';
    for (int32_t k = 0; k < c; k++) {
        if (op == 'S' && !swapped) v[k] = -v[k];
        if (op == 'D') v[k] = (float)(1 / (double)v[k]);
        one[k] = additive ? op == 'S' && swapped ? -1.0f : 1.0f : 0.0f;
    }
    ss_node n = { .op = SS_OP_BATCHNORM,
                  .n_in = 1,
                  .in = { x->node },
                  .weights = additive ? one : v,
                  .bias = additive ? v : one };
    return ss_site_emit_like(s, &n, x);
}

static bool emit_add(ss_site *s, const ss_value *a, const ss_value *b, const char *suffix) {
    bool same = a->rank == b->rank;
    for (int d = 0; same && d < a->rank; d++) same = a->dims[d] == b->dims[d];
    if (!same) {
        char text[64];
        ss_dims_text(b->rank, b->dims, text);
        return ss_refuse(s, "add maps of one shape", "the other operand is %s: broadcasting activations",
                         text);
    }
    ss_value view = *a; /* b may be the site's own output of the step before */
    ss_node n = { .op = SS_OP_ADD, .n_in = 2, .in = { a->node, b->node } };
    if (!ss_site_emit(s, &n, suffix)) return false;
    s->out.rank = view.rank;
    memcpy(s->out.dims, view.dims, sizeof s->out.dims);
    return true;
}

bool ss_lower_arith(ss_site *s) {
    const ss_value *a = ss_site_act(s, 0), *b = ss_site_act(s, 1);
    if (a && !b) return emit_affine(s, a, ss_site_const(s, 1), false);
    if (b && !a) return emit_affine(s, b, ss_site_const(s, 0), true);
    if (s->row->op[0] == 'A') return emit_add(s, a, b, NULL);
    return ss_refuse(s, "only sums of two activations are supported; leave out gates and attention",
                     "an elementwise %s of two activations", s->row->op);
}

/* Sum of any number of activations: a chain of additions. */
bool ss_lower_sum(ss_site *s) {
    for (int k = 0; k < s->n_in; k++)
        if (!ss_site_act(s, k)) return ss_refuse(s, "use Add", "a constant operand");
    if (s->n_in == 1) return ss_site_pass(s, s->in[0], "changes nothing"), true;
    ss_value sum = *s->in[0];
    for (int k = 1; k < s->n_in; k++) {
        if (!emit_add(s, &sum, s->in[k], k + 1 < s->n_in ? "#part" : NULL)) return false;
        sum = s->out;
    }
    return true;
}

/* ---- operators that vanish ---- */

/* Of an activation or a constant. */
bool ss_lower_identity(ss_site *s) {
    ss_site_pass(s, s->in[0], "changes nothing");
    return true;
}

/* Input 2 is training_mode since opset 12. */
bool ss_lower_dropout(ss_site *s) {
    const ss_tensor *training = ss_site_const(s, 2);
    if ((training && training->n == 1 && ss_tensor_at(training, 0) != 0) || (ss_site_has(s, 2) && !training))
        return ss_refuse(s, "export the network in eval() mode", "it is in training mode");
    return ss_lower_identity(s);
}

/* Softmax, LogSoftmax, Sigmoid at the very end keep the order of the scores, so they may go; what reads the
 * result sees to it that they are at the end. Until opset 12 the axis begins a flattened rest, from 13 on it
 * is one axis. */
bool ss_lower_softmax(ss_site *s) {
    const ss_value *x = ss_site_act(s, 0);
    bool sigmoid = strcmp(s->row->op, "Sigmoid") == 0;
    int64_t axis;
    int at;
    if (!ss_attr_int(s, "axis", s->im->opset < 13 ? 1 : -1, &axis) || !ss_axis(s, axis, x->rank, &at))
        return false;
    bool over_classes = ss_shape_size(ss_act_shape(s, x)) == x->dims[1] && (at == 1 || sigmoid);
    if (!over_classes)
        return ss_refuse(s, "end the network at its class scores", "not over the class scores");
    ss_site_pass(s, x, "dropped: it does not change the order of the scores");
    s->out.carry = SS_CARRY_SOFTMAX;
    s->out.origin = s->index;
    return true;
}
