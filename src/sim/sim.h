/* sim: the generated pipeline, cycle by cycle, on the activations of real images, without a hardware
 * simulator.
 *
 * Values are not computed here: the integer engine gives every tensor, from which follows how many beats
 * every window takes; only the times at which words move are followed, through the same modules, buffers and
 * handshakes as in rtl/. Cycles count from a partition's first input word, as verify counts them. Input
 * always offers a word, output always takes one. See docs/simulate.md for the method. */
#ifndef SS_SIM_H
#define SS_SIM_H

#include "explore/explore.h"
#include "infer/infer.h"
#include "rtl/rtl.h"

/* What nodes do and what FIFOs hold in cycles [from, to). */
typedef struct ss_sim_trace {
    const char *waveform; /* a VCD file, or NULL */
    const char *levels;   /* a table, or NULL */
    bool activity;        /* the result has it */
    int64_t from, to;
} ss_sim_trace;

typedef struct ss_sim_task {
    const ss_graph *g;
    const ss_quant *q; /* with the thresholds in force */
    ss_engine *e;
    const ss_design *design;
    const ss_dataset *images;
    const ss_norm *norm;
    ss_rtl_opts opts; /* span; depths of FIFOs */
    ss_sim_trace trace;
    bool split_loss;  /* three more simulations */
    bool tune;        /* the result has a tuned design: FIFOs sized, stalls */
    double within;    /* of the throughput with FIFOs without end */
} ss_sim_task;

/* How a figure is spread over images. */
typedef struct ss_spread {
    double mean, p5, p95;
    int64_t least, most;
} ss_spread;

typedef struct ss_sim_node {
    int32_t node;             /* in the graph */
    double interval;          /* mean cycles from image to image; 0: one image only */
    double predicted;         /* by the cost model, fed with these images */
    int64_t busy;             /* a convolution's beats, else the words of its busiest stream; whole run */
    int64_t starved, blocked; /* cycles of the whole run: ready without a word (the input that
                               * waits longest), a word without a reader */
    int64_t joining;          /* of starved: a join's, with a word of one input and none of another */
    int32_t n_fifos;          /* of a join */
    int64_t depth[SS_MAX_INPUTS], held[SS_MAX_INPUTS]; /* its FIFOs: words of room; most words at once */
    /* Tuned, in words of the inputs' streams: the least that never stops, the size chosen. */
    int64_t least[SS_MAX_INPUTS], sized[SS_MAX_INPUTS];
    int64_t lanes[SS_MAX_INPUTS];
} ss_sim_node;

/* What lies between the model's interval and the simulated one, in cycles an image, by taking one cause after
 * another out of the simulation: FIFOs of joins without end; then the same number of beats for each window of
 * an image; then for all images. The rest is what even work in this pipeline loses. */
typedef struct ss_sim_loss {
    bool known;
    double waits;  /* even work: nodes that wait for one another, row ends, image ends */
    double images; /* images that differ: another node is the slowest in each */
    double bursts; /* windows that differ within an image */
    double joins;  /* FIFOs of joins that are not deep enough to even that out */
} ss_sim_loss;

typedef struct ss_sim_partition {
    int32_t number, first, last; /* nodes */
    bool deadlock;
    const char *why;   /* after a deadlock: what waits for what, a line each */
    ss_rtl_depth cure; /* the FIFO that is full, and how many words it needs, on the first images, that
                        * nothing stops; words 0: no size of this one alone helps */
    int64_t cycles;    /* from the first word in to the last word out, or to the deadlock */
    int64_t *ends;     /* [images]: cycle of each image's last word out */
    ss_spread interval, latency; /* interval: most 0 when there is one image */
    double predicted_interval, predicted_latency;
    int64_t first_latency; /* of the first image: nothing is before it */
    ss_sim_loss loss;
    double endless_interval, sized_interval; /* tuned: with FIFOs of joins without end, and as sized; of a full pipeline */
    double stall;                            /* tuned: of its engines that skip zeros */
    ss_sim_node *nodes;
    int32_t n_nodes;
    double seconds; /* of the processor, for the simulation alone */
} ss_sim_partition;

typedef struct ss_simulated {
    ss_arena *arena;
    const ss_graph *g;
    int64_t images;
    bool deadlock;         /* in any partition */
    ss_design *tuned;      /* or NULL */
    json_t *activity;      /* what nodes do and FIFOs hold over time: an artefact; or NULL */
    double engine_seconds; /* for the images' tensors and the beats */
    ss_sim_partition *partitions;
    int32_t n_partitions;
} ss_simulated;

/* SS_OK: ran through. SS_NO: a deadlock, as the result says. */
ss_status ss_sim_run(ss_ctx *ctx, const ss_sim_task *task, ss_simulated **out);
void ss_simulated_free(ss_simulated *s);
json_t *ss_simulated_json(const ss_simulated *s); /* new reference, or NULL: out of memory */

#endif
