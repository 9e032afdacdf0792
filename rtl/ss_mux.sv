// ss_mux: one of N elements, as an explicit binary tree.
//
// Method: the top bit of sel chooses between the first 2^b elements and the rest; halves are trees of their own. Synthesis
// packs this into fewer LUTs than a variable part-select or a chain of ifs. Combinational.
// Invariant: sel < N; what comes for others is undefined.
module ss_mux #(
    parameter N = 2,
    parameter WIDTH = 16,
    parameter SEL = N > 1 ? $clog2(N) : 1 // derived: leave it alone
) (
    input  logic [N*WIDTH-1:0] data,
    input  logic [SEL-1:0] sel,
    output logic [WIDTH-1:0] out
);
    generate
        if (N == 1) begin : g_wire
            logic unused_ok;
            assign unused_ok = &{1'b0, sel};
            assign out = data;
        end else if (N == 2) begin : g_pair
            assign out = sel[0] ? data[WIDTH +: WIDTH] : data[0 +: WIDTH];
        end else begin : g_tree
            localparam LOW = 1 << (SEL - 1);
            localparam HIGH = N - LOW;
            localparam HIGH_SEL = HIGH > 1 ? $clog2(HIGH) : 1;
            logic [WIDTH-1:0] low, high;
            ss_mux #(.N(LOW), .WIDTH(WIDTH)) u_low (
                .data(data[0 +: LOW*WIDTH]), .sel(sel[SEL-2:0]), .out(low));
            ss_mux #(.N(HIGH), .WIDTH(WIDTH)) u_high (
                .data(data[LOW*WIDTH +: HIGH*WIDTH]), .sel(sel[HIGH_SEL-1:0]), .out(high));
            assign out = sel[SEL-1] ? high : low;
        end
    endgenerate
endmodule
