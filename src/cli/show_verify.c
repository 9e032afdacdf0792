/* See show_verify.h. */
#include "cli/show_verify.h"

static double percent(double measured, double predicted) {
    return predicted > 0 ? 100 * (measured / predicted - 1) : 0;
}

static void show_cycles(ss_cli *cli, const char *what, const ss_cycles *c) {
    if (!(c->measured > 0)) return;
    ss_say(cli,
           "    %-8s %.0f cycles measured; cost model on these images %.0f (measured %+.2f %%), design %.0f "
           "(%+.2f %%)\n",
           what, c->measured, c->predicted, percent(c->measured, c->predicted), c->designed,
           percent(c->measured, c->designed));
}

static void show_nodes(ss_cli *cli, const ss_verification *v, const ss_verified_partition *p) {
    ss_say(cli, "    %-30s %-8s %11s %11s %11s %9s %9s\n", "node", "op", "design", "model", "measured",
           "starved %", "blocked %");
    const double all = p->counted_cycles > 0 ? (double)p->counted_cycles : 1;
    for (int32_t i = 0; i < p->n_nodes; i++) {
        const ss_verified_node *n = &p->nodes[i];
        const ss_node *node = &v->g->nodes[n->node];
        ss_say(cli, "    %-30.30s %-8s %11.0f %11.0f %11.0f %9.1f %9.1f\n", node->name, ss_op_name(node->op),
               n->designed, n->predicted, n->stream.interval, 100 * (double)n->starved / all,
               100 * (double)n->blocked / all);
    }
}

static void show_hang(ss_cli *cli, const ss_verification *v, const ss_verified_partition *p) {
    ss_say(cli, "    hangs: no word moved any more at cycle %lld; %lld of %lld words in, %lld of %lld out\n",
           (long long)p->cycles, (long long)p->in_words, (long long)p->in_wanted, (long long)p->output.words,
           (long long)p->output.wanted);
    ss_say(cli, "    %-30s %-8s %-8s %12s %12s\n", "node", "op", "state", "words", "of");
    for (int32_t i = 0; i < p->n_nodes; i++) {
        const ss_verified_node *n = &p->nodes[i];
        const ss_node *node = &v->g->nodes[n->node];
        ss_say(cli, "    %-30.30s %-8s %-8s %12lld %12lld\n", node->name, ss_op_name(node->op), n->state,
               (long long)n->stream.words, (long long)n->stream.wanted);
    }
}

static void show_difference(ss_cli *cli, const ss_verification *v, const ss_verified_partition *p) {
    int64_t elements = 0, layers = 0, surplus = p->output.surplus;
    for (int32_t i = 0; i < p->n_nodes; i++) {
        elements += p->nodes[i].stream.mismatches;
        layers += p->nodes[i].stream.mismatches > 0;
        surplus += p->nodes[i].stream.surplus;
    }
    const ss_verified_node *n = ss_verified_culprit(p);
    const char *name = n ? v->g->nodes[n->node].name : "the output stream";
    const ss_stream_result *r = n ? &n->stream : &p->output;
    if (r->mismatches)
        ss_say(cli,
               "    first difference: %s, image %lld, row %lld, column %lld, channel %lld: expected %d, got "
               "%d\n",
               name, (long long)r->first.image, (long long)r->first.row, (long long)r->first.column,
               (long long)r->first.channel, r->first.expected, r->first.got);
    if (elements)
        ss_say(cli, "    %lld elements of %lld nodes differ\n", (long long)elements, (long long)layers);
    if (surplus)
        ss_say(cli, "    %lld words too many or with a misplaced end of image\n", (long long)surplus);
}

static void show_partition(ss_cli *cli, const ss_verification *v, const ss_verified_partition *p,
                           bool brief) {
    int64_t words = p->output.words;
    for (int32_t i = 0; i < p->n_nodes; i++) words += p->nodes[i].stream.words;
    ss_say(cli, "%s: %s .. %s: %s, %lld words of %d nodes compared\n", p->top, v->g->nodes[p->first].name,
           v->g->nodes[p->last].name,
           p->good   ? "exact"
           : p->hang ? "HANGS"
                     : "DIFFERS",
           (long long)words, p->n_nodes);
    if (!p->good) show_difference(cli, v, p);
    if (p->hang) show_hang(cli, v, p);
    if (!p->hang && !v->backpressure) {
        show_cycles(cli, "interval", &p->interval);
        show_cycles(cli, "latency", &p->latency);
    }
    if (!p->hang && !v->backpressure && !brief) show_nodes(cli, v, p);
    ss_say(cli, "    control registers: %lld cycles, %lld images in, %lld out\n",
           (long long)p->counted_cycles, (long long)p->images_in, (long long)p->images_out);
    ss_say(cli, "    simulated %lld cycles in %.2f s (%.0f a second), built in %.1f s\n",
           (long long)p->cycles, p->run_seconds, p->run_seconds > 0 ? (double)p->cycles / p->run_seconds : 0,
           p->build_seconds);
}

void ss_show_verification(ss_cli *cli, const ss_verification *v, bool brief) {
    for (int32_t i = 0; i < v->n_partitions; i++) show_partition(cli, v, &v->partitions[i], brief);
    ss_say(cli, "%s: %lld images%s\n", v->good ? "bit-exact" : "NOT exact", (long long)v->images,
           v->backpressure ? ", both ends stalled at random" : "");
}
