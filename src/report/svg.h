/* svg: line charts for the report, as inline SVG that takes its colours from the page. */
#ifndef SS_REPORT_SVG_H
#define SS_REPORT_SVG_H

#include "base/base.h"

enum { SVG_MAX_SERIES = 3 };

typedef struct svg_series {
    const char *name;
    const double *x, *y; /* [n], finite */
    int n;
    int marked; /* index of the point to ring, or -1 */
} svg_series;

typedef struct svg_chart {
    const char *x_label, *y_label; /* with units */
    svg_series series[SVG_MAX_SERIES];
    int n_series;
    bool has_limit; /* a dashed horizontal line */
    double limit;
    const char *limit_label;
} svg_chart;

/* The largest of 1, 2, 5 x 10^k that cuts span into at least four. */
double svg_round_step(double span);

/* Appends a figure with a key above the chart. Axes cover all points and the limit, with round ticks. A chart
 * without points is left out. */
void svg_chart_write(ss_buf *b, const svg_chart *c);

#endif
