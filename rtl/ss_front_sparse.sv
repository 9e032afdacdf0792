// ss_front_sparse: issues the beats of an engine that skips zeros: M non-zeros a beat, max(1, ceil(nnz/M)) beats.
//
// All S streams advance together: a fold lasts as long as its fullest stream; the others then hand out zeros. No bubble
// between beats, folds and windows.
// Cycle t: ss_pick chooses positions (wide kernels, K >= 25 and M >= 4 or K > 64: ss_pick_ranked, two cycles after the
//   window came); the window is taken, and its values registered, with its first beat.
// Cycle t + 1: ss_crossbar chooses the values. Idle multipliers get 0.
// M > 1: addr counts the weight rows, one a fold, at t; values, flags and idx (for the weights' crossbar) appear at t + 2.
// M = 1: addr has a position of its own for each stream, at t + 1; values and flags appear at t + 3.
// Either way that is when a memory of latency 2 answers. flags: {emit, last of its fold, start, valid}; see ss_issue.
module ss_front_sparse #(
    parameter W = 16,
    parameter K = 9,
    parameter M = 3,
    parameter S = 1,
    parameter STEPS = 1,
    parameter FOLDS = 1,
    parameter PASSES = 1,
    parameter RESULTS = 16,
    parameter DEPTH = PASSES * STEPS * FOLDS * (M == 1 ? K : 1), // derived: leave these alone
    parameter AW = DEPTH > 1 ? $clog2(DEPTH) : 1,
    parameter ADDRS = M == 1 ? S : 1,
    parameter IW = K > 1 ? $clog2(K) : 1
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [S*K*W-1:0] in_data,
    input  logic taken,
    output logic [ADDRS*AW-1:0] addr,
    output logic [S*M*W-1:0] values,
    output logic [S*M*IW-1:0] idx,
    output logic [3:0] flags
);
    localparam WIDE = (K >= 25 && M >= 4) || K > 64;
    logic issue, fresh, start, fold_end, emit;
    logic window_valid, window_ready;
    logic [S*K*W-1:0] window_data;
    logic [S*M*IW-1:0] pick, pick_q; // of cycles t, t + 1
    logic [S*M-1:0] used, used_q;
    logic [S*M*W-1:0] chosen;        // of cycle t + 2
    logic [3:0] flags_q, flags_qq;

    ss_issue #(.STEPS(STEPS), .FOLDS(FOLDS), .RESULTS(RESULTS)) u_issue (
        .clk(clk), .rst(rst), .in_valid(window_valid), .in_ready(window_ready), .fold_end(fold_end), .taken(taken),
        .issue(issue), .fresh(fresh), .start(start), .emit(emit));
    always_ff @(posedge clk) begin
        pick_q <= pick;
        used_q <= used;
        flags_q <= {emit, fold_end, start, issue && !rst};
        flags_qq <= {flags_q[3:1], flags_q[0] && !rst};
    end

    genvar i, x;
    generate
        if (WIDE) begin : g_ranked
            ss_pick_ranked #(.W(W), .K(K), .M(M), .S(S)) u_pick (
                .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
                .window_valid(window_valid), .window_ready(window_ready), .window_data(window_data),
                .issue(issue), .fresh(fresh), .idx(pick), .used(used), .fold_end(fold_end));
        end else begin : g_direct
            ss_pick #(.W(W), .K(K), .M(M), .S(S), .FOLDS(FOLDS)) u_pick (
                .clk(clk), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
                .window_valid(window_valid), .window_ready(window_ready), .window_data(window_data),
                .issue(issue), .fresh(fresh), .idx(pick), .used(used), .fold_end(fold_end));
        end

        for (i = 0; i < S; i = i + 1) begin : g_stream
            logic [K*W-1:0] window;
            logic [M*W-1:0] out;
            always_ff @(posedge clk) if (issue && fresh) window <= window_data[i*K*W +: K*W];
            ss_crossbar #(.K(K), .M(M), .W(W)) u_values (.data(window), .idx(pick_q[i*M*IW +: M*IW]), .out(out));
            for (x = 0; x < M; x = x + 1) begin : g_value
                logic [W-1:0] value;
                always_ff @(posedge clk)
                    if (!used_q[i*M + x]) value <= 0;
                    else value <= out[x*W +: W];
                assign chosen[(i*M + x)*W +: W] = value;
            end
        end

        if (M == 1) begin : g_by_position
            // The row of position 0 moves on one cycle after the fold's last beat was issued: with pick_q.
            logic [AW-1:0] base;
            logic [3:0] flags_out;
            logic [S*W-1:0] values_out;
            always_ff @(posedge clk) begin
                if (rst) base <= 0;
                else if (flags_q[0] && flags_q[2]) base <= base == AW'(DEPTH - K) ? 0 : base + AW'(K);
                flags_out <= {flags_qq[3:1], flags_qq[0] && !rst};
                values_out <= chosen;
            end
            for (i = 0; i < S; i = i + 1) begin : g_addr
                assign addr[i*AW +: AW] = base + AW'(pick_q[i*IW +: IW]);
            end
            assign values = values_out;
            assign flags = flags_out;
            assign idx = 0; // there is nothing to choose
        end else begin : g_by_row
            logic [S*M*IW-1:0] idx_out;
            logic unused_last;
            always_ff @(posedge clk) idx_out <= pick_q;
            ss_wrap #(.N(DEPTH)) u_addr (
                .clk(clk), .rst(rst), .step(issue && fold_end), .last(unused_last), .count(addr));
            assign values = chosen;
            assign flags = flags_qq;
            assign idx = idx_out;
        end
    endgenerate
endmodule
