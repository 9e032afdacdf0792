// Judges of ss_shell and ss_control: a partition without arithmetic, whose weights come over the load stream and whose
// registers are driven by a list of AXI4-Lite transfers.

// Plays the transfers of FILE. A row, from bit 0: read address 16, write address 16, write data 32, strobes 4, expected
// data 32, mask of the bits that count 32, expected RRESP 2 and BRESP 2, read 1, write 1 (both: at the same time); then,
// 4 bits each, the delays of AW, W, B, AR, R, the number of the event that is waited for (0: none), the number of the
// measured value that is expected (0: the expected data); and 1 bit: the phase ends with this transfer.
module axi_player #(parameter OPS = 1, parameter FILE = "", parameter NAME = "") (
    input  logic clk,
    input  logic rst,
    input  logic [15:0] events,
    input  logic [16*32-1:0] measured,
    output logic [7:0] phase,
    output logic done,
    output logic [31:0] errors,
    output logic awvalid, input logic awready, output logic [15:0] awaddr,
    output logic wvalid, input logic wready, output logic [31:0] wdata, output logic [3:0] wstrb,
    input  logic bvalid, output logic bready, input logic [1:0] bresp,
    output logic arvalid, input logic arready, output logic [15:0] araddr,
    input  logic rvalid, output logic rready, input logic [31:0] rdata, input logic [1:0] rresp
);
    logic [167:0] ops [0:OPS-1];
    initial $readmemh(FILE, ops);
    logic [31:0] at, wanted;
    logic [167:0] op;
    logic [4:0] time_passed; // since this transfer began
    logic running, aw_sent, w_sent, b_came, ar_sent, r_came;
    assign done = at == OPS;
    assign wanted = op[165:162] == 0 ? op[99:68] : measured[32*op[165:162] +: 32];
    always_ff @(posedge clk)
        if (rst) begin
            {running, awvalid, wvalid, bready, arvalid, rready} <= 6'd0;
            at <= 0;
            phase <= 0;
            errors <= 0;
        end else if (!running) begin
            if (!done) begin
                op <= ops[at];
                // The row is looked up a second time: `op` has it in the next cycle only.
                if (ops[at][161:158] == 0 || events[ops[at][161:158]]) running <= 1'b1;
            end
            time_passed <= 0;
            {aw_sent, w_sent, b_came, ar_sent, r_came} <= 5'd0;
        end else begin
            if (time_passed != 31) time_passed <= time_passed + 1;
            if (op[137]) begin
                if (awvalid && awready) {aw_sent, awvalid} <= 2'b10;
                else if (!aw_sent && time_passed >= 5'(op[141:138])) awvalid <= 1'b1;
                if (wvalid && wready) {w_sent, wvalid} <= 2'b10;
                else if (!w_sent && time_passed >= 5'(op[145:142])) wvalid <= 1'b1;
                if (bvalid && bready) {b_came, bready} <= 2'b10;
                else if (!b_came && time_passed >= 5'(op[149:146])) bready <= 1'b1;
                if (bvalid && bready && bresp !== op[135:134]) begin
                    errors <= errors + 1;
                    $display("%s: transfer %0d: a write of %h is answered %b", NAME, at, op[31:16], bresp);
                end
            end
            if (op[136]) begin
                if (arvalid && arready) {ar_sent, arvalid} <= 2'b10;
                else if (!ar_sent && time_passed >= 5'(op[153:150])) arvalid <= 1'b1;
                if (rvalid && rready) {r_came, rready} <= 2'b10;
                else if (!r_came && time_passed >= 5'(op[157:154])) rready <= 1'b1;
                if (rvalid && rready && (rresp !== op[133:132] || ((rdata ^ wanted) & op[131:100]) !== 0)) begin
                    errors <= errors + 1;
                    $display("%s: transfer %0d: a read of %h gives %h, %b; expected %h", NAME, at, op[15:0], rdata, rresp, wanted);
                end
            end
            if ((b_came || !op[137]) && (r_came || !op[136])) begin
                running <= 1'b0;
                at <= at + 1;
                phase <= phase + 8'(op[166]);
            end
        end
    assign awaddr = op[31:16];
    assign wdata = op[63:32];
    assign wstrb = op[67:64];
    assign araddr = op[15:0];
    ss_stream_check #(.WIDTH(2), .NAME("B")) check_b (.clk(clk), .rst(rst), .valid(bvalid), .ready(bready), .data(bresp));
    ss_stream_check #(.WIDTH(34), .NAME("R"))
        check_r (.clk(clk), .rst(rst), .valid(rvalid), .ready(rready), .data({rresp, rdata}));
endmodule

// A partition whose nodes let the first WORDS_OUT words of every image through, behind two memories of 100 x 5 and 64 x 3
// bits x rows in UltraRAM (13 load words) when LOAD. Images are offered from phase 3 on (EARLY: always); a first load of CUT words is offered in
// phase 1; the whole load stream, and two words more, from phase 2 on.
module control_case #(
    parameter LANES = 2, parameter W = 8, parameter WORDS_IN = 60, parameter WORDS_OUT = 7, parameter IMAGES = 4,
    parameter LOAD = 1, parameter CUT = 6, parameter STALL_BITS = 32, parameter OPS = 1, parameter STALL = 0,
    parameter EARLY = 0, parameter SEED = 1, parameter PREFIX = "a"
) (
    input  logic clk,
    input  logic rst,
    output logic done,
    output logic [31:0] errors
);
    localparam LW = LANES * W;
    logic awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready;
    logic [15:0] awaddr, araddr;
    logic [31:0] wdata, rdata;
    logic [3:0] wstrb;
    logic [1:0] bresp, rresp;
    logic [15:0] events;
    logic [16*32-1:0] measured;
    logic [7:0] phase;
    logic player_done, sink_done;
    logic [31:0] player_errors, sink_errors, rows_errors_a, rows_errors_b;
    axi_player #(.OPS(OPS), .FILE({PREFIX, "_ops.mem"}), .NAME(PREFIX)) player (
        .clk(clk), .rst(rst), .events(events), .measured(measured), .phase(phase), .done(player_done),
        .errors(player_errors), .awvalid(awvalid), .awready(awready), .awaddr(awaddr), .wvalid(wvalid),
        .wready(wready), .wdata(wdata), .wstrb(wstrb), .bvalid(bvalid), .bready(bready), .bresp(bresp),
        .arvalid(arvalid), .arready(arready), .araddr(araddr), .rvalid(rvalid), .rready(rready), .rdata(rdata),
        .rresp(rresp)
    );

    // ---- ends ----
    logic in_v, in_r, out_v, out_r, out_last, cut_v, whole_v, load_r;
    logic [LW:0] in_d;
    logic [LW-1:0] out_d;
    logic [63:0] cut_d, whole_d;
    tb_source #(.WIDTH(LW + 1), .WORDS(WORDS_IN * IMAGES), .FILE({PREFIX, "_in.mem"}), .SEED(SEED), .STALL(STALL))
        source (.clk(clk), .rst(rst || (phase < 3 && EARLY == 0)), .valid(in_v), .ready(in_r), .data(in_d));
    tb_sink #(.WIDTH(LW + 1), .WORDS(WORDS_OUT * IMAGES), .FILE({PREFIX, "_out.mem"}), .SEED(SEED + 1), .STALL(STALL),
              .NAME(PREFIX))
        sink (.clk(clk), .rst(rst), .valid(out_v), .ready(out_r), .data({out_last, out_d}), .done(sink_done),
              .errors(sink_errors), .first(), .last());
    tb_source #(.WIDTH(64), .WORDS(CUT), .FILE("cut.mem"), .SEED(SEED + 2), .STALL(STALL))
        cut (.clk(clk), .rst(rst), .valid(cut_v), .ready(load_r && phase < 2), .data(cut_d));
    tb_source #(.WIDTH(64), .WORDS(15), .FILE("load.mem"), .SEED(SEED + 3), .STALL(STALL))
        whole (.clk(clk), .rst(rst || phase < 2), .valid(whole_v), .ready(load_r && phase >= 2), .data(whole_d));

    // ---- the partition ----
    logic a_v, a_r, b_v, b_r, c_v, c_r, keep, loaded_1, loaded_2;
    logic [LW-1:0] a_d, b_d, c_d;
    logic [65:0] load, load_1, load_2;
    logic [1:0] starved, blocked;
    ss_shell #(
        .LANES_IN(LANES), .W_IN(W), .WORDS_IN(WORDS_IN), .LANES_OUT(LANES), .W_OUT(W), .WORDS_OUT(WORDS_OUT), .NODES(2),
        .LOAD_WORDS(LOAD ? 13 : 0), .DESIGN(32'hcafe0001), .STALL_BITS(STALL_BITS)
    ) dut (
        .clk(clk), .rst(rst), .s_axis_tvalid(in_v), .s_axis_tready(in_r), .s_axis_tdata(in_d[LW-1:0]),
        .s_axis_tlast(in_d[LW]), .m_axis_tvalid(out_v), .m_axis_tready(out_r), .m_axis_tdata(out_d),
        .m_axis_tlast(out_last), .s_load_tvalid(phase < 2 ? cut_v : whole_v), .s_load_tready(load_r),
        .s_load_tdata(phase < 2 ? cut_d : whole_d),
        .s_axi_awvalid(awvalid), .s_axi_awready(awready), .s_axi_awaddr(awaddr), .s_axi_wvalid(wvalid),
        .s_axi_wready(wready), .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_bvalid(bvalid), .s_axi_bready(bready),
        .s_axi_bresp(bresp), .s_axi_arvalid(arvalid), .s_axi_arready(arready), .s_axi_araddr(araddr),
        .s_axi_rvalid(rvalid), .s_axi_rready(rready), .s_axi_rdata(rdata), .s_axi_rresp(rresp),
        .in_valid(a_v), .in_ready(a_r), .in_data(a_d), .out_valid(c_v), .out_ready(c_r), .out_data(c_d),
        .load(load), .loaded(loaded_1 && loaded_2), .starved(starved), .blocked(blocked)
    );
    ss_slice #(.WIDTH(LW)) node_0 (.clk(clk), .rst(rst), .in_valid(a_v), .in_ready(a_r), .in_data(a_d), .out_valid(b_v),
                                   .out_ready(b_r), .out_data(b_d));
    logic [31:0] place; // of the word in its image
    logic node_1_r;
    assign keep = place < WORDS_OUT;
    assign b_r = keep ? node_1_r : 1'b1;
    always_ff @(posedge clk)
        if (rst) place <= 0;
        else if (b_v && b_r) place <= place == WORDS_IN - 1 ? 0 : place + 1;
    ss_slice #(.WIDTH(LW)) node_1 (.clk(clk), .rst(rst), .in_valid(b_v && keep), .in_ready(node_1_r), .in_data(b_d),
                                   .out_valid(c_v), .out_ready(c_r), .out_data(c_d));
    assign starved = {b_r && !b_v, a_r && !a_v};
    assign blocked = {c_v && !c_r, b_v && !b_r};

    // ---- weights ----
    logic [2:0] addr_a;
    logic [1:0] addr_b;
    logic [99:0] data_a;
    logic [63:0] data_b;
    logic en_a, en_b;
    ss_weights #(.WIDTH(100), .DEPTH(5), .STYLE(LOAD ? "ultra" : "block"), .FILE(LOAD ? "" : "rows_a.mem")) weights_a (
        .clk(clk), .rst(rst), .addr(addr_a), .data(data_a), .load_in(load), .load_out(load_1), .loaded(loaded_1));
    ss_weights #(.WIDTH(64), .DEPTH(3), .STYLE(LOAD ? "ultra" : "block"), .FILE(LOAD ? "" : "rows_b.mem")) weights_b (
        .clk(clk), .rst(rst), .addr(addr_b), .data(data_b), .load_in(load_1), .load_out(load_2), .loaded(loaded_2));
    rom_reader #(.WIDTH(100), .DEPTH(5), .FILE("rows_a.mem"), .NAME("weights a"), .SEED(SEED + 4), .HOLD(0)) reader_a
        (.clk(clk), .rst(rst), .active(phase == 3), .en(en_a), .addr(addr_a), .data(data_a), .errors(rows_errors_a));
    rom_reader #(.WIDTH(64), .DEPTH(3), .FILE("rows_b.mem"), .NAME("weights b"), .SEED(SEED + 5), .HOLD(0)) reader_b
        (.clk(clk), .rst(rst), .active(phase == 3), .en(en_b), .addr(addr_b), .data(data_b), .errors(rows_errors_b));

    // ---- what the registers must say, counted from the ports ----
    logic [31:0] in_words, out_words, load_words, cycles, begun, finished, stray;
    logic [31:0] s0, s1, b0, b1;
    logic counting;
    assign begun = (in_words + WORDS_IN - 1) / WORDS_IN;
    assign finished = out_words / WORDS_OUT;
    assign counting = (in_v && in_r) || begun != finished || in_words % WORDS_IN != 0;
    always_ff @(posedge clk)
        if (rst) begin
            {in_words, out_words, load_words, cycles, s0, s1, b0, b1, stray} <= 0;
        end else begin
            in_words <= in_words + 32'(in_v && in_r);
            out_words <= out_words + 32'(out_v && out_r);
            load_words <= load_words + 32'((phase < 2 ? cut_v : whole_v) && load_r);
            cycles <= cycles + 32'(counting);
            s0 <= s0 + 32'(counting && starved[0]);
            s1 <= s1 + 32'(counting && starved[1]);
            b0 <= b0 + 32'(counting && blocked[0]);
            b1 <= b1 + 32'(counting && blocked[1]);
            // No image before the weights are there, no load word outside a load.
            if (LOAD != 0 && in_v && in_r && !(loaded_1 && loaded_2)) stray <= stray + 1;
            if (load_r && (LOAD == 0 || phase == 0)) stray <= stray + 1;
        end
    function [31:0] limit(input [31:0] count);
        limit = STALL_BITS < 32 && (count >> STALL_BITS) != 0 ? 32'hffffffff : count;
    endfunction
    assign measured = {{8{32'd0}}, limit(b1), limit(s1), limit(b0), limit(s0), cycles, 32'd0, in_words / WORDS_IN, 32'd0};
    // 1: the first load has gone as far as it goes; 2: the second too; 3: inside the second image; 4: all is out;
    // 5: the two words that were too many have gone into a third load
    logic [7:0] quiet;
    always_ff @(posedge clk)
        if (rst || !sink_done || in_words != WORDS_IN * IMAGES) quiet <= 0;
        else if (quiet != 20) quiet <= quiet + 1;
    assign events = {10'd0, load_words == CUT + 15, quiet == 20, in_words > WORDS_IN + 1, load_words == CUT + 13, load_words == CUT, 1'b0};

    assign done = player_done;
    assign errors = player_errors + sink_errors + rows_errors_a + rows_errors_b + stray +
                    32'(player_done && (load_words != (LOAD ? CUT + 13 + 2 : 0) || !sink_done));
endmodule

// A master that does not wait for answers: addresses and data are offered as soon as they are taken, each on its own and
// with random gaps, answers are taken late. They must come in order, one for each transfer: transfers with an even number
// go to DESIGN (read) and CONTROL (write), odd ones to a place where nothing is.
module axi_pipeline_case #(parameter TRANSFERS = 200, parameter SEED = 1, parameter STALL = 100) (
    input  logic clk,
    input  logic rst,
    output logic done,
    output logic [31:0] errors
);
    logic awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready;
    logic [31:0] aw, w, b, ar, r, rdata; // transfers so far on each channel
    logic [1:0] bresp, rresp;
    logic [4:0] stall;
    genvar i;
    generate
        for (i = 0; i < 5; i = i + 1) begin : g_chance
            tb_chance #(.SEED(SEED + i), .STALL(STALL)) chance (.clk(clk), .rst(rst), .stall(stall[i]));
        end
    endgenerate
    ss_control #(.DESIGN(32'h0badcafe)) dut (
        .clk(clk), .rst(rst), .s_axi_awvalid(awvalid), .s_axi_awready(awready),
        .s_axi_awaddr(aw[0] ? 16'h0038 : 16'h000c), .s_axi_wvalid(wvalid), .s_axi_wready(wready), .s_axi_wdata(32'd0),
        .s_axi_wstrb(4'hf), .s_axi_bvalid(bvalid), .s_axi_bready(bready), .s_axi_bresp(bresp), .s_axi_arvalid(arvalid),
        .s_axi_arready(arready), .s_axi_araddr(ar[0] ? 16'h0050 : 16'h0028), .s_axi_rvalid(rvalid),
        .s_axi_rready(rready), .s_axi_rdata(rdata), .s_axi_rresp(rresp), .in_word(1'b0), .in_last(1'b0),
        .out_last(1'b0), .misplaced(1'b0), .loaded(1'b1), .loading(1'b0), .start(), .starved(1'b0), .blocked(1'b0)
    );
    always_ff @(posedge clk)
        if (rst) begin
            {awvalid, wvalid, bready, arvalid, rready} <= 5'd0;
            {aw, w, b, ar, r, errors} <= 0;
        end else begin
            if (!awvalid || awready) awvalid <= !stall[0] && aw + 32'(awvalid) < TRANSFERS;
            if (!wvalid || wready) wvalid <= !stall[1] && w + 32'(wvalid) < TRANSFERS;
            if (!arvalid || arready) arvalid <= !stall[2] && ar + 32'(arvalid) < TRANSFERS;
            bready <= stall[3];
            rready <= stall[4];
            aw <= aw + 32'(awvalid && awready);
            w <= w + 32'(wvalid && wready);
            b <= b + 32'(bvalid && bready);
            ar <= ar + 32'(arvalid && arready);
            r <= r + 32'(rvalid && rready);
            if ((bvalid && bready && (bresp !== (b[0] ? 2'b10 : 2'b00) || b >= aw || b >= w)) ||
                (rvalid && rready && (rresp !== (r[0] ? 2'b10 : 2'b00) || rdata !== (r[0] ? 32'd0 : 32'h0badcafe) || r >= ar)))
            begin
                errors <= errors + 1;
                $display("pipeline: answer %0d to a write: %b; answer %0d to a read: %b, %h", b, bresp, r, rresp, rdata);
            end
        end
    assign done = b == TRANSFERS && r == TRANSFERS;
endmodule
