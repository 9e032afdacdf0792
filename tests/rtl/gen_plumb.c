/* Test bench of the plumbing. Every variant of a module stands between its own source and sink: once without
 * stalls, so that rate and latency can be read from the sink's cycle numbers, and then with random stalls at
 * either end. What the cycle numbers must be goes to the file `rates`, what the tap must report to `taps`. */
#include "bench.h"

#include <stdbool.h>
#include <string.h>

typedef struct {
    const char *dir;
    FILE *tb, *rates;
    int sinks; /* so far; sink i raises done_[i] and counts errors_[i*32 +: 32] */
    uint64_t random;
    bool full; /* every stall pattern with every variant */
} bench;

enum { WORDS = 150, ID = 40, NAME = 64, MAX_LANES = 64 };

/* Chances of 256 that the source and the sink stall. */
static const int stalls[][2] = { { 0, 0 }, { 128, 0 }, { 0, 128 }, { 90, 90 }, { 230, 20 }, { 20, 230 } };
enum { STALLS = sizeof stalls / sizeof stalls[0] };

/* The stall patterns of a variant: the first, and one of the others or all. */
static int next_stall(const bench *b, int s, int variant) {
    if (b->full) return s + 1;
    return s == 0 ? 1 + variant % (STALLS - 1) : STALLS;
}

/* The same random elements as words of `in` and of `out` lanes; how many divides by both. */
static void element_files(bench *b, const char *in_name, int in, const char *out_name, int out, int w,
                          int elements) {
    FILE *fi = bench_open(b->dir, in_name), *fo = bench_open(b->dir, out_name);
    int64_t in_lane[MAX_LANES], out_lane[MAX_LANES];
    for (int e = 0; e < elements; e++) {
        in_lane[e % in] = out_lane[e % out] = (int64_t)bench_random(&b->random);
        if ((e + 1) % in == 0) bench_word(fi, in_lane, in, w);
        if ((e + 1) % out == 0) bench_word(fo, out_lane, out, w);
    }
    bench_close(fi);
    bench_close(fo);
}

/* A file of random words with a name made of their width; twice asked for, once written. */
static const char *word_file(bench *b, int width, char name[NAME]) {
    char path[4096];
    snprintf(name, NAME, "words_%d.mem", width);
    snprintf(path, sizeof path, "%s/%s", b->dir, name);
    FILE *f = fopen(path, "r");
    if (f) {
        fclose(f);
        return name;
    }
    f = bench_open(b->dir, name);
    for (int i = 0; i < WORDS; i++) {
        int64_t lane[MAX_LANES * 64];
        for (int l = 0; l < width; l++) lane[l] = (int64_t)bench_random(&b->random);
        bench_word(f, lane, width, 1);
    }
    bench_close(f);
    return name;
}

/* Signals ID_iv, ID_ir, ID_id from a source. */
static void source(bench *b, const char *id, const char *file, int width, int words, int stall) {
    fprintf(b->tb,
            "    logic %s_iv, %s_ir; logic [%d:0] %s_id;\n"
            "    tb_source #(.WIDTH(%d), .WORDS(%d), .FILE(\"%s\"), .SEED(%d), .STALL(%d)) %s_source\n"
            "        (.clk(clk), .rst(rst), .valid(%s_iv), .ready(%s_ir), .data(%s_id));\n",
            id, id, width - 1, id, width, words, file, b->sinks * 2 + 1, stall, id, id, id, id);
}

/* Signals ID_ov, ID_or, ID_od into a sink. */
static void sink(bench *b, const char *id, const char *file, int width, int words, int stall) {
    const int i = b->sinks++;
    fprintf(
        b->tb,
        "    logic %s_ov, %s_or; logic [%d:0] %s_od; logic [31:0] %s_first, %s_last;\n"
        "    tb_sink #(.WIDTH(%d), .WORDS(%d), .FILE(\"%s\"), .SEED(%d), .STALL(%d), .NAME(\"%s\")) %s_sink\n"
        "        (.clk(clk), .rst(rst), .valid(%s_ov), .ready(%s_or), .data(%s_od), .done(done_[%d]),\n"
        "         .errors(errors_[%d +: 32]), .first(%s_first), .last(%s_last));\n",
        id, id, width - 1, id, id, id, width, words, file, i * 2 + 2, stall, id, id, id, id, id, i, i * 32,
        id, id);
}

/* Without stalls the first word must be taken in cycle `first`, the last in `last`; the source offers its
 * first word in cycle 1. */
static void rate(bench *b, const char *id, int first, int last) {
    fprintf(
        b->tb,
        "    logic %s_shown;\n"
        "    always @(posedge clk) begin\n"
        "        %s_shown <= !rst && done;\n"
        "        if (!rst && done && !%s_shown) $display(\"%s: first %%0d last %%0d\", %s_first, %s_last);\n"
        "    end\n",
        id, id, id, id, id, id);
    fprintf(b->rates, "%s: first %d last %d\n", id, first, last);
}

