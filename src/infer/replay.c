/* See replay.h. The waists are chosen by dynamic programming over the chain of waists: the expected work of a run is the
 * sum over ReLUs of the multiplications behind the last kept waist before it. */
#include "infer/replay.h"

#include "infer/ops.h"

#include <string.h>

typedef struct waist {
    int32_t node;
    size_t bytes;    /* of one image's tensor, slack included */
    char *kept;      /* [images][bytes], or NULL */
    bool valid;
} waist;

struct ss_replay {
    ss_ctx *ctx;
    ss_engine *e;
    const ss_graph *g;
    const ss_dataset *d;
    const ss_norm *norm;
    waist *waists; /* ascending, those that are kept */
    int32_t n;
    int64_t total;
};

/* ---- which waists ---- */

static bool is_waist(const ss_graph *g, int32_t node) {
    for (int32_t i = node + 1; i < g->n; i++)
        for (int32_t k = 0; k < g->nodes[i].n_in; k++)
            if (g->nodes[i].in[k] < node) return false;
    return node != g->output;
}

size_t ss_waist_bytes(const ss_graph *g, int32_t node, size_t element) {
    ss_shape s = g->nodes[node].shape;
    size_t bytes = (size_t)s.h * (size_t)s.w * (size_t)ss_stride(s.c) * element + SS_TENSOR_SLACK;
    return (bytes + 63) / 64 * 64;
}

/* Multiplications of a run that begins behind `node`; -1: with the image. */
static double work_behind(const ss_graph *g, int32_t node) {
    double macs = 0;
    for (int32_t i = node + 1; i < g->n; i++) macs += (double)ss_node_macs(g, &g->nodes[i]);
    return macs;
}

/* What keeping `node` saves when `before` is the last waist kept before it and `next` the first behind it. */
static double saving(const ss_graph *g, int32_t before, int32_t node, int32_t next) {
    double changes = 0;
    for (int32_t i = node + 1; i < g->n && i <= next; i++) changes += g->nodes[i].act.on;
    return changes * (work_behind(g, before) - work_behind(g, node));
}

/* Of the waists not yet kept, the one that saves the most for its bytes, of those that take no more than `room` bytes an image;
 * -1: none. */
static int32_t best_waist(const ss_graph *g, size_t element, const bool *kept, size_t room) {
    int32_t best = -1, before = -1;
    double most = 0;
    for (int32_t i = 0; i < g->n; i++) {
        if (kept[i]) before = i;
        size_t bytes = ss_waist_bytes(g, i, element);
        if (kept[i] || !is_waist(g, i) || bytes > room) continue;
        int32_t next = i + 1;
        while (next < g->n && !kept[next]) next++;
        double rate = saving(g, before, i, next) / (double)bytes;
        if (rate > most) {
            most = rate;
            best = i;
        }
    }
    return best;
}

int64_t ss_waists_choose(const ss_graph *g, int64_t images, size_t element, int64_t memory, bool *kept) {
    int64_t total = 0;
    for (int32_t i; (i = best_waist(g, element, kept, (size_t)(memory - total) / (size_t)images)) >= 0;) {
        kept[i] = true;
        total += (int64_t)ss_waist_bytes(g, i, element) * images;
    }
    return total;
}

static ss_status choose(ss_replay *r, int64_t memory) {
    const ss_graph *g = r->g;
    bool *kept = ss_alloc(r->ctx, (size_t)g->n, sizeof *kept);
    r->waists = ss_alloc(r->ctx, (size_t)g->n, sizeof *r->waists);
    if (!kept || !r->waists) {
        ss_free(r->ctx, kept);
        return SS_BAD;
    }
    r->total = ss_waists_choose(g, r->d->n, sizeof(int16_t), memory, kept);
    ss_status s = SS_OK;
    for (int32_t i = 0; i < g->n; i++) {
        if (!kept[i]) continue;
        waist *w = &r->waists[r->n++];
        *w = (waist){ .node = i, .bytes = ss_waist_bytes(g, i, sizeof(int16_t)) };
        w->kept = ss_alloc_aligned(r->ctx, (size_t)r->d->n, w->bytes);
        if (!w->kept) s = SS_BAD;
    }
    ss_free(r->ctx, kept);
    return s;
}

ss_status ss_replay_new(ss_ctx *ctx, ss_engine *e, const ss_graph *g, const ss_dataset *d, const ss_norm *norm,
                        int64_t memory, ss_replay **out) {
    *out = NULL;
    ss_replay *r = ss_alloc(ctx, 1, sizeof *r);
    if (!r) return SS_BAD;
    *r = (ss_replay){ .ctx = ctx, .e = e, .g = g, .d = d, .norm = norm };
    if (choose(r, memory) == SS_OK) {
        *out = r;
        return SS_OK;
    }
    ss_replay_free(r);
    return SS_BAD;
}

void ss_replay_free(ss_replay *r) {
    if (!r) return;
    for (int32_t i = 0; i < r->n; i++) ss_free_aligned(r->ctx, r->waists[i].kept);
    ss_free(r->ctx, r->waists);
    ss_free(r->ctx, r);
}

const ss_dataset *ss_replay_data(const ss_replay *r) { return r->d; }

int64_t ss_replay_bytes(const ss_replay *r) { return r->total; }

/* ---- runs ---- */

static const waist *last_before(const ss_replay *r, int32_t changed) {
    const waist *found = NULL;
    for (int32_t i = 0; i < r->n && r->waists[i].node < changed && r->waists[i].valid; i++) found = &r->waists[i];
    return found;
}

int32_t ss_replay_start(const ss_replay *r, int32_t changed) {
    const waist *w = last_before(r, changed);
    return w ? w->node + 1 : 0;
}

typedef struct range {
    ss_replay *r;
    const waist *from;
    int64_t first; /* image */
    bool keep;
    const ss_run_opts *next;
} range;

static const int16_t *resume(void *user, int64_t image) {
    const range *k = user;
    return (const int16_t *)(void *)(k->from->kept + (size_t)(k->first + image) * k->from->bytes);
}

static void observe(void *user, int thread, int64_t image, int32_t node, ss_view v) {
    const range *k = user;
    image += k->first;
    for (int32_t i = 0; k->keep && i < k->r->n; i++) {
        waist *w = &k->r->waists[i];
        if (w->node != node) continue;
        memcpy(w->kept + (size_t)image * w->bytes, v.data, w->bytes - SS_TENSOR_SLACK);
    }
    if (k->next && k->next->observer) k->next->observer(k->next->observer_user, thread, image, node, v);
}

ss_status ss_replay_run(ss_replay *r, int32_t changed, int64_t first, int64_t end, bool keep, const ss_run_opts *opts,
                        float *scores) {
    range k = { r, last_before(r, changed), first, keep, opts };
    ss_run_opts run = opts ? *opts : (ss_run_opts){ 0 };
    const ss_dataset part = ss_dataset_part(r->d, first, end);
    if (k.from) {
        run.resume = resume;
        run.resume_user = &k;
        run.resume_after = k.from->node;
    }
    if (keep || run.observer) {
        run.observer = observe;
        run.observer_user = &k;
    }
    if (keep) {
        for (int32_t i = 0; i < r->n; i++)
            if (r->waists[i].node >= changed) r->waists[i].valid = false;
    }
    ss_status s = ss_engine_run(r->ctx, r->e, &part, r->norm, &run, scores);
    for (int32_t i = 0; keep && s == SS_OK && i < r->n; i++)
        if (r->waists[i].node >= ss_replay_start(r, changed)) r->waists[i].valid = true;
    return s;
}
