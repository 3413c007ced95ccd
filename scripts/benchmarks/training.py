"""Times training steps of CycleGAN and pix2pix beside the same steps in PyTorch, in turns.

scripts/bench training [FOLDER] [--rounds 8] [--threads 2] [--row NAME]... [--precision NAME]...

FOLDER (default runs/bench_training) receives bench_training.json. Each framework runs in its own
process. The first step of each starts from the same weights on the same batch, and its losses must
agree before anything is timed. Takes a quarter of an hour on two idle cores, with 16 GB of memory.
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
from scripts.benchmarks.machine import PUBLISH, installed_torch, machine
from scripts.stress.whole_number import whole_number

SEED = 0
TOLERANCE = 1e-4  # of each loss of the first step, in float32
TRIAL = 2  # timed steps of each layout of PyTorch; the faster layout is compared
PRODUCTS = 3  # timed matrix products of each, after one warm-up
LAYOUTS = ("contiguous", "channels_last")
PRECISIONS = ("float32", "bfloat16")


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
        """Title of the row in the table."""
        return f"{self.title}, {self.side} px"

    def parameters(self) -> dict[str, int]:
        """Parameters of each network, from the shapes of layers."""
        kinds = {
            "generator": step_macs.resnet(self.side, self.base_filters, self.blocks),
            "discriminator": step_macs.patchgan_discriminator(
                self.side, self.base_filters, 3, batch_norm=False
            ),
        }
        names = ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")
        if self.method == "pix2pix":
            discriminator = step_macs.patchgan_discriminator(
                self.side, self.base_filters, 6, batch_norm=True
            )
            kinds = {
                "generator": step_macs.unet(self.side, self.base_filters),
                "discriminator": discriminator,
            }
            names = ("generator", "discriminator")
        return {name: step_macs.parameters(kinds[name.split("_")[0]]) for name in names}

    def multiply_adds(self) -> int:
        """Multiply-adds of a step, from the shapes of layers."""
        if self.method == "pix2pix":
            return step_macs.pix2pix_step(self.side, self.base_filters)
        return step_macs.cyclegan_step(self.side, self.base_filters, self.blocks)


ROWS = {
    "cyclegan_128": Row("cyclegan", "CycleGAN", 128),
    "cyclegan_256": Row("cyclegan", "CycleGAN", 256),
    "pix2pix_256": Row("pix2pix", "pix2pix", 256),
}


class DisagreementError(Exception):
    """The two frameworks do not train the same networks on the same losses."""


class Trainer(TimedProcess):
    """A child process that takes training steps and keeps their losses."""

    def __init__(self, command: Sequence[str | Path], task: Mapping[str, Any]) -> None:
        super().__init__([*map(str, command), json.dumps(task)])
        self.losses: list[dict[str, float]] = []

    def run(self) -> float:
        """Takes a step; returns its milliseconds."""
        answer = self.ask("run")
        self.losses.append(answer["losses"])
        return answer["ms"]

    def product(self) -> float:
        """Multiplies two matrices; returns the milliseconds."""
        return self.ask("product")["ms"]


@dataclass
class Measured:
    """The measurements of one row in one precision; times in milliseconds, by framework."""

    layout: str
    layouts_ms: dict[str, list[float]]
    agreement: dict[str, Any]
    times: dict[str, list[float]] = field(default_factory=dict)
    products: dict[str, list[float]] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def measure(row: Row, precision: str, options: argparse.Namespace) -> Measured:
    """Checks that both frameworks take the same first step, then times them in turns.

    Raises:
        DisagreementError: If parameters or losses differ.
        ExportError: If a child fails.
    """
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, ExitStack() as stack:
        task = {
            "method": row.method, "side": row.side, "base_filters": row.base_filters,
            "blocks": row.blocks, "precision": precision, "threads": options.threads, "seed": SEED,
            "product": options.product, "folder": folder,
        }  # fmt: skip
        command = [sys.executable, "-P", "-m", "scripts.benchmarks.training_keras"]
        ours = stack.enter_context(Trainer(command, task))
        torch_python = installed_torch("training")
        command = [torch_python, "-P", "-m", "scripts.benchmarks.pytorch.training"]
        others = {
            layout: stack.enter_context(Trainer(command, {**task, "layout": layout}))
            for layout in LAYOUTS
        }
        trials = take_turns(others, TRIAL, warm_up=1)
        layout = min(LAYOUTS, key=lambda name: min(trials[name]))
        for name in set(LAYOUTS) - {layout}:
            others[name].__exit__(None, None, None)
        ours.run()
        agreement = agree(row, precision, ours, others)
        measured = Measured(layout, trials, agreement)
        runners = {"ours": ours, "PyTorch": others[layout]}
        measured.times = take_turns(runners, options.rounds, warm_up=1)
        for _ in range(PRODUCTS + 1):
            for name, runner in runners.items():
                measured.products.setdefault(name, []).append(runner.product())
        for name, runner in runners.items():
            measured.versions |= runner.loaded["versions"]
            measured.peaks[name] = runner.ask("finish")["peak"]
    return measured


def agree(row: Row, precision: str, ours: Trainer, others: Mapping[str, Trainer]) -> dict:
    """Parameters and losses of the first step in both frameworks.

    Raises:
        DisagreementError: If parameters differ from each other or from the shapes of layers, a
            loss is not finite or, in float32, differs by more than `TOLERANCE`.
    """
    expected = row.parameters()
    for name, trainer in {"ours": ours, **others}.items():
        if trainer.loaded["parameters"] != expected:
            raise DisagreementError(
                f"{row.name}: parameters must be {expected}, {name} has "
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
    return {"parameters": expected, "first step": first, "difference": differences[worst]}


def metrics(row: Row, measured: Measured, peak: float) -> dict[str, Any]:
    """A row of the table; `peak` in billions of multiply-adds per second."""
    compared = ratios(measured.times["ours"], measured.times["PyTorch"])
    giga = row.multiply_adds() / 1e9

    def fraction_of_peak(milliseconds: float) -> float:
        return giga / milliseconds * 1000 / peak

    return {
        "ms": compared["median_ms"],
        "PyTorch ms": compared["other_median_ms"],
        "PyTorch layout": measured.layout,
        "ratio": compared["ratio"],
        "ratio p10": compared["ratio_p10"],
        "ratio p90": compared["ratio_p90"],
        "GMAC": giga,
        "peak GMAC/s": peak,
        "fraction of peak": fraction_of_peak(compared["median_ms"]),
        "PyTorch fraction of peak": fraction_of_peak(compared["other_median_ms"]),
        "peak MB": measured.peaks["ours"],
        "PyTorch peak MB": measured.peaks["PyTorch"],
        "first step differs by": measured.agreement["difference"],
    }


def peaks(results: Mapping[tuple[str, str], Measured], side: int) -> dict[str, float]:
    """The fastest matrix product of either framework by precision, in billions per second."""
    fastest: dict[str, float] = {}
    for (_, precision), measured in results.items():
        ms = min(min(times[1:]) for times in measured.products.values())
        fastest[precision] = min(ms, fastest.get(precision, ms))
    return {precision: side**3 / 1e9 / (ms / 1000) for precision, ms in fastest.items()}


def write(options: argparse.Namespace, rows: Mapping[str, Row], results: Mapping) -> Path:
    """Writes bench_training.json and prints the table."""
    peak = peaks(results, options.product)
    keys = {f"{rows[name].name}, {precision}": (name, precision) for name, precision in results}
    table = {
        title: metrics(rows[key[0]], results[key], peak[key[1]]) for title, key in keys.items()
    }
    by_title = {title: results[key] for title, key in keys.items()}
    result = {
        "command": shlex.join(["scripts/bench", "training", *options.recorded]),
        "date": datetime.date.today().isoformat(),
        "seed": SEED,
        "machine": machine(),
        "versions": next(iter(results.values())).versions,
        "threads": options.threads,
        "rounds": options.rounds,
        "batch": 1,
        "blocks": options.blocks,
        "base_filters": options.base_filters,
        "matrix product": options.product,
        "tolerance": TOLERANCE,
        "side_by_side": table,
        "agreement": {name: each.agreement for name, each in by_title.items()},
        "rounds_ms": {name: _rounded(each.times) for name, each in by_title.items()},
        "layouts_ms": {name: _rounded(each.layouts_ms) for name, each in by_title.items()},
        "products_ms": {name: _rounded(each.products) for name, each in by_title.items()},
    }
    file = options.folder / "bench_training.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    for name, row in table.items():
        print(
            f"{name:28} {row['ms']:9.1f} ms, PyTorch ({row['PyTorch layout']}) "
            f"{row['PyTorch ms']:9.1f} ms, ratio {row['ratio']:.3f} "
            f"({row['ratio p10']:.3f} to {row['ratio p90']:.3f}), {row['GMAC']:.1f} GMAC, "
            f"{row['fraction of peak']:.0%} of {row['peak GMAC/s']:.1f} GMAC/s"
        )
    return file


def _rounded(times: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {name: [round(ms, 4) for ms in values] for name, values in times.items()}


def main(arguments: Sequence[str]) -> int:
    """Measures all rows; returns 1 if the frameworks disagree or one fails, else 0."""
    options = _arguments(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    rows = {
        name: Row(
            row.method,
            row.title,
            int(row.side * options.size_factor),
            options.base_filters,
            options.blocks,
        )
        for name, row in ROWS.items()
        if name in (options.row or ROWS)
    }
    results = {}
    try:
        for name, row in rows.items():
            for precision in options.precision or PRECISIONS:
                print(f"{row.name}, {precision} ...", file=sys.stderr, flush=True)
                measured = results[name, precision] = measure(row, precision, options)
                ours, theirs = (median(measured.times[who]) for who in ("ours", "PyTorch"))
                print(
                    f"  ours {ours:.1f} ms, PyTorch ({measured.layout}) {theirs:.1f} ms; losses "
                    f"of the first step differ by {measured.agreement['difference']:.2g}",
                    file=sys.stderr,
                    flush=True,
                )
    except (DisagreementError, ExportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    file = write(options, rows, results)
    print(f"result: {file}; to publish: {PUBLISH} --benchmark {options.folder} bench_training")
    return 0


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench training")
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path("runs/bench_training"),
        help="where the result goes; default %(default)s",
    )  # fmt: skip
    parser.add_argument("--row", action="append", choices=ROWS, help="one of three; repeatable")
    parser.add_argument("--precision", action="append", choices=PRECISIONS, help="repeatable")
    parser.add_argument("--rounds", type=whole_number, default=8, help="timed steps of each")
    parser.add_argument("--threads", type=whole_number, default=2, help="processor threads of each")
    parser.add_argument("--size-factor", type=float, default=1.0, help="of the sides of images")
    parser.add_argument(
        "--base-filters", type=whole_number, default=64, help="channels of the first layers"
    )
    parser.add_argument(
        "--blocks", type=whole_number, default=9, help="residual blocks of CycleGAN"
    )
    parser.add_argument("--product", type=whole_number, default=4096, help="side of the matrices")
    options = parser.parse_args(arguments)
    for row in ROWS.values():
        side = row.side * options.size_factor
        if side < 32 or side != int(side) or int(side) & (int(side) - 1):
            parser.error(
                f"--size-factor must make {row.side} a power of two of at least 32, got {side:g}"
            )
    options.recorded = [each for each in arguments if each != str(options.folder)]
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
