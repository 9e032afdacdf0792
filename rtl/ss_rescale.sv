// ss_rescale: sat((x*mult + half) >> shift), the one rounding of the integer network (ss_requantise of the
// reference), LANES elements a cycle.
//
// With FILE, row `in_row` of it holds multiplier (low MULT_BITS) and shift (SHIFT_BITS) of every lane, or, SHARED
// = 1, one pair for all. Without, MULT and SHIFT serve all elements; MULT = 1 is a shift alone. IN <= 27, so that
// a DSP multiplies. SHIFT_LO and SHIFT_HI, the least and greatest shift in FILE among the multipliers that are
// not 0, keep the shifter small. Rate: one word a cycle. Latency: LATENCY. The pipeline stalls as a whole.
module ss_rescale #(
    parameter LANES = 2,
    parameter IN = 27,
    parameter W = 16,
    parameter MULT_BITS = 17,
    parameter SHIFT_BITS = 6,
    parameter ROWS = 1,
    parameter SHARED = 0,
    parameter FILE = "",
    parameter STYLE = "distributed",
    parameter SHIFT_LO = 1,
    parameter SHIFT_HI = 45,
    parameter MULT = 65536,
    parameter SHIFT = 17,
    parameter LO = -(1 << (W - 1)),
    parameter HI = (1 << (W - 1)) - 1,
    parameter AW = ROWS > 1 ? $clog2(ROWS) : 1 // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [AW-1:0] in_row,
    input  logic [LANES*IN-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES*W-1:0] out_data
);
    localparam LATENCY = FILE != "" ? 5 : MULT != 1 ? 3 : 1;
    localparam PAIR = MULT_BITS + SHIFT_BITS;
    localparam PAIRS = SHARED != 0 ? 1 : LANES;
    localparam PRODUCT = IN + MULT_BITS;

    logic enable;
    ss_pipe #(.STAGES(LATENCY)) u_pipe (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready),
                                        .out_valid(out_valid), .out_ready(out_ready), .enable(enable));

    genvar l;
    generate
        if (FILE != "") begin : g_table
            // Shifts are taken relative to SHIFT_LO, modulo the bits that their spread needs.
            localparam SPREAD = SHIFT_HI > SHIFT_LO ? $clog2(SHIFT_HI - SHIFT_LO + 1) : 1;
            localparam KEEP = PRODUCT > SHIFT_LO ? PRODUCT - SHIFT_LO + 1 : 1;
            logic [PAIRS*PAIR-1:0] pairs;
            ss_rom #(.WIDTH(PAIRS*PAIR), .DEPTH(ROWS), .STYLE(STYLE), .FILE(FILE)) u_rom
                (.clk(clk), .en(enable), .addr(in_row), .data(pairs));
            for (l = 0; l < LANES; l = l + 1) begin : g_lane
                localparam P = SHARED != 0 ? 0 : l;
                logic [IN-1:0] x, x_late;
                logic [PRODUCT-1:0] next, product;
                logic [KEEP-1:0] kept, shifted;
                logic [SPREAD-1:0] amount;
                logic [W-1:0] y;
                assign kept = KEEP'($signed(product) >>> (SHIFT_LO - 1));
                ss_product #(.A(IN), .B(MULT_BITS + 1), .OUT(PRODUCT)) u_product (
                    .a(x_late), .b({1'b0, pairs[P*PAIR +: MULT_BITS]}), .p(next));
                always_ff @(posedge clk)
                    if (enable) begin
                        x <= in_data[l*IN +: IN];
                        x_late <= x;
                        product <= next;
                        amount <= SHIFT_HI > SHIFT_LO ?
                            SPREAD'(pairs[P*PAIR + MULT_BITS +: SHIFT_BITS] - SHIFT_BITS'(SHIFT_LO)) : 0;
                        shifted <= $signed(kept) >>> amount;
                    end
                ss_round #(.IN(KEEP), .W(W), .LO(LO), .HI(HI)) u_round (.x(shifted), .y(y));
                always_ff @(posedge clk) if (enable) out_data[l*W +: W] <= y;
            end
        end else begin : g_constant
            // The shift is wiring.
            localparam BITS = MULT != 1 ? PRODUCT : IN;
            localparam KEEP = BITS >= SHIFT ? BITS - SHIFT + 1 : 1;
            logic unused;
            assign unused = &{1'b0, in_row};
            for (l = 0; l < LANES; l = l + 1) begin : g_lane
                logic [BITS-1:0] scaled;
                logic [W-1:0] y;
                if (MULT != 1) begin : g_multiply
                    logic [IN-1:0] x;
                    logic [PRODUCT-1:0] next;
                    ss_product #(.A(IN), .B(MULT_BITS + 1), .OUT(PRODUCT)) u_product (
                        .a(x), .b({1'b0, MULT_BITS'(MULT)}), .p(next));
                    always_ff @(posedge clk)
                        if (enable) begin
                            x <= in_data[l*IN +: IN];
                            scaled <= next;
                        end
                end else begin : g_wires
                    assign scaled = in_data[l*IN +: IN];
                end
                ss_round #(.IN(KEEP), .W(W), .LO(LO), .HI(HI)) u_round
                    (.x(KEEP'($signed(scaled) >>> (SHIFT - 1))), .y(y));
                always_ff @(posedge clk) if (enable) out_data[l*W +: W] <= y;
            end
        end
    endgenerate

    ss_stream_check #(.WIDTH(LANES*W), .NAME("rescale")) u_check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
