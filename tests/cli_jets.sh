#!/usr/bin/env bash
# The jet image generator: the same bytes from every compiler, well-formed records, bad use refused.
. tests/tap.sh

# The first 200 records of the splits of seeds 1 to 4: what the committed network was trained and tested on.
declare -A want=(
    [1]=1a6760b52cbc7c69979dba9c66758ba6b5a57683c9f9a847c1f10f777eff95db
    [2]=ef3b24705ad899c95a9fcc1beb9b4e9d89a669d16284f4ef112cbf0ca150b630
    [3]=344322fe6c907610c1fd7d4cf24ebc3d399ccac02b7caf2b518a0ff8f5e0d42d
    [4]=709f5eb67575cadce19eee1bbf7fe53ac8c23c3b34b1cfc33826d66ce0885c44
)
sums_match() { # PROGRAM
    local seed
    for seed in 1 2 3 4; do
        "$1" "$seed" 200 "$work/jets.bin" || return 1
        local got
        got=$(sha256sum <"$work/jets.bin")
        [ "${got%% *}" = "${want[$seed]}" ] || { echo "seed $seed: ${got%% *}"; return 1; }
    done
}
compiled_matches() { # COMPILER OPTION...
    "$@" -std=c11 -ffp-contract=off -o "$work/jets" examples/jets/jets.c -lm && sums_match "$work/jets"
}
labels_in_range() {
    [ "$(stat -c %s "$work/jets.bin")" -eq $((200 * 3073)) ] || return 1
    # One label byte leads each record of 3073: all three classes, nothing else.
    local labels
    labels=$(od -An -v -tu1 -w3073 "$work/jets.bin" | awk '{print $1}' | sort -u | tr '\n' ' ')
    [ "$labels" = "0 1 2 " ]
}
starts_alike() { # a longer file begins with the shorter one
    "$build/examples/jets" 9 30 "$work/short.bin" && "$build/examples/jets" 9 50 "$work/long.bin" &&
        cmp -n $((30 * 3073)) "$work/short.bin" "$work/long.bin"
}
seeds_differ() {
    "$build/examples/jets" 9 1 "$work/a.bin" && "$build/examples/jets" 10 1 "$work/b.bin" &&
        ! cmp -s "$work/a.bin" "$work/b.bin"
}

echo "1..10"
make -s BUILD="$build" "$build/examples/jets" >/dev/null 2>"$work/make.log" || cat "$work/make.log" >&2
check "bytes as committed, as built" sums_match "$build/examples/jets"
check "bytes as committed, unoptimised" compiled_matches "${CC:-cc}" -O0
check "bytes as committed, vectorised for this machine" compiled_matches "${CC:-cc}" -O3 -march=native
if command -v clang-14 >/dev/null; then
    check "bytes as committed, another compiler" compiled_matches clang-14 -O2 -march=native
else
    n=$((n + 1))
    echo "ok $n # SKIP clang-14 is not installed"
fi
check "records are whole and labels are 0, 1, 2" labels_in_range
check "a longer file begins with the shorter one" starts_alike
check "seeds differ" seeds_differ
check "no records: refused" exits 2 "$build/examples/jets" 1 0 "$work/x.bin"
check "a seed that is no number: refused" exits 2 "$build/examples/jets" x 5 "$work/x.bin"
check "an unwritable file: refused" exits 2 "$build/examples/jets" 1 5 "$work/none/x.bin"
