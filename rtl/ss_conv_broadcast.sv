// ss_conv_broadcast: ss_conv with the broadcast engine: each pixel's non-zeros are listed once and replayed for every CO filters.
//
//     in -> ss_width -> ss_window -> ss_broadcast_core -> ss_width -> ss_requantise -> ss_relu -> out
//
// PIXELS > 1: so many engines of LANES lanes behind a window of LANES*PIXELS, which take pixels in turn (ss_broadcast_pixels).
//
// Parameters as of ss_conv, but for the folding: LANES channels side by side (divides C/G), P streams a lane (1..K), CO filters at a
// time (up to F/G, which it need not divide: the last fold has the rest), SUMS of them joined at a time (divides CO and F/G, so that
// no word has both filters and none). Groups follow one another. Memory images, cycles: docs/hardware.md, "Broadcast engine".
// Illegal foldings do not elaborate.
module ss_conv_broadcast #(
    parameter W = 16,
    parameter C = 4,
    parameter F = 4,
    parameter G = 1,
    parameter H = 8,
    parameter WD = 8,
    parameter KH = 3,
    parameter KW = 3,
    parameter SH = 1,
    parameter SW = 1,
    parameter PT = 1,
    parameter PL = 1,
    parameter HO = 8,
    parameter WO = 8,
    parameter LANES_IN = 1,
    parameter LANES_OUT = 1,
    parameter LANES = 1,
    parameter PIXELS = 1,
    parameter PIXEL_DEPTH = 32,
    parameter PIXEL_STYLE = "distributed",
    parameter HELD = 0,
    parameter HELD_STYLE = "distributed",
    parameter P = 1,
    parameter CO = 1,
    parameter SUMS = CO,
    parameter LISTS = 2,
    parameter QUEUE = 0,
    parameter FOLDS = (F / G + CO - 1) / CO, // derived: leave it alone
    parameter RESULTS = 2 * FOLDS > 16 / (CO / SUMS) + 2 ? 2 * FOLDS : 16 / (CO / SUMS) + 2,
    parameter ROWS = KH + (SH < KH ? SH : KH) - 1,
    parameter CACHE = 1,
    parameter ROW_STYLE = "distributed",
    parameter ACC = 40,
    parameter PRE = 13,
    parameter LO = -(1 << (W - 1)),
    parameter HI = (1 << (W - 1)) - 1,
    parameter MULT = 65536,
    parameter SHIFT = 17,
    parameter SHIFT_LO = 1,
    parameter SHIFT_HI = 45,
    parameter SCALE_FILE = "",
    parameter ACT = 1,
    parameter CEILING = (1 << (W - 1)) - 1,
    parameter THR = 0,
    parameter THR_FILE = "",
    parameter WEIGHT_STYLE = "block",
    parameter WEIGHT_FILE = "", // without _I.mem
    parameter BIAS_FILE = "",
    parameter ROM_STYLE = "distributed"
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [LANES_IN*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES_OUT*W-1:0] out_data,
    input  logic [65:0] load_in,
    output logic [65:0] load_out,
    output logic loaded
);
    localparam K = KH * KW;
    localparam STEPS = C / (G * LANES); // words of a pixel and group, of an engine
    localparam WIDE = LANES * PIXELS;   // lanes of the window
    localparam RES = ACC - PRE;

    logic pixel_valid, pixel_ready, window_valid, window_ready;
    logic [WIDE*W-1:0] pixel;
    logic [WIDE*K*W-1:0] window;
    logic [K-1:0] unused_mask; // padding is zeros here
    logic result_valid, result_ready, lane_valid, lane_ready, scaled_valid, scaled_ready;
    logic [SUMS*RES-1:0] result;
    logic [LANES_OUT*RES-1:0] lanes;
    logic [LANES_OUT*W-1:0] scaled;

    generate
        if (STEPS * G * LANES != C || STEPS % PIXELS != 0 || F % (G * SUMS) != 0 || CO > F / G || P < 1 || P > K || CO % SUMS != 0 || LISTS < 1 ||
            C % LANES_IN != 0 || F % LANES_OUT != 0 || RES > 27)
        begin : g_illegal
            ss_conv_broadcast_folding_is_illegal u_error ();
        end
    endgenerate

    ss_width #(.IN(LANES_IN), .OUT(WIDE), .W(W)) u_in (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
        .out_valid(pixel_valid), .out_ready(pixel_ready), .out_data(pixel));
    ss_window #(
        .S(WIDE), .W(W), .DEEP(C/WIDE), .H(H), .WD(WD), .KH(KH), .KW(KW), .SH(SH), .SW(SW), .PT(PT), .PL(PL), .HO(HO), .WO(WO),
        .ROWS(ROWS), .CACHE(CACHE), .PAD(0), .STYLE(ROW_STYLE))
    u_window (
        .clk(clk), .rst(rst), .in_valid(pixel_valid), .in_ready(pixel_ready), .in_data(pixel),
        .out_valid(window_valid), .out_ready(window_ready), .out_data(window), .out_mask(unused_mask));
    generate
        if (PIXELS == 1) begin : g_one
            ss_broadcast_core #(
                .W(W), .K(K), .LANES(LANES), .P(P), .CO(CO), .SUMS(SUMS), .PASSES(G), .STEPS(STEPS), .FOLDS(FOLDS),
                .KEEP(F / (G * SUMS)), .ACC(ACC), .PRE(PRE), .LISTS(LISTS), .QUEUE(QUEUE), .RESULTS(RESULTS),
                .WEIGHT_STYLE(WEIGHT_STYLE), .WEIGHT_FILE(WEIGHT_FILE), .BIAS_FILE(BIAS_FILE), .ROM_STYLE(ROM_STYLE))
            u_core (
                .clk(clk), .rst(rst), .in_valid(window_valid), .in_ready(window_ready), .in_data(window),
                .out_valid(result_valid), .out_ready(result_ready), .out_data(result),
                .load_in(load_in), .load_out(load_out), .loaded(loaded));
        end else begin : g_many
            ss_broadcast_pixels #(
                .PIXELS(PIXELS), .ROW(WO), .DEPTH(PIXEL_DEPTH), .STYLE(PIXEL_STYLE), .HELD(HELD), .HELD_STYLE(HELD_STYLE),
                .W(W), .K(K), .LANES(LANES), .P(P), .CO(CO), .SUMS(SUMS), .PASSES(G), .STEPS(STEPS), .FOLDS(FOLDS),
                .KEEP(F / (G * SUMS)), .ACC(ACC), .PRE(PRE), .LISTS(LISTS), .QUEUE(QUEUE), .RESULTS(RESULTS),
                .WEIGHT_STYLE(WEIGHT_STYLE), .WEIGHT_FILE(WEIGHT_FILE), .BIAS_FILE(BIAS_FILE), .ROM_STYLE(ROM_STYLE))
            u_engines (
                .clk(clk), .rst(rst), .in_valid(window_valid), .in_ready(window_ready), .in_data(window),
                .out_valid(result_valid), .out_ready(result_ready), .out_data(result),
                .load_in(load_in), .load_out(load_out), .loaded(loaded));
        end
    endgenerate
    ss_width #(.IN(SUMS), .OUT(LANES_OUT), .W(RES)) u_out (
        .clk(clk), .rst(rst), .in_valid(result_valid), .in_ready(result_ready), .in_data(result),
        .out_valid(lane_valid), .out_ready(lane_ready), .out_data(lanes));
    ss_requantise #(
        .LANES(LANES_OUT), .IN(RES), .W(W), .CHANNELS(F), .LO(LO), .HI(HI), .FILE(SCALE_FILE), .STYLE(ROM_STYLE),
        .SHIFT_LO(SHIFT_LO), .SHIFT_HI(SHIFT_HI), .MULT(MULT), .SHIFT(SHIFT))
    u_requantise (
        .clk(clk), .rst(rst), .in_valid(lane_valid), .in_ready(lane_ready), .in_data(lanes),
        .out_valid(scaled_valid), .out_ready(scaled_ready), .out_data(scaled));
    generate
        if (ACT != 0) begin : g_act
            ss_relu #(
                .LANES(LANES_OUT), .W(W), .CHANNELS(F), .CEILING(CEILING), .THR(THR), .FILE(THR_FILE), .STYLE(ROM_STYLE),
                .LO(LO))
            u_relu (
                .clk(clk), .rst(rst), .in_valid(scaled_valid), .in_ready(scaled_ready), .in_data(scaled),
                .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
        end else begin : g_plain
            assign out_valid = scaled_valid;
            assign scaled_ready = out_ready;
            assign out_data = scaled;
        end
    endgenerate

    ss_stream_check #(.WIDTH(LANES_OUT*W), .NAME("ss_conv_broadcast")) u_check (
        .clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
