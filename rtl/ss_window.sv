// ss_window: the KH x KW windows of a map, padding included, from a stream of pixels.
//
// In: words of S lanes, DEEP words a pixel, H rows of WD pixels an image. Out: HO x WO pixels, DEEP words each, of S*K
// elements (K = KH*KW): element lane*K + k is position k = row*KW + column; mask[k]: position k lies inside the map.
// Elements outside the map are PAD. Stride SH, SW; PT rows and PL columns of padding lie above and left of the map, what HO
// and WO ask for beyond it lies below and right. Padding is less than the kernel.
//
// Method: 1x1 without stride is wires. Otherwise ss_window_sieve drops the rows and columns that no window covers, and
// ss_window_core stores ROWS of the others and reads windows from them. See ss_window_core for cycles and latency.
// ROWS >= KH + min(SH, KH) - 1; with KH = H and HO = 1 (fully connected) ROWS = 2*KH lets the next image in meanwhile.
// CACHE: 1 keeps the columns that neighbouring windows share in LUT RAM; 0 reads every column of every window.
// STYLE: memory of the line buffers, "distributed", "block" or "ultra".
module ss_window #(
    parameter S = 1,
    parameter W = 8,
    parameter DEEP = 1,
    parameter H = 4,
    parameter WD = 4,
    parameter KH = 3,
    parameter KW = 3,
    parameter SH = 1,
    parameter SW = 1,
    parameter PT = 1,
    parameter PL = 1,
    parameter HO = 4,
    parameter WO = 4,
    parameter ROWS = KH + (SH < KH ? SH : KH) - 1,
    parameter CACHE = 1,
    parameter PAD = 0,
    parameter STYLE = "distributed"
) (
    input  logic clk,
    input  logic rst,
    input  logic in_valid,
    output logic in_ready,
    input  logic [S*W-1:0] in_data,
    output logic out_valid,
    input  logic out_ready,
    output logic [S*KH*KW*W-1:0] out_data,
    output logic [KH*KW-1:0] out_mask
);
    // Strides after the sieve, and the rows and columns that it leaves: all but the last window's worth of each, less the
    // padding in front, and what the last window has inside the map.
    localparam TH = SH < KH ? SH : KH;
    localparam TW = SW < KW ? SW : KW;
    localparam LAST_H = H + PT - (HO - 1) * SH;
    localparam LAST_W = WD + PL - (WO - 1) * SW;
    localparam KEPT_H = (HO - 1) * TH - PT + (LAST_H < KH ? LAST_H : KH);
    localparam KEPT_W = (WO - 1) * TW - PL + (LAST_W < KW ? LAST_W : KW);

    generate
        if (PT >= KH || PL >= KW || LAST_H < 1 || LAST_W < 1) begin : g_padding
            ss_window_padding_must_be_less_than_the_kernel u_error ();
        end
        if (ROWS < KH + TH - 1) begin : g_rows
            ss_window_has_too_few_rows u_error ();
        end

        if (KH == 1 && KW == 1 && SH == 1 && SW == 1) begin : g_wires
            logic unused_ok;
            assign out_valid = in_valid;
            assign in_ready = out_ready;
            assign out_data = in_data;
            assign out_mask = 1'b1;
            assign unused_ok = &{1'b0, clk, rst};
        end else begin : g_window
            logic kept_valid, kept_ready;
            if (KEPT_H != H || KEPT_W != WD) begin : g_sieve
                logic keep;
                ss_window_sieve #(.DEEP(DEEP), .H(H), .WD(WD), .KH(KH), .KW(KW), .SH(SH), .SW(SW), .PT(PT), .PL(PL),
                                  .HO(HO), .WO(WO))
                    u_sieve (.clk(clk), .rst(rst), .move(in_valid && in_ready), .keep(keep));
                assign kept_valid = in_valid && keep;
                assign in_ready = kept_ready || !keep;
            end else begin : g_all
                assign kept_valid = in_valid;
                assign in_ready = kept_ready;
            end
            ss_window_core #(.S(S), .W(W), .DEEP(DEEP), .H(KEPT_H), .WD(KEPT_W), .KH(KH), .KW(KW), .SH(TH), .SW(TW),
                             .PT(PT), .PL(PL), .HO(HO), .WO(WO), .ROWS(ROWS), .CACHE(CACHE), .PAD(PAD), .STYLE(STYLE))
                u_core (.clk(clk), .rst(rst), .in_valid(kept_valid), .in_ready(kept_ready), .in_data(in_data),
                        .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data), .out_mask(out_mask));
        end
    endgenerate

    ss_stream_check #(.WIDTH(S*KH*KW*W + KH*KW), .NAME("windows"))
        u_check (.clk(clk), .rst(rst), .valid(out_valid), .ready(out_ready), .data({out_mask, out_data}));
endmodule
