// ss_relu: thresholded activation, x > t ? min(x, ceiling) : 0, LANES elements a cycle.
//
// With FILE, row r of it holds the thresholds of channels r*LANES .. r*LANES+LANES-1; else THR serves all. LO = 0
// says that x is never negative: a plain ReLU without a ceiling of its own is then nothing but wires. Rate: one
// word a cycle. Latency: 3 with FILE, 1 without, 0 as wires. The pipeline stalls as a whole.
module ss_relu #(
    parameter LANES = 2,
    parameter W = 16,
    parameter CHANNELS = LANES,
    parameter CEILING = (1 << (W - 1)) - 1,
    parameter THR = 0,
    parameter FILE = "",
    parameter STYLE = "distributed",
    parameter LO = -(1 << (W - 1))
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [LANES*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [LANES*W-1:0] out_data
);
    localparam CUTS = CEILING < (1 << (W - 1)) - 1;
    genvar l;
    generate
        if (FILE == "" && THR == 0 && LO >= 0 && !CUTS) begin : g_wires
            logic unused;
            assign unused = &{1'b0, clk, rst};
            assign out_valid = in_valid;
            assign in_ready = out_ready;
            assign out_data = in_data;
        end else begin : g_compare
            localparam LATENCY = FILE != "" ? 3 : 1;
            logic enable;
            logic [LANES*W-1:0] x, thresholds;
            ss_pipe #(.STAGES(LATENCY)) u_pipe (.clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready),
                                                .out_valid(out_valid), .out_ready(out_ready), .enable(enable));
            if (FILE != "") begin : g_table
                localparam ROWS = CHANNELS / LANES;
                localparam AW = ROWS > 1 ? $clog2(ROWS) : 1;
                logic [AW-1:0] row;
                logic [LANES*W-1:0] early;
                ss_rows #(.ROWS(ROWS)) u_rows (.clk(clk), .rst(rst), .move(in_valid && in_ready), .row(row));
                ss_rom #(.WIDTH(LANES*W), .DEPTH(ROWS), .STYLE(STYLE), .FILE(FILE)) u_rom
                    (.clk(clk), .en(enable), .addr(row), .data(thresholds));
                always_ff @(posedge clk)
                    if (enable) begin
                        early <= in_data;
                        x <= early;
                    end
            end else begin : g_constant
                assign x = in_data;
                assign thresholds = {LANES{W'(THR)}};
            end
            for (l = 0; l < LANES; l = l + 1) begin : g_lane
                logic [W-1:0] one, least;
                assign one = x[l*W +: W];
                assign least = CUTS && $signed(one) > $signed(W'(CEILING)) ? W'(CEILING) : one;
                always_ff @(posedge clk)
                    if (enable) out_data[l*W +: W] <= $signed(one) > $signed(thresholds[l*W +: W]) ? least : 0;
            end
        end
    endgenerate

    ss_stream_check #(.WIDTH(LANES*W), .NAME("relu")) u_check
        (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data(out_data));
endmodule
