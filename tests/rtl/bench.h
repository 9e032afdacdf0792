/* bench: what the programs share that write test benches (tests/rtl/gen_*.c): files, words, random numbers.
 * A program gets a folder in argv[1] and leaves tb.sv and its memory images there. Errors end the program. */
#ifndef SS_BENCH_H
#define SS_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline FILE *bench_open(const char *dir, const char *name) {
    char path[4096];
    FILE *f = snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path ? fopen(path, "w") : NULL;
    if (!f) {
        perror(name);
        exit(2);
    }
    return f;
}

static inline void bench_close(FILE *f) {
    if (ferror(f) | fclose(f)) {
        perror("bench");
        exit(2);
    }
}

/* splitmix64: the same numbers everywhere. */
static inline uint64_t bench_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* One line of a $readmemh file: a word of `lanes` elements of `w` bits (1..64) each, lane 0 in the low bits.
 */
static inline void bench_word(FILE *f, const int64_t *lane, int lanes, int w) {
    const int bits = lanes * w;
    for (int digit = (bits + 3) / 4 - 1; digit >= 0; digit--) {
        unsigned value = 0;
        for (int b = digit * 4 + 3; b >= digit * 4; b--)
            value = value << 1 | (b < bits ? (unsigned)((uint64_t)lane[b / w] >> (b % w)) & 1 : 0);
        fputc("0123456789abcdef"[value], f);
    }
    fputc('\n', f);
}

#endif
