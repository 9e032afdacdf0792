/* Integer operators: pooling, add, concat, activation, in the numbers that quant.h fixes. int16_t holds 8 and 16 bit
 * values alike. Loops run over channels, which are contiguous, so that the compiler vectorises them. */
#include "infer/ops.h"

#include <string.h>

static void maxpool(const ss_op_args *a) {
    const ss_node *n = a->n;
    const ss_shape is = ss_graph_in_shape(a->g, n);
    const int32_t stride = ss_stride(n->shape.c);
    int16_t *o = a->out;
    for (int32_t y = 0; y < n->shape.h; y++)
        for (int32_t x = 0; x < n->shape.w; x++, o += stride) {
            const ss_taps ty = ss_taps_y(n, is, y), tx = ss_taps_x(n, is, x);
            bool first = true;
            memset(o, 0, (size_t)stride * sizeof *o);
            for (int32_t i = ty.from; i < ty.to; i++)
                for (int32_t j = tx.from; j < tx.to; j++, first = false) {
                    const int16_t *p = (const int16_t *)a->in[0] +
                                       ((int64_t)(ty.origin + i) * is.w + tx.origin + j) * stride;
                    if (first) memcpy(o, p, (size_t)stride * sizeof *o);
                    else
                        for (int32_t c = 0; c < stride; c++) o[c] = p[c] > o[c] ? p[c] : o[c];
                }
        }
}

static void avgpool(const ss_op_args *a) {
    const ss_node *n = a->n;
    const ss_qnode *q = a->q;
    const ss_shape is = ss_graph_in_shape(a->g, n);
    const int32_t stride = ss_stride(n->shape.c);
    int64_t *sum = a->scratch;
    int16_t *o = a->out;
    for (int32_t y = 0; y < n->shape.h; y++)
        for (int32_t x = 0; x < n->shape.w; x++, o += stride) {
            const ss_taps ty = ss_taps_y(n, is, y), tx = ss_taps_x(n, is, x);
            memset(sum, 0, (size_t)stride * sizeof *sum);
            for (int32_t i = ty.from; i < ty.to; i++)
                for (int32_t j = tx.from; j < tx.to; j++) {
                    const int16_t *p = (const int16_t *)a->in[0] +
                                       ((int64_t)(ty.origin + i) * is.w + tx.origin + j) * stride;
                    for (int32_t c = 0; c < stride; c++) sum[c] += p[c];
                }
            const int32_t m = q->n_mult == 1 ? 0 : (ty.to - ty.from) * (tx.to - tx.from);
            for (int32_t c = 0; c < stride; c++)
                o[c] = (int16_t)ss_requantise(sum[c], q->pre, q->mult[m], q->shift[m], q->lo, q->hi);
        }
}

static int64_t elements(const ss_node *n) { return (int64_t)n->shape.h * n->shape.w * ss_stride(n->shape.c); }

/* The general case; any shifts. */
static void add_wide(const ss_op_args *a) {
    const ss_qnode *q = a->q;
    const int64_t size = elements(a->n);
    const int16_t *p = a->in[0], *r = a->in[1];
    int16_t *o = a->out;
    for (int64_t i = 0; i < size; i++) {
        const int64_t acc = p[i] * ((int64_t)1 << q->in_shift[0]) + r[i] * ((int64_t)1 << q->in_shift[1]);
        o[i] = (int16_t)ss_requantise(acc, q->pre, q->mult[0], q->shift[0], q->lo, q->hi);
    }
}

/* Whether the loops' addition will do: the accumulator, with half added, fits 32 bits, and one threshold serves all channels. */
static bool is_narrow(const ss_qnode *q) {
    return q->acc_bits <= 30 && q->shift[0] <= 29 && q->mult[0] == 1 && q->n_thr <= 1;
}

static void concat(const ss_op_args *a) {
    const ss_shape s = a->n->shape;
    const ss_qnode *q = a->q;
    int16_t *o = a->out;
    for (int64_t pixel = 0; pixel < (int64_t)s.h * s.w; pixel++, o += ss_stride(s.c)) {
        int32_t at = 0;
        for (int32_t k = 0; k < a->n->n_in; k++) {
            const int32_t channels = a->g->nodes[a->n->in[k]].shape.c;
            const int16_t *p = (const int16_t *)a->in[k] + pixel * ss_stride(channels);
            for (int32_t c = 0; c < channels; c++)
                o[at + c] = (int16_t)ss_requantise(p[c] * ((int64_t)1 << q->in_shift[k]), q->pre, q->mult[0],
                                                   q->shift[0], q->lo, q->hi);
            at += channels;
        }
        for (; at < ss_stride(s.c); at++) o[at] = 0;
    }
}

static void activate(const ss_op_args *a) {
    const ss_shape s = a->n->shape;
    const ss_qnode *q = a->q;
    const int32_t stride = ss_stride(s.c), ceiling = q->ceiling;
    const int64_t pixels = (int64_t)s.h * s.w;
    int16_t *o = a->out;
    if (q->n_thr == 1) {
        const int32_t t = q->thr[0];
        for (int64_t i = 0; i < pixels * stride; i++) o[i] = (int16_t)ss_act_int(o[i], t, ceiling);
        return;
    }
    for (int64_t p = 0; p < pixels; p++, o += stride)
        for (int32_t c = 0; c < s.c; c++) o[c] = (int16_t)ss_act_int(o[c], q->thr[c], ceiling);
}

void ss_op_run_int(const ss_op_args *a) {
    const ss_shape s = a->n->shape;
    switch (a->n->op) {
    case SS_OP_MAXPOOL: maxpool(a); break;
    case SS_OP_AVGPOOL: avgpool(a); break;
    case SS_OP_ADD:
        if (is_narrow(a->q)) {
            a->loops->add(a->q, a->in[0], a->in[1], elements(a->n), a->out);
            return;
        }
        add_wide(a);
        break;
    case SS_OP_CONCAT: concat(a); break;
    case SS_OP_RELU: memcpy(a->out, a->in[0], (size_t)s.h * (size_t)s.w * (size_t)ss_stride(s.c) * sizeof(int16_t)); break;
    default: break; /* moved already, or not ours */
    }
    if (a->q->n_thr) activate(a);
}
