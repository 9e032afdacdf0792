/* What streams of a broadcast engine have (profile.h, ss_list_stats) when zeros are independent.
 *
 * Method: at an output position, a stream meets in each of its STEPS channels those positions on the map that are its part's
 * turn, n in all: Binomial(n, q) non-zeros, all streams independent, so the largest of them follows from their
 * distribution. Positions are grouped by what of their kernel lies on the map, which treats borders exactly. Neighbouring
 * windows overlap: in a block of windows an element counts up to v times, so a block's sum is taken as v times a
 * binomial of v times fewer trials, which has its mean and its variance. Up to 64 trials are summed exactly, more are a
 * normal distribution. An empty list counts one: of a block mean and deviation change accordingly. Channels of different q
 * count as their mean. What an image without zeros has is counted (lists.c): it is the answer for q = 1, and the most for any.
 */
#include "profile/assume_lists.h"

#include "base/share.h"
#include "profile/lists.h"

#include <math.h>
#include <string.h>

#define EXACT_TRIALS 64
#define KINDS 16 /* of streams; those that have less do not often matter */
#define GRID 400 /* points of the integral over -8..8 standard deviations */

/* What of the kernel lies on the map along one axis, and at how many output positions. */
typedef struct axis {
    int32_t lo, hi, count;
} axis;

typedef struct layer {
    const ss_layer_profile *l;
    const ss_node *n;
    double q;         /* an element is not zero */
    axis *rows, *cols;
    int32_t n_rows, n_cols;
    double *normal;   /* [SS_PROFILE_MOST_STREAMS + 1]: expected largest of so many standard normals; 0: not known yet */
    int64_t *on_map;  /* [parts]: positions k mod P that lie on the map */
    int64_t *begins;  /* [parts]: steps in which part 0 begins with that position */
    int64_t *often;   /* [parts]: scratch of overlap */
} layer;

/* Streams that are alike: how many trials each. */
typedef struct likes {
    double trials;
    int64_t streams;
} likes;

static int32_t axis_of(int32_t out, int32_t stride, int32_t pad, int32_t kernel, int32_t size, axis *a) {
    int32_t n = 0;
    for (int32_t o = 0; o < out; o++) {
        int32_t first = o * stride - pad, lo = first < 0 ? -first : 0, hi = first + kernel > size ? size - first : kernel, i = 0;
        if (hi < lo) hi = lo;
        while (i < n && (a[i].lo != lo || a[i].hi != hi)) i++;
        if (i == n) a[n++] = (axis){ lo, hi, 0 };
        a[i].count++;
    }
    return n;
}

/* ---- the largest of many ---- */

static double normal_largest(layer *y, int64_t streams) {
    double *known = &y->normal[streams], sum = 0, step = 16.0 / GRID;
    if (streams < 2 || *known > 0) return streams < 2 ? 0 : *known;
    for (int i = 0; i < GRID; i++) {
        double x = -8 + (i + 0.5) * step, below = pow(0.5 * erfc(-x / sqrt(2)), (double)streams);
        sum += (x < 0 ? -below : 1 - below) * step;
    }
    return *known = sum;
}

/* Of binomials, each at least `least`: summed over what all of them are below. */
static double binomial_largest(const layer *y, const likes *kinds, int n, int least) {
    double trials[KINDS], density[KINDS], below[KINDS], largest = floor(kinds[0].trials + 0.5);
    for (int i = 0; i < n; i++) {
        trials[i] = floor(kinds[i].trials + 0.5);
        below[i] = density[i] = pow(1 - y->q, trials[i]);
    }
    for (int x = 0; x < trials[0]; x++) {
        double all = 1;
        for (int i = 0; i < n; i++) {
            all *= pow(fmin(1, below[i]), (double)kinds[i].streams);
            density[i] *= x < trials[i] ? (trials[i] - x) / (x + 1) * y->q / (1 - y->q) : 0;
            below[i] += density[i];
        }
        if (x >= least) largest -= all;
    }
    return largest;
}

