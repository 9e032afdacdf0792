/* Orders of channels from joint statistics. See joint.h.
 *
 * What is minimised: for every convolution, over the sample, the sum of what a step of ci neighbouring channels costs, for
 * a chain of divisors ci = 1 | 2 | 4 | ... of its channels at once, since the folding is not known yet. A step costs what
 * its fullest window costs; ci times that is the work that ci streams are held for, so that all ci weigh alike. A window
 * of n non-zeros costs max(1, ceil(n/m)) cycles of m multipliers: summed over m = 1 .. K/2 that is a price which only
 * rises with n, so the price of the fullest window is the largest price, and prices can be kept in place of counts.
 *
 * Method: wires (deal.h) are sorted by their mean price, which makes neighbours of channels that are equally full; then
 * any two wires of a group are exchanged while the sum falls. Each reader keeps a tree: at each level the largest prices
 * of each block of ci channels, sample by sample; an exchange changes two paths of it, up to where they meet.
 *
 * Which half of a block comes first makes no difference to a step. It does to the lanes of a broadcast engine: lane l takes
 * channels l, l + ci, l + 2 ci, ... of a whole pixel, and the engine waits for the lane with the most non-zeros. So, last,
 * halves of blocks are exchanged where that makes the fullest lanes emptier and no step dearer.
 */
#include "profile/joint.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LEVELS 32
#define MAX_SWEEPS 12
#define MOST_LANES 64
#define FLIP_SWEEPS 3
#define GAIN 2000 /* a sweep that gains less than 1/GAIN of the sum is the last */

const char *const ss_dealing_names[SS_DEALINGS] = { "none", "means", "joint" };

/* One convolution as a reader of wires. */
typedef struct tree {
    int64_t weight; /* of its prices: multiplications an image, in some unit */
    int32_t channels, levels;
    int32_t ci[MAX_LEVELS];   /* ci[0] = 1; each divides the next */
    uint8_t *at[MAX_LEVELS];  /* [channels / ci][samples]: largest price of each block */
    int64_t *sum[MAX_LEVELS]; /* [channels / ci]: over the samples */
    uint8_t *count;           /* [channels][samples]: non-zeros */
    uint32_t *lane[MAX_LEVELS]; /* [ci][samples]: non-zeros of a lane; ci up to MOST_LANES */
    const int32_t *wires;     /* [channels] */
    int32_t *place;           /* [wires]: the first channel of a wire's place, or -1 */
} tree;

typedef struct arranger {
    const ss_joint *j;
    const ss_graph *g;
    ss_arena *arena;
    ss_wires wires;
    size_t samples;
    tree *trees;
    int32_t n_trees;
    int32_t *to;        /* [wires]: what stands in the place of a wire */
    int64_t *mean;      /* [wires]: its prices, weighted */
    int32_t *members;   /* [wires]: by group */
    int32_t *first;     /* [n_groups + 1]: into members */
    uint8_t *scratch[2];
    uint32_t *fullest; /* scratch: [samples] */
} arranger;

/* ---- vectors of prices ---- */

static void raise_to(uint8_t *restrict v, const uint8_t *restrict other, size_t n) {
    for (size_t i = 0; i < n; i++) v[i] = v[i] > other[i] ? v[i] : other[i];
}

static int64_t total(const uint8_t *v, size_t n) {
    int64_t sum = 0;
    for (size_t i = 0; i < n; i += 4096) { /* 32-bit lanes, so that it vectorises */
        const size_t end = n < i + 4096 ? n : i + 4096;
        uint32_t part = 0;
        for (size_t k = i; k < end; k++) part += v[k];
        sum += part;
    }
    return sum;
}

/* The price of n non-zeros among k: see above. */
static void make_prices(int32_t k, uint8_t price[256]) {
    const int32_t top = k < 255 ? k : 255, most = top < 2 ? 1 : top / 2;
    int64_t sum[256] = { 0 };
    for (int32_t n = 0; n <= top; n++)
        for (int32_t m = 1; m <= most; m++) sum[n] += n == 0 ? m : ss_ceil_div(n, m) * m;
    for (int32_t n = 0; n < 256; n++) {
        const int64_t s = sum[n < top ? n : top];
        price[n] = (uint8_t)(sum[top] <= 255 ? s : ss_ceil_div(s * 255, sum[top]));
    }
}

/* ---- trees ---- */

static uint8_t *block(const arranger *a, const tree *t, int32_t level, int32_t b) {
    return t->at[level] + (size_t)b * a->samples;
}

/* v becomes the block above channel c at `level`, if v stood in place of the block below. */
static void climb(const arranger *a, const tree *t, int32_t level, int32_t c, uint8_t *v) {
    const int32_t own = c / t->ci[level - 1], fan = t->ci[level] / t->ci[level - 1], first = own / fan * fan;
    for (int32_t b = first; b < first + fan; b++)
        if (b != own) raise_to(v, block(a, t, level - 1, b), a->samples);
}

