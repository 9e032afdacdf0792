/* fold: a random convolution engine for the test benches: its folding, weights and biases, its memory images as
 * docs/hardware.md lays them out, and its beats. */
#ifndef SS_FOLD_H
#define SS_FOLD_H

#include "bench.h"
#include "quant/quant.h"

typedef struct {
    int w, k, gr, ci, co, m, crossbar, passes, steps, folds;
    const char *style; /* of the weights */
    /* filled in by fold_weights: */
    int acc, pre;
    int64_t *weights; /* [filters][channels of a group][k] */
    int64_t *bias;    /* [filters] */
} fold;

static inline int fold_streams(const fold *f) { return f->gr * f->ci; }
static inline int fold_lanes(const fold *f) { return f->gr * f->co; }
static inline int fold_channels(const fold *f) { return f->steps * f->ci; }         /* of a group */
static inline int fold_filters(const fold *f) { return f->passes * f->gr * f->folds * f->co; }
static inline int fold_words(const fold *f) { return f->passes * f->steps; }        /* windows of a pixel */
static inline bool fold_sparse(const fold *f) { return f->crossbar && f->m < f->k; }

/* Filter of output lane l in pass p, fold d; channel within the group of stream i in step s. */
static inline int fold_filter(const fold *f, int p, int d, int l)
{
    return (p * f->gr + l / f->co) * f->folds * f->co + d * f->co + l % f->co;
}
static inline int fold_channel(const fold *f, int s, int i) { return s * f->ci + i % f->ci; }

static inline int64_t fold_weight(const fold *f, int p, int s, int d, int i, int o, int k)
{
    const int filter = fold_filter(f, p, d, i / f->ci * f->co + o);
    return f->weights[((int64_t)filter * fold_channels(f) + fold_channel(f, s, i)) * f->k + k];
}

/* Random weights, extreme ones among them, and the exact width of the accumulator. */
static inline void fold_weights(fold *f, int extreme, uint64_t *random)
{
    const int filters = fold_filters(f), taps = fold_channels(f) * f->k;
    const int64_t top = ((int64_t)1 << (f->w - 1)) - 1;
    int64_t lo = 0, hi = 0;
    f->weights = malloc((size_t)filters * (size_t)taps * sizeof *f->weights);
    f->bias = malloc((size_t)filters * sizeof *f->bias);
    if (!f->weights || !f->bias) exit(2);
    for (int n = 0; n < filters; n++) {
        int64_t norm = 0;
        for (int t = 0; t < taps; t++) {
            int64_t v = (int64_t)(bench_random(random) % (uint64_t)(2 * top + 1)) - top;
            if (extreme) v = v < 0 ? -top : top;
            f->weights[n * taps + t] = v;
            norm += v < 0 ? -v : v;
        }
        f->bias[n] = (int64_t)(bench_random(random) % (uint64_t)(2 * top * top + 1)) - top * top;
        const int64_t reach = norm * (top + 1) + (f->bias[n] < 0 ? -f->bias[n] : f->bias[n]);
        if (reach > hi) hi = reach;
        if (-reach < lo) lo = -reach;
    }
    f->acc = ss_bits_for(lo, hi);
    f->pre = f->acc > 27 ? f->acc - 27 : 0;
}

/* ---- memory images ---- */

typedef struct { /* an image, and after it the words that load it: rows in whole 64-bit words */
    FILE *image, *load;
    int64_t load_words;
} fold_files;

static inline void fold_row(fold_files *out, const int64_t *lane, int lanes, int w)
{
    bench_word(out->image, lane, lanes, w);
    if (!out->load) return;
    for (int bit = 0; bit < lanes * w; bit += 64, out->load_words++) {
        uint64_t word = 0;
        for (int b = bit; b < bit + 64 && b < lanes * w; b++)
            word |= ((uint64_t)lane[b / w] >> (b % w) & 1) << (b - bit);
        const int64_t v = (int64_t)word;
        bench_word(out->load, &v, 1, 64);
    }
}

