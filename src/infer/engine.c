/* The executor: one image at a time per thread, images spread over threads.
 *
 * Method: every node's tensor gets a place in one block per thread, planned once from the tensors' lifetimes (first
 * fit), so that a thread needs little more memory than the widest cut of the network. A worker holds a table of
 * tensor addresses; a step reads and writes through the table, so that a run can start at any node when the tensors
 * that it reads are given (run_steps).
 *
 * Invariants: all memory is allocated before the parallel region; nothing in it can fail. Workers share only
 * read-only state, so results do not depend on the number of threads.
 */
#include "infer/engine_internal.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#define ALIGN 64u
#define TABLE 256 /* values of a pixel */

typedef struct worker {
    char *block;
    void *scratch;
    const void **tensor; /* [g->n]: where each tensor is */
} worker;

size_t ss_engine_element(const ss_engine *e) { return e->q ? sizeof(int16_t) : sizeof(float); }

/* ---- planning ---- */

/* Bytes of a tensor, a multiple of ALIGN, or 0 when they cannot be counted. */
static size_t tensor_bytes(const ss_engine *e, ss_shape s) {
    size_t n;
    if (!ss_mul_size((size_t)s.h, (size_t)s.w, &n) || !ss_mul_size(n, (size_t)ss_stride(s.c), &n) ||
        !ss_mul_size(n, ss_engine_element(e), &n) || n > SIZE_MAX / 4)
        return 0;
    return (n + 2 * ALIGN - 1) / ALIGN * ALIGN;
}

/* last[i]: the last node that reads tensor i; the output lives to the end. */
static void lifetimes(const ss_graph *g, int32_t *last) {
    for (int32_t i = 0; i < g->n; i++) {
        last[i] = i;
        for (int32_t k = 0; k < g->nodes[i].n_in; k++) last[g->nodes[i].in[k]] = i;
    }
    last[g->output] = g->n;
}

/* The lowest place where node i's tensor overlaps no earlier tensor that is still alive. */
static size_t first_fit(const ss_engine *e, const size_t *bytes, const int32_t *last, int32_t i) {
    size_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int32_t j = 0; j < i; j++) {
            const bool alive = last[j] >= i;
            if (alive && at < e->offset[j] + bytes[j] && e->offset[j] < at + bytes[i]) {
                at = e->offset[j] + bytes[j];
                moved = true;
            }
        }
    }
    return at;
}

static ss_status plan(ss_engine *e) {
    const ss_graph *g = e->g;
    int32_t *last = ss_alloc(e->ctx, (size_t)g->n, sizeof *last);
    size_t *bytes = ss_alloc(e->ctx, (size_t)g->n, sizeof *bytes);
    e->offset = ss_alloc(e->ctx, (size_t)g->n, sizeof *e->offset);
    ss_status s = last && bytes && e->offset ? SS_OK : SS_BAD;
    if (s == SS_OK) lifetimes(g, last);
    for (int32_t i = 0; i < g->n && s == SS_OK; i++) {
        bytes[i] = tensor_bytes(e, g->nodes[i].shape);
        if (bytes[i] == 0 || e->block > SIZE_MAX / 4) {
            s = ss_error(e->ctx, (ss_where){ g->nodes[i].name, ss_op_name(g->nodes[i].op), NULL }, "use a smaller network",
                         "the tensors of one image do not fit in memory");
            break;
        }
        e->offset[i] = first_fit(e, bytes, last, i);
        if (e->offset[i] + bytes[i] > e->block) e->block = e->offset[i] + bytes[i];
        const size_t scratch = e->convs[i] ? ss_conv_scratch(e->convs[i]) : ss_op_scratch(&g->nodes[i]);
        if (scratch > e->scratch) e->scratch = scratch;
    }
    ss_free(e->ctx, last);
    ss_free(e->ctx, bytes);
    return s;
}

static ss_status pack_conv(const ss_engine *e, int32_t i, ss_conv **out) {
    const ss_node *n = &e->g->nodes[i];
    const ss_qnode *qn = e->q ? &e->q->nodes[i] : NULL, *in = e->q ? &e->q->nodes[n->in[0]] : NULL;
    return ss_conv_new(e->ctx, e->g, n, qn, e->q ? e->q->bits : 0, in ? in->lo : 0, in ? in->hi : 0, e->isa, out);
}

