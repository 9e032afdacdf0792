/* conv_pack: decides how a convolution is summed and brings weights, bias and requantisation into the kernels' order.
 *
 * Bound of a filter's sum: |bias| + max|x| * sum|w|. Where it fits 32 bits for all filters, nothing can overflow and
 * the bias is the sum's first value. Otherwise (`wide`) sums are high * 2^16 + low, and w_norm holds, for each chunk
 * of a window, the largest Euclidean norm among the filters' weights: by Cauchy and Schwarz the products of a chunk add
 * at most w_norm * |x| to a sum. Where inputs cannot be negative, positive and negative weights bound the two
 * directions separately, and the larger norm of the two is enough.
 */
#include "infer/conv_internal.h"

#include <math.h>
#include <string.h>

/* ---- checks ---- */

static ss_where at(const ss_conv *c) { return (ss_where){ c->n->name, c->n->onnx_op, NULL }; }

static ss_status inconsistent(const ss_conv *c, const char *what, long long value) {
    return ss_error(c->ctx, at(c), "quantise the network again", "inconsistent quantisation: %s is %lld", what, value);
}

static int64_t window_weights(const ss_conv *c) { return (int64_t)c->cg * c->n->win.kh * c->n->win.kw; }

/* Largest |sum| any filter can reach, for inputs up to xmax; also the largest |weight|. */
static int64_t sum_bound(const ss_conv *c, int64_t xmax, int32_t *wmax) {
    const int64_t k = window_weights(c);
    int64_t bound = 0;
    *wmax = 0;
    for (int32_t f = 0; f < c->out.c; f++) {
        int64_t l1 = 0;
        for (int64_t i = 0; i < k; i++) {
            const int32_t w = c->qn->weights[f * k + i], a = w < 0 ? -w : w;
            l1 += a;
            if (a > *wmax) *wmax = a;
        }
        const int64_t bias = c->qn->bias[f] < 0 ? -c->qn->bias[f] : c->qn->bias[f];
        const int64_t b = bias > INT64_MAX / 4 ? INT64_MAX / 2 : bias + l1 * xmax;
        if (b > bound) bound = b;
    }
    return bound;
}

static ss_status check_scales(const ss_conv *c) {
    for (int32_t m = 0; m < c->qn->n_mult; m++) {
        if (c->qn->mult[m] < 0 || c->qn->mult[m] >= 1 << 17) return inconsistent(c, "a multiplier", c->qn->mult[m]);
        if (c->qn->shift[m] < 1 || c->qn->shift[m] > 46) return inconsistent(c, "a shift", c->qn->shift[m]);
    }
    return SS_OK;
}

ss_status ss_conv_choose_form(ss_conv *c, int bits, int32_t in_lo, int32_t in_hi) {
    c->form = SS_FORM_FLOAT;
    if (!c->qn) return SS_OK;
    if (check_scales(c) != SS_OK) return SS_BAD;
    const int64_t xmax = -(int64_t)in_lo > in_hi ? -(int64_t)in_lo : in_hi;
    int32_t wmax;
    const int64_t bound = sum_bound(c, xmax, &wmax);
    if (xmax > 1 << (bits - 1) || (in_lo >= 0 && xmax == 1 << (bits - 1)))
        return inconsistent(c, "the largest input", xmax);
    if (wmax >= 1 << (bits - 1)) return inconsistent(c, "the largest weight", wmax);
    if (c->qn->pre < 0 || c->qn->pre > 31) return inconsistent(c, "pre", c->qn->pre);
    if (bound >> 46) return inconsistent(c, "an accumulator's largest sum", bound);
    if (bound >> c->qn->pre > INT32_MAX) return inconsistent(c, "the multiplier's largest input", bound >> c->qn->pre);
    c->wide = bound > INT32_MAX;
    c->non_negative = in_lo >= 0;
    const bool u8 = bits == 8 && c->k->to_bytes && !c->wide && !c->depthwise;
    c->form = u8 ? SS_FORM_U8 : SS_FORM_I16;
    c->x_offset = u8 && in_lo < 0 ? 128 : 0;
    return SS_OK;
}

