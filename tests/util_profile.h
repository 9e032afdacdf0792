/* Canonical nodes made by hand, for the tests of profiles and thresholds: no pass needs to run. */
#ifndef UTIL_PROFILE_H
#define UTIL_PROFILE_H

#include "util_graph.h"

/* Nodes with shapes filled in and pseudo-random weights; `relu` NULL: no activation. */
int32_t util_conv(ss_graph *g, util_rng *r, const char *name, int32_t in, int32_t filters, int32_t groups,
                  ss_window win, const char *relu);
int32_t util_pool(ss_graph *g, const char *name, ss_op op, int32_t in, ss_window win);
int32_t util_join(ss_graph *g, const char *name, ss_op op, int32_t a, int32_t b,
                  const char *relu); /* ADD, CONCAT */
ss_norm util_norm(int32_t channels);

/* Doubles within tol of each other (the system's cmocka compares floats only). */
#define assert_near(a, b, tol) assert_true(fabs((a) - (b)) <= (tol))
#define UTIL_WIN(k, s, p) ((ss_window){ (k), (k), (s), (s), (p), (p), (p), (p) })

#endif
