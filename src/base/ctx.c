/* Context and diagnostics.
 *
 * A diagnostic is one allocation holding the struct and its five strings, so that a report about lack of
 * memory needs as little of it as possible. When even that fails, lost_diag is set and a static
 * out-of-memory diagnostic is reported in its place. */
#include "base/ctx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *default_alloc(void *user, void *ptr, size_t size) {
    (void)user;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

ss_ctx *ss_ctx_new(void) { return ss_ctx_new_with(default_alloc, NULL); }

ss_ctx *ss_ctx_new_with(ss_alloc_fn alloc, void *user) {
    ss_ctx *ctx = alloc(user, NULL, sizeof *ctx);
    if (!ctx) return NULL;
    *ctx = (ss_ctx){ .alloc = alloc, .alloc_user = user };
    return ctx;
}

void ss_ctx_free(ss_ctx *ctx) {
    if (!ctx) return;
    ss_diag_clear(ctx);
    ctx->alloc(ctx->alloc_user, ctx, 0);
}

void ss_ctx_set_threads(ss_ctx *ctx, int threads) { ctx->threads = threads > 0 ? threads : 0; }

int ss_ctx_threads(const ss_ctx *ctx) {
    if (ctx->threads > 0) return ctx->threads;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 1024 ? 1024 : (int)n;
}

void ss_ctx_set_progress(ss_ctx *ctx, ss_progress_fn fn, void *user) {
    ctx->progress = fn;
    ctx->progress_user = user;
}

void ss_progress(ss_ctx *ctx, const char *what, uint64_t done, uint64_t total) {
    if (ctx->progress) ctx->progress(ctx->progress_user, what, done, total);
}

static const ss_diag out_of_memory = { SS_ERROR, "", "", "", "out of memory",
                                       "free some memory, or use fewer threads or a smaller --limit" };

size_t ss_diag_count(const ss_ctx *ctx) { return ctx->n_diags + (ctx->lost_diag ? 1 : 0); }
size_t ss_diag_errors(const ss_ctx *ctx) { return ctx->n_errors + (ctx->lost_diag ? 1 : 0); }

const ss_diag *ss_diag_at(const ss_ctx *ctx, size_t i) {
    if (i < ctx->n_diags) return ctx->diags[i];
    return i < ss_diag_count(ctx) ? &out_of_memory : NULL;
}

void ss_diag_clear(ss_ctx *ctx) {
    for (size_t i = 0; i < ctx->n_diags; i++) ss_free(ctx, ctx->diags[i]);
    if (ctx->diags) ss_free(ctx, ctx->diags);
    ctx->diags = NULL;
    ctx->n_diags = ctx->cap_diags = ctx->n_errors = 0;
    ctx->lost_diag = false;
}

static bool grow_diags(ss_ctx *ctx) {
    if (ctx->n_diags < ctx->cap_diags) return true;
    size_t cap = ctx->cap_diags ? 2 * ctx->cap_diags : 8;
    void *p = ctx->alloc(ctx->alloc_user, ctx->diags, cap * sizeof *ctx->diags);
    if (!p) return false;
    ctx->diags = p;
    ctx->cap_diags = cap;
    return true;
}

/* Names in a hostile file may hold control sequences; a diagnostic may end on a terminal. */
static char *put(char **cursor, const char *s) {
    size_t n = strlen(s) + 1;
    char *at = *cursor;
    for (size_t i = 0; i + 1 < n; i++) at[i] = (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? '?' : s[i];
    at[n - 1] = '\0';
    *cursor += n;
    return at;
}

static void add_diag(ss_ctx *ctx, ss_severity severity, ss_where at, const char *remedy, const char *fmt,
                     va_list ap) {
    char cause[1024];
    vsnprintf(cause, sizeof cause, fmt, ap);
    const char *parts[] = { at.where ? at.where : "", at.op ? at.op : "", at.shape ? at.shape : "", cause,
                            remedy ? remedy : "" };
    size_t size = sizeof(ss_diag);
    for (int i = 0; i < 5; i++) size += strlen(parts[i]) + 1;
    ss_diag *d = grow_diags(ctx) ? ctx->alloc(ctx->alloc_user, NULL, size) : NULL;
    if (!d) {
        ctx->lost_diag = true;
        return;
    }
    char *cursor = (char *)(d + 1);
    d->severity = severity;
    d->where = put(&cursor, parts[0]);
    d->op = put(&cursor, parts[1]);
    d->shape = put(&cursor, parts[2]);
    d->cause = put(&cursor, parts[3]);
    d->remedy = put(&cursor, parts[4]);
    ctx->diags[ctx->n_diags++] = d;
    if (severity == SS_ERROR) ctx->n_errors++;
}

ss_status ss_error(ss_ctx *ctx, ss_where at, const char *remedy, const char *cause, ...) {
    va_list ap;
    va_start(ap, cause);
    add_diag(ctx, SS_ERROR, at, remedy, cause, ap);
    va_end(ap);
    return SS_BAD;
}

void ss_warn(ss_ctx *ctx, ss_where at, const char *remedy, const char *cause, ...) {
    va_list ap;
    va_start(ap, cause);
    add_diag(ctx, SS_WARNING, at, remedy, cause, ap);
    va_end(ap);
}

void ss_note(ss_ctx *ctx, ss_where at, const char *remedy, const char *cause, ...) {
    va_list ap;
    va_start(ap, cause);
    add_diag(ctx, SS_NOTE, at, remedy, cause, ap);
    va_end(ap);
}
