/* simulate: a design's pipeline cycle by cycle on real images, without a hardware simulator. */
#include "cli/commands.h"
#include "cli/design_job.h"
#include "report/report.h"
#include "sim/sim.h"

#include <stdio.h>
#include <string.h>

static const ss_opt opts[] = {
    { "data", "D", "images: a CIFAR-10 binary file, or a folder of them", true },
    { "images", "N", "how many to stream (default 100)", false },
    { "skip", "K", "leave out the first K images of the data", false },
    { "span", "FIRST..LAST", "only these nodes, or one node", false },
    SS_DEPTH_OPT,
    SS_DESIGN_JOB_OPTS,
    { "loss", NULL, "split what is lost against the cost model by cause (four times as long)", false },
    { "trace", "FILE.vcd", "what every node does, and the FIFOs' levels, as a waveform", false },
    { "levels", "FILE", "the FIFOs' levels as a table, for a plot", false },
    { "plot", "FILE.svg", "what every node does and how full the FIFOs are over time, as a picture", false },
    { "activity", "FILE", "the same as JSON, for `report`", false },
    { "cycles", "FIRST..LAST", "cycles for these four (default 0..200000)", false },
    { "tune", "FILE", "size the FIFOs of joins, measure stalls: the design with both, for `explore --tuned`; take 100 images or more", false },
    { "within", "F", "with --tune: of the throughput of FIFOs without end (default 0.99)", false },
    { "brief", NULL, "print partitions without their nodes", false },
    { 0 },
};

typedef struct request {
    ss_cli *cli;
    ss_ctx *ctx;
    ss_design_job design;
    int64_t images, skip;
    ss_rtl_opts rtl;
    double within;
    ss_sim_trace trace;
} request;

static ss_status parse_trace(request *r) {
    const char *cycles = ss_arg(r->cli, "cycles");
    long long from = 0, to = 200000;
    char rest;
    ss_status s = SS_OK;
    r->trace.waveform = ss_arg(r->cli, "trace");
    r->trace.levels = ss_arg(r->cli, "levels");
    if (r->trace.waveform) s |= ss_cli_check_writable(r->cli, r->trace.waveform);
    if (r->trace.levels) s |= ss_cli_check_writable(r->cli, r->trace.levels);
    for (size_t i = 0; i < 2; i++) {
        const char *path = ss_arg(r->cli, i ? "plot" : "activity");
        if (!path) continue;
        s |= ss_cli_check_writable(r->cli, path);
        r->trace.activity = true;
    }
    if (cycles && (sscanf(cycles, "%lld..%lld%c", &from, &to, &rest) != 2 || from < 0 || to <= from))
        s = ss_error(r->ctx, (ss_where){ "cycles", NULL, cycles }, "write two cycles, as in 1000..50000",
                     "is no span of cycles");
    if (cycles && !r->trace.waveform && !r->trace.levels && !r->trace.activity)
        s = ss_error(r->ctx, SS_AT("cycles"), "give --trace, --levels, --plot or --activity", "there is nothing to write of them");
    r->trace.from = from;
    r->trace.to = to;
    return s == SS_OK ? SS_OK : SS_BAD;
}

static ss_status parse(request *r) {
    int bad = ss_arg_int(r->cli, "images", 1, 1000000, 100, &r->images) != SS_OK;
    bad += ss_arg_int(r->cli, "skip", 0, 1000000000, 0, &r->skip) != SS_OK;
    bad += parse_trace(r) != SS_OK;
    bad += ss_arg_real(r->cli, "within", 0.5, 1, 0.99, &r->within) != SS_OK;
    if (ss_arg(r->cli, "tune")) bad += ss_cli_check_writable(r->cli, ss_arg(r->cli, "tune")) != SS_OK;
    else if (ss_arg(r->cli, "within"))
        bad += ss_error(r->ctx, SS_AT("within"), "give --tune", "nothing is sized without it") != SS_OK;
    const char *no = ss_arg(r->cli, "span") ? "span" : ss_arg(r->cli, "depth") ? "depth" : NULL;
    if (ss_arg(r->cli, "tune") && no)
        bad += ss_error(r->ctx, SS_AT("tune"), "leave one out", "a design is tuned as it is, without --%s", no) != SS_OK;
    return bad ? SS_BAD : SS_OK;
}

