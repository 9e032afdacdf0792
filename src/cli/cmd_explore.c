/* explore: the best design of a network on a device, as far as this cost model goes, with the bound it is
 * within. */
#include "cli/commands.h"
#include "cli/job.h"
#include "cli/show.h"
#include "onnx/onnx.h"

#include <stdio.h>
#include <string.h>

static const ss_opt opts[] = {
    { "profile", "P.json", "zeros measured on images (`skipstream profile`)", false },
    { "assume-zeros", "Z", "instead: each activation behind a ReLU zero with probability Z, independently",
      false },
    { "dense", NULL, "instead: no zeros are skipped, dense engines only", false },
    SS_DEVICE_OPTS,
    { "out", "FILE", "the design to write", true },
    { "bits", "16|8", "width of activations and weights (default: the profile's, else 16)", false },
    { "clock", "MHZ", "clock frequency (default: the device file's)", false },
    SS_ENGINE_OPT,
    { "objective", "WHAT", "throughput (default), or latency: of a single image", false },
    { "min-throughput", "R", "with latency: at least R images/s in steady operation", false },
    { "gap", "G", "be content with a design proven within this fraction of the best (default 0.02)", false },
    { "max-partitions", "N", "at most N partitions (default: any number)", false },
    { "tuned", "DESIGN", "take stalls and FIFOs from a design that `simulate --tune` wrote", false },
    { "brief", NULL, "print partitions without their nodes", false },
    { 0 },
};

typedef struct request {
    ss_device device;
    ss_cost_opts cost;
    ss_explore_opts explore;
    double zeros;
    int bits; /* asked for; 0: not asked */
} request;

static ss_status read_engines(ss_cli *cli, request *r) {
    if (ss_job_engines(cli, &r->cost.engines) != SS_OK) return SS_BAD;
    if (!ss_arg(cli, "dense")) return SS_OK;
    r->cost.engines = 1u << SS_ENGINE_DENSE;
    if (!ss_arg(cli, "engine")) return SS_OK;
    return ss_error(ss_cli_ctx(cli), SS_AT("engine"), "leave one of them out", "--dense leaves only dense engines");
}

static ss_status read_objective(ss_cli *cli, request *r) {
    const char *text = ss_arg(cli, "objective");
    int k = 0;
    while (text && k < SS_OBJECTIVES && strcmp(text, ss_objective_names[k]) != 0) k++;
    if (k == SS_OBJECTIVES)
        return ss_error(ss_cli_ctx(cli), (ss_where){ "objective", NULL, text }, "see --help",
                        "--objective takes throughput or latency");
    r->explore.objective = (ss_objective)k;
    return ss_arg_real(cli, "min-throughput", 0, 1e12, 0, &r->explore.min_throughput);
}

static ss_status read_device(ss_cli *cli, request *r) {
    double mhz;
    if (ss_job_device(cli, &r->device) != SS_OK) return SS_BAD;
    if (ss_arg_real(cli, "clock", 1, 2000, r->device.clock_hz / 1e6, &mhz) != SS_OK) return SS_BAD;
    if (ss_arg(cli, "clock")) r->device.clock_hz = mhz * 1e6;
    return SS_OK;
}

static ss_status read_source(ss_cli *cli, request *r) {
    int given = (ss_arg(cli, "profile") != NULL) + (ss_arg(cli, "assume-zeros") != NULL) +
                (ss_arg(cli, "dense") != NULL);
    if (given != 1)
        return ss_error(ss_cli_ctx(cli), SS_AT("explore"), "name where the zeros come from",
                        "takes exactly one of --profile, --assume-zeros and --dense");
    return ss_arg_real(cli, "assume-zeros", 0, 1, 0, &r->zeros);
}

/* All of the command line, all of its problems. */
static ss_status read_request(ss_cli *cli, request *r) {
    int64_t batch, parts;
    int bad = read_source(cli, r) != SS_OK;
    bad += read_engines(cli, r) != SS_OK;
    bad += read_device(cli, r) != SS_OK;
    bad += read_objective(cli, r) != SS_OK;
    bad += ss_arg_bits(cli, false, 0, &r->bits) != SS_OK;
    bad += ss_arg_int(cli, "batch", 1, 1000000000, SS_EXPLORE_BATCH, &batch) != SS_OK;
    bad += ss_arg_int(cli, "max-partitions", 1, 1000000, 0, &parts) != SS_OK;
    bad += ss_arg_real(cli, "gap", 0, 10, SS_EXPLORE_GAP, &r->explore.target_gap) != SS_OK;
    bad += ss_cli_check_writable(cli, ss_arg(cli, "out")) != SS_OK;
    if (bad) return SS_BAD;
    r->explore.batch = batch;
    r->explore.max_partitions = (int32_t)parts;
    return SS_OK;
}

