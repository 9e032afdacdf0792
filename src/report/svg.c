/* Line charts. See svg.h. Method: the range of the data is widened to round ticks (1, 2 or 5 times a power of
 * ten, four to nine of them), then everything is placed by one linear map per axis. The first series is drawn
 * last and is the thinnest, so that series which coincide are both seen. */
#include "report/svg.h"

#include "report/html.h"

#include <math.h>

#define WIDTH 720.0
#define HEIGHT 400.0
#define LEFT 72.0
#define RIGHT 16.0
#define TOP 14.0
#define BOTTOM 52.0

typedef struct axis {
    double lo, hi, step;
    int decimals;
    double at_lo, at_hi; /* pixels */
} axis;

double svg_round_step(double span) {
    double p = pow(10, floor(log10(span / 4)));
    double f = span / 4 / p;
    return p * (f >= 5 ? 5 : f >= 2 ? 2 : 1);
}

static axis make_axis(double lo, double hi, double at_lo, double at_hi) {
    double span = hi - lo, least = 1e-6 * fmax(fabs(lo), fabs(hi));
    if (!(span > least)) { /* one value: room around it */
        double room = fmax(fabs(lo) * 0.05, 1e-3);
        lo -= room;
        hi += room;
        span = hi - lo;
    }
    double step = svg_round_step(span);
    int decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    return (
        axis){ step * floor(lo / step + 1e-9), step * ceil(hi / step - 1e-9), step, decimals, at_lo, at_hi };
}

static double place(const axis *a, double v) {
    return a->at_lo + (v - a->lo) / (a->hi - a->lo) * (a->at_hi - a->at_lo);
}

static int tick_count(const axis *a) {
    return (int)lround((a->hi - a->lo) / a->step) + 1;
}

static void tick_text(ss_buf *b, const axis *a, double v) {
    if (a->decimals == 0) ss_buf_printf(b, "%s", html_count(v).text);
    else ss_buf_printf(b, "%.*f", a->decimals, v);
}

static void write_grid(ss_buf *b, const axis *x, const axis *y) {
    for (int i = 0; i < tick_count(x); i++) {
        double v = x->lo + i * x->step, at = place(x, v);
        ss_buf_printf(b,
                      "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                      "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
                      at, at, TOP, HEIGHT - BOTTOM, at, HEIGHT - BOTTOM + 19);
        tick_text(b, x, v);
        ss_buf_printf(b, "</text>\n");
    }
    for (int i = 0; i < tick_count(y); i++) {
        double v = y->lo + i * y->step, at = place(y, v);
        ss_buf_printf(b,
                      "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                      "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">",
                      LEFT, WIDTH - RIGHT, at, at, LEFT - 8, at + 4.5);
        tick_text(b, y, v);
        ss_buf_printf(b, "</text>\n");
    }
}

static void write_labels(ss_buf *b, const svg_chart *c) {
    ss_buf_printf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", (LEFT + WIDTH - RIGHT) / 2,
                  HEIGHT - 8);
    html_text(b, c->x_label);
    ss_buf_printf(b, "</text>\n<text transform=\"translate(16 %.1f) rotate(-90)\" text-anchor=\"middle\">",
                  (TOP + HEIGHT - BOTTOM) / 2);
    html_text(b, c->y_label);
    ss_buf_printf(b, "</text>\n");
}

static void write_limit(ss_buf *b, const svg_chart *c, const axis *y) {
    double at = place(y, c->limit);
    ss_buf_printf(b,
                  "<line class=\"limit\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                  "<text class=\"limit-text\" x=\"%.1f\" y=\"%.1f\">",
                  LEFT, WIDTH - RIGHT, at, at, LEFT + 6, at > HEIGHT - BOTTOM - 24 ? at - 6 : at + 16);
    html_text(b, c->limit_label);
    ss_buf_printf(b, "</text>\n");
}

static void write_series(ss_buf *b, const svg_series *s, int index, const axis *x, const axis *y) {
    ss_buf_printf(b, "<polyline class=\"s%d\" points=\"", index);
    for (int i = 0; i < s->n; i++) ss_buf_printf(b, "%.1f,%.1f ", place(x, s->x[i]), place(y, s->y[i]));
    ss_buf_printf(b, "\"/>\n");
    for (int i = 0; i < s->n; i++)
        ss_buf_printf(b, "<circle class=\"s%d\" r=\"%d\" cx=\"%.1f\" cy=\"%.1f\"/>", index, 3 + 2 * index,
                      place(x, s->x[i]), place(y, s->y[i]));
    if (s->marked >= 0 && s->marked < s->n)
        ss_buf_printf(b, "<circle class=\"ring\" r=\"9\" cx=\"%.1f\" cy=\"%.1f\"/>",
                      place(x, s->x[s->marked]), place(y, s->y[s->marked]));
    ss_buf_printf(b, "\n");
}

static void write_key(ss_buf *b, const svg_chart *c) {
    ss_buf_printf(b, "<div class=\"key\">");
    for (int i = 0; i < c->n_series; i++) {
        ss_buf_printf(b, "<span><i class=\"i%d\"></i>", i);
        html_text(b, c->series[i].name);
        ss_buf_printf(b, "</span>");
    }
    ss_buf_printf(b, "</div>\n");
}

static bool find_range(const svg_chart *c, axis *x, axis *y) {
    double x_lo = INFINITY, x_hi = -INFINITY, y_lo = INFINITY, y_hi = -INFINITY;
    for (int s = 0; s < c->n_series; s++)
        for (int i = 0; i < c->series[s].n; i++) {
            x_lo = fmin(x_lo, c->series[s].x[i]);
            x_hi = fmax(x_hi, c->series[s].x[i]);
            y_lo = fmin(y_lo, c->series[s].y[i]);
            y_hi = fmax(y_hi, c->series[s].y[i]);
        }
    if (x_lo > x_hi) return false;
    if (c->has_limit) {
        y_lo = fmin(y_lo, c->limit);
        y_hi = fmax(y_hi, c->limit);
    }
    *x = make_axis(x_lo, x_hi, LEFT, WIDTH - RIGHT);
    *y = make_axis(y_lo, y_hi, HEIGHT - BOTTOM, TOP);
    return true;
}

void svg_chart_write(ss_buf *b, const svg_chart *c) {
    axis x, y;
    if (!find_range(c, &x, &y)) return;
    ss_buf_printf(b, "<figure>");
    write_key(b, c);
    ss_buf_printf(b, "<div class=\"wide\"><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", WIDTH,
                  HEIGHT);
    html_text(b, c->y_label);
    ss_buf_printf(b, " against ");
    html_text(b, c->x_label);
    ss_buf_printf(b, "\">\n");
    write_grid(b, &x, &y);
    write_labels(b, c);
    if (c->has_limit) write_limit(b, c, &y);
    for (int i = c->n_series - 1; i >= 0; i--) write_series(b, &c->series[i], i, &x, &y);
    ss_buf_printf(b, "</svg></div></figure>\n");
}
