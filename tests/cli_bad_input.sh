#!/usr/bin/env bash
# Bad input and bad use, for every subcommand that takes the thing. One row is one wrong thing put into a command that
# is otherwise right. Demanded each time: exit 2, one error line that says what is wrong, nothing on stdout, no crash,
# no file left behind, and a file that stood where the result should go still as it was.
#
#   bad MESSAGE COMMAND KEY=VALUE...   one error that says MESSAGE; -KEY leaves an option out, 0=VALUE is the operand
#   bad2 ..., many ...                 the same with two errors, or three and more: there are as many problems
#   VERBOSE=1                          prints every message
. tests/tap.sh
bin=$(realpath "$bin")

verdict() { # verdict PASSED NAME: with the output of the command as explanation
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
    if [ "$1" -ne 0 ] || [ -n "${VERBOSE-}" ]; then
        head -q -n 4 err out | cut -c 1-300 | sed 's/^/# /'
    fi
}

# ---- commands that work: operand and options, by command ----

declare -A right=(
    [check]="0=net.onnx"
    [eval]="0=net.onnx data=search.bin bits=16 calib=calib.bin predictions=dst/old"
    [profile]="0=net.onnx data=search.bin calib=calib.bin out=dst/old"
    [explore]="0=net.onnx profile=profile.json device=zcu104 out=dst/old"
    [estimate]="0=design.json profile=profile.json"
    [threshold]="0=net.onnx search=search.bin test=test.bin calib=calib.bin device=zcu104 step=0.5 out=dst/old save=dst/chosen"
    [report]="0=design.json out=dst/old"
    [run]="0=net.onnx data=split device=zcu104 step=0.5 out=dst/run"
)
arguments() { # arguments COMMAND CHANGE...: into args
    local c=$1 word key
    local -A set=()
    local -a order=()
    shift
    for word in ${right[$c]}; do
        key=${word%%=*}
        set[$key]=${word#*=}
        order+=("$key")
    done
    for word in "$@"; do
        case $word in
        -*) unset "set[${word#-}]" ;;
        *)
            key=${word%%=*}
            [ -n "${set[$key]+x}" ] || order+=("$key")
            set[$key]=${word#*=}
            ;;
        esac
    done
    args=("$c" --json --threads 1)
    for key in "${order[@]}"; do
        [ -n "${set[$key]+x}" ] || continue
        case $key in
        0) args+=("${set[$key]}") ;;
        dense) args+=(--dense) ;;
        *) args+=("--$key=${set[$key]}") ;;
        esac
    done
}
expect() { # expect ERRORS MESSAGE COMMAND CHANGE...
    local errors=$1 message=$2 rc
    shift 2
    arguments "$@"
    timeout 20 "$bin" "${args[@]}" >out 2>err
    rc=$?
    [ "$rc" -eq 2 ] && [ ! -s out ] && [ "$(grep -c "^skipstream: error: " err)" "${errors% *}" "${errors#* }" ] &&
        grep -qF -- "$message" err && ! grep -qE "Sanitizer|runtime error" err &&
        [ "$(echo dst/*)" = dst/old ] && [ "$(<dst/old)" = old ]
    verdict $? "$*"
    rm -rf dst
    mkdir dst
    echo old >dst/old
}
bad() { expect "-eq 1" "$@"; }
bad2() { expect "-eq 2" "$@"; }
many() { expect "-ge 3" "$@"; }
works() { # works COMMAND CHANGE...: so that only what a row changes can be wrong in it
    arguments "$@"
    "$bin" "${args[@]}" >out 2>err && [ -s out ]
    verdict $? "right: $*"
}

# ---- material ----

jets_data
images 2 10 "$work/calib.bin"
images 3 12 "$work/search.bin"
images 4 15 "$work/test.bin"
cp examples/jets/jets.onnx "$work/net.onnx"
cp examples/jets/jets.input.json "$work/net.input.json"
cp devices/zcu104.json "$work/board.json"
cd "$work" || exit 1
mkdir dst split empty && cp calib.bin split/calib_batch.bin && cp search.bin split/val_batch.bin &&
    cp test.bin split/test_batch.bin && echo old >dst/old

