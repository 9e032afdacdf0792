// ss_adder_tree: sum of N signed terms, a register a level.
//
// Latency LEVELS >= ceil(log2(N)). A level adds one bit, but no node is wider than MAX bits: sums are taken modulo 2^MAX, which
// is exact when the final result fits (the accumulator's width holds every partial sum).
// Method: halves are trees of one level less; where a half is shorter, its terms wait in registers.
module ss_adder_tree #(
    parameter N = 1,
    parameter IN = 31,
    parameter MAX = 40,
    parameter LEVELS = $clog2(N),
    parameter OUT = IN + LEVELS < MAX ? IN + LEVELS : MAX // derived: leave it alone
) (
    input  logic clk,
    input  logic [N*IN-1:0] terms,
    output logic [OUT-1:0] sum
);
    generate
        if (LEVELS == 0) begin : g_wire
            logic unused_ok;
            assign unused_ok = &{1'b0, clk, terms};
            assign sum = terms[OUT-1:0];
        end else if (N == 1) begin : g_wait
            logic [OUT-1:0] below_out;
            localparam BELOW = IN + LEVELS - 1 < MAX ? IN + LEVELS - 1 : MAX;
            logic [BELOW-1:0] below;
            ss_adder_tree #(.N(1), .IN(IN), .MAX(MAX), .LEVELS(LEVELS - 1)) u_below (
                .clk(clk), .terms(terms), .sum(below));
            assign below_out = OUT'($signed(below));
            always_ff @(posedge clk) sum <= below_out;
        end else begin : g_add
            localparam BELOW = IN + LEVELS - 1 < MAX ? IN + LEVELS - 1 : MAX;
            localparam LOW = (N + 1) / 2;
            logic [BELOW-1:0] a, b;
            ss_adder_tree #(.N(LOW), .IN(IN), .MAX(MAX), .LEVELS(LEVELS - 1)) u_low (
                .clk(clk), .terms(terms[0 +: LOW*IN]), .sum(a));
            ss_adder_tree #(.N(N - LOW), .IN(IN), .MAX(MAX), .LEVELS(LEVELS - 1)) u_high (
                .clk(clk), .terms(terms[LOW*IN +: (N-LOW)*IN]), .sum(b));
            always_ff @(posedge clk) sum <= OUT'($signed(a)) + OUT'($signed(b));
        end
    endgenerate
endmodule
