#!/usr/bin/env bash
# The engine of a convolution under Verilator and Icarus: results bit for bit, cycles exactly. Speaks TAP.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_engine

cycles_are_exact() { # every engine that is never held up gives its last result in the cycle that the formula says
    grep ' last ' "$bench/run.log" | sort >"$work/measured"
    [ -s "$work/measured" ] && sort "$bench/expect.txt" | diff - "$work/measured"
}
for simulator in verilator icarus; do
    bench=$work/$simulator
    mkdir "$bench"
    every=1
    [ $simulator = icarus ] && every=3 # it is slow
    check "$simulator: the bench is written" "$gen" "$bench" $every
    check "$simulator: results of all foldings, under random stalls too" tests/rtl/sim.sh "$bench" $simulator
    check "$simulator: cycles are sums of beats" cycles_are_exact
done
echo "1..$n"
