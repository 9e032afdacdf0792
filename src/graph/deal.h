/* deal: the order of the channels of a network's tensors.
 *
 * A tensor's channels may stand in any order, as long as whoever makes them and whoever reads them agree. To deal a
 * graph is to put them into another order: filters, biases and thresholds per channel follow their tensor, weights
 * follow their input. The dealt graph computes the same function; every integer in it is an integer of the model, in
 * another place. Its input and its output stay as they are.
 *
 * Orders are given for each node: order[p] is the model's own channel that stands at position p; NULL is the model's
 * order. What ties them (ss_orders_check): the input and the output of the network keep their order; ReLUs, pools,
 * slices and additions have their inputs' order; a concatenation keeps its parts in their places; the channels of a
 * channel pad's input stay in the middle; a grouped convolution keeps its groups together.
 *
 * A dealt graph remembers: node->order, and g->identity, so that ss_graph_hash is still the model's. Threshold files
 * and exported models are in the model's own order always.
 */
#ifndef SS_DEAL_H
#define SS_DEAL_H

#include "base/json.h"
#include "graph/graph.h"

/* A zeroed one is the model's own order of any graph. */
typedef struct ss_orders {
    int32_t n;          /* nodes of the graph; 0: all in their own order */
    const int32_t **of; /* [n]: [channels of the node], or NULL: its own order */
    /* Of the nodes that are in another order, for artefacts; ss_orders_copy fills them in. */
    const char **names;
    int32_t *channels;
} ss_orders;

static inline const int32_t *ss_order_of(const ss_orders *o, int32_t node) { return node < o->n ? o->of[node] : NULL; }
static inline int32_t ss_order_at(const int32_t *order, int32_t p) { return order ? order[p] : p; }

/* Are these orders of g's tensors that leave its function as it is? Reports what is not, by node. */
ss_status ss_orders_check(const ss_graph *g, const ss_orders *o);
/* Put the channels of g, which was not dealt yet, into these orders; checks them first, verifies the graph afterwards. On
 * failure the graph is as it was. */
ss_status ss_graph_deal(ss_graph *g, const ss_orders *o);
/* The orders in force in g; they live in `arena`. */
ss_status ss_graph_orders(const ss_graph *g, ss_arena *arena, ss_orders *out);
ss_status ss_orders_copy(const ss_graph *g, const ss_orders *from, ss_arena *arena, ss_orders *out);
bool ss_orders_none(const ss_orders *o); /* all in their own order */
bool ss_orders_equal(const ss_graph *g, const ss_orders *a, const ss_orders *b);

/* {NODE: [model's channel at each position], ...}: nodes in another order than their own. */
json_t *ss_orders_json(const ss_orders *o);
/* The key under which artefacts have them. */
#define SS_ORDERS_KEY "channel_order"
/* Reads and checks; j NULL: none. */
ss_status ss_orders_read(const ss_graph *g, const char *path, json_t *j, ss_arena *arena, ss_orders *out);

/* Those of an artefact of any kind (a profile, a design). */
ss_status ss_orders_load(const ss_graph *g, const char *path, ss_arena *arena, ss_orders *out);

/* ---- what may be exchanged (wires.c) ---- */

/* A wire is what a channel is once the ties between tensors are followed: the channels of several tensors that must
 * move together. Wires of one group may be exchanged freely. */
typedef struct ss_wires {
    int32_t n, n_groups;
    const int32_t **of;   /* [g->n]: the wire at each position of a node */
    const int32_t *group; /* [n] */
} ss_wires;

ss_status ss_wires_find(const ss_graph *g, ss_arena *arena, ss_wires *out);
/* The orders in which wire to[w] stands where w stood. `to` permutes each group. */
ss_status ss_wires_orders(const ss_graph *g, const ss_wires *w, const int32_t *to, ss_arena *arena, ss_orders *out);

#endif
