/* base: what every stage stands on: context, diagnostics, checked allocation, arena, string buffer, files.
 *
 * Invariants
 *  - All memory of the library goes through the context's allocator hook, sizes checked for overflow first.
 *  - A failed allocation leaves one SS_ERROR diagnostic and returns NULL; callers return SS_BAD.
 *  - Files are written to a temporary file beside the target and renamed: never half-written.
 */
#ifndef SS_BASE_H
#define SS_BASE_H

#include "skipstream.h"

#include <stdarg.h>

#if defined(__GNUC__)
#define SS_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define SS_PRINTF(f, a)
#endif

/* ---- diagnostics ---- */

/* Where a problem is; NULL members mean "not applicable". */
typedef struct ss_where {
    const char *where;
    const char *op;
    const char *shape;
} ss_where;

/* Add a diagnostic (all strings are copied) and return SS_BAD, so that `return ss_error(...)` reads well.
 * `cause` is a printf format; `remedy` is plain text. */
ss_status ss_error(ss_ctx *ctx, ss_where at, const char *remedy, const char *cause, ...) SS_PRINTF(4, 5);
void ss_warn(ss_ctx *ctx, ss_where at, const char *remedy, const char *cause, ...) SS_PRINTF(4, 5);
void ss_note(ss_ctx *ctx, ss_where at, const char *remedy, const char *cause, ...) SS_PRINTF(4, 5);
#define SS_AT(w) ((ss_where){ (w), NULL, NULL })

void ss_progress(ss_ctx *ctx, const char *what, uint64_t done, uint64_t total);

/* ---- memory ---- */

void *ss_alloc(ss_ctx *ctx, size_t count, size_t size);              /* zeroed; count 0 gives a valid pointer */
void *ss_realloc(ss_ctx *ctx, void *p, size_t count, size_t size);   /* new part is not zeroed; on failure p is kept */
void ss_free(ss_ctx *ctx, void *p);
char *ss_strdup(ss_ctx *ctx, const char *s);
/* 64-byte aligned and zeroed, for vector kernels; freed with ss_free_aligned. */
void *ss_alloc_aligned(ss_ctx *ctx, size_t count, size_t size);
void ss_free_aligned(ss_ctx *ctx, void *p);
bool ss_mul_size(size_t a, size_t b, size_t *out);                   /* false on overflow */

/* Arena: many small things with one lifetime. */
typedef struct ss_arena ss_arena;
ss_arena *ss_arena_new(ss_ctx *ctx);
void ss_arena_free(ss_arena *a);
void *ss_arena_alloc(ss_arena *a, size_t count, size_t size);        /* zeroed, 64-byte aligned when >= 64 bytes */
char *ss_arena_strdup(ss_arena *a, const char *s);
char *ss_arena_printf(ss_arena *a, const char *fmt, ...) SS_PRINTF(2, 3);

/* String buffer; a failed allocation sets `failed` and later calls do nothing. */
typedef struct ss_buf {
    ss_ctx *ctx;
    char *data; /* always terminated once something was added; NULL before */
    size_t len, cap;
    bool failed;
} ss_buf;
void ss_buf_init(ss_buf *b, ss_ctx *ctx);
void ss_buf_free(ss_buf *b);
void ss_buf_add(ss_buf *b, const char *text, size_t len);
void ss_buf_printf(ss_buf *b, const char *fmt, ...) SS_PRINTF(2, 3);

/* ---- files ---- */

const char *ss_base_name(const char *path); /* what stands behind the last slash, in path itself */
/* Whole file, one terminating NUL behind it (not counted). Refuses what is larger than max bytes. */
ss_status ss_file_read(ss_ctx *ctx, const char *path, size_t max, uint8_t **data, size_t *len);
ss_status ss_file_write(ss_ctx *ctx, const char *path, const void *data, size_t len); /* temporary + rename */
ss_status ss_mkdirs(ss_ctx *ctx, const char *path);                                   /* like mkdir -p */
ss_status ss_remove_tree(ss_ctx *ctx, const char *path); /* a file, or a folder with all in it; links are not followed */
/* 64-bit content hash (XXH3), for identity, not for security. Chain with seed. */
uint64_t ss_hash(const void *data, size_t len, uint64_t seed);

/* A clock that never goes back, in seconds from an arbitrary start: for durations and rates. */
double ss_seconds(void);
/* Of the processor, for this thread. */
double ss_thread_seconds(void);

/* ---- small arithmetic ---- */

static inline int64_t ss_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
/* Divisors of n (n >= 1) in ascending order into out; returns how many were stored, all of them unless cap is too
 * small. */
int ss_divisors(int64_t n, int64_t *out, int cap);

#endif
