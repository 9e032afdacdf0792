#!/usr/bin/env bash
# Installs the Debian packages that building and testing need, only those that are missing, and says which.
# --list prints the packages; --calibrate adds what `make calibrate` needs besides. Without apt it names them and leaves the rest to the build.
set -eu
packages=(
    build-essential pkg-config            # C compiler, make
    clang libomp-dev                      # the second compiler and the sanitizers of `make test`
    protobuf-c-compiler libprotobuf-c-dev # reads ONNX,
    libonnx-dev                           # whose schema comes from here
    libjansson-dev libxxhash-dev          # JSON, content hashes
    libcmocka-dev libonnx-testdata        # tests, and ONNX's own test vectors;
    python3                               # makes bad models for them
    verilator iverilog                    # simulators of the hardware,
    ccache                                # which makes their second build faster
    yosys                                 # synthesis and proofs
)

if [ "${1:-}" = --calibrate ]; then
    packages+=(gnuplot-nox) # draws the plot of docs/calibration.md
fi
if [ "${1:-}" = --list ]; then
    printf '%s\n' "${packages[@]}"
    exit 0
fi
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "install-deps: no apt here; the build needs what Debian calls: ${packages[*]}" >&2
    exit 0
fi

missing=()
for p in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-deps: missing packages, and neither root nor sudo to install them. As root:" >&2
        echo "    apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "install-deps: installing ${missing[*]}" >&2
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends "${missing[@]}")
# The package lists may be old or absent: fetch them only then.
if ! "${install[@]}" >/dev/null 2>&1; then
    "${as_root[@]}" apt-get update -qq && "${install[@]}" >/dev/null || {
        echo "install-deps: apt could not install ${missing[*]}; see its messages above" >&2
        exit 1
    }
fi
