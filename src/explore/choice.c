/* Pruning and search for the multiple-choice knapsack. See choice.h for the method.
 *
 * The depth-first search takes the groups by falling regret (what the second best option costs more in
 * reduced cost), the options of a group by rising reduced cost. Any choice that fits has reduced costs that
 * sum to at most 1 - bound, since its weighted load is at most 1: options above that are gone before the
 * search starts, which near the limit leaves almost nothing to search.
 */
#include "explore/exchange.h"
#include "explore/relax.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDINGS 12
#define ROOT_STEPS 20000 /* depth-first steps at the root of the tree */
#define NODE_STEPS 1000  /* and at its other nodes */
#define SMALL_WEIGHT 0.1 /* added to the share of every resource where groups are split */
#define MARGIN 1e-9

typedef struct ranked {
    double cost; /* reduced */
    int32_t at;
} ranked;

struct ss_chooser {
    ss_ctx *ctx;
    bool failed;
    ss_columns cols;
    int32_t *spare, *trial, *order;
    double *left;   /* [groups + 1][SS_RES_COUNT]: least that the groups from here on need */
    int32_t *begin; /* [groups + 1] into rank */
    ranked *rank;
    size_t rank_cap;
};

ss_status ss_chooser_new(ss_ctx *ctx, int32_t max_groups, ss_chooser **out) {
    ss_chooser *c = *out = ss_alloc(ctx, 1, sizeof *c);
    if (!c) return SS_BAD;
    size_t n = (size_t)max_groups + 1;
    c->ctx = ctx;
    bool ok = true;
    for (int j = 0; j < SS_BASIS; j++) ok = (c->cols.pick[j] = ss_alloc(ctx, n, sizeof(int32_t))) && ok;
    ok = (c->spare = ss_alloc(ctx, n, sizeof(int32_t))) && ok;
    ok = (c->trial = ss_alloc(ctx, n, sizeof(int32_t))) && ok;
    ok = (c->order = ss_alloc(ctx, n, sizeof(int32_t))) && ok;
    ok = (c->begin = ss_alloc(ctx, n, sizeof(int32_t))) && ok;
    ok = (c->left = ss_alloc(ctx, n * SS_RES_COUNT, sizeof(double))) && ok;
    if (ok) return SS_OK;
    ss_chooser_free(c);
    *out = NULL;
    return SS_BAD;
}

void ss_chooser_free(ss_chooser *c) {
    if (!c) return;
    for (int j = 0; j < SS_BASIS; j++) ss_free(c->ctx, c->cols.pick[j]);
    ss_free(c->ctx, c->spare);
    ss_free(c->ctx, c->trial);
    ss_free(c->ctx, c->order);
    ss_free(c->ctx, c->begin);
    ss_free(c->ctx, c->left);
    ss_free(c->ctx, c->rank);
    ss_free(c->ctx, c);
}

bool ss_chooser_failed(const ss_chooser *c) {
    return c->failed;
}

/* ---- pruning ---- */

