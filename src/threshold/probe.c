/* See probe.h. */
#include "threshold/probe.h"

#include <math.h>
#include <string.h>

/* ---- divergence ---- */

static double log_sum_exp(const float *x, int32_t n) {
    double most = x[0], sum = 0;
    for (int32_t i = 1; i < n; i++) most = fmax(most, (double)x[i]);
    for (int32_t i = 0; i < n; i++) sum += exp((double)x[i] - most);
    return most + log(sum);
}

/* Mean over images of KL(softmax(a) || softmax(b)). */
static double divergence_of(const float *a, const float *b, int64_t images, int32_t classes) {
    double total = 0;
    for (int64_t i = 0; i < images; i++, a += classes, b += classes) {
        double la = log_sum_exp(a, classes), lb = log_sum_exp(b, classes);
        for (int32_t c = 0; c < classes; c++)
            total += exp((double)a[c] - la) * (((double)a[c] - la) - ((double)b[c] - lb));
    }
    return images > 0 ? total / (double)images : 0;
}

/* ---- states ---- */

/* After the thresholds were put: scores, and a profile up to the tensor of node `until` (0: all). */
static ss_status measure(ss_probe *p, int32_t changed, bool keep, int32_t until, ss_profile **out) {
    ss_trials *r = p->r;
    const bool apart = p->pricing != NULL;
    const ss_remeasure again = { .replay = apart ? p->pricing : p->replay, .images = apart ? p->priced.n : p->part.n, .changed = changed,
                                 .base = p->profile, .until = apart ? until : 0, .keep = keep, .lists = ss_trial_lists(r) };
    if (apart && ss_replay_run(p->replay, p->profile ? changed : 0, 0, p->part.n, keep, NULL, p->scores) != SS_OK) return SS_BAD;
    return ss_profile_remeasure(r->ctx, r->task->g, r->task->q, &again, apart ? NULL : p->scores, out);
}

static ss_status design_for(const ss_probe *p, const ss_profile *profile, ss_design **out) {
    const ss_trials *r = p->r;
    const ss_study_task *t = r->task;
    if (p->kind == SS_HW_BASELINE) return ss_estimate(r->ctx, r->study->reference_design, t->g, profile, out);
    ss_cost_opts cost = { .bits = t->q->bits, .engines = t->opts.engines };
    return ss_explore_graph(r->ctx, t->g, profile, t->device, cost, t->opts.explore, out);
}

ss_status ss_probe_settle(ss_probe *p, const float *thresholds) {
    ss_trials *r = p->r;
    if (p->design && memcmp(p->in_force, thresholds, (size_t)r->study->n_relus * sizeof *thresholds) == 0) return SS_OK;
    ss_profile *profile;
    ss_design *design;
    int32_t changed;
    if (ss_trial_put(r, p->in_force, thresholds, &changed) != SS_OK || measure(p, changed, true, 0, &profile) != SS_OK) return SS_BAD;
    memcpy(p->in_force, thresholds, (size_t)r->study->n_relus * sizeof *thresholds);
    ss_profile_free(p->profile);
    p->profile = profile;
    if (design_for(p, profile, &design) != SS_OK) return SS_BAD;
    ss_design_free(p->design);
    p->design = design;
    p->divergence = divergence_of(p->reference_scores, p->scores, p->part.n, r->classes);
    return SS_OK;
}

ss_status ss_probe_look(ss_probe *p, const float *thresholds, int32_t until, ss_profile **profile, double *divergence) {
    int32_t changed;
    if (ss_trial_put_briefly(p->r, p->in_force, thresholds, &changed) != SS_OK || measure(p, changed, false, until, profile) != SS_OK)
        return SS_BAD;
    *divergence = divergence_of(p->reference_scores, p->scores, p->part.n, p->r->classes);
    return SS_OK;
}

