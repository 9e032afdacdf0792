/* The search for the least latency. See quickest.h. */
#include "explore/quickest.h"
#include "explore/figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 30         /* of prices, over all configurations; then as many over those kept */
#define KEEP 256          /* configurations of a node that exchanges look at */
#define FINALISTS 3       /* starts that are searched thoroughly */
#define KICKS 16          /* from each: times that it begins again near the best */
#define KICKED 3          /* nodes that change then, at most */
#define NEAR 40           /* to one of so many of their cheapest configurations */
#define MOST_STREAMS 4    /* times the interval of the design at hand: slower streams are not looked at */
#define MOST_SIZES 128
#define EXCHANGES 4000
#define SEED 0x9e3779b97f4a7c15u
#define THRIFT 0.01       /* of the latency: the price of a whole budget, at least */
#define SAME 1e-12

/* A configuration as exchanges see it. */
typedef struct way {
    double cycles, depth, r[SS_RES_COUNT];
    double price; /* scratch: what it costs under prices */
    int32_t id;   /* in the node's configs */
    int32_t like; /* the first of the node's ways, once they are few, that differs in memories alone: of the same latency */
} way;

typedef struct choices {
    way *ways;
    int32_t n;
    ss_config *configs;
} choices;

/* Nodes first..first + n - 1 with streams of one size. */
typedef struct field {
    ss_ctx *ctx;
    const ss_cost *c;
    ss_arena *arena;
    int32_t first, n;
    double most, streams, budget[SS_RES_COUNT];
    bool *failed; /* out of memory */
    choices *at;  /* [n] */
    double resource[SS_RES_COUNT], *cycles, *depth; /* prices, of a whole budget; slopes, [n] */
    double *now_cycles, *now_depth;                 /* scratch */
    double *known;                                  /* scratch: latencies by way, [KEEP]; NAN: not known */
} field;

typedef struct choice {
    int32_t *pick;
    ss_config *configs; /* what pick says */
    double load[SS_RES_COUNT];
    double latency;
} choice;

/* ---- what there is ---- */

