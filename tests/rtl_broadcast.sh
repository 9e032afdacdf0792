#!/usr/bin/env bash
# The broadcast engine under Verilator and Icarus: results bit for bit, cycles exactly; two 8-bit products in one multiplier for
# all operand values; whole layers. Speaks TAP. RTL_FULL=1: every variant in both simulators, many more layers;
# otherwise every fourth and every third.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_broadcast
conv=${BUILD:-build}/tests/rtl/gen_conv

cycles_are_exact() { # every engine that is never held up gives its last result in the cycle that the recurrences say
    grep ' last ' "$bench/run.log" | sort >"$work/measured"
    [ -s "$work/measured" ] && sort "$bench/expect.txt" | diff - "$work/measured"
}
engine() { # engine SIMULATOR EVERY
    bench=$work/$1
    mkdir "$bench"
    check "$1: the bench is written" "$gen" "$bench" engines "${RTL_FULL:-$2}"
    check "$1: results of all foldings, under random stalls too" tests/rtl/sim.sh "$bench" "$1"
    check "$1: cycles are those of the formulas" cycles_are_exact
}
layers() { # layers SIMULATOR FIRST COUNT
    rm -rf "$work/conv" && mkdir "$work/conv" && "$conv" "$work/conv" "$3" "$2" broadcast &&
        MAX=200000 tests/rtl/sim.sh "$work/conv" "$1"
}
products() {
    mkdir "$work/products" && "$gen" "$work/products" products && tests/rtl/sim.sh "$work/products" verilator
}
one_dsp() { # the packed product takes one DSP48E2, whatever the LUTs of its pre-adder
    yosys -p 'read_verilog -sv -defer rtl/ss_product2.sv rtl/ss_product.sv; synth_xilinx -family xcup -flatten -top ss_product2;
        select -assert-count 1 t:DSP48E2'
}
lanes_dsp() { # and so does the accumulator of two lanes, none of which synthesis may lose
    yosys -p 'read_verilog -sv -defer rtl/*.sv; hierarchy -top ss_broadcast_lanes -chparam W 8 -chparam CO 8 -chparam SUMS 2 -chparam ACC 24;
        synth_xilinx -family xcup -flatten -top ss_broadcast_lanes; select -assert-count 4 t:DSP48E2'
}
engine verilator 4
engine icarus 3
check "two products in one multiplier: exact for all values" products
check "two products in one multiplier: one DSP48E2" one_dsp
check "eight lanes of 8 bits: four DSP48E2" lanes_dsp
check "icarus: layers 0 to 15" layers icarus 0 16
if [ -n "${RTL_FULL:-}" ]; then
    for from in $(seq 0 36 180); do check "verilator: layers $from to $((from + 35))" layers verilator "$from" 36; done
fi
echo "1..$n"
