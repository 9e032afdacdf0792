// ss_window_kept: a row that is read and written again: memory in LUTs, read without a clock, so that what was written in a
// cycle can be read in the next. rdata is the row at addr before the write.
module ss_window_kept #(
    parameter WIDTH = 16,
    parameter DEPTH = 4,
    parameter AW = DEPTH > 1 ? $clog2(DEPTH) : 1 // derived: leave it alone
) (
    input  logic clk,
    input  logic we,
    input  logic [AW-1:0] addr,
    input  logic [WIDTH-1:0] wdata,
    output logic [WIDTH-1:0] rdata
);
    generate
        if (DEPTH == 1) begin : g_register
            logic unused_ok;
            assign unused_ok = &{1'b0, addr};
            always_ff @(posedge clk) if (we) rdata <= wdata;
        end else begin : g_memory
            (* ram_style = "distributed" *)
            logic [WIDTH-1:0] mem [0:DEPTH-1];
            always_ff @(posedge clk) if (we) mem[addr] <= wdata;
            assign rdata = mem[addr];
        end
    endgenerate
endmodule
