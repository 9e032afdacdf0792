/* Shape inference: the output shape of a node from its inputs, for every operator.
 *
 * All arithmetic is in 64 bits on values that were bounded first, so nothing can overflow whatever the file says.
 * Each check reports and the next one runs as long as it still makes sense: the user sees every misfit of a node. */
#include "graph/graph.h"

#include <stdio.h>

/* The node under inference, with what its messages need. */
typedef struct subject {
    const ss_graph *g;
    ss_node *n;
    char in_text[40];
    bool bad;
} subject;

static ss_where place(const subject *s) {
    const ss_node *n = s->n;
    return (ss_where){ n->name, n->onnx_op && *n->onnx_op ? n->onnx_op : ss_op_name(n->op), s->in_text };
}

#define REFUSE(s, remedy, ...) ((s)->bad = true, (void)ss_error((s)->g->ctx, place(s), (remedy), __VA_ARGS__))

static bool in_range(subject *s, const char *what, int64_t v, int64_t lo, int64_t hi) {
    if (v >= lo && v <= hi) return true;
    REFUSE(s, "check the attributes of this node", "%s is %lld; it must be %lld to %lld", what, (long long)v,
           (long long)lo, (long long)hi);
    return false;
}

static void set_shape(subject *s, int64_t c, int64_t h, int64_t w) {
    bool ok = in_range(s, "the number of output channels", c, 1, SS_MAX_DIM);
    ok &= in_range(s, "the output height", h, 1, SS_MAX_DIM);
    ok &= in_range(s, "the output width", w, 1, SS_MAX_DIM);
    if (!ok) return;
    if (c * h > SS_MAX_ELEMENTS / w) {
        REFUSE(s, "use smaller images", "an output of %lldx%lldx%lld elements is too large", (long long)c,
               (long long)h, (long long)w);
        return;
    }
    s->n->shape = (ss_shape){ (int32_t)c, (int32_t)h, (int32_t)w };
}

/* Strides and paddings are legal: what every windowed operator needs before any arithmetic. */
static bool window_legal(subject *s, bool has_kernel) {
    const ss_window *w = &s->n->win;
    bool ok = true;
    if (has_kernel) {
        ok &= in_range(s, "the kernel height", w->kh, 1, SS_MAX_DIM);
        ok &= in_range(s, "the kernel width", w->kw, 1, SS_MAX_DIM);
    }
    ok &= in_range(s, "the vertical stride", w->sh, 1, SS_MAX_DIM);
    ok &= in_range(s, "the horizontal stride", w->sw, 1, SS_MAX_DIM);
    const int32_t pads[] = { w->pt, w->pl, w->pb, w->pr };
    static const char *const names[] = { "top", "left", "bottom", "right" };
    for (int i = 0; i < 4; i++) {
        char what[40];
        snprintf(what, sizeof what, "the %s %s", names[i], has_kernel ? "padding" : "crop");
        ok &= in_range(s, what, pads[i], 0, SS_MAX_DIM);
    }
    return ok;
}

/* floor((size + pads - kernel) / stride) + 1, or 0 (reported) when the kernel does not fit. */
static int64_t windows(subject *s, const char *axis, int64_t size, int64_t pads, int64_t kernel, int64_t stride) {
    if (size + pads >= kernel) return (size + pads - kernel) / stride + 1;
    REFUSE(s, "use larger images or padding", "a kernel %s of %lld does not fit %lld plus padding %lld", axis,
           (long long)kernel, (long long)size, (long long)pads);
    return 0;
}

static bool window_size(subject *s, ss_shape in, int64_t *h, int64_t *w) {
    const ss_window *k = &s->n->win;
    if (!window_legal(s, true)) return false;
    *h = windows(s, "height", in.h, (int64_t)k->pt + k->pb, k->kh, k->sh);
    *w = windows(s, "width", in.w, (int64_t)k->pl + k->pr, k->kw, k->sw);
    return *h > 0 && *w > 0;
}

static bool groups_fit(subject *s, ss_shape in) {
    const ss_node *n = s->n;
    if (!in_range(s, "the number of groups", n->groups, 1, SS_MAX_DIM)) return false;
    bool ok = in_range(s, "the number of filters", n->shape.c, 1, SS_MAX_DIM);
    if (in.c % n->groups != 0) {
        REFUSE(s, "check the weights of this node", "%d groups do not divide %d input channels", n->groups, in.c);
        ok = false;
    }
    if (n->shape.c % n->groups != 0) {
        REFUSE(s, "check the weights of this node", "%d groups do not divide %d filters", n->groups, n->shape.c);
        ok = false;
    }
    return ok;
}

