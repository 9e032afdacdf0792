/* See needs.h. A space (space.h) for each profile; a question takes the tables of several. */
#include "explore/needs.h"
#include "explore/space.h"

#include <math.h>

struct ss_needs {
    ss_ctx *ctx;
    int32_t n;
    ss_cost **costs;   /* [n] */
    ss_space **spaces; /* [n] */
};

static ss_status open_spaces(ss_needs *s, const ss_graph *g, const ss_profile *const *profiles, const ss_device *dev, ss_cost_opts cost) {
    const ss_explore_opts opts = { .batch = SS_EXPLORE_BATCH, .target_gap = SS_EXPLORE_GAP, .bits = cost.bits };
    s->costs = ss_alloc(s->ctx, (size_t)s->n, sizeof(ss_cost *));
    s->spaces = ss_alloc(s->ctx, (size_t)s->n, sizeof(ss_space *));
    if (!s->costs || !s->spaces) return SS_BAD;
    for (int32_t i = 0; i < s->n; i++)
        if (ss_cost_new(s->ctx, g, profiles[i], dev, cost, &s->costs[i]) != SS_OK ||
            ss_space_new(s->ctx, s->costs[i], g, dev, opts, false, &s->spaces[i]) != SS_OK)
            return SS_BAD;
    return SS_OK;
}

ss_status ss_needs_new(ss_ctx *ctx, const ss_graph *g, const ss_profile *const *profiles, int32_t n, const ss_device *dev,
                       ss_cost_opts cost, ss_needs **out) {
    ss_needs *s = *out = ss_alloc(ctx, 1, sizeof *s);
    if (!s) return SS_BAD;
    *s = (ss_needs){ .ctx = ctx, .n = n };
    if (open_spaces(s, g, profiles, dev, cost) == SS_OK) return SS_OK;
    ss_needs_free(s);
    *out = NULL;
    return SS_BAD;
}

void ss_needs_free(ss_needs *s) {
    if (!s) return;
    for (int32_t i = 0; s->spaces && i < s->n; i++) ss_space_free(s->spaces[i]);
    for (int32_t i = 0; s->costs && i < s->n; i++) ss_cost_free(s->costs[i]);
    ss_free(s->ctx, s->spaces);
    ss_free(s->ctx, s->costs);
    ss_free(s->ctx, s);
}

/* The configurations of a node that keep up; none: n is 0. */
static ss_group fast_enough(ss_needs *s, int32_t profile, int32_t node, double interval) {
    const ss_band *b = ss_space_band(s->spaces[profile], node, interval);
    return ss_table_group(b ? &b->exact : NULL, interval);
}

double ss_needs_of(ss_needs *s, int32_t profile, int32_t node, double interval, const double weights[SS_RES_COUNT]) {
    const double *budget = s->spaces[profile]->budget;
    const ss_group g = fast_enough(s, profile, node, interval);
    double unit[SS_RES_COUNT], least = INFINITY;
    for (int k = 0; k < SS_RES_COUNT; k++) unit[k] = budget[k] > 0 ? weights[k] / budget[k] : 0;
    for (int32_t i = 0; i < g.n; i++) {
        double sum = 0;
        for (int k = 0; k < SS_RES_COUNT; k++) sum += unit[k] * g.options[i].r[k];
        least = fmin(least, sum);
    }
    return least;
}

static bool failed(const ss_needs *s) {
    for (int32_t i = 0; i < s->n; i++)
        if (s->spaces[i]->failed || ss_chooser_failed(s->spaces[i]->chooser)) return true;
    return false;
}

ss_status ss_needs_load(ss_needs *s, int32_t first, int32_t last, const int8_t *profile_of, double interval,
                        double weights[SS_RES_COUNT], double *load) {
    ss_space *any = s->spaces[0];
    ss_choice_problem p = { .groups = any->groups, .n = last - first + 1 };
    ss_relaxation x;
    for (int k = 0; k < SS_RES_COUNT; k++) p.budget[k] = any->budget[k];
    for (int32_t i = first; i <= last; i++) any->groups[i - first] = fast_enough(s, profile_of[i], i, interval);
    ss_choice_relax(any->chooser, &p, false, &x);
    *load = x.load < INFINITY ? x.bound : INFINITY;
    for (int k = 0; k < SS_RES_COUNT; k++) weights[k] = x.weights[k];
    return failed(s) ? SS_BAD : SS_OK;
}
