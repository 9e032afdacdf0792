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
    localparam BLOCKS = (K + BLOCK - 1) / BLOCK;
    localparam LW = $clog2(BLOCK + 1); // bits of a count in a block,
    localparam RW = $clog2(K + 1);     // and in the window

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

    // Ones of a block: every bit of it is one function of six inputs, without an adder.
    function automatic [LW-1:0] ones(input [BLOCK-1:0] flags);
        integer n, c;
        reg [BLOCK:0] count; // one-hot
        begin
            count = (BLOCK + 1)'(1);
            for (n = 0; n < BLOCK; n = n + 1) if (flags[n]) count = count << 1;
            ones = 0;
            for (c = 0; c <= BLOCK; c = c + 1) if (count[c]) ones = ones | LW'(c);
        end
    endfunction

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
            logic [K*RW-1:0] rank;
            logic [BLOCKS*BLOCK-1:0] padded;
            logic [BLOCKS*LW-1:0] totals; // of the blocks
            for (p = 0; p < K; p = p + 1) begin : g_nonzero
                assign nonzero[p] = |in_data[(i*K + p)*W +: W];
            end
            assign padded = (BLOCKS*BLOCK)'(nonzero);
            always_ff @(posedge clk) begin
                if (move_1) nonzero_1 <= nonzero;
                if (move_2) out_nonzero[i*K +: K] <= nonzero_1;
            end
            for (p = 0; p < BLOCKS; p = p + 1) begin : g_total
                logic [LW-1:0] total;
                always_ff @(posedge clk) if (move_1) total <= ones(padded[p*BLOCK +: BLOCK]);
                assign totals[p*LW +: LW] = total;
            end
            for (p = 0; p < K; p = p + 1) begin : g_rank
                logic [LW-1:0] inner; // non-zeros in front, in the same block
                logic [RW-1:0] ahead; // and in those before
                integer n;
                always_ff @(posedge clk)
                    if (move_1) inner <= ones(padded[p/BLOCK*BLOCK +: BLOCK] & BLOCK'((1 << p % BLOCK) - 1));
                always_comb begin
                    ahead = 0;
                    for (n = 0; n < p / BLOCK; n = n + 1) ahead = ahead + RW'(totals[n*LW +: LW]);
                end
                assign rank[p*RW +: RW] = ahead + RW'(inner);
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
