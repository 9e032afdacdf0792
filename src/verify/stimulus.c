/* stimulus: the reference's tensors, as the hardware's streams carry them.
 *
 * A stream carries a tensor's pixels in order whatever becomes of it, so that FLATTEN is a wire in hardware:
 * its expected words are those of its input, not the reference's channel-major copy. */
#include "verify/parts.h"

#include <stdio.h>
#include <string.h>

static void copy_tensor(void *user, int thread, int64_t image, int32_t node, ss_view v) {
    const ss_stimulus *s = user;
    (void)thread;
    const int64_t pixels = (int64_t)v.shape.h * v.shape.w;
    int16_t *to = s->tensors[node] + image * ss_shape_size(v.shape);
    const int16_t *from = v.data;
    for (int64_t i = 0; i < pixels; i++)
        memcpy(to + i * v.shape.c, from + i * v.stride, (size_t)v.shape.c * sizeof *to);
}

static ss_status allocate(ss_stimulus *s) {
    s->tensors = ss_alloc(s->ctx, (size_t)s->g->n, sizeof *s->tensors);
    for (int32_t i = 0; s->tensors && i < s->g->n; i++) {
        size_t size;
        if (!ss_mul_size((size_t)ss_shape_size(s->g->nodes[i].shape), (size_t)s->images, &size))
            return ss_error(s->ctx, SS_AT("--images"), "take fewer images",
                            "the tensors do not fit in memory");
        s->tensors[i] = ss_alloc(s->ctx, size, sizeof **s->tensors);
        if (!s->tensors[i]) return SS_BAD;
    }
    return s->tensors ? SS_OK : SS_BAD;
}

ss_status ss_stimulus_make(ss_ctx *ctx, const ss_verify_task *task, ss_stimulus **out) {
    *out = NULL;
    ss_stimulus *s = ss_alloc(ctx, 1, sizeof *s);
    if (!s) return SS_BAD;
    *s = (ss_stimulus){ .ctx = ctx, .g = task->g, .images = task->images->n };
    const ss_run_opts opts = { .observer = copy_tensor, .observer_user = s };
    if (allocate(s) != SS_OK || ss_engine_run(ctx, task->e, task->images, task->norm, &opts, NULL) != SS_OK) {
        ss_stimulus_free(s);
        return SS_BAD;
    }
    *out = s;
    return SS_OK;
}

void ss_stimulus_free(ss_stimulus *s) {
    if (!s) return;
    for (int32_t i = 0; s->tensors && i < s->g->n; i++) ss_free(s->ctx, s->tensors[i]);
    ss_free(s->ctx, s->tensors);
    ss_free(s->ctx, s);
}

/* Node t's tensor, low byte first. */
static ss_status write_tensor(const ss_stimulus *s, int32_t t, const char *dir, const char *name) {
    char path[4096];
    while (s->g->nodes[t].op == SS_OP_FLATTEN) t = s->g->nodes[t].in[0];
    const size_t count = (size_t)(ss_shape_size(s->g->nodes[t].shape) * s->images);
    uint8_t *bytes = ss_alloc(s->ctx, count, 2);
    if (!bytes) return SS_BAD;
    for (size_t i = 0; i < count; i++) {
        bytes[2 * i] = (uint8_t)((uint16_t)s->tensors[t][i] & 255);
        bytes[2 * i + 1] = (uint8_t)((uint16_t)s->tensors[t][i] >> 8);
    }
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ss_status status = ss_file_write(s->ctx, path, bytes, 2 * count);
    ss_free(s->ctx, bytes);
    return status;
}

/* The tensor that a partition reads: of its first node's input, or the network's own. */
static int32_t input_of(const ss_graph *g, const ss_hw_partition *p) {
    const ss_node *first = &g->nodes[p->nodes[0]];
    return first->op == SS_OP_INPUT ? p->nodes[0] : first->in[0];
}

ss_status ss_stimulus_write(const ss_stimulus *s, const ss_hw_partition *p, const char *dir) {
    char name[32];
    ss_status status = write_tensor(s, input_of(s->g, p), dir, "input.bin");
    if (status == SS_OK) status = write_tensor(s, p->nodes[p->n_nodes - 1], dir, "output.bin");
    for (int32_t i = 0; i < p->n_nodes && status == SS_OK; i++) {
        snprintf(name, sizeof name, "tap_%d.bin", p->nodes[i]);
        status = write_tensor(s, p->nodes[i], dir, name);
    }
    return status;
}
