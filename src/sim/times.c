/* Times of runs: one body each, in the instruction set of every processor and in AVX2. What depends on the word before does so on when
 * it moved, which is given, so that words are worked out side by side; only times_join has to go from one to the next. */
#include "sim/times.h"

#include "sim/wide.h"

#define IN const int64_t *restrict
#define OUT int64_t *restrict

BODY int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

BODY int64_t waited_body(int64_t n, IN from, IN t, int64_t last) {
    int64_t sum = t[0] - later(from[0], last);
    for (int64_t i = 1; i < n; i++) sum += t[i] - later(from[i], t[i - 1]);
    return sum - n;
}

/* A column is read a cycle after the one before, which waits until the window before has left: see window_front. */
BODY void passed_body(int64_t n, IN from, IN t, int64_t last, OUT past) {
    past[0] = from[0];
    if (n > 1) past[1] = later(from[1], later(from[0], last) + 1);
    for (int64_t i = 2; i < n; i++) past[i] = later(from[i], later(from[i - 1], t[i - 2]) + 1);
}

BODY int64_t met_body(int64_t n, IN came, IN left) {
    int64_t met = 0;
    for (int64_t i = 0; i < n; i++) met += left[i] >= came[i];
    return met;
}

BODY int64_t by_body(int64_t n, IN t, int64_t then) {
    int64_t by = 0;
    for (int64_t i = 0; i < n; i++) by += t[i] <= then + i;
    return by;
}

BODY void spread_body(int64_t n, IN from, OUT first, OUT latest) {
    for (int64_t i = 0; i < n; i++) {
        first[i] = from[i] < first[i] ? from[i] : first[i];
        latest[i] = later(latest[i], from[i]);
    }
}

BODY int64_t join_body(int64_t n, IN first, IN latest, int64_t taken, int64_t last, OUT at, OUT t) {
    const int64_t v = later(latest[0], taken) + 1;
    int64_t waited = later(v - later(later(first[0], taken), last) - 1, 0);
    at[0] = later(v, last);
    for (int64_t i = 1; i < n; i++) at[i] = later(latest[i], at[i - 1]) + 1;
    for (int64_t i = 0; i < n; i++) t[i] = at[i] + 1;
    for (int64_t i = 1; i < n; i++) waited += later(latest[i] - later(first[i], t[i - 1]), 0);
    return waited;
}

/* ---- one body, two instruction sets ---- */

AVX2 static int64_t waited_wide(int64_t n, const int64_t *from, const int64_t *t, int64_t last) {
    return waited_body(n, from, t, last);
}
AVX2 static void passed_wide(int64_t n, const int64_t *from, const int64_t *t, int64_t last, int64_t *past) {
    passed_body(n, from, t, last, past);
}
AVX2 static int64_t met_wide(int64_t n, const int64_t *came, const int64_t *left) {
    return met_body(n, came, left);
}
AVX2 static int64_t by_wide(int64_t n, const int64_t *t, int64_t then) {
    return by_body(n, t, then);
}
AVX2 static void spread_wide(int64_t n, const int64_t *from, int64_t *first, int64_t *latest) {
    spread_body(n, from, first, latest);
}
AVX2 static int64_t join_wide(int64_t n, const int64_t *first, const int64_t *latest, int64_t taken, int64_t last, int64_t *at, int64_t *t) {
    return join_body(n, first, latest, taken, last, at, t);
}

int64_t times_waited(int64_t n, const int64_t *from, const int64_t *t, int64_t last) {
    return wide() ? waited_wide(n, from, t, last) : waited_body(n, from, t, last);
}

void times_passed(int64_t n, const int64_t *from, const int64_t *t, int64_t last, int64_t *past) {
    if (wide()) passed_wide(n, from, t, last, past);
    else passed_body(n, from, t, last, past);
}

int64_t times_met(int64_t n, const int64_t *came, const int64_t *left) {
    return wide() ? met_wide(n, came, left) : met_body(n, came, left);
}

int64_t times_by(int64_t n, const int64_t *t, int64_t then) {
    return wide() ? by_wide(n, t, then) : by_body(n, t, then);
}

void times_spread(int64_t n, const int64_t *from, int64_t *first, int64_t *latest) {
    if (wide()) spread_wide(n, from, first, latest);
    else spread_body(n, from, first, latest);
}

int64_t times_join(int64_t n, const int64_t *first, const int64_t *latest, int64_t taken, int64_t last, int64_t *at, int64_t *t) {
    return wide() ? join_wide(n, first, latest, taken, last, at, t) : join_body(n, first, latest, taken, last, at, t);
}
