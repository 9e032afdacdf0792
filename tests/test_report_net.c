/* report/net: where nodes and edges of the picture come to lie, for random graphs; and what the page shows of
 * a design. */
#include "explore/explore.h"
#include "report/net.h"
#include "report/report.h"
#include "util_explore.h"
#include "util_graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- placing ---- */

enum { MOST = 60, MOST_IN = 4 };

typedef struct random_net {
    net g;
    net_node nodes[MOST];
    net_edge edges[MOST * MOST_IN];
    net_row rows[MOST];
    net_partition partitions[MOST];
} random_net;

/* A graph of n nodes whose inputs lie at most `reach` back; partitions end at some of its cuts. */
static void make(random_net *r, util_rng *rng, int n, int reach) {
    memset(r, 0, sizeof *r);
    r->g = (net){ r->nodes, r->edges, r->rows, r->partitions, n, 0, 0, 1 };
    for (int i = 0; i < n; i++) {
        net_node *node = &r->nodes[i];
        *node = (net_node){ .name = "n", .op = "conv", .engine = "dense", .first_in = r->g.n_edges };
        int count = i == 0 ? 0 : util_rng_int(rng, 0, 2) ? 1 : util_rng_int(rng, 2, MOST_IN);
        for (; node->n_in < count; node->n_in++)
            r->edges[r->g.n_edges++] =
                (net_edge){ .from = util_rng_int(rng, i > reach ? i - reach : 0, i - 1), .to = i };
    }
    for (int i = 1; i < n; i++) {
        if (net_cut(&r->g, i - 1) && util_rng_int(rng, 0, 9) == 0) r->g.n_partitions++;
        r->nodes[i].partition = r->g.n_partitions - 1;
    }
}

static void check_rows(const net *g) {
    int next = 0;
    for (int i = 0; i < g->n_rows; i++) {
        const net_row *r = &g->rows[i];
        bool cut_inside = false;
        assert_int_equal(r->first, next);
        for (int k = r->first; k <= r->last; k++) {
            assert_int_equal(g->nodes[k].row, i);
            assert_int_equal(g->nodes[k].partition, g->nodes[r->first].partition);
            assert_true(g->nodes[k].column < r->columns && g->nodes[k].track < r->tracks);
            cut_inside = cut_inside || (k < r->last && net_cut(g, k));
        }
        assert_true(net_cut(g, r->last));
        assert_true(r->columns <= NET_COLUMNS || !cut_inside);
        next = r->last + 1;
    }
    assert_int_equal(next, g->n);
}

static void check_cells(const net *g) {
    for (int i = 0; i < g->n; i++) {
        assert_true(g->nodes[i].track >= 0 && g->nodes[i].column >= 0);
        for (int k = 0; k < i; k++)
            assert_false(g->nodes[i].row == g->nodes[k].row && g->nodes[i].column == g->nodes[k].column &&
                         g->nodes[i].track == g->nodes[k].track);
    }
}

static int start_of(const net *g, const net_edge *e) {
    return g->nodes[e->from].row == g->nodes[e->to].row ? g->nodes[e->from].column : -1;
}

/* Cells between the ends of an edge along a track hold no node. */
static void check_track(const net *g, const net_edge *e) {
    for (int k = 0; k < g->n; k++) {
        const net_node *n = &g->nodes[k];
        bool between = n->column > start_of(g, e) && n->column < g->nodes[e->to].column;
        assert_false(n->row == g->nodes[e->to].row && n->track == e->level && between);
    }
}

/* Edges of two sources do not overlap on a rail. */
static void check_rail(const net *g, const net_edge *e) {
    assert_true(e->level < g->rows[g->nodes[e->to].row].rails);
    for (const net_edge *o = g->edges; o < e; o++) {
        if (o->way != NET_RAIL || o->level != e->level || o->from == e->from) continue;
        if (g->nodes[o->to].row != g->nodes[e->to].row) continue;
        assert_true(start_of(g, o) >= g->nodes[e->to].column || start_of(g, e) >= g->nodes[o->to].column);
    }
}

