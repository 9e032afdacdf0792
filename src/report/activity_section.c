/* What nodes do and what buffers hold over time, from `simulate --activity`: a strip for each node, its share of every slice
 * of time spent busy, blocked and starved on top of one another, and under it a strip for each FIFO of a join, the most words
 * in it against its depth. The same picture stands in the page and, with its own style, in a file. */
#include "report/report.h"
#include "report/section.h"
#include "report/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LEFT 250.0
#define PLOT 720.0
#define RIGHT 160.0
#define TOP 40.0
#define BOTTOM 34.0
#define NODE_TALL 16.0
#define FIFO_TALL 26.0
#define GAP 4.0
#define NAME_LENGTH 30

typedef struct picture {
    report_section *s;
    int64_t first, end, step;
    int slices;
    double y;      /* top of the next strip */
    double *above; /* [slices]: what lies under the area that is drawn, as a part of the strip */
    double *area;
} picture;

static double across(const picture *p, double cycle) {
    return LEFT + PLOT * (cycle - (double)p->first) / ((double)p->slices * (double)p->step);
}

/* The cycles of slice i; the last may be cut short. */
static double length(const picture *p, int i) {
    const double from = (double)(p->first + i * p->step), to = fmin(from + (double)p->step, (double)p->end);
    return fmax(1, to - from);
}

static bool read_row(picture *p, const json_t *o, const char *key, double *out) {
    const json_t *row = report_array(p->s, o, key);
    if (!p->s->bad && json_array_size(row) != (size_t)p->slices) {
        ss_error(p->s->ctx, SS_AT(p->s->path), "write it again with `skipstream simulate`", "\"%s\" has %zu slices, not %d", key,
                 json_array_size(row), p->slices);
        p->s->bad = true;
    }
    for (int i = 0; !p->s->bad && i < p->slices; i++) out[i] = json_number_value(json_array_get(row, (size_t)i));
    return !p->s->bad;
}

/* The area under p->area, in parts of a strip; slices of one height are one line. */
static void write_area(const picture *p, const char *class, double tall) {
    const double base = p->y + tall, wide = PLOT / p->slices;
    bool any = false;
    for (int i = 0; i < p->slices; i++) any = any || p->area[i] > 0;
    if (!any) return;
    ss_buf_printf(p->s->b, "<path class=\"%s\" d=\"M%g %.1f", class, LEFT, base);
    for (int i = 0; i < p->slices;) {
        const double y = fmin(p->area[i], 1);
        const int begin = i;
        while (i < p->slices && fmin(p->area[i], 1) == y) i++;
        ss_buf_printf(p->s->b, "V%.1fh%g", base - y * tall, wide * (i - begin));
    }
    ss_buf_printf(p->s->b, "V%.1fz\"/>\n", base);
}

static void write_strip(const picture *p, double tall) {
    ss_buf_printf(p->s->b, "<rect class=\"track\" x=\"%g\" y=\"%.1f\" width=\"%g\" height=\"%g\"/>\n", LEFT, p->y, PLOT, tall);
}

/* The end of a long name, which tells more than its beginning; all of it in a tool tip. */
static void write_name(const picture *p, const char *class, const char *before, const char *name, double tall) {
    const size_t n = strlen(name), most = NAME_LENGTH - strlen(before);
    size_t cut = n > most ? n - most : 0;
    while (cut && ((unsigned char)name[cut] & 0xc0) == 0x80) cut++;
    ss_buf_printf(p->s->b, "<text class=\"%s\" x=\"%g\" y=\"%.1f\" text-anchor=\"end\"><title>", class, LEFT - 8, p->y + tall / 2 + 4);
    html_text(p->s->b, name);
    ss_buf_printf(p->s->b, "</title>%s%s", before, cut ? "\xe2\x80\xa6" : "");
    html_text(p->s->b, name + cut);
    ss_buf_printf(p->s->b, "</text>\n");
}

static void write_figure(const picture *p, const char *text, double tall) {
    ss_buf_printf(p->s->b, "<text x=\"%g\" y=\"%.1f\">%s</text>\n", LEFT + PLOT + 8, p->y + tall / 2 + 4, text);
}

/* ---- strips ---- */

/* Adds a state's cycles to those below it; returns them. */
static double add_state(picture *p, const json_t *node, const char *key) {
    double sum = 0;
    if (!read_row(p, node, key, p->area)) return 0;
    for (int i = 0; i < p->slices; i++) {
        sum += p->area[i];
        p->area[i] = p->above[i] += p->area[i] / length(p, i);
    }
    return sum;
}

