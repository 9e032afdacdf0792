#!/usr/bin/env bash
# Corrected biases on the example: a study has them at every trial, its points are what eval, profile and estimate say, its
# files carry them into hardware and ONNX, and other images are refused.
. "$(dirname "$0")/tap.sh"
search=$jets/val_batch.bin test=$jets/test_batch.bin calib=$jets/calib_batch.bin
jets_data
study=$work/c.json

study() { # FILE OPTIONS...
    local out=$1
    shift
    "$bin" threshold $model --search "$search" --test "$test" --calib "$calib" --device kv260 --limit 400 --test-limit 200 \
        --step 0.2 --max-loss 2 --refine 1 --out "$out" "$@"
}
corrected() { study "$1" --correct-bias "$calib" "${@:2}"; }
made() {
    corrected "$work/c.json" --save "$work/saved" --export "$work/out.onnx" >"$work/text" || return 1
    cat "$work/text"
    [ "$(number share "$work/c.json")" = 0.5 ] && [ "$(chosen)" -gt 0 ] && grep -q '"bias_shift"' "$work/saved/thresholds_optimised.json"
}
differs() { # from what thresholds alone do
    study "$work/plain.json" >/dev/null && grep -q '"correction": null' "$work/plain.json" &&
        [ "$(grep -c '"top1"' "$work/plain.json")" -gt 3 ] &&
        ! cmp -s <(grep '"zeros"' "$work/plain.json") <(grep '"zeros"' "$work/c.json")
}
same_bytes() { # without anything kept, on one thread
    corrected "$work/again.json" --memory 0 --threads 1 >/dev/null && cmp "$work/c.json" "$work/again.json"
}
reproduced() { # POINT
    local top1
    by_hand "$1" 400 --correct-bias "$calib" && [ "$(figure judged "$1")" -eq 400 ] && [ "$(figure top1 "$1")" = "$top1" ]
}
points_are_reproduced() {
    local i n
    n=$(count)
    [ "$n" -gt 3 ] || return 1
    for ((i = 0; i < n; i += 2)); do reproduced $i || return 1; done
}
predictions() { # FILE MODEL OPTIONS...
    "$bin" eval "$2" --data "$test" --limit 300 --calib "$calib" --bits 16 --predictions "$1" "${@:3}" >/dev/null
}
file_has_all() { # the saved file is the point with its images
    predictions "$work/a" $model --thresholds "$work/saved/thresholds_optimised.json" &&
        predictions "$work/b" $model --thresholds "$work/c.json:$(chosen)" --correct-bias "$calib" && cmp "$work/a" "$work/b"
}
exported() {
    cp "${model%.onnx}.input.json" "$work/out.input.json"
    predictions "$work/there" "$work/out.onnx" || return 1
    local differ
    differ=$(paste -d, <(cut -d, -f3 "$work/a") <(cut -d, -f3 "$work/there") | awk -F, '$1 != $2' | wc -l)
    echo "$differ differ"
    [ "$differ" -le 1 ]
}
hardware() { # DIR OPTIONS...
    "$bin" generate "$work/saved/design_optimised.json" --model $model --calib "$calib" --out "$1" "${@:2}" >/dev/null
}
biases() { sed -n '/^ "bias_shift": {/,$p' "$1" | sed -n '1,/^ }/p' | sed '$ s/,$//'; } # FILE
profile_has_them() { # and so has a design explored for it, which is the study's
    "$bin" profile $model --data "$search" --calib "$calib" --limit 400 --thresholds "$work/c.json:$(chosen)" \
        --correct-bias "$calib" --order "$work/saved/design_reference.json" --out "$work/p.json" >"$work/text" || return 1
    "$bin" explore $model --profile "$work/p.json" --device kv260 --out "$work/mine.json" --brief || return 1
    grep "biases are corrected" "$work/text" && biases "$work/mine.json" >"$work/a" && [ -s "$work/a" ] &&
        cmp "$work/a" <(biases "$work/saved/design_optimised.json") && cmp "$work/a" <(biases "$work/p.json") &&
        [ "$(number throughput "$work/mine.json")" = "$(number throughput "$work/saved/design_optimised.json")" ]
}
tuned_without() { # stalls of the network without corrected biases are not those of the profile
    "$bin" simulate "$work/saved/bare.json" --model $model --calib "$calib" --data "$search" --images 3 --brief \
        --tune "$work/tuned.json" || return 1
    refuses "other thresholds or corrected biases" explore $model --profile "$work/p.json" --device kv260 --tuned "$work/tuned.json" \
        --out "$work/no.json"
}
biases_reach_hardware() { # by the design and by the thresholds file alike
    bare "$work/saved/design_optimised.json" >"$work/saved/bare.json"
    grep -q bias_shift "$work/saved/design_optimised.json" && ! grep -q bias_shift "$work/saved/design_reference.json" || return 1
    hardware "$work/design" && hardware "$work/file" --thresholds "$work/saved/thresholds_optimised.json" &&
        diff -r "$work/design" "$work/file" || return 1
    "$bin" generate "$work/saved/bare.json" --model $model --calib "$calib" --out "$work/bare" >/dev/null || return 1
    ! diff -rq "$work/design" "$work/bare" >"$work/diff" && cat "$work/diff" && grep -q '\.mem' "$work/diff"
}
simulated() {
    "$bin" simulate "$work/saved/design_optimised.json" --model $model --calib "$calib" --data "$test" --images 4 "$@"
}
both_simulated() { # zeros are those of the corrected network
    simulated --json >"$work/s1" && simulated --json --thresholds "$work/saved/thresholds_optimised.json" >"$work/s2" &&
        cmp <(grep cycles "$work/s1") <(grep cycles "$work/s2")
}
goes_on() {
    python=$(command -v python3) || return 0
    "$python" - "$work/c.json" "$work/cut.json" <<'P' || return 1
import json, sys
s = json.load(open(sys.argv[1]))
s["points"] = s["points"][:3]
s["complete"] = False
json.dump(s, open(sys.argv[2], "w"), indent=1)
P
    corrected "$work/cut.json" --resume >/dev/null && cmp "$work/c.json" "$work/cut.json"
}
at() { refuses "$1" eval $model --data "$test" --limit 10 --bits 16 --calib "$calib" "${@:2}"; }

