#!/usr/bin/env bash
# The cost model against the measurements of synthesis that are kept with it: src/cost/fitted.h is what calibrate/fit makes
# of them; memories and DSPs are exact; every module is within 10 % (median) where its points were held out of the fit.
. tests/tap.sh
fit=${BUILD:-build}/calibrate/fit
csv=calibrate/measurements.csv

refit() { "$fit" "$csv" "$work/fitted.h" >"$work/errors.md"; }
check "every measurement has a model, every memory and DSP its rule" refit
check "the coefficients are those of the measurements" cmp "$work/fitted.h" src/cost/fitted.h
table() { sed -n '/^| module | points/,/^$/p' docs/calibration.md | grep . | cmp - "$work/errors.md"; }
check "docs/calibration.md has the table of errors" table
refused() { # refused CSV MESSAGE
    "$fit" "$1" "$work/other.h" >"$work/out" 2>"$work/err"
    [ $? -eq 1 ] && grep -qF "$2" "$work/err"
}
worst() { # the largest median of the held-out columns
    awk -F'|' '/^\| `/ { for (i = 7; i <= 8; i++) { split($i, e, "/"); if (e[1] + 0 > most) most = e[1] + 0 } } END { print most + 0 }' "$1"
}
check "held-out points within 10 % in the median of every module" awk -v e="$(worst "$work/errors.md")" 'BEGIN { exit !(e <= 10) }'
held() { awk -F, 'NR > 1 { all++; held += $3 == "held" } END { exit !(all > 150 && held >= all / 5) }' "$csv"; }
check "a fifth of the points is held out" held
sed 's/^\(ss_dot,[^,]*,[^,]*,[^,]*,[^,]*,[^,]*,[^,]*,[^,]*,\)[0-9]*/\1999/' "$csv" >"$work/broken.csv"
check "a DSP that no rule gives is refused" refused "$work/broken.csv" "DSP, by rule"
sed '$ s/^ss_[a-z_]*/ss_unknown/' "$csv" >"$work/broken.csv"
check "a module without a model is refused" refused "$work/broken.csv" "no model of ss_unknown"
echo "1..$n"
