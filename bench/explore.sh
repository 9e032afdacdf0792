#!/usr/bin/env bash
# Exploration against the reference tool, in one run: throughput, bound, gap, time on one core. The reference's figures
# are measurements of fpgaConvNet's optimiser on the same device, clock, width and batch (U250, 250 MHz, 16 bits, 256),
# on two shared cores; its resource model has no cost for a crossbar, ours has.
#   bench/explore.sh            needs the networks in ${SKIPSTREAM_DATA:-../shared/data}
set -eu
bin=${BUILD:-build}/skipstream
data=${SKIPSTREAM_DATA:-../shared/data}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
value() { sed -n "s/^ \"$1\": *\([0-9.e+-]*\),*$/\1/p" "$work/out" | head -n1; }
resource() { # sums over partitions: the "resources" of partitions stand two levels in
    awk -v key="\"$1\":" '/^   "resources": \{/ { on = 1 } on && $1 == key { sub(",", "", $2); s += $2 } /^   \},?$/ { on = 0 }
        END { print s + 0 }' "$work/out"
}
row() { # row NETWORK LABEL REFERENCE REFERENCE-SECONDS OPTION...
    local network=$1 label=$2 reference=$3 spent=$4
    shift 4
    if [ ! -r "$data/$network.onnx" ]; then
        echo "$network: not in $data"
        return
    fi
    local status=0
    OMP_NUM_THREADS=1 "$bin" explore "$data/$network.onnx" "$@" --threads 1 --json --out "$work/d.json" >"$work/out" \
        2>"$work/err" || status=$?
    if [ "$status" -ne 0 ]; then
        printf '%-28s %-34s %s\n' "$network" "$label" "$(grep -c 'error:' "$work/err") block(s) fit in no design"
        return
    fi
    printf '%-28s %-34s %9.1f %9.1f %9.1f %6.2f %4d %6d %8d %6d %5d %-7s %7.2f  %8s %8s\n' "$network" "$label" \
        "$(value throughput)" "$(value throughput_steady)" "$(value bound)" \
        "$(awk -v g="$(value gap)" 'BEGIN { print 100 * g }')" "$(grep -c '"slowest"' "$work/out")" "$(resource dsp)" \
        "$(resource lut)" "$(resource bram18)" "$(resource uram)" \
        "$(sed -n 's/.*"binding": "\(.*\)",/\1/p' "$work/out" | head -n1)" "$(value seconds)" "$reference" "$spent"
}
printf '%-28s %-34s %9s %9s %9s %6s %4s %6s %8s %6s %5s %-7s %7s  %8s %8s\n' network options images/s steady bound 'gap %' \
    part dsp lut bram18 uram binding s 'ref im/s' 'ref s'
u="--device u250"
row resnet18_cifar10 "u250 dense" 3721 25 $u --dense
row resnet18_cifar10 "u250 50 % zeros" 2485 77-328 $u --assume-zeros 0.5
row resnet18_cifar10 "u250 70 % zeros" 3040 61 $u --assume-zeros 0.7
row resnet18_imagenet_structure "u250 dense" 761 33 $u --dense
row resnet18_imagenet_structure "u250 50 % zeros" 311 376 $u --assume-zeros 0.5
row resnet50_cifar10_structure "u250 dense" - ">1137" $u --dense
row resnet50_cifar10_structure "u250 50 % zeros" - - $u --assume-zeros 0.5
row resnet50_imagenet_structure "u250 dense" - - $u --dense
row resnet50_imagenet_structure "u250 50 % zeros" - - $u --assume-zeros 0.5
row resnet18_cifar10 "u250 dense, 80 % caps" - - $u --dense --cap LUT=0.8,DSP=0.8,BRAM18=0.8,URAM=0.8
row resnet50_imagenet_structure "u250 50 %, 25-30 % of the memory" - - $u --assume-zeros 0.5 --cap BRAM18=0.25,URAM=0.3
row resnet50_cifar10_structure "u50 50 %" - - --device u50 --assume-zeros 0.5
row resnet50_imagenet_structure "u50 50 %" - - --device u50 --assume-zeros 0.5
row resnet20_cifar10 "zcu104 50 %" - - --device zcu104 --assume-zeros 0.5
row resnet20_cifar10 "zcu104 50 %, batch 1000000" - - --device zcu104 --assume-zeros 0.5 --batch 1000000
row resnet20_cifar10 "zc706 50 %" - - --device zc706 --assume-zeros 0.5
row resnet20_cifar10 "zc706 50 %, batch 1000000" - - --device zc706 --assume-zeros 0.5 --batch 1000000
row resnet20_cifar10 "kv260 50 %" - - --device kv260 --assume-zeros 0.5
row resnet20_cifar10 "kv260 50 %, a quarter of the LUTs" - - --device kv260 --assume-zeros 0.5 --cap LUT=0.25
row resnet18_cifar10 "zcu104 50 %, 8 bits" - - --device zcu104 --assume-zeros 0.5 --bits 8
