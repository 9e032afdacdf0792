#!/usr/bin/env bash
# The shell of a partition and its registers under Verilator and Icarus; the templates that generate fills in: the Icarus
# bench on a small partition, the Vivado scripts on stand-ins for Vivado's commands. Speaks TAP.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_control
bench=$work/control
mkdir "$bench"

check "the bench is written" "$gen" "$bench"
for simulator in verilator icarus; do
    check "$simulator: registers, strobes, wait states, unmapped addresses, loads, counters" \
        tests/rtl/sim.sh "$bench" $simulator tests/rtl/memory_cases.sv tests/rtl/control_cases.sv
done
echo "1..$n"