/* From the back: what is drawn later covers it from below. */
static void write_node(picture *p, const json_t *node) {
    static const char *const states[] = { "busy", "blocked", "starved" };
    char text[80];
    double busy = 0;
    write_strip(p, NODE_TALL);
    for (int last = 2; last >= 0 && !p->s->bad; last--) {
        memset(p->above, 0, (size_t)p->slices * sizeof *p->above);
        for (int k = 0; k <= last; k++) {
            const double cycles = add_state(p, node, states[k]);
            busy = k == 0 ? cycles : busy;
        }
        if (!p->s->bad) write_area(p, states[last], NODE_TALL);
    }
    snprintf(text, sizeof text, "busy %s", html_percent(busy / fmax(1, (double)(p->end - p->first))).text);
    write_name(p, "name", "", report_str(p->s, node, "name"), NODE_TALL);
    write_figure(p, text, NODE_TALL);
    p->y += NODE_TALL + GAP;
}

static void write_fifo(picture *p, const json_t *fifo) {
    const double depth = fmax(1, (double)report_int(p->s, fifo, "depth"));
    double most = 0;
    char text[100];
    if (!read_row(p, fifo, "most", p->area)) return;
    for (int i = 0; i < p->slices; i++) {
        most = fmax(most, p->area[i]);
        p->area[i] /= depth;
    }
    write_strip(p, FIFO_TALL);
    write_area(p, "level", FIFO_TALL);
    write_name(p, "of", "from ", report_str(p->s, fifo, "from"), FIFO_TALL);
    snprintf(text, sizeof text, "%s of %s words", html_count(most).text, html_count(depth).text);
    write_figure(p, text, FIFO_TALL);
    p->y += FIFO_TALL + GAP;
}

/* ---- a partition ---- */

static double tall_of(const json_t *nodes) {
    double y = TOP + BOTTOM;
    size_t i;
    const json_t *node;
    json_array_foreach((json_t *)nodes, i, node) y += NODE_TALL + GAP +
        (FIFO_TALL + GAP) * (double)json_array_size(json_object_get(node, "fifos"));
    return y;
}

