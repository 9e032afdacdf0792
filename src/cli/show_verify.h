/* show_verify: the result of a verification as text for people. */
#ifndef SS_SHOW_VERIFY_H
#define SS_SHOW_VERIFY_H

#include "cli/cli.h"
#include "verify/verify.h"

/* brief: without nodes, unless something is wrong with them. */
void ss_show_verification(ss_cli *cli, const ss_verification *v, bool brief);

#endif
