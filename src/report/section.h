/* section: what the writers of the report's sections share. A section reads one artefact and appends its part
 * of the page; the few figures that the head of the page shows go into the summary, the first file that has
 * one wins. */
#ifndef SS_REPORT_SECTION_H
#define SS_REPORT_SECTION_H

#include "base/json.h"
#include "report/html.h"

/* One design, for the comparison at the head of the page. */
typedef struct report_line {
    const char *title, *path;
    double throughput;
} report_line;

/* Strings are borrowed from the artefacts, which live until the page is written. Absent: NULL, or NAN. */
typedef struct report_summary {
    const char *model, *device;
    int bits, batch; /* 0: absent */
    double throughput, steady, latency_us;
    int partitions;            /* 0: absent */
    double zeros;              /* fraction of all ReLU outputs */
    double top1, loss, gain;   /* percent, points, throughput ratio to threshold 0 */
    double raised_throughput;  /* images/s with raised thresholds, on */
    const char *gain_hardware; /* "optimised" or "baseline" */
    report_line *lines;        /* room for one a file */
    int n_lines;
} report_summary;

typedef struct report_section {
    ss_ctx *ctx;
    const char *path; /* of the artefact, for messages and headings */
    const json_t *j;
    ss_buf *b;
    report_summary *sum;
    bool bad; /* something could not be used; its diagnostic is written and the page will not be */
} report_section;

void report_design(report_section *s);  /* design_section.c */
void report_profile(report_section *s); /* profile_section.c */
void report_study(report_section *s);   /* study_section.c */
void report_eval(report_section *s);    /* run_section.c */
void report_run(report_section *s);     /* run_section.c */
void report_activity(report_section *s); /* activity_section.c */

/* The network as a picture, part of a design's section; open: shown, else the reader unfolds it. (net_section.c) */
void report_network(report_section *s, const json_t *partitions, bool open);

/* A heading with the file's name in small type beside it. */
void report_heading(report_section *s, const char *title);

/* Required members of an object. One that is missing or mistyped leaves a diagnostic, sets s->bad, and gives
 * 0, "" or NULL (which Jansson takes for empty), so that callers check s->bad once for each object. */
double report_real(report_section *s, const json_t *o, const char *key);
int64_t report_int(report_section *s, const json_t *o, const char *key); /* >= 0 */
const char *report_str(report_section *s, const json_t *o, const char *key);
const json_t *report_array(report_section *s, const json_t *o, const char *key);
const json_t *report_object(report_section *s, const json_t *o, const char *key);

#endif
