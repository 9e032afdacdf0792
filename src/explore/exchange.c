/* Local search over choices. See exchange.h. */
#include "explore/exchange.h"
#include "explore/relax.h"

#include <string.h>

#define EXCHANGE_ROUNDS 2000
#define PAIR_ROUNDS 12
#define PAIR_WORK 3000000 /* pairs of options looked at in one round */

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
    for (int round = 0; round < EXCHANGE_ROUNDS && exchange_one(p, pick, l); round++) {
    }
}

bool ss_exchange_repair(const ss_choice_problem *p, int32_t *pick, bool pairs) {
    load l = load_of(p, pick);
    for (int round = 0; round < EXCHANGE_ROUNDS; round++) {
        if (score_of(p, &l).over <= 0) return true;
        if (!exchange_one(p, pick, &l) && !(pairs && round < PAIR_ROUNDS && exchange_two(p, pick, &l)))
            return false;
    }
    return false;
}

/* ---- improvement ---- */

/* The choice of least price when binding resources are made dearer and dearer: a start as good as its end. */
static void try_price(const ss_choice_problem *p, const double weights[SS_RES_COUNT], double dearer,
                      int32_t *trial, int32_t *pick, load *best) {
    double price[SS_RES_COUNT];
    for (int k = 0; k < SS_RES_COUNT; k++)
        price[k] = p->budget[k] > 0 ? (1 + dearer * weights[k]) / p->budget[k] : 0;
    (void)ss_relax_oracle(p, price, trial, NULL);
    if (!ss_exchange_repair(p, trial, false)) return;
    load l = load_of(p, trial);
    settle(p, trial, &l);
    if (!better(score_of(p, &l), score_of(p, best))) return;
    *best = l;
    memcpy(pick, trial, (size_t)p->n * sizeof *pick);
}

void ss_exchange_improve(const ss_choice_problem *p, const double weights[SS_RES_COUNT], int32_t *trial,
                         int32_t *pick) {
    static const double dearer[] = { 0, 0.1, 0.3, 1, 3, 10, 30, 100 };
    load best = load_of(p, pick);
    settle(p, pick, &best);
    for (size_t i = 0; i < sizeof dearer / sizeof *dearer; i++)
        try_price(p, weights, dearer[i], trial, pick, &best);
    for (int round = 0; round < PAIR_ROUNDS && exchange_two(p, pick, &best); round++) settle(p, pick, &best);
}
