/* See util_cost.h. */
#include "util_cost.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

util_cost util_cost_new(ss_ctx *ctx, ss_graph *g, double zeros, int bits, unsigned engines) {
    util_cost b = { .ctx = ctx, .g = g };
    bool ok = g && ss_device_load(ctx, "u250", &b.dev) == SS_OK &&
              (zeros < 0 || ss_profile_assume(ctx, g, zeros, bits, &b.p) == SS_OK) &&
              ss_cost_new(ctx, g, b.p, &b.dev, (ss_cost_opts){ .bits = bits, .engines = engines }, &b.c) == SS_OK;
    if (!ok) util_print_diags(ctx);
    assert_true(ok);
    return b;
}

void util_cost_free(util_cost *b) {
    ss_cost_free(b->c);
    ss_profile_free(b->p);
    ss_graph_free(b->g);
    ss_ctx_free(b->ctx);
}

util_cost util_cost_one(int32_t c, int32_t h, int32_t w, util_conv_spec s, double zeros) {
    ss_ctx *ctx = ss_ctx_new();
    return util_cost_new(ctx, util_one_conv(ctx, c, h, w, s, true, 5), zeros, 16, 0);
}

ss_config util_cost_folding(ss_engine_kind e, int32_t ci, int32_t co, int32_t m, ss_mem memory) {
    return (ss_config){ .engine = e, .gr = 1, .ci = ci, .co = co, .m = m, .memory = memory };
}

double util_cost_cycles(const util_cost *b, int32_t node, ss_config cfg) {
    ss_status s = ss_cost_eval(b->ctx, b->c, node, 1, &cfg);
    if (s != SS_OK) util_print_diags(b->ctx);
    assert_int_equal(s, SS_OK);
    return cfg.cycles;
}
