/* conv: makes and runs the fast convolutions: picks the instruction set's kernels, lays out the scratch of a thread,
 * walks an image tile by tile. Method and invariants: conv_internal.h.
 *
 * Order of the walk: where one group's packed weights fit the second-level cache, tiles are the outer loop, so the
 * image is read once; otherwise panels of filters are the outer loop, so the weights are read once.
 */
#include "infer/conv_internal.h"
#include "infer/ops.h"

#include <string.h>

#define WEIGHTS_IN_CACHE (256 * 1024)

/* ---- instruction sets ---- */

bool ss_isa_supported(ss_isa isa) {
#if defined(__x86_64__)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == SS_ISA_AVX2) return avx2;
    if (isa == SS_ISA_AVX512)
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512vnni");
#endif
    return isa == SS_ISA_PORTABLE || isa == SS_ISA_AUTO;
}

ss_isa ss_isa_best(void) {
    if (ss_isa_supported(SS_ISA_AVX512)) return SS_ISA_AVX512;
    return ss_isa_supported(SS_ISA_AVX2) ? SS_ISA_AVX2 : SS_ISA_PORTABLE;
}

static const ss_conv_kernels *kernels_of(ss_isa isa) {
#if defined(__x86_64__)
    if (isa == SS_ISA_AVX512) return &ss_conv_avx512;
    if (isa == SS_ISA_AVX2) return &ss_conv_avx2;
#endif
    (void)isa;
    return &ss_conv_portable;
}

const ss_loops *ss_loops_of(ss_isa isa) {
#if defined(__x86_64__)
    if (isa == SS_ISA_AVX512) return &ss_loops_avx512;
    if (isa == SS_ISA_AVX2) return &ss_loops_avx2;
#endif
    (void)isa;
    return &ss_loops_portable;
}

/* ---- construction ---- */

static ss_status shapes(ss_conv *c) {
    const ss_window *w = &c->n->win;
    c->in = ss_graph_in_shape(c->g, c->n);
    c->out = c->n->shape;
    c->groups = c->n->groups;
    c->cg = c->in.c / c->groups;
    c->fg = c->out.c / c->groups;
    c->depthwise = c->cg == 1 && c->groups > 1;
    c->cs = ss_stride(c->cg);
    const int64_t ph = (int64_t)c->in.h + w->pt + w->pb, pw = (int64_t)c->in.w + w->pl + w->pr;
    const int64_t bytes = ph * pw * c->cs * (int64_t)sizeof(float); /* four factors below 2^31 were verified */
    const int64_t window = (int64_t)w->kh * w->kw * c->cs;
    if (ph > INT32_MAX / 64 || pw > INT32_MAX / 64 || bytes > INT32_MAX || window > INT32_MAX / 64)
        return ss_error(c->ctx, (ss_where){ c->n->name, c->n->onnx_op, NULL }, "use a smaller input",
                        "the padded input of this convolution takes more than 2 GiB");
    c->ph = (int32_t)ph;
    c->pw = (int32_t)pw;
    return SS_OK;
}

static void strides(ss_conv *c) {
    static const int32_t esize[] = { 4, 2, 1 };
    c->esize = esize[c->form];
    c->unit = 4 / c->esize;
    c->run_bytes = c->n->win.kw * c->cs * c->esize;
    c->row_bytes = c->pw * c->cs * c->esize;
    c->chunks = (int32_t)ss_ceil_div(c->cs, SS_CONV_CHUNK);
    c->chunk_count = c->n->win.kh * c->n->win.kw * c->chunks;
    c->lanes = c->depthwise ? 1 : c->k->lanes;
    c->vectors = (int32_t)ss_ceil_div(c->fg, c->lanes);
    c->padded = c->vectors * c->lanes;
    c->panel_bytes = (int64_t)c->n->win.kh * c->run_bytes * SS_CONV_VECTORS * c->lanes;
    c->row_groups = (int32_t)ss_ceil_div(c->out.w, c->k->group);
    c->tile_groups = c->vectors == 1 ? 2 * c->k->groups : c->k->groups;
    c->tiles = (int32_t)ss_ceil_div((int64_t)c->out.h * c->row_groups, c->tile_groups);
}

