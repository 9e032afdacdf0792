/* Cut points and the lazy shortest path over them. See plan.h. */
#include "explore/plan.h"
#include "explore/figures.h"

#include <math.h>
#include <stdio.h>

#define BRAM18_BITS 18432.0
#define URAM_BITS 294912.0
#define LUT_BITS 64.0  /* of read-only memory */
#define MAX_EFFORT 512 /* beyond this a segment is left as it is */

typedef struct planner {
    ss_space *space;
    ss_arena *arena;
    int64_t batch;
    int32_t n;          /* blocks */
    int32_t *first;     /* [n + 1]: first node of each block; first[n]: one past the last node */
    ss_segment *ranges; /* of blocks a..b-1 at range_at(a, b) */
    int32_t layers;     /* 1: any number of partitions; else the most partitions + 1 */
    double *dist;       /* [layers][n + 1] */
    int32_t *from;
    int32_t *ends; /* [n + 1]: cut points of the plan held */
    uint64_t looked_at;
} planner;

/* ---- cut points ---- */

/* The last node that reads the tensor of node i; the network's output is read past the end. */
static int32_t last_reader(const ss_graph *g, int32_t i) {
    int32_t last = i == g->output ? g->n : i;
    for (int32_t j = i + 1; j < g->n; j++)
        for (int32_t k = 0; k < g->nodes[j].n_in; k++)
            if (g->nodes[j].in[k] == i && j > last) last = j;
    return last;
}

int32_t ss_plan_blocks(const ss_graph *g, int32_t *out) {
    int32_t blocks = 0;
    out[blocks++] = 0;
    for (int32_t after = 1; after + 1 < g->n; after++) { /* never between the input and its first reader */
        int32_t crossing = 0;
        for (int32_t i = 0; i <= after && crossing < 2; i++) crossing += last_reader(g, i) > after;
        if (crossing == 1) out[blocks++] = after + 1;
    }
    return blocks;
}

/* ---- ranges ---- */

static ss_segment *range_at(planner *p, int32_t a, int32_t b) {
    size_t row = (size_t)b * (size_t)(b - 1) / 2; /* ranges that end at b start in 0..b-1 */
    return &p->ranges[row + (size_t)a];
}

/* The least weights to load: those that neither block RAM nor LUTs can hold, which come with the bitstream.
 */
static int64_t least_load(const ss_space *s, const ss_segment *r) {
    if (s->device->uram_init) return 0;
    double bits = -(s->budget[SS_BRAM18] * BRAM18_BITS + s->budget[SS_LUT] * LUT_BITS);
    for (int32_t i = r->first; i <= r->last; i++)
        bits += (double)(ss_node_weight_count(s->graph, &s->graph->nodes[i]) * s->bits);
    return bits > 0 ? (int64_t)bits : 0;
}

/* The least seconds that a design of this range takes. Filling counts for nothing. */
static double least_seconds(const planner *p, const ss_segment *r, bool reconfigure) {
    if (r->impossible) return INFINITY;
    int64_t load = reconfigure ? least_load(p->space, r) : 0;
    return ss_cost_partition_seconds(p->space->cost, r->low, r->low, load, p->batch, reconfigure);
}

static double held_seconds(const planner *p, const ss_segment *r, bool reconfigure) {
    return r->design ? ss_partition_seconds(p->space->cost, r->design, p->batch, reconfigure) : INFINITY;
}

/* What is impossible or slow for a range is so for every range around it. */
static void spread(planner *p, int32_t a, int32_t b) {
    const ss_segment *r = range_at(p, a, b);
    for (int32_t c = 0; c <= a; c++)
        for (int32_t d = b; d <= p->n; d++) {
            ss_segment *around = range_at(p, c, d);
            if (around->stage == SS_STAGE_SOLVED) continue;
            around->impossible = around->impossible || r->impossible;
            around->low = fmax(around->low, r->low);
        }
}

