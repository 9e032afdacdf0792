#!/usr/bin/env bash
# skipstream check on real networks and on bad input: figures, exit status, JSON, dumps. Speaks TAP.
set -u
ss=${BUILD:-build}/skipstream
data=${SKIPSTREAM_DATA:-../shared/data}
vectors=/usr/share/libonnx-testdata/data
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0

ok() { # name, then a command that must succeed
    n=$((n + 1))
    local name=$1
    shift
    if "$@" >"$tmp/log" 2>&1; then echo "ok $n - $name"; else echo "not ok $n - $name"; sed 's/^/# /' "$tmp/log" | head -5; fi
}
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }
exits() { local want=$1; shift; "$@" >"$tmp/out" 2>"$tmp/err"; [ $? -eq "$want" ]; }
field() { /usr/bin/python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }

network() { # file, MACs, weights, output
    exits 0 "$ss" check "$data/$1.onnx" --json || return 1
    [ "$(field "$tmp/out" macs)" = "$2" ] && [ "$(field "$tmp/out" weights)" = "$3" ] &&
        [ "$(field "$tmp/out" output)" = "$4" ] && [ "$(field "$tmp/out" supported)" = True ]
}
while read -r name macs weights output; do
    if [ -r "$data/$name.onnx" ]; then ok "$name: $macs MACs" network "$name" "$macs" "$weights" "$output"
    else skip "$name" "no $data/$name.onnx"; fi
done <<'END'
resnet20_cifar10 40551040 268336 10x1x1
resnet18_cifar10 555422720 11164352 10x1x1
resnet50_cifar10_structure 1297829888 23467712 10x1x1
resnet18_imagenet_structure 1814073344 11678912 1000x1x1
resnet50_imagenet_structure 4089184256 25502912 1000x1x1
END

same_dump() { # every pass prints, and the last differs from the first
    local model=$data/resnet20_cifar10.onnx
    exits 0 "$ss" check "$model" --dump import && mv "$tmp/out" "$tmp/first" && grep -q batchnorm "$tmp/first" &&
        exits 0 "$ss" check "$model" --dump=fuse-relu && grep -q 'act="/Relu"' "$tmp/out" && ! grep -q batchnorm "$tmp/out"
}
table() {
    exits 0 "$ss" check "$data/resnet20_cifar10.onnx" && grep -q 'all supported' "$tmp/out" &&
        grep -Eq '^/conv1/Conv +Conv +16x32x32 +442368 +432 +ok$' "$tmp/out" && grep -q 'fused: into /conv1/Conv' "$tmp/out"
}
truncated() {
    head -c 500000 "$data/resnet20_cifar10.onnx" >"$tmp/cut.onnx"
    exits 2 "$ss" check "$tmp/cut.onnx" && [ "$(grep -c error "$tmp/err")" -eq 1 ]
}
if [ -r "$data/resnet20_cifar10.onnx" ]; then
    ok "table of nodes" table
    ok "dumps before and after the passes" same_dump
    ok "an unknown pass is named with the legal ones" \
        eval 'exits 2 "$ss" check "$data/resnet20_cifar10.onnx" --dump=nonsense && grep -q "import, dead-code" "$tmp/err"'
    ok "truncated file: one error, exit 2" truncated
else
    for name in table dumps pass truncated; do skip "$name" "no $data/resnet20_cifar10.onnx"; done
fi

unsupported() {
    local model=$vectors/pytorch-converted/test_PReLU_2d/model.onnx
    exits 1 "$ss" check "$model" && grep -q 'remedy: use ReLU' "$tmp/out" && [ ! -s "$tmp/err" ] &&
        exits 1 "$ss" check "$model" --json && [ "$(field "$tmp/out" supported)" = False ] &&
        field "$tmp/out" unsupported | grep -q "'op': 'PRelu'"
}
# The vector says opset 6, in its last byte; make it 9.
reopset() { head -c -1 "$1" && printf '\x09'; }
if [ -d "$vectors/pytorch-converted" ]; then
    mkdir -p "$tmp/v/pytorch-converted/test_PReLU_2d"
    reopset "$vectors/pytorch-converted/test_PReLU_2d/model.onnx" >"$tmp/v/pytorch-converted/test_PReLU_2d/model.onnx"
    vectors=$tmp/v
    ok "unsupported: exit 1, remedy in the table and in JSON" unsupported
else
    skip "unsupported" "libonnx-testdata is not installed"
fi

: >"$tmp/empty.onnx"
echo "no model at all" >"$tmp/text.onnx"
ok "empty file" eval 'exits 2 "$ss" check "$tmp/empty.onnx" && grep -q "the file is empty" "$tmp/err"'
ok "text file" eval 'exits 2 "$ss" check "$tmp/text.onnx" && grep -q "not a readable ONNX model" "$tmp/err"'
ok "missing file" eval 'exits 2 "$ss" check "$tmp/none.onnx" && grep -q "cannot open" "$tmp/err"'
ok "a folder" exits 2 "$ss" check "$tmp"
ok "no operand" exits 2 "$ss" check
echo "1..$n"
