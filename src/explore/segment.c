/* The smallest interval of one range of nodes: relaxation first, then exact costs. See space.h for the
 * method. */
#include "explore/space.h"
#include "explore/figures.h"

#include <math.h>
#include <string.h>

#define TREE_NODES 300      /* of one question, at effort 1 */
#define FIRST_STRIDE 0.0005 /* relative; doubles while nothing fits */
#define MAX_CLIMB 80
#define MAX_NARROW 12
#define MAX_PROVE 8
#define EFFORT_STEP 8
#define CLOSE_ENOUGH 0.05 /* of the target gap: where narrowing stops */

/* ---- candidates ---- */

/* Smallest step of any node in the range above x; INFINITY past the end. */
static double candidate_above(const ss_space *s, const ss_segment *r, double x) {
    double best = INFINITY;
    for (int32_t i = r->first; i <= r->last; i++) {
        const ss_node_space *t = &s->nodes[i];
        int32_t lo = 0, hi = t->n_steps;
        while (lo < hi) {
            int32_t mid = lo + (hi - lo) / 2;
            if (t->steps[mid] > x) hi = mid;
            else lo = mid + 1;
        }
        if (lo < t->n_steps && t->steps[lo] < best) best = t->steps[lo];
    }
    return best;
}

/* Largest candidate <= x, or x itself where there is none. */
static double candidate_at_most(const ss_space *s, const ss_segment *r, double x) {
    double best = -INFINITY;
    for (int32_t i = r->first; i <= r->last; i++) {
        const ss_node_space *t = &s->nodes[i];
        int32_t lo = 0, hi = t->n_steps;
        while (lo < hi) {
            int32_t mid = lo + (hi - lo) / 2;
            if (t->steps[mid] <= x) lo = mid + 1;
            else hi = mid;
        }
        if (lo > 0 && t->steps[lo - 1] > best) best = t->steps[lo - 1];
    }
    return best > -INFINITY ? best : x;
}

/* The next candidate above x that the fastest nodes and the traffic allow. */
static double next_candidate(const ss_space *s, const ss_segment *r, double x) {
    return fmax(candidate_above(s, r, x), r->low);
}

static double slowest_candidate(const ss_space *s, const ss_segment *r) {
    double x = r->low;
    for (int32_t i = r->first; i <= r->last; i++) {
        const ss_node_space *t = &s->nodes[i];
        if (t->n_steps) x = fmax(x, t->steps[t->n_steps - 1]);
    }
    return x;
}

/* Between two candidates, the one nearest the geometric mean; `above` when they are neighbours. */
static double between(const ss_space *s, const ss_segment *r, double below, double above) {
    double mid = fmax(candidate_at_most(s, r, sqrt(fmax(below, r->low) * above)), r->low);
    return mid > below ? fmin(mid, above) : next_candidate(s, r, below);
}

/* Cycles an image, by off-chip bandwidth. */
static double traffic(const ss_space *s, int32_t first, int32_t last) {
    return (double)ss_cost_io_bits(s->cost, first, last) * s->device->clock_hz / s->device->bandwidth_bits;
}

void ss_segment_init(const ss_space *s, int32_t first, int32_t last, ss_segment *r) {
    *r = (ss_segment){ .first = first, .last = last, .low = traffic(s, first, last) };
    for (int32_t i = first; i <= last; i++) r->low = fmax(r->low, ss_cost_min_cycles(s->cost, i));
}

/* ---- relaxation ---- */

static ss_choice_problem problem_of(const ss_space *s, const ss_segment *r) {
    ss_choice_problem p = { .groups = s->groups, .n = r->last - r->first + 1 };
    memcpy(p.budget, s->budget, sizeof p.budget);
    return p;
}

static void note_proof(ss_segment *r, const ss_relaxation *x) {
    r->weighed = x->bound < INFINITY;
    if (r->weighed) memcpy(r->weights, x->weights, sizeof r->weights);
}