/* Every convolution for the instruction set; all that cannot be packed are reported. */
static ss_status pack(ss_engine *e) {
    if (!ss_isa_supported(e->isa))
        return ss_error(e->ctx, SS_AT("isa"), "use --isa auto", "this processor has no %s", ss_engine_isa(e));
    e->convs = ss_alloc(e->ctx, (size_t)e->g->n, sizeof *e->convs);
    ss_status s = e->convs ? SS_OK : SS_BAD;
    for (int32_t i = 0; e->convs && i < e->g->n; i++)
        if (e->g->nodes[i].op == SS_OP_CONV && pack_conv(e, i, &e->convs[i]) != SS_OK) s = SS_BAD;
    return s;
}

ss_status ss_engine_rebias(ss_engine *e, int32_t node) {
    ss_conv *fresh;
    if (pack_conv(e, node, &fresh) != SS_OK) return SS_BAD;
    ss_conv_free(e->convs[node]);
    e->convs[node] = fresh;
    if (ss_conv_scratch(fresh) > e->scratch) e->scratch = ss_conv_scratch(fresh);
    return SS_OK;
}

ss_status ss_engine_new(ss_ctx *ctx, const ss_graph *g, const ss_quant *q, ss_isa isa, ss_engine **out) {
    *out = NULL;
    ss_engine *e = ss_alloc(ctx, 1, sizeof *e);
    if (!e) return SS_BAD;
    *e = (ss_engine){ .ctx = ctx, .g = g, .q = q, .isa = isa == SS_ISA_AUTO ? ss_isa_best() : isa };
    e->loops = ss_loops_of(e->isa);
    if (pack(e) != SS_OK || plan(e) != SS_OK) {
        ss_engine_free(e);
        return SS_BAD;
    }
    *out = e;
    return SS_OK;
}

void ss_engine_free(ss_engine *e) {
    if (!e) return;
    for (int32_t i = 0; e->convs && i < e->g->n; i++) ss_conv_free(e->convs[i]);
    ss_free(e->ctx, e->convs);
    ss_free(e->ctx, e->offset);
    ss_free(e->ctx, e);
}

const char *ss_engine_isa(const ss_engine *e) {
    return e->isa == SS_ISA_AVX512 ? "avx512-vnni" : e->isa == SS_ISA_AVX2 ? "avx2" : "portable";
}

/* ---- workers ---- */

static void free_workers(ss_ctx *ctx, worker *w, int n) {
    for (int i = 0; w && i < n; i++) {
        ss_free_aligned(ctx, w[i].block);
        ss_free_aligned(ctx, w[i].scratch);
        ss_free(ctx, w[i].tensor);
    }
    ss_free(ctx, w);
}

static worker *new_workers(ss_ctx *ctx, const ss_engine *e, int n) {
    worker *w = ss_alloc(ctx, (size_t)n, sizeof *w);
    for (int i = 0; w && i < n; i++) {
        w[i].block = ss_alloc_aligned(ctx, e->block, 1);
        w[i].scratch = ss_alloc_aligned(ctx, e->scratch + ALIGN, 1);
        w[i].tensor = ss_alloc(ctx, (size_t)e->g->n, sizeof *w[i].tensor);
        if (!w[i].block || !w[i].scratch || !w[i].tensor) {
            free_workers(ctx, w, n);
            return NULL;
        }
        for (int32_t k = 0; k < e->g->n; k++) w[i].tensor[k] = w[i].block + e->offset[k];
    }
    return w;
}

/* ---- steps ---- */

void ss_engine_step(const ss_engine *e, const void *const *tensor, int32_t i, void *out, void *scratch) {
    const ss_node *n = &e->g->nodes[i];
    if (e->convs[i]) {
        const int32_t in_stride = ss_stride(ss_graph_in_shape(e->g, n).c);
        ss_conv_run(e->convs[i], tensor[n->in[0]], in_stride, out, ss_stride(n->shape.c), scratch);
        return;
    }
    ss_op_args a = { .g = e->g, .n = n, .q = e->q ? &e->q->nodes[i] : NULL, .scratch = scratch };
    for (int32_t k = 0; k < n->n_in; k++) a.in[k] = tensor[n->in[k]];
    a.out = out;
    a.loops = e->loops;
    ss_op_run(&a);
}

