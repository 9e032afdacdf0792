/* parts: the pieces of sim/, for sim/ only.
 *
 * A stage is a module of the hardware with one output stream. Of every word that leaves it two cycles matter:
 * from when it stands at the output (v), and when it moves (t >= v), which the reader decides. Stages pull:
 * whoever wants a word asks the stage before it for v, decides on t, and takes the word. A stage is asked for
 * word j only after word j - 1 has moved, so that everything that can have held word j up is known by then.
 * Only forks and joins can make a stage wait for something that nobody has asked for yet: then v is UNKNOWN,
 * and the scheduler (run.c) asks elsewhere first.
 *
 * front: v of the next word, or UNKNOWN. accept: take one more word from before, as far as that can be known
 * without any more words moving at the output; false when it cannot. taken: the word moves at t (s->last,
 * s->out are still the old).
 *
 * Most words meet a reader that is ready before they can stand there: t is v. Such words move in runs, many in one call.
 * The reader knows of the next words that it takes them at once, come when they may: not before last_in + 1, and one
 * a cycle at most (room). It asks for a run of so many (run), a fork asks its other readers for their room and tells
 * them (took). A run is a shorter way to the same times, and whatever has to wait goes word by word; but where a reader that
 * has its own pace finds words that are known, it works out many times at once (known, left). */
#ifndef SS_SIM_PARTS_H
#define SS_SIM_PARTS_H

#include "rtl/gen.h"
#include "sim/sim.h"
#include "sim/times.h"

#include <string.h>

#define UNKNOWN (-1)
#define NEVER INT64_MAX

typedef struct stage stage;
typedef struct pace pace;
typedef struct sim sim;
typedef struct trace trace;

typedef struct kind {
    const char *name;
    int64_t (*front)(stage *s);
    bool (*accept)(stage *s);
    void (*taken)(stage *s, int64_t t);
    /* NULL: only word by word. Moves up to n words out at once, t: when; no word stands there yet. Returns how many;
     * 0: not at once, UNKNOWN: none is there. */
    int64_t (*run)(stage *s, int64_t n, int64_t *t);
    /* NULL: none. How many of the next n words from before find it ready whenever they come; takes them. */
    int64_t (*room)(stage *s, int64_t n);
    void (*took)(stage *s, int64_t n, const int64_t *t);
    /* NULL: only by front. How many of the next n words are known, from when each would stand there but for those before it: it
     * does a cycle after that, and a cycle after the word before has moved. Nothing moves. */
    int64_t (*known)(stage *s, int64_t n, int64_t *from);
    void (*left)(stage *s, int64_t n, const int64_t *from, const int64_t *t); /* they have moved */
} kind;

enum { RUN = 128 }; /* most words of one */

/* What has happened in all. A stage that had no word, asked again while nothing of this has changed, has none. */
struct pace {
    int64_t moved;   /* words, anywhere */
    int64_t changed; /* times that something else did on which it can depend whether a word is known: windows read columns, or are decided */
    int64_t refused; /* times that a stage was asked in vain only as it was being asked for another word further on: ask it again */
};

/* A memory of the last times, by index. */
typedef struct ring {
    int64_t *t;
    int64_t mask;
} ring;
static inline int64_t ring_get(const ring *r, int64_t i) {
    return r->t[i & r->mask];
}
static inline void ring_set(const ring *r, int64_t i, int64_t t) {
    r->t[i & r->mask] = t;
}
/* n times at once, up to RUN: where they lie, or in `room` when they do not lie behind one another. */
static inline const int64_t *ring_span(const ring *r, int64_t i, int64_t n, int64_t *room) {
    const int64_t at = i & r->mask, straight = r->mask + 1 - at;
    if (n <= straight) return r->t + at;
    memcpy(room, r->t + at, (size_t)straight * sizeof *room);
    memcpy(room + straight, r->t, (size_t)(n - straight) * sizeof *room);
    return room;
}
static inline void ring_put(const ring *r, int64_t i, int64_t n, const int64_t *t) {
    const int64_t at = i & r->mask, straight = r->mask + 1 - at < n ? r->mask + 1 - at : n;
    memcpy(r->t + at, t, (size_t)straight * sizeof *t);
    if (straight < n) memcpy(r->t, t + straight, (size_t)(n - straight) * sizeof *t);
}

