/* Building blocks of the report's page. See html.h. */
#include "report/html.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_CELLS 64 /* of a strip; longer histograms are merged */

/* ---- text and figures ---- */

static const char *entity(char c) {
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return (unsigned char)c < 0x20 ? " " : NULL;
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

void html_text(ss_buf *b, const char *text) { escape(b, text, strlen(text)); }

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

html_num html_count(double v) { return separated(v, 0); }

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

html_num html_percent(double v) { return with_unit(separated(100 * v, 1), "", "\xc2\xa0%"); }
html_num html_signed_percent(double v) { return with_unit(separated(100 * v, 1), v > 0 ? "+" : "", "\xc2\xa0%"); }
html_num html_points(double v) { return separated(v, 2); }

html_num html_seconds(double v) {
    if (v < 1e-3) return with_unit(html_figure(1e6 * v), "", "\xc2\xa0\xc2\xb5s");
    if (v < 1) return with_unit(html_figure(1e3 * v), "", "\xc2\xa0ms");
    return with_unit(html_figure(v), "", "\xc2\xa0s");
}

/* ---- page ---- */

static const char style[] =
    ":root{color-scheme:light dark;--bg:#fafaf8;--fg:#1b1e22;--muted:#5c646e;--line:#dcdfe3;--card:#fff;"
    "--plain:#3b78b8;--hot:#d2600a;--cool:#2c8a5a;--track:#e9ebee}"
    "@media(prefers-color-scheme:dark){:root{--bg:#121518;--fg:#e4e7ea;--muted:#9aa4ae;--line:#2d333a;--card:#1a1e23;"
    "--plain:#6fa8dc;--hot:#f0954a;--cool:#5fc492;--track:#252a30}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,"
    "'Helvetica Neue',Arial,sans-serif;-webkit-text-size-adjust:100%}"
    "main{max-width:66rem;margin:0 auto;padding:2rem clamp(1rem,4vw,2.5rem) 4rem}"
    "h1{font-size:1.75rem;line-height:1.2;margin:0;overflow-wrap:anywhere}"
    "h2{font-size:1.3rem;line-height:1.25;margin:3rem 0 .5rem;padding-top:1.25rem;border-top:1px solid var(--line);"
    "overflow-wrap:anywhere}"
    "h3{font-size:1rem;margin:1.75rem 0 .25rem;overflow-wrap:anywhere}"
    "p{margin:.35rem 0 .75rem;max-width:46rem}"
    ".small{color:var(--muted);font-size:.875rem}"
    "code{font:.9em ui-monospace,'SF Mono',Menlo,Consolas,monospace}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem;margin:1.5rem 0}"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem}"
    ".card span{display:block;color:var(--muted);font-size:.8125rem}"
    ".card b{display:block;font-size:1.375rem;line-height:1.3;font-weight:650;font-variant-numeric:tabular-nums;"
    "overflow-wrap:anywhere}"
    ".wide{overflow-x:auto;margin:.75rem 0}"
    "table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums;min-width:min(100%,30rem)}"
    "th,td{padding:.3rem .75rem .3rem 0;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}"
    "th{color:var(--muted);font-weight:500;vertical-align:bottom;white-space:normal}"
    "th[title]{text-decoration:underline dotted;text-underline-offset:.2em}"
    ".n{text-align:right}tr.on td{font-weight:650}"
    ".bars{display:grid;grid-template-columns:fit-content(20rem) minmax(7rem,1fr) fit-content(16rem);gap:.3rem .75rem;"
    "align-items:center;font-size:.875rem;margin:.75rem 0;font-variant-numeric:tabular-nums}"
    ".bars>span{overflow-wrap:anywhere;line-height:1.25}.bars>span:nth-child(3n){text-align:right}"
    ".bar{position:relative;height:.9rem;background:var(--track);border-radius:2px}"
    ".bar i{position:absolute;inset:0 auto 0 0;background:var(--plain);border-radius:2px}"
    ".bar u{position:absolute;top:-.15rem;bottom:-.15rem;width:2px;margin-left:-1px;background:var(--fg)}"
    ".bar i.hot{background:var(--hot)}.bar i.cool{background:var(--cool)}"
    ".strip{display:flex;height:1.1rem;background:var(--track);border-radius:2px;overflow:hidden}"
    ".strip i{flex:1;position:relative}"
    ".strip i::before{content:'';position:absolute;inset:0;background:var(--plain);opacity:var(--p)}"
    ".key{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;font-size:.875rem;margin:.5rem 0}"
    ".key i{display:inline-block;width:.8rem;height:.8rem;margin-right:.4rem;border-radius:2px;vertical-align:-.1rem}"
    "figure{margin:1rem 0}figure svg{display:block;width:100%;min-width:30rem;max-width:48rem;height:auto}"
    "svg text{paint-order:stroke;stroke:var(--bg);stroke-width:4px;font:13px system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;fill:var(--muted)}"
    "svg .grid{stroke:var(--line);stroke-width:1}svg .limit{stroke:var(--fg);stroke-width:1.5;stroke-dasharray:6 4}"
    "svg .limit-text{fill:var(--fg)}svg polyline{fill:none;stroke-width:2;stroke-linejoin:round}"
    "svg .s0{stroke:var(--plain)}svg .s1{stroke:var(--hot)}svg .s2{stroke:var(--cool)}svg polyline.s1{stroke-width:5}"
    "svg polyline.s2{stroke-width:8}"
    "svg circle.s0{fill:var(--plain)}svg circle.s1{fill:var(--hot)}svg circle.s2{fill:var(--cool)}"
    "svg circle.ring{fill:none;stroke:var(--fg);stroke-width:1.5}"
    ".i0{background:var(--plain)}.i1{background:var(--hot)}.i2{background:var(--cool)}"
    "footer{margin-top:3rem}details{margin:.75rem 0}summary{cursor:pointer;font-size:.9375rem}"
    "@media(max-width:34rem){.bars{grid-template-columns:minmax(5rem,7.5rem) minmax(4rem,1fr) fit-content(7rem);"
    "font-size:.8125rem}h1{font-size:1.4rem}}";

