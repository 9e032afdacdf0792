/* Test bench of the engine, ss_conv_core: random foldings with random weights and windows of every density, once
 * without stalls, when the cycle of the last result must be exact, and some again with random ones at both ends.
 * argv[2]: every how many of the variants (1). expect.txt lists what the bench prints about cycles. */
#include "fold.h"

typedef struct {
    const char *dir;
    FILE *tb, *expect;
    int sinks;
    uint64_t random;
} bench;

/* w, k, gr, ci, co, m, crossbar, passes, steps, folds, style; kernels of 1 to 49 positions, every kind of engine and memory,
 * every counter at 1 and above. */
static const fold variants[] = {
    { 16, 9, 1, 1, 1, 3, 1, 1, 1, 1, "block", 0, 0, 0, 0 },        { 16, 9, 1, 1, 1, 1, 1, 1, 2, 2, "block", 0, 0, 0, 0 },
    { 8, 9, 1, 2, 2, 2, 1, 1, 2, 3, "distributed", 0, 0, 0, 0 },   { 8, 9, 1, 3, 2, 4, 1, 1, 1, 1, "block", 0, 0, 0, 0 },
    { 16, 9, 1, 2, 1, 9, 1, 1, 3, 2, "block", 0, 0, 0, 0 },        { 16, 9, 1, 1, 2, 3, 0, 1, 2, 2, "distributed", 0, 0, 0, 0 },
    { 8, 9, 1, 4, 1, 1, 0, 1, 1, 3, "block", 0, 0, 0, 0 },         { 8, 1, 1, 4, 4, 1, 0, 1, 4, 2, "block", 0, 0, 0, 0 },
    { 16, 1, 1, 1, 1, 1, 1, 1, 1, 1, "distributed", 0, 0, 0, 0 },  { 16, 9, 4, 1, 1, 2, 1, 3, 1, 1, "block", 0, 0, 0, 0 },
    { 8, 9, 2, 3, 2, 1, 1, 2, 1, 1, "distributed", 0, 0, 0, 0 },   { 8, 4, 3, 2, 1, 2, 0, 2, 1, 1, "block", 0, 0, 0, 0 },
    { 8, 25, 1, 1, 1, 4, 1, 1, 2, 2, "block", 0, 0, 0, 0 },        { 16, 7, 1, 1, 1, 5, 1, 1, 1, 1, "block", 0, 0, 0, 0 },
    { 8, 11, 1, 1, 1, 10, 1, 1, 1, 2, "block", 0, 0, 0, 0 },       { 16, 25, 1, 1, 2, 5, 0, 1, 2, 1, "block", 0, 0, 0, 0 },
    { 8, 49, 1, 1, 1, 4, 1, 1, 1, 2, "block", 0, 0, 0, 0 },        { 8, 49, 1, 1, 1, 1, 1, 1, 2, 1, "block", 0, 0, 0, 0 },
    { 16, 9, 1, 1, 1, 8, 1, 1, 1, 5, "block", 0, 0, 0, 0 },        { 16, 9, 1, 2, 2, 2, 1, 2, 2, 2, "ultra", 0, 0, 0, 0 },
    { 8, 9, 1, 3, 1, 1, 1, 1, 2, 3, "ultra", 0, 0, 0, 0 },         { 8, 2, 1, 1, 1, 1, 1, 1, 3, 2, "distributed", 0, 0, 0, 0 },
    { 8, 6, 1, 1, 3, 2, 0, 2, 2, 2, "ultra", 0, 0, 0, 0 },         { 8, 4, 1, 1, 1, 2, 1, 1, 2, 80, "block", 0, 0, 0, 0 },
    { 8, 66, 1, 1, 1, 1, 1, 1, 1, 2, "block", 0, 0, 0, 0 },       { 8, 72, 1, 1, 1, 9, 0, 1, 1, 1, "block", 0, 0, 0, 0 },
    { 16, 5, 1, 12, 1, 1, 1, 1, 1, 1, "block", 0, 0, 0, 0 },       { 16, 3, 1, 5, 1, 2, 1, 3, 2, 1, "block", 0, 0, 0, 0 },
};
enum { VARIANTS = sizeof variants / sizeof variants[0], PIXELS = 14 };

/* Element of a window. Pixel 0 is all zero, pixel 1 all extremes, the densities of the others run from 0 to 100 %. */
static int64_t element(bench *b, int w, int pixel)
{
    const int64_t top = (int64_t)1 << (w - 1);
    const uint64_t r = bench_random(&b->random);
    if (pixel == 0) return 0;
    if (pixel == 1) return -top;
    if ((r >> 32) % PIXELS > (uint64_t)pixel) return 0;
    return r % 8 == 0 ? top - 1 : r % 8 == 1 ? -top : (int64_t)(r % (uint64_t)(2 * top)) - top;
}

