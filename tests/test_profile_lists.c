/* What the streams of a broadcast engine have: fast counting against counting in plain loops, and what independent zeros
 * are assumed to give against what they give. */
#include "profile/assume_lists.h"
#include "profile/lists.h"
#include "util_profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct fixture {
    ss_ctx *ctx;
    ss_graph *g;
    util_rng rng;
    ss_profile *p;
    ss_map map;
    ss_lists lists;
    ss_arena *arena;
    int32_t conv;
} fixture;

static fixture of_layer(ss_shape in, int32_t groups, ss_window win, double zeros) {
    fixture f = { .ctx = ss_ctx_new(), .rng = { 7 } };
    f.g = ss_graph_new(f.ctx, "lists");
    int32_t x = util_add_input(f.g, in.c, in.h, in.w);
    int32_t a = util_conv(f.g, &f.rng, "a", x, in.c, 1, UTIL_WIN(1, 1, 0), "ra");
    f.conv = util_conv(f.g, &f.rng, "b", a, in.c, groups, win, NULL);
    assert_int_equal(ss_profile_assume(f.ctx, f.g, zeros, 16, &f.p), SS_OK);
    f.arena = ss_arena_new(f.ctx);
    f.map = (ss_map){ .shape = in, .left = win.pl, .right = win.pr };
    f.map.data = ss_arena_alloc(f.arena, (size_t)in.h, (size_t)(win.pl + in.w + win.pr) * (size_t)in.c);
    const ss_shape out = f.g->nodes[f.conv].shape;
    assert_true(ss_lists_init(&f.lists, f.arena, &f.p->layers[1], win, out.h, out.w));
    return f;
}

static void fixture_free(fixture *f) {
    ss_profile_free(f->p);
    ss_graph_free(f->g);
    ss_arena_free(f->arena);
    ss_ctx_free(f->ctx);
}

/* A map of independent zeros, counted. */
static void count_map(fixture *f, double zeros) {
    ss_map *m = &f->map;
    size_t c = (size_t)m->shape.c;
    for (int32_t y = 0; y < m->shape.h; y++)
        for (int32_t x = 0; x < m->shape.w; x++)
            for (size_t i = 0; i < c; i++) {
                size_t at = ((size_t)y * (size_t)(m->left + m->shape.w + m->right) + (size_t)(m->left + x)) * c + i;
                m->data[at] = util_rng_int(&f->rng, 0, 9999) >= zeros * 10000;
            }
    ss_lists_count(&f->lists, m);
}

static int gcd(int a, int b) { return b ? gcd(b, a % b) : a; }

static int element(const fixture *f, int32_t y, int32_t x, int32_t c) {
    const ss_map *m = &f->map;
    if (y < 0 || y >= m->shape.h || x < 0 || x >= m->shape.w) return 0;
    return m->data[(y * (m->left + m->shape.w + m->right) + m->left + x) * m->shape.c + c];
}

/* Whose turn position k of word s is: dealt on from word to word, one part left out when the same would begin again. */
static int part_of(int s, int k, int positions, int parts) {
    int at = 0, word = 0, n = 0;
    for (; word < s; word++) {
        at = (at + positions) % parts;
        n = (n + positions) % parts;
        if (n == 0) at += gcd(positions, parts) > 1;
    }
    return (at + k) % parts;
}

/* Of stream (l, p) in the given list: non-zeros, or cycles of compaction; of one word or (word < 0) of all. */
static int stream_has(const fixture *f, int list, int ci, int parts, int l, int p, bool compaction, int word) {
    const ss_lists *t = &f->lists;
    int pixel = list / t->groups, group = list % t->groups, sum = 0;
    int y = pixel / t->ow * t->win.sh - t->win.pt, x = pixel % t->ow * t->win.sw - t->win.pl;
    for (int s = 0; s < t->cg / ci; s++) {
        int n = 0;
        if (word >= 0 && s != word) continue;
        for (int k = 0; k < t->k; k++)
            if (part_of(s, k, t->k, parts) == p) n += element(f, y + k / t->win.kw, x + k % t->win.kw, group * t->cg + s * ci + l);
        sum += compaction && n == 0 ? 1 : n;
    }
    return word < 0 && sum == 0 ? 1 : sum;
}

