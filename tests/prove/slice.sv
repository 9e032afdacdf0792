// ss_slice loses, doubles and reorders nothing; two words fit, and one comes out in every cycle in which one is there.
module prove (input logic clk, input logic send, input logic take);
    logic rst, iv, ir, ov, ordy;
    logic [2:0] id, od, count;
    prove_reset reset (.clk(clk), .rst(rst));
    prove_source #(.W(3)) source (.clk(clk), .rst(rst), .send(send), .valid(iv), .ready(ir), .data(id));
    ss_slice #(.WIDTH(3)) dut (.clk(clk), .rst(rst), .in_valid(iv), .in_ready(ir), .in_data(id),
                               .out_valid(ov), .out_ready(ordy), .out_data(od));
    prove_count #(.BITS(3)) under_way (.clk(clk), .in(iv && ir), .out(ov && ordy), .count(count));
    prove_sink #(.W(3), .PATIENCE(0)) sink (.clk(clk), .rst(rst), .take(take), .sent(count != 0),
                                            .valid(ov), .ready(ordy), .data(od));
    always_ff @(posedge clk) if (!rst) assert (count <= 2 && ir == (count < 2));
endmodule
