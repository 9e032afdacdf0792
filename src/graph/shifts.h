/* shifts: corrected biases (bias_shift of CONV nodes) in artefacts: {CONV: [number of each filter]}, in the model's own
 * order of filters. */
#ifndef SS_SHIFTS_H
#define SS_SHIFTS_H

#include "base/json.h"
#include "graph/graph.h"

/* The key under which artefacts have them. */
#define SS_SHIFTS_KEY "bias_shift"

/* Those in force in g, under their key of o; nothing when there are none. False: out of memory. */
bool ss_shifts_add(const ss_graph *g, json_t *o);
/* shifts: [g->n], in the arena of g; those that the list does not name stay. Reports everything that is wrong. */
ss_status ss_shifts_read(ss_graph *g, const char *path, json_t *list, const float **shifts);
/* Put those of an artefact of any kind into g; none there: g is left as it is. */
ss_status ss_shifts_load(ss_graph *g, const char *path);

#endif
