/* The report: loads every artefact, lets each write its section, puts the head in front. See report.h.
 * Sections come in the order of the files. Nothing is written unless every file could be used. */
#include "report/report.h"

#include "report/section.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct kind {
    const char *format;
    int version;
    void (*write)(report_section *s);
} kind;

static const kind kinds[] = {
    { "skipstream.design", 2, report_design }, { "skipstream.profile", 4, report_profile },
    { "skipstream.study", 1, report_study },   { "skipstream.eval", 1, report_eval },
    { "skipstream.run", 1, report_run },       { "skipstream.activity", 1, report_activity },
};
enum { KINDS = (int)(sizeof kinds / sizeof kinds[0]) };

void report_heading(report_section *s, const char *title) {
    ss_buf_printf(s->b, "<section>\n<h2>");
    html_text(s->b, title);
    ss_buf_printf(s->b, " <span class=\"small\">");
    html_text(s->b, ss_base_name(s->path));
    ss_buf_printf(s->b, "</span></h2>\n");
}

/* ---- required members ---- */

double report_real(report_section *s, const json_t *o, const char *key) {
    double v = 0;
    if (ss_json_get_real(s->ctx, s->path, o, key, &v) != SS_OK) s->bad = true;
    return v;
}

int64_t report_int(report_section *s, const json_t *o, const char *key) {
    int64_t v = 0;
    if (ss_json_get_int(s->ctx, s->path, o, key, 0, INT64_MAX, &v) != SS_OK) s->bad = true;
    return v;
}

const char *report_str(report_section *s, const json_t *o, const char *key) {
    const char *v = "";
    if (ss_json_get_str(s->ctx, s->path, o, key, &v) != SS_OK) s->bad = true;
    return v;
}

const json_t *report_array(report_section *s, const json_t *o, const char *key) {
    json_t *v = NULL;
    if (ss_json_get_array(s->ctx, s->path, o, key, &v) != SS_OK) s->bad = true;
    return v;
}

const json_t *report_object(report_section *s, const json_t *o, const char *key) {
    json_t *v = NULL;
    if (ss_json_get_object(s->ctx, s->path, o, key, &v) != SS_OK) s->bad = true;
    return v;
}

/* ---- sections ---- */

static ss_status write_section(report_section *s) {
    const char *format = json_string_value(json_object_get(s->j, "format"));
    long long version = (long long)json_integer_value(json_object_get(s->j, "version"));
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].format, format) != 0) continue;
        if (version > kinds[i].version)
            return ss_error(s->ctx, SS_AT(s->path), "use the skipstream that wrote it, or write it again",
                            "version %lld of \"%s\"; this program reads up to %d", version, format,
                            kinds[i].version);
        kinds[i].write(s);
        return s->bad ? SS_BAD : SS_OK;
    }
    return ss_error(s->ctx, SS_AT(s->path), "name a design, a profile, a study, an activity, an eval.json or a run.json",
                    "the report has no section for a \"%s\"", format);
}

/* ---- the head ---- */

static void card_throughput(ss_buf *b, const report_summary *sum) {
    char detail[80];
    if (!isfinite(sum->throughput)) return;
    snprintf(detail, sizeof detail, "%s steady", html_figure(sum->steady).text);
    html_card(b, "images per second", html_figure(sum->throughput).text, detail);
    snprintf(detail, sizeof detail, "%d partition%s", sum->partitions, sum->partitions == 1 ? "" : "s");
    html_card(b, "latency of one image", html_seconds(1e-6 * sum->latency_us).text, detail);
}

static void card_accuracy(ss_buf *b, const report_summary *sum) {
    char detail[120];
    if (isfinite(sum->gain)) {
        snprintf(detail, sizeof detail, "%s images/s on %s hardware",
                 html_figure(sum->raised_throughput).text, sum->gain_hardware);
        html_card(b, "gain of raised thresholds", html_signed_percent(sum->gain - 1).text, detail);
    }
    if (isfinite(sum->top1)) {
        html_num text = html_points(sum->top1);
        if (isfinite(sum->loss))
            snprintf(detail, sizeof detail, "%s points lost to thresholds", html_points(sum->loss).text);
        strncat(text.text, "\xc2\xa0%", sizeof text.text - strlen(text.text) - 1);
        html_card(b, "Top-1 on the test split", text.text, isfinite(sum->loss) ? detail : NULL);
    }
}

