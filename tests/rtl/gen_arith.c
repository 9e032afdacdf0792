/* Test bench of requantisation, activation and add: parameters over their whole range, extreme values, against the
 * reference's own functions. Every variant runs once without stalls, where latency and rate are measured, and with stalls. */
#include "streams.h"

#include "quant/quant.h"

enum { WORDS = 160, LANES_MAX = 4, ROWS_MAX = 5, MULT_TOP = (1 << 17) - 1 };

typedef struct scale {
    int32_t mult;
    int shift;
} scale;

typedef struct variant {
    int w, lanes, rows, in; /* rows: of the table; 0: constants */
    bool negative;          /* LO < 0 */
    int shift_lo, shift_hi;
    scale constant;
    const char *style;
} variant;

static int32_t top(int w) { return (int32_t)((1u << (w - 1)) - 1); }
static int32_t least(int w, bool negative) { return negative ? -top(w) - 1 : 0; }

/* Half of the time a multiplier at an end of its range; some 0, which come with a shift of 1. */
static scale random_scale(streams *s, const variant *v)
{
    const int shift = (int)streams_between(s, v->shift_lo, v->shift_hi);
    switch (streams_between(s, 0, 7)) {
    case 0: return (scale){ 0, 1 };
    case 1: return (scale){ MULT_TOP, shift };
    case 2: return (scale){ 1 << 16, shift };
    default: return (scale){ (int32_t)streams_between(s, 1 << 16, MULT_TOP), shift };
    }
}

/* An accumulator whose result has the magnitude of an element: half of those made at random would saturate or vanish. */
static int64_t accumulator(streams *s, const variant *v, scale c)
{
    const int64_t most = ((int64_t)1 << (v->in - 1)) - 1;
    if (streams_between(s, 0, 1) || !c.mult) return streams_element(s, v->in);
    const int64_t y = streams_element(s, v->w + 1);
    int64_t x = c.shift < 45 - v->w ? y * ((int64_t)1 << c.shift) / c.mult : streams_element(s, v->in);
    x += streams_between(s, -2, 2);
    return x > most ? most : x < -most - 1 ? -most - 1 : x;
}

static void requantise(streams *s, const variant *v)
{
    scale table[ROWS_MAX][LANES_MAX];
    char in[40], out[40], file[40] = "";
    const int latency = v->rows ? 5 : v->constant.mult != 1 ? 3 : 1, id = s->sinks;
    for (int r = 0; r < ROWS_MAX; r++)
        for (int l = 0; l < LANES_MAX; l++) table[r][l] = v->rows ? random_scale(s, v) : v->constant;
    if (v->rows) {
        snprintf(file, sizeof file, "scale_%d", id);
        FILE *f = streams_file(s, file);
        strcat(file, ".mem");
        for (int r = 0; r < v->rows; r++) {
            int64_t lane[LANES_MAX];
            for (int l = 0; l < v->lanes; l++) lane[l] = (int64_t)table[r][l].shift << 17 | table[r][l].mult;
            bench_word(f, lane, v->lanes, 23);
        }
        bench_close(f);
    }
    for (int stall = 0; stall < STREAMS_STALLS; stall += 3) {
        snprintf(in, sizeof in, "requantise_%d_%d_i", id, stall);
        snprintf(out, sizeof out, "requantise_%d_%d", id, stall);
        FILE *fi = streams_file(s, in), *fo = streams_file(s, out);
        for (int i = 0; i < WORDS; i++) {
            int64_t x[LANES_MAX], y[LANES_MAX];
            for (int l = 0; l < v->lanes; l++) {
                const scale c = table[v->rows ? i % v->rows : 0][l];
                x[l] = accumulator(s, v, c);
                y[l] = ss_requantise(x[l], 0, c.mult, c.shift, least(v->w, v->negative), top(v->w));
            }
            bench_word(fi, x, v->lanes, v->in);
            bench_word(fo, y, v->lanes, v->w);
        }
        bench_close(fi);
        bench_close(fo);
        streams_source(s, in, v->lanes * v->in, WORDS, streams_stalls[stall][0]);
        streams_sink(s, out, v->lanes * v->w, WORDS, streams_stalls[stall][1], stall ? STREAMS_ANY : latency,
                     stall ? STREAMS_ANY : WORDS, STREAMS_ANY);
        streams_emit(s, "    ss_requantise #(.LANES(%d), .IN(%d), .W(%d), .CHANNELS(%d), .LO(%d), .HI(%d), .FILE(\"%s\"),\n"
                        "        .STYLE(\"%s\"), .SHIFT_LO(%d), .SHIFT_HI(%d), .MULT(%d), .SHIFT(%d)) ",
                     v->lanes, v->in, v->w, v->lanes * (v->rows ? v->rows : 1), least(v->w, v->negative), top(v->w), file,
                     v->style, v->shift_lo, v->shift_hi, v->constant.mult, v->constant.shift);
        streams_connect(s, in, out);
    }
}

