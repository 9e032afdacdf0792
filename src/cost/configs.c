/* The configurations of a node at an interval, and those of them that are ever worth having.
 *
 * What streams add to a folding follows from the lanes of its window and of its results alone: foldings that share both
 * are of one *kind*. Of one kind, what another folding undercuts in cycles and in every resource stays undercut at every
 * interval, so it is found once: `useful` lists the others. Engines that skip zeros count as kinds of their own, for they
 * may not be wanted. What streams add is computed once a kind and interval. */
#include "cost/node.h"

#include <math.h>
#include <string.h>

/* ---- kinds ---- */

static bool skips(const ss_config *cfg) { return cfg->engine == SS_ENGINE_CROSSBAR || cfg->engine == SS_ENGINE_BROADCAST; }

static bool same_kind(const ss_config *a, const ss_config *b) {
    return ss_window_lanes(a) == ss_window_lanes(b) && ss_result_lanes(a) == ss_result_lanes(b) && skips(a) == skips(b);
}

static uint64_t mix(const ss_config *cfg) {
    uint64_t x = (uint64_t)ss_window_lanes(cfg) << 33 ^ (uint64_t)ss_result_lanes(cfg) << 1 ^ skips(cfg);
    x *= 0x9e3779b97f4a7c15u;
    return x ^ x >> 32;
}

static bool covers(const ss_config *a, const ss_config *b) {
    for (int k = 0; k < SS_RES_COUNT; k++)
        if (a->res.r[k] > b->res.r[k]) return false;
    return true;
}

/* A table of kinds by hash, each a list of its useful foldings, the slowest first. */
typedef struct sorter {
    ss_cost_node *n;
    int32_t *table; /* [mask + 1]: 1 + kind; 0: empty */
    uint64_t mask;
    int32_t *newest; /* [kinds]: in useful */
    int32_t *before; /* [useful]; -1: none */
} sorter;

static int32_t kind_of(sorter *s, int32_t at) {
    ss_cost_node *n = s->n;
    uint64_t slot = mix(&n->fixed[at]) & s->mask;
    for (; s->table[slot]; slot = (slot + 1) & s->mask)
        if (same_kind(&n->fixed[n->kinds[s->table[slot] - 1]], &n->fixed[at])) return s->table[slot] - 1;
    n->kinds[n->n_kinds] = at;
    s->newest[n->n_kinds] = -1;
    s->table[slot] = ++n->n_kinds;
    return n->n_kinds - 1;
}

static void keep_useful(sorter *s) {
    ss_cost_node *n = s->n;
    for (int32_t i = 0; i < n->n_fixed; i++) {
        const int32_t kind = kind_of(s, i);
        int32_t u = s->newest[kind];
        while (u >= 0 && !covers(&n->fixed[n->useful[u]], &n->fixed[i])) u = s->before[u];
        if (u >= 0) continue;
        s->before[n->n_useful] = s->newest[kind];
        s->newest[kind] = n->n_useful;
        n->useful[n->n_useful] = i;
        n->kind[n->n_useful++] = kind;
    }
}

ss_status ss_node_useful(ss_cost *c, ss_cost_node *n) {
    const size_t all = (size_t)n->n_fixed;
    sorter s = { .n = n, .mask = 1 };
    while (s.mask < 2 * all) s.mask = 2 * s.mask + 1;
    s.table = ss_alloc(c->ctx, s.mask + 1, sizeof *s.table);
    s.newest = ss_alloc(c->ctx, all, sizeof *s.newest);
    s.before = ss_alloc(c->ctx, all, sizeof *s.before);
    n->useful = ss_arena_alloc(c->arena, all, sizeof *n->useful);
    n->kind = ss_arena_alloc(c->arena, all, sizeof *n->kind);
    n->kinds = ss_arena_alloc(c->arena, all, sizeof *n->kinds);
    bool ok = s.table && s.newest && s.before && n->useful && n->kind && n->kinds;
    if (ok) keep_useful(&s);
    ss_free(c->ctx, s.table);
    ss_free(c->ctx, s.newest);
    ss_free(c->ctx, s.before);
    return ok ? SS_OK : SS_BAD;
}

/* ---- all of them ---- */

static void complete(const ss_streams *s, const ss_resources *streams, ss_config *cfg) {
    cfg->lanes_in = s->lanes[0];
    cfg->lanes_out = s->out;
    cfg->cycles = fmax(cfg->cycles, s->cycles);
    ss_res_add(&cfg->res, *streams, 1);
}

void ss_node_complete(const ss_cost *c, const ss_cost_node *n, double interval, ss_config *cfg) {
    ss_streams s = ss_node_streams(n, interval);
    ss_resources streams = ss_stream_resources(c, n, cfg, &s);
    complete(&s, &streams, cfg);
}

