#!/usr/bin/env bash
# simulate from the command line: cycle for cycle what the hardware in Verilator takes, for a residual block and for the
# whole example network; a FIFO that is too small stops both; what must be refused.
. tests/tap.sh
block=/blocks/blocks.0
common=("$work/one.json" --data "$jets/test_batch.bin" --calib "$jets/calib_batch.bin")
prepare() {
    "$bin" profile "$model" --data "$jets/val_batch.bin" --calib "$jets/calib_batch.bin" --limit 100 --bits 16 \
            --out "$work/profile.json" &&
        "$bin" explore "$model" --profile "$work/profile.json" --device zcu104 --cap DSP=0.05 --out "$work/one.json" --brief
}
same_cycles() { # same_cycles NAME ARGUMENT...: of the whole run, and of each image's last word
    local name=$1
    shift
    "$bin" simulate "${common[@]}" --images 3 "$@" --json >"$work/$name.sim" &&
        "$bin" verify "${common[@]}" --images 3 "$@" --keep "$work/$name" --json >"$work/$name.rtl" || return 1
    local ends measured
    ends=$(tr -d ' \n' <"$work/$name.sim" | sed 's/.*"last_cycle":\[\([^]]*\)\].*/\1/')
    measured=$(grep '"output"' "$work/$name/partition_1.result.json" | tr -d ' ' | sed 's/.*"last_cycle":\[\([^]]*\)\].*/\1/')
    echo "simulated $ends, measured $measured"
    [ "$ends" = "$measured" ] && [ "$(number cycles "$work/$name.sim")" = "$(number cycles "$work/$name.rtl")" ]
}
spread() { # more images than one report: percentiles in order
    "$bin" simulate "${common[@]}" --images 20 --json >"$work/spread" &&
        awk '/"p5"/ { gsub(/[^0-9.]/, "", $2); a = $2 + 0 } /"p95"/ { gsub(/[^0-9.]/, "", $2); if (a > $2 + 0) bad = 1; seen++ }
             END { exit bad || seen != 2 }' "$work/spread"
}

tuned() { # sized FIFOs and stalls go into the design, into the SystemVerilog, and back into the exploration
    local depth words
    "$bin" simulate "${common[@]}" --images 4 --within 0.95 --tune "$work/tuned.json" --json >"$work/tune.sim" &&
        grep -q '"sized"' "$work/tune.sim" && grep -q '"rooms"' "$work/tuned.json" && grep -q '"stall"' "$work/tuned.json" &&
        "$bin" simulate "$work/tuned.json" "${common[@]:1}" --images 4 --json >"$work/again.sim" || return 1
    depth=$(grep -m2 '"sized"' "$work/tune.sim" | tail -1 | tr -dc 0-9)
    words=$(grep '"depth"' "$work/again.sim" | sed -n 2p | tr -dc 0-9)
    "$bin" generate "$work/tuned.json" --calib "$jets/calib_batch.bin" --no-vivado --out "$work/rtl" || return 1
    echo "sized $depth, simulated $words, generated $(grep -o 'B_DEPTH([0-9]*)' "$work/rtl/partition_1/partition_1.sv")"
    [ "$depth" = "$words" ] && grep -q "B_DEPTH($depth)" "$work/rtl/partition_1/partition_1.sv" || return 1
    "$bin" explore "$model" --profile "$work/profile.json" --device zcu104 --cap DSP=0.05 --tuned "$work/tuned.json" \
        --out "$work/second.json" --brief && grep -q '"stall"' "$work/second.json" &&
        "$bin" estimate "$work/second.json" --profile "$work/profile.json" --brief &&
        "$bin" simulate "$work/second.json" "${common[@]:1}" --images 2 --brief
}
bad_rooms() { # a design whose FIFO cannot be
    sed 's/"stall": [0-9.]*/"stall": 0.5/' "$work/tuned.json" >"$work/broken.json"
    refuses "is no factor" simulate "$work/broken.json" "${common[@]:1}"
}

waveform() { # the VCD is well formed; a node is blocked, and a FIFO holds, as long and as much as the figures say
    "$bin" simulate "${common[@]}" --images 2 --cycles 0..100000000 --trace "$work/all.vcd" --levels "$work/levels" \
        --json >"$work/traced" || return 1
    local blocked most
    blocked=$(grep -A9 '"name": "/conv/Conv"' "$work/traced" | grep -m1 '"blocked"' | tr -dc 0-9)
    most=$(grep -A16 "\"name\": \"$block/Add\"" "$work/traced" | grep '"most"' | sed -n 2p | tr -dc 0-9)
    awk -v blocked="$blocked" -v most="$most" '
        $1 == "$scope" { depth++; name = $3 } $1 == "$upscope" { depth-- }
        $1 == "$var" { if ($4 in width) bad = "an identifier twice"; width[$4] = $3
                       if (name == "conv_Conv") conv = $4
                       if (name == "blocks_blocks_0_Add" && $5 == "level_1") fifo = $4 }
        $1 == "$enddefinitions" { if (depth != 0) bad = "scopes"; body = 1 }
        body && /^#/ { t = substr($1, 2) + 0; if (t < now) bad = "time goes back"; if (state == "b11") sum += t - now; now = t }
        body && /^b/ { if (!($2 in width) || length($1) - 1 != width[$2] || $1 !~ /^b[01]+$/) bad = "value " $0
                       if ($2 == conv) state = $1
                       if ($2 == fifo) { v = 0; for (i = 2; i <= length($1); i++) v = 2 * v + substr($1, i, 1); if (v > top) top = v } }
        END { print "blocked " sum " of " blocked ", at most " top " of " most " words " bad
              exit bad != "" || sum != blocked || top != most || sum == 0 }' "$work/all.vcd" || return 1
    awk -F'\t' 'NR == 1 { n = NF } NF != n { exit 1 } END { exit NR < 100 }' "$work/levels"
}

