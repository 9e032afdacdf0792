// ss_broadcast_lanes: CO multiply-accumulators that share one operand, and the way out of their sums.
//
// flags {last of its fold, start, valid} come with value and weights. A fold's sums leave SUMS lanes at a time, lane 0 first,
// in BEATS = CO/SUMS words; the first comes OUT = 4 cycles after the fold's last beat. Written for DSP48E2: registered
// operands, registered product, accumulator that begins anew with `start`.
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
    localparam BW = BEATS > 1 ? $clog2(BEATS) : 1;
    localparam TURNS = ACC > 18 ? ACC - 18 : 1;
    localparam UNITS = PACKED != 0 ? CO / 2 : CO;                 // accumulators
    localparam UW = PACKED != 0 ? ACC + 18 + TURNS : ACC;         // what one hands on
    localparam PRODUCT = 2 * W - 1 < ACC ? 2 * W - 1 : ACC;

    logic [W-1:0] value_q;
    logic [2:0] now; // of the products
    logic fold_end, start, valid, emit;
    logic [UNITS*UW-1:0] sums, held;
    logic [UNITS/BEATS*UW-1:0] leaving;
    logic [BW-1:0] word;
    logic last_word;

    ss_flags #(.WIDTH(3), .CYCLES(2)) u_flags (.clk(clk), .rst(rst), .in(flags), .out(now));
    assign {fold_end, start, valid} = now;
    always_ff @(posedge clk) begin
        value_q <= value;
        emit <= !rst && valid && fold_end;
    end

    genvar i;
    generate
        if (PACKED != 0) begin : g_packed
            logic valid_q, start_q;
            always_ff @(posedge clk) begin
                valid_q <= valid;
                start_q <= start;
            end
            for (i = 0; i < UNITS; i = i + 1) begin : g_pair
                logic [7:0] w0, w1;
                logic [33:0] next, product;
                logic [ACC+17:0] sum;
                logic [TURNS-1:0] turns, turns_was, after;
                logic [1:0] quarter, quarter_was;
                ss_product2 u_product (.a(value_q), .w0(w0), .w1(w1), .p(next));
                assign turns_was = start_q ? TURNS'(0) : turns;
                assign quarter_was = start_q ? 2'd0 : quarter;
                always_comb begin
                    after = turns_was;
                    if (quarter_was == 2'd3 && sum[17:16] == 2'd0) after = turns_was + 1'b1;
                    if (quarter_was == 2'd0 && sum[17:16] == 2'd3) after = turns_was - 1'b1;
                end
                always_ff @(posedge clk) begin
                    w0 <= weights[2*i*8 +: 8];
                    w1 <= weights[(2*i + 1)*8 +: 8];
                    product <= next;
                    if (valid) sum <= (start ? (ACC + 18)'(0) : sum) + (ACC + 18)'($signed(product));
                    if (valid_q) begin
                        turns <= after;
                        quarter <= sum[17:16];
                    end
                end
                assign sums[i*UW +: UW] = {after, sum};
            end
            for (i = 0; i < SUMS / 2; i = i + 1) begin : g_unpack
                ss_unpack2 #(.ACC(ACC)) u_unpack (
                    .packed_sum(leaving[i*UW +: ACC + 18]), .turns(leaving[i*UW + ACC + 18 +: TURNS]),
                    .low(out_data[2*i*ACC +: ACC]), .high(out_data[(2*i + 1)*ACC +: ACC]));
            end
        end else begin : g_single
            for (i = 0; i < CO; i = i + 1) begin : g_lane
                logic [W-1:0] weight;
                logic [PRODUCT-1:0] next, product;
                logic [ACC-1:0] sum;
                ss_product #(.A(W), .B(W), .OUT(PRODUCT)) u_product (.a(value_q), .b(weight), .p(next));
                always_ff @(posedge clk) begin
                    weight <= weights[i*W +: W];
                    product <= next;
                    if (valid) sum <= (start ? ACC'(0) : sum) + ACC'($signed(product));
                end
                assign sums[i*UW +: UW] = sum;
            end
            assign out_data = leaving;
        end
    endgenerate

    // The sums of the fold before wait in `held`; a multiplexer takes fewer LUTs than a register that shifts.
    assign last_word = word == BW'(BEATS - 1);
    always_ff @(posedge clk) begin
        out_valid <= !rst && (emit || (out_valid && !last_word));
        word <= emit || last_word ? BW'(0) : word + BW'(out_valid);
        if (emit) held <= sums;
    end
    ss_mux #(.N(BEATS), .WIDTH(UNITS/BEATS*UW)) u_mux (.data(held), .sel(word), .out(leaving));

`ifndef SYNTHESIS
    always @(posedge clk)
        if (!rst && emit && out_valid && !last_word) $fatal(1, "%m: a fold ended before the one before it had left");
`endif
endmodule
