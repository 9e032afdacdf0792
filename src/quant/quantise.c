/* Quantisation: from a float graph and its ranges to the integers of quant.h.
 *
 * Method, one pass in node order:
 *  1. frac of the output: the input's for nodes that copy; else from the node's own range.
 *  2. lo, hi of the output: 0 below where the value cannot be negative.
 *  3. CONV: per filter a weight scale s, so that an accumulator's unit is s * 2^-frac(in); its exact range; then
 *     output = acc * s * 2^(frac - frac(in)), as a multiplier in [2^16, 2^17) and a shift.
 *     ADD, CONCAT: inputs shifted left to one frac at least one finer than the output's, so that mult is 1.
 *     AVGPOOL: 1 / count as multiplier and shift.
 *
 * No int64 overflows in ss_requantise: acc >> pre has at most 27 bits, mult at most 17, so the product is below 2^43;
 * shift is at most 45, so the half added is at most 2^44.
 */
#include "quant/calib.h"

#include <math.h>

#define FRAC_MIN (-128)
#define FRAC_MAX 128
#define ACC_MAX 48        /* bits: the accumulator of a DSP48 */
#define MULTIPLIER_IN 27  /* bits of acc >> pre */
#define MULT_BITS 17      /* mult < 2^17 */
#define SHIFT_MAX 45      /* beyond, |acc * mult| < 2^43 rounds to 0 */
#define BIAS_BITS 44      /* of |bias|: finer weights could not move the output */
#define FINEST (-36)      /* log2 of the finest accumulator unit, in units of the output */
#define ZERO_FILTER (-24) /* the same for a filter without weights: its bias alone is left */
#define ADD_SPREAD 9      /* bits an add's output may be finer than its coarsest input */
#define AREA_MAX (1 << 24) /* elements of a pooling window */
#define ALIGN_MAX 40      /* largest left shift: 16 + 40 + 4 bits fit in 64 */

typedef struct builder {
    ss_ctx *ctx;
    const ss_graph *g;
    const ss_calib *c;
    ss_quant *q;
    int32_t top; /* 2^(bits-1) - 1 */
} builder;

int ss_bits_for(int64_t lo, int64_t hi) {
    int bits = 1;
    while (bits < 64 && (lo < -((int64_t)1 << (bits - 1)) || hi > ((int64_t)1 << (bits - 1)) - 1)) bits++;
    return bits;
}

static ss_status refuse(ss_ctx *ctx, const ss_node *n, const char *remedy, const char *cause) {
    char shape[40];
    ss_shape_text(n->shape, shape);
    return ss_error(ctx, (ss_where){ n->name, ss_op_name(n->op), shape }, remedy, "%s", cause);
}

/* ---- activations: frac and range of a tensor ---- */

static int clamp_frac(int frac) { return frac < FRAC_MIN ? FRAC_MIN : frac > FRAC_MAX ? FRAC_MAX : frac; }

/* The finest frac at which absmax still fits in bits. */
static int frac_that_covers(double absmax, int bits) {
    int k;
    frexp(absmax, &k); /* absmax < 2^k */
    return clamp_frac(bits - 1 - k);
}

static int frac_of_range(const builder *b, const ss_range *r) {
    const double absmax = (double)ss_range_absmax(r);
    if (!(absmax > 0)) return b->q->bits - 1; /* never seen but 0: -1..1 */
    if (b->q->bits > 8) return frac_that_covers(1.25 * absmax, b->q->bits);
    const int first = frac_that_covers(absmax, b->q->bits);
    int best = first;
    double least = ss_range_error(r, first, b->top);
    for (int frac = first + 1; frac <= clamp_frac(first + 4); frac++) {
        const double error = ss_range_error(r, frac, b->top);
        if (error < least) {
            least = error;
            best = frac;
        }
    }
    return best;
}

