/* Assumed profiles: independent zeros.
 *
 * Method: the probability that an element is zero is carried through the graph, one number per channel. An
 * activation makes it `zeros`; a pool's output is zero when its whole window is; a sum when both operands
 * are; padded channels always are; a convolution without activation never is. A window with L live positions
 * then holds Binomial(L, 1 - p) non-zeros. L depends on the output position alone, so positions are grouped
 * by L, which treats borders exactly; given L, channels are independent, so the CDF of the largest count of a
 * step is the product of its channels' CDFs. All channels of a step share the position, hence L: the products
 * are formed per L and mixed afterwards.
 *
 * Invariants: every row of hist sums to Ho*Wo; every row of max_hist to Ho*Wo*C/ci (up to rounding).
 */
#include "profile/assume_lists.h"

#include <math.h>
#include <string.h>

/* ---- probability of zero, per channel ---- */

/* Mean over the output positions of p^live: a pool's output is zero when all of its live inputs are. */
static double pool_zeros(const ss_graph *g, const ss_node *n, double p) {
    ss_shape in = ss_graph_in_shape(g, n);
    double sum = 0;
    for (int32_t y = 0; y < n->shape.h; y++)
        for (int32_t x = 0; x < n->shape.w; x++) {
            int32_t live = ss_live(y, n->win.sh, n->win.pt, n->win.kh, in.h) *
                           ss_live(x, n->win.sw, n->win.pl, n->win.kw, in.w);
            sum += pow(p, live);
        }
    return sum / ((double)n->shape.h * n->shape.w);
}

static double *concat(const ss_graph *g, const ss_node *n, double *const *prob, double *out) {
    double *at = out;
    for (int32_t k = 0; k < n->n_in; k++) {
        int32_t c = g->nodes[n->in[k]].shape.c;
        memcpy(at, prob[n->in[k]], (size_t)c * sizeof *at);
        at += c;
    }
    return out;
}

/* Fill out[c] for a node from its inputs' probabilities. */
static void propagate(const ss_graph *g, const ss_node *n, double zeros, double *const *prob, double *out) {
    const double *a = n->n_in > 0 ? prob[n->in[0]] : NULL;
    int32_t pixels = n->n_in > 0 ? n->shape.c / g->nodes[n->in[0]].shape.c : 1;
    if (n->op == SS_OP_CONCAT) concat(g, n, prob, out);
    for (int32_t c = 0; c < n->shape.c; c++) {
        bool padded = c < n->pad_before || c >= n->shape.c - n->pad_after;
        switch (n->op) {
        case SS_OP_MAXPOOL:
        case SS_OP_AVGPOOL:
            out[c] = c > 0 && a[c] == a[c - 1] ? out[c - 1] : pool_zeros(g, n, a[c]);
            break;
        case SS_OP_ADD:
            out[c] = a[c] * prob[n->in[1]][c];
            break;
        case SS_OP_SLICE:
            out[c] = a[c];
            break;
        case SS_OP_CHANPAD:
            out[c] = padded ? 1 : a[c - n->pad_before];
            break;
        case SS_OP_FLATTEN:
            out[c] = a[c / pixels];
            break;
        case SS_OP_CONCAT:
            break;
        default:
            out[c] = 0;
            break; /* INPUT, CONV; an activation follows below */
        }
        if (n->act.on) out[c] = zeros;
    }
}

/* ---- one layer ---- */

typedef struct work {
    int32_t k, n_live;  /* window size; how many different L occur */
    int32_t *live;      /* [n_live] */
    double *positions;  /* [n_live]: output positions with that L */
    double *cdf;        /* [rows][n_live][k+1]; runs of channels of equal probability share a row */
    int32_t *row_of;    /* [channels] */
    double *pmf, *step; /* [k+1], [k+1] */
} work;

static void free_work(ss_ctx *ctx, work *w) {
    ss_free(ctx, w->live);
    ss_free(ctx, w->positions);
    ss_free(ctx, w->cdf);
    ss_free(ctx, w->row_of);
    ss_free(ctx, w->pmf);
    ss_free(ctx, w->step);
}

