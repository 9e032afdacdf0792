/* Test bench of a partition's shell and registers. Writes for each variant of control_case (control_cases.sv) the list of
 * AXI4-Lite transfers with their answers, the images and the load stream. */
#include "bench.h"

#include <stdbool.h>

enum {
    ID = 0x00, VERSION = 0x04, NODES = 0x08, CONTROL = 0x0c, STATUS = 0x10, IMAGES_IN = 0x14, IMAGES_OUT = 0x18,
    CYCLES_LOW = 0x1c, CYCLES_HIGH = 0x20, LOAD_WORDS = 0x24, DESIGN = 0x28, STARVED = 0x40, BLOCKED = 0x44
};
enum { LOADED = 1, IDLE = 2, LOADING = 4, MISPLACED = 8, OKAY = 0, SLVERR = 2 };
enum { CUT_IS_IN = 1, LOAD_IS_IN = 2, INSIDE = 3, ALL_OUT = 4, THIRD_LOAD = 5 };
enum { IMAGES = 4, WORDS_IN = 60, WORDS_OUT = 7, CUT = 6, ALL_BITS = -1 };

typedef struct {
    const char *prefix;
    int lanes, w, stall_bits, stall;
    bool load, misplaced, early; /* early: images are offered before the weights are there */
} variant;

static const variant variants[] = {
    { "a", 2, 8, 32, 90, true, false, false },  { "b", 1, 16, 32, 0, true, false, false }, { "c", 3, 8, 5, 100, false, true, false },
    { "d", 1, 8, 32, 0, false, false, false }, { "e", 2, 8, 32, 50, true, false, true },
};

/* One row of the list; see axi_player. */
typedef struct {
    uint32_t read_at, write_at, data, strobes, expected, mask, rresp, bresp, event, measured;
    bool read, write, phase_ends;
} transfer;

typedef struct {
    FILE *f;
    int ops;
    uint64_t random;
} list;

static void put(list *l, transfer t)
{
    const uint32_t fields[][2] = {
        { t.read_at, 16 }, { t.write_at, 16 }, { t.data, 32 },   { t.strobes, 4 }, { t.expected, 32 },
        { t.mask, 32 },    { t.rresp, 2 },     { t.bresp, 2 },   { t.read, 1 },    { t.write, 1 },
        { 0, 20 },         { t.event, 4 },     { t.measured, 4 }, { t.phase_ends, 1 },
    };
    int64_t bit[168] = { 0 };
    int at = 0;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        for (uint32_t b = 0; b < fields[i][1]; b++) /* the delays are random, a third of them none */
            bit[at++] = fields[i][1] == 20 ? bench_random(&l->random) % 3 == 0 : fields[i][0] >> b & 1;
    bench_word(l->f, bit, 168, 1);
    l->ops++;
}

static void read_is(list *l, uint32_t address, uint32_t expected, uint32_t event)
{
    put(l, (transfer){ .read = true, .read_at = address, .expected = expected, .mask = UINT32_MAX, .event = event });
}

static void read_measured(list *l, uint32_t address, uint32_t which)
{
    put(l, (transfer){ .read = true, .read_at = address, .measured = which, .mask = UINT32_MAX });
}

static void control(list *l, uint32_t bits, uint32_t strobes, uint32_t answer, uint32_t event, bool phase_ends)
{
    put(l, (transfer){ .write = true, .write_at = CONTROL, .data = bits | 0xabcdef00u, .strobes = strobes, .bresp = answer,
                       .event = event, .phase_ends = phase_ends });
}

