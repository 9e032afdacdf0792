// ss_axis_in: AXI4-Stream slave to stream. TDATA is a word of LANES elements of W bits in whole bytes, the bits above
// them ignored; an image has WORDS words.
//
// TLAST belongs on the last word of an image. A misplaced or missing one changes nothing in the flow, which counts for
// itself, but sets `misplaced` until reset. One register slice: latency 1, one word a cycle.
module ss_axis_in #(parameter LANES = 3, parameter W = 8, parameter WORDS = 16) (
    input  logic clk,
    input  logic rst,
    input  logic tvalid,
    output logic tready,
    input  logic [(LANES*W+7)/8*8-1:0] tdata,
    input  logic tlast,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES*W-1:0] out_data,
    output logic misplaced
);
    localparam CW = WORDS > 1 ? $clog2(WORDS) : 1;
    logic [CW-1:0] count; // words of this image that have come
    logic move, final_word;
    assign move = tvalid && tready;
    assign final_word = count == CW'(WORDS - 1);

    always_ff @(posedge clk)
        if (rst) begin
            count <= 0;
            misplaced <= 1'b0;
        end else if (move) begin
            count <= final_word ? 0 : count + 1;
            if (tlast != final_word) misplaced <= 1'b1;
        end

    logic unused;
    assign unused = &tdata;

    ss_slice #(.WIDTH(LANES*W)) slice
        (.clk(clk), .rst(rst), .in_valid(tvalid), .in_ready(tready), .in_data(tdata[LANES*W-1:0]),
         .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data));
endmodule
