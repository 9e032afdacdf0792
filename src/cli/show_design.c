/* A design as text: for every partition its nodes, what they use and which of them is the slowest. */
#include "cli/show.h"

#include <stdio.h>

static void show_node(ss_cli *cli, const ss_node *n, const ss_config *c, bool slowest) {
    char fold[48] = "";
    if (c->engine != SS_ENGINE_NONE) {
        if (c->pixels > 1) snprintf(fold, sizeof fold, "%dp x %d x %d x %d", c->pixels, c->ci, c->co, c->m);
        else if (c->gr > 1) snprintf(fold, sizeof fold, "%d x %d x %d x %d", c->gr, c->ci, c->co, c->m);
        else snprintf(fold, sizeof fold, "%d x %d x %d", c->ci, c->co, c->m);
    }
    const int64_t *r = c->res.r;
    ss_say(cli, "  %c %-30.30s %-8s %-9s %-14s %-4s %11.0f %6lld %8lld %8lld %6lld %5lld\n",
           slowest ? '*' : ' ', n->name, ss_op_name(n->op),
           c->engine == SS_ENGINE_NONE ? "" : ss_engine_kind_names[c->engine], fold,
           c->memory == SS_MEM_NONE ? "" : ss_mem_names[c->memory], c->cycles, (long long)r[SS_DSP],
           (long long)r[SS_LUT], (long long)r[SS_FF], (long long)r[SS_BRAM18], (long long)r[SS_URAM]);
}

static void show_use(ss_cli *cli, const ss_device *dev, const ss_resources *used) {
    ss_say(cli, "    uses");
    for (int k = 0; k < SS_RES_COUNT; k++) {
        int64_t total = dev->total.r[k];
        if (total == 0) continue;
        ss_say(cli, "%s %s %lld of %lld (%.1f %%)", k ? "," : "", ss_res_names[k], (long long)used->r[k],
               (long long)total, 100 * (double)used->r[k] / (double)total);
    }
    ss_say(cli, "\n");
}

static void show_partition(ss_cli *cli, const ss_design *d, const ss_graph *g, int32_t i, bool brief) {
    const ss_partition *p = &d->partitions[i];
    const ss_node *slowest = &g->nodes[p->slowest];
    ss_say(cli, "partition %d of %d: %s .. %s\n", i + 1, d->n_partitions, g->nodes[p->first].name,
           g->nodes[p->last].name);
    if (!brief) {
        ss_say(cli, "    %-30s %-8s %-9s %-14s %-4s %11s %6s %8s %8s %6s %5s\n", "node", "op", "engine",
               "ci x co x m", "mem", "cycles", "dsp", "lut", "ff", "bram18", "uram");
        for (int32_t n = p->first; n <= p->last; n++)
            show_node(cli, &g->nodes[n], &p->configs[n - p->first], n == p->slowest);
    }
    bool traffic = p->configs[p->slowest - p->first].cycles < p->interval;
    ss_say(cli, "    interval %.0f cycles (no design below %.0f), slowest: %s\n", p->interval, p->bound,
           traffic ? "off-chip bandwidth" : slowest->name);
    show_use(cli, &d->device, &p->res);
    ss_say(cli, "    binding: %s, latency %.0f cycles\n",
           p->binding < SS_RES_COUNT ? ss_binding_name(p->binding) : "nothing (as fast as its nodes can be)",
           p->latency);
}

static void show_engines(ss_cli *cli, const ss_design *d) {
    int count[SS_ENGINE_KINDS] = { 0 };
    for (int32_t i = 0; i < d->n_partitions; i++)
        for (int32_t n = 0; n <= d->partitions[i].last - d->partitions[i].first; n++)
            count[d->partitions[i].configs[n].engine]++;
    ss_say(cli, "engines:");
    for (int k = SS_ENGINE_DENSE; k < SS_ENGINE_KINDS; k++)
        if (count[k]) ss_say(cli, " %d %s", count[k], ss_engine_kind_names[k]);
    ss_say(cli, "; %.3f images/s a DSP", d->throughput / (double)ss_design_peak(d).r[SS_DSP]);
    if (d->nonzero_macs > 0) ss_say(cli, "; skip efficiency %.1f %%", 100 * ss_design_skip_efficiency(d));
    ss_say(cli, "\n");
}

void ss_show_design(ss_cli *cli, const ss_design *d, const ss_graph *g, bool brief) {
    ss_say(cli, "%s on %s at %g MHz, %d bits, batch %lld, profile: %s", d->model_name, d->device.name,
           d->device.clock_hz / 1e6, d->bits, (long long)d->batch, d->profile_name);
    if (d->assumed_zeros >= 0) ss_say(cli, " %.3g %% zeros", 100 * d->assumed_zeros);
    ss_say(cli, "%s\n", d->objective == SS_OBJECTIVE_LATENCY ? ", for latency" : "");
    for (int32_t i = 0; i < d->n_partitions; i++) show_partition(cli, d, g, i, brief);
    ss_say(cli, "throughput %.1f images/s at batch %lld (steady %.1f), latency %.1f us\n", d->throughput,
           (long long)d->batch, d->throughput_steady, d->latency_us);
    show_engines(cli, d);
}
