/* skipstream: the program. Finds the subcommand, parses its options against its table, runs it, prints diagnostics.
 * Exit: 0 done, 1 the answer is no, 2 bad use or bad input. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_OPTS 48
#define MAX_OPERANDS 64

struct ss_cli {
    ss_ctx *ctx;
    const ss_command *cmd;
    const char *values[MAX_OPTS]; /* by index in cmd->opts */
    const char *operands[MAX_OPERANDS];
    int n_operands;
    bool json;
    json_t *result;
    double started, last; /* of the running progress line, ss_seconds */
    const char *what;
    uint64_t done;
};

static const ss_opt common[] = {
    { "json", NULL, "result as JSON on stdout, all else on stderr", false },
    { "threads", "N", "worker threads (default: all cores)", false },
    { "help", NULL, "this text", false },
    { 0 },
};

ss_ctx *ss_cli_ctx(ss_cli *cli) { return cli->ctx; }
const char *ss_operand(const ss_cli *cli, int i) { return i < cli->n_operands ? cli->operands[i] : NULL; }

static int find_opt(const ss_opt *opts, const char *name, size_t len) {
    for (int i = 0; opts[i].name; i++)
        if (strlen(opts[i].name) == len && memcmp(opts[i].name, name, len) == 0) return i;
    return -1;
}

const char *ss_arg(const ss_cli *cli, const char *opt) {
    int i = find_opt(cli->cmd->opts, opt, strlen(opt));
    return i < 0 ? NULL : cli->values[i];
}

ss_status ss_arg_int(ss_cli *cli, const char *opt, int64_t lo, int64_t hi, int64_t fallback, int64_t *out) {
    const char *text = ss_arg(cli, opt);
    *out = fallback;
    if (!text) return SS_OK;
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno || v < lo || v > hi)
        return ss_error(cli->ctx, (ss_where){ opt, NULL, text }, "see --help", "--%s takes a whole number from %lld to %lld",
                        opt, (long long)lo, (long long)hi);
    *out = v;
    return SS_OK;
}

ss_status ss_arg_real(ss_cli *cli, const char *opt, double lo, double hi, double fallback, double *out) {
    const char *text = ss_arg(cli, opt);
    *out = fallback;
    if (!text) return SS_OK;
    char *end;
    double v = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || !(v >= lo && v <= hi))
        return ss_error(cli->ctx, (ss_where){ opt, NULL, text }, "see --help", "--%s takes a number from %g to %g", opt, lo,
                        hi);
    *out = v;
    return SS_OK;
}

ss_status ss_arg_bits(ss_cli *cli, bool allow_float, int fallback, int *out) {
    const char *text = ss_arg(cli, "bits");
    *out = fallback;
    if (!text) return SS_OK;
    if (strcmp(text, "16") == 0) *out = 16;
    else if (strcmp(text, "8") == 0) *out = 8;
    else if (allow_float && strcmp(text, "float") == 0) *out = 0;
    else
        return ss_error(cli->ctx, (ss_where){ "bits", NULL, text }, "see --help", "--bits takes %s16 or 8",
                        allow_float ? "float, " : "");
    return SS_OK;
}

void ss_say(ss_cli *cli, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vfprintf(cli->json ? stderr : stdout, fmt, ap);
    va_end(ap);
}

void ss_cli_result(ss_cli *cli, json_t *result) {
    json_decref(cli->result);
    cli->result = result;
}

ss_status ss_cli_check_writable(ss_cli *cli, const char *path) {
    char *folder = ss_strdup(cli->ctx, path);
    if (!folder) return SS_BAD;
    char *slash = strrchr(folder, '/');
    if (slash) slash[slash == folder] = '\0';
    const char *dir = slash ? folder : ".";
    struct stat st;
    ss_status s = SS_OK;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        s = ss_error(cli->ctx, SS_AT(path), "name a file", "is a folder");
    else if (access(dir, W_OK | X_OK) != 0)
        s = ss_error(cli->ctx, SS_AT(path), "check that the folder exists and is writable", "cannot write: %s",
                     strerror(errno));
    ss_free(cli->ctx, folder);
    return s;
}

/* ---- progress: one line that overwrites itself on a terminal, a plain line every ten seconds when piped ---- */