/* Elements of one row of the dense or of the shared crossbar memory. */
static inline void fold_image_rows(const fold *f, fold_files *out)
{
    const int sparse = fold_sparse(f), width = sparse ? f->k : f->m, beats = sparse ? 1 : f->k / f->m;
    const int lanes = fold_streams(f) * f->co * width;
    int64_t *lane = malloc((size_t)lanes * sizeof *lane);
    if (!lane) exit(2);
    for (int p = 0; p < f->passes; p++)
        for (int s = 0; s < f->steps; s++)
            for (int d = 0; d < f->folds; d++)
                for (int b = 0; b < beats; b++) {
                    for (int e = 0; e < lanes; e++)
                        lane[e] = fold_weight(f, p, s, d, e / width / f->co, e / width % f->co, b * width + e % width);
                    fold_row(out, lane, lanes, f->w);
                }
    free(lane);
}

/* M = 1: the memory of stream i. */
static inline void fold_image_stream(const fold *f, int i, fold_files *out)
{
    int64_t *lane = malloc((size_t)f->co * sizeof *lane);
    if (!lane) exit(2);
    for (int p = 0; p < f->passes; p++)
        for (int s = 0; s < f->steps; s++)
            for (int d = 0; d < f->folds; d++)
                for (int k = 0; k < f->k; k++) {
                    for (int o = 0; o < f->co; o++) lane[o] = fold_weight(f, p, s, d, i, o, k);
                    fold_row(out, lane, f->co, f->w);
                }
    free(lane);
}

/* NAME.weights.mem or NAME.weights_I.mem, NAME.bias.mem; NAME.load.mem when the weights are in UltraRAM. Returns the
 * words of the last. */
static inline int64_t fold_images(const fold *f, const char *dir, const char *name)
{
    char file[128];
    const int split = fold_sparse(f) && f->m == 1;
    fold_files out = { 0 };
    snprintf(file, sizeof file, "%s.load.mem", name);
    if (f->style[0] == 'u') out.load = bench_open(dir, file);
    for (int i = 0; i < (split ? fold_streams(f) : 1); i++) {
        if (split) snprintf(file, sizeof file, "%s.weights_%d.mem", name, i);
        else snprintf(file, sizeof file, "%s.weights.mem", name);
        out.image = bench_open(dir, file);
        if (split) fold_image_stream(f, i, &out);
        else fold_image_rows(f, &out);
        bench_close(out.image);
    }
    if (out.load) bench_close(out.load);

    int64_t *lane = malloc((size_t)fold_lanes(f) * sizeof *lane);
    if (!lane) exit(2);
    snprintf(file, sizeof file, "%s.bias.mem", name);
    FILE *bias = bench_open(dir, file);
    for (int row = 0; row < f->passes * f->folds; row++) {
        for (int l = 0; l < fold_lanes(f); l++)
            lane[l] = f->bias[fold_filter(f, row / f->folds, row % f->folds, l)];
        bench_word(bias, lane, fold_lanes(f), f->acc);
    }
    bench_close(bias);
    free(lane);
    return out.load_words;
}

/* Beats of one fold of a window word: [stream][k]. */
static inline int fold_beats(const fold *f, const int64_t *window)
{
    if (!fold_sparse(f)) return f->k / f->m;
    int beats = 1;
    for (int i = 0; i < fold_streams(f); i++) {
        int n = 0;
        for (int k = 0; k < f->k; k++) n += window[i * f->k + k] != 0;
        if ((n + f->m - 1) / f->m > beats) beats = (n + f->m - 1) / f->m;
    }
    return beats;
}

static inline int fold_log2(int n)
{
    int bits = 0;
    while (1 << bits < n) bits++;
    return bits;
}

/* LATENCY of ss_conv_core; words of its result FIFO. */
static inline int fold_latency(const fold *f)
{
    return 5 + fold_log2(f->ci * f->m) + (fold_sparse(f) && f->m == 1);
}
/* Cycles that a window stands in ss_pick_ranked before its first beat. */
static inline int fold_ahead(const fold *f)
{
    return fold_sparse(f) && ((f->k >= 25 && f->m >= 4) || f->k > 64) ? 2 : 0;
}
static inline int fold_results(const fold *f)
{
    return 1 << fold_log2((f->steps > 1 ? f->folds : 1) + fold_latency(f) + 2);
}

