/* conv_internal: what the files of the fast convolution share. Private to conv*.c.
 *
 * Method: implicit matrix product. The image is copied into a zero-padded plane (height x width x channel, one group
 * at a time), in which the window of a pixel is kh contiguous runs of kw * cs elements; the weights are packed in the
 * same order. A tile kernel keeps the sums of some groups of neighbouring pixels x up to SS_CONV_VECTORS vectors of
 * filters in registers, then finishes them: bias, requantise, activation, store. The pixels of a group lie in one row,
 * so that one pointer and one step address them all; behind the end of a row a group computes pixels that nobody
 * stores, from whatever the plane holds there (it has room for them).
 *
 * Exactness. Forms I16 and U8 sum in 32 bits. Where the filters' L1 norms and the range of the input allow a sum beyond
 * 32 bits (`wide`), a plan made for each tile from the norms of the data at hand says before which products the high
 * halves must be moved into a second accumulator ("spill"): sum = high * 2^16 + low. In the worst case that is before
 * every pair of products, and the result is exact for any data.
 */
#ifndef SS_CONV_INTERNAL_H
#define SS_CONV_INTERNAL_H

#include "infer/conv.h"
#include "infer/ops.h"

enum {
    SS_CONV_GROUPS = 6,    /* of pixels, of a tile, at most */
    SS_CONV_SUMS = 24,     /* vectors of sums of a tile, at most */
    SS_CONV_VECTORS = 2,   /* of filters, of a tile, at most */
    SS_CONV_LANES = 16,    /* filters of a vector, at most */
    SS_CONV_CHUNK = 32,    /* channels that a plan decides about at once */
};

typedef enum ss_conv_form {
    SS_FORM_FLOAT,
    SS_FORM_I16, /* int16 pairs: 2 products a lane and step */
    SS_FORM_U8,  /* unsigned 8 bit activations (signed ones shifted by 128): 4 products a lane and step */
} ss_conv_form;

typedef enum ss_conv_spill { SS_SPILL_NONE, SS_SPILL_ONCE, SS_SPILL_EVERY_STEP } ss_conv_spill;

/* One tile of work for a kernel. */
typedef struct ss_conv_tile {
    const char *x[SS_CONV_GROUPS]; /* first element of the window of each group's first pixel; all valid */
    char *y[SS_CONV_GROUPS];       /* where that pixel's outputs begin, and the bytes to this tile's first filter */
    int64_t y_at;
    int64_t x_step, y_step;        /* bytes from there to the next pixel's */
    int32_t groups;                /* 1..SS_CONV_GROUPS; the first `groups` are to be stored */
    int32_t pixels[SS_CONV_GROUPS]; /* of each group to be stored, 1..group */
    int32_t vectors;               /* of filters, 1..SS_CONV_VECTORS */
    int32_t stored[SS_CONV_VECTORS]; /* lanes of each vector that may be written */
    const char *w;                 /* packed weights: [kh][kw * cs / unit][vectors][lanes][unit] */
    const uint8_t *plan;           /* ss_conv_spill of each chunk, in order kh, kw, channels; NULL: never */
    int32_t filter;                /* index of the first lane in the per-filter arrays (padded numbering) */
    const void *thr;               /* threshold of each lane from there on: float or int32_t */
} ss_conv_tile;

typedef struct ss_conv_kernels {
    int32_t lanes;  /* filters of a vector */
    int32_t group;  /* pixels of a group */
    int32_t groups; /* of a full tile of SS_CONV_VECTORS vectors; one vector: twice as many */
    void (*tile)(const ss_conv *c, const ss_conv_tile *t);
    /* Form U8's activations, y[i] = x[i] + offset; NULL: no form U8, 8 bit data goes through I16. */
    void (*to_bytes)(const int16_t *x, int32_t n, int32_t offset, uint8_t *y);
    /* max[chunk] = largest of a row's sums of squares / 32 of that chunk, rounded up. */
    void (*row_squares)(const int16_t *row, int32_t pixels, int32_t cs, int32_t *max);
    /* Depthwise, one tap: acc[f] += x[f / per_group] * w[f], for groups * per_group filters. */
    void (*depth_int)(int64_t *acc, const int16_t *x, const int16_t *w, int32_t groups, int32_t per_group);
    void (*depth_float)(float *acc, const float *x, const float *w, int32_t groups, int32_t per_group);
} ss_conv_kernels;

