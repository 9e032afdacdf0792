/* See run_tune.h. What FIFOs and stalls cost is known only for a design that is there; an exploration that knows it may choose
 * another, which is tuned in turn. One round: further ones changed nothing where they were tried (docs/simulate.md). */
#include "cli/run_tune.h"

#include "sim/sim.h"

#include <stdio.h>

#define WITHIN 0.99 /* of the throughput of FIFOs without end */

static ss_status simulate(const ss_run_tune *t, const ss_design *d, bool tune, ss_simulated **out) {
    const ss_job *j = t->job;
    const ss_sim_task task = { .g = j->g,
                               .q = j->q,
                               .e = j->e,
                               .design = d,
                               .images = t->images,
                               .norm = &j->norm,
                               .opts = { .last = -1 },
                               .trace = { .activity = !tune, .to = (int64_t)(3 * d->latency_us * 1e-6 * d->device.clock_hz) + 1 },
                               .tune = tune,
                               .within = WITHIN };
    const ss_status s = ss_sim_run(j->ctx, &task, out);
    if (s != SS_NO) return s;
    ss_simulated_free(*out);
    *out = NULL;
    return ss_error(j->ctx, SS_AT("tune"), "simulate the design, which says why", "the design stops on these images");
}

static ss_status tune(const ss_run_tune *t, const ss_design *d, ss_simulated **out) {
    const ss_status s = simulate(t, d, true, out);
    if (s == SS_OK)
        ss_say(t->job->cli, "      tuned on %lld images: %.1f images/s\n", (long long)t->images->n,
               (*out)->tuned->throughput);
    return s;
}

/* With the FIFOs and stalls of `with`. */
static ss_status explore(const ss_run_tune *t, const ss_design *with, ss_design **out) {
    const ss_job *j = t->job;
    const ss_cost_opts cost = { .bits = j->bits, .engines = t->engines, .tuning = with->tuning, .raise_rooms = true };
    ss_profile *p;
    if (ss_profile_measure(j->ctx, j->g, j->e, j->q, t->search, &j->norm, NULL, &p) != SS_OK) return SS_BAD;
    ss_status s = ss_explore_graph(j->ctx, j->g, p, t->device, cost, t->explore, out);
    ss_profile_free(p);
    return s;
}

/* The fastest of those that fit: FIFOs may have grown beyond the device, but `again` was explored with some. */
static ss_design *fastest(ss_design **of, int n) {
    int best = n - 1;
    for (int i = 0; i < n - 1; i++)
        if (ss_design_fits(of[i]) && of[i]->throughput > of[best]->throughput) best = i;
    ss_design *d = of[best];
    of[best] = NULL;
    return d;
}

/* Of the chosen design, what its model says and what these images take, one partition after the other. */
static void show(const ss_run_tune *t, const ss_design *d, const ss_simulated *v) {
    double cycles = 0;
    for (int32_t i = 0; i < v->n_partitions; i++) cycles += v->partitions[i].interval.mean;
    if (cycles > 0)
        ss_say(t->job->cli, "      taken: %.1f images/s in steady operation, %.1f simulated\n", d->throughput_steady,
               d->device.clock_hz / cycles);
}

ss_status ss_run_tuned(const ss_run_tune *t, ss_design **tuned, json_t **activity) {
    ss_simulated *first = NULL, *second = NULL, *shown = NULL;
    ss_design *again = NULL;
    *tuned = NULL;
    *activity = NULL;
    ss_status s = tune(t, t->design, &first);
    if (s == SS_OK) s = explore(t, first->tuned, &again);
    if (s == SS_OK) s = tune(t, again, &second);
    if (s == SS_OK) {
        ss_design *of[] = { first->tuned, second->tuned, again };
        *tuned = fastest(of, 3);
        first->tuned = of[0];
        second->tuned = of[1];
        again = of[2];
        snprintf((*tuned)->model_path, sizeof (*tuned)->model_path, "%s", t->design->model_path);
        snprintf((*tuned)->profile_name, sizeof (*tuned)->profile_name, "%.240s", t->source);
        s = simulate(t, *tuned, false, &shown);
    }
    if (s == SS_OK) {
        show(t, *tuned, shown);
        *activity = json_incref(shown->activity);
    } else {
        ss_design_free(*tuned);
        *tuned = NULL;
    }
    ss_design_free(again);
    ss_simulated_free(first);
    ss_simulated_free(second);
    ss_simulated_free(shown);
    return s;
}
