/* Pruning, search and improvement for the multiple-choice knapsack. See choice.h for the method.
 *
 * The depth-first search takes the groups by falling regret (what the second best option costs more in reduced
 * cost), the options of a group by rising reduced cost. Any choice that fits has reduced costs that sum to at most
 * 1 - bound, since its weighted load is at most 1: options above that are gone before the search starts, which near
 * the limit leaves almost nothing to search.
 */
#include "explore/choice.h"
#include "explore/relax.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDINGS 12
#define EXCHANGE_ROUNDS 2000
#define PAIR_ROUNDS 12
#define PAIR_WORK 3000000 /* pairs of options looked at in one round */
#define MARGIN 1e-9

typedef struct ranked {
    double cost; /* reduced */
    int32_t at;
} ranked;

struct ss_chooser {
    ss_ctx *ctx;
    int32_t cap;
    ss_columns cols;
    int32_t *spare, *trial, *order;
    double *left;     /* [groups + 1][SS_BASIS]: least that the groups from here on need; last: reduced cost */
    int32_t *begin;   /* [groups + 1] into rank */
    ranked *rank;
    size_t rank_cap;
};

ss_status ss_chooser_new(ss_ctx *ctx, int32_t max_groups, ss_chooser **out) {
    ss_chooser *c = *out = ss_alloc(ctx, 1, sizeof *c);
    if (!c) return SS_BAD;
    size_t n = (size_t)max_groups + 1;
    c->ctx = ctx;
    c->cap = max_groups;
    bool ok = true;
    for (int j = 0; j < SS_BASIS; j++) ok = (c->cols.pick[j] = ss_alloc(ctx, n, sizeof(int32_t))) && ok;
    ok = (c->spare = ss_alloc(ctx, n, sizeof(int32_t))) && ok;
    ok = (c->trial = ss_alloc(ctx, n, sizeof(int32_t))) && ok;
    ok = (c->order = ss_alloc(ctx, n, sizeof(int32_t))) && ok;
    ok = (c->begin = ss_alloc(ctx, n, sizeof(int32_t))) && ok;
    ok = (c->left = ss_alloc(ctx, n * SS_BASIS, sizeof(double))) && ok;
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

/* ---- loads of a choice ---- */

typedef struct load {
    double sum[SS_RES_COUNT];
} load;

/* over: by how much budgets are exceeded, as sum of fractions; use: the sum of all utilisations. */
typedef struct score {
    double over, use;
} score;

static load load_of(const ss_choice_problem *p, const int32_t *pick) {
    load l = { { 0 } };
    for (int32_t g = 0; g < p->n; g++)
        for (int k = 0; k < SS_RES_COUNT; k++) l.sum[k] += p->groups[g].options[pick[g]].r[k];
    return l;
}

static load exchanged(load l, const ss_option *from, const ss_option *to) {
    for (int k = 0; k < SS_RES_COUNT; k++) l.sum[k] += to->r[k] - from->r[k];
    return l;
}

static score score_of(const ss_choice_problem *p, const load *l) {
    score s = { 0, 0 };
    for (int k = 0; k < SS_RES_COUNT; k++) {
        if (p->budget[k] <= 0) continue;
        s.use += l->sum[k] / p->budget[k];
        if (l->sum[k] > p->budget[k]) s.over += l->sum[k] / p->budget[k] - 1;
    }
    return s;
}

static bool better(score a, score b) {
    if (a.over < b.over - 1e-15) return true;
    return a.over <= b.over && a.use < b.use - 1e-12;
}

/* ---- exchanges ---- */

/* The best exchange of one option; false when none improves. */
static bool exchange_one(const ss_choice_problem *p, int32_t *pick, load *l) {
    score best = score_of(p, l);
    load best_load = *l;
    int32_t group = -1, to = 0;
    for (int32_t g = 0; g < p->n; g++) {
        const ss_option *o = p->groups[g].options;
        for (int32_t i = 0; i < p->groups[g].n; i++) {
            if (i == pick[g]) continue;
            load next = exchanged(*l, &o[pick[g]], &o[i]);
            score s = score_of(p, &next);
            if (!better(s, best)) continue;
            best = s;
            best_load = next;
            group = g;
            to = i;
        }
    }
    if (group < 0) return false;
    pick[group] = to;
    *l = best_load;
    return true;
}

/* The first improving exchange of g and h together. */
static bool exchange_pair(const ss_choice_problem *p, int32_t g, int32_t h, int32_t *pick, load *l) {
    const ss_group *a = &p->groups[g], *b = &p->groups[h];
    score now = score_of(p, l);
    for (int32_t i = 0; i < a->n; i++) {
        if (i == pick[g]) continue;
        load half = exchanged(*l, &a->options[pick[g]], &a->options[i]);
        for (int32_t j = 0; j < b->n; j++) {
            if (j == pick[h]) continue;
            load next = exchanged(half, &b->options[pick[h]], &b->options[j]);
            if (!better(score_of(p, &next), now)) continue;
            pick[g] = i;
            pick[h] = j;
            *l = next;
            return true;
        }
    }
    return false;
}

static bool exchange_two(const ss_choice_problem *p, int32_t *pick, load *l) {
    int64_t work = 0;
    bool any = false;
    for (int32_t g = 0; g < p->n; g++)
        for (int32_t h = g + 1; h < p->n && work < PAIR_WORK; h++) {
            work += (int64_t)p->groups[g].n * p->groups[h].n;
            any = exchange_pair(p, g, h, pick, l) || any;
        }
    return any;
}

static void settle(const ss_choice_problem *p, int32_t *pick, load *l) {
    for (int round = 0; round < EXCHANGE_ROUNDS && exchange_one(p, pick, l); round++) {}
}

/* Exchanges until everything fits; false when stuck. */
static bool repair(const ss_choice_problem *p, int32_t *pick, bool pairs) {
    load l = load_of(p, pick);
    for (int round = 0; round < EXCHANGE_ROUNDS; round++) {
        if (score_of(p, &l).over <= 0) return true;
        if (!exchange_one(p, pick, &l) && !(pairs && round < PAIR_ROUNDS && exchange_two(p, pick, &l))) return false;
    }
    return false;
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

static bool round_columns(ss_chooser *c, const ss_choice_problem *p, int32_t *pick) {
    size_t bytes = (size_t)p->n * sizeof *pick;
    for (int j = 0; j < SS_BASIS; j++) {
        if (c->cols.share[j] <= 0) continue;
        memcpy(pick, c->cols.pick[j], bytes);
        if (repair(p, pick, false)) return true;
    }
    uint64_t state = 0x9e3779b97f4a7c15u; /* a fixed seed: the same problem, the same answer */
    for (int t = 0; t < ROUNDINGS; t++) {
        for (int32_t g = 0; g < p->n; g++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            pick[g] = draw(&c->cols, g, t == 0 ? 0.5 : (double)(state >> 11) * 0x1p-53);
        }
        if (repair(p, pick, t < 2)) return true;
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
    memset(&c->left[(size_t)p->n * SS_BASIS], 0, SS_BASIS * sizeof *c->left);
    for (int32_t d = p->n - 1; d >= 0; d--) {
        int32_t g = c->order[d];
        double *here = &c->left[(size_t)d * SS_BASIS], *after = here + SS_BASIS;
        for (int k = 0; k < SS_RES_COUNT; k++) {
            double least = INFINITY;
            for (int32_t i = c->begin[g]; i < c->begin[g + 1]; i++)
                least = fmin(least, p->groups[g].options[c->rank[i].at].r[k]);
            here[k] = after[k] + least;
        }
    }
}

static ss_answer descend(search *s, int32_t depth, const load *l, double spent) {
    const ss_choice_problem *p = s->p;
    if (depth == p->n) return SS_FITS;
    int32_t g = s->c->order[depth];
    const double *left = &s->c->left[(size_t)(depth + 1) * SS_BASIS];
    for (int32_t i = s->c->begin[g]; i < s->c->begin[g + 1]; i++) {
        const ranked *r = &s->c->rank[i];
        if (spent + r->cost > s->slack) break;
        if (s->steps-- <= 0) return SS_FITS_OPEN;
        load next = *l;
        bool ok = true;
        for (int k = 0; k < SS_RES_COUNT; k++) {
            next.sum[k] += p->groups[g].options[r->at].r[k];
            ok = ok && next.sum[k] + left[k] <= p->budget[k];
        }
        if (!ok) continue;
        s->pick[g] = r->at;
        ss_answer a = descend(s, depth + 1, &next, spent + r->cost);
        if (a != SS_FITS_NOT) return a;
    }
    return SS_FITS_NOT;
}

static ss_answer depth_first(ss_chooser *c, const ss_choice_problem *p, const ss_relaxation *x, int64_t steps,
                             int32_t *pick) {
    double unit[SS_RES_COUNT];
    for (int k = 0; k < SS_RES_COUNT; k++) unit[k] = x->weights[k] > 0 ? x->weights[k] / p->budget[k] : 0;
    if (reserve_ranks(c, p) != SS_OK) return SS_FITS_OPEN;
    search s = { p, c, 1 - x->bound + MARGIN, steps, pick };
    c->begin[0] = 0;
    for (int32_t g = 0; g < p->n; g++)
        c->begin[g + 1] = c->begin[g] + rank_group(&p->groups[g], unit, s.slack, &c->rank[c->begin[g]]);
    order_groups(c, p->n);
    sum_left(c, p);
    load none = { { 0 } };
    return descend(&s, 0, &none, 0);
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

ss_answer ss_choice_solve(ss_chooser *c, const ss_choice_problem *p, int64_t steps, int32_t *pick, ss_relaxation *out) {
    ss_choice_relax(c, p, false, out);
    if (out->fits_not) return SS_FITS_NOT;
    if (out->load <= 1 && round_columns(c, p, pick)) return SS_FITS;
    return depth_first(c, p, out, steps, pick);
}

void ss_choice_improve(ss_chooser *c, const ss_choice_problem *p, const double weights[SS_RES_COUNT], int32_t *pick) {
    static const double steps[] = { 0, 0.1, 0.3, 1, 3, 10, 30, 100 };
    load best = load_of(p, pick);
    settle(p, pick, &best);
    for (size_t t = 0; t < sizeof steps / sizeof *steps; t++) {
        double price[SS_RES_COUNT];
        for (int k = 0; k < SS_RES_COUNT; k++)
            price[k] = p->budget[k] > 0 ? (1 + steps[t] * weights[k]) / p->budget[k] : 0;
        (void)ss_relax_oracle(p, price, c->trial, NULL);
        if (!repair(p, c->trial, false)) continue;
        load l = load_of(p, c->trial);
        settle(p, c->trial, &l);
        if (better(score_of(p, &l), score_of(p, &best))) {
            best = l;
            memcpy(pick, c->trial, (size_t)p->n * sizeof *pick);
        }
        if (t == 0 && score_of(p, &l).over <= 0) break;
    }
    for (int round = 0; round < PAIR_ROUNDS && exchange_two(p, pick, &best); round++) settle(p, pick, &best);
}
