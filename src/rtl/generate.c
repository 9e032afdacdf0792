/* The whole of generate: checks, names, parts; all files into a folder beside the target, then a rename. */
#include "rtl/gen.h"

#include "profile/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what is to be built ---- */

static int64_t load_words_of(const ss_rtl *r, const ss_rtl_part *p) {
    int64_t words = 0;
    for (int32_t i = p->first; i <= p->last; i++) {
        if (r->g->nodes[i].op != SS_OP_CONV || ss_rtl_config(r, i)->memory != SS_MEM_URAM) continue;
        const ss_rtl_fold f = ss_rtl_fold_of(r, i);
        words += ss_rtl_load_words(&f);
    }
    return words;
}

static ss_status set_parts(ss_rtl *r) {
    const bool span = r->opts.last >= 0;
    const int32_t at = span ? ss_rtl_partition_of(r->d, r->opts.first) : 0;
    r->n_parts = span ? 1 : r->d->n_partitions;
    r->parts = ss_arena_alloc(r->arena, (size_t)r->n_parts, sizeof *r->parts);
    ss_status s = r->parts ? SS_OK : SS_BAD;
    for (int32_t i = 0; s == SS_OK && i < r->n_parts; i++) {
        const ss_partition *p = &r->d->partitions[at + i];
        r->parts[i] = (ss_rtl_part){ .number = at + i + 1, .p = p, .first = p->first, .last = p->last };
        if (span) {
            r->parts[i].first = r->opts.first;
            r->parts[i].last = r->opts.last;
        }
        s = ss_rtl_find_ends(r->ctx, r->g, &r->parts[i]);
        r->parts[i].load_words = load_words_of(r, &r->parts[i]);
    }
    return s;
}

/* Depths and styles follow from the device alone; the cost model wants some profile. */
static ss_status set_cost(ss_rtl *r) {
    ss_profile *p = NULL;
    ss_cost_opts opts = { .bits = r->d->bits, .engines = SS_ENGINES_ALL, .tuning = r->d->tuning };
    ss_status s = ss_profile_assume(r->ctx, r->g, 0, r->d->bits, &p);
    if (s == SS_OK) s = ss_cost_new(r->ctx, r->g, p, &r->d->device, opts, &r->cost);
    ss_profile_free(p);
    return s;
}

/* Widths and depths are 32-bit parameters. */
static ss_status check_sizes(const ss_rtl *r) {
    ss_status s = SS_OK;
    for (int32_t i = 0; i < r->g->n; i++) {
        if (r->g->nodes[i].op != SS_OP_CONV) continue;
        const ss_rtl_fold f = ss_rtl_fold_of(r, i);
        if (f.width <= INT32_MAX && f.depth <= INT32_MAX) continue;
        s = ss_error(r->ctx, (ss_where){ r->g->nodes[i].name, "conv", NULL }, "choose a larger folding",
                     "a weight memory of %lld x %lld bits cannot be described", (long long)f.depth,
                     (long long)f.width);
    }
    return s;
}

/* A window that lies in the padding alone has no place in the line buffer. Pools of one pixel have no window.
 */
static ss_status check_windows(const ss_rtl *r) {
    ss_status s = SS_OK;
    for (int32_t i = 0; i < r->g->n; i++) {
        const ss_node *n = &r->g->nodes[i];
        const ss_window *w = &n->win;
        const bool pool = n->op == SS_OP_MAXPOOL || n->op == SS_OP_AVGPOOL;
        if (n->op != SS_OP_CONV && (!pool || (n->shape.h == 1 && n->shape.w == 1))) continue;
        ss_shape in = ss_graph_in_shape(r->g, n);
        if (w->pt < w->kh && w->pl < w->kw && in.h + w->pt > (n->shape.h - 1) * w->sh &&
            in.w + w->pl > (n->shape.w - 1) * w->sw)
            continue;
        s = ss_error(r->ctx, (ss_where){ n->name, ss_op_name(n->op), NULL },
                     "export the model with smaller pads",
                     "some of its windows lie in the padding alone, which the hardware does not build");
    }
    return s;
}

/* The part goes into a script: letters, digits and dashes, as AMD's are. */
static ss_status check_scripts(const ss_rtl *r) {
    static const char *const families[] = { "ultrascale+", "7series", "versal" };
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const ss_device *d = &r->d->device;
    const char *part = ss_rtl_part_number(r);
    bool known = false;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        known = known || strcmp(families[i], d->family) == 0;
    if (r->opts.no_vivado) return SS_OK;
    if (!known)
        return ss_error(
            r->ctx, SS_AT(d->name), "explore for a device of one of these families, or give --no-vivado",
            "there are no Vivado scripts for the family \"%s\"; supported: ultrascale+, 7series, versal",
            d->family);
    if (!*part)
        return ss_error(r->ctx, SS_AT(d->name),
                        "give --part, or set \"part\" in the device file and explore again, or --no-vivado",
                        "the device names no part, so there are no Vivado scripts for it");
    if (part[strspn(part, plain)])
        return ss_error(r->ctx, (ss_where){ d->name, NULL, part },
                        "give --part as AMD writes it: xcu250-figd2104-2L-e", "the part is no part number");
    return SS_OK;
}

