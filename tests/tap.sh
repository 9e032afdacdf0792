# What the command line tests share; sourced by each cli_*.sh, which ends with `echo "1..$n"`. TAP on stdout.
#   bin   the program under test        data  the large networks and images, which may be missing
#   work  a folder that is removed at the end
set -u
bin=${BUILD:-build}/skipstream
data=${SKIPSTREAM_DATA:-../shared/data}
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