static double plainly(const fixture *f, int ci, int parts, bool compaction, int block) {
    int lists = f->lists.oh * f->lists.ow * f->lists.groups;
    double sum = 0;
    for (int first = 0; first < lists; first += block) {
        int largest = 0;
        for (int i = 0; i < ci * parts; i++) {
            int has = 0;
            for (int n = first; n < first + block && n < lists; n++)
                has += stream_has(f, n, ci, parts, i / parts, i % parts, compaction, -1);
            largest = has > largest ? has : largest;
        }
        sum += largest;
    }
    return sum;
}

static double words_plainly(const fixture *f, int ci, int parts) {
    double sum = 0;
    for (int n = 0; n < f->lists.oh * f->lists.ow * f->lists.groups; n++)
        for (int s = 0; s < f->lists.cg / ci; s++) {
            int largest = 0;
            for (int i = 0; i < ci * parts; i++) {
                int has = stream_has(f, n, ci, parts, i / parts, i % parts, true, s);
                largest = has > largest ? has : largest;
            }
            sum += largest;
        }
    return sum;
}

static const struct {
    ss_shape in;
    int32_t groups;
    ss_window win;
} cases[] = {
    { { 4, 19, 19 }, 1, UTIL_WIN(3, 1, 1) },
    { { 16, 6, 6 }, 1, UTIL_WIN(3, 1, 1) },
    { { 12, 7, 5 }, 1, UTIL_WIN(3, 2, 1) },
    { { 12, 5, 5 }, 3, UTIL_WIN(2, 1, 0) },
    { { 8, 3, 3 }, 1, UTIL_WIN(1, 1, 0) },
    { { 6, 4, 4 }, 1, UTIL_WIN(4, 1, 0) },  /* fully connected: one list */
    { { 4, 5, 9 }, 4, UTIL_WIN(3, 1, 1) },  /* depthwise */
    { { 300, 2, 2 }, 1, UTIL_WIN(1, 1, 0) } /* more lanes than are looked at */
};

static void counting_agrees_with_plain_loops(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        fixture f = of_layer(cases[n].in, cases[n].groups, cases[n].win, 0.5);
        const ss_layer_profile *l = &f.p->layers[1];
        count_map(&f, 0.6);
        for (int32_t p = 0; p < l->n_parts; p++)
            for (int32_t i = 0; i < l->n_ci; i++) {
                const ss_stream_set *s = &f.lists.sets[p * l->n_ci + i];
                int ci = (int)l->ci[i], parts = l->parts[p];
                assert_int_equal(s->streams, ci * parts <= SS_PROFILE_MOST_STREAMS ? ci * parts : 0);
                for (int span = 0; s->streams && span < SS_LIST_SPANS; span++) {
                    assert_true((double)s->busiest[0][span] == plainly(&f, ci, parts, false, SS_LIST_SPAN(span)));
                    if (parts < l->k)
                        assert_true((double)s->busiest[1][span] == plainly(&f, ci, parts, true, SS_LIST_SPAN(span)));
                }
                if (s->streams && parts > 1 && parts < l->k)
                    assert_true((double)s->word == words_plainly(&f, ci, parts));
            }
        fixture_free(&f);
    }
}

/* Thousands of random lists of each case. Of single lists what was assumed is their mean; of blocks and of compaction as near as
 * normal distributions and mean overlaps are on maps so small, which are all border: blocks longer than a row count as if all
 * their windows were the mean one, and parts that take turns have different shares of a border. */
