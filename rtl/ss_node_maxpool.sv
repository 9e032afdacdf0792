// ss_node_maxpool: maxima over windows, or over one window an image (HO = WO = 1).
//
//   in -> ss_width -> ss_window -> ss_pool_max -> ss_width -> ss_relu -> ss_slice -> out
//   in -> ss_width ->      ss_pool_global      -> ss_width -> ss_relu -> ss_slice -> out
//
// The pool works on as many channels at once as the busier side has lanes. LO is the least value of the input.
module ss_node_maxpool #(
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
    parameter LO = -(1 << (W - 1)),
    parameter ACT = 0,
    parameter THR = 0,
    parameter CEILING = (1 << (W - 1)) - 1,
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
    logic wide_valid, wide_ready, pool_valid, pool_ready, valid, ready;
    logic [LANES*W-1:0] wide_data, pool_data;
    logic [LANES_OUT*W-1:0] data;
    ss_width #(.IN(LANES_IN), .OUT(LANES), .W(W)) u_width_in
        (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
         .out_valid(wide_valid), .out_ready(wide_ready), .out_data(wide_data));
    generate
        if (HO == 1 && WO == 1) begin : g_global
            ss_pool_global #(.LANES(LANES), .W(W), .DEEP(C / LANES), .H(H), .WD(WD), .TALL(KH - PT < H ? KH - PT : H),
                             .BROAD(KW - PL < WD ? KW - PL : WD), .MAX(1)) u_pool
                (.clk(clk), .rst(rst), .in_valid(wide_valid), .in_ready(wide_ready), .in_data(wide_data),
                 .out_valid(pool_valid), .out_ready(pool_ready), .out_data(pool_data));
        end else begin : g_windows
            logic window_valid, window_ready, unused;
            logic [LANES*K*W-1:0] window_data;
            logic [K-1:0] mask;
            assign unused = &{1'b0, mask};
            ss_window #(.S(LANES), .W(W), .DEEP(C / LANES), .H(H), .WD(WD), .KH(KH), .KW(KW), .SH(SH), .SW(SW), .PT(PT),
                        .PL(PL), .HO(HO), .WO(WO), .ROWS(ROWS), .CACHE(CACHE), .PAD(-(1 << (W - 1))),
                        .STYLE(ROW_STYLE)) u_window
                (.clk(clk), .rst(rst), .in_valid(wide_valid), .in_ready(wide_ready), .in_data(wide_data),
                 .out_valid(window_valid), .out_ready(window_ready), .out_data(window_data), .out_mask(mask));
            ss_pool_max #(.LANES(LANES), .W(W), .K(K)) u_pool
                (.clk(clk), .rst(rst), .in_valid(window_valid), .in_ready(window_ready), .in_data(window_data),
                 .out_valid(pool_valid), .out_ready(pool_ready), .out_data(pool_data));
        end
    endgenerate
    ss_width #(.IN(LANES), .OUT(LANES_OUT), .W(W)) u_width_out
        (.clk(clk), .rst(rst), .in_valid(pool_valid), .in_ready(pool_ready), .in_data(pool_data),
         .out_valid(valid), .out_ready(ready), .out_data(data));
    ss_node_end #(.LANES(LANES_OUT), .W(W), .CHANNELS(C), .ACT(ACT), .THR(THR), .CEILING(CEILING), .THR_FILE(THR_FILE),
                  .ROM_STYLE(ROM_STYLE), .LO(LO)) u_end
        (.clk(clk), .rst(rst), .in_valid(valid), .in_ready(ready), .in_data(data),
         .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
