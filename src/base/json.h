/* json: artefacts on disk. Every artefact is a JSON object that begins with "format" and "version".
 * Loading checks both and says clearly what is wrong (truncated, other format, newer version); saving is
 * atomic. Getters report a missing or mistyped key with its path in the file and return SS_BAD. */
#ifndef SS_JSON_H
#define SS_JSON_H

#include "base/base.h"

#include <jansson.h>

json_t *ss_json_new(const char *format, int version); /* {"format":…,"version":…}; NULL: no memory */
/* *out is a new reference. format: what is wanted, or NULL for any artefact, whose "format" the caller looks at.
 * version: the newest that the caller understands. */
ss_status ss_json_load(ss_ctx *ctx, const char *path, const char *format, int version, json_t **out);
/* Indented by 1, keys in insertion order, doubles with as many digits as bring them back. Path "-" is refused. */
ss_status ss_json_save(ss_ctx *ctx, const char *path, const json_t *j);
ss_status ss_json_text(ss_ctx *ctx, const json_t *j, char **text); /* ss_free it */

json_t *ss_json_float(float v);    /* the shortest decimal that reads back to v: 0.1, not 0.10000000149011612 */
json_t *ss_json_hash(uint64_t v);  /* 16 hex digits */

ss_status ss_json_get_int(ss_ctx *ctx, const char *path, const json_t *o, const char *key, int64_t lo, int64_t hi,
                          int64_t *out);
ss_status ss_json_get_real(ss_ctx *ctx, const char *path, const json_t *o, const char *key, double *out);
ss_status ss_json_get_str(ss_ctx *ctx, const char *path, const json_t *o, const char *key, const char **out);
ss_status ss_json_get_hash(ss_ctx *ctx, const char *path, const json_t *o, const char *key, uint64_t *out);
ss_status ss_json_get_array(ss_ctx *ctx, const char *path, const json_t *o, const char *key, json_t **out); /* borrowed */
ss_status ss_json_get_object(ss_ctx *ctx, const char *path, const json_t *o, const char *key, json_t **out);

#endif
