/* Test bench of ss_conv: random layers of every shape and folding, whole images in, whole images out, compared with the
 * plain sum over channels and kernel, ss_requantise and ss_act_int. argv[2]: how many layers (36), argv[3]: the first;
 * argv[4] = "broadcast": of ss_conv_broadcast. */
#include <string.h>

#include "broadcast.h"

typedef struct {
    fold fold;
    int broadcast, p, sums, pixels; /* the broadcast engine: streams a lane, lanes of the join, engines side by side */
    int c, f, g, h, wd, kh, kw, sh, sw, pt, pl, ho, wo, lanes_in, lanes_out;
    int rows, cache, act, per_channel; /* per_channel: bit 0 scales, bit 1 thresholds come from files */
    const char *row_style;
    int32_t lo, hi, ceiling, thr[64], mult[64];
    uint8_t shift[64];
} layer;

enum { IMAGES = 2 };

static int pick(uint64_t *random, int lo, int hi) { return lo + (int)(bench_random(random) % (uint64_t)(hi - lo + 1)); }

static int divisor(uint64_t *random, int n)
{
    int d;
    do d = pick(random, 1, n);
    while (n % d);
    return d;
}

static int least(int a, int b) { return a < b ? a : b; }

/* Map, kernel, stride, padding; kernels that cover the map (fully connected) now and then. */
static void shape(layer *l, int v, uint64_t *r)
{
    l->h = pick(r, 2, 7);
    l->wd = pick(r, 2, 7);
    l->kh = v % 5 == 4 ? 1 : pick(r, 1, 3);
    l->kw = v % 5 == 4 ? 1 : pick(r, 1, 3);
    if (v % 9 == 8) l->kh = l->kw = 5, l->h += 3, l->wd += 3;
    if (v % 7 == 6) {
        l->kh = l->h = least(l->h, 4);
        l->kw = l->wd = least(l->wd, 3);
        l->sh = l->sw = l->ho = l->wo = 1;
        return;
    }
    l->sh = pick(r, 1, 3);
    l->sw = pick(r, 1, 3);
    l->pt = pick(r, 0, l->kh - 1);
    l->pl = pick(r, 0, l->kw - 1);
    if (l->kh > l->h + l->pt) l->kh = l->h;
    if (l->kw > l->wd + l->pl) l->kw = l->wd;
    l->ho = (l->h + l->pt + pick(r, 0, l->kh - 1) - l->kh) / l->sh + 1;
    l->wo = (l->wd + l->pl + pick(r, 0, l->kw - 1) - l->kw) / l->sw + 1;
}

/* A legal folding of the layer's channels, groups and kernel; not many multipliers, so that the bench builds soon. */
static void folding(layer *l, int v, uint64_t *r)
{
    static const char *const styles[] = { "block", "distributed", "block", "ultra" };
    fold *f = &l->fold;
    const int k = l->kh * l->kw, cg = l->c / l->g, fg = l->f / l->g;
    f->w = v % 3 ? 8 : 16;
    f->k = k;
    if (l->broadcast) {
        f->gr = f->m = f->crossbar = 1;
        do {
            f->ci = divisor(r, cg);
            f->co = pick(r, 1, fg); /* the last fold may have fewer */
            l->sums = divisor(r, f->co);
            l->p = pick(r, 1, least(k, 4));
            l->pixels = 1 << pick(r, 0, 2);
        } while (f->ci * f->co * l->p > 12 || fg % l->sums || cg % (f->ci * l->pixels));
    } else do {
        f->gr = divisor(r, l->g);
        f->ci = f->gr > 1 ? cg : divisor(r, cg);
        f->co = f->gr > 1 ? fg : divisor(r, fg);
        f->crossbar = k > 1 && pick(r, 0, 3) > 0;
        f->m = f->crossbar ? pick(r, 1, least(k - 1, 6)) : divisor(r, k);
    } while (f->gr * f->ci * f->co * f->m > 12);
    f->passes = l->g / f->gr;
    f->steps = cg / f->ci;
    f->folds = (fg + f->co - 1) / f->co;
    f->style = styles[v % 4];
    fold_weights(f, v % 6 == 5, r);
}

static void numbers(layer *l, int v, uint64_t *r)
{
    const fold *f = &l->fold;
    const int top = 1 << (f->w - 1), res = f->acc - f->pre;
    l->act = v % 4 != 1;
    l->per_channel = pick(r, 0, 3);
    l->hi = top - 1;
    l->lo = l->act && v % 4 == 2 ? 0 : -top;
    l->ceiling = v % 3 == 0 ? pick(r, top / 2, top - 1) : l->hi;
    for (int n = 0; n < l->f; n++) {
        const int slack = pick(r, 2, 5); /* small enough to saturate now and then */
        l->mult[n] = pick(r, 65536, 131071);
        l->shift[n] = (uint8_t)(res - f->w + 17 - slack < 1 ? 1 : res - f->w + 17 - slack);
        l->thr[n] = pick(r, 0, top / 4);
        if (!(l->per_channel & 1)) l->mult[n] = l->mult[0], l->shift[n] = l->shift[0];
        if (!(l->per_channel & 2)) l->thr[n] = l->thr[0];
    }
}

