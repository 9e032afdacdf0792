// ss_dot: products of CI*M values and weights for each of GR*CO output lanes, and their sums.
//
// Stream i = g*CI + c feeds the lanes g*CO .. g*CO + CO - 1. values: element i*M + x; weights: element (i*CO + o)*M + x; sums:
// lane g*CO + o. A product of a value and a weight of at most 2^(W-1) - 1 in magnitude fits 2W - 1 bits.
// Latency LATENCY = 2 + ceil(log2(CI*M)): registered operands, registered product, the tree.
module ss_dot #(
    parameter W = 16,
    parameter GR = 1,
    parameter CI = 1,
    parameter CO = 1,
    parameter M = 3,
    parameter ACC = 40,
    parameter PRODUCT = 2 * W - 1 < ACC ? 2 * W - 1 : ACC,               // derived: leave these alone
    parameter SUM = PRODUCT + $clog2(CI * M) < ACC ? PRODUCT + $clog2(CI * M) : ACC
) (
    input  logic clk,
    input  logic [GR*CI*M*W-1:0] values,
    input  logic [GR*CI*CO*M*W-1:0] weights,
    output logic [GR*CO*SUM-1:0] sums
);
    localparam S = GR * CI;
    logic [S*M*W-1:0] value_q;
    genvar i, o, x, g, c;
    generate
        for (i = 0; i < S*M; i = i + 1) begin : g_value
            logic [W-1:0] value;
            always_ff @(posedge clk) value <= values[i*W +: W];
            assign value_q[i*W +: W] = value;
        end
        for (g = 0; g < GR; g = g + 1) begin : g_group
            for (o = 0; o < CO; o = o + 1) begin : g_lane
                logic [CI*M*PRODUCT-1:0] terms;
                for (c = 0; c < CI; c = c + 1) begin : g_stream
                    for (x = 0; x < M; x = x + 1) begin : g_multiplier
                        localparam V = (g*CI + c)*M + x;
                        localparam E = ((g*CI + c)*CO + o)*M + x;
                        logic [W-1:0] weight;
                        logic [PRODUCT-1:0] next, product;
                        ss_product #(.A(W), .B(W), .OUT(PRODUCT)) u_product (
                            .a(value_q[V*W +: W]), .b(weight), .p(next));
                        always_ff @(posedge clk) begin
                            weight <= weights[E*W +: W];
                            product <= next;
                        end
                        assign terms[(c*M + x)*PRODUCT +: PRODUCT] = product;
                    end
                end
                ss_adder_tree #(.N(CI*M), .IN(PRODUCT), .MAX(ACC)) u_tree (
                    .clk(clk), .terms(terms), .sum(sums[(g*CO + o)*SUM +: SUM]));
            end
        end
    endgenerate
endmodule