/* What the sum changes by when the contents of channels p and q are exchanged. */
static int64_t exchange_gain(const arranger *a, const tree *t, int32_t p, int32_t q) {
    uint8_t *x = a->scratch[0], *y = a->scratch[1];
    int64_t delta = 0;
    memcpy(x, block(a, t, 0, q), a->samples);
    memcpy(y, block(a, t, 0, p), a->samples);
    for (int32_t l = 1; l < t->levels; l++) {
        const int32_t bp = p / t->ci[l], bq = q / t->ci[l];
        if (bp == bq) break;
        climb(a, t, l, p, x);
        climb(a, t, l, q, y);
        delta += t->ci[l] * (total(x, a->samples) + total(y, a->samples) - t->sum[l][bp] - t->sum[l][bq]);
    }
    return t->weight * delta;
}

/* The blocks above channel c, anew. */
static void refresh(const arranger *a, tree *t, int32_t c) {
    for (int32_t l = 1; l < t->levels; l++) {
        uint8_t *v = block(a, t, l, c / t->ci[l]);
        memcpy(v, block(a, t, l - 1, c / t->ci[l - 1]), a->samples);
        climb(a, t, l, c, v);
        t->sum[l][c / t->ci[l]] = total(v, a->samples);
    }
}

static void exchange_rows(const arranger *a, uint8_t *x, uint8_t *y) {
    memcpy(a->scratch[0], x, a->samples);
    memcpy(x, y, a->samples);
    memcpy(y, a->scratch[0], a->samples);
}

static bool has_lanes(const tree *t, int32_t level) { return level < t->levels && t->ci[level] <= MOST_LANES; }

/* What is at channel c goes to another lane, and what is at channel d comes in its place. */
static void relane(const arranger *a, tree *t, int32_t level, int32_t c, int32_t d) {
    uint32_t *lane = t->lane[level] + (size_t)(c % t->ci[level]) * a->samples;
    const uint8_t *out = t->count + (size_t)c * a->samples, *in = t->count + (size_t)d * a->samples;
    for (size_t i = 0; i < a->samples; i++) lane[i] += (uint32_t)in[i] - out[i];
}

static void exchange(const arranger *a, tree *t, int32_t p, int32_t q) {
    for (int32_t l = 1; has_lanes(t, l); l++) {
        if (p % t->ci[l] == q % t->ci[l]) continue;
        relane(a, t, l, p, q);
        relane(a, t, l, q, p);
    }
    exchange_rows(a, t->count + (size_t)p * a->samples, t->count + (size_t)q * a->samples);
    exchange_rows(a, block(a, t, 0, p), block(a, t, 0, q));
    refresh(a, t, p);
    refresh(a, t, q);
}

static int64_t cost_of(const tree *t) {
    int64_t sum = 0;
    for (int32_t l = 1; l < t->levels; l++)
        for (int32_t b = 0; b < t->channels / t->ci[l]; b++) sum += t->ci[l] * t->sum[l][b];
    return t->weight * sum;
}

/* Non-zeros that all lanes wait for, all ci at once, as cost_of. */
static int64_t lane_cost(const arranger *a, const tree *t) {
    int64_t sum = 0;
    for (int32_t l = 1; has_lanes(t, l); l++) {
        uint64_t most = 0;
        memcpy(a->fullest, t->lane[l], a->samples * sizeof *a->fullest);
        for (int32_t c = 1; c < t->ci[l]; c++) {
            const uint32_t *lane = t->lane[l] + (size_t)c * a->samples;
            for (size_t i = 0; i < a->samples; i++) a->fullest[i] = lane[i] > a->fullest[i] ? lane[i] : a->fullest[i];
        }
        for (size_t i = 0; i < a->samples; i++) most += a->fullest[i];
        sum += t->ci[l] * (int64_t)most;
    }
    return t->weight * sum;
}

static int64_t whole_cost(const arranger *a) {
    int64_t sum = 0;
    for (int32_t i = 0; i < a->n_trees; i++) sum += cost_of(&a->trees[i]);
    return sum;
}

static ss_status new_levels(const arranger *a, tree *t, int32_t group) {
    t->ci[0] = 1;
    t->levels = 1;
    for (int32_t left = group, d = 2; left > 1; d++)
        for (; left % d == 0; left /= d) {
            t->ci[t->levels] = t->ci[t->levels - 1] * d;
            t->levels++;
        }
    for (int32_t l = 0; l < t->levels; l++) {
        const size_t blocks = (size_t)(t->channels / t->ci[l]);
        t->at[l] = ss_arena_alloc(a->arena, blocks, a->samples);
        t->sum[l] = ss_arena_alloc(a->arena, blocks, sizeof *t->sum[l]);
        if (!t->at[l] || !t->sum[l]) return SS_BAD;
        if (l == 0 || !has_lanes(t, l)) continue;
        t->lane[l] = ss_arena_alloc(a->arena, (size_t)t->ci[l] * a->samples, sizeof *t->lane[l]);
        if (!t->lane[l]) return SS_BAD;
    }
    return SS_OK;
}