/* Reads that must say the same at any time, and writes that must do nothing, alone or at once. */
static void noise(list *l, const variant *v, int count)
{
    const uint32_t known[][2] = { { ID, 0x53535452 }, { VERSION, 1 },         { NODES, 2 }, { LOAD_WORDS, v->load ? 13 : 0 },
                                  { CONTROL, 0 },     { DESIGN, 0xcafe0001u } };
    const uint32_t nowhere[] = { 0x2c, 0x30, 0x3c, 0x50, 0x54, 0x100, 0x1000, 0x8000, 0xfffc };
    const uint32_t unwritable[] = { ID, STATUS, CYCLES_LOW, STARVED, BLOCKED + 8, 0x50, 0x400c, 0xfffc };
    for (int i = 0; i < count; i++) {
        const uint64_t r = bench_random(&l->random);
        transfer t = { .read = r % 4 != 0, .write = r % 4 != 1, .mask = UINT32_MAX };
        const uint32_t *k = known[(r >> 8) % 6];
        t.read_at = k[0] + (r >> 3) % 4; /* the two low bits do not count */
        t.expected = k[1];
        if (r >> 16 & 1) {
            t.read_at = nowhere[(r >> 20) % 9];
            t.rresp = SLVERR;
            t.expected = 0;
        }
        t.write_at = r >> 17 & 1 ? unwritable[(r >> 24) % 8] : CONTROL;
        t.bresp = r >> 17 & 1 ? SLVERR : OKAY;
        t.data = UINT32_MAX;
        t.strobes = r >> 17 & 1 ? 15 : 14; /* CONTROL's bits lie in byte 0 */
        put(l, t);
    }
}

static void counters_are_zero(list *l)
{
    for (uint32_t at = IMAGES_IN; at <= CYCLES_HIGH; at += 4) read_is(l, at, 0, 0);
    for (uint32_t at = STARVED; at < STARVED + 16; at += 4) read_is(l, at, 0, 0);
}

static int operations(const char *dir, const variant *v, uint64_t seed)
{
    char name[32];
    snprintf(name, sizeof name, "%s_ops.mem", v->prefix);
    list l = { bench_open(dir, name), 0, seed };
    const uint32_t quiet = LOADED | IDLE, seen = v->misplaced ? MISPLACED : 0;
    noise(&l, v, 40);
    read_is(&l, STATUS, v->load ? IDLE : quiet, 0);
    put(&l, (transfer){ .read = true, .phase_ends = true }); /* phase 1 */
    if (v->load) {
        control(&l, 1, 1, OKAY, 0, false);
        read_is(&l, STATUS, IDLE | LOADING, CUT_IS_IN);
        noise(&l, v, 5);
    }
    control(&l, 1, 1, OKAY, 0, true); /* phase 2 */
    if (v->load) read_is(&l, STATUS, IDLE | LOADING, 0);
    put(&l, (transfer){ .read = true, .event = v->load ? LOAD_IS_IN : 0 });
    noise(&l, v, 10);
    if (!v->early) {
        read_is(&l, STATUS, quiet, 0);
        counters_are_zero(&l);
    }
    put(&l, (transfer){ .read = true, .phase_ends = true }); /* phase 3: images */
    if (!v->early) {
        control(&l, 1, 15, SLVERR, INSIDE, false);
        read_is(&l, STATUS, LOADED | seen, 0);
    }
    noise(&l, v, 20);
    read_is(&l, IMAGES_OUT, IMAGES, ALL_OUT);
    for (int twice = 0; twice < 2; twice++) {
        read_measured(&l, IMAGES_IN, 1);
        read_measured(&l, CYCLES_LOW, 3);
        read_is(&l, CYCLES_HIGH, 0, 0);
        for (uint32_t i = 0; i < 4; i++) read_measured(&l, STARVED + 4 * i, 4 + i);
        read_is(&l, STATUS, quiet | seen, 0);
        noise(&l, v, 10);
    }
    control(&l, 2, 14, OKAY, 0, false); /* not strobed: nothing is cleared */
    read_is(&l, IMAGES_OUT, IMAGES, 0);
    control(&l, 2, 1, OKAY, 0, false);
    counters_are_zero(&l);
    control(&l, 1, 1, OKAY, 0, true); /* a third load, which gets only two words */
    read_is(&l, STATUS, (v->load ? IDLE | LOADING : quiet) | seen, v->load ? THIRD_LOAD : 0);
    bench_close(l.f);
    return l.ops;
}

