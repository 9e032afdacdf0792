// ss_fifo (STYLE, DEPTH from outside) loses, doubles and reorders nothing; level is what it holds, ready is level < DEPTH.
module prove (input logic clk, input logic send, input logic take);
    localparam PATIENCE = `STYLE == "block" ? 2 : 0;
    logic rst, iv, ir, ov, ordy;
    logic [3:0] id, od, count;
    logic [$clog2(`DEPTH+1)-1:0] level;
    prove_reset reset (.clk(clk), .rst(rst));
    prove_source #(.W(4)) source (.clk(clk), .rst(rst), .send(send), .valid(iv), .ready(ir), .data(id));
    ss_fifo #(.WIDTH(4), .DEPTH(`DEPTH), .STYLE(`STYLE)) dut
        (.clk(clk), .rst(rst), .in_valid(iv), .in_ready(ir), .in_data(id),
         .out_valid(ov), .out_ready(ordy), .out_data(od), .level(level));
    prove_count #(.BITS(4)) under_way (.clk(clk), .in(iv && ir), .out(ov && ordy), .count(count));
    prove_sink #(.W(4), .PATIENCE(PATIENCE)) sink (.clk(clk), .rst(rst), .take(take), .sent(count != 0),
                                                   .valid(ov), .ready(ordy), .data(od));
    always_ff @(posedge clk) if (!rst) assert (count <= `DEPTH && ir == (count < `DEPTH) && level == count);
endmodule
