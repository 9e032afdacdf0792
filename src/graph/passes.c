/* Passes: from the graph as imported to the canonical form of graph.h.
 *
 * Each pass is one function over the nodes in topological order. A pass never inserts or reorders nodes: it rewrites
 * them in place, lets readers bypass what has become superfluous (`forward`), and the runner then applies the
 * forwarding, sweeps out unread nodes, verifies, and calls the hook. So every pass stays a few lines and leaves
 * a compact graph in topological order.
 *
 * All rewrites are exact in real arithmetic; folding BatchNorm rounds each weight once, from double. */
#include "graph/graph.h"

#include <math.h>

/* What a pass works with. forward[i] == i: node i stands for itself, else readers shall read forward[i] instead. */
typedef struct work {
    ss_graph *g;
    int32_t *readers; /* inputs that read the node, +1 for the output; as of the start of the pass */
    int32_t *forward;
} work;

static bool work_open(work *w, ss_graph *g) {
    *w = (work){ .g = g };
    w->readers = ss_alloc(g->ctx, (size_t)g->n, sizeof *w->readers);
    w->forward = ss_alloc(g->ctx, (size_t)g->n, sizeof *w->forward);
    if (!w->readers || !w->forward) return false;
    for (int32_t i = 0; i < g->n; i++) {
        w->forward[i] = i;
        for (int32_t k = 0; k < g->nodes[i].n_in; k++) w->readers[g->nodes[i].in[k]]++;
    }
    w->readers[g->output]++;
    return true;
}

static void work_close(work *w) {
    ss_free(w->g->ctx, w->readers);
    ss_free(w->g->ctx, w->forward);
}

/* Readers of `node` shall read `by`, an earlier node, instead; by inherits them. */
static void bypass(work *w, int32_t node, int32_t by) {
    w->forward[node] = by;
    w->readers[by] += w->readers[node] - 1;
}

/* The node's inputs with the forwarding of this pass applied. */
static ss_node *current(work *w, int32_t i) {
    ss_node *n = &w->g->nodes[i];
    for (int32_t k = 0; k < n->n_in; k++) n->in[k] = w->forward[n->in[k]];
    return n;
}

/* ---- flatten-fc ---- */

static bool is_flat(ss_shape s) { return s.h == 1 && s.w == 1; }

/* ONNX flattens channel-major, so weights [f][c*h*w] are, unmoved, weights [f][c][h][w]. */
static void read_map(ss_node *fc, int32_t map, ss_shape s) {
    fc->in[0] = map;
    fc->win.kh = s.h;
    fc->win.kw = s.w;
}

/* flatten(relu(x)) == relu(flatten(x)): the ReLU moves in front, into the flatten's place, and fuses later. */
static void swap_with_relu(ss_graph *g, int32_t flatten, int32_t relu) {
    ss_node f = g->nodes[flatten], r = g->nodes[relu];
    r.in[0] = f.in[0];
    f.in[0] = flatten;
    r.shape = ss_graph_in_shape(g, &r);
    g->nodes[flatten] = r;
    g->nodes[relu] = f;
}

static ss_status flatten_fc(work *w) {
    ss_graph *g = w->g;
    for (int32_t i = 1; i < g->n; i++) {
        ss_node *n = current(w, i);
        ss_shape in = ss_graph_in_shape(g, n);
        const ss_node *from = &g->nodes[n->in[0]];
        if (n->op == SS_OP_FLATTEN && is_flat(in)) {
            bypass(w, i, n->in[0]);
        } else if (n->op == SS_OP_RELU && from->op == SS_OP_FLATTEN && w->readers[n->in[0]] == 1 &&
                   !n->act.per_channel) {
            swap_with_relu(g, n->in[0], i);
        } else if (n->op == SS_OP_CONV && n->fc && from->op == SS_OP_FLATTEN && n->groups == 1) {
            read_map(n, from->in[0], ss_graph_in_shape(g, from));
        }
    }
    return SS_OK;
}

/* ---- fold-batchnorm: y = scale*x + bias ---- */

static float *scaled(const ss_graph *g, const float *v, int64_t channels, int64_t each, const float *scale,
                     const float *add) {
    float *out = ss_arena_alloc(g->arena, (size_t)(channels * each), sizeof *out);
    for (int64_t c = 0; out && c < channels; c++)
        for (int64_t i = 0; i < each; i++) {
            double x = v ? (double)v[c * each + i] : 0;
            out[c * each + i] = (float)(x * (double)scale[c] + (add ? (double)add[c] : 0));
        }
    return out;
}

