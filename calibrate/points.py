"""What calibrate/sweep.py measures: modules with parameters that span what networks use. About a quarter of the points is
`held` out of the fit, between and beyond the others, to measure the model's error."""
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


def slices():
    for width in (1, 8, 40, 128):
        yield Point("ss_slice", {"WIDTH": width})
    yield Point("ss_slice", {"WIDTH": 64}, "held")


def roms():
    for module in ("ss_rom", "ss_weights"):
        for style, width, depth, use in (
                ("distributed", 16, 20, "fit"), ("distributed", 36, 64, "fit"), ("distributed", 24, 100, "fit"),
                ("distributed", 30, 200, "held"), ("distributed", 20, 512, "fit"), ("distributed", 48, 32, "held"),
                ("block", 36, 512, "fit"), ("block", 72, 600, "fit"), ("block", 40, 2048, "fit"), ("block", 100, 1000, "held"),
                ("block", 18, 4096, "held")):
            yield Point(module, {"STYLE": style, "WIDTH": width, "DEPTH": depth, "FILE": "rows.mem"}, use,
                        {"rows.mem": (width, depth)})
    for width, depth, use in ((64, 512, "fit"), (72, 4096, "fit"), (144, 5000, "held"), (300, 100, "fit")):
        yield Point("ss_weights", {"STYLE": "ultra", "WIDTH": width, "DEPTH": depth}, use)


def rams():
    for style, width, depth, use in (
            ("distributed", 8, 16, "fit"), ("distributed", 32, 32, "fit"), ("distributed", 28, 64, "fit"),
            ("distributed", 64, 100, "held"), ("distributed", 28, 256, "fit"), ("distributed", 60, 20, "held"),
            ("block", 36, 512, "fit"), ("block", 64, 1024, "held")):
        yield Point("ss_ram", {"STYLE": style, "WIDTH": width, "DEPTH": depth}, use)


def all_points():
    return [*slices(), *rams(), *roms()]
