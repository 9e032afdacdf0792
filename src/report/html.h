/* html: the building blocks of the page: escaped text, figures as people write them, tables, bars,
 * histograms.
 *
 * Everything is appended to an ss_buf, which remembers a failed allocation; callers check it once, at the
 * end. Every text from a file goes through html_text or html_cell.
 */
#ifndef SS_REPORT_HTML_H
#define SS_REPORT_HTML_H

#include "base/base.h"

/* ---- text and figures ---- */

void html_text(ss_buf *b, const char *text); /* escaped for element content and quoted attributes */

typedef struct html_num {
    char text[40];
} html_num;
html_num html_count(double v);   /* nearest whole number with separators: 12,345,678 */
html_num html_figure(double v);  /* at least three significant digits, separators: 0.0123, 4.56, 12,346 */
html_num html_setting(double v); /* as it was set, six significant digits: 0.1375 */
html_num html_percent(double v); /* of a fraction: 0.1234 -> 12.3 % */
html_num html_signed_percent(double v); /* +12.3 % */
html_num html_points(double v);         /* a percentage that is one already, two decimals: 91.73 */
html_num html_seconds(double v);        /* in the unit that suits: 12.3 µs, 4.56 ms, 7.89 s */

/* ---- page ---- */

extern const char html_style[]; /* the style sheet */
void html_page_begin(ss_buf *b, const char *title);
void html_page_end(ss_buf *b);

/* ---- key figures: a row of cards ---- */

void html_cards_begin(ss_buf *b);
void html_card(ss_buf *b, const char *label, const char *value, const char *detail); /* detail may be NULL */
void html_cards_end(ss_buf *b);

/* ---- tables: a column is text or a number (right-aligned) ---- */

typedef struct html_column {
    const char *head;
    const char *hint; /* tool tip that explains the head, or NULL */
    bool number;
} html_column;

typedef struct html_table {
    ss_buf *b;
    const html_column *columns;
    int n, at;
    bool open; /* a row */
} html_table;

html_table html_table_begin(ss_buf *b, const html_column *columns, int n);
void html_row(html_table *t, bool emphasised);
void html_cell(html_table *t, const char *text); /* the next cell of the row; escaped */
void html_table_end(html_table *t);

/* ---- horizontal bars: label, bar, figure ---- */

typedef enum html_tone { HTML_PLAIN, HTML_HOT, HTML_COOL } html_tone;

void html_bars_begin(ss_buf *b);
/* fraction: length of the bar, 0..1. mark: position of a tick, or < 0 for none. */
void html_bar(ss_buf *b, const char *label, double fraction, double mark, html_tone tone, const char *figure);
/* A histogram as a strip of n cells, darker the more likely; p[i] are probabilities, cell i is called i. */
void html_strip(ss_buf *b, const char *label, const double *p, int n, const char *figure);
void html_bars_end(ss_buf *b);

#endif
