/* import: the inside of onnx/: what its files share.
 *
 * Every ONNX value (a name in the file) is one of: a constant tensor, an activation (the output of a graph
 * node, seen under ONNX dimensions), or unknown, because what makes it is unsupported. A node whose inputs
 * are all constant is evaluated by its fold function, any other becomes graph nodes by its lower function;
 * both stand in one operator table (ops.c). Numbers are float, or int64 for every integer and boolean type.
 *
 * Invariants
 *  - Activations have dimension 0 == im->batch; the others, padded with ones, are the shape of their graph
 * node, except that c x h x w may also be seen as [N, c, h*w].
 *  - All constants together take at most SS_CONST_BYTES.
 *  - A node that fails has exactly one error, and its outputs are unknown: what reads them stays silent.
 */
#ifndef SS_ONNX_IMPORT_H
#define SS_ONNX_IMPORT_H

#include "onnx/onnx.h"

#include "onnx.pb-c.h"

#define SS_MAX_RANK 8
#define SS_CONST_BYTES ((int64_t)1 << 31)
#define SS_MODEL_BYTES (((size_t)1 << 31) - 1) /* protobuf's own limit */

/* ---- names.c: a map from strings to indices; keys are not copied ---- */

typedef struct ss_names {
    ss_ctx *ctx;
    const char **keys;
    int32_t *values;
    size_t n, cap;
} ss_names;
void ss_names_free(ss_names *m);
int32_t ss_names_get(const ss_names *m, const char *key);       /* -1: not there */
bool ss_names_put(ss_names *m, const char *key, int32_t value); /* key must be new; false: out of memory */

/* ---- tensors and values ---- */

typedef struct ss_tensor {
    bool is_float;
    int rank;
    int64_t dims[SS_MAX_RANK];
    int64_t n;        /* product of dims */
    const float *f;   /* is_float */
    const int64_t *i; /* otherwise */
} ss_tensor;

typedef enum ss_value_kind {
    SS_VALUE_PENDING, /* its producer did not run yet */
    SS_VALUE_INIT,    /* an initialiser, not decoded yet */
    SS_VALUE_CONST,
    SS_VALUE_ACT,
    SS_VALUE_UNKNOWN
} ss_value_kind;

/* What an activation still carries that its reader must take up, or refuse in the name of `origin`. */
typedef enum ss_carry { SS_CARRY_NONE, SS_CARRY_PAD, SS_CARRY_SOFTMAX } ss_carry;

typedef struct ss_value {
    const char *name;
    ss_value_kind kind;
    const Onnx__TensorProto *init;
    ss_tensor t;  /* CONST */
    int32_t node; /* ACT: index in the graph */
    int rank;     /* ACT */
    int64_t dims[SS_MAX_RANK];
    ss_carry carry;                   /* ACT */
    int32_t origin;                   /* ACT that carries something: the file's node that made it so */
    int32_t pt, pl, pb, pr;           /* SS_CARRY_PAD */
    const Onnx__ValueInfoProto *info; /* type and shape as the file states them, or NULL */
    int32_t producer;                 /* file's node, or -1 */
    int32_t readers;                  /* inputs of live nodes that name it, +1 for the output */
} ss_value;

typedef struct ss_importer {
    ss_ctx *ctx;
    ss_graph *g;
    const Onnx__ModelProto *model;
    const char *folder;   /* of external data; NULL: none allowed */
    int64_t opset, batch; /* batch: 1 when dynamic */
    ss_value *values;
    int32_t n_values;
    ss_names value_of; /* value name -> index in values */
    ss_names node_names;
    int32_t *order; /* live file nodes, producers first */
    int32_t n_order;
    ss_onnx_row *rows;     /* one per file node */
    int64_t const_left;    /* bytes */
    int32_t input, output; /* values */
    int32_t n_unsupported, n_invalid;
    size_t errors_before; /* of the context, when the import began */
} ss_importer;

/* ---- one node of the file while it is worked on ---- */

struct ss_op_info;

typedef struct ss_site {
    ss_importer *im;
    const Onnx__NodeProto *p;
    int32_t index;               /* in the file */
    const struct ss_op_info *op; /* NULL: not in the table */
    ss_onnx_row *row;
    int32_t n_in;
    ss_value **in; /* NULL: optional input left out */
    ss_value out;  /* result: kind, tensor or activation */
} ss_site;

