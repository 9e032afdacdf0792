/* node: what cost/ knows of each node of the graph, precomputed once; for cost/ only.
 *
 * A configuration's cost has two parts. What follows from the folding (engine cycles, window, engines, memories) is
 * in `fixed`, sorted by cycles. What follows from the interval (lanes of the streams) is added on demand. */
#ifndef SS_COST_NODE_H
#define SS_COST_NODE_H

#include "cost/parts.h"

typedef struct ss_cost_node {
    const ss_node *node;
    int64_t in_elems[SS_MAX_INPUTS], out_elems;
    int32_t in_c[SS_MAX_INPUTS];
    int32_t n_in;            /* INPUT counts as reading its own tensor */
    int64_t readers;
    bool nonnegative;        /* no element of the output is below 0 */
    ss_tuning tuning;
    double lag;              /* longest path from the network's input, in images (see set_lag) */
    double behind;           /* and the most cycles, above that, for a pixel in its nodes */
    /* CONV: */
    int64_t c, f, groups, cg, fg, k; /* channels, filters, groups, channels and filters a group, kernel positions */
    int acc_bits;            /* of the filters' sums, but for their biases (see accumulator_bits) */
    int64_t *ci;             /* divisors of cg, [n_ci] */
    int n_ci;
    const int32_t *parts;    /* [n_parts]: parts of the kernel that the profile knows */
    int n_parts;
    const ss_list_stats *lists; /* [n_parts][n_ci], an image; NULL: no profile */
    double nonzero_macs;     /* an image; 0: no profile */
    const double *expect;    /* [n_ci][k]: cycles an image of all steps, one filter; NULL: no profile */
    /* every node: */
    ss_config *fixed;        /* ascending cycles; no CONV: one, without an engine */
    int n_fixed;
    int32_t *useful, *kind;  /* [n_useful]: indices into fixed, ascending, and into kinds (configs.c) */
    int32_t *kinds;          /* [n_kinds]: of each a folding, index into fixed */
    int32_t n_useful, n_kinds;
    double *steps;           /* distinct cycle counts, ascending */
    int n_steps;
} ss_cost_node;

struct ss_cost {
    ss_ctx *ctx;
    ss_arena *arena;
    const ss_graph *g;
    const ss_profile *p;     /* looked at in ss_cost_new only; afterwards: is there one? */
    ss_device device;        /* a copy */
    const ss_device *dev;    /* &device */
    ss_cost_opts opts;
    ss_cost_node *nodes; /* [g->n] */
    ss_tuning *tuning;   /* [g->n], or NULL */
};

/* Bits of a finished sum after the requantiser's `pre` shift (quant.h). */
static inline int ss_result_bits(const ss_cost_node *n) { return n->acc_bits < 27 ? n->acc_bits : 27; }

typedef struct ss_streams {
    int32_t lanes[SS_MAX_INPUTS], out;
    double cycles; /* what the streams alone take */
} ss_streams;

/* The fewest lanes on every stream of the node that meet the interval. */
ss_streams ss_node_streams(const ss_cost_node *n, double interval);

/* Filters whose results a CONV's engines hand out together. */
static inline int64_t ss_result_lanes(const ss_config *cfg) {
    return cfg->engine == SS_ENGINE_BROADCAST ? cfg->sums : (int64_t)cfg->gr * cfg->co;
}

/* ---- configs.c ---- */

/* useful, kind and kinds of a node with foldings. */
ss_status ss_node_useful(ss_cost *c, ss_cost_node *n);
/* Add to a folding's cycles and resources what streams sized for the interval need. */
void ss_node_complete(const ss_cost *c, const ss_cost_node *n, double interval, ss_config *cfg);

/* ---- fold.c: CONV ---- */

/* Cycles of the engine and its window, whatever the streams do. */
double ss_fold_cycles(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg);
/* The same of a sparse engine without any work: elements come in, results go out, a window takes a cycle. */
double ss_fold_least_cycles(const ss_cost_node *n, const ss_config *cfg);
/* All that does not depend on the interval. */
ss_resources ss_fold_resources(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg);
/* All legal configurations, up to the device's multipliers: into out when it is not NULL; returns their number. */
int64_t ss_fold_enumerate(const ss_cost *c, const ss_cost_node *n, ss_config *out);
/* Of the weights as the load stream carries them: every row of a memory in whole words of 64 bits. */
int64_t ss_fold_load_bits(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg);
ss_mem ss_fold_rom_style(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg);
/* Reports each illegal field with its legal values. */
ss_status ss_fold_check(ss_ctx *ctx, const ss_cost *c, const ss_cost_node *n, const ss_config *cfg);

/* ---- broadcast.c: CONV with a broadcast engine ---- */

#define SS_RING_IN_LUTS 128    /* entries; longer list memories are block RAM (ss_replay) */
#define SS_BROADCAST_MOST 4096 /* of queue, lists and results */

typedef struct ss_broadcast {
    int64_t streams, steps, folds, passes, beats; /* as docs/hardware.md calls them */
    int64_t positions, rows;                      /* of a word, of a list: most elements of a stream */
    bool packed;                                  /* two filters share a DSP */
} ss_broadcast;

ss_broadcast ss_broadcast_of(const ss_cost_node *n, const ss_config *cfg, int bits);
/* Streams and join; neither window nor weights. */
ss_resources ss_broadcast_resources(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg);
/* Of streams and lists; the window may need more. */
double ss_broadcast_cycles(const ss_cost_node *n, const ss_config *cfg);
/* The same without any work: words come in, are listed, and go out again. */
double ss_broadcast_least(const ss_cost_node *n, const ss_config *cfg);
/* What a list takes to be made, for the first fold of a pixel waits for it: from cfg->cycles, so that a stored design says the
 * same without its profile. */
double ss_broadcast_list_cycles(const ss_cost_node *n, const ss_config *cfg);
/* SUMS, QUEUE, LISTS and RESULTS of a folding: as few sums at a time as keep up, buffers as deep as costs nothing. */
void ss_broadcast_size(const ss_cost_node *n, int bits, ss_config *cfg);
ss_status ss_broadcast_check(ss_ctx *ctx, const ss_cost *c, const ss_cost_node *n, const ss_config *cfg, ss_where at);

/* ---- streams.c: everything that depends on the interval ---- */

/* Elements at input k with which no fork stops for ever, whatever the lanes. */
int64_t ss_safe_room(const ss_cost *c, const ss_cost_node *n, int32_t k);

/* CONV: what lanes add to the folding's resources, which depends on cfg through ss_window_lanes and ss_result_lanes alone; other
 * nodes: everything. */
ss_resources ss_stream_resources(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg, const ss_streams *s);

#endif
