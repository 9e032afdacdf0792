/* eval: accuracy and speed of a network on labelled images, in float or in the hardware's integers.
 *
 * The order: model, normalisation, images, calibration (integers only, with the thresholds that the model came with),
 * quantisation, thresholds, corrected biases, one run over the images, which counts saturated values. */
#include "cli/commands.h"
#include "cli/job.h"
#include "onnx/onnx.h"

#include <inttypes.h>
#include <string.h>

static const ss_opt opts[] = {
    { "data", "D", "images: a CIFAR-10 binary file, or a folder of them", true },
    { "bits", "float|16|8", "arithmetic (default float)", false },
    { "calib", "C", "images for value ranges, or a saved calibration (.json); default: the first of --data; float needs none", false },
    { "save-calib", "FILE", "keep the value ranges as C for later runs", false },
    { "thresholds", "T.json", "ReLU thresholds; STUDY.json:N for point N of a study", false },
    SS_CORRECT_OPT,
    { "limit", "N", "only the first N images", false },
    { "mean", "A,B,C", "input normalisation: mean per channel, of pixels in 0..1", false },
    { "std", "A,B,C", "and standard deviation", false },
    { "isa", "NAME", "auto, portable, avx2 or avx512 (default auto)", false },
    { "export", "FILE", "write the model with the thresholds (and corrected biases) in it, as ONNX", false },
    { "predictions", "FILE", "write image,label,class,score for every image", false },
    { 0 },
};

typedef struct eval {
    ss_cli *cli;
    ss_ctx *ctx;
    int bits; /* 0: float */
    ss_isa isa;
    ss_graph *g;
    ss_norm norm;
    ss_dataset *data;
    ss_calib *calib;
    ss_quant *quant;
    ss_engine *engine;
    int32_t classes;
    float *scores;      /* [images][classes] */
    int64_t *saturated; /* [threads][nodes] */
    double seconds;
    ss_accuracy accuracy;
} eval;

/* ---- preparation ---- */

static ss_status parse_isa(ss_cli *cli, ss_isa *out) {
    static const char *const names[] = { "auto", "portable", "avx2", "avx512" };
    const char *text = ss_arg(cli, "isa");
    *out = SS_ISA_AUTO;
    for (int i = 0; text && i < 4; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (ss_isa)i;
            return SS_OK;
        }
    if (!text) return SS_OK;
    return ss_error(ss_cli_ctx(cli), (ss_where){ "isa", NULL, text }, "see --help",
                    "--isa takes auto, portable, avx2 or avx512");
}

static ss_status check_outputs(ss_cli *cli) {
    static const char *const files[] = { "save-calib", "predictions", "export" };
    ss_status s = SS_OK;
    for (int i = 0; i < 3; i++)
        if (ss_arg(cli, files[i]) && ss_cli_check_writable(cli, ss_arg(cli, files[i])) != SS_OK) s = SS_BAD;
    return s;
}

static ss_status load_inputs(eval *v) {
    ss_cli *cli = v->cli;
    int64_t limit;
    ss_status s = ss_arg_bits(cli, true, 0, &v->bits);
    if (ss_arg_int(cli, "limit", 1, INT64_MAX, 0, &limit) != SS_OK) s = SS_BAD;
    if (parse_isa(cli, &v->isa) != SS_OK) s = SS_BAD;
    if (check_outputs(cli) != SS_OK) s = SS_BAD;
    if (ss_arg(cli, "save-calib") && v->bits == 0)
        s = ss_error(v->ctx, SS_AT("--save-calib"), "give --bits 16 or 8", "float arithmetic measures no value ranges");
    if (s != SS_OK || ss_model_load(v->ctx, ss_operand(cli, 0), &v->g) != SS_OK) return SS_BAD;
    const ss_shape in = v->g->nodes[0].shape;
    if (ss_job_classes(v->g, &v->classes) != SS_OK) return SS_BAD;
    s = ss_norm_load(v->ctx, ss_operand(cli, 0), ss_arg(cli, "mean"), ss_arg(cli, "std"), in.c, &v->norm);
    if (ss_dataset_load(v->ctx, ss_arg(cli, "data"), in, v->classes, limit, &v->data) != SS_OK) s = SS_BAD;
    return s;
}

/* Thresholds and, when asked for, corrected biases into graph and engine. */
static ss_status change_model(eval *v) {
    ss_job j = { .cli = v->cli, .ctx = v->ctx, .g = v->g, .norm = v->norm, .classes = v->classes, .q = v->quant,
                 .e = v->engine };
    return ss_job_thresholds(&j, ss_arg(v->cli, "thresholds"), ss_arg(v->cli, "correct-bias"));
}