static void check_edges(const net *g, int ways[3]) {
    for (int i = 0; i < g->n_edges; i++) {
        const net_edge *e = &g->edges[i];
        int row = g->nodes[e->to].row, span = g->nodes[e->to].column - start_of(g, e);
        assert_true(g->nodes[e->from].row == row || e->from == g->rows[row].first - 1);
        assert_true(span >= 1);
        assert_int_equal(e->way == NET_DIRECT, span == 1);
        if (e->way == NET_TRACK) check_track(g, e);
        if (e->way == NET_RAIL) check_rail(g, e);
        ways[e->way]++;
    }
}

static void random_graphs(void **state) {
    (void)state;
    ss_ctx *ctx = ss_ctx_new();
    util_rng rng = { 5 };
    random_net *r = malloc(sizeof *r);
    int ways[3] = { 0 }, rows = 0;
    assert_non_null(r);
    for (int t = 0; t < 400; t++) {
        make(r, &rng, util_rng_int(&rng, 1, MOST), util_rng_int(&rng, 1, 8));
        assert_int_equal(net_place(ctx, &r->g), SS_OK);
        check_rows(&r->g);
        check_cells(&r->g);
        check_edges(&r->g, ways);
        rows += r->g.n_rows > 1;
    }
    assert_true(ways[NET_DIRECT] > 100 && ways[NET_TRACK] > 100 && ways[NET_RAIL] > 100 && rows > 20);
    free(r);
    ss_ctx_free(ctx);
}

/* in, conv1, conv2, shortcut, add, conv, add: the shortcut has its own track, the identity a rail. */
static void residual_blocks(void **state) {
    (void)state;
    static const int ends[][2] = { { 0, 1 }, { 1, 2 }, { 0, 3 }, { 2, 4 },
                                   { 3, 4 }, { 4, 5 }, { 5, 6 }, { 4, 6 } };
    static const int first_in[] = { 0, 0, 1, 2, 3, 5, 6 }, n_in[] = { 0, 1, 1, 1, 2, 1, 2 };
    static const int column[] = { 0, 1, 2, 1, 3, 4, 5 }, track[] = { 0, 0, 0, 1, 0, 0, 0 };
    static const net_way way[] = { NET_DIRECT, NET_DIRECT, NET_DIRECT, NET_DIRECT,
                                   NET_TRACK,  NET_DIRECT, NET_DIRECT, NET_RAIL };
    ss_ctx *ctx = ss_ctx_new();
    random_net *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->g = (net){ r->nodes, r->edges, r->rows, r->partitions, 7, 8, 0, 1 };
    for (int i = 0; i < 8; i++) r->edges[i] = (net_edge){ .from = ends[i][0], .to = ends[i][1] };
    for (int i = 0; i < 7; i++) r->nodes[i] = (net_node){ .first_in = first_in[i], .n_in = n_in[i] };
    assert_int_equal(net_place(ctx, &r->g), SS_OK);
    assert_int_equal(r->g.n_rows, 1);
    assert_int_equal(r->rows[0].tracks, 2);
    assert_int_equal(r->rows[0].rails, 1);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(r->nodes[i].column, column[i]);
        assert_int_equal(r->nodes[i].track, track[i]);
    }
    for (int i = 0; i < 8; i++) assert_int_equal(r->edges[i].way, way[i]);
    free(r);
    ss_ctx_free(ctx);
}

/* ---- the page of an explored design ---- */

typedef struct explored {
    util_case u;
    json_t *design;
    int n_partitions, n_edges, n_slowest;
    char dir[256], path[300], out[300];
} explored;

