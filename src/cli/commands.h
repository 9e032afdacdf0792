/* Every subcommand's table, one file each: cmd_NAME.c. */
#ifndef SS_COMMANDS_H
#define SS_COMMANDS_H

#include "cli/cli.h"

extern const ss_command ss_cmd_check, ss_cmd_eval, ss_cmd_profile, ss_cmd_explore, ss_cmd_estimate, ss_cmd_threshold,
    ss_cmd_simulate, ss_cmd_generate, ss_cmd_verify, ss_cmd_report, ss_cmd_run;

#endif
