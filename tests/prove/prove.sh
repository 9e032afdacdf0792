#!/usr/bin/env bash
# prove.sh RTL BENCH METHOD MACRO=VALUE...: proves tests/prove/BENCH.sv on the sources in RTL. METHOD is `unbounded`, or
# the number of cycles to look at. Prints "BENCH MACROS: unbounded" or "...: N cycles"; exit 1 with the cycle in which
# an assertion fails. Yosys makes one and-inverter graph with an output for each assertion; ABC decides.
set -eu
rtl=$(cd "$1" && pwd) bench=$2 method=$3
shift 3
what="$bench${*:+ $*}"
here=$(cd "$(dirname "$0")" && pwd)
for tool in yosys yosys-abc; do
    command -v $tool >/dev/null || { echo "prove: $tool is missing; install Debian's package yosys (apt-get install yosys)"; exit 1; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# SYNTHESIS drops the checks that only a simulator can read; those of the streams stay as assertions.
(cd "$here" && yosys -q -l "$dir/yosys.log" -p "
    read_verilog -sv -formal -defer -D SYNTHESIS ${*/#/-D} $rtl/*.sv $here/ends.sv $here/$bench.sv
    prep -flatten -top prove
    memory_map; chformal -cover -remove; async2sync; dffunmap; opt -nodffe -nosdff; techmap; abc -g AND
    setundef -undriven -init -zero; opt_clean
    write_aiger -zinit $dir/prove.aig") >"$dir/out" 2>&1 || { cat "$dir/out"; exit 1; }

case $method in
unbounded) decide="pdr -T 300" ;;
*) decide="bmc3 -T 300 -F $method" ;;
esac
(cd "$dir" && yosys-abc -c "read_aiger prove.aig; fold; print_stats; $decide") >"$dir/abc.log" 2>&1
if grep -q 'asserted in frame' "$dir/abc.log"; then
    echo "$what: an assertion fails: $(grep -o 'Output.*asserted in frame [0-9]*' "$dir/abc.log" | head -n 1)"
    exit 1
fi
case $method in
unbounded) grep -q 'Property proved' "$dir/abc.log" && depth=unbounded ;;
*) grep -q 'No output asserted in' "$dir/abc.log" &&
    depth="$(sed -n 's/.*No output asserted in \([0-9]*\) frames.*/\1/p' "$dir/abc.log") cycles" ;;
esac || { cat "$dir/abc.log"; exit 1; }
echo "$what: $depth ($(sed -n 's/.*lat = *\([0-9]*\).*/\1/p' "$dir/abc.log" | head -n 1) state bits)"
