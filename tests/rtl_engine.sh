#!/usr/bin/env bash
# The engine of a convolution under Verilator and Icarus: results bit for bit, cycles exactly. Speaks TAP.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_engine
bench=$work/engine
mkdir "$bench"

cycles_are_exact() { # every engine that is never held up gives its last result in the cycle that the formula says
    grep ' last ' "$bench/run.log" | sort >"$work/measured"
    [ -s "$work/measured" ] && sort "$bench/expect.txt" | diff - "$work/measured"
}
check "the bench is written" "$gen" "$bench"
for simulator in verilator icarus; do
    check "$simulator: results of all foldings, under random stalls too" tests/rtl/sim.sh "$bench" $simulator
    check "$simulator: cycles are sums of beats" cycles_are_exact
done
echo "1..$n"
