// ss_pick_ranked: the non-zero check of wide kernels: a beat takes the positions that ss_rank has given it.
//
// Interface as of ss_pick; a window comes two cycles later to its first beat. Windows follow one another as closely.
module ss_pick_ranked #(
    parameter W = 16,
    parameter K = 25,
    parameter M = 4,
    parameter S = 1,
    parameter IW = K > 1 ? $clog2(K) : 1 // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [S*K*W-1:0] in_data,
    output logic window_valid,
    input  logic window_ready,
    output logic [S*K*W-1:0] window_data,
    input  logic issue,
    input  logic fresh,
    output logic [S*M*IW-1:0] idx,
    output logic [S*M-1:0] used,
    output logic fold_end
);
    localparam BW = K > M ? $clog2((K + M - 1) / M) : 1;
    localparam MW = M > 1 ? $clog2(M) : 1;
    logic [S*K-1:0] nonzero, nonzero_held;
    logic [S*K*BW-1:0] beat, beat_held;
    logic [S*K*MW-1:0] slot, slot_held;
    logic [S*BW-1:0] last, last_held;
    logic [S-1:0] done;
    logic [BW-1:0] now;

    ss_rank #(.W(W), .K(K), .M(M), .S(S)) u_rank (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
        .out_valid(window_valid), .out_ready(window_ready), .out_data(window_data),
        .out_nonzero(nonzero), .out_beat(beat), .out_slot(slot), .out_last(last));

    // The window is taken with its first beat; what the later ones need of it stays here.
    always_ff @(posedge clk) begin
        if (issue && fresh) begin
            nonzero_held <= nonzero;
            beat_held <= beat;
            slot_held <= slot;
            last_held <= last;
        end
        if (rst) now <= 0;
        else if (issue) now <= fold_end ? 0 : now + 1'b1;
    end
    assign fold_end = &done;

    genvar i;
    generate
        for (i = 0; i < S; i = i + 1) begin : g_stream
            logic [K-1:0] here; // positions of this beat
            logic [K*BW-1:0] beats;
            logic [K*MW-1:0] slots;
            logic [M*IW-1:0] pick;
            logic [M-1:0] hit;
            integer k, x;
            assign beats = fresh ? beat[i*K*BW +: K*BW] : beat_held[i*K*BW +: K*BW];
            assign slots = fresh ? slot[i*K*MW +: K*MW] : slot_held[i*K*MW +: K*MW];
            assign done[i] = now >= (fresh ? last[i*BW +: BW] : last_held[i*BW +: BW]);
            always_comb begin
                here = fresh ? nonzero[i*K +: K] : nonzero_held[i*K +: K];
                pick = 0;
                hit = 0;
                for (k = 0; k < K; k = k + 1) begin
                    here[k] = here[k] && beats[k*BW +: BW] == now;
                    for (x = 0; x < M; x = x + 1)
                        if (x <= k && here[k] && slots[k*MW +: MW] == MW'(x)) begin
                            hit[x] = 1'b1;
                            pick[x*IW +: IW] = pick[x*IW +: IW] | IW'(k - x);
                        end
                end
            end
            assign idx[i*M*IW +: M*IW] = pick;
            assign used[i*M +: M] = hit;
        end
    endgenerate
endmodule
