// ss_slice: register slice. Cuts the paths of a stream in both directions at the price of one cycle of latency.
//
// Two entries: `out_data` and `spare`. A word goes to the output register when that is free or being emptied, else to the
// spare one; in_ready is a register too: there is room as long as the spare entry is empty.
// Rate: one word a cycle. Latency: 1. Invariant: the spare entry is full only while the output is.
module ss_slice #(parameter WIDTH = 8) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [WIDTH-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [WIDTH-1:0] out_data
);
    logic spare_valid;
    logic [WIDTH-1:0] spare;
    logic free; // the output register can take a word
    assign in_ready = !spare_valid;
    assign free = !out_valid || out_ready;

    always_ff @(posedge clk)
        if (rst) begin
            out_valid <= 1'b0;
            spare_valid <= 1'b0;
        end else if (free) begin
            out_valid <= spare_valid || in_valid;
            spare_valid <= 1'b0;
        end else if (in_valid && in_ready)
            spare_valid <= 1'b1;

    always_ff @(posedge clk) begin
        if (free) out_data <= spare_valid ? spare : in_data;
        if (in_ready) spare <= in_data;
    end

    ss_stream_check #(.WIDTH(WIDTH), .NAME("slice")) check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
