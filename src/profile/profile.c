/* The parts that every profile has: layout from the graph, look-up, release. See profile.h and build.h. */
#include "profile/build.h"

#include <math.h>
#include <string.h>

#define MAX_DIVISORS 1536 /* the most that a number below 2^31 has */

/* Any number of parts where they are few, divisors of k where they are many. */
static ss_status layout_parts(ss_profile *p, ss_layer_profile *l) {
    int32_t most = l->k < SS_PROFILE_MOST_STREAMS ? l->k : SS_PROFILE_MOST_STREAMS;
    int32_t *parts = ss_arena_alloc(p->arena, (size_t)most, sizeof *parts);
    if (!parts) return SS_BAD;
    for (int32_t n = 1; n <= most; n++)
        if (n <= SS_PROFILE_ANY_PARTS || l->k % n == 0) parts[l->n_parts++] = n;
    l->parts = parts;
    return SS_OK;
}

static ss_status layout_layer(ss_profile *p, const ss_graph *g, const ss_node *n, ss_layer_profile *l) {
    ss_shape in = ss_graph_in_shape(g, n);
    int64_t k = (int64_t)n->win.kh * n->win.kw, div[MAX_DIVISORS];
    char shape[40];
    if (k > SS_PROFILE_MAX_K) {
        ss_shape_text(in, shape);
        return ss_error(
            p->ctx, (ss_where){ n->name, n->onnx_op, shape }, "pool before the fully connected layer",
            "a window of %lld elements; profiles hold windows of up to %d", (long long)k, SS_PROFILE_MAX_K);
    }
    *l = (ss_layer_profile){
        .name = ss_arena_strdup(p->arena, n->name), .channels = in.c, .k = (int32_t)k, .groups = n->groups
    };
    l->n_ci = ss_divisors(in.c / n->groups, div, MAX_DIVISORS);
    int64_t *ci = ss_arena_alloc(p->arena, (size_t)l->n_ci, sizeof *ci);
    if (!l->name || !ci) return SS_BAD;
    memcpy(ci, div, (size_t)l->n_ci * sizeof *ci);
    l->ci = ci;
    return layout_parts(p, l);
}

static ss_status layout_relu(ss_profile *p, const ss_node *n, ss_relu_profile *r) {
    *r = (ss_relu_profile){ .name = ss_arena_strdup(p->arena, n->act.name),
                            .channels = n->shape.c,
                            .threshold = n->act.threshold };
    if (!r->name) return SS_BAD;
    if (!n->act.per_channel) return SS_OK;
    float *t = ss_arena_alloc(p->arena, (size_t)r->channels, sizeof *t);
    if (!t) return SS_BAD;
    memcpy(t, n->act.per_channel, (size_t)r->channels * sizeof *t);
    double sum = 0;
    for (int32_t c = 0; c < r->channels; c++) sum += (double)t[c];
    r->thresholds = t;
    r->threshold = (float)(sum / r->channels);
    return SS_OK;
}

static ss_status layout(ss_profile *p, const ss_graph *g) {
    size_t n = (size_t)g->n;
    p->layers = ss_arena_alloc(p->arena, n, sizeof *p->layers);
    p->relus = ss_arena_alloc(p->arena, n, sizeof *p->relus);
    if (!p->layers || !p->relus) return SS_BAD;
    for (int32_t i = 0; i < g->n; i++) {
        const ss_node *node = &g->nodes[i];
        if (node->op == SS_OP_CONV && layout_layer(p, g, node, &p->layers[p->n_layers++]) != SS_OK)
            return SS_BAD;
        if (node->act.on && layout_relu(p, node, &p->relus[p->n_relus++]) != SS_OK) return SS_BAD;
    }
    return SS_OK;
}

ss_profile *ss_profile_new(ss_ctx *ctx, const ss_graph *g, int bits) {
    ss_arena *arena = ss_arena_new(ctx);
    if (!arena) return NULL;
    ss_profile *p = ss_arena_alloc(arena, 1, sizeof *p);
    if (!p) {
        ss_arena_free(arena);
        return NULL;
    }
    *p = (ss_profile){ .ctx = ctx, .arena = arena, .model = ss_graph_hash(g), .bits = bits, .source = "" };
    if (layout(p, g) == SS_OK && ss_graph_orders(g, arena, &p->orders) == SS_OK &&
        ss_graph_shifts(g, arena, &p->shifts) == SS_OK)
        return p;
    ss_profile_free(p);
    return NULL;
}

void ss_profile_free(ss_profile *p) {
    if (p) ss_arena_free(p->arena);
}

