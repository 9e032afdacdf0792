/* run: the whole flow, from a model and images to designs, thresholds and a report, in one folder.
 *
 * Every stage reads what stages before it wrote and writes its own artefacts; a stage whose artefacts are
 * there and still follow from the same model, options and images is kept (record.h). flow() is the whole of
 * it. */
#include "cli/commands.h"
#include "cli/record.h"
#include "cli/run_summary.h"
#include "cli/run_tune.h"
#include "cli/splits.h"
#include "cli/study_text.h"
#include "report/report.h"
#include "rtl/rtl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const ss_opt opts[] = {
    { "data", "D",
      "images: a folder with calib_batch.bin, val_batch.bin, test_batch.bin, or a file to divide; not needed with "
      "--calib, --search and --test", false },
    { "out", "DIR", "the folder for all results", true },
    { "search", "D1", "images on which thresholds are chosen, instead of those of --data", false },
    { "test", "D2", "images on which accuracy is reported, instead of those of --data", false },
    { "max-loss", "POINTS", "Top-1 points that may be lost on the search split (default 1.0)", false },
    { "step", "T", "how much thresholds rise at a time (default 0.05)", false },
    { "t-max", "T", "where to stop at the latest (default 1.0)", false },
    { "limit", "N", "only the first N images of search and of test", false },
    { "correct-bias", "D",
      "images, or calib or search: those of this run: fold half of the mean that thresholds remove into the biases behind",
      false },
    { "tune", "N", "images of search on which FIFOs are sized by simulation (default 100); 0: they are not", false },
    SS_BITS_OPT,
    { "calib", "D3", "images for value ranges, instead of those of --data", false },
    SS_NORM_OPTS,
    SS_DEVICE_OPTS,
    SS_ENGINE_OPT,
    { 0 },
};

typedef struct run {
    ss_cli *cli;
    ss_ctx *ctx;
    const char *dir;
    ss_job job;
    ss_splits splits;
    ss_device device;
    ss_study_opts study;
    int64_t limit, tune; /* tune 0: the optimised design is the one that is built */
    ss_record record;
    int step;
} run;

/* A path in the run's folder, good until the next call with the same buffer. */
typedef struct path {
    char text[4096];
} path;
static const char *in_dir(const run *r, const char *name, path *p) {
    snprintf(p->text, sizeof p->text, "%s/%s", r->dir, name);
    return p->text;
}

/* ---- stages ---- */

static const char *const calibrate_files[] = { "calibration.json", NULL };
static const char *const eval_files[] = { "eval.json", NULL };
static const char *const profile_files[] = { "profile.json", NULL };
static const char *const explore_files[] = { "design_dense.json", "design_sparse.json", NULL };
static const char *const threshold_files[] = { "study.json", "thresholds_baseline.json",
                                               "thresholds_optimised.json", "design_optimised.json", NULL };
static const char *const tune_reads[] = { "calibration.json", "design_optimised.json", "thresholds_optimised.json", NULL };
static const char *const tune_files[] = { "design_tuned.json", "activity.json", NULL };
static const char *const report_reads[] = { "design_sparse.json",    "study.json",        "eval.json",
                                            "design_optimised.json", "design_dense.json", "profile.json", NULL };
static const char *const report_tuned_reads[] = {
    "design_sparse.json", "study.json",   "eval.json", "design_optimised.json", "design_tuned.json", "activity.json",
    "design_dense.json",  "profile.json", NULL
};
enum { FILES = sizeof report_tuned_reads / sizeof *report_tuned_reads - 1 };
static const char *const report_files[] = { "report.html", NULL };
static const char *const generate_reads[] = { "calibration.json", "design_optimised.json", "thresholds_optimised.json", NULL };
static const char *const generate_tuned_reads[] = { "calibration.json", "design_tuned.json", "thresholds_optimised.json", NULL };
static const char *const generate_files[] = { "hardware/manifest.json", NULL };

static int steps(const run *r) { return r->tune ? 9 : 8; }
static const char *const *generate_from(const run *r) { return r->tune ? generate_tuned_reads : generate_reads; }
static const char *const *report_from(const run *r) { return r->tune ? report_tuned_reads : report_reads; }

