// ss_slice_space: strided slice of a map: keeps the pixels (OH + i*SH, OW + j*SW), i < HO, j < WO, and drops the others.
//
// Words are DEEP to a pixel. What is kept passes in the same cycle; in_ready follows out_ready through one gate.
module ss_slice_space #(
    parameter WIDTH = 16,
    parameter DEEP = 2,
    parameter H = 4,
    parameter WD = 4,
    parameter OH = 0,
    parameter OW = 0,
    parameter SH = 2,
    parameter SW = 2,
    parameter HO = 2,
    parameter WO = 2
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
    localparam AW = DEEP > 1 ? $clog2(DEEP) : 1;
    logic move, pixel_ends, column_kept, row_kept, row_ends, unused;
    logic [AW-1:0] word;
    assign move = in_valid && in_ready;
    assign pixel_ends = move && word == AW'(DEEP - 1);
    ss_rows #(.ROWS(DEEP)) u_word (.clk(clk), .rst(rst), .move(move), .row(word));
    ss_keep #(.SIZE(WD), .OFFSET(OW), .STRIDE(SW), .COUNT(WO)) u_columns
        (.clk(clk), .rst(rst), .move(pixel_ends), .keep(column_kept), .ends(row_ends));
    ss_keep #(.SIZE(H), .OFFSET(OH), .STRIDE(SH), .COUNT(HO)) u_rows
        (.clk(clk), .rst(rst), .move(row_ends), .keep(row_kept), .ends(unused));

    logic keep;
    assign keep = column_kept && row_kept;
    assign out_valid = in_valid && keep;
    assign in_ready = out_ready || !keep;
    assign out_data = in_data;

    ss_stream_check #(.WIDTH(WIDTH), .NAME("slice of a map")) u_check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
