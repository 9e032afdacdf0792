/* Replay: a run that begins behind what changed gives the scores and the profile of a whole run, bit for bit. */
#include "util_net.h"
#include "util_profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { IMAGES = 10, CLASSES = 10 };

typedef util_net fixture;

static int start(void **state) {
    ss_ctx *ctx = ss_ctx_new();
    *state = calloc(1, sizeof(fixture));
    return util_net_open(*state, ctx, util_small_resnet(ctx, 5), util_norm(3), CLASSES, IMAGES, 1, 16) == SS_OK ? 0 : -1;
}

static int finish(void **state) {
    util_net_close(*state);
    free(*state);
    return 0;
}

static void raise_relu(fixture *f, int32_t node, float t) {
    f->g->nodes[node].act.threshold = t;
    assert_int_equal(ss_quant_set_thresholds(f->q, f->g), SS_OK);
}

static void same_layer(const ss_layer_profile *x, const ss_layer_profile *y) {
    size_t bins = (size_t)x->k + 1;
    assert_memory_equal(x->hist, y->hist, (size_t)x->channels * bins * sizeof *x->hist);
    assert_memory_equal(x->max_hist, y->max_hist, (size_t)x->n_ci * bins * sizeof *x->max_hist);
    assert_memory_equal(x->lists, y->lists, (size_t)x->n_parts * (size_t)x->n_ci * sizeof *x->lists);
    assert_true(x->zero_ratio == y->zero_ratio && x->windows == y->windows);
}

static void same_profile(const ss_profile *a, const ss_profile *b) {
    assert_int_equal(a->images, b->images);
    assert_true(a->data == b->data);
    for (int32_t l = 0; l < a->n_layers; l++) {
        same_layer(&a->layers[l], &b->layers[l]);
    }
    for (int32_t i = 0; i < a->n_relus; i++) {
        assert_true(a->relus[i].zero_ratio == b->relus[i].zero_ratio && a->relus[i].threshold == b->relus[i].threshold);
        assert_memory_equal(a->relus[i].channel_zero_ratio, b->relus[i].channel_zero_ratio,
                            (size_t)a->relus[i].channels * sizeof(double));
    }
}

/* A run that ends at a tensor: what reads it or one before counts as in the whole profile, the rest as before the change. */
static void ends_at(const fixture *f, const ss_remeasure *whole, int32_t until, const ss_profile *next) {
    ss_remeasure part = *whole;
    ss_profile *p;
    part.keep = false;
    part.until = until;
    assert_int_equal(ss_profile_remeasure(f->ctx, f->g, f->q, &part, NULL, &p), SS_OK);
    for (int32_t node = 0, layer = 0; node < f->g->n; node++) {
        if (f->g->nodes[node].op != SS_OP_CONV) continue;
        same_layer(&p->layers[layer], &(f->g->nodes[node].in[0] <= until ? next : whole->base)->layers[layer]);
        layer++;
    }
    ss_profile_free(p);
}

/* Thresholds go up and down all over the network; every remeasured profile is that of a whole run. */
static void every_remeasurement_is_a_whole_run(fixture *f, ss_replay *r, bool keep_all) {
    float scores[IMAGES][CLASSES], whole[IMAGES][CLASSES];
    ss_profile *base, *next, *fresh;
    const ss_remeasure first = { .replay = r, .images = IMAGES, .keep = true, .lists = true };
    assert_int_equal(ss_profile_remeasure(f->ctx, f->g, f->q, &first, scores[0], &base), SS_OK);
    unsigned seed = 7;
    for (int32_t turn = 0; turn < 40; turn++) {
        int32_t node;
        seed = seed * 1103515245u + 12345u;
        for (node = (int32_t)(seed >> 16) % f->g->n; !f->g->nodes[node].act.on; node = (node + 1) % f->g->n) {}
        bool keep = keep_all || turn % 3 == 0;
        float before = f->g->nodes[node].act.threshold;
        raise_relu(f, node, 0.05f * (float)(turn % 9));
        const ss_remeasure again = { .replay = r, .images = IMAGES, .changed = node, .base = base, .keep = keep, .lists = true };
        assert_int_equal(ss_profile_remeasure(f->ctx, f->g, f->q, &again, scores[0], &next), SS_OK);
        assert_int_equal(ss_profile_measure(f->ctx, f->g, f->e, f->q, f->d, &f->norm, whole[0], &fresh), SS_OK);
        assert_memory_equal(scores, whole, sizeof scores);
        same_profile(next, fresh);
        if (!keep) ends_at(f, &again, node + (int32_t)(seed >> 8) % (f->g->n - node), next);
        ss_profile_free(fresh);
        ss_profile_free(keep ? base : next);
        if (keep) base = next;
        else raise_relu(f, node, before);
    }
    ss_profile_free(base);
    ss_thresholds_uniform(f->g, 0);
    assert_int_equal(ss_quant_set_thresholds(f->q, f->g), SS_OK);
}

static void replays_are_exact(void **state) {
    fixture *f = *state;
    const int64_t memories[] = { 0, 4166 * IMAGES, 12500 * IMAGES, 64 << 20 };
    int64_t kept = -1;
    for (int i = 0; i < 4; i++) {
        ss_replay *r;
        assert_int_equal(ss_replay_new(f->ctx, f->e, f->g, f->d, &f->norm, memories[i], &r), SS_OK);
        assert_true(ss_replay_bytes(r) <= memories[i] && ss_replay_bytes(r) >= kept);
        kept = ss_replay_bytes(r);
        every_remeasurement_is_a_whole_run(f, r, true);
        every_remeasurement_is_a_whole_run(f, r, false);
        ss_replay_free(r);
    }
    assert_true(kept > 0);
}

/* With room for all, a change near the end costs the end only. */
static void a_late_change_is_a_short_run(void **state) {
    fixture *f = *state;
    ss_replay *r;
    float scores[IMAGES][CLASSES];
    int32_t last = f->g->n - 1;
    while (!f->g->nodes[last].act.on) last--;
    assert_int_equal(ss_replay_new(f->ctx, f->e, f->g, f->d, &f->norm, 64 << 20, &r), SS_OK);
    assert_int_equal(ss_replay_start(r, last), 0); /* nothing is kept yet */
    assert_int_equal(ss_replay_run(r, 0, 0, IMAGES, true, NULL, scores[0]), SS_OK);
    assert_true(ss_replay_start(r, last) >= f->g->n / 2 && ss_replay_start(r, last) <= last);
    assert_int_equal(ss_replay_start(r, 0), 0);
    ss_replay_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replays_are_exact),
        cmocka_unit_test(a_late_change_is_a_short_run),
    };
    return cmocka_run_group_tests(tests, start, finish);
}
