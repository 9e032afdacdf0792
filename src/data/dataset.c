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

ss_status ss_dataset_pick(const ss_dataset *d, const int64_t *which, int64_t n, ss_dataset **out) {
    const size_t size = image_size(d);
    if (ss_dataset_new(d->ctx, d->shape, n, out) != SS_OK) return SS_BAD;
    for (int64_t i = 0; i < n; i++) {
        uint8_t *label, *pixels;
        ss_dataset_record(*out, i, &label, &pixels);
        *label = d->labels[which[i]];
        memcpy(pixels, d->pixels + (size_t)which[i] * size, size);
    }
    return SS_OK;
}

ss_dataset ss_dataset_part(const ss_dataset *d, int64_t first, int64_t end) {
    ss_dataset part = *d;
    part.owner = NULL;
    part.n = end - first;
    part.labels += first;
    part.pixels += (size_t)first * image_size(d);
    return part;
}

uint64_t ss_dataset_hash(const ss_dataset *d) {
    const int64_t head[] = { d->n, d->shape.c, d->shape.h, d->shape.w };
    uint64_t h = ss_hash(head, sizeof head, 0);
    h = ss_hash(d->pixels, (size_t)d->n * image_size(d), h);
    return ss_hash(d->labels, (size_t)d->n, h);
}

/* ---- which files ---- */

typedef struct source {
    char *path;
    int64_t records;
} source;

typedef struct sources {
    ss_ctx *ctx;
    source *files;
    size_t n, cap;
} sources;

static void free_sources(sources *s) {
    for (size_t i = 0; i < s->n; i++) ss_free(s->ctx, s->files[i].path);
    ss_free(s->ctx, s->files);
}

/* folder NULL: name is the whole path. */
static ss_status add_source(sources *s, const char *folder, const char *name) {
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 16;
        source *files = ss_realloc(s->ctx, s->files, cap, sizeof *files);
        if (!files) return SS_BAD;
        s->files = files;
        s->cap = cap;
    }
    ss_buf path;
    ss_buf_init(&path, s->ctx);
    ss_buf_printf(&path, "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
    if (path.failed) {
        ss_buf_free(&path);
        return SS_BAD;
    }
    s->files[s->n++] = (source){ .path = path.data };
    return SS_OK;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const source *)a)->path, ((const source *)b)->path);
}

static bool is_bin(const char *name) {
    size_t n = strlen(name);
    return n > 4 && name[0] != '.' && strcmp(name + n - 4, ".bin") == 0;
}

static ss_status list_folder(sources *s, const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir)
        return ss_error(s->ctx, SS_AT(folder), "check the path and its permissions", "cannot open: %s",
                        strerror(errno));
    ss_status status = SS_OK;
    for (struct dirent *e; status == SS_OK && (e = readdir(dir));)
        if (is_bin(e->d_name)) status = add_source(s, folder, e->d_name);
    closedir(dir);
    if (status == SS_OK && s->n == 0)
        return ss_error(s->ctx, SS_AT(folder), "name a file of CIFAR-10 binary records, or a folder with *.bin files",
                        "no *.bin file in this folder");
    if (s->n) qsort(s->files, s->n, sizeof *s->files, by_path);
    return status;
}

static ss_status list_sources(sources *s, const char *path) {
    struct stat st;
    if (stat(path, &st) != 0)
        return ss_error(s->ctx, SS_AT(path), "check the path and its permissions", "cannot open: %s", strerror(errno));
    return S_ISDIR(st.st_mode) ? list_folder(s, path) : add_source(s, NULL, path);
}

/* ---- first walk: sizes ---- */

static ss_status size_source(ss_ctx *ctx, source *f, ss_shape shape) {
    struct stat st;
    char text[40];
    int64_t record = ss_shape_size(shape) + 1;
    ss_shape_text(shape, text);
    ss_where at = { f->path, NULL, text };
    if (stat(f->path, &st) != 0)
        return ss_error(ctx, at, "check the path and its permissions", "cannot open: %s", strerror(errno));
    if (!S_ISREG(st.st_mode)) return ss_error(ctx, at, "name a file or a folder", "not a regular file");
    if (st.st_size == 0) return ss_error(ctx, at, "check the file", "no records: the file is empty");
    if (st.st_size % record != 0)
        return ss_error(ctx, at, "check that the file is complete, and its images of the size of the network's input",
                        "%lld bytes are not a multiple of %lld, the record of one label byte and %lld pixel bytes",
                        (long long)st.st_size, (long long)record, (long long)record - 1);
    f->records = st.st_size / record;
    return SS_OK;
}