static int by_price(const void *pa, const void *pb) {
    const way *a = pa, *b = pb;
    if (a->price != b->price) return a->price < b->price ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static bool within(const double *r, const double *budget) {
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (r[k] > budget[k]) return false;
    return true;
}

static ss_status list_node(field *f, int32_t i) {
    int32_t node = f->first + i;
    int n = ss_cost_configs_beside(f->c, node, f->streams, f->most, NULL, 0);
    choices *o = &f->at[i];
    o->configs = ss_arena_alloc(f->arena, (size_t)n + 1, sizeof *o->configs);
    o->ways = ss_arena_alloc(f->arena, (size_t)n + 1, sizeof *o->ways);
    if (!o->configs || !o->ways) return SS_BAD;
    ss_cost_configs_beside(f->c, node, f->streams, f->most, o->configs, n);
    o->n = 0;
    for (int32_t j = 0; j < n; j++) {
        way w = { .cycles = o->configs[j].cycles, .id = j };
        for (int k = 0; k < SS_RES_COUNT; k++) w.r[k] = (double)o->configs[j].res.r[k];
        if (w.cycles > f->most || !within(w.r, f->budget)) continue;
        w.depth = ss_cost_depth(f->c, node, &o->configs[j]);
        o->ways[o->n++] = w;
    }
    return SS_OK;
}

/* *fits: every node has a configuration, and the least of each resource is there for all of them. */
static ss_status list_all(field *f, bool *fits) {
    double least[SS_RES_COUNT] = { 0 };
    *fits = true;
    for (int32_t i = 0; i < f->n; i++) {
        if (list_node(f, i) != SS_OK) return SS_BAD;
        const choices *o = &f->at[i];
        *fits = *fits && o->n > 0;
        for (int k = 0; k < SS_RES_COUNT; k++) {
            double each = INFINITY;
            for (int32_t j = 0; j < o->n; j++) each = fmin(each, o->ways[j].r[k]);
            least[k] += each;
        }
    }
    *fits = *fits && within(least, f->budget);
    return SS_OK;
}

/* ---- choices ---- */

static ss_status choice_new(ss_arena *arena, int32_t n, choice *x) {
    x->pick = ss_arena_alloc(arena, (size_t)n, sizeof *x->pick);
    x->configs = ss_arena_alloc(arena, (size_t)n, sizeof *x->configs);
    return x->pick && x->configs ? SS_OK : SS_BAD;
}

static void choice_copy(const choice *from, int32_t n, choice *to) {
    memcpy(to->pick, from->pick, (size_t)n * sizeof *to->pick);
    memcpy(to->configs, from->configs, (size_t)n * sizeof *to->configs);
    memcpy(to->load, from->load, sizeof to->load);
    to->latency = from->latency;
}

static const way *taken(const field *f, const choice *x, int32_t i) { return &f->at[i].ways[x->pick[i]]; }

/* INFINITY: out of memory, noted. */
static double latency_of(const field *f, const ss_config *configs) {
    double latency = ss_cost_latency(f->c, f->first, f->first + f->n - 1, configs);
    if (!isnan(latency)) return latency;
    *f->failed = true;
    return INFINITY;
}

/* Everything that follows from pick. */
static void choice_settle(const field *f, choice *x) {
    memset(x->load, 0, sizeof x->load);
    for (int32_t i = 0; i < f->n; i++) {
        const way *w = taken(f, x, i);
        x->configs[i] = f->at[i].configs[w->id];
        for (int k = 0; k < SS_RES_COUNT; k++) x->load[k] += w->r[k];
    }
    x->latency = latency_of(f, x->configs);
}

static void choice_set(const field *f, choice *x, int32_t i, int32_t to) {
    const way *a = taken(f, x, i), *b = &f->at[i].ways[to];
    for (int k = 0; k < SS_RES_COUNT; k++) x->load[k] += b->r[k] - a->r[k];
    x->pick[i] = to;
    x->configs[i] = f->at[i].configs[b->id];
}

/* ---- prices ---- */

static double delay_price(const field *f, int32_t i, const way *w) {
    return f->cycles[i] * w->cycles + f->depth[i] * w->depth;
}

static double resource_price(const field *f, const way *w) {
    double v = 0;
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (f->budget[k] > 0) v += f->resource[k] * w->r[k] / f->budget[k];
    return v;
}

static void cheapest(field *f, choice *x) {
    for (int32_t i = 0; i < f->n; i++) {
        double best = INFINITY;
        for (int32_t j = 0; j < f->at[i].n; j++) {
            way *w = &f->at[i].ways[j];
            w->price = delay_price(f, i, w) + resource_price(f, w);
            if (w->price >= best) continue;
            best = w->price;
            x->pick[i] = j;
        }
    }
    choice_settle(f, x);
}

static ss_status learn_slopes(field *f, const ss_config *configs, double share) {
    if (ss_cost_latency_slopes(f->c, f->first, f->first + f->n - 1, configs, f->now_cycles, f->now_depth) != SS_OK)
        return SS_BAD;
    for (int32_t i = 0; i < f->n; i++) {
        f->cycles[i] += share * (f->now_cycles[i] - f->cycles[i]);
        f->depth[i] += share * (f->now_depth[i] - f->depth[i]);
    }
    return SS_OK;
}

static ss_status learn(field *f, const choice *x, int round) {
    double pace = 1 / sqrt(1 + round);
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (f->budget[k] > 0) f->resource[k] *= exp(pace * fmin(2, x->load[k] / f->budget[k] - 1));
    return learn_slopes(f, x->configs, 1 / (2 + 0.25 * round));
}

static bool differ_in_memory(const ss_config *a, const ss_config *b) {
    return a->engine == b->engine && a->gr == b->gr && a->ci == b->ci && a->co == b->co && a->m == b->m && a->sums == b->sums &&
           a->queue == b->queue && a->lists == b->lists && a->results == b->results && a->pixels == b->pixels &&
           a->lanes_in == b->lanes_in && a->lanes_out == b->lanes_out && a->cycles == b->cycles;
}

/* Of each node, the configurations of least price. */
static void keep_cheap(field *f) {
    for (int32_t i = 0; i < f->n; i++) {
        choices *o = &f->at[i];
        qsort(o->ways, (size_t)o->n, sizeof *o->ways, by_price);
        if (o->n > KEEP) o->n = KEEP;
        for (int32_t j = 0; j < o->n; j++) {
            way *w = &o->ways[j];
            w->like = 0;
            while (w->like < j && !differ_in_memory(&o->configs[o->ways[w->like].id], &o->configs[w->id])) w->like++;
        }
    }
}

/* ---- repair ---- */

static double excess(const field *f, const double *load) {
    double over = 0;
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (load[k] > f->budget[k]) over += f->budget[k] > 0 ? load[k] / f->budget[k] - 1 : load[k];
    return over;
}

static void load_with(const double *load, const way *from, const way *to, double out[SS_RES_COUNT]) {
    for (int k = 0; k < SS_RES_COUNT; k++) out[k] = load[k] + to->r[k] - from->r[k];
}

/* Exchanges of least latency lost for each part of the excess that goes; false when none helps. */
static bool repair(const field *f, choice *x) {
    double over;
    while ((over = excess(f, x->load)) > 0) {
        double best = INFINITY;
        int32_t at = -1, to = 0;
        for (int32_t i = 0; i < f->n; i++) {
            const way *now = taken(f, x, i);
            for (int32_t j = 0; j < f->at[i].n; j++) {
                const way *w = &f->at[i].ways[j];
                double load[SS_RES_COUNT];
                load_with(x->load, now, w, load);
                double gone = over - excess(f, load), lost = delay_price(f, i, w) - delay_price(f, i, now);
                if (gone < SAME || (lost > 0 ? lost / gone : lost) >= best) continue;
                best = lost > 0 ? lost / gone : lost;
                at = i;
                to = j;
            }
        }
        if (at < 0) return false;
        choice_set(f, x, at, to);
    }
    x->latency = latency_of(f, x->configs);
    return true;
}

/* ---- exchanges ---- */

static double use_of(const field *f, const choice *x, const way *w) {
    double u = resource_price(f, w);
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (f->budget[k] > 0) u += THRIFT * x->latency * w->r[k] / f->budget[k];
    return u;
}

static double slowest_of(const field *f, const choice *x) {
    double most = 0;
    for (int32_t i = 0; i < f->n; i++) most = fmax(most, x->configs[i].cycles);
    return most;
}

static void forget(const field *f) {
    for (int32_t j = 0; j < KEEP; j++) f->known[j] = NAN;
}

/* x's latency with node i built in another way; of the same x and i since forget(). */
static double latency_with(const field *f, choice *x, int32_t i, int32_t to) {
    double *known = &f->known[f->at[i].ways[to].like];
    if (!isnan(*known)) return *known;
    ss_config held = x->configs[i];
    x->configs[i] = f->at[i].configs[f->at[i].ways[to].id];
    *known = latency_of(f, x->configs);
    x->configs[i] = held;
    return *known;
}

/* The best exchange of one node: of less latency, or of the same for less, the interval no longer. */
static bool exchange_one(const field *f, choice *x) {
    double best = x->latency, saved = SAME * x->latency, slowest = slowest_of(f, x);
    int32_t at = -1, to = 0;
    for (int32_t i = 0; i < f->n; i++) {
        const way *now = taken(f, x, i);
        forget(f);
        for (int32_t j = 0; j < f->at[i].n; j++) {
            const way *w = &f->at[i].ways[j];
            double load[SS_RES_COUNT];
            load_with(x->load, now, w, load);
            if (j == x->pick[i] || !within(load, f->budget)) continue;
            double less = use_of(f, x, now) - use_of(f, x, w);
            bool cheaper = less > saved && w->cycles <= slowest;
            double latency = latency_with(f, x, i, j);
            if (latency > best || (latency >= best * (1 - SAME) && !cheaper)) continue;
            if (latency < best * (1 - SAME)) saved = latency < x->latency * (1 - SAME) ? -INFINITY : saved;
            best = latency;
            saved = fmax(saved, less);
            at = i;
            to = j;
        }
    }
    if (at < 0) return false;
    choice_set(f, x, at, to);
    x->latency = best;
    return true;
}

/* The exchange of another node than i that makes room for what load exceeds at the least loss; < 0: none. */
static int32_t payer(const field *f, const choice *x, int32_t i, const double *load, double most, int32_t *to) {
    int32_t at = -1;
    for (int32_t h = 0; h < f->n; h++) {
        const way *now = taken(f, x, h);
        for (int32_t j = 0; h != i && j < f->at[h].n; j++) {
            const way *w = &f->at[h].ways[j];
            double lost = f->now_cycles[h] * (w->cycles - now->cycles) + f->now_depth[h] * (w->depth - now->depth);
            double with[SS_RES_COUNT];
            if (lost >= most) continue;
            load_with(load, now, w, with);
            if (!within(with, f->budget)) continue;
            most = lost;
            at = h;
            *to = j;
        }
    }
    return at;
}

/* The first improving exchange of two nodes, one faster than there is room for and one that makes it. */
static bool exchange_two(const field *f, choice *x) {
    for (int32_t i = 0; i < f->n; i++) {
        const way *now = taken(f, x, i);
        const int32_t held = x->pick[i];
        forget(f);
        for (int32_t j = 0; j < f->at[i].n; j++) {
            const way *w = &f->at[i].ways[j];
            double load[SS_RES_COUNT];
            if (w->cycles >= now->cycles && w->depth >= now->depth) continue;
            double gain = x->latency - latency_with(f, x, i, j);
            if (gain <= SAME * x->latency) continue;
            load_with(x->load, now, w, load);
            int32_t to = 0, h = payer(f, x, i, load, gain, &to);
            if (h < 0) continue;
            int32_t back = x->pick[h];
            choice_set(f, x, i, j);
            choice_set(f, x, h, to);
            double latency = latency_of(f, x->configs);
            if (latency < x->latency * (1 - SAME)) {
                x->latency = latency;
                return true;
            }
            choice_set(f, x, h, back);
            choice_set(f, x, i, held);
        }
    }
    return false;
}

static ss_status exchange(field *f, choice *x) {
    for (int round = 0; round < EXCHANGES; round++) {
        if (exchange_one(f, x)) continue;
        if (ss_cost_latency_slopes(f->c, f->first, f->first + f->n - 1, x->configs, f->now_cycles, f->now_depth) != SS_OK)
            return SS_BAD;
        if (!exchange_two(f, x)) break;
    }
    return SS_OK;
}

/* ---- begin again ---- */

static int32_t draw(uint64_t *state, int32_t n) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (int32_t)((*state >> 33) % (uint64_t)n);
}

