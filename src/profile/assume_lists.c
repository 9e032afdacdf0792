/* What streams of a broadcast engine have (profile.h, ss_list_stats) when zeros are independent.
 *
 * Method: at an output position, a stream meets in each of its STEPS channels those positions on the map that are its part's
 * turn, n in all: Binomial(n, q) non-zeros, all streams independent, so the largest of them follows from their distribution. Positions are grouped by what of their kernel lies on the map, which treats borders exactly. Neighbouring
 * windows overlap: in a block of windows an element counts up to v times, so a block's sum is taken as v times a
 * binomial of v times fewer trials, which has its mean and its variance. Up to 64 trials are summed exactly, more are a
 * normal distribution. Channels of different q count as their mean.
 */
#include "profile/assume_lists.h"

#include "base/share.h"

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

/* Of `streams` binomials. */
static double binomial_largest(layer *y, double trials, int64_t streams) {
    double n = floor(trials + 0.5), q = y->q, mean = trials * q;
    if (q <= 0 || q >= 1 || streams < 2) return mean;
    if (n > EXACT_TRIALS) return fmin(trials, mean + sqrt(mean * (1 - q)) * normal_largest(y, streams));
    double largest = n, density = pow(1 - q, n), below = density;
    for (int x = 0; x < n; x++) {
        largest -= pow(fmin(1, below), (double)streams);
        density *= (n - x) / (x + 1) * q / (1 - q);
        below += density;
    }
    return fmax(mean, largest);
}

