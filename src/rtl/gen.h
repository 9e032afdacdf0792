/* gen: what the generator's files share; for rtl/ only.
 *
 * Names in the SystemVerilog of a partition: instance `u_NAME` after the ONNX node; tK_valid, tK_ready,
 * tK_data: the stream of graph node K's tensor; where it has several readers fK_* behind its ss_fork, reader
 * r at index r. */
#ifndef SS_RTL_GEN_H
#define SS_RTL_GEN_H

#include "rtl/rtl.h"

#define SS_RTL_SCALE_BITS 23 /* a lane of .scale.mem: 17 bits of multiplier, 6 of shift above */
#define SS_RTL_MULT_BITS 17

/* A run of nodes that becomes one top. */
typedef struct ss_rtl_part {
    int32_t number; /* N of partition_N */
    const ss_partition *p;
    int32_t first, last; /* nodes; p's, or a span of them */
    int32_t input;       /* the node whose tensor comes in: the network's INPUT, or one before `first` */
    int32_t output; /* the node whose tensor goes out; a FLATTEN is a wire, so this is the node before it */
    int64_t load_words; /* of the load stream */
} ss_rtl_part;

typedef struct ss_rtl {
    ss_ctx *ctx;
    ss_arena *arena;
    const ss_graph *g;
    const ss_quant *q;
    const ss_design *d;
    ss_cost *cost; /* of the design's device, for depths and styles */
    ss_rtl_opts opts;
    const char **instance; /* [g->n], unique */
    ss_rtl_part *parts;
    int32_t n_parts;
} ss_rtl;

/* ---- generate.c ---- */

/* Checks, names, parts; always followed by the other, even when it fails. */
ss_status ss_rtl_begin(ss_ctx *ctx, const ss_graph *g, const ss_quant *q, const ss_design *d, ss_rtl_opts opts,
                       ss_rtl *r);
void ss_rtl_end(ss_rtl *r);

/* ---- names.c ---- */

/* Instance names of all nodes: u_ and the ONNX name, other characters than letters and digits replaced by one
 * '_', cut to a length that file systems take, numbered where two would be equal. */
ss_status ss_rtl_names(ss_arena *a, const ss_graph *g, const char ***out);

/* ---- span.c ---- */

/* Sets input and output of nodes first..last; an error that lists the tensors when more than one comes in or
 * goes out. */
ss_status ss_rtl_find_ends(ss_ctx *ctx, const ss_graph *g, ss_rtl_part *part);
int32_t ss_rtl_partition_of(const ss_design *d, int32_t node);

/* ---- shape.c: what the modules' parameters are ---- */

/* Folding of a convolution as the modules count it. */
typedef struct ss_rtl_fold {
    int64_t k, groups, cg, fg; /* kernel positions; channels and filters a group */
    int64_t gr, ci, co, m;
    int64_t passes, steps, folds, beats; /* beats: K/M of a dense engine, 1 of a crossbar */
    bool crossbar;                       /* M < K, skipping zeros */
    bool broadcast;                      /* M parts of the kernel */
    int64_t sums, queue, lists, results; /* of a broadcast engine */
    int64_t pixels, wide;                /* engines side by side, else 1; lanes of the window */
    int64_t lanes;                       /* of a result word */
    int64_t memories, width, depth;      /* of the weights, which each of several engines has; width in bits */
} ss_rtl_fold;

ss_rtl_fold ss_rtl_fold_of(const ss_rtl *r, int32_t node);
const ss_config *ss_rtl_config(const ss_rtl *r, int32_t node);
/* Elements a word on the stream of a node's tensor inside a partition, which may be its input from another.
 */
int32_t ss_rtl_lanes(const ss_rtl *r, const ss_rtl_part *part, int32_t tensor);
static inline ss_shape ss_rtl_shape(const ss_rtl *r, int32_t node) {
    return r->g->nodes[node].shape;
}
static inline int64_t ss_rtl_words(const ss_rtl *r, const ss_rtl_part *part, int32_t tensor) {
    return ss_shape_size(ss_rtl_shape(r, tensor)) / ss_rtl_lanes(r, part, tensor);
}
/* FLATTEN and INPUT have no instance of their own; a FLATTEN is its input's stream. */
static inline bool ss_rtl_is_wire(const ss_node *n) {
    return n->op == SS_OP_FLATTEN;
}
/* It has FIFOs. */
static inline bool ss_rtl_is_join(const ss_node *n) {
    return n->op == SS_OP_ADD || n->op == SS_OP_CONCAT;
}
static inline int32_t ss_rtl_source(const ss_graph *g, int32_t tensor) {
    while (ss_rtl_is_wire(&g->nodes[tensor])) tensor = g->nodes[tensor].in[0];
    return tensor;
}

