#!/usr/bin/env bash
# The engine of a convolution under Verilator and Icarus: results bit for bit, cycles exactly. Speaks TAP.
# RTL_FULL=1: every variant in both; otherwise every fourth and every third, which takes a quarter of the time.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_engine

cycles_are_exact() { # every engine that is never held up gives its last result in the cycle that the formula says
    grep ' last ' "$bench/run.log" | sort >"$work/measured"
    [ -s "$work/measured" ] && sort "$bench/expect.txt" | diff - "$work/measured"
}
engine() { # engine SIMULATOR EVERY
    bench=$work/$1
    mkdir "$bench"
    check "$1: the bench is written" "$gen" "$bench" "${RTL_FULL:-$2}"
    check "$1: results of all foldings, under random stalls too" tests/rtl/sim.sh "$bench" "$1"
    check "$1: cycles are sums of beats" cycles_are_exact
}
engine verilator 4
engine icarus 3
echo "1..$n"