ss_view ss_engine_view(const ss_engine *e, const void *tensor, int32_t i) {
    const ss_shape s = e->g->nodes[i].shape;
    return (ss_view){ tensor, !e->q, s, ss_stride(s.c) };
}

static void observe(const ss_engine *e, const worker *w, const ss_run_opts *opts, int thread, int64_t image, int32_t i) {
    if (!opts) return;
    const ss_shape s = e->g->nodes[i].shape;
    if (opts->saturated && e->q) {
        const int64_t values = (int64_t)s.h * s.w * ss_stride(s.c); /* idle lanes are 0: no end */
        const int16_t lo = (int16_t)e->q->nodes[i].lo, hi = (int16_t)e->q->nodes[i].hi;
        opts->saturated[(int64_t)thread * e->g->n + i] += e->loops->count_ends(w->tensor[i], values, lo, hi);
    }
    if (opts->observer)
        opts->observer(opts->observer_user, thread, image, i, ss_engine_view(e, w->tensor[i], i));
}

/* Nodes first.. to the end, observed; every tensor that they read from before `first` is in the worker's table. */
static void run_steps(const ss_engine *e, worker *w, int32_t first, const ss_run_opts *opts, int thread, int64_t image) {
    const int32_t end = opts && opts->until > 0 ? opts->until + 1 : e->g->n;
    for (int32_t i = first; i < end; i++) {
        if (e->g->nodes[i].op != SS_OP_INPUT) ss_engine_step(e, w->tensor, i, w->block + e->offset[i], w->scratch);
        observe(e, w, opts, thread, image, i);
    }
}

/* ---- in and out ---- */

static int16_t to_int(const ss_engine *e, double real) {
    const ss_qnode *q = &e->q->nodes[0];
    const double v = floor(ldexp(real, q->frac) + 0.5);
    return (int16_t)(v < q->lo ? q->lo : v > q->hi ? q->hi : v);
}

void *ss_engine_input_table(ss_ctx *ctx, const ss_engine *e, const ss_norm *norm, int32_t channels) {
    void *table = ss_alloc(ctx, (size_t)channels * TABLE, ss_engine_element(e));
    for (int32_t c = 0; table && c < channels; c++)
        for (int32_t p = 0; p < TABLE; p++) {
            const float real = ((float)p / 255.0f - norm->mean[c]) / norm->std[c];
            if (e->q) ((int16_t *)table)[c * TABLE + p] = to_int(e, (double)real);
            else ((float *)table)[c * TABLE + p] = real;
        }
    return table;
}

void ss_engine_load_image(const ss_engine *e, void *to, const void *table, const uint8_t *pixels) {
    const ss_shape s = e->g->nodes[0].shape;
    const int64_t size = (int64_t)s.h * s.w;
    const int32_t stride = ss_stride(s.c);
    memset(to, 0, (size_t)size * (size_t)stride * ss_engine_element(e));
    for (int32_t c = 0; c < s.c; c++, pixels += size) {
        const float *tf = (const float *)table + c * TABLE;
        const int16_t *ti = (const int16_t *)table + c * TABLE;
        if (e->q)
            for (int64_t i = 0; i < size; i++) ((int16_t *)to)[i * stride + c] = ti[pixels[i]];
        else
            for (int64_t i = 0; i < size; i++) ((float *)to)[i * stride + c] = tf[pixels[i]];
    }
}

/* Channel-major float image into the input tensor. */
static void load_raw(const ss_engine *e, worker *w, const float *image) {
    const ss_shape s = e->g->nodes[0].shape;
    const int64_t size = (int64_t)s.h * s.w;
    void *to = w->block + e->offset[0];
    for (int32_t c = 0; c < s.c; c++)
        for (int64_t i = 0; i < size; i++, image++) {
            if (e->q) ((int16_t *)to)[i * ss_stride(s.c) + c] = to_int(e, (double)*image);
            else ((float *)to)[i * ss_stride(s.c) + c] = *image;
        }
}

