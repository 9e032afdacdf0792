/* broadcast: a random engine of the broadcast kind for the test benches: its memory images as docs/hardware.md lays them out, and
 * the cycle of its last result. The folding is that of fold.h with gr = 1, m = 1: ci lanes, co filters, a pass a group.
 *
 * The cycles follow from recurrences over words, entries, folds and results, each the maximum of what it waits for; no
 * state machine is repeated here. */
#ifndef SS_BROADCAST_H
#define SS_BROADCAST_H

#include <string.h>

#include "fold.h"

typedef struct {
    fold fold;
    int p, sums;                /* streams a lane; lanes of the join */
    int keep;                   /* words a list that go on; 0: all */
    int lists, queue, results;  /* LISTS, QUEUE, RESULTS of ss_broadcast_core; results 0: its own choice */
} broadcast;

enum { LISTS_WAITING = 8 }; /* lists of any length that wait in a stream */

static inline int broadcast_streams(const broadcast *b) { return b->fold.ci * b->p; }
static inline int broadcast_beats(const broadcast *b) { return b->fold.co / b->sums; }
/* Words a list; those that go on. */
static inline int broadcast_words(const broadcast *b) { return b->fold.folds * broadcast_beats(b); }
static inline int broadcast_keep(const broadcast *b) { return b->keep ? b->keep : broadcast_words(b); }
/* Rows of a list: what the fullest part has of the positions of all words. */
static inline int broadcast_rows(const broadcast *b) { return (b->fold.steps * b->fold.k + b->p - 1) / b->p; }
/* The part that has position k of word s. All positions are dealt in turn; when after some words the same parts would begin
 * again (K and P have a factor in common), one part is left out, so that all see all positions. */
static inline int broadcast_part(const broadcast *b, int s, int k)
{
    int orbit = 1;
    while (orbit * b->fold.k % b->p) orbit++;
    return (s * b->fold.k + (orbit < b->p ? s / orbit : 0) + k) % b->p;
}
static inline int broadcast_positions(const broadcast *b, int s, int part)
{
    int n = 0;
    for (int k = 0; k < b->fold.k; k++) n += broadcast_part(b, s, k) == part;
    return n;
}
static inline int broadcast_results(const broadcast *b)
{
    const int least = 16 / broadcast_beats(b) + 2;
    return b->results ? b->results : 2 * b->fold.folds > least ? 2 * b->fold.folds : least;
}

/* ---- memory images ---- */

static inline void broadcast_stream_image(const broadcast *b, int i, fold_files *out)
{
    const fold *f = &b->fold;
    int64_t lane[512];
    for (int p = 0; p < f->passes; p++)
        for (int d = 0; d < f->folds; d++)
        {
            int rows = 0;
            for (int n = 0; n < f->steps * f->k; n++) {
                const int s = n / f->k, k = n % f->k;
                if (broadcast_part(b, s, k) != i % b->p) continue;
                for (int o = 0; o < f->co; o++) lane[o] = fold_weight(f, p, s, d, i / b->p, o, k);
                fold_row(out, lane, f->co, f->w);
                rows++;
            }
            memset(lane, 0, sizeof lane);
            for (; rows < broadcast_rows(b); rows++) fold_row(out, lane, f->co, f->w);
        }
}

/* NAME.weights_I.mem, NAME.bias.mem; NAME.load.mem when the weights are in UltraRAM: those of every
 * engine side by side. Returns the words of the last. */
static inline int64_t broadcast_images(const broadcast *b, int engines, const char *dir, const char *name)
{
    const fold *f = &b->fold;
    char file[128];
    fold_files out = { 0 };
    snprintf(file, sizeof file, "%s.load.mem", name);
    if (f->style[0] == 'u') out.load = bench_open(dir, file);
    for (int n = 0; n < broadcast_streams(b) * engines; n++) {
        const int i = n % broadcast_streams(b);
        snprintf(file, sizeof file, "%s.weights_%d.mem", name, i);
        out.image = bench_open(dir, file);
        broadcast_stream_image(b, i, &out);
        bench_close(out.image);
    }
    if (out.load) bench_close(out.load);
    snprintf(file, sizeof file, "%s.bias.mem", name);
    FILE *bias = bench_open(dir, file);
    for (int n = 0; n < fold_filters(f); n += b->sums)
        if (n / b->sums % broadcast_words(b) < broadcast_keep(b)) bench_word(bias, f->bias + n, b->sums, f->acc);
    bench_close(bias);
    return out.load_words;
}

/* ---- cycles ---- */

typedef struct {
    int64_t *pushed, *taken, *done;  /* a window word: into the queue, into the compaction, compacted */
    int64_t *freed;                  /* an entry */
    int64_t *popped;                 /* a list */
    int64_t words, entries, lists;
    int64_t fold_end, busy;
} broadcast_stream;

typedef struct { /* zeros before the beginning: nothing is waited for */
    broadcast_stream *stream;
    int64_t *joined, *left; /* a result word: at the join; one that goes on: out of the engine */
    int64_t word_at, results, kept;
} broadcast_model;

static inline int64_t broadcast_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t broadcast_at(const int64_t *cycle, int64_t n) { return n < 0 ? 0 : cycle[n]; }

