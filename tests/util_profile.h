/* Small networks and images for the tests of profiles and thresholds, made by hand: no file is needed. */
#ifndef UTIL_PROFILE_H
#define UTIL_PROFILE_H

#include "data/data.h"
#include "graph/graph.h"

/* A deterministic stream of pseudo-random numbers. */
typedef struct util_rng {
    uint64_t state;
} util_rng;
uint32_t util_rand(util_rng *r);
double util_rand_real(util_rng *r); /* [0,1) */

/* Nodes with shapes filled in and pseudo-random weights; `relu` NULL: no activation. */
int32_t util_input(ss_graph *g, int32_t c, int32_t h, int32_t w);
int32_t util_conv(ss_graph *g, util_rng *r, const char *name, int32_t in, int32_t filters, int32_t groups, ss_window win,
                  const char *relu);
int32_t util_pool(ss_graph *g, const char *name, ss_op op, int32_t in, ss_window win);
int32_t util_join(ss_graph *g, const char *name, ss_op op, int32_t a, int32_t b, const char *relu); /* ADD, CONCAT */
int32_t util_slice(ss_graph *g, const char *name, int32_t in, int32_t stride);
int32_t util_chanpad(ss_graph *g, const char *name, int32_t in, int32_t before, int32_t after);
/* n images of smooth blobs and noise, a few values of each channel; class = which quarter is brightest, mod classes. */
ss_dataset *util_images(ss_ctx *ctx, util_rng *r, ss_shape shape, int64_t n, int32_t classes);
/* Write them as records to a file; 0 when that worked. */
int util_write_images(const ss_dataset *d, const char *path);
ss_norm util_norm(int32_t channels);

/* Doubles within tol of each other (the system's cmocka compares floats only). */
#define assert_near(a, b, tol) assert_true(fabs((a) - (b)) <= (tol))
#define UTIL_WIN(k, s, p) ((ss_window){ (k), (k), (s), (s), (p), (p), (p), (p) })

#endif
