/* The simulated interval against the model's, split by cause: the partition is simulated again with FIFOs of
 * joins without end, with work that is even within each image, and with work that is even over all; what each
 * step gains is what its cause costs. */
#include "sim/lanes.h"
#include "sim/parts.h"

#include <string.h>

/* As many beats as before, the same for each window but for rounding: of each image by itself, or of all. Words of a
 * period apart are even among themselves. */
static void even_out(const struct beats_layer *from, int64_t images, int64_t phase, bool over_images, uint16_t *to) {
    const int64_t step = from->period, words = from->words / step;
    int64_t sum = 0;
    for (int64_t i = 0; i < images * words; i++) sum += from->data[i * step + phase];
    for (int64_t i = 0; i < images; i++) {
        const uint16_t *image = from->data + i * from->words + phase;
        int64_t own = 0, done = 0, before = over_images ? i * words : 0;
        for (int64_t w = 0; w < words; w++) own += image[w * step];
        const double each =
            over_images ? (double)sum / (double)(images * words) : (double)own / (double)words;
        done = (int64_t)((double)before * each + 0.5);
        for (int64_t w = 0; w < words; w++) {
            const int64_t next = (int64_t)((double)(before + w + 1) * each + 0.5);
            to[(i * words + w) * step + phase] = (uint16_t)(next - done);
            done = next;
        }
    }
}

/* b with work evened out; what it points at lives in `a`. */
static ss_status even_beats(const beats *b, bool over_images, ss_arena *a, beats *out) {
    *out = *b;
    out->layer = ss_arena_alloc(a, (size_t)b->layers + 1, sizeof *out->layer);
    if (!out->layer) return SS_BAD;
    for (int32_t i = 0; i < b->layers; i++) {
        out->layer[i] = b->layer[i];
        out->layer[i].data =
            ss_arena_alloc(a, (size_t)(b->images * b->layer[i].words + LANES), sizeof *out->layer[i].data);
        if (!out->layer[i].data) return SS_BAD;
        for (int64_t k = 0; k < b->layer[i].period; k++)
            even_out(&b->layer[i], b->images, k, over_images, out->layer[i].data);
    }
    return SS_OK;
}

static ss_status interval_of(const trial *x, double *interval) {
    ss_arena *a = ss_arena_new(x->r->ctx);
    trial_result v = { 0 };
    ss_status s = a ? trial_run(x, a, &v) : SS_BAD;
    *interval = v.interval;
    ss_arena_free(a);
    return s;
}

static ss_status with_even(trial x, bool over_images, double *interval) {
    beats even;
    ss_arena *a = ss_arena_new(x.r->ctx);
    ss_status s = a ? even_beats(x.b, over_images, a, &even) : SS_BAD;
    x.b = &even;
    if (s == SS_OK) s = interval_of(&x, interval);
    ss_arena_free(a);
    return s;
}

ss_status sim_split_loss(const ss_rtl *r, int32_t part, const beats *b, ss_sim_partition *p) {
    trial x = { .r = r, .part = part, .b = b, .images = b->images };
    ss_rtl_depth *depths;
    double deep, even, same;
    if (b->images < 2) return SS_OK;
    ss_arena *a = ss_arena_new(r->ctx);
    ss_status s = a ? trial_endless(&x, a, &depths, &x.n) : SS_BAD;
    x.depths = s == SS_OK ? depths : NULL;
    if (s == SS_OK) s = interval_of(&x, &deep);
    if (s == SS_OK) s = with_even(x, false, &even);
    if (s == SS_OK) s = with_even(x, true, &same);
    if (s == SS_OK)
        p->loss = (ss_sim_loss){ .known = true,
                                 .waits = same, /* less the model's interval, which is not known yet */
                                 .images = even - same,
                                 .bursts = deep - even,
                                 .joins = p->interval.mean - deep };
    ss_arena_free(a);
    return s;
}