static ss_status group_positions(ss_ctx *ctx, const ss_graph *g, const ss_node *n, work *w) {
    ss_shape in = ss_graph_in_shape(g, n);
    double *count = ss_alloc(ctx, (size_t)w->k + 1, sizeof *count);
    w->live = ss_alloc(ctx, (size_t)w->k + 1, sizeof *w->live);
    w->positions = ss_alloc(ctx, (size_t)w->k + 1, sizeof *w->positions);
    if (count && w->live && w->positions) {
        for (int32_t y = 0; y < n->shape.h; y++)
            for (int32_t x = 0; x < n->shape.w; x++) {
                int32_t rows = ss_live(y, n->win.sh, n->win.pt, n->win.kh, in.h);
                int32_t cols = ss_live(x, n->win.sw, n->win.pl, n->win.kw, in.w);
                count[rows * cols]++;
            }
        for (int32_t l = 0; l <= w->k; l++)
            if (count[l] > 0) {
                w->live[w->n_live] = l;
                w->positions[w->n_live++] = count[l];
            }
    }
    ss_status s = count && w->live && w->positions ? SS_OK : SS_BAD;
    ss_free(ctx, count);
    return s;
}

/* CDFs of Binomial(L, 1 - p) for every L that occurs, built one trial at a time: only sums of positive terms.
 */
static void binomial_cdfs(const work *w, double p, double *cdf) {
    memset(w->pmf, 0, ((size_t)w->k + 1) * sizeof *w->pmf);
    w->pmf[0] = 1;
    for (int32_t l = 0, i = 0; i < w->n_live; l++) {
        if (l == w->live[i]) {
            double sum = 0, *row = cdf + (size_t)i++ * ((size_t)w->k + 1);
            for (int32_t j = 0; j <= w->k; j++) row[j] = j >= l ? 1 : (sum += w->pmf[j]);
        }
        for (int32_t j = l + 1; l < w->k && j > 0; j--) w->pmf[j] = w->pmf[j] * p + w->pmf[j - 1] * (1 - p);
        w->pmf[0] *= p;
    }
}

static ss_status tabulate_cdfs(ss_ctx *ctx, const double *p, int32_t channels, work *w) {
    size_t row = (size_t)w->n_live * ((size_t)w->k + 1);
    int32_t rows = 1;
    for (int32_t c = 1; c < channels; c++) rows += p[c] != p[c - 1];
    w->row_of = ss_alloc(ctx, (size_t)channels, sizeof *w->row_of);
    w->pmf = ss_alloc(ctx, (size_t)w->k + 1, sizeof *w->pmf);
    w->step = ss_alloc(ctx, (size_t)w->k + 1, sizeof *w->step);
    w->cdf = ss_alloc(ctx, (size_t)rows, row * sizeof *w->cdf);
    if (!w->row_of || !w->pmf || !w->step || !w->cdf) return SS_BAD;
    for (int32_t c = 0; c < channels; c++) {
        w->row_of[c] = c == 0 ? 0 : w->row_of[c - 1] + (p[c] != p[c - 1]);
        if (c == 0 || p[c] != p[c - 1]) binomial_cdfs(w, p[c], w->cdf + (size_t)w->row_of[c] * row);
    }
    return SS_OK;
}

static const double *cdf_at(const work *w, int32_t row, int32_t live) {
    return w->cdf + ((size_t)row * (size_t)w->n_live + (size_t)live) * ((size_t)w->k + 1);
}

/* hist += weight * the density of a CDF; fmax: powers may round a hair out of order. */
static void add_density(double *hist, const double *cdf, int32_t k, double weight) {
    for (int32_t j = 0; j <= k; j++) hist[j] += weight * fmax(0, cdf[j] - (j > 0 ? cdf[j - 1] : 0));
}

/* CDF of the largest count among channels first .. first+ci-1 given L, into w->step. */
static void step_cdf(const work *w, int32_t first, int64_t ci, int32_t live) {
    for (int32_t j = 0; j <= w->k; j++) w->step[j] = 1;
    for (int32_t c = first, run; c < first + ci; c += run) {
        for (run = 1; c + run < first + ci && w->row_of[c + run] == w->row_of[c];) run++;
        const double *cdf = cdf_at(w, w->row_of[c], live);
        for (int32_t j = 0; j <= w->k; j++) w->step[j] *= pow(cdf[j], run);
    }
}