static int open_explored(void **state) {
    explored *x = calloc(1, sizeof *x);
    ss_ctx *ctx = ss_ctx_new();
    *state = x;
    ss_device dev = util_device(0.6, true);
    dev.reconfiguration_s = 1e-7; /* several partitions */
    ss_design *d = NULL;
    ss_explore_opts o = { .batch = 100000, .target_gap = 0.02, .bits = 16 };
    if (!util_case_open(&x->u, ctx, util_small_resnet(ctx, 11), dev, 0.5) || !util_temp_dir(x->dir))
        return -1;
    if (ss_explore(ctx, x->u.c, x->u.g, x->u.p, &dev, o, &d) != SS_OK) return -1;
    x->design = ss_design_json(d, x->u.g);
    x->n_partitions = d->n_partitions;
    for (int32_t i = 0; i < d->n_partitions; i++)
        for (int32_t n = d->partitions[i].first; n <= d->partitions[i].last; n++) {
            x->n_slowest +=
                d->partitions[i].configs[n - d->partitions[i].first].cycles >= d->partitions[i].interval;
            x->n_edges += x->u.g->nodes[n].n_in;
        }
    ss_design_free(d);
    snprintf(x->path, sizeof x->path, "%s/design.json", x->dir);
    snprintf(x->out, sizeof x->out, "%s/report.html", x->dir);
    return x->design ? 0 : -1;
}

static int close_explored(void **state) {
    explored *x = *state;
    ss_ctx *ctx = x->u.ctx;
    json_decref(x->design);
    util_case_close(&x->u);
    ss_ctx_free(ctx);
    util_remove_dir(x->dir);
    free(x);
    return 0;
}

static ss_status write_page(explored *x) {
    assert_int_equal(ss_json_save(x->u.ctx, x->path, x->design), SS_OK);
    return ss_report_write(x->u.ctx, (const char *[]){ x->path }, 1, x->out);
}

static char *page_of(explored *x) {
    uint8_t *data;
    size_t len;
    if (write_page(x) != SS_OK) util_print_diags(x->u.ctx);
    assert_int_equal(ss_diag_errors(x->u.ctx), 0);
    assert_int_equal(ss_file_read(x->u.ctx, x->out, 1 << 24, &data, &len), SS_OK);
    return (char *)data;
}

static int count(const char *page, const char *text) {
    int n = 0;
    for (const char *p = page; (p = strstr(p, text)) != NULL; p += strlen(text)) n++;
    return n;
}

static void every_node_and_edge_once(void **state) {
    explored *x = *state;
    char *page = page_of(x);
    assert_true(x->n_partitions > 1 && x->n_slowest >= x->n_partitions);
    assert_int_equal(count(page, "<rect class=\"node"), x->u.g->n);
    assert_int_equal(count(page, "<rect class=\"node slowest\""), x->n_slowest);
    assert_int_equal(count(page, "<rect class=\"frame\""), x->n_partitions);
    assert_int_equal(count(page, "class=\"tip\""), x->n_edges);
    assert_int_equal(count(page, "<text class=\"lanes\""), x->n_edges);
    assert_int_equal(count(page, "class=\"edge memory\""), x->n_partitions - 1);
    assert_null(strstr(page, "nan"));
    ss_free(x->u.ctx, page);
}

static json_t *node_at(const explored *x, size_t part, size_t node) {
    json_t *p = json_array_get(json_object_get(x->design, "partitions"), part);
    return json_array_get(json_object_get(p, "nodes"), node);
}

static void rename_last(explored *x, const char *name) {
    json_t *parts = json_object_get(x->design, "partitions");
    size_t last = json_array_size(parts) - 1;
    json_t *nodes = json_object_get(json_array_get(parts, last), "nodes");
    json_object_set_new(node_at(x, last, json_array_size(nodes) - 1), "name", json_string(name));
}

