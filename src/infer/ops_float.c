/* Float operators: pooling, add, concat, batch normalisation, activation. Loops run over channels, which are
 * contiguous, so that the compiler vectorises them. The activation is a second pass over the node's output. */
#include "infer/ops.h"

#include <string.h>

static void maxpool(const ss_op_args *a) {
    const ss_node *n = a->n;
    const ss_shape is = ss_graph_in_shape(a->g, n);
    const int32_t stride = ss_stride(n->shape.c);
    float *o = a->out;
    for (int32_t y = 0; y < n->shape.h; y++)
        for (int32_t x = 0; x < n->shape.w; x++, o += stride) {
            const ss_taps ty = ss_taps_y(n, is, y), tx = ss_taps_x(n, is, x);
            bool first = true;
            memset(o, 0, (size_t)stride * sizeof *o);
            for (int32_t i = ty.from; i < ty.to; i++)
                for (int32_t j = tx.from; j < tx.to; j++, first = false) {
                    const float *p = (const float *)a->in[0] +
                                     ((int64_t)(ty.origin + i) * is.w + tx.origin + j) * stride;
                    if (first) memcpy(o, p, (size_t)stride * sizeof *o);
                    else
                        for (int32_t c = 0; c < stride; c++) o[c] = p[c] > o[c] ? p[c] : o[c];
                }
        }
}

static void avgpool(const ss_op_args *a) {
    const ss_node *n = a->n;
    const ss_shape is = ss_graph_in_shape(a->g, n);
    const int32_t stride = ss_stride(n->shape.c);
    double *sum = a->scratch;
    float *o = a->out;
    for (int32_t y = 0; y < n->shape.h; y++)
        for (int32_t x = 0; x < n->shape.w; x++, o += stride) {
            const ss_taps ty = ss_taps_y(n, is, y), tx = ss_taps_x(n, is, x);
            memset(sum, 0, (size_t)stride * sizeof *sum);
            for (int32_t i = ty.from; i < ty.to; i++)
                for (int32_t j = tx.from; j < tx.to; j++) {
                    const float *p = (const float *)a->in[0] +
                                     ((int64_t)(ty.origin + i) * is.w + tx.origin + j) * stride;
                    for (int32_t c = 0; c < stride; c++) sum[c] += (double)p[c];
                }
            const double inside = (double)(ty.to - ty.from) * (tx.to - tx.from);
            const double count = n->count_pad ? (double)n->win.kh * n->win.kw : inside;
            for (int32_t c = 0; c < stride; c++) o[c] = count > 0 ? (float)(sum[c] / count) : 0.0f;
        }
}

static void add(const ss_op_args *a) {
    const ss_shape s = a->n->shape;
    const int64_t size = (int64_t)s.h * s.w * ss_stride(s.c);
    const float *p = a->in[0], *q = a->in[1];
    float *o = a->out;
    for (int64_t i = 0; i < size; i++) o[i] = p[i] + q[i];
}

static void concat(const ss_op_args *a) {
    const ss_shape s = a->n->shape;
    float *o = a->out;
    for (int64_t pixel = 0; pixel < (int64_t)s.h * s.w; pixel++, o += ss_stride(s.c)) {
        int32_t at = 0;
        for (int32_t k = 0; k < a->n->n_in; k++) {
            const int32_t c = a->g->nodes[a->n->in[k]].shape.c;
            memcpy(o + at, (const float *)a->in[k] + pixel * ss_stride(c), (size_t)c * sizeof *o);
            at += c;
        }
        for (; at < ss_stride(s.c); at++) o[at] = 0.0f;
    }
}

static void batchnorm(const ss_op_args *a) {
    const ss_shape s = a->n->shape;
    const int32_t stride = ss_stride(s.c);
    const float *in = a->in[0];
    float *o = a->out;
    for (int64_t pixel = 0; pixel < (int64_t)s.h * s.w; pixel++, in += stride, o += stride)
        for (int32_t c = 0; c < stride; c++)
            o[c] = c < s.c ? a->n->weights[c] * in[c] + (a->n->bias ? a->n->bias[c] : 0.0f) : 0.0f;
}

static void activate(const ss_op_args *a) {
    const ss_shape s = a->n->shape;
    const ss_act *act = &a->n->act;
    const int32_t stride = ss_stride(s.c);
    const int64_t pixels = (int64_t)s.h * s.w;
    const float ceiling = act->ceiling;
    float *o = a->out;
    if (!act->per_channel) {
        const float t = act->threshold;
        for (int64_t i = 0; i < pixels * stride; i++) o[i] = ss_act_float(o[i], t, ceiling);
        return;
    }
    for (int64_t p = 0; p < pixels; p++, o += stride)
        for (int32_t c = 0; c < s.c; c++) o[c] = ss_act_float(o[c], act->per_channel[c], ceiling);
}

void ss_op_run_float(const ss_op_args *a) {
    const ss_shape s = a->n->shape;
    switch (a->n->op) {
    case SS_OP_MAXPOOL: maxpool(a); break;
    case SS_OP_AVGPOOL: avgpool(a); break;
    case SS_OP_ADD: add(a); break;
    case SS_OP_CONCAT: concat(a); break;
    case SS_OP_BATCHNORM: batchnorm(a); break;
    case SS_OP_RELU: memcpy(a->out, a->in[0], (size_t)s.h * (size_t)s.w * (size_t)ss_stride(s.c) * sizeof(float)); break;
    default: break; /* moved already, or not ours */
    }
    if (a->n->act.on) activate(a);
}
