/* The fast counting of profiles against counting in plain loops, over shapes that take every path: odd
 * channel counts, strides, unequal padding, windows of one element up to whole maps of more than 255. */
#include "profile/count.h"
#include "util_profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct shape_case {
    ss_shape in;
    ss_window win;
    int64_t ci[8];
    int32_t parent[8], n_ci, images;
} shape_case;

typedef struct naive {
    uint64_t *hist, *max_hist; /* [c][k+1], [n_ci][k+1] */
    uint64_t *zeros;           /* [c] */
} naive;

static int count_at(const shape_case *t, const int16_t *x, int32_t stride, int oy, int ox, int c) {
    int n = 0;
    for (int i = 0; i < t->win.kh; i++)
        for (int j = 0; j < t->win.kw; j++) {
            int y = oy * t->win.sh - t->win.pt + i, z = ox * t->win.sw - t->win.pl + j;
            if (y >= 0 && y < t->in.h && z >= 0 && z < t->in.w) n += x[(y * t->in.w + z) * stride + c] != 0;
        }
    return n;
}

static void count_plainly(const shape_case *t, int32_t oh, int32_t ow, const int16_t *x, int32_t stride,
                          naive *n) {
    int bins = t->win.kh * t->win.kw + 1;
    for (int oy = 0; oy < oh; oy++)
        for (int ox = 0; ox < ow; ox++)
            for (int i = 0; i < t->n_ci; i++)
                for (int c = 0, largest = 0; c < t->in.c; c++) {
                    int v = count_at(t, x, stride, oy, ox, c);
                    if (i == 0) n->hist[c * bins + v]++;
                    largest = c % t->ci[i] == 0 || v > largest ? v : largest;
                    if ((c + 1) % t->ci[i] == 0) n->max_hist[i * bins + largest]++;
                }
    for (int i = 0; i < t->in.h * t->in.w; i++)
        for (int c = 0; c < t->in.c; c++) n->zeros[c] += x[i * stride + c] == 0;
}

static void compare(const shape_case *t, util_rng *rng) {
    ss_ctx *ctx = ss_ctx_new();
    ss_arena *a = ss_arena_new(ctx);
    int32_t k = t->win.kh * t->win.kw, stride = (t->in.c + 3) / 4 * 4;
    int32_t oh = (t->in.h + t->win.pt + t->win.pb - t->win.kh) / t->win.sh + 1;
    int32_t ow = (t->in.w + t->win.pl + t->win.pr - t->win.kw) / t->win.sw + 1;
    ss_counter zeros, hist, max_hist[8];
    ss_map map = { .shape = t->in, .left = t->win.pl + 1, .right = t->win.pr };
    size_t pitch = (size_t)(map.left + t->in.w + map.right) * (size_t)t->in.c, bins = (size_t)k + 1;
    map.data = ss_arena_alloc(a, (size_t)t->in.h, pitch);
    ss_windows w = { .win = t->win,
                     .oh = oh,
                     .ow = ow,
                     .n_ci = t->n_ci,
                     .ci = t->ci,
                     .parent = t->parent,
                     .hist = &hist,
                     .max_hist = max_hist };
    w.column = ss_arena_alloc(a, pitch, 1);
    w.steps = ss_arena_alloc(a, 8, sizeof *w.steps);
    assert_true(ss_counter_init(&zeros, a, 1, (size_t)t->in.c) &&
                ss_counter_init(&hist, a, k, (size_t)t->in.c));
    for (int i = 0; i < t->n_ci; i++) {
        w.steps[i] = ss_arena_alloc(a, (size_t)ow * (size_t)t->in.c, 1);
        assert_true(ss_counter_init(&max_hist[i], a, k, 1));
    }
    naive n = { ss_arena_alloc(a, (size_t)t->in.c * bins, 8), ss_arena_alloc(a, 8 * bins, 8),
                ss_arena_alloc(a, (size_t)t->in.c, 8) };
    size_t elements = (size_t)t->in.h * (size_t)t->in.w * (size_t)stride;
    int16_t *x = ss_arena_alloc(a, elements, sizeof *x);
    for (int image = 0; image < t->images; image++) {
        for (size_t i = 0; i < elements; i++)
            x[i] = (int16_t)(util_rng_int(rng, 0, 2) ? 0 : util_rng_int(rng, -1000, 1000));
        ss_count_map(&map, x, stride, &zeros);
        ss_count_windows(&w, &map);
        count_plainly(t, oh, ow, x, stride, &n);
    }
    ss_counter_flush(&zeros);
    ss_counter_flush(&hist);
    assert_memory_equal(hist.total, n.hist, (size_t)t->in.c * bins * 8);
    for (int c = 0; c < t->in.c; c++) assert_true(zeros.total[2 * c] == n.zeros[c]);
    for (int i = 1; i < t->n_ci; i++) {
        ss_counter_flush(&max_hist[i]);
        assert_memory_equal(max_hist[i].total, n.max_hist + (size_t)i * bins, bins * 8);
    }
    ss_arena_free(a);
    ss_ctx_free(ctx);
}

static void every_shape_agrees(void **state) {
    (void)state;
    static const shape_case cases[] = {
        { { 16, 32, 32 }, UTIL_WIN(3, 1, 1), { 1, 2, 4, 8, 16 }, { 0, 0, 1, 2, 3 }, 5, 3 },
        { { 64, 8, 8 }, UTIL_WIN(3, 2, 1), { 1, 2, 4, 32, 64 }, { 0, 0, 1, 2, 3 }, 5, 20 },
        { { 3, 32, 32 }, UTIL_WIN(3, 1, 1), { 1, 3 }, { 0, 0 }, 2, 3 },
        { { 12, 9, 7 }, UTIL_WIN(1, 2, 0), { 1, 2, 3, 4, 6, 12 }, { 0, 0, 0, 1, 2, 4 }, 6, 40 },
        { { 5, 11, 6 }, { 5, 2, 2, 1, 2, 0, 1, 1 }, { 1, 5 }, { 0, 0 }, 2, 9 },
        { { 7, 10, 10 }, UTIL_WIN(7, 3, 3), { 1, 7 }, { 0, 0 }, 2, 9 },
        { { 96, 4, 4 }, UTIL_WIN(4, 1, 0), { 1, 2, 3, 96 }, { 0, 0, 0, 2 }, 4, 300 },
        { { 40, 1, 1 }, UTIL_WIN(1, 1, 0), { 1, 8 }, { 0, 0 }, 2, 600 },
        { { 4, 20, 17 }, { 20, 17, 1, 1, 0, 0, 0, 0 }, { 1, 2, 4 }, { 0, 0, 1 }, 3, 3 },
        { { 4, 17, 17 }, { 16, 16, 1, 1, 1, 0, 0, 1 }, { 1, 2 }, { 0, 0 }, 2, 2 },
        { { 2, 6, 6 }, UTIL_WIN(3, 1, 4), { 1, 2 }, { 0, 0 }, 2, 2 }, /* windows that see padding only */
    };
    util_rng rng = { 42 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) compare(&cases[i], &rng);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_shape_agrees) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
