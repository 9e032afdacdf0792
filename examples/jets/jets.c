/* jets: makes toy calorimeter images of jets, as CIFAR-10-style records.
 *
 *   jets SEED COUNT OUT.bin
 *
 * Purpose: an example data set that needs no download. A record is one label byte and 3 x 32 x 32 bytes,
 * planar: electromagnetic calorimeter, hadronic calorimeter, tracks. Labels: 0 one prong (quark or gluon), 1
 * two prongs (W or Z boson), 2 three prongs (top quark). This is a toy Monte Carlo: it borrows the outline of
 * jet physics (opening angles from masses, collimated showers, pile-up) and none of its precision.
 *
 * Method: prongs from two-body kinematics, a shower of particles around each, uniform pile-up; every particle
 * leaves energy in the layers of a toy detector; the image is centred on the jet's axis, cells under the
 * detector's noise threshold are cut, and the square root of the energy is stored.
 *
 * Invariant: the bytes depend on SEED and COUNT alone, on every machine. Only +, -, *, / and sqrt are used,
 * which IEEE 754 rounds exactly; exponentials come from comparisons of uniforms (von Neumann), normals from
 * sums of uniforms, directions from points in a disc. Build with -ffp-contract=off.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "doubles must be evaluated as doubles (on 32-bit x86: -msse2 -mfpmath=sse)"
#endif

enum { SIDE = 32, LAYERS = 3, CLASSES = 3, MAX_PRONGS = 3 };
enum { ECAL, HCAL, TRACKS };

/* Energies in GeV, distances in the eta-phi plane. */
#define CELL 0.05
#define MASS_W 80.4
#define MASS_TOP 172.8
#define ENERGY_LOW 450.0
#define ENERGY_HIGH 750.0
#define PILE_UP_MEAN 260.0 /* particles in the image */
#define PILE_UP_ENERGY 1.8 /* mean of one */
#define SHOWER_MULTIPLICITY 9.0
#define SHOWER_WIDTH 0.06
#define HARD_SPLIT 0.70  /* how often a one-prong jet radiates hard: what makes the classes overlap */
#define STORE_SCALE 22.0 /* byte = STORE_SCALE * sqrt(energy) */
static const double cell_noise[LAYERS] = { 0.25, 0.45, 0.0 };
static const double cell_threshold[LAYERS] = { 0.5, 0.9, 0.5 };

/* ---- random numbers: splitmix64 ---- */

typedef struct rng {
    uint64_t state;
} rng;

