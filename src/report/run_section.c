/* The report's sections for what a run leaves beside designs and studies: accuracy without thresholds
 * (eval.json), and what was done and how long it took (run.json). */
#include "report/section.h"

#include <math.h>
#include <stdio.h>

static void write_accuracy(report_section *s, html_table *t, const char *name, const json_t *j) {
    const json_t *interval = report_array(s, j, "top1_interval");
    char text[100];
    html_row(t, false);
    html_cell(t, name);
    html_cell(t, html_points(report_real(s, j, "top1")).text);
    html_num lo = html_points(json_number_value(json_array_get(interval, 0)));
    snprintf(text, sizeof text, "%s to %s", lo.text,
             html_points(json_number_value(json_array_get(interval, 1))).text);
    html_cell(t, text);
    html_cell(t, html_points(report_real(s, j, "top5")).text);
    html_cell(t, html_figure(report_real(s, j, "images_per_second")).text);
}

void report_eval(report_section *s) {
    static const html_column columns[] = {
        { "arithmetic", NULL, false },
        { "Top-1, %", NULL, true },
        { "95 % interval", "Wilson", true },
        { "Top-5, %", NULL, true },
        { "images/s here", "of the software reference on this computer, not of the accelerator", true },
    };
    const json_t *data = report_object(s, s->j, "data"), *integer = report_object(s, s->j, "integer");
    char name[60];
    report_heading(s, "Accuracy of the network as it is");
    ss_buf_printf(s->b, "<p>On %s images of <code>", html_count((double)report_int(s, data, "images")).text);
    html_text(s->b, report_str(s, data, "source"));
    ss_buf_printf(
        s->b,
        "</code>, without raised thresholds. The integers are those of the hardware, bit for bit.</p>\n");
    html_table t = html_table_begin(s->b, columns, (int)(sizeof columns / sizeof columns[0]));
    write_accuracy(s, &t, "float", report_object(s, s->j, "float"));
    snprintf(name, sizeof name, "%s-bit integers", html_count((double)report_int(s, s->j, "bits")).text);
    write_accuracy(s, &t, name, integer);
    html_table_end(&t);
    if (!isfinite(s->sum->top1)) s->sum->top1 = report_real(s, integer, "top1");
    if (!s->sum->model) s->sum->model = report_str(s, s->j, "model");
}

void report_run(report_section *s) {
    static const html_column columns[] = {
        { "stage", NULL, false },
        { "time", "of the stage when it was last done", true },
        { "files", NULL, false },
    };
    const json_t *stages = report_array(s, s->j, "stages");
    report_heading(s, "What was done");
    html_table t = html_table_begin(s->b, columns, (int)(sizeof columns / sizeof columns[0]));
    for (size_t i = 0; i < json_array_size(stages) && !s->bad; i++) {
        const json_t *stage = json_array_get(stages, i), *files = report_array(s, stage, "files");
        ss_buf names;
        ss_buf_init(&names, s->ctx);
        for (size_t k = 0; k < json_array_size(files); k++)
            ss_buf_printf(&names, "%s%s", k ? ", " : "", report_str(s, json_array_get(files, k), "name"));
        html_row(&t, false);
        html_cell(&t, report_str(s, stage, "name"));
        html_cell(&t, html_seconds(report_real(s, stage, "seconds")).text);
        html_cell(&t, names.data ? names.data : "");
        s->bad = s->bad || names.failed;
        ss_buf_free(&names);
    }
    html_table_end(&t);
}
