/* threshold: how far the ReLU thresholds of a network can be raised without retraining, and what that buys.
 *
 * A study starts from the network as it came (threshold 0) and a sparse design explored for its zeros on the
 * search split: the reference. A policy then proposes thresholds; each proposal is one integer run over the
 * search split, which gives accuracy and profile together, and is priced twice: the reference design fed with
 * the new profile (baseline hardware), and a design explored anew (optimised hardware). For each kind of
 * hardware the fastest proposal within the loss allowed is chosen, and only these are run, once, on the test
 * split.
 *
 * A study may ask for several policies; trials of the same thresholds are run once. A trial is judged on the images
 * that decide (race.h) and priced on few; what could be chosen is then run on all of them.
 *
 * With a correction (correct.h), what thresholds remove is folded into the biases behind them at every trial.
 *
 * Losses are Top-1 points, paired (the same images before and after), with 95 % intervals. Gains are ratios
 * of throughput to the reference's. A ReLU whose threshold the model itself sets never goes below it.
 *
 * On disk: "skipstream.study" version 1 (store.c has the keys). A point is reproducible by eval and estimate
 * alone: its thresholds go into a thresholds file, its hardware follows from the profile under them.
 */
#ifndef SS_THRESHOLD_H
#define SS_THRESHOLD_H

#include "base/json.h"
#include "explore/explore.h"
#include "threshold/correct.h"

typedef enum ss_policy { SS_POLICY_UNIFORM, SS_POLICY_LATENCY, SS_POLICY_GREEDY, SS_POLICIES } ss_policy;
extern const char *const ss_policy_names[SS_POLICIES]; /* "uniform", "latency-aware", "greedy-gain" */

typedef enum ss_hardware { SS_HW_BASELINE, SS_HW_OPTIMISED, SS_HARDWARE } ss_hardware;
extern const char *const ss_hardware_names[SS_HARDWARE]; /* "baseline", "optimised" */

/* What a design does with a profile. */
typedef struct ss_hw_result {
    double interval;   /* cycles an image; several partitions: their sum */
    double throughput; /* images/s at the batch */
    double throughput_steady;
    double gain;       /* throughput / the reference's */
    double bound, gap; /* of the exploration; baseline: of the reference design's */
    int32_t partitions;
    ss_resources res; /* largest over the partitions */
} ss_hw_result;

typedef struct ss_study_point {
    int32_t policy;                /* ss_policy; -1: the reference */
    int64_t images;                /* of the search split, from its first on, that zeros and throughput are of */
    int64_t judged;                /* that were run for the loss, the closest first; the others count as unchanged */
    double t;                      /* the policy's own parameter; uniform: the threshold; others: steps taken */
    int32_t walk;                  /* the hardware (ss_hardware) whose slowest nodes led here; -1: no matter */
    const float *thresholds;       /* [n_relus], real */
    const int32_t *integers;       /* [n_relus], floor(t * 2^frac) as the hardware compares */
    const double *zero_ratio;      /* [n_relus] */
    double zeros;                  /* of all elements behind ReLUs */
    double top1, top5;             /* percent, search split */
    double loss, loss_lo, loss_hi; /* Top-1 points, paired with the reference */
    ss_hw_result hw[SS_HARDWARE];  /* throughput 0 where that kind was not asked for */
} ss_study_point;

typedef struct ss_test_result {
    double top1, top5, loss, loss_lo, loss_hi; /* test split, paired with the reference there */
} ss_test_result;

/* Which images. */
typedef struct ss_study_data {
    const char *source;
    uint64_t hash; /* ss_dataset_hash */
    int64_t images;
} ss_study_data;

