// ss_node_relu: an activation whose input has other readers too.
//
//   in -> ss_width -> ss_relu -> ss_slice -> out
module ss_node_relu #(
    parameter W = 16,
    parameter C = 4,
    parameter LANES_IN = 2,
    parameter LANES_OUT = 2,
    parameter ACT = 1,
    parameter THR = 0,
    parameter CEILING = (1 << (W - 1)) - 1,
    parameter THR_FILE = "",
    parameter ROM_STYLE = "distributed",
    parameter LO = -(1 << (W - 1))
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
    logic valid, ready;
    logic [LANES_OUT*W-1:0] data;
    ss_width #(.IN(LANES_IN), .OUT(LANES_OUT), .W(W)) u_width
        (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
         .out_valid(valid), .out_ready(ready), .out_data(data));
    ss_node_end #(.LANES(LANES_OUT), .W(W), .CHANNELS(C), .ACT(ACT), .THR(THR), .CEILING(CEILING), .THR_FILE(THR_FILE),
                  .ROM_STYLE(ROM_STYLE), .LO(LO)) u_end
        (.clk(clk), .rst(rst), .in_valid(valid), .in_ready(ready), .in_data(data),
         .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
