// ss_broadcast_pixels: PIXELS broadcast engines that take the pixels in turn, behind a window of LANES*PIXELS lanes.
//
//     in -> ss_deal -> PIXELS times (ss_fifo -> ss_width -> ss_broadcast_core -> ss_fifo) -> ss_gather -> out
//
// Lanes of an engine wait for the fullest of them, and which that is differs from image to image; a map must be read in time,
// which takes lanes. Engines side by side read as much with fewer lanes each: what one pixel has more of than the next, they level
// out over the pixels that wait in the FIFOs (DEPTH window words, a pixel's at least) and as results (HELD words, a pixel's; 0: no
// FIFO, where the engine's own holds enough).
// In: per pixel C/(LANES*PIXELS) words of LANES*PIXELS*K elements, an engine's lanes of a word being neighbouring channels. Out, and
// the parameters that are not here: as of ss_broadcast_core. All engines have the same weights; the load stream has them PIXELS times.
module ss_broadcast_pixels #(
    parameter PIXELS = 2,
    parameter ROW = 8,         // pixels of a row
    parameter DEPTH = 32,
    parameter STYLE = "distributed",
    parameter HELD = 0,
    parameter HELD_STYLE = "distributed",
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
    parameter LISTS = 2,
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
    input  logic [PIXELS*LANES*K*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [SUMS*RES-1:0] out_data,
    input  logic [65:0] load_in,
    output logic [65:0] load_out,
    output logic loaded
);
    localparam WIDE = PIXELS * LANES * K * W;

    logic [PIXELS-1:0] word_valid, word_ready, sum_valid, sum_ready, all_loaded;
    logic [WIDE-1:0] word;
    logic [PIXELS*SUMS*RES-1:0] sums;
    logic [66*(PIXELS+1)-1:0] chain;
    assign chain[65:0] = load_in;
    assign load_out = chain[66*PIXELS +: 66];
    assign loaded = &all_loaded;

    ss_deal #(.WIDTH(WIDE), .N(PIXELS), .WORDS(PASSES * STEPS / PIXELS), .ROW(ROW)) u_deal (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
        .out_valid(word_valid), .out_ready(word_ready), .out_data(word));
    genvar i;
    generate
        for (i = 0; i < PIXELS; i = i + 1) begin : g_engine
            logic wide_valid, wide_ready, window_valid, window_ready, result_valid, result_ready;
            logic [WIDE-1:0] wide;
            logic [LANES*K*W-1:0] window;
            logic [SUMS*RES-1:0] result;
            logic [$clog2(DEPTH+1)-1:0] unused_level;
            ss_fifo #(.WIDTH(WIDE), .DEPTH(DEPTH), .STYLE(STYLE)) u_fifo (
                .clk(clk), .rst(rst), .in_valid(word_valid[i]), .in_ready(word_ready[i]), .in_data(word),
                .out_valid(wide_valid), .out_ready(wide_ready), .out_data(wide), .level(unused_level));
            ss_width #(.IN(PIXELS * LANES), .OUT(LANES), .W(K * W)) u_width (
                .clk(clk), .rst(rst), .in_valid(wide_valid), .in_ready(wide_ready), .in_data(wide),
                .out_valid(window_valid), .out_ready(window_ready), .out_data(window));
            ss_broadcast_core #(
                .W(W), .K(K), .LANES(LANES), .P(P), .CO(CO), .SUMS(SUMS), .PASSES(PASSES), .STEPS(STEPS), .FOLDS(FOLDS), .KEEP(KEEP),
                .ACC(ACC), .PRE(PRE), .LISTS(LISTS), .QUEUE(QUEUE), .RESULTS(RESULTS), .WEIGHT_STYLE(WEIGHT_STYLE),
                .WEIGHT_FILE(WEIGHT_FILE), .BIAS_FILE(BIAS_FILE), .ROM_STYLE(ROM_STYLE))
            u_core (
                .clk(clk), .rst(rst), .in_valid(window_valid), .in_ready(window_ready), .in_data(window),
                .out_valid(result_valid), .out_ready(result_ready), .out_data(result),
                .load_in(chain[66*i +: 66]), .load_out(chain[66*(i+1) +: 66]), .loaded(all_loaded[i]));
            if (HELD == 0) begin : g_straight
                assign sum_valid[i] = result_valid;
                assign result_ready = sum_ready[i];
                assign sums[i*SUMS*RES +: SUMS*RES] = result;
            end else begin : g_held
                logic [$clog2(HELD+1)-1:0] unused_held;
                ss_fifo #(.WIDTH(SUMS*RES), .DEPTH(HELD), .STYLE(HELD_STYLE)) u_held (
                    .clk(clk), .rst(rst), .in_valid(result_valid), .in_ready(result_ready), .in_data(result),
                    .out_valid(sum_valid[i]), .out_ready(sum_ready[i]), .out_data(sums[i*SUMS*RES +: SUMS*RES]),
                    .level(unused_held));
            end
        end
    endgenerate
    ss_gather #(.WIDTH(SUMS*RES), .N(PIXELS), .WORDS(PASSES * KEEP), .ROW(ROW)) u_gather (
        .clk(clk), .rst(rst), .in_valid(sum_valid), .in_ready(sum_ready), .in_data(sums),
        .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
