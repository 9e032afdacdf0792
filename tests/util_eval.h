/* A second opinion: the meaning of every operator of graph.h in the plainest loops, in double, channel-major. For
 * comparing graphs before and after a pass, and other implementations with the definition. */
#ifndef UTIL_EVAL_H
#define UTIL_EVAL_H

#include "graph/graph.h"

/* The graph's output for one channel-major image; free() it. NULL: out of memory. */
double *util_eval(const ss_graph *g, const float *image);

#endif
