/* Placing nodes and edges. See net.h. Method:
 *   Rows: what lies between two neighbouring cuts is a block; a row takes blocks while its columns suffice.
 *   Columns: within a row, the longest path from the row's input.
 *   Tracks: the longest path of a row is track 0; of the nodes left over the longest path is laid into the
 * first track with room, and so on. Such a chain keeps all cells from its fork to its join free. Edges:
 * between neighbouring columns, or along the track of the chain that they begin, continue or end; all others
 * are shortcuts and take a rail above the row. Edges of one source share a rail. Invariants: no two nodes in
 * one cell; no edge passes through the cell of a node. */
#include "report/net.h"

typedef struct placer {
    ss_ctx *ctx;
    net *g;
    int *height; /* [n] longest path from the node to the end of its row, in nodes that have no track yet */
    int *next;   /* [n] the node behind it in its chain, or -1 */
    int *out;    /* [n] the edge by which a chain's last node leaves along its track, or -1 */
    int *in;     /* [n] the edge by which a chain's first node is reached along its track, or -1 */
    int *from, *to, *source; /* [n_edges] columns kept in a track or on a rail; source of the rail's edge */
    int *level;              /* [n_edges] and its number */
    int n_kept;
} placer;

bool net_cut(const net *g, int node) {
    for (int e = 0; e < g->n_edges; e++)
        if (g->edges[e].from < node && g->edges[e].to > node) return false;
    return true;
}

/* ---- rows and columns ---- */

/* Column of the node's source: -1 for what comes from an earlier row. */
static int column_of(const net *g, const net_row *row, int node) {
    return node < row->first ? -1 : g->nodes[node].column;
}

/* Columns of nodes first..last; returns how many. */
static int set_columns(net *g, net_row *row) {
    row->columns = 0;
    for (int i = row->first; i <= row->last; i++) {
        net_node *n = &g->nodes[i];
        n->column = 0;
        for (int k = 0; k < n->n_in; k++) {
            int before = column_of(g, row, g->edges[n->first_in + k].from);
            if (before >= n->column) n->column = before + 1;
        }
        if (n->column >= row->columns) row->columns = n->column + 1;
    }
    return row->columns;
}

static int block_end(const net *g, int first) {
    int last = first;
    while (last + 1 < g->n && !net_cut(g, last)) last++;
    return last;
}

static void set_rows(net *g) {
    int first = 0;
    g->n_rows = 0;
    while (first < g->n) {
        net_row row = { .first = first, .last = block_end(g, first) };
        while (row.last + 1 < g->n && g->nodes[row.last + 1].partition == g->nodes[first].partition) {
            net_row longer = { .first = first, .last = block_end(g, row.last + 1) };
            if (set_columns(g, &longer) > NET_COLUMNS) break;
            row = longer;
        }
        set_columns(g, &row);
        for (int i = row.first; i <= row.last; i++) g->nodes[i].row = g->n_rows;
        g->rows[g->n_rows++] = row;
        first = row.last + 1;
    }
}

/* ---- tracks ---- */

/* Keeps columns from..to of a level; the lowest with room. source: what comes from it may lie on itself; -1:
 * none. */
static int keep(placer *p, int lowest, int from, int to, int source) {
    int level = lowest;
    for (int i = 0; i < p->n_kept; i++) {
        bool apart = p->to[i] < from || p->from[i] > to || (source >= 0 && p->source[i] == source);
        if (p->level[i] != level || apart) continue;
        level++;
        i = -1;
    }
    p->from[p->n_kept] = from;
    p->to[p->n_kept] = to;
    p->source[p->n_kept] = source;
    p->level[p->n_kept++] = level;
    return level;
}

