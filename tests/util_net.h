/* Test helpers: a network with images, the ranges of its values on them, its integers and its engine: what every test that
 * runs one begins with. */
#ifndef UTIL_NET_H
#define UTIL_NET_H

#include "explore/explore.h"
#include "util_graph.h"

typedef struct util_net {
    ss_ctx *ctx;
    ss_graph *g;
    ss_dataset *d;
    ss_norm norm;
    ss_calib *calib;
    ss_quant *q; /* NULL: float */
    ss_engine *e;
} util_net;

/* Calibrated on so many pseudo-random images; bits 0: float. Takes ctx and g. Open in vain or not, it is closed. What
 * failed is said on stderr. */
ss_status util_net_open(util_net *x, ss_ctx *ctx, ss_graph *g, ss_norm norm, int32_t classes, int64_t images, uint32_t seed,
                        int bits);
void util_net_close(util_net *x);
/* A design in one partition on util_device(scale, true), explored for half zeros. */
ss_status util_net_design(const util_net *x, double scale, ss_design **out);

#endif
