/* Foldings of a convolution: which are legal, what they take in cycles, memories, logic (formulas: cost.h). */
#include "base/share.h"
#include "cost/modules.h"
#include "cost/node.h"

#include <math.h>

#define LUT_ROM_DEPTH 512  /* deeper weight memories are never built of LUTs */
#define MOST_RAGGED_FOLDS 16 /* of which the last has fewer filters */
#define MOST_RAGGED_SUMS 16
#define EVERY_M 64         /* larger kernels: crossbars with ever wider steps of m only */
#define FRONT_TO_RESULT 5  /* cycles from the issue of a beat to its result, besides the levels of the adder tree */

/* With m = k every position has its multiplier: nothing to choose, and the crossbar is the dense engine. */
static bool is_crossbar(const ss_cost_node *n, const ss_config *cfg) {
    return cfg->engine == SS_ENGINE_CROSSBAR && cfg->m < n->k;
}

static bool is_broadcast(const ss_config *cfg) { return cfg->engine == SS_ENGINE_BROADCAST; }

/* The least cycles that the engine takes for a word of windows. */
static int64_t cycles_a_window(const ss_cost_node *n, const ss_config *cfg) {
    return ss_window_held(n->k, n->fg, cfg);
}

typedef struct weight_memory {
    int64_t count, width, depth; /* `count` separate memories of width x depth */
} weight_memory;

static weight_memory weights_of(const ss_cost_node *n, const ss_config *cfg, int bits) {
    int64_t streams = (int64_t)cfg->gr * cfg->ci, folds = n->cg / cfg->ci * (n->fg / cfg->co) * (n->groups / cfg->gr);
    int64_t lane = (int64_t)cfg->co * bits;
    if (is_broadcast(cfg)) {
        int64_t rows = ss_share_rows(n->cg / cfg->ci, n->k, cfg->m);
        return (weight_memory){ streams * ss_pixels(cfg) * cfg->m, lane, rows * ss_ceil_div(n->fg, cfg->co) * n->groups };
    }
    if (!is_crossbar(n, cfg)) return (weight_memory){ 1, streams * lane * cfg->m, n->k / cfg->m * folds };
    if (cfg->m == 1) return (weight_memory){ streams, lane, n->k * folds }; /* each stream its own position */
    return (weight_memory){ 1, streams * lane * n->k, folds };
}

static bool memory_legal(const ss_device *dev, ss_mem kind, const weight_memory *w) {
    if (kind == SS_MEM_LUT) return w->depth <= LUT_ROM_DEPTH;
    if (kind == SS_MEM_BRAM) return w->depth > 1;
    return kind == SS_MEM_URAM && w->depth > 1 && dev->total.r[SS_URAM] > 0;
}

static void add_weights(const weight_memory *w, ss_mem kind, ss_resources *res) {
    ss_res_add(res, ss_part_weights(kind, w->width, w->depth), w->count);
}

static int ci_index(const ss_cost_node *n, int64_t ci) {
    for (int i = 0; i < n->n_ci; i++)
        if (n->ci[i] == ci) return i;
    return -1;
}

/* A row's first window may need more columns than the engine gives it time to load: that much of each row is lost. */
static double first_windows(const ss_cost_node *n, const ss_config *cfg, ss_shape in, double engine) {
    ss_shape out = n->node->shape;
    int64_t words = n->c / ss_window_lanes(cfg);
    if (!ss_window_keeps_columns(&n->node->win, out, cycles_a_window(n, cfg))) return 0;
    double window = engine / ((double)out.h * out.w * (double)words);
    double late = (double)ss_window_first_loads(&n->node->win, in, out) - window;
    return late > 0 ? late * out.h * (double)words : 0;
}

