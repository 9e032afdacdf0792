/* The cost of a network's nodes: precomputation, configurations at an interval, evaluation of one folding. */
#include "cost/modules.h"
#include "cost/node.h"

#include "quant/quant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- precomputation ---- */

/* Cycles that a pixel may spend in a node, whatever its engine: in the modules of a convolution 30 to 45 (latency.c), the
 * others in lists and among results that wait. Measured (docs/cost.md): 80 are too few. */
#define CONV_DEPTH 120
#define OTHER_DEPTH 8

/* lag: the part of an image that a path has swallowed before its first pixel comes out, summed over its nodes: what
 * must arrive for the first window (padding counts for nothing), and one pixel in the engine. behind: the cycles that
 * a pixel may then spend in them. */
static void set_lag(ss_cost *c, ss_cost_node *n) {
    const ss_node *v = n->node;
    n->lag = n->behind = 0;
    for (int32_t k = 0; k < v->n_in; k++) {
        n->lag = fmax(n->lag, c->nodes[v->in[k]].lag);
        n->behind = fmax(n->behind, c->nodes[v->in[k]].behind);
    }
    n->behind += v->op == SS_OP_CONV ? CONV_DEPTH : v->op == SS_OP_INPUT ? 0 : OTHER_DEPTH;
    if (v->op != SS_OP_CONV && v->op != SS_OP_MAXPOOL && v->op != SS_OP_AVGPOOL) return;
    ss_shape in = ss_graph_in_shape(c->g, v);
    double held = ((double)(v->win.kh - 1 - v->win.pt) * in.w + v->win.kw - v->win.pl + 1) / ((double)in.h * in.w);
    n->lag += held < 0 ? 0 : held < 1 ? held : 1;
}

static void set_shape(ss_cost *c, int32_t i) {
    ss_cost_node *n = &c->nodes[i];
    const ss_node *v = n->node = &c->g->nodes[i];
    n->out_elems = ss_shape_size(v->shape);
    n->readers = ss_graph_readers(c->g, i);
    n->n_in = v->n_in > 0 ? v->n_in : 1;
    for (int32_t k = 0; k < n->n_in; k++) {
        ss_shape s = v->n_in > 0 ? c->g->nodes[v->in[k]].shape : v->shape;
        n->in_elems[k] = ss_shape_size(s);
        n->in_c[k] = s.c;
    }
    set_lag(c, n);
    n->nonnegative = v->act.on || (v->op != SS_OP_CONV && v->op != SS_OP_INPUT);
    for (int32_t k = 0; k < v->n_in && !v->act.on; k++)
        n->nonnegative = n->nonnegative && c->nodes[v->in[k]].nonnegative;
}

static ss_status profile_mismatch(ss_cost *c, const ss_cost_node *n, const char *what) {
    return ss_error(c->ctx, (ss_where){ n->node->name, "conv", NULL }, "profile this model again",
                    "the profile %s", what);
}

static ss_status set_lists(ss_cost *c, ss_cost_node *n, const ss_layer_profile *l, double an_image) {
    size_t count = (size_t)l->n_parts * (size_t)l->n_ci;
    ss_list_stats *lists = ss_arena_alloc(c->arena, count, sizeof *lists);
    int32_t *parts = ss_arena_alloc(c->arena, (size_t)l->n_parts, sizeof *parts);
    if (!lists || !parts) return SS_BAD;
    if (count) memcpy(parts, l->parts, (size_t)l->n_parts * sizeof *parts); /* none where no broadcast engine was asked for */
    for (size_t i = 0; i < count; i++) {
        for (int span = 0; span < SS_LIST_SPANS; span++) {
            lists[i].busiest[span] = l->lists[i].busiest[span] * an_image;
            lists[i].compaction[span] = l->lists[i].compaction[span] * an_image;
        }
        lists[i].word = l->lists[i].word * an_image;
    }
    n->parts = parts;
    n->n_parts = l->n_parts;
    n->lists = lists;
    return SS_OK;
}

