/* --depth: FIFOs of joins made another size. */
#include "rtl/rtl.h"

#include <stdlib.h>
#include <string.h>

#define DEEPEST (1 << 24)

static const ss_where option = { "depth", NULL, NULL };

/* A number below SS_MAX_INPUTS that fills from..to, else SS_MAX_INPUTS. */
static int32_t input_number(const char *from, const char *to) {
    int32_t k = from < to ? 0 : SS_MAX_INPUTS;
    for (; from < to && k < SS_MAX_INPUTS; from++)
        k = *from >= '0' && *from <= '9' ? 10 * k + (*from - '0') : SS_MAX_INPUTS;
    return k < SS_MAX_INPUTS ? k : SS_MAX_INPUTS;
}

/* "NODE" or "NODE:K"; names may hold colons themselves. */
static ss_status find_join(ss_ctx *ctx, const ss_graph *g, const char *text, size_t len, ss_rtl_depth *d) {
    const char *colon = NULL;
    for (size_t i = 0; i < len; i++)
        if (text[i] == ':') colon = text + i;
    d->node = d->input = -1;
    for (int32_t i = 0; i < g->n; i++) {
        const size_t n = strlen(g->nodes[i].name);
        const bool whole = n == len, part = colon && n == (size_t)(colon - text);
        if ((!whole && !part) || memcmp(g->nodes[i].name, text, n) != 0) continue;
        d->node = i;
        if (!whole) d->input = input_number(colon + 1, text + len);
    }
    const ss_node *node = d->node < 0 ? NULL : &g->nodes[d->node];
    if (node && (node->op == SS_OP_ADD || node->op == SS_OP_CONCAT) && d->input < node->n_in) return SS_OK;
    return ss_error(ctx, option, "name an add or a concat, as `skipstream check MODEL` lists them",
                    "the model has no join \"%.*s\" with a FIFO", (int)(len < 200 ? len : 200), text);
}

ss_status ss_rtl_depths(ss_ctx *ctx, const ss_graph *g, const char *text, ss_rtl_depth *out, int32_t *n) {
    ss_status s = SS_OK;
    for (*n = 0; text && *text;) {
        const size_t len = strcspn(text, ",");
        const char *equals = memchr(text, '=', len);
        char *end = NULL;
        const long long words = equals ? strtoll(equals + 1, &end, 10) : 0;
        if (!equals || end != text + len || words < 2 || words > DEEPEST)
            s = ss_error(ctx, option, "write NODE=N, N words from 2 on; several separated by commas",
                         "\"%.*s\" is no depth", (int)(len < 200 ? len : 200), text);
        else if (find_join(ctx, g, text, (size_t)(equals - text), &out[*n]) != SS_OK) s = SS_BAD;
        else out[(*n)++].words = words;
        text += len + (text[len] == ',');
    }
    return s;
}
