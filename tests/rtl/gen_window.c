/* Test bench of ss_window. A variant stands between a source and a sink with random stalls at both ends, or with a source that
 * always delivers and a reader that holds each window for e cycles, where the cycles of an image in the steady flow must
 * be what the formula says; the named ones in both places. Elements count up through all images, so that no two nearby
 * are equal.
 * Usage: gen_window DIR FIRST VARIANTS SEED: the named ones from FIRST on, then so many random ones. */
#include "bench.h"

#include <stdbool.h>
#include <string.h>

typedef struct {
    int s, w, deep, h, wd, kh, kw, sh, sw, pt, pl, pb, pr, rows, cache;
    int64_t pad;
    const char *style;
    int e; /* cycles for which the paced reader holds each window */
} variant;

enum { IMAGES = 6 };

static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }
static int outputs(int n, int before, int after, int k, int stride) { return (n + before + after - k) / stride + 1; }
static int64_t least(int w) { return -((int64_t)1 << (w - 1)); }

/* ---- the formula of ss_window_core.sv, written down a second time */

/* Cycles to read an image when each window is held for e cycles. */
static int64_t read_cycles(const variant *v, int e)
{
    const int ho = outputs(v->h, v->pt, v->pb, v->kh, v->sh), wo = outputs(v->wd, v->pl, v->pr, v->kw, v->sw);
    const int sw = min(v->sw, v->kw); /* behind the sieve */
    const int wd = min((wo - 1) * sw - v->pl + min(v->kw, v->wd + v->pl - (wo - 1) * v->sw), v->wd);
    const int columns = v->cache && sw < v->kw && wo > 1 && wd + v->pl >= v->kw ? sw : v->kw; /* a window */
    const int keep = v->kw - columns, preload = max(0, (keep - v->pl + sw - 1) / sw);
    const int early = keep ? min(preload, max(0, wo - (wd + v->pl - keep + sw - 1) / sw)) : 0;
    int skip = keep ? v->pl + preload * sw - keep : v->pl;
    int64_t row = 0;
    for (int step = 0; step < wo; step++) { /* from the first early one */
        const int loads = columns * (step == early ? 1 + preload * (keep > 0) - early : 1) - skip;
        row += max(e, loads);
        skip = max(0, skip - sw);
    }
    return row * ho * v->deep;
}

/* Rows with which neither side waits for the other at the change of images (see docs/hardware.md). */
static int enough_rows(const variant *v)
{
    const int ho = outputs(v->h, v->pt, v->pb, v->kh, v->sh), wo = outputs(v->wd, v->pl, v->pr, v->kw, v->sw);
    const int sh = min(v->sh, v->kh);
    const int h = min((ho - 1) * sh - v->pt + min(v->kh, v->h + v->pt - (ho - 1) * v->sh), v->h);
    return v->kh + sh - 1 + max(0, h - ho * sh) + (wo == 1 || v->wd < v->kw);
}

static int64_t image_cycles(const variant *v)
{
    const int64_t intake = (int64_t)v->h * v->wd * v->deep, reading = read_cycles(v, v->e);
    return intake > reading ? intake : reading;
}

/* ---- files */

/* Element of image n at row y, column x, channel c. */
static int64_t element(const variant *v, int n, int y, int x, int c)
{
    const int64_t index = (((int64_t)n * v->h + y) * v->wd + x) * v->deep * v->s + c;
    return index % 37 == 5 ? least(v->w) : index % 41 == 7 ? -least(v->w) - 1 : index * 7 + 1;
}

static void write_in(const char *dir, const char *name, const variant *v, int images)
{
    FILE *f = bench_open(dir, name);
    for (int n = 0; n < images; n++)
        for (int y = 0; y < v->h; y++)
            for (int x = 0; x < v->wd; x++)
                for (int d = 0; d < v->deep; d++) {
                    int64_t lane[16];
                    for (int l = 0; l < v->s; l++) lane[l] = element(v, n, y, x, d * v->s + l);
                    bench_word(f, lane, v->s, v->w);
                }
    bench_close(f);
}

/* The window at (oy, ox) of word d: S*K elements; after them a mask in bits of its own. */
static void write_window(FILE *f, const variant *v, int n, int oy, int ox, int d)
{
    const int k = v->kh * v->kw;
    static int64_t bits[1 << 16]; /* an element of one bit each: mask and elements have different widths */
    for (int l = 0; l < v->s; l++)
        for (int p = 0; p < k; p++) {
            const int y = oy * v->sh - v->pt + p / v->kw, x = ox * v->sw - v->pl + p % v->kw;
            const bool inside = y >= 0 && y < v->h && x >= 0 && x < v->wd;
            const int64_t value = inside ? element(v, n, y, x, d * v->s + l) : v->pad;
            for (int b = 0; b < v->w; b++) bits[(l * k + p) * v->w + b] = value >> b & 1;
            bits[v->s * k * v->w + p] = inside;
        }
    bench_word(f, bits, v->s * k * v->w + k, 1);
}

