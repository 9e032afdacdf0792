#!/usr/bin/env python3
"""Tables and plots from the files that `skipstream threshold` writes.

  scripts/studies.py table STUDY.json...                          Markdown on stdout
  scripts/studies.py plot STUDY.json OUT [BEFORE.json AFTER.json]  OUT-curve.svg, OUT-zeros.svg and, from two designs
                                                                  (threshold --save), OUT-nodes.svg

Everything shown stands in the files; nothing is measured here. A study that was interrupted is shown as far as it came, and
marked as such.
"""
import json
import math
import sys
from xml.sax.saxutils import escape

KINDS = ("baseline", "optimised")
COLOURS = {"uniform": "#7a7a7a", "latency-aware": "#0072b2", "greedy-gain": "#d55e00"}
FONT = 'font-family="sans-serif" font-size="12"'


def load(path, kind):
    with open(path, encoding="utf-8") as f:
        j = json.load(f)
    if j.get("format") != kind:
        sys.exit(f"{path}: holds no {kind}")
    if kind == "skipstream.study" and not j["complete"]:
        print(f"{path}: interrupted; threshold --resume goes on with it", file=sys.stderr)
        j["model_name"] += " (interrupted)"
    return j


# ---- the table ----

def signed(percent):
    return f"{percent:+.1f} %"


def cell(study, policy, kind):
    """Gain, loss on search, loss on test of what the policy chose."""
    chosen = study["policies"][policy].get(kind)
    if not chosen or chosen["chosen"] < 0:
        return ["", "", ""]
    point = study["points"][chosen["chosen"]]
    test = chosen.get("test")
    lost = "" if not test else "{:.2f} ({:.2f} to {:.2f})".format(test["loss"], *test["loss_interval"])
    return [signed(100 * (point[kind]["gain"] - 1)), f"{point['loss']:.2f}", lost]


def table(paths):
    head = ["network", "device", "partitions", "images/s at 0", "policy"]
    for kind in KINDS:
        head += [f"{kind}: gain", "lost, search", "lost, test (95 %)"]
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for path in paths:
        s = load(path, "skipstream.study")
        about = [s["model_name"].replace(".onnx", ""), s["device"], str(s["reference"]["partitions"]),
                 f"{s['reference']['throughput']:,.0f}"]
        for policy in s["policies"]:
            row = about + [policy]
            for kind in KINDS:
                row += cell(s, policy, kind)
            print("| " + " | ".join(row) + " |")
            about = [""] * len(about)


# ---- plots ----

def ticks(lo, hi, count=6):
    raw = (hi - lo) / count or 1
    unit = 10 ** math.floor(math.log10(raw))
    step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= raw)
    first = math.ceil(lo / step - 1e-9)
    return [k * step for k in range(first, math.floor(hi / step + 1e-9) + 1)]


