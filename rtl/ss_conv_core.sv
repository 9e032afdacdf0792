// ss_conv_core: the engine of a convolution: window words in, result words out.
//
//     in -> ss_front or ss_front_sparse -> (ss_weights -> ss_crossbar) -> ss_dot -> ss_accumulate -> ss_fifo -> out
//
// In: per pixel PASSES*STEPS words of S*K elements (S = GR*CI streams). Out: per pixel PASSES*FOLDS words of GR*CO lanes of
// RES = ACC - PRE bits. Order of work, weight images and lanes: docs/hardware.md.
// Cycles: a beat each, sum over windows of FOLDS * beats, as long as windows and places in the result FIFO are there.
//   beats: dense K/M; crossbar, max over the streams of max(1, ceil(nnz/M)).
// From the issue of a result's last beat to its way into the FIFO: LATENCY cycles.
// Nothing stalls behind the front: the FIFO holds RESULTS words, and a result is begun only when one is free.
module ss_conv_core #(
    parameter W = 16,
    parameter K = 9,
    parameter GR = 1,
    parameter CI = 1,
    parameter CO = 1,
    parameter M = 3,
    parameter CROSSBAR = 1,
    parameter PASSES = 1,
    parameter STEPS = 1,
    parameter FOLDS = 1,
    parameter ACC = 40,
    parameter PRE = 13,
    parameter WEIGHT_STYLE = "block",
    parameter WEIGHT_FILE = "", // without .mem
    parameter BIAS_FILE = "",
    parameter ROM_STYLE = "distributed",
    parameter RES = ACC - PRE // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [GR*CI*K*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [GR*CO*RES-1:0] out_data,
    input  logic [65:0] load_in,
    output logic [65:0] load_out,
    output logic loaded
);
    localparam S = GR * CI;
    localparam SPARSE = CROSSBAR != 0 && M < K;
    localparam LEVELS = $clog2(CI * M);
    localparam LATENCY = 5 + LEVELS + (SPARSE && M == 1 ? 1 : 0);
    localparam RESULTS = 1 << $clog2((STEPS > 1 ? FOLDS : 1) + LATENCY + 2);
    localparam PRODUCT = 2 * W - 1 < ACC ? 2 * W - 1 : ACC;
    localparam SUM = PRODUCT + LEVELS < ACC ? PRODUCT + LEVELS : ACC;

    logic [S*M*W-1:0] values;
    logic [S*CO*M*W-1:0] weights;
    logic [3:0] flags, sum_flags;
    logic [GR*CO*SUM-1:0] sums;
    logic result_valid, result_ready;
    logic [$clog2(RESULTS+1)-1:0] unused_level;
    logic [GR*CO*RES-1:0] result;

    genvar i, o;
    generate
        if (!SPARSE) begin : g_dense
            localparam DEPTH = PASSES * STEPS * FOLDS * (K / M);
            localparam AW = DEPTH > 1 ? $clog2(DEPTH) : 1;
            logic [AW-1:0] addr;
            ss_front #(.W(W), .K(K), .M(M), .S(S), .STEPS(STEPS), .FOLDS(FOLDS), .PASSES(PASSES), .RESULTS(RESULTS))
            u_front (
                .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
                .taken(out_valid && out_ready), .addr(addr), .values(values), .flags(flags));
            ss_weights #(.WIDTH(S*CO*M*W), .DEPTH(DEPTH), .STYLE(WEIGHT_STYLE), .FILE({WEIGHT_FILE, ".mem"}))
            u_weights (
                .clk(clk), .rst(rst), .addr(addr), .data(weights),
                .load_in(load_in), .load_out(load_out), .loaded(loaded));
        end else begin : g_sparse
            localparam DEPTH = PASSES * STEPS * FOLDS * (M == 1 ? K : 1);
            localparam AW = DEPTH > 1 ? $clog2(DEPTH) : 1;
            localparam ADDRS = M == 1 ? S : 1;
            localparam IW = $clog2(K);
            logic [ADDRS*AW-1:0] addr;
            logic [S*M*IW-1:0] idx;
            ss_front_sparse #(
                .W(W), .K(K), .M(M), .S(S), .STEPS(STEPS), .FOLDS(FOLDS), .PASSES(PASSES), .RESULTS(RESULTS))
            u_front (
                .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
                .taken(out_valid && out_ready), .addr(addr), .values(values), .idx(idx), .flags(flags));
            if (M == 1) begin : g_by_position
                logic [66*(S+1)-1:0] chain;
                logic [S-1:0] all_loaded;
                logic unused_ok;
                assign unused_ok = &{1'b0, idx};
                assign chain[65:0] = load_in;
                assign load_out = chain[66*S +: 66];
                assign loaded = &all_loaded;
                for (i = 0; i < S; i = i + 1) begin : g_stream
                    // The stream's number in decimal, as many digits as it has.
                    localparam DIGITS = i < 10 ? 1 : i < 100 ? 2 : i < 1000 ? 3 : 4;
                    localparam [31:0] NUMBER = {8'(48 + i / 1000), 8'(48 + i / 100 % 10), 8'(48 + i / 10 % 10),
                        8'(48 + i % 10)};
                    ss_weights #(.WIDTH(CO*W), .DEPTH(DEPTH), .STYLE(WEIGHT_STYLE),
                        .FILE({WEIGHT_FILE, "_", NUMBER[8*DIGITS-1:0], ".mem"}))
                    u_weights (
                        .clk(clk), .rst(rst), .addr(addr[i*AW +: AW]), .data(weights[i*CO*W +: CO*W]),
                        .load_in(chain[66*i +: 66]), .load_out(chain[66*(i+1) +: 66]), .loaded(all_loaded[i]));
                end
            end else begin : g_by_row
                logic [S*CO*K*W-1:0] window_weights;
                ss_weights #(.WIDTH(S*CO*K*W), .DEPTH(DEPTH), .STYLE(WEIGHT_STYLE), .FILE({WEIGHT_FILE, ".mem"}))
                u_weights (
                    .clk(clk), .rst(rst), .addr(addr), .data(window_weights),
                    .load_in(load_in), .load_out(load_out), .loaded(loaded));
                for (i = 0; i < S; i = i + 1) begin : g_stream
                    for (o = 0; o < CO; o = o + 1) begin : g_engine
                        ss_crossbar #(.K(K), .M(M), .W(W)) u_weights (
                            .data(window_weights[(i*CO + o)*K*W +: K*W]), .idx(idx[i*M*IW +: M*IW]),
                            .out(weights[(i*CO + o)*M*W +: M*W]));
                    end
                end
            end
        end
    endgenerate

    ss_dot #(.W(W), .GR(GR), .CI(CI), .CO(CO), .M(M), .ACC(ACC)) u_dot (
        .clk(clk), .values(values), .weights(weights), .sums(sums));
    // The flags leave the front with the values, and reach ss_accumulate two cycles before the sums.
    ss_flags #(.CYCLES(LEVELS)) u_flags (.clk(clk), .rst(rst), .in(flags), .out(sum_flags));
    ss_accumulate #(
        .LANES(GR*CO), .SUM(SUM), .ACC(ACC), .PRE(PRE), .STEPS(STEPS), .FOLDS(FOLDS), .PASSES(PASSES),
        .BIAS_FILE(BIAS_FILE), .ROM_STYLE(ROM_STYLE))
    u_accumulate (
        .clk(clk), .rst(rst), .flags(sum_flags), .sums(sums), .out_valid(result_valid), .out_data(result));
    ss_fifo #(.WIDTH(GR*CO*RES), .DEPTH(RESULTS), .STYLE(RESULTS > 64 ? "block" : "distributed")) u_results (
        .clk(clk), .rst(rst), .in_valid(result_valid), .in_ready(result_ready), .in_data(result),
        .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data), .level(unused_level));

`ifdef FORMAL
    always @(posedge clk) if (!rst) assert (!result_valid || result_ready);
`elsif SYNTHESIS
`else
    always @(posedge clk)
        if (!rst && result_valid && !result_ready) $fatal(1, "%m: no place for a result");
`endif
endmodule
