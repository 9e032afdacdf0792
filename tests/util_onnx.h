/* Test helpers: ONNX models built in memory, node by node, and files made of them. Everything of a builder is
 * freed with it. Capacities are fixed and generous; running over one aborts the test program. */
#ifndef UTIL_ONNX_H
#define UTIL_ONNX_H

#include "onnx/onnx.h"

#include "onnx.pb-c.h"

typedef struct util_onnx util_onnx;
typedef Onnx__NodeProto util_onnx_node;

util_onnx *util_onnx_new(int64_t opset);
void util_onnx_free(util_onnx *u);
Onnx__ModelProto *util_onnx_model(util_onnx *u);  /* to damage it */
void *util_onnx_keep(util_onnx *u, size_t bytes); /* zeroed memory that lives as long as u */

/* dims: a text such as "1x3x8x8"; "Nx3x8x8" has a dynamic batch. */
void util_onnx_input(util_onnx *u, const char *name, const char *dims);
void util_onnx_output(util_onnx *u, const char *name);
/* Initialisers, copied. data NULL: small numbers that differ, the same for the same name and place. */
Onnx__TensorProto *util_onnx_floats(util_onnx *u, const char *name, const char *dims, const float *data);
Onnx__TensorProto *util_onnx_ints(util_onnx *u, const char *name, int n, const int64_t *data);
/* inputs: names separated by blanks; "-" leaves one out. */
util_onnx_node *util_onnx_add(util_onnx *u, const char *op, const char *inputs, const char *output);
void util_onnx_attr_int(util_onnx *u, util_onnx_node *n, const char *name, int64_t v);
void util_onnx_attr_float(util_onnx *u, util_onnx_node *n, const char *name, float v);
void util_onnx_attr_text(util_onnx *u, util_onnx_node *n, const char *name, const char *v);
void util_onnx_attr_ints(util_onnx *u, util_onnx_node *n, const char *name, int count, const int64_t *v);
void util_onnx_attr_tensor(util_onnx *u, util_onnx_node *n, const char *name, Onnx__TensorProto *t);

uint8_t *util_onnx_pack(util_onnx *u, size_t *len); /* lives as long as u */
ss_status util_onnx_import(util_onnx *u, ss_ctx *ctx, ss_graph **out, ss_onnx_report *report);
/* Passes, then one float image (channel-major) through the portable engine; the output, to be freed
 * with free(), or NULL when something failed. */
float *util_onnx_run(ss_ctx *ctx, ss_graph *g, const float *image);
bool util_onnx_says(const ss_ctx *ctx, const char *text); /* some diagnostic's cause or remedy contains it */

#endif