static void requantise_all(streams *s)
{
    static const variant fixed[] = {
        /* w, lanes, rows, in, negative, shifts, constant */
        { 16, 4, 3, 27, true, 1, 45, { 0, 0 }, "distributed" },  { 8, 4, 5, 27, true, 1, 45, { 0, 0 }, "block" },
        { 16, 1, 1, 27, false, 26, 33, { 0, 0 }, "distributed" }, { 8, 2, 4, 20, false, 17, 24, { 0, 0 }, "distributed" },
        { 16, 2, 2, 18, true, 30, 30, { 0, 0 }, "block" },       { 16, 2, 2, 12, true, 40, 45, { 0, 0 }, "block" },
        { 8, 3, 2, 3, true, 1, 30, { 0, 0 }, "distributed" },
        { 16, 2, 0, 27, true, 1, 45, { MULT_TOP, 27 }, "block" }, { 16, 2, 0, 22, false, 1, 45, { 1 << 16, 22 }, "block" },
        { 8, 2, 0, 14, true, 1, 45, { 74899, 22 }, "block" },    { 8, 2, 0, 27, true, 1, 45, { 131071, 1 }, "block" },
        { 16, 2, 0, 27, true, 1, 45, { 65536, 45 }, "block" },   { 16, 1, 0, 10, true, 1, 45, { 0, 1 }, "block" },
        { 16, 2, 0, 18, true, 1, 45, { 1, 1 }, "block" },        { 16, 2, 0, 27, false, 1, 45, { 1, 9 }, "block" },
        { 8, 4, 0, 10, true, 1, 45, { 1, 2 }, "block" },         { 8, 1, 0, 9, false, 1, 45, { 1, 1 }, "block" },
        { 16, 1, 0, 12, true, 1, 45, { 1, 14 }, "block" },
    };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) requantise(s, &fixed[i]);
    for (int i = 0; i < (getenv("RTL_FULL") ? 60 : 8); i++) {
        variant v = { streams_between(s, 0, 1) ? 16 : 8, (int)streams_between(s, 1, LANES_MAX),
                      (int)streams_between(s, 0, ROWS_MAX), (int)streams_between(s, 2, 27), streams_between(s, 0, 1), (int)streams_between(s, 1, 45), 45, { 0, 0 },
                      streams_between(s, 0, 1) ? "block" : "distributed" };
        v.shift_hi = (int)streams_between(s, v.shift_lo, 45);
        v.constant = random_scale(s, &v);
        requantise(s, &v);
    }
}

/* rows 0: constant threshold. */
static void relu(streams *s, int w, int lanes, int rows, int32_t threshold, int32_t ceiling, bool negative)
{
    int32_t t[ROWS_MAX][LANES_MAX];
    char in[40], out[40], file[40] = "";
    const int id = s->sinks;
    const bool wires = !rows && !threshold && !negative && ceiling == top(w);
    for (int r = 0; r < ROWS_MAX; r++)
        for (int l = 0; l < LANES_MAX; l++)
            t[r][l] = !rows ? threshold : (int32_t)(streams_element(s, w) & top(w));
    if (rows) {
        snprintf(file, sizeof file, "thr_%d", id);
        FILE *f = streams_file(s, file);
        strcat(file, ".mem");
        for (int r = 0; r < rows; r++) {
            int64_t lane[LANES_MAX];
            for (int l = 0; l < lanes; l++) lane[l] = t[r][l];
            bench_word(f, lane, lanes, w);
        }
        bench_close(f);
    }
    for (int stall = 0; stall < STREAMS_STALLS; stall += 3) {
        snprintf(in, sizeof in, "relu_%d_%d_i", id, stall);
        snprintf(out, sizeof out, "relu_%d_%d", id, stall);
        FILE *fi = streams_file(s, in), *fo = streams_file(s, out);
        for (int i = 0; i < WORDS; i++) {
            int64_t x[LANES_MAX], y[LANES_MAX];
            for (int l = 0; l < lanes; l++) {
                const int32_t limit = t[rows ? i % rows : 0][l];
                x[l] = streams_between(s, 0, 3) ? streams_element(s, w) : limit + streams_between(s, -1, limit < top(w));
                if (!negative && x[l] < 0) x[l] = ~x[l];
                y[l] = ss_act_int((int32_t)x[l], limit, ceiling);
            }
            bench_word(fi, x, lanes, w);
            bench_word(fo, y, lanes, w);
        }
        bench_close(fi);
        bench_close(fo);
        streams_source(s, in, lanes * w, WORDS, streams_stalls[stall][0]);
        streams_sink(s, out, lanes * w, WORDS, streams_stalls[stall][1], stall ? STREAMS_ANY : rows ? 3 : wires ? 0 : 1,
                     stall ? STREAMS_ANY : WORDS, STREAMS_ANY);
        streams_emit(s, "    ss_relu #(.LANES(%d), .W(%d), .CHANNELS(%d), .CEILING(%d), .THR(%d), .FILE(\"%s\"), .LO(%d)) ",
                     lanes, w, lanes * (rows ? rows : 1), ceiling, threshold, file, least(w, negative));
        streams_connect(s, in, out);
    }
}

