/* Small integer arithmetic. See base.h. */
#include "base/base.h"

int ss_divisors(int64_t n, int64_t *out, int cap) {
    int found = 0;
    int64_t d = 1;
    for (; d <= n / d && found < cap; d++)
        if (n % d == 0) out[found++] = d;
    /* Each divisor below the root has its mate above it; the root itself has been found. */
    for (d--; d >= 1 && found < cap; d--)
        if (n % d == 0 && d != n / d) out[found++] = n / d;
    return found;
}
