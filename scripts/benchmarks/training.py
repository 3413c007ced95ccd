"""Training steps of ours and of PyTorch, taking turns: the race of scripts/bench_training.

Each runs in a process of its own that stays up. The first step of each starts from the same weights
on the same batch, and its losses must agree before anything is timed.
"""

import argparse
import datetime
import json
import math
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from exporters.benchmark.compare import ratios, take_turns
from exporters.benchmark.timed_process import TimedProcess
from exporters.errors import ExportError
from scripts.benchmarks import step_macs
from scripts.benchmarks.machine import machine
from scripts.stress.whole_number import whole_number

SEED = 0
TOLERANCE = 1e-4  # of each loss of the first step, in float32
TRIAL = 2  # timed steps of each layout of PyTorch ahead of the race
PRODUCTS = 3  # timed matrix products of each, after one to warm up
LAYOUTS = ("contiguous", "channels_last")
PRECISIONS = ("float32", "bfloat16")
SCRIPTS = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """A training step that is timed, on a batch of one square image of each domain."""

    method: str
    title: str
    side: int
    base_filters: int = 64
    blocks: int = 9

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.title}, {self.side} px"

    def parameters(self) -> dict[str, int]:
        """Of each network, from the shapes of layers."""
        kinds = {
            "generator": step_macs.resnet(self.side, self.base, self.blocks),
            "discriminator": step_macs.patchgan_discriminator(
                self.side, self.base, 3, batch_norm=False
            ),
        }
        names = ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")
        if self.method == "pix2pix":
            discriminator = step_macs.patchgan_discriminator(
                self.side, self.base, 6, batch_norm=True
            )
            kinds = {
                "generator": step_macs.unet(self.side, self.base),
                "discriminator": discriminator,
            }
            names = ("generator", "discriminator")
        return {name: step_macs.parameters(kinds[name.split("_")[0]]) for name in names}

    def multiply_adds(self) -> int:
        """Of a step, from the shapes of layers."""
        if self.method == "pix2pix":
            return step_macs.pix2pix_step(self.side, self.base)
        return step_macs.cyclegan_step(self.side, self.base, self.blocks)


ROWS = {
    "cyclegan_128": Row("cyclegan", "CycleGAN", 128),
    "cyclegan_256": Row("cyclegan", "CycleGAN", 256),
    "pix2pix_256": Row("pix2pix", "pix2pix", 256),
}


class DisagreementError(Exception):
    """The two do not train the same networks on the same losses."""


class Trainer(TimedProcess):
    """A child that takes training steps and remembers their losses."""

    def __init__(self, command: Sequence[str | Path], task: Mapping[str, Any]) -> None:
        super().__init__([*map(str, command), json.dumps(task)])
        self.losses: list[dict[str, float]] = []

    def run(self) -> float:
        """Takes a step; milliseconds."""
        answer = self.ask("run")
        self.losses.append(answer["losses"])
        return answer["ms"]

    def product(self) -> float:
        """Multiplies two matrices; milliseconds."""
        return self.ask("product")["ms"]