static void relu_all(streams *s)
{
    relu(s, 16, 4, 0, 0, top(16), true);
    relu(s, 16, 4, 0, 0, top(16), false);
    relu(s, 8, 3, 0, 0, 100, false);
    relu(s, 8, 3, 0, 0, 0, false);
    relu(s, 8, 2, 0, 5, 100, true);
    relu(s, 8, 1, 0, 127, 127, true);
    relu(s, 16, 2, 0, 32766, 32767, false);
    relu(s, 16, 2, 0, 500, 300, true); /* what passes the threshold is cut to the ceiling, though that is lower */
    relu(s, 16, 4, 4, 0, top(16), true);
    relu(s, 8, 4, 5, 0, 90, false);
    relu(s, 16, 1, 3, 0, 12345, true);
    relu(s, 8, 2, 1, 0, 127, true);
}

static void add(streams *s, int w, int lanes, int a_shift, int b_shift, int sum, int pre)
{
    char a[40], b[40], out[40];
    const int id = s->sinks;
    for (int stall = 0; stall < STREAMS_STALLS; stall++) {
        snprintf(a, sizeof a, "add_%d_%d_a", id, stall);
        snprintf(b, sizeof b, "add_%d_%d_b", id, stall);
        snprintf(out, sizeof out, "add_%d_%d", id, stall);
        FILE *fa = streams_file(s, a), *fb = streams_file(s, b), *fo = streams_file(s, out);
        for (int i = 0; i < WORDS; i++) {
            int64_t x[LANES_MAX], y[LANES_MAX], z[LANES_MAX];
            for (int l = 0; l < lanes; l++) {
                x[l] = streams_element(s, w);
                y[l] = streams_element(s, w);
                z[l] = (x[l] * ((int64_t)1 << a_shift) + y[l] * ((int64_t)1 << b_shift)) >> pre;
            }
            bench_word(fa, x, lanes, w);
            bench_word(fb, y, lanes, w);
            bench_word(fo, z, lanes, sum - pre);
        }
        bench_close(fa);
        bench_close(fb);
        bench_close(fo);
        streams_source(s, a, lanes * w, WORDS, streams_stalls[stall][0]);
        streams_source(s, b, lanes * w, WORDS, streams_stalls[stall][0]);
        streams_sink(s, out, lanes * (sum - pre), WORDS, streams_stalls[stall][1], stall ? STREAMS_ANY : 1,
                     stall ? STREAMS_ANY : WORDS, STREAMS_ANY);
        streams_emit(s, "    ss_add #(.LANES(%d), .W(%d), .A_SHIFT(%d), .B_SHIFT(%d), .SUM(%d), .PRE(%d)) %s_dut\n"
                        "        (.clk(clk), .rst(rst), .a_valid(%s_v), .a_ready(%s_r), .a_data(%s_d), .b_valid(%s_v),\n"
                        "         .b_ready(%s_r), .b_data(%s_d), .out_valid(%s_v), .out_ready(%s_r), .out_data(%s_d));\n",
                     lanes, w, a_shift, b_shift, sum, pre, out, a, a, a, b, b, b, out, out, out);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: gen_arith DIR\n");
        return 2;
    }
    streams s = streams_open(argv[1], 1);
    requantise_all(&s);
    relu_all(&s);
    add(&s, 16, 2, 0, 0, 17, 0);
    add(&s, 16, 1, 1, 4, 21, 0);
    add(&s, 8, 4, 3, 0, 12, 0);
    add(&s, 8, 3, 2, 2, 11, 1);
    add(&s, 16, 2, 40, 3, 57, 30);
    add(&s, 8, 2, 0, 40, 50, 22); /* an accumulator a bit wider than needed */
    streams_close(&s);
    return 0;
}
