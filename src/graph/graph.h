/* graph: the intermediate representation of one network.
 *
 * A graph is an array of nodes in topological order. Every node has exactly one output, so a node's index is
 * also the name of the tensor that it makes. Shapes are per image (channels, height, width); the batch
 * dimension is implicit. Weights are float, as imported; integers belong to quant/.
 *
 * Canonical form, after ss_passes_run: only INPUT, CONV, RELU, MAXPOOL, AVGPOOL, ADD, CONCAT, SLICE and
 * CHANPAD are left. Fully connected layers are CONV whose kernel covers the whole map (fc = true), global
 * average pooling is AVGPOOL whose window covers it, BatchNorm is in the weights, and a ReLU that is the only
 * reader of a CONV, ADD, CONCAT or pool has become that node's `act`. A RELU node is left only where its
 * input has other readers.
 *
 * Invariants (ss_graph_verify): node 0 is the only INPUT; inputs have smaller indices than their reader;
 * shapes follow from the inputs' shapes; names are unique; weights and bias have their sizes; every node is
 * reachable from the input and reaches the output.
 */
#ifndef SS_GRAPH_H
#define SS_GRAPH_H

#include "base/base.h"

typedef enum ss_op {
    SS_OP_INPUT,
    SS_OP_CONV,      /* weights [f][c/groups][kh][kw], bias [f] or NULL */
    SS_OP_BATCHNORM, /* scale [c], bias [c]: y = scale*x + bias; gone after the passes */
    SS_OP_RELU,      /* act holds threshold and ceiling */
    SS_OP_MAXPOOL,   /* padding never wins */
    SS_OP_AVGPOOL,   /* count_pad: padding counts in the divisor */
    SS_OP_ADD,       /* two inputs of one shape */
    SS_OP_CONCAT,    /* over channels */
    SS_OP_SLICE,     /* spatial stride: y[c][i][j] = x[c][oh + i*sh][ow + j*sw]; win.pt/pl hold the offsets oh, ow,
                      * win.pb/pr the rows and columns cut off at the end before striding (usually 0) */
    SS_OP_CHANPAD,   /* zero channels: pad_before in front, pad_after behind */
    SS_OP_FLATTEN,   /* c,h,w -> c*h*w,1,1 (channel-major, as ONNX); gone after the passes unless the output */
    SS_OP_COUNT
} ss_op;

typedef struct ss_shape {
    int32_t c, h, w;
} ss_shape;

typedef struct ss_window {
    int32_t kh, kw, sh, sw, pt, pl, pb, pr;
} ss_window;

/* y = x > t ? min(x, ceiling) : 0, with t per layer or per channel. Plain ReLU: t = 0, ceiling = INFINITY. */
typedef struct ss_act {
    bool on;
    const char *name;      /* the ReLU's own ONNX node name: the key in threshold files */
    float threshold;       /* >= 0 */
    const float *per_channel; /* [c] or NULL; overrides threshold */
    float ceiling;
} ss_act;

#define SS_MAX_INPUTS 16
#define SS_MAX_DIM (1 << 20)              /* each of c, h, w is 1..SS_MAX_DIM */
#define SS_MAX_ELEMENTS (((int64_t)1 << 31) - 1) /* of one tensor, and of one node's weights */

typedef struct ss_node {
    ss_op op;
    const char *name;    /* the ONNX node's name (made up and unique where ONNX has none) */
    const char *onnx_op; /* operator in the file, for messages: "Gemm" */
    int32_t n_in;
    int32_t in[SS_MAX_INPUTS];
    ss_shape shape;      /* of the output */
    ss_window win;       /* CONV, MAXPOOL, AVGPOOL, SLICE */
    int32_t groups;      /* CONV: >= 1 */
    bool fc;             /* CONV that was Gemm or MatMul */
    bool count_pad;      /* AVGPOOL */
    int32_t pad_before, pad_after; /* CHANPAD */
    const float *weights; /* CONV: [f][c/groups][kh][kw]; BATCHNORM: scale [c] */
    const float *bias;    /* [f] / [c]; NULL: none */
    const float *bias_shift; /* CONV: [f], added to the bias; belongs to the thresholds, not to the model (threshold/correct.h); NULL */
    ss_act act;
    const int32_t *order; /* [c]: the model's own channel at each position; NULL: its own order (deal.h) */
} ss_node;

typedef struct ss_graph {
    ss_ctx *ctx;
    ss_arena *arena; /* owns names, weights, nodes */
    const char *name; /* file name of the model, for messages */
    ss_node *nodes;
    int32_t n, cap;
    int32_t output;  /* the node whose tensor is the result (class scores) */
    uint64_t identity;   /* of the model, once its channels were dealt (deal.h); else 0 */
    bool structure_only; /* read from a dump without weights: weights and bias are NULL */
} ss_graph;

