/* The multiple-choice knapsack against enumeration of every choice, on small random problems near the limit.
 */
#include "explore/choice.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GROUPS 5
#define OPTIONS 7

typedef struct instance {
    ss_option options[GROUPS][OPTIONS];
    ss_group groups[GROUPS];
    ss_choice_problem p;
} instance;

static uint64_t next(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* Budgets near what a middling choice needs, so that about half of the problems have an answer. */
static void make(instance *x, uint64_t seed) {
    uint64_t s = seed * 0x9e3779b97f4a7c15u + 1;
    double mean[SS_RES_COUNT] = { 0 };
    memset(x, 0, sizeof *x);
    for (int g = 0; g < GROUPS; g++)
        for (int i = 0; i < OPTIONS; i++) {
            x->options[g][i].id = i;
            for (int k = 0; k < SS_RES_COUNT; k++) {
                double r = (double)(next(&s) % 100);
                x->options[g][i].r[k] = next(&s) % 4 == 0 ? 0 : r;
                mean[k] += x->options[g][i].r[k] / OPTIONS;
            }
        }
    for (int k = 0; k < SS_RES_COUNT; k++)
        x->p.budget[k] =
            k == SS_URAM && seed % 5 == 0 ? 0 : floor(mean[k] * (0.55 + 0.05 * (double)(next(&s) % 10)));
    for (int g = 0; g < GROUPS; g++)
        x->groups[g] = (ss_group){ x->options[g], ss_option_prune(x->options[g], OPTIONS, x->p.budget) };
    x->p.groups = x->groups;
    x->p.n = GROUPS;
}

static bool fits(const ss_choice_problem *p, const int32_t *pick, double *load) {
    double sum[SS_RES_COUNT] = { 0 };
    *load = 0;
    for (int32_t g = 0; g < p->n; g++)
        for (int k = 0; k < SS_RES_COUNT; k++) sum[k] += p->groups[g].options[pick[g]].r[k];
    bool ok = true;
    for (int k = 0; k < SS_RES_COUNT; k++) {
        ok = ok && sum[k] <= p->budget[k];
        if (p->budget[k] > 0) *load = fmax(*load, sum[k] / p->budget[k]);
    }
    return ok;
}

/* The smallest largest load over all choices; INFINITY when a group is empty. */
static double enumerate(const ss_choice_problem *p, bool *any) {
    int32_t pick[GROUPS] = { 0 };
    double best = INFINITY;
    *any = false;
    for (int32_t g = 0; g < p->n; g++)
        if (p->groups[g].n == 0) return INFINITY;
    for (;;) {
        double load;
        *any = fits(p, pick, &load) || *any;
        best = fmin(best, load);
        int32_t g = 0;
        while (g < p->n && ++pick[g] == p->groups[g].n) pick[g++] = 0;
        if (g == p->n) return best;
    }
}

static void test_against_enumeration(void **state) {
    ss_chooser *c = NULL;
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    assert_int_equal(ss_chooser_new(ctx, GROUPS, &c), SS_OK);
    int yes = 0, no = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        instance x;
        int32_t pick[GROUPS];
        ss_relaxation r;
        bool any;
        double load;
        make(&x, seed);
        double best = enumerate(&x.p, &any);
        ss_answer a = ss_choice_solve(c, &x.p, 1 << 12, pick, &r);
        assert_int_equal(a, any ? SS_FITS : SS_FITS_NOT);
        if (a == SS_FITS) assert_true(fits(&x.p, pick, &load));
        if (best < INFINITY) assert_true(r.bound <= best + 1e-9);
        if (best < INFINITY && !r.fits_not) assert_true(r.load <= best + 1e-6);
        yes += any;
        no += !any;
    }
    assert_true(yes > 80 && no > 80);
    ss_chooser_free(c);
    ss_ctx_free(ctx);
}

/* The relaxation's two sides meet, its weights are a certificate, and `quick` never contradicts the full
 * answer. */
static void test_relaxation(void **state) {
    ss_chooser *c = NULL;
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    assert_int_equal(ss_chooser_new(ctx, GROUPS, &c), SS_OK);
    for (uint64_t seed = 1; seed <= 400; seed++) {
        instance x;
        ss_relaxation full, quick;
        make(&x, seed);
        ss_choice_relax(c, &x.p, false, &full);
        ss_choice_relax(c, &x.p, true, &quick);
        if (full.load == INFINITY) continue;
        assert_true(full.bound <= full.load * (1 + 1e-9));
        assert_true(full.bound >= full.load * (1 - 1e-6));
        double sum = 0;
        for (int k = 0; k < SS_RES_COUNT; k++) sum += full.weights[k];
        assert_true(fabs(sum - 1) < 1e-9);
        if (full.load < 1 - 1e-6) assert_true(quick.load <= 1 && !quick.fits_not);
        if (full.bound > 1 + 1e-6) assert_true(quick.fits_not);
    }
    ss_chooser_free(c);
    ss_ctx_free(ctx);
}

static void test_prune(void **state) {
    (void)state;
    double budget[SS_RES_COUNT] = { 10, 10, 10, 10, 10 };
    ss_option o[] = {
        { { 4, 1, 1, 1, 1 }, 0 }, { { 3, 2, 1, 1, 1 }, 1 },  { { 4, 2, 1, 1, 1 }, 2 }, /* dominated by both */
        { { 3, 2, 1, 1, 1 }, 3 }, { { 11, 0, 0, 0, 0 }, 4 }, /* equal to 1; too large */
    };
    assert_int_equal(ss_option_prune(o, 5, budget), 2);
    assert_int_equal(o[0].id, 1);
    assert_int_equal(o[1].id, 0);
}

/* Improvement never leaves the budgets and never needs more; alone in a wide budget it finds the least of
 * each group. */
static void test_improve(void **state) {
    ss_chooser *c = NULL;
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    assert_int_equal(ss_chooser_new(ctx, GROUPS, &c), SS_OK);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        instance x;
        int32_t pick[GROUPS], before[GROUPS];
        ss_relaxation r;
        double load;
        make(&x, seed);
        bool wide = seed % 2;
        for (int k = 0; wide && k < SS_RES_COUNT; k++) x.p.budget[k] = 1000;
        if (ss_choice_solve(c, &x.p, 1 << 12, pick, &r) != SS_FITS) continue;
        memcpy(before, pick, sizeof pick);
        ss_choice_improve(c, &x.p, r.weights, pick);
        assert_true(fits(&x.p, pick, &load));
        double use[2] = { 0, 0 }, least = 0;
        for (int g = 0; g < GROUPS; g++) {
            double low = INFINITY;
            for (int32_t i = 0; i < x.groups[g].n; i++) {
                double u = 0;
                for (int k = 0; k < SS_RES_COUNT; k++)
                    u += x.p.budget[k] > 0 ? x.options[g][i].r[k] / x.p.budget[k] : 0;
                if (i == before[g]) use[0] += u;
                if (i == pick[g]) use[1] += u;
                low = fmin(low, u);
            }
            least += low;
        }
        assert_true(use[1] <= use[0] + 1e-9);
        if (wide) assert_true(use[1] <= least + 1e-9);
    }
    ss_chooser_free(c);
    ss_ctx_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_enumeration),
        cmocka_unit_test(test_relaxation),
        cmocka_unit_test(test_prune),
        cmocka_unit_test(test_improve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
