// ss_window_sieve_axis: counts positions 0..N-1 of one axis over and over; keep: one of OUT windows of K positions, STRIDE
// apart, the first one PAD before position 0, covers the present position; last: it is N-1.
module ss_window_sieve_axis #(
    parameter N = 4,
    parameter K = 1,
    parameter STRIDE = 2,
    parameter PAD = 0,
    parameter OUT = 2
) (
    input  logic clk,
    input  logic rst,
    input  logic step,
    output logic last,
    output logic keep
);
    localparam AW = N > 1 ? $clog2(N) : 1;
    localparam PW = STRIDE > 1 ? $clog2(STRIDE) : 1;
    localparam COVERED = (OUT - 1) * STRIDE - PAD + K; // the first position behind the last window

    logic [AW-1:0] at;
    logic [PW-1:0] phase; // (at + PAD) mod STRIDE
    assign last = at == AW'(N - 1);
    always_ff @(posedge clk)
        if (rst) begin
            at <= '0;
            phase <= PW'(PAD % STRIDE);
        end else if (step) begin
            at <= last ? '0 : at + 1'b1;
            phase <= last ? PW'(PAD % STRIDE) : phase == PW'(STRIDE - 1) ? '0 : phase + 1'b1;
        end

    logic in_phase, in_reach;
    generate
        if (K >= STRIDE) begin : g_every_phase
            logic unused_ok;
            assign in_phase = 1'b1;
            assign unused_ok = &{1'b0, phase};
        end else begin : g_phase
            assign in_phase = phase < PW'(K);
        end
        if (COVERED >= N) begin : g_all
            assign in_reach = 1'b1;
        end else begin : g_reach
            assign in_reach = at < AW'(COVERED);
        end
    endgenerate
    assign keep = in_phase && in_reach;
endmodule