bool ss_profile_alloc_hist(ss_profile *p, ss_layer_profile *l, double **hist, double **max_hist) {
    size_t bins = (size_t)l->k + 1;
    l->hist = *hist = ss_arena_alloc(p->arena, (size_t)l->channels * bins, sizeof **hist);
    l->max_hist = *max_hist = ss_arena_alloc(p->arena, (size_t)l->n_ci * bins, sizeof **max_hist);
    return *hist && *max_hist;
}

ss_list_stats *ss_profile_alloc_lists(ss_profile *p, ss_layer_profile *l) {
    ss_list_stats *lists = ss_arena_alloc(p->arena, (size_t)l->n_parts * (size_t)l->n_ci, sizeof *lists);
    l->lists = lists;
    return lists;
}

ss_status ss_profile_mean_layer(ss_profile *p, ss_layer_profile *to, const ss_layer_profile *a, const ss_layer_profile *b) {
    const size_t bins = (size_t)to->k + 1, n_lists = (size_t)to->n_parts * (size_t)to->n_ci;
    double *hist, *max_hist;
    ss_list_stats *lists = ss_profile_alloc_lists(p, to);
    if (!lists || !ss_profile_alloc_hist(p, to, &hist, &max_hist)) return SS_BAD;
    for (size_t i = 0; i < n_lists; i++) {
        const ss_list_stats *x = &a->lists[i], *y = &b->lists[i];
        for (int span = 0; span < SS_LIST_SPANS; span++) {
            lists[i].busiest[span] = (x->busiest[span] + y->busiest[span]) / 2;
            lists[i].compaction[span] = (x->compaction[span] + y->compaction[span]) / 2;
        }
        lists[i].word = (x->word + y->word) / 2;
    }
    for (size_t i = 0; i < (size_t)to->channels * bins; i++) hist[i] = (a->hist[i] + b->hist[i]) / 2;
    for (size_t i = 0; i < (size_t)to->n_ci * bins; i++) max_hist[i] = (a->max_hist[i] + b->max_hist[i]) / 2;
    to->windows = (a->windows + b->windows) / 2;
    to->zero_ratio = (a->zero_ratio + b->zero_ratio) / 2;
    return SS_OK;
}

ss_status ss_profile_copy_layer(ss_profile *p, ss_layer_profile *to, const ss_layer_profile *from) {
    return ss_profile_mean_layer(p, to, from, from); /* exact: halving is */
}

void ss_list_stats_settle(ss_list_stats *s, double share, double words, bool single) {
    double busiest = share, compaction = words;
    for (int span = SS_LIST_SPANS - 1; span >= 0; span--) {
        busiest = fmax(busiest, single ? fmin(words, s->busiest[span]) : s->busiest[span]);
        s->busiest[span] = busiest;
        s->compaction[span] = compaction = single ? words : fmax(fmax(compaction, s->compaction[span]), busiest);
    }
    s->word = single ? words : fmax(s->word, compaction);
}

double *ss_profile_alloc_ratios(ss_profile *p, ss_relu_profile *r) {
    double *z = ss_arena_alloc(p->arena, (size_t)r->channels, sizeof *z);
    r->channel_zero_ratio = z;
    return z;
}

ss_status ss_profile_set_source(ss_profile *p, const char *source) {
    const char *s = ss_arena_strdup(p->arena, source);
    if (!s) return SS_BAD;
    p->source = s;
    return SS_OK;
}

const ss_layer_profile *ss_profile_layer(const ss_profile *p, const char *conv) {
    for (int32_t i = 0; i < p->n_layers; i++)
        if (strcmp(p->layers[i].name, conv) == 0) return &p->layers[i];
    return NULL;
}

const double *ss_profile_max_hist(const ss_layer_profile *l, int64_t ci) {
    for (int32_t i = 0; i < l->n_ci; i++)
        if (l->ci[i] == ci) return l->max_hist + (size_t)i * ((size_t)l->k + 1);
    return NULL;
}

const ss_list_stats *ss_profile_lists(const ss_layer_profile *l, int64_t ci, int64_t parts) {
    if (ci * parts > SS_PROFILE_MOST_STREAMS) return NULL;
    for (int32_t p = 0; p < l->n_parts; p++)
        for (int32_t i = 0; l->parts[p] == parts && i < l->n_ci; i++)
            if (l->ci[i] == ci) return &l->lists[p * l->n_ci + i];
    return NULL;
}

double ss_profile_mean(const double *hist, int32_t k) {
    double sum = 0, weighted = 0;
    for (int32_t j = 0; j <= k; j++) {
        sum += hist[j];
        weighted += hist[j] * j;
    }
    return sum > 0 ? weighted / sum : 0;
}

double ss_profile_mean_nonzeros(const ss_layer_profile *l) {
    double sum = 0;
    for (int32_t c = 0; c < l->channels; c++)
        sum += ss_profile_mean(l->hist + (size_t)c * ((size_t)l->k + 1), l->k);
    return sum / l->channels;
}
