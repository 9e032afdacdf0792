/* The plainest possible evaluator. Tensors are channel-major doubles; nothing is shared with the library's own. */
#include "util_eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t at(ss_shape s, int32_t c, int32_t y, int32_t x) {
    return ((size_t)c * (size_t)s.h + (size_t)y) * (size_t)s.w + (size_t)x;
}

static double activate(const ss_act *a, int32_t channel, double x) {
    double t = a->per_channel ? (double)a->per_channel[channel] : (double)a->threshold;
    return x > t ? fmin(x, (double)a->ceiling) : 0;
}

typedef struct tap {
    const ss_node *n;
    ss_shape in;
    const double *x;
    int32_t c, y0, x0; /* channel, top left corner of the window */
} tap;

/* The input under kernel position (i, j); false on padding. */
static bool under(const tap *t, int32_t i, int32_t j, double *v) {
    int32_t y = t->y0 + i, x = t->x0 + j;
    if (y < 0 || x < 0 || y >= t->in.h || x >= t->in.w) return false;
    *v = t->x[at(t->in, t->c, y, x)];
    return true;
}

static double conv_at(tap t, int32_t f) {
    const ss_node *n = t.n;
    int32_t per_group = t.in.c / n->groups, first = f / (n->shape.c / n->groups) * per_group;
    double sum = n->bias ? (double)n->bias[f] : 0;
    const float *w = n->weights + (size_t)f * (size_t)(per_group * n->win.kh * n->win.kw);
    for (t.c = first; t.c < first + per_group; t.c++)
        for (int32_t i = 0; i < n->win.kh; i++)
            for (int32_t j = 0; j < n->win.kw; j++, w++) {
                double v;
                if (under(&t, i, j, &v)) sum += v * (double)*w;
            }
    return sum;
}

static double pool_at(const tap *t) {
    double best = -INFINITY, sum = 0;
    int32_t real = 0, kh = t->n->win.kh, kw = t->n->win.kw;
    for (int32_t i = 0; i < kh; i++)
        for (int32_t j = 0; j < kw; j++) {
            double v;
            if (!under(t, i, j, &v)) continue;
            best = fmax(best, v);
            sum += v;
            real++;
        }
    return t->n->op == SS_OP_MAXPOOL ? best : sum / (t->n->count_pad ? kh * kw : real);
}

static double concat_at(const ss_graph *g, const ss_node *n, double *const *values, int32_t c, int32_t y, int32_t x) {
    for (int32_t k = 0; k < n->n_in; k++) {
        ss_shape s = g->nodes[n->in[k]].shape;
        if (c < s.c) return values[n->in[k]][at(s, c, y, x)];
        c -= s.c;
    }
    return NAN;
}

static double element(const ss_graph *g, const ss_node *n, double *const *values, int32_t c, int32_t y, int32_t x) {
    ss_shape s = ss_graph_in_shape(g, n);
    const double *in = values[n->in[0]];
    tap t = { n, s, in, c, y * n->win.sh - n->win.pt, x * n->win.sw - n->win.pl };
    switch (n->op) {
    case SS_OP_CONV: return conv_at(t, c);
    case SS_OP_BATCHNORM:
        return in[at(s, c, y, x)] * (double)n->weights[c] + (n->bias ? (double)n->bias[c] : 0);
    case SS_OP_RELU: return in[at(s, c, y, x)];
    case SS_OP_MAXPOOL:
    case SS_OP_AVGPOOL: return pool_at(&t);
    case SS_OP_ADD: return in[at(s, c, y, x)] + values[n->in[1]][at(s, c, y, x)];
    case SS_OP_CONCAT: return concat_at(g, n, values, c, y, x);
    case SS_OP_SLICE: return in[at(s, c, n->win.pt + y * n->win.sh, n->win.pl + x * n->win.sw)];
    case SS_OP_CHANPAD:
        return c < n->pad_before || c >= n->pad_before + s.c ? 0 : in[at(s, c - n->pad_before, y, x)];
    case SS_OP_FLATTEN: return in[c]; /* channel-major already */
    case SS_OP_INPUT:
    case SS_OP_COUNT:
    default: return NAN;
    }
}

static void eval_node(const ss_graph *g, const ss_node *n, double *const *values, double *out) {
    for (int32_t c = 0; c < n->shape.c; c++)
        for (int32_t y = 0; y < n->shape.h; y++)
            for (int32_t x = 0; x < n->shape.w; x++) {
                double v = element(g, n, values, c, y, x);
                out[at(n->shape, c, y, x)] = n->act.on ? activate(&n->act, c, v) : v;
            }
}

double *util_eval(const ss_graph *g, const float *image) {
    double **values = calloc((size_t)g->n, sizeof *values), *result = NULL;
    bool ok = values != NULL;
    for (int32_t i = 0; ok && i < g->n; i++) {
        int64_t size = ss_shape_size(g->nodes[i].shape);
        values[i] = malloc((size_t)size * sizeof **values);
        ok = values[i] != NULL;
        if (ok && i > 0) eval_node(g, &g->nodes[i], values, values[i]);
        for (int64_t p = 0; ok && i == 0 && p < size; p++) values[0][p] = (double)image[p];
    }
    if (ok) {
        result = values[g->output];
        values[g->output] = NULL;
    }
    for (int32_t i = 0; values && i < g->n; i++) free(values[i]);
    free(values);
    return result;
}