/* An add finer than its inputs, or much finer than the coarsest of them, would only shift in zeros. */
static int limit_to_inputs(const builder *b, const ss_node *n, int frac) {
    int coarsest = FRAC_MAX, finest = FRAC_MIN;
    for (int32_t k = 0; k < n->n_in; k++) {
        const int f = b->q->nodes[n->in[k]].frac;
        if (f < coarsest) coarsest = f;
        if (f > finest) finest = f;
    }
    if (frac > finest) frac = finest;
    return frac > coarsest + ADD_SPREAD ? coarsest + ADD_SPREAD : frac;
}

static bool copies(ss_op op) {
    return op == SS_OP_MAXPOOL || op == SS_OP_SLICE || op == SS_OP_CHANPAD || op == SS_OP_RELU || op == SS_OP_FLATTEN;
}

static bool inputs_not_negative(const builder *b, const ss_node *n) {
    for (int32_t k = 0; k < n->n_in; k++)
        if (b->q->nodes[n->in[k]].lo < 0) return false;
    return n->n_in > 0;
}

static void set_output(const builder *b, int32_t i) {
    const ss_node *n = &b->g->nodes[i];
    ss_qnode *qn = &b->q->nodes[i];
    if (copies(n->op)) qn->frac = b->q->nodes[n->in[0]].frac;
    else qn->frac = frac_of_range(b, &b->c->ranges[i]);
    if (n->op == SS_OP_ADD || n->op == SS_OP_CONCAT) qn->frac = limit_to_inputs(b, n, qn->frac);
    const bool positive = n->act.on || (n->op != SS_OP_CONV && inputs_not_negative(b, n));
    qn->lo = positive ? 0 : -b->top - 1;
    qn->hi = b->top;
}

/* ---- multipliers ---- */

/* ratio = mult * 2^-shift, mult in [2^16, 2^17). Ratios so small that every result is 0 become 0; ratios so large
 * that every result but 0 saturates become the largest. */
static void set_multiplier(double ratio, int32_t *mult, uint8_t *shift) {
    int exponent;
    int64_t m = (int64_t)floor(ldexp(frexp(ratio, &exponent), MULT_BITS) + 0.5);
    if (m == (int64_t)1 << MULT_BITS) {
        m /= 2;
        exponent++;
    }
    const int s = MULT_BITS - exponent;
    *mult = s > SHIFT_MAX ? 0 : s < 1 ? (1 << MULT_BITS) - 1 : (int32_t)m;
    *shift = (uint8_t)(s > SHIFT_MAX || s < 1 ? 1 : s);
}

static ss_status new_multipliers(const builder *b, ss_qnode *qn, int32_t n) {
    qn->mult = ss_arena_alloc(b->q->arena, (size_t)n, sizeof *qn->mult);
    qn->shift = ss_arena_alloc(b->q->arena, (size_t)n, sizeof *qn->shift);
    qn->n_mult = n;
    return qn->mult && qn->shift ? SS_OK : SS_BAD;
}

static int drop_bits(int acc_bits) { return acc_bits > MULTIPLIER_IN ? acc_bits - MULTIPLIER_IN : 0; }

/* ---- convolution ---- */

static double clip_error(const float *w, int64_t n, double scale, int32_t top) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        const double v = (double)w[i] / scale;
        const double q = fmax(fmin(floor(v + 0.5), top), -top);
        sum += (v - q) * (v - q);
    }
    return sum * scale * scale;
}

/* 16 bits: the largest weight fits. 8 bits: the scale with the least squared error among slightly smaller ones. */
static double weight_scale(const builder *b, const float *w, int64_t n, double absmax) {
    const double whole = absmax / b->top;
    if (b->q->bits > 8) return whole;
    double best = whole, least = clip_error(w, n, whole, b->top);
    for (int percent = 95; percent >= 60; percent -= 5) {
        const double error = clip_error(w, n, whole * percent / 100, b->top);
        if (error < least) {
            least = error;
            best = whole * percent / 100;
        }
    }
    return best;
}

static double largest(const float *w, int64_t n, bool *finite) {
    double absmax = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(w[i])) *finite = false;
        absmax = fmax(absmax, fabs((double)w[i]));
    }
    return absmax;
}

