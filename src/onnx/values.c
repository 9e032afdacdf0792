/* Values: every name of the file in one table, and the order in which nodes are worked on.
 *
 * The order is the file's own wherever that is legal (producers first); a file in another order is sorted.
 * Nodes that the output does not need are left out. Both come from one depth-first walk with its own stack,
 * so that a hostile file can exhaust neither; the same walk finds cycles and inputs that nothing makes. */
#include "onnx/import.h"

#include <string.h>

ss_value *ss_value_of(const ss_importer *im, const char *name) {
    int32_t k = ss_names_get(&im->value_of, name);
    return k < 0 ? NULL : &im->values[k];
}

/* ---- the table ---- */

static ss_status add_value(ss_importer *im, const char *name, ss_value v) {
    if (ss_names_get(&im->value_of, name) >= 0)
        return ss_error(im->ctx, SS_AT(ss_clean_text(im, name)),
                        "the file breaks the ONNX rules; export it again",
                        "two nodes or constants make this value");
    if (!ss_names_put(&im->value_of, name, im->n_values)) return SS_BAD;
    v.name = name;
    im->values[im->n_values++] = v;
    return SS_OK;
}

static ss_status add_initialisers(ss_importer *im, const Onnx__GraphProto *gp) {
    ss_status status = SS_OK;
    for (size_t k = 0; k < gp->n_initializer; k++) {
        const Onnx__TensorProto *t = gp->initializer[k];
        if (t->name && *t->name &&
            add_value(im, t->name, (ss_value){ .kind = SS_VALUE_INIT, .init = t, .producer = -1 }) != SS_OK)
            status = SS_BAD;
    }
    if (gp->n_sparse_initializer)
        status = ss_error(im->ctx, SS_AT(im->g->name), "export dense weights",
                          "sparse initialisers are not supported");
    return status;
}

static ss_status add_outputs(ss_importer *im, const Onnx__GraphProto *gp) {
    ss_status status = SS_OK;
    for (size_t n = 0; n < gp->n_node; n++)
        for (size_t k = 0; k < gp->node[n]->n_output; k++)
            if (*gp->node[n]->output[k] &&
                add_value(im, gp->node[n]->output[k], (ss_value){ .producer = (int32_t)n }) != SS_OK)
                status = SS_BAD;
    return status;
}

/* Initialisers may be listed among the inputs; what is left are the real ones. */
static ss_status add_inputs(ss_importer *im, const Onnx__GraphProto *gp) {
    ss_status status = SS_OK;
    for (size_t k = 0; k < gp->n_input; k++) {
        const char *name = gp->input[k]->name;
        const ss_value *known = name ? ss_value_of(im, name) : NULL;
        if (!name || !*name || (known && known->kind == SS_VALUE_INIT)) continue;
        if (add_value(im, name, (ss_value){ .producer = -1, .info = gp->input[k] }) != SS_OK) status = SS_BAD;
    }
    return status;
}

ss_status ss_values_collect(ss_importer *im) {
    const Onnx__GraphProto *gp = im->model->graph;
    size_t cap = gp->n_initializer + gp->n_input;
    for (size_t n = 0; n < gp->n_node; n++) cap += gp->node[n]->n_output;
    im->values = ss_alloc(im->ctx, cap, sizeof *im->values);
    if (!im->values) return SS_BAD;
    ss_status status = add_initialisers(im, gp);
    if (add_inputs(im, gp) != SS_OK) status = SS_BAD;
    if (add_outputs(im, gp) != SS_OK) status = SS_BAD;
    for (size_t k = 0; k < gp->n_value_info; k++) {
        ss_value *v = gp->value_info[k]->name ? ss_value_of(im, gp->value_info[k]->name) : NULL;
        if (v) v->info = gp->value_info[k];
    }
    return status;
}

/* ---- order ---- */

enum { NEW, OPEN, DONE };

typedef struct frame {
    int32_t node;
    size_t next; /* input to look at */
} frame;

typedef struct walk {
    ss_importer *im;
    uint8_t *mark; /* NEW, OPEN, DONE per node */
    frame *stack;  /* at most one frame per node */
    int32_t depth;
    int32_t *order; /* or NULL */
    int32_t n_order;
    bool bad;
} walk;

static ss_where at_node(const walk *w, int32_t node) {
    return (ss_where){ w->im->rows[node].name, w->im->rows[node].op, NULL };
}

/* One input of the node on top: open its producer if that is new. */
static void follow(walk *w, int32_t node, const char *input) {
    if (!*input) return;
    ss_value *v = ss_value_of(w->im, input);
    if (!v) {
        w->bad = true;
        ss_error(w->im->ctx, at_node(w, node), "the file breaks the ONNX rules; export it again",
                 "reads \"%.200s\", which nothing makes", ss_clean_text(w->im, input));
        return;
    }
    if (!w->order) v->readers++; /* counted in the first walk only */
    if (v->producer < 0 || w->mark[v->producer] == DONE) return;
    if (w->mark[v->producer] == OPEN) {
        w->bad = true;
        ss_error(w->im->ctx, at_node(w, node), "the file breaks the ONNX rules; export it again",
                 "its input depends on its own output");
        return;
    }
    w->mark[v->producer] = OPEN;
    w->stack[w->depth++] = (frame){ v->producer, 0 };
}

static void visit(walk *w, int32_t root) {
    if (w->mark[root] != NEW) return;
    w->mark[root] = OPEN;
    w->stack[w->depth++] = (frame){ root, 0 };
    while (w->depth > 0) {
        frame *top = &w->stack[w->depth - 1];
        const Onnx__NodeProto *p = w->im->model->graph->node[top->node];
        if (top->next < p->n_input) {
            follow(w, top->node, p->input[top->next++]);
            continue;
        }
        w->mark[top->node] = DONE;
        if (w->order) w->order[w->n_order++] = top->node;
        w->depth--;
    }
}

ss_status ss_values_order(ss_importer *im) {
    size_t n = im->model->graph->n_node;
    walk w = { .im = im };
    w.mark = ss_alloc(im->ctx, n, 1);
    w.stack = ss_alloc(im->ctx, n, sizeof *w.stack);
    uint8_t *live = ss_alloc(im->ctx, n, 1);
    im->order = ss_alloc(im->ctx, n, sizeof *im->order);
    w.bad = !w.mark || !w.stack || !live || !im->order;
    int32_t root = im->values[im->output].producer;
    if (!w.bad && root >= 0) visit(&w, root);
    if (!w.bad && n) {
        memcpy(live, w.mark, n);
        memset(w.mark, NEW, n);
        w.order = im->order;
        for (size_t k = 0; k < n; k++)
            if (live[k] == DONE) visit(&w, (int32_t)k);
    }
    im->n_order = w.n_order;
    im->values[im->output].readers++;
    ss_free(im->ctx, w.mark);
    ss_free(im->ctx, w.stack);
    ss_free(im->ctx, live);
    return w.bad ? SS_BAD : SS_OK;
}
