// ss_node_add: the join of a residual block.
//
//   a -> ss_skip -> ss_width -.
//                             ss_add -> ss_requantise -> ss_relu -> ss_slice -> out
//   b -> ss_skip -> ss_width -'
//
// The FIFOs hold A_DEPTH and B_DEPTH words as they come: what the other branch keeps inside it. The multiplier is 1: the
// inputs are shifted to one scale, and the sum is shifted back with rounding.
module ss_node_add #(
    parameter W = 16,
    parameter C = 4,
    parameter A_LANES = 2,
    parameter B_LANES = 2,
    parameter LANES_OUT = 2,
    parameter A_SHIFT = 1,
    parameter B_SHIFT = 1,
    parameter A_DEPTH = 2,
    parameter B_DEPTH = 2,
    parameter A_STYLE = "registers",
    parameter B_STYLE = "registers",
    parameter ACC = W + 2,
    parameter PRE = 0,
    parameter SHIFT = 1,
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
    input  logic a_valid,
    output logic a_ready,
    input  logic [A_LANES*W-1:0] a_data,
    input  logic b_valid,
    output logic b_ready,
    input  logic [B_LANES*W-1:0] b_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES_OUT*W-1:0] out_data
);
    localparam SUM = ACC - PRE;
    logic skip_a_valid, skip_a_ready, skip_b_valid, skip_b_ready;
    logic wide_a_valid, wide_a_ready, wide_b_valid, wide_b_ready;
    logic sum_valid, sum_ready, valid, ready;
    logic [A_LANES*W-1:0] skip_a_data;
    logic [B_LANES*W-1:0] skip_b_data;
    logic [LANES_OUT*W-1:0] wide_a_data, wide_b_data, data;
    logic [LANES_OUT*SUM-1:0] sum_data;

    ss_skip #(.WIDTH(A_LANES*W), .DEPTH(A_DEPTH), .STYLE(A_STYLE)) u_skip_a
        (.clk(clk), .rst(rst), .in_valid(a_valid), .in_ready(a_ready), .in_data(a_data),
         .out_valid(skip_a_valid), .out_ready(skip_a_ready), .out_data(skip_a_data));
    ss_skip #(.WIDTH(B_LANES*W), .DEPTH(B_DEPTH), .STYLE(B_STYLE)) u_skip_b
        (.clk(clk), .rst(rst), .in_valid(b_valid), .in_ready(b_ready), .in_data(b_data),
         .out_valid(skip_b_valid), .out_ready(skip_b_ready), .out_data(skip_b_data));
    ss_width #(.IN(A_LANES), .OUT(LANES_OUT), .W(W)) u_width_a
        (.clk(clk), .rst(rst), .in_valid(skip_a_valid), .in_ready(skip_a_ready), .in_data(skip_a_data),
         .out_valid(wide_a_valid), .out_ready(wide_a_ready), .out_data(wide_a_data));
    ss_width #(.IN(B_LANES), .OUT(LANES_OUT), .W(W)) u_width_b
        (.clk(clk), .rst(rst), .in_valid(skip_b_valid), .in_ready(skip_b_ready), .in_data(skip_b_data),
         .out_valid(wide_b_valid), .out_ready(wide_b_ready), .out_data(wide_b_data));
    ss_add #(.LANES(LANES_OUT), .W(W), .A_SHIFT(A_SHIFT), .B_SHIFT(B_SHIFT), .SUM(ACC), .PRE(PRE)) u_add
        (.clk(clk), .rst(rst), .a_valid(wide_a_valid), .a_ready(wide_a_ready), .a_data(wide_a_data),
         .b_valid(wide_b_valid), .b_ready(wide_b_ready), .b_data(wide_b_data),
         .out_valid(sum_valid), .out_ready(sum_ready), .out_data(sum_data));
    ss_requantise #(.LANES(LANES_OUT), .IN(SUM), .W(W), .CHANNELS(C), .LO(LO), .HI(HI), .MULT(1), .SHIFT(SHIFT)) u_requantise
        (.clk(clk), .rst(rst), .in_valid(sum_valid), .in_ready(sum_ready), .in_data(sum_data),
         .out_valid(valid), .out_ready(ready), .out_data(data));
    ss_node_end #(.LANES(LANES_OUT), .W(W), .CHANNELS(C), .ACT(ACT), .THR(THR), .CEILING(CEILING), .THR_FILE(THR_FILE),
                  .ROM_STYLE(ROM_STYLE), .LO(LO)) u_end
        (.clk(clk), .rst(rst), .in_valid(valid), .in_ready(ready), .in_data(data),
         .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
