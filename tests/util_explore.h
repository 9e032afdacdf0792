/* Test helpers of the exploration: made-up devices and short networks that can be enumerated. */
#ifndef UTIL_EXPLORE_H
#define UTIL_EXPLORE_H

#include "explore/explore.h"
#include "util_graph.h"

#include <math.h>

/* Room for `scale` times a small network beside the shell; with UltraRAM or without. */
ss_device util_device(double scale, bool uram);
/* Input 2x6x6, 3x3 to 4, 1x1 to 4, global pool, fc to 3: few enough foldings to enumerate. */
ss_graph *util_short_net(ss_ctx *ctx, uint32_t seed);
/* Input 4x8x8, n 3x3 convolutions of growing width with ReLUs, fc: every place between two of them is a cut.
 */
ss_graph *util_straight_net(ss_ctx *ctx, int32_t n, uint32_t seed);

/* A random broadcast engine for a convolution, at most `most` multipliers; what the interval leaves to choose is filled
 * in by the cost model. */
ss_status util_broadcast(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, int32_t node, int bits, double interval,
                         int32_t most, util_rng *r, ss_config *out);

/* A network with its profile of assumed zeros and its cost model on a device. */
typedef struct util_case {
    ss_ctx *ctx;
    ss_graph *g;
    ss_profile *p;
    ss_device dev;
    ss_cost *c;
} util_case;
/* zeros < 0: dense engines only. Takes the graph. False: something failed, said on stderr. */
bool util_case_open(util_case *u, ss_ctx *ctx, ss_graph *g, ss_device dev, double zeros);
void util_case_close(util_case *u);
/* Its design; NULL: none, said on stderr. */
ss_design *util_case_explore(const util_case *u, ss_explore_opts o);
/* An exploration of g, which it takes, with dense engines on util_device(0.3, false): for util_oom_sweep. */
bool util_explore_dense(ss_ctx *ctx, ss_graph *g, ss_explore_opts o);

#endif
