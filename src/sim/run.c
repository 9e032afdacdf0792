/* The scheduler, and what a run comes to.
 *
 * The last stage is asked for one word after another, and asks those before it. When it gets none, something
 * waits that was not asked for: first the FIFOs before joins take what they can, then every stage that can
 * take words ahead does. When nothing moves even so, all that is unknown lies behind the earliest undecided
 * window: no word comes to it in time, as whatever could bring one happens later. When there is none either,
 * nothing ever moves again: a deadlock. */
#include "sim/parts.h"

#include <stdlib.h>

/* ---- the flow of words ---- */

/* Takes ahead wherever that is known; in the FIFOs of joins alone, or everywhere. */
static bool drive(sim *sm, bool everywhere) {
    const int64_t before = sm->all.moved;
    for (int32_t i = 0; sm->lazy && i < sm->n_fifos; i++)
        if (sm->fifos[i]->ops->accept(sm->fifos[i])) return true;
    for (int32_t i = 0; i < sm->n_fifos; i++)
        while (sm->fifos[i]->ops->accept(sm->fifos[i])) {
        }
    for (int32_t i = sm->n_stages - 1; everywhere && i >= 0; i--) {
        stage *s = sm->stages[i];
        pull(s);
        while (s->ops->accept(s)) {
        }
        while (stage_is_window(s) && window_write_ahead(s)) {
        }
    }
    return sm->all.moved != before;
}

static bool decide(sim *sm) {
    stage *first = NULL;
    for (int32_t i = 0; i < sm->n_stages; i++) {
        stage *s = sm->stages[i];
        if (!stage_is_window(s) || window_undecided(s) < 0) continue;
        if (!first || window_undecided(s) < window_undecided(first)) first = s;
    }
    if (first) window_decide_no(first);
    return first != NULL;
}

static void mark(stage *s, int64_t first, int64_t step, int64_t *to) {
    s->mark = first;
    s->mark_step = step;
    s->marks = to;
}

/* false: a deadlock. */
static bool flow(sim *sm, int64_t *ends) {
    stage *out = sm->sink;
    const int64_t words = sm->words_out * sm->images;
    mark(sm->source, 0, sm->words_in, sm->starts);
    mark(out, sm->words_out - 1, sm->words_out, ends);
    for (int32_t i = 0; i < sm->n_nodes; i++)
        mark(sm->nodes[i].last, sm->nodes[i].words - 1, sm->nodes[i].words, sm->nodes[i].ends);
    while (out->out < words) {
        const int64_t v = pull(out);
        if (v >= 0) take(out, v);
        else if (!drive(sm, false) && !drive(sm, true) && !decide(sm)) return false;
    }
    while (drive(sm, true) || decide(sm)) { /* what no output needs: figures do not depend on who asked first */
    }
    return true;
}

/* ---- figures ---- */

static int compare(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* values are sorted in place. */
static ss_spread spread_of(int64_t *values, int64_t n) {
    ss_spread s = { 0 };
    if (n < 1) return s;
    qsort(values, (size_t)n, sizeof *values, compare);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)values[i];
    s.mean = sum / (double)n;
    s.p5 = (double)values[(n - 1) * 5 / 100];
    s.p95 = (double)values[ss_ceil_div((n - 1) * 95, 100)];
    s.least = values[0];
    s.most = values[n - 1];
    return s;
}

static ss_status spread(sim *sm, ss_sim_partition *p) {
    const int64_t n = sm->images;
    int64_t *values = ss_arena_alloc(sm->arena, (size_t)n, sizeof *values);
    if (!values) return SS_BAD;
    for (int64_t i = 0; i < n; i++) values[i] = p->ends[i] - sm->starts[i] + 1;
    p->first_latency = values[0];
    p->latency = spread_of(values, n);
    for (int64_t i = 0; i + 1 < n; i++) values[i] = p->ends[i + 1] - p->ends[i];
    p->interval = spread_of(values, n - 1);
    if (n > 1) p->interval.mean = (double)(p->ends[n - 1] - p->ends[0]) / (double)(n - 1);
    return SS_OK;
}

static void node_figures(const sim *sm, const sim_node *sn, ss_sim_node *n) {
    n->node = sn->node;
    if (sm->images > 1)
        n->interval = (double)(sn->ends[sm->images - 1] - sn->ends[0]) / (double)(sm->images - 1);
    n->blocked = sn->last->blocked;
    n->busy = sn->last->out;
    for (int32_t k = 0; k < sn->n_first; k++) {
        n->starved = later(n->starved, sn->first[k]->starved);
        n->busy = later(n->busy, sn->first[k]->in);
    }
    for (int32_t k = 0; k < sn->n_engines; k++) {
        const int64_t busy = sn->broadcast ? broadcast_busy(sn->engine[k]) : engine_busy(sn->engine[k]);
        n->busy = k == 0 ? busy : later(n->busy, busy);
    }
    if (sn->join) n->joining = together_waited(sn->join);
    for (int32_t k = 0; k < SS_MAX_INPUTS && sn->fifo[k]; k++) {
        n->depth[k] = fifo_depth(sn->fifo[k]);
        n->held[k] = fifo_most(sn->fifo[k]);
        n->n_fifos = k + 1;
    }
}

