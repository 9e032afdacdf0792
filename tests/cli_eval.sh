#!/usr/bin/env bash
# eval from the command line: figures on the example network and on real CIFAR-10, files it writes, bad use refused.
. tests/tap.sh
same_classes() { # predicted classes of two files, how many per mille agree
    paste -d, <(tail -n +2 "$1") <(tail -n +2 "$2") | awk -F, '{ n++; same += $3 == $7 } END { print 1000 * same / n }'
}
eval_json() { # eval_json NAME ARGUMENTS...: result in NAME.json, predictions in NAME.csv
    local name=$1
    shift
    "$bin" eval "$@" --json --predictions "$work/$name.csv" >"$work/$name.json"
}

# ---- the example network ----
jets_data
images 4 400 "$work/jets.bin"

integers_agree() {
    eval_json float "$model" --data "$work/jets.bin" &&
        eval_json 16 "$model" --data "$work/jets.bin" --bits 16 &&
        eval_json 8 "$model" --data "$work/jets.bin" --bits 8 || return 1
    echo "16 bits: $(same_classes "$work/float.csv" "$work/16.csv"), 8: $(same_classes "$work/float.csv" "$work/8.csv")"
    at_least "$(same_classes "$work/float.csv" "$work/16.csv")" 990 &&
        at_least "$(same_classes "$work/float.csv" "$work/8.csv")" 950
}
figures_are_whole() {
    [ "$(number images "$work/8.json")" = 400 ] && at_least "$(number top1 "$work/8.json")" 70 &&
        at_least "$(number top5 "$work/8.json")" "$(number top1 "$work/8.json")" &&
        at_least "$(number images_per_second "$work/8.json")" 1 && grep -q '"accumulator_bits_max"' "$work/8.json" &&
        grep -q '"integer"' "$work/8.json" && [ "$(wc -l <"$work/8.csv")" = 401 ]
}
isas_agree() {
    local isa
    for isa in portable avx2 avx512; do
        "$bin" eval "$model" --data "$work/jets.bin" --bits 8 --isa $isa --threads 3 --predictions "$work/$isa.csv" \
            2>"$work/err" || { grep -q "this processor has no" "$work/err" && continue; return 1; }
        cmp "$work/8.csv" "$work/$isa.csv" || return 1
    done
}
calibration_is_kept() {
    "$bin" eval "$model" --data "$work/jets.bin" --bits 8 --save-calib "$work/calib.json" &&
        eval_json again "$model" --data "$work/jets.bin" --bits 8 --calib "$work/calib.json" &&
        cmp "$work/8.csv" "$work/again.csv"
}
says_where_ranges_are_from() {
    "$bin" eval "$model" --data "$work/jets.bin" --bits 8 --limit 10 2>&1 | grep -q "first 10 images of the data"
}
check "integers agree with float" integers_agree
check "the result has its figures" figures_are_whole
check "the same predictions on every instruction set" isas_agree
check "a saved calibration gives the same integers" calibration_is_kept
check "says what ranges were measured on" says_where_ranges_are_from

# ---- bad use ----
e=("$bin" eval "$model" --data "$work/jets.bin")
head -c 5000 "$work/jets.bin" >"$work/short.bin"
check "--limit 0" refused "whole number" "${e[@]}" --limit 0
check "--bits 12" refused "16 or 8" "${e[@]}" --bits 12
check "--isa mmx" refused "avx512" "${e[@]}" --isa mmx
check "no --data" refused "required" "$bin" eval "$model"
check "missing model" refused "nowhere.onnx" "$bin" eval "$work/nowhere.onnx" --data "$work/jets.bin"
check "missing images" refused "nowhere" "$bin" eval "$model" --data "$work/nowhere"
check "truncated images" refused "short.bin" "$bin" eval "$model" --data "$work/short.bin"
check "calibration that is none" refused "artefact" "${e[@]}" --bits 8 --calib "$work/8.json"
check "unwritable predictions" refused "write" "${e[@]}" --predictions "$work/none/p.csv"
check "--mean without --std" refused "std" "${e[@]}" --mean 0.5,0.5,0.5

# ---- real networks ----
real="resnet20: 16 bits agree with float on 300 images, 8 bits within 2 points"
resnet20() {
    local args=("$data/resnet20_cifar10.onnx" --data "$data/cifar10/test_batch.bin" --limit 300
        --calib "$data/cifar10/calib_batch.bin")
    eval_json rf "${args[@]}" && eval_json r16 "${args[@]}" --bits 16 && eval_json r8 "${args[@]}" --bits 8 || return 1
    echo "$(number top1 "$work/rf.json") $(number top1 "$work/r16.json") $(number top1 "$work/r8.json")"
    at_least "$(same_classes "$work/rf.csv" "$work/r16.csv")" 990 &&
        at_least "$(number top1 "$work/rf.json")" 88 &&
        at_least "$(number top1 "$work/r8.json")" "$(awk -v a="$(number top1 "$work/rf.json")" 'BEGIN { print a - 2 }')"
}
if [ -r "$data/resnet20_cifar10.onnx" ] && [ -r "$data/cifar10/test_batch.bin" ]; then check "$real" resnet20
else skip "$real" "no $data"; fi
echo "1..$n"
