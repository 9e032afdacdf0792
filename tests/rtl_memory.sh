#!/usr/bin/env bash
# The memories: contents, latency, load chain under Verilator and Icarus; bad images must end a simulation; Yosys must map
# each style to what it names. Speaks TAP.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_memory
bench=$work/memory
mkdir "$bench"

check "the bench is written" "$gen" "$bench"
for simulator in verilator icarus; do
    check "$simulator: rows, latency, old row while writing, load chains cut off and begun anew" \
        tests/rtl/sim.sh "$bench" $simulator tests/rtl/memory_cases.sv
done

# ---- bad images: one bench, its image exchanged ----
bad=$work/bad
mkdir "$bad"
cat >"$bad/tb.sv" <<'END'
module tb(input logic clk, input logic rst, output logic done, output logic [31:0] errors);
    logic [8:0] data;
    ss_rom #(.WIDTH(9), .DEPTH(3), .FILE("rom.mem")) dut (.clk(clk), .en(1'b1), .addr(2'd1), .data(data));
    assign done = !rst;
    assign errors = data === 9'h1ff ? 1 : 0;
endmodule
END
refused() { # refused SIMULATOR MESSAGE ROWS...: an image of these rows ends the simulation with the message
    local simulator=$1 message=$2
    shift 2
    rm -f "$bad/rom.mem"
    [ $# -eq 0 ] || printf '%s\n' "$@" >"$bad/rom.mem"
    tests/rtl/sim.sh "$bad" "$simulator" && return 1
    grep -q "$message" "$bad/run.log"
}
good() {
    printf '%s\n' 001 1fe 0ff >"$bad/rom.mem"
    tests/rtl/sim.sh "$bad" "$1"
}
for simulator in verilator icarus; do
    check "$simulator: a good image" good $simulator
    check "$simulator: an image that is not there" refused $simulator 'cannot read the memory image "rom.mem"'
    check "$simulator: a row too few" refused $simulator 'rom.mem has 2 rows, not 3' 001 002
    check "$simulator: a row too many" refused $simulator 'rom.mem has 4 rows, not 3\|rom.mem:3: .* beyond bounds' 001 002 003 004
    check "$simulator: an X in a row" refused $simulator 'line 2: character 120 is no hexadecimal digit' 001 0x2 003
    check "$simulator: an empty row" refused $simulator 'line 2: 0 digits, not 1 to 3' 001 '' 003
    check "$simulator: a row too wide" refused $simulator 'line 3: 4 digits, not 1 to 3' 001 002 0003
done

# ---- synthesis ----
syn=$work/syn
mkdir "$syn"
cat >"$syn/top.sv" <<'END'
module top(input clk, input rst, input [5:0] addr, input [11:0] wide, input we, input [143:0] wdata, input [65:0] load_in,
           output [65:0] load_out, output loaded, output [143:0] a, b, c, d, e, output [17:0] f);
    ss_rom #(.WIDTH(144), .DEPTH(64), .STYLE("distributed"), .FILE("rom6.mem")) rom_lut (clk, 1'b1, addr, a);
    ss_rom #(.WIDTH(144), .DEPTH(64), .STYLE("block"), .FILE("rom6.mem")) rom_block (clk, 1'b1, addr, b);
    ss_weights #(.WIDTH(144), .DEPTH(4096), .STYLE("ultra")) ultra (clk, rst, wide, c, load_in, load_out, loaded);
    ss_ram #(.WIDTH(144), .DEPTH(64), .STYLE("distributed")) ram_lut (clk, we, addr, wdata, 1'b1, wide[5:0], d);
    ss_ram #(.WIDTH(144), .DEPTH(64), .STYLE("block")) ram_block (clk, we, addr, wdata, 1'b1, wide[5:0], e);
    ss_ram #(.WIDTH(18), .DEPTH(1024), .STYLE("block")) ram_small (clk, we, wide[9:0], wdata[17:0], 1'b1, wide[9:0], f);
endmodule
END
rtl=$PWD/rtl
synthesise() {
    command -v yosys >/dev/null || { echo "yosys is missing; install Debian's package yosys (apt-get install yosys)"; return 1; }
    cd "$bench" && yosys -q -p "read_verilog -sv -defer $rtl/ss_memory_check.sv $rtl/ss_rom.sv $rtl/ss_ram.sv $rtl/ss_weights.sv
        read_verilog -sv $syn/top.sv
        synth_xilinx -family xcup -top top -run begin:map_ffs
        tee -o $syn/stat stat"
}
maps() { # maps TYPE COUNT: cells of the type in the whole design
    awk -v type="$1" -v count="$2" '/design hierarchy/ {on = 1} on && $1 == type {n = $2}
        END {print type, n + 0, "wanted", count; exit n + 0 != count}' "$syn/stat"
}
check "Yosys takes the memories" synthesise
check "ultra: two UltraRAMs" maps URAM288 2
check "block: ROM and RAM of 144 bits in two RAMB36 each" maps RAMB36E2 4
check "block: a RAM of 18 bits in one RAMB18" maps RAMB18E2 1
check "distributed: a RAM of 144 bits in 21 RAM64M8, a ROM in none" maps RAM64M8 21
echo "1..$n"
