// ss_width (IN, OUT from outside) loses, doubles and reorders no element; a whole word of elements comes out at once, or
// in the next cycle.
module prove (input logic clk, input logic send, input logic take);
    logic rst, iv, ir, ov, ordy;
    logic [`IN*4-1:0] id;
    logic [`OUT*4-1:0] od;
    logic [5:0] count;
    prove_reset reset (.clk(clk), .rst(rst));
    prove_source #(.LANES(`IN), .W(4)) source (.clk(clk), .rst(rst), .send(send), .valid(iv), .ready(ir), .data(id));
    ss_width #(.IN(`IN), .OUT(`OUT), .W(4)) dut (.clk(clk), .rst(rst), .in_valid(iv), .in_ready(ir), .in_data(id),
                                                 .out_valid(ov), .out_ready(ordy), .out_data(od));
    prove_count #(.IN(`IN), .OUT(`OUT)) under_way (.clk(clk), .in(iv && ir), .out(ov && ordy), .count(count));
    prove_sink #(.LANES(`OUT), .W(4), .PATIENCE(0)) sink (.clk(clk), .rst(rst), .take(take), .sent(count >= `OUT),
                                                          .valid(ov), .ready(ordy), .data(od));
    always_ff @(posedge clk) if (!rst) assert (count < `IN + `OUT && (ir || count >= `OUT));
endmodule
