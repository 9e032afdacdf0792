/* conv_ref: the specification of a convolution, in plain loops. Every kernel of conv_*.c is tested against it.
 *
 * Integer: exact 64-bit accumulators that start from the bias; then requantise, then the activation. Float: the sum in
 * double, in the order kh, kw, c, rounded to float once. Lanes behind the last channel are written zero.
 */
#include "infer/conv.h"
#include "infer/ops.h"

static int64_t sum_int(const ss_node *n, ss_shape in, const int16_t *x, int32_t stride, const int16_t *w, ss_taps ty,
                       ss_taps tx, int32_t c0, int32_t channels) {
    int64_t acc = 0;
    const int32_t k = n->win.kh * n->win.kw;
    for (int32_t i = ty.from; i < ty.to; i++)
        for (int32_t j = tx.from; j < tx.to; j++) {
            const int16_t *pixel = x + ((int64_t)(ty.origin + i) * in.w + tx.origin + j) * stride + c0;
            for (int32_t c = 0; c < channels; c++)
                acc += (int64_t)pixel[c] * w[(int64_t)c * k + i * n->win.kw + j];
        }
    return acc;
}

static double sum_float(const ss_node *n, ss_shape in, const float *x, int32_t stride, const float *w, ss_taps ty,
                        ss_taps tx, int32_t c0, int32_t channels) {
    double acc = 0;
    const int32_t k = n->win.kh * n->win.kw;
    for (int32_t i = ty.from; i < ty.to; i++)
        for (int32_t j = tx.from; j < tx.to; j++) {
            const float *pixel = x + ((int64_t)(ty.origin + i) * in.w + tx.origin + j) * stride + c0;
            for (int32_t c = 0; c < channels; c++)
                acc += (double)pixel[c] * (double)w[(int64_t)c * k + i * n->win.kw + j];
        }
    return acc;
}

void ss_conv_ref_int(const ss_graph *g, const ss_node *n, const ss_qnode *qn, const int16_t *in, int32_t in_stride,
                     int16_t *out, int32_t out_stride) {
    const ss_shape is = ss_graph_in_shape(g, n), os = n->shape;
    const int32_t cg = is.c / n->groups, fg = os.c / n->groups;
    const int64_t per_filter = (int64_t)cg * n->win.kh * n->win.kw;
    for (int32_t y = 0; y < os.h; y++)
        for (int32_t x = 0; x < os.w; x++) {
            const ss_taps ty = ss_taps_y(n, is, y), tx = ss_taps_x(n, is, x);
            int16_t *o = out + ((int64_t)y * os.w + x) * out_stride;
            for (int32_t f = 0; f < out_stride; f++) {
                if (f >= os.c) {
                    o[f] = 0;
                    continue;
                }
                int64_t acc = qn->bias[f] + sum_int(n, is, in, in_stride, qn->weights + f * per_filter, ty, tx,
                                                    f / fg * cg, cg);
                const int32_t m = qn->n_mult == 1 ? 0 : f;
                int32_t v = ss_requantise(acc, qn->pre, qn->mult[m], qn->shift[m], qn->lo, qn->hi);
                if (qn->n_thr) v = ss_act_int(v, qn->thr[qn->n_thr == 1 ? 0 : f], qn->ceiling);
                o[f] = (int16_t)v;
            }
        }
}

void ss_conv_ref_float(const ss_graph *g, const ss_node *n, const float *in, int32_t in_stride, float *out,
                       int32_t out_stride) {
    const ss_shape is = ss_graph_in_shape(g, n), os = n->shape;
    const int32_t cg = is.c / n->groups, fg = os.c / n->groups;
    const int64_t per_filter = (int64_t)cg * n->win.kh * n->win.kw;
    for (int32_t y = 0; y < os.h; y++)
        for (int32_t x = 0; x < os.w; x++) {
            const ss_taps ty = ss_taps_y(n, is, y), tx = ss_taps_x(n, is, x);
            float *o = out + ((int64_t)y * os.w + x) * out_stride;
            for (int32_t f = 0; f < out_stride; f++) {
                if (f >= os.c) {
                    o[f] = 0.0f;
                    continue;
                }
                double acc = sum_float(n, is, in, in_stride, n->weights + f * per_filter, ty, tx, f / fg * cg, cg);
                acc += (double)ss_node_bias(n, f);
                const float t = n->act.per_channel ? n->act.per_channel[f] : n->act.threshold;
                o[f] = n->act.on ? ss_act_float((float)acc, t, n->act.ceiling) : (float)acc;
            }
        }
}
