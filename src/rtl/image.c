/* Memory images: rows of packed elements as hexadecimal text, the highest digit first. Layouts:
 * docs/hardware.md. */
#include "base/share.h"
#include "rtl/gen.h"

#include <string.h>

/* ---- one row ---- */

typedef struct row {
    uint64_t *words; /* low bits first, one word more than needed */
    int64_t width;   /* bits */
} row;

static bool row_new(ss_ctx *ctx, row *r, int64_t width) {
    r->width = width;
    r->words = ss_alloc(ctx, (size_t)(width / 64) + 2, sizeof *r->words);
    return r->words != NULL;
}

static void row_put(row *r, int64_t bit, int bits, int64_t value) {
    uint64_t v = (uint64_t)value & (((uint64_t)1 << bits) - 1); /* bits <= 48 */
    int64_t at = bit / 64, shift = bit % 64;
    r->words[at] |= v << shift;
    if (shift + bits > 64) r->words[at + 1] |= v >> (64 - shift);
}

static char hex(uint64_t digit) {
    return (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
}

static void put_digits(ss_buf *out, const uint64_t *words, int64_t digits) {
    char text[256];
    size_t n = 0;
    for (int64_t d = digits - 1; d >= 0; d--) {
        text[n++] = hex(words[d / 16] >> (d % 16 * 4) & 15);
        if (n < sizeof text && d > 0) continue;
        ss_buf_add(out, text, n);
        n = 0;
    }
    ss_buf_add(out, "\n", 1);
}

/* Writes the row and empties it. */
static void row_end(row *r, ss_buf *out, ss_buf *load) {
    const int64_t words = ss_ceil_div(r->width, 64);
    if (out) put_digits(out, r->words, ss_ceil_div(r->width, 4));
    for (int64_t w = 0; load && w < words; w++) put_digits(load, r->words + w, 16);
    memset(r->words, 0, (size_t)words * sizeof *r->words);
}

static bool row_begin(const ss_rtl *g, row *r, int64_t width, ss_buf *out) {
    if (row_new(g->ctx, r, width)) return true;
    out->failed = true;
    return false;
}

/* ---- weights ---- */

/* Where a stream's weights of one (pass, step, fold) stand in the network's own order. */
typedef struct place {
    const ss_rtl_fold *f;
    const int16_t *weights; /* [filter][channel of the group][position] */
    int64_t pass, step, fold;
} place;

static int64_t weight(const place *p, int64_t stream, int64_t o, int64_t position) {
    const ss_rtl_fold *f = p->f;
    const int64_t g = stream / f->ci, c = stream % f->ci;
    const int64_t filter = (p->pass * f->gr + g) * f->fg + p->fold * f->co + o;
    if (p->fold * f->co + o >= f->fg) return 0;
    return p->weights[(filter * f->cg + p->step * f->ci + c) * f->k + position];
}

/* Folds within steps; steps within folds where lists are replayed. */
static void next_place(place *p) {
    const ss_rtl_fold *f = p->f;
    int64_t *inner = f->broadcast ? &p->step : &p->fold, *outer = f->broadcast ? &p->fold : &p->step;
    if (++*inner < (f->broadcast ? f->steps : f->folds)) return;
    *inner = 0;
    if (++*outer < (f->broadcast ? f->folds : f->steps)) return;
    *outer = 0;
    p->pass++;
}

static void dense_rows(const place *p, row *r, int bits, ss_buf *out, ss_buf *load) {
    const ss_rtl_fold *f = p->f;
    for (int64_t beat = 0; beat < f->beats; beat++) {
        int64_t bit = 0;
        for (int64_t i = 0; i < f->gr * f->ci; i++)
            for (int64_t o = 0; o < f->co; o++)
                for (int64_t x = 0; x < f->m; x++, bit += bits)
                    row_put(r, bit, bits, weight(p, i, o, beat * f->m + x));
        row_end(r, out, load);
    }
}

static void crossbar_row(const place *p, row *r, int bits, ss_buf *out, ss_buf *load) {
    const ss_rtl_fold *f = p->f;
    int64_t bit = 0;
    for (int64_t i = 0; i < f->gr * f->ci; i++)
        for (int64_t o = 0; o < f->co; o++)
            for (int64_t k = 0; k < f->k; k++, bit += bits) row_put(r, bit, bits, weight(p, i, o, k));
    row_end(r, out, load);
}

static void single_rows(const place *p, int64_t stream, row *r, int bits, ss_buf *out, ss_buf *load) {
    for (int64_t k = 0; k < p->f->k; k++) {
        for (int64_t o = 0; o < p->f->co; o++) row_put(r, o * bits, bits, weight(p, stream, o, k));
        row_end(r, out, load);
    }
}

/* Stream `stream` has its part of one lane's positions; after a fold's last word, rows of zeros if others have more. */
static void broadcast_rows(const place *p, int64_t stream, row *r, int bits, ss_buf *out, ss_buf *load) {
    const ss_rtl_fold *f = p->f;
    const int64_t lane = stream / f->m, part = stream % f->m;
    for (int64_t k = ss_share_first(part, p->step, f->k, f->m); k < f->k; k += f->m) {
        for (int64_t o = 0; o < f->co; o++) row_put(r, o * bits, bits, weight(p, lane, o, k));
        row_end(r, out, load);
    }
    if (p->step < f->steps - 1) return;
    int64_t rows = 0;
    for (int64_t s = 0; s < f->steps; s++) rows += ss_ceil_div(f->k - ss_share_first(part, s, f->k, f->m), f->m);
    for (; rows < ss_share_rows(f->steps, f->k, f->m); rows++) row_end(r, out, load);
}

void ss_rtl_weights(const ss_rtl *g, int32_t node, int64_t memory, ss_buf *out, ss_buf *load) {
    const ss_rtl_fold f = ss_rtl_fold_of(g, node);
    const int bits = g->q->bits;
    row r;
    if (!row_begin(g, &r, f.width, out ? out : load)) return;
    place p = { .f = &f, .weights = g->q->nodes[node].weights };
    for (int64_t n = f.passes * f.steps * f.folds; n > 0; n--, next_place(&p)) {
        if (f.broadcast) broadcast_rows(&p, memory, &r, bits, out, load);
        else if (!f.crossbar) dense_rows(&p, &r, bits, out, load);
        else if (f.m == 1) single_rows(&p, memory, &r, bits, out, load);
        else crossbar_row(&p, &r, bits, out, load);
    }
    ss_free(g->ctx, r.words);
}

/* ---- per channel ---- */

/* Result words come in ascending channels. */
void ss_rtl_bias(const ss_rtl *g, int32_t node, ss_buf *out) {
    const ss_rtl_fold f = ss_rtl_fold_of(g, node);
    const ss_qnode *q = &g->q->nodes[node];
    const int64_t lanes = f.lanes, channels = g->g->nodes[node].shape.c;
    row r;
    if (!row_begin(g, &r, lanes * q->acc_bits, out)) return;
    for (int64_t c = 0; c < channels; c += lanes) {
        for (int64_t l = 0; l < lanes; l++) row_put(&r, l * q->acc_bits, q->acc_bits, q->bias[c + l]);
        row_end(&r, out, NULL);
    }
    ss_free(g->ctx, r.words);
}

void ss_rtl_scale(const ss_rtl *g, int32_t node, int64_t lanes, ss_buf *out) {
    const ss_qnode *q = &g->q->nodes[node];
    row r;
    if (!row_begin(g, &r, lanes * SS_RTL_SCALE_BITS, out)) return;
    for (int64_t c = 0; c < q->n_mult; c += lanes) {
        for (int64_t l = 0; l < lanes; l++)
            row_put(&r, l * SS_RTL_SCALE_BITS, SS_RTL_SCALE_BITS,
                    (int64_t)q->shift[c + l] << SS_RTL_MULT_BITS | q->mult[c + l]);
        row_end(&r, out, NULL);
    }
    ss_free(g->ctx, r.words);
}

void ss_rtl_thresholds(const ss_rtl *g, int32_t node, int64_t lanes, ss_buf *out) {
    const ss_qnode *q = &g->q->nodes[node];
    row r;
    if (!row_begin(g, &r, lanes * g->q->bits, out)) return;
    for (int64_t c = 0; c < q->n_thr; c += lanes) {
        for (int64_t l = 0; l < lanes; l++) row_put(&r, l * g->q->bits, g->q->bits, q->thr[c + l]);
        row_end(&r, out, NULL);
    }
    ss_free(g->ctx, r.words);
}

bool ss_rtl_has_bias(const ss_rtl *g, int32_t node) {
    const ss_qnode *q = &g->q->nodes[node];
    for (int32_t f = 0; q->bias && f < g->g->nodes[node].shape.c; f++)
        if (q->bias[f] != 0) return true;
    return false;
}

bool ss_rtl_has_scale(const ss_rtl *g, int32_t node) {
    return g->q->nodes[node].n_mult > 1;
}

bool ss_rtl_has_thresholds(const ss_rtl *g, int32_t node) {
    return g->q->nodes[node].n_thr > 1;
}
