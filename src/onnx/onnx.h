/* onnx: reads an ONNX file into a graph.
 *
 * Method: protobuf-c decodes the file with the system's onnx.proto; constants and the shape arithmetic of raw
 * exports are folded with a small integer/float tensor evaluator; what is left is lowered operator by
 * operator into graph nodes. All unsupported nodes are reported at once, each with the remedy. External data
 * is read only from the model's own folder.
 */
#ifndef SS_ONNX_H
#define SS_ONNX_H

#include "graph/graph.h"

/* One row of `check`: every node of the file with what became of it. */
typedef struct ss_onnx_row {
    const char *name, *op;
    const char *status; /* "ok", "folded" (constant), "fused" (into a neighbour), "unused" (the output does
                         * not need it), "unsupported", "invalid", "unchecked" (behind one of those) */
    const char *note;   /* reason, or what it became; the remedy is in the diagnostics */
    int32_t node;       /* its last node in the imported graph, or -1 */
} ss_onnx_row;

typedef struct ss_onnx_report {
    ss_onnx_row *rows; /* in the order of the file */
    size_t n;
    int64_t opset, ir_version;
    const char *producer;
} ss_onnx_report;

/* Import without passes: the raw graph, in which nodes that the output does not need may still stand. report
 * may be NULL; its memory is the graph's. SS_OK: *out is the network. SS_NO: the file is right, but nodes of
 * it are not supported, all of which are reported as errors. With a report, *out is a graph to look up shapes
 * in and of no other use; without, *out is NULL. SS_BAD: the file cannot be read or breaks the ONNX rules;
 * *out is NULL and report empty. */
ss_status ss_onnx_import(ss_ctx *ctx, const char *path, ss_graph **out, ss_onnx_report *report);
/* The same from memory. folder: where external data may lie; NULL: nowhere. */
ss_status ss_onnx_import_bytes(ss_ctx *ctx, const char *name, const uint8_t *data, size_t len,
                               const char *folder, ss_graph **out, ss_onnx_report *report);
/* Write the model file `path`, from which g came, with the thresholds of g in it as standard operators (export.c). */
ss_status ss_onnx_export(const ss_graph *g, const char *path, const char *out);
/* Import, run all passes, verify: what every other stage uses. SS_OK or SS_BAD. */
ss_status ss_model_load(ss_ctx *ctx, const char *path, ss_graph **out);

#endif
