/* Rows of times: one body each, in the instruction set of every processor and in AVX2. */
#include "sim/lanes.h"

#include "sim/wide.h"

#define IN const lane *restrict
#define OUT lane *restrict

BODY lane later(lane a, lane b) {
    return a > b ? a : b;
}

BODY int64_t last_of(int64_t a, int64_t b) {
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

BODY int64_t write_body(int64_t n, const lanes_words *w, int64_t base, const int64_t *restrict came, int64_t queued, int64_t written,
                        OUT done, int64_t *restrict taken) {
    const uint16_t *count = w->count, *const mask = w->mask;
    for (int64_t k = 0; k < w->n; k++, count += w->streams) {
        const int64_t v = last_of(came[k], base - FAR) + queued;
        taken[k] = last_of(v, written);
        written = base + write_word(n, (lane)(v - base), count, mask, done);
    }
    return written;
}

BODY int64_t take_body(int64_t n, const lanes_words *w, int64_t base, const int64_t *restrict from, int64_t before, int64_t written,
                       OUT done, int64_t *restrict taken, int64_t *restrict starved) {
    const uint16_t *count = w->count, *const mask = w->mask;
    int64_t stood = 0;
    before = last_of(before, base - FAR);
    for (int64_t k = 0; k < w->n; k++, count += w->streams) {
        const int64_t v = last_of(from[k], before) + 1;
        taken[k] = before = last_of(v, written);
        stood += before - written;
        written = base + write_word(n, (lane)(v - base), count, mask, done);
    }
    *starved += stood;
    return written;
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

/* Of a word's places those up to `last`, of one list, as they are free; returns how many some stream still lacks. */
BODY lane squeeze_list(const uint16_t *restrict mask, IN first, IN last, IN fold, IN end, OUT place, OUT next) {
    lane lacks = 0;
#pragma omp simd reduction(max : lacks)
    for (int i = 0; i < LANES; i++) {
        const lane some = later((last[i] < end[i] ? last[i] : end[i]) - place[i], 0);
        const lane wait = later(fold[i] + place[i] - first[i] - next[i], 0);
        next[i] += some + (wait & -(some > 0));
        place[i] += some;
        lacks = later(lacks, (end[i] - place[i]) & (lane)(int16_t)mask[i]);
    }
    return lacks;
}

/* Returns how many places some stream still lacks. Most words need those of the first list. */
BODY lane squeeze_group(lane v, const uint16_t *restrict count, const uint16_t *restrict mask, const lanes_lists *l, int64_t at,
                        IN places, IN entries, IN done, OUT next) {
    lane lacks = 0, place[LANES], end[LANES];
    IN free = l->first[0] + at;
#pragma omp simd
    for (int i = 0; i < LANES; i++) {
        const lane more = count[i] & mask[i], from = entries[i] - places[i], to = from + later(more, 1);
        place[i] = later(free[i] < to ? free[i] : to, from);
        next[i] = later(done[i], v) + place[i] - from;
        end[i] = to;
    }
    for (int64_t k = 0; k < l->n && (k == 0 || lacks > 0); k++)
        lacks = squeeze_list(mask, l->first[k] + at, l->end[k] + at, l->last_fold[k] + at, end, place, next);
    for (int i = 0; l->n == 0 && i < LANES; i++) lacks = later(lacks, (end[i] - place[i]) & (lane)(int16_t)mask[i]);
    return lacks;
}

BODY bool squeeze_body(int64_t n, const lanes_words *w, lane v, const lanes_lists *l, lane *latest) {
    lane lacks = 0, most = INT32_MIN, *const entries = l->entries, *const done = l->done;
    IN next = l->next;
    for (int64_t at = 0; at < n * LANES; at += LANES)
        lacks |= squeeze_group(v, w->count + at, w->mask + at, l, at, l->places + at, entries + at, done + at, l->next + at);
    if (lacks > 0) return false;
    for (int64_t i = 0; i < n * LANES; i++) {
        done[i] = next[i];
        entries[i] += w->count[i] & w->mask[i];
        most = later(most, next[i]);
    }
    *latest = most;
    return true;
}

BODY bool past_body(int64_t n, const uint16_t *restrict mask, IN entries, IN places, IN end) {
    lane least = 0;
    for (int64_t i = 0; i < n * LANES; i++) {
        const lane beyond = (entries[i] - places[i] - end[i]) & (lane)(int16_t)mask[i];
        least = beyond < least ? beyond : least;
    }
    return least >= 0;
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

/* Rows of one group are the most: what is kept from word to word then stays in registers. */
#define FEW(body, n, ...) ((n) == 1 ? body(1, __VA_ARGS__) : body(n, __VA_ARGS__))
#define REPLAY(n, f) replay_body(n, f->from, f->least, f->made, f->first, f->end, f->start, f->ended, f->busy)

AVX2 static void wait_wide(int64_t n, const lane *until, lane *row) {
    wait_body(n, until, row);
}
AVX2 static int64_t write_wide(int64_t n, const lanes_words *w, int64_t base, const int64_t *came, int64_t queued, int64_t written,
                               lane *done, int64_t *taken) {
    return FEW(write_body, n, w, base, came, queued, written, done, taken);
}
AVX2 static int64_t take_wide(int64_t n, const lanes_words *w, int64_t base, const int64_t *from, int64_t before, int64_t written,
                              lane *done, int64_t *taken, int64_t *starved) {
    return FEW(take_body, n, w, base, from, before, written, done, taken, starved);
}
AVX2 static lane sum_wide(int64_t n, const lanes_words *w, const lane *entries, const lane *open, lane *sum) {
    return FEW(sum_body, n, w, entries, open, sum);
}
AVX2 static bool squeeze_wide(int64_t n, const lanes_words *w, lane v, const lanes_lists *l, lane *latest) {
    return FEW(squeeze_body, n, w, v, l, latest);
}
AVX2 static bool past_wide(int64_t n, const uint16_t *mask, const lane *entries, const lane *places, const lane *end) {
    return FEW(past_body, n, mask, entries, places, end);
}
AVX2 static bool open_wide(int64_t n, const lane *popped, const lane *end, const lane *places, const lane *done, lane *open) {
    return FEW(open_body, n, popped, end, places, done, open);
}
AVX2 static lane replay_wide(int64_t n, const lanes_fold *f) {
    return FEW(REPLAY, n, f);
}

void lanes_wait(int64_t n, const lane *until, lane *row) {
    if (wide()) wait_wide(n, until, row);
    else wait_body(n, until, row);
}

int64_t lanes_write(int64_t n, const lanes_words *w, int64_t base, const int64_t *came, int64_t queued, int64_t written, lane *done,
                    int64_t *taken) {
    return wide() ? write_wide(n, w, base, came, queued, written, done, taken)
                  : write_body(n, w, base, came, queued, written, done, taken);
}

int64_t lanes_take(int64_t n, const lanes_words *w, int64_t base, const int64_t *from, int64_t before, int64_t written, lane *done,
                   int64_t *taken, int64_t *starved) {
    return wide() ? take_wide(n, w, base, from, before, written, done, taken, starved)
                  : take_body(n, w, base, from, before, written, done, taken, starved);
}

lane lanes_sum(int64_t n, const lanes_words *w, const lane *entries, const lane *open, lane *sum) {
    return wide() ? sum_wide(n, w, entries, open, sum) : sum_body(n, w, entries, open, sum);
}

bool lanes_squeeze(int64_t n, const lanes_words *w, lane v, const lanes_lists *l, lane *latest) {
    return wide() ? squeeze_wide(n, w, v, l, latest) : squeeze_body(n, w, v, l, latest);
}

bool lanes_past(int64_t n, const lanes_words *w, const lane *entries, const lane *places, const lane *end) {
    return wide() ? past_wide(n, w->mask, entries, places, end) : past_body(n, w->mask, entries, places, end);
}

bool lanes_open(int64_t n, const lane *popped, const lane *end, const lane *places, const lane *done, lane *open) {
    return wide() ? open_wide(n, popped, end, places, done, open) : open_body(n, popped, end, places, done, open);
}

lane lanes_replay(int64_t n, const lanes_fold *f) {
    return wide() ? replay_wide(n, f) : REPLAY(n, f);
}