@dataclass
class Race:
    """What one row in one precision gave; times in milliseconds, by name."""

    layout: str
    layouts_ms: dict[str, list[float]]
    agreement: dict[str, Any]
    times: dict[str, list[float]] = field(default_factory=dict)
    products: dict[str, list[float]] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def race(row: Row, precision: str, given: argparse.Namespace) -> Race:
    """Checks that both take the same first step, then lets them take turns.

    Raises:
        DisagreementError: If parameters or losses differ.
        ExportError: If a child fails.
    """
    with tempfile.TemporaryDirectory(dir=given.folder) as folder, ExitStack() as stack:
        task = {
            "method": row.method, "side": row.side, "base_filters": row.base, "blocks": row.blocks,
            "precision": precision, "threads": given.threads, "seed": SEED,
            "product": given.product, "folder": folder,
        }  # fmt: skip
        command = [sys.executable, SCRIPTS / "bench_training_keras.py"]
        ours = stack.enter_context(Trainer(command, task))
        command = [given.torch_python, SCRIPTS / "bench_training_torch.py"]
        others = {
            layout: stack.enter_context(Trainer(command, {**task, "layout": layout}))
            for layout in LAYOUTS
        }
        tried = take_turns(others, TRIAL, warm_up=1)
        layout = min(LAYOUTS, key=lambda name: min(tried[name]))
        for name in set(LAYOUTS) - {layout}:
            others[name].__exit__(None, None, None)
        ours.run()
        agreement = agree(row, precision, ours, others)
        found = Race(layout, tried, agreement)
        runners = {"ours": ours, "PyTorch": others[layout]}
        found.times = take_turns(runners, given.rounds, warm_up=1)
        for _ in range(PRODUCTS + 1):
            for name, runner in runners.items():
                found.products.setdefault(name, []).append(runner.product())
        for name, runner in runners.items():
            found.versions |= runner.loaded["versions"]
            found.peaks[name] = runner.ask("finish")["peak"]
    return found


def agree(row: Row, precision: str, ours: Trainer, others: Mapping[str, Trainer]) -> dict:
    """Parameters and losses of the first step side by side.

    Raises:
        DisagreementError: If parameters differ from each other or from the shapes of layers, a
            loss is not finite or, in float32, differs by more than `TOLERANCE`.
    """
    counted = row.parameters()
    for name, trainer in {"ours": ours, **others}.items():
        if trainer.loaded["parameters"] != counted:
            raise DisagreementError(
                f"{row.name}: parameters must be {counted}, {name} has "
                f"{trainer.loaded['parameters']}"
            )
    first = {"ours": ours.losses[0]}
    first |= {f"PyTorch {layout}": each.losses[0] for layout, each in others.items()}
    differences = {
        f"{name}, {term}": abs(value - first["ours"][term])
        for name, losses in first.items()
        for term, value in losses.items()
    }
    finite = {name: d if math.isfinite(d) else math.inf for name, d in differences.items()}
    worst = max(finite, key=finite.__getitem__)
    if finite[worst] > (TOLERANCE if precision == "float32" else sys.float_info.max):
        raise DisagreementError(
            f"{row.name}, {precision}: losses of the first step must be finite and agree within "
            f"{TOLERANCE} in float32, {worst} is off by {differences[worst]:.3g}: ours "
            f"{first['ours']}"
        )
    return {"parameters": counted, "first step": first, "difference": differences[worst]}


def metrics(row: Row, found: Race, peak: float) -> dict[str, Any]:
    """A row of the table; `peak` in thousand million multiply-adds a second."""
    compared = ratios(found.times["ours"], found.times["PyTorch"])
    giga = row.multiply_adds() / 1e9

    def share(milliseconds: float) -> float:
        return giga / milliseconds * 1000 / peak

    return {
        "ms": compared["median_ms"],
        "PyTorch ms": compared["other_median_ms"],
        "PyTorch layout": found.layout,
        "ratio": compared["ratio"],
        "ratio p10": compared["ratio_p10"],
        "ratio p90": compared["ratio_p90"],
        "GMAC": giga,
        "peak GMAC/s": peak,
        "share of peak": share(compared["median_ms"]),
        "PyTorch share of peak": share(compared["other_median_ms"]),
        "peak MB": found.peaks["ours"],
        "PyTorch peak MB": found.peaks["PyTorch"],
        "first step differs by": found.agreement["difference"],
    }


def peaks(races: Mapping[tuple[str, str], Race], side: int) -> dict[str, float]:
    """The fastest matrix product of either by precision, in thousand million a second."""
    quickest: dict[str, float] = {}
    for (_, precision), found in races.items():
        own = min(min(times[1:]) for times in found.products.values())
        quickest[precision] = min(own, quickest.get(precision, own))
    return {precision: side**3 / 1e9 / (ms / 1000) for precision, ms in quickest.items()}


