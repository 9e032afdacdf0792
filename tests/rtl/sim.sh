#!/usr/bin/env bash
# sim.sh DIR [verilator|icarus] [FLAGS...]: builds the test bench DIR/tb.sv (with DIR/*.cpp, if any) on the modules of
# rtl/ and the ends of stim.sv, and runs it inside DIR, where its .mem files lie. Prints what the bench prints; exit 0
# only when it is done without errors and without a failed assertion. FLAGS go to the simulator's compiler.
#   MAX   cycles after which the watchdog ends the run (1000000)
#   OPT   optimisation of the model (-O1: what small benches build and run fastest with)
set -eu
dir=$(cd "$1" && pwd)
simulator=${2:-verilator}
shift; [ $# -gt 0 ] && shift
rtl=$(cd "$(dirname "$0")/../../rtl" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
max=${MAX:-1000000}

need() { # need COMMAND PACKAGE
    command -v "$1" >/dev/null && return
    echo "sim: $1 is missing; install Debian's package $2 (apt-get install $2)" >&2
    exit 1
}

# A missing memory image is but a warning to the simulators: make it an error here.
run() { # run COMMAND...
    local status=0
    (cd "$dir" && "$@") >"$dir/run.log" 2>&1 || status=$?
    cat "$dir/run.log"
    if grep -q -i 'readmem.*\(not found\|cannot\|unable\)' "$dir/run.log"; then
        echo "sim: a memory image is missing" >&2
        status=1
    fi
    return $status
}

case $simulator in
verilator)
    need verilator verilator
    export OBJCACHE=${OBJCACHE-$(command -v ccache || true)}
    shopt -s nullglob
    verilator --cc --exe --build --top-module tb -Mdir "$dir/obj" -Wall -Wno-DECLFILENAME -Wno-fatal -Werror-UNOPTFLAT \
        --assert --x-assign unique --x-initial unique -MAKEFLAGS "OPT_FAST=${OPT:--O1} OPT_SLOW=-O0 OPT_GLOBAL=-O1" \
        "$@" -y "$rtl" "$here/stim.sv" "$dir/tb.sv" "$here/main.cpp" "$dir"/*.cpp >"$dir/build.log" 2>&1 || {
        cat "$dir/build.log"
        echo "sim: the bench does not build" >&2
        exit 1
    }
    # Warnings about the modules are errors; a bench may leave things unused.
    if grep -E "^%Warning.*: $rtl/" "$dir/build.log"; then
        echo "sim: the modules in rtl/ must be free of warnings" >&2
        exit 1
    fi
    run ./obj/Vtb "$max" +verilator+rand+reset+2 +verilator+seed+7 ;;
icarus)
    need iverilog iverilog
    iverilog -g2012 -Wall -Wno-timescale -s icarus -y "$rtl" -Y.sv -o "$dir/tb.vvp" "$@" "$here/icarus.sv" \
        "$here/stim.sv" "$dir/tb.sv" >"$dir/build.log" 2>&1 || {
        cat "$dir/build.log"
        echo "sim: the bench does not build" >&2
        exit 1
    }
    run vvp -n "$dir/tb.vvp" "+max=$max"
    grep -q '^tb: passed' "$dir/run.log" ;;
*)
    echo "sim: no simulator '$simulator': verilator or icarus" >&2
    exit 1 ;;
esac
