/* The picture in a design's section: reads the graph from the artefact, which names the inputs of every node,
 * and has it placed and drawn. The file is not believed: inputs must be earlier nodes, and one tensor passes
 * between partitions. */
#include "report/net.h"
#include "report/section.h"

typedef struct graph_reader {
    report_section *s;
    net g;
    json_t *index; /* name -> number, of the nodes read so far */
    net_partition *partitions;
} graph_reader;

static const char *const remedy = "write the design again with explore";

static void read_inputs(graph_reader *r, const json_t *j, net_node *n) {
    const json_t *names = report_array(r->s, j, "inputs");
    n->first_in = r->g.n_edges;
    for (size_t i = 0; i < json_array_size(names) && !r->s->bad; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const json_t *from = name ? json_object_get(r->index, name) : NULL;
        if (!from) {
            ss_error(r->s->ctx, (ss_where){ r->s->path, NULL, n->name }, remedy,
                     "the node reads \"%s\", which is no node before it", name ? name : "");
            r->s->bad = true;
            return;
        }
        r->g.edges[r->g.n_edges++] = (net_edge){ .from = (int)json_integer_value(from), .to = r->g.n };
        n->n_in++;
    }
}

static void read_node(graph_reader *r, const json_t *j, int part) {
    report_section *s = r->s;
    net_node *n = &r->g.nodes[r->g.n];
    *n = (net_node){ .name = report_str(s, j, "name"),
                     .op = report_str(s, j, "op"),
                     .engine = report_str(s, j, "engine"),
                     .gr = report_int(s, j, "gr"),
                     .pixels = json_object_get(j, "pixels") ? report_int(s, j, "pixels") : 1,
                     .ci = report_int(s, j, "ci"),
                     .co = report_int(s, j, "co"),
                     .m = report_int(s, j, "m"),
                     .lanes = report_int(s, j, "lanes_out"),
                     .cycles = report_real(s, j, "cycles"),
                     .partition = part };
    if (!s->bad) read_inputs(r, j, n);
    if (!s->bad && json_object_set_new(r->index, n->name, json_integer(r->g.n)) != 0) s->bad = true;
    r->g.n++;
}

/* How many nodes and edges there are room for; false when a picture of them would be of no use. */
static bool count(const json_t *partitions, size_t *nodes, size_t *edges) {
    size_t i, k;
    const json_t *part, *node;
    *nodes = *edges = 0;
    json_array_foreach((json_t *)partitions, i, part) {
        json_array_foreach(json_object_get(part, "nodes"), k, node) {
            *nodes += 1;
            *edges += json_array_size(json_object_get(node, "inputs"));
        }
    }
    return *nodes > 0 && *nodes <= NET_MAX_NODES && *edges <= 4 * NET_MAX_NODES;
}

static void read_graph(graph_reader *r, const json_t *partitions) {
    report_section *s = r->s;
    for (size_t i = 0; i < json_array_size(partitions) && !s->bad; i++) {
        const json_t *part = json_array_get(partitions, i), *nodes = report_array(s, part, "nodes");
        r->partitions[i].interval = report_real(s, part, "interval");
        for (size_t k = 0; k < json_array_size(nodes) && !s->bad; k++)
            read_node(r, json_array_get(nodes, k), (int)i);
    }
    for (int i = 0; i + 1 < r->g.n && !s->bad; i++) {
        if (r->g.nodes[i].partition == r->g.nodes[i + 1].partition || net_cut(&r->g, i)) continue;
        ss_error(s->ctx, (ss_where){ s->path, NULL, r->g.nodes[i].name }, remedy,
                 "a partition ends here, but more than this node's result passes on");
        s->bad = true;
    }
}

void report_network(report_section *s, const json_t *partitions, bool open) {
    size_t nodes, edges;
    if (!count(partitions, &nodes, &edges)) {
        ss_buf_printf(s->b, "<p class=\"small\">The network is not drawn: it has no nodes, or too many for a picture."
                            "</p>\n");
        return;
    }
    graph_reader r = { .s = s, .index = json_object() };
    r.g.nodes = ss_alloc(s->ctx, nodes, sizeof *r.g.nodes);
    r.g.rows = ss_alloc(s->ctx, nodes, sizeof *r.g.rows);
    r.g.edges = ss_alloc(s->ctx, edges, sizeof *r.g.edges);
    r.g.partitions = r.partitions = ss_alloc(s->ctx, json_array_size(partitions), sizeof *r.partitions);
    r.g.n_partitions = (int)json_array_size(partitions);
    if (!r.index || !r.g.nodes || !r.g.rows || !r.g.edges || !r.partitions) s->bad = true;
    else read_graph(&r, partitions);
    if (!s->bad && net_place(s->ctx, &r.g) != SS_OK) s->bad = true;
    if (!s->bad) {
        ss_buf_printf(s->b, "<details%s><summary>The network as it lies on the device</summary>\n",
                      open ? " open" : "");
        net_draw(s->b, &r.g);
        ss_buf_printf(s->b, "</details>\n");
    }
    ss_free(s->ctx, r.partitions);
    ss_free(s->ctx, r.g.edges);
    ss_free(s->ctx, r.g.rows);
    ss_free(s->ctx, r.g.nodes);
    json_decref(r.index);
}