ss_graph *ss_graph_new(ss_ctx *ctx, const char *name);
void ss_graph_free(ss_graph *g);
/* Append a copy of *proto; its strings, weights and bias are kept as they are (allocate them from g->arena).
 * Returns the index, or -1 when out of memory. The shape is computed by ss_graph_infer_shape. */
int32_t ss_graph_add(ss_graph *g, const ss_node *proto);
/* Fill n->shape from the shapes of its inputs, which must be in g; n itself need not be. Set by the caller: the whole
 * shape of INPUT, and shape.c of CONV (its number of filters). Output sizes are floor((size + pads - kernel) / stride)
 * + 1; an importer expresses ceil_mode by larger pb, pr. Reports everything that does not fit. */
ss_status ss_graph_infer_shape(const ss_graph *g, ss_node *n);
/* All invariants above, every violation reported with the pass after which it was found. after_pass NULL: a graph
 * as imported, in which nodes that do not reach the output are still allowed (the first pass drops them). */
ss_status ss_graph_verify(const ss_graph *g, const char *after_pass);
/* Drop the nodes that do not reach the output, keep the order, renumber. Node 0 always stays. */
ss_status ss_graph_sweep(ss_graph *g);
/* May a node of this operator carry an activation? */
bool ss_op_takes_act(ss_op op);

const char *ss_op_name(ss_op op);                 /* "conv" */
int32_t ss_graph_find(const ss_graph *g, const char *name);  /* node of that name, or -1 */
int32_t ss_graph_find_act(const ss_graph *g, const char *relu); /* node whose act has that name, or -1 */
int32_t ss_graph_readers(const ss_graph *g, int32_t node);   /* how many inputs read it (+1 for the output) */
static inline float ss_node_bias(const ss_node *n, int32_t f) {
    return (n->bias ? n->bias[f] : 0) + (n->bias_shift ? n->bias_shift[f] : 0);
}
static inline ss_shape ss_graph_in_shape(const ss_graph *g, const ss_node *n) { return g->nodes[n->in[0]].shape; }
static inline int64_t ss_shape_size(ss_shape s) { return (int64_t)s.c * s.h * s.w; }
int64_t ss_node_macs(const ss_graph *g, const ss_node *n);    /* multiplications per image; 0 unless CONV */
int64_t ss_node_weight_count(const ss_graph *g, const ss_node *n); /* weights without bias */
void ss_shape_text(ss_shape s, char out[40]);                 /* "64x32x32" */
/* Identity of the canonical network: structure and weights, not thresholds, nor the order in which channels were dealt.
 * Stable across runs. */
uint64_t ss_graph_hash(const ss_graph *g);

/* ---- passes (passes.c): each leaves a graph that verifies ---- */

/* Called after each pass with its name, when not NULL; for --dump=PASS. */
typedef void (*ss_pass_hook)(void *user, const char *pass, const ss_graph *g);
ss_status ss_passes_run(ss_graph *g, ss_pass_hook hook, void *user);
extern const char *const ss_pass_names[]; /* NULL-terminated, in order */

/* ---- text form (dump.c): one line a node; reads back without weights unless with_weights ---- */
ss_status ss_graph_dump(const ss_graph *g, bool with_weights, ss_buf *out);
ss_status ss_graph_read(ss_ctx *ctx, const char *name, const char *text, ss_graph **out);

/* ---- thresholds (thresholds.c) ---- */
/* One threshold for the whole layer, in place of those per channel. */
static inline void ss_act_set_threshold(ss_act *a, float t) {
    a->threshold = t;
    a->per_channel = NULL;
}
/* Set thresholds from {"format":"skipstream.thresholds","version":...,"layers":{RELU: number | [number per channel]}}, and
 * bias_shift of the nodes where the file has it. Unknown names, negative or NaN values, wrong lengths are all reported.
 * "STUDY:N" for path: point N of a study of this model (threshold/), without its corrected biases, which follow from it and
 * from the images of this hash (0: the study did not correct; a thresholds file: it says all itself). */
ss_status ss_thresholds_load(ss_graph *g, const char *path);
ss_status ss_thresholds_correction(ss_ctx *ctx, const char *path, uint64_t *images);
ss_status ss_thresholds_save(const ss_graph *g, const char *path);
void ss_thresholds_uniform(ss_graph *g, float t); /* all ReLUs get t */

#endif
