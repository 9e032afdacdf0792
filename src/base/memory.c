/* Checked allocation through the context's hook, the arena, and the string buffer. */
#include "base/ctx.h"

#include <stdio.h>
#include <string.h>

#define ALIGN 64u
#define CHUNK 65536u

bool ss_mul_size(size_t a, size_t b, size_t *out) {
    if (b != 0 && a > SIZE_MAX / b) return false;
    *out = a * b;
    return true;
}

static void *no_memory(ss_ctx *ctx, size_t count, size_t size) {
    ss_error(ctx, (ss_where){ 0 }, "free some memory, or use fewer threads or a smaller --limit",
             "out of memory (%zu x %zu bytes)", count, size);
    return NULL;
}

void *ss_realloc(ss_ctx *ctx, void *p, size_t count, size_t size) {
    size_t bytes;
    if (!ss_mul_size(count, size, &bytes) || bytes > PTRDIFF_MAX) return no_memory(ctx, count, size);
    void *q = ctx->alloc(ctx->alloc_user, p, bytes ? bytes : 1);
    return q ? q : no_memory(ctx, count, size);
}

void *ss_alloc(ss_ctx *ctx, size_t count, size_t size) {
    void *p = ss_realloc(ctx, NULL, count, size);
    if (p) memset(p, 0, count * size);
    return p;
}

void ss_free(ss_ctx *ctx, void *p) {
    if (p) ctx->alloc(ctx->alloc_user, p, 0);
}

char *ss_strdup(ss_ctx *ctx, const char *s) {
    size_t n = strlen(s) + 1;
    char *p = ss_alloc(ctx, n, 1);
    if (p) memcpy(p, s, n);
    return p;
}

/* The original pointer stands in the word before the aligned block. */
void *ss_alloc_aligned(ss_ctx *ctx, size_t count, size_t size) {
    size_t bytes;
    if (!ss_mul_size(count, size, &bytes) || bytes > SIZE_MAX - ALIGN - sizeof(void *))
        return no_memory(ctx, count, size);
    char *raw = ss_alloc(ctx, bytes + ALIGN + sizeof(void *), 1);
    if (!raw) return NULL;
    uintptr_t at = ((uintptr_t)raw + sizeof(void *) + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1);
    memcpy((char *)at - sizeof(void *), &raw, sizeof raw);
    return (void *)at;
}

void ss_free_aligned(ss_ctx *ctx, void *p) {
    if (!p) return;
    void *raw;
    memcpy(&raw, (char *)p - sizeof(void *), sizeof raw);
    ss_free(ctx, raw);
}

/* ---- arena: a list of chunks; a large request gets a chunk of its own ---- */

typedef struct chunk {
    struct chunk *next;
    char *at;
    size_t left;
} chunk;

struct ss_arena {
    ss_ctx *ctx;
    chunk *chunks;
};

ss_arena *ss_arena_new(ss_ctx *ctx) {
    ss_arena *a = ss_alloc(ctx, 1, sizeof *a);
    if (a) a->ctx = ctx;
    return a;
}

void ss_arena_free(ss_arena *a) {
    if (!a) return;
    for (chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        ss_free(a->ctx, c);
    }
    ss_free(a->ctx, a);
}

static chunk *new_chunk(ss_arena *a, size_t bytes) {
    size_t want = bytes + ALIGN > CHUNK ? bytes + ALIGN : CHUNK;
    if (want > SIZE_MAX - sizeof(chunk)) return no_memory(a->ctx, bytes, 1);
    chunk *c = ss_alloc(a->ctx, sizeof(chunk) + want, 1);
    if (!c) return NULL;
    c->at = (char *)(c + 1);
    c->left = want;
    chunk **link = a->chunks && bytes > CHUNK / 2 ? &a->chunks->next : &a->chunks; /* keep the half-used one in front */
    c->next = *link;
    *link = c;
    return c;
}

static size_t padding(const chunk *c, size_t align) { return (size_t)(-(uintptr_t)c->at & (align - 1)); }

void *ss_arena_alloc(ss_arena *a, size_t count, size_t size) {
    size_t bytes, align;
    if (!ss_mul_size(count, size, &bytes) || bytes > SIZE_MAX - CHUNK) return no_memory(a->ctx, count, size);
    align = bytes >= ALIGN ? ALIGN : 16;
    chunk *c = a->chunks;
    if (!c || c->left < bytes + padding(c, align)) c = new_chunk(a, bytes);
    if (!c) return NULL;
    size_t pad = padding(c, align);
    void *p = c->at + pad;
    c->at += pad + bytes;
    c->left -= pad + bytes;
    return p;
}

char *ss_arena_strdup(ss_arena *a, const char *s) {
    size_t n = strlen(s) + 1;
    char *p = ss_arena_alloc(a, n, 1);
    if (p) memcpy(p, s, n);
    return p;
}

char *ss_arena_printf(ss_arena *a, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = n < 0 ? no_memory(a->ctx, SIZE_MAX, 1) : ss_arena_alloc(a, (size_t)n + 1, 1);
    if (p) vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

/* ---- string buffer ---- */

void ss_buf_init(ss_buf *b, ss_ctx *ctx) { *b = (ss_buf){ .ctx = ctx }; }

void ss_buf_free(ss_buf *b) {
    ss_free(b->ctx, b->data);
    *b = (ss_buf){ .ctx = b->ctx };
}

static bool reserve(ss_buf *b, size_t more) {
    if (b->failed) return false;
    if (more > SIZE_MAX / 4 - b->len) {
        no_memory(b->ctx, more, 1);
        b->failed = true;
        return false;
    }
    if (b->len + more + 1 <= b->cap) return true;
    size_t cap = 2 * (b->len + more + 1);
    char *p = ss_realloc(b->ctx, b->data, cap, 1);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->data = p;
    b->cap = cap;
    return true;
}

void ss_buf_add(ss_buf *b, const char *text, size_t len) {
    if (!reserve(b, len)) return;
    memcpy(b->data + b->len, text, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void ss_buf_printf(ss_buf *b, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (reserve(b, n < 0 ? SIZE_MAX : (size_t)n)) {
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}
