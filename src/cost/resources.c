/* LUT, FF, DSP and memories of each module: documented estimates, built from device primitives, fitted where a
 * measurement of synthesised prototypes exists (docs/cost.md has the table and the residuals). Calibration against
 * synthesis of the final modules replaces the constants below and nothing else. */
#include "cost/parts.h"

#include <math.h>

/* Every number that is not arithmetic on widths. F: fitted to synthesis of the prototype engines (Yosys, UltraScale+,
 * K = 9 and 25, 16 and 8 bits); P: counted from primitives; E: an estimate. */
static const struct {
    double mux;            /* F LUTs a bit and input to choose from, beyond the first: n-1 of them for n inputs */
    double select;         /* F LUTs a crossbar input, beyond the first: zero check, prefix, index */
    double single_mux;     /* F the same for m = 1, where nothing is shared between multipliers */
    double single_select;  /* F */
    double gate;           /* F LUTs a bit and multiplier: operands of idle multipliers held at zero */
    double stream_control; /* F LUTs of handshake and step counting of one input stream */
    double stream_ff;      /* F registers beside operands, one input stream */
    double window_luts;    /* E position counters and padding masks of one window generator */
    double window_ffs;     /* E */
    double counter_luts;   /* P one 12-bit counter with its comparison */
    double counter_ffs;    /* P */
    double shift;          /* P LUTs a bit of a barrel shifter over 16 distances: two levels of 4:1 */
    int requant_bits;      /* P 27 x 18 bit product of the multiplier */
    int scale_bits;        /* P multiplier (17 bits) and shift (6 bits) a channel */
    double fork_luts;      /* P a valid/ready pair, a reader */
    double shell_luts, shell_ffs, shell_bram18; /* E DMA in and out, control registers, clock crossing */
    double load_luts, load_ffs;                 /* E the load stream and its address counters */
} k_ = {
    .mux = 0.469, .select = 2.0, .single_mux = 0.64, .single_select = 3.5, .gate = 0.5, .stream_control = 24,
    .stream_ff = 52, .window_luts = 60, .window_ffs = 60, .counter_luts = 12, .counter_ffs = 12, .shift = 2,
    .requant_bits = 45, .scale_bits = 23, .fork_luts = 3, .shell_luts = 5000, .shell_ffs = 7000, .shell_bram18 = 16,
    .load_luts = 300, .load_ffs = 400,
};

static int64_t up(double x) { return (int64_t)ceil(x - 1e-9); }
static ss_resources logic(double luts, double ffs) { return (ss_resources){ { up(luts), up(ffs) } }; }

/* kh-1 rows in one memory (all rows share the address), kw-1 columns of delay for each of the kh rows, and a register
 * for the whole window, which holds still while the filters pass. Padding is masked by the register's reset. */
ss_resources ss_part_window(const ss_device *dev, int64_t kh, int64_t kw, int64_t w, int64_t deep, int64_t streams,
                            int bits) {
    int64_t k = kh * kw;
    ss_resources res = logic(0, (double)(k * streams * bits));
    if (k == 1) return res;
    ss_res_add(&res, logic(k_.window_luts + (double)k, k_.window_ffs), 1);
    if (kh > 1) ss_res_add(&res, ss_memory_buffer(dev, (kh - 1) * streams * bits, w * deep), 1);
    if (kw > 1) ss_res_add(&res, ss_memory_buffer(dev, kh * (kw - 1) * streams * bits, deep), 1);
    return res;
}

/* m of k positions at a time: each multiplier chooses among k/m. */
ss_resources ss_part_dense_front(int64_t k, int64_t m, int bits) {
    double mux = k_.mux * (double)((k - m) * bits);
    return logic(k_.stream_control + mux, k_.stream_ff + (m < k ? (double)(m * bits) : 0));
}

/* Multiplier i of the crossbar chooses among inputs i..k-1, since the i-th non-zero cannot come before position i:
 * the sum over i of (k-1-i). */
static double choices(int64_t k, int64_t m) { return (double)(m * (k - 1)) - (double)(m * (m - 1)) / 2; }

int64_t ss_part_crossbar_select(int64_t k, int64_t m, int bits) {
    return up(choices(k, m) * (m == 1 ? k_.single_select + k_.single_mux * bits : k_.select + k_.mux * bits));
}

