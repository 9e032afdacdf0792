#!/usr/bin/env bash
# The frame around the subcommands: usage, help, options, operands, exit codes. Every command that `--help` lists
# is tried, so a new one is tested as soon as it has its row.
. tests/tap.sh
run() { # run ARGUMENT...: leaves out, err, rc
    "$bin" "$@" >"$work/out" 2>"$work/err"
    rc=$?
}
helps() { # helps COMMAND: exit 0, its name, its options with text, nothing on stderr
    run "$1" --help
    cat "$work/out"
    [ "$rc" -eq 0 ] && [ ! -s "$work/err" ] && grep -q "^skipstream $1 " "$work/out" || return 1
    local option
    for option in --json "--threads N" --help; do grep -qE -- "^  $option +[a-z]" "$work/out" || return 1; done
}
no_command() {
    run
    [ "$rc" -eq 2 ] && [ ! -s "$work/out" ] && grep -q "^usage: " "$work/err"
}
usage() { # usage ARGUMENT: on stdout, exit 0
    run "$1"
    [ "$rc" -eq 0 ] && [ ! -s "$work/err" ] && grep -q "^usage: " "$work/out"
}
version() {
    run --version
    [ "$rc" -eq 0 ] && grep -qxE "skipstream [0-9]+\.[0-9]+\.[0-9]+" "$work/out"
}
full_disk() { # a result that cannot be written is an error
    [ -w /dev/full ] || { echo "no /dev/full"; return 1; }
    "$bin" "$first" --help >/dev/full 2>"$work/err"
    [ $? -eq 2 ] && grep -q "cannot write" "$work/err"
}

commands=$("$bin" --help | sed -n 's/^  \([a-z]\+\) .*/\1/p')
first=$(echo "$commands" | head -n 1)

check "no command: usage on stderr, exit 2" no_command
check "--help: usage on stdout" usage --help
check "help: usage on stdout" usage help
check "--version" version
check "there are commands" test -n "$commands"
check "an unknown command is refused" refuses "frobnicate: no such command" frobnicate
check "an option in place of a command is refused" refuses "no such command" --json
check "unwritable standard output is reported" full_disk
for c in $commands; do
    # What each command takes, as its help states it: the count of operands and a required option, if any.
    operands=$("$bin" "$c" --help | sed -n "1s/^skipstream $c \(.*\) \[options\]$/\1/p")
    set -- $operands
    check "$c --help" helps "$c"
    check "$c: an unknown option is refused" refuses "--frobnicate: no such option" "$c" --frobnicate
    check "$c: a short option is refused" refuses "-x: no such option" "$c" -x
    check "$c: an option without its value is refused" refuses "--threads: needs a value" "$c" --threads
    check "$c: a flag with a value is refused" refuses "takes no value" "$c" --json=yes
    for threads in 0 -1 1025 many "" 4x; do
        check "$c: --threads '$threads' is refused" refuses "--threads takes 1 to 1024" "$c" "--threads=$threads"
    done
    check "$c: no operand is refused" refuses "takes $operands; 0 given" "$c"
    case $operands in
    *...) check "$c: 65 operands are refused" refuses "too many operands" "$c" $(seq 65) ;;
    *) check "$c: $(($# + 1)) operands are refused" refuses "takes $operands; $(($# + 1)) given" "$c" "$@" extra ;;
    esac
    check "$c: a missing file is refused" refuses "" "$c" "$work/no/such/file"
    # An option given twice, where the command has an option with a value.
    option=$("$bin" "$c" --help | sed -n 's/^  --\([a-z-]\+\) [A-Za-z].*/\1/p' | grep -vx threads | head -n 1)
    [ -z "$option" ] || check "$c: --$option twice is refused" refuses "given twice" "$c" "--$option" 1 "--$option=2"
    check "$c: -- ends the options" refuses "" "$c" -- --help
done
echo "1..$n"
