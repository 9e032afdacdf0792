/* Drawing what net_place has placed. See net.h. Everything stands on a grid: columns of boxes with gaps
 * between them, rows of one or more tracks, rails above the tracks. Edges run level except in the gaps: they
 * leave a box at its right, turn near it or near their target, and enter that at its left, above or below the
 * middle when they come from there. Sizes are CSS pixels: NET_COLUMNS columns fill the width of the page. */
#include "report/html.h"
#include "report/net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BOX_W 90.0
#define BOX_H 82.0
#define GAP 28.0
#define TRACK_GAP 16.0
#define RAIL 16.0
#define RAIL_GAP 8.0 /* between the lowest rail and the boxes */
#define PAD 8.0      /* around the rows of a partition, and left of what enters a row */
#define HEAD 28.0    /* of a frame */
#define BETWEEN 30.0 /* rows of a partition */
#define APART 20.0   /* partitions */
#define RADIUS 5.0   /* of an edge's corners */
#define PORT 18.0    /* from the middle of a box */
#define LINE 13.0

enum { MAX_POINTS = 8, NAME_CHARS = 12, SMALL_CHARS = 15 };

typedef struct point {
    double x, y;
} point;

typedef struct pen {
    ss_buf *b;
    const net *g;
    double width;
    double rows_y; /* top of the row that is being drawn */
    point end;     /* where the row before ended: the right side of its last box */
    double gutter; /* a free height below that row */
} pen;

/* ---- the grid ---- */

static double left_of(int column) {
    return PAD + GAP + column * (BOX_W + GAP);
}
static double right_of(int column) { /* -1: where a row's input enters */
    return left_of(column) + BOX_W;
}
static double rails_height(const net_row *r) {
    return r->rails ? r->rails * RAIL + RAIL_GAP : 0;
}
static double row_height(const net_row *r) {
    return rails_height(r) + r->tracks * (BOX_H + TRACK_GAP) - TRACK_GAP;
}
static double middle_of(const pen *p, const net_row *r, int track) {
    return p->rows_y + rails_height(r) + track * (BOX_H + TRACK_GAP) + BOX_H / 2;
}

static int partition_of(const net *g, int row) {
    return g->nodes[g->rows[row].first].partition;
}

static double partition_height(const net *g, int first_row) {
    double h = HEAD + PAD;
    for (int i = first_row; i < g->n_rows && partition_of(g, i) == partition_of(g, first_row); i++)
        h += row_height(&g->rows[i]) + (i > first_row ? BETWEEN : 0);
    return h + PAD;
}

/* ---- edges ---- */

/* A line through the points with rounded corners. */
static void write_line(ss_buf *b, const point *at, int n, const char *class) {
    ss_buf_printf(b, "<path class=\"%s\" d=\"M%.1f %.1f", class, at[0].x, at[0].y);
    for (int i = 1; i < n; i++) {
        double in = fabs(at[i].x - at[i - 1].x) + fabs(at[i].y - at[i - 1].y);
        double out = i + 1 < n ? fabs(at[i + 1].x - at[i].x) + fabs(at[i + 1].y - at[i].y) : 0;
        double r = fmin(RADIUS, fmin(in, out) / 2);
        if (r > 0)
            ss_buf_printf(b, "L%.1f %.1fQ%.1f %.1f %.1f %.1f", at[i].x - r * (at[i].x - at[i - 1].x) / in,
                          at[i].y - r * (at[i].y - at[i - 1].y) / in, at[i].x, at[i].y,
                          at[i].x + r * (at[i + 1].x - at[i].x) / out,
                          at[i].y + r * (at[i + 1].y - at[i].y) / out);
        else ss_buf_printf(b, "L%.1f %.1f", at[i].x, at[i].y);
    }
    ss_buf_printf(b, "\"/>");
}

static void write_tip(ss_buf *b, point at) {
    ss_buf_printf(b, "<path class=\"tip\" d=\"M%.1f %.1fl-7 -3.5v7z\"/>\n", at.x, at.y);
}

static int source_column(const net_row *r, const net *g, int node) {
    return node < r->first ? -1 : g->nodes[node].column;
}