/* The next scale of MULT_BITS significant bits: its multiplier is exact, so the weights are rounded to what is built. */
static double round_scale_up(double s) {
    int exponent;
    const double mantissa = ceil(ldexp(frexp(s, &exponent), MULT_BITS));
    return ldexp(mantissa, exponent - MULT_BITS);
}

static int64_t filter_weights(const ss_graph *g, const ss_node *n) { return ss_node_weight_count(g, n) / n->shape.c; }

/* The scale of filter f, large enough that the bias takes at most BIAS_BITS and the unit is not finer than FINEST. */
static bool choose_scale(const builder *b, const ss_node *n, const ss_qnode *qn, int in_frac, int32_t f, int16_t *quantised,
                         double *unit) {
    const int64_t each = filter_weights(b->g, n);
    const float *w = n->weights + f * each;
    const double own = n->bias ? (double)n->bias[f] : 0;
    bool finite = isfinite(own);
    const double absmax = largest(w, each, &finite);
    if (!finite) return false;
    const double least = ldexp(1.0, in_frac - qn->frac + (absmax > 0 ? FINEST : ZERO_FILTER));
    double s = absmax > 0 ? weight_scale(b, w, each, absmax) : 0;
    s = round_scale_up(fmax(s, fmax(least, ldexp(fabs(own), in_frac - BIAS_BITS))));
    unit[f] = ldexp(s, -in_frac);
    for (int64_t i = 0; i < each; i++)
        quantised[f * each + i] = (int16_t)fmax(fmin(floor((double)w[i] / s + 0.5), b->top), -b->top);
    return true;
}

static ss_status quantise_conv(const builder *b, int32_t i) {
    const ss_node *n = &b->g->nodes[i];
    ss_qnode *qn = &b->q->nodes[i];
    ss_arena *a = b->q->arena;
    const size_t filters = (size_t)n->shape.c;
    const int in_frac = b->q->nodes[n->in[0]].frac;
    int16_t *weights = ss_arena_alloc(a, (size_t)ss_node_weight_count(b->g, n), sizeof *weights);
    double *unit = ss_arena_alloc(a, filters, sizeof *unit);
    qn->bias = ss_arena_alloc(a, filters, sizeof *qn->bias);
    qn->filter_acc_bits = ss_arena_alloc(a, filters, sizeof *qn->filter_acc_bits);
    qn->weights = weights;
    qn->unit = unit;
    if (!weights || !unit || !qn->bias || !qn->filter_acc_bits || new_multipliers(b, qn, n->shape.c) != SS_OK) return SS_BAD;
    bool finite = true;
#pragma omp parallel for num_threads(ss_ctx_threads(b->ctx)) schedule(static) reduction(&& : finite)
    for (int32_t f = 0; f < n->shape.c; f++) finite = choose_scale(b, n, qn, in_frac, f, weights, unit) && finite;
    if (!finite) return refuse(b->ctx, n, "export the model again", "has weights or a bias that are not finite");
    return ss_quant_set_bias(b->q, b->g, i);
}

/* Every partial sum, with or without the bias, in any order: inputs are lo..hi with lo <= 0 <= hi. */
static int accumulator_bits(const int16_t *weights, int64_t each, int64_t bias, int64_t lo, int64_t hi) {
    int64_t least = 0, most = 0;
    for (int64_t i = 0; i < each; i++) {
        const int64_t w = weights[i];
        least += w > 0 ? w * lo : w * hi;
        most += w > 0 ? w * hi : w * lo;
    }
    return ss_bits_for(least + (bias < 0 ? bias : 0), most + (bias > 0 ? bias : 0));
}