/* One result word: what the engine must make of all window words of a pixel, [word][stream][k]. */
static void results(const fold *f, const int64_t *pixel, FILE *out)
{
    const int streams = fold_streams(f), lanes = fold_lanes(f);
    int64_t lane[64];
    for (int p = 0; p < f->passes; p++)
        for (int d = 0; d < f->folds; d++) {
            for (int l = 0; l < lanes; l++) {
                int64_t sum = f->bias[fold_filter(f, p, d, l)];
                for (int s = 0; s < f->steps; s++)
                    for (int i = l / f->co * f->ci; i < (l / f->co + 1) * f->ci; i++)
                        for (int k = 0; k < f->k; k++)
                            sum += fold_weight(f, p, s, d, i, l % f->co, k) *
                                   pixel[((p * f->steps + s) * streams + i) * f->k + k];
                lane[l] = sum >> f->pre;
            }
            bench_word(out, lane, lanes, f->acc - f->pre);
        }
}

/* Input and output files; returns the engine's beats. */
static int64_t words(bench *b, const fold *f, const char *name)
{
    const int row = fold_streams(f) * f->k;
    char file[64];
    int64_t beats = 0, *pixel = malloc((size_t)(fold_words(f) * row) * sizeof *pixel);
    if (!pixel) exit(2);
    snprintf(file, sizeof file, "%s.in.mem", name);
    FILE *in = bench_open(b->dir, file);
    snprintf(file, sizeof file, "%s.out.mem", name);
    FILE *out = bench_open(b->dir, file);
    for (int n = 0; n < PIXELS; n++) {
        for (int e = 0; e < fold_words(f) * row; e++) pixel[e] = element(b, f->w, n);
        for (int word = 0; word < fold_words(f); word++) {
            bench_word(in, pixel + word * row, row, f->w);
            beats += f->folds * fold_beats(f, pixel + word * row);
        }
        results(f, pixel, out);
    }
    bench_close(in);
    bench_close(out);
    free(pixel);
    return beats;
}

/* The engine between a source and a sink; without stalls it says when its last result came. */
static void instance(bench *b, const fold *f, const char *name, int64_t load_words, int stalled)
{
    const int i = b->sinks++;
    char id[80];
    snprintf(id, sizeof id, "%s_%s", name, stalled ? "stalled" : "free");
    const fold_port port = {
        id, name, fold_streams(f) * f->k * f->w, PIXELS * fold_words(f), fold_lanes(f) * (f->acc - f->pre),
        PIXELS * f->passes * f->folds, stalled ? 100 : 0, stalled ? 40 + i * 31 % 180 : 0, load_words,
    };
    fold_ends(b->tb, &port, i);
    fprintf(b->tb,
            "    ss_conv_core #(.W(%d), .K(%d), .GR(%d), .CI(%d), .CO(%d), .M(%d), .CROSSBAR(%d), .PASSES(%d), .STEPS(%d),\n"
            "        .FOLDS(%d), .ACC(%d), .PRE(%d), .WEIGHT_STYLE(\"%s\"), .WEIGHT_FILE(\"%s.weights\"),\n"
            "        .BIAS_FILE(\"%s.bias.mem\"), .ROM_STYLE(\"%s\")) ",
            f->w, f->k, f->gr, f->ci, f->co, f->m, f->crossbar, f->passes, f->steps, f->folds, f->acc, f->pre, f->style,
            name, name, i % 3 ? "distributed" : "block");
    fold_connect(b->tb, id);
    if (!stalled)
        fprintf(b->tb, "    logic %1$s_shown = 1'b0;\n"
                       "    always_ff @(posedge clk) if (!rst && done && !%1$s_shown) begin\n"
                       "        %1$s_shown <= 1'b1;\n"
                       "        $display(\"%1$s last %%0d\", %1$s_last);\n    end\n", id);
}

/* Small engines are run with stalls too. */
static int stalls(int v) { return v % 2 == 0 && variants[v].k < 12; }

/* The first window stands at the engine in cycle 1 and its first beat is issued there; a result can be taken one cycle
 * after it went into the FIFO, three where that is block RAM. */
static void variant(bench *b, int v)
{
    fold f = variants[v];
    char name[32];
    snprintf(name, sizeof name, "engine_%d", v);
    fold_weights(&f, v % 4 == 3, &b->random);
    const int64_t load_words = fold_images(&f, b->dir, name);
    const int64_t beats = words(b, &f, name);
    instance(b, &f, name, load_words, 0);
    if (stalls(v)) instance(b, &f, name, load_words, 1);
    const int64_t last = 1 + fold_ahead(&f) + (beats - 1) + fold_latency(&f) + (fold_results(&f) > 64 ? 3 : 1);
    fprintf(b->expect, "%s_free last %lld\n", name, (long long)last);
    free(f.weights);
    free(f.bias);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) return 2;
    const int every = argc > 2 ? atoi(argv[2]) : 1;
    bench b = { .dir = argv[1], .random = 1 };
    b.tb = bench_open(b.dir, "tb.sv");
    b.expect = bench_open(b.dir, "expect.txt");
    int sinks = 0;
    for (int v = 0; v < VARIANTS; v += every) sinks += 1 + stalls(v);
    fold_begin(b.tb, sinks);
    for (int v = 0; v < VARIANTS; v += every) variant(&b, v);
    fold_end(b.tb, sinks);
    bench_close(b.tb);
    bench_close(b.expect);
    return 0;
}
