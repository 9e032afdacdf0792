/* Parts of a node that several kinds of node have: which form of a module it is, and what that costs (modules.c). */
#include "cost/parts.h"

#include "cost/modules.h"

/* The shifts of a layer's channels, for results of 27 bits; networks have layers with less and layers with more. */
#define SHIFT_LO 22
#define SHIFT_HI 37

static ss_style style_of(ss_mem mem) {
    return mem == SS_MEM_NONE ? SS_STYLE_REGISTERS : mem == SS_MEM_LUT ? SS_STYLE_LUT : SS_STYLE_BLOCK;
}

ss_resources ss_part_fifo(const ss_device *dev, int64_t width, int64_t depth) {
    static const ss_module forms[] = { SS_MOD_FIFO_REGISTERS, SS_MOD_FIFO_LUT, SS_MOD_FIFO_BLOCK };
    return SS_COST_OF(forms[style_of(ss_buffer_style(dev, width, depth))], width, depth);
}

ss_resources ss_part_result_fifo(int64_t width, int64_t depth) {
    return SS_COST_OF(depth > SS_RESULTS_IN_LUTS ? SS_MOD_FIFO_BLOCK : SS_MOD_FIFO_LUT, width, depth);
}

ss_resources ss_part_converter(int64_t from, int64_t to, int bits) {
    if (from == to) return (ss_resources){ { 0 } };
    ss_module form = from % to == 0 ? SS_MOD_NARROWER : to % from == 0 ? SS_MOD_WIDER : SS_MOD_GEARBOX;
    return SS_COST_OF(form, from, to, bits);
}

ss_resources ss_part_slice(int64_t lanes, int bits) { return SS_COST_OF(SS_MOD_SLICE, lanes * bits); }

ss_resources ss_part_fork(int64_t lanes, int bits, int64_t readers) {
    return SS_COST_OF(SS_MOD_FORK, lanes * bits, readers);
}

ss_resources ss_part_weights(ss_mem mem, int64_t width, int64_t depth) {
    static const ss_module forms[] = { [SS_MEM_LUT] = SS_MOD_ROM_LUT, [SS_MEM_BRAM] = SS_MOD_ROM_BLOCK,
                                       [SS_MEM_URAM] = SS_MOD_WEIGHTS_ULTRA };
    return mem == SS_MEM_NONE ? (ss_resources){ { 0 } } : SS_COST_OF(forms[mem], width, depth);
}

ss_resources ss_part_requantise(ss_mem table, int64_t lanes, int64_t channels, int in, int bits) {
    int lo = SHIFT_LO - (27 - in);
    return SS_COST_OF(SS_MOD_REQUANTISE, lanes, in, bits, channels, lo, lo + SHIFT_HI - SHIFT_LO, style_of(table));
}

ss_resources ss_part_activation(const ss_device *dev, int64_t lanes, int64_t thresholds, int bits) {
    if (thresholds == 0) return (ss_resources){ { 0 } };
    if (thresholds == 1) return SS_COST_OF(SS_MOD_RELU, lanes, bits, 1);
    ss_style style = style_of(ss_constants_style(dev, lanes * bits, thresholds / lanes));
    return SS_COST_OF(SS_MOD_RELU_ROM, lanes, bits, thresholds, style);
}

/* ---- windows ---- */

ss_window_form ss_window_form_of(const ss_device *dev, const ss_window *w, ss_shape in, ss_shape out, int64_t lanes,
                                 int bits, int64_t cycles) {
    ss_window_form f = { .rows = ss_window_rows(w, in, out), .cache = ss_window_keeps_columns(w, out, cycles) };
    f.memory = ss_buffer_style(dev, lanes * bits, in.w * (in.c / lanes));
    if (f.memory == SS_MEM_NONE) f.memory = SS_MEM_LUT;
    return f;
}

ss_resources ss_part_window(ss_shape in, const ss_node *n, int64_t lanes, int bits, ss_window_form f) {
    const ss_window *w = &n->win;
    return SS_COST_OF(SS_MOD_WINDOW, lanes, bits, in.c / lanes, in.h, in.w, w->kh, w->kw, w->sh, w->sw, n->shape.h,
                      n->shape.w, f.rows, f.cache, style_of(f.memory));
}

/* ---- the shell ---- */

#define SHELL_LANES 2 /* on the streams of a partition: a few LUTs more or less */

static ss_resources shell(int64_t nodes) {
    return SS_COST_OF(SS_MOD_SHELL, SHELL_LANES, 16, SHELL_LANES, 16, nodes);
}

ss_resources ss_part_shell(void) { return shell(0); }

ss_resources ss_part_counters(void) {
    ss_resources res = shell(1);
    ss_res_add(&res, shell(0), -1);
    return res;
}
