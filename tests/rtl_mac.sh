#!/usr/bin/env bash
# ss_mac: the DSP48E2 by name and what synthesis infers are the same in every cycle; two 8-bit products in one DSP48E2 are exact for
# all operand values; Yosys takes one DSP for either, without a LUT where it is named. Speaks TAP.
. tests/tap.sh
bench=$work/mac
mkdir "$bench"
cat tests/rtl/dsp48e2.sv tests/rtl/mac_cases.sv >"$bench/tb.sv"
check "verilator: both forms agree, all values of two packed products" tests/rtl/sim.sh "$bench" verilator -DEXHAUSTIVE
check "icarus: both forms agree" tests/rtl/sim.sh "$bench" icarus
mutant() { # mutant SED: an error in the named form is found
    mkdir -p "$work/mutant"
    sed "$1" rtl/ss_mac.sv | sed 's/ss_mac/ss_mac_wrong/' >"$work/mutant/wrong.sv"
    sed 's/ss_mac\( #(.W(W), .PAIR(PAIR), .SUM(SUM), .PRIMITIVE(1))\)/ss_mac_wrong\1/' "$bench/tb.sv" |
        cat "$work/mutant/wrong.sv" - >"$work/mutant/tb.sv"
    cmp -s <(sed 's/ss_mac/ss_mac_wrong/' rtl/ss_mac.sv) "$work/mutant/wrong.sv" && return 1
    tests/rtl/sim.sh "$work/mutant" icarus && return 1
    grep -q '^tb: .*error' "$work/mutant/run.log"
}
check "an accumulator that never starts anew is found" mutant 's/!start, 5/1'"'"'b1, 5/'
check "a product without the upper weight is found" mutant 's/\.A(w1)/.A(30'"'"'b0)/'
named() { # named PARAMETERS: one DSP48E2 and nothing else
    yosys -q -p "read_verilog -lib +/xilinx/cells_xtra.v; read_verilog -sv -defer -DSS_DSP48E2 rtl/ss_mac.sv;
        hierarchy -top ss_mac $1; synth_xilinx -family xcup -flatten -noiopad -noclkbuf -top ss_mac; select -assert-count 1 t:DSP48E2;
        select -assert-none t:LUT3 t:LUT4 t:LUT5 t:LUT6 t:FDRE"
}
check "16 bits: a DSP48E2" named ""
check "two weights of 8 bits: a DSP48E2" named "-chparam W 8 -chparam PAIR 1 -chparam SUM 42"
inferred() {
    yosys -q -p "read_verilog -sv -defer rtl/ss_mac.sv rtl/ss_product.sv rtl/ss_product2.sv; hierarchy -top ss_mac;
        synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top ss_mac; select -assert-count 1 t:DSP48E1; select -assert-max 1 t:FDRE"
}
check "16 bits on 7 series: a DSP48E1 with all registers but that of start" inferred
echo "1..$n"
