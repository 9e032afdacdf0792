#!/usr/bin/env bash
# Predicted against measured cycles, as rows of Markdown: every layer of a design by itself (additions and
# concatenations, which read two tensors, excepted), then the whole of it. Each layer is built in Verilator with its
# own source and sink (`verify --span NODE`), so that its own interval shows and not that of the slowest one. Rows that
# stand in $LOG (default build/fidelity.log) already are not measured again.
#   bench/fidelity.sh DESIGN --data IMAGES [--calib C] [--images N] ...   (arguments of `skipstream verify`)
set -euo pipefail
cd "$(dirname "$0")/.."
skipstream=${BUILD:-build}/skipstream
log=${LOG:-${BUILD:-build}/fidelity.log}
design=$1
shift
key=$(cat "$design" "$skipstream" rtl/*.sv | sha256sum | cut -c1-12)
touch "$log"

row() { # row NAME SPAN-ARGUMENTS...
    local name=$1 line
    shift
    line=$(grep -F "$key|$name|" "$log" || true)
    if [ -z "$line" ]; then
        line="$key|$name|$("$skipstream" verify "$design" "$@" --json 2>/dev/null | python3 -c '
import json, sys
v = json.load(sys.stdin)
for p in v["partitions"]:
    i, l = p["interval"], p["latency"]
    print("%s | %.0f | %.0f | %+.2f %% | %.0f | %.0f | %+.2f %%" % ("exact" if p["exact"] else "**differs**",
          i["predicted"], i["measured"], i["over_predicted_percent"],
          l["predicted"], l["measured"], l["over_predicted_percent"]))' | paste -sd'~')"
        echo "$line" >>"$log"
    fi
    tr '~' '\n' <<<"${line##*|"$name"|}" | sed "s,^,| $name | ,; s,\$, |,"
}

echo "| node | outputs | interval: model | measured | | latency: model | measured | |"
echo "|---|---|---|---|---|---|---|---|"
python3 -c '
import json, sys
for p in json.load(open(sys.argv[1]))["partitions"]:
    for n in p["nodes"]:
        if len(n["inputs"]) == 1: print("%s\t%s" % (n["name"], n["engine"] + " %d x %d x %d" % (n["ci"], n["co"], n["m"])
                                                 if n["engine"] != "none" else n["op"]))' "$design" |
    while IFS=$'\t' read -r node what; do row "\`$node\` $what" --span "$node" "$@"; done
row "the whole network" "$@"