/* The tree of a layer in the model's own order. */
static ss_status new_tree(arranger *a, const ss_joint_layer *l) {
    tree *t = &a->trees[a->n_trees++];
    const ss_node *n = &a->g->nodes[l->node];
    uint8_t price[256];
    t->channels = l->channels;
    t->wires = a->wires.of[n->in[0]];
    t->weight = 1 + (ss_node_macs(a->g, n) >> 16);
    t->place = ss_arena_alloc(a->arena, (size_t)a->wires.n, sizeof *t->place);
    t->count = ss_arena_alloc(a->arena, (size_t)t->channels, a->samples);
    if (!t->place || !t->count || new_levels(a, t, l->channels / n->groups) != SS_OK) return SS_BAD;
    memcpy(t->count, l->counts, (size_t)t->channels * a->samples);
    make_prices(l->k, price);
    for (int32_t w = 0; w < a->wires.n; w++) t->place[w] = -1;
    for (int32_t c = t->channels - 1; c >= 0; c--) {
        uint8_t *v = block(a, t, 0, c);
        t->place[t->wires[c]] = c;
        for (size_t i = 0; i < a->samples; i++) v[i] = price[l->counts[(size_t)c * a->samples + i]];
        for (int32_t k = 1; has_lanes(t, k); k++)
            for (size_t i = 0; i < a->samples; i++)
                t->lane[k][(size_t)(c % t->ci[k]) * a->samples + i] += l->counts[(size_t)c * a->samples + i];
        a->mean[t->wires[c]] += t->weight * total(v, a->samples);
    }
    for (int32_t c = 0; c < t->channels; c++) refresh(a, t, c);
    return SS_OK;
}

/* ---- orders ---- */

/* Exchange what stands in the places of wires v and w, everywhere. */
static void swap(arranger *a, int32_t v, int32_t w) {
    const int32_t content = a->to[v];
    a->to[v] = a->to[w];
    a->to[w] = content;
    for (int32_t i = 0; i < a->n_trees; i++) {
        tree *t = &a->trees[i];
        if (t->place[v] >= 0) exchange(a, t, t->place[v], t->place[w]);
    }
}

static int64_t swap_gain(const arranger *a, int32_t v, int32_t w) {
    int64_t delta = 0;
    for (int32_t i = 0; i < a->n_trees; i++) {
        const tree *t = &a->trees[i];
        if (t->place[v] >= 0) delta += exchange_gain(a, t, t->place[v], t->place[w]);
    }
    return delta;
}

/* Fullest first: selection, so that only exchanges happen. */
static void sort_group(arranger *a, const int32_t *members, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        int32_t best = i;
        for (int32_t k = i + 1; k < n; k++)
            if (a->mean[a->to[members[k]]] > a->mean[a->to[members[best]]]) best = k;
        if (best != i) swap(a, members[i], members[best]);
    }
}

static int64_t sweep(arranger *a, const int32_t *members, int32_t n) {
    int64_t gained = 0;
    for (int32_t i = 0; i < n; i++)
        for (int32_t k = i + 1; k < n; k++) {
            const int64_t delta = swap_gain(a, members[i], members[k]);
            if (delta >= 0) continue;
            swap(a, members[i], members[k]);
            gained -= delta;
        }
    return gained;
}

/* Costs of the readers of the group of wire w. */
static void group_costs(const arranger *a, int32_t w, int64_t *steps, int64_t *lanes) {
    *steps = *lanes = 0;
    for (int32_t i = 0; i < a->n_trees; i++) {
        if (a->trees[i].place[w] < 0) continue;
        *steps += cost_of(&a->trees[i]);
        *lanes += lane_cost(a, &a->trees[i]);
    }
}

/* Exchange the n channels from p with those from q, all of one group. */
static bool flip(arranger *a, const tree *t, int32_t p, int32_t q, int32_t n) {
    for (int32_t i = 0; i < n; i++)
        if (a->wires.group[t->wires[p + i]] != a->wires.group[t->wires[p]] ||
            a->wires.group[t->wires[q + i]] != a->wires.group[t->wires[p]])
            return false;
    for (int32_t i = 0; i < n; i++) swap(a, t->wires[p + i], t->wires[q + i]);
    return true;
}

