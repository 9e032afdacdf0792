/* parts: the pieces of verify/, for verify/ only. */
#ifndef SS_VERIFY_PARTS_H
#define SS_VERIFY_PARTS_H

#include "verify/verify.h"

/* The partitions of a generated folder, as its manifest lists them. */
typedef struct ss_hw_partition {
    const char *top;
    const int32_t *nodes; /* in the graph, ascending */
    int32_t n_nodes;
    const ss_partition *design; /* that it belongs to */
} ss_hw_partition;
typedef struct ss_hw {
    ss_arena *arena;
    ss_hw_partition *partitions;
    int32_t n;
} ss_hw;
ss_status ss_hw_read(ss_ctx *ctx, const ss_graph *g, const ss_design *d, const char *dir, ss_hw **out);
void ss_hw_free(ss_hw *hw);

/* Every node's tensor for every image: rows, columns, channels, image after image. */
typedef struct ss_stimulus {
    ss_ctx *ctx;
    const ss_graph *g;
    int64_t images;
    int16_t **tensors; /* [g->n] */
} ss_stimulus;
ss_status ss_stimulus_make(ss_ctx *ctx, const ss_verify_task *task, ss_stimulus **out);
void ss_stimulus_free(ss_stimulus *s);
/* input.bin, output.bin and tap_NODE.bin of one partition. */
ss_status ss_stimulus_write(const ss_stimulus *s, const ss_hw_partition *p, const char *dir);

/* A program with its output in a log file. *code is its exit status, or 128 + the signal that ended it. */
ss_status ss_process_run(ss_ctx *ctx, const char *dir, const char *const *argv, const char *log, int *code);
/* In PATH? Else an error that names the Debian package. */
ss_status ss_process_need(ss_ctx *ctx, const char *program, const char *package);
bool ss_process_has(const char *program);
/* An error of a program that failed: its name, what it was doing, and the end of its log. */
ss_status ss_process_failed(ss_ctx *ctx, const char *what, int code, const char *log);

/* Builds and runs one partition; the bench's JSON result in *out, a new reference. */
typedef struct ss_simulation {
    const char *hw, *work; /* absolute */
    const ss_verify_task *task;
    const ss_stimulus *stimulus;
    int64_t watchdog; /* cycles without any word moving that are called a hang */
} ss_simulation;
ss_status ss_simulate(ss_ctx *ctx, const ss_simulation *s, const ss_hw_partition *p, double *build_seconds,
                      json_t **out);

/* What the bench wrote, into p, whose nodes are there already. */
ss_status ss_outcome_read(ss_ctx *ctx, const char *path, const json_t *j, ss_arena *a,
                          ss_verified_partition *p);

/* Cycles of design and cost model into p's intervals, latencies and nodes. */
ss_status ss_predict(ss_ctx *ctx, const ss_verify_task *task, const ss_hw *hw, ss_verification *v);

#endif
