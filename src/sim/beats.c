/* How many beats every window takes: the largest non-zero count among its streams, divided by the
 * multipliers.
 *
 * One output row at a time: the rows under it are added into column sums, kw of which make the counts of a
 * window. */
#include "base/share.h"
#include "sim/lanes.h"
#include "sim/parts.h"

#include <string.h>

typedef struct counting {
    const ss_graph *g;
    beats *b;
    uint16_t **scratch; /* [threads]: a map of non-zeros, a row of column sums, a pixel of counts */
    uint16_t **table;   /* [layers]: beats by count */
} counting;

/* Column sums under output row oy. */
static void sum_columns(const ss_window *w, ss_shape in, const uint16_t *map, int32_t oy,
                        uint16_t *restrict column) {
    const size_t row = (size_t)in.w * (size_t)in.c;
    memset(column, 0, row * sizeof *column);
    for (int32_t i = 0; i < w->kh; i++) {
        const int32_t y = oy * w->sh - w->pt + i;
        if (y < 0 || y >= in.h) continue;
        const uint16_t *from = map + (size_t)y * row;
        for (size_t x = 0; x < row; x++) column[x] = (uint16_t)(column[x] + from[x]);
    }
}

/* Counts of all channels of one window. */
static void sum_window(const ss_window *w, ss_shape in, const uint16_t *column, int32_t ox,
                       uint16_t *restrict count) {
    const size_t c = (size_t)in.c;
    memset(count, 0, c * sizeof *count);
    for (int32_t i = 0; i < w->kw; i++) {
        const int32_t x = ox * w->sw - w->pl + i;
        if (x < 0 || x >= in.w) continue;
        const uint16_t *from = column + (size_t)x * c;
        for (size_t k = 0; k < c; k++) count[k] = (uint16_t)(count[k] + from[k]);
    }
}

static uint16_t *largest_of_streams(const uint16_t *count, size_t words, size_t streams,
                                    const uint16_t *table, uint16_t *out) {
    for (size_t i = 0; i < words; i++) {
        uint16_t most = 0;
        for (size_t k = 0; k < streams; k++)
            most = count[i * streams + k] > most ? count[i * streams + k] : most;
        *out++ = table[most];
    }
    return out;
}

/* Non-zeros that the streams of a broadcast engine have of every channel; one output pixel. */
static void count_parts(const ss_window *w, ss_shape in, const struct beats_layer *l, const uint16_t *map, int32_t oy,
                        int32_t ox, uint16_t *restrict count, uint16_t *out) {
    const size_t c = (size_t)in.c, p = (size_t)l->parts;
    const int64_t k_all = w->kh * w->kw;
    memset(count, 0, p * c * sizeof *count);
    for (int32_t k = 0; k < w->kh * w->kw; k++) {
        const int32_t y = oy * w->sh - w->pt + k / w->kw, x = ox * w->sw - w->pl + k % w->kw;
        if (y < 0 || y >= in.h || x < 0 || x >= in.w) continue;
        const uint16_t *from = map + ((size_t)y * (size_t)in.w + (size_t)x) * c;
        uint16_t *to = count + (size_t)k % p * c;
        for (size_t i = 0; i < c; i++) to[i] = (uint16_t)(to[i] + from[i]);
    }
    for (size_t i = 0; i < c; i++) {
        const int64_t step = (int64_t)i % l->group / l->streams;
        size_t first = (size_t)ss_share_first(0, step, k_all, l->parts);
        for (size_t k = 0; k < p; k++, first = first + 1 == p ? 0 : first + 1) *out++ = count[first * c + i];
    }
}

static void count_layer(const counting *c, int32_t at, int64_t image, const uint16_t *map,
                        uint16_t *scratch) {
    const struct beats_layer *l = &c->b->layer[at];
    const ss_node *n = &c->g->nodes[l->node];
    const ss_shape in = ss_graph_in_shape(c->g, n);
    uint16_t *column = scratch, *count = scratch + (size_t)in.w * (size_t)in.c,
             *out = l->data + image * l->words;
    for (int32_t i = 0; l->parts && i < n->shape.h * n->shape.w; i++, out += l->period)
        count_parts(&n->win, in, l, map, i / n->shape.w, i % n->shape.w, scratch, out);
    if (l->parts) return;
    for (int32_t oy = 0; oy < n->shape.h; oy++) {
        sum_columns(&n->win, in, map, oy, column);
        for (int32_t ox = 0; ox < n->shape.w; ox++) {
            sum_window(&n->win, in, column, ox, count);
            out =
                largest_of_streams(count, (size_t)(in.c / l->streams), (size_t)l->streams, c->table[at], out);
        }
    }
}

