/* verify: runs generated hardware in a simulator against the integer reference.
 *
 * Method: the reference runs the images once; every node's tensor, as the hardware should make it, goes into
 * files. Each partition is built with Verilator around its own bench (rtl/sim/tb.cpp) and fed with the
 * reference's tensor at its cut; the bench compares every word of every node and notes cycles. Those are put
 * beside the design's figures and beside the cost model fed with a profile of the very images.
 *
 * Cycles count from a partition's first input word. Between images the hardware is in its steady state:
 * images 1.. (all but the first) give the interval, and the cost model gets just these; the first image gives
 * the latency. */
#ifndef SS_VERIFY_H
#define SS_VERIFY_H

#include "explore/explore.h"
#include "infer/infer.h"

typedef struct ss_verify_task {
    const ss_graph *g;
    const ss_quant *q; /* with the thresholds in force */
    ss_engine *e;
    const ss_design *design;
    const ss_dataset *images;
    const ss_norm *norm;
    const char *hw;    /* folder that ss_rtl_generate wrote for this design: all of it or a span */
    const char *work;  /* a folder for stimuli, builds and logs; made when missing */
    bool backpressure; /* random stalls at both ends; cycles are not compared then */
    uint64_t seed;
} ss_verify_task;

typedef struct ss_mismatch {
    int64_t image, row, column, channel;
    int32_t expected, got;
} ss_mismatch;

/* What one stream of words came to: a node's output, or the partition's. */
typedef struct ss_stream_result {
    int64_t words, wanted;
    int64_t surplus;    /* words too many, or with a misplaced TLAST */
    int64_t mismatches; /* elements */
    ss_mismatch first;  /* when there is a mismatch */
    int64_t first_last; /* cycle of the last word of the first image; -1: it never came */
    double interval;    /* mean cycles from image to image; 0: fewer than two images */
} ss_stream_result;

typedef struct ss_verified_node {
    int32_t node; /* in the graph */
    const char *instance;
    ss_stream_result stream;
    double designed, predicted; /* cycles an image: of the design, of the cost model fed with the images */
    int64_t starved, blocked;   /* cycles of the whole run */
    const char *state;          /* after a hang: "starved", "blocked" or "silent"; else "" */
} ss_verified_node;

/* Cycles measured beside the two predictions; 0 where there is none. */
typedef struct ss_cycles {
    double measured, designed, predicted;
} ss_cycles;

typedef struct ss_verified_partition {
    const char *top;
    bool good, hang;
    int32_t first, last; /* nodes */
    ss_verified_node *nodes;
    int32_t n_nodes;
    ss_stream_result output;
    int64_t in_words, in_wanted;
    ss_cycles interval, latency;
    int64_t cycles; /* from the first word in to the last word out, or to the hang */
    int64_t counted_cycles, images_in, images_out; /* by the control registers */
    double build_seconds, run_seconds;
} ss_verified_partition;

typedef struct ss_verification {
    ss_arena *arena;
    const ss_graph *g;
    int64_t images;
    bool good, backpressure;
    ss_verified_partition *partitions;
    int32_t n_partitions;
} ss_verification;

/* Everything that a simulation needs and that is not installed: an error each, with its Debian package. */
ss_status ss_verify_check_tools(ss_ctx *ctx);
/* SS_OK: everything agrees; SS_NO: something differs or hangs, as the result says; SS_BAD: it could not be
 * found out. */
ss_status ss_verify_run(ss_ctx *ctx, const ss_verify_task *task, ss_verification **out);
void ss_verification_free(ss_verification *v);
/* The node to blame: the first in topological order that differs in the earliest image that has a difference.
 * NULL: no node differs. */
const ss_verified_node *ss_verified_culprit(const ss_verified_partition *p);
json_t *ss_verification_json(const ss_verification *v); /* new reference, or NULL: out of memory */

#endif
