// ss_product2: two signed 8-bit products with one factor in common, in one multiplier of 27 x 18 bits (DSP48E2).
//
// p = (w1 * a) << 18 + w0 * a: the low product lies in the low 18 bits and, where it is negative, has borrowed one from the
// high product. ss_unpack2 gives the borrow back. The sum of the weights is what the DSP's pre-adder computes.
// Combinational; exact for all 2^24 values.
module ss_product2 (
    input  logic [7:0] a,
    input  logic [7:0] w0,
    input  logic [7:0] w1,
    output logic [33:0] p
);
    logic [26:0] pair;
    assign pair = 27'($signed({w1, 18'b0})) + 27'($signed(w0));
    ss_product #(.A(27), .B(8), .OUT(34)) u_product (.a(pair), .b(a), .p(p));
endmodule
