/* job: what every command on images begins with: a model, its normalisation, images, the integer network. */
#ifndef SS_JOB_H
#define SS_JOB_H

#include "cli/cli.h"
#include "infer/infer.h"
#include "profile/joint.h"
#include "threshold/threshold.h"

/* Rows for a command's option table. */
#define SS_BITS_OPT                                                                                          \
    { "bits", "16|8", "arithmetic (default 16)", false }
#define SS_NORM_OPTS                                                                                         \
    { "mean", "A,B,C", "input normalisation: mean per channel, of pixels in 0..1", false }, {                \
        "std", "A,B,C", "and standard deviation", false                                                      \
    }
#define SS_JOB_OPTS                                                                                          \
    SS_BITS_OPT, { "calib", "C", "images for value ranges, or a saved calibration (.json)", false }, SS_NORM_OPTS
#define SS_DEAL_OPT                                                                                          \
    { "deal", "HOW", "order of channels: joint (default: by what streams wait for on images), means or none", false }
#define SS_DEVICE_OPTS                                                                                       \
    { "device", "NAME|FILE", "a known board (u250, zcu104, ...) or a file that describes one", true },       \
        { "batch", "N", "images between reconfigurations (default 256)", false }, {                          \
        "cap", "LUT=0.8,...", "usable fraction of each resource", false                                      \
    }

#define SS_ENGINE_OPT                                                                                        \
    { "engine", "KINDS", "auto (default: each layer its best), or of dense, crossbar, broadcast, with commas", false }

#define SS_CORRECT_OPT                                                                                       \
    { "correct-bias", "D", "images: fold half of the mean that thresholds remove into the biases behind", false }

/* For commands that take a design. */
#define SS_MODEL_OPT                                                                                         \
    { "model", "MODEL", "the model, when it is not where the design says", false }

typedef struct ss_job {
    ss_cli *cli;
    ss_ctx *ctx;
    ss_graph *g;
    ss_norm norm;
    int32_t classes;
    int bits;
    ss_calib *calib;
    ss_quant *q;
    ss_engine *e;   /* integers */
    char name[128]; /* of the model's file, without folder and .onnx */
} ss_job;

/* Model (operand 0), --bits and normalisation. Every job that was opened, even in vain, is closed. */
ss_status ss_job_open(ss_cli *cli, ss_job *j);
/* The model of a design (operand 0): --model, or where the design says. *path: ss_free it. */
ss_status ss_job_design_model(ss_cli *cli, char **path, ss_graph **g);
void ss_job_close(ss_job *j);
/* How many classes the output scores; an error when it is no vector of scores. */
ss_status ss_job_classes(const ss_graph *g, int32_t *out);
/* Images of the model's shape and classes; limit 0: all. */
ss_status ss_job_images(ss_job *j, const char *path, int64_t limit, ss_dataset **out);
/* Calibrate (spec as --calib; NULL: on the first of d), quantise, and build the engine. */
ss_status ss_job_quantise(ss_job *j, const char *spec, const ss_dataset *d);
/* The two halves of ss_job_quantise, so that channels can be dealt between them: ranges are the model's own. */
ss_status ss_job_calibrate(ss_job *j, const char *spec, const ss_dataset *d);
ss_status ss_job_integers(ss_job *j);
/* Deal the channels of a quantised network, and quantise it anew. */
ss_status ss_job_deal(ss_job *j, const ss_orders *o);
/* --deal, and --order where the command has it: the order of an artefact, or one by the zeros of images d. */
ss_status ss_job_check_dealing(ss_cli *cli, ss_dealing *out);
ss_status ss_job_deal_by(ss_job *j, ss_dealing dealing, const ss_dataset *d);
ss_status ss_job_deal_as(ss_job *j, const char *artefact);
/* Thresholds file, or point of a study, over the network, whose engine is there already. images: correct the biases for
 * them by these images; NULL: the file's, or the model's own. path NULL: nothing. */
ss_status ss_job_thresholds(ss_job *j, const char *path, const char *images);
/* After thresholds, and perhaps biases, changed in the graph: quantised network and engine as well. */
ss_status ss_job_follow(ss_job *j);
/* A correction by the first images there; both to be freed, in vain or not. */
ss_status ss_job_correction(ss_job *j, const char *images, int64_t memory, ss_dataset **d, ss_correction **c);
/* --batch, with the exploration's other defaults. */
ss_status ss_job_explore_opts(ss_cli *cli, ss_explore_opts *out);
/* --engine, as in ss_cost_opts. */
ss_status ss_job_engines(ss_cli *cli, unsigned *out);
/* --device and --cap. */
ss_status ss_job_device(ss_cli *cli, ss_device *out);

#endif
