#!/usr/bin/env bash
# generate from the command line: the example network, the same bytes again, lint of every partition, a span, and what
# must be refused.
. tests/tap.sh
command -v verilator >/dev/null || { echo "1..0"; echo "not ok - verilator is missing: apt-get install verilator"; exit 1; }
nothing_from() { # nothing_from MESSAGE ARGUMENT...: refused, and nothing written
    refuses "$@" && [ ! -e "$work/no" ] && ! ls -d "$work"/*.new* >/dev/null 2>&1
}
generate() { "$bin" generate "$work/design.json" "$@"; }
lint() { # lint FOLDER PARTITION
    make -s -C "$1/partition_$2/sim" lint
}

prepare() {
    "$bin" eval "$model" --data "$jets/test_batch.bin" --calib "$jets/calib_batch.bin" --limit 10 --bits 16 \
            --save-calib "$work/calibration.json" &&
        "$bin" explore "$model" --assume-zeros 0.6 --device zcu104 --cap DSP=0.03 --out "$work/design.json" --brief
}
complete() {
    generate --out "$work/hw" || return 1
    local f
    for f in manifest.json README.md rtl/ss_conv.sv partition_1/partition_1.sv partition_1/filelist.f \
        partition_1/weights/u_conv_Conv.weights.mem partition_1/sim/config.h partition_1/sim/tb.cpp \
        partition_1/sim/tb_icarus.sv partition_1/vivado/synth.tcl partition_1/vivado/package_ip.tcl; do
        [ -s "$work/hw/$f" ] || { echo "no $f"; return 1; }
    done
    ! grep -rn '@[A-Z_]*@' "$work/hw" && ! ls -d "$work"/hw.* >/dev/null 2>&1
}
no_other_modules() { # what the file list names is what is there
    diff <(sed -n 's,^\.\./rtl/,,p' "$work/hw/partition_1/filelist.f" | sort) <(ls "$work/hw/rtl" | sort)
}
same_bytes() { generate --out "$work/again" && diff -r "$work/hw" "$work/again"; }
replaced() { touch "$work/again/partition_1/stale" && generate --out "$work/again/" && diff -r "$work/hw" "$work/again"; }
json_result() {
    generate --out "$work/again" --json >"$work/out" 2>"$work/err" && cmp "$work/out" "$work/again/manifest.json" &&
        grep -q '"format": "skipstream.rtl"' "$work/out"
}
thresholds_in_force() { # of the design, unless a file says otherwise
    echo '{"format": "skipstream.thresholds", "version": 1, "layers": {"/relu/Relu": 0.5}}' >"$work/t.json"
    generate --thresholds "$work/t.json" --out "$work/raised" || return 1
    grep -qE '\.THR\([1-9]' "$work/raised/partition_1/partition_1.sv" &&
        ! grep -qE '\.THR\([1-9]' "$work/hw/partition_1/partition_1.sv"
}
calib_of_images() { # the same images give the same calibration, so the same hardware
    cp "$work/design.json" "$work/alone/design.json" &&
        "$bin" generate "$work/alone/design.json" --calib "$jets/calib_batch.bin" --out "$work/again" &&
        diff -r "$work/hw" "$work/again"
}
one_block() {
    generate --span "/blocks/blocks.0/conv1/Conv../blocks/blocks.0/Add" --out "$work/span" && lint "$work/span" 1 &&
        [ "$(grep -cE 'ss_conv(_[a-z]+)? #' "$work/span/partition_1/partition_1.sv")" -eq 2 ]
}
several_partitions() {
    "$bin" explore "$model" --assume-zeros 0.6 --device zcu104 --cap LUT=0.05,BRAM18=0.08,URAM=0.01 --batch 100000 --bits 8 \
        --out "$work/parts/design.json" --brief && cp "$work/calibration.json" "$work/parts/" &&
        "$bin" generate "$work/parts/design.json" --out "$work/parts/hw" && [ -d "$work/parts/hw/partition_2" ] || return 1
    local p
    for p in "$work"/parts/hw/partition_*; do lint "$work/parts/hw" "${p##*_}" || return 1; done
}
edited() { # edited SED-EXPRESSION MESSAGE
    sed "$1" "$work/design.json" >"$work/edited.json" && ! cmp -s "$work/design.json" "$work/edited.json" &&
        nothing_from "$2" generate "$work/edited.json" --out "$work/no"
}
unwritable() {
    [ "$(id -u)" -eq 0 ] || chmod a-w "$work/closed"
    [ ! -w "$work/closed" ] || return 0 # root writes everywhere
    nothing_from "cannot" generate "$work/design.json" --out "$work/closed/hw"
}
not_ours() {
    mkdir -p "$work/mine" && echo precious >"$work/mine/thesis.tex" &&
        nothing_from "was not written by generate" generate "$work/design.json" --out "$work/mine" &&
        [ "$(cat "$work/mine/thesis.tex")" = precious ]
}
no_part() {
    sed 's/"part": "[^"]*"/"part": ""/' "$work/design.json" >"$work/nopart.json" &&
        nothing_from "the device names no part" generate "$work/nopart.json" --out "$work/no" &&
        "$bin" generate "$work/nopart.json" --no-vivado --out "$work/nv" && [ ! -e "$work/nv/partition_1/vivado" ] &&
        "$bin" generate "$work/nopart.json" --part xczu9eg-ffvb1156-2-e --out "$work/nv" &&
        grep -q xczu9eg-ffvb1156-2-e "$work/nv/partition_1/vivado/synth.tcl" &&
        nothing_from "the part is no part number" generate "$work/nopart.json" --part 'x;exit' --out "$work/no"
}
other_family() {
    sed 's/"family": "[^"]*"/"family": "stratix"/' "$work/design.json" >"$work/family.json" &&
        nothing_from "supported: ultrascale+, 7series, versal" generate "$work/family.json" --out "$work/no"
}
no_modules() { SKIPSTREAM_RTL=/nowhere nothing_from "the folder of the SystemVerilog modules is not there" generate \
    "$work/design.json" --out "$work/no"; }

mkdir "$work/alone" "$work/closed" "$work/parts"
jets_data
if ! prepare >"$work/log" 2>&1; then
    sed 's/^/# /' "$work/log"
    echo "1..1"
    echo "not ok 1 - a design of the example network"
    exit 1
fi
check "the folder is complete" complete
check "only the modules that are used" no_other_modules
check "lint of the whole network" lint "$work/hw" 1
check "the same bytes again" same_bytes
check "an earlier output is replaced" replaced
check "--json gives the manifest" json_result
check "--thresholds" thresholds_in_force
check "calibration images in place of a file" calib_of_images
check "--span: one residual block" one_block
check "several partitions, 8 bits" several_partitions
check "no calibration beside the design" nothing_from "there is no calibration beside the design" \
    generate "$work/alone/design.json" --out "$work/no"
check "a design of another model" edited 's/"hash": "....\(.*\)"/"hash": "0000\1"/' "is a design of another model"
check "a folding that does not divide" edited '/"engine": "[dc]/,/"co"/s/"co": [0-9]*/"co": 5/' "co = 5 does not divide"
check "a model that is not there" nothing_from "nowhere.onnx" generate "$work/design.json" --model "$work/nowhere.onnx" --out "$work/no"
check "an unknown node in --span" nothing_from 'no node "/conv/Cow"' generate "$work/design.json" --span /conv/Cow --out "$work/no"
check "a span with two tensors in" nothing_from "2 tensors go into" generate "$work/design.json" \
    --span "/blocks/blocks.0/conv2/Conv../blocks/blocks.0/Add" --out "$work/no"
echo '{"format": "skipstream.thresholds", "version": 1, "layers": {"gate": 1}}' >"$work/gate.json"
check "thresholds of another network" nothing_from "gate" generate "$work/design.json" --thresholds "$work/gate.json" --out "$work/no"
check "a folder that is not ours" not_ours
check "a folder that cannot be written" unwritable
check "a file in the place of the folder" nothing_from "exists and is not a folder" generate "$work/design.json" \
    --out "$work/design.json"
check "a device without a part" no_part
check "a device without synthesis scripts" other_family
check "the modules' folder is missing" no_modules
check "a part, and no scripts that would name it" nothing_from "leave one of them out" generate "$work/design.json" --part xczu9eg-ffvb1156-2-e \
    --no-vivado --out "$work/no"
echo "1..$n"
