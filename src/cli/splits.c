/* See splits.h. */
#include "cli/splits.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const names[SS_SPLITS] = { "calibration", "search", "test" };
static const char *const options[SS_SPLITS] = { "calib", "search", "test" };
static const char *const files[SS_SPLITS] = { "calib_batch.bin", "val_batch.bin", "test_batch.bin" };
static const int64_t weights[SS_SPLITS] = { 1, 4, 5 };

static void view(ss_splits *s, int k, const ss_dataset *d, int64_t first, int64_t n) {
    s->part[k] = *d;
    s->part[k].owner = NULL;
    s->part[k].n = n;
    s->part[k].labels = d->labels + first;
    s->part[k].pixels = d->pixels + first * ss_shape_size(d->shape);
}

static ss_status load_whole(ss_job *j, ss_splits *s, int k, const char *path, int64_t limit) {
    snprintf(s->source[k], sizeof s->source[k], "%s", path);
    if (ss_job_images(j, path, k == SS_SPLIT_CALIB ? 0 : limit, &s->file[k]) != SS_OK) return SS_BAD;
    view(s, k, s->file[k], 0, s->file[k]->n);
    return SS_OK;
}

/* ---- --data as a folder with a file for each split ---- */

static void file_in(const char *folder, int k, char *path, size_t size) {
    snprintf(path, size, "%s/%s", folder, files[k]);
}

static bool is_split_folder(const char *data) {
    char path[640];
    bool any = false;
    for (int k = 0; k < SS_SPLITS; k++) {
        file_in(data, k, path, sizeof path);
        any |= access(path, R_OK) == 0;
    }
    return any;
}

static ss_status load_files(ss_job *j, ss_splits *s, const char *data, int64_t limit) {
    ss_status status = SS_OK;
    char path[640];
    for (int k = 0; k < SS_SPLITS; k++) {
        if (s->file[k]) continue;
        file_in(data, k, path, sizeof path);
        if (load_whole(j, s, k, path, limit) != SS_OK) status = SS_BAD;
    }
    return status;
}

/* ---- --data divided by ranges of records ---- */

static ss_status divide(ss_job *j, ss_splits *s, const char *data, int64_t limit) {
    ss_dataset *d;
    if (ss_job_images(j, data, 0, &d) != SS_OK) return SS_BAD;
    s->file[SS_SPLITS] = d;
    int64_t total = 0, before = 0;
    for (int k = 0; k < SS_SPLITS; k++) total += s->file[k] ? 0 : weights[k];
    if (d->n < total)
        return ss_error(j->ctx, SS_AT(data), "give more images, or --calib, --search and --test",
                        "%" PRId64 " images are too few to divide", d->n);
    for (int k = 0; k < SS_SPLITS; k++) {
        if (s->file[k]) continue;
        int64_t first = d->n / total * before, n = d->n / total * weights[k];
        if (limit && k != SS_SPLIT_CALIB && n > limit) n = limit;
        before += weights[k];
        view(s, k, d, first, n);
        snprintf(s->source[k], sizeof s->source[k], "%.500s, records %" PRId64 "..%" PRId64, data, first,
                 first + n - 1);
        ss_say(j->cli, "%s: %s\n", names[k], s->source[k]);
    }
    return SS_OK;
}

/* ---- images for corrected biases ---- */

static ss_status load_correct(ss_job *j, ss_splits *s) {
    const char *given = ss_arg(j->cli, "correct-bias");
    if (!given) return SS_OK;
    const char *source = given;
    for (int k = 0; k < SS_SPLIT_TEST; k++)
        if (strcmp(given, options[k]) == 0) {
            s->correct = s->part[k];
            source = s->source[k];
        }
    if (s->correct.n == 0) {
        ss_dataset **file = &s->file[SS_SPLITS + 1];
        if (ss_job_images(j, given, SS_CORRECT_IMAGES, file) != SS_OK) return SS_BAD;
        s->correct = **file;
    }
    if (s->correct.n > SS_CORRECT_IMAGES) s->correct.n = SS_CORRECT_IMAGES;
    s->correct_data = (ss_study_data){ source, ss_dataset_hash(&s->correct), s->correct.n };
    return SS_OK;
}

static ss_status check_disjoint(ss_job *j, const ss_splits *s) {
    const ss_dataset *test = &s->part[SS_SPLIT_TEST];
    for (int k = 0; k < SS_SPLIT_TEST; k++)
        if (ss_dataset_overlaps(&s->part[k], test))
            ss_error(j->ctx, SS_AT(s->source[SS_SPLIT_TEST]), "take disjoint splits",
                     "shares images with the %s split (%s)", names[k], s->source[k]);
    if (s->correct.n > 0 && s->file[SS_SPLITS + 1] && ss_dataset_overlaps(&s->correct, test))
        ss_error(j->ctx, SS_AT(s->correct_data.source), "take images of another split",
                 "shares images with the test split (%s)", s->source[SS_SPLIT_TEST]);
    return ss_diag_errors(j->ctx) ? SS_BAD : SS_OK;
}

ss_status ss_splits_load(ss_job *j, int64_t limit, ss_splits *out) {
    const char *data = ss_arg(j->cli, "data");
    bool rest = false;
    ss_status s = SS_OK;
    *out = (ss_splits){ 0 };
    for (int k = 0; k < SS_SPLITS; k++) {
        const char *path = ss_arg(j->cli, options[k]);
        if (!path) rest = true;
        else if (load_whole(j, out, k, path, limit) != SS_OK) s = SS_BAD;
    }
    if (rest && !data)
        s = ss_error(j->ctx, SS_AT("--data"), "give it, or --calib, --search and --test", "is missing: not all splits are named");
    if (s == SS_OK && rest)
        s = is_split_folder(data) ? load_files(j, out, data, limit) : divide(j, out, data, limit);
    if (s != SS_OK) return s;
    for (int k = 0; k < SS_SPLITS; k++)
        out->data[k] = (ss_study_data){ out->source[k], ss_dataset_hash(&out->part[k]), out->part[k].n };
    if (load_correct(j, out) != SS_OK) return SS_BAD;
    return check_disjoint(j, out);
}

void ss_splits_free(ss_splits *s) {
    for (int k = 0; k < SS_SPLITS + 2; k++) ss_dataset_free(s->file[k]);
    *s = (ss_splits){ 0 };
}
