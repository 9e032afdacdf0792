// ss_crossbar: M of K elements, one for every multiplier.
//
// Multiplier x takes element x + idx[x]: the x-th non-zero stands at position x or behind it, so multiplier x needs only
// the elements x..K-1 (relative index of ss_select). Combinational.
module ss_crossbar #(
    parameter K = 9,
    parameter M = 3,
    parameter W = 16,
    parameter IW = K > 1 ? $clog2(K) : 1 // derived: leave it alone
) (
    input  logic [K*W-1:0] data,
    input  logic [M*IW-1:0] idx,
    output logic [M*W-1:0] out
);
    logic unused_ok; // late multipliers choose among few: the upper bits of their index
    assign unused_ok = &{1'b0, idx};

    genvar x;
    generate
        for (x = 0; x < M; x = x + 1) begin : g_multiplier
            localparam N = K - x;
            localparam SEL = N > 1 ? $clog2(N) : 1;
            ss_mux #(.N(N), .WIDTH(W)) u_mux (
                .data(data[x*W +: N*W]), .sel(idx[x*IW +: SEL]), .out(out[x*W +: W]));
        end
    endgenerate
endmodule
