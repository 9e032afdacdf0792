// ss_stream_check: the law of a stream, checked in simulation and assumed nowhere: once valid is high, valid and data
// hold until the word moves; valid and ready are never unknown after reset.
//
// Every output stream of a module carries one. Nothing is left of it in synthesis. With FORMAL defined the same law
// stands as assertions for a prover.
module ss_stream_check #(parameter WIDTH = 8, parameter NAME = "stream") (
    input logic clk,
    input logic rst,
    input logic valid,
    input logic ready,
    input logic [WIDTH-1:0] data
);
`ifdef FORMAL
    logic held = 1'b0; // a word was offered and not taken
    logic [WIDTH-1:0] word;
    always_ff @(posedge clk) begin
        held <= !rst && valid && !ready;
        word <= data;
        if (held && !rst) assert (valid && data == word);
    end
`elsif SYNTHESIS
    localparam UNUSED = NAME;
    logic unused;
    assign unused = &{clk, rst, valid, ready, data};
`else
    logic held;
    logic [WIDTH-1:0] word;
    always @(posedge clk) begin
        held <= !rst && valid && !ready;
        word <= data;
        if (!rst) begin
            if ((valid ^ ready) === 1'bx) $fatal(1, "%m: stream %s: valid %b, ready %b", NAME, valid, ready);
            if (held && !valid) $fatal(1, "%m: stream %s: valid fell before the word moved", NAME);
            if (held && valid && data !== word)
                $fatal(1, "%m: stream %s: data changed before the word moved, from %h to %h", NAME, word, data);
        end
    end
`endif
endmodule
