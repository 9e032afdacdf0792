// ss_pool_global: the sum (MAX = 0) or the maximum (MAX = 1) of every channel over one window at the map's top left corner,
// usually the whole map: one pixel an image.
//
// Of the H rows of WD pixels the first TALL and BROAD lie inside the window, the others are taken and dropped. A running
// value a channel lives in LUT RAM (a register when a pixel is one word), read, changed and written in one cycle; the
// window's last pixel goes to the output instead. A sum fits SUM bits; the low PRE of the result are dropped.
// Rate: one word a cycle. Latency: 1 from the window's last pixel.
module ss_pool_global #(
    parameter LANES = 2,
    parameter W = 16,
    parameter DEEP = 4,
    parameter H = 4,
    parameter WD = 4,
    parameter TALL = H,
    parameter BROAD = WD,
    parameter MAX = 0,
    parameter SUM = MAX != 0 ? W : W + $clog2(TALL * BROAD),
    parameter PRE = 0
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [LANES*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES*(SUM-PRE)-1:0] out_data
);
    localparam OUT = SUM - PRE;
    localparam AW = DEEP > 1 ? $clog2(DEEP) : 1;
    localparam XW = WD > 1 ? $clog2(WD) : 1;
    localparam YW = H > 1 ? $clog2(H) : 1;

    logic move, pixel_ends, row_ends, first, last, covered;
    logic [AW-1:0] word;
    logic [XW-1:0] x;
    logic [YW-1:0] y;
    assign move = in_valid && in_ready;
    assign pixel_ends = move && word == AW'(DEEP - 1);
    assign row_ends = pixel_ends && x == XW'(WD - 1);
    ss_rows #(.ROWS(DEEP)) u_word (.clk(clk), .rst(rst), .move(move), .row(word));
    ss_rows #(.ROWS(WD)) u_x (.clk(clk), .rst(rst), .move(pixel_ends), .row(x));
    ss_rows #(.ROWS(H)) u_y (.clk(clk), .rst(rst), .move(row_ends), .row(y));
    assign first = x == 0 && y == 0;
    assign last = x == XW'(BROAD - 1) && y == YW'(TALL - 1);
    generate
        if (TALL < H || BROAD < WD) begin : g_part
            assign covered = x <= XW'(BROAD - 1) && y <= YW'(TALL - 1);
        end else begin : g_whole
            assign covered = 1'b1;
        end
    endgenerate

    logic [LANES*SUM-1:0] running, renewed;
    genvar l;
    generate
        for (l = 0; l < LANES; l = l + 1) begin : g_lane
            logic [SUM-1:0] a, b;
            assign a = running[l*SUM +: SUM];
            assign b = SUM'($signed(in_data[l*W +: W]));
            if (MAX != 0) begin : g_max
                assign renewed[l*SUM +: SUM] = first || $signed(b) > $signed(a) ? b : a;
            end else begin : g_sum
                assign renewed[l*SUM +: SUM] = b + (first ? SUM'(0) : a);
            end
            always_ff @(posedge clk)
                if (move && last) out_data[l*OUT +: OUT] <= OUT'($signed(renewed[l*SUM +: SUM]) >>> PRE);
        end
        if (DEEP > 1) begin : g_memory
            (* ram_style = "distributed" *)
            logic [LANES*SUM-1:0] values [0:DEEP-1];
            assign running = values[word];
            always_ff @(posedge clk) if (move && covered) values[word] <= renewed;
        end else begin : g_register
            logic [LANES*SUM-1:0] value;
            assign running = value;
            always_ff @(posedge clk) if (move && covered) value <= renewed;
        end
    endgenerate

    assign in_ready = !out_valid || out_ready || !last;
    always_ff @(posedge clk)
        if (rst) out_valid <= 1'b0;
        else if (move && last) out_valid <= 1'b1;
        else if (out_ready) out_valid <= 1'b0;

    ss_stream_check #(.WIDTH(LANES*OUT), .NAME("global pool")) u_check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
