/* infer: runs a graph on images, in float or in the integers of quant/.
 *
 * Integer results are bit-identical for every instruction set and thread count. Images are independent and are
 * spread over threads; within a thread tensors are height x width x channel (channels fastest).
 */
#ifndef SS_INFER_H
#define SS_INFER_H

#include "quant/quant.h"

typedef enum ss_isa { SS_ISA_AUTO, SS_ISA_PORTABLE, SS_ISA_AVX2, SS_ISA_AVX512 } ss_isa; /* AVX512 means with VNNI */

typedef struct ss_engine ss_engine;

/* q NULL: float. The engine packs weights for the instruction set; graph and quant must outlive it. Thresholds are
 * read from graph/quant at each run, biases once. */
ss_status ss_engine_new(ss_ctx *ctx, const ss_graph *g, const ss_quant *q, ss_isa isa, ss_engine **out);
void ss_engine_free(ss_engine *e);
const char *ss_engine_isa(const ss_engine *e); /* "avx512-vnni", "avx2", "portable" */

/* After the bias of a convolution changed (in q: ss_quant_set_bias). */
ss_status ss_engine_rebias(ss_engine *e, int32_t node);

/* One tensor of one image: element (c,h,w) at data[(h*W + w)*stride + c]; float, or int16_t for both 8 and 16 bits. */
typedef struct ss_view {
    const void *data;
    bool is_float;
    ss_shape shape;
    int32_t stride; /* elements per pixel, >= shape.c */
} ss_view;

/* Called on worker threads for every node of every image, in node order within an image; thread < ss_ctx_threads. */
typedef void (*ss_observer)(void *user, int thread, int64_t image, int32_t node, ss_view v);

typedef struct ss_run_opts {
    ss_observer observer; /* or NULL */
    void *observer_user;
    /* [threads][nodes], added to; or NULL. Integers only: each node's values at an end of their range (0 as an end means
     * nothing and is not counted), a sign of saturation. */
    int64_t *saturated;
    /* Begin behind a node, whose tensor `resume` gives for each image (integers, laid out as an observer's view of it,
     * aligned and followed by as many bytes as SS_TENSOR_SLACK); no later node may read anything before it. The
     * observer sees later nodes only. NULL: begin with the image. Called on worker threads. */
    const int16_t *(*resume)(void *user, int64_t image);
    void *resume_user;
    int32_t resume_after;
    int32_t until; /* the last node to run; scores must be NULL. 0: all */
} ss_run_opts;

#define SS_TENSOR_SLACK 128 /* bytes behind a tensor that kernels may read */

/* scores: [d->n][classes], the output tensor as real numbers (integers scaled back); may be NULL. */
ss_status ss_engine_run(ss_ctx *ctx, ss_engine *e, const ss_dataset *d, const ss_norm *norm, const ss_run_opts *opts,
                        float *scores);
/* One float image of any input shape, channel-major, straight to a channel-major output: for operator tests. */
ss_status ss_engine_run_raw(ss_ctx *ctx, ss_engine *e, const float *image, float *out);

/* Accuracy with Wilson 95 % intervals, in percent. Ties: the lower class index wins. */
typedef struct ss_accuracy {
    int64_t images, top1_hits, top5_hits;
    double top1, top5, top1_lo, top1_hi, top5_lo, top5_hi;
} ss_accuracy;
void ss_accuracy_of(const ss_dataset *d, const float *scores, int32_t classes, ss_accuracy *out);
/* How many images scores a get right and b wrong (lost), and the reverse (won). */
void ss_paired_turned(const ss_dataset *d, const float *a, const float *b, int32_t classes, int64_t *lost, int64_t *won);
/* Loss in points when of n images so many turned, with its 95 % interval (normal approximation on discordant pairs). */
void ss_paired_interval(int64_t lost, int64_t won, int64_t n, double *loss, double *lo, double *hi);
/* Both: the paired loss a -> b. */
void ss_paired_loss(const ss_dataset *d, const float *a, const float *b, int32_t classes, double *loss, double *lo,
                    double *hi);

#endif
