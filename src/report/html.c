/* Building blocks of the report's page. See html.h. */
#include "report/html.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_CELLS 64 /* of a strip; longer histograms are merged */

/* ---- text and figures ---- */

static const char *entity(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (unsigned char)c < 0x20 ? " " : NULL;
    }
}

static void escape(ss_buf *b, const char *text, size_t len) {
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        const char *e = entity(text[i]);
        if (!e) continue;
        ss_buf_add(b, text + from, i - from);
        ss_buf_add(b, e, strlen(e));
        from = i + 1;
    }
    ss_buf_add(b, text + from, len - from);
}

void html_text(ss_buf *b, const char *text) {
    escape(b, text, strlen(text));
}

/* Writes v with `decimals` digits behind the point and separators before it. */
static html_num separated(double v, int decimals) {
    html_num out;
    char plain[40];
    if (!isfinite(v) || fabs(v) >= 1e15) {
        snprintf(out.text, sizeof out.text, "%.4g", v);
        return out;
    }
    snprintf(plain, sizeof plain, "%.*f", decimals, fabs(v));
    size_t whole = strcspn(plain, "."), at = 0;
    bool zero = strspn(plain, "0.") == strlen(plain);
    if (v < 0 && !zero) out.text[at++] = '-';
    for (size_t i = 0; plain[i]; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0) out.text[at++] = ',';
        out.text[at++] = plain[i];
    }
    out.text[at] = '\0';
    return out;
}

html_num html_count(double v) {
    return separated(v, 0);
}

html_num html_figure(double v) {
    double a = fabs(v);
    if (a >= 100 || a == 0) return separated(v, 0);
    if (a >= 10) return separated(v, 1);
    if (a >= 1) return separated(v, 2);
    html_num out;
    snprintf(out.text, sizeof out.text, "%.3g", v);
    return out;
}

html_num html_setting(double v) {
    html_num out;
    snprintf(out.text, sizeof out.text, "%.6g", v);
    return out;
}

static html_num with_unit(html_num n, const char *sign, const char *unit) {
    html_num out;
    snprintf(out.text, sizeof out.text, "%s%.30s%s", sign, n.text, unit);
    return out;
}

html_num html_percent(double v) {
    return with_unit(separated(100 * v, 1), "", "\xc2\xa0%");
}
html_num html_signed_percent(double v) {
    return with_unit(separated(100 * v, 1), v > 0 ? "+" : "", "\xc2\xa0%");
}
html_num html_points(double v) {
    return separated(v, 2);
}

html_num html_seconds(double v) {
    if (v < 1e-3) return with_unit(html_figure(1e6 * v), "", "\xc2\xa0\xc2\xb5s");
    if (v < 1) return with_unit(html_figure(1e3 * v), "", "\xc2\xa0ms");
    return with_unit(html_figure(v), "", "\xc2\xa0s");
}

/* ---- page ---- */

