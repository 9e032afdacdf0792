#!/usr/bin/env bash
# The plumbing of streams under Verilator and Icarus: order, values, rates, latencies. Speaks TAP.
. tests/tap.sh
gen=${BUILD:-build}/tests/rtl/gen_plumb
bench=$work/plumb
mkdir "$bench"

check "the bench is written" "$gen" "$bench"
rates() { # rates SIMULATOR MODULE: cycle numbers without stalls, all of them and no other
    grep "^$2_" "$bench/rates" | sort >"$work/want" && [ -s "$work/want" ] &&
        grep "^$2_.*: first" "$work/$1.log" | sort | diff "$work/want" -
}
for simulator in verilator icarus; do
    flags=(); [ $simulator = verilator ] && flags=(-DSS_TAPS)
    check "$simulator: every word, in order, under random stalls" tests/rtl/sim.sh "$bench" $simulator "${flags[@]}"
    cp "$bench/run.log" "$work/$simulator.log"
    for module in slice fifo width fork axis; do
        check "$simulator: latency and rate of $module" rates $simulator $module
    done
done
taps() {
    local id=5
    for width in 6 32 34 96; do
        grep "^tap $id " "$work/verilator.log" | diff "$bench/tap_$width" - || return 1
        id=$((id + 1))
    done
}
check "verilator: taps hand on every word" taps

# The judges must be able to say no.
bad() { # bad SIMULATOR MESSAGE WORDS-IN-BENCH [FLAG]: the bench fails with the message
    rm -rf "$work/bad" && mkdir "$work/bad" && cp tests/rtl/bad_stream.sv "$work/bad/tb.sv" || return 1
    printf '%s\n' 1 2 3 4 | tee "$work/bad/in.mem" >"$work/bad/out.mem"
    [ "$3" -eq 4 ] || sed -i "s/WORDS([0-9]*), .FILE(\"out/WORDS($3), .FILE(\"out/" "$work/bad/tb.sv"
    MAX=500 tests/rtl/sim.sh "$work/bad" "$1" "${@:4}" && return 1
    grep -q "$2" "$work/bad/run.log"
}
check "verilator: a wrong word fails the bench" bad verilator 'bad: word 2: expected 03, got 09' 4 -DWRONG
check "icarus: a wrong word fails the bench" bad icarus 'bad: word 2: expected 03, got 09' 4 -DWRONG
check "a word too many fails the bench" bad icarus 'bad: a word more than the 3 expected: 04' 3
check "a missing word ends in the watchdog" bad icarus 'not done after 500 cycles' 5
check "verilator: valid that falls is caught" bad verilator 'valid fell before the word moved' 4 -DFALLING
check "icarus: data that changes is caught" bad icarus 'data changed before the word moved' 4 -DCHANGING
missing_image() { # $work/bad is left from above
    rm "$work/bad/out.mem"
    for simulator in verilator icarus; do
        tests/rtl/sim.sh "$work/bad" $simulator >"$work/out" 2>&1 && return 1
        grep -q 'a memory image is missing' "$work/out" || return 1
    done
}
check "a missing memory image fails the bench" missing_image
check "a missing simulator is named with its package" \
    eval 'mkdir -p "$work/bin" && for c in bash dirname cat grep; do ln -sf "$(command -v $c)" "$work/bin/"; done &&
          ! PATH=$work/bin tests/rtl/sim.sh "$bench" verilator 2>"$work/err" && grep -q "apt-get install verilator" "$work/err" &&
          ! PATH=$work/bin tests/rtl/sim.sh "$bench" icarus 2>"$work/err" && grep -q "apt-get install iverilog" "$work/err"'
echo "1..$n"