double ss_fold_cycles(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg) {
    double engine, intake = (double)(n->in_elems[0] / ss_window_lanes(cfg));
    double stall = n->tuning.stall > 0 ? n->tuning.stall : 1;
    int64_t filters = n->fg / cfg->co, pixels = n->out_elems / n->f;
    if (is_broadcast(cfg)) {
        engine = fmax(stall * ss_broadcast_cycles(n, cfg), ss_broadcast_least(n, cfg));
    } else if (is_crossbar(n, cfg)) {
        double steps = n->expect[ci_index(n, cfg->ci) * n->k + cfg->m - 1];
        engine = stall * steps * (double)filters / cfg->gr;
    } else {
        engine = (double)(n->k / cfg->m * (n->cg / cfg->ci) * filters * (n->groups / cfg->gr) * pixels);
    }
    engine += first_windows(n, cfg, c->g->nodes[n->node->in[0]].shape, engine);
    return engine > intake ? engine : intake;
}

double ss_fold_least_cycles(const ss_cost_node *n, const ss_config *cfg) {
    int64_t pixels = n->out_elems / n->f, intake = n->in_elems[0] / ss_window_lanes(cfg);
    int64_t folds = ss_ceil_div(n->fg, cfg->co), steps = n->cg / cfg->ci;
    double engine = (double)(pixels * (n->groups / cfg->gr) * folds * steps);
    if (is_broadcast(cfg)) engine = ss_broadcast_least(n, cfg);
    return fmax(engine, (double)intake);
}

/* How the modules count a folding (docs/hardware.md). */
typedef struct engine {
    bool sparse;
    int64_t streams, lanes, passes, steps, folds, levels;
    int64_t product, sum; /* bits of a product, of a beat's sum */
    int64_t results;      /* places of the result FIFO: those in flight, and FOLDS of a pixel */
} engine;

static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

static engine engine_of(const ss_cost_node *n, const ss_config *cfg, int bits) {
    engine e = { .sparse = is_crossbar(n, cfg),
                 .streams = (int64_t)cfg->gr * cfg->ci,
                 .lanes = (int64_t)cfg->gr * cfg->co };
    e.passes = n->groups / cfg->gr;
    e.steps = n->cg / cfg->ci;
    e.folds = n->fg / cfg->co;
    e.levels = ss_log2_ceil((int64_t)cfg->ci * cfg->m);
    e.product = at_most(2 * bits - 1, n->acc_bits);
    e.sum = at_most(e.product + e.levels, n->acc_bits);
    int64_t latency = FRONT_TO_RESULT + e.levels + (e.sparse && cfg->m == 1 ? 1 : 0);
    e.results = (int64_t)1 << ss_log2_ceil((e.steps > 1 ? e.folds : 1) + latency + 2);
    return e;
}

static void add_front(const ss_cost_node *n, const ss_config *cfg, const engine *e, int bits, ss_resources *res) {
    ss_module front = e->sparse ? SS_MOD_FRONT_SPARSE : SS_MOD_FRONT;
    ss_res_add(res, SS_COST_OF(front, bits, n->k, cfg->m, e->streams, e->steps, e->folds, e->passes, e->results), 1);
    if (e->sparse && cfg->m > 1)
        ss_res_add(res, SS_COST_OF(SS_MOD_CROSSBAR, n->k, cfg->m, bits), e->streams * cfg->co);
}

static ss_window_form window_form(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg) {
    const ss_window *w = &n->node->win;
    ss_shape in = c->g->nodes[n->node->in[0]].shape;
    return ss_window_form_of(c->dev, w, in, n->node->shape, ss_window_lanes(cfg), c->opts.bits, cycles_a_window(n, cfg));
}

ss_mem ss_fold_rom_style(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg) {
    int64_t lanes = ss_result_lanes(cfg);
    return ss_constants_style(c->dev, lanes * n->acc_bits, n->f / lanes);
}

