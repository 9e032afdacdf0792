/* Test bench of the broadcast engine, ss_broadcast_core: random foldings with random weights and pixels of every density, once
 * without stalls, when the cycle of the last result must be exact, and once with random ones at both ends. And of
 * ss_product2 with ss_unpack2: all operand values (argv[2] = "products").
 * argv[3]: every how many of the variants (1). expect.txt lists what the bench prints about cycles. */
#include <string.h>

#include "broadcast.h"

typedef struct {
    const char *dir;
    FILE *tb, *expect;
    int sinks;
    uint64_t random;
} bench;

#define FOLD(w, k, lanes, co, passes, steps, folds, style) { w, k, 1, lanes, co, 1, 1, passes, steps, folds, style, 0, 0, 0, 0 }
/* Kernels of 1 to 49 positions, every kind of memory, packed and single multipliers, every counter at 1 and above; joins
 * as wide as the lanes and narrower, few and many places. */
static const broadcast variants[] = {
    { FOLD(16, 9, 1, 2, 1, 2, 2, "block"), 1, 2, 0, 2, 0, 0 },       { FOLD(8, 9, 1, 4, 1, 3, 2, "block"), 2, 4, 0, 2, 0, 0 },
    { FOLD(8, 9, 2, 4, 1, 2, 3, "distributed"), 3, 2, 0, 2, 2, 0 },  { FOLD(16, 9, 2, 3, 1, 2, 1, "block"), 2, 3, 0, 2, 4, 0 },
    { FOLD(16, 1, 4, 2, 1, 4, 2, "block"), 1, 1, 0, 2, 0, 0 },       { FOLD(8, 1, 2, 2, 1, 6, 1, "distributed"), 1, 2, 0, 1, 1, 0 },
    { FOLD(16, 1, 1, 1, 1, 1, 1, "distributed"), 1, 1, 0, 1, 0, 0 }, { FOLD(8, 9, 1, 2, 3, 2, 2, "block"), 9, 2, 0, 2, 0, 0 },
    { FOLD(8, 25, 1, 3, 1, 2, 2, "block"), 4, 1, 0, 1, 0, 1 },       { FOLD(8, 49, 1, 2, 1, 1, 3, "block"), 7, 2, 0, 2, 0, 0 },
    { FOLD(16, 9, 2, 2, 1, 3, 2, "ultra"), 2, 2, 0, 2, 0, 3 },       { FOLD(8, 4, 1, 8, 2, 2, 2, "ultra"), 2, 2, 0, 2, 3, 0 },
    { FOLD(16, 4, 3, 4, 1, 5, 9, "block"), 1, 1, 0, 3, 0, 0 },       { FOLD(8, 9, 1, 2, 1, 8, 1, "block"), 1, 2, 0, 2, 0, 0 },
    { FOLD(8, 2, 3, 1, 1, 2, 4, "distributed"), 2, 1, 0, 1, 2, 2 },  { FOLD(16, 9, 1, 1, 1, 4, 1, "block"), 4, 1, 0, 9, 0, 40 },
    { FOLD(8, 3, 1, 6, 4, 1, 1, "distributed"), 1, 6, 0, 2, 0, 0 },  { FOLD(8, 7, 1, 2, 1, 20, 2, "block"), 5, 2, 0, 1, 0, 0 },
    { FOLD(16, 5, 1, 4, 1, 1, 20, "block"), 5, 1, 0, 2, 0, 0 },      { FOLD(8, 9, 3, 2, 2, 2, 1, "block"), 4, 2, 0, 2, 8, 0 },
    { FOLD(8, 9, 1, 256, 1, 2, 1, "block"), 1, 16, 0, 8, 32, 4 },    { FOLD(16, 4, 4, 2, 1, 3, 2, "block"), 3, 1, 0, 2, 32, 40 },
    { FOLD(16, 9, 2, 2, 2, 7, 2, "block"), 6, 2, 0, 2, 0, 0 },       { FOLD(8, 9, 1, 4, 1, 21, 1, "ultra"), 8, 2, 0, 2, 4, 0 },
    { FOLD(16, 9, 2, 3, 1, 11, 1, "block"), 9, 3, 0, 3, 2, 0 },      { FOLD(8, 25, 1, 2, 2, 5, 2, "distributed"), 10, 2, 0, 2, 2, 0 },
    { FOLD(16, 9, 2, 6, 2, 3, 3, "block"), 5, 2, 7, 2, 0, 0 },      { FOLD(8, 9, 1, 4, 1, 5, 2, "distributed"), 4, 2, 3, 2, 2, 3 },
    { FOLD(8, 9, 2, 3, 1, 2, 4, "ultra"), 2, 1, 10, 2, 0, 0 },      { FOLD(16, 1, 4, 5, 1, 3, 2, "block"), 1, 1, 6, 2, 4, 0 },
    { FOLD(16, 4, 1, 2, 1, 9, 3, "ultra"), 2, 1, 0, 2, 0, 0 },       { FOLD(8, 9, 2, 2, 1, 10, 1, "block"), 3, 2, 0, 2, 2, 0 },
};
enum { VARIANTS = sizeof variants / sizeof variants[0], PIXELS = 24 };