static void observe(void *user, int thread, int64_t image, int32_t node, ss_view v) {
    const counting *c = user;
    uint16_t *map = c->scratch[thread];
    const size_t size = (size_t)ss_shape_size(v.shape), channels = (size_t)v.shape.c;
    bool made = false;
    for (int32_t i = 0; i < c->b->layers; i++) {
        if (c->b->layer[i].tensor != node) continue;
        const int16_t *from = v.data;
        for (size_t p = 0; !made && p < size; p += channels, from += v.stride)
            for (size_t k = 0; k < channels; k++) map[p + k] = from[k] != 0;
        made = true;
        count_layer(c, i, image, map, map + size);
    }
}

static ss_status make_tables(ss_arena *a, const ss_graph *g, const beats *b, uint16_t **table) {
    for (int32_t i = 0; i < b->layers; i++) {
        const ss_window *w = &g->nodes[b->layer[i].node].win;
        const int64_t k = (int64_t)w->kh * w->kw;
        table[i] = ss_arena_alloc(a, (size_t)k + 1, sizeof **table);
        if (!table[i]) return SS_BAD;
        table[i][0] = 1;
        for (int64_t n = 1; n <= k; n++) table[i][n] = (uint16_t)ss_ceil_div(n, b->layer[i].m);
    }
    return SS_OK;
}

static ss_status make_scratch(ss_ctx *ctx, ss_arena *a, const ss_graph *g, const beats *b, uint16_t **scratch,
                              int threads) {
    int64_t most = 1;
    for (int32_t i = 0; i < b->layers; i++) {
        const ss_shape s = g->nodes[b->layer[i].tensor].shape;
        most = later(most, ss_shape_size(s) + (int64_t)(s.w + 1) * s.c + b->layer[i].parts * s.c);
    }
    (void)ctx;
    for (int i = 0; i < threads; i++)
        if (!(scratch[i] = ss_arena_alloc(a, (size_t)most, sizeof **scratch))) return SS_BAD;
    return SS_OK;
}

ss_status beats_make(ss_ctx *ctx, const ss_sim_task *task, beats *b) {
    const int threads = ss_ctx_threads(ctx);
    ss_arena *a = ss_arena_new(ctx);
    counting c = { .g = task->g, .b = b };
    ss_status s = a ? SS_OK : SS_BAD;
    if (s == SS_OK) c.scratch = ss_arena_alloc(a, (size_t)threads, sizeof *c.scratch);
    if (s == SS_OK) c.table = ss_arena_alloc(a, (size_t)b->layers + 1, sizeof *c.table);
    if (!c.scratch || !c.table) s = SS_BAD;
    if (s == SS_OK) s = make_tables(a, task->g, b, c.table);
    if (s == SS_OK) s = make_scratch(ctx, a, task->g, b, c.scratch, threads);
    for (int32_t i = 0; i < b->layers && s == SS_OK; i++) {
        size_t size;
        if (!ss_mul_size((size_t)b->layer[i].words, (size_t)b->images, &size))
            s = ss_error(ctx, SS_AT("--images"), "take fewer images", "their windows do not fit in memory");
        else if (!(b->layer[i].data = ss_alloc(ctx, size + LANES, sizeof *b->layer[i].data))) s = SS_BAD;
    }
    const ss_run_opts opts = { .observer = observe, .observer_user = &c };
    if (s == SS_OK && b->layers) s = ss_engine_run(ctx, task->e, task->images, task->norm, &opts, NULL);
    ss_arena_free(a);
    return s;
}

void beats_free(beats *b) {
    for (int32_t i = 0; b->layer && i < b->layers; i++) ss_free(b->ctx, b->layer[i].data);
    ss_free(b->ctx, b->layer);
}
