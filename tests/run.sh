#!/usr/bin/env bash
# Runs the test programs and scripts given as arguments, each of which speaks TAP (cmocka in TAP mode, or a shell
# script that prints "ok N - name", "not ok N - name", "ok N # SKIP why"), and ends with the one line that counts.
# JOBS of them run at a time (default: 1). A program that dies without a verdict counts as one failure. Logs: $LOGS
# (default build/test-logs).
set -u
export logs=${LOGS:-build/test-logs}
mkdir -p "$logs"
rm -f "$logs"/*.count
one() { # one TEST: its lines at once, its counts into a file
    local t=$1 name log start rc p f s why=
    name=$(echo "$t" | sed "s,^build/tests/,,; s,^build-\([a-z]*\)/tests/\(.*\),\2 (\1),; s,^tests/,,")
    log=$logs/$(echo "$name" | tr -c "a-zA-Z0-9_\n" _).tap
    start=$(date +%s)
    CMOCKA_MESSAGE_OUTPUT=TAP "$t" >"$log" 2>"$log.err"
    rc=$?
    s=$(grep -cE '^ *(not )?ok [0-9].*# *SKIP' "$log")
    f=$(grep -E '^ *not ok' "$log" | grep -cvE '# *SKIP')
    p=$(grep -E '^ *ok ' "$log" | grep -cvE '# *SKIP')
    if [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then f=1 why="exit $rc without a failed test"; fi
    if [ $((p + f + s)) -eq 0 ]; then f=1 why="ran nothing"; fi
    echo "$p $f $s" >"$log.count"
    {
        printf '%-32s %4d passed %3d failed %3d skipped  %4d s\n' "$name" "$p" "$f" "$s" $(($(date +%s) - start))
        [ -z "$why" ] || echo "    $name: $why"
        grep -hE '^ *(not )?ok [0-9].*# *SKIP' "$log" | sed 's/^/    SKIPPED: /'
        [ "$f" -eq 0 ] || { grep -E -A6 '^ *not ok' "$log"; tail -n 15 "$log.err"; } | sed 's/^/    /'
    } >"$log.said"
    cat "$log.said"
}
export -f one
printf '%s\0' "$@" | xargs -0 -n 1 -P "${JOBS:-1}" bash -uc 'one "$1"' run
cat "$logs"/*.count | awk -v asked=$# '{ p += $1; f += $2; s += $3 }
    END { if (NR < asked) f += asked - NR # one that never came to its verdict
          print p + 0 " passed, " f + 0 " failed, " s + 0 " skipped"; exit f > 0 }'
