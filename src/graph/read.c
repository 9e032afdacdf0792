/* Text form of a graph, reading side; the format is described in dump.c.
 *
 * A recursive-descent reader over one NUL-terminated text, one function for each field. The text is hostile until
 * proven otherwise: numbers are bounded, counts are compared with the text that is left before anything of that size is
 * allocated, shapes are inferred anew, and the finished graph is verified. Reading stops at the first line that is
 * wrong, since what follows refers to it. */
#include "graph/graph.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    ss_ctx *ctx;
    ss_graph *g;
    const char *name;  /* of the text, for messages */
    const char *at, *end;
    int line;
    bool failed;       /* one message is enough */
    bool weights;      /* the text says that it holds them */
    bool done;         /* the output line was read */
} reader;

/* ---- tokens ---- */

static bool fail(reader *r, const char *want) {
    if (r->failed) return false;
    r->failed = true;
    char place[300], found[24];
    size_t n = 0;
    for (; n < 16 && r->at + n < r->end && r->at[n] != '\n'; n++)
        found[n] = r->at[n] >= 0x20 && r->at[n] < 0x7f ? r->at[n] : '?'; /* it may end on a terminal */
    found[n] = '\0';
    snprintf(place, sizeof place, "%.260s:%d", r->name, r->line);
    ss_error(r->ctx, SS_AT(place), "write the dump again", "expected %s, found \"%s\"", want,
             n ? found : "end of line");
    return false;
}

static void skip_blanks(reader *r) {
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r') r->at++;
    if (*r->at == '#')
        while (*r->at && *r->at != '\n') r->at++;
}

static bool at_line_end(reader *r) {
    skip_blanks(r);
    return *r->at == '\n' || *r->at == '\0';
}

static bool take(reader *r, char c) {
    if (*r->at != c) return false;
    r->at++;
    return true;
}

static bool expect(reader *r, char c) {
    const char want[] = { '\'', c, '\'', '\0' };
    return take(r, c) || fail(r, want);
}

static bool is_word_char(char c) { return (c >= 'a' && c <= 'z') || c == '_' || c == '.'; }

/* A lower-case word; false when there is none or it is too long. */
static bool word(reader *r, char out[24]) {
    size_t n = 0;
    skip_blanks(r);
    while (is_word_char(r->at[n]) && n < 23) n++;
    if (n == 0 || is_word_char(r->at[n])) return fail(r, "a word");
    memcpy(out, r->at, n);
    out[n] = '\0';
    r->at += n;
    return true;
}

static bool keyword(reader *r, const char *want) {
    size_t n = strlen(want);
    skip_blanks(r);
    if (strncmp(r->at, want, n) != 0 || is_word_char(r->at[n])) return fail(r, want);
    r->at += n;
    return true;
}

static bool integer(reader *r, int32_t *out) {
    bool minus = r->at[0] == '-';
    if (r->at[minus] < '0' || r->at[minus] > '9') return fail(r, "an integer");
    char *end;
    errno = 0;
    long long v = strtoll(r->at, &end, 10);
    if (errno || v < INT32_MIN || v > INT32_MAX) return fail(r, "an integer of 32 bits");
    *out = (int32_t)v;
    r->at = end;
    return true;
}

