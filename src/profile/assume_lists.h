/* assume_lists: what streams of a broadcast engine have when zeros are independent. For profile/ only. */
#ifndef SS_PROFILE_ASSUME_LISTS_H
#define SS_PROFILE_ASSUME_LISTS_H

#include "profile/build.h"

/* Fill l->lists of a layer whose histograms are there. zeros: mean over its channels. */
ss_status ss_assume_lists(ss_profile *p, ss_layer_profile *l, const ss_node *n, ss_shape in, double zeros);

#endif
