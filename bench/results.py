#!/usr/bin/env python3
"""The tables of docs/results.md: one network, device and width in each, every engine beside the others.

    bench/results.py --data DIR [--thresholds FILE [--accuracy]] [--bits 16,8] [--limit N] [--work DIR] NETWORK DEVICE [ZEROS]

NETWORK is a file of --data without .onnx; ZEROS (0..1) assumes independent zeros, for networks without trained weights.
Each row is one `skipstream explore` on the profile of the search split (val_batch.bin), calibrated on calib_batch.bin
(--limit N: of its first N images); with --thresholds every engine also gets a row with these in force, and with
--accuracy lines give Top-1 without and with them on all images of both splits.
Figures are the program's own: nothing is computed here. Profiles are kept in --work and taken from there again.
"""
import argparse
import json
import os
import subprocess
import sys

BIN = os.path.join(os.environ.get("BUILD", "build"), "skipstream")
ENGINES = ["dense", "crossbar", "broadcast", "auto"]
HEAD = ["bits", "engine", "thresholds", "images/s", "interval", "latency us", "partitions", "DSP", "LUT", "BRAM18", "URAM",
        "binding", "images/s per DSP", "skip efficiency"]


def run(words):
    """A command's JSON result, or None when it says that nothing fits."""
    done = subprocess.run([BIN, *words, "--json"], capture_output=True, text=True, check=False)
    if done.returncode == 2 and "fit" in done.stderr:
        return None
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: exit {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def profile(args, model, bits, thresholds):
    """Measure once; the name says of what."""
    name = f"{args.network}_{bits}_{'thresholds' if thresholds else 'zero'}.json"
    path = os.path.join(args.work, name)
    if not os.path.exists(path):
        cifar = os.path.join(args.data, "cifar10")
        words = ["profile", model, "--data", os.path.join(cifar, "val_batch.bin"), "--calib",
                 os.path.join(cifar, "calib_batch.bin"), "--bits", str(bits), "--out", path]
        words += ["--limit", str(args.limit)] if args.limit else []
        run(words + (["--thresholds", thresholds] if thresholds else []))
    return path


def row(args, model, bits, engine, thresholds):
    out = os.path.join(args.work, f"design_{args.network}_{args.device}_{bits}_{engine}_{int(bool(thresholds))}.json")
    words = ["explore", model, "--device", args.device, "--bits", str(bits), "--out", out]
    if engine == "dense":
        words.append("--dense")
    elif args.zeros is not None:
        words += ["--assume-zeros", str(args.zeros), "--engine", engine]
    else:
        words += ["--profile", profile(args, model, bits, thresholds), "--engine", engine]
    d = run(words)
    label = [str(bits), engine, "chosen" if thresholds else "0"]
    if d is None:
        return label + ["fits in no design"] + [""] * (len(HEAD) - 4)
    parts = d["partitions"]
    peak = {r: max(p["resources"][r] for p in parts) for r in ("dsp", "lut", "bram18", "uram")}
    skip = d.get("skip_efficiency")
    return label + [f"{d['throughput']:,.0f}", f"{sum(p['interval'] for p in parts):,.0f}", f"{d['latency_us']:,.0f}",
                    str(len(parts)), *(f"{peak[r]:,}" for r in ("dsp", "lut", "bram18", "uram")),
                    " ".join(sorted({p["binding"] for p in parts})), f"{d['throughput'] / peak['dsp']:.3f}",
                    "" if skip is None or engine == "dense" else f"{100 * skip:.1f} %"]


def print_row(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def accuracy(args, model, bits):
    """Top-1 with and without the thresholds, both splits."""
    cifar = os.path.join(args.data, "cifar10")
    for split in ("val", "test"):
        top1 = []
        for thresholds in (None, args.thresholds):
            words = ["eval", model, "--data", os.path.join(cifar, f"{split}_batch.bin"), "--calib",
                     os.path.join(cifar, "calib_batch.bin"), "--bits", str(bits)]
            top1.append(run(words + (["--thresholds", thresholds] if thresholds else []))["top1"])
        print(f"{bits} bits, {split} split: Top-1 {top1[0]:.2f} % at threshold 0, {top1[1]:.2f} % with thresholds "
              f"(loss {top1[0] - top1[1]:.2f} points)", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", default=os.environ.get("SKIPSTREAM_DATA", "../shared/data"))
    p.add_argument("--thresholds")
    p.add_argument("--accuracy", action="store_true")
    p.add_argument("--bits", default="16,8")
    p.add_argument("--limit", type=int)
    p.add_argument("--work", default="build/results")
    p.add_argument("network")
    p.add_argument("device")
    p.add_argument("zeros", nargs="?", type=float)
    args = p.parse_args()
    os.makedirs(args.work, exist_ok=True)
    model = os.path.join(args.data, args.network + ".onnx")
    print_row(HEAD)
    print_row(["---"] * len(HEAD))
    for bits in map(int, args.bits.split(",")):
        for engine in ENGINES:
            print_row(row(args, model, bits, engine, None))
            if args.thresholds and engine != "dense":
                print_row(row(args, model, bits, engine, args.thresholds))
    if args.thresholds and args.accuracy:
        print()
        for bits in map(int, args.bits.split(",")):
            accuracy(args, model, bits)


main()
