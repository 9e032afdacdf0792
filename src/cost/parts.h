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
int64_t ss_uram_blocks(int64_t width, int64_t depth);
int64_t ss_lut_rom(int64_t width, int64_t depth); /* LUTs of a ROM */
int64_t ss_lut_ram(int64_t width, int64_t depth); /* LUTs of a RAM, without what chooses among banks of 64 words */
ss_resources ss_memory_map(ss_mem kind, int64_t width, int64_t depth);
/* A FIFO, delay line or line buffer in what is cheaper on this device: registers, LUTs or block RAM. */
ss_resources ss_memory_buffer(const ss_device *dev, int64_t width, int64_t depth);
/* Constants (biases, requantise multipliers) in LUTs or block RAM. */
ss_resources ss_memory_constants(const ss_device *dev, int64_t width, int64_t depth);

/* ---- resources.c: one function a module ---- */

/* A window of kh x kw over a map w wide of `deep` words a pixel, each of `streams` elements. */
ss_resources ss_part_window(const ss_device *dev, int64_t kh, int64_t kw, int64_t w, int64_t deep, int64_t streams,
                            int bits);
/* Front end of one input stream, shared by its co engines. */
ss_resources ss_part_dense_front(int64_t k, int64_t m, int bits);
int64_t ss_part_crossbar_select(int64_t k, int64_t m, int bits); /* LUTs of zero check, prefix, index, value mux */
ss_resources ss_part_crossbar_front(int64_t k, int64_t m, int bits); /* 1 <= m < k */
/* What each engine of the stream adds: the weights' side of the crossbar. */
ss_resources ss_part_crossbar_weights(int64_t k, int64_t m, int bits);
ss_resources ss_part_adder_tree(int64_t leaves, int64_t width);
ss_resources ss_part_accumulator(const ss_device *dev, int64_t lanes, int64_t width, int64_t depth);
/* Bias, multiplier and shift per channel are read from a memory channels/lanes deep. scaled: multiplies (one DSP a
 * lane); else only shifts by a constant. */
ss_resources ss_part_requantise(const ss_device *dev, int64_t lanes, int64_t channels, int bits, bool scaled);
ss_resources ss_part_activation(int64_t lanes, int bits);
ss_resources ss_part_converter(int64_t from, int64_t to, int bits);
ss_resources ss_part_stream(int64_t lanes, int bits);                  /* valid/ready register slice */
ss_resources ss_part_fork(int64_t readers);
ss_resources ss_part_pool(int64_t lanes, int64_t k, int bits, bool average);
ss_resources ss_part_control(int64_t counters);
ss_resources ss_part_shell(bool loads_weights);                        /* a partition's DMA and control */

#endif
