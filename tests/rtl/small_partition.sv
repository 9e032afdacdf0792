// partition_1 as generate would write it, with a wire for a network and a weight memory in UltraRAM (8 load words): the
// bench for Icarus is tried on it. Words of three elements of 8 bits, ten an image.
module partition_1 (
    input  wire clk, input  wire rst,
    input  wire s_axis_tvalid, output wire s_axis_tready, input  wire [23:0] s_axis_tdata, input  wire s_axis_tlast,
    output wire m_axis_tvalid, input  wire m_axis_tready, output wire [23:0] m_axis_tdata, output wire m_axis_tlast,
    input  wire s_load_tvalid, output wire s_load_tready, input  wire [63:0] s_load_tdata,
    input  wire s_axi_awvalid, output wire s_axi_awready, input  wire [15:0] s_axi_awaddr,
    input  wire s_axi_wvalid, output wire s_axi_wready, input  wire [31:0] s_axi_wdata, input  wire [3:0] s_axi_wstrb,
    output wire s_axi_bvalid, input  wire s_axi_bready, output wire [1:0] s_axi_bresp,
    input  wire s_axi_arvalid, output wire s_axi_arready, input  wire [15:0] s_axi_araddr,
    output wire s_axi_rvalid, input  wire s_axi_rready, output wire [31:0] s_axi_rdata, output wire [1:0] s_axi_rresp
);
    wire valid, ready, loaded;
    wire [23:0] data;
    wire [65:0] load, load_end;
    wire [99:0] row;
    ss_shell #(.LANES_IN(3), .W_IN(8), .WORDS_IN(10), .LANES_OUT(3), .W_OUT(8), .WORDS_OUT(10), .LOAD_WORDS(8)) shell (
        .clk(clk), .rst(rst), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready), .s_axis_tdata(s_axis_tdata),
        .s_axis_tlast(s_axis_tlast), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
        .m_axis_tdata(m_axis_tdata), .m_axis_tlast(m_axis_tlast), .s_load_tvalid(s_load_tvalid),
        .s_load_tready(s_load_tready), .s_load_tdata(s_load_tdata), .s_axi_awvalid(s_axi_awvalid),
        .s_axi_awready(s_axi_awready), .s_axi_awaddr(s_axi_awaddr), .s_axi_wvalid(s_axi_wvalid),
        .s_axi_wready(s_axi_wready), .s_axi_wdata(s_axi_wdata), .s_axi_wstrb(s_axi_wstrb), .s_axi_bvalid(s_axi_bvalid),
        .s_axi_bready(s_axi_bready), .s_axi_bresp(s_axi_bresp), .s_axi_arvalid(s_axi_arvalid),
        .s_axi_arready(s_axi_arready), .s_axi_araddr(s_axi_araddr), .s_axi_rvalid(s_axi_rvalid),
        .s_axi_rready(s_axi_rready), .s_axi_rdata(s_axi_rdata), .s_axi_rresp(s_axi_rresp), .in_valid(valid),
        .in_ready(ready), .in_data(data), .out_valid(valid), .out_ready(ready), .out_data(data), .load(load),
        .loaded(loaded), .starved(1'b0), .blocked(1'b0)
    );
    ss_weights #(.WIDTH(100), .DEPTH(4), .STYLE("ultra")) weights (
        .clk(clk), .rst(rst), .addr(2'd0), .data(row), .load_in(load), .load_out(load_end), .loaded(loaded)
    );
endmodule
