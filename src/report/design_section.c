/* The report's section for a design: what each partition is, which node is the slowest and by how much, what
 * fills the device, and how every node is built. */
#include "device/device.h"
#include "report/section.h"

#include <stdio.h>
#include <string.h>

typedef struct node {
    const char *name, *op, *engine, *memory;
    int64_t gr, pixels, ci, co, m;
    double cycles;
    int64_t res[SS_RES_COUNT];
} node;

typedef struct partition {
    int number; /* from 1 */
    const char *slowest, *binding;
    double interval, bound, latency;
    int64_t load_bits, res[SS_RES_COUNT];
    const json_t *nodes;
} partition;

typedef struct design {
    const char *model, *device, *profile;
    bool raised; /* some threshold is above 0 */
    int64_t bits, batch, total[SS_RES_COUNT];
    double clock_hz, cap[SS_RES_COUNT];
    bool capped; /* any cap below 1 */
    bool quick;  /* made for the latency of one image */
    double throughput, steady, bound, gap, latency_us;
    const json_t *partitions;
} design;

static const char *const res_titles[SS_RES_COUNT] = { "LUT", "FF", "DSP", "BRAM18", "URAM" };

/* ---- reading ---- */

static void read_resources(report_section *s, const json_t *o, int64_t out[SS_RES_COUNT]) {
    for (int r = 0; r < SS_RES_COUNT && !s->bad; r++) out[r] = report_int(s, o, ss_res_names[r]);
}

static node read_node(report_section *s, const json_t *j) {
    node n = { .name = report_str(s, j, "name"),
               .op = report_str(s, j, "op"),
               .engine = report_str(s, j, "engine"),
               .memory = report_str(s, j, "memory"),
               .gr = report_int(s, j, "gr"),
               .pixels = json_object_get(j, "pixels") ? report_int(s, j, "pixels") : 1,
               .ci = report_int(s, j, "ci"),
               .co = report_int(s, j, "co"),
               .m = report_int(s, j, "m"),
               .cycles = report_real(s, j, "cycles") };
    read_resources(s, report_object(s, j, "resources"), n.res);
    return n;
}

static partition read_partition(report_section *s, const json_t *j, int number) {
    partition p = { .number = number,
                    .slowest = report_str(s, j, "slowest"),
                    .binding = report_str(s, j, "binding"),
                    .interval = report_real(s, j, "interval"),
                    .bound = report_real(s, j, "bound"),
                    .latency = report_real(s, j, "latency"),
                    .load_bits = report_int(s, j, "load_bits"),
                    .nodes = report_array(s, j, "nodes") };
    read_resources(s, report_object(s, j, "resources"), p.res);
    return p;
}

static design read_design(report_section *s) {
    const json_t *device = report_object(s, s->j, "device");
    design d = { .model = report_str(s, report_object(s, s->j, "model"), "name"),
                 .device = report_str(s, device, "name"),
                 .bits = report_int(s, s->j, "bits"),
                 .batch = report_int(s, s->j, "batch"),
                 .clock_hz = report_real(s, device, "clock_hz"),
                 .throughput = report_real(s, s->j, "throughput"),
                 .steady = report_real(s, s->j, "throughput_steady"),
                 .bound = report_real(s, s->j, "bound"),
                 .gap = report_real(s, s->j, "gap"),
                 .latency_us = report_real(s, s->j, "latency_us"),
                 .partitions = report_array(s, s->j, "partitions") };
    read_resources(s, report_object(s, device, "total"), d.total);
    const char *objective = json_string_value(json_object_get(s->j, "objective"));
    d.quick = objective && strcmp(objective, "latency") == 0;
    d.profile = report_str(s, report_object(s, s->j, "profile"), "name");
    const char *relu;
    const json_t *t;
    json_object_foreach((json_t *)report_object(s, s->j, "thresholds"), relu, t) d.raised =
        d.raised || json_number_value(t) > 0;
    const json_t *cap = report_object(s, device, "cap");
    for (int r = 0; r < SS_RES_COUNT && !s->bad; r++) {
        d.cap[r] = report_real(s, cap, ss_res_names[r]);
        d.capped = d.capped || d.cap[r] < 1;
    }
    return d;
}

/* ---- writing ---- */

static bool is_dense(const design *d) {
    return strcmp(d->profile, "dense") == 0;
}

static const char *title_of(const design *d) {
    return is_dense(d) ? "Dense design" : d->raised ? "Design for raised thresholds" : "Sparse design";
}

