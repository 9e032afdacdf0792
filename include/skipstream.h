/* skipstream: from a trained CNN to a streaming FPGA accelerator that skips multiplications by zero.
 *
 * Conventions of this interface
 *  - Handles are opaque; every `ss_X_new`/`ss_X_load` has one `ss_X_free`, which accepts NULL.
 *  - Every call that can fail takes an ss_ctx first and returns ss_status. What went wrong is in the
 *    context's diagnostics, all of it, not only the first problem.
 *  - The library has no global state, never prints, never exits. A context is used by one thread at a
 *    time; different contexts are independent.
 *  - Units: cycles (clock cycles of the accelerator), bits, words, images/s. Shapes are per image,
 *    channels x height x width; the batch dimension is implicit.
 */
#ifndef SKIPSTREAM_H
#define SKIPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SS_VERSION "0.1.0"

typedef enum ss_status {
    SS_OK = 0,  /* done */
    SS_NO = 1,  /* done, and the answer is no (a verification failed, say) */
    SS_BAD = 2, /* bad use or bad input; see the diagnostics */
} ss_status;

/* ---- context: allocator hook, threads, progress, diagnostics ---- */

typedef struct ss_ctx ss_ctx;

/* Like realloc: size 0 frees, ptr NULL allocates. Returns NULL when there is no memory. */
typedef void *(*ss_alloc_fn)(void *user, void *ptr, size_t size);

/* Called from the thread that called the library, never from a worker.
 * done and total count units of `what` ("images", "ranges"); total 0 means unknown. */
typedef void (*ss_progress_fn)(void *user, const char *what, uint64_t done, uint64_t total);

typedef enum ss_severity { SS_NOTE, SS_WARNING, SS_ERROR } ss_severity;

/* One problem. Strings live as long as the context; absent parts are "". */
typedef struct ss_diag {
    ss_severity severity;
    const char *where;  /* file, node name or option */
    const char *op;     /* operator, where a node is concerned */
    const char *shape;  /* shape or value concerned */
    const char *cause;  /* what is wrong, one sentence, no full stop */
    const char *remedy; /* what the user can do about it */
} ss_diag;

ss_ctx *ss_ctx_new(void);                                 /* NULL: out of memory */
ss_ctx *ss_ctx_new_with(ss_alloc_fn alloc, void *user);
void ss_ctx_free(ss_ctx *ctx);
void ss_ctx_set_threads(ss_ctx *ctx, int threads);        /* <= 0: all cores (the default) */
int ss_ctx_threads(const ss_ctx *ctx);                    /* >= 1 */
void ss_ctx_set_progress(ss_ctx *ctx, ss_progress_fn fn, void *user);

size_t ss_diag_count(const ss_ctx *ctx);
size_t ss_diag_errors(const ss_ctx *ctx);                 /* how many of them are SS_ERROR */
const ss_diag *ss_diag_at(const ss_ctx *ctx, size_t i);
void ss_diag_clear(ss_ctx *ctx);

/* ---- a network, from file to accelerator design ----
 *
 * The usual order: open, read images, prepare (fix the arithmetic), then predict, profile, explore.
 * A network with its arithmetic, profiles and designs are independent of the images that they came from; profiles and
 * designs refer to the network and must be freed before it.
 */

typedef struct ss_network ss_network;
typedef struct ss_dataset ss_dataset;
typedef struct ss_profile ss_profile;
typedef struct ss_design ss_design;

typedef struct ss_network_info {
    int channels, height, width; /* of an input image */
    int classes;
    int nodes, relus;            /* after the passes */
    int64_t macs, weights;       /* multiplications an image; biases not counted */
    uint64_t id;                 /* structure and weights, not thresholds */
} ss_network_info;

/* Import an ONNX file and bring it to canonical form. */
ss_status ss_network_open(ss_ctx *ctx, const char *onnx_path, ss_network **out);
void ss_network_free(ss_network *n);
void ss_network_get_info(const ss_network *n, ss_network_info *info);
/* Input normalisation, one value per channel: (pixel/255 - mean) / std. Without this call: MODEL.input.json. */
ss_status ss_network_set_norm(ss_ctx *ctx, ss_network *n, const float *mean, const float *std);

/* CIFAR-10-style records, a file or a folder; limit 0: all. */
ss_status ss_images_open(ss_ctx *ctx, const ss_network *n, const char *path, int64_t limit, ss_dataset **out);
void ss_images_free(ss_dataset *images);
int64_t ss_images_count(const ss_dataset *images);
int ss_images_label(const ss_dataset *images, int64_t i);

/* Fix the arithmetic: bits 0 (float), 8 or 16; the integer networks take their ranges from `calibration`. Replaces
 * what was prepared before. */
ss_status ss_network_prepare(ss_ctx *ctx, ss_network *n, int bits, const ss_dataset *calibration);
/* scores[image][class], real numbers. */
ss_status ss_network_predict(ss_ctx *ctx, ss_network *n, const ss_dataset *images, float *scores);
/* y = x > t ? x : 0 for the ReLU of that ONNX node name, or for all (relu NULL). t >= 0, a real number. */
ss_status ss_network_set_threshold(ss_ctx *ctx, ss_network *n, const char *relu, float t);

/* Zeros that the convolutions see: measured on images (after prepare with 8 or 16 bits), or assumed. */
ss_status ss_network_profile(ss_ctx *ctx, ss_network *n, const ss_dataset *images, ss_profile **out);
ss_status ss_network_assume(ss_ctx *ctx, const ss_network *n, double zeros, int bits, ss_profile **out);
ss_status ss_profile_save(const ss_profile *p, const char *path);
void ss_profile_free(ss_profile *p);

typedef struct ss_design_info {
    int partitions;
    double interval;          /* cycles an image, summed over partitions */
    double throughput;        /* images/s at the batch, fill and reconfiguration included */
    double throughput_steady; /* images/s, endless batch */
    double bound, gap;        /* no design in the space exceeds bound; gap = bound / throughput - 1 */
    double latency_us;        /* of a single image */
    int64_t lut, ff, dsp, bram18, uram; /* of the largest partition, each */
} ss_design_info;

/* device: a name ("u250") or a path to a device file. p: must not be NULL. batch: images between reconfigurations,
 * >= 1. */
ss_status ss_network_explore(ss_ctx *ctx, const ss_network *n, const ss_profile *p, const char *device, int64_t batch,
                             ss_design **out);
/* The same hardware fed with another profile, which must not be NULL. */
ss_status ss_network_estimate(ss_ctx *ctx, const ss_network *n, const ss_design *d, const ss_profile *p,
                              ss_design **out);
void ss_design_get_info(const ss_design *d, ss_design_info *info);
ss_status ss_network_save_design(const ss_network *n, const ss_design *d, const char *path);
void ss_design_free(ss_design *d);

#endif
