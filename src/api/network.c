/* The library's public face: one handle that carries a network through import, arithmetic, profile and design.
 *
 * Method: ss_network owns the graph and, once prepared, the calibration, the integers and the engine; every call
 * checks what it needs and hands on to its stage.
 * Invariant: quant and engine are either both from the last successful prepare, or absent. */
#include "explore/explore.h"
#include "onnx/onnx.h"

#include <math.h>

struct ss_network {
    ss_graph *g;
    ss_norm norm;
    bool has_norm;
    ss_quant *q; /* NULL: float, or not prepared */
    ss_engine *e;
};

/* ---- the network ---- */

ss_status ss_network_open(ss_ctx *ctx, const char *onnx_path, ss_network **out) {
    *out = NULL;
    ss_network *n = ss_alloc(ctx, 1, sizeof *n);
    if (!n) return SS_BAD;
    if (ss_model_load(ctx, onnx_path, &n->g) != SS_OK) {
        ss_free(ctx, n);
        return SS_BAD;
    }
    *out = n;
    return SS_OK;
}

static void forget_arithmetic(ss_network *n) {
    ss_engine_free(n->e);
    ss_quant_free(n->q);
    n->e = NULL;
    n->q = NULL;
}

void ss_network_free(ss_network *n) {
    if (!n) return;
    ss_ctx *ctx = n->g->ctx;
    forget_arithmetic(n);
    ss_graph_free(n->g);
    ss_free(ctx, n);
}

static ss_shape input_shape(const ss_network *n) { return n->g->nodes[0].shape; }
static int classes(const ss_network *n) { return (int)ss_shape_size(n->g->nodes[n->g->output].shape); }

void ss_network_get_info(const ss_network *n, ss_network_info *info) {
    ss_shape in = input_shape(n);
    *info = (ss_network_info){ .channels = in.c, .height = in.h, .width = in.w, .classes = classes(n),
                               .nodes = n->g->n, .id = ss_graph_hash(n->g) };
    for (int32_t i = 0; i < n->g->n; i++) {
        info->macs += ss_node_macs(n->g, &n->g->nodes[i]);
        info->weights += ss_node_weight_count(n->g, &n->g->nodes[i]);
        info->relus += n->g->nodes[i].act.on;
    }
}

ss_status ss_network_set_norm(ss_ctx *ctx, ss_network *n, const float *mean, const float *std) {
    ss_norm norm = { .channels = input_shape(n).c };
    if (norm.channels > (int32_t)(sizeof norm.mean / sizeof norm.mean[0]))
        return ss_error(ctx, SS_AT(n->g->name), "use a network of at most 4 input channels",
                        "images of %d channels cannot be normalised", norm.channels);
    for (int32_t c = 0; c < norm.channels; c++) {
        if (!isfinite(mean[c]) || !isfinite(std[c]) || !(std[c] > 0))
            return ss_error(ctx, SS_AT(n->g->name), "give finite means and positive deviations",
                            "channel %d has mean %g and standard deviation %g", c, (double)mean[c], (double)std[c]);
        norm.mean[c] = mean[c];
        norm.std[c] = std[c];
    }
    n->norm = norm;
    n->has_norm = true;
    return SS_OK;
}

static ss_status need_norm(ss_ctx *ctx, ss_network *n) {
    if (n->has_norm) return SS_OK;
    if (ss_norm_load(ctx, n->g->name, NULL, NULL, input_shape(n).c, &n->norm) != SS_OK) return SS_BAD;
    n->has_norm = true;
    return SS_OK;
}

static ss_status need_engine(ss_ctx *ctx, const ss_network *n, bool integers) {
    if (n->e && (n->q || !integers)) return SS_OK;
    return ss_error(ctx, SS_AT(n->g->name),
                    integers ? "call ss_network_prepare with 8 or 16 bits first" : "call ss_network_prepare first",
                    "the network's arithmetic is not fixed yet");
}

/* ---- images ---- */

ss_status ss_images_open(ss_ctx *ctx, const ss_network *n, const char *path, int64_t limit, ss_dataset **out) {
    return ss_dataset_load(ctx, path, input_shape(n), classes(n), limit, out);
}

void ss_images_free(ss_dataset *images) { ss_dataset_free(images); }
int64_t ss_images_count(const ss_dataset *images) { return images->n; }
int ss_images_label(const ss_dataset *images, int64_t i) { return images->labels[i]; }

/* ---- arithmetic ---- */

static ss_status quantise(ss_ctx *ctx, ss_network *n, int bits, const ss_dataset *calibration) {
    ss_calib *calib = NULL;
    ss_status s = ss_calibrate(ctx, n->g, calibration, &n->norm, &calib);
    if (s == SS_OK) s = ss_quantise(ctx, n->g, calib, bits, &n->q);
    ss_calib_free(calib);
    return s;
}

