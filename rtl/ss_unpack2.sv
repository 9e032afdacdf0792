// ss_unpack2: the two sums in a packed sum of ss_product2 products: packed = high << 18 + low.
//
// turns = floor(low / 2^18): what the low sum has carried into (or, negative, borrowed from) the high one. For a single
// product that is -1 or 0, its bit 17. Sums are taken modulo 2^ACC. Combinational.
module ss_unpack2 #(
    parameter ACC = 26,
    parameter TURNS = ACC > 18 ? ACC - 18 : 1 // derived: leave it alone
) (
    input  logic [ACC+17:0] packed_sum,
    input  logic [TURNS-1:0] turns,
    output logic [ACC-1:0] low,
    output logic [ACC-1:0] high
);
    assign low = ACC'({turns, packed_sum[17:0]});
    assign high = packed_sum[ACC+17:18] - ACC'($signed(turns));
endmodule
