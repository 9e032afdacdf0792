// ss_pool_max: the largest of the K elements of a window, for LANES channels at once.
//
// In: words of an ss_window, element lane*K + k. Padding must be the least value (PAD of the window): it never wins then,
// as every window holds a real element. Rate: one window a cycle. Latency: $clog2(K); K = 1 is wires.
module ss_pool_max #(
    parameter LANES = 2,
    parameter W = 16,
    parameter K = 9
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [LANES*K*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES*W-1:0] out_data
);
    genvar l;
    generate
        if (K == 1) begin : g_wires
            logic unused;
            assign unused = &{1'b0, clk, rst};
            assign out_valid = in_valid;
            assign in_ready = out_ready;
            assign out_data = in_data;
        end else begin : g_tree
            logic enable;
            ss_pipe #(.STAGES($clog2(K))) u_pipe (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready),
                                                  .out_valid(out_valid), .out_ready(out_ready), .enable(enable));
            for (l = 0; l < LANES; l = l + 1) begin : g_lane
                ss_reduce #(.N(K), .W(W), .MAX(1)) u_max (.clk(clk), .enable(enable), .in(in_data[l*K*W +: K*W]),
                                                          .out(out_data[l*W +: W]));
            end
        end
    endgenerate

    ss_stream_check #(.WIDTH(LANES*W), .NAME("maxima")) u_check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