ss_status ss_quant_set_bias(ss_quant *q, const ss_graph *g, int32_t node) {
    const ss_node *n = &g->nodes[node];
    const ss_qnode *in = &q->nodes[n->in[0]];
    ss_qnode *qn = &q->nodes[node];
    const int64_t each = filter_weights(g, n);
    bool fits = true;
#pragma omp parallel for num_threads(ss_ctx_threads(q->ctx)) schedule(static) reduction(&& : fits) \
    if (ss_node_weight_count(g, n) > 1 << 18)
    for (int32_t f = 0; f < n->shape.c; f++) {
        const double bias = (double)ss_node_bias(n, f) / qn->unit[f];
        fits = fabs(bias) < ldexp(1, ACC_MAX) && fits; /* false for NaN */
        qn->bias[f] = fits ? (int64_t)floor(bias + 0.5) : 0;
        qn->filter_acc_bits[f] = (uint8_t)accumulator_bits(qn->weights + f * each, each, qn->bias[f], in->lo, in->hi);
    }
    qn->acc_bits = 0;
    for (int32_t f = 0; f < n->shape.c; f++)
        if (qn->filter_acc_bits[f] > qn->acc_bits) qn->acc_bits = qn->filter_acc_bits[f];
    if (!fits || qn->acc_bits > ACC_MAX)
        return refuse(q->ctx, n, "use --bits 8", "needs an accumulator wider than the 48 bits of a DSP");
    qn->pre = drop_bits(qn->acc_bits);
    for (int32_t f = 0; f < n->shape.c; f++)
        set_multiplier(ldexp(qn->unit[f], qn->frac + qn->pre), &qn->mult[f], &qn->shift[f]);
    return SS_OK;
}

/* ---- the other nodes ---- */

static ss_status quantise_avgpool(const builder *b, int32_t i) {
    const ss_node *n = &b->g->nodes[i];
    const ss_qnode *in = &b->q->nodes[n->in[0]];
    ss_qnode *qn = &b->q->nodes[i];
    const ss_window *w = &n->win;
    if ((int64_t)w->kh * w->kw > AREA_MAX)
        return refuse(b->ctx, n, "pool in several steps", "its window is too large for integer arithmetic");
    const int32_t area = w->kh * w->kw;
    const bool varies = !n->count_pad && (w->pt || w->pl || w->pb || w->pr);
    if (new_multipliers(b, qn, varies ? area + 1 : 1) != SS_OK) return SS_BAD;
    qn->acc_bits = ss_bits_for((int64_t)in->lo * area, (int64_t)in->hi * area);
    qn->pre = drop_bits(qn->acc_bits);
    if (varies) set_multiplier(0, &qn->mult[0], &qn->shift[0]); /* nothing inside the map: 0 */
    for (int32_t count = varies ? 1 : area; count <= area; count++)
        set_multiplier(ldexp(1.0 / count, qn->frac - in->frac + qn->pre), &qn->mult[varies ? count : 0],
                       &qn->shift[varies ? count : 0]);
    return SS_OK;
}

/* All inputs at one frac, one finer than the output at least: the rounding is the shift alone. */
static ss_status quantise_aligned(const builder *b, int32_t i) {
    const ss_node *n = &b->g->nodes[i];
    ss_qnode *qn = &b->q->nodes[i];
    int common = qn->frac + 1;
    int64_t lo = 0, hi = 0;
    for (int32_t k = 0; k < n->n_in; k++)
        if (b->q->nodes[n->in[k]].frac > common) common = b->q->nodes[n->in[k]].frac;
    for (int32_t k = 0; k < n->n_in; k++) {
        const ss_qnode *in = &b->q->nodes[n->in[k]];
        if (common - in->frac > ALIGN_MAX || common - qn->frac > ALIGN_MAX)
            return refuse(b->ctx, n, "check the calibration images and the weights",
                          "its inputs differ in scale by more than 2^39; the smaller is lost");
        qn->in_shift[k] = common - in->frac;
        const int64_t unit = (int64_t)1 << qn->in_shift[k], x = in->lo * unit, y = in->hi * unit;
        lo = n->op == SS_OP_ADD ? lo + x : x < lo ? x : lo;
        hi = n->op == SS_OP_ADD ? hi + y : y > hi ? y : hi;
    }
    if (new_multipliers(b, qn, 1) != SS_OK) return SS_BAD;
    qn->acc_bits = ss_bits_for(lo, hi);
    qn->pre = drop_bits(qn->acc_bits);
    if (qn->pre > common - qn->frac - 1) qn->pre = common - qn->frac - 1;
    qn->mult[0] = 1;
    qn->shift[0] = (uint8_t)(common - qn->frac - qn->pre);
    return SS_OK;
}