/* ---- weights ---- */

static void put_weight(const ss_conv *c, char *to, int64_t from) {
    if (c->form == SS_FORM_FLOAT) memcpy(to, &c->n->weights[from], sizeof(float));
    else if (c->form == SS_FORM_I16) memcpy(to, &c->qn->weights[from], sizeof(int16_t));
    else *(int8_t *)to = (int8_t)c->qn->weights[from];
}

/* One filter into its lane; `lane` is that lane in the panel's first step, and `step` the bytes of a step. */
static void pack_lane(const ss_conv *c, char *lane, int64_t step, int64_t from) {
    const ss_window *w = &c->n->win;
    const int64_t kernel = (int64_t)w->kh * w->kw;
    for (int64_t i = 0; i < kernel; i++)
        for (int32_t ch = 0; ch < c->cg; ch++) {
            const int64_t k = i * c->cs + ch;
            put_weight(c, lane + k / c->unit * step + k % c->unit * c->esize, from + ch * kernel + i);
        }
}

static ss_status pack_weights(ss_conv *c) {
    const int64_t vector = c->panel_bytes / SS_CONV_VECTORS; /* bytes of one vector of filters */
    c->weights = ss_alloc_aligned(c->ctx, (size_t)c->groups * (size_t)c->vectors, (size_t)vector);
    if (!c->weights) return SS_BAD;
    for (int32_t f = 0; f < c->out.c; f++) {
        const int32_t v = f % c->fg / c->lanes, in_panel = v % SS_CONV_VECTORS;
        const int32_t left = c->vectors - (v - in_panel);
        const int32_t vectors = left < SS_CONV_VECTORS ? left : SS_CONV_VECTORS;
        char *panel = c->weights + (f / c->fg * (int64_t)c->vectors + v - in_panel) * vector;
        pack_lane(c, panel + (in_panel * c->lanes + f % c->fg % c->lanes) * 4, (int64_t)vectors * c->lanes * 4,
                  f * window_weights(c));
    }
    return SS_OK;
}

/* Norm of filter f's weights at one kernel position over channels ch..ch+SS_CONV_CHUNK-1. */
static double chunk_norm(const ss_conv *c, int32_t f, int32_t position, int32_t ch) {
    const int32_t k = c->n->win.kh * c->n->win.kw;
    const int16_t *w = c->qn->weights + f * window_weights(c);
    double plus = 0, minus = 0;
    for (int32_t i = ch; i < c->cg && i < ch + SS_CONV_CHUNK; i++) {
        const double v = w[(int64_t)i * k + position];
        if (v > 0) plus += v * v;
        else minus += v * v;
    }
    if (!c->non_negative) return sqrt(plus + minus);
    return sqrt(plus > minus ? plus : minus);
}

static ss_status pack_norms(ss_conv *c) {
    if (!c->wide) return SS_OK;
    c->w_norm = ss_alloc_aligned(c->ctx, (size_t)c->groups * (size_t)c->chunk_count, sizeof *c->w_norm);
    if (!c->w_norm) return SS_BAD;
    for (int32_t f = 0; f < c->out.c; f++) {
        float *norm = c->w_norm + (int64_t)(f / c->fg) * c->chunk_count;
        for (int32_t i = 0; i < c->chunk_count; i++) {
            const float v = (float)chunk_norm(c, f, i / c->chunks, i % c->chunks * SS_CONV_CHUNK);
            if (v > norm[i]) norm[i] = v;
        }
    }
    return SS_OK;
}

/* ---- bias and requantisation ---- */

static int32_t clip32(int64_t v) { return v < INT32_MIN ? INT32_MIN : v > INT32_MAX ? INT32_MAX : (int32_t)v; }

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && a < 0); }