/* Designs side by side, when there are several. */
static void write_designs(ss_buf *b, const report_summary *sum) {
    double most = 0;
    char label[200];
    for (int i = 0; i < sum->n_lines; i++) most = fmax(most, sum->lines[i].throughput);
    if (sum->n_lines < 2) return;
    ss_buf_printf(b, "<h3>Designs compared, images per second</h3>\n");
    html_bars_begin(b);
    for (int i = 0; i < sum->n_lines; i++) {
        const report_line *l = &sum->lines[i];
        snprintf(label, sizeof label, "%s, %.120s", l->title, ss_base_name(l->path));
        html_bar(b, label, most > 0 ? l->throughput / most : 0, -1, HTML_PLAIN,
                 html_figure(l->throughput).text);
    }
    html_bars_end(b);
}

static void write_head(ss_buf *b, const report_summary *sum) {
    const char *title = sum->model ? ss_base_name(sum->model) : "Report";
    html_page_begin(b, title);
    ss_buf_printf(b, "<header>\n<p class=\"small\">skipstream report</p>\n<h1>");
    html_text(b, title);
    ss_buf_printf(b, "</h1>\n");
    html_cards_begin(b);
    card_throughput(b, sum);
    card_accuracy(b, sum);
    if (isfinite(sum->zeros))
        html_card(b, "zeros after ReLU", html_percent(sum->zeros).text, "mean of all ReLUs");
    if (sum->device) {
        char detail[64];
        snprintf(detail, sizeof detail, "%d bits, batch %d", sum->bits, sum->batch);
        html_card(b, "device", sum->device, detail);
    }
    html_cards_end(b);
    write_designs(b, sum);
    ss_buf_printf(b, "</header>\n");
}

static void write_sources(ss_buf *b, const char *const *files, int n) {
    ss_buf_printf(b, "<footer><p class=\"small\">Written by skipstream " SS_VERSION " from ");
    for (int i = 0; i < n; i++) {
        ss_buf_printf(b, "%s<code>", i == 0 ? "" : i + 1 < n ? ", " : " and ");
        html_text(b, ss_base_name(files[i]));
        ss_buf_printf(b, "</code>");
    }
    ss_buf_printf(b, ". Cycles and resources are predictions of the cost model.</p></footer>\n");
}

/* ---- the page ---- */

static ss_status write_page(ss_ctx *ctx, const char *const *files, int n, const char *out,
                            const report_summary *sum, const ss_buf *body) {
    ss_buf page;
    ss_buf_init(&page, ctx);
    write_head(&page, sum);
    if (body->data) ss_buf_add(&page, body->data, body->len);
    write_sources(&page, files, n);
    html_page_end(&page);
    ss_status s = page.failed ? SS_BAD : ss_file_write(ctx, out, page.data, page.len);
    ss_buf_free(&page);
    return s;
}

static ss_status write_all(ss_ctx *ctx, const char *const *files, int n, const char *out, json_t **loaded,
                           report_line *lines) {
    report_summary sum = { .lines = lines,
                           .throughput = NAN,
                           .steady = NAN,
                           .latency_us = NAN,
                           .zeros = NAN,
                           .top1 = NAN,
                           .loss = NAN,
                           .gain = NAN,
                           .raised_throughput = NAN };
    ss_buf body;
    ss_buf_init(&body, ctx);
    ss_status status = SS_OK;
    for (int i = 0; i < n; i++) {
        if (ss_json_load(ctx, files[i], NULL, INT_MAX, &loaded[i]) != SS_OK) {
            status = SS_BAD;
            continue;
        }
        report_section s = { ctx, files[i], loaded[i], &body, &sum, false };
        if (write_section(&s) != SS_OK) status = SS_BAD;
        ss_buf_printf(&body, "</section>\n");
    }
    if (body.failed) status = SS_BAD;
    if (status == SS_OK) status = write_page(ctx, files, n, out, &sum, &body);
    ss_buf_free(&body);
    return status;
}

ss_status ss_report_write(ss_ctx *ctx, const char *const *files, int n, const char *out) {
    json_t **loaded = ss_alloc(ctx, (size_t)n, sizeof *loaded);
    report_line *lines = ss_alloc(ctx, (size_t)n, sizeof *lines);
    ss_status s = loaded && lines ? write_all(ctx, files, n, out, loaded, lines) : SS_BAD;
    for (int i = 0; loaded && i < n; i++) json_decref(loaded[i]);
    ss_free(ctx, lines);
    ss_free(ctx, loaded);
    return s;
}
