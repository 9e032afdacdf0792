#!/usr/bin/env bash
# eval from the command line: figures on the example network and on real CIFAR-10, files it writes, bad use refused.
. tests/tap.sh
refuses() { # refuses MESSAGE COMMAND...: exit 2, and the message among the errors
    local message=$1
    shift
    "$@" >"$work/out" 2>"$work/err"
    [ $? -eq 2 ] && grep -q "error: .*$message" "$work/err" || { cat "$work/err"; return 1; }
}
value() { # value FILE KEY: a number at the top level of a JSON result
    sed -n "s/^ \"$2\": \([-0-9.e+]*\),*$/\1/p" "$1"
}
at_least() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b) }'; }
same_classes() { # predicted classes of two files, how many per mille agree
    paste -d, <(tail -n +2 "$1") <(tail -n +2 "$2") | awk -F, '{ n++; same += $3 == $7 } END { print 1000 * same / n }'
}
eval_json() { # eval_json NAME ARGUMENTS...: result in NAME.json, predictions in NAME.csv
    local name=$1
    shift
    "$bin" eval "$@" --json --predictions "$work/$name.csv" >"$work/$name.json"
}

# ---- the example network ----
model=examples/jets/jets.onnx
cc -std=c11 -O2 -ffp-contract=off -o "$work/jets" examples/jets/jets.c -lm && "$work/jets" 4 400 "$work/jets.bin"

integers_agree() {
    eval_json float "$model" --data "$work/jets.bin" &&
        eval_json 16 "$model" --data "$work/jets.bin" --bits 16 &&
        eval_json 8 "$model" --data "$work/jets.bin" --bits 8 || return 1
    echo "16 bits: $(same_classes "$work/float.csv" "$work/16.csv"), 8: $(same_classes "$work/float.csv" "$work/8.csv")"
    at_least "$(same_classes "$work/float.csv" "$work/16.csv")" 990 &&
        at_least "$(same_classes "$work/float.csv" "$work/8.csv")" 950
}
figures_are_whole() {
    [ "$(value "$work/8.json" images)" = 400 ] && at_least "$(value "$work/8.json" top1)" 70 &&
        at_least "$(value "$work/8.json" top5)" "$(value "$work/8.json" top1)" &&
        at_least "$(value "$work/8.json" images_per_second)" 1 && grep -q '"accumulator_bits_max"' "$work/8.json" &&
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
check "--limit 0" refuses "whole number" "${e[@]}" --limit 0
check "--bits 12" refuses "16 or 8" "${e[@]}" --bits 12
check "--isa mmx" refuses "avx512" "${e[@]}" --isa mmx
check "no --data" refuses "required" "$bin" eval "$model"
check "missing model" refuses "nowhere.onnx" "$bin" eval "$work/nowhere.onnx" --data "$work/jets.bin"
check "missing images" refuses "nowhere" "$bin" eval "$model" --data "$work/nowhere"
check "truncated images" refuses "short.bin" "$bin" eval "$model" --data "$work/short.bin"
check "calibration that is none" refuses "artefact" "${e[@]}" --bits 8 --calib "$work/8.json"
check "unwritable predictions" refuses "write" "${e[@]}" --predictions "$work/none/p.csv"
check "--mean without --std" refuses "std" "${e[@]}" --mean 0.5,0.5,0.5

# ---- real networks ----
real="resnet20: 16 bits agree with float on 300 images, 8 bits within 2 points"
resnet20() {
    local args=("$data/resnet20_cifar10.onnx" --data "$data/cifar10/test_batch.bin" --limit 300
        --calib "$data/cifar10/calib_batch.bin")
    eval_json rf "${args[@]}" && eval_json r16 "${args[@]}" --bits 16 && eval_json r8 "${args[@]}" --bits 8 || return 1
    echo "$(value "$work/rf.json" top1) $(value "$work/r16.json" top1) $(value "$work/r8.json" top1)"
    at_least "$(same_classes "$work/rf.csv" "$work/r16.csv")" 990 &&
        at_least "$(value "$work/rf.json" top1)" 88 &&
        at_least "$(value "$work/r8.json" top1)" "$(awk -v a="$(value "$work/rf.json" top1)" 'BEGIN { print a - 2 }')"
}
if [ -r "$data/resnet20_cifar10.onnx" ] && [ -r "$data/cifar10/test_batch.bin" ]; then check "$real" resnet20
else skip "$real" "no $data"; fi
echo "1..$n"
