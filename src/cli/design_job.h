/* design_job: what every command on a design's hardware begins with: the design, its model, the integer
 * network with the thresholds in force. */
#ifndef SS_DESIGN_JOB_H
#define SS_DESIGN_JOB_H

#include "cli/job.h"
#include "rtl/rtl.h"

/* Rows for a command's option table. */
#define SS_DESIGN_JOB_OPTS                                                                                   \
    SS_MODEL_OPT,                                                                                            \
        { "calib", "C",                                                                                      \
          "a saved calibration, or images for value ranges (default: calibration.json\n"                     \
          "                           beside the design)",                                                   \
          false },                                                                                           \
        { "thresholds", "T.json", "ReLU thresholds, or STUDY.json:N (default: those of the design)", false }, SS_NORM_OPTS

/* For commands that build it. */
#define SS_DEPTH_OPT                                                                                         \
    { "depth", "NODE=N,...", "FIFOs of joins N words deep; NODE:K=N: of input K alone", false }

typedef struct ss_design_job {
    ss_job job; /* its engine is there; normalisation only when images are run */
    ss_design *design;
    ss_rtl_depth *depths; /* of --depth */
} ss_design_job;

/* Design: operand 0. images: the command runs images, so that it needs their normalisation. Every job that
 * was opened, even in vain, is closed. */
ss_status ss_design_job_open(ss_cli *cli, bool images, ss_design_job *j);
/* --depth and --span, where the command has them, into opts; what they point at lives as long as the job. */
ss_status ss_design_job_parts(ss_design_job *j, ss_rtl_opts *opts);
/* Images skip..skip + n - 1 of --data: *file, to be freed, and the view of these alone. fewer: what is there will do. */
ss_status ss_design_job_images(ss_design_job *d, int64_t skip, int64_t n, bool fewer, ss_dataset **file, ss_dataset *view);
void ss_design_job_close(ss_design_job *j);

#endif