struct stage {
    const kind *ops;
    pace *all;
    int64_t vain;             /* the moved and changed of all at which it was last asked in vain; -1: ask */
    stage *from, *reader;     /* before and behind; NULL where there is a fork, and behind, a join */
    bool busy;                /* it is taking a word: not to be asked for, or given, another before it has it */
    bool ends;                /* the FIFO before a join */
    bool dry;                 /* all images' words have moved out: not to be asked again */
    bool single;              /* no runs: each word is noted, or only what somebody waits for is taken */
    int64_t v;                /* of the word at the output, or UNKNOWN */
    int64_t last;             /* when the word before moved; -1: none has */
    int64_t last_in;          /* when the last word came in; -1: none has */
    int64_t in, out;          /* words taken from before, words moved */
    int64_t fits;             /* words, from the first one on, that are known to find room */
    int64_t starved, blocked; /* cycles ready without a word, with a word and without a reader */
    int32_t node;             /* graph node that it belongs to */
    trace *trace; /* NULL: nothing of it is noted */
    unsigned traced;
    int32_t signal, level_signal;
    int64_t mark; /* the next word whose time goes to *marks, -1: none; every mark_step-th after it */
    int64_t mark_step, *marks;
};

/* ---- trace.c ---- */

enum { TRACE_BUSY = 1, TRACE_WORDS = 2, TRACE_STARVED = 4, TRACE_BLOCKED = 8, TRACE_LEVEL = 16 }; /* stage.traced */

trace *trace_new(ss_ctx *ctx, int64_t from, int64_t to);
void trace_free(trace *t);
ss_status trace_attach(trace *t, sim *sm); /* a partition, built and not yet run */
void trace_busy(const stage *s, int64_t from, int64_t to);
void trace_starved(const stage *s, int64_t from, int64_t to);
void trace_taken(const stage *s, int64_t t);
void trace_level(const stage *s, int64_t at, int32_t by);
void trace_end(trace *t); /* nothing more comes: for those below */
ss_status trace_write(trace *t, const char *waveform, const char *levels); /* either NULL: not that */
ss_status trace_activity(const trace *t, const ss_simulated *s, json_t **out); /* activity.c; a new reference */

static inline int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static inline int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* ---- asking ---- */

static inline bool in_vain(const stage *s) {
    return s->dry || s->vain == s->all->moved + s->all->changed;
}

/* Has been asked, and had no word; since: what had happened before. */
static inline void asked_in_vain(stage *s, const pace *since) {
    const pace *all = s->all;
    if (s->from && s->from->dry) s->dry = true;
    if (!s->single && all->refused == since->refused && all->moved == since->moved && all->changed == since->changed)
        s->vain = all->moved + all->changed;
}

static inline bool refuse(const stage *s) {
    s->all->refused++;
    return false;
}

static inline int64_t pull(stage *s) {
    if (s->v >= 0 || in_vain(s)) return s->v;
    const pace since = *s->all;
    s->v = s->ops->front(s);
    if (s->v < 0) asked_in_vain(s, &since);
    return s->v;
}

static inline void take(stage *s, int64_t t) {
    s->blocked += t - s->v;
    if (s->trace) trace_taken(s, t);
    s->ops->taken(s, t);
    s->v = UNKNOWN;
    s->last = t;
    if (s->out == s->mark) {
        *s->marks++ = t;
        s->mark += s->mark_step;
    }
    s->out++;
    s->all->moved++;
}

/* Takes the word that stands before s since v as soon as s is ready; returns when. */
static inline int64_t take_when(stage *s, int64_t v, int64_t ready) {
    ready = later(ready, s->last_in + 1);
    if (v > ready) {
        s->starved += v - ready;
        if (s->trace) trace_starved(s, ready, v);
    } else v = ready;
    take(s->from, v);
    s->last_in = v;
    s->in++;
    return v;
}

/* ---- runs ---- */

