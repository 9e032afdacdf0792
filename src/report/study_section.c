/* The report's section for a threshold study: what raising thresholds buys on kept (baseline) and on
 * re-explored (optimised) hardware, what it costs in accuracy, which thresholds were chosen, and what the
 * test split says. */
#include "report/section.h"
#include "report/svg.h"

#include <math.h>
#include <stdio.h>

enum { BASELINE, OPTIMISED, HARDWARE };

static const char *const hardware_names[HARDWARE] = { "baseline", "optimised" };
static const char *const hardware_titles[HARDWARE] = { "baseline hardware (kept)",
                                                       "optimised hardware (explored anew)" };

typedef struct hw_result {
    bool present;
    double interval, throughput, gain;
} hw_result;

typedef struct loss {
    double top1, points, lo, hi;
} loss;

typedef struct point {
    double t, zeros;
    loss loss;
    hw_result hw[HARDWARE];
} point;

typedef struct study {
    const char *model, *policy;
    double max_loss;
    point *points;
    size_t n;
    int chosen[HARDWARE]; /* index into points, or -1 */
    bool tested;
    loss test_reference, test[HARDWARE]; /* the latter where chosen */
} study;

/* ---- reading ---- */

static loss read_loss(report_section *s, const json_t *j) {
    const json_t *interval = report_array(s, j, "loss_interval");
    return (loss){ report_real(s, j, "top1"), report_real(s, j, "loss"),
                   json_number_value(json_array_get(interval, 0)),
                   json_number_value(json_array_get(interval, 1)) };
}

static hw_result read_hw(report_section *s, const json_t *o, const char *name) {
    if (!json_object_get(o, name)) return (hw_result){ 0 };
    const json_t *j = report_object(s, o, name);
    return (hw_result){ true, report_real(s, j, "interval"), report_real(s, j, "throughput"),
                        report_real(s, j, "gain") };
}

static point read_point(report_section *s, const json_t *j) {
    point p = { .t = report_real(s, j, "t"), .zeros = report_real(s, j, "zeros"), .loss = read_loss(s, j) };
    for (int h = 0; h < HARDWARE; h++) p.hw[h] = read_hw(s, j, hardware_names[h]);
    return p;
}

/* -1 for hardware that was not asked for, or for which no point was good enough. */
static int read_chosen(report_section *s, const char *name, size_t n) {
    const json_t *v = json_object_get(report_object(s, s->j, "chosen"), name);
    json_int_t i = json_integer_value(v);
    return json_is_integer(v) && i >= 0 && (size_t)i < n ? (int)i : -1;
}

static void read_test(report_section *s, study *st) {
    const json_t *test = json_object_get(s->j, "test");
    st->tested = json_is_object(test);
    if (!st->tested) return;
    st->test_reference = read_loss(s, report_object(s, test, "reference"));
    for (int h = 0; h < HARDWARE; h++)
        if (st->chosen[h] >= 0) st->test[h] = read_loss(s, report_object(s, test, hardware_names[h]));
}

static void read_study(report_section *s, study *st) {
    const json_t *points = report_array(s, s->j, "points");
    st->model = report_str(s, s->j, "model_name");
    st->policy = report_str(s, s->j, "policy");
    st->max_loss = report_real(s, s->j, "max_loss");
    st->n = json_array_size(points);
    st->points = ss_alloc(s->ctx, st->n, sizeof *st->points);
    if (!st->points) s->bad = true;
    for (size_t i = 0; i < st->n && !s->bad; i++) st->points[i] = read_point(s, json_array_get(points, i));
    for (int h = 0; h < HARDWARE && !s->bad; h++) st->chosen[h] = read_chosen(s, hardware_names[h], st->n);
    if (!s->bad) read_test(s, st);
    if (!s->bad && st->n == 0) {
        s->bad = true;
        ss_error(s->ctx, SS_AT(s->path), "write the study again", "\"points\" is empty");
    }
}

/* ---- writing ---- */

static const char *plural(double v) {
    return fabs(v - 1) < 1e-9 ? "" : "s";
}