/* The usual instance: MODULE #(PARAMETERS) between the ID's source and sink; more: further connections. */
static void instance(bench *b, const char *module, const char *parameters, const char *id, const char *more) {
    fprintf(b->tb,
            "    %s #(%s) %s (.clk(clk), .rst(rst), .in_valid(%s_iv), .in_ready(%s_ir), .in_data(%s_id),\n"
            "        .out_valid(%s_ov), .out_ready(%s_or), .out_data(%s_od)%s);\n",
            module, parameters, id, id, id, id, id, id, id, more);
}

static void slices(bench *b) {
    static const int widths[] = { 1, 8, 37 };
    for (int w = 0; w < 3; w++)
        for (int s = 0; s < STALLS; s++) {
            char id[ID], file[NAME], parameters[NAME];
            snprintf(id, sizeof id, "slice_%d_%d", widths[w], s);
            word_file(b, widths[w], file);
            snprintf(parameters, sizeof parameters, ".WIDTH(%d)", widths[w]);
            source(b, id, file, widths[w], WORDS, stalls[s][0]);
            sink(b, id, file, widths[w], WORDS, stalls[s][1]);
            instance(b, "ss_slice", parameters, id, "");
            if (s == 0) rate(b, id, 2, WORDS + 1);
        }
}

/* Besides its words a FIFO's level must be what went in less what came out, and it must be ready exactly
 * below DEPTH. */
static void fifo(bench *b, const char *style, int width, int depth, int s) {
    char id[ID], file[NAME], parameters[2 * NAME], level[NAME];
    snprintf(id, sizeof id, "fifo_%s_%d_%d_%d", style, width, depth, s);
    word_file(b, width, file);
    snprintf(parameters, sizeof parameters, ".WIDTH(%d), .DEPTH(%d), .STYLE(\"%s\")", width, depth, style);
    snprintf(level, sizeof level, ", .level(%s_l)", id);
    source(b, id, file, width, WORDS, stalls[s][0]);
    sink(b, id, file, width, WORDS, stalls[s][1]);
    fprintf(b->tb,
            "    logic [$clog2(%d+1)-1:0] %s_l; logic [31:0] %s_n;\n"
            "    always @(posedge clk) begin\n"
            "        %s_n <= rst ? 0 : %s_n + 32'(%s_iv & %s_ir) - 32'(%s_ov & %s_or);\n"
            "        if (!rst && 32'(%s_l) != %s_n) $fatal(1, \"%s: level %%0d of %%0d\", %s_l, %s_n);\n"
            "        if (!rst && %s_ir != (%s_n < %d)) $fatal(1, \"%s: ready with %%0d\", %s_n);\n"
            "    end\n",
            depth, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, depth, id, id);
    instance(b, "ss_fifo", parameters, id, level);
    const int latency = strcmp(style, "block") ? 1 : 3;
    if (s == 0 && depth > latency) rate(b, id, 1 + latency, WORDS + latency);
}

static void fifos(bench *b) {
    static const char *const styles[] = { "registers", "distributed", "block" };
    static const int depths[] = { 2, 3, 4, 7, 32, 65 };
    for (int t = 0; t < 3; t++)
        for (int d = 0; d < 6; d++)
            for (int s = 0; s < STALLS; s = next_stall(b, s, t + d)) fifo(b, styles[t], 9 + t, depths[d], s);
}

static int gcd(int x, int y) {
    return y ? gcd(y, x % y) : x;
}

/* Cycles of the first and the last word without stalls, from the counts alone: a word is taken in the cycle
 * after its last element came, one a cycle; all elements must have come before the last. */
static void width_cycles(int in, int out, int elements, int *first, int *last) {
    if (in == out) {
        *first = 1;
        *last = elements / in;
    } else if (in < out) {
        *first = (out + in - 1) / in + 1;
        *last = elements / in + 1;
    } else {
        *first = 2;
        *last = elements / out + 1;
    }
}

static void width(bench *b, int in, int out, int w, int s) {
    char id[ID], in_file[NAME], out_file[NAME], parameters[NAME];
    const int elements = in / gcd(in, out) * out * (2 + WORDS / (in + out));
    snprintf(id, sizeof id, "width_%d_%d_%d", in, out, s);
    snprintf(in_file, sizeof in_file, "%s_i.mem", id);
    snprintf(out_file, sizeof out_file, "%s_o.mem", id);
    element_files(b, in_file, in, out_file, out, w, elements);
    source(b, id, in_file, in * w, elements / in, stalls[s][0]);
    sink(b, id, out_file, out * w, elements / out, stalls[s][1]);
    snprintf(parameters, sizeof parameters, ".IN(%d), .OUT(%d), .W(%d)", in, out, w);
    instance(b, "ss_width", parameters, id, "");
    int first, last;
    width_cycles(in, out, elements, &first, &last);
    if (s == 0) rate(b, id, first, last);
}

