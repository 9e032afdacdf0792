/* fifo: what fifo.c and join.c share, as the FIFOs of a join give it word after word. */
#ifndef SS_SIM_FIFO_H
#define SS_SIM_FIFO_H

#include "sim/parts.h"

typedef struct fifo {
    stage s;
    int64_t depth;
    int64_t most;    /* words at once, of those that have left; see fifo_leave */
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

/* n words leave at t; n up to RUN. */
void fifo_leave(fifo *f, int64_t n, const int64_t *t);

#endif
