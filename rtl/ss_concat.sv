// ss_concat: N streams one after another, a whole pixel at a time: WORDS[k] words of stream k, then those of k + 1.
//
// Every stream has words of LANES elements of W bits, which leave shifted left by SHIFTS[k], so that all stand at one scale;
// of the SUM bits of the result the low PRE are dropped. WORDS and SHIFTS hold 32 bits a stream, stream 0 lowest.
// Rate: one word a cycle. Latency: 1.
module ss_concat #(
    parameter N = 2,
    parameter LANES = 2,
    parameter W = 16,
    parameter [N*32-1:0] WORDS = {N{32'd2}},
    parameter [N*32-1:0] SHIFTS = {N{32'd0}},
    parameter SUM = W,
    parameter PRE = 0
) (
    input  logic clk,
    input  logic rst,
    input  logic [N-1:0] in_valid,
    output logic [N-1:0] in_ready,
    input  logic [N*LANES*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES*(SUM-PRE)-1:0] out_data
);
    localparam OUT = SUM - PRE;
    function integer most(input integer unused);
        integer j;
        begin
            most = unused;
            for (j = 0; j < N; j = j + 1)
                if (WORDS[j*32 +: 32] > most) most = WORDS[j*32 +: 32];
        end
    endfunction
    localparam MOST = most(1);
    localparam AW = MOST > 1 ? $clog2(MOST) : 1;

    logic ready, enable, chosen, ends;
    logic [N-1:0] turn, last; // one-hot: whose turn it is; last: its word is the pixel's last
    logic [AW-1:0] word;
    assign chosen = |(in_valid & turn);
    assign in_ready = ready ? turn : 0;
    assign ends = chosen && ready && |(turn & last);
    ss_pipe #(.STAGES(1)) u_pipe (.clk(clk), .rst(rst), .in_valid(chosen), .in_ready(ready), .out_valid(out_valid),
                                  .out_ready(out_ready), .enable(enable));
    always_ff @(posedge clk)
        if (rst) begin
            turn <= 1;
            word <= 0;
        end else if (chosen && ready) begin
            word <= ends ? 0 : word + 1'b1;
            if (ends) turn <= N'({turn, turn[N-1]});
        end

    genvar k, l;
    generate
        for (k = 0; k < N; k = k + 1) begin : g_stream
            localparam S = SHIFTS[k*32 +: 32];
            // What the streams so far contribute: theirs when it is their turn, else 0.
            logic [LANES*OUT-1:0] aligned, so_far;
            assign last[k] = word == AW'(WORDS[k*32 +: 32] - 1);
            for (l = 0; l < LANES; l = l + 1) begin : g_lane
                logic [SUM-1:0] x;
                assign x = SUM'($signed(in_data[(k*LANES + l)*W +: W])) << S;
                assign aligned[l*OUT +: OUT] = OUT'(x >> PRE);
            end
            if (k == 0) begin : g_first
                assign so_far = turn[k] ? aligned : 0;
            end else begin : g_next
                assign so_far = g_stream[k-1].so_far | (turn[k] ? aligned : 0);
            end
        end
    endgenerate
    always_ff @(posedge clk) if (enable) out_data <= g_stream[N-1].so_far;

    ss_stream_check #(.WIDTH(LANES*OUT), .NAME("concat")) u_check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
