#!/usr/bin/env bash
# Whole convolution layers, window to activation, random in shape and folding, bit for bit. Speaks TAP.
# The quick test runs under Icarus, which starts at once; RTL_FULL=1 adds ten times as many layers under Verilator.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_conv

layers() { # layers SIMULATOR FIRST COUNT: all images of all layers, in one bench
    rm -rf "$work/conv" && mkdir "$work/conv" && "$gen" "$work/conv" "$3" "$2" &&
        MAX=200000 tests/rtl/sim.sh "$work/conv" "$1"
}
check "icarus: layers 0 to 31" layers icarus 0 32
if [ -n "${RTL_FULL:-}" ]; then
    for from in $(seq 0 36 324); do check "verilator: layers $from to $((from + 35))" layers verilator "$from" 36; done
fi
echo "1..$n"
