// Runs a test bench `tb` under Verilator: reset, clock, watchdog. Arguments: the most cycles allowed, then
// Verilator's. Exit status 0 when the bench is done without errors.
#include "Vtb.h"
#include "verilated.h"

#include <cstdio>
#include <cstdlib>

int main(int argc, char **argv) {
    const unsigned long max = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000000;
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vtb tb{ &context };
    unsigned long cycle = 0, after = 0;
    tb.rst = 1;
    // 64 cycles more than needed, in which nothing may come.
    while (!context.gotFinish() && cycle < max && after < 64) {
        tb.clk = 0;
        tb.rst = cycle < 4; // changes while the clock is low: inputs are stable at its edge
        tb.eval();
        context.timeInc(1);
        tb.clk = 1;
        tb.eval();
        context.timeInc(1);
        cycle++;
        after += !tb.rst && tb.done;
    }
    tb.final();
    if (!tb.done) {
        std::printf("tb: not done after %lu cycles\n", cycle);
        return 1;
    }
    if (tb.errors) {
        std::printf("tb: %u errors\n", tb.errors);
        return 1;
    }
    return 0;
}
