// Runs a test bench `tb` under Icarus, as main.cpp does under Verilator. +max=CYCLES is the watchdog.
module icarus;
    reg clk = 1'b0;
    reg rst = 1'b1;
    wire done;
    wire [31:0] errors;
    tb tb (.clk(clk), .rst(rst), .done(done), .errors(errors));

    integer max, cycle;
    initial begin
        if (!$value$plusargs("max=%d", max)) max = 1000000;
        for (cycle = 0; cycle < max && (rst || done !== 1'b1); cycle = cycle + 1) tick;
        if (done !== 1'b1) $display("tb: not done after %0d cycles", cycle);
        repeat (64) tick; // nothing may come any more
        if (errors !== 0) $display("tb: %0d errors", errors);
        else if (done === 1'b1) $display("tb: passed");
        $finish(0);
    end
    task tick;
        begin
            #1 rst = cycle < 4;
            #4 clk = 1'b1;
            #5 clk = 1'b0;
        end
    endtask
endmodule