void html_page_begin(ss_buf *b, const char *title) {
    ss_buf_printf(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    html_text(b, title);
    ss_buf_printf(b, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n", html_style);
}

void html_page_end(ss_buf *b) {
    ss_buf_printf(b, "</main>\n</body>\n</html>\n");
}

/* ---- cards ---- */

void html_cards_begin(ss_buf *b) {
    ss_buf_printf(b, "<div class=\"cards\">\n");
}
void html_cards_end(ss_buf *b) {
    ss_buf_printf(b, "</div>\n");
}

void html_card(ss_buf *b, const char *label, const char *value, const char *detail) {
    ss_buf_printf(b, "<div class=\"card\"><span>");
    html_text(b, label);
    ss_buf_printf(b, "</span><b>");
    html_text(b, value);
    ss_buf_printf(b, "</b>");
    if (detail) {
        ss_buf_printf(b, "<span>");
        html_text(b, detail);
        ss_buf_printf(b, "</span>");
    }
    ss_buf_printf(b, "</div>\n");
}

/* ---- tables ---- */

html_table html_table_begin(ss_buf *b, const html_column *columns, int n) {
    ss_buf_printf(b, "<div class=\"wide\"><table>\n<thead><tr>");
    for (int i = 0; i < n; i++) {
        ss_buf_printf(b, "<th%s", columns[i].number ? " class=\"n\"" : "");
        if (columns[i].hint) {
            ss_buf_printf(b, " title=\"");
            html_text(b, columns[i].hint);
            ss_buf_printf(b, "\"");
        }
        ss_buf_printf(b, ">");
        html_text(b, columns[i].head);
        ss_buf_printf(b, "</th>");
    }
    ss_buf_printf(b, "</tr></thead>\n<tbody>");
    return (html_table){ b, columns, n, n, false };
}

void html_row(html_table *t, bool emphasised) {
    ss_buf_printf(t->b, "%s\n<tr%s>", t->open ? "</tr>" : "", emphasised ? " class=\"on\"" : "");
    t->at = 0;
    t->open = true;
}

void html_cell(html_table *t, const char *text) {
    if (t->at >= t->n) return;
    ss_buf_printf(t->b, "<td%s>", t->columns[t->at].number ? " class=\"n\"" : "");
    html_text(t->b, text);
    ss_buf_printf(t->b, "</td>");
    t->at++;
}

void html_table_end(html_table *t) {
    ss_buf_printf(t->b, "%s\n</tbody></table></div>\n", t->open ? "</tr>" : "");
}

/* ---- bars ---- */

void html_bars_begin(ss_buf *b) {
    ss_buf_printf(b, "<div class=\"bars\">\n");
}
void html_bars_end(ss_buf *b) {
    ss_buf_printf(b, "</div>\n");
}

static double clamp01(double v) {
    return v > 1 ? 1 : v > 0 ? v : 0;
}

/* Names of nodes are paths: a line may break behind a slash. */
static void bar_label(ss_buf *b, const char *label) {
    ss_buf_printf(b, "<span>");
    for (const char *slash; (slash = strchr(label, '/')) != NULL; label = slash + 1) {
        escape(b, label, (size_t)(slash + 1 - label));
        ss_buf_printf(b, "<wbr>");
    }
    html_text(b, label);
    ss_buf_printf(b, "</span>");
}

void html_bar(ss_buf *b, const char *label, double fraction, double mark, html_tone tone,
              const char *figure) {
    static const char *const classes[] = { "", " class=\"hot\"", " class=\"cool\"" };
    bar_label(b, label);
    ss_buf_printf(b, "<span class=\"bar\"><i%s style=\"width:%.2f%%\"></i>", classes[tone],
                  100 * clamp01(fraction));
    if (mark >= 0) ss_buf_printf(b, "<u style=\"left:%.2f%%\"></u>", 100 * clamp01(mark));
    ss_buf_printf(b, "</span>");
    bar_label(b, figure);
    ss_buf_printf(b, "\n");
}

static void strip_cell(ss_buf *b, int first, int last, double p) {
    ss_buf_printf(b, "<i style=\"--p:%.3f\" title=\"%d", sqrt(clamp01(p)),
                  first); /* sqrt: rare counts stay visible */
    if (last > first) ss_buf_printf(b, " to %d", last);
    ss_buf_printf(b, ": %s\"></i>", html_percent(p).text);
}

void html_strip(ss_buf *b, const char *label, const double *p, int n, const char *figure) {
    int merged = (n + MAX_CELLS - 1) / MAX_CELLS;
    bar_label(b, label);
    ss_buf_printf(b, "<span class=\"strip\">");
    for (int i = 0; i < n; i += merged) {
        double sum = 0;
        int last = i + merged < n ? i + merged - 1 : n - 1;
        for (int k = i; k <= last; k++) sum += p[k];
        strip_cell(b, i, last, sum);
    }
    ss_buf_printf(b, "</span>");
    bar_label(b, figure);
    ss_buf_printf(b, "\n");
}
