/* show: artefacts as text for people. */
#ifndef SS_SHOW_H
#define SS_SHOW_H

#include "cli/cli.h"
#include "explore/explore.h"

/* A table per partition, the slowest node marked with '*', and the figures of the whole design. brief:
 * without nodes. */
void ss_show_design(ss_cli *cli, const ss_design *d, const ss_graph *g, bool brief);

#endif
