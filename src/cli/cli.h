/* cli: the frame that every subcommand stands in. A command is a table of options and a function; parsing, --help,
 * --json, --threads, progress, diagnostics and exit codes are here, once. */
#ifndef SS_CLI_H
#define SS_CLI_H

#include "base/json.h"

typedef struct ss_opt {
    const char *name;    /* "limit": used as --limit */
    const char *metavar; /* NULL: a flag */
    const char *help;
    bool required;
} ss_opt;

typedef struct ss_cli ss_cli;

typedef struct ss_command {
    const char *name;      /* "check" */
    const char *operands;  /* "MODEL"; the count of words is the count of operands; a trailing "..." takes one or more */
    const char *summary;   /* one line */
    const char *details;   /* paragraphs for --help, or NULL */
    const ss_opt *opts;    /* ends with a NULL name; --help, --json, --threads are added by the frame */
    ss_status (*run)(ss_cli *cli);
} ss_command;

extern const ss_command *const ss_commands[]; /* commands.c; NULL-terminated, in the order of the flow */

ss_ctx *ss_cli_ctx(ss_cli *cli);
const char *ss_operand(const ss_cli *cli, int i);             /* NULL past the end */
const char *ss_arg(const ss_cli *cli, const char *opt);       /* value; "" for a set flag; NULL when absent */
ss_status ss_arg_int(ss_cli *cli, const char *opt, int64_t lo, int64_t hi, int64_t fallback, int64_t *out);
ss_status ss_arg_real(ss_cli *cli, const char *opt, double lo, double hi, double fallback, double *out);
/* --bits: "float" (0), "16", "8"; fallback as given; allow_float. */
ss_status ss_arg_bits(ss_cli *cli, bool allow_float, int fallback, int *out);

/* Text for people: to stdout, or to stderr under --json. */
void ss_say(ss_cli *cli, const char *fmt, ...) SS_PRINTF(2, 3);
/* The result for --json; steals the reference. Printed on stdout when the command succeeds or says no. */
void ss_cli_result(ss_cli *cli, json_t *result);
/* Refuse early what could not be written at the end: the folder of path must be writable. */
ss_status ss_cli_check_writable(ss_cli *cli, const char *path);

#endif
