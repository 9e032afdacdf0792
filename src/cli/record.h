/* record: what a run has done, kept in its folder as run.json ("skipstream.run", version 1), so that it can
 * go on where it stopped.
 *
 *   stages[]   {name, key, seconds, files[]: {name, hash}}
 *
 * A stage's key is a hash of everything that its result follows from: model, options, images, the keys of
 * stages before it. A stage is kept when its key is the recorded one and all its files are as they were
 * written; else it is done again. What changed nothing for a stage does not touch it.
 */
#ifndef SS_RECORD_H
#define SS_RECORD_H

#include "base/json.h"

typedef struct ss_record {
    ss_ctx *ctx;
    const char *dir;
    char *path; /* dir/run.json */
    json_t *json;
} ss_record;

/* dir exists. No run.json: an empty record. A run.json of something else, or a newer one: an error. */
ss_status ss_record_open(ss_ctx *ctx, const char *dir, ss_record *r);
void ss_record_close(ss_record *r);
/* files: names within dir, ending with NULL. */
bool ss_record_kept(const ss_record *r, const char *stage, uint64_t key, const char *const *files);
ss_status ss_record_done(ss_record *r, const char *stage, uint64_t key, double seconds,
                         const char *const *files);
/* The recorded content of these files, as one hash: for a stage that reads them. */
uint64_t ss_record_hash(const ss_record *r, const char *const *files);

#endif
