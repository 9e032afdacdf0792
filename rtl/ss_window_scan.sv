// ss_window_scan: the order in which a window's columns are read, and the account of which rows are in the banks.
//
// Loops, outermost first: rows of windows, steps (one a window across), words of the pixel, LATE extra steps before a row's first window,
// slots (columns of a step). A row begins EARLY steps before its first window: those steps hand out the last windows of the row above
// (see ss_window_core). `step` counts windows across: EARLY steps are the last ones.
//
// Account, in rows of the running count over images: `lead` = rows written - the last row that the present windows need;
// `space` = the first row that they need + ROWS - rows written. A column may be read when lead > 0, or when lead = 0 and
// the writer has passed its address. The writer may go on when space > 0, or when it overwrites a row that the
// next row of windows needs no more, behind the reader's address.
// All outputs but `read` and `room` are combinational from registers alone; `read` depends on `advance`.
module ss_window_scan #(
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
    parameter ROWS = 3,
    parameter NEW = 1, // columns a step: SW, or KW when none is kept
    parameter AW = WD * DEEP > 1 ? $clog2(WD * DEEP) : 1, // derived, as all below
    parameter BW = ROWS > 1 ? $clog2(ROWS) : 1,
    parameter DW = DEEP > 1 ? $clog2(DEEP) : 1,
    parameter IW = NEW > 1 ? $clog2(NEW) : 1
) (
    input  logic clk,
    input  logic rst,
    input  logic [AW-1:0] waddr, // of the next word in
    input  logic row_written,    // and it completes a row
    output logic room,           // it may come
    input  logic advance,
    output logic read,
    output logic [AW-1:0] raddr,
    output logic [IW-1:0] slot,
    output logic [DW-1:0] word,
    output logic step_end,
    output logic emit,
    output logic [KH*BW-1:0] bank, // of each row of the window
    output logic [KH-1:0] rows_inside,
    output logic [KW-1:0] columns_inside
);
    // Columns. Step 0 of a row (the first of the EARLY ones, if any) begins SKIP columns left of the map.
    localparam KEEP = KW - NEW;
    localparam PRELOAD = KEEP > PL ? (KEEP - PL + SW - 1) / SW : 0; // steps that load columns for a row's first window
    localparam COVER = (WD + PL - KEEP + SW - 1) / SW;           // steps until all columns are loaded
    localparam IDLE = WO > COVER ? WO - COVER : 0;               // windows at the right edge that load none
    localparam EARLY = PRELOAD < IDLE ? PRELOAD : IDLE;
    localparam LATE = PRELOAD - EARLY;
    localparam SKIP = KEEP > 0 ? PL + PRELOAD * SW - KEEP : PL;
    localparam LAST_SKIP = SKIP > 0 ? (SKIP - 1) % SW + 1 : 0;
    localparam FIRST = EARLY > 0 ? WO - EARLY : 0; // the step that a row begins with, and its last one
    localparam FINAL = WO - EARLY - 1;
    localparam LINEAR = NEW == 1 && LATE == 0; // addresses ascend by one a cycle
    localparam RIGHT = FINAL * SW - PL + KW;
    localparam AHEAD = EARLY > 0 ? (EARLY * SW - SKIP) * DEEP : 0; // words a row that EARLY steps need
    // Rows.
    localparam LAST0 = KH - 1 - PT < H - 1 ? KH - 1 - PT : H - 1; // last row of the map that the first windows need
    localparam FULL = H - KH + PT >= 0 ? (H - KH + PT) / SH : -1;  // last row of windows that ends inside the map
    localparam REST = FULL >= 0 ? H - KH + PT - FULL * SH : 0;     // rows that are left below it
    localparam NEXT = H - (HO - 1) * SH; // distance to the first window of the next image

    localparam TW = WO > 1 ? $clog2(WO) : 1;
    localparam RW = HO > 1 ? $clog2(HO) : 1;
    localparam CW = $clog2((RIGHT > WD ? RIGHT : WD) * DEEP + 1);
    localparam NW = $clog2((SKIP > SW ? SKIP : SW) + 2); // holds SW, too
    localparam LW = $clog2(ROWS + 2 * KH + 2) + 1;

    logic [TW-1:0] step;
    logic [RW-1:0] row;
    logic [NW-1:0] skip;     // columns of this step that lie left of the map
    logic [CW-1:0] first;    // address of the step's first column
    logic [CW-1:0] at;       // and of this word in it
    logic [CW-1:0] addr;     // of the column that is read
    logic signed [LW-1:0] lead, space;
    logic owed, pass;        // windows of the last image are due in EARLY steps; they pass without loading
    logic passing;           // this step, too

    // ---- position
    logic slot_end, extra_end, word_end, pixel_end, row_end, image_row, early, first_step, early_end;
    logic [DW-1:0] word_count;
    assign first_step = step == '0;
    assign slot_end = slot == IW'(NEW - 1);
    assign word_end = slot_end && extra_end;
    assign row_end = pixel_end && step == TW'(FINAL);
    assign image_row = row == RW'(HO - 1);
    assign early_end = early && pixel_end && step == TW'(WO - 1);
    assign step_end = slot_end;
    assign word = word_count;

    logic last_word;
    ss_wrap #(.N(DEEP)) u_word (.clk(clk), .rst(rst), .step(read && word_end), .last(last_word), .count(word_count));
    assign pixel_end = word_end && last_word;

    logic rewind; // the EARLY steps passed without loading: begin the row again
    assign rewind = early_end && passing;
    always_ff @(posedge clk)
        if (rst) begin
            step <= TW'(FIRST);
            row <= '0;
        end else if (read && pixel_end) begin
            step <= rewind ? TW'(FIRST) : step == TW'(WO - 1) ? '0 : step + 1'b1;
            if (row_end) row <= image_row ? '0 : row + 1'b1;
        end

    generate
        if (EARLY == 0) begin : g_no_early
            assign early = 1'b0;
        end else begin : g_early
            assign early = step >= TW'(WO - EARLY);
        end
        if (LATE == 0) begin : g_no_late
            assign extra_end = 1'b1;
        end else begin : g_late
            logic last;
            logic [$clog2(LATE + 1)-1:0] count;
            logic unused_ok;
            ss_wrap #(.N(LATE + 1))
                u_extra (.clk(clk), .rst(rst), .step(read && slot_end && first_step), .last(last), .count(count));
            assign extra_end = last || !first_step;
            assign unused_ok = &{1'b0, count};
        end
    endgenerate

    // ---- addresses
    logic [NW-1:0] skip_next;
    logic [CW-1:0] stride; // to the first column of the next step
    assign skip_next = row_end || rewind ? NW'(SKIP) : skip > NW'(SW) ? skip - NW'(SW) : '0;
    always_comb
        if (LATE > 0 && first_step) stride = CW'(((LATE + 1) * SW - (EARLY == 0 ? SKIP : 0)) * DEEP);
        else if (skip > NW'(SW)) stride = '0;
        else if (skip != 0) stride = CW'((SW - LAST_SKIP) * DEEP);
        else stride = CW'(SW * DEEP);

    always_ff @(posedge clk)
        if (rst) begin
            skip <= NW'(SKIP);
            slot <= IW'(SKIP);
            first <= '0;
            at <= '0;
            addr <= '0;
        end else if (read) begin
            slot <= !slot_end ? slot + 1'b1 : !word_end ? '0 : pixel_end ? IW'(skip_next) : IW'(skip);
            if (!word_end) addr <= addr + CW'(DEEP);
            else if (!pixel_end) begin
                at <= at + 1'b1;
                addr <= at + 1'b1;
            end else begin
                skip <= skip_next;
                first <= row_end || rewind ? '0 : first + stride;
                at <= row_end || rewind ? '0 : first + stride;
                addr <= row_end || rewind ? '0 : first + stride;
            end
        end
    assign raddr = addr[AW-1:0];

    // ---- account
    localparam signed [LW-1:0] DOWN = LW'(SH), DOWN_REST = LW'(REST), DOWN_NEXT = LW'(LAST0 + 1), UP = LW'(SH),
                               UP_NEXT = LW'(NEXT);
    logic signed [LW-1:0] down, up; // what the next row of windows needs more, and gives up
    assign up = image_row ? UP_NEXT : UP;
    generate
        if (FULL >= HO - 1) begin : g_inside
            assign down = image_row ? DOWN_NEXT : DOWN;
        end else if (FULL < 0) begin : g_outside
            assign down = image_row ? DOWN_NEXT : '0;
        end else if (FULL == 0) begin : g_one_inside
            assign down = image_row ? DOWN_NEXT : row == '0 ? DOWN_REST : '0;
        end else begin : g_bottom
            assign down = image_row ? DOWN_NEXT : row < RW'(FULL) ? DOWN : row == RW'(FULL) ? DOWN_REST : '0;
        end
    endgenerate
    always_ff @(posedge clk)
        if (rst) begin
            lead <= LW'(-LAST0);
            space <= LW'(ROWS - PT);
        end else begin
            lead <= lead + (row_written ? LW'(1) : '0) - (read && row_end ? down : '0);
            space <= space - (row_written ? LW'(1) : '0) + (read && row_end ? up : '0);
        end

    logic whole, partly, passed;
    assign whole = lead > 0;
    assign partly = lead == 0;
    assign passed = addr < CW'(waddr);
    assign room = space > 0 || (space + up > 0 && CW'(waddr) < (LINEAR ? addr : first));

    // ---- the next image: go on with it, or hand out the last windows alone
    logic start, fits;
    assign start = owed && step == TW'(FIRST) && word_count == '0 && slot == IW'(SKIP) && !pass;
    assign passing = pass || (start && !fits);
    generate
        if (EARLY == 0) begin : g_never
            logic unused_ok;
            assign fits = 1'b1;
            assign owed = 1'b0;
            assign pass = 1'b0;
            assign unused_ok = &{1'b0, early_end};
        end else begin : g_ahead
            assign fits = whole || (partly && CW'(waddr) >= CW'(AHEAD));
            always_ff @(posedge clk)
                if (rst) begin
                    owed <= 1'b0;
                    pass <= 1'b0;
                end else if (read) begin
                    if (early_end) owed <= 1'b0;
                    else if (row_end && image_row) owed <= 1'b1;
                    pass <= passing && !early_end;
                end
        end
    endgenerate
    assign read = advance && (whole || (partly && passed) || passing);

    // ---- what the step hands out
    assign emit = early ? row != '0 || owed : extra_end;
    logic [KH-1:0] held, held_above;
    always_ff @(posedge clk) if (read && row_end) held_above <= held;
    assign rows_inside = early ? held_above : held;
    genvar i;
    generate
        for (i = 0; i < KH; i = i + 1) begin : g_row
            // Rows of windows whose row i lies inside the map: from FROM to TO.
            localparam FROM = i < PT ? (PT - i + SH - 1) / SH : 0;
            localparam TO = H - 1 + PT - i < 0 ? -1 : (H - 1 + PT - i) / SH;
            logic below, above;
            if (FROM == 0) begin : g_from_top
                assign below = 1'b1;
            end else begin : g_from
                assign below = HO > FROM && row >= RW'(FROM);
            end
            if (TO >= HO - 1) begin : g_to_end
                assign above = 1'b1;
            end else begin : g_to
                assign above = TO >= 0 && row <= RW'(TO);
            end
            assign held[i] = below && above;
        end
        for (i = 0; i < KW; i = i + 1) begin : g_column
            localparam FROM = i < PL ? (PL - i + SW - 1) / SW : 0;
            localparam TO = WD - 1 + PL - i < 0 ? -1 : (WD - 1 + PL - i) / SW;
            logic right_of, left_of;
            if (FROM == 0) begin : g_from_left
                assign right_of = 1'b1;
            end else begin : g_from
                assign right_of = WO > FROM && step >= TW'(FROM);
            end
            if (TO >= WO - 1) begin : g_to_end
                assign left_of = 1'b1;
            end else begin : g_to
                assign left_of = TO >= 0 && step <= TW'(TO);
            end
            assign columns_inside[i] = right_of && left_of;
        end
    endgenerate

    // ---- the bank of the window's top row, and of those below it
    logic [BW-1:0] top;
    localparam TURN = SH % ROWS;
    localparam TURN_NEXT = (NEXT % ROWS + ROWS) % ROWS;
    logic [BW:0] turned;
    assign turned = {1'b0, top} + (image_row ? (BW+1)'(TURN_NEXT) : (BW+1)'(TURN));
    always_ff @(posedge clk)
        if (rst) top <= BW'((ROWS - PT % ROWS) % ROWS);
        else if (read && row_end) top <= turned >= (BW+1)'(ROWS) ? BW'(turned - (BW+1)'(ROWS)) : turned[BW-1:0];
    generate
        for (i = 0; i < KH; i = i + 1) begin : g_bank
            logic [BW:0] sum;
            assign sum = {1'b0, top} + (BW+1)'(i);
            assign bank[i*BW +: BW] = sum >= (BW+1)'(ROWS) ? BW'(sum - (BW+1)'(ROWS)) : sum[BW-1:0];
        end
    endgenerate
endmodule