static bool real(reader *r, float *out) {
    bool starts = (*r->at >= '0' && *r->at <= '9') || *r->at == '-' || *r->at == '.' || *r->at == 'i';
    char *end;
    float v = starts ? strtof(r->at, &end) : 0;
    if (!starts || end == r->at) return fail(r, "a number");
    *out = v;
    r->at = end;
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a quoted string, escapes resolved; 0 when it is none (a NUL cannot be part of a name). */
static char string_char(reader *r) {
    char c = *r->at;
    if ((unsigned char)c < 0x20) return 0;
    r->at++;
    if (c != '\\') return c;
    if (!take(r, 'x')) return 0;
    int hi = hex_digit(r->at[0]), lo = hi < 0 ? -1 : hex_digit(r->at[1]);
    if (lo < 0) return 0;
    r->at += 2;
    return (char)(16 * hi + lo);
}

static bool string(reader *r, const char **out) {
    skip_blanks(r);
    if (!expect(r, '"')) return false;
    const char *start = r->at;
    while (*start && *start != '"' && *start != '\n') start++;
    char *s = ss_arena_alloc(r->g->arena, (size_t)(start - r->at) + 1, 1); /* escapes only make it shorter */
    if (!s) return r->failed = true, false;
    *out = s;
    while (*r->at != '"') {
        char c = string_char(r);
        if (!c) return fail(r, "the rest of a string");
        *s++ = c;
    }
    r->at++;
    return true;
}

/* ---- fields of a node ---- */

static bool take_onnx(reader *r, ss_node *n) { return string(r, &n->onnx_op); }
static bool take_groups(reader *r, ss_node *n) { return integer(r, &n->groups); }
static bool take_fc(reader *r, ss_node *n) { return (void)r, n->fc = true; }
static bool take_count_pad(reader *r, ss_node *n) { return (void)r, n->count_pad = true; }

static bool take_in(reader *r, ss_node *n) {
    do {
        if (n->n_in == SS_MAX_INPUTS) return fail(r, "no more than 16 inputs");
        if (!integer(r, &n->in[n->n_in++])) return false;
    } while (take(r, ','));
    return true;
}

static bool pair(reader *r, char between, int32_t *a, int32_t *b) {
    return integer(r, a) && expect(r, between) && integer(r, b);
}

static bool take_shape(reader *r, ss_node *n) {
    return pair(r, 'x', &n->shape.c, &n->shape.h) && expect(r, 'x') && integer(r, &n->shape.w);
}

static bool take_kernel(reader *r, ss_node *n) { return pair(r, 'x', &n->win.kh, &n->win.kw); }
static bool take_stride(reader *r, ss_node *n) { return pair(r, 'x', &n->win.sh, &n->win.sw); }
static bool take_channels(reader *r, ss_node *n) { return pair(r, ',', &n->pad_before, &n->pad_after); }

static bool take_pad(reader *r, ss_node *n) {
    return pair(r, ',', &n->win.pt, &n->win.pl) && expect(r, ',') && pair(r, ',', &n->win.pb, &n->win.pr);
}

static bool take_act(reader *r, ss_node *n) {
    n->act.on = true;
    n->act.ceiling = INFINITY;
    return string(r, &n->act.name);
}

static bool take_threshold(reader *r, ss_node *n) {
    return (n->act.on || fail(r, "act before it")) && real(r, &n->act.threshold);
}

static bool take_ceiling(reader *r, ss_node *n) {
    return (n->act.on || fail(r, "act before it")) && real(r, &n->act.ceiling);
}

static bool take_thresholds(reader *r, ss_node *n) {
    /* The shape stands in front, and a number takes two characters with its comma: no list is longer than the text. */
    if (!n->act.on || n->shape.c < 1 || n->shape.c > r->end - r->at) return fail(r, "act and shape before it");
    float *t = ss_arena_alloc(r->g->arena, (size_t)n->shape.c, sizeof *t);
    if (!t) return r->failed = true, false;
    for (int32_t c = 0; c < n->shape.c; c++)
        if ((c && !expect(r, ',')) || !real(r, &t[c])) return false;
    n->act.per_channel = t;
    return true;
}

static const struct field {
    const char *key;
    bool flag; /* no value */
    bool (*take)(reader *r, ss_node *n);
} fields[] = {
    { "onnx", false, take_onnx },         { "in", false, take_in },
    { "shape", false, take_shape },       { "kernel", false, take_kernel },
    { "stride", false, take_stride },     { "pad", false, take_pad },
    { "groups", false, take_groups },     { "channels", false, take_channels },
    { "fc", true, take_fc },              { "count_pad", true, take_count_pad },
    { "act", false, take_act },           { "threshold", false, take_threshold },
    { "ceiling", false, take_ceiling },   { "thresholds", false, take_thresholds },
};

#define N_FIELDS (sizeof fields / sizeof fields[0])

static bool field(reader *r, ss_node *n, uint32_t *seen) {
    char key[24];
    if (!word(r, key)) return false;
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (strcmp(fields[i].key, key) != 0) continue;
        if (*seen >> i & 1) return fail(r, "each field once");
        *seen |= 1u << i;
        return (fields[i].flag || expect(r, '=')) && fields[i].take(r, n);
    }
    return fail(r, "the value of a known field");
}

/* ---- lines ---- */

static bool operator_name(reader *r, ss_op *op) {
    char name[24];
    if (!word(r, name)) return false;
    for (int i = 0; i < SS_OP_COUNT; i++)
        if (strcmp(ss_op_name((ss_op)i), name) == 0) return *op = (ss_op)i, true;
    return fail(r, "a known operator");
}

/* Inference needs the number of filters and the input's shape, which the line states; the rest must agree with it. */
static bool shape_agrees(reader *r, ss_node *n) {
    ss_shape stated = n->shape;
    if (ss_graph_infer_shape(r->g, n) != SS_OK) return r->failed = true, false;
    return memcmp(&stated, &n->shape, sizeof stated) == 0 || fail(r, "the shape that follows from the inputs");
}

