/* See job.h. Problems that do not depend on each other are all reported before giving up. */
#include "cli/job.h"

#include "onnx/onnx.h"

#include <stdio.h>
#include <string.h>

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

ss_status ss_job_calibrate(ss_job *j, const char *spec, const ss_dataset *d) {
    return ss_calib_obtain(j->ctx, j->g, spec, d, &j->norm, &j->calib);
}

ss_status ss_job_integers(ss_job *j) {
    if (ss_quantise(j->ctx, j->g, j->calib, j->bits, &j->q) != SS_OK) return SS_BAD;
    return ss_engine_new(j->ctx, j->g, j->q, SS_ISA_AUTO, &j->e);
}

ss_status ss_job_quantise(ss_job *j, const char *spec, const ss_dataset *d) {
    if (ss_job_calibrate(j, spec, d) != SS_OK) return SS_BAD;
    return ss_job_integers(j);
}

ss_status ss_job_deal(ss_job *j, const ss_orders *o) {
    if (ss_orders_none(o)) return SS_OK;
    if (ss_graph_deal(j->g, o) != SS_OK) return SS_BAD;
    ss_engine_free(j->e);
    ss_quant_free(j->q);
    j->e = NULL;
    j->q = NULL;
    return ss_job_integers(j);
}

ss_status ss_job_check_dealing(ss_cli *cli, ss_dealing *out) {
    const char *text = ss_arg(cli, "deal");
    *out = SS_DEAL_JOINT;
    if (!text) return SS_OK;
    for (int k = 0; k < SS_DEALINGS; k++)
        if (strcmp(text, ss_dealing_names[k]) == 0) {
            *out = (ss_dealing)k;
            return SS_OK;
        }
    return ss_error(ss_cli_ctx(cli), (ss_where){ "deal", NULL, text }, "see --help", "--deal takes joint, means or none");
}

ss_status ss_job_deal_by(ss_job *j, ss_dealing dealing, const ss_dataset *d) {
    ss_joint *sample = NULL;
    ss_orders o;
    if (dealing == SS_DEAL_NONE) return SS_OK;
    ss_arena *arena = ss_arena_new(j->ctx);
    ss_status s = arena ? ss_joint_measure(j->ctx, j->g, j->e, d, &j->norm, &sample) : SS_BAD;
    if (s == SS_OK) s = ss_joint_orders(sample, j->g, dealing, arena, &o);
    if (s == SS_OK) s = ss_job_deal(j, &o);
    ss_joint_free(sample);
    ss_arena_free(arena);
    return s;
}

ss_status ss_job_deal_as(ss_job *j, const char *artefact) {
    ss_orders o;
    ss_arena *arena = ss_arena_new(j->ctx);
    ss_status s = arena ? ss_orders_load(j->g, artefact, arena, &o) : SS_BAD;
    if (s == SS_OK) s = ss_job_deal(j, &o);
    ss_arena_free(arena);
    return s;
}

ss_status ss_job_follow(ss_job *j) {
    if (j->q && ss_quant_set_thresholds(j->q, j->g) != SS_OK) return SS_BAD;
    for (int32_t i = 0; i < j->g->n; i++) {
        if (!j->g->nodes[i].bias_shift) continue;
        if (j->q && ss_quant_set_bias(j->q, j->g, i) != SS_OK) return SS_BAD;
        if (ss_engine_rebias(j->e, i) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

/* The images must be those that the study had, if `path` is a point of one; a file with biases needs none. */
static ss_status check_correction(ss_job *j, const char *path, const ss_dataset *d, const char *images) {
    uint64_t theirs;
    for (int32_t i = 0; d && i < j->g->n; i++)
        if (j->g->nodes[i].bias_shift)
            return ss_error(j->ctx, SS_AT(path), "leave out --correct-bias", "has corrected biases of its own");
    if (ss_thresholds_correction(j->ctx, path, &theirs) != SS_OK) return SS_BAD;
    if (theirs && !d)
        return ss_error(j->ctx, SS_AT(path), "give --correct-bias with the images that the study names",
                        "the study corrected the biases: without, its thresholds lose more");
    if (theirs && theirs != ss_dataset_hash(d))
        return ss_error(j->ctx, SS_AT(images), "give the images that the study names",
                        "%s was corrected with other images", path);
    return SS_OK;
}

ss_status ss_job_correction(ss_job *j, const char *images, int64_t memory, ss_dataset **d, ss_correction **c) {
    *c = NULL;
    if (ss_job_images(j, images, SS_CORRECT_IMAGES, d) != SS_OK) return SS_BAD;
    return ss_correction_new(j->ctx, j->g, j->q, j->e, *d, &j->norm, memory, c);
}

ss_status ss_job_thresholds(ss_job *j, const char *path, const char *images) {
    ss_dataset *d = NULL;
    ss_correction *c = NULL;
    ss_status s = SS_OK;
    if (images && !path)
        return ss_error(j->ctx, SS_AT("--correct-bias"), "give --thresholds", "nothing is removed without thresholds");
    if (!path) return SS_OK;
    if (images) s = ss_job_correction(j, images, 0, &d, &c);
    if (s == SS_OK) s = ss_thresholds_load(j->g, path);
    if (s == SS_OK) s = ss_job_follow(j);
    if (s == SS_OK) s = check_correction(j, path, d, images);
    if (s == SS_OK && c) s = ss_correction_put(c, false);
    ss_correction_free(c);
    ss_dataset_free(d);
    return s;
}

ss_status ss_job_explore_opts(ss_cli *cli, ss_explore_opts *out) {
    *out = (ss_explore_opts){ .target_gap = SS_EXPLORE_GAP };
    return ss_arg_int(cli, "batch", 1, 1 << 30, SS_EXPLORE_BATCH, &out->batch);
}

/* The kind of engine that a text of `length` characters names; NONE: none. */
static ss_engine_kind engine_named(const char *text, size_t length) {
    ss_engine_kind k = SS_ENGINE_KINDS - 1;
    while (k > SS_ENGINE_NONE && (strlen(ss_engine_kind_names[k]) != length || strncmp(ss_engine_kind_names[k], text, length)))
        k--;
    return k;
}

ss_status ss_job_engines(ss_cli *cli, unsigned *out) {
    const char *text = ss_arg(cli, "engine");
    *out = SS_ENGINES_ALL;
    if (!text || strcmp(text, "auto") == 0) return SS_OK;
    *out = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        ss_engine_kind k = engine_named(at, length);
        if (k == SS_ENGINE_NONE)
            return ss_error(ss_cli_ctx(cli), (ss_where){ "engine", NULL, text }, "see --help",
                            "--engine takes auto, or a list of dense, crossbar and broadcast");
        *out |= 1u << k;
        at += length;
        if (!*at) return SS_OK;
    }
}

ss_status ss_job_device(ss_cli *cli, ss_device *out) {
    const char *cap = ss_arg(cli, "cap");
    if (ss_device_load(ss_cli_ctx(cli), ss_arg(cli, "device"), out) != SS_OK) return SS_BAD;
    return cap ? ss_device_set_caps(ss_cli_ctx(cli), out, cap) : SS_OK;
}
