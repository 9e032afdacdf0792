/* Cycles of a broadcast engine from the profile's statistics of lists, and the sizes of its buffers.
 *
 * A list (pixel, group) costs stream i max(BEATS, nnz_i) cycles for each of FOLDS folds, and made, before, max(1, nnz_i) cycles
 * a word. Streams that could not drift apart would take the sum over lists of the fullest stream's; without any bound,
 * what the fullest has in all. In between lie the profile's sums over blocks of lists (ss_list_stats). Each step to blocks
 * four times as long saves some cycles a block: so far do streams drift apart in it. Buffers save the same when they hold
 * that much work: of the saving a, all but 1 / (1 + (slack / (DRIFT a))^2). That law is measured (docs/cost.md,
 * tests/test_cost_broadcast.c); its ends are exact.
 *
 * Slack of the replay: RESULTS folds at the join, and the lists that wait before it; of the compaction: QUEUE words and
 * the one in its register. */
#include "base/share.h"
#include "cost/node.h"

#include <math.h>

#define DRIFT 0.7
#define LUT_WORDS 32     /* LUT RAM is no smaller for fewer words */
#define ROUND_TRIP 12    /* cycles from a fold's last beat to its place being free, the join passed */

/* What is left of `saving` when a block of so many could save it, and buffers hold `slack` cycles of work. */
static double lost(double saving, double blocks, double slack) {
    double ratio = saving > 0 ? slack / (DRIFT * saving / blocks) : 0;
    return saving > 0 ? saving / (1 + ratio * ratio) : 0;
}

static double over_blocks(const double spans[SS_LIST_SPANS], double lists, double slack) {
    double cycles = spans[SS_LIST_SPANS - 1];
    for (int i = 0; i + 1 < SS_LIST_SPANS; i++)
        cycles += lost(spans[i] - spans[i + 1], fmax(1, lists / SS_LIST_SPAN(i + 1)), slack);
    return cycles;
}

/* Where the profile knows nothing (a P that it does not count, more streams than it counts): the nearest that it knows, scaled by
 * the streams. Exploration lists no such folding. */
static ss_list_stats lists_of(const ss_cost_node *n, const ss_config *cfg) {
    int part = 0, lane = 0;
    for (int i = 0; i < n->n_parts; i++)
        if (n->parts[i] <= cfg->m) part = i;
    for (int i = 0; i < n->n_ci; i++)
        if (cfg->ci % n->ci[i] == 0 && n->ci[i] * n->parts[part] <= SS_PROFILE_MOST_STREAMS) lane = i;
    ss_list_stats s = n->lists[part * n->n_ci + lane];
    double scale = (double)n->parts[part] * (double)n->ci[lane] / ((double)cfg->m * (double)cfg->ci);
    double words = (double)(n->out_elems / n->f * n->groups * (n->cg / cfg->ci));
    for (int i = 0; i < SS_LIST_SPANS; i++) {
        s.busiest[i] *= scale;
        s.compaction[i] = fmax(words, s.compaction[i] * scale);
    }
    s.word = fmax(words, s.word * scale);
    return s;
}

typedef struct work {
    ss_list_stats s;
    double lists, steps, folds, room; /* an image; words a list; room: entries of the list memory */
} work;

static work work_of(const ss_cost_node *n, const ss_config *cfg) {
    work w = { .s = lists_of(n, cfg), .lists = (double)(n->out_elems / n->f * n->groups) };
    w.steps = (double)(n->cg / cfg->ci);
    w.folds = (double)ss_ceil_div(n->fg, cfg->co);
    w.room = (double)(cfg->lists * ss_share_rows(n->cg / cfg->ci, n->k, cfg->m));
    return w;
}

static double mean_list(const work *w) { return w->s.busiest[SS_LIST_SPANS - 1] / w->lists; }

static double replay(const work *w, const ss_config *cfg) {
    double list = mean_list(w), beats = (double)cfg->co / cfg->sums;
    double waiting = fmin(SS_LISTS_WAITING, w->room / list) + cfg->queue / w->steps;
    double slack = fmin(cfg->results / w->folds, waiting) * w->s.busiest[0] / w->lists; /* in the fullest lists */
    double busy = over_blocks(w->s.busiest, w->lists, slack);
    busy = fmax(busy, w->lists * beats);
    return w->folds * fmax(busy, (busy + ROUND_TRIP * w->lists) / cfg->results);
}

