// ss_front: issues the beats of a dense engine: every position of a window, M a beat, K/M beats.
//
// Multiplier x of a stream takes position j*M + x in beat j. All S streams advance together; no bubble between beats, folds
// and windows. The window is taken, and its values registered, as its first beat is issued (cycle t); addr counts the
// weight rows at t; values and flags appear at t + 2, together with what the weight memory reads (latency 2).
// flags: {emit, last of its fold, start, valid}; see ss_issue.
module ss_front #(
    parameter W = 16,
    parameter K = 9,
    parameter M = 3,
    parameter S = 1,
    parameter STEPS = 1,
    parameter FOLDS = 1,
    parameter PASSES = 1,
    parameter RESULTS = 16,
    parameter DEPTH = PASSES * STEPS * FOLDS * (K / M), // derived: leave it alone
    parameter AW = DEPTH > 1 ? $clog2(DEPTH) : 1        // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [S*K*W-1:0] in_data,
    input  logic taken,
    output logic [AW-1:0] addr,
    output logic [S*M*W-1:0] values,
    output logic [3:0] flags
);
    localparam BEATS = K / M;
    localparam BW = BEATS > 1 ? $clog2(BEATS) : 1;
    logic issue, fresh, start, fold_end, emit, unused_last;
    logic [BW-1:0] beat, beat_q;
    logic [3:0] flags_q;

    ss_issue #(.STEPS(STEPS), .FOLDS(FOLDS), .RESULTS(RESULTS)) u_issue (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .fold_end(fold_end), .taken(taken),
        .issue(issue), .fresh(fresh), .start(start), .emit(emit));
    ss_wrap #(.N(BEATS)) u_beat (.clk(clk), .rst(rst), .step(issue), .last(fold_end), .count(beat));
    ss_wrap #(.N(DEPTH)) u_addr (.clk(clk), .rst(rst), .step(issue), .last(unused_last), .count(addr));

    always_ff @(posedge clk) begin
        beat_q <= beat;
        flags_q <= {emit, fold_end, start, issue && !rst};
        flags <= {flags_q[3:1], flags_q[0] && !rst};
    end

    genvar i, x, j;
    generate
        for (i = 0; i < S; i = i + 1) begin : g_stream
            logic [K*W-1:0] window;
            always_ff @(posedge clk) if (issue && fresh) window <= in_data[i*K*W +: K*W];
            for (x = 0; x < M; x = x + 1) begin : g_multiplier
                logic [BEATS*W-1:0] choice;
                logic [W-1:0] chosen, value;
                for (j = 0; j < BEATS; j = j + 1) begin : g_choice
                    assign choice[j*W +: W] = window[(j*M + x)*W +: W];
                end
                ss_mux #(.N(BEATS), .WIDTH(W)) u_mux (.data(choice), .sel(beat_q), .out(chosen));
                always_ff @(posedge clk) value <= chosen;
                assign values[(i*M + x)*W +: W] = value;
            end
        end
    endgenerate
endmodule
