/* Windows: the times of ss_window_core and ss_window_scan, behind the sieve.
 *
 * The reader reads a column a cycle when it is there; a column that completes a window waits, and holds the
 * reader up, until the window before has left. The writer takes a word as soon as its place is free: the row
 * that was there is read no more, or the present row of windows is the last that needs it and has gone past.
 * Both go on only as far as they are asked to; a column is there a cycle after it was written.
 *
 * The one thing that a time alone does not decide: at the end of an image the reader looks whether enough of
 * the next one has come to go on with it, else it hands out the last windows alone (`passing`). Whether a
 * word has come by then may not be known yet, because it comes through a fork that waits for others: then the
 * window is undecided, see run.c. */
#include "sim/parts.h"

#define UNSET NEVER
#define BLOCKED (-2) /* as the time of a word: the writer waits for the reader */

typedef struct window {
    stage s;
    window_shape p;
    /* derived as in the module */
    int64_t step_new, early, late, skip, last_skip, first_step, final_step, ahead, row_words, need0;
    bool linear, lazy;
    /* reader's registers, see ss_window_scan */
    int64_t step, row, word, extra, slot, skip_now, first, at, addr;
    bool owed, pass, decided_no;
    int64_t image, q;  /* q: rows of windows that are done */
    int64_t plain;     /* so many columns from here on, one behind another, complete a window each: see find_plain */
    int64_t base;      /* needed_row of these */
    int64_t free_at;   /* earliest cycle of the next read */
    int64_t held;      /* when the column that completes the next window was read, or UNKNOWN */
    int64_t undecided; /* cycle of the decision, or UNKNOWN */
    /* writer */
    int64_t written, y, x,
        gives_row;       /* y, x: of the next word; gives_row: rows of windows that must be done before it */
    int64_t gives_first; /* first row that row of windows gives_row needs */
    int64_t gives_in_image;
    ring came;       /* of written words */
    ring ended;      /* cycle of the last read of each row of windows */
    int64_t *passed; /* [rows of the ring][row_words]: when the reader was past that address */
} window;

/* ---- writer ---- */

static int64_t *passed_row(const window *w, int64_t q) {
    return w->passed + (q & w->ended.mask) * w->row_words;
}

/* From when the next word has a place; BLOCKED: not before the reader has gone on. */
static int64_t room(const window *w) {
    if (w->gives_row == 0) return 0;
    const int64_t q = w->gives_row - 1;
    if (q > w->q) return BLOCKED;
    const int64_t past = passed_row(w, q)[w->x];
    if (q == w->q) return past == UNSET ? BLOCKED : past;
    return smaller(past, ring_get(&w->ended, q) + 1);
}

/* Which row of windows is the first that needs nothing of the bank that row y is written to. */
static void next_written_row(window *w) {
    while (w->gives_first + w->p.rows - w->p.pt <= w->y) {
        w->gives_row++;
        if (++w->gives_in_image == w->p.ho) {
            w->gives_in_image = 0;
            w->gives_first += w->p.h - (w->p.ho - 1) * w->p.sh;
        } else w->gives_first += w->p.sh;
    }
}

/* n words, of one row. */
static void wrote(window *w, int64_t n) {
    w->written += n;
    w->x += n;
    if (w->x < w->row_words) return;
    w->x = 0;
    w->y++;
    next_written_row(w);
}

/* The time, UNKNOWN or BLOCKED. */
static int64_t write_one(window *w) {
    if (w->s.busy) {
        refuse(&w->s);
        return UNKNOWN;
    }
    const int64_t ready = room(w);
    if (ready < 0) return ready;
    w->s.busy = true;
    const int64_t v = pull(w->s.from);
    w->s.busy = false;
    if (v < 0) return UNKNOWN;
    const int64_t t = take_when(&w->s, v, ready);
    ring_set(&w->came, w->written, t);
    wrote(w, 1);
    return t;
}

/* Of the next words of the row being written, how many are written as they come. */
static int64_t window_room(stage *s, int64_t n) {
    const window *w = (const window *)s;
    const int64_t q = w->gives_row - 1, *past = passed_row(w, q) + w->x;
    if (s->busy || q > w->q) return 0;
    n = smaller(n, w->row_words - w->x);
    const int64_t ended = q < 0 ? 0 : q < w->q ? ring_get(&w->ended, q) + 1 : NEVER;
    if (ended <= s->last_in + 1 || (w->linear && n > 0 && past[n - 1] <= s->last_in + 1)) return n;
    int64_t fit = later(s->fits - s->in, 0);
    while (fit < n && smaller(past[fit], ended) <= s->last_in + 1 + fit) fit++;
    s->fits = s->in + fit;
    return smaller(fit, n);
}

