/* How a sliding window is built: rows of its line buffer, and whether it keeps columns (rules:
 * docs/hardware.md). */
#include "cost/cost.h"

static int32_t least(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* Rows that no window covers are dropped as they come; the stride between the others is at most the kernel.
 */
static int32_t stored_rows(const ss_window *w, ss_shape in, ss_shape out) {
    const int32_t stride = least(w->sh, w->kh), below = in.h + w->pt - (out.h - 1) * w->sh;
    return (out.h - 1) * stride - w->pt + least(below, w->kh);
}

int32_t ss_window_rows(const ss_window *w, ss_shape in, ss_shape out) {
    const int32_t stride = least(w->sh, w->kh), surplus = stored_rows(w, in, out) - out.h * stride;
    return w->kh + stride - 1 + (surplus > 0 ? surplus : 0) + (out.w == 1 || in.w < w->kw);
}

int64_t ss_window_held(int64_t kernel, int64_t filters, const ss_config *cfg) {
    if (cfg->engine == SS_ENGINE_BROADCAST) return 1;
    return filters / cfg->co * (cfg->engine == SS_ENGINE_CROSSBAR ? 1 : kernel / cfg->m);
}

bool ss_window_keeps_columns(const ss_window *w, ss_shape out, int64_t cycles_a_window) {
    return out.w > 1 && w->kw > w->sw && cycles_a_window < w->kw;
}

/* Columns that are loaded before a row's first window, when the window keeps columns: those that padding at the
 * right of the row above leaves time for are loaded there, the others hold the engine up (LATE in ss_window_core).
 */
int64_t ss_window_first_loads(const ss_window *w, ss_shape in, ss_shape out) {
    const int32_t stride = least(w->sw, w->kw), kept = w->kw - stride, right = in.w + w->pl - (out.w - 1) * w->sw;
    const int32_t columns = (out.w - 1) * stride - w->pl + least(right, w->kw); /* that are stored */
    if (columns + w->pl < w->kw) return w->kw - w->pl;                          /* none can be kept */
    const int32_t preload = kept > w->pl ? (kept - w->pl + stride - 1) / stride : 0;
    const int32_t cover = (columns + w->pl - kept + stride - 1) / stride, idle = out.w > cover ? out.w - cover : 0;
    const int32_t late = preload - least(preload, idle), skip = kept > 0 ? w->pl + preload * stride - kept : w->pl;
    return (int64_t)(late + 1) * stride - skip;
}