static void text_loss(char out[140], const loss *l) {
    html_num points = html_points(l->points), lo = html_points(l->lo);
    snprintf(out, 140, "%s (%s to %s)", points.text, lo.text, html_points(l->hi).text);
}

/* "2,000 images of val_batch.bin" */
static void write_split(report_section *s, const json_t *split) {
    ss_buf_printf(s->b, "%s images of <code>", html_count((double)report_int(s, split, "images")).text);
    html_text(s->b, report_str(s, split, "source"));
    ss_buf_printf(s->b, "</code>");
}

static void write_intro(report_section *s, const study *st) {
    const json_t *data = report_object(s, s->j, "data");
    ss_buf_printf(s->b, "<p>Thresholds raised without retraining by the <b>");
    html_text(s->b, st->policy);
    ss_buf_printf(s->b, "</b> policy, chosen on the search split (");
    write_split(s, report_object(s, data, "search"));
    ss_buf_printf(s->b, ") so that Top-1 falls by at most %s point%s. ", html_setting(st->max_loss).text,
                  plural(st->max_loss));
    if (st->tested) {
        ss_buf_printf(s->b, "The test split (");
        write_split(s, report_object(s, data, "test"));
        ss_buf_printf(s->b, ") was used once, for what was chosen. ");
    } else {
        ss_buf_printf(s->b, "No test split was given. ");
    }
    if (json_is_object(json_object_get(s->j, "correction"))) {
        const json_t *by = report_object(s, s->j, "correction");
        ss_buf_printf(s->b, "At every point biases are corrected for %s of the mean that thresholds remove, as seen on ",
                      html_percent(report_real(s, by, "share")).text);
        write_split(s, by);
        ss_buf_printf(s->b, ". ");
    }
    ss_buf_printf(
        s->b,
        "Losses are paired, with 95&nbsp;%% intervals; gains are ratios to the sparse design at threshold "
        "0.</p>\n");
}

static void write_result_row(html_table *t, const study *st, const char *title, int index,
                             const hw_result *hw, const loss *test) {
    const point *p = &st->points[index];
    char text[140];
    html_row(t, index > 0);
    html_cell(t, title);
    html_cell(t, html_setting(p->t).text);
    html_cell(t, html_figure(hw->throughput).text);
    html_cell(t, html_signed_percent(hw->gain - 1).text);
    html_cell(t, html_points(p->loss.top1).text);
    text_loss(text, &p->loss);
    html_cell(t, index > 0 ? text : "");
    html_cell(t, st->tested ? html_points(test->top1).text : "");
    text_loss(text, test);
    html_cell(t, st->tested && index > 0 ? text : "");
}

static void write_result(report_section *s, const study *st) {
    static const html_column columns[] = {
        { "hardware", NULL, false },
        { "threshold", NULL, true },
        { "images/s", "at the batch of the design", true },
        { "gain", "throughput against threshold 0", true },
        { "Top-1 search, %", "on the split that thresholds were chosen on", true },
        { "lost points", "with a 95 % interval", true },
        { "Top-1 test, %", "on images that nothing was chosen on", true },
        { "lost points", "with a 95 % interval", true },
    };
    html_table t = html_table_begin(s->b, columns, (int)(sizeof columns / sizeof columns[0]));
    const hw_result *reference = &st->points[0].hw[st->points[0].hw[BASELINE].present ? BASELINE : OPTIMISED];
    write_result_row(&t, st, "threshold 0", 0, reference, &st->test_reference);
    for (int h = 0; h < HARDWARE; h++)
        if (st->chosen[h] >= 0)
            write_result_row(&t, st, hardware_titles[h], st->chosen[h], &st->points[st->chosen[h]].hw[h],
                             &st->test[h]);
    html_table_end(&t);
}

