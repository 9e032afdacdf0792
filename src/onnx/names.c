/* Names: open addressing with linear probing, at most half full. */
#include "onnx/import.h"

#include <string.h>

static size_t slot_of(const ss_names *m, const char *key) {
    size_t at = (size_t)ss_hash(key, strlen(key), 0) & (m->cap - 1);
    while (m->keys[at] && strcmp(m->keys[at], key) != 0) at = (at + 1) & (m->cap - 1);
    return at;
}

static bool grow(ss_names *m) {
    ss_names bigger = { .ctx = m->ctx, .n = m->n, .cap = m->cap ? 2 * m->cap : 64 };
    bigger.keys = ss_alloc(m->ctx, bigger.cap, sizeof *bigger.keys);
    bigger.values = ss_alloc(m->ctx, bigger.cap, sizeof *bigger.values);
    if (!bigger.keys || !bigger.values) {
        ss_names_free(&bigger);
        return false;
    }
    for (size_t i = 0; i < m->cap; i++) {
        if (!m->keys[i]) continue;
        size_t at = slot_of(&bigger, m->keys[i]);
        bigger.keys[at] = m->keys[i];
        bigger.values[at] = m->values[i];
    }
    ss_names_free(m);
    *m = bigger;
    return true;
}

void ss_names_free(ss_names *m) {
    if (m->keys) ss_free(m->ctx, (void *)m->keys);
    ss_free(m->ctx, m->values);
    m->keys = NULL;
    m->values = NULL;
    m->n = m->cap = 0;
}

int32_t ss_names_get(const ss_names *m, const char *key) {
    if (!m->cap) return -1;
    size_t at = slot_of(m, key);
    return m->keys[at] ? m->values[at] : -1;
}

bool ss_names_put(ss_names *m, const char *key, int32_t value) {
    if (2 * m->n >= m->cap && !grow(m)) return false;
    size_t at = slot_of(m, key);
    m->keys[at] = key;
    m->values[at] = value;
    m->n++;
    return true;
}
