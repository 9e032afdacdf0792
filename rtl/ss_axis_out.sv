// ss_axis_out: stream to AXI4-Stream master. TDATA is a word of LANES elements of W bits in whole bytes, zeros above
// them; TLAST marks the last of the WORDS words of an image.
//
// One register slice, which carries TLAST along: latency 1, one word a cycle.
module ss_axis_out #(parameter LANES = 3, parameter W = 8, parameter WORDS = 16) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [LANES*W-1:0] in_data,
    output logic tvalid,
    input  logic tready,
    output logic [(LANES*W+7)/8*8-1:0] tdata,
    output logic tlast
);
    localparam CW = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam BITS = (LANES*W+7)/8*8;
    logic [CW-1:0] count; // words of this image that have gone into the slice
    logic final_word;
    assign final_word = count == CW'(WORDS - 1);

    always_ff @(posedge clk)
        if (rst) count <= 0;
        else if (in_valid && in_ready) count <= final_word ? 0 : count + 1;

    logic [LANES*W-1:0] word;
    assign tdata = BITS'(word);
    ss_slice #(.WIDTH(LANES*W+1)) slice
        (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .in_data({final_word, in_data}),
         .out_valid(tvalid), .out_ready(tready), .out_data({tlast, word}));
endmodule
