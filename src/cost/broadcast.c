/* The broadcast engine of a convolution: its legal foldings, its memories, its modules. Module: rtl/ss_conv_broadcast.sv.
 *
 * ci lanes of the window, m = P kernel parts: ci*P streams, all alike, with `positions` elements of a word and `rows` of a
 * list at most; co filters at once, of which the last fold may lack some: its lanes
 * that have none leave the join no sums. */
#include "base/share.h"
#include "cost/modules.h"
#include "cost/node.h"

#define PACKED_SUM 30   /* bits of sums of which two share a DSP (ss_broadcast_lanes) */

ss_broadcast ss_broadcast_of(const ss_cost_node *n, const ss_config *cfg, int bits) {
    ss_broadcast b = { .streams = (int64_t)cfg->ci * cfg->m,
                       .steps = n->cg / cfg->ci,
                       .folds = ss_ceil_div(n->fg, cfg->co),
                       .passes = n->groups,
                       .beats = cfg->co / cfg->sums,
                       .positions = ss_ceil_div(n->k, cfg->m) };
    b.rows = ss_share_rows(b.steps, n->k, cfg->m);
    b.packed = bits == 8 && cfg->co % 2 == 0 && cfg->sums % 2 == 0 && n->acc_bits <= PACKED_SUM;
    return b;
}

/* One stream without its weights. */
static ss_resources stream_resources(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg, const ss_broadcast *b) {
    int bits = c->opts.bits;
    int64_t rows = b->rows, room = cfg->lists * rows;
    int64_t places = cfg->results * b->beats > 2 ? cfg->results * b->beats : 2;
    ss_resources res = SS_COST_OF(SS_MOD_COMPACT, bits, b->positions, b->steps, rows, room, SS_LISTS_WAITING);
    if (cfg->queue > 0)
        ss_res_add(&res, SS_COST_OF(SS_MOD_FIFO_LUT, b->positions * bits + 1, cfg->queue > 2 ? cfg->queue : 2), 1);
    ss_res_add(&res,
               SS_COST_OF(SS_MOD_REPLAY, bits, rows, b->folds, b->passes, b->beats, room, SS_LISTS_WAITING, cfg->results), 1);
    ss_res_add(&res, SS_COST_OF(SS_MOD_LANES, bits, cfg->co, cfg->sums, n->acc_bits), 1);
    ss_res_add(&res, ss_part_result_fifo(cfg->sums * n->acc_bits, places), 1);
    res.r[SS_FF] += ss_log2_ceil(b->beats); /* the word of a fold that leaves next */
    res.r[SS_LUT] += ss_log2_ceil(b->beats);
    return res;
}

static ss_resources one_engine(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg) {
    ss_broadcast b = ss_broadcast_of(n, cfg, c->opts.bits);
    ss_resources res = SS_COST_OF(SS_MOD_FORK, (int64_t)cfg->ci * n->k * c->opts.bits, b.streams);
    if (cfg->m > 1 && b.steps > 1) ss_res_add(&res, SS_COST_OF(SS_MOD_SHARE, c->opts.bits, n->k, cfg->m, cfg->ci, b.steps), 1);
    ss_res_add(&res, stream_resources(c, n, cfg, &b), b.streams);
    ss_style biases = ss_fold_rom_style(c, n, cfg) == SS_MEM_LUT ? SS_STYLE_LUT : SS_STYLE_BLOCK;
    ss_res_add(&res,
               SS_COST_OF(SS_MOD_JOIN, b.streams, cfg->sums, n->acc_bits, n->acc_bits - ss_result_bits(n),
                          b.passes * (n->fg / cfg->sums), biases),
               1);
    if (n->fg % cfg->co != 0) ss_res_add(&res, (ss_resources){ .r = { [SS_LUT] = 2, [SS_FF] = 1 } }, ss_log2_ceil(b.folds * b.beats));
    return res;
}

/* Several engines: each has its words in a FIFO, made narrower behind it; their results leave in turn. */
ss_resources ss_broadcast_resources(const ss_cost *c, const ss_cost_node *n, const ss_config *cfg) {
    const int64_t pixels = ss_pixels(cfg), wide = ss_window_lanes(cfg), word = n->k * c->opts.bits, result = cfg->sums * ss_result_bits(n);
    const int64_t held = ss_cost_pixel_held(n->f / cfg->sums);
    ss_resources one = one_engine(c, n, cfg), res = { { 0 } };
    if (pixels == 1) return one;
    ss_res_add(&one, ss_part_fifo(c->dev, wide * word, ss_cost_pixel_waiting(n->c / wide)), 1);
    if (held > 0) ss_res_add(&one, ss_part_fifo(c->dev, result, held), 1);
    ss_res_add(&one, ss_part_converter(wide, cfg->ci, (int)word), 1);
    ss_res_add(&res, one, pixels);
    ss_res_add(&res, SS_COST_OF(SS_MOD_CONCAT, pixels, cfg->sums, ss_result_bits(n)), 1);
    return res;
}

static ss_status illegal(ss_ctx *ctx, ss_where at, const char *field, int64_t value, const char *legal) {
    return ss_error(ctx, at, "choose one of the legal values", "%s = %lld; legal: %s", field, (long long)value, legal);
}

ss_status ss_broadcast_check(ss_ctx *ctx, const ss_cost *c, const ss_cost_node *n, const ss_config *cfg, ss_where at) {
    ss_status s = SS_OK;
    if (cfg->m < 1 || cfg->m > n->k)
        s = ss_error(ctx, at, "choose one of the legal values", "m = %d parts of the kernel; legal: 1..%lld", cfg->m,
                     (long long)n->k);
    if (cfg->co < 1 || cfg->co > n->fg)
        s = ss_error(ctx, at, "choose one of the legal values", "co = %d filters at a time; legal: 1..%lld", cfg->co,
                     (long long)n->fg);
    if (cfg->gr != 1) s = illegal(ctx, at, "gr", cfg->gr, "1, groups follow one another");
    if (cfg->pixels < 0 || cfg->pixels > SS_MOST_PIXELS || n->cg % (cfg->ci * ss_pixels(cfg)) != 0)
        s = illegal(ctx, at, "pixels", cfg->pixels, "1 to 8, ci * pixels a divisor of the channels of a group");
    if (cfg->sums < 1 || cfg->co % cfg->sums != 0 || n->fg % cfg->sums != 0)
        s = illegal(ctx, at, "sums", cfg->sums, "the divisors of co and of the filters");
    else if (c->opts.bits == 8 && cfg->co % 2 == 0 && cfg->sums % 2 != 0)
        s = illegal(ctx, at, "sums", cfg->sums, "the even divisors of co, as two lanes of 8 bits share a DSP");
    if (cfg->queue < 0 || cfg->queue > SS_BROADCAST_MOST) s = illegal(ctx, at, "queue", cfg->queue, "0..4096");
    if (cfg->lists < 1 || cfg->lists > SS_BROADCAST_MOST) s = illegal(ctx, at, "lists", cfg->lists, "1..4096");
    if (cfg->results < 1 || cfg->results > SS_BROADCAST_MOST) s = illegal(ctx, at, "results", cfg->results, "1..4096");
    if (!c->p)
        s = ss_error(ctx, at, "give a profile, or choose the dense engine",
                     "the cycles of a broadcast engine need a profile of zeros");
    return s;
}