/* Heights among nodes without a track, backwards; also next: the successor with the greatest height. */
static int highest(placer *p, const net_row *row) {
    net *g = p->g;
    int best = -1;
    for (int i = row->first; i <= row->last; i++) {
        p->height[i] = g->nodes[i].track < 0;
        if (g->nodes[i].track < 0) p->next[i] = -1;
    }
    for (int i = row->last; i >= row->first; i--) {
        const net_node *n = &g->nodes[i];
        if (n->track >= 0) continue;
        if (best < 0 || p->height[i] >= p->height[best]) best = i;
        for (int k = 0; k < n->n_in; k++) {
            int u = g->edges[n->first_in + k].from;
            if (u < row->first || g->nodes[u].track >= 0) continue;
            if (p->height[i] + 1 < p->height[u]) continue;
            p->height[u] = p->height[i] + 1;
            p->next[u] = i;
        }
    }
    return best;
}

/* The first edge in the row that leaves the node, or -1. */
static int first_reader(const net *g, const net_row *row, int node) {
    for (int i = node + 1; i <= row->last; i++)
        for (int k = 0; k < g->nodes[i].n_in; k++)
            if (g->edges[g->nodes[i].first_in + k].from == node) return g->nodes[i].first_in + k;
    return -1;
}

/* Lays the chain that begins at node into a track. */
static void lay_chain(placer *p, net_row *row, int node) {
    net *g = p->g;
    int last = node;
    while (p->next[last] >= 0) last = p->next[last];
    int in = p->in[node] = g->nodes[node].n_in > 0 ? g->nodes[node].first_in : -1;
    int out = p->out[last] = first_reader(g, row, last);
    int from = in >= 0 ? column_of(g, row, g->edges[in].from) + 1 : g->nodes[node].column;
    int to = out >= 0 ? g->nodes[g->edges[out].to].column - 1 : g->nodes[last].column;
    int track = keep(p, 0, from, to, -1);
    for (int i = node; i >= 0; i = p->next[i]) g->nodes[i].track = track;
    if (track >= row->tracks) row->tracks = track + 1;
}

static void set_tracks(placer *p, net_row *row) {
    p->n_kept = 0;
    for (int i = row->first; i <= row->last; i++) {
        p->g->nodes[i].track = -1;
        p->in[i] = p->out[i] = -1;
    }
    for (int node; (node = highest(p, row)) >= 0;) lay_chain(p, row, node);
}

/* ---- edges ---- */

static void set_way(placer *p, net_row *row, int edge) {
    net *g = p->g;
    net_edge *e = &g->edges[edge];
    int from = column_of(g, row, e->from), to = g->nodes[e->to].column;
    bool here = e->from >= row->first;
    if (to == from + 1) {
        e->way = NET_DIRECT;
    } else if (here && (p->next[e->from] == e->to || p->out[e->from] == edge)) {
        e->way = NET_TRACK;
        e->level = g->nodes[e->from].track;
    } else if (p->in[e->to] == edge) {
        e->way = NET_TRACK;
        e->level = g->nodes[e->to].track;
    } else {
        e->way = NET_RAIL;
        e->level = keep(p, 0, from + 1, to, e->from);
        if (e->level >= row->rails) row->rails = e->level + 1;
    }
}

static void set_ways(placer *p, net_row *row) {
    p->n_kept = 0;
    for (int i = row->first; i <= row->last; i++)
        for (int k = 0; k < p->g->nodes[i].n_in; k++) set_way(p, row, p->g->nodes[i].first_in + k);
}

ss_status net_place(ss_ctx *ctx, net *g) {
    size_t n = (size_t)g->n, kept = n + (size_t)g->n_edges;
    int *room = ss_alloc(ctx, 4 * n + 4 * kept, sizeof *room);
    if (!room) return SS_BAD;
    placer p = {
        .ctx = ctx, .g = g, .height = room, .next = room + n, .out = room + 2 * n, .in = room + 3 * n
    };
    p.from = room + 4 * n;
    p.to = p.from + kept;
    p.source = p.to + kept;
    p.level = p.source + kept;
    set_rows(g);
    for (int i = 0; i < g->n_rows; i++) {
        set_tracks(&p, &g->rows[i]);
        set_ways(&p, &g->rows[i]);
    }
    ss_free(ctx, room);
    return SS_OK;
}
