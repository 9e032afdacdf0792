#!/usr/bin/env bash
# Every module of rtl/ as its own top, with its default parameters, must be free of Verilator's warnings, and Yosys and
# Icarus must be able to read it. Speaks TAP.
. tests/tap.sh
need() { command -v "$1" || { echo "$1 is missing; install Debian's package $1 (apt-get install $1)"; return 1; }; }
for tool in verilator iverilog yosys; do check "$tool is there" need $tool; done

# $readmemh files of the defaults, if any, are not there: the simulators only warn of that at run time.
verilated() { verilator --lint-only -Wall -Wno-DECLFILENAME --top-module "$1" -y rtl "rtl/$1.sv"; }
# Icarus 11 warns of a loop in an always_comb whose bound is a parameter, without cause.
compiled() {
    iverilog -g2012 -Wall -Wno-timescale -t null -s "$1" -y rtl -Y.sv "rtl/$1.sv" 2>&1 |
        grep -v 'must use the index (.*) in the condition' | tee "$work/icarus"
    [ "${PIPESTATUS[0]}" -eq 0 ] && [ ! -s "$work/icarus" ]
}
named() { # the file's own name, and an opening comment
    grep -qE "^module $1( |$|#)" "rtl/$1.sv" && head -n 1 "rtl/$1.sv" | grep -q "^// $1: " &&
        [ "$(grep -c '^module ' "rtl/$1.sv")" -eq 1 ]
}
for file in rtl/*.sv; do
    module=$(basename "$file" .sv)
    check "$module: one module, named as its file, with an opening comment" named "$module"
    check "$module: no warning of Verilator" verilated "$module"
    check "$module: no warning of Icarus" compiled "$module"
done
check "Yosys reads all of rtl" yosys -q -p "read_verilog -sv -defer rtl/*.sv"
echo "1..$n"
