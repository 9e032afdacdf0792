// ss_node_slice: strided slice of a map.
//
//   in -> ss_slice_space -> ss_width -> ss_slice -> out
//
// Pixels are dropped before the widths change, so that only those that stay cost cycles of narrow words.
module ss_node_slice #(
    parameter W = 16,
    parameter C = 4,
    parameter H = 4,
    parameter WD = 4,
    parameter HO = 2,
    parameter WO = 2,
    parameter OH = 0,
    parameter OW = 0,
    parameter SH = 2,
    parameter SW = 2,
    parameter LANES_IN = 2,
    parameter LANES_OUT = 2
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
    logic kept_valid, kept_ready, valid, ready;
    logic [LANES_IN*W-1:0] kept_data;
    logic [LANES_OUT*W-1:0] data;
    ss_slice_space #(.WIDTH(LANES_IN*W), .DEEP(C / LANES_IN), .H(H), .WD(WD), .OH(OH), .OW(OW), .SH(SH), .SW(SW), .HO(HO),
                     .WO(WO)) u_keep
        (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
         .out_valid(kept_valid), .out_ready(kept_ready), .out_data(kept_data));
    ss_width #(.IN(LANES_IN), .OUT(LANES_OUT), .W(W)) u_width
        (.clk(clk), .rst(rst), .in_valid(kept_valid), .in_ready(kept_ready), .in_data(kept_data),
         .out_valid(valid), .out_ready(ready), .out_data(data));
    ss_slice #(.WIDTH(LANES_OUT*W)) u_slice (.clk(clk), .rst(rst), .in_valid(valid), .in_ready(ready), .in_data(data),
                                             .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
