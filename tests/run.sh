#!/usr/bin/env bash
# Runs the test programs and scripts given as arguments, each of which speaks TAP (cmocka in TAP mode, or a shell
# script that prints "ok N - name", "not ok N - name", "ok N # SKIP why"), and ends with the one line that counts.
# A program that dies without a verdict counts as one failure. Logs: $LOGS (default build/test-logs).
set -u
logs=${LOGS:-build/test-logs}
mkdir -p "$logs"
passed=0 failed=0 skipped=0
for t in "$@"; do
    name=$(echo "$t" | sed "s,^build/tests/,,; s,^build-\([a-z]*\)/tests/\(.*\),\2 (\1),; s,^tests/,,")
    log=$logs/$(echo "$name" | tr -c "a-zA-Z0-9_\n" _).tap
    start=$(date +%s)
    CMOCKA_MESSAGE_OUTPUT=TAP "$t" >"$log" 2>"$log.err"
    rc=$?
    s=$(grep -cE '^ *(not )?ok [0-9].*# *SKIP' "$log")
    f=$(grep -E '^ *not ok' "$log" | grep -cvE '# *SKIP')
    p=$(grep -E '^ *ok ' "$log" | grep -cvE '# *SKIP')
    if [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; echo "$name: exit $rc without a failed test"; fi
    if [ $((p + f + s)) -eq 0 ]; then f=1; echo "$name: ran nothing"; fi
    printf '%-32s %4d passed %3d failed %3d skipped  %4d s\n' "$name" "$p" "$f" "$s" $(($(date +%s) - start))
    grep -hE '^ *(not )?ok [0-9].*# *SKIP' "$log" | sed 's/^/    SKIPPED: /'
    if [ "$f" -gt 0 ]; then
        { grep -E -A6 '^ *not ok' "$log"; tail -n 15 "$log.err"; } | sed 's/^/    /'
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
