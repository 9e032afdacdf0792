// ss_rows: which of ROWS rows of a table the word belongs to that moves next: counts from 0 and begins anew.
module ss_rows #(
    parameter ROWS = 2,
    parameter AW = ROWS > 1 ? $clog2(ROWS) : 1 // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic move,
    output logic [AW-1:0] row
);
    generate
        if (ROWS > 1) begin : g_count
            always_ff @(posedge clk)
                if (rst) row <= 0;
                else if (move) row <= row == AW'(ROWS - 1) ? 0 : row + 1'b1;
        end else begin : g_one
            logic unused;
            assign unused = &{1'b0, clk, rst, move};
            assign row = 0;
        end
    endgenerate
endmodule
