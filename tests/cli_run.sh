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
R=(run $model --data "$work/data" --device zcu104 --out "$work/run" --step 0.1)
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

mkdir "$work/part" "$work/broken" "$work/newer"
cp "$work/data/val_batch.bin" "$work/part/"
echo '{"format": "skipstream.run", "version"' >"$work/broken/run.json"
echo '{"format": "skipstream.run", "version": 99}' >"$work/newer/run.json"
head -c 9219 "$work/one.bin" >"$work/three.bin"
S=(run $model --device zcu104)
check "refused: --limit 0" refuses "--limit takes" "${R[@]}" --limit 0
check "refused: --max-loss -1" refuses "--max-loss takes" "${R[@]}" --max-loss -1
check "refused: results into a file" refuses "one.bin" "${S[@]}" --data "$work/data" --out "$work/one.bin"
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
