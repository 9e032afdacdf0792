/* The sample of windows behind joint statistics: an observer on the integer engine. See joint.h.
 *
 * Every image has its own places in the sample, so threads never meet. */
#include "profile/joint.h"

#include "profile/build.h"

typedef struct sampler {
    ss_joint *j;
    const ss_graph *g;
    int32_t each; /* windows of one image */
    uint8_t **counts;
} sampler;

/* Any pixel of the layer, the same one each time. */
static void choose_pixel(const ss_node *n, int32_t node, int64_t sample, int32_t *y, int32_t *x) {
    const int64_t key[2] = { node, sample };
    const uint64_t area = (uint64_t)n->shape.h * (uint64_t)n->shape.w, at = ss_hash(key, sizeof key, 0) % area;
    *y = (int32_t)(at / (uint64_t)n->shape.w);
    *x = (int32_t)(at % (uint64_t)n->shape.w);
}

static int32_t clip(int32_t v, int32_t size) { return v < 0 ? 0 : v > size ? size : v; }

/* Non-zeros of every channel in the window at output pixel y, x. */
static void count_window(const sampler *s, int32_t layer, const ss_view *v, int32_t y, int32_t x, int64_t sample) {
    const ss_joint_layer *l = &s->j->layers[layer];
    const ss_window *w = &s->g->nodes[l->node].win;
    const int32_t top = y * w->sh - w->pt, left = x * w->sw - w->pl;
    const int32_t y0 = clip(top, v->shape.h), y1 = clip(top + w->kh, v->shape.h);
    const int32_t x0 = clip(left, v->shape.w), x1 = clip(left + w->kw, v->shape.w);
    uint8_t *out = s->counts[layer] + sample;
    for (int32_t c = 0; c < l->channels; c++) {
        int32_t n = 0;
        for (int32_t i = y0; i < y1; i++)
            for (int32_t k = x0; k < x1; k++)
                n += ((const int16_t *)v->data)[((int64_t)i * v->shape.w + k) * v->stride + c] != 0;
        out[(int64_t)c * s->j->samples] = (uint8_t)(l->k <= 255 ? n : ss_ceil_div((int64_t)n * 255, l->k));
    }
}

static void observe(void *user, int thread, int64_t image, int32_t node, ss_view v) {
    const sampler *s = user;
    int32_t y, x;
    (void)thread;
    for (int32_t l = 0; l < s->j->n_layers; l++) {
        const int32_t conv = s->j->layers[l].node;
        if (s->g->nodes[conv].in[0] != node) continue;
        for (int64_t i = image * s->each; i < (image + 1) * s->each; i++) {
            choose_pixel(&s->g->nodes[conv], conv, i, &y, &x);
            count_window(s, l, &v, y, x, i);
        }
    }
}

static ss_status prepare(sampler *s) {
    ss_joint *j = s->j;
    const size_t n = (size_t)s->g->n;
    j->layers = ss_arena_alloc(j->arena, n, sizeof *j->layers);
    s->counts = ss_arena_alloc(j->arena, n, sizeof *s->counts);
    if (!j->layers || !s->counts) return SS_BAD;
    for (int32_t i = 0; i < s->g->n; i++) {
        const ss_node *node = &s->g->nodes[i];
        if (node->op != SS_OP_CONV) continue;
        const int32_t c = ss_graph_in_shape(s->g, node).c;
        uint8_t *counts = ss_arena_alloc(j->arena, (size_t)c, (size_t)j->samples);
        if (!counts) return SS_BAD;
        s->counts[j->n_layers] = counts;
        j->layers[j->n_layers++] =
            (ss_joint_layer){ .node = i, .channels = c, .k = node->win.kh * node->win.kw, .counts = counts };
    }
    return SS_OK;
}

ss_status ss_joint_measure(ss_ctx *ctx, const ss_graph *g, ss_engine *e, const ss_dataset *d, const ss_norm *norm,
                           ss_joint **out) {
    ss_dataset first = *d;
    ss_arena *arena = ss_arena_new(ctx);
    ss_joint *j = arena ? ss_arena_alloc(arena, 1, sizeof *j) : NULL;
    *out = NULL;
    if (first.n > SS_JOINT_IMAGES) first.n = SS_JOINT_IMAGES;
    sampler s = { .j = j, .g = g, .each = (int32_t)(SS_JOINT_SAMPLES / first.n) };
    if (j) *j = (ss_joint){ .ctx = ctx, .arena = arena, .samples = (int32_t)first.n * s.each };
    ss_run_opts opts = { .observer = observe, .observer_user = &s };
    ss_status status = j ? prepare(&s) : SS_BAD;
    if (status == SS_OK) status = ss_engine_run(ctx, e, &first, norm, &opts, NULL);
    if (status == SS_OK) *out = j;
    else ss_arena_free(arena);
    return status;
}

void ss_joint_free(ss_joint *j) {
    if (j) ss_arena_free(j->arena);
}
