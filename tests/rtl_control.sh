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
# ---- the bench for Icarus, on a small partition ----
sim=$work/sim
mkdir "$sim"
seq 1000 | head -c 180 >"$sim/in.bin" # three images of ten words of three elements of two bytes
{ head -c 90 "$sim/in.bin"; printf x; tail -c +92 "$sim/in.bin"; } >"$sim/bad.bin" # word 5 of the second
seq -f %016.0f 8 >"$sim/load.mem"
compile() {
    command -v iverilog >/dev/null || { echo "iverilog is missing; install Debian's package iverilog"; return 1; }
    sed -e 's/@TOP@/partition_1/g; s/@IN_LANES@/3/; s/@IN_WORDS@/10/; s/@OUT_LANES@/3/; s/@OUT_WORDS@/10/; s/@W@/8/' \
        -e 's/@LOAD_WORDS@/8/' rtl/sim/tb_icarus.sv.in >"$sim/tb.sv"
    iverilog -g2012 -Wall -Wno-timescale -s tb -o "$sim/sim.vvp" -y rtl -Y.sv tests/rtl/small_partition.sv "$sim/tb.sv"
}
streams() { # streams EXPECT ARGUMENT...
    local expect=$1
    shift
    (cd "$sim" && timeout 60 vvp -n sim.vvp +in=in.bin "+expect=$expect" +load=load.mem "$@") | tee "$sim/log"
    return "${PIPESTATUS[0]}"
}
differs() { ! streams bad.bin +images=3 && grep -q 'image 1, word 5: expected' "$sim/log"; }
short() { ! streams in.bin +images=4 && grep -q 'too few elements' "$sim/log"; }
check "Icarus bench: compiles" compile
check "Icarus bench: weights loaded, three images, a word a cycle" \
    eval 'streams in.bin +images=3 && grep -q "image 2: done in cycle 31, 10 after" "$sim/log"'
check "Icarus bench: random stalls" streams in.bin +images=3 +stall=120 +seed=7
check "Icarus bench: a wrong word is named" differs
check "Icarus bench: too few elements" short

# ---- the Vivado scripts, run on stand-ins for Vivado's commands in the folder of a made-up partition ----
part=$work/partition_1
mkdir -p "$part/weights" "$part/vivado" "$work/rtl"
echo 'module ss_a; endmodule' >"$work/rtl/ss_a.sv"
printf '%s\n' ../rtl/ss_a.sv partition_1.sv >"$part/filelist.f"
echo 'module partition_1; ss_conv #(.WEIGHT_FILE("weights/c.weights"), .STYLE("block")) c (); endmodule' >"$part/partition_1.sv"
echo 00 >"$part/weights/c.weights.mem"
stub=$PWD/tests/rtl/vivado_stub.tcl
script() { # script NAME [route]: fills the template in and runs it
    sed -e 's/@TOP@/partition_1/g; s/@PART@/xcu250-figd2104-2L-e/g; s/@CLOCK_NS@/4.000/g; s/@MACROS@/SS_DSP48E2/g' "rtl/vivado/$1.tcl.in" \
        >"$part/vivado/$1.tcl"
    ! grep '@[A-Z_]*@' "$part/vivado/$1.tcl" || return 1
    command -v yosys >/dev/null || { echo "yosys is missing; install Debian's package yosys (apt-get install yosys)"; return 1; }
    (cd "$part" && SCRIPT=vivado/$1.tcl ${2:+env ROUTE=1} yosys -q -c "$stub")
}
said() { grep -qF -- "$1" "$part/vivado/commands.log" || { cat "$part/vivado/commands.log"; return 1; }; }
copied() { # the sources lie beside the images, which go by their base names there
    grep -qF '"c.weights"' "$1/partition_1.sv" && grep -q 'define SYNTHESIS' "$1/ss_a.sv" && grep -q 'define SS_DSP48E2' "$1/ss_a.sv" && [ -f "$1/c.weights.mem" ]
}
check "synth.tcl runs" script synth
check "synth.tcl: part and mode" said "synth_design -top partition_1 -part xcu250-figd2104-2L-e -mode out_of_context"
check "synth.tcl: the memory images" said "read_mem $part/vivado/src/c.weights.mem"
check "synth.tcl: sources and images side by side" copied "$part/vivado/src"
check "synth.tcl: the clock" grep -qx 'create_clock -name clk -period 4.000 \[get_ports clk\]' "$part/vivado/clock.xdc"
check "synth.tcl: places and routes on demand" eval 'script synth route && said route_design'
check "package_ip.tcl runs" script package_ip
check "package_ip.tcl: the load stream belongs to the clock" said "ipx::associate_bus_interfaces -busif s_load -clock clk core"
check "package_ip.tcl: sources and images side by side" copied "$part/vivado/ip/src"
echo "1..$n"