/* Of streams of several kinds, those with most trials first: of many trials, the kinds that have less do not often matter. */
static double largest_of(layer *y, const likes *kinds, int n) {
    double q = y->q, largest = kinds[0].trials * q;
    int64_t streams = 0;
    if (q <= 0 || q >= 1) return largest;
    if (kinds[0].trials + 0.5 < EXACT_TRIALS + 1) return fmax(largest, binomial_largest(y, kinds, n, 0));
    for (int i = 0; i < n; i++) {
        double mean = kinds[i].trials * q;
        streams += kinds[i].streams;
        if (streams > 1) mean += sqrt(mean * (1 - q)) * normal_largest(y, streams);
        largest = fmax(largest, fmin(kinds[i].trials, mean));
    }
    return largest;
}

/* ---- one position ---- */

static void count_on_map(layer *y, int32_t parts, axis row, axis col) {
    memset(y->on_map, 0, (size_t)parts * sizeof *y->on_map);
    for (int32_t i = row.lo; i < row.hi; i++)
        for (int32_t j = col.lo; j < col.hi; j++) y->on_map[(i * y->n->win.kw + j) % parts]++;
}

/* How often the element lies under positions k mod P. */
static void count_covers(const layer *y, int32_t parts, int64_t pixels, int64_t row, int64_t col) {
    const ss_window *w = &y->n->win;
    memset(y->often, 0, (size_t)parts * sizeof *y->often);
    for (int64_t b = 0; b < pixels; b++) {
        int64_t ky = row - b / y->n->shape.w * w->sh, kx = col - b % y->n->shape.w * w->sw;
        if (ky >= 0 && ky < w->kh && kx >= 0 && kx < w->kw) y->often[(ky * w->kw + kx) % parts]++;
    }
}

/* How often an element counts in a block of windows, as far as one part of the kernel goes: the mean over what is
 * counted. */
static double overlap(const layer *y, int32_t parts, int64_t pixels) {
    const ss_window *w = &y->n->win;
    int64_t wide = pixels < y->n->shape.w ? pixels : y->n->shape.w, high = ss_ceil_div(pixels, wide);
    double squares = 0, sum = 0;
    if (pixels == 1) return 1;
    for (int64_t row = 0; row < (high - 1) * w->sh + w->kh; row++)
        for (int64_t col = 0; col < (wide - 1) * w->sw + w->kw; col++) {
            count_covers(y, parts, pixels, row, col);
            for (int32_t p = 0; p < parts; p++) {
                double often = (double)y->often[p];
                sum += often;
                squares += often * often;
            }
        }
    return sum > 0 ? squares / sum : 1;
}

/* Parts of a word, or of a list, by what they have of it, most first. */
static int sort_parts(const double *has, int32_t parts, int64_t ci, likes *kinds) {
    int n = 0;
    for (double below = INFINITY, most; n < KINDS; below = most) {
        int64_t alike = 0;
        most = -1;
        for (int32_t p = 0; p < parts; p++)
            if (has[p] < below && has[p] > most) most = has[p];
        if (most < 0) return n;
        for (int32_t p = 0; p < parts; p++) alike += has[p] == most;
        kinds[n++] = (likes){ most, alike * ci };
    }
    return n;
}

/* of_list[p]: what part p has of a list whose words have of_word[k mod P]. */
static void over_steps(const layer *y, int32_t parts, const double *of_word, double *of_list) {
    for (int32_t p = 0; p < parts; p++) {
        of_list[p] = 0;
        for (int32_t first = 0; first < parts; first++) of_list[p] += (double)y->begins[first] * of_word[(first + p) % parts];
    }
}

/* Of max(1, Binomial(n, q)): its mean, and what it varies. Nothing takes no time to list, nor to multiply. */
static double at_least_one(double n, double q, double *variance) {
    double none = pow(1 - q, n), mean = n * q + none;
    *variance = fmax(0, n * q * (1 - q) + n * q * n * q + none - mean * mean);
    return mean;
}

/* The fullest word among the streams. */
static double fullest_word(const layer *y, const likes *kinds, int n) {
    double all = kinds[0].trials * y->q;
    return fmax(1, y->q <= 0 || y->q >= 1 ? all : binomial_largest(y, kinds, n, 1));
}

/* What the positions k mod P of a word have, at one output position or in the mean of several. */
typedef struct words {
    double trials[SS_PROFILE_MOST_STREAMS];
    double listing[SS_PROFILE_MOST_STREAMS], variance[SS_PROFILE_MOST_STREAMS], most[SS_PROFILE_MOST_STREAMS];
} words;

