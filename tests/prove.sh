#!/usr/bin/env bash
# Proofs with Yosys and ABC: no word lost, doubled or reordered, outputs stable while they wait, nothing stuck; and
# mutants of the sources that the same proofs must catch. The plumbing takes seconds; with PROVE_ALL set the engine of a
# convolution follows, in minutes. Speaks TAP.
. tests/tap.sh

prove() { # prove METHOD BENCH DEFINES...
    n=$((n + 1))
    if tests/prove/prove.sh rtl "$2" "$1" "${@:3}" >"$work/log" 2>&1; then echo "ok $n - $(cat "$work/log")"; else
        echo "not ok $n - $2 ${*:3}"
        sed 's/^/# /' "$work/log"
    fi
}
# mutant FILE SED-EXPRESSION METHOD BENCH DEFINES...: the changed source differs, and an assertion fails
caught() {
    rm -rf "$work/rtl" && cp -r rtl "$work/rtl" && sed -i "$2" "$work/rtl/$1.sv" || return 1
    cmp "rtl/$1.sv" "$work/rtl/$1.sv" && return 1
    tests/prove/prove.sh "$work/rtl" "$4" "$3" "${@:5}" >"$work/out" 2>&1 && return 1
    cat "$work/out"
    grep -q 'an assertion fails' "$work/out"
}
mutant() { check "caught in $1: $2" caught "${@:3}"; }

prove unbounded slice
prove unbounded fifo 'STYLE="registers"' DEPTH=2
prove unbounded fifo 'STYLE="registers"' DEPTH=3
prove unbounded fifo 'STYLE="block"' DEPTH=3
prove unbounded fork
prove unbounded width IN=4 OUT=2
prove unbounded width IN=1 OUT=3
prove unbounded width IN=2 OUT=3
prove unbounded width IN=3 OUT=2
mutant ss_slice "the spare word is dropped" ss_slice 's/free) out_data <= spare_valid ? spare : in_data/free) out_data <= in_data/' unbounded slice
mutant ss_slice "data moves on while it waits" ss_slice 's/if (free) out_data/if (in_valid) out_data/' unbounded slice
mutant ss_fifo "one word too many is let in" ss_fifo "s/level != CW'(DEPTH)/level <= CW'(DEPTH)/" unbounded fifo 'STYLE="registers"' DEPTH=3
mutant ss_fork "a reader gets its word twice" ss_fork 's/taken <= taken | (out_valid & out_ready)/taken <= out_valid \& out_ready/' unbounded fork
mutant ss_width "the gearbox takes a word without room" ss_width "s/&& (CW+1)'(held) < (CW+1)'(2 \* B)//" unbounded width IN=3 OUT=2
if [ -n "${PROVE_ALL:-}" ]; then
    prove unbounded fifo 'STYLE="registers"' DEPTH=5
    prove unbounded fifo 'STYLE="block"' DEPTH=2
    prove unbounded fifo 'STYLE="block"' DEPTH=5
    prove unbounded width IN=5 OUT=2
    prove unbounded width IN=4 OUT=6
    prove 24 engine M=2 STEPS=1 FOLDS=2
    prove 16 engine M=2 STEPS=1 FOLDS=2 VALUES
    prove 20 engine M=1 STEPS=2 FOLDS=1
    prove 14 engine M=1 STEPS=2 FOLDS=1 VALUES
    mutant ss_issue "no place is kept for a result" ss_issue "s/assign stall = .*/assign stall = 1'b0;/" 32 engine M=2 STEPS=1 FOLDS=2
    mutant ss_issue "a window is given up after its first fold" ss_issue 's/fresh <= fold_end && last_fold/fresh <= fold_end/' 20 engine M=2 STEPS=1 FOLDS=2 VALUES
fi
echo "1..$n"