static int write_out(const char *dir, const char *name, const variant *v, int images)
{
    const int ho = outputs(v->h, v->pt, v->pb, v->kh, v->sh), wo = outputs(v->wd, v->pl, v->pr, v->kw, v->sw);
    FILE *f = bench_open(dir, name);
    for (int n = 0; n < images; n++)
        for (int oy = 0; oy < ho; oy++)
            for (int ox = 0; ox < wo; ox++)
                for (int d = 0; d < v->deep; d++) write_window(f, v, n, oy, ox, d);
    bench_close(f);
    return ho * wo * v->deep;
}

/* ---- the bench */

static void instance(FILE *tb, const char *id, const variant *v, int index, int sink, int images, int source_stall,
                     int sink_stall, bool paced, int words_out)
{
    const int ho = outputs(v->h, v->pt, v->pb, v->kh, v->sh), wo = outputs(v->wd, v->pl, v->pr, v->kw, v->sw);
    const int k = v->kh * v->kw, in = v->s * v->w, out = in * k + k;
    fprintf(tb, "    logic %s_iv, %s_ir, %s_ov, %s_or; logic [%d:0] %s_id; logic [%d:0] %s_od; logic [%d:0] %s_om;\n", id, id, id, id,
            in - 1, id, in * k - 1, id, k - 1, id);
    fprintf(tb, "    tb_source #(.WIDTH(%d), .WORDS(%d), .FILE(\"in_%d.mem\"), .SEED(%d), .STALL(%d)) %s_source\n"
                "        (.clk(clk), .rst(rst), .valid(%s_iv), .ready(%s_ir), .data(%s_id));\n",
            in, images * v->h * v->wd * v->deep, index, 2 * sink + 1, source_stall, id, id, id, id);
    fprintf(tb, "    ss_window #(.S(%d), .W(%d), .DEEP(%d), .H(%d), .WD(%d), .KH(%d), .KW(%d), .SH(%d), .SW(%d), .PT(%d), .PL(%d),\n"
                "        .HO(%d), .WO(%d), .ROWS(%d), .CACHE(%d), .PAD(%lld), .STYLE(\"%s\")) %s_dut\n"
                "        (.clk(clk), .rst(rst), .in_valid(%s_iv), .in_ready(%s_ir), .in_data(%s_id),\n"
                "         .out_valid(%s_ov), .out_ready(%s_or), .out_data(%s_od), .out_mask(%s_om));\n",
            v->s, v->w, v->deep, v->h, v->wd, v->kh, v->kw, v->sh, v->sw, v->pt, v->pl, ho, wo, v->rows, v->cache,
            (long long)v->pad, v->style, id, id, id, id, id, id, id, id);
    fprintf(tb, "    logic %s_v, %s_r;\n", id, id);
    if (paced)
        fprintf(tb, "    tb_pace #(.E(%d), .WORDS(%d), .IMAGES(%d), .EXPECT(%lld), .NAME(\"%s\")) %s_pace\n"
                    "        (.clk(clk), .rst(rst), .in_valid(%s_ov), .in_ready(%s_or), .out_valid(%s_v), .out_ready(%s_r),\n"
                    "         .wrong(wrong[%d]));\n",
                v->e, words_out, images, (long long)image_cycles(v), id, id, id, id, id, id, sink);
    else
        fprintf(tb, "    assign %s_v = %s_ov; assign %s_or = %s_r; assign wrong[%d] = 1'b0;\n", id, id, id, id, sink);
    fprintf(tb, "    tb_sink #(.WIDTH(%d), .WORDS(%d), .FILE(\"out_%d.mem\"), .SEED(%d), .STALL(%d), .NAME(\"%s\")) %s_sink\n"
                "        (.clk(clk), .rst(rst), .valid(%s_v), .ready(%s_r), .data({%s_om, %s_od}), .done(done_[%d]),\n"
                "         .errors(errors_[%d]), .first(), .last());\n\n",
            out, images * words_out, index, 2 * sink + 2, sink_stall, id, id, id, id, id, id, sink, sink);
}