static ss_status check(run *r) {
    const ss_graph *g = r->job.g;
    int64_t macs = 0, weights = 0, convs = 0;
    char shape[40];
    for (int32_t i = 0; i < g->n; i++) {
        macs += ss_node_macs(g, &g->nodes[i]);
        weights += ss_node_weight_count(g, &g->nodes[i]);
        convs += g->nodes[i].op == SS_OP_CONV;
    }
    ss_shape_text(g->nodes[0].shape, shape);
    ss_say(r->cli,
           "[1/%d] check: %s, input %s, %" PRId64 " convolutions, %.1f M MACs, %.2f M weights, %d classes\n",
           steps(r), r->job.name, shape, convs, 1e-6 * (double)macs, 1e-6 * (double)weights, r->job.classes);
    r->step = 1;
    return SS_OK;
}

static ss_status calibrate(run *r) {
    path p;
    ss_calib *c;
    ss_dataset first = r->splits.part[SS_SPLIT_CALIB];
    if (first.n > SS_CALIB_IMAGES) first.n = SS_CALIB_IMAGES;
    if (ss_calibrate(r->ctx, r->job.g, &first, &r->job.norm, &c) != SS_OK) return SS_BAD;
    ss_status s = ss_calib_save(c, in_dir(r, "calibration.json", &p));
    ss_calib_free(c);
    return s;
}

/* The integer network, made when a stage first needs it. */
static ss_status integers(run *r) {
    path p;
    return r->job.e ? SS_OK : ss_job_quantise(&r->job, in_dir(r, "calibration.json", &p), NULL);
}

/* The integer network with the channels of the profile's order, which the profile stage chose. */
static ss_status dealt(run *r) {
    path p;
    if (r->job.g->identity) return SS_OK;
    return integers(r) == SS_OK ? ss_job_deal_as(&r->job, in_dir(r, "profile.json", &p)) : SS_BAD;
}

static ss_status accuracy(run *r, ss_engine *e, json_t **out) {
    const ss_dataset *d = &r->splits.part[SS_SPLIT_TEST];
    ss_accuracy a;
    float *scores = ss_alloc(r->ctx, (size_t)d->n, (size_t)r->job.classes * sizeof *scores);
    double start = ss_seconds();
    ss_status s = scores ? ss_engine_run(r->ctx, e, d, &r->job.norm, NULL, scores) : SS_BAD;
    if (s == SS_OK) {
        ss_accuracy_of(d, scores, r->job.classes, &a);
        *out = json_pack("{s:f,s:[f,f],s:f,s:f}", "top1", a.top1, "top1_interval", a.top1_lo, a.top1_hi,
                         "top5", a.top5, "images_per_second", (double)d->n / (ss_seconds() - start));
    }
    ss_free(r->ctx, scores);
    return s;
}

static ss_status save_eval(run *r, json_t *in_float, json_t *in_integers) {
    path p;
    const ss_study_data *d = &r->splits.data[SS_SPLIT_TEST];
    json_t *j = ss_json_new("skipstream.eval", 1);
    json_t *body = json_pack("{s:s,s:i,s:{s:s,s:I,s:o},s:O,s:O}", "model", r->job.name, "bits", r->job.bits,
                             "data", "source", d->source, "images", (json_int_t)d->images, "hash",
                             ss_json_hash(d->hash), "float", in_float, "integer", in_integers);
    ss_status s = SS_BAD;
    if (j && body && json_object_update(j, body) == 0)
        s = ss_json_save(r->ctx, in_dir(r, "eval.json", &p), j);
    else ss_error(r->ctx, SS_AT("eval.json"), "free some memory", "out of memory");
    json_decref(body);
    json_decref(j);
    return s;
}

static ss_status eval(run *r) {
    ss_engine *floats;
    json_t *in_float = NULL, *in_integers = NULL;
    if (integers(r) != SS_OK) return SS_BAD;
    if (ss_engine_new(r->ctx, r->job.g, NULL, SS_ISA_AUTO, &floats) != SS_OK) return SS_BAD;
    ss_status s = accuracy(r, floats, &in_float);
    if (s == SS_OK) s = accuracy(r, r->job.e, &in_integers);
    if (s == SS_OK) s = save_eval(r, in_float, in_integers);
    json_decref(in_float);
    json_decref(in_integers);
    ss_engine_free(floats);
    return s;
}

static ss_status profile(run *r) {
    path file;
    ss_profile *p;
    ss_job *j = &r->job;
    if (integers(r) != SS_OK || ss_job_deal_by(j, SS_DEAL_JOINT, &r->splits.part[SS_SPLIT_SEARCH]) != SS_OK)
        return SS_BAD;
    if (ss_profile_measure(r->ctx, j->g, j->e, j->q, &r->splits.part[SS_SPLIT_SEARCH], &j->norm, NULL, &p) !=
        SS_OK)
        return SS_BAD;
    ss_status s = ss_profile_set_source(p, r->splits.data[SS_SPLIT_SEARCH].source);
    if (s == SS_OK) s = ss_profile_save(p, in_dir(r, "profile.json", &file));
    ss_profile_free(p);
    return s;
}

