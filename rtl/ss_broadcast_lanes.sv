// ss_broadcast_lanes: CO multiply-accumulators that share one operand, and the way out of their sums.
//
// flags {last of its fold, start, valid} come with value and weights. A fold's sums leave SUMS lanes at a time, lane 0 first,
// in BEATS = CO/SUMS words; the first comes OUT = 4 cycles after the fold's last beat. A lane, or a pair of them, is an ss_mac.
// PACKED (8 bits): two lanes share a multiplier and accumulate as one packed sum (ss_product2), whatever the length of a fold:
// the low sum, 18 bits of it, passes through neighbouring quarters of its range only, for a product is less than a quarter;
// `turns` counts how often it came round, and ss_unpack2 takes that out of the high sum at the end.
// Invariants: folds last BEATS beats or more; ACC bits hold every partial sum; PACKED: ACC <= 30, so that 48 bits do.
module ss_broadcast_lanes #(
    parameter W = 16,
    parameter CO = 4,
    parameter SUMS = CO,
    parameter ACC = 40,
    parameter PACKED = W == 8 && CO % 2 == 0 && SUMS % 2 == 0 && ACC <= 30 ? 1 : 0 // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic [W-1:0] value,
    input  logic [CO*W-1:0] weights,
    input  logic [2:0] flags,
    output logic out_valid,
    output logic [SUMS*ACC-1:0] out_data
);
    localparam BEATS = CO / SUMS;
    localparam TURNS = ACC > 18 ? ACC - 18 : 1;
    localparam UNITS = PACKED != 0 ? CO / 2 : CO;                 // accumulators
    localparam UW = PACKED != 0 ? ACC + 18 + TURNS : ACC;         // what one hands on
    localparam WORD = UNITS / BEATS * UW;
    localparam STAGES = (BEATS + 4) / 5;

    logic [2:0] behind; // the flags a cycle behind the operands
    logic fold_end;
    (* max_fanout = 64 *) logic start, valid, emit; // one bit to hundreds of lanes: Vivado copies the register
    logic [UNITS*UW-1:0] sums;
    logic [WORD-1:0] leaving;
    ss_flags #(.WIDTH(3), .CYCLES(1)) u_flags (.clk(clk), .rst(rst), .in(flags), .out(behind));
    always_ff @(posedge clk) begin
        {fold_end, start, valid} <= {behind[2:1], behind[0] && !rst};
        emit <= !rst && valid && fold_end;
    end

    genvar i;
    generate
        if (PACKED != 0) begin : g_packed
            logic valid_q, renew; // the sums begin anew, and so do the turns
            assign renew = valid && start;
            always_ff @(posedge clk) valid_q <= valid;
            for (i = 0; i < UNITS; i = i + 1) begin : g_pair
                logic [ACC+17:0] sum;
                logic [TURNS-1:0] turns, after;
                logic [1:0] quarter;
                logic up, down;
                ss_mac #(.W(8), .PAIR(1), .SUM(ACC + 18)) u_mac (
                    .clk(clk), .value(value), .weight(weights[i*16 +: 16]), .start(behind[1]), .valid(valid), .sum(sum));
                assign up = quarter == 2'd3 && sum[17:16] == 2'd0;
                assign down = quarter == 2'd0 && sum[17:16] == 2'd3;
                assign after = turns + TURNS'($signed({down, up || down}));
                always_ff @(posedge clk)
                    if (renew) begin
                        turns <= 0;
                        quarter <= 0;
                    end else if (valid_q) begin
                        turns <= after;
                        quarter <= sum[17:16];
                    end
                assign sums[i*UW +: UW] = {after, sum};
            end
            for (i = 0; i < SUMS / 2; i = i + 1) begin : g_unpack
                ss_unpack2 #(.ACC(ACC)) u_unpack (
                    .packed_sum(leaving[i*UW +: ACC + 18]), .turns(leaving[i*UW + ACC + 18 +: TURNS]),
                    .low(out_data[2*i*ACC +: ACC]), .high(out_data[(2*i + 1)*ACC +: ACC]));
            end
        end else begin : g_single
            logic unused_start;
            assign unused_start = start;
            for (i = 0; i < CO; i = i + 1) begin : g_lane
                ss_mac #(.W(W), .SUM(ACC)) u_mac (
                    .clk(clk), .value(value), .weight(weights[i*W +: W]), .start(behind[1]), .valid(valid),
                    .sum(sums[i*UW +: UW]));
            end
            assign out_data = leaving;
        end
    endgenerate

    // The way out. A word waits in a register and is shown, by another that holds zero but in its turn, to a chain of ORs:
    // five words a stage, and what the stage behind it handed on, a LUT and a register a bit. Word w passes w/5 stages, so it is
    // shown that much earlier. A multiplexer would take twice the LUTs. The first word need not wait.
    logic [BEATS-1:0] turn, turn_next;
    logic [STAGES*WORD-1:0] joined;
    assign turn_next = BEATS'({turn, emit});
    assign out_valid = |turn;
    always_ff @(posedge clk) turn <= rst ? BEATS'(0) : turn_next;
    genvar g;
    generate
        for (g = 0; g < STAGES; g = g + 1) begin : g_stage
            localparam FIRST = 5 * g;
            localparam HERE = BEATS - FIRST < 5 ? BEATS - FIRST : 5;
            logic [HERE*WORD-1:0] shown;
            logic [WORD-1:0] behind_it, either;
            for (i = 0; i < HERE; i = i + 1) begin : g_word
                logic [WORD-1:0] waiting;
                if (g + i == 0) begin : g_first
                    assign waiting = sums[WORD-1:0];
                end else begin : g_held
                    always_ff @(posedge clk) if (emit) waiting <= sums[(FIRST+i)*WORD +: WORD];
                end
                always_ff @(posedge clk) shown[i*WORD +: WORD] <= turn_next[FIRST+i-g] ? waiting : WORD'(0);
            end
            if (g == STAGES - 1) begin : g_last
                assign behind_it = 0;
            end else begin : g_chain
                logic [WORD-1:0] passed;
                always_ff @(posedge clk) passed <= joined[(g+1)*WORD +: WORD];
                assign behind_it = passed;
            end
            integer w;
            always_comb begin
                either = behind_it;
                for (w = 0; w < HERE; w = w + 1) either = either | shown[w*WORD +: WORD];
            end
            assign joined[g*WORD +: WORD] = either;
        end
    endgenerate
    assign leaving = joined[WORD-1:0];

`ifndef SYNTHESIS
    always @(posedge clk)
        if (!rst && emit && BEATS'({turn, 1'b0}) != 0) $fatal(1, "%m: a fold ended before the one before it had left");
`endif
endmodule
