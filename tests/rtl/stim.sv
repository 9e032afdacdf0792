// Both ends of a stream in a test bench: a source that plays a file and a sink that compares with one.
//
// Files are $readmemh files of WORDS words. STALL of 256 is the chance that an end does nothing in a cycle: 0 never
// stalls, so that the sink's cycle numbers measure the module between them. Gaps come from a linear-feedback register
// started with SEED, the same in every simulator. All outputs are registers.

// Galois LFSR, x^32 + x^22 + x^2 + x + 1; `stall` is high in about STALL of 256 cycles. Eight steps a cycle, so that
// neighbouring decisions have no bits in common.
module tb_chance #(parameter SEED = 1, parameter STALL = 0) (
    input  logic clk,
    input  logic rst,
    output logic stall
);
    function automatic logic [31:0] eight_steps(input logic [31:0] from);
        integer i;
        begin
            eight_steps = from;
            for (i = 0; i < 8; i = i + 1)
                eight_steps = {1'b0, eight_steps[31:1]} ^ (eight_steps[0] ? 32'h80200003 : 32'h0);
        end
    endfunction
    logic [31:0] state; // no always_comb here: Icarus would take a hundred times as long
    always_ff @(posedge clk)
        if (rst) state <= eight_steps(32'(SEED) * 32'd2654435761 ^ 32'h5eed1234);
        else state <= eight_steps(state);
    assign stall = 32'(state[7:0]) < 32'(STALL);
endmodule

module tb_source #(parameter WIDTH = 8, parameter WORDS = 1, parameter FILE = "", parameter SEED = 1,
                   parameter STALL = 0) (
    input  logic clk,
    input  logic rst,
    output logic valid,
    input  logic ready,
    output logic [WIDTH-1:0] data
);
    logic [WIDTH-1:0] words [0:WORDS-1];
    initial $readmemh(FILE, words);

    logic stall;
    tb_chance #(.SEED(SEED), .STALL(STALL)) chance (.clk(clk), .rst(rst), .stall(stall));

    logic [31:0] next; // index of the next word to offer
    always_ff @(posedge clk)
        if (rst) begin
            valid <= 1'b0;
            next <= 0;
        end else if (!valid || ready) begin
            valid <= next < WORDS && !stall;
            if (next < WORDS && !stall) begin
                data <= words[next[$clog2(WORDS + 1)-1:0]];
                next <= next + 1;
            end
        end
endmodule

// errors counts the words that differ; the first is printed. Words after the last one are errors too: keep the bench
// running for a while after `done` where that matters (main.cpp does, for 64 cycles).
module tb_sink #(parameter WIDTH = 8, parameter WORDS = 1, parameter FILE = "", parameter SEED = 2,
                 parameter STALL = 0, parameter NAME = "sink") (
    input  logic clk,
    input  logic rst,
    input  logic valid,
    output logic ready,
    input  logic [WIDTH-1:0] data,
    output logic done,
    output logic [31:0] errors,
    output logic [31:0] first, // cycles, counted from the end of reset,
    output logic [31:0] last   // in which the first and the last word were taken
);
    logic [WIDTH-1:0] words [0:WORDS-1];
    initial $readmemh(FILE, words);

    logic stall;
    tb_chance #(.SEED(SEED), .STALL(STALL)) chance (.clk(clk), .rst(rst), .stall(stall));

    logic [31:0] cycle, taken;
    logic [WIDTH-1:0] expected;
    assign expected = words[taken[$clog2(WORDS + 1)-1:0]];
    assign done = taken >= WORDS;
    always_ff @(posedge clk)
        if (rst) begin
            ready <= 1'b0;
            cycle <= 0;
            taken <= 0;
            errors <= 0;
            first <= 0;
            last <= 0;
        end else begin
            ready <= !stall;
            cycle <= cycle + 1;
            if (valid && ready) begin
                taken <= taken + 1;
                if (taken == 0) first <= cycle;
                if (!done) last <= cycle;
                if (done || data !== expected) begin
                    errors <= errors + 1;
                    if (errors == 0) begin
                        if (done) $display("%s: a word more than the %0d expected: %h", NAME, WORDS, data);
                        else $display("%s: word %0d: expected %h, got %h", NAME, taken, expected, data);
                    end
                end
            end
        end
endmodule
