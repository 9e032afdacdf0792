/* Lowering: layers with weights. Conv, Gemm and MatMul become CONV, BatchNormalization becomes BATCHNORM.
 *
 * Gemm and MatMul are a 1x1 CONV on a K x 1 x 1 map; the graph passes merge a FLATTEN in front of it into the
 * kernel. Weights stay where they were decoded; only transposed or scaled ones are copied. */
#include "onnx/import.h"

#include <math.h>

/* Input k as `n` float constants (shape 1-D or with leading ones); NULL: reported. */
static const float *vector(ss_site *s, int k, const char *what, int64_t n) {
    const ss_tensor *t = ss_site_const(s, k);
    if (!t) {
        ss_refuse(s, "export with constant weights", "the %s is computed at run time", what);
        return NULL;
    }
    if (t->is_float && t->n == n && t->rank >= 1 && t->dims[t->rank - 1] == n) return t->f;
    ss_invalid(s, "the %s must be %lld floats", what, (long long)n);
    return NULL;
}

static const ss_tensor *weights_of(ss_site *s, int rank, const char *cure) {
    const ss_tensor *w = ss_site_const(s, 1);
    if (!w) {
        ss_refuse(s, "export with constant weights", "its weights are computed at run time");
        return NULL;
    }
    if (w->rank != rank) {
        ss_refuse(s, cure, "weights of %d dimensions; %d are supported", w->rank, rank);
        return NULL;
    }
    bool sane = w->is_float;
    for (int d = 0; d < rank; d++) sane &= w->dims[d] >= 1 && w->dims[d] <= SS_MAX_DIM;
    if (sane) return w;
    ss_invalid(s, "the weights are not floats in sensible dimensions");
    return NULL;
}

bool ss_lower_conv(ss_site *s) {
    ss_value *x = ss_site_act(s, 0);
    const ss_tensor *w = weights_of(s, 4, "use 2-D convolutions (reshape the signal to N x C x L x 1)");
    const int64_t *kernel;
    int64_t groups;
    int n;
    int32_t extra[2];
    if (!w) return false;
    if (!x || x->rank != 4) return ss_invalid(s, "its input is not N x C x H x W");
    ss_shape in = ss_act_shape(s, x);
    if (!ss_attr_int(s, "group", 1, &groups) || !ss_attr_ints(s, "kernel_shape", &kernel, &n)) return false;
    if (n >= 0 && (n != 2 || kernel[0] != w->dims[2] || kernel[1] != w->dims[3]))
        return ss_invalid(s, "kernel_shape is not that of the weights");
    if (groups < 1 || groups > in.c || w->dims[1] * groups != in.c || w->dims[0] % groups != 0)
        return ss_invalid(s, "%lld x %lld weights in %lld groups do not fit %d channels",
                          (long long)w->dims[0], (long long)w->dims[1], (long long)groups, in.c);
    ss_node c = { .op = SS_OP_CONV,
                  .n_in = 1,
                  .in = { x->node },
                  .groups = (int32_t)groups,
                  .weights = w->f,
                  .shape.c = (int32_t)w->dims[0],
                  .win.kh = (int32_t)w->dims[2],
                  .win.kw = (int32_t)w->dims[3] };
    if (!ss_site_window(s, x, &c.win, extra)) return false;
    if (ss_site_has(s, 2) && !(c.bias = vector(s, 2, "bias", w->dims[0]))) return false;
    return ss_site_emit(s, &c, NULL);
}

/* ---- fully connected ---- */

/* Emit y = scale * W x + bias, W [k][m] (or [m][k] when transposed). */
static bool emit_dense(ss_site *s, const ss_value *x, const ss_tensor *w, bool transposed, float scale,
                       const float *bias) {
    int64_t k = w->dims[transposed ? 1 : 0], m = w->dims[transposed ? 0 : 1];
    if (x->rank != 2)
        return ss_refuse(s, "flatten the map to [N, C*H*W] first", "its input has %d dimensions", x->rank);
    if (x->dims[1] != k)
        return ss_invalid(s, "weights for %lld inputs on %lld", (long long)k, (long long)x->dims[1]);
    const float *weights = w->f;
    if (!transposed || scale != 1) {
        float *copy = ss_arena_alloc(s->im->g->arena, (size_t)w->n, sizeof *copy);
        if (!copy) return false;
        for (int64_t f = 0; f < m; f++)
            for (int64_t j = 0; j < k; j++)
                copy[f * k + j] = scale * w->f[transposed ? f * k + j : j * m + f];
        weights = copy;
    }
    ss_node c = { .op = SS_OP_CONV,
                  .n_in = 1,
                  .in = { x->node },
                  .groups = 1,
                  .fc = true,
                  .weights = weights,
                  .bias = bias,
                  .shape.c = (int32_t)m,
                  .win = { .kh = 1, .kw = 1, .sh = 1, .sw = 1 } };
    if (!ss_site_emit(s, &c, NULL)) return false;
    s->out.rank = 2;
    return true;
}