class Panel:
    """A frame with axes; x and y map figures to the page."""

    def __init__(self, left, top, width, height, xs, ys):
        self.left, self.top, self.width, self.height, self.xs, self.ys = left, top, width, height, xs, ys
        self.out = [f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#888"/>']

    def x(self, v):
        return self.left + (v - self.xs[0]) / (self.xs[1] - self.xs[0]) * self.width

    def y(self, v):
        return self.top + self.height - (v - self.ys[0]) / (self.ys[1] - self.ys[0]) * self.height

    def text(self, x, y, s, anchor="middle", extra=""):
        self.out.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {FONT} {extra}>{escape(s)}</text>')

    def line(self, x0, y0, x1, y1, style):
        self.out.append(f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" {style}/>')

    def rulers(self, form_x, form_y):
        for v in ticks(*self.ys):
            self.line(self.left, self.y(v), self.left + self.width, self.y(v), 'stroke="#e4e4e4"')
            self.text(self.left - 6, self.y(v) + 4, form_y(v), "end")
        for v in ticks(*self.xs) if form_x else []:
            self.line(self.x(v), self.top, self.x(v), self.top + self.height, 'stroke="#e4e4e4"')
            self.text(self.x(v), self.top + self.height + 16, form_x(v))


def write(path, width, height, parts):
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">\n'
                f'<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")
    print(path)


def front(points):
    """Those that no other beats in both figures, by rising throughput."""
    best, out = -math.inf, []
    for gain, top1 in sorted(points, reverse=True):
        if top1 > best:
            out.append((gain, top1))
            best = top1
    return out[::-1]


def curve(study, path):
    """Accuracy against throughput: every point (rings: chosen, run on all images), and the front of each policy."""
    start = study["points"][0]
    limit = start["top1"] - study["max_loss"]
    kinds = [k for k in KINDS if k in study["hardware"]]
    shown = [p for p in study["points"] if p["loss"] <= 3 * study["max_loss"] + 1]
    gains = [100 * (p[k]["gain"] - 1) for p in shown for k in kinds]
    tops = [p["top1"] for p in shown]
    xs = (min(0, min(gains)) - 2, max(gains) + 3)
    ys = (min(tops + [limit]) - 0.2, max(tops) + 0.3)
    parts = []
    for i, kind in enumerate(kinds):
        f = Panel(70 + 460 * i, 40, 400, 300, xs, ys)
        f.rulers(lambda v: f"{v:+.0f} %", lambda v: f"{v:.1f}")
        f.text(f.left + 200, 24, f"{kind} hardware", extra='font-weight="bold"')
        f.text(f.left + 200, 376, "throughput against threshold 0")
        f.line(f.left, f.y(limit), f.left + 400, f.y(limit), 'stroke="#c00" stroke-dasharray="6 4"')
        f.text(f.left + 6, f.y(limit) - 5, f"{study['max_loss']:g} point lost", "start", 'fill="#c00"')
        for policy in study["policies"]:
            mine = [(100 * (p[kind]["gain"] - 1), p["top1"]) for p in shown if p["policy"] in (policy, None)]
            for gain, top1 in mine:
                f.out.append(f'<circle cx="{f.x(gain):.1f}" cy="{f.y(top1):.1f}" r="2" fill="{COLOURS[policy]}" opacity=".45"/>')
            line = " ".join(f"{f.x(g):.1f},{f.y(t):.1f}" for g, t in front(mine))
            f.out.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[policy]}" stroke-width="2"/>')
            at = study["policies"][policy][kind]["chosen"]
            if at >= 0:
                p = study["points"][at]
                f.out.append(f'<circle cx="{f.x(100 * (p[kind]["gain"] - 1)):.1f}" cy="{f.y(p["top1"]):.1f}" r="5" '
                             f'fill="none" stroke="{COLOURS[policy]}" stroke-width="2"/>')
        parts += f.out
    for i, policy in enumerate(study["policies"]):
        parts.append(f'<line x1="{80 + 170 * i}" y1="404" x2="{104 + 170 * i}" y2="404" stroke="{COLOURS[policy]}" '
                     f'stroke-width="3"/><text x="{110 + 170 * i}" y="408" {FONT}>{policy}</text>')
    parts.append(f'<text x="20" y="190" transform="rotate(-90 20 190)" text-anchor="middle" {FONT}>'
                 'Top-1 on the search split, %</text>')
    write(path, 70 + 460 * len(kinds), 420, parts)


def bars(path, title, names, series, form, top):
    """Groups of bars, one group a name; series: [(label, colour, values)]."""
    width = max(420, 40 * len(names) + 100)
    f = Panel(70, 60, width - 90, 260, (0, len(names)), (0, top))
    f.rulers(None, form)
    f.text(width / 2, 20, title, extra='font-weight="bold"')
    room = 0.8 / len(series)
    for k, (label, colour, values) in enumerate(series):
        f.out.append(f'<rect x="{80 + 190 * k}" y="34" width="12" height="12" fill="{colour}"/>')
        f.text(98 + 190 * k, 44, label, "start")
        for i, v in enumerate(values):
            x = f.x(i + 0.1 + k * room)
            f.out.append(f'<rect x="{x:.1f}" y="{f.y(v):.1f}" width="{f.x(room) - f.x(0):.1f}" '
                         f'height="{f.y(0) - f.y(v):.1f}" fill="{colour}"/>')
    for i, name in enumerate(names):
        x, y = f.x(i + 0.5), f.top + f.height + 12
        f.text(x, y, name, "end", f'transform="rotate(-50 {x:.1f} {y:.1f})"')
    write(path, width, 470, f.out)


def short(name):
    return "/".join(name.strip("/").split("/")[-3:])[-26:]


def zeros(study, path):
    chosen = study["chosen"].get("optimised", study["chosen"].get("baseline"))
    before, after = study["points"][0]["zero_ratio"], study["points"][chosen]["zero_ratio"]
    bars(path, f"zeros behind every ReLU, {study['model_name']} on {study['device']}", [short(r) for r in study["relus"]],
         [("threshold 0", "#9ab", [100 * v for v in before]), ("chosen thresholds", "#d55e00", [100 * v for v in after])],
         lambda v: f"{v:.0f} %", 100)


def cycles(design):
    return {n["name"]: n["cycles"] for p in design["partitions"] for n in p["nodes"]}


def nodes(before, after, path):
    """Cycles an image of every convolution in two designs."""
    a, b = cycles(before), cycles(after)
    names = [n["name"] for p in before["partitions"] for n in p["nodes"] if n["op"] == "conv" and n["name"] in b]
    bars(path, f"cycles an image, {before['model']['name'].split('/')[-1]} on {before['device']['name']}", [short(n) for n in names],
         [("threshold 0", "#9ab", [a[n] for n in names]), ("chosen thresholds", "#d55e00", [b[n] for n in names])],
         lambda v: f"{v:,.0f}", 1.05 * max([a[n] for n in names] + [b[n] for n in names]))


def main(args):
    if len(args) >= 2 and args[0] == "table":
        table(args[1:])
    elif len(args) in (3, 5) and args[0] == "plot":
        study = load(args[1], "skipstream.study")
        curve(study, args[2] + "-curve.svg")
        zeros(study, args[2] + "-zeros.svg")
        if len(args) == 5:
            nodes(load(args[3], "skipstream.design"), load(args[4], "skipstream.design"), args[2] + "-nodes.svg")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
