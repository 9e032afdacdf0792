#!/usr/bin/env bash
# Puts the table of errors into docs/calibration.md and draws docs/crossbar.svg: LUTs of ss_crossbar, measured and fitted.
#   calibrate/document.sh FOLDER      FOLDER/errors.md, FOLDER/curves: what calibrate/fit wrote
set -eu
here=$(cd "$(dirname "$0")" && pwd)
from=$1
docs=$here/../docs
command -v gnuplot >/dev/null || { echo "document: gnuplot is missing; on Debian: apt-get install gnuplot-nox" >&2; exit 1; }

awk -v table="$from/errors.md" '
    /^\| module \| points/ { while ((getline line < table) > 0) print line; skip = 1 }
    skip && !/^\|/ { skip = 0 }
    !skip' "$docs/calibration.md" >"$from/calibration.md"
cp "$from/calibration.md" "$docs/calibration.md"

measured() { # measured USE K W: "m lut"
    awk -F'[,= ]' -v use="$1" -v k="$2" -v w="$3" \
        '$1 == "ss_crossbar" && $3 == k && $7 == w && $8 == use { print $5, $10 }' "$here/measurements.csv"
}
{
    cat <<PLOT
set terminal svg size 900,380 font "sans-serif,12" enhanced background "white"
set output "$docs/crossbar.svg"
set multiplot layout 1,2
set xlabel "m, multipliers"
set ylabel "LUT"
set key top left reverse Left samplen 2
set grid ytics lc rgb "#dddddd" lt 1
set border 3
set tics nomirror
set yrange [0:*]
set xrange [0:*]
PLOT
    colours=("#1b6ca8" "#d95f02" "#1b9e77" "#7b5ea7")
    block=0
    for pair in "4 9" "25 49"; do
        lines=() c=0
        for k in $pair; do
            for w in 8 16; do
                for use in fit held; do
                    measured $use "$k" "$w" | sort -n >"$from/$use-$k-$w"
                done
                lines+=("'$from/curves' index $block using 3:4 with lines lw 1.5 lc rgb '${colours[c]}' title 'K = $k, $w bits'")
                [ -s "$from/fit-$k-$w" ] && lines+=("'$from/fit-$k-$w' with points pt 7 ps 0.6 lc rgb '${colours[c]}' notitle")
                [ -s "$from/held-$k-$w" ] && lines+=("'$from/held-$k-$w' with points pt 6 ps 0.8 lw 1.5 lc rgb '${colours[c]}' notitle")
                block=$((block + 1)) c=$((c + 1))
            done
        done
        [ "$pair" = "4 9" ] || echo "set xrange [0:13]"
        (IFS=,; echo "plot ${lines[*]}")
    done
} >"$from/plot.gp"
gnuplot "$from/plot.gp"
