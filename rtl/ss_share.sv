// ss_share: the P streams of every lane share the lane's K kernel positions, each word of a list another way.
//
// Position k of word s (0 .. STEPS-1) goes to part (k + s*K + s/ORBIT) mod P, ORBIT = P/gcd(K, P), the last term only where
// ORBIT < P: parts have equally many positions, to one, and over a list each of them has its turn at the kernel's middle and at
// its border. Element j of part p is position first + j*P, `first` being one register a part that takes its neighbours' values
// in turn; there are N = ceil(K/P) of them, of which the last is missing (0, and `fewer`) where first + (N-1)*P is no position.
// Combinational from the window to the parts; `step` says that the next word comes.
module ss_share #(
    parameter W = 16,
    parameter K = 9,
    parameter P = 2,
    parameter LANES = 1,
    parameter STEPS = 4,
    parameter N = (K + P - 1) / P // derived: leave it alone
) (
    input  logic clk,
    input  logic rst,
    input  logic step,
    input  logic [LANES*K*W-1:0] window,
    output logic [LANES*P*N*W-1:0] parts,
    output logic [P-1:0] fewer
);
    localparam FW = P > 1 ? $clog2(P) : 1;
    localparam ORBIT = orbit(0);
    localparam TURN = K % P;

    function integer orbit(input integer unused);
        integer at;
        begin
            at = (K + unused) % P;
            orbit = 1;
            while (at != 0) begin
                at = (at + K) % P;
                orbit = orbit + 1;
            end
        end
    endfunction

    logic [P*FW-1:0] first;
    genvar l, p, j, r;
    generate
        if (P == 1 || STEPS == 1) begin : g_fixed
            logic unused;
            assign unused = &{1'b0, clk, rst, step};
            for (p = 0; p < P; p = p + 1) begin : g_part
                assign first[p*FW +: FW] = FW'(p);
            end
        end else begin : g_turns
            logic last, extra;
            logic [$clog2(STEPS)-1:0] unused_step;
            logic [FW-1:0] unused_turn;
            ss_wrap #(.N(STEPS)) u_step (.clk(clk), .rst(rst), .step(step), .last(last), .count(unused_step));
            ss_wrap #(.N(ORBIT), .CW(FW)) u_orbit (
                .clk(clk), .rst(rst || (step && last)), .step(step), .last(extra), .count(unused_turn));
            for (p = 0; p < P; p = p + 1) begin : g_part
                localparam FROM = (p + P - TURN) % P;
                localparam FROM_EXTRA = (p + 2*P - TURN - 1) % P;
                logic [FW-1:0] next;
                if (ORBIT == P) begin : g_all
                    logic unused;
                    assign unused = extra;
                    assign next = first[FROM*FW +: FW];
                end else begin : g_orbits
                    assign next = extra ? first[FROM_EXTRA*FW +: FW] : first[FROM*FW +: FW];
                end
                always_ff @(posedge clk)
                    if (rst || (step && last)) first[p*FW +: FW] <= FW'(p);
                    else if (step) first[p*FW +: FW] <= next;
            end
        end
        for (p = 0; p < P; p = p + 1) begin : g_fewer
            if (TURN == 0) begin : g_never
                assign fewer[p] = 1'b0;
            end else begin : g_sometimes
                assign fewer[p] = first[p*FW +: FW] >= FW'(TURN);
            end
        end
        for (l = 0; l < LANES; l = l + 1) begin : g_lane
            for (p = 0; p < P; p = p + 1) begin : g_mux
                for (j = 0; j < N; j = j + 1) begin : g_element
                    logic [P*W-1:0] either;
                    for (r = 0; r < P; r = r + 1) begin : g_choice
                        if (r + j*P < K) begin : g_position
                            assign either[r*W +: W] = window[(l*K + r + j*P)*W +: W];
                        end else begin : g_none
                            assign either[r*W +: W] = 0;
                        end
                    end
                    ss_mux #(.N(P), .WIDTH(W)) u_mux (
                        .data(either), .sel(first[p*FW +: FW]), .out(parts[((l*P + p)*N + j)*W +: W]));
                end
            end
        end
    endgenerate
endmodule