/* The ways out of a fold or lower function; each reports once and returns false. */
bool ss_refuse(ss_site *s, const char *remedy, const char *cause, ...) SS_PRINTF(3, 4); /* unsupported */
bool ss_invalid(ss_site *s, const char *cause, ...) SS_PRINTF(2, 3); /* against the ONNX rules */

typedef bool (*ss_site_fn)(ss_site *s);

enum { SS_TAKES_PAD = 1 << SS_CARRY_PAD, SS_TAKES_SOFTMAX = 1 << SS_CARRY_SOFTMAX };

/* One row of the operator table. Without `lower`, activations are refused with `remedy`. */
typedef struct ss_op_info {
    const char *name;
    int min_in, max_in;
    ss_site_fn fold, lower;
    unsigned takes;  /* SS_TAKES_*: what lower takes up itself */
    bool same_shape; /* unsupported, but its output is as large as its input: checking can go on behind it */
    const char *remedy;
} ss_op_info;
const ss_op_info *ss_op_find(const char *name);

/* values.c: the table of values; input and output of the network; the order of work */
ss_status ss_values_collect(ss_importer *im);
ss_status ss_values_order(ss_importer *im);
ss_value *ss_value_of(const ss_importer *im, const char *name); /* NULL: nothing has this name */

/* import.c */
ss_status ss_import_model(ss_importer *im); /* model, folder, ctx and g are set; reports everything */
const char *ss_import_name(ss_importer *im, const char *base,
                           const char *suffix); /* unique, in the arena; or NULL */
const char *ss_clean_text(ss_importer *im, const char *text); /* printable UTF-8; what is not becomes '?' */

/* site.c: inputs */
const ss_tensor *ss_site_const(const ss_site *s, int k); /* NULL: absent or not constant */
bool ss_site_has(const ss_site *s, int k);
ss_value *ss_site_act(const ss_site *s, int k); /* NULL: absent or constant */
/* Input k as integers, or the attribute `attr` when there is no input k (the older form). n = -1: neither. */
bool ss_site_ints(ss_site *s, int k, const char *attr, const int64_t **ints, int *n);
bool ss_axis(ss_site *s, int64_t axis, int rank, int *out); /* negative counts from the end */

/* site.c: attributes; a missing one gives the default, a mistyped one is invalid */
const Onnx__AttributeProto *ss_attr(const ss_site *s, const char *name);
bool ss_attr_int(ss_site *s, const char *name, int64_t fallback, int64_t *out);
bool ss_attr_float(ss_site *s, const char *name, float fallback, float *out);
bool ss_attr_is(const ss_site *s, const char *name,
                const char *text); /* a string attribute with this value */
bool ss_attr_ints(ss_site *s, const char *name, const int64_t **ints, int *n); /* n = -1: missing */

/* site.c: results */
/* Append a graph node named after the site (suffix NULL) or name + suffix; its output becomes the site's. */
bool ss_site_emit(ss_site *s, ss_node *node, const char *suffix);
bool ss_site_emit_like(ss_site *s, ss_node *node,
                       const ss_value *x); /* its output is seen under x's dimensions */
/* The result is a new constant; its zeroed data in *f or *i is to be filled in. */
bool ss_site_constant(ss_site *s, bool is_float, int rank, const int64_t *dims, float **f, int64_t **i);
void ss_site_pass(ss_site *s, const ss_value *v, const char *note); /* the result is v itself */
/* The result is v under other dimensions: nothing, a flatten, or refused. */
bool ss_site_reshape(ss_site *s, const ss_value *v, int rank, const int64_t *dims);
ss_shape ss_act_shape(const ss_site *s, const ss_value *v);

/* ---- tensors.c ---- */

/* New tensor of the given type and dims; data zeroed and returned in *f or *i. Reports and returns false. */
bool ss_tensor_new(ss_importer *im, ss_where at, bool is_float, int rank, const int64_t *dims, ss_tensor *t,
                   float **f, int64_t **i);
