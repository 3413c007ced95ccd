"""Takes two training steps of each method beside an independent computation in PyTorch.

scripts/bench parity [FOLDER] [--method NAME]... [--seed 0] [--tries 3]

FOLDER (default runs/parity) receives parity.json. Both sides start from equal weights, batches and
random values. The losses, the order of turns and the optimizers of the other side are written from
the papers (scripts/benchmarks/parity) and computed in float64; from ours it has the architecture of
the networks, not their code. Exits with code 1 if the sides differ by more than:

- 1e-4 of its value for a loss of any step, before loss weights;
- .05 of a step for the weights of a player at the end (root mean square). A step is the root mean
  square of what one update adds to them;
- 1e-3 of their norm for a network's gradients in its player's first turn.

A ReLU whose input is within rounding of 0 has gradient 0 on one side and 1 on the other. Small
networks then differ by some percent in their next gradients. So up to three seeds of weights and
batches are tried, and those that failed are in parity.json. Takes about twenty seconds a method and
seed, most of them to trace our step.
"""

import argparse
import datetime
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.benchmarks.machine import (
    PUBLISH,
    installed_torch,
    machine,
    versions,
    with_root_on_path,
)
from scripts.benchmarks.parity import compare
from scripts.benchmarks.parity.cases import CASES, Case
from scripts.stress.whole_number import whole_number

_KINDS = ("losses", "gradients", "later_gradients", "averages")


def compare_case(case: Case, folder: Path, python: Path, seed: int) -> tuple[dict[str, Any], str]:
    """Takes a case's steps on both sides.

    Args:
        case: The case.
        folder: Receives what both sides write, by stage.
        python: Interpreter that has PyTorch.
        seed: Of weights and batches.

    Returns:
        The row of parity.json, and the version of PyTorch.

    Raises:
        subprocess.CalledProcessError: If the independent side fails.
        MissingValueError: If the two sides do not have the same losses and weights.
    """
    from scripts.benchmarks.parity.ours import write_stages  # late, as it loads TensorFlow

    stages = write_stages(case, folder, seed)
    command = [python, "-P", "-m", "scripts.benchmarks.parity.independent", *stages]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=with_root_on_path()
    )
    compared = {}
    for stage in stages:
        with np.load(stage / "ours.npz") as ours, np.load(stage / "independent.npz") as other:
            compared[stage.name] = compare.compare(dict(ours), dict(other))
    return _row(case, compared), done.stdout.strip()


def first_that_passes(
    case: Case, folder: Path, python: Path, seeds: Sequence[int]
) -> tuple[dict[str, Any], str]:
    """Tries seeds until both sides agree; the row and the version of PyTorch of the last one.

    The row's `failed_seeds` has what was beyond its limit at each seed before it.
    """
    failed: dict[str, list[str]] = {}
    for seed in seeds:
        row, torch_version = compare_case(case, folder, python, seed)
        row |= {"seed": seed, "failed_seeds": dict(failed)}
        if row["passed"]:
            break
        failed[str(seed)] = row["failures"]
    return row, torch_version


def _row(case: Case, stages: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A row: the largest differences of all stages, and each stage by itself."""
    weights = [each for stage in stages.values() for each in stage["weights"].values()]
    failed = [
        f"{name}, {failure}" if len(stages) > 1 else failure
        for name, stage in stages.items()
        for failure in compare.failures(stage)
    ]
    return {
        "name": case.name,
        "method": case.method,
        "settings": dict(case.settings),
        "reasons": case.reasons,
        "loss_weights": dict(case.loss_weights),
        "shapes": [list(shape) for shape in case.shapes],
        "batch": case.batch,
        "steps": case.steps,
        "random": case.random,
        "passed": not failed,
        "failures": failed,
        **{kind: max(stage[kind]["value"] for stage in stages.values()) for kind in _KINDS},
        "weights": sum(each["count"] for each in weights),
        "weights rms": max(each["rms"] for each in weights),
        "weights largest": max(each["largest"] for each in weights),
        "outliers": sum(stage["outliers"]["count"] for stage in stages.values()),
        "zero gradients": sum(stage["zero_gradients"]["count"] for stage in stages.values()),
        "stages": dict(stages),
    }


def main(arguments: Sequence[str]) -> int:
    """Compares all cases; returns 1 if one differs by more than it may, else 0."""
    options = _arguments(arguments)
    python = installed_torch("parity")
    seeds = range(options.seed, options.seed + options.tries)
    rows, torch_version = [], ""
    for case in CASES:
        if case.method not in (options.method or {case.method}):
            continue
        folder = options.folder / "stages" / case.name.replace(", ", "_").replace(" ", "_")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            row, torch_version = first_that_passes(case, folder, python, seeds)
        except (subprocess.CalledProcessError, compare.MissingValueError) as error:
            print(f"error: {case.name}: {error}", file=sys.stderr)
            return 1
        rows.append(row)
        print(_line(row), flush=True)
        for seed, failures in row["failed_seeds"].items():
            print(f"  seed {seed} {'; '.join(failures)}")
        for failure in row["failures"]:
            print(f"  {failure}")
    result = {
        "command": shlex.join(["scripts/bench", "parity", *options.recorded]),
        "date": datetime.date.today().isoformat(),
        "seed": options.seed,
        "machine": machine(),
        "versions": versions(("tensorflow", "keras", "numpy")) | {"torch": torch_version},
        "limits": {
            "losses": compare.LOSSES,
            "gradients": compare.GRADIENTS,
            "averages": compare.AVERAGES,
            "weights rms": compare.WEIGHTS,
        },
        "outlier": compare.OUTLIER,
        "parity": rows,
    }
    file = options.folder / "parity.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    print(f"result: {file}; to publish: {PUBLISH} --parity {options.folder} parity")
    return 0 if all(row["passed"] for row in rows) else 1


def _line(row: Mapping[str, Any]) -> str:
    return (
        f"{row['name']:26} losses {row['losses']:.1e}, gradients {row['gradients']:.1e}, "
        f"averages {row['averages']:.1e}, weights rms {row['weights rms']:.4f}, largest "
        f"{row['weights largest']:.2f} steps, {row['outliers']} outliers of {row['weights']:,}"
    )


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench parity")
    parser.add_argument(
        "folder", type=Path, nargs="?", default=Path("runs/parity"),
        help="where the result goes; default %(default)s",
    )  # fmt: skip
    methods = list(dict.fromkeys(case.method for case in CASES))
    parser.add_argument("--method", action="append", choices=methods, help="repeatable")
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches")
    parser.add_argument(
        "--tries", type=whole_number, default=3, help="seeds until both sides agree"
    )
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    options.recorded = [each for each in arguments if each != str(options.folder)]
    return options


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.exit(main(sys.argv[1:]))
