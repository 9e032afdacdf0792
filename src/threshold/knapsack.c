/* See knapsack.h. */
#include "threshold/knapsack.h"

#include <math.h>

#define PARTS SS_KNAPSACK_PARTS

struct ss_knapsack {
    ss_ctx *ctx;
    int32_t groups, options;
    double *least;  /* [groups]: the need that a group cannot go below */
    int32_t *parts; /* [groups][options]: what an option needs above it */
    double *cost;   /* [PARTS + 1]: least so far, with so much room */
    int8_t *chosen; /* [groups][PARTS + 1] */
};

ss_status ss_knapsack_new(ss_ctx *ctx, int32_t groups, int32_t options, ss_knapsack **out) {
    ss_knapsack *k = *out = ss_alloc(ctx, 1, sizeof *k);
    if (!k) return SS_BAD;
    const size_t n = (size_t)groups;
    *k = (ss_knapsack){ .ctx = ctx, .groups = groups, .options = options };
    k->least = ss_alloc(ctx, n, sizeof *k->least);
    k->parts = ss_alloc(ctx, n * (size_t)options, sizeof *k->parts);
    k->cost = ss_alloc(ctx, PARTS + 1, sizeof *k->cost);
    k->chosen = ss_alloc(ctx, n * (PARTS + 1), sizeof *k->chosen);
    if (k->least && k->parts && k->cost && k->chosen) return SS_OK;
    ss_knapsack_free(k);
    *out = NULL;
    return SS_BAD;
}

void ss_knapsack_free(ss_knapsack *k) {
    if (!k) return;
    ss_free(k->ctx, k->least);
    ss_free(k->ctx, k->parts);
    ss_free(k->ctx, k->cost);
    ss_free(k->ctx, k->chosen);
    ss_free(k->ctx, k);
}

/* Returns the room that is left when every group takes what it needs at the least; negative: too little, or a group without options. */
static double measure(ss_knapsack *k, const double *need, const double *cost, double room) {
    for (int32_t g = 0; g < k->groups; g++) {
        k->least[g] = INFINITY;
        for (int32_t o = g * k->options; o < (g + 1) * k->options; o++)
            if (cost[o] < INFINITY) k->least[g] = fmin(k->least[g], need[o]);
        room -= k->least[g];
    }
    return room;
}

static void cut(ss_knapsack *k, const double *need, const double *cost, double left) {
    for (int32_t g = 0; g < k->groups; g++)
        for (int32_t o = g * k->options; o < (g + 1) * k->options; o++) {
            const double above = need[o] - k->least[g];
            k->parts[o] = PARTS + 1;
            if (!(cost[o] < INFINITY) || !(above <= left)) continue;
            k->parts[o] = above > 0 ? (int32_t)fmin(PARTS, ceil(above / left * PARTS)) : 0;
        }
}

/* One group more. Room downward, so that what is read has not been written. */
static void add_group(ss_knapsack *k, int32_t g, const double *cost) {
    const int32_t *parts = k->parts + g * k->options;
    int8_t *chosen = k->chosen + (size_t)g * (PARTS + 1);
    for (int32_t room = PARTS; room >= 0; room--) {
        double best = INFINITY;
        for (int32_t o = 0; o < k->options; o++) {
            if (parts[o] > room) continue;
            const double sum = k->cost[room - parts[o]] + cost[o];
            if (sum >= best) continue;
            best = sum;
            chosen[room] = (int8_t)o;
        }
        k->cost[room] = best;
    }
}

bool ss_knapsack_solve(ss_knapsack *k, const double *need, const double *cost, double room, int8_t *pick) {
    const double left = measure(k, need, cost, room);
    if (!(left >= 0)) return false;
    cut(k, need, cost, left);
    for (int32_t r = 0; r <= PARTS; r++) k->cost[r] = 0;
    for (int32_t g = 0; g < k->groups; g++) add_group(k, g, cost + (size_t)g * (size_t)k->options);
    for (int32_t g = k->groups - 1, r = PARTS; g >= 0; g--) {
        pick[g] = k->chosen[(size_t)g * (PARTS + 1) + (size_t)r];
        r -= k->parts[g * k->options + pick[g]];
    }
    return true;
}