/* Element of a pixel. Pixels 0 to 3 are all zero, pixel 4 all extremes, the densities of the others run from 0 to 100 %. */
static int64_t element(bench *b, int w, int pixel)
{
    const int64_t top = (int64_t)1 << (w - 1);
    const uint64_t r = bench_random(&b->random);
    if (pixel < 4) return 0;
    if (pixel == 4) return -top;
    if ((r >> 32) % PIXELS > (uint64_t)pixel) return 0;
    return r % 8 == 0 ? top - 1 : r % 8 == 1 ? -top : (int64_t)(r % (uint64_t)(2 * top)) - top;
}

/* What the engine must make of all window words of a pixel, [word][lane][k]. */
static void results(const broadcast *v, const int64_t *pixel, FILE *out)
{
    const fold *f = &v->fold;
    int64_t result[512];
    for (int p = 0; p < f->passes; p++)
        for (int o = 0; o < f->folds * f->co; o++) {
            int64_t sum = f->bias[fold_filter(f, p, o / f->co, o % f->co)];
            for (int s = 0; s < f->steps; s++)
                for (int i = 0; i < f->ci; i++)
                    for (int k = 0; k < f->k; k++)
                        sum += fold_weight(f, p, s, o / f->co, i, o % f->co, k) *
                               pixel[((p * f->steps + s) * f->ci + i) * f->k + k];
            result[o % v->sums] = sum >> f->pre;
            if (o % v->sums == v->sums - 1 && o / v->sums < broadcast_keep(v)) bench_word(out, result, v->sums, f->acc - f->pre);
        }
}

/* Input and output files; returns the non-zeros of every word and stream. */
static int *words(bench *b, const broadcast *v, const char *name)
{
    const fold *f = &v->fold;
    const int row = f->ci * f->k, streams = broadcast_streams(v);
    char file[64];
    int *nonzeros = calloc((size_t)(PIXELS * fold_words(f) * streams), sizeof *nonzeros);
    int64_t *pixel = malloc((size_t)(fold_words(f) * row) * sizeof *pixel);
    if (!pixel || !nonzeros) exit(2);
    snprintf(file, sizeof file, "%s.in.mem", name);
    FILE *in = bench_open(b->dir, file);
    snprintf(file, sizeof file, "%s.out.mem", name);
    FILE *out = bench_open(b->dir, file);
    for (int n = 0; n < PIXELS; n++) {
        for (int e = 0; e < fold_words(f) * row; e++) {
            const int stream = e % row / f->k * v->p + broadcast_part(v, e / row % f->steps, e % f->k);
            pixel[e] = element(b, f->w, n);
            nonzeros[(n * fold_words(f) + e / row) * streams + stream] += pixel[e] != 0;
        }
        for (int word = 0; word < fold_words(f); word++) bench_word(in, pixel + word * row, row, f->w);
        results(v, pixel, out);
    }
    bench_close(in);
    bench_close(out);
    free(pixel);
    return nonzeros;
}

