/* build: how assume.c, measure.c and store.c make a profile. For profile/ only.
 *
 * ss_profile_new lays out everything that follows from the graph (layers, their divisors ci, ReLUs with the
 * thresholds in force); the makers fill in counts. Counts live in the profile's arena.
 */
#ifndef SS_PROFILE_BUILD_H
#define SS_PROFILE_BUILD_H

#include "profile/profile.h"

/* Larger windows are refused: nothing streams them, and their histograms have as many bins. */
#define SS_PROFILE_MAX_K 16384

ss_profile *ss_profile_new(ss_ctx *ctx, const ss_graph *g, int bits);
/* Zeroed hist [channels][k+1] and max_hist [n_ci][k+1] of a layer, writable; false when out of memory. */
bool ss_profile_alloc_hist(ss_profile *p, ss_layer_profile *l, double **hist, double **max_hist);
/* Zeroed lists [n_parts][n_ci] of a layer, writable; NULL when out of memory. */
ss_list_stats *ss_profile_alloc_lists(ss_profile *p, ss_layer_profile *l);
/* Make a row consistent: longer blocks wait less, no stream has less than `share` in all, nor a word less than a cycle.
 * single: the kernel's parts are single positions, so that a word is a cycle. */
void ss_list_stats_settle(ss_list_stats *s, double share, double words, bool single);
/* Zeroed zero ratios of a ReLU, writable; NULL when out of memory. */
double *ss_profile_alloc_ratios(ss_profile *p, ss_relu_profile *r);

/* Live (not padding) positions along one axis for output position o. */
static inline int32_t ss_live(int32_t o, int32_t stride, int32_t pad, int32_t kernel, int32_t size) {
    int32_t lo = o * stride - pad, hi = lo + kernel;
    int32_t live = (hi > size ? size : hi) - (lo < 0 ? 0 : lo);
    return live > 0 ? live : 0;
}

#endif
