// ss_select: the non-zero check's priority selection: the first M set bits of a mask, and the mask that is left.
//
// used[x]: there is an x-th set bit (counted from 0); its position is x + idx[x]. idx[x] = 0 where used[x] = 0.
// Method: how many ones stand in front of a position is kept as a one-hot number that stops at M; each position shifts it
// by one or not, which is one LUT a position in the longest path, where a binary count takes carries. Combinational.
module ss_select #(
    parameter K = 9,
    parameter M = 3,
    parameter IW = K > 1 ? $clog2(K) : 1 // derived: leave it alone
) (
    input  logic [K-1:0] mask,
    output logic [M*IW-1:0] idx,
    output logic [M-1:0] used,
    output logic [K-1:0] rest
);
    integer k, x;
    logic [M:0] count; // one-hot: ones in front of position k, M for "M or more"
    logic full;

    always_comb begin
        count = (M + 1)'(1);
        idx = 0;
        used = 0;
        for (k = 0; k < K; k = k + 1) begin
            full = 1'(count >> M);
            rest[k] = mask[k] & full;
            for (x = 0; x < M; x = x + 1) begin
                if (mask[k] & count[x]) begin
                    used[x] = 1'b1;
                    idx[x*IW +: IW] = idx[x*IW +: IW] | IW'(k - x);
                end
            end
            if (mask[k] & !full) count = count << 1;
        end
    end
endmodule
