/* The terms of every module: what its LUTs and registers are proportional to. See modules.h. */
#include "cost/modules.h"

#ifdef SS_UNFITTED /* for calibrate/fit.c, which makes the table */
static const double fitted[SS_MODULES][2][SS_TERMS] = { { { 0 } } };
#else
#include "cost/fitted.h"
#endif

#include <math.h>

static double bits_of(int64_t n) { return (double)ss_log2_ceil(n); }
static double is(bool condition) { return condition ? 1 : 0; }
static bool power_of_two(int64_t n) { return (n & (n - 1)) == 0; }

static int64_t narrower_of(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t narrowest(int64_t n) { return n > 1 ? ss_log2_ceil(n) : 1; } /* bits of an address, one at least */

/* LUTs a bit that choose one of n: a LUT joins four, MUXF7 and MUXF8 join those. */
static double mux(int64_t n) { return n > 1 ? (double)ss_ceil_div(n, 4) : 0; }

const char *const ss_style_names[SS_STYLES] = { "registers", "distributed", "block", "ultra" };

/* A table beside the logic: its LUTs are a term of the module, its block RAMs exact. */
static double rom_luts(int64_t style, int64_t width, int64_t depth) {
    return style == SS_STYLE_LUT ? (double)ss_lut_rom(width, depth) : 0;
}

static int64_t rom_blocks(int64_t style, int64_t width, int64_t depth) {
    return style == SS_STYLE_BLOCK && depth > 1 ? ss_bram18_blocks(width, depth) : 0;
}

/* ---- streams ---- */

static ss_terms slice_terms(const int64_t *p) {
    double width = (double)p[0];
    return (ss_terms){ { 1, width }, { 1, width } };
}

static ss_terms fork_terms(const int64_t *p) {
    double readers = (double)p[1];
    return (ss_terms){ { 1, readers }, { readers } };
}

/* WIDTH, DEPTH. Counters of head, tail and level; one more behind block RAM. */
static double fifo_counters(int64_t depth) { return 2 * bits_of(depth) + bits_of(depth + 1); }

static ss_terms fifo_register_terms(const int64_t *p) {
    double width = (double)p[0], depth = (double)p[1];
    return (ss_terms){ { 1, width * mux(p[1]), depth }, { width * depth, fifo_counters(p[1]) } };
}

static ss_terms fifo_lut_terms(const int64_t *p) {
    int64_t banks = ss_ceil_div(p[1], 64);
    return (ss_terms){ { 1, bits_of(p[1]), (double)p[0] * mux(banks), banks > 1 ? (double)banks : 0,
                         is(!power_of_two(p[1])) * bits_of(p[1]) },
                       { fifo_counters(p[1]) } };
}

static ss_terms fifo_block_terms(const int64_t *p) {
    double stacked = ss_bram18_stacked(p[0], p[1]) ? (double)p[0] : 0;
    return (ss_terms){ { 1, bits_of(p[1]), is(!power_of_two(p[1])) * bits_of(p[1]), stacked },
                       { (double)p[0], fifo_counters(p[1]) + bits_of(p[1] + 1), 1 } };
}

/* IN, OUT, W */
static bool narrows(const int64_t *p) { return p[0] > p[1] && p[0] % p[1] == 0; }
static bool widens(const int64_t *p) { return p[1] > p[0] && p[1] % p[0] == 0; }

static ss_terms narrower_terms(const int64_t *p) {
    double in = (double)(p[0] * p[2]), out = (double)(p[1] * p[2]), count = bits_of(p[0] / p[1] + 1);
    return (ss_terms){ { 1, in - out, count }, { in, count } };
}

static ss_terms wider_terms(const int64_t *p) {
    double count = bits_of(p[1] / p[0] + 1);
    return (ss_terms){ { 1, count }, { (double)(p[1] * p[2]), count } };
}

static int64_t gcd(int64_t a, int64_t b) { return b ? gcd(b, a % b) : a; }

/* A buffer of a + b - 1 units: every unit keeps, moves down by b or takes one of those that came, in one of b places.
 * With b a power of two the number of units that stay needs no arithmetic. */
static ss_terms gearbox_terms(const int64_t *p) {
    int64_t g = gcd(p[0], p[1]), a = p[0] / g, b = p[1] / g;
    double bits = (double)(a + b - 1) * (double)(g * p[2]), even = power_of_two(b) ? bits : 0;
    return (ss_terms){ { bits_of(a + b), even, even * bits_of(b), even > 0 ? 0 : bits * (double)(b - 1) },
                       { bits, bits_of(a + b) } };
}

/* ---- memories: WIDTH, DEPTH ---- */

#define MEMORY { "WIDTH", "DEPTH" }

static ss_resources bram(const int64_t *p) { return ss_memory_map(p[1] > 1 ? SS_MEM_BRAM : SS_MEM_NONE, p[0], p[1]); }
static ss_resources uram(const int64_t *p) { return ss_memory_map(SS_MEM_URAM, p[0], p[1]); }
static ss_resources lut_ram(const int64_t *p) {
    return (ss_resources){ .r[SS_LUT] = p[1] > 1 ? ss_lut_ram(p[0], p[1]) : 0 };
}

static ss_terms lut_rom_terms(const int64_t *p) {
    if (p[1] == 1) return (ss_terms){ { 0 }, { 0 } };
    return (ss_terms){ { (double)ss_lut_rom(p[0], p[1]) }, { (double)ss_rom_columns(p[0], p[1]), bits_of(p[1]) } };
}

static ss_terms block_rom_terms(const int64_t *p) {
    if (p[1] == 1) return (ss_terms){ { 0 }, { 0 } };
    return (ss_terms){ { ss_bram18_stacked(p[0], p[1]) ? (double)p[0] : 0 }, { (double)p[0] } };
}

/* Rows come in 64 bits a word: a register for the row, one for the bus, counters of words and rows. Behind 4096
 * rows the outputs of stacked blocks are chosen among. */
static ss_terms ultra_terms(const int64_t *p) {
    int64_t words = ss_ceil_div(p[0], 64), stacked = ss_ceil_div(p[1], 4096);
    double counters = bits_of(p[1]) + bits_of(words);
    return (ss_terms){ { 1, counters, (double)p[0] * mux(stacked) },
                       { 1, 64 * (double)words + (double)p[0], counters, is(stacked > 1) } };
}

/* ---- engines ---- */

/* LUTs a bit of a binary tree of multiplexers over n inputs, as synthesis builds it. */
static const double mux_luts[17] = { 0, 0, 1, 1, 1, 2, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5 };

static double tree_luts(int64_t n) { return n <= 16 ? mux_luts[n] : 1.8 + 0.41 * (double)n; }

/* Banks of rows, turned so that the window's top row comes first; columns gathered or kept; a register for the
 * window. */
enum {
    WINDOW_S, WINDOW_W, WINDOW_DEEP, WINDOW_H, WINDOW_WD, WINDOW_KH, WINDOW_KW, WINDOW_SH, WINDOW_SW,
    WINDOW_HO, WINDOW_WO, WINDOW_ROWS, WINDOW_CACHE, WINDOW_STYLE
};

typedef struct window_shape {
    int64_t word, column, row_words, fresh, kept; /* bits, bits, words of a bank, columns loaded and kept a window */
    bool wires;
} window_shape;

static window_shape window_of(const int64_t *p) {
    window_shape s = { .word = p[WINDOW_S] * p[WINDOW_W] };
    s.column = p[WINDOW_KH] * s.word;
    s.fresh = p[WINDOW_CACHE] && p[WINDOW_SW] < p[WINDOW_KW] && p[WINDOW_WO] > 1 ? p[WINDOW_SW] : p[WINDOW_KW];
    s.kept = p[WINDOW_KW] - s.fresh;
    /* a stride larger than the kernel leaves columns out before they are stored */
    int64_t columns = p[WINDOW_SW] > p[WINDOW_KW] ? p[WINDOW_WO] * p[WINDOW_KW] : p[WINDOW_WD];
    s.row_words = columns * p[WINDOW_DEEP];
    s.wires = p[WINDOW_KH] * p[WINDOW_KW] * p[WINDOW_SH] * p[WINDOW_SW] == 1;
    return s;
}

static ss_resources window_memories(const int64_t *p) {
    window_shape s = window_of(p);
    ss_resources res = { { 0 } };
    if (s.wires) return res;
    if (s.kept > 0 && p[WINDOW_DEEP] > 1) res.r[SS_LUT] += ss_lut_ram(s.kept * s.column, p[WINDOW_DEEP]);
    if (s.row_words == 1) return res;
    if (p[WINDOW_STYLE] == SS_STYLE_LUT) res.r[SS_LUT] += p[WINDOW_ROWS] * ss_lut_ram(s.word, s.row_words);
    if (p[WINDOW_STYLE] == SS_STYLE_BLOCK) res.r[SS_BRAM18] += p[WINDOW_ROWS] * ss_bram18_blocks(s.word, s.row_words);
    return res;
}

static ss_terms window_terms(const int64_t *p) {
    window_shape s = window_of(p);
    if (s.wires) return (ss_terms){ { 0 }, { 0 } };
    int64_t k = p[WINDOW_KH] * p[WINDOW_KW],
            banks = p[WINDOW_STYLE] == SS_STYLE_LUT ? ss_ceil_div(s.row_words, 64) : 1;
    double word = (double)s.word, column = (double)s.column, rows = (double)p[WINDOW_ROWS];
    double counters =
        bits_of(p[WINDOW_WO]) + bits_of(p[WINDOW_HO]) + 3 * bits_of(s.row_words) + bits_of(p[WINDOW_DEEP]);
    double sieved = is(p[WINDOW_SH] > p[WINDOW_KH] || p[WINDOW_SW] > p[WINDOW_KW]);
    double registers = p[WINDOW_STYLE] == SS_STYLE_LUT || s.row_words == 1 ? rows * word : 0;
    double gathered = (double)(s.fresh - 1) * column, still = p[WINDOW_DEEP] == 1 ? (double)s.kept * column : 0;
    /* with an even stride only every other turn of so many banks occurs */
    int64_t turns =
        power_of_two(p[WINDOW_ROWS]) && p[WINDOW_SH] % 2 == 0 ? ss_ceil_div(p[WINDOW_ROWS], 2) : p[WINDOW_ROWS];
    double kept = (double)s.kept * column * mux(ss_ceil_div(p[WINDOW_DEEP], 64));
    return (ss_terms){ { 1, column * tree_luts(turns), counters, (double)k, rows * word * mux(banks) + kept, sieved,
                         (double)p[WINDOW_KH] * bits_of(p[WINDOW_ROWS]) },
                       { 1, (double)k * word, registers, gathered, still, counters, sieved, (double)k } };
}

/* Multiplier i chooses among inputs i..k-1, since the i-th non-zero cannot come before position i. */
static double choices(int64_t k, int64_t m) { return (double)(m * (k - 1)) - (double)(m * (m - 1)) / 2; }

/* LUTs a bit of all multiplexers of a crossbar: of up to 16 inputs as synthesis builds such trees; larger ones by
 * their number and inputs. */
typedef struct choosers {
    double small, large, inputs;
} choosers;

static choosers crossbar_choosers(int64_t k, int64_t m) {
    choosers c = { 0, 0, 0 };
    for (int64_t n = k; n > k - m; n--) {
        c.small += n <= 16 ? mux_luts[n] : 0;
        c.large += is(n > 16);
        c.inputs += n > 16 ? (double)n : 0;
    }
    return c;
}

/* K, M, W */
static ss_terms crossbar_terms(const int64_t *p) {
    choosers c = crossbar_choosers(p[0], p[1]);
    double w = (double)p[2];
    return (ss_terms){ { w * c.small, w * c.large, w * c.inputs }, { 0 } };
}

/* W, K, M, S, STEPS, FOLDS, PASSES, RESULTS: counters of places, folds, steps and weight rows. */
enum { FRONT_W, FRONT_K, FRONT_M, FRONT_S, FRONT_STEPS, FRONT_FOLDS, FRONT_PASSES, FRONT_RESULTS };
#define FRONT { "W", "K", "M", "S", "STEPS", "FOLDS", "PASSES", "RESULTS" }

static double front_counters(const int64_t *p, int64_t rows_a_fold) {
    return bits_of(p[FRONT_RESULTS] + 1) + bits_of(p[FRONT_FOLDS]) + bits_of(p[FRONT_STEPS]) +
           bits_of(p[FRONT_PASSES] * p[FRONT_STEPS] * p[FRONT_FOLDS] * rows_a_fold);
}

static ss_terms front_terms(const int64_t *p) {
    int64_t k = p[FRONT_K], m = p[FRONT_M], beats = k / m;
    double values = (double)(p[FRONT_S] * m * p[FRONT_W]), counters = front_counters(p, beats) + bits_of(beats);
    return (ss_terms){ { 1, counters, beats <= 8 ? values * mux_luts[beats] : 0,
                         beats > 8 ? values * (double)(beats - 1) : 0 },
                       { 1, counters, (double)(p[FRONT_S] * k * p[FRONT_W]) + values } };
}

static ss_terms front_sparse_terms(const int64_t *p) {
    int64_t k = p[FRONT_K], m = p[FRONT_M], rows = m == 1 ? k : 1;
    double s = (double)p[FRONT_S], w = (double)p[FRONT_W], values = s * (double)m * w,
           index = s * (double)m * bits_of(k);
    double address = m == 1 ? bits_of(rows * p[FRONT_PASSES] * p[FRONT_STEPS] * p[FRONT_FOLDS]) : 0;
    double masks = s * (double)k * (p[FRONT_FOLDS] > 1 ? 2 : 1), counters = front_counters(p, rows);
    bool ranked = (k >= 25 && m >= 4) || k > 64; /* the non-zeros of wide kernels are counted ahead, in two more stages */
    choosers c = crossbar_choosers(k, m);
    return (ss_terms){ { 1, counters, s * w * c.small, s * w * (c.large + c.inputs / 2),
                         s * (double)k * ceil(w / 6), s * choices(k, m), masks, s * address },
                       { 1, counters, s * (double)k * w, values, m == 1 ? values : 0, index, masks + s * (double)m,
                         ranked ? s * (double)k * (2 * w + 3 * bits_of(k)) : 0 } };
}

/* ---- sums: pairwise, a bit wider a level, never wider than the accumulator; a register a level ---- */

typedef struct tree {
    double adders, registers; /* bits */
} tree;

/* Terms without a partner wait at the leaves: `nodes` of a level are as many as a whole tree has, or one a term. */
static tree adder_tree(int64_t terms, int64_t width, int64_t most) {
    tree t = { 0, 0 };
    for (int64_t nodes = 1, level = ss_log2_ceil(terms); level > 0; level--) {
        int64_t below = narrower_of(2 * nodes, terms), wide = narrower_of(width + level, most);
        t.adders += (double)((below - nodes) * wide);
        t.registers += (double)(nodes * wide);
        nodes = below;
    }
    return t;
}

/* W, GR, CI, CO, M, ACC */
static ss_terms dot_terms(const int64_t *p) {
    int64_t w = p[0], lanes = p[1] * p[3], terms = p[2] * p[4], product = narrower_of(2 * w - 1, p[5]);
    tree t = adder_tree(terms, product, p[5]);
    return (ss_terms){ { (double)lanes * t.adders },
                       { (double)(p[1] * terms * w + lanes * terms * (w + product)), (double)lanes * t.registers } };
}

static ss_resources dot_multipliers(const int64_t *p) {
    return (ss_resources){ .r[SS_DSP] = p[1] * p[2] * p[3] * p[4] };
}

/* LANES, ACC, PRE, STEPS, FOLDS, PASSES, ROM_STYLE: partial sums in LUT RAM where several take turns; biases
 * from a table */
enum { SUM_LANES, SUM_ACC, SUM_PRE, SUM_STEPS, SUM_FOLDS, SUM_PASSES, SUM_STYLE };

static int64_t sums_held(const int64_t *p) { return p[SUM_STEPS] > 1 ? p[SUM_FOLDS] : 1; }

static ss_resources accumulate_memories(const int64_t *p) {
    int64_t held = sums_held(p);
    return (ss_resources){ .r[SS_LUT] = held > 1 ? p[SUM_LANES] * ss_lut_ram(p[SUM_ACC], held) : 0,
                           .r[SS_BRAM18] =
                               rom_blocks(p[SUM_STYLE], p[SUM_LANES] * p[SUM_ACC], p[SUM_FOLDS] * p[SUM_PASSES]) };
}

static ss_terms accumulate_terms(const int64_t *p) {
    int64_t held = sums_held(p), rows = p[SUM_FOLDS] * p[SUM_PASSES], banks = ss_ceil_div(held, 64);
    double lanes = (double)p[SUM_LANES], bits = lanes * (double)p[SUM_ACC],
           results = bits - lanes * (double)p[SUM_PRE];
    double counters = bits_of(rows) + bits_of(held),
           biases = rows > 1 ? (double)ss_rom_columns(p[SUM_LANES] * p[SUM_ACC], rows) : 0;
    return (ss_terms){ { 1, bits, biases, rom_luts(p[SUM_STYLE], p[SUM_LANES] * p[SUM_ACC], rows), bits * mux(banks),
                         banks > 1 ? lanes * (double)banks : 0, counters },
                       { 1, held > 1 ? results : bits, biases, counters } };
}

/* ---- broadcast engine ---- */

/* W, K, P, LANES, STEPS: a multiplexer over P positions for every element of every part, a register a part that says which. */
enum { SHARE_W, SHARE_K, SHARE_P, SHARE_LANES, SHARE_STEPS };

static ss_terms share_terms(const int64_t *p) {
    int64_t parts = p[SHARE_P];
    double luts = 0, first = (double)parts * bits_of(parts);
    for (int64_t at = 0; at < p[SHARE_K]; at += parts) { /* elements at..at + P - 1, of which there may be fewer */
        int64_t left = p[SHARE_K] - at;
        luts += tree_luts(left < parts ? left + 1 : parts);
    }
    return (ss_terms){ { 1, (double)(p[SHARE_LANES] * parts * p[SHARE_W]) * luts, first, bits_of(p[SHARE_STEPS]) },
                       { 1, first, bits_of(p[SHARE_STEPS]) } };
}

/* W, N, STEPS, ROWS, ROOM, LISTS: a word of N elements in a register, its non-zeros chosen one by one; counters of addresses, of
 * the list's entries, of places and steps. */
enum { COMPACT_W, COMPACT_N, COMPACT_STEPS, COMPACT_ROWS, COMPACT_ROOM, COMPACT_LISTS };

static ss_terms compact_terms(const int64_t *p) {
    int64_t n = p[COMPACT_N], rows = p[COMPACT_ROWS];
    double w = (double)p[COMPACT_W];
    double counters = 2 * bits_of(rows) + 3 * bits_of(rows + 1) + bits_of(p[COMPACT_ROOM] + 1) +
                      bits_of(p[COMPACT_LISTS] + 1) + bits_of(p[COMPACT_STEPS]);
    return (ss_terms){ { 1, counters, (double)n * ceil(w / 6), w * tree_luts(n), (double)(n - 1) },
                       { 1, counters, (double)(n + 1) * w + (double)n } };
}

/* W, ROWS, FOLDS, PASSES, LEAST, ROOM, LISTS, RESULTS: a ring of ROOM entries (value, address), a short FIFO of lists. */
enum { REPLAY_W, REPLAY_ROWS, REPLAY_FOLDS, REPLAY_PASSES, REPLAY_LEAST, REPLAY_ROOM, REPLAY_LISTS, REPLAY_RESULTS };
#define RING_IN_LUTS 128 /* entries; longer rings are block RAM */

static int64_t ring_entry(const int64_t *p) { return p[REPLAY_W] + narrowest(p[REPLAY_ROWS]); }
static int64_t beat_bits(const int64_t *p) {
    int64_t most = p[REPLAY_LEAST] > p[REPLAY_ROWS] ? p[REPLAY_LEAST] : p[REPLAY_ROWS];
    return ss_log2_ceil(most + 1);
}

static ss_resources replay_memories(const int64_t *p) {
    int64_t room = p[REPLAY_ROOM], lists = ss_log2_ceil(p[REPLAY_ROWS] + 1) + beat_bits(p);
    ss_resources res = { .r[SS_LUT] = ss_lut_ram(lists, p[REPLAY_LISTS]) };
    if (room > RING_IN_LUTS) res.r[SS_BRAM18] = ss_bram18_blocks(ring_entry(p), room);
    else if (room > 1) res.r[SS_LUT] += ss_lut_ram(ring_entry(p), room);
    return res;
}

static ss_terms replay_terms(const int64_t *p) {
    int64_t room = p[REPLAY_ROOM], regions = p[REPLAY_FOLDS] * p[REPLAY_PASSES];
    double address = bits_of(p[REPLAY_ROWS] * regions), w = (double)p[REPLAY_W], entry = (double)ring_entry(p);
    double ring = bits_of(room), wraps = power_of_two(room) ? 0 : ring, beats = (double)beat_bits(p);
    double counters = beats + bits_of(p[REPLAY_FOLDS]) + bits_of(p[REPLAY_RESULTS] + 1) + 3 * bits_of(p[REPLAY_LISTS]);
    return (ss_terms){ { 1, beats, ring, wraps, regions > 1 ? address : 0, w, room > 64 && room <= RING_IN_LUTS ? entry : 0 },
                       { 1, counters, 3 * ring, address, regions > 1 ? 2 * address : 0, 3 * w,
                         room <= RING_IN_LUTS ? entry : 0 } };
}

/* W, CO, SUMS, ACC: sums wait in registers and leave through an OR, SUMS at a time, six bits a LUT. Packed, two
 * filters share a DSP, whose low sum is watched by a counter. */
enum { LANES_W, LANES_CO, LANES_SUMS, LANES_ACC };
#define PACKED_SUM 30 /* bits of sums of which two share a DSP */

static bool packed(const int64_t *p) {
    return p[LANES_W] == 8 && p[LANES_CO] % 2 == 0 && p[LANES_SUMS] % 2 == 0 && p[LANES_ACC] <= PACKED_SUM;
}

static ss_resources lanes_multipliers(const int64_t *p) {
    return (ss_resources){ .r[SS_DSP] = packed(p) ? p[LANES_CO] / 2 : p[LANES_CO] };
}

static ss_terms lanes_terms(const int64_t *p) {
    int64_t acc = p[LANES_ACC], turns = packed(p) ? (acc > 18 ? acc - 18 : 1) : 0;
    int64_t units = packed(p) ? p[LANES_CO] / 2 : p[LANES_CO], beats = p[LANES_CO] / p[LANES_SUMS];
    int64_t unit = packed(p) ? acc + 18 + turns : acc, word = units / beats * unit, stages = ss_ceil_div(beats, 5);
    int64_t ors = ss_ceil_div(beats - 1, 5);
    double counted = packed(p) ? (double)(units * (turns + 2)) : 0;
    double unpacked = packed(p) ? (double)(p[LANES_SUMS] / 2 * acc) : 0;
    return (ss_terms){ { 1, (double)(word * ors), (double)beats, counted, unpacked },
                       { 1, (double)(word * (2 * beats - 1 + stages - 1)), (double)beats, counted } };
}

/* S, SUMS, ACC, PRE, ROWS, ROM_STYLE: a tree of adders, the bias, a FIFO. */
enum { JOIN_S, JOIN_SUMS, JOIN_ACC, JOIN_PRE, JOIN_ROWS, JOIN_STYLE };

static int64_t join_places(const int64_t *p) {
    int64_t levels = p[JOIN_S] > 4 ? ss_log2_ceil(p[JOIN_S]) : 2;
    return levels + 4 > SS_JOIN_PLACES ? levels + 4 : SS_JOIN_PLACES;
}

static ss_resources join_memories(const int64_t *p) {
    int64_t sums = p[JOIN_SUMS] * p[JOIN_ACC];
    return (ss_resources){ .r[SS_LUT] = ss_lut_ram(sums - p[JOIN_SUMS] * p[JOIN_PRE], join_places(p)),
                           .r[SS_BRAM18] = rom_blocks(p[JOIN_STYLE], sums, p[JOIN_ROWS]) };
}

static ss_terms join_terms(const int64_t *p) {
    int64_t s = p[JOIN_S], levels = s > 4 ? ss_log2_ceil(s) : 2, sums = p[JOIN_SUMS] * p[JOIN_ACC];
    double biases = p[JOIN_ROWS] > 1 ? (double)ss_rom_columns(sums, p[JOIN_ROWS]) : 0;
    tree t = adder_tree(s, p[JOIN_ACC], p[JOIN_ACC]);
    double waits = (double)(levels - ss_log2_ceil(s)) * (double)p[JOIN_ACC]; /* a tree of fewer levels waits */
    return (ss_terms){ { 1, (double)p[JOIN_SUMS] * t.adders, (double)sums, rom_luts(p[JOIN_STYLE], sums, p[JOIN_ROWS]),
                         bits_of(p[JOIN_ROWS]), (double)s },
                       { 1, (double)p[JOIN_SUMS] * (t.registers + waits), (double)sums, biases, bits_of(p[JOIN_ROWS]) } };
}

/* ---- plain arithmetic ---- */

/* A product of 17 bits more than IN, shifted by one of a range of distances, rounded and saturated; multipliers and
 * shifts from a table. */
enum { SCALE_LANES, SCALE_IN, SCALE_W, SCALE_CHANNELS, SCALE_LO, SCALE_HI, SCALE_STYLE };

static ss_terms requantise_terms(const int64_t *p) {
    double lanes = (double)p[SCALE_LANES], in = (double)p[SCALE_IN], out = (double)p[SCALE_W];
    double kept = in + 17 - (double)p[SCALE_LO] + 1, spread = bits_of(p[SCALE_HI] - p[SCALE_LO] + 1);
    int64_t rows = p[SCALE_CHANNELS] / p[SCALE_LANES], read = (17 + (int64_t)spread) * p[SCALE_LANES];
    return (ss_terms){ { 1, lanes * kept * spread, lanes * kept, lanes * out, bits_of(rows),
                         rom_luts(p[SCALE_STYLE], read, rows) },
                       { 1, lanes * in, lanes * (in + 17), lanes * kept, lanes * out, bits_of(rows),
                         lanes * (17 + spread) } };
}

static ss_resources requantise_blocks(const int64_t *p) {
    return (ss_resources){ .r[SS_DSP] = p[SCALE_LANES],
                           .r[SS_BRAM18] = rom_blocks(p[SCALE_STYLE], 23 * p[SCALE_LANES],
                                                      p[SCALE_CHANNELS] / p[SCALE_LANES]) };
}

/* LANES, IN, W, SHIFT: one multiplier for all channels; the shift is wiring and drops what lies below. */
static ss_terms scale_terms(const int64_t *p) {
    double lanes = (double)p[0];
    return (ss_terms){ { 1, lanes * (double)p[2] }, { 1, lanes * (double)(p[1] + (p[1] + 17 - p[3] + 1) + p[2]) } };
}

static ss_resources one_multiplier_a_lane(const int64_t *p) { return (ss_resources){ .r[SS_DSP] = p[0] }; }

/* LANES, W */
static ss_terms relu_terms(const int64_t *p) {
    double bits = (double)(p[0] * p[1]);
    return (ss_terms){ { 1, bits, (double)p[0] }, { 1, bits } };
}

/* LANES, W, CHANNELS, STYLE */
static ss_terms relu_rom_terms(const int64_t *p) {
    double bits = (double)(p[0] * p[1]);
    int64_t rows = p[2] / p[0];
    return (ss_terms){ { 1, bits, bits_of(rows), rom_luts(p[3], p[0] * p[1], rows) }, { 1, bits, bits_of(rows) } };
}

static ss_resources relu_blocks(const int64_t *p) {
    return (ss_resources){ .r[SS_BRAM18] = rom_blocks(p[3], p[0] * p[1], p[2] / p[0]) };
}

/* ---- nodes ---- */

/* LANES_OUT, W, ACC: sum, rounding shift, register slice */
static ss_terms add_terms(const int64_t *p) {
    double lanes = (double)p[0], w = lanes * (double)p[1], acc = lanes * (double)p[2];
    return (ss_terms){ { 1, w, acc }, { 1, w, acc } };
}

/* N, LANES, W: one word of one of N at a time */
static ss_terms concat_terms(const int64_t *p) {
    double bits = (double)(p[1] * p[2]);
    return (ss_terms){ { 1, bits * (double)ss_ceil_div(p[0], 3), (double)p[0] }, { 1, bits, (double)p[0] } };
}

/* Bits of the sums of a tree balanced from the leaves up. Terms without a partner wait in shift registers. */
static double pairs(int64_t terms, int64_t width, int64_t growth) {
    double bits = 0;
    for (int64_t n = terms; n > 1; n = ss_ceil_div(n, 2)) {
        width += growth;
        bits += (double)(n / 2 * width);
    }
    return bits;
}

/* A comparison takes half a LUT a bit, and a choice one. */
static ss_terms pool_max_terms(const int64_t *p) {
    int64_t k = p[2], bits = p[0] * p[1];
    return (ss_terms){ { 1, (double)((k - 1) * bits) },
                       { bits_of(k), pairs(k, p[1], 0) * (double)p[0] } };
}

/* LANES, W, K, COUNTED: COUNTED counts the positions inside the map too */
static ss_terms pool_avg_terms(const int64_t *p) {
    double sums = (double)p[0] * pairs(p[2], p[1], 1), counts = is(p[3] != 0) * pairs(p[2], 1, 1);
    return (ss_terms){ { 1, sums, counts }, { bits_of(p[2]), sums, counts } };
}

/* LANES, W, DEEP, H, WD, MAX: a running value a channel */
static int64_t running_bits(const int64_t *p) { return p[0] * (p[1] + (p[5] ? 0 : ss_log2_ceil(p[3] * p[4]))); }

static ss_terms pool_global_terms(const int64_t *p) {
    int64_t bits = running_bits(p);
    double counters = bits_of(p[2]) + bits_of(p[3]) + bits_of(p[4]), width = (double)bits;
    return (ss_terms){ { 1, counters, p[5] ? 0 : width, p[5] ? width : 0, width * mux(ss_ceil_div(p[2], 64)) },
                       { 1, counters, width, p[2] == 1 ? width : 0 } };
}

static ss_resources running_values(const int64_t *p) {
    return (ss_resources){ .r[SS_LUT] = p[2] > 1 ? ss_lut_ram(running_bits(p), p[2]) : 0 };
}

/* WIDTH, DEEP, H, WD */
static ss_terms slice_space_terms(const int64_t *p) {
    double counters = bits_of(p[1]) + bits_of(p[2]) + bits_of(p[3]);
    return (ss_terms){ { 1, counters }, { 1, counters } };
}

/* WIDTH, BEFORE, WORDS, AFTER */
static ss_terms chanpad_terms(const int64_t *p) {
    double count = bits_of(p[1] + p[2] + p[3]);
    return (ss_terms){ { 1, (double)p[0], count }, { count } };
}

/* LANES_IN, W_IN, LANES_OUT, W_OUT, NODES: two 33-bit counters a node and a way to read them */
static ss_terms shell_terms(const int64_t *p) {
    double bits = (double)(p[0] * p[1] + p[2] * p[3]), nodes = (double)p[4];
    return (ss_terms){ { 1, bits, nodes }, { 1, bits, nodes } };
}

/* ---- the table ---- */

const ss_module_spec ss_module_specs[SS_MODULES] = {
    [SS_MOD_SLICE] = { "`ss_slice`", "ss_slice", NULL, { "WIDTH" }, NULL, slice_terms, NULL },
    [SS_MOD_FORK] = { "`ss_fork`", "ss_fork", NULL, { "WIDTH", "N" }, NULL, fork_terms, NULL },
    [SS_MOD_FIFO_REGISTERS] = { "`ss_fifo`, registers", "ss_fifo", "STYLE=registers",
        MEMORY, NULL, fifo_register_terms, NULL },
    [SS_MOD_FIFO_LUT] = { "`ss_fifo`, LUT RAM", "ss_fifo", "STYLE=distributed",
        MEMORY, NULL, fifo_lut_terms, lut_ram },
    [SS_MOD_FIFO_BLOCK] = { "`ss_fifo`, block RAM", "ss_fifo", "STYLE=block",
        MEMORY, NULL, fifo_block_terms, bram },
    [SS_MOD_NARROWER] = { "`ss_width`, to fewer lanes", "ss_width", NULL,
        { "IN", "OUT", "W" }, narrows, narrower_terms, NULL },
    [SS_MOD_WIDER] = { "`ss_width`, to more lanes", "ss_width", NULL,
        { "IN", "OUT", "W" }, widens, wider_terms, NULL },
    [SS_MOD_GEARBOX] = { "`ss_width`, gearbox", "ss_width", NULL,
        { "IN", "OUT", "W" }, NULL, gearbox_terms, NULL },
    [SS_MOD_ROM_LUT] = { "`ss_rom`, LUTs", "ss_rom", "STYLE=distributed", MEMORY, NULL, lut_rom_terms, NULL },
    [SS_MOD_ROM_BLOCK] = { "`ss_rom`, block RAM", "ss_rom", "STYLE=block",
        MEMORY, NULL, block_rom_terms, bram },
    [SS_MOD_WEIGHTS_ULTRA] = { "`ss_weights`, UltraRAM", "ss_weights", "STYLE=ultra",
        MEMORY, NULL, ultra_terms, uram },
    [SS_MOD_WINDOW] = { "`ss_window`", "ss_window", NULL,
        { "S", "W", "DEEP", "H", "WD", "KH", "KW", "SH", "SW", "HO", "WO", "ROWS", "CACHE", "STYLE" }, NULL,
        window_terms, window_memories },
    [SS_MOD_CROSSBAR] = { "`ss_crossbar`", "ss_crossbar", NULL, { "K", "M", "W" }, NULL, crossbar_terms, NULL },
    [SS_MOD_FRONT] = { "`ss_front`", "ss_front", NULL, FRONT, NULL, front_terms, NULL },
    [SS_MOD_FRONT_SPARSE] = { "`ss_front_sparse`", "ss_front_sparse", NULL,
        FRONT, NULL, front_sparse_terms, NULL },
    [SS_MOD_DOT] = { "`ss_dot`", "ss_dot", NULL,
        { "W", "GR", "CI", "CO", "M", "ACC" }, NULL, dot_terms, dot_multipliers },
    [SS_MOD_ACCUMULATE] = { "`ss_accumulate`", "ss_accumulate", NULL,
        { "LANES", "ACC", "PRE", "STEPS", "FOLDS", "PASSES", "ROM_STYLE" }, NULL, accumulate_terms,
        accumulate_memories },
    [SS_MOD_SHARE] = { "`ss_share`", "ss_share", NULL,
        { "W", "K", "P", "LANES", "STEPS" }, NULL, share_terms, NULL },
    [SS_MOD_COMPACT] = { "`ss_compact`", "ss_compact", NULL,
        { "W", "N", "STEPS", "ROWS", "ROOM", "LISTS" }, NULL, compact_terms, NULL },
    [SS_MOD_REPLAY] = { "`ss_replay`", "ss_replay", NULL,
        { "W", "ROWS", "FOLDS", "PASSES", "LEAST", "ROOM", "LISTS", "RESULTS" }, NULL, replay_terms, replay_memories },
    [SS_MOD_LANES] = { "`ss_broadcast_lanes`", "ss_broadcast_lanes", NULL,
        { "W", "CO", "SUMS", "ACC" }, NULL, lanes_terms, lanes_multipliers },
    [SS_MOD_JOIN] = { "`ss_broadcast_join`", "ss_broadcast_join", NULL,
        { "S", "SUMS", "ACC", "PRE", "ROWS", "ROM_STYLE" }, NULL, join_terms, join_memories },
    [SS_MOD_REQUANTISE] = { "`ss_requantise`", "ss_requantise", "FILE=rows.mem",
        { "LANES", "IN", "W", "CHANNELS", "SHIFT_LO", "SHIFT_HI", "STYLE" }, NULL, requantise_terms,
        requantise_blocks },
    [SS_MOD_SCALE] = { "`ss_requantise`, one multiplier", "ss_requantise", NULL,
        { "LANES", "IN", "W", "SHIFT", "MULT" }, NULL, scale_terms, one_multiplier_a_lane },
    [SS_MOD_RELU] = { "`ss_relu`, one threshold", "ss_relu", NULL,
        { "LANES", "W", "THR" }, NULL, relu_terms, NULL },
    [SS_MOD_RELU_ROM] = { "`ss_relu`, a threshold a channel", "ss_relu", "FILE=rows.mem",
        { "LANES", "W", "CHANNELS", "STYLE" }, NULL, relu_rom_terms, relu_blocks },
    [SS_MOD_ADD] = { "`ss_node_add`, without FIFOs", "ss_node_add", NULL,
        { "LANES_OUT", "W", "ACC" }, NULL, add_terms, NULL },
    [SS_MOD_CONCAT] = { "`ss_concat`", "ss_concat", NULL, { "N", "LANES", "W" }, NULL, concat_terms, NULL },
    [SS_MOD_POOL_MAX] = { "`ss_pool_max`", "ss_pool_max", NULL,
        { "LANES", "W", "K" }, NULL, pool_max_terms, NULL },
    [SS_MOD_POOL_AVG] = { "`ss_pool_avg`", "ss_pool_avg", NULL,
        { "LANES", "W", "K", "COUNTED" }, NULL, pool_avg_terms, NULL },
    [SS_MOD_POOL_GLOBAL] = { "`ss_pool_global`", "ss_pool_global", NULL,
        { "LANES", "W", "DEEP", "H", "WD", "MAX" }, NULL, pool_global_terms, running_values },
    [SS_MOD_SLICE_SPACE] = { "`ss_slice_space`", "ss_slice_space", NULL,
        { "WIDTH", "DEEP", "H", "WD" }, NULL, slice_space_terms, NULL },
    [SS_MOD_CHANPAD] = { "`ss_chanpad`", "ss_chanpad", NULL,
        { "WIDTH", "BEFORE", "WORDS", "AFTER" }, NULL, chanpad_terms, NULL },
    [SS_MOD_SHELL] = { "`ss_shell`", "ss_shell", NULL,
        { "LANES_IN", "W_IN", "LANES_OUT", "W_OUT", "NODES" }, NULL, shell_terms, NULL },
};

static double sum(const double *terms, const double *coefficients) {
    double total = 0;
    for (int i = 0; i < SS_TERMS; i++) total += terms[i] * coefficients[i];
    return total;
}

ss_resources ss_module_cost(ss_module m, const int64_t *p) {
    const ss_module_spec *s = &ss_module_specs[m];
    ss_terms t = s->terms(p);
    ss_resources res = s->exact ? s->exact(p) : (ss_resources){ { 0 } };
    res.r[SS_LUT] += (int64_t)(sum(t.lut, fitted[m][0]) + 0.5);
    res.r[SS_FF] += (int64_t)(sum(t.ff, fitted[m][1]) + 0.5);
    return res;
}

const void *ss_module_coefficients(size_t *bytes) {
    *bytes = sizeof fitted;
    return fitted;
}
