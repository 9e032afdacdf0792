/* See util_profile.h. Weights are drawn so that about half of a convolution's outputs are negative. */
#include "util_profile.h"

#include <math.h>

static ss_act act(const char *relu) {
    return (ss_act){ .on = relu != NULL, .name = relu, .ceiling = INFINITY };
}

static int32_t out_size(int32_t in, int32_t kernel, int32_t stride, int32_t before, int32_t after) {
    return (in + before + after - kernel) / stride + 1;
}

static ss_shape windowed(ss_shape in, ss_window w) {
    return (ss_shape){ in.c, out_size(in.h, w.kh, w.sh, w.pt, w.pb), out_size(in.w, w.kw, w.sw, w.pl, w.pr) };
}

int32_t util_conv(ss_graph *g, util_rng *r, const char *name, int32_t in, int32_t filters, int32_t groups,
                  ss_window win, const char *relu) {
    ss_shape s = windowed(g->nodes[in].shape, win);
    int32_t fan_in = s.c / groups * win.kh * win.kw;
    s.c = filters;
    size_t count = (size_t)filters * (size_t)fan_in;
    float *weights = ss_arena_alloc(g->arena, count, sizeof *weights);
    float *bias = ss_arena_alloc(g->arena, (size_t)filters, sizeof *bias);
    for (size_t i = 0; i < count; i++) weights[i] = util_rng_float(r, -1, 1) * sqrtf(6.0f / (float)fan_in);
    for (int32_t f = 0; f < filters; f++) bias[f] = util_rng_float(r, -0.1f, 0.1f);
    ss_node n = { .op = SS_OP_CONV,
                  .name = name,
                  .onnx_op = "Conv",
                  .n_in = 1,
                  .in = { in },
                  .shape = s,
                  .win = win,
                  .groups = groups,
                  .weights = weights,
                  .bias = bias,
                  .act = act(relu) };
    return g->output = ss_graph_add(g, &n);
}

int32_t util_pool(ss_graph *g, const char *name, ss_op op, int32_t in, ss_window win) {
    ss_node n = { .op = op,
                  .name = name,
                  .onnx_op = "Pool",
                  .n_in = 1,
                  .in = { in },
                  .shape = windowed(g->nodes[in].shape, win),
                  .win = win,
                  .groups = 1 };
    return g->output = ss_graph_add(g, &n);
}

int32_t util_join(ss_graph *g, const char *name, ss_op op, int32_t a, int32_t b, const char *relu) {
    ss_shape s = g->nodes[a].shape;
    if (op == SS_OP_CONCAT) s.c += g->nodes[b].shape.c;
    ss_node n = { .op = op,
                  .name = name,
                  .onnx_op = op == SS_OP_ADD ? "Add" : "Concat",
                  .n_in = 2,
                  .in = { a, b },
                  .shape = s,
                  .groups = 1,
                  .act = act(relu) };
    return g->output = ss_graph_add(g, &n);
}

ss_norm util_norm(int32_t channels) {
    ss_norm norm = { .channels = channels };
    for (int32_t c = 0; c < channels; c++) {
        norm.mean[c] = 0.4f;
        norm.std[c] = 0.3f;
    }
    return norm;
}
