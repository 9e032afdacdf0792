#!/usr/bin/env bash
# How much the short cuts of `threshold` save: the same study with them and with --whole, which runs every candidate on all
# search images from the first layer on.
#   bench/threshold.sh [NETWORK [DEVICE [IMAGES [STEP]]]]     resnet20_cifar10 zc706 1000 0.1
# Needs the data folder (SKIPSTREAM_DATA, default ../shared/data).
set -eu
cd "$(dirname "$0")/.."
bin=${BUILD:-build}/skipstream
data=${SKIPSTREAM_DATA:-../shared/data}
network=${1:-resnet20_cifar10} device=${2:-zc706} images=${3:-1000} step=${4:-0.1}
[ -r "$data/$network.onnx" ] || { echo "bench: no $data/$network.onnx" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

seconds() { # POLICY OPTIONS...: of one study without its test split, processor time, both cores together
    local policy=$1
    shift
    local TIMEFORMAT='%U'
    { time "$bin" threshold "$data/$network.onnx" --search "$data/cifar10/val_batch.bin" --test "$data/cifar10/test_batch.bin" \
        --calib "$data/cifar10/calib_batch.bin" --device "$device" --limit "$images" --test-limit 1 --step "$step" \
        --policy "$policy" --out "$work/$policy.json" "$@" >/dev/null 2>&1; } 2>&1
}
echo "$network, $device, $images search images, steps of $step; processor seconds"
printf '%-14s %10s %10s %8s\n' policy "short cuts" whole ratio
for policy in uniform latency-aware greedy-gain; do
    quick=$(seconds $policy)
    slow=$(seconds $policy --whole)
    awk -v p=$policy -v a="$quick" -v b="$slow" 'BEGIN { printf "%-14s %10.1f %10.1f %7.1fx\n", p, a, b, b / a }'
done
