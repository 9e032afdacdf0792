/* The folder of one partition: its top, memory images, load stream, file list, benches and Vivado scripts. */
#include "rtl/gen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct bundle {
    const ss_rtl *r;
    const ss_rtl_part *part;
    const char *folder; /* of the hand-written files */
    char *dir;          /* partition_N */
} bundle;

/* Writes and empties the text. */
static ss_status put(const bundle *x, const char *name, ss_buf *text) {
    char *path = ss_arena_printf(x->r->arena, "%s/%s", x->dir, name);
    ss_status s = path && !text->failed
                      ? ss_file_write(x->r->ctx, path, text->data ? text->data : "", text->len)
                      : SS_BAD;
    ss_buf_free(text);
    return s;
}

static ss_status make_folder(const bundle *x, const char *name) {
    char *path = ss_arena_printf(x->r->arena, "%s/%s", x->dir, name);
    return path ? ss_mkdirs(x->r->ctx, path) : SS_BAD;
}

/* ---- memory images ---- */

static ss_status put_image(const bundle *x, int32_t node, const char *kind, ss_buf *text) {
    char *name = ss_arena_printf(x->r->arena, "weights/%s.%s.mem", x->r->instance[node], kind);
    if (name) return put(x, name, text);
    ss_buf_free(text);
    return SS_BAD;
}

/* UltraRAM has no image of its own: its rows go over the load stream. */
static ss_status put_weights(const bundle *x, int32_t node, ss_buf *load) {
    const ss_rtl_fold f = ss_rtl_fold_of(x->r, node);
    const bool loaded = ss_rtl_config(x->r, node)->memory == SS_MEM_URAM;
    ss_status s = SS_OK;
    for (int64_t i = 0; i < (loaded ? f.pixels * f.memories : f.memories) && s == SS_OK; i++) {
        char kind[40] = "weights";
        ss_buf text;
        ss_buf_init(&text, x->r->ctx);
        if (f.broadcast || (f.crossbar && f.m == 1)) snprintf(kind, sizeof kind, "weights_%" PRId64, i);
        ss_rtl_weights(x->r, node, i % f.memories, loaded ? NULL : &text, loaded ? load : NULL);
        if (!loaded) s = put_image(x, node, kind, &text);
    }
    return load->failed ? SS_BAD : s;
}

static ss_status put_constants(const bundle *x, int32_t node) {
    const ss_node *n = &x->r->g->nodes[node];
    const int64_t lanes = ss_rtl_lanes(x->r, x->part, node);
    ss_status s = SS_OK;
    ss_buf text;
    ss_buf_init(&text, x->r->ctx);
    if (n->op == SS_OP_CONV && ss_rtl_has_bias(x->r, node)) {
        ss_rtl_bias(x->r, node, &text);
        s = put_image(x, node, "bias", &text);
    }
    if (s == SS_OK && ss_rtl_has_scale(x->r, node)) { /* an average pool's rows are counts, of one lane */
        ss_rtl_scale(x->r, node, n->op == SS_OP_CONV ? lanes : 1, &text);
        s = put_image(x, node, "scale", &text);
    }
    if (s == SS_OK && ss_rtl_has_thresholds(x->r, node)) {
        ss_rtl_thresholds(x->r, node, lanes, &text);
        s = put_image(x, node, "thr", &text);
    }
    return s;
}

static ss_status put_images(const bundle *x) {
    ss_buf load;
    ss_buf_init(&load, x->r->ctx);
    ss_status s = make_folder(x, "weights");
    for (int32_t i = x->part->first; i <= x->part->last && s == SS_OK; i++) {
        if (x->r->g->nodes[i].op == SS_OP_CONV) s = put_weights(x, i, &load);
        if (s == SS_OK) s = put_constants(x, i);
    }
    if (s == SS_OK && x->part->load_words > 0) s = put(x, "load.mem", &load);
    ss_buf_free(&load);
    return s;
}

/* ---- sources ---- */

static ss_status put_top(const bundle *x, ss_rtl_modules *used, ss_rtl_modules *all) {
    char name[40];
    ss_buf text, list;
    ss_buf_init(&text, x->r->ctx);
    ss_buf_init(&list, x->r->ctx);
    ss_rtl_top(x->r, x->part, &text);
    ss_status s = text.failed ? SS_BAD : ss_rtl_modules_of(x->folder, text.data, used);
    if (s == SS_OK) s = ss_rtl_modules_of(x->folder, text.data, all);
    for (size_t i = 0; i < used->n; i++) ss_buf_printf(&list, "../rtl/%s.sv\n", used->names[i]);
    snprintf(name, sizeof name, "partition_%d.sv", x->part->number);
    ss_buf_printf(&list, "%s\n", name);
    if (s == SS_OK) s = put(x, name, &text);
    if (s == SS_OK) s = put(x, "filelist.f", &list);
    ss_buf_free(&text);
    ss_buf_free(&list);
    return s;
}

/* ---- simulation ---- */

/* As a C string: a name may hold anything. */
static void put_quoted(ss_buf *b, const char *name) {
    ss_buf_add(b, "\"", 1);
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        if (c < 32 || c > 126 || c == '"' || c == '\\' || c == '?') ss_buf_printf(b, "\\%03o", c);
        else ss_buf_add(b, name, 1);
    }
    ss_buf_add(b, "\"", 1);
}