static void window_took(stage *s, int64_t n, const int64_t *t) {
    window *w = (window *)s;
    ring_put(&w->came, w->written, n, t);
    came_in(s, n, t);
    wrote(w, n);
}

static int64_t write_some(window *w) {
    int64_t t[RUN], n = w->s.single ? 0 : window_room(&w->s, RUN);
    if (n < 2) return write_one(w);
    w->s.busy = true;
    n = run_from(w->s.from, n, t);
    w->s.busy = false;
    if (n < 0) return UNKNOWN;
    window_took(&w->s, n, t);
    return t[n - 1];
}

/* Writes word i and those before it. The time of the last, UNKNOWN or BLOCKED. */
static int64_t write_up_to(window *w, int64_t i) {
    int64_t t = 0;
    while (w->written <= i && t >= 0) t = write_some(w);
    return t;
}

/* When word i came; UNKNOWN, BLOCKED. */
static inline int64_t when_came(window *w, int64_t i) {
    if (w->written <= i) {
        const int64_t t = write_up_to(w, i);
        if (t < 0) return t;
    }
    return ring_get(&w->came, i);
}

/* ---- reader ---- */

/* First word of the last row that the present row of windows needs. */
static int64_t needed_row(const window *w) {
    const int64_t row = smaller(w->row * w->p.sh + w->need0, w->p.h - 1);
    return (w->image * w->p.h + row) * w->row_words;
}

/* Does the next image go on, at cycle r? 1, 0, or UNKNOWN. */
static int64_t fits(window *w, int64_t r) {
    w->undecided = UNKNOWN;
    if (w->lazy) return 0;
    if (w->decided_no) {
        w->decided_no = false;
        return 0;
    }
    const int64_t t = when_came(w, needed_row(w) + w->ahead - 1);
    if (t == UNKNOWN && w->s.from->dry) return 0;
    if (t == UNKNOWN) w->undecided = r;
    return t == UNKNOWN ? UNKNOWN : t != BLOCKED && t < r;
}

static void past(window *w, int64_t from, int64_t to, int64_t t) {
    int64_t *row = passed_row(w, w->q);
    for (int64_t a = from; a < to && a < w->row_words; a++)
        if (row[a] == UNSET) row[a] = t;
}

static void begin_row(window *w) {
    int64_t *row = passed_row(w, w->q);
    for (int64_t a = 0; a < w->row_words; a++) row[a] = UNSET;
}

static void end_row(window *w, int64_t r) {
    ring_set(&w->ended, w->q++, r);
    if (++w->row == w->p.ho) {
        w->row = 0;
        w->image++;
        w->owed = w->early > 0;
    }
    begin_row(w);
}

/* The last slot of the last word of a step was read at r. */
static void end_step(window *w, int64_t r) {
    const window_shape *p = &w->p;
    const bool row_end = w->step == w->final_step,
               early_end = w->step >= p->wo - w->early && w->step == p->wo - 1;
    const bool rewind = early_end && w->pass, again = row_end || rewind;
    int64_t stride = p->sw * p->deep;
    if (w->late > 0 && w->step == 0)
        stride = ((w->late + 1) * p->sw - (w->early == 0 ? w->skip : 0)) * p->deep;
    else if (w->skip_now > p->sw) stride = 0;
    else if (w->skip_now != 0) stride = (p->sw - w->last_skip) * p->deep;
    if (!w->linear && !w->pass) past(w, w->first, w->first + stride, r + 1);
    w->skip_now = again ? w->skip : w->skip_now > p->sw ? w->skip_now - p->sw : 0;
    w->slot = w->skip_now;
    w->first = again ? 0 : w->first + stride;
    w->at = w->addr = w->first;
    if (early_end) {
        w->owed = false;
        w->pass = false;
    }
    w->step = rewind ? w->first_step : w->step == p->wo - 1 ? 0 : w->step + 1;
    if (row_end) end_row(w, r);
}

/* A column was read at r. */
static void move_on(window *w, int64_t r) {
    const bool slot_end = w->slot == w->step_new - 1;
    const int64_t rounds = w->step == 0 ? w->late : 0;
    if (w->linear && !w->pass && w->addr < w->row_words) passed_row(w, w->q)[w->addr] = r + 1;
    if (!slot_end) {
        w->slot++;
        w->addr += w->p.deep;
        return;
    }
    if (w->extra < rounds) {
        w->extra++;
        w->slot = 0;
        w->addr += w->p.deep;
        return;
    }
    w->extra = 0;
    if (++w->word < w->p.deep) {
        w->slot = w->skip_now;
        w->addr = ++w->at;
        return;
    }
    w->word = 0;
    end_step(w, r);
}

