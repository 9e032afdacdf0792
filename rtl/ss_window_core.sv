// ss_window_core: windows of a map whose every row and column some window covers (see ss_window), SH <= KH, SW <= KW.
//
// Three parts in a row, each of which may run ahead of the next: the writer fills ROWS banks, row y of the running count of
// rows in bank y mod ROWS; ss_window_scan says which column to read next; two registers put windows together, one being
// assembled while the reader of the windows holds the other.
//
// Reading: a column is one word from every bank, turned so that the window's top row comes first. A window word takes NEW
// columns from the banks and KEEP = KW - NEW from the word's place in `kept`, where the window before left them. NEW = SW
// with CACHE, else KW. PL columns of padding are never read.
// The row of windows below begins with columns that a window at the left edge needs but does not load (KEEP - PL of them).
// They are loaded in EARLY steps, with the last windows of the row above, which lie partly in the padding and load nothing for themselves;
// where there is not enough padding at the right the rest are loaded in LATE extra steps before the row's first window, word by word.
// An image's last windows do not wait for the next image: when its first rows are not there yet, the EARLY steps pass without
// loading, and load when the rows have come.
//
// Cycles: a step of NEW columns takes NEW cycles, less the PL columns of padding in front. So, when the windows are taken
// as they come and the words are there, an image takes
//     read = HO*DEEP*(WO*NEW + LATE*NEW - SKIP),  SKIP: the columns left of the map that the steps of a row would load,
// 3x3 with padding 1: HO*DEEP*WO. Where each window is held for e cycles, HO*DEEP*(sum over windows of max(e, its loads)).
// An image in a steady flow takes max(intake, read), intake = H*WD*DEEP before the sieve.
// Latency: the last word of a window comes in at cycle n, the window stands at the output at n + 3.
module ss_window_core #(
    parameter S = 1,
    parameter W = 8,
    parameter DEEP = 1,
    parameter H = 4,
    parameter WD = 4,
    parameter KH = 3,
    parameter KW = 3,
    parameter SH = 1,
    parameter SW = 1,
    parameter PT = 1,
    parameter PL = 1,
    parameter HO = 4,
    parameter WO = 4,
    parameter ROWS = KH + SH - 1,
    parameter CACHE = 1,
    parameter PAD = 0,
    parameter STYLE = "distributed"
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [S*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [S*KH*KW*W-1:0] out_data,
    output logic [KH*KW-1:0] out_mask
);
    localparam NEW = CACHE != 0 && SW < KW && WO > 1 && WD + PL >= KW ? SW : KW;
    localparam KEEP = KW - NEW;
    localparam WORD = S * W;
    localparam COLUMN = KH * WORD;
    localparam AW = WD * DEEP > 1 ? $clog2(WD * DEEP) : 1;
    localparam BW = ROWS > 1 ? $clog2(ROWS) : 1;
    localparam DW = DEEP > 1 ? $clog2(DEEP) : 1;
    localparam IW = NEW > 1 ? $clog2(NEW) : 1;
    localparam [W-1:0] FILL = W'(PAD);

    // ---- writer
    logic write, row_end, row_written, bank_end;
    logic [AW-1:0] waddr;
    logic [BW-1:0] wbank;
    assign write = in_valid && in_ready;
    ss_wrap #(.N(WD*DEEP)) u_waddr (.clk(clk), .rst(rst), .step(write), .last(row_end), .count(waddr));
    ss_wrap #(.N(ROWS)) u_wbank (.clk(clk), .rst(rst), .step(row_written), .last(bank_end), .count(wbank));
    assign row_written = write && row_end;

    // ---- which column is read next
    logic advance, read;      // the register behind the banks is free; it is filled
    logic load_end, load_emit; // the column completes a step; and a window
    logic [AW-1:0] raddr;
    logic [IW-1:0] load_slot;
    logic [DW-1:0] load_word;
    logic [KH*BW-1:0] load_bank;
    logic [KH-1:0] load_rows;
    logic [KW-1:0] load_columns;
    ss_window_scan #(.DEEP(DEEP), .H(H), .WD(WD), .KH(KH), .KW(KW), .SH(SH), .SW(SW), .PT(PT), .PL(PL), .HO(HO), .WO(WO),
                     .ROWS(ROWS), .NEW(NEW))
        u_scan (.clk(clk), .rst(rst), .waddr(waddr), .row_written(row_written), .room(in_ready),
                .advance(advance), .read(read), .raddr(raddr), .slot(load_slot), .word(load_word), .step_end(load_end),
                .emit(load_emit), .bank(load_bank), .rows_inside(load_rows), .columns_inside(load_columns));

    // ---- banks
    logic [ROWS*WORD-1:0] bank_data;
    genvar b;
    generate
        for (b = 0; b < ROWS; b = b + 1) begin : g_bank
            ss_ram #(.WIDTH(WORD), .DEPTH(WD*DEEP), .STYLE(STYLE))
                u_ram (.clk(clk), .we(write && wbank == BW'(b)), .waddr(waddr), .wdata(in_data),
                       .re(read), .raddr(raddr), .rdata(bank_data[b*WORD +: WORD]));
        end
    endgenerate

    // ---- the column that was read
    logic have, have_end, have_emit; // a column stands behind the banks; it completes a step, a window
    logic [IW-1:0] slot;
    logic [DW-1:0] word;
    logic [KH*BW-1:0] bank;
    logic [KH-1:0] rows_inside;
    logic [KW-1:0] columns_inside;
    always_ff @(posedge clk)
        if (rst) have <= 1'b0;
        else if (advance) have <= read;
    always_ff @(posedge clk)
        if (read) begin
            have_end <= load_end;
            have_emit <= load_emit;
            slot <= load_slot;
            word <= load_word;
            bank <= load_bank;
            rows_inside <= load_rows;
            columns_inside <= load_columns;
        end

    logic [COLUMN-1:0] column;
    genvar i, j, l;
    generate
        for (i = 0; i < KH; i = i + 1) begin : g_turn
            ss_mux #(.N(ROWS), .WIDTH(WORD))
                u_row (.data(bank_data), .sel(bank[i*BW +: BW]), .out(column[i*WORD +: WORD]));
        end
    endgenerate

    // ---- windows
    logic step, emit; // the step is complete and leaves; with a window
    assign emit = have && have_end && have_emit;
    assign advance = !emit || !out_valid || out_ready;
    assign step = have && have_end && advance;

    logic [KW*COLUMN-1:0] window; // column by column
    assign window[(KW-1)*COLUMN +: COLUMN] = column;
    generate
        for (j = 0; j < NEW - 1; j = j + 1) begin : g_gather
            logic [COLUMN-1:0] gathered;
            always_ff @(posedge clk) if (have && slot == IW'(j)) gathered <= column;
            assign window[(KEEP+j)*COLUMN +: COLUMN] = gathered;
        end
        if (KEEP == 0) begin : g_no_cache
            logic unused_ok;
            assign unused_ok = &{1'b0, word, step};
        end else begin : g_cache
            ss_window_kept #(.WIDTH(KEEP*COLUMN), .DEPTH(DEEP))
                u_kept (.clk(clk), .we(step), .addr(word), .wdata(window[NEW*COLUMN +: KEEP*COLUMN]),
                        .rdata(window[0 +: KEEP*COLUMN]));
        end
        if (NEW == 1) begin : g_one_column
            logic unused_ok;
            assign unused_ok = &{1'b0, slot};
        end

        for (i = 0; i < KH; i = i + 1) begin : g_row
            for (j = 0; j < KW; j = j + 1) begin : g_column
                localparam P = i * KW + j;
                for (l = 0; l < S; l = l + 1) begin : g_lane
                    always_ff @(posedge clk)
                        if (emit && advance)
                            out_data[(l*KH*KW + P)*W +: W] <= rows_inside[i] && columns_inside[j]
                                ? window[j*COLUMN + i*WORD + l*W +: W] : FILL;
                end
                always_ff @(posedge clk) if (emit && advance) out_mask[P] <= rows_inside[i] && columns_inside[j];
            end
        end
    endgenerate
    always_ff @(posedge clk)
        if (rst) out_valid <= 1'b0;
        else if (advance && emit) out_valid <= 1'b1;
        else if (out_ready) out_valid <= 1'b0;

    logic unused_ok;
    assign unused_ok = &{1'b0, bank_end};
endmodule
