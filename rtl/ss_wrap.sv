// ss_wrap: counts 0 .. N-1 and round again.
module ss_wrap #(
    parameter N = 2,
    parameter CW = N > 1 ? $clog2(N) : 1 // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic step,
    output logic last, // the count is N-1
    output logic [CW-1:0] count
);
    generate
        if (N == 1) begin : g_one
            logic unused_ok;
            assign unused_ok = &{1'b0, clk, rst, step};
            assign last = 1'b1;
            assign count = 0;
        end else begin : g_many
            assign last = count == CW'(N - 1);
            always_ff @(posedge clk)
                if (rst) count <= 0;
                else if (step) count <= last ? 0 : count + 1'b1;
        end
    endgenerate
endmodule
