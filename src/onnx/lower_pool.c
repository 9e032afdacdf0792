/* Lowering: windows. Strides, pads, auto_pad and ceil_mode for convolutions and pools, and the pools
 * themselves.
 *
 * The graph knows only explicit padding and floor((size + pads - kernel) / stride) + 1 windows, so auto_pad
 * and ceil_mode become padding here. Formulas: ONNX operator specification, Conv and MaxPool; with ceil_mode
 * a window must start inside the image or its left padding, as in PyTorch. */
#include "onnx/import.h"

/* One axis of a window, in 64 bits until all of it is known to be small. */
typedef struct span {
    int64_t size, kernel, stride, before, after;
} span;

static bool int_pair(ss_site *s, const char *name, int64_t fallback, int64_t out[2]) {
    const int64_t *ints;
    int n;
    out[0] = out[1] = fallback;
    if (!ss_attr_ints(s, name, &ints, &n)) return false;
    if (n < 0) return true;
    if (n != 2) return ss_refuse(s, "use 2-D layers", "%s has %d entries; 2 are supported", name, n);
    for (int d = 0; d < 2; d++) {
        if (ints[d] < 1 || ints[d] > SS_MAX_DIM) return ss_invalid(s, "%s is %lld", name, (long long)ints[d]);
        out[d] = ints[d];
    }
    return true;
}

static bool explicit_pads(ss_site *s, span a[2]) {
    const int64_t *pads;
    int n;
    if (!ss_attr_ints(s, "pads", &pads, &n)) return false;
    if (n < 0) return true;
    if (n != 4) return ss_refuse(s, "use 2-D layers", "pads has %d entries; 4 are supported", n);
    for (int k = 0; k < 4; k++)
        if (pads[k] < 0 || pads[k] > SS_MAX_DIM)
            return ss_refuse(s, "use padding of 0 or more", "a padding of %lld", (long long)pads[k]);
    for (int d = 0; d < 2; d++) a[d].before = pads[d], a[d].after = pads[2 + d];
    return true;
}

/* SAME: ceil(size / stride) windows; the odd element of padding goes behind (UPPER) or in front (LOWER). */
static void same_pads(span *a, bool upper) {
    int64_t windows = ss_ceil_div(a->size, a->stride),
            total = (windows - 1) * a->stride + a->kernel - a->size;
    if (total < 0) total = 0;
    a->before = upper ? total / 2 : total - total / 2;
    a->after = total - a->before;
}

static bool pads_of(ss_site *s, span a[2]) {
    bool upper = ss_attr_is(s, "auto_pad", "SAME_UPPER"), lower = ss_attr_is(s, "auto_pad", "SAME_LOWER");
    if (upper || lower) {
        for (int d = 0; d < 2; d++) same_pads(&a[d], upper);
        return true;
    }
    if (ss_attr_is(s, "auto_pad", "VALID")) return true;
    if (ss_attr(s, "auto_pad") && !ss_attr_is(s, "auto_pad", "NOTSET") && !ss_attr_is(s, "auto_pad", ""))
        return ss_invalid(s, "auto_pad is none of NOTSET, VALID, SAME_UPPER, SAME_LOWER");
    return explicit_pads(s, a);
}

/* One more window where the last does not reach the end, when it starts in front of the end padding. Returns
 * the padding that this takes. */
static int32_t round_up(span *a) {
    int64_t room = a->size + a->before + a->after - a->kernel;
    if (room < 0 || room % a->stride == 0) return 0;
    int64_t start = (room / a->stride + 1) * a->stride;
    if (start >= a->size + a->before) return 0;
    a->after += start - room;
    return (int32_t)(start - room);
}

bool ss_site_window(ss_site *s, const ss_value *v, ss_window *w, int32_t extra[2]) {
    ss_shape in = ss_act_shape(s, v);
    bool padded = v->carry == SS_CARRY_PAD;
    int64_t strides[2], dilations[2], ceil_mode;
    extra[0] = extra[1] = 0;
    if (!int_pair(s, "strides", 1, strides) || !int_pair(s, "dilations", 1, dilations)) return false;
    if (!ss_attr_int(s, "ceil_mode", 0, &ceil_mode)) return false;
    if (dilations[0] != 1 || dilations[1] != 1)
        return ss_refuse(s, "use dilation 1, with a larger kernel if need be", "dilation %lld x %lld",
                         (long long)dilations[0], (long long)dilations[1]);
    span a[2] = { { .size = in.h + (padded ? v->pt + v->pb : 0), .kernel = w->kh, .stride = strides[0] },
                  { .size = in.w + (padded ? v->pl + v->pr : 0), .kernel = w->kw, .stride = strides[1] } };
    if (!pads_of(s, a)) return false;
    for (int d = 0; d < 2 && ceil_mode; d++) extra[d] = round_up(&a[d]);
    w->sh = (int32_t)strides[0];
    w->sw = (int32_t)strides[1];
    w->pt = (int32_t)(a[0].before + (padded ? v->pt : 0));
    w->pb = (int32_t)(a[0].after + (padded ? v->pb : 0));
    w->pl = (int32_t)(a[1].before + (padded ? v->pl : 0));
    w->pr = (int32_t)(a[1].after + (padded ? v->pr : 0));
    return true;
}

