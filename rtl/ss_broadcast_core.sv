// ss_broadcast_core: the broadcast engine: window words in, result words out.
//
//     in -> ss_fork -> S = LANES*P streams (ss_broadcast_stream) -> join: ss_adder_tree, bias -> ss_fifo -> out
//
// In: per pixel PASSES*STEPS words of LANES*K elements. Out: per pixel PASSES*FOLDS*BEATS words of SUMS lanes of
// RES = ACC - PRE bits, BEATS = CO/SUMS. Stream l*P + p has lane l's positions k with k mod P = p, position k being its element k/P.
// A pixel's non-zeros are compacted once and replayed for every fold of CO filters: stream i is busy
// FOLDS * max(BEATS, its non-zeros) cycles, and streams meet when a fold's sums are joined, RESULTS folds apart at most.
// From a stream's result word to the output LEVELS + 2 cycles, LEVELS = max(2, ceil(log2 S)). Weights, streams' formulas:
// docs/hardware.md, "Broadcast engine".
module ss_broadcast_core #(
    parameter W = 16,
    parameter K = 9,
    parameter LANES = 1,
    parameter P = 1,
    parameter CO = 4,
    parameter SUMS = CO,
    parameter PASSES = 1,
    parameter STEPS = 4,
    parameter FOLDS = 2,
    parameter ACC = 40,
    parameter PRE = 13,
    parameter LISTS = 2,   // full lists that the list memory holds; any number of shorter ones up to 8
    parameter QUEUE = 0,
    parameter RESULTS = 2 * FOLDS > 16 / (CO / SUMS) + 2 ? 2 * FOLDS : 16 / (CO / SUMS) + 2,
    parameter WEIGHT_STYLE = "block",
    parameter WEIGHT_FILE = "", // without _I.mem
    parameter BIAS_FILE = "",
    parameter ROM_STYLE = "distributed",
    parameter RES = ACC - PRE // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [LANES*K*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [SUMS*RES-1:0] out_data,
    input  logic [65:0] load_in,
    output logic [65:0] load_out,
    output logic loaded
);
    localparam S = LANES * P;
    localparam LEVELS = S > 4 ? $clog2(S) : 2;
    localparam OUTS = LEVELS + 4 > 32 ? LEVELS + 4 : 32;
    localparam OW = $clog2(OUTS + 1);
    localparam ROWS = PASSES * FOLDS * (CO / SUMS);
    localparam AW = ROWS > 1 ? $clog2(ROWS) : 1;

    logic [S-1:0] part_valid, part_ready, sum_valid, all_loaded;
    logic [LANES*K*W-1:0] window;
    logic [S*SUMS*ACC-1:0] parts;
    logic [66*(S+1)-1:0] chain;
    assign chain[65:0] = load_in;
    assign load_out = chain[66*S +: 66];
    assign loaded = &all_loaded;

    ss_fork #(.WIDTH(LANES*K*W), .N(S)) u_fork (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
        .out_valid(part_valid), .out_ready(part_ready), .out_data(window));

    logic join_now;
    genvar i, k, o;
    generate
        for (i = 0; i < S; i = i + 1) begin : g_stream
            localparam FIRST = i % P;
            localparam N = (K - FIRST + P - 1) / P;
            localparam DIGITS = i < 10 ? 1 : i < 100 ? 2 : i < 1000 ? 3 : 4;
            localparam [31:0] NUMBER = {8'(48 + i / 1000), 8'(48 + i / 100 % 10), 8'(48 + i / 10 % 10), 8'(48 + i % 10)};
            localparam DEPTH = N * STEPS * FOLDS * PASSES;
            localparam WAW = DEPTH > 1 ? $clog2(DEPTH) : 1;
            logic [N*W-1:0] part;
            logic [WAW-1:0] addr;
            logic [CO*W-1:0] weights;
            for (k = 0; k < N; k = k + 1) begin : g_position
                assign part[k*W +: W] = window[(i / P * K + FIRST + k*P)*W +: W];
            end
            ss_broadcast_stream #(
                .W(W), .N(N), .STEPS(STEPS), .FOLDS(FOLDS), .PASSES(PASSES), .CO(CO), .SUMS(SUMS), .ACC(ACC),
                .LIST(LISTS*N*STEPS), .LISTS(8), .QUEUE(QUEUE), .RESULTS(RESULTS))
            u_stream (
                .clk(clk), .rst(rst), .in_valid(part_valid[i]), .in_ready(part_ready[i]), .in_data(part),
                .out_valid(sum_valid[i]), .out_ready(join_now), .out_data(parts[i*SUMS*ACC +: SUMS*ACC]),
                .addr(addr), .weights(weights));
            ss_weights #(
                .WIDTH(CO*W), .DEPTH(DEPTH), .STYLE(WEIGHT_STYLE),
                .FILE({WEIGHT_FILE, "_", NUMBER[8*DIGITS-1:0], ".mem"}))
            u_weights (
                .clk(clk), .rst(rst), .addr(addr), .data(weights),
                .load_in(chain[66*i +: 66]), .load_out(chain[66*(i+1) +: 66]), .loaded(all_loaded[i]));
        end
    endgenerate

    // The join: nothing behind it stalls, for `places` counts what the output FIFO still takes.
    logic [OW-1:0] places, unused_level;
    logic [LEVELS-1:0] moving; // bit d: a word d + 1 cycles behind the join
    logic [AW-1:0] row;
    logic unused_row, result_valid, result_ready;
    logic [SUMS*ACC-1:0] bias;
    logic [SUMS*RES-1:0] result;
    assign join_now = &sum_valid && places != 0;
    always_ff @(posedge clk) begin
        if (rst) places <= OW'(OUTS);
        else if (join_now != (out_valid && out_ready)) places <= join_now ? places - 1'b1 : places + 1'b1;
        moving <= rst ? LEVELS'(0) : LEVELS'({moving, join_now});
        result_valid <= !rst && moving[LEVELS-1];
    end
    logic row_step; // a row's bias takes two cycles
    generate
        if (LEVELS == 2) begin : g_row_now
            assign row_step = join_now;
        end else begin : g_row_later
            assign row_step = moving[LEVELS-3];
        end
    endgenerate
    ss_wrap #(.N(ROWS)) u_row (.clk(clk), .rst(rst), .step(row_step), .last(unused_row), .count(row));
    ss_rom #(.WIDTH(SUMS*ACC), .DEPTH(ROWS), .STYLE(ROM_STYLE), .FILE(BIAS_FILE)) u_bias (
        .clk(clk), .en(1'b1), .addr(row), .data(bias));

    generate
        for (o = 0; o < SUMS; o = o + 1) begin : g_lane
            logic [S*ACC-1:0] terms;
            logic [ACC-1:0] sum, total;
            for (i = 0; i < S; i = i + 1) begin : g_term
                assign terms[i*ACC +: ACC] = parts[(i*SUMS + o)*ACC +: ACC];
            end
            ss_adder_tree #(.N(S), .IN(ACC), .MAX(ACC), .LEVELS(LEVELS)) u_tree (.clk(clk), .terms(terms), .sum(sum));
            always_ff @(posedge clk) total <= sum + bias[o*ACC +: ACC];
            assign result[o*RES +: RES] = total[ACC-1:PRE];
            if (PRE > 0) begin : g_dropped
                logic unused_low;
                assign unused_low = &{1'b0, total[PRE-1:0]};
            end
        end
    endgenerate
    ss_fifo #(.WIDTH(SUMS*RES), .DEPTH(OUTS), .STYLE("distributed")) u_out (
        .clk(clk), .rst(rst), .in_valid(result_valid), .in_ready(result_ready), .in_data(result),
        .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data), .level(unused_level));

`ifndef SYNTHESIS
    always @(posedge clk)
        if (!rst && result_valid && !result_ready) $fatal(1, "%m: no place for a result");
`endif
endmodule