static const char pace[] =
    "// Lets a word pass after it has stood for E cycles, and says whether the last two images took EXPECT cycles each.\n"
    "module tb_pace #(parameter E = 1, parameter WORDS = 1, parameter IMAGES = 3, parameter EXPECT = 1,\n"
    "                 parameter NAME = \"\") (\n"
    "    input logic clk, input logic rst, input logic in_valid, output logic in_ready,\n"
    "    output logic out_valid, input logic out_ready, output logic wrong);\n"
    "    logic [31:0] held, words, images, cycle, then;\n"
    "    wire due = held >= E - 1;\n"
    "    assign out_valid = in_valid && due;\n"
    "    assign in_ready = out_ready && due;\n"
    "    always_ff @(posedge clk)\n"
    "        if (rst) begin\n"
    "            held <= 0; words <= 0; images <= 0; cycle <= 0; then <= 0; wrong <= 0;\n"
    "        end else begin\n"
    "            cycle <= cycle + 1;\n"
    "            held <= !in_valid || in_ready ? 0 : held + 1;\n"
    "            if (in_valid && in_ready) begin\n"
    "                words <= words == WORDS - 1 ? 0 : words + 1;\n"
    "                if (words == WORDS - 1) begin\n"
    "                    images <= images + 1;\n"
    "                    then <= cycle;\n"
    "                    if (images >= IMAGES - 2 && cycle - then != EXPECT) begin\n"
    "                        wrong <= 1;\n"
    "                        $display(\"%s: image %0d took %0d cycles, the formula says %0d\", NAME, images, cycle - then, EXPECT);\n"
    "                    end\n"
    "                end\n"
    "            end\n"
    "        end\n"
    "endmodule\n\n";

/* What networks have, and the corners. rows 0: the least. */
static const variant named[] = {
    { .s = 1, .w = 16, .deep = 1, .h = 6, .wd = 6, .kh = 3, .kw = 3, .sh = 1, .sw = 1, .pt = 1, .pl = 1, .pb = 1, .pr = 1 },
    { .s = 4, .w = 8, .deep = 3, .h = 8, .wd = 8, .kh = 3, .kw = 3, .sh = 1, .sw = 1, .pt = 1, .pl = 1, .pb = 1, .pr = 1 },
    { .s = 2, .w = 8, .deep = 2, .h = 2, .wd = 2, .kh = 3, .kw = 3, .sh = 1, .sw = 1, .pt = 1, .pl = 1, .pb = 1, .pr = 1 },
    { .s = 1, .w = 8, .deep = 2, .h = 8, .wd = 8, .kh = 3, .kw = 3, .sh = 2, .sw = 2, .pt = 1, .pl = 1, .pb = 0, .pr = 0 },
    { .s = 1, .w = 8, .deep = 2, .h = 9, .wd = 9, .kh = 3, .kw = 3, .sh = 2, .sw = 2, .pt = 1, .pl = 1, .pb = 1, .pr = 1 },
    { .s = 3, .w = 8, .deep = 1, .h = 14, .wd = 14, .kh = 7, .kw = 7, .sh = 2, .sw = 2, .pt = 3, .pl = 3, .pb = 3, .pr = 3 },
    { .s = 1, .w = 8, .deep = 1, .h = 13, .wd = 13, .kh = 11, .kw = 11, .sh = 4, .sw = 4, .pt = 2, .pl = 2, .pb = 2, .pr = 2 },
    { .s = 2, .w = 8, .deep = 4, .h = 8, .wd = 8, .kh = 1, .kw = 1, .sh = 2, .sw = 2 },
    { .s = 2, .w = 8, .deep = 2, .h = 7, .wd = 5, .kh = 1, .kw = 1, .sh = 3, .sw = 2 },
    { .s = 2, .w = 8, .deep = 4, .h = 3, .wd = 3, .kh = 1, .kw = 1, .sh = 1, .sw = 1 },
    { .s = 1, .w = 8, .deep = 3, .h = 7, .wd = 7, .kh = 2, .kw = 2, .sh = 2, .sw = 2 },
    { .s = 1, .w = 8, .deep = 3, .h = 7, .wd = 9, .kh = 3, .kw = 3, .sh = 2, .sw = 2 },
    { .s = 1, .w = 8, .deep = 2, .h = 9, .wd = 9, .kh = 5, .kw = 5, .sh = 1, .sw = 1 },
    { .s = 1, .w = 8, .deep = 2, .h = 8, .wd = 8, .kh = 5, .kw = 5, .sh = 1, .sw = 1, .pt = 2, .pl = 2, .pb = 2, .pr = 2 },
    { .s = 2, .w = 8, .deep = 3, .h = 4, .wd = 4, .kh = 4, .kw = 4, .sh = 1, .sw = 1, .rows = 8 },
    { .s = 1, .w = 8, .deep = 1, .h = 1, .wd = 1, .kh = 3, .kw = 3, .sh = 1, .sw = 1, .pt = 1, .pl = 1, .pb = 1, .pr = 1 },
    { .s = 1, .w = 8, .deep = 2, .h = 4, .wd = 5, .kh = 3, .kw = 3, .sh = 1, .sw = 1, .pt = 2, .pl = 2, .pb = 2, .pr = 2 },
    { .s = 1, .w = 8, .deep = 2, .h = 7, .wd = 8, .kh = 2, .kw = 3, .sh = 3, .sw = 4, .pt = 1, .pl = 2, .pb = 1, .pr = 1 },
};