/* Does the present column complete a window? */
static bool completes(const window *w) {
    if (w->slot != w->step_new - 1) return false;
    if (w->step >= w->p.wo - w->early) return w->row != 0 || w->owed;
    return w->extra == (w->step == 0 ? w->late : 0);
}

/* When the next column can be read, or UNKNOWN. */
static int64_t column_time(window *w) {
    const int64_t r = w->free_at;
    if (w->owed && !w->pass && w->step == w->first_step && w->word == 0 && w->slot == w->skip) {
        const int64_t go_on = fits(w, r);
        if (go_on < 0) return UNKNOWN;
        w->pass = !go_on;
    }
    if (w->pass) return r;
    const int64_t t = when_came(w, needed_row(w) + smaller(w->addr, w->row_words - 1));
    return t < 0 ? UNKNOWN : later(r, t + 1);
}

/* Behind the first column of a row of windows or of a stretch of them: where every column is one window's, the next ones up to the
 * last of the stretch are all alike, and nothing but the time is followed; the registers are set to that last one. */
static void find_plain(window *w) {
    const bool early = w->step >= w->p.wo - w->early;
    if (!w->linear || w->pass || w->skip_now > 0 || w->p.sw > 1 || !completes(w)) return;
    const int64_t steps = (early ? w->p.wo - 1 : w->final_step) - w->step;
    const int64_t columns = (steps + 1) * w->p.deep - w->word - 1;
    if (columns < 1 || w->addr + columns >= w->row_words) return;
    w->plain = columns;
    w->base = needed_row(w);
    w->step += steps;
    w->word = w->p.deep - 1;
    w->first += steps * w->p.deep;
    w->at = w->first + w->word;
}

static bool plain_column(window *w) {
    const int64_t came = when_came(w, w->base + w->addr);
    if (came < 0) return false;
    w->held = later(w->free_at, came + 1);
    w->free_at = w->held + 1;
    passed_row(w, w->q)[w->addr++] = w->free_at;
    w->plain--;
    w->s.all->changed++;
    return true;
}

static bool window_accept(stage *s) {
    window *w = (window *)s;
    if (w->held >= 0) return false;
    if (w->plain > 0) return plain_column(w);
    for (;;) {
        const int64_t r = column_time(w);
        if (r < 0) return false;
        const bool complete = completes(w);
        move_on(w, r);
        w->s.all->changed++;
        w->free_at = r + 1;
        if (!complete) continue;
        w->held = r;
        if (w->word > 0 || w->step != w->first_step) find_plain(w);
        return true;
    }
}

static int64_t window_front(stage *s) {
    window *w = (window *)s;
    if (w->held < 0 && !window_accept(s)) return UNKNOWN;
    w->free_at = later(w->held + 1, s->last);
    w->held = UNKNOWN;
    return w->free_at + 1;
}

/* Columns that complete a window each. */
static int64_t window_known(stage *s, int64_t n, int64_t *from) {
    window *w = (window *)s;
    const int64_t first = w->base + w->addr;
    if (w->held >= 0 || w->plain == 0) return 0;
    n = smaller(n, w->plain);
    while (w->written < first + n && when_came(w, later(w->written, first)) >= 0) {
    }
    n = smaller(n, w->written - first);
    if (n <= 0) return UNKNOWN;
    const int64_t *const came = ring_span(&w->came, first, n, from);
    for (int64_t i = 0; i < n; i++) from[i] = came[i] + 2;
    *from = later(*from, w->free_at + 1);
    return n;
}

static void window_left(stage *s, int64_t n, const int64_t *from, const int64_t *t) {
    window *w = (window *)s;
    times_passed(n, from, t, s->last, passed_row(w, w->q) + w->addr);
    w->free_at = later(from[n - 1], n > 1 ? t[n - 2] : s->last);
    w->addr += n;
    w->plain -= n;
    wait_out(s, n, from, t);
}

static int64_t window_run(stage *s, int64_t n, int64_t *t) {
    const window *w = (const window *)s;
    int64_t moved = 0, some = 1;
    for (; moved < n && some > 0; moved += some > 0 ? some : 0) {
        if (w->held < 0 && w->plain > 0) some = run_known(s, n - moved, t + moved);
        else some = run_fronts(s, 1, t + moved, window_front, taken_nothing);
    }
    return moved > 0 ? moved : UNKNOWN;
}