void html_page_begin(ss_buf *b, const char *title) {
    ss_buf_printf(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    html_text(b, title);
    ss_buf_printf(b, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n", style);
}

void html_page_end(ss_buf *b) { ss_buf_printf(b, "</main>\n</body>\n</html>\n"); }

void html_note(ss_buf *b, const char *plain) {
    ss_buf_printf(b, "<p class=\"small\">");
    html_text(b, plain);
    ss_buf_printf(b, "</p>\n");
}

/* ---- cards ---- */

void html_cards_begin(ss_buf *b) { ss_buf_printf(b, "<div class=\"cards\">\n"); }
void html_cards_end(ss_buf *b) { ss_buf_printf(b, "</div>\n"); }

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

void html_bars_begin(ss_buf *b) { ss_buf_printf(b, "<div class=\"bars\">\n"); }
void html_bars_end(ss_buf *b) { ss_buf_printf(b, "</div>\n"); }

static double clamp01(double v) { return v > 1 ? 1 : v > 0 ? v : 0; }

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

void html_bar(ss_buf *b, const char *label, double fraction, double mark, html_tone tone, const char *figure) {
    static const char *const classes[] = { "", " class=\"hot\"", " class=\"cool\"" };
    bar_label(b, label);
    ss_buf_printf(b, "<span class=\"bar\"><i%s style=\"width:%.2f%%\"></i>", classes[tone], 100 * clamp01(fraction));
    if (mark >= 0) ss_buf_printf(b, "<u style=\"left:%.2f%%\"></u>", 100 * clamp01(mark));
    ss_buf_printf(b, "</span>");
    bar_label(b, figure);
    ss_buf_printf(b, "\n");
}

static void strip_cell(ss_buf *b, int first, int last, double p) {
    ss_buf_printf(b, "<i style=\"--p:%.3f\" title=\"%d", sqrt(clamp01(p)), first); /* sqrt: rare counts stay visible */
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