static void add_words(const layer *y, int32_t parts, double share, words *w) {
    for (int32_t p = 0; p < parts; p++) {
        double n = (double)y->on_map[p], variance;
        w->trials[p] += share * n;
        w->listing[p] += share * at_least_one(n, y->q, &variance);
        w->variance[p] += share * variance;
        w->most[p] += share * fmax(1, n);
    }
}

/* What listing takes the parts, those that it takes longest first. */
typedef struct listing {
    double mean[KINDS], variance[KINDS], most;
    int64_t streams[KINDS];
    int n;
} listing;

static listing listing_of(const layer *y, int32_t parts, int64_t ci, const words *w) {
    double mean[SS_PROFILE_MOST_STREAMS], variance[SS_PROFILE_MOST_STREAMS], most[SS_PROFILE_MOST_STREAMS];
    likes kinds[KINDS];
    over_steps(y, parts, w->listing, mean);
    over_steps(y, parts, w->variance, variance);
    over_steps(y, parts, w->most, most);
    listing c = { .n = sort_parts(mean, parts, ci, kinds) };
    for (int i = 0; i < c.n; i++)
        for (int32_t p = 0; p < parts; p++) {
            c.most = fmax(c.most, most[p]);
            if (mean[p] != kinds[i].trials) continue;
            c.mean[i] = mean[p];
            c.variance[i] = variance[p];
            c.streams[i] = kinds[i].streams;
        }
    return c;
}

/* Of a block of lists whose windows overlap v times. */
static double longest_listing(layer *y, const listing *c, double block, double v) {
    double longest = 0;
    int64_t streams = 0;
    for (int i = 0; i < c->n; i++) {
        streams += c->streams[i];
        double spread = sqrt(c->variance[i] * block * v) * normal_largest(y, streams);
        longest = fmax(longest, c->mean[i] * block + spread);
    }
    return fmin(longest, c->most * block);
}

/* Cycles of the fullest stream in a block of lists, whose windows overlap v times; an empty list counts one. */
static double fullest(layer *y, const likes *kinds, int n, double block, double v) {
    double none = 1, variance, each = kinds[0].trials, plain = each * y->q * (1 - y->q);
    likes all[KINDS];
    for (int i = 0; i < n; i++) {
        all[i] = (likes){ kinds[i].trials * block / v, kinds[i].streams };
        none *= pow(1 - y->q, kinds[i].trials * (double)kinds[i].streams);
    }
    double largest = v * largest_of(y, all, n), mean = at_least_one(each, y->q, &variance);
    if (block == 1) return largest + none; /* only where all are empty is the largest */
    return block * mean + (largest - block * each * y->q) * sqrt(plain > 0 ? variance / plain : 0);
}

/* So many lists, the words of which are alike, in blocks that end with the image. */
static void add_blocks(layer *y, int32_t parts, int64_t ci, const words *w, double lists, int span, double v, ss_list_stats *o) {
    double of_list[SS_PROFILE_MOST_STREAMS], block = fmin(SS_LIST_SPAN(span), y->l->windows * y->l->groups);
    likes kinds[KINDS];
    over_steps(y, parts, w->trials, of_list);
    int n = sort_parts(of_list, parts, ci, kinds);
    listing c = listing_of(y, parts, ci, w);
    o->busiest[span] += lists / block * fullest(y, kinds, n, block, v);
    o->compaction[span] += lists / block * longest_listing(y, &c, block, v);
}

static void set_begins(const layer *y, int32_t parts, int64_t ci) {
    memset(y->begins, 0, (size_t)parts * sizeof *y->begins);
    for (int64_t step = 0; step < y->l->channels / y->l->groups / ci; step++)
        y->begins[ss_share_first(0, step, y->l->k, parts)]++;
}

static void set_overlaps(const layer *y, int32_t parts, double v[SS_LIST_SPANS]) {
    for (int span = 0; span < SS_LIST_SPANS; span++) {
        double pixels = fmin((double)SS_LIST_SPAN(span) / y->l->groups, y->l->windows);
        v[span] = overlap(y, parts, pixels < 1 ? 1 : (int64_t)pixels);
    }
}

/* Blocks shorter than a row are taken as those of one position; longer ones have many, and parts that lack one here have it
 * there. */