static variant random_variant(uint64_t *r)
{
    variant v = { 0 };
#define PICK(lo, hi) ((lo) + (int)(bench_random(r) % (uint64_t)((hi) - (lo) + 1)))
    do {
        v.kh = PICK(1, PICK(1, 6));
        v.kw = PICK(0, 2) ? v.kh : PICK(1, 6);
        v.sh = PICK(1, PICK(1, 4));
        v.sw = PICK(0, 2) ? v.sh : PICK(1, 4);
        v.h = PICK(1, 9);
        v.wd = PICK(1, 9);
        v.pt = PICK(0, v.kh - 1);
        v.pl = PICK(0, v.kw - 1);
        v.pb = PICK(0, v.kh - 1);
        v.pr = PICK(0, v.kw - 1);
    } while (v.h + v.pt + v.pb < v.kh || v.wd + v.pl + v.pr < v.kw);
    v.s = PICK(1, 3);
    v.w = PICK(0, 1) ? 8 : 11;
    v.deep = PICK(1, 4);
    v.rows = PICK(0, 3) ? 0 : v.kh + min(v.sh, v.kh) - 1 + PICK(0, 3);
    return v;
}

int main(int argc, char **argv)
{
    if (argc != 5) return 2;
    const int n_named = (int)(sizeof named / sizeof named[0]), begin = atoi(argv[2]), n = n_named + atoi(argv[3]);
    uint64_t r = strtoull(argv[4], NULL, 0);
    const int sinks = max(0, n_named - begin) + n - begin;
    int sink = 0;
    FILE *tb = bench_open(argv[1], "tb.sv");
    fputs("// The window and its cycles.\n", tb);
    fputs(pace, tb);
    fprintf(tb, "module tb(input logic clk, input logic rst, output logic done, output logic [31:0] errors);\n"
                "    logic done_ [0:%d]; logic [31:0] errors_ [0:%d]; logic wrong [0:%d];\n\n", sinks - 1, sinks - 1, sinks - 1);
    static const int pacing[] = { 1, 1, 2, 3, 1, 5 };
    for (int i = begin; i < n; i++) {
        variant v = i < n_named ? named[i] : random_variant(&r);
        if (!v.rows) v.rows = v.kh + min(v.sh, v.kh) - 1;
        v.cache = i % 4 != 3;
        v.pad = i % 2 ? 0 : least(v.w);
        v.style = i % 3 ? "distributed" : "block";
        v.e = pacing[bench_random(&r) % 6];
        char id[32], name[32];
        snprintf(name, sizeof name, "in_%d.mem", i);
        write_in(argv[1], name, &v, IMAGES);
        snprintf(name, sizeof name, "out_%d.mem", i);
        const int words_out = write_out(argv[1], name, &v, IMAGES);
        static const int stalls[][2] = { { 100, 100 }, { 0, 180 }, { 200, 0 } };
        snprintf(id, sizeof id, "stalled_%d", i);
        if (i < n_named || i % 2)
            instance(tb, id, &v, i, sink++, IMAGES, stalls[i % 3][0], stalls[i % 3][1], false, words_out);
        snprintf(id, sizeof id, "paced_%d", i);
        v.rows = max(v.rows, enough_rows(&v));
        if (i < n_named || i % 2 == 0)
            instance(tb, id, &v, i, sink++, IMAGES, 0, 0, true, words_out);
    }
    fprintf(tb, "    integer i;\n"
                "    always_comb begin\n"
                "        done = 1'b1; errors = 0;\n"
                "        for (i = 0; i < %d; i = i + 1) begin done = done && done_[i]; errors = errors + errors_[i]; end\n"
                "        for (i = 0; i < %d; i = i + 1) errors = errors + 32'(wrong[i]);\n"
                "    end\nendmodule\n", sinks, sinks);
    bench_close(tb);
    return 0;
}
