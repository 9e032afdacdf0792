/* Test bench of the memories: every style, widths around the words of the load stream, depths from one row on. The judges
 * are in memory_cases.sv; this program instantiates them and writes the images, among them the load streams, which it
 * cuts into words of 64 bits itself. */
#include "bench.h"

enum { MAX_ELEMENTS = 64 };
typedef struct {
    int elements, w, depth; /* a row is `elements` of `w` bits, at most 32 */
} shape;

typedef struct {
    const char *dir;
    FILE *tb;
    int cases, chains;
    uint64_t random;
} bench;

static const shape shapes[] = { { 1, 1, 2 },  { 1, 8, 1 },   { 1, 17, 3 },  { 2, 30, 16 }, { 2, 32, 33 },
                                { 5, 13, 5 }, { 9, 16, 64 }, { 36, 8, 12 }, { 64, 16, 7 } };
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* Memories of a chain, by their shape; negative: a block memory of shape -1-i, which takes no words. */
static const int chains[][6] = { { 3, 99 }, { 1, 4, 99 }, { 5, -3, 0, 8, 7, 99 }, { 1, 1, 1, 1, 1, 99 }, { -1, 6, 2, 99 } };
enum { CHAINS = sizeof chains / sizeof chains[0], END = 99 };

static int width(shape s) { return s.elements * s.w; }

/* Random rows into an image; into the load stream too when there is one. Returns the words of the load stream. */
static int image(bench *b, const char *name, shape s, FILE *load)
{
    FILE *f = bench_open(b->dir, name);
    const int words = (width(s) + 63) / 64;
    for (int row = 0; row < s.depth; row++) {
        int64_t lane[MAX_ELEMENTS];
        uint64_t word[MAX_ELEMENTS] = { 0 };
        for (int e = 0; e < s.elements; e++) {
            const uint64_t value = bench_random(&b->random) & (((uint64_t)1 << s.w) - 1);
            const int at = e * s.w;
            lane[e] = (int64_t)value;
            word[at / 64] |= value << at % 64;
            if (at % 64 + s.w > 64) word[at / 64 + 1] |= value >> (64 - at % 64);
        }
        bench_word(f, lane, s.elements, s.w);
        for (int i = 0; load && i < words; i++) fprintf(load, "%016llx\n", (unsigned long long)word[i]);
    }
    bench_close(f);
    return load ? words * s.depth : 0;
}

static void begin_case(bench *b, const char *module, shape s, const char *style)
{
    fprintf(b->tb, "    %s #(.WIDTH(%d), .DEPTH(%d), .STYLE(\"%s\"), .SEED(%d), .NAME(\"%s %d x %d %s\")", module, width(s),
            s.depth, style, b->cases, module, s.depth, width(s), style);
}

static void end_case(bench *b)
{
    fprintf(b->tb, " .clk(clk), .rst(rst), .errors(errors_[%d +: 32]));\n", 32 * b->cases);
    b->cases++;
}

static void roms_and_rams(bench *b)
{
    static const char *const styles[] = { "distributed", "block", "ultra" };
    for (int i = 0; i < SHAPES; i++) {
        char name[32];
        snprintf(name, sizeof name, "rom%d.mem", i);
        image(b, name, shapes[i], NULL);
        for (int style = 0; style < 3; style++) {
            begin_case(b, "ram_case", shapes[i], styles[style]);
            fprintf(b->tb, ") ram%d_%d (", i, style);
            end_case(b);
            if (style == 2) continue;
            begin_case(b, "rom_case", shapes[i], styles[style]);
            fprintf(b->tb, ", .FILE(\"%s\")) rom%d_%d (", name, i, style);
            end_case(b);
        }
    }
}

static void chain(bench *b, const int *memories)
{
    const int c = b->chains++;
    char name[32];
    snprintf(name, sizeof name, "load%d.mem", c);
    FILE *load = bench_open(b->dir, name);
    int n = 0, ultra = 0, words = 0;
    for (; memories[n] != END; n++) ultra += memories[n] >= 0;
    fprintf(b->tb, "    logic [65:0] bus%d_0; logic [%d:0] loaded%d; logic active%d;\n", c, n - 1, c, c);
    for (int i = 0; i < n; i++) {
        const shape s = shapes[memories[i] < 0 ? -1 - memories[i] : memories[i]];
        char rows[32];
        snprintf(rows, sizeof rows, "chain%d_%d.mem", c, i);
        words += image(b, rows, s, memories[i] < 0 ? NULL : load);
        fprintf(b->tb, "    logic [65:0] bus%d_%d;\n", c, i + 1);
        begin_case(b, "weights_case", s, memories[i] < 0 ? "block" : "ultra");
        fprintf(b->tb, ", .FILE(\"%s\"))\n        chain%d_%d (.active(active%d), .load_in(bus%d_%d), .load_out(bus%d_%d), "
                ".loaded(loaded%d[%d]),", rows, c, i, c, c, i, c, i + 1, c, i);
        end_case(b);
    }
    bench_close(load);
    fprintf(b->tb, "    load_case #(.WORDS(%d), .CUT(%d), .EXTRA(%d), .ULTRA(%d), .SEED(%d), .STALL(%d), .NAME(\"chain %d\"), "
            ".FILE(\"%s\"))\n        play%d (.load(bus%d_0), .load_end(bus%d_%d), .loaded(&loaded%d), .active(active%d), "
            ".done(done_[%d]),", words, words / 2, 3, ultra, b->cases, c % 2 ? 0 : 100, c, name, c, c, c, n, c, c, c);
    end_case(b);
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    bench b = { .dir = argv[1], .tb = bench_open(argv[1], "tb.sv"), .random = 7 };
    const int most = 5 * SHAPES + 6 * CHAINS;
    fprintf(b.tb, "module tb (input logic clk, input logic rst, output logic done, output logic [31:0] errors);\n"
                  "    logic [%d:0] errors_; logic [%d:0] done_;\n", 32 * most - 1, CHAINS - 1);
    roms_and_rams(&b);
    for (int i = 0; i < CHAINS; i++) chain(&b, chains[i]);
    fprintf(b.tb, "    integer i;\n    always_comb begin\n        errors = 0;\n        for (i = 0; i < %d; i = i + 1) errors = "
                  "errors + errors_[32*i +: 32];\n    end\n    assign done = &done_;\nendmodule\n", b.cases);
    bench_close(b.tb);
    return 0;
}
