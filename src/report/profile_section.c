/* The report's section for a profile: zeros behind every ReLU, zeros in front of every convolution, and how
 * many non-zeros its windows hold. */
#include "report/section.h"

#include <math.h>
#include <stdio.h>

typedef struct layer {
    const char *name;
    int64_t channels, k;
    const json_t *hist; /* [channels][k+1] */
} layer;

static layer read_layer(report_section *s, const json_t *j) {
    layer l = { .name = report_str(s, j, "name"),
                .channels = report_int(s, j, "channels"),
                .k = report_int(s, j, "k"),
                .hist = report_array(s, j, "hist") };
    bool whole = l.k >= 1 && l.k < INT32_MAX && json_array_size(l.hist) == (size_t)l.channels;
    for (size_t c = 0; whole && c < (size_t)l.channels; c++)
        whole = json_array_size(json_array_get(l.hist, c)) == (size_t)l.k + 1;
    if (s->bad || whole) return l;
    s->bad = true;
    ss_error(s->ctx, (ss_where){ s->path, NULL, l.name }, "write the profile again",
             "\"hist\" is not channels x (k+1) counts");
    return l;
}

/* Probabilities of 0..k non-zeros over all channels; p has room for k+1. Returns their mean. */
static double merge_channels(const layer *l, double *p) {
    double sum = 0, mean = 0;
    for (int64_t v = 0; v <= l->k; v++) {
        p[v] = 0;
        for (int64_t c = 0; c < l->channels; c++)
            p[v] += json_number_value(json_array_get(json_array_get(l->hist, (size_t)c), (size_t)v));
        sum += p[v];
        mean += (double)v * p[v];
    }
    for (int64_t v = 0; v <= l->k && sum > 0; v++) p[v] /= sum;
    return sum > 0 ? mean / sum : 0;
}

static void write_strip(report_section *s, const layer *l) {
    double *p = ss_alloc(s->ctx, (size_t)l->k + 1, sizeof *p);
    if (!p) {
        s->bad = true;
        return;
    }
    char figure[100];
    html_num mean = html_figure(merge_channels(l, p)), k = html_count((double)l->k);
    snprintf(figure, sizeof figure, "%s of %s", mean.text, k.text);
    html_strip(s->b, l->name, p, (int)l->k + 1, figure);
    ss_free(s->ctx, p);
}

static void write_layers(report_section *s, const json_t *layers) {
    ss_buf_printf(
        s->b, "<h3>Non-zeros per window</h3>\n<p class=\"small\">One row a convolution, all input channels "
              "together: from no non-zeros (left) to a full window (right); the darker, the more windows. At "
              "the right the mean, of the window's size. Padding counts as zeros.</p>\n");
    html_bars_begin(s->b);
    for (size_t i = 0; i < json_array_size(layers) && !s->bad; i++) {
        layer l = read_layer(s, json_array_get(layers, i));
        if (!s->bad) write_strip(s, &l);
    }
    html_bars_end(s->b);
}

/* One bar for each element of the array: its name and zero ratio; the least sparse stands out. */
static void write_ratios(report_section *s, const json_t *array) {
    double least = INFINITY;
    for (size_t i = 0; i < json_array_size(array) && !s->bad; i++)
        least = fmin(least, report_real(s, json_array_get(array, i), "zero_ratio"));
    html_bars_begin(s->b);
    for (size_t i = 0; i < json_array_size(array) && !s->bad; i++) {
        const json_t *j = json_array_get(array, i);
        double r = report_real(s, j, "zero_ratio");
        html_bar(s->b, report_str(s, j, "name"), r, -1, r <= least ? HTML_HOT : HTML_PLAIN,
                 html_percent(r).text);
    }
    html_bars_end(s->b);
}

/* Share of zeros behind the ReLUs, every ReLU weighing alike; NAN without ReLUs. */
static double mean_zeros(const json_t *relus) {
    double sum = 0;
    size_t n = json_array_size(relus);
    for (size_t i = 0; i < n; i++)
        sum += json_number_value(json_object_get(json_array_get(relus, i), "zero_ratio"));
    return n ? sum / (double)n : NAN;
}

static void write_source(report_section *s) {
    int64_t bits = report_int(s, s->j, "bits"), images = report_int(s, s->j, "images");
    if (json_is_true(json_object_get(s->j, "assumed"))) {
        ss_buf_printf(s->b,
                      "<p>Assumed, not measured: every activation behind a ReLU is zero with probability %s, "
                      "independently.</p>\n",
                      html_percent(report_real(s, s->j, "assumed_zeros")).text);
        return;
    }
    ss_buf_printf(s->b, "<p>Measured on %s images", html_count((double)images).text);
    const char *source = json_string_value(json_object_get(s->j, "source"));
    if (source && *source) {
        ss_buf_printf(s->b, " of <code>");
        html_text(s->b, source);
        ss_buf_printf(s->b, "</code>");
    }
    ss_buf_printf(s->b, ", with the network in %s-bit integers%s.</p>\n", html_count((double)bits).text,
                  json_object_get(s->j, "bias_shift") ? " and its biases corrected for the thresholds" : "");
}

void report_profile(report_section *s) {
    report_heading(s, "Sparsity");
    write_source(s);
    const json_t *layers = report_array(s, s->j, "layers"), *relus = report_array(s, s->j, "relus");
    if (!isfinite(s->sum->zeros)) s->sum->zeros = mean_zeros(relus);
    if (json_array_size(relus) > 0) {
        ss_buf_printf(
            s->b,
            "<h3>Zeros behind each ReLU</h3>\n<p class=\"small\">Share of the outputs that are zero; the "
            "layer with the fewest zeros in orange.</p>\n");
        write_ratios(s, relus);
    }
    ss_buf_printf(
        s->b, "<h3>Zeros in front of each convolution</h3>\n<p class=\"small\">Share of the input that is "
              "zero, without padding.</p>\n");
    write_ratios(s, layers);
    write_layers(s, layers);
}
