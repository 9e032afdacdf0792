"""What calibrate/sweep.py measures: modules with parameters that span what networks use. About a quarter of the points is
`held` out of the fit, between and beyond the others, to measure the model's error. A `whole` convolution is measured to check
that its modules' sum is what they cost together."""
import dataclasses


@dataclasses.dataclass
class Point:
    module: str
    parameters: dict
    use: str = "fit"
    files: dict = dataclasses.field(default_factory=dict)

    @property
    def text(self):
        return " ".join(f"{k}={v}" for k, v in self.parameters.items())


def grid(module, names, rows, fixed=(), files=lambda p: {}):
    """A point for each row of values; a row that begins with "held" or "whole" is kept out of the fit."""
    for row in rows:
        use = row[0] if row[0] in ("held", "whole") else "fit"
        parameters = dict(zip(names.split(), row if use == "fit" else row[1:])) | dict(fixed)
        yield Point(module, parameters, use, files(parameters))


def streams():
    yield from grid("ss_slice", "WIDTH", [(1,), (8,), (40,), (128,), ("held", 64)])
    yield from grid("ss_fork", "WIDTH N", [(16, 2), (64, 3), (32, 5), ("held", 128, 4)])
    yield from grid("ss_fifo", "STYLE WIDTH DEPTH", [
        ("registers", 8, 2), ("registers", 64, 2), ("registers", 27, 4), ("held", "registers", 32, 3), ("distributed", 84, 50),
        ("distributed", 27, 16), ("distributed", 108, 16), ("distributed", 64, 32), ("distributed", 16, 64),
        ("distributed", 56, 128), ("distributed", 20, 256), ("distributed", 32, 500), ("distributed", 200, 16),
        ("held", "distributed", 54, 32), ("held", "distributed", 30, 40), ("held", "distributed", 40, 200),
        ("held", "distributed", 400, 16),
        ("block", 36, 512), ("block", 128, 300), ("block", 16, 4096), ("block", 400, 128),
        ("held", "block", 64, 1024), ("block", 32, 3000)])
    yield from grid("ss_width", "IN OUT W", [
        (4, 1, 16), (32, 1, 16), (16, 4, 27), ("held", 16, 1, 8), ("held", 8, 4, 27),
        (1, 4, 16), (1, 32, 16), (4, 16, 27), ("held", 2, 16, 8),
        (2, 3, 16), (4, 6, 8), (12, 16, 16), (8, 3, 27), (3, 16, 16), (8, 5, 8), ("held", 6, 4, 16),
        ("held", 16, 24, 8), ("held", 3, 8, 16)])


def rom_file(width, depth):
    return lambda p: {"rows.mem": (width(p), depth(p))}


def memories():
    yield from grid("ss_rom", "STYLE WIDTH DEPTH", [
        ("distributed", 16, 20), ("distributed", 36, 64), ("distributed", 24, 100), ("held", "distributed", 30, 200),
        ("distributed", 20, 512), ("held", "distributed", 48, 32), ("distributed", 200, 4), ("distributed", 64, 300),
        ("held", "distributed", 300, 6), ("block", 72, 600), ("held", "block", 100, 1000), ("held", "block", 37, 1024),
        ("block", 16, 3000)],
        {"FILE": "rows.mem"}, rom_file(lambda p: p["WIDTH"], lambda p: p["DEPTH"]))
    yield from grid("ss_weights", "STYLE WIDTH DEPTH", [
        ("ultra", 64, 512), ("held", "ultra", 144, 5000), ("ultra", 300, 100), ("ultra", 72, 9000), ("ultra", 1152, 64)])