static void write_axis(const picture *p, double top, double bottom) {
    const double step = svg_round_step((double)(p->end - p->first)), from = ceil((double)p->first / step) * step;
    for (double at = from; at <= (double)p->end; at += step)
        ss_buf_printf(p->s->b,
                      "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                      "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
                      across(p, at), across(p, at), top, bottom + 4, across(p, at), bottom + 18, html_count(at).text);
    ss_buf_printf(p->s->b, "<text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">cycle</text>\n", LEFT - 8, bottom + 18);
}

/* Where each image's last word leaves. */
static void write_ends(const picture *p, const json_t *ends, double top, double bottom) {
    for (size_t i = 0; i < json_array_size(ends); i++) {
        const double at = (double)json_integer_value(json_array_get(ends, i));
        if (at < (double)p->first || at >= (double)p->end) continue;
        ss_buf_printf(p->s->b,
                      "<line class=\"limit\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                      "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">image %zu</text>\n",
                      across(p, at), across(p, at), top - 6, bottom, across(p, at), top - 10, i + 1);
    }
}

/* Its top is p->y. */
static void write_partition(picture *p, const json_t *partition) {
    const json_t *nodes = report_array(p->s, partition, "nodes");
    const double top = p->y + TOP, bottom = p->y + tall_of(nodes) - BOTTOM;
    p->y = top;
    for (size_t i = 0; i < json_array_size(nodes) && !p->s->bad; i++) {
        const json_t *node = json_array_get(nodes, i), *fifos = report_array(p->s, node, "fifos");
        write_node(p, node);
        for (size_t k = 0; k < json_array_size(fifos) && !p->s->bad; k++) write_fifo(p, json_array_get(fifos, k));
    }
    write_axis(p, top, bottom);
    write_ends(p, report_array(p->s, partition, "last_cycle"), top, bottom);
    p->y = bottom + BOTTOM;
}

static bool begin(picture *p, report_section *s) {
    *p = (picture){ .s = s,
                    .first = report_int(s, s->j, "first_cycle"),
                    .end = report_int(s, s->j, "end_cycle"),
                    .step = report_int(s, s->j, "step") };
    const int64_t slices = report_int(s, s->j, "slices");
    if (!s->bad && (slices < 1 || slices > 10000 || p->step < 1 || p->end <= p->first)) {
        ss_error(s->ctx, SS_AT(s->path), "write it again with `skipstream simulate`", "holds no span of cycles");
        s->bad = true;
    }
    if (s->bad) return false;
    p->slices = (int)slices;
    p->above = ss_alloc(s->ctx, (size_t)slices, sizeof *p->above);
    p->area = ss_alloc(s->ctx, (size_t)slices, sizeof *p->area);
    s->bad = !p->above || !p->area;
    return !s->bad;
}

static void end(picture *p) {
    ss_free(p->s->ctx, p->above);
    ss_free(p->s->ctx, p->area);
}

/* ---- in the page ---- */

void report_activity(report_section *s) {
    const json_t *partitions = report_array(s, s->j, "partitions");
    picture p;
    report_heading(s, "What nodes do and what buffers hold");
    ss_buf_printf(s->b, "<p>The pipeline simulated cycle by cycle on real images. Each node's strip says what part of the time it works, "
                        "stands with a word that its reader does not take, or is ready without a word; a buffer's, how full it is "
                        "at most. Dashed lines: an image's last word leaves.</p>\n"
                        "<div class=\"key\"><span><i class=\"i0\"></i>busy</span><span><i class=\"i1\"></i>blocked</span>"
                        "<span><i class=\"i2\"></i>starved</span><span><i class=\"il\"></i>words in the buffer</span></div>\n");
    if (!begin(&p, s)) {
        if (p.s) end(&p);
        return;
    }
    for (size_t i = 0; i < json_array_size(partitions) && !s->bad; i++) {
        const json_t *part = json_array_get(partitions, i);
        if (json_array_size(partitions) > 1)
            ss_buf_printf(s->b, "<h3>Partition %lld</h3>\n", (long long)report_int(s, part, "partition"));
        ss_buf_printf(s->b, "<figure><div class=\"wide\"><svg class=\"act\" viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"what nodes do and what buffers hold\">\n",
                      LEFT + PLOT + RIGHT, tall_of(report_array(s, part, "nodes")));
        p.y = 0;
        write_partition(&p, part);
        ss_buf_printf(s->b, "</svg></div></figure>\n");
    }
    end(&p);
}

/* ---- in a file ---- */

#define KEY_TALL 34.0

static const char file_style[] =
    "<style>text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',Arial,sans-serif;fill:#5c646e}"
    ".name{fill:#1b1e22}.grid{stroke:#dcdfe3}.limit{stroke:#1b1e22;stroke-dasharray:6 4}.track{fill:#e9ebee}"
    ".busy{fill:#3b78b8}.blocked{fill:#d2600a}.starved{fill:#2c8a5a}.level{fill:#7a5ca8}</style>\n";

static void write_file_key(ss_buf *b) {
    static const char *const keys[][2] = {
        { "busy", "busy" }, { "blocked", "blocked by its reader" }, { "starved", "starved" }, { "level", "words in the buffer" }
    };
    double x = LEFT;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        ss_buf_printf(b, "<rect class=\"%s\" x=\"%g\" y=\"12\" width=\"13\" height=\"13\"/><text x=\"%g\" y=\"23\">%s</text>\n",
                      keys[i][0], x, x + 19, keys[i][1]);
        x += 44 + 7.5 * (double)strlen(keys[i][1]);
    }
}

static void write_svg(picture *p, const json_t *partitions) {
    const double wide = LEFT + PLOT + RIGHT;
    double tall = KEY_TALL;
    size_t i;
    const json_t *part;
    json_array_foreach((json_t *)partitions, i, part) tall += tall_of(json_object_get(part, "nodes"));
    ss_buf_printf(p->s->b,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" viewBox=\"0 0 %g %g\">\n%s"
                  "<rect width=\"%g\" height=\"%g\" fill=\"#fff\"/>\n",
                  wide, tall, wide, tall, file_style, wide, tall);
    write_file_key(p->s->b);
    p->y = KEY_TALL;
    for (i = 0; i < json_array_size(partitions) && !p->s->bad; i++) write_partition(p, json_array_get(partitions, i));
    ss_buf_printf(p->s->b, "</svg>\n");
}

ss_status ss_report_activity(ss_ctx *ctx, const json_t *activity, const char *path) {
    ss_buf b;
    ss_buf_init(&b, ctx);
    report_section s = { .ctx = ctx, .path = path, .j = activity, .b = &b };
    picture p;
    const json_t *partitions = report_array(&s, activity, "partitions");
    if (begin(&p, &s)) write_svg(&p, partitions);
    if (p.s) end(&p);
    const ss_status status = s.bad || b.failed ? SS_BAD : ss_file_write(ctx, path, b.data, b.len);
    ss_buf_free(&b);
    return status;
}
