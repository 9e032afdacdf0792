/* The linear relaxation of the multiple-choice knapsack.
 *
 * Fractions of whole choices (columns) with resource sums s are mixed so that the most loaded resource is as
 * little loaded as can be: min z   such that   sum_j x_j s_j[k] / budget[k] - z + slack_k = 0   for every
 * resource k,   sum_j x_j = 1. Its duals are the weights w (w >= 0, sum 1), and the column that improves most
 * is every group's option of least w.r: a column is made when it is wanted and forgotten when it leaves the
 * basis. Six rows, so the basis is factorised afresh in each step, which keeps the arithmetic clean.
 *
 * Invariants: the basis is always primal feasible, so z is always attained by the columns held; g(w) = min
 * over columns of w.s is always a lower bound of z, whatever w.
 */
#include "explore/relax.h"

#include <math.h>
#include <string.h>

#define MAX_PIVOTS 400
#define TINY 1e-11
#define CLOSE 1e-7 /* relative distance of bound and load at which the optimum counts as reached */
#define PROOF 1e-9 /* margin that covers the rounding of a sum */

enum { SLOT_COLUMN, SLOT_SLACK, SLOT_LEVEL };

typedef struct slot {
    int kind;
    int resource;           /* SLOT_SLACK */
    double s[SS_RES_COUNT]; /* SLOT_COLUMN: sums over budgets */
} slot;

typedef struct simplex {
    const ss_choice_problem *p;
    ss_columns *cols;
    slot slots[SS_BASIS];
    double value[SS_BASIS]; /* of the basic variables */
    double inverse[SS_BASIS][SS_BASIS];
} simplex;

double ss_relax_oracle(const ss_choice_problem *p, const double w[SS_RES_COUNT], int32_t *pick,
                       double sum[SS_RES_COUNT]) {
    double total = 0, s[SS_RES_COUNT] = { 0 };
    for (int32_t g = 0; g < p->n; g++) {
        const ss_option *o = p->groups[g].options;
        double best = INFINITY;
        int32_t at = 0;
        for (int32_t i = 0; i < p->groups[g].n; i++) {
            double v = 0;
            for (int k = 0; k < SS_RES_COUNT; k++) v += w[k] * o[i].r[k];
            if (v < best) {
                best = v;
                at = i;
            }
        }
        total += best;
        for (int k = 0; k < SS_RES_COUNT; k++) s[k] += o[at].r[k];
        if (pick) pick[g] = at;
    }
    if (sum) memcpy(sum, s, sizeof s);
    return total;
}

static void slot_column(const slot *s, double col[SS_BASIS]) {
    memset(col, 0, SS_BASIS * sizeof *col);
    switch (s->kind) {
    case SLOT_COLUMN:
        memcpy(col, s->s, sizeof s->s);
        col[SS_RES_COUNT] = 1;
        break;
    case SLOT_SLACK:
        col[s->resource] = 1;
        break;
    default:
        for (int k = 0; k < SS_RES_COUNT; k++) col[k] = -1;
    }
}

/* Gauss-Jordan with partial pivoting; false when the basis is singular to working accuracy. */
static bool invert(simplex *x) {
    double a[SS_BASIS][2 * SS_BASIS] = { { 0 } };
    for (int j = 0; j < SS_BASIS; j++) {
        double col[SS_BASIS];
        slot_column(&x->slots[j], col);
        for (int i = 0; i < SS_BASIS; i++) a[i][j] = col[i];
        a[j][SS_BASIS + j] = 1;
    }
    for (int c = 0; c < SS_BASIS; c++) {
        int best = c;
        for (int i = c + 1; i < SS_BASIS; i++)
            if (fabs(a[i][c]) > fabs(a[best][c])) best = i;
        if (fabs(a[best][c]) < TINY) return false;
        for (int j = 0; j < 2 * SS_BASIS; j++) {
            double t = a[c][j];
            a[c][j] = a[best][j];
            a[best][j] = t;
        }
        double pivot = a[c][c];
        for (int j = 0; j < 2 * SS_BASIS; j++) a[c][j] /= pivot;
        for (int i = 0; i < SS_BASIS; i++) {
            double f = a[i][c];
            if (i == c || f == 0) continue;
            for (int j = 0; j < 2 * SS_BASIS; j++) a[i][j] -= f * a[c][j];
        }
    }
    for (int i = 0; i < SS_BASIS; i++) {
        memcpy(x->inverse[i], &a[i][SS_BASIS], sizeof x->inverse[i]);
        x->value[i] = x->inverse[i][SS_RES_COUNT]; /* the right-hand side is the last unit vector */
    }
    return true;
}

static double level(const simplex *x) {
    for (int j = 0; j < SS_BASIS; j++)
        if (x->slots[j].kind == SLOT_LEVEL) return x->value[j];
    return INFINITY;
}

