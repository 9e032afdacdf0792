/* run_summary: what a run came to, read back from its folder, so that a resumed run says the same as a fresh
 * one. */
#ifndef SS_RUN_SUMMARY_H
#define SS_RUN_SUMMARY_H

#include "cli/job.h"

/* Accuracy, a row per partition of the dense, the sparse, the thresholded and, where there is one, the tuned design, and
 * what thresholds gain; the same as the command's JSON result. */
ss_status ss_run_summary(ss_job *j, const char *dir, bool tuned);

#endif
