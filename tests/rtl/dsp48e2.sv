// DSP48E2: a functional model of what ss_mac uses of the DSP slice of UltraScale devices, from the text of UG579: pre-adder D + A,
// 27 x 18 multiplier, 48-bit ALU that adds the product to zero or to P. Each register may be there or not. Anything
// else that is asked for ends the simulation: cascades, SIMD, pattern detector, carries, the other modes.
module DSP48E2 #(
    parameter AMULTSEL = "A",
    parameter AREG = 1,
    parameter ACASCREG = 1,
    parameter DREG = 1,
    parameter ADREG = 1,
    parameter BREG = 1,
    parameter BCASCREG = 1,
    parameter CREG = 1,
    parameter MREG = 1,
    parameter PREG = 1,
    parameter OPMODEREG = 1,
    parameter ALUMODEREG = 1,
    parameter INMODEREG = 1,
    parameter CARRYINREG = 1,
    parameter CARRYINSELREG = 1
) (
    input  logic CLK,
    input  logic [29:0] A,
    input  logic [17:0] B,
    input  logic [47:0] C,
    input  logic [26:0] D,
    input  logic [4:0] INMODE,
    input  logic [8:0] OPMODE,
    input  logic [3:0] ALUMODE,
    input  logic CARRYIN,
    input  logic [2:0] CARRYINSEL,
    input  logic CEA1, CEA2, CEB1, CEB2, CEC, CED, CEAD, CEM, CEP, CECTRL, CEALUMODE, CEINMODE, CECARRYIN,
    input  logic RSTA, RSTB, RSTC, RSTD, RSTM, RSTP, RSTCTRL, RSTALUMODE, RSTINMODE, RSTALLCARRYIN,
    input  logic [29:0] ACIN,
    input  logic [17:0] BCIN,
    input  logic [47:0] PCIN,
    input  logic CARRYCASCIN, MULTSIGNIN,
    output logic [47:0] P,
    output logic [29:0] ACOUT,
    output logic [17:0] BCOUT,
    output logic [47:0] PCOUT,
    output logic [3:0] CARRYOUT,
    output logic [7:0] XOROUT,
    output logic CARRYCASCOUT, MULTSIGNOUT, OVERFLOW, UNDERFLOW, PATTERNDETECT, PATTERNBDETECT
);
    logic [29:0] a_q, a;
    logic [17:0] b_q, b;
    logic [26:0] d_q, d, ad_sum, ad_q, ad;
    logic [44:0] m_product, m_q, m;
    logic [47:0] p_q, p_next, z;
    logic [8:0] opmode_q, opmode;

    // CEA2 and CEB2 are the enables of the one register that AREG = 1 and BREG = 1 leave.
    always_ff @(posedge CLK) begin
        if (RSTA) a_q <= 0; else if (CEA2) a_q <= A;
        if (RSTB) b_q <= 0; else if (CEB2) b_q <= B;
        if (RSTD) d_q <= 0; else if (CED) d_q <= D;
        if (RSTD) ad_q <= 0; else if (CEAD) ad_q <= ad_sum;
        if (RSTM) m_q <= 0; else if (CEM) m_q <= m_product;
        if (RSTCTRL) opmode_q <= 0; else if (CECTRL) opmode_q <= OPMODE;
        if (RSTP) p_q <= 0; else if (CEP) p_q <= p_next;
    end
    assign a = AREG != 0 ? a_q : A;
    assign b = BREG != 0 ? b_q : B;
    assign d = DREG != 0 ? d_q : D;
    assign opmode = OPMODEREG != 0 ? opmode_q : OPMODE;
    assign ad_sum = d + a[26:0]; // INMODE 00100
    assign ad = ADREG != 0 ? ad_q : ad_sum;
    assign m_product = 45'($signed(ad)) * 45'($signed(b));
    assign m = MREG != 0 ? m_q : m_product;
    assign z = opmode[4] ? 0 : opmode[5] ? p_q : 0;
    assign p_next = z + 48'($signed(m)); // X and Y together are the product
    assign P = PREG != 0 ? p_q : p_next;

    assign {ACOUT, BCOUT, PCOUT, CARRYOUT, XOROUT} = 0;
    assign {CARRYCASCOUT, MULTSIGNOUT, OVERFLOW, UNDERFLOW, PATTERNDETECT, PATTERNBDETECT} = 0;

    generate
        if (AMULTSEL != "AD" || AREG > 1 || BREG > 1 || ACASCREG != AREG || BCASCREG != BREG || PREG == 0 ||
            ALUMODEREG + INMODEREG + CARRYINREG + CARRYINSELREG + CREG != 0) begin : g_beyond
            dsp48e2_is_not_modelled_with_these_attributes u_error ();
        end
    endgenerate
    logic beyond;
    assign beyond = INMODE != 5'b00100 || ALUMODE != 0 || CARRYIN || CARRYINSEL != 0 || C != 0 || ACIN != 0 || BCIN != 0 ||
        PCIN != 0 || CARRYCASCIN || MULTSIGNIN || RSTC || RSTALUMODE || RSTINMODE || RSTALLCARRYIN || CEA1 || CEB1 || CEC ||
        CEALUMODE || CEINMODE || CECARRYIN || (opmode & 9'b111011111) != 9'b000000101;
    logic begun = 1'b0; // registers hold anything at first
    always @(posedge CLK) begin
        begun <= 1'b1;
        if (begun && beyond) $fatal(1, "%m: a mode of the DSP48E2 that is not modelled");
    end
endmodule
