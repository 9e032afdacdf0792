/* skipstream: from a trained CNN to a streaming FPGA accelerator that skips multiplications by zero.
 *
 * Conventions of this interface
 *  - Handles are opaque; every `ss_X_new`/`ss_X_load` has one `ss_X_free`, which accepts NULL.
 *  - Every call that can fail takes an ss_ctx first and returns ss_status. What went wrong is in the
 *    context's diagnostics, all of it, not only the first problem.
 *  - The library has no global state, never prints, never exits. A context is used by one thread at a
 *    time; different contexts are independent.
 *  - Units: cycles (clock cycles of the accelerator), bits, words, images/s. Shapes are per image,
 *    channels x height x width; the batch dimension is implicit.
 */
#ifndef SKIPSTREAM_H
#define SKIPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SS_VERSION "0.1.0"

typedef enum ss_status {
    SS_OK = 0,  /* done */
    SS_NO = 1,  /* done, and the answer is no (a verification failed, say) */
    SS_BAD = 2, /* bad use or bad input; see the diagnostics */
} ss_status;

/* ---- context: allocator hook, threads, progress, diagnostics ---- */

typedef struct ss_ctx ss_ctx;

/* Like realloc: size 0 frees, ptr NULL allocates. Returns NULL when there is no memory. */
typedef void *(*ss_alloc_fn)(void *user, void *ptr, size_t size);

/* Called from the thread that called the library, never from a worker.
 * done and total count units of `what` ("images", "ranges"); total 0 means unknown. */
typedef void (*ss_progress_fn)(void *user, const char *what, uint64_t done, uint64_t total);

typedef enum ss_severity { SS_NOTE, SS_WARNING, SS_ERROR } ss_severity;

/* One problem. Strings live as long as the context; absent parts are "". */
typedef struct ss_diag {
    ss_severity severity;
    const char *where;  /* file, node name or option */
    const char *op;     /* operator, where a node is concerned */
    const char *shape;  /* shape or value concerned */
    const char *cause;  /* what is wrong, one sentence, no full stop */
    const char *remedy; /* what the user can do about it */
} ss_diag;

ss_ctx *ss_ctx_new(void);                                 /* NULL: out of memory */
ss_ctx *ss_ctx_new_with(ss_alloc_fn alloc, void *user);
void ss_ctx_free(ss_ctx *ctx);
void ss_ctx_set_threads(ss_ctx *ctx, int threads);        /* <= 0: all cores (the default) */
int ss_ctx_threads(const ss_ctx *ctx);                    /* >= 1 */
void ss_ctx_set_progress(ss_ctx *ctx, ss_progress_fn fn, void *user);

size_t ss_diag_count(const ss_ctx *ctx);
size_t ss_diag_errors(const ss_ctx *ctx);                 /* how many of them are SS_ERROR */
const ss_diag *ss_diag_at(const ss_ctx *ctx, size_t i);
void ss_diag_clear(ss_ctx *ctx);

#endif
