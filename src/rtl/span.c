/* Where a run of nodes begins and ends: the tensor that comes in and the one that goes out. */
#include "rtl/gen.h"

#include <string.h>

int32_t ss_rtl_partition_of(const ss_design *d, int32_t node) {
    for (int32_t i = 0; i < d->n_partitions; i++)
        if (node <= d->partitions[i].last) return i;
    return -1;
}

/* ---- the tensors that cross ---- */

typedef bool crossing_fn(const ss_graph *g, const ss_rtl_part *p, int32_t tensor);

/* Appends the names of those of nodes lo..hi that `crosses` says yes to; returns how many, and the last of
 * them. */
static int find(const ss_graph *g, const ss_rtl_part *p, crossing_fn *crosses, int32_t lo, int32_t hi,
                ss_buf *names, int32_t *last) {
    int found = 0;
    for (int32_t t = lo; t <= hi; t++) {
        if (!crosses(g, p, t)) continue;
        ss_buf_printf(names, "%s\"%s\"", found++ ? ", " : "", g->nodes[t].name);
        *last = t;
    }
    return found;
}

static bool reads(const ss_graph *g, int32_t lo, int32_t hi, int32_t tensor) {
    for (int32_t i = lo; i <= hi; i++)
        for (int32_t k = 0; k < g->nodes[i].n_in; k++)
            if (g->nodes[i].in[k] == tensor) return true;
    return false;
}

static bool comes_in(const ss_graph *g, const ss_rtl_part *p, int32_t tensor) {
    return reads(g, p->first, p->last, tensor);
}

static bool goes_out(const ss_graph *g, const ss_rtl_part *p, int32_t tensor) {
    return tensor == g->output || reads(g, p->last + 1, g->n - 1, tensor);
}

static ss_status not_one(ss_ctx *ctx, const ss_graph *g, const ss_rtl_part *p, int n, const char *what,
                         const ss_buf *names) {
    return ss_error(ctx, SS_AT(g->nodes[p->first].name), "choose nodes with one tensor in and one out",
                    "%d tensors %s nodes \"%s\" to \"%s\": %s", n, what, g->nodes[p->first].name,
                    g->nodes[p->last].name, names->data ? names->data : "none");
}

ss_status ss_rtl_find_ends(ss_ctx *ctx, const ss_graph *g, ss_rtl_part *p) {
    ss_buf names;
    ss_status s = SS_OK;
    ss_buf_init(&names, ctx);
    p->input = 0;
    int in = p->first == 0 ? 1 : find(g, p, comes_in, 0, p->first - 1, &names, &p->input);
    if (in != 1) s = not_one(ctx, g, p, in, "go into", &names);
    if (names.failed) s = SS_BAD;
    ss_buf_free(&names);
    int out = find(g, p, goes_out, p->first, p->last, &names, &p->output);
    if (out != 1) s = not_one(ctx, g, p, out, "come out of", &names);
    if (names.failed) s = SS_BAD;
    ss_buf_free(&names);
    if (s != SS_OK) return s;
    p->output = ss_rtl_source(g, p->output);
    if (p->output >= p->first) return SS_OK;
    return ss_error(ctx, SS_AT(g->nodes[p->last].name), "add the node before it", "is nothing but a wire");
}

/* ---- --span ---- */

static int32_t find_node(ss_ctx *ctx, const ss_graph *g, const char *name, size_t len) {
    for (int32_t i = 0; i < g->n; i++)
        if (strlen(g->nodes[i].name) == len && memcmp(g->nodes[i].name, name, len) == 0) return i;
    ss_error(ctx, (ss_where){ "span", NULL, NULL }, "see the nodes with `skipstream check MODEL`",
             "the model has no node \"%.*s\"", (int)(len < 200 ? len : 200), name);
    return -1;
}

/* Names may hold dots themselves: the first ".." that has a node's name before it divides. */
static const char *divider(const ss_graph *g, const char *text) {
    const char *first = strstr(text, "..");
    for (const char *at = first; at; at = strstr(at + 1, "..")) {
        for (int32_t i = 0; i < g->n; i++)
            if (strlen(g->nodes[i].name) == (size_t)(at - text) &&
                strncmp(g->nodes[i].name, text, (size_t)(at - text)) == 0)
                return at;
    }
    return first;
}

ss_status ss_rtl_span(ss_ctx *ctx, const ss_graph *g, const ss_design *d, const char *text,
                      ss_rtl_opts *opts) {
    const char *dots = ss_graph_find(g, text) >= 0 ? NULL : divider(g, text);
    int32_t first = find_node(ctx, g, text, dots ? (size_t)(dots - text) : strlen(text));
    int32_t last = dots ? find_node(ctx, g, dots + 2, strlen(dots + 2)) : first;
    if (first < 0 || last < 0) return SS_BAD;
    if (first > last)
        return ss_error(ctx, SS_AT("span"), "name the earlier node first",
                        "\"%s\" stands before \"%s\" in the network", g->nodes[last].name,
                        g->nodes[first].name);
    int32_t a = ss_rtl_partition_of(d, first), b = ss_rtl_partition_of(d, last);
    if (a != b)
        return ss_error(ctx, SS_AT("span"), "choose nodes of one partition",
                        "\"%s\" lies in partition %d, \"%s\" in partition %d", g->nodes[first].name, a + 1,
                        g->nodes[last].name, b + 1);
    ss_rtl_part part = { .first = first, .last = last };
    if (ss_rtl_find_ends(ctx, g, &part) != SS_OK) return SS_BAD;
    opts->first = first;
    opts->last = last;
    return SS_OK;
}