/* The height of the long part of an edge. */
static double level_of(const pen *p, const net_row *r, const net_edge *e, double direct) {
    if (e->way == NET_RAIL) return p->rows_y + (r->rails - e->level) * RAIL - 3;
    return e->way == NET_TRACK ? middle_of(p, r, e->level) : direct;
}

typedef struct route {
    point at[MAX_POINTS];
    int n;
    double level, turn_out, turn_in;
} route;

/* From the source's right to the target's left: level, turn, level, turn, level. */
static route find_route(const pen *p, const net_row *r, const net_edge *e) {
    const net_node *to = &p->g->nodes[e->to];
    int from_track = e->from < r->first ? 0 : p->g->nodes[e->from].track;
    double y0 = middle_of(p, r, from_track), y1 = middle_of(p, r, to->track);
    double x0 = right_of(source_column(r, p->g, e->from)), x1 = left_of(to->column);
    route way = { .level = level_of(p, r, e, y0),
                  .turn_out = x0 + 6 + 3 * (from_track % 3),
                  .turn_in = x1 - 11 };
    double arrives = e->way == NET_DIRECT ? y0 : way.level;
    if (e->way == NET_DIRECT && to->n_in == 1)
        way.turn_in = way.turn_out; /* a fork: all its lines together */
    if (to->n_in > 1 && fabs(arrives - y1) > 0.5) y1 += arrives < y1 ? -PORT : PORT;
    const point all[] = { { x0, y0 },
                          { way.turn_out, y0 },
                          { way.turn_out, way.level },
                          { way.turn_in, way.level },
                          { way.turn_in, y1 },
                          { x1, y1 } };
    for (int i = 0; i < 6; i++) {
        const point *last = way.n ? &way.at[way.n - 1] : NULL;
        if (last && fabs(last->x - all[i].x) < 0.1 && fabs(last->y - all[i].y) < 0.1) continue;
        way.at[way.n++] = all[i];
    }
    return way;
}

static void write_edge(const pen *p, const net_row *r, const net_edge *e) {
    route way = find_route(p, r, e);
    write_line(p->b, way.at, way.n, "edge");
    write_tip(p->b, way.at[way.n - 1]);
}

/* How many lanes wide the stream is: above the long part; where there is none, beside the turn, so that the
 * figures of lines that turn together do not meet. */
static void write_lanes(const pen *p, const net_row *r, const net_edge *e) {
    route way = find_route(p, r, e);
    point first = way.at[0], last = way.at[way.n - 1], at = { (first.x + last.x) / 2, way.level };
    if (e->way == NET_DIRECT && fabs(first.y - last.y) > 1) {
        bool fork = p->g->nodes[e->to].n_in == 1;
        at.x = ((fork ? last.x : first.x) + way.turn_in) / 2;
        at.y = fork ? last.y : first.y;
    }
    ss_buf_printf(p->b, "<text class=\"lanes\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", at.x, at.y - 5,
                  html_count((double)p->g->nodes[e->from].lanes).text);
}

/* From the end of the row before to the beginning of this one; between partitions through memory: dashed. */
static void write_return(const pen *p, const net_row *r) {
    double y = middle_of(p, r, 0);
    bool memory = p->g->nodes[r->first].partition != p->g->nodes[r->first - 1].partition;
    const point at[] = { p->end,
                         { p->end.x + 9, p->end.y },
                         { p->end.x + 9, p->gutter },
                         { PAD - 1, p->gutter },
                         { PAD - 1, y },
                         { PAD + 6, y } };
    write_line(p->b, at, 6, memory ? "edge memory" : "edge");
}

/* ---- boxes ---- */

