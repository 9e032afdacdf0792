/* Counting of non-zeros in windows. See count.h.
 *
 * Method: one output row at a time. The rows of the map under it are added into a row of column sums, kw
 * shifted copies of which add up to the window counts of all channels; the largest counts among ci channels
 * are formed from those among a divisor of ci. Histograms compare a vector of values with each possible value
 * and subtract the outcome (-1 where equal) from byte counters, which are emptied into 64-bit totals before
 * they can overflow. The bodies are compiled twice on x86-64, for the baseline and for AVX2, from the same C.
 */
#include "profile/count.h"

#include <string.h>

#define VEC 32u
#define CHUNK 9 /* values whose counters are held in registers at once; a 3x3 window needs 9 (10 follows) */

typedef uint8_t vec __attribute__((vector_size(VEC)));

#define BODY static inline __attribute__((always_inline))

/* ---- histograms ---- */

static size_t gcd(size_t a, size_t b) {
    while (b) {
        size_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

bool ss_counter_init(ss_counter *c, ss_arena *arena, int32_t k, size_t period) {
    size_t lanes = k > SS_COUNT_MAX_K ? 0 : period * (VEC / gcd(period, VEC));
    *c = (ss_counter){ .k = k, .period = period, .lanes = lanes };
    c->acc = ss_arena_alloc(arena, (size_t)k, lanes);
    c->total = ss_arena_alloc(arena, period, ((size_t)k + 1) * sizeof *c->total);
    return c->acc && c->total;
}

void ss_counter_flush(ss_counter *c) {
    size_t bins = (size_t)c->k + 1;
    for (size_t lane = 0, ch = 0; c->filled && lane < c->lanes;
         lane++, ch = ch + 1 == c->period ? 0 : ch + 1) {
        uint64_t *total = c->total + ch * bins, rest = (uint64_t)c->filled;
        for (size_t v = 0; v + 1 < bins; v++) {
            uint8_t seen = c->acc[v * c->lanes + lane];
            total[v] += seen;
            rest -= seen;
        }
        total[bins - 1] += rest;
    }
    if (c->filled) memset(c->acc, 0, (size_t)c->k * c->lanes);
    c->filled = 0;
}

/* Count values v0 .. v0+chunk-1 in `rows` rows of `lanes` values; chunk is a constant where this is inlined.
 */
BODY void count_chunk(uint8_t *acc, size_t lanes, const uint8_t *x, size_t rows, int32_t v0, int chunk) {
    for (size_t lane = 0; lane < lanes; lane += VEC) {
        vec count[CHUNK], value;
        for (int i = 0; i < chunk; i++) memcpy(&count[i], acc + (size_t)(v0 + i) * lanes + lane, VEC);
        for (size_t r = 0; r < rows; r++) {
            memcpy(&value, x + r * lanes + lane, VEC);
            for (int i = 0; i < chunk; i++) count[i] -= (vec)(value == (uint8_t)(v0 + i));
        }
        for (int i = 0; i < chunk; i++) memcpy(acc + (size_t)(v0 + i) * lanes + lane, &count[i], VEC);
    }
}

/* n values, whole periods. */
BODY void counter_add(ss_counter *c, const uint8_t *x, size_t n) {
    while (n >= c->lanes) {
        size_t rows = n / c->lanes, room = (size_t)(255 - c->filled);
        rows = rows < room ? rows : room;
        int32_t v = 0;
        for (; v + CHUNK <= c->k; v += CHUNK) count_chunk(c->acc, c->lanes, x, rows, v, CHUNK);
        for (; v < c->k; v++) count_chunk(c->acc, c->lanes, x, rows, v, 1);
        c->filled += (int32_t)rows;
        if (c->filled == 255) ss_counter_flush(c);
        x += rows * c->lanes;
        n -= rows * c->lanes;
    }
    for (size_t i = 0, ch = 0; i < n; i++, ch = ch + 1 == c->period ? 0 : ch + 1)
        c->total[ch * ((size_t)c->k + 1) + x[i]]++;
}

/* ---- the map ---- */

BODY void mark(uint8_t *restrict out, const int16_t *restrict in, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = in[i] != 0;
}

BODY void map_body(ss_map *m, const int16_t *in, int32_t stride, ss_counter *zeros) {
    size_t c = (size_t)m->shape.c, w = (size_t)m->shape.w, s = (size_t)stride;
    size_t pitch = ((size_t)m->left + w + (size_t)m->right) * c;
    for (int32_t y = 0; y < m->shape.h; y++, in += w * s) {
        uint8_t *row = m->data + (size_t)y * pitch;
        memset(row, 0, (size_t)m->left * c);
        memset(row + pitch - (size_t)m->right * c, 0, (size_t)m->right * c);
        row += (size_t)m->left * c;
        if (s == c) mark(row, in, w * c);
        else
            for (size_t x = 0; x < w; x++) mark(row + x * c, in + x * s, c);
        counter_add(zeros, row, w * c);
    }
}

/* ---- windows ---- */

BODY void add_to(uint8_t *restrict sum, const uint8_t *restrict x, size_t n) {
    for (size_t i = 0; i < n; i++) sum[i] = (uint8_t)(sum[i] + x[i]);
}

/* Column sums under output row oy; rows in the padding add nothing. */
BODY void sum_columns(const ss_windows *w, const ss_map *m, int32_t oy) {
    size_t pitch = (size_t)(m->left + m->shape.w + m->right) * (size_t)m->shape.c;
    int32_t lo = oy * w->win.sh - w->win.pt, hi = lo + w->win.kh;
    lo = lo < 0 ? 0 : lo;
    hi = hi > m->shape.h ? m->shape.h : hi;
    if (lo >= hi) memset(w->column, 0, pitch);
    else memcpy(w->column, m->data + (size_t)lo * pitch, pitch);
    for (int32_t y = lo + 1; y < hi; y++) add_to(w->column, m->data + (size_t)y * pitch, pitch);
}

/* Window counts of a whole output row into steps[0]. At stride 1 all pixels are one run. */
BODY void sum_windows(const ss_windows *w, const ss_map *m) {
    size_t c = (size_t)m->shape.c, ow = (size_t)w->ow;
    size_t runs = w->win.sw == 1 ? 1 : ow, length = ow * c / runs;
    const uint8_t *from = w->column + (size_t)(m->left - w->win.pl) * c;
    for (size_t run = 0; run < runs; run++, from += (size_t)w->win.sw * c) {
        uint8_t *to = w->steps[0] + run * length;
        memcpy(to, from, length);
        for (int32_t x = 1; x < w->win.kw; x++) add_to(to, from + (size_t)x * c, length);
    }
}

/* out[i] = the largest of `ratio` consecutive values. */
BODY void reduce_max(uint8_t *restrict out, const uint8_t *restrict in, size_t n, size_t ratio) {
    if (ratio == 2) {
        for (size_t i = 0; i < n; i++) out[i] = in[2 * i] > in[2 * i + 1] ? in[2 * i] : in[2 * i + 1];
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint8_t largest = 0;
        for (size_t j = 0; j < ratio; j++)
            largest = in[i * ratio + j] > largest ? in[i * ratio + j] : largest;
        out[i] = largest;
    }
}

BODY void windows_body(ss_windows *w, const ss_map *m) {
    size_t values = (size_t)w->ow * (size_t)m->shape.c;
    for (int32_t oy = 0; oy < w->oh; oy++) {
        sum_columns(w, m, oy);
        sum_windows(w, m);
        counter_add(w->hist, w->steps[0], values);
        for (int32_t i = 1; i < w->n_ci; i++) {
            int32_t from = w->parent[i];
            size_t n = values / (size_t)w->ci[i];
            reduce_max(w->steps[i], w->steps[from], n, (size_t)(w->ci[i] / w->ci[from]));
            counter_add(&w->max_hist[i], w->steps[i], n);
        }
    }
}

/* Windows of more than 255 elements are rare (a fully connected layer on a large map): plain loops. */
static size_t count_window(const ss_map *m, const ss_window *win, int32_t oy, int32_t ox, size_t channel) {
    size_t count = 0, c = (size_t)m->shape.c, pitch = (size_t)(m->left + m->shape.w + m->right) * c;
    int32_t y0 = oy * win->sh - win->pt, x0 = ox * win->sw - win->pl;
    for (int32_t y = y0 < 0 ? 0 : y0; y < y0 + win->kh && y < m->shape.h; y++)
        for (int32_t x = x0; x < x0 + win->kw; x++)
            count += m->data[(size_t)y * pitch + (size_t)(m->left + x) * c + channel];
    return count;
}

static void large_windows(ss_windows *w, const ss_map *m) {
    size_t bins = (size_t)w->hist->k + 1, largest = 0;
    for (int32_t pixel = 0; pixel < w->oh * w->ow; pixel++)
        for (int32_t i = 0; i < w->n_ci; i++)
            for (size_t ch = 0, ci = (size_t)w->ci[i]; ch < (size_t)m->shape.c; ch++) {
                size_t count = count_window(m, &w->win, pixel / w->ow, pixel % w->ow, ch);
                if (i == 0) w->hist->total[ch * bins + count]++;
                largest = ch % ci == 0 || count > largest ? count : largest;
                if (i > 0 && ch % ci == ci - 1) w->max_hist[i].total[largest]++;
            }
}

/* ---- one body, two instruction sets ---- */

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))
AVX2 static void map_avx2(ss_map *m, const int16_t *in, int32_t stride, ss_counter *zeros) {
    map_body(m, in, stride, zeros);
}
AVX2 static void windows_avx2(ss_windows *w, const ss_map *m) {
    windows_body(w, m);
}
static bool wide(void) {
    return __builtin_cpu_supports("avx2");
}
#else
#define map_avx2 map_body
#define windows_avx2 windows_body
static bool wide(void) {
    return false;
}
#endif

void ss_count_map(ss_map *m, const int16_t *in, int32_t stride, ss_counter *zeros) {
    if (wide()) map_avx2(m, in, stride, zeros);
    else map_body(m, in, stride, zeros);
}

void ss_count_windows(ss_windows *w, const ss_map *m) {
    if (w->hist->k > SS_COUNT_MAX_K) large_windows(w, m);
    else if (wide()) windows_avx2(w, m);
    else windows_body(w, m);
}