/* Steps of one and the same row are counted together. */
static void fill_max(const work *w, int32_t channels, int64_t ci, double *hist) {
    for (int32_t l = 0; l < w->n_live; l++)
        for (int64_t first = 0, alike; first < channels; first += alike * ci) {
            int32_t row = w->row_of[first];
            int64_t end = first;
            while (end < channels && w->row_of[end] == row) end++;
            alike = (end - first) / ci > 0 ? (end - first) / ci : 1;
            step_cdf(w, (int32_t)first, ci, l);
            add_density(hist, w->step, w->k, w->positions[l] * (double)alike);
        }
}

static ss_status fill_layer(ss_profile *p, const ss_graph *g, const ss_node *n, const double *prob,
                            ss_layer_profile *layer) {
    double *hist, *max_hist;
    work w = { .k = layer->k };
    ss_status s = ss_profile_alloc_hist(p, layer, &hist, &max_hist) ? SS_OK : SS_BAD;
    if (s == SS_OK) s = group_positions(p->ctx, g, n, &w);
    if (s == SS_OK) s = tabulate_cdfs(p->ctx, prob, layer->channels, &w);
    if (s == SS_OK) {
        size_t bins = (size_t)layer->k + 1;
        layer->windows = (double)n->shape.h * n->shape.w;
        for (int32_t c = 0; c < layer->channels; c++) {
            layer->zero_ratio += prob[c] / layer->channels;
            for (int32_t l = 0; l < w.n_live; l++)
                add_density(hist + (size_t)c * bins, cdf_at(&w, w.row_of[c], l), w.k, w.positions[l]);
        }
        for (int32_t i = 0; i < layer->n_ci; i++)
            fill_max(&w, layer->channels, layer->ci[i], max_hist + (size_t)i * bins);
        s = ss_assume_lists(p, layer, n, ss_graph_in_shape(g, n), layer->zero_ratio);
    }
    free_work(p->ctx, &w);
    return s;
}

static ss_status fill_relus(ss_profile *p, double zeros) {
    for (int32_t i = 0; i < p->n_relus; i++) {
        ss_relu_profile *r = &p->relus[i];
        double *z = ss_profile_alloc_ratios(p, r);
        if (!z) return SS_BAD;
        r->zero_ratio = zeros;
        for (int32_t c = 0; c < r->channels; c++) z[c] = zeros;
    }
    return SS_OK;
}

static ss_status fill(ss_profile *p, const ss_graph *g, double zeros, ss_arena *scratch) {
    double **prob = ss_arena_alloc(scratch, (size_t)g->n, sizeof *prob);
    ss_status s = prob ? SS_OK : SS_BAD;
    for (int32_t i = 0, layer = 0; s == SS_OK && i < g->n; i++) {
        const ss_node *n = &g->nodes[i];
        prob[i] = ss_arena_alloc(scratch, (size_t)n->shape.c, sizeof **prob);
        if (!prob[i]) return SS_BAD;
        propagate(g, n, zeros, prob, prob[i]);
        if (n->op == SS_OP_CONV) s = fill_layer(p, g, n, prob[n->in[0]], &p->layers[layer++]);
    }
    return s == SS_OK ? fill_relus(p, zeros) : s;
}

ss_status ss_profile_assume(ss_ctx *ctx, const ss_graph *g, double zeros, int bits, ss_profile **out) {
    *out = NULL;
    if (!(zeros >= 0 && zeros <= 1))
        return ss_error(ctx, SS_AT("assumed zeros"), "give a fraction", "%g is not between 0 and 1", zeros);
    ss_arena *scratch = ss_arena_new(ctx);
    ss_profile *p = scratch ? ss_profile_new(ctx, g, bits) : NULL;
    ss_status s = p ? fill(p, g, zeros, scratch) : SS_BAD;
    ss_arena_free(scratch);
    if (s != SS_OK) {
        ss_profile_free(p);
        return s;
    }
    p->assumed = true;
    p->assumed_zeros = zeros;
    p->images = 1;
    *out = p;
    return SS_OK;
}
