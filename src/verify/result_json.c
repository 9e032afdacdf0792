/* The result of a verification as JSON, for --json. */
#include "verify/parts.h"

static json_t *mismatch_json(const ss_mismatch *m) {
    return json_pack("{s:I,s:I,s:I,s:I,s:i,s:i}", "image", (json_int_t)m->image, "row", (json_int_t)m->row,
                     "column", (json_int_t)m->column, "channel", (json_int_t)m->channel, "expected",
                     (int)m->expected, "got", (int)m->got);
}

static void add_stream(json_t *to, const ss_stream_result *r) {
    json_object_set_new(to, "words", json_integer(r->words));
    json_object_set_new(to, "words_wanted", json_integer(r->wanted));
    json_object_set_new(to, "words_surplus", json_integer(r->surplus));
    json_object_set_new(to, "mismatches", json_integer(r->mismatches));
    if (r->mismatches) json_object_set_new(to, "first_mismatch", mismatch_json(&r->first));
    if (r->interval > 0) json_object_set_new(to, "interval", json_real(r->interval));
}

static json_t *node_json(const ss_graph *g, const ss_verified_node *n) {
    json_t *j = json_pack("{s:s,s:s,s:s,s:f,s:f,s:I,s:I}", "name", g->nodes[n->node].name, "op",
                          ss_op_name(g->nodes[n->node].op), "instance", n->instance, "cycles_designed",
                          n->designed, "cycles_predicted", n->predicted, "starved", (json_int_t)n->starved,
                          "blocked", (json_int_t)n->blocked);
    if (j && *n->state) json_object_set_new(j, "state", json_string(n->state));
    if (j) add_stream(j, &n->stream);
    return j;
}

static json_t *cycles_json(const ss_cycles *c, bool compare) {
    if (!compare || !(c->measured > 0)) return json_null();
    return json_pack("{s:f,s:f,s:f,s:f,s:f}", "measured", c->measured, "designed", c->designed, "predicted",
                     c->predicted, "over_designed_percent", 100 * (c->measured / c->designed - 1),
                     "over_predicted_percent", 100 * (c->measured / c->predicted - 1));
}

static json_t *partition_json(const ss_verification *v, const ss_verified_partition *p) {
    json_t *nodes = json_array(), *output = json_object();
    const ss_verified_node *culprit = ss_verified_culprit(p);
    for (int32_t i = 0; i < p->n_nodes; i++) json_array_append_new(nodes, node_json(v->g, &p->nodes[i]));
    if (output) add_stream(output, &p->output);
    json_t *j = json_pack(
        "{s:s,s:b,s:b,s:o,s:o,s:I,s:{s:I,s:I,s:I},s:f,s:f,s:f,s:o,s:o}", "top", p->top, "exact", (int)p->good,
        "hang", (int)p->hang, "interval", cycles_json(&p->interval, !v->backpressure), "latency",
        cycles_json(&p->latency, !v->backpressure), "cycles", (json_int_t)p->cycles, "counters", "cycles",
        (json_int_t)p->counted_cycles, "images_in", (json_int_t)p->images_in, "images_out",
        (json_int_t)p->images_out, "build_seconds", p->build_seconds, "run_seconds", p->run_seconds,
        "cycles_per_second", p->run_seconds > 0 ? (double)p->cycles / p->run_seconds : 0.0, "output", output,
        "nodes", nodes);
    if (j && culprit)
        json_object_set_new(j, "first_mismatch_node", json_string(v->g->nodes[culprit->node].name));
    return j;
}

json_t *ss_verification_json(const ss_verification *v) {
    json_t *list = json_array();
    for (int32_t i = 0; list && i < v->n_partitions; i++)
        json_array_append_new(list, partition_json(v, &v->partitions[i]));
    return json_pack("{s:b,s:I,s:b,s:o}", "exact", (int)v->good, "images", (json_int_t)v->images,
                     "backpressure", (int)v->backpressure, "partitions", list);
}
