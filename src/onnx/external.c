/* External data: a tensor's bytes in a file of their own.
 *
 * A model may come from anywhere, so it may name nothing but plain files below its own folder: no absolute
 * path, no
 * "..", and no symbolic link on the way (each step is opened relative to the one before with O_NOFOLLOW, so
 * that nothing can be swapped in between either). Offset and length are checked against the file before
 * reading. */
#include "onnx/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char again[] = "export the network again";
static const char beside[] = "put the data file itself into the model's folder";

typedef struct place {
    const char *location;
    int64_t offset, length; /* length -1: not given */
} place;

static bool number(const char *text, int64_t *out) {
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    *out = v;
    return *text != '\0' && *end == '\0' && errno == 0 && v >= 0;
}

static bool read_place(ss_importer *im, const Onnx__TensorProto *p, ss_where at, place *out) {
    *out = (place){ .length = -1 };
    for (size_t k = 0; k < p->n_external_data; k++) {
        const char *key = p->external_data[k]->key, *value = p->external_data[k]->value;
        bool ok = true;
        if (!key || !value) continue;
        if (strcmp(key, "location") == 0) out->location = value;
        else if (strcmp(key, "offset") == 0) ok = number(value, &out->offset);
        else if (strcmp(key, "length") == 0) ok = number(value, &out->length);
        if (!ok) {
            ss_error(im->ctx, at, again, "external %s \"%.40s\" is no size", key, value);
            return false;
        }
    }
    if (out->location && *out->location) return true;
    ss_error(im->ctx, at, again, "external data without a location");
    return false;
}

/* Next component of *path into name; false: the path is not one that may be followed. */
static bool component(const char **path, char name[256]) {
    size_t n = strcspn(*path, "/");
    if (n == 0 || n > 255) return false;
    memcpy(name, *path, n);
    name[n] = '\0';
    *path += n;
    while (**path == '/') (*path)++;
    return strcmp(name, "..") != 0;
}

/* Descriptor of the file, or -1: reported. */
static int open_inside(ss_importer *im, ss_where at, const char *location) {
    char name[256];
    const char *left = location;
    int dir = open(im->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (dir >= 0) {
        if (!component(&left, name)) {
            close(dir);
            ss_error(im->ctx, at, beside, "external data at \"%.100s\" lies outside the model's folder",
                     location);
            return -1;
        }
        int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (*left ? O_DIRECTORY : 0);
        int next = openat(dir, name, flags);
        int saved = errno;
        close(dir);
        errno = saved;
        if (next >= 0 && !*left) return next;
        dir = next;
    }
    if (errno == ELOOP || errno == ENOTDIR)
        ss_error(im->ctx, at, beside,
                 "external data at \"%.100s\" is reached through what is not a plain file or folder",
                 location);
    else ss_error(im->ctx, at, beside, "cannot open external data \"%.100s\": %s", location, strerror(errno));
    return -1;
}

static bool holds(ss_importer *im, ss_where at, const place *w, int fd, size_t need) {
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        ss_error(im->ctx, at, beside, "external data \"%.100s\" is not a regular file", w->location);
        return false;
    }
    if (w->offset <= st.st_size && (uint64_t)(st.st_size - w->offset) >= need) return true;
    ss_error(im->ctx, at, "the data file is truncated or belongs to another model",
             "external data \"%.100s\" has %lld bytes; %zu are needed from %lld on", w->location,
             (long long)st.st_size, need, (long long)w->offset);
    return false;
}

int ss_external_open(ss_importer *im, const Onnx__TensorProto *p, const char *name, size_t need) {
    ss_where at = { name, "constant", NULL };
    place w;
    if (!im->folder) {
        ss_error(im->ctx, at, beside, "external data of a model that is not a file");
        return -1;
    }
    if (!read_place(im, p, at, &w)) return -1;
    if (w.length >= 0 && (uint64_t)w.length != need) {
        ss_error(im->ctx, at, again, "its dimensions need %zu bytes, its external data has %lld", need,
                 (long long)w.length);
        return -1;
    }
    int fd = open_inside(im, at, w.location);
    if (fd >= 0 && holds(im, at, &w, fd, need) && lseek(fd, (off_t)w.offset, SEEK_SET) >= 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

bool ss_external_read(ss_importer *im, const char *name, int fd, void *data, size_t need) {
    size_t done = 0;
    while (done < need) {
        ssize_t n = read(fd, (char *)data + done, need - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
    }
    close(fd);
    if (done < need)
        ss_error(im->ctx, SS_AT(name), "check the disk and the file", "cannot read its external data");
    return done == need;
}
