/* Boards from JSON files. A device file is
 *   {"format":"skipstream.device", "version":1, "name", "part", "family",
 *    "resources":{"lut","ff","dsp","bram18","uram"}, "slrs", "clock_mhz", "bandwidth_gbps", "reconfiguration_ms", "dsp58",
 *    "uram_init", "cap":{...}, "note"}
 * of which "cap" and "note" may be absent. Reading is strict: every problem of a file is reported, unknown keys too,
 * since a misspelt optional key would otherwise be ignored in silence. */
#include "base/json.h"
#include "device/device.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FORMAT "skipstream.device"
#define MAX_COUNT 1000000000

const char *const ss_res_names[SS_RES_COUNT] = { "lut", "ff", "dsp", "bram18", "uram" };

static const char *const families[] = { "ultrascale+", "7series", "versal" };
static const char *const folders[] = { SS_DEVICE_DIR, "devices" };
#define FOLDERS (sizeof folders / sizeof folders[0])

int64_t ss_device_budget(const ss_device *d, ss_res r) {
    /* A cap such as 0.29 is not exact in binary: 0.29 * 100 must give 29. */
    return (int64_t)((double)d->total.r[r] * d->cap[r] + 1e-6);
}

static int find_resource(const char *name, size_t len) {
    for (int r = 0; r < SS_RES_COUNT; r++)
        if (strlen(ss_res_names[r]) == len && strncasecmp(name, ss_res_names[r], len) == 0) return r;
    return -1;
}

/* ---- caps ---- */

static ss_status set_cap(ss_ctx *ctx, ss_device *d, const char *item, size_t len) {
    static const char remedy[] = "write --cap as LUT=0.8,dsp=0.95; names lut, ff, dsp, bram18, uram, "
                                 "fractions in (0,1]";
    const char *eq = memchr(item, '=', len);
    int r = eq ? find_resource(item, (size_t)(eq - item)) : -1;
    if (r < 0) return ss_error(ctx, SS_AT("--cap"), remedy, "\"%.*s\" does not name a resource", (int)len, item);
    char number[32], *end;
    size_t digits = len - (size_t)(eq + 1 - item);
    snprintf(number, sizeof number, "%.*s", (int)digits, eq + 1);
    double v = strtod(number, &end);
    bool whole = digits > 0 && digits < sizeof number && *end == '\0' && !isspace((unsigned char)number[0]);
    if (!whole || !(v > 0 && v <= 1))
        return ss_error(ctx, SS_AT("--cap"), remedy, "\"%.*s\" is not a fraction in (0,1]", (int)len, item);
    d->cap[r] = v;
    return SS_OK;
}

ss_status ss_device_set_caps(ss_ctx *ctx, ss_device *d, const char *text) {
    ss_status s = SS_OK;
    for (const char *item = text;; item++) {
        size_t len = strcspn(item, ",");
        if (set_cap(ctx, d, item, len) != SS_OK) s = SS_BAD;
        item += len;
        if (!*item) return s;
    }
}

/* ---- one file ---- */

typedef struct reader {
    ss_ctx *ctx;
    const char *path;
    ss_status status;
} reader;

static void known_keys(reader *r, const json_t *o, const char *const *keys, size_t n, const char *inside) {
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)o, key, v) {
        bool known = false;
        for (size_t i = 0; i < n; i++) known = known || strcmp(keys[i], key) == 0;
        if (!known)
            r->status = ss_error(r->ctx, SS_AT(r->path), "correct its spelling or remove it; comments go into \"note\"",
                                 "unknown key \"%s\"%s", key, inside);
    }
}

static void read_text(reader *r, const json_t *o, const char *key, char *out, size_t cap) {
    const char *s;
    if (ss_json_get_str(r->ctx, r->path, o, key, &s) != SS_OK) {
        r->status = SS_BAD;
    } else if (!*s || strlen(s) >= cap) {
        r->status = ss_error(r->ctx, SS_AT(r->path), "shorten it, or write what is missing",
                             "\"%s\" has %zu characters, not 1 to %zu", key, strlen(s), cap - 1);
    } else {
        snprintf(out, cap, "%s", s);
    }
}

static double read_real(reader *r, const json_t *o, const char *key, double lo, double hi) {
    double v = 0;
    if (ss_json_get_real(r->ctx, r->path, o, key, &v) != SS_OK) {
        r->status = SS_BAD;
    } else if (!(v >= lo && v <= hi)) {
        r->status = ss_error(r->ctx, SS_AT(r->path), "check the unit in docs/cost.md", "\"%s\" is %g, outside %g..%g",
                             key, v, lo, hi);
    }
    return v;
}

static bool read_bool(reader *r, const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    if (!json_is_boolean(v))
        r->status = ss_error(r->ctx, SS_AT(r->path), "write true or false", "\"%s\" is %s", key,
                             v ? "neither true nor false" : "missing");
    return json_is_true(v);
}

static int64_t read_int(reader *r, const json_t *o, const char *key, int64_t lo, int64_t hi) {
    int64_t v = 0;
    if (ss_json_get_int(r->ctx, r->path, o, key, lo, hi, &v) != SS_OK) r->status = SS_BAD;
    return v;
}

