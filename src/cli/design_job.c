/* See design_job.h. */
#include "cli/design_job.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --calib, or what `run` leaves beside its designs. */
static ss_status calib_of(ss_cli *cli, char *path, size_t size) {
    const char *given = ss_arg(cli, "calib"), *design = ss_operand(cli, 0);
    snprintf(path, size, "%.*scalibration.json", (int)(ss_base_name(design) - design), design);
    if (given) snprintf(path, size, "%s", given);
    if (given || access(path, F_OK) == 0) return SS_OK;
    return ss_error(
        ss_cli_ctx(cli), SS_AT(path), "give --calib: a saved calibration, or the images for it",
        "there is no calibration beside the design, so the integers that it was made for are not known");
}

/* Biases are corrected before a profile is measured: a design has them from there, or not at all. */
static ss_status take_others(ss_job *j, const char *path) {
    uint64_t corrected;
    if (ss_thresholds_correction(j->ctx, path, &corrected) != SS_OK) return SS_BAD;
    if (corrected)
        return ss_error(j->ctx, SS_AT(path), "leave it out, or explore with a profile of them (`profile --thresholds ... --correct-bias ...`)",
                        "the study corrected the biases, which a design has from its profile alone");
    return ss_job_thresholds(j, path, NULL);
}

static ss_status take_thresholds(ss_design_job *d) {
    ss_job *j = &d->job;
    if (ss_arg(j->cli, "thresholds")) return take_others(j, ss_arg(j->cli, "thresholds"));
    for (int32_t i = 0; i < d->design->n_thresholds; i++) {
        const ss_design_threshold *t = &d->design->thresholds[i];
        int32_t n = ss_graph_find_act(j->g, t->relu);
        if (n < 0)
            return ss_error(j->ctx, SS_AT(t->relu), "explore again",
                            "%s has a threshold for a ReLU that the model lacks", ss_operand(j->cli, 0));
        /* A design keeps the mean of those per channel: then the model's own are the ones in force. */
        if (!j->g->nodes[n].act.per_channel) ss_act_set_threshold(&j->g->nodes[n].act, (float)t->threshold);
    }
    return ss_shifts_put(&d->design->shifts, j->g) == SS_OK ? ss_job_follow(j) : SS_BAD;
}

static ss_status open_design(ss_cli *cli, bool images, const char *path, ss_design_job *d) {
    ss_job *j = &d->job;
    char calib[4096];
    if (calib_of(cli, calib, sizeof calib) != SS_OK) return SS_BAD;
    if (ss_design_load(j->ctx, j->g, ss_operand(cli, 0), &d->design) != SS_OK) return SS_BAD;
    j->bits = d->design->bits;
    const size_t len = strlen(calib);
    const bool saved = len > 5 && strcmp(calib + len - 5, ".json") == 0;
    if (images && ss_job_classes(j->g, &j->classes) != SS_OK) return SS_BAD;
    if ((images || !saved) && ss_norm_load(j->ctx, path, ss_arg(cli, "mean"), ss_arg(cli, "std"),
                                           j->g->nodes[0].shape.c, &j->norm) != SS_OK)
        return SS_BAD;
    if (ss_job_calibrate(j, calib, NULL) != SS_OK || ss_graph_deal(j->g, &d->design->orders) != SS_OK ||
        ss_job_integers(j) != SS_OK)
        return SS_BAD;
    return take_thresholds(d);
}

ss_status ss_design_job_open(ss_cli *cli, bool images, ss_design_job *d) {
    char *path = NULL;
    *d = (ss_design_job){ .job = { .cli = cli, .ctx = ss_cli_ctx(cli) } };
    ss_status s = ss_job_design_model(cli, &path, &d->job.g);
    if (s == SS_OK) s = open_design(cli, images, path, d);
    ss_free(d->job.ctx, path);
    return s;
}

ss_status ss_design_job_parts(ss_design_job *d, ss_rtl_opts *opts) {
    const ss_job *j = &d->job;
    const char *depth = ss_arg(j->cli, "depth"), *span = ss_arg(j->cli, "span");
    size_t most = 1;
    for (const char *p = depth; p && *p; p++) most += *p == ',';
    d->depths = ss_alloc(j->ctx, most, sizeof *d->depths);
    if (!d->depths) return SS_BAD;
    ss_status s = ss_rtl_depths(j->ctx, j->g, depth, d->depths, &opts->n_depths);
    opts->depths = d->depths;
    if (span && ss_rtl_span(j->ctx, j->g, d->design, span, opts) != SS_OK) s = SS_BAD;
    return s;
}

ss_status ss_design_job_images(ss_design_job *d, int64_t skip, int64_t n, bool fewer, ss_dataset **file, ss_dataset *view) {
    const char *path = ss_arg(d->job.cli, "data");
    if (ss_job_images(&d->job, path, skip + n, file) != SS_OK) return SS_BAD;
    const int64_t there = (*file)->n - skip;
    if (there < (fewer ? 1 : n))
        return ss_error(d->job.ctx, SS_AT(path), "take fewer, or skip fewer", "has %lld images, not %lld behind the first %lld",
                        (long long)(*file)->n, (long long)n, (long long)skip);
    *view = ss_dataset_part(*file, skip, (*file)->n);
    return SS_OK;
}

void ss_design_job_close(ss_design_job *d) {
    ss_free(d->job.ctx, d->depths);
    ss_design_free(d->design);
    ss_job_close(&d->job);
}
