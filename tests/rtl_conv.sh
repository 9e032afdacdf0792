#!/usr/bin/env bash
# Whole convolution layers, window to activation, random in shape and folding, bit for bit. Speaks TAP.
# RTL_FULL=1: ten times as many.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_conv

layers() { # layers FIRST COUNT: all images of all layers, in one bench
    rm -rf "$work/conv" && mkdir "$work/conv" && "$gen" "$work/conv" "$2" "$1" &&
        MAX=200000 tests/rtl/sim.sh "$work/conv" verilator
}
check "layers 0 to 35" layers 0 36
if [ -n "${RTL_FULL:-}" ]; then
    for from in $(seq 36 36 324); do check "layers $from to $((from + 35))" layers "$from" 36; done
fi
echo "1..$n"