/* ---- text ---- */

static void show_spread(ss_cli *cli, const char *what, const ss_spread *s, double predicted) {
    if (s->most == 0) return;
    ss_say(cli,
           "    %-8s mean %.1f cycles, 5 %% %.0f, 95 %% %.0f, %lld to %lld; cost model on these images %.0f "
           "(simulated %+.2f %%)\n",
           what, s->mean, s->p5, s->p95, (long long)s->least, (long long)s->most, predicted,
           predicted > 0 ? 100 * (s->mean / predicted - 1) : 0);
}

static void show_loss(ss_cli *cli, const ss_sim_partition *p) {
    const double model = p->predicted_interval > 0 ? p->predicted_interval / 100 : 1;
    if (!p->loss.known) return;
    ss_say(cli,
           "    lost against the model: nodes that wait for one another %+.2f %%, images that differ %+.2f %%, "
           "windows that differ %+.2f %%, FIFOs of joins %+.2f %%\n",
           p->loss.waits / model, p->loss.images / model, p->loss.bursts / model, p->loss.joins / model);
}

static void show_nodes(ss_cli *cli, const ss_simulated *v, const ss_sim_partition *p) {
    const double all = p->cycles > 0 ? (double)p->cycles : 1;
    ss_say(cli, "    %-30s %-8s %11s %11s %7s %9s %9s %9s  %s\n", "node", "op", "model", "interval",
           "busy %", "starved %", "joining %", "blocked %", "FIFOs: most words of room");
    for (int32_t i = 0; i < p->n_nodes; i++) {
        const ss_sim_node *n = &p->nodes[i];
        const ss_node *node = &v->g->nodes[n->node];
        ss_say(cli, "    %-30.30s %-8s %11.0f %11.1f %7.1f %9.1f %9.1f %9.1f ", node->name,
               ss_op_name(node->op), n->predicted, n->interval, 100 * (double)n->busy / all,
               100 * (double)n->starved / all, 100 * (double)n->joining / all,
               100 * (double)n->blocked / all);
        for (int32_t k = 0; k < n->n_fifos; k++)
            ss_say(cli, " %lld/%lld", (long long)n->held[k], (long long)n->depth[k]);
        if (n->n_fifos && n->sized[0]) ss_say(cli, "; least, sized");
        for (int32_t k = 0; k < n->n_fifos && n->sized[k]; k++)
            ss_say(cli, " %lld, %lld%s", (long long)n->least[k], (long long)n->sized[k],
                   k + 1 < n->n_fifos ? ";" : "");
        ss_say(cli, "\n");
    }
}

static void show_tuned(ss_cli *cli, const ss_sim_partition *p) {
    if (p->sized_interval > 0)
        ss_say(cli,
               "    tuned: interval %.1f with FIFOs of joins as sized, %.1f with FIFOs without end; engines that skip "
               "zeros stall %.4f times\n",
               p->sized_interval, p->endless_interval, p->stall);
}

static void show_deadlock(ss_cli *cli, const ss_graph *g, const ss_sim_partition *p) {
    ss_say(cli, "    deadlock: nothing moves after cycle %lld\n", (long long)p->cycles);
    for (const char *line = p->why; *line;) {
        const size_t len = strcspn(line, "\n");
        ss_say(cli, "    %.*s\n", (int)len, line);
        line += len + (line[len] == '\n');
    }
    const ss_rtl_depth *c = &p->cure;
    if (c->words)
        ss_say(cli, "    --depth %s:%d=%lld is the least with which the first images flow\n",
               g->nodes[c->node].name, (int)c->input, (long long)c->words);
    else if (c->node >= 0)
        ss_say(cli, "    no size of the FIFO of %s alone helps: others are too small, too\n",
               g->nodes[c->node].name);
}

