/* Small networks with every operator, folded at random, as hardware: generated, simulated, compared.
 *
 *   gen_network DIR SEED BITS [stalls|small|broadcast|mixed]...
 *
 * Works in DIR. small: few multipliers; broadcast, mixed: all or half of the convolutions have broadcast engines. The network, its foldings, its images and their random stalls follow from SEED. Exit: 0
 * exact, 1 not, 2 something failed. */
#include "rtl/rtl.h"
#include "util_explore.h"
#include "util_infer.h"
#include "sim/sim.h"
#include "verify/verify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench {
    ss_ctx *ctx;
    ss_graph *g;
    ss_dataset *d;
    ss_norm norm;
    ss_quant *q;
    ss_engine *e;
    ss_profile *p;
    ss_design *design;
    util_rng rng;
    int bits;
    bool small, stalls, broadcast, mixed;
} bench;

/* One of the n configurations: any, or the slowest, with one multiplier a stream in even nodes and two in odd
 * ones where the engine may skip zeros. */
static ss_config choose(bench *b, const ss_config *all, int n, int32_t node) {
    if (!b->small) return all[util_rng_int(&b->rng, 0, n - 1)];
    for (int i = n - 1; i >= 0; i--)
        if (all[i].engine == SS_ENGINE_CROSSBAR && all[i].m == 1 + node % 2) return all[i];
    return all[n - 1];
}

/* A configuration for every node of the only partition, at an interval that leaves a choice. */
static ss_status fold(bench *b, const ss_device *device) {
    ss_cost *c;
    ss_partition *part = &b->design->partitions[0];
    if (ss_cost_new(b->ctx, b->g, b->p, device, (ss_cost_opts){ .bits = b->bits }, &c) != SS_OK)
        return SS_BAD;
    double interval = 1;
    for (int32_t i = 0; i < b->g->n; i++) interval = fmax(interval, ss_cost_min_cycles(c, i));
    interval *= b->small ? 16 : util_rng_int(&b->rng, 1, 6);
    part->target = part->interval = interval;
    for (int32_t i = 0; i < b->g->n; i++) {
        const int n = ss_cost_configs(c, i, interval, NULL, 0);
        ss_config *all = calloc((size_t)n, sizeof *all);
        ss_cost_configs(c, i, interval, all, n);
        part->configs[i] = choose(b, all, n, i);
        free(all);
        if (b->g->nodes[i].op == SS_OP_CONV && (b->broadcast || (b->mixed && util_rng_int(&b->rng, 0, 1))) &&
            util_broadcast(b->ctx, c, b->g, i, b->bits, interval, 48, &b->rng, &part->configs[i]) != SS_OK)
            return SS_BAD;
        const ss_config *k = &part->configs[i];
        printf("# %-10s %-9s gr %d ci %d co %d m %d lanes %d -> %d memory %s", b->g->nodes[i].name,
               ss_engine_kind_names[k->engine], k->gr, k->ci, k->co, k->m, k->lanes_in, k->lanes_out,
               ss_mem_names[k->memory]);
        if (k->engine == SS_ENGINE_BROADCAST)
            printf(" sums %d queue %d lists %d results %d", k->sums, k->queue, k->lists, k->results);
        printf("\n");
    }
    ss_cost_free(c);
    return SS_OK;
}

static ss_status prepare(bench *b, uint32_t seed) {
    ss_device device = util_device(50, seed % 2 == 0);
    const ss_explore_opts opts = { .batch = 16, .target_gap = 0.5, .max_partitions = 1 };
    b->g = seed % 3 == 2 ? util_small_resnet(b->ctx, seed) : util_zoo(b->ctx, seed % 3 == 1, seed);
    if (!b->g) return SS_BAD;
    b->d = util_dataset(b->ctx, b->g->nodes[0].shape, 4, 3, seed);
    b->norm = util_infer_norm(b->g->nodes[0].shape.c);
    b->q = util_infer_quantise(b->ctx, b->g, b->d, b->bits);
    if (!b->q || ss_engine_new(b->ctx, b->g, b->q, SS_ISA_AUTO, &b->e) != SS_OK) return SS_BAD;
    if (ss_profile_assume(b->ctx, b->g, 0.5, b->bits, &b->p) != SS_OK) return SS_BAD;
    if (ss_explore_graph(b->ctx, b->g, b->p, &device, (ss_cost_opts){ .bits = b->bits }, opts, &b->design) !=
        SS_OK)
        return SS_BAD;
    return fold(b, &device);
}