static void progress(void *user, const char *what, uint64_t done, uint64_t total) {
    ss_cli *cli = user;
    bool tty = isatty(STDERR_FILENO);
    double now = ss_seconds();
    if (!cli->what || strcmp(cli->what, what) != 0 || done < cli->done) { /* another piece of work */
        cli->what = what;
        cli->started = cli->last = now;
    }
    cli->done = done;
    bool end = total && done >= total;
    if (now - cli->last < (tty ? 0.2 : 10.0) && !(tty && end)) return;
    cli->last = now;
    double t = now - cli->started, rate = t > 0 ? (double)done / t : 0;
    fprintf(stderr, "%s%llu", tty ? "\r\033[K" : "", (unsigned long long)done);
    if (total) fprintf(stderr, "/%llu", (unsigned long long)total);
    fprintf(stderr, " %s, %.1f/s", what, rate);
    if (total && rate > 0 && !end) fprintf(stderr, ", %.0f s left", (double)(total - done) / rate);
    if (!tty || end) fputc('\n', stderr);
    fflush(stderr);
    if (end) cli->what = NULL;
}

/* ---- help ---- */

static void print_opts(FILE *f, const ss_opt *opts) {
    for (int i = 0; opts[i].name; i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", opts[i].name, opts[i].metavar ? " " : "",
                 opts[i].metavar ? opts[i].metavar : "");
        fprintf(f, "  %-24s %s%s\n", left, opts[i].help, opts[i].required ? " (required)" : "");
    }
}

static void print_help(FILE *f, const ss_command *cmd) {
    fprintf(f, "skipstream %s %s [options]\n\n%s\n\n", cmd->name, cmd->operands, cmd->summary);
    if (cmd->details) fprintf(f, "%s\n\n", cmd->details);
    fprintf(f, "Options\n");
    print_opts(f, cmd->opts);
    print_opts(f, common);
    fprintf(f, "\nExit: 0 done, 1 the answer is no, 2 bad use or bad input.\n");
}

static void print_usage(FILE *f) {
    fprintf(f, "skipstream %s: from a trained CNN (ONNX) to a streaming FPGA accelerator that skips zeros\n\n"
               "usage: skipstream COMMAND ... [options]\n\n",
            SS_VERSION);
    for (int i = 0; ss_commands[i]; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", ss_commands[i]->name, ss_commands[i]->operands);
        fprintf(f, "  %-24s %s\n", left, ss_commands[i]->summary);
    }
    fprintf(f, "\n`skipstream COMMAND --help` shows the options of a command.\n");
}

/* ---- parsing ---- */

static ss_status bad_use(ss_cli *cli, const char *word, const char *cause) {
    return ss_error(cli->ctx, SS_AT(word), "see --help", "%s", cause);
}

static ss_status take_common(ss_cli *cli, int i, const char *value, bool *help) {
    if (strcmp(common[i].name, "json") == 0) cli->json = true;
    if (strcmp(common[i].name, "help") == 0) *help = true;
    if (strcmp(common[i].name, "threads") != 0) return SS_OK;
    char *end;
    long n = strtol(value, &end, 10);
    if (*value == '\0' || *end != '\0' || n < 1 || n > 1024) return bad_use(cli, value, "--threads takes 1 to 1024");
    ss_ctx_set_threads(cli->ctx, (int)n);
    return SS_OK;
}

/* One option word; *i moves past its value. */
static ss_status take_option(ss_cli *cli, int argc, char **argv, int *i, bool *help) {
    const char *word = argv[*i], *name = word + 2, *eq = strchr(name, '=');
    size_t len = eq ? (size_t)(eq - name) : strlen(name);
    int own = find_opt(cli->cmd->opts, name, len), shared = own < 0 ? find_opt(common, name, len) : -1;
    if (own < 0 && shared < 0) return bad_use(cli, word, "no such option");
    const ss_opt *opt = own >= 0 ? &cli->cmd->opts[own] : &common[shared];
    const char *value = "";
    if (opt->metavar && eq) value = eq + 1;
    else if (opt->metavar && *i + 1 < argc) value = argv[++*i];
    else if (opt->metavar) return bad_use(cli, word, "needs a value");
    else if (eq) return bad_use(cli, word, "takes no value");
    if (own < 0) return take_common(cli, shared, value, help);
    if (cli->values[own]) return bad_use(cli, word, "given twice");
    cli->values[own] = value;
    return SS_OK;
}

