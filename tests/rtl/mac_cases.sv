// Test bench of ss_mac: the form that names a DSP48E2 (on the model of dsp48e2.sv) against the one that synthesis infers, cycle by
// cycle, on random and extreme operands with start and valid at random; and against plain arithmetic where two products share
// a multiplier, for all 2^24 values of the operands. EXHAUSTIVE 0 leaves the latter out.
module mac_pair #(parameter W = 16, parameter PAIR = 0, parameter SUM = 40, parameter SEED = 1) (
    input  logic clk,
    input  logic rst,
    output logic [31:0] errors
);
    logic [63:0] random;
    logic [W-1:0] value;
    logic [(PAIR+1)*W-1:0] weight;
    logic start, valid, started;
    logic [1:0] valid_delay;
    logic [SUM-1:0] named, inferred;
    function [W-1:0] operand(input [2:0] kind, input [W-1:0] any); // a quarter each: least, greatest; a half at random
        operand = kind == 0 || kind == 1 ? {1'b1, {(W-1){1'b0}}} : kind == 2 ? {1'b0, {(W-1){1'b1}}} : kind == 3 ? {W{1'b1}} : any;
    endfunction
    genvar i;
    assign value = operand(random[2:0], random[8 +: W]);
    generate
        for (i = 0; i <= PAIR; i = i + 1) begin : g_weight
            assign weight[i*W +: W] = operand(random[3+3*i +: 3], random[26+16*i +: W]);
        end
    endgenerate
    assign start = random[63:60] == 0;
    assign valid = random[59:58] != 0;
    always_ff @(posedge clk) begin
        // a step of 21 of a 64-bit LFSR with the taps 64, 63, 61, 60
        random <= rst ? 64'(SEED) * 64'h9e3779b97f4a7c15 : {random[42:0], random[63:43] ^ random[62:42] ^ random[60:40] ^ random[59:39]};
        valid_delay <= {valid_delay[0], valid};
        if (rst) begin
            errors <= 0;
            started <= 1'b0;
        end else begin
            if (start_q && valid_delay[0]) started <= 1'b1;
            if (settled && named !== inferred) errors <= errors + 1;
        end
        start_q <= start;
        settled <= started && !rst;
    end
    logic start_q, settled;
    ss_mac #(.W(W), .PAIR(PAIR), .SUM(SUM), .PRIMITIVE(1)) u_named (
        .clk(clk), .value(value), .weight(weight), .start(start_q), .valid(valid_delay[1]), .sum(named));
    ss_mac #(.W(W), .PAIR(PAIR), .SUM(SUM), .PRIMITIVE(0)) u_inferred (
        .clk(clk), .value(value), .weight(weight), .start(start_q), .valid(valid_delay[1]), .sum(inferred));
endmodule

// All values, 64 in each cycle: one for each value of the low bits of w1. A sum comes three cycles after its operands.
module mac_values (
    input  logic clk,
    input  logic rst,
    output logic done,
    output logic [31:0] errors
);
    logic [18:0] at;
    logic [63:0] wrong;
    integer n;
    always_comb begin
        errors = 0;
        for (n = 0; n < 64; n = n + 1) errors = errors + 32'(wrong[n]);
    end
    assign done = at[18] && at[2:0] == 7;
    always_ff @(posedge clk) if (rst) at <= 0; else if (!done) at <= at + 1'b1;
    genvar i;
    generate
        for (i = 0; i < 64; i = i + 1) begin : g_case
            logic [7:0] a, w0, w1;
            logic [23:0] were_0, were_1, were;
            logic [47:0] sum;
            logic [15:0] low, high;
            assign {a, w0, w1} = {at[17:0], 6'(i)};
            ss_mac #(.W(8), .PAIR(1), .SUM(48), .PRIMITIVE(1)) u_mac (
                .clk(clk), .value(a), .weight({w1, w0}), .start(1'b1), .valid(1'b1), .sum(sum));
            ss_unpack2 #(.ACC(16)) u_unpack (.packed_sum(sum[33:0]), .turns(sum[17]), .low(low), .high(high));
            always_ff @(posedge clk) begin
                {were, were_1, were_0} <= {were_1, were_0, a, w0, w1};
                if (rst) wrong[i] <= 1'b0;
                else if (at > 3 && ($signed(low) != 16'($signed(were[23:16])) * 16'($signed(were[15:8])) ||
                    $signed(high) != 16'($signed(were[23:16])) * 16'($signed(were[7:0])))) wrong[i] <= 1'b1;
            end
        end
    endgenerate
endmodule

module tb #(
`ifdef EXHAUSTIVE
    parameter EXHAUSTIVE = 1,
`else
    parameter EXHAUSTIVE = 0,
`endif
    parameter CYCLES = 20000
) (
    input  logic clk,
    input  logic rst,
    output logic done,
    output logic [31:0] errors
);
    logic [31:0] e0, e1, e2, e3, e4, e5, all;
    logic values_done;
    logic [31:0] cycles;
    mac_pair #(.W(16), .SUM(38), .SEED(1)) u_16 (.clk(clk), .rst(rst), .errors(e0));
    mac_pair #(.W(16), .SUM(48), .SEED(2)) u_16_wide (.clk(clk), .rst(rst), .errors(e1));
    mac_pair #(.W(16), .SUM(20), .SEED(3)) u_16_narrow (.clk(clk), .rst(rst), .errors(e2));
    mac_pair #(.W(8), .SUM(24), .SEED(4)) u_8 (.clk(clk), .rst(rst), .errors(e3));
    mac_pair #(.W(8), .PAIR(1), .SUM(42), .SEED(5)) u_pair (.clk(clk), .rst(rst), .errors(e4));
    mac_pair #(.W(8), .PAIR(1), .SUM(48), .SEED(6)) u_pair_wide (.clk(clk), .rst(rst), .errors(e5));
    generate
        if (EXHAUSTIVE != 0) begin : g_values
            mac_values u_values (.clk(clk), .rst(rst), .done(values_done), .errors(all));
        end else begin : g_none
            assign values_done = 1'b1;
            assign all = 0;
        end
    endgenerate
    always_ff @(posedge clk) if (rst) cycles <= 0; else cycles <= cycles + 1;
    assign done = cycles > CYCLES && values_done;
    assign errors = e0 + e1 + e2 + e3 + e4 + e5 + all;
endmodule
