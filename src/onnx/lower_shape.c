/* Lowering: operators that change dimensions or choose elements: flattening, spatial Slice, Pad, Concat. */
#include "onnx/import.h"

#include <string.h>

/* ---- other dimensions ---- */

typedef bool (*dims_fn)(ss_site *s, int rank, const int64_t *dims, int *out_rank, int64_t *out);

static bool lower_dims(ss_site *s, dims_fn fn) {
    const ss_value *v = ss_site_act(s, 0);
    int64_t dims[SS_MAX_RANK];
    int rank = 0;
    if (!v) return ss_refuse(s, "export with constant shapes", "a shape that depends on the image");
    return fn(s, v->rank, v->dims, &rank, dims) && ss_site_reshape(s, v, rank, dims);
}

bool ss_lower_flatten(ss_site *s) {
    return lower_dims(s, ss_dims_flatten);
}
bool ss_lower_reshape(ss_site *s) {
    return lower_dims(s, ss_dims_reshape);
}
bool ss_lower_squeeze(ss_site *s) {
    return lower_dims(s, ss_dims_squeeze);
}
bool ss_lower_unsqueeze(ss_site *s) {
    return lower_dims(s, ss_dims_unsqueeze);
}

/* Only a transposition that moves no element: axes of size 1 may go anywhere. */
bool ss_lower_transpose(ss_site *s) {
    const ss_value *v = ss_site_act(s, 0);
    const int64_t *perm;
    int64_t dims[SS_MAX_RANK], last = -1;
    int n;
    if (!ss_attr_ints(s, "perm", &perm, &n)) return false;
    if (n >= 0 && n != v->rank) return ss_invalid(s, "perm has %d entries for %d dimensions", n, v->rank);
    for (int d = 0; d < v->rank; d++) {
        int64_t from = n < 0 ? v->rank - 1 - d : perm[d];
        if (from < 0 || from >= v->rank) return ss_invalid(s, "perm is not a permutation");
        dims[d] = v->dims[from];
        if (dims[d] == 1) continue;
        if (from < last)
            return ss_refuse(s, "export the network with channels first (NCHW)", "moving axes of an image");
        last = from;
    }
    return ss_site_reshape(s, v, v->rank, dims);
}

/* ---- Slice ---- */

/* Two slices in a row are one: x[o1 + s1*(o2 + s2*i)]. The first stays for other readers, or is swept out. */
static void compose(ss_node *n, const ss_node *before) {
    int64_t sh = before->win.sh, sw = before->win.sw;
    n->in[0] = before->in[0];
    n->win.pt = (int32_t)(before->win.pt + sh * n->win.pt);
    n->win.pl = (int32_t)(before->win.pl + sw * n->win.pl);
    n->win.sh = (int32_t)(sh * n->win.sh);
    n->win.sw = (int32_t)(sw * n->win.sw);
}

/* Crop behind the last element taken: size - offset - crop elements in steps give `count`. */
static int32_t crop(int64_t size, int64_t offset, int64_t step, int64_t count) {
    int64_t left = size - offset;
    return (int32_t)(ss_ceil_div(left, step) == count ? 0 : left - ((count - 1) * step + 1));
}

bool ss_lower_slice(ss_site *s) {
    const ss_value *v = ss_site_act(s, 0);
    ss_range r[SS_MAX_RANK];
    bool whole = true;
    if (!v) return ss_refuse(s, "slice with constant bounds", "its bounds depend on the image");
    if (!ss_slice_ranges(s, v->rank, v->dims, r)) return false;
    for (int d = 0; d < v->rank; d++) {
        bool all = r[d].start == 0 && r[d].step == 1 && r[d].count == v->dims[d];
        if (!all && (d < 2 || v->rank != 4))
            return ss_refuse(s, "slice height and width only", "a slice along axis %d", d);
        if (r[d].count < 1 || r[d].step < 1)
            return ss_refuse(s, "use steps of 1 or more, and keep something", "an empty or a reversed slice");
        whole &= all;
    }
    if (whole) return ss_site_pass(s, v, "changes nothing"), true;
    ss_node n = { .op = SS_OP_SLICE,
                  .n_in = 1,
                  .in = { v->node },
                  .win = { .sh = (int32_t)r[2].step,
                           .sw = (int32_t)r[3].step,
                           .pt = (int32_t)r[2].start,
                           .pl = (int32_t)r[3].start } };
    const ss_node *source = &s->im->g->nodes[v->node];
    bool fits = (int64_t)source->win.sh * r[2].step <= SS_MAX_DIM &&
                (int64_t)source->win.sw * r[3].step <= SS_MAX_DIM;
    if (source->op == SS_OP_SLICE && fits) compose(&n, source);
    ss_shape in = s->im->g->nodes[n.in[0]].shape;
    n.win.pb = crop(in.h, n.win.pt, n.win.sh, r[2].count);
    n.win.pr = crop(in.w, n.win.pl, n.win.sw, r[3].count);
    return ss_site_emit(s, &n, NULL);
}

/* ---- Pad ---- */

