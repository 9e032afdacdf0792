/* onnx: reads an ONNX file into a graph.
 *
 * Method: protobuf-c decodes the file with the system's onnx.proto; constants and the shape arithmetic of raw
 * exports are folded with a small integer/float tensor evaluator; what is left is lowered operator by operator
 * into graph nodes. All unsupported nodes are reported at once, each with the remedy. External data is read
 * only from the model's own folder.
 */
#ifndef SS_ONNX_H
#define SS_ONNX_H

#include "graph/graph.h"

/* One row of `check`: every node of the file with what became of it. */
typedef struct ss_onnx_row {
    const char *name, *op;
    const char *status; /* "ok", "folded" (constant), "fused", "unsupported" */
    const char *note;   /* reason, or what it became */
} ss_onnx_row;

typedef struct ss_onnx_report {
    ss_onnx_row *rows;
    size_t n;
    int64_t opset, ir_version;
    const char *producer;
} ss_onnx_report;

/* Import without passes: the raw graph. report may be NULL; its memory belongs to the graph's arena (or, when
 * import fails, is freed with the context's diagnostics: pass report only together with out). */
ss_status ss_onnx_import(ss_ctx *ctx, const char *path, ss_graph **out, ss_onnx_report *report);
/* Import, run all passes, verify: what every other stage uses. */
ss_status ss_model_load(ss_ctx *ctx, const char *path, ss_graph **out);

#endif
