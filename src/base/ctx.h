/* ctx: the inside of ss_ctx, for base/ only. */
#ifndef SS_CTX_H
#define SS_CTX_H

#include "base/base.h"

struct ss_ctx {
    ss_alloc_fn alloc;
    void *alloc_user;
    int threads; /* 0: all cores */
    ss_progress_fn progress;
    void *progress_user;
    ss_diag **diags; /* each one block: the struct with its strings behind it */
    size_t n_diags, cap_diags, n_errors;
    bool lost_diag; /* a diagnostic itself found no memory */
};

#endif
