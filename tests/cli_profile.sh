#!/usr/bin/env bash
# profile and threshold on the toy jet network: results, reproducibility by other commands, bad input.
. tests/tap.sh
refuses() { refused "$1" "$bin" "${@:2}" && one_error "$1"; }
head_value() { # head_value NAME KEY FILE: the same behind "NAME"
    sed -n "/\"$1\": [[{]/,\$p" "$3" >"$work/tail" && number "$2" "$work/tail"
}

jets_data
images 2 80 "$work/calib.bin"
images 3 150 "$work/search.bin"
images 4 120 "$work/test.bin"
D=(--calib "$work/calib.bin")

profiles() { "$bin" profile $model --data "$work/search.bin" "${D[@]}" --out "$work/p.json" && [ -s "$work/p.json" ]; }
same_for_threads() {
    "$bin" profile $model --data "$work/search.bin" "${D[@]}" --threads 1 --out "$work/p1.json" &&
        "$bin" profile $model --data "$work/search.bin" "${D[@]}" --threads 3 --out "$work/p3.json" &&
        cmp "$work/p1.json" "$work/p3.json" && cmp "$work/p.json" "$work/p1.json"
}
eight_bits() {
    "$bin" profile $model --data "$work/search.bin" "${D[@]}" --bits 8 --json --out "$work/p8.json" >"$work/p8" &&
        [ "$(number bits "$work/p8")" = 8 ] && [ "$(number bits "$work/p8.json")" = 8 ]
}
accuracy_is_evals() {
    "$bin" profile $model --data "$work/test.bin" "${D[@]}" --json --out "$work/pt.json" >"$work/a" &&
        "$bin" eval $model --data "$work/test.bin" "${D[@]}" --bits 16 --json >"$work/b" &&
        [ "$(number top1 "$work/a")" = "$(number top1 "$work/b")" ] && [ "$(number images "$work/a")" = 120 ]
}
limit_is_honoured() {
    "$bin" profile $model --data "$work/search.bin" "${D[@]}" --limit 50 --json --out "$work/p50.json" >"$work/a" &&
        [ "$(number images "$work/a")" = 50 ]
}
studies() {
    "$bin" threshold $model --search "$work/search.bin" --test "$work/test.bin" "${D[@]}" --device kv260 --step 0.1 \
        --max-loss 2 --out "$work/study.json" --save "$work/chosen" --json >"$work/study.out" &&
        cmp <(grep -v seconds "$work/study.out") <(grep -v seconds "$work/study.json")
}
thresholds_raise_zeros() {
    "$bin" profile $model --data "$work/search.bin" "${D[@]}" --thresholds "$work/chosen/thresholds_optimised.json" \
        --out "$work/pr.json" &&
        awk -v a="$(head_value relus zero_ratio "$work/p.json")" -v b="$(head_value relus zero_ratio "$work/pr.json")" \
            'BEGIN { exit !(b > a) }'
}
eval_agrees_with_the_study() {
    "$bin" eval $model --data "$work/test.bin" "${D[@]}" --bits 16 \
        --thresholds "$work/chosen/thresholds_optimised.json" --json >"$work/b" || return 1
    tac "$work/study.json" | sed '/"test": {/q' | tac >"$work/tests" # the last such object
    echo "$(head_value optimised top1 "$work/tests") and $(number top1 "$work/b")"
    [ "$(head_value optimised top1 "$work/tests")" = "$(number top1 "$work/b")" ]
}
estimate_agrees_with_the_study() { # the reference design, fed with the profile under the chosen thresholds
    "$bin" profile $model --data "$work/search.bin" "${D[@]}" --thresholds "$work/chosen/thresholds_baseline.json" \
        --order "$work/chosen/design_reference.json" --out "$work/pb.json" &&
        "$bin" estimate "$work/chosen/design_reference.json" --profile "$work/pb.json" --json >"$work/e" || return 1
    local at
    at=$(head_value chosen baseline "$work/study.json")
    grep -A3 '"baseline": {' "$work/study.json" | grep throughput\" | sed -n "$((at + 1))p"
    [ "$(grep -A3 '"baseline": {' "$work/study.json" | grep -o 'throughput": [0-9.]*' | sed -n "$((at + 1))p")" = \
        "throughput\": $(number throughput "$work/e")" ]
}

check "profile of a network" profiles
check "the same profile from any number of threads" same_for_threads
check "8 bits" eight_bits
check "accuracy is that of eval" accuracy_is_evals
check "--limit" limit_is_honoured
check "threshold study, --json is the artefact" studies
check "thresholds raise the share of zeros" thresholds_raise_zeros
check "a chosen point by eval alone" eval_agrees_with_the_study
check "a chosen point by estimate alone" estimate_agrees_with_the_study

P=(profile $model --data "$work/search.bin" --out "$work/x.json")
T=(threshold $model --search "$work/search.bin" --test "$work/test.bin" --device zcu104 --out "$work/x.json")
head -c 5000 "$work/search.bin" >"$work/short.bin"
{ printf '\007'; tail -c 3072 "$work/search.bin"; } >"$work/label.bin"
echo '{"format": "skipstream.thresholds", "version": 1, "layers": {"nobody": 0.1}}' >"$work/unknown.json"
: >"$work/empty.bin"
check "refused: --limit 0" refuses "--limit takes" "${P[@]}" --limit 0
check "refused: --bits 4" refuses "--bits takes" "${P[@]}" --bits 4
check "refused: no such images" refuses "none.bin" profile $model --data "$work/none.bin" --out "$work/x.json"
check "refused: half a record" refuses "short.bin" profile $model --data "$work/short.bin" --out "$work/x.json"
check "refused: no record" refuses "empty.bin" profile $model --data "$work/empty.bin" --out "$work/x.json"
check "refused: label outside the classes" refuses "label.bin" profile $model --data "$work/label.bin" --out "$work/x.json"
check "refused: no such model" refuses "none.onnx" profile none.onnx --data "$work/search.bin" --out "$work/x.json"
check "refused: model that is none" refuses "search.bin" profile "$work/search.bin" --data "$work/search.bin" --out "$work/x.json"
check "refused: folder for the profile" refuses "is a folder" profile $model --data "$work/search.bin" --out "$work"
check "refused: no folder for the profile" refuses "cannot write" profile $model --data "$work/search.bin" --out "$work/no/x.json"
check "refused: thresholds of another network" refuses "nobody" "${P[@]}" --thresholds "$work/unknown.json"
check "refused: profile as thresholds" refuses "skipstream.profile" "${P[@]}" --thresholds "$work/p.json"
check "refused: no such calibration" refuses "none.bin" "${P[@]}" --calib "$work/none.bin"
check "refused: search images are test images" refuses "shares images" threshold $model --search "$work/search.bin" \
    --test "$work/search.bin" --device zcu104 --out "$work/x.json"
check "refused: --max-loss -1" refuses "--max-loss takes" "${T[@]}" --max-loss -1
check "refused: --hardware fast" refuses "--hardware takes" "${T[@]}" --hardware fast
check "refused: --policy best" refuses "--policy takes" "${T[@]}" --policy best
check "refused: --step 0" refuses "--step takes" "${T[@]}" --step 0
check "refused: no such device" refuses "none" threshold $model --search "$work/search.bin" --test "$work/test.bin" \
    --device none --out "$work/x.json"
check "refused: --test-limit 0" refuses "--test-limit takes" "${T[@]}" --test-limit 0
check "nothing was written" test ! -e "$work/x.json"
echo "1..$n"
