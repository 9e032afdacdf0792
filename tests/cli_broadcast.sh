#!/usr/bin/env bash
# The broadcast engine from the command line, on the example network: forced, or among others; the same engines in design,
# estimate, hardware and simulation; what no such engine can be.
. tests/tap.sh
D=(--data "$jets/test_batch.bin" --calib "$jets/calib_batch.bin")
block=/blocks/blocks.0

profile() { # profile BITS
    "$bin" profile "$model" --data "$jets/val_batch.bin" --calib "$jets/calib_batch.bin" --limit 100 --bits "$1" \
        --out "$work/$1.profile.json"
}
explore() { # explore NAME BITS ENGINES
    "$bin" explore "$model" --profile "$work/$2.profile.json" --device zcu104 --cap DSP=0.05 "--engine=$3" \
        --out "$work/$1.json" --brief
}
engines() { sed -n 's/^ *"engine": "\(.*\)",$/\1/p' "$work/$1.json" | grep -v none | sort -u | tr '\n' ' '; } # engines NAME
forced() { # forced NAME BITS ENGINES WANT
    explore "$1" "$2" "$3" || return 1
    echo "engines: $(engines "$1")"
    [ "$(engines "$1")" = "$4" ]
}
never_slower() { # another kind to choose from costs nothing
    explore all 16 auto && explore crossbars 16 crossbar &&
        at_least "$(number throughput_steady "$work/all.json")" "$(number throughput_steady "$work/b16.json")" &&
        at_least "$(number throughput_steady "$work/all.json")" "$(number throughput_steady "$work/crossbars.json")"
}
two_a_dsp() { # with eight bits nearly twice the filters, and never fewer images
    echo "$(number throughput "$work/b16.json"), $(number throughput "$work/b8.json")"
    at_least "$(number throughput "$work/b8.json")" "$(awk -v t="$(number throughput "$work/b16.json")" 'BEGIN { print 1.8 * t }')"
}
estimated() { # the profile explored with, then one under thresholds
    "$bin" estimate "$work/b16.json" --profile "$work/16.profile.json" --json >"$work/same" &&
        [ "$(number throughput "$work/same")" = "$(number throughput "$work/b16.json")" ] || return 1
    local relu layers='"/relu/Relu": 0.5'
    for relu in /blocks/blocks.{0,1,2}/relu{1,2}/Relu; do layers+=", \"$relu\": 0.5"; done
    echo "{\"format\": \"skipstream.thresholds\", \"version\": 1, \"layers\": {$layers}}" >"$work/t.json"
    "$bin" profile "$model" --data "$jets/val_batch.bin" --calib "$jets/calib_batch.bin" --limit 100 \
        --thresholds "$work/t.json" --order "$work/b16.json" --out "$work/raised.json" &&
        "$bin" estimate "$work/b16.json" --profile "$work/raised.json" --json >"$work/more" &&
        at_least "$(number gain "$work/more")" 1.2
}
generated() { # only what broadcast engines are made of, two lanes a multiplier, and the same bytes again
    "$bin" generate "$work/b8.json" --calib "$jets/calib_batch.bin" --no-vivado --out "$work/hw" &&
        "$bin" generate "$work/b8.json" --calib "$jets/calib_batch.bin" --no-vivado --out "$work/again" &&
        diff -r "$work/hw" "$work/again" && grep -q 'ss_conv_broadcast #' "$work/hw/partition_1/partition_1.sv" &&
        ! grep -q 'ss_conv #' "$work/hw/partition_1/partition_1.sv" && [ -s "$work/hw/rtl/ss_mac.sv" ] &&
        [ ! -e "$work/hw/rtl/ss_crossbar.sv" ]
}
side_by_side() { # side_by_side BITS: engines that take pixels in turn, chosen where there is room for them
    "$bin" explore "$model" --profile "$work/$1.profile.json" --device zcu104 --cap DSP=0.2 --engine broadcast --out "$work/p$1.json" --brief &&
        "$bin" generate "$work/p$1.json" --calib "$jets/calib_batch.bin" --no-vivado --out "$work/hw$1" || return 1
    grep '"pixels": [248]' "$work/p$1.json" && grep -q 'PIXELS([248])' "$work/hw$1/partition_1/partition_1.sv" &&
        [ -s "$work/hw$1/rtl/ss_gather.sv" ]
}
near_the_model() { # interval of eight images within 3 %
    "$bin" simulate "$work/$1.json" "${D[@]}" --images 8 --json >"$work/sim" || return 1
    local percent
    percent=$(number over_predicted_percent "$work/sim")
    echo "$percent %"
    at_least "$percent" -3 && at_least 3 "$percent"
}
as_hardware() { # as_hardware NAME: a residual block, word for word and cycle for cycle
    local span=(--images 2 --span "$block/conv1/Conv..$block/Add")
    "$bin" verify "$work/$1.json" "${D[@]}" "${span[@]}" --json >"$work/rtl" &&
        "$bin" simulate "$work/$1.json" "${D[@]}" "${span[@]}" --json >"$work/sim" || return 1
    echo "measured $(number cycles "$work/rtl"), simulated $(number cycles "$work/sim")"
    grep -q '"exact": true' "$work/rtl" && ! grep -q '"exact": false' "$work/rtl" &&
        [ "$(number cycles "$work/rtl")" = "$(number cycles "$work/sim")" ]
}
edited() { # edited KEY VALUE MESSAGE: in the first broadcast engine, for whoever reads a design
    sed "0,/\"engine\": \"broadcast\"/b; 0,/\"$1\": /s/\"$1\": [0-9]*/\"$1\": $2/" "$work/b8.json" >"$work/bad.json"
    ! cmp -s "$work/b8.json" "$work/bad.json" || return 1
    refuses "$3" estimate "$work/bad.json" --profile "$work/8.profile.json" &&
        refuses "$3" simulate "$work/bad.json" "${D[@]}" &&
        refuses "$3" generate "$work/bad.json" --calib "$jets/calib_batch.bin" --out "$work/no" && [ ! -e "$work/no" ]
}

