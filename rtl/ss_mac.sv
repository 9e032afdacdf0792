// ss_mac: a multiplier and its accumulator: sum = (start ? 0 : sum) + value * weight in every `valid` cycle. One DSP.
//
// PAIR: two weights of 8 bits share the value, as (w1 << 18) + w0 (ss_product2), and the sum is a packed one.
// Operands are registered, so is the product: `start` comes one cycle behind the operands that it belongs to, `valid` two, and
// the sum is there in the cycle after `valid`. Its low SUM bits are handed on, SUM <= 48.
// PRIMITIVE 1, what SS_DSP48E2 stands for, is a DSP48E2 by name (UG579): w1 and w0 meet in the pre-adder before its register, OPMODE
// chooses 0 or P. 0 leaves it to synthesis to find that: Vivado does, Yosys does for the DSP48E1 alone. The same in
// every cycle, but for sums before the first start: tests/rtl_mac.sh.
module ss_mac #(
    parameter W = 16,
    parameter PAIR = 0,
    parameter SUM = 40,
`ifdef SS_DSP48E2
    parameter PRIMITIVE = 1
`else
    parameter PRIMITIVE = 0
`endif
) (
    input  logic clk,
    input  logic [W-1:0] value,
    input  logic [(PAIR+1)*W-1:0] weight, // w0 in the low bits
    input  logic start,
    input  logic valid,
    output logic [SUM-1:0] sum
);
    generate
        if (PRIMITIVE != 0) begin : g_dsp
            logic [29:0] w1, unused_acout;
            logic [17:0] unused_bcout;
            logic [47:0] p, unused_pcout;
            logic [7:0] unused_xorout;
            logic [3:0] unused_carryout;
            logic [5:0] unused_flags;
            logic unused_high;
            if (PAIR != 0) begin : g_pair
                assign w1 = 30'($signed({weight[PAIR*W +: W], 18'b0}));
            end else begin : g_single
                assign w1 = 30'b0;
            end
            assign sum = p[SUM-1:0];
            assign unused_high = &{1'b0, p};
            DSP48E2 #(
                .AMULTSEL("AD"), .AREG(0), .ACASCREG(0), .DREG(0), .ADREG(1), .BREG(1), .BCASCREG(1), .MREG(1), .PREG(1),
                .OPMODEREG(1), .ALUMODEREG(0), .INMODEREG(0), .CARRYINREG(0), .CARRYINSELREG(0), .CREG(0))
            u_dsp (
                .CLK(clk), .A(w1), .D(27'($signed(weight[W-1:0]))), .B(18'($signed(value))), .C(48'b0), .P(p),
                .INMODE(5'b00100), .OPMODE({3'b000, !start, 5'b00101}), .ALUMODE(4'b0), .CARRYIN(1'b0), .CARRYINSEL(3'b0),
                .CEA1(1'b0), .CEA2(1'b0), .CEB1(1'b0), .CEB2(1'b1), .CEC(1'b0), .CED(1'b0), .CEAD(1'b1), .CEM(1'b1), .CEP(valid),
                .CECTRL(1'b1), .CEALUMODE(1'b0), .CEINMODE(1'b0), .CECARRYIN(1'b0),
                .RSTA(1'b0), .RSTB(1'b0), .RSTC(1'b0), .RSTD(1'b0), .RSTM(1'b0), .RSTP(1'b0), .RSTCTRL(1'b0), .RSTALUMODE(1'b0),
                .RSTINMODE(1'b0), .RSTALLCARRYIN(1'b0),
                .ACIN(30'b0), .BCIN(18'b0), .PCIN(48'b0), .CARRYCASCIN(1'b0), .MULTSIGNIN(1'b0),
                .ACOUT(unused_acout), .BCOUT(unused_bcout), .PCOUT(unused_pcout), .CARRYCASCOUT(unused_flags[0]),
                .CARRYOUT(unused_carryout), .MULTSIGNOUT(unused_flags[1]), .OVERFLOW(unused_flags[2]),
                .UNDERFLOW(unused_flags[3]), .PATTERNDETECT(unused_flags[4]), .PATTERNBDETECT(unused_flags[5]),
                .XOROUT(unused_xorout));
        end else begin : g_inferred
            localparam ALL = PAIR != 0 ? 34 : 2 * W;
            localparam PRODUCT = ALL < SUM ? ALL : SUM;
            logic [W-1:0] value_q;
            logic [(PAIR+1)*W-1:0] weight_q;
            logic [ALL-1:0] next;
            logic [PRODUCT-1:0] product;
            logic start_q;
            if (PAIR != 0) begin : g_pair
                ss_product2 u_product (.a(value_q), .w0(weight_q[W-1:0]), .w1(weight_q[PAIR*W +: W]), .p(next));
            end else begin : g_single
                ss_product #(.A(W), .B(W), .OUT(ALL)) u_product (.a(value_q), .b(weight_q), .p(next));
            end
            if (PRODUCT < ALL) begin : g_cut
                logic unused_high;
                assign unused_high = &{1'b0, next[ALL-1:PRODUCT]};
            end
            always_ff @(posedge clk) begin
                value_q <= value;
                weight_q <= weight;
                product <= next[PRODUCT-1:0];
                start_q <= start;
                if (valid) sum <= (start_q ? SUM'(0) : sum) + SUM'($signed(product));
            end
        end
        if (SUM > 48 || (PAIR != 0 && W != 8) || W > 18) begin : g_illegal
            ss_mac_has_no_such_form u_error ();
        end
    endgenerate
endmodule