# A network of one convolution of 1x1, as `NAME CHANNELS SIDE CLASSES MODE`; the ReLU is called "gate".
network() {
    /usr/bin/python3 - "$@" <<'END'
import struct, sys
name, c, side, classes, mode = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
def varint(v):
    out = b""
    v &= 2**64 - 1
    while v > 127: out, v = out + bytes([v & 127 | 128]), v >> 7
    return out + bytes([v])
def num(tag, v): return varint(tag << 3) + varint(v)
def sub(tag, v): return varint(tag << 3 | 2) + varint(len(v)) + v
def text(tag, v): return sub(tag, v.encode())
def value(name, dims): return text(1, name) + sub(2, sub(1, num(1, 1) + sub(2, b"".join(sub(1, num(1, d)) for d in dims))))
def node(op, ins, out): return sub(1, b"".join(text(1, i) for i in ins) + text(2, out) + text(3, out) + text(4, op))
nodes = node("Conv", ["x", "w"], "conv") + node("Relu", ["conv"], "gate")
out = "gate"
if mode != "map":
    nodes += node("GlobalAveragePool", ["gate"], "pool") + node("Flatten", ["pool"], "y")
    out = "y"
claimed = 1 << 40 if mode == "weights" else c
data = struct.pack("<%df" % (c * classes), *[0.5 - (7 * i % 10) / 10 for i in range(c * classes)]) if c < 100 else b""
w = num(1, classes) + num(1, claimed) + num(1, 1) + num(1, 1) + num(2, 1) + text(8, "w") + sub(9, data)
graph = nodes + text(2, "net") + sub(5, w) + sub(11, value("x", [1, c, side, side])) + sub(12, text(1, out))
open(name, "wb").write(num(1, 8) + sub(7, graph) + sub(8, num(2, 13)))
END
}
network other.onnx 3 32 3 classes && network gray.onnx 1 32 3 classes && network small.onnx 3 28 3 classes &&
    network map.onnx 3 32 3 map && network wide.onnx 3 1099511627776 3 classes && network minus.onnx 3 -5 3 classes &&
    network deep.onnx 1099511627776 32 3 classes && network weights.onnx 3 32 3 weights && network zero.onnx 3 0 3 classes ||
    exit 1
for f in other small map; do cp net.input.json $f.input.json; done
cp net.onnx bare.onnx && cp net.onnx broken.onnx && echo '{"format": ' >broken.input.json
echo '{"format": "cifar10", "mean": [0.5], "std": [0.5]}' >gray.input.json

works check
works eval save-calib=calib.json -predictions
works profile out=profile.json
works profile out=profile8.json bits=8
works profile 0=other.onnx out=profile_other.json
works eval 0=other.onnx save-calib=calib_other.json -predictions
works explore out=design.json
works explore 0=other.onnx profile=profile_other.json out=design_other.json
works estimate
works threshold out=study.json save=chosen
works report 0=study.json out=report.html
works run out=whole
[ "$(echo dst/*)" = dst/old ] || exit 1

head -c 100000 net.onnx >cut.onnx
: >empty.onnx
head -c 4000 search.bin >noise.onnx
head -c 9219 test.bin >one.bin
printf '\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x0a' >length.onnx # a graph of 2^63 bytes
head -c 5000 search.bin >short.bin
: >none.bin
{ printf '\007'; tail -c +2 search.bin; } >label.bin
mkfifo pipe

# ---- the model ----

takes_model="check eval profile explore threshold run"
for c in $takes_model; do
    bad "nowhere.onnx: cannot open: No such file" "$c" 0=nowhere.onnx
    bad "cut.onnx: not a readable ONNX model" "$c" 0=cut.onnx
    bad "empty.onnx: the file is empty" "$c" 0=empty.onnx
    bad "noise.onnx: not a readable ONNX model" "$c" 0=noise.onnx
    bad "length.onnx: not a readable ONNX model" "$c" 0=length.onnx
    bad "empty: is a folder" "$c" 0=empty
    bad "pipe: not a regular file" "$c" 0=pipe
    bad "operand 1 is empty" "$c" 0=
    [ "$c" = check ] && continue # says what is wrong with a shape as its answer, and exits 1
    bad "x" "$c" 0=wide.onnx
    bad "x" "$c" 0=deep.onnx
    bad "x" "$c" 0=minus.onnx
    bad "x" "$c" 0=zero.onnx
    bad "w" "$c" 0=weights.onnx
done
bad "nowhere.onnx: cannot open" estimate model=nowhere.onnx
bad "cut.onnx: not a readable ONNX model" estimate model=cut.onnx
for c in eval profile threshold run; do
    bad "the output \"conv\" of 3x32x32 is not class scores" "$c" 0=map.onnx
