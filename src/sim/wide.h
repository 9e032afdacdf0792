/* wide: bodies that are built twice, for every processor and for AVX2. */
#ifndef SS_SIM_WIDE_H
#define SS_SIM_WIDE_H

#include <stdbool.h>

#define BODY static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))
static inline bool wide(void) {
    return __builtin_cpu_supports("avx2");
}
#else
#define AVX2
static inline bool wide(void) {
    return false;
}
#endif

#endif
