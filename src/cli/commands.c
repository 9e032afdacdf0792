/* The table of subcommands, in the order of the flow. */
#include "cli/commands.h"

const ss_command *const ss_commands[] = {
    &ss_cmd_check, &ss_cmd_eval, &ss_cmd_profile, &ss_cmd_explore, &ss_cmd_estimate, &ss_cmd_threshold,
    &ss_cmd_simulate, &ss_cmd_generate, &ss_cmd_verify, &ss_cmd_report, &ss_cmd_run,
    NULL,
};
