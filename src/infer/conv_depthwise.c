/* conv_depthwise: groups of one channel each, any number of filters a group. Channels are the innermost loop (in the
 * instruction set's own code, see loops.h); sums of 64 bits, or of float, in the order kh, kw.
 * Taps in the padding are left out, so no plane is needed.
 */
#include "infer/conv_internal.h"
#include "infer/ops.h"

#include <string.h>

static void store_int(const ss_conv *c, const int64_t *acc, const int32_t *thr, int16_t *y) {
    const ss_qnode *q = c->qn;
    for (int32_t f = 0; f < c->out.c; f++) {
        const int32_t v = ss_requantise(acc[f], q->pre, c->mult[f], c->shift[f], q->lo, q->hi);
        y[f] = (int16_t)(q->n_thr ? ss_act_int(v, thr[f], q->ceiling) : v);
    }
}

static void store_float(const ss_conv *c, const float *acc, const float *thr, float *y) {
    const ss_act *act = &c->n->act;
    for (int32_t f = 0; f < c->out.c; f++) y[f] = act->on ? ss_act_float(acc[f], thr[f], act->ceiling) : acc[f];
}

/* Sum of one pixel's window for all filters into acc. */
static void sum_window(const ss_conv *c, const char *in, int32_t in_stride, ss_taps ty, ss_taps tx, void *acc) {
    const ss_window *w = &c->n->win;
    for (int32_t i = ty.from; i < ty.to; i++)
        for (int32_t j = tx.from; j < tx.to; j++) {
            const int64_t at = ((int64_t)(ty.origin + i) * c->in.w + tx.origin + j) * in_stride * c->esize;
            const char *wt = c->weights + (int64_t)(i * w->kw + j) * c->out.c * c->esize;
            if (c->qn) c->k->depth_int(acc, (const void *)(in + at), (const void *)wt, c->groups, c->fg);
            else c->k->depth_float(acc, (const void *)(in + at), (const void *)wt, c->groups, c->fg);
        }
}

void ss_conv_depthwise(const ss_conv *c, const void *in, int32_t in_stride, void *out, int32_t out_stride,
                       void *scratch) {
    const void *thr = (char *)scratch + c->thr_at;
    const size_t pad = (size_t)(out_stride - c->out.c) * (size_t)c->esize;
    char *to = out;
    for (int32_t y = 0; y < c->out.h; y++)
        for (int32_t x = 0; x < c->out.w; x++, to += (int64_t)out_stride * c->esize) {
            const ss_taps ty = ss_taps_y(c->n, c->in, y), tx = ss_taps_x(c->n, c->in, x);
            memcpy(scratch, c->depth_bias, (size_t)c->out.c * (c->qn ? sizeof(int64_t) : sizeof(float)));
            sum_window(c, in, in_stride, ty, tx, scratch);
            if (c->qn) store_int(c, scratch, thr, (void *)to);
            else store_float(c, scratch, thr, (void *)to);
            memset(to + (int64_t)c->out.c * c->esize, 0, pad);
        }
}