pictures() { # pictures DESIGN: slices add up to the figures; a strip for each node and FIFO, in a file and in the report
    "$bin" simulate "$1" "${common[@]:1}" --images 2 --cycles 0..100000000 --activity "$work/activity.json" \
        --plot "$work/activity.svg" --json >"$work/figures" &&
        "$bin" report "$1" "$work/activity.json" --out "$work/activity.html" || return 1
    python3 - "$work/activity.json" "$work/figures" "$work/activity.svg" "$work/activity.html" <<'PYTHON'
import json, sys, xml.dom.minidom
activity, figures = (json.load(open(f)) for f in sys.argv[1:3])
step, slices, strips, convs = activity["step"], activity["slices"], 0, 0
for a, f in zip(activity["partitions"], figures["partitions"], strict=True):
    assert a["last_cycle"] == f["last_cycle"]
    for n, m in zip(a["nodes"], f["nodes"], strict=True):
        assert n["name"] == m["name"] and len(n["busy"]) == slices
        assert all(x >= 0 and x + y + z <= step for x, y, z in zip(n["busy"], n["starved"], n["blocked"], strict=True))
        assert sum(n["blocked"]) == m["blocked"], n["name"]
        if n["op"] == "conv":
            convs += sum(n["busy"]) > 0
            assert m["busy"] <= sum(n["busy"]) + sum(n["blocked"]) <= f["cycles"], n["name"]
        for x, y in zip(n["fifos"], m["fifos"], strict=True): # there a word that leaves when another comes needs a place
            assert max(x["most"]) <= y["most"] <= max(x["most"]) + 1 and x["depth"] == y["depth"], n["name"]
        strips += 1 + len(n["fifos"])
assert convs == 10, convs
assert xml.dom.minidom.parse(sys.argv[3]).toxml().count('class="track"') == strips
assert open(sys.argv[4]).read().count('class="track"') == strips
PYTHON
}

jets_data
check "a design of the example network" prepare
check "a waveform of what nodes do, a table of levels" waveform
check "what nodes do and FIFOs hold over time, as pictures" pictures "$work/one.json"
check "a design with broadcast engines" "$bin" explore "$model" --profile "$work/profile.json" --device zcu104 --cap DSP=0.05 \
    --engine broadcast --out "$work/broadcast.json" --brief
check "the same pictures of it" pictures "$work/broadcast.json"
check "tuned: depths and stalls in design, hardware, exploration" tuned
check "interval and latency of twenty images" spread
deadlock=("${common[@]}" --images 2 --depth "$block/Add=2")
check "a FIFO of two words: a deadlock, by name" says_no "$block/Add: its FIFO from /conv/Conv is full (2 of 2 words)" \
    "$bin" simulate "${deadlock[@]}"
stops_there() { # the join that is to blame is named, with what cures it; not those before it, which come to be full, too
    says_no "/blocks/blocks.2/Add: its FIFO from" "$bin" simulate "${common[@]}" --images 2 --depth /blocks/blocks.2/Add=2 &&
        ! grep -q "blocks.[01]/Add: its FIFO" "$work/out" && grep -q -- "--depth /blocks/blocks.2/Add:[01]=[0-9]* is the least" "$work/out"
}
check "the same behind others: that FIFO's name, and its cure" stops_there
if command -v verilator >/dev/null; then
    plain=("${common[@]}")
    common[0]=$work/tuned.json
    check "a residual block, tuned: the hardware's cycles" same_cycles block --span "$block/conv1/Conv..$block/Add"
    common=("${plain[@]}")
    common[0]=$work/broadcast.json
    check "a residual block of broadcast engines: the hardware's cycles" same_cycles wide --span "$block/conv1/Conv..$block/Add"
    common=("${plain[@]}")
    check "the whole network: the hardware's cycles" same_cycles whole
    check "the hardware with that FIFO hangs" says_no "hangs: no word moved" "$bin" verify "${deadlock[@]}" \
        --span "$block/conv1/Conv..$block/Add"
else
    for name in "a residual block" "a residual block of broadcast engines" "the whole network" "the hardware with that FIFO"; do
        skip "$name" "verilator is missing: apt-get install verilator"
    done
fi
check "a depth of no join" refuses "the model has no join" simulate "${common[@]}" --depth /conv/Conv=9
check "a depth of one word" refuses "is no depth" simulate "${common[@]}" --depth "$block/Add=1"
check "depths of given hardware" refuses "leave one out" verify "${common[@]}" --hw "$work" --depth "$block/Add=9"
check "a stall below one" bad_rooms
check "a design that was not tuned" refuses "was not tuned" explore "$model" --profile "$work/profile.json" --device zcu104 \
    --tuned "$work/one.json" --out "$work/none.json"
check "a span of cycles backwards" refuses "is no span of cycles" simulate "${common[@]}" --trace "$work/none.vcd" --cycles 9..3
check "cycles of nothing" refuses "nothing to write" simulate "${common[@]}" --cycles 3..9
check "within what is not tuned" refuses "nothing is sized" simulate "${common[@]}" --within 0.9
check "tuned in part" refuses "is tuned as it is" simulate "${common[@]}" --tune "$work/none.json" --span "$block/Add"
check "no images" refuses "whole number" simulate "${common[@]}" --images 0
check "fewer images than asked for" refuses "take fewer" simulate "${common[@]}" --images 10 --skip 4995
check "no data" refuses "--data D is required" simulate "$work/one.json"
echo "1..$n"