static ss_status size_sources(sources *s, ss_shape shape, int64_t *total) {
    ss_status status = SS_OK;
    *total = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (size_source(s->ctx, &s->files[i], shape) != SS_OK) status = SS_BAD;
        *total += s->files[i].records;
    }
    return status;
}

/* ---- second walk: records ---- */

typedef struct loader {
    ss_dataset *d;
    int32_t classes;
    int64_t at;       /* records read so far, over all files */
    int64_t outside;  /* labels not below classes */
    const char *first_path;
    int64_t first_record;
    int first_label;
} loader;

static void check_label(loader *l, const source *f, int64_t record, int label) {
    if (label < l->classes) return;
    if (l->outside++ > 0) return;
    l->first_path = f->path;
    l->first_record = record;
    l->first_label = label;
}

static ss_status read_records(loader *l, const source *f, FILE *file) {
    int64_t left = l->d->n - l->at, count = f->records < left ? f->records : left;
    for (int64_t i = 0; i < count; i++, l->at++) {
        uint8_t *label, *pixels;
        ss_dataset_record(l->d, l->at, &label, &pixels);
        if (fread(label, 1, 1, file) != 1 || fread(pixels, 1, image_size(l->d), file) != image_size(l->d))
            return ss_error(l->d->ctx, SS_AT(f->path), "check the disk and the file", "cannot read record %lld",
                            (long long)i);
        check_label(l, f, i, *label);
    }
    return SS_OK;
}

static ss_status read_source(loader *l, const source *f) {
    FILE *file = fopen(f->path, "rb");
    if (!file)
        return ss_error(l->d->ctx, SS_AT(f->path), "check the path and its permissions", "cannot open: %s",
                        strerror(errno));
    ss_status s = read_records(l, f, file);
    fclose(file);
    return s;
}

static ss_status read_sources(const sources *s, ss_dataset *d, int32_t classes) {
    loader l = { .d = d, .classes = classes };
    for (size_t i = 0; i < s->n && l.at < d->n; i++)
        if (read_source(&l, &s->files[i]) != SS_OK) return SS_BAD;
    if (!l.outside) return SS_OK;
    return ss_error(d->ctx, SS_AT(l.first_path), "use the data that the network was trained for",
                    "%lld of %lld labels are outside the network's %d classes; the first is %d in record %lld",
                    (long long)l.outside, (long long)d->n, classes, l.first_label, (long long)l.first_record);
}

ss_status ss_dataset_load(ss_ctx *ctx, const char *path, ss_shape shape, int32_t classes, int64_t limit,
                          ss_dataset **out) {
    sources s = { .ctx = ctx };
    ss_dataset *d = NULL;
    int64_t total = 0;
    *out = NULL;
    ss_status status = list_sources(&s, path);
    if (status == SS_OK) status = size_sources(&s, shape, &total);
    if (limit > 0 && total > limit) total = limit;
    if (status == SS_OK) status = ss_dataset_new(ctx, shape, total, &d);
    if (status == SS_OK) status = read_sources(&s, d, classes);
    free_sources(&s);
    if (status == SS_OK) *out = d;
    else ss_dataset_free(d);
    return status;
}

/* ---- overlap ---- */

static int by_hash(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t *image_hashes(const ss_dataset *d) {
    uint64_t *h = ss_alloc(d->ctx, (size_t)d->n, sizeof *h);
    for (int64_t i = 0; h && i < d->n; i++) h[i] = ss_hash(d->pixels + (size_t)i * image_size(d), image_size(d), 0);
    if (h) qsort(h, (size_t)d->n, sizeof *h, by_hash);
    return h;
}

bool ss_dataset_overlaps(const ss_dataset *a, const ss_dataset *b) {
    if (image_size(a) != image_size(b)) return false;
    uint64_t *x = image_hashes(a), *y = x ? image_hashes(b) : NULL;
    bool found = false;
    for (int64_t i = 0, k = 0; x && y && !found && i < a->n && k < b->n;) {
        if (x[i] == y[k]) found = true;
        else if (x[i] < y[k]) i++;
        else k++;
    }
    ss_free(a->ctx, x);
    ss_free(b->ctx, y);
    return found;
}