static ss_status prepare(eval *v) {
    if (load_inputs(v) != SS_OK) return SS_BAD;
    if (v->bits &&
        ss_calib_obtain(v->ctx, v->g, ss_arg(v->cli, "calib"), v->data, &v->norm, &v->calib) != SS_OK)
        return SS_BAD;
    if (v->bits && ss_quantise(v->ctx, v->g, v->calib, v->bits, &v->quant) != SS_OK) return SS_BAD;
    if (ss_engine_new(v->ctx, v->g, v->quant, v->isa, &v->engine) != SS_OK) return SS_BAD;
    if (change_model(v) != SS_OK) return SS_BAD;
    size_t n;
    if (!ss_mul_size((size_t)v->data->n, (size_t)v->classes, &n)) n = SIZE_MAX;
    v->scores = ss_alloc(v->ctx, n, sizeof *v->scores);
    v->saturated = ss_alloc(v->ctx, (size_t)v->g->n * (size_t)ss_ctx_threads(v->ctx), sizeof *v->saturated);
    return v->scores && v->saturated ? SS_OK : SS_BAD;
}

static void release(eval *v) {
    ss_free(v->ctx, v->saturated);
    ss_free(v->ctx, v->scores);
    ss_engine_free(v->engine);
    ss_quant_free(v->quant);
    ss_calib_free(v->calib);
    ss_dataset_free(v->data);
    ss_graph_free(v->g);
}

/* ---- the run ---- */

static ss_status run(eval *v) {
    const ss_run_opts count = { .saturated = v->saturated };
    const double start = ss_seconds();
    if (ss_engine_run(v->ctx, v->engine, v->data, &v->norm, v->bits ? &count : NULL, v->scores) != SS_OK) return SS_BAD;
    v->seconds = ss_seconds() - start;
    ss_accuracy_of(v->data, v->scores, v->classes, &v->accuracy);
    for (int t = 1; t < ss_ctx_threads(v->ctx); t++)
        for (int32_t i = 0; i < v->g->n; i++) v->saturated[i] += v->saturated[(int64_t)t * v->g->n + i];
    return SS_OK;
}

static ss_status write_predictions(const eval *v, const char *path) {
    ss_buf b;
    ss_buf_init(&b, v->ctx);
    ss_buf_printf(&b, "image,label,class,score\n");
    for (int64_t i = 0; i < v->data->n; i++) {
        const float *s = v->scores + i * v->classes;
        int32_t best = 0;
        for (int32_t c = 1; c < v->classes; c++)
            if (s[c] > s[best]) best = c;
        ss_buf_printf(&b, "%" PRId64 ",%d,%d,%.9g\n", i, v->data->labels[i], best, (double)s[best]);
    }
    ss_status s = b.failed ? SS_BAD : ss_file_write(v->ctx, path, b.data, b.len);
    ss_buf_free(&b);
    return s;
}

/* ---- the result ---- */

typedef struct integers {
    int acc_min, acc_max;       /* accumulator bits over all filters */
    int64_t saturated, values;
    int32_t worst;              /* node with the largest share of saturated values; -1: none */
} integers;

static integers summarise(const eval *v) {
    integers r = { 64, 0, 0, 0, -1 };
    double share = 0;
    for (int32_t i = 0; i < v->g->n; i++) {
        const ss_node *n = &v->g->nodes[i];
        const int64_t values = v->data->n * ss_shape_size(n->shape);
        r.saturated += v->saturated[i];
        r.values += values;
        if ((double)v->saturated[i] > share * (double)values) {
            share = (double)v->saturated[i] / (double)values;
            r.worst = i;
        }
        for (int32_t f = 0; n->op == SS_OP_CONV && f < n->shape.c; f++) {
            const int bits = v->quant->nodes[i].filter_acc_bits[f];
            if (bits < r.acc_min) r.acc_min = bits;
            if (bits > r.acc_max) r.acc_max = bits;
        }
    }
    return r;
}

static json_t *thresholds_json(const eval *v, const ss_node *n, const ss_qnode *q) {
    json_t *real = json_array(), *integer = json_array();
    const int32_t channels = n->act.per_channel ? n->shape.c : 1;
    for (int32_t c = 0; c < channels; c++) {
        const float t = n->act.per_channel ? n->act.per_channel[c] : n->act.threshold;
        json_array_append_new(real, json_real((double)t));
        if (v->bits) json_array_append_new(integer, json_integer(q->thr[c]));
    }
    json_t *j = json_pack("{s:o}", "real", real);
    if (v->bits) json_object_set_new(j, "integer", integer);
    else json_decref(integer);
    return j;
}

static json_t *integers_json(const eval *v) {
    const integers r = summarise(v);
    json_t *layers = json_array();
    for (int32_t i = 0; i < v->g->n; i++) {
        const ss_qnode *q = &v->quant->nodes[i];
        json_array_append_new(layers, json_pack("{s:s,s:s,s:i,s:i,s:i,s:I}", "name", v->g->nodes[i].name, "op",
                                                ss_op_name(v->g->nodes[i].op), "frac", q->frac, "accumulator_bits",
                                                q->acc_bits, "pre", q->pre, "saturated", (json_int_t)v->saturated[i]));
    }
    return json_pack("{s:i,s:i,s:I,s:I,s:o}", "accumulator_bits_min", r.acc_min, "accumulator_bits_max", r.acc_max,
                     "saturated", (json_int_t)r.saturated, "values", (json_int_t)r.values, "layers", layers);
}

