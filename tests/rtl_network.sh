#!/usr/bin/env bash
# Small networks with every operator, folded at random, as hardware: bit-exact, without stalls and with them.
# Two of them in Icarus, too. RTL_FULL=1: more of them.
. tests/tap.sh
export CCACHE_DIR=${CCACHE_DIR:-${TMPDIR:-/tmp}/ccache}
gen=${BUILD:-build}/tests/rtl/gen_network
run() { # run SEED BITS [stalls|small|broadcast|mixed]...
    mkdir -p "$work/$1-$2" && "$gen" "$work/$1-$2" "$@"
}
icarus() ( # icarus NAME ARGUMENT...: a network that `run` has made, with its stimuli, in the other simulator
    local stimuli=$work/$1/partition_1.stimuli
    cd "$work/$1/hw/partition_1" && make -s -C sim icarus 2>"$work/warnings" || { cat "$work/warnings"; return 1; }
    vvp -n sim/sim.vvp "+in=$stimuli/input.bin" "+expect=$stimuli/output.bin" "${@:2}" | tee "$work/icarus"
    grep -q '^tb: passed' "$work/icarus"
)
check "every operator, 8 bits, map as output" run 1 8
check "the same hardware under Icarus" icarus 1-8 +images=2 +stall=60
check "residual network, 16 bits, weights in UltraRAM, random stalls" run 2 16 stalls
check "residual network, 8 bits, weights in UltraRAM, engines of one and two multipliers" run 8 8 small
check "the same hardware under Icarus" icarus 8-8 +load=load.mem +images=1
check "residual network, 8 bits, broadcast engines" run 5 8 broadcast
for seed in ${RTL_FULL:+3 4 5 6 7 8 9 10 11 12}; do
    check "network $seed, 8 bits" run "$seed" 8
    check "network $seed, 16 bits, random stalls" run "$seed" 16 stalls
    check "network $seed, 16 bits, broadcast engines" run "$seed" 16 broadcast
    check "network $seed, 8 bits, half of them broadcast engines, random stalls" run "$seed" 8 mixed stalls
done
echo "1..$n"
