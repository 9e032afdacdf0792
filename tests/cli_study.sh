#!/usr/bin/env bash
# One study of all policies on the example: every point is what eval, profile and estimate say by themselves, a study that
# was stopped goes on to the same bytes, and what cannot be right is refused.
. "$(dirname "$0")/tap.sh"
search=$jets/val_batch.bin test=$jets/test_batch.bin calib=$jets/calib_batch.bin
jets_data
study=$work/all.json

study() { # FILE OPTIONS...
    local out=$1
    shift
    "$bin" threshold $model --search "$search" --test "$test" --calib "$calib" --device kv260 --limit 800 --test-limit 300 \
        --step 0.25 --out "$out" "$@"
}
all_policies() {
    study "$work/all.json" --policy all --save "$work/saved" >"$work/text" || return 1
    cat "$work/text"
    local p
    for p in uniform latency-aware greedy-gain; do
        [ "$(grep -c "^$p  *\(baseline\|optimised\)  *point" "$work/text")" -eq 2 ] || return 1
    done
}
reproduced() { # POINT: by hand; where it was not run on all images, Top-1 to the images not reached
    local top1
    by_hand "$1" 800 || return 1
    if [ "$(figure judged "$1")" -eq 800 ]; then
        [ "$(figure images "$1")" -eq 800 ] && [ "$(figure top1 "$1")" = "$top1" ]
    else # images not reached count as unchanged: the race may flatter a point, not slander it
        awk -v a="$(figure top1 "$1")" -v b="$top1" 'BEGIN { exit !(a >= b - 0.5) }'
    fi
}
every_third_point() {
    local i n
    n=$(count)
    [ "$n" -gt 12 ] || return 1
    for ((i = 0; i < n; i += 3)); do reproduced $i || return 1; done
    reproduced $((n - 1))
}
raced() { # points are judged on few images, but what was chosen was run on all of them
    local i
    local -i whole=0
    for ((i = 0; i < $(count); i++)); do whole+=$(($(figure judged $i) == 800)); done
    echo "$whole of $(count) on all images"
    [ $((whole + 5)) -le "$(count)" ] || return 1
    for i in $(sed -n '/^ "policies": {/,/^ }/p' "$work/all.json" | grep '"chosen": ' | value); do
        [ "$(figure judged $i)" -eq 800 ] && [ "$(figure images $i)" -eq 800 ] || return 1
    done
}
goes_on() { # from a study whose last points are missing
    python=$(command -v python3) || return 0
    "$python" - "$work/all.json" "$work/cut.json" <<'P' || return 1
import json, sys
s = json.load(open(sys.argv[1]))
s["points"] = [p for i, p in enumerate(s["points"]) if i % 2 == 0]
s["complete"] = False
json.dump(s, open(sys.argv[2], "w"), indent=1)
P
    study "$work/cut.json" --policy all --resume >/dev/null && cmp "$work/all.json" "$work/cut.json"
}
any_memory() { # races, probes and corrected biases without a tensor kept
    study "$work/kept.json" --policy greedy-gain --correct-bias "$calib" >/dev/null &&
        study "$work/bare.json" --policy greedy-gain --correct-bias "$calib" --memory 0 >/dev/null && cmp "$work/kept.json" "$work/bare.json"
}
safe_is_safe() {
    study "$work/safe.json" --policy uniform --safe >"$work/text" || return 1
    cat "$work/text"
    # What is chosen has the upper end of its interval within the limit.
    awk '/\*/ && $1 + 0 > 0 { split($4, e, "\\.\\."); if ($4 ~ /\.\./) hi = $4; sub(/.*\.\./, "", hi); if (hi + 0 > 1) bad = 1 }
         END { exit bad }' "$work/text" && grep -q '"safe": true' "$work/safe.json"
}
whole_is_whole() { # no short cut: nothing dropped
    study "$work/whole.json" --policy uniform --whole >"$work/text" && ! grep -q judged "$work/text" &&
        grep -q '"whole": true' "$work/whole.json"
}
at() { # POINTS-FILE
    "$bin" eval $model --data "$test" --limit 10 --thresholds "$1"
}

check "all policies on both kinds of hardware in one study" all_policies
check "every third point by eval, profile and estimate" every_third_point
check "points on few images, but not what was chosen" raced
check "a study goes on to the same bytes" goes_on
check "any memory gives the same bytes" any_memory
check "--safe" safe_is_safe
check "--whole" whole_is_whole
check "a point that is not there" refused "no point 9999" at "$work/all.json:9999"
sed 's/"model": "[0-9a-f]*"/"model": "0123456789abcdef"/' "$work/all.json" >"$work/other.json"
check "points of another model" refused "another model" at "$work/other.json:1"
check "no study" refused 'holds a "skipstream.design"' at "$work/saved/design_reference.json:1"
cp "$work/other.json" "$work/going.json"
check "going on with the study of another model" refused 'another "model"' study "$work/going.json" --policy all --resume
check "going on with other options" refused 'another "max_loss"' study "$work/all.json" --policy all --resume --max-loss 2
check "going on with channels in another order" refused 'another "deal"' study "$work/all.json" --policy all --resume --deal none
check "going on with another normalisation" refused 'the reference of the study there has other figures' \
    study "$work/all.json" --policy all --resume --mean 0.01,0,0 --std 0.06,0.06,0.06
check "--max-loss below zero" refused "--max-loss takes" study "$work/no.json" --max-loss -1
check "--max-loss that is no number" refused "--max-loss takes" study "$work/no.json" --max-loss nan
check "a policy that does not exist" refused "--policy takes" study "$work/no.json" --policy uniform,best
head -c 30730 "$search" >"$work/mixed.bin" # ten of the search images, then test images
cat "$test" >>"$work/mixed.bin"
overlaps() {
    "$bin" threshold $model --search "$search" --test "$work/mixed.bin" --calib "$calib" --device zcu104 --limit 300 \
        --out "$work/no.json"
}
check "test images that hold some of the search images" refused "shares images with the search split" overlaps
check "nothing was written" [ ! -e "$work/no.json" ]
echo "1..$n"