static void write_chart(report_section *s, const study *st) {
    double *room = ss_alloc(s->ctx, st->n, 2 * HARDWARE * sizeof *room);
    if (!room) {
        s->bad = true;
        return;
    }
    char label[80];
    snprintf(label, sizeof label, "%s point%s below threshold 0", html_setting(st->max_loss).text,
             plural(st->max_loss));
    svg_chart c = { .x_label = "throughput, relative to threshold 0",
                    .y_label = "Top-1 on the search split, %",
                    .has_limit = true,
                    .limit = st->points[0].loss.top1 - st->max_loss,
                    .limit_label = label };
    for (int h = 0; h < HARDWARE; h++) {
        double *x = room + (size_t)(2 * h) * st->n, *y = x + st->n;
        svg_series *series = &c.series[c.n_series];
        *series = (svg_series){ hardware_titles[h], x, y, 0, -1 };
        for (size_t i = 0; i < st->n; i++) {
            if (!st->points[i].hw[h].present) continue;
            if ((int)i == st->chosen[h]) series->marked = series->n;
            x[series->n] = st->points[i].hw[h].gain;
            y[series->n++] = st->points[i].loss.top1;
        }
        if (series->n > 0) c.n_series++;
    }
    ss_buf_printf(s->b,
                  "<h3>Accuracy against throughput</h3>\n<p class=\"small\">Each point is one setting of the "
                  "thresholds; the chosen ones are ringed.</p>\n");
    svg_chart_write(s->b, &c);
    ss_free(s->ctx, room);
}

static void write_curve(report_section *s, const study *st) {
    static const html_column columns[] = {
        { "threshold", NULL, true },
        { "zeros", "of all elements behind ReLUs", true },
        { "Top-1 search, %", NULL, true },
        { "lost points", "with a 95 % interval", true },
        { "interval, baseline", "cycles an image", true },
        { "images/s", "baseline hardware", true },
        { "gain", "baseline hardware", true },
        { "interval, optimised", "cycles an image", true },
        { "images/s", "optimised hardware", true },
        { "gain", "optimised hardware", true },
    };
    ss_buf_printf(s->b, "<h3>The curve</h3>\n");
    html_table t = html_table_begin(s->b, columns, (int)(sizeof columns / sizeof columns[0]));
    for (size_t i = 0; i < st->n; i++) {
        const point *p = &st->points[i];
        char text[140];
        html_row(&t, (int)i == st->chosen[BASELINE] || (int)i == st->chosen[OPTIMISED]);
        html_cell(&t, html_setting(p->t).text);
        html_cell(&t, html_percent(p->zeros).text);
        html_cell(&t, html_points(p->loss.top1).text);
        text_loss(text, &p->loss);
        html_cell(&t, text);
        for (int h = 0; h < HARDWARE; h++) {
            const hw_result *hw = &p->hw[h];
            html_cell(&t, hw->present ? html_count(hw->interval).text : "");
            html_cell(&t, hw->present ? html_figure(hw->throughput).text : "");
            html_cell(&t, hw->present ? html_signed_percent(hw->gain - 1).text : "");
        }
    }
    html_table_end(&t);
}

/* The head of the page shows the better of the chosen points. */
static void summarise(report_summary *sum, const study *st) {
    if (!sum->model) sum->model = st->model;
    if (isfinite(sum->gain)) return;
    if (st->tested) sum->top1 = st->test_reference.top1;
    for (int h = 0; h < HARDWARE; h++) {
        if (st->chosen[h] < 0) continue;
        double gain = st->points[st->chosen[h]].hw[h].gain;
        if (isfinite(sum->gain) && gain <= sum->gain) continue;
        sum->gain = gain;
        sum->raised_throughput = st->points[st->chosen[h]].hw[h].throughput;
        sum->gain_hardware = hardware_names[h];
        if (st->tested) {
            sum->top1 = st->test[h].top1;
            sum->loss = st->test[h].points;
        }
    }
}

void report_study(report_section *s) {
    study st = { .chosen = { -1, -1 } };
    report_heading(s, "Thresholds");
    read_study(s, &st);
    if (!s->bad) {
        write_intro(s, &st);
        write_result(s, &st);
        write_chart(s, &st);
        write_curve(s, &st);
        summarise(s->sum, &st);
    }
    ss_free(s->ctx, st.points);
}
