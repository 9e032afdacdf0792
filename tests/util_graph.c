/* Test helpers: random networks and data from a seed. See util_graph.h. */
#include "util_graph.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- random numbers ---- */

uint64_t util_rng_next(util_rng *r) {
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int32_t util_rng_int(util_rng *r, int32_t lo, int32_t hi) {
    uint64_t span = (uint64_t)((int64_t)hi - lo + 1);
    return (int32_t)(lo + (int64_t)(util_rng_next(r) % span));
}

float util_rng_float(util_rng *r, float lo, float hi) {
    return lo + (hi - lo) * ((float)(util_rng_next(r) >> 40) * 0x1p-24f);
}

float util_rng_normal(util_rng *r) {
    float sum = 0; /* of twelve uniform numbers: variance 1 */
    for (int i = 0; i < 12; i++) sum += util_rng_float(r, -0.5f, 0.5f);
    return sum;
}

/* ---- nodes ---- */

static int32_t add(ss_graph *g, const char *name, ss_node n) {
    for (int32_t k = 0; k < n.n_in; k++)
        if (n.in[k] < 0) return -1;
    n.name = ss_arena_strdup(g->arena, name);
    n.onnx_op = "";
    if (!n.name || ss_graph_infer_shape(g, &n) != SS_OK) return -1;
    return g->output = ss_graph_add(g, &n);
}

int32_t util_add_input(ss_graph *g, int32_t c, int32_t h, int32_t w) {
    return add(g, "input", (ss_node){ .op = SS_OP_INPUT, .shape = { c, h, w } });
}

static float *random_floats(ss_graph *g, int64_t n, float scale, float offset, util_rng *r) {
    float *v = ss_arena_alloc(g->arena, (size_t)n, sizeof *v);
    for (int64_t i = 0; v && i < n; i++) v[i] = offset + scale * util_rng_normal(r);
    return v;
}

int32_t util_add_conv(ss_graph *g, const char *name, int32_t in, util_conv_spec s, util_rng *r) {
    if (in < 0) return -1;
    int32_t kw = s.kw ? s.kw : s.kh, sh = s.sh ? s.sh : 1, sw = s.sw ? s.sw : sh, groups = s.groups ? s.groups : 1;
    ss_node n = { .op = SS_OP_CONV, .n_in = 1, .in = { in }, .shape.c = s.f, .groups = groups, .fc = s.fc,
                  .win = { s.kh, kw, sh, sw, s.pt, s.pl, s.pb, s.pr } };
    if (ss_graph_infer_shape(g, &n) != SS_OK) return -1;
    int64_t count = ss_node_weight_count(g, &n);
    n.weights = random_floats(g, count, sqrtf(2.0f * (float)s.f / (float)count), 0, r);
    n.bias = s.bias ? random_floats(g, s.f, 0.1f, 0, r) : NULL;
    if (!n.weights || (s.bias && !n.bias)) return -1;
    return add(g, name, n);
}

int32_t util_add_relu(ss_graph *g, const char *name, int32_t in, float threshold, float ceiling) {
    const char *key = ss_arena_strdup(g->arena, name);
    if (!key) return -1;
    return add(g, name, (ss_node){ .op = SS_OP_RELU, .n_in = 1, .in = { in },
                                   .act = { .on = true, .name = key, .threshold = threshold, .ceiling = ceiling } });
}

int32_t util_add_batchnorm(ss_graph *g, const char *name, int32_t in, util_rng *r) {
    if (in < 0) return -1;
    ss_node n = { .op = SS_OP_BATCHNORM, .n_in = 1, .in = { in } };
    n.weights = random_floats(g, g->nodes[in].shape.c, 0.2f, 1, r);
    n.bias = random_floats(g, g->nodes[in].shape.c, 0.2f, 0, r);
    return n.weights && n.bias ? add(g, name, n) : -1;
}

int32_t util_add_pool(ss_graph *g, const char *name, ss_op op, int32_t in, int32_t k, int32_t stride, int32_t pad) {
    return add(g, name, (ss_node){ .op = op, .n_in = 1, .in = { in },
                                   .win = { k, k, stride, stride, pad, pad, pad, pad } });
}

int32_t util_add_slice(ss_graph *g, const char *name, int32_t in, int32_t offset, int32_t stride, int32_t cut) {
    return add(g, name, (ss_node){ .op = SS_OP_SLICE, .n_in = 1, .in = { in },
                                   .win = { .sh = stride, .sw = stride, .pt = offset, .pl = offset, .pb = cut,
                                            .pr = cut } });
}

int32_t util_add_chanpad(ss_graph *g, const char *name, int32_t in, int32_t before, int32_t after) {
    return add(g, name, (ss_node){ .op = SS_OP_CHANPAD, .n_in = 1, .in = { in }, .pad_before = before,
                                   .pad_after = after });
}

int32_t util_add_simple(ss_graph *g, const char *name, ss_op op, int32_t a, int32_t b) {
    return add(g, name, (ss_node){ .op = op, .n_in = b < 0 ? 1 : 2, .in = { a, b < 0 ? 0 : b } });
}

/* ---- whole networks ---- */

static ss_graph *finish(ss_graph *g, int32_t last) {
    if (last >= 0 && ss_passes_run(g, NULL, NULL) == SS_OK) return g;
    ss_graph_free(g);
    return NULL;
}

ss_graph *util_one_conv(ss_ctx *ctx, int32_t c, int32_t h, int32_t w, util_conv_spec s, bool relu, uint32_t seed) {
    ss_graph *g = ss_graph_new(ctx, "conv.onnx");
    if (!g) return NULL;
    util_rng r = { seed };
    int32_t x = util_add_conv(g, "conv", util_add_input(g, c, h, w), s, &r);
    return finish(g, relu ? util_add_relu(g, "relu", x, 0, INFINITY) : x);
}

static int32_t conv_relu(ss_graph *g, const char *conv, const char *relu, int32_t in, int32_t f, int32_t stride,
                         util_rng *r) {
    util_conv_spec s = { .f = f, .kh = 3, .sh = stride, .pt = 1, .pl = 1, .pb = 1, .pr = 1, .bias = true };
    int32_t x = util_add_conv(g, conv, in, s, r);
    return relu ? util_add_relu(g, relu, x, 0, INFINITY) : x;
}

static int32_t pool_and_fc(ss_graph *g, int32_t in, util_rng *r) {
    if (in < 0) return -1;
    int32_t x = util_add_pool(g, "gap", SS_OP_AVGPOOL, in, g->nodes[in].shape.h, 1, 0);
    return util_add_conv(g, "fc", x, (util_conv_spec){ .f = 10, .kh = 1, .bias = true, .fc = true }, r);
}

ss_graph *util_chain(ss_ctx *ctx, int32_t n, uint32_t seed) {
    ss_graph *g = ss_graph_new(ctx, "chain.onnx");
    if (!g) return NULL;
    util_rng r = { seed };
    int32_t x = util_add_input(g, 3, 16, 16);
    for (int32_t i = 1; i <= n; i++) {
        char conv[32], relu[32];
        snprintf(conv, sizeof conv, "conv%d", i);
        snprintf(relu, sizeof relu, "relu%d", i);
        x = conv_relu(g, conv, relu, x, 4 + 4 * i, 1, &r);
        if (i == 2) x = util_add_pool(g, "pool", SS_OP_MAXPOOL, x, 2, 2, 0);
    }
    return finish(g, pool_and_fc(g, x, &r));
}

ss_graph *util_small_resnet(ss_ctx *ctx, uint32_t seed) {
    ss_graph *g = ss_graph_new(ctx, "small_resnet.onnx");
    if (!g) return NULL;
    util_rng r = { seed };
    int32_t stem = conv_relu(g, "stem", "stem_relu", util_add_input(g, 3, 16, 16), 8, 1, &r);
    int32_t x = conv_relu(g, "b1_conv1", "b1_relu1", stem, 8, 1, &r);
    x = conv_relu(g, "b1_conv2", NULL, x, 8, 1, &r);
    x = util_add_simple(g, "b1_add", SS_OP_ADD, x, stem);
    int32_t b1 = util_add_relu(g, "b1_relu2", x, 0, INFINITY);
    x = conv_relu(g, "b2_conv1", "b2_relu1", b1, 16, 2, &r);
    x = conv_relu(g, "b2_conv2", NULL, x, 16, 1, &r);
    int32_t shortcut = util_add_conv(g, "b2_shortcut", b1, (util_conv_spec){ .f = 16, .kh = 1, .sh = 2 }, &r);
    x = util_add_simple(g, "b2_add", SS_OP_ADD, x, shortcut);
    return finish(g, pool_and_fc(g, util_add_relu(g, "b2_relu2", x, 0, INFINITY), &r));
}

/* ---- data ---- */

ss_dataset *util_dataset(ss_ctx *ctx, ss_shape shape, int32_t classes, int64_t n, uint32_t seed) {
    ss_dataset *d;
    if (ss_dataset_new(ctx, shape, n, &d) != SS_OK) return NULL;
    util_rng r = { seed };
    for (int64_t i = 0; i < n; i++) {
        uint8_t *label, *pixels;
        ss_dataset_record(d, i, &label, &pixels);
        *label = (uint8_t)util_rng_int(&r, 0, classes - 1);
        for (int64_t p = 0; p < ss_shape_size(shape); p++) pixels[p] = (uint8_t)util_rng_int(&r, 0, 255);
    }
    return d;
}

bool util_write_records(const char *path, const ss_dataset *d) {
    FILE *f = fopen(path, "wb");
    if (!f) return false;
    size_t size = (size_t)ss_shape_size(d->shape);
    bool ok = true;
    for (int64_t i = 0; i < d->n && ok; i++)
        ok = fputc(d->labels[i], f) != EOF && fwrite(d->pixels + (size_t)i * size, 1, size, f) == size;
    return fclose(f) == 0 && ok;
}

bool util_write_text(const char *path, const char *text) {
    FILE *f = fopen(path, "wb");
    if (!f) return false;
    bool ok = fputs(text, f) >= 0;
    return fclose(f) == 0 && ok;
}

bool util_temp_dir(char out[256]) {
    const char *base = getenv("TMPDIR");
    int n = snprintf(out, 256, "%s/skipstream-test-XXXXXX", base ? base : "/tmp");
    return n > 0 && n < 256 && mkdtemp(out) != NULL;
}

void util_remove_dir(const char *dir) {
    DIR *d = opendir(dir);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(path) != 0) rmdir(path);
    }
    closedir(d);
    rmdir(dir);
}

