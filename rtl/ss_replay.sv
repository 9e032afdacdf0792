// ss_replay: keeps lists of non-zeros in a ring and reads each FOLDS times, an entry a cycle, without bubbles.
//
// In: entries (`write`) and, with the last of a list or later, `close` and the `count` of its entries. ROOM entries and LISTS
// lists find a place; the writer sees to that with entry_freed and list_freed.
// Out: for each fold of a list max(LEAST, count) beats: flags {last of its fold, start, valid} and the value, 0 beyond the list's
// end; addr, the address in the weight memory, two cycles before them: fold * ROWS + address of the entry.
// A beat's value comes 4 cycles after its issue; its entry is freed at its issue in the last fold. A list can be issued
// the cycle after `close`.
// A fold begins only while one of RESULTS places is free behind the engine; it takes it with its last beat, and `taken` gives
// it back.
module ss_replay #(
    parameter W = 16,
    parameter ROWS = 36,   // addresses of a fold
    parameter FOLDS = 2,
    parameter PASSES = 1,  // lists that have folds of their own in the weight memory
    parameter LEAST = 1,
    parameter ROOM = 72,
    parameter LISTS = 8,
    parameter RESULTS = 16,
    parameter DEPTH = ROWS * FOLDS * PASSES, // derived: leave these alone
    parameter AW = ROWS > 1 ? $clog2(ROWS) : 1,
    parameter WAW = DEPTH > 1 ? $clog2(DEPTH) : 1,
    parameter CW = $clog2(ROWS + 1)
) (
    input  logic clk,
    input  logic rst,
    input  logic write,
    input  logic [AW+W-1:0] entry,
    input  logic close,
    input  logic [CW-1:0] count,
    output logic entry_freed,
    output logic list_freed,
    input  logic taken,
    (* max_fanout = 64 *) output logic [WAW-1:0] addr, // Vivado copies the registers where there are many lanes
    (* max_fanout = 64 *) output logic [W-1:0] value,
    output logic [2:0] flags
);
    localparam RAW = ROOM > 1 ? $clog2(ROOM) : 1;
    localparam PW = $clog2(RESULTS + 1);
    localparam NW = LEAST > ROWS ? $clog2(LEAST + 1) : CW;
    localparam FW = FOLDS > 1 ? $clog2(FOLDS) : 1;

    // The lists that wait: entries and last beat of a fold.
    logic list_valid, unused_ready;
    logic [$clog2(LISTS+1)-1:0] unused_level;
    logic [CW-1:0] entries;
    logic [NW-1:0] last_beat, new_last;
    assign new_last = NW'(count) >= NW'(LEAST) ? NW'(count) - 1'b1 : NW'(LEAST - 1);
    ss_fifo #(.WIDTH(CW + NW), .DEPTH(LISTS), .STYLE("distributed")) u_lists (
        .clk(clk), .rst(rst), .in_valid(close), .in_ready(unused_ready), .in_data({count, new_last}),
        .out_valid(list_valid), .out_ready(list_freed), .out_data({entries, last_beat}), .level(unused_level));

    // Cycle t: the beat is issued, and the ring read at `at`.
    logic issue, used, start, fold_end, last_fold;
    logic [NW-1:0] n;
    logic [FW-1:0] unused_fold;
    logic [PW-1:0] places;
    logic [RAW-1:0] tail, head, at, next;
    logic unused_tail;
    assign issue = list_valid && places != 0;
    assign used = n < NW'(entries);
    assign start = n == 0;
    assign fold_end = n == last_beat;
    assign next = !used ? at : at == RAW'(ROOM - 1) ? RAW'(0) : at + 1'b1;
    assign entry_freed = issue && used && last_fold;
    assign list_freed = issue && fold_end && last_fold;
    ss_wrap #(.N(FOLDS)) u_fold (
        .clk(clk), .rst(rst), .step(issue && fold_end), .last(last_fold), .count(unused_fold));
    ss_wrap #(.N(ROOM)) u_tail (.clk(clk), .rst(rst), .step(write), .last(unused_tail), .count(tail));
    always_ff @(posedge clk)
        if (rst) begin
            n <= 0;
            head <= 0;
            at <= 0;
            places <= PW'(RESULTS);
        end else begin
            if (issue) begin
                n <= fold_end ? NW'(0) : n + 1'b1;
                at <= fold_end && !last_fold ? head : next;
                if (list_freed) head <= next;
            end
            if ((issue && fold_end) != taken) places <= taken ? places + 1'b1 : places - 1'b1;
        end

    // t + 1: the entry. t + 2: its row of weights. t + 4: the weights are there.
    logic [AW+W-1:0] read;
    logic [WAW-1:0] base, base_q;
    logic used_q;
    logic [W-1:0] value_2, value_3;
    ss_ram #(.WIDTH(AW + W), .DEPTH(ROOM), .STYLE(ROOM > 128 ? "block" : "distributed")) u_ring (
        .clk(clk), .we(write), .waddr(tail), .wdata(entry), .re(1'b1), .raddr(at), .rdata(read));
    ss_flags #(.WIDTH(3), .CYCLES(4)) u_flags (.clk(clk), .rst(rst), .in({fold_end, start, issue}), .out(flags));
    always_ff @(posedge clk) begin
        if (rst) base <= 0;
        else if (issue && fold_end) base <= base == WAW'(DEPTH - ROWS) ? WAW'(0) : base + WAW'(ROWS);
        base_q <= base;
        used_q <= used && issue;
        addr <= base_q + (used_q ? WAW'(read[W +: AW]) : WAW'(0));
        value_2 <= used_q ? read[W-1:0] : W'(0);
        value_3 <= value_2;
        value <= value_3;
    end

`ifndef SYNTHESIS
    always @(posedge clk)
        if (!rst && close && !unused_ready) $fatal(1, "%m: no place for a list");
`endif
endmodule
