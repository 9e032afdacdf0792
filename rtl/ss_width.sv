// ss_width: words of IN lanes become words of OUT lanes; elements keep their order. Lanes of W bits.
//
// Rate: min(IN, OUT) elements a cycle while neither end stalls. Four forms:
//   IN == OUT       wires; latency 0
//   OUT divides IN  the word is shifted out part by part, the next one loaded as the last part leaves; latency 1
//   IN divides OUT  words are shifted in until OUT lanes are there; the word can be taken one cycle after its last part
//   otherwise       a gearbox in units of gcd(IN, OUT) lanes: `held` units lie at the low end of a buffer of A + B - 1,
//                   the low B are the output, and A come in behind those that stay; latency 1
// In the clocked forms in_ready follows out_ready through a few gates. The number of elements that ever come must be a
// multiple of both: every image's is, as IN and OUT divide the channels.
module ss_width #(parameter IN = 4, parameter OUT = 6, parameter W = 8) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [IN*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [OUT*W-1:0] out_data
);
    function integer gcd(input integer a, input integer b);
        integer x, y, t;
        begin
            x = a;
            y = b;
            while (y != 0) begin
                t = x % y;
                x = y;
                y = t;
            end
            gcd = x;
        end
    endfunction
    localparam UNIT = gcd(IN, OUT) * W; // bits
    localparam A = IN * W / UNIT;       // units in,
    localparam B = OUT * W / UNIT;      // and out

    logic accept;
    assign accept = in_valid && in_ready;

    generate
        if (IN == OUT) begin : wires
            logic unused;
            assign unused = &{clk, rst, accept};
            assign out_valid = in_valid;
            assign in_ready = out_ready;
            assign out_data = in_data;
        end else if (B == 1) begin : narrower
            localparam CW = $clog2(A + 1);
            logic [IN*W-1:0] parts;
            logic [CW-1:0] left; // parts not yet taken
            assign out_valid = left != 0;
            assign out_data = parts[OUT*W-1:0];
            assign in_ready = left == 0 || (left == 1 && out_ready);
            always_ff @(posedge clk)
                if (rst) left <= 0;
                else if (accept) left <= CW'(A);
                else if (out_valid && out_ready) left <= left - 1;
            always_ff @(posedge clk)
                if (accept) parts <= in_data;
                else if (out_ready) parts <= parts >> (OUT * W);
        end else if (A == 1) begin : wider
            localparam CW = $clog2(B + 1);
            logic [CW-1:0] held;
            assign out_valid = held == CW'(B);
            assign in_ready = !out_valid || out_ready;
            always_ff @(posedge clk)
                if (rst) held <= 0;
                else if (in_ready) held <= (out_valid ? 0 : held) + CW'(in_valid);
            always_ff @(posedge clk)
                if (accept) out_data <= {in_data, out_data[OUT*W-1:IN*W]};
        end else begin : gearbox
            localparam C = A + B - 1;
            localparam CW = $clog2(C + 1);
            logic [C*UNIT-1:0] buffer, stay, placed;
            logic [CW-1:0] held, kept;
            logic move;
            assign out_valid = held >= CW'(B);
            assign out_data = buffer[B*UNIT-1:0];
            assign move = out_valid && out_ready;
            // There is room when fewer than B units stay.
            assign in_ready = !out_valid || (out_ready && (CW+1)'(held) < (CW+1)'(2 * B));
            assign kept = move ? held - CW'(B) : held;
            assign stay = move ? buffer >> (B * UNIT) : buffer;

            // The input, moved up by `kept` units: one of B places.
            integer p;
            always_comb begin
                placed = (C*UNIT)'(in_data);
                for (p = 1; p < B; p = p + 1)
                    if (kept == CW'(p)) placed = (C*UNIT)'(in_data) << (p * UNIT);
            end

            genvar u;
            for (u = 0; u < C; u = u + 1) begin : unit
                always_ff @(posedge clk)
                    buffer[u*UNIT +: UNIT] <= accept && CW'(u) >= kept ? placed[u*UNIT +: UNIT] : stay[u*UNIT +: UNIT];
            end
            always_ff @(posedge clk)
                if (rst) held <= 0;
                else held <= kept + (accept ? CW'(A) : 0);
        end
    endgenerate

    ss_stream_check #(.WIDTH(OUT*W), .NAME("width")) check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
