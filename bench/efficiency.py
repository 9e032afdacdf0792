#!/usr/bin/env python3
"""Where the multipliers of a design stand idle, node by node.

    bench/efficiency.py MODEL DESIGN PROFILE

MODEL is the network, DESIGN and PROFILE the files of `skipstream explore` and `skipstream profile` that belong together. Of a
node's multipliers times the partition's interval, in percent:

    work      multiplications whose activation is not zero
    slack     the node is faster than the partition's slowest
    drift     broadcast engines: streams that wait for each other although they have equally much in blocks of 256 pixels,
              words and lists that take a cycle though they are empty, compaction, window
    uneven    streams that have less than the fullest even then, and in engines that skip nothing the zeros

The last line is the partition's, weighted by multipliers: `work` is the skip efficiency that `explore` prints.
"""
import json
import os
import subprocess
import sys

BIN = os.path.join(os.environ.get("BUILD", "build"), "skipstream")


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def filters_of(model):
    done = subprocess.run([BIN, "check", model, "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return {n["name"]: int(n["shape"].split("x")[0]) for n in json.loads(done.stdout)["nodes"] if n["shape"]}


def shares(node, layer, images, filters, interval):
    """(multipliers, work, slack, drift, uneven), the last four of 1."""
    ci, co, m = node["ci"], node["co"], node["m"]
    pixels = node.get("pixels", 1)
    multipliers = node["gr"] * pixels * ci * co * m
    per_group = filters // layer["groups"]
    nonzeros = sum(n * windows for row in layer["hist"] for n, windows in enumerate(row)) / images
    work = nonzeros * per_group / (multipliers * interval)
    slack = 1 - node["cycles"] / interval
    drift = 0
    if node["engine"] == "broadcast" and m in layer["parts"]:
        sums = layer["lists"][layer["parts"].index(m)][layer["ci"].index(ci)]
        drift = (node["cycles"] - -(-per_group // co) * sums[4] / images / pixels) / interval
    return multipliers, work, slack, drift, 1 - work - slack - drift


def beside(node):
    """Pixels at once, as `explore` writes them."""
    return f"{node['pixels']}p x " if node.get("pixels", 1) > 1 else ""


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    filters, design, profile = filters_of(sys.argv[1]), load(sys.argv[2]), load(sys.argv[3])
    layers = {layer["name"]: layer for layer in profile["layers"]}
    print("| node | engine | ci x co x m | multipliers | cycles | work | slack | drift | uneven |")
    print("|---|---|---|---|---|---|---|---|---|")
    for part in design["partitions"]:
        total = [0.0] * 5
        for node in part["nodes"]:
            if node["name"] not in layers or node["engine"] == "none":
                continue
            of = shares(node, layers[node["name"]], profile["images"], filters[node["name"]], part["interval"])
            total = [total[0] + of[0]] + [t + of[0] * s for t, s in zip(total[1:], of[1:])]
            print(f"| `{node['name']}` | {node['engine']} | {beside(node)}{node['ci']} x {node['co']} x {node['m']} | {of[0]:,} | {node['cycles']:,.0f} | "
                  + " | ".join(f"{100 * s:.1f}" for s in of[1:]) + " |")
        print(f"| all | | | {total[0]:,.0f} | {part['interval']:,.0f} | " + " | ".join(f"{100 * s / total[0]:.1f}" for s in total[1:]) + " |")


if __name__ == "__main__":
    main()
