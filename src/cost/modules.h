/* modules: what synthesis makes of each module of rtl/, as a function of its parameters; for cost/, calibrate/fit.c
 * and tests.
 *
 * DSPs, memory blocks and the LUTs of LUT RAM follow from rules (memory.c), exactly. The other LUTs and the
 * registers are sums of coefficient times term, both never negative: the terms follow from the module's structure
 * (bits of a multiplexer, of a counter), the coefficients come from least squares over calibrate/measurements.csv
 * and stand in fitted.h. */
#ifndef SS_COST_MODULES_H
#define SS_COST_MODULES_H

#include "cost/parts.h"

#define SS_TERMS 8   /* most terms of a module */
#define SS_PARAMS 20 /* most parameters */

/* Values of a STYLE parameter. */
typedef enum ss_style { SS_STYLE_REGISTERS, SS_STYLE_LUT, SS_STYLE_BLOCK, SS_STYLE_ULTRA, SS_STYLES } ss_style;
extern const char *const ss_style_names[SS_STYLES]; /* "registers", "distributed", "block", "ultra" */

/* A module, or one form of it. */
typedef enum ss_module {
    SS_MOD_SLICE, SS_MOD_FORK, SS_MOD_FIFO_REGISTERS, SS_MOD_FIFO_LUT, SS_MOD_FIFO_BLOCK, SS_MOD_NARROWER,
    SS_MOD_WIDER, SS_MOD_GEARBOX, SS_MOD_ROM_LUT, SS_MOD_ROM_BLOCK, SS_MOD_WEIGHTS_ULTRA, SS_MOD_WINDOW,
    SS_MOD_CROSSBAR, SS_MOD_FRONT, SS_MOD_FRONT_SPARSE, SS_MOD_DOT, SS_MOD_ACCUMULATE, SS_MOD_SHARE, SS_MOD_COMPACT,
    SS_MOD_REPLAY, SS_MOD_LANES, SS_MOD_JOIN, SS_MOD_REQUANTISE,
    SS_MOD_SCALE, SS_MOD_RELU, SS_MOD_RELU_ROM, SS_MOD_ADD, SS_MOD_CONCAT, SS_MOD_POOL_MAX, SS_MOD_POOL_AVG,
    SS_MOD_POOL_GLOBAL, SS_MOD_SLICE_SPACE, SS_MOD_CHANPAD, SS_MOD_SHELL, SS_MODULES
} ss_module;

typedef struct ss_terms {
    double lut[SS_TERMS], ff[SS_TERMS];
} ss_terms;

typedef struct ss_module_spec {
    const char *title;                   /* "ss_fifo, LUT RAM": a module, or one form of it */
    const char *name;                    /* "ss_fifo" */
    const char *form;                    /* "STYLE=block": of the measurements with that parameter; NULL: of all */
    const char *params[SS_PARAMS];       /* names, in the order of the arrays below: integers, or an ss_style */
    bool (*is)(const int64_t *p);        /* of the measurements that it says yes to; NULL: of all */
    ss_terms (*terms)(const int64_t *p);
    ss_resources (*exact)(const int64_t *p); /* memories and DSPs; NULL: none */
} ss_module_spec;

extern const ss_module_spec ss_module_specs[SS_MODULES];

ss_resources ss_module_cost(ss_module m, const int64_t *p);
#define SS_COST_OF(m, ...) ss_module_cost((m), (const int64_t[]){ __VA_ARGS__ })

/* All of fitted.h, to tell one calibration from another. */
const void *ss_module_coefficients(size_t *bytes);

#endif
