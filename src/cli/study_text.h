/* study_text: a study for people, and its chosen points as files; shared by threshold and run. */
#ifndef SS_STUDY_TEXT_H
#define SS_STUDY_TEXT_H

#include "cli/cli.h"
#include "threshold/threshold.h"

void ss_study_say(ss_cli *cli, const ss_study *s); /* the curve with chosen points marked, then the verdict */
/* Into dir (made when missing): design_reference.json, and for each kind of hardware asked for
 * thresholds_KIND.json and, optimised, design_optimised.json, with the biases corrected for them. model_path:
 * recorded in the designs. */
ss_status ss_study_save_chosen(const ss_study *s, const ss_study_task *task, const char *model_path, const char *dir);

#endif
