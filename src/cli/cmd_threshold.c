/* threshold: raise ReLU thresholds, see what it costs and what it buys. */
#include "cli/commands.h"
#include "cli/job.h"
#include "cli/study_text.h"
#include "onnx/onnx.h"

#include <string.h>

static const ss_opt opts[] = {
    { "search", "D1", "images on which thresholds are chosen", true },
    { "test", "D2", "other images, run once at the end", true },
    { "out", "FILE", "the study to write", true },
    { "policy", "NAMES", "uniform (default), latency-aware, greedy-gain; several with commas, or all", false },
    { "hardware", "KIND", "baseline, optimised or both (default)", false },
    { "max-loss", "POINTS", "Top-1 points that may be lost on the search split (default 1.0)", false },
    { "safe", NULL, "hold the limit on the upper end of the loss's interval, not on the loss alone", false },
    { "step", "T", "how much thresholds rise at a time (default 0.05)", false },
    { "t-max", "T", "where to stop at the latest (default 1.0)", false },
    { "refine", "N", "bisections around the limit (default 2)", false },
    SS_JOB_OPTS,
    SS_DEVICE_OPTS,
    SS_ENGINE_OPT,
    SS_DEAL_OPT,
    SS_CORRECT_OPT,
    { "limit", "N", "only the first N images of --search", false },
    { "test-limit", "N", "only the first N images of --test", false },
    { "memory", "GIB", "memory for activations that need not be computed again (default 4)", false },
    { "whole", NULL, "run every candidate whole on all search images: slow, for comparisons", false },
    { "resume", NULL, "go on with the interrupted study at --out", false },
    { "export", "FILE", "write the model with the chosen thresholds in it, as ONNX", false },
    { "save", "DIR", "write the chosen thresholds and designs into this folder", false },
    { 0 },
};

static ss_status parse_hardware(ss_cli *cli, unsigned *out) {
    const char *text = ss_arg(cli, "hardware");
    *out = 1u << SS_HW_BASELINE | 1u << SS_HW_OPTIMISED;
    if (!text || strcmp(text, "both") == 0) return SS_OK;
    for (int k = 0; k < SS_HARDWARE; k++)
        if (strcmp(text, ss_hardware_names[k]) == 0) {
            *out = 1u << k;
            return SS_OK;
        }
    return ss_error(ss_cli_ctx(cli), (ss_where){ "hardware", NULL, text }, "see --help",
                    "--hardware takes baseline, optimised or both");
}

/* "all", or names with commas between them. */
static ss_status parse_policies(ss_cli *cli, unsigned *out) {
    const char *text = ss_arg(cli, "policy");
    *out = 1u << SS_POLICY_UNIFORM;
    if (!text) return SS_OK;
    *out = strcmp(text, "all") == 0 ? (1u << SS_POLICIES) - 1 : 0;
    for (const char *at = *out ? NULL : text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        const size_t len = strcspn(at, ",");
        unsigned known = 0;
        for (int k = 0; k < SS_POLICIES; k++)
            if (strlen(ss_policy_names[k]) == len && strncmp(at, ss_policy_names[k], len) == 0) known = 1u << k;
        if (!known)
            return ss_error(ss_cli_ctx(cli), (ss_where){ "policy", NULL, text }, "see --help",
                            "--policy takes uniform, latency-aware, greedy-gain, several with commas, or all");
        *out |= known;
    }
    return SS_OK;
}

typedef struct limits {
    int64_t search, test;
} limits;

/* Everything that can be refused before any file is read. */
static ss_status parse(ss_cli *cli, ss_study_opts *o, limits *l) {
    int64_t refine;
    double memory = 0;
    ss_status s = parse_policies(cli, &o->policies);
    if (parse_hardware(cli, &o->hardware) != SS_OK) s = SS_BAD;
    if (ss_arg_real(cli, "max-loss", 0, 100, 1.0, &o->max_loss) != SS_OK) s = SS_BAD;
    if (ss_arg_real(cli, "step", 1e-6, 1e6, 0.05, &o->step) != SS_OK) s = SS_BAD;
    if (ss_arg_real(cli, "t-max", 1e-6, 1e6, 1.0, &o->t_max) != SS_OK) s = SS_BAD;
    if (ss_arg_int(cli, "refine", 0, 20, 2, &refine) != SS_OK) s = SS_BAD;
    if (ss_arg_int(cli, "limit", 1, INT64_MAX, 0, &l->search) != SS_OK) s = SS_BAD;
    if (ss_arg_int(cli, "test-limit", 1, INT64_MAX, 0, &l->test) != SS_OK) s = SS_BAD;
    if (ss_job_explore_opts(cli, &o->explore) != SS_OK) s = SS_BAD;
    if (ss_cli_check_writable(cli, ss_arg(cli, "out")) != SS_OK) s = SS_BAD;
    if (ss_arg(cli, "export") && ss_cli_check_writable(cli, ss_arg(cli, "export")) != SS_OK) s = SS_BAD;
    if (ss_arg(cli, "save") && ss_cli_check_folder(cli, ss_arg(cli, "save")) != SS_OK) s = SS_BAD;
    if (ss_arg_real(cli, "memory", 0, 4096, (double)SS_STUDY_MEMORY / (1 << 30), &memory) != SS_OK) s = SS_BAD;
    o->memory = (int64_t)(memory * (1 << 30));
    o->refine = (int32_t)refine;
    if (ss_job_engines(cli, &o->engines) != SS_OK) s = SS_BAD;
    o->safe = ss_arg(cli, "safe") != NULL;
    o->whole = ss_arg(cli, "whole") != NULL;
    return s == SS_OK ? ss_study_check_opts(ss_cli_ctx(cli), o) : s;
}

