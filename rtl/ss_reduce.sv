// ss_reduce: the sum (MAX = 0) or the maximum (MAX = 1) of N signed elements: a binary tree, a register a level, one bit
// wider a level when it sums. The registers load while `enable` is high. Latency: $clog2(N).
module ss_reduce #(
    parameter N = 1,
    parameter W = 8,
    parameter MAX = 0,
    parameter OUT = MAX != 0 ? W : W + $clog2(N) // derived: leave it alone
) (
    input  logic clk,
    input  logic enable,
    input  logic [N*W-1:0] in,
    output logic [OUT-1:0] out
);
    localparam HALF = (N + 1) / 2;
    localparam V = MAX != 0 ? W : W + 1;
    genvar i;
    generate
        if (N == 1) begin : g_leaf
            logic unused;
            assign unused = &{1'b0, clk, enable};
            assign out = in;
        end else begin : g_level
            logic [HALF*V-1:0] pairs;
            for (i = 0; i < HALF; i = i + 1) begin : g_pair
                logic [W-1:0] a;
                assign a = in[2*i*W +: W];
                if (2 * i + 1 == N) begin : g_odd
                    always_ff @(posedge clk) if (enable) pairs[i*V +: V] <= V'($signed(a));
                end else begin : g_both
                    logic [W-1:0] b;
                    assign b = in[(2*i+1)*W +: W];
                    if (MAX != 0) begin : g_max
                        always_ff @(posedge clk) if (enable) pairs[i*V +: V] <= $signed(a) > $signed(b) ? a : b;
                    end else begin : g_sum
                        always_ff @(posedge clk) if (enable) pairs[i*V +: V] <= V'($signed(a)) + V'($signed(b));
                    end
                end
            end
            ss_reduce #(.N(HALF), .W(V), .MAX(MAX)) u_rest (.clk(clk), .enable(enable), .in(pairs), .out(out));
        end
    endgenerate
endmodule
