#!/usr/bin/env bash
# The order of channels from the command line: chosen by profile, kept in every artefact, and agreed upon.
. tests/tap.sh
jets_data
images 2 80 "$work/calib.bin"
images 3 150 "$work/search.bin"
images 4 20 "$work/test.bin"
D=(--calib "$work/calib.bin")

profile() { # profile NAME ARGUMENT...
    "$bin" profile $model --data "$work/search.bin" "${D[@]}" --out "$work/$1.p.json" --json "${@:2}" >"$work/$1.out"
}
explore() { "$bin" explore $model --profile "$work/$1.p.json" --device zcu104 --cap DSP=0.05 --out "$work/$1.json" --brief; }
waits() { # the sum over layers of the mean largest window of 4 channels
    grep -o '"4": [0-9.]*' "$work/$1.out" | awk '{ s += $2 } END { print s }'
}

orders_are_kept() {
    profile none --deal none && profile means --deal means && profile joint && explore joint && explore none &&
        ! grep -q channel_order "$work/none.p.json" && ! grep -q channel_order "$work/none.json" &&
        grep -q channel_order "$work/means.p.json" && grep -q channel_order "$work/joint.p.json" &&
        grep -q channel_order "$work/joint.json"
}
same_network() { grep '"top1"' "$work/none.out" && [ "$(grep '"top1"' "$work/none.out")" = "$(grep '"top1"' "$work/joint.out")" ]; }
waits_less() {
    echo "$(waits none) $(waits means) $(waits joint)"
    awk -v a="$(waits none)" -v b="$(waits means)" -v c="$(waits joint)" 'BEGIN { exit !(c < b && b < a) }'
}
order_of_a_design() { # the same profile, bit for bit
    profile again --order "$work/joint.json" && cmp "$work/again.p.json" "$work/joint.p.json"
}
exact() {
    "$bin" verify "$work/joint.json" --data "$work/test.bin" "${D[@]}" --images 2 --json >"$work/v" &&
        grep -q '"exact": true' "$work/v" && ! grep -q '"exact": false' "$work/v"
}
other_hardware() { # the order is in the weights
    "$bin" generate "$work/joint.json" "${D[@]}" --out "$work/a" &&
        sed '/"channel_order"/,/^ }/d' "$work/joint.json" | tac | sed '0,/^ \],/s// ]/' | tac >"$work/own.json" &&
        "$bin" generate "$work/own.json" "${D[@]}" --out "$work/b" && ! diff -rq "$work/a" "$work/b"
}
broken_order() {
    sed '/"channel_order"/,/\]/s/^   0,$/   1,/' "$work/joint.json" >"$work/bad.json"
    refuses "does not name each of its channels once" verify "$work/bad.json" --data "$work/test.bin" "${D[@]}"
}

check "profile chooses an order, explore keeps it" orders_are_kept
check "the dealt network scores the same" same_network
check "streams wait less, by joint statistics less than by means" waits_less
check "profile --order DESIGN" order_of_a_design
check "verify of a dealt design" exact
check "generate follows the order" other_hardware
check "an order that is none" broken_order
check "estimate with a profile in another order" refuses "stand in another order than the design's" \
    estimate "$work/joint.json" --profile "$work/none.p.json"
check "its remedy" refuses "profile with --order" estimate "$work/joint.json" --profile "$work/none.p.json"
check "--deal with --order" refuses "exclude each other" \
    profile $model --data "$work/search.bin" "${D[@]}" --deal none --order "$work/joint.json" --out "$work/x.json"
check "--deal of no such kind" refuses "joint, means or none" \
    profile $model --data "$work/search.bin" "${D[@]}" --deal best --out "$work/x.json"
echo "1..$n"
