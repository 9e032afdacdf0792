/* share: how the P streams of a lane of a broadcast engine share the K kernel positions of each window word of a list.
 *
 * Position k of word `step` goes to part (k + turn) mod P; element j of part p is position first + j P. Turns are such that parts
 * have equally many positions over any number of words, to one, and see all positions alike over a list (rtl/ss_share.sv). */
#ifndef SS_BASE_SHARE_H
#define SS_BASE_SHARE_H

#include <stdint.h>

static inline int64_t ss_share_turn(int64_t step, int64_t k, int64_t parts) {
    int64_t orbit = 1; /* words after which the same parts would begin again */
    while (orbit * k % parts != 0) orbit++;
    return (step * k + (orbit < parts ? step / orbit : 0)) % parts;
}

/* The first position of part p in that word. */
static inline int64_t ss_share_first(int64_t p, int64_t step, int64_t k, int64_t parts) {
    return (p + parts - ss_share_turn(step, k, parts)) % parts;
}

/* Elements of a list that a stream may have, and addresses of its weights a fold. */
static inline int64_t ss_share_rows(int64_t steps, int64_t k, int64_t parts) {
    return (steps * k + parts - 1) / parts;
}

#endif