ss_resources ss_part_crossbar_front(int64_t k, int64_t m, int bits) {
    double luts = (double)ss_part_crossbar_select(k, m, bits) + k_.gate * (double)(m * bits);
    double operands = (double)(k * bits + 2 * m * bits); /* window stage, selected values */
    return logic(k_.stream_control + luts, k_.stream_ff + operands);
}

/* With one multiplier the weight memory is addressed by position: no word of k weights, nothing to choose. */
ss_resources ss_part_crossbar_weights(int64_t k, int64_t m, int bits) {
    if (m == 1 || m == k) return logic(0, (double)bits);
    return logic(k_.mux * choices(k, m) * bits, (double)(2 * k * bits + 2 * m * bits));
}

/* Pairwise; sums grow one bit a level; every level is registered. */
ss_resources ss_part_adder_tree(int64_t leaves, int64_t width) {
    ss_resources res = { { 0 } };
    for (int64_t n = leaves; n > 1; n = ss_ceil_div(n, 2)) {
        width++;
        res.r[SS_LUT] += n / 2 * width;
        res.r[SS_FF] += ss_ceil_div(n, 2) * width;
    }
    return res;
}

ss_resources ss_part_accumulator(const ss_device *dev, int64_t lanes, int64_t width, int64_t depth) {
    ss_resources res = logic((double)(lanes * width), (double)(lanes * width));
    if (depth > 1) ss_res_add(&res, ss_memory_buffer(dev, lanes * width, depth), 1);
    return res;
}

/* The DSP multiplies and adds the half; barrel shift and saturation are LUTs. A DSP48E1 is 25x18: two for 27x18. */
ss_resources ss_part_requantise(const ss_device *dev, int64_t lanes, int64_t channels, int bits, bool scaled) {
    double saturate = 1.5 * bits, out = bits;
    if (!scaled) return logic((double)lanes * (saturate + bits), (double)lanes * out);
    bool narrow = dev->family[0] == '7';
    ss_resources res = logic((double)lanes * (k_.shift * k_.requant_bits + saturate),
                             (double)lanes * (k_.requant_bits + out));
    res.r[SS_DSP] = lanes * (narrow ? 2 : 1);
    ss_res_add(&res, ss_memory_constants(dev, lanes * k_.scale_bits, channels / lanes), 1);
    return res;
}

/* y > t ? min(y, ceiling) : 0: two comparisons (half a LUT a bit), one gate. */
ss_resources ss_part_activation(int64_t lanes, int bits) {
    return logic((double)lanes * 1.5 * bits, (double)(lanes * bits));
}

/* Whole multiples: a register of the wider side, loaded or shifted. Else words straddle: a shifter over both. */
ss_resources ss_part_converter(int64_t from, int64_t to, int bits) {
    if (from == to) return (ss_resources){ { 0 } };
    int64_t wide = from > to ? from : to, narrow = from > to ? to : from;
    double luts = k_.counter_luts, ffs = k_.counter_ffs + (double)(wide * bits);
    if (wide % narrow != 0) {
        luts += (double)((wide + narrow) * bits);
        ffs += (double)(narrow * bits);
    } else if (from > to) {
        luts += 0.5 * (double)(wide * bits);
    }
    return logic(luts, ffs);
}

ss_resources ss_part_stream(int64_t lanes, int bits) {
    return logic(2 + 0.5 * (double)(lanes * bits), 2 + 2 * (double)(lanes * bits));
}

ss_resources ss_part_fork(int64_t readers) {
    return logic(k_.fork_luts * (double)readers, (double)readers);
}

/* Maximum: a tree of k-1 compare-and-choose, a LUT and a half a bit. Average: adders as wide as the sum. */
ss_resources ss_part_pool(int64_t lanes, int64_t k, int bits, bool average) {
    int64_t width = bits + (average ? ss_log2_ceil(k) : 0);
    double ops = (double)(lanes * (k > 1 ? k - 1 : 1) * width);
    return logic((average ? 1.0 : 1.5) * ops, ops);
}

ss_resources ss_part_control(int64_t counters) {
    return logic(k_.counter_luts * (double)counters, k_.counter_ffs * (double)counters);
}

ss_resources ss_part_shell(bool loads_weights) {
    ss_resources res = logic(k_.shell_luts, k_.shell_ffs);
    res.r[SS_BRAM18] = up(k_.shell_bram18);
    if (loads_weights) ss_res_add(&res, logic(k_.load_luts, k_.load_ffs), 1);
    return res;
}
