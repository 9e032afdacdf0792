/* How a sliding window is built: rows of its line buffer, and whether it keeps columns (rules: docs/hardware.md). */
#include "cost/cost.h"

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

/* Rows that no window covers are dropped as they come; the stride between the others is at most the kernel. */
static int32_t stored_rows(const ss_window *w, ss_shape in, ss_shape out) {
    const int32_t stride = least(w->sh, w->kh), below = in.h + w->pt - (out.h - 1) * w->sh;
    return (out.h - 1) * stride - w->pt + least(below, w->kh);
}

int32_t ss_window_rows(const ss_window *w, ss_shape in, ss_shape out) {
    const int32_t stride = least(w->sh, w->kh), surplus = stored_rows(w, in, out) - out.h * stride;
    return w->kh + stride - 1 + (surplus > 0 ? surplus : 0) + (out.w == 1 || in.w < w->kw);
}

bool ss_window_keeps_columns(const ss_window *w, ss_shape out, int64_t cycles_a_window) {
    return out.w > 1 && w->kw > w->sw && cycles_a_window < w->kw;
}
