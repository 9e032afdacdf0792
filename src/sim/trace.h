/* trace: what nodes do and what FIFOs hold, over a span of cycles.
 *
 * Stages meet times out of order, so spans are noted as they are known, as a count that goes up and one that
 * goes down; sorted by time (trace_end) they are the signals. A node's state is the first of blocked, busy, starved of
 * which a span is open. */
#ifndef SS_SIM_TRACE_H
#define SS_SIM_TRACE_H

#include "sim/parts.h"

enum { BUSY, STARVED, BLOCKED_BY_READER, STATES };

typedef struct event {
    int64_t at;
    int32_t signal, change;
} event;

typedef struct wave {
    const ss_graph *g;
    int32_t partition, node, fifo; /* fifo: input of a join; < 0: a state of the node */
    int32_t start;                 /* level at the beginning of the span */
    int64_t depth;                 /* of the FIFO */
} wave;

struct trace {
    ss_ctx *ctx;
    int64_t from, to; /* cycles: [from, to) */
    event *events;
    size_t n, cap;
    wave *signals; /* states of a node lie side by side */
    int32_t n_signals;
    size_t cap_signals;
    bool failed;
};

/* Of a node with so many spans open of each state: 0 idle, 1 busy, 2 starved, 3 blocked. */
int32_t trace_state(const int32_t *open);
/* The first signal of the node that signal i is a state of. */
int32_t trace_first_state(const trace *t, int32_t i);

#endif