/* "for the zeros of val_batch.bin" */
static void write_zeros(report_section *s, const design *d) {
    const json_t *assumed = json_object_get(report_object(s, s->j, "profile"), "assumed_zeros");
    if (json_is_number(assumed)) {
        ss_buf_printf(s->b, "for %s of zeros, assumed", html_percent(json_number_value(assumed)).text);
    } else if (is_dense(d)) {
        ss_buf_printf(s->b, "no zeros skipped");
    } else if (strcmp(d->profile, "measured") == 0) {
        ss_buf_printf(s->b, "for measured zeros");
    } else {
        ss_buf_printf(s->b, "for the zeros of ");
        html_text(s->b, ss_base_name(d->profile));
    }
}

static void write_intro(report_section *s, const design *d) {
    size_t n = json_array_size(d->partitions);
    ss_buf_printf(s->b, "<p><b>%s images/s</b> on ", html_figure(d->throughput).text);
    html_text(s->b, d->device);
    ss_buf_printf(s->b, " at %s MHz with a batch of %s in %s-bit integers, ",
                  html_figure(d->clock_hz / 1e6).text, html_count((double)d->batch).text,
                  html_count((double)d->bits).text);
    write_zeros(s, d);
    ss_buf_printf(s->b, "; %s steady. One image takes %s%s. %s. ", html_figure(d->steady).text,
                  html_seconds(1e-6 * d->latency_us).text, d->quick ? ", which is what it was made for" : "",
                  n == 1 ? "The whole network is on the device"
                         : "The device is reconfigured between partitions");
    ss_buf_printf(s->b, "No design of this space is faster than %s images/s: a gap of %s.</p>\n",
                  html_figure(d->bound).text, html_percent(d->gap).text);
}

static void write_partition_row(html_table *t, const design *d, const partition *p) {
    html_row(t, false);
    html_cell(t, html_count(p->number).text);
    html_cell(t, html_count((double)json_array_size(p->nodes)).text);
    html_cell(t, html_count(p->interval).text);
    html_cell(t, html_count(p->bound).text);
    html_cell(t, html_figure(p->interval > 0 ? d->clock_hz / p->interval : 0).text);
    html_cell(t, html_seconds(p->latency / d->clock_hz).text);
    html_cell(t, html_figure((double)p->load_bits / 1e6).text);
    html_cell(t, p->slowest);
    html_cell(t, p->binding);
}

static void write_resources(ss_buf *b, const design *d, const partition *p) {
    char figure[140];
    bool bound = strcmp(p->binding, "none") != 0;
    ss_buf_printf(b, "<p class=\"small\">Resources; %s%s.</p>\n",
                  bound ? "in orange what keeps the interval from shrinking"
                        : "none keeps the interval from shrinking: the slowest node, or off-chip bandwidth, "
                          "is at its limit",
                  d->capped ? "; the tick is the cap" : "");
    html_bars_begin(b);
    for (int r = 0; r < SS_RES_COUNT; r++) {
        double share = d->total[r] ? (double)p->res[r] / (double)d->total[r] : 0;
        html_num used = html_count((double)p->res[r]), total = html_count((double)d->total[r]);
        snprintf(figure, sizeof figure, "%s of %s (%s)", used.text, total.text, html_percent(share).text);
        html_bar(b, res_titles[r], share, d->cap[r] < 1 ? d->cap[r] : -1,
                 strcmp(p->binding, ss_res_names[r]) == 0 ? HTML_HOT : HTML_PLAIN, figure);
    }
    html_bars_end(b);
}

static void write_partition(report_section *s, const design *d, const partition *p) {
    ss_buf_printf(
        s->b,
        "<h3>Partition %d: %s cycles an image</h3>\n<p class=\"small\">Cycles of every node; the slowest "
        "(orange) set the pace.</p>\n",
        p->number, html_count(p->interval).text);
    html_bars_begin(s->b);
    for (size_t i = 0; i < json_array_size(p->nodes) && !s->bad; i++) {
        node n = read_node(s, json_array_get(p->nodes, i));
        html_bar(s->b, n.name, p->interval > 0 ? n.cycles / p->interval : 0, -1,
                 n.cycles >= p->interval ? HTML_HOT : HTML_PLAIN, html_count(n.cycles).text);
    }
    html_bars_end(s->b);
    write_resources(s->b, d, p);
}

