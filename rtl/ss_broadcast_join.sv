// ss_broadcast_join: where the streams of the broadcast engine meet: sums of S words and a bias, SUMS lanes side by side.
//
//     S streams -> ss_adder_tree, bias -> ss_fifo -> out
//
// A word is taken of all streams when all have one, with one `in_ready`. Of WORDS words a list the first KEEP go on; the others are
// those of the last fold's lanes that have no filters, when CO does not divide them, and are dropped. Row r of the bias (ROWS of them,
// round and round) belongs to word r of those that go on. Out: RES = ACC - PRE bits a lane, LEVELS + 2 cycles later,
// LEVELS = max(2, ceil(log2 S)).
// Nothing behind the join stalls, for `places` counts what the output FIFO still takes.
module ss_broadcast_join #(
    parameter S = 3,
    parameter SUMS = 4,
    parameter ACC = 40,
    parameter PRE = 13,
    parameter ROWS = 2,
    parameter WORDS = ROWS,
    parameter KEEP = WORDS,
    parameter BIAS_FILE = "",
    parameter ROM_STYLE = "distributed",
    parameter RES = ACC - PRE // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic [S-1:0] in_valid,
    output logic in_ready,
    input  logic [S*SUMS*ACC-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [SUMS*RES-1:0] out_data
);
    localparam LEVELS = S > 4 ? $clog2(S) : 2;
    localparam OUTS = LEVELS + 4 > 32 ? LEVELS + 4 : 32;
    localparam OW = $clog2(OUTS + 1);
    localparam AW = ROWS > 1 ? $clog2(ROWS) : 1;

    logic [OW-1:0] places, unused_level;
    logic [LEVELS-1:0] moving; // bit d: a word d + 1 cycles behind the join
    logic [AW-1:0] row;
    logic unused_row, result_valid, result_ready;
    logic [SUMS*ACC-1:0] bias;
    logic [SUMS*RES-1:0] result;
    assign in_ready = &in_valid && places != 0;
    logic go; // taken, and to go on
    generate
        if (KEEP == WORDS) begin : g_all
            assign go = in_ready;
        end else begin : g_some
            localparam DW = $clog2(WORDS);
            logic [DW-1:0] word;
            logic unused_last;
            ss_wrap #(.N(WORDS)) u_word (.clk(clk), .rst(rst), .step(in_ready), .last(unused_last), .count(word));
            assign go = in_ready && word < DW'(KEEP);
        end
    endgenerate
    always_ff @(posedge clk) begin
        if (rst) places <= OW'(OUTS);
        else if (go != (out_valid && out_ready)) places <= go ? places - 1'b1 : places + 1'b1;
        moving <= rst ? LEVELS'(0) : LEVELS'({moving, go});
        result_valid <= !rst && moving[LEVELS-1];
    end
    logic row_step; // a row's bias takes two cycles
    generate
        if (LEVELS == 2) begin : g_row_now
            assign row_step = go;
        end else begin : g_row_later
            assign row_step = moving[LEVELS-3];
        end
    endgenerate
    ss_wrap #(.N(ROWS)) u_row (.clk(clk), .rst(rst), .step(row_step), .last(unused_row), .count(row));
    ss_rom #(.WIDTH(SUMS*ACC), .DEPTH(ROWS), .STYLE(ROM_STYLE), .FILE(BIAS_FILE)) u_bias (
        .clk(clk), .en(1'b1), .addr(row), .data(bias));

    genvar i, o;
    generate
        for (o = 0; o < SUMS; o = o + 1) begin : g_lane
            logic [S*ACC-1:0] terms;
            logic [ACC-1:0] sum, total;
            for (i = 0; i < S; i = i + 1) begin : g_term
                assign terms[i*ACC +: ACC] = in_data[(i*SUMS + o)*ACC +: ACC];
            end
            ss_adder_tree #(.N(S), .IN(ACC), .MAX(ACC), .LEVELS(LEVELS)) u_tree (.clk(clk), .terms(terms), .sum(sum));
            always_ff @(posedge clk) total <= sum + bias[o*ACC +: ACC];
            assign result[o*RES +: RES] = total[ACC-1:PRE];
            if (PRE > 0) begin : g_dropped
                logic unused_low;
                assign unused_low = &{1'b0, total[PRE-1:0]};
            end
        end
    endgenerate
    ss_fifo #(.WIDTH(SUMS*RES), .DEPTH(OUTS), .STYLE("distributed")) u_out (
        .clk(clk), .rst(rst), .in_valid(result_valid), .in_ready(result_ready), .in_data(result),
        .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data), .level(unused_level));

`ifndef SYNTHESIS
    always @(posedge clk)
        if (!rst && result_valid && !result_ready) $fatal(1, "%m: no place for a result");
`endif
endmodule
