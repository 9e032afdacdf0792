#!/usr/bin/env bash
# Requantisation, activation and add against the reference's functions, under Verilator and Icarus: values, latencies, a word
# a cycle, random stalls. RTL_FULL=1: more random parameters. Speaks TAP.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_arith
bench=$work/arith
mkdir "$bench"

check "the bench is written" "$gen" "$bench"
for simulator in verilator icarus; do
    check "$simulator: requantise, relu and add equal the reference" tests/rtl/sim.sh "$bench" $simulator
done
flip() { # flip FILE: one element of an expected word
    awk 'NR == 7 { $0 = (substr($0, 1, 1) == "0" ? "1" : "0") substr($0, 2) } { print }' "$1" >"$work/flipped" &&
        mv "$work/flipped" "$1"
}
wrong_word() {
    flip "$bench/$1.mem"
    tests/rtl/sim.sh "$bench" icarus && return 1
    grep -q "^$1: word 6: expected" "$bench/run.log"
}
check "a wrong word is found" wrong_word requantise_0_0
echo "1..$n"