/* p NULL: dense engines only. */
static ss_status explore_one(run *r, const ss_profile *p, const char *name) {
    path file;
    ss_design *d;
    ss_cost_opts cost = { .bits = r->job.bits, .engines = p ? r->study.engines : 1u << SS_ENGINE_DENSE };
    ss_status s = ss_explore_graph(r->ctx, r->job.g, p, &r->device, cost, r->study.explore, &d);
    if (s != SS_OK) return s;
    snprintf(d->model_path, sizeof d->model_path, "%s", ss_operand(r->cli, 0));
    if (p) snprintf(d->profile_name, sizeof d->profile_name, "%.240s", p->source);
    s = ss_design_save(d, r->job.g, in_dir(r, name, &file));
    ss_design_free(d);
    return s;
}

static ss_status explore(run *r) {
    path file;
    ss_profile *p;
    if (ss_profile_load(r->ctx, r->job.g, in_dir(r, "profile.json", &file), &p) != SS_OK) return SS_BAD;
    ss_status s = explore_one(r, NULL, "design_dense.json");
    if (s == SS_OK) s = explore_one(r, p, "design_sparse.json");
    ss_profile_free(p);
    return s;
}

static ss_status study(run *r, ss_correction *correction) {
    path file;
    ss_study *st;
    const ss_splits *x = &r->splits;
    ss_study_task task = { .g = r->job.g,
                           .q = r->job.q,
                           .e = r->job.e,
                           .search = &x->part[SS_SPLIT_SEARCH],
                           .test = &x->part[SS_SPLIT_TEST],
                           .norm = &r->job.norm,
                           .device = &r->device,
                           .calib_source = x->data[SS_SPLIT_CALIB].source,
                           .dealing = ss_dealing_names[SS_DEAL_JOINT],
                           .search_data = x->data[SS_SPLIT_SEARCH],
                           .test_data = x->data[SS_SPLIT_TEST],
                           .correction = correction,
                           .correction_data = x->correct_data,
                           .opts = r->study };
    if (ss_study_run(r->ctx, &task, &st) != SS_OK) return SS_BAD;
    ss_status s = ss_study_save(st, in_dir(r, "study.json", &file));
    if (s == SS_OK) s = ss_study_save_chosen(st, &task, ss_operand(r->cli, 0), r->dir);
    if (s == SS_OK) ss_study_say(r->cli, st);
    ss_study_free(st);
    return s;
}

static ss_status threshold(run *r) {
    ss_job *j = &r->job;
    ss_correction *c = NULL;
    if (dealt(r) != SS_OK) return SS_BAD;
    if (r->splits.correct.n > 0 &&
        ss_correction_new(j->ctx, j->g, j->q, j->e, &r->splits.correct, &j->norm, SS_CORRECT_MEMORY(r->study.memory), &c) != SS_OK)
        return SS_BAD;
    ss_status s = study(r, c);
    ss_correction_free(c);
    return s;
}

/* The optimised design with its FIFOs as simulation sizes them, or as they are. */
static ss_status tune(run *r) {
    path file;
    ss_design *d, *tuned = NULL;
    json_t *activity = NULL;
    ss_job *j = &r->job;
    ss_dataset few = r->splits.part[SS_SPLIT_SEARCH];
    if (r->tune < few.n) few.n = r->tune;
    if (dealt(r) != SS_OK) return SS_BAD;
    if (ss_design_load(r->ctx, j->g, in_dir(r, "design_optimised.json", &file), &d) != SS_OK) return SS_BAD;
    const ss_run_tune task = { .job = j,
                               .design = d,
                               .images = &few,
                               .search = &r->splits.part[SS_SPLIT_SEARCH],
                               .source = r->splits.data[SS_SPLIT_SEARCH].source,
                               .device = &r->device,
                               .engines = r->study.engines,
                               .explore = r->study.explore };
    ss_status s = ss_job_thresholds(j, in_dir(r, "thresholds_optimised.json", &file), NULL);
    if (s == SS_OK) s = ss_run_tuned(&task, &tuned, &activity);
    if (s == SS_OK) s = ss_design_save(tuned, j->g, in_dir(r, "design_tuned.json", &file));
    if (s == SS_OK) s = ss_json_save(r->ctx, in_dir(r, "activity.json", &file), activity);
    json_decref(activity);
    ss_design_free(tuned);
    ss_design_free(d);
    return s;
}