/* At most `most` characters, those in the middle left out. */
static void write_short(ss_buf *b, const char *text, size_t len, int most) {
    char out[128];
    size_t n = 0, chars = 0, at = 0;
    for (size_t i = 0; i < len; i++) chars += ((unsigned char)text[i] & 0xC0) != 0x80;
    size_t half = (size_t)(most - 1) / 2, cut = chars > (size_t)most ? chars - 2 * half : 0;
    for (size_t i = 0; i < len && n + 8 < sizeof out; i++) {
        at += ((unsigned char)text[i] & 0xC0) != 0x80; /* the character's number, from 1 */
        if (cut && at > half && at <= half + cut) {
            if (at == half + 1 && ((unsigned char)text[i] & 0xC0) != 0x80) {
                memcpy(out + n, "\xe2\x80\xa6", 3);
                n += 3;
            }
            continue;
        }
        out[n++] = text[i];
    }
    out[n] = '\0';
    html_text(b, out);
}

typedef struct part {
    const char *text;
    size_t len;
} part;

static part part_before(const char *name, const char *end) {
    const char *start = end;
    while (start > name && start[-1] != '/') start--;
    return (part){ start, (size_t)(end - start) };
}

/* The last two telling parts of a path: "/layer2/layer2.0/conv1/Conv" is conv1 of layer2.0. A convolution's
 * last part is its operator; a part that the next one repeats ("downsample/downsample.0") says nothing. */
static void split_name(const net_node *n, part *name, part *prefix) {
    *name = part_before(n->name, n->name + strlen(n->name));
    *prefix = (part){ "", 0 };
    if (strcmp(n->op, "conv") == 0 && name->text > n->name + 1) {
        part before = part_before(n->name, name->text - 1);
        if (before.len) *name = before;
    }
    for (const char *at = name->text; at > n->name + 1;) {
        *prefix = part_before(n->name, at - 1);
        bool repeats = prefix->len < name->len && strncmp(prefix->text, name->text, prefix->len) == 0 &&
                       name->text[prefix->len] == '.';
        if (!repeats) return;
        at = prefix->text;
        *prefix = (part){ "", 0 };
    }
}

static void write_text(const pen *p, double x, double *y, const char *class, part text, int most) {
    if (!text.len) return;
    ss_buf_printf(p->b, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, *y);
    write_short(p->b, text.text, text.len, most);
    ss_buf_printf(p->b, "</text>");
    *y += LINE;
}

static part whole(const char *text) {
    return (part){ text, strlen(text) };
}

static void write_words(const pen *p, const net_node *n, double x, double top) {
    char fold[100] = "", cycles[64];
    part name, prefix;
    split_name(n, &name, &prefix);
    bool engine = strcmp(n->engine, "none") != 0;
    bool told = !engine && strncasecmp(name.text, n->op, strlen(n->op)) == 0;
    const int64_t beside = n->gr > 1 ? n->gr : n->pixels; /* one of them is 1 */
    if (engine && beside > 1) snprintf(fold, sizeof fold, "%lld\xc3\x97 ", (long long)beside);
    if (engine)
        snprintf(fold + strlen(fold), sizeof fold - strlen(fold), "%lld\xc3\x97%lld\xc3\x97%lld",
                 (long long)n->ci, (long long)n->co, (long long)n->m);
    snprintf(cycles, sizeof cycles, "%s%s", html_count(n->cycles).text, n->cycles < 1e6 ? " cycles" : "");
    int lines = 2 + (prefix.len > 0) + !told + engine;
    double y = top + (BOX_H - 7 - lines * LINE) / 2 + 10;
    write_text(p, x, &y, "of", prefix, SMALL_CHARS);
    write_text(p, x, &y, "name", name, NAME_CHARS);
    if (!told) write_text(p, x, &y, "kind", whole(engine ? n->engine : n->op), SMALL_CHARS);
    write_text(p, x, &y, "kind", whole(fold), SMALL_CHARS);
    write_text(p, x, &y, "kind", whole(cycles), SMALL_CHARS + 2);
}

