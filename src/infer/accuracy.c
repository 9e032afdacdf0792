/* Accuracy of scores against labels, with intervals.
 *
 * Wilson score interval for a proportion (E. B. Wilson, 1927); the paired difference of two proportions with the
 * variance of the discordant pairs (McNemar's setting). */
#include "infer/infer.h"

#include <math.h>

#define Z95 1.959963984540054 /* two-sided 95 % of the normal distribution */

/* How many classes are ranked before the label; ties go to the lower class. A NaN score of the label ranks last. */
static int32_t rank_of(const float *scores, int32_t classes, int32_t label) {
    int32_t before = 0;
    const float own = scores[label];
    for (int32_t c = 0; c < classes; c++) {
        if (c == label) continue;
        const bool behind = own > scores[c] || (own == scores[c] && label < c);
        if (!behind) before++;
    }
    return before;
}

static void wilson(int64_t hits, int64_t n, double *percent, double *lo, double *hi) {
    *percent = *lo = *hi = 0;
    if (n <= 0) return;
    const double count = (double)n, p = (double)hits / count, z2 = Z95 * Z95;
    const double centre = (p + z2 / (2 * count)) / (1 + z2 / count);
    const double half = Z95 / (1 + z2 / count) * sqrt(p * (1 - p) / count + z2 / (4 * count * count));
    *percent = 100 * p;
    *lo = 100 * fmax(centre - half, 0);
    *hi = 100 * fmin(centre + half, 1);
}

void ss_accuracy_of(const ss_dataset *d, const float *scores, int32_t classes, ss_accuracy *out) {
    *out = (ss_accuracy){ .images = d->n };
    for (int64_t i = 0; i < d->n; i++) {
        const int32_t rank = rank_of(scores + i * classes, classes, d->labels[i]);
        out->top1_hits += rank < 1;
        out->top5_hits += rank < 5;
    }
    wilson(out->top1_hits, d->n, &out->top1, &out->top1_lo, &out->top1_hi);
    wilson(out->top5_hits, d->n, &out->top5, &out->top5_lo, &out->top5_hi);
}

void ss_paired_turned(const ss_dataset *d, const float *a, const float *b, int32_t classes, int64_t *lost, int64_t *won) {
    *lost = *won = 0;
    for (int64_t i = 0; i < d->n; i++) {
        const bool before = rank_of(a + i * classes, classes, d->labels[i]) == 0;
        const bool after = rank_of(b + i * classes, classes, d->labels[i]) == 0;
        *lost += before && !after;
        *won += !before && after;
    }
}

void ss_paired_interval(int64_t lost, int64_t won, int64_t images, double *loss, double *lo, double *hi) {
    const double n = images > 0 ? (double)images : 1, diff = (double)(lost - won);
    const double half = Z95 * sqrt(fmax((double)(lost + won) - diff * diff / n, 0)) / n;
    *loss = 100 * diff / n;
    *lo = *loss - 100 * half;
    *hi = *loss + 100 * half;
}

void ss_paired_loss(const ss_dataset *d, const float *a, const float *b, int32_t classes, double *loss, double *lo,
                    double *hi) {
    int64_t lost, won;
    ss_paired_turned(d, a, b, classes, &lost, &won);
    ss_paired_interval(lost, won, d->n, loss, lo, hi);
}