/* Weights of the rows; they sum to 1 and may be negative before the optimum. */
static void duals(const simplex *x, double w[SS_RES_COUNT]) {
    for (int j = 0; j < SS_BASIS; j++)
        if (x->slots[j].kind == SLOT_LEVEL)
            for (int k = 0; k < SS_RES_COUNT; k++) w[k] = -x->inverse[j][k];
}

/* Put the entering slot in; false when no basic variable limits it or the basis degenerates. */
static bool pivot_in(simplex *x, const slot *enter, int32_t **spare) {
    double col[SS_BASIS], best = INFINITY;
    int leave = -1;
    slot_column(enter, col);
    for (int i = 0; i < SS_BASIS; i++) {
        double d = 0;
        for (int k = 0; k < SS_BASIS; k++) d += x->inverse[i][k] * col[k];
        if (x->slots[i].kind == SLOT_LEVEL || d < TINY) continue;
        double ratio = x->value[i] > 0 ? x->value[i] / d : 0;
        if (ratio < best) {
            best = ratio;
            leave = i;
        }
    }
    if (leave < 0) return false;
    slot old = x->slots[leave];
    x->slots[leave] = *enter;
    if (!invert(x)) {
        x->slots[leave] = old;
        (void)invert(x);
        return false;
    }
    if (enter->kind == SLOT_COLUMN) {
        int32_t *t = x->cols->pick[leave];
        x->cols->pick[leave] = *spare;
        *spare = t;
    }
    return true;
}

static bool start(simplex *x) {
    double even[SS_RES_COUNT], s[SS_RES_COUNT];
    for (int k = 0; k < SS_RES_COUNT; k++) even[k] = x->p->budget[k] > 0 ? 1 / x->p->budget[k] : 0;
    (void)ss_relax_oracle(x->p, even, x->cols->pick[SS_RES_COUNT], s);
    int worst = 0;
    for (int k = 0; k < SS_RES_COUNT; k++) {
        s[k] *= even[k];
        if (s[k] > s[worst]) worst = k;
    }
    for (int k = 0; k < SS_RES_COUNT; k++) x->slots[k] = (slot){ .kind = SLOT_SLACK, .resource = k };
    x->slots[worst].kind = SLOT_LEVEL;
    x->slots[SS_RES_COUNT].kind = SLOT_COLUMN;
    memcpy(x->slots[SS_RES_COUNT].s, s, sizeof s);
    return invert(x);
}

/* The bound that clipped and renormalised weights prove; keeps the best. */
static double prove(simplex *x, const double raw[SS_RES_COUNT], int32_t *spare, slot *col,
                    ss_relaxation *out) {
    double w[SS_RES_COUNT], unit[SS_RES_COUNT], sum = 0;
    for (int k = 0; k < SS_RES_COUNT; k++) sum += w[k] = raw[k] > 0 && x->p->budget[k] > 0 ? raw[k] : 0;
    for (int k = 0; k < SS_RES_COUNT; k++) {
        w[k] /= sum;
        unit[k] = w[k] > 0 ? w[k] / x->p->budget[k] : 0;
    }
    double g = ss_relax_oracle(x->p, unit, spare, col->s);
    col->kind = SLOT_COLUMN;
    for (int k = 0; k < SS_RES_COUNT; k++) col->s[k] = x->p->budget[k] > 0 ? col->s[k] / x->p->budget[k] : 0;
    if (g > out->bound) {
        out->bound = g;
        memcpy(out->weights, w, sizeof w);
    }
    return g;
}

static int most_negative(const double w[SS_RES_COUNT]) {
    int at = -1;
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (w[k] < -1e-9 && (at < 0 || w[k] < w[at])) at = k;
    return at;
}

void ss_relax(const ss_choice_problem *p, bool quick, ss_columns *cols, int32_t **spare, ss_relaxation *out) {
    simplex x = { .p = p, .cols = cols };
    *out = (ss_relaxation){ .bound = -1, .load = INFINITY };
    memset(cols->share, 0, sizeof cols->share);
    bool going = start(&x);
    for (int step = 0; going && step < MAX_PIVOTS; step++) {
        double w[SS_RES_COUNT] = { 0 };
        slot enter;
        duals(&x, w);
        out->load = level(&x);
        int k = most_negative(w);
        double g = prove(&x, w, *spare, &enter, out);
        bool decided = out->bound > 1 + PROOF || out->load <= 1;
        if ((quick && decided) || out->bound >= out->load - CLOSE * fabs(out->load)) break;
        if (k >= 0) enter = (slot){ .kind = SLOT_SLACK, .resource = k };
        else if (g >= out->load - TINY) break;
        going = pivot_in(&x, &enter, spare);
    }
    for (int j = 0; j < SS_BASIS; j++)
        if (x.slots[j].kind == SLOT_COLUMN && x.value[j] > TINY) cols->share[j] = x.value[j];
    out->fits_not = out->bound > 1 + PROOF;
}