/* The last node, a convolution, under other names. */
static void short_names(void **state) {
    static const struct {
        const char *name, *shows;
    } cases[] = {
        { "/layer2/layer2.0/conv1/Conv", ">layer2.0</text><text class=\"name\"" },
        { "/layer2/layer2.0/conv1/Conv", ">conv1</text>" },
        { "/layer2/layer2.0/downsample/downsample.0/Conv", ">layer2.0</text><text class=\"name\"" },
        { "/layer2/layer2.0/downsample/downsample.0/Conv", ">downsample.0</text>" },
        { "a_name_much_too_long", ">a_nam\xe2\x80\xa6_long</text>" },
        { "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
          "\xc3\xa9",
          ">\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xe2\x80\xa6\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9</"
          "text>" },
        { "/", ">dense</text>" },
        { "/Conv", ">Conv</text>" },
        { "//", "<title>//: " },
    };
    explored *x = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rename_last(x, cases[i].name);
        char *page = page_of(x);
        if (!strstr(page, cases[i].shows))
            print_error("%s: the page lacks %s\n", cases[i].name, cases[i].shows);
        assert_non_null(strstr(page, cases[i].shows));
        ss_free(x->u.ctx, page);
    }
}

static void groups_stand_in_front(void **state) {
    explored *x = *state;
    json_t *n = node_at(x, 0, 1);
    const char *keys[] = { "gr", "ci", "co", "m" };
    for (int i = 0; i < 4; i++) json_object_set_new(n, keys[i], json_integer(32 + i));
    json_object_set_new(n, "engine", json_string("crossbar"));
    char *page = page_of(x);
    assert_int_equal(count(page, ">32\xc3\x97 33\xc3\x97"
                                 "34\xc3\x97"
                                 "35</text>"),
                     1);
    ss_free(x->u.ctx, page);
}

static void refuse(explored *x, const char *message) {
    ss_diag_clear(x->u.ctx);
    assert_int_equal(write_page(x), SS_BAD);
    if (!util_has_error(x->u.ctx, message)) util_print_diags(x->u.ctx);
    assert_true(util_has_error(x->u.ctx, message));
}

/* A graph that is none: the page is not written. */
static void inputs_that_cannot_be(void **state) {
    explored *x = *state;
    json_t *n = node_at(x, 0, 1), *inputs = json_object_get(n, "inputs");
    const char *self = json_string_value(json_object_get(n, "name"));
    json_array_set_new(inputs, 0, json_string("nowhere"));
    refuse(x, "reads \"nowhere\"");
    json_array_set_new(inputs, 0, json_string(self));
    refuse(x, "no node before it");
    json_array_set_new(inputs, 0, json_integer(0));
    refuse(x, "no node before it");
    json_object_set_new(n, "inputs", json_string("image"));
    refuse(x, "\"inputs\" is not an array");
    json_object_del(n, "inputs");
    refuse(x, "\"inputs\" is missing");
}

static void two_tensors_between_partitions(void **state) {
    explored *x = *state;
    json_t *inputs = json_object_get(node_at(x, 1, 0), "inputs");
    json_array_append(inputs, json_object_get(node_at(x, 0, 0), "name"));
    refuse(x, "more than this node's result");
}

/* A page, but no picture. */
static void too_many_nodes(void **state) {
    explored *x = *state;
    json_t *nodes = json_object_get(json_array_get(json_object_get(x->design, "partitions"), 0), "nodes");
    for (int i = 0; i < NET_MAX_NODES; i++) json_array_append(nodes, node_at(x, 0, 1));
    char *page = page_of(x);
    assert_non_null(strstr(page, "The network is not drawn"));
    assert_null(strstr(page, "class=\"net\""));
    ss_free(x->u.ctx, page);
}

int main(void) {
#define EXPLORED(t) cmocka_unit_test_setup_teardown(t, open_explored, close_explored)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs),          cmocka_unit_test(residual_blocks),
        EXPLORED(every_node_and_edge_once),       EXPLORED(short_names),
        EXPLORED(groups_stand_in_front),          EXPLORED(inputs_that_cannot_be),
        EXPLORED(two_tensors_between_partitions),
        EXPLORED(too_many_nodes),
    };
    return cmocka_run_group_tests_name("report_net", tests, NULL, NULL);
}
