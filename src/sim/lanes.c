/* Rows of times: one body each, in the instruction set of every processor and in AVX2. */
#include "sim/lanes.h"

#define BODY static inline __attribute__((always_inline))
#define IN const lane *restrict
#define OUT lane *restrict

BODY lane later(lane a, lane b) {
    return a > b ? a : b;
}

BODY void wait_body(int64_t n, IN until, OUT row) {
    for (int64_t i = 0; i < n * LANES; i++) row[i] = later(row[i], until[i]);
}

BODY lane write_group(lane v, const uint16_t *restrict count, const uint16_t *restrict mask, OUT done) {
    lane most = INT32_MIN;
#pragma omp simd reduction(max : most)
    for (int i = 0; i < LANES; i++) {
        const lane more = count[i] & mask[i];
        done[i] = later(done[i], v) + later(more, 1);
        most = later(most, done[i]);
    }
    return most;
}

BODY lane write_word(int64_t n, lane v, const uint16_t *count, const uint16_t *mask, lane *done) {
    lane most = write_group(v, count, mask, done);
    for (int64_t at = LANES; at < n * LANES; at += LANES) most = later(most, write_group(v, count + at, mask + at, done + at));
    return most;
}

BODY void write_body(int64_t n, const lanes_words *w, IN v, OUT done, OUT latest) {
    const uint16_t *count = w->count, *const mask = w->mask;
    for (int64_t k = 0; k < w->n; k++, count += w->streams) latest[k] = write_word(n, v[k], count, mask, done);
}

BODY void take_body(int64_t n, const lanes_words *w, IN ahead, OUT t, OUT done, OUT latest) {
    const uint16_t *count = w->count, *const mask = w->mask;
    lane before = t[-1], last = latest[-1];
    for (int64_t k = 0; k < w->n; k++, count += w->streams) {
        const lane v = later(ahead[k], before) + 1;
        t[k] = before = later(v, last);
        latest[k] = last = write_word(n, v, count, mask, done);
    }
}

BODY lane sum_group(const lanes_words *w, const uint16_t *restrict count, const uint16_t *restrict mask, IN entries, IN open,
                    OUT sum) {
    lane over = INT32_MIN;
#pragma omp simd
    for (int i = 0; i < LANES; i++) sum[i] = entries[i];
    for (int64_t k = 0; k < w->n; k++, count += w->streams)
#pragma omp simd
        for (int i = 0; i < LANES; i++) sum[i] += count[i] & mask[i];
#pragma omp simd reduction(max : over)
    for (int i = 0; i < LANES; i++) over = later(over, sum[i] - open[i]);
    return over;
}

BODY lane sum_body(int64_t n, const lanes_words *w, const lane *entries, const lane *open, lane *sum) {
    lane over = INT32_MIN;
    for (int64_t at = 0; at < n * LANES; at += LANES)
        over = later(over, sum_group(w, w->count + at, w->mask + at, entries + at, open + at, sum + at));
    return over;
}

BODY bool open_body(int64_t n, IN popped, IN end, IN places, IN done, OUT open) {
    lane late = INT32_MIN;
    for (int64_t i = 0; i < n * LANES; i++) {
        late = later(late, popped[i] - done[i]);
        open[i] = popped[i] <= done[i] ? end[i] + places[i] : open[i];
    }
    return late <= 0;
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

AVX2 static void wait_wide(int64_t n, const lane *until, lane *row) {
    wait_body(n, until, row);
}
AVX2 static void write_wide(int64_t n, const lanes_words *w, const lane *v, lane *done, lane *latest) {
    write_body(n, w, v, done, latest);
}
AVX2 static void take_wide(int64_t n, const lanes_words *w, const lane *ahead, lane *t, lane *done, lane *latest) {
    take_body(n, w, ahead, t, done, latest);
}
AVX2 static lane sum_wide(int64_t n, const lanes_words *w, const lane *entries, const lane *open, lane *sum) {
    return sum_body(n, w, entries, open, sum);
}
AVX2 static bool open_wide(int64_t n, const lane *popped, const lane *end, const lane *places, const lane *done, lane *open) {
    return open_body(n, popped, end, places, done, open);
}
AVX2 static lane replay_wide(int64_t n, const lanes_fold *f) {
    return REPLAY(f);
}

void lanes_wait(int64_t n, const lane *until, lane *row) {
    if (wide()) wait_wide(n, until, row);
    else wait_body(n, until, row);
}

void lanes_write(int64_t n, const lanes_words *w, const lane *v, lane *done, lane *latest) {
    if (wide()) write_wide(n, w, v, done, latest);
    else write_body(n, w, v, done, latest);
}

void lanes_take(int64_t n, const lanes_words *w, const lane *ahead, lane *t, lane *done, lane *latest) {
    if (wide()) take_wide(n, w, ahead, t, done, latest);
    else take_body(n, w, ahead, t, done, latest);
}

lane lanes_sum(int64_t n, const lanes_words *w, const lane *entries, const lane *open, lane *sum) {
    return wide() ? sum_wide(n, w, entries, open, sum) : sum_body(n, w, entries, open, sum);
}

bool lanes_open(int64_t n, const lane *popped, const lane *end, const lane *places, const lane *done, lane *open) {
    return wide() ? open_wide(n, popped, end, places, done, open) : open_body(n, popped, end, places, done, open);
}

lane lanes_replay(int64_t n, const lanes_fold *f) {
    return wide() ? replay_wide(n, f) : REPLAY(f);
}
