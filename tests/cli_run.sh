#!/usr/bin/env bash
# run on the toy jet network: the artefacts, going on where it stopped, doing again what changed, bad input.
. tests/tap.sh
refuses() { exits 2 "$bin" "${@:2}" && one_error "$1"; } # stdout tells of the stages before

jets_data
mkdir "$work/data"
images 2 60 "$work/data/calib_batch.bin"
images 3 100 "$work/data/val_batch.bin"
images 4 80 "$work/data/test_batch.bin"
images 5 100 "$work/one.bin"
U=(run $model --data "$work/data" --device zcu104 --out "$work/run" --step 0.1)
R=("${U[@]}" --tune 10)
artefacts="calibration.json eval.json profile.json design_dense.json design_sparse.json study.json
    thresholds_baseline.json thresholds_optimised.json design_optimised.json design_tuned.json activity.json report.html run.json"

# does STAGES ARGUMENT...: the run succeeds and does exactly these stages, in this order.
does() {
    local want=$1
    shift
    "$bin" "$@" >"$work/out" 2>"$work/err" || { cat "$work/err"; return 1; }
    local done_
    done_=$(sed -n 's/^ *\([a-z]*\) done in .*/\1/p' "$work/out" | tr '\n' ' ')
    echo "did: $done_"
    [ "$done_" = "$want" ]
}
writes_everything() { for f in $artefacts; do [ -s "$work/run/$f" ] || { echo "no $f"; return 1; }; done; }
says_the_same() { # without the lines of stages, which say "kept"
    sed -n '/^accuracy/,$p' "$work/out" >"$work/again" && cmp "$work/first" "$work/again"
}
redoes() { # redoes FILE STAGES: when the file is gone, then when it was tampered with
    rm "$work/run/$1" && does "$2" "${R[@]}" && echo >>"$work/run/$1" && does "$2" "${R[@]}"
}
json_is_one_object() {
    "$bin" "${R[@]}" --json >"$work/j" 2>"$work/err" && head -c 1 "$work/j" | grep -q '{' &&
        grep -q '"study"' "$work/j" && grep -q '"dense"' "$work/j" && grep -q '^accuracy' "$work/err"
}
# A run with corrected biases, on a board so small that its hardware is soon built.
small=(--device zcu104 --cap DSP=0.03)
B=(run $model --data "$work/data" "${small[@]}" --out "$work/runb" --step 0.2 --max-loss 3 --correct-bias calib)
from=(--calib "$work/runb/calibration.json")
corrected() {
    does "calibrate eval profile explore threshold tune generate report " "${B[@]}" && cat "$work/out" || return 1
    grep -q "biases corrected by 60 images of $work/data/calib_batch.bin" "$work/out" &&
        grep -q 'At every point biases are corrected for 50.*60 images of <code>' "$work/runb/report.html" || return 1
    local f
    for f in thresholds_baseline thresholds_optimised design_optimised design_tuned; do
        grep -q '"bias_shift"' "$work/runb/$f.json" || { echo "$f has no biases"; return 1; }
    done
    ! grep -q '"bias_shift"' "$work/runb"/design_{dense,sparse,reference}.json
}
study_is_of_it() { # what the study says of the chosen point is what the thresholds file's network does
    local at point
    study=$work/runb/study.json
    at=$(chosen) point=$(figure top1 "$(chosen)")
    "$bin" eval $model --data "$work/data/val_batch.bin" --bits 16 "${from[@]}" --thresholds "$work/runb/thresholds_optimised.json" \
        --json >"$work/e" || return 1
    echo "point $at: $point and $(number top1 "$work/e")"
    [ "$at" -gt 0 ] && [ "$point" = "$(number top1 "$work/e")" ]
}
hardware_has_it() { # what generate makes of the tuned design; of the same without biases it makes other hardware
    "$bin" generate "$work/runb/design_tuned.json" --out "$work/hwb" >/dev/null && diff -r "$work/hwb" "$work/runb/hardware" || return 1
    bare "$work/runb/design_tuned.json" >"$work/runb/bare.json"
    "$bin" generate "$work/runb/bare.json" --out "$work/bare" >/dev/null || return 1
    ! diff -rq "$work/hwb" "$work/bare" >"$work/diff" && cat "$work/diff" && grep -q '\.mem' "$work/diff"
}
verified() {
    "$bin" verify "$work/runb/design_tuned.json" --data "$work/data/test_batch.bin" --images 2 --json \
        --span /blocks/blocks.1/shortcut/shortcut.0/Conv >"$work/v" && grep -q '"exact": true' "$work/v" && ! grep -q '"exact": false' "$work/v"
}
untuned() {
    does "eval profile explore threshold generate report " "${U[@]}" --tune 0 && ! grep -q tuned "$work/out" && ! grep -q "buffers hold" "$work/run/report.html" &&
        "$bin" generate "$work/run/design_optimised.json" --out "$work/hw0" >/dev/null && diff -r "$work/hw0" "$work/run/hardware"
}
divides_one_file() { # 100 records: 10, 40, 50
    does "calibrate eval profile explore threshold tune generate report " run $model --data "$work/one.bin" --device zcu104 \
        --out "$work/run1" --step 0.2 && cat "$work/out" && grep -q '^calibration: .*records 0\.\.9$' "$work/out" &&
        grep -q '^search: .*records 10\.\.49$' "$work/out" && grep -q '^test: .*records 50\.\.99$' "$work/out"
}