ss_status ss_rtl_begin(ss_ctx *ctx, const ss_graph *g, const ss_quant *q, const ss_design *d,
                       ss_rtl_opts opts, ss_rtl *r) {
    *r = (ss_rtl){ .ctx = ctx, .g = g, .q = q, .d = d, .opts = opts, .arena = ss_arena_new(ctx) };
    if (!r->arena) return SS_BAD;
    if (q->bits != d->bits)
        return ss_error(ctx, SS_AT(g->name), "quantise at the bits of the design",
                        "the network has %d bits, the design %d", q->bits, d->bits);
    if (d->model != ss_graph_hash(g))
        return ss_error(ctx, SS_AT(g->name), "explore this model", "the design is of another model");
    if (ss_design_check_orders(ctx, d, g) != SS_OK) return SS_BAD;
    ss_status s = check_scripts(r);
    if (check_sizes(r) != SS_OK) s = SS_BAD;
    if (check_windows(r) != SS_OK) s = SS_BAD;
    if (s == SS_OK) s = ss_rtl_names(r->arena, g, &r->instance);
    if (s == SS_OK) s = set_cost(r);
    return s == SS_OK ? set_parts(r) : s;
}

void ss_rtl_end(ss_rtl *r) {
    ss_cost_free(r->cost);
    ss_arena_free(r->arena);
}

/* ---- files ---- */

static ss_status copy_modules(const ss_rtl *r, const char *folder, const char *dir, const ss_rtl_modules *m) {
    char *to = ss_arena_printf(r->arena, "%s/rtl", dir);
    ss_status s = to ? ss_mkdirs(r->ctx, to) : SS_BAD;
    for (size_t i = 0; i < m->n && s == SS_OK; i++) {
        char *name = ss_arena_printf(r->arena, "%s.sv", m->names[i]);
        char *path = ss_arena_printf(r->arena, "%s/%s.sv", to, m->names[i]);
        s = name && path ? ss_rtl_copy(r->ctx, folder, name, NULL, path) : SS_BAD;
    }
    return s;
}

static ss_status write_all(const ss_rtl *r, const char *dir) {
    const char *folder;
    ss_rtl_modules all = { .ctx = r->ctx };
    ss_status s = ss_rtl_folder(r->ctx, &folder);
    if (s == SS_OK) s = ss_mkdirs(r->ctx, dir);
    for (int32_t i = 0; i < r->n_parts && s == SS_OK; i++) {
        ss_progress(r->ctx, "partitions", (uint64_t)i, (uint64_t)r->n_parts);
        s = ss_rtl_bundle(r, &r->parts[i], folder, dir, &all);
    }
    if (s == SS_OK) s = copy_modules(r, folder, dir, &all);
    if (s == SS_OK) s = ss_rtl_readme(r, dir);
    if (s == SS_OK) s = ss_rtl_manifest(r, dir);
    ss_rtl_modules_free(&all);
    return s;
}

/* ---- the place ---- */

/* Only what generate wrote is ever replaced. */
static ss_status check_place(ss_ctx *ctx, const char *dir, bool *there) {
    static const char remedy[] = "choose another folder, or remove this one";
    struct stat st;
    *there = lstat(dir, &st) == 0;
    if (!*there) return SS_OK;
    if (!S_ISDIR(st.st_mode)) return ss_error(ctx, SS_AT(dir), remedy, "exists and is not a folder");
    ss_buf path;
    json_t *j = NULL;
    ss_buf_init(&path, ctx);
    ss_buf_printf(&path, "%s/manifest.json", dir);
    ss_status s = path.failed ? SS_BAD : SS_OK;
    if (s == SS_OK && access(path.data, F_OK) != 0)
        s = ss_error(ctx, SS_AT(dir), remedy,
                     "exists and was not written by generate: it has no manifest.json");
    if (s == SS_OK) s = ss_json_load(ctx, path.data, "skipstream.rtl", 1, &j);
    json_decref(j);
    ss_buf_free(&path);
    return s;
}

static ss_status move(ss_ctx *ctx, const char *from, const char *to) {
    if (rename(from, to) == 0) return SS_OK;
    return ss_error(ctx, SS_AT(to), "choose another folder", "cannot move the new folder here: %s",
                    strerror(errno));
}

/* The old folder goes aside before it goes for good, so that its place is never half one and half the other.
 */
static ss_status replace(ss_ctx *ctx, const char *fresh, const char *old, const char *dir, bool there) {
    if (there && move(ctx, dir, old) != SS_OK) return SS_BAD;
    if (move(ctx, fresh, dir) != SS_OK) {
        if (there) move(ctx, old, dir);
        return SS_BAD;
    }
    return there ? ss_remove_tree(ctx, old) : SS_OK;
}

static ss_status write_and_replace(const ss_rtl *r, const char *dir) {
    size_t n = strlen(dir);
    bool there;
    while (n > 1 && dir[n - 1] == '/') n--;
    char *place = ss_arena_printf(r->arena, "%.*s", (int)n, dir);
    char *fresh = ss_arena_printf(r->arena, "%.*s.new%ld", (int)n, dir, (long)getpid());
    char *old = ss_arena_printf(r->arena, "%.*s.old%ld", (int)n, dir, (long)getpid());
    if (!place || !fresh || !old || check_place(r->ctx, place, &there) != SS_OK) return SS_BAD;
    ss_status s = write_all(r, fresh);
    if (s == SS_OK) s = replace(r->ctx, fresh, old, place, there);
    if (s != SS_OK && access(fresh, F_OK) == 0) ss_remove_tree(r->ctx, fresh);
    return s;
}

ss_status ss_rtl_generate(ss_ctx *ctx, const ss_graph *g, const ss_quant *q, const ss_design *d,
                          ss_rtl_opts opts, const char *dir) {
    ss_rtl r;
    ss_status s = ss_rtl_begin(ctx, g, q, d, opts, &r);
    if (s == SS_OK) s = write_and_replace(&r, dir);
    ss_rtl_end(&r);
    return s;
}