typedef struct ss_study_opts {
    unsigned policies;  /* bit 1 << policy; at least one */
    unsigned hardware;  /* bit 1 << kind; at least one */
    double max_loss;    /* Top-1 points, >= 0 */
    bool safe;          /* the upper end of the loss's interval must stay within max_loss, not the loss alone */
    bool whole;         /* every candidate is run whole on all images: what the short cuts are measured against */
    double step, t_max; /* > 0 */
    int32_t refine;     /* bisections between the last threshold within max_loss and the next; 2 by default */
    unsigned engines;   /* as in ss_cost_opts */
    int64_t memory;     /* bytes for kept activations (infer/replay.h); time changes with it, results do not */
    ss_explore_opts explore;
} ss_study_opts;

#define SS_STUDY_MEMORY ((int64_t)4 << 30)

/* What a study works on; nothing is owned. Thresholds of g and q change meanwhile and are put back. */
typedef struct ss_study_task {
    ss_graph *g;
    ss_quant *q;
    ss_engine *e;                    /* the integer engine of g and q */
    const ss_dataset *search, *test; /* test NULL: no confirmation */
    const ss_norm *norm;
    const ss_device *device;
    const char *calib_source; /* for the record, as the next three */
    const char *dealing;      /* how the channels of g were dealt; NULL: not said */
    ss_study_data search_data, test_data;
    ss_correction *correction; /* of g, q and e at the model's own thresholds; NULL: biases stay */
    ss_study_data correction_data;
    ss_study_opts opts;
    const char *checkpoint; /* where the study is saved after every trial, or NULL */
    bool resume;            /* trials that stand in the checkpoint already are taken from there */
} ss_study_task;

typedef struct ss_study {
    ss_ctx *ctx;
    ss_arena *arena;
    uint64_t model;
    const char *model_name;
    int bits;
    ss_study_opts opts;
    ss_device device;
    const char *calib_source, *dealing;
    ss_study_data search_data, test_data, correction_data; /* the last without images: biases stay */
    const char **relus; /* [n_relus], graph order */
    int32_t n_relus;
    ss_hw_result reference;
    ss_study_point *points; /* ascending policy, walk, t; points[0] is the reference */
    int32_t n_points, cap_points;
    int32_t chosen[SS_HARDWARE]; /* index into points, or -1: the fastest of all policies */
    int32_t best[SS_POLICIES][SS_HARDWARE]; /* of each policy */
    bool complete;               /* false in a checkpoint */
    bool tested;
    ss_test_result test_reference, test[SS_HARDWARE], best_test[SS_POLICIES][SS_HARDWARE];
    ss_design *reference_design, *optimised_design; /* the latter: of the chosen point, or NULL */
} ss_study;

/* Every problem that the options have by themselves; ss_study_run asks too. */
ss_status ss_study_check_opts(ss_ctx *ctx, const ss_study_opts *o);
/* Errors: search and test share images, max_loss < 0, a ReLU with per-channel thresholds, nothing fits the
 * device. */
ss_status ss_study_run(ss_ctx *ctx, const ss_study_task *task, ss_study **out);
void ss_study_free(ss_study *s);
json_t *ss_study_json(const ss_study *s); /* the artefact; NULL: out of memory */
ss_status ss_study_save(const ss_study *s, const char *path);
/* The points of an unfinished study of the same task as s, in the arena of s, points[0] of which is the reference. Refuses
 * any other study, and says in what it differs: in what was asked, or else in the reference. */
ss_status ss_study_load_points(const ss_study *s, const char *path, ss_study_point **points, int32_t *n);
/* Does the point lose no more than is allowed, as far as it was judged? */
bool ss_study_promising(const ss_study *s, const ss_study_point *pt);
/* And on all images? */
bool ss_study_within(const ss_study *s, const ss_study_point *pt);
/* "uniform,greedy-gain" */
void ss_study_policies(const ss_study *s, char out[64]);
/* Put the thresholds of a point into the graph. */
void ss_study_apply(const ss_study *s, int32_t point, ss_graph *g);
/* The same with the quantised network, and the biases corrected for them; point 0: as the model came. */
ss_status ss_study_put(const ss_study *s, const ss_study_task *task, int32_t point);

#endif
