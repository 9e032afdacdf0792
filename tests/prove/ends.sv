// The two ends of a stream for a prover. The source numbers its elements 0, 1, 2.. modulo 2^W, the sink wants to see them
// in that order: as long as fewer than 2^W elements are under way, no one lost, doubled or out of place goes unnoticed.
// When words are offered and taken is the prover's choice (send, take).

// A word once offered stays until it moves.
module prove_source #(parameter LANES = 1, parameter W = 4) (
    input  logic clk,
    input  logic rst,
    input  logic send,
    output logic valid,
    input  logic ready,
    output logic [LANES*W-1:0] data
);
    logic waiting = 1'b0;
    logic [W-1:0] next = 0;
    assign valid = !rst && (send || waiting);
    always_ff @(posedge clk) begin
        waiting <= valid && !ready;
        if (valid && ready) next <= next + W'(LANES);
    end
    genvar i;
    generate
        for (i = 0; i < LANES; i = i + 1) begin : lane
            assign data[i*W +: W] = next + W'(i);
        end
    endgenerate
endmodule

// `sent` says that at least one word's elements are in the module that is proved. PATIENCE: that many cycles in a row
// may pass with something to come and take high before a word must come: the proof that nothing gets stuck.
module prove_sink #(parameter LANES = 1, parameter W = 4, parameter PATIENCE = 4) (
    input  logic clk,
    input  logic rst,
    input  logic take,
    input  logic sent,
    input  logic valid,
    output logic ready,
    input  logic [LANES*W-1:0] data
);
    logic [W-1:0] next = 0;
    logic [7:0] waited = 0;
    assign ready = take;
    always_ff @(posedge clk) begin
        if (valid && ready) next <= next + W'(LANES);
        waited <= !rst && take && sent && !valid ? waited + 1 : 0;
        if (!rst) assert (waited <= PATIENCE);
    end
    genvar i;
    generate
        for (i = 0; i < LANES; i = i + 1) begin : lane
            always_ff @(posedge clk) if (!rst && valid) assert (data[i*W +: W] == next + W'(i));
        end
    endgenerate
endmodule

// Elements under way: those of the words that went in less those of the words that came out.
module prove_count #(parameter IN = 1, parameter OUT = 1, parameter BITS = 6) (
    input  logic clk,
    input  logic in,
    input  logic out,
    output logic [BITS-1:0] count
);
    initial count = 0;
    always_ff @(posedge clk) count <= count + (in ? BITS'(IN) : 0) - (out ? BITS'(OUT) : 0);
endmodule

// Reset in the first cycle, then never again.
module prove_reset (input logic clk, output logic rst);
    logic up = 1'b0;
    always_ff @(posedge clk) up <= 1'b1;
    assign rst = !up;
endmodule
