// ss_window_sieve: does any window cover the pixel that stands in a stream?
//
// Counts the words that move and says of the next one whether to keep it. Behind the sieve the covered rows and columns
// stand side by side, so that a stride larger than the kernel has become the kernel's size.
// keep is combinational from registers.
module ss_window_sieve #(
    parameter DEEP = 1,
    parameter H = 4,
    parameter WD = 4,
    parameter KH = 1,
    parameter KW = 1,
    parameter SH = 2,
    parameter SW = 2,
    parameter PT = 0,
    parameter PL = 0,
    parameter HO = 2,
    parameter WO = 2
) (
    input  logic clk,
    input  logic rst,
    input  logic move,
    output logic keep
);
    localparam DW = DEEP > 1 ? $clog2(DEEP) : 1;
    logic pixel_end, row_end, keep_column, keep_row, image_end;
    logic [DW-1:0] word;
    ss_wrap #(.N(DEEP)) u_word (.clk(clk), .rst(rst), .step(move), .last(pixel_end), .count(word));
    ss_window_sieve_axis #(.N(WD), .K(KW), .STRIDE(SW), .PAD(PL), .OUT(WO))
        u_column (.clk(clk), .rst(rst), .step(move && pixel_end), .last(row_end), .keep(keep_column));
    ss_window_sieve_axis #(.N(H), .K(KH), .STRIDE(SH), .PAD(PT), .OUT(HO))
        u_row (.clk(clk), .rst(rst), .step(move && pixel_end && row_end), .last(image_end), .keep(keep_row));
    assign keep = keep_column && keep_row;

    logic unused_ok;
    assign unused_ok = &{1'b0, image_end, word};
endmodule