static void fill_set(layer *y, int32_t parts, int64_t ci, const double *v, const ss_list_stats *full, ss_list_stats *o) {
    const ss_layer_profile *l = y->l;
    double steps = (double)(l->channels / l->groups / ci), all = (double)y->n->shape.h * y->n->shape.w;
    words mean = { { 0 }, { 0 }, { 0 }, { 0 } };
    int longer = 1;
    while (longer < SS_LIST_SPANS && SS_LIST_SPAN(longer) < (double)y->n->shape.w * l->groups) longer++;
    set_begins(y, parts, ci);
    for (int32_t r = 0; r < y->n_rows; r++)
        for (int32_t c = 0; c < y->n_cols; c++) {
            double positions = (double)y->rows[r].count * y->cols[c].count;
            words here = { { 0 }, { 0 }, { 0 }, { 0 } };
            likes kinds[KINDS];
            count_on_map(y, parts, y->rows[r], y->cols[c]);
            add_words(y, parts, 1, &here);
            add_words(y, parts, positions / all, &mean);
            for (int span = 0; span < longer; span++) add_blocks(y, parts, ci, &here, positions * l->groups, span, v[span], o);
            int n = sort_parts(here.trials, parts, ci, kinds);
            o->word += positions * l->groups * steps * fullest_word(y, kinds, n);
        }
    for (int span = 1; span < SS_LIST_SPANS; span++) {
        if (span >= longer) add_blocks(y, parts, ci, &mean, all * l->groups, span, v[span], o);
        o->busiest[span] = fmin(o->busiest[span], o->busiest[span - 1]);
    }
    for (int span = 0; span < SS_LIST_SPANS; span++) {
        o->busiest[span] = y->q < 1 ? fmin(o->busiest[span], full->busiest[span]) : full->busiest[span];
        o->compaction[span] = y->q < 1 ? fmin(o->compaction[span], full->compaction[span]) : full->compaction[span];
    }
    if (parts > 1) o->word = y->q < 1 ? fmin(o->word, full->word) : full->word;
    double all_words = l->windows * l->channels / (double)ci;
    ss_list_stats_settle(o, ss_profile_mean_nonzeros(l) * all_words / parts, all_words, parts == l->k);
}

ss_status ss_assume_lists(ss_profile *p, ss_layer_profile *l, const ss_node *n, ss_shape in, double zeros) {
    ss_arena *scratch = ss_arena_new(p->ctx);
    ss_list_stats *out = ss_profile_alloc_lists(p, l);
    ss_list_stats *full = scratch ? ss_arena_alloc(scratch, (size_t)(l->n_parts * l->n_ci), sizeof *full) : NULL;
    layer y = { .l = l, .n = n, .q = 1 - zeros };
    y.rows = scratch ? ss_arena_alloc(scratch, (size_t)n->shape.h, sizeof *y.rows) : NULL;
    y.cols = scratch ? ss_arena_alloc(scratch, (size_t)n->shape.w, sizeof *y.cols) : NULL;
    y.normal = scratch ? ss_arena_alloc(scratch, SS_PROFILE_MOST_STREAMS + 1, sizeof *y.normal) : NULL;
    y.on_map = scratch ? ss_arena_alloc(scratch, SS_PROFILE_MOST_STREAMS, sizeof *y.on_map) : NULL;
    y.begins = scratch ? ss_arena_alloc(scratch, SS_PROFILE_MOST_STREAMS, sizeof *y.begins) : NULL;
    y.often = scratch ? ss_arena_alloc(scratch, SS_PROFILE_MOST_STREAMS, sizeof *y.often) : NULL;
    bool ok = out && full && ss_lists_full(p->ctx, l, n, in, full) && y.begins && y.often && y.rows && y.cols && y.normal && y.on_map;
    if (ok) {
        y.n_rows = axis_of(n->shape.h, n->win.sh, n->win.pt, n->win.kh, in.h, y.rows);
        y.n_cols = axis_of(n->shape.w, n->win.sw, n->win.pl, n->win.kw, in.w, y.cols);
    }
    for (int32_t k = 0; ok && k < l->n_parts; k++) {
        double v[SS_LIST_SPANS];
        set_overlaps(&y, l->parts[k], v);
        for (int32_t i = 0; i < l->n_ci && l->ci[i] * l->parts[k] <= SS_PROFILE_MOST_STREAMS; i++)
            fill_set(&y, l->parts[k], l->ci[i], v, &full[k * l->n_ci + i], &out[k * l->n_ci + i]);
    }
    ss_arena_free(scratch);
    return ok ? SS_OK : SS_BAD;
}
