#!/usr/bin/env bash
# How much the short cuts of `threshold` save: the same study with them and with --whole, which runs every candidate on all
# search images from the first layer on.
#   bench/threshold.sh [NETWORK [DEVICE [IMAGES [STEP [POLICIES]]]]]     resnet20_cifar10 zc706 1000 0.1
# NETWORK jets: the example, which needs no data folder (SKIPSTREAM_DATA, default ../shared/data). POLICIES, default all, as
# --policy; several in one study share their trials. The reference, on all images, is part of both; the test images are not.
set -eu
cd "$(dirname "$0")/.."
bin=${BUILD:-build}/skipstream
network=${1:-resnet20_cifar10} device=${2:-zc706} images=${3:-1000} step=${4:-0.1} policies=${5:-uniform latency-aware greedy-gain all}
export OMP_WAIT_POLICY=passive # on a busy machine, waiting threads would count
if [ "$network" = jets ]; then
    make -s jets-data >/dev/null
    model=examples/jets/jets.onnx data=${BUILD:-build}/jets
else
    data=${SKIPSTREAM_DATA:-../shared/data}/cifar10 model=${SKIPSTREAM_DATA:-../shared/data}/$network.onnx
fi
[ -r "$model" ] || { echo "bench: no $model" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

seconds() { # POLICY OPTIONS...: processor time of one study, both cores together
    local policy=$1
    shift
    local TIMEFORMAT='%U'
    { time "$bin" threshold "$model" --search "$data/val_batch.bin" --test "$data/test_batch.bin" \
        --calib "$data/calib_batch.bin" --device "$device" --engine crossbar --limit "$images" --test-limit 1 --step "$step" \
        --policy "$policy" --out "$work/$policy.json" "$@" >"$work/out" 2>&1; } 2>&1
}
chosen() { # POLICY: gains on both kinds of hardware
    sed -n "s/^$1 .*throughput \([+-][0-9.]*\) %,.*/\1/p" "$work/out" | paste -sd/ -
}
echo "$network, $device, crossbars, $images search images, steps of $step; processor seconds, and gains in percent, baseline/optimised"
printf '%-14s %10s %10s %8s %14s %14s\n' policy "short cuts" whole ratio "gains" "gains, whole"
for policy in $policies; do
    quick=$(seconds "$policy")
    gain=$(chosen "$policy")
    slow=$(seconds "$policy" --whole)
    printf '%-14s %10.1f %10.1f %7.1fx %14s %14s\n' "$policy" "$quick" "$slow" \
        "$(awk -v a="$quick" -v b="$slow" 'BEGIN { print b / a }')" "$gain" "$(chosen "$policy")"
done
