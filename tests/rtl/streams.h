/* streams: test benches in which every variant of a module stands between sources and a sink of its own. Port NAME has the
 * signals NAME_v, NAME_r, NAME_d and the words of NAME.mem, which the caller writes. A sink that is given a latency also
 * checks that the words came after that many cycles, in that many cycles. */
#ifndef SS_STREAMS_H
#define SS_STREAMS_H

#include "bench.h"

#include <stdarg.h>
#include <string.h>

typedef struct streams {
    const char *dir;
    FILE *tb;
    int sinks;       /* so far; sink i raises done_[i], counts errors_[i*32 +: 32] */
    int sources;
    uint64_t random;
} streams;

/* Chances of 256 that source and sink stall; the first is the measurement of rate and latency. */
static const int streams_stalls[][2] = { { 0, 0 }, { 100, 0 }, { 0, 100 }, { 90, 110 } };
enum { STREAMS_STALLS = 4, STREAMS_ANY = -1, STREAMS_MAX = 1000 };

static inline streams streams_open(const char *dir, uint64_t seed)
{
    streams s = { dir, bench_open(dir, "tb.sv"), 0, 0, seed };
    fprintf(s.tb, "module tb (input logic clk, input logic rst, output logic done, output logic [31:0] errors);\n"
                  "    logic [%d:0] done_; logic [%d:0] errors_;\n", STREAMS_MAX - 1, STREAMS_MAX * 32 - 1);
    return s;
}

static inline int64_t streams_between(streams *s, int64_t lo, int64_t hi)
{
    return lo + (int64_t)(bench_random(&s->random) % (uint64_t)(hi - lo + 1));
}

/* An element of `bits` bits, signed: extremes, values around 0 and values of every magnitude. */
static inline int64_t streams_element(streams *s, int bits)
{
    const int64_t most = ((int64_t)1 << (bits - 1)) - 1;
    switch (streams_between(s, 0, 7)) {
    case 0: return most;
    case 1: return -most - 1;
    case 2: return streams_between(s, -(most > 0), most > 0);
    case 3: return streams_between(s, -most - 1, most);
    default: return streams_between(s, -most - 1, most) >> streams_between(s, 0, bits - 1);
    }
}

/* The file of a port. */
static inline FILE *streams_file(streams *s, const char *name)
{
    char file[80];
    snprintf(file, sizeof file, "%s.mem", name);
    return bench_open(s->dir, file);
}

static inline void streams_source(streams *s, const char *name, int width, int words, int stall)
{
    fprintf(s->tb,
            "    logic %s_v, %s_r; logic [%d:0] %s_d;\n"
            "    tb_source #(.WIDTH(%d), .WORDS(%d), .FILE(\"%s.mem\"), .SEED(%d), .STALL(%d)) %s_source\n"
            "        (.clk(clk), .rst(rst), .valid(%s_v), .ready(%s_r), .data(%s_d));\n",
            name, name, width - 1, name, width, words, name, ++s->sources * 2 + 1, stall, name, name, name, name);
}

/* latency, span: cycles from the first word offered to the first taken, cycles in which all are taken; limit: cycles after
 * which the last must have been taken; or STREAMS_ANY. */
static inline void streams_sink(streams *s, const char *name, int width, int words, int stall, int latency, int span,
                                int limit)
{
    const int i = s->sinks++;
    fprintf(s->tb,
            "    logic %s_v, %s_r; logic [%d:0] %s_d; logic [31:0] %s_first, %s_last, %s_wrong;\n"
            "    tb_sink #(.WIDTH(%d), .WORDS(%d), .FILE(\"%s.mem\"), .SEED(%d), .STALL(%d), .NAME(\"%s\")) %s_sink\n"
            "        (.clk(clk), .rst(rst), .valid(%s_v), .ready(%s_r), .data(%s_d), .done(done_[%d]),\n"
            "         .errors(%s_wrong), .first(%s_first), .last(%s_last));\n",
            name, name, width - 1, name, name, name, name, width, words, name, i * 2 + 2, stall, name, name, name, name,
            name, i, name, name, name);
    fprintf(s->tb, "    bench_timing #(.NAME(\"%s\"), .LATENCY(%d), .SPAN(%d), .LIMIT(%d)) %s_timing\n"
                   "        (.clk(clk), .done(done_[%d] && !rst),\n"
                   "         .first(%s_first), .last(%s_last), .wrong(%s_wrong), .errors(errors_[%d +: 32]));\n",
            name, latency, span, limit, name, i, name, name, name, i * 32);
}

static inline void streams_emit(streams *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void streams_emit(streams *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(s->tb, format, args);
    va_end(args);
}

/* Connect ports in and out to the module under test, whose text so far ends before its ports. */
static inline void streams_connect(streams *s, const char *in, const char *out)
{
    streams_emit(s, "%s_dut (.clk(clk), .rst(rst), .in_valid(%s_v), .in_ready(%s_r), .in_data(%s_d),\n"
                    "        .out_valid(%s_v), .out_ready(%s_r), .out_data(%s_d));\n",
                 out, in, in, in, out, out, out);
}

static inline void streams_close(streams *s)
{
    fprintf(s->tb,
            "    integer i;\n    assign done = &done_[%d:0];\n"
            "    always_comb begin\n        errors = 0;\n"
            "        for (i = 0; i < %d; i = i + 1) errors = errors + errors_[i*32 +: 32];\n    end\nendmodule\n\n"
            "module bench_timing #(parameter NAME = \"\", parameter LATENCY = 0, parameter SPAN = 0,\n"
            "                      parameter LIMIT = 0) (\n"
            "    input logic clk, input logic done, input logic [31:0] first, input logic [31:0] last,\n"
            "    input logic [31:0] wrong, output logic [31:0] errors);\n"
            "    logic late, shown;\n"
            "    initial shown = 1'b0;\n"
            "    assign late = done && ((LATENCY >= 0 && first != 32'(1 + LATENCY)) ||\n"
            "                           (SPAN >= 0 && last - first + 1 != 32'(SPAN)) ||\n"
            "                           (LIMIT >= 0 && last > 32'(LIMIT)));\n"
            "    assign errors = wrong + 32'(late);\n"
            "    always_ff @(posedge clk) if (late && !shown) begin\n"
            "        shown <= 1'b1;\n"
            "        $display(\"%%s: latency %%0d, span %%0d, last %%0d; expected %%0d, %%0d, at most %%0d (-1: any)\",\n"
            "                 NAME, first - 1, last - first + 1, last, LATENCY, SPAN, LIMIT);\n    end\nendmodule\n",
            s->sinks - 1, s->sinks);
    bench_close(s->tb);
}

#endif
