/* See util_net.h. */
#include "util_net.h"

#include "util_explore.h"

ss_status util_net_open(util_net *x, ss_ctx *ctx, ss_graph *g, ss_norm norm, int32_t classes, int64_t images, uint32_t seed,
                        int bits) {
    *x = (util_net){ .ctx = ctx, .g = g, .norm = norm };
    ss_status s = g && (x->d = util_dataset(ctx, g->nodes[0].shape, classes, images, seed)) ? SS_OK : SS_BAD;
    if (s == SS_OK) s = ss_calibrate(ctx, g, x->d, &x->norm, &x->calib);
    if (s == SS_OK && bits) s = ss_quantise(ctx, g, x->calib, bits, &x->q);
    if (s == SS_OK) s = ss_engine_new(ctx, g, x->q, SS_ISA_AUTO, &x->e);
    if (s != SS_OK) util_print_diags(ctx);
    return s;
}

void util_net_close(util_net *x) {
    ss_engine_free(x->e);
    ss_quant_free(x->q);
    ss_calib_free(x->calib);
    ss_dataset_free(x->d);
    ss_graph_free(x->g);
    ss_ctx_free(x->ctx);
    *x = (util_net){ 0 };
}

ss_status util_net_design(const util_net *x, double scale, ss_design **out) {
    const ss_device device = util_device(scale, true);
    const ss_explore_opts o = { .batch = 16, .target_gap = 0.02, .max_partitions = 1 };
    ss_profile *p = NULL;
    *out = NULL;
    ss_status s = ss_profile_assume(x->ctx, x->g, 0.5, x->q->bits, &p);
    if (s == SS_OK) s = ss_explore_graph(x->ctx, x->g, p, &device, (ss_cost_opts){ .bits = x->q->bits }, o, out);
    ss_profile_free(p);
    if (s != SS_OK) util_print_diags(x->ctx);
    return s;
}