/* Everything between window and result FIFO that multiplies as soon as it chooses: dense and crossbar. */
static ss_resources window_engine(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg) {
    int bits = c->opts.bits, result = ss_result_bits(n);
    engine e = engine_of(n, cfg, bits);
    ss_resources res = SS_COST_OF(SS_MOD_DOT, bits, cfg->gr, cfg->ci, cfg->co, cfg->m, n->acc_bits);
    add_front(n, cfg, &e, bits, &res);
    res.r[SS_FF] += 4 * e.levels; /* flags that travel with the sums */
    ss_style biases = ss_fold_rom_style(c, n, cfg) == SS_MEM_LUT ? SS_STYLE_LUT : SS_STYLE_BLOCK;
    ss_res_add(&res,
               SS_COST_OF(SS_MOD_ACCUMULATE, e.lanes, n->acc_bits, n->acc_bits - result, e.steps, e.folds, e.passes,
                          biases),
               1);
    ss_res_add(&res, ss_part_result_fifo(e.lanes * result, e.results), 1);
    return res;
}

ss_resources ss_fold_resources(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg) {
    int bits = c->opts.bits;
    ss_resources res = is_broadcast(cfg) ? ss_broadcast_resources(c, n, cfg) : window_engine(c, n, cfg);
    ss_shape in = c->g->nodes[n->node->in[0]].shape;
    ss_res_add(&res, ss_part_window(in, n->node, ss_window_lanes(cfg), bits, window_form(c, n, cfg)), 1);
    weight_memory mem = weights_of(n, cfg, bits);
    add_weights(&mem, cfg->memory, &res);
    return res;
}

int64_t ss_fold_load_bits(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg) {
    weight_memory w = weights_of(n, cfg, c->opts.bits);
    return w.count * w.depth * ss_ceil_div(w.width, 64) * 64;
}

/* ---- enumeration ---- */

typedef struct listing {
    const ss_cost *c;
    const ss_cost_node *n;
    ss_config *out; /* NULL: count only */
    int64_t count;
} listing;

static void list_memories(listing *l, ss_config cfg) {
    weight_memory w = weights_of(l->n, &cfg, l->c->opts.bits);
    ss_resources base = { { 0 } };
    for (ss_mem kind = SS_MEM_LUT; kind < SS_MEM_KINDS; kind++) {
        if (!memory_legal(l->c->dev, kind, &w)) continue;
        if (l->out) {
            cfg.memory = SS_MEM_NONE;
            if (base.r[SS_LUT] == 0) {
                base = ss_fold_resources(l->c, l->n, &cfg);
                cfg.cycles = ss_fold_cycles(l->c, l->n, &cfg);
            }
            cfg.memory = kind;
            cfg.res = base;
            add_weights(&w, kind, &cfg.res);
            l->out[l->count] = cfg;
        }
        l->count++;
    }
}

static void list_engines(listing *l, ss_config cfg) {
    int64_t k = l->n->k, most = l->c->dev->total.r[SS_DSP] / ((int64_t)cfg.gr * cfg.ci * cfg.co);
    unsigned engines = l->c->opts.engines;
    bool dense = engines & 1u << SS_ENGINE_DENSE, crossbar = (engines & 1u << SS_ENGINE_CROSSBAR) && l->n->expect;
    for (int64_t m = 1; m <= k && m <= most; m += 1 + (m >= EVERY_M ? m / 8 : 0)) {
        cfg.m = (int32_t)m;
        cfg.engine = SS_ENGINE_CROSSBAR;
        if (crossbar && (m < k || !dense)) list_memories(l, cfg);
    }
    cfg.engine = SS_ENGINE_DENSE;
    for (int64_t m = 1; dense && m <= k && m <= most; m++) {
        cfg.m = (int32_t)m;
        if (k % m == 0) list_memories(l, cfg);
    }
}

/* With the buffers that suit it; false: no SUMS divides co and the filters. */
static bool list_sized(listing *l, ss_config cfg) {
    ss_broadcast_size(l->n, l->c->opts.bits, &cfg);
    if (l->n->fg % cfg.sums != 0) return false;
    list_memories(l, cfg);
    return true;
}

/* The fewest filters at a time that take so many folds, though they do not divide all; next to them, those with more of a divisor
 * in common. At 8 bits even ones, for two share a DSP. */
