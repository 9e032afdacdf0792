/* profile: what zeros the convolutions see on real images. */
#include "cli/commands.h"
#include "cli/job.h"

#include <inttypes.h>
#include <stdio.h>

static const ss_opt opts[] = {
    { "data", "D", "images: a CIFAR-10 binary file, or a folder of them", true },
    { "out", "FILE", "the profile to write", true },
    SS_JOB_OPTS,
    { "thresholds", "T.json", "ReLU thresholds; STUDY.json:N for point N of a study", false },
    SS_CORRECT_OPT,
    { "limit", "N", "only the first N images", false },
    SS_DEAL_OPT,
    { "order", "FILE", "instead of --deal: the order of channels of a design or a profile", false },
    { 0 },
};

/* Stream counts whose largest count is shown: what waiting for each other costs. */
static const int64_t shown_ci[] = { 4, 16, 64 };
enum { SHOWN = sizeof shown_ci / sizeof *shown_ci };

typedef struct result {
    ss_profile *p;
    ss_accuracy accuracy;
    double seconds;
} result;

static ss_status measure(ss_job *j, const ss_dataset *d, result *r) {
    float *scores = ss_alloc(j->ctx, (size_t)d->n, (size_t)j->classes * sizeof *scores);
    double start = ss_seconds();
    ss_status s = scores ? ss_profile_measure(j->ctx, j->g, j->e, j->q, d, &j->norm, scores, &r->p) : SS_BAD;
    r->seconds = ss_seconds() - start;
    if (s == SS_OK) ss_accuracy_of(d, scores, j->classes, &r->accuracy);
    ss_free(j->ctx, scores);
    return s;
}

static void say_layers(ss_cli *cli, const ss_profile *p) {
    ss_say(cli, "\n%-36s %9s %7s %9s %6s", "convolution", "channels", "zeros %", "non-zeros", "of K");
    for (int i = 0; i < SHOWN; i++) ss_say(cli, "   max %2" PRId64, shown_ci[i]);
    ss_say(cli, "\n");
    for (int32_t i = 0; i < p->n_layers; i++) {
        const ss_layer_profile *l = &p->layers[i];
        ss_say(cli, "%-36.36s %9d %7.1f %9.2f %6d", l->name, l->channels, 100 * l->zero_ratio,
               ss_profile_mean_nonzeros(l), l->k);
        for (int k = 0; k < SHOWN; k++) {
            const double *h = ss_profile_max_hist(l, shown_ci[k]);
            if (h) ss_say(cli, " %8.2f", ss_profile_mean(h, l->k));
            else ss_say(cli, " %8s", "-");
        }
        ss_say(cli, "\n");
    }
    ss_say(cli, "\nzeros: of the input's elements; non-zeros: mean of a window of K, padding included;\n"
                "max n: mean of the largest window of n channels side by side, for which n streams wait\n");
}

static void say(ss_job *j, const result *r, const char *out) {
    const ss_accuracy *a = &r->accuracy;
    ss_say(j->cli, "%s, %d bits, %" PRId64 " images, %s\n", j->g->name, j->bits, a->images,
           ss_engine_isa(j->e));
    ss_say(j->cli, "  Top-1 %.2f %% (95 %%: %.2f to %.2f), Top-5 %.2f %%\n", a->top1, a->top1_lo, a->top1_hi,
           a->top5);
    ss_say(j->cli, "  %.1f images/s, profiled\n", (double)a->images / r->seconds);
    say_layers(j->cli, r->p);
    ss_say(j->cli, "\n%-36s %9s %9s\n", "ReLU", "threshold", "zeros %");
    for (int32_t i = 0; i < r->p->n_relus; i++) {
        const ss_relu_profile *x = &r->p->relus[i];
        ss_say(j->cli, "%-36.36s %9g %9.1f\n", x->name, (double)x->threshold, 100 * x->zero_ratio);
    }
    if (!ss_shifts_none(&r->p->shifts)) ss_say(j->cli, "\nbiases are corrected for these thresholds\n");
    ss_say(j->cli, "\nwritten: %s\n", out);
}