static uint64_t next_bits(rng *r) {
    uint64_t z = (r->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static double uniform(rng *r) {
    return (double)(next_bits(r) >> 11) * 0x1p-53;
}
static double between(rng *r, double lo, double hi) {
    return lo + (hi - lo) * uniform(r);
}

/* Unit exponential. Von Neumann: a falling run of uniforms has odd length with probability exp(-first). */
static double exponential(rng *r) {
    for (double whole = 0;; whole += 1) {
        double first = uniform(r), last = first;
        int length = 1;
        for (double u = uniform(r); u < last; u = uniform(r)) {
            last = u;
            length++;
        }
        if (length % 2 == 1) return whole + first;
    }
}

/* Unit normal, good to 6 sigma: twelve uniforms. */
static double normal(rng *r) {
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += uniform(r);
    return sum;
}

/* Poisson: events of unit rate within the mean. */
static int poisson(rng *r, double mean) {
    int n = 0;
    for (double t = exponential(r); t < mean; t += exponential(r)) n++;
    return n;
}

typedef struct point {
    double x, y;
} point;

/* Drawn one after the other: C leaves the order within an initialiser open. */
static point in_square(rng *r, double half) {
    double x = between(r, -half, half);
    double y = between(r, -half, half);
    return (point){ x, y };
}

static point direction(rng *r) {
    for (;;) {
        point p = in_square(r, 1);
        double d2 = p.x * p.x + p.y * p.y;
        if (d2 < 1e-6 || d2 > 1) continue;
        double d = sqrt(d2);
        return (point){ p.x / d, p.y / d };
    }
}

/* ---- the jet: prongs ---- */

typedef struct prong {
    point at;
    double energy;
} prong;

/* Splits p in place into fractions z and 1-z, `angle` apart, about the same centre; the second part goes to
 * *other. */
static void split(rng *r, prong *p, double z, double angle, prong *other) {
    point d = direction(r);
    *other = (prong){ { p->at.x - z * angle * d.x, p->at.y - z * angle * d.y }, (1 - z) * p->energy };
    p->at = (point){ p->at.x + (1 - z) * angle * d.x, p->at.y + (1 - z) * angle * d.y };
    p->energy *= z;
}

/* Opening angle of a two-body decay into massless fractions z and 1-z. */
static double opening(double mass, double energy, double z) {
    return mass / (energy * sqrt(z * (1 - z)));
}

static int make_prongs(rng *r, int label, prong p[MAX_PRONGS]) {
    p[0] = (prong){ { 0, 0 }, between(r, ENERGY_LOW, ENERGY_HIGH) };
    if (label == 0) {
        if (uniform(r) > HARD_SPLIT) return 1;
        double top = uniform(r),
               z = 0.1 + 0.4 * (top * uniform(r)); /* soft emissions are the likelier ones */
        split(r, &p[0], z, between(r, 0.08, 0.55), &p[1]);
        return 2;
    }
    if (label == 1) {
        double z = between(r, 0.15, 0.85);
        split(r, &p[0], z, opening(MASS_W, p[0].energy, z), &p[1]);
        return 2;
    }
    double z = between(r, 0.2, 0.55); /* the b quark's part; the rest is a W, whose mass is taken off */
    double rest = sqrt(MASS_TOP * MASS_TOP - MASS_W * MASS_W / (1 - z));
    split(r, &p[0], z, opening(rest, p[0].energy, z), &p[1]);
    z = between(r, 0.15, 0.85);
    split(r, &p[1], z, opening(MASS_W, p[1].energy, z), &p[2]);
    return 3;
}

/* ---- the detector ---- */

typedef struct image {
    double cell[LAYERS][SIDE][SIDE];
} image;

static void deposit(image *im, int layer, point at, double energy) {
    double x = at.x / CELL + SIDE / 2, y = at.y / CELL + SIDE / 2;
    if (x >= 0 && x < SIDE && y >= 0 && y < SIDE) im->cell[layer][(int)y][(int)x] += energy;
}

/* The hadronic calorimeter is coarse: a shower spreads over 2 x 2 cells. */
static void deposit_wide(image *im, point at, double energy) {
    for (int i = 0; i < 4; i++) {
        point p = { at.x + (i % 2 ? 0.5 : -0.5) * CELL, at.y + (i / 2 ? 0.5 : -0.5) * CELL };
        deposit(im, HCAL, p, energy / 4);
    }
}

/* A particle is a photon (1/4), a neutral hadron (1/8) or a charged hadron, each with its own response. */
static void detect(rng *r, image *im, point at, double energy, double track_efficiency) {
    double kind = uniform(r), resolution = 1 + 0.1 * normal(r);
    double seen = energy * (resolution > 0 ? resolution : 0);
    if (kind < 0.25) {
        deposit(im, ECAL, at, seen);
        return;
    }
    double early = 0.4 * uniform(r); /* part of a hadron shower that begins in front */
    deposit(im, ECAL, at, early * seen);
    deposit_wide(im, at, (1 - early) * seen);
    if (kind > 0.375 && uniform(r) < track_efficiency) deposit(im, TRACKS, at, energy);
}

/* ---- showers, pile-up ---- */

static void shower(rng *r, image *im, prong p, point axis) {
    double share[64], sum = 0;
    int n = 3 + poisson(r, SHOWER_MULTIPLICITY);
    if (n > 64) n = 64;
    for (int i = 0; i < n; i++) sum += share[i] = exponential(r) * exponential(r);
    for (int i = 0; i < n; i++) {
        double z = share[i] / sum,
               spread = SHOWER_WIDTH * exponential(r) / (0.3 + z * n / 2); /* soft flies wide */
        point d = direction(r), at = { p.at.x - axis.x + spread * d.x, p.at.y - axis.y + spread * d.y };
        detect(r, im, at, z * p.energy, 0.9);
    }
}

static void pile_up(rng *r, image *im) {
    int n = poisson(r, PILE_UP_MEAN * between(r, 0.5, 1.5));
    for (int i = 0; i < n; i++) {
        point at = in_square(r, CELL * SIDE / 2);
        detect(r, im, at, PILE_UP_ENERGY * exponential(r),
               0.3); /* tracks of other vertices are mostly removed */
    }
}

static uint8_t store(double energy) {
    double v = STORE_SCALE * sqrt(energy);
    return v >= 255 ? 255 : (uint8_t)v;
}

static void make_record(rng *r, uint8_t record[1 + LAYERS * SIDE * SIDE]) {
    image im = { 0 };
    prong p[MAX_PRONGS];
    int label = (int)(next_bits(r) % CLASSES), n = make_prongs(r, label, p);
    point axis =
        in_square(r, 0.04); /* prongs are made about the jet's axis, which is known to a cell or so */
    for (int i = 0; i < n; i++) shower(r, &im, p[i], axis);
    pile_up(r, &im);
    *record++ = (uint8_t)label;
    for (int l = 0; l < LAYERS; l++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                double e = im.cell[l][y][x] + (cell_noise[l] > 0 ? cell_noise[l] * normal(r) : 0);
                *record++ = e > cell_threshold[l] ? store(e) : 0;
            }
}

/* ---- program ---- */

static int parse(const char *text, uint64_t max, uint64_t *out) {
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || v > max) return 0;
    *out = v;
    return 1;
}

int main(int argc, char **argv) {
    uint64_t seed, count;
    if (argc != 4 || !parse(argv[1], UINT64_MAX, &seed) || !parse(argv[2], 10000000, &count) || count == 0) {
        fprintf(stderr, "usage: jets SEED COUNT OUT.bin   (COUNT: 1 to 10000000)\n");
        return 2;
    }
    FILE *f = fopen(argv[3], "wb");
    int ok = f != NULL;
    for (uint64_t i = 0; ok && i < count; i++) {
        uint8_t record[1 + LAYERS * SIDE * SIDE];
        rng r = { seed * UINT64_C(0x9E3779B97F4A7C15) + i };
        r.state = next_bits(&r); /* one stream for each record: a longer file begins with the shorter one */
        make_record(&r, record);
        ok = fwrite(record, sizeof record, 1, f) == 1;
    }
    if (f && fclose(f) != 0) ok = 0;
    if (!ok) fprintf(stderr, "jets: %s: %s\n", argv[3], strerror(errno));
    return ok ? 0 : 2;
}