static ss_status check_operands(ss_cli *cli) {
    int want = 0;
    bool many = strstr(cli->cmd->operands, "...") != NULL;
    for (const char *p = cli->cmd->operands; *p; p++)
        if (*p != ' ' && (p == cli->cmd->operands || p[-1] == ' ')) want++;
    if (cli->n_operands < want || (!many && cli->n_operands > want))
        return ss_error(cli->ctx, SS_AT(cli->cmd->name), "see --help", "takes %s; %d given", cli->cmd->operands,
                        cli->n_operands);
    for (int i = 0; cli->cmd->opts[i].name; i++)
        if (cli->cmd->opts[i].required && !cli->values[i])
            ss_error(cli->ctx, SS_AT(cli->cmd->opts[i].name), "see --help", "--%s %s is required",
                     cli->cmd->opts[i].name, cli->cmd->opts[i].metavar);
    return ss_diag_errors(cli->ctx) ? SS_BAD : SS_OK;
}

static ss_status parse(ss_cli *cli, int argc, char **argv, bool *help) {
    bool only_operands = false;
    for (int i = 2; i < argc; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0) only_operands = true;
        else if (!only_operands && strncmp(argv[i], "--", 2) == 0) {
            if (take_option(cli, argc, argv, &i, help) != SS_OK) return SS_BAD;
        } else if (!only_operands && argv[i][0] == '-' && argv[i][1] != '\0') {
            return bad_use(cli, argv[i], "no such option");
        } else if (cli->n_operands == MAX_OPERANDS) {
            return bad_use(cli, argv[i], "too many operands");
        } else {
            cli->operands[cli->n_operands++] = argv[i];
        }
    }
    return *help ? SS_OK : check_operands(cli);
}

/* ---- the end: diagnostics and result ---- */

static void print_diags(const ss_cli *cli) {
    static const char *const severity[] = { "note", "warning", "error" };
    for (size_t i = 0; i < ss_diag_count(cli->ctx); i++) {
        const ss_diag *d = ss_diag_at(cli->ctx, i);
        fprintf(stderr, "skipstream: %s: ", severity[d->severity]);
        if (*d->where) fprintf(stderr, "%s", d->where);
        if (*d->op || *d->shape) fprintf(stderr, " [%s%s%s]", d->op, *d->op && *d->shape ? " " : "", d->shape);
        if (*d->where || *d->op || *d->shape) fprintf(stderr, ": ");
        fprintf(stderr, "%s%s%s\n", d->cause, *d->remedy ? "; " : "", d->remedy);
    }
}

static ss_status print_result(ss_cli *cli) {
    if (!cli->json || !cli->result) return SS_OK;
    char *text;
    if (ss_json_text(cli->ctx, cli->result, &text) != SS_OK) return SS_BAD;
    puts(text);
    ss_free(cli->ctx, text);
    return SS_OK;
}

static ss_status flush_stdout(ss_cli *cli) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return SS_OK;
    return ss_error(cli->ctx, SS_AT("stdout"), "check where the output goes", "cannot write the result");
}

static ss_status run(ss_cli *cli, int argc, char **argv) {
    bool help = false;
    ss_status s = parse(cli, argc, argv, &help);
    if (s == SS_OK && help) {
        print_help(stdout, cli->cmd);
        return flush_stdout(cli);
    }
    ss_ctx_set_progress(cli->ctx, progress, cli);
    if (s == SS_OK) s = cli->cmd->run(cli);
    if (s != SS_BAD && ss_diag_errors(cli->ctx)) s = SS_BAD;
    if (s != SS_BAD && print_result(cli) != SS_OK) s = SS_BAD;
    if (flush_stdout(cli) != SS_OK) s = SS_BAD;
    return s;
}

int main(int argc, char **argv) {
    bool wants_help = argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0);
    if (argc < 2 || wants_help) {
        print_usage(wants_help ? stdout : stderr);
        return wants_help ? SS_OK : SS_BAD;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("skipstream " SS_VERSION);
        return SS_OK;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* in step with stderr when piped */
    ss_cli cli = { .ctx = ss_ctx_new() };
    for (int i = 0; ss_commands[i]; i++)
        if (strcmp(ss_commands[i]->name, argv[1]) == 0) cli.cmd = ss_commands[i];
    if (!cli.ctx || !cli.cmd) {
        fprintf(stderr, "skipstream: error: %s: no such command; see skipstream --help\n", argv[1]);
        ss_ctx_free(cli.ctx);
        return SS_BAD;
    }
    ss_status s = run(&cli, argc, argv);
    print_diags(&cli);
    json_decref(cli.result);
    ss_ctx_free(cli.ctx);
    return (int)s;
}
