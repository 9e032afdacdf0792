/* net: the picture of a design as a dataflow graph, as inline SVG that takes its colours from the page.
 *
 * Nodes run from left to right in rows, like text; a row ends only where a single tensor passes on, so
 * residual blocks stay whole, and each partition begins a row and has a frame. Two steps: net_place decides
 * row, column and track of every node and the way of every edge; net_draw turns that into SVG.
 */
#ifndef SS_REPORT_NET_H
#define SS_REPORT_NET_H

#include "base/base.h"

enum { NET_COLUMNS = 8, NET_MAX_NODES = 2000 };

/* Where the long part of an edge runs. */
typedef enum net_way {
    NET_DIRECT, /* between neighbouring columns */
    NET_TRACK,  /* along track `level`, whose cells are kept free */
    NET_RAIL    /* above the row, rail `level` */
} net_way;

typedef struct net_edge {
    int from, to; /* nodes, from < to */
    net_way way;
    int level;
} net_edge;

typedef struct net_node {
    /* given: */
    const char *name, *op, *engine; /* borrowed */
    int64_t gr, pixels, ci, co, m, lanes; /* lanes: of its output stream */
    double cycles;
    int partition;      /* from 0, ascending */
    int first_in, n_in; /* its edges, in the order of its inputs */
    /* placed: */
    int row, column, track;
} net_node;

typedef struct net_row {
    int first, last; /* nodes; the row's input is node first - 1 unless first is 0 */
    int tracks, rails, columns;
} net_row;

typedef struct net_partition {
    double interval;
} net_partition;

typedef struct net {
    net_node *nodes;
    net_edge *edges;
    net_row *rows; /* room for n */
    const net_partition *partitions;
    int n, n_edges, n_rows, n_partitions;
} net;

/* Fills in the rows and everything marked "placed". Given are nodes in topological order with their edges,
 * and what net_cut demands at the end of every partition. Out of memory: SS_BAD. */
ss_status net_place(ss_ctx *ctx, net *g);
/* Does every edge that passes over the end of `node` begin in it? Only there can a row or a partition end. */
bool net_cut(const net *g, int node);
/* Appends a key and the picture, in a box of its own that scrolls sideways. */
void net_draw(ss_buf *b, const net *g);

#endif