static void make_layer(layer *l, int v, int replayed)
{
    uint64_t r = 77u + (uint64_t)v * 1000003u;
    memset(l, 0, sizeof *l);
    l->broadcast = replayed;
    l->g = v % 4 == 3 ? pick(&r, 2, 4) : 1;
    l->c = l->g * pick(&r, 1, l->g > 1 ? 2 : 6);
    if (replayed && v % 2) l->c = l->g * 2 * pick(&r, 1, 4);
    l->f = l->g * pick(&r, 1, l->g > 1 ? 3 : 8);
    shape(l, v, &r);
    folding(l, v, &r);
    numbers(l, v, &r);
    l->lanes_in = divisor(&r, l->c);
    l->lanes_out = divisor(&r, l->f);
    l->rows = l->kh + least(l->sh, l->kh) - 1 + pick(&r, 0, 2);
    l->cache = pick(&r, 0, 1);
    l->row_style = v % 2 ? "distributed" : "block";
}

/* ---- images ---- */

static void write_map(FILE *file, const int32_t *map, int c, int64_t pixels, int lanes, int w)
{
    int64_t lane[64];
    for (int64_t p = 0; p < pixels; p++)
        for (int at = 0; at < c; at += lanes) {
            for (int n = 0; n < lanes; n++) lane[n] = map[p * c + at + n];
            bench_word(file, lane, lanes, w);
        }
}

static int32_t pixel_of(const layer *l, const int32_t *in, int y, int x, int filter)
{
    const fold *f = &l->fold;
    const int cg = l->c / l->g, fg = l->f / l->g, group = filter / fg;
    const int at = group * f->folds * f->co + filter % fg; /* where a fold lacks filters, its lanes have numbers all the same */
    int64_t sum = f->bias[at];
    for (int c = 0; c < cg; c++)
        for (int ky = 0; ky < l->kh; ky++)
            for (int kx = 0; kx < l->kw; kx++) {
                const int iy = y * l->sh + ky - l->pt, ix = x * l->sw + kx - l->pl;
                if (iy < 0 || iy >= l->h || ix < 0 || ix >= l->wd) continue;
                sum += f->weights[(at * cg + c) * f->k + ky * l->kw + kx] *
                       in[(iy * l->wd + ix) * l->c + group * cg + c];
            }
    const int32_t v = ss_requantise(sum, f->pre, l->mult[filter], l->shift[filter], l->lo, l->hi);
    return l->act ? ss_act_int(v, l->thr[filter], l->ceiling) : v;
}

/* Image 0 has every density of zeros from left to right, image 1 extremes only. */
static void write_images(const layer *l, const char *dir, const char *name, uint64_t *r)
{
    const int top = 1 << (l->fold.w - 1);
    char file[64];
    int32_t *in = malloc((size_t)(l->h * l->wd * l->c) * sizeof *in);
    int32_t *out = malloc((size_t)(l->ho * l->wo * l->f) * sizeof *out);
    if (!in || !out) exit(2);
    snprintf(file, sizeof file, "%s.in.mem", name);
    FILE *in_file = bench_open(dir, file);
    snprintf(file, sizeof file, "%s.out.mem", name);
    FILE *out_file = bench_open(dir, file);
    for (int image = 0; image < IMAGES; image++) {
        for (int e = 0; e < l->h * l->wd * l->c; e++) {
            const int x = e / l->c % l->wd;
            const int32_t v = image ? (pick(r, 0, 1) ? top - 1 : -top) : pick(r, -top, top - 1);
            in[e] = pick(r, 0, l->wd) > x && image == 0 ? 0 : v;
        }
        write_map(in_file, in, l->c, (int64_t)l->h * l->wd, l->lanes_in, l->fold.w);
        for (int y = 0; y < l->ho; y++)
            for (int x = 0; x < l->wo; x++)
                for (int n = 0; n < l->f; n++) out[(y * l->wo + x) * l->f + n] = pixel_of(l, in, y, x, n);
        write_map(out_file, out, l->f, (int64_t)l->ho * l->wo, l->lanes_out, l->fold.w);
    }
    bench_close(in_file);
    bench_close(out_file);
    free(in);
    free(out);
}

/* Scales and thresholds: lanes_out channels a row. */
static void write_tables(const layer *l, const char *dir, const char *name)
{
    char file[64];
    int64_t lane[64];
    for (int table = 0; table < 2; table++) {
        snprintf(file, sizeof file, "%s.%s.mem", name, table ? "thr" : "scale");
        FILE *f = bench_open(dir, file);
        for (int n = 0; n < l->f; n += l->lanes_out) {
            for (int i = 0; i < l->lanes_out; i++)
                lane[i] = table ? l->thr[n + i] : (int64_t)l->shift[n + i] << 17 | l->mult[n + i];
            bench_word(f, lane, l->lanes_out, table ? l->fold.w : 23);
        }
        bench_close(f);
    }
}