def crossbars():
    yield from grid("ss_crossbar", "K M W", [
        (9, 2, 16), (9, 3, 16), (9, 4, 16), (9, 6, 16), (9, 8, 16), (9, 2, 8), (9, 4, 8), (9, 8, 8), ("held", 9, 5, 16),
        ("held", 9, 3, 8), ("held", 9, 6, 8), ("held", 9, 7, 16), (9, 1, 16), (9, 1, 8),
        (4, 2, 16), (4, 3, 8), ("held", 6, 3, 16), (25, 2, 16), (25, 4, 8), (25, 8, 16), (25, 1, 16),
        ("held", 25, 4, 16), ("held", 25, 12, 8), (49, 2, 16), (49, 8, 8), ("held", 49, 4, 16), (15, 5, 16)])


def engines():
    names = "W K M S STEPS FOLDS PASSES RESULTS"
    yield from grid("ss_front", names, [
        (16, 9, 1, 1, 16, 4, 1, 16), (16, 9, 3, 1, 16, 4, 1, 16), (16, 9, 9, 1, 16, 4, 1, 16), (8, 9, 3, 4, 8, 1, 1, 16),
        (16, 9, 9, 4, 64, 8, 1, 32), (16, 1, 1, 4, 16, 16, 1, 32), (8, 49, 7, 1, 3, 16, 1, 32), (16, 9, 1, 4, 1, 1, 16, 16),
        (16, 64, 1, 1, 1, 10, 1, 16), ("held", 8, 9, 9, 2, 32, 16, 1, 32), ("held", 16, 25, 5, 2, 3, 2, 1, 16),
        ("held", 8, 9, 1, 8, 8, 2, 1, 16)])
    yield from grid("ss_front_sparse", names, [
        (16, 9, 1, 1, 16, 4, 1, 16), (16, 9, 2, 1, 16, 4, 1, 16), (16, 9, 3, 1, 16, 4, 1, 16), (16, 9, 4, 1, 16, 4, 1, 16),
        (16, 9, 6, 1, 16, 4, 1, 16), (16, 9, 8, 1, 16, 4, 1, 16), (8, 9, 1, 4, 16, 8, 1, 32), (8, 9, 2, 4, 8, 1, 1, 16),
        (8, 9, 4, 2, 1, 1, 16, 16), (16, 9, 3, 4, 64, 8, 1, 32), (16, 9, 1, 4, 1, 1, 16, 16), (16, 25, 1, 1, 8, 4, 1, 16),
        (16, 25, 4, 1, 8, 4, 1, 16), (8, 25, 2, 2, 8, 1, 1, 16), (8, 4, 2, 4, 8, 8, 1, 32), (16, 49, 2, 1, 3, 4, 1, 16),
        (8, 25, 8, 1, 8, 4, 1, 16), (16, 9, 1, 8, 32, 2, 1, 16), (16, 15, 5, 1, 8, 4, 1, 16),
        ("held", 16, 9, 5, 1, 16, 4, 1, 16), ("held", 8, 9, 3, 2, 32, 16, 1, 64), ("held", 16, 9, 2, 4, 8, 2, 1, 16),
        ("held", 8, 9, 6, 2, 8, 1, 1, 16), ("held", 16, 9, 1, 2, 8, 16, 1, 32), ("held", 8, 25, 1, 2, 8, 4, 1, 16),
        ("held", 16, 16, 4, 1, 8, 8, 1, 32), ("held", 8, 9, 7, 1, 16, 4, 1, 16)])
    yield from grid("ss_dot", "W GR CI CO M ACC", [
        (16, 1, 1, 1, 1, 40), (16, 1, 1, 4, 3, 40), (16, 1, 4, 2, 1, 40), (8, 1, 1, 2, 4, 24), (8, 4, 1, 1, 9, 20),
        (8, 1, 2, 4, 5, 24), ("held", 16, 1, 2, 4, 2, 38), ("held", 8, 1, 4, 4, 3, 24), ("held", 16, 1, 3, 2, 3, 33)])
    rows = rom_file(lambda p: p["LANES"] * p["ACC"], lambda p: p["PASSES"] * p["FOLDS"])
    yield from grid("ss_accumulate", "LANES SUM ACC PRE STEPS FOLDS PASSES", [
        (1, 31, 40, 13, 16, 1, 1), (4, 33, 40, 13, 16, 4, 1), (4, 36, 38, 11, 64, 16, 1), (2, 20, 24, 0, 8, 32, 1),
        (8, 18, 22, 0, 4, 1, 8), (2, 33, 36, 9, 1, 8, 1), (2, 34, 40, 13, 32, 128, 1), (4, 17, 22, 0, 1, 1, 1),
        ("held", 2, 36, 40, 13, 32, 8, 1), ("held", 8, 19, 24, 0, 16, 4, 1), ("held", 4, 35, 37, 10, 8, 64, 1)], {"ROM_STYLE": "distributed", "BIAS_FILE": "rows.mem"}, rows)
    yield from grid("ss_accumulate", "LANES SUM ACC PRE STEPS FOLDS PASSES", [(4, 33, 40, 13, 16, 32, 1)],
                    {"ROM_STYLE": "block", "BIAS_FILE": "rows.mem"}, rows)