static json_t *layer_json(const ss_layer_profile *l) {
    json_t *largest = json_object();
    for (int32_t i = 0; i < l->n_ci; i++) {
        char key[24];
        snprintf(key, sizeof key, "%" PRId64, l->ci[i]);
        json_object_set_new(largest, key, json_real(ss_profile_mean(ss_profile_max_hist(l, l->ci[i]), l->k)));
    }
    return json_pack("{s:s,s:i,s:i,s:f,s:f,s:o}", "name", l->name, "channels", (int)l->channels, "k",
                     (int)l->k, "zero_ratio", l->zero_ratio, "mean_nonzeros", ss_profile_mean_nonzeros(l),
                     "mean_max_nonzeros", largest);
}

static void give_json(ss_job *j, const result *r, const char *out) {
    const ss_accuracy *a = &r->accuracy;
    json_t *layers = json_array(), *relus = json_array();
    for (int32_t i = 0; i < r->p->n_layers; i++) json_array_append_new(layers, layer_json(&r->p->layers[i]));
    for (int32_t i = 0; i < r->p->n_relus; i++)
        json_array_append_new(relus, json_pack("{s:s,s:f,s:f}", "name", r->p->relus[i].name, "threshold",
                                               (double)r->p->relus[i].threshold, "zero_ratio",
                                               r->p->relus[i].zero_ratio));
    ss_cli_result(j->cli, json_pack("{s:s,s:s,s:i,s:I,s:f,s:f,s:f,s:o,s:o}", "model", j->g->name, "profile",
                                    out, "bits", j->bits, "images", (json_int_t)a->images, "top1", a->top1,
                                    "top5", a->top5, "images_per_second", (double)a->images / r->seconds,
                                    "layers", layers, "relus", relus));
}

/* The order in which channels are profiled, and stand in hardware explored for this profile. */
static ss_status deal(ss_job *j, const ss_dataset *d) {
    const char *order = ss_arg(j->cli, "order");
    ss_dealing dealing;
    if (ss_job_check_dealing(j->cli, &dealing) != SS_OK) return SS_BAD;
    if (order && ss_arg(j->cli, "deal"))
        return ss_error(j->ctx, SS_AT("order"), "leave one of them out", "--order and --deal exclude each other");
    return order ? ss_job_deal_as(j, order) : ss_job_deal_by(j, dealing, d);
}

static ss_status profile(ss_job *j) {
    ss_cli *cli = j->cli;
    const char *out = ss_arg(cli, "out");
    ss_dataset *d = NULL;
    result r = { 0 };
    int64_t limit;
    ss_status s = ss_arg_int(cli, "limit", 1, INT64_MAX, 0, &limit);
    if (s == SS_OK) s = ss_job_images(j, ss_arg(cli, "data"), limit, &d);
    if (s == SS_OK) s = ss_job_quantise(j, ss_arg(cli, "calib"), d);
    if (s == SS_OK) s = ss_job_thresholds(j, ss_arg(cli, "thresholds"), ss_arg(cli, "correct-bias"));
    if (s == SS_OK) s = deal(j, d);
    if (s == SS_OK) s = measure(j, d, &r);
    if (s == SS_OK) s = ss_profile_set_source(r.p, ss_arg(cli, "data"));
    if (s == SS_OK) s = ss_profile_save(r.p, out);
    if (s == SS_OK) {
        say(j, &r, out);
        give_json(j, &r, out);
    }
    ss_profile_free(r.p);
    ss_dataset_free(d);
    return s;
}

static ss_status cmd_profile(ss_cli *cli) {
    ss_job j;
    ss_status s = ss_cli_check_writable(cli, ss_arg(cli, "out"));
    if (ss_job_open(cli, &j) == SS_OK && s == SS_OK) s = profile(&j);
    else s = SS_BAD;
    ss_job_close(&j);
    return s;
}

const ss_command ss_cmd_profile = {
    .name = "profile",
    .operands = "MODEL",
    .summary = "measure the zeros that each convolution sees on real images",
    .details = "One integer run over the images gives, for every convolution and channel, a histogram of\n"
               "non-zeros per window (padding counts as zeros), for every number of parallel streams the\n"
               "histogram of the largest count among them, and the share of zeros behind every ReLU.\n"
               "Accuracy comes from the same run. Channels that streams take together are chosen so that\n"
               "they wait little for each other (--deal); the order is kept in the profile, and hardware\n"
               "explored for it has it. A profile does not depend on --threads.",
    .opts = opts,
    .run = cmd_profile,
};
