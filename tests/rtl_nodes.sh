#!/usr/bin/env bash
# The plain nodes (activation, add, concat, pools, slice, channel pad) against the reference's operators: every word of two
# images, cycles within their limit, random stalls. Verilator, which compiles, runs one of each structure; Icarus runs all and
# random shapes. RTL_FULL=1: many more of these, and all under Verilator too. Speaks TAP.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_nodes
some=$work/some all=$work/all
mkdir "$some" "$all"

check "the benches are written" eval '"$gen" "$some" some && "$gen" "$all" all'
check "verilator: one node of each structure equals the reference" tests/rtl/sim.sh "$some" verilator
check "icarus: all nodes equal the reference" tests/rtl/sim.sh "$all" icarus
[ -z "${RTL_FULL:-}" ] || check "verilator: all nodes equal the reference" tests/rtl/sim.sh "$all" verilator

# The bench must notice: a node that rounds wrongly, a word that differs.
mutant() { # mutant MODULE FROM TO: the bench fails with the module changed
    mkdir -p "$work/mutant"
    sed "s/$2/$3/" "rtl/$1.sv" >"$work/mutant/$1.sv"
    ! cmp -s "rtl/$1.sv" "$work/mutant/$1.sv" || return 1
    ! tests/rtl/sim.sh "$some" icarus "$work/mutant/$1.sv" && grep -q 'expected' "$some/run.log"
}
check "rounding downwards is found" mutant ss_round "+ 1'b1" "+ 1'b0"
echo "1..$n"
