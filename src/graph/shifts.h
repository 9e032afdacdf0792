/* shifts: corrected biases (bias_shift of CONV nodes) in artefacts: {CONV: [number of each filter]}, in the model's own
 * order of filters, as they are kept here, too. */
#ifndef SS_SHIFTS_H
#define SS_SHIFTS_H

#include "base/json.h"
#include "graph/graph.h"

/* The key under which artefacts have them. */
#define SS_SHIFTS_KEY "bias_shift"

/* A zeroed one: all biases are the model's own. */
typedef struct ss_shifts {
    int32_t n;        /* nodes of the graph; 0: none is corrected */
    const float **of; /* [n]: [filters], or NULL: the model's own bias */
    const char **names; /* of the nodes that are corrected, for artefacts */
    int32_t *filters;
} ss_shifts;

static inline bool ss_shifts_none(const ss_shifts *s) { return s->n == 0; }
bool ss_shifts_equal(const ss_shifts *a, const ss_shifts *b); /* of one graph */
/* Those in force in g; they live in `arena`. */
ss_status ss_graph_shifts(const ss_graph *g, ss_arena *arena, ss_shifts *out);
ss_status ss_shifts_copy(const ss_shifts *from, ss_arena *arena, ss_shifts *out);
/* Into g; nodes that s does not have keep theirs. */
ss_status ss_shifts_put(const ss_shifts *s, ss_graph *g);

/* Under their key of o; nothing when there are none. False: out of memory. */
bool ss_shifts_add(const ss_shifts *s, json_t *o);
/* list NULL: none. Reports everything that is wrong. */
ss_status ss_shifts_read(const ss_graph *g, const char *path, json_t *list, ss_arena *arena, ss_shifts *out);

#endif
