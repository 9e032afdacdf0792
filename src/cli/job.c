/* See job.h. Problems that do not depend on each other are all reported before giving up. */
#include "cli/job.h"

#include "onnx/onnx.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void model_name(const char *path, char *out, size_t size) {
    snprintf(out, size, "%s", ss_base_name(path));
    char *dot = strrchr(out, '.');
    if (dot && dot != out) *dot = '\0';
}

ss_status ss_job_classes(const ss_graph *g, int32_t *out) {
    const ss_node *n = &g->nodes[g->output];
    char shape[40];
    ss_shape_text(n->shape, shape);
    *out = n->shape.c;
    if (n->shape.h == 1 && n->shape.w == 1 && n->shape.c <= 65536) return SS_OK;
    return ss_error(g->ctx, SS_AT(g->name), "give a classifier: one value for each class",
                    "the output \"%s\" of %s is not class scores", n->name, shape);
}

ss_status ss_job_open(ss_cli *cli, ss_job *j) {
    *j = (ss_job){ .cli = cli, .ctx = ss_cli_ctx(cli) };
    model_name(ss_operand(cli, 0), j->name, sizeof j->name);
    ss_status s = ss_arg_bits(cli, false, 16, &j->bits);
    if (s != SS_OK || ss_model_load(j->ctx, ss_operand(cli, 0), &j->g) != SS_OK) return SS_BAD;
    if (ss_job_classes(j->g, &j->classes) != SS_OK) return SS_BAD;
    return ss_norm_load(j->ctx, ss_operand(cli, 0), ss_arg(cli, "mean"), ss_arg(cli, "std"),
                        j->g->nodes[0].shape.c, &j->norm);
}

ss_status ss_job_design_model(ss_cli *cli, char **path, ss_graph **g) {
    ss_ctx *ctx = ss_cli_ctx(cli);
    const char *model = ss_arg(cli, "model");
    *path = NULL;
    if (model) *path = ss_strdup(ctx, model);
    else if (ss_design_model_path(ctx, ss_operand(cli, 0), path) != SS_OK) return SS_BAD;
    if (!*path) return SS_BAD;
    if (!**path)
        return ss_error(ctx, SS_AT(ss_operand(cli, 0)), "give --model", "does not say where its model is");
    return ss_model_load(ctx, *path, g);
}

/* --calib, else the file that `run` and `eval --save-calib calibration.json` leave beside the design. */
static ss_status calib_spec(ss_job *j, ss_buf *spec) {
    const char *design = ss_operand(j->cli, 0), *given = ss_arg(j->cli, "calib");
    ss_buf_init(spec, j->ctx);
    if (given) ss_buf_printf(spec, "%s", given);
    else ss_buf_printf(spec, "%.*scalibration.json", (int)(ss_base_name(design) - design), design);
    if (spec->failed) return SS_BAD;
    if (given || access(spec->data, F_OK) == 0) return SS_OK;
    return ss_error(j->ctx, SS_AT(spec->data), "give --calib: a saved calibration (eval --save-calib) or images",
                    "no calibration stands beside the design, and --calib names none");
}

static bool is_saved(const char *spec) {
    size_t n = strlen(spec);
    return n > 5 && strcmp(spec + n - 5, ".json") == 0;
}

/* Thresholds that the design was made for, over those of the model. */
static ss_status design_thresholds(ss_job *j, const ss_design *d) {
    ss_status s = SS_OK;
    for (int32_t i = 0; i < d->n_thresholds; i++) {
        int32_t node = ss_graph_find_act(j->g, d->thresholds[i].relu);
        if (node >= 0) ss_act_set_threshold(&j->g->nodes[node].act, (float)d->thresholds[i].threshold);
        else
            s = ss_error(j->ctx, SS_AT(ss_operand(j->cli, 0)), "explore again",
                         "sets a threshold for \"%s\", which the model does not have", d->thresholds[i].relu);
    }
    return s == SS_OK ? ss_quant_set_thresholds(j->q, j->g) : s;
}

static ss_status quantise_design(ss_job *j, const ss_design *d, const char *model, const char *spec, bool images) {
    const char *thresholds = ss_arg(j->cli, "thresholds");
    if (images && ss_job_classes(j->g, &j->classes) != SS_OK) return SS_BAD;
    if ((images || !is_saved(spec)) && ss_norm_load(j->ctx, model, ss_arg(j->cli, "mean"), ss_arg(j->cli, "std"),
                                                    j->g->nodes[0].shape.c, &j->norm) != SS_OK)
        return SS_BAD;
    if (ss_job_quantise(j, spec, NULL) != SS_OK) return SS_BAD;
    return thresholds ? ss_job_thresholds(j, thresholds) : design_thresholds(j, d);
}

ss_status ss_job_open_design(ss_cli *cli, bool images, ss_job *j, ss_design **d) {
    *j = (ss_job){ .cli = cli, .ctx = ss_cli_ctx(cli) };
    *d = NULL;
    char *model;
    ss_buf spec;
    ss_status s = ss_job_design_model(cli, &model, &j->g);
    if (s == SS_OK) model_name(model, j->name, sizeof j->name);
    if (s == SS_OK) s = ss_design_load(j->ctx, j->g, ss_operand(cli, 0), d);
    if (s == SS_OK) j->bits = (*d)->bits;
    if (calib_spec(j, &spec) != SS_OK) s = SS_BAD;
    if (s == SS_OK) s = quantise_design(j, *d, model, spec.data, images);
    ss_buf_free(&spec);
    ss_free(j->ctx, model);
    return s;
}

void ss_job_close(ss_job *j) {
    ss_engine_free(j->e);
    ss_quant_free(j->q);
    ss_calib_free(j->calib);
    ss_graph_free(j->g);
    *j = (ss_job){ 0 };
}

ss_status ss_job_images(ss_job *j, const char *path, int64_t limit, ss_dataset **out) {
    return ss_dataset_load(j->ctx, path, j->g->nodes[0].shape, j->classes, limit, out);
}

ss_status ss_job_quantise(ss_job *j, const char *spec, const ss_dataset *d) {
    if (ss_calib_obtain(j->ctx, j->g, spec, d, &j->norm, &j->calib) != SS_OK) return SS_BAD;
    if (ss_quantise(j->ctx, j->g, j->calib, j->bits, &j->q) != SS_OK) return SS_BAD;
    return ss_engine_new(j->ctx, j->g, j->q, SS_ISA_AUTO, &j->e);
}

ss_status ss_job_thresholds(ss_job *j, const char *path) {
    if (ss_thresholds_load(j->g, path) != SS_OK) return SS_BAD;
    return ss_quant_set_thresholds(j->q, j->g);
}

ss_status ss_job_explore_opts(ss_cli *cli, ss_explore_opts *out) {
    *out = (ss_explore_opts){ .target_gap = SS_EXPLORE_GAP };
    return ss_arg_int(cli, "batch", 1, 1 << 30, SS_EXPLORE_BATCH, &out->batch);
}

ss_status ss_job_device(ss_cli *cli, ss_device *out) {
    const char *cap = ss_arg(cli, "cap");
    if (ss_device_load(ss_cli_ctx(cli), ss_arg(cli, "device"), out) != SS_OK) return SS_BAD;
    return cap ? ss_device_set_caps(ss_cli_ctx(cli), out, cap) : SS_OK;
}
