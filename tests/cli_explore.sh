#!/usr/bin/env bash
# explore and estimate from the command line: real networks, files, options, and what must be refused.
. tests/tap.sh
model=$data/resnet20_cifar10.onnx
explore() { "$bin" explore "$model" --device u250 "$@"; }

sparse_and_dense() {
    explore --assume-zeros 0.5 --out "$work/sparse.json" && explore --dense --out "$work/dense.json" &&
        at_least "$(number throughput "$work/sparse.json")" "$(number throughput "$work/dense.json")"
}
crossbar_only() {
    explore --assume-zeros 0.5 --engine crossbar --out "$work/c.json" && ! grep -q '"engine": "dense"' "$work/c.json" &&
        at_least "$(number throughput_steady "$work/sparse.json")" "$(number throughput_steady "$work/c.json")"
}
same_bytes() { explore --assume-zeros 0.5 --out "$work/again.json" && cmp "$work/sparse.json" "$work/again.json"; }
json_result() {
    explore --assume-zeros 0.5 --out "$work/j.json" --json >"$work/j.out" &&
        grep -q '"seconds"' "$work/j.out" && ! grep -q '"seconds"' "$work/j.json" &&
        [ "$(number throughput "$work/j.out")" = "$(number throughput "$work/j.json")" ]
}
same_profile() {
    "$bin" estimate "$work/sparse.json" --assume-zeros 0.5 --json >"$work/e.out" &&
        [ "$(number throughput "$work/e.out")" = "$(number throughput "$work/sparse.json")" ]
}
more_zeros() { # on a board so small that engines, not pixels, take the time
    "$bin" explore "$model" --device zcu104 --cap DSP=0.1 --assume-zeros 0.5 --out "$work/small.json" --brief &&
        "$bin" estimate "$work/small.json" --assume-zeros 0.8 --json >"$work/e.out" &&
        at_least "$(number throughput "$work/e.out")" "$(number throughput "$work/small.json")" &&
        at_least "$(number gain "$work/e.out")" 1.2
}
lower_latency() { # than the fastest design's, which it says beside it, at no less throughput than asked for
    explore --assume-zeros 0.5 --objective latency --min-throughput 80000 --out "$work/l.json" --brief >"$work/l.out" &&
        grep -q '"objective": "latency"' "$work/l.json" && grep -q '"objective": "throughput"' "$work/sparse.json" &&
        grep -q 'for latency' "$work/l.out" && grep -q 'latency .* us' "$work/l.out" &&
        at_least "$(number latency_us "$work/sparse.json")" "$(awk '{ print 1.05 * $1 }' <<<"$(number latency_us "$work/l.json")")" &&
        at_least "$(number throughput_steady "$work/l.json")" 80000 &&
        "$bin" estimate "$work/l.json" --assume-zeros 0.5 --json >"$work/e.out" &&
        [ "$(number latency_us "$work/e.out")" = "$(number latency_us "$work/l.json")" ]
}
several_partitions() {
    "$bin" explore "$model" --assume-zeros 0.5 --device kv260 --cap LUT=0.25 --out "$work/k.json" >"$work/k.out" &&
        [ "$(grep -c '"interval"' "$work/k.json")" -gt 1 ] && at_least 0.02 "$(number gap "$work/k.json")" &&
        "$bin" estimate "$work/k.json" --assume-zeros 0.6 --brief &&
        "$bin" explore "$model" --assume-zeros 0.5 --device zcu104 --max-partitions 1 --out "$work/z.json"
}
wide_dense() { # 98 % of what 12288 multipliers at 250 MHz can do with these foldings: 5086 images/s
    "$bin" explore "$data/resnet18_cifar10.onnx" --dense --device u250 --out "$work/r18.json" &&
        at_least "$(number throughput "$work/r18.json")" 4984.3 && at_least 1 "$(number seconds <("$bin" explore \
            "$data/resnet18_cifar10.onnx" --dense --device u250 --out "$work/r18.json" --json))"
}
residual_50() {
    "$bin" explore "$data/resnet50_imagenet_structure.onnx" --assume-zeros 0.5 --device u250 --json --out "$work/r50.json" \
        >"$work/r50.out" 2>"$work/log" && at_least 5 "$(number seconds "$work/r50.out")" &&
        at_least 0.02 "$(number gap "$work/r50.out")"
}
tampered() {
    sed 's/"interval": [0-9.e+]*/"interval": 1000.0/' "$work/sparse.json" >"$work/t.json"
    refuses interval estimate "$work/t.json" --assume-zeros 0.5
}
truncated() {
    head -c 3000 "$work/sparse.json" >"$work/t.json"
    refuses "truncated" estimate "$work/t.json" --assume-zeros 0.5
}
kept_on_error() { # what cannot be explored leaves no file
    ! "$bin" explore "$model" --assume-zeros 0.5 --device kv260 --cap DSP=0.001 --out "$work/none.json" 2>/dev/null &&
        [ ! -e "$work/none.json" ]
}

