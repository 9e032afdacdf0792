/* space: what the nodes of one network offer on one device, and the smallest interval of a range of nodes.
 *
 * Bands: what a configuration costs depends on the interval only through the lanes of its streams, and these
 * change where a tensor of E elements and C channels just passes with one divisor of C fewer: at the
 * intervals E / d. Between two such points, in a band, costs are constant, so one table per node and band
 * holds all there is to know. Each band has two tables: `exact`, and `least`, in which a configuration costs
 * no more than in this band or in any faster one (wider lanes can save a converter): what does not fit by
 * `least` at an interval, fits at no smaller one.
 *
 * Method for one range (a candidate partition)
 *  - An interval is always the cycle count of some configuration of some node (or what the off-chip bandwidth
 * needs): these are the candidates, a finite ascending list.
 *  - Relax: bisection for the largest candidate that the linear relaxation over `least` proves out of reach.
 *  - Solve: from there upward with `exact`, until a design fits; then narrow the rest.
 * Invariant: `low` is proven, `design->interval` is held by a design that fits.
 */
#ifndef SS_SPACE_H
#define SS_SPACE_H

#include "explore/choice.h"
#include "explore/explore.h"

/* Sorted by cycles and pruned: no entry is both slower and no cheaper than another. */
typedef struct ss_table {
    double *cycles;
    ss_option *options; /* id: index into configs */
    int32_t n;
} ss_table;

typedef struct ss_band {
    double from, top; /* intervals [from, top] */
    bool built;
    ss_table exact, least;
    ss_config *configs; /* of exact */
} ss_band;

typedef struct ss_node_space {
    double *steps; /* candidate intervals of this node, ascending */
    int32_t n_steps;
    ss_band *bands; /* ascending */
    int32_t n_bands;
} ss_node_space;

typedef struct ss_space {
    ss_ctx *ctx;
    const ss_cost *cost;
    const ss_graph *graph;
    const ss_device *device;
    double target_gap;
    int bits;                    /* of a weight */
    bool dense;                  /* crossbars are left out */
    double slowest;              /* the largest candidate of all nodes */
    double budget[SS_RES_COUNT]; /* the device's, less what every partition needs besides its nodes */
    ss_arena *arena;             /* owns the tables and what designs are made of */
    ss_node_space *nodes;        /* [graph->n] */
    ss_chooser *chooser;
    bool failed;      /* out of memory while tables were built */
    ss_group *groups; /* scratch, [graph->n] each */
    int32_t *pick;
    ss_config *configs; /* scratch: one node's, [configs_cap] */
    int32_t configs_cap;
    ss_option *options; /* scratch: a range's options at one interval */
    size_t options_n, options_cap;
} ss_space;

typedef enum ss_stage { SS_STAGE_NEW, SS_STAGE_RELAXED, SS_STAGE_SOLVED } ss_stage;

/* What is known of one range of nodes. */
typedef struct ss_segment {
    int32_t first, last;
    ss_stage stage;
    int32_t
        effort; /* nodes of search trees are limited in proportion; grows when a segment is solved again */
    bool impossible; /* proven: no design of these nodes fits the device */
    double low;      /* proven: no design has a smaller interval; cycles */
    bool weighed;    /* weights belong to the last proof */
    double weights[SS_RES_COUNT];
    ss_partition *design; /* SOLVED: or NULL when none was found */
} ss_segment;

ss_status ss_space_new(ss_ctx *ctx, const ss_cost *cost, const ss_graph *g, const ss_device *dev,
                       ss_explore_opts opts, bool dense, ss_space **out);
void ss_space_free(ss_space *s);
/* The band of a node at an interval, built; NULL: out of memory (s->failed), or too fast for the node's
 * streams. */
const ss_band *ss_space_band(ss_space *s, int32_t node, double interval);
/* How many entries take at most `interval` cycles. */
int32_t ss_table_within(const ss_table *t, double interval);
/* These as a group; t NULL: a group without options. */
ss_group ss_table_group(const ss_table *t, double interval);

void ss_segment_init(const ss_space *s, int32_t first, int32_t last, ss_segment *r);
ss_status ss_segment_relax(ss_space *s, ss_segment *r); /* SS_BAD: out of memory only */
ss_status ss_segment_solve(ss_space *s, ss_segment *r); /* the same; again: with more effort */
ss_res ss_segment_binding(
    const ss_segment *r); /* the resource to grow for a smaller interval; SS_RES_COUNT: none helps */

#endif
