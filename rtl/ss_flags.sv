// ss_flags: the flags of a beat, CYCLES cycles later. Bit 0 says that there is a beat; it alone is reset.
module ss_flags #(
    parameter WIDTH = 4,
    parameter CYCLES = 1
) (
    input  logic clk,
    input  logic rst,
    input  logic [WIDTH-1:0] in,
    output logic [WIDTH-1:0] out
);
    localparam REST = WIDTH - 1;
    generate
        if (CYCLES == 0) begin : g_wire
            logic unused_ok;
            assign unused_ok = &{1'b0, clk, rst};
            assign out = in;
        end else begin : g_registers
            logic [CYCLES-1:0] valid;
            logic [CYCLES*REST-1:0] rest;
            always_ff @(posedge clk) begin
                valid <= rst ? 0 : CYCLES'({valid, in[0]});
                rest <= (CYCLES*REST)'({rest, in[WIDTH-1:1]});
            end
            assign out = {rest[(CYCLES-1)*REST +: REST], valid[CYCLES-1]};
        end
    endgenerate
endmodule