/* Of streams of several kinds, those with most trials first: the kinds that have less do not often matter. */
static double largest_of(layer *y, const likes *kinds, int n) {
    double largest = 0;
    int64_t streams = 0;
    for (int i = 0; i < n; i++) {
        streams += kinds[i].streams;
        largest = fmax(largest, binomial_largest(y, kinds[i].trials, streams));
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

/* Cycles to list a part of `n` elements: mean, and what they vary. */
static double compaction_mean(double n, double q, double *variance) {
    double none = pow(1 - q, n), mean = n * q + none;
    *variance = fmax(0, n * q * (1 - q) + n * q * n * q + none - mean * mean);
    return mean;
}

/* The fullest word among the streams. */
static double fullest_word(const layer *y, const likes *kinds, int n) {
    double q = y->q, largest = kinds[0].trials;
    if (q <= 0 || q >= 1) return fmax(1, largest * q);
    for (int x = 1; x < kinds[0].trials; x++) {
        double below = 1;
        for (int i = 0; i < n; i++) {
            double density = pow(1 - q, kinds[i].trials), sum = density;
            for (int j = 0; j < x && j < kinds[i].trials; j++) sum += density *= (kinds[i].trials - j) / (j + 1) * q / (1 - q);
            below *= pow(fmin(1, sum), (double)kinds[i].streams);
        }
        largest -= below;
    }
    return fmax(1, largest);
}

/* What listing takes the part that it takes longest, and how many streams are like it. */
typedef struct listing {
    double mean, variance, most;
    int64_t streams;
} listing;

static listing listing_of(const layer *y, int32_t parts, int64_t ci, const double *of_word) {
    double mean[SS_PROFILE_MOST_STREAMS], variance[SS_PROFILE_MOST_STREAMS], most[SS_PROFILE_MOST_STREAMS];
    double word[3][SS_PROFILE_MOST_STREAMS];
    likes kinds[KINDS];
    for (int32_t p = 0; p < parts; p++) {
        word[0][p] = compaction_mean(of_word[p], y->q, &word[1][p]);
        word[2][p] = fmax(1, of_word[p]);
    }
    over_steps(y, parts, word[0], mean);
    over_steps(y, parts, word[1], variance);
    over_steps(y, parts, word[2], most);
    sort_parts(mean, parts, ci, kinds);
    for (int32_t p = 0; p < parts; p++)
        if (mean[p] == kinds[0].trials) return (listing){ mean[p], variance[p], most[p], kinds[0].streams };
    return (listing){ 0, 0, 0, ci };
}

static void add_position(layer *y, int32_t parts, int64_t ci, double positions, const double *v, ss_list_stats *o) {
    const ss_layer_profile *l = y->l;
    double steps = (double)(l->channels / l->groups / ci), lists = positions * l->groups;
    double of_word[SS_PROFILE_MOST_STREAMS], of_list[SS_PROFILE_MOST_STREAMS];
    likes words[KINDS], kinds[KINDS], all[KINDS];
    for (int32_t p = 0; p < parts; p++) of_word[p] = (double)y->on_map[p];
    over_steps(y, parts, of_word, of_list);
    int n = sort_parts(of_list, parts, ci, kinds), n_words = sort_parts(of_word, parts, ci, words);
    listing c = listing_of(y, parts, ci, of_word);
    double most = 0;
    for (int span = 0; span < SS_LIST_SPANS; span++) {
        double block = fmin(SS_LIST_SPAN(span), l->windows * l->groups);
        for (int i = 0; i < n; i++) all[i] = (likes){ kinds[i].trials * block / v[span], kinds[i].streams };
        /* Empty lists count one. The fullest stream has fewer of them than others, and at span 0 none. */
        double busy = lists / block * v[span] * largest_of(y, all, n), mean = lists * kinds[0].trials * y->q;
        double empty = lists * pow(1 - y->q, kinds[0].trials * (span > 0 ? 1 : (double)(ci * parts)));
        busy += busy > 0 ? empty * mean / busy : empty;
        most = span == 0 || busy < most ? busy : most;
        o->busiest[span] += most;
        double spread = sqrt(c.variance * block * v[span]) * normal_largest(y, c.streams);
        o->compaction[span] += lists / block * fmin(c.mean * block + spread, c.most * block);
    }
    o->word += lists * steps * fullest_word(y, words, n_words);
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

static void fill_set(layer *y, int32_t parts, int64_t ci, const double *v, ss_list_stats *o) {
    const ss_layer_profile *l = y->l;
    set_begins(y, parts, ci);
    for (int32_t r = 0; r < y->n_rows; r++)
        for (int32_t c = 0; c < y->n_cols; c++) {
            count_on_map(y, parts, y->rows[r], y->cols[c]);
            add_position(y, parts, ci, (double)y->rows[r].count * y->cols[c].count, v, o);
        }
    double words = l->windows * l->channels / (double)ci;
    ss_list_stats_settle(o, ss_profile_mean_nonzeros(l) * words / parts, words, parts == l->k);
}

ss_status ss_assume_lists(ss_profile *p, ss_layer_profile *l, const ss_node *n, ss_shape in, double zeros) {
    ss_arena *scratch = ss_arena_new(p->ctx);
    ss_list_stats *out = ss_profile_alloc_lists(p, l);
    layer y = { .l = l, .n = n, .q = 1 - zeros };
    y.rows = scratch ? ss_arena_alloc(scratch, (size_t)n->shape.h, sizeof *y.rows) : NULL;
    y.cols = scratch ? ss_arena_alloc(scratch, (size_t)n->shape.w, sizeof *y.cols) : NULL;
    y.normal = scratch ? ss_arena_alloc(scratch, SS_PROFILE_MOST_STREAMS + 1, sizeof *y.normal) : NULL;
    y.on_map = scratch ? ss_arena_alloc(scratch, SS_PROFILE_MOST_STREAMS, sizeof *y.on_map) : NULL;
    y.begins = scratch ? ss_arena_alloc(scratch, SS_PROFILE_MOST_STREAMS, sizeof *y.begins) : NULL;
    y.often = scratch ? ss_arena_alloc(scratch, SS_PROFILE_MOST_STREAMS, sizeof *y.often) : NULL;
    bool ok = out && y.begins && y.often && y.rows && y.cols && y.normal && y.on_map;
    if (ok) {
        y.n_rows = axis_of(n->shape.h, n->win.sh, n->win.pt, n->win.kh, in.h, y.rows);
        y.n_cols = axis_of(n->shape.w, n->win.sw, n->win.pl, n->win.kw, in.w, y.cols);
    }
    for (int32_t k = 0; ok && k < l->n_parts; k++) {
        double v[SS_LIST_SPANS];
        set_overlaps(&y, l->parts[k], v);
        for (int32_t i = 0; i < l->n_ci && l->ci[i] * l->parts[k] <= SS_PROFILE_MOST_STREAMS; i++)
            fill_set(&y, l->parts[k], l->ci[i], v, &out[k * l->n_ci + i]);
    }
    ss_arena_free(scratch);
    return ok ? SS_OK : SS_BAD;
}
