/* Test helpers of the cost model: a network with its profile of assumed zeros and its costs on a U250. */
#ifndef UTIL_COST_H
#define UTIL_COST_H

#include "cost/parts.h"
#include "util_graph.h"

typedef struct util_cost {
    ss_ctx *ctx;
    ss_graph *g;
    ss_profile *p;
    ss_device dev;
    ss_cost *c;
} util_cost;

/* Steals g. zeros < 0: no profile. A test that cannot have it fails. */
util_cost util_cost_new(ss_ctx *ctx, ss_graph *g, double zeros, int bits, unsigned engines);
void util_cost_free(util_cost *b);
/* Of one convolution. */
util_cost util_cost_one(int32_t c, int32_t h, int32_t w, util_conv_spec s, double zeros);
ss_config util_cost_folding(ss_engine_kind e, int32_t ci, int32_t co, int32_t m, ss_mem memory);
/* With all lanes, so that streams do not hold the engine up. */
double util_cost_cycles(const util_cost *b, int32_t node, ss_config cfg);

#endif
