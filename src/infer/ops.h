/* ops: every node but INPUT and CONV, on one image; and the small helpers that all operators share.
 *
 * Tensors are height x width x channel with a stride of ss_stride(channels); lanes behind the last channel are zero
 * on input and are written zero.
 */
#ifndef SS_OPS_H
#define SS_OPS_H

#include "infer/infer.h"

/* Loops that are compiled for each instruction set: loops.h. */
typedef struct ss_loops {
    /* y = a + b, requantised and activated, where 32 bits do and one threshold serves all channels: residual networks
     * spend most of their time outside convolutions here. */
    void (*add)(const ss_qnode *q, const int16_t *restrict a, const int16_t *restrict b, int64_t n, int16_t *restrict y);
    /* Values equal to hi, or to lo where that is below 0. */
    int64_t (*count_ends)(const int16_t *x, int64_t n, int16_t lo, int16_t hi);
} ss_loops;

const ss_loops *ss_loops_of(ss_isa isa); /* resolved: never AUTO */

typedef struct ss_op_args {
    const ss_graph *g;
    const ss_node *n;
    const ss_qnode *q;               /* NULL: float */
    const void *in[SS_MAX_INPUTS];
    void *out;
    const ss_loops *loops;           /* integers only */
    void *scratch;                   /* ss_op_scratch bytes, 64-byte aligned */
} ss_op_args;

size_t ss_op_scratch(const ss_node *n);   /* bytes */
void ss_op_run(const ss_op_args *a);      /* dispatch: ops.c */
void ss_op_run_float(const ss_op_args *a); /* ops_float.c */
void ss_op_run_int(const ss_op_args *a);   /* ops_int.c */

/* Elements a pixel takes. */
static inline int32_t ss_stride(int32_t channels) { return (channels + 3) & ~3; }

/* y > t ? min(y, ceiling) : 0; strict. */
static inline float ss_act_float(float y, float t, float ceiling) {
    return y > t ? (y < ceiling ? y : ceiling) : 0.0f;
}

/* The kernel positions from..to-1 that fall inside the map, on one axis; position k reads coordinate origin + k. */
typedef struct ss_taps {
    int32_t from, to, origin;
} ss_taps;

static inline ss_taps ss_clip_taps(int32_t out, int32_t stride, int32_t pad, int32_t kernel, int32_t size) {
    ss_taps t = { 0, kernel, out * stride - pad };
    if (t.origin < 0) t.from = -t.origin;
    if (t.origin + kernel > size) t.to = size - t.origin;
    if (t.to < t.from) t.to = t.from; /* all padding */
    return t;
}

static inline ss_taps ss_taps_y(const ss_node *n, ss_shape in, int32_t y) {
    return ss_clip_taps(y, n->win.sh, n->win.pt, n->win.kh, in.h);
}
static inline ss_taps ss_taps_x(const ss_node *n, ss_shape in, int32_t x) {
    return ss_clip_taps(x, n->win.sw, n->win.pl, n->win.kw, in.w);
}

#endif
