// ss_tap: hands every word that moves on a stream to the test bench. Simulation only: empty unless SS_TAPS is defined.
//
// The bench provides, in C (extern "C" in C++),
//     void ss_tap_word(int id, int chunk, int bits);
// which is called at the clock edge at which a word of stream ID moves, once for every 32 bits of it: chunk 0 holds the
// low bits, chunk ceil(WIDTH/32) - 1 the high ones, with zeros above them. Only Verilator is used with taps.
module ss_tap #(parameter ID = 0, parameter WIDTH = 8) (
    input logic clk,
    input logic rst,
    input logic valid,
    input logic ready,
    input logic [WIDTH-1:0] data
);
`ifdef SS_TAPS
    import "DPI-C" function void ss_tap_word(input int id, input int chunk, input int bits);
    localparam CHUNKS = (WIDTH + 31) / 32;
    logic [CHUNKS*32-1:0] padded;
    assign padded = (CHUNKS*32)'(data);
    integer i;
    always @(posedge clk)
        if (!rst && valid && ready)
            for (i = 0; i < CHUNKS; i = i + 1) ss_tap_word(ID, i, padded[i*32 +: 32]);
`else
    localparam UNUSED = ID;
    logic unused;
    assign unused = &{clk, rst, valid, ready, data, 1'(UNUSED)};
`endif
endmodule
