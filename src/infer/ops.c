/* Operators that only move elements (slice, channel pad, flatten), written once for both element sizes, and the
 * dispatch to the others. */
#include "infer/ops.h"

#include <string.h>

/* Average pooling sums one pixel of all channels. */
size_t ss_op_scratch(const ss_node *n) {
    return n->op == SS_OP_AVGPOOL ? (size_t)ss_stride(n->shape.c) * sizeof(int64_t) : 0;
}

static void slice(const ss_op_args *a, size_t size) {
    const ss_shape is = ss_graph_in_shape(a->g, a->n), os = a->n->shape;
    const ss_window *w = &a->n->win;
    const size_t pixel = (size_t)ss_stride(os.c) * size;
    char *out = a->out;
    for (int32_t y = 0; y < os.h; y++)
        for (int32_t x = 0; x < os.w; x++, out += pixel) {
            const int64_t from = (int64_t)(w->pt + y * w->sh) * is.w + w->pl + x * w->sw;
            memcpy(out, (const char *)a->in[0] + (size_t)from * pixel, pixel);
        }
}

static void chanpad(const ss_op_args *a, size_t size) {
    const ss_shape is = ss_graph_in_shape(a->g, a->n), os = a->n->shape;
    const size_t from = (size_t)ss_stride(is.c) * size, to = (size_t)ss_stride(os.c) * size;
    const char *in = a->in[0];
    char *out = a->out;
    for (int64_t p = 0; p < (int64_t)os.h * os.w; p++, in += from, out += to) {
        memset(out, 0, to);
        memcpy(out + (size_t)a->n->pad_before * size, in, (size_t)is.c * size);
    }
}

/* Channel-major, as ONNX flattens. */
static void flatten(const ss_op_args *a, size_t size) {
    const ss_shape is = ss_graph_in_shape(a->g, a->n);
    const size_t pixels = (size_t)is.h * (size_t)is.w, stride = (size_t)ss_stride(is.c);
    const char *in = a->in[0];
    char *out = a->out;
    memset(out, 0, (size_t)ss_stride(a->n->shape.c) * size);
    for (size_t c = 0; c < (size_t)is.c; c++)
        for (size_t p = 0; p < pixels; p++, out += size) memcpy(out, in + (p * stride + c) * size, size);
}

void ss_op_run(const ss_op_args *a) {
    const size_t size = a->q ? sizeof(int16_t) : sizeof(float);
    if (a->n->op == SS_OP_SLICE) slice(a, size);
    if (a->n->op == SS_OP_CHANPAD) chanpad(a, size);
    if (a->n->op == SS_OP_FLATTEN) flatten(a, size);
    if (a->q) ss_op_run_int(a);
    else ss_op_run_float(a);
}
