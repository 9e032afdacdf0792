/* The flow of a verification; see verify.h. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "verify/parts.h"

#include <math.h>
#include <stdlib.h>

#define HANG_INTERVALS 4  /* of the design, without any word moving */
#define HANG_CYCLES 20000 /* and this many more */

static ss_status check_task(ss_ctx *ctx, const ss_verify_task *t) {
    if (t->images->n < 1)
        return ss_error(ctx, SS_AT("--images"), "give at least one image", "no images to stream");
    if (t->q->bits != t->design->bits)
        return ss_error(ctx, SS_AT("verify"), "quantise at the design's bits",
                        "the network has %d bits, the design %d", t->q->bits, t->design->bits);
    return SS_OK;
}

ss_status ss_verify_check_tools(ss_ctx *ctx) {
    int bad = ss_process_need(ctx, "verilator", "verilator") != SS_OK;
    bad += ss_process_need(ctx, "make", "make") != SS_OK;
    bad += ss_process_need(ctx, "g++", "g++") != SS_OK;
    return bad ? SS_BAD : SS_OK;
}

static ss_status absolute(ss_ctx *ctx, const char *path, char **out) {
    *out = NULL;
    char *real = realpath(path, NULL);
    if (!real) return ss_error(ctx, SS_AT(path), "check the path", "no such folder");
    *out = ss_strdup(ctx, real);
    free(real);
    return *out ? SS_OK : SS_BAD;
}

static ss_status prepare(ss_verification *v, const ss_hw_partition *from, ss_verified_partition *p) {
    p->top = ss_arena_strdup(v->arena, from->top);
    p->n_nodes = from->n_nodes;
    p->nodes = ss_arena_alloc(v->arena, (size_t)from->n_nodes, sizeof *p->nodes);
    if (!p->top || !p->nodes) return SS_BAD;
    for (int32_t i = 0; i < from->n_nodes; i++) p->nodes[i].node = from->nodes[i];
    p->first = from->nodes[0];
    p->last = from->nodes[from->n_nodes - 1];
    return SS_OK;
}

static int64_t watchdog(const ss_hw_partition *p) {
    return (int64_t)fmin(1e12, HANG_INTERVALS * ceil(p->design->interval)) + HANG_CYCLES;
}

static ss_status simulate_all(ss_ctx *ctx, ss_simulation *sim, const ss_hw *hw, ss_verification *v) {
    for (int32_t i = 0; i < hw->n; i++) {
        json_t *j = NULL;
        ss_verified_partition *p = &v->partitions[i];
        ss_progress(ctx, "partitions", (uint64_t)i, (uint64_t)hw->n);
        sim->watchdog = watchdog(&hw->partitions[i]);
        ss_status s = prepare(v, &hw->partitions[i], p);
        if (s == SS_OK) s = ss_simulate(ctx, sim, &hw->partitions[i], &p->build_seconds, &j);
        if (s == SS_OK) s = ss_outcome_read(ctx, p->top, j, v->arena, p);
        json_decref(j);
        if (s != SS_OK) return s;
        v->good = v->good && p->good;
    }
    ss_progress(ctx, "partitions", (uint64_t)hw->n, (uint64_t)hw->n);
    return SS_OK;
}

static ss_status run(ss_ctx *ctx, const ss_verify_task *t, const ss_hw *hw, ss_verification *v) {
    char *folder = NULL, *work = NULL;
    ss_stimulus *stimulus = NULL;
    ss_status s = absolute(ctx, t->hw, &folder);
    if (s == SS_OK) s = ss_mkdirs(ctx, t->work);
    if (s == SS_OK) s = absolute(ctx, t->work, &work);
    if (s == SS_OK) s = ss_stimulus_make(ctx, t, &stimulus);
    ss_simulation sim = { .hw = folder, .work = work, .task = t, .stimulus = stimulus };
    if (s == SS_OK) s = simulate_all(ctx, &sim, hw, v);
    if (s == SS_OK) s = ss_predict(ctx, t, hw, v);
    ss_stimulus_free(stimulus);
    ss_free(ctx, folder);
    ss_free(ctx, work);
    return s;
}

ss_status ss_verify_run(ss_ctx *ctx, const ss_verify_task *task, ss_verification **out) {
    ss_hw *hw = NULL;
    *out = NULL;
    int bad = check_task(ctx, task) != SS_OK;
    bad += ss_verify_check_tools(ctx) != SS_OK;
    if (bad || ss_hw_read(ctx, task->g, task->design, task->hw, &hw) != SS_OK) return SS_BAD;
    ss_arena *a = ss_arena_new(ctx);
    ss_verification *v = a ? ss_arena_alloc(a, 1, sizeof *v) : NULL;
    ss_status s = SS_BAD;
    if (v) {
        *v = (ss_verification){ .arena = a,
                                .g = task->g,
                                .images = task->images->n,
                                .good = true,
                                .backpressure = task->backpressure,
                                .n_partitions = hw->n,
                                .partitions = ss_arena_alloc(a, (size_t)hw->n, sizeof *v->partitions) };
        if (v->partitions) s = run(ctx, task, hw, v);
    }
    ss_hw_free(hw);
    if (s != SS_OK) {
        ss_arena_free(a);
        return s;
    }
    *out = v;
    return v->good ? SS_OK : SS_NO;
}

void ss_verification_free(ss_verification *v) {
    if (v) ss_arena_free(v->arena);
}

const ss_verified_node *ss_verified_culprit(const ss_verified_partition *p) {
    const ss_verified_node *culprit = NULL;
    for (int32_t i = 0; i < p->n_nodes; i++) {
        const ss_verified_node *n = &p->nodes[i];
        if (n->stream.mismatches && (!culprit || n->stream.first.image < culprit->stream.first.image))
            culprit = n;
    }
    return culprit;
}