/* Decode; errors name the tensor. *unsupported: the file is right, but uses what skipstream does not. */
bool ss_tensor_decode(ss_importer *im, const Onnx__TensorProto *p, const char *name, ss_tensor *t,
                      bool *unsupported);
/* external.c: descriptor of the tensor's file in the model's folder, set on `need` bytes that are there; -1:
 * reported. */
int ss_external_open(ss_importer *im, const Onnx__TensorProto *p, const char *name, size_t need);
bool ss_external_read(ss_importer *im, const char *name, int fd, void *data, size_t need); /* closes fd */
double ss_tensor_at(const ss_tensor *t, int64_t k);
void ss_dims_text(int rank, const int64_t *dims, char out[64]); /* "1x3x32x32" */

/* ---- fold.c, fold_math.c, lower_*.c: the functions of the table ---- */

bool ss_fold_constant(ss_site *s), ss_fold_constant_of_shape(ss_site *s), ss_fold_shape(ss_site *s);
bool ss_fold_gather(ss_site *s), ss_fold_unsqueeze(ss_site *s), ss_fold_squeeze(ss_site *s),
    ss_fold_cast(ss_site *s);
bool ss_fold_concat(ss_site *s), ss_fold_slice(ss_site *s), ss_fold_transpose(ss_site *s),
    ss_fold_reshape(ss_site *s);
bool ss_fold_flatten(ss_site *s), ss_fold_range(ss_site *s), ss_fold_expand(ss_site *s);
bool ss_fold_size(ss_site *s), ss_fold_binary(ss_site *s), ss_fold_unary(ss_site *s),
    ss_fold_where(ss_site *s);

bool ss_lower_conv(ss_site *s), ss_lower_gemm(ss_site *s), ss_lower_matmul(ss_site *s),
    ss_lower_batchnorm(ss_site *s);
bool ss_lower_maxpool(ss_site *s), ss_lower_avgpool(ss_site *s), ss_lower_globalpool(ss_site *s);
bool ss_lower_reduce_mean(ss_site *s);
bool ss_lower_relu(ss_site *s), ss_lower_clip(ss_site *s), ss_lower_arith(ss_site *s),
    ss_lower_sum(ss_site *s);
bool ss_lower_identity(ss_site *s), ss_lower_dropout(ss_site *s), ss_lower_softmax(ss_site *s);
bool ss_lower_flatten(ss_site *s), ss_lower_reshape(ss_site *s), ss_lower_squeeze(ss_site *s);
bool ss_lower_unsqueeze(ss_site *s), ss_lower_transpose(ss_site *s), ss_lower_slice(ss_site *s);
bool ss_lower_pad(ss_site *s), ss_lower_concat(ss_site *s);

/* Dimensions after Squeeze, Unsqueeze, Reshape, Flatten: the same for constants and activations. */
bool ss_dims_squeeze(ss_site *s, int rank, const int64_t *dims, int *out_rank, int64_t *out);
bool ss_dims_unsqueeze(ss_site *s, int rank, const int64_t *dims, int *out_rank, int64_t *out);
bool ss_dims_reshape(ss_site *s, int rank, const int64_t *dims, int *out_rank, int64_t *out);
bool ss_dims_flatten(ss_site *s, int rank, const int64_t *dims, int *out_rank, int64_t *out);
/* Slice: per dimension the first index, the step and how many. */
typedef struct ss_range {
    int64_t start, step, count;
} ss_range;
bool ss_slice_ranges(ss_site *s, int rank, const int64_t *dims, ss_range *out);
/* lower_pool.c: kernel_shape given; strides, pads, auto_pad, dilations and ceil_mode of the site on an input
 * of h x w. extra: the rows and columns
 * of padding that ceil_mode added at the end. Pads that `v` carries are added. */
bool ss_site_window(ss_site *s, const ss_value *v, ss_window *w, int32_t extra[2]);

/* ---- load.c ---- */

/* A model from hostile bytes, checked before decoding; NULL: reported. */
Onnx__ModelProto *ss_onnx_decode(ss_ctx *ctx, const char *name, const uint8_t *data, size_t len);
void ss_onnx_decoded_free(ss_ctx *ctx, Onnx__ModelProto *m);

#endif
