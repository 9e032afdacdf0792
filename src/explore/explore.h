/* explore: the design space exploration. For a target interval each node takes configurations that meet it; one
 * partition is a search over the interval plus a choice among Pareto-optimal configurations under a vector budget;
 * partitioning is a dynamic program over cut points. Optimal, or with a proven gap; deterministic. */
#ifndef SS_EXPLORE_H
#define SS_EXPLORE_H

#include "cost/cost.h"

typedef struct ss_partition {
    int32_t first, last;   /* graph nodes, inclusive; the INPUT node belongs to the first partition */
    ss_config *configs;    /* [last - first + 1] */
    double interval;       /* cycles an image: the slowest node (or off-chip bandwidth) */
    double bound;          /* proven: no design of this partition on this device has a smaller interval */
    int32_t slowest;       /* node */
    double latency;        /* cycles, single image */
    int64_t load_bits;
    ss_resources res;
    ss_res binding;        /* the resource that keeps the interval from shrinking */
} ss_partition;

typedef struct ss_design {
    ss_ctx *ctx;
    ss_arena *arena;
    uint64_t model;
    char model_name[128];
    int bits;
    int64_t batch;
    ss_device device;
    char profile_name[256];
    double assumed_zeros;  /* < 0 when measured */
    ss_partition *partitions;
    int32_t n_partitions;
    double throughput;       /* images/s at the batch, fill and reconfiguration included */
    double throughput_steady; /* clock / interval of the slowest partition, one partition; else batch-less harmonic sum */
    double bound;            /* images/s that no design in this space can exceed, at this batch */
    double gap;              /* bound / throughput - 1 */
    double latency_us;
    double seconds;          /* spent exploring */
} ss_design;

typedef struct ss_explore_opts {
    int64_t batch;          /* >= 1; 256 by default */
    double target_gap;      /* stop when proven within it; 0.02 by default */
    int32_t max_partitions; /* 0: any */
} ss_explore_opts;

ss_status ss_explore(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, const ss_profile *p, const ss_device *dev,
                     ss_explore_opts opts, ss_design **out);
void ss_design_free(ss_design *d);
ss_status ss_design_save(const ss_design *d, const ss_graph *g, const char *path);
/* Checks the model, every folding, and that stored figures follow from them. */
ss_status ss_design_load(ss_ctx *ctx, const ss_graph *g, const char *path, ss_design **out);
/* The same hardware (foldings, engines, memories, lanes) fed with another profile: intervals, slowest nodes, latency and
 * throughput anew; resources stay. */
ss_status ss_estimate(ss_ctx *ctx, const ss_design *d, const ss_graph *g, const ss_profile *p, ss_design **out);

#endif
