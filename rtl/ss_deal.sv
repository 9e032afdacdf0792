// ss_deal: one stream to N readers in turn, a pixel's WORDS words to each (ss_turn, ROW pixels a row).
//
// The readers share out_data. Rate: one word a cycle. Latency: 0. Only the reader whose turn it is holds the stream up; what
// lets the others work meanwhile is room behind each.
module ss_deal #(parameter WIDTH = 8, parameter N = 2, parameter WORDS = 4, parameter ROW = 4) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [WIDTH-1:0] in_data,
    output logic [N-1:0] out_valid,
    input  logic [N-1:0] out_ready,
    output logic [WIDTH-1:0] out_data
);
    logic [N-1:0] turn;
    assign out_valid = in_valid ? turn : 0;
    assign out_data = in_data;
    assign in_ready = |(turn & out_ready);
    ss_turn #(.N(N), .WORDS(WORDS), .ROW(ROW)) u_turn (.clk(clk), .rst(rst), .step(in_valid && in_ready), .turn(turn));

    genvar i;
    generate
        for (i = 0; i < N; i = i + 1) begin : g_reader
            ss_stream_check #(.WIDTH(WIDTH), .NAME("deal")) u_check
                (.clk(clk), .rst(rst), .valid(out_valid[i]), .ready(out_ready[i]), .data(out_data));
        end
    endgenerate
endmodule
