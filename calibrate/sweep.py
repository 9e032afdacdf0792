#!/usr/bin/env python3
"""Measures the modules of rtl/ by synthesis: one Yosys run a point, one module out of context, with the parameters that
calibrate/points.py lists. Results go to calibrate/measurements.csv, in the order of that list.

    calibrate/sweep.py [--list] [MODULE...]     all modules, or only those named

Resumable: a row carries a hash of the sources that it was measured from (comments and blanks do not count); only points
without a row of the present sources are run, and each result is written at once. YOSYS: the command; JOBS: how many at
once.

LUTs are LUT1 to LUT6, inverters and shift registers, one each, and LUT RAM by the LUTs that it takes (UG974), which stand
in `lutram` too. carry counts CARRY8, two of Yosys's CARRY4. A RAMB36 is two RAMB18. Yosys
pairs no small LUTs into one with two outputs and packs no registers into DSPs: LUT and FF are both pessimistic.
"""
import concurrent.futures
import csv
import hashlib
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import points

HERE = pathlib.Path(__file__).resolve().parent
RTL = pathlib.Path(os.environ.get("SKIPSTREAM_RTL", HERE.parent / "rtl"))
CSV = HERE / "measurements.csv"
FIELDS = ["module", "parameters", "use", "source", "lut", "lutram", "carry", "ff", "dsp", "bram18", "uram"]
LUT_RAM = {"RAM16X1D": 2, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAM256X1D": 8, "RAM32M": 4, "RAM64M": 4,
           "RAM32M16": 8, "RAM64M8": 8, "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4, "RAM512X1S": 8,
           "RAM32X16DR8": 8, "RAM64X8SW": 8}
FREE = re.compile(r"MUXF[789]|GND|VCC|\$scopeinfo")


def code_of(module):
    return re.sub(r"//.*", "", (RTL / f"{module}.sv").read_text())


def closure(module):
    """The module and all that it instantiates, sorted."""
    seen, todo = set(), [module]
    while todo:
        name = todo.pop()
        if name not in seen and (RTL / f"{name}.sv").exists():
            seen.add(name)
            todo += re.findall(r"\bss_[a-z0-9_]+", code_of(name))
    return sorted(seen)


def source_hash(modules):
    text = "".join(re.sub(r"\s+", "", code_of(m)) for m in modules)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def value_text(value):
    """Yosys takes a string as the bits that it is."""
    if isinstance(value, int):
        return str(value)
    return f"{8 * max(1, len(value))}'h{value.encode().hex() or '00'}"


def write_rows(path, width, depth):
    """A memory image of random bits: zeros would be optimised away."""
    rng = random.Random(width * 1000003 + depth)
    path.write_text("".join(f"{rng.getrandbits(width):x}\n" for _ in range(depth)))


def count_cells(text):
    found = dict.fromkeys(FIELDS[4:], 0)
    carry4 = 0
    cells = text[text.index("Number of cells:"):].splitlines()[1:]
    for cell, n in (line.split() for line in cells if line.strip()):
        n = int(n)
        if re.fullmatch(r"LUT[1-6]|INV|SRL16E|SRLC16E|SRLC32E", cell):
            found["lut"] += n
        elif cell in LUT_RAM:
            found["lut"] += LUT_RAM[cell] * n
            found["lutram"] += LUT_RAM[cell] * n
        elif cell == "CARRY4":
            carry4 += n
        elif re.fullmatch(r"FD[RSCP]E", cell):
            found["ff"] += n
        elif re.fullmatch(r"DSP48E[12]", cell):
            found["dsp"] += n
        elif re.fullmatch(r"RAMB(18|36)E2", cell):
            found["bram18"] += n * (2 if "36" in cell else 1)
        elif cell == "URAM288":
            found["uram"] += n
        elif not FREE.fullmatch(cell):
            raise RuntimeError(f"a cell that is not counted: {cell}")
    found["carry"] = (carry4 + 1) // 2
    return found


def measure(point):
    """One row. point.files: memory images that the module reads, name -> (width, depth)."""
    modules = closure(point.module)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        for name, (width, depth) in point.files.items():
            write_rows(work / name, width, depth)
        chparams = " ".join(f"-chparam {k} {value_text(v)}" for k, v in point.parameters.items())
        script = ["read_verilog -lib +/xilinx/cells_xtra.v"]
        script += [f"read_verilog -sv -defer -DSYNTHESIS -DSS_DSP48E2 {RTL / m}.sv" for m in modules]
        script += [f"hierarchy -top {point.module} {chparams}",
                   "synth_xilinx -family xcup -flatten -abc9 -noiopad -noclkbuf", "tee -o stat.txt stat"]
        (work / "run.ys").write_text("\n".join(script) + "\n")
        run = subprocess.run([*os.environ.get("YOSYS", "yosys").split(), "-q", "run.ys"], cwd=work, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if run.returncode != 0:
            raise RuntimeError("\n".join(run.stdout.splitlines()[-4:]))
        return count_cells((work / "stat.txt").read_text())


def load_rows():
    if not CSV.exists():
        return {}
    with CSV.open() as f:
        return {(r["module"], r["parameters"]): r for r in csv.DictReader(f)}


def store_rows(rows, order):
    """In the order of the points; what is no longer a point is dropped."""
    partial = CSV.with_suffix(".tmp")
    with partial.open("w") as f:
        out = csv.DictWriter(f, FIELDS, lineterminator="\n")
        out.writeheader()
        for point in order:
            row = rows.get((point.module, point.text))
            if row:
                out.writerow({**row, "use": point.use})
    partial.replace(CSV)


def main():
    names = [a for a in sys.argv[1:] if a != "--list"]
    every = [p for p in points.all_points() if (RTL / f"{p.module}.sv").exists()]
    unknown = set(names) - {p.module for p in every}
    if unknown:
        sys.exit(f"sweep: no such module: {' '.join(sorted(unknown))}")
    if not shutil.which(os.environ.get("YOSYS", "yosys").split()[0]):
        sys.exit("sweep: Yosys is missing; on Debian: apt-get install yosys")
    hashes = {m: source_hash(closure(m)) for m in {p.module for p in every}}
    rows = load_rows()
    todo = [p for p in every if (not names or p.module in names)
            and rows.get((p.module, p.text), {}).get("source") != hashes[p.module]]
    print(f"sweep: {len(every)} points, {len(todo)} to run", file=sys.stderr)
    if "--list" in sys.argv:
        print("\n".join(f"{p.module} {p.text}" for p in todo))
        return
    lock, failures = threading.Lock(), []

    def run(point):
        try:
            found = measure(point)
        except (RuntimeError, ValueError, OSError) as e:
            failures.append(point)
            print(f"sweep: {point.module} {point.text}:\n{e}", file=sys.stderr, flush=True)
            return
        with lock:
            rows[point.module, point.text] = {"module": point.module, "parameters": point.text, "use": point.use,
                                              "source": hashes[point.module], **found}
            store_rows(rows, every)
        print(point.module, point.text, *(f"{k}={v}" for k, v in found.items() if v), flush=True)

    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count() or 1))) as pool:
        list(pool.map(run, todo))
    store_rows(rows, every)
    if failures:
        sys.exit(f"sweep: {len(failures)} points could not be measured")


if __name__ == "__main__":
    main()