static inline const char *ss_rtl_part_number(const ss_rtl *r) {
    return r->opts.part ? r->opts.part : r->d->device.part;
}

/* ---- image.c: memory images as text for $readmemh, a row a line ---- */

/* Memory `memory` (0 .. fold.memories - 1) of a convolution's weights. load: every row also as 64-bit words
 * of the load stream, low bits first, a word a line; or NULL. */
void ss_rtl_weights(const ss_rtl *r, int32_t node, int64_t memory, ss_buf *out, ss_buf *load);
void ss_rtl_bias(const ss_rtl *r, int32_t node, ss_buf *out);
/* Rows of `lanes` channels each. */
void ss_rtl_scale(const ss_rtl *r, int32_t node, int64_t lanes, ss_buf *out);
void ss_rtl_thresholds(const ss_rtl *r, int32_t node, int64_t lanes, ss_buf *out);
/* Words of the load stream. */
static inline int64_t ss_rtl_load_words(const ss_rtl_fold *f) {
    return f->pixels * f->memories * f->depth * ss_ceil_div(f->width, 64);
}

/* ---- emit.c, nodes.c: SystemVerilog ---- */

/* The top of a partition. */
void ss_rtl_top(const ss_rtl *r, const ss_rtl_part *part, ss_buf *out);
/* One instance; `in[k]` names the stream into input k: in[k].valid and so on. */
typedef struct ss_rtl_stream {
    char valid[48], ready[48], data[48];
    int32_t lanes;
} ss_rtl_stream;
/* Words and memory of the FIFO at input k of a join. */
int64_t ss_rtl_skip_depth(const ss_rtl *r, int32_t node, int32_t k, int32_t lanes, ss_mem *mem);
/* The FIFOs before and behind each of several engines of a convolution: window words, result words (0: none). */
typedef struct ss_rtl_pixels {
    int64_t waiting, held;
    ss_mem waiting_mem, held_mem;
} ss_rtl_pixels;
ss_rtl_pixels ss_rtl_pixels_of(const ss_rtl *r, int32_t node, const ss_rtl_fold *f);
void ss_rtl_instance(const ss_rtl *r, int32_t node, const ss_rtl_stream *in, const ss_rtl_stream *out,
                     ss_buf *b);

/* ---- sources.c: the hand-written files ---- */

/* Their folder: SKIPSTREAM_RTL, else where the program was built. An error when it is not there. */
ss_status ss_rtl_folder(ss_ctx *ctx, const char **out);
/* A set of modules, by name, sorted. */
typedef struct ss_rtl_modules {
    ss_ctx *ctx;
    char **names;
    size_t n;
} ss_rtl_modules;
void ss_rtl_modules_free(ss_rtl_modules *m);
/* Adds every module that the text of a top instantiates, and that these instantiate. A module of the top
 * without a file in `folder` is an error. */
ss_status ss_rtl_modules_of(const char *folder, const char *top, ss_rtl_modules *m);
/* Writes `to` from folder/name; with keys, every @KEY@ is replaced. */
typedef struct ss_rtl_key {
    const char *key, *value; /* ends with a NULL key */
} ss_rtl_key;
ss_status ss_rtl_copy(ss_ctx *ctx, const char *folder, const char *name, const ss_rtl_key *keys,
                      const char *to);

/* ---- bundle.c, manifest.c: files ---- */

/* dir/partition_N with all in it; the modules that it uses are added to *all. */
ss_status ss_rtl_bundle(const ss_rtl *r, const ss_rtl_part *part, const char *folder, const char *dir,
                        ss_rtl_modules *all);
ss_status ss_rtl_manifest(const ss_rtl *r, const char *dir);
ss_status ss_rtl_readme(const ss_rtl *r, const char *dir);

/* Which images a node has. */
bool ss_rtl_has_bias(const ss_rtl *r, int32_t node);
bool ss_rtl_has_scale(const ss_rtl *r, int32_t node);
bool ss_rtl_has_thresholds(const ss_rtl *r, int32_t node);

#endif