static void list_ragged(listing *l, ss_config cfg, int64_t folds, int64_t most) {
    const int64_t fg = l->n->fg, least = ss_ceil_div(fg, folds);
    for (int64_t sums = l->c->opts.bits == 8 ? 2 : 1; sums <= MOST_RAGGED_SUMS && fg % sums == 0; sums *= 2) {
        const int64_t co = ss_ceil_div(least, sums) * sums;
        if (co > most || fg % co == 0 || ss_ceil_div(fg, co) != folds) return;
        cfg.co = (int32_t)co;
        if (list_sized(l, cfg)) return;
    }
}

static void list_broadcast(listing *l, int64_t ci, int64_t pixels) {
    const int64_t fg = l->n->fg, multipliers = l->c->dev->total.r[SS_DSP] * (l->c->opts.bits == 8 ? 2 : 1);
    ss_config cfg = { .engine = SS_ENGINE_BROADCAST, .gr = 1, .ci = (int32_t)ci, .pixels = (int32_t)pixels };
    for (int i = 0; i < l->n->n_parts; i++) {
        const int64_t streams = ci * l->n->parts[i], most = multipliers / (streams * pixels);
        if (streams * pixels > SS_PROFILE_MOST_STREAMS) break;
        cfg.m = l->n->parts[i];
        for (int64_t co = 1; co <= fg && co <= most; co++) {
            cfg.co = (int32_t)co;
            if (fg % co == 0) list_sized(l, cfg);
        }
        for (int64_t folds = 2; folds <= MOST_RAGGED_FOLDS && folds < fg; folds++) list_ragged(l, cfg, folds, most);
    }
}

/* Several pixels at once: where a window has so many lanes anyway, fewer of them wait for one another. Each engine has two pixels
 * of every row at least, so that what is under way in them stays below what the FIFOs of joins hold. */
static void list_pixels(listing *l, int64_t ci) {
    list_broadcast(l, ci, 1);
    for (int64_t pixels = 2; pixels <= SS_MOST_PIXELS && l->n->cg % (ci * pixels) == 0 && 2 * pixels <= l->n->node->shape.w; pixels *= 2)
        list_broadcast(l, ci, pixels);
}

/* Lanes are neighbouring channels: groups run in parallel only when each of them is whole. */
static bool groups_legal(const ss_cost_node *n, int64_t gr, int64_t ci, int64_t co) {
    return gr == 1 || (ci == n->cg && co == n->fg);
}

int64_t ss_fold_enumerate(const ss_cost *c, const ss_cost_node *n, ss_config *out) {
    listing l = { c, n, out, 0 };
    int64_t dsps = c->dev->total.r[SS_DSP];
    bool broadcast = (c->opts.engines & 1u << SS_ENGINE_BROADCAST) && n->lists;
    for (int i = 0; broadcast && i < n->n_ci; i++)
        list_pixels(&l, n->ci[i]);
    if (!(c->opts.engines & (1u << SS_ENGINE_DENSE | 1u << SS_ENGINE_CROSSBAR))) return l.count;
    for (int64_t gr = 1; gr <= n->groups && gr <= dsps; gr++) {
        if (n->groups % gr != 0) continue;
        for (int i = 0; i < n->n_ci && gr * n->ci[i] <= dsps; i++)
            for (int64_t co = 1; co <= n->fg && gr * n->ci[i] * co <= dsps; co++)
                if (n->fg % co == 0 && groups_legal(n, gr, n->ci[i], co))
                    list_engines(&l, (ss_config){ .gr = (int32_t)gr, .ci = (int32_t)n->ci[i], .co = (int32_t)co });
    }
    return l.count;
}

/* ---- legality, with the legal values ---- */

static ss_where at_node(const ss_cost_node *n, char shape[40]) {
    ss_shape_text(n->node->shape, shape);
    return (ss_where){ n->node->name, ss_op_name(n->node->op), shape };
}