def broadcast():
    yield from grid("ss_share", "W K P LANES STEPS", [
        (16, 9, 9, 2, 16), (16, 9, 3, 4, 16), (16, 9, 8, 1, 32), (16, 9, 7, 2, 64), (8, 9, 5, 4, 8), (16, 9, 6, 1, 64), (16, 9, 4, 4, 8),
        (8, 9, 2, 8, 4), (8, 25, 10, 1, 6), (8, 9, 9, 4, 128), (16, 4, 2, 4, 32), ("held", 16, 9, 5, 2, 16), ("held", 8, 9, 8, 4, 16),
        ("held", 16, 9, 9, 4, 8), ("held", 16, 9, 2, 2, 64), ("held", 8, 9, 7, 2, 32)])
    yield from grid("ss_compact", "W N STEPS ROWS ROOM", [
        (16, 9, 16, 144, 288), (16, 9, 4, 36, 72), (16, 3, 32, 96, 192), (16, 3, 8, 24, 48), (16, 1, 16, 16, 32), (16, 1, 64, 64, 256),
        (8, 9, 32, 288, 576), (8, 3, 4, 12, 24), (16, 5, 8, 40, 80), (8, 25, 4, 100, 200), (16, 2, 16, 32, 64), (16, 4, 64, 256, 1024),
        ("held", 16, 9, 8, 72, 216), ("held", 8, 5, 16, 80, 160), ("held", 16, 4, 4, 16, 32), ("held", 16, 7, 16, 112, 224),
        ("held", 8, 1, 32, 32, 64)], {"LISTS": 8})
    yield from grid("ss_replay", "W ROWS FOLDS PASSES LEAST ROOM RESULTS", [
        (16, 144, 4, 1, 4, 288, 8), (16, 48, 4, 1, 4, 96, 8), (16, 16, 1, 1, 16, 32, 8), (8, 36, 8, 1, 2, 72, 16),
        (16, 576, 2, 1, 16, 1152, 4), (16, 9, 16, 1, 1, 18, 32), (8, 288, 1, 1, 8, 576, 18), (16, 64, 1, 1, 64, 128, 3),
        (8, 9, 1, 16, 2, 18, 16), (16, 24, 2, 1, 8, 48, 4), (16, 192, 2, 1, 16, 384, 8), (8, 96, 4, 1, 8, 192, 8),
        (16, 36, 1, 1, 32, 72, 4), (8, 16, 4, 1, 4, 48, 8), ("held", 16, 72, 4, 1, 4, 144, 8), ("held", 8, 48, 2, 1, 4, 96, 6),
        ("held", 16, 12, 8, 1, 2, 24, 16), ("held", 16, 256, 1, 1, 32, 512, 3), ("held", 8, 64, 8, 1, 4, 128, 16)], {"LISTS": 8})
    yield from grid("ss_broadcast_lanes", "W CO SUMS ACC", [
        (16, 16, 4, 38), (16, 16, 1, 38), (16, 32, 2, 36), (16, 8, 8, 40), (16, 4, 1, 34), (16, 64, 2, 38), (8, 16, 2, 24),
        (8, 16, 4, 24), (8, 32, 8, 22), (8, 64, 2, 25), (8, 4, 4, 20), (8, 3, 1, 24), ("held", 16, 64, 4, 37),
        ("held", 16, 24, 8, 38), ("held", 8, 32, 2, 24), ("held", 8, 24, 4, 26), ("held", 16, 32, 1, 35)])
    biases = rom_file(lambda p: p["SUMS"] * p["ACC"], lambda p: p["ROWS"])
    yield from grid("ss_broadcast_join", "S SUMS ACC PRE ROWS", [
        (1, 4, 38, 11, 16), (2, 1, 38, 11, 64), (3, 2, 36, 9, 8), (9, 1, 38, 11, 16), (9, 4, 24, 0, 32), (12, 2, 38, 11, 64),
        (24, 1, 36, 9, 256), (4, 8, 25, 0, 4), (1, 1, 22, 0, 16), (6, 2, 37, 10, 1), ("held", 6, 4, 38, 11, 16),
        ("held", 18, 1, 38, 11, 128), ("held", 9, 2, 36, 9, 64), ("held", 3, 4, 24, 0, 32)],
        {"BIAS_FILE": "rows.mem", "ROM_STYLE": "distributed"}, biases)
    yield from grid("ss_broadcast_join", "S SUMS ACC PRE ROWS", [(4, 4, 38, 11, 256)],
                    {"BIAS_FILE": "rows.mem", "ROM_STYLE": "block"}, biases)


