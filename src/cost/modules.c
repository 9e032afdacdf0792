/* The terms of every module: what its LUTs and registers are proportional to. See modules.h. */
#include "cost/modules.h"

#include "cost/fitted.h"

#include <math.h>

static double log2_up(int64_t n) { return (double)ss_log2_ceil(n); }

/* ---- streams ---- */

static ss_terms slice_terms(const int64_t *p) {
    double width = (double)p[0];
    return (ss_terms){ { 1, width }, { 1, width } };
}

/* ---- memories: WIDTH, DEPTH ---- */

#define MEMORY { "WIDTH", "DEPTH" }

static ss_resources bram(const int64_t *p) { return ss_memory_map(p[1] > 1 ? SS_MEM_BRAM : SS_MEM_NONE, p[0], p[1]); }
static ss_resources uram(const int64_t *p) { return ss_memory_map(SS_MEM_URAM, p[0], p[1]); }
static ss_resources lut_ram(const int64_t *p) {
    return (ss_resources){ .r[SS_LUT] = p[1] > 1 ? ss_lut_ram(p[0], p[1]) : 0 };
}

/* Banks of 64 words are chosen among: so many LUTs a bit, beside the decoder of the write enables. */
static double bank_mux(int64_t depth) { return ceil((double)ss_ceil_div(depth, 64) / 4 - 0.25); }

static ss_terms lut_ram_terms(const int64_t *p) {
    double width = (double)p[0], banks = (double)ss_ceil_div(p[1], 64);
    return (ss_terms){ { width * bank_mux(p[1]), banks > 1 ? banks : 0 }, { width, p[1] == 1 ? width : 0 } };
}

static ss_terms block_ram_terms(const int64_t *p) {
    (void)p;
    return (ss_terms){ { 0 }, { 0 } };
}

/* Bits of the contents; two bits of 32 words share a LUT. */
static ss_terms lut_rom_terms(const int64_t *p) {
    if (p[1] == 1) return (ss_terms){ { 0 }, { 0 } };
    return (ss_terms){ { (double)ss_lut_rom(p[0], p[1]) }, { (double)p[0], log2_up(p[1]) } };
}

static ss_terms block_rom_terms(const int64_t *p) {
    return (ss_terms){ { 0 }, { p[1] > 1 ? (double)p[0] : 0 } };
}

/* Rows come in 64 bits a word: a register for the row, one for the bus, counters of words and rows. Behind 4096 rows the
 * outputs of stacked blocks are chosen among. */
static ss_terms ultra_terms(const int64_t *p) {
    int64_t words = ss_ceil_div(p[0], 64);
    double stacks = (double)ss_ceil_div(p[1], 4096) - 1;
    return (ss_terms){ { 1, log2_up(p[1]) + log2_up(words), stacks * (double)p[0] },
                       { 1, 64 * (double)words + (double)p[0], log2_up(p[1]) + log2_up(words) } };
}

/* ---- the table ---- */

const ss_module_spec ss_module_specs[SS_MODULES] = {
    [SS_MOD_SLICE] = { "ss_slice", NULL, { "WIDTH" }, slice_terms, NULL },
    [SS_MOD_RAM_LUT] = { "ss_ram", "distributed", MEMORY, lut_ram_terms, lut_ram },
    [SS_MOD_RAM_BLOCK] = { "ss_ram", "block", MEMORY, block_ram_terms, bram },
    [SS_MOD_ROM_LUT] = { "ss_rom", "distributed", MEMORY, lut_rom_terms, NULL },
    [SS_MOD_ROM_BLOCK] = { "ss_rom", "block", MEMORY, block_rom_terms, bram },
    [SS_MOD_WEIGHTS_LUT] = { "ss_weights", "distributed", MEMORY, lut_rom_terms, NULL },
    [SS_MOD_WEIGHTS_BLOCK] = { "ss_weights", "block", MEMORY, block_rom_terms, bram },
    [SS_MOD_WEIGHTS_ULTRA] = { "ss_weights", "ultra", MEMORY, ultra_terms, uram },
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
