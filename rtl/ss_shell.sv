// ss_shell: what stands between the ports of a partition and its nodes: AXI4-Stream in and out, the load stream, the
// control registers. Ports and registers: docs/hardware.md.
//
// The input is held back until all weight memories are full. With LOAD_WORDS = 0 there is nothing to load and it is open
// at once. Else the driver sets the start bit: the memories are emptied, LOAD_WORDS words are taken from the load stream,
// one a cycle, and put onto the load bus; when the last memory reports its last row the input opens.
// Invariants: the input never closes within an image (a start is refused while one is inside); the load stream is taken
// only during a load.
module ss_shell #(
    parameter LANES_IN = 3, parameter W_IN = 8, parameter WORDS_IN = 16,
    parameter LANES_OUT = 2, parameter W_OUT = 8, parameter WORDS_OUT = 4,
    parameter NODES = 1,
    parameter LOAD_WORDS = 0,
    parameter [31:0] DESIGN = 0,
    parameter STALL_BITS = 32,
    parameter BITS_IN = (LANES_IN*W_IN+7)/8*8,    // derived: leave them alone
    parameter BITS_OUT = (LANES_OUT*W_OUT+7)/8*8
) (
    input  logic clk,
    input  logic rst,

    input  logic s_axis_tvalid,
    output logic s_axis_tready,
    input  logic [BITS_IN-1:0] s_axis_tdata,
    input  logic s_axis_tlast,
    output logic m_axis_tvalid,
    input  logic m_axis_tready,
    output logic [BITS_OUT-1:0] m_axis_tdata,
    output logic m_axis_tlast,
    input  logic s_load_tvalid,
    output logic s_load_tready,
    input  logic [63:0] s_load_tdata,

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

    output logic in_valid,
    input  logic in_ready,
    output logic [LANES_IN*W_IN-1:0] in_data,
    input  logic out_valid,
    output logic out_ready,
    input  logic [LANES_OUT*W_OUT-1:0] out_data,
    output logic [65:0] load,
    input  logic loaded,
    input  logic [NODES-1:0] starved,
    input  logic [NODES-1:0] blocked
);
    localparam CW = WORDS_IN > 1 ? $clog2(WORDS_IN) : 1;

    // ---- weight load ----
    logic start, loading, open, pass;
    generate
        if (LOAD_WORDS == 0) begin : g_open
            logic unused_ok;
            assign unused_ok = &{1'b0, start, loaded, s_load_tvalid, s_load_tdata};
            assign loading = 1'b0;
            assign load = 66'd0;
            assign open = 1'b1;
            assign pass = 1'b1;
        end else begin : g_load
            localparam LW = $clog2(LOAD_WORDS + 1);
            logic [LW-1:0] left;
            logic move;
            assign move = s_load_tvalid && s_load_tready;
            always_ff @(posedge clk) begin
                if (rst) left <= 0;
                else if (start) left <= LW'(LOAD_WORDS);
                else if (move) left <= left - 1'b1;
                load <= {start && !rst, move && !rst, s_load_tdata};
                open <= !rst && !start && !loading && loaded; // `loaded` has fallen by the end of the load
            end
            assign loading = left != 0;
            assign pass = open && !start;
        end
    endgenerate
    assign s_load_tready = loading && !start;

    // ---- input ----
    logic axis_ready, in_word, in_last, misplaced;
    logic [CW-1:0] count;
    assign s_axis_tready = axis_ready && pass;
    assign in_word = s_axis_tvalid && s_axis_tready;
    assign in_last = in_word && count == CW'(WORDS_IN - 1);
    always_ff @(posedge clk)
        if (rst) count <= 0;
        else if (in_word) count <= in_last ? 0 : count + 1'b1;
    ss_axis_in #(.LANES(LANES_IN), .W(W_IN), .WORDS(WORDS_IN)) u_in (
        .clk(clk), .rst(rst), .tvalid(s_axis_tvalid && pass), .tready(axis_ready), .tdata(s_axis_tdata),
        .tlast(s_axis_tlast), .out_valid(in_valid), .out_ready(in_ready), .out_data(in_data), .misplaced(misplaced)
    );

    // ---- output ----
    logic out_last;
    assign out_last = m_axis_tvalid && m_axis_tready && m_axis_tlast;
    ss_axis_out #(.LANES(LANES_OUT), .W(W_OUT), .WORDS(WORDS_OUT)) u_out (
        .clk(clk), .rst(rst), .in_valid(out_valid), .in_ready(out_ready), .in_data(out_data),
        .tvalid(m_axis_tvalid), .tready(m_axis_tready), .tdata(m_axis_tdata), .tlast(m_axis_tlast)
    );

    ss_control #(.NODES(NODES), .LOAD_WORDS(LOAD_WORDS), .DESIGN(DESIGN), .STALL_BITS(STALL_BITS)) u_control (
        .clk(clk), .rst(rst), .s_axi_awvalid(s_axi_awvalid), .s_axi_awready(s_axi_awready),
        .s_axi_awaddr(s_axi_awaddr), .s_axi_wvalid(s_axi_wvalid), .s_axi_wready(s_axi_wready),
        .s_axi_wdata(s_axi_wdata), .s_axi_wstrb(s_axi_wstrb), .s_axi_bvalid(s_axi_bvalid),
        .s_axi_bready(s_axi_bready), .s_axi_bresp(s_axi_bresp), .s_axi_arvalid(s_axi_arvalid),
        .s_axi_arready(s_axi_arready), .s_axi_araddr(s_axi_araddr), .s_axi_rvalid(s_axi_rvalid),
        .s_axi_rready(s_axi_rready), .s_axi_rdata(s_axi_rdata), .s_axi_rresp(s_axi_rresp),
        .in_word(in_word), .in_last(in_last), .out_last(out_last), .misplaced(misplaced), .loaded(open),
        .loading(loading), .start(start), .starved(starved), .blocked(blocked)
    );
endmodule