/* ---- the bench around convolutions ---- */

/* The top of a bench with `sinks` sinks; sink i raises done_[i] and counts errors_[i*32 +: 32]. */
static inline void fold_begin(FILE *tb, int sinks)
{
    fprintf(tb, "module tb (input logic clk, input logic rst, output logic done, output logic [31:0] errors);\n"
                "    logic [%d:0] done_; logic [%d:0] errors_;\n", sinks - 1, sinks * 32 - 1);
}

static inline void fold_end(FILE *tb, int sinks)
{
    fprintf(tb, "    integer n;\n    assign done = &done_;\n    always_comb begin\n        errors = 0;\n"
                "        for (n = 0; n < %d; n = n + 1) errors = errors + errors_[n*32 +: 32];\n    end\nendmodule\n", sinks);
}

typedef struct {
    const char *id, *file; /* of the instance; FILE.in.mem, FILE.out.mem, FILE.load.mem */
    int in_width, in_words, out_width, out_words, in_stall, out_stall;
    int64_t load_words;    /* 0: nothing to load */
} fold_port;

/* Source, sink and loader of instance number i; the ends wait until the weights are loaded. */
static inline void fold_ends(FILE *tb, const fold_port *p, int i)
{
    fprintf(tb,
            "    logic %1$s_iv, %1$s_ir, %1$s_ov, %1$s_or, %1$s_loaded; logic [65:0] %1$s_load, %1$s_passed;\n"
            "    logic [%2$d:0] %1$s_i; logic [%3$d:0] %1$s_o; logic [31:0] %1$s_first, %1$s_last;\n",
            p->id, p->in_width - 1, p->out_width - 1);
    fprintf(tb,
            "    tb_source #(.WIDTH(%3$d), .WORDS(%4$d), .FILE(\"%2$s.in.mem\"), .SEED(%5$d), .STALL(%6$d)) %1$s_source\n"
            "        (.clk(clk), .rst(rst || !%1$s_loaded), .valid(%1$s_iv), .ready(%1$s_ir), .data(%1$s_i));\n",
            p->id, p->file, p->in_width, p->in_words, 2 * i + 1, p->in_stall);
    fprintf(tb,
            "    tb_sink #(.WIDTH(%3$d), .WORDS(%4$d), .FILE(\"%2$s.out.mem\"), .SEED(%5$d), .STALL(%6$d), .NAME(\"%1$s\"))\n"
            "        %1$s_sink (.clk(clk), .rst(rst || !%1$s_loaded), .valid(%1$s_ov), .ready(%1$s_or), .data(%1$s_o),\n"
            "        .done(done_[%7$d]), .errors(errors_[%8$d +: 32]), .first(%1$s_first), .last(%1$s_last));\n",
            p->id, p->file, p->out_width, p->out_words, 2 * i + 2, p->out_stall, i, i * 32);
    if (p->load_words)
        fprintf(tb,
                "    tb_load #(.WORDS(%3$d), .FILE(\"%2$s.load.mem\")) %1$s_loader\n"
                "        (.clk(clk), .rst(rst), .load(%1$s_load));\n",
                p->id, p->file, (int)p->load_words);
    else fprintf(tb, "    assign %s_load = 66'b0;\n", p->id);
}

/* The ports of ss_conv and of ss_conv_core, connected. */
static inline void fold_connect(FILE *tb, const char *id)
{
    fprintf(tb,
            "%1$s_dut (.clk(clk), .rst(rst),\n"
            "        .in_valid(%1$s_iv), .in_ready(%1$s_ir), .in_data(%1$s_i), .out_valid(%1$s_ov), .out_ready(%1$s_or),\n"
            "        .out_data(%1$s_o), .load_in(%1$s_load), .load_out(%1$s_passed), .loaded(%1$s_loaded));\n", id);
}

#endif
