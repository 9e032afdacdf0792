// The engine of a convolution (ss_conv_core: K = 4, W = 2, one stream, one lane; M, STEPS, FOLDS from outside) on any
// windows, offered and taken at any time. Each STEPS windows make FOLDS results:
// no result too many (the count under way never falls below 0) or lost (one would be awaited without end, or the result
// FIFO be full), the output stable while it waits. With VALUES each result is also the one that its windows, weights and
// bias make, so that none is out of order. Weights: random, -1 or 1.
module prove (input logic clk, input logic send, input logic take, input logic [7:0] window);
    localparam SETS = 16; // sets of STEPS windows that the queue of expected results holds
    logic rst, iv, ir, ov, ordy;
    logic [7:0] id, held;
    logic [5:0] od;
    logic waiting = 1'b0;
    prove_reset reset (.clk(clk), .rst(rst));
    assign iv = !rst && (send || waiting);
    assign id = waiting ? held : window;
    always_ff @(posedge clk) begin
        waiting <= iv && !ir;
        held <= id;
    end
    logic [65:0] load;
    logic loaded;
    ss_conv_core #(.W(2), .K(4), .M(`M), .STEPS(`STEPS), .FOLDS(`FOLDS), .ACC(6), .PRE(0), .WEIGHT_STYLE("distributed"),
        .WEIGHT_FILE("engine.weights"), .BIAS_FILE("engine.bias.mem"))
    dut (.clk(clk), .rst(rst), .in_valid(iv), .in_ready(ir), .in_data(id), .out_valid(ov), .out_ready(ordy),
         .out_data(od), .load_in(66'd0), .load_out(load), .loaded(loaded));

    // Results under way: FOLDS come with the last window of a set.
    logic [1:0] step = 0;
    logic last_step;
    logic [5:0] count;
    assign last_step = step == `STEPS - 1;
    always_ff @(posedge clk) if (iv && ir) step <= last_step ? 0 : step + 1;
    prove_count #(.IN(`FOLDS), .OUT(1)) under_way
        (.clk(clk), .in(iv && ir && last_step), .out(ov && ordy), .count(count));
    assign ordy = take;
    logic [5:0] waited = 0;
    always_ff @(posedge clk) begin
        waited <= !rst && take && count != 0 && !ov ? waited + 1 : 0;
        if (!rst) assert (waited <= 12 && count <= 16 + `FOLDS);
    end

`ifdef VALUES
    // sums[f] of the set that comes in; a queue of finished sets; `fold` of its oldest one is the next result.
    integer k, f;
    logic [`FOLDS*6-1:0] sums, next;
    logic [`FOLDS*6-1:0] sets [0:SETS-1];
    logic [3:0] head = 0, tail = 0;
    logic [3:0] fold = 0;
    logic [7:0] weights [0:7];
    logic [5:0] bias [0:3];
    initial $readmemh("engine.weights.mem", weights);
    initial $readmemh("engine.bias.mem", bias);
    always @* begin
        for (f = 0; f < `FOLDS; f = f + 1) begin
            next[f*6 +: 6] = step == 0 ? bias[f] : sums[f*6 +: 6];
            for (k = 0; k < 4; k = k + 1)
                next[f*6 +: 6] = next[f*6 +: 6] + 6'($signed(id[k*2 +: 2]) * $signed(weights[step * `FOLDS + f][k*2 +: 2]));
        end
    end
    always_ff @(posedge clk) begin
        if (iv && ir) begin
            sums <= next;
            if (last_step) begin
                sets[tail] <= next;
                tail <= tail + 1;
            end
        end
        if (ov && ordy) begin
            fold <= fold == `FOLDS - 1 ? 0 : fold + 1;
            if (fold == `FOLDS - 1) head <= head + 1;
        end
        if (!rst && ov) assert (od == sets[head][fold*6 +: 6]);
    end
`endif
endmodule
