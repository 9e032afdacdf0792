/* report: one page from artefacts. */
#include "cli/commands.h"
#include "report/report.h"

static const ss_opt opts[] = {
    { "out", "FILE", "the page to write, one self-contained HTML file", true },
    { 0 },
};

static ss_status run(ss_cli *cli) {
    const char *files[64], *out = ss_arg(cli, "out");
    int n = 0;
    for (const char *f; n < 64 && (f = ss_operand(cli, n)) != NULL; n++) files[n] = f;
    if (ss_cli_check_writable(cli, out) != SS_OK) return SS_BAD;
    if (ss_report_write(ss_cli_ctx(cli), files, n, out) != SS_OK) return SS_BAD;
    ss_say(cli, "written: %s\n", out);
    ss_cli_result(cli, json_pack("{s:s,s:i}", "report", out, "files", n));
    return SS_OK;
}

const ss_command ss_cmd_report = {
    .name = "report",
    .operands = "FILE...",
    .summary = "write one self-contained page from any artefacts",
    .details = "FILE is what other subcommands wrote: a design, a profile, a study, the record of a run. Sections\n"
               "come in the order of the files. The page has no scripts and fetches nothing: mail it, print it,\n"
               "open it on a phone.",
    .opts = opts,
    .run = run,
};