/* n words came in at t, each as soon as it stood there. */
static inline void came_in(stage *s, int64_t n, const int64_t *t) {
    s->starved += t[n - 1] - s->last_in - n;
    s->last_in = t[n - 1];
    s->in += n;
}

/* n words moved out at t. */
static inline void went_out(stage *s, int64_t n, const int64_t *t) {
    for (; s->mark >= s->out && s->mark < s->out + n; s->mark += s->mark_step) *s->marks++ = t[s->mark - s->out];
    s->last = t[n - 1];
    s->out += n;
    s->all->moved += n;
}

/* At least one, up to n words that find their reader ready, or UNKNOWN. */
static inline int64_t run_from(stage *s, int64_t n, int64_t *t) {
    if (s->v < 0 && in_vain(s)) return UNKNOWN;
    const pace since = *s->all;
    const int64_t moved = s->v < 0 && s->ops->run ? s->ops->run(s, n, t) : 0;
    if (moved < 0) asked_in_vain(s, &since);
    if (moved != 0) return moved;
    const int64_t v = pull(s);
    if (v < 0) return UNKNOWN;
    take(s, v);
    *t = v;
    return 1;
}

/* A run of a kind whose words are each worked out by front, and noted by taken. */
static inline int64_t run_fronts(stage *s, int64_t n, int64_t *t, int64_t (*front)(stage *), void (*taken)(stage *, int64_t)) {
    int64_t moved = 0;
    for (; moved < n && (t[moved] = front(s)) >= 0; moved++) {
        taken(s, t[moved]);
        went_out(s, 1, t + moved);
    }
    return moved > 0 ? moved : UNKNOWN;
}

/* Of the next n words in, how many find a place when they come: word `first` of the ring, and those behind it, give theirs up a
 * cycle before, a cycle apart at least. What has been found stays: each word that
 * comes takes a cycle at least. */
static inline int64_t room_by(stage *s, const ring *gone, int64_t first, int64_t n) {
    int64_t fit = later(s->fits - s->in, -first);
    fit = later(fit, 0);
    if (fit < n && ring_get(gone, first + fit) <= s->last_in + fit) {
        int64_t room[RUN];
        fit += times_by(n - fit, ring_span(gone, first + fit, n - fit, room), s->last_in + fit);
    }
    s->fits = s->in + fit;
    return fit < n ? fit : later(n, 0);
}

/* Words that are known move at t; each waits until then. */
static inline void wait_out(stage *s, int64_t n, const int64_t *from, const int64_t *t) {
    s->blocked += times_waited(n, from, t, s->last);
    went_out(s, n, t);
}

static inline int64_t known_of(stage *s, int64_t n, int64_t *from) {
    if (!s->ops->known || s->v >= 0 || s->dry) return 0;
    if (in_vain(s)) return UNKNOWN;
    const pace since = *s->all;
    n = s->ops->known(s, n, from);
    if (n < 0) asked_in_vain(s, &since);
    return n;
}

/* A run of words that are known. */
static inline int64_t run_known(stage *s, int64_t n, int64_t *t) {
    int64_t from[RUN];
    n = s->ops->known(s, n, from);
    for (int64_t i = 0, last = s->last; i < n; i++) t[i] = last = later(from[i], last) + 1;
    if (n > 0) s->ops->left(s, n, from, t);
    return n;
}

static inline int64_t room_of(stage *s, int64_t n) {
    return n > 0 && s && s->ops->room ? s->ops->room(s, n) : 0;
}

/* ---- making stages; NULL: out of memory, sim->failed is set ---- */

stage *stage_new(sim *sm, const kind *ops, size_t size, stage *from);
bool accept_nothing(stage *s); /* of kinds that keep no word */
void taken_nothing(stage *s, int64_t t);
bool ring_make(sim *sm, ring *r, int64_t at_least);

stage *make_source(sim *sm, int64_t words);
/* depth 0: none. */
stage *make_fifo(sim *sm, stage *from, int64_t depth, bool block);
stage *make_slice(sim *sm, stage *from);
stage *make_pipe(sim *sm, stage *from, int64_t stages);
stage *make_width(sim *sm, stage *from, int64_t in, int64_t out);
stage *make_chanpad(sim *sm, stage *from, int64_t before, int64_t words, int64_t after);
stage *make_pool_global(sim *sm, stage *from, int64_t deep, ss_shape map, int64_t tall, int64_t broad);
/* Keeps words of which keep_row and keep_column (bytes, [map.h] and [map.w]) both say so. */
stage *make_filter(sim *sm, stage *from, int64_t deep, ss_shape map, const uint8_t *keep_row,
                   const uint8_t *keep_column);
