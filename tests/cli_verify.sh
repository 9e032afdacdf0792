#!/usr/bin/env bash
# verify from the command line: the example network complete, in one partition and in two, with thresholds, random
# stalls, damaged hardware, and what must be refused.
. tests/tap.sh
within() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b && a >= -b) }'; }
# design NAME BITS CAP ARGUMENT...: a design for zeros measured with thresholds
design() {
    "$bin" profile "$model" --data "$jets/val_batch.bin" --calib "$jets/calib_batch.bin" --limit 100 --bits "$2" \
        --thresholds "$work/thresholds.json" --out "$work/$1.profile.json" &&
        "$bin" explore "$model" --profile "$work/$1.profile.json" --device zcu104 --cap "$3" "${@:4}" \
            --out "$work/$1.json" --brief
}
verify() { # verify DESIGN ARGUMENT...
    local name=$1
    shift
    "$bin" verify "$work/$name.json" --data "$jets/test_batch.bin" --calib "$jets/calib_batch.bin" "$@"
}

whole_network() { # its weights in UltraRAM come over the load stream
    design one 16 DSP=0.03 && grep -q '"memory": "uram"' "$work/one.json" && grep -q crossbar "$work/one.json" &&
        verify one --images 3 --keep "$work/one" --json >"$work/one.out" &&
        grep -q '"exact": true' "$work/one.out" && ! grep -q '"exact": false' "$work/one.out"
}
# Of the two images after the first within 3 %, for the pipeline is still filling (simulate --loss); the first latency
# within 15 %. Of forty images, which simulate takes in the hardware's cycles, within 1 %.
cycles_as_predicted() {
    local percents
    percents=$(grep over_predicted_percent "$work/one.out" | sed 's/.*: *//')
    echo "$percents"
    set -- $percents
    within "$1" 3 && within "$2" 15 || return 1
    "$bin" simulate "$work/one.json" --data "$jets/test_batch.bin" --calib "$jets/calib_batch.bin" --images 40 --json \
        >"$work/forty" || return 1
    echo "forty images: $(number over_predicted_percent "$work/forty")"
    within "$(number over_predicted_percent "$work/forty")" 1
}
counted_as_measured() { # the registers count from the first word in to the last word out, whole images
    local counted
    counted=$(awk '/"counters"/ { f = 1 } f && /"cycles":/ { gsub(/[^0-9]/, ""); print; exit }' "$work/one.out")
    echo "counted $counted; $(number cycles "$work/one.out") cycles simulated"
    [ "$counted" -eq "$(number cycles "$work/one.out")" ] && [ "$(number images_in "$work/one.out")" -eq 3 ] &&
        [ "$(number images_out "$work/one.out")" -eq 3 ]
}
stalled() { # and temporary folders are removed
    mkdir -p "$work/tmp" &&
        TMPDIR=$work/tmp verify one --hw "$work/one/hw" --images 2 --skip 7 --backpressure 5 >"$work/stalled.out" &&
        grep -q "bit-exact" "$work/stalled.out" && [ -z "$(ls -A "$work/tmp")" ]
}
damaged_weights() { # one bit of one weight
    cp -r "$work/one/hw" "$work/damaged"
    local image
    image=$(ls "$work"/damaged/partition_1/weights/*blocks_1_conv2*.weights*.mem | head -1)
    sed -i '1s/.$/x/; 1s/[0-7]x$/Fx/; 1s/[89a-fA-F]x$/0x/; 1s/x$/1/' "$image" && ! cmp -s "$image" \
        "$work/one/hw/partition_1/weights/$(basename "$image")" &&
        says_no "first difference: /blocks/blocks.1/conv2/Conv, image 0," verify one --hw "$work/damaged"
}
two_partitions() {
    design two 8 DSP=0.02 --max-partitions 2 --gap 0 --batch 100000 && verify two --images 2 --keep "$work/two" --json >"$work/two.out" &&
        [ "$(grep -c '"top"' "$work/two.out")" -gt 1 ] && ! grep -q '"exact": false' "$work/two.out"
}
one_node() { verify two --span /blocks/blocks.1/Add..image && return 1 || [ $? -eq 2 ]; }
other_model() { # hardware of one design, verified as another
    refuses "the hardware has 8 bits" verify "$work/one.json" --data "$jets/test_batch.bin" --calib \
        "$jets/calib_batch.bin" --hw "$work/two/hw"
}
no_simulator() {
    mkdir -p "$work/bin"
    PATH=$work/bin "$bin" verify "$work/one.json" --data "$jets/test_batch.bin" --calib "$jets/calib_batch.bin" \
        >"$work/out" 2>"$work/err"
    [ $? -eq 2 ] && [ ! -s "$work/out" ] && grep -q "apt-get install verilator" "$work/err"
}
broken_source() { # what the simulator says is quoted, and where all of it is
    cp -r "$work/one/hw" "$work/broken" && echo "module" >>"$work/broken/partition_1/partition_1.sv" &&
        refuses "syntax error" verify "$work/one.json" --data "$jets/test_batch.bin" --calib "$jets/calib_batch.bin" \
            --hw "$work/broken" --keep "$work/logs" && grep -q "$work/logs/partition_1.log" "$work/err"
}

jets_data
cat >"$work/thresholds.json" <<'JSON'
{"format": "skipstream.thresholds", "version": 1, "layers": {"/relu/Relu": 0.1, "/blocks/blocks.0/relu1/Relu": 0.2,
 "/blocks/blocks.1/relu2/Relu": 0.15}}
JSON
check "the example network, thresholds set, weights loaded: exact" whole_network
check "cycles are those of the cost model" cycles_as_predicted
check "the control registers count the same cycles" counted_as_measured
check "random stalls change nothing, and no folder is left behind" stalled
check "a damaged weight is found and its layer named" damaged_weights
check "several partitions, 8 bits" two_partitions
check "a span that ends before it begins" one_node
check "hardware of another design" other_model
check "no simulator: says which package" no_simulator
check "a source that does not build: its message is quoted" broken_source
common=(verify "$work/one.json" --data "$jets/test_batch.bin" --calib "$jets/calib_batch.bin")
check "no images" refuses "whole number" "${common[@]}" --images 0
check "fewer images than asked for" refuses "take fewer" "${common[@]}" --images 10 --skip 4995
check "a span of given hardware" refuses "leave one out" "${common[@]}" --hw "$work/one/hw" --span a..b
check "a folder that is no hardware" refuses "manifest.json" "${common[@]}" --hw "$work"
check "no calibration" refuses "give --calib" verify "$work/one.json" --data "$jets/test_batch.bin"
check "no data" refuses "--data D is required" verify "$work/one.json"
echo "1..$n"
