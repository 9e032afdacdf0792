/* Races: the images whose class was nearly undecided come first, a race's scores are those of a run, and its verdict is
 * that of all images wherever these are clear. */
#include "threshold/race.h"
#include "util_net.h"
#include "util_profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { IMAGES = 960, REACHED = IMAGES / 2, CLASSES = 10 };

typedef struct fixture {
    util_net net;
    ss_race race;
    float before[IMAGES][CLASSES], after[IMAGES][CLASSES], raced[IMAGES][CLASSES];
} fixture;

/* Four in five labels are what the network says; the others are next to it. */
static void label(fixture *f) {
    for (int64_t i = 0; i < IMAGES; i++) {
        uint8_t *at, *pixels;
        ss_dataset_record(f->net.d, i, &at, &pixels);
        *at = 0;
        for (int c = 1; c < CLASSES; c++)
            if (f->before[i][c] > f->before[i][*at]) *at = (uint8_t)c;
        if (i % 5 == 4) *at = (uint8_t)((*at + 1) % CLASSES);
    }
}

static int start(void **state) {
    fixture *f = calloc(1, sizeof *f);
    ss_ctx *ctx = ss_ctx_new();
    ss_status s = util_net_open(&f->net, ctx, util_small_resnet(ctx, 11), util_norm(3), CLASSES, IMAGES, 1, 16);
    if (s == SS_OK) s = ss_engine_run(ctx, f->net.e, f->net.d, &f->net.norm, NULL, f->before[0]);
    if (s == SS_OK) label(f);
    if (s == SS_OK)
        s = ss_race_open(ctx, f->net.e, f->net.g, f->net.d, &f->net.norm, 64 << 20, f->before[0], CLASSES, &f->race);
    *state = f;
    return s == SS_OK ? 0 : -1;
}

static int finish(void **state) {
    fixture *f = *state;
    ss_race_close(&f->race);
    util_net_close(&f->net);
    free(f);
    return 0;
}

static float margin(const fixture *f, int64_t i) {
    const float *s = f->before[i];
    float other = -INFINITY;
    for (int c = 0; c < CLASSES; c++)
        if (c != f->net.d->labels[i] && s[c] > other) other = s[c];
    return fabsf(s[f->net.d->labels[i]] - other);
}

static void closest_images_come_first(void **state) {
    fixture *f = *state;
    bool reached[IMAGES] = { false };
    assert_int_equal(f->race.ends[SS_RACE_PARTS - 1], REACHED);
    for (int64_t i = 0; i < REACHED; i++) {
        const int64_t image = f->race.order[i];
        assert_false(reached[image]);
        reached[image] = true;
        assert_true(i == 0 || margin(f, image) >= margin(f, f->race.order[i - 1]));
        assert_int_equal(f->race.hard->labels[i], f->net.d->labels[image]);
    }
    for (int64_t i = 0; i < IMAGES; i++)
        assert_true(reached[i] || margin(f, i) >= margin(f, f->race.order[REACHED - 1]));
}

/* Uniform thresholds, by a race and by a run; what was judged. */
static int64_t both(fixture *f, float t, ss_race_limit limit) {
    int64_t judged;
    ss_thresholds_uniform(f->net.g, t);
    assert_int_equal(ss_quant_set_thresholds(f->net.q, f->net.g), SS_OK);
    assert_int_equal(ss_race_run(&f->race, 0, limit, f->raced[0], &judged), SS_OK);
    assert_int_equal(ss_engine_run(f->net.ctx, f->net.e, f->net.d, &f->net.norm, NULL, f->after[0]), SS_OK);
    return judged;
}

static void scores_are_those_of_a_run(void **state) {
    fixture *f = *state;
    for (int k = 1; k < 6; k++) {
        bool ran[IMAGES] = { false };
        const int64_t judged = both(f, 0.1f * (float)k, (ss_race_limit){ 5, false });
        for (int64_t i = 0; i < judged; i++) ran[f->race.order[i]] = true;
        for (int64_t i = 0; i < IMAGES; i++)
            assert_memory_equal(f->raced[i], ran[i] ? f->after[i] : f->before[i], sizeof f->raced[i]);
    }
}

static double loss(fixture *f, float (*scores)[CLASSES], double *hi) {
    double loss, lo;
    ss_paired_loss(f->net.d, f->before[0], scores[0], CLASSES, &loss, &lo, hi);
    return loss;
}

static void verdicts_are_those_of_all_images(void **state) {
    fixture *f = *state;
    int within = 0, beyond = 0, early = 0;
    for (int k = 1; k < 30; k++) {
        const ss_race_limit limit = { 4, k % 2 };
        double hi, raced_hi;
        const int64_t judged = both(f, 0.04f * (float)k, limit);
        double all = loss(f, f->after, &hi), raced = loss(f, f->raced, &raced_hi);
        if (limit.safe) {
            all = hi;
            raced = raced_hi;
        }
        early += judged < REACHED;
        if (fabs(all - limit.loss) < 1) continue; /* not clear */
        assert_true((raced <= limit.loss) == (all <= limit.loss));
        within += all <= limit.loss;
        beyond += all > limit.loss;
    }
    assert_true(within > 2 && beyond > 2 && early > 5);
}

static void few_images_have_no_race(void **state) {
    fixture *f = *state;
    const ss_dataset few = ss_dataset_part(f->net.d, 0, SS_RACE_LEAST - 1);
    ss_race r;
    assert_int_equal(ss_race_open(f->net.ctx, f->net.e, f->net.g, &few, &f->net.norm, 0, f->before[0], CLASSES, &r), SS_OK);
    assert_int_equal(r.n, 0);
    ss_race_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closest_images_come_first),
        cmocka_unit_test(scores_are_those_of_a_run),
        cmocka_unit_test(verdicts_are_those_of_all_images),
        cmocka_unit_test(few_images_have_no_race),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