static void write_folding_row(html_table *t, const node *n, bool slowest) {
    bool engine = strcmp(n->engine, "none") != 0;
    html_row(t, slowest);
    html_cell(t, n->name);
    html_cell(t, n->op);
    html_cell(t, engine ? n->engine : "");
    const int64_t fold[] = { n->gr, n->pixels, n->ci, n->co, n->m };
    for (int i = 0; i < 5; i++) html_cell(t, engine ? html_count((double)fold[i]).text : "");
    html_cell(t, engine ? n->memory : "");
    html_cell(t, html_count(n->cycles).text);
    for (int r = 0; r < SS_RES_COUNT; r++) html_cell(t, html_count((double)n->res[r]).text);
}

static void write_folding(report_section *s, const design *d) {
    static const html_column columns[] = {
        { "node", NULL, false },
        { "operator", NULL, false },
        { "engine", NULL, false },
        { "gr", "groups in parallel", true },
        { "pixels", "in parallel", true },
        { "ci", "parallel input streams", true },
        { "co", "parallel output streams", true },
        { "m", "multipliers an engine", true },
        { "weights in", NULL, false },
        { "cycles", "an image", true },
        { "LUT", NULL, true },
        { "FF", NULL, true },
        { "DSP", NULL, true },
        { "BRAM18", NULL, true },
        { "URAM", NULL, true },
    };
    ss_buf_printf(s->b, "<details><summary>Engines and folding of every node</summary>\n");
    html_table t = html_table_begin(s->b, columns, (int)(sizeof columns / sizeof columns[0]));
    for (size_t i = 0; i < json_array_size(d->partitions) && !s->bad; i++) {
        partition p = read_partition(s, json_array_get(d->partitions, i), (int)i + 1);
        for (size_t k = 0; k < json_array_size(p.nodes) && !s->bad; k++) {
            node n = read_node(s, json_array_get(p.nodes, k));
            write_folding_row(&t, &n, strcmp(p.slowest, n.name) == 0);
        }
    }
    html_table_end(&t);
    ss_buf_printf(s->b, "</details>\n");
}

/* open: picture, nodes and resources are shown; else the reader unfolds them. */
static void write_partitions(report_section *s, const design *d, bool open) {
    static const html_column columns[] = {
        { "partition", NULL, true },
        { "nodes", NULL, true },
        { "interval", "cycles an image, in the steady state", true },
        { "at least", "cycles; no design of this partition on this device is faster", true },
        { "images/s", "clock / interval", true },
        { "latency", "of one image through this partition", true },
        { "load Mbit", "weights loaded after configuration", true },
        { "slowest node", NULL, false },
        { "bound by", "the resource that keeps the interval from shrinking", false },
    };
    html_table t = html_table_begin(s->b, columns, (int)(sizeof columns / sizeof columns[0]));
    size_t n = json_array_size(d->partitions);
    for (size_t i = 0; i < n && !s->bad; i++) {
        partition p = read_partition(s, json_array_get(d->partitions, i), (int)i + 1);
        write_partition_row(&t, d, &p);
    }
    html_table_end(&t);
    if (!s->bad) report_network(s, d->partitions, open);
    ss_buf_printf(s->b, "<details%s><summary>Nodes and resources of every partition</summary>\n",
                  open ? " open" : "");
    for (size_t i = 0; i < n && !s->bad; i++) {
        partition p = read_partition(s, json_array_get(d->partitions, i), (int)i + 1);
        write_partition(s, d, &p);
    }
    ss_buf_printf(s->b, "</details>\n");
}

static void summarise(report_section *s, const design *d) {
    report_summary *sum = s->sum;
    sum->lines[sum->n_lines++] = (report_line){ title_of(d), s->path, d->throughput };
    if (sum->device) return;
    sum->model = d->model;
    sum->device = d->device;
    sum->bits = (int)(d->bits < 64 ? d->bits : 64);
    sum->batch = (int)(d->batch < INT32_MAX ? d->batch : INT32_MAX);
    sum->throughput = d->throughput;
    sum->steady = d->steady;
    sum->latency_us = d->latency_us;
    sum->partitions = (int)json_array_size(d->partitions);
}

void report_design(report_section *s) {
    design d = read_design(s);
    if (s->bad) return;
    report_heading(s, title_of(&d));
    write_intro(s, &d);
    write_partitions(s, &d, s->sum->n_lines == 0);
    write_folding(s, &d);
    summarise(s, &d);
}