static void write_box(const pen *p, const net_row *r, const net_node *n) {
    double x = left_of(n->column), y = middle_of(p, r, n->track) - BOX_H / 2;
    double interval = p->g->partitions[n->partition].interval;
    double share = interval > 0 ? fmin(fmax(n->cycles / interval, 0), 1) : 0;
    ss_buf_printf(p->b, "<g><title>");
    html_text(p->b, n->name);
    ss_buf_printf(p->b, ": %s of %s cycles</title>", html_count(n->cycles).text, html_count(interval).text);
    ss_buf_printf(
        p->b,
        "<rect class=\"node%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.0f\" height=\"%.0f\" rx=\"5\"/>"
        "<rect class=\"heat\" fill-opacity=\"%.3f\" x=\"%.1f\" y=\"%.1f\" width=\"%.0f\" height=\"%.0f\" "
        "rx=\"5\"/><rect class=\"share%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"4\" rx=\"1\"/>",
        n->cycles >= interval ? " slowest" : "", x, y, BOX_W, BOX_H, 0.4 * share * share, x, y, BOX_W, BOX_H,
        n->cycles >= interval ? " slowest" : "", x + 5, y + BOX_H - 8, (BOX_W - 10) * share);
    write_words(p, n, x + BOX_W / 2, y);
    ss_buf_printf(p->b, "</g>\n");
}

/* ---- rows, partitions, picture ---- */

static void write_row(pen *p, int row) {
    const net *g = p->g;
    const net_row *r = &g->rows[row];
    if (r->first > 0) write_return(p, r);
    for (int pass = 0; pass < 2; pass++) /* figures over all lines */
        for (int i = r->first; i <= r->last; i++)
            for (int k = 0; k < g->nodes[i].n_in; k++) {
                const net_edge *e = &g->edges[g->nodes[i].first_in + k];
                if (pass == 0) write_edge(p, r, e);
                else write_lanes(p, r, e);
            }
    for (int i = r->first; i <= r->last; i++) write_box(p, r, &g->nodes[i]);
    const net_node *last = &g->nodes[r->last];
    p->end = (point){ right_of(last->column), middle_of(p, r, last->track) };
    p->rows_y += row_height(r);
    p->gutter = p->rows_y + BETWEEN / 2;
}

/* Returns the first row of the next partition. */
static int write_partition(pen *p, double y, int row) {
    const net *g = p->g;
    int part_no = partition_of(g, row);
    ss_buf_printf(p->b,
                  "<rect class=\"frame\" x=\"0.5\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"8\"/>"
                  "<text class=\"head\" x=\"%.1f\" y=\"%.1f\">Partition %d: %s cycles an image</text>\n",
                  y, p->width - 1, partition_height(g, row), PAD + 4, y + 19, part_no + 1,
                  html_count(g->partitions[part_no].interval).text);
    p->gutter = y - APART / 2;
    p->rows_y = y + HEAD + PAD;
    for (int first = row; row < g->n_rows && partition_of(g, row) == part_no; row++) {
        if (row > first) p->rows_y += BETWEEN;
        write_row(p, row);
    }
    return row;
}

static void write_key(ss_buf *b) {
    ss_buf_printf(b,
                  "<div class=\"key\"><span><i class=\"ramp\"></i>cycles, none to the whole interval</span>"
                  "<span><i class=\"ring\"></i>sets the interval</span>"
                  "<span>in boxes: folding, groups or pixels at once before ci\xc3\x97"
                  "co\xc3\x97m</span><span>on lines: lanes</span></div>\n");
}

void net_draw(ss_buf *b, const net *g) {
    int columns = 1;
    double height = 1 - APART;
    for (int i = 0; i < g->n_rows; i++) {
        if (g->rows[i].columns > columns) columns = g->rows[i].columns;
        if (i == 0 || partition_of(g, i) != partition_of(g, i - 1)) height += partition_height(g, i) + APART;
    }
    pen p = { .b = b, .g = g, .width = right_of(columns - 1) + 2 * PAD };
    p.width = fmax(p.width, 320);
    ss_buf_printf(b, "<figure>");
    write_key(b);
    ss_buf_printf(
        b,
        "<div class=\"wide\"><svg class=\"net\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
        "role=\"img\" aria-label=\"The network as a dataflow graph\">\n",
        p.width, height, p.width, height);
    double y = 0.5;
    for (int row = 0; row < g->n_rows;) {
        double h = partition_height(g, row);
        row = write_partition(&p, y, row);
        y += h + APART;
    }
    ss_buf_printf(b, "</svg></div></figure>\n");
}