static ss_status read_profile(ss_cli *cli, const ss_graph *g, request *r, ss_profile **p) {
    ss_ctx *ctx = ss_cli_ctx(cli);
    *p = NULL;
    r->cost.bits = r->bits ? r->bits : 16;
    if (ss_arg(cli, "assume-zeros")) return ss_profile_assume(ctx, g, r->zeros, r->cost.bits, p);
    if (!ss_arg(cli, "profile")) return SS_OK;
    if (ss_profile_load(ctx, g, ss_arg(cli, "profile"), p) != SS_OK) return SS_BAD;
    if (r->bits && r->bits != (*p)->bits)
        return ss_error(ctx, SS_AT(ss_arg(cli, "profile")), "leave --bits out, or profile again",
                        "was measured at %d bits, not %d", (*p)->bits, r->bits);
    r->cost.bits = (*p)->bits;
    return SS_OK;
}

/* p NULL: dense engines, which do not stall. */
static ss_status read_tuned(ss_cli *cli, const ss_graph *g, const ss_profile *p, request *r, ss_design **tuned) {
    const char *path = ss_arg(cli, "tuned");
    if (!path) return SS_OK;
    if (ss_design_load(ss_cli_ctx(cli), g, path, tuned) != SS_OK) return SS_BAD;
    if (!(*tuned)->tuning)
        return ss_error(ss_cli_ctx(cli), SS_AT(path), "write one with `skipstream simulate DESIGN --tune`",
                        "is a design that was not tuned");
    if (p && !p->assumed && !ss_design_fits_profile(*tuned, p))
        return ss_error(ss_cli_ctx(cli), SS_AT(path), "tune under the thresholds of the profile, or profile under the design's",
                        "was simulated under other thresholds or corrected biases than those of %s", ss_arg(cli, "profile"));
    r->cost.tuning = (*tuned)->tuning;
    r->cost.raise_rooms = true;
    return SS_OK;
}

static ss_status show(ss_cli *cli, const ss_design *d, const ss_graph *g) {
    ss_show_design(cli, d, g, ss_arg(cli, "brief") != NULL);
    ss_say(cli, "no design in this space exceeds %.1f images/s: gap %.2f %%; explored in %.2f s\n", d->bound,
           100 * d->gap, d->seconds);
    json_t *j = ss_design_json(d, g);
    if (!j) return SS_BAD;
    json_object_set_new(j, "seconds", json_real(d->seconds));
    ss_cli_result(cli, j);
    return SS_OK;
}

static ss_status explore_graph(ss_cli *cli, request *r, const ss_graph *g) {
    ss_ctx *ctx = ss_cli_ctx(cli);
    ss_profile *p = NULL;
    ss_design *d = NULL, *tuned = NULL;
    ss_status s = read_profile(cli, g, r, &p);
    if (read_tuned(cli, g, p, r, &tuned) != SS_OK) s = SS_BAD;
    if (s == SS_OK) s = ss_explore_graph(ctx, g, p, &r->device, r->cost, r->explore, &d);
    if (s == SS_OK) snprintf(d->model_path, sizeof d->model_path, "%s", ss_operand(cli, 0));
    if (s == SS_OK && ss_arg(cli, "profile"))
        snprintf(d->profile_name, sizeof d->profile_name, "%s", ss_arg(cli, "profile"));
    if (s == SS_OK) s = ss_design_save(d, g, ss_arg(cli, "out"));
    if (s == SS_OK) s = show(cli, d, g);
    ss_design_free(d);
    ss_design_free(tuned);
    ss_profile_free(p);
    return s;
}

static ss_status run(ss_cli *cli) {
    request r = { 0 };
    ss_graph *g;
    if (read_request(cli, &r) != SS_OK) return SS_BAD;
    if (ss_model_load(ss_cli_ctx(cli), ss_operand(cli, 0), &g) != SS_OK) return SS_BAD;
    ss_status s = explore_graph(cli, &r, g);
    ss_graph_free(g);
    return s;
}

const ss_command ss_cmd_explore = {
    .name = "explore",
    .operands = "MODEL",
    .summary = "find the fastest design on a device, with a proven bound",
    .details = "Every layer gets the engine and folding that keep it just fast enough for the slowest one; the\n"
               "network is cut where one tensor crosses, each partition with all its weights on chip. The bound\n"
               "is proven: no design of this space exceeds it on this device under this cost model.",
    .opts = opts,
    .run = run,
};
