/* race: on how many images a trial is judged. For threshold/ only.
 *
 * Thresholds turn the class of those images first between whose label and best other class the network hardly decided.
 * The race takes the search split in the order of that margin at the reference, closest first, up to n/32, n/16, n/8, n/4 and
 * n/2 images; images not reached count as unchanged. It ends as soon as the loss can neither leave what is allowed nor
 * come back to it, if the share of images that turn goes on falling from part to part as it does. Where thresholds are not
 * hopeless, three quarters of the split turn next to none (docs/threshold.md).
 *
 * A verdict of the race is no proof: what is chosen has been run on all images (trial.h).
 */
#ifndef SS_RACE_H
#define SS_RACE_H

#include "infer/replay.h"

#define SS_RACE_PARTS 5
#define SS_RACE_LEAST 800 /* images; of fewer, all are run */

typedef struct ss_race_limit {
    double loss; /* Top-1 points */
    bool safe;   /* held on the upper end of the interval */
} ss_race_limit;

typedef struct ss_race {
    ss_ctx *ctx;
    int64_t n;                    /* images of the search split; 0: no race */
    int64_t ends[SS_RACE_PARTS];  /* images up to the end of each part */
    int32_t classes;
    int64_t *order;               /* [last end]: index in the search split */
    ss_dataset *hard;             /* these images */
    ss_replay *replay;            /* of them; it keeps the reference's activations */
    const float *reference;       /* [n][classes] */
    float *before, *after;        /* [last end][classes]: of `hard` */
} ss_race;

/* When thresholds are the reference's. */
ss_status ss_race_open(ss_ctx *ctx, ss_engine *e, const ss_graph *g, const ss_dataset *search, const ss_norm *norm,
                       int64_t memory, const float *reference, int32_t classes, ss_race *r);
void ss_race_close(ss_race *r);
/* Judge the thresholds in force, whose first effect is on node `changed`. scores: [n][classes], those of images not reached
 * are the reference's. *judged: images reached. */
ss_status ss_race_run(ss_race *r, int32_t changed, ss_race_limit limit, float *scores, int64_t *judged);

#endif
