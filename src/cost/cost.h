/* cost: cycles and resources of every module, as functions of folding, word width and window histogram.
 *
 * Cycles per image of a CONV with G groups (gr in parallel), ci input streams, co output streams, W = Ho*Wo:
 *   dense     (K/m) * (C/G/ci) * (F/G/co) * (G/gr) * W                     m divides K
 *   crossbar  (F/G/co) / gr * sum over steps of max(1, ceil(nnz_max/m))    1 <= m <= K
 *   broadcast (broadcast.c)  ci*m streams, m kernel parts, 1 <= m <= K; gr = 1; ci*co*m multipliers, so many for each of
 *                            `pixels` engines that take pixels in turn behind a window of ci*pixels lanes
 * gr > 1 only with ci = C/G and co = F/G, since lanes are neighbouring channels;
 * where a step is one window position of ci channels and nnz_max the largest count among them: the streams of a
 * step advance together (exact for a join at every window; an upper bound where buffers lie between).
 * and never less than H*W * (C/G/ci) * (G/gr), since each lane of a window (ss_window_lanes) takes one element a cycle.
 * Every other node: elements / lanes. Tensors travel `lanes` elements a word, the fewest that keep up.
 * A crossbar with m = K is the dense engine with m = K, in cycles and in hardware. With gr > 1 the groups' own steps
 * are taken as equal (the profile has no joint counts over groups): a mean, not a bound.
 *
 * Interval-dependent parts (stream lanes, requantise lanes) are sized for a target interval: the fewest lanes
 * that meet it, since resources go to the bottleneck alone.
 */
#ifndef SS_COST_H
#define SS_COST_H

#include "device/device.h"
#include "graph/graph.h"
#include "profile/profile.h"

typedef enum ss_engine_kind {
    SS_ENGINE_NONE, SS_ENGINE_DENSE, SS_ENGINE_CROSSBAR, SS_ENGINE_BROADCAST, SS_ENGINE_KINDS
} ss_engine_kind;
extern const char *const ss_engine_kind_names[SS_ENGINE_KINDS]; /* "none", "dense", "crossbar", "broadcast" */
#define SS_ENGINES_ALL (1u << SS_ENGINE_DENSE | 1u << SS_ENGINE_CROSSBAR | 1u << SS_ENGINE_BROADCAST) /* as in ss_cost_opts */

typedef enum ss_mem { SS_MEM_NONE, SS_MEM_LUT, SS_MEM_BRAM, SS_MEM_URAM, SS_MEM_KINDS } ss_mem;
extern const char *const ss_mem_names[SS_MEM_KINDS];

#define SS_JOIN_PLACES 32  /* result words behind a broadcast engine's join (ss_broadcast_join) */
#define SS_LISTS_WAITING 8 /* lists of any length that wait in a stream of a broadcast engine */

/* One way to build one node. */
typedef struct ss_config {
    ss_engine_kind engine;     /* NONE unless CONV */
    int32_t gr, ci, co, m;     /* CONV: legal values as above; 1 elsewhere */
    int32_t sums, queue, lists, results; /* broadcast: SUMS, QUEUE, LISTS, RESULTS of ss_conv_broadcast; 0 elsewhere */
    int32_t pixels;            /* broadcast: engines that take the pixels in turn, each with ci lanes; 0: one */
    ss_mem memory;             /* of the weights */
    int32_t lanes_in, lanes_out; /* elements a word on the node's input (first) and output streams */
    double cycles;             /* per image, expected */
    ss_resources res;          /* all of the node: engine, memories, buffers, converters, requantise */
} ss_config;

/* A convolution's engines that take pixels in turn, and the lanes of the window before them. */
#define SS_MOST_PIXELS 8 /* engines side by side */
static inline int64_t ss_pixels(const ss_config *cfg) { return cfg->pixels > 1 ? cfg->pixels : 1; }
static inline int64_t ss_window_lanes(const ss_config *cfg) { return (int64_t)cfg->gr * cfg->ci * ss_pixels(cfg); }

/* What simulation of a design taught about a node (sim/), taken as given here. Zeros: nothing. */
typedef struct ss_tuning {
    double stall;                /* CONV that skips zeros: it takes this many times the cycles of its windows; 0: 1 */
    int64_t room[SS_MAX_INPUTS]; /* ADD, CONCAT: elements in the FIFO of each input; 0: by the rule */
} ss_tuning;

typedef struct ss_cost_opts {
    int bits;                  /* 8 or 16 */
    unsigned engines;          /* bit 1 << kind; 0: SS_ENGINES_ALL */
    const ss_tuning *tuning;   /* [g->n], copied; NULL: none */
    bool raise_rooms;          /* it comes from another design: rooms are raised to what is safe in any */
} ss_cost_opts;

/* Identity of the coefficients that LUT and FF counts rest on; figures under different ones do not compare. */
uint64_t ss_cost_calibration(void);

typedef struct ss_cost ss_cost;
/* Precomputes expected cycles per step for every (ci, m). profile NULL: dense engines only. The graph must outlive it;
 * the device is copied, the profile is read here only. */
ss_status ss_cost_new(ss_ctx *ctx, const ss_graph *g, const ss_profile *p, const ss_device *dev, ss_cost_opts opts,
                      ss_cost **out);
void ss_cost_free(ss_cost *c);

/* [g->n]: the tuning in force, rooms raised; NULL: none. */
const ss_tuning *ss_cost_tuning(const ss_cost *c);

