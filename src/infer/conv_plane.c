/* conv_plane: the zero-padded plane of one group, and the plans that keep 32-bit sums exact on it.
 *
 * Plan of a tile: walking the chunks of a window in the kernel's order, the bound on |low| grows by
 * w_norm * max|x| where max|x| is the largest Euclidean norm of that chunk among the pixels of the plane's row (of each
 * of the rows that the tile's pixels lie on). Before the bound could leave 32 bits the chunk is marked: spill, and start
 * again from the 16 bits that a spill leaves. A chunk too large by itself spills before each pair of products, whose sum
 * always fits: 2 * 32768 * 32767 + 65535 = 2^31 - 1.
 */
#include "infer/conv_internal.h"

#include <math.h>
#include <string.h>

/* 2^31 - 1 less what a spill leaves, less a thousandth for the rounding of the norms. */
#define SUM_LIMIT 2.145e9f

/* ---- plane ---- */

/* Pixels of a group, from `in` on; lanes behind the group's channels are zero, or meet weights that are. */
static void put_pixels(const ss_conv *c, const char *in, int64_t stride, int32_t pixels, char *to) {
    const int64_t in_element = c->form == SS_FORM_FLOAT ? 4 : 2, pixel = (int64_t)c->cs * c->esize;
    const bool dense = stride == c->cs * in_element && c->groups == 1; /* one run of elements */
    const int32_t runs = dense ? 1 : pixels, n = dense ? pixels * c->cs : c->cg;
    for (int32_t i = 0; i < runs; i++, in += stride, to += pixel) {
        if (c->form == SS_FORM_U8) {
            c->k->to_bytes((const void *)in, n, c->x_offset, (uint8_t *)to);
            continue;
        }
        memcpy(to, in, (size_t)(n * c->esize));
        if (!dense) memset(to + n * c->esize, 0, (size_t)(pixel - n * c->esize));
    }
}

void ss_conv_plane(const ss_conv *c, int32_t group, const void *in, int32_t in_stride, void *plane) {
    const ss_window *w = &c->n->win;
    const size_t row = (size_t)c->row_bytes, pixel = (size_t)(c->cs * c->esize);
    const size_t left = (size_t)w->pl * pixel, right = (size_t)w->pr * pixel;
    const int64_t element = c->form == SS_FORM_FLOAT ? 4 : 2, stride = in_stride * element;
    const char *from = (const char *)in + (int64_t)group * c->cg * element;
    char *to = plane;
    memset(to, c->x_offset, row * (size_t)w->pt);
    to += row * (size_t)w->pt;
    for (int32_t y = 0; y < c->in.h; y++, to += row, from += c->in.w * stride) {
        memset(to, c->x_offset, left);
        put_pixels(c, from, stride, c->in.w, to + left);
        memset(to + row - right, c->x_offset, right);
    }
    memset(to, c->x_offset, row * (size_t)w->pb);
}

/* ---- plans ---- */

/* row_max[y][chunk]: largest norm of the chunk among the row's pixels. */
static void row_norms(const ss_conv *c, const int16_t *plane, float *row_max) {
    int32_t *squares = (int32_t *)(void *)(row_max + (int64_t)c->ph * c->chunks);
    for (int32_t y = 0; y < c->ph; y++, row_max += c->chunks, plane += (int64_t)c->pw * c->cs) {
        c->k->row_squares(plane, c->pw, c->cs, squares);
        for (int32_t i = 0; i < c->chunks; i++) row_max[i] = sqrtf((float)squares[i] * 32.0f);
    }
}

/* One chunk's part of a plan: `sum` bounds |low| so far. */
static uint8_t plan_chunk(float add, float *sum) {
    if (add > SUM_LIMIT) {
        *sum = SUM_LIMIT;
        return SS_SPILL_EVERY_STEP;
    }
    const bool spill = *sum + add > SUM_LIMIT;
    *sum = spill ? add : *sum + add;
    return spill ? SS_SPILL_ONCE : SS_SPILL_NONE;
}

/* The plan for pixels on output rows y0..y1. */
static void plan_rows(const ss_conv *c, const float *w_norm, const float *row_max, int32_t y0, int32_t y1,
                      uint8_t *plan) {
    const ss_window *w = &c->n->win;
    float sum = 0;
    for (int32_t i = 0; i < w->kh; i++)
        for (int32_t j = 0; j < w->kw; j++)
            for (int32_t chunk = 0; chunk < c->chunks; chunk++, w_norm++) {
                float x = 0;
                for (int32_t y = y0; y <= y1; y++) {
                    const float v = row_max[(int64_t)(y * w->sh + i) * c->chunks + chunk];
                    if (v > x) x = v;
                }
                *plan++ = plan_chunk(*w_norm * x, &sum);
            }
}

void ss_conv_plans(const ss_conv *c, int32_t group, const void *plane, char *scratch) {
    float *row_max = (float *)(void *)(scratch + c->row_max_at);
    uint8_t *plan = (uint8_t *)scratch + c->plan_at;
    const float *w_norm = c->w_norm + (int64_t)group * c->chunk_count;
    row_norms(c, plane, row_max);
    const int32_t all = c->out.h * c->row_groups, size = c->tile_groups;
    int32_t last_y0 = -1, last_y1 = -1;
    for (int32_t t = 0; t < c->tiles; t++, plan += c->chunk_count) {
        const int32_t last = t * size + size < all ? t * size + size - 1 : all - 1;
        const int32_t y0 = t * size / c->row_groups, y1 = last / c->row_groups;
        if (y0 == last_y0 && y1 == last_y1) memcpy(plan, plan - c->chunk_count, (size_t)c->chunk_count);
        else plan_rows(c, w_norm, row_max, y0, y1, plan);
        last_y0 = y0;
        last_y1 = y1;
    }
}
