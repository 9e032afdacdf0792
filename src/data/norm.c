/* Normalisation of images: from --mean and --std, or from MODEL.input.json beside the model.
 *
 *   {"format": "cifar10", "mean": [0.4914, 0.4822, 0.4465], "std": [0.2470, 0.2435, 0.2616]}
 *
 * There is no default: a network fed with the wrong normalisation still gives numbers, only wrong ones. */
#include "base/json.h"
#include "data/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_CHANNELS ((int32_t)(sizeof((ss_norm *)0)->mean / sizeof(float)))
#define MAX_SIDE_FILE ((size_t)1 << 20)

static ss_status check_value(ss_ctx *ctx, const char *where, const char *what, int32_t channel, double v) {
    bool is_std = strcmp(what, "std") == 0;
    if (isfinite((float)v) && (!is_std || (float)v > 0)) return SS_OK;
    return ss_error(ctx, SS_AT(where), "give the values that the network was trained with",
                    "the %s of channel %d is %g; it must be a number%s", what, channel, v, is_std ? " above 0" : "");
}

static ss_status wrong_count(ss_ctx *ctx, const char *where, const char *what, size_t found, int32_t channels) {
    return ss_error(ctx, SS_AT(where), "give one number for each channel of the network's input",
                    "%s has %zu values, but the network's input has %d channels", what, found, channels);
}

/* ---- "0.49,0.48,0.45" ---- */

static size_t count_fields(const char *text) {
    size_t n = 1;
    for (; *text; text++) n += *text == ',';
    return n;
}

static ss_status parse_list(ss_ctx *ctx, const char *option, const char *what, const char *text, int32_t channels,
                            float *out) {
    if (count_fields(text) != (size_t)channels) return wrong_count(ctx, option, what, count_fields(text), channels);
    ss_status s = SS_OK;
    for (int32_t c = 0; c < channels; c++) {
        char *end;
        double v = strtod(text, &end);
        if (end == text || (*end != ',' && *end != '\0'))
            return ss_error(ctx, (ss_where){ option, NULL, text }, "separate numbers by commas, without spaces",
                            "value %d is not a number", c + 1);
        if (check_value(ctx, option, what, c, v) != SS_OK) s = SS_BAD;
        out[c] = (float)v;
        text = end + 1;
    }
    return s;
}

static ss_status from_options(ss_ctx *ctx, const char *mean, const char *std, ss_norm *out) {
    if (!mean || !std)
        return ss_error(ctx, SS_AT(mean ? "--mean" : "--std"), "give both or neither", "--%s is missing",
                        mean ? "std" : "mean");
    ss_status m = parse_list(ctx, "--mean", "mean", mean, out->channels, out->mean);
    ss_status s = parse_list(ctx, "--std", "std", std, out->channels, out->std);
    return m == SS_OK ? s : SS_BAD;
}

/* ---- MODEL.input.json ---- */

static ss_status read_list(ss_ctx *ctx, const char *path, const json_t *j, const char *key, int32_t channels,
                           float *out) {
    json_t *list;
    if (ss_json_get_array(ctx, path, j, key, &list) != SS_OK) return SS_BAD;
    if (json_array_size(list) != (size_t)channels)
        return wrong_count(ctx, path, key, json_array_size(list), channels);
    ss_status s = SS_OK;
    for (int32_t c = 0; c < channels; c++) {
        const json_t *v = json_array_get(list, (size_t)c);
        double value = json_is_number(v) ? json_number_value(v) : NAN;
        if (check_value(ctx, path, key, c, value) != SS_OK) s = SS_BAD;
        out[c] = (float)value;
    }
    return s;
}

static ss_status from_json(ss_ctx *ctx, const char *path, const json_t *j, ss_norm *out) {
    const char *format;
    ss_status s = ss_json_get_str(ctx, path, j, "format", &format);
    if (s == SS_OK && strcmp(format, "cifar10") != 0)
        s = ss_error(ctx, SS_AT(path), "write \"cifar10\": records of one label byte and planar pixel bytes",
                     "the input format \"%s\" is not known", format);
    if (read_list(ctx, path, j, "mean", out->channels, out->mean) != SS_OK) s = SS_BAD;
    if (read_list(ctx, path, j, "std", out->channels, out->std) != SS_OK) s = SS_BAD;
    return s;
}

static ss_status from_file(ss_ctx *ctx, const char *path, ss_norm *out) {
    uint8_t *data;
    size_t len;
    json_error_t err;
    if (access(path, F_OK) != 0)
        return ss_error(ctx, SS_AT(path),
                        "give --mean and --std, or write that file: "
                        "{\"format\":\"cifar10\",\"mean\":[...],\"std\":[...]}",
                        "the normalisation of the images is not known: no --mean and --std, and no such file");
    if (ss_file_read(ctx, path, MAX_SIDE_FILE, &data, &len) != SS_OK) return SS_BAD;
    json_t *j = json_loadb((const char *)data, len, JSON_REJECT_DUPLICATES, &err);
    ss_free(ctx, data);
    if (!j)
        return ss_error(ctx, SS_AT(path), "correct the file, or give --mean and --std", "not valid JSON: line %d: %s",
                        err.line, err.text);
    ss_status s = from_json(ctx, path, j, out);
    json_decref(j);
    return s;
}

/* resnet.onnx -> resnet.input.json */
static ss_status beside_model(ss_ctx *ctx, const char *model, ss_buf *path) {
    size_t n = strlen(model);
    if (n > 5 && strcmp(model + n - 5, ".onnx") == 0) n -= 5;
    ss_buf_init(path, ctx);
    ss_buf_add(path, model, n);
    ss_buf_printf(path, ".input.json");
    return path->failed ? SS_BAD : SS_OK;
}

ss_status ss_norm_load(ss_ctx *ctx, const char *model_path, const char *mean_text, const char *std_text,
                       int32_t channels, ss_norm *out) {
    *out = (ss_norm){ .channels = channels };
    if (channels < 1 || channels > MAX_CHANNELS)
        return ss_error(ctx, SS_AT(model_path), "use a network whose input has 1 to 4 channels",
                        "the network's input has %d channels", channels);
    if (mean_text || std_text) return from_options(ctx, mean_text, std_text, out);
    ss_buf path;
    ss_status s = beside_model(ctx, model_path, &path);
    if (s == SS_OK) s = from_file(ctx, path.data, out);
    ss_buf_free(&path);
    return s;
}
