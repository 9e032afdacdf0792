/* The terms of every module: what its LUTs and registers are proportional to. See modules.h. */
#include "cost/modules.h"

#include "cost/fitted.h"

#include <math.h>

static double bits_of(int64_t n) { return (double)ss_log2_ceil(n); }
static double is(bool condition) { return condition ? 1 : 0; }
static bool power_of_two(int64_t n) { return (n & (n - 1)) == 0; }

/* LUTs a bit that choose one of n: a LUT joins four, MUXF7 and MUXF8 join those. */
static double mux(int64_t n) { return n > 1 ? (double)ss_ceil_div(n, 4) : 0; }

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
    return (ss_terms){ { 1, bits_of(p[1]), is(!power_of_two(p[1])) * bits_of(p[1]) },
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

/* A buffer of a + b - 1 units: every unit keeps, moves down by b or takes one of the a that came. */
static ss_terms gearbox_terms(const int64_t *p) {
    int64_t g = gcd(p[0], p[1]), a = p[0] / g, b = p[1] / g;
    double unit = (double)(g * p[2]), units = (double)(a + b - 1), count = bits_of(a + b);
    return (ss_terms){ { 1, units * unit, (double)(a * b) * unit, units * count }, { units * unit, count } };
}

/* ---- memories: WIDTH, DEPTH ---- */

#define MEMORY { "WIDTH", "DEPTH" }

static ss_resources bram(const int64_t *p) { return ss_memory_map(p[1] > 1 ? SS_MEM_BRAM : SS_MEM_NONE, p[0], p[1]); }
static ss_resources uram(const int64_t *p) { return ss_memory_map(SS_MEM_URAM, p[0], p[1]); }
static ss_resources lut_ram(const int64_t *p) {
    return (ss_resources){ .r[SS_LUT] = p[1] > 1 ? ss_lut_ram(p[0], p[1]) : 0 };
}

static ss_terms lut_ram_terms(const int64_t *p) {
    int64_t banks = ss_ceil_div(p[1], 64);
    return (ss_terms){ { (double)p[0] * mux(banks), banks > 1 ? (double)banks : 0 },
                       { (double)p[0], p[1] == 1 ? (double)p[0] : 0 } };
}

static ss_terms block_ram_terms(const int64_t *p) {
    (void)p;
    return (ss_terms){ { 0 }, { 0 } };
}

static ss_terms lut_rom_terms(const int64_t *p) {
    if (p[1] == 1) return (ss_terms){ { 0 }, { 0 } };
    return (ss_terms){ { (double)ss_lut_rom(p[0], p[1]) }, { (double)p[0], bits_of(p[1]) } };
}

static ss_terms block_rom_terms(const int64_t *p) {
    return (ss_terms){ { 0 }, { p[1] > 1 ? (double)p[0] : 0 } };
}

/* Rows come in 64 bits a word: a register for the row, one for the bus, counters of words and rows. Behind 4096 rows the
 * outputs of stacked blocks are chosen among. */
static ss_terms ultra_terms(const int64_t *p) {
    int64_t words = ss_ceil_div(p[0], 64), stacked = ss_ceil_div(p[1], 4096);
    double counters = bits_of(p[1]) + bits_of(words);
    return (ss_terms){ { 1, counters, (double)p[0] * mux(stacked) },
                       { 1, 64 * (double)words + (double)p[0], counters, is(stacked > 1) } };
}

/* ---- engines ---- */

/* Multiplier i chooses among inputs i..k-1, since the i-th non-zero cannot come before position i. */
static double choices(int64_t k, int64_t m) { return (double)(m * (k - 1)) - (double)(m * (m - 1)) / 2; }

static double crossbar_mux(int64_t k, int64_t m) {
    double luts = 0;
    for (int64_t i = 0; i < m; i++) luts += mux(k - i);
    return luts;
}

/* K, M */
static ss_terms select_terms(const int64_t *p) {
    return (ss_terms){ { 1, choices(p[0], p[1]), (double)p[1] * bits_of(p[0]), (double)p[0] }, { 0 } };
}

/* K, M, W */
static ss_terms crossbar_terms(const int64_t *p) {
    double width = (double)p[2];
    return (ss_terms){ { choices(p[0], p[1]) * width, crossbar_mux(p[0], p[1]) * width, (double)p[1] * width }, { 0 } };
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
    return (ss_terms){ { 1, counters, values * mux(beats) },
                       { 1, counters, (double)(p[FRONT_S] * k * p[FRONT_W]) + values } };
}

static ss_terms front_sparse_terms(const int64_t *p) {
    int64_t k = p[FRONT_K], m = p[FRONT_M], rows = m == 1 ? k : 1;
    double s = (double)p[FRONT_S], w = (double)p[FRONT_W], values = s * (double)m * w, index = s * (double)m * bits_of(k);
    double counters = front_counters(p, rows), address = m == 1 ? s * bits_of(rows * p[FRONT_PASSES] * p[FRONT_STEPS] * p[FRONT_FOLDS]) : 0;
    double masks = s * (double)k * (p[FRONT_FOLDS] > 1 ? 2 : 1);
    return (ss_terms){ { 1, counters, s * (double)k * ceil(w / 6), s * choices(k, m), s * w * choices(k, m), index, masks, address },
                       { 1, counters, s * (double)k * w, values, m == 1 ? values : 0, index, masks + s * (double)m,
                         m == 1 ? bits_of(rows * p[FRONT_PASSES] * p[FRONT_STEPS] * p[FRONT_FOLDS]) : 0 } };
}

/* ---- sums: pairwise, a bit wider a level, never wider than the accumulator; a register a level ---- */

typedef struct tree {
    double adders, registers; /* bits */
} tree;

static int64_t narrower_of(int64_t a, int64_t b) { return a < b ? a : b; }

static tree adder_tree(int64_t leaves, int64_t width, int64_t most) {
    tree t = { 0, 0 };
    for (int64_t n = leaves; n > 1; n = ss_ceil_div(n, 2)) {
        width = narrower_of(width + 1, most);
        t.adders += (double)(n / 2 * width);
        t.registers += (double)(ss_ceil_div(n, 2) * width);
    }
    return t;
}

/* W, GR, CI, CO, M, ACC */
static ss_terms dot_terms(const int64_t *p) {
    int64_t w = p[0], lanes = p[1] * p[3], terms = p[2] * p[4], product = narrower_of(2 * w - 1, p[5]);
    tree t = adder_tree(terms, product, p[5]);
    return (ss_terms){ { (double)lanes * t.adders },
                       { (double)(p[1] * terms * w), (double)(lanes * terms * w), (double)(lanes * terms * product),
                         (double)lanes * t.registers } };
}

static ss_resources dot_multipliers(const int64_t *p) {
    return (ss_resources){ .r[SS_DSP] = p[1] * p[2] * p[3] * p[4] };
}

/* LANES, SUM, ACC, PRE, STEPS, FOLDS, PASSES */
static ss_resources partial_sums(const int64_t *p) {
    int64_t held = p[4] > 1 ? p[5] : 1;
    return (ss_resources){ .r[SS_LUT] = held > 1 ? p[0] * ss_lut_ram(p[2], held) : 0 };
}

static ss_terms accumulate_terms(const int64_t *p) {
    int64_t held = p[4] > 1 ? p[5] : 1, rows = p[5] * p[6], banks = ss_ceil_div(held, 64);
    double lanes = (double)p[0], bits = lanes * (double)p[2], results = lanes * (double)(p[2] - p[3]);
    double counters = bits_of(rows) + bits_of(held);
    return (ss_terms){ { 1, bits, rows > 1 ? (double)ss_lut_rom(p[0] * p[2], rows) : 0, bits * mux(banks),
                         banks > 1 ? lanes * (double)banks : 0, counters },
                       { 1, held > 1 ? results : bits, rows > 1 ? bits : 0, counters } };
}

/* ---- plain arithmetic ---- */

/* LANES, IN, W, CHANNELS, SHIFT_LO, SHIFT_HI: a product of 17 bits more than IN, shifted by one of a range of distances */
static ss_terms requantise_terms(const int64_t *p) {
    double lanes = (double)p[0], kept = (double)(p[1] + 17 - p[4] + 1), spread = bits_of(p[5] - p[4] + 1);
    int64_t rows = p[3] / p[0];
    return (ss_terms){ { 1, lanes * kept * ceil(spread / 2), lanes * kept, lanes * (double)p[2], bits_of(rows),
                         (double)ss_lut_rom(23 * p[0], rows) },
                       { 1, lanes * (double)p[1], lanes * (double)(p[1] + 17), lanes * kept, lanes * (double)p[2], bits_of(rows), lanes * 23 } };
}

static ss_resources one_multiplier_a_lane(const int64_t *p) { return (ss_resources){ .r[SS_DSP] = p[0] }; }

/* LANES, W */
static ss_terms relu_terms(const int64_t *p) {
    double bits = (double)(p[0] * p[1]);
    return (ss_terms){ { 1, bits, (double)p[0] }, { 1, bits } };
}

/* LANES, W, CHANNELS */
static ss_terms relu_rom_terms(const int64_t *p) {
    double bits = (double)(p[0] * p[1]);
    int64_t rows = p[2] / p[0];
    return (ss_terms){ { 1, bits, bits_of(rows), (double)ss_lut_rom(p[0] * p[1], rows) }, { 1, bits, bits_of(rows) } };
}

/* LANES_IN, W_IN, WORDS_IN, LANES_OUT, W_OUT, WORDS_OUT, NODES, LOAD_WORDS: two 33-bit counters a node and a way to read them */
static ss_terms shell_terms(const int64_t *p) {
    double bits = (double)(p[0] * p[1] + p[3] * p[4]), nodes = (double)p[6], loads = is(p[7] > 0);
    double counters = bits_of(p[2]) + bits_of(p[5]) + bits_of(p[7] + 1);
    return (ss_terms){ { 1, bits, nodes, counters, loads }, { 1, bits, nodes, counters, loads } };
}

/* ---- the table ---- */

const ss_module_spec ss_module_specs[SS_MODULES] = {
    [SS_MOD_SLICE] = { "`ss_slice`", "ss_slice", NULL, { "WIDTH" }, NULL, slice_terms, NULL },
    [SS_MOD_FORK] = { "`ss_fork`", "ss_fork", NULL, { "WIDTH", "N" }, NULL, fork_terms, NULL },
    [SS_MOD_FIFO_REGISTERS] = { "`ss_fifo`, registers", "ss_fifo", "STYLE=registers", MEMORY, NULL, fifo_register_terms, NULL },
    [SS_MOD_FIFO_LUT] = { "`ss_fifo`, LUT RAM", "ss_fifo", "STYLE=distributed", MEMORY, NULL, fifo_lut_terms, lut_ram },
    [SS_MOD_FIFO_BLOCK] = { "`ss_fifo`, block RAM", "ss_fifo", "STYLE=block", MEMORY, NULL, fifo_block_terms, bram },
    [SS_MOD_NARROWER] = { "`ss_width`, to fewer lanes", "ss_width", NULL, { "IN", "OUT", "W" }, narrows, narrower_terms, NULL },
    [SS_MOD_WIDER] = { "`ss_width`, to more lanes", "ss_width", NULL, { "IN", "OUT", "W" }, widens, wider_terms, NULL },
    [SS_MOD_GEARBOX] = { "`ss_width`, gearbox", "ss_width", NULL, { "IN", "OUT", "W" }, NULL, gearbox_terms, NULL },
    [SS_MOD_RAM_LUT] = { "`ss_ram`, LUT RAM", "ss_ram", "STYLE=distributed", MEMORY, NULL, lut_ram_terms, lut_ram },
    [SS_MOD_RAM_BLOCK] = { "`ss_ram`, block RAM", "ss_ram", "STYLE=block", MEMORY, NULL, block_ram_terms, bram },
    [SS_MOD_ROM_LUT] = { "`ss_rom`, LUTs", "ss_rom", "STYLE=distributed", MEMORY, NULL, lut_rom_terms, NULL },
    [SS_MOD_ROM_BLOCK] = { "`ss_rom`, block RAM", "ss_rom", "STYLE=block", MEMORY, NULL, block_rom_terms, bram },
    [SS_MOD_WEIGHTS_LUT] = { "`ss_weights`, LUTs", "ss_weights", "STYLE=distributed", MEMORY, NULL, lut_rom_terms, NULL },
    [SS_MOD_WEIGHTS_BLOCK] = { "`ss_weights`, block RAM", "ss_weights", "STYLE=block", MEMORY, NULL, block_rom_terms, bram },
    [SS_MOD_WEIGHTS_ULTRA] = { "`ss_weights`, UltraRAM", "ss_weights", "STYLE=ultra", MEMORY, NULL, ultra_terms, uram },
    [SS_MOD_SELECT] = { "`ss_select`", "ss_select", NULL, { "K", "M" }, NULL, select_terms, NULL },
    [SS_MOD_CROSSBAR] = { "`ss_crossbar`", "ss_crossbar", NULL, { "K", "M", "W" }, NULL, crossbar_terms, NULL },
    [SS_MOD_FRONT] = { "`ss_front`", "ss_front", NULL, FRONT, NULL, front_terms, NULL },
    [SS_MOD_FRONT_SPARSE] = { "`ss_front_sparse`", "ss_front_sparse", NULL, FRONT, NULL, front_sparse_terms, NULL },
    [SS_MOD_DOT] = { "`ss_dot`", "ss_dot", NULL, { "W", "GR", "CI", "CO", "M", "ACC" }, NULL, dot_terms, dot_multipliers },
    [SS_MOD_ACCUMULATE] = { "`ss_accumulate`", "ss_accumulate", NULL,
                            { "LANES", "SUM", "ACC", "PRE", "STEPS", "FOLDS", "PASSES" }, NULL, accumulate_terms, partial_sums },
    [SS_MOD_REQUANTISE] = { "`ss_requantise`", "ss_requantise", NULL,
                            { "LANES", "IN", "W", "CHANNELS", "SHIFT_LO", "SHIFT_HI" }, NULL, requantise_terms, one_multiplier_a_lane },
    [SS_MOD_RELU] = { "`ss_relu`, one threshold", "ss_relu", NULL, { "LANES", "W", "THR" }, NULL, relu_terms, NULL },
    [SS_MOD_RELU_ROM] = { "`ss_relu`, a threshold a channel", "ss_relu", "FILE=rows.mem", { "LANES", "W", "CHANNELS" }, NULL,
                          relu_rom_terms, NULL },
    [SS_MOD_SHELL] = { "`ss_shell`", "ss_shell", NULL,
                       { "LANES_IN", "W_IN", "WORDS_IN", "LANES_OUT", "W_OUT", "WORDS_OUT", "NODES", "LOAD_WORDS" }, NULL, shell_terms, NULL },
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
