/* conv_portable: the tile kernels in vector extensions that gcc and clang lower to any machine, and a plain finish.
 * Slower than the others, and the same integers; float rounds products and sums apart, so it differs in the last bits.
 */
#include "infer/conv.h"
#include "infer/ops.h"

#include <math.h>
#include <string.h>

#define LANES 4
#define GROUP 4
#define HAS_U8 0

typedef int32_t vi __attribute__((vector_size(16)));
typedef uint32_t vu __attribute__((vector_size(16)));
typedef float vf __attribute__((vector_size(16)));

static inline vi vi_load(const void *p) {
    vi v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void vi_store(void *p, vi v) { memcpy(p, &v, sizeof v); }
static inline vi vi_add(vi a, vi b) { return (vi)((vu)a + (vu)b); } /* pixels that nobody stores may overflow */
static inline vi vi_high16(vi v) { return v >> 16; }
static inline vi vi_low16(vi v) { return v & 0xffff; }
static inline vi vi_spread(const void *p) {
    int32_t x;
    memcpy(&x, p, sizeof x);
    return (vi){ x, x, x, x };
}
static inline vi low_half(vi v) { return (vi)((vu)v << 16) >> 16; }
static inline vi vi_dot16(vi acc, vi x, vi w) { 
    return vi_add(acc, vi_add(low_half(x) * low_half(w), (x >> 16) * (w >> 16)));
}

static inline vf vf_load(const void *p) {
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void vf_store(void *p, vf v) { memcpy(p, &v, sizeof v); }
static inline vf vf_spread(const void *p) {
    float x;
    memcpy(&x, p, sizeof x);
    return (vf){ x, x, x, x };
}
static inline vf vf_fma(vf acc, vf x, vf w) { return acc + x * w; } /* a call a lane would cost tenfold */

#include "infer/conv_tile.h"
#include "infer/loops.h"

static void finish_int(const ss_conv *c, const ss_conv_tile *t, const int32_t *lo, const int32_t *hi, int tile) {
    const ss_qnode *q = c->qn;
    const int32_t *thr = t->thr;
    for (int n = 0; n < t->vectors; n++)
        EACH_PIXEL(t, g, p) {
            int16_t *y = (int16_t *)(void *)output(t, g, p) + n * LANES;
            for (int i = 0; i < t->stored[n]; i++) {
                const int at = (n * tile + g * GROUP + p) * LANES + i, f = t->filter + n * LANES + i;
                const int64_t acc = c->wide ? (int64_t)hi[at] * 65536 + lo[at] : lo[at];
                const int32_t v = ss_requantise(acc, q->pre, c->mult[f], c->shift[f], q->lo, q->hi);
                y[i] = (int16_t)(q->n_thr ? ss_act_int(v, thr[n * LANES + i], q->ceiling) : v);
            }
        }
}

static void finish_float(const ss_conv *c, const ss_conv_tile *t, const float *sum, int tile) {
    const ss_act *act = &c->n->act;
    const float *thr = t->thr;
    for (int n = 0; n < t->vectors; n++)
        EACH_PIXEL(t, g, p) {
            float *y = (float *)(void *)output(t, g, p) + n * LANES;
            for (int i = 0; i < t->stored[n]; i++) {
                const float v = sum[(n * tile + g * GROUP + p) * LANES + i];
                y[i] = act->on ? ss_act_float(v, thr[n * LANES + i], act->ceiling) : v;
            }
        }
}

TILE_OF(1, 1)
TILE_OF(1, 2)
TILE_OF(4, 1)
TILE_OF(4, 2)
TILE_OF(8, 1)

static void tile(const ss_conv *c, const ss_conv_tile *t) {
    if (is_one_pixel(t)) t->vectors == 1 ? tile_1_1(c, t) : tile_1_2(c, t);
    else if (t->vectors == 2) tile_4_2(c, t);
    else t->groups == 1 ? tile_4_1(c, t) : tile_8_1(c, t);
}

const ss_loops ss_loops_portable = { add, count_ends };
const ss_conv_kernels ss_conv_portable = { LANES, GROUP, 1, tile, NULL, row_squares, depth_int, depth_float };