jets_data
check "profiles" eval 'profile 16 && profile 8'
check "--engine broadcast" forced b16 16 broadcast "broadcast "
check "--engine broadcast, 8 bits" forced b8 8 broadcast "broadcast "
check "--engine dense,broadcast" forced db 16 dense,broadcast "broadcast dense "
check "--engine broadcast,dense is the same" eval 'forced bd 16 broadcast,dense "broadcast dense " && cmp "$work/db.json" "$work/bd.json"'
check "--engine crossbar,broadcast" forced cb 16 crossbar,broadcast "broadcast crossbar "
check "auto is no slower" never_slower
check "8 bits: two filters a DSP" two_a_dsp
check "estimate" estimated
check "generate, 8 bits" generated
check "simulate: the model's interval" near_the_model b16
check "simulate: the model's interval, 8 bits" near_the_model b8
check "pixels in turn, 16 bits" side_by_side 16
check "pixels in turn, 8 bits" side_by_side 8
if command -v verilator >/dev/null; then
    check "verify: a residual block, 16 bits" as_hardware b16
    check "verify: a residual block, 8 bits" as_hardware b8
    check "verify: pixels in turn" as_hardware p16
    check "verify: pixels in turn, 8 bits" as_hardware p8
else
    skip "verify" "verilator is missing: apt-get install verilator"
fi
for list in broadcast, ,broadcast broadcast,magic auto,broadcast Broadcast "broadcast dense"; do
    check "--engine '$list'" refuses "auto, or a list of dense, crossbar and broadcast" explore "$model" \
        --profile "$work/16.profile.json" --device zcu104 "--engine=$list" --out "$work/x.json"
done
check "--dense --engine broadcast" refuses "--dense leaves only dense engines" explore "$model" --dense --device zcu104 \
    --engine broadcast --out "$work/x.json"
check "nothing was written" test ! -e "$work/x.json"
check "kernel parts that are none" edited m 10 "m = 10 parts of the kernel; legal: 1..9"
check "more filters than there are" edited co 5000 "co = 5000 filters at a time; legal: 1.."
check "filters that the sums do not divide" edited co 5 "legal: the divisors of co and of the filters"
check "groups side by side" edited gr 2 "gr = 2"
check "sums that do not divide" edited sums 3 "sums = 3; legal: the divisors of co"
check "a lane alone in its DSP" edited sums 1 "sums = 1; legal: the even divisors of co, as two lanes of 8 bits share a DSP"
check "pixels that the channels do not allow" edited pixels 5 "pixels = 5; legal: 1 to 8"
check "no pixels" edited pixels 0 "pixels"
check "no list" edited lists 0 "lists"
check "no place for results" edited results 0 "results"
check "a queue beyond measure" edited queue 5000 "queue"
echo "1..$n"
