// ss_product: the signed product of A and B bits, its low OUT bits, OUT <= A + B. Combinational.
//
// Each factor is widened before they meet: what stands inside a cast keeps its own width by the language's rules (a cast
// around the product of two 16-bit factors widens 16 bits of it), though not every tool follows them.
module ss_product #(
    parameter A = 16,
    parameter B = 16,
    parameter OUT = 31
) (
    input  logic [A-1:0] a,
    input  logic [B-1:0] b,
    output logic [OUT-1:0] p
);
    logic signed [A+B-1:0] whole;
    assign whole = (A + B)'($signed(a)) * (A + B)'($signed(b));
    generate
        if (OUT == A + B) begin : g_all
            assign p = whole;
        end else begin : g_low
            logic unused_high;
            assign unused_high = &{1'b0, whole[A+B-1:OUT]};
            assign p = whole[OUT-1:0];
        end
    endgenerate
endmodule
