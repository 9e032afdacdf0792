// ss_round: the end of a requantisation. Of x, which still has one bit below the point, the nearest whole number, ties
// upwards, saturated to LO..HI: the range of W bits, or its part that is not negative. No registers.
//
// floor((p + 2^(s-1)) / 2^s) = floor((floor(p / 2^(s-1)) + 1) / 2): to round after the shift takes an incrementer in
// place of an adder as wide as the product.
module ss_round #(
    parameter IN = 20,
    parameter W = 16,
    parameter LO = -32768,
    parameter HI = 32767
) (
    input  logic [IN-1:0] x,
    output logic [W-1:0] y
);
    localparam WIDE = IN > W ? IN : W + 1; // room for a sign above W bits
    logic [WIDE:0] sum;
    logic [WIDE-1:0] whole;
    logic sign, fits, unused;
    assign sum = (WIDE+1)'($signed(x)) + 1'b1;
    assign {whole, unused} = sum;
    assign sign = whole[WIDE-1];
    assign fits = whole[WIDE-1:W-1] == {(WIDE-W+1){sign}};
    assign y = sign && (LO == 0 || !fits) ? W'(LO) : fits ? whole[W-1:0] : W'(HI);

    generate
        if (HI != (1 << (W - 1)) - 1 || (LO != 0 && LO != -(1 << (W - 1)))) begin : g_range
            ss_round_has_no_such_range error ();
        end
    endgenerate
endmodule
