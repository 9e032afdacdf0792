/* figures: what follows from a choice of configurations. One place for exploring, estimating and checking a
 * file. */
#ifndef SS_FIGURES_H
#define SS_FIGURES_H

#include "explore/explore.h"

/* From d's first, last and configs (cycles and resources filled in): interval, slowest, latency, load_bits,
 * res. */
ss_status ss_partition_figures(const ss_cost *c, const ss_device *dev, ss_partition *d);
/* Seconds of a batch through one partition of that interval and latency, cycles. */
double ss_partition_seconds(const ss_cost *c, const ss_partition *d, int64_t batch, bool reconfigure);
/* From the partitions: throughput, throughput_steady, latency_us; gap from throughput and bound. */
void ss_design_figures(const ss_cost *c, ss_design *d);
/* An empty design with its header filled in; NULL: out of memory. profile may be NULL. */
ss_design *ss_design_new(ss_ctx *ctx, const ss_graph *g, const ss_profile *p, const ss_device *dev, int bits,
                         int64_t batch, int32_t n_partitions);

#endif
