// Judges of the memories, one a module: each drives one memory at random, compares with a plain array and counts errors.
// tb_chance (stim.sv) gives the random numbers, the same in every simulator.

module tb_random #(parameter SEED = 1) (input logic clk, input logic rst, output logic [31:0] value);
    logic [31:0] state, left, right; // xorshift, 13, 17, 5
    assign left = state ^ (state << 13);
    assign right = left ^ (left >> 17);
    always_ff @(posedge clk)
        if (rst) state <= 32'(SEED) * 32'd2654435761 ^ 32'h2fa1c0de;
        else state <= right ^ (right << 5);
    assign value = state;
endmodule

// Reads rows at random addresses, now and then held by `en`. Used for ss_rom, and (HOLD = 0) for ss_weights, whose
// registers always move on. Compares only while `active`.
module rom_reader #(parameter WIDTH = 8, parameter DEPTH = 4, parameter FILE = "", parameter NAME = "", parameter SEED = 1,
                    parameter HOLD = 1, parameter AW = DEPTH > 1 ? $clog2(DEPTH) : 1) (
    input  logic clk,
    input  logic rst,
    input  logic active,
    output logic en,
    output logic [AW-1:0] addr,
    input  logic [WIDTH-1:0] data,
    output logic [31:0] errors
);
    logic [WIDTH-1:0] rows [0:DEPTH-1];
    initial $readmemh(FILE, rows);
    logic [31:0] value;
    tb_random #(.SEED(SEED)) random (.clk(clk), .rst(rst), .value(value));
    assign en = HOLD == 0 || value[31:30] != 0;
    assign addr = AW'(32'(value[15:0]) % DEPTH);
    logic [AW-1:0] addr_1, addr_2;
    logic [1:0] filled;
    always_ff @(posedge clk)
        if (rst) begin
            errors <= 0;
            filled <= 0;
        end else begin
            if (en) begin
                addr_1 <= addr;
                addr_2 <= addr_1;
                filled <= active ? {filled[0], 1'b1} : 2'b00;
            end
            if (active && filled[1] && data !== rows[addr_2]) begin
                errors <= errors + 1;
                if (errors == 0) $display("%s: row %0d: expected %h, got %h", NAME, addr_2, rows[addr_2], data);
            end
        end
endmodule

module rom_case #(parameter WIDTH = 8, parameter DEPTH = 4, parameter STYLE = "block", parameter FILE = "",
                  parameter NAME = "", parameter SEED = 1) (input logic clk, input logic rst, output logic [31:0] errors);
    localparam AW = DEPTH > 1 ? $clog2(DEPTH) : 1;
    logic en;
    logic [AW-1:0] addr;
    logic [WIDTH-1:0] data;
    rom_reader #(.WIDTH(WIDTH), .DEPTH(DEPTH), .FILE(FILE), .NAME(NAME), .SEED(SEED)) reader
        (.clk(clk), .rst(rst), .active(1'b1), .en(en), .addr(addr), .data(data), .errors(errors));
    ss_rom #(.WIDTH(WIDTH), .DEPTH(DEPTH), .STYLE(STYLE), .FILE(FILE)) dut (.clk(clk), .en(en), .addr(addr), .data(data));
endmodule

// Writes and reads at random, often the same row at once: the old row must come.
module ram_case #(parameter WIDTH = 8, parameter DEPTH = 4, parameter STYLE = "block", parameter NAME = "",
                  parameter SEED = 1) (input logic clk, input logic rst, output logic [31:0] errors);
    localparam AW = DEPTH > 1 ? $clog2(DEPTH) : 1;
    logic [WIDTH-1:0] rows [0:DEPTH-1];
    logic [DEPTH-1:0] written;
    logic [31:0] a, b;
    tb_random #(.SEED(2 * SEED)) random_a (.clk(clk), .rst(rst), .value(a));
    tb_random #(.SEED(2 * SEED + 1)) random_b (.clk(clk), .rst(rst), .value(b));
    logic we, re, known;
    logic [AW-1:0] waddr, raddr;
    logic [WIDTH-1:0] wdata, rdata, expected;
    assign we = a[31];
    assign re = a[30:29] != 0 && written[raddr];
    assign waddr = AW'(32'(a[15:0]) % DEPTH);
    assign raddr = b[31] ? waddr : AW'(32'(b[15:0]) % DEPTH);
    assign wdata = WIDTH'({8{a ^ {b[15:0], b[31:16]}}});
    ss_ram #(.WIDTH(WIDTH), .DEPTH(DEPTH), .STYLE(STYLE)) dut (
        .clk(clk), .we(we), .waddr(waddr), .wdata(wdata), .re(re), .raddr(raddr), .rdata(rdata)
    );
    always_ff @(posedge clk)
        if (rst) begin
            errors <= 0;
            known <= 1'b0;
            written <= 0;
        end else begin
            if (we) rows[waddr] <= wdata;
            if (we) written[waddr] <= 1'b1;
            if (re) expected <= rows[raddr];
            if (re) known <= 1'b1;
            if (known && rdata !== expected) begin
                errors <= errors + 1;
                if (errors == 0) $display("%s: expected %h, got %h", NAME, expected, rdata);
            end
        end