/* Exchanges from x, and from choices near the best so far: a fixed sequence, so the same answer every time. */
static ss_status search(field *f, choice *x) {
    choice y;
    uint64_t state = SEED;
    if (choice_new(f->arena, f->n, &y) != SS_OK || exchange(f, x) != SS_OK) return SS_BAD;
    for (int t = 0; t < KICKS; t++) {
        choice_copy(x, f->n, &y);
        for (int i = 0; i < 1 + t % KICKED; i++) {
            int32_t at = draw(&state, f->n), n = f->at[at].n;
            choice_set(f, &y, at, draw(&state, n < NEAR ? n : NEAR));
        }
        if (!repair(f, &y)) continue;
        if (exchange(f, &y) != SS_OK) return SS_BAD;
        if (y.latency < x->latency * (1 - SAME)) choice_copy(&y, f->n, x);
    }
    return SS_OK;
}

/* ---- one start ---- */

static ss_status field_new(field *f, const ss_partition *p, double streams) {
    size_t n = (size_t)f->n;
    f->streams = streams;
    f->at = ss_arena_alloc(f->arena, n, sizeof *f->at);
    f->cycles = ss_arena_alloc(f->arena, n, sizeof *f->cycles);
    f->depth = ss_arena_alloc(f->arena, n, sizeof *f->depth);
    f->now_cycles = ss_arena_alloc(f->arena, n, sizeof *f->now_cycles);
    f->now_depth = ss_arena_alloc(f->arena, n, sizeof *f->now_depth);
    f->known = ss_arena_alloc(f->arena, KEEP, sizeof *f->known);
    if (!f->at || !f->cycles || !f->depth || !f->now_cycles || !f->now_depth || !f->known) return SS_BAD;
    for (int k = 0; k < SS_RES_COUNT; k++) f->resource[k] = p->latency / SS_RES_COUNT;
    return learn_slopes(f, p->configs, 1);
}

