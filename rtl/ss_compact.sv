// ss_compact: compacts the words of a pixel into a list of its non-zeros: (value, address), ascending, one a cycle.
//
// In: STEPS words of N elements a pixel, N-1 with `in_fewer`. Out: `write` with an entry (the address above the value); elements
// are numbered through the list, and that is the address;
// `close` with or after a pixel's last entry, `count` its entries. Both come a cycle after they were chosen.
// A word is held in a register while its non-zeros leave it: max(1, non-zeros) cycles; the next comes with the last of them.
// Places: ROOM entries of a list memory and LISTS lists; `entry_freed` and `list_freed` give one back. Nothing is chosen
// while there is no place for an entry, nothing of a pixel's last word while there is none for a list.
module ss_compact #(
    parameter W = 16,
    parameter N = 9,
    parameter STEPS = 4,
    parameter ROWS = N * STEPS, // elements of a list
    parameter ROOM = 2 * ROWS,
    parameter LISTS = 8,
    parameter AW = ROWS > 1 ? $clog2(ROWS) : 1, // derived: leave these alone
    parameter CW = $clog2(ROWS + 1)
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [N*W-1:0] in_data,
    input  logic in_fewer,
    output logic write,
    output logic [AW+W-1:0] entry,
    output logic close,
    output logic [CW-1:0] count,
    input  logic entry_freed,
    input  logic list_freed
);
    localparam IW = N > 1 ? $clog2(N) : 1;
    localparam RW = $clog2(ROOM + 1);
    localparam LW = $clog2(LISTS + 1);
    localparam SW = STEPS > 1 ? $clog2(STEPS) : 1;
    logic fewer, busy, used, go, beat, done, ended, last;
    logic [N*W-1:0] part;
    logic [N-1:0] nonzero, left, rest;
    logic [IW-1:0] idx;
    logic [W-1:0] value;
    logic [AW-1:0] base;
    logic [SW-1:0] unused_step;
    logic [RW-1:0] room;
    logic [LW-1:0] lists;
    logic [CW-1:0] so_far, with_this;

    assign go = busy && room != 0 && !(last && lists == 0);
    assign beat = go && used;
    assign done = go && rest == 0;
    assign ended = done && last;
    assign in_ready = !busy || done;
    assign with_this = so_far + CW'(used);

    genvar k;
    generate
        for (k = 0; k < N; k = k + 1) begin : g_nonzero
            assign nonzero[k] = |in_data[k*W +: W];
        end
    endgenerate
    ss_select #(.K(N), .M(1)) u_select (.mask(left), .idx(idx), .used(used), .rest(rest));
    ss_mux #(.N(N), .WIDTH(W)) u_mux (.data(part), .sel(idx), .out(value));
    ss_wrap #(.N(STEPS)) u_step (.clk(clk), .rst(rst), .step(done), .last(last), .count(unused_step));

    always_ff @(posedge clk) begin
        if (rst) busy <= 1'b0;
        else if (in_ready) busy <= in_valid;
        if (in_ready) {fewer, part} <= {in_fewer, in_data};
        if (in_ready) left <= nonzero;
        else if (beat) left <= rest;

        if (rst || ended) base <= 0;
        else if (done) base <= base + (fewer ? AW'(N - 1) : AW'(N));
        if (rst || ended) so_far <= 0;
        else if (beat) so_far <= with_this;
        if (rst) room <= RW'(ROOM);
        else if (beat != entry_freed) room <= beat ? room - 1'b1 : room + 1'b1;
        if (rst) lists <= LW'(LISTS);
        else if (ended != list_freed) lists <= ended ? lists - 1'b1 : lists + 1'b1;

        write <= beat && !rst;
        entry <= {base + AW'(idx), value};
        close <= ended && !rst;
        count <= with_this;
    end
endmodule