/* Words within a list as lists within a block. */
static double compaction(const work *w, const ss_config *cfg) {
    double word = w->s.compaction[SS_LIST_SPANS - 1] / w->lists / w->steps, slack = (cfg->queue + 1) * word;
    return over_blocks(w->s.compaction, w->lists, slack) + lost(w->s.word - w->s.compaction[0], w->lists, slack);
}

double ss_broadcast_cycles(const ss_cost_node *n, const ss_config *cfg) {
    work w = work_of(n, cfg);
    double cycles = fmax(replay(&w, cfg), compaction(&w, cfg)) / (double)ss_pixels(cfg);
    return floor(cycles * 1024 + 0.5) / 1024; /* equal whatever rounding does */
}

double ss_broadcast_least(const ss_cost_node *n, const ss_config *cfg) {
    double lists = (double)(n->out_elems / n->f * n->groups), pixels = (double)ss_pixels(cfg);
    double steps = (double)(n->cg / cfg->ci), beats = (double)(ss_ceil_div(n->fg, cfg->co) * (cfg->co / cfg->sums));
    return lists * fmax(fmax(steps, beats) / pixels, (double)(n->fg / cfg->sums));
}

int64_t ss_cost_pixel_waiting(int64_t words) { return words < LUT_WORDS ? LUT_WORDS : words; }

int64_t ss_cost_pixel_held(int64_t words) { return 2 * words > SS_JOIN_PLACES ? words : 0; }

/* As long as its replay: no profile is needed for it. */
double ss_broadcast_list_cycles(const ss_cost_node *n, const ss_config *cfg) {
    const double steps = (double)(n->cg / cfg->ci), folds = (double)ss_ceil_div(n->fg, cfg->co);
    return fmax(steps, cfg->cycles * (double)ss_pixels(cfg) * (double)n->f / ((double)n->out_elems * (double)n->groups * folds));
}

/* ---- buffers ---- */

#define MORE_LUT_WORDS 64
#define MOST_BEATS 16
#define BLOCK_ENTRIES 512 /* of a block RAM */
#define SPARE 4           /* a fold has so many times BEATS entries: hardly a list has less */

static int32_t at_least(int64_t least, int64_t n) { return (int32_t)(n < least ? least : n); }

/* LISTS: two, or as many as lie in the same block RAMs, or in LUT RAM at all, which is cheap. */
static int32_t lists_in_memory(int64_t rows) {
    int64_t need = 2 * rows, words = SS_RING_IN_LUTS;
    if (need > SS_RING_IN_LUTS) words = ss_ceil_div(need, BLOCK_ENTRIES) * BLOCK_ENTRIES;
    return (int32_t)(words / rows < SS_LISTS_WAITING ? words / rows : SS_LISTS_WAITING);
}

void ss_broadcast_size(const ss_cost_node *n, int bits, ss_config *cfg) {
    *cfg = (ss_config){ .engine = cfg->engine, .gr = cfg->gr, .ci = cfg->ci, .co = cfg->co, .m = cfg->m, .memory = cfg->memory, .pixels = cfg->pixels,
                        .sums = cfg->co, .lists = 2, .results = LUT_WORDS };
    work w = work_of(n, cfg);
    int32_t folds = (int32_t)w.folds, beats = 1;
    for (int32_t b = 2; b <= MOST_BEATS && b * SPARE <= mean_list(&w); b++)
        if (cfg->co % b == 0 && n->fg % (cfg->co / b) == 0 && (bits == 16 || cfg->co % 2 || cfg->co / b % 2 == 0))
            beats = b;
    cfg->sums = cfg->co / beats;
    cfg->queue = folds < 4 && w.steps > 1 ? LUT_WORDS : 0;
    cfg->lists = lists_in_memory(ss_share_rows(n->cg / cfg->ci, n->k, cfg->m));
    int32_t wanted = 2 * folds * beats <= MORE_LUT_WORDS ? 2 * folds : MORE_LUT_WORDS / beats;
    cfg->results = at_least(wanted, LUT_WORDS / beats);
}
