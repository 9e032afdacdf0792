/* The hand-written files: where they are, which of them a design uses, copies and filled-in templates. */
#include "rtl/gen.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST (1 << 22) /* bytes of a source file */

ss_status ss_rtl_folder(ss_ctx *ctx, const char **out) {
    const char *own = getenv("SKIPSTREAM_RTL");
    struct stat st;
    *out = own && *own ? own : SS_RTL_DIR;
    if (stat(*out, &st) == 0 && S_ISDIR(st.st_mode)) return SS_OK;
    return ss_error(ctx, SS_AT(*out), "set SKIPSTREAM_RTL to the folder rtl of skipstream's sources",
                    "the folder of the SystemVerilog modules is not there");
}

/* ---- which modules ---- */

void ss_rtl_modules_free(ss_rtl_modules *m) {
    for (size_t i = 0; i < m->n; i++) ss_free(m->ctx, m->names[i]);
    ss_free(m->ctx, m->names);
    m->names = NULL;
    m->n = 0;
}

/* Where the name is, or belongs. */
static size_t place_of(const ss_rtl_modules *m, const char *name) {
    size_t at = 0;
    while (at < m->n && strcmp(m->names[at], name) < 0) at++;
    return at;
}

static ss_status insert(ss_rtl_modules *m, size_t at, const char *name) {
    char **names = ss_realloc(m->ctx, m->names, m->n + 1, sizeof *names);
    if (!names) return SS_BAD;
    m->names = names;
    char *copy = ss_strdup(m->ctx, name);
    if (!copy) return SS_BAD;
    memmove(names + at + 1, names + at, (m->n - at) * sizeof *names);
    names[at] = copy;
    m->n++;
    return SS_OK;
}

static ss_status scan(const char *folder, const char *text, bool top, ss_rtl_modules *m);

/* The name may be a module's (in a top: must be): when it has a file that is not in the set yet, in it goes,
 * with all it uses. */
static ss_status add(const char *folder, const char *name, bool top, ss_rtl_modules *m) {
    ss_buf path;
    uint8_t *text = NULL;
    size_t len, at = place_of(m, name);
    if (at < m->n && strcmp(m->names[at], name) == 0) return SS_OK;
    ss_buf_init(&path, m->ctx);
    ss_buf_printf(&path, "%s/%s.sv", folder, name);
    if (path.failed) return SS_BAD;
    ss_status s = SS_OK;
    if (access(path.data, F_OK) == 0) {
        s = ss_file_read(m->ctx, path.data, LARGEST, &text, &len);
        if (s == SS_OK && (s = insert(m, at, name)) == SS_OK) s = scan(folder, (char *)text, false, m);
        ss_free(m->ctx, text);
    } else if (top) {
        s = ss_error(m->ctx, SS_AT(path.data), "set SKIPSTREAM_RTL to the folder rtl of skipstream's sources",
                     "the module \"%s\" has no file", name);
    }
    ss_buf_free(&path);
    return s;
}

/* A module's name stands as a word of its own, outside comments. */
static ss_status scan(const char *folder, const char *text, bool top, ss_rtl_modules *m) {
    ss_status s = SS_OK;
    for (const char *c = text; *c && s == SS_OK;) {
        if (c[0] == '/' && c[1] == '/') {
            while (*c && *c != '\n') c++;
        } else if (isalpha((unsigned char)*c) || *c == '_') {
            char name[64];
            size_t n = 0;
            while (isalnum((unsigned char)c[n]) || c[n] == '_') n++;
            if (n < sizeof name && strncmp(c, "ss_", 3) == 0) {
                memcpy(name, c, n);
                name[n] = '\0';
                s = add(folder, name, top, m);
            }
            c += n;
        } else {
            c++;
        }
    }
    return s;
}

ss_status ss_rtl_modules_of(const char *folder, const char *top, ss_rtl_modules *m) {
    return scan(folder, top, true, m);
}

/* ---- copies ---- */

static void fill(const char *text, const ss_rtl_key *keys, ss_buf *out) {
    while (*text) {
        const ss_rtl_key *k = keys;
        size_t n = 0;
        for (; *text == '@' && k->key; k++) {
            n = strlen(k->key);
            if (strncmp(text + 1, k->key, n) == 0 && text[n + 1] == '@') break;
        }
        if (*text == '@' && k->key) {
            ss_buf_printf(out, "%s", k->value);
            text += n + 2;
        } else {
            ss_buf_add(out, text++, 1);
        }
    }
}

ss_status ss_rtl_copy(ss_ctx *ctx, const char *folder, const char *name, const ss_rtl_key *keys,
                      const char *to) {
    static const ss_rtl_key none = { NULL, NULL };
    ss_buf path, text;
    uint8_t *data = NULL;
    size_t len = 0;
    ss_buf_init(&path, ctx);
    ss_buf_init(&text, ctx);
    ss_buf_printf(&path, "%s/%s", folder, name);
    ss_status s = path.failed ? SS_BAD : ss_file_read(ctx, path.data, LARGEST, &data, &len);
    if (s == SS_OK) fill((const char *)data, keys ? keys : &none, &text);
    if (text.failed) s = SS_BAD;
    if (s == SS_OK) s = ss_file_write(ctx, to, text.data ? text.data : "", text.len);
    ss_free(ctx, data);
    ss_buf_free(&text);
    ss_buf_free(&path);
    return s;
}
