# What the command line tests share; sourced by each cli_*.sh, which ends with `echo "1..$n"`. TAP on stdout.
#   bin   the program under test        data  the large networks and images, which may be missing
#   work  a folder that is removed at the end
#   model the example network           jets  its images, once `jets_data` has made them
set -u
build=${BUILD:-build}
bin=$build/skipstream
data=${SKIPSTREAM_DATA:-../shared/data}
model=examples/jets/jets.onnx
jets=$build/jets
export CCACHE_DIR=${CCACHE_DIR:-${TMPDIR:-/tmp}/ccache} # of hardware simulators
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
n=0
check() { # check NAME COMMAND...: passes when the command succeeds
    n=$((n + 1))
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then echo "ok $n - $name"; else
        echo "not ok $n - $name"
        sed 's/^/# /' "$work/log"
    fi
}
skip() { # skip NAME WHY
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}

# ---- how a command ends ----

exits() { # exits STATUS COMMAND...: leaves out and err, and shows them
    local want=$1 rc
    shift
    "$@" >"$work/out" 2>"$work/err"
    rc=$?
    cat "$work/out" "$work/err"
    [ "$rc" -eq "$want" ] || { echo "exit $rc"; return 1; }
}
one_error() { [ "$(grep -c '^skipstream: error: ' "$work/err")" -eq 1 ] && grep -qF -- "$1" "$work/err"; } # one_error MESSAGE
refused() { # refused MESSAGE COMMAND...: exit 2, nothing on stdout, an error that says MESSAGE
    exits 2 "${@:2}" && [ ! -s "$work/out" ] && grep '^skipstream: error: ' "$work/err" | grep -qF -- "$1"
}
refuses() { refused "$1" "$bin" "${@:2}"; } # refuses MESSAGE ARGUMENT...: the program does
says_no() { # says_no MESSAGE COMMAND...: exit 1, and the text says MESSAGE
    exits 1 "${@:2}" && cat "$work/out" "$work/err" | grep -qF -- "$1"
}

# ---- figures ----

number() { # number KEY FILE: the first value of that key
    grep -m1 "\"$1\":" "$2" | sed "s/.*\"$1\": *//; s/[,\"}].*//"
}
at_least() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b * (1 - 1e-9)) }'; }

# ---- the study in the file $study ----

points() { sed -n '/^ "points": \[/,/^ \],/p' "$study"; }
value() { sed 's/.*: //; s/,$//'; }
count() { points | grep -c '^   "images": '; }
figure() { points | grep "^   \"$1\": " | sed -n "$(($2 + 1))p" | value; }                                                    # KEY POINT
throughput() { points | sed -n '/^   "baseline": {/,/}/p' | grep '"throughput": ' | sed -n "$(($1 + 1))p" | value; }           # POINT
chosen() { sed -n '/^ "chosen": {/,/}/p' "$study" | grep '"optimised"' | value; }
bare() { sed '/^ "bias_shift"/,$d' "$1" | sed '$ s/,$//' && echo '}'; } # DESIGN: the same without corrected biases
# by_hand POINT LIMIT OPTIONS...: its Top-1 on so many images of $search into top1, by eval; its images/s, by profile and
# estimate of the reference design that was saved, are the study's
by_hand() {
    "$bin" eval $model --data "$search" --calib "$calib" --bits 16 --limit "$2" --thresholds "$study:$1" "${@:3}" --json >"$work/e" &&
        "$bin" profile $model --data "$search" --calib "$calib" --limit "$(figure images "$1")" --thresholds "$study:$1" "${@:3}" \
            --order "$work/saved/design_reference.json" --out "$work/p.json" >/dev/null &&
        "$bin" estimate "$work/saved/design_reference.json" --model $model --profile "$work/p.json" --json >"$work/d" || return 1
    local speed
    top1=$(number top1 "$work/e") speed=$(number throughput "$work/d")
    echo "point $1, $(figure images "$1") images, judged on $(figure judged "$1"): $(figure top1 "$1") and $top1, $(throughput "$1") and $speed"
    [ -n "$top1" ] && [ "$(throughput "$1")" = "$speed" ]
}

# ---- the example's images ----

jets_data() { # of tests that run side by side one makes them
    flock "$build" make -s BUILD="$build" jets-data >/dev/null || exit 1
}
images() { # images SEED COUNT FILE: as many as wanted
    "$build/examples/jets" "$@" || exit 1
}