static ss_status fold_into_conv(const ss_graph *g, ss_node *conv, const ss_node *bn) {
    if (!conv->weights || !bn->weights) return SS_OK; /* structure only */
    int32_t f = conv->shape.c;
    const float *weights = scaled(g, conv->weights, f, ss_node_weight_count(g, conv) / f, bn->weights, NULL);
    const float *bias = conv->bias || bn->bias ? scaled(g, conv->bias, f, 1, bn->weights, bn->bias) : NULL;
    if (!weights || (!bias && (conv->bias || bn->bias))) return SS_BAD;
    conv->weights = weights;
    conv->bias = bias;
    return SS_OK;
}

/* A scale and a bias per channel are a depthwise 1x1 convolution; [c] is [c][1][1][1] already. */
static void become_depthwise(ss_node *bn) {
    bn->op = SS_OP_CONV;
    bn->groups = bn->shape.c;
    bn->win = (ss_window){ .kh = 1, .kw = 1, .sh = 1, .sw = 1 };
}

static ss_status fold_batchnorm(work *w) {
    ss_graph *g = w->g;
    for (int32_t i = 1; i < g->n; i++) {
        ss_node *n = current(w, i);
        if (n->op != SS_OP_BATCHNORM) continue;
        ss_node *from = &g->nodes[n->in[0]];
        if (from->op == SS_OP_CONV && !from->act.on && w->readers[n->in[0]] == 1) {
            if (fold_into_conv(g, from, n) != SS_OK) return SS_BAD;
            bypass(w, i, n->in[0]);
        } else {
            become_depthwise(n);
        }
    }
    return SS_OK;
}

/* ---- merge-slices ---- */

/* Rows to cut at the end so that `count` rows remain of `size` from offset `at` in steps of `step`. */
static int32_t tail(int32_t size, int64_t at, int64_t step, int32_t count) {
    int64_t cut = size - at - step * count;
    return cut > 0 ? (int32_t)cut : 0;
}

/* x[o1 + s1*(o2 + s2*i)]: offsets and strides compose; the output shape stays what it was. Always exact. */
static ss_status merge_slices(work *w) {
    ss_graph *g = w->g;
    for (int32_t i = 1; i < g->n; i++) {
        ss_node *n = current(w, i);
        const ss_node *from = &g->nodes[n->in[0]];
        if (n->op != SS_OP_SLICE || from->op != SS_OP_SLICE || w->readers[n->in[0]] != 1) continue;
        ss_shape in = ss_graph_in_shape(g, from);
        const ss_window a = from->win;
        ss_window *b = &n->win;
        int64_t pt = a.pt + (int64_t)a.sh * b->pt, pl = a.pl + (int64_t)a.sw * b->pl;
        int64_t sh = (int64_t)a.sh * b->sh, sw = (int64_t)a.sw * b->sw;
        if (sh > SS_MAX_DIM || sw > SS_MAX_DIM) continue;
        *b = (ss_window){ .sh = (int32_t)sh, .sw = (int32_t)sw, .pt = (int32_t)pt, .pl = (int32_t)pl,
                          .pb = tail(in.h, pt, sh, n->shape.h), .pr = tail(in.w, pl, sw, n->shape.w) };
        n->in[0] = from->in[0];
    }
    return SS_OK;
}

/* ---- remove-identities ---- */

static bool same_shape(ss_shape a, ss_shape b) { return a.c == b.c && a.h == b.h && a.w == b.w; }

static bool is_identity(const ss_graph *g, const ss_node *n) {
    if (n->act.on || n->n_in != 1 || !same_shape(n->shape, ss_graph_in_shape(g, n))) return false;
    switch (n->op) {
    case SS_OP_MAXPOOL:
    case SS_OP_AVGPOOL: return n->win.kh == 1 && n->win.kw == 1; /* same shape: stride 1 or a single pixel */
    case SS_OP_SLICE:
    case SS_OP_CHANPAD:
    case SS_OP_CONCAT:
    case SS_OP_FLATTEN: return true;
    default: return false;
    }
}

static ss_status remove_identities(work *w) {
    for (int32_t i = 1; i < w->g->n; i++) {
        ss_node *n = current(w, i);
        if (is_identity(w->g, n)) bypass(w, i, n->in[0]);
    }
    return SS_OK;
}