static void images(const char *dir, const variant *v, uint64_t seed)
{
    char name[32];
    snprintf(name, sizeof name, "%s_in.mem", v->prefix);
    FILE *in = bench_open(dir, name);
    snprintf(name, sizeof name, "%s_out.mem", v->prefix);
    FILE *out = bench_open(dir, name);
    const int bits = v->lanes * v->w;
    for (int i = 0; i < IMAGES * WORDS_IN; i++) {
        int64_t word[64] = { 0 };
        for (int b = 0; b < bits; b++) word[b] = (int64_t)(bench_random(&seed) & 1);
        word[bits] = (i % WORDS_IN == WORDS_IN - 1) ^ (v->misplaced && i == 3);
        bench_word(in, word, bits + 1, 1);
        word[bits] = i % WORDS_IN == WORDS_OUT - 1;
        if (i % WORDS_IN < WORDS_OUT) bench_word(out, word, bits + 1, 1);
    }
    bench_close(in);
    bench_close(out);
}

/* Rows of 100 bits travel in two words, the upper 28 bits of the second unused; rows of 64 bits in one. */
static void weights(const char *dir, uint64_t seed)
{
    FILE *load = bench_open(dir, "load.mem"), *a = bench_open(dir, "rows_a.mem"), *b = bench_open(dir, "rows_b.mem");
    FILE *cut = bench_open(dir, "cut.mem");
    for (int row = 0; row < 5; row++) {
        const unsigned long long low = bench_random(&seed), high = bench_random(&seed);
        fprintf(load, "%016llx\n%016llx\n", low, high);
        fprintf(a, "%09llx%016llx\n", high & 0xfffffffffu, low);
    }
    for (int row = 0; row < 3 + 2; row++) {
        const unsigned long long word = bench_random(&seed);
        fprintf(load, "%016llx\n", word);
        if (row < 3) fprintf(b, "%016llx\n", word);
    }
    for (int i = 0; i < CUT; i++) fprintf(cut, "%016llx\n", (unsigned long long)bench_random(&seed));
    bench_close(load);
    bench_close(a);
    bench_close(b);
    bench_close(cut);
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    FILE *tb = bench_open(argv[1], "tb.sv");
    const int n = sizeof variants / sizeof *variants;
    fprintf(tb, "module tb (input logic clk, input logic rst, output logic done, output logic [31:0] errors);\n"
                "    logic [%d:0] done_; logic [%d:0] errors_;\n"
                "    axi_pipeline_case pipeline (.clk(clk), .rst(rst), .done(done_[%d]), .errors(errors_[%d +: 32]));\n",
            n, 32 * n + 31, n, 32 * n);
    for (int i = 0; i < n; i++) {
        const variant *v = &variants[i];
        images(argv[1], v, (uint64_t)i + 10);
        fprintf(tb, "    control_case #(.LANES(%d), .W(%d), .WORDS_IN(%d), .WORDS_OUT(%d), .IMAGES(%d), .LOAD(%d), .CUT(%d),\n"
                    "        .STALL_BITS(%d), .OPS(%d), .STALL(%d), .EARLY(%d), .SEED(%d), .PREFIX(\"%s\")) case_%s (\n"
                    "        .clk(clk), .rst(rst), .done(done_[%d]), .errors(errors_[%d +: 32]));\n",
                v->lanes, v->w, WORDS_IN, WORDS_OUT, IMAGES, v->load, CUT, v->stall_bits,
                operations(argv[1], v, (uint64_t)i + 1), v->stall, v->early, 10 * i + 1, v->prefix, v->prefix, i, 32 * i);
    }
    weights(argv[1], 99);
    fprintf(tb, "    assign done = &done_;\n    assign errors = errors_[31:0]");
    for (int i = 1; i <= n; i++) fprintf(tb, " + errors_[%d +: 32]", 32 * i);
    fprintf(tb, ";\nendmodule\n");
    bench_close(tb);
    return 0;
}