static void say(const ss_verification *v) {
    const ss_verified_partition *p = &v->partitions[0];
    const ss_verified_node *n = ss_verified_culprit(p);
    printf("# %s: interval %.0f (model %.0f), latency %.0f (model %.0f), %lld words out of %lld\n",
           p->good   ? "exact"
           : p->hang ? "hangs"
                     : "differs",
           p->interval.measured, p->interval.predicted, p->latency.measured, p->latency.predicted,
           (long long)p->output.words, (long long)p->output.wanted);
    for (int32_t i = 0; i < p->n_nodes && p->hang; i++)
        printf("#   %-12s %-8s %lld of %lld words\n", v->g->nodes[p->nodes[i].node].name, p->nodes[i].state,
               (long long)p->nodes[i].stream.words, (long long)p->nodes[i].stream.wanted);
    if (n)
        printf("# first: %s, image %lld, row %lld, column %lld, channel %lld: expected %d, got %d\n",
               v->g->nodes[n->node].name, (long long)n->stream.first.image, (long long)n->stream.first.row,
               (long long)n->stream.first.column, (long long)n->stream.first.channel,
               n->stream.first.expected, n->stream.first.got);
}

/* The simulator of cycles says the same: last word of the last image, interval, first image's latency. */
static ss_status compare_cycles(const bench *b, const ss_verified_partition *p) {
    ss_simulated *v = NULL;
    const ss_sim_task task = { .g = b->g, .q = b->q, .e = b->e, .design = b->design, .images = b->d,
                               .norm = &b->norm, .opts = { .last = -1 } };
    ss_status s = ss_sim_run(b->ctx, &task, &v);
    if (!v) return s;
    const ss_sim_partition *q = &v->partitions[0];
    const bool same = !q->deadlock && q->cycles == p->cycles && q->ends[0] == p->output.first_last &&
                      fabs(q->interval.mean - p->output.interval) < 1e-6;
    printf("# simulate: %lld cycles, the hardware %lld; interval %.1f and %.1f; first image %lld and %lld: %s\n",
           (long long)q->cycles, (long long)p->cycles, q->interval.mean, p->output.interval,
           (long long)(q->deadlock ? -1 : q->ends[0]), (long long)p->output.first_last, same ? "equal" : "NOT EQUAL");
    for (int32_t i = 0; i < p->n_nodes && !same; i++)
        printf("#   %-12s interval %.1f, the hardware %.1f; blocked %lld, %lld\n", b->g->nodes[p->nodes[i].node].name,
               q->nodes[i].interval, p->nodes[i].stream.interval, (long long)q->nodes[i].blocked,
               (long long)p->nodes[i].blocked);
    ss_simulated_free(v);
    return same ? s : SS_NO;
}

static ss_status run(bench *b, const char *dir, uint32_t seed) {
    char hw[512];
    ss_verification *v = NULL;
    snprintf(hw, sizeof hw, "%.500s/hw", dir);
    if (prepare(b, seed) != SS_OK) return SS_BAD;
    const ss_rtl_opts opts = { .last = -1, .no_vivado = true };
    if (ss_rtl_generate(b->ctx, b->g, b->q, b->design, opts, hw) != SS_OK) return SS_BAD;
    const ss_verify_task task = { .g = b->g,
                                  .q = b->q,
                                  .e = b->e,
                                  .design = b->design,
                                  .images = b->d,
                                  .norm = &b->norm,
                                  .hw = hw,
                                  .work = dir,
                                  .backpressure = b->stalls,
                                  .seed = seed };
    ss_status s = ss_verify_run(b->ctx, &task, &v);
    if (v) say(v);
    if (s == SS_OK && !b->stalls) s = compare_cycles(b, &v->partitions[0]);
    ss_verification_free(v);
    return s;
}

static bool has(char **words, int n, const char *word) {
    for (int i = 0; i < n; i++)
        if (!strcmp(words[i], word)) return true;
    return false;
}

int main(int argc, char **argv) {
    if (argc < 4) return fprintf(stderr, "usage: gen_network DIR SEED BITS [stalls|small|broadcast|mixed]...\n"), 2;
    const uint32_t seed = (uint32_t)strtoul(argv[2], NULL, 10);
    bench b = { .ctx = ss_ctx_new(), .rng = { seed }, .bits = atoi(argv[3]) };
    b.small = has(argv + 4, argc - 4, "small");
    b.stalls = has(argv + 4, argc - 4, "stalls");
    b.broadcast = has(argv + 4, argc - 4, "broadcast");
    b.mixed = has(argv + 4, argc - 4, "mixed");
    if (!b.ctx) return 2;
    ss_status s = run(&b, argv[1], seed);
    util_print_diags(b.ctx);
    ss_design_free(b.design);
    ss_profile_free(b.p);
    ss_engine_free(b.e);
    ss_quant_free(b.q);
    ss_dataset_free(b.d);
    ss_graph_free(b.g);
    ss_ctx_free(b.ctx);
    return (int)s;
}
