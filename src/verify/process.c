/* process: other programs, run without a shell, their output in a log. */
#define _GNU_SOURCE /* posix_spawn_file_actions_addchdir_np */
#include "verify/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define LOG_TAIL 6 /* lines of a log that an error quotes, in one line with a bar between them */
#define LOG_LIMIT ((size_t)256 << 20)

bool ss_process_has(const char *program) {
    const char *path = getenv("PATH");
    char file[4096];
    for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
        const size_t len = strcspn(p, ":");
        struct stat st;
        snprintf(file, sizeof file, "%.*s/%s", (int)len, len ? p : ".", program);
        if (stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0) return true;
        p += len + (p[len] == ':');
    }
    return false;
}

ss_status ss_process_need(ss_ctx *ctx, const char *program, const char *package) {
    char remedy[128];
    if (ss_process_has(program)) return SS_OK;
    snprintf(remedy, sizeof remedy, "install it: apt-get install %s", package);
    return ss_error(ctx, SS_AT(program), remedy, "this program is needed and not installed");
}

static ss_status wait_for(ss_ctx *ctx, const char *name, pid_t pid, int *code) {
    int status;
    pid_t got;
    do got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0) return ss_error(ctx, SS_AT(name), "try again", "lost this program: %s", strerror(errno));
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return SS_OK;
}

ss_status ss_process_run(ss_ctx *ctx, const char *dir, const char *const *argv, const char *log, int *code) {
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return ss_error(ctx, SS_AT(argv[0]), "free some memory", "cannot start: %s", strerror(error));
    error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (!error) error = posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (!error) error = posix_spawn_file_actions_addchdir_np(&actions, dir);
    /* The interface takes char *const *, but writes to none of the strings. */
    if (!error) error = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        return ss_error(ctx, SS_AT(argv[0]), "check that it can run here", "cannot start: %s",
                        strerror(error));
    return wait_for(ctx, argv[0], pid, code);
}

/* The last lines of a text, in place. */
static const char *tail(char *text, size_t len) {
    while (len && text[len - 1] == '\n') text[--len] = '\0';
    int lines = 0;
    while (len && (text[len - 1] != '\n' || ++lines < LOG_TAIL)) {
        len--;
        if (text[len] == '\n') text[len] = '|';
    }
    return text + len;
}

ss_status ss_process_failed(ss_ctx *ctx, const char *what, int code, const char *log) {
    char *text = NULL, remedy[4200];
    size_t len;
    if (ss_file_read(ctx, log, LOG_LIMIT, (uint8_t **)&text, &len) != SS_OK) return SS_BAD;
    snprintf(remedy, sizeof remedy, "the whole log is %.4000s", log);
    ss_status s = ss_error(ctx, SS_AT(what), remedy, "failed (exit %d): %s", code, tail(text, len));
    ss_free(ctx, text);
    return s;
}