/* The engine between a source and a sink; without stalls it says when its last result came. */
static void instance(bench *b, const broadcast *v, const char *name, int64_t load_words, int stalled)
{
    const fold *f = &v->fold;
    const int i = b->sinks++;
    char id[80];
    snprintf(id, sizeof id, "%s_%s", name, stalled ? "stalled" : "free");
    const fold_port port = {
        id, name, f->ci * f->k * f->w, PIXELS * fold_words(f), v->sums * (f->acc - f->pre),
        PIXELS * f->passes * broadcast_keep(v), stalled ? 60 + i * 7 % 160 : 0, stalled ? 40 + i * 31 % 180 : 0, load_words,
    };
    fold_ends(b->tb, &port, i);
    fprintf(b->tb,
            "    ss_broadcast_core #(.W(%d), .K(%d), .LANES(%d), .P(%d), .CO(%d), .SUMS(%d), .PASSES(%d), .STEPS(%d),\n"
            "        .FOLDS(%d), .KEEP(%d), .ACC(%d), .PRE(%d), .LISTS(%d), .QUEUE(%d), .RESULTS(%d), .WEIGHT_STYLE(\"%s\"),\n"
            "        .WEIGHT_FILE(\"%s.weights\"), .BIAS_FILE(\"%s.bias.mem\"), .ROM_STYLE(\"%s\")) ",
            f->w, f->k, f->ci, v->p, f->co, v->sums, f->passes, f->steps, f->folds, broadcast_keep(v), f->acc, f->pre, v->lists, v->queue,
            broadcast_results(v), f->style, name, name, i % 3 ? "distributed" : "block");
    fold_connect(b->tb, id);
    if (!stalled)
        fprintf(b->tb, "    logic %1$s_shown = 1'b0;\n"
                       "    always_ff @(posedge clk) if (!rst && done && !%1$s_shown) begin\n"
                       "        %1$s_shown <= 1'b1;\n"
                       "        $display(\"%1$s last %%0d\", %1$s_last);\n    end\n", id);
}

static void variant(bench *b, int number)
{
    broadcast v = variants[number];
    char name[32];
    snprintf(name, sizeof name, "broadcast_%d", number);
    fold_weights(&v.fold, number % 4 == 3, &b->random);
    const int64_t load_words = broadcast_images(&v, 1, b->dir, name);
    int *nonzeros = words(b, &v, name);
    instance(b, &v, name, load_words, 0);
    instance(b, &v, name, load_words, 1);
    int64_t busy;
    const int64_t last = broadcast_cycles(&v, nonzeros, PIXELS * v.fold.passes, &busy);
    fprintf(b->expect, "%s_free last %lld\n", name, (long long)last);
    printf("%s: busiest stream %lld of %lld cycles\n", name, (long long)busy, (long long)last);
    free(nonzeros);
    free(v.fold.weights);
    free(v.fold.bias);
}

static void engines(bench *b, int every)
{
    b->expect = bench_open(b->dir, "expect.txt");
    int sinks = 0;
    for (int v = 0; v < VARIANTS; v += every) sinks += 2;
    fold_begin(b->tb, sinks);
    for (int v = 0; v < VARIANTS; v += every) variant(b, v);
    fold_end(b->tb, sinks);
    bench_close(b->expect);
}

/* All values of the operands, 64 in each cycle: one for each value of the low bits of w1. */
static void products(FILE *tb)
{
    fprintf(tb,
            "module tb (input logic clk, input logic rst, output logic done, output logic [31:0] errors);\n"
            "    logic [18:0] at;\n    logic [63:0] wrong;\n    integer n;\n"
            "    always_comb begin\n        errors = 0;\n"
            "        for (n = 0; n < 64; n = n + 1) errors = errors + 32'(wrong[n]);\n    end\n"
            "    assign done = at[18];\n"
            "    always_ff @(posedge clk) if (rst) at <= 0; else if (!done) at <= at + 1'b1;\n"
            "    genvar i;\n    generate\n        for (i = 0; i < 64; i = i + 1) begin : g_case\n"
            "            logic [7:0] a, w0, w1;\n            logic [33:0] p;\n            logic [15:0] low, high;\n"
            "            assign {a, w0, w1} = {at[17:0], 6'(i)};\n"
            "            ss_product2 u_product (.a(a), .w0(w0), .w1(w1), .p(p));\n"
            "            ss_unpack2 #(.ACC(16)) u_unpack (.packed_sum(p), .turns(p[17]), .low(low), .high(high));\n"
            "            always_ff @(posedge clk)\n                if (rst) wrong[i] <= 1'b0;\n"
            "                else if ($signed(low) != 16'($signed(a)) * 16'($signed(w0)) ||\n"
            "                         $signed(high) != 16'($signed(a)) * 16'($signed(w1))) wrong[i] <= 1'b1;\n"
            "        end\n    endgenerate\nendmodule\n");
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) return 2;
    bench b = { .dir = argv[1], .random = 1 };
    b.tb = bench_open(b.dir, "tb.sv");
    if (strcmp(argv[2], "products") == 0) products(b.tb);
    else engines(&b, argc > 3 ? atoi(argv[3]) : 1);
    bench_close(b.tb);
    return 0;
}
