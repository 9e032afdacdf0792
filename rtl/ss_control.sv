// ss_control: the registers of a partition, an AXI4-Lite slave; map and meaning in docs/hardware.md.
//
// Method: address and data of a write are taken independently and held; the write is done and answered when both are
// there. A read is answered two cycles after its address. One write and one read at a time, independent of each other.
// Counters count what came a cycle earlier, so that no path leads from the streams into them. A stall counter has one
// bit more that stops it; it then reads as all ones. No output depends on an input of the same cycle.
// Invariants: an image is inside from its first word in to its last word, in or out; `start` is given only when none is,
// and no word moves in while it is high.
module ss_control #(
    parameter NODES = 1,
    parameter LOAD_WORDS = 0,
    parameter [31:0] DESIGN = 0,
    parameter STALL_BITS = 32 // of a stall counter
) (
    input  logic clk,
    input  logic rst,

    input  logic s_axi_awvalid,
    output logic s_axi_awready,
    input  logic [15:0] s_axi_awaddr,
    input  logic s_axi_wvalid,
    output logic s_axi_wready,
    input  logic [31:0] s_axi_wdata,
    input  logic [3:0] s_axi_wstrb,
    output logic s_axi_bvalid,
    input  logic s_axi_bready,
    output logic [1:0] s_axi_bresp,
    input  logic s_axi_arvalid,
    output logic s_axi_arready,
    input  logic [15:0] s_axi_araddr,
    output logic s_axi_rvalid,
    input  logic s_axi_rready,
    output logic [31:0] s_axi_rdata,
    output logic [1:0] s_axi_rresp,

    input  logic in_word,    // a word of an image moves in,
    input  logic in_last,    // its last one;
    input  logic out_last,   // the last word of an image moves out
    input  logic misplaced,  // TLAST has been at a wrong place
    input  logic loaded,
    input  logic loading,
    output logic start,      // begin the weight load
    input  logic [NODES-1:0] starved,
    input  logic [NODES-1:0] blocked
);
    localparam OKAY = 2'b00, SLVERR = 2'b10;
    localparam ID = 4'h0, VERSION = 4'h1, COUNT = 4'h2, CONTROL = 4'h3, STATUS = 4'h4, IMAGES_IN = 4'h5,
        IMAGES_OUT = 4'h6, CYCLES_LOW = 4'h7, CYCLES_HIGH = 4'h8, WORDS = 4'h9, NAME = 4'ha; // words of four bytes
    localparam FIRST_NODE = 16, LAST = FIRST_NODE + 2 * NODES; // likewise
    localparam NW = $clog2(NODES + 1);
    logic unused_ok;
    assign unused_ok = &{1'b0, s_axi_awaddr[1:0], s_axi_araddr[1:0], s_axi_wdata[31:2], s_axi_wstrb[3:1]};

    // ---- images and cycles ----
    logic [31:0] images_in, images_out, begun; // begun: at the input, and not complete at the output
    logic [63:0] cycles;
    logic first_word, busy, idle, clear;
    assign idle = begun == 0 && first_word; // an output may be complete before its input is
    always_ff @(posedge clk) begin
        if (rst) begin
            first_word <= 1'b1;
            begun <= 0;
            busy <= 1'b0;
        end else begin
            if (in_word) first_word <= in_last;
            begun <= begun + 32'(in_word && first_word) - 32'(out_last);
            busy <= !idle || in_word;
        end
        if (rst || clear) begin
            images_in <= 0;
            images_out <= 0;
            cycles <= 0;
        end else begin
            images_in <= images_in + 32'(in_last);
            images_out <= images_out + 32'(out_last);
            cycles <= cycles + 64'(busy);
        end
    end

    // ---- writes ----
    logic aw_full, w_full, write, to_control, refused, start_asked;
    logic [13:0] aw;
    logic [1:0] w; // the bits of CONTROL, as far as their byte is strobed
    assign s_axi_awready = !aw_full;
    assign s_axi_wready = !w_full;
    assign write = aw_full && w_full && !s_axi_bvalid;
    assign to_control = aw == 14'(CONTROL);
    assign start_asked = write && to_control && w[0];
    assign refused = start_asked && (!idle || in_word);
    always_ff @(posedge clk) begin
        if (rst) begin
            aw_full <= 1'b0;
            w_full <= 1'b0;
            s_axi_bvalid <= 1'b0;
            start <= 1'b0;
            clear <= 1'b0;
        end else begin
            aw_full <= aw_full ? !write : s_axi_awvalid;
            w_full <= w_full ? !write : s_axi_wvalid;
            s_axi_bvalid <= write || (s_axi_bvalid && !s_axi_bready);
            start <= start_asked && !refused;
            clear <= write && to_control && w[1];
        end
        if (!aw_full) aw <= s_axi_awaddr[15:2];
        if (!w_full) w <= s_axi_wdata[1:0] & {2{s_axi_wstrb[0]}};
        if (write) s_axi_bresp <= to_control && !refused ? OKAY : SLVERR;
    end

    // ---- stall counters ----
    logic [NODES*32-1:0] starved_count, blocked_count;
    genvar n;
    generate
        for (n = 0; n < NODES; n = n + 1) begin : g_node
            logic starved_q, blocked_q;
            logic [STALL_BITS:0] s, b;
            always_ff @(posedge clk) begin
                starved_q <= starved[n];
                blocked_q <= blocked[n];
                if (rst || clear) s <= 0;
                else if (starved_q && busy && !s[STALL_BITS]) s <= s + 1'b1;
                if (rst || clear) b <= 0;
                else if (blocked_q && busy && !b[STALL_BITS]) b <= b + 1'b1;
            end
            assign starved_count[n*32 +: 32] = 32'(s[STALL_BITS-1:0]) | {32{s[STALL_BITS]}};
            assign blocked_count[n*32 +: 32] = 32'(b[STALL_BITS-1:0]) | {32{b[STALL_BITS]}};
        end
    endgenerate

    // ---- reads ----
    logic ar_full, read;
    logic [13:0] ar;
    logic [3:0] low;
    logic [NW-1:0] node;
    logic [31:0] common, cycles_low, kept_high;
    assign s_axi_arready = !ar_full;
    assign read = ar_full && !s_axi_rvalid;
    assign low = ar[3:0];
    assign cycles_low = cycles[31:0];
    assign node = NW'((ar - 14'(FIRST_NODE)) >> 1);
    always_comb
        case (low)
            ID: common = 32'h53535452;
            VERSION: common = 32'd1;
            COUNT: common = 32'(NODES);
            STATUS: common = {28'b0, misplaced, loading, idle, loaded};
            IMAGES_IN: common = images_in;
            IMAGES_OUT: common = images_out;
            CYCLES_LOW: common = cycles_low;
            CYCLES_HIGH: common = kept_high;
            WORDS: common = 32'(LOAD_WORDS);
            NAME: common = DESIGN;
            default: common = 32'd0;
        endcase
    always_ff @(posedge clk) begin
        if (rst) begin
            ar_full <= 1'b0;
            s_axi_rvalid <= 1'b0;
        end else begin
            ar_full <= ar_full ? !read : s_axi_arvalid;
            s_axi_rvalid <= read || (s_axi_rvalid && !s_axi_rready);
        end
        if (!ar_full) ar <= s_axi_araddr[15:2];
        if (read) begin
            s_axi_rresp <= OKAY;
            if (ar < 14'(FIRST_NODE)) begin
                s_axi_rdata <= common;
                if (low > NAME) s_axi_rresp <= SLVERR;
                if (low == CYCLES_LOW) kept_high <= cycles[63:32];
            end else if (ar < 14'(LAST)) begin
                s_axi_rdata <= ar[0] ? blocked_count[node*32 +: 32] : starved_count[node*32 +: 32];
            end else begin
                s_axi_rdata <= 32'd0;
                s_axi_rresp <= SLVERR;
            end
        end
    end
endmodule