static void read_resources(reader *r, const json_t *j, ss_device *d) {
    json_t *o;
    if (ss_json_get_object(r->ctx, r->path, j, "resources", &o) != SS_OK) {
        r->status = SS_BAD;
        return;
    }
    known_keys(r, o, ss_res_names, SS_RES_COUNT, " in \"resources\"");
    for (int k = 0; k < SS_RES_COUNT; k++)
        d->total.r[k] = read_int(r, o, ss_res_names[k], k == SS_URAM ? 0 : 1, MAX_COUNT);
}

static void read_caps(reader *r, const json_t *j, ss_device *d) {
    json_t *o = NULL;
    for (int k = 0; k < SS_RES_COUNT; k++) d->cap[k] = 1;
    if (!json_object_get(j, "cap")) return;
    if (ss_json_get_object(r->ctx, r->path, j, "cap", &o) != SS_OK) {
        r->status = SS_BAD;
        return;
    }
    known_keys(r, o, ss_res_names, SS_RES_COUNT, " in \"cap\"");
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (json_object_get(o, ss_res_names[k])) d->cap[k] = read_real(r, o, ss_res_names[k], 1e-6, 1);
}

static void read_device(reader *r, const json_t *j, ss_device *d) {
    static const char *const keys[] = { "format",         "version",            "name",  "part",      "family",
                                        "resources",      "slrs",               "dsp58", "clock_mhz", "cap",
                                        "bandwidth_gbps", "reconfiguration_ms", "note",  "uram_init" };
    known_keys(r, j, keys, sizeof keys / sizeof keys[0], "");
    read_text(r, j, "name", d->name, sizeof d->name);
    read_text(r, j, "part", d->part, sizeof d->part);
    read_text(r, j, "family", d->family, sizeof d->family);
    bool known = false;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) known = known || !strcmp(families[i], d->family);
    if (!known && d->family[0])
        r->status = ss_error(r->ctx, SS_AT(r->path), "use ultrascale+, 7series or versal", "unknown family \"%s\"",
                             d->family);
    read_resources(r, j, d);
    read_caps(r, j, d);
    d->slrs = (int32_t)read_int(r, j, "slrs", 1, 64);
    d->clock_hz = 1e6 * read_real(r, j, "clock_mhz", 1, 2000);
    d->bandwidth_bits = 1e9 * read_real(r, j, "bandwidth_gbps", 1e-3, 1e6);
    d->reconfiguration_s = 1e-3 * read_real(r, j, "reconfiguration_ms", 0, 1e6);
    d->dsp58 = read_bool(r, j, "dsp58");
    d->uram_init = read_bool(r, j, "uram_init");
}

static ss_status load_file(ss_ctx *ctx, const char *path, ss_device *out) {
    json_t *j;
    if (ss_json_load(ctx, path, FORMAT, 1, &j) != SS_OK) return SS_BAD;
    reader r = { ctx, path, SS_OK };
    ss_device d = { 0 };
    read_device(&r, j, &d);
    json_decref(j);
    if (r.status == SS_OK) *out = d;
    return r.status;
}

/* ---- look-up by name ---- */

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Names of all *.json in the search path, sorted, each once, as "a, b, c". */
static void list_known(ss_ctx *ctx, ss_arena *arena, ss_buf *text) {
    char *names[256];
    size_t n = 0;
    for (size_t f = 0; f < FOLDERS; f++) {
        DIR *dir = opendir(folders[f]);
        if (!dir) continue;
        for (struct dirent *e; (e = readdir(dir)) != NULL && n < 256;) {
            size_t len = strlen(e->d_name);
            if (len < 6 || strcmp(e->d_name + len - 5, ".json") != 0) continue;
            if ((names[n] = ss_arena_printf(arena, "%.*s", (int)(len - 5), e->d_name)) != NULL) n++;
        }
        closedir(dir);
    }
    ss_buf_init(text, ctx);
    qsort(names, n, sizeof names[0], by_name);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0) ss_buf_printf(text, "%s%s", i ? ", " : "", names[i]);
}

static ss_status unknown_device(ss_ctx *ctx, const char *spec) {
    ss_arena *arena = ss_arena_new(ctx);
    if (!arena) return SS_BAD;
    ss_buf text;
    list_known(ctx, arena, &text);
    ss_error(ctx, SS_AT("--device"), "name one of them, or the path of a device file (docs/cost.md has the format)",
             "unknown device \"%s\"; known: %s", spec, text.data ? text.data : "none");
    ss_buf_free(&text);
    ss_arena_free(arena);
    return SS_BAD;
}

static bool is_path(const char *spec) {
    size_t n = strlen(spec);
    return strchr(spec, '/') != NULL || (n > 5 && strcmp(spec + n - 5, ".json") == 0);
}

ss_status ss_device_load(ss_ctx *ctx, const char *spec, ss_device *out) {
    if (is_path(spec)) return load_file(ctx, spec, out);
    for (size_t f = 0; *spec && f < FOLDERS; f++) {
        ss_buf path;
        ss_buf_init(&path, ctx);
        ss_buf_printf(&path, "%s/%s.json", folders[f], spec);
        if (path.failed) return SS_BAD;
        bool found = access(path.data, F_OK) == 0;
        ss_status s = found ? load_file(ctx, path.data, out) : SS_OK;
        ss_buf_free(&path);
        if (found) return s;
    }
    return unknown_device(ctx, spec);
}
