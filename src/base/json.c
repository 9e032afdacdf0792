/* JSON artefacts over Jansson. See json.h. */
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARTEFACT ((size_t)1 << 30)

json_t *ss_json_new(const char *format, int version) {
    return json_pack("{s:s,s:i}", "format", format, "version", version);
}

static ss_status check_header(ss_ctx *ctx, const char *path, const json_t *j, const char *format, int version) {
    const char *f = json_string_value(json_object_get(j, "format"));
    const json_t *v = json_object_get(j, "version");
    if (!f || !json_is_integer(v))
        return ss_error(ctx, SS_AT(path), "name a file that skipstream wrote", "not a skipstream artefact");
    if (format && strcmp(f, format) != 0)
        return ss_error(ctx, SS_AT(path), "check the order of the arguments", "holds a \"%s\", not a \"%s\"", f,
                        format);
    if (json_integer_value(v) > version || json_integer_value(v) < 1)
        return ss_error(ctx, SS_AT(path), "use the skipstream that wrote it, or write it again",
                        "version %lld of \"%s\"; this program reads up to %d", (long long)json_integer_value(v), f,
                        version);
    return SS_OK;
}

ss_status ss_json_load(ss_ctx *ctx, const char *path, const char *format, int version, json_t **out) {
    uint8_t *data;
    size_t len;
    *out = NULL;
    if (ss_file_read(ctx, path, MAX_ARTEFACT, &data, &len) != SS_OK) return SS_BAD;
    json_error_t err;
    json_t *j = json_loadb((const char *)data, len, JSON_REJECT_DUPLICATES, &err);
    ss_free(ctx, data);
    if (!j)
        return ss_error(ctx, SS_AT(path), "the file may be truncated; write it again",
                        "not valid JSON: line %d: %s", err.line, err.text);
    if (check_header(ctx, path, j, format, version) != SS_OK) {
        json_decref(j);
        return SS_BAD;
    }
    *out = j;
    return SS_OK;
}

/* The shortest of 15 to 17 digits that reads back to the same double, still recognisable as a real. */
static int shortest_real(const char *token, char out[40]) {
    double v = strtod(token, NULL);
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(out, 40, "%.*g", digits, v);
        if (strtod(out, NULL) == v) break;
    }
    return strpbrk(out, ".e") ? n : snprintf(out, 40, "%.0f.0", v);
}

/* Jansson writes 17 digits always: 0.1 as 0.10000000000000001. Rewrites the reals of a JSON text in place, where that
 * is no longer (printf writes e-05 for Jansson's e-5). */
static void shorten_reals(char *text) {
    char *to = text;
    bool in_string = false;
    for (const char *from = text; *from;) {
        size_t n = in_string ? 0 : strspn(from, "+-.eE0123456789");
        char number[40];
        if (n > 0 && n < sizeof number && memchr(from, '.', n)) {
            const size_t len = (size_t)shortest_real(from, number);
            if (len <= n) memcpy(to, number, len);
            else memmove(to, from, n);
            to += len <= n ? len : n;
            from += n;
            continue;
        }
        if (*from == '"') in_string = !in_string;
        if (*from == '\\' && from[1]) *to++ = *from++;
        *to++ = *from++;
    }
    *to = '\0';
}

ss_status ss_json_text(ss_ctx *ctx, const json_t *j, char **text) {
    char *raw = json_dumps(j, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    *text = NULL;
    if (!raw) return ss_error(ctx, (ss_where){ 0 }, "free some memory", "out of memory while writing JSON");
    shorten_reals(raw);
    *text = ss_strdup(ctx, raw);
    free(raw);
    return *text ? SS_OK : SS_BAD;
}

ss_status ss_json_save(ss_ctx *ctx, const char *path, const json_t *j) {
    char *text;
    if (ss_json_text(ctx, j, &text) != SS_OK) return SS_BAD;
    size_t n = strlen(text);
    text[n] = '\n'; /* in place of the NUL: the file needs none */
    ss_status s = ss_file_write(ctx, path, text, n + 1);
    ss_free(ctx, text);
    return s;
}

json_t *ss_json_float(float v) {
    char text[32];
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)v);
        if (strtof(text, NULL) == v) break;
    }
    return json_real(strtod(text, NULL));
}

json_t *ss_json_hash(uint64_t v) {
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, v);
    return json_string(text);
}

static ss_status bad_key(ss_ctx *ctx, const char *path, const json_t *o, const char *key, const char *want) {
    return ss_error(ctx, SS_AT(path), "write the file again",
                    json_object_get(o, key) ? "\"%s\" is not %s" : "\"%s\" is missing; it should be %s", key, want);
}

ss_status ss_json_get_int(ss_ctx *ctx, const char *path, const json_t *o, const char *key, int64_t lo, int64_t hi,
                          int64_t *out) {
    const json_t *v = json_object_get(o, key);
    if (!json_is_integer(v)) return bad_key(ctx, path, o, key, "an integer");
    *out = (int64_t)json_integer_value(v);
    if (*out < lo || *out > hi)
        return ss_error(ctx, SS_AT(path), "write the file again", "\"%s\" is %lld, outside %lld..%lld", key,
                        (long long)*out, (long long)lo, (long long)hi);
    return SS_OK;
}

ss_status ss_json_get_real(ss_ctx *ctx, const char *path, const json_t *o, const char *key, double *out) {
    const json_t *v = json_object_get(o, key);
    if (!json_is_number(v)) return bad_key(ctx, path, o, key, "a number");
    *out = json_number_value(v);
    return SS_OK;
}

ss_status ss_json_get_str(ss_ctx *ctx, const char *path, const json_t *o, const char *key, const char **out) {
    const json_t *v = json_object_get(o, key);
    if (!json_is_string(v)) return bad_key(ctx, path, o, key, "a string");
    *out = json_string_value(v);
    return SS_OK;
}

ss_status ss_json_get_hash(ss_ctx *ctx, const char *path, const json_t *o, const char *key, uint64_t *out) {
    const char *text = "";
    if (ss_json_get_str(ctx, path, o, key, &text) != SS_OK) return SS_BAD;
    bool whole = strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16;
    *out = whole ? strtoull(text, NULL, 16) : 0;
    return whole ? SS_OK : bad_key(ctx, path, o, key, "16 hex digits");
}

ss_status ss_json_get_array(ss_ctx *ctx, const char *path, const json_t *o, const char *key, json_t **out) {
    json_t *v = json_object_get(o, key);
    if (!json_is_array(v)) return bad_key(ctx, path, o, key, "an array");
    *out = v;
    return SS_OK;
}

ss_status ss_json_get_object(ss_ctx *ctx, const char *path, const json_t *o, const char *key, json_t **out) {
    json_t *v = json_object_get(o, key);
    if (!json_is_object(v)) return bad_key(ctx, path, o, key, "an object");
    *out = v;
    return SS_OK;
}