check "a run does every stage" does "calibrate eval profile explore threshold tune generate report " "${R[@]}"
sed -n '/^accuracy/,$p' "$work/out" >"$work/first"
check "and writes every artefact" writes_everything
check "the report's path comes last" grep -q "^report: $work/run/report.html$" <(tail -1 "$work/out")
check "a second run does nothing" does "" "${R[@]}"
check "and says the same" says_the_same
check "--json" json_is_one_object
check "calibration.json gone or changed" redoes calibration.json "calibrate "
check "eval.json gone or changed" redoes eval.json "eval report "
check "profile.json gone or changed" redoes profile.json "profile "
check "design_sparse.json gone or changed" redoes design_sparse.json "explore "
check "design_tuned.json gone or changed" redoes design_tuned.json "tune "
check "report.html gone or changed" redoes report.html "report "
check "hardware/manifest.json gone or changed" redoes hardware/manifest.json "generate "
check "study.json gone or changed" redoes study.json "threshold "
check "another loss: thresholds again" does "threshold tune generate report " "${R[@]}" --max-loss 3
check "other test images: evaluated again" does "eval threshold report " "${R[@]}" --max-loss 3 --test "$work/one.bin"
check "another batch: explored again" does "eval explore threshold tune generate report " "${R[@]}" --max-loss 3 --batch 64
check "fewer images" does "eval profile explore threshold tune generate report " "${R[@]}" --max-loss 3 --batch 64 --limit 50
check "8 bits" does "eval profile explore threshold tune generate report " "${R[@]}" --max-loss 3 --batch 64 --limit 50 --bits 8
check "one file of images is divided" divides_one_file
check "--tune 0: the optimised design is the one that is built" untuned
check "and tuned again" does "tune generate report " "${R[@]}"
check "with corrected biases: named in text and report, in the files that hold thresholds" corrected
check "a second run keeps all of it" does "" "${B[@]}"
check "the study's accuracy is the corrected network's" study_is_of_it
check "the hardware is the corrected network's" hardware_has_it
if command -v verilator >/dev/null; then check "and exact beside it" verified; else skip "and exact beside it" "verilator is missing"; fi
B[${#B[@]} - 1]=$work/data/val_batch.bin
check "other images for biases: thresholds again" does "threshold tune generate report " "${B[@]}"
B=("${B[@]:0:${#B[@]} - 2}")
check "no more corrected biases: thresholds again" does "threshold tune generate report " "${B[@]}"

mkdir "$work/part" "$work/broken" "$work/newer"
cp "$work/data/val_batch.bin" "$work/part/"
echo '{"format": "skipstream.run", "version"' >"$work/broken/run.json"
echo '{"format": "skipstream.run", "version": 99}' >"$work/newer/run.json"
head -c 9219 "$work/one.bin" >"$work/three.bin"
S=(run $model --device zcu104)
check "refused: --limit 0" refuses "--limit takes" "${R[@]}" --limit 0
check "refused: --max-loss -1" refuses "--max-loss takes" "${R[@]}" --max-loss -1
check "refused: --tune 1" refuses "no interval" "${U[@]}" --tune 1
check "refused: biases by test images" refuses "shares images with the test split" "${S[@]}" --data "$work/data" --out "$work/x" \
    --correct-bias "$work/data/test_batch.bin"
check "refused: biases by no images" refuses "nowhere" "${S[@]}" --data "$work/data" --out "$work/x" --correct-bias "$work/nowhere"
check "refused: results into a file" refuses "one.bin" "${S[@]}" --data "$work/data" --out "$work/one.bin"
check "refused: not all splits" refuses "not all splits are named" "${S[@]}" --calib "$work/data/calib_batch.bin" \
    --test "$work/data/test_batch.bin" --out "$work/x"
check "refused: no such images" refuses "nowhere" "${S[@]}" --data "$work/nowhere" --out "$work/x"
check "refused: too few images to divide" refuses "too few" "${S[@]}" --data "$work/three.bin" --out "$work/x"
check "refused: test images are search images" refuses "shares images with the search split" "${S[@]}" \
    --data "$work/data" --test "$work/data/val_batch.bin" --out "$work/x"
check "refused: broken record of a run" refuses "not valid JSON" "${S[@]}" --data "$work/data" --out "$work/broken"
check "refused: record of a newer version" refuses "version 99" "${S[@]}" --data "$work/data" --out "$work/newer"
check "refused: no such device" refuses "none" run $model --data "$work/data" --device none --out "$work/x"
check "refused: a cap of nothing" refuses "cap" "${S[@]}" --data "$work/data" --out "$work/x" --cap LUT=0
check "nothing was written" test ! -e "$work/x"
echo "1..$n"