/* A word with `nonzeros` for the stream comes at `now`; it is the last of its list or not. */
static inline void broadcast_compact(const broadcast *b, broadcast_stream *s, int64_t room, int64_t now, int nonzeros,
                                     bool last)
{
    const int64_t n = s->words++;
    const int queue = b->queue == 1 ? 2 : b->queue;
    s->pushed[n] = now;
    if (queue) {
        s->pushed[n] = broadcast_max(now, broadcast_at(s->taken, n - queue) + 1);
        now = s->pushed[n] + 1;
    }
    s->taken[n] = broadcast_max(now, broadcast_at(s->done, n - 1));
    if (!queue) s->pushed[n] = s->taken[n];
    int64_t t = s->taken[n];
    for (int e = 0; e < (nonzeros ? nonzeros : 1); e++) {
        t = broadcast_max(t, broadcast_at(s->freed, s->entries + e - room));
        if (last) t = broadcast_max(t, broadcast_at(s->popped, s->lists - LISTS_WAITING));
        t++;
    }
    s->done[n] = t;
    s->entries += nonzeros;
}

/* One fold of the stream's newest list, which has `count` entries; the fold is number g. */
static inline void broadcast_replay(const broadcast *b, broadcast_stream *s, const broadcast_model *m, int64_t g, int count,
                                    bool last)
{
    const int beats = broadcast_beats(b);
    const int64_t waits_for = (g - broadcast_results(b) + 1) * beats - 1; /* the word that gives a place back */
    int64_t start = broadcast_max(s->fold_end + 1, s->done[s->words - 1] + 2);
    start = broadcast_max(start, broadcast_at(m->joined, waits_for) + 1);
    s->fold_end = start + (count > beats ? count : beats) - 1;
    s->busy += count > beats ? count : beats;
    if (!last) return;
    for (int e = 0; e < count; e++) s->freed[s->entries - count + e] = start + e;
    s->popped[s->lists++] = s->fold_end;
}

/* The words of a fold that has left every stream. */
static inline void broadcast_join(const broadcast *b, broadcast_model *m)
{
    const int streams = broadcast_streams(b), beats = broadcast_beats(b);
    const int levels = streams > 4 ? fold_log2(streams) : 2;
    const int read = broadcast_results(b) * beats > 64 ? 3 : 1;
    for (int w = 0; w < beats; w++) {
        const int64_t n = m->results++;
        int64_t t = broadcast_max(broadcast_at(m->joined, n - 1) + 1, broadcast_at(m->left, m->kept - 32) + 1);
        for (int i = 0; i < streams; i++) t = broadcast_max(t, m->stream[i].fold_end + 8 + w + read);
        m->joined[n] = t;
        if (n % broadcast_words(b) >= broadcast_keep(b)) continue;
        m->left[m->kept] = broadcast_max(t + levels + 2, broadcast_at(m->left, m->kept - 1) + 1);
        m->kept++;
    }
}

static inline int64_t *broadcast_array(int64_t n)
{
    int64_t *a = calloc((size_t)n + 1, sizeof *a);
    if (!a) exit(2);
    return a;
}

/* The cycle in which the last result leaves when nothing outside ever waits and the first window stands there in cycle 1.
 * nonzeros: [list][step][stream], a list a pixel and pass. busy: cycles of the busiest stream. */
static inline int64_t broadcast_cycles(const broadcast *b, const int *nonzeros, int lists, int64_t *busy)
{
    const fold *f = &b->fold;
    const int streams = broadcast_streams(b);
    const int64_t words = (int64_t)lists * f->steps, results = (int64_t)lists * f->folds * broadcast_beats(b);
    broadcast_model m = { calloc((size_t)streams, sizeof *m.stream), broadcast_array(results), broadcast_array(results), 1, 0, 0 };
    if (!m.stream) exit(2);
    for (int i = 0; i < streams; i++)
        m.stream[i] = (broadcast_stream){
            broadcast_array(words), broadcast_array(words), broadcast_array(words),
            broadcast_array(words * f->k), broadcast_array(lists), 0, 0, 0, 0, 0,
        };
    for (int list = 0; list < lists; list++) {
        const int *of_list = nonzeros + (int64_t)list * f->steps * streams;
        for (int s = 0; s < f->steps; s++) {
            int64_t next = 0;
            for (int i = 0; i < streams; i++) {
                broadcast_stream *stream = &m.stream[i];
                broadcast_compact(b, stream, (int64_t)b->lists * broadcast_rows(b), m.word_at,
                                  of_list[s * streams + i], s == f->steps - 1);
                next = broadcast_max(next, stream->pushed[stream->words - 1] + 1);
            }
            m.word_at = next;
        }
        for (int d = 0; d < f->folds; d++) {
            for (int i = 0; i < streams; i++) {
                int count = 0;
                for (int s = 0; s < f->steps; s++) count += of_list[s * streams + i];
                broadcast_replay(b, &m.stream[i], &m, (int64_t)list * f->folds + d, count, d == f->folds - 1);
            }
            broadcast_join(b, &m);
        }
    }
    const int64_t last = m.left[m.kept - 1];
    *busy = 0;
    for (int i = 0; i < streams; i++) {
        broadcast_stream *s = &m.stream[i];
        *busy = broadcast_max(*busy, s->busy);
        free(s->pushed);
        free(s->taken);
        free(s->done);
        free(s->freed);
        free(s->popped);
    }
    free(m.stream);
    free(m.joined);
    free(m.left);
    return last;
}

#endif