/* ---- pools ---- */

static bool pool_window(ss_site *s, const ss_value *v, ss_window *w, int32_t extra[2]) {
    int64_t kernel[2];
    if (!ss_attr(s, "kernel_shape")) return ss_invalid(s, "kernel_shape is missing");
    if (!int_pair(s, "kernel_shape", 1, kernel)) return false;
    if (v->rank != 4) return ss_invalid(s, "its input is not N x C x H x W");
    w->kh = (int32_t)kernel[0];
    w->kw = (int32_t)kernel[1];
    return ss_site_window(s, v, w, extra);
}

bool ss_lower_maxpool(ss_site *s) {
    const ss_value *v = ss_site_act(s, 0);
    ss_node n = { .op = SS_OP_MAXPOOL, .n_in = 1, .in = { v->node } };
    int32_t extra[2];
    if (!pool_window(s, v, &n.win, extra)) return false;
    /* Zeros of a Pad may win, padding of a pool never does: the same only where nothing is below zero. */
    if (v->carry == SS_CARRY_PAD && s->im->g->nodes[v->node].op != SS_OP_RELU)
        return ss_refuse(s, "use the pool's own padding",
                         "zero padding in front of a pool whose input may be negative");
    return ss_site_emit(s, &n, NULL);
}

bool ss_lower_avgpool(ss_site *s) {
    const ss_value *v = ss_site_act(s, 0);
    ss_node n = { .op = SS_OP_AVGPOOL, .n_in = 1, .in = { v->node } };
    int64_t include;
    int32_t extra[2];
    bool padded = v->carry == SS_CARRY_PAD;
    if (!ss_attr_int(s, "count_include_pad", 0, &include) || !pool_window(s, v, &n.win, extra)) return false;
    bool own =
        n.win.pt > v->pt || n.win.pl > v->pl || n.win.pb - extra[0] > v->pb || n.win.pr - extra[1] > v->pr;
    n.count_pad = padded || (include && own);
    if (padded && own && !include)
        return ss_refuse(s, "set count_include_pad",
                         "a Pad in front of a pool that does not count its own padding");
    if ((extra[0] || extra[1]) && n.count_pad) /* what ceil_mode adds never counts */
        return ss_refuse(s, "set ceil_mode or the padding to 0", "ceil_mode together with counted padding");
    return ss_site_emit(s, &n, NULL);
}

/* A pool over the whole height, the whole width, or both. */
static bool emit_over(ss_site *s, ss_op op, const ss_value *v, bool rows, bool columns) {
    ss_shape in = ss_act_shape(s, v);
    ss_node n = { .op = op,
                  .n_in = 1,
                  .in = { v->node },
                  .win = { .kh = rows ? in.h : 1, .kw = columns ? in.w : 1, .sh = 1, .sw = 1 } };
    return ss_site_emit(s, &n, NULL);
}

bool ss_lower_globalpool(ss_site *s) {
    const ss_value *v = ss_site_act(s, 0);
    ss_op op = s->row->op[6] == 'M' ? SS_OP_MAXPOOL : SS_OP_AVGPOOL; /* Global|MaxPool, Global|AveragePool */
    if (v->rank != 4) return ss_invalid(s, "its input is not N x C x H x W");
    return emit_over(s, op, v, true, true);
}

/* Axes as an attribute until opset 17, as an input from 18 on. */
bool ss_lower_reduce_mean(ss_site *s) {
    static const char cure[] = "average over height and width only";
    ss_value *v = ss_site_act(s, 0);
    const int64_t *axes;
    int64_t keep;
    bool over[SS_MAX_RANK] = { false };
    int n, axis;
    if (!v) return ss_refuse(s, cure, "its axes are computed at run time");
    if (!ss_site_ints(s, 1, "axes", &axes, &n) || !ss_attr_int(s, "keepdims", 1, &keep)) return false;
    for (int k = 0; k < n; k++) {
        if (!ss_axis(s, axes[k], v->rank, &axis)) return false;
        over[axis] = true;
    }
    bool flat = v->rank == 3 && over[2]; /* a map seen as C x HW */
    if (n < 1 || over[0] || over[1] || (v->rank != 4 && !flat))
        return ss_refuse(s, cure, "an average over other axes than height and width");
    if (!keep && !flat && !(over[2] && over[3]))
        return ss_refuse(s, "keep the dimension (keepdims)", "an average over one axis that drops it");
    if (!emit_over(s, SS_OP_AVGPOOL, v, flat || over[2], flat || over[3])) return false;
    if (flat) s->out.rank = 3;
    if (!keep) s->out.rank = 2;
    return true;
}