/* The range of acc >> pre outside which the result saturates to lo or hi. Inside, and at its ends, the product stays
 * below 2^48 and the shifted result within 32 bits. */
static void saturation_range(ss_conv *c, int32_t i, int32_t mult, int shift) {
    if (mult == 0) return; /* the result does not depend on the sum: 0..0 will do */
    const int64_t half = (int64_t)1 << (shift - 1), one = (int64_t)1 << shift;
    c->a_hi[i] = clip32(-floor_div(-(c->qn->hi * one - half), mult));
    c->a_lo[i] = clip32(floor_div((c->qn->lo + 1) * one - half - 1, mult));
}

static int64_t weight_sum(const ss_conv *c, int32_t f) {
    const int64_t k = window_weights(c);
    int64_t sum = 0;
    for (int64_t i = 0; i < k; i++) sum += c->qn->weights[f * k + i];
    return sum;
}

static void pack_filter(ss_conv *c, int32_t f) {
    const int32_t i = f / c->fg * c->padded + f % c->fg;
    if (!c->qn) {
        c->bias_f[i] = ss_node_bias(c->n, f);
        return;
    }
    const int32_t m = c->qn->n_mult == 1 ? 0 : f;
    const int64_t bias = c->qn->bias[f] - (c->x_offset ? c->x_offset * weight_sum(c, f) : 0);
    c->bias_lo[i] = (int32_t)(c->wide ? bias & 0xffff : bias);
    c->bias_hi[i] = (int32_t)(c->wide ? bias >> 16 : 0);
    c->mult[i] = c->qn->mult[m];
    c->shift[i] = c->qn->shift[m];
    saturation_range(c, i, c->qn->mult[m], c->qn->shift[m]);
    const int up = 32 - c->shift[i];
    if (up < 0 || c->mult[i] > INT32_MAX >> up) c->quick = false;
    else c->quick_mult[i] = (int32_t)((uint32_t)c->mult[i] << up);
}

static ss_status pack_filters(ss_conv *c) {
    const size_t n = (size_t)c->groups * (size_t)c->padded; /* whole vectors, so every array stays aligned */
    int32_t *part = c->filters = ss_alloc_aligned(c->ctx, n * 7, sizeof(int32_t));
    if (!part) return SS_BAD;
    int32_t **const arrays[] = { &c->bias_lo, &c->bias_hi, &c->a_lo, &c->a_hi, &c->mult, &c->shift,
                                 &c->quick_mult };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) *arrays[i] = part + i * n;
    c->bias_f = c->filters;
    c->quick = c->qn != NULL;
    for (size_t i = 0; i < n; i++) c->shift[i] = 1; /* lanes without a filter give 0 */
    for (int32_t f = 0; f < c->out.c; f++) pack_filter(c, f);
    return SS_OK;
}

/* Depthwise: weights with the filters innermost, and the bias as the sums' first values. */
static ss_status pack_depthwise(ss_conv *c) {
    const int32_t k = c->n->win.kh * c->n->win.kw, n = c->out.c;
    c->weights = ss_alloc_aligned(c->ctx, (size_t)k * (size_t)n, (size_t)c->esize);
    c->depth_bias = ss_alloc_aligned(c->ctx, (size_t)n, sizeof(int64_t));
    if (!c->weights || !c->depth_bias) return SS_BAD;
    for (int32_t f = 0; f < n; f++) {
        for (int32_t i = 0; i < k; i++) put_weight(c, c->weights + ((int64_t)i * n + f) * c->esize, (int64_t)f * k + i);
        if (c->qn) ((int64_t *)c->depth_bias)[f] = c->qn->bias[f];
        else ((float *)c->depth_bias)[f] = ss_node_bias(c->n, f);
    }
    return SS_OK;
}

ss_status ss_conv_pack(ss_conv *c) {
    if (pack_filters(c) != SS_OK) return SS_BAD;
    if (c->depthwise) return pack_depthwise(c);
    if (pack_weights(c) != SS_OK) return SS_BAD;
    return pack_norms(c);
}
