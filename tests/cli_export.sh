#!/usr/bin/env bash
# threshold --export: the written model in ONNX Runtime gives, image by image, the classes that skipstream gives for the
# same thresholds. Needs node and npm (installs onnxruntime-node into bench/ort); without them it is skipped.
. "$(dirname "$0")/tap.sh"

runtime() {
    command -v node >/dev/null && command -v npm >/dev/null || return 1
    [ -d bench/ort/node_modules/onnxruntime-node ] && return 0
    (cd bench/ort && timeout 120 npm install --ignore-scripts --no-audit --no-fund >/dev/null 2>&1)
}

export_model() { # MODEL SEARCH TEST OPTIONS...
    local model=$1 search=$2 test=$3
    shift 3
    cp "${model%.onnx}.input.json" "$work/out.input.json"
    rm -rf "$work/out.onnx" "$work/saved"
    "$bin" threshold "$model" --search "$search" --test "$test" --device zcu104 --hardware optimised --out "$work/s.json" \
        --export "$work/out.onnx" --save "$work/saved" "$@"
}

classes_agree() { # MODEL IMAGES LIMIT: with at most one image in a thousand on the edge between two classes
    "$bin" eval "$1" --data "$2" --limit "$3" --bits float --thresholds "$work/saved/thresholds_optimised.json" \
        --predictions "$work/ours.csv" || return 1
    node bench/ort/ort.js "$work/out.onnx" "$2" 2 "$3" "$work/theirs" || return 1
    tail -n +2 "$work/ours.csv" | cut -d, -f3 >"$work/ours"
    [ "$(wc -l <"$work/ours")" -eq "$3" ] && [ "$(wc -l <"$work/theirs")" -eq "$3" ] || return 1
    local differ
    differ=$(paste "$work/ours" "$work/theirs" | awk '$1 != $2' | wc -l)
    echo "$differ of $3 differ"
    [ "$differ" -le $(($3 / 1000)) ]
}

by_channel() { # MODEL DATA: exported with thresholds that differ from channel to channel
    "$bin" profile "$1" --data "$2" --limit 50 --out "$work/p.json" >/dev/null 2>&1 || return 1
    awk '/^ "relus"/ { on = 1 }
        !on { next }
        /"name": / { sub(/^ *"name": /, ""); sub(/,$/, ""); name = $0 }
        /"channel_zero_ratio": / { inside = 1; n = 0; next }
        inside && /\]/ {
            printf "%s%s: [", layers++ ? ",\n" : "{\"format\": \"skipstream.thresholds\", \"version\": 1, \"layers\": {", name
            for (c = 0; c < n; c++) printf "%s%.2f", c ? ", " : "", 0.01 * ((7 * c) % 23)
            printf "]"
            inside = 0
        }
        inside { n++ }
        END { print "}}" }' "$work/p.json" >"$work/saved/thresholds_optimised.json"
    "$bin" eval "$1" --data "$2" --limit 20 --thresholds "$work/saved/thresholds_optimised.json" --export "$work/out.onnx"
}

by_bias() { # MODEL DATA CALIB THRESHOLDS: exported with corrected biases; the exported model has the same answers in 16 bits
    cp "${1%.onnx}.input.json" "$work/out.input.json"
    "$bin" eval "$1" --data "$2" --limit 500 --bits 16 --calib "$3" --thresholds "$4" --predictions "$work/plain" >/dev/null ||
        return 1
    "$bin" eval "$1" --data "$2" --limit 500 --bits 16 --calib "$3" --thresholds "$4" --correct-bias "$3" \
        --predictions "$work/here" --export "$work/out.onnx" || return 1
    ! cmp -s "$work/plain" "$work/here" || return 1
    "$bin" eval "$work/out.onnx" --data "$2" --limit 500 --bits 16 --calib "$3" --predictions "$work/there" || return 1
    local differ
    differ=$(paste -d, <(cut -d, -f3 "$work/here") <(cut -d, -f3 "$work/there") | awk -F, '$1 != $2' | wc -l)
    echo "$differ differ"
    [ "$differ" -le 5 ] # of 500: the exported model's own calibration sees the thresholds, its scales may differ
}
corrected_in_float() { # MODEL DATA CALIB THRESHOLDS: the exported model in ONNX Runtime, image by image
    "$bin" eval "$1" --data "$2" --limit 1000 --thresholds "$4" --correct-bias "$3" --predictions "$work/ours.csv" \
        --export "$work/out.onnx" || return 1
    node bench/ort/ort.js "$work/out.onnx" "$2" 2 1000 "$work/theirs" || return 1
    [ "$(wc -l <"$work/theirs")" -eq 1000 ] &&
        [ "$(paste <(tail -n +2 "$work/ours.csv" | cut -d, -f3) "$work/theirs" | awk '$1 != $2' | wc -l)" -le 1 ]
}

