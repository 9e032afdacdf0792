/* times: what is worked out for the times of a run's words at once. n is 1 at least; where words move one after another, t[-1] is
 * `last`, when the word before moved. */
#ifndef SS_SIM_TIMES_H
#define SS_SIM_TIMES_H

#include <stdint.h>

/* Words that are known from `from` on move at t: how long all of them have stood at the output. */
int64_t times_waited(int64_t n, const int64_t *from, const int64_t *t, int64_t last);

/* A window's columns that complete a window each, known from `from` on, which left at t: when the reader was past each. */
void times_passed(int64_t n, const int64_t *from, const int64_t *t, int64_t last, int64_t *past);

/* Of n times, a cycle apart at least, how many are by then, or a cycle after it for each before them. */
int64_t times_by(int64_t n, const int64_t *t, int64_t then);

/* Of n words that came, how many find the one that left at the same place of `left` still there. */
int64_t times_met(int64_t n, const int64_t *came, const int64_t *left);

/* first and latest become those of words that come to several inputs, with `from` of one more of them. */
void times_spread(int64_t n, const int64_t *from, int64_t *first, int64_t *latest);

/* Words of several inputs, known from first to latest, are taken together at `at`, the one before was at `taken`; they move at t, a
 * cycle later. Returns how long a word of one input has stood without those of others. */
int64_t times_join(int64_t n, const int64_t *first, const int64_t *latest, int64_t taken, int64_t last, int64_t *at, int64_t *t);

#endif
