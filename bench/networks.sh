#!/usr/bin/env bash
# Three fidelities of whole networks side by side: the analytical model, simulate, and the hardware in Verilator, with the
# same images; the table of docs/fidelity.md. The designs and the hardware's figures come from tests/verify_all.sh, which runs
# what it has not run yet (half an hour); those of the example network are made here.
#   SKIPSTREAM_DATA   the folder with the networks and images
#   ITEMS             names of items, to have only these
set -eu
build=${BUILD:-build}
bin=$build/skipstream
data=${SKIPSTREAM_DATA:-../shared/data}
folder=$build/verify-all
export CCACHE_DIR=${CCACHE_DIR:-${TMPDIR:-/tmp}/ccache}
mkdir -p "$folder"

jets() {
    local model=examples/jets/jets.onnx images=$build/jets
    make -s BUILD="$build" jets-data
    "$bin" profile "$model" --data "$images/val_batch.bin" --calib "$images/calib_batch.bin" --limit 100 --bits 16 \
        --out "$folder/jets.profile.json" >/dev/null
    "$bin" explore "$model" --profile "$folder/jets.profile.json" --device zcu104 --cap DSP="$2" --out "$folder/$1.json" --brief
    "$bin" verify "$folder/$1.json" --data "$images/test_batch.bin" --calib "$images/calib_batch.bin" --images 3 \
        --json >"$folder/$1.out"
}
row() { # row NAME WHAT IMAGES DATA CALIB SIMULATE-ARGUMENT...
    local name=$1 what=$2 images=$3 d=$4 calib=$5
    shift 5
    "$bin" simulate "$folder/$name.json" --data "$d" --calib "$calib" --images "$images" --threads 1 --json "$@" \
        >"$folder/$name.sim" 2>"$folder/$name.sim.log"
    python3 - "$what" "$images" "$folder/$name.sim" "$folder/$name.out" <<'PYTHON'
import json, sys
what, images, sim, rtl = sys.argv[1], int(sys.argv[2]), *(json.load(open(f))["partitions"] for f in sys.argv[3:])
for s, r in zip(sim, rtl):
    i, l, seconds = s["interval"], s["latency"], s["seconds"] / images
    first = s["first_latency"]
    m, ml = r["interval"]["measured"], r["latency"]["measured"]
    part = "" if len(sim) == 1 else ", partition %d" % s["partition"]
    print("| %s%s | %d | %.0f | %.0f | %.0f | %+.2f % % | %+.2f % % | %.0f | %.0f | %.0f | %.3f | %.2f |".replace("% %", "%%") % (
        what, part, images, i["predicted"], i["mean"], m, 100 * (i["predicted"] / m - 1), 100 * (i["mean"] / m - 1),
        l["predicted"], first, ml, seconds, s["cycles"] / images / r["cycles_per_second"]))
PYTHON
}
item() { # item NAME WHAT IMAGES SIMULATE-ARGUMENT...: of verify_all.sh
    local name=$1 what=$2 images=$3
    shift 3
    wanted "$name" || return 0
    [ -s "$folder/$name.out" ] || ITEMS=$name tests/verify_all.sh >"$folder/$name.tap"
    row "$name" "$what" "$images" "$data/cifar10/test_batch.bin" "$data/cifar10/calib_batch.bin" "$@"
}
example() { # example NAME WHAT CAP
    wanted "$1" || return 0
    [ -s "$folder/$1.out" ] || jets "$1" "$3" >"$folder/$1.log" 2>&1
    row "$1" "$2" 3 "$build/jets/test_batch.bin" "$build/jets/calib_batch.bin"
}
wanted() { [ -z "${ITEMS:-}" ] || grep -qw -- "$1" <<<"$ITEMS"; }

echo "| network | images | interval: model | simulated | RTL | model | simulated | latency: model | simulated | RTL | s an image: simulated | Verilator |"
echo "|---|---|---|---|---|---|---|---|---|---|---|---|"
example jets "example (jets), 16 bits, \`DSP=0.05\`" 0.05
example jets30 "example (jets), 16 bits, \`DSP=0.3\`" 0.3
item small16 "ResNet-20, 16 bits, thresholds 0.05, \`DSP=0.1\`" 20
item small8 "ResNet-20, 8 bits, thresholds 0.05, \`DSP=0.1\`" 20
item stage "ResNet-18, second residual stage alone, 546 multipliers" 2 --span "/l/l.2/c1/Conv../l/l.3/Add"
item broadcast16 "ResNet-20, broadcast engines, 16 bits, thresholds 0.05, \`DSP=0.2\`" 5
item broadcast8 "the same at 8 bits" 5
item mixed "ResNet-20, an engine for each layer, 16 bits, thresholds 0.05, \`DSP=0.2\`" 5
item complete "ResNet-18 complete, 16 bits, thresholds 0.5, 1,104 DSPs" 3
