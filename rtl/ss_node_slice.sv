// ss_node_slice: strided slice of a map.
//
//   in -> ss_slice_space -> ss_skip -> ss_width -> ss_slice -> out
//
// Pixels are dropped before the widths change, so that only those that stay cost cycles of narrow words. Where a row goes out
// more slowly than it comes, the rows that are dropped make up for it: a FIFO of one row of the output evens the flow.
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
    parameter LANES_OUT = 2,
    parameter ROW_STYLE = "distributed"
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
    localparam EVEN = SH > 1 && HO > 1 && WO * LANES_IN > WD * LANES_OUT;
    logic kept_valid, kept_ready, even_valid, even_ready, valid, ready;
    logic [LANES_IN*W-1:0] kept_data, even_data;
    logic [LANES_OUT*W-1:0] data;
    ss_slice_space #(.WIDTH(LANES_IN*W), .DEEP(C / LANES_IN), .H(H), .WD(WD), .OH(OH), .OW(OW), .SH(SH), .SW(SW), .HO(HO),
                     .WO(WO)) u_keep
        (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
         .out_valid(kept_valid), .out_ready(kept_ready), .out_data(kept_data));
    ss_skip #(.WIDTH(LANES_IN*W), .DEPTH(EVEN ? WO * (C / LANES_IN) : 0), .STYLE(ROW_STYLE)) u_skip
        (.clk(clk), .rst(rst), .in_valid(kept_valid), .in_ready(kept_ready), .in_data(kept_data),
         .out_valid(even_valid), .out_ready(even_ready), .out_data(even_data));
    ss_width #(.IN(LANES_IN), .OUT(LANES_OUT), .W(W)) u_width
        (.clk(clk), .rst(rst), .in_valid(even_valid), .in_ready(even_ready), .in_data(even_data),
         .out_valid(valid), .out_ready(ready), .out_data(data));
    ss_slice #(.WIDTH(LANES_OUT*W)) u_slice (.clk(clk), .rst(rst), .in_valid(valid), .in_ready(ready), .in_data(data),
                                             .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
