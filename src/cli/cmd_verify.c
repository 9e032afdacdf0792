/* verify: generated hardware in a simulator against the integer reference. */
#define _XOPEN_SOURCE 700 /* mkdtemp, nftw */
#include "cli/commands.h"
#include "cli/design_job.h"
#include "cli/show_verify.h"
#include "rtl/rtl.h"
#include "verify/verify.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const ss_opt opts[] = {
    { "data", "D", "images: a CIFAR-10 binary file, or a folder of them", true },
    { "images", "N", "how many to stream (default 2; one has no interval)", false },
    { "skip", "K", "leave out the first K images of the data", false },
    { "backpressure", "SEED", "stall both ends at random; cycles are not compared then", false },
    { "span", "FIRST..LAST", "only these nodes, or one node", false },
    SS_DEPTH_OPT,
    { "hw", "DIR", "a folder of `skipstream generate`, instead of generating one", false },
    { "keep", "DIR", "work in this folder and keep it", false },
    SS_DESIGN_JOB_OPTS,
    { "brief", NULL, "print partitions without their nodes", false },
    { 0 },
};

typedef struct request {
    ss_cli *cli;
    ss_ctx *ctx;
    ss_design_job design;
    ss_verify_task task;
    ss_rtl_opts rtl;
    int64_t images, skip, seed;
    char work[4096], hw[4200], temporary[4096]; /* temporary: to be removed, or "" */
    bool simulating;                            /* there are logs worth keeping when it fails */
} request;

/* All of the command line, all of its problems. */
static ss_status parse(request *r) {
    ss_cli *cli = r->cli;
    int bad = ss_arg_int(cli, "images", 1, 1000000, 2, &r->images) != SS_OK;
    bad += ss_arg_int(cli, "skip", 0, 1000000000, 0, &r->skip) != SS_OK;
    bad += ss_arg_int(cli, "backpressure", 0, INT32_MAX, 0, &r->seed) != SS_OK;
    if (ss_arg(cli, "keep")) bad += ss_cli_check_folder(cli, ss_arg(cli, "keep")) != SS_OK;
    if (ss_arg(cli, "hw") && ss_arg(cli, "span"))
        bad += ss_error(r->ctx, SS_AT("span"), "leave one out",
                        "--hw is verified as it was generated, with its own span") != SS_OK;
    if (ss_arg(r->cli, "hw") && ss_arg(r->cli, "depth"))
        bad += ss_error(r->ctx, SS_AT("depth"), "leave one out",
                        "--hw is verified as it was generated, with its own FIFOs") != SS_OK;
    return bad ? SS_BAD : SS_OK;
}

/* ---- the work folder ---- */

static ss_status open_work(request *r) {
    const char *keep = ss_arg(r->cli, "keep"), *tmp = getenv("TMPDIR");
    if (keep) {
        snprintf(r->work, sizeof r->work, "%s", keep);
        return ss_mkdirs(r->ctx, keep);
    }
    snprintf(r->work, sizeof r->work, "%s/skipstream-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(r->work))
        return ss_error(r->ctx, SS_AT(r->work), "set TMPDIR, or name a folder with --keep",
                        "cannot make this folder: %s", strerror(errno));
    memcpy(r->temporary, r->work, sizeof r->temporary);
    return SS_OK;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* failed: the logs are kept, when it came to any. */
static void close_work(const request *r, bool failed) {
    if (!*r->temporary || rmdir(r->temporary) == 0) return;
    if (failed) ss_note(r->ctx, SS_AT(r->temporary), "remove it when they are read", "kept for its logs");
    else nftw(r->temporary, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the flow ---- */

static ss_status generate(request *r) {
    const ss_job *j = &r->design.job;
    r->rtl = (ss_rtl_opts){ .last = -1, .no_vivado = true };
    if (ss_arg(r->cli, "hw")) {
        snprintf(r->hw, sizeof r->hw, "%s", ss_arg(r->cli, "hw"));
        return SS_OK;
    }
    snprintf(r->hw, sizeof r->hw, "%s/hw", r->work);
    if (ss_design_job_parts(&r->design, &r->rtl) != SS_OK) return SS_BAD;
    return ss_rtl_generate(r->ctx, j->g, j->q, r->design.design, r->rtl, r->hw);
}

static ss_status verify(request *r, const ss_dataset *images) {
    const ss_job *j = &r->design.job;
    ss_verification *v = NULL;
    const ss_verify_task task = { .g = j->g,
                                  .q = j->q,
                                  .e = j->e,
                                  .design = r->design.design,
                                  .images = images,
                                  .norm = &j->norm,
                                  .hw = r->hw,
                                  .work = r->work,
                                  .backpressure = ss_arg(r->cli, "backpressure") != NULL,
                                  .seed = (uint64_t)r->seed };
    r->simulating = true;
    ss_status s = ss_verify_run(r->ctx, &task, &v);
    if (v) {
        ss_show_verification(r->cli, v, ss_arg(r->cli, "brief") != NULL);
        ss_cli_result(r->cli, ss_verification_json(v));
    }
    ss_verification_free(v);
    return s;
}

static ss_status cmd_verify(ss_cli *cli) {
    request r = { .cli = cli, .ctx = ss_cli_ctx(cli) };
    ss_dataset *file = NULL, images;
    ss_status s = parse(&r);
    if (ss_design_job_open(cli, true, &r.design) != SS_OK || s != SS_OK) s = SS_BAD;
    if (s == SS_OK) s = ss_design_job_images(&r.design, r.skip, r.images, false, &file, &images);
    if (s == SS_OK) s = ss_verify_check_tools(r.ctx);
    if (s == SS_OK) s = open_work(&r);
    if (s == SS_OK) s = generate(&r);
    if (s == SS_OK) s = verify(&r, &images);
    close_work(&r, s == SS_BAD && r.simulating);
    ss_dataset_free(file);
    ss_design_job_close(&r.design);
    return s;
}

const ss_command ss_cmd_verify = {
    .name = "verify",
    .operands = "DESIGN",
    .summary = "simulate a design's hardware and compare it with the integer reference",
    .details =
        "Generates the hardware (or takes it from --hw), builds every partition with Verilator, streams "
        "images\n"
        "through it and compares every word of every node, and of the output, with the integer reference.\n"
        "Says the cycles an image beside those of the design and of the cost model fed with the very "
        "images.\n"
        "On a difference it names the first layer, image, pixel and channel; exit 1, as when it hangs.",
    .opts = opts,
    .run = cmd_verify,
};
