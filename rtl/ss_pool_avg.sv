// ss_pool_avg: the sum of the K elements of a window, for LANES channels at once, and how many of them lie inside the map.
//
// In: words of an ss_window whose padding is 0, element lane*K + k, and its mask. A sum fits SUM bits; its low PRE are
// dropped. COUNTED = 1: out_count belongs to the sums beside it, for averages that leave padding out; else it is 0.
// Rate: one window a cycle. Latency: $clog2(K); K = 1 is wires.
module ss_pool_avg #(
    parameter LANES = 2,
    parameter W = 16,
    parameter K = 9,
    parameter SUM = W + $clog2(K),
    parameter PRE = 0,
    parameter COUNTED = 1,
    parameter CW = $clog2(K + 1) // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [LANES*K*W-1:0] in_data,
    input  logic [K-1:0] in_mask,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES*(SUM-PRE)-1:0] out_data,
    output logic [CW-1:0] out_count
);
    localparam WIDE = W + $clog2(K);
    localparam OUT = SUM - PRE;
    logic enable;
    genvar l, k;
    generate
        if (K == 1) begin : g_wires
            logic unused;
            assign unused = &{1'b0, clk, rst};
            assign enable = out_ready;
            assign out_valid = in_valid;
            assign in_ready = out_ready;
        end else begin : g_pipe
            ss_pipe #(.STAGES($clog2(K))) u_pipe (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready),
                                                  .out_valid(out_valid), .out_ready(out_ready), .enable(enable));
        end
        for (l = 0; l < LANES; l = l + 1) begin : g_lane
            logic [WIDE-1:0] sum;
            ss_reduce #(.N(K), .W(W)) u_sum (.clk(clk), .enable(enable), .in(in_data[l*K*W +: K*W]), .out(sum));
            assign out_data[l*OUT +: OUT] = OUT'($signed(sum) >>> PRE);
        end
        if (COUNTED != 0) begin : g_count
            // Ones of two bits, as ss_reduce adds signed numbers.
            logic [2*K-1:0] ones;
            logic [1+$clog2(K):0] count;
            logic unused;
            for (k = 0; k < K; k = k + 1) begin : g_one
                assign ones[2*k +: 2] = {1'b0, in_mask[k]};
            end
            ss_reduce #(.N(K), .W(2)) u_count (.clk(clk), .enable(enable), .in(ones), .out(count));
            assign out_count = count[CW-1:0];
            assign unused = &{1'b0, count[1+$clog2(K):CW]};
        end else begin : g_none
            logic unused;
            assign unused = &{1'b0, in_mask};
            assign out_count = 0;
        end
    endgenerate

    ss_stream_check #(.WIDTH(LANES*OUT + CW), .NAME("sums")) u_check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data({out_count, out_data}));
endmodule