/* Pads [begin of each axis, end of each axis]; opset 18 may name axes. All zero where nothing is said. */
static bool read_pads(ss_site *s, int rank, int64_t begin[SS_MAX_RANK], int64_t end[SS_MAX_RANK]) {
    const int64_t *pads, *axes;
    int n, n_axes, axis;
    memset(begin, 0, SS_MAX_RANK * sizeof *begin);
    memset(end, 0, SS_MAX_RANK * sizeof *end);
    if (!ss_site_ints(s, 1, "pads", &pads, &n) || !ss_site_ints(s, 3, NULL, &axes, &n_axes)) return false;
    int count = n_axes < 0 ? rank : n_axes;
    if (n != 2 * count) return ss_invalid(s, "%d pads for %d axes", n, count);
    for (int k = 0; k < count; k++) {
        if (!ss_axis(s, n_axes < 0 ? k : axes[k], rank, &axis)) return false;
        begin[axis] = pads[k];
        end[axis] = pads[count + k];
        if (begin[axis] < 0 || end[axis] < 0 || begin[axis] > SS_MAX_DIM || end[axis] > SS_MAX_DIM)
            return ss_refuse(s, "use Slice to crop", "a padding of %lld and %lld", (long long)begin[axis],
                             (long long)end[axis]);
    }
    return true;
}

static bool pads_zeros(ss_site *s) {
    float value;
    if (ss_attr(s, "mode") && !ss_attr_is(s, "mode", "constant"))
        return ss_refuse(s, "pad with zeros", "padding by reflection or repetition");
    if (!ss_attr_float(s, "value", 0, &value)) return false;
    const ss_tensor *t = ss_site_const(s, 2);
    if (ss_site_has(s, 2) && (!t || t->n != 1))
        return ss_refuse(s, "pad with zeros", "padding with a computed value");
    if (value != 0 || (t && ss_tensor_at(t, 0) != 0))
        return ss_refuse(s, "pad with zeros", "padding with a value other than 0");
    return true;
}

/* Spatial zeros wait for the convolution or pool that takes them up. */
static void carry_pads(ss_site *s, const ss_value *v, const int64_t *begin, const int64_t *end) {
    ss_site_pass(s, v, "into the padding of what reads it");
    ss_value *o = &s->out;
    if (o->carry == SS_CARRY_NONE) o->pt = o->pl = o->pb = o->pr = 0;
    o->carry = SS_CARRY_PAD;
    o->origin = s->index;
    o->pt += (int32_t)begin[2];
    o->pl += (int32_t)begin[3];
    o->pb += (int32_t)end[2];
    o->pr += (int32_t)end[3];
    for (int d = 2; d < 4; d++) o->dims[d] += begin[d] + end[d];
}

bool ss_lower_pad(ss_site *s) {
    const ss_value *v = ss_site_act(s, 0);
    int64_t begin[SS_MAX_RANK], end[SS_MAX_RANK];
    bool channels = false, spatial = false;
    if (!v) return ss_refuse(s, "pad by constants", "padding by sizes that depend on the image");
    if (!read_pads(s, v->rank, begin, end)) return false;
    if (begin[0] || end[0])
        return ss_refuse(s, "pad channels, height and width only", "padding of the batch");
    channels = begin[1] || end[1];
    for (int d = 2; d < v->rank; d++) spatial |= begin[d] || end[d];
    if (!channels && !spatial) return ss_site_pass(s, v, "changes nothing"), true;
    if (!pads_zeros(s)) return false;
    if ((channels && spatial) || v->rank == 3 || (channels && v->carry != SS_CARRY_NONE))
        return ss_refuse(s, "use one Pad for channels and another for height and width",
                         "padding channels together with height and width");
    for (int d = 2; d < v->rank; d++)
        if (v->dims[d] + begin[d] + end[d] > SS_MAX_DIM)
            return ss_refuse(s, "pad less", "the padded map is too large");
    if (spatial) {
        carry_pads(s, v, begin, end);
        return true;
    }
    ss_node n = { .op = SS_OP_CHANPAD,
                  .n_in = 1,
                  .in = { v->node },
                  .pad_before = (int32_t)begin[1],
                  .pad_after = (int32_t)end[1] };
    if (!ss_site_emit(s, &n, NULL)) return false;
    s->out.rank = v->rank;
    return true;
}

/* ---- Concat ---- */

static bool concat_inputs_fit(ss_site *s) {
    const ss_value *first = s->in[0];
    int64_t attr;
    int axis;
    for (int k = 0; k < s->n_in; k++) {
        const ss_value *v = ss_site_act(s, k);
        if (!v) return ss_refuse(s, "pad the channels with Pad instead", "input %d is a constant", k + 1);
        if (v->rank != first->rank) return ss_invalid(s, "input %d does not fit input 1", k + 1);
        for (int d = 2; d < v->rank; d++)
            if (v->dims[d] != first->dims[d]) return ss_invalid(s, "input %d does not fit input 1", k + 1);
    }
    if (!ss_attr_int(s, "axis", 1, &attr) || !ss_axis(s, attr, first->rank, &axis)) return false;
    return axis == 1 || ss_refuse(s, "concatenate channels (axis 1)", "a concatenation along axis %d", axis);
}

/* More inputs than a graph node takes become a chain. */
bool ss_lower_concat(ss_site *s) {
    if (!ss_site_act(s, 0)) return ss_refuse(s, "pad the channels with Pad instead", "input 1 is a constant");
    if (!concat_inputs_fit(s)) return false;
    const ss_value *first = s->in[0];
    if (first->rank == 3)
        return ss_refuse(s, "concatenate N x C x H x W maps", "a concatenation of reshaped maps");
    if (s->n_in == 1) return ss_site_pass(s, first, "changes nothing"), true;
    int32_t chained = first->node;
    for (int k = 1; k < s->n_in;) {
        ss_node n = { .op = SS_OP_CONCAT, .n_in = 1, .in = { chained } };
        while (k < s->n_in && n.n_in < SS_MAX_INPUTS) n.in[n.n_in++] = s->in[k++]->node;
        if (!ss_site_emit(s, &n, k < s->n_in ? "#part" : NULL)) return false;
        chained = s->out.node;
    }
    s->out.rank = first->rank;
    return true;
}
