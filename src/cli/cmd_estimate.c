/* estimate: the hardware of a design, fed with other data. */
#include "cli/commands.h"
#include "cli/job.h"
#include "cli/show.h"

#include <stdio.h>

static const ss_opt opts[] = {
    { "profile", "P.json", "zeros measured on images", false },
    { "assume-zeros", "Z", "instead: each activation behind a ReLU zero with probability Z, independently",
      false },
    SS_MODEL_OPT,
    { "brief", NULL, "print partitions without their nodes", false },
    { 0 },
};

static ss_status read_profile(ss_cli *cli, const ss_graph *g, int bits, ss_profile **p) {
    ss_ctx *ctx = ss_cli_ctx(cli);
    double zeros;
    if (ss_arg_real(cli, "assume-zeros", 0, 1, 0, &zeros) != SS_OK) return SS_BAD;
    if (ss_arg(cli, "assume-zeros")) return ss_profile_assume(ctx, g, zeros, bits, p);
    if (ss_profile_load(ctx, g, ss_arg(cli, "profile"), p) != SS_OK) return SS_BAD;
    if ((*p)->bits == bits) return SS_OK;
    return ss_error(ctx, SS_AT(ss_arg(cli, "profile")), "profile at the bits of the design",
                    "was measured at %d bits; the design has %d", (*p)->bits, bits);
}

static ss_status show(ss_cli *cli, const ss_design *before, const ss_design *d, const ss_graph *g) {
    double gain = d->throughput / before->throughput;
    ss_show_design(cli, d, g, ss_arg(cli, "brief") != NULL);
    ss_say(cli, "%.3f times the %.1f images/s of the design's own profile\n", gain, before->throughput);
    json_t *j = ss_design_json(d, g);
    if (!j) return SS_BAD;
    json_object_set_new(j, "gain", json_real(gain));
    ss_cli_result(cli, j);
    return SS_OK;
}

static ss_status estimate(ss_cli *cli, const ss_graph *g) {
    ss_ctx *ctx = ss_cli_ctx(cli);
    ss_design *before = NULL, *d = NULL;
    ss_profile *p = NULL;
    ss_status s = ss_design_load(ctx, g, ss_operand(cli, 0), &before);
    if (s == SS_OK) s = read_profile(cli, g, before->bits, &p);
    if (s == SS_OK) s = ss_estimate(ctx, before, g, p, &d);
    if (s == SS_OK && ss_arg(cli, "profile"))
        snprintf(d->profile_name, sizeof d->profile_name, "%s", ss_arg(cli, "profile"));
    if (s == SS_OK) s = show(cli, before, d, g);
    ss_design_free(d);
    ss_design_free(before);
    ss_profile_free(p);
    return s;
}

static ss_status run(ss_cli *cli) {
    ss_graph *g = NULL;
    if (!ss_arg(cli, "profile") == !ss_arg(cli, "assume-zeros"))
        return ss_error(ss_cli_ctx(cli), SS_AT("estimate"), "name where the zeros come from",
                        "takes exactly one of --profile and --assume-zeros");
    char *model;
    ss_status s = ss_job_design_model(cli, &model, &g);
    if (s == SS_OK) s = estimate(cli, g);
    ss_graph_free(g);
    ss_free(ss_cli_ctx(cli), model);
    return s;
}

const ss_command ss_cmd_estimate = {
    .name = "estimate",
    .operands = "DESIGN",
    .summary = "feed the hardware of a design with other zeros",
    .details = "Engines, foldings, memories and lanes stay as they are in the design; only the zeros change.",
    .opts = opts,
    .run = run,
};