/* ---- deadlock ---- */

static const char *name_of(const sim *sm, int32_t node) {
    return sm->r->g->nodes[node].name;
}

static int64_t held(const sim_node *sn, int32_t k) { return sn->fifo[k]->in - sn->fifo[k]->out; }

/* The input whose FIFO is full while another one's is empty, where everything else comes to wait in the end; -1: this is no
 * such join. Joins with full FIFOs alone wait for it, too. */
static int32_t full_beside_empty(const sim_node *sn) {
    int32_t full = -1, empty = -1;
    for (int32_t k = 0; k < SS_MAX_INPUTS && sn->fifo[k]; k++) {
        if (held(sn, k) == 0) empty = k;
        else if (held(sn, k) == fifo_depth(sn->fifo[k])) full = k;
    }
    return empty < 0 ? -1 : full;
}

static const sim_node *node_at(const sim *sm, int32_t node) {
    for (int32_t i = 0; i < sm->n_nodes; i++)
        if (sm->nodes[i].node == node) return &sm->nodes[i];
    return NULL;
}

/* The fork that the full FIFO keeps from its other readers, the next one before it. */
static void explain_fork(const sim *sm, const sim_node *sn, int32_t k, ss_buf *b) {
    const ss_graph *g = sm->r->g;
    while (sn && !sn->branch[k]) {
        sn = node_at(sm, ss_rtl_source(g, g->nodes[sn->node].in[k]));
        k = 0;
        if (!sn || g->nodes[sn->node].n_in != 1) return;
    }
    if (sn && fork_waits_for(sn->branch[k]))
        ss_buf_printf(b, "%s: its other readers wait until %s takes word %lld\n", name_of(sm, g->nodes[sn->node].in[k]),
                      name_of(sm, sn->node), (long long)sn->branch[k]->out);
}

static void explain_join(const sim *sm, const sim_node *sn, int32_t full, ss_buf *b) {
    const ss_node *n = &sm->r->g->nodes[sn->node];
    for (int32_t k = 0; k < n->n_in && sn->fifo[k]; k++)
        if (k == full || held(sn, k) == 0)
            ss_buf_printf(b, "%s: its FIFO from %s is %s (%lld of %lld words)\n", n->name, name_of(sm, n->in[k]),
                          k == full ? "full" : "empty", (long long)held(sn, k), (long long)fifo_depth(sn->fifo[k]));
    explain_fork(sm, sn, full, b);
}

/* cure: the first full FIFO. */
static void explain(const sim *sm, ss_buf *b, ss_rtl_depth *cure) {
    *cure = (ss_rtl_depth){ .node = -1 };
    for (int32_t i = 0; i < sm->n_nodes; i++) {
        const sim_node *sn = &sm->nodes[i];
        const int32_t full = full_beside_empty(sn);
        if (full < 0) continue;
        explain_join(sm, sn, full, b);
        if (cure->node < 0) *cure = (ss_rtl_depth){ .node = sn->node, .input = full };
    }
}

static ss_status deadlocked(sim *sm, ss_sim_partition *p) {
    ss_buf b;
    ss_buf_init(&b, sm->ctx);
    explain(sm, &b, &p->cure);
    p->deadlock = true;
    p->why = ss_arena_strdup(sm->arena, b.data ? b.data : "");
    for (int32_t i = 0; i < sm->n_stages; i++) p->cycles = later(p->cycles, sm->stages[i]->last);
    const bool bad = b.failed || !p->why;
    ss_buf_free(&b);
    return bad ? SS_BAD : SS_NO;
}

ss_status sim_run(sim *sm, ss_sim_partition *p) {
    const double began = ss_thread_seconds();
    p->ends = ss_arena_alloc(sm->arena, (size_t)sm->images, sizeof *p->ends);
    p->nodes = ss_arena_alloc(sm->arena, (size_t)sm->n_nodes, sizeof *p->nodes);
    if (!p->ends || !p->nodes) return SS_BAD;
    const bool through = flow(sm, p->ends);
    p->seconds = ss_thread_seconds() - began;
    if (sm->far)
        return ss_error(sm->ctx, SS_AT(name_of(sm, sm->far->node)), "explore a faster design, or simulate fewer images",
                        "its streams stand still for more than 250 million cycles, which is not simulated");
    p->n_nodes = sm->n_nodes;
    for (int32_t i = 0; i < sm->n_nodes; i++) node_figures(sm, &sm->nodes[i], &p->nodes[i]);
    if (!through) return deadlocked(sm, p);
    p->cycles = p->ends[sm->images - 1] + 1;
    return spread(sm, p);
}
