/* Mapping of logical memories to the blocks that the devices have.
 *
 * RAMB18 in simple dual port: 512x36, 1Kx18, 2Kx9, 4Kx4, 8Kx2, 16Kx1 (UG573, UG473); a RAMB36 is two of them side by
 * side. UltraRAM: 4Kx72, no other shape (UG573). LUT as ROM: 64x1 (two 32x1 may share one, which synthesis leaves
 * to the placer); as simple dual port RAM: eight LUTs hold
 * 64x7 or 32x14, the eighth is the write port (RAM64M8, RAM32M16, UG574). */
#include "cost/parts.h"

#include <math.h>

#define BRAM_MODES 6
#define NEVER (INT64_MAX / 2)

static const struct {
    int64_t depth, width;
} bram[BRAM_MODES] = { { 512, 36 }, { 1024, 18 }, { 2048, 9 }, { 4096, 4 }, { 8192, 2 }, { 16384, 1 } };

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* The least over guillotine tilings with modes lo..hi. Either whole columns of a mode are cut off and the rest of the
 * width is narrower, or whole rows are cut off and the rest of the depth is shallower. A rest narrower than a mode
 * gains only from deeper modes (further on in the table), a shallower one only from wider modes (before it). */
static int64_t tile(int64_t width, int64_t depth, int lo, int hi) {
    int64_t best = NEVER;
    for (int i = lo; i <= hi; i++) {
        int64_t w = bram[i].width, d = bram[i].depth, rows = ss_ceil_div(depth, d);
        int64_t blocks = ss_ceil_div(width, w) * rows;
        if (width > w && width % w != 0 && i < hi)
            blocks = least(blocks, width / w * rows + tile(width % w, depth, i + 1, hi));
        if (depth > d && depth % d != 0 && i > lo)
            blocks = least(blocks, depth / d * ss_ceil_div(width, w) + tile(width, depth % d, lo, i - 1));
        best = least(best, blocks);
        if (rows == 1) break; /* deeper modes are only narrower */
    }
    return best;
}

int64_t ss_bram18_blocks(int64_t width, int64_t depth) { return tile(width, depth, 0, BRAM_MODES - 1); }

bool ss_bram18_stacked(int64_t width, int64_t depth) {
    int64_t blocks = NEVER;
    for (int i = 0; i < BRAM_MODES; i++)
        if (bram[i].depth >= depth) blocks = least(blocks, ss_ceil_div(width, bram[i].width));
    return blocks > ss_bram18_blocks(width, depth);
}

int64_t ss_uram_blocks(int64_t width, int64_t depth) { return ss_ceil_div(width, 72) * ss_ceil_div(depth, 4096); }

/* LUTs that select one of n words of one bit: MUXF7/F8 join four LUTs for nothing, beyond that a LUT joins four. */
static int64_t select_luts(int64_t n) { return n <= 4 ? 0 : ss_ceil_div(ss_ceil_div(n, 4) - 1, 3); }

int64_t ss_rom_columns(int64_t width, int64_t depth) {
    if (depth > 12) return width;
    double all = ldexp(1, (int)depth);
    return (int64_t)(all * (1 - pow(1 - 1 / all, (double)width)) + 0.5);
}

int64_t ss_lut_rom(int64_t width, int64_t depth) {
    if (depth == 1) return 0; /* constants */
    width = ss_rom_columns(width, depth - 1); /* a column and its complement need one */
    int64_t n = ss_ceil_div(depth, 64);
    return width * (n + select_luts(n));
}

/* Blocks of 32 words or of 64, whichever cost less; choosing among them counts half a LUT a bit and block. */
int64_t ss_lut_ram(int64_t width, int64_t depth) {
    int64_t few = ss_ceil_div(depth, 64), many = ss_ceil_div(depth, 32);
    int64_t deep = 8 * ss_ceil_div(width, 7) * few, shallow = 8 * ss_ceil_div(width, 14) * many;
    return 2 * shallow + width * (many - few) < 2 * deep ? shallow : deep;
}

ss_resources ss_memory_map(ss_mem kind, int64_t width, int64_t depth) {
    ss_resources res = { { 0 } };
    if (kind == SS_MEM_LUT) res.r[SS_LUT] = ss_lut_rom(width, depth);
    if (kind == SS_MEM_BRAM) res.r[SS_BRAM18] = ss_bram18_blocks(width, depth);
    if (kind == SS_MEM_URAM) res.r[SS_URAM] = ss_uram_blocks(width, depth);
    return res;
}

/* LUTs worth spending to save one RAMB18: half of what the device has for each, as LUTs are also logic. */
static int64_t luts_a_bram(const ss_device *dev) { return dev->total.r[SS_LUT] / (2 * dev->total.r[SS_BRAM18]); }

static ss_mem cheaper_style(const ss_device *dev, int64_t luts, int64_t width, int64_t depth) {
    return luts <= ss_bram18_blocks(width, depth) * luts_a_bram(dev) ? SS_MEM_LUT : SS_MEM_BRAM;
}

ss_mem ss_buffer_style(const ss_device *dev, int64_t width, int64_t depth) {
    return depth == 1 ? SS_MEM_NONE : cheaper_style(dev, ss_lut_ram(width, depth), width, depth);
}

ss_mem ss_constants_style(const ss_device *dev, int64_t width, int64_t depth) {
    return cheaper_style(dev, ss_lut_rom(width, depth), width, depth);
}
