/* explore: the design space exploration. For a target interval each node takes configurations that meet it;
 * one partition is a search over the interval plus a choice among Pareto-optimal configurations under a
 * vector budget; partitioning is a dynamic program over cut points. Optimal, or with a proven gap;
 * deterministic.
 *
 * Seconds for a batch of B images: sum over partitions of (interval * B + fill) / clock (cost.h), plus, with
 * more than one partition, for each of them the reconfiguration and the loading of its weights. A single
 * partition is configured once and then runs for days: neither counts. Throughput = B / seconds.
 *
 * The artefact "skipstream.design" holds all of ss_design but the time spent on it. Its version is 1, or 2 with corrected
 * biases, which a reader of version 1 would leave out unnoticed. */
#ifndef SS_EXPLORE_H
#define SS_EXPLORE_H

#include "base/json.h"
#include "cost/cost.h"

#define SS_DESIGN_VERSION 2

/* What a design is best at. */
typedef enum ss_objective {
    SS_OBJECTIVE_THROUGHPUT, /* of a batch */
    SS_OBJECTIVE_LATENCY,    /* of one image, in one partition where that fits */
    SS_OBJECTIVES
} ss_objective;
extern const char *const ss_objective_names[SS_OBJECTIVES]; /* "throughput", "latency" */

typedef struct ss_partition {
    int32_t first, last; /* graph nodes, inclusive; the INPUT node belongs to the first partition */
    ss_config *configs;  /* [last - first + 1] */
    double target;       /* the interval that streams were sized for; interval <= target when explored for throughput */
    double interval;     /* cycles an image: the slowest node (or off-chip bandwidth) */
    double bound;        /* proven: no design of this partition on this device has a smaller interval */
    int32_t slowest;     /* node */
    double latency;      /* cycles, single image */
    int64_t load_bits;
    ss_resources res;
    ss_res binding; /* the resource that keeps the interval from shrinking; SS_RES_COUNT: none, its nodes are
                     * as fast as they can be, or off-chip bandwidth limits them */
} ss_partition;

typedef struct ss_design_threshold {
    const char *relu;
    double threshold;
} ss_design_threshold;

typedef struct ss_design {
    ss_ctx *ctx;
    ss_arena *arena;
    uint64_t model;
    char model_name[128];
    char model_path[1024]; /* as the user gave it; "" when unknown */
    int bits;
    int64_t batch;
    ss_objective objective;
    ss_device device;
    char profile_name[256];
    double assumed_zeros;            /* < 0 when measured */
    ss_design_threshold *thresholds; /* in force in the profile */
    int32_t n_thresholds;
    ss_shifts shifts; /* of biases, in force in the profile */
    ss_orders orders; /* of channels, as they stand in the hardware: those of the profile */
    ss_partition *partitions;
    int32_t n_partitions;
    ss_tuning *tuning;        /* [g->n]; NULL: none */
    double throughput;        /* images/s at the batch, fill and reconfiguration included */
    double throughput_steady; /* clock / sum of the partitions' intervals: an endless batch */
    double bound;             /* images/s that no design in this space can exceed, at this batch */
    double gap;               /* bound / throughput - 1 */
    double latency_us;        /* one image through all partitions, reconfiguration not included */
    double nonzero_macs;      /* multiplications an image whose activation is not zero; 0: no profile */
    double seconds;           /* spent exploring; not in the artefact */
} ss_design;

/* What commands take unless told otherwise. */
#define SS_EXPLORE_BATCH 256
#define SS_EXPLORE_GAP 0.02

typedef struct ss_explore_opts {
    ss_objective objective;
    double min_throughput;  /* latency: images/s in steady operation that the design must reach; 0: none */
    int64_t batch;          /* >= 1 */
    double target_gap;      /* >= 0; stop when the design is proven within it */
    int32_t max_partitions; /* 0: any */
    int bits;               /* those of the cost model; 0: those of the profile */
} ss_explore_opts;

/* The best design of g on dev. For latency: that of least latency found (quickest.h), no more than that of the fastest
 * design; its bound and gap are those of throughput. c is the cost model of g, p and dev. p NULL: c has no profile either, and the design
 * has dense engines only and says "dense" where others name their profile; opts.bits must be given then. A network
 * that no partitioning brings onto the device: an error for every block that does not fit, with the resource that it
 * lacks. */
ss_status ss_explore(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, const ss_profile *p,
                     const ss_device *dev, ss_explore_opts opts, ss_design **out);
/* The same, with a cost model made for it; opts.bits are the cost model's. */
ss_status ss_explore_graph(ss_ctx *ctx, const ss_graph *g, const ss_profile *p, const ss_device *dev,
                           ss_cost_opts cost, ss_explore_opts opts, ss_design **out);
/* Does every partition lie within the device's resources, caps applied? Not what FIFOs sized by simulation add. */
bool ss_design_fits(const ss_design *d);
/* d's tuning becomes a copy of t, which may be NULL. */
ss_status ss_design_set_tuning(ss_design *d, const ss_graph *g, const ss_tuning *t);
void ss_design_free(ss_design *d);
/* Of all that the convolutions' multipliers could do in an interval, the share that was needed: nonzero_macs over the sum of
 * multipliers times interval of the partitions. 0: no profile. */
double ss_design_skip_efficiency(const ss_design *d);
double ss_design_interval(const ss_design *d);   /* cycles an image, summed over the partitions */
ss_resources ss_design_peak(const ss_design *d); /* of each resource, the most that one partition uses */
ss_status ss_design_save(const ss_design *d, const ss_graph *g, const char *path);
/* The same object as in the file: a new reference, or NULL when out of memory. */
json_t *ss_design_json(const ss_design *d, const ss_graph *g);
/* Checks the model, every folding, and that stored figures follow from them. */
ss_status ss_design_load(ss_ctx *ctx, const ss_graph *g, const char *path, ss_design **out);
/* Where the design says its model is: ss_free it. For callers that do not have the graph yet. */
ss_status ss_design_model_path(ss_ctx *ctx, const char *path, char **model);
const char *ss_binding_name(ss_res binding); /* "lut".."uram", or "none" */
/* An error where g's channels stand in another order than the design's: deal g by d->orders first. */
ss_status ss_design_check_orders(ss_ctx *ctx, const ss_design *d, const ss_graph *g);
/* Is the profile of the network that the design is of: the same thresholds and corrected biases? */
bool ss_design_fits_profile(const ss_design *d, const ss_profile *p);
/* A profile for ss_estimate: what the design's engines wait for on all of these images. */
ss_status ss_design_profile(ss_ctx *ctx, const ss_design *d, const ss_graph *g, ss_engine *e, const ss_quant *q,
                            const ss_dataset *images, const ss_norm *norm, ss_profile **out);
/* The same hardware (foldings, engines, memories, lanes) fed with another profile: intervals, slowest nodes,
 * latency and throughput anew; resources stay. The profile's channels must stand in the design's order where an engine
 * skips zeros. p NULL: for designs of dense engines only, others are refused. */
ss_status ss_estimate(ss_ctx *ctx, const ss_design *d, const ss_graph *g, const ss_profile *p,
                      ss_design **out);

#endif