/* The best choice that prices lead to; best->latency is INFINITY when none fits. */
static ss_status by_prices(field *f, choice *best) {
    choice x;
    best->latency = INFINITY;
    if (choice_new(f->arena, f->n, &x) != SS_OK) return SS_BAD;
    for (int round = 0; round < 2 * ROUNDS; round++) {
        cheapest(f, &x);
        if (learn(f, &x, round) != SS_OK) return SS_BAD;
        if (round == ROUNDS - 1) keep_cheap(f);
        if (round < ROUNDS || !repair(f, &x) || x.latency >= best->latency) continue;
        choice_copy(&x, f->n, best);
    }
    return SS_OK;
}

/* Streams sized for an interval, and the most that a node may take: of the latency a cycle of the slowest node costs more
 * than one, since all behind it wait for its pixels, so where that lies is tried. */
typedef struct start {
    double streams, most, latency;
} start;

static const double slower[] = { 1, 1.05, 1.12, 1.25, 1.5 }; /* than the fastest design's interval */
#define SLOWER ((int32_t)(sizeof slower / sizeof *slower))

/* The least latency found from a start, INFINITY when nothing fits, and what has it in configs. */
static ss_status try_start(field f, const ss_partition *p, start *at, bool thorough, ss_config *configs) {
    choice x;
    bool fits = false;
    at->latency = INFINITY;
    f.most = at->most;
    f.arena = ss_arena_new(f.ctx);
    if (!f.arena) return SS_BAD;
    ss_status s = field_new(&f, p, at->streams) == SS_OK && choice_new(f.arena, f.n, &x) == SS_OK ? list_all(&f, &fits) : SS_BAD;
    if (s == SS_OK && fits) s = by_prices(&f, &x);
    if (s == SS_OK && fits && thorough && x.latency < INFINITY) s = search(&f, &x);
    if (s == SS_OK && fits && x.latency < INFINITY) {
        at->latency = x.latency;
        memcpy(configs, x.configs, (size_t)f.n * sizeof *configs);
    }
    ss_arena_free(f.arena);
    return *f.failed ? SS_BAD : s;
}