static size_t aligned(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* The plane, and room behind it for the pixels that the last group of a row computes in vain. */
static size_t plane_bytes(const ss_conv *c) {
    const size_t in_vain = (size_t)(c->k->group - 1) * (size_t)c->n->win.sw * (size_t)(c->cs * c->esize);
    return (size_t)c->ph * (size_t)c->row_bytes + in_vain;
}

static void lay_out_scratch(ss_conv *c) {
    size_t at = aligned(c->depthwise ? (size_t)c->out.c * sizeof(int64_t) : plane_bytes(c));
    c->row_max_at = at;
    if (c->wide) at += aligned(((size_t)c->ph + 1) * (size_t)c->chunks * sizeof(float));
    c->plan_at = at;
    if (c->wide) at += aligned((size_t)c->tiles * (size_t)c->chunk_count);
    c->thr_at = at;
    c->scratch_bytes = at + aligned((size_t)c->padded * (size_t)c->groups * sizeof(int32_t));
}

ss_status ss_conv_new(ss_ctx *ctx, const ss_graph *g, const ss_node *n, const ss_qnode *qn, int bits, int32_t in_lo,
                      int32_t in_hi, ss_isa isa, ss_conv **out) {
    *out = NULL;
    ss_conv *c = ss_alloc(ctx, 1, sizeof *c);
    if (!c) return SS_BAD;
    c->ctx = ctx;
    c->g = g;
    c->n = n;
    c->qn = qn;
    c->k = kernels_of(isa);
    ss_status st = shapes(c);
    if (st == SS_OK) st = ss_conv_choose_form(c, bits, in_lo, in_hi);
    if (st == SS_OK) {
        strides(c);
        lay_out_scratch(c);
        st = ss_conv_pack(c);
    }
    if (st == SS_OK) *out = c;
    else ss_conv_free(c);
    return st;
}

void ss_conv_free(ss_conv *c) {
    if (!c) return;
    ss_free_aligned(c->ctx, c->weights);
    ss_free_aligned(c->ctx, c->w_norm);
    ss_free_aligned(c->ctx, c->filters);
    ss_free_aligned(c->ctx, c->depth_bias);
    ss_free(c->ctx, c);
}

size_t ss_conv_scratch(const ss_conv *c) { return c->scratch_bytes; }

/* ---- run ---- */

/* Where nothing is below 0, -1 passes the same values as any lower threshold, and then no value below 0 passes: the
 * kernels need not saturate at lo. */
static int32_t integer_threshold(const ss_qnode *q, int32_t f) {
    const int32_t thr = q->thr[q->n_thr == 1 ? 0 : f];
    return q->lo == 0 && thr < -1 ? -1 : thr;
}

/* The thresholds in force, one for each lane of every group. */
static void expand_thresholds(const ss_conv *c, void *thr) {
    const ss_act *act = &c->n->act;
    for (int32_t f = 0; f < c->out.c; f++) {
        const int32_t at = f / c->fg * c->padded + f % c->fg;
        if (!c->qn) ((float *)thr)[at] = act->per_channel ? act->per_channel[f] : act->threshold;
        else ((int32_t *)thr)[at] = c->qn->n_thr ? integer_threshold(c->qn, f) : 0;
    }
}

typedef struct walk {
    const ss_conv *c;
    const char *plane;
    char *out;
    int64_t y_step; /* bytes from a pixel's outputs to the next's */
    int32_t out_stride, group;
    const uint8_t *plans; /* NULL: none */
    const char *thr;
} walk;

/* Windows of a tile's pixels; a short tile repeats its first group. */
static void place_pixels(const walk *w, int32_t tile, ss_conv_tile *t) {
    const ss_conv *c = w->c;
    const int32_t first = tile * c->tile_groups, left = c->out.h * c->row_groups - first, size = c->k->group;
    int32_t row = first / c->row_groups, column = first % c->row_groups * size;
    t->x_step = (int64_t)c->n->win.sw * c->cs * c->esize;
    t->groups = left < c->tile_groups ? left : c->tile_groups;
    for (int32_t i = 0; i < t->groups; i++) {
        t->x[i] = w->plane + (int64_t)row * c->n->win.sh * c->row_bytes + column * t->x_step;
        t->pixels[i] = c->out.w - column < size ? c->out.w - column : size;
        t->y[i] = w->out + ((int64_t)row * c->out.w + column) * w->y_step;
        column += size;
        if (column >= c->out.w) row++, column = 0;
    }
    for (int32_t i = t->groups; i < c->tile_groups; i++) t->x[i] = t->x[0];
    t->plan = w->plans ? w->plans + (int64_t)tile * c->chunk_count : NULL;
}

/* Filters of a panel, and where they are to be stored. */
static void place_filters(const walk *w, int32_t panel, ss_conv_tile *t) {
    const ss_conv *c = w->c;
    const int32_t begin = panel * SS_CONV_VECTORS * c->lanes, filter = w->group * c->fg + begin;
    const int32_t vectors = c->vectors - panel * SS_CONV_VECTORS;
    t->vectors = vectors < SS_CONV_VECTORS ? vectors : SS_CONV_VECTORS;
    t->filter = w->group * c->padded + begin;
    t->thr = w->thr + (int64_t)t->filter * (int64_t)sizeof(int32_t);
    t->w = c->weights + w->group * c->panel_bytes / SS_CONV_VECTORS * c->vectors + panel * c->panel_bytes;
    /* The last group clears the lanes behind the last filter; the others leave theirs to their successor. */
    const int32_t room = w->group == c->groups - 1 ? w->out_stride - filter : c->fg - begin;
    for (int32_t v = 0; v < t->vectors; v++) {
        const int32_t left = room - v * c->lanes;
        t->stored[v] = left < c->lanes ? left : c->lanes;
    }
    t->y_step = w->y_step;
    t->y_at = filter * (c->form == SS_FORM_FLOAT ? 4 : 2);
}

static void run_group(const walk *w) {
    const ss_conv *c = w->c;
    const int32_t panels = (int32_t)ss_ceil_div(c->vectors, SS_CONV_VECTORS);
    const bool tiles_outer = panels * c->panel_bytes <= WEIGHTS_IN_CACHE;
    ss_conv_tile t;
    memset(&t, 0, sizeof t);
    const int32_t outer = tiles_outer ? c->tiles : panels, inner = tiles_outer ? panels : c->tiles;
    for (int32_t i = 0; i < outer; i++)
        for (int32_t j = 0; j < inner; j++) {
            const int32_t tile = tiles_outer ? i : j, panel = tiles_outer ? j : i;
            if (!tiles_outer || j == 0) place_pixels(w, tile, &t);
            if (panels > 1 || i + j == 0) place_filters(w, panel, &t);
            c->k->tile(c, &t);
        }
}

/* Lanes that no vector reaches, when a caller's stride is wider than needed. */
static void clear_far_lanes(const ss_conv *c, char *out, int32_t out_stride) {
    const int32_t reach = (c->groups - 1) * c->fg + c->padded, esize = c->form == SS_FORM_FLOAT ? 4 : 2;
    if (reach >= out_stride) return;
    for (int64_t p = 0; p < (int64_t)c->out.h * c->out.w; p++)
        memset(out + (p * out_stride + reach) * esize, 0, (size_t)(out_stride - reach) * (size_t)esize);
}

void ss_conv_run(const ss_conv *c, const void *in, int32_t in_stride, void *out, int32_t out_stride, void *scratch) {
    char *s = scratch;
    expand_thresholds(c, s + c->thr_at);
    if (c->depthwise) {
        ss_conv_depthwise(c, in, in_stride, out, out_stride, scratch);
        return;
    }
    const ss_window *w = &c->n->win;
    const bool in_place = c->groups == 1 && !(w->pt | w->pl | w->pb | w->pr) && in_stride == c->cs &&
                          c->form != SS_FORM_U8 && c->out.w % c->k->group == 0;
    const int32_t element = c->form == SS_FORM_FLOAT ? 4 : 2;
    for (int32_t group = 0; group < c->groups; group++) {
        const char *plane = in_place ? in : scratch;
        if (!in_place) ss_conv_plane(c, group, in, in_stride, scratch);
        if (c->wide) ss_conv_plans(c, group, plane, s);
        run_group(&(walk){ .c = c, .plane = plane, .out = out, .y_step = out_stride * element,
                           .out_stride = out_stride, .group = group,
                           .plans = c->wide ? (uint8_t *)s + c->plan_at : NULL, .thr = s + c->thr_at });
    }
    clear_far_lanes(c, out, out_stride);
}