/* Words of all inputs at once; registered: an ss_add, else wires. */
stage *make_together(sim *sm, stage **from, int32_t n, bool registered);
int64_t together_waited(const stage *s); /* cycles with a word of one input and none of another */
/* words[k] words of input k, then those of k + 1: ss_concat. */
stage *make_turns(sim *sm, stage **from, const int64_t *words, int32_t n);

/* One stream to n readers: out[n]. */
ss_status make_fork(sim *sm, stage *from, int32_t n, stage **out);

typedef struct window_shape {
    int64_t deep, h, w, kh, kw, sh, sw, pt, pl, ho, wo, rows;
    bool cache;
} window_shape;
stage *make_window(sim *sm, stage *from, const window_shape *p);

typedef struct engine_shape {
    int64_t steps, folds, latency, results;
    int64_t beats; /* of a fold; 0: those of sim->beats[layer] */
    int32_t layer;
} engine_shape;
stage *make_engine(sim *sm, stage *from, const engine_shape *p);
int64_t engine_busy(const stage *s);

typedef struct broadcast_shape {
    int64_t kernel, parts, streams; /* positions; parts of the kernel; lanes times parts */
    int64_t number, pixels, row;    /* it is one of so many that take pixels in turn (deal_of) */
    int64_t passes;                 /* lists of a pixel */
    int64_t steps, folds, beats;    /* beats: words of a fold's sums */
    int64_t keep;                   /* words of a list that go on */
    int64_t lists, queue, results;
    int32_t layer; /* sim->beats->layer[layer]: non-zeros of every word and stream */
} broadcast_shape;
stage *make_broadcast(sim *sm, stage *from, const broadcast_shape *p);
int64_t broadcast_busy(const stage *s); /* of the busiest stream */

/* ---- deal.c: pixels in turn ---- */

/* Whose a pixel is, of n, where a row has so many pixels (rtl/ss_turn.sv). */
static inline int64_t deal_of(int64_t pixel, int64_t row, int64_t n) {
    return (pixel + (row % 2 == 0 ? pixel / row : 0)) % n;
}
typedef struct deal_shape {
    int64_t words, row; /* words of a pixel; pixels of a row */
    int32_t n;
} deal_shape;
ss_status make_deal(sim *sm, stage *from, const deal_shape *p, stage **out); /* out[n] */
stage *make_gather(sim *sm, stage **from, const deal_shape *p);

/* ---- what waits ---- */

/* Lets the reader of a fork go on, in the window or in the FIFO of a join behind it. */
bool reader_helped(stage *branch);

/* A window whose next step depends on whether a word has come by cycle `at`, which is not known yet
 * (window.c). */
int64_t window_undecided(const stage *s); /* the cycle, or UNKNOWN */
void window_decide_no(stage *s);
bool stage_is_window(const stage *s);
/* Takes a word without a place for its windows yet; false: not known when, or no room. */
bool window_write_ahead(stage *s);
int64_t fifo_depth(const stage *s);
int64_t fifo_most(const stage *s);    /* words at once, so far */
int64_t fifo_deepest(const stage *s); /* words ahead of its reader in the order in which they were asked for */
/* The reader of a fork that the others wait for: it has not taken the present word. */
bool fork_waits_for(const stage *branch);

/* ---- beats.c ---- */

/* Beats of each fold of every crossbar window word: [layer][image] -> [words]. For a broadcast engine: non-zeros of
 * every channel that stream `part` of its lane has, [pixel][channel][part]; so many of them lie between a pixel and the next. */
