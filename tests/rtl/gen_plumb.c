/* Test bench of the plumbing. Every variant of a module stands between its own source and sink, once without stalls, so
 * that its rate and latency can be read from the sink's cycle numbers, and then with random ones at either end. */
#include "bench.h"

typedef struct {
    const char *dir;
    FILE *tb;
    int sinks; /* so far; sink i raises done[i], counts errors[i*32 +: 32] */
    uint64_t random;
} bench;

enum { WORDS = 200 };

/* Chances of 256 that the source and the sink stall. */
static const int stalls[][2] = { { 0, 0 }, { 128, 0 }, { 0, 128 }, { 90, 90 }, { 230, 20 } };
enum { STALLS = sizeof stalls / sizeof stalls[0] };

/* A file of random words, `lanes` elements of `w` bits each. */
static void random_file(bench *b, const char *name, int words, int lanes, int w)
{
    FILE *f = bench_open(b->dir, name);
    for (int i = 0; i < words; i++) {
        int64_t lane[64];
        for (int l = 0; l < lanes; l++) lane[l] = (int64_t)bench_random(&b->random);
        bench_word(f, lane, lanes, w);
    }
    bench_close(f);
}

static void source(bench *b, const char *id, const char *file, int width, int words, int stall)
{
    fprintf(b->tb,
            "    logic %s_v, %s_r; logic [%d:0] %s_d;\n"
            "    tb_source #(.WIDTH(%d), .WORDS(%d), .FILE(\"%s\"), .SEED(%d), .STALL(%d)) %s_source\n"
            "        (.clk(clk), .rst(rst), .valid(%s_v), .ready(%s_r), .data(%s_d));\n",
            id, id, width - 1, id, width, words, file, b->sinks * 2 + 1, stall, id, id, id, id);
}

/* exact: the word spacing and the latency that a bench without stalls must show (cycles from 0), or NULL. */
static void sink(bench *b, const char *id, const char *file, int width, int words, int stall)
{
    const int i = b->sinks++;
    fprintf(b->tb,
            "    logic %s_v, %s_r; logic [%d:0] %s_d; logic [31:0] %s_first, %s_last;\n"
            "    tb_sink #(.WIDTH(%d), .WORDS(%d), .FILE(\"%s\"), .SEED(%d), .STALL(%d), .NAME(\"%s\")) %s_sink\n"
            "        (.clk(clk), .rst(rst), .valid(%s_v), .ready(%s_r), .data(%s_d), .done(done_[%d]),\n"
            "         .errors(errors_[%d +: 32]), .first(%s_first), .last(%s_last));\n",
            id, id, width - 1, id, id, id, width, words, file, i * 2 + 2, stall, id, id, id, id, id, i, i * 32, id, id);
}

/* Have the bench print what is measured of a sink; the script compares. */
static void show(bench *b, const char *id)
{
    fprintf(b->tb, "    logic %s_shown = 1'b0;\n"
                   "    always_ff @(posedge clk) if (!rst && done && !%s_shown) begin\n"
                   "        %s_shown <= 1'b1;\n"
                   "        $display(\"%s first %%0d span %%0d\", %s_first, %s_last - %s_first + 1);\n    end\n",
            id, id, id, id, id, id, id);
}

static void slices(bench *b)
{
    static const int widths[] = { 1, 8, 37 };
    for (size_t w = 0; w < 3; w++)
        for (int s = 0; s < STALLS; s++) {
            char in[32], out[32], file[32];
            snprintf(in, sizeof in, "slice_%d_%d_i", widths[w], s);
            snprintf(out, sizeof out, "slice_%d_%d", widths[w], s);
            snprintf(file, sizeof file, "words_%d.mem", widths[w]);
            random_file(b, file, WORDS, 1, widths[w]);
            source(b, in, file, widths[w], WORDS, stalls[s][0]);
            sink(b, out, file, widths[w], WORDS, stalls[s][1]);
            fprintf(b->tb, "    ss_slice #(.WIDTH(%d)) %s_dut (.clk(clk), .rst(rst),\n"
                           "        .in_valid(%s_v), .in_ready(%s_r), .in_data(%s_d),\n"
                           "        .out_valid(%s_v), .out_ready(%s_r), .out_data(%s_d));\n",
                    widths[w], out, in, in, in, out, out, out);
            if (s == 0) show(b, out);
        }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: gen_plumb DIR\n");
        return 2;
    }
    bench b = { argv[1], bench_open(argv[1], "tb.sv"), 0, 1 };
    fprintf(b.tb, "module tb (input logic clk, input logic rst, output logic done, output logic [31:0] errors);\n"
                  "    logic [1023:0] done_; logic [32767:0] errors_;\n");
    slices(&b);
    fprintf(b.tb, "    integer i;\n"
                  "    assign done = &done_[%d:0];\n"
                  "    always_comb begin\n        errors = 0;\n"
                  "        for (i = 0; i < %d; i = i + 1) errors = errors + errors_[i*32 +: 32];\n    end\nendmodule\n",
            b.sinks - 1, b.sinks);
    bench_close(b.tb);
    return 0;
}
