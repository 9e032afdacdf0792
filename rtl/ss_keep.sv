// ss_keep: which of SIZE positions of one axis a strided slice keeps: OFFSET, OFFSET + STRIDE, ..., COUNT of them.
//
// `keep` belongs to the current position, which `move` leaves; `ends` goes with the move that leaves the last one.
module ss_keep #(
    parameter SIZE = 4,
    parameter OFFSET = 0,
    parameter STRIDE = 2,
    parameter COUNT = 2
) (
    input  logic clk,
    input  logic rst,
    input  logic move,
    output logic keep,
    output logic ends
);
    localparam AW = SIZE > 1 ? $clog2(SIZE) : 1;
    localparam TOP = OFFSET > STRIDE - 1 ? OFFSET : STRIDE - 1;
    localparam SKIP = TOP > 0 ? $clog2(TOP + 1) : 1;
    localparam LAST = OFFSET + (COUNT - 1) * STRIDE;
    logic [AW-1:0] at;
    logic [SKIP-1:0] skip; // positions until the next that is kept
    logic early;
    ss_rows #(.ROWS(SIZE)) u_at (.clk(clk), .rst(rst), .move(move), .row(at));
    assign ends = move && at == AW'(SIZE - 1);
    assign keep = skip == 0 && early;
    always_ff @(posedge clk)
        if (rst || ends) skip <= SKIP'(OFFSET);
        else if (move) skip <= skip == 0 ? SKIP'(STRIDE - 1) : skip - 1'b1;
    generate
        if (LAST + STRIDE < SIZE) begin : g_cut
            assign early = at <= AW'(LAST);
        end else begin : g_all
            assign early = 1'b1;
        end
    endgenerate
endmodule
