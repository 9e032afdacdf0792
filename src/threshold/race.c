/* See race.h. */
#include "threshold/race.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TAIL 2 /* of what a part turned, all parts behind it turn at most so much: 2/3 + 4/9 + ... */

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

static ss_status copy_images(ss_race *r, const ss_dataset *d, int64_t most) {
    const size_t row = (size_t)r->classes;
    if (ss_dataset_new(r->ctx, d->shape, most, &r->hard) != SS_OK) return SS_BAD;
    for (int64_t i = 0; i < most; i++) {
        const ss_dataset one = ss_dataset_part(d, r->order[i], r->order[i] + 1);
        uint8_t *label, *pixels;
        ss_dataset_record(r->hard, i, &label, &pixels);
        *label = *one.labels;
        memcpy(pixels, one.pixels, (size_t)ss_shape_size(d->shape));
        memcpy(r->before + (size_t)i * row, r->reference + (size_t)r->order[i] * row, row * sizeof *r->before);
    }
    return SS_OK;
}

ss_status ss_race_open(ss_ctx *ctx, ss_engine *e, const ss_graph *g, const ss_dataset *search, const ss_norm *norm,
                       int64_t memory, const float *reference, int32_t classes, ss_race *r) {
    *r = (ss_race){ .ctx = ctx, .classes = classes, .reference = reference };
    if (search->n < SS_RACE_LEAST) return SS_OK;
    r->n = search->n;
    for (int32_t i = 0; i < SS_RACE_PARTS; i++) r->ends[i] = r->n >> (SS_RACE_PARTS + 1 - i);
    const int64_t most = r->ends[SS_RACE_PARTS - 1];
    r->before = ss_alloc(ctx, (size_t)most, (size_t)classes * sizeof *r->before);
    r->after = ss_alloc(ctx, (size_t)most, (size_t)classes * sizeof *r->after);
    if (!r->before || !r->after || sort_images(r, search, most) != SS_OK || copy_images(r, search, most) != SS_OK ||
        ss_replay_new(ctx, e, g, r->hard, norm, memory, &r->replay) != SS_OK)
        return SS_BAD;
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

ss_status ss_race_run(ss_race *r, int32_t changed, ss_race_limit limit, float *scores, int64_t *judged) {
    const size_t row = (size_t)r->classes;
    int64_t lost = 0, won = 0, first = 0;
    memcpy(scores, r->reference, (size_t)r->n * row * sizeof *scores);
    for (int32_t i = 0; i < SS_RACE_PARTS; i++) {
        const int64_t end = r->ends[i];
        const ss_dataset part = ss_dataset_part(r->hard, first, end);
        float *after = r->after + (size_t)first * row;
        int64_t l, w;
        if (ss_replay_run(r->replay, changed, first, end, false, NULL, after) != SS_OK) return SS_BAD;
        ss_paired_turned(&part, r->before + (size_t)first * row, after, r->classes, &l, &w);
        for (; first < end; first++)
            memcpy(scores + (size_t)r->order[first] * row, r->after + (size_t)first * row, row * sizeof *scores);
        lost += l;
        won += w;
        if (within(r, limit, lost + TAIL * (l + 1), won) || !within(r, limit, lost, won + TAIL * (w + 1))) break;
    }
    *judged = first;
    return SS_OK;
}
