#!/usr/bin/env bash
# skipstream check on real networks and on bad input: figures, exit status, JSON, dumps. Speaks TAP.
. tests/tap.sh
vectors=/usr/share/libonnx-testdata/data

field() { /usr/bin/python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }

network() { # file, MACs, weights, output
    exits 0 "$bin" check "$data/$1.onnx" --json || return 1
    [ "$(field "$work/out" macs)" = "$2" ] && [ "$(field "$work/out" weights)" = "$3" ] &&
        [ "$(field "$work/out" output)" = "$4" ] && [ "$(field "$work/out" supported)" = True ]
}
while read -r name macs weights output; do
    if [ -r "$data/$name.onnx" ]; then check "$name: $macs MACs" network "$name" "$macs" "$weights" "$output"
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
    exits 0 "$bin" check "$model" --dump import && mv "$work/out" "$work/first" && grep -q batchnorm "$work/first" &&
        exits 0 "$bin" check "$model" --dump=fuse-relu && grep -q 'act="/Relu"' "$work/out" && ! grep -q batchnorm "$work/out"
}
table() {
    exits 0 "$bin" check "$data/resnet20_cifar10.onnx" && grep -q 'all supported' "$work/out" &&
        grep -Eq '^/conv1/Conv +Conv +16x32x32 +442368 +432 +ok$' "$work/out" && grep -q 'fused: into /conv1/Conv' "$work/out"
}
truncated() {
    head -c 500000 "$data/resnet20_cifar10.onnx" >"$work/cut.onnx"
    exits 2 "$bin" check "$work/cut.onnx" && [ "$(grep -c error "$work/err")" -eq 1 ]
}
if [ -r "$data/resnet20_cifar10.onnx" ]; then
    check "table of nodes" table
    check "dumps before and after the passes" same_dump
    check "an unknown pass is named with the legal ones" \
        eval 'exits 2 "$bin" check "$data/resnet20_cifar10.onnx" --dump=nonsense && grep -q "import, dead-code" "$work/err"'
    check "truncated file: one error, exit 2" truncated
else
    for name in table dumps pass truncated; do skip "$name" "no $data/resnet20_cifar10.onnx"; done
fi

unsupported() {
    local model=$vectors/pytorch-converted/test_PReLU_2d/model.onnx
    exits 1 "$bin" check "$model" && grep -q 'remedy: use ReLU' "$work/out" && [ ! -s "$work/err" ] &&
        exits 1 "$bin" check "$model" --json && [ "$(field "$work/out" supported)" = False ] &&
        field "$work/out" unsupported | grep -q "'op': 'PRelu'"
}
# The vector says opset 6, in its last byte; make it 9.
reopset() { head -c -1 "$1" && printf '\x09'; }
if [ -d "$vectors/pytorch-converted" ]; then
    mkdir -p "$work/v/pytorch-converted/test_PReLU_2d"
    reopset "$vectors/pytorch-converted/test_PReLU_2d/model.onnx" >"$work/v/pytorch-converted/test_PReLU_2d/model.onnx"
    vectors=$work/v
    check "unsupported: exit 1, remedy in the table and in JSON" unsupported
else
    skip "unsupported" "libonnx-testdata is not installed"
fi

: >"$work/empty.onnx"
echo "no model at all" >"$work/text.onnx"
check "empty file" eval 'exits 2 "$bin" check "$work/empty.onnx" && grep -q "the file is empty" "$work/err"'
check "text file" eval 'exits 2 "$bin" check "$work/text.onnx" && grep -q "not a readable ONNX model" "$work/err"'
check "missing file" eval 'exits 2 "$bin" check "$work/none.onnx" && grep -q "cannot open" "$work/err"'
check "a folder" exits 2 "$bin" check "$work"
check "no operand" exits 2 "$bin" check
echo "1..$n"