/* The last design under its thresholds, with the biases corrected for them. No later stage runs the network. */
static ss_status generate(run *r) {
    path file;
    ss_design *d;
    ss_job *j = &r->job;
    if (dealt(r) != SS_OK) return SS_BAD;
    if (ss_design_load(r->ctx, j->g, in_dir(r, generate_from(r)[1], &file), &d) != SS_OK) return SS_BAD;
    ss_status s = ss_job_thresholds(j, in_dir(r, "thresholds_optimised.json", &file), NULL);
    ss_rtl_opts o = { .last = -1, .no_vivado = *d->device.part == '\0' };
    in_dir(r, "hardware", &file);
    if (s == SS_OK && access(file.text, F_OK) == 0) s = ss_remove_tree(r->ctx, file.text); /* perhaps damaged */
    if (s == SS_OK) s = ss_rtl_generate(r->ctx, j->g, j->q, d, o, file.text);
    ss_design_free(d);
    return s;
}

static ss_status report(run *r) {
    path files[FILES], page;
    const char *list[FILES];
    int n = 0;
    for (; report_from(r)[n]; n++) list[n] = in_dir(r, report_from(r)[n], &files[n]);
    return ss_report_write(r->ctx, list, n, in_dir(r, "report.html", &page));
}

/* ---- keys: what each stage's result follows from ---- */

static uint64_t mix(uint64_t h, const void *data, size_t n) {
    return ss_hash(data, n, h);
}
static uint64_t mix_word(uint64_t h, uint64_t v) {
    return mix(h, &v, sizeof v);
}
static uint64_t mix_real(uint64_t h, double v) {
    return mix(h, &v, sizeof v);
}

static uint64_t model_key(const run *r) {
    const ss_graph *g = r->job.g;
    const ss_norm *n = &r->job.norm;
    uint64_t h = mix(ss_graph_hash(g), SS_VERSION, sizeof SS_VERSION);
    for (int32_t i = 0; i < g->n; i++)
        h = mix(h, &g->nodes[i].act.threshold, sizeof g->nodes[i].act.threshold);
    h = mix(h, n->mean, (size_t)n->channels * sizeof *n->mean);
    return mix(h, n->std, (size_t)n->channels * sizeof *n->std);
}

static uint64_t device_key(uint64_t h, const run *r) {
    const ss_device *d = &r->device;
    h = mix(h, d->name, strlen(d->name));
    for (int i = 0; i < SS_RES_COUNT; i++) h = mix_word(h, (uint64_t)ss_device_budget(d, (ss_res)i));
    const double figures[] = { d->clock_hz, d->bandwidth_bits, d->reconfiguration_s,
                               d->slrs,     d->dsp58,          d->uram_init };
    h = mix_word(mix(h, figures, sizeof figures), ss_cost_calibration());
    return mix_word(h, (uint64_t)r->study.explore.batch);
}

static uint64_t study_key(uint64_t h, const ss_study_opts *o) {
    return mix_word(mix_real(mix_real(mix_real(h, o->max_loss), o->step), o->t_max), (uint64_t)o->refine);
}

static uint64_t tuning_key(const run *r) {
    const uint64_t h = mix_word(ss_record_hash(&r->record, tune_reads), r->splits.data[SS_SPLIT_SEARCH].hash);
    return mix_word(device_key(h, r), mix_word((uint64_t)r->tune, r->study.engines));
}

/* ---- the flow ---- */

static ss_status stage(run *r, const char *name, const char *const *files, uint64_t key,
                       ss_status (*work)(run *)) {
    ss_say(r->cli, "[%d/%d] %s: ", ++r->step, steps(r), name);
    if (ss_record_kept(&r->record, name, key, files)) {
        ss_say(r->cli, "kept\n");
        return SS_OK;
    }
    ss_say(r->cli, "...\n");
    double start = ss_seconds();
    if (work(r) != SS_OK) return SS_BAD;
    double seconds = ss_seconds() - start;
    ss_say(r->cli, "      %s done in %.1f s\n", name, seconds);
    return ss_record_done(&r->record, name, key, seconds, files);
}