static const kind window_kind = {
    .name = "window", .known = window_known, .left = window_left, .front = window_front, .accept = window_accept, .taken = taken_nothing, .run = window_run,
    .room = window_room, .took = window_took
};

bool stage_is_window(const stage *s) {
    return s->ops == &window_kind;
}
int64_t window_undecided(const stage *s) {
    return ((const window *)s)->undecided;
}

void window_decide_no(stage *s) {
    window *w = (window *)s;
    w->undecided = UNKNOWN;
    w->decided_no = true;
    s->all->changed++;
}

bool window_write_ahead(stage *s) {
    return write_some((window *)s) >= 0;
}

static void derive(window *w) {
    const window_shape *p = &w->p;
    w->step_new = p->cache && p->sw < p->kw && p->wo > 1 && p->w + p->pl >= p->kw ? p->sw : p->kw;
    const int64_t keep = p->kw - w->step_new;
    const int64_t preload = keep > p->pl ? ss_ceil_div(keep - p->pl, p->sw) : 0;
    const int64_t cover = ss_ceil_div(p->w + p->pl - keep, p->sw), idle = p->wo > cover ? p->wo - cover : 0;
    w->early = smaller(preload, idle);
    w->late = preload - w->early;
    w->skip = keep > 0 ? p->pl + preload * p->sw - keep : p->pl;
    w->last_skip = w->skip > 0 ? (w->skip - 1) % p->sw + 1 : 0;
    w->first_step = w->early > 0 ? p->wo - w->early : 0;
    w->final_step = p->wo - w->early - 1;
    w->linear = w->step_new == 1 && w->late == 0;
    w->ahead = w->early > 0 ? (w->early * p->sw - w->skip) * p->deep : 0;
    w->row_words = p->w * p->deep;
    w->need0 = p->kh - 1 - p->pt;
}

/* p: the map and the strides behind the sieve. */
static stage *make_core(sim *sm, stage *from, const window_shape *p) {
    window *w = (window *)stage_new(sm, &window_kind, sizeof *w, from);
    if (!w) return NULL;
    w->p = *p;
    w->lazy = sm->lazy;
    derive(w);
    const int64_t rows = p->rows + 3; /* the writer is so many ahead of the reader at most, and the reader of it as many rows of windows */
    if (!ring_make(sm, &w->ended, rows) || !ring_make(sm, &w->came, rows * w->row_words)) return NULL;
    w->passed =
        ss_arena_alloc(sm->arena, (size_t)(w->ended.mask + 1), (size_t)w->row_words * sizeof *w->passed);
    sm->failed = !w->passed;
    if (!w->passed) return NULL;
    w->step = w->first_step;
    w->slot = w->skip_now = w->skip;
    w->held = w->undecided = UNKNOWN;
    begin_row(w);
    next_written_row(w);
    return &w->s;
}

/* Does any window cover position i of an axis? */
static bool covered(int64_t i, int64_t kernel, int64_t stride, int64_t pad, int64_t out) {
    return (stride <= kernel || (i + pad) % stride < kernel) && i < (out - 1) * stride - pad + kernel;
}

stage *make_window(sim *sm, stage *from, const window_shape *p) {
    if (p->kh == 1 && p->kw == 1 && p->sh == 1 && p->sw == 1) return from;
    window_shape kept = *p;
    uint8_t *rows = ss_arena_alloc(sm->arena, (size_t)p->h, 1),
            *columns = ss_arena_alloc(sm->arena, (size_t)p->w, 1);
    if (!rows || !columns) {
        sm->failed = true;
        return NULL;
    }
    kept.h = kept.w = 0;
    for (int64_t i = 0; i < p->h; i++) kept.h += rows[i] = covered(i, p->kh, p->sh, p->pt, p->ho);
    for (int64_t i = 0; i < p->w; i++) kept.w += columns[i] = covered(i, p->kw, p->sw, p->pl, p->wo);
    kept.sh = smaller(p->sh, p->kh);
    kept.sw = smaller(p->sw, p->kw);
    const ss_shape map = { .c = 0, .h = (int32_t)p->h, .w = (int32_t)p->w };
    if (kept.h != p->h || kept.w != p->w) from = make_filter(sm, from, p->deep, map, rows, columns);
    return sm->failed ? NULL : make_core(sm, from, &kept);
}
