// ss_broadcast_stream: one stream of the broadcast engine: its part of the windows in, CO partial sums a fold out.
//
//     in -> (queue) -> ss_compact -> ss_replay -> (weights) -> ss_broadcast_lanes -> ss_fifo -> out
//
// The weight memory stands outside, so that streams are alike but for N: `weights` is row `addr`, two cycles later.
//
// In: STEPS words of N elements a pixel (and pass), N-1 with `in_fewer`, ROWS in all at most. Out: FOLDS folds of BEATS = CO/SUMS words of SUMS lanes.
// Busy FOLDS * max(BEATS, non-zeros) cycles a pixel, no bubbles; the next pixel's list is made meanwhile, in the sum over
// the words of max(1, non-zeros). From the issue of a fold's last beat to its first word: LATENCY = 9 cycles (11 with results in
// block RAM). A list can be replayed max(1, non-zeros) + 2 cycles after its last word was taken.
module ss_broadcast_stream #(
    parameter W = 16,
    parameter N = 9,
    parameter STEPS = 4,
    parameter FOLDS = 2,
    parameter PASSES = 1,
    parameter CO = 4,
    parameter SUMS = CO,
    parameter ACC = 40,
    parameter ROWS = N * STEPS,
    parameter LIST = 2 * ROWS,      // entries of the list memory, ROWS or more
    parameter LISTS = 8,
    parameter QUEUE = 0,            // words in front of the compaction
    parameter RESULTS = 16,         // folds that wait for the other streams
    parameter DEPTH = ROWS * FOLDS * PASSES, // rows of weights; derived: leave these alone
    parameter WAW = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [N*W-1:0] in_data,
    input  logic in_fewer,
    output logic out_valid,
    input  logic out_ready,
    output logic [SUMS*ACC-1:0] out_data,
    output logic [WAW-1:0] addr,
    input  logic [CO*W-1:0] weights
);
    localparam AW = ROWS > 1 ? $clog2(ROWS) : 1;
    localparam CW = $clog2(ROWS + 1);
    localparam BEATS = CO / SUMS;
    localparam WORDS = RESULTS * BEATS > 2 ? RESULTS * BEATS : 2;
    localparam BW = BEATS > 1 ? $clog2(BEATS) : 1;

    logic fewer, part_valid, part_ready, write, close, entry_freed, list_freed, taken, last_word, sum_valid, unused_ready;
    logic [N*W-1:0] part;
    logic [AW+W-1:0] entry;
    logic [CW-1:0] count;
    logic [W-1:0] value;
    logic [2:0] flags;
    logic [SUMS*ACC-1:0] sums;
    logic [BW-1:0] unused_word;
    logic [$clog2(WORDS+1)-1:0] unused_level;

    ss_skip #(.WIDTH(N*W + 1), .DEPTH(QUEUE), .STYLE("distributed")) u_queue (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data({in_fewer, in_data}),
        .out_valid(part_valid), .out_ready(part_ready), .out_data({fewer, part}));
    ss_compact #(.W(W), .N(N), .STEPS(STEPS), .ROWS(ROWS), .ROOM(LIST), .LISTS(LISTS)) u_compact (
        .clk(clk), .rst(rst), .in_valid(part_valid), .in_ready(part_ready), .in_data(part), .in_fewer(fewer),
        .write(write), .entry(entry), .close(close), .count(count), .entry_freed(entry_freed), .list_freed(list_freed));
    ss_replay #(
        .W(W), .ROWS(ROWS), .FOLDS(FOLDS), .PASSES(PASSES), .LEAST(BEATS), .ROOM(LIST), .LISTS(LISTS), .RESULTS(RESULTS))
    u_replay (
        .clk(clk), .rst(rst), .write(write), .entry(entry), .close(close), .count(count),
        .entry_freed(entry_freed), .list_freed(list_freed), .taken(taken), .addr(addr), .value(value), .flags(flags));
    ss_broadcast_lanes #(.W(W), .CO(CO), .SUMS(SUMS), .ACC(ACC)) u_lanes (
        .clk(clk), .rst(rst), .value(value), .weights(weights), .flags(flags), .out_valid(sum_valid), .out_data(sums));
    ss_fifo #(.WIDTH(SUMS*ACC), .DEPTH(WORDS), .STYLE(WORDS > 64 ? "block" : "distributed")) u_results (
        .clk(clk), .rst(rst), .in_valid(sum_valid), .in_ready(unused_ready), .in_data(sums),
        .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data), .level(unused_level));
    ss_wrap #(.N(BEATS)) u_word (
        .clk(clk), .rst(rst), .step(out_valid && out_ready), .last(last_word), .count(unused_word));
    assign taken = out_valid && out_ready && last_word;

`ifndef SYNTHESIS
    always @(posedge clk)
        if (!rst && sum_valid && !unused_ready) $fatal(1, "%m: no place for a result");
`endif
endmodule
