/* fifo: what fifo.c and join.c share, as the FIFOs of a join give it word after word. */
#ifndef SS_SIM_FIFO_H
#define SS_SIM_FIFO_H

#include "sim/parts.h"

typedef struct fifo {
    stage s;
    int64_t depth;
    int64_t most;    /* words at once, up to the last that left: */
    int64_t seen;    /* of the words that have come, those counted in it */
    int64_t deepest; /* words inside, in the order of calls */
    bool block;
    int64_t fetched, moved; /* of the last word: left the memory, came to the output register */
    int64_t stood, since;   /* words found to stand in time (fifo_stands), where the first would have to by `since` */
    ring came, left;
} fifo;

extern const kind fifo_kind;
bool fifo_accept(stage *s);

/* The next word, when the one before has left. */
static inline void fetch(fifo *f, int64_t came, int64_t last) {
    f->fetched = later(came + 1, later(f->fetched + 1, f->moved));
    f->moved = later(f->fetched + 1, last);
}

/* When the next word inside stands at the output. */
static inline int64_t fifo_next(fifo *f) {
    const int64_t came = ring_get(&f->came, f->s.out);
    if (!f->block) return later(came, f->s.last) + 1;
    fetch(f, came, f->s.last);
    return f->moved + 1;
}

/* n words, or as many as are inside: how many of them stand at the output by then, of one a cycle from `first`. */
int64_t fifo_stands(fifo *f, int64_t first, int64_t n);
/* Accepts, if may be more words than it has room for: `through` more go through as they come, to be taken now. */
void fifo_fill(fifo *f, int64_t through);

/* n words leave at t. One may come in at a time that is long past for those that have left already: words are asked for in
 * another order. Each makes at most one more than ever before: when the word `most` before it was still there. */
static inline void fifo_leave(fifo *f, int64_t n, const int64_t *t) {
    const ring came = f->came, left = f->left;
    const int64_t in = f->s.ends ? f->s.in : 0;
    int64_t seen = f->seen, most = f->most;
    for (int64_t i = 0, word = f->s.out; i < n; i++, word++) {
        for (; seen < in && ring_get(&came, seen) <= t[i]; seen++)
            most += seen - most >= word || ring_get(&left, seen - most) >= ring_get(&came, seen);
        ring_set(&left, word, t[i]);
    }
    f->seen = seen;
    f->most = most;
}

#endif
