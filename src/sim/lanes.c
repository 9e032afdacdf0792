/* Rows of times: one body each, in the instruction set of every processor and in AVX2. */
#include "sim/lanes.h"

#define BODY static inline __attribute__((always_inline))
#define IN const lane *restrict
#define OUT lane *restrict

BODY lane later(lane a, lane b) {
    return a > b ? a : b;
}

BODY lane latest_body(int64_t n, IN row) {
    lane most = INT32_MIN;
    for (int64_t i = 0; i < n * LANES; i++) most = later(most, row[i]);
    return most;
}

BODY lane take_body(int64_t n, lane v, lane queued, IN before, IN done, OUT taken) {
    lane most = INT32_MIN;
    for (int64_t i = 0; i < n * LANES; i++) {
        taken[i] = later(later(before[i] + 1, v) + queued, done[i]);
        most = later(most, taken[i]);
    }
    return most;
}

BODY lane write_body(int64_t n, lane v, lane queued, IN before, IN done, IN wait, IN entries, IN open,
                     const uint16_t *restrict count, const uint16_t *restrict mask, OUT taken, OUT written, OUT sum, bool *crowded) {
    lane most = INT32_MIN, over = INT32_MIN;
    for (int64_t i = 0; i < n * LANES; i++) {
        const lane t = later(later(before[i] + 1, v) + queued, done[i]);
        const lane more = count[i] & mask[i], cycles = later(more, 1);
        taken[i] = t;
        written[i] = later(t, wait[i]) + cycles;
        sum[i] = entries[i] + more;
        most = later(most, t);
        over = later(over, entries[i] + cycles - open[i]);
    }
    *crowded = over > 0;
    return most;
}

BODY lane replay_body(int64_t n, lane from, lane least, IN made, IN first, IN end, OUT start, OUT ended, OUT busy) {
    lane most = INT32_MIN;
    for (int64_t i = 0; i < n * LANES; i++) {
        const lane cycles = later(end[i] - first[i], least);
        start[i] = later(later(ended[i] + 1, made[i] + 2), from);
        ended[i] = start[i] + cycles - 1;
        busy[i] += cycles;
        most = later(most, ended[i]);
    }
    return most;
}

/* ---- one body, two instruction sets ---- */

#define TAKE(w) take_body(n, w->v, w->queued, w->before, w->done, w->taken)
#define WRITE(w) \
    write_body(n, w->v, w->queued, w->before, w->done, w->wait, w->entries, w->open, w->count, w->mask, w->taken, w->written, \
               w->sum, &w->crowded)
#define REPLAY(f) replay_body(n, f->from, f->least, f->made, f->first, f->end, f->start, f->ended, f->busy)

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))
static bool wide(void) {
    return __builtin_cpu_supports("avx2");
}
#else
#define AVX2
static bool wide(void) {
    return false;
}
#endif

AVX2 static lane latest_wide(int64_t n, const lane *row) {
    return latest_body(n, row);
}
AVX2 static lane take_wide(int64_t n, const lanes_word *w) {
    return TAKE(w);
}
AVX2 static lane write_wide(int64_t n, lanes_word *w) {
    return WRITE(w);
}
AVX2 static lane replay_wide(int64_t n, const lanes_fold *f) {
    return REPLAY(f);
}

lane lanes_latest(int64_t n, const lane *row) {
    return wide() ? latest_wide(n, row) : latest_body(n, row);
}

lane lanes_take(int64_t n, const lanes_word *w) {
    return wide() ? take_wide(n, w) : TAKE(w);
}

lane lanes_write(int64_t n, lanes_word *w) {
    return wide() ? write_wide(n, w) : WRITE(w);
}

lane lanes_replay(int64_t n, const lanes_fold *f) {
    return wide() ? replay_wide(n, f) : REPLAY(f);
}