done

# ---- images ----

images="eval:data eval:calib profile:data profile:calib threshold:search threshold:test threshold:calib
    run:data run:search run:test run:calib"
for at in $images; do
    c=${at%:*} key=${at#*:}
    bad "nowhere: cannot open: No such file" "$c" "$key=nowhere"
    bad "short.bin [3x32x32]: 5000 bytes are not a multiple of 3073" "$c" "$key=short.bin"
    bad "none.bin [3x32x32]: no records: the file is empty" "$c" "$key=none.bin"
    bad "label.bin: 1 of 12 labels are outside the network's 3 classes; the first is 7 in record 0" "$c" "$key=label.bin"
    bad "empty: no *.bin file in this folder" "$c" "$key=empty"
    bad "pipe [3x32x32]: not a regular file" "$c" "$key=pipe"
    bad "--$key=: needs a value" "$c" "$key="
done
bad2 "cannot open" threshold search=nowhere test=nowhere
bad2 "cannot open" run search=nowhere test=nowhere
for c in eval profile; do
    bad "not a multiple of 1025" "$c" 0=gray.onnx -calib
    bad "not a multiple of 2353" "$c" 0=small.onnx -calib
done
bad2 "not a multiple of 1025" threshold 0=gray.onnx -calib
bad2 "not a multiple of 2353" threshold 0=small.onnx -calib
bad "one.bin: 3 images are too few to divide" run data=one.bin
for c in threshold run; do
    bad "shares images with the search split" "$c" test=search.bin
done
bad "shares images with the calibration split" run calib=test.bin

# ---- input normalisation ----

for c in eval profile threshold run; do
    bad "--mean: --std is missing; give both or neither" "$c" mean=0.5,0.5,0.5
    bad "--std: --mean is missing; give both or neither" "$c" std=0.5,0.5,0.5
    bad "--std: the std of channel 1 is 0; it must be a number above 0" "$c" mean=0,0,0 std=1,0,1
    bad "--std: the std of channel 2 is -1" "$c" mean=0,0,0 std=1,1,-1
    bad "--mean: the mean of channel 0 is nan" "$c" mean=nan,0,0 std=1,1,1
    bad "--mean: the mean of channel 0 is 1e+99" "$c" mean=1e99,0,0 std=1,1,1
    bad "value 2 is not a number" "$c" mean=0,x,0 std=1,1,1
    bad "mean has 2 values, but the network's input has 3 channels" "$c" mean=0,0 std=1,1,1
    bad "the normalisation of the images is not known" "$c" 0=bare.onnx
    bad "broken.input.json: not valid JSON: line" "$c" 0=broken.onnx
done

# ---- numbers ----

whole="eval:limit profile:limit explore:batch explore:max-partitions threshold:limit threshold:test-limit threshold:batch
    run:limit run:batch"
for at in $whole; do
    for v in 0 -1 1.5 x 12x 99999999999999999999 1e3 " 7"; do
        bad "--${at#*:} takes a whole number" "${at%:*}" "${at#*:}=$v"
    done
    bad "--${at#*:}=: needs a value" "${at%:*}" "${at#*:}="
done
real="explore:assume-zeros explore:clock explore:gap estimate:assume-zeros threshold:max-loss threshold:step threshold:t-max
    run:max-loss run:step run:t-max"
for at in $real; do
    for v in -1 x 0.5x nan inf 1e400 0,5; do
        bad "--${at#*:} takes a number from" "${at%:*}" "${at#*:}=$v" $([[ $at == *zeros ]] && echo -profile)
    done
    bad "--${at#*:}=: needs a value" "${at%:*}" "${at#*:}=" $([[ $at == *zeros ]] && echo -profile)
done
for c in explore estimate; do bad "from 0 to 1" "$c" assume-zeros=1.01 -profile; done
for v in -1 21 x; do bad "--refine takes a whole number" threshold "refine=$v"; done
for c in threshold run; do
    bad "--step takes" "$c" step=0
    bad "no steps" "$c" step=0.5 t-max=0.1
    bad "are more than 10000" "$c" step=0.000001 t-max=1000
    bad2 "--max-loss takes" "$c" max-loss=-1 step=0
done
for c in eval profile explore threshold run; do
    for v in 4 0 -8 x; do bad "--bits takes" "$c" "bits=$v"; done
    [ "$c" = eval ] || bad "--bits takes 16 or 8" "$c" bits=float
done
bad "--isa takes" eval isa=mmx
bad "--engine takes" explore engine=magic
bad "--policy takes" threshold policy=best
bad "--hardware takes" threshold hardware=fast
bad "no such pass" check dump=nonsense

# ---- options that exclude one another or need one another ----

bad "exactly one of --profile, --assume-zeros and --dense" explore dense=
bad "exactly one of --profile, --assume-zeros and --dense" explore assume-zeros=0.5
bad "exactly one of --profile, --assume-zeros and --dense" explore -profile
for v in crossbar dense auto; do bad "--dense leaves only dense" explore dense= engine=$v -profile; done
bad "exactly one of --profile and --assume-zeros" estimate assume-zeros=0.5
bad "exactly one of --profile and --assume-zeros" estimate -profile
bad "was measured at 16 bits, not 8" explore bits=8
bad "was measured at 8 bits; the design has 16" estimate profile=profile8.json
bad "--save-calib" eval -bits save-calib=dst/calib.json

# ---- devices ----

edit() { sed "$2" board.json >"$1"; }
edit tiny.json 's/"\(lut\|ff\|dsp\|bram18\|uram\)": [0-9]*/"\1": 3/'
edit nodsp.json 's/"dsp": [0-9]*/"dsp": -1/'
edit typo.json 's/"slrs"/"slr"/'
edit clock.json 's/"clock_mhz": [0-9]*/"clock_mhz": 0/'
edit new.json 's/"version": 1/"version": 2/'
edit text.json 's/"lut": [0-9]*/"lut": "many"/'
head -c 200 board.json >half.json
for c in explore threshold run; do
    bad "unknown device \"u999\"; known: " "$c" device=u999
    bad "--device=: needs a value" "$c" device=
    bad "nowhere.json: cannot open" "$c" device=nowhere.json
    bad "half.json: not valid JSON" "$c" device=half.json
    bad "version 2 of \"skipstream.device\"; this program reads up to 1" "$c" device=new.json
    bad "holds a \"skipstream.design\", not a \"skipstream.device\"" "$c" device=design.json
    bad "\"dsp\" is -1" "$c" device=nodsp.json
    bad2 "unknown key \"slr\"" "$c" device=typo.json
    bad "\"clock_mhz\" is 0" "$c" device=clock.json
    bad "\"lut\" is not an integer" "$c" device=text.json
    bad "empty/: is a folder" "$c" device=empty/
    for v in LUT=0 LUT=1.1 LUT=-1 LUT=nan LUT=x LUT= ; do bad "is not a fraction in (0,1]" "$c" "cap=$v"; done
    for v in wood=0.5 0.5 LUT , ; do [ "$v" = , ] || bad "does not name a resource" "$c" "cap=$v"; done
    bad2 "does not name a resource" "$c" cap=,
done
for c in explore threshold; do
    many "lut in its slowest design; zcu104 has 0" "$c" device=./tiny.json # a problem for each block
    many "dsp in its slowest design" "$c" cap=DSP=0.0001
done

# ---- artefacts ----

for name in profile design calib study; do
    head -c 300 $name.json >cut_$name.json
    sed 's/"version": [0-9]*/"version": 9/' $name.json >new_$name.json
    sed 's/"version": [0-9]*/"version": "one"/' $name.json >word_$name.json
done
thresholds() { echo "{\"format\": \"skipstream.thresholds\", \"version\": ${2:-1}, \"layers\": $1}"; }
thresholds '{"/relu/Relu": 0.1}' >t.json
reads="eval:calib:calib profile:calib:calib threshold:calib:calib explore:profile:profile estimate:profile:profile
    estimate:0:design report:0:design report:0:profile report:0:study"
for at in $reads; do
    IFS=: read -r c key name <<<"$at"
    bad "not valid JSON: line" "$c" "$key=cut_$name.json"
    bad "version 9 of \"skipstream.$name\"; this program reads up to" "$c" "$key=new_$name.json"
    bad "word_$name.json: not a skipstream artefact" "$c" "$key=word_$name.json"
    bad "nowhere.json: cannot open" "$c" "$key=nowhere.json"
    bad "$([[ $c == report ]] && echo no section for a || echo holds a) \"skipstream.device\"" "$c" "$key=board.json"
done
for c in eval profile threshold; do
    bad "calib_other.json: was measured on another model than net" "$c" calib=calib_other.json
done
bad "profile_other.json: a profile of another model" explore profile=profile_other.json
bad "profile_other.json: a profile of another model" estimate profile=profile_other.json
bad "design_other.json: is a design of another model" estimate 0=design_other.json model=net.onnx
bad "design.json: is a design of another model" estimate model=other.onnx

for c in eval profile; do
    t() { # t MESSAGE LAYERS [VERSION]
        thresholds "$2" "${3-}" >bad.json
        bad "$1" "$c" thresholds=bad.json
    }
    t '"nobody" is no ReLU of net' '{"nobody": 0.1}'
    t '"/relu/Relu": the threshold is not a number >= 0' '{"/relu/Relu": -0.1}'
    t '"/relu/Relu": the threshold is not a number >= 0' '{"/relu/Relu": 1e39}'
    t '"/relu/Relu": the threshold is not a number >= 0' '{"/relu/Relu": "high"}'
    t '"/relu/Relu": the threshold is not a number >= 0' '{"/relu/Relu": null}'
    t 'not valid JSON' '{"/relu/Relu": NaN}'
    t 'not valid JSON' '{"/relu/Relu": 0.1'
    t '"/relu/Relu" has 3 thresholds, but 16 channels' '{"/relu/Relu": [0.1, 0.2, 0.3]}'
    t '"/relu/Relu" has 0 thresholds, but 16 channels' '{"/relu/Relu": []}'
    t 'the threshold of channel 1 is not a number >= 0' "{\"/relu/Relu\": [0, -1$(printf ', 0%.0s' {1..14})]}"
    t '"layers" is not an object' '[]'
    t 'version 3 of "skipstream.thresholds"' '{}' 3
    bad 'holds a "skipstream.profile", not a "skipstream.thresholds"' "$c" thresholds=profile.json
    bad "nowhere.json: cannot open" "$c" thresholds=nowhere.json
    thresholds '{"nobody": 1, "/relu/Relu": -1}' >bad.json
    bad2 '"nobody" is no ReLU' "$c" thresholds=bad.json
done
mkdir resume
for v in '{"format": "skipstream.run", "version": 2, "stages": []}|version 2' '{"format": "skipstream.ru|not valid JSON' \
    '{"format": "skipstream.profile", "version": 1}|not a "skipstream.run"' '{"format": "skipstream.run", "version": 1}|"stages" is missing'; do
    echo "${v%|*}" >resume/run.json
    bad "${v#*|}" run out=resume
done

# ---- where results go ----

outputs="eval:predictions eval:save-calib eval:export profile:out explore:out threshold:out report:out"
for at in $outputs; do
    c=${at%:*} key=${at#*:}
    bad "nowhere/x: cannot write" "$c" "$key=nowhere/x"
    bad "net.onnx/x: cannot write" "$c" "$key=net.onnx/x"
    bad "empty: is a folder" "$c" "$key=empty"
    bad "/dev/full: exists and is not a regular file" "$c" "$key=/dev/full"
    bad "pipe: exists and is not a regular file" "$c" "$key=pipe"
    bad "--$key=: needs a value" "$c" "$key="
done
for at in threshold:save run:out; do
    c=${at%:*} key=${at#*:}
    bad "net.onnx: exists and is not a folder" "$c" "$key=net.onnx"
    bad "net.onnx" "$c" "$key=net.onnx/deeper"
    bad "/dev/full: exists and is not a folder" "$c" "$key=/dev/full"
    bad "--$key=: needs a value" "$c" "$key="
done
mkdir locked && chmod 555 locked
if [ -w locked ]; then
    n=$((n + 1))
    echo "ok $n # SKIP a read-only folder: this user may write into any"
else
    for at in $outputs; do bad "locked/x: cannot write: Permission denied" "${at%:*}" "${at#*:}=locked/x"; done
    bad "cannot write: Permission denied" run out=locked/run
    bad "cannot write: Permission denied" threshold save=locked/chosen
fi
bad "would replace an input" explore out=profile.json
bad "would replace an input" explore out=net.onnx
bad "would replace an input" profile out=search.bin
bad "would replace an input" eval predictions=net.onnx
bad "would replace an input" report out=design.json
bad "would replace an input" threshold out=test.bin
works explore out=design.json

echo "1..$n"
