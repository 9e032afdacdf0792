/* See record.h. The record is written after every stage, atomically: a run that is killed loses one stage at
 * most. */
#include "cli/record.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FORMAT "skipstream.run"
#define VERSION 1
#define MAX_FILE ((size_t)1 << 31)

ss_status ss_record_open(ss_ctx *ctx, const char *dir, ss_record *r) {
    *r = (ss_record){ .ctx = ctx, .dir = dir };
    ss_buf path;
    ss_buf_init(&path, ctx);
    ss_buf_printf(&path, "%s/run.json", dir);
    r->path = path.data;
    if (path.failed) return SS_BAD;
    if (access(r->path, F_OK) == 0) {
        json_t *stages;
        if (ss_json_load(ctx, r->path, FORMAT, VERSION, &r->json) != SS_OK) return SS_BAD;
        return ss_json_get_array(ctx, r->path, r->json, "stages", &stages);
    }
    r->json = ss_json_new(FORMAT, VERSION);
    if (r->json && json_object_set_new(r->json, "stages", json_array()) == 0) return SS_OK;
    return ss_error(ctx, SS_AT(r->path), "free some memory", "out of memory");
}

void ss_record_close(ss_record *r) {
    json_decref(r->json);
    ss_free(r->ctx, r->path);
}

static size_t find(const ss_record *r, const char *stage) {
    const json_t *stages = json_object_get(r->json, "stages");
    size_t i = 0;
    for (; i < json_array_size(stages); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(stages, i), "name"));
        if (name && strcmp(name, stage) == 0) break;
    }
    return i;
}

/* Hash of a file of the run, as JSON; NULL when it cannot be read. */
static json_t *file_hash(const ss_record *r, const char *name) {
    ss_buf path;
    uint8_t *data;
    size_t len;
    json_t *hash = NULL;
    ss_buf_init(&path, r->ctx);
    ss_buf_printf(&path, "%s/%s", r->dir, name);
    if (!path.failed && ss_file_read(r->ctx, path.data, MAX_FILE, &data, &len) == SS_OK) {
        hash = ss_json_hash(ss_hash(data, len, 0));
        ss_free(r->ctx, data);
    }
    ss_buf_free(&path);
    return hash;
}

static bool exists(const ss_record *r, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", r->dir, name);
    return access(path, R_OK) == 0;
}

bool ss_record_kept(const ss_record *r, const char *stage, uint64_t key, const char *const *files) {
    const json_t *s = json_array_get(json_object_get(r->json, "stages"), find(r, stage));
    json_t *want = ss_json_hash(key);
    bool same = s && json_equal(json_object_get(s, "key"), want);
    json_decref(want);
    const json_t *list = json_object_get(s, "files");
    for (size_t i = 0; same && files[i]; i++) {
        const json_t *f = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(f, "name"));
        if (!name || strcmp(name, files[i]) != 0 || !exists(r, name)) return false;
        json_t *hash = file_hash(r, name);
        same = json_equal(json_object_get(f, "hash"), hash);
        json_decref(hash);
    }
    return same;
}

ss_status ss_record_done(ss_record *r, const char *stage, uint64_t key, double seconds,
                         const char *const *files) {
    json_t *list = json_array(), *stages = json_object_get(r->json, "stages");
    for (size_t i = 0; files[i]; i++) {
        json_t *hash = file_hash(r, files[i]);
        if (!hash) {
            json_decref(list);
            return SS_BAD;
        }
        json_array_append_new(list, json_pack("{s:s,s:o}", "name", files[i], "hash", hash));
    }
    json_t *s = json_pack("{s:s,s:o,s:f,s:o}", "name", stage, "key", ss_json_hash(key), "seconds", seconds,
                          "files", list);
    size_t at = find(r, stage);
    int bad =
        at < json_array_size(stages) ? json_array_set_new(stages, at, s) : json_array_append_new(stages, s);
    if (bad) return ss_error(r->ctx, SS_AT(r->path), "free some memory", "out of memory");
    return ss_json_save(r->ctx, r->path, r->json);
}

static const char *recorded_hash(const ss_record *r, const char *file) {
    size_t i, k;
    json_t *s, *f;
    json_array_foreach(json_object_get(r->json, "stages"), i, s)
        json_array_foreach(json_object_get(s, "files"), k, f) {
        const char *name = json_string_value(json_object_get(f, "name"));
        if (name && strcmp(name, file) == 0) return json_string_value(json_object_get(f, "hash"));
    }
    return NULL;
}

uint64_t ss_record_hash(const ss_record *r, const char *const *files) {
    uint64_t h = 0;
    for (size_t i = 0; files[i]; i++) {
        const char *hash = recorded_hash(r, files[i]);
        if (hash) h = ss_hash(hash, strlen(hash), h);
    }
    return h;
}
