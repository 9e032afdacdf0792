// ss_gather: what ss_deal has dealt comes together again: N streams in the same turns, WORDS words each.
//
// Rate: one word a cycle. Latency: 1.
module ss_gather #(parameter WIDTH = 8, parameter N = 2, parameter WORDS = 4, parameter ROW = 4) (
    input  logic clk,
    input  logic rst,
    input  logic [N-1:0] in_valid,
    output logic [N-1:0] in_ready,
    input  logic [N*WIDTH-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [WIDTH-1:0] out_data
);
    logic ready, enable, chosen;
    logic [N-1:0] turn;
    logic [WIDTH-1:0] word;
    assign chosen = |(in_valid & turn);
    assign in_ready = ready ? turn : 0;
    ss_turn #(.N(N), .WORDS(WORDS), .ROW(ROW)) u_turn (.clk(clk), .rst(rst), .step(chosen && ready), .turn(turn));
    ss_pipe #(.STAGES(1)) u_pipe (
        .clk(clk), .rst(rst), .in_valid(chosen), .in_ready(ready), .out_valid(out_valid), .out_ready(out_ready), .enable(enable));
    integer i;
    always_comb begin
        word = 0;
        for (i = 0; i < N; i = i + 1) word = word | (turn[i] ? in_data[i*WIDTH +: WIDTH] : WIDTH'(0));
    end
    always_ff @(posedge clk) if (enable) out_data <= word;

    ss_stream_check #(.WIDTH(WIDTH), .NAME("gather")) u_check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