static ss_status quantise_node(const builder *b, int32_t i) {
    const ss_node *n = &b->g->nodes[i];
    set_output(b, i);
    switch (n->op) {
    case SS_OP_CONV: return quantise_conv(b, i);
    case SS_OP_AVGPOOL: return quantise_avgpool(b, i);
    case SS_OP_ADD:
    case SS_OP_CONCAT: return quantise_aligned(b, i);
    case SS_OP_BATCHNORM: return refuse(b->ctx, n, "run the graph passes first", "is not folded into a convolution");
    default: return SS_OK; /* input and copies */
    }
}

/* ---- thresholds ---- */

/* y * 2^-frac > t is the same as y > floor(t * 2^frac) for integers y; beyond hi nothing passes. */
static int32_t threshold_int(double t, const ss_qnode *qn) {
    const double v = floor(ldexp(t, qn->frac));
    return v > qn->hi ? qn->hi : (int32_t)v;
}

static ss_status set_act(ss_quant *q, const ss_node *n, ss_qnode *qn) {
    const ss_act *a = &n->act;
    if (!qn->thr) qn->thr = ss_arena_alloc(q->arena, (size_t)n->shape.c, sizeof *qn->thr);
    if (!qn->thr) return SS_BAD;
    qn->n_thr = a->per_channel ? n->shape.c : 1;
    qn->ceiling = qn->hi;
    if ((double)a->ceiling < ldexp(qn->hi, -qn->frac))
        qn->ceiling = (int32_t)fmax(floor(ldexp((double)a->ceiling, qn->frac) + 0.5), 0);
    for (int32_t c = 0; c < qn->n_thr; c++) {
        const double t = (double)(a->per_channel ? a->per_channel[c] : a->threshold);
        if (!(t >= 0))
            return ss_error(q->ctx, (ss_where){ a->name, "relu", NULL }, "use thresholds of 0 or more",
                            "the threshold %g is not one", t);
        qn->thr[c] = threshold_int(t, qn);
    }
    return SS_OK;
}

ss_status ss_quant_set_thresholds(ss_quant *q, const ss_graph *g) {
    ss_status s = SS_OK;
    for (int32_t i = 0; i < q->n; i++) {
        if (g->nodes[i].act.on && set_act(q, &g->nodes[i], &q->nodes[i]) != SS_OK) s = SS_BAD;
        if (!g->nodes[i].act.on) q->nodes[i].ceiling = q->nodes[i].hi;
    }
    return s;
}

/* ---- the pass ---- */

ss_status ss_quantise(ss_ctx *ctx, const ss_graph *g, const ss_calib *c, int bits, ss_quant **out) {
    *out = NULL;
    if (bits != 8 && bits != 16)
        return ss_error(ctx, SS_AT("bits"), "use 8 or 16", "%d bits are not supported", bits);
    if (c->model != ss_graph_hash(g))
        return ss_error(ctx, SS_AT(g->name), "calibrate this model", "the calibration is of another model");
    ss_arena *arena = ss_arena_new(ctx);
    ss_quant *q = arena ? ss_arena_alloc(arena, 1, sizeof *q) : NULL;
    ss_qnode *nodes = q ? ss_arena_alloc(arena, (size_t)g->n, sizeof *nodes) : NULL;
    ss_status s = nodes ? SS_OK : SS_BAD;
    if (s == SS_OK) {
        *q = (ss_quant){ ctx, arena, bits, nodes, g->n };
        const builder b = { ctx, g, c, q, (1 << (bits - 1)) - 1 };
        for (int32_t i = 0; i < g->n; i++)
            if (quantise_node(&b, i) != SS_OK) s = SS_BAD;
        if (ss_quant_set_thresholds(q, g) != SS_OK) s = SS_BAD;
    }
    if (s == SS_OK) *out = q;
    else ss_arena_free(arena);
    return s;
}

void ss_quant_free(ss_quant *q) {
    if (q) ss_arena_free(q->arena);
}
