#!/usr/bin/env bash
# Images per second of `skipstream eval` in float, 16 and 8 bits beside ONNX Runtime (fp32) on the same images and
# threads, alternately, and the median of the rounds; both time inference alone. Prints one row per network and form.
#   bench/eval.sh [THREADS [ROUNDS]]
# Needs node and npm (installs onnxruntime-node into bench/ort), and SKIPSTREAM_DATA (default ../shared/data).
# LIMIT20 and LIMIT18 set the images used of ResNet-20 and ResNet-18.
set -euo pipefail
cd "$(dirname "$0")/.."
threads=${1:-$(nproc)} rounds=${2:-3}
data=${SKIPSTREAM_DATA:-../shared/data}
skipstream=${BUILD:-build}/skipstream
images=$data/cifar10/test_batch.bin
[ -x "$skipstream" ] || { echo "bench: $skipstream is missing; run make first" >&2; exit 2; }
[ -r "$images" ] || { echo "bench: $images is missing; set SKIPSTREAM_DATA" >&2; exit 2; }
[ -d bench/ort/node_modules ] || (cd bench/ort && npm install --ignore-scripts --no-audit --no-fund >&2)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run FORM MODEL LIMIT: one JSON object with images_per_second and top1
run() {
    if [ "$1" = ort ]; then
        node bench/ort/ort.js "$data/$2.onnx" "$images" "$threads" "$3"
        return
    fi
    local calib=()
    [ "$1" = float ] || calib=(--calib "$work/$2.json")
    "$skipstream" eval "$data/$2.onnx" --data "$images" --bits "$1" "${calib[@]}" --limit "$3" --threads "$threads" \
        --json 2>>"$work/log"
}

field() { # FIELD FILE...: one value a line
    local name=$1
    shift
    node -e 'for (const f of process.argv.slice(2)) console.log(JSON.parse(require("fs").readFileSync(f))[process.argv[1]])' \
        "$name" "$@"
}

median() { sort -g | sed -n "$(((rounds + 1) / 2))p"; }

echo "$threads threads, median of $rounds rounds; load average $(cut -d' ' -f1 /proc/loadavg)"
printf '%-18s %-8s %8s %10s %8s   %s\n' network form images images/s vs.ORT "Top-1 %"
for model in resnet20_cifar10 resnet18_cifar10; do
    limit=${LIMIT20:-10000}
    [ $model = resnet18_cifar10 ] && limit=${LIMIT18:-1000}
    "$skipstream" eval "$data/$model.onnx" --data "$data/cifar10/calib_batch.bin" --bits 16 --limit 200 \
        --save-calib "$work/$model.json" >/dev/null 2>>"$work/log"
    for round in $(seq "$rounds"); do
        for form in ort float 16 8; do
            run $form $model "$limit" >"$work/$model.$form.$round" || { cat "$work/log" >&2; exit 1; }
        done
    done
    base=$(field images_per_second "$work/$model".ort.* | median)
    for form in ort float 16 8; do
        rate=$(field images_per_second "$work/$model.$form".* | median)
        printf '%-18s %-8s %8d %10.1f %8.2f   %.2f\n' $model $form "$limit" "$rate" \
            "$(node -p "$rate / $base")" "$(field top1 "$work/$model.$form.1")"
    done
done
