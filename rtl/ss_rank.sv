// ss_rank: for wide kernels: which beat and which multiplier each non-zero of a window belongs to, known before its first beat.
//
// A non-zero's rank is the number of non-zeros in front of it; rank / M is its beat, rank % M its multiplier. Two register
// stages, so that no path runs through a whole mask:
//   1. zero flags, and counts within blocks of six positions;
//   2. the blocks' offsets added, and the rank split.
// Out: the window; per position whether it is non-zero, its beat and its multiplier; per stream its last beat. A window a
// cycle; latency 2; in_ready follows out_ready through two gates.
module ss_rank #(
    parameter W = 16,
    parameter K = 25,
    parameter M = 4,
    parameter S = 1,
    parameter BW = K > M ? $clog2((K + M - 1) / M) : 1, // derived: leave these alone
    parameter MW = M > 1 ? $clog2(M) : 1
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [S*K*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [S*K*W-1:0] out_data,
    output logic [S*K-1:0] out_nonzero,
    output logic [S*K*BW-1:0] out_beat,
    output logic [S*K*MW-1:0] out_slot,
    output logic [S*BW-1:0] out_last
);
    localparam BLOCK = 6;
    localparam RW = $clog2(K + 1);

    logic valid_1, move_1, move_2;
    logic [S*K*W-1:0] data_1;
    assign move_2 = !out_valid || out_ready;
    assign move_1 = !valid_1 || move_2;
    assign in_ready = move_1;
    always_ff @(posedge clk) begin
        if (rst) valid_1 <= 1'b0;
        else if (move_1) valid_1 <= in_valid;
        if (rst) out_valid <= 1'b0;
        else if (move_2) out_valid <= valid_1;
        if (move_1) data_1 <= in_data;
        if (move_2) out_data <= data_1;
    end

    // {beat, multiplier} of a rank
    function automatic [BW+MW-1:0] place(input [RW-1:0] rank);
        integer q;
        begin
            place = {BW'(0), MW'(rank)};
            for (q = 1; q * M < K; q = q + 1)
                if (rank >= RW'(q * M)) place = {BW'(q), MW'(rank - RW'(q * M))};
        end
    endfunction

    genvar i, p;
    generate
        for (i = 0; i < S; i = i + 1) begin : g_stream
            logic [K-1:0] nonzero, nonzero_1;
            logic [K*RW-1:0] inner, inner_1; // non-zeros in front of a position, in its block,
            logic [K*RW-1:0] rank;             // and in the window
            logic [RW-1:0] count, ahead;
            integer k, n;

            for (p = 0; p < K; p = p + 1) begin : g_nonzero
                assign nonzero[p] = |in_data[(i*K + p)*W +: W];
            end
            always_comb begin
                count = 0;
                for (k = 0; k < K; k = k + 1) begin
                    if (k % BLOCK == 0) count = 0;
                    inner[k*RW +: RW] = count;
                    count = count + RW'(nonzero[k]);
                end
            end
            always_comb begin // the last of a block knows how many stand in front of the next one
                ahead = 0;
                for (n = 0; n < K; n = n + 1) begin
                    rank[n*RW +: RW] = ahead + inner_1[n*RW +: RW];
                    if (n % BLOCK == BLOCK - 1) ahead = ahead + inner_1[n*RW +: RW] + RW'(nonzero_1[n]);
                end
            end
            always_ff @(posedge clk) begin
                if (move_1) begin
                    nonzero_1 <= nonzero;
                    inner_1 <= inner;
                end
                if (move_2) out_nonzero[i*K +: K] <= nonzero_1;
            end
            for (p = 0; p < K; p = p + 1) begin : g_place
                logic [BW-1:0] beat;
                logic [MW-1:0] slot;
                always_ff @(posedge clk) if (move_2) {beat, slot} <= place(rank[p*RW +: RW]);
                assign out_beat[(i*K + p)*BW +: BW] = beat;
                assign out_slot[(i*K + p)*MW +: MW] = slot;
            end

            logic [RW-1:0] total;
            logic [BW-1:0] last;
            assign total = rank[(K-1)*RW +: RW] + RW'(nonzero_1[K-1]);
            always_ff @(posedge clk) if (move_2) last <= total == 0 ? 0 : BW'(place(total - 1'b1) >> MW);
            assign out_last[i*BW +: BW] = last;
        end
    endgenerate
endmodule