static void assumed_lists_are_those_of_random_maps(void **state) {
    (void)state;
    const double zeros[] = { 0.2, 0.5, 0.8 }, near[] = { 0.15, 0.12, 0.15 }, listed[] = { 0.07, 0.055, 0.15 };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        for (size_t z = 0; z < 3; z++) {
            fixture f = of_layer(cases[n].in, cases[n].groups, cases[n].win, zeros[z]);
            const ss_layer_profile *l = &f.p->layers[1];
            ss_list_stats *counted = ss_arena_alloc(f.arena, (size_t)(l->n_parts * l->n_ci), sizeof *counted);
            const int maps = f.lists.oh * f.lists.ow == 1 ? 6400 : 400;
            for (int map = 0; map < maps; map++) count_map(&f, zeros[z]);
            double nonzeros = 0;
            ss_lists_add(&f.lists, counted, &nonzeros);
            assert_true(nonzeros > 0);
            for (int32_t i = 0; i < l->n_parts * l->n_ci; i++)
                for (int span = 0; f.lists.sets[i].streams && span < SS_LIST_SPANS; span++) {
                    double is = counted[i].busiest[span] / maps, says = l->lists[i].busiest[span];
                    double c = counted[i].compaction[span] / maps, assumed = l->lists[i].compaction[span];
                    if (fabs(says / is - 1) > (span == 0 ? 0.02 : near[z]))
                        fail_msg("case %zu, %.1f, set %d, span %d: assumed %g, counted %g", n, zeros[z], i, span, says, is);
                    if (l->parts[i / l->n_ci] < l->k && fabs(assumed / c - 1) > listed[z])
                        fail_msg("case %zu, %.1f, set %d, span %d: compaction assumed %g, counted %g", n, zeros[z], i,
                                 span, assumed, c);
                }
            fixture_free(&f);
        }
}

/* No zeros at all: every stream has everything, and the largest part decides. */
static void without_zeros_lists_are_full(void **state) {
    (void)state;
    fixture f = of_layer((ss_shape){ 16, 6, 6 }, 1, UTIL_WIN(3, 1, 0), 0);
    const ss_layer_profile *l = &f.p->layers[1];
    for (int32_t i = 0; i < l->n_parts * l->n_ci; i++) {
        int64_t steps = l->channels / l->ci[i % l->n_ci], parts = l->parts[i / l->n_ci];
        double each = l->windows * (double)ss_ceil_div(steps * l->k, parts);
        for (int span = 0; span < SS_LIST_SPANS; span++) {
            assert_near(l->lists[i].busiest[span], each, 1e-9 * each);
            assert_near(l->lists[i].compaction[span], each, 1e-9 * each);
        }
        each = l->windows * (double)(steps * ss_ceil_div(l->k, parts));
        assert_near(l->lists[i].word, each, 1e-9 * each);
    }
    assert_null(ss_profile_lists(l, 3, 1));
    assert_null(ss_profile_lists(l, 4, 10));
    assert_ptr_equal(ss_profile_lists(l, 4, 3), &l->lists[2 * l->n_ci + 2]);
    fixture_free(&f);
}

/* With borders, too, it is what a map without zeros has; and what some images have, scaled to more non-zeros than there can be,
 * is no more. */
static void no_list_is_more_than_full(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        fixture f = of_layer(cases[n].in, cases[n].groups, cases[n].win, 0);
        const ss_layer_profile *l = &f.p->layers[1];
        const size_t sets = (size_t)(l->n_parts * l->n_ci);
        ss_list_stats *counted = ss_arena_alloc(f.arena, sets, sizeof *counted), *full = ss_arena_alloc(f.arena, sets, sizeof *full);
        double seen = 0;
        count_map(&f, 0);
        ss_lists_add(&f.lists, counted, &seen);
        assert_true(ss_lists_full(f.ctx, l, &f.g->nodes[f.conv], cases[n].in, full));
        assert_memory_equal(counted, full, sets * sizeof *full);
        ss_lists_finish(l, 1, seen / 2, full, counted);
        for (size_t i = 0; i < sets; i++)
            for (int span = 0; f.lists.sets[i].streams && span < SS_LIST_SPANS; span++) {
                assert_near(l->lists[i].busiest[span], counted[i].busiest[span], 1e-9 * counted[i].busiest[span]);
                assert_near(l->lists[i].compaction[span], counted[i].compaction[span], 1e-9 * counted[i].compaction[span]);
            }
        fixture_free(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_agrees_with_plain_loops),
        cmocka_unit_test(assumed_lists_are_those_of_random_maps),
        cmocka_unit_test(without_zeros_lists_are_full),
        cmocka_unit_test(no_list_is_more_than_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
