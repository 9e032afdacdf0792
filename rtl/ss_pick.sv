// ss_pick: the non-zero check: which positions each beat takes, by priority from what the beat before left.
//
// Windows pass through (window_*); the first beat of a window (fresh) is chosen from its zero flags, at once. `issue` says that
// the beat is taken. idx, used: of the M multipliers of each of the S streams, as of ss_select. fold_end: no stream has anything
// left after this beat; the next one begins the window again (another fold) or the next window.
module ss_pick #(
    parameter W = 16,
    parameter K = 9,
    parameter M = 3,
    parameter S = 1,
    parameter FOLDS = 1,
    parameter IW = K > 1 ? $clog2(K) : 1 // derived: leave it alone
) (
    input  logic clk,
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
    logic [S-1:0] done;
    assign window_valid = in_valid;
    assign in_ready = window_ready;
    assign window_data = in_data;
    assign fold_end = &done;

    genvar i, k;
    generate
        for (i = 0; i < S; i = i + 1) begin : g_stream
            logic [K-1:0] nonzero, left, now, rest;
            for (k = 0; k < K; k = k + 1) begin : g_nonzero
                assign nonzero[k] = |in_data[(i*K + k)*W +: W];
            end
            assign now = fresh ? nonzero : left;
            ss_select #(.K(K), .M(M)) u_select (
                .mask(now), .idx(idx[i*M*IW +: M*IW]), .used(used[i*M +: M]), .rest(rest));
            assign done[i] = rest == 0;

            if (FOLDS == 1) begin : g_single
                always_ff @(posedge clk) if (issue) left <= rest;
            end else begin : g_again // every fold goes through the whole window
                logic [K-1:0] whole;
                always_ff @(posedge clk) begin
                    if (issue && fresh) whole <= nonzero;
                    if (issue) left <= !fold_end ? rest : fresh ? nonzero : whole;
                end
            end
        end
    endgenerate
endmodule
