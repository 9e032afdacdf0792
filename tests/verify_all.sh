#!/usr/bin/env bash
# The long verifications: real networks on real images. TAP on stdout; every result is appended to $LOG (default
# build/verify-all.log) with what it was made from, and an item whose line is there already is not run again.
#   SKIPSTREAM_DATA   the folder with the networks and images
#   ITEMS             names of items, to run only these
set -u
bin=${BUILD:-build}/skipstream
data=${SKIPSTREAM_DATA:-../shared/data}
folder=${BUILD:-build}/verify-all
LOG=${LOG:-${BUILD:-build}/verify-all.log}
export CCACHE_DIR=${CCACHE_DIR:-${TMPDIR:-/tmp}/ccache}
mkdir -p "$folder"
made_from=$(cat "$bin" rtl/*.sv rtl/sim/tb.cpp | sha256sum | cut -c1-12)
n=0 failed=0

thresholds() { # thresholds MODEL T FILE: the same for every ReLU
    "$bin" profile "$1" --data "$data/cifar10/val_batch.bin" --limit 1 --out "$folder/names.json" --json 2>/dev/null |
        python3 -c 'import json, sys
relus = json.load(sys.stdin)["relus"]
json.dump({"format": "skipstream.thresholds", "version": 1, "layers": {r["name"]: float(sys.argv[1]) for r in relus}},
          open(sys.argv[2], "w"))' "$2" "$3"
}
design() { # design NAME MODEL BITS T EXPLORE-ARGUMENT...
    local name=$1 model=$2 bits=$3 t=$4
    shift 4
    thresholds "$model" "$t" "$folder/$name.thresholds.json" &&
        "$bin" profile "$model" --data "$data/cifar10/val_batch.bin" --calib "$data/cifar10/calib_batch.bin" \
            --limit 500 --bits "$bits" --thresholds "$folder/$name.thresholds.json" \
            --out "$folder/$name.profile.json" >/dev/null &&
        "$bin" explore "$model" --profile "$folder/$name.profile.json" "$@" --out "$folder/$name.json" --brief
}
verify() { # verify NAME ARGUMENT...: exact
    local name=$1
    shift
    "$bin" verify "$folder/$name.json" --data "$data/cifar10/test_batch.bin" --calib "$data/cifar10/calib_batch.bin" \
        "$@" --json >"$folder/$name.out" && grep -q '"exact": true' "$folder/$name.out" &&
        ! grep -q '"exact": false' "$folder/$name.out"
}
summary() { # summary NAME: cycles of every partition, in one line
    python3 -c 'import json, sys
for p in json.load(open(sys.argv[1]))["partitions"]:
    i, l = p["interval"], p["latency"]
    print("; %s" % p["top"], end="")
    if i: print(" interval %.0f (model %+.2f %%)" % (i["measured"], i["over_predicted_percent"]), end="")
    if l: print(" latency %.0f (model %+.2f %%)" % (l["measured"], l["over_predicted_percent"]), end="")
    print(" built %.0f s, %.0f cycles/s" % (p["build_seconds"], p["cycles_per_second"]), end="")' "$folder/$1.out"
}
item() { # item NAME WHAT COMMAND...
    local name=$1 what=$2
    shift 2
    if [ -n "${ITEMS:-}" ] && ! grep -qw -- "$name" <<<"$ITEMS"; then return; fi
    n=$((n + 1))
    if grep -q "^$made_from ok $name:" "$LOG" 2>/dev/null; then
        echo "ok $n - $name: $what, as in $LOG"
        return
    fi
    local start=$SECONDS
    if "$@" >"$folder/$name.log" 2>&1; then
        echo "ok $n - $name: $what"
        echo "$made_from ok $name: $what$(summary "$name"); $((SECONDS - start)) s in all" | tee -a "$LOG" | sed 's/^/# /'
    else
        failed=$((failed + 1))
        echo "not ok $n - $name: $what"
        tail -n 20 "$folder/$name.log" | sed 's/^/# /'
        echo "$made_from FAILED $name: $what" >>"$LOG"
    fi
}

small16() { design small16 "$data/resnet20_cifar10.onnx" 16 0.05 --device zcu104 --cap DSP=0.1 && verify small16 --images 20; }
small8() { design small8 "$data/resnet20_cifar10.onnx" 8 0.05 --device zcu104 --cap DSP=0.1 && verify small8 --images 20; }
# Reconfiguration is cheap at a large batch, so that two partitions pay.
cut() { # cut NAME BITS
    design "$1" "$data/resnet20_cifar10.onnx" "$2" 0.05 --device zcu104 --cap DSP=0.1 --batch 1000000 --gap 0 \
        --max-partitions 2 && [ "$(grep -c '"interval"' "$folder/$1.json")" -eq 2 ] && verify "$1" --images 20
}
cut16() { cut cut16 16; }
cut8() { cut cut8 8; }
stalled() {
    design stalled "$data/resnet20_cifar10.onnx" 8 0.05 --device zcu104 --cap DSP=0.1 &&
        verify stalled --images 3 --backpressure 11
}
stage() { # both blocks of the stage: one with a strided shortcut, one without
    design stage "$data/resnet18_cifar10.onnx" 16 0.05 --device u250 --cap DSP=0.19 &&
        python3 -c 'import json, sys
folds = [n for p in json.load(open(sys.argv[1]))["partitions"] for n in p["nodes"]]
used = sum(n.get("pixels", 1) * n["ci"] * n["co"] * n["m"] for n in folds if n["name"].startswith(("/l/l.2/", "/l/l.3/")) and "ci" in n)
print(used, "multipliers")
sys.exit(used < 512)' "$folder/stage.json" &&
        verify stage --images 2 --span /l/l.2/c1/Conv../l/l.3/Add
}
complete() { design complete "$data/resnet18_cifar10.onnx" 16 0.5 --device u250 --cap DSP=0.09 && verify complete --images 3; }

# Broadcast engines alone, and each layer its best engine.
broadcast() { # broadcast NAME BITS ENGINE
    design "$1" "$data/resnet20_cifar10.onnx" "$2" 0.05 --device zcu104 --cap DSP=0.2 --engine "$3" --max-partitions 1 &&
        grep -q '"engine": "broadcast"' "$folder/$1.json" && verify "$1" --images 5
}
broadcast16() { broadcast broadcast16 16 broadcast; }
broadcast8() { broadcast broadcast8 8 broadcast; }
mixed() { broadcast mixed 16 auto; }
# On a whole ZCU104, where engines take two to eight pixels in turn: a stage's last two blocks.
turns() {
    design turns "$data/resnet20_cifar10.onnx" 16 0 --device zcu104 --engine broadcast && grep -q '"pixels": [48]' "$folder/turns.json" &&
        verify turns --images 3 --span /layer2/layer2.1/conv1/Conv../layer2/layer2.2/Add
}

if [ ! -r "$data/resnet20_cifar10.onnx" ]; then
    echo "ok 1 # SKIP no networks at $data (set SKIPSTREAM_DATA)"
    echo "1..1"
    exit 0
fi
item small16 "ResNet-20, 16 bits, thresholds 0.05, 20 images" small16
item small8 "ResNet-20, 8 bits, thresholds 0.05, 20 images" small8
item cut16 "ResNet-20 in partitions of different designs, 16 bits, 20 images" cut16
item cut8 "ResNet-20 in partitions of different designs, 8 bits, 20 images" cut8
item stalled "ResNet-20, 8 bits, both ends stalled at random, 3 images" stalled
item stage "ResNet-18, second residual stage at 512 multipliers or more, 2 images" stage
item complete "ResNet-18 complete at some 1,100 multipliers, thresholds 0.5, 3 images" complete
item broadcast16 "ResNet-20 with broadcast engines, 16 bits, thresholds 0.05, 5 images" broadcast16
item broadcast8 "ResNet-20 with broadcast engines, 8 bits, thresholds 0.05, 5 images" broadcast8
item mixed "ResNet-20, an engine chosen for each layer, 16 bits, thresholds 0.05, 5 images" mixed
item turns "ResNet-20, two blocks whose engines take pixels in turn, 16 bits, 3 images" turns
echo "1..$n"
[ "$failed" -eq 0 ]
