// ss_turn: whose turn it is, of N that have WORDS words each of a pixel, the first at first; one-hot.
//
// `step`: a word passes. A row has ROW pixels. Where ROW is even one is left out at its end, so that (N being a power of two) a column
// is not always the same one's: those at the border have fewer non-zeros.
module ss_turn #(parameter N = 2, parameter WORDS = 4, parameter ROW = 4) (
    input  logic clk,
    input  logic rst,
    input  logic step,
    output logic [N-1:0] turn
);
    localparam WW = WORDS > 1 ? $clog2(WORDS) : 1;
    logic pixel_end, row_end;
    logic [WW-1:0] unused_word;
    ss_wrap #(.N(WORDS)) u_word (.clk(clk), .rst(rst), .step(step), .last(pixel_end), .count(unused_word));
    generate
        if (ROW % 2 == 0) begin : g_skewed
            localparam RW = $clog2(ROW);
            logic last;
            logic [RW-1:0] unused_pixel;
            ss_wrap #(.N(ROW)) u_row (.clk(clk), .rst(rst), .step(step && pixel_end), .last(last), .count(unused_pixel));
            assign row_end = last;
        end else begin : g_straight
            assign row_end = 0;
        end
    endgenerate
    always_ff @(posedge clk)
        if (rst) turn <= 1;
        else if (step && pixel_end) turn <= row_end ? N'({turn, turn[N-1 -: 2]}) : N'({turn, turn[N-1]});
endmodule
