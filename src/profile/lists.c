/* Counting of what the streams of a broadcast engine do. See lists.h.
 *
 * Method: of each pixel the positions k mod P are added up per channel, and, as streams share them another way at every step,
 * each channel's sums are added to its lane's streams from where its turn begins. Without parts, channels are added to the
 * lanes of the largest ci, those to the lanes of its divisors. Blocks of lists grow like a counter of base 4: four lists are added up, four such
 * blocks, and so on, each sum's largest entry being counted. The bodies are compiled twice on
 * x86-64, for the baseline and for AVX2, from the same C.
 *
 * A part of one position is zero or one, and costs a cycle of compaction either way: nothing to count there.
 */
#include "profile/lists.h"

#include "base/share.h"
#include "profile/build.h"

#include <math.h>
#include <string.h>

#define BODY static inline __attribute__((always_inline))

enum { NONZEROS, COMPACTION };

/* ---- preparation ---- */

static bool init_set(ss_lists *t, ss_arena *arena, const ss_layer_profile *l, int32_t part, int32_t i) {
    ss_stream_set *row = t->sets + (size_t)part * (size_t)t->n_ci, *s = &row[i];
    int64_t streams = l->ci[i] * t->parts[part];
    *s = (ss_stream_set){ .ci = (int32_t)l->ci[i], .parent = -1 };
    if (streams > SS_PROFILE_MOST_STREAMS) return true;
    s->streams = (size_t)streams;
    for (int32_t j = l->n_ci - 1; t->parts[part] == 1 && j > i; j--)
        if (l->ci[j] % l->ci[i] == 0 && l->ci[j] * t->parts[part] <= SS_PROFILE_MOST_STREAMS) s->parent = j;
    s->turns = ss_arena_alloc(arena, (size_t)(t->cg / l->ci[i]), sizeof *s->turns);
    for (int32_t step = 0; s->turns && step < t->cg / l->ci[i]; step++)
        s->turns[step] = (int32_t)ss_share_first(0, step, t->k, t->parts[part]);
    if (!s->turns) return false;
    for (int w = 0; w < 2; w++)
        if (!(s->work[w] = ss_arena_alloc(arena, SS_LIST_SPANS * s->streams, sizeof *s->work[w]))) return false;
    return true;
}

bool ss_lists_init(ss_lists *t, ss_arena *arena, const ss_layer_profile *l, ss_window win, int32_t oh, int32_t ow) {
    size_t channels = (size_t)l->channels, most = 1;
    *t = (ss_lists){ .win = win, .oh = oh, .ow = ow, .groups = l->groups, .cg = l->channels / l->groups, .k = l->k,
                     .n_ci = l->n_ci, .n_parts = l->n_parts, .parts = l->parts };
    for (int32_t i = 0; i < l->n_parts; i++)
        most = (size_t)l->parts[i];
    t->sets = ss_arena_alloc(arena, (size_t)l->n_parts * (size_t)l->n_ci, sizeof *t->sets);
    t->part = ss_arena_alloc(arena, most, channels * sizeof *t->part);
    t->around = ss_arena_alloc(arena, channels, (most > SS_PROFILE_ANY_PARTS ? 2 * most : SS_AROUND) * sizeof *t->around);
    t->most = ss_arena_alloc(arena, channels, sizeof *t->most);
    t->sum = ss_arena_alloc(arena, SS_PROFILE_MOST_STREAMS, sizeof *t->sum);
    t->nothing = ss_arena_alloc(arena, channels, 1);
    if (!t->sets || !t->part || !t->around || !t->most || !t->sum || !t->nothing) return false;
    for (int32_t p = 0; p < l->n_parts; p++)
        for (int32_t i = 0; i < l->n_ci; i++)
            if (!init_set(t, arena, l, p, i)) return false;
    return true;
}

/* ---- one list ---- */

typedef struct pixel {
    const ss_lists *t;
    const ss_map *m;
    int32_t y, x; /* of the window's first element; x counts the map's left margin */
} pixel;

/* The channels of the map under kernel position k. */
BODY const uint8_t *under(const pixel *at, int32_t k) {
    int32_t y = at->y + k / at->t->win.kw;
    size_t c = (size_t)at->m->shape.c, pitch = (size_t)(at->m->left + at->m->shape.w + at->m->right) * c;
    if (y < 0 || y >= at->m->shape.h) return at->t->nothing;
    return at->m->data + (size_t)y * pitch + (size_t)(at->x + k % at->t->win.kw) * c;
}

