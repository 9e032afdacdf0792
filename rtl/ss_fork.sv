// ss_fork: one stream to N readers. Each takes its copy when it likes; the next word comes when all have theirs.
//
// `taken` remembers who has. The readers share out_data. Rate: one word a cycle when all readers are ready. Latency: 0.
// The path from out_ready to in_ready is one AND over the readers: put an ss_slice in front where several forks follow
// one another. Invariant: a reader that has taken the present word sees valid low until all have.
module ss_fork #(parameter WIDTH = 8, parameter N = 2) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [WIDTH-1:0] in_data,
    output logic [N-1:0] out_valid,
    input  logic [N-1:0] out_ready,
    output logic [WIDTH-1:0] out_data
);
    logic [N-1:0] taken;
    assign out_valid = {N{in_valid}} & ~taken;
    assign out_data = in_data;
    assign in_ready = &(taken | out_ready);

    always_ff @(posedge clk)
        if (rst || (in_valid && in_ready)) taken <= 0;
        else taken <= taken | (out_valid & out_ready);

    genvar i;
    generate
        for (i = 0; i < N; i = i + 1) begin : reader
            ss_stream_check #(.WIDTH(WIDTH), .NAME("fork")) check
                (.clk(clk), .rst(rst), .valid(out_valid[i]), .ready(out_ready[i]), .data(out_data));
        end
    endgenerate
endmodule
