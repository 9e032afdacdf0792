// ss_node_chanpad: channels of zeros, BEFORE in front of a pixel's C and AFTER behind them.
//
//   in -> ss_width -> ss_skip -> ss_chanpad -> ss_width -> ss_slice -> out
//
// Between the widths a word has STEP lanes, the least common divisor of BEFORE and C that is not below LANES_OUT.
// A word of zeros takes a cycle in which the input waits: a FIFO of one pixel lets it go on, also behind a slice, whose
// pixels come at once with pauses between them. When all common divisors are below LANES_OUT a whole pixel is one word, and the zeros are wires.
module ss_node_chanpad #(
    parameter W = 16,
    parameter C = 4,
    parameter BEFORE = 2,
    parameter AFTER = 2,
    parameter LANES_IN = 2,
    parameter LANES_OUT = 2
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [LANES_IN*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES_OUT*W-1:0] out_data
);
    localparam OUT = BEFORE + C + AFTER;
    function integer step(input integer least);
        begin
            step = least;
            while (step <= C && (C % step != 0 || BEFORE % step != 0 || AFTER % step != 0)) step = step + 1;
            if (step > C) step = 0;
        end
    endfunction
    localparam STEP = step(LANES_OUT);        // 0: there is none
    localparam IN_STEP = STEP != 0 ? STEP : C;
    localparam OUT_STEP = STEP != 0 ? STEP : OUT;

    logic wide_valid, wide_ready, pad_valid, pad_ready, valid, ready;
    logic [IN_STEP*W-1:0] wide_data;
    logic [OUT_STEP*W-1:0] pad_data;
    logic [LANES_OUT*W-1:0] data;
    ss_width #(.IN(LANES_IN), .OUT(IN_STEP), .W(W)) u_width_in
        (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
         .out_valid(wide_valid), .out_ready(wide_ready), .out_data(wide_data));
    generate
        if (STEP != 0) begin : g_words
            localparam DEPTH = C / STEP;
            logic skip_valid, skip_ready;
            logic [IN_STEP*W-1:0] skip_data;
            ss_skip #(.WIDTH(STEP*W), .DEPTH(DEPTH), .STYLE(DEPTH > 4 ? "distributed" : "registers")) u_skip
                (.clk(clk), .rst(rst), .in_valid(wide_valid), .in_ready(wide_ready), .in_data(wide_data),
                 .out_valid(skip_valid), .out_ready(skip_ready), .out_data(skip_data));
            ss_chanpad #(.WIDTH(STEP*W), .BEFORE(BEFORE / STEP), .WORDS(C / STEP), .AFTER(AFTER / STEP)) u_pad
                (.clk(clk), .rst(rst), .in_valid(skip_valid), .in_ready(skip_ready), .in_data(skip_data),
                 .out_valid(pad_valid), .out_ready(pad_ready), .out_data(pad_data));
        end else begin : g_pixels
            assign pad_valid = wide_valid;
            assign wide_ready = pad_ready;
            assign pad_data = (OUT*W)'(wide_data) << (BEFORE * W);
        end
    endgenerate
    ss_width #(.IN(OUT_STEP), .OUT(LANES_OUT), .W(W)) u_width_out
        (.clk(clk), .rst(rst), .in_valid(pad_valid), .in_ready(pad_ready), .in_data(pad_data),
         .out_valid(valid), .out_ready(ready), .out_data(data));
    ss_slice #(.WIDTH(LANES_OUT*W)) u_slice (.clk(clk), .rst(rst), .in_valid(valid), .in_ready(ready), .in_data(data),
                                             .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
