/* splits: the three sets of images of a run, and where they come from.
 *
 *   calibration   value ranges of the integer network
 *   search        profile and thresholds
 *   test          accuracy; nothing is chosen on it
 *
 * --calib, --search and --test name them one by one. Those not named come from --data: from calib_batch.bin,
 * val_batch.bin and test_batch.bin when it is a folder that has them, else from disjoint ranges of its
 * records (weights 1 : 4 : 5). Search and calibration images must not be in the test split.
 *
 * --correct-bias names images of its own, or one of the first two: those by which biases are corrected.
 */
#ifndef SS_SPLITS_H
#define SS_SPLITS_H

#include "cli/job.h"

typedef enum ss_split { SS_SPLIT_CALIB, SS_SPLIT_SEARCH, SS_SPLIT_TEST, SS_SPLITS } ss_split;

typedef struct ss_splits {
    ss_dataset part[SS_SPLITS];    /* views into the files below */
    ss_study_data data[SS_SPLITS]; /* source: for people, "images.bin, records 100..499" */
    char source[SS_SPLITS][640];
    ss_dataset correct;            /* at most SS_CORRECT_IMAGES; none: biases stay */
    ss_study_data correct_data;
    ss_dataset *file[SS_SPLITS + 2]; /* one per split, then --data when it is divided, then those of --correct-bias */
} ss_splits;

/* limit: at most so many images of search and of test, 0: all. Free in any case. */
ss_status ss_splits_load(ss_job *j, int64_t limit, ss_splits *out);
void ss_splits_free(ss_splits *s);

#endif