static void widths(bench *b) {
    static const int large[][2] = {
        { 1, 16 }, { 16, 1 }, { 12, 8 }, { 8, 12 }, { 9, 5 }, { 6, 16 }, { 24, 9 }
    };
    const int most = b->full ? 8 : 6;
    for (int in = 1; in <= most; in++)
        for (int out = 1; out <= most; out++)
            for (int s = 0; s < STALLS; s = next_stall(b, s, in + out)) width(b, in, out, 3 + in % 3, s);
    for (int i = 0; i < 7; i++)
        for (int s = 0; s < STALLS; s = next_stall(b, s, i)) width(b, large[i][0], large[i][1], 8, s);
}

/* A fork whose readers stall each in its own way; reader r is the sink ID_r. */
static void fork_bench(bench *b, int readers, int s) {
    char id[ID], file[NAME], end[2 * NAME];
    snprintf(id, sizeof id, "fork_%d_%d", readers, s);
    word_file(b, 8, file);
    source(b, id, file, 8, WORDS, stalls[s][0]);
    fprintf(b->tb, "    logic [%d:0] %s_ov, %s_or; logic [7:0] %s_od;\n", readers - 1, id, id, id);
    char parameters[NAME];
    snprintf(parameters, sizeof parameters, ".WIDTH(8), .N(%d)", readers);
    instance(b, "ss_fork", parameters, id, "");
    for (int r = 0; r < readers; r++) {
        snprintf(end, sizeof end, "%s_%d", id, r);
        sink(b, end, file, 8, WORDS, s ? stalls[(s + r) % STALLS][1] : 0);
        fprintf(b->tb, "    assign %s_ov = %s_ov[%d]; assign %s_or[%d] = %s_or; assign %s_od = %s_od;\n", end,
                id, r, id, r, end, end, id);
        if (s == 0) rate(b, end, 1, WORDS);
    }
}

static void forks(bench *b) {
    for (int readers = 1; readers <= 5; readers++)
        for (int s = 0; s < STALLS; s = next_stall(b, s, readers)) fork_bench(b, readers, s);
}

/* Words of an AXI4-Stream with TLAST on top: garbage above the elements when `junk`, TLAST of word `wrong`
 * turned. */
static void axis_file(bench *b, const char *name, uint64_t seed, int bits, int words, bool junk, int wrong) {
    FILE *f = bench_open(b->dir, name);
    const int total = (bits + 7) / 8 * 8;
    for (int i = 0; i < WORDS; i++) {
        int64_t lane[MAX_LANES];
        for (int k = 0; k < total; k++) lane[k] = k < bits ? (int64_t)bench_random(&seed) : junk;
        lane[total] = (i % words == words - 1) ^ (i == wrong);
        bench_word(f, lane, total + 1, 1);
    }
    bench_close(f);
}

/* AXI in to AXI out: padding becomes zero, TLAST stands where it belongs even if it did not on the way in. */
static void axis(bench *b, int lanes, int w, int words, int wrong, int s) {
    char id[ID], in_file[NAME], out_file[NAME];
    const int total = (lanes * w + 7) / 8 * 8;
    const uint64_t seed = bench_random(&b->random);
    snprintf(id, sizeof id, "axis_%d_%d_%d_%d", lanes, w, words, s);
    snprintf(in_file, sizeof in_file, "%s_i.mem", id);
    snprintf(out_file, sizeof out_file, "%s_o.mem", id);
    axis_file(b, in_file, seed, lanes * w, words, true, wrong);
    axis_file(b, out_file, seed, lanes * w, words, false, -1);
    source(b, id, in_file, total + 1, WORDS, stalls[s][0]);
    sink(b, id, out_file, total + 1, WORDS, stalls[s][1]);
    fprintf(
        b->tb,
        "    logic %s_v, %s_r, %s_wrong; logic [%d:0] %s_d;\n"
        "    ss_axis_in #(.LANES(%d), .W(%d), .WORDS(%d)) %s_in (.clk(clk), .rst(rst), .tvalid(%s_iv),\n"
        "        .tready(%s_ir), .tdata(%s_id[%d:0]), .tlast(%s_id[%d]), .out_valid(%s_v), "
        ".out_ready(%s_r),\n"
        "        .out_data(%s_d), .misplaced(%s_wrong));\n"
        "    ss_axis_out #(.LANES(%d), .W(%d), .WORDS(%d)) %s_out (.clk(clk), .rst(rst), .in_valid(%s_v),\n"
        "        .in_ready(%s_r), .in_data(%s_d), .tvalid(%s_ov), .tready(%s_or),\n"
        "        .tdata(%s_od[%d:0]), .tlast(%s_od[%d]));\n"
        "    always @(posedge clk)\n"
        "        if (!rst && done && %s_wrong != 1'b%d) $fatal(1, \"%s: misplaced is %%b\", %s_wrong);\n",
        id, id, id, lanes * w - 1, id, lanes, w, words, id, id, id, id, total - 1, id, total, id, id, id, id,
        lanes, w, words, id, id, id, id, id, id, id, total - 1, id, total, id, wrong >= 0, id, id);
    if (s == 0) rate(b, id, 3, WORDS + 2);
}

