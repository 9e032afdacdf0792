// ss_rom: read-only memory, initialised from FILE ($readmemh, a row a line; "" for zeros).
//
// Read latency 2, a row a cycle; both registers hold while `en` is low, so that a pipeline may stall. STYLE
// "distributed": LUTs between an address register and a data register; "block": block RAM and its output register. A
// single row needs no memory: it is a constant, whatever the style.
// Invariant: addr < DEPTH; what comes for other addresses is undefined.
module ss_rom #(
    parameter WIDTH = 16,
    parameter DEPTH = 16,
    parameter STYLE = "block",
    parameter FILE = "",
    parameter AW = DEPTH > 1 ? $clog2(DEPTH) : 1 // derived: leave it alone
) (
    input  logic clk,
    input  logic en,
    input  logic [AW-1:0] addr,
    output logic [WIDTH-1:0] data
);
    generate
        if (FILE != "") begin : g_check
            ss_memory_check #(.WIDTH(WIDTH), .DEPTH(DEPTH), .FILE(FILE)) u_check ();
        end

        if (DEPTH == 1) begin : g_constant
            logic [WIDTH-1:0] mem [0:0];
            logic unused_ok;
            if (FILE != "") begin : g_file
                initial $readmemh(FILE, mem);
            end else begin : g_zeros
                integer i;
                initial for (i = 0; i < DEPTH; i = i + 1) mem[i] = 0;
            end
            assign data = mem[0];
            assign unused_ok = &{1'b0, clk, en, addr};
        end else if (88'(STYLE) == 88'("distributed")) begin : g_distributed
`ifdef YOSYS
            (* rom_style = "logic" *) // its "distributed" is LUT RAM only
`else
            (* rom_style = "distributed" *)
`endif
            logic [WIDTH-1:0] mem [0:DEPTH-1];
            logic [AW-1:0] addr_q;
            logic [WIDTH-1:0] data_q;
            if (FILE != "") begin : g_file
                initial $readmemh(FILE, mem);
            end else begin : g_zeros
                integer i;
                initial for (i = 0; i < DEPTH; i = i + 1) mem[i] = 0;
            end
            always_ff @(posedge clk) if (en) begin
                addr_q <= addr;
                data_q <= mem[addr_q];
            end
            assign data = data_q;
        end else if (88'(STYLE) == 88'("block")) begin : g_block
            (* rom_style = "block" *)
            logic [WIDTH-1:0] mem [0:DEPTH-1];
            logic [WIDTH-1:0] row_q, data_q;
            if (FILE != "") begin : g_file
                initial $readmemh(FILE, mem);
            end else begin : g_zeros
                integer i;
                initial for (i = 0; i < DEPTH; i = i + 1) mem[i] = 0;
            end
            always_ff @(posedge clk) if (en) begin
                row_q <= mem[addr];
                data_q <= row_q;
            end
            assign data = data_q;
        end else begin : g_unknown
            ss_rom_has_no_such_style u_error ();
        end
    endgenerate
endmodule
