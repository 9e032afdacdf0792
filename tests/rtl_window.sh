#!/usr/bin/env bash
# ss_window under Verilator and Icarus: every element and mask bit of every window of random kernels, strides and pads,
# images back to back, with random stalls; cycles an image against the formula. RTL_FULL=1: ten times as many. Speaks TAP.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_window

bench() { # bench SIMULATOR FIRST VARIANTS SEED
    rm -rf "$work/window" && mkdir "$work/window" && "$gen" "$work/window" "${@:2}" &&
        tests/rtl/sim.sh "$work/window" "$1"
}
check "verilator: 18 windows that networks have and 22 random ones" bench verilator 0 22 1
check "icarus: 5 random windows" bench icarus 18 5 2
if [ "${RTL_FULL:-0}" != 0 ]; then
    for seed in 11 12 13 14 15 16; do check "verilator: 40 random windows, seed $seed" bench verilator 18 40 $seed; done
    check "icarus: the named windows" bench icarus 0 0 1
fi

# The bench must be able to say no.
wrong_figure() {
    sed -i '0,/EXPECT(\([0-9]*\))/s//EXPECT(7)/' "$work/window/tb.sv" && ! tests/rtl/sim.sh "$work/window" icarus &&
        grep -q 'the formula says 7' "$work/window/run.log"
}
wrong_word() {
    sed -i '3s/.$/x/' "$work/window/out_18.mem" && ! tests/rtl/sim.sh "$work/window" icarus &&
        grep -q 'paced_18: word 2: expected' "$work/window/run.log"
}
check "icarus: one window alone" bench icarus 18 1 3
check "a wrong number of cycles fails the bench" wrong_figure
check "a wrong word fails the bench" wrong_word
echo "1..$n"