static ss_study_data describe(const char *path, const ss_dataset *d) {
    return (ss_study_data){ .source = path, .hash = ss_dataset_hash(d), .images = d->n };
}

/* The chosen point of the hardware studied; of both, the optimised one's. */
static ss_status export_chosen(const ss_job *j, const ss_study *st, const ss_study_task *task, const char *out) {
    int k = st->chosen[SS_HW_OPTIMISED] >= 0 ? SS_HW_OPTIMISED : SS_HW_BASELINE;
    if (!out) return SS_OK;
    ss_status s = ss_study_put(st, task, st->chosen[k]);
    if (s == SS_OK) s = ss_onnx_export(j->g, ss_operand(j->cli, 0), out);
    return ss_study_put(st, task, 0) == SS_OK ? s : SS_BAD;
}

static ss_status run_study(ss_job *j, const ss_study_task *task) {
    ss_cli *cli = j->cli;
    const char *dir = ss_arg(cli, "save");
    ss_study *st;
    if (ss_study_run(j->ctx, task, &st) != SS_OK) return SS_BAD;
    ss_status s = ss_study_save(st, ss_arg(cli, "out"));
    if (s == SS_OK) s = export_chosen(j, st, task, ss_arg(cli, "export"));
    if (s == SS_OK && dir) s = ss_study_save_chosen(st, task, ss_operand(cli, 0), dir);
    if (s == SS_OK) {
        ss_study_say(cli, st);
        ss_say(cli, "\nwritten: %s\n", ss_arg(cli, "out"));
        ss_cli_result(cli, ss_study_json(st));
    }
    ss_study_free(st);
    return s;
}

/* The biases are corrected at every trial when that is asked for. */
static ss_status run_corrected(ss_job *j, ss_study_task *task) {
    const char *images = ss_arg(j->cli, "correct-bias");
    ss_dataset *d = NULL;
    if (!images) return run_study(j, task);
    ss_status s = ss_job_correction(j, images, SS_CORRECT_MEMORY(task->opts.memory), &d, &task->correction);
    if (s == SS_OK) {
        task->correction_data = describe(images, d);
        s = run_study(j, task);
    }
    ss_correction_free(task->correction);
    ss_dataset_free(d);
    return s;
}

static ss_status study(ss_job *j, ss_study_task *task, const ss_dataset *search, const ss_dataset *test) {
    ss_cli *cli = j->cli;
    const char *calib = ss_arg(cli, "calib");
    ss_dealing dealing;
    if (ss_job_check_dealing(cli, &dealing) != SS_OK || ss_job_quantise(j, calib, search) != SS_OK ||
        ss_job_deal_by(j, dealing, search) != SS_OK)
        return SS_BAD;
    task->g = j->g;
    task->q = j->q;
    task->e = j->e;
    task->norm = &j->norm;
    task->search = search;
    task->test = test;
    task->dealing = ss_dealing_names[dealing];
    task->calib_source = calib ? calib : ss_arg(cli, "search");
    task->search_data = describe(ss_arg(cli, "search"), search);
    task->test_data = describe(ss_arg(cli, "test"), test);
    task->checkpoint = ss_arg(cli, "out");
    task->resume = ss_arg(cli, "resume") != NULL;
    return run_corrected(j, task);
}

static ss_status cmd_threshold(ss_cli *cli) {
    ss_study_task task = { 0 };
    ss_device device;
    limits limit;
    if (parse(cli, &task.opts, &limit) != SS_OK) return SS_BAD;
    ss_job j;
    ss_dataset *search = NULL, *test = NULL;
    ss_status s = ss_job_open(cli, &j);
    if (ss_job_device(cli, &device) != SS_OK) s = SS_BAD;
    task.device = &device;
    if (j.g && ss_job_images(&j, ss_arg(cli, "search"), limit.search, &search) != SS_OK) s = SS_BAD;
    if (j.g && ss_job_images(&j, ss_arg(cli, "test"), limit.test, &test) != SS_OK) s = SS_BAD;
    if (s == SS_OK) s = study(&j, &task, search, test);
    ss_dataset_free(search);
    ss_dataset_free(test);
    ss_job_close(&j);
    return s;
}

const ss_command ss_cmd_threshold = {
    .name = "threshold",
    .operands = "MODEL",
    .summary = "raise ReLU thresholds without retraining: accuracy against throughput",
    .details = "The reference is the sparse design explored for the network as it is. Each threshold is one\n"
               "integer run over the search images, priced on that design (baseline hardware) and on a\n"
               "design explored anew (optimised hardware). The fastest point of each kind that loses at most\n"
               "--max-loss is run once on the test images. Losses are paired, in Top-1 points, with 95 %\n"
               "intervals. Search and test images must differ.",
    .opts = opts,
    .run = cmd_threshold,
};