/* True when the relaxation proves that no design reaches the interval. */
static bool out_of_reach(ss_space *s, ss_segment *r, double interval) {
    for (int32_t i = r->first; i <= r->last; i++) {
        const ss_band *b = ss_space_band(s, i, interval);
        s->groups[i - r->first] = ss_table_group(b ? &b->least : NULL, interval);
    }
    ss_choice_problem p = problem_of(s, r);
    ss_relaxation x;
    ss_choice_relax(s->chooser, &p, true, &x);
    if (x.fits_not) note_proof(r, &x);
    return x.fits_not;
}

ss_status ss_segment_relax(ss_space *s, ss_segment *r) {
    r->stage = SS_STAGE_RELAXED;
    double above = slowest_candidate(s, r), below = 0;
    r->impossible = out_of_reach(s, r, above);
    for (double c = r->low; !r->impossible && c < above; c = between(s, r, below, above)) {
        if (out_of_reach(s, r, c)) below = c;
        else above = c;
    }
    r->low = above;
    return s->failed ? SS_BAD : SS_OK;
}

/* ---- exact costs ---- */

static ss_status reserve_options(ss_space *s, size_t more) {
    size_t need = s->options_n + more;
    if (need <= s->options_cap) return SS_OK;
    ss_option *o = ss_realloc(s->ctx, s->options, 2 * need, sizeof *o);
    if (!o) return SS_BAD;
    s->options = o;
    s->options_cap = 2 * need;
    return SS_OK;
}

/* Append one node's options at this interval, pruned. */
static ss_status offer(ss_space *s, int32_t node, double interval, bool least, int32_t *n) {
    const ss_band *b = ss_space_band(s, node, interval);
    const ss_group fast = ss_table_group(b ? least ? &b->least : &b->exact : NULL, interval);
    *n = fast.n;
    if (s->failed || reserve_options(s, (size_t)*n) != SS_OK) return SS_BAD;
    ss_option *o = s->options + s->options_n;
    if (*n > 0) memcpy(o, fast.options, (size_t)*n * sizeof *o);
    *n = ss_option_prune(o, *n, s->budget);
    s->options_n += (size_t)*n;
    return SS_OK;
}

static ss_status offer_all(ss_space *s, const ss_segment *r, double interval, bool least) {
    s->options_n = 0;
    for (int32_t i = r->first; i <= r->last; i++) {
        int32_t n;
        if (offer(s, i, interval, least, &n) != SS_OK) return SS_BAD;
        s->groups[i - r->first] = (ss_group){ NULL, n };
    }
    const ss_option *at = s->options; /* set now: the array may have moved while it grew */
    for (int32_t g = 0; g <= r->last - r->first; g++) {
        s->groups[g].options = at;
        at += s->groups[g].n;
    }
    return SS_OK;
}

static ss_status ask(ss_space *s, const ss_segment *r, double interval, bool least, ss_relaxation *x,
                     ss_answer *a) {
    if (offer_all(s, r, interval, least) != SS_OK) return SS_BAD;
    ss_choice_problem p = problem_of(s, r);
    *a = ss_choice_solve(s->chooser, &p, TREE_NODES * r->effort, s->pick, x);
    return ss_chooser_failed(s->chooser) ? SS_BAD : SS_OK;
}

/* Hold the design that the last question found. */
static ss_status keep_design(ss_space *s, ss_segment *r, double target, const ss_relaxation *x) {
    int32_t n = r->last - r->first + 1;
    ss_choice_problem p = problem_of(s, r);
    ss_choice_improve(s->chooser, &p, x->weights, s->pick);
    ss_partition *d = r->design ? r->design : ss_arena_alloc(s->arena, 1, sizeof *d);
    if (!d) return SS_BAD;
    if (!d->configs) d->configs = ss_arena_alloc(s->arena, (size_t)n, sizeof *d->configs);
    if (!d->configs) return SS_BAD;
    d->first = r->first;
    d->last = r->last;
    d->target = target;
    for (int32_t g = 0; g < n; g++) {
        const ss_band *b = ss_space_band(s, r->first + g, target);
        if (!b) return SS_BAD;
        d->configs[g] = b->configs[s->groups[g].options[s->pick[g]].id];
    }
    r->design = d;
    return ss_partition_figures(s->cost, s->device, d);
}