static ss_status check_divisor(ss_ctx *ctx, const ss_cost_node *n, const char *field, int64_t value, int64_t of) {
    if (value >= 1 && value <= of && of % value == 0) return SS_OK;
    char shape[40];
    ss_buf legal;
    ss_buf_init(&legal, ctx);
    for (int64_t d = 1; d <= of; d++)
        if (of % d == 0) ss_buf_printf(&legal, " %lld", (long long)d);
    ss_error(ctx, at_node(n, shape), "choose one of the legal values", "%s = %lld does not divide %lld; legal:%s",
             field, (long long)value, (long long)of, legal.data ? legal.data : "");
    ss_buf_free(&legal);
    return SS_BAD;
}

static ss_status check_engine(ss_ctx *ctx, const ss_cost *c, const ss_cost_node *n, const ss_config *cfg) {
    char shape[40];
    if (is_broadcast(cfg)) return ss_broadcast_check(ctx, c, n, cfg, at_node(n, shape));
    if (cfg->engine == SS_ENGINE_DENSE) return check_divisor(ctx, n, "m", cfg->m, n->k);
    if (cfg->engine != SS_ENGINE_CROSSBAR)
        return ss_error(ctx, at_node(n, shape), "choose one of the legal values",
                        "a convolution needs an engine; legal: dense crossbar broadcast");
    ss_status s = SS_OK;
    if (cfg->m < 1 || cfg->m > n->k)
        s = ss_error(ctx, at_node(n, shape), "choose one of the legal values",
                     "m = %d is outside the kernel; legal: 1..%lld", cfg->m, (long long)n->k);
    if (!c->p)
        s = ss_error(ctx, at_node(n, shape), "give a profile, or choose the dense engine",
                     "the cycles of a crossbar engine need a profile of zeros");
    return s;
}

static ss_status check_memory(ss_ctx *ctx, const ss_cost *c, const ss_cost_node *n, const ss_config *cfg) {
    weight_memory w = weights_of(n, cfg, c->opts.bits);
    if (memory_legal(c->dev, cfg->memory, &w)) return SS_OK;
    char shape[40];
    ss_buf legal;
    ss_buf_init(&legal, ctx);
    for (ss_mem kind = SS_MEM_LUT; kind < SS_MEM_KINDS; kind++)
        if (memory_legal(c->dev, kind, &w)) ss_buf_printf(&legal, " %s", ss_mem_names[kind]);
    ss_error(ctx, at_node(n, shape), "choose one of the legal values",
             "a weight memory %lld words deep cannot be \"%s\" on %s; legal:%s", (long long)w.depth,
             cfg->memory < SS_MEM_KINDS ? ss_mem_names[cfg->memory] : "?", c->dev->name,
             legal.data ? legal.data : "");
    ss_buf_free(&legal);
    return SS_BAD;
}

ss_status ss_fold_check(ss_ctx *ctx, const ss_cost *c, const ss_cost_node *n, const ss_config *cfg) {
    ss_status s = check_divisor(ctx, n, "gr", cfg->gr, n->groups);
    if (check_divisor(ctx, n, "ci", cfg->ci, n->cg) != SS_OK) s = SS_BAD;
    if (!is_broadcast(cfg) && check_divisor(ctx, n, "co", cfg->co, n->fg) != SS_OK) s = SS_BAD;
    if (check_engine(ctx, c, n, cfg) != SS_OK) s = SS_BAD;
    char shape[40];
    if (s == SS_OK && !groups_legal(n, cfg->gr, cfg->ci, cfg->co))
        s = ss_error(ctx, at_node(n, shape), "choose gr = 1, or whole groups",
                     "gr = %d needs ci = %lld and co = %lld, not %d and %d: parallel groups are whole", cfg->gr,
                     (long long)n->cg, (long long)n->fg, cfg->ci, cfg->co);
    return s == SS_OK ? check_memory(ctx, c, n, cfg) : SS_BAD;
}