/* ---- the bench ---- */

static void instance(FILE *tb, const layer *l, const char *id, int i)
{
    const fold *f = &l->fold;
    int shift_lo = 63, shift_hi = 0;
    for (int n = 0; n < l->f; n++) {
        shift_lo = least(shift_lo, l->shift[n]);
        if (l->shift[n] > shift_hi) shift_hi = l->shift[n];
    }
    fprintf(tb,
            "    %s #(.W(%d), .C(%d), .F(%d), .G(%d), .H(%d), .WD(%d), .KH(%d), .KW(%d), .SH(%d), .SW(%d), .PT(%d), .PL(%d),\n"
            "        .HO(%d), .WO(%d), .LANES_IN(%d), .LANES_OUT(%d), .CO(%d),\n"
            "        .ROWS(%d), .CACHE(%d), .ROW_STYLE(\"%s\"), .ACC(%d), .PRE(%d), .LO(%d), .HI(%d),\n",
            l->broadcast ? "ss_conv_broadcast" : "ss_conv", f->w, l->c, l->f, l->g, l->h, l->wd, l->kh, l->kw, l->sh, l->sw,
            l->pt, l->pl, l->ho, l->wo, l->lanes_in, l->lanes_out, f->co, l->rows, l->cache, l->row_style, f->acc, f->pre,
            l->lo, l->hi);
    if (l->broadcast) {
        const int words = l->c / (f->ci * l->pixels), held = l->f / l->sums;
        fprintf(tb, "        .LANES(%d), .P(%d), .SUMS(%d), .QUEUE(%d), .PIXELS(%d), .PIXEL_DEPTH(%d), .HELD(%d),\n", f->ci, l->p, l->sums,
                i % 3 * 2, l->pixels, words + 2, i % 3 ? held + 1 : 0);
    }
    else fprintf(tb, "        .GR(%d), .CI(%d), .M(%d), .CROSSBAR(%d),\n", f->gr, f->ci, f->m, f->crossbar);
    fprintf(tb, "        .MULT(%d), .SHIFT(%d), .SHIFT_LO(%d), .SHIFT_HI(%d), .ACT(%d), .CEILING(%d), .THR(%d),\n",
            l->mult[0], l->shift[0], shift_lo, shift_hi, l->act, l->ceiling, l->thr[0]);
    if (l->per_channel & 1) fprintf(tb, "        .SCALE_FILE(\"%s.scale.mem\"),\n", id);
    if (l->per_channel & 2) fprintf(tb, "        .THR_FILE(\"%s.thr.mem\"),\n", id);
    fprintf(tb,
            "        .WEIGHT_STYLE(\"%2$s\"), .WEIGHT_FILE(\"%1$s.weights\"), .BIAS_FILE(\"%1$s.bias.mem\"),\n"
            "        .ROM_STYLE(\"%3$s\")) ",
            id, f->style, i % 3 ? "distributed" : "block");
    fold_connect(tb, id);
}

/* Odd layers stall at random at either end. */
static void ends(FILE *tb, const layer *l, const char *id, int64_t load_words, int i)
{
    const fold_port port = {
        id, id, l->lanes_in * l->fold.w, IMAGES * l->h * l->wd * l->c / l->lanes_in, l->lanes_out * l->fold.w,
        IMAGES * l->ho * l->wo * l->f / l->lanes_out, i % 2 ? i * 37 % 200 : 0, i % 2 ? i * 53 % 200 : 0, load_words,
    };
    fold_ends(tb, &port, i);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 5) return 2;
    const int layers = argc > 2 ? atoi(argv[2]) : 36, from = argc > 3 ? atoi(argv[3]) : 0;
    FILE *tb = bench_open(argv[1], "tb.sv");
    uint64_t random = 5;
    fold_begin(tb, layers);
    for (int i = 0; i < layers; i++) {
        layer l;
        char id[32];
        snprintf(id, sizeof id, "conv_%d", from + i);
        make_layer(&l, from + i, argc > 4 && strcmp(argv[4], "broadcast") == 0);
        const broadcast b = { .fold = l.fold, .p = l.p, .sums = l.sums, .keep = l.broadcast ? l.f / l.g / l.sums : 0, .lists = 2 };
        const int64_t load_words = l.broadcast ? broadcast_images(&b, l.pixels, argv[1], id) : fold_images(&l.fold, argv[1], id);
        write_images(&l, argv[1], id, &random);
        write_tables(&l, argv[1], id);
        ends(tb, &l, id, load_words, i);
        instance(tb, &l, id, i);
        free(l.fold.weights);
        free(l.fold.bias);
    }
    fold_end(tb, layers);
    bench_close(tb);
    return 0;
}
