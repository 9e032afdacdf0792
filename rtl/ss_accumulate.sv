// ss_accumulate: adds a result's sums over beats and steps, starting from the bias; LANES side by side.
//
// flags {emit, last of its fold, start, valid} come two cycles before the sums that they belong to: the bias memory
// reads meanwhile. The result of an `emit` beat appears one cycle after its sum, without its PRE low bits.
// FOLDS partial sums a lane take turns where a result needs several steps: LUT RAM, read, added to and written in one cycle.
// With one step, or one fold, one register is enough.
// Invariant: ACC bits hold every partial sum.
module ss_accumulate #(
    parameter LANES = 1,
    parameter SUM = 33,
    parameter ACC = 40,
    parameter PRE = 0,
    parameter STEPS = 1,
    parameter FOLDS = 1,
    parameter PASSES = 1,
    parameter BIAS_FILE = "",
    parameter ROM_STYLE = "distributed",
    parameter RES = ACC - PRE // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic [3:0] flags,
    input  logic [LANES*SUM-1:0] sums,
    output logic out_valid,
    output logic [LANES*RES-1:0] out_data
);
    localparam ROWS = PASSES * FOLDS;
    localparam AW = ROWS > 1 ? $clog2(ROWS) : 1;
    localparam HELD = STEPS > 1 ? FOLDS : 1;
    localparam FW = HELD > 1 ? $clog2(HELD) : 1;
    logic [LANES*ACC-1:0] bias;
    logic [AW-1:0] row;
    logic [FW-1:0] fold;
    logic [3:0] flags_q, now;
    logic unused_row, unused_fold;
    logic move, valid, start, fold_end, emit;

    // The rows of a pass come once a pixel, with the first step; `row` waits through the others.
    logic first_step, row_step;
    assign row_step = flags[0] && flags[2] && first_step;
    ss_wrap #(.N(ROWS)) u_row (.clk(clk), .rst(rst), .step(row_step), .last(unused_row), .count(row));
    generate
        if (STEPS == 1) begin : g_step
            assign first_step = 1'b1;
        end else begin : g_steps // the start flag marks only the first beat of a fold
            logic in_first;
            always_ff @(posedge clk) if (flags[0]) in_first <= first_step && !flags[2];
            assign first_step = flags[1] || in_first;
        end
    endgenerate
    ss_rom #(.WIDTH(LANES*ACC), .DEPTH(ROWS), .STYLE(ROM_STYLE), .FILE(BIAS_FILE)) u_bias (
        .clk(clk), .en(1'b1), .addr(row), .data(bias));

    always_ff @(posedge clk) begin
        flags_q <= {flags[3:1], flags[0] && !rst};
        now <= {flags_q[3:1], flags_q[0] && !rst};
        out_valid <= !rst && valid && emit;
    end
    assign {emit, fold_end, start, valid} = now;
    assign move = valid && fold_end;
    ss_wrap #(.N(HELD)) u_fold (.clk(clk), .rst(rst), .step(move), .last(unused_fold), .count(fold));

    genvar l;
    generate
        for (l = 0; l < LANES; l = l + 1) begin : g_lane
            logic [ACC-1:0] held, next;
            assign next = ACC'($signed(sums[l*SUM +: SUM])) + (start ? bias[l*ACC +: ACC] : held);
            if (HELD == 1) begin : g_register
                logic unused_ok;
                assign unused_ok = &{1'b0, fold};
                always_ff @(posedge clk) if (valid) held <= next;
                assign out_data[l*RES +: RES] = held[ACC-1:PRE];
            end else begin : g_ram
                (* ram_style = "distributed" *)
                logic [ACC-1:0] mem [0:HELD-1];
                logic [RES-1:0] result;
                assign held = mem[fold];
                always_ff @(posedge clk) begin
                    if (valid) mem[fold] <= next;
                    result <= next[ACC-1:PRE];
                end
                assign out_data[l*RES +: RES] = result;
            end
        end
    endgenerate
endmodule