/* ---- fuse-relu ---- */

/* relu_b(relu_a(x)) as one: min(x, ca) > tb exactly when x > tb, as long as ca > tb. */
static bool combine_acts(ss_act *a, const ss_act *b) {
    if (a->per_channel || b->per_channel || !(a->ceiling > b->threshold)) return false;
    a->threshold = fmaxf(a->threshold, b->threshold);
    a->ceiling = fminf(a->ceiling, b->ceiling);
    return true;
}

static ss_status fuse_relu(work *w) {
    ss_graph *g = w->g;
    for (int32_t i = 1; i < g->n; i++) {
        ss_node *n = current(w, i);
        if (n->op != SS_OP_RELU || w->readers[n->in[0]] != 1) continue;
        ss_node *from = &g->nodes[n->in[0]];
        if (!ss_op_takes_act(from->op)) continue;
        if (from->act.on && !combine_acts(&from->act, &n->act)) continue;
        if (!from->act.on) from->act = n->act;
        bypass(w, i, n->in[0]);
    }
    return SS_OK;
}

/* ---- dead code ---- */

ss_status ss_graph_sweep(ss_graph *g) {
    int32_t *place = ss_alloc(g->ctx, (size_t)g->n, sizeof *place);
    if (!place) return SS_BAD;
    place[g->output] = place[0] = 1;
    for (int32_t i = g->n - 1; i >= 0; i--)
        for (int32_t k = 0; place[i] && k < g->nodes[i].n_in; k++) place[g->nodes[i].in[k]] = 1;
    int32_t kept = 0;
    for (int32_t i = 0; i < g->n; i++) {
        if (!place[i]) continue;
        place[i] = kept;
        ss_node n = g->nodes[i];
        for (int32_t k = 0; k < n.n_in; k++) n.in[k] = place[n.in[k]];
        g->nodes[kept++] = n;
    }
    g->output = place[g->output];
    g->n = kept;
    ss_free(g->ctx, place);
    return SS_OK;
}

/* ---- the runner ---- */

const char *const ss_pass_names[] = { "dead-code",    "flatten-fc",        "fold-batchnorm",
                                      "merge-slices", "remove-identities", "fuse-relu",
                                      NULL };

typedef ss_status (*pass_fn)(work *w);

/* In the order of ss_pass_names. NULL: the sweep alone. */
static const pass_fn passes[] = { NULL, flatten_fc, fold_batchnorm, merge_slices, remove_identities, fuse_relu };

#define N_PASSES (sizeof passes / sizeof passes[0])
_Static_assert(sizeof ss_pass_names / sizeof ss_pass_names[0] == N_PASSES + 1, "every pass has a name");

static ss_status run_pass(ss_graph *g, pass_fn fn) {
    if (!fn) return ss_graph_sweep(g);
    work w;
    ss_status s = work_open(&w, g) ? fn(&w) : SS_BAD;
    if (s == SS_OK) g->output = w.forward[g->output];
    work_close(&w);
    return s == SS_OK ? ss_graph_sweep(g) : SS_BAD;
}

/* What the passes could not bring into the canonical form is the user's to know. */
static ss_status check_canonical(const ss_graph *g) {
    ss_status s = SS_OK;
    char shape[40];
    for (int32_t i = 0; i < g->n; i++)
        for (int32_t k = 0; k < g->nodes[i].n_in; k++) {
            const ss_node *n = &g->nodes[i], *from = &g->nodes[n->in[k]];
            if (from->op != SS_OP_FLATTEN) continue;
            ss_shape_text(ss_graph_in_shape(g, from), shape);
            s = ss_error(g->ctx, (ss_where){ n->name, n->onnx_op, shape },
                         "put a pool, a fully connected layer or nothing behind the flatten",
                         "reads a flattened map (%s); only fully connected layers can", from->name);
        }
    return s;
}

ss_status ss_passes_run(ss_graph *g, ss_pass_hook hook, void *user) {
    if (ss_graph_verify(g, NULL) != SS_OK) return SS_BAD;
    for (size_t i = 0; i < N_PASSES; i++) {
        if (run_pass(g, passes[i]) != SS_OK || ss_graph_verify(g, ss_pass_names[i]) != SS_OK) return SS_BAD;
        if (hook) hook(user, ss_pass_names[i], g);
    }
    return check_canonical(g);
}
