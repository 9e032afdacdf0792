// A bench that must fail: the harness and ss_stream_check are judged by it. Macros choose what is wrong.
module tb (input logic clk, input logic rst, output logic done, output logic [31:0] errors);
    logic in_valid, in_ready, valid, ready;
    logic [7:0] in_data, data;
    tb_source #(.WIDTH(8), .WORDS(4), .FILE("in.mem")) source
        (.clk(clk), .rst(rst), .valid(in_valid), .ready(in_ready), .data(in_data));
    tb_sink #(.WIDTH(8), .WORDS(4), .FILE("out.mem"), .STALL(200), .NAME("bad")) sink
        (.clk(clk), .rst(rst), .valid(valid), .ready(ready), .data(data), .done(done), .errors(errors), .first(), .last());
    ss_stream_check #(.WIDTH(8), .NAME("bad")) check (.clk(clk), .rst(rst), .valid(valid), .ready(ready), .data(data));

    logic [2:0] count;
    always_ff @(posedge clk) count <= rst ? 0 : count + 1;
`ifdef FALLING // valid gives up when the word is not taken at once
    assign valid = in_valid && count != 3'd7;
`else
    assign valid = in_valid;
`endif
    assign in_ready = valid && ready;
`ifdef CHANGING // data changes while it waits
    assign data = in_data + 8'(count == 3'd5);
`elsif WRONG // one word is wrong
    assign data = in_data == 8'd3 ? 8'd9 : in_data;
`else
    assign data = in_data;
`endif
endmodule