static void axes(bench *b) {
    static const int shapes[][4] = { { 3, 8, 10, -1 }, { 1, 16, 1, -1 },  { 3, 5, 50, -1 },
                                     { 1, 1, 7, 4 },   { 4, 12, 25, 24 }, { 5, 3, 30, 0 } };
    for (int i = 0; i < 6; i++)
        for (int s = 0; s < STALLS; s = next_stall(b, s, i))
            axis(b, shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3], s);
}

/* A tap on a stalling stream; bench.cpp prints its words, the script compares with the file `taps`. */
static void tap(bench *b, int id_number, int width) {
    char id[ID], file[NAME];
    snprintf(id, sizeof id, "tap_%d", width);
    snprintf(file, sizeof file, "tap_%d.mem", width);
    FILE *mem = bench_open(b->dir, file), *taps = bench_open(b->dir, id);
    for (int i = 0; i < WORDS; i++) {
        const int64_t word[2] = { (int64_t)bench_random(&b->random) >> (64 - width / 2),
                                  (int64_t)bench_random(&b->random) >> (64 - width / 2) };
        bench_word(mem, word, 2, width / 2);
        for (int c = 0; c * 32 < width; c++) {
            uint32_t bits = 0;
            for (int k = c * 32; k < c * 32 + 32 && k < width; k++)
                bits |= (uint32_t)((uint64_t)word[k / (width / 2)] >> (k % (width / 2)) & 1) << (k % 32);
            fprintf(taps, "tap %d chunk %d %08x\n", id_number, c, bits);
        }
    }
    bench_close(mem);
    bench_close(taps);
    source(b, id, file, width, WORDS, 60);
    sink(b, id, file, width, WORDS, 60);
    fprintf(b->tb, "    assign %s_ov = %s_iv; assign %s_ir = %s_or; assign %s_od = %s_id;\n", id, id, id, id,
            id, id);
    fprintf(b->tb,
            "    ss_tap #(.ID(%d), .WIDTH(%d)) %s (.clk(clk), .rst(rst), .valid(%s_ov), .ready(%s_or), "
            ".data(%s_od));\n",
            id_number, width, id, id, id, id);
}

static void taps(bench *b) {
    static const int sizes[] = { 6, 32, 34, 96 };
    for (int i = 0; i < 4; i++) tap(b, 5 + i, sizes[i]);
    FILE *f = bench_open(b->dir, "taps.cpp");
    fprintf(f, "#include <cstdio>\n"
               "extern \"C\" void ss_tap_word(int id, int chunk, int bits)\n"
               "{\n    std::printf(\"tap %%d chunk %%d %%08x\\n\", id, chunk, (unsigned)bits);\n}\n");
    bench_close(f);
}

/* Written again, in its place, once the sinks are counted. */
static void head(bench *b) {
    fseek(b->tb, 0, SEEK_SET);
    fprintf(b->tb,
            "module tb (input logic clk, input logic rst, output logic done, output logic [31:0] errors);\n"
            "    localparam SINKS = %6d;\n"
            "    logic [SINKS-1:0] done_; logic [SINKS*32-1:0] errors_;\n",
            b->sinks);
}

static void tail(bench *b) {
    fprintf(b->tb, "    integer i;\n"
                   "    assign done = &done_;\n"
                   "    always @(errors_) begin\n        errors = 0;\n"
                   "        for (i = 0; i < SINKS; i = i + 1) errors = errors + errors_[i*32 +: 32];\n"
                   "    end\nendmodule\n");
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: gen_plumb DIR\n");
        return 2;
    }
    bench b = { argv[1], bench_open(argv[1], "tb.sv"), bench_open(argv[1], "rates"), 0,
                1,       getenv("RTL_FULL") != NULL };
    head(&b);
    slices(&b);
    fifos(&b);
    widths(&b);
    forks(&b);
    axes(&b);
    taps(&b);
    tail(&b);
    head(&b);
    bench_close(b.rates);
    bench_close(b.tb);
    return 0;
}
