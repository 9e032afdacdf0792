// ss_requantise: from accumulators to elements, sat((x*mult + half) >> shift) with multiplier and shift per channel.
//
// An ss_rescale whose row is the channel word: row r of FILE holds channels r*LANES .. r*LANES+LANES-1. With FILE = "" the
// constants MULT and SHIFT serve all channels. x is what is left of the accumulator after its low `pre` bits were dropped.
// Rate: one word a cycle. Latency: 5 with FILE, 3 without, 1 when MULT = 1.
module ss_requantise #(
    parameter LANES = 2,
    parameter IN = 27,
    parameter W = 16,
    parameter MULT_BITS = 17,
    parameter SHIFT_BITS = 6,
    parameter CHANNELS = LANES,
    parameter LO = -(1 << (W - 1)),
    parameter HI = (1 << (W - 1)) - 1,
    parameter FILE = "",
    parameter STYLE = "distributed",
    parameter SHIFT_LO = 1,
    parameter SHIFT_HI = 45,
    parameter MULT = 65536,
    parameter SHIFT = 17
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [LANES*IN-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES*W-1:0] out_data
);
    localparam ROWS = FILE != "" ? CHANNELS / LANES : 1;
    localparam AW = ROWS > 1 ? $clog2(ROWS) : 1;
    logic [AW-1:0] row;
    ss_rows #(.ROWS(ROWS)) u_rows (.clk(clk), .rst(rst), .move(in_valid && in_ready), .row(row));
    ss_rescale #(.LANES(LANES), .IN(IN), .W(W), .MULT_BITS(MULT_BITS), .SHIFT_BITS(SHIFT_BITS), .ROWS(ROWS), .FILE(FILE),
                 .STYLE(STYLE), .SHIFT_LO(SHIFT_LO), .SHIFT_HI(SHIFT_HI), .MULT(MULT), .SHIFT(SHIFT), .LO(LO), .HI(HI))
        u_rescale (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_row(row), .in_data(in_data),
                   .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