static ss_status set_expectation(ss_cost *c, ss_cost_node *n) {
    const ss_layer_profile *l = ss_profile_layer(c->p, n->node->name);
    if (!l) return profile_mismatch(c, n, "has no such layer");
    if (l->channels != n->c || l->k != n->k || l->groups != n->groups || !(l->windows > 0))
        return profile_mismatch(c, n, "describes another layer of this name");
    double *expect = ss_arena_alloc(c->arena, (size_t)n->n_ci, (size_t)n->k * sizeof *expect);
    if (!expect) return SS_BAD;
    double an_image = (double)(n->out_elems / n->f) / l->windows;
    for (int i = 0; i < n->n_ci; i++) {
        const double *hist = ss_profile_max_hist(l, n->ci[i]);
        if (!hist) return profile_mismatch(c, n, "lacks a number of streams");
        double *row = expect + (int64_t)i * n->k;
        ss_expected_cycles(hist, (int32_t)n->k, row);
        for (int64_t m = 0; m < n->k; m++) row[m] *= an_image;
    }
    n->nonzero_macs = ss_profile_mean_nonzeros(l) * l->windows * l->channels * an_image * (double)n->fg;
    n->expect = expect;
    return set_lists(c, n, l, an_image);
}

static int by_cycles(const void *va, const void *vb) {
    const ss_config *a = va, *b = vb;
    if (a->cycles != b->cycles) return a->cycles < b->cycles ? -1 : 1;
    const int32_t ka[] = { (int32_t)a->engine, a->gr, a->ci, a->co, a->m, (int32_t)a->memory, a->pixels };
    const int32_t kb[] = { (int32_t)b->engine, b->gr, b->ci, b->co, b->m, (int32_t)b->memory, b->pixels };
    for (int i = 0; i < 7; i++)
        if (ka[i] != kb[i]) return ka[i] < kb[i] ? -1 : 1;
    return 0;
}

/* The bits that hold every partial sum of every filter, whatever its input: from the weights, scaled so that the
 * largest of a filter is the largest integer, or, without weights, from their number alone. Biases, which are small
 * beside it, are left out. */
static int accumulator_bits(const ss_cost *c, const ss_cost_node *n) {
    const ss_node *v = n->node;
    int bits = c->opts.bits;
    int64_t each = n->k * n->cg, top = ((int64_t)1 << (bits - 1)) - 1;
    int worst = 2 * bits - 1 + ss_log2_ceil(each);
    if (!v->weights) return worst;
    double low = c->nodes[v->in[0]].nonnegative ? 0 : (double)top + 1, least = 0, most = 0;
    for (int64_t f = 0; f < n->f; f++) {
        const float *w = v->weights + f * each;
        double positive = 0, negative = 0, largest = 0;
        for (int64_t i = 0; i < each; i++) { /* no branch, for signs are random */
            const double x = w[i], size = fabs(x), above = (x + size) / 2; /* exact */
            positive += above;
            negative += size - above;
            largest = size > largest ? size : largest;
        }
        double scale = largest > 0 ? (double)top / largest : 0, high = (double)top;
        most = fmax(most, scale * (positive * high + negative * low));
        least = fmax(least, scale * (negative * high + positive * low));
    }
    if (!(most < 9e15 && least < 9e15)) return worst;
    int needed = ss_bits_for(-(int64_t)least, (int64_t)most);
    return needed < bits ? bits : needed < worst ? needed : worst;
}

static ss_status set_conv(ss_cost *c, ss_cost_node *n) {
    const ss_node *v = n->node;
    n->c = n->in_c[0];
    n->f = v->shape.c;
    n->groups = v->groups;
    n->cg = n->c / n->groups;
    n->fg = n->f / n->groups;
    n->k = (int64_t)v->win.kh * v->win.kw;
    n->acc_bits = accumulator_bits(c, n);
    int64_t divisors[512]; /* no number up to SS_MAX_DIM has more than 240 */
    n->n_ci = ss_divisors(n->cg, divisors, 512);
    n->ci = ss_arena_alloc(c->arena, (size_t)n->n_ci, sizeof *n->ci);
    if (!n->ci) return SS_BAD;
    memcpy(n->ci, divisors, (size_t)n->n_ci * sizeof *n->ci);
    if (c->p && set_expectation(c, n) != SS_OK) return SS_BAD;
    int64_t count = ss_fold_enumerate(c, n, NULL);
    if (count > INT32_MAX / (int64_t)sizeof *n->fixed) count = 0;
    n->fixed = ss_arena_alloc(c->arena, (size_t)count, sizeof *n->fixed);
    if (!n->fixed) return SS_BAD;
    if (count == 0)
        return ss_error(c->ctx, (ss_where){ v->name, "conv", NULL }, "allow the dense engine, or check the channels",
                        "no engine that is allowed can compute it, or there are too many foldings");
    n->n_fixed = (int)ss_fold_enumerate(c, n, n->fixed);
    qsort(n->fixed, (size_t)n->n_fixed, sizeof *n->fixed, by_cycles);
    return SS_OK;
}