static ss_status flow(run *r) {
    const ss_study_data *images = r->splits.data;
    uint64_t calibrated = mix_word(model_key(r), images[SS_SPLIT_CALIB].hash);
    uint64_t quantised = mix_word(calibrated, (uint64_t)r->job.bits);
    uint64_t evaluated = mix_word(quantised, images[SS_SPLIT_TEST].hash);
    uint64_t profiled = mix_word(quantised, images[SS_SPLIT_SEARCH].hash);
    uint64_t explored = mix_word(device_key(profiled, r), r->study.engines);
    uint64_t studied = study_key(mix_word(explored, evaluated), &r->study);
    if (r->splits.correct.n > 0) studied = mix_real(mix_word(studied, r->splits.correct_data.hash), SS_CORRECT_SHARE);
    ss_status s = check(r);
    if (s == SS_OK) s = stage(r, "calibrate", calibrate_files, calibrated, calibrate);
    if (s == SS_OK) s = stage(r, "eval", eval_files, evaluated, eval);
    if (s == SS_OK) s = stage(r, "profile", profile_files, profiled, profile);
    if (s == SS_OK) s = stage(r, "explore", explore_files, explored, explore);
    if (s == SS_OK) s = stage(r, "threshold", threshold_files, studied, threshold);
    if (s == SS_OK && r->tune) s = stage(r, "tune", tune_files, tuning_key(r), tune);
    if (s == SS_OK) s = stage(r, "generate", generate_files, ss_record_hash(&r->record, generate_from(r)), generate);
    if (s == SS_OK) s = stage(r, "report", report_files, ss_record_hash(&r->record, report_from(r)), report);
    return s == SS_OK ? ss_run_summary(&r->job, r->dir, r->tune > 0) : s;
}

/* ---- the command ---- */

static ss_status parse(run *r) {
    ss_study_opts *o = &r->study;
    *o = (ss_study_opts){ .policies = 1u << SS_POLICY_UNIFORM,
                          .hardware = 1u << SS_HW_BASELINE | 1u << SS_HW_OPTIMISED,
                          .refine = 2,
                          .memory = SS_STUDY_MEMORY };
    ss_status s = ss_arg_real(r->cli, "max-loss", 0, 100, 1.0, &o->max_loss);
    if (ss_arg_real(r->cli, "step", 1e-6, 1e6, 0.05, &o->step) != SS_OK) s = SS_BAD;
    if (ss_arg_real(r->cli, "t-max", 1e-6, 1e6, 1.0, &o->t_max) != SS_OK) s = SS_BAD;
    if (ss_arg_int(r->cli, "limit", 1, INT64_MAX, 0, &r->limit) != SS_OK) s = SS_BAD;
    if (ss_arg_int(r->cli, "tune", 0, 1000000, 100, &r->tune) != SS_OK) s = SS_BAD;
    else if (r->tune == 1)
        s = ss_error(r->ctx, (ss_where){ "tune", NULL, "1" }, "take 2 or more, or 0", "one image has no interval to tune for");
    if (ss_job_explore_opts(r->cli, &o->explore) != SS_OK) s = SS_BAD;
    if (ss_job_device(r->cli, &r->device) != SS_OK) s = SS_BAD;
    if (ss_job_engines(r->cli, &o->engines) != SS_OK) s = SS_BAD;
    if (ss_cli_check_folder(r->cli, r->dir) != SS_OK) s = SS_BAD;
    return s == SS_OK ? ss_study_check_opts(r->ctx, o) : s;
}

static ss_status cmd_run(ss_cli *cli) {
    run r = { .cli = cli, .ctx = ss_cli_ctx(cli), .dir = ss_arg(cli, "out") };
    if (parse(&r) != SS_OK) return SS_BAD;
    ss_status s = ss_job_open(cli, &r.job);
    if (s == SS_OK) s = ss_splits_load(&r.job, r.limit, &r.splits);
    if (s == SS_OK) s = ss_mkdirs(r.ctx, r.dir);
    if (s == SS_OK) s = ss_record_open(r.ctx, r.dir, &r.record);
    if (s == SS_OK) s = flow(&r);
    if (s == SS_OK) ss_say(cli, "\nreport: %s/report.html\n", r.dir);
    if (r.record.ctx) ss_record_close(&r.record);
    ss_splits_free(&r.splits);
    ss_job_close(&r.job);
    return s;
}

const ss_command ss_cmd_run = {
    .name = "run",
    .operands = "MODEL",
    .summary = "do all of the above in order, into one folder",
    .details = "Checks, calibrates, evaluates, profiles, explores (dense for comparison, and sparse), raises\n"
               "thresholds, sizes FIFOs by simulation, writes the hardware of that design and a report. Run again, it\n"
               "keeps every stage whose result still follows\n"
               "from the same model, options and images, and does the others again. Profile and thresholds\n"
               "come from the search split, accuracy from the test split. A --data file is divided into\n"
               "calibration, search and test by ranges of its records, 1 : 4 : 5.",
    .opts = opts,
    .run = cmd_run,
};
