/* The verifier: every invariant of graph.h, checked after each pass.
 *
 * It trusts nothing: indices are checked before they are followed, shapes are inferred anew and compared, names are
 * compared by sorting. Cost: O(n log n). */
#include "graph/graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct check {
    const ss_graph *g;
    const char *pass; /* NULL: as imported */
    bool bad;
} check;

static void broken(check *c, const ss_node *n, const char *fmt, ...) SS_PRINTF(3, 4);

static void broken(check *c, const ss_node *n, const char *fmt, ...) {
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    c->bad = true;
    ss_where at = { n && n->name ? n->name : c->g->name, n ? ss_op_name(n->op) : NULL, NULL };
    ss_error(c->g->ctx, at, "export the network again, or report the model that shows this", "after %s: %s",
             c->pass ? c->pass : "reading", text);
}

bool ss_op_takes_act(ss_op op) {
    return op == SS_OP_CONV || op == SS_OP_RELU || op == SS_OP_ADD || op == SS_OP_CONCAT || op == SS_OP_MAXPOOL ||
           op == SS_OP_AVGPOOL;
}

static bool is_threshold(float t) { return isfinite(t) && t >= 0; }

static void check_act(check *c, const ss_node *n) {
    const ss_act *a = &n->act;
    if (n->op == SS_OP_RELU && !a->on) broken(c, n, "a ReLU without activation");
    if (!a->on) return;
    if (!ss_op_takes_act(n->op)) broken(c, n, "an activation where none can be");
    if (!a->name || !*a->name) broken(c, n, "an activation without a name");
    if (!is_threshold(a->threshold)) broken(c, n, "the threshold %g is not a number >= 0", (double)a->threshold);
    if (!(a->ceiling > 0)) broken(c, n, "the ceiling %g is not above 0", (double)a->ceiling);
    for (int32_t i = 0; a->per_channel && i < n->shape.c; i++)
        if (!is_threshold(a->per_channel[i])) {
            broken(c, n, "the threshold %g of channel %d is not a number >= 0", (double)a->per_channel[i], i);
            return;
        }
}

/* Infinities and NaNs have all exponent bits set. The first loop has no exit, so that it vectorises. */
static void check_values(check *c, const ss_node *n, const char *what, const float *v, int64_t count) {
    uint32_t any = 0;
    for (int64_t i = 0; v && i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &v[i], sizeof bits);
        any |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    for (int64_t i = 0; any && i < count; i++)
        if (!isfinite(v[i])) {
            broken(c, n, "%s %lld is %g", what, (long long)i, (double)v[i]);
            return;
        }
}

static void check_weights(check *c, const ss_node *n) {
    bool weighted = n->op == SS_OP_CONV || n->op == SS_OP_BATCHNORM;
    if (!weighted && (n->weights || n->bias)) broken(c, n, "weights where none can be");
    if (weighted && !n->weights && !c->g->structure_only) broken(c, n, "no weights");
    if (!weighted) return;
    check_values(c, n, "weight", n->weights, n->op == SS_OP_CONV ? ss_node_weight_count(c->g, n) : n->shape.c);
    check_values(c, n, "bias", n->bias, n->shape.c);
}

static void check_node(check *c, int32_t i) {
    const ss_node *n = &c->g->nodes[i];
    if (!n->name || !*n->name) broken(c, n, "node %d has no name", i);
    if ((n->op == SS_OP_INPUT) != (i == 0)) broken(c, n, "node 0 alone must be the input, this is node %d", i);
    ss_node again = *n;
    char was[40], is[40];
    for (int32_t k = 0; k < n->n_in && k < SS_MAX_INPUTS; k++)
        if (n->in[k] >= i) {
            broken(c, n, "node %d reads node %d, which is not before it", i, n->in[k]);
            return;
        }
    if (ss_graph_infer_shape(c->g, &again) != SS_OK) {
        broken(c, n, "the shape does not follow from the inputs");
        return;
    }
    ss_shape_text(n->shape, was);
    ss_shape_text(again.shape, is);
    if (strcmp(was, is) != 0) {
        broken(c, n, "the shape is %s; from the inputs follows %s", was, is);
        return;
    }
    check_weights(c, n);
    check_act(c, n);
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Node names are unique; so are activation names, which are keys of threshold files. */
static void check_unique(check *c, bool acts) {
    const ss_graph *g = c->g;
    const char **names = ss_alloc(g->ctx, (size_t)g->n, sizeof *names);
    if (!names) {
        c->bad = true;
        return;
    }
    size_t n = 0;
    for (int32_t i = 0; i < g->n; i++) {
        const char *name = !acts ? g->nodes[i].name : g->nodes[i].act.on ? g->nodes[i].act.name : NULL;
        if (name) names[n++] = name;
    }
    qsort(names, n, sizeof *names, by_text);
    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i], names[i - 1]) == 0)
            broken(c, NULL, "two %s are called \"%s\"", acts ? "activations" : "nodes", names[i]);
    ss_free(g->ctx, names);
}

/* Every node has inputs that lead to node 0; what must be looked for is nodes that nothing reads. */
static void check_reach(check *c) {
    const ss_graph *g = c->g;
    bool *read = ss_alloc(g->ctx, (size_t)g->n, sizeof *read);
    if (!read) {
        c->bad = true;
        return;
    }
    read[g->output] = true;
    for (int32_t i = g->n - 1; i >= 0; i--)
        for (int32_t k = 0; read[i] && k < g->nodes[i].n_in; k++) read[g->nodes[i].in[k]] = true;
    for (int32_t i = 0; i < g->n; i++)
        if (!read[i]) broken(c, &g->nodes[i], "does not reach the output");
    ss_free(g->ctx, read);
}

ss_status ss_graph_verify(const ss_graph *g, const char *after_pass) {
    check c = { .g = g, .pass = after_pass };
    if (g->n < 1) {
        broken(&c, NULL, "the graph is empty");
        return SS_BAD;
    }
    for (int32_t i = 0; i < g->n; i++) check_node(&c, i);
    check_unique(&c, false);
    check_unique(&c, true);
    if (g->output < 0 || g->output >= g->n) broken(&c, NULL, "there is no output node");
    else if (!c.bad && after_pass) check_reach(&c);
    return c.bad ? SS_BAD : SS_OK;
}