/* What streams add, of the kinds met last: neighbours in the list are of a few kinds. */
#define REMEMBERED 64
typedef struct memory {
    const ss_config *of[REMEMBERED]; /* NULL: nothing */
    ss_resources res[REMEMBERED];
} memory;

static const ss_resources *recall(memory *m, const ss_cost *c, const ss_cost_node *n, const ss_streams *s, const ss_config *cfg) {
    const uint64_t slot = mix(cfg) % REMEMBERED;
    if (!m->of[slot] || !same_kind(m->of[slot], cfg)) m->res[slot] = ss_stream_resources(c, n, cfg, s);
    m->of[slot] = cfg;
    return &m->res[slot];
}

int ss_cost_configs(const ss_cost *c, int32_t node, double interval, ss_config *out, int cap) {
    return ss_cost_configs_beside(c, node, interval, interval, out, cap);
}

int ss_cost_configs_beside(const ss_cost *c, int32_t node, double interval, double most, ss_config *out, int cap) {
    const ss_cost_node *n = &c->nodes[node];
    if (!(interval > 0)) return 0;
    const ss_streams s = ss_node_streams(n, interval);
    if (s.cycles > most) return 0;
    memory m = { .of = { NULL } };
    int found = 0;
    for (; found < n->n_fixed && n->fixed[found].cycles <= most; found++) {
        if (found >= cap) continue;
        out[found] = n->fixed[found];
        complete(&s, recall(&m, c, n, &s, &out[found]), &out[found]);
    }
    return found;
}

/* ---- the useful ones, over several intervals ---- */

/* What streams take from each interval on to the last, where they keep up with it: the least cycles, and of each kind the
 * least of each resource. */
typedef struct outlook {
    double *cycles;    /* [intervals] */
    ss_resources *res; /* [intervals][kinds]; of no account where only dense engines count and the kind is none */
} outlook;

static void lower(ss_resources *a, const ss_resources *b) {
    for (int k = 0; k < SS_RES_COUNT; k++) a->r[k] = b->r[k] < a->r[k] ? b->r[k] : a->r[k];
}

static void look(const ss_cost *c, const ss_cost_node *n, bool dense, const double *intervals, int count, outlook *o) {
    const int32_t kinds = n->n_kinds;
    for (int j = count - 1; j >= 0; j--) {
        const ss_streams s = ss_node_streams(n, intervals[j]);
        const bool last = j == count - 1, fast = s.cycles <= intervals[j];
        o->cycles[j] = last ? s.cycles : fast ? fmin(o->cycles[j + 1], s.cycles) : o->cycles[j + 1];
        for (int32_t k = 0; k < kinds; k++) {
            const ss_config *one = &n->fixed[n->kinds[k]];
            ss_resources *here = &o->res[(int64_t)j * kinds + k], now = { { 0 } };
            if (dense && skips(one)) continue;
            if (fast) now = ss_stream_resources(c, n, one, &s);
            *here = last ? now : here[kinds];
            if (fast) lower(here, &now);
        }
    }
}

int ss_cost_useful(const ss_cost *c, int32_t node, bool dense, const double *intervals, int count, ss_config *out, int cap) {
    const ss_cost_node *n = &c->nodes[node];
    const double most = intervals[count - 1];
    const ss_streams s = ss_node_streams(n, most);
    if (!(most > 0) || s.cycles > most) return 0;
    outlook o = { NULL, NULL };
    int found = 0, from = 0;
    if (cap > 0) {
        o.cycles = ss_alloc(c->ctx, (size_t)count, sizeof *o.cycles);
        o.res = ss_alloc(c->ctx, (size_t)count * (size_t)n->n_kinds, sizeof *o.res);
        if (o.cycles && o.res) look(c, n, dense, intervals, count, &o);
        else found = -1;
    }
    for (int32_t u = 0; found >= 0 && u < n->n_useful; u++) {
        const ss_config *cfg = &n->fixed[n->useful[u]];
        if (cfg->cycles > most) break;
        if (dense && skips(cfg)) continue;
        if (found++ >= cap) continue;
        while (cfg->cycles > intervals[from]) from++; /* the first at which it is listed */
        ss_config *to = &out[found - 1];
        *to = *cfg;
        complete(&s, &o.res[(int64_t)from * n->n_kinds + n->kind[u]], to);
        to->cycles = fmax(cfg->cycles, o.cycles[from]);
    }
    ss_free(c->ctx, o.cycles);
    ss_free(c->ctx, o.res);
    return found;
}
