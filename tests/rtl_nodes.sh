#!/usr/bin/env bash
# The plain nodes (activation, add, concat, pools, slice, channel pad) against the reference's operators, under Verilator and
# Icarus: every word of two images, cycles within their limit, random stalls. RTL_FULL=1: more random shapes. Speaks TAP.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_nodes
bench=$work/nodes
mkdir "$bench"

check "the bench is written" "$gen" "$bench"
check "verilator: all nodes equal the reference" tests/rtl/sim.sh "$bench" verilator
check "icarus: all nodes equal the reference" tests/rtl/sim.sh "$bench" icarus

# The bench must notice: a node that rounds wrongly, a word that differs.
mutant() { # mutant MODULE FROM TO: the bench fails with the module changed
    mkdir -p "$work/mutant"
    sed "s/$2/$3/" "rtl/$1.sv" >"$work/mutant/$1.sv"
    ! cmp -s "rtl/$1.sv" "$work/mutant/$1.sv" || return 1
    ! tests/rtl/sim.sh "$bench" icarus "$work/mutant/$1.sv" && grep -q 'expected' "$bench/run.log"
}
check "rounding downwards is found" mutant ss_round "+ 1'b1" "+ 1'b0"
echo "1..$n"
