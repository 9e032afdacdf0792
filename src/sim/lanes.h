/* lanes: rows of times, one for each of an engine's streams, of which nothing differs but the numbers. Rows are padded to whole
 * groups; what lies behind the streams has no non-zeros, so that it is never later than a stream, and never crowded. */
#ifndef SS_SIM_LANES_H
#define SS_SIM_LANES_H

#include <stdbool.h>
#include <stdint.h>

enum { LANES = 16 };  /* of a group: counts of 16 bits fill a register */
typedef int32_t lane; /* a time, or entries, from a base on that moves along */
#define FAR (1 << 29) /* what is so long before the base is past, and the same as anything else that is */

void lanes_wait(int64_t groups, const lane *until, lane *row); /* row: not before `until` */

/* Words of non-zeros, each stream's in a column: as many as the padded row has can be read. */
typedef struct lanes_words {
    const uint16_t *count;
    const uint16_t *mask; /* all ones for streams */
    int64_t n, streams;
} lanes_words;

/* Words that are written as they come, one behind another: word k when it stands there, `queued` cycles after came[k], and the one
 * before is done; an entry a cycle, or a cycle without any. done: of each stream, that before and after them; written: of the last
 * stream, so too, and returned. taken[k]: when all streams have taken word k. Times that are not in rows are whole. */
int64_t lanes_write(int64_t groups, const lanes_words *w, int64_t base, const int64_t *came, int64_t queued, int64_t written,
                    lane *done, int64_t *taken);
/* The same where the next word stands there only when all streams have the one before: a cycle after from[k], or after taken[k - 1],
 * before the first: after `before`. starved: and the cycles in which none had one to take. */
int64_t lanes_take(int64_t groups, const lanes_words *w, int64_t base, const int64_t *from, int64_t before, int64_t written,
                   lane *done, int64_t *taken, int64_t *starved);
/* sum: entries with all words'; returns by how many more than `open` some stream has. */
lane lanes_sum(int64_t groups, const lanes_words *w, const lane *entries, const lane *open, lane *sum);

/* Places that the lists before have had, the oldest first: entry first[k] + i of list k, up to end[k], gives its place up in cycle
 * last_fold[k] + i. And rows of those that wait for them. */
enum { OLD_LISTS = 8 }; /* SS_LISTS_WAITING */
typedef struct lanes_lists {
    int64_t n;
    const lane *first[OLD_LISTS + 1], *end[OLD_LISTS], *last_fold[OLD_LISTS]; /* what is before first[0] is free */
    const lane *places;
    lane *entries, *done, *next; /* next: room */
} lanes_lists;

/* The next word where each entry takes the place of that `places` before it: it is written when that is free, one a cycle, so of those
 * that follow one of the same list only the first can wait. Returns whether all places are known, else nothing has changed; latest: when
 * all streams are done. */
bool lanes_squeeze(int64_t groups, const lanes_words *w, lane v, const lanes_lists *l, lane *latest);

/* Does no stream need places of a list that ends at `end` any more? */
bool lanes_past(int64_t groups, const lanes_words *w, const lane *entries, const lane *places, const lane *end);

/* Of streams that have replayed a list by `done`, its places are open again: `open` is its end and all places. Returns whether all have. */
bool lanes_open(int64_t groups, const lane *popped, const lane *end, const lane *places, const lane *done, lane *open);

/* A fold of every stream: as soon as the one before has ended, two cycles after its list was made, and not before `from`;
 * a cycle an entry, `least` at least. */
typedef struct lanes_fold {
    const lane *made, *first, *end; /* of the list */
    lane from, least;
    lane *start, *ended, *busy;
} lanes_fold;
lane lanes_replay(int64_t groups, const lanes_fold *f); /* the latest end */

#endif
