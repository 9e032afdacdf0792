/* lists: counting of what the streams of a broadcast engine do. For profile/ only.
 *
 * A list is what a stream multiplies for one output pixel (and group): the non-zeros of its whole receptive field. Stream
 * (l, p) of ci lanes and P parts has the channels c of the group with c mod ci = l, and of each of them the kernel positions that
 * are part p's turn (base/share.h). Cycles are decided by the fullest stream: at every list when streams may not drift apart, of blocks of
 * 4, 16, ... lists when buffers let them. Making a list costs a cycle a word at least: counted the same way. Results
 * do not depend on the instruction set.
 */
#ifndef SS_PROFILE_LISTS_H
#define SS_PROFILE_LISTS_H

#include "profile/count.h"
#include "profile/profile.h"

#define SS_AROUND (2 * SS_PROFILE_ANY_PARTS)
#define SS_LISTS_EVERY 8 /* images: the others are not looked at, which would take as long as running the network */

/* One (ci, P): where its numbers lie. */
typedef struct ss_stream_set {
    int32_t ci, parent; /* lanes; with P = 1 the set whose sums are added up to ours, -1: none, the window's */
    int32_t *turns;     /* [steps]: the position k mod P that part 0 begins with */
    size_t streams;     /* ci * P; 0: too many to be looked at */
    uint32_t *work[2];  /* non-zeros; cycles of compaction; [SS_LIST_SPANS][streams]: of the list, and of blocks that wait
                         * for the rest of theirs */
    uint64_t busiest[2][SS_LIST_SPANS];
    uint64_t word;
} ss_stream_set;

typedef struct ss_lists {
    ss_window win;
    int32_t oh, ow, groups, cg, k; /* cg: channels a group */
    int32_t n_ci, n_parts;
    const int32_t *parts;
    ss_stream_set *sets; /* [n_parts][n_ci] */
    uint64_t nonzeros;   /* of all lists together */
    uint16_t *part;      /* scratch [parts][channels]: of one pixel, positions k mod P */
    uint16_t *around;    /* scratch [channels][SS_AROUND or 2 P]: the same by channel, P of them and again P of them */
    uint16_t *most;      /* scratch [channels] */
    uint32_t *sum;       /* scratch [SS_PROFILE_MOST_STREAMS] */
    uint8_t *nothing;    /* [channels] zeros: what lies above and below the map */
} ss_lists;

/* Of the layer l of a profile, whose node has the windows `win` and an output of oh x ow. */
bool ss_lists_init(ss_lists *t, ss_arena *arena, const ss_layer_profile *l, ss_window win, int32_t oh, int32_t ow);
void ss_lists_count(ss_lists *t, const ss_map *m);
/* What was counted, added to out [n_parts][n_ci] and to the sum of all non-zeros. */
void ss_lists_add(const ss_lists *t, ss_list_stats *out, double *nonzeros);
/* What the streams have of one image without zeros, added to out [n_parts][n_ci]: no image has more. False: out of memory. */
bool ss_lists_full(ss_ctx *ctx, const ss_layer_profile *l, const ss_node *n, ss_shape in, ss_list_stats *out);
/* After the last ss_lists_add: from the `seen` non-zeros to all that the layer's histograms have, and what follows from
 * these alone. full: of one image; what some images have, scaled to all, must not exceed it. */
void ss_lists_finish(const ss_layer_profile *l, int64_t images, double seen, const ss_list_stats *full, ss_list_stats *out);
/* The same of one folding that was counted on all images. */
void ss_lists_settle(const ss_layer_profile *l, int64_t ci, int32_t parts, ss_list_stats *out);

#endif