static ss_status sharpen(planner *p, int32_t a, int32_t b) {
    ss_segment *r = range_at(p, a, b);
    ss_status s = SS_OK;
    if (r->impossible) return s;
    if (r->stage == SS_STAGE_NEW) s = ss_segment_relax(p->space, r);
    else if (r->stage == SS_STAGE_RELAXED) s = ss_segment_solve(p->space, r);
    spread(p, a, b);
    ss_progress(p->space->ctx, "ranges of nodes", ++p->looked_at, 0);
    return s;
}

/* ---- shortest paths ---- */

typedef double (*edge_fn)(const planner *, const ss_segment *, bool);

/* Seconds of the best plan of two or more partitions under the given view of the ranges. */
static double shortest(planner *p, edge_fn seconds) {
    size_t width = (size_t)p->n + 1;
    for (size_t i = 0; i < width * (size_t)p->layers; i++) p->dist[i] = i == 0 ? 0 : INFINITY;
    for (int32_t b = 1; b <= p->n; b++)
        for (int32_t a = 0; a < b; a++) {
            if (a == 0 && b == p->n) continue; /* the single partition is a case of its own */
            double w = seconds(p, range_at(p, a, b), true);
            for (int32_t k = p->layers > 1; w < INFINITY && k < p->layers; k++) {
                size_t to = (size_t)k * width + (size_t)b;
                size_t at = (size_t)(p->layers > 1 ? k - 1 : 0) * width + (size_t)a;
                if (p->dist[at] + w >= p->dist[to]) continue;
                p->dist[to] = p->dist[at] + w;
                p->from[to] = a;
            }
        }
    double best = INFINITY;
    for (int32_t k = 0; k < p->layers; k++) best = fmin(best, p->dist[(size_t)k * width + (size_t)p->n]);
    return best;
}

/* The cut points of the last shortest(), from the end: ends[0] = n, ..., and its length. */
static int32_t path(const planner *p, int32_t *ends) {
    size_t width = (size_t)p->n + 1;
    int32_t k = 0, n = 0;
    for (int32_t i = 1; i < p->layers; i++)
        if (p->dist[(size_t)i * width + (size_t)p->n] < p->dist[(size_t)k * width + (size_t)p->n]) k = i;
    for (int32_t b = p->n; b > 0; k -= p->layers > 1) {
        ends[n++] = b;
        b = p->from[(size_t)k * width + (size_t)b];
    }
    return n;
}

