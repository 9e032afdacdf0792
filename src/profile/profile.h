/* profile: what zeros a network's convolutions see on real data.
 *
 * For each CONV and each of its input channels: a histogram of non-zeros per window (0..K, K = kh*kw; padding
 * zeros are zeros, weights play no part), over all output pixels of all images. For each legal number of
 * parallel input streams ci (divisors of C/groups): the histogram of the largest non-zero count within a
 * step, a step being ci consecutive channels [s*ci, (s+1)*ci) at one output pixel: what streams that advance
 * together must wait for. For streams that meet only once a pixel (broadcast engines): what the fullest of them has, for
 * every such ci and for kernels in P parts, P a divisor of K, up to SS_PROFILE_MOST_STREAMS streams; docs/formats.md
 * says what is counted. Profiles are measured on the integer network (quantised zeros are zeros) or assumed
 * (independent zeros).
 */
#ifndef SS_PROFILE_H
#define SS_PROFILE_H

#include "graph/deal.h"
#include "graph/shifts.h"
#include "infer/replay.h"

#define SS_LIST_SPANS 5             /* blocks of 1, 4, 16, 64, 256 lists */
#define SS_LIST_SPAN(i) (1 << 2 * (i))
#define SS_PROFILE_ANY_PARTS 16     /* P up to this need not divide K */
#define SS_PROFILE_MOST_STREAMS 256 /* ci * P; of more, nothing is known */

/* ci * P streams: sums over blocks of 4^i lists (a list: what a stream has of a pixel and group) of the largest that a stream
 * has. Blocks end with the image. */
typedef struct ss_list_stats {
    double busiest[SS_LIST_SPANS];    /* max(1, non-zeros): cycles of one fold */
    double compaction[SS_LIST_SPANS]; /* cycles to list them: max(1, non-zeros) a word */
    double word;                      /* the same, all streams meeting at every word */
} ss_list_stats;

typedef struct ss_layer_profile {
    const char *name;    /* the CONV node */
    int32_t channels, k; /* input channels C, K = kh*kw */
    int32_t groups;
    double windows;     /* windows per channel: images * Ho * Wo */
    const double *hist; /* [channels][k+1]: counts (measured) or probabilities times windows (assumed) */
    int32_t n_ci;
    const int64_t *ci;      /* divisors of channels/groups, ascending */
    const double *max_hist; /* [n_ci][k+1]: steps by their largest count; steps = windows * channels / ci */
    int32_t n_parts;
    const int32_t *parts;       /* ascending: parts of the kernel, 1..K */
    const ss_list_stats *lists; /* [n_parts][n_ci]; zeros for too many streams */
    double zero_ratio;      /* of the input tensor's elements (without padding) */
} ss_layer_profile;

typedef struct ss_relu_profile {
    const char *name; /* the ReLU */
    double zero_ratio;
    int32_t channels;
    const double *channel_zero_ratio;
    float threshold;         /* in force; per-channel thresholds: their mean */
    const float *thresholds; /* [channels], or NULL when one threshold serves all channels */
} ss_relu_profile;

typedef struct ss_profile {
    ss_ctx *ctx;
    ss_arena *arena;
    uint64_t model; /* ss_graph_hash */
    int bits;
    bool assumed;
    double assumed_zeros;
    int64_t images;           /* measured: how many; assumed: 1 */
    const char *source;       /* where the images came from, for people; "" when assumed or not said */
    ss_orders orders;         /* in which channels stood when this was measured; histograms are of that order */
    ss_shifts shifts;         /* of biases, corrected for the thresholds in force */
    uint64_t data;            /* ss_dataset_hash of the images; 0 when assumed */
    ss_layer_profile *layers; /* one per CONV, graph order */
    int32_t n_layers;
    ss_relu_profile *relus;
    int32_t n_relus;
} ss_profile;

/* One integer run over d; scores as in ss_engine_run, so that accuracy comes from the same pass. */
ss_status ss_profile_measure(ss_ctx *ctx, const ss_graph *g, ss_engine *e, const ss_quant *q,
                             const ss_dataset *d, const ss_norm *norm, float *scores, ss_profile **out);
/* Lanes and parts of the kernel of the broadcast engine that a convolution has; parts 0: it has none. */
typedef struct ss_profile_fold {
    int64_t ci;
    int32_t parts;
} ss_profile_fold;
/* The same for hardware that is there: what streams wait for in these foldings ([g->n]) is counted on all images, of others
 * on some, as ever. */
ss_status ss_profile_measure_folds(ss_ctx *ctx, const ss_graph *g, ss_engine *e, const ss_quant *q, const ss_dataset *d,
                                   const ss_norm *norm, const ss_profile_fold *folds, ss_profile **out);
/* The same after a change whose first effect is on the tensor of node `changed`: only what lies behind is run
 * (replay.h), on the first `images` images. base: the profile of these images before the change, from which what lies
 * before is copied; NULL: everything is run. keep: as ss_replay_run. lists: count what streams of broadcast engines do; without,
 * the profile is good for other engines only. */
ss_status ss_profile_remeasure(ss_ctx *ctx, const ss_graph *g, const ss_quant *q, ss_replay *r, int32_t changed,
                               int64_t images, bool keep, bool lists, const ss_profile *base, float *scores,
                               ss_profile **out);
/* Every activation behind a ReLU zero with probability `zeros`, independently; the network's input has no
 * zeros but its padding. Border windows are mixed exactly. */
ss_status ss_profile_assume(ss_ctx *ctx, const ss_graph *g, double zeros, int bits, ss_profile **out);
void ss_profile_free(ss_profile *p);
ss_status ss_profile_set_source(ss_profile *p, const char *source);
ss_status ss_profile_save(const ss_profile *p, const char *path);
/* Refuses a profile of another model. */
ss_status ss_profile_load(ss_ctx *ctx, const ss_graph *g, const char *path, ss_profile **out);

/* What was counted of layer `from` into `to`, the same convolution's in p. */
ss_status ss_profile_copy_layer(ss_profile *p, ss_layer_profile *to, const ss_layer_profile *from);

const ss_layer_profile *ss_profile_layer(const ss_profile *p, const char *conv); /* or NULL */
/* Histogram of the largest count over ci streams, [k+1], or NULL when ci does not divide C/groups. */
const double *ss_profile_max_hist(const ss_layer_profile *l, int64_t ci);
/* Of ci lanes and kernels in so many parts, or NULL when nothing is known of them. */
const ss_list_stats *ss_profile_lists(const ss_layer_profile *l, int64_t ci, int64_t parts);
double ss_profile_mean(const double *hist, int32_t k);      /* mean of a histogram over 0..k; 0 when empty */
double ss_profile_mean_nonzeros(const ss_layer_profile *l); /* per window, over all channels */

#endif