static void give_json(const eval *v) {
    const ss_accuracy *a = &v->accuracy;
    json_t *thresholds = json_object();
    for (int32_t i = 0; i < v->g->n; i++)
        if (v->g->nodes[i].act.on)
            json_object_set_new(thresholds, v->g->nodes[i].act.name,
                                thresholds_json(v, &v->g->nodes[i], v->bits ? &v->quant->nodes[i] : NULL));
    json_t *j = json_pack("{s:s,s:s,s:s,s:i,s:I,s:f,s:[f,f],s:f,s:[f,f],s:f,s:f,s:o}", "model", v->g->name, "bits",
                          v->bits == 16 ? "16" : v->bits == 8 ? "8" : "float", "isa", ss_engine_isa(v->engine), "threads",
                          ss_ctx_threads(v->ctx), "images", (json_int_t)a->images, "top1", a->top1, "top1_interval",
                          a->top1_lo, a->top1_hi, "top5", a->top5, "top5_interval", a->top5_lo, a->top5_hi,
                          "images_per_second", (double)a->images / v->seconds, "seconds", v->seconds, "thresholds",
                          thresholds);
    if (v->bits) json_object_set_new(j, "integers", integers_json(v));
    ss_cli_result(v->cli, j);
}

static void say_thresholds(const eval *v) {
    for (int32_t i = 0; i < v->g->n; i++) {
        const ss_act *a = &v->g->nodes[i].act;
        if (!a->on) continue;
        if (a->per_channel) ss_say(v->cli, "  threshold %-32s per channel\n", a->name);
        else if (v->bits)
            ss_say(v->cli, "  threshold %-32s %g: %d x 2^%d\n", a->name, (double)a->threshold,
                   v->quant->nodes[i].thr[0], -v->quant->nodes[i].frac);
        else ss_say(v->cli, "  threshold %-32s %g\n", a->name, (double)a->threshold);
    }
}

static void say_integers(const eval *v) {
    const integers r = summarise(v);
    ss_say(v->cli, "  accumulators %d to %d bits\n", r.acc_min, r.acc_max);
    ss_say(v->cli, "  saturated %" PRId64 " of %" PRId64 " values (%.4f %%)", r.saturated, r.values,
           100 * (double)r.saturated / (double)r.values);
    if (r.worst >= 0)
        ss_say(v->cli, "; most in %s (%.4f %%)", v->g->nodes[r.worst].name,
               100 * (double)v->saturated[r.worst] /
                   ((double)v->data->n * (double)ss_shape_size(v->g->nodes[r.worst].shape)));
    ss_say(v->cli, "\n");
}

static void say(const eval *v) {
    const ss_accuracy *a = &v->accuracy;
    ss_say(v->cli, "%s, %s%s, %" PRId64 " images, %s, %d threads\n", v->g->name,
           v->bits == 16 ? "16" : v->bits == 8 ? "8" : "float", v->bits ? " bits" : "", a->images,
           ss_engine_isa(v->engine), ss_ctx_threads(v->ctx));
    ss_say(v->cli, "  Top-1 %6.2f %%  (95 %%: %.2f to %.2f)\n", a->top1, a->top1_lo, a->top1_hi);
    ss_say(v->cli, "  Top-5 %6.2f %%  (95 %%: %.2f to %.2f)\n", a->top5, a->top5_lo, a->top5_hi);
    ss_say(v->cli, "  %.1f images/s\n", (double)a->images / v->seconds);
    if (v->bits) say_integers(v);
    if (ss_arg(v->cli, "thresholds")) say_thresholds(v);
}

static ss_status cmd_eval(ss_cli *cli) {
    eval v = { .cli = cli, .ctx = ss_cli_ctx(cli) };
    const char *predictions = ss_arg(cli, "predictions"), *calib = ss_arg(cli, "save-calib");
    const char *export = ss_arg(cli, "export");
    ss_status s = prepare(&v);
    if (s == SS_OK) s = run(&v);
    if (s == SS_OK && calib) s = ss_calib_save(v.calib, calib);
    if (s == SS_OK && export) s = ss_onnx_export(v.g, ss_operand(cli, 0), export);
    if (s == SS_OK && predictions) s = write_predictions(&v, predictions);
    if (s == SS_OK) {
        say(&v);
        give_json(&v);
    }
    release(&v);
    return s;
}

const ss_command ss_cmd_eval = {
    .name = "eval",
    .operands = "MODEL",
    .summary = "measure accuracy and speed on labelled images, in float or in integers",
    .details = "Runs every image and reports Top-1 and Top-5 with 95 % Wilson intervals, images per second, and\n"
               "for --bits 16 or 8 the accumulator widths and how many values saturated. Integer results do not\n"
               "depend on --isa or --threads.",
    .opts = opts,
    .run = cmd_eval,
};