typedef struct beats {
    ss_ctx *ctx;
    int64_t images;
    int32_t layers;
    struct beats_layer {
        int32_t node, tensor;
        int64_t streams, m;
        int64_t parts;  /* of a broadcast engine; else 0 */
        int64_t group;  /* channels of one */
        int64_t words;
        int64_t period; /* words of a pixel that are different in kind: 1, or channels times parts */
        uint16_t *data; /* [images][words], and room to read a group of lanes more */
    } * layer;
} beats;
ss_status beats_make(ss_ctx *ctx, const ss_sim_task *task, beats *b); /* layers are filled in already */
void beats_free(beats *b);

/* ---- build.c, run.c ---- */

typedef struct sim_node {
    int32_t node;
    stage *first[SS_MAX_INPUTS], *last; /* its outermost stages */
    int32_t n_first;
    stage *engine[SS_MOST_PIXELS]; /* side by side */
    int32_t n_engines;
    bool broadcast;               /* of that kind */
    stage *join;                  /* where all inputs' words meet, or NULL */
    stage *fifo[SS_MAX_INPUTS];   /* of a join, or NULL */
    int64_t lanes[SS_MAX_INPUTS], inside[SS_MAX_INPUTS]; /* elements a word before them, and in them */
    stage *branch[SS_MAX_INPUTS]; /* the reader of a fork that feeds it, or NULL */
    int64_t words;                /* an image, out */
    int64_t *ends;                /* [images]: cycle of the last word */
} sim_node;

struct sim {
    ss_ctx *ctx;
    ss_arena *arena;
    const ss_rtl *r;
    const ss_rtl_part *part;
    int64_t images;
    const beats *beats;
    stage **stages;
    int32_t n_stages, cap_stages;
    sim_node *nodes;
    int32_t n_nodes;
    stage **fifos; /* of all joins */
    int32_t n_fifos;
    stage *source, *sink;
    int64_t words_in, words_out;
    pace all;
    int32_t now;      /* node that is being built */
    bool failed;
    const stage *far; /* stands still for longer than its times can tell; NULL: none does */
    /* No stage takes a word that nobody waits for, and windows never go on with the next image: of what the
     * FIFOs of joins hold in this order, none could be less (size.c). */
    bool lazy;
    int64_t *starts; /* [images]: cycle of the first word in */
};

ss_status sim_build(sim *sm);
/* Moves everything out. SS_NO: deadlock, described in *why (arena). */
ss_status sim_run(sim *sm, ss_sim_partition *out);

/* ---- trial.c: the same partition on the side, otherwise ---- */

typedef struct trial {
    const ss_rtl *r;
    int32_t part;
    const beats *b;
    int64_t images;             /* the first of b's */
    const ss_rtl_depth *depths; /* in place of those of r, where they name the same */
    int32_t n;
    bool lazy;
    bool filled;                /* the interval is that behind the first sim_fill() images */
} trial;

/* A result; deepest: as of fifo_deepest. */
typedef struct trial_fifo {
    int32_t node, input;
    int64_t lanes, inside; /* elements a word on the input's stream, and in the FIFO */
    int64_t most, deepest; /* held */
} trial_fifo;
typedef struct trial_result {
    double interval; /* 0: one image */
    trial_fifo *fifos;
    int32_t n_fifos;
} trial_result;
/* SS_NO: a deadlock. The result lives in `a`. */
ss_status trial_run(const trial *x, ss_arena *a, trial_result *out);
/* Of so many images the first that only fill the pipeline. */
int64_t sim_fill(int64_t images);
/* Every FIFO of a join with room for two images: as if without end. */
ss_status trial_endless(const trial *x, ss_arena *a, ss_rtl_depth **depths, int32_t *n);

/* After a deadlock: the least depth of the FIFO *cure with which the first images flow; words 0: there is
 * none. */
ss_status sim_find_cure(const ss_rtl *r, int32_t part, const beats *b, ss_rtl_depth *cure);

/* ---- size.c ---- */

/* The least depths with which no data stops the partition, and those with which it keeps `within` of the
 * throughput of FIFOs without end: into the nodes' figures. */
ss_status sim_size(const ss_rtl *r, int32_t part, const beats *b, double within, ss_sim_partition *p);

/* ---- loss.c ---- */

ss_status sim_split_loss(const ss_rtl *r, int32_t part, const beats *b, ss_sim_partition *p);

#endif