/* Gemm's C: a scalar, [m] or [1, m], times beta; *bias stays NULL when there is none. */
static bool gemm_bias(ss_site *s, float beta, int64_t m, const float **bias) {
    *bias = NULL;
    if (!ss_site_has(s, 2) || beta == 0) return true;
    const ss_tensor *t = ss_site_const(s, 2);
    if (!t) return ss_refuse(s, "export with constant weights", "its bias is computed at run time");
    if (!t->is_float || t->rank > 2 || (t->n != 1 && (t->n != m || t->dims[t->rank - 1] != m)))
        return ss_refuse(s, "use one bias per class", "a bias that is not one number per output");
    float *b = ss_arena_alloc(s->im->g->arena, (size_t)m, sizeof *b);
    for (int64_t k = 0; b && k < m; k++) b[k] = beta * t->f[t->n == 1 ? 0 : k];
    *bias = b;
    return b != NULL;
}

bool ss_lower_gemm(ss_site *s) {
    static const char cure[] = "use nn.Linear: activations times constant weights";
    int64_t trans_a, trans_b;
    float alpha, beta;
    const float *bias;
    if (!ss_attr_int(s, "transA", 0, &trans_a) || !ss_attr_int(s, "transB", 0, &trans_b)) return false;
    if (!ss_attr_float(s, "alpha", 1, &alpha) || !ss_attr_float(s, "beta", 1, &beta)) return false;
    const ss_value *x = ss_site_act(s, 0);
    if (!x || trans_a) return ss_refuse(s, cure, "its first operand must be the activations, not transposed");
    const ss_tensor *w = weights_of(s, 2, cure);
    return w && gemm_bias(s, beta, w->dims[trans_b ? 0 : 1], &bias) &&
           emit_dense(s, x, w, trans_b != 0, alpha, bias);
}

bool ss_lower_matmul(ss_site *s) {
    static const char cure[] = "use nn.Linear: activations times constant weights";
    const ss_value *x = ss_site_act(s, 0);
    if (!x) return ss_refuse(s, cure, "its first operand must be the activations");
    const ss_tensor *w = weights_of(s, 2, cure);
    return w && emit_dense(s, x, w, false, 1, NULL);
}

/* ---- batch normalisation, inference form: y = (x - mean) / sqrt(var + eps) * gamma + beta ---- */

bool ss_lower_batchnorm(ss_site *s) {
    const ss_value *x = ss_site_act(s, 0);
    int64_t training, spatial;
    float eps;
    if (!x) return ss_refuse(s, "export with constant weights", "its parameters depend on the image");
    if (!ss_attr_int(s, "training_mode", 0, &training) || !ss_attr_int(s, "spatial", 1, &spatial))
        return false;
    if (!ss_attr_float(s, "epsilon", 1e-5f, &eps)) return false;
    if (training) return ss_refuse(s, "export the network in eval() mode", "it is in training mode");
    if (!spatial) return ss_refuse(s, "normalise per channel", "statistics per pixel");
    int32_t c = ss_act_shape(s, x).c;
    const float *p[4];
    static const char *const what[] = { "scale", "bias", "mean", "variance" };
    for (int k = 0; k < 4; k++)
        if (!(p[k] = vector(s, k + 1, what[k], c))) return false;
    float *scale = ss_arena_alloc(s->im->g->arena, (size_t)c, sizeof *scale);
    float *bias = ss_arena_alloc(s->im->g->arena, (size_t)c, sizeof *bias);
    if (!scale || !bias) return false;
    for (int32_t k = 0; k < c; k++) {
        double a = (double)p[0][k] / sqrt((double)p[3][k] + (double)eps);
        scale[k] = (float)a;
        bias[k] = (float)((double)p[1][k] - a * (double)p[2][k]);
    }
    ss_node n = { .op = SS_OP_BATCHNORM, .n_in = 1, .in = { x->node }, .weights = scale, .bias = bias };
    return ss_site_emit_like(s, &n, x);
}
