/* report: one page from artefacts, for people to read and to show.
 *
 * The page is a single HTML file that needs nothing else: styles and pictures are inline, there is no script
 * and nothing is fetched. It follows the reader's light or dark scheme and fits a phone. What is written
 * depends on the files alone, so the same files give the same page.
 */
#ifndef SS_REPORT_H
#define SS_REPORT_H

#include "base/json.h"

/* Reads n >= 1 artefacts (designs, profiles, studies, results of eval, activities, records of run; each file's "format"
 * decides) and writes the page to out. All files that cannot be used are reported at once, and then nothing
 * is written: missing, truncated, no artefact, of a format or version that has no section here, or with a
 * figure missing. */
ss_status ss_report_write(ss_ctx *ctx, const char *const *files, int n, const char *out);

/* The picture of a simulation's activity (ss_simulated.activity) as an SVG file. */
ss_status ss_report_activity(ss_ctx *ctx, const json_t *activity, const char *out);

#endif