extern const ss_conv_kernels ss_conv_portable, ss_conv_avx2, ss_conv_avx512;
extern const ss_loops ss_loops_portable, ss_loops_avx2, ss_loops_avx512;

struct ss_conv {
    ss_ctx *ctx;
    const ss_graph *g;
    const ss_node *n;
    const ss_qnode *qn; /* NULL: float */
    const ss_conv_kernels *k;
    ss_conv_form form;
    bool depthwise;     /* one channel a group: conv_depthwise.c */
    bool wide;          /* sums may leave 32 bits: plans are needed */
    bool non_negative;  /* no input is below 0 */
    int32_t x_offset;   /* added to the input's integers: 128 where form U8 meets signed inputs */
    ss_shape in, out;
    int32_t groups, cg, fg; /* channels and filters of a group */

    /* plane of one group */
    int32_t esize;      /* bytes an element: 4, 2, 1 */
    int32_t unit;       /* elements a 32-bit lane takes at once: 1, 2, 4 */
    int32_t cs;         /* elements a pixel: cg in whole 4s */
    int32_t ph, pw;     /* pixels, padding included */
    int32_t run_bytes;  /* one row of a window: kw * cs elements */
    int32_t row_bytes;  /* one row of the plane */
    int32_t chunks;     /* of a pixel's channels */
    int32_t chunk_count; /* of a window: kh * kw * chunks */
    int32_t row_groups; /* groups of pixels of an output row */
    int32_t tile_groups; /* of a tile */
    int32_t tiles;      /* of the output map */

    /* filters: per group `vectors` vectors of `lanes`; lanes without a filter are zero throughout */
    int32_t lanes, vectors, padded; /* padded = vectors * lanes */
    int64_t panel_bytes;            /* of SS_CONV_VECTORS vectors of packed weights */
    char *weights; /* depthwise: [kh][kw][filter]; else
                    * [group][panel][kh][kw * cs / unit][vectors of the panel][lanes][unit] */
    float *w_norm; /* wide: [group][chunk_count], the largest over the filters */

    void *filters; /* the memory of the arrays below, each [groups * padded] */
    void *depth_bias; /* depthwise: int64_t or float [filters] */
    float *bias_f;
    int32_t *bias_lo, *bias_hi; /* wide: bias = hi * 2^16 + lo, 0 <= lo < 2^16; else lo alone */
    int32_t *a_lo, *a_hi;       /* range for acc >> pre, beyond which the result saturates anyway */
    int32_t *mult, *shift;
    bool quick;       /* every mult * 2^(32 - shift) fits 32 bits and is in quick_mult: the result is the product's high
                       * half, and no sum needs a_lo and a_hi */
    int32_t *quick_mult;

    /* parts of a thread's scratch: plane first, then at these offsets */
    size_t row_max_at; /* wide: float [ph][chunks], largest norm of a row's pixels; int32_t [chunks] behind */
    size_t plan_at;    /* wide: uint8_t [tiles][chunk_count] */
    size_t thr_at;     /* [padded], float or int32_t */
    size_t scratch_bytes;
};

/* conv_pack.c: weights, bias and requantisation in the kernels' order. */
ss_status ss_conv_pack(ss_conv *c);
/* Adds what is wrong with a quantisation that the kernels could not run exactly; decides form and wide. */
ss_status ss_conv_choose_form(ss_conv *c, int bits, int32_t in_lo, int32_t in_hi);

/* conv_plane.c */
void ss_conv_plane(const ss_conv *c, int32_t group, const void *in, int32_t in_stride, void *plane);
void ss_conv_plans(const ss_conv *c, int32_t group, const void *plane, char *scratch);

/* conv_depthwise.c: groups of one channel, any number of filters each; plain loops over the channels. */
void ss_conv_depthwise(const ss_conv *c, const void *in, int32_t in_stride, void *out, int32_t out_stride, void *scratch);

#endif
