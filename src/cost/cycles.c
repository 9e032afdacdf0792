/* Cycles of a crossbar engine from the histogram of non-zeros, and the lanes of a stream.
 *
 * An engine with m multipliers needs ceil(n/m) cycles for a window of n non-zeros, and one for an empty window, since
 * the end of the window must still pass. The expectation is taken over the histogram, never over the mean count:
 * ceil() of a mean is not the mean of ceil(). Zero weights play no part: the engine looks at activations only. */
#include "cost/parts.h"

#include <math.h>

const char *const ss_engine_kind_names[SS_ENGINE_KINDS] = { "none", "dense", "crossbar", "broadcast" };
const char *const ss_mem_names[SS_MEM_KINDS] = { "none", "lut", "bram", "uram" };

/* ceil(n/m) counts the j >= 0 with n > j*m, so the sum over n of hist[n] * ceil(n/m) is the sum over j of the tails
 * T(j*m + 1), T(t) = hist[t] + ... + hist[k]: k/m terms for each m. The tails stand in out itself: when out[m-1] is
 * written, later m read only T(1) and T(t) with t > m. Integer counts below 2^53 are summed exactly. */
void ss_expected_cycles(const double *hist, int32_t k, double *out) {
    double tail = 0;
    for (int32_t t = k; t >= 1; t--) out[t - 1] = tail += hist[t];
    for (int32_t m = 1; m <= k; m++) {
        double sum = hist[0] + tail;
        for (int32_t t = m; t < k; t += m) sum += out[t];
        out[m - 1] = sum;
    }
}

int32_t ss_lanes(int64_t elements, int32_t channels, double interval) {
    double need = ceil((double)elements / interval);
    if (!(need <= channels)) return channels;
    int32_t l = need < 1 ? 1 : (int32_t)need;
    /* Rounding of the quotient may have gone either way. */
    while (l > 1 && (double)elements / (l - 1) <= interval) l--;
    while (l < channels && (channels % l != 0 || (double)elements / l > interval)) l++;
    return l;
}