raised() { grep -q '[1-9]' <(sed -n '/layers/,$p' "$work/saved/thresholds_optimised.json" | grep -o ': [0-9.]*'); }

jets_data
check "the example is exported" export_model examples/jets/jets.onnx "$jets/val_batch.bin" "$jets/test_batch.bin" \
    --limit 500 --test-limit 500 --max-loss 2
check "with thresholds above 0" raised
check "what was exported is a model with these thresholds" "$bin" check "$work/out.onnx"
if runtime; then
    check "the example: classes in ONNX Runtime" classes_agree examples/jets/jets.onnx "$jets/test_batch.bin" 1000
    check "eval --export, a threshold for each channel" by_channel examples/jets/jets.onnx "$jets/test_batch.bin"
    check "the example by channel: classes in ONNX Runtime" classes_agree examples/jets/jets.onnx "$jets/test_batch.bin" 1000
    printf '{"format": "skipstream.thresholds", "version": 1, "layers": {"/relu/Relu": 0.4}}' >"$work/first.json"
    set -- examples/jets/jets.onnx "$jets/test_batch.bin" "$jets/calib_batch.bin" "$work/first.json"
    check "eval --correct-bias --export: a model of its own" by_bias "$@"
    check "corrected biases: classes in ONNX Runtime" corrected_in_float "$@"
else
    skip "the example: classes in ONNX Runtime" "no node, npm or network"
fi
if ! runtime; then
    skip "resnet20_cifar10: classes in ONNX Runtime" "no node, npm or network"
elif [ ! -r "$data/resnet20_cifar10.onnx" ]; then
    skip "resnet20_cifar10: classes in ONNX Runtime" "no data in $data"
else
    check "resnet20_cifar10 is exported" export_model "$data/resnet20_cifar10.onnx" "$data/cifar10/val_batch.bin" \
        "$data/cifar10/test_batch.bin" --limit 500 --test-limit 100 --step 0.1 --refine 0
    check "with thresholds above 0" raised
    check "resnet20_cifar10: classes in ONNX Runtime" classes_agree "$data/resnet20_cifar10.onnx" \
        "$data/cifar10/test_batch.bin" 1000
    # Before the file is replaced: all of its thresholds at 0.3.
    sed -E '/"layers"/,$ s/: [0-9][0-9.e-]*/: 0.3/' "$work/saved/thresholds_optimised.json" >"$work/all.json"
    check "resnet20_cifar10 with a threshold for each channel" by_channel "$data/resnet20_cifar10.onnx" \
        "$data/cifar10/test_batch.bin"
    check "resnet20_cifar10 by channel: classes in ONNX Runtime" classes_agree "$data/resnet20_cifar10.onnx" \
        "$data/cifar10/test_batch.bin" 1000
    set -- "$data/resnet20_cifar10.onnx" "$data/cifar10/test_batch.bin" "$data/cifar10/calib_batch.bin" "$work/all.json"
    check "resnet20_cifar10 with corrected biases: a model of its own" by_bias "$@"
    check "resnet20_cifar10 with corrected biases: classes in ONNX Runtime" corrected_in_float "$@"
fi
echo "1..$n"