BODY void add_parts(ss_lists *t, const pixel *at, int32_t parts) {
    size_t c = (size_t)at->m->shape.c;
    for (int32_t p = 0; p < parts; p++) {
        uint16_t *restrict sum = t->part + (size_t)p * c;
        const uint8_t *restrict first = under(at, p);
        for (size_t i = 0; i < c; i++) sum[i] = first[i];
        for (int32_t k = p + parts; k < t->k; k += parts) {
            const uint8_t *restrict more = under(at, k);
            for (size_t i = 0; i < c; i++) sum[i] = (uint16_t)(sum[i] + more[i]);
        }
    }
}

/* out[l] = the sum of lane l's channels, each at least `least`. */
BODY void add_lanes(uint32_t *restrict out, size_t ci, const uint16_t *restrict in, size_t cg, uint16_t least) {
    for (size_t l = 0; l < ci; l++) out[l] = in[l] > least ? in[l] : least;
    for (size_t c = ci; c < cg; c += ci)
        for (size_t l = 0; l < ci; l++) out[l] += in[c + l] > least ? in[c + l] : least;
}

BODY void add_sums(uint32_t *restrict out, size_t ci, const uint32_t *restrict in, size_t from) {
    for (size_t l = 0; l < ci; l++) out[l] = in[l] + in[ci + l];
    for (size_t c = 2 * ci; c < from; c += ci)
        for (size_t l = 0; l < ci; l++) out[l] += in[c + l];
}

BODY uint32_t largest(const uint32_t *v, size_t n) {
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) most = v[i] > most ? v[i] : most;
    return most;
}

BODY uint32_t *list_of(const ss_stream_set *s, int kind) {
    return s->work[kind] + (SS_LIST_SPANS - 1) * s->streams;
}

/* How wide a channel's row in `around` is. */
BODY size_t around_of(int32_t parts) {
    return parts <= SS_PROFILE_ANY_PARTS ? SS_AROUND : 2 * (size_t)parts;
}

BODY void go_around(ss_lists *t, int32_t parts, size_t channels) {
    const size_t width = around_of(parts);
    for (int32_t p = 0; p < parts; p++) {
        const uint16_t *restrict in = t->part + (size_t)p * channels;
        uint16_t *restrict out = t->around + p;
        for (size_t c = 0; c < channels; c++) out[c * width] = out[c * width + (size_t)parts] = in[c];
    }
}

/* The streams of lane l, as many sums side by side as `wide`, those of P of which count; each at least `least` a step. */
BODY void add_turns(const ss_lists *t, uint32_t *restrict out, const ss_stream_set *s, size_t l, size_t first, int32_t parts,
                    size_t wide, uint16_t least) {
    uint32_t sum[SS_PROFILE_MOST_STREAMS];
    const size_t width = around_of(parts), ci = (size_t)s->ci;
    for (size_t p = 0; p < wide; p++) sum[p] = 0;
    for (size_t step = 0; step * ci < (size_t)t->cg; step++) {
        const uint16_t *in = t->around + (first + step * ci + l) * width + s->turns[step];
        for (size_t p = 0; p < wide; p++) sum[p] += in[p] > least ? in[p] : least;
    }
    for (size_t p = 0; p < (size_t)parts; p++) out[p] = sum[p];
}

BODY void sum_turns(const ss_lists *t, const ss_stream_set *s, int32_t parts, size_t first, int kind) {
    const uint16_t least = kind == COMPACTION;
    for (size_t l = 0; l < (size_t)s->ci; l++) {
        uint32_t *out = list_of(s, kind) + l * (size_t)parts;
        if (parts <= SS_PROFILE_ANY_PARTS) add_turns(t, out, s, l, first, parts, SS_PROFILE_ANY_PARTS, least);
        else add_turns(t, out, s, l, first, parts, (size_t)parts, least);
    }
}

