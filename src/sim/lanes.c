/* Rows of times: one body each, in the instruction set of every processor and in AVX2. */
#include "sim/lanes.h"

#include <stddef.h>

static inline __attribute__((always_inline)) int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

#define BODY static inline __attribute__((always_inline))

BODY void later_body(int64_t n, const int64_t *restrict a, int64_t more, const int64_t *restrict b, int64_t *restrict out) {
    for (int64_t i = 0; i < n; i++) out[i] = later(a[i] + more, b[i]);
}

BODY void raise_body(int64_t n, const int64_t *restrict a, int64_t v, int64_t *restrict out) {
    for (int64_t i = 0; i < n; i++) out[i] = later(a[i], v);
}

BODY int64_t latest_body(int64_t n, const int64_t *restrict a, int64_t more, int64_t *restrict out) {
    int64_t latest = 0;
    for (int64_t i = 0; i < n; i++) {
        out[i] = a ? a[i] + more : 0;
        latest = later(latest, out[i]);
    }
    return latest;
}

BODY bool write_body(int64_t n, const uint16_t *restrict count, const int64_t *restrict from,
                     const int64_t *restrict entries, const int64_t *restrict open, int64_t *restrict done) {
    int64_t crowded = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t some = later(count[i], 1);
        done[i] = from[i] + some;
        crowded |= open[i] - entries[i] - some;
    }
    return crowded < 0;
}

BODY void add_body(int64_t n, const uint16_t *restrict count, int64_t *restrict sum) {
    for (int64_t i = 0; i < n; i++) sum[i] += count[i];
}

BODY int64_t replay_body(int64_t n, const lanes_fold *f) {
    const int64_t *restrict made = f->made, *restrict first = f->first, *restrict end = f->end;
    int64_t *restrict start = f->start, *restrict ended = f->ended, *restrict busy = f->busy;
    const int64_t from = f->from, least = f->least;
    int64_t latest = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t cycles = later(end[i] - first[i], least);
        start[i] = later(later(ended[i] + 1, made[i] + 2), from);
        ended[i] = start[i] + cycles - 1;
        busy[i] += cycles;
        latest = later(latest, ended[i]);
    }
    return latest;
}

/* ---- one body, two instruction sets ---- */

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

AVX2 static void later_wide(int64_t n, const int64_t *a, int64_t more, const int64_t *b, int64_t *out) {
    later_body(n, a, more, b, out);
}
AVX2 static void raise_wide(int64_t n, const int64_t *a, int64_t v, int64_t *out) {
    raise_body(n, a, v, out);
}
AVX2 static int64_t latest_wide(int64_t n, const int64_t *a, int64_t more, int64_t *out) {
    return latest_body(n, a, more, out);
}
AVX2 static bool write_wide(int64_t n, const uint16_t *count, const int64_t *from, const int64_t *entries,
                            const int64_t *open, int64_t *done) {
    return write_body(n, count, from, entries, open, done);
}
AVX2 static void add_wide(int64_t n, const uint16_t *count, int64_t *sum) {
    add_body(n, count, sum);
}
AVX2 static int64_t replay_wide(int64_t n, const lanes_fold *f) {
    return replay_body(n, f);
}

void lanes_later(int64_t n, const int64_t *a, int64_t more, const int64_t *b, int64_t *out) {
    if (wide()) later_wide(n, a, more, b, out);
    else later_body(n, a, more, b, out);
}

void lanes_raise(int64_t n, const int64_t *a, int64_t v, int64_t *out) {
    if (wide()) raise_wide(n, a, v, out);
    else raise_body(n, a, v, out);
}

int64_t lanes_latest(int64_t n, const int64_t *a, int64_t more, int64_t *out) {
    return wide() ? latest_wide(n, a, more, out) : latest_body(n, a, more, out);
}

bool lanes_write(int64_t n, const uint16_t *count, const int64_t *from, const int64_t *entries, const int64_t *open,
                 int64_t *done) {
    return wide() ? write_wide(n, count, from, entries, open, done) : write_body(n, count, from, entries, open, done);
}

void lanes_add(int64_t n, const uint16_t *count, int64_t *sum) {
    if (wide()) add_wide(n, count, sum);
    else add_body(n, count, sum);
}

int64_t lanes_replay(int64_t n, const lanes_fold *f) {
    return wide() ? replay_wide(n, f) : replay_body(n, f);
}
