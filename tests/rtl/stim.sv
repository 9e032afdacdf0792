// Both ends of a stream in a test bench: a source that plays a file and a sink that compares with one.
//
// Files are $readmemh files of WORDS words. STALL of 256 is the chance that an end does nothing in a cycle: 0 never
// stalls, so that the sink's cycle numbers measure the module between them. Gaps come from a generator of
// random numbers started with SEED, the same in every simulator. All outputs are registers.

// Marsaglia's xorshift generator of 32 bits; `stall` is high in about STALL of 256 cycles.
module tb_chance #(parameter SEED = 1, parameter STALL = 0) (
    input  logic clk,
    input  logic rst,
    output logic stall
);
    logic [31:0] state, a, b, c;
    assign a = state ^ (state << 13);
    assign b = a ^ (a >> 17);
    assign c = b ^ (b << 5);
    always @(posedge clk) state <= rst ? 32'(SEED) * 32'd2654435761 ^ 32'h5eed1234 | 32'h1 : c;
    assign stall = 32'(state[15:8]) < 32'(STALL);
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
    always @(posedge clk)
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
    always @(posedge clk)
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

// Loads a chain of ss_weights: `start`, then the WORDS words of FILE, one every other cycle.
module tb_load #(parameter WORDS = 1, parameter FILE = "") (
    input  logic clk,
    input  logic rst,
    output logic [65:0] load
);
    logic [63:0] words [0:WORDS-1];
    initial $readmemh(FILE, words);
    logic [31:0] at;
    always_ff @(posedge clk)
        if (rst) begin
            at <= 0;
            load <= 66'b0;
        end else begin
            if (at < 2 * WORDS) at <= at + 1;
            load <= {at == 0, at[0], words[at[$clog2(WORDS + 1):1]]};
        end
endmodule
