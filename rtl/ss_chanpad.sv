// ss_chanpad: channels of zeros in front of and behind those of every pixel.
//
// For each pixel BEFORE words of zeros, WORDS words from the input, AFTER words of zeros, each of WIDTH bits. The
// zeros in front wait for the pixel, those behind for nothing. No registers on the way: latency 0; in_ready
// follows out_ready through one gate.
module ss_chanpad #(
    parameter WIDTH = 16,
    parameter BEFORE = 1,
    parameter WORDS = 2,
    parameter AFTER = 1
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [WIDTH-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [WIDTH-1:0] out_data
);
    localparam ALL = BEFORE + WORDS + AFTER;
    localparam AW = ALL > 1 ? $clog2(ALL) : 1;
    logic [AW-1:0] word;
    logic front, behind, unused;
    assign unused = &{1'b0, word};
    ss_rows #(.ROWS(ALL)) u_word (.clk(clk), .rst(rst), .move(out_valid && out_ready), .row(word));
    generate
        if (BEFORE > 0) begin : g_front
            assign front = word < AW'(BEFORE);
        end else begin : g_no_front
            assign front = 1'b0;
        end
        if (AFTER > 0) begin : g_behind
            assign behind = word >= AW'(BEFORE + WORDS);
        end else begin : g_not_behind
            assign behind = 1'b0;
        end
    endgenerate
    assign out_valid = in_valid || behind;
    assign in_ready = out_ready && !front && !behind;
    assign out_data = front || behind ? 0 : in_data;

    ss_stream_check #(.WIDTH(WIDTH), .NAME("channel pad")) u_check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