static void put_tap(const bundle *x, int32_t node, ss_buf *b) {
    const ss_node *n = &x->r->g->nodes[node];
    ss_buf_printf(b, "    { %d, ", node);
    put_quoted(b, n->name);
    ss_buf_printf(b, ", \"%s\", %d, %d, %d, %d, %d },\n",
                  n->op == SS_OP_INPUT ? "shell" : x->r->instance[node], ss_rtl_lanes(x->r, x->part, node),
                  x->r->q->bits, n->shape.c, n->shape.h, n->shape.w);
}

static ss_status put_config(const bundle *x) {
    const ss_rtl_part *p = x->part;
    const int in = ss_rtl_lanes(x->r, p, p->input), out = ss_rtl_lanes(x->r, p, p->output),
              bits = x->r->q->bits;
    ss_buf b;
    ss_buf_init(&b, x->r->ctx);
    ss_buf_printf(&b,
                  "// What tb.cpp knows of partition_%d: the verilated top, its streams, and the nodes with "
                  "their taps.\n"
                  "#include \"Vpartition_%d.h\"\n\n#define SS_TOP Vpartition_%d\n",
                  p->number, p->number, p->number);
    ss_buf_printf(&b, "#define SS_IN_LANES %d\n#define SS_IN_W %d\n#define SS_IN_WORDS %" PRId64 "\n", in,
                  bits, ss_rtl_words(x->r, p, p->input));
    ss_buf_printf(&b, "#define SS_OUT_LANES %d\n#define SS_OUT_W %d\n#define SS_OUT_WORDS %" PRId64 "\n", out,
                  bits, ss_rtl_words(x->r, p, p->output));
    ss_buf_printf(&b, "#define SS_LOAD_WORDS %" PRId64 "\n\nstatic const ss_tap_node ss_taps[] = {\n",
                  p->load_words);
    for (int32_t i = p->first; i <= p->last; i++)
        if (!ss_rtl_is_wire(&x->r->g->nodes[i])) put_tap(x, i, &b);
    ss_buf_printf(&b, "};\n");
    return put(x, "sim/config.h", &b);
}

static ss_status copy(const bundle *x, const char *name, const ss_rtl_key *keys, const char *to) {
    char *path = ss_arena_printf(x->r->arena, "%s/%s", x->dir, to);
    return path ? ss_rtl_copy(x->r->ctx, x->folder, name, keys, path) : SS_BAD;
}

static char *number(const bundle *x, int64_t value) {
    return ss_arena_printf(x->r->arena, "%" PRId64, value);
}

static ss_status put_sim(const bundle *x) {
    const ss_rtl_part *p = x->part;
    char top[32];
    snprintf(top, sizeof top, "partition_%d", p->number);
    const ss_rtl_key keys[] = {
        { "TOP", top },
        { "IN_LANES", number(x, ss_rtl_lanes(x->r, p, p->input)) },
        { "IN_WORDS", number(x, ss_rtl_words(x->r, p, p->input)) },
        { "OUT_LANES", number(x, ss_rtl_lanes(x->r, p, p->output)) },
        { "OUT_WORDS", number(x, ss_rtl_words(x->r, p, p->output)) },
        { "W", number(x, x->r->q->bits) },
        { "LOAD_WORDS", number(x, p->load_words) },
        { NULL, NULL },
    };
    for (const ss_rtl_key *k = keys; k->key; k++)
        if (!k->value) return SS_BAD;
    ss_status s = make_folder(x, "sim");
    if (s == SS_OK) s = put_config(x);
    if (s == SS_OK) s = copy(x, "sim/tb.cpp", NULL, "sim/tb.cpp");
    if (s == SS_OK) s = copy(x, "sim/tb_icarus.sv.in", keys, "sim/tb_icarus.sv");
    if (s == SS_OK) s = copy(x, "sim/Makefile.in", keys, "sim/Makefile");
    return s;
}

/* ---- Vivado ---- */

static ss_status put_vivado(const bundle *x) {
    const ss_device *d = &x->r->d->device;
    char top[32], period[32];
    snprintf(top, sizeof top, "partition_%d", x->part->number);
    snprintf(period, sizeof period, "%.3f", 1e9 / d->clock_hz);
    const ss_rtl_key keys[] = {
        { "TOP", top },
        { "PART", ss_rtl_part_number(x->r) },
        { "CLOCK_NS", period },
        { "MACROS", strncmp(d->family, "ultrascale", 10) == 0 ? "SS_DSP48E2" : "" },
        { NULL, NULL },
    };
    ss_status s = make_folder(x, "vivado");
    if (s == SS_OK) s = copy(x, "vivado/synth.tcl.in", keys, "vivado/synth.tcl");
    if (s == SS_OK) s = copy(x, "vivado/package_ip.tcl.in", keys, "vivado/package_ip.tcl");
    return s;
}

ss_status ss_rtl_bundle(const ss_rtl *r, const ss_rtl_part *part, const char *folder, const char *dir,
                        ss_rtl_modules *all) {
    bundle x = { r, part, folder, ss_arena_printf(r->arena, "%s/partition_%d", dir, part->number) };
    ss_rtl_modules used = { .ctx = r->ctx };
    ss_status s = x.dir ? ss_mkdirs(r->ctx, x.dir) : SS_BAD;
    if (s == SS_OK) s = put_top(&x, &used, all);
    if (s == SS_OK) s = put_images(&x);
    if (s == SS_OK) s = put_sim(&x);
    if (s == SS_OK && !r->opts.no_vivado) s = put_vivado(&x);
    ss_rtl_modules_free(&used);
    return s;
}