def write(given: argparse.Namespace, rows: Mapping[str, Row], races: Mapping) -> Path:
    """Writes bench_training.json and prints the table."""
    peak = peaks(races, given.product)
    named = {f"{rows[name].name}, {precision}": key for key in races for name, precision in [key]}
    table = {name: metrics(rows[key[0]], races[key], peak[key[1]]) for name, key in named.items()}
    found = {name: races[key] for name, key in named.items()}
    result = {
        "command": f"scripts/bench_training {shlex.join(given.words)}".strip(),
        "date": datetime.date.today().isoformat(),
        "seed": SEED,
        "machine": machine(),
        "versions": next(iter(races.values())).versions,
        "threads": given.threads,
        "rounds": given.rounds,
        "batch": 1,
        "blocks": given.blocks,
        "base_filters": given.base,
        "matrix product": given.product,
        "tolerance": TOLERANCE,
        "side_by_side": table,
        "agreement": {name: each.agreement for name, each in found.items()},
        "rounds_ms": {name: _rounded(each.times) for name, each in found.items()},
        "layouts_ms": {name: _rounded(each.layouts_ms) for name, each in found.items()},
        "products_ms": {name: _rounded(each.products) for name, each in found.items()},
    }
    file = given.folder / "bench_training.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    for name, row in table.items():
        print(
            f"{name:28} {row['ms']:9.1f} ms, PyTorch ({row['PyTorch layout']}) "
            f"{row['PyTorch ms']:9.1f} ms, ratio {row['ratio']:.3f} "
            f"({row['ratio p10']:.3f} to {row['ratio p90']:.3f}), {row['GMAC']:.1f} GMAC, "
            f"{row['share of peak']:.0%} of {row['peak GMAC/s']:.1f} GMAC/s"
        )
    return file


def _rounded(times: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {name: [round(ms, 4) for ms in values] for name, values in times.items()}


def main(words: Sequence[str]) -> int:
    """Races all rows; 0 when done, 1 if the two do not agree or one fails."""
    given = _arguments(words)
    given.folder.mkdir(parents=True, exist_ok=True)
    rows = {
        name: Row(
            row.method, row.title, int(row.side * given.size_factor), given.base, given.blocks
        )
        for name, row in ROWS.items()
        if name in (given.row or ROWS)
    }
    races = {}
    try:
        for name, row in rows.items():
            for precision in given.precision or PRECISIONS:
                print(f"{row.name}, {precision} ...", file=sys.stderr, flush=True)
                found = races[name, precision] = race(row, precision, given)
                print(
                    f"  ours {median(found.times['ours']):.1f} ms, PyTorch ({found.layout}) "
                    f"{median(found.times['PyTorch']):.1f} ms; losses of the first step differ by "
                    f"{found.agreement['difference']:.2g}",
                    file=sys.stderr,
                    flush=True,
                )
    except (DisagreementError, ExportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    file = write(given, rows, races)
    print(
        f"result: {file}; to publish: python scripts/results/publish.py --benchmark "
        f"{given.folder} bench_training"
    )
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench_training")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--torch-python", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--row", action="append", choices=ROWS, help="one of three; repeatable")
    parser.add_argument("--precision", action="append", choices=PRECISIONS, help="repeatable")
    parser.add_argument("--rounds", type=whole_number, default=8, help="timed steps of each")
    parser.add_argument("--threads", type=whole_number, default=2, help="processor threads of each")
    parser.add_argument("--size-factor", type=float, default=1.0, help="of the sides of images")
    parser.add_argument("--base", type=whole_number, default=64, help="channels of first layers")
    parser.add_argument(
        "--blocks", type=whole_number, default=9, help="residual blocks of CycleGAN"
    )
    parser.add_argument("--product", type=whole_number, default=4096, help="side of the matrices")
    given = parser.parse_args(words)
    for row in ROWS.values():
        side = row.side * given.size_factor
        if side < 32 or side != int(side) or int(side) & (int(side) - 1):
            parser.error(
                f"--size-factor must make {row.side} a power of two of at least 32, got {side:g}"
            )
    # The command as it was typed: without the folder and what the shell script adds.
    given.words = list(words[3:])
    return given


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
