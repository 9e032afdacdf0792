/* lanes: rows of times, one for each of an engine's streams, of which nothing differs but the numbers. Rows are padded to whole
 * groups; what lies behind the streams has no non-zeros, so that it is never later than a stream, and never crowded. */
#ifndef SS_SIM_LANES_H
#define SS_SIM_LANES_H

#include <stdbool.h>
#include <stdint.h>

enum { LANES = 16 }; /* of a group: counts of 16 bits fill a register */
typedef int32_t lane; /* a time, or entries, from a base on that moves along */

/* The next word of every stream: taken out of the queue a cycle after it came in at v, or when the word `before` it, which frees
 * its place, was taken; and when the last word is done. It is written from then on, and not before `wait`: an entry a
 * cycle, or a cycle without any. */
typedef struct lanes_word {
    const uint16_t *count; /* non-zeros; as many as the padded row has can be read */
    uint16_t *mask;        /* all ones for streams */
    lane *done, *entries;  /* of the word before: when it was written; written in all */
    const lane *before, *wait, *open;
    lane v, queued;        /* queued: 1, 0 without a queue */
    lane *taken, *written, *sum; /* sum: entries behind the word */
    bool crowded;                /* some stream would have more than `open` entries, and is to be looked at */
} lanes_word;
lane lanes_latest(int64_t groups, const lane *row);
lane lanes_take(int64_t groups, const lanes_word *w); /* taken alone; the latest of them */
lane lanes_write(int64_t groups, lanes_word *w);

/* A fold of every stream: as soon as the one before has ended, two cycles after its list was made, and not before `from`;
 * a cycle an entry, `least` at least. */
typedef struct lanes_fold {
    const lane *made, *first, *end; /* of the list */
    lane from, least;
    lane *start, *ended, *busy;
} lanes_fold;
lane lanes_replay(int64_t groups, const lanes_fold *f); /* the latest end */

#endif
