// Every reader of an ss_fork gets every word once and in order, whenever the others take theirs; no reader waits for
// another to see a word that is there, and none gets ahead by more than one word.
module prove (input logic clk, input logic send, input logic [2:0] take);
    logic rst, iv, ir;
    logic [2:0] ov, ordy, id, od;
    prove_reset reset (.clk(clk), .rst(rst));
    prove_source #(.W(3)) source (.clk(clk), .rst(rst), .send(send), .valid(iv), .ready(ir), .data(id));
    ss_fork #(.WIDTH(3), .N(3)) dut (.clk(clk), .rst(rst), .in_valid(iv), .in_ready(ir), .in_data(id),
                                     .out_valid(ov), .out_ready(ordy), .out_data(od));
    genvar r;
    generate
        for (r = 0; r < 3; r = r + 1) begin : reader
            logic [2:0] ahead; // 1 when this reader has taken the word that the source still offers
            prove_count #(.BITS(3)) under_way (.clk(clk), .in(ov[r] && ordy[r]), .out(iv && ir), .count(ahead));
            prove_sink #(.W(3), .PATIENCE(0)) sink (.clk(clk), .rst(rst), .take(take[r]), .sent(iv && ahead == 0),
                                                    .valid(ov[r]), .ready(ordy[r]), .data(od));
            always_ff @(posedge clk) if (!rst) assert (ahead <= 1);
        end
    endgenerate
endmodule