if [ ! -r "$model" ]; then
    echo "ok 1 # SKIP no network at $model (set SKIPSTREAM_DATA)"
    echo "1..1"
    exit 0
fi
check "sparse is at least as fast as dense" sparse_and_dense
check "crossbars alone are no faster than the free choice" crossbar_only
check "the same command writes the same bytes" same_bytes
check "--json tells the time spent, the artefact does not" json_result
check "estimate with the same zeros gives the same throughput" same_profile
check "estimate with more zeros is faster" more_zeros
check "for latency: a lower one than the fastest design has, above a floor of throughput" lower_latency
check "a small device takes several partitions, within 2 %" several_partitions
check "dense ResNet-18 within 2 % of its multipliers' bound, in under a second" wide_dense
check "ResNet-50 at ImageNet size within 2 %, in under five seconds" residual_50
check "a changed interval is refused" tampered
check "a truncated design is refused" truncated
check "a device that fits nothing names block and resource" refuses "needs at least" explore \
    "$data/resnet18_cifar10.onnx" --assume-zeros 0.5 --device zc706 --out "$work/x.json"
check "no file is left when nothing fits" kept_on_error
check "no source of zeros" refuses "exactly one of" explore "$model" --device u250 --out "$work/x.json"
check "two sources of zeros" refuses "exactly one of" explore "$model" --dense --assume-zeros 0.5 --device u250 \
    --out "$work/x.json"
check "zeros above one" refuses "from 0 to 1" explore "$model" --assume-zeros 1.5 --device u250 --out "$work/x.json"
check "batch 0" refuses "whole number" explore "$model" --dense --batch 0 --device u250 --out "$work/x.json"
check "unknown device" refuses "u251" explore "$model" --dense --device u251 --out "$work/x.json"
check "unknown engine" refuses "auto, or a list of dense, crossbar and broadcast" explore "$model" --dense --engine magic --device u250 \
    --out "$work/x.json"
check "unknown objective" refuses "--objective takes throughput or latency" explore "$model" --dense --objective speed --device u250 \
    --out "$work/x.json"
check "a floor of throughput without the objective latency" refuses "beside the objective latency" explore "$model" --dense \
    --min-throughput 5 --device u250 --out "$work/x.json"
check "a floor of throughput that no design has" refuses "the fastest design found" explore "$model" --dense --objective latency \
    --min-throughput 1e9 --device u250 --out "$work/x.json"
check "a folder that does not exist" refuses "cannot write" explore "$model" --dense --device u250 \
    --out "$work/no/x.json"
check "estimate without a profile" refuses "exactly one of" estimate "$work/sparse.json"
check "a design of another model" refuses "another model" estimate "$work/sparse.json" --assume-zeros 0.5 --model \
    "$data/resnet50_cifar10_structure.onnx"
echo "1..$n"
