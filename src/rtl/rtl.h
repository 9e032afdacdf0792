/* rtl: from a design and the integer network to SystemVerilog. The modules are written by hand (rtl/); what
 * is made here chooses their parameters, connects their streams and writes their memories (docs/hardware.md).
 *
 * The folder, deterministic to the byte:
 *   manifest.json               "skipstream.rtl", version 1 (docs/formats.md)
 *   README.md
 *   rtl/                        the modules that are used
 *   partition_N/partition_N.sv  one top a partition, N from 1; images are named relative to partition_N/
 *   partition_N/weights/        memory images
 *   partition_N/load.mem        the load stream, 64-bit words; only when something is in UltraRAM
 *   partition_N/filelist.f      all sources of the partition
 *   partition_N/sim/            benches for Verilator and Icarus
 *   partition_N/vivado/         scripts for synthesis and packaging
 *
 * It is written beside its place and renamed; a folder that is there already is replaced only when it is an
 * earlier output. */
#ifndef SS_RTL_H
#define SS_RTL_H

#include "explore/explore.h"
#include "quant/quant.h"

/* A FIFO of a join made another size. */
typedef struct ss_rtl_depth {
    int32_t node, input; /* input < 0: all of the join's */
    int64_t words;       /* >= 2 */
} ss_rtl_depth;

typedef struct ss_rtl_opts {
    int32_t first, last; /* only these nodes, within one partition; last < 0: every partition, whole */
    bool no_vivado;      /* no scripts; for devices without a part */
    const char *part;    /* for the scripts; NULL: the device's */
    const ss_rtl_depth *depths;
    int32_t n_depths;
} ss_rtl_opts;

/* q: the integer network of g with the thresholds in force. d: a design of g at q's bits. */
ss_status ss_rtl_generate(ss_ctx *ctx, const ss_graph *g, const ss_quant *q, const ss_design *d,
                          ss_rtl_opts opts, const char *dir);
/* "FIRST..LAST", names of nodes (or one name): into opts. Refused unless they lie in one partition and one
 * tensor goes in and one comes out; the error lists the tensors that cross. */
ss_status ss_rtl_span(ss_ctx *ctx, const ss_graph *g, const ss_design *d, const char *text,
                      ss_rtl_opts *opts);
/* "NODE=N,NODE:K=N": N words for all FIFOs of that join, or for its input K (from 0). *out: room for as many as
 * there are commas and one more; *n: how many there are. */
ss_status ss_rtl_depths(ss_ctx *ctx, const ss_graph *g, const char *text, ss_rtl_depth *out, int32_t *n);

#endif
