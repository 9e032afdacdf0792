// ss_issue: counts beats, folds and steps for a front; decides whether a beat may be issued.
//
// Order: a window word is one step; for each of its FOLDS folds the beats; STEPS steps complete FOLDS results. A window is
// taken with its first beat. `fold_end` (in) says that this beat is the last of its fold.
// Nothing behind a front stalls, so no beat that completes a result may be issued without a place in the result FIFO:
// `places` counts those left; a result's place is taken as it is issued and comes back with `taken`. For a short path,
// every beat of the last step waits while there is none.
// Flags of the issued beat: start (first of its fold, in the first step), emit (completes a result).
module ss_issue #(
    parameter STEPS = 1,
    parameter FOLDS = 1,
    parameter RESULTS = 16
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic fold_end,
    input  logic taken,
    output logic issue,
    output logic fresh, // the beat is a window's first
    output logic start,
    output logic emit
);
    localparam PW = $clog2(RESULTS + 1);
    localparam FW = FOLDS > 1 ? $clog2(FOLDS) : 1;
    localparam SW = STEPS > 1 ? $clog2(STEPS) : 1;
    logic [PW-1:0] places;
    logic [FW-1:0] unused_fold;
    logic [SW-1:0] step;
    logic stall, fold_first, last_fold, first_step, last_step;

    assign stall = last_step && places == 0;
    assign in_ready = fresh && !stall;
    assign issue = !stall && (!fresh || in_valid);
    assign start = fold_first && first_step;
    assign emit = fold_end && last_step;

    always_ff @(posedge clk) begin
        if (rst) places <= PW'(RESULTS);
        else if ((issue && emit) && !taken) places <= places - 1'b1;
        else if (!(issue && emit) && taken) places <= places + 1'b1;

        if (rst) begin
            fresh <= 1'b1;
            fold_first <= 1'b1;
        end else if (issue) begin
            fresh <= fold_end && last_fold;
            fold_first <= fold_end;
        end
    end

    assign first_step = step == 0;
    ss_wrap #(.N(FOLDS)) u_fold (
        .clk(clk), .rst(rst), .step(issue && fold_end), .last(last_fold), .count(unused_fold));
    ss_wrap #(.N(STEPS)) u_step (
        .clk(clk), .rst(rst), .step(issue && fold_end && last_fold), .last(last_step), .count(step));

`ifndef SYNTHESIS
    always @(posedge clk)
        if (!rst && (places > PW'(RESULTS) || (taken && places == PW'(RESULTS))))
            $fatal(1, "%m: a result came out that never went in");
`endif
endmodule