/* Every configuration of the node that takes at most `interval` cycles an image, resources filled in, not pruned. None
 * has more multipliers than the device has DSPs; crossbars with m = K are there only where the dense engine is not
 * allowed; of kernels with more than 64 positions not every m is. Fastest engines first, in one order for all
 * intervals: what is listed at an interval is a beginning of what is listed at any larger one (lanes, and with them
 * cycles and resources, differ). Writes at most cap, returns how many there are (call with cap 0 to count). */
int ss_cost_configs(const ss_cost *c, int32_t node, double interval, ss_config *out, int cap);
/* The same of at most `most` cycles, while streams are sized for `interval`: for latency some nodes are worth more speed
 * than others. */
int ss_cost_configs_beside(const ss_cost *c, int32_t node, double interval, double most, ss_config *out, int cap);
/* Of those at the last of `count` ascending intervals, in their order, the useful ones: without what takes no fewer cycles and
 * no less of any resource than another, at any interval (dense engines beside dense ones, the others beside the others); dense:
 * without engines that skip zeros. Cycles and resources are the least of each at the intervals at which it is listed. -1: out of
 * memory. */
int ss_cost_useful(const ss_cost *c, int32_t node, bool dense, const double *intervals, int count, ss_config *out, int cap);
/* Fill cycles and res of a given folding at a target interval. Illegal values: an error that lists the legal ones. */
ss_status ss_cost_eval(ss_ctx *ctx, const ss_cost *c, int32_t node, double interval, ss_config *cfg);
/* What a convolution's folding takes even when all activations are zero. */
double ss_cost_least_cycles(const ss_cost *c, int32_t node, const ss_config *cfg);
/* Multiplications an image whose activation is not zero, of the whole network; 0: no profile. */
double ss_cost_nonzero_macs(const ss_cost *c);
/* Smallest cycles any configuration of the node reaches; all distinct cycle counts, ascending (candidate intervals). */
double ss_cost_min_cycles(const ss_cost *c, int32_t node);
int ss_cost_cycle_steps(const ss_cost *c, int32_t node, double *out, int cap);

/* ---- what the generator builds by the same rules ---- */

/* Lanes of a stream: the smallest divisor l of channels with elements/l <= interval; channels when there is none. */
int32_t ss_lanes(int64_t elements, int32_t channels, double interval);
/* Words of `lanes` elements that the FIFO on an input of an ADD or CONCAT holds: as tuned, else so that no fork before
 * it stops for ever (docs/cost.md). */
int64_t ss_cost_skip_depth(const ss_cost *c, int32_t node, int32_t input, int32_t lanes);
/* FIFOs around each engine of a CONV with several `pixels`. Before it a pixel's window words, at least, for they come as fast as all
 * engines together take them; behind it a pixel's result words until it is their turn; 0: none, the engine has room for so few. */
int64_t ss_cost_pixel_waiting(int64_t words);
int64_t ss_cost_pixel_held(int64_t words);
/* What a buffer (FIFO, line buffer) or constants of that size are built of: LUT, BRAM, or NONE: registers (buffers one
 * word deep). */
ss_mem ss_buffer_style(const ss_device *dev, int64_t width, int64_t depth);
ss_mem ss_constants_style(const ss_device *dev, int64_t width, int64_t depth);
/* ROM_STYLE of a CONV: biases, multipliers and thresholds. */
ss_mem ss_cost_rom_style(const ss_cost *c, int32_t node, const ss_config *cfg);

/* Rows of a window's line buffer with which neither rows above nor rows below ever hold the stream up. */
int32_t ss_window_rows(const ss_window *w, ss_shape in, ss_shape out);
/* Does it keep the columns that neighbouring windows share? Not when the engine takes its time: cycles_a_window, the
 * least that it may take. */
bool ss_window_keeps_columns(const ss_window *w, ss_shape out, int64_t cycles_a_window);
/* The least for which the engine of a CONV may hold a window: kernel positions, filters of a group, folding. */
int64_t ss_window_held(int64_t kernel, int64_t filters, const ss_config *cfg);

/* What every partition needs besides its nodes: ports and control registers; DMA is the platform's. */
ss_resources ss_cost_partition_overhead(const ss_cost *c);

/* Cycles from the first input word of an image into nodes first..last to the last output word, pipeline empty before:
 * configs[i] belongs to node first + i. Formula in latency.c and docs/cost.md. NAN: out of memory. */
double ss_cost_latency(const ss_cost *c, int32_t first, int32_t last, const ss_config *configs);
/* Of it, what a cycle less of each node's work, and of its depth, takes away: arrays of last - first + 1. */
ss_status ss_cost_latency_slopes(const ss_cost *c, int32_t first, int32_t last, const ss_config *configs, double *cycles,
                                 double *depth);
/* Cycles that a word takes through the node's modules, whatever its work. */
double ss_cost_depth(const ss_cost *c, int32_t node, const ss_config *cfg);
/* Bits of weights that must be loaded over the load stream (URAM memories, on devices without uram_init). */
int64_t ss_cost_load_bits(const ss_cost *c, int32_t first, int32_t last, const ss_config *configs);
/* Bits an image moves in and out of a partition. */
int64_t ss_cost_io_bits(const ss_cost *c, int32_t first, int32_t last);
/* Seconds for a batch through one partition: (interval*batch + fill)/clock [+ reconfiguration + weight load], where
 * fill = max(0, latency - interval): the first image's own interval is not counted twice. Weights are loaded 64 bits a
 * clock cycle, or at the memory's bandwidth where that is less. */
double ss_cost_partition_seconds(const ss_cost *c, double interval, double latency, int64_t load_bits, int64_t batch,
                                 bool reconfigure);

#endif
