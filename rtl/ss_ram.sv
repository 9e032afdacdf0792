// ss_ram: simple dual-port memory: one write port, one read port, one clock.
//
// Read latency 1; rdata holds while re is low. A read of the address that is being written gives the old row.
// STYLE "distributed" (LUT RAM and a register), "block" or "ultra".
// Invariant: addresses < DEPTH. No initial contents: what was not written is not read.
module ss_ram #(
    parameter WIDTH = 16,
    parameter DEPTH = 16,
    parameter STYLE = "distributed",
    parameter AW = DEPTH > 1 ? $clog2(DEPTH) : 1 // derived: leave it alone
) (
    input  logic clk,
    input  logic we,
    input  logic [AW-1:0] waddr,
    input  logic [WIDTH-1:0] wdata,
    input  logic re,
    input  logic [AW-1:0] raddr,
    output logic [WIDTH-1:0] rdata
);
    generate
        if (DEPTH == 1) begin : g_register
            logic [WIDTH-1:0] row;
            logic unused_ok;
            always_ff @(posedge clk) begin
                if (we) row <= wdata;
                if (re) rdata <= row;
            end
            assign unused_ok = &{1'b0, waddr, raddr};
        end else if (88'(STYLE) == 88'("distributed")) begin : g_distributed
            (* ram_style = "distributed" *)
            logic [WIDTH-1:0] mem [0:DEPTH-1];
            always_ff @(posedge clk) begin
                if (we) mem[waddr] <= wdata;
                if (re) rdata <= mem[raddr];
            end
        end else if (88'(STYLE) == 88'("block")) begin : g_block
            (* ram_style = "block" *)
            logic [WIDTH-1:0] mem [0:DEPTH-1];
            always_ff @(posedge clk) begin
                if (we) mem[waddr] <= wdata;
                if (re) rdata <= mem[raddr];
            end
        end else if (88'(STYLE) == 88'("ultra")) begin : g_ultra
            (* ram_style = "ultra" *)
            logic [WIDTH-1:0] mem [0:DEPTH-1];
            always_ff @(posedge clk) begin
                if (we) mem[waddr] <= wdata;
                if (re) rdata <= mem[raddr];
            end
        end else begin : g_unknown
            ss_ram_has_no_such_style u_error ();
        end
    endgenerate
endmodule
