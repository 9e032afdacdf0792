// ss_weights: weight memory with the read port of ss_rom: latency 2, a row a cycle, no enable.
//
// STYLE "distributed" or "block": initialised from FILE, the load bus passes through, loaded is high.
// STYLE "ultra": UltraRAM has no initial contents, so the rows come over the load bus.
// Load bus: {start, valid, data[63:0]}, no back-pressure, memories chained in node order. `start` empties every memory as
// it travels down the chain; then each takes its DEPTH * ceil(WIDTH/64) valid words (a row's low bits first, rows
// ascending) and hands on what follows. A register a memory; start and words stay in order, so that a load can be
// begun anew at any time.
// `loaded` rises when the last row is written; reading before that gives undefined rows.
module ss_weights #(
    parameter WIDTH = 64,
    parameter DEPTH = 16,
    parameter STYLE = "block",
    parameter FILE = "",
    parameter AW = DEPTH > 1 ? $clog2(DEPTH) : 1 // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic [AW-1:0] addr,
    output logic [WIDTH-1:0] data,
    input  logic [65:0] load_in,
    output logic [65:0] load_out,
    output logic loaded
);
    generate
        if (88'(STYLE) == 88'("ultra")) begin : g_ultra
            localparam WORDS = (WIDTH + 63) / 64;
            localparam CW = WORDS > 1 ? $clog2(WORDS) : 1;
            logic start, valid, take, last_word, last_row, full, we;
            logic [CW-1:0] word;
            logic [AW-1:0] row, waddr;
            logic [WORDS*64-1:0] wdata;
            logic [WIDTH-1:0] rdata, data_q;
            logic start_q, valid_q;
            logic [63:0] data_out;

            assign start = load_in[65];
            assign valid = load_in[64];
            assign take = valid && !full;
            assign last_word = word == CW'(WORDS - 1);
            assign last_row = row == AW'(DEPTH - 1);

            always_ff @(posedge clk) begin
                if (rst || start) begin
                    word <= 0;
                    row <= 0;
                    full <= 0;
                    we <= 0;
                    loaded <= 0;
                end else begin
                    we <= take && last_word;
                    loaded <= full; // the row is written one cycle after its last word came
                    if (take) begin
                        word <= last_word ? 0 : word + 1'b1;
                        if (last_word) row <= last_row ? 0 : row + 1'b1;
                        if (last_word && last_row) full <= 1;
                    end
                end
                start_q <= !rst && start;
                valid_q <= !rst && !start && valid && full;
            end

            // The words of a row shift in from the top: after the last of them the first lies lowest.
            if (WORDS == 1) begin : g_word
                always_ff @(posedge clk) if (take) wdata <= load_in[63:0];
            end else begin : g_words
                always_ff @(posedge clk) if (take) wdata <= {load_in[63:0], wdata[WORDS*64-1:64]};
            end
            always_ff @(posedge clk) begin
                waddr <= row;
                data_out <= load_in[63:0];
                data_q <= rdata;
            end
            ss_ram #(.WIDTH(WIDTH), .DEPTH(DEPTH), .STYLE("ultra")) u_ram (
                .clk(clk), .we(we), .waddr(waddr), .wdata(wdata[WIDTH-1:0]), .re(1'b1), .raddr(addr), .rdata(rdata)
            );
            if (WORDS * 64 > WIDTH) begin : g_rest
                logic unused_ok;
                assign unused_ok = &{1'b0, wdata[WORDS*64-1:WIDTH]};
            end
            assign data = data_q;
            assign load_out = {start_q, valid_q, data_out};
        end else begin : g_rom
            logic unused_ok;
            ss_rom #(.WIDTH(WIDTH), .DEPTH(DEPTH), .STYLE(STYLE), .FILE(FILE)) u_rom (
                .clk(clk), .en(1'b1), .addr(addr), .data(data)
            );
            assign load_out = load_in;
            assign loaded = 1'b1;
            assign unused_ok = &{1'b0, rst};
        end
    endgenerate
endmodule
