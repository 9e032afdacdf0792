// ss_add: element by element sum of two streams, each shifted left first, so that both stand at one scale.
//
// The sum has SUM bits (the reference's accumulator, which cannot overflow); its low PRE are dropped. A word moves
// when both streams offer one. Rate: one word a cycle. Latency: 1.
module ss_add #(
    parameter LANES = 2,
    parameter W = 16,
    parameter A_SHIFT = 0,
    parameter B_SHIFT = 0,
    parameter SUM = W + (A_SHIFT > B_SHIFT ? A_SHIFT : B_SHIFT) + 1,
    parameter PRE = 0
) (
    input  logic clk,
    input  logic rst,
    input  logic a_valid,
    output logic a_ready,
    input  logic [LANES*W-1:0] a_data,
    input  logic b_valid,
    output logic b_ready,
    input  logic [LANES*W-1:0] b_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES*(SUM-PRE)-1:0] out_data
);
    localparam OUT = SUM - PRE;
    logic ready, enable;
    assign a_ready = ready && b_valid;
    assign b_ready = ready && a_valid;
    ss_pipe #(.STAGES(1)) u_pipe (.clk(clk), .rst(rst), .in_valid(a_valid && b_valid), .in_ready(ready),
                                  .out_valid(out_valid), .out_ready(out_ready), .enable(enable));
    genvar l;
    generate
        for (l = 0; l < LANES; l = l + 1) begin : g_lane
            logic [SUM-1:0] sum;
            assign sum = (SUM'($signed(a_data[l*W +: W])) << A_SHIFT) + (SUM'($signed(b_data[l*W +: W])) << B_SHIFT);
            always_ff @(posedge clk) if (enable) out_data[l*OUT +: OUT] <= OUT'(sum >> PRE);
        end
    endgenerate

    ss_stream_check #(.WIDTH(LANES*OUT), .NAME("add")) u_check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
