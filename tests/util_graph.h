/* Test helpers: small random networks, datasets and a counting allocator. Everything follows from its seed.
 * Builders return NULL when out of memory (the diagnostics say so) and canonical graphs (passes have run). */
#ifndef UTIL_GRAPH_H
#define UTIL_GRAPH_H

#include "data/data.h"
#include "graph/graph.h"

/* ---- random numbers: splitmix64 ---- */
typedef struct util_rng {
    uint64_t state;
} util_rng;
uint64_t util_rng_next(util_rng *r);
int32_t util_rng_int(util_rng *r, int32_t lo, int32_t hi);  /* lo..hi, both included */
float util_rng_float(util_rng *r, float lo, float hi);
float util_rng_normal(util_rng *r);                         /* mean 0, deviation 1, |x| < 6 */

/* ---- nodes: append one, shape inferred, names made from `name`; -1 when it does not fit or memory is out.
 * Passing in = -1 gives -1, so calls can be chained and checked once. ---- */
int32_t util_add_input(ss_graph *g, int32_t c, int32_t h, int32_t w);
/* Square or not; random He-scaled weights from r; groups >= 1. */
typedef struct util_conv_spec {
    int32_t f, kh, kw, sh, sw, pt, pl, pb, pr, groups; /* 0 in kw, sh, sw, groups: kh, 1, sh, 1 */
    bool bias, fc;
} util_conv_spec;
int32_t util_add_conv(ss_graph *g, const char *name, int32_t in, util_conv_spec s, util_rng *r);
int32_t util_add_relu(ss_graph *g, const char *name, int32_t in, float threshold, float ceiling);
int32_t util_add_batchnorm(ss_graph *g, const char *name, int32_t in, util_rng *r);
int32_t util_add_pool(ss_graph *g, const char *name, ss_op op, int32_t in, int32_t k, int32_t stride, int32_t pad);
int32_t util_add_slice(ss_graph *g, const char *name, int32_t in, int32_t offset, int32_t stride, int32_t cut);
int32_t util_add_chanpad(ss_graph *g, const char *name, int32_t in, int32_t before, int32_t after);
int32_t util_add_simple(ss_graph *g, const char *name, ss_op op, int32_t a, int32_t b); /* b < 0: one input */

/* ---- whole networks ---- */
/* Input c x h x w, one convolution "conv", and "relu" when asked for. */
ss_graph *util_one_conv(ss_ctx *ctx, int32_t c, int32_t h, int32_t w, util_conv_spec s, bool relu, uint32_t seed);
/* Input 3x16x16, n convolutions 3x3 ("conv1"...) to 8, 12, 16... channels with ReLUs ("relu1"...), max pool after the
 * second, global average pool, "fc" to 10. */
ss_graph *util_chain(ss_ctx *ctx, int32_t n, uint32_t seed);
/* Input 3x16x16, stem 3x3 to 8, a residual block, a strided block to 16 with a 1x1 shortcut, global average pool, "fc"
 * to 10. ReLUs: "stem_relu", "b1_relu1", "b1_relu2", "b2_relu1", "b2_relu2". */
ss_graph *util_small_resnet(ss_ctx *ctx, uint32_t seed);

/* ---- data ---- */
ss_dataset *util_dataset(ss_ctx *ctx, ss_shape shape, int32_t classes, int64_t n, uint32_t seed); /* ss_dataset_free */
bool util_write_records(const char *path, const ss_dataset *d); /* label byte + pixels a record */
bool util_write_text(const char *path, const char *text);
/* A new empty folder under $TMPDIR or /tmp, its path in out. */
bool util_temp_dir(char out[256]);
void util_remove_dir(const char *dir); /* and the files in it, one level */

/* ---- allocator that fails the n-th allocation, for ss_ctx_new_with ---- */
typedef struct util_oom {
    int64_t fail_at; /* 0: never */
    bool for_good;   /* and every one after it */
    int64_t count;   /* allocations so far */
    int64_t live;    /* blocks not yet freed */
} util_oom;
void *util_oom_alloc(void *user, void *ptr, size_t size);
/* Calls attempt on contexts that fail their first, second, third... allocation, until it succeeds; first with only that
 * one failing, then with all after it too. attempt frees what it made. False (said on stderr) when an attempt fails
 * without an error diagnostic, succeeds with one, leaks, or never succeeds. */
bool util_oom_sweep(bool (*attempt)(ss_ctx *ctx));

/* ---- diagnostics ---- */
bool util_has_error(const ss_ctx *ctx, const char *text); /* in cause, where, shape or remedy of an SS_ERROR */
void util_print_diags(const ss_ctx *ctx);                 /* to stderr */

#endif