/* ---- all of them ---- */

static int by_latency(const void *pa, const void *pb) {
    const start *a = pa, *b = pb;
    if (a->latency != b->latency) return a->latency < b->latency ? -1 : 1;
    if (a->streams != b->streams) return a->streams > b->streams ? -1 : 1; /* narrow ones first */
    return (a->most > b->most) - (a->most < b->most);
}

static int32_t add_sizes(ss_shape shape, double most, double *out, int32_t n) {
    for (int32_t d = 1; d <= shape.c && n < MOST_SIZES; d++) {
        double streams = (double)(ss_shape_size(shape) / d);
        bool known = shape.c % d != 0 || streams > most;
        for (int32_t i = 0; i < n && !known; i++) known = out[i] == streams;
        if (!known) out[n++] = streams;
    }
    return n;
}

/* The intervals at which some stream gets along with fewer lanes: all that it may be sized for. */
static int32_t list_sizes(const ss_graph *g, const ss_partition *p, double *out) {
    int32_t n = 0;
    double most = MOST_STREAMS * p->interval;
    for (int32_t i = p->first; i <= p->last; i++) {
        const ss_node *v = &g->nodes[i];
        n = add_sizes(v->shape, most, out, n);
        for (int32_t k = 0; k < v->n_in; k++) n = add_sizes(g->nodes[v->in[k]].shape, most, out, n);
    }
    return n;
}

/* Every start, looked at quickly, best first; *n of them. */
static ss_status look_at_starts(const field *f, const ss_graph *g, const ss_partition *p, start *out, int32_t *n,
                                ss_config *configs) {
    double sizes[MOST_SIZES];
    int32_t n_sizes = list_sizes(g, p, sizes);
    *n = 0;
    for (int32_t i = 0; i < n_sizes; i++)
        for (int32_t j = 0; j < SLOWER; j++) {
            start *at = &out[(*n)++];
            *at = (start){ .streams = sizes[i], .most = fmin(f->most, slower[j] * p->interval) };
            bool again = j > 0 && at->most == at[-1].most;
            if (again) at->latency = INFINITY;
            else if (try_start(*f, p, at, false, configs) != SS_OK) return SS_BAD;
            ss_progress(f->ctx, "starts", (uint64_t)*n, (uint64_t)(n_sizes * SLOWER));
        }
    qsort(out, (size_t)*n, sizeof *out, by_latency);
    return SS_OK;
}

ss_status ss_quickest(ss_ctx *ctx, const ss_cost *c, const ss_graph *g, const ss_device *dev, double most, ss_arena *arena,
                      ss_partition *p) {
    bool failed = false;
    field f = { ctx, c, .first = p->first, .n = p->last - p->first + 1, .most = most, .failed = &failed };
    ss_resources shell = ss_cost_partition_overhead(c);
    size_t nodes = (size_t)f.n;
    start *starts = ss_arena_alloc(arena, (size_t)(MOST_SIZES * SLOWER), sizeof *starts);
    ss_partition begin = *p;
    begin.configs = ss_arena_alloc(arena, nodes, sizeof *begin.configs);
    ss_config *configs = ss_arena_alloc(arena, nodes, sizeof *configs);
    if (!starts || !begin.configs || !configs) return SS_BAD;
    memcpy(begin.configs, p->configs, nodes * sizeof *begin.configs);
    for (int k = 0; k < SS_RES_COUNT; k++) f.budget[k] = fmax(0, (double)(ss_device_budget(dev, (ss_res)k) - shell.r[k]));
    int32_t n;
    if (look_at_starts(&f, g, &begin, starts, &n, configs) != SS_OK) return SS_BAD;
    for (int32_t i = 0; i < n && i < FINALISTS && starts[i].latency < INFINITY; i++) {
        if (try_start(f, &begin, &starts[i], true, configs) != SS_OK) return SS_BAD;
        if (starts[i].latency >= p->latency) continue;
        memcpy(p->configs, configs, nodes * sizeof *configs);
        p->target = starts[i].streams;
        if (ss_partition_figures(c, dev, p) != SS_OK) return SS_BAD;
        p->bound = fmin(p->bound, p->interval);
    }
    return SS_OK;
}