static void show(ss_cli *cli, const ss_simulated *v, bool brief) {
    for (int32_t i = 0; i < v->n_partitions; i++) {
        const ss_sim_partition *p = &v->partitions[i];
        ss_say(cli, "partition_%d: %s .. %s: %lld images, %lld cycles%s\n", (int)p->number,
               v->g->nodes[p->first].name, v->g->nodes[p->last].name, (long long)v->images,
               (long long)p->cycles, p->deadlock ? ", DEADLOCK" : "");
        if (p->deadlock) show_deadlock(cli, v->g, p);
        else {
            show_spread(cli, "interval", &p->interval, p->predicted_interval);
            show_spread(cli, "latency", &p->latency, p->predicted_latency);
            show_loss(cli, p);
            show_tuned(cli, p);
        }
        if (!brief) show_nodes(cli, v, p);
        ss_say(cli, "    simulated in %.3f s: %.0f images/s\n", p->seconds,
               p->seconds > 0 ? (double)v->images / p->seconds : 0);
    }
    ss_say(cli, "integer engine and windows: %.3f s\n", v->engine_seconds);
}

/* Its cycles are those of the images that were simulated. */
static ss_status save_tuned(request *r, ss_design *d) {
    if (!ss_design_fits(d)) ss_say(r->cli, "    as sized it takes more than the device has: explore again with --tuned\n");
    snprintf(d->profile_name, sizeof d->profile_name, "%s", ss_arg(r->cli, "data"));
    return ss_design_save(d, r->design.job.g, ss_arg(r->cli, "tune"));
}

static ss_status save_activity(request *r, const json_t *activity) {
    const char *json = ss_arg(r->cli, "activity"), *picture = ss_arg(r->cli, "plot");
    ss_status s = json ? ss_json_save(r->ctx, json, activity) : SS_OK;
    return s == SS_OK && picture ? ss_report_activity(r->ctx, activity, picture) : s;
}

static ss_status simulate(request *r, const ss_dataset *images) {
    const ss_job *j = &r->design.job;
    ss_simulated *v = NULL;
    const ss_sim_task task = { .g = j->g,
                               .q = j->q,
                               .e = j->e,
                               .design = r->design.design,
                               .images = images,
                               .norm = &j->norm,
                               .opts = r->rtl,
                               .trace = r->trace,
                               .split_loss = ss_arg(r->cli, "loss") != NULL,
                               .tune = ss_arg(r->cli, "tune") != NULL,
                               .within = r->within };
    ss_status s = ss_sim_run(r->ctx, &task, &v);
    if (s == SS_OK && task.tune) s = save_tuned(r, v->tuned);
    if (v && v->activity && save_activity(r, v->activity) != SS_OK) s = SS_BAD;
    if (v) {
        show(r->cli, v, ss_arg(r->cli, "brief") != NULL);
        ss_cli_result(r->cli, ss_simulated_json(v));
    }
    ss_simulated_free(v);
    return s;
}

static ss_status cmd_simulate(ss_cli *cli) {
    request r = { .cli = cli, .ctx = ss_cli_ctx(cli), .rtl = { .last = -1 } };
    ss_dataset *file = NULL, images;
    ss_status s = parse(&r);
    if (ss_design_job_open(cli, true, &r.design) != SS_OK) s = SS_BAD;
    else if (ss_design_job_parts(&r.design, &r.rtl) != SS_OK) s = SS_BAD;
    if (s == SS_OK) s = ss_design_job_images(&r.design, r.skip, r.images, ss_arg(cli, "images") == NULL, &file, &images);
    if (s == SS_OK) s = simulate(&r, &images);
    ss_dataset_free(file);
    ss_design_job_close(&r.design);
    return s;
}

const ss_command ss_cmd_simulate = {
    .name = "simulate",
    .operands = "DESIGN",
    .summary = "follow a design's pipeline cycle by cycle on real images",
    .details = "Takes the activations of every image from the integer reference, and follows the words "
               "through the same\n"
               "modules, buffers and handshakes as the generated hardware has: the same cycles, without a "
               "simulator of\n"
               "hardware. Says interval and latency with their spread over the images, and per node the "
               "cycles in which\n"
               "it works, waits for a word (starved) or for its reader (blocked). A deadlock exits 1, and "
               "says which\n"
               "buffers are full and empty.",
    .opts = opts,
    .run = cmd_simulate,
};