static bool node_line(reader *r) {
    ss_node n = { .onnx_op = "" };
    int32_t index;
    uint32_t seen = 0;
    skip_blanks(r);
    if (!integer(r, &index)) return false;
    if (index != r->g->n) return fail(r, "nodes numbered from 0 without gaps");
    if (!operator_name(r, &n.op) || !string(r, &n.name)) return false;
    while (!at_line_end(r))
        if (!field(r, &n, &seen)) return false;
    if (!shape_agrees(r, &n)) return false;
    return ss_graph_add(r->g, &n) >= 0 || (r->failed = true, false);
}

/* "weights N digits" or "bias N digits" of the node before. */
static bool values_line(reader *r, const float **out, int64_t want) {
    int32_t count;
    skip_blanks(r);
    if (!integer(r, &count) || !expect(r, ' ')) return false;
    if (count != want || *out) return fail(r, "as many values as the node before takes, once");
    if (count > (r->end - r->at) / 8) return fail(r, "8 hexadecimal digits a value");
    float *v = ss_arena_alloc(r->g->arena, (size_t)count, sizeof *v);
    if (!v) return r->failed = true, false;
    for (int32_t i = 0; i < count; i++) {
        uint32_t bits = 0;
        for (int k = 0; k < 8; k++, r->at++) {
            int digit = hex_digit(*r->at);
            if (digit < 0) return fail(r, "8 hexadecimal digits a value");
            bits = bits << 4 | (uint32_t)digit;
        }
        memcpy(&v[i], &bits, sizeof bits);
    }
    *out = v;
    return true;
}

static bool weights_line(reader *r, bool bias) {
    ss_graph *g = r->g;
    ss_node *n = g->n ? &g->nodes[g->n - 1] : NULL;
    if (!r->weights || !n || (n->op != SS_OP_CONV && n->op != SS_OP_BATCHNORM))
        return fail(r, "no values here, or \"weights yes\" and a conv or batchnorm before them");
    if (bias) return values_line(r, &n->bias, n->shape.c);
    return values_line(r, &n->weights, n->op == SS_OP_CONV ? ss_node_weight_count(g, n) : n->shape.c);
}

static bool line_end(reader *r) {
    if (!at_line_end(r)) return fail(r, "end of line");
    if (take(r, '\n')) r->line++;
    return true;
}

static bool body_line(reader *r) {
    char key[24];
    if (at_line_end(r)) return line_end(r);
    if (r->done) return fail(r, "nothing behind the output line");
    if (!word(r, key)) return false;
    bool ok;
    if (strcmp(key, "node") == 0) ok = node_line(r);
    else if (strcmp(key, "weights") == 0) ok = weights_line(r, false);
    else if (strcmp(key, "bias") == 0) ok = weights_line(r, true);
    else if (strcmp(key, "output") == 0) {
        skip_blanks(r);
        ok = r->done = integer(r, &r->g->output);
    } else ok = fail(r, "node, weights, bias or output");
    return ok && line_end(r);
}

static bool head(reader *r) {
    char yes[24];
    int32_t version;
    if (!keyword(r, "skipstream.graph")) return false;
    skip_blanks(r);
    if (!integer(r, &version)) return false;
    if (version != 1) return fail(r, "version 1 in front");
    if (!line_end(r) || !keyword(r, "name") || !string(r, &r->g->name) || !line_end(r)) return false;
    if (!keyword(r, "weights") || !word(r, yes)) return false;
    r->weights = strcmp(yes, "yes") == 0;
    r->g->structure_only = !r->weights;
    return (r->weights || strcmp(yes, "no") == 0 || fail(r, "yes or no")) && line_end(r);
}

ss_status ss_graph_read(ss_ctx *ctx, const char *name, const char *text, ss_graph **out) {
    *out = NULL;
    ss_graph *g = ss_graph_new(ctx, name);
    if (!g) return SS_BAD;
    reader r = { .ctx = ctx, .g = g, .name = name, .at = text, .end = text + strlen(text), .line = 1 };
    bool ok = head(&r);
    while (ok && *r.at) ok = body_line(&r);
    if (ok && !r.done) ok = fail(&r, "an output line; the text may be truncated");
    if (ok && ss_graph_verify(g, NULL) == SS_OK) {
        *out = g;
        return SS_OK;
    }
    ss_graph_free(g);
    return SS_BAD;
}