ss_status ss_network_prepare(ss_ctx *ctx, ss_network *n, int bits, const ss_dataset *calibration) {
    if (bits != 0 && bits != 8 && bits != 16)
        return ss_error(ctx, SS_AT(n->g->name), "choose 0 (float), 8 or 16", "%d bits are not supported", bits);
    if (bits && !calibration)
        return ss_error(ctx, SS_AT(n->g->name), "give some images", "integers need images to take their ranges from");
    if (need_norm(ctx, n) != SS_OK) return SS_BAD;
    forget_arithmetic(n);
    ss_status s = bits ? quantise(ctx, n, bits, calibration) : SS_OK;
    if (s == SS_OK) s = ss_engine_new(ctx, n->g, n->q, SS_ISA_AUTO, &n->e);
    if (s != SS_OK) forget_arithmetic(n);
    return s;
}

ss_status ss_network_predict(ss_ctx *ctx, ss_network *n, const ss_dataset *images, float *scores) {
    if (need_engine(ctx, n, false) != SS_OK) return SS_BAD;
    return ss_engine_run(ctx, n->e, images, &n->norm, NULL, scores);
}

ss_status ss_network_set_threshold(ss_ctx *ctx, ss_network *n, const char *relu, float t) {
    if (!(t >= 0) || !isfinite(t))
        return ss_error(ctx, SS_AT(relu ? relu : n->g->name), "give a number >= 0", "%g is no threshold", (double)t);
    int32_t node = relu ? ss_graph_find_act(n->g, relu) : -1;
    if (relu && node < 0)
        return ss_error(ctx, SS_AT(relu), "see `skipstream check` for the names", "the network has no such ReLU");
    if (relu) ss_act_set_threshold(&n->g->nodes[node].act, t);
    else ss_thresholds_uniform(n->g, t);
    return n->q ? ss_quant_set_thresholds(n->q, n->g) : SS_OK;
}

/* ---- profile and design ---- */

ss_status ss_network_profile(ss_ctx *ctx, ss_network *n, const ss_dataset *images, ss_profile **out) {
    *out = NULL;
    if (need_engine(ctx, n, true) != SS_OK) return SS_BAD;
    return ss_profile_measure(ctx, n->g, n->e, n->q, images, &n->norm, NULL, out);
}

ss_status ss_network_assume(ss_ctx *ctx, const ss_network *n, double zeros, int bits, ss_profile **out) {
    return ss_profile_assume(ctx, n->g, zeros, bits, out);
}

static ss_status need_profile(ss_ctx *ctx, const ss_network *n, const ss_profile *p) {
    if (p) return SS_OK;
    return ss_error(ctx, SS_AT(n->g->name), "make one with ss_network_profile, or ss_network_assume with 0 for no zeros",
                    "no profile says how many zeros there are");
}

ss_status ss_network_explore(ss_ctx *ctx, const ss_network *n, const ss_profile *p, const char *device, int64_t batch,
                             ss_design **out) {
    *out = NULL;
    ss_device dev;
    if (batch < 1)
        return ss_error(ctx, SS_AT(n->g->name), "give a batch of 1 or more", "a batch of %lld images", (long long)batch);
    if (need_profile(ctx, n, p) != SS_OK) return SS_BAD;
    if (ss_device_load(ctx, device, &dev) != SS_OK) return SS_BAD;
    ss_cost_opts cost = { .bits = p->bits, .engines = SS_ENGINES_ALL };
    ss_explore_opts opts = { .batch = batch, .target_gap = SS_EXPLORE_GAP };
    return ss_explore_graph(ctx, n->g, p, &dev, cost, opts, out);
}

ss_status ss_network_estimate(ss_ctx *ctx, const ss_network *n, const ss_design *d, const ss_profile *p,
                              ss_design **out) {
    *out = NULL;
    if (need_profile(ctx, n, p) != SS_OK) return SS_BAD;
    return ss_estimate(ctx, d, n->g, p, out);
}

ss_status ss_network_save_design(const ss_network *n, const ss_design *d, const char *path) {
    return ss_design_save(d, n->g, path);
}

void ss_design_get_info(const ss_design *d, ss_design_info *info) {
    const ss_resources most = ss_design_peak(d);
    *info = (ss_design_info){ .partitions = d->n_partitions, .interval = ss_design_interval(d),
                              .throughput = d->throughput, .throughput_steady = d->throughput_steady,
                              .bound = d->bound, .gap = d->gap, .latency_us = d->latency_us,
                              .lut = most.r[SS_LUT], .ff = most.r[SS_FF], .dsp = most.r[SS_DSP],
                              .bram18 = most.r[SS_BRAM18], .uram = most.r[SS_URAM] };
}