check "a study with corrected biases" made
check "they make a difference" differs
check "the same bytes without memory, on one thread" same_bytes
check "its points by eval, profile and estimate" points_are_reproduced
check "the saved file carries the biases" file_has_all
check "the exported model has them" exported
check "generated hardware has them" biases_reach_hardware
check "simulate takes them" both_simulated
check "a profile says them, and a design for it has them" profile_has_them
check "a design tuned without them, with that profile" tuned_without
check "a study goes on to the same bytes" goes_on
cp "$work/c.json" "$work/going.json"
check "going on without" refused 'another "correction"' study "$work/going.json" --resume
check "going on with other images" refused 'another "correction"' study "$work/going.json" --resume --correct-bias "$search"
check "a point without its images" at "give --correct-bias" --thresholds "$work/c.json:1"
check "hardware of a point without its images" refuses "from its profile alone" generate "$work/saved/design_optimised.json" \
    --model $model --calib "$calib" --out "$work/no.json" --thresholds "$work/c.json:1"
check "a point with other images" at "was corrected with other images" --thresholds "$work/c.json:1" --correct-bias "$search"
check "a file that has biases already" at "biases of its own" --thresholds "$work/saved/thresholds_optimised.json" \
    --correct-bias "$calib"
check "test images" refused "shares images with the test split" study "$work/no.json" --correct-bias "$test"
check "images that are not there" refused "$work/nothing.bin" study "$work/no.json" --correct-bias "$work/nothing.bin"
head -c 1000 "$calib" >"$work/short.bin"
check "half an image" refused "short.bin" study "$work/no.json" --correct-bias "$work/short.bin"
printf '{"format": "skipstream.thresholds", "version": 1, "layers": {}, "bias_shift": {"nowhere": [1]}}' >"$work/bad.json"
check "biases of a convolution that is not there" at "is no convolution" --thresholds "$work/bad.json"
check "nothing was written" [ ! -e "$work/no.json" ]
echo "1..$n"