/* Sums of the streams for the list of one group. */
BODY void sum_streams(ss_lists *t, const ss_stream_set *row, ss_stream_set *s, int32_t parts, int32_t group, int kind) {
    size_t ci = (size_t)s->ci, cg = (size_t)t->cg, first = (size_t)group * cg;
    if (parts > 1) sum_turns(t, s, parts, first, kind);
    else if (s->parent < 0) add_lanes(list_of(s, kind), ci, t->part + first, cg, kind == COMPACTION);
    else add_sums(list_of(s, kind), ci, list_of(&row[s->parent], kind), (size_t)row[s->parent].ci);
}

/* Count list number n of the image: blocks end like the carries of a counter of base 4. */
BODY void grow_blocks(ss_lists *t, ss_stream_set *s, int64_t n, int kind) {
    const uint32_t *list = list_of(s, kind), *sum = t->sum;
    for (size_t i = 0; i < s->streams; i++) t->sum[i] = list[i] > 1 ? list[i] : 1;
    for (int span = 0;; span++, n /= 4) {
        s->busiest[kind][span] += largest(sum, s->streams);
        if (span == SS_LIST_SPANS - 1) return;
        uint32_t *restrict begun = s->work[kind] + (size_t)span * s->streams;
        for (size_t i = 0; i < s->streams; i++) begun[i] = n % 4 ? begun[i] + sum[i] : sum[i];
        if (n % 4 < 3) return;
        sum = begun;
    }
}

/* The blocks that an image of n lists leaves incomplete. */
static void end_blocks(ss_lists *t, ss_stream_set *s, int64_t n, int kind) {
    memset(t->sum, 0, s->streams * sizeof *t->sum);
    for (int span = 0; span < SS_LIST_SPANS - 1; span++, n /= 4) {
        const uint32_t *begun = s->work[kind] + (size_t)span * s->streams;
        for (size_t i = 0; n % 4 && i < s->streams; i++) t->sum[i] += begun[i];
        s->busiest[kind][span + 1] += largest(t->sum, s->streams);
    }
}

/* The fullest stream of each word, P being between 1 and K. */
BODY void count_words(ss_lists *t, ss_stream_set *row, int32_t parts, int32_t group, size_t channels) {
    size_t cg = (size_t)t->cg, first = (size_t)group * cg;
    uint16_t *restrict most = t->most;
    for (size_t c = 0; c < cg; c++) most[c] = 1;
    for (int32_t p = 0; p < parts; p++) {
        const uint16_t *restrict in = t->part + (size_t)p * channels + first;
        for (size_t c = 0; c < cg; c++) most[c] = in[c] > most[c] ? in[c] : most[c];
    }
    for (int32_t i = 0; i < t->n_ci && row[i].streams; i++)
        for (size_t c = 0; c < cg; c += (size_t)row[i].ci) {
            uint16_t word = 0;
            for (size_t l = c; l < c + (size_t)row[i].ci; l++) word = most[l] > word ? most[l] : word;
            row[i].word += word;
        }
}

BODY void count_pixel(ss_lists *t, const ss_map *m, int64_t number, int32_t oy, int32_t ox) {
    pixel at = { t, m, oy * t->win.sh - t->win.pt, m->left + ox * t->win.sw - t->win.pl };
    for (int32_t p = 0; p < t->n_parts; p++) {
        int32_t parts = t->parts[p];
        ss_stream_set *row = t->sets + (size_t)p * (size_t)t->n_ci;
        if (row[0].streams == 0) continue;
        add_parts(t, &at, parts);
        if (parts > 1) go_around(t, parts, (size_t)m->shape.c);
        for (int32_t g = 0; g < t->groups; g++) {
            for (int32_t i = t->n_ci - 1; i >= 0; i--)
                for (int kind = NONZEROS; row[i].streams && kind <= (parts < t->k ? COMPACTION : NONZEROS); kind++) {
                    sum_streams(t, row, &row[i], parts, g, kind);
                    grow_blocks(t, &row[i], number * t->groups + g, kind);
                }
            if (parts == 1) t->nonzeros += list_of(&row[0], NONZEROS)[0];
            if (parts > 1 && parts < t->k) count_words(t, row, parts, g, (size_t)m->shape.c);
        }
    }
}

