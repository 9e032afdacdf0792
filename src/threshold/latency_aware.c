/* The latency-aware policy: in each step, in every partition, the threshold rises that feeds the slowest node.
 *
 * Where the slowest node has no ReLU before it that may still rise, or its engine does not skip zeros, the next slowest
 * is taken. Thresholds are looked for through forks, additions, concatenations and pools; where an addition has a
 * ReLU on each branch, both rise. Steps accumulate, every one raises at least one threshold by one step, and none
 * goes beyond t_max: the walk ends.
 */
#include "threshold/walk.h"

#include <string.h>

/* Zeros make a node faster when its engine skips them, or when exploration may choose one that does. */
static bool responds(const ss_walk *w, int32_t node, const ss_config *c) {
    const ss_node *n = &w->r->task->g->nodes[node];
    if (n->op != SS_OP_CONV) return false;
    if (c->engine == SS_ENGINE_BROADCAST) return true;
    if (n->win.kh * n->win.kw == 1) return false;
    return w->probe.kind == SS_HW_OPTIMISED || (c->engine == SS_ENGINE_CROSSBAR && c->m < n->win.kh * n->win.kw);
}

static bool tunable(const ss_walk *w, int32_t node, bool *used) {
    size_t n = (size_t)w->r->study->n_relus;
    bool any = false;
    memset(used, 0, n * sizeof *used);
    ss_feeding_relus(w->r, node, used);
    for (size_t i = 0; i < n; i++) {
        used[i] = used[i] && ss_walk_free(w, (int32_t)i, w->r->study->opts.step);
        any = any || used[i];
    }
    return any;
}

/* The slowest node of the partition that a threshold can make faster, its ReLUs in used; -1: none. */
static int32_t slowest(const ss_walk *w, const ss_partition *p, bool *used, bool *mine) {
    int32_t found = -1;
    for (int32_t i = p->first; i <= p->last; i++) {
        const ss_config *c = &p->configs[i - p->first];
        if (!responds(w, i, c) || (found >= 0 && c->cycles <= p->configs[found - p->first].cycles)) continue;
        if (!tunable(w, i, mine)) continue;
        found = i;
        memcpy(used, mine, (size_t)w->r->study->n_relus * sizeof *used);
    }
    return found;
}

static ss_status step(ss_walk *w, bool *moved) {
    const ss_design *d = w->probe.design;
    size_t n = (size_t)w->r->study->n_relus;
    bool *used = ss_alloc(w->r->ctx, 3 * n, sizeof *used);
    if (!used) return SS_BAD;
    bool *all = used + n;
    for (int32_t k = 0; k < d->n_partitions; k++)
        if (slowest(w, &d->partitions[k], used, used + 2 * n) >= 0)
            for (size_t i = 0; i < n; i++) all[i] |= used[i];
    *moved = false;
    for (size_t i = 0; i < n; i++) {
        if (!all[i]) continue;
        w->now[i] = (float)((double)w->now[i] + w->r->study->opts.step);
        *moved = true;
    }
    ss_free(w->r->ctx, used);
    return SS_OK;
}

static ss_status walk(ss_walk *w) { return ss_walk_steps(w, step); }

ss_status ss_policy_latency_aware(ss_trials *r) { return ss_walk_each(r, false, walk); }
