// ss_node_concat: the channels of N maps one behind another.
//
//   each input -> ss_width -> ss_skip -.
//                                      ss_concat -> ss_width -> ss_requantise -> ss_relu -> ss_slice -> out
//
// Words between the widths have STEP lanes, the least common divisor of all channels that is not below LANES_OUT.
// While one input has its turn the others fill their FIFOs, which hold DEPTHS words as they come and one pixel
// more where the input is narrower than STEP. When all common divisors are below LANES_OUT every input becomes a
// whole pixel a word, behind its FIFO, and the pixels are joined side by side. Parameters of the inputs have 32
// bits each, input 0 lowest; STYLES: 0 registers, 1 distributed, 2 block.
module ss_node_concat #(
    parameter W = 16,
    parameter N = 2,
    parameter [N*32-1:0] CHANNELS = {N{32'd4}},
    parameter [N*32-1:0] LANES = {N{32'd2}},
    parameter [N*32-1:0] SHIFTS = {N{32'd1}},
    parameter [N*32-1:0] DEPTHS = {N{32'd2}},
    parameter [N*32-1:0] STYLES = {N{32'd0}},
    parameter LANES_OUT = 2,
    parameter ACC = W + 1,
    parameter PRE = 0,
    parameter SHIFT = 1,
    parameter LO = -(1 << (W - 1)),
    parameter HI = (1 << (W - 1)) - 1,
    parameter ACT = 0,
    parameter THR = 0,
    parameter CEILING = HI,
    parameter THR_FILE = "",
    parameter ROM_STYLE = "distributed",
    // The sum of LANES. The default is their digits' to base 2^32; the generator gives the number, which spares tools a
    // division of wide constants.
    parameter IN = 32'((N*32+1)'(LANES) % (N*32+1)'(33'h0ffffffff))
) (
    input  logic clk,
    input  logic rst,
    input  logic [N-1:0] in_valid,
    output logic [N-1:0] in_ready,
    input  logic [IN*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES_OUT*W-1:0] out_data
);
    // Sum of the first n of a parameter's values.
    function integer sum_of(input [N*32-1:0] values, input integer n);
        integer i;
        begin
            sum_of = 0;
            for (i = 0; i < n; i = i + 1) sum_of = sum_of + values[i*32 +: 32];
        end
    endfunction
    localparam C = sum_of(CHANNELS, N);

    // The least common divisor of all channels from `least` on; 0: there is none.
    function integer step(input integer least);
        integer i, misfits;
        begin
            step = least;
            misfits = 1;
            while (misfits != 0 && step <= C) begin
                misfits = 0;
                for (i = 0; i < N; i = i + 1)
                    if (CHANNELS[i*32 +: 32] % step != 0) misfits = misfits + 1;
                if (misfits != 0) step = step + 1;
            end
            if (misfits != 0) step = 0;
        end
    endfunction
    localparam STEP = step(LANES_OUT);
    localparam PIXELS = STEP == 0;
    // Words a pixel of every input.
    function [N*32-1:0] words(input integer lanes);
        integer i;
        begin
            for (i = 0; i < N; i = i + 1) words[i*32 +: 32] = CHANNELS[i*32 +: 32] / lanes;
        end
    endfunction
    localparam SUM = ACC - PRE;
    localparam JOINED = PIXELS ? C : STEP; // lanes behind the join

    logic joined_valid, joined_ready, sum_valid, sum_ready, valid, ready;
    logic [JOINED*SUM-1:0] joined_data;
    logic [LANES_OUT*SUM-1:0] sum_data;
    logic [LANES_OUT*W-1:0] data;
    logic [N-1:0] wide_valid, wide_ready;

    genvar k, l;
    generate
        for (k = 0; k < N; k = k + 1) begin : g_in
            localparam CHANNEL = CHANNELS[k*32 +: 32];
            localparam NARROW = LANES[k*32 +: 32];
            localparam WIDE = PIXELS ? CHANNEL : STEP;
            localparam AT = sum_of(LANES, k);
            // In words before the width when pixels are joined, else behind it.
            localparam WORDS = DEPTHS[k*32 +: 32];
            localparam PIXEL = NARROW < WIDE ? CHANNEL / WIDE : 0;
            localparam DEPTH = PIXELS ? WORDS : (WORDS * NARROW + WIDE - 1) / WIDE + PIXEL;
            localparam STYLE = STYLES[k*32 +: 32] == 2 ? "block" :
                               STYLES[k*32 +: 32] == 1 || DEPTH > 8 ? "distributed" : "registers";
            localparam SKIPPED = PIXELS ? NARROW : WIDE;
            logic [WIDE*W-1:0] wide_data;
            logic narrow_valid, narrow_ready, skip_valid, skip_ready;
            logic [SKIPPED*W-1:0] narrow_data, skip_data;
            ss_skip #(.WIDTH(SKIPPED*W), .DEPTH(DEPTH), .STYLE(STYLE)) u_skip
                (.clk(clk), .rst(rst), .in_valid(narrow_valid), .in_ready(narrow_ready), .in_data(narrow_data),
                 .out_valid(skip_valid), .out_ready(skip_ready), .out_data(skip_data));
            if (PIXELS) begin : g_width_behind
                assign narrow_valid = in_valid[k];
                assign in_ready[k] = narrow_ready;
                assign narrow_data = in_data[AT*W +: NARROW*W];
                ss_width #(.IN(NARROW), .OUT(WIDE), .W(W)) u_width
                    (.clk(clk), .rst(rst), .in_valid(skip_valid), .in_ready(skip_ready), .in_data(skip_data),
                     .out_valid(wide_valid[k]), .out_ready(wide_ready[k]), .out_data(wide_data));
            end else begin : g_width_before
                ss_width #(.IN(NARROW), .OUT(WIDE), .W(W)) u_width
                    (.clk(clk), .rst(rst), .in_valid(in_valid[k]), .in_ready(in_ready[k]), .in_data(in_data[AT*W +: NARROW*W]),
                     .out_valid(narrow_valid), .out_ready(narrow_ready), .out_data(narrow_data));
                assign wide_valid[k] = skip_valid;
                assign skip_ready = wide_ready[k];
                assign wide_data = skip_data;
            end
        end

        if (PIXELS) begin : g_pixels
            assign joined_valid = &wide_valid;
            assign wide_ready = joined_valid && joined_ready ? {N{1'b1}} : {N{1'b0}};
            for (k = 0; k < N; k = k + 1) begin : g_part
                localparam S = SHIFTS[k*32 +: 32];
                localparam AT = sum_of(CHANNELS, k);
                for (l = 0; l < CHANNELS[k*32 +: 32]; l = l + 1) begin : g_lane
                    logic [ACC-1:0] x;
                    assign x = ACC'($signed(g_in[k].wide_data[l*W +: W])) << S;
                    assign joined_data[(AT + l)*SUM +: SUM] = SUM'(x >> PRE);
                end
            end
        end else begin : g_words
            logic [N*STEP*W-1:0] wide_data;
            for (k = 0; k < N; k = k + 1) begin : g_part
                assign wide_data[k*STEP*W +: STEP*W] = g_in[k].wide_data;
            end
            ss_concat #(.N(N), .LANES(STEP), .W(W), .WORDS(words(STEP)), .SHIFTS(SHIFTS), .SUM(ACC), .PRE(PRE)) u_concat
                (.clk(clk), .rst(rst), .in_valid(wide_valid), .in_ready(wide_ready), .in_data(wide_data),
                 .out_valid(joined_valid), .out_ready(joined_ready), .out_data(joined_data));
        end
    endgenerate

    ss_width #(.IN(JOINED), .OUT(LANES_OUT), .W(SUM)) u_width_out
        (.clk(clk), .rst(rst), .in_valid(joined_valid), .in_ready(joined_ready), .in_data(joined_data),
         .out_valid(sum_valid), .out_ready(sum_ready), .out_data(sum_data));
    ss_requantise #(.LANES(LANES_OUT), .IN(SUM), .W(W), .CHANNELS(C), .LO(LO), .HI(HI), .MULT(1), .SHIFT(SHIFT)) u_requantise
        (.clk(clk), .rst(rst), .in_valid(sum_valid), .in_ready(sum_ready), .in_data(sum_data),
         .out_valid(valid), .out_ready(ready), .out_data(data));
    ss_node_end #(.LANES(LANES_OUT), .W(W), .CHANNELS(C), .ACT(ACT), .THR(THR), .CEILING(CEILING), .THR_FILE(THR_FILE),
                  .ROM_STYLE(ROM_STYLE), .LO(LO)) u_end
        (.clk(clk), .rst(rst), .in_valid(valid), .in_ready(ready), .in_data(data),
         .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