endmodule

// One memory of a chain. Its rows are compared once the whole chain is loaded.
module weights_case #(parameter WIDTH = 8, parameter DEPTH = 4, parameter STYLE = "ultra", parameter FILE = "",
                      parameter NAME = "", parameter SEED = 1) (
    input  logic clk,
    input  logic rst,
    input  logic active,
    input  logic [65:0] load_in,
    output logic [65:0] load_out,
    output logic loaded,
    output logic [31:0] errors
);
    localparam AW = DEPTH > 1 ? $clog2(DEPTH) : 1;
    logic unused;
    logic [AW-1:0] addr;
    logic [WIDTH-1:0] data;
    rom_reader #(.WIDTH(WIDTH), .DEPTH(DEPTH), .FILE(FILE), .NAME(NAME), .SEED(SEED), .HOLD(0)) reader
        (.clk(clk), .rst(rst), .active(active), .en(unused), .addr(addr), .data(data), .errors(errors));
    ss_weights #(.WIDTH(WIDTH), .DEPTH(DEPTH), .STYLE(STYLE), .FILE(88'(STYLE) == 88'("ultra") ? "" : FILE)) dut (
        .clk(clk), .rst(rst), .addr(addr), .data(data), .load_in(load_in), .load_out(load_out), .loaded(loaded)
    );
endmodule

// Plays a load image onto a chain's bus: first CUT words after a start, and then, begun anew, all WORDS of them and EXTRA
// more, which must leave the chain of ULTRA memories, and nothing else after the second start. Gaps at random.
module load_case #(parameter WORDS = 4, parameter CUT = 2, parameter EXTRA = 3, parameter ULTRA = 1, parameter FILE = "",
                   parameter NAME = "", parameter SEED = 1, parameter STALL = 100) (
    input  logic clk,
    input  logic rst,
    output logic [65:0] load,
    input  logic [65:0] load_end,
    input  logic loaded,
    output logic active,
    output logic done,
    output logic [31:0] errors
);
    logic [63:0] image [0:WORDS-1];
    initial $readmemh(FILE, image);
    logic stall;
    tb_chance #(.SEED(SEED), .STALL(STALL)) chance (.clk(clk), .rst(rst), .stall(stall));
    logic [31:0] played, since, out, starts, time_left;
    logic second;
    assign active = loaded && second && starts == 2;
    assign done = time_left == 0;
    always_ff @(posedge clk) begin
        load <= 66'd0;
        if (rst) begin
            played <= 0;
            since <= 0;
            out <= 0;
            starts <= 0;
            second <= 1'b0;
            errors <= 0;
            time_left <= 400;
        end else begin
            if (starts == 0 || (starts == 1 && played == CUT)) begin
                load[65] <= 1'b1;
                starts <= starts + 1;
                played <= 0;
            end else if (!stall && played < WORDS + EXTRA && starts != 0) begin
                load[64:0] <= {1'b1, played < WORDS ? image[played] : 64'(played)};
                played <= played + 1;
                since <= 0;
            end else since <= since + 1;
            if (load_end[65]) second <= starts == 2;
            if (load_end[64] && second) begin
                out <= out + 1;
                if (load_end[63:0] !== 64'(WORDS) + 64'(out)) begin
                    errors <= errors + 1;
                    $display("%s: the chain hands on %h", NAME, load_end[63:0]);
                end
            end
            if (starts == 2 && second && loaded && played < WORDS) begin
                errors <= errors + 1;
                $display("%s: loaded after %0d of %0d words", NAME, played, WORDS);
            end
            if (active && time_left != 0) time_left <= time_left - 1;
            if (played == WORDS + EXTRA && since == ULTRA + 4 && !loaded) begin
                errors <= errors + 1;
                $display("%s: not loaded by the end of its image", NAME);
            end
            if (time_left == 1 && out != EXTRA) begin
                errors <= errors + 1;
                $display("%s: %0d words left the chain, not %0d", NAME, out, EXTRA);
            end
        end
    end
endmodule
