/* Datasets: CIFAR-10 style records from a file or a folder of files.
 *
 * Two walks over the files: the first sizes them all and reports every one that cannot be right, the second reads each
 * record straight to its place, so a dataset needs its own size in memory and no more. The limit is applied between
 * the two: what is beyond it is never read. */
#include "data/data.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- in memory ---- */

static size_t image_size(const ss_dataset *d) { return (size_t)ss_shape_size(d->shape); }

ss_status ss_dataset_new(ss_ctx *ctx, ss_shape shape, int64_t n, ss_dataset **out) {
    *out = NULL;
    ss_dataset *d = ss_alloc(ctx, 1, sizeof *d);
    if (!d) return SS_BAD;
    *d = (ss_dataset){ .ctx = ctx, .shape = shape, .n = n };
    uint8_t *p = ss_alloc(ctx, (size_t)n, image_size(d) + 1);
    if (!p) {
        ss_free(ctx, d);
        return SS_BAD;
    }
    d->owner = p;
    d->pixels = p;
    d->labels = p + (size_t)n * image_size(d);
    *out = d;
    return SS_OK;
}

void ss_dataset_free(ss_dataset *d) {
    if (!d) return;
    ss_free(d->ctx, d->owner);
    ss_free(d->ctx, d);
}

void ss_dataset_record(ss_dataset *d, int64_t i, uint8_t **label, uint8_t **pixels) {
    uint8_t *p = d->owner;
    *pixels = p + (size_t)i * image_size(d);
    *label = p + (size_t)d->n * image_size(d) + i;
}

uint64_t ss_dataset_hash(const ss_dataset *d) {
    const int64_t head[] = { d->n, d->shape.c, d->shape.h, d->shape.w };
    uint64_t h = ss_hash(head, sizeof head, 0);
    h = ss_hash(d->pixels, (size_t)d->n * image_size(d), h);
    return ss_hash(d->labels, (size_t)d->n, h);
}