static void infer_conv(subject *s, ss_shape in) {
    const ss_node *n = s->n;
    int64_t h, w;
    bool ok = groups_fit(s, in);
    if (!window_size(s, in, &h, &w) || !ok) return;
    int64_t per_filter = (int64_t)n->win.kh * n->win.kw; /* <= 2^40 */
    if (per_filter > SS_MAX_ELEMENTS || per_filter * (in.c / n->groups) > SS_MAX_ELEMENTS / n->shape.c) {
        REFUSE(s, "split the layer", "it has too many weights: %d filters of %dx%dx%d", n->shape.c,
               in.c / n->groups, n->win.kh, n->win.kw);
        return;
    }
    const ss_window *k = &n->win;
    if (n->fc && (h != 1 || w != 1 || k->pt || k->pl || k->pb || k->pr)) {
        REFUSE(s, "export the network again", "a fully connected layer must cover its %s input exactly", s->in_text);
        return;
    }
    set_shape(s, n->shape.c, h, w);
}

/* Pools also need one real element in every window: none has a maximum or an average otherwise. */
static void infer_pool(subject *s, ss_shape in) {
    const ss_window *k = &s->n->win;
    int64_t h, w;
    if (!window_size(s, in, &h, &w)) return;
    if (k->pt >= k->kh || k->pl >= k->kw || (h - 1) * k->sh - k->pt >= in.h || (w - 1) * k->sw - k->pl >= in.w)
        REFUSE(s, "use less padding", "some %dx%d windows would hold nothing but padding", k->kh, k->kw);
    else
        set_shape(s, in.c, h, w);
}

static void infer_same(subject *s, ss_shape in) {
    for (int32_t i = 1; i < s->n->n_in; i++) {
        ss_shape other = s->g->nodes[s->n->in[i]].shape;
        char text[40];
        ss_shape_text(other, text);
        if (other.c != in.c || other.h != in.h || other.w != in.w)
            REFUSE(s, "broadcasting is not supported; make the shapes equal", "input %d is %s, input 1 is %s", i + 1,
                   text, s->in_text);
    }
    if (!s->bad) set_shape(s, in.c, in.h, in.w);
}

static void infer_concat(subject *s, ss_shape in) {
    int64_t c = in.c;
    for (int32_t i = 1; i < s->n->n_in; i++) {
        ss_shape other = s->g->nodes[s->n->in[i]].shape;
        c += other.c;
        if (other.h != in.h || other.w != in.w)
            REFUSE(s, "concatenate maps of one size", "input %d is %dx%d, input 1 is %dx%d", i + 1, other.h, other.w,
                   in.h, in.w);
    }
    if (!s->bad) set_shape(s, c, in.h, in.w);
}

static void infer_slice(subject *s, ss_shape in) {
    const ss_window *k = &s->n->win;
    if (!window_legal(s, false)) return;
    int64_t h = (int64_t)in.h - k->pt - k->pb, w = (int64_t)in.w - k->pl - k->pr;
    if (h < 1 || w < 1)
        REFUSE(s, "check starts and ends of the slice", "nothing is left of %dx%d", in.h, in.w);
    else
        set_shape(s, in.c, ss_ceil_div(h, k->sh), ss_ceil_div(w, k->sw));
}

static void infer_chanpad(subject *s, ss_shape in) {
    const ss_node *n = s->n;
    bool ok = in_range(s, "the channel padding in front", n->pad_before, 0, SS_MAX_DIM);
    ok &= in_range(s, "the channel padding behind", n->pad_after, 0, SS_MAX_DIM);
    if (ok) set_shape(s, (int64_t)in.c + n->pad_before + n->pad_after, in.h, in.w);
}

/* Inputs exist and are as many as the operator takes. */
static bool inputs_legal(subject *s) {
    const ss_node *n = s->n;
    int32_t lo = n->op == SS_OP_INPUT ? 0 : n->op == SS_OP_ADD ? 2 : 1;
    int32_t hi = n->op == SS_OP_CONCAT ? SS_MAX_INPUTS : lo;
    if (!in_range(s, "the number of inputs", n->n_in, lo, hi)) return false;
    for (int32_t i = 0; i < n->n_in; i++)
        if (!in_range(s, "the index of an input", n->in[i], 0, s->g->n - 1)) return false;
    return true;
}

ss_status ss_graph_infer_shape(const ss_graph *g, ss_node *n) {
    subject s = { .g = g, .n = n };
    if (!inputs_legal(&s)) return SS_BAD;
    ss_shape in = n->n_in ? ss_graph_in_shape(g, n) : n->shape;
    ss_shape_text(in, s.in_text);
    switch (n->op) {
    case SS_OP_INPUT: set_shape(&s, in.c, in.h, in.w); break;
    case SS_OP_CONV: infer_conv(&s, in); break;
    case SS_OP_MAXPOOL:
    case SS_OP_AVGPOOL: infer_pool(&s, in); break;
    case SS_OP_BATCHNORM:
    case SS_OP_RELU:
    case SS_OP_ADD: infer_same(&s, in); break;
    case SS_OP_CONCAT: infer_concat(&s, in); break;
    case SS_OP_SLICE: infer_slice(&s, in); break;
    case SS_OP_CHANPAD: infer_chanpad(&s, in); break;
    case SS_OP_FLATTEN: set_shape(&s, ss_shape_size(in), 1, 1); break;
    case SS_OP_COUNT:
    default: REFUSE(&s, "export the network again", "operator number %d does not exist", (int)n->op);
    }
    return s.bad ? SS_BAD : SS_OK;
}
