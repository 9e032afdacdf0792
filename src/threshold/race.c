/* See race.h. */
#include "threshold/race.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FALL (1.0 / 3) /* what is left of the share of images turned, from part to part, at the least */

/* ---- order ---- */

typedef struct place {
    float margin;
    int64_t image;
} place;

static int by_margin(const void *a, const void *b) {
    const place *p = a, *q = b;
    if (p->margin != q->margin) return p->margin < q->margin ? -1 : 1;
    return (p->image > q->image) - (p->image < q->image);
}

static float margin_of(const float *scores, int32_t classes, int32_t label) {
    float other = -INFINITY;
    for (int32_t c = 0; c < classes; c++)
        if (c != label) other = fmaxf(other, scores[c]);
    return fabsf(scores[label] - other);
}

static ss_status sort_images(ss_race *r, const ss_dataset *d, int64_t most) {
    place *all = ss_alloc(r->ctx, (size_t)d->n, sizeof *all);
    r->order = ss_alloc(r->ctx, (size_t)most, sizeof *r->order);
    if (all && r->order) {
        for (int64_t i = 0; i < d->n; i++)
            all[i] = (place){ margin_of(r->reference + i * r->classes, r->classes, d->labels[i]), i };
        qsort(all, (size_t)d->n, sizeof *all, by_margin);
        for (int64_t i = 0; i < most; i++) r->order[i] = all[i].image;
    }
    ss_free(r->ctx, all);
    return all && r->order ? SS_OK : SS_BAD;
}

ss_status ss_race_open(ss_ctx *ctx, ss_engine *e, const ss_graph *g, const ss_dataset *search, const ss_norm *norm,
                       int64_t memory, const float *reference, int32_t classes, ss_race *r) {
    *r = (ss_race){ .ctx = ctx, .classes = classes, .reference = reference };
    if (search->n < SS_RACE_LEAST) return SS_OK;
    r->n = search->n;
    for (int32_t i = 0; i < SS_RACE_PARTS; i++) r->ends[i] = r->n >> (SS_RACE_PARTS - i);
    const int64_t most = r->ends[SS_RACE_PARTS - 1];
    r->before = ss_alloc(ctx, (size_t)most, (size_t)classes * sizeof *r->before);
    r->after = ss_alloc(ctx, (size_t)most, (size_t)classes * sizeof *r->after);
    if (!r->before || !r->after || sort_images(r, search, most) != SS_OK ||
        ss_dataset_pick(search, r->order, most, &r->hard) != SS_OK ||
        ss_replay_new(ctx, e, g, r->hard, norm, memory, &r->replay) != SS_OK)
        return SS_BAD;
    for (int64_t i = 0; i < most; i++)
        memcpy(r->before + i * classes, reference + r->order[i] * classes, (size_t)classes * sizeof *reference);
    return ss_replay_run(r->replay, 0, 0, most, true, NULL, r->after);
}

void ss_race_close(ss_race *r) {
    if (!r->ctx) return;
    ss_replay_free(r->replay);
    ss_dataset_free(r->hard);
    ss_free(r->ctx, r->order);
    ss_free(r->ctx, r->before);
    ss_free(r->ctx, r->after);
}

/* ---- judgement ---- */

static bool within(const ss_race *r, ss_race_limit limit, int64_t lost, int64_t won) {
    double loss, lo, hi;
    ss_paired_interval(lost, won, r->n, &loss, &lo, &hi);
    return (limit.safe ? hi : loss) <= limit.loss;
}

/* How many more images turn behind part i, when of its images and of those of the part before `now` and `before` did: every
 * later part is twice as long, and the share of its images that turn falls as it fell last. */
static double tail(const ss_race *r, int32_t i, int64_t now, int64_t before) {
    const double length = (double)(r->ends[i] - (i > 0 ? r->ends[i - 1] : 0));
    const double earlier = i > 0 ? (double)(r->ends[i - 1] - (i > 1 ? r->ends[i - 2] : 0)) : 0;
    double share = (double)(now + 1) / length, fall = 1, sum = 0;
    if (i > 0) fall = fmin(fmax(share / ((double)(before + 1) / earlier), FALL), 1);
    for (int64_t at = r->ends[i]; at < r->n; at *= 2) {
        share *= fall;
        sum += share * (double)(2 * at < r->n ? at : r->n - at);
    }
    return sum;
}

static int64_t positive(int64_t x) { return x > 0 ? x : 0; }

/* Are more images unlikely to change the verdict? lost, won: by part, up to part i. */
static bool clear(const ss_race *r, ss_race_limit limit, int32_t i, const int64_t *lost, const int64_t *won) {
    int64_t l = 0, w = 0;
    for (int32_t k = 0; k <= i; k++) {
        l += lost[k];
        w += won[k];
    }
    const int32_t b = i > 0 ? i - 1 : 0;
    const double losing = tail(r, i, lost[i], lost[b]);
    const double winning = tail(r, i, positive(won[i] - lost[i]), positive(won[b] - lost[b]));
    return within(r, limit, l + (int64_t)ceil(losing), w) || !within(r, limit, l, w + (int64_t)ceil(winning));
}

ss_status ss_race_run(ss_race *r, int32_t changed, ss_race_limit limit, float *scores, int64_t *judged) {
    const size_t row = (size_t)r->classes;
    int64_t lost[SS_RACE_PARTS], won[SS_RACE_PARTS], first = 0;
    memcpy(scores, r->reference, (size_t)r->n * row * sizeof *scores);
    for (int32_t i = 0; i < SS_RACE_PARTS; i++) {
        const int64_t end = r->ends[i];
        const ss_dataset part = ss_dataset_part(r->hard, first, end);
        float *after = r->after + (size_t)first * row;
        if (ss_replay_run(r->replay, changed, first, end, false, NULL, after) != SS_OK) return SS_BAD;
        ss_paired_turned(&part, r->before + (size_t)first * row, after, r->classes, &lost[i], &won[i]);
        for (; first < end; first++)
            memcpy(scores + (size_t)r->order[first] * row, r->after + (size_t)first * row, row * sizeof *scores);
        if (clear(r, limit, i, lost, won)) break;
    }
    *judged = first;
    return SS_OK;
}
