// ss_pipe: the handshake of a pipeline of STAGES registers that stalls as a whole.
//
// The registers of the owner load while `enable` is high: all stages move when the last is empty or being taken. Rate: one
// word a cycle. Latency: STAGES. in_ready follows out_ready through one gate; the owner's end, or what comes behind it,
// has an ss_slice.
module ss_pipe #(parameter STAGES = 1) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    output logic out_valid,
    input  logic out_ready,
    output logic enable
);
    logic [STAGES-1:0] full; // stage by stage, the last on top
    assign out_valid = full[STAGES-1];
    assign enable = !out_valid || out_ready;
    assign in_ready = enable;
    always_ff @(posedge clk)
        if (rst) full <= 0;
        else if (enable) full <= STAGES'({full, in_valid});
endmodule