/* ---- allocator ---- */

void *util_oom_alloc(void *user, void *ptr, size_t size) {
    util_oom *o = user;
    if (size == 0) {
        if (ptr) o->live--;
        free(ptr);
        return NULL;
    }
    o->count++;
    if (o->count == o->fail_at || (o->for_good && o->count > o->fail_at)) return NULL;
    void *p = realloc(ptr, size);
    if (p && !ptr) o->live++;
    return p;
}

static bool sweep(bool (*attempt)(ss_ctx *ctx), bool for_good) {
    for (int64_t n = 1; n < 5000; n++) {
        util_oom oom = { .fail_at = n, .for_good = for_good };
        ss_ctx *ctx = ss_ctx_new_with(util_oom_alloc, &oom);
        if (!ctx) continue;
        bool done = attempt(ctx), said = ss_diag_errors(ctx) > 0;
        ss_ctx_free(ctx);
        if (done == said || oom.live != 0) {
            fprintf(stderr, "allocation %lld fails: success %d, error %d, %lld blocks left\n", (long long)n, done, said,
                    (long long)oom.live);
            return false;
        }
        if (done) return true;
    }
    fprintf(stderr, "no success after 5000 attempts\n");
    return false;
}

bool util_oom_sweep(bool (*attempt)(ss_ctx *ctx)) { return sweep(attempt, false) && sweep(attempt, true); }

/* ---- diagnostics ---- */

bool util_has_error(const ss_ctx *ctx, const char *text) {
    for (size_t i = 0; i < ss_diag_count(ctx); i++) {
        const ss_diag *d = ss_diag_at(ctx, i);
        if (d->severity == SS_ERROR && (strstr(d->cause, text) || strstr(d->where, text) || strstr(d->shape, text) ||
                                        strstr(d->remedy, text)))
            return true;
    }
    return false;
}

void util_print_diags(const ss_ctx *ctx) {
    for (size_t i = 0; i < ss_diag_count(ctx); i++) {
        const ss_diag *d = ss_diag_at(ctx, i);
        fprintf(stderr, "%s [%s %s]: %s; %s\n", d->where, d->op, d->shape, d->cause, d->remedy);
    }
}