/* ---- the search over intervals ---- */

/* Where the search stands: `proven` and below cannot be; `open` is the smallest interval whose question
 * stayed open; `tried` and below gave nothing; `found` is held. */
typedef struct climb {
    double proven, open, tried, found;
} climb;

static ss_status probe(ss_space *s, ss_segment *r, double interval, climb *c) {
    ss_relaxation x, unused;
    ss_answer a;
    bool next = next_candidate(s, r, c->proven) >= interval;
    if (ask(s, r, interval, false, &x, &a) != SS_OK) return SS_BAD;
    if (a == SS_FITS) {
        c->found = interval;
        return keep_design(s, r, interval, &x);
    }
    c->tried = fmax(c->tried, interval);
    /* A no by exact costs holds for this interval; for all below it only when they are excluded already. */
    if (a == SS_FITS_NOT && !next && ask(s, r, interval, true, &unused, &a) != SS_OK) return SS_BAD;
    if (a == SS_FITS_NOT) {
        c->proven = interval;
        note_proof(r, &x);
    } else {
        c->open = fmin(c->open, interval);
    }
    return SS_OK;
}

/* Upward from the relaxation's bound, in growing strides, until something fits. */
static ss_status climb_up(ss_space *s, ss_segment *r, climb *c) {
    double end = slowest_candidate(s, r), stride = 0, at = r->low;
    for (int i = 0; i < MAX_CLIMB && c->found == INFINITY; i++) {
        if (probe(s, r, at, c) != SS_OK) return SS_BAD;
        if (at >= end) break;
        stride = i < 2 ? 0 : stride > 0 ? 2 * stride : FIRST_STRIDE;
        at = fmin(end, fmax(next_candidate(s, r, at), candidate_at_most(s, r, at * (1 + stride))));
    }
    return SS_OK;
}

static bool close_enough(const ss_space *s, const ss_segment *r, const climb *c) {
    return c->found <= next_candidate(s, r, c->proven) * (1 + CLOSE_ENOUGH * s->target_gap);
}

/* Downward from what was found. */
static ss_status narrow(ss_space *s, ss_segment *r, climb *c) {
    for (int i = 0; i < MAX_NARROW && !close_enough(s, r, c); i++) {
        double at = between(s, r, c->tried, c->found);
        if (at >= c->found) break;
        if (probe(s, r, at, c) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

/* Upward from what is proven. */
static ss_status prove_more(ss_space *s, ss_segment *r, climb *c) {
    for (int i = 0; i < MAX_PROVE && c->open < c->found && !close_enough(s, r, c); i++) {
        double at = between(s, r, c->proven, c->open);
        if (at >= c->open) break;
        if (probe(s, r, at, c) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

ss_res ss_segment_binding(const ss_segment *r) {
    int best = 0;
    for (int k = 1; k < SS_RES_COUNT; k++)
        if (r->weights[k] > r->weights[best]) best = k;
    return r->weighed ? (ss_res)best : SS_RES_COUNT;
}

ss_status ss_segment_solve(ss_space *s, ss_segment *r) {
    if (r->stage == SS_STAGE_NEW && ss_segment_relax(s, r) != SS_OK) return SS_BAD;
    r->effort = r->stage == SS_STAGE_SOLVED ? EFFORT_STEP * r->effort : 1;
    r->stage = SS_STAGE_SOLVED;
    if (r->impossible) return SS_OK;
    climb c = { nextafter(r->low, 0), INFINITY, nextafter(r->low, 0),
                r->design ? r->design->interval : INFINITY };
    if (c.found == INFINITY && climb_up(s, r, &c) != SS_OK) return SS_BAD;
    if (narrow(s, r, &c) != SS_OK || prove_more(s, r, &c) != SS_OK) return SS_BAD;
    if (c.proven >= slowest_candidate(s, r)) r->impossible = true;
    r->low = fmin(next_candidate(s, r, c.proven), c.found);
    if (!r->design) return SS_OK;
    r->design->bound = fmin(r->low, r->design->interval);
    r->design->binding = ss_segment_binding(r);
    return SS_OK;
}