def convolutions():
    """16 channels to 16 filters over 16 x 16 pixels; tests/test_cost.c evaluates the same ones."""
    def files(p):
        streams, folds, steps = p["CI"], 16 // p["CO"], 16 // p["CI"]
        lane = p["CO"] * p["W"]
        names = {"bias.mem": (p["CO"] * p["ACC"], folds), "scale.mem": (23 * p["LANES_OUT"], 16 // p["LANES_OUT"])}
        if p["CROSSBAR"] and p["M"] == 1:
            return names | {f"w_{i}.mem": (lane, 9 * steps * folds) for i in range(streams)}
        width, rows = (9, 1) if p["CROSSBAR"] else (p["M"], 9 // p["M"])
        return names | {"w.mem": (streams * lane * width, rows * steps * folds)}

    yield from grid("ss_conv", "W LANES_IN LANES_OUT CI CO M CROSSBAR ACC PRE CACHE ROW_STYLE SHIFT_LO SHIFT_HI", [
        ("whole", 16, 2, 2, 2, 4, 3, 1, 39, 12, 0, "distributed", 22, 37),
        ("whole", 16, 1, 1, 4, 2, 1, 1, 39, 12, 0, "distributed", 22, 37),
        ("whole", 8, 4, 4, 1, 8, 9, 0, 23, 0, 1, "distributed", 18, 33)],
        {"C": 16, "F": 16, "G": 1, "H": 16, "WD": 16, "HO": 16, "WO": 16, "KH": 3, "KW": 3, "SH": 1, "SW": 1, "PT": 1, "PL": 1,
         "GR": 1, "ROWS": 3, "ACT": 0, "WEIGHT_STYLE": "block", "ROM_STYLE": "distributed", "WEIGHT_FILE": "w",
         "BIAS_FILE": "bias.mem", "SCALE_FILE": "scale.mem"}, files)

    def broadcast_files(p):
        steps, folds = 16 // p["LANES"], 16 // p["CO"]
        names = {"bias.mem": (p["SUMS"] * p["ACC"], 16 // p["SUMS"]), "scale.mem": (23 * p["LANES_OUT"], 16 // p["LANES_OUT"])}
        rows = -(-9 * steps // p["P"])
        return names | {f"w_{i}.mem": (p["CO"] * p["W"], rows * folds) for i in range(p["LANES"] * p["P"])}

    names = "W LANES_IN LANES_OUT LANES PIXELS P CO SUMS QUEUE LISTS RESULTS ACC PRE ROW_STYLE SHIFT_LO SHIFT_HI"
    yield from grid("ss_conv_broadcast", names, [
        ("whole", 16, 2, 2, 2, 1, 3, 8, 2, 0, 2, 4, 39, 12, "distributed", 22, 37),
        ("whole", 16, 1, 1, 1, 1, 2, 16, 4, 4, 2, 4, 39, 12, "distributed", 22, 37),
        ("whole", 8, 2, 2, 2, 1, 1, 8, 4, 8, 3, 8, 23, 0, "distributed", 18, 33),
        ("whole", 16, 2, 2, 1, 2, 3, 8, 2, 0, 2, 4, 39, 12, "distributed", 22, 37),
        ("whole", 8, 2, 2, 1, 4, 2, 8, 4, 8, 3, 8, 23, 0, "distributed", 18, 33)],
        {"C": 16, "F": 16, "G": 1, "H": 16, "WD": 16, "HO": 16, "WO": 16, "KH": 3, "KW": 3, "SH": 1, "SW": 1, "PT": 1, "PL": 1,
         "ROWS": 3, "CACHE": 1, "ACT": 0, "WEIGHT_STYLE": "block", "ROM_STYLE": "distributed", "WEIGHT_FILE": "w",
         "BIAS_FILE": "bias.mem", "SCALE_FILE": "scale.mem"}, broadcast_files)


def arithmetic():
    yield from grid("ss_requantise", "LANES IN W CHANNELS SHIFT_LO SHIFT_HI", [
        (1, 27, 16, 64, 24, 31), (4, 27, 16, 64, 1, 45), (2, 27, 16, 32, 20, 35), (2, 22, 8, 16, 20, 27), (4, 24, 8, 256, 1, 45),
        (1, 27, 16, 512, 28, 31), ("held", 2, 27, 16, 128, 22, 29), ("held", 4, 22, 8, 64, 19, 26), ("held", 2, 27, 16, 64, 1, 45)],
        {"STYLE": "distributed", "FILE": "rows.mem"}, rom_file(lambda p: 23 * p["LANES"], lambda p: p["CHANNELS"] // p["LANES"]))
    yield from grid("ss_requantise", "LANES IN W CHANNELS SHIFT_LO SHIFT_HI", [(2, 27, 16, 512, 24, 31)],
                    {"STYLE": "block", "FILE": "rows.mem"},
                    rom_file(lambda p: 23 * p["LANES"], lambda p: p["CHANNELS"] // p["LANES"]))
    yield from grid("ss_relu", "LANES W THR LO CEILING", [
        (1, 16, 100, 0, 32767), (4, 8, 5, 0, 127), (4, 16, 77, 0, 32767), ("held", 8, 16, 300, 0, 32767)])
    yield from grid("ss_relu", "LANES W CHANNELS LO", [
        (1, 16, 64, 0), (4, 16, 64, 0), (4, 8, 256, 0), ("held", 8, 8, 64, 0)],
        {"STYLE": "distributed", "FILE": "rows.mem"},
        rom_file(lambda p: p["LANES"] * p["W"], lambda p: p["CHANNELS"] // p["LANES"]))


def nodes():
    yield from grid("ss_node_add", "LANES_OUT A_LANES B_LANES W ACC SHIFT B_SHIFT", [
        (1, 1, 1, 16, 18, 1, 1), (4, 4, 4, 16, 19, 2, 2), (8, 8, 8, 8, 10, 1, 1), ("held", 2, 2, 2, 16, 20, 3, 3)],
        {"A_SHIFT": 0, "A_DEPTH": 0, "B_DEPTH": 0})
    yield from grid("ss_pool_max", "LANES W K", [
        (1, 16, 9), (4, 8, 9), (2, 16, 4), ("held", 4, 16, 4)])
    yield from grid("ss_pool_avg", "LANES W K COUNTED", [
        (1, 16, 9, 0), (4, 8, 4, 0), (2, 8, 9, 1), ("held", 4, 16, 9, 0)])
    yield from grid("ss_pool_global", "LANES W DEEP H WD MAX", [
        (1, 16, 64, 8, 8, 0), (4, 16, 16, 7, 7, 0), (2, 8, 128, 4, 4, 0), (4, 8, 1, 8, 8, 0), (2, 16, 32, 8, 8, 1),
        ("held", 8, 16, 64, 4, 4, 0)])
    yield from grid("ss_requantise", "LANES IN W MULT SHIFT", [
        (1, 22, 16, 65555, 22), (4, 14, 8, 80001, 22), ("held", 2, 20, 16, 100003, 20)])
    yield from grid("ss_concat", "N LANES W", [(2, 4, 16), (4, 2, 8), (3, 1, 16), ("held", 4, 4, 16)])
    yield from grid("ss_chanpad", "WIDTH BEFORE WORDS AFTER", [(16, 2, 4, 2), (64, 0, 16, 16), ("held", 32, 4, 8, 4)])
    yield from grid("ss_slice_space", "WIDTH DEEP H WD OH OW SH SW HO WO", [
        (16, 16, 32, 32, 0, 0, 2, 2, 16, 16), (64, 4, 16, 16, 0, 0, 2, 2, 8, 8), ("held", 32, 8, 32, 32, 0, 0, 2, 2, 16, 16)])


def windows():
    names = "S W DEEP H WD KH KW SH SW PT PL HO WO ROWS CACHE STYLE"
    yield from grid("ss_window", names, [
        (1, 16, 16, 32, 32, 3, 3, 1, 1, 1, 1, 32, 32, 3, 1, "block"),
        (4, 16, 16, 32, 32, 3, 3, 1, 1, 1, 1, 32, 32, 3, 0, "block"),
        (4, 16, 4, 16, 16, 3, 3, 1, 1, 1, 1, 16, 16, 3, 1, "distributed"),
        (8, 8, 8, 8, 8, 3, 3, 1, 1, 1, 1, 8, 8, 3, 1, "distributed"),
        (4, 16, 16, 32, 32, 3, 3, 2, 2, 1, 1, 16, 16, 4, 1, "block"),
        (2, 16, 8, 16, 16, 3, 3, 2, 2, 1, 1, 8, 8, 4, 0, "distributed"),
        (3, 16, 1, 64, 64, 7, 7, 2, 2, 3, 3, 32, 32, 8, 1, "distributed"),
        (1, 16, 3, 32, 32, 5, 5, 1, 1, 2, 2, 32, 32, 5, 1, "distributed"),
        (4, 16, 16, 32, 32, 1, 1, 2, 2, 0, 0, 16, 16, 1, 0, "distributed"),
        (2, 16, 16, 8, 8, 8, 8, 1, 1, 0, 0, 1, 1, 16, 0, "distributed"),
        ("held", 4, 8, 16, 16, 16, 3, 3, 1, 1, 1, 1, 16, 16, 3, 1, "distributed"),
        ("held", 8, 16, 8, 16, 16, 3, 3, 1, 1, 1, 1, 16, 16, 3, 0, "distributed"),
        ("held", 2, 16, 16, 32, 32, 3, 3, 2, 2, 1, 1, 16, 16, 4, 1, "block"),
        ("held", 2, 16, 32, 16, 16, 1, 1, 2, 2, 0, 0, 8, 8, 1, 0, "block")])


def shells():
    yield from grid("ss_shell", "LANES_IN W_IN WORDS_IN LANES_OUT W_OUT WORDS_OUT NODES LOAD_WORDS", [
        (3, 16, 1024, 1, 16, 10, 10, 0), (3, 16, 1024, 2, 16, 5, 30, 100000),
        (8, 16, 50176, 8, 16, 1000, 60, 1000000), ("held", 3, 16, 50176, 1, 16, 1000, 20, 10000)])


def all_points():
    return [*streams(), *memories(), *crossbars(), *engines(), *broadcast(), *convolutions(), *windows(), *arithmetic(), *nodes(), *shells()]
