// ss_broadcast_core: the broadcast engine: window words in, result words out.
//
//     in -> ss_share -> ss_fork -> S = LANES*P streams (ss_broadcast_stream) -> ss_broadcast_join -> out
//
// In: per pixel PASSES*STEPS words of LANES*K elements. Out: per pixel PASSES*KEEP words of SUMS lanes of RES = ACC - PRE bits,
// KEEP = FOLDS*BEATS, BEATS = CO/SUMS, or fewer when the last fold's last lanes have no filters: a CO that does not divide them.
// Stream l*P + p has part p of lane l's positions, each word another one (ss_share).
// A pixel's non-zeros are compacted once and replayed for every fold of CO filters: stream i is busy
// FOLDS * max(BEATS, its non-zeros) cycles, and streams meet when a fold's sums are joined, RESULTS folds apart at most.
// Weights, streams' formulas: docs/hardware.md, "Broadcast engine".
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
    parameter KEEP = FOLDS * (CO / SUMS),
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
    localparam N = (K + P - 1) / P;               // elements of a part
    localparam ROWS = (STEPS * K + P - 1) / P;    // of a list
    localparam DEPTH = ROWS * FOLDS * PASSES;     // of a stream's weights
    localparam WAW = DEPTH > 1 ? $clog2(DEPTH) : 1;

    logic [S-1:0] part_valid, part_ready, sum_valid, all_loaded;
    logic [LANES*K*W-1:0] window;
    logic [S*N*W-1:0] shares;
    logic [P-1:0] fewer;
    logic [S*SUMS*ACC-1:0] parts;
    logic [66*(S+1)-1:0] chain;
    assign chain[65:0] = load_in;
    assign load_out = chain[66*S +: 66];
    assign loaded = &all_loaded;

    ss_fork #(.WIDTH(LANES*K*W), .N(S)) u_fork (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
        .out_valid(part_valid), .out_ready(part_ready), .out_data(window));

    ss_share #(.W(W), .K(K), .P(P), .LANES(LANES), .STEPS(STEPS)) u_share (
        .clk(clk), .rst(rst), .step(in_valid && in_ready), .window(window), .parts(shares), .fewer(fewer));

    logic sum_ready;
    genvar i;
    generate
        for (i = 0; i < S; i = i + 1) begin : g_stream
            localparam DIGITS = i < 10 ? 1 : i < 100 ? 2 : i < 1000 ? 3 : 4;
            localparam [31:0] NUMBER = {8'(48 + i / 1000), 8'(48 + i / 100 % 10), 8'(48 + i / 10 % 10), 8'(48 + i % 10)};
            logic [WAW-1:0] addr;
            logic [CO*W-1:0] weights;
            ss_broadcast_stream #(
                .W(W), .N(N), .STEPS(STEPS), .FOLDS(FOLDS), .PASSES(PASSES), .CO(CO), .SUMS(SUMS), .ACC(ACC),
                .ROWS(ROWS), .LIST(LISTS*ROWS), .LISTS(8), .QUEUE(QUEUE), .RESULTS(RESULTS))
            u_stream (
                .clk(clk), .rst(rst), .in_valid(part_valid[i]), .in_ready(part_ready[i]), .in_data(shares[i*N*W +: N*W]), .in_fewer(fewer[i % P]),
                .out_valid(sum_valid[i]), .out_ready(sum_ready), .out_data(parts[i*SUMS*ACC +: SUMS*ACC]),
                .addr(addr), .weights(weights));
            ss_weights #(
                .WIDTH(CO*W), .DEPTH(DEPTH), .STYLE(WEIGHT_STYLE),
                .FILE({WEIGHT_FILE, "_", NUMBER[8*DIGITS-1:0], ".mem"}))
            u_weights (
                .clk(clk), .rst(rst), .addr(addr), .data(weights),
                .load_in(chain[66*i +: 66]), .load_out(chain[66*(i+1) +: 66]), .loaded(all_loaded[i]));
        end
    endgenerate

    ss_broadcast_join #(
        .S(S), .SUMS(SUMS), .ACC(ACC), .PRE(PRE), .ROWS(PASSES * KEEP), .WORDS(FOLDS * (CO / SUMS)), .KEEP(KEEP),
        .BIAS_FILE(BIAS_FILE), .ROM_STYLE(ROM_STYLE))
    u_join (
        .clk(clk), .rst(rst), .in_valid(sum_valid), .in_ready(sum_ready), .in_data(parts),
        .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