/* The output tensor, channel-major, as real numbers. */
static void store(const ss_engine *e, const worker *w, float *out) {
    const ss_shape s = e->g->nodes[e->g->output].shape;
    const int64_t size = (int64_t)s.h * s.w;
    const void *from = w->tensor[e->g->output];
    const double unit = e->q ? ldexp(1.0, -e->q->nodes[e->g->output].frac) : 1.0;
    for (int32_t c = 0; c < s.c; c++)
        for (int64_t i = 0; i < size; i++, out++) {
            const int64_t at = i * ss_stride(s.c) + c;
            *out = e->q ? (float)(((const int16_t *)from)[at] * unit) : ((const float *)from)[at];
        }
}

/* ---- runs ---- */

ss_status ss_engine_check_input(ss_ctx *ctx, const ss_engine *e, const ss_dataset *d, const ss_norm *norm) {
    const ss_shape s = e->g->nodes[0].shape;
    char want[40], have[40];
    ss_shape_text(s, want);
    ss_shape_text(d->shape, have);
    if (d->shape.c != s.c || d->shape.h != s.h || d->shape.w != s.w)
        return ss_error(ctx, (ss_where){ e->g->nodes[0].name, "input", want }, "use images of the network's shape",
                        "the images are %s", have);
    if (norm->channels != s.c)
        return ss_error(ctx, (ss_where){ e->g->nodes[0].name, "input", want }, "give one mean and std per channel",
                        "the normalisation has %d channels", norm->channels);
    return SS_OK;
}

typedef struct job {
    ss_ctx *ctx;
    const ss_engine *e;
    const ss_dataset *d;
    const ss_run_opts *opts;
    const void *table;
    worker *workers;
    float *scores;
} job;

/* Make ready what the first step of image i reads; returns that step. */
static int32_t begin(const job *j, worker *w, int64_t i, size_t pixels) {
    if (j->opts && j->opts->resume) {
        const int32_t after = j->opts->resume_after;
        w->tensor[after] = j->opts->resume(j->opts->resume_user, i);
        return after + 1;
    }
    ss_engine_load_image(j->e, w->block + j->e->offset[0], j->table, j->d->pixels + (size_t)i * pixels);
    return 0;
}

static void run_images(const job *j, int threads) {
    const ss_engine *e = j->e;
    const size_t pixels = (size_t)ss_shape_size(j->d->shape);
    const size_t classes = (size_t)ss_shape_size(e->g->nodes[e->g->output].shape);
    int64_t done = 0;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (int64_t i = 0; i < j->d->n; i++) {
        const int thread = omp_get_thread_num();
        worker *w = &j->workers[thread];
        run_steps(e, w, begin(j, w, i, pixels), j->opts, thread, i);
        if (j->scores) store(e, w, j->scores + (size_t)i * classes);
        int64_t now;
#pragma omp atomic capture
        now = ++done;
        if (thread == 0 && now < j->d->n) ss_progress(j->ctx, "images", (uint64_t)now, (uint64_t)j->d->n);
    }
    ss_progress(j->ctx, "images", (uint64_t)j->d->n, (uint64_t)j->d->n);
}

ss_status ss_engine_run(ss_ctx *ctx, ss_engine *e, const ss_dataset *d, const ss_norm *norm, const ss_run_opts *opts,
                        float *scores) {
    if (ss_engine_check_input(ctx, e, d, norm) != SS_OK) return SS_BAD;
    const int threads = ss_ctx_threads(ctx) < d->n ? ss_ctx_threads(ctx) : (int)(d->n > 0 ? d->n : 1);
    void *table = ss_engine_input_table(ctx, e, norm, d->shape.c);
    worker *workers = table ? new_workers(ctx, e, threads) : NULL;
    if (workers) run_images(&(job){ ctx, e, d, opts, table, workers, scores }, threads);
    free_workers(ctx, workers, threads);
    ss_free(ctx, table);
    return workers ? SS_OK : SS_BAD;
}

ss_status ss_engine_run_raw(ss_ctx *ctx, ss_engine *e, const float *image, float *out) {
    worker *w = new_workers(ctx, e, 1);
    if (!w) return SS_BAD;
    load_raw(e, w, image);
    run_steps(e, w, 0, NULL, 0, 0);
    store(e, w, out);
    free_workers(ctx, w, 1);
    return SS_OK;
}