BODY void lists_body(ss_lists *t, const ss_map *m) {
    for (int32_t oy = 0; oy < t->oh; oy++)
        for (int32_t ox = 0; ox < t->ow; ox++) count_pixel(t, m, (int64_t)oy * t->ow + ox, oy, ox);
    for (int32_t i = 0; i < t->n_parts * t->n_ci; i++)
        for (int kind = NONZEROS; t->sets[i].streams && kind <= COMPACTION; kind++)
            end_blocks(t, &t->sets[i], (int64_t)t->oh * t->ow * t->groups, kind);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void lists_avx2(ss_lists *t, const ss_map *m) {
    lists_body(t, m);
}
static bool wide(void) {
    return __builtin_cpu_supports("avx2");
}
#else
#define lists_avx2 lists_body
static bool wide(void) {
    return false;
}
#endif

void ss_lists_count(ss_lists *t, const ss_map *m) {
    if (wide()) lists_avx2(t, m);
    else lists_body(t, m);
}

/* ---- the sum ---- */

/* Words of one lane's whole windows: what the histograms of steps say. */
static double whole_words(const ss_layer_profile *l, int64_t ci) {
    const double *hist = ss_profile_max_hist(l, ci);
    double sum = hist[0];
    for (int32_t n = 1; n <= l->k; n++) sum += n * hist[n];
    return sum;
}

void ss_lists_add(const ss_lists *t, ss_list_stats *out, double *nonzeros) {
    *nonzeros += (double)t->nonzeros;
    for (int32_t i = 0; i < t->n_parts * t->n_ci; i++) {
        const ss_stream_set *s = &t->sets[i];
        for (int span = 0; s->streams && span < SS_LIST_SPANS; span++) {
            out[i].busiest[span] += (double)s->busiest[NONZEROS][span];
            out[i].compaction[span] += (double)s->busiest[COMPACTION][span];
        }
        out[i].word += (double)s->word;
    }
}

bool ss_lists_full(ss_ctx *ctx, const ss_layer_profile *l, const ss_node *n, ss_shape in, ss_list_stats *out) {
    const ss_window *w = &n->win;
    const int32_t right = (n->shape.w - 1) * w->sw + w->kw - w->pl - in.w; /* below 0: columns that no window has */
    ss_map m = { .shape = in, .left = w->pl, .right = right > 0 ? right : 0 };
    const size_t row = (size_t)in.w * (size_t)in.c, pitch = (size_t)(m.left + in.w + m.right) * (size_t)in.c;
    double nonzeros = 0;
    ss_lists t;
    ss_arena *a = ss_arena_new(ctx);
    m.data = a ? ss_arena_alloc(a, (size_t)in.h, pitch) : NULL;
    const bool ok = m.data && ss_lists_init(&t, a, l, n->win, n->shape.h, n->shape.w);
    for (int32_t y = 0; ok && y < in.h; y++) memset(m.data + (size_t)y * pitch + (size_t)m.left * (size_t)in.c, 1, row);
    if (ok) ss_lists_count(&t, &m);
    if (ok) ss_lists_add(&t, out, &nonzeros);
    ss_arena_free(a);
    return ok;
}

static double all_nonzeros(const ss_layer_profile *l) { return ss_profile_mean_nonzeros(l) * l->windows * l->channels; }

void ss_lists_settle(const ss_layer_profile *l, int64_t ci, int32_t parts, ss_list_stats *out) {
    if (parts == 1) out->word = whole_words(l, ci);
    ss_list_stats_settle(out, all_nonzeros(l) / (double)(ci * parts), l->windows * l->channels / (double)ci, parts == l->k);
}

void ss_lists_finish(const ss_layer_profile *l, int64_t images, double seen, const ss_list_stats *full, ss_list_stats *out) {
    double all = (double)images / (double)ss_ceil_div(images, SS_LISTS_EVERY), filled = seen > 0 ? all_nonzeros(l) / seen : all;
    for (int32_t i = 0; i < l->n_parts * l->n_ci; i++) {
        int32_t parts = l->parts[i / l->n_ci];
        int64_t ci = l->ci[i % l->n_ci];
        ss_list_stats *o = &out[i];
        if (ci * parts > SS_PROFILE_MOST_STREAMS) continue;
        for (int span = 0; span < SS_LIST_SPANS; span++) {
            o->busiest[span] = fmin(o->busiest[span] * filled, full[i].busiest[span] * (double)images);
            o->compaction[span] = fmin(o->compaction[span] * all, full[i].compaction[span] * (double)images);
        }
        o->word = fmin(o->word * all, full[i].word * (double)images);
        ss_lists_settle(l, ci, parts, o);
    }
}
