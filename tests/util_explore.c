/* Helpers of the exploration's tests. */
#include "util_explore.h"

#include <stdio.h>
#include <string.h>

ss_device util_device(double scale, bool uram) {
    ss_device d = { .name = "test",
                    .part = "none",
                    .family = "ultrascale+",
                    .slrs = 1,
                    .clock_hz = 100e6,
                    .bandwidth_bits = 100e9,
                    .reconfiguration_s = 1e-4 };
    d.total = (ss_resources){ { 6000 + (int64_t)(scale * 20000), 9000 + (int64_t)(scale * 20000),
                                (int64_t)(scale * 100), 16 + (int64_t)(scale * 30),
                                uram ? (int64_t)(scale * 8) : 0 } };
    for (int k = 0; k < SS_RES_COUNT; k++) d.cap[k] = 1;
    return d;
}

static ss_graph *finish(ss_graph *g, int32_t last) {
    g->output = last;
    if (last >= 0 && ss_passes_run(g, NULL, NULL) == SS_OK) return g;
    ss_graph_free(g);
    return NULL;
}

ss_graph *util_short_net(ss_ctx *ctx, uint32_t seed) {
    util_rng r = { seed };
    ss_graph *g = ss_graph_new(ctx, "short");
    if (!g) return NULL;
    int32_t x = util_add_input(g, 2, 6, 6);
    x = util_add_conv(g, "a", x, (util_conv_spec){ .f = 4, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1 }, &r);
    x = util_add_relu(g, "ra", x, 0, INFINITY);
    x = util_add_conv(g, "b", x, (util_conv_spec){ .f = 4, .kh = 1 }, &r);
    x = util_add_relu(g, "rb", x, 0, INFINITY);
    x = util_add_pool(g, "pool", SS_OP_AVGPOOL, x, 6, 6, 0);
    return finish(g, util_add_conv(g, "fc", x, (util_conv_spec){ .f = 3, .kh = 1, .fc = true }, &r));
}

ss_graph *util_straight_net(ss_ctx *ctx, int32_t n, uint32_t seed) {
    util_rng r = { seed };
    ss_graph *g = ss_graph_new(ctx, "straight");
    if (!g) return NULL;
    int32_t x = util_add_input(g, 4, 8, 8);
    for (int32_t i = 0; i < n; i++) {
        char conv[16], relu[16];
        snprintf(conv, sizeof conv, "conv%d", i);
        snprintf(relu, sizeof relu, "relu%d", i);
        x = util_add_conv(
            g, conv, x, (util_conv_spec){ .f = 8 + 4 * i, .kh = 3, .pt = 1, .pl = 1, .pb = 1, .pr = 1 }, &r);
        x = util_add_relu(g, relu, x, 0, INFINITY);
    }
    x = util_add_pool(g, "pool", SS_OP_AVGPOOL, x, 8, 8, 0);
    return finish(g, util_add_conv(g, "fc", x, (util_conv_spec){ .f = 4, .kh = 1, .fc = true }, &r));
}

bool util_case_open(util_case *u, ss_ctx *ctx, ss_graph *g, ss_device dev, double zeros) {
    *u = (util_case){ .ctx = ctx, .g = g, .dev = dev };
    ss_cost_opts o = { .bits = 16, .engines = SS_ENGINES_ALL };
    bool ok = g && (zeros < 0 || ss_profile_assume(ctx, g, zeros, 16, &u->p) == SS_OK) &&
              ss_cost_new(ctx, g, u->p, &u->dev, o, &u->c) == SS_OK;
    if (ok) return true;
    util_print_diags(ctx);
    util_case_close(u);
    return false;
}

void util_case_close(util_case *u) {
    ss_cost_free(u->c);
    ss_profile_free(u->p);
    ss_graph_free(u->g);
    memset(u, 0, sizeof *u);
}

ss_design *util_case_explore(const util_case *u, ss_explore_opts o) {
    ss_design *d = NULL;
    if (ss_explore(u->ctx, u->c, u->g, u->p, &u->dev, o, &d) != SS_OK) util_print_diags(u->ctx);
    return d;
}

bool util_explore_dense(ss_ctx *ctx, ss_graph *g, ss_explore_opts o) {
    const ss_device dev = util_device(0.3, false);
    const ss_cost_opts engines = { .bits = 16, .engines = 1u << SS_ENGINE_DENSE };
    ss_cost *c = NULL;
    ss_design *d = NULL;
    bool ok = g && ss_cost_new(ctx, g, NULL, &dev, engines, &c) == SS_OK && ss_explore(ctx, c, g, NULL, &dev, o, &d) == SS_OK;
    ss_design_free(d);
    ss_cost_free(c);
    ss_graph_free(g);
    return ok;
}

/* ---- broadcast engines ---- */

static int32_t random_divisor(util_rng *r, int32_t of, int32_t most) {
    int32_t d;
    do d = util_rng_int(r, 1, of < most ? of : most);
    while (of % d != 0);
    return d;
}

/* Filters at a time, whether they divide all or not, and the sums that leave together; with 8 bits two share a DSP. */
static void random_filters(util_rng *r, int32_t filters, int32_t most, int bits, ss_config *cfg) {
    do {
        cfg->co = util_rng_int(r, 1, filters < most ? filters : most);
        cfg->sums = util_rng_int(r, 1, cfg->co);
    } while (cfg->co % cfg->sums != 0 || filters % cfg->sums != 0 || (bits == 8 && cfg->co % 2 == 0 && cfg->sums % 2 != 0));
}

ss_status util_broadcast(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, int32_t node, int bits, double interval,
                         int32_t most, util_rng *r, ss_config *out) {
    const ss_node *n = &g->nodes[node];
    const int32_t k = n->win.kh * n->win.kw, cg = g->nodes[n->in[0]].shape.c / n->groups, fg = n->shape.c / n->groups;
    ss_config cfg = { .engine = SS_ENGINE_BROADCAST, .gr = 1 };
    cfg.ci = random_divisor(r, cg, most / 4 + 1);
    cfg.m = util_rng_int(r, 1, k < most / cfg.ci ? k : most / cfg.ci);
    random_filters(r, fg, most / (cfg.ci * cfg.m), bits, &cfg);
    const int32_t folds = (fg + cfg.co - 1) / cfg.co, least = n->groups * (cg / cfg.ci) * folds * (k / cfg.m);
    cfg.lists = util_rng_int(r, 1, 3);
    cfg.queue = util_rng_int(r, 0, 4);
    cfg.results = util_rng_int(r, 1, 2 * folds + 2);
    cfg.memory = least <= 64 ? SS_MEM_LUT : util_rng_int(r, 0, 1) ? SS_MEM_URAM : SS_MEM_BRAM;
    *out = cfg;
    return ss_cost_eval(ctx, c, node, interval, out);
}
