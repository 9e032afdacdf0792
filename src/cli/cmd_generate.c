/* generate: the hardware of a design. */
#include "cli/commands.h"
#include "cli/design_job.h"
#include "rtl/rtl.h"

static const ss_opt opts[] = {
    { "out", "DIR", "the folder to write; an earlier output of generate is replaced", true },
    SS_DESIGN_JOB_OPTS,
    { "span", "FIRST..LAST", "only these nodes (or one node) of a partition: one tensor in, one out", false },
    SS_DEPTH_OPT,
    { "part", "PART", "part number for the Vivado scripts (default: the device's)", false },
    { "no-vivado", NULL, "no Vivado scripts; for devices without a part number", false },
    { 0 },
};

static void show(ss_cli *cli, const ss_design *d, const ss_rtl_opts *o, const char *dir) {
    const char *part = o->part ? o->part : d->device.part;
    ss_say(cli, "%s, %d bits, for %s (%s): ", d->model_name, d->bits, d->device.name,
           *part ? part : "no part");
    if (o->last >= 0) ss_say(cli, "nodes %d to %d", o->first, o->last);
    else ss_say(cli, "%d partition%s", d->n_partitions, d->n_partitions == 1 ? "" : "s");
    ss_say(cli, " in %s; see %s/README.md\n", dir, dir);
}

static ss_status generate(ss_cli *cli, ss_design_job *j) {
    ss_ctx *ctx = ss_cli_ctx(cli);
    const char *dir = ss_arg(cli, "out");
    ss_rtl_opts o = { .last = -1,
                      .no_vivado = ss_arg(cli, "no-vivado") != NULL,
                      .part = ss_arg(cli, "part") };
    if (ss_design_job_parts(j, &o) != SS_OK) return SS_BAD;
    if (ss_rtl_generate(ctx, j->job.g, j->job.q, j->design, o, dir) != SS_OK) return SS_BAD;
    show(cli, j->design, &o, dir);
    ss_buf path;
    json_t *manifest = NULL;
    ss_buf_init(&path, ctx);
    ss_buf_printf(&path, "%s/manifest.json", dir);
    ss_status s = path.failed ? SS_BAD : ss_json_load(ctx, path.data, "skipstream.rtl", 1, &manifest);
    if (s == SS_OK) ss_cli_result(cli, manifest);
    ss_buf_free(&path);
    return s;
}

static ss_status run(ss_cli *cli) {
    ss_design_job j;
    ss_status s = ss_cli_check_folder(cli, ss_arg(cli, "out"));
    if (ss_arg(cli, "part") && ss_arg(cli, "no-vivado"))
        s = ss_error(ss_cli_ctx(cli), SS_AT("part"), "leave one of them out", "--no-vivado writes no scripts that would name it");
    if (ss_design_job_open(cli, false, &j) != SS_OK) s = SS_BAD;
    if (s == SS_OK) s = generate(cli, &j);
    ss_design_job_close(&j);
    return s;
}

const ss_command ss_cmd_generate = {
    .name = "generate",
    .operands = "DESIGN",
    .summary = "write the SystemVerilog of a design",
    .details =
        "One top a partition, its modules, weights and benches, and scripts for synthesis; the README in "
        "the\n"
        "folder says how to use them. Value ranges come from the calibration that the design was made with,\n"
        "thresholds from the design. The same input gives the same bytes.",
    .opts = opts,
    .run = run,
};
