/* run_tune: the part of `run` that sizes a design's FIFOs by simulation, and explores once more with what that costs. */
#ifndef SS_RUN_TUNE_H
#define SS_RUN_TUNE_H

#include "cli/job.h"
#include "explore/explore.h"

typedef struct ss_run_tune {
    ss_job *job;              /* thresholds in force */
    const ss_design *design;
    const ss_dataset *images; /* simulated */
    const ss_dataset *search; /* profiled for the new exploration */
    const char *source;       /* of these */
    const ss_device *device;
    unsigned engines;
    ss_explore_opts explore;
} ss_run_tune;

/* The better of `design` and of one explored anew, both tuned, if they still fit, or the latter with the FIFOs of the former; and
 * what its nodes do and its FIFOs hold, an artefact. */
ss_status ss_run_tuned(const ss_run_tune *t, ss_design **tuned, json_t **activity);

#endif