ss_status ss_probe_cycles(const ss_probe *p, const ss_profile *profile, double *cycles) {
    ss_design *same;
    if (ss_estimate(p->r->ctx, p->design, p->r->task->g, profile, &same) != SS_OK) return SS_BAD;
    for (int32_t i = 0; i < same->n_partitions; i++) {
        const ss_partition *part = &same->partitions[i];
        for (int32_t n = part->first; n <= part->last; n++) cycles[n] = part->configs[n - part->first].cycles;
    }
    ss_design_free(same);
    return SS_OK;
}

ss_status ss_probe_throughput(const ss_probe *p, const ss_profile *profile, double *out) {
    ss_design *d;
    if (design_for(p, profile, &d) != SS_OK) return SS_BAD;
    *out = d->throughput;
    ss_design_free(d);
    return SS_OK;
}

ss_status ss_probe_needs(const ss_probe *p, const ss_profile *const *profiles, int32_t n, ss_needs **out) {
    const ss_study_task *t = p->r->task;
    ss_cost_opts cost = { .bits = t->q->bits, .engines = t->opts.engines };
    return ss_needs_new(p->r->ctx, t->g, profiles, n, t->device, cost, out);
}

/* Behind the reference's images: activations are kept where there is memory. */
static ss_status open_replay(ss_trials *r, const ss_dataset *d, ss_replay **out) {
    const ss_study_task *t = r->task;
    return ss_replay_new(r->ctx, t->e, t->g, d, t->norm, t->opts.whole ? 0 : t->opts.memory / 8, out);
}

ss_status ss_probe_open(ss_trials *r, ss_hardware kind, bool apart, ss_probe *p) {
    const ss_study_task *t = r->task;
    const bool race = r->race.n > 0;
    const ss_dataset *from = race ? r->race.hard : t->search;
    const float *reference = race ? r->race.before : r->reference_scores;
    const int64_t most = from->n > SS_PROBE_IMAGES && !t->opts.whole ? SS_PROBE_IMAGES : from->n;
    *p = (ss_probe){ .r = r, .kind = kind, .part = ss_dataset_part(from, 0, most) };
    size_t images = (size_t)p->part.n, row = (size_t)r->classes * sizeof(float), n = (size_t)r->study->n_relus;
    p->scores = ss_alloc(r->ctx, images, row);
    p->reference_scores = ss_alloc(r->ctx, images, row);
    p->in_force = ss_alloc(r->ctx, n, sizeof *p->in_force);
    if (!p->scores || !p->reference_scores || !p->in_force) return SS_BAD;
    memcpy(p->reference_scores, reference, images * row);
    p->priced = ss_dataset_part(t->search, 0, race ? r->priced : 0);
    if (open_replay(r, &p->part, &p->replay) != SS_OK) return SS_BAD;
    if (apart && race && open_replay(r, &p->priced, &p->pricing) != SS_OK) return SS_BAD;
    return ss_probe_settle(p, r->in_force);
}

void ss_probe_close(ss_probe *p) {
    ss_profile_free(p->profile);
    ss_design_free(p->design);
    ss_replay_free(p->replay);
    ss_replay_free(p->pricing);
    ss_free(p->r->ctx, p->scores);
    ss_free(p->r->ctx, p->reference_scores);
    ss_free(p->r->ctx, p->in_force);
}

/* ---- which ReLUs feed a node ---- */

static int32_t mark_source(const ss_trials *r, int32_t tensor, bool *used) {
    const ss_node *n = &r->task->g->nodes[tensor];
    int32_t found = 0;
    if (n->act.on) {
        for (int32_t i = 0; i < r->study->n_relus; i++)
            if (r->nodes[i] == tensor && !used[i]) {
                used[i] = true;
                found++;
            }
        return found;
    }
    if (n->op == SS_OP_CONV) return 0; /* no ReLU in between: its zeros are accidents */
    for (int32_t k = 0; k < n->n_in; k++) found += mark_source(r, n->in[k], used);
    return found;
}

int32_t ss_feeding_relus(const ss_trials *r, int32_t node, bool *used) {
    const ss_node *n = &r->task->g->nodes[node];
    return n->n_in > 0 ? mark_source(r, n->in[0], used) : 0;
}
