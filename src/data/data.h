/* data: labelled images on disk (CIFAR-10 binary records) and their normalisation.
 *
 * A record is one label byte and c*h*w bytes, planar. A path is a file or a folder (its *.bin, sorted by name).
 */
#ifndef SS_DATA_H
#define SS_DATA_H

#include "base/base.h"
#include "graph/graph.h"

typedef struct ss_dataset {
    ss_ctx *ctx;
    ss_shape shape;
    int64_t n;            /* images */
    const uint8_t *labels; /* [n] */
    const uint8_t *pixels; /* [n][c][h][w] */
    void *owner;          /* the memory behind both: pixels first, labels behind them */
} ss_dataset;

/* Room for n images, all zero, to be filled through ss_dataset_record before it is shared. */
ss_status ss_dataset_new(ss_ctx *ctx, ss_shape shape, int64_t n, ss_dataset **out);
/* Image i for writing: its label and its c*h*w pixels. */
void ss_dataset_record(ss_dataset *d, int64_t i, uint8_t **label, uint8_t **pixels);

/* limit: 0 means all (the CLI refuses a user's --limit 0). classes: labels must be below it. Errors: missing file,
 * length not a multiple of the record, label outside the classes, no records. */
ss_status ss_dataset_load(ss_ctx *ctx, const char *path, ss_shape shape, int32_t classes, int64_t limit,
                          ss_dataset **out);
void ss_dataset_free(ss_dataset *d);
/* A copy of the images which[0..n-1] of d. */
ss_status ss_dataset_pick(const ss_dataset *d, const int64_t *which, int64_t n, ss_dataset **out);
/* Images first..end-1 of d, which keeps owning them. */
ss_dataset ss_dataset_part(const ss_dataset *d, int64_t first, int64_t end);
uint64_t ss_dataset_hash(const ss_dataset *d);
/* Any image of a in b too, labels apart? For search/test overlap. Compares 64-bit hashes of the pixels; out of memory
 * is an SS_ERROR diagnostic and gives false. */
bool ss_dataset_overlaps(const ss_dataset *a, const ss_dataset *b);

/* Pixel p of channel c becomes (p/255 - mean[c]) / std[c]. */
typedef struct ss_norm {
    float mean[4], std[4];
    int32_t channels;
} ss_norm;

/* mean_text/std_text: "a,b,c" from --mean/--std, both or neither; else MODEL.input.json beside the model
 * (resnet.onnx -> resnet.input.json); else an error that says so. */
ss_status ss_norm_load(ss_ctx *ctx, const char *model_path, const char *mean_text, const char *std_text,
                       int32_t channels, ss_norm *out);

#endif
