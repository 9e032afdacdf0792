// ss_node_end: how every plain node ends: the activation, if it has one (ACT = 1), and a register slice.
module ss_node_end #(
    parameter LANES = 2,
    parameter W = 16,
    parameter CHANNELS = LANES,
    parameter ACT = 0,
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
    input  logic [LANES*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES*W-1:0] out_data
);
    logic valid, ready;
    logic [LANES*W-1:0] data;
    generate
        if (ACT != 0) begin : g_relu
            ss_relu #(.LANES(LANES), .W(W), .CHANNELS(CHANNELS), .CEILING(CEILING), .THR(THR), .FILE(THR_FILE),
                      .STYLE(ROM_STYLE), .LO(LO)) u_relu
                (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
                 .out_valid(valid), .out_ready(ready), .out_data(data));
        end else begin : g_none
            assign valid = in_valid;
            assign in_ready = ready;
            assign data = in_data;
        end
    endgenerate
    ss_slice #(.WIDTH(LANES*W)) u_slice (.clk(clk), .rst(rst), .in_valid(valid), .in_ready(ready), .in_data(data),
                                         .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