/* Exchange neighbouring children of the blocks of one level where it pays. */
static void flip_level(arranger *a, const tree *t, int32_t level, int32_t group, int64_t *steps, int64_t *lanes) {
    const int32_t n = t->ci[level - 1];
    for (int32_t p = 0; p + n < t->channels; p += n) {
        const int32_t wire = t->wires[p];
        int64_t now_steps, now_lanes;
        if (p / t->ci[level] != (p + n) / t->ci[level] || a->wires.group[wire] != group) continue;
        if (!flip(a, t, p, p + n, n)) continue;
        group_costs(a, wire, &now_steps, &now_lanes);
        if (now_lanes < *lanes && now_steps <= *steps) {
            *steps = now_steps;
            *lanes = now_lanes;
        } else flip(a, t, p, p + n, n);
    }
}

/* By the blocks of the reader with the most work. */
static void balance_lanes(arranger *a, const int32_t *members) {
    const tree *t = NULL;
    int64_t steps, lanes;
    for (int32_t i = 0; i < a->n_trees; i++)
        if (a->trees[i].place[members[0]] >= 0 && (!t || a->trees[i].weight > t->weight)) t = &a->trees[i];
    if (!t) return;
    group_costs(a, members[0], &steps, &lanes);
    for (int32_t turn = 0; turn < FLIP_SWEEPS; turn++)
        for (int32_t l = t->levels - 1; l >= 1; l--)
            if (has_lanes(t, l)) flip_level(a, t, l, a->wires.group[members[0]], &steps, &lanes);
}

static void arrange_group(arranger *a, const int32_t *members, int32_t n, ss_dealing dealing) {
    sort_group(a, members, n);
    if (dealing == SS_DEAL_MEANS) return;
    int64_t cost = 0;
    for (int32_t i = 0; i < a->n_trees; i++)
        if (a->trees[i].place[members[0]] >= 0) cost += cost_of(&a->trees[i]);
    for (int32_t turn = 0; turn < MAX_SWEEPS; turn++) {
        const int64_t gained = sweep(a, members, n);
        if (gained <= cost / GAIN) break;
    }
    balance_lanes(a, members);
}

static ss_status list_members(arranger *a) {
    const ss_wires *w = &a->wires;
    a->members = ss_arena_alloc(a->arena, (size_t)w->n, sizeof *a->members);
    a->first = ss_arena_alloc(a->arena, (size_t)w->n_groups + 2, sizeof *a->first);
    if (!a->members || !a->first) return SS_BAD;
    for (int32_t i = 0; i < w->n; i++) a->first[w->group[i] + 2]++;
    for (int32_t i = 0; i < w->n_groups; i++) a->first[i + 2] += a->first[i + 1];
    for (int32_t i = 0; i < w->n; i++) a->members[a->first[w->group[i] + 1]++] = i;
    return SS_OK;
}

static ss_status prepare(arranger *a) {
    const ss_joint *j = a->j;
    if (ss_wires_find(a->g, a->arena, &a->wires) != SS_OK) return SS_BAD;
    a->to = ss_arena_alloc(a->arena, (size_t)a->wires.n, sizeof *a->to);
    a->mean = ss_arena_alloc(a->arena, (size_t)a->wires.n, sizeof *a->mean);
    a->trees = ss_arena_alloc(a->arena, (size_t)j->n_layers, sizeof *a->trees);
    for (int i = 0; i < 2; i++) a->scratch[i] = ss_arena_alloc(a->arena, a->samples, 1);
    a->fullest = ss_arena_alloc(a->arena, a->samples, sizeof *a->fullest);
    if (!a->fullest || !a->to || !a->mean || !a->trees || !a->scratch[0] || !a->scratch[1]) return SS_BAD;
    for (int32_t w = 0; w < a->wires.n; w++) a->to[w] = w;
    ss_status s = list_members(a);
    for (int32_t l = 0; s == SS_OK && l < j->n_layers; l++)
        if (j->layers[l].k > 1) s = new_tree(a, &j->layers[l]); /* one multiplier is never skipped alone */
    return s;
}

ss_status ss_joint_orders(const ss_joint *j, const ss_graph *g, ss_dealing dealing, ss_arena *arena, ss_orders *out) {
    *out = (ss_orders){ 0 };
    if (dealing == SS_DEAL_NONE) return SS_OK;
    arranger a = { .j = j, .g = g, .arena = ss_arena_new(j->ctx), .samples = (size_t)j->samples };
    ss_status s = a.arena ? prepare(&a) : SS_BAD;
    const int64_t own = s == SS_OK ? whole_cost(&a) : 0;
    for (int32_t i = 0; s == SS_OK && i < a.wires.n_groups; i++)
        arrange_group(&a, a.members + a.first[i], a.first[i + 1] - a.first[i], dealing);
    if (s == SS_OK && (dealing == SS_DEAL_MEANS || whole_cost(&a) < own))
        s = ss_wires_orders(g, &a.wires, a.to, arena, out);
    ss_arena_free(a.arena);
    return s;
}
