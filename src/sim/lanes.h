/* lanes: rows of times, one for each of an engine's streams, of which nothing differs but the numbers. */
#ifndef SS_SIM_LANES_H
#define SS_SIM_LANES_H

#include <stdbool.h>
#include <stdint.h>

/* out = the later of a + more and b */
void lanes_later(int64_t n, const int64_t *a, int64_t more, const int64_t *b, int64_t *out);
/* out = the later of a and v */
void lanes_raise(int64_t n, const int64_t *a, int64_t v, int64_t *out);
/* out = a + more, or 0 without a; the latest of them. */
int64_t lanes_latest(int64_t n, const int64_t *a, int64_t more, int64_t *out);
/* done = from + entries, count or 1, one a cycle; true: some stream would have more than `open`, and is to be looked at. */
bool lanes_write(int64_t n, const uint16_t *count, const int64_t *from, const int64_t *entries, const int64_t *open,
                 int64_t *done);
void lanes_add(int64_t n, const uint16_t *count, int64_t *sum);

/* A fold of every stream: as soon as the one before has ended, two cycles after its list was made, and not before `from`;
 * a cycle an entry, `least` at least. */
typedef struct lanes_fold {
    int64_t from, least;
    const int64_t *made, *first, *end; /* of the list */
    int64_t *start, *ended, *busy;
} lanes_fold;
int64_t lanes_replay(int64_t n, const lanes_fold *f); /* the latest end */

#endif
