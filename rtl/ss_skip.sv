// ss_skip: the FIFO at an input of a join; DEPTH = 0 is wires.
module ss_skip #(
    parameter WIDTH = 16,
    parameter DEPTH = 0,
    parameter STYLE = "distributed"
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [WIDTH-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [WIDTH-1:0] out_data
);
    generate
        if (DEPTH == 0) begin : g_wires
            logic unused;
            assign unused = &{1'b0, clk, rst};
            assign out_valid = in_valid;
            assign in_ready = out_ready;
            assign out_data = in_data;
        end else begin : g_fifo
            localparam WORDS = DEPTH > 2 ? DEPTH : 2;
            logic [$clog2(WORDS+1)-1:0] level;
            logic unused;
            assign unused = &{1'b0, level};
            ss_fifo #(.WIDTH(WIDTH), .DEPTH(WORDS), .STYLE(STYLE)) u_fifo
                (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data),
                 .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data), .level(level));
        end
    endgenerate
endmodule