/* Sharpen what the best possible plan rests on; *done when all of it is solved. */
static ss_status sharpen_path(planner *p, const int32_t *ends, int32_t n, bool *done) {
    ss_stage least = SS_STAGE_SOLVED;
    for (int32_t i = 0; i < n; i++) {
        const ss_segment *r = range_at(p, i + 1 < n ? ends[i + 1] : 0, ends[i]);
        if (r->stage < least) least = r->stage;
    }
    *done = least == SS_STAGE_SOLVED;
    for (int32_t i = n - 1; i >= 0 && !*done; i--) {
        int32_t a = i + 1 < n ? ends[i + 1] : 0;
        if (range_at(p, a, ends[i])->stage == least && sharpen(p, a, ends[i]) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

/* Sharpen until the best possible plan is solved throughout: that plan in ends[*n], its seconds in *bound. */
static ss_status search(planner *p, int32_t *ends, int32_t *n, double *bound) {
    ss_segment *whole = range_at(p, 0, p->n);
    for (bool done = false; !done;) {
        double one = least_seconds(p, whole, false);
        double more = p->layers == 2 ? INFINITY : shortest(p, least_seconds);
        double held = held_seconds(p, whole, false);
        *bound = fmin(one, more);
        *n = 0;
        if (*bound == INFINITY || held <= *bound) return SS_OK;
        ends[(*n)++] = p->n;
        if (more < one) *n = path(p, ends);
        if (sharpen_path(p, ends, *n, &done) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

/* Solve the weakest part of a plan again, with more effort; *done when there is nothing to gain. */
static ss_status deepen(planner *p, const int32_t *ends, int32_t n, bool *done) {
    double widest = 0;
    int32_t from = 0, to = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t a = i + 1 < n ? ends[i + 1] : 0;
        const ss_segment *r = range_at(p, a, ends[i]);
        double open = r->impossible ? 0 : r->design ? r->design->interval - r->low : INFINITY;
        if (r->stage != SS_STAGE_SOLVED || r->effort > MAX_EFFORT || open <= widest) continue;
        widest = open;
        from = a;
        to = ends[i];
    }
    *done = to == 0;
    return *done ? SS_OK : ss_segment_solve(p->space, range_at(p, from, to));
}

/* The best plan of solved segments: its cut points in ends[out->n]. */
static ss_status collect(planner *p, int32_t *ends, ss_plan *out) {
    const ss_segment *whole = range_at(p, 0, p->n);
    double one = held_seconds(p, whole, false), more = p->layers == 2 ? INFINITY : shortest(p, held_seconds);
    out->seconds = fmin(one, more);
    out->n = 0;
    if (out->seconds == INFINITY) return SS_OK;
    out->n = 1;
    ends[0] = p->n;
    if (more < one) out->n = path(p, ends);
    out->parts = ss_arena_alloc(p->space->arena, (size_t)out->n, sizeof(ss_partition *));
    if (!out->parts) return SS_BAD;
    for (int32_t i = 0; i < out->n; i++) {
        int32_t j = out->n - 1 - i;
        out->parts[i] = range_at(p, j + 1 < out->n ? ends[j + 1] : 0, ends[j])->design;
    }
    return SS_OK;
}

/* Search, and where the plan found is not within the target gap, solve what leaves it open again. */
static ss_status close_gap(planner *p, int32_t *ends, ss_plan *out) {
    for (bool done = false; !done;) {
        int32_t n;
        if (search(p, ends, &n, &out->bound) != SS_OK || collect(p, p->ends, out) != SS_OK) return SS_BAD;
        if (out->bound == INFINITY || out->seconds <= out->bound * (1 + p->space->target_gap)) return SS_OK;
        if (deepen(p, ends, n, &done) != SS_OK) return SS_BAD;
        if (done && deepen(p, p->ends, out->n, &done) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

/* ---- what does not fit ---- */

/* The least of a resource that one node can do with, at any speed. */
static double least_of(const ss_space *s, int32_t node, int k) {
    int n = ss_cost_useful(s->cost, node, s->dense, &s->slowest, 1, s->configs, s->configs_cap);
    double least = INFINITY;
    for (int i = 0; i < n; i++) least = fmin(least, (double)s->configs[i].res.r[k]);
    return n > 0 ? least : 0;
}

/* The resource of which a block's nodes need more than there is even if each takes what uses least of it; -1:
 * none. */
static int lacking(const ss_space *s, const ss_segment *r, double *need) {
    double most = 1;
    int at = -1;
    for (int k = 0; k < SS_RES_COUNT; k++) {
        double sum = 0;
        for (int32_t i = r->first; i <= r->last; i++) sum += least_of(s, i, k);
        double ratio = s->budget[k] > 0 ? sum / s->budget[k] : sum > 0 ? INFINITY : 0;
        if (ratio <= most) continue;
        most = ratio;
        *need = sum;
        at = k;
    }
    return at;
}

static int32_t node_with_most_weights(const ss_graph *g, const ss_segment *r, int64_t *all) {
    int32_t most = r->first;
    *all = 0;
    for (int32_t i = r->first; i <= r->last; i++) {
        int64_t w = ss_node_weight_count(g, &g->nodes[i]);
        *all += w;
        if (w > ss_node_weight_count(g, &g->nodes[most])) most = i;
    }
    return most;
}

static void explain_block(planner *p, int32_t block) {
    const ss_segment *r = range_at(p, block, block + 1);
    ss_space *s = p->space;
    const ss_graph *g = s->graph;
    char shape[40], what[160];
    double need = 0;
    int64_t weights;
    int32_t big = node_with_most_weights(g, r, &weights);
    int at = lacking(s, r, &need);
    ss_shape_text(g->nodes[big].shape, shape);
    if (r->first == r->last) snprintf(what, sizeof what, "the node");
    else
        snprintf(what, sizeof what, "its block, %.60s .. %.60s,", g->nodes[r->first].name,
                 g->nodes[r->last].name);
    const char *remedy = "take a larger device or fewer bits: all weights of a block must be on chip at once";
    ss_where where = { g->nodes[big].name, ss_op_name(g->nodes[big].op), shape };
    if (at >= 0)
        ss_error(s->ctx, where, remedy, "%s needs at least %.0f %s in its slowest design; %s has %.0f", what,
                 need, ss_res_names[at], s->device->name, s->budget[at]);
    else
        ss_error(s->ctx, where, remedy,
                 "%s fits %s in no design: it has %.1f Mbit of weights, the device %.1f Mbit of block RAM "
                 "and %.1f Mbit of "
                 "UltraRAM%s%s",
                 what, s->device->name, (double)weights * s->bits / 1e6,
                 s->budget[SS_BRAM18] * BRAM18_BITS / 1e6, s->budget[SS_URAM] * URAM_BITS / 1e6,
                 r->weighed ? "; scarcest: " : "", r->weighed ? ss_binding_name(ss_segment_binding(r)) : "");
}

/* The first look at every block by itself; *fit: none is impossible. */
static ss_status look_at_blocks(planner *p, bool *fit) {
    *fit = true;
    for (int32_t b = 0; b < p->n; b++) {
        if (sharpen(p, b, b + 1) != SS_OK) return SS_BAD;
        *fit = *fit && !range_at(p, b, b + 1)->impossible;
    }
    return SS_OK;
}

/* Every block that fits by itself in no design, reported. */
static ss_status report_misfits(planner *p) {
    bool any = false;
    for (int32_t b = 0; b < p->n; b++) {
        const ss_segment *r = range_at(p, b, b + 1);
        if (!r->impossible && !(r->stage == SS_STAGE_SOLVED && !r->design)) continue;
        explain_block(p, b);
        any = true;
    }
    if (any) return SS_BAD;
    return ss_error(p->space->ctx, SS_AT(p->space->device->name),
                    "allow more partitions or take a larger device", "no design was found that fits%s",
                    p->layers > 1 ? " in so few partitions" : "");
}

/* ---- the whole ---- */

static ss_status planner_init(planner *p, int32_t max_partitions) {
    const ss_graph *g = p->space->graph;
    p->first = ss_arena_alloc(p->arena, (size_t)g->n + 1, sizeof *p->first);
    if (!p->first) return SS_BAD;
    p->n = ss_plan_blocks(g, p->first);
    p->first[p->n] = g->n;
    size_t n = (size_t)p->n;
    p->layers = max_partitions > 0 && max_partitions < p->n ? max_partitions + 1 : 1;
    p->ranges = ss_arena_alloc(p->arena, n * (n + 1) / 2, sizeof *p->ranges);
    p->dist = ss_arena_alloc(p->arena, (n + 1) * (size_t)p->layers, sizeof *p->dist);
    p->from = ss_arena_alloc(p->arena, (n + 1) * (size_t)p->layers, sizeof *p->from);
    p->ends = ss_arena_alloc(p->arena, n + 1, sizeof *p->ends);
    if (!p->ranges || !p->dist || !p->from || !p->ends) return SS_BAD;
    for (int32_t b = 1; b <= p->n; b++)
        for (int32_t a = 0; a < b; a++)
            ss_segment_init(p->space, p->first[a], p->first[b] - 1, range_at(p, a, b));
    return SS_OK;
}

ss_status ss_plan_make(ss_space *s, int64_t batch, int32_t max_partitions, ss_plan *out) {
    planner p = { .space = s, .arena = ss_arena_new(s->ctx), .batch = batch };
    *out = (ss_plan){ .seconds = INFINITY };
    if (!p.arena) return SS_BAD;
    ss_status status = planner_init(&p, max_partitions);
    int32_t *ends = status == SS_OK ? ss_arena_alloc(p.arena, (size_t)p.n + 1, sizeof *ends) : NULL;
    if (!ends) status = SS_BAD;
    bool fit = false;
    if (status == SS_OK) status = look_at_blocks(&p, &fit);
    if (status == SS_OK && fit) status = close_gap(&p, ends, out);
    if (status == SS_OK && out->n == 0 && !s->dense) status = report_misfits(&p);
    ss_arena_free(p.arena);
    return status;
}