/* No engine, one way. */
static ss_status set_plain(ss_cost *c, ss_cost_node *n) {
    n->fixed = ss_arena_alloc(c->arena, 1, sizeof *n->fixed);
    if (!n->fixed) return SS_BAD;
    *n->fixed = (ss_config){ .gr = 1, .ci = 1, .co = 1, .m = 1 };
    n->n_fixed = 1;
    return SS_OK;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void add_tensor_steps(double *steps, int *n, int64_t elems, int32_t channels) {
    for (int32_t l = 1; l <= channels; l++)
        if (channels % l == 0) steps[(*n)++] = (double)(elems / l);
}

static int64_t count_divisors(int32_t n) {
    int64_t found = 0;
    for (int32_t d = 1; d <= n; d++) found += n % d == 0;
    return found;
}

/* All cycle counts that the node can have: those of its engines and those of its streams, from the fastest that all
 * of its parts can reach. */
static ss_status set_steps(ss_cost *c, ss_cost_node *n) {
    int64_t room = n->n_fixed + count_divisors(n->node->shape.c);
    for (int32_t k = 0; k < n->n_in; k++) room += count_divisors(n->in_c[k]);
    double *steps = n->steps = ss_arena_alloc(c->arena, (size_t)room, sizeof *steps);
    if (!steps) return SS_BAD;
    double least = (double)(n->out_elems / n->node->shape.c);
    int count = 0;
    for (int32_t k = 0; k < n->n_in; k++) {
        least = fmax(least, (double)(n->in_elems[k] / n->in_c[k]));
        add_tensor_steps(steps, &count, n->in_elems[k], n->in_c[k]);
    }
    add_tensor_steps(steps, &count, n->out_elems, n->node->shape.c);
    least = fmax(least, n->fixed[0].cycles);
    for (int i = 0; i < n->n_fixed; i++) steps[count++] = n->fixed[i].cycles;
    qsort(steps, (size_t)count, sizeof *steps, by_value);
    for (int i = 0; i < count; i++)
        if (steps[i] >= least && (n->n_steps == 0 || steps[i] > steps[n->n_steps - 1]))
            steps[n->n_steps++] = steps[i];
    return SS_OK;
}

static ss_status keep_tuning(ss_cost *c) {
    if (!c->opts.tuning) return SS_OK;
    c->tuning = ss_arena_alloc(c->arena, (size_t)c->g->n, sizeof *c->tuning);
    if (!c->tuning) return SS_BAD;
    memcpy(c->tuning, c->opts.tuning, (size_t)c->g->n * sizeof *c->tuning);
    c->opts.tuning = c->tuning;
    return SS_OK;
}

static void set_tuning(ss_cost *c, ss_cost_node *n) {
    if (!c->tuning) return;
    ss_tuning *t = &c->tuning[n - c->nodes];
    for (int32_t k = 0; c->opts.raise_rooms && k < n->node->n_in; k++) {
        int64_t safe = ss_safe_room(c, n, k);
        if (t->room[k] > 0 && t->room[k] < safe) t->room[k] = safe;
    }
    n->tuning = *t;
}

static ss_status set_node(ss_cost *c, int32_t i) {
    ss_cost_node *n = &c->nodes[i];
    const ss_node *v = &c->g->nodes[i];
    if (v->op == SS_OP_BATCHNORM)
        return ss_error(c->ctx, (ss_where){ v->name, "batchnorm", NULL }, "run the passes first",
                        "a batch normalisation that is not folded has no hardware");
    set_shape(c, i);
    set_tuning(c, n);
    if ((v->op == SS_OP_CONV ? set_conv(c, n) : set_plain(c, n)) != SS_OK || ss_node_useful(c, n) != SS_OK) return SS_BAD;
    return set_steps(c, n);
}

const ss_tuning *ss_cost_tuning(const ss_cost *c) { return c->tuning; }

ss_status ss_cost_new(ss_ctx *ctx, const ss_graph *g, const ss_profile *p, const ss_device *dev, ss_cost_opts opts,
                      ss_cost **out) {
    *out = NULL;
    if (opts.bits != 8 && opts.bits != 16)
        return ss_error(ctx, SS_AT("--bits"), "choose 8 or 16", "hardware of %d bits is not supported", opts.bits);
    if (opts.engines == 0) opts.engines = SS_ENGINES_ALL;
    ss_arena *arena = ss_arena_new(ctx);
    if (!arena) return SS_BAD;
    ss_cost *c = ss_arena_alloc(arena, 1, sizeof *c);
    ss_cost_node *nodes = ss_arena_alloc(arena, (size_t)g->n, sizeof *nodes);
    ss_status s = c && nodes ? SS_OK : SS_BAD;
    if (s == SS_OK)
        *c = (ss_cost){ .ctx = ctx, .arena = arena, .g = g, .p = p, .device = *dev, .dev = &c->device, .opts = opts,
                        .nodes = nodes };
    if (s == SS_OK) s = keep_tuning(c);
    for (int32_t i = 0; nodes && c && i < g->n; i++)
        if (set_node(c, i) != SS_OK) s = SS_BAD;
    if (s == SS_OK) *out = c;
    else ss_arena_free(arena);
    return s;
}

uint64_t ss_cost_calibration(void) {
    size_t bytes;
    const void *coefficients = ss_module_coefficients(&bytes);
    return ss_hash(coefficients, bytes, 0);
}

void ss_cost_free(ss_cost *c) {
    if (c) ss_arena_free(c->arena);
}

/* ---- one configuration ---- */

static ss_status check_plain(ss_ctx *ctx, const ss_cost_node *n, const ss_config *cfg) {
    if (cfg->engine == SS_ENGINE_NONE && cfg->gr == 1 && cfg->ci == 1 && cfg->co == 1 && cfg->m == 1 &&
        cfg->memory == SS_MEM_NONE)
        return SS_OK;
    return ss_error(ctx, (ss_where){ n->node->name, ss_op_name(n->node->op), NULL },
                    "set engine none, memory none and gr = ci = co = m = 1", "only a convolution has a folding");
}

ss_status ss_cost_eval(ss_ctx *ctx, const ss_cost *c, int32_t node, double interval, ss_config *cfg) {
    const ss_cost_node *n = &c->nodes[node];
    bool conv = n->node->op == SS_OP_CONV;
    if (!(interval > 0))
        return ss_error(ctx, (ss_where){ n->node->name, ss_op_name(n->node->op), NULL }, "give a number of cycles",
                        "an interval of %g cycles is not positive", interval);
    if ((conv ? ss_fold_check(ctx, c, n, cfg) : check_plain(ctx, n, cfg)) != SS_OK) return SS_BAD;
    cfg->cycles = conv ? ss_fold_cycles(c, n, cfg) : 0;
    cfg->res = conv ? ss_fold_resources(c, n, cfg) : (ss_resources){ { 0 } };
    ss_node_complete(c, n, interval, cfg);
    return SS_OK;
}

double ss_cost_least_cycles(const ss_cost *c, int32_t node, const ss_config *cfg) {
    return ss_fold_least_cycles(&c->nodes[node], cfg);
}

ss_mem ss_cost_rom_style(const ss_cost *c, int32_t node, const ss_config *cfg) {
    return ss_fold_rom_style(c, &c->nodes[node], cfg);
}

double ss_cost_nonzero_macs(const ss_cost *c) {
    double macs = 0;
    for (int32_t i = 0; i < c->g->n; i++) macs += c->nodes[i].nonzero_macs;
    return macs;
}

double ss_cost_min_cycles(const ss_cost *c, int32_t node) { return c->nodes[node].steps[0]; }

int ss_cost_cycle_steps(const ss_cost *c, int32_t node, double *out, int cap) {
    const ss_cost_node *n = &c->nodes[node];
    if (cap > 0) memcpy(out, n->steps, (size_t)(cap < n->n_steps ? cap : n->n_steps) * sizeof *out);
    return n->n_steps;
}

ss_resources ss_cost_partition_overhead(const ss_cost *c) {
    (void)c;
    return ss_part_shell();
}
