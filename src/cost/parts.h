/* parts: what cost.c assembles nodes from: expected cycles (cycles.c), memories (memory.c), modules (resources.c).
 * For cost/ and its tests only. Widths in bits, depths in words, both >= 1. */
#ifndef SS_COST_PARTS_H
#define SS_COST_PARTS_H

#include "cost/cost.h"

static inline void ss_res_add(ss_resources *a, ss_resources b, int64_t times) {
    for (int r = 0; r < SS_RES_COUNT; r++) a->r[r] += times * b.r[r];
}

/* ceil(log2(n)); 0 for n <= 1. */
static inline int ss_log2_ceil(int64_t n) {
    int bits = 0;
    while (bits < 62 && ((int64_t)1 << bits) < n) bits++;
    return bits;
}

/* ---- cycles.c ---- */

/* Sum over the histogram hist[0..k] of max(1, ceil(n/m)), for m = 1..k: out[m-1]. */
void ss_expected_cycles(const double *hist, int32_t k, double *out);

/* ---- memory.c ---- */

int64_t ss_bram18_blocks(int64_t width, int64_t depth);
bool ss_bram18_stacked(int64_t width, int64_t depth); /* are rows spread over blocks that are then chosen among? */
int64_t ss_uram_blocks(int64_t width, int64_t depth);
/* Different columns of a ROM of random bits: of few rows there are few, and synthesis merges those that are equal. */
int64_t ss_rom_columns(int64_t width, int64_t depth);
int64_t ss_lut_rom(int64_t width, int64_t depth); /* LUTs of a ROM */
int64_t ss_lut_ram(int64_t width, int64_t depth); /* LUTs of a RAM, without what chooses among banks of 64 words */
ss_resources ss_memory_map(ss_mem kind, int64_t width, int64_t depth);

/* ---- resources.c: parts of nodes, in the form that suits this device ---- */

#define SS_SCALE_BITS 23       /* multiplier (17 bits) and shift (6 bits) of a channel */
#define SS_RESULTS_IN_LUTS 64  /* deeper FIFOs of results are block RAM */

ss_resources ss_part_fifo(const ss_device *dev, int64_t width, int64_t depth);
ss_resources ss_part_result_fifo(int64_t width, int64_t depth);
ss_resources ss_part_converter(int64_t from, int64_t to, int bits);
ss_resources ss_part_slice(int64_t lanes, int bits);
ss_resources ss_part_fork(int64_t lanes, int bits, int64_t readers);
ss_resources ss_part_weights(ss_mem mem, int64_t width, int64_t depth);
/* Multiplier and shift per channel from a table channels/lanes deep, LUT or BRAM; in: bits of what comes. */
ss_resources ss_part_requantise(ss_mem table, int64_t lanes, int64_t channels, int in, int bits);
/* thresholds: 0: no activation; 1: one for all channels; else one a channel, from a table. */
ss_resources ss_part_activation(const ss_device *dev, int64_t lanes, int64_t thresholds, int bits);
/* How an ss_window is built. */
typedef struct ss_window_form {
    int32_t rows;   /* ROWS: banks of the line buffer */
    bool cache;     /* CACHE: the columns that neighbouring windows share are kept */
    ss_mem memory;  /* of the line buffer: LUT or BRAM */
} ss_window_form;
/* cycles: the fewest that the reader takes for a window. */
ss_window_form ss_window_form_of(const ss_device *dev, const ss_window *w, ss_shape in, ss_shape out, int64_t lanes,
                                 int bits, int64_t cycles);
/* Cycles that a row's first window takes at least, where columns are kept (window.c). */
int64_t ss_window_first_loads(const ss_window *w, ss_shape in, ss_shape out);
/* The windows of a node over a map `in`, `lanes` elements a word. */
ss_resources ss_part_window(ss_shape in, const ss_node *n, int64_t lanes, int bits, ss_window_form f);
ss_resources ss_part_shell(void); /* a partition's ports and registers */
ss_resources ss_part_counters(void);            /* what they have for every node */

#endif
