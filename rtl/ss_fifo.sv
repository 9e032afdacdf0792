// ss_fifo: first-word fall-through FIFO of any DEPTH >= 2; one word a cycle in and out at once.
//
// STYLE names the memory: "registers", "distributed" (LUT RAM) or "block" (block RAM). The first two read without a clock,
// and a word can be taken in the cycle after it came. Block RAM reads with one: two output stages fetch ahead, so that the
// RAM's own output registers serve, and a word can be taken in the third cycle after it came.
// `level` counts the words held, output stages included; in_ready is level < DEPTH and does not see out_ready.
// Invariants: level <= DEPTH; a place is written only after its word has been read.
module ss_fifo #(parameter WIDTH = 8, parameter DEPTH = 4, parameter STYLE = "registers") (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [WIDTH-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [WIDTH-1:0] out_data,
    output logic [$clog2(DEPTH+1)-1:0] level
);
    localparam AW = $clog2(DEPTH);
    localparam CW = $clog2(DEPTH + 1);

    logic push, pop, fetch; // fetch: the memory's oldest word leaves it
    assign in_ready = level != CW'(DEPTH);
    assign push = in_valid && in_ready;
    assign pop = out_valid && out_ready;

    logic [AW-1:0] head, tail;
    always_ff @(posedge clk)
        if (rst) begin
            head <= 0;
            tail <= 0;
            level <= 0;
        end else begin
            if (push) tail <= tail == AW'(DEPTH - 1) ? 0 : tail + 1;
            if (fetch) head <= head == AW'(DEPTH - 1) ? 0 : head + 1;
            if (push != pop) level <= push ? level + 1 : level - 1;
        end

    // Attributes are literals: STYLE may come with zeros in front, from a choice between strings of two lengths.
    generate
        if (STYLE == "block") begin : prefetch
            (* ram_style = "block" *)
            logic [WIDTH-1:0] memory [0:DEPTH-1];
            always_ff @(posedge clk) if (push) memory[tail] <= in_data;
            logic [CW-1:0] waiting; // words in the memory alone
            logic read_valid, take;
            logic [WIDTH-1:0] read;
            assign take = !out_valid || out_ready;
            assign fetch = waiting != 0 && (!read_valid || take);
            always_ff @(posedge clk)
                if (rst) begin
                    waiting <= 0;
                    read_valid <= 1'b0;
                    out_valid <= 1'b0;
                end else begin
                    if (push != fetch) waiting <= push ? waiting + 1 : waiting - 1;
                    if (fetch) read_valid <= 1'b1;
                    else if (take) read_valid <= 1'b0;
                    if (take) out_valid <= read_valid;
                end
            always_ff @(posedge clk) begin
                if (fetch) read <= memory[head];
                if (take) out_data <= read;
            end
        end else begin : direct
            assign out_valid = level != 0;
            assign fetch = pop;
            if (STYLE == "registers") begin : registers
                (* ram_style = "registers" *)
                logic [WIDTH-1:0] memory [0:DEPTH-1];
                always_ff @(posedge clk) if (push) memory[tail] <= in_data;
                assign out_data = memory[head];
            end else begin : distributed
                (* ram_style = "distributed" *)
                logic [WIDTH-1:0] memory [0:DEPTH-1];
                always_ff @(posedge clk) if (push) memory[tail] <= in_data;
                assign out_data = memory[head];
            end
        end
    endgenerate

    ss_stream_check #(.WIDTH(WIDTH), .NAME("fifo")) check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