static int by_resources(const void *pa, const void *pb) {
    const ss_option *a = pa, *b = pb;
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (a->r[k] != b->r[k]) return a->r[k] < b->r[k] ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static bool no_more_than(const double *a, const double *b) {
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (a[k] > b[k]) return false;
    return true;
}

int32_t ss_option_prune(ss_option *o, int32_t n, const double budget[SS_RES_COUNT]) {
    int32_t kept = 0;
    qsort(o, (size_t)n, sizeof *o, by_resources);
    for (int32_t i = 0; i < n; i++) {
        bool useful = no_more_than(o[i].r, budget);
        for (int32_t j = 0; useful && j < kept; j++) useful = !no_more_than(o[j].r, o[i].r);
        if (useful) o[kept++] = o[i];
    }
    return kept;
}

/* ---- rounding ---- */

/* One group's option drawn by the shares of the columns. */
static int32_t draw(const ss_columns *cols, int32_t g, double at) {
    int32_t last = 0;
    for (int j = 0; j < SS_BASIS; j++) {
        if (cols->share[j] <= 0) continue;
        last = cols->pick[j][g];
        at -= cols->share[j];
        if (at < 0) break;
    }
    return last;
}

/* Round the fractional choice and repair what then exceeds a budget: thoroughly at the root of the tree, by
 * its most likely choice below. */
static bool round_columns(ss_chooser *c, const ss_choice_problem *p, bool thorough, int32_t *pick) {
    size_t bytes = (size_t)p->n * sizeof *pick;
    for (int j = 0; thorough && j < SS_BASIS; j++) {
        if (c->cols.share[j] <= 0) continue;
        memcpy(pick, c->cols.pick[j], bytes);
        if (ss_exchange_repair(p, pick, false)) return true;
    }
    uint64_t state = 0x9e3779b97f4a7c15u; /* a fixed seed: the same problem, the same answer */
    for (int t = 0; t < (thorough ? ROUNDINGS : 1); t++) {
        for (int32_t g = 0; g < p->n; g++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            pick[g] = draw(&c->cols, g, t == 0 ? 0.5 : (double)(state >> 11) * 0x1p-53);
        }
        if (ss_exchange_repair(p, pick, thorough && t < 2)) return true;
    }
    return false;
}

/* ---- depth first ---- */

typedef struct search {
    const ss_choice_problem *p;
    ss_chooser *c;
    double slack;
    int64_t steps;
    int32_t *pick;
} search;

static int by_cost(const void *pa, const void *pb) {
    const ranked *a = pa, *b = pb;
    if (a->cost != b->cost) return a->cost < b->cost ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

static double weighted(const ss_option *o, const double unit[SS_RES_COUNT]) {
    double v = 0;
    for (int k = 0; k < SS_RES_COUNT; k++) v += unit[k] * o->r[k];
    return v;
}

static ss_status reserve_ranks(ss_chooser *c, const ss_choice_problem *p) {
    size_t total = 0;
    for (int32_t g = 0; g < p->n; g++) total += (size_t)p->groups[g].n;
    if (total <= c->rank_cap) return SS_OK;
    ranked *r = ss_realloc(c->ctx, c->rank, total, sizeof *r);
    if (!r) return SS_BAD;
    c->rank = r;
    c->rank_cap = total;
    return SS_OK;
}

/* Rank one group's options by reduced cost and keep those within the slack. */
static int32_t rank_group(const ss_group *g, const double unit[SS_RES_COUNT], double slack, ranked *out) {
    double least = INFINITY;
    for (int32_t i = 0; i < g->n; i++) {
        out[i] = (ranked){ weighted(&g->options[i], unit), i };
        least = fmin(least, out[i].cost);
    }
    int32_t n = 0;
    for (int32_t i = 0; i < g->n; i++)
        if (out[i].cost - least <= slack) out[n++] = (ranked){ out[i].cost - least, out[i].at };
    qsort(out, (size_t)n, sizeof *out, by_cost);
    return n;
}

static double regret(const ss_chooser *c, int32_t g) {
    int32_t n = c->begin[g + 1] - c->begin[g];
    return n < 2 ? INFINITY : c->rank[c->begin[g] + 1].cost;
}

static void order_groups(ss_chooser *c, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        int32_t at = i;
        double r = regret(c, i);
        for (; at > 0 && regret(c, c->order[at - 1]) < r; at--) c->order[at] = c->order[at - 1];
        c->order[at] = i;
    }
}

/* left[d]: the least that the groups order[d..] need of each resource. */
static void sum_left(ss_chooser *c, const ss_choice_problem *p) {
    memset(&c->left[(size_t)p->n * SS_RES_COUNT], 0, SS_RES_COUNT * sizeof *c->left);
    for (int32_t d = p->n - 1; d >= 0; d--) {
        int32_t g = c->order[d];
        double *here = &c->left[(size_t)d * SS_RES_COUNT], *after = here + SS_RES_COUNT;
        for (int k = 0; k < SS_RES_COUNT; k++) {
            double least = INFINITY;
            for (int32_t i = c->begin[g]; i < c->begin[g + 1]; i++)
                least = fmin(least, p->groups[g].options[c->rank[i].at].r[k]);
            here[k] = after[k] + least;
        }
    }
}

static ss_answer descend(search *s, int32_t depth, const double *used, double spent) {
    const ss_choice_problem *p = s->p;
    if (depth == p->n) return SS_FITS;
    int32_t g = s->c->order[depth];
    const double *left = &s->c->left[(size_t)(depth + 1) * SS_RES_COUNT];
    for (int32_t i = s->c->begin[g]; i < s->c->begin[g + 1]; i++) {
        const ranked *r = &s->c->rank[i];
        if (spent + r->cost > s->slack) break;
        if (s->steps-- <= 0) return SS_FITS_OPEN;
        double next[SS_RES_COUNT];
        bool ok = true;
        for (int k = 0; k < SS_RES_COUNT; k++) {
            next[k] = used[k] + p->groups[g].options[r->at].r[k];
            ok = ok && next[k] + left[k] <= p->budget[k];
        }
        if (!ok) continue;
        s->pick[g] = r->at;
        ss_answer a = descend(s, depth + 1, next, spent + r->cost);
        if (a != SS_FITS_NOT) return a;
    }
    return SS_FITS_NOT;
}

static ss_answer depth_first(ss_chooser *c, const ss_choice_problem *p, const ss_relaxation *x, int64_t steps,
                             int32_t *pick) {
    double unit[SS_RES_COUNT];
    for (int k = 0; k < SS_RES_COUNT; k++) unit[k] = x->weights[k] > 0 ? x->weights[k] / p->budget[k] : 0;
    if (reserve_ranks(c, p) != SS_OK) {
        c->failed = true;
        return SS_FITS_OPEN;
    }
    search s = { p, c, 1 - x->bound + MARGIN, steps, pick };
    c->begin[0] = 0;
    for (int32_t g = 0; g < p->n; g++)
        c->begin[g + 1] = c->begin[g] + rank_group(&p->groups[g], unit, s.slack, &c->rank[c->begin[g]]);
    order_groups(c, p->n);
    sum_left(c, p);
    const double none[SS_RES_COUNT] = { 0 };
    return descend(&s, 0, none, 0);
}

/* ---- the tree ---- */

/* A group whose options the fractional choice mixes: one child takes the options up to the mix, one those
 * above. */
typedef struct split {
    int32_t group; /* -1: nothing is mixed */
    int resource;
    double at;
} split;

typedef struct tree {
    ss_chooser *c;
    int64_t nodes; /* left to visit */
    int32_t *pick; /* [groups], of the root problem */
    ss_relaxation *root;
} tree;

static double mean_of(const ss_columns *cols, const ss_group *group, int32_t g, int k) {
    double sum = 0, shares = 0;
    for (int j = 0; j < SS_BASIS; j++) {
        if (cols->share[j] <= 0) continue;
        sum += cols->share[j] * group->options[cols->pick[j][g]].r[k];
        shares += cols->share[j];
    }
    return sum / shares;
}

/* The widest mix: mean distance from the mean, weighted over its budget. A resource that does not bind in the
 * relaxation may well be what keeps the parts of the mix from fitting, so it counts too. */
static split find_split(const ss_columns *cols, const ss_choice_problem *p,
                        const double weights[SS_RES_COUNT]) {
    split s = { -1, 0, 0 };
    double widest = 1e-12;
    for (int32_t g = 0; g < p->n; g++)
        for (int k = 0; k < SS_RES_COUNT; k++) {
            if (p->budget[k] <= 0) continue;
            double mean = mean_of(cols, &p->groups[g], g, k), width = 0;
            for (int j = 0; j < SS_BASIS; j++)
                if (cols->share[j] > 0)
                    width += cols->share[j] * fabs(p->groups[g].options[cols->pick[j][g]].r[k] - mean);
            width *= (weights[k] + SMALL_WEIGHT) / p->budget[k];
            if (width <= widest) continue;
            widest = width;
            s = (split){ g, k, mean };
        }
    return s;
}

/* The options of a child: on its side of the split, and cheap enough in reduced cost to be part of any
 * answer. */
static void fill_child(const ss_choice_problem *p, const ss_relaxation *x, split s, bool above,
                       ss_group *groups, ss_option *options) {
    double unit[SS_RES_COUNT], slack = 1 - x->bound + MARGIN;
    for (int k = 0; k < SS_RES_COUNT; k++) unit[k] = x->weights[k] > 0 ? x->weights[k] / p->budget[k] : 0;
    for (int32_t g = 0; g < p->n; g++) {
        const ss_group *from = &p->groups[g];
        double least = INFINITY;
        for (int32_t i = 0; i < from->n; i++) least = fmin(least, weighted(&from->options[i], unit));
        groups[g] = (ss_group){ options, 0 };
        for (int32_t i = 0; i < from->n; i++) {
            const ss_option *o = &from->options[i];
            bool side = g != s.group || (o->r[s.resource] > s.at) == above;
            if (!side || weighted(o, unit) - least > slack) continue;
            *options++ = *o;
            groups[g].n++;
        }
    }
}

static ss_answer visit(tree *t, const ss_choice_problem *p, bool root);

static ss_answer visit_child(tree *t, const ss_choice_problem *p, const ss_relaxation *x, split s,
                             bool above) {
    size_t total = 0;
    for (int32_t g = 0; g < p->n; g++) total += (size_t)p->groups[g].n;
    ss_group *groups = ss_alloc(t->c->ctx, (size_t)p->n, sizeof *groups);
    ss_option *options = ss_alloc(t->c->ctx, total, sizeof *options);
    ss_answer a = SS_FITS_OPEN;
    if (groups && options) {
        ss_choice_problem child = *p;
        child.groups = groups;
        fill_child(p, x, s, above, groups, options);
        a = visit(t, &child, false);
    } else {
        t->c->failed = true;
    }
    ss_free(t->c->ctx, groups);
    ss_free(t->c->ctx, options);
    return a;
}

/* Answers for one problem of the tree; in all of them an option's id is its index in the root problem. */
static ss_answer visit(tree *t, const ss_choice_problem *p, bool root) {
    ss_relaxation x;
    if (t->nodes-- <= 0) return SS_FITS_OPEN;
    ss_choice_relax(t->c, p, false, &x);
    if (root) *t->root = x;
    if (x.fits_not) return SS_FITS_NOT;
    ss_answer a = x.load <= 1 && round_columns(t->c, p, root, t->c->trial) ? SS_FITS : SS_FITS_OPEN;
    split s = find_split(&t->c->cols, p, x.weights);
    if (a == SS_FITS_OPEN) a = depth_first(t->c, p, &x, root ? ROOT_STEPS : NODE_STEPS, t->c->trial);
    if (a == SS_FITS)
        for (int32_t g = 0; g < p->n; g++) t->pick[g] = p->groups[g].options[t->c->trial[g]].id;
    if (a != SS_FITS_OPEN || s.group < 0) return a;
    ss_answer low = visit_child(t, p, &x, s, false);
    if (low == SS_FITS) return low;
    ss_answer high = visit_child(t, p, &x, s, true);
    return high == SS_FITS || low == high ? high : SS_FITS_OPEN;
}

/* ---- the questions ---- */

static bool has_empty_group(const ss_choice_problem *p) {
    for (int32_t g = 0; g < p->n; g++)
        if (p->groups[g].n == 0) return true;
    return false;
}

void ss_choice_relax(ss_chooser *c, const ss_choice_problem *p, bool quick, ss_relaxation *out) {
    *out = (ss_relaxation){ .fits_not = true, .bound = INFINITY, .load = INFINITY };
    if (has_empty_group(p)) return;
    ss_relax(p, quick, &c->cols, &c->spare, out);
}

/* A copy whose ids are indices, which the tree needs to find its way back. */
static ss_status number_options(ss_chooser *c, const ss_choice_problem *p, ss_group **groups,
                                ss_option **options) {
    size_t total = 0;
    for (int32_t g = 0; g < p->n; g++) total += (size_t)p->groups[g].n;
    *groups = ss_alloc(c->ctx, (size_t)p->n, sizeof **groups);
    *options = ss_alloc(c->ctx, total, sizeof **options);
    if (!*groups || !*options) return SS_BAD;
    ss_option *at = *options;
    for (int32_t g = 0; g < p->n; g++) {
        (*groups)[g] = (ss_group){ at, p->groups[g].n };
        for (int32_t i = 0; i < p->groups[g].n; i++) {
            *at = p->groups[g].options[i];
            at++->id = i;
        }
    }
    return SS_OK;
}

ss_answer ss_choice_solve(ss_chooser *c, const ss_choice_problem *p, int64_t nodes, int32_t *pick,
                          ss_relaxation *out) {
    ss_group *groups = NULL;
    ss_option *options = NULL;
    ss_choice_problem numbered = *p;
    ss_answer a = SS_FITS_OPEN;
    *out = (ss_relaxation){ .load = INFINITY };
    if (number_options(c, p, &groups, &options) == SS_OK) {
        numbered.groups = groups;
        tree t = { c, nodes, pick, out };
        a = visit(&t, &numbered, true);
    } else {
        c->failed = true;
    }
    ss_free(c->ctx, groups);
    ss_free(c->ctx, options);
    return a;
}

void ss_choice_improve(ss_chooser *c, const ss_choice_problem *p, const double weights[SS_RES_COUNT],
                       int32_t *pick) {
    ss_exchange_improve(p, weights, c->trial, pick);
}
