/* Files: whole-file reads with a limit, atomic writes, directories, content hash. */
#include "base/base.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

const char *ss_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static ss_status io_error(ss_ctx *ctx, const char *path, const char *what, const char *remedy) {
    return ss_error(ctx, SS_AT(path), remedy, "cannot %s: %s", what, strerror(errno));
}

static ss_status read_all(ss_ctx *ctx, const char *path, FILE *f, size_t max, uint8_t **data, size_t *len) {
    struct stat st;
    if (fstat(fileno(f), &st) != 0) return io_error(ctx, path, "read", "check the file");
    if ((uintmax_t)st.st_size > max)
        return ss_error(ctx, SS_AT(path), "check that this is the right file",
                        "%jd bytes, more than the %zu that such a file may have", (intmax_t)st.st_size, max);
    size_t size = (size_t)st.st_size;
    uint8_t *p = ss_alloc(ctx, size + 1, 1);
    if (!p) return SS_BAD;
    if (fread(p, 1, size, f) != size) {
        ss_free(ctx, p);
        return ss_error(ctx, SS_AT(path), "check the disk and the file", "short read");
    }
    *data = p;
    *len = size;
    return SS_OK;
}

ss_status ss_file_read(ss_ctx *ctx, const char *path, size_t max, uint8_t **data, size_t *len) {
    *data = NULL;
    *len = 0;
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* before opening it: a pipe would block */
        return ss_error(ctx, SS_AT(path), "name a regular file",
                        S_ISDIR(st.st_mode) ? "is a folder" : "not a regular file");
    FILE *f = fopen(path, "rb");
    if (!f) return io_error(ctx, path, "open", "check the path and its permissions");
    ss_status s = read_all(ctx, path, f, max, data, len);
    fclose(f);
    return s;
}

ss_status ss_file_write(ss_ctx *ctx, const char *path, const void *data, size_t len) {
    static const char remedy[] = "check that the folder exists, is writable and has room";
    ss_buf tmp;
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* renaming over it would replace a device */
        return ss_error(ctx, SS_AT(path), "name a file",
                        S_ISDIR(st.st_mode) ? "is a folder" : "exists and is not a regular file");
    ss_buf_init(&tmp, ctx);
    ss_buf_printf(&tmp, "%s.tmp%ld", path, (long)getpid());
    if (tmp.failed) return SS_BAD;
    FILE *f = fopen(tmp.data, "wb");
    if (!f) {
        ss_status s = io_error(ctx, path, "write", remedy);
        ss_buf_free(&tmp);
        return s;
    }
    bool ok = fwrite(data, 1, len, f) == len && fflush(f) == 0 && fsync(fileno(f)) == 0;
    int saved = errno;
    ok = fclose(f) == 0 && ok;
    if (ok) {
        ok = rename(tmp.data, path) == 0;
        saved = errno;
    }
    ss_status s = SS_OK;
    if (!ok) {
        unlink(tmp.data);
        errno = saved;
        s = io_error(ctx, path, "write", remedy);
    }
    ss_buf_free(&tmp);
    return s;
}

ss_status ss_mkdirs(ss_ctx *ctx, const char *path) {
    char *p = ss_strdup(ctx, path);
    if (!p) return SS_BAD;
    ss_status s = SS_OK;
    for (char *c = p + 1; s == SS_OK && *p; c++) {
        if (*c != '/' && *c != '\0') continue;
        char keep = *c;
        *c = '\0';
        if (mkdir(p, 0777) != 0 && errno != EEXIST) s = io_error(ctx, p, "make this folder", "choose another folder");
        *c = keep;
        if (!keep) break;
    }
    struct stat st;
    if (s == SS_OK && stat(path, &st) != 0) s = io_error(ctx, path, "make this folder", "choose another folder");
    else if (s == SS_OK && !S_ISDIR(st.st_mode))
        s = ss_error(ctx, SS_AT(path), "choose another folder", "exists and is not a folder");
    ss_free(ctx, p);
    return s;
}

static ss_status remove_folder(ss_ctx *ctx, const char *path) {
    DIR *dir = opendir(path);
    if (!dir) return io_error(ctx, path, "read this folder", "check its permissions");
    ss_status s = SS_OK;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        ss_buf inner;
        ss_buf_init(&inner, ctx);
        ss_buf_printf(&inner, "%s/%s", path, e->d_name);
        if (inner.failed || ss_remove_tree(ctx, inner.data) != SS_OK) s = SS_BAD;
        ss_buf_free(&inner);
    }
    closedir(dir);
    return s;
}

ss_status ss_remove_tree(ss_ctx *ctx, const char *path) {
    struct stat st;
    if (lstat(path, &st) != 0) return io_error(ctx, path, "remove this", "check the path");
    if (S_ISDIR(st.st_mode) && remove_folder(ctx, path) != SS_OK) return SS_BAD;
    return remove(path) == 0 ? SS_OK : io_error(ctx, path, "remove this", "check its permissions");
}

uint64_t ss_hash(const void *data, size_t len, uint64_t seed) { return XXH3_64bits_withSeed(data, len, seed); }
