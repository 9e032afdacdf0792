// ss_node_avgpool: averages over windows, or over one window an image (HO = WO = 1).
//
//   in -> ss_width -> ss_window -> ss_pool_avg -> ss_width -> ss_requantise -> ss_relu -> ss_slice -> out
//   in -> ss_width ->      ss_pool_global      -> ss_width -> ss_requantise -> ss_relu -> ss_slice -> out
//
// The division is the multiplier of the requantisation. Where padding is left out of the divisor SCALE_FILE has a row for every
// number of elements inside the map; sums are then requantised as they come, before the last change of width.
// The pool works on as many channels at once as the busier side has lanes.
module ss_node_avgpool #(
    parameter W = 16,
    parameter C = 4,
    parameter H = 4,
    parameter WD = 4,
    parameter HO = 2,
    parameter WO = 2,
    parameter KH = 2,
    parameter KW = 2,
    parameter SH = 2,
    parameter SW = 2,
    parameter PT = 0,
    parameter PL = 0,
    parameter LANES_IN = 2,
    parameter LANES_OUT = 2,
    parameter ROWS = KH + (SH < KH ? SH : KH) - 1,
    parameter CACHE = 1,
    parameter ROW_STYLE = "distributed",
    parameter ACC = W + $clog2(KH * KW),
    parameter PRE = 0,
    parameter MULT = 65536,
    parameter SHIFT = 18,
    parameter SCALE_FILE = "",
    parameter SHIFT_LO = 1,
    parameter SHIFT_HI = 45,
    parameter LO = -(1 << (W - 1)),
    parameter HI = (1 << (W - 1)) - 1,
    parameter ACT = 0,
    parameter THR = 0,
    parameter CEILING = HI,
    parameter THR_FILE = "",
    parameter ROM_STYLE = "distributed"
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [LANES_IN*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES_OUT*W-1:0] out_data
);
    localparam LANES = LANES_IN > LANES_OUT ? LANES_IN : LANES_OUT;
    localparam K = KH * KW;
    localparam CW = $clog2(K + 1);
    localparam SUM = ACC - PRE;
    localparam TALL = KH - PT < H ? KH - PT : H;
    localparam BROAD = KW - PL < WD ? KW - PL : WD;

    logic wide_valid, wide_ready, sum_valid, sum_ready, valid, ready;
    logic [LANES*W-1:0] wide_data;
    logic [LANES*SUM-1:0] sum_data;
    logic [CW-1:0] count;
    logic [LANES_OUT*W-1:0] data;
    ss_width #(.IN(LANES_IN), .OUT(LANES), .W(W)) u_width_in
        (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
         .out_valid(wide_valid), .out_ready(wide_ready), .out_data(wide_data));
    generate
        if (HO == 1 && WO == 1) begin : g_global
            assign count = CW'(TALL * BROAD);
            ss_pool_global #(.LANES(LANES), .W(W), .DEEP(C / LANES), .H(H), .WD(WD), .TALL(TALL), .BROAD(BROAD), .SUM(ACC),
                             .PRE(PRE)) u_pool
                (.clk(clk), .rst(rst), .in_valid(wide_valid), .in_ready(wide_ready), .in_data(wide_data),
                 .out_valid(sum_valid), .out_ready(sum_ready), .out_data(sum_data));
        end else begin : g_windows
            logic window_valid, window_ready;
            logic [LANES*K*W-1:0] window_data;
            logic [K-1:0] mask;
            ss_window #(.S(LANES), .W(W), .DEEP(C / LANES), .H(H), .WD(WD), .KH(KH), .KW(KW), .SH(SH), .SW(SW), .PT(PT),
                        .PL(PL), .HO(HO), .WO(WO), .ROWS(ROWS), .CACHE(CACHE), .STYLE(ROW_STYLE)) u_window
                (.clk(clk), .rst(rst), .in_valid(wide_valid), .in_ready(wide_ready), .in_data(wide_data),
                 .out_valid(window_valid), .out_ready(window_ready), .out_data(window_data), .out_mask(mask));
            ss_pool_avg #(.LANES(LANES), .W(W), .K(K), .SUM(ACC), .PRE(PRE), .COUNTED(SCALE_FILE != "" ? 1 : 0)) u_pool
                (.clk(clk), .rst(rst), .in_valid(window_valid), .in_ready(window_ready), .in_data(window_data),
                 .in_mask(mask), .out_valid(sum_valid), .out_ready(sum_ready), .out_data(sum_data), .out_count(count));
        end

        if (SCALE_FILE != "") begin : g_varies
            logic mean_valid, mean_ready;
            logic [LANES*W-1:0] mean_data;
            ss_rescale #(.LANES(LANES), .IN(SUM), .W(W), .ROWS(K + 1), .SHARED(1), .FILE(SCALE_FILE), .STYLE(ROM_STYLE),
                         .SHIFT_LO(SHIFT_LO), .SHIFT_HI(SHIFT_HI), .LO(LO), .HI(HI)) u_rescale
                (.clk(clk), .rst(rst), .in_valid(sum_valid), .in_ready(sum_ready), .in_row(count), .in_data(sum_data),
                 .out_valid(mean_valid), .out_ready(mean_ready), .out_data(mean_data));
            ss_width #(.IN(LANES), .OUT(LANES_OUT), .W(W)) u_width_out
                (.clk(clk), .rst(rst), .in_valid(mean_valid), .in_ready(mean_ready), .in_data(mean_data),
                 .out_valid(valid), .out_ready(ready), .out_data(data));
        end else begin : g_constant
            logic part_valid, part_ready, unused;
            logic [LANES_OUT*SUM-1:0] part_data;
            assign unused = &{1'b0, count};
            ss_width #(.IN(LANES), .OUT(LANES_OUT), .W(SUM)) u_width_out
                (.clk(clk), .rst(rst), .in_valid(sum_valid), .in_ready(sum_ready), .in_data(sum_data),
                 .out_valid(part_valid), .out_ready(part_ready), .out_data(part_data));
            ss_requantise #(.LANES(LANES_OUT), .IN(SUM), .W(W), .CHANNELS(C), .LO(LO), .HI(HI), .MULT(MULT),
                            .SHIFT(SHIFT)) u_requantise
                (.clk(clk), .rst(rst), .in_valid(part_valid), .in_ready(part_ready), .in_data(part_data),
                 .out_valid(valid), .out_ready(ready), .out_data(data));
        end
    endgenerate
    ss_node_end #(.LANES(LANES_OUT), .W(W), .CHANNELS(C), .ACT(ACT), .THR(THR), .CEILING(CEILING), .THR_FILE(THR_FILE),
                  .ROM_STYLE(ROM_STYLE), .LO(LO)) u_end
        (.clk(clk), .rst(rst), .in_valid(valid), .in_ready(ready), .in_data(data),
         .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
