/* design_job: what every command on a design's hardware begins with: the design, its model, the integer
 * network with the thresholds in force. */
#ifndef SS_DESIGN_JOB_H
#define SS_DESIGN_JOB_H

#include "cli/job.h"

/* Rows for a command's option table. */
#define SS_DESIGN_JOB_OPTS                                                                                   \
    SS_MODEL_OPT,                                                                                            \
        { "calib", "C",                                                                                      \
          "a saved calibration, or images for value ranges (default: calibration.json\n"                     \
          "                           beside the design)",                                                   \
          false },                                                                                           \
        { "thresholds", "T.json", "ReLU thresholds (default: those of the design)", false }, SS_NORM_OPTS

typedef struct ss_design_job {
    ss_job job; /* its engine is there; normalisation only when images are run */
    ss_design *design;
} ss_design_job;

/* Design: operand 0. images: the command runs images, so that it needs their normalisation. Every job that
 * was opened, even in vain, is closed. */
ss_status ss_design_job_open(ss_cli *cli, bool images, ss_design_job *j);
void ss_design_job_close(ss_design_job *j);

#endif
